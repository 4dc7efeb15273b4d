/* What scikit-learn's MinMaxScaler learned, out of its pickle: two arrays of 13 numbers. numpy
 * pickles an array as a call that makes an empty one and a state (version, shape, type, order,
 * bytes); joblib puts a wrapper in its place and the bytes behind it into the stream. Nothing is
 * called. */
#include "dy_foreign.h"
#include "dy_original.h"

#include <math.h>
#include <string.h>
#include <zlib.h>

#define SCALER_BYTES_MAX (1 << 20)

static const char *const globals[] = {
    "sklearn.preprocessing._data MinMaxScaler",
    "sklearn.preprocessing.data MinMaxScaler",
    "numpy.core.multiarray _reconstruct",
    "numpy._core.multiarray _reconstruct",
    "numpy.core.numeric _frombuffer",
    "numpy._core.numeric _frombuffer",
    "numpy.core.multiarray scalar",
    "numpy._core.multiarray scalar",
    "numpy ndarray",
    "numpy dtype",
    "joblib.numpy_pickle NumpyArrayWrapper",
    "_codecs encode",
    NULL,
};

/* ------------------------------------------------------------------ joblib */

/* Items of a wrapped array; false for what is no shape. */
static bool count_items(const struct dy_pickle_value *shape, size_t *count)
{
    *count = 1;
    for (size_t i = 0; dy_pickle_item(shape, i); i++) {
        int64_t extent;
        if (!dy_pickle_integer(dy_pickle_item(shape, i), &extent) || extent < 0 ||
            !dy_size_mul(*count, (size_t)extent, count))
            return false;
    }
    return shape != NULL;
}

static bool is_type(const struct dy_pickle_value *dtype, const char *name)
{
    return dy_pickle_is_object(dtype, "numpy dtype") &&
           dy_pickle_is(dy_pickle_item(dtype->arguments, 0), name);
}

/* Of the types that a scaler learns in; 0: another. */
static size_t item_size(const struct dy_pickle_value *dtype)
{
    return is_type(dtype, "f8") ? sizeof(double) : is_type(dtype, "f4") ? sizeof(float) : 0;
}

/* An array of texts (the features' names) follows as a pickle of its own: passed over. */
static enum dylumo_status pass_pickle(struct dy_text following, size_t *passed,
                                      struct dylumo_error *err)
{
    struct dy_pickle *inner;
    const struct dy_pickle_options options = {.globals = globals};
    enum dylumo_status st =
        dy_pickle_read(&inner, following.bytes, following.size, "an array in it", &options, err);
    if (st)
        return st;
    *passed = dy_pickle_size(inner);
    dy_pickle_free(inner);
    return DYLUMO_OK;
}

