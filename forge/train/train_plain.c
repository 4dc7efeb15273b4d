/* The recipe that everyone starts with: every picture gets five random songs of its emotion, a
 * song's emotion being a rule over valence and energy; 13 features scaled from minimum to maximum;
 * squared error; Adam; the rate halved after 5 epochs without a better loss on a held-back tenth,
 * an end after 15. Awe has no song by that rule, so its pictures are left out. */
#include "train_plain.h"

#include <math.h>
#include <string.h>

#define SONGS_EACH 5
#define STALE_HALVES 5
#define STALE_ENDS 15

static int emotion_of(const struct train_data *data, const struct dy_picture *picture)
{
    (void)data;
    if (picture->emotion >= 0)
        return picture->emotion;
    /* ratings from 1 to 7, as OASIS has them */
    return (int)train_plain_emotion((picture->valence - 1) / 6, (picture->arousal - 1) / 6);
}

size_t train_plain_song(const struct train_data *data, const struct dy_picture *picture,
                        struct train_random *random)
{
    int emotion = emotion_of(data, picture);
    size_t count = data->songs->of_emotion_count[emotion];
    if (!count) /* asked only by measures over all pictures */
        return train_random_below(random, data->songs->count);
    return data->songs->of_emotion[emotion][train_random_below(random, count)];
}

/* Pictures with songs, on the side of the tenth that is asked for. */
static bool belongs(const struct train_fit *fit, size_t picture, bool held_back)
{
    const struct train_data *data = fit->data;
    unsigned fold = data->fold[picture];
    int emotion = emotion_of(data, &data->pictures->items[picture]);
    return fold != TRAIN_NO_FOLD && fold != fit->fold && data->songs->of_emotion_count[emotion] &&
           (data->tenth[picture] == fit->held_tenth) == held_back;
}

/* The tenth that is nearest to a tenth of what may be learned from: groups are uneven. */
static unsigned choose_tenth(const struct train_fit *fit)
{
    const struct train_data *data = fit->data;
    double of_tenth[10] = {0}, total = 0;
    unsigned best = 0;
    for (size_t i = 0; i < data->pictures->count; i++) {
        bool either = belongs(fit, i, true) || belongs(fit, i, false);
        of_tenth[data->tenth[i] % 10] += either;
        total += either;
    }
    for (unsigned t = 1; t < 10; t++)
        if (fabs(of_tenth[t] - total / 10) < fabs(of_tenth[best] - total / 10))
            best = t;
    return best;
}

/* Learned pairs first, then held-back ones: pair i is (order[i], pair_song[i]). */
enum dylumo_status train_plain_init(struct train_fit *fit, uint64_t key, struct dylumo_error *err)
{
    const struct train_data *data = fit->data;
    size_t most = data->pictures->count * SONGS_EACH + 1, count = 0;
    struct train_random random = train_random_of(key);
    dy_free(fit->order);
    fit->order = dy_new_array(most, sizeof *fit->order);
    fit->pair_song = dy_new_array(most, sizeof *fit->pair_song);
    fit->best = dy_new_array(fit->net.parameter_count + fit->net.running_count, sizeof *fit->best);
    if (!fit->order || !fit->pair_song || !fit->best)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu pairs", most);
    fit->held_tenth = choose_tenth(fit);
    for (int held_back = 0; held_back < 2; held_back++) {
        for (size_t i = 0; i < data->pictures->count; i++)
            for (unsigned s = 0; s < SONGS_EACH && belongs(fit, i, held_back); s++) {
                fit->order[count] = (uint32_t)i;
                fit->pair_song[count++] =
                    (uint32_t)train_plain_song(data, &data->pictures->items[i], &random);
            }
        if (!held_back)
            fit->pair_count = count;
    }
    fit->rated_count = count; /* pairs in all */
    fit->steps = fit->pair_count / data->recipe->emotion_rows;
    if (!fit->steps || count == fit->pair_count)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "too few pictures: %zu pairs to learn from and %zu to stop by, where the "
                       "recipe needs %zu and 1",
                       fit->pair_count, count - fit->pair_count, data->recipe->emotion_rows);
    for (size_t j = 0; j < fit->net.shape.input; j++)
        fit->scale[j] = 1; /* the embedding as it is */
    return DYLUMO_OK;
}

