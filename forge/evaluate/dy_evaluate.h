/* evaluate: how well the songs fit the pictures. Measures with intervals, the baselines beside the
 * mood under test, and the result as text, JSON and a page that opens offline.
 *
 * Everything is counted from people's labels of pictures and from the songs that were shown; what
 * would prove itself (songs judged by the rule that chose them) is left out: docs/fit.md. */
#ifndef DY_EVALUATE_H
#define DY_EVALUATE_H

#include "dy_base.h"

/* ------------------------------------------------------------------ measures
 * (evaluate_measures.c, evaluate_calibration.c) Pure functions over arrays. Weights are shares or
 * counts, not negative: a weight of 3 is the same as the item three times; NULL is all ones. */

/* Values with their ascending order, sorted once and measured often. NaN sorts last. */
struct dy_sorted {
    const double *values;  /* [count], the caller's */
    const uint32_t *order; /* [count] */
    size_t count;
};

/* Fills order [count] and returns the pair. Equal values keep the order of their places. */
struct dy_sorted dy_sorted_of(const double *values, size_t count, uint32_t *order);

/* Spearman's rho: Pearson's correlation of mean ranks (ties share theirs).
 *
 *   scratch   [2 * count]
 *
 * Returns NaN where either side is constant or fewer than two items have weight. Items that are NaN
 * on either side must have weight 0.
 * Source    checked against scipy.stats.spearmanr. */
double dy_measure_spearman(const struct dy_sorted *x, const struct dy_sorted *y,
                           const double *weights, double *scratch);

/* The chance that an item of side 1 scores above one of side -1, a tie counting half: the area
 * under the ROC curve (Mann and Whitney 1947). side 0 is left out. NaN when a side is empty.
 *
 * Source    checked against sklearn.metrics.roc_auc_score. */
double dy_measure_auc(const struct dy_sorted *score, const int8_t *side, const double *weights);

/* 1 - squared error / variance around the mean of truth; may be negative. NaN for constant truth.
 */
double dy_measure_r2(const double *truth, const double *predicted, size_t count);
double dy_measure_mae(const double *truth, const double *predicted, size_t count);

#define DY_CALIBRATION_BINS 15

/* Probabilities sorted into bins of equal width, ]0, 1/15], ]1/15, 2/15] ... */
struct dy_calibration {
    double weight[DY_CALIBRATION_BINS];     /* share of all items */
    double confidence[DY_CALIBRATION_BINS]; /* mean probability; 0 in an empty bin */
    double right[DY_CALIBRATION_BINS];      /* how often it was so */
    double
        error; /* expected calibration error: mean |confidence - right| (Guo et al. 2017, eq. 3) */
};

/* From each item's most probable class and whether that is the truth.
 *
 *   probabilities   [count][classes]
 *   truth           [count], 0..classes-1 */
void dy_calibration_top(struct dy_calibration *out, const double *probabilities,
                        const uint8_t *truth, const double *weights, size_t count, size_t classes);
/* From the probability of one class and whether that is the truth. */
void dy_calibration_class(struct dy_calibration *out, const double *probabilities,
                          const uint8_t *truth, const double *weights, size_t count, size_t classes,
                          size_t class);

/* table [classes][classes]: row truth, column most probable class, summed weights. */
void dy_measure_confusion(double *table, const double *probabilities, const uint8_t *truth,
                          const double *weights, size_t count, size_t classes);
/* Mean share of right answers over the classes that occur: accuracy with equal shares. */
double dy_measure_macro_accuracy(const double *table, size_t classes);

/* How varied the songs are that were shown. */
#define DY_SHOWS_BINS 10
struct dy_variety {
    size_t shown;     /* songs shown, repeats included */
    size_t different; /* of them different */
    uint32_t most;    /* how often the most shown one was shown */
    uint32_t most_song;
    double artists;                  /* different artists / songs, mean over the answers */
    size_t different_artists;        /* over all answers */
    size_t histogram[DY_SHOWS_BINS]; /* songs shown 1, 2, 3, 4, 5-8, 9-16, 17-32, 33-64, 65-128,
                                        more times */
};

/* "1", "2", ... "more than 128", for the histogram. Static. */
const char *dy_variety_bin_name(size_t bin);

#define DY_NO_SONG UINT32_MAX

/* Counts one ranking's answers.
 *
 *   songs     [pictures][songs_each], numbers below song_count, DY_NO_SONG after the last
 *   artist_of [song_count], numbers below song_count; NULL: no artists are counted
 *
 * Fails     NO_MEMORY. */
enum dylumo_status dy_variety_count(struct dy_variety *out, const uint32_t *songs, size_t pictures,
                                    size_t songs_each, const uint32_t *artist_of, size_t song_count,
                                    struct dylumo_error *err) DY_MUST_USE;

/* ------------------------------------------------------------------ bootstrap
 * (evaluate_bootstrap.c) */

/* splitmix64 (Steele, Lea & Flood 2014): a small generator, the same on every machine. */
struct dy_evaluate_random {
    uint64_t state;
};
uint64_t dy_evaluate_random_next(struct dy_evaluate_random *random);
/* 0..bound-1, without bias; bound > 0. */
uint32_t dy_evaluate_random_below(struct dy_evaluate_random *random, uint32_t bound);

/* Draws pictures again with replacement (Efron 1979), each stratum as often as it has pictures.
 * Replicate number r depends on seed and r alone, so any number of threads gives the same.
 *
 *   strata    [count], 0..255
 *   measure   called for each replicate with how often each item was drawn; scratch is that
 *             thread's own [scratch_count]
 *
 * Fails     NO_MEMORY, CANCELLED. */
struct dy_bootstrap {
    size_t count;
    const uint8_t *strata;
    size_t replicates;
    uint64_t seed;
    size_t scratch_count;
    void (*measure)(void *user, size_t replicate, const double *drawn, double *scratch);
    void *user;
};
enum dylumo_status dy_bootstrap_run(const struct dy_bootstrap *bootstrap,
                                    const struct dylumo_context *context,
                                    struct dylumo_error *err) DY_MUST_USE;

/* A number and the 95 % of its replicates. NaN: there is none. */
struct dy_figure {
    double value, low, high;
};

/* The 2.5th and 97.5th percentile, linear between; replicates is sorted in place, NaN dropped. */
void dy_figure_interval(struct dy_figure *figure, double *replicates, size_t count);

#endif
