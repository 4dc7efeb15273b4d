/* evaluate: how well the songs fit the pictures. Measures with intervals, the baselines beside the
 * mood under test, and the result as text, JSON and a page that opens offline.
 *
 * Everything is counted from people's labels of pictures and from the songs that were shown; what
 * would prove itself (songs judged by the rule that chose them) is left out: docs/fit.md. */
#ifndef DY_EVALUATE_H
#define DY_EVALUATE_H

#include "dy_base.h"

/* of lib; only named here, so that the program may include this header */
struct dy_mood;
struct dy_mood_model;
struct dy_songs;

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
    double usual_most;               /* the same as most, or its mean over several draws */
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

/* ------------------------------------------------------------------ table
 * (evaluate_table.c) Which ranking fits which pictures, with intervals. */

/* Labelled pictures. emotion is an enum dylumo_emotion or one of these two. */
#define DY_FIT_DISGUST DYLUMO_EMOTION_COUNT /* Mikels' eighth: negative, told apart by no mood */
#define DY_FIT_NO_EMOTION UINT8_MAX
#define DY_FIT_SETS_MAX 16
struct dy_fit_pictures {
    size_t count;
    const char *const *names;     /* [count] paths */
    const double *valence;        /* [count] people's ratings in any unit, NaN: none */
    const double *arousal;        /* [count] */
    const uint8_t *emotion;       /* [count] */
    const uint8_t *set;           /* [count] which labelled set, below set_count */
    const char *const *set_names; /* [set_count] */
    size_t set_count;             /* to DY_FIT_SETS_MAX */
};

/* The four measures of fit; the first two need ratings, the others emotions. */
enum dy_fit_measure {
    DY_FIT_VALENCE,  /* Spearman: people's valence of the picture, valence of its songs */
    DY_FIT_ENERGY,   /* Spearman: people's arousal, energy of its songs */
    DY_FIT_POSITIVE, /* AUC of the songs' valence: amusement, awe, contentment, excitement against
                        anger, disgust, fear, sadness */
    DY_FIT_LIVELY,   /* AUC of the songs' energy: amusement, anger, excitement, fear against
                        contentment, sadness */
    DY_FIT_MEASURES
};

/* What the pictures are held against. */
enum dy_fit_stage {
    DY_FIT_SONGS,  /* the songs shown, by the catalogue's valence and energy */
    DY_FIT_PEOPLE, /* the songs shown, by people's judgement of their mood: no circle */
    DY_FIT_MOOD,   /* the mood itself, before any song */
    DY_FIT_STAGES
};

const char *dy_fit_measure_name(enum dy_fit_measure measure); /* "valence fit"; static */
const char *dy_fit_stage_name(enum dy_fit_stage stage);       /* "songs"; static */
/* +1, -1 or 0: where an emotion stands in a measure. */
int8_t dy_fit_side(enum dy_fit_measure measure, uint8_t emotion);

/* One number a picture for valence and for energy: the mean over its songs. A stage may have
 * several parts (catalogues that share no artist): the figure is the mean of theirs. */
#define DY_FIT_PARTS_MAX 8
struct dy_fit_scores {
    const double *valence, *energy; /* [pictures] */
};
struct dy_fit_ranking {
    const char *name; /* "random songs" */
    struct dy_fit_scores scores[DY_FIT_STAGES][DY_FIT_PARTS_MAX];
    size_t parts[DY_FIT_STAGES]; /* 0: not measured there */
};

struct dy_fit_column {
    enum dy_fit_stage stage;
    size_t set;
    enum dy_fit_measure measure;
    size_t pictures; /* that have a label for it */
};

struct dy_fit_table {
    size_t row_count, column_count;
    struct dy_fit_column *columns;
    struct dy_figure *figures; /* [row_count][column_count] */
    struct dy_figure *ahead; /* [row_count][column_count] the first row less this one, drawn on the
                                same pictures; no order at all counts as 0 */
};

/* Measures every ranking in every column that has at least eight labelled pictures and one ranking.
 * Emotions of a set weigh the same, however many pictures each has: an AUC of weighted pictures is
 * the mean of those of all pairs of emotions.
 *
 *   replicates   of the bootstrap over pictures; 0: no intervals
 *
 * Owns     *table is the caller's for dy_fit_table_clear, which takes a zeroed one.
 * Fails    NO_MEMORY, CANCELLED. */
enum dylumo_status dy_fit_table_fill(struct dy_fit_table *table,
                                     const struct dy_fit_pictures *pictures,
                                     const struct dy_fit_ranking *rankings, size_t ranking_count,
                                     size_t replicates, uint64_t seed,
                                     const struct dylumo_context *context,
                                     struct dylumo_error *err) DY_MUST_USE;
void dy_fit_table_clear(struct dy_fit_table *table);