static void set_pair(struct train_fit *fit, size_t row, size_t pair)
{
    const struct train_data *data = fit->data;
    fit->sources[row] = data->embeddings->at[(size_t)fit->order[pair] * data->embeddings->views];
    fit->targets[row] = (struct train_target){.emotion = -1, .song = true};
    memcpy(fit->targets[row].features,
           data->songs->features + (size_t)fit->pair_song[pair] * DYLUMO_FEATURE_COUNT,
           sizeof fit->targets[row].features);
}

/* Pair number i of the epoch's shuffle: a keyed permutation by walking a Feistel network over the
 * next power of four until it lands below count, so that no shuffled list must be kept. */
static size_t shuffled(size_t i, size_t count, uint64_t key)
{
    unsigned half = 1;
    while ((UINT64_C(1) << (2 * half)) < count)
        half++;
    uint64_t mask = (UINT64_C(1) << half) - 1, x = i;
    do {
        for (unsigned round = 0; round < 4; round++)
            x = (x & mask) << half |
                ((x >> half) ^ (train_mix(key + round * 977 + (x & mask)) & mask));
    } while (x >= count);
    return (size_t)x;
}

void train_plain_step(struct train_fit *fit, uint64_t key)
{
    const struct train_recipe *recipe = fit->data->recipe;
    struct train_adam adam = recipe->adam;
    uint64_t epoch = fit->state.step / fit->steps, at = fit->state.step % fit->steps;
    for (size_t row = 0; row < recipe->emotion_rows; row++)
        set_pair(fit, row,
                 shuffled(at * recipe->emotion_rows + row, fit->pair_count, train_key(key, epoch)));
    adam.rate = (float)fit->state.rate;
    train_fit_step(fit, recipe->emotion_rows, &adam);
}

/* Mean squared error over the held-back pairs. */
static enum dylumo_status held_back_loss(struct train_fit *fit, double *loss,
                                         struct dylumo_error *err)
{
    size_t first = fit->pair_count, count = fit->rated_count - first;
    float *outputs = dy_new_array(count * DY_MOOD_OUTPUTS, sizeof *outputs);
    if (!outputs)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu pairs", count);
    enum dylumo_status st = train_fit_predict(fit, fit->order + first, count, false, outputs, err);
    *loss = 0;
    for (size_t i = 0; i < count && !st; i++)
        for (unsigned j = 0; j < DYLUMO_FEATURE_COUNT; j++) {
            size_t song = fit->pair_song[first + i];
            double off = (double)outputs[i * DY_MOOD_OUTPUTS + DY_MOOD_FEATURES + j] -
                         (double)fit->data->songs->features[song * DYLUMO_FEATURE_COUNT + j];
            *loss += off * off / (double)(count * DYLUMO_FEATURE_COUNT);
        }
    dy_free(outputs);
    return st;
}

enum dylumo_status train_plain_epoch_end(struct train_fit *fit, struct dylumo_error *err)
{
    struct train_net *net = &fit->net;
    double loss;
    enum dylumo_status st = held_back_loss(fit, &loss, err);
    if (st)
        return st;
    if (loss < fit->state.best) {
        fit->state.best = loss;
        fit->state.stale = 0;
        memcpy(fit->best, net->parameters, net->parameter_count * sizeof *fit->best);
        memcpy(fit->best + net->parameter_count, net->running,
               net->running_count * sizeof *fit->best);
    } else if (++fit->state.stale % STALE_HALVES == 0) {
        fit->state.rate /= 2;
    }
    if (fit->state.stale >= STALE_ENDS ||
        fit->state.step >= fit->steps * fit->data->recipe->epochs) {
        fit->state.finished = true;
        memcpy(net->parameters, fit->best, net->parameter_count * sizeof *fit->best);
        memcpy(net->running, fit->best + net->parameter_count,
               net->running_count * sizeof *fit->best);
    }
    return DYLUMO_OK;
}
