/* Kaggle's kernels: scripts that it runs on its machines. Pushed, asked after, and what they left
 * downloaded, with the names of Kaggle's own client (kagglesdk 0.1, kernels_api_service.py). */
#include "get_kaggle.h"

#include "get_hub.h"
#include "get_words.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define MAX_OUTPUT_FILES 200
#define MAX_PAGES 20

/* ------------------------------------------------------------------ push */

static json_t *texts(const char *const *items, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++)
        if (json_array_append_new(list, json_string(items[i]))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static char *dump(json_t *root, size_t flags)
{
    char *text = root ? json_dumps(root, flags) : NULL;
    char *copy = text ? dy_strdup(text) : NULL;
    json_decref(root);
    free(text);
    return copy;
}

char *dy_kernel_metadata(const struct dy_kernel *kernel)
{
    return dump(json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:o, s:[], s:[]}", "id",
                          kernel->id, "title", kernel->title, "code_file", kernel->code_file,
                          "language", "python", "kernel_type", "script", "is_private",
                          kernel->is_private, "enable_gpu", kernel->enable_gpu, "enable_internet",
                          kernel->enable_internet, "dataset_sources",
                          texts(kernel->datasets, kernel->dataset_count), "competition_sources",
                          "kernel_sources"),
                JSON_INDENT(2));
}

static char *push_body(const struct dy_kernel *kernel)
{
    return dump(json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:o, s:[], s:[], s:[]}", "slug",
                          kernel->id, "newTitle", kernel->title, "text", kernel->text, "language",
                          "python", "kernelType", "script", "isPrivate", kernel->is_private,
                          "enableGpu", kernel->enable_gpu, "enableInternet",
                          kernel->enable_internet, "datasetDataSources",
                          texts(kernel->datasets, kernel->dataset_count), "competitionDataSources",
                          "kernelDataSources", "categoryIds"),
                0);
}

static enum dylumo_status read_pushed(const json_t *answer, const struct dy_kernel *kernel,
                                      struct dy_kernel_pushed *pushed, struct dylumo_error *err)
{
    const char *error = json_string_value(json_object_get(answer, "error"));
    const json_t *invalid = json_object_get(answer, "invalidDatasetSources");
    if (error && *error)
        return dy_fail(err, DYLUMO_NETWORK, "%s: Kaggle does not take the kernel: %s", kernel->id,
                       error);
    if (json_array_size(invalid))
        return dy_fail(err, DYLUMO_NETWORK,
                       "%s: Kaggle does not know the data set '%s', or you may not see it",
                       kernel->id,
                       json_string_value(json_array_get(invalid, 0))
                           ? json_string_value(json_array_get(invalid, 0))
                           : "");
    const char *url = json_string_value(json_object_get(answer, "url"));
    json_int_t version = json_integer_value(json_object_get(answer, "versionNumber"));
    snprintf(pushed->url, sizeof pushed->url, "%s", url ? url : "");
    pushed->version = (int)version;
    return DYLUMO_OK;
}

enum dylumo_status dy_kernel_push(struct dy_get *get, const struct dy_kaggle *kaggle,
                                  const struct dy_kernel *kernel, struct dy_kernel_pushed *pushed,
                                  struct dylumo_error *err)
{
    char *body = push_body(kernel);
    json_t *answer = NULL;
    enum dylumo_status st =
        body ? kaggle_call(get, kaggle, kernel->id, "kernels/push", body, &answer, err)
             : dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for the kernel", kernel->id);
    if (!st)
        st = read_pushed(answer, kernel, pushed, err);
    json_decref(answer);
    dy_free(body);
    return st;
}

/* ------------------------------------------------------------------ status */

static enum dylumo_status bad_id(const char *id, struct dylumo_error *err)
{
    return dy_fail(err, DYLUMO_BAD_ARGUMENT, "'%s' is no kernel: expected user/name", id);
}

static void kernel_path(const char *call, const char *id, const char *token, char *path,
                        size_t size)
{
    int owner = (int)strcspn(id, "/");
    snprintf(path, size, "kernels/%s?userName=%.*s&kernelSlug=%s%s%s", call, owner, id,
             id + owner + 1, token ? "&pageToken=" : "", token ? token : "");
}

static enum dy_kernel_state state_of(const char *word)
{
    if (!strcasecmp(word, "complete"))
        return DY_KERNEL_COMPLETE;
    if (!strcasecmp(word, "error") || !strncasecmp(word, "cancel", 6))
        return DY_KERNEL_FAILED;
    return strcasecmp(word, "running") ? DY_KERNEL_QUEUED : DY_KERNEL_RUNNING;
}

