/* Labelled pictures out of Parquet, one file after the other, row by row. Names come from
 * strangers: nothing of a path but its last part is used, and only where it is harmless in any
 * folder. */
#include "dy_image.h"
#include "dy_import.h"
#include "import_csv.h"
#include "import_parquet.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_MAX_BYTES 120
#define PATH_SIZE 4096
#define IMAGES "images"
#define TABLE "EMID_data.csv"

/* A column of the table that is written: the picks it is made of. */
struct output_column {
    const char *name;
    size_t pick;  /* of the text or path */
    size_t bytes; /* pick of the picture's bytes; SIZE_MAX: none */
};

struct unpacker {
    const char *folder;
    const struct dylumo_context *context;
    struct dy_pictures_summary *summary;
    struct dylumo_error *err;
    struct dy_outfile table;
    char **header; /* [header_count] of the first file */
    size_t header_count;
    /* of the file being read: */
    struct import_parquet *parquet;
    const char *path;
    struct output_column *columns; /* [column_count] */
    struct import_pick *picks;
    size_t column_count, pick_count;
    uint64_t rows_before; /* of the files before */
};

static enum dylumo_status no_memory(const struct unpacker *unpacker)
{
    return dy_fail(unpacker->err, DYLUMO_NO_MEMORY, "%s: no memory to unpack it",
                   unpacker->path ? unpacker->path : unpacker->folder);
}

/* ------------------------------------------------------------------ names */

static struct dy_text last_part(struct dy_text path)
{
    size_t at = path.size;
    while (at > 0 && path.bytes[at - 1] != '/' && path.bytes[at - 1] != '\\')
        at--;
    return (struct dy_text){path.bytes + at, path.size - at};
}

static bool is_plain_name(struct dy_text name)
{
    if (name.size == 0 || name.size > NAME_MAX_BYTES || name.bytes[0] == '.' ||
        name.bytes[0] == '-')
        return false;
    for (size_t i = 0; i < name.size; i++)
        if (!isalnum((unsigned char)name.bytes[i]) && !strchr("._-", name.bytes[i]))
            return false;
    return true;
}

static const char *extension_of(enum dy_image_type type)
{
    static const char *const extensions[] = {
        [DY_IMAGE_JPEG] = "jpg",  [DY_IMAGE_PNG] = "png",   [DY_IMAGE_WEBP] = "webp",
        [DY_IMAGE_GIF] = "gif",   [DY_IMAGE_TIFF] = "tiff", [DY_IMAGE_HEIC] = "heic",
        [DY_IMAGE_AVIF] = "avif",
    };
    return extensions[type];
}

static void name_by_hash(char *name, size_t size, struct dy_text bytes, enum dy_image_type type)
{
    snprintf(name, size, "picture-%016llx.%s",
             (unsigned long long)dy_hash64(bytes.bytes, bytes.size, 0), extension_of(type));
}

/* ------------------------------------------------------------------ one picture */

enum there { THERE_NOT, THERE_SAME, THERE_OTHER };

/* What lies under that path already. */
static enum dylumo_status look(const char *path, struct dy_text bytes, enum there *there,
                               struct dylumo_error *err)
{
    struct stat info;
    struct dy_map map;
    *there = THERE_NOT;
    if (lstat(path, &info))
        return errno == ENOENT ? DYLUMO_OK : dy_fail_errno(err, errno, path, "cannot look at");
    *there = THERE_OTHER;
    if (!S_ISREG(info.st_mode) || (uint64_t)info.st_size != bytes.size)
        return DYLUMO_OK;
    enum dylumo_status st = dy_map_file(&map, path, err);
    if (st)
        return st;
    if (map.size == bytes.size && !memcmp(map.data, bytes.bytes, bytes.size))
        *there = THERE_SAME;
    dy_map_close(&map);
    return DYLUMO_OK;
}

/* Stores the picture as images/name, or finds it there; name [NAME_MAX_BYTES + 1] changes where
 * another picture has it. */
static enum dylumo_status store(struct unpacker *unpacker, char *name, struct dy_text bytes,
                                enum dy_image_type type)
{
    char path[PATH_SIZE];
    enum there there;
    struct dylumo_error *err = unpacker->err;
    for (int named_by_hash = 0;; named_by_hash++) {
        if ((size_t)snprintf(path, sizeof path, "%s/" IMAGES "/%s", unpacker->folder, name) >=
            sizeof path)
            return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: the folder's name is too long",
                           unpacker->folder);
        enum dylumo_status st = look(path, bytes, &there, err);
        if (st)
            return st;
        if (there != THERE_OTHER || named_by_hash)
            break;
        name_by_hash(name, NAME_MAX_BYTES + 1, bytes, type);
    }
    if (there == THERE_SAME) {
        unpacker->summary->present++;
        return DYLUMO_OK;
    }
    unpacker->summary->written++;
    unpacker->summary->bytes += bytes.size;
    return dy_write_file(path, bytes.bytes, bytes.size, err);
}

