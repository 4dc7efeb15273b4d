/* Pairs of picture and song as a recipe makes them, for measuring on pictures that were held out:
 * the same rule and the same draw as in training, and nothing of the network. */
#include "train_fit.h"

#define PAIRS 1001 /* a key of its own beside those of training */

static bool has_label(const struct dy_picture *picture)
{
    return picture->rated || (picture->emotion >= 0 && picture->emotion < DYLUMO_EMOTION_COUNT);
}

static void draw_pairs(const struct train_data *data, const float *valence, const float *arousal,
                       uint32_t *song)
{
    uint64_t key = train_key(data->seed, PAIRS);
    for (size_t i = 0; i < data->pictures->count; i++) {
        const struct dy_picture *picture = &data->pictures->items[i];
        struct train_random random = train_random_of(train_key(key, i));
        song[i] = DY_TRAIN_NO_SONG;
        if (has_label(picture))
            song[i] = (uint32_t)train_pair_song(data, picture, (double)valence[i],
                                                (double)arousal[i], &random);
    }
}

enum dylumo_status dy_train_pair(const struct dy_pictures *pictures, const char *recipe,
                                 const char *songs_path, uint64_t seed, uint32_t *song,
                                 struct dylumo_error *err)
{
    struct train_songs songs;
    struct train_data data = {.pictures = pictures, .songs = &songs, .seed = seed};
    data.recipe = train_recipe_named(recipe);
    if (!data.recipe)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "no recipe '%.50s'; there are default and plain",
                       recipe);
    enum dylumo_status st = train_songs_init(&songs, songs_path, data.recipe->plain, err);
    if (st)
        return st;
    size_t count = pictures->count;
    float *scores = dy_new_array(2 * count + 1, sizeof *scores);
    bool *rated = dy_new_array(count + 1, sizeof *rated);
    if (!scores || !rated)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu pairs", count);
    for (size_t i = 0; !st && i < count; i++)
        rated[i] = pictures->items[i].rated;
    if (!st)
        st = train_rating_scores(pictures, rated, scores, scores + count, err);
    if (!st)
        draw_pairs(&data, scores, scores + count, song);
    dy_free(scores);
    dy_free(rated);
    train_songs_clear(&songs);
    return st;
}
