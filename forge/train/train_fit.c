/* One network, step by step. What a step draws (pictures, views, songs, dropout) is a function of
 * seed, fold, network and step number, so a run can stop after any step and go on elsewhere.
 *
 * The learning rate goes up and down once over the run (Smith & Topin 2018), Adam's first beta the
 * other way. */
#include "train_fit.h"

#include "train_measure.h"
#include "train_passes.h"
#include "train_plain.h"

#include <math.h>
#include <string.h>

#define GATHER_ROWS 16

/* ------------------------------------------------------------------ who is learned from */

static bool learns_from(const struct train_fit *fit, size_t picture)
{
    unsigned fold = fit->data->fold[picture];
    return fold != TRAIN_NO_FOLD && fold != fit->fold;
}

enum dylumo_status train_rating_scores(const struct dy_pictures *pictures, const bool *learn,
                                       float *valence, float *arousal, struct dylumo_error *err)
{
    double *values = dy_new_array(4 * pictures->count + 1, sizeof *values);
    bool good = values != NULL;
    for (unsigned set = 0; set < pictures->sets && good; set++) {
        size_t count = 0, at = 0;
        double *scores = values + 2 * pictures->count;
        for (size_t i = 0; i < pictures->count; i++) {
            const struct dy_picture *picture = &pictures->items[i];
            if (picture->set != set || !picture->rated || !learn[i])
                continue;
            values[count] = picture->valence;
            values[pictures->count + count++] = picture->arousal;
        }
        good = train_normal_scores(values, count, scores) &&
               train_normal_scores(values + pictures->count, count, scores + pictures->count);
        for (size_t i = 0; i < pictures->count && good; i++)
            if (pictures->items[i].set == set && pictures->items[i].rated && learn[i]) {
                valence[i] = (float)scores[at];
                arousal[i] = (float)scores[pictures->count + at++];
            }
    }
    dy_free(values);
    return good ? DYLUMO_OK
                : dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the ratings of %zu pictures",
                          pictures->count);
}

static enum dylumo_status list_pictures(struct train_fit *fit, struct dylumo_error *err)
{
    const struct dy_pictures *pictures = fit->data->pictures;
    bool *learn = dy_new_array(pictures->count + 1, sizeof *learn), good = learn != NULL;
    for (unsigned e = 0; e < DYLUMO_EMOTION_COUNT && good; e++)
        good = (fit->of_emotion[e] = dy_new_array(pictures->count + 1, sizeof(uint32_t))) != NULL;
    fit->rated = dy_new_array(pictures->count + 1, sizeof *fit->rated);
    fit->order = dy_new_array(pictures->count + 1, sizeof *fit->order);
    fit->valence = dy_new_array(pictures->count + 1, sizeof *fit->valence);
    fit->arousal = dy_new_array(pictures->count + 1, sizeof *fit->arousal);
    enum dylumo_status st = DYLUMO_OK;
    if (!good || !fit->rated || !fit->order || !fit->valence || !fit->arousal)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu pictures", pictures->count);
    for (size_t i = 0; i < pictures->count && !st; i++) {
        const struct dy_picture *picture = &pictures->items[i];
        learn[i] = learns_from(fit, i);
        if (learn[i] && picture->emotion >= 0)
            fit->of_emotion[picture->emotion][fit->emotion_count[picture->emotion]++] = (uint32_t)i;
        if (learn[i] && picture->rated)
            fit->rated[fit->rated_count++] = (uint32_t)i;
    }
    if (!st)
        st = train_rating_scores(pictures, learn, fit->valence, fit->arousal, err);
    dy_free(learn);
    return st;
}

