/* format: the files that lib/ reads and forge/ writes. Safetensors (encoder and mood weights) and
 * the songs file. Both are told byte by byte in docs/formats/. */
#ifndef DY_FORMAT_H
#define DY_FORMAT_H

#include "dy_base.h"

/* ------------------------------------------------------------------ safetensors
 * (format_safetensors.c) Hugging Face's layout: u64 header length, JSON header, data. */

enum dy_dtype { DY_F32, DY_F16, DY_BF16, DY_F64, DY_I8, DY_U8, DY_I32, DY_I64, DY_BOOL };

#define DY_TENSOR_DIMS 8

struct dy_tensor {
    const char *name;
    enum dy_dtype dtype;
    unsigned dims;
    uint64_t shape[DY_TENSOR_DIMS];
    const void *data; /* aligned to the item's size; NULL when size is 0 */
    size_t size;      /* bytes; equals the product of shape times the item's size */
};

/* A mapped, fully checked file: every name once, every dtype known, every tensor inside the data,
 * none overlapping, no holes, sizes equal to shapes. Read-only, shared by all threads. */
struct dy_safetensors;

/* Fails     as dy_map_file; BAD_FILE for anything broken; TOO_LARGE for a header over 100 MB. */
enum dylumo_status dy_safetensors_open(struct dy_safetensors **out, const char *path,
                                       struct dylumo_error *err) DY_MUST_USE;
/* The same on bytes that stay the caller's and must outlive it; name is for error sentences. */
enum dylumo_status dy_safetensors_parse(struct dy_safetensors **out, const void *data, size_t size,
                                        const char *name, struct dylumo_error *err) DY_MUST_USE;
void dy_safetensors_close(struct dy_safetensors *file);

size_t dy_safetensors_count(const struct dy_safetensors *file);
/* In the file's order of names as sorted by bytes. */
const struct dy_tensor *dy_safetensors_at(const struct dy_safetensors *file, size_t index);
/* NULL when there is none of that name. */
const struct dy_tensor *dy_safetensors_find(const struct dy_safetensors *file, const char *name);
/* A value of __metadata__; NULL when absent. */
const char *dy_safetensors_metadata(const struct dy_safetensors *file, const char *key);
/* XXH3 of the whole file's bytes (computed at each call: about 10 GB/s). */
uint64_t dy_safetensors_hash(const struct dy_safetensors *file);

/* Finds a tensor and checks dtype and shape (dims numbers follow; 0 accepts any extent).
 *
 * Fails     BAD_FILE: "x.safetensors: tensor 'a.weight' has shape [3, 4], expected [3, 5]". */
enum dylumo_status dy_safetensors_expect(const struct dy_safetensors *file, const char *name,
                                         enum dy_dtype dtype, unsigned dims, const uint64_t *shape,
                                         const struct dy_tensor **out,
                                         struct dylumo_error *err) DY_MUST_USE;

/* Writes tensors beside path and renames. metadata: pairs key, value, ..., NULL; may be NULL.
 * Tensors are stored largest item size first, then by name, so that all lie aligned. */
enum dylumo_status dy_safetensors_write(const char *path, const struct dy_tensor *tensors,
                                        size_t count, const char *const *metadata,
                                        struct dylumo_error *err) DY_MUST_USE;

/* "F32" and the like; bytes of one item. */
const char *dy_dtype_name(enum dy_dtype dtype);
size_t dy_dtype_size(enum dy_dtype dtype);

/* Half floats: exact widening; rounding to nearest even. */
float dy_f16_to_f32(uint16_t half);
uint16_t dy_f16_from_f32(float value);

#endif
