/* The few things that `dylumo get` knows by name, and their download. docs/data.md has a card for
 * each; sizes here are those of the cards, the true ones are seen when it begins. */
#include "dy_get.h"

#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

/* The version that the tests take (tests/parquet/package-lock.json). */
#define DUCKDB_VERSION "1.5.6-r.1"
#ifdef __x86_64__
#define DUCKDB "x64"
#define DUCKDB_SHA256 "1b9f82478539bb9a1d1df44bd103121a12ae52142c07158dc52b97d2ec1d69ff"
#define DUCKDB_BYTES 23927610
#elif defined __aarch64__
#define DUCKDB "arm64"
#define DUCKDB_SHA256 "3a45a6305b3235a781ed9de25aa795a3862acd042782d1f864e1bdb656de212b"
#define DUCKDB_BYTES 21667742
#endif

static const struct dy_item items[] = {
    {.name = "spotify-1m",
     .about = "1,159,764 songs with Spotify's features, as songs.dylumo",
     .kaggle = true,
     .id = "amitanshjoshi/spotify-1million-tracks",
     .size = "0.1 GB",
     .licence = "ODbL 1.0; Spotify's terms",
     .page = "https://www.kaggle.com/datasets/amitanshjoshi/spotify-1million-tracks"},
    {.name = "emid",
     .about = "10,738 rows of three pictures with emotions, to train on",
     .dataset = true,
     .id = "ecnu-aigc/EMID",
     .size = "0.4 to 4 GB",
     .licence = "CC BY-NC-SA 4.0",
     .page = "https://huggingface.co/datasets/ecnu-aigc/EMID",
     .files = {"README.md", "data/train-*.parquet"}},
    {.name = "clip-vit-b-32",
     .about = "CLIP's weights, another encoder",
     .id = "openai/clip-vit-base-patch32",
     .size = "0.6 GB",
     .licence = "MIT",
     .page = "https://huggingface.co/openai/clip-vit-base-patch32",
     .files = {"config.json", "preprocessor_config.json", "vocab.json", "merges.txt",
               "model.safetensors|pytorch_model.bin"}},
#ifdef DUCKDB
    {.name = "duckdb",
     .about = "DuckDB's library, through which Parquet (EMID) is read",
     .id = "@duckdb/node-bindings-linux-" DUCKDB,
     .size = "24 MB",
     .licence = "MIT",
     .page = "https://www.npmjs.com/package/@duckdb/node-bindings-linux-" DUCKDB,
     .file = {.name = "node-bindings-linux-" DUCKDB "-" DUCKDB_VERSION ".tgz",
              .version = DUCKDB_VERSION,
              .sha256 = DUCKDB_SHA256,
              .bytes = DUCKDB_BYTES}},
#endif
};

const struct dy_item *dy_item_at(size_t index)
{
    return index < DY_COUNT(items) ? &items[index] : NULL;
}

const struct dy_item *dy_item_named(const char *name)
{
    for (size_t i = 0; i < DY_COUNT(items); i++)
        if (!strcmp(items[i].name, name))
            return &items[i];
    return NULL;
}

void dy_item_files_clear(struct dy_item_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        dy_free(files->paths[i]);
    dy_free(files->paths);
    *files = (struct dy_item_files){0};
}

static enum dylumo_status add_path(struct dy_item_files *files, const char *path,
                                   struct dylumo_error *err)
{
    char *copy = dy_strdup(path);
    if (!copy || !dy_grow(&files->paths, &files->room, files->count + 1, sizeof *files->paths)) {
        dy_free(copy);
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory", path);
    }
    files->paths[files->count++] = copy;
    return DYLUMO_OK;
}

/* A download of one file. */
static enum dylumo_status add_single(struct dy_item_files *files, const char *path,
                                     struct dylumo_error *err)
{
    snprintf(files->folder, sizeof files->folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    return add_path(files, path, err);
}

/* ------------------------------------------------------------------ which files */

/* Marks the entries that one pattern, without "|", stands for; how many. */
static size_t mark(const struct dy_hub_list *list, const char *pattern, size_t length, bool *wanted)
{
    char plain[256];
    size_t count = 0;
    snprintf(plain, sizeof plain, "%.*s", (int)length, pattern);
    for (size_t i = 0; i < list->count; i++)
        if (!fnmatch(plain, list->entries[i].name, 0)) {
            wanted[i] = true;
            count++;
        }
    return count;
}

static enum dylumo_status mark_first(const struct dy_item *item, const struct dy_hub_list *list,
                                     const char *pattern, bool *wanted, struct dylumo_error *err)
{
    for (const char *at = pattern; *at;) {
        size_t length = strcspn(at, "|");
        if (mark(list, at, length, wanted))
            return DYLUMO_OK;
        at += length + (at[length] == '|');
    }
    return dy_fail(err, DYLUMO_NETWORK, "%s: %s has no file '%s' at commit %.12s%s", item->name,
                   item->id, pattern, list->commit, list->count ? "" : "; it is empty");
}

/* "train-00001-of-00005.parquet" says how many parts there are. */
static enum dylumo_status check_parts(const struct dy_item *item, const struct dy_hub_list *list,
                                      const bool *wanted, struct dylumo_error *err)
{
    unsigned parts = 0, found = 0;
    for (size_t i = 0; i < list->count; i++) {
        const char *of = wanted[i] ? strstr(list->entries[i].name, "-of-") : NULL;
        unsigned number;
        if (of && sscanf(of, "-of-%5u", &number) == 1) {
            parts = number > parts ? number : parts;
            found++;
        }
    }
    if (found == parts)
        return DYLUMO_OK;
    return dy_fail(err, DYLUMO_NETWORK,
                   "%s: %u of %u parts of %s are here: run 'dylumo get %s' without --offline",
                   item->name, found, parts, item->id, item->name);
}

static enum dylumo_status choose(const struct dy_item *item, const struct dy_hub_list *list,
                                 bool *wanted, struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    for (size_t i = 0; !st && item->files[i]; i++)
        st = mark_first(item, list, item->files[i], wanted, err);
    return st ? st : check_parts(item, list, wanted, err);
}

/* ------------------------------------------------------------------ Hugging Face */

static enum dylumo_status check_room(const struct dy_hub *hub, const struct dy_hub_list *list,
                                     const bool *wanted, struct dylumo_error *err)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < list->count; i++)
        if (wanted[i] && list->entries[i].size < UINT64_MAX - bytes)
            bytes += list->entries[i].size;
    return dy_get_room(hub->cache, bytes, err);
}

