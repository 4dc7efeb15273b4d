/* One Parquet file, read chunk by chunk through DuckDB. For the files of this room. */
#ifndef IMPORT_PARQUET_H
#define IMPORT_PARQUET_H

#include "dy_base.h"

struct import_parquet;

enum import_parquet_kind {
    PARQUET_TEXT,   /* text, numbers, dates, lists: anything that has a text form */
    PARQUET_BINARY, /* a struct of bytes and path, as Hugging Face's pictures and sounds have it */
    PARQUET_OTHER   /* plain bytes, other structs: not read */
};

/* Opens the file and reads its columns.
 *
 * Owns     import_parquet_close; it takes NULL.
 * Fails    UNSUPPORTED without DuckDB's library (import_duckdb_load); as opening a file; BAD_FILE
 *          for anything that DuckDB does not take for Parquet, with its words. */
enum dylumo_status import_parquet_open(struct import_parquet **out, const char *path,
                                       struct dylumo_error *err) DY_MUST_USE;
void import_parquet_close(struct import_parquet *parquet);

size_t import_parquet_columns(const struct import_parquet *parquet);
const char *import_parquet_name(const struct import_parquet *parquet, size_t column);
enum import_parquet_kind import_parquet_kind(const struct import_parquet *parquet, size_t column);
uint64_t import_parquet_rows(const struct import_parquet *parquet);

/* What of a column is wanted. */
enum import_parquet_part { PARQUET_AS_TEXT, PARQUET_BYTES, PARQUET_PATH };
struct import_pick {
    size_t column;
    enum import_parquet_part part; /* PARQUET_AS_TEXT of a PARQUET_TEXT, the others of a BINARY */
};

/* Begins to read these parts of all rows, in the file's order. */
enum dylumo_status import_parquet_select(struct import_parquet *parquet,
                                         const struct import_pick *picks, size_t count,
                                         struct dylumo_error *err) DY_MUST_USE;
/* The next rows; *rows is 0 at the end.
 *
 * Fails    BAD_FILE for damaged data. */
enum dylumo_status import_parquet_next(struct import_parquet *parquet, size_t *rows,
                                       struct dylumo_error *err) DY_MUST_USE;
/* A value of the current rows, in the order of the picks; bytes NULL: nothing there. Holds until
 * the next rows are asked for. */
struct dy_text import_parquet_at(const struct import_parquet *parquet, size_t pick, size_t row);

/* true when the bytes, 4 or more, begin as a Parquet file does. */
bool import_parquet_looks_like(const void *data, size_t size);

#endif