/* Weights of one set's pictures that give each of its emotions the same share, sum 1; pictures
 * without an emotion and of other sets 0. classes: only emotions below it count. */
void dy_fit_equal_shares(double *weights, const struct dy_fit_pictures *pictures, size_t set,
                         uint8_t classes);

/* ------------------------------------------------------------------ report
 * (evaluate_report.c, evaluate_text.c, evaluate_json.c, evaluate_html.c, evaluate_charts.c) */

/* How well the emotions are told, on pictures the mood has not seen; equal shares of the emotions.
 * pictures 0: not measured. */
struct dy_fit_emotions {
    const char *set; /* name of the labelled set */
    size_t pictures;
    struct dy_figure accuracy;    /* seven emotions, equal shares */
    struct dy_figure calibration; /* expected calibration error of the most probable one */
    double class_calibration;     /* mean of the seven emotions' own */
    struct dy_calibration bins;
    double confusion[DYLUMO_EMOTION_COUNT * DYLUMO_EMOTION_COUNT]; /* rows of sum 1 */
};

/* How well each feature is foretold on held-out pairs of picture and song. pairs 0: not measured.
 */
struct dy_fit_features {
    size_t pairs;
    double r2[DYLUMO_FEATURE_COUNT];        /* in normal scores */
    double mae_score[DYLUMO_FEATURE_COUNT]; /* mean absolute error in normal scores; who always
                                               says the middle has .80 */
    double mae[DYLUMO_FEATURE_COUNT];       /* in the feature's own unit */
};

/* Measures pairs of picture and song; every pair weighs the same. (evaluate_features.c)
 *
 *   song        [pairs] numbers of songs
 *   predicted   [pairs][13] the pictures' features in normal scores
 *
 * Fails    NO_MEMORY. */
enum dylumo_status dy_fit_features_fill(struct dy_fit_features *out, const struct dy_songs *songs,
                                        const uint32_t *song, const float *predicted, size_t pairs,
                                        struct dylumo_error *err) DY_MUST_USE;

/* One picture with its songs, for the lists of best and worst. */
#define DY_FIT_LISTED_SONGS 3
struct dy_fit_example {
    size_t picture;
    double gain;     /* what it adds to the fit: see dy_fit_gains */
    double place[2]; /* people's valence and arousal as shares of the set, -1: none */
    double songs[2]; /* its songs' valence and energy likewise */
    char *titles[DY_FIT_LISTED_SONGS]; /* "Artist: title", heap; NULL: fewer */
};

#define DY_FIT_EXAMPLES 8
#define DY_FIT_FACTS_MAX 16

struct dy_fit_report {
    /* what was measured: "encoder" "lite2" and the like, shown above the table */
    struct {
        const char *name;
        char text[256];
    } facts[DY_FIT_FACTS_MAX];
    size_t fact_count;
    const struct dy_fit_pictures *pictures;
    const struct dy_fit_ranking *rankings; /* [table.row_count], the mood under test first */
    struct dy_fit_table table;
    struct dy_variety *variety; /* [table.row_count] */
    size_t variety_draws;       /* 1: counted over all pictures; more: means over draws of
                                   variety_pictures each, but most: the largest */
    size_t variety_pictures;
    size_t songs_each;
    struct dy_fit_emotions emotions[DY_FIT_SETS_MAX]; /* [pictures->set_count] */
    struct dy_fit_features features;
    struct dy_fit_example best[DY_FIT_EXAMPLES], worst[DY_FIT_EXAMPLES];
    size_t example_count; /* in each */
    bool thumbnails;      /* the page holds the example pictures themselves */
};

void dy_fit_report_fact(struct dy_fit_report *report, const char *name, const char *format, ...)
    DY_PRINTF(3, 4);
/* Frees what the report owns (table, variety, titles), not pictures and rankings. */
void dy_fit_report_clear(struct dy_fit_report *report);

/* What each picture adds to the fit of one set, [count] numbers, 0 for other sets: the product of
 * people's place and the songs' place, each as a share of the set less one half, for valence and
 * energy together. Its mean is, but for a factor, Spearman's rho. */
enum dylumo_status dy_fit_gains(double *gains, const struct dy_fit_pictures *pictures, size_t set,
                                const struct dy_fit_scores *scores,
                                struct dylumo_error *err) DY_MUST_USE;

/* Whether the first ranking beats another: it is ahead beyond chance (the interval of the
 * difference on the same pictures lies above 0) in every column of songs.
 *
 *   ahead, of   receive in how many columns, of how many that both have; may be NULL */
bool dy_fit_beats(const struct dy_fit_report *report, size_t row, size_t *ahead, size_t *of);

