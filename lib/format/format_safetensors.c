/* Safetensors, read: the file is mapped and every claim of its header checked once at open, so that
 * the rest of dylumo may trust the tensors.
 *
 * jansson parses the JSON, after one pass over the bytes has bounded what it will be asked to
 * hold: a real header nests three deep and has some ten commas a tensor, so a hostile one is
 * refused before it costs memory. Tensors that do not lie aligned (old writers do not pad
 * the header) are copied; all others stay in the map. */
#include "dy_format.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MAX 100000000u /* bytes; the limit of Hugging Face's own reader */
#define DEPTH_MAX 3           /* header { tensor { shape [ */
#define COMMAS_MAX 1000000u   /* members of all objects and items of all lists: 80,000 tensors */

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [DY_F32] = {"F32", 4}, [DY_F16] = {"F16", 2}, [DY_BF16] = {"BF16", 2},
    [DY_F64] = {"F64", 8}, [DY_I8] = {"I8", 1},   [DY_U8] = {"U8", 1},
    [DY_I32] = {"I32", 4}, [DY_I64] = {"I64", 8}, [DY_BOOL] = {"BOOL", 1},
};

const char *dy_dtype_name(enum dy_dtype dtype)
{
    return (size_t)dtype < DY_COUNT(dtypes) ? dtypes[dtype].name : "?";
}

size_t dy_dtype_size(enum dy_dtype dtype)
{
    return (size_t)dtype < DY_COUNT(dtypes) ? dtypes[dtype].size : 0;
}

struct dy_safetensors {
    struct dy_map map; /* zeroed when the bytes are the caller's */
    const uint8_t *data;
    size_t size;
    char *name;
    json_t *header; /* holds the names and the metadata */
    struct dy_tensor *tensors;
    size_t count;
    uint8_t *copies; /* of tensors that did not lie aligned; NULL when all did */
};

/* ------------------------------------------------------------------ the header's bounds */

/* One pass over the JSON, strings skipped; leaves grammar to jansson. */
static enum dylumo_status check_bounds(const char *text, size_t size, const char *name,
                                       struct dylumo_error *err)
{
    unsigned depth = 0;
    size_t commas = 0;
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
            continue;
        }
        in_string = c == '"';
        commas += c == ',';
        depth += c == '{' || c == '[';
        depth -= (c == '}' || c == ']') && depth;
        if (depth > DEPTH_MAX)
            return dy_fail(err, DYLUMO_BAD_FILE, "%s: header nests over %d deep", name, DEPTH_MAX);
        if (commas > COMMAS_MAX)
            return dy_fail(err, DYLUMO_TOO_LARGE, "%s: header has over %u entries", name,
                           COMMAS_MAX);
    }
    return DYLUMO_OK;
}

static enum dylumo_status read_header(struct dy_safetensors *file, size_t *data_at,
                                      struct dylumo_error *err)
{
    struct dy_reader reader = dy_reader_of(file->data, file->size);
    uint64_t length = dy_read_u64(&reader);
    if (reader.failed)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: %zu bytes, a safetensors file has 8 and a header",
                       file->name, file->size);
    if (length > HEADER_MAX && length > file->size)
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: is no safetensors file: its header would have %llu bytes, it has %zu",
                       file->name, (unsigned long long)length, file->size);
    if (length > HEADER_MAX)
        return dy_fail(err, DYLUMO_TOO_LARGE, "%s: header says it has %llu bytes, the limit is %u",
                       file->name, (unsigned long long)length, HEADER_MAX);
    const char *text = (const char *)dy_read_bytes(&reader, (size_t)length);
    if (!text || !length || text[0] != '{')
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: %s", file->name,
                       !text ? "is cut off inside its header" : "header does not begin with '{'");
    enum dylumo_status st = check_bounds(text, (size_t)length, file->name, err);
    if (st)
        return st;
    json_error_t why;
    file->header = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &why);
    if (!file->header && json_error_code(&why) == json_error_out_of_memory)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for its header", file->name);
    if (!file->header)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: header is not JSON: %s (byte %d)", file->name,
                       why.text, why.position);
    *data_at = 8 + (size_t)length;
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ one tensor's entry */

static bool read_count(const json_t *value, uint64_t *number)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *number = (uint64_t)json_integer_value(value);
    return true;
}

static bool read_dtype(const json_t *value, enum dy_dtype *dtype)
{
    const char *name = json_string_value(value);
    for (size_t i = 0; name && i < DY_COUNT(dtypes); i++) {
        if (!strcmp(name, dtypes[i].name)) {
            *dtype = (enum dy_dtype)i;
            return true;
        }
    }
    return false;
}

