/* The mood file: networks with batch norm folded in, as halves, and all that was measured. */
#include "train_write.h"

#include "dy_format.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TENSORS_MAX (16 + DY_MOOD_NETWORKS_MAX * (TRAIN_HIDDEN_MAX + 1) * 2)

void train_done_load(struct train_fit *scratch, const struct train_done *done)
{
    struct train_net *net = &scratch->net;
    memcpy(net->parameters, done->parameters, net->parameter_count * sizeof *net->parameters);
    memcpy(net->running, done->running, net->running_count * sizeof *net->running);
}

/* A list of tensors that owns names and some of the data. */
struct list {
    struct dy_tensor tensors[TENSORS_MAX];
    char names[TENSORS_MAX][40];
    void *owned[TENSORS_MAX];
    size_t count;
};

static void add(struct list *list, const char *name, enum dy_dtype dtype, uint64_t rows,
                uint64_t columns, const void *data)
{
    size_t at = list->count++;
    struct dy_tensor *tensor = &list->tensors[at];
    snprintf(list->names[at], sizeof list->names[at], "%s", name);
    *tensor = (struct dy_tensor){.name = list->names[at],
                                 .dtype = dtype,
                                 .dims = columns ? 2 : 1,
                                 .shape = {rows, columns},
                                 .data = data,
                                 .size = (size_t)rows * (columns ? (size_t)columns : 1) *
                                         dy_dtype_size(dtype)};
}

/* Layer i of network k, from its values [out][in] and [out]. The list owns what it makes, bias too.
 * false: no memory. */
static bool add_layer(struct list *list, unsigned k, unsigned i, size_t out, size_t in,
                      const float *weight, float *bias)
{
    char name[40];
    uint16_t *halves = list->owned[list->count] = dy_new_array(out * in, sizeof *halves);
    list->owned[list->count + 1] = bias;
    if (!weight || !bias || !halves)
        return false;
    for (size_t j = 0; j < out * in; j++)
        halves[j] = dy_f16_from_f32(weight[j]);
    snprintf(name, sizeof name, "network.%u.%u.weight", k, i);
    add(list, name, DY_F16, out, in, halves);
    snprintf(name, sizeof name, "network.%u.%u.bias", k, i);
    add(list, name, DY_F32, out, 0, bias);
    return true;
}

static bool add_trained_layer(struct list *list, const struct train_net *net, unsigned k,
                              unsigned i)
{
    const struct train_layer *layer = &net->layer[i];
    float *weight = dy_new_array(layer->in * layer->out, sizeof *weight);
    float *bias = dy_new_array(layer->out, sizeof *bias);
    if (weight && bias)
        train_net_fold(net, i, weight, bias);
    bool good = add_layer(list, k, i, layer->out, layer->in, weight, bias);
    dy_free(weight);
    return good;
}

static void add_tables(struct list *list, const struct train_mood_head *head)
{
    const struct train_recipe *recipe = head->recipe;
    const struct train_reference *reference = head->reference;
    uint64_t dimension = head->dimension, axes = recipe->axes;
    add(list, "input.mean", DY_F32, dimension, 0, head->mean);
    add(list, "input.scale", DY_F32, dimension, 0, head->scale);
    if (head->text_mean)
        add(list, "text.mean", DY_F32, dimension, 0, head->text_mean);
    add(list, "emotion.happy", DY_F32, DYLUMO_EMOTION_COUNT, 0, recipe->happy);
    add(list, "emotion.lively", DY_F32, DYLUMO_EMOTION_COUNT, 0, recipe->lively);
    add(list, "emotion.temperature", DY_F32, 1, 0, &reference->temperature);
    add(list, "axis.songs", DY_F32, axes, DYLUMO_FEATURE_COUNT, recipe->axis_songs);
    add(list, "axis.weight", DY_F32, axes, 0, recipe->axis_weight);
    add(list, "axis.error", DY_F32, axes, 0, reference->axis_error);
    add(list, "axis.readings", DY_F32, axes, DY_MOOD_READINGS, reference->axis_readings);
    add(list, "feature.r2", DY_F32, DYLUMO_FEATURE_COUNT, 0, reference->r2);
    add(list, "reference.levels", DY_F32, TRAIN_LEVELS, 0, reference->level);
    add(list, "reference.features", DY_F32, DYLUMO_FEATURE_COUNT, TRAIN_LEVELS,
        reference->features);
    add(list, "reference.axes", DY_F32, axes, TRAIN_LEVELS, reference->axes);
}

static void join_names(char text[static 512], const char *(*name_of)(unsigned i), unsigned count)
{
    size_t used = 0;
    for (unsigned i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, 512 - used, "%s%s", i ? " " : "", name_of(i));
}

static const char *feature_name(unsigned i)
{
    return dylumo_feature_info((enum dylumo_feature)i)->name;
}

static const char *emotion_name(unsigned i)
{
    return dylumo_emotion_name((enum dylumo_emotion)i);
}

