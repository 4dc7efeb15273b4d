/* Tests of one column: 64 songs at a time where many are left to ask, else one by one. A song's own
 * test is the definition; blocks of 64 are that in a loop, or the same comparisons in AVX2. */
#include "songs_filter.h"

#include <immintrin.h>

#define FEW_SONGS 4 /* left of 64: asked one by one */

/* ------------------------------------------------------------------ one song */

static bool one_float(const struct filter_column *column, size_t song)
{
    float value = ((const float *)column->data)[song];
    return value >= column->least && value <= column->most;
}

static bool one_short(const struct filter_column *column, size_t song)
{
    int16_t value = ((const int16_t *)column->data)[song];
    return value >= column->low && value <= column->high;
}

static bool one_byte(const struct filter_column *column, size_t song)
{
    uint8_t value = ((const uint8_t *)column->data)[song];
    return value >= column->low && value <= column->high;
}

static bool one_number(const struct filter_column *column, size_t song)
{
    uint32_t value = ((const uint32_t *)column->data)[song];
    return value >= column->low && value <= column->high;
}

static bool one_name(const struct filter_column *column, size_t song)
{
    uint32_t name = ((const uint32_t *)column->data)[song];
    return column->passes[name < column->names ? name : column->names];
}

static bool one_song(const struct filter_column *column, size_t song)
{
    switch (column->type) {
    case FILTER_FLOATS:
        return one_float(column, song);
    case FILTER_SHORTS:
        return one_short(column, song);
    case FILTER_BYTES:
        return one_byte(column, song);
    case FILTER_WHOLE:
        return one_number(column, song);
    case FILTER_NAMES:
        return one_name(column, song);
    }
    return false;
}

/* ------------------------------------------------------------------ 64 songs */

static uint64_t block_plain(const struct filter_column *column, size_t first)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < 64; i++)
        bits |= (uint64_t)one_song(column, first + i) << i;
    return bits;
}

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256i load_avx2(const void *at)
{
    return _mm256_loadu_si256((const __m256i *)at);
}

/* The sign bits of 8 numbers of 32 bits, of numbers i * 8 on. */
AVX2 static inline uint64_t signs_avx2(__m256i numbers, unsigned i)
{
    return (uint64_t)(unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(numbers)) << (8 * i);
}

AVX2 static uint64_t floats_avx2(const struct filter_column *column, size_t first)
{
    const float *values = (const float *)column->data + first;
    __m256 least = _mm256_set1_ps(column->least), most = _mm256_set1_ps(column->most);
    uint64_t bits = 0;
    for (unsigned i = 0; i < 8; i++) {
        __m256 value = _mm256_loadu_ps(values + 8 * (size_t)i);
        __m256 passes = _mm256_and_ps(_mm256_cmp_ps(value, least, _CMP_GE_OQ),
                                      _mm256_cmp_ps(value, most, _CMP_LE_OQ));
        bits |= signs_avx2(_mm256_castps_si256(passes), i);
    }
    return bits;
}

AVX2 static inline __m256i shorts_within_avx2(const int16_t *values, __m256i low, __m256i high)
{
    __m256i value = load_avx2(values);
    __m256i inside = _mm256_min_epi16(_mm256_max_epi16(value, low), high);
    return _mm256_cmpeq_epi16(value, inside);
}

AVX2 static uint64_t shorts_avx2(const struct filter_column *column, size_t first)
{
    const int16_t *values = (const int16_t *)column->data + first;
    __m256i low = _mm256_set1_epi16((int16_t)column->low);
    __m256i high = _mm256_set1_epi16((int16_t)column->high);
    uint64_t bits = 0;
    for (unsigned i = 0; i < 2; i++) {
        __m256i bytes =
            _mm256_packs_epi16(shorts_within_avx2(values + 32 * (size_t)i, low, high),
                               shorts_within_avx2(values + 32 * (size_t)i + 16, low, high));
        bytes = _mm256_permute4x64_epi64(bytes, 0xd8); /* packing goes by halves */
        bits |= (uint64_t)(uint32_t)_mm256_movemask_epi8(bytes) << (32 * i);
    }
    return bits;
}

AVX2 static uint64_t bytes_avx2(const struct filter_column *column, size_t first)
{
    const uint8_t *values = (const uint8_t *)column->data + first;
    __m256i low = _mm256_set1_epi8((char)column->low);
    __m256i high = _mm256_set1_epi8((char)column->high);
    uint64_t bits = 0;
    for (unsigned i = 0; i < 2; i++) {
        __m256i value = load_avx2(values + 32 * (size_t)i);
        __m256i inside = _mm256_min_epu8(_mm256_max_epu8(value, low), high);
        int passes = _mm256_movemask_epi8(_mm256_cmpeq_epi8(value, inside));
        bits |= (uint64_t)(uint32_t)passes << (32 * i);
    }
    return bits;
}

AVX2 static uint64_t whole_avx2(const struct filter_column *column, size_t first)
{
    const uint32_t *values = (const uint32_t *)column->data + first;
    __m256i low = _mm256_set1_epi32((int32_t)(uint32_t)column->low);
    __m256i high = _mm256_set1_epi32((int32_t)(uint32_t)column->high);
    uint64_t bits = 0;
    for (unsigned i = 0; i < 8; i++) {
        __m256i value = load_avx2(values + 8 * (size_t)i);
        __m256i inside = _mm256_min_epu32(_mm256_max_epu32(value, low), high);
        bits |= signs_avx2(_mm256_cmpeq_epi32(value, inside), i);
    }
    return bits;
}

AVX2 static uint64_t names_avx2(const struct filter_column *column, size_t first)
{
    const uint32_t *names = (const uint32_t *)column->data + first;
    const int *passes = (const int *)(const void *)column->passes; /* four flags, one is used */
    __m256i last = _mm256_set1_epi32((int32_t)column->names);
    uint64_t bits = 0;
    for (unsigned i = 0; i < 8; i++) {
        __m256i name = _mm256_min_epu32(load_avx2(names + 8 * (size_t)i), last);
        bits |= signs_avx2(_mm256_slli_epi32(_mm256_i32gather_epi32(passes, name, 1), 31), i);
    }
    return bits;
}

typedef uint64_t block_function(const struct filter_column *column, size_t first);

static block_function *block_of(const struct filter_column *column, bool avx2)
{
    static block_function *const blocks[] = {
        [FILTER_FLOATS] = floats_avx2, [FILTER_SHORTS] = shorts_avx2, [FILTER_BYTES] = bytes_avx2,
        [FILTER_WHOLE] = whole_avx2,   [FILTER_NAMES] = names_avx2,
    };
    /* gathering takes indexes with a sign */
    return avx2 && column->names <= INT32_MAX ? blocks[column->type] : block_plain;
}

/* ------------------------------------------------------------------ all songs */

static uint64_t ask_singly(const struct filter_column *column, size_t first, uint64_t left)
{
    uint64_t bits = 0;
    for (; left; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);
        bits |= (uint64_t)one_song(column, first + i) << i;
    }
    return bits;
}

void songs_filter_column(const struct dy_songs *songs, const struct filter_column *column,
                         const uint64_t *within, uint64_t *out)
{
    block_function *block = block_of(column, songs->cpu.avx2);
    size_t count = songs->file.count;
    for (size_t first = 0; first < count; first += 64) {
        size_t word = first / 64;
        uint64_t left = within[word] & ~out[word];
        if (!left)
            continue;
        bool singly = first + 64 > count || songs_bits_at_most(left, FEW_SONGS);
        out[word] |= singly ? ask_singly(column, first, left) : block(column, first) & left;
    }
}
