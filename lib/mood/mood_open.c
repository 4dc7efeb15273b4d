/* The mood file, opened: metadata and tensors are checked once against the contract of
 * docs/formats/safetensors.md, so that predicting need not look again. Nothing is copied; weights
 * are used where they are mapped. */
#include "mood_internal.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ metadata */

static enum dylumo_status get_text(const struct dy_mood_model *model, const char *path,
                                   const char *key, const char **text, struct dylumo_error *err)
{
    *text = dy_safetensors_metadata(model->file, key);
    if (!*text)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: metadata has no '%s' (is it a mood file?)", path,
                       key);
    return DYLUMO_OK;
}

/* The value must be exactly this. */
static enum dylumo_status demand_text(const struct dy_mood_model *model, const char *path,
                                      const char *key, const char *wanted, struct dylumo_error *err)
{
    const char *text;
    enum dylumo_status st = get_text(model, path, key, &text, err);
    if (!st && strcmp(text, wanted) != 0)
        st = dy_fail(err, DYLUMO_BAD_FILE, "%s: '%s' is '%.200s', expected '%s'", path, key, text,
                     wanted);
    return st;
}

/* 1, or 2: weights may be f32, the encoder's weights any, the embedding brought to length 1, and a
 * scaler and the mean of an encoder's words may be there. */
static enum dylumo_status read_version(struct dy_mood_model *model, const char *path,
                                       struct dylumo_error *err)
{
    const char *text;
    enum dylumo_status st = get_text(model, path, "dylumo.version", &text, err);
    if (st)
        return st;
    model->version = !strcmp(text, "1") ? 1 : !strcmp(text, "2") ? 2 : 0;
    return model->version
               ? DYLUMO_OK
               : dy_fail(err, DYLUMO_BAD_FILE,
                         "%s: 'dylumo.version' is '%.200s', expected '1' or '2'", path, text);
}

static void append(char text[static 512], const char *word)
{
    size_t used = strlen(text);
    snprintf(text + used, 512 - used, "%s%s", used ? " " : "", word);
}

static enum dylumo_status check_names(struct dy_mood_model *model, const char *path,
                                      struct dylumo_error *err)
{
    char features[512] = "", emotions[512] = "";
    for (unsigned i = 0; i < DYLUMO_FEATURE_COUNT; i++)
        append(features, dylumo_feature_info((enum dylumo_feature)i)->name);
    for (unsigned i = 0; i < DYLUMO_EMOTION_COUNT; i++)
        append(emotions, dylumo_emotion_name((enum dylumo_emotion)i));
    enum dylumo_status st = demand_text(model, path, "dylumo.kind", "mood", err);
    if (!st)
        st = read_version(model, path, err);
    if (!st)
        st = demand_text(model, path, "dylumo.features", features, err);
    if (!st)
        st = demand_text(model, path, "dylumo.emotions", emotions, err);
    return st;
}

static enum dylumo_status read_number(const struct dy_mood_model *model, const char *path,
                                      const char *key, int base, uint64_t most, uint64_t *number,
                                      struct dylumo_error *err)
{
    const char *text;
    char *end;
    enum dylumo_status st = get_text(model, path, key, &text, err);
    if (st)
        return st;
    *number = strtoull(text, &end, base);
    if (!strchr("0123456789abcdef", text[0]) || !text[0] || *end || strlen(text) > 16 ||
        *number > most)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: '%s' is '%.100s', expected a number up to %llu",
                       path, key, text, (unsigned long long)most);
    return DYLUMO_OK;
}

static enum dylumo_status read_axis_names(struct dy_mood_model *model, const char *path,
                                          struct dylumo_error *err)
{
    const char *at;
    enum dylumo_status st = get_text(model, path, "dylumo.axes", &at, err);
    if (st)
        return st;
    unsigned count = 0;
    for (;; count++) {
        size_t length = strcspn(at, " ");
        if (count == DY_MOOD_AXES_MAX || !length || length >= sizeof model->axis_names[0])
            return dy_fail(err, DYLUMO_BAD_FILE, "%s: 'dylumo.axes' is not 1 to %d words", path,
                           DY_MOOD_AXES_MAX);
        memcpy(model->axis_names[count], at, length);
        model->info.axis_names[count] = model->axis_names[count];
        at += length;
        if (!*at++)
            break;
    }
    model->info.axes = count + 1;
    return DYLUMO_OK;
}