static enum dylumo_status find_raw(void *user, const struct dy_pickle_value *object,
                                   struct dy_text following, struct dy_text *raw, size_t *passed,
                                   struct dylumo_error *err)
{
    const char *name = user;
    size_t count, bytes, lead = 0;
    int64_t alignment;
    *raw = (struct dy_text){NULL, 0};
    *passed = 0;
    if (!dy_pickle_is_object(object, "joblib.numpy_pickle NumpyArrayWrapper"))
        return DYLUMO_OK;
    const struct dy_pickle_value *dtype = dy_pickle_get(object->state, "dtype");
    if (is_type(dtype, "O8"))
        return pass_pickle(following, passed, err);
    if (!item_size(dtype) || !count_items(dy_pickle_get(object->state, "shape"), &count) ||
        !dy_size_mul(count, item_size(dtype), &bytes))
        return dy_fail(err, DYLUMO_UNSUPPORTED,
                       "%s: an array that holds neither doubles nor floats", name);
    if (dy_pickle_integer(dy_pickle_get(object->state, "numpy_array_alignment_bytes"), &alignment))
        lead = following.size ? 1 + (size_t)(uint8_t)following.bytes[0] : 1;
    if (lead > following.size || bytes > following.size - lead)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: ends within an array", name);
    *raw = (struct dy_text){following.bytes + lead, bytes};
    *passed = lead + bytes;
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ arrays */

/* Python 3 writes bytes for protocols below 3 as text, a byte a letter, to be encoded again. */
static bool read_latin1(struct dy_text text, uint8_t *bytes, size_t size)
{
    size_t used = 0, at = 0;
    for (; at < text.size && used < size; used++) {
        uint8_t first = (uint8_t)text.bytes[at++];
        if (first >= 0x80 && ((first != 0xC2 && first != 0xC3) || at == text.size))
            return false;
        bytes[used] =
            (uint8_t)(first < 0x80 ? first : (first & 3) << 6 | ((uint8_t)text.bytes[at++] & 0x3F));
    }
    return used == size && at == text.size;
}

/* Exactly so many bytes, however they were written. */
static bool read_bytes(const struct dy_pickle_value *value, uint8_t *bytes, size_t size)
{
    if (dy_pickle_is_object(value, "_codecs encode")) {
        value = dy_pickle_item(value->arguments, 0);
        return value && value->type == DY_PICKLE_STR && read_latin1(value->text, bytes, size);
    }
    if (!value || (value->type != DY_PICKLE_BYTES && value->type != DY_PICKLE_STR) ||
        value->text.size != size)
        return false;
    memcpy(bytes, value->text.bytes, size);
    return true;
}

/* The type of an array is little-endian: its state's second item. */
static bool is_little(const struct dy_pickle_value *dtype)
{
    return dy_pickle_is(dy_pickle_item(dtype->state, 1), "<");
}

/* An array in parts, however it was written. */
struct array {
    const struct dy_pickle_value *dtype, *shape, *bytes;
    struct dy_text raw; /* in place of bytes */
};

static struct array find_array(const struct dy_pickle_value *value)
{
    struct array array = {0};
    if (dy_pickle_is_object(value, "joblib.numpy_pickle NumpyArrayWrapper")) {
        array.dtype = dy_pickle_get(value->state, "dtype");
        array.shape = dy_pickle_get(value->state, "shape");
        array.raw = value->raw;
    } else if (dy_pickle_is_object(value, "numpy.core.multiarray _reconstruct") ||
               dy_pickle_is_object(value, "numpy._core.multiarray _reconstruct")) {
        array.shape = dy_pickle_item(value->state, 1);
        array.dtype = dy_pickle_item(value->state, 2);
        array.bytes = dy_pickle_item(value->state, 4);
    } else if (dy_pickle_is_object(value, "numpy.core.numeric _frombuffer") ||
               dy_pickle_is_object(value, "numpy._core.numeric _frombuffer")) {
        array.bytes = dy_pickle_item(value->arguments, 0);
        array.dtype = dy_pickle_item(value->arguments, 1);
        array.shape = dy_pickle_item(value->arguments, 2);
    }
    return array;
}

static bool copy_bytes(const struct array *array, uint8_t *bytes, size_t size)
{
    if (!array->raw.bytes)
        return read_bytes(array->bytes, bytes, size);
    if (array->raw.size == size)
        memcpy(bytes, array->raw.bytes, size);
    return array->raw.size == size;
}

/* 13 numbers of an array, of doubles or floats. */
static bool read_array(const struct dy_pickle_value *value, double values[DYLUMO_FEATURE_COUNT])
{
    struct array array = find_array(value);
    size_t item = item_size(array.dtype), count;
    float floats[DYLUMO_FEATURE_COUNT];
    bool wide = item == sizeof *values;
    if (!item || !is_little(array.dtype) || !count_items(array.shape, &count) ||
        count != DYLUMO_FEATURE_COUNT ||
        !copy_bytes(&array, wide ? (uint8_t *)values : (uint8_t *)floats, count * item))
        return false;
    for (unsigned f = 0; !wide && f < DYLUMO_FEATURE_COUNT; f++)
        values[f] = (double)floats[f];
    return true;
}

/* ------------------------------------------------------------------ the scaler */

/* Names are there where it was fitted on a table; they must be ours, in our order. */
static enum dylumo_status check_names(const struct dy_pickle_value *array, const char *name,
                                      struct dylumo_error *err)
{
    const struct dy_pickle_value *list = array ? dy_pickle_item(array->state, 4) : NULL;
    for (size_t f = 0; list && list->type == DY_PICKLE_LIST && f < DYLUMO_FEATURE_COUNT; f++) {
        const char *expected = dylumo_feature_info((enum dylumo_feature)f)->name;
        const struct dy_pickle_value *item = dy_pickle_item(list, f);
        char found[80];
        if (dy_pickle_is(item, expected))
            continue;
        dy_pickle_describe(item, found, sizeof found);
        if (item && item->type == DY_PICKLE_STR)
            snprintf(found, sizeof found, "'%.*s'",
                     (int)(item->text.size < 60 ? item->text.size : 60), item->text.bytes);
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: feature %zu of the scaler is %s, expected '%s'",
                       name, f + 1, found, expected);
    }
    return DYLUMO_OK;
}

static enum dylumo_status check_range(const struct dy_pickle_value *range, const char *name,
                                      struct dylumo_error *err)
{
    double low, high;
    if (dy_pickle_real(dy_pickle_item(range, 0), &low) &&
        dy_pickle_real(dy_pickle_item(range, 1), &high) && !(low < 0) && !(low > 0) && high >= 1 &&
        high <= 1)
        return DYLUMO_OK;
    return dy_fail(err, DYLUMO_BAD_FILE, "%s: the scaler's range is not 0 to 1", name);
}

