/* One file from an address. It grows in a part file; a part is only ever continued when the server
 * agrees that it still is the same file (If-Range with the validator of the first answer), and the
 * whole is checked before it gets its name. Whatever goes wrong, path is right or not there, and
 * what was got so far waits for the next try. */
#include "get_http.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* A download under way. */
struct download {
    struct dy_get *get;
    const struct dy_get_file *file;
    char what[64]; /* for the progress bar */
    int part;
    uint64_t have;
    uint64_t size;       /* of the whole, as far as known */
    struct dy_sum sum;   /* wanted */
    char validator[256]; /* "" where the server gave none */
    bool began;          /* the first byte of this answer was looked at */
    bool continued;      /* some of the part is older than this answer */
};

static bool is_there(const char *path)
{
    struct stat info;
    return !stat(path, &info) && S_ISREG(info.st_mode);
}

/* ------------------------------------------------------------------ the part */

static enum dylumo_status start_over(struct download *download, struct dylumo_error *err)
{
    download->have = 0;
    download->continued = false;
    if (ftruncate(download->part, 0) || lseek(download->part, 0, SEEK_SET) < 0)
        return dy_fail_errno(err, errno, download->file->part_path, "cannot write");
    return DYLUMO_OK;
}

static void read_mark(struct download *download)
{
    const char *path = download->file->mark_path;
    int mark = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (mark < 0)
        return;
    ssize_t got = read(mark, download->validator, sizeof download->validator - 1);
    download->validator[got > 0 ? got : 0] = '\0';
    close(mark);
}

static enum dylumo_status write_mark(const struct download *download, struct dylumo_error *err)
{
    const char *path = download->file->mark_path;
    return path ? dy_write_file(path, download->validator, strlen(download->validator), err)
                : DYLUMO_OK;
}

/* A part without a word on what it is a part of can be continued where its sum will tell. */
static enum dylumo_status open_part(struct download *download, struct dylumo_error *err)
{
    const struct dy_get_file *file = download->file;
    download->part = open(file->part_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (download->part < 0)
        return dy_fail_errno(err, errno, file->part_path, "cannot write");
    off_t end = lseek(download->part, 0, SEEK_END);
    if (end < 0)
        return dy_fail_errno(err, errno, file->part_path, "cannot write");
    download->have = (uint64_t)end;
    read_mark(download);
    bool known = download->validator[0] || download->sum.kind != DY_SUM_NONE;
    if (!known || download->have > download->size)
        return start_over(download, err);
    download->continued = download->have > 0;
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ what comes */

/* base64 of a MD5 as hexadecimal digits. */
static void take_goog_md5(struct dy_sum *sum, const char *code)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (strlen(code) != 24 || strspn(code, digits) != 22)
        return;
    uint32_t bits = 0;
    for (size_t i = 0, at = 0; at < 16; i++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, code[i]) - digits);
        if (i % 4)
            snprintf(sum->hex + 2 * at++, 3, "%02x", bits >> (6 - 2 * (i % 4)) & 255);
    }
    sum->kind = DY_SUM_MD5;
}

static enum dylumo_status learn(struct download *download, const struct get_head *head,
                                struct dylumo_error *err)
{
    const struct dy_get_file *file = download->file;
    if (head->size != DY_GET_UNKNOWN && download->size != DY_GET_UNKNOWN &&
        head->size != download->size)
        return dy_fail(err, DYLUMO_NETWORK,
                       "%s: %s sends a file of %llu bytes, expected %llu; it changed, or it is "
                       "another one: try again later",
                       file->name, file->service->name, (unsigned long long)head->size,
                       (unsigned long long)download->size);
    if (head->size != DY_GET_UNKNOWN)
        download->size = head->size;
    if (download->sum.kind == DY_SUM_NONE)
        take_goog_md5(&download->sum, head->md5);
    const char *validator =
        head->etag[0] && strncmp(head->etag, "W/", 2) != 0 ? head->etag : head->modified;
    if (!strcmp(validator, download->validator))
        return DYLUMO_OK;
    snprintf(download->validator, sizeof download->validator, "%s", validator);
    return write_mark(download, err);
}