static enum dylumo_status check_card(const struct dy_mood_model *model, const char *path,
                                     struct dylumo_error *err)
{
    json_error_t why;
    json_t *card = json_loads(model->info.card, JSON_REJECT_DUPLICATES, &why);
    bool good = json_is_object(card);
    json_decref(card);
    if (!card && json_error_code(&why) == json_error_out_of_memory)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for its data card", path);
    if (!good)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: 'dylumo.card' is not a JSON object", path);
    return DYLUMO_OK;
}

static enum dylumo_status read_metadata(struct dy_mood_model *model, const char *path,
                                        struct dylumo_error *err)
{
    struct dy_mood_info *info = &model->info;
    uint64_t networks = 0, flip = 0, unit = 0;
    enum dylumo_status st = check_names(model, path, err);
    if (!st)
        st = get_text(model, path, "dylumo.encoder", &info->encoder, err);
    if (!st)
        st = read_number(model, path, "dylumo.encoder_hash", 16, UINT64_MAX, &info->encoder_hash,
                         err);
    if (!st)
        st = read_number(model, path, "dylumo.networks", 10, DY_MOOD_NETWORKS_MAX, &networks, err);
    if (!st && !networks)
        st = dy_fail(err, DYLUMO_BAD_FILE, "%s: holds no network", path);
    if (!st)
        st = read_number(model, path, "dylumo.flip", 10, 1, &flip, err);
    if (!st && model->version > 1)
        st = read_number(model, path, "dylumo.unit", 10, 1, &unit, err);
    if (!st && model->version == 1 && !info->encoder_hash)
        st = dy_fail(err, DYLUMO_BAD_FILE, "%s: 'dylumo.encoder_hash' is 0", path);
    if (!st)
        st = get_text(model, path, "dylumo.recipe", &info->recipe, err);
    if (!st)
        st = get_text(model, path, "dylumo.pairing", &info->pairing, err);
    if (!st)
        st = get_text(model, path, "dylumo.card", &info->card, err);
    if (!st)
        st = check_card(model, path, err);
    if (!st)
        st = read_axis_names(model, path, err);
    info->networks = (unsigned)networks;
    info->flip = flip == 1;
    info->unit = unit == 1;
    info->scaled = !st && !strcmp(info->recipe, "plain");
    info->has_text = model->version > 1 && dy_safetensors_find(model->file, "text.mean");
    return st;
}

/* ------------------------------------------------------------------ tables */

/* A tensor of f32, all finite and within least..most. */
static enum dylumo_status get_floats(const struct dy_mood_model *model, const char *path,
                                     const char *name, unsigned dims, const uint64_t *shape,
                                     float least, float most, const float **out,
                                     struct dylumo_error *err)
{
    const struct dy_tensor *tensor;
    enum dylumo_status st =
        dy_safetensors_expect(model->file, name, DY_F32, dims, shape, &tensor, err);
    if (st)
        return st;
    const float *values = tensor->data;
    for (size_t i = 0; i < tensor->size / sizeof *values; i++)
        if (!(values[i] >= least && values[i] <= most))
            return dy_fail(err, DYLUMO_BAD_FILE, "%s: '%s' holds %g at %zu, expected %g to %g",
                           path, name, (double)values[i], i, (double)least, (double)most);
    *out = values;
    return DYLUMO_OK;
}

#define LARGE 3e38f
#define WHOLE_FINITE (-LARGE), LARGE

static enum dylumo_status read_input(struct dy_mood_model *model, const char *path,
                                     struct dylumo_error *err)
{
    const struct dy_tensor *mean = dy_safetensors_find(model->file, "input.mean");
    uint64_t dimension = mean && mean->dims == 1 ? mean->shape[0] : 0;
    if (!dimension || dimension > DY_MOOD_DIMENSION_MAX)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: 'input.mean' is not a list of 1 to %d numbers",
                       path, DY_MOOD_DIMENSION_MAX);
    model->info.dimension = (unsigned)dimension;
    enum dylumo_status st =
        get_floats(model, path, "input.mean", 1, &dimension, WHOLE_FINITE, &model->input_mean, err);
    if (!st)
        st = get_floats(model, path, "input.scale", 1, &dimension, WHOLE_FINITE,
                        &model->input_scale, err);
    if (!st && model->info.has_text)
        st = get_floats(model, path, "text.mean", 1, &dimension, WHOLE_FINITE, &model->text_mean,
                        err);
    return st;
}

