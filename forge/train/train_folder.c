/* Every file of a folder and of the folders in it, as pictures without labels. What is a picture is
 * told by content when it is read, not by name here. */
#include "dy_train.h"

#include <errno.h>
#include <fts.h>
#include <string.h>

static enum dylumo_status add_file(struct dy_pictures *pictures, const char *root, const char *path,
                                   struct dylumo_error *err)
{
    struct dy_picture picture = {.emotion = -1, .set = pictures->sets};
    if (dy_grow(&pictures->items, &pictures->room, pictures->count + 1, sizeof *pictures->items)) {
        picture.path = dy_strdup(path);
        picture.file = dy_strdup(path);
    }
    if (!picture.path || !picture.file) {
        dy_free(picture.path);
        dy_free(picture.file);
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for its pictures", root);
    }
    pictures->items[pictures->count++] = picture;
    return DYLUMO_OK;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Hidden files and folders are passed over, but for one that was named itself. */
static bool is_hidden(const FTSENT *entry)
{
    return entry->fts_level > FTS_ROOTLEVEL && entry->fts_name[0] == '.';
}

static enum dylumo_status add_entry(struct dy_pictures *pictures, FTS *walk, FTSENT *entry,
                                    const char *root, struct dylumo_error *err)
{
    if (is_hidden(entry)) {
        (void)fts_set(walk, entry, FTS_SKIP);
        return DYLUMO_OK;
    }
    switch (entry->fts_info) {
    case FTS_F:
        return add_file(pictures, root, entry->fts_path, err);
    case FTS_DEFAULT: /* a FIFO, which may never end, or a device */
        return entry->fts_level > FTS_ROOTLEVEL
                   ? DYLUMO_OK
                   : dy_fail(err, DYLUMO_BAD_FILE, "%s: is neither a file nor a folder", root);
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        return dy_fail_errno(err, entry->fts_errno, entry->fts_path, "cannot read");
    default: /* folders, their ends, links that lead nowhere or in circles */
        return DYLUMO_OK;
    }
}

enum dylumo_status dy_pictures_add_folder(struct dy_pictures *pictures, const char *path,
                                          struct dylumo_error *err)
{
    char *root = dy_strdup(path);
    char *roots[] = {root, NULL};
    size_t first = pictures->count;
    FTS *walk = root ? fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name) : NULL;
    enum dylumo_status st = DYLUMO_OK;
    if (!walk)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for its pictures", path);
    for (FTSENT *entry; !st && (errno = 0, entry = fts_read(walk));)
        st = add_entry(pictures, walk, entry, path, err);
    if (!st && errno)
        st = dy_fail_errno(err, errno, path, "cannot read");
    if (!st && pictures->count == first)
        st = dy_fail(err, DYLUMO_BAD_FILE, "%s: holds no file", path);
    if (walk)
        fts_close(walk);
    dy_free(root);
    pictures->sets += !st;
    return st;
}
