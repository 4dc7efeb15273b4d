/* Kaggle's credentials, found and stored as Kaggle's own tool does it (kaggle 2.2,
 * kaggle_api_extended.py; kagglesdk 0.1, kaggle_env.py). What is left out: its OAuth login
 * (credentials.json), which needs a browser, and tokens of notebooks. */
#include "get_kaggle.h"

#include "get_secret.h"
#include "get_words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORD_BYTES 4097

/* ------------------------------------------------------------------ where */

static bool in_dot_kaggle(const char *file, char *path, size_t size)
{
    const char *home = getenv("HOME");
    char folder[2048];
    return home && get_join(folder, sizeof folder, home, "/.kaggle/") &&
           get_join(path, size, folder, file);
}

static bool config_folder(char *folder, size_t size)
{
    struct stat info;
    if (get_variable_path("KAGGLE_CONFIG_DIR", folder, size))
        return true;
    const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
    if (home && get_join(folder, size, home, "/.kaggle") && !stat(folder, &info))
        return true;
    if (config && *config)
        return get_join(folder, size, config, "/kaggle");
    return home && get_join(folder, size, home, "/.config/kaggle");
}

static bool json_path(char *path, size_t size)
{
    char folder[2048];
    return config_folder(folder, sizeof folder) && get_join(path, size, folder, "/kaggle.json");
}

static void found_in(struct dy_kaggle *kaggle, const char *path)
{
    struct stat info;
    snprintf(kaggle->source, sizeof kaggle->source, "%s", path);
    kaggle->readable = !stat(path, &info) && info.st_mode & (S_IRGRP | S_IROTH);
}

/* ------------------------------------------------------------------ a token */

static bool token_file(struct dy_kaggle *kaggle, const char *path, char word[WORD_BYTES])
{
    if (!get_file_word(path, word, WORD_BYTES))
        return false;
    found_in(kaggle, path);
    return true;
}

static bool find_token(struct dy_kaggle *kaggle, char word[WORD_BYTES])
{
    static const char *const files[] = {"access_token", "access_token.txt"};
    if (get_variable_word("KAGGLE_API_TOKEN", word, WORD_BYTES)) {
        char path[WORD_BYTES]; /* the variable may name a file */
        memcpy(path, word, WORD_BYTES);
        bool from_file = !access(path, F_OK) && token_file(kaggle, path, word);
        explicit_bzero(path, sizeof path);
        if (!from_file)
            snprintf(kaggle->source, sizeof kaggle->source, "KAGGLE_API_TOKEN");
        return true;
    }
    for (size_t i = 0; i < DY_COUNT(files); i++) {
        char path[2048];
        if (in_dot_kaggle(files[i], path, sizeof path) && token_file(kaggle, path, word))
            return true;
    }
    return false;
}

/* ------------------------------------------------------------------ user and key */

/* Wipes a text that jansson keeps. */
static void wipe(const json_t *text)
{
    const char *value = json_string_value(text);
    if (value)
        explicit_bzero((void *)(uintptr_t)value, strlen(value));
}

static bool take_text(const json_t *root, const char *name, char *out, size_t size)
{
    const char *value = json_string_value(json_object_get(root, name));
    return value && *value && get_join(out, size, value, "");
}

/* user and key are left alone where the file does not have them. */
static enum dylumo_status read_json(struct dy_kaggle *kaggle, const char *path,
                                    char key[WORD_BYTES], struct dylumo_error *err)
{
    uint8_t *bytes;
    size_t size;
    if (access(path, F_OK))
        return DYLUMO_OK;
    enum dylumo_status st = dy_read_file(&bytes, &size, path, 65536, err);
    if (st)
        return st;
    json_error_t problem;
    json_t *root = json_loadb((const char *)bytes, size, 0, &problem);
    explicit_bzero(bytes, size);
    dy_free(bytes);
    bool good = json_is_object(root) &&
                take_text(root, "username", kaggle->user, sizeof kaggle->user) &&
                take_text(root, "key", key, WORD_BYTES);
    if (!good)
        st =
            dy_fail(err, DYLUMO_BAD_FILE,
                    "%s: is not what Kaggle gives out: expected {\"username\": ..., \"key\": ...}; "
                    "run 'dylumo kaggle setup'",
                    path);
    else
        found_in(kaggle, path);
    wipe(json_object_get(root, "key"));
    json_decref(root);
    return st;
}

