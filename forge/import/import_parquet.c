/* Parquet through DuckDB: an in-memory database that may not fetch extensions or write files, and
 * one streaming query, so that memory holds a row group, not the file. DuckDB takes what stands in
 * a file's place for a pattern or an address ("*.parquet", "https://..."), so it gets the name of a
 * file that we have opened: /proc/self/fd/N. */
#include "import_parquet.h"

#include "import_duckdb.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COLUMNS_MAX 4096
#define MAGIC "PAR1"

struct column {
    char *name;
    enum import_parquet_kind kind;
};

struct import_parquet {
    struct import_duckdb duckdb;
    char *path;
    int file;
    char source[40]; /* "/proc/self/fd/5" */
    duckdb_database database;
    duckdb_connection connection;
    struct column *columns;
    size_t column_count;
    uint64_t rows;
    size_t pick_count;
    bool reading;
    duckdb_result result;
    duckdb_data_chunk chunk;
    const duckdb_string **values; /* [pick_count] of the chunk */
    const uint64_t **valid;       /* [pick_count]; NULL: all are */
};

bool import_parquet_looks_like(const void *data, size_t size)
{
    return size >= 4 && !memcmp(data, MAGIC, 4);
}

/* ------------------------------------------------------------------ faults */

static enum dylumo_status no_memory(const struct import_parquet *parquet, struct dylumo_error *err)
{
    return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to read it", parquet->path);
}

/* Takes the first ` "/proc/self/fd/5"`, or what stands there in other quotes, out of line. */
static bool drop_source(char *line, const char *source)
{
    char *name = strstr(line, source);
    if (!name)
        return false;
    char *rest = name + strlen(source);
    if (name - line >= 2 && strchr("\"'", name[-1]) && *rest == name[-1]) {
        rest++;
        name -= 2;
    }
    memmove(name, rest, strlen(rest) + 1);
    return true;
}

/* DuckDB's words: their first line, without our name for the file. */
static enum dylumo_status refused(const struct import_parquet *parquet, const char *words,
                                  struct dylumo_error *err)
{
    char line[400];
    snprintf(line, sizeof line, "%.*s", (int)(words ? strcspn(words, "\n") : 0),
             words ? words : "");
    while (drop_source(line, parquet->source))
        ;
    if (strstr(line, "Out of Memory"))
        return no_memory(parquet, err);
    return dy_fail(err, DYLUMO_BAD_FILE, "%s: can't be read as Parquet: %s", parquet->path,
                   *line ? line : "DuckDB does not say why");
}

/* ------------------------------------------------------------------ queries */

/* Text that grows. */
struct query {
    char *text;
    size_t used, room;
    bool failed;
};

static void add(struct query *query, const char *text)
{
    size_t length = strlen(text);
    if (query->failed || !dy_grow(&query->text, &query->room, query->used + length + 1, 1)) {
        query->failed = true;
        return;
    }
    memcpy(query->text + query->used, text, length + 1);
    query->used += length;
}

/* A column's name between quotes, those in it doubled. */
static void add_name(struct query *query, const char *name)
{
    add(query, "\"");
    for (; *name; name++) {
        const char letter[] = {*name, *name == '"' ? '"' : '\0', '\0'};
        add(query, letter);
    }
    add(query, "\"");
}

/* Runs the statement on our file, by streaming, into parquet->result. */
static enum dylumo_status run(struct import_parquet *parquet, const struct query *query,
                              struct dylumo_error *err)
{
    const struct import_duckdb *duckdb = &parquet->duckdb;
    duckdb_prepared_statement statement = NULL;
    duckdb_pending_result pending = NULL;
    enum dylumo_status st = DYLUMO_OK;
    if (query->failed)
        return no_memory(parquet, err);
    if (duckdb->prepare(parquet->connection, query->text, &statement) != DUCKDB_SUCCESS)
        st = refused(parquet, duckdb->prepare_error(statement), err);
    else if (duckdb->pending_prepared_streaming(statement, &pending) != DUCKDB_SUCCESS)
        st = refused(parquet, duckdb->pending_error(pending), err);
    else if (duckdb->execute_pending(pending, &parquet->result) != DUCKDB_SUCCESS) {
        st = refused(parquet, duckdb->result_error(&parquet->result), err);
        duckdb->destroy_result(&parquet->result);
    }
    parquet->reading = !st;
    duckdb->destroy_pending(&pending);
    duckdb->destroy_prepare(&statement);
    return st;
}

