/* Ranks, normal scores and the measures that training prints. For the files of this room and their
 * tests; evaluation has its own, with intervals. */
#ifndef TRAIN_MEASURE_H
#define TRAIN_MEASURE_H

#include "dy_base.h"

/* rank[i] of value[i], from 1, equal values at their mean rank. false: no memory. */
bool train_ranks(const double *values, size_t count, double *ranks) DY_MUST_USE;
/* rank / (count + 1) through the inverse normal distribution. false: no memory. */
bool train_normal_scores(const double *values, size_t count, double *scores) DY_MUST_USE;
/* Spearman's rho; NaN for fewer than 3, constant values, or without memory. */
double train_spearman(const double *x, const double *y, size_t count);
/* The chance that an item of side 1 scores above one of side -1, mean over pairs of classes, one
 * from each side; side 0 is left out. NaN when a side is empty. */
double train_pair_auc(const double *scores, const int *class, size_t count, const float *side,
                      int classes);

/* The weighted quantiles of values: the middle of each value's share of the weight, linear between.
 *
 *   table   [levels] receives the values at each level
 *
 * false: no memory. */
bool train_quantiles(const double *values, const double *weights, size_t count, const float *level,
                     size_t levels, float *table) DY_MUST_USE;

#endif
