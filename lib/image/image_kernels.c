/* The two loops of the resizing, in three forms that agree bit for bit: scalar as the formula
 * reads, AVX2 and AVX-512. Products are 8 bit times 23 bit in 32-bit integers, as in Pillow: no
 * form with 16-bit products would be exact.
 *
 * Going across, a vector holds five pixels (R G B, five times, and one idle lane), so that pixels
 * need no unpacking but widening; the fifteen lanes are folded to three sums at the end. */
#include "image_parts.h"

#include <immintrin.h>
#include <string.h>

#define PRECISION_BITS 22
#define HALF (1 << (PRECISION_BITS - 1))
#define AVX2 __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2")))

static uint8_t to_byte(int32_t sum)
{
    int32_t value = sum >> PRECISION_BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* ------------------------------------------------------------------ scalar */

static void across_scalar(uint8_t *out, const uint8_t *row, const struct image_axis *axis)
{
    for (unsigned i = 0; i < axis->count; i++) {
        const uint8_t *pixel = row + (size_t)axis->start[i] * 3;
        const int32_t *weights = axis->weights + (size_t)i * axis->taps_max;
        int32_t red = HALF, green = HALF, blue = HALF;
        for (unsigned t = 0; t < axis->taps[i]; t++, pixel += 3) {
            red += pixel[0] * weights[t];
            green += pixel[1] * weights[t];
            blue += pixel[2] * weights[t];
        }
        out[i * 3] = to_byte(red);
        out[i * 3 + 1] = to_byte(green);
        out[i * 3 + 2] = to_byte(blue);
    }
}

static void down_scalar(uint8_t *out, const uint8_t *const *rows, const int32_t *weights,
                        unsigned taps, size_t lanes)
{
    for (size_t lane = 0; lane < lanes; lane++) {
        int32_t sum = HALF;
        for (unsigned t = 0; t < taps; t++)
            sum += rows[t][lane] * weights[t];
        out[lane] = to_byte(sum);
    }
}

/* ------------------------------------------------------------------ AVX2 */

AVX2 static inline __m256i widen_8(const uint8_t *bytes)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)bytes));
}

/* The lanes' sums of channel 0, 1, 2 in lanes 0, 1, 2: low holds lanes 0-7 and high 8-15 of the
 * scheme above. Rounded, clipped, four bytes are written. */
AVX2 static inline void fold_16(uint8_t *out, __m256i low, __m256i high)
{
    /* lanes 0-2, 3-5, 6-8, 9-11, 12-14, each moved to 0-2 */
    const __m256i by_3 = _mm256_setr_epi32(3, 4, 5, 5, 5, 5, 5, 5);
    const __m256i by_9 = _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 7);
    const __m256i across = _mm256_setr_epi32(6, 7, 0, 0, 0, 0, 0, 0);
    __m256i third = _mm256_permutevar8x32_epi32(_mm256_blend_epi32(low, high, 1), across);
    __m256i upper = _mm256_permutevar8x32_epi32(high, by_9); /* 9-11 in 0-2, 12-14 in 3-5 */
    __m256i pairs = _mm256_add_epi32(low, upper);
    __m256i sum = _mm256_add_epi32(pairs, _mm256_permutevar8x32_epi32(pairs, by_3));
    sum = _mm256_add_epi32(_mm256_add_epi32(sum, third), _mm256_set1_epi32(HALF));
    __m128i value = _mm_srai_epi32(_mm256_castsi256_si128(sum), PRECISION_BITS);
    value = _mm_packus_epi16(_mm_packs_epi32(value, value), value);
    int32_t bytes = _mm_cvtsi128_si32(value);
    memcpy(out, &bytes, 4);
}

