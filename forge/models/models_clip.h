/* CLIP's weights on the way from foreign layouts to ours (docs/formats/clip.md), shared by the
 * parts of that way. */
#ifndef MODELS_CLIP_H
#define MODELS_CLIP_H

#include "dy_encoder.h"
#include "models_source.h"

#define CLIP_LAYERS_MAX 64u
#define CLIP_WIDTH_MAX 4096u
#define CLIP_SIZE_MAX 1024u
#define CLIP_MERGES_OF_ALL 48894u /* of every model known */

enum clip_layout { CLIP_TRANSFORMERS, CLIP_OPEN_CLIP, CLIP_OPENAI };

/* What the shapes of the tensors say, and what the files beside them say. */
struct clip_tower {
    unsigned width, layers, heads, hidden, tokens;
};
struct clip_model {
    enum clip_layout layout;
    char prefix[32]; /* before every tensor's name */
    struct clip_tower image, text;
    unsigned size, patch, dimension, vocabulary;
    bool has_text, quick; /* quick: quick_gelu */
    double mean[3], std[3];
};

/* Which layout the source's names are of; false: it is no CLIP. (models_clip_names.c) */
bool clip_find_layout(const struct models_source *source, struct clip_model *model);
/* A tensor's foreign name. tower: 0 image, 1 text; kind: "weight" or "bias". */
enum clip_part { CLIP_NORM1, CLIP_QKV, CLIP_OUT, CLIP_NORM2, CLIP_UP, CLIP_DOWN, CLIP_PARTS };
void clip_layer_name(const struct clip_model *model, int tower, unsigned layer, enum clip_part part,
                     const char *kind, char name[static 256]);
/* "q", "k" or "v" of transformers, which has them apart. */
void clip_third_name(const struct clip_model *model, int tower, unsigned layer, char third,
                     const char *kind, char name[static 256]);
enum clip_single {
    CLIP_PATCH,
    CLIP_CLASS,
    CLIP_POSITIONS,
    CLIP_PRE_WEIGHT,
    CLIP_PRE_BIAS,
    CLIP_POST_WEIGHT,
    CLIP_POST_BIAS,
    CLIP_PROJECTION,
    CLIP_TOKENS,
    CLIP_TEXT_POSITIONS,
    CLIP_TEXT_POST_WEIGHT,
    CLIP_TEXT_POST_BIAS,
    CLIP_TEXT_PROJECTION,
    CLIP_SCALE,
    CLIP_SINGLES
};
void clip_single_name(const struct clip_model *model, enum clip_single single,
                      char name[static 256]);
/* Marks the tensors that hold no weights (counters, tables of positions). */
void clip_use_others(const struct clip_model *model, struct models_source *source);
const char *clip_layout_words(const struct clip_model *model);

/* Sizes from the shapes. (models_clip_sizes.c) */
enum dylumo_status clip_read_sizes(struct models_source *source, struct clip_model *model,
                                   struct dylumo_error *err) DY_MUST_USE;
/* Activation, heads, mean and std from the files beside the weights, which must agree with the
 * sizes. (models_clip_config.c) */
enum dylumo_status clip_read_config(const struct models_source *source, struct clip_model *model,
                                    struct dylumo_error *err) DY_MUST_USE;
/* The vocabulary's merges as our file has them: heap, size bytes. (models_clip_merges.c) */
enum dylumo_status clip_read_merges(const struct models_source *source,
                                    const struct clip_model *model, char **merges, size_t *size,
                                    struct dylumo_error *err) DY_MUST_USE;

/* Converts and writes. (models_clip_write.c) */
enum dylumo_status clip_write(struct models_source *source, const struct clip_model *model,
                              const char *name, enum dy_precision precision, const char *path,
                              const struct dylumo_context *context,
                              struct dylumo_error *err) DY_MUST_USE;

/* Runs the file as it will be used, and `full`, the same weights in f32, on a made-up picture, and
 * compares their embeddings. (models_verify.c)
 *
 * Fails    as dy_encoder_open; MISMATCH for a cosine under CLIP_COSINE_MIN. */
#define CLIP_COSINE_MIN 0.95
enum dylumo_status clip_verify(const char *path, const char *full, double *similarity,
                               struct dylumo_error *err) DY_MUST_USE;

/* ------------------------------------------------------------------ int8 (models_quantise.c) */

/* One layer's weights as f32, writable. */
struct clip_layer {
    unsigned width, hidden;
    float *weight[CLIP_PARTS], *bias[CLIP_PARTS];
};
/* Divides the large among the matrices' inputs and multiplies their columns: docs/formats/clip.md,
 * int8. down_smooth [hidden] receives what GELU's output is to be multiplied by. */
void clip_smooth(struct clip_layer *layer, float *down_smooth);
/* A row rounded to -127 to 127; returns its scale, above 0. */
float clip_round_row(const float *row, size_t count, int8_t *rounded);

#endif