static void end_reading(struct import_parquet *parquet)
{
    if (parquet->chunk)
        parquet->duckdb.destroy_data_chunk(&parquet->chunk);
    if (parquet->reading)
        parquet->duckdb.destroy_result(&parquet->result);
    parquet->chunk = NULL;
    parquet->reading = false;
    dy_free((void *)parquet->values);
    dy_free((void *)parquet->valid);
    parquet->values = NULL;
    parquet->valid = NULL;
}

/* ------------------------------------------------------------------ columns */

static bool is_bytes_and_path(const struct import_duckdb *duckdb, duckdb_logical_type type)
{
    bool bytes = false, path = false;
    uint64_t count = duckdb->struct_type_child_count(type);
    for (uint64_t i = 0; i < count; i++) {
        char *name = duckdb->struct_type_child_name(type, i);
        bytes |= name && !strcmp(name, "bytes");
        path |= name && !strcmp(name, "path");
        duckdb->free(name);
    }
    return bytes && path && count == 2;
}

static enum import_parquet_kind kind_of(struct import_parquet *parquet, size_t column)
{
    const struct import_duckdb *duckdb = &parquet->duckdb;
    duckdb_logical_type type = duckdb->column_logical_type(&parquet->result, column);
    int id = duckdb->get_type_id(type);
    enum import_parquet_kind kind = PARQUET_TEXT;
    if (id == DUCKDB_STRUCT && is_bytes_and_path(duckdb, type))
        kind = PARQUET_BINARY;
    else if (id == DUCKDB_STRUCT || id == DUCKDB_BLOB || id == DUCKDB_MAP || id == DUCKDB_UNION)
        kind = PARQUET_OTHER;
    duckdb->destroy_logical_type(&type);
    return kind;
}

static enum dylumo_status keep_columns(struct import_parquet *parquet, struct dylumo_error *err)
{
    const struct import_duckdb *duckdb = &parquet->duckdb;
    uint64_t count = duckdb->column_count(&parquet->result);
    if (count == 0 || count > COLUMNS_MAX)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: %llu columns, expected 1 to %d", parquet->path,
                       (unsigned long long)count, COLUMNS_MAX);
    parquet->columns = dy_new_array((size_t)count, sizeof *parquet->columns);
    if (!parquet->columns)
        return no_memory(parquet, err);
    parquet->column_count = (size_t)count;
    for (size_t c = 0; c < count; c++) {
        const char *name = duckdb->column_name(&parquet->result, c);
        parquet->columns[c].name = dy_strdup(name ? name : "");
        parquet->columns[c].kind = kind_of(parquet, c);
        if (!parquet->columns[c].name)
            return no_memory(parquet, err);
    }
    return DYLUMO_OK;
}

/* "FROM read_parquet(...)": our own name of the file, which holds no quote. */
static void add_source(struct query *query, const struct import_parquet *parquet)
{
    add(query, " FROM read_parquet('");
    add(query, parquet->source);
    add(query, "')");
}

static enum dylumo_status read_columns(struct import_parquet *parquet, struct dylumo_error *err)
{
    struct query query = {0};
    add(&query, "SELECT *");
    add_source(&query, parquet);
    add(&query, " LIMIT 0");
    enum dylumo_status st = run(parquet, &query, err);
    if (!st)
        st = keep_columns(parquet, err);
    end_reading(parquet);
    dy_free(query.text);
    return st;
}