/* Over the pictures with an emotion, or all where there are none; the whole view. */
static void measure_input(struct train_fit *fit, bool with_emotion)
{
    const struct dy_embeddings *embeddings = fit->data->embeddings;
    size_t count = 0;
    double *sums = (double *)(void *)fit->net.activations; /* idle before the first step */
    memset(sums, 0, 2 * embeddings->dimension * sizeof *sums);
    for (size_t i = 0; i < embeddings->count; i++) {
        if (!learns_from(fit, i) || (with_emotion && fit->data->pictures->items[i].emotion < 0))
            continue;
        const float *x = embeddings->at[i * embeddings->views];
        for (size_t j = 0; j < embeddings->dimension; j++) {
            sums[2 * j] += (double)x[j];
            sums[2 * j + 1] += (double)x[j] * (double)x[j];
        }
        count++;
    }
    for (size_t j = 0; j < embeddings->dimension && count; j++) {
        double mean = sums[2 * j] / (double)count;
        double variance = fmax(sums[2 * j + 1] / (double)count - mean * mean, 0);
        fit->mean[j] = (float)mean;
        fit->scale[j] = (float)(1 / (sqrt(variance) + 1e-3));
    }
    memset(sums, 0, 2 * embeddings->dimension * sizeof *sums);
}

static size_t with_emotion(const struct train_fit *fit)
{
    size_t count = 0;
    for (unsigned e = 0; e < DYLUMO_EMOTION_COUNT; e++)
        count += fit->emotion_count[e];
    return count;
}

static size_t rows_of(const struct train_fit *fit)
{
    const struct train_recipe *recipe = fit->data->recipe;
    if (recipe->plain)
        return recipe->emotion_rows;
    size_t people = fit->rated_count < recipe->people_rows ? fit->rated_count : recipe->people_rows;
    return (with_emotion(fit) ? recipe->emotion_rows : 0) + people;
}

static uint64_t key_of(const struct train_fit *fit, uint64_t part)
{
    return train_key(train_key(train_key(fit->data->seed, fit->fold), fit->network), part);
}

enum key_part { KEY_START, KEY_STEP, KEY_PAIRS };

enum dylumo_status train_fit_init(struct train_fit *fit, const struct train_data *data,
                                  unsigned fold, unsigned network, struct dylumo_error *err)
{
    struct train_shape shape = data->recipe->shape;
    *fit = (struct train_fit){.data = data, .fold = fold, .network = network};
    fit->state.rate = (double)data->recipe->adam.rate;
    fit->state.best = INFINITY;
    enum dylumo_status st = list_pictures(fit, err);
    size_t rows = rows_of(fit), emotions = with_emotion(fit);
    if (!st && rows < 2)
        st = dy_fail(err, DYLUMO_BAD_FILE,
                     "%zu labelled pictures are too few: without those of a fold, which are held "
                     "out, not two are left to learn from",
                     data->pictures->count);
    shape.input = data->embeddings->dimension;
    if (!st)
        st = train_net_init(&fit->net, &shape, rows > 64 ? rows : 64, data->workers, err);
    if (!st) {
        fit->mean = dy_new_array(shape.input, sizeof *fit->mean);
        fit->scale = dy_new_array(shape.input, sizeof *fit->scale);
        fit->targets = dy_new_array(rows, sizeof *fit->targets);
        fit->sources = dy_new_array(rows, sizeof *fit->sources);
        if (!fit->mean || !fit->scale || !fit->targets || !fit->sources)
            st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for a batch of %zu pictures", rows);
    }
    if (!st && data->recipe->plain)
        st = train_plain_init(fit, key_of(fit, KEY_PAIRS), err);
    if (st) {
        train_fit_clear(fit);
        return st;
    }
    if (!data->recipe->plain) {
        size_t of_step = emotions ? data->recipe->emotion_rows : rows;
        fit->steps = ((emotions ? emotions : fit->rated_count) + of_step - 1) / of_step;
        measure_input(fit, emotions > 0);
    }
    train_net_start(&fit->net, key_of(fit, KEY_START));
    return DYLUMO_OK;
}

void train_fit_clear(struct train_fit *fit)
{
    train_net_clear(&fit->net);
    for (unsigned e = 0; e < DYLUMO_EMOTION_COUNT; e++)
        dy_free(fit->of_emotion[e]);
    dy_free(fit->rated);
    dy_free(fit->order);
    dy_free(fit->pair_song);
    dy_free(fit->valence);
    dy_free(fit->arousal);
    dy_free(fit->mean);
    dy_free(fit->scale);
    dy_free(fit->targets);
    dy_free(fit->sources);
    dy_free(fit->best);
    *fit = (struct train_fit){0};
}

/* ------------------------------------------------------------------ a batch */

