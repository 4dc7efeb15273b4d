/* Layer norm, softmax, GELU and the rounding to bytes. exp in the AVX2 form is Cody and Waite's
 * reduction with a polynomial of degree 6, good to 2e-7 of the value; erf is formula 7.1.26 of
 * Abramowitz and Stegun, good to 1.5e-7. */
#include "encoder_kernels.h"

#include <immintrin.h>
#include <math.h>

#define EPSILON 1e-5F
#define AVX2 __attribute__((target("avx2,fma")))

/* ------------------------------------------------------------------ scalar */

static void norm_scalar(float *out, const float *in, const float *gain, const float *bias,
                        size_t count)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)in[i];
    double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += ((double)in[i] - mean) * ((double)in[i] - mean);
    float by = (float)(1.0 / sqrt(squares / (double)count + (double)EPSILON));
    for (size_t i = 0; i < count; i++)
        out[i] = (in[i] - (float)mean) * by * gain[i] + bias[i];
}

static void softmax_scalar(float *row, float factor, size_t count)
{
    float most = row[0], sum = 0;
    for (size_t i = 1; i < count; i++)
        most = row[i] > most ? row[i] : most;
    for (size_t i = 0; i < count; i++) {
        row[i] = expf(factor * (row[i] - most));
        sum += row[i];
    }
    for (size_t i = 0; i < count; i++)
        row[i] /= sum;
}

static void gelu_scalar(float *row, size_t count)
{
    for (size_t i = 0; i < count; i++)
        row[i] = row[i] * (1.0F + erff(row[i] * 0.70710678F)) * 0.5F;
}

static void quick_gelu_scalar(float *row, size_t count)
{
    for (size_t i = 0; i < count; i++)
        row[i] = row[i] / (1.0F + expf(-1.702F * row[i]));
}

static void multiply_scalar(float *row, const float *factors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        row[i] *= factors[i];
}

static void add_scalar(float *sums, const float *row, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sums[i] += row[i];
}

/* The steps between a row's ends. A row of zeros gets a step all the same. */
static struct encoder_rounding rounding_of(float least, float most)
{
    return (struct encoder_rounding){most > least ? (most - least) / 255.0F : 1.0F, least};
}

static struct encoder_rounding round_scalar(uint8_t *bytes, const float *row, size_t count)
{
    float least = 0, most = 0;
    for (size_t i = 0; i < count; i++) {
        least = row[i] < least ? row[i] : least;
        most = row[i] > most ? row[i] : most;
    }
    struct encoder_rounding rounding = rounding_of(least, most);
    float by = 1.0F / rounding.step;
    for (size_t i = 0; i < count; i++) {
        float steps = rintf((row[i] - least) * by);
        bytes[i] = (uint8_t)(steps >= 255.0F ? 255 : steps > 0 ? (int)steps : 0);
    }
    return rounding;
}

static void restore_scalar(float *sums, const struct encoder_restoring *by,
                           struct encoder_rounding rounding, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sums[i] = sums[i] * by->step[i] * rounding.step + by->sum[i] * rounding.least + by->bias[i];
}

/* ------------------------------------------------------------------ AVX2 */

#define WIDE 8

AVX2 static inline float sum_of(__m256 v)
{
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_shuffle_ps(half, half, 1)));
}

AVX2 static inline float most_of(__m256 v)
{
    __m128 half = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    half = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_max_ss(half, _mm_shuffle_ps(half, half, 1)));
}

/* The first `left` lanes, at most 8, for a row's end. */
AVX2 static inline __m256i lanes(size_t left)
{
    const __m256i order = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(left < WIDE ? (int)left : WIDE), order);
}

AVX2 static inline __m256 load(const float *from, size_t left)
{
    return left >= WIDE ? _mm256_loadu_ps(from) : _mm256_maskload_ps(from, lanes(left));
}

AVX2 static inline void store(float *to, __m256 v, size_t left)
{
    if (left >= WIDE)
        _mm256_storeu_ps(to, v);
    else
        _mm256_maskstore_ps(to, lanes(left), v);
}

