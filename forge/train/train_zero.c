/* Recipe zero-shot: a mood file without a single label, for an encoder that reads words as well as
 * pictures (Radford et al. 2021, section 3.1). A picture is as pleasant as it lies towards pleasant
 * sentences and away from unpleasant ones, and so on; that is one linear layer. Pictures of any
 * kind are needed all the same: pictures and sentences lie in parts of the space of their own
 * (Liang et al. 2022, "Mind the Gap"), so all is measured from the mean of the pictures, and what
 * is much or little is told by their spread.
 *
 * What it leaves out: nothing is calibrated or measured here, as there is nothing to measure by;
 * `dylumo evaluate` does so for those who have labels. */
#include "train_zero.h"
#include "train_write.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_PICTURES 20
#define TRUST \
    0.6f /* share of a unit that a reading moves a feature, as the trained heads have it */
#define AXIS_ERROR 1.0f /* of the difference between picture and song; trained heads reach .9 */

struct zero {
    const struct dy_train_options *options;
    struct dy_pictures pictures;
    struct dy_embeddings embeddings;
    struct train_zero_words words;
    uint8_t *fold;                /* [pictures] 0; TRAIN_NO_FOLD: cannot be read */
    float *mean, *scale, *weight; /* [dimension], [dimension], [DY_MOOD_OUTPUTS][dimension] */
    float bias[DY_MOOD_OUTPUTS];  /* all 0: the pictures' mean is the middle */
    float *outputs;               /* [pictures][DY_MOOD_OUTPUTS] */
    size_t readable;
};

static enum dylumo_status read_pictures(struct zero *zero, const struct dylumo_context *context,
                                        struct dylumo_error *err)
{
    const struct dy_train_options *options = zero->options;
    char cache[4096];
    enum dylumo_status st = DYLUMO_OK;
    snprintf(cache, sizeof cache, "%s.embeddings", options->output_path);
    const struct dy_embed_options embed = {.encoder_path = options->encoder_path,
                                           .cache_path =
                                               options->cache_path ? options->cache_path : cache,
                                           .views = 1,
                                           .skip_unreadable = true};
    for (size_t i = 0; i < options->label_count && !st; i++)
        st = dy_pictures_add_folder(&zero->pictures, options->labels[i], err);
    return st ? st : dy_embeddings_load(&zero->embeddings, &zero->pictures, &embed, context, err);
}

static enum dylumo_status take_memory(struct zero *zero, struct dylumo_error *err)
{
    size_t count = zero->pictures.count, dimension = zero->embeddings.dimension;
    zero->fold = dy_new_array(count, 1);
    zero->mean = dy_new_array(dimension, sizeof(float));
    zero->scale = dy_new_array(dimension, sizeof(float));
    zero->weight = dy_new_array(DY_MOOD_OUTPUTS * dimension, sizeof(float));
    zero->outputs = dy_new_array(count * DY_MOOD_OUTPUTS, sizeof(float));
    if (!zero->fold || !zero->mean || !zero->scale || !zero->weight || !zero->outputs)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu pictures", count);
    for (size_t i = 0; i < count; i++) {
        zero->fold[i] = zero->embeddings.at[i] ? 0 : TRAIN_NO_FOLD;
        zero->readable += zero->embeddings.at[i] != NULL;
    }
    if (zero->readable < LEAST_PICTURES)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "%zu pictures that can be read are too few to tell much from little: name a "
                       "folder with at least %d, of any kind",
                       zero->readable, LEAST_PICTURES);
    return DYLUMO_OK;
}

static void find_mean(struct zero *zero)
{
    for (size_t i = 0; i < zero->pictures.count; i++)
        for (size_t j = 0; zero->embeddings.at[i] && j < zero->embeddings.dimension; j++)
            zero->mean[j] += zero->embeddings.at[i][j] / (float)zero->readable;
    for (size_t j = 0; j < zero->embeddings.dimension; j++)
        zero->scale[j] = 1;
}

/* ------------------------------------------------------------------ the layer */

static float along(const struct zero *zero, const float *direction, size_t picture)
{
    float sum = 0;
    for (size_t j = 0; j < zero->embeddings.dimension; j++)
        sum += direction[j] * (zero->embeddings.at[picture][j] - zero->mean[j]);
    return sum;
}

/* Standard deviation, over the pictures, of their places along directions; their mean is 0. */
static float spread_of(const struct zero *zero, float *const *directions, unsigned count)
{
    double sum = 0;
    for (unsigned d = 0; d < count; d++)
        for (size_t i = 0; i < zero->pictures.count; i++) {
            double place = zero->embeddings.at[i] ? (double)along(zero, directions[d], i) : 0;
            sum += place * place;
        }
    return (float)sqrt(sum / (double)(zero->readable * count));
}

static void set_row(struct zero *zero, unsigned output, const float *direction, float factor)
{
    float *row = zero->weight + (size_t)output * zero->embeddings.dimension;
    for (size_t j = 0; j < zero->embeddings.dimension; j++)
        row[j] += factor * direction[j];
}