/* All of it is here already where the snapshot of this commit has every file. */
static bool all_here(const struct dy_hub *hub, const struct dy_hub_repo *repo,
                     const struct dy_hub_list *list, const bool *wanted)
{
    struct dylumo_error ignored;
    struct dy_get *offline = NULL;
    char path[4096];
    bool here = !dy_get_open(&offline, &(struct dy_get_settings){.offline = true}, NULL, &ignored);
    for (size_t i = 0; here && i < list->count; i++)
        if (wanted[i])
            here = !dy_hub_file(offline, hub, repo, list->commit, list->entries[i].name, path,
                                sizeof path, &ignored);
    dy_get_close(offline);
    return here;
}

static enum dylumo_status fetch_wanted(struct dy_get *get, const struct dy_hub *hub,
                                       const struct dy_hub_repo *repo,
                                       const struct dy_hub_list *list, const bool *wanted,
                                       struct dy_item_files *files, struct dylumo_error *err)
{
    char path[4096];
    enum dylumo_status st =
        all_here(hub, repo, list, wanted) ? DYLUMO_OK : check_room(hub, list, wanted, err);
    for (size_t i = 0; !st && i < list->count; i++) {
        if (!wanted[i])
            continue;
        const char *name = list->entries[i].name;
        st = dy_hub_file(get, hub, repo, list->commit, name, path, sizeof path, err);
        if (!st)
            st = add_path(files, path, err);
        if (!st) /* the snapshot: what lies before the file's name */
            snprintf(files->folder, sizeof files->folder, "%.*s",
                     (int)(strlen(path) - strlen(name) - 1), path);
    }
    snprintf(files->version, sizeof files->version, "%s", list->commit);
    return st;
}

static enum dylumo_status fetch_from_hub(struct dy_get *get, const struct dy_item *item,
                                         struct dy_item_files *files, struct dylumo_error *err)
{
    struct dy_hub_repo repo = {item->id, item->dataset, "main"};
    struct dy_hub hub;
    struct dy_hub_list list = {0};
    bool *wanted = NULL;
    enum dylumo_status st = dy_hub_open(&hub, err);
    if (!st)
        st = dy_hub_list(get, &hub, &repo, &list, err);
    if (!st && !(wanted = dy_new_array(list.count + 1, sizeof *wanted)))
        st = dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory", item->name);
    if (!st)
        st = choose(item, &list, wanted, err);
    if (!st)
        st = fetch_wanted(get, &hub, &repo, &list, wanted, files, err);
    dy_free(wanted);
    dy_hub_list_clear(&list);
    dy_hub_close(&hub);
    return st;
}

/* ------------------------------------------------------------------ Kaggle */

static enum dylumo_status fetch_from_kaggle(struct dy_get *get, const struct dy_item *item,
                                            bool again, struct dy_item_files *files,
                                            struct dylumo_error *err)
{
    struct dy_kaggle kaggle;
    char path[4096];
    enum dylumo_status st = dy_kaggle_open(&kaggle, err);
    if (!st && kaggle.readable)
        dy_context_log(dy_get_context(get), DYLUMO_LOG_WARNING,
                       "%s: others on this machine can read your Kaggle credentials: chmod 600 it",
                       kaggle.source);
    if (!st)
        st = dy_kaggle_dataset(get, &kaggle, item->id, again, path, sizeof path, err);
    if (!st)
        st = add_single(files, path, err);
    dy_kaggle_close(&kaggle);
    return st;
}

/* ------------------------------------------------------------------ npm */

static enum dylumo_status fetch_from_npm(struct dy_get *get, const struct dy_item *item, bool again,
                                         struct dy_item_files *files, struct dylumo_error *err)
{
    char path[4096];
    enum dylumo_status st = dy_npm_file(get, item, again, path, err);
    snprintf(files->version, sizeof files->version, "%s", item->file.version);
    return st ? st : add_single(files, path, err);
}

enum dylumo_status dy_item_fetch(struct dy_get *get, const struct dy_item *item, bool again,
                                 struct dy_item_files *files, struct dylumo_error *err)
{
    *files = (struct dy_item_files){0};
    enum dylumo_status st = item->file.name ? fetch_from_npm(get, item, again, files, err)
                            : item->kaggle  ? fetch_from_kaggle(get, item, again, files, err)
                                            : fetch_from_hub(get, item, files, err);
    if (st)
        dy_item_files_clear(files);
    return st;
}
