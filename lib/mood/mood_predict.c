/* From embeddings to a mood: every network's outputs for every view, their mean, and what is read
 * off it. All scratch is on the stack, its size bounded when the file was opened. */
#include "mood_internal.h"

#include <math.h>
#include <string.h>

/* One network on a normalised input; outputs [DY_MOOD_OUTPUTS]. */
static void run_network(const struct dy_mood_model *model, const struct network *network,
                        const float *input, float *outputs)
{
    float hidden[2][DY_MOOD_WIDTH_MAX];
    const float *x = input;
    for (unsigned i = 0; i < network->layers; i++) {
        const struct layer *layer = &network->layer[i];
        bool last = i + 1 == network->layers;
        float *y = last ? outputs : hidden[i % 2];
        if (layer->weight)
            model->dense(layer->weight, layer->bias, x, y, layer->rows, layer->columns, !last);
        else
            dy_mood_dense_f32(layer->weight_f32, layer->bias, x, y, layer->rows, layer->columns,
                              !last);
        x = y;
    }
}

/* 1 / length, or 1 where the length is left as it is (or has no inverse). */
static float length_factor(const struct dy_mood_model *model, const float *embedding)
{
    double square = 0;
    for (unsigned i = 0; i < model->info.dimension; i++)
        square += (double)embedding[i] * (double)embedding[i];
    return model->info.unit && square > 0 ? (float)(1 / sqrt(square)) : 1;
}

static void normalise(const struct dy_mood_model *model, const float *embedding, float *input)
{
    float factor = length_factor(model, embedding);
    for (unsigned i = 0; i < model->info.dimension; i++)
        input[i] = (embedding[i] * factor - model->input_mean[i]) * model->input_scale[i];
}

/* Sums of outputs and of calibrated probabilities over the networks, for one embedding. */
static void add_opinions(const struct dy_mood_model *model, const float *embedding,
                         double outputs[DY_MOOD_OUTPUTS], double opinions[DYLUMO_EMOTION_COUNT])
{
    float input[DY_MOOD_DIMENSION_MAX];
    normalise(model, embedding, input);
    for (unsigned k = 0; k < model->info.networks; k++) {
        float one[DY_MOOD_OUTPUTS] = {0}, p[DYLUMO_EMOTION_COUNT];
        run_network(model, &model->networks[k], input, one);
        dy_mood_softmax(one, model->info.temperature, p);
        for (unsigned i = 0; i < DY_MOOD_OUTPUTS; i++)
            outputs[i] += one[i];
        for (unsigned i = 0; i < DYLUMO_EMOTION_COUNT; i++)
            opinions[i] += p[i];
    }
}

static void mean_outputs(const struct dy_mood_model *model, const float *embeddings, unsigned views,
                         float outputs[DY_MOOD_OUTPUTS], double opinions[DYLUMO_EMOTION_COUNT])
{
    double sums[DY_MOOD_OUTPUTS] = {0}, voters = (double)views * model->info.networks;
    memset(opinions, 0, DYLUMO_EMOTION_COUNT * sizeof *opinions);
    for (unsigned v = 0; v < views; v++)
        add_opinions(model, embeddings + (size_t)v * model->info.dimension, sums, opinions);
    for (unsigned i = 0; i < DY_MOOD_OUTPUTS; i++)
        outputs[i] = (float)(sums[i] / voters);
    for (unsigned i = 0; i < DYLUMO_EMOTION_COUNT; i++)
        opinions[i] /= voters;
}

void dy_mood_outputs(const struct dy_mood_model *model, const float *embedding,
                     float outputs[DY_MOOD_OUTPUTS])
{
    double opinions[DYLUMO_EMOTION_COUNT];
    mean_outputs(model, embedding, 1, outputs, opinions);
}

/* 1 - entropy / ln 7. */
static float sureness(const double opinions[DYLUMO_EMOTION_COUNT])
{
    double entropy = 0;
    for (unsigned i = 0; i < DYLUMO_EMOTION_COUNT; i++)
        entropy -= opinions[i] > 0 ? opinions[i] * log(opinions[i]) : 0;
    double sure = 1 - entropy / log(DYLUMO_EMOTION_COUNT);
    return (float)fmin(fmax(sure, 0), 1);
}

/* The share of the reference below x: the table turned round, linear between its levels; below its
 * first and above its last value the share of that level. */
static float share_below(const struct dy_mood_model *model, const float *table, float x)
{
    size_t low = 0, high = model->levels - 1;
    if (x <= table[low])
        return model->level[low];
    if (x >= table[high])
        return model->level[high];
    while (high - low > 1) { /* table[low] < x < table[high], or equal within a flat stretch */
        size_t middle = low + (high - low) / 2;
        if (table[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    float t = (x - table[low]) / (table[high] - table[low]);
    return model->level[low] + t * (model->level[high] - model->level[low]);
}

static void find_places(const struct dy_mood_model *model, const float outputs[DY_MOOD_OUTPUTS],
                        struct dy_mood *out)
{
    float readings[DY_MOOD_READINGS];
    dy_mood_readings(outputs, model->happy, model->lively, readings);
    for (unsigned i = 0; i < DYLUMO_FEATURE_COUNT; i++)
        out->feature_places[i] =
            share_below(model, model->feature_tables + i * model->levels, out->features[i]);
    for (unsigned a = 0; a < model->info.axes; a++) {
        const float *direction = model->axis_readings + a * DY_MOOD_READINGS;
        float sum = 0;
        for (unsigned i = 0; i < DY_MOOD_READINGS; i++)
            sum += direction[i] * readings[i];
        out->places[a] = share_below(model, model->axis_tables + a * model->levels, sum);
        out->scores[a] = (float)dy_normal_quantile(out->places[a]);
    }
}

enum dylumo_status dy_mood_predict(const struct dy_mood_model *model, const float *embeddings,
                                   unsigned views, struct dy_mood *out, struct dylumo_error *err)
{
    if (!views)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "mood of no picture asked for");
    for (size_t i = 0; i < (size_t)views * model->info.dimension; i++)
        if (!isfinite(embeddings[i]))
            return dy_fail(err, DYLUMO_BAD_ARGUMENT, "embedding's number %zu is not finite", i);
    float outputs[DY_MOOD_OUTPUTS];
    double opinions[DYLUMO_EMOTION_COUNT];
    mean_outputs(model, embeddings, views, outputs, opinions);
    for (unsigned i = 0; i < DY_MOOD_OUTPUTS; i++)
        if (!isfinite(outputs[i]))
            return dy_fail(err, DYLUMO_BAD_ARGUMENT, "embedding is too large to have a mood");
    *out = (struct dy_mood){.valence = outputs[DY_MOOD_VALENCE],
                            .arousal = outputs[DY_MOOD_AROUSAL],
                            .axes = model->info.axes,
                            .sure = sureness(opinions)};
    memcpy(out->features, outputs + DY_MOOD_FEATURES, sizeof out->features);
    dy_mood_softmax(outputs, model->info.temperature, out->emotions);
    find_places(model, outputs, out);
    return DYLUMO_OK;
}

enum dylumo_status dy_mood_center_words(const struct dy_mood_model *model, const float *words,
                                        float *embedding, struct dylumo_error *err)
{
    if (!model->text_mean)
        return dy_fail(err, DYLUMO_UNSUPPORTED,
                       "the mood file of %.50s knows pictures only, no words", model->info.encoder);
    for (unsigned i = 0; i < model->info.dimension; i++)
        embedding[i] = words[i] - model->text_mean[i] + model->input_mean[i];
    return DYLUMO_OK;
}