static enum dylumo_status read_emotion_tables(struct dy_mood_model *model, const char *path,
                                              struct dylumo_error *err)
{
    const uint64_t seven = DYLUMO_EMOTION_COUNT, one = 1;
    const float *temperature = NULL;
    enum dylumo_status st =
        get_floats(model, path, "emotion.happy", 1, &seven, -1, 1, &model->happy, err);
    if (!st)
        st = get_floats(model, path, "emotion.lively", 1, &seven, -1, 1, &model->lively, err);
    if (!st)
        st =
            get_floats(model, path, "emotion.temperature", 1, &one, 1e-3f, 1e3f, &temperature, err);
    if (!st)
        model->info.temperature = *temperature;
    return st;
}

static enum dylumo_status check_ascending(const char *path, const char *name, const float *table,
                                          size_t rows, size_t columns, bool strictly,
                                          struct dylumo_error *err)
{
    for (size_t i = 0; i < rows * columns; i++)
        if (i % columns && (strictly ? table[i] <= table[i - 1] : table[i] < table[i - 1]))
            return dy_fail(err, DYLUMO_BAD_FILE, "%s: '%s' does not ascend at %zu", path, name, i);
    return DYLUMO_OK;
}

static enum dylumo_status read_reference(struct dy_mood_model *model, const char *path,
                                         struct dylumo_error *err)
{
    const struct dy_tensor *levels = dy_safetensors_find(model->file, "reference.levels");
    uint64_t count = levels && levels->dims == 1 ? levels->shape[0] : 0;
    if (count < 2 || count > LEVELS_MAX)
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: 'reference.levels' is not a list of 2 to %d numbers", path, LEVELS_MAX);
    model->levels = (size_t)count;
    const uint64_t features[] = {DYLUMO_FEATURE_COUNT, count}, axes[] = {model->info.axes, count};
    enum dylumo_status st = get_floats(model, path, "reference.levels", 1, &count, 1e-7f, 1 - 1e-7f,
                                       &model->level, err);
    if (!st)
        st = check_ascending(path, "reference.levels", model->level, 1, model->levels, true, err);
    if (!st)
        st = get_floats(model, path, "reference.features", 2, features, WHOLE_FINITE,
                        &model->feature_tables, err);
    if (!st)
        st = check_ascending(path, "reference.features", model->feature_tables,
                             DYLUMO_FEATURE_COUNT, model->levels, false, err);
    if (!st)
        st = get_floats(model, path, "reference.axes", 2, axes, WHOLE_FINITE, &model->axis_tables,
                        err);
    if (!st)
        st = check_ascending(path, "reference.axes", model->axis_tables, model->info.axes,
                             model->levels, false, err);
    return st;
}

static enum dylumo_status read_axes(struct dy_mood_model *model, const char *path,
                                    struct dylumo_error *err)
{
    struct dy_mood_info *info = &model->info;
    const uint64_t axes = info->axes, features = DYLUMO_FEATURE_COUNT;
    const uint64_t songs[] = {axes, DYLUMO_FEATURE_COUNT}, readings[] = {axes, DY_MOOD_READINGS};
    enum dylumo_status st =
        get_floats(model, path, "axis.songs", 2, songs, WHOLE_FINITE, &info->axis_songs, err);
    if (!st)
        st = get_floats(model, path, "axis.weight", 1, &axes, 0, 1e6f, &info->axis_weight, err);
    if (!st)
        st = get_floats(model, path, "axis.error", 1, &axes, 1e-3f, 1e3f, &info->axis_error, err);
    if (!st)
        st = get_floats(model, path, "axis.readings", 2, readings, WHOLE_FINITE,
                        &model->axis_readings, err);
    if (!st)
        st = get_floats(model, path, "feature.r2", 1, &features, -100, 1, &info->r2, err);
    return st;
}

