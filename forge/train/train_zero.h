/* Recipe zero-shot: moods from sentences. For the files of this room and their tests. */
#ifndef TRAIN_ZERO_H
#define TRAIN_ZERO_H

#include "dy_encoder.h"
#include "dy_train.h"
#include "train_recipe.h"

/* Directions in the space of embeddings, from sentences alone; heap. */
struct train_zero_words {
    size_t dimension;
    float *memory;
    float *valence, *arousal; /* [dimension] pleasant less unpleasant, lively less calm */
    float *emotion[DYLUMO_EMOTION_COUNT]; /* [dimension] each emotion less the mean of all */
    float *mean; /* [dimension] of sentences about everything and nothing */
};

/* Opens the encoder's text tower, in f32, for the time of the call.
 *
 *   optional  an encoder that reads no words leaves words zeroed, instead of UNSUPPORTED
 *
 * Owns     train_zero_words_clear; it takes a zeroed one.
 * Fails    as dy_encoder_open_text; NO_MEMORY. */
enum dylumo_status train_zero_words_open(struct train_zero_words *words, const char *encoder_path,
                                         bool optional, const struct dylumo_context *context,
                                         struct dylumo_error *err) DY_MUST_USE;
void train_zero_words_clear(struct train_zero_words *words);

/* The whole recipe: options->labels are folders and pictures of any kind, without labels.
 *
 * Fails    UNSUPPORTED for an encoder that reads no words, BAD_ARGUMENT for fewer than 20 pictures.
 */
enum dylumo_status train_zero_run(const struct dy_train_options *options,
                                  const struct train_recipe *recipe,
                                  const struct dylumo_context *context,
                                  struct dy_train_figures *figures,
                                  struct dylumo_error *err) DY_MUST_USE;

#endif