/* The report as a table for people. It ends with a line a baseline, beaten or not. */
enum dylumo_status dy_fit_report_text(const struct dy_fit_report *report, FILE *out,
                                      struct dylumo_error *err) DY_MUST_USE;
/* One JSON object. Figures are [value, low, high]; none is null. */
enum dylumo_status dy_fit_report_json(const struct dy_fit_report *report, FILE *out,
                                      struct dylumo_error *err) DY_MUST_USE;
/* One page with charts that needs nothing else: no script, no font, no link out. */
enum dylumo_status dy_fit_report_html(const struct dy_fit_report *report, FILE *out,
                                      struct dylumo_error *err) DY_MUST_USE;

/* ------------------------------------------------------------------ catalogue
 * (evaluate_catalogue.c) */

/* The songs that are shown, and what is known of them. */
struct dy_fit_catalogue {
    const struct dy_songs *songs;
    size_t count;
    double *valence, *energy;               /* [count] the catalogue's own numbers */
    double *judged_valence, *judged_energy; /* [count] people's judgement, NaN where there is none;
                                               NULL without a table */
    uint32_t *artist;                       /* [count] below count */
    uint32_t *all; /* [count] songs that may be shown: not for one season */
    size_t all_count;
    /* judged songs fall into parts that share no artist, each a catalogue of its own */
    size_t part_count;
    struct dy_fit_part {
        uint64_t *allowed; /* bit mask */
        uint32_t *songs;
        size_t count;
        bool held_back;                      /* axes below stand for the mood's own */
        float axes[2][DYLUMO_FEATURE_COUNT]; /* fitted without this part's artists */
    } parts[DY_FIT_PARTS_MAX];
};

/* songs must outlive it. table: CSV with the columns track_id, mood_valence, mood_arousal in any
 * unit, or NULL; ids that the catalogue lacks are counted in *unknown (may be NULL).
 *
 *   parts   1 to DY_FIT_PARTS_MAX, by artist, drawn with the seed
 *
 * Owns     dy_fit_catalogue_close; it takes a zeroed one.
 * Fails    as dy_csv_open; BAD_FILE for a column missing, a number that is none, fewer than 100
 *          judged songs in a part; NO_MEMORY. */
enum dylumo_status dy_fit_catalogue_open(struct dy_fit_catalogue *catalogue,
                                         const struct dy_songs *songs, const char *table,
                                         size_t parts, uint64_t seed, size_t *unknown,
                                         struct dylumo_error *err) DY_MUST_USE;
void dy_fit_catalogue_close(struct dy_fit_catalogue *catalogue);

/* The default mood's two axes are fitted to people's judgement of songs; measured on the same songs
 * they would know them already. This fits the axes of each part anew from the songs of all others.
 *
 *   own         [2][13] the mood's axes
 *   difference  receives the largest difference of a coefficient between own and the axes fitted to
 *               all judged songs: near 0 when own was made so
 *
 * Fails    BAD_ARGUMENT with fewer than two parts; NO_MEMORY. (evaluate_axes.c) */
enum dylumo_status dy_fit_axes_hold_back(struct dy_fit_catalogue *catalogue,
                                         const float own[2][DYLUMO_FEATURE_COUNT],
                                         double *difference, struct dylumo_error *err) DY_MUST_USE;

/* The two axes fitted to judged songs: those of all parts but one (parts: of all).
 *
 * Source   ridge regression (Hoerl & Kennard 1970) with the penalty of least leave-one-out error,
 *          checked against scikit-learn's RidgeCV; blended and made apart as docs/fit.md says. */
enum dylumo_status dy_fit_axes(const struct dy_fit_catalogue *catalogue, size_t without,
                               double axes[2][DYLUMO_FEATURE_COUNT],
                               struct dylumo_error *err) DY_MUST_USE;

/* ------------------------------------------------------------------ answers
 * (evaluate_answer.c, evaluate_plain.c) Songs for every picture, [pictures][DY_FIT_SONGS_EACH],
 * DY_NO_SONG after the last. part: DY_FIT_ALL_SONGS or a part of the judged ones. */

#define DY_FIT_SONGS_EACH 10
#define DY_FIT_PER_ARTIST 2
#define DY_FIT_ALL_SONGS SIZE_MAX

/* Moods of the pictures, each read by one of several models (the folds') that did not see it. */
struct dy_fit_moods {
    size_t count;
    const struct dy_mood *moods;               /* [count] */
    const uint8_t *model_of;                   /* [count]; NULL: all by the first */
    const struct dy_mood_model *const *models; /* [model_count] */
    size_t model_count;
};

/* The product's own ranking: nearest songs along the model's axes, at most DY_FIT_PER_ARTIST of an
 * artist, each recording once. On a part of the judged songs the axes are made anew from these
 * songs alone.
 *
 * Fails    as dy_rank_aim and dy_rank_list; CANCELLED. */