/* name: "" for what is no picture. */
static enum dylumo_status take_picture(struct unpacker *unpacker, struct dy_text path,
                                       struct dy_text bytes, char name[NAME_MAX_BYTES + 1])
{
    enum dy_image_type type;
    const char *what;
    name[0] = '\0';
    if (bytes.size == 0) {
        unpacker->summary->absent++;
        return DYLUMO_OK;
    }
    if (!dy_image_type_of((const uint8_t *)bytes.bytes, bytes.size, &type, &what)) {
        unpacker->summary->unknown++;
        return DYLUMO_OK;
    }
    struct dy_text last = last_part(path);
    if (is_plain_name(last))
        snprintf(name, NAME_MAX_BYTES + 1, "%.*s", (int)last.size, last.bytes);
    else
        name_by_hash(name, NAME_MAX_BYTES + 1, bytes, type);
    return store(unpacker, name, bytes, type);
}

/* ------------------------------------------------------------------ rows */

static enum dylumo_status put_field(struct unpacker *unpacker, const struct output_column *column,
                                    size_t row)
{
    struct dy_text text = import_parquet_at(unpacker->parquet, column->pick, row);
    char name[NAME_MAX_BYTES + 1];
    if (column->bytes != SIZE_MAX) {
        struct dy_text bytes = import_parquet_at(unpacker->parquet, column->bytes, row);
        enum dylumo_status st = take_picture(unpacker, text, bytes, name);
        if (st)
            return st;
        text = (struct dy_text){name, strlen(name)};
    }
    csv_put(unpacker->table.stream, text);
    return DYLUMO_OK;
}

static enum dylumo_status put_row(struct unpacker *unpacker, size_t row)
{
    enum dylumo_status st = DYLUMO_OK;
    for (size_t c = 0; !st && c < unpacker->column_count; c++) {
        if (c)
            fputc(',', unpacker->table.stream);
        st = put_field(unpacker, &unpacker->columns[c], row);
    }
    fputc('\n', unpacker->table.stream);
    unpacker->summary->rows++;
    return st;
}

static enum dylumo_status put_rows(struct unpacker *unpacker)
{
    const struct dylumo_context *context = unpacker->context;
    uint64_t all = unpacker->rows_before + import_parquet_rows(unpacker->parquet);
    for (;;) {
        size_t rows;
        enum dylumo_status st = import_parquet_next(unpacker->parquet, &rows, unpacker->err);
        if (st || rows == 0)
            return st;
        for (size_t row = 0; !st && row < rows; row++) {
            st = put_row(unpacker, row);
            if (!st && dy_context_cancelled(context))
                st = dy_fail(unpacker->err, DYLUMO_CANCELLED,
                             "%s: stopped; the pictures in it stay, a second run goes on",
                             unpacker->folder);
            dy_context_progress(context, "unpacking pictures", unpacker->summary->rows, all);
        }
        if (st)
            return st;
    }
}

/* ------------------------------------------------------------------ columns */

static bool is_picture_column(const char *name)
{
    return !strncmp(name, "Image", 5) && name[5] >= '1' && name[5] <= '3' &&
           !strcmp(name + 6, "_filename");
}

static size_t add_pick(struct unpacker *unpacker, size_t column, enum import_parquet_part part)
{
    unpacker->picks[unpacker->pick_count] = (struct import_pick){column, part};
    return unpacker->pick_count++;
}

/* What of the file is read and how it is written. */
static enum dylumo_status find_columns(struct unpacker *unpacker)
{
    const struct import_parquet *parquet = unpacker->parquet;
    size_t count = import_parquet_columns(parquet), pictures = 0;
    unpacker->columns = dy_new_array(count, sizeof *unpacker->columns);
    unpacker->picks = dy_new_array(2 * count, sizeof *unpacker->picks);
    if (!unpacker->columns || !unpacker->picks)
        return no_memory(unpacker);
    for (size_t c = 0; c < count; c++) {
        enum import_parquet_kind kind = import_parquet_kind(parquet, c);
        struct output_column column = {import_parquet_name(parquet, c), 0, SIZE_MAX};
        if (kind == PARQUET_OTHER)
            continue;
        column.pick = add_pick(unpacker, c, kind == PARQUET_TEXT ? PARQUET_AS_TEXT : PARQUET_PATH);
        if (kind == PARQUET_BINARY && is_picture_column(column.name)) {
            column.bytes = add_pick(unpacker, c, PARQUET_BYTES);
            pictures++;
        }
        unpacker->columns[unpacker->column_count++] = column;
    }
    if (!pictures)
        return dy_fail(unpacker->err, DYLUMO_BAD_FILE,
                       "%s: none of its %zu columns holds pictures; expected Image1_filename, a "
                       "struct of bytes and path, as EMID has it",
                       unpacker->path, count);
    return DYLUMO_OK;
}