AVX2 static inline __m256 exp_of(__m256 x)
{
    x = _mm256_max_ps(_mm256_min_ps(x, _mm256_set1_ps(88.0F)), _mm256_set1_ps(-87.0F));
    __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504F)),
                               _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    /* ln 2 in two parts, so that n of it are taken off without loss */
    __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375F), x);
    r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4F), r);
    __m256 p = _mm256_set1_ps(1.0F / 720);
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0F / 120));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0F / 24));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0F / 6));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.5F));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0F));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0F));
    __m256i power =
        _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return _mm256_mul_ps(p, _mm256_castsi256_ps(power));
}

AVX2 static inline __m256 erf_of(__m256 x)
{
    const __m256 sign = _mm256_set1_ps(-0.0F);
    __m256 size = _mm256_andnot_ps(sign, x);
    __m256 t = _mm256_div_ps(_mm256_set1_ps(1.0F),
                             _mm256_fmadd_ps(size, _mm256_set1_ps(0.3275911F), _mm256_set1_ps(1)));
    __m256 p = _mm256_set1_ps(1.061405429F);
    p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(-1.453152027F));
    p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(1.421413741F));
    p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(-0.284496736F));
    p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(0.254829592F));
    __m256 tail = exp_of(_mm256_mul_ps(_mm256_xor_ps(sign, size), size));
    p = _mm256_fnmadd_ps(_mm256_mul_ps(p, t), tail, _mm256_set1_ps(1.0F));
    return _mm256_or_ps(p, _mm256_and_ps(sign, x));
}

AVX2 static void norm_avx2(float *out, const float *in, const float *gain, const float *bias,
                           size_t count)
{
    __m256 sum = _mm256_setzero_ps(), squares = sum;
    for (size_t i = 0; i < count; i += WIDE)
        sum = _mm256_add_ps(sum, load(in + i, count - i));
    __m256 mean = _mm256_set1_ps(sum_of(sum) / (float)count);
    for (size_t i = 0; i < count; i += WIDE) {
        __m256 apart = _mm256_sub_ps(load(in + i, count - i), mean);
        if (count - i < WIDE)
            apart = _mm256_and_ps(apart, _mm256_castsi256_ps(lanes(count - i)));
        squares = _mm256_fmadd_ps(apart, apart, squares);
    }
    __m256 by = _mm256_set1_ps(1.0F / sqrtf(sum_of(squares) / (float)count + EPSILON));
    for (size_t i = 0; i < count; i += WIDE) {
        __m256 unit = _mm256_mul_ps(_mm256_sub_ps(load(in + i, count - i), mean), by);
        store(out + i, _mm256_fmadd_ps(unit, load(gain + i, count - i), load(bias + i, count - i)),
              count - i);
    }
}

AVX2 static void softmax_avx2(float *row, float factor, size_t count)
{
    const __m256 factors = _mm256_set1_ps(factor);
    __m256 most = _mm256_set1_ps(row[0]), sum = _mm256_setzero_ps();
    size_t whole = count - count % WIDE;
    for (size_t i = 0; i < whole; i += WIDE)
        most = _mm256_max_ps(most, _mm256_loadu_ps(row + i));
    float top = most_of(most);
    for (size_t i = whole; i < count; i++)
        top = row[i] > top ? row[i] : top;
    most = _mm256_set1_ps(top);
    for (size_t i = 0; i < count; i += WIDE) {
        __m256 share =
            exp_of(_mm256_mul_ps(factors, _mm256_sub_ps(load(row + i, count - i), most)));
        if (count - i < WIDE)
            share = _mm256_and_ps(share, _mm256_castsi256_ps(lanes(count - i)));
        store(row + i, share, count - i);
        sum = _mm256_add_ps(sum, share);
    }
    const __m256 by = _mm256_set1_ps(1.0F / sum_of(sum));
    for (size_t i = 0; i < count; i += WIDE)
        store(row + i, _mm256_mul_ps(load(row + i, count - i), by), count - i);
}

