/* The three loops that a search runs: lower bounds of 16 boxes, tables for the codes of a block,
 * and the songs of a leaf that their codes do not rule out. As a scalar form that reads like the
 * formula, for AVX2 and for AVX-512; all do the same operations on the same floats.
 *
 * Axes of few values (mode, key, time signature) hold many songs at one place, most often beside
 * the target: their boxes reach around it, yet none of the values is nearer than the nearest of
 * all, and a code names its value exactly.
 *
 * The codes: a song's distance is at least the sum over the axes of weight * (gap to its cell)^2.
 * The tables hold these terms, less the gap to the whole box, in 255ths of what is left up to the
 * limit and rounded down; 16 entries of a byte are one shuffle, and 64 songs are summed at once
 * with saturation (the idea of André, Kermarrec & Le Scouarnec 2015, here as a bound and not as the
 * distance). */
#include "songs_index.h"

#include <immintrin.h>

#define STEPS 254.9F  /* from the box to the limit; 255 is over it */
#define STEPS_MAX 300 /* anything over 255, small enough for an int */

/* As the vector instructions do: b when one is not a number. */
static inline float lesser(float a, float b)
{
    return a < b ? a : b;
}

static inline float greater(float a, float b)
{
    return a > b ? a : b;
}

/* weight * gap^2 to the interval. */
static inline float gap2(float target, float low, float high, float weight)
{
    float gap = target - lesser(greater(target, low), high);
    return gap * gap * weight;
}

/* The values of an axis that has few; else NULL. */
static inline const float *values_of(const struct songs_probe *probe, unsigned a)
{
    unsigned column = probe->column[a];
    return probe->few >> column & 1 ? probe->values + (size_t)column * INDEX_CELLS : NULL;
}

/* The box's own distance and the scale of steps; terms: of each axis. */
static inline void start_tables(const struct songs_probe *probe, const float *block, unsigned slot,
                                struct songs_tables *tables, float terms[DY_SONGS_AXES_MAX])
{
    const float *lows = block + slot, *highs = lows + (size_t)probe->all_axes * INDEX_FAN;
    tables->base = 0;
    for (unsigned a = 0; a < probe->axes; a++) {
        size_t at = (size_t)probe->column[a] * INDEX_FAN;
        terms[a] = greater(gap2(probe->target[a], lows[at], highs[at], probe->weights[a]),
                           probe->least[a]);
        tables->base += terms[a];
    }
    float left = probe->limit * INDEX_SLACK - tables->base;
    tables->scale = left > 0 ? STEPS / left : 0; /* not more only in a broken file */
}

/* ------------------------------------------------------------------ scalar */

static uint32_t boxes_scalar(const struct songs_probe *probe, const float *block,
                             float bounds[INDEX_FAN])
{
    uint32_t near = 0;
    const float *lows = block, *highs = block + (size_t)probe->all_axes * INDEX_FAN;
    for (unsigned i = 0; i < INDEX_FAN; i++) {
        bounds[i] = 0;
        for (unsigned a = 0; a < probe->axes; a++) {
            size_t at = (size_t)probe->column[a] * INDEX_FAN + i;
            bounds[i] += greater(gap2(probe->target[a], lows[at], highs[at], probe->weights[a]),
                                 probe->least[a]);
        }
        near |= (uint32_t)(bounds[i] <= probe->limit) << i;
    }
    return near;
}

