/* Streams of table text. zlib tells gzip from plain by itself; for the rest the first bytes of a
 * file are looked at before it is read. */
#include "import_stream_kinds.h"

#include "dy_foreign.h"
#include "import_csv.h"
#include "import_parquet.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* ------------------------------------------------------------------ plain and gzip */

struct gzip_stream {
    struct import_stream base;
    gzFile file;
    uint64_t all_bytes;
};

static enum dylumo_status read_failed(const struct gzip_stream *stream, struct dylumo_error *err)
{
    int code;
    const char *text = gzerror(stream->file, &code);
    if (code == Z_ERRNO)
        return dy_fail_errno(err, errno, stream->base.name, "cannot read");
    if (code == Z_MEM_ERROR)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to read it", stream->base.name);
    return dy_fail(err, DYLUMO_BAD_FILE, "%s: broken gzip: %s", stream->base.name, text);
}

static enum dylumo_status gzip_read(struct import_stream *base, char *bytes, size_t size,
                                    size_t *got, struct dylumo_error *err)
{
    struct gzip_stream *stream = (struct gzip_stream *)base;
    int read = gzread(stream->file, bytes, size < (1 << 20) ? (unsigned)size : 1 << 20), code;
    gzerror(stream->file, &code);
    if (read < 0 || (code != Z_OK && code != Z_STREAM_END))
        return read_failed(stream, err);
    *got = (size_t)read;
    return DYLUMO_OK;
}

static void gzip_progress(const struct import_stream *base, uint64_t *done, uint64_t *all)
{
    const struct gzip_stream *stream = (const struct gzip_stream *)base;
    z_off_t at = gzoffset(stream->file);
    *done = at > 0 ? (uint64_t)at : 0;
    *all = stream->all_bytes;
}

static void gzip_close(struct import_stream *base)
{
    struct gzip_stream *stream = (struct gzip_stream *)base;
    if (stream->file)
        gzclose_r(stream->file);
}

static const struct import_stream_kind gzip_kind = {gzip_read, gzip_progress, gzip_close};

/* Takes the descriptor over, also when it fails. */
static enum dylumo_status open_gzip(struct import_stream **out, const char *name, int file,
                                    uint64_t all_bytes, struct dylumo_error *err)
{
    struct gzip_stream *stream = dy_new(sizeof *stream);
    if (stream) {
        stream->base.kind = &gzip_kind;
        stream->base.name = dy_strdup(name);
        stream->all_bytes = all_bytes;
    }
    if (stream && stream->base.name)
        stream->file = gzdopen(file, "rb");
    if (!stream || !stream->file) {
        close(file);
        import_stream_close((struct import_stream *)stream);
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to read it", name);
    }
    gzbuffer(stream->file, 1 << 18);
    *out = &stream->base;
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ text that waits */

static bool append(struct import_waiting *waiting, const char *bytes, size_t size)
{
    if (!dy_grow(&waiting->text, &waiting->room, waiting->size + size, 1))
        return false;
    if (size)
        memcpy(waiting->text + waiting->size, bytes, size);
    waiting->size += size;
    return true;
}

static bool append_quoted(struct import_waiting *waiting, struct dy_text text)
{
    bool good = append(waiting, "\"", 1);
    for (size_t i = 0; good && i < text.size; i++)
        good = append(waiting, text.bytes[i] == '"' ? "\"\"" : text.bytes + i,
                      text.bytes[i] == '"' ? 2 : 1);
    return good && append(waiting, "\"", 1);
}

bool import_waiting_put(struct import_waiting *waiting, struct dy_text field, char end)
{
    return (csv_needs_quotes(field) ? append_quoted(waiting, field)
                                    : append(waiting, field.bytes, field.size)) &&
           append(waiting, &end, 1);
}

size_t import_waiting_take(struct import_waiting *waiting, char *bytes, size_t size)
{
    size_t left = waiting->size - waiting->at, taken = left < size ? left : size;
    if (taken)
        memcpy(bytes, waiting->text + waiting->at, taken);
    waiting->at += taken;
    if (waiting->at == waiting->size)
        waiting->at = waiting->size = 0;
    return taken;
}

void import_waiting_clear(struct import_waiting *waiting)
{
    dy_free(waiting->text);
}

/* ------------------------------------------------------------------ any */

#define MAGIC_SIZE 8

/* numpy's array, or FAISS's flat index: its letters, and a dimension below 65,536. */
static bool is_rows_alone(const char magic[MAGIC_SIZE])
{
    return dy_npy_looks_like(magic, MAGIC_SIZE) ||
           (!memcmp(magic, "IxF", 3) && !magic[6] && !magic[7]);
}

typedef enum dylumo_status open_stream(struct import_stream **out, const char *path,
                                       struct dylumo_error *err);

static enum dylumo_status refuse_rows(struct import_stream **out, const char *path,
                                      struct dylumo_error *err)
{
    *out = NULL;
    return dy_fail(err, DYLUMO_BAD_FILE,
                   "%s: holds features without songs; name the folder in which the original's "
                   "spotify_metadata.parquet lies with it",
                   path);
}

/* Who reads such a file; NULL: it is plain text or gzip. */
static open_stream *opener_of(int file, const struct stat *info)
{
    char magic[MAGIC_SIZE] = "";
    if (S_ISDIR(info->st_mode))
        return import_stream_open_original;
    if (!S_ISREG(info->st_mode) || pread(file, magic, sizeof magic, 0) < 4)
        return NULL;
    return import_parquet_looks_like(magic, 4) ? import_stream_open_parquet
           : dy_zip_looks_like(magic, 4)       ? import_stream_open_zip
           : is_rows_alone(magic)              ? refuse_rows
                                               : NULL;
}

enum dylumo_status import_stream_open(struct import_stream **out, const char *path,
                                      struct dylumo_error *err)
{
    bool is_file = strcmp(path, "-") != 0;
    int file = is_file ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
    if (file < 0)
        return dy_fail_errno(err, errno, path, "cannot open");
    struct stat info = {0};
    (void)fstat(file, &info);
    open_stream *opener = is_file ? opener_of(file, &info) : NULL;
    if (opener) {
        close(file);
        return opener(out, path, err);
    }
    return open_gzip(out, is_file ? path : "standard input", file,
                     S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0, err);
}

void import_stream_close(struct import_stream *stream)
{
    if (!stream)
        return;
    stream->kind->close(stream);
    dy_free(stream->name);
    dy_free(stream);
}

enum dylumo_status import_stream_read(struct import_stream *stream, char *bytes, size_t size,
                                      size_t *got, struct dylumo_error *err)
{
    *got = 0;
    return stream->kind->read(stream, bytes, size, got, err);
}

void import_stream_progress(const struct import_stream *stream, uint64_t *done, uint64_t *all)
{
    stream->kind->progress(stream, done, all);
}

const char *import_stream_name(const struct import_stream *stream)
{
    return stream->name;
}
