/* numpy's array files: a magic word, a version, a header that is a Python dict written out, then
 * the numbers. The header is read by a small parser of just that dict; nothing is evaluated. What
 * numpy writes by itself is taken (little-endian f32 and f64 in C order, and matrices in Fortran's,
 * as scikit-learn makes them of a table), the rest refused by name.
 * Source: numpy/lib/format.py, which tells the three versions. */
#include "dy_foreign.h"

#include <string.h>

#define MAGIC "\x93NUMPY"
#define MAGIC_SIZE 6
#define HEADER_MAX 65536u

struct header {
    const char *name;
    struct dy_text text;
    size_t at;
    struct dy_text descr;
    bool fortran, has_descr, has_order, has_shape;
    struct dy_tensor *tensor;
};

bool dy_npy_looks_like(const void *data, size_t size)
{
    return size >= MAGIC_SIZE && !memcmp(data, MAGIC, MAGIC_SIZE);
}

/* ------------------------------------------------------------------ the dict */

static void skip_blanks(struct header *h)
{
    while (h->at < h->text.size && strchr(" \t\r\n", h->text.bytes[h->at]) && h->text.bytes[h->at])
        h->at++;
}

/* Passes over a word, and blanks before it; false (and stays) when something else comes. */
static bool accept(struct header *h, const char *word)
{
    skip_blanks(h);
    size_t length = strlen(word);
    if (h->text.size - h->at < length || memcmp(h->text.bytes + h->at, word, length) != 0)
        return false;
    h->at += length;
    return true;
}

static bool next_is(struct header *h, char c)
{
    skip_blanks(h);
    return h->at < h->text.size && h->text.bytes[h->at] == c;
}

/* 'text' or "text", without escapes. */
static bool accept_text(struct header *h, struct dy_text *text)
{
    bool twice = accept(h, "\"");
    if (!twice && !accept(h, "'"))
        return false;
    const char *from = h->text.bytes + h->at;
    const char *end = memchr(from, twice ? '"' : '\'', h->text.size - h->at);
    if (!end)
        return false;
    *text = (struct dy_text){from, (size_t)(end - from)};
    h->at += text->size + 1;
    return true;
}

static bool accept_count(struct header *h, uint64_t *count)
{
    skip_blanks(h);
    size_t from = h->at;
    *count = 0;
    for (; h->at < h->text.size; h->at++) {
        unsigned digit = (unsigned char)h->text.bytes[h->at] - (unsigned)'0';
        if (digit > 9)
            break;
        if (__builtin_mul_overflow(*count, 10, count) ||
            __builtin_add_overflow(*count, digit, count))
            return false;
    }
    (void)accept(h, "L"); /* Python 2's */
    return h->at > from;
}

/* (), (3,), (3, 4) */
static bool accept_shape(struct header *h)
{
    if (!accept(h, "("))
        return false;
    while (!accept(h, ")")) {
        if (h->tensor->dims == DY_TENSOR_DIMS ||
            !accept_count(h, &h->tensor->shape[h->tensor->dims]))
            return false;
        h->tensor->dims++;
        if (!accept(h, ",") && !next_is(h, ')'))
            return false;
    }
    return true;
}

static bool text_is(struct dy_text text, const char *word)
{
    return text.size == strlen(word) && !memcmp(text.bytes, word, text.size);
}

static bool accept_member(struct header *h)
{
    struct dy_text key;
    if (!accept_text(h, &key) || !accept(h, ":"))
        return false;
    if (text_is(key, "descr") && !h->has_descr) {
        h->has_descr = true;
        return accept_text(h, &h->descr);
    }
    if (text_is(key, "fortran_order") && !h->has_order) {
        h->has_order = true;
        h->fortran = accept(h, "True");
        return h->fortran || accept(h, "False");
    }
    if (text_is(key, "shape") && !h->has_shape) {
        h->has_shape = true;
        return accept_shape(h);
    }
    return false;
}

static bool parse_dict(struct header *h)
{
    if (!accept(h, "{"))
        return false;
    while (!accept(h, "}")) {
        if (!accept_member(h))
            return false;
        if (!accept(h, ",") && !next_is(h, '}'))
            return false;
    }
    skip_blanks(h);
    return h->at == h->text.size && h->has_descr && h->has_order && h->has_shape;
}

/* ------------------------------------------------------------------ checks */