static bool looks_like_page(const uint8_t *data, size_t size)
{
    static const char *const starts[] = {"<!doctype html", "<html"};
    for (size_t i = 0; i < DY_COUNT(starts); i++)
        if (size >= strlen(starts[i]) &&
            !strncasecmp((const char *)data, starts[i], strlen(starts[i])))
            return true;
    return false;
}

static enum dylumo_status check_start(const struct dy_get_file *file, const struct get_head *head,
                                      const uint8_t *data, size_t size, struct dylumo_error *err)
{
    if (head->html || looks_like_page(data, size))
        return dy_fail(err, DYLUMO_NETWORK,
                       "%s: %s sent a web page in the place of the file, as for a login: %s",
                       file->name, file->service->name, file->service->login);
    size_t length = file->magic ? strlen(file->magic) : 0;
    if (length && (size < length || memcmp(data, file->magic, length) != 0))
        return dy_fail(err, DYLUMO_NETWORK,
                       "%s: what %s sends is no such file (wrong first bytes): try "
                       "again later",
                       file->name, file->service->name);
    return DYLUMO_OK;
}

/* The first bytes of an answer: is it the file, and from where on? */
static enum dylumo_status begin_answer(struct download *download, const struct get_head *head,
                                       const uint8_t *data, size_t size, struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    download->began = true;
    if (head->status == 206 && head->from != download->have)
        return dy_fail(err, DYLUMO_NETWORK,
                       "%s: %s sends bytes from %llu on, asked from %llu on: try again later",
                       download->file->name, download->file->service->name,
                       (unsigned long long)head->from, (unsigned long long)download->have);
    if (head->status == 200)
        st = check_start(download->file, head, data, size, err);
    if (!st && head->status == 200 && download->have)
        st = start_over(download, err);
    if (!st)
        st = learn(download, head, err);
    if (!st && download->size != DY_GET_UNKNOWN)
        st = dy_get_room(download->file->part_path, download->size - download->have, err);
    return st;
}

static bool take_piece(void *user, const struct get_head *head, const uint8_t *data, size_t size,
                       struct dylumo_error *err)
{
    struct download *download = user;
    if (!download->began && begin_answer(download, head, data, size, err))
        return false;
    if (size > download->size - download->have) { /* size may be DY_GET_UNKNOWN, the largest */
        (void)dy_fail(err, DYLUMO_NETWORK,
                      "%s: %s sends more than the %llu bytes that it has: try again later",
                      download->file->name, download->file->service->name,
                      (unsigned long long)download->size);
        return false;
    }
    while (size) {
        ssize_t wrote = write(download->part, data, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0) {
            (void)dy_fail_errno(err, errno, download->file->part_path, "cannot write");
            return false;
        }
        data += wrote;
        size -= (size_t)wrote;
        download->have += (uint64_t)wrote;
    }
    dy_context_progress(download->get->context, download->what, download->have,
                        download->size == DY_GET_UNKNOWN ? 0 : download->size);
    return true;
}

/* ------------------------------------------------------------------ tries */

/* One request for what is missing. */
static enum dylumo_status ask(struct download *download, struct get_result *result,
                              struct dylumo_error *err)
{
    const struct dy_get_file *file = download->file;
    download->began = false;
    struct get_request request = {.name = file->name,
                                  .url = file->url,
                                  .service = file->service,
                                  .secret = file->secret,
                                  .from = download->have,
                                  .if_range = download->validator[0] ? download->validator : NULL,
                                  .take = take_piece,
                                  .user = download};
    enum dylumo_status st = get_http(download->get, &request, result, err);
    if (st && result->head.status == 416) { /* the part is longer than the file by now */
        result->again = download->have > 0;
        enum dylumo_status restart = start_over(download, err);
        return restart ? restart : st;
    }
    if (!st && download->size != DY_GET_UNKNOWN && download->have < download->size) {
        result->again = true;
        return dy_fail(err, DYLUMO_NETWORK,
                       "%s: %s stopped after %llu of %llu bytes; the same command goes on from "
                       "there",
                       file->name, file->service->name, (unsigned long long)download->have,
                       (unsigned long long)download->size);
    }
    return st;
}

