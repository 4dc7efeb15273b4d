/* The recipes. "default" is the best we have: docs/fit.md tells what was tried; "plain" is the one
 * that everyone starts with, to the letter, for comparison. */
#include "train_recipe.h"

#include <string.h>

#define READING_VALENCE DYLUMO_FEATURE_COUNT
#define READING_AROUSAL (DYLUMO_FEATURE_COUNT + 1)
#define READING_ODDS (DYLUMO_FEATURE_COUNT + 2)
#define READING_LIVELY (DYLUMO_FEATURE_COUNT + 3)

/* Spotify's valence and energy, leaned towards what people call happy and lively. */
#define HEARD_AXES                                                                             \
    {                                                                                          \
        {.146960f,  .203283f, -.007456f, -.060601f, .104883f,  .042933f, .136109f,             \
         -.069133f, .039922f, .828792f,  .041357f,  -.110204f, .009794f},                      \
        {                                                                                      \
            -.072655f, .834287f, .024353f, .060196f, .090636f, .063276f, -.101957f, -.144414f, \
                -.003598f, -.001046f, -.009358f, -.159070f, -.001040f                          \
        }                                                                                      \
    }

/* Emotions stand as amusement, anger, awe, contentment, excitement, fear, sadness. */
static const struct train_recipe recipes[] = {
    {
        .name = "default",
        .pairing = "the mean of the 20 songs nearest to the label's place in shares of valence and "
                   "energy, with normal noise (0.15 for words, 0.10 for ratings)",
        .shape = {.output = DY_MOOD_OUTPUTS,
                  .hidden = 3,
                  .width = {512, 256, 128},
                  .input_dropout = 0.1f,
                  .dropout = 0.3f},
        .loss = {.emotion = 0.7f, .smoothing = 0.1f, .people = 1, .taught = 3, .song = 1},
        .teaching = {.ratings = 2000,
                     .words = 500,
                     .reach = 1,
                     .agreement = 0.7f,
                     .rating_noise = 0.3f,
                     .word_noise = 1},
        .adam = {1e-3f, 0.9f, 0.999f, 1e-8f, 1e-2f, true},
        .epochs = 20,
        .networks = 3,
        .folds = 4,
        .views = 6,
        .emotion_rows = 256,
        .people_rows = 64,
        .emotion_noise = 0.15f,
        .people_noise = 0.10f,
        .place_valence = {.80f, .15f, .70f, .75f, .80f, .15f, .15f},
        .place_energy = {.60f, .80f, .50f, .15f, .85f, .75f, .20f},
        .happy = {1, -1, 1, 1, 1, -1, -1},
        .lively = {1, 1, 0, -1, 1, 1, -1},
        .axes = 2,
        .axis_names = "valence energy",
        .axis_weight = {1, 1},
        .axis_songs = HEARD_AXES,
        .axis_readings = {{[DYLUMO_VALENCE] = 1, [READING_VALENCE] = .7f, [READING_ODDS] = 1},
                          {[DYLUMO_ENERGY] = .5f, [READING_AROUSAL] = .2f, [READING_LIVELY] = 1}},
    },
    {
        .name = "zero-shot",
        .pairing = "none: sentences say what is happy and lively; no picture was labelled",
        .zero = true,
        .happy = {1, -1, 1, 1, 1, -1, -1},
        .lively = {1, 1, 0, -1, 1, 1, -1},
        .axes = 2,
        .axis_names = "valence energy",
        .axis_weight = {1, 1},
        .axis_songs = HEARD_AXES,
        .axis_readings = {{[READING_VALENCE] = 1, [READING_ODDS] = 1},
                          {[READING_AROUSAL] = 1, [READING_LIVELY] = 1}},
    },
    {
        .name = "plain",
        .pairing = "five songs of the same emotion by chance; a song's emotion is a rule over its "
                   "valence and energy",
        .plain = true,
        .shape =
            {.output = DY_MOOD_OUTPUTS, .hidden = 3, .width = {512, 256, 128}, .dropout = 0.2f},
        .loss = {.song = 1},
        .adam = {1e-3f, 0.9f, 0.999f, 1e-8f, 1e-5f, false},
        .epochs = 100,
        .networks = 1,
        .folds = 4,
        .views = 1,
        .emotion_rows = 128,
        .happy = {1, -1, 1, 1, 1, -1, -1},
        .lively = {1, 1, 0, -1, 1, 1, -1},
        .axes = 2,
        .axis_names = "valence energy",
        .axis_weight = {1, 1},
        .axis_songs = {{[DYLUMO_VALENCE] = 1}, {[DYLUMO_ENERGY] = 1}},
        .axis_readings = {{[DYLUMO_VALENCE] = 1}, {[DYLUMO_ENERGY] = 1}},
    },
};

const struct train_recipe *train_recipe_named(const char *name)
{
    for (size_t i = 0; i < DY_COUNT(recipes); i++)
        if (!strcmp(recipes[i].name, name))
            return &recipes[i];
    return NULL;
}
