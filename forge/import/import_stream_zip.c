/* A table in a zip archive, as Kaggle sends it: the one table inside, unpacked while it is read.
 * Its size and CRC are checked at its end, so that a damaged archive makes no songs file. */
#include "dy_foreign.h"
#include "import_parquet.h"
#include "import_stream_kinds.h"

#include <string.h>
#include <strings.h>
#include <zlib.h>

#define PIECE (1 << 20) /* bytes at a time, to and from zlib */

enum { STORED = 0, DEFLATED = 8 };

struct zip_stream {
    struct import_stream base;
    struct dy_zip *zip;
    const struct dy_zip_entry *entry;
    z_stream inflate; /* state: NULL for a stored entry */
    uint64_t taken;   /* packed bytes handed on */
    uint64_t made;    /* bytes read */
    uLong crc;
    bool ended;
};

/* ------------------------------------------------------------------ which of the files */

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), tail = strlen(end);
    return length >= tail && !strcasecmp(name + length - tail, end);
}

/* What macOS and others put in beside the files. */
static bool is_aside(const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *last = slash ? slash + 1 : name;
    return !*last || *last == '.' || !strncmp(name, "__MACOSX/", 9);
}

/* The only file of a kind; *other receives a second one, NULL: there is none. */
static const struct dy_zip_entry *only_one(const struct dy_zip *zip, const char *end,
                                           const struct dy_zip_entry **other)
{
    const struct dy_zip_entry *found = NULL;
    *other = NULL;
    for (size_t i = 0; i < dy_zip_count(zip); i++) {
        const struct dy_zip_entry *entry = dy_zip_at(zip, i);
        if (is_aside(entry->name) || !ends_with(entry->name, end))
            continue;
        if (found)
            *other = entry;
        else
            found = entry;
    }
    return found;
}

/* The table: the only .csv, else the only file. */
static enum dylumo_status find_table(struct zip_stream *stream, struct dylumo_error *err)
{
    const struct dy_zip_entry *other;
    stream->entry = only_one(stream->zip, ".csv", &other);
    if (!stream->entry)
        stream->entry = only_one(stream->zip, "", &other);
    if (!stream->entry)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: the archive holds no file, expected a table",
                       stream->base.name);
    if (other)
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: the archive holds several tables ('%.200s', '%.200s'), expected one; "
                       "unpack it and name those that you want",
                       stream->base.name, stream->entry->name, other->name);
    if (stream->entry->method != STORED && stream->entry->method != DEFLATED)
        return dy_fail(err, DYLUMO_UNSUPPORTED,
                       "%s: '%.200s' is packed by method %u, expected 0 (stored) or 8 (deflate)",
                       stream->base.name, stream->entry->name, stream->entry->method);
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ unpacking */

static enum dylumo_status broken(const struct zip_stream *stream, const char *why,
                                 struct dylumo_error *err)
{
    return dy_fail(err, DYLUMO_BAD_FILE, "%s: '%.200s' is damaged: %s", stream->base.name,
                   stream->entry->name, why);
}

/* The next packed bytes, at most so many. */
static size_t take(struct zip_stream *stream, size_t size, const uint8_t **bytes)
{
    uint64_t left = stream->entry->packed_size - stream->taken;
    size_t count = left < size ? (size_t)left : size;
    *bytes = stream->entry->packed + stream->taken;
    stream->taken += count;
    return count;
}

static size_t read_stored(struct zip_stream *stream, char *bytes, size_t size)
{
    const uint8_t *from;
    size_t count = take(stream, size, &from);
    if (count)
        memcpy(bytes, from, count);
    return count;
}

static enum dylumo_status read_deflated(struct zip_stream *stream, char *bytes, size_t size,
                                        size_t *got, struct dylumo_error *err)
{
    z_stream *z = &stream->inflate;
    z->next_out = (Bytef *)bytes;
    z->avail_out = (uInt)size;
    while (!stream->ended && z->avail_out == size) {
        if (!z->avail_in) {
            const uint8_t *from;
            z->avail_in = (uInt)take(stream, PIECE, &from);
            z->next_in = (z_const Bytef *)(uintptr_t)from;
        }
        int code = inflate(z, Z_NO_FLUSH);
        if (code == Z_MEM_ERROR)
            return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to unpack it", stream->base.name);
        if (code != Z_OK && code != Z_STREAM_END)
            return broken(stream, z->msg ? z->msg : "it ends too early", err);
        stream->ended = code == Z_STREAM_END;
    }
    *got = size - z->avail_out;
    return DYLUMO_OK;
}

static enum dylumo_status zip_read(struct import_stream *base, char *bytes, size_t size,
                                   size_t *got, struct dylumo_error *err)
{
    struct zip_stream *stream = (struct zip_stream *)base;
    enum dylumo_status st = DYLUMO_OK;
    size = size < PIECE ? size : PIECE;
    if (stream->entry->method == STORED)
        *got = read_stored(stream, bytes, size);
    else
        st = read_deflated(stream, bytes, size, got, err);
    if (st)
        return st;
    stream->crc = crc32(stream->crc, (const Bytef *)bytes, (uInt)*got);
    stream->made += *got;
    bool whole = stream->made == stream->entry->size && stream->crc == stream->entry->crc;
    if (stream->made > stream->entry->size || (!*got && !whole)) {
        *got = 0;
        return broken(stream, "its size or CRC is not what the archive says", err);
    }
    return DYLUMO_OK;
}

static void zip_progress(const struct import_stream *base, uint64_t *done, uint64_t *all)
{
    const struct zip_stream *stream = (const struct zip_stream *)base;
    *done = stream->taken;
    *all = stream->entry->packed_size;
}

static void zip_close(struct import_stream *base)
{
    struct zip_stream *stream = (struct zip_stream *)base;
    if (stream->inflate.state)
        inflateEnd(&stream->inflate);
    dy_zip_close(stream->zip);
}

static const struct import_stream_kind zip_kind = {zip_read, zip_progress, zip_close};

/* ------------------------------------------------------------------ open */

static enum dylumo_status start(struct zip_stream *stream, struct dylumo_error *err)
{
    if (stream->entry->method == DEFLATED && inflateInit2(&stream->inflate, -MAX_WBITS) != Z_OK)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to unpack it", stream->base.name);
    if (stream->entry->method == STORED &&
        import_parquet_looks_like(stream->entry->packed, stream->entry->packed_size))
        return dy_fail(err, DYLUMO_UNSUPPORTED,
                       "%s: '%.200s' is Parquet in an archive; unpack it and import that",
                       stream->base.name, stream->entry->name);
    return DYLUMO_OK;
}

enum dylumo_status import_stream_open_zip(struct import_stream **out, const char *path,
                                          struct dylumo_error *err)
{
    struct zip_stream *stream = dy_new(sizeof *stream);
    if (stream) {
        stream->base.kind = &zip_kind;
        stream->base.name = dy_strdup(path);
    }
    enum dylumo_status st = DYLUMO_OK;
    if (!stream || !stream->base.name)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to read it", path);
    if (!st)
        st = dy_zip_open(&stream->zip, path, err);
    if (!st)
        st = find_table(stream, err);
    if (!st)
        st = start(stream, err);
    if (st) {
        import_stream_close((struct import_stream *)stream);
        return st;
    }
    *out = &stream->base;
    return DYLUMO_OK;
}
