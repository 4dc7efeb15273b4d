/* Weights that are not bytes yet, made ready to become them. */
#ifndef ENCODER_CLIP_SMOOTH_H
#define ENCODER_CLIP_SMOOTH_H

#include "encoder_clip_file.h"

/* Factors that make the products' inputs alike in size and leave the products what they are: column
 * j of a matrix is multiplied by columns[matrix][j], and what gives that input is divided by it. */
struct clip_smoothing {
    float *columns[CLIP_MATRICES]; /* [in] */
};

/* Numbers of one layer's factors. */
size_t clip_smoothing_count(unsigned width, unsigned hidden);

/* Finds them from the weights alone.
 *
 *   room   [clip_smoothing_count], where the factors go on lying
 *   row    [width or hidden, the larger], its own */
void clip_find_factors(struct clip_smoothing *smoothing, const struct clip_layer_source *layer,
                       unsigned width, unsigned hidden, float *room, float *row);

#endif