static enum dylumo_status fetch(struct download *download, struct dylumo_error *err)
{
    struct get_patience patience = {0};
    struct get_result result;
    enum dylumo_status st = DYLUMO_OK;
    if (download->have && download->have == download->size)
        return DYLUMO_OK;
    do {
        if (lseek(download->part, (off_t)download->have, SEEK_SET) < 0)
            return dy_fail_errno(err, errno, download->file->part_path, "cannot write");
        st = ask(download, &result, err);
    } while (get_try_again(download->get, &patience, &result, &st, err));
    return st;
}

/* ------------------------------------------------------------------ the whole */

static const char *name_of(enum dy_sum_kind kind)
{
    return kind == DY_SUM_GIT ? "git id" : kind == DY_SUM_MD5 ? "MD5" : "SHA-256";
}

static enum dylumo_status check_sum(const struct download *download, struct dylumo_error *err)
{
    const struct dy_get_file *file = download->file;
    struct dy_sum found;
    if (download->sum.kind == DY_SUM_NONE)
        return DYLUMO_OK;
    enum dylumo_status st =
        dy_sum_of_file(&found, download->sum.kind, file->part_path, download->get->context, err);
    if (st || !strcmp(found.hex, download->sum.hex))
        return st;
    return dy_fail(err, DYLUMO_MISMATCH,
                   "%s: the %s of what %s sent is %s, expected %s; it was thrown away: try again, "
                   "and if that happens again, don't trust the source",
                   file->name, name_of(found.kind), file->service->name, found.hex,
                   download->sum.hex);
}

static enum dylumo_status name_it(const struct download *download, struct dylumo_error *err)
{
    const struct dy_get_file *file = download->file;
    if (fsync(download->part) || rename(file->part_path, file->path))
        return dy_fail_errno(err, errno, file->path, "cannot write");
    if (file->mark_path)
        unlink(file->mark_path);
    return DYLUMO_OK;
}

/* A part that was continued and turns out wrong may have had a wrong beginning: once more, whole.
 */
static enum dylumo_status fetch_checked(struct download *download, struct dylumo_error *err)
{
    bool continued;
    enum dylumo_status st;
    do {
        continued = download->continued;
        st = fetch(download, err);
        if (!st)
            st = check_sum(download, err);
        if (st == DYLUMO_MISMATCH && start_over(download, err))
            return DYLUMO_IO;
    } while (st == DYLUMO_MISMATCH && continued);
    if (st == DYLUMO_MISMATCH) {
        unlink(download->file->part_path);
        err->status = st = DYLUMO_NETWORK;
    }
    return st ? st : name_it(download, err);
}

static enum dylumo_status download_locked(struct dy_get *get, const struct dy_get_file *file,
                                          struct dylumo_error *err)
{
    struct download download = {
        .get = get, .file = file, .part = -1, .size = file->size, .sum = file->sum};
    if (is_there(file->path)) /* whoever held the lock was after the same */
        return DYLUMO_OK;
    const char *slash = strrchr(file->name, '/');
    snprintf(download.what, sizeof download.what, "%.40s (bytes)", slash ? slash + 1 : file->name);
    enum dylumo_status st = open_part(&download, err);
    if (!st)
        st = fetch_checked(&download, err);
    if (download.part >= 0)
        close(download.part);
    struct stat info;
    if (st && !stat(file->part_path, &info) && !info.st_size) { /* nothing to go on from */
        unlink(file->part_path);
        if (file->mark_path)
            unlink(file->mark_path);
    }
    return st;
}

enum dylumo_status dy_get_file(struct dy_get *get, const struct dy_get_file *file,
                               struct dylumo_error *err)
{
    if (is_there(file->path))
        return DYLUMO_OK;
    if (get->offline)
        return dy_fail(err, DYLUMO_NETWORK,
                       "%s: not on this machine, and --offline asks nobody for it", file->name);
    int lock = -1;
    enum dylumo_status st = dy_get_folders_of(file->path, err);
    if (!st && file->lock_path)
        st = dy_get_folders_of(file->lock_path, err);
    if (!st && file->lock_path)
        st = dy_get_lock(&lock, file->lock_path, file->name, get->context, err);
    if (!st)
        st = download_locked(get, file, err);
    dy_get_unlock(&lock);
    return st;
}