AVX2 static void gelu_avx2(float *row, size_t count)
{
    for (size_t i = 0; i < count; i += WIDE) {
        __m256 x = load(row + i, count - i);
        __m256 share = _mm256_add_ps(_mm256_set1_ps(1.0F),
                                     erf_of(_mm256_mul_ps(x, _mm256_set1_ps(0.70710678F))));
        store(row + i, _mm256_mul_ps(_mm256_mul_ps(x, share), _mm256_set1_ps(0.5F)), count - i);
    }
}

AVX2 static void quick_gelu_avx2(float *row, size_t count)
{
    for (size_t i = 0; i < count; i += WIDE) {
        __m256 x = load(row + i, count - i);
        __m256 e = exp_of(_mm256_mul_ps(x, _mm256_set1_ps(-1.702F)));
        store(row + i, _mm256_div_ps(x, _mm256_add_ps(_mm256_set1_ps(1.0F), e)), count - i);
    }
}

AVX2 static void multiply_avx2(float *row, const float *factors, size_t count)
{
    for (size_t i = 0; i < count; i += WIDE)
        store(row + i, _mm256_mul_ps(load(row + i, count - i), load(factors + i, count - i)),
              count - i);
}

AVX2 static void add_avx2(float *sums, const float *row, size_t count)
{
    for (size_t i = 0; i < count; i += WIDE)
        store(sums + i, _mm256_add_ps(load(sums + i, count - i), load(row + i, count - i)),
              count - i);
}

/* Eight numbers to eight bytes; steps are at least 0 but for their own rounding. */
AVX2 static inline uint64_t bytes_of(__m256 steps)
{
    __m256i whole = _mm256_cvtps_epi32(steps);
    __m128i words =
        _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    return (uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(words, words));
}

AVX2 static struct encoder_rounding round_avx2(uint8_t *bytes, const float *row, size_t count)
{
    __m256 least = _mm256_setzero_ps(), most = least;
    for (size_t i = 0; i < count; i += WIDE) { /* lanes past the end are 0, which counts anyway */
        __m256 x = load(row + i, count - i);
        least = _mm256_min_ps(least, x);
        most = _mm256_max_ps(most, x);
    }
    float low = -most_of(_mm256_sub_ps(_mm256_setzero_ps(), least));
    struct encoder_rounding rounding = rounding_of(low, most_of(most));
    const __m256 from = _mm256_set1_ps(low), by = _mm256_set1_ps(1.0F / rounding.step);
    for (size_t i = 0; i < count; i += WIDE) {
        uint64_t eight = bytes_of(_mm256_mul_ps(_mm256_sub_ps(load(row + i, count - i), from), by));
        if (count - i >= WIDE)
            _mm_storel_epi64((__m128i *)(bytes + i), _mm_cvtsi64_si128((long long)eight));
        else
            for (size_t lane = 0; i + lane < count; lane++)
                bytes[i + lane] = (uint8_t)(eight >> 8 * lane);
    }
    return rounding;
}

AVX2 static void restore_avx2(float *sums, const struct encoder_restoring *by,
                              struct encoder_rounding rounding, size_t count)
{
    const __m256 step = _mm256_set1_ps(rounding.step), least = _mm256_set1_ps(rounding.least);
    for (size_t i = 0; i < count; i += WIDE) {
        size_t left = count - i;
        __m256 base = _mm256_fmadd_ps(load(by->sum + i, left), least, load(by->bias + i, left));
        __m256 scale = _mm256_mul_ps(load(by->step + i, left), step);
        store(sums + i, _mm256_fmadd_ps(load(sums + i, left), scale, base), left);
    }
}

const struct encoder_kernels *encoder_kernels(const struct dy_cpu *cpu)
{
    static const struct encoder_kernels scalar = {
        norm_scalar,     softmax_scalar, gelu_scalar,  quick_gelu_scalar,
        multiply_scalar, add_scalar,     round_scalar, restore_scalar,
    };
    static const struct encoder_kernels avx2 = {
        norm_avx2,     softmax_avx2, gelu_avx2,  quick_gelu_avx2,
        multiply_avx2, add_avx2,     round_avx2, restore_avx2,
    };
    return cpu->avx2 ? &avx2 : &scalar;
}
