/* Parquet as a stream of CSV, so that one reader sees to columns, ranges, cleaning and faults of
 * all tables. Costs writing and reading numbers as text (DuckDB writes the shortest digits that
 * give the same number back); what that takes stands in docs/parquet.md. Columns without a text
 * form (plain bytes, pictures) are passed over. */
#include "import_stream_kinds.h"

#include "import_parquet.h"

#include <string.h>

struct parquet_stream {
    struct import_stream base;
    struct import_parquet *parquet;
    struct import_pick *picks;
    size_t pick_count;
    struct import_waiting waiting;
    uint64_t rows;
};

/* ------------------------------------------------------------------ writing CSV */

static char end_of(const struct parquet_stream *stream, size_t pick)
{
    return pick + 1 < stream->pick_count ? ',' : '\n';
}

static bool append_header(struct parquet_stream *stream)
{
    bool good = true;
    for (size_t i = 0; good && i < stream->pick_count; i++) {
        const char *name = import_parquet_name(stream->parquet, stream->picks[i].column);
        struct dy_text text = {name, strlen(name)};
        good = import_waiting_put(&stream->waiting, text, end_of(stream, i));
    }
    return good;
}

static bool append_rows(struct parquet_stream *stream, size_t rows)
{
    bool good = true;
    for (size_t row = 0; good && row < rows; row++)
        for (size_t i = 0; good && i < stream->pick_count; i++)
            good = import_waiting_put(&stream->waiting, import_parquet_at(stream->parquet, i, row),
                                      end_of(stream, i));
    return good;
}

/* ------------------------------------------------------------------ the stream */

static enum dylumo_status no_memory(const struct parquet_stream *stream, struct dylumo_error *err)
{
    return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to read it", stream->base.name);
}

static enum dylumo_status parquet_read(struct import_stream *base, char *bytes, size_t size,
                                       size_t *got, struct dylumo_error *err)
{
    struct parquet_stream *stream = (struct parquet_stream *)base;
    if (stream->waiting.at == stream->waiting.size) {
        size_t rows;
        enum dylumo_status st = import_parquet_next(stream->parquet, &rows, err);
        if (st)
            return st;
        if (!append_rows(stream, rows))
            return no_memory(stream, err);
        stream->rows += rows;
    }
    *got = import_waiting_take(&stream->waiting, bytes, size);
    return DYLUMO_OK;
}

static void parquet_progress(const struct import_stream *base, uint64_t *done, uint64_t *all)
{
    const struct parquet_stream *stream = (const struct parquet_stream *)base;
    *done = stream->rows;
    *all = import_parquet_rows(stream->parquet);
}

static void parquet_close(struct import_stream *base)
{
    struct parquet_stream *stream = (struct parquet_stream *)base;
    import_parquet_close(stream->parquet);
    dy_free(stream->picks);
    import_waiting_clear(&stream->waiting);
}

static const struct import_stream_kind parquet_kind = {parquet_read, parquet_progress,
                                                       parquet_close};

static enum dylumo_status pick_columns(struct parquet_stream *stream, struct dylumo_error *err)
{
    size_t columns = import_parquet_columns(stream->parquet);
    stream->picks = dy_new_array(columns, sizeof *stream->picks);
    if (!stream->picks)
        return no_memory(stream, err);
    for (size_t c = 0; c < columns; c++)
        if (import_parquet_kind(stream->parquet, c) == PARQUET_TEXT)
            stream->picks[stream->pick_count++] = (struct import_pick){c, PARQUET_AS_TEXT};
    if (!stream->pick_count)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: none of its %zu columns is text or numbers",
                       stream->base.name, columns);
    if (!append_header(stream))
        return no_memory(stream, err);
    return import_parquet_select(stream->parquet, stream->picks, stream->pick_count, err);
}

enum dylumo_status import_stream_open_parquet(struct import_stream **out, const char *path,
                                              struct dylumo_error *err)
{
    struct parquet_stream *stream = dy_new(sizeof *stream);
    if (!stream)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to read it", path);
    stream->base.kind = &parquet_kind;
    stream->base.name = dy_strdup(path);
    enum dylumo_status st = DYLUMO_OK;
    if (!stream->base.name)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to read it", path);
    if (!st)
        st = import_parquet_open(&stream->parquet, path, err);
    if (!st)
        st = pick_columns(stream, err);
    if (st) {
        import_stream_close(&stream->base);
        return st;
    }
    *out = &stream->base;
    return DYLUMO_OK;
}
