/* A CLIP weight file (docs/formats/clip.md), checked: what its metadata say, and where every tensor
 * lies. Nothing is copied. */
#ifndef ENCODER_CLIP_FILE_H
#define ENCODER_CLIP_FILE_H

#include "dy_encoder.h"
#include "dy_format.h"

#define CLIP_LAYERS_MAX 64
#define CLIP_NAME_SIZE 41

enum clip_source { CLIP_TRANSFORMERS, CLIP_OPEN_CLIP, CLIP_OPENAI };

/* The four matrices of a layer. */
enum clip_matrix { CLIP_QKV, CLIP_OUT, CLIP_UP, CLIP_DOWN, CLIP_MATRICES };

/* Its vectors. */
enum clip_vector {
    CLIP_NORM1_GAIN,
    CLIP_NORM1_BIAS,
    CLIP_QKV_BIAS,
    CLIP_OUT_BIAS,
    CLIP_NORM2_GAIN,
    CLIP_NORM2_BIAS,
    CLIP_UP_BIAS,
    CLIP_DOWN_BIAS,
    CLIP_VECTORS
};

struct clip_matrix_source {
    const struct dy_tensor *weight; /* [out][in] F32, BF16 or I8 */
    const float *scale;             /* [out] of I8, else NULL */
};

struct clip_layer_source {
    const float *vectors[CLIP_VECTORS];
    struct clip_matrix_source matrices[CLIP_MATRICES];
    const float *smooth; /* [hidden]; NULL: 1 */
};

struct clip_tower_source {
    const char *name; /* "image" or "text" */
    unsigned width, hidden, layers, heads;
    unsigned tokens; /* 1 + patches, or the context */
    const float *positions, *post_gain, *post_bias;
    struct clip_matrix_source projection; /* [dimension][width] */
    struct clip_layer_source layer[CLIP_LAYERS_MAX];
};

struct clip_file {
    char name[CLIP_NAME_SIZE];
    uint64_t identity;
    enum clip_source source;
    bool quick; /* quick_gelu */
    enum dy_precision precision;
    unsigned dimension;
    struct clip_tower_source image;
    unsigned size, patch; /* pixels */
    float mean[3], std[3];
    struct clip_matrix_source patch_weight; /* [width][3 patch patch] */
    const float *class_token, *pre_gain, *pre_bias;
    bool has_text;
    struct clip_tower_source text;
    struct clip_matrix_source token_table; /* [vocabulary][width] */
    unsigned vocabulary;
    const struct dy_tensor *merges;
    float text_scale; /* the logarithm */
};

/* Fails    BAD_FILE with the first fault, which names tensor or key. */
enum dylumo_status clip_file_read(struct clip_file *out, const struct dy_safetensors *file,
                                  const char *path, struct dylumo_error *err) DY_MUST_USE;

#endif
