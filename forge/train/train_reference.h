/* What the mood file says about its networks, measured on pictures that they did not learn from.
 * For the files of this room and their tests. */
#ifndef TRAIN_REFERENCE_H
#define TRAIN_REFERENCE_H

#include "train_fit.h"

#define TRAIN_LEVELS 1025

struct train_reference {
    float temperature;
    float r2[DYLUMO_FEATURE_COUNT];
    float axis_readings[DY_MOOD_AXES_MAX][DY_MOOD_READINGS];
    float axis_error[DY_MOOD_AXES_MAX];
    float level[TRAIN_LEVELS];
    float features[DYLUMO_FEATURE_COUNT][TRAIN_LEVELS];
    float axes[DY_MOOD_AXES_MAX][TRAIN_LEVELS];
};

/* outputs [pictures][DY_MOOD_OUTPUTS], out of fold. The reference are the pictures with an emotion,
 * each emotion in equal shares (all readable pictures where there are none), but those of fold
 * `without` (TRAIN_NO_FOLD: all). */
enum dylumo_status train_reference_make(struct train_reference *reference,
                                        const struct train_data *data, const float *outputs,
                                        unsigned without, struct dylumo_error *err) DY_MUST_USE;

/* The same without pairs: tables, scales and temperature; r2 and axis_error stay 0. */
enum dylumo_status train_reference_tables(struct train_reference *reference,
                                          const struct train_data *data, const float *outputs,
                                          unsigned without, struct dylumo_error *err) DY_MUST_USE;

/* How well outputs tell what people said, over all readable pictures. */
enum dylumo_status train_figures_of(struct dy_train_figures *figures, const struct train_data *data,
                                    const struct train_reference *reference, const float *outputs,
                                    struct dylumo_error *err) DY_MUST_USE;

#endif