static enum dylumo_status write_list(const char *path, const struct list *list,
                                     const struct train_mood_head *head, unsigned networks,
                                     struct dylumo_error *err)
{
    char features[512] = "", emotions[512] = "", hash[24], count[16];
    join_names(features, feature_name, DYLUMO_FEATURE_COUNT);
    join_names(emotions, emotion_name, DYLUMO_EMOTION_COUNT);
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)head->encoder_hash);
    snprintf(count, sizeof count, "%u", networks);
    const bool words = head->text_mean != NULL;
    const char *const metadata[] = {"dylumo.kind",
                                    "mood",
                                    "dylumo.version",
                                    words ? "2" : "1",
                                    "dylumo.encoder",
                                    head->encoder,
                                    "dylumo.encoder_hash",
                                    hash,
                                    "dylumo.features",
                                    features,
                                    "dylumo.emotions",
                                    emotions,
                                    "dylumo.networks",
                                    count,
                                    "dylumo.flip",
                                    head->recipe->flip ? "1" : "0",
                                    "dylumo.axes",
                                    head->recipe->axis_names,
                                    "dylumo.recipe",
                                    head->recipe->name,
                                    "dylumo.pairing",
                                    head->recipe->pairing,
                                    "dylumo.card",
                                    head->card,
                                    words ? "dylumo.unit"
                                          : NULL, /* the list ends here in version 1 */
                                    "0",
                                    NULL};
    return dy_safetensors_write(path, list->tensors, list->count, metadata, err);
}

/* Adds tables and writes; good: all layers could be added. Frees the list. */
static enum dylumo_status finish_list(const char *path, struct list *list, bool good,
                                      const struct train_mood_head *head, unsigned networks,
                                      struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    if (good) {
        add_tables(list, head);
        st = write_list(path, list, head, networks, err);
    } else {
        st = dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to write it", path);
    }
    for (size_t i = 0; list && i < TENSORS_MAX; i++)
        dy_free(list->owned[i]);
    dy_free(list);
    return st;
}

enum dylumo_status train_write_mood(const char *path, struct train_fit *scratch,
                                    const struct train_done *done, unsigned count,
                                    const struct train_reference *reference, const char *card,
                                    struct dylumo_error *err)
{
    const struct train_data *data = scratch->data;
    const struct train_mood_head head = {.recipe = data->recipe,
                                         .encoder = data->embeddings->encoder,
                                         .encoder_hash = data->embeddings->encoder_hash,
                                         .dimension = scratch->net.shape.input,
                                         .mean = scratch->mean,
                                         .scale = scratch->scale,
                                         .text_mean = data->text_mean,
                                         .reference = reference,
                                         .card = card};
    struct list *list = dy_new(sizeof *list);
    bool good = list != NULL;
    for (unsigned k = 0; k < count && good; k++) {
        train_done_load(scratch, &done[k]);
        for (unsigned i = 0; i < scratch->net.layers && good; i++)
            good = add_trained_layer(list, &scratch->net, k, i);
    }
    return finish_list(path, list, good, &head, count, err);
}

enum dylumo_status train_write_linear(const char *path, const struct train_mood_head *head,
                                      const float *weight, const float *bias,
                                      struct dylumo_error *err)
{
    struct list *list = dy_new(sizeof *list);
    float *own = dy_new_array(DY_MOOD_OUTPUTS, sizeof *own);
    if (own)
        memcpy(own, bias, DY_MOOD_OUTPUTS * sizeof *own);
    bool good = list && add_layer(list, 0, 0, DY_MOOD_OUTPUTS, head->dimension, weight, own);
    if (!list)
        dy_free(own);
    return finish_list(path, list, good, head, 1, err);
}

/* ------------------------------------------------------------------ card */

static json_t *rounded(double value)
{
    return isfinite(value) ? json_real(round(value * 1e4) / 1e4) : json_null();
}

/* The last two names of a path: enough to know the table by, nothing of the machine. */
static const char *short_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    while (slash && slash > path && slash[-1] != '/')
        slash--;
    return slash && slash > path ? slash : path;
}

static json_t *figures_card(const struct dy_train_figures *figures)
{
    json_t *r2 = json_object();
    for (unsigned j = 0; j < DYLUMO_FEATURE_COUNT; j++)
        json_object_set_new(r2, feature_name(j), rounded(figures->r2[j]));
    return json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "what",
        "out of fold: each picture read by networks that did not learn from it or its "
        "like",
        "valence rho", rounded(figures->valence_fit), "arousal rho", rounded(figures->arousal_fit),
        "valence axis rho", rounded(figures->valence_place), "energy axis rho",
        rounded(figures->energy_place), "happy or not AUC", rounded(figures->happy_or_not),
        "lively or calm AUC", rounded(figures->lively_or_calm), "emotions right, equal shares",
        rounded(figures->emotion_accuracy), "calibration error",
        rounded(figures->calibration_error), "r2 of song features", r2);
}

char *train_card_new(const struct train_data *data, const struct dy_train_options *options,
                     const struct dy_train_figures *figures)
{
    const struct train_recipe *recipe = data->recipe;
    json_t *tables = json_array();
    for (size_t i = 0; i < options->label_count; i++)
        json_array_append_new(tables, json_string(short_name(options->labels[i])));
    json_t *card = json_pack(
        "{s:o, s:I, s:I, s:I, s:I, s:s, s:s, s:I, s:i, s:i, s:i, s:i, s:o}", "tables", tables,
        "pictures", (json_int_t)(figures->pictures - figures->unreadable), "with emotion",
        (json_int_t)figures->with_emotion, "rated", (json_int_t)figures->rated, "songs",
        (json_int_t)data->songs->count, "recipe", recipe->name, "pairing", recipe->pairing, "seed",
        (json_int_t)data->seed, "networks", (int)recipe->networks, "folds", (int)recipe->folds,
        "epochs", (int)recipe->epochs, "views", (int)data->embeddings->views, "figures",
        figures_card(figures));
    char *text = card ? json_dumps(card, JSON_COMPACT) : NULL;
    char *copy = text ? dy_strdup(text) : NULL;
    free(text);
    json_decref(card);
    return copy;
}
