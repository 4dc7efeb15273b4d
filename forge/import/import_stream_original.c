/* The original's artefacts, a folder, as one table: spotify_metadata's columns and, row for row,
 * the features that were scaled for FAISS, back in units. Comes out as CSV, so that one reader sees
 * to columns, ranges, cleaning and faults of all tables. Where the metadata hold the features, too,
 * these are taken, once they are found to be the scaled ones. */
#include "import_stream_kinds.h"

#include "import_csv.h"
#include "import_scaled.h"

#include <string.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)1 << 16)

struct original_stream {
    struct import_stream base;
    struct import_scaled scaled;
    char path[4096]; /* of the metadata */
    struct dy_csv *metadata;
    size_t columns;                      /* of the metadata */
    long features[DYLUMO_FEATURE_COUNT]; /* columns of the metadata; -1: not there */
    bool has_features;                   /* all 13 */
    size_t row;                          /* the next */
    struct import_waiting waiting;
};

static enum dylumo_status no_memory(const struct original_stream *stream, struct dylumo_error *err)
{
    return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to read it", stream->base.name);
}

/* ------------------------------------------------------------------ writing CSV */

static bool is_feature(const struct original_stream *stream, size_t column)
{
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        if (stream->features[f] == (long)column)
            return true;
    return false;
}

static bool put_other(struct original_stream *stream, size_t column, struct dy_text field)
{
    return is_feature(stream, column) || import_waiting_put(&stream->waiting, field, ',');
}

static bool put_feature(struct original_stream *stream, unsigned feature, struct dy_text field)
{
    return import_waiting_put(&stream->waiting, field,
                              feature + 1 < DYLUMO_FEATURE_COUNT ? ',' : '\n');
}

static bool put_header(struct original_stream *stream)
{
    bool good = true;
    for (size_t c = 0; good && c < stream->columns; c++)
        good = put_other(stream, c, dy_csv_column_name(stream->metadata, c));
    for (unsigned f = 0; good && f < DYLUMO_FEATURE_COUNT; f++) {
        const char *name = dylumo_feature_info((enum dylumo_feature)f)->name;
        good = put_feature(stream, f, (struct dy_text){name, strlen(name)});
    }
    return good;
}

static bool put_features(struct original_stream *stream, const struct dy_text *fields)
{
    bool good = true;
    for (unsigned f = 0; good && f < DYLUMO_FEATURE_COUNT; f++) {
        char text[32];
        if (!stream->has_features)
            import_scaled_print(&stream->scaled, stream->row, f, text);
        good = put_feature(stream, f,
                           stream->has_features ? fields[stream->features[f]]
                                                : (struct dy_text){text, strlen(text)});
    }
    return good;
}

/* ------------------------------------------------------------------ rows */

/* The metadata's features are those of the row; what is no number is for the reader to tell. */
static bool agrees(const struct original_stream *stream, const struct dy_text *fields)
{
    double values[DYLUMO_FEATURE_COUNT];
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        if (!dy_csv_number(fields[stream->features[f]], &values[f]))
            return true;
    return import_scaled_agrees(&stream->scaled, stream->row, values);
}

static enum dylumo_status put_row(struct original_stream *stream,
                                  const struct dy_csv_record *record, struct dylumo_error *err)
{
    bool good = true;
    if (record->fault || record->count != stream->columns)
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: line %llu has %zu sound fields, expected %zu; which rows of %s belong "
                       "to those after it can't be told",
                       stream->path, (unsigned long long)record->line, record->count,
                       stream->columns, stream->scaled.name);
    if (stream->has_features && !agrees(stream, record->fields))
        return dy_fail(err, DYLUMO_MISMATCH,
                       "%s: row %zu has other features than row %zu of %s (counted from 0)",
                       stream->path, stream->row, stream->row, stream->scaled.name);
    for (size_t c = 0; good && c < stream->columns; c++)
        good = put_other(stream, c, record->fields[c]);
    good = good && put_features(stream, record->fields);
    stream->row++;
    return good ? DYLUMO_OK : no_memory(stream, err);
}

/* more: the metadata have a row for which there are no features; else there are features left. */
static enum dylumo_status other_count(struct original_stream *stream, bool more,
                                      struct dylumo_error *err)
{
    struct dy_csv_record record;
    size_t rows = stream->row;
    while (more) {
        rows++;
        enum dylumo_status st = dy_csv_next(stream->metadata, &record, &more, err);
        if (st)
            return st;
    }
    return dy_fail(err, DYLUMO_MISMATCH, "%s has %zu rows, but %s %zu", stream->path, rows,
                   stream->scaled.name, stream->scaled.rows.count);
}