AVX2 static void across_avx2(uint8_t *out, const uint8_t *row, const struct image_axis *axis)
{
    for (unsigned i = 0; i < axis->count; i++) {
        const uint8_t *pixel = row + (size_t)axis->start[i] * 3;
        const int32_t *weights = axis->spread + (size_t)i * axis->groups * 16;
        __m256i low = _mm256_setzero_si256(), high = low;
        for (unsigned t = 0; t < axis->taps[i]; t += 5, pixel += 15, weights += 16) {
            __m256i first = _mm256_load_si256((const __m256i *)weights);
            __m256i second = _mm256_load_si256((const __m256i *)(weights + 8));
            low = _mm256_add_epi32(low, _mm256_mullo_epi32(widen_8(pixel), first));
            high = _mm256_add_epi32(high, _mm256_mullo_epi32(widen_8(pixel + 8), second));
        }
        fold_16(out + (size_t)i * 3, low, high);
    }
}

AVX2 static void down_avx2(uint8_t *out, const uint8_t *const *rows, const int32_t *weights,
                           unsigned taps, size_t lanes)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (size_t lane = 0; lane < lanes; lane += 32) {
        __m256i sum[4];
        for (int v = 0; v < 4; v++)
            sum[v] = _mm256_set1_epi32(HALF);
        for (unsigned t = 0; t < taps; t++) {
            __m256i weight = _mm256_set1_epi32(weights[t]);
            for (int v = 0; v < 4; v++)
                sum[v] = _mm256_add_epi32(
                    sum[v], _mm256_mullo_epi32(widen_8(rows[t] + lane + 8 * v), weight));
        }
        for (int v = 0; v < 4; v++)
            sum[v] = _mm256_srai_epi32(sum[v], PRECISION_BITS);
        __m256i bytes = _mm256_packus_epi16(_mm256_packs_epi32(sum[0], sum[1]),
                                            _mm256_packs_epi32(sum[2], sum[3]));
        _mm256_storeu_si256((__m256i *)(out + lane), _mm256_permutevar8x32_epi32(bytes, order));
    }
}

/* ------------------------------------------------------------------ AVX-512 */

AVX512 static inline __m512i widen_16(const uint8_t *bytes)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)bytes));
}

AVX512 static void across_avx512(uint8_t *out, const uint8_t *row, const struct image_axis *axis)
{
    for (unsigned i = 0; i < axis->count; i++) {
        const uint8_t *pixel = row + (size_t)axis->start[i] * 3;
        const int32_t *weights = axis->spread + (size_t)i * axis->groups * 16;
        __m512i sum = _mm512_setzero_si512();
        for (unsigned t = 0; t < axis->taps[i]; t += 5, pixel += 15, weights += 16)
            sum = _mm512_add_epi32(sum,
                                   _mm512_mullo_epi32(widen_16(pixel), _mm512_load_si512(weights)));
        fold_16(out + (size_t)i * 3, _mm512_castsi512_si256(sum),
                _mm512_extracti64x4_epi64(sum, 1));
    }
}

AVX512 static void down_avx512(uint8_t *out, const uint8_t *const *rows, const int32_t *weights,
                               unsigned taps, size_t lanes)
{
    const __m512i zero = _mm512_setzero_si512();
    for (size_t lane = 0; lane < lanes; lane += 64) {
        __m512i sum[4];
        for (int v = 0; v < 4; v++)
            sum[v] = _mm512_set1_epi32(HALF);
        for (unsigned t = 0; t < taps; t++) {
            __m512i weight = _mm512_set1_epi32(weights[t]);
            for (int v = 0; v < 4; v++)
                sum[v] = _mm512_add_epi32(
                    sum[v], _mm512_mullo_epi32(widen_16(rows[t] + lane + 16 * v), weight));
        }
        for (int v = 0; v < 4; v++) {
            __m512i value = _mm512_max_epi32(_mm512_srai_epi32(sum[v], PRECISION_BITS), zero);
            _mm_storeu_si128((__m128i *)(out + lane + 16 * v), _mm512_cvtusepi32_epi8(value));
        }
    }
}

const struct image_kernels *dy_image_kernels(const struct dy_cpu *cpu)
{
    static const struct image_kernels scalar = {across_scalar, down_scalar};
    static const struct image_kernels avx2 = {across_avx2, down_avx2};
    static const struct image_kernels avx512 = {across_avx512, down_avx512};
    return cpu->avx512 ? &avx512 : cpu->avx2 ? &avx2 : &scalar;
}
