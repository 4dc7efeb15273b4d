/* What the files of rank share. */
#ifndef RANK_INTERNAL_H
#define RANK_INTERNAL_H

#include "dy_rank.h"

#include <stdatomic.h>

#define RANK_KNOTS 1025

/* One axis of the mood model over the catalogue. */
struct rank_axis {
    const float *column; /* [count] */
    float *own_column;   /* the same when computed here; NULL when it is a feature's own */
    int feature;         /* the feature whose own column it is; -1: computed */
    float sign;          /* of that feature: 1 or -1 */
    float sums[RANK_KNOTS], scores[RANK_KNOTS]; /* ascending, for a computed axis */
};

struct dy_rank {
    const struct dy_mood_model *model;
    const struct dy_mood_info *info;
    const struct dy_songs *songs;
    struct dy_songs_space features; /* the 13 normal scores */
    unsigned axes;
    struct rank_axis axis[DY_MOOD_AXES_MAX];
    struct dy_map stored;        /* the file that the axes lie in; empty: computed */
    struct dy_songs_index *tree; /* over the axes; NULL: none */
    _Atomic(float *) popularity; /* [count] normal scores, made at first use; NULL: not yet */
};

/* Normal scores of values: rank / (count + 1) through the inverse normal distribution, equal values
 * at their mean rank. knots: receives RANK_KNOTS pairs that lead from any value to its score; may
 * be NULL both. Allocates 16 bytes a value for the time of the call. */
enum dylumo_status rank_normal_scores(const float *values, size_t count, float *scores,
                                      float *knot_values, float *knot_scores,
                                      struct dylumo_error *err) DY_MUST_USE;

/* The column of popularity as normal scores, made once; NULL without memory. */
const float *rank_popularity(const struct dy_rank *rank);

#endif
