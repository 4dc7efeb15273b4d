/* Distances: the formula as a scalar loop, and the same with 4 or 8 songs in a vector's lanes. Each
 * lane is one song's sum in double, so vectors change nothing but the time. */
#include "songs_distance.h"

#include <immintrin.h>
#include <math.h>

struct dy_songs_space dy_songs_space(const struct dy_songs *songs)
{
    struct dy_songs_space space = {
        .axes = DYLUMO_FEATURE_COUNT, .count = songs->file.count, .index = songs->index};
    for (size_t f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        space.columns[f] = songs->file.scores[f];
    return space;
}

enum dylumo_status songs_metric_init(struct songs_metric *metric, const struct dy_songs *songs,
                                     const struct dy_songs_query *query, struct dylumo_error *err)
{
    struct dy_songs_space own = dy_songs_space(songs);
    const struct dy_songs_space *space = query->space ? query->space : &own;
    *metric = (struct songs_metric){0};
    if (space->axes == 0 || space->axes > DY_SONGS_AXES_MAX)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%u axes, 1 to %d can be searched", space->axes,
                       DY_SONGS_AXES_MAX);
    if (space->count != own.count)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "a space of %zu songs for a catalogue of %zu",
                       space->count, own.count);
    for (unsigned j = 0; j < space->axes; j++) {
        double target = query->target[j], weight = query->weights[j];
        if (!isfinite(target) || !isfinite(weight) || weight < 0)
            return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                           "axis %u: target %g with weight %g, finite numbers and a weight of 0 or "
                           "more are needed",
                           j, target, weight);
        if (weight > 0) {
            metric->columns[metric->axes] = space->columns[j];
            metric->target[metric->axes] = target;
            metric->weights[metric->axes++] = weight;
        }
    }
    return DYLUMO_OK;
}

static uint64_t block_scalar(const struct songs_metric *metric, size_t first, double bound,
                             double dist2[SONGS_BLOCK])
{
    uint64_t near = 0;
    for (unsigned i = 0; i < SONGS_BLOCK; i++) {
        dist2[i] = songs_distance(metric, first + i);
        near |= (uint64_t)(dist2[i] <= bound) << i;
    }
    return near;
}

__attribute__((target("avx2"))) static uint64_t
block_avx2(const struct songs_metric *metric, size_t first, double bound, double dist2[SONGS_BLOCK])
{
    uint64_t near = 0;
    for (unsigned part = 0; part < SONGS_BLOCK; part += 32) {
        __m256d sum[8];
        for (int v = 0; v < 8; v++)
            sum[v] = _mm256_setzero_pd();
        for (unsigned j = 0; j < metric->axes; j++) {
            const float *column = metric->columns[j] + first + part;
            __m256d target = _mm256_set1_pd(metric->target[j]);
            __m256d weight = _mm256_set1_pd(metric->weights[j]);
            for (int v = 0; v < 8; v++) {
                __m256d t = _mm256_sub_pd(target, _mm256_cvtps_pd(_mm_loadu_ps(column + 4 * v)));
                sum[v] = _mm256_add_pd(sum[v], _mm256_mul_pd(weight, _mm256_mul_pd(t, t)));
            }
        }
        __m256d limit = _mm256_set1_pd(bound);
        for (int v = 0; v < 8; v++) {
            int bits = _mm256_movemask_pd(_mm256_cmp_pd(sum[v], limit, _CMP_LE_OQ));
            near |= (uint64_t)(unsigned)bits << (part + 4 * (unsigned)v);
            _mm256_storeu_pd(dist2 + part + 4 * v, sum[v]);
        }
    }
    return near;
}

__attribute__((target("avx512f,avx512dq,avx512vl"))) static uint64_t
block_avx512(const struct songs_metric *metric, size_t first, double bound,
             double dist2[SONGS_BLOCK])
{
    __m512d sum[8];
    for (int v = 0; v < 8; v++)
        sum[v] = _mm512_setzero_pd();
    for (unsigned j = 0; j < metric->axes; j++) {
        const float *column = metric->columns[j] + first;
        __m512d target = _mm512_set1_pd(metric->target[j]);
        __m512d weight = _mm512_set1_pd(metric->weights[j]);
        for (int v = 0; v < 8; v++) {
            __m512d t = _mm512_sub_pd(target, _mm512_cvtps_pd(_mm256_loadu_ps(column + 8 * v)));
            sum[v] = _mm512_add_pd(sum[v], _mm512_mul_pd(weight, _mm512_mul_pd(t, t)));
        }
    }
    __m512d limit = _mm512_set1_pd(bound);
    uint64_t near = 0;
    for (int v = 0; v < 8; v++) {
        near |= (uint64_t)_mm512_cmp_pd_mask(sum[v], limit, _CMP_LE_OQ) << (8 * v);
        _mm512_storeu_pd(dist2 + 8 * v, sum[v]);
    }
    return near;
}

songs_block_function *songs_distance_block(const struct dy_cpu *cpu)
{
    if (cpu->avx512)
        return block_avx512;
    return cpu->avx2 ? block_avx2 : block_scalar;
}