static enum dylumo_status find_key(struct dy_kaggle *kaggle, char key[WORD_BYTES],
                                   struct dylumo_error *err)
{
    char path[2048];
    enum dylumo_status st = DYLUMO_OK;
    bool both = getenv("KAGGLE_USERNAME") && getenv("KAGGLE_KEY");
    if (!both && json_path(path, sizeof path))
        st = read_json(kaggle, path, key, err);
    if (get_variable_word("KAGGLE_USERNAME", kaggle->user, sizeof kaggle->user) && !st)
        snprintf(kaggle->source, sizeof kaggle->source, "KAGGLE_USERNAME");
    if (!st)
        get_variable_word("KAGGLE_KEY", key, WORD_BYTES);
    return st;
}

enum dylumo_status dy_kaggle_open(struct dy_kaggle *kaggle, struct dylumo_error *err)
{
    *kaggle = (struct dy_kaggle){0};
    dy_secret_guard_process();
    const char *endpoint = getenv("KAGGLE_API_ENDPOINT");
    if (!endpoint || !*endpoint)
        endpoint = "https://www.kaggle.com";
    if (!get_join(kaggle->endpoint, sizeof kaggle->endpoint, endpoint, ""))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "KAGGLE_API_ENDPOINT is %zu bytes long",
                       strlen(endpoint));
    for (size_t end = strlen(kaggle->endpoint); end && kaggle->endpoint[end - 1] == '/'; end--)
        kaggle->endpoint[end - 1] = '\0';
    char word[WORD_BYTES] = "";
    enum dylumo_status st = DYLUMO_OK;
    if (find_token(kaggle, word)) {
        get_variable_word("KAGGLE_USERNAME", kaggle->user, sizeof kaggle->user);
        st = dy_secret_bearer(&kaggle->secret, word, err);
    } else {
        st = find_key(kaggle, word, err);
        if (!st && kaggle->user[0] && word[0])
            st = dy_secret_basic(&kaggle->secret, kaggle->user, word, err);
    }
    explicit_bzero(word, sizeof word);
    return st;
}

void dy_kaggle_close(struct dy_kaggle *kaggle)
{
    dy_secret_free(kaggle->secret);
    kaggle->secret = NULL;
}

/* ------------------------------------------------------------------ stored */

/* Never readable by others, not even for a moment: made 0600 beside and renamed. */
static enum dylumo_status write_secret(const char *path, const char *text, struct dylumo_error *err)
{
    char beside[2200];
    snprintf(beside, sizeof beside, "%s.%d.part", path, (int)getpid());
    int file = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return dy_fail_errno(err, errno, path, "cannot write");
    size_t size = strlen(text);
    bool good = write(file, text, size) == (ssize_t)size && !fsync(file);
    int problem = errno;
    good &= !close(file);
    if (good && !rename(beside, path))
        return DYLUMO_OK;
    problem = good ? errno : problem;
    unlink(beside);
    return dy_fail_errno(err, problem, path, "cannot write");
}

static enum dylumo_status secret_folder_of(const char *path, struct dylumo_error *err)
{
    mode_t mask = umask(077);
    enum dylumo_status st = dy_get_folders_of(path, err);
    umask(mask);
    return st;
}

enum dylumo_status dy_kaggle_store(const char *user, const char *key_or_token, char *path,
                                   size_t path_size, struct dylumo_error *err)
{
    struct dy_secret *checked = NULL; /* whether it could be one */
    char text[2 * WORD_BYTES];
    enum dylumo_status st = user && *user ? dy_secret_basic(&checked, user, key_or_token, err)
                                          : dy_secret_bearer(&checked, key_or_token, err);
    dy_secret_free(checked);
    if (st)
        return st;
    bool found =
        user && *user ? json_path(path, path_size) : in_dot_kaggle("access_token", path, path_size);
    if (!found)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "there is no folder for credentials: HOME is not set");
    if (user && *user)
        snprintf(text, sizeof text, "{\"username\": \"%s\", \"key\": \"%s\"}\n", user,
                 key_or_token);
    else
        snprintf(text, sizeof text, "%s\n", key_or_token);
    st = secret_folder_of(path, err);
    if (!st)
        st = write_secret(path, text, err);
    explicit_bzero(text, sizeof text);
    return st;
}
