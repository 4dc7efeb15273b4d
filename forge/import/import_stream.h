/* A table's text, whatever it lies in: a plain file or pipe, gzip, the one table of a zip archive,
 * Parquet or a folder of the original's artefacts, both of which come out as CSV. Told by content,
 * not by name. For the CSV reader. */
#ifndef IMPORT_STREAM_H
#define IMPORT_STREAM_H

#include "dy_base.h"

struct import_stream;

/* path: a file, or "-" for standard input, which can't be Parquet or zip.
 *
 * Owns     import_stream_close; it takes NULL.
 * Fails    as opening a file; as import_parquet_open; for a folder as import_scaled_open. */
enum dylumo_status import_stream_open(struct import_stream **out, const char *path,
                                      struct dylumo_error *err) DY_MUST_USE;
void import_stream_close(struct import_stream *stream);

/* Up to size bytes; *got is 0 at the end.
 *
 * Fails    IO; BAD_FILE for what does not unpack; NO_MEMORY. */
enum dylumo_status import_stream_read(struct import_stream *stream, char *bytes, size_t size,
                                      size_t *got, struct dylumo_error *err) DY_MUST_USE;

/* What is read so far and in all: bytes of the file as it lies, or rows of Parquet; all is 0 when
 * it is not known. */
void import_stream_progress(const struct import_stream *stream, uint64_t *done, uint64_t *all);

/* What the file is called in sentences. */
const char *import_stream_name(const struct import_stream *stream);

#endif
