/* The kinds of streams. For import_stream.c and the files that make one. */
#ifndef IMPORT_STREAM_KINDS_H
#define IMPORT_STREAM_KINDS_H

#include "import_stream.h"

struct import_stream_kind {
    enum dylumo_status (*read)(struct import_stream *stream, char *bytes, size_t size, size_t *got,
                               struct dylumo_error *err);
    void (*progress)(const struct import_stream *stream, uint64_t *done, uint64_t *all);
    void (*close)(struct import_stream *stream);
};

/* Every kind's own struct begins with this one, is of dy_new and given back by import_stream_close.
 */
struct import_stream {
    const struct import_stream_kind *kind;
    char *name;
};

/* Text of a table that waits to be read, of the kinds that write CSV themselves. */
struct import_waiting {
    char *text;
    size_t size, at, room;
};
/* Adds a field, between quotes where it needs them, and what ends it: ',' or '\n'. false: no
 * memory. */
bool import_waiting_put(struct import_waiting *waiting, struct dy_text field, char end) DY_MUST_USE;
/* Up to size bytes of it; returns how many. */
size_t import_waiting_take(struct import_waiting *waiting, char *bytes, size_t size);
void import_waiting_clear(struct import_waiting *waiting);

/* Opens path, whose first bytes are a Parquet file's. On failure the stream is closed. */
enum dylumo_status import_stream_open_parquet(struct import_stream **out, const char *path,
                                              struct dylumo_error *err) DY_MUST_USE;

/* The same for a folder of the original's artefacts. */
enum dylumo_status import_stream_open_original(struct import_stream **out, const char *path,
                                               struct dylumo_error *err) DY_MUST_USE;

/* The same for a zip archive with one table in it. */
enum dylumo_status import_stream_open_zip(struct import_stream **out, const char *path,
                                          struct dylumo_error *err) DY_MUST_USE;

#endif
