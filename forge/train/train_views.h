/* How a picture is shown to the encoder in training. For the files of this room and their tests. */
#ifndef TRAIN_VIEWS_H
#define TRAIN_VIEWS_H

#include "dy_base.h"

/* to = from mirrored left to right; both [height][width][3]. */
void train_view_flip(uint8_t *to, const uint8_t *from, unsigned width, unsigned height);

/* A part of from [from_height][from_width][3], chosen by key: 55 to 95 % of its area, its aspect
 * changed by up to 16 %, mirrored or not; averaged down to to [height][width][3]. */
void train_view_crop(uint8_t *to, unsigned width, unsigned height, const uint8_t *from,
                     unsigned from_width, unsigned from_height, uint64_t key);

/* Difference hash: 64 bits, each whether of two neighbours in a 9 x 8 grid of mean greys the left
 * is darker. Equal for one picture saved twice. */
uint64_t train_view_look(const uint8_t *pixels, unsigned width, unsigned height);

#endif
