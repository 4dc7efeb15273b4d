/* Where Hugging Face's things lie: the same variables, in the same order, as huggingface_hub's
 * constants.py and utils/_auth.py (2.4). What is left out: tokens of notebooks and of OIDC. */
#include "get_hub.h"

#include "get_words.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct dy_get_service get_hub_service = {
    "Hugging Face",
    "put a token of https://huggingface.co/settings/tokens into HF_TOKEN, and accept "
    "the terms on the repository's page where it has some"};

/* HF_HOME, or what stands for it. */
static bool home_of(char *home, size_t size)
{
    if (get_variable_path("HF_HOME", home, size))
        return true;
    char cache[2048];
    return get_cache_folder(cache, sizeof cache) && get_join(home, size, cache, "/huggingface");
}

static bool cache_of(char *cache, size_t size)
{
    char home[2048];
    return get_variable_path("HF_HUB_CACHE", cache, size) ||
           get_variable_path("HUGGINGFACE_HUB_CACHE", cache, size) ||
           (home_of(home, sizeof home) && get_join(cache, size, home, "/hub"));
}

static enum dylumo_status read_token(struct dy_hub *hub, struct dylumo_error *err)
{
    char token[4096], path[2048], home[2048];
    dy_secret_guard_process();
    bool found = get_variable_word("HF_TOKEN", token, sizeof token) ||
                 get_variable_word("HUGGING_FACE_HUB_TOKEN", token, sizeof token);
    if (!found && (get_variable_path("HF_TOKEN_PATH", path, sizeof path) ||
                   (home_of(home, sizeof home) && get_join(path, sizeof path, home, "/token"))))
        found = get_file_word(path, token, sizeof token);
    enum dylumo_status st = found ? dy_secret_bearer(&hub->token, token, err) : DYLUMO_OK;
    explicit_bzero(token, sizeof token);
    return st;
}

enum dylumo_status dy_hub_open(struct dy_hub *hub, struct dylumo_error *err)
{
    *hub = (struct dy_hub){0};
    const char *endpoint = getenv("HF_ENDPOINT");
    if (!endpoint || !*endpoint)
        endpoint = "https://huggingface.co";
    if (!get_join(hub->endpoint, sizeof hub->endpoint, endpoint, ""))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "HF_ENDPOINT is %zu bytes long, at most %zu are "
                       "allowed",
                       strlen(endpoint), sizeof hub->endpoint - 1);
    for (size_t end = strlen(hub->endpoint); end && hub->endpoint[end - 1] == '/'; end--)
        hub->endpoint[end - 1] = '\0';
    if (!cache_of(hub->cache, sizeof hub->cache))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "there is no folder for Hugging Face's files: HOME is not set; name one in "
                       "HF_HUB_CACHE");
    return get_variable_true("HF_HUB_DISABLE_IMPLICIT_TOKEN") ? DYLUMO_OK : read_token(hub, err);
}

void dy_hub_close(struct dy_hub *hub)
{
    dy_secret_free(hub->token);
    hub->token = NULL;
}

bool dy_hub_wants_offline(void)
{
    return get_variable_true("HF_HUB_OFFLINE") || get_variable_true("TRANSFORMERS_OFFLINE");
}

bool hub_folder(const struct dy_hub *hub, const struct dy_hub_repo *repo, const char *below,
                char path[HUB_PATH])
{
    const char *slash = strchr(repo->id, '/');
    int owner = slash ? (int)(slash - repo->id) : 0;
    int length = snprintf(path, HUB_PATH, "%s/%s--%.*s%s%s%s", hub->cache,
                          repo->dataset ? "datasets" : "models", owner, repo->id, slash ? "--" : "",
                          slash ? slash + 1 : repo->id, below);
    return length > 0 && length < HUB_PATH;
}

bool hub_word_good(const char *word)
{
    size_t length = strlen(word);
    return length && length < 128 &&
           strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
               length;
}

bool hub_name_good(const char *name)
{
    size_t length = strlen(name);
    if (!length || length > 1024 || name[0] == '/' || name[length - 1] == '/')
        return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == '\\' || name[i] == 127)
            return false;
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/';
        size_t size = strcspn(part, "/");
        if (!size || (size == 1 && part[0] == '.') || (size == 2 && !strncmp(part, "..", 2)))
            return false;
    }
    return true;
}