/* From the file's footer; it is for progress alone. */
static enum dylumo_status count_rows(struct import_parquet *parquet, struct dylumo_error *err)
{
    struct query query = {0};
    add(&query, "SELECT CAST(count(*) AS VARCHAR)");
    add_source(&query, parquet);
    enum dylumo_status st = run(parquet, &query, err);
    if (!st)
        parquet->chunk = parquet->duckdb.fetch_chunk(parquet->result);
    if (parquet->chunk && parquet->duckdb.data_chunk_get_size(parquet->chunk) == 1) {
        struct dy_text digits = import_duckdb_text(parquet->duckdb.vector_get_data(
            parquet->duckdb.data_chunk_get_vector(parquet->chunk, 0)));
        for (size_t i = 0; i < digits.size; i++)
            parquet->rows = parquet->rows * 10 + (uint64_t)(digits.bytes[i] - '0');
    }
    end_reading(parquet);
    dy_free(query.text);
    return st;
}

/* ------------------------------------------------------------------ open */

/* It may use no network and no disk, and knows nothing but what is built in. */
static enum dylumo_status open_database(struct import_parquet *parquet, struct dylumo_error *err)
{
    static const char *const settings[][2] = {
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "false"},
        {"temp_directory", ""},
    };
    const struct import_duckdb *duckdb = &parquet->duckdb;
    duckdb_config config = NULL;
    char *words = NULL;
    if (duckdb->create_config(&config) != DUCKDB_SUCCESS)
        return no_memory(parquet, err);
    for (size_t i = 0; i < DY_COUNT(settings); i++) /* one that a version lacks is no loss */
        (void)duckdb->set_config(config, settings[i][0], settings[i][1]);
    enum dylumo_status st = DYLUMO_OK;
    if (duckdb->open_ext(NULL, &parquet->database, config, &words) != DUCKDB_SUCCESS)
        st = refused(parquet, words, err);
    else if (duckdb->connect(parquet->database, &parquet->connection) != DUCKDB_SUCCESS)
        st = no_memory(parquet, err);
    duckdb->free(words);
    duckdb->destroy_config(&config);
    return st;
}

static enum dylumo_status open_file(struct import_parquet *parquet, struct dylumo_error *err)
{
    parquet->file = open(parquet->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (parquet->file < 0)
        return dy_fail_errno(err, errno, parquet->path, "cannot open");
    struct stat info;
    char magic[4];
    if (fstat(parquet->file, &info))
        return dy_fail_errno(err, errno, parquet->path, "cannot read");
    if (!S_ISREG(info.st_mode))
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: is no regular file, expected Parquet",
                       parquet->path);
    if (pread(parquet->file, magic, sizeof magic, 0) != sizeof magic ||
        !import_parquet_looks_like(magic, sizeof magic))
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: does not begin with '" MAGIC "', is no Parquet",
                       parquet->path);
    snprintf(parquet->source, sizeof parquet->source, "/proc/self/fd/%d", parquet->file);
    return DYLUMO_OK;
}

enum dylumo_status import_parquet_open(struct import_parquet **out, const char *path,
                                       struct dylumo_error *err)
{
    struct import_parquet *parquet = dy_new(sizeof *parquet);
    if (!parquet)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to read it", path);
    parquet->file = -1;
    parquet->path = dy_strdup(path);
    enum dylumo_status st = DYLUMO_OK;
    if (!parquet->path)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to read it", path);
    if (!st)
        st = open_file(parquet, err);
    if (!st)
        st = import_duckdb_load(&parquet->duckdb, path, err);
    if (!st)
        st = open_database(parquet, err);
    if (!st)
        st = read_columns(parquet, err);
    if (!st)
        st = count_rows(parquet, err);
    if (st) {
        import_parquet_close(parquet);
        return st;
    }
    *out = parquet;
    return DYLUMO_OK;
}

