/* What recipe plain does otherwise. For train_fit.c. */
#ifndef TRAIN_PLAIN_H
#define TRAIN_PLAIN_H

#include "train_fit.h"

/* The fixed pairs: five songs a picture. */
enum dylumo_status train_plain_init(struct train_fit *fit, uint64_t key,
                                    struct dylumo_error *err) DY_MUST_USE;
size_t train_plain_song(const struct train_data *data, const struct dy_picture *picture,
                        struct train_random *random);
void train_plain_step(struct train_fit *fit, uint64_t key);
/* Held-back loss; halves the rate after 5 stale epochs, finishes after 15. */
enum dylumo_status train_plain_epoch_end(struct train_fit *fit,
                                         struct dylumo_error *err) DY_MUST_USE;

/* One step on the batch in fit->sources and fit->targets (train_fit.c). */
double train_fit_step(struct train_fit *fit, size_t rows, const struct train_adam *adam);

#endif
