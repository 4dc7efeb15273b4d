/* Products of rows with a matrix, Y = X W^T (+ b), over oneDNN: each is a convolution of one
 * pixel's reach over a picture of one row. Of what oneDNN 2.6 has, that is the fastest form for few
 * rows (docs/numbers/clip.md): its weights are laid out once, at open, where matmul and inner
 * product sort theirs at every call.
 *
 * A kernel belongs to shapes, weights to a layer: one struct encoder_product is shared by the
 * layers of a tower, and made for several numbers of rows over one layout of the weights. */
#ifndef ENCODER_PRODUCT_H
#define ENCODER_PRODUCT_H

#include "dy_base.h"

#include <dnnl.h>

/* What a product does with its sums before it writes them. */
enum encoder_after { ENCODER_STORE, ENCODER_ADD, ENCODER_GELU, ENCODER_QUICK_GELU };

struct encoder_product_shape {
    const char *name;      /* for sentences: "image.qkv" */
    unsigned in, out;      /* columns and rows of the matrix */
    unsigned rows;         /* of X and Y */
    dnnl_data_type_t type; /* of X and W: f32, bf16, or s8, where X is u8 and Y the bare f32 sums */
    dnnl_data_type_t sink; /* of Y: f32 or bf16 */
    enum encoder_after after; /* STORE for s8 */
};

struct encoder_product {
    struct encoder_product_shape shape;
    dnnl_primitive_desc_t description;
    dnnl_primitive_t primitive;
};

/* Chooses and compiles the kernel.
 *
 *   layout   the weights' layout to keep to, from another product; NULL: oneDNN's choice
 *
 * Fails    UNSUPPORTED where oneDNN has no kernel, for a layout or at all.
 * Owns     encoder_product_clear; it takes a zeroed or half-made one. */
enum dylumo_status encoder_product_init(struct encoder_product *product,
                                        const struct encoder_product_shape *shape,
                                        const dnnl_memory_desc_t *layout, dnnl_engine_t engine,
                                        struct dylumo_error *err) DY_MUST_USE;
void encoder_product_clear(struct encoder_product *product);
const dnnl_memory_desc_t *encoder_product_layout(const struct encoder_product *product);
size_t encoder_product_scratch_bytes(const struct encoder_product *product);

/* One layer's matrix, where oneDNN wants it. */
struct encoder_matrix {
    dnnl_memory_t weights;
    dnnl_memory_t bias; /* NULL: none, as for s8 */
};

/* Fills items [count][in], of the layout's type, with rows first ... of a matrix; false: one of its
 * numbers is not finite. */
typedef bool encoder_read_rows(void *user, void *items, size_t first, size_t count);

/* The rows that read gives -> the layout.
 *
 *   room    [the layout's size], 64-byte aligned
 *
 * Fails   BAD_FILE when read says so; UNSUPPORTED for a layout that is not made of blocks. */
enum dylumo_status encoder_product_pack(void *room, const dnnl_memory_desc_t *layout,
                                        encoder_read_rows *read, void *user, const char *name,
                                        struct dylumo_error *err) DY_MUST_USE;

/* Wraps packed weights and the bias [out], which both stay the caller's.
 *
 * Owns     encoder_matrix_clear; it takes a zeroed one. */
enum dylumo_status encoder_matrix_init(struct encoder_matrix *matrix,
                                       const struct encoder_product *product, dnnl_engine_t engine,
                                       void *weights, float *bias,
                                       struct dylumo_error *err) DY_MUST_USE;
void encoder_matrix_clear(struct encoder_matrix *matrix);

/* A work's memory objects for one product: X, Y and scratch. */
struct encoder_product_call {
    dnnl_memory_t source, sink, scratch;
};
enum dylumo_status encoder_product_bind(struct encoder_product_call *call,
                                        const struct encoder_product *product, dnnl_engine_t engine,
                                        void *source, void *sink, void *scratch,
                                        struct dylumo_error *err) DY_MUST_USE;
void encoder_product_unbind(struct encoder_product_call *call);

enum dylumo_status encoder_product_run(const struct encoder_product *product,
                                       const struct encoder_matrix *matrix,
                                       const struct encoder_product_call *call,
                                       dnnl_stream_t stream, struct dylumo_error *err) DY_MUST_USE;

#endif
