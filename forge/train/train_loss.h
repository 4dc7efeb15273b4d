/* What a network's outputs are measured by, and the gradient of it. */
#ifndef TRAIN_LOSS_H
#define TRAIN_LOSS_H

#include "dy_mood.h"

/* What is known of one picture. */
struct train_target {
    int emotion;                          /* enum dylumo_emotion; -1: not told */
    bool people;                          /* valence and arousal are told */
    bool song;                            /* features are those of a song drawn for it */
    bool taught;                          /* opinion is a teacher's of valence and arousal */
    float valence, arousal, opinion[2];   /* normal scores */
    float features[DYLUMO_FEATURE_COUNT]; /* normal scores, or min-max scaled by recipe plain */
};

/* Weights of the parts; each part is a mean over the rows (and numbers) that it applies to. */
struct train_loss {
    float emotion;   /* cross entropy of the seven logits */
    float smoothing; /* of its labels: (1 - s) on the label, s / 7 on each */
    float people;    /* squared error of valence and arousal */
    float taught;    /* squared error of the same, by a teacher's opinion */
    float song;      /* squared error of the 13 features */
};

/* outputs, gradient [rows][DY_MOOD_OUTPUTS]; gradient receives d loss / d output. */
double train_loss_of(const struct train_loss *loss, const float *outputs,
                     const struct train_target *targets, size_t rows, float *gradient);

#endif
