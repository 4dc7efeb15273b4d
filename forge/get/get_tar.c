/* One file out of a .tar.gz, as npm's packages are: POSIX ustar (IEEE 1003.1, pax: "ustar
 * Interchange Format"), read from front to back. Only what stands in such a package is known: names
 * of at most 100 bytes, sizes in octal. */
#include "dy_get.h"

#include <string.h>
#include <zlib.h>

#define BLOCK 512
#define SIZE_MAX_BYTES ((uint64_t)1 << 30)

struct tar {
    gzFile file;
    const char *path;
    uint8_t head[BLOCK];
};

static enum dylumo_status broken(const struct tar *tar, const char *why, struct dylumo_error *err)
{
    return dy_fail(err, DYLUMO_BAD_FILE, "%s: is no whole .tar.gz: %s", tar->path, why);
}

/* Digits with blanks or NULs around them; false for anything else. */
static bool octal(const uint8_t *field, size_t size, uint64_t *number)
{
    size_t at = 0;
    while (at < size && field[at] == ' ')
        at++;
    size_t first = at;
    for (*number = 0; at < size && field[at] >= '0' && field[at] <= '7'; at++)
        *number = *number << 3 | (uint64_t)(field[at] - '0');
    return at > first && at - first <= 12 && (at == size || field[at] == ' ' || !field[at]);
}

/* The sum of all bytes, those of the sum itself taken as blanks. */
static bool sum_is_right(const uint8_t head[BLOCK])
{
    uint64_t told, sum = 8 * ' ';
    for (size_t i = 0; i < BLOCK; i++)
        sum += i < 148 || i >= 156 ? head[i] : 0;
    return octal(head + 148, 8, &told) && told == sum;
}

/* The next head; *more is false at the end. */
static enum dylumo_status next(struct tar *tar, uint64_t *size, bool *more,
                               struct dylumo_error *err)
{
    int got = gzread(tar->file, tar->head, BLOCK);
    *more = got == BLOCK && tar->head[0];
    if (got == 0 || (got == BLOCK && !tar->head[0]))
        return DYLUMO_OK;
    if (got != BLOCK)
        return broken(tar, "it ends early", err);
    if (!sum_is_right(tar->head) || !octal(tar->head + 124, 12, size) || *size > SIZE_MAX_BYTES)
        return broken(tar, "a head is damaged", err);
    return DYLUMO_OK;
}

/* size bytes to out, or past them where out is NULL, and the blanks up to the next head. */
static enum dylumo_status pass(struct tar *tar, uint64_t size, struct dy_outfile *out,
                               struct dylumo_error *err)
{
    uint8_t bytes[1 << 16];
    enum dylumo_status st = DYLUMO_OK;
    for (uint64_t left = (size + BLOCK - 1) / BLOCK * BLOCK; left && !st;) {
        unsigned most = left < sizeof bytes ? (unsigned)left : sizeof bytes;
        if (gzread(tar->file, bytes, most) != (int)most)
            return broken(tar, "it ends early", err);
        left -= most;
        uint64_t useful = size < most ? size : most;
        size -= useful;
        if (out)
            st = dy_outfile_write(out, bytes, (size_t)useful, err);
    }
    return st;
}

static enum dylumo_status extract(struct tar *tar, uint64_t size, const char *output,
                                  struct dylumo_error *err)
{
    struct dy_outfile out = {0};
    enum dylumo_status st = dy_outfile_open(&out, output, err);
    if (!st)
        st = pass(tar, size, &out, err);
    if (!st)
        return dy_outfile_commit(&out, err);
    dy_outfile_discard(&out);
    return st;
}

static bool is_member(const struct tar *tar, const char *name)
{
    bool plain = tar->head[156] == '0' || !tar->head[156];
    return plain && strlen(name) <= 100 && !strncmp((const char *)tar->head, name, 100);
}

enum dylumo_status dy_get_untar(const char *archive, const char *member, const char *output,
                                struct dylumo_error *err)
{
    struct tar tar = {.path = archive, .file = gzopen(archive, "rb")};
    uint64_t size = 0;
    bool more = true;
    enum dylumo_status st = DYLUMO_OK;
    if (!tar.file)
        return dy_fail(err, DYLUMO_NOT_FOUND, "%s: cannot open", archive);
    while (!(st = next(&tar, &size, &more, err)) && more && !is_member(&tar, member))
        if ((st = pass(&tar, size, NULL, err)))
            break;
    if (!st)
        st = more ? extract(&tar, size, output, err)
                  : dy_fail(err, DYLUMO_BAD_FILE, "%s: has no %s", archive, member);
    gzclose_r(tar.file);
    return st;
}