/* "complete" of the older interface, "COMPLETE" of the newer, and with its type before it. */
static enum dylumo_status read_status(const json_t *answer, const char *id,
                                      struct dy_kernel_status *status, struct dylumo_error *err)
{
    const char *word = json_string_value(json_object_get(answer, "status"));
    const char *message = json_string_value(json_object_get(answer, "failureMessage"));
    if (!word || !*word)
        return dy_fail(err, DYLUMO_NETWORK, "%s: Kaggle's answer has no 'status'", id);
    const char *dot = strrchr(word, '.');
    snprintf(status->word, sizeof status->word, "%s", dot ? dot + 1 : word);
    snprintf(status->message, sizeof status->message, "%s", message ? message : "");
    status->state = state_of(status->word);
    return DYLUMO_OK;
}

enum dylumo_status dy_kernel_ask(struct dy_get *get, const struct dy_kaggle *kaggle, const char *id,
                                 struct dy_kernel_status *status, struct dylumo_error *err)
{
    char path[512];
    json_t *answer = NULL;
    if (!kaggle_id_good(id))
        return bad_id(id, err);
    kernel_path("status", id, NULL, path, sizeof path);
    enum dylumo_status st = kaggle_call(get, kaggle, id, path, NULL, &answer, err);
    if (!st)
        st = read_status(answer, id, status, err);
    json_decref(answer);
    return st;
}

/* ------------------------------------------------------------------ output */

/* The address is signed: it gets no credentials. */
static enum dylumo_status fetch_output(struct dy_get *get, const json_t *item, const char *folder,
                                       struct dylumo_error *err)
{
    const char *name = json_string_value(json_object_get(item, "fileName"));
    const char *url = json_string_value(json_object_get(item, "url"));
    char path[4096], part[4096], lock[4096];
    if (!name || !url || !hub_name_good(name))
        return dy_fail(err, DYLUMO_NETWORK,
                       "the kernel left a file '%s', which is no name inside of a folder",
                       name ? name : "");
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (length >= (int)sizeof path || !get_join(part, sizeof part, path, ".part") ||
        !get_join(lock, sizeof lock, path, ".lock"))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: the path is too long", folder);
    struct dy_get_file file = {.name = name,
                               .url = url,
                               .path = path,
                               .part_path = part,
                               .lock_path = lock,
                               .size = DY_GET_UNKNOWN,
                               .service = &get_kaggle_service};
    enum dylumo_status st = dy_get_file(get, &file, err);
    unlink(lock); /* the folder is ours alone */
    return st;
}

static enum dylumo_status fetch_page(struct dy_get *get, const json_t *answer, const char *folder,
                                     size_t *count, struct dylumo_error *err)
{
    const json_t *files = json_object_get(answer, "files");
    enum dylumo_status st = DYLUMO_OK;
    for (size_t i = 0; !st && i < json_array_size(files); i++) {
        if (++*count > MAX_OUTPUT_FILES)
            return dy_fail(err, DYLUMO_TOO_LARGE, "the kernel left more than %d files",
                           MAX_OUTPUT_FILES);
        st = fetch_output(get, json_array_get(files, i), folder, err);
    }
    return st;
}

static void take_log(const json_t *answer, char **log)
{
    const char *text = json_string_value(json_object_get(answer, "log"));
    if (log && !*log && text)
        *log = dy_strdup(text);
}

/* The token of the next page, escaped; NULL after the last. */
static char *next_page(const json_t *answer)
{
    const char *token = json_string_value(json_object_get(answer, "nextPageToken"));
    return token && *token ? dy_get_escape(token) : NULL;
}

enum dylumo_status dy_kernel_output(struct dy_get *get, const struct dy_kaggle *kaggle,
                                    const char *id, const char *folder, size_t *count, char **log,
                                    struct dylumo_error *err)
{
    char path[2048];
    char *token = NULL;
    enum dylumo_status st = kaggle_id_good(id) ? DYLUMO_OK : bad_id(id, err);
    *count = 0;
    if (log)
        *log = NULL;
    for (int page = 0; !st && page < MAX_PAGES && (!page || token); page++) {
        json_t *answer = NULL;
        kernel_path("output", id, token, path, sizeof path);
        dy_free(token);
        token = NULL;
        st = kaggle_call(get, kaggle, id, path, NULL, &answer, err);
        if (!st)
            st = fetch_page(get, answer, folder, count, err);
        take_log(answer, log);
        token = next_page(answer);
        json_decref(answer);
    }
    dy_free(token);
    return st;
}
