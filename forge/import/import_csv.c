/* The CSV reader: a stream of bytes cut into blocks that end where a record ends; and on top of it
 * one record after the other. What follows a block's last whole record waits in `tail` for the
 * next. */
#include "import_csv.h"

#include "import_stream.h"

#include <string.h>

struct csv_source {
    struct import_stream *stream;
    size_t block_bytes;
    char *tail;
    size_t tail_size, tail_room;
    uint64_t line; /* of the next record */
    bool ended;
};

/* ------------------------------------------------------------------ blocks */

enum dylumo_status csv_source_open(struct csv_source **out, const char *path, size_t block_bytes,
                                   struct dylumo_error *err)
{
    struct csv_source *source = dy_new(sizeof *source);
    if (!source)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to read it", path);
    source->block_bytes = block_bytes;
    source->line = 1;
    enum dylumo_status st = import_stream_open(&source->stream, path, err);
    if (st) {
        csv_source_close(source);
        return st;
    }
    *out = source;
    return DYLUMO_OK;
}

void csv_source_close(struct csv_source *source)
{
    if (!source)
        return;
    import_stream_close(source->stream);
    dy_free(source->tail);
    dy_free(source);
}

void csv_source_progress(const struct csv_source *source, uint64_t *done, uint64_t *all)
{
    import_stream_progress(source->stream, done, all);
}

static enum dylumo_status no_memory(const struct csv_source *source, struct dylumo_error *err)
{
    return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to read it",
                   import_stream_name(source->stream));
}

/* Reads until the block is full or the stream ends. */
static enum dylumo_status fill(struct csv_source *source, struct csv_block *block,
                               struct dylumo_error *err)
{
    while (block->size < block->room && !source->ended) {
        size_t got;
        enum dylumo_status st = import_stream_read(source->stream, block->bytes + block->size,
                                                   block->room - block->size, &got, err);
        if (st)
            return st;
        block->size += got;
        source->ended = got == 0;
    }
    return DYLUMO_OK;
}

/* The bytes of whole records at the block's beginning, and the lines they take. */
static size_t whole_records(const struct csv_block *block, bool last, uint64_t *lines)
{
    size_t at = 0;
    while (at < block->size) {
        struct csv_extent extent = csv_extent_of(block->bytes + at, block->size - at, last);
        if (extent.size == 0)
            break;
        at += extent.size;
        *lines += extent.line_count;
    }
    return at;
}

static enum dylumo_status keep_tail(struct csv_source *source, struct csv_block *block,
                                    size_t whole, struct dylumo_error *err)
{
    source->tail_size = block->size - whole;
    if (!dy_grow(&source->tail, &source->tail_room, source->tail_size + 1, 1))
        return no_memory(source, err);
    memcpy(source->tail, block->bytes + whole, source->tail_size);
    block->size = whole;
    return DYLUMO_OK;
}

enum dylumo_status csv_source_read(struct csv_source *source, struct csv_block *block,
                                   struct dylumo_error *err)
{
    size_t need =
        source->block_bytes > source->tail_size ? source->block_bytes : 2 * source->tail_size;
    uint64_t lines = 0;
    if (!dy_grow(&block->bytes, &block->room, need, 1))
        return no_memory(source, err);
    block->line = source->line;
    block->size = source->tail_size;
    if (source->tail_size)
        memcpy(block->bytes, source->tail, source->tail_size);
    for (;;) {
        enum dylumo_status st = fill(source, block, err);
        if (st)
            return st;
        size_t whole = whole_records(block, source->ended, &lines);
        if (whole || source->ended) {
            source->line += lines;
            return keep_tail(source, block, whole, err);
        }
        if (!dy_grow(&block->bytes, &block->room, block->room * 2, 1))
            return no_memory(source, err);
    }
}

/* ------------------------------------------------------------------ records */

#define RECORD_BLOCK ((size_t)1 << 18)
#define COLUMNS_MAX 4096

struct dy_csv {
    struct csv_source *source;
    struct csv_block block;
    size_t at; /* in the block */
    uint64_t line;
    size_t column_count;
    struct dy_text *names;
    struct dy_text *fields; /* [column_count] */
    char *name_bytes;
};

/* The next record's bytes and line; size 0 at the end. */
static enum dylumo_status next_extent(struct dy_csv *csv, struct csv_extent *extent,
                                      struct dylumo_error *err)
{
    *extent = (struct csv_extent){0};
    if (csv->at == csv->block.size) {
        enum dylumo_status st = csv_source_read(csv->source, &csv->block, err);
        csv->at = 0;
        csv->line = csv->block.line;
        if (st || csv->block.size == 0) {
            csv->block.size = 0;
            return st;
        }
    }
    /* a block holds whole records alone, so its end ends the last one */
    *extent = csv_extent_of(csv->block.bytes + csv->at, csv->block.size - csv->at, true);
    return DYLUMO_OK;
}

