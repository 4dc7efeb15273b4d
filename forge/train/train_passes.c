/* The passes of train_passes.h: each is written once, as a function that must be inlined, and
 * compiled three times. Loops run over a tile's columns inside a loop over rows, so the compiler
 * vectorises them without reordering a sum. Batch norm is Ioffe & Szegedy 2015, algorithms 1 and
 * the gradients of section 3; dropout is Srivastava et al. 2014, scaled in training. */
#include "train_passes.h"

#include "train_net.h"

#include <math.h>
#include <string.h>

#define PASS static inline __attribute__((always_inline)) void
#define BN_EPSILON 1e-5f
#define BN_MOMENTUM 0.1f

/* 32 well-mixed bits (Mueller's lowbias32 constants by Wellons' search). */
static inline __attribute__((always_inline)) uint32_t bits_of(uint32_t x)
{
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    return x ^ (x >> 16);
}

static inline __attribute__((always_inline)) float drop_one(float x, uint32_t number,
                                                            const struct train_drop *drop)
{
    return bits_of(number * 0x9e3779b9u + drop->key) >= drop->threshold ? x * drop->scale : 0.0f;
}

PASS drop_pass(float *x, size_t count, size_t number, const struct train_drop *drop)
{
    const struct train_drop d = *drop;
    for (size_t i = 0; i < count; i++)
        x[i] = drop_one(x[i], (uint32_t)(number + i), &d);
}

PASS moments_of(const float *z, size_t rows, size_t columns, size_t stride, float *mean,
                float *variance)
{
    const float share = 1.0f / (float)rows;
    memset(mean, 0, columns * sizeof *mean);
    memset(variance, 0, columns * sizeof *variance);
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < columns; i++)
            mean[i] += z[row * stride + i];
    for (size_t i = 0; i < columns; i++)
        mean[i] *= share;
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < columns; i++) {
            float off = z[row * stride + i] - mean[i];
            variance[i] += off * off;
        }
    for (size_t i = 0; i < columns; i++)
        variance[i] *= share;
}

PASS forward_pass(float *restrict z, float *restrict active, size_t rows, size_t columns,
                  size_t stride, size_t number, size_t row_numbers, const float *restrict gain,
                  const float *restrict shift, float *restrict spread, float *restrict running_mean,
                  float *restrict running_variance, const struct train_drop *drop)
{
    float mean[TRAIN_TILE], variance[TRAIN_TILE];
    const float unbiased = rows > 1 ? (float)rows / (float)(rows - 1) : 1.0f;
    const struct train_drop d = *drop;
    moments_of(z, rows, columns, stride, mean, variance);
    for (size_t i = 0; i < columns; i++) {
        spread[i] = 1.0f / sqrtf(variance[i] + BN_EPSILON);
        running_mean[i] += BN_MOMENTUM * (mean[i] - running_mean[i]);
        running_variance[i] += BN_MOMENTUM * (variance[i] * unbiased - running_variance[i]);
    }
    for (size_t row = 0; row < rows; row++) {
        float *x = z + row * stride, *y = active + row * stride;
        uint32_t first = (uint32_t)(number + row * row_numbers);
        for (size_t i = 0; i < columns; i++) {
            x[i] = (x[i] - mean[i]) * spread[i];
            float linear = gain[i] * x[i] + shift[i];
            float kept = drop_one(linear, first + (uint32_t)i, &d);
            y[i] = linear > 0 ? kept : 0.0f;
        }
    }
}

/* Ioffe & Szegedy 2015, section 3: with g the gradient by y = gain x + shift,
 * dz = gain spread (g - mean(g) - x mean(g x)). */
PASS backward_pass(float *restrict gradient, const float *restrict normal,
                   const float *restrict active, size_t rows, size_t columns, size_t stride,
                   const float *restrict gain, const float *restrict spread, float scale,
                   float *restrict gain_gradient, float *restrict shift_gradient)
{
    float sum[TRAIN_TILE] = {0}, product[TRAIN_TILE] = {0};
    const float share = 1.0f / (float)rows;
    for (size_t row = 0; row < rows; row++) {
        float *g = gradient + row * stride;
        const float *x = normal + row * stride, *y = active + row * stride;
        for (size_t i = 0; i < columns; i++) {
            g[i] = y[i] > 0 ? g[i] * scale : 0.0f;
            sum[i] += g[i];
            product[i] += g[i] * x[i];
        }
    }
    memcpy(shift_gradient, sum, columns * sizeof *sum);
    memcpy(gain_gradient, product, columns * sizeof *product);
    for (size_t row = 0; row < rows; row++) {
        float *g = gradient + row * stride;
        const float *x = normal + row * stride;
        for (size_t i = 0; i < columns; i++)
            g[i] = gain[i] * spread[i] * (g[i] - share * (sum[i] + x[i] * product[i]));
    }
}