/* Where among the songs a picture's label lies, with noise. */
static void place_of(const struct train_data *data, const struct dy_picture *picture,
                     double valence, double arousal, struct train_random *random, double at[2])
{
    const struct train_recipe *recipe = data->recipe;
    double noise = (double)(picture->rated ? recipe->people_noise : recipe->emotion_noise);
    at[0] =
        picture->rated ? dy_normal_share(valence) : (double)recipe->place_valence[picture->emotion];
    at[1] =
        picture->rated ? dy_normal_share(arousal) : (double)recipe->place_energy[picture->emotion];
    at[0] += noise * train_random_normal(random);
    at[1] += noise * train_random_normal(random);
}

size_t train_pair_song(const struct train_data *data, const struct dy_picture *picture,
                       double valence, double arousal, struct train_random *random)
{
    double at[2];
    if (data->recipe->plain)
        return train_plain_song(data, picture, random);
    place_of(data, picture, valence, arousal, random, at);
    return train_songs_draw(data->songs, at[0], at[1], random);
}

static void set_row(struct train_fit *fit, size_t row, size_t picture, struct train_random *random)
{
    const struct train_data *data = fit->data;
    const struct dy_picture *item = &data->pictures->items[picture];
    const struct dy_embeddings *embeddings = data->embeddings;
    size_t view = train_random_below(random, embeddings->views);
    struct train_target *target = &fit->targets[row];
    fit->sources[row] = embeddings->at[picture * embeddings->views + view];
    *target = (struct train_target){.emotion = item->emotion,
                                    .people = item->rated,
                                    .song = true,
                                    .valence = fit->valence[picture],
                                    .arousal = fit->arousal[picture]};
    if (fit->taught && !item->rated) {
        target->taught = true;
        memcpy(target->opinion, fit->taught + 2 * picture, sizeof target->opinion);
    }
    double at[2];
    place_of(data, item, (double)fit->valence[picture], (double)fit->arousal[picture], random, at);
    train_songs_mean(data->songs, at[0], at[1], target->features);
}

/* An emotion by chance, each as likely, then one of its pictures; then rated ones, none twice. */
static size_t draw_batch(struct train_fit *fit, uint64_t key)
{
    const struct train_recipe *recipe = fit->data->recipe;
    struct train_random random = train_random_of(key);
    unsigned present[DYLUMO_EMOTION_COUNT], count = 0;
    size_t row = 0;
    for (unsigned e = 0; e < DYLUMO_EMOTION_COUNT; e++)
        if (fit->emotion_count[e])
            present[count++] = e;
    for (; count && row < recipe->emotion_rows; row++) {
        unsigned e = present[train_random_below(&random, count)];
        size_t one = train_random_below(&random, fit->emotion_count[e]);
        set_row(fit, row, fit->of_emotion[e][one], &random);
    }
    memcpy(fit->order, fit->rated, fit->rated_count * sizeof *fit->order);
    for (size_t i = 0; i < recipe->people_rows && i < fit->rated_count; i++, row++) {
        size_t j = i + train_random_below(&random, fit->rated_count - i);
        uint32_t picture = fit->order[j];
        fit->order[j] = fit->order[i];
        set_row(fit, row, picture, &random);
    }
    return row;
}

struct gathering {
    struct train_fit *fit;
    size_t rows;
};

static void gather_task(void *user, size_t task)
{
    struct gathering *gathering = user;
    struct train_fit *fit = gathering->fit;
    size_t input = fit->net.shape.input;
    for (size_t row = task * GATHER_ROWS; row < (task + 1) * GATHER_ROWS && row < gathering->rows;
         row++)
        fit->net.passes->normalise(fit->net.input + row * fit->net.layer[0].in_stride,
                                   fit->sources[row], fit->mean, fit->scale, input);
}

static void gather(struct train_fit *fit, size_t rows)
{
    struct gathering gathering = {fit, rows};
    dy_workers_run(fit->data->workers, (rows + GATHER_ROWS - 1) / GATHER_ROWS, gather_task,
                   &gathering);
}

/* ------------------------------------------------------------------ steps and epochs */