/* Shape and the size that follows from it; false when it is no shape or overflows. */
static bool read_shape(const json_t *shape, struct dy_tensor *tensor)
{
    if (!json_is_array(shape) || json_array_size(shape) > DY_TENSOR_DIMS)
        return false;
    tensor->dims = (unsigned)json_array_size(shape);
    size_t size = dy_dtype_size(tensor->dtype);
    for (unsigned i = 0; i < tensor->dims; i++) {
        if (!read_count(json_array_get(shape, i), &tensor->shape[i]) ||
            !dy_size_mul(size, (size_t)tensor->shape[i], &size))
            return false;
    }
    tensor->size = size;
    return true;
}

/* begin is the tensor's place in the data, which has room bytes. */
static enum dylumo_status read_tensor(const struct dy_safetensors *file, const char *name,
                                      const json_t *entry, uint64_t room, struct dy_tensor *tensor,
                                      uint64_t *begin, struct dylumo_error *err)
{
    const json_t *offsets = json_object_get(entry, "data_offsets");
    uint64_t end = 0;
    const char *wrong = NULL;
    tensor->name = name;
    if (!json_is_object(entry) || json_object_size(entry) != 3)
        wrong = "is not an object of dtype, shape and data_offsets";
    else if (!read_dtype(json_object_get(entry, "dtype"), &tensor->dtype))
        wrong = "has a dtype that is not known";
    else if (!read_shape(json_object_get(entry, "shape"), tensor))
        wrong = "has a shape that is none, or overflows";
    else if (!json_is_array(offsets) || json_array_size(offsets) != 2 ||
             !read_count(json_array_get(offsets, 0), begin) ||
             !read_count(json_array_get(offsets, 1), &end))
        wrong = "has data_offsets that are not two counts";
    else if (*begin > end || end > room)
        wrong = "lies outside of the file's data";
    else if (end - *begin != tensor->size)
        wrong = "takes other bytes than its shape says";
    if (wrong)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: tensor '%.100s' %s", file->name, name, wrong);
    tensor->data = tensor->size ? file->data + (file->size - (size_t)room) + *begin : NULL;
    return DYLUMO_OK;
}

static enum dylumo_status check_metadata(const struct dy_safetensors *file,
                                         struct dylumo_error *err)
{
    json_t *metadata = json_object_get(file->header, "__metadata__");
    const char *key;
    json_t *value;
    if (metadata && !json_is_object(metadata))
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: __metadata__ is not an object", file->name);
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value))
            return dy_fail(err, DYLUMO_BAD_FILE, "%s: metadata '%.100s' is not a string",
                           file->name, key);
    }
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ all tensors together */

static uintptr_t place(const struct dy_tensor *tensor)
{
    return (uintptr_t)tensor->data;
}

static int by_place(const void *a, const void *b)
{
    uintptr_t x = place(a), y = place(b);
    return (x > y) - (x < y);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct dy_tensor *)a)->name, ((const struct dy_tensor *)b)->name);
}

/* Tensors sorted by place must follow one another from the data's first byte to its last. Empty
 * ones (NULL data, so sorted to the front) take no place; where they claim to be is not checked
 * beyond lying inside. */
static enum dylumo_status check_cover(struct dy_safetensors *file, size_t data_at,
                                      struct dylumo_error *err)
{
    const uint8_t *next = file->data + data_at;
    qsort(file->tensors, file->count, sizeof *file->tensors, by_place);
    for (size_t i = 0; i < file->count; i++) {
        const struct dy_tensor *tensor = &file->tensors[i];
        if (!tensor->size)
            continue;
        if ((const uint8_t *)tensor->data != next)
            return dy_fail(err, DYLUMO_BAD_FILE, "%s: tensor '%.100s' %s", file->name, tensor->name,
                           (const uint8_t *)tensor->data < next ? "overlaps another"
                                                                : "lies behind a hole");
        next += tensor->size;
    }
    if (next != file->data + file->size)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: %zu bytes after its last tensor", file->name,
                       (size_t)(file->data + file->size - next));
    return DYLUMO_OK;
}

static bool lies_aligned(const struct dy_tensor *tensor)
{
    size_t size = dy_dtype_size(tensor->dtype);
    return size && place(tensor) % size == 0;
}

static enum dylumo_status align(struct dy_safetensors *file, struct dylumo_error *err)
{
    size_t need = 0;
    for (size_t i = 0; i < file->count; i++)
        if (!lies_aligned(&file->tensors[i]))
            need += (file->tensors[i].size + 63) & ~(size_t)63; /* sums to under twice the file */
    if (!need)
        return DYLUMO_OK;
    uint8_t *to = file->copies = dy_mem_aligned(need);
    if (!to)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for %zu bytes of its tensors",
                       file->name, need);
    for (size_t i = 0; i < file->count; i++) {
        struct dy_tensor *tensor = &file->tensors[i];
        if (lies_aligned(tensor))
            continue;
        memcpy(to, tensor->data, tensor->size);
        tensor->data = to;
        to += (tensor->size + 63) & ~(size_t)63;
    }
    return DYLUMO_OK;
}

