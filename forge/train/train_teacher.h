/* What a smoother reader says of the pictures that have a word and no rating. For the files of this
 * room and their tests. */
#ifndef TRAIN_TEACHER_H
#define TRAIN_TEACHER_H

#include "train_fit.h"

/* Valence and arousal, as normal scores of ratings, that a Gaussian process learned from the fit's
 * pictures foretells for every picture.
 *
 *   fit      initialised; its fold's pictures are not learned from
 *   taught   [pictures][2], receives valence and arousal; 0 for pictures without an embedding
 *
 * Fails    NO_MEMORY; CANCELLED.
 * Threads  the fit's workers; the same bits on any number of them. */
enum dylumo_status train_teach(const struct train_fit *fit, const struct dylumo_context *context,
                               float *taught, struct dylumo_error *err) DY_MUST_USE;

/* Whether there is something to teach by: ratings, and words to teach them to. */
bool train_can_teach(const struct train_fit *fit);

#endif