static void tables_scalar(const struct songs_probe *probe, const float *block, unsigned slot,
                          struct songs_tables *tables)
{
    float terms[DY_SONGS_AXES_MAX];
    const float *lows = block + slot, *highs = lows + (size_t)probe->all_axes * INDEX_FAN;
    start_tables(probe, block, slot, tables, terms);
    for (unsigned a = 0; a < probe->axes; a++) {
        size_t at = (size_t)probe->column[a] * INDEX_FAN;
        float low = lows[at], high = highs[at], step = songs_index_step(low, high);
        const float *values = values_of(probe, a);
        for (int c = 0; c < INDEX_CELLS; c++) {
            float start = values ? values[c] : songs_index_edge(low, step, c);
            float end = values                ? values[c]
                        : c < INDEX_CELLS - 1 ? songs_index_edge(low, step, c + 1)
                                              : high;
            float term = gap2(probe->target[a], start, end, probe->weights[a]);
            float steps = greater(0, term - terms[a]) * tables->scale;
            int whole = (int)lesser(steps, STEPS_MAX);
            tables->cell[a][c] = (uint8_t)(whole < 255 ? whole : 255);
        }
    }
}

static uint64_t codes_scalar(const struct songs_probe *probe, const struct songs_tables *tables,
                             const uint8_t *codes, unsigned most)
{
    uint64_t near = 0;
    for (unsigned i = 0; i < INDEX_LEAF; i++) {
        unsigned sum = 0;
        for (unsigned a = 0; a < probe->axes; a++) {
            unsigned column = probe->column[a];
            sum += tables->cell[a][codes[column / 2 * INDEX_LEAF + i] >> (column % 2 * 4) & 15];
        }
        near |= (uint64_t)(sum <= most) << i; /* most is below 255: saturation changes nothing */
    }
    return near;
}

/* ------------------------------------------------------------------ AVX2 */

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256 gap2_avx2(__m256 target, __m256 low, __m256 high, __m256 weight)
{
    __m256 gap = _mm256_sub_ps(target, _mm256_min_ps(_mm256_max_ps(target, low), high));
    return _mm256_mul_ps(_mm256_mul_ps(gap, gap), weight);
}

AVX2 static uint32_t boxes_avx2(const struct songs_probe *probe, const float *block,
                                float bounds[INDEX_FAN])
{
    const float *lows = block, *highs = block + (size_t)probe->all_axes * INDEX_FAN;
    __m256 first = _mm256_setzero_ps(), second = _mm256_setzero_ps();
    for (unsigned a = 0; a < probe->axes; a++) {
        const float *low = lows + (size_t)probe->column[a] * INDEX_FAN;
        const float *high = highs + (size_t)probe->column[a] * INDEX_FAN;
        __m256 target = _mm256_set1_ps(probe->target[a]),
               weight = _mm256_set1_ps(probe->weights[a]);
        __m256 least = _mm256_set1_ps(probe->least[a]);
        first = _mm256_add_ps(first, _mm256_max_ps(gap2_avx2(target, _mm256_loadu_ps(low),
                                                             _mm256_loadu_ps(high), weight),
                                                   least));
        second = _mm256_add_ps(second, _mm256_max_ps(gap2_avx2(target, _mm256_loadu_ps(low + 8),
                                                               _mm256_loadu_ps(high + 8), weight),
                                                     least));
    }
    _mm256_storeu_ps(bounds, first);
    _mm256_storeu_ps(bounds + 8, second);
    __m256 limit = _mm256_set1_ps(probe->limit);
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(first, limit, _CMP_LE_OQ)) |
           (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(second, limit, _CMP_LE_OQ)) << 8;
}

/* Ends of cells first to first + 7 of a box. */
AVX2 static inline __m256 edges_avx2(float low, float step, float first)
{
    __m256 cells = _mm256_add_ps(_mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_ps(first));
    return _mm256_add_ps(_mm256_set1_ps(low), _mm256_mul_ps(cells, _mm256_set1_ps(step)));
}

