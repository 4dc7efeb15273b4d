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

/* Runs of equal values, in rising order, as the sorted pairs hold them. */
struct run {
    size_t from, to;
    double value, score;
};

static bool next_run(struct run *run, const uint64_t *sorted, size_t count,
                     const struct import_feature *feature, bool whole_bits)
{
    if (run->to == count)
        return false;
    run->from = run->to;
    while (run->to < count && sorted[run->to] >> 32 == sorted[run->from] >> 32)
        run->to++;
    double rank = ((double)run->from + 1 + (double)run->to) / 2;
    run->score = dy_normal_quantile(rank / ((double)count + 1));
    run->value = value_of(feature->values[(uint32_t)sorted[run->from]], whole_bits);
    return true;
}

/* Writes the songs' scores; returns the number of different values. */
static size_t score_songs(struct import_feature *feature, const uint64_t *sorted, size_t count,
                          bool whole_bits)
{
    struct run run = {0};
    size_t runs = 0;
    for (; next_run(&run, sorted, count, feature, whole_bits); runs++)
        for (size_t i = run.from; i < run.to; i++)
            feature->scores[(uint32_t)sorted[i]] = (float)run.score;
    return runs;
}

/* The run whose score is the first at or above a grid point, for an even grid from the lowest score
 * to the highest; every run when they fit. */
static void choose_knots(struct import_feature *feature, const uint64_t *sorted, size_t count,
                         size_t runs, bool whole_bits)
{
    struct run run = {0}, lowest = {0};
    next_run(&lowest, sorted, count, feature, whole_bits);
    /* the highest value's mean rank follows from its run, which ends the list */
    size_t top = count - 1;
    while (top > 0 && sorted[top - 1] >> 32 == sorted[count - 1] >> 32)
        top--;
    double highest =
        dy_normal_quantile(((double)top + 1 + (double)count) / 2 / ((double)count + 1));
    double step = (highest - lowest.score) / (DY_SONGS_KNOTS_MAX - 1);
    for (double grid = lowest.score; next_run(&run, sorted, count, feature, whole_bits);) {
        bool last = run.to == count;
        if (runs > DY_SONGS_KNOTS_MAX && run.score < grid && !last)
            continue;
        if (last && feature->knot_count == DY_SONGS_KNOTS_MAX)
            feature->knot_count--;
        feature->knots[feature->knot_count++] = (struct dy_knot){run.value, run.score};
        if (step > 0)
            grid = lowest.score + step * (floor((run.score - lowest.score) / step) + 1);
    }
}

bool import_feature_make(struct import_feature *feature, bool whole_bits, size_t count,
                         uint64_t *pairs, uint64_t *scratch)
{
    feature->scores = dy_mem_aligned(count * sizeof *feature->scores);
    if (!feature->scores)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &feature->values[i], sizeof bits);
        pairs[i] = (uint64_t)sort_key(bits, whole_bits) << 32 | i;
    }
    const uint64_t *sorted = import_sort_pairs(pairs, scratch, count);
    size_t runs = score_songs(feature, sorted, count, whole_bits);
    choose_knots(feature, sorted, count, runs, whole_bits);
    feature->stats = spread(feature->values, count, whole_bits);
    return true;
}
