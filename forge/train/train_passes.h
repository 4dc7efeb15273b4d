/* What a training step does between its matrix products, over a tile of columns. Each pass is one
 * text, compiled for AVX-512, for AVX2 and plainly; the sums run down the rows in order, so all
 * forms give the same bits. */
#ifndef TRAIN_PASSES_H
#define TRAIN_PASSES_H

#include "dy_base.h"

#define TRAIN_TILE 128 /* columns of a tile at most */

struct train_adam;

/* Dropout keeps an element when its 32 random bits are at least threshold; kept ones are multiplied
 * by scale. */
struct train_drop {
    uint32_t key, threshold;
    float scale;
};

struct train_passes {
    /* z [rows] rows of `columns`, `stride` apart: becomes x hat; active = drop(relu(gain x +
     * shift)). For dropout, number is that of the tile's first element, and those of the next row
     * are row_numbers more. Running statistics with
     * momentum 0.1 and the unbiased variance. */
    void (*forward)(float *z, float *active, size_t rows, size_t columns, size_t stride,
                    size_t number, size_t row_numbers, const float *gain, const float *shift,
                    float *spread, float *running_mean, float *running_variance,
                    const struct train_drop *drop);
    /* gradient by active becomes gradient by z, through dropout, ReLU and batch norm. */
    void (*backward)(float *gradient, const float *normal, const float *active, size_t rows,
                     size_t columns, size_t stride, const float *gain, const float *spread,
                     float scale, float *gain_gradient, float *shift_gradient);
    /* Dropout alone, in place. */
    void (*drop)(float *x, size_t count, size_t number, const struct train_drop *drop);
    /* Adam over count parameters; corrections are 1 - beta^step. */
    void (*adam)(float *parameter, const float *gradient, float *moment, float *moment2,
                 size_t count, const struct train_adam *adam, float correction, float correction2);
    /* to[i] = (from[i] - mean[i]) * scale[i] */
    void (*normalise)(float *to, const float *from, const float *mean, const float *scale,
                      size_t count);
};

const struct train_passes *train_passes_for(const struct dy_cpu *cpu);

#endif
