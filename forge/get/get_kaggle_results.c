/* What a training kernel leaves: mood.safetensors and results.json, which holds its size and
 * SHA-256. Checked before anything is installed. */
#include "dy_get.h"

#include "get_words.h"

#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

static enum dylumo_status check_file(const json_t *told, const char *path,
                                     const struct dylumo_context *context, struct dylumo_error *err)
{
    const char *wanted = json_string_value(json_object_get(told, "sha256"));
    json_int_t size = json_integer_value(json_object_get(told, "size"));
    struct stat info;
    struct dy_sum sum;
    if (!wanted)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: results.json has no SHA-256 for it", path);
    if (stat(path, &info) || info.st_size != size)
        return dy_fail(err, DYLUMO_MISMATCH, "%s: %lld bytes came, results.json says %lld", path,
                       (long long)(stat(path, &info) ? 0 : info.st_size), (long long)size);
    enum dylumo_status st = dy_sum_of_file(&sum, DY_SUM_SHA256, path, context, err);
    if (!st && strcmp(sum.hex, wanted) != 0)
        st = dy_fail(err, DYLUMO_MISMATCH, "%s: its SHA-256 is %s, results.json says %s", path,
                     sum.hex, wanted);
    return st;
}

enum dylumo_status dy_kernel_results(const char *folder, struct dy_kernel_results *results,
                                     const struct dylumo_context *context, struct dylumo_error *err)
{
    char path[4096];
    *results = (struct dy_kernel_results){0};
    if (!get_join(path, sizeof path, folder, "/results.json") ||
        !get_join(results->mood, sizeof results->mood, folder, "/mood.safetensors"))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: the path is too long", folder);
    json_error_t problem;
    json_t *root = json_load_file(path, 0, &problem);
    if (!json_is_object(root)) {
        json_decref(root);
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "the kernel left no results.json that can be read: its run failed; 'dylumo "
                       "kaggle pull -o FOLDER' keeps its log");
    }
    const char *version = json_string_value(json_object_get(root, "dylumo"));
    snprintf(results->version, sizeof results->version, "%s", version ? version : "");
    results->beats_baselines = json_is_true(json_object_get(root, "beats_baselines"));
    enum dylumo_status st =
        check_file(json_object_get(json_object_get(root, "files"), "mood.safetensors"),
                   results->mood, context, err);
    json_decref(root);
    return st;
}