static enum dylumo_status read_tensors(struct dy_safetensors *file, size_t data_at,
                                       struct dylumo_error *err)
{
    const char *name;
    json_t *entry;
    file->tensors = dy_new_array(json_object_size(file->header) + 1, sizeof *file->tensors);
    if (!file->tensors)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for its list of tensors", file->name);
    json_object_foreach(file->header, name, entry)
    {
        if (!strcmp(name, "__metadata__"))
            continue;
        uint64_t begin;
        enum dylumo_status st = read_tensor(file, name, entry, file->size - data_at,
                                            &file->tensors[file->count], &begin, err);
        if (st)
            return st;
        file->count++;
    }
    return DYLUMO_OK;
}

static enum dylumo_status read_file(struct dy_safetensors *file, struct dylumo_error *err)
{
    size_t data_at = 0;
    enum dylumo_status st = read_header(file, &data_at, err);
    if (!st)
        st = check_metadata(file, err);
    if (!st)
        st = read_tensors(file, data_at, err);
    if (!st)
        st = check_cover(file, data_at, err);
    if (!st)
        st = align(file, err);
    if (!st)
        qsort(file->tensors, file->count, sizeof *file->tensors, by_name);
    return st;
}

/* ------------------------------------------------------------------ open and look up */

static enum dylumo_status file_new(struct dy_safetensors **out, const char *name,
                                   struct dylumo_error *err)
{
    struct dy_safetensors *file = dy_new(sizeof *file);
    if (file && (file->name = dy_strdup(name))) {
        *out = file;
        return DYLUMO_OK;
    }
    dy_free(file);
    return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to open it", name);
}

enum dylumo_status dy_safetensors_parse(struct dy_safetensors **out, const void *data, size_t size,
                                        const char *name, struct dylumo_error *err)
{
    struct dy_safetensors *file = NULL;
    enum dylumo_status st = file_new(&file, name, err);
    if (st)
        return st;
    file->data = data;
    file->size = size;
    st = read_file(file, err);
    if (st)
        dy_safetensors_close(file);
    else
        *out = file;
    return st;
}

enum dylumo_status dy_safetensors_open(struct dy_safetensors **out, const char *path,
                                       struct dylumo_error *err)
{
    struct dy_safetensors *file = NULL;
    enum dylumo_status st = file_new(&file, path, err);
    if (st)
        return st;
    st = dy_map_file(&file->map, path, err);
    if (!st) {
        file->data = file->map.data;
        file->size = file->map.size;
        st = read_file(file, err);
    }
    if (st)
        dy_safetensors_close(file);
    else
        *out = file;
    return st;
}

void dy_safetensors_close(struct dy_safetensors *file)
{
    if (!file)
        return;
    json_decref(file->header);
    dy_map_close(&file->map);
    dy_free(file->copies);
    dy_free(file->tensors);
    dy_free(file->name);
    dy_free(file);
}

size_t dy_safetensors_count(const struct dy_safetensors *file)
{
    return file->count;
}

const struct dy_tensor *dy_safetensors_at(const struct dy_safetensors *file, size_t index)
{
    return index < file->count ? &file->tensors[index] : NULL;
}

const struct dy_tensor *dy_safetensors_find(const struct dy_safetensors *file, const char *name)
{
    const struct dy_tensor key = {.name = name};
    return file->count ? bsearch(&key, file->tensors, file->count, sizeof key, by_name) : NULL;
}

const char *dy_safetensors_metadata(const struct dy_safetensors *file, const char *key)
{
    return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}

uint64_t dy_safetensors_hash(const struct dy_safetensors *file)
{
    return dy_hash64(file->data, file->size, 0);
}

const char *dy_shape_text(char text[static 256], unsigned dims, const uint64_t *shape)
{
    size_t used = 0;
    for (unsigned i = 0; i < dims && i < DY_TENSOR_DIMS; i++)
        used += (size_t)snprintf(text + used, 256 - used, "%s%llu", i ? ", " : "[",
                                 (unsigned long long)shape[i]);
    snprintf(text + used, 256 - used, dims ? "]" : "[]");
    return text;
}

enum dylumo_status dy_safetensors_expect(const struct dy_safetensors *file, const char *name,
                                         enum dy_dtype dtype, unsigned dims, const uint64_t *shape,
                                         const struct dy_tensor **out, struct dylumo_error *err)
{
    const struct dy_tensor *tensor = dy_safetensors_find(file, name);
    if (!tensor)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: has no tensor '%s'", file->name, name);
    if (tensor->dtype != dtype)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: tensor '%s' is %s, expected %s", file->name, name,
                       dy_dtype_name(tensor->dtype), dy_dtype_name(dtype));
    bool same = tensor->dims == dims;
    for (unsigned i = 0; same && i < dims; i++)
        same = !shape[i] || shape[i] == tensor->shape[i];
    if (!same) {
        char found[256], wanted[256];
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: tensor '%s' has shape %s, expected %s",
                       file->name, name, dy_shape_text(found, tensor->dims, tensor->shape),
                       dy_shape_text(wanted, dims, shape));
    }
    *out = tensor;
    return DYLUMO_OK;
}
