/* One feature over the catalogue: its spread, each song's normal score, and the knots that lead
 * from any value to a score and back. Scores follow shared quantile ranks: rank / (n + 1) through
 * the inverse normal distribution, equal values at their mean rank (van der Waerden 1952). */
#include "import_make.h"

#include <math.h>
#include <string.h>

/* A u32 in the order of the values: of floats, the negative ones turned over. */
static uint32_t sort_key(uint32_t bits, bool whole_bits)
{
    if (whole_bits)
        return bits;
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static double value_of(float stored, bool whole_bits)
{
    uint32_t bits;
    memcpy(&bits, &stored, sizeof bits);
    return whole_bits ? (double)bits : (double)stored;
}

static struct dy_feature_stats spread(const float *values, size_t count, bool whole_bits)
{
    double first = value_of(values[0], whole_bits), sum = 0, squares = 0;
    struct dy_feature_stats stats = {.min = first, .max = first};
    for (size_t i = 0; i < count; i++) {
        double value = value_of(values[i], whole_bits);
        sum += value;
        stats.min = value < stats.min ? value : stats.min;
        stats.max = value > stats.max ? value : stats.max;
    }
    stats.mean = sum / (double)count;
    for (size_t i = 0; i < count; i++) {
        double off = value_of(values[i], whole_bits) - stats.mean;
        squares += off * off;
    }
    stats.sd = sqrt(squares / (double)count);
    /* a mean of equal values may be rounded past them */
    stats.mean = fmin(fmax(stats.mean, stats.min), stats.max);
    return stats;
}

/* ------------------------------------------------------------------ scores */

/* The way back. */
static double value_of_key(uint32_t key, bool whole_bits)
{
    uint32_t bits = whole_bits ? key : key & 0x80000000u ? key & 0x7FFFFFFFu : ~key;
    float stored;
    memcpy(&stored, &bits, sizeof stored);
    return value_of(stored, whole_bits);
}

/* The sorted pairs of a feature: value's key above, song below; and runs of equal values in it. */
struct ranking {
    const uint64_t *sorted;
    size_t count;
};

static size_t run_end(const struct ranking *ranking, size_t from)
{
    uint32_t key = (uint32_t)(ranking->sorted[from] >> 32);
    while (from < ranking->count && (uint32_t)(ranking->sorted[from] >> 32) == key)
        from++;
    return from;
}

/* Of the values at from to to - 1, which are equal. */
static double run_score(const struct ranking *ranking, size_t from, size_t to)
{
    double rank = ((double)from + 1 + (double)to) / 2;
    return dy_normal_quantile(rank / ((double)ranking->count + 1));
}

static size_t count_runs(const struct ranking *ranking)
{
    size_t runs = 1;
    for (size_t i = 1; i < ranking->count; i++)
        runs += ranking->sorted[i] >> 32 != ranking->sorted[i - 1] >> 32;
    return runs;
}

static double highest_score(const struct ranking *ranking)
{
    size_t from = ranking->count - 1;
    while (from > 0 && ranking->sorted[from - 1] >> 32 == ranking->sorted[from] >> 32)
        from--;
    return run_score(ranking, from, ranking->count);
}

/* Writes the songs' scores and, on the way, the knots: every value when they fit; else the first
 * value at or above each point of an even grid of scores, the lowest and the highest among them. */
static void score_songs(struct import_feature *feature, const struct ranking *ranking,
                        bool whole_bits)
{
    bool all = count_runs(ranking) <= DY_SONGS_KNOTS_MAX;
    double lowest = run_score(ranking, 0, run_end(ranking, 0)), grid = lowest;
    double step = (highest_score(ranking) - lowest) / (DY_SONGS_KNOTS_MAX - 1);
    for (size_t from = 0, to; from < ranking->count; from = to) {
        to = run_end(ranking, from);
        double score = run_score(ranking, from, to);
        for (size_t i = from; i < to; i++)
            feature->scores[(uint32_t)ranking->sorted[i]] = (float)score;
        bool last = to == ranking->count;
        if (!all && score < grid && !last)
            continue;
        if (last && feature->knot_count == DY_SONGS_KNOTS_MAX)
            feature->knot_count--;
        uint32_t key = (uint32_t)(ranking->sorted[from] >> 32);
        feature->knots[feature->knot_count++] =
            (struct dy_knot){value_of_key(key, whole_bits), score};
        if (step > 0)
            grid = lowest + step * (floor((score - lowest) / step) + 1);
    }
}

void import_feature_make(struct import_feature *feature, bool whole_bits, size_t count,
                         uint64_t *pairs, uint64_t *scratch)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &feature->values[i], sizeof bits);
        pairs[i] = (uint64_t)sort_key(bits, whole_bits) << 32 | i;
    }
    struct ranking ranking = {import_sort_pairs(pairs, scratch, count), count};
    score_songs(feature, &ranking, whole_bits);
    feature->stats = spread(feature->values, count, whole_bits);
}
