/* Files: mapped, read whole, and written so that a reader never sees half of one. */
#include "dy_base.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------ map */

enum dylumo_status dy_map_file(struct dy_map *map, const char *path, struct dylumo_error *err)
{
    *map = (struct dy_map){0};
    /* O_NONBLOCK: opening a FIFO must not wait for a writer. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return dy_fail_errno(err, errno, path, "cannot open");
    enum dylumo_status st = DYLUMO_OK;
    struct stat info;
    if (fstat(file, &info))
        st = dy_fail_errno(err, errno, path, "cannot look at");
    else if (S_ISDIR(info.st_mode))
        st = dy_fail(err, DYLUMO_BAD_FILE, "%s: is a folder, expected a file", path);
    else if (!S_ISREG(info.st_mode))
        st = dy_fail(err, DYLUMO_BAD_FILE, "%s: is a pipe or device, expected a file", path);
    else if (info.st_size > 0) {
        void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, file, 0);
        if (data == MAP_FAILED)
            st = dy_fail_errno(err, errno, path, "cannot map");
        else
            *map = (struct dy_map){data, (size_t)info.st_size};
    }
    close(file);
    return st;
}

void dy_map_close(struct dy_map *map)
{
    if (map->data)
        munmap((void *)(uintptr_t)map->data, map->size);
    *map = (struct dy_map){0};
}

void dy_map_forget(const void *data, size_t size)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)data + page - 1) & ~(page - 1);
    uintptr_t to = ((uintptr_t)data + size) & ~(page - 1);
    if (to > from)
        madvise((void *)from, to - from, MADV_DONTNEED);
}

/* ------------------------------------------------------------------ read whole */

static enum dylumo_status too_large(const char *path, uint64_t max_bytes, struct dylumo_error *err)
{
    return dy_fail(err, DYLUMO_TOO_LARGE, "%s: more than %llu bytes, the limit", path,
                   (unsigned long long)max_bytes);
}

static enum dylumo_status interrupted(const char *path, struct dylumo_error *err)
{
    return dy_fail(err, DYLUMO_CANCELLED, "%s: cancelled while it was read", path);
}

static enum dylumo_status read_all(int file, size_t guess, uint8_t **data, size_t *size,
                                   const char *path, uint64_t max_bytes,
                                   const struct dylumo_context *context, struct dylumo_error *err)
{
    uint8_t *bytes = NULL;
    size_t room = 0, used = 0;
    enum dylumo_status st = DYLUMO_OK;
    if (!dy_grow(&bytes, &room, guess + 1, 1))
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for %zu bytes", path, guess);
    for (;;) {
        if (used == room && !dy_grow(&bytes, &room, used + 65536, 1)) {
            st = dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for %zu bytes", path, used + 65536);
            break;
        }
        ssize_t got = read(file, bytes + used, room - used);
        if (got < 0 && errno == EINTR && !dy_context_cancelled(context))
            continue;
        if (got < 0 && errno == EINTR)
            st = interrupted(path, err);
        else if (got < 0)
            st = dy_fail_errno(err, errno, path, "cannot read");
        if (got <= 0)
            break;
        used += (size_t)got;
        if (used > max_bytes) {
            st = too_large(path, max_bytes, err);
            break;
        }
    }
    if (st) {
        dy_free(bytes);
        return st;
    }
    *data = bytes;
    *size = used;
    return DYLUMO_OK;
}

static enum dylumo_status read_file(uint8_t **data, size_t *size, const char *path,
                                    uint64_t max_bytes, const struct dylumo_context *context,
                                    struct dylumo_error *err)
{
    bool standard = !strcmp(path, "-");
    const char *name = standard ? "standard input" : path;
    int file = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno == EINTR && dy_context_cancelled(context)) /* a FIFO without a writer */
        return interrupted(path, err);
    if (file < 0)
        return dy_fail_errno(err, errno, path, "cannot open");
    struct stat info;
    enum dylumo_status st = DYLUMO_OK;
    if (fstat(file, &info))
        st = dy_fail_errno(err, errno, name, "cannot look at");
    else if (S_ISDIR(info.st_mode))
        st = dy_fail(err, DYLUMO_BAD_FILE, "%s: is a folder, expected a file", name);
    else if (S_ISREG(info.st_mode) && (uint64_t)info.st_size > max_bytes)
        st = too_large(name, max_bytes, err);
    else
        st = read_all(file, S_ISREG(info.st_mode) ? (size_t)info.st_size : 65535, data, size, name,
                      max_bytes, context, err);
    if (!standard)
        close(file);
    return st;
}

enum dylumo_status dy_read_file(uint8_t **data, size_t *size, const char *path, uint64_t max_bytes,
                                struct dylumo_error *err)
{
    return read_file(data, size, path, max_bytes, NULL, err);
}

