/* Kaggle's API as its own client speaks it (REST, /api/v1), and data sets as zip archives. Kaggle
 * gives no hash of its own; the store behind it tells an MD5 (x-goog-hash), which is checked, and
 * the archive has a checksum for each file in it. */
#include "get_kaggle.h"

#include "get_secret.h"
#include "get_words.h"

#include <string.h>
#include <unistd.h>

const struct dy_get_service get_kaggle_service = {
    "Kaggle", "run 'dylumo kaggle setup', and accept the terms on the data set's page where it has "
              "some"};

bool kaggle_id_good(const char *id)
{
    static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t owner = strspn(id, word);
    if (!owner || id[owner] != '/' || strlen(id) > 200)
        return false;
    size_t name = strspn(id + owner + 1, word);
    return name && !id[owner + 1 + name];
}

/* Kaggle answers some mistakes with status 200 and {"code": 403, "message": "..."}. */
static enum dylumo_status check_code(const json_t *answer, const char *name,
                                     const struct dy_kaggle *kaggle, struct dylumo_error *err)
{
    json_int_t code = json_integer_value(json_object_get(answer, "code"));
    const char *message = json_string_value(json_object_get(answer, "message"));
    if (code < 400)
        return DYLUMO_OK;
    char said[400];
    snprintf(said, sizeof said, "%s", message ? message : "no reason given");
    dy_secret_hide(kaggle->secret, said);
    return dy_fail(err, DYLUMO_NETWORK, "%s: Kaggle refuses it (%d: %s): %s", name, (int)code, said,
                   get_kaggle_service.login);
}

enum dylumo_status kaggle_call(struct dy_get *get, const struct dy_kaggle *kaggle, const char *name,
                               const char *path, const char *post, json_t **answer,
                               struct dylumo_error *err)
{
    char url[2048];
    char *text = NULL;
    int length = snprintf(url, sizeof url, "%s/api/v1/%s", kaggle->endpoint, path);
    if (length < 0 || (size_t)length >= sizeof url)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: the address is too long", name);
    *answer = NULL;
    enum dylumo_status st =
        dy_get_text(get, &get_kaggle_service, name, url, kaggle->secret, post, &text, err);
    if (st)
        return st;
    json_error_t problem;
    *answer = json_loads(text, 0, &problem);
    dy_free(text);
    if (!json_is_object(*answer))
        st = dy_fail(err, DYLUMO_NETWORK, "%s: Kaggle's answer is no JSON object%s%s", name,
                     *answer ? "" : ": ", *answer ? "" : problem.text);
    else
        st = check_code(*answer, name, kaggle, err);
    if (st) {
        json_decref(*answer);
        *answer = NULL;
    }
    return st;
}

/* ------------------------------------------------------------------ who asks */

static enum dylumo_status take_user(struct dy_kaggle *kaggle, const json_t *answer,
                                    struct dylumo_error *err)
{
    const char *user = json_string_value(json_object_get(answer, "username"));
    if (!json_is_true(json_object_get(answer, "active")) || !user || !*user ||
        !get_join(kaggle->user, sizeof kaggle->user, user, ""))
        return dy_fail(err, DYLUMO_NO_PERMISSION,
                       "the Kaggle token of %s is no longer valid: make a new one at "
                       "https://www.kaggle.com/settings and run 'dylumo kaggle setup'",
                       kaggle->source);
    return DYLUMO_OK;
}

enum dylumo_status dy_kaggle_user(struct dy_get *get, struct dy_kaggle *kaggle,
                                  struct dylumo_error *err)
{
    if (!kaggle->secret)
        return dy_fail(err, DYLUMO_NO_PERMISSION,
                       "there are no Kaggle credentials here: run 'dylumo kaggle setup'");
    if (kaggle->user[0])
        return DYLUMO_OK;
    struct dy_secret *question = NULL;
    json_t *answer = NULL;
    enum dylumo_status st = dy_secret_question(&question, kaggle->secret, err);
    if (!st)
        st = kaggle_call(get, kaggle, "the Kaggle token", "oauth2/introspect",
                         get_secret_text(question), &answer, err);
    if (!st)
        st = take_user(kaggle, answer, err);
    json_decref(answer);
    dy_secret_free(question);
    return st;
}

/* ------------------------------------------------------------------ data sets */

static bool set_paths(const char *id, char *path, size_t path_size, char part[4096],
                      char mark[4096], char lock[4096])
{
    char cache[2048], folder[4096];
    const char *name = strchr(id, '/') + 1;
    if (!get_cache_folder(cache, sizeof cache))
        return false;
    snprintf(folder, sizeof folder, "%s/dylumo/kaggle/%s/%s.zip", cache, id, name);
    return get_join(path, path_size, folder, "") && get_join(part, 4096, folder, ".part") &&
           get_join(mark, 4096, folder, ".etag") && get_join(lock, 4096, folder, ".lock");
}

enum dylumo_status dy_kaggle_dataset(struct dy_get *get, const struct dy_kaggle *kaggle,
                                     const char *id, bool again, char *path, size_t path_size,
                                     struct dylumo_error *err)
{
    char url[1024], part[4096], mark[4096], lock[4096];
    if (!kaggle_id_good(id))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "'%s' is no data set of Kaggle's: expected "
                       "owner/name",
                       id);
    if (!set_paths(id, path, path_size, part, mark, lock))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "%s: there is no folder for downloads: HOME is not set or too long; name "
                       "one in XDG_CACHE_HOME",
                       id);
    snprintf(url, sizeof url, "%s/api/v1/datasets/download/%s", kaggle->endpoint, id);
    struct dy_get_file file = {.name = id,
                               .url = url,
                               .path = path,
                               .part_path = part,
                               .mark_path = mark,
                               .lock_path = lock,
                               .size = DY_GET_UNKNOWN,
                               .magic = "PK\003\004",
                               .secret = kaggle->secret,
                               .service = &get_kaggle_service};
    if (again && !dy_get_offline(get))
        unlink(path);
    return dy_get_file(get, &file, err);
}