static enum dylumo_status read_scaler(struct dy_mood_model *model, const char *path,
                                      struct dylumo_error *err)
{
    const uint64_t shape[] = {2, DYLUMO_FEATURE_COUNT};
    const struct dy_tensor *tensor = dy_safetensors_find(model->file, "feature.scaler");
    if (model->version == 1 || !tensor)
        return DYLUMO_OK;
    enum dylumo_status st =
        dy_safetensors_expect(model->file, "feature.scaler", DY_F64, 2, shape, &tensor, err);
    if (st)
        return st;
    const double *scaler = tensor->data;
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        double span = scaler[DYLUMO_FEATURE_COUNT + f] - scaler[f];
        if (!(span >= 0) || isinf(span))
            return dy_fail(err, DYLUMO_BAD_FILE,
                           "%s: 'feature.scaler' goes from %g to %g for feature %u", path,
                           scaler[f], scaler[DYLUMO_FEATURE_COUNT + f], f);
    }
    model->info.scaler = scaler;
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ networks */

/* Exponent bits all set is what makes a half float infinite or NaN. */
static bool halves_finite(const uint16_t *halves, size_t count)
{
    unsigned bad = 0;
    for (size_t i = 0; i < count; i++)
        bad |= (halves[i] & 0x7C00u) == 0x7C00u;
    return !bad;
}

static bool floats_finite(const float *floats, size_t count)
{
    bool good = true;
    for (size_t i = 0; i < count; i++)
        good &= isfinite(floats[i]) != 0;
    return good;
}

/* Weights in halves, or from version 2 on in f32. */
static enum dylumo_status take_weights(const char *path, const struct dy_tensor *weight,
                                       struct layer *layer, struct dylumo_error *err)
{
    size_t count = layer->rows * layer->columns;
    bool halves = weight->dtype == DY_F16;
    if (halves)
        layer->weight = weight->data;
    else
        layer->weight_f32 = weight->data;
    if (halves ? halves_finite(layer->weight, count) : floats_finite(layer->weight_f32, count))
        return DYLUMO_OK;
    return dy_fail(err, DYLUMO_BAD_FILE, "%s: '%s' is not finite", path, weight->name);
}

/* Layer number `at` of network k, which takes `columns` numbers; rows 0 accepts any width. */
static enum dylumo_status read_layer(const struct dy_mood_model *model, const char *path,
                                     unsigned k, unsigned at, size_t columns, struct layer *layer,
                                     struct dylumo_error *err)
{
    char weight_name[64], bias_name[64];
    snprintf(weight_name, sizeof weight_name, "network.%u.%u.weight", k, at);
    snprintf(bias_name, sizeof bias_name, "network.%u.%u.bias", k, at);
    const uint64_t shape[] = {0, columns};
    const struct dy_tensor *weight = dy_safetensors_find(model->file, weight_name);
    enum dy_dtype dtype = model->version > 1 && weight && weight->dtype == DY_F32 ? DY_F32 : DY_F16;
    enum dylumo_status st =
        dy_safetensors_expect(model->file, weight_name, dtype, 2, shape, &weight, err);
    if (st)
        return st;
    uint64_t rows = weight->shape[0];
    if (!rows || rows > DY_MOOD_WIDTH_MAX)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: '%s' has %llu rows, expected 1 to %d", path,
                       weight_name, (unsigned long long)rows, DY_MOOD_WIDTH_MAX);
    *layer = (struct layer){.rows = (size_t)rows, .columns = columns};
    st = take_weights(path, weight, layer, err);
    if (st)
        return st;
    return get_floats(model, path, bias_name, 1, &rows, WHOLE_FINITE, &layer->bias, err);
}

static bool has_layer(const struct dy_mood_model *model, unsigned k, unsigned at)
{
    char name[64];
    snprintf(name, sizeof name, "network.%u.%u.weight", k, at);
    return dy_safetensors_find(model->file, name) != NULL;
}

static enum dylumo_status read_network(const struct dy_mood_model *model, const char *path,
                                       unsigned k, struct network *network,
                                       struct dylumo_error *err)
{
    size_t columns = model->info.dimension;
    enum dylumo_status st = DYLUMO_OK;
    unsigned at = 0;
    do {
        st = read_layer(model, path, k, at, columns, &network->layer[at], err);
        columns = network->layer[at].rows;
        at++;
    } while (!st && at < LAYERS_MAX && has_layer(model, k, at));
    network->layers = at;
    if (!st && columns != DY_MOOD_OUTPUTS)
        st = dy_fail(err, DYLUMO_BAD_FILE, "%s: network %u gives %zu numbers, expected %d", path, k,
                     columns, DY_MOOD_OUTPUTS);
    return st;
}

