/* The arithmetic between the products, on rows of numbers that fit a processor's nearest cache:
 * each kernel is one short loop, and a pass over the memory is several of them on one row. Two
 * forms: scalar as the formula reads, and AVX2 with FMA, tested against it. */
#ifndef ENCODER_KERNELS_H
#define ENCODER_KERNELS_H

#include "dy_base.h"

/* A row of numbers as bytes: number i stands for least + step * bytes[i]. */
struct encoder_rounding {
    float step, least;
};

/* What turns the sums of a product of bytes back into numbers: those of row o of the matrix. */
struct encoder_restoring {
    const float *step; /* [out] of the weights */
    const float *sum;  /* [out] of the weights' values: what `least` is multiplied by */
    const float *bias; /* [out] */
};

struct encoder_kernels {
    /* out = (in - mean) / sqrt(variance + 1e-5) * gain + bias (Ba et al. 2016, eq. 4). May be in
     * place. */
    void (*norm)(float *out, const float *in, const float *gain, const float *bias, size_t count);
    /* row = exp(factor * (row - max)) / their sum. */
    void (*softmax)(float *row, float factor, size_t count);
    void (*gelu)(float *row, size_t count);       /* x * (1 + erf(x / sqrt 2)) / 2 */
    void (*quick_gelu)(float *row, size_t count); /* x / (1 + exp(-1.702 x)) */
    void (*multiply)(float *row, const float *factors, size_t count);
    void (*add)(float *sums, const float *row, size_t count);
    /* Bytes between the row's least and largest number, or 0 if that is nearer. */
    struct encoder_rounding (*round)(uint8_t *bytes, const float *row, size_t count);
    /* sums = sums * step * rounding.step + sum * rounding.least + bias */
    void (*restore)(float *sums, const struct encoder_restoring *by,
                    struct encoder_rounding rounding, size_t count);
};

/* The quickest that the processor allows. Static. */
const struct encoder_kernels *encoder_kernels(const struct dy_cpu *cpu);

#endif