enum dylumo_status dy_fit_answer_moods(const struct dy_fit_catalogue *catalogue, size_t part,
                                       const struct dy_fit_moods *moods, uint32_t *songs,
                                       const struct dylumo_context *context,
                                       struct dylumo_error *err) DY_MUST_USE;

/* Songs drawn evenly from the `pool` most popular ones; pool 0: from all. The seed and the
 * picture's number decide. */
enum dylumo_status dy_fit_answer_drawn(const struct dy_fit_catalogue *catalogue, size_t part,
                                       size_t pool, size_t pictures, uint64_t seed, uint32_t *songs,
                                       struct dylumo_error *err) DY_MUST_USE;

/* The plain recipe: cosine between the 13 predicted features and the songs', both min-max scaled
 * over the catalogue, at most DY_FIT_PER_ARTIST of an artist.
 *
 *   features  [pictures][13], min-max scaled as predicted */
enum dylumo_status dy_fit_answer_plain(const struct dy_fit_catalogue *catalogue, size_t part,
                                       const float *features, size_t pictures, uint32_t *songs,
                                       const struct dylumo_context *context,
                                       struct dylumo_error *err) DY_MUST_USE;

/* ------------------------------------------------------------------ run (evaluate_run.c) */

/* Answers of all rankings and their scores; the report's rankings point into it. */
#define DY_FIT_ROWS_MAX 8
struct dy_fit_rows {
    size_t count;
    struct dy_fit_ranking rankings[DY_FIT_ROWS_MAX];
    uint32_t *songs[DY_FIT_ROWS_MAX]; /* [pictures][DY_FIT_SONGS_EACH] of the whole catalogue */
    double *scores[DY_FIT_ROWS_MAX];
};
void dy_fit_rows_clear(struct dy_fit_rows *rows);

struct dy_fit_options {
    size_t replicates; /* of the bootstrap */
    uint64_t seed;
    size_t draws;                        /* 0: variety is counted over all pictures */
    size_t draw_of_set[DY_FIT_SETS_MAX]; /* pictures of each set in a draw, its emotions in equal
                                            shares */
    bool thumbnails;
};

/* The mood under test and the baselines, measured: random songs, popular songs, constant mood,
 * class mean, and the plain recipe where plain is given.
 *
 *   plain   [pictures][13] of a plainly trained head, or NULL
 *
 * Owns     report and rows are the caller's to clear, also after a failure; pictures, catalogue and
 *          moods must outlive them.
 * Fails    as its parts; CANCELLED. */
enum dylumo_status dy_fit_run(struct dy_fit_report *report, struct dy_fit_rows *rows,
                              const struct dy_fit_pictures *pictures,
                              const struct dy_fit_catalogue *catalogue,
                              const struct dy_fit_moods *moods, const float *plain,
                              const struct dy_fit_options *options,
                              const struct dylumo_context *context,
                              struct dylumo_error *err) DY_MUST_USE;

/* ------------------------------------------------------------------ files (evaluate_files.c) */

/* What to measure, by path. Zeroed members mean none or the default. */
struct dy_evaluate_files {
    const char *const *labels; /* [label_count] labelled pictures, as dy_pictures_add reads them */
    size_t label_count;
    const char *const *unseen; /* [unseen_count] the same, never trained on */
    size_t unseen_count;
    const char *songs_path, *encoder_path, *mood_path;
    const char *plain_path;     /* a mood file of the plain recipe, or NULL */
    const char *song_mood_path; /* people's judgement of songs, or NULL */
    const char *cache_path;     /* of embeddings; NULL: mood_path + ".embeddings" */
    unsigned folds; /* 0: mood_path reads all pictures. Else pictures of labels are read by the mood
                       files mood_path + ".fold-N" that did not learn from them; those that are
                       missing are trained first, as dy_train_run does with keep_folds */
    size_t parts;   /* of the judged songs; 0: 3 */
    struct dy_fit_options fit;
};

struct dy_evaluation;

/* Reads labels, pictures, mood and songs and measures.
 *
 * Owns     *out is the caller's for dy_evaluate_close, which takes NULL.
 * Fails    as the files' readers; MISMATCH when mood and encoder do not belong together; CANCELLED
 *          (embeddings and training go on from there at the next call).
 * Cost     embeddings once, about 10 ms a picture and core; then seconds. */
enum dylumo_status dy_evaluate_run(struct dy_evaluation **out,
                                   const struct dy_evaluate_files *files,
                                   const struct dylumo_context *context,
                                   struct dylumo_error *err) DY_MUST_USE;
void dy_evaluate_close(struct dy_evaluation *evaluation);
const struct dy_fit_report *dy_evaluate_report(const struct dy_evaluation *evaluation);

#endif
