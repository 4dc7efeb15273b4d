/* DuckDB's library, loaded while we run, where the machine has one: Parquet is read through it.
 * Only what we call of its C API (duckdb.h of 1.x) is told here, so that building needs nothing of
 * it. */
#ifndef IMPORT_DUCKDB_H
#define IMPORT_DUCKDB_H

#include "dy_base.h"

/* Handles are pointers inside; these names and layouts are those of duckdb.h. */
typedef struct duck_database *duckdb_database;
typedef struct duck_connection *duckdb_connection;
typedef struct duck_config *duckdb_config;
typedef struct duck_statement *duckdb_prepared_statement;
typedef struct duck_pending *duckdb_pending_result;
typedef struct duck_chunk *duckdb_data_chunk;
typedef struct duck_vector *duckdb_vector;
typedef struct duck_type *duckdb_logical_type;

typedef struct {
    uint64_t column_count, row_count, rows_changed;
    void *columns;
    char *error;
    void *internal;
} duckdb_result;

/* A text or blob as it lies in a vector: up to 12 bytes in place, longer ones elsewhere. */
typedef union {
    struct {
        uint32_t length;
        char bytes[12];
    } inlined;
    struct {
        uint32_t length;
        char prefix[4];
        const char *bytes;
    } apart;
} duckdb_string;

static inline struct dy_text import_duckdb_text(const duckdb_string *string)
{
    uint32_t length = string->inlined.length;
    struct dy_text text = {length <= 12 ? string->inlined.bytes : string->apart.bytes, length};
    return text;
}

enum { DUCKDB_SUCCESS = 0 };
enum {
    DUCKDB_BLOB = 18,
    DUCKDB_STRUCT = 25,
    DUCKDB_MAP = 26,
    DUCKDB_UNION = 28
}; /* of duckdb_type */

/* What we call. X(result, name, arguments) */
#define IMPORT_DUCKDB_FUNCTIONS(X)                                                           \
    X(const char *, library_version, (void))                                                 \
    X(int, create_config, (duckdb_config *))                                                 \
    X(int, set_config, (duckdb_config, const char *, const char *))                          \
    X(void, destroy_config, (duckdb_config *))                                               \
    X(int, open_ext, (const char *, duckdb_database *, duckdb_config, char **))              \
    X(void, close, (duckdb_database *))                                                      \
    X(int, connect, (duckdb_database, duckdb_connection *))                                  \
    X(void, disconnect, (duckdb_connection *))                                               \
    X(int, prepare, (duckdb_connection, const char *, duckdb_prepared_statement *))          \
    X(const char *, prepare_error, (duckdb_prepared_statement))                              \
    X(void, destroy_prepare, (duckdb_prepared_statement *))                                  \
    X(int, bind_varchar, (duckdb_prepared_statement, uint64_t, const char *))                \
    X(int, execute_prepared, (duckdb_prepared_statement, duckdb_result *))                   \
    X(int, pending_prepared_streaming, (duckdb_prepared_statement, duckdb_pending_result *)) \
    X(const char *, pending_error, (duckdb_pending_result))                                  \
    X(int, execute_pending, (duckdb_pending_result, duckdb_result *))                        \
    X(void, destroy_pending, (duckdb_pending_result *))                                      \
    X(const char *, result_error, (duckdb_result *))                                         \
    X(void, destroy_result, (duckdb_result *))                                               \
    X(uint64_t, column_count, (duckdb_result *))                                             \
    X(const char *, column_name, (duckdb_result *, uint64_t))                                \
    X(duckdb_logical_type, column_logical_type, (duckdb_result *, uint64_t))                 \
    X(int, get_type_id, (duckdb_logical_type))                                               \
    X(uint64_t, struct_type_child_count, (duckdb_logical_type))                              \
    X(char *, struct_type_child_name, (duckdb_logical_type, uint64_t))                       \
    X(void, destroy_logical_type, (duckdb_logical_type *))                                   \
    X(duckdb_data_chunk, fetch_chunk, (duckdb_result))                                       \
    X(void, destroy_data_chunk, (duckdb_data_chunk *))                                       \
    X(uint64_t, data_chunk_get_size, (duckdb_data_chunk))                                    \
    X(duckdb_vector, data_chunk_get_vector, (duckdb_data_chunk, uint64_t))                   \
    X(void *, vector_get_data, (duckdb_vector))                                              \
    X(uint64_t *, vector_get_validity, (duckdb_vector))                                      \
    X(void, free, (void *))

struct import_duckdb {
    char path[1024]; /* of the library, or its bare name where the system's loader found it */
#define IMPORT_DUCKDB_MEMBER(result, name, arguments) result(*name) arguments;
    IMPORT_DUCKDB_FUNCTIONS(IMPORT_DUCKDB_MEMBER)
#undef IMPORT_DUCKDB_MEMBER
};

/* Loads the library; it stays loaded (its threads may outlive any use of it). Looked for in this
 * order: $DYLUMO_DUCKDB, libduckdb.so in the user's data folder ($XDG_DATA_HOME/dylumo or
 * ~/.local/share/dylumo), libduckdb.so as the system's loader finds it.
 *
 *   what   who needs it, for the sentence: "songs.parquet"
 *
 * Fails    UNSUPPORTED when there is none, with where to get it; BAD_FILE for a library that is
 *          named in $DYLUMO_DUCKDB and can't be loaded or is none of DuckDB. */
enum dylumo_status import_duckdb_load(struct import_duckdb *duckdb, const char *what,
                                      struct dylumo_error *err) DY_MUST_USE;

#endif
