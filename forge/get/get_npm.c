/* A file of npm's registry, whose size and SHA-256 we know beforehand: it is asked for nothing
 * else, so that it makes no difference who answers. */
#include "dy_get.h"

#include "get_words.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct dy_get_service npm = {"npm's registry",
                                          "another one can be named in npm_config_registry"};

/* $npm_config_registry, as npm reads it. */
static const char *registry(void)
{
    const char *named = getenv("npm_config_registry");
    return named && *named ? named : "https://registry.npmjs.org";
}

enum dylumo_status dy_npm_file(struct dy_get *get, const struct dy_item *item, bool again,
                               char path[4096], struct dylumo_error *err)
{
    char cache[2048], url[1024], part[4096 + 8], lock[4096 + 8];
    if (!get_cache_folder(cache, sizeof cache))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "%s: there is no folder for downloads: HOME is not set; name one in "
                       "XDG_CACHE_HOME",
                       item->name);
    size_t root = strlen(registry());
    root -= root && registry()[root - 1] == '/';
    snprintf(url, sizeof url, "%.*s/%s/-/%s", (int)root, registry(), item->id, item->file.name);
    snprintf(path, 4096, "%s/dylumo/npm/%s", cache, item->file.name);
    snprintf(part, sizeof part, "%s.part", path);
    snprintf(lock, sizeof lock, "%s.lock", path);
    struct dy_get_file file = {.name = item->file.name,
                               .url = url,
                               .path = path,
                               .part_path = part,
                               .lock_path = lock,
                               .size = item->file.bytes,
                               .sum = {.kind = DY_SUM_SHA256},
                               .service = &npm};
    snprintf(file.sum.hex, sizeof file.sum.hex, "%s", item->file.sha256);
    if (again && !dy_get_offline(get))
        unlink(path);
    return dy_get_file(get, &file, err);
}
