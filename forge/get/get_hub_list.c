/* Which files a repository has: from the service's JSON, or, offline, from the snapshot that is
 * here. */
#include "get_hub.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "get_words.h"

#define MAX_ENTRIES 100000
#define MAX_DEPTH 8

void dy_hub_list_clear(struct dy_hub_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        dy_free(list->entries[i].name);
    dy_free(list->entries);
    *list = (struct dy_hub_list){0};
}

static enum dylumo_status add(struct dy_hub_list *list, const char *name, uint64_t size,
                              struct dylumo_error *err)
{
    if (list->count >= MAX_ENTRIES)
        return dy_fail(err, DYLUMO_TOO_LARGE, "the repository has more than %d files", MAX_ENTRIES);
    char *copy = dy_strdup(name);
    if (!copy || !dy_grow(&list->entries, &list->room, list->count + 1, sizeof *list->entries)) {
        dy_free(copy);
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the list of a repository");
    }
    list->entries[list->count++] = (struct dy_hub_entry){copy, size};
    return DYLUMO_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct dy_hub_entry *)a)->name, ((const struct dy_hub_entry *)b)->name);
}

static void sort(struct dy_hub_list *list)
{
    if (list->count)
        qsort(list->entries, list->count, sizeof *list->entries, by_name);
}

/* ------------------------------------------------------------------ from the service */

static enum dylumo_status take_files(const json_t *root, const char *name, struct dy_hub_list *list,
                                     struct dylumo_error *err)
{
    const json_t *files = json_object_get(root, "siblings");
    const char *commit = json_string_value(json_object_get(root, "sha"));
    if (!json_is_array(files) || !commit || strlen(commit) >= sizeof list->commit ||
        !hub_word_good(commit))
        return dy_fail(err, DYLUMO_NETWORK,
                       "%s: the list of files can't be read: expected 'sha' and 'siblings'", name);
    memcpy(list->commit, commit, strlen(commit) + 1);
    for (size_t i = 0; i < json_array_size(files); i++) {
        const json_t *file = json_array_get(files, i);
        const char *file_name = json_string_value(json_object_get(file, "rfilename"));
        const json_t *size = json_object_get(file, "size");
        if (!file_name || !hub_name_good(file_name))
            return dy_fail(err, DYLUMO_NETWORK,
                           "%s: the list names a file '%s', which is no name inside of a folder",
                           name, file_name ? file_name : "");
        bool told = json_is_integer(size) && json_integer_value(size) >= 0;
        enum dylumo_status st =
            add(list, file_name, told ? (uint64_t)json_integer_value(size) : DY_GET_UNKNOWN, err);
        if (st)
            return st;
    }
    return DYLUMO_OK;
}

enum dylumo_status dy_hub_list_parse(const char *json, const char *name, struct dy_hub_list *list,
                                     struct dylumo_error *err)
{
    *list = (struct dy_hub_list){0};
    json_error_t problem;
    json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, &problem);
    enum dylumo_status st =
        root ? take_files(root, name, list, err)
             : dy_fail(err, DYLUMO_NETWORK, "%s: the list of files is no JSON: %s", name,
                       problem.text);
    json_decref(root);
    if (st)
        dy_hub_list_clear(list);
    sort(list);
    return st;
}

/* ------------------------------------------------------------------ from the cache */

/* prefix: "" or "data/", of what lies in folder. */
static enum dylumo_status add_folder(struct dy_hub_list *list, const char *folder,
                                     const char *prefix, int depth, struct dylumo_error *err)
{
    DIR *entries = opendir(folder);
    enum dylumo_status st = DYLUMO_OK;
    for (const struct dirent *entry; entries && !st && (entry = readdir(entries)) != NULL;) {
        char path[HUB_PATH], name[HUB_PATH], below[HUB_PATH];
        struct stat info;
        int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.' || length >= HUB_PATH ||
            !get_join(name, sizeof name, prefix, entry->d_name) || stat(path, &info))
            continue;
        if (S_ISREG(info.st_mode))
            st = add(list, name, (uint64_t)info.st_size, err);
        else if (S_ISDIR(info.st_mode) && depth < MAX_DEPTH &&
                 snprintf(below, sizeof below, "%s/", name) < HUB_PATH)
            st = add_folder(list, path, below, depth + 1, err);
    }
    if (entries)
        closedir(entries);
    return st;
}

static enum dylumo_status list_here(const struct dy_hub *hub, const struct dy_hub_repo *repo,
                                    struct dy_hub_list *list, struct dylumo_error *err)
{
    char below[256], path[HUB_PATH];
    snprintf(below, sizeof below, "/refs/%s", repo->revision);
    if (!hub_folder(hub, repo, below, path) ||
        !get_file_word(path, list->commit, sizeof list->commit) || !hub_word_good(list->commit))
        return dy_fail(err, DYLUMO_NETWORK,
                       "%s: not in %s, and --offline asks nobody for it: run the same without it",
                       repo->id, hub->cache);
    snprintf(below, sizeof below, "/snapshots/%s", list->commit);
    if (!hub_folder(hub, repo, below, path))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: the path of the cache is too long",
                       hub->cache);
    return add_folder(list, path, "", 0, err);
}

/* ------------------------------------------------------------------ either */

static enum dylumo_status list_there(struct dy_get *get, const struct dy_hub *hub,
                                     const struct dy_hub_repo *repo, struct dy_hub_list *list,
                                     struct dylumo_error *err)
{
    char url[1024];
    char *json = NULL;
    int length = snprintf(url, sizeof url, "%s/api/%s/%s/revision/%s?blobs=true", hub->endpoint,
                          repo->dataset ? "datasets" : "models", repo->id, repo->revision);
    if (length < 0 || (size_t)length >= sizeof url)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: the address is too long", repo->id);
    enum dylumo_status st =
        dy_get_text(get, &get_hub_service, repo->id, url, hub->token, NULL, &json, err);
    if (!st)
        st = dy_hub_list_parse(json, repo->id, list, err);
    dy_free(json);
    return st;
}

enum dylumo_status dy_hub_list(struct dy_get *get, const struct dy_hub *hub,
                               const struct dy_hub_repo *repo, struct dy_hub_list *list,
                               struct dylumo_error *err)
{
    *list = (struct dy_hub_list){0};
    if (!dy_get_offline(get))
        return list_there(get, hub, repo, list, err);
    enum dylumo_status st = list_here(hub, repo, list, err);
    if (st)
        dy_hub_list_clear(list);
    sort(list);
    return st;
}
