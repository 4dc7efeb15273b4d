/* mood: an embedding -> the mood of the picture, as the mood file's networks read it: 13 audio
 * features, people's valence and arousal, seven emotions, and the picture's place on the axes along
 * which songs are ranked. Turning that into targets for a catalogue is rank's. The file is told in
 * docs/formats/safetensors.md; forge/train writes it. */
#ifndef DY_MOOD_H
#define DY_MOOD_H

#include "dy_base.h"

#define DY_MOOD_VALENCE DYLUMO_EMOTION_COUNT        /* place of valence among the outputs */
#define DY_MOOD_AROUSAL (DYLUMO_EMOTION_COUNT + 1)  /* of arousal */
#define DY_MOOD_FEATURES (DYLUMO_EMOTION_COUNT + 2) /* of the first of the 13 features */
#define DY_MOOD_OUTPUTS                                                      \
    (DY_MOOD_FEATURES + DYLUMO_FEATURE_COUNT) /* numbers a network gives: 22 \
                                               */

/* What the axes are read from, one number each (mood_readings.c):
 * 0-12 features, 13 valence, 14 arousal, 15 log odds of the happy emotions against the unhappy,
 * 16 of the lively against the calm, 17-23 log probabilities of the emotions */
#define DY_MOOD_READINGS (DYLUMO_FEATURE_COUNT + 4 + DYLUMO_EMOTION_COUNT)

#define DY_MOOD_AXES_MAX 8
#define DY_MOOD_DIMENSION_MAX 8192
#define DY_MOOD_NETWORKS_MAX 64
#define DY_MOOD_WIDTH_MAX 1024 /* of a hidden layer */

struct dy_mood_model; /* mapped, checked, read-only after open */

/* What the file says about itself; strings and tables live as long as the model. */
struct dy_mood_info {
    const char *encoder;   /* "lite2" */
    uint64_t encoder_hash; /* dy_encoder_info.hash of the encoder it was trained on; 0: any weights
                              of an encoder of that name */
    unsigned dimension;    /* of the embedding */
    unsigned networks;     /* whose outputs are averaged */
    bool flip;          /* trained to see each picture also mirrored: the embeddings of both, handed
                           to dy_mood_predict together, give the file's best figures */
    bool unit;          /* embeddings are brought to length 1 first */
    bool has_text;      /* the embeddings of words can be read too: dy_mood_center_words */
    const char *recipe; /* "default", "plain", "zero-shot" */
    bool scaled;        /* features are predicted scaled from minimum to maximum, not in normal
                           scores: recipe "plain" */
    const double *scaler; /* [2][13] these minima and maxima, in the catalogue's units; NULL: those
                             of the catalogue */
    const char *pairing;  /* how pictures were given songs, in a sentence */
    const char *card;     /* training data and figures, a JSON object as text */
    float temperature;    /* calibration: logits are divided by it */
    const float *r2;      /* [13] share of each feature's variance explained on held-out pairs */
    unsigned axes;        /* 1 to DY_MOOD_AXES_MAX */
    const char *axis_names[DY_MOOD_AXES_MAX]; /* "valence", "energy" or another word */
    const float *axis_songs;  /* [axes][13] direction over a song's 13 normal scores; a song's place
                                 on the axis is the normal score, over its catalogue, of the sum */
    const float *axis_weight; /* [axes] of the squared difference between picture and song */
    const float *axis_error;  /* [axes] root mean square of that difference over held-out pairs */
    uint64_t hash;            /* of the mood file */
};

/* Maps a mood file and checks all of it: order and names of features and emotions, every shape,
 * every number finite, quantile tables ascending.
 *
 * Owns     dy_mood_close; it takes NULL.
 * Fails    as dy_safetensors_open; BAD_FILE says which claim does not hold. */
enum dylumo_status dy_mood_open(struct dy_mood_model **out, const char *path,
                                struct dylumo_error *err) DY_MUST_USE;
/* The same on bytes that stay the caller's and must outlive the model. */
enum dylumo_status dy_mood_parse(struct dy_mood_model **out, const void *data, size_t size,
                                 const char *name, struct dylumo_error *err) DY_MUST_USE;
void dy_mood_close(struct dy_mood_model *model);
const struct dy_mood_info *dy_mood_info(const struct dy_mood_model *model);

/* MISMATCH unless the encoder is the one that the mood file belongs to; says both names. */
enum dylumo_status dy_mood_check_encoder(const struct dy_mood_model *model, const char *name,
                                         uint64_t hash, unsigned dimension,
                                         struct dylumo_error *err) DY_MUST_USE;

/* The mood of one picture. Places are shares, in (0, 1), of the file's balanced reference pictures
 * below this one. */
struct dy_mood {
    float
        features[DYLUMO_FEATURE_COUNT]; /* as predicted, in normal scores (or scaled: info.scaled);
                                           shrunk towards 0, as every prediction of a mean is */
    float feature_places[DYLUMO_FEATURE_COUNT];
    float valence, arousal;               /* normal scores of people's ratings, as predicted */
    float emotions[DYLUMO_EMOTION_COUNT]; /* calibrated probabilities, sum 1 */
    unsigned axes;
    float places[DY_MOOD_AXES_MAX]; /* on each axis */
    bool asked;                     /* it was asked for, in words: no picture shows it */
    float scores[DY_MOOD_AXES_MAX]; /* the same as normal scores: the target on each axis */
    float sure; /* 0 to 1: 1 - H / ln 7, H the entropy of the mean of all networks' (and views') own
                   calibrated probabilities: even odds lower it, and so do networks that disagree */
};

/* Reads the mood from a picture's embedding, or from several embeddings of it (views) at once.
 *
 *   embeddings  [views][dimension]; all finite
 *   views       1 or more; outputs are averaged over networks and views
 *
 * Fails     BAD_ARGUMENT for numbers that are not finite, or views == 0.
 * Threads   any number at once on one model. Allocates nothing.
 * Cost      one pass over the weights for each view. */
enum dylumo_status dy_mood_predict(const struct dy_mood_model *model, const float *embeddings,
                                   unsigned views, struct dy_mood *out,
                                   struct dylumo_error *err) DY_MUST_USE;

/* Moves the embedding of words to where pictures lie, for dy_mood_predict: the two kinds lie in
 * parts of the space of their own (Liang et al. 2022, section 3), apart by the difference of their
 * means.
 *
 *   words, embedding  [dimension]; may be the same
 *
 * Fails     UNSUPPORTED for a mood file that does not know the mean of words. */
enum dylumo_status dy_mood_center_words(const struct dy_mood_model *model, const float *words,
                                        float *embedding, struct dylumo_error *err) DY_MUST_USE;

/* The pieces that training and evaluation use as well. */

/* Mean outputs of the networks for one embedding: 7 logits, valence, arousal, 13 features. */
void dy_mood_outputs(const struct dy_mood_model *model, const float *embedding,
                     float outputs[DY_MOOD_OUTPUTS]);
/* outputs -> readings. happy, lively: +1 such an emotion, -1 the opposite, 0 neither. */
void dy_mood_readings(const float outputs[DY_MOOD_OUTPUTS], const float happy[DYLUMO_EMOTION_COUNT],
                      const float lively[DYLUMO_EMOTION_COUNT], float readings[DY_MOOD_READINGS]);
/* Probabilities of logits[7] / temperature. */
void dy_mood_softmax(const float logits[DYLUMO_EMOTION_COUNT], float temperature,
                     float probabilities[DYLUMO_EMOTION_COUNT]);

#endif
