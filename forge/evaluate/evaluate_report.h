/* What the three forms of the report share. */
#ifndef EVALUATE_REPORT_H
#define EVALUATE_REPORT_H

#include "dy_evaluate.h"

/* ".712", "-.04", "1.00", or a dash for none; digits after the point. */
#define FIGURE_TEXT 32
const char *figure_text(char text[FIGURE_TEXT], double value, int digits);

/* ".712 .66-.75"; without an interval just the value. */
#define FIGURE_RANGE_TEXT 64
const char *figure_range_text(char text[FIGURE_RANGE_TEXT], const struct dy_figure *figure);

/* "2,290" */
const char *count_text(char text[FIGURE_TEXT], size_t count);

const struct dy_figure *figure_at(const struct dy_fit_table *table, size_t row, size_t column);

/* Columns of one stage: the first, and how many. */
size_t stage_columns(const struct dy_fit_table *table, enum dy_fit_stage stage, size_t *first);

/* A heading for a stage: "Songs, by the catalogue's valence and energy". */
const char *stage_title(enum dy_fit_stage stage);

/* "amusement" to "sadness", "disgust", "". */
const char *emotion_title(uint8_t emotion);

/* IO when a write to out failed. */
enum dylumo_status report_written(FILE *out, struct dylumo_error *err);

/* Fills out for one set; out->pictures is 0 where the set has no emotions. */
enum dylumo_status fit_emotions(struct dy_fit_emotions *out, const struct dy_fit_pictures *pictures,
                                size_t set, const struct dy_mood *moods, size_t replicates,
                                uint64_t seed, const struct dylumo_context *context,
                                struct dylumo_error *err) DY_MUST_USE;

/* Fills report->best and ->worst from the first ranking's answers: some of every set. */
enum dylumo_status fit_examples(struct dy_fit_report *report,
                                const struct dy_fit_catalogue *catalogue, const uint32_t *songs,
                                struct dylumo_error *err) DY_MUST_USE;

/* One ranking's variety over all pictures, or its mean over draws of them. */
enum dylumo_status fit_variety(struct dy_variety *out, const struct dy_fit_pictures *pictures,
                               const struct dy_fit_catalogue *catalogue, const uint32_t *songs,
                               const struct dy_fit_options *options,
                               struct dylumo_error *err) DY_MUST_USE;

#endif