static enum dylumo_status read_head(struct header *h, struct dy_reader *reader,
                                    struct dylumo_error *err)
{
    if (!dy_npy_looks_like(reader->data, reader->size))
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: does not begin as a .npy file does", h->name);
    reader->at = MAGIC_SIZE;
    unsigned version = dy_read_u8(reader), minor = dy_read_u8(reader);
    if (!reader->failed && (version < 1 || version > 3 || minor))
        return dy_fail(err, DYLUMO_UNSUPPORTED, "%s: .npy version %u.%u, 1.0 to 3.0 are read",
                       h->name, version, minor);
    size_t size = version == 1 ? dy_read_u16(reader) : dy_read_u32(reader);
    if (size > HEADER_MAX)
        return dy_fail(err, DYLUMO_TOO_LARGE, "%s: .npy header of %zu bytes, the limit is %u",
                       h->name, size, HEADER_MAX);
    h->text = (struct dy_text){(const char *)dy_read_bytes(reader, size), size};
    if (reader->failed)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: is cut off inside its header", h->name);
    return DYLUMO_OK;
}

static enum dylumo_status check_type(struct header *h, struct dylumo_error *err)
{
    if (text_is(h->descr, "<f4"))
        h->tensor->dtype = DY_F32;
    else if (text_is(h->descr, "<f8"))
        h->tensor->dtype = DY_F64;
    else
        return dy_fail(err, DYLUMO_UNSUPPORTED,
                       "%s: holds numbers of type '%.*s'; '<f4' and '<f8' are read", h->name,
                       (int)(h->descr.size < 40 ? h->descr.size : 40), h->descr.bytes);
    if (h->fortran && h->tensor->dims > 2)
        return dy_fail(err, DYLUMO_UNSUPPORTED,
                       "%s: has %u dimensions in Fortran order; numpy.ascontiguousarray makes the "
                       "order that is read",
                       h->name, h->tensor->dims);
    return DYLUMO_OK;
}

/* Size from the shape, held against the bytes that are there. */
static enum dylumo_status check_size(struct header *h, size_t there, struct dylumo_error *err)
{
    size_t size = dy_dtype_size(h->tensor->dtype);
    bool fits = true;
    for (unsigned i = 0; i < h->tensor->dims && fits; i++)
        fits = dy_size_mul(size, (size_t)h->tensor->shape[i], &size);
    if (!fits)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: its shape overflows", h->name);
    if (size != there)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: %zu bytes of numbers, its shape needs %zu",
                       h->name, there, size);
    h->tensor->size = size;
    return DYLUMO_OK;
}

/* From column after column to row after row. */
static void transpose(uint8_t *to, const uint8_t *data, const struct dy_tensor *tensor)
{
    size_t rows = (size_t)tensor->shape[0], columns = (size_t)tensor->shape[1];
    size_t size = dy_dtype_size(tensor->dtype);
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++, to += size)
            memcpy(to, data + (column * rows + row) * size, size);
}

/* In the bytes themselves, or in a copy where they lie crooked or in the other order. */
static enum dylumo_status place_data(struct dy_npy *npy, const struct header *h,
                                     const uint8_t *data, struct dylumo_error *err)
{
    struct dy_tensor *tensor = &npy->tensor;
    bool turn = h->fortran && tensor->dims == 2;
    tensor->data = tensor->size ? data : NULL;
    if (!tensor->size || (!turn && (uintptr_t)data % dy_dtype_size(tensor->dtype) == 0))
        return DYLUMO_OK;
    npy->copy = dy_mem_aligned(tensor->size);
    if (!npy->copy)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for %zu bytes of numbers", h->name,
                       tensor->size);
    if (turn)
        transpose(npy->copy, data, tensor);
    else
        memcpy(npy->copy, data, tensor->size);
    tensor->data = npy->copy;
    return DYLUMO_OK;
}

enum dylumo_status dy_npy_parse(struct dy_npy *npy, const void *data, size_t size, const char *name,
                                struct dylumo_error *err)
{
    *npy = (struct dy_npy){.tensor.name = ""};
    struct header h = {.name = name, .tensor = &npy->tensor};
    struct dy_reader reader = dy_reader_of(data, size);
    enum dylumo_status st = read_head(&h, &reader, err);
    if (!st && !parse_dict(&h))
        st = dy_fail(err, DYLUMO_BAD_FILE,
                     "%s: its header is not that of one array of numbers (byte %zu)", name,
                     reader.at - h.text.size + h.at);
    if (!st)
        st = check_type(&h, err);
    if (!st)
        st = check_size(&h, size - reader.at, err);
    return st ? st : place_data(npy, &h, reader.data + reader.at, err);
}

enum dylumo_status dy_npy_open(struct dy_npy *npy, const char *path, struct dylumo_error *err)
{
    struct dy_map map;
    enum dylumo_status st = dy_map_file(&map, path, err);
    if (st)
        return st;
    st = dy_npy_parse(npy, map.data, map.size, path, err);
    npy->map = map;
    if (st)
        dy_npy_close(npy);
    return st;
}

void dy_npy_close(struct dy_npy *npy)
{
    dy_map_close(&npy->map);
    dy_free(npy->copy);
    *npy = (struct dy_npy){0};
}