enum dylumo_status dy_read_picture(uint8_t **data, size_t *size, const char *path,
                                   const struct dylumo_context *context, struct dylumo_error *err)
{
    return read_file(data, size, path, dy_context_max_picture_bytes(context), context, err);
}

/* ------------------------------------------------------------------ write beside, rename */

/* A device or pipe can't be replaced by a file: it is written as it is. */
static int open_device(const char *path)
{
    return open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
}

/* A file beside the one that is meant, with the rights that a new file gets. */
static int open_part(struct dy_outfile *out)
{
    int file = mkostemp(out->part_path, O_CLOEXEC);
    if (file < 0) {
        dy_free(out->part_path);
        out->part_path = NULL;
        return -1;
    }
    mode_t mask = umask(0);
    umask(mask);
    if (!fchmod(file, 0666 & ~mask))
        return file;
    close(file);
    return -1;
}

bool dy_is_standard_output(const char *path)
{
    static const char *const names[] = {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"};
    for (size_t i = 0; i < DY_COUNT(names); i++)
        if (!strcmp(path, names[i]))
            return true;
    return false;
}

static bool name_part(struct dy_outfile *out)
{
    static const char suffix[] = ".part-XXXXXX";
    size_t length = strlen(out->path);
    out->part_path = dy_new_array(length + sizeof suffix, 1);
    if (!out->part_path)
        return false;
    memcpy(out->part_path, out->path, length);
    memcpy(out->part_path + length, suffix, sizeof suffix);
    return true;
}

enum dylumo_status dy_outfile_open(struct dy_outfile *out, const char *path,
                                   struct dylumo_error *err)
{
    *out = (struct dy_outfile){0};
    if (!*path)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "the output's name is empty, expected a file name");
    bool standard = dy_is_standard_output(path);
    struct stat info;
    char target[PATH_MAX];
    bool there = !standard && !stat(path, &info);
    if (there && S_ISDIR(info.st_mode))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: is a folder, expected a file name", path);
    bool device = there && !S_ISREG(info.st_mode);
    bool link = there && !device && !lstat(path, &info) && S_ISLNK(info.st_mode);
    if (link && realpath(path, target))
        path = target; /* so that the link stays one */
    out->path = dy_strdup(standard ? "standard output" : path);
    if (!out->path || (!standard && !device && !name_part(out))) {
        dy_outfile_discard(out);
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to write it", path);
    }
    if (standard) {
        out->stream = stdout;
        return DYLUMO_OK;
    }
    int file = device ? open_device(path) : open_part(out);
    out->stream = file < 0 ? NULL : fdopen(file, "wb");
    if (out->stream)
        return DYLUMO_OK;
    enum dylumo_status st = dy_fail_errno(err, errno, path, "cannot write");
    if (file >= 0)
        close(file);
    dy_outfile_discard(out);
    return st;
}

enum dylumo_status dy_outfile_write(struct dy_outfile *out, const void *data, size_t size,
                                    struct dylumo_error *err)
{
    if (size && fwrite(data, 1, size, out->stream) != size)
        return dy_fail_errno(err, errno, out->path, "cannot write");
    return DYLUMO_OK;
}

enum dylumo_status dy_outfile_commit(struct dy_outfile *out, struct dylumo_error *err)
{
    errno = 0;
    bool bad = ferror(out->stream) != 0;
    bad |= fflush(out->stream) != 0;
    if (out->part_path) {
        bad |= !bad && fsync(fileno(out->stream)) != 0;
        int problem = errno;
        bad |= fclose(out->stream) != 0;
        out->stream = NULL;
        if (problem)
            errno = problem;
        bad |= !bad && rename(out->part_path, out->path) != 0;
    } else if (out->stream != stdout) { /* a device or pipe */
        bad |= fclose(out->stream) != 0;
        out->stream = NULL;
    }
    enum dylumo_status st =
        bad ? dy_fail_errno(err, errno ? errno : EIO, out->path, "cannot write") : DYLUMO_OK;
    if (!st) {
        dy_free(out->part_path);
        out->part_path = NULL;
    }
    dy_outfile_discard(out);
    return st;
}

void dy_outfile_discard(struct dy_outfile *out)
{
    if (out->stream && out->stream != stdout)
        fclose(out->stream);
    if (out->part_path)
        unlink(out->part_path);
    dy_free(out->part_path);
    dy_free(out->path);
    *out = (struct dy_outfile){0};
}

enum dylumo_status dy_write_file(const char *path, const void *data, size_t size,
                                 struct dylumo_error *err)
{
    struct dy_outfile out = {0};
    enum dylumo_status st = dy_outfile_open(&out, path, err);
    if (!st)
        st = dy_outfile_write(&out, data, size, err);
    if (!st)
        return dy_outfile_commit(&out, err);
    dy_outfile_discard(&out);
    return st;
}