/* The first file's columns become the table's header; the others must have the same. */
static enum dylumo_status write_header(struct unpacker *unpacker)
{
    unpacker->header = dy_new_array(unpacker->column_count, sizeof *unpacker->header);
    if (!unpacker->header)
        return no_memory(unpacker);
    unpacker->header_count = unpacker->column_count;
    for (size_t c = 0; c < unpacker->column_count; c++) {
        const char *name = unpacker->columns[c].name;
        unpacker->header[c] = dy_strdup(name);
        if (!unpacker->header[c])
            return no_memory(unpacker);
        if (c)
            fputc(',', unpacker->table.stream);
        csv_put(unpacker->table.stream, (struct dy_text){name, strlen(name)});
    }
    fputc('\n', unpacker->table.stream);
    return DYLUMO_OK;
}

static enum dylumo_status check_header(const struct unpacker *unpacker)
{
    bool same = unpacker->header_count == unpacker->column_count;
    for (size_t c = 0; same && c < unpacker->column_count; c++)
        same = !strcmp(unpacker->header[c], unpacker->columns[c].name);
    return same ? DYLUMO_OK
                : dy_fail(unpacker->err, DYLUMO_MISMATCH,
                          "%s: has other columns than the first file", unpacker->path);
}

/* ------------------------------------------------------------------ files */

static enum dylumo_status unpack(struct unpacker *unpacker)
{
    enum dylumo_status st = import_parquet_open(&unpacker->parquet, unpacker->path, unpacker->err);
    if (!st)
        st = find_columns(unpacker);
    if (!st)
        st = unpacker->header ? check_header(unpacker) : write_header(unpacker);
    if (!st)
        st = import_parquet_select(unpacker->parquet, unpacker->picks, unpacker->pick_count,
                                   unpacker->err);
    if (!st)
        st = put_rows(unpacker);
    import_parquet_close(unpacker->parquet);
    dy_free(unpacker->columns);
    dy_free(unpacker->picks);
    unpacker->parquet = NULL;
    unpacker->columns = NULL;
    unpacker->picks = NULL;
    unpacker->column_count = unpacker->pick_count = 0;
    unpacker->rows_before = unpacker->summary->rows;
    return st;
}

static enum dylumo_status make_folder(const char *path, struct dylumo_error *err)
{
    struct stat info;
    if (!mkdir(path, 0777))
        return DYLUMO_OK;
    int problem = errno;
    if (problem == EEXIST && !stat(path, &info) && S_ISDIR(info.st_mode))
        return DYLUMO_OK;
    return dy_fail_errno(err, problem == EEXIST ? ENOTDIR : problem, path,
                         "cannot make the folder");
}

static enum dylumo_status open_folder(struct unpacker *unpacker)
{
    char path[PATH_SIZE];
    enum dylumo_status st = make_folder(unpacker->folder, unpacker->err);
    snprintf(path, sizeof path, "%s/" IMAGES, unpacker->folder);
    if (!st)
        st = make_folder(path, unpacker->err);
    snprintf(path, sizeof path, "%s/" TABLE, unpacker->folder);
    return st ? st : dy_outfile_open(&unpacker->table, path, unpacker->err);
}

enum dylumo_status dy_import_pictures(const char *folder, const char *const *inputs, size_t count,
                                      const struct dylumo_context *context,
                                      struct dy_pictures_summary *summary, struct dylumo_error *err)
{
    struct dy_pictures_summary own;
    struct unpacker unpacker = {
        .folder = folder,
        .context = context,
        .summary = summary ? summary : &own,
        .err = err,
    };
    *unpacker.summary = (struct dy_pictures_summary){0};
    enum dylumo_status st = open_folder(&unpacker);
    for (size_t i = 0; !st && i < count; i++) {
        unpacker.path = inputs[i];
        st = unpack(&unpacker);
    }
    if (!st)
        st = dy_outfile_commit(&unpacker.table, err);
    else
        dy_outfile_discard(&unpacker.table);
    for (size_t c = 0; unpacker.header && c < unpacker.header_count; c++)
        dy_free(unpacker.header[c]);
    dy_free(unpacker.header);
    return st;
}
