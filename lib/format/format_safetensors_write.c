/* Safetensors, written: header, then the tensors, largest items first, so that each lies aligned.
 * The file appears under its name only when complete. */
#include "dy_format.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static int by_size_then_name(const void *a, const void *b)
{
    const struct dy_tensor *x = *(const struct dy_tensor *const *)a;
    const struct dy_tensor *y = *(const struct dy_tensor *const *)b;
    size_t x_size = dy_dtype_size(x->dtype), y_size = dy_dtype_size(y->dtype);
    if (x_size != y_size)
        return x_size > y_size ? -1 : 1;
    return strcmp(x->name, y->name);
}

static enum dylumo_status check_tensor(const struct dy_tensor *tensor, const char *path,
                                       struct dylumo_error *err)
{
    size_t size = dy_dtype_size(tensor->dtype);
    bool good = size && tensor->dims <= DY_TENSOR_DIMS && tensor->name &&
                dy_text_valid(tensor->name, strlen(tensor->name)) &&
                strcmp(tensor->name, "__metadata__") != 0;
    for (unsigned i = 0; good && i < tensor->dims; i++)
        good = dy_size_mul(size, (size_t)tensor->shape[i], &size);
    if (!good || size != tensor->size || (size && !tensor->data))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: tensor '%.100s' cannot be written as told",
                       path, tensor->name ? tensor->name : "(no name)");
    return DYLUMO_OK;
}

static int add_tensor(json_t *header, const struct dy_tensor *tensor, uint64_t begin)
{
    json_t *shape = json_array();
    int bad = !shape;
    for (unsigned i = 0; i < tensor->dims && !bad; i++)
        bad = json_array_append_new(shape, json_integer((json_int_t)tensor->shape[i]));
    json_t *entry =
        json_pack("{s:s, s:o, s:[I, I]}", "dtype", dy_dtype_name(tensor->dtype), "shape", shape,
                  "data_offsets", (json_int_t)begin, (json_int_t)(begin + tensor->size));
    return bad | json_object_set_new(header, tensor->name, entry);
}

/* The header's JSON on jansson's heap (free); NULL without memory or for a metadata text that is
 * not UTF-8. */
static char *header_text(const struct dy_tensor *const *order, size_t count,
                         const char *const *metadata)
{
    json_t *header = json_object();
    json_t *pairs = metadata && metadata[0] ? json_object() : NULL;
    int bad = !header;
    for (; pairs && metadata[0]; metadata += 2)
        bad |= json_object_set_new(pairs, metadata[0], json_string(metadata[1]));
    if (pairs)
        bad |= json_object_set_new(header, "__metadata__", pairs);
    uint64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        bad |= add_tensor(header, order[i], at);
        at += order[i]->size;
    }
    char *text = bad ? NULL : json_dumps(header, JSON_COMPACT);
    json_decref(header);
    return text;
}

static enum dylumo_status write_all(struct dy_outfile *out, const char *text,
                                    const struct dy_tensor *const *order, size_t count,
                                    struct dylumo_error *err)
{
    size_t length = strlen(text), padded = (length + 7) & ~(size_t)7;
    uint8_t head[8];
    for (unsigned i = 0; i < 8; i++)
        head[i] = (uint8_t)(padded >> (8 * i));
    enum dylumo_status st = dy_outfile_write(out, head, sizeof head, err);
    if (!st)
        st = dy_outfile_write(out, text, length, err);
    if (!st)
        st = dy_outfile_write(out, "       ", padded - length, err);
    for (size_t i = 0; i < count && !st; i++)
        st = dy_outfile_write(out, order[i]->data, order[i]->size, err);
    return st;
}

static enum dylumo_status write_file(const char *path, const char *text,
                                     const struct dy_tensor *const *order, size_t count,
                                     struct dylumo_error *err)
{
    struct dy_outfile out;
    enum dylumo_status st = dy_outfile_open(&out, path, err);
    if (st)
        return st;
    st = write_all(&out, text, order, count, err);
    if (st) {
        dy_outfile_discard(&out);
        return st;
    }
    return dy_outfile_commit(&out, err);
}

static enum dylumo_status check_names(const struct dy_tensor *const *order, size_t count,
                                      const char *path, struct dylumo_error *err)
{
    for (size_t i = 1; i < count; i++)
        for (size_t j = 0; j < i; j++) /* few and only when writing */
            if (!strcmp(order[i]->name, order[j]->name))
                return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: two tensors named '%.100s'", path,
                               order[i]->name);
    return DYLUMO_OK;
}

enum dylumo_status dy_safetensors_write(const char *path, const struct dy_tensor *tensors,
                                        size_t count, const char *const *metadata,
                                        struct dylumo_error *err)
{
    const struct dy_tensor **order = dy_new_array(count + 1, sizeof *order);
    if (!order)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to write it", path);
    enum dylumo_status st = DYLUMO_OK;
    for (size_t i = 0; i < count && !st; i++) {
        order[i] = &tensors[i];
        st = check_tensor(&tensors[i], path, err);
    }
    if (!st) {
        qsort(order, count, sizeof *order, by_size_then_name);
        st = check_names(order, count, path, err);
    }
    char *text = st ? NULL : header_text(order, count, metadata);
    if (!st && !text)
        st = dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: metadata is not UTF-8, or memory is out", path);
    if (!st)
        st = write_file(path, text, order, count, err);
    free(text);
    dy_free(order);
    return st;
}
