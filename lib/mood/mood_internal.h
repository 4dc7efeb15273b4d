/* An open mood file, for the files of this room. */
#ifndef MOOD_INTERNAL_H
#define MOOD_INTERNAL_H

#include "dy_mood.h"

#include "dy_format.h"
#include "mood_dense.h"

#define LAYERS_MAX 8
#define LEVELS_MAX 65536

struct layer {
    const uint16_t *weight;  /* [rows][columns]; NULL: */
    const float *weight_f32; /* [rows][columns] */
    const float *bias;       /* [rows] */
    size_t rows, columns;
};

struct network {
    unsigned layers;
    struct layer layer[LAYERS_MAX];
};

struct dy_mood_model {
    struct dy_safetensors *file;
    unsigned version;
    struct dy_mood_info info;
    struct network *networks;   /* [info.networks] */
    dy_mood_dense *dense;       /* this processor's form */
    const float *input_mean;    /* [dimension] */
    const float *input_scale;   /* [dimension] by which (x - mean) is multiplied */
    const float *text_mean;     /* [dimension] of sentences; NULL: the encoder reads no words */
    const float *happy;         /* [7] +1, -1 or 0 */
    const float *lively;        /* [7] */
    const float *axis_readings; /* [axes][DY_MOOD_READINGS] */
    size_t levels;
    const float *level;          /* [levels] shares, ascending, in (0, 1) */
    const float *feature_tables; /* [13][levels] value of the prediction at each level */
    const float *axis_tables;    /* [axes][levels] */
    char axis_names[DY_MOOD_AXES_MAX][32];
};

#endif
