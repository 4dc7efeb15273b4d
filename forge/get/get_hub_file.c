/* One file of a repository, in the cache that huggingface_hub keeps:
 *
 *     models--openai--clip-vit-base-patch32/
 *         blobs/3f39...          the contents, named by their hash
 *         refs/main              the commit that main was last seen at
 *         snapshots/COMMIT/model.safetensors -> ../../blobs/3f39...
 *     .locks/models--openai--.../3f39....lock
 *
 * As there, a file grows under a name that is its process's alone (HASH.XXXXXXXX.incomplete). Ours
 * begin with "dy", and what one of ours left behind is taken up by the next: it changes its name
 * first, under the lock, and the hash judges the whole at the end. */
#include "get_http.h"
#include "get_hub.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* What HEAD told of a file. */
struct hub_file {
    struct dy_get *get;
    const struct dy_hub *hub;
    const struct dy_hub_repo *repo;
    const char *name;
    char commit[64];
    char url[2048];
    char hash[128]; /* the blob's name: SHA-256, or git's id of a small file */
    uint64_t size;
    struct dy_sum sum;
    char blob[HUB_PATH], pointer[HUB_PATH], part[HUB_PATH], lock[HUB_PATH];
};

static enum dylumo_status too_long(const struct hub_file *file, struct dylumo_error *err)
{
    return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: the path in %s is too long", file->name,
                   file->hub->cache);
}

/* ------------------------------------------------------------------ what the service says */

/* Without the quotes and a W/ before them. */
static void normalize_etag(const char *etag, char out[128])
{
    etag += strspn(etag, "W/");
    etag += *etag == '"';
    snprintf(out, 128, "%.*s", (int)strcspn(etag, "\""), etag);
}

static void choose_sum(struct hub_file *file)
{
    size_t length = strlen(file->hash);
    bool hex = strspn(file->hash, "0123456789abcdef") == length;
    file->sum.kind = hex && length == 64   ? DY_SUM_SHA256
                     : hex && length == 40 ? DY_SUM_GIT
                                           : DY_SUM_NONE;
    if (file->sum.kind != DY_SUM_NONE)
        memcpy(file->sum.hex, file->hash, length + 1);
}

static enum dylumo_status learn(struct hub_file *file, const struct get_head *head,
                                struct dylumo_error *err)
{
    bool linked = head->linked_etag[0] != '\0';
    normalize_etag(linked ? head->linked_etag : head->etag, file->hash);
    if (!hub_word_good(file->hash))
        return dy_fail(err, DYLUMO_NETWORK,
                       "%s: Hugging Face gives no hash for it (ETag '%s'); is HF_ENDPOINT right?",
                       file->name, file->hash);
    bool turned = head->status >= 300; /* its length is that of the redirect's own text */
    file->size = head->linked_size != DY_GET_UNKNOWN ? head->linked_size
                 : turned                            ? DY_GET_UNKNOWN
                                                     : head->size;
    choose_sum(file);
    if (!head->commit[0] || !strcmp(head->commit, file->commit))
        return DYLUMO_OK;
    return dy_fail(err, DYLUMO_NETWORK, "%s: Hugging Face answers for commit %s, asked for %s",
                   file->name, head->commit, file->commit);
}

static enum dylumo_status ask_head(struct hub_file *file, struct dylumo_error *err)
{
    struct get_request request = {.name = file->name,
                                  .url = file->url,
                                  .head_only = true,
                                  .service = &get_hub_service,
                                  .secret = file->hub->token};
    struct get_patience patience = {0};
    struct get_result result;
    enum dylumo_status st;
    do
        st = get_http(file->get, &request, &result, err);
    while (get_try_again(file->get, &patience, &result, &st, err));
    return st ? st : learn(file, &result.head, err);
}

static enum dylumo_status set_url(struct hub_file *file, struct dylumo_error *err)
{
    char *name = dy_get_escape(file->name);
    if (!name)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for its address", file->name);
    int length =
        snprintf(file->url, sizeof file->url, "%s/%s%s/resolve/%s/%s", file->hub->endpoint,
                 file->repo->dataset ? "datasets/" : "", file->repo->id, file->commit, name);
    dy_free(name);
    return length > 0 && (size_t)length < sizeof file->url ? DYLUMO_OK : too_long(file, err);
}

/* ------------------------------------------------------------------ paths */

static bool set_pointer(struct hub_file *file)
{
    char below[HUB_PATH];
    int length = snprintf(below, sizeof below, "/snapshots/%s/%s", file->commit, file->name);
    return length < HUB_PATH && hub_folder(file->hub, file->repo, below, file->pointer);
}

/* ".../blobs/HASH.dyXXXXXX.incomplete", of this process alone. */
static bool set_part(struct hub_file *file)
{
    uint32_t number = 0;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) < 0)
        number = (uint32_t)getpid();
    int length = snprintf(file->part, sizeof file->part, "%s.dy%06x.incomplete", file->blob,
                          number & 0xffffff);
    return length < HUB_PATH;
}

static bool set_blob(struct hub_file *file)
{
    char below[160], folder[HUB_PATH];
    snprintf(below, sizeof below, "/blobs/%s", file->hash);
    if (!hub_folder(file->hub, file->repo, below, file->blob) ||
        !hub_folder(file->hub, file->repo, "", folder))
        return false;
    int length = snprintf(file->lock, sizeof file->lock, "%s/.locks%s/%s.lock", file->hub->cache,
                          strrchr(folder, '/'), file->hash);
    return length < HUB_PATH && set_part(file);
}