/* Steps over an extent; returns its bytes. */
static char *take(struct dy_csv *csv, const struct csv_extent *extent)
{
    char *bytes = csv->block.bytes + csv->at;
    csv->at += extent->size;
    csv->line += extent->line_count;
    return bytes;
}

static enum dylumo_status keep_names(struct dy_csv *csv, char *record, size_t size,
                                     struct dylumo_error *err)
{
    const char *path = import_stream_name(csv->source->stream);
    csv->name_bytes = dy_new_array(size + 1, 1);
    csv->names = dy_new_array(COLUMNS_MAX, sizeof *csv->names);
    csv->fields = dy_new_array(COLUMNS_MAX, sizeof *csv->fields);
    if (!csv->name_bytes || !csv->names || !csv->fields)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for its header", path);
    memcpy(csv->name_bytes, record, size);
    csv->column_count = csv_split(csv->name_bytes, size, csv->names, COLUMNS_MAX);
    if (csv->column_count > COLUMNS_MAX)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: %zu columns, at most %d can be read", path,
                       csv->column_count, COLUMNS_MAX);
    return DYLUMO_OK;
}

static enum dylumo_status read_header(struct dy_csv *csv, struct dylumo_error *err)
{
    const char *path = import_stream_name(csv->source->stream);
    struct csv_extent extent;
    enum dylumo_status st = next_extent(csv, &extent, err);
    if (st)
        return st;
    if (extent.size == 0)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: is empty, expected a table with a header", path);
    const char *start = csv->block.bytes;
    size_t size = csv->block.size;
    if (size >= 2 && (!memcmp(start, "\xFF\xFE", 2) || !memcmp(start, "\xFE\xFF", 2)))
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: is UTF-16, expected UTF-8", path);
    if (size >= 3 && !memcmp(start, "\xEF\xBB\xBF", 3)) {
        csv->at = 3;
        st = next_extent(csv, &extent, err);
    }
    if (st)
        return st;
    if (extent.size == 0)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: is empty, expected a table with a header", path);
    if (extent.fault)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: line 1, the header: %s", path, extent.fault);
    return keep_names(csv, take(csv, &extent), extent.size, err);
}

enum dylumo_status dy_csv_open(struct dy_csv **out, const char *path, struct dylumo_error *err)
{
    struct dy_csv *csv = dy_new(sizeof *csv);
    if (!csv)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to read it", path);
    enum dylumo_status st = csv_source_open(&csv->source, path, RECORD_BLOCK, err);
    if (!st)
        st = read_header(csv, err);
    if (st) {
        dy_csv_close(csv);
        return st;
    }
    *out = csv;
    return DYLUMO_OK;
}

void dy_csv_close(struct dy_csv *csv)
{
    if (!csv)
        return;
    csv_source_close(csv->source);
    dy_free(csv->block.bytes);
    dy_free(csv->names);
    dy_free(csv->fields);
    dy_free(csv->name_bytes);
    dy_free(csv);
}

size_t dy_csv_column_count(const struct dy_csv *csv)
{
    return csv->column_count;
}

struct dy_text dy_csv_column_name(const struct dy_csv *csv, size_t column)
{
    return csv->names[column];
}

long dy_csv_column(const struct dy_csv *csv, const char *name)
{
    size_t size = strlen(name);
    for (size_t c = 0; c < csv->column_count; c++)
        if (csv->names[c].size == size && !memcmp(csv->names[c].bytes, name, size))
            return (long)c;
    return -1;
}

enum dylumo_status dy_csv_next(struct dy_csv *csv, struct dy_csv_record *record, bool *more,
                               struct dylumo_error *err)
{
    *more = false;
    *record = (struct dy_csv_record){.fields = csv->fields};
    for (;;) {
        struct csv_extent extent;
        enum dylumo_status st = next_extent(csv, &extent, err);
        if (st || extent.size == 0)
            return st;
        record->line = csv->line;
        record->fault = extent.fault;
        char *bytes = take(csv, &extent);
        if (!extent.fault)
            record->count = csv_split(bytes, extent.size, csv->fields, csv->column_count);
        *more = record->count > 0 || record->fault;
        if (*more)
            return DYLUMO_OK;
    }
}

enum dylumo_status csv_next_block(struct dy_csv *csv, struct csv_block *block,
                                  struct dylumo_error *err)
{
    size_t left = csv->block.size - csv->at;
    if (left == 0)
        return csv_source_read(csv->source, block, err);
    if (!dy_grow(&block->bytes, &block->room, left, 1))
        return no_memory(csv->source, err);
    memcpy(block->bytes, csv->block.bytes + csv->at, left);
    block->size = left;
    block->line = csv->line;
    csv->at = csv->block.size;
    return DYLUMO_OK;
}

void dy_csv_progress(const struct dy_csv *csv, uint64_t *done, uint64_t *all)
{
    csv_source_progress(csv->source, done, all);
}
