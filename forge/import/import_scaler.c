/* What scikit-learn's MinMaxScaler learned, out of its pickle: two arrays of 13 doubles. numpy
 * pickles an array as a call that makes an empty one and a state (version, shape, type, order,
 * bytes); joblib puts a wrapper in its place and the bytes behind it into the stream. Nothing is
 * called. */
#include "dy_foreign.h"
#include "dy_original.h"

#include <math.h>
#include <string.h>

#define SCALER_BYTES_MAX (1 << 20)

static const char *const globals[] = {
    "sklearn.preprocessing._data MinMaxScaler",
    "sklearn.preprocessing.data MinMaxScaler",
    "numpy.core.multiarray _reconstruct",
    "numpy._core.multiarray _reconstruct",
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
    if (!is_type(dtype, "f8") || !count_items(dy_pickle_get(object->state, "shape"), &count) ||
        !dy_size_mul(count, sizeof(double), &bytes))
        return dy_fail(err, DYLUMO_UNSUPPORTED, "%s: an array that does not hold doubles", name);
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

/* 13 doubles of an array, as numpy or joblib wrote it. */
static bool read_array(const struct dy_pickle_value *array, double values[DYLUMO_FEATURE_COUNT])
{
    size_t size = DYLUMO_FEATURE_COUNT * sizeof *values;
    if (dy_pickle_is_object(array, "joblib.numpy_pickle NumpyArrayWrapper")) {
        if (array->raw.size != size || !is_little(dy_pickle_get(array->state, "dtype")))
            return false;
        memcpy(values, array->raw.bytes, size);
        return true;
    }
    if (!dy_pickle_is_object(array, "numpy.core.multiarray _reconstruct") &&
        !dy_pickle_is_object(array, "numpy._core.multiarray _reconstruct"))
        return false;
    const struct dy_pickle_value *dtype = dy_pickle_item(array->state, 2);
    int64_t extent;
    return dy_pickle_integer(dy_pickle_item(dy_pickle_item(array->state, 1), 0), &extent) &&
           extent == DYLUMO_FEATURE_COUNT && is_type(dtype, "f8") && is_little(dtype) &&
           read_bytes(dy_pickle_item(array->state, 4), (uint8_t *)values, size);
}

/* ------------------------------------------------------------------ the scaler */

/* Names are there where it was fitted on a table; they must be ours, in our order. */
static enum dylumo_status check_names(const struct dy_pickle_value *array, const char *name,
                                      struct dylumo_error *err)
{
    const struct dy_pickle_value *list = array ? dy_pickle_item(array->state, 4) : NULL;
    for (size_t f = 0; list && list->type == DY_PICKLE_LIST && f < DYLUMO_FEATURE_COUNT; f++) {
        const char *expected = dylumo_feature_info((enum dylumo_feature)f)->name;
        char found[80];
        if (!dy_pickle_is(dy_pickle_item(list, f), expected))
            return dy_fail(
                err, DYLUMO_BAD_FILE, "%s: feature %zu of the scaler is %s, expected '%s'", name,
                f + 1, dy_pickle_describe(dy_pickle_item(list, f), found, sizeof found), expected);
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
                       "%s: data_min_ and data_max_ are not %d doubles each; was it fitted on the "
                       "%d audio features?",
                       name, DYLUMO_FEATURE_COUNT, DYLUMO_FEATURE_COUNT);
    enum dylumo_status st = check_range(dy_pickle_get(root->state, "feature_range"), name, err);
    if (!st)
        st = check_names(dy_pickle_get(root->state, "feature_names_in_"), name, err);
    return st ? st : check_spans(scaler, name, err);
}

enum dylumo_status dy_scaler_parse(struct dy_scaler *scaler, const void *data, size_t size,
                                   const char *name, struct dylumo_error *err)
{
    struct dy_pickle *pickle;
    const struct dy_pickle_options options = {globals, find_raw, (void *)(uintptr_t)name};
    *scaler = (struct dy_scaler){0};
    enum dylumo_status st = dy_pickle_read(&pickle, data, size, name, &options, err);
    if (st)
        return st;
    st = read_scaler(scaler, dy_pickle_root(pickle), name, err);
    dy_pickle_free(pickle);
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