AVX2 static void tables_avx2(const struct songs_probe *probe, const float *block, unsigned slot,
                             struct songs_tables *tables)
{
    float terms[DY_SONGS_AXES_MAX];
    const float *lows = block + slot, *highs = lows + (size_t)probe->all_axes * INDEX_FAN;
    start_tables(probe, block, slot, tables, terms);
    __m256 scale = _mm256_set1_ps(tables->scale), most = _mm256_set1_ps(STEPS_MAX);
    for (unsigned a = 0; a < probe->axes; a++) {
        size_t at = (size_t)probe->column[a] * INDEX_FAN;
        float low = lows[at], high = highs[at], step = songs_index_step(low, high);
        const float *values = values_of(probe, a);
        __m256i steps[2];
        for (int half = 0; half < 2; half++) {
            __m256 start = values ? _mm256_loadu_ps(values + 8 * half)
                                  : edges_avx2(low, step, (float)(8 * half));
            __m256 end = values ? start : edges_avx2(low, step, (float)(8 * half + 1));
            if (half == 1 && !values)
                end = _mm256_blend_ps(end, _mm256_set1_ps(high), 0x80);
            __m256 term = gap2_avx2(_mm256_set1_ps(probe->target[a]), start, end,
                                    _mm256_set1_ps(probe->weights[a]));
            term =
                _mm256_max_ps(_mm256_setzero_ps(), _mm256_sub_ps(term, _mm256_set1_ps(terms[a])));
            steps[half] = _mm256_cvttps_epi32(_mm256_min_ps(_mm256_mul_ps(term, scale), most));
        }
        __m256i words = _mm256_permute4x64_epi64(_mm256_packus_epi32(steps[0], steps[1]), 0xd8);
        _mm_storeu_si128(
            (__m128i *)(void *)tables->cell[a],
            _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
    }
}

AVX2 static inline __m256i steps_avx2(__m256i table, const uint8_t *codes, __m128i shift)
{
    __m256i pair = _mm256_loadu_si256((const __m256i *)(const void *)codes);
    __m256i cell = _mm256_and_si256(_mm256_srl_epi16(pair, shift), _mm256_set1_epi8(15));
    return _mm256_shuffle_epi8(table, cell);
}

AVX2 static uint64_t codes_avx2(const struct songs_probe *probe, const struct songs_tables *tables,
                                const uint8_t *codes, unsigned most)
{
    __m256i first = _mm256_setzero_si256(), second = first;
    for (unsigned a = 0; a < probe->axes; a++) {
        const uint8_t *pairs = codes + (size_t)(probe->column[a] / 2) * INDEX_LEAF;
        __m128i shift = _mm_cvtsi32_si128(probe->column[a] % 2 * 4);
        __m256i table = _mm256_broadcastsi128_si256(
            _mm_loadu_si128((const __m128i *)(const void *)tables->cell[a]));
        first = _mm256_adds_epu8(first, steps_avx2(table, pairs, shift));
        second = _mm256_adds_epu8(second, steps_avx2(table, pairs + 32, shift));
    }
    __m256i limit = _mm256_set1_epi8((char)most);
    __m256i near_first = _mm256_cmpeq_epi8(_mm256_max_epu8(first, limit), limit);
    __m256i near_second = _mm256_cmpeq_epi8(_mm256_max_epu8(second, limit), limit);
    return (uint32_t)_mm256_movemask_epi8(near_first) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(near_second) << 32;
}

/* ------------------------------------------------------------------ AVX-512 */

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))

AVX512 static inline __m512 gap2_avx512(__m512 target, __m512 low, __m512 high, __m512 weight)
{
    __m512 gap = _mm512_sub_ps(target, _mm512_min_ps(_mm512_max_ps(target, low), high));
    return _mm512_mul_ps(_mm512_mul_ps(gap, gap), weight);
}