static enum dylumo_status read_networks(struct dy_mood_model *model, const char *path,
                                        struct dylumo_error *err)
{
    model->networks = dy_new_array(model->info.networks, sizeof *model->networks);
    if (!model->networks)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to open it", path);
    enum dylumo_status st = DYLUMO_OK;
    for (unsigned k = 0; k < model->info.networks && !st; k++)
        st = read_network(model, path, k, &model->networks[k], err);
    return st;
}

/* A tensor that nothing reads is a claim that nothing checks. */
static enum dylumo_status check_count(const struct dy_mood_model *model, const char *path,
                                      struct dylumo_error *err)
{
    size_t expected = 13; /* the tables above */
    expected += model->info.scaler ? 1 : 0;
    expected += model->info.has_text ? 1 : 0;
    for (unsigned k = 0; k < model->info.networks; k++)
        expected += 2 * (size_t)model->networks[k].layers;
    if (dy_safetensors_count(model->file) != expected)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: holds %zu tensors, a mood file like it has %zu",
                       path, dy_safetensors_count(model->file), expected);
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ open */

static enum dylumo_status read_model(struct dy_mood_model *model, const char *path,
                                     struct dylumo_error *err)
{
    enum dylumo_status st = read_metadata(model, path, err);
    if (!st)
        st = read_input(model, path, err);
    if (!st)
        st = read_emotion_tables(model, path, err);
    if (!st)
        st = read_axes(model, path, err);
    if (!st)
        st = read_reference(model, path, err);
    if (!st)
        st = read_scaler(model, path, err);
    if (!st)
        st = read_networks(model, path, err);
    if (!st)
        st = check_count(model, path, err);
    return st;
}

/* Takes the file over, also when it fails. */
static enum dylumo_status open_on(struct dy_mood_model **out, struct dy_safetensors *file,
                                  const char *path, struct dylumo_error *err)
{
    struct dy_mood_model *model = dy_new(sizeof *model);
    if (!model) {
        dy_safetensors_close(file);
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to open it", path);
    }
    model->file = file;
    enum dylumo_status st = read_model(model, path, err);
    if (st) {
        dy_mood_close(model);
        return st;
    }
    const struct dy_cpu cpu = dy_cpu_read();
    model->dense = dy_mood_dense_for(&cpu);
    model->info.hash = dy_safetensors_hash(file);
    *out = model;
    return DYLUMO_OK;
}

enum dylumo_status dy_mood_open(struct dy_mood_model **out, const char *path,
                                struct dylumo_error *err)
{
    struct dy_safetensors *file;
    enum dylumo_status st = dy_safetensors_open(&file, path, err);
    return st ? st : open_on(out, file, path, err);
}

enum dylumo_status dy_mood_parse(struct dy_mood_model **out, const void *data, size_t size,
                                 const char *name, struct dylumo_error *err)
{
    struct dy_safetensors *file;
    enum dylumo_status st = dy_safetensors_parse(&file, data, size, name, err);
    return st ? st : open_on(out, file, name, err);
}

void dy_mood_close(struct dy_mood_model *model)
{
    if (!model)
        return;
    dy_safetensors_close(model->file);
    dy_free(model->networks);
    dy_free(model);
}

const struct dy_mood_info *dy_mood_info(const struct dy_mood_model *model)
{
    return &model->info;
}

enum dylumo_status dy_mood_check_encoder(const struct dy_mood_model *model, const char *name,
                                         uint64_t hash, unsigned dimension,
                                         struct dylumo_error *err)
{
    const struct dy_mood_info *info = &model->info;
    if (!strcmp(info->encoder, name) && info->dimension == dimension &&
        (info->encoder_hash == hash || !info->encoder_hash))
        return DYLUMO_OK;
    char weights[24] = "any weights";
    if (info->encoder_hash)
        snprintf(weights, sizeof weights, "%016llx", (unsigned long long)info->encoder_hash);
    return dy_fail(err, DYLUMO_MISMATCH,
                   "the mood file belongs to the encoder %.50s (%s, %u numbers), "
                   "this one is %.50s (%016llx, %u numbers); give an encoder and a mood file that "
                   "belong together, or train one: dylumo train --encoder FILE",
                   info->encoder, weights, info->dimension, name, (unsigned long long)hash,
                   dimension);
}
