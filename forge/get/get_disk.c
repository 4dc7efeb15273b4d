/* The disk: folders, room, and locks between processes. */
#include "dy_get.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* Left free on top of a download, so that the machine goes on working. */
#define SPARE_BYTES ((uint64_t)64 << 20)

static enum dylumo_status make_folders(char *path, struct dylumo_error *err)
{
    for (char *slash = path; (slash = strchr(slash + 1, '/')) != NULL;) {
        *slash = '\0';
        int failed = mkdir(path, 0777) && errno != EEXIST;
        int problem = errno;
        struct stat info;
        if (failed && !stat(path, &info)) /* a read-only file system above, the folder is there */
            failed = 0;
        enum dylumo_status st =
            failed ? dy_fail_errno(err, problem, path, "cannot make this folder") : DYLUMO_OK;
        *slash = '/';
        if (st)
            return st;
    }
    return DYLUMO_OK;
}

enum dylumo_status dy_get_folders_of(const char *path, struct dylumo_error *err)
{
    char *copy = dy_strdup(path);
    enum dylumo_status st =
        copy ? make_folders(copy, err) : dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory", path);
    dy_free(copy);
    return st;
}

enum dylumo_status dy_get_folders(const char *path, struct dylumo_error *err)
{
    char below[4096];
    int length = snprintf(below, sizeof below, "%s/", path);
    if (length < 0 || (size_t)length >= sizeof below)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: the path is too long", path);
    return make_folders(below, err);
}

/* The folder of path, or the nearest one above that is there. */
static int look_at_disk(const char *path, struct statvfs *disk)
{
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", path);
    for (;;) {
        if (!statvfs(folder[0] ? folder : ".", disk))
            return 0;
        char *slash = strrchr(folder, '/');
        if (errno != ENOENT || !slash || slash == folder)
            return -1;
        *slash = '\0';
    }
}

enum dylumo_status dy_get_room(const char *path, uint64_t bytes, struct dylumo_error *err)
{
    struct statvfs disk;
    if (look_at_disk(path, &disk))
        return DYLUMO_OK; /* then writing will tell */
    uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (room >= SPARE_BYTES && room - SPARE_BYTES >= bytes)
        return DYLUMO_OK;
    return dy_fail(err, DYLUMO_IO,
                   "%s: the disk has %.1f MB free, and %.1f MB more are to be written (64 MB are "
                   "left free); nothing was begun: make room, or name another folder "
                   "(HF_HUB_CACHE, XDG_CACHE_HOME, --output)",
                   path, (double)room / 1e6, (double)bytes / 1e6);
}

/* flock, as Python's filelock takes it: the two heed each other. The file stays, since taking it
 * away would let a third lock another file of the same name. */
enum dylumo_status dy_get_lock(int *lock, const char *path, const char *what,
                               const struct dylumo_context *context, struct dylumo_error *err)
{
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*lock < 0)
        return dy_fail_errno(err, errno, path, "cannot open this lock");
    for (bool told = false; flock(*lock, LOCK_EX | LOCK_NB); told = true) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return DYLUMO_OK; /* a file system without locks: names of their own keep writers apart
                               */
        if (dy_context_cancelled(context))
            return dy_fail(err, DYLUMO_CANCELLED, "%s: cancelled", what);
        if (!told)
            dy_context_log(context, DYLUMO_LOG_WARNING,
                           "%s: waiting for another process that gets it", what);
        nanosleep(&(struct timespec){0, 50 * 1000000}, NULL);
    }
    return DYLUMO_OK;
}

void dy_get_unlock(int *lock)
{
    if (*lock >= 0)
        close(*lock);
    *lock = -1;
}
