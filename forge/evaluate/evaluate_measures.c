/* Rank correlation, area under the ROC curve, errors of features, variety of the songs shown.
 *
 * Rank measures take values that are sorted once, and weights: the bootstrap draws pictures again
 * ten thousand times, and a draw is nothing but other weights over the same order. */
#include "dy_evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ order */

static int compare_places(const void *a, const void *b, void *values_of)
{
    const double *values = values_of;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    bool no_i = isnan(values[i]), no_j = isnan(values[j]);
    if (no_i != no_j)
        return no_i ? 1 : -1;
    if (!no_i && values[i] != values[j])
        return values[i] < values[j] ? -1 : 1;
    return i < j ? -1 : i > j;
}

struct dy_sorted dy_sorted_of(const double *values, size_t count, uint32_t *order)
{
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    qsort_r(order, count, sizeof *order, compare_places, (void *)(uintptr_t)values);
    return (struct dy_sorted){values, order, count};
}

static double weight_of(const double *weights, size_t i)
{
    return weights ? weights[i] : 1.0;
}

/* One past the last place of the group of equal values that begins at place first. */
static size_t group_end(const struct dy_sorted *sorted, size_t first)
{
    double value = sorted->values[sorted->order[first]];
    size_t end = first + 1;
    while (end < sorted->count && sorted->values[sorted->order[end]] == value)
        end++;
    return end;
}

/* ------------------------------------------------------------------ Spearman */

/* The mean rank of each item, less a constant that correlation does not see. */
static void mean_ranks(const struct dy_sorted *sorted, const double *weights, double *ranks)
{
    double below = 0.0;
    for (size_t first = 0, end; first < sorted->count; first = end) {
        end = group_end(sorted, first);
        double here = 0.0;
        for (size_t i = first; i < end; i++)
            here += weight_of(weights, sorted->order[i]);
        for (size_t i = first; i < end; i++)
            ranks[sorted->order[i]] = below + 0.5 * here;
        below += here;
    }
}

double dy_measure_spearman(const struct dy_sorted *x, const struct dy_sorted *y,
                           const double *weights, double *scratch)
{
    size_t count = x->count;
    double *rank_x = scratch, *rank_y = scratch + count;
    mean_ranks(x, weights, rank_x);
    mean_ranks(y, weights, rank_y);
    double total = 0.0;
    for (size_t i = 0; i < count; i++)
        total += weight_of(weights, i);
    /* weighted ranks have the mean total / 2 by construction */
    double middle = 0.5 * total, xx = 0.0, yy = 0.0, xy = 0.0;
    for (size_t i = 0; i < count; i++) {
        double w = weight_of(weights, i), dx = rank_x[i] - middle, dy = rank_y[i] - middle;
        xx += w * dx * dx;
        yy += w * dy * dy;
        xy += w * dx * dy;
    }
    /* one group of ties leaves rounding, not order */
    double least = 1e-12 * total * total * total;
    return xx > least && yy > least ? xy / sqrt(xx * yy) : (double)NAN;
}

/* ------------------------------------------------------------------ ROC */

double dy_measure_auc(const struct dy_sorted *score, const int8_t *side, const double *weights)
{
    double won = 0.0, above = 0.0, below = 0.0;
    for (size_t first = 0, end; first < score->count; first = end) {
        end = group_end(score, first);
        double up = 0.0, down = 0.0;
        for (size_t i = first; i < end; i++) {
            uint32_t item = score->order[i];
            if (side[item] > 0)
                up += weight_of(weights, item);
            else if (side[item] < 0)
                down += weight_of(weights, item);
        }
        won += up * (below + 0.5 * down);
        above += up;
        below += down;
    }
    return above > 0.0 && below > 0.0 ? won / (above * below) : (double)NAN;
}

/* ------------------------------------------------------------------ features */

double dy_measure_r2(const double *truth, const double *predicted, size_t count)
{
    double mean = 0.0, error2 = 0.0, spread2 = 0.0;
    for (size_t i = 0; i < count; i++)
        mean += truth[i] / (double)count;
    for (size_t i = 0; i < count; i++) {
        error2 += (truth[i] - predicted[i]) * (truth[i] - predicted[i]);
        spread2 += (truth[i] - mean) * (truth[i] - mean);
    }
    return spread2 > 0.0 ? 1.0 - error2 / spread2 : (double)NAN;
}

double dy_measure_mae(const double *truth, const double *predicted, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += fabs(truth[i] - predicted[i]);
    return count ? sum / (double)count : (double)NAN;
}