/* Valence and arousal vary by 1 over the pictures, the emotions' logits by 1 all together. A
 * feature moves with both, as far as the axes that songs are ranked along do. */
static enum dylumo_status set_layer(struct zero *zero, const struct train_recipe *recipe,
                                    struct dylumo_error *err)
{
    float *ends[2] = {zero->words.valence, zero->words.arousal};
    float emotions = spread_of(zero, zero->words.emotion, DYLUMO_EMOTION_COUNT);
    for (unsigned a = 0; a < 2; a++) {
        float spread = spread_of(zero, &ends[a], 1);
        if (!(spread > 0) || !(emotions > 0))
            return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                           "the pictures are all the same to the encoder: name different ones");
        set_row(zero, DY_MOOD_VALENCE + a, ends[a], 1 / spread);
        for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++)
            set_row(zero, DY_MOOD_FEATURES + f, ends[a], TRUST * recipe->axis_songs[a][f] / spread);
    }
    for (unsigned e = 0; e < DYLUMO_EMOTION_COUNT; e++)
        set_row(zero, e, zero->words.emotion[e], 1 / emotions);
    return DYLUMO_OK;
}

static void find_outputs(struct zero *zero)
{
    for (size_t i = 0; i < zero->pictures.count; i++)
        for (unsigned o = 0; zero->embeddings.at[i] && o < DY_MOOD_OUTPUTS; o++)
            zero->outputs[i * DY_MOOD_OUTPUTS + o] =
                along(zero, zero->weight + (size_t)o * zero->embeddings.dimension, i);
}

/* ------------------------------------------------------------------ the file */

static char *card_new(const struct zero *zero)
{
    json_t *card = json_pack(
        "{s:s, s:I, s:s}", "recipe", "zero-shot", "pictures", (json_int_t)zero->readable, "figures",
        "none: nothing was labelled; dylumo evaluate measures it on pictures with labels");
    char *text = card ? json_dumps(card, JSON_COMPACT) : NULL;
    char *copy = text ? dy_strdup(text) : NULL;
    free(text);
    json_decref(card);
    return copy;
}

static enum dylumo_status write_mood(struct zero *zero, const struct train_recipe *recipe,
                                     struct train_reference *reference, struct dylumo_error *err)
{
    const struct train_songs none = {0};
    const struct train_data data = {.recipe = recipe,
                                    .pictures = &zero->pictures,
                                    .embeddings = &zero->embeddings,
                                    .songs = &none,
                                    .fold = zero->fold};
    enum dylumo_status st =
        train_reference_tables(reference, &data, zero->outputs, TRAIN_NO_FOLD - 1, err);
    if (st)
        return st;
    char *card = card_new(zero);
    if (!card)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the data card");
    for (unsigned a = 0; a < recipe->axes; a++)
        reference->axis_error[a] = AXIS_ERROR;
    const struct train_mood_head head = {.recipe = recipe,
                                         .encoder = zero->embeddings.encoder,
                                         .encoder_hash = zero->embeddings.encoder_hash,
                                         .dimension = zero->embeddings.dimension,
                                         .mean = zero->mean,
                                         .scale = zero->scale,
                                         .text_mean = zero->words.mean,
                                         .reference = reference,
                                         .card = card};
    st = train_write_linear(zero->options->output_path, &head, zero->weight, zero->bias, err);
    dy_free(card);
    return st;
}

static void zero_clear(struct zero *zero)
{
    train_zero_words_clear(&zero->words);
    dy_embeddings_clear(&zero->embeddings);
    dy_pictures_clear(&zero->pictures);
    dy_free(zero->fold);
    dy_free(zero->mean);
    dy_free(zero->scale);
    dy_free(zero->weight);
    dy_free(zero->outputs);
}

enum dylumo_status train_zero_run(const struct dy_train_options *options,
                                  const struct train_recipe *recipe,
                                  const struct dylumo_context *context,
                                  struct dy_train_figures *figures, struct dylumo_error *err)
{
    struct zero zero = {.options = options};
    struct train_reference *reference = dy_new(sizeof *reference);
    enum dylumo_status st =
        reference ? DYLUMO_OK : dy_fail(err, DYLUMO_NO_MEMORY, "no memory for a reference");
    if (!st) /* first: an encoder without words need not look at pictures */
        st = train_zero_words_open(&zero.words, options->encoder_path, false, context, err);
    if (!st)
        st = read_pictures(&zero, context, err);
    if (!st)
        st = take_memory(&zero, err);
    if (!st) {
        find_mean(&zero);
        st = set_layer(&zero, recipe, err);
    }
    if (!st) {
        find_outputs(&zero);
        st = write_mood(&zero, recipe, reference, err);
    }
    *figures = (struct dy_train_figures){.pictures = zero.pictures.count,
                                         .unreadable = zero.pictures.count - zero.readable};
    zero_clear(&zero);
    dy_free(reference);
    return st;
}