/* The next rows as text; none at the end. */
static enum dylumo_status write_rows(struct original_stream *stream, struct dylumo_error *err)
{
    struct dy_csv_record record;
    bool more = true;
    enum dylumo_status st = DYLUMO_OK;
    while (!st && more && stream->waiting.size < CHUNK_BYTES) {
        st = dy_csv_next(stream->metadata, &record, &more, err);
        if (!st && more != (stream->row < stream->scaled.rows.count))
            st = other_count(stream, more, err);
        if (!st && more)
            st = put_row(stream, &record, err);
    }
    return st;
}

/* ------------------------------------------------------------------ the stream */

static enum dylumo_status original_read(struct import_stream *base, char *bytes, size_t size,
                                        size_t *got, struct dylumo_error *err)
{
    struct original_stream *stream = (struct original_stream *)base;
    enum dylumo_status st = DYLUMO_OK;
    if (stream->waiting.at == stream->waiting.size)
        st = write_rows(stream, err);
    if (!st)
        *got = import_waiting_take(&stream->waiting, bytes, size);
    return st;
}

static void original_progress(const struct import_stream *base, uint64_t *done, uint64_t *all)
{
    const struct original_stream *stream = (const struct original_stream *)base;
    *done = stream->row;
    *all = stream->scaled.rows.count;
}

static void original_close(struct import_stream *base)
{
    struct original_stream *stream = (struct original_stream *)base;
    dy_csv_close(stream->metadata);
    import_scaled_clear(&stream->scaled);
    import_waiting_clear(&stream->waiting);
}

static const struct import_stream_kind original_kind = {original_read, original_progress,
                                                        original_close};

static enum dylumo_status open_metadata(struct original_stream *stream, const char *folder,
                                        struct dylumo_error *err)
{
    static const char *const endings[] = {"parquet", "csv"};
    for (size_t i = 0; i < DY_COUNT(endings); i++) {
        int length = snprintf(stream->path, sizeof stream->path, "%s/spotify_metadata.%s", folder,
                              endings[i]);
        if (length > 0 && (size_t)length < sizeof stream->path && !access(stream->path, F_OK))
            return dy_csv_open(&stream->metadata, stream->path, err);
    }
    return dy_fail(err, DYLUMO_NOT_FOUND,
                   "%s: no spotify_metadata.parquet or .csv in it, which names the songs", folder);
}

static enum dylumo_status find_columns(struct original_stream *stream, struct dylumo_error *err)
{
    const struct dy_csv *metadata = stream->metadata;
    stream->columns = dy_csv_column_count(metadata);
    stream->has_features = true;
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        const char *name = dylumo_feature_info((enum dylumo_feature)f)->name;
        stream->features[f] = dy_csv_column(metadata, name);
        stream->has_features = stream->has_features && stream->features[f] >= 0;
    }
    if (dy_csv_column(metadata, "track_id") < 0 && dy_csv_column(metadata, "id") < 0)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: no column named 'track_id' in its %zu columns",
                       stream->path, stream->columns);
    if (stream->scaled.unit && !stream->has_features)
        return dy_fail(
            err, DYLUMO_UNSUPPORTED,
            "%s: its rows were brought to length 1, so that the songs' features can't be "
            "told from them; expected spotify_features.npy as it was scaled, or the 13 "
            "features in %s",
            stream->scaled.name, stream->path);
    return put_header(stream) ? DYLUMO_OK : no_memory(stream, err);
}

enum dylumo_status import_stream_open_original(struct import_stream **out, const char *path,
                                               struct dylumo_error *err)
{
    struct original_stream *stream = dy_new(sizeof *stream);
    if (!stream)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to read it", path);
    stream->base.kind = &original_kind;
    stream->base.name = dy_strdup(path);
    enum dylumo_status st = DYLUMO_OK;
    if (!stream->base.name)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to read it", path);
    if (!st)
        st = import_scaled_open(&stream->scaled, path, err);
    if (!st)
        st = open_metadata(stream, path, err);
    if (!st)
        st = find_columns(stream, err);
    if (st) {
        import_stream_close(&stream->base);
        return st;
    }
    *out = &stream->base;
    return DYLUMO_OK;
}