PASS adam_pass(float *restrict parameter, const float *restrict gradient, float *restrict moment,
               float *restrict moment2, size_t count, const struct train_adam *adam,
               float correction, float correction2)
{
    const float beta1 = adam->beta1, beta2 = adam->beta2, epsilon = adam->epsilon;
    const float rate = adam->rate / correction, root = 1.0f / sqrtf(correction2);
    const float added = adam->decoupled ? 0.0f : adam->decay;
    const float kept = adam->decoupled ? 1.0f - adam->rate * adam->decay : 1.0f;
    for (size_t i = 0; i < count; i++) {
        float g = gradient[i] + added * parameter[i];
        moment[i] = beta1 * moment[i] + (1.0f - beta1) * g;
        moment2[i] = beta2 * moment2[i] + (1.0f - beta2) * g * g;
        parameter[i] =
            kept * parameter[i] - rate * moment[i] / (sqrtf(moment2[i]) * root + epsilon);
    }
}

PASS normalise_pass(float *restrict to, const float *restrict from, const float *restrict mean,
                    const float *restrict scale, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (from[i] - mean[i]) * scale[i];
}

/* Three compilations of each, and the table of them. */
#define FORMS(form, attributes)                                                                   \
    attributes static void drop_##form(float *x, size_t count, size_t number,                     \
                                       const struct train_drop *drop)                             \
    {                                                                                             \
        drop_pass(x, count, number, drop);                                                        \
    }                                                                                             \
    attributes static void forward_##form(                                                        \
        float *z, float *active, size_t rows, size_t columns, size_t stride, size_t number,       \
        size_t row_numbers, const float *gain, const float *shift, float *spread,                 \
        float *running_mean, float *running_variance, const struct train_drop *drop)              \
    {                                                                                             \
        forward_pass(z, active, rows, columns, stride, number, row_numbers, gain, shift, spread,  \
                     running_mean, running_variance, drop);                                       \
    }                                                                                             \
    attributes static void backward_##form(                                                       \
        float *gradient, const float *normal, const float *active, size_t rows, size_t columns,   \
        size_t stride, const float *gain, const float *spread, float scale, float *gain_gradient, \
        float *shift_gradient)                                                                    \
    {                                                                                             \
        backward_pass(gradient, normal, active, rows, columns, stride, gain, spread, scale,       \
                      gain_gradient, shift_gradient);                                             \
    }                                                                                             \
    attributes static void adam_##form(                                                           \
        float *parameter, const float *gradient, float *moment, float *moment2, size_t count,     \
        const struct train_adam *adam, float correction, float correction2)                       \
    {                                                                                             \
        adam_pass(parameter, gradient, moment, moment2, count, adam, correction, correction2);    \
    }                                                                                             \
    attributes static void normalise_##form(float *to, const float *from, const float *mean,      \
                                            const float *scale, size_t count)                     \
    {                                                                                             \
        normalise_pass(to, from, mean, scale, count);                                             \
    }                                                                                             \
    static const struct train_passes passes_##form = {forward_##form, backward_##form,            \
                                                      drop_##form, adam_##form, normalise_##form};

FORMS(plain, )
FORMS(avx2, __attribute__((target("avx2"))))
/* GCC takes half of the width unless told; Debian's clang does not know the words. */
#ifdef __clang__
#define WIDE ""
#else
#define WIDE ",prefer-vector-width=512"
#endif
FORMS(avx512, __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl" WIDE))))

const struct train_passes *train_passes_for(const struct dy_cpu *cpu)
{
    if (cpu->avx512)
        return &passes_avx512;
    return cpu->avx2 ? &passes_avx2 : &passes_plain;
}
