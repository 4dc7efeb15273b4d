/* Training one network. For the files of this room and their tests. */
#ifndef TRAIN_FIT_H
#define TRAIN_FIT_H

#include "dy_train.h"
#include "train_recipe.h"
#include "train_songs.h"

#define TRAIN_NO_FOLD 255

/* What all networks of a run learn from. */
struct train_data {
    const struct train_recipe *recipe; /* with the run's own numbers filled in */
    const struct dy_pictures *pictures;
    const struct dy_embeddings *embeddings;
    const struct train_songs *songs;
    const uint8_t *fold;  /* [pictures] TRAIN_NO_FOLD: cannot be read */
    const uint8_t *tenth; /* [pictures] 0 to 9; recipe plain stops by the pictures of one of them */
    const float *text_mean; /* [dimension]; NULL: the encoder reads no words */
    uint64_t seed;
    struct dy_workers *workers;
};

/* Where a network's training stands; all else follows from seed and step. */
struct train_state {
    uint64_t step;     /* taken so far */
    double loss;       /* sum over the present epoch's steps */
    double rate, best; /* plain: learning rate, least loss on the held-back tenth */
    uint64_t stale;    /* plain: epochs since then */
    bool finished;
};

/* One network in training: the net's arrays and the state are all that a checkpoint holds. */
struct train_fit {
    const struct train_data *data;
    unsigned fold;    /* pictures of it are not learned from; TRAIN_NO_FOLD: learns from all */
    unsigned network; /* of the ensemble */
    struct train_net net;
    struct train_state state;
    float *best;         /* plain: parameters and running statistics at the best epoch */
    size_t steps;        /* of an epoch */
    float *mean, *scale; /* [dimension] of the input */
    uint32_t *of_emotion[DYLUMO_EMOTION_COUNT]; /* pictures to learn from */
    size_t emotion_count[DYLUMO_EMOTION_COUNT];
    uint32_t *rated;
    size_t rated_count;
    float *valence, *arousal; /* [pictures] normal scores within their table */
    const float *taught;      /* [pictures][2] a teacher's opinion of them, not owned; NULL: none */
    uint32_t *order;          /* scratch: [rated_count], or plain's pairs of picture and song */
    size_t pair_count;
    unsigned held_tenth; /* plain: which tenth is held back */
    uint32_t *pair_song;
    struct train_target *targets; /* [rows] */
    const float **sources;        /* [rows] embeddings of the batch */
};

enum dylumo_status train_fit_init(struct train_fit *fit, const struct train_data *data,
                                  unsigned fold, unsigned network,
                                  struct dylumo_error *err) DY_MUST_USE;
void train_fit_clear(struct train_fit *fit);

/* Trains to the end of an epoch, or until context says stop (CANCELLED: the state stands at a whole
 * step). *loss receives the epoch's mean. */
enum dylumo_status train_fit_epoch(struct train_fit *fit, const struct dylumo_context *context,
                                   double *loss, struct dylumo_error *err) DY_MUST_USE;

/* Outputs in use of the pictures listed, by their whole view; outputs [count][DY_MOOD_OUTPUTS]. */
enum dylumo_status train_fit_predict(struct train_fit *fit, const uint32_t *pictures, size_t count,
                                     bool flip, float *outputs,
                                     struct dylumo_error *err) DY_MUST_USE;

/* Normal scores of ratings, each table's own; of the pictures that learn is true for. */
enum dylumo_status train_rating_scores(const struct dy_pictures *pictures, const bool *learn,
                                       float *valence, float *arousal,
                                       struct dylumo_error *err) DY_MUST_USE;

/* A song for a picture, as the recipe pairs them; ratings as normal scores. */
size_t train_pair_song(const struct train_data *data, const struct dy_picture *picture,
                       double valence, double arousal, struct train_random *random);

#endif