static enum dylumo_status check_spans(const struct dy_scaler *scaler, const char *name,
                                      struct dylumo_error *err)
{
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        double span = scaler->maximum[f] - scaler->minimum[f];
        if (!(span >= 0) || isinf(span))
            return dy_fail(err, DYLUMO_BAD_FILE, "%s: the scaler's %s goes from %g to %g", name,
                           dylumo_feature_info((enum dylumo_feature)f)->name, scaler->minimum[f],
                           scaler->maximum[f]);
    }
    return DYLUMO_OK;
}

static enum dylumo_status read_scaler(struct dy_scaler *scaler, const struct dy_pickle_value *root,
                                      const char *name, struct dylumo_error *err)
{
    char found[120];
    if (!dy_pickle_is_object(root, globals[0]) && !dy_pickle_is_object(root, globals[1]))
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: holds %s, expected scikit-learn's MinMaxScaler",
                       name, dy_pickle_describe(root, found, sizeof found));
    if (!read_array(dy_pickle_get(root->state, "data_min_"), scaler->minimum) ||
        !read_array(dy_pickle_get(root->state, "data_max_"), scaler->maximum))
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: data_min_ and data_max_ are not %d numbers each; was it fitted on the "
                       "%d audio features?",
                       name, DYLUMO_FEATURE_COUNT, DYLUMO_FEATURE_COUNT);
    enum dylumo_status st = check_range(dy_pickle_get(root->state, "feature_range"), name, err);
    if (!st)
        st = check_names(dy_pickle_get(root->state, "feature_names_in_"), name, err);
    return st ? st : check_spans(scaler, name, err);
}

static enum dylumo_status parse_plain(struct dy_scaler *scaler, const void *data, size_t size,
                                      const char *name, struct dylumo_error *err)
{
    struct dy_pickle *pickle;
    const struct dy_pickle_options options = {globals, find_raw, (void *)(uintptr_t)name};
    enum dylumo_status st = dy_pickle_read(&pickle, data, size, name, &options, err);
    if (st)
        return st;
    st = read_scaler(scaler, dy_pickle_root(pickle), name, err);
    dy_pickle_free(pickle);
    return st;
}

/* ------------------------------------------------------------------ joblib's compression */

/* zlib's or gzip's, by which no pickle begins. */
static bool is_packed(const uint8_t *data, size_t size)
{
    return size >= 2 && ((data[0] == 0x1F && data[1] == 0x8B) ||
                         (data[0] == 0x78 && (data[0] << 8 | data[1]) % 31 == 0));
}

/* Into at most SCALER_BYTES_MAX bytes. */
static enum dylumo_status unpack(uint8_t *to, size_t *to_size, const uint8_t *data, size_t size,
                                 const char *name, struct dylumo_error *err)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)data,
                       .avail_in = (uInt)(size < SCALER_BYTES_MAX ? size : SCALER_BYTES_MAX),
                       .next_out = to,
                       .avail_out = SCALER_BYTES_MAX};
    if (inflateInit2(&stream, 15 + 32) != Z_OK)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to unpack it", name);
    int code = inflate(&stream, Z_FINISH);
    *to_size = stream.total_out;
    inflateEnd(&stream);
    if (code != Z_STREAM_END && !stream.avail_out)
        return dy_fail(err, DYLUMO_TOO_LARGE, "%s: unpacks to more than %d bytes", name,
                       SCALER_BYTES_MAX);
    return code == Z_STREAM_END ? DYLUMO_OK
                                : dy_fail(err, DYLUMO_BAD_FILE, "%s: does not unpack", name);
}

enum dylumo_status dy_scaler_parse(struct dy_scaler *scaler, const void *data, size_t size,
                                   const char *name, struct dylumo_error *err)
{
    *scaler = (struct dy_scaler){0};
    if (!is_packed(data, size))
        return parse_plain(scaler, data, size, name, err);
    size_t plain_size = 0;
    uint8_t *plain = dy_new(SCALER_BYTES_MAX);
    if (!plain)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to unpack it", name);
    enum dylumo_status st = unpack(plain, &plain_size, data, size, name, err);
    if (!st)
        st = parse_plain(scaler, plain, plain_size, name, err);
    dy_free(plain);
    return st;
}

enum dylumo_status dy_scaler_read(struct dy_scaler *scaler, const char *path,
                                  struct dylumo_error *err)
{
    uint8_t *bytes;
    size_t size;
    *scaler = (struct dy_scaler){0};
    enum dylumo_status st = dy_read_file(&bytes, &size, path, SCALER_BYTES_MAX, err);
    if (st)
        return st;
    st = dy_scaler_parse(scaler, bytes, size, path, err);
    dy_free(bytes);
    return st;
}
