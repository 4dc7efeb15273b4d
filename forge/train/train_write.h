/* Trained networks into files. For the files of this room. */
#ifndef TRAIN_WRITE_H
#define TRAIN_WRITE_H

#include "train_fit.h"
#include "train_reference.h"

/* What is left of a network when its training is done. */
struct train_done {
    float *parameters, *running; /* as in struct train_net; heap */
};

/* All of a mood file but its networks. */
struct train_mood_head {
    const struct train_recipe *recipe;
    const char *encoder;
    uint64_t encoder_hash;
    size_t dimension;
    const float *mean, *scale; /* [dimension] of the input */
    const float *text_mean;    /* [dimension]; NULL: the encoder reads no words */
    const struct train_reference *reference;
    const char *card; /* JSON */
};

/* A mood file of one layer: outputs = weight [DY_MOOD_OUTPUTS][dimension] times input + bias. */
enum dylumo_status train_write_linear(const char *path, const struct train_mood_head *head,
                                      const float *weight, const float *bias,
                                      struct dylumo_error *err) DY_MUST_USE;

/* A mood file of count networks that learned from the same pictures; scratch is a fit of that fold,
 * whose net is overwritten. card: JSON. */
enum dylumo_status train_write_mood(const char *path, struct train_fit *scratch,
                                    const struct train_done *done, unsigned count,
                                    const struct train_reference *reference, const char *card,
                                    struct dylumo_error *err) DY_MUST_USE;

/* Loads a done network into scratch's net. */
void train_done_load(struct train_fit *scratch, const struct train_done *done);

/* The training data card: tables, counts, recipe and figures as a JSON object; heap (dy_free). NULL
 * without memory. */
char *train_card_new(const struct train_data *data, const struct dy_train_options *options,
                     const struct dy_train_figures *figures);

/* A run that was stopped: the networks that are done, and the one in training (its state and
 * arrays, when fit is not NULL). fingerprint: of all that the result depends on. */
enum dylumo_status train_checkpoint_save(const char *path, uint64_t fingerprint,
                                         const struct train_done *done, unsigned count,
                                         const struct train_fit *fit,
                                         struct dylumo_error *err) DY_MUST_USE;
/* Reads what is done into done [parts], with *count; *going is whether a network in training lies
 * in it, for train_checkpoint_resume. No file, or one of another fingerprint: count 0. */
struct train_checkpoint;
enum dylumo_status train_checkpoint_open(struct train_checkpoint **out, const char *path,
                                         uint64_t fingerprint, const struct train_fit *shape,
                                         struct train_done *done, unsigned parts, unsigned *count,
                                         struct dylumo_error *err) DY_MUST_USE;
/* Takes up the network in training; false when there is none. */
bool train_checkpoint_resume(const struct train_checkpoint *checkpoint, struct train_fit *fit);
void train_checkpoint_close(struct train_checkpoint *checkpoint);

#endif