AVX512 static uint32_t boxes_avx512(const struct songs_probe *probe, const float *block,
                                    float bounds[INDEX_FAN])
{
    const float *lows = block, *highs = block + (size_t)probe->all_axes * INDEX_FAN;
    __m512 sum = _mm512_setzero_ps();
    for (unsigned a = 0; a < probe->axes; a++) {
        size_t at = (size_t)probe->column[a] * INDEX_FAN;
        __m512 term = gap2_avx512(_mm512_set1_ps(probe->target[a]), _mm512_loadu_ps(lows + at),
                                  _mm512_loadu_ps(highs + at), _mm512_set1_ps(probe->weights[a]));
        sum = _mm512_add_ps(sum, _mm512_max_ps(term, _mm512_set1_ps(probe->least[a])));
    }
    _mm512_storeu_ps(bounds, sum);
    return _mm512_cmp_ps_mask(sum, _mm512_set1_ps(probe->limit), _CMP_LE_OQ);
}

AVX512 static void tables_avx512(const struct songs_probe *probe, const float *block, unsigned slot,
                                 struct songs_tables *tables)
{
    float terms[DY_SONGS_AXES_MAX];
    const float *lows = block + slot, *highs = lows + (size_t)probe->all_axes * INDEX_FAN;
    const __m512 cells = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512 nexts = _mm512_add_ps(cells, _mm512_set1_ps(1));
    start_tables(probe, block, slot, tables, terms);
    __m512 scale = _mm512_set1_ps(tables->scale);
    for (unsigned a = 0; a < probe->axes; a++) {
        size_t at = (size_t)probe->column[a] * INDEX_FAN;
        __m512 low = _mm512_set1_ps(lows[at]);
        __m512 width = _mm512_set1_ps(songs_index_step(lows[at], highs[at]));
        __m512 edge = _mm512_add_ps(low, _mm512_mul_ps(cells, width));
        __m512 next = _mm512_add_ps(low, _mm512_mul_ps(nexts, width));
        next = _mm512_mask_mov_ps(next, 0x8000, _mm512_set1_ps(highs[at]));
        const float *values = values_of(probe, a);
        if (values)
            edge = next = _mm512_loadu_ps(values);
        __m512 term = gap2_avx512(_mm512_set1_ps(probe->target[a]), edge, next,
                                  _mm512_set1_ps(probe->weights[a]));
        term = _mm512_max_ps(_mm512_setzero_ps(), _mm512_sub_ps(term, _mm512_set1_ps(terms[a])));
        term = _mm512_min_ps(_mm512_mul_ps(term, scale), _mm512_set1_ps(STEPS_MAX));
        _mm_storeu_si128((__m128i *)(void *)tables->cell[a],
                         _mm512_cvtusepi32_epi8(_mm512_cvttps_epi32(term)));
    }
}

AVX512 static uint64_t codes_avx512(const struct songs_probe *probe,
                                    const struct songs_tables *tables, const uint8_t *codes,
                                    unsigned most)
{
    __m512i sum = _mm512_setzero_si512();
    for (unsigned a = 0; a < probe->axes; a++) {
        const uint8_t *pairs = codes + (size_t)(probe->column[a] / 2) * INDEX_LEAF;
        __m512i cell = _mm512_srl_epi16(_mm512_loadu_si512(pairs),
                                        _mm_cvtsi32_si128(probe->column[a] % 2 * 4));
        __m512i table =
            _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)tables->cell[a]));
        cell = _mm512_and_si512(cell, _mm512_set1_epi8(15));
        sum = _mm512_adds_epu8(sum, _mm512_shuffle_epi8(table, cell));
    }
    return _mm512_cmple_epu8_mask(sum, _mm512_set1_epi8((char)most));
}

/* ------------------------------------------------------------------ choice */

const struct songs_kernels *songs_index_kernels(const struct dy_cpu *cpu)
{
    static const struct songs_kernels scalar = {boxes_scalar, tables_scalar, codes_scalar};
    static const struct songs_kernels avx2 = {boxes_avx2, tables_avx2, codes_avx2};
    static const struct songs_kernels avx512 = {boxes_avx512, tables_avx512, codes_avx512};
    if (cpu->avx512)
        return &avx512;
    return cpu->avx2 ? &avx2 : &scalar;
}