/* From `from` to `to` along half a cosine, at 0 <= t <= 1. */
static double along(double from, double to, double t)
{
    return to + (from - to) / 2 * (1 + cos(3.14159265358979323846 * t));
}

/* Up for a tenth of the steps, then down: rate / 25 to rate to rate / 250,000. */
static void set_rate(struct train_adam *adam, double peak, double step, double total)
{
    double top = 0.1 * total - 1, t = step <= top ? step / top : (step - top) / (total - 1 - top);
    bool up = step <= top;
    adam->rate = (float)(up ? along(peak / 25, peak, t) : along(peak, peak / 25e4, t));
    adam->beta1 = (float)(up ? along(0.95, 0.85, t) : along(0.85, 0.95, t));
}

double train_fit_step(struct train_fit *fit, size_t rows, const struct train_adam *adam)
{
    struct train_layer *last = &fit->net.layer[fit->net.layers - 1];
    uint64_t key = train_key(key_of(fit, KEY_STEP), fit->state.step);
    gather(fit, rows);
    train_net_forward(&fit->net, rows, train_key(key, 1));
    double loss =
        train_loss_of(&fit->data->recipe->loss, last->normal, fit->targets, rows, last->gradient);
    train_net_backward(&fit->net, rows);
    train_net_update(&fit->net, adam, ++fit->state.step);
    fit->state.loss += loss;
    return loss;
}

static void cycle_step(struct train_fit *fit)
{
    const struct train_recipe *recipe = fit->data->recipe;
    struct train_adam adam = recipe->adam;
    uint64_t key = train_key(key_of(fit, KEY_STEP), fit->state.step);
    size_t rows = draw_batch(fit, train_key(key, 0));
    set_rate(&adam, (double)recipe->adam.rate, (double)fit->state.step,
             (double)(fit->steps * recipe->epochs));
    train_fit_step(fit, rows, &adam);
}

enum dylumo_status train_fit_epoch(struct train_fit *fit, const struct dylumo_context *context,
                                   double *loss, struct dylumo_error *err)
{
    const struct train_recipe *recipe = fit->data->recipe;
    uint64_t end = (fit->state.step / fit->steps + 1) * fit->steps;
    while (fit->state.step < end) {
        if (dy_context_cancelled(context))
            return dy_fail(err, DYLUMO_CANCELLED, "training was stopped");
        if (recipe->plain)
            train_plain_step(fit, key_of(fit, KEY_STEP));
        else
            cycle_step(fit);
    }
    *loss = fit->state.loss / (double)fit->steps;
    fit->state.loss = 0;
    if (!(*loss < 1e6))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "training ran away: its loss is %g", *loss);
    if (recipe->plain)
        return train_plain_epoch_end(fit, err);
    fit->state.finished = fit->state.step >= fit->steps * recipe->epochs;
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ in use */

enum dylumo_status train_fit_predict(struct train_fit *fit, const uint32_t *pictures, size_t count,
                                     bool flip, float *outputs, struct dylumo_error *err)
{
    const struct dy_embeddings *embeddings = fit->data->embeddings;
    size_t input = fit->net.shape.input, block = fit->net.rows_max;
    unsigned views = flip && embeddings->views > DY_VIEW_FLIP ? 2 : 1;
    float *rows = dy_new_array(block * (input + DY_MOOD_OUTPUTS), sizeof *rows);
    if (!rows)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to predict %zu pictures", count);
    float *found = rows + block * input;
    memset(outputs, 0, count * DY_MOOD_OUTPUTS * sizeof *outputs);
    for (size_t first = 0; first < count; first += block) {
        size_t size = count - first < block ? count - first : block;
        for (unsigned view = 0; view < views; view++) {
            for (size_t i = 0; i < size; i++)
                fit->net.passes->normalise(
                    rows + i * input,
                    embeddings->at[(size_t)pictures[first + i] * embeddings->views + view],
                    fit->mean, fit->scale, input);
            train_net_predict(&fit->net, rows, found, size);
            for (size_t i = 0; i < size * DY_MOOD_OUTPUTS; i++)
                outputs[first * DY_MOOD_OUTPUTS + i] += found[i] / (float)views;
        }
    }
    dy_free(rows);
    return DYLUMO_OK;
}