void import_parquet_close(struct import_parquet *parquet)
{
    if (!parquet)
        return;
    end_reading(parquet);
    if (parquet->connection)
        parquet->duckdb.disconnect(&parquet->connection);
    if (parquet->database)
        parquet->duckdb.close(&parquet->database);
    if (parquet->file >= 0)
        close(parquet->file);
    for (size_t c = 0; c < parquet->column_count; c++)
        dy_free(parquet->columns[c].name);
    dy_free(parquet->columns);
    dy_free(parquet->path);
    dy_free(parquet);
}

size_t import_parquet_columns(const struct import_parquet *parquet)
{
    return parquet->column_count;
}

const char *import_parquet_name(const struct import_parquet *parquet, size_t column)
{
    return parquet->columns[column].name;
}

enum import_parquet_kind import_parquet_kind(const struct import_parquet *parquet, size_t column)
{
    return parquet->columns[column].kind;
}

uint64_t import_parquet_rows(const struct import_parquet *parquet)
{
    return parquet->rows;
}

/* ------------------------------------------------------------------ reading */

static void add_pick(struct query *query, const struct import_parquet *parquet,
                     const struct import_pick *pick)
{
    const struct column *column = &parquet->columns[pick->column];
    assert((pick->part == PARQUET_AS_TEXT) == (column->kind == PARQUET_TEXT));
    bool whole = pick->part == PARQUET_AS_TEXT;
    add(query, whole ? "CAST(" : "CAST(struct_extract(");
    add_name(query, column->name);
    add(query, whole                        ? " AS VARCHAR)"
               : pick->part == PARQUET_PATH ? ", 'path') AS VARCHAR)"
                                            : ", 'bytes') AS BLOB)");
}

enum dylumo_status import_parquet_select(struct import_parquet *parquet,
                                         const struct import_pick *picks, size_t count,
                                         struct dylumo_error *err)
{
    struct query query = {0};
    end_reading(parquet);
    parquet->pick_count = count;
    parquet->values = dy_new_array(count, sizeof *parquet->values);
    parquet->valid = dy_new_array(count, sizeof *parquet->valid);
    if (!parquet->values || !parquet->valid)
        return no_memory(parquet, err);
    add(&query, "SELECT ");
    for (size_t i = 0; i < count; i++) {
        add(&query, i ? ", " : "");
        add_pick(&query, parquet, &picks[i]);
    }
    add_source(&query, parquet);
    enum dylumo_status st = run(parquet, &query, err);
    dy_free(query.text);
    return st;
}

enum dylumo_status import_parquet_next(struct import_parquet *parquet, size_t *rows,
                                       struct dylumo_error *err)
{
    const struct import_duckdb *duckdb = &parquet->duckdb;
    *rows = 0;
    if (parquet->chunk)
        duckdb->destroy_data_chunk(&parquet->chunk);
    parquet->chunk = duckdb->fetch_chunk(parquet->result);
    if (!parquet->chunk) { /* the end, or a fault on the way */
        const char *words = duckdb->result_error(&parquet->result);
        return words && *words ? refused(parquet, words, err) : DYLUMO_OK;
    }
    for (size_t i = 0; i < parquet->pick_count; i++) {
        duckdb_vector vector = duckdb->data_chunk_get_vector(parquet->chunk, i);
        parquet->values[i] = duckdb->vector_get_data(vector);
        parquet->valid[i] = duckdb->vector_get_validity(vector);
    }
    *rows = (size_t)duckdb->data_chunk_get_size(parquet->chunk);
    return DYLUMO_OK;
}

struct dy_text import_parquet_at(const struct import_parquet *parquet, size_t pick, size_t row)
{
    const uint64_t *valid = parquet->valid[pick];
    if (valid && !(valid[row / 64] >> (row % 64) & 1))
        return (struct dy_text){NULL, 0};
    return import_duckdb_text(&parquet->values[pick][row]);
}
