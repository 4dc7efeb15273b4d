/* The songs as training sees them: drawn for a picture by where its label lies in valence and
 * energy. For the files of this room and their tests. */
#ifndef TRAIN_SONGS_H
#define TRAIN_SONGS_H

#include "dy_songs.h"
#include "train_random.h"

struct train_songs {
    size_t count;
    float *features; /* [count][13] normal scores, or min-max scaled */
    uint64_t identity;
    float *place;    /* [count][2] shares of the catalogue below in valence and energy */
    unsigned cells;  /* a side of the grid over the two shares */
    uint32_t *first; /* [cells * cells + 1] */
    uint32_t *song;  /* [count] in the order of cells */
    uint32_t *of_emotion[DYLUMO_EMOTION_COUNT]; /* recipe plain's songs of each emotion */
    size_t of_emotion_count[DYLUMO_EMOTION_COUNT];
};

/* min_max: features scaled from the catalogue's minimum to its maximum instead, and sorted by
 * recipe plain's emotions. */
enum dylumo_status train_songs_init(struct train_songs *songs, const char *path, bool min_max,
                                    struct dylumo_error *err) DY_MUST_USE;
void train_songs_clear(struct train_songs *songs);

/* One of the 20 songs nearest to a place (reflected into the square), by chance. */
size_t train_songs_draw(const struct train_songs *songs, double valence, double energy,
                        struct train_random *random);
/* The mean of the 20. */
void train_songs_mean(const struct train_songs *songs, double valence, double energy,
                      float features[DYLUMO_FEATURE_COUNT]);

/* Recipe plain: the emotion of a song, or of a picture rated on 0 to 1. */
enum dylumo_emotion train_plain_emotion(double valence, double energy);

/* A song's place on an axis: normal scores, over all songs, of the direction's sums. [count] */
enum dylumo_status train_songs_axis(const struct train_songs *songs, const float direction[13],
                                    double *scores, struct dylumo_error *err) DY_MUST_USE;

#endif
