/* What was got and made, in a small JSON file for each thing, so that `dylumo get` and
 * `dylumo doctor` can tell it later. Losing one costs nothing but that. */
#include "dy_get.h"

#include "get_words.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

bool dy_item_folder(char *folder, size_t size)
{
    return get_data_folder(folder, size);
}

enum dylumo_status dy_item_place(const char *name, char *path, size_t size,
                                 struct dylumo_error *err)
{
    char folder[2048], whole[2304];
    if (!get_data_folder(folder, sizeof folder))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "there is no folder for data: HOME is not set; name one in XDG_DATA_HOME");
    snprintf(whole, sizeof whole, "%s/%.200s", folder, name);
    if (!get_join(path, size, whole, ""))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: the path is too long", whole);
    return dy_get_folders_of(path, err);
}

static void take(const json_t *root, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(root, key));
    snprintf(out, size, "%s", text ? text : "");
}

bool dy_item_recall(const struct dy_item *item, struct dy_item_record *record)
{
    char folder[2048], path[2304];
    *record = (struct dy_item_record){0};
    if (!get_data_folder(folder, sizeof folder))
        return false;
    snprintf(path, sizeof path, "%s/items/%s.json", folder, item->name);
    json_t *root = json_load_file(path, 0, NULL);
    const char *id = json_string_value(json_object_get(root, "source"));
    bool good = id && !strcmp(id, item->id);
    if (good) {
        take(root, "version", record->version, sizeof record->version);
        take(root, "made", record->made, sizeof record->made);
        take(root, "time", record->time, sizeof record->time);
        json_int_t bytes = json_integer_value(json_object_get(root, "bytes"));
        record->bytes = bytes > 0 ? (uint64_t)bytes : 0;
        record->there = record->made[0] && !access(record->made, F_OK);
    }
    json_decref(root);
    return good;
}

uint64_t dy_item_bytes(const struct dy_item_files *files)
{
    uint64_t bytes = 0;
    struct stat info;
    for (size_t i = 0; i < files->count; i++)
        if (!stat(files->paths[i], &info))
            bytes += (uint64_t)info.st_size;
    return bytes;
}

enum dylumo_status dy_item_remember(const struct dy_item *item, const struct dy_item_files *files,
                                    const char *made, struct dylumo_error *err)
{
    char name[128], path[4096], when[32];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    snprintf(name, sizeof name, "items/%s.json", item->name);
    enum dylumo_status st = dy_item_place(name, path, sizeof path, err);
    if (st)
        return st;
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "item", item->name, "source",
                             item->id, "version", files->version, "made", made, "bytes",
                             (json_int_t)dy_item_bytes(files), "time", when);
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    st = text ? dy_write_file(path, text, strlen(text), err)
              : dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to remember it", item->name);
    json_decref(root);
    free(text);
    return st;
}
