/* Every number of a recipe in one place. For the files of this room. */
#ifndef TRAIN_RECIPE_H
#define TRAIN_RECIPE_H

#include "train_loss.h"
#include "train_net.h"

/* Of the teacher (train_teacher.c). */
struct train_teaching {
    size_t ratings, words;          /* examples at most: in all, of each emotion */
    float reach;                    /* of an example, in mean squared difference */
    float agreement;                /* of words with ratings */
    float rating_noise, word_noise; /* variances */
};

struct train_recipe {
    const char *name, *pairing;
    bool zero;  /* no labels: moods from sentences (train_zero.c) */
    bool plain; /* the original recipe: min-max features alone, fixed pairs, plateau schedule */
    struct train_shape shape; /* input is the encoder's */
    struct train_loss loss;
    struct train_teaching teaching;
    struct train_adam adam; /* rate is the peak */
    unsigned epochs, networks, folds, views;
    bool flip;                         /* best asked with the mirror image too */
    size_t emotion_rows, people_rows;  /* of a step; plain: their sum, of any kind */
    float emotion_noise, people_noise; /* of a label's place among the songs, standard deviation */
    float place_valence[DYLUMO_EMOTION_COUNT], place_energy[DYLUMO_EMOTION_COUNT];
    float happy[DYLUMO_EMOTION_COUNT], lively[DYLUMO_EMOTION_COUNT];
    unsigned axes;
    const char *axis_names;
    float axis_weight[DY_MOOD_AXES_MAX];
    float axis_songs[DY_MOOD_AXES_MAX][DYLUMO_FEATURE_COUNT];
    /* of readings in units of their standard deviation over the reference */
    float axis_readings[DY_MOOD_AXES_MAX][DY_MOOD_READINGS];
};

/* NULL: no recipe of that name. Static. */
const struct train_recipe *train_recipe_named(const char *name);

#endif
