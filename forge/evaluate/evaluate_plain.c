/* The plain recipe's ranking: cosine on all 13 min-max scaled features, as the recipe everyone
 * starts with has it. Songs are scaled and brought to length 1 once; a picture is then one pass
 * over them, several pictures at a time so that a song's 13 numbers are read once for all. */
#include "dy_evaluate.h"
#include "dy_songs.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#define WIDTH 16           /* 13 features and three zeros */
#define PICTURES_A_TASK 16 /* 16 x 16 floats: four cache lines a row, all in the first cache */
#define KEPT 64            /* nearest songs kept, so that two of an artist can be passed over */

struct crew {
    const struct dy_fit_catalogue *catalogue;
    const struct dylumo_context *context;
    const uint32_t *candidates;
    size_t count;
    float *songs;          /* [count][WIDTH] of length 1 */
    const float *features; /* [pictures][13] */
    size_t pictures;
    uint32_t *answers;
    atomic_size_t done;
    atomic_bool cancelled;
};

/* ------------------------------------------------------------------ scaling */

static void to_length_one(float *vector)
{
    double sum = 0.0;
    for (size_t f = 0; f < WIDTH; f++)
        sum += (double)vector[f] * (double)vector[f];
    float scale = sum > 0.0 ? (float)(1.0 / sqrt(sum)) : 0.0F;
    for (size_t f = 0; f < WIDTH; f++)
        vector[f] *= scale;
}

static void scale_feature(struct crew *crew, enum dylumo_feature feature)
{
    const struct dy_songs *songs = crew->catalogue->songs;
    struct dy_feature_stats stats = dy_songs_stats(songs, feature);
    double span = stats.max > stats.min ? stats.max - stats.min : 1.0;
    for (size_t i = 0; i < crew->count; i++) {
        double value = dy_songs_feature(songs, crew->candidates[i], feature);
        crew->songs[i * WIDTH + feature] = (float)((value - stats.min) / span);
    }
}

/* ------------------------------------------------------------------ nearest */

/* The KEPT best of one picture, best first; a later song comes after an equal one. */
struct best {
    float cosine[KEPT];
    uint32_t song[KEPT];
    size_t count;
};

static void keep(struct best *best, float cosine, uint32_t song)
{
    if (best->count == KEPT && !(cosine > best->cosine[KEPT - 1]))
        return;
    size_t at = best->count < KEPT ? best->count++ : KEPT - 1;
    while (at > 0 && cosine > best->cosine[at - 1]) {
        best->cosine[at] = best->cosine[at - 1];
        best->song[at] = best->song[at - 1];
        at--;
    }
    best->cosine[at] = cosine;
    best->song[at] = song;
}

static void scan(const struct crew *crew, const float *pictures /* [WIDTH][PICTURES_A_TASK] */,
                 struct best *best)
{
    for (size_t i = 0; i < crew->count; i++) {
        const float *song = crew->songs + i * WIDTH;
        float cosine[PICTURES_A_TASK] = {0};
        for (size_t f = 0; f < DYLUMO_FEATURE_COUNT; f++)
            for (size_t p = 0; p < PICTURES_A_TASK; p++)
                cosine[p] += song[f] * pictures[f * PICTURES_A_TASK + p];
        for (size_t p = 0; p < PICTURES_A_TASK; p++)
            if (best[p].count < KEPT || cosine[p] > best[p].cosine[KEPT - 1])
                keep(&best[p], cosine[p], crew->candidates[i]);
    }
}

static void list(const struct crew *crew, const struct best *best, uint32_t *answer)
{
    size_t taken = 0;
    for (size_t i = 0; i < best->count && taken < DY_FIT_SONGS_EACH; i++) {
        unsigned same = 0;
        for (size_t a = 0; a < taken; a++)
            same += crew->catalogue->artist[answer[a]] == crew->catalogue->artist[best->song[i]];
        if (same < DY_FIT_PER_ARTIST)
            answer[taken++] = best->song[i];
    }
    while (taken < DY_FIT_SONGS_EACH)
        answer[taken++] = DY_NO_SONG;
}

static void answer_task(void *user, size_t task)
{
    struct crew *crew = user;
    struct best best[PICTURES_A_TASK];
    float pictures[WIDTH * PICTURES_A_TASK] = {0};
    size_t first = task * PICTURES_A_TASK, count = crew->pictures - first;
    if (count > PICTURES_A_TASK)
        count = PICTURES_A_TASK;
    if (atomic_load(&crew->cancelled) || dy_context_cancelled(crew->context)) {
        atomic_store(&crew->cancelled, true);
        return;
    }
    for (size_t p = 0; p < PICTURES_A_TASK; p++)
        best[p].count = 0;
    for (size_t p = 0; p < count; p++) { /* a picture's own length does not change its order */
        const float *from = crew->features + (first + p) * DYLUMO_FEATURE_COUNT;
        for (size_t f = 0; f < DYLUMO_FEATURE_COUNT; f++)
            pictures[f * PICTURES_A_TASK + p] = from[f];
    }
    scan(crew, pictures, best);
    for (size_t p = 0; p < count; p++)
        list(crew, &best[p], crew->answers + (first + p) * DY_FIT_SONGS_EACH);
    dy_context_progress(crew->context, "choosing songs by the plain recipe",
                        atomic_fetch_add(&crew->done, count) + count, crew->pictures);
}

enum dylumo_status dy_fit_answer_plain(const struct dy_fit_catalogue *catalogue, size_t part,
                                       const float *features, size_t pictures, uint32_t *songs,
                                       const struct dylumo_context *context,
                                       struct dylumo_error *err)
{
    bool all = part == DY_FIT_ALL_SONGS;
    struct crew crew = {
        .catalogue = catalogue,
        .context = context,
        .candidates = all ? catalogue->all : catalogue->parts[part].songs,
        .count = all ? catalogue->all_count : catalogue->parts[part].count,
        .features = features,
        .pictures = pictures,
        .answers = songs,
    };
    crew.songs = dy_new_array(crew.count, WIDTH * sizeof *crew.songs);
    if (!crew.songs)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to scale %zu songs", crew.count);
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        scale_feature(&crew, (enum dylumo_feature)f);
    for (size_t i = 0; i < crew.count; i++)
        to_length_one(crew.songs + i * WIDTH);
    struct dy_workers *workers = NULL;
    enum dylumo_status st = dy_workers_new(&workers, dy_context_threads(context), err);
    if (!st) {
        dy_workers_run(workers, (pictures + PICTURES_A_TASK - 1) / PICTURES_A_TASK, answer_task,
                       &crew);
        if (atomic_load(&crew.cancelled))
            st = dy_fail(err, DYLUMO_CANCELLED, "stopped while choosing songs");
    }
    dy_workers_free(workers);
    dy_free(crew.songs);
    return st;
}
