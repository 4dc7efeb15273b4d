/* FAISS's file of a flat index, as its write_index writes it (faiss/impl/index_write.cpp): four
 * letters for the kind; i32 dimension, i64 vectors, two i64 of no use, u8 trained, i32 metric (0
 * the inner product, 1 the squared distance, above 1 an f32 argument follows); then u64 number of
 * floats and the floats. Only the flat kinds hold the vectors as they were; all others are refused
 * by name. */
#include "dy_original.h"

#include <math.h>
#include <string.h>

#define KIND_SIZE 4
#define DIMENSION_MAX 65536

/* What users may have instead, for the sentence. */
static const struct {
    const char kind[KIND_SIZE + 1], *name;
} others[] = {
    {"IwFl", "IndexIVFFlat"},
    {"IvFl", "IndexIVFFlat"},
    {"IwPQ", "IndexIVFPQ"},
    {"IxPq", "IndexPQ"},
    {"IxPQ", "IndexPQ"},
    {"IxSQ", "IndexScalarQuantizer"},
    {"IwSq", "IndexIVFScalarQuantizer"},
    {"IHNf", "IndexHNSWFlat"},
    {"IHNp", "IndexHNSWPQ"},
    {"IHNs", "IndexHNSWSQ"},
    {"INSf", "IndexNSGFlat"},
    {"IxMp", "IndexIDMap"},
    {"IxM2", "IndexIDMap2"},
    {"IxPT", "IndexPreTransform"},
    {"IxRF", "IndexRefine"},
    {"IxHe", "IndexLSH"},
    {"IxHE", "IndexLSH"},
};

static bool is_kind(const uint8_t *data, const char *kind)
{
    return !memcmp(data, kind, KIND_SIZE);
}

static bool is_flat(const uint8_t *data)
{
    return is_kind(data, "IxFI") || is_kind(data, "IxF2") || is_kind(data, "IxFl");
}

static const char *other_name(const uint8_t *data)
{
    for (size_t i = 0; i < DY_COUNT(others); i++)
        if (is_kind(data, others[i].kind))
            return others[i].name;
    return NULL;
}

static enum dylumo_status check_kind(const uint8_t *data, size_t size, const char *name,
                                     struct dylumo_error *err)
{
    if (size < KIND_SIZE)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: %zu bytes are no FAISS index", name, size);
    if (is_flat(data))
        return DYLUMO_OK;
    const char *other = other_name(data);
    if (other)
        return dy_fail(err, DYLUMO_UNSUPPORTED,
                       "%s: is %s, which does not hold the vectors as they were; expected "
                       "IndexFlatIP or IndexFlatL2",
                       name, other);
    return dy_fail(err, DYLUMO_BAD_FILE,
                   "%s: begins with '%.4s', no FAISS index that is known; expected IndexFlatIP or "
                   "IndexFlatL2",
                   name, (const char *)data);
}

/* Kind and metric must say the same. */
static enum dylumo_status read_metric(const uint8_t *data, uint32_t number,
                                      enum dy_faiss_metric *metric, const char *name,
                                      struct dylumo_error *err)
{
    bool same = number == 0 ? !is_kind(data, "IxF2") : number == 1 && !is_kind(data, "IxFI");
    if (number > 1)
        return dy_fail(err, DYLUMO_UNSUPPORTED,
                       "%s: compares by FAISS's metric %u; expected 0 (inner product) or 1 (L2)",
                       name, number);
    if (!same)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: is '%.4s' but says metric %u", name,
                       (const char *)data, number);
    if (metric)
        *metric = number == 0 ? DY_FAISS_INNER_PRODUCT : DY_FAISS_L2;
    return DYLUMO_OK;
}

static enum dylumo_status read_vectors(struct dy_rows *rows, struct dy_reader *reader,
                                       uint64_t count, uint32_t dimension, const char *name,
                                       struct dylumo_error *err)
{
    uint64_t floats = dy_read_u64(reader);
    size_t all, bytes;
    if (reader->failed)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: ends within its header", name);
    if (!count || !dimension || dimension > DIMENSION_MAX)
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: %llu vectors of %u numbers, expected some of 1 to %d", name,
                       (unsigned long long)count, dimension, DIMENSION_MAX);
    if (!dy_size_mul((size_t)count, dimension, &all) || all != floats ||
        !dy_size_mul(all, sizeof(float), &bytes) || bytes != reader->size - reader->at)
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: %llu vectors of %u numbers, but %llu numbers in %zu bytes", name,
                       (unsigned long long)count, dimension, (unsigned long long)floats,
                       reader->size - reader->at);
    rows->values = dy_new_array(all, sizeof *rows->values);
    if (!rows->values)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for %zu numbers", name, all);
    memcpy(rows->values, reader->data + reader->at, bytes);
    rows->count = (size_t)count;
    rows->columns = dimension;
    for (size_t i = 0; i < all; i++)
        if (!isfinite(rows->values[i]))
            return dy_fail(err, DYLUMO_BAD_FILE, "%s: vector %zu holds a number that is not finite",
                           name, i / dimension);
    return DYLUMO_OK;
}

enum dylumo_status dy_faiss_parse(struct dy_rows *rows, enum dy_faiss_metric *metric,
                                  const void *data, size_t size, const char *name,
                                  struct dylumo_error *err)
{
    *rows = (struct dy_rows){0};
    enum dylumo_status st = check_kind(data, size, name, err);
    if (st)
        return st;
    struct dy_reader reader = dy_reader_of(data, size);
    (void)dy_read_u32(&reader); /* the kind */
    uint32_t dimension = dy_read_u32(&reader);
    uint64_t count = dy_read_u64(&reader);
    (void)dy_read_u64(&reader);
    (void)dy_read_u64(&reader);
    (void)dy_read_u8(&reader); /* a flat index needs no training */
    uint32_t number = dy_read_u32(&reader);
    st = reader.failed ? dy_fail(err, DYLUMO_BAD_FILE, "%s: ends within its header", name)
                       : read_metric(data, number, metric, name, err);
    if (!st)
        st = read_vectors(rows, &reader, count, dimension, name, err);
    if (st)
        dy_rows_clear(rows);
    return st;
}

enum dylumo_status dy_faiss_read(struct dy_rows *rows, enum dy_faiss_metric *metric,
                                 const char *path, struct dylumo_error *err)
{
    struct dy_map map;
    *rows = (struct dy_rows){0};
    enum dylumo_status st = dy_map_file(&map, path, err);
    if (!st)
        st = dy_faiss_parse(rows, metric, map.data, map.size, path, err);
    dy_map_close(&map);
    return st;
}
