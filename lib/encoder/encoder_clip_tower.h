/* A transformer tower of CLIP: layers of attention and a perceptron over rows of numbers, a row for
 * each patch or token (Vaswani et al. 2017; pre-norm as in Dosovitskiy et al. 2020, eq. 2 and 3).
 */
#ifndef ENCODER_CLIP_TOWER_H
#define ENCODER_CLIP_TOWER_H

#include "encoder_clip_file.h"
#include "encoder_clip_weights.h"
#include "encoder_internal.h"
#include "encoder_kernels.h"
#include "encoder_product.h"

/* The products of a tower. In the last layer only the row that the embedding is read from goes on
 * after the attention, so its other three products have forms of their own, with the same weights.
 */
enum clip_product {
    CLIP_LAYER_QKV,
    CLIP_LAYER_OUT,
    CLIP_LAYER_UP,
    CLIP_LAYER_DOWN,
    CLIP_LAST_OUT,
    CLIP_LAST_UP,
    CLIP_LAST_DOWN,
    CLIP_PROJECTION,
    CLIP_PATCHES, /* of the image tower alone */
    CLIP_PRODUCTS
};

/* The kernels for `items` pictures or texts of `tokens` rows each. */
struct clip_kernels {
    unsigned items, tokens;
    struct encoder_product products[CLIP_PRODUCTS];
};

struct clip_layer {
    const float *vectors[CLIP_VECTORS];
    struct encoder_matrix matrices[CLIP_MATRICES];
    struct encoder_restoring restoring[CLIP_MATRICES]; /* of bytes */
    const float *smooth;                               /* [hidden]; NULL: 1 */
};

struct clip_tower {
    const struct encoder_kernels *kernels;
    dnnl_engine_t engine;
    unsigned width, hidden, layer_count, heads, tokens, dimension;
    unsigned patch_numbers; /* 3 patch patch; 0: not of pictures */
    bool causal, quick;
    bool narrow_weights;        /* bytes of 7 bits: the processor's products would overflow */
    dnnl_data_type_t type;      /* of the layers' products: f32, bf16 or s8 */
    dnnl_data_type_t edge_type; /* of patches and projection: f32 or bf16 */
    struct clip_kernels base;   /* of one item, which chose the layouts */
    struct clip_layer layers[CLIP_LAYERS_MAX];
    struct encoder_matrix projection, patches;
    const float *post_gain, *post_bias;
    struct dy_arena vectors; /* all of the above that are not matrices */
    uint8_t *weights;        /* all matrices */
};

/* What both parts, of pictures and of words, do when a file is read.
 *
 * choose    the arithmetic, by what was asked for, the processor and the file
 * tell      fills encoder->info but for precision */
enum dylumo_status clip_choose_precision(struct dy_encoder *encoder, const struct clip_file *file,
                                         struct dylumo_error *err) DY_MUST_USE;
void clip_tell(struct dy_encoder *encoder, const struct clip_file *file);

/* Compiles the kernels of one item and lays the weights out.
 *
 *   file     stays the caller's and may be closed after it
 *
 * Owns     clip_tower_close; it takes a zeroed or half-made one. */
enum dylumo_status clip_tower_open(struct clip_tower *tower, const struct dy_encoder *encoder,
                                   const struct clip_file *file, bool text,
                                   struct dylumo_error *err) DY_MUST_USE;
void clip_tower_close(struct clip_tower *tower);

/* The kernels for other numbers, over the same layouts.
 *
 * Owns     clip_kernels_clear; it takes a zeroed or half-made one. */
enum dylumo_status clip_kernels_init(struct clip_kernels *kernels, const struct clip_tower *tower,
                                     unsigned items, unsigned tokens,
                                     struct dylumo_error *err) DY_MUST_USE;
void clip_kernels_clear(struct clip_kernels *kernels);

/* Scratch memory for one set of kernels, or for a smaller one as well. */
struct clip_scratch {
    const struct clip_tower *tower;
    unsigned threads;
    dnnl_stream_t stream;
    uint8_t *memory;
    float *stream_rows;                                /* x [rows][width] */
    void *source;                                      /* of a product [rows][width], its type */
    void *wide_source;                                 /* of `down` [rows][hidden], its type */
    float *sums;                                       /* of a product [rows][3 width or hidden] */
    float *mixed;                                      /* attention's answer [rows][width] */
    float *scores;                                     /* [threads][tokens][tokens] */
    float *row;                                        /* [threads][width or hidden] */
    struct encoder_rounding *rounding, *wide_rounding; /* [rows] of the sources' bytes */
    void *product_scratch;
};

/* One set of kernels, tied to scratch memory. */
struct clip_bound {
    const struct clip_kernels *kernels;
    struct encoder_product_call calls[CLIP_PRODUCTS];
};

enum dylumo_status clip_scratch_init(struct clip_scratch *scratch, const struct clip_tower *tower,
                                     const struct clip_kernels *largest, unsigned threads,
                                     struct dylumo_error *err) DY_MUST_USE;
void clip_scratch_clear(struct clip_scratch *scratch);
enum dylumo_status clip_bind(struct clip_bound *bound, const struct clip_kernels *kernels,
                             const struct clip_scratch *scratch,
                             struct dylumo_error *err) DY_MUST_USE;
void clip_unbind(struct clip_bound *bound);

/* All layers, then the last norm and the projection.
 *
 *   scratch     its stream_rows hold the items' rows, [items][tokens][width]; they are used up
 *   read_row    the row of each item that the embedding is read from
 *   embeddings  [items][dimension], of length 1
 *
 * Fails    BAD_FILE when the weights give no finite numbers. */
enum dylumo_status clip_tower_run(struct clip_scratch *scratch, const struct clip_bound *bound,
                                  unsigned read_row, float *embeddings,
                                  struct dylumo_error *err) DY_MUST_USE;

#endif
