/* The weighted squared distance of dy_songs_nearest, one song or 64 at a time. All forms do the
 * same operations in the same order in double, so their results are equal bit by bit. */
#ifndef SONGS_DISTANCE_H
#define SONGS_DISTANCE_H

#include "songs.h"

#define SONGS_BLOCK 64

/* A query's axes of weight over 0, in order. */
struct songs_metric {
    unsigned axes;
    const float *columns[DY_SONGS_AXES_MAX];
    double target[DY_SONGS_AXES_MAX], weights[DY_SONGS_AXES_MAX];
};

/* Distances of songs first to first + 63 and, as bits, which are at most bound. */
typedef uint64_t songs_block_function(const struct songs_metric *metric, size_t first, double bound,
                                      double dist2[SONGS_BLOCK]);

/* The fastest form for the processor. */
songs_block_function *songs_distance_block(const struct dy_cpu *cpu);

static inline double songs_distance(const struct songs_metric *metric, size_t song)
{
    double sum = 0;
    for (unsigned j = 0; j < metric->axes; j++) {
        double t = metric->target[j] - (double)metric->columns[j][song];
        sum += metric->weights[j] * (t * t);
    }
    return sum;
}

/* Checks target and weights against the query's space and gathers the axes that count.
 *
 * Fails    as dy_songs_nearest. */
enum dylumo_status songs_metric_init(struct songs_metric *metric, const struct dy_songs *songs,
                                     const struct dy_songs_query *query,
                                     struct dylumo_error *err) DY_MUST_USE;

#endif
