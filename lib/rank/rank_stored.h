/* Axes kept in a file: what rank_axes.c asks of it. */
#ifndef RANK_STORED_H
#define RANK_STORED_H

#include "rank_internal.h"

/* Takes the stored axes of rank's model and songs, if they are there and whole: fills rank->axis,
 * rank->tree and rank->stored. */
bool rank_stored_open(struct dy_rank *rank, const char *songs_path);

/* The mood's axes with their tree. */
struct dy_songs_space rank_space(const struct dy_rank *rank);

#endif
