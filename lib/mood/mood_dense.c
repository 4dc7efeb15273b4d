/* Matrix times vector with the weights in half floats, straight from the mapped file: one picture
 * is bound by reading the weights, and halves are half the bytes. The sums are in f32; each form
 * adds in its own fixed order. */
#include "mood_dense.h"

#include "dy_format.h"

#include <immintrin.h>

static float finish(float sum, float bias, bool relu)
{
    float y = sum + bias;
    return relu && y < 0 ? 0 : y; /* NaN stays NaN */
}

static void dense_scalar(const uint16_t *weight, const float *bias, const float *x, float *y,
                         size_t rows, size_t columns, bool relu)
{
    for (size_t row = 0; row < rows; row++, weight += columns) {
        float sum = 0;
        for (size_t i = 0; i < columns; i++)
            sum += dy_f16_to_f32(weight[i]) * x[i];
        y[row] = finish(sum, bias[row], relu);
    }
}

__attribute__((target("avx2,fma,f16c"))) static float dot_avx2(const uint16_t *weight,
                                                               const float *x, size_t columns)
{
    __m256 sums[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(),
                      _mm256_setzero_ps()};
    size_t i = 0;
    for (; i + 32 <= columns; i += 32) {
        for (unsigned j = 0; j < 4; j++) {
            __m128i half = _mm_loadu_si128((const __m128i *)(const void *)(weight + i + 8 * j));
            sums[j] =
                _mm256_fmadd_ps(_mm256_cvtph_ps(half), _mm256_loadu_ps(x + i + 8 * j), sums[j]);
        }
    }
    __m256 four = _mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3]));
    __m128 low = _mm_add_ps(_mm256_castps256_ps128(four), _mm256_extractf128_ps(four, 1));
    low = _mm_add_ps(low, _mm_movehl_ps(low, low));
    float sum = _mm_cvtss_f32(_mm_add_ss(low, _mm_movehdup_ps(low)));
    for (; i < columns; i++)
        sum += _cvtsh_ss(weight[i]) * x[i];
    return sum;
}

__attribute__((target("avx2,fma,f16c"))) static void dense_avx2(const uint16_t *weight,
                                                                const float *bias, const float *x,
                                                                float *y, size_t rows,
                                                                size_t columns, bool relu)
{
    for (size_t row = 0; row < rows; row++)
        y[row] = finish(dot_avx2(weight + row * columns, x, columns), bias[row], relu);
}

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")))

AVX512 static float dot_avx512(const uint16_t *weight, const float *x, size_t columns)
{
    __m512 sums[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                      _mm512_setzero_ps()};
    size_t i = 0;
    for (; i + 64 <= columns; i += 64) {
        for (unsigned j = 0; j < 4; j++) {
            __m256i half = _mm256_loadu_si256((const __m256i *)(const void *)(weight + i + 16 * j));
            sums[j] =
                _mm512_fmadd_ps(_mm512_cvtph_ps(half), _mm512_loadu_ps(x + i + 16 * j), sums[j]);
        }
    }
    for (; i < columns; i += 16) { /* the last one to four, masked */
        size_t left = columns - i;
        __mmask16 mask = (__mmask16)(left >= 16 ? 0xFFFFu : (1u << left) - 1);
        __m512 w = _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, weight + i));
        sums[0] = _mm512_fmadd_ps(w, _mm512_maskz_loadu_ps(mask, x + i), sums[0]);
    }
    return _mm512_reduce_add_ps(
        _mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3])));
}

AVX512 static void dense_avx512(const uint16_t *weight, const float *bias, const float *x, float *y,
                                size_t rows, size_t columns, bool relu)
{
    for (size_t row = 0; row < rows; row++)
        y[row] = finish(dot_avx512(weight + row * columns, x, columns), bias[row], relu);
}

dy_mood_dense *dy_mood_dense_for(const struct dy_cpu *cpu)
{
    if (cpu->avx512)
        return dense_avx512;
    return cpu->avx2 ? dense_avx2 : dense_scalar;
}

void dy_mood_dense_f32(const float *weight, const float *bias, const float *x, float *y,
                       size_t rows, size_t columns, bool relu)
{
    for (size_t row = 0; row < rows; row++, weight += columns) {
        double sums[4] = {0};
        size_t i = 0;
        for (; i + 4 <= columns; i += 4)
            for (unsigned j = 0; j < 4; j++)
                sums[j] += (double)weight[i + j] * (double)x[i + j];
        for (; i < columns; i++)
            sums[0] += (double)weight[i] * (double)x[i];
        double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
        y[row] = (float)(sum + (double)bias[row]);
        if (relu && y[row] < 0)
            y[row] = 0; /* NaN stays NaN */
    }
}