/* Takes up what an earlier one of ours left; under the lock. */
static void adopt_part(const struct hub_file *file)
{
    char folder[HUB_PATH], start[160];
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(file->blob, '/') - file->blob),
             file->blob);
    snprintf(start, sizeof start, "%s.dy", file->hash);
    DIR *entries = opendir(folder);
    for (const struct dirent *entry; entries && (entry = readdir(entries)) != NULL;) {
        char path[HUB_PATH];
        const char *end = strrchr(entry->d_name, '.');
        int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (length < HUB_PATH && end && !strcmp(end, ".incomplete") &&
            !strncmp(entry->d_name, start, strlen(start)) && !rename(path, file->part))
            break;
    }
    if (entries)
        closedir(entries);
}

/* ------------------------------------------------------------------ names */

/* "../../blobs/HASH", one ../ more for each folder in the file's name. */
static bool set_target(const struct hub_file *file, char target[HUB_PATH])
{
    size_t used = 0;
    for (const char *at = file->name; at; at = strchr(at + 1, '/')) {
        if (used + 4 > HUB_PATH)
            return false;
        used += (size_t)snprintf(target + used, HUB_PATH - used, "../");
    }
    int length = snprintf(target + used, HUB_PATH - used, "../blobs/%s", file->hash);
    return length > 0 && used + (size_t)length < HUB_PATH;
}

/* Beside and renamed, so that nobody finds the name pointing nowhere. Where the file system has no
 * links, the blob itself takes the name, as huggingface_hub does it. */
static enum dylumo_status point(const struct hub_file *file, struct dylumo_error *err)
{
    char target[HUB_PATH], beside[HUB_PATH];
    int length = snprintf(beside, sizeof beside, "%s.%d.tmp", file->pointer, (int)getpid());
    if (length >= HUB_PATH || !set_target(file, target))
        return too_long(file, err);
    enum dylumo_status st = dy_get_folders_of(file->pointer, err);
    if (st)
        return st;
    unlink(beside);
    if (symlink(target, beside)) {
        if (errno != EPERM || rename(file->blob, file->pointer))
            return dy_fail_errno(err, errno, file->pointer, "cannot make this link");
        return DYLUMO_OK;
    }
    if (!rename(beside, file->pointer))
        return DYLUMO_OK;
    int problem = errno;
    unlink(beside);
    return dy_fail_errno(err, problem, file->pointer, "cannot make this link");
}

/* refs/main holds the commit, without a line's end. */
static enum dylumo_status write_ref(const struct hub_file *file, struct dylumo_error *err)
{
    char below[256], path[HUB_PATH], known[64] = "";
    snprintf(below, sizeof below, "/refs/%s", file->repo->revision);
    if (!hub_folder(file->hub, file->repo, below, path))
        return too_long(file, err);
    FILE *old = fopen(path, "re");
    if (old && !fgets(known, sizeof known, old))
        known[0] = '\0';
    if (old)
        fclose(old);
    if (!strcmp(known, file->commit))
        return DYLUMO_OK;
    enum dylumo_status st = dy_get_folders_of(path, err);
    return st ? st : dy_write_file(path, file->commit, strlen(file->commit), err);
}

/* ------------------------------------------------------------------ all of it */

static enum dylumo_status fetch_blob(const struct hub_file *file, struct dylumo_error *err)
{
    struct dy_get_file wanted = {.name = file->name,
                                 .url = file->url,
                                 .path = file->blob,
                                 .part_path = file->part,
                                 .size = file->size,
                                 .sum = file->sum,
                                 .secret = file->hub->token,
                                 .service = &get_hub_service};
    int lock = -1;
    enum dylumo_status st = dy_get_folders_of(file->blob, err);
    if (!st)
        st = dy_get_folders_of(file->lock, err);
    if (!st)
        st = dy_get_lock(&lock, file->lock, file->name, dy_get_context(file->get), err);
    if (!st) {
        adopt_part(file);
        st = dy_get_file(file->get, &wanted, err);
    }
    if (!st)
        st = point(file, err);
    dy_get_unlock(&lock);
    return st;
}

static enum dylumo_status fetch(struct hub_file *file, struct dylumo_error *err)
{
    if (dy_get_offline(file->get))
        return dy_fail(err, DYLUMO_NETWORK,
                       "%s: not in %s, and --offline asks nobody for it: run the same without it",
                       file->name, file->hub->cache);
    enum dylumo_status st = set_url(file, err);
    if (!st)
        st = ask_head(file, err);
    if (!st && !set_blob(file))
        st = too_long(file, err);
    return st ? st : fetch_blob(file, err);
}

enum dylumo_status dy_hub_file(struct dy_get *get, const struct dy_hub *hub,
                               const struct dy_hub_repo *repo, const char *commit, const char *name,
                               char *path, size_t path_size, struct dylumo_error *err)
{
    struct hub_file file = {.get = get, .hub = hub, .repo = repo, .name = name};
    if (!hub_name_good(name) || !hub_word_good(commit) || strlen(commit) >= sizeof file.commit)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "'%s' is no file of a commit '%s'", name, commit);
    memcpy(file.commit, commit, strlen(commit) + 1);
    if (!set_pointer(&file) || strlen(file.pointer) >= path_size)
        return too_long(&file, err);
    struct stat info;
    bool here = !stat(file.pointer, &info) && S_ISREG(info.st_mode);
    enum dylumo_status st = here ? DYLUMO_OK : fetch(&file, err);
    if (!st && !dy_get_offline(get))
        st = write_ref(&file, err);
    if (!st)
        memcpy(path, file.pointer, strlen(file.pointer) + 1);
    return st;
}
