/* Ranks and what is made of them, all by one sort of (value, place). */
#include "train_measure.h"

#include <math.h>
#include <stdlib.h>

struct item {
    double value;
    size_t at;
};

static int by_value(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static struct item *sorted_new(const double *values, size_t count)
{
    struct item *items = dy_new_array(count + 1, sizeof *items);
    for (size_t i = 0; items && i < count; i++)
        items[i] = (struct item){values[i], i};
    if (items)
        qsort(items, count, sizeof *items, by_value);
    return items;
}

bool train_ranks(const double *values, size_t count, double *ranks)
{
    struct item *items = sorted_new(values, count);
    if (!items)
        return false;
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && items[end].value == items[first].value;)
            end++;
        for (size_t i = first; i < end; i++)
            ranks[items[i].at] = (double)(first + end + 1) / 2;
    }
    dy_free(items);
    return true;
}

bool train_normal_scores(const double *values, size_t count, double *scores)
{
    if (!train_ranks(values, count, scores))
        return false;
    for (size_t i = 0; i < count; i++)
        scores[i] = dy_normal_quantile(scores[i] / (double)(count + 1));
    return true;
}

static double correlation(const double *x, const double *y, size_t count)
{
    double mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < count; i++) {
        mean_x += x[i] / (double)count;
        mean_y += y[i] / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        yy += (y[i] - mean_y) * (y[i] - mean_y);
        xy += (x[i] - mean_x) * (y[i] - mean_y);
    }
    return xx > 1e-9 && yy > 1e-9 ? xy / sqrt(xx * yy) : NAN;
}

double train_spearman(const double *x, const double *y, size_t count)
{
    double *ranks = dy_new_array(2 * count + 1, sizeof *ranks), rho = NAN;
    if (ranks && count > 2 && train_ranks(x, count, ranks) && train_ranks(y, count, ranks + count))
        rho = correlation(ranks, ranks + count, count);
    dy_free(ranks);
    return rho;
}

/* Between class a and class b, from items sorted by score. */
static double auc_of(const struct item *items, size_t count, const int *class, int a, int b)
{
    double pairs = 0, below = 0, of_a = 0, of_b = 0;
    for (size_t first = 0, end; first < count; first = end) {
        double tied_a = 0, tied_b = 0;
        for (end = first; end < count && items[end].value == items[first].value; end++) {
            tied_a += class[items[end].at] == a;
            tied_b += class[items[end].at] == b;
        }
        pairs += tied_a * (below + tied_b / 2);
        below += tied_b;
        of_a += tied_a;
        of_b += tied_b;
    }
    return of_a > 0 && of_b > 0 ? pairs / (of_a * of_b) : NAN;
}

double train_pair_auc(const double *scores, const int *class, size_t count, const float *side,
                      int classes)
{
    struct item *items = sorted_new(scores, count);
    double sum = 0, pairs = 0;
    for (int a = 0; items && a < classes; a++)
        for (int b = 0; b < classes; b++) {
            double auc = side[a] > 0 && side[b] < 0 ? auc_of(items, count, class, a, b) : NAN;
            sum += isnan(auc) ? 0 : auc;
            pairs += !isnan(auc);
        }
    dy_free(items);
    return pairs > 0 ? sum / pairs : NAN;
}

bool train_quantiles(const double *values, const double *weights, size_t count, const float *level,
                     size_t levels, float *table)
{
    struct item *items = sorted_new(values, count);
    if (!items)
        return false;
    double total = 0, before = 0;
    for (size_t i = 0; i < count; i++)
        total += weights[i];
    double last_share = 0, last_value = count ? items[0].value : 0;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        double share = (before + weights[items[i].at] / 2) / total, value = items[i].value;
        for (; at < levels && (double)level[at] <= share; at++) {
            double t = i && share > last_share
                           ? ((double)level[at] - last_share) / (share - last_share)
                           : 1;
            table[at] = (float)(last_value + t * (value - last_value));
        }
        before += weights[items[i].at];
        last_share = share;
        last_value = value;
    }
    for (; at < levels; at++)
        table[at] = (float)last_value;
    dy_free(items);
    return true;
}
