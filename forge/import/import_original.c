/* The original's model as mood weights. Its FastMLP is Linear, batch norm, ReLU, dropout, three
 * times over, then Linear: 13 features scaled from minimum to maximum. Batch norm is folded into
 * the layer before it, in double; weights stay f32 (mood files, version 2), so that songs come in
 * the order in which the original lists them. What it never learned (emotions, places among
 * reference pictures) is even odds, and a feature's place is its scaled value. */
#include "dy_foreign.h"
#include "dy_original.h"

#include "dy_mood.h"

#include <math.h>
#include <string.h>

#define LAYERS 4
#define STEP 4                  /* modules from one Linear to the next */
#define BATCH_NORM_EPSILON 1e-5 /* PyTorch's, which the original leaves as it is */
#define WIDTH_MAX DY_MOOD_WIDTH_MAX
#define LEVELS 99
#define AXES 2

/* ------------------------------------------------------------------ reading */

struct layer {
    float *weight; /* [rows][columns] */
    float *bias;   /* [rows] */
    size_t rows, columns;
};

struct original {
    struct dy_torch *torch;
    const char *path, *prefix; /* what stands before "network." */
    struct layer layer[LAYERS];
};

static void original_clear(struct original *original)
{
    for (unsigned i = 0; i < LAYERS; i++) {
        dy_free(original->layer[i].weight);
        dy_free(original->layer[i].bias);
    }
    dy_torch_close(original->torch);
}

static const struct dy_tensor *find(const struct original *original, unsigned module,
                                    const char *what)
{
    char name[100];
    snprintf(name, sizeof name, "%snetwork.%u.%s", original->prefix, module, what);
    return dy_torch_find(original->torch, name);
}

/* What stands before "network.": a dict holds the state, or it is bare; NULL: neither. */
static const char *prefix_of(const struct dy_torch *torch)
{
    static const char *const prefixes[] = {"model_state_dict.", "", "state_dict.", "module."};
    for (size_t i = 0; i < DY_COUNT(prefixes); i++) {
        char name[100];
        snprintf(name, sizeof name, "%snetwork.0.weight", prefixes[i]);
        if (dy_torch_find(torch, name))
            return prefixes[i];
    }
    return NULL;
}

bool dy_original_is(const struct dy_torch *torch)
{
    return prefix_of(torch) != NULL;
}

static enum dylumo_status find_prefix(struct original *original, struct dylumo_error *err)
{
    original->prefix = prefix_of(original->torch);
    if (original->prefix)
        return DYLUMO_OK;
    return dy_fail(err, DYLUMO_BAD_FILE,
                   "%s: holds no tensor 'network.0.weight', neither alone nor in "
                   "'model_state_dict'; expected the original's dylumo_model.pt",
                   original->path);
}

/* A finite f32 tensor of this shape; columns 0: a list. */
static enum dylumo_status take(const struct original *original, unsigned module, const char *what,
                               size_t rows, size_t columns, const float **values,
                               struct dylumo_error *err)
{
    const struct dy_tensor *tensor = find(original, module, what);
    if (!tensor)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: lacks the tensor 'network.%u.%s'", original->path,
                       module, what);
    size_t count = rows * (columns ? columns : 1);
    if (tensor->dtype != DY_F32 || tensor->dims != (columns ? 2U : 1U) ||
        tensor->shape[0] != rows || (columns && tensor->shape[1] != columns))
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: 'network.%u.%s' is not F32 [%zu%s%zu]; another model than FastMLP?",
                       original->path, module, what, rows, columns ? ", " : "] of ", columns);
    *values = tensor->data;
    for (size_t i = 0; i < count; i++)
        if (!isfinite((*values)[i]))
            return dy_fail(err, DYLUMO_BAD_FILE, "%s: 'network.%u.%s' is not finite",
                           original->path, module, what);
    return DYLUMO_OK;
}

struct batch_norm {
    const float *weight, *bias, *mean, *variance; /* [rows] */
};

static enum dylumo_status take_batch_norm(const struct original *original, unsigned module,
                                          size_t rows, struct batch_norm *norm,
                                          struct dylumo_error *err)
{
    enum dylumo_status st = take(original, module, "weight", rows, 0, &norm->weight, err);
    if (!st)
        st = take(original, module, "bias", rows, 0, &norm->bias, err);
    if (!st)
        st = take(original, module, "running_mean", rows, 0, &norm->mean, err);
    if (!st)
        st = take(original, module, "running_var", rows, 0, &norm->variance, err);
    for (size_t i = 0; !st && i < rows; i++)
        if (norm->variance[i] < 0)
            st = dy_fail(err, DYLUMO_BAD_FILE, "%s: 'network.%u.running_var' holds %g",
                         original->path, module, (double)norm->variance[i]);
    return st;
}

/* weight and bias of the layer and its batch norm in one. */
static void fold(struct layer *layer, const float *weight, const float *bias,
                 const struct batch_norm *norm)
{
    for (size_t row = 0; row < layer->rows; row++) {
        double factor =
            (double)norm->weight[row] / sqrt((double)norm->variance[row] + BATCH_NORM_EPSILON);
        double shift = ((double)bias[row] - (double)norm->mean[row]) * factor;
        layer->bias[row] = (float)(shift + (double)norm->bias[row]);
        for (size_t i = 0; i < layer->columns; i++)
            layer->weight[row * layer->columns + i] =
                (float)((double)weight[row * layer->columns + i] * factor);
    }
}

/* The last layer's 13 rows become rows 9 to 21 of ours; emotions and ratings stay 0. */
static void place_features(struct layer *layer, const float *weight, const float *bias)
{
    size_t lead = DY_MOOD_FEATURES;
    memcpy(layer->weight + lead * layer->columns, weight,
           DYLUMO_FEATURE_COUNT * layer->columns * sizeof *weight);
    memcpy(layer->bias + lead, bias, DYLUMO_FEATURE_COUNT * sizeof *bias);
}

static enum dylumo_status check_sizes(const struct original *original, unsigned module,
                                      uint64_t rows, uint64_t columns, struct dylumo_error *err)
{
    bool last = module == STEP * (LAYERS - 1);
    if (!rows || rows > WIDTH_MAX || !columns || columns > DY_MOOD_DIMENSION_MAX ||
        (last && rows != DYLUMO_FEATURE_COUNT))
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: 'network.%u.weight' has %llu rows of %llu numbers, expected %s",
                       original->path, module, (unsigned long long)rows,
                       (unsigned long long)columns,
                       last ? "13 rows, one for each feature" : "at most 1024 of 8192");
    return DYLUMO_OK;
}

static enum dylumo_status read_layer(struct original *original, unsigned i,
                                     struct dylumo_error *err)
{
    struct layer *layer = &original->layer[i];
    const struct dy_tensor *tensor = find(original, STEP * i, "weight");
    const float *weight, *bias;
    struct batch_norm norm;
    bool last = i + 1 == LAYERS;
    if (!tensor || tensor->dims != 2)
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: lacks the matrix 'network.%u.weight'; another model than FastMLP?",
                       original->path, STEP * i);
    size_t rows = (size_t)tensor->shape[0];
    layer->columns = i ? original->layer[i - 1].rows : (size_t)tensor->shape[1];
    layer->rows = last ? DY_MOOD_OUTPUTS : rows;
    enum dylumo_status st = check_sizes(original, STEP * i, rows, tensor->shape[1], err);
    if (!st)
        st = take(original, STEP * i, "weight", rows, layer->columns, &weight, err);
    if (!st)
        st = take(original, STEP * i, "bias", rows, 0, &bias, err);
    if (!st && !last)
        st = take_batch_norm(original, STEP * i + 1, rows, &norm, err);
    if (st)
        return st;
    layer->weight = dy_new_array(layer->rows * layer->columns, sizeof *layer->weight);
    layer->bias = dy_new_array(layer->rows, sizeof *layer->bias);
    if (!layer->weight || !layer->bias)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for its weights", original->path);
    if (last)
        place_features(layer, weight, bias);
    else
        fold(layer, weight, bias, &norm);
    return DYLUMO_OK;
}

/* rest: what follows "network." in a tensor's name. A layer of FastMLP's, or a batch norm's; the
 * first two of the words are a layer's. */
static bool is_known(const char *rest)
{
    static const char *const words[] = {"weight", "bias", "running_mean", "running_var",
                                        "num_batches_tracked"};
    for (unsigned i = 0; i < LAYERS; i++)
        for (size_t word = 0; word < DY_COUNT(words); word++) {
            char layer[40], norm[40];
            snprintf(layer, sizeof layer, "%u.%s", STEP * i, words[word]);
            snprintf(norm, sizeof norm, "%u.%s", STEP * i + 1, words[word]);
            if ((word < 2 && !strcmp(rest, layer)) || (i + 1 < LAYERS && !strcmp(rest, norm)))
                return true;
        }
    return false;
}

/* A network with more to it would answer otherwise. */
static enum dylumo_status check_rest(const struct original *original, struct dylumo_error *err)
{
    char lead[100];
    int length = snprintf(lead, sizeof lead, "%snetwork.", original->prefix);
    for (size_t i = 0; i < dy_torch_count(original->torch); i++) {
        const char *name = dy_torch_at(original->torch, i)->name;
        if (!strncmp(name, lead, (size_t)length) && !is_known(name + length))
            return dy_fail(err, DYLUMO_BAD_FILE,
                           "%s: has a tensor 'network.%.100s'; another model than FastMLP?",
                           original->path, name + length);
    }
    return DYLUMO_OK;
}

/* A size that the dict tells beside the weights, where it does. */
static enum dylumo_status check_told(const struct original *original, const char *key,
                                     size_t expected, struct dylumo_error *err)
{
    int64_t told;
    if (!dy_pickle_integer(dy_pickle_get(dy_torch_root(original->torch), key), &told) ||
        told == (int64_t)expected)
        return DYLUMO_OK;
    return dy_fail(err, DYLUMO_BAD_FILE, "%s: says %s %lld, but its tensors have %zu",
                   original->path, key, (long long)told, expected);
}

static enum dylumo_status read_original(struct original *original, const char *path,
                                        struct dylumo_error *err)
{
    *original = (struct original){.path = path};
    enum dylumo_status st = dy_torch_open(&original->torch, path, err);
    if (!st)
        st = find_prefix(original, err);
    for (unsigned i = 0; i < LAYERS && !st; i++)
        st = read_layer(original, i, err);
    if (!st)
        st = check_rest(original, err);
    if (!st)
        st = check_told(original, "input_dim", original->layer[0].columns, err);
    return st ? st : check_told(original, "output_dim", DYLUMO_FEATURE_COUNT, err);
}

/* ------------------------------------------------------------------ writing */

/* The tables of a mood file; tensors point into it. */
struct tables {
    float mean[DY_MOOD_DIMENSION_MAX], scale[DY_MOOD_DIMENSION_MAX];
    float temperature, happy[DYLUMO_EMOTION_COUNT], lively[DYLUMO_EMOTION_COUNT];
    float r2[DYLUMO_FEATURE_COUNT];
    float axis_songs[AXES][DYLUMO_FEATURE_COUNT], axis_weight[AXES], axis_error[AXES];
    float axis_readings[AXES][DY_MOOD_READINGS];
    float levels[LEVELS], features[DYLUMO_FEATURE_COUNT][LEVELS], axes[AXES][LEVELS];
    double scaler[2][DYLUMO_FEATURE_COUNT];
    char names[2 * LAYERS][40];
    struct dy_tensor tensors[16 + 2 * LAYERS];
    size_t count;
};

static void fill_tables(struct tables *tables, const struct dy_scaler *scaler)
{
    static const enum dylumo_feature axis_feature[AXES] = {DYLUMO_VALENCE, DYLUMO_ENERGY};
    tables->temperature = 1;
    for (size_t i = 0; i < DY_MOOD_DIMENSION_MAX; i++)
        tables->scale[i] = 1;
    for (size_t i = 0; i < LEVELS; i++) {
        tables->levels[i] = (float)(i + 1) / (LEVELS + 1);
        for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++)
            tables->features[f][i] = tables->levels[i];
        for (unsigned a = 0; a < AXES; a++)
            tables->axes[a][i] = tables->levels[i];
    }
    for (unsigned a = 0; a < AXES; a++) {
        tables->axis_songs[a][axis_feature[a]] = 1;
        tables->axis_readings[a][axis_feature[a]] = 1;
        tables->axis_weight[a] = tables->axis_error[a] = 1;
    }
    memcpy(tables->scaler[0], scaler->minimum, sizeof tables->scaler[0]);
    memcpy(tables->scaler[1], scaler->maximum, sizeof tables->scaler[1]);
}

static void add(struct tables *tables, const char *name, enum dy_dtype dtype, size_t rows,
                size_t columns, const void *data)
{
    tables->tensors[tables->count++] = (struct dy_tensor){
        .name = name,
        .dtype = dtype,
        .dims = columns ? 2 : 1,
        .shape = {rows, columns},
        .data = data,
        .size = rows * (columns ? columns : 1) * dy_dtype_size(dtype),
    };
}

static void add_tables(struct tables *t, size_t dimension)
{
    add(t, "input.mean", DY_F32, dimension, 0, t->mean);
    add(t, "input.scale", DY_F32, dimension, 0, t->scale);
    add(t, "emotion.temperature", DY_F32, 1, 0, &t->temperature);
    add(t, "emotion.happy", DY_F32, DYLUMO_EMOTION_COUNT, 0, t->happy);
    add(t, "emotion.lively", DY_F32, DYLUMO_EMOTION_COUNT, 0, t->lively);
    add(t, "feature.r2", DY_F32, DYLUMO_FEATURE_COUNT, 0, t->r2);
    add(t, "feature.scaler", DY_F64, 2, DYLUMO_FEATURE_COUNT, t->scaler);
    add(t, "axis.songs", DY_F32, AXES, DYLUMO_FEATURE_COUNT, t->axis_songs);
    add(t, "axis.weight", DY_F32, AXES, 0, t->axis_weight);
    add(t, "axis.error", DY_F32, AXES, 0, t->axis_error);
    add(t, "axis.readings", DY_F32, AXES, DY_MOOD_READINGS, t->axis_readings);
    add(t, "reference.levels", DY_F32, LEVELS, 0, t->levels);
    add(t, "reference.features", DY_F32, DYLUMO_FEATURE_COUNT, LEVELS, t->features);
    add(t, "reference.axes", DY_F32, AXES, LEVELS, t->axes);
}

static void add_layers(struct tables *tables, const struct original *original)
{
    for (unsigned i = 0; i < LAYERS; i++) {
        const struct layer *layer = &original->layer[i];
        char(*names)[40] = &tables->names[2 * i];
        snprintf(names[0], sizeof names[0], "network.0.%u.weight", i);
        snprintf(names[1], sizeof names[1], "network.0.%u.bias", i);
        add(tables, names[0], DY_F32, layer->rows, layer->columns, layer->weight);
        add(tables, names[1], DY_F32, layer->rows, 0, layer->bias);
    }
}

static void append(char text[static 512], const char *word)
{
    size_t used = strlen(text);
    snprintf(text + used, 512 - used, "%s%s", used ? " " : "", word);
}

static enum dylumo_status write_mood(const char *output, const struct tables *tables,
                                     const char *encoder, struct dylumo_error *err)
{
    char features[512] = "", emotions[512] = "";
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        append(features, dylumo_feature_info((enum dylumo_feature)f)->name);
    for (unsigned e = 0; e < DYLUMO_EMOTION_COUNT; e++)
        append(emotions, dylumo_emotion_name((enum dylumo_emotion)e));
    const char *const metadata[][2] = {
        {"dylumo.kind", "mood"},
        {"dylumo.version", "2"},
        {"dylumo.encoder", encoder},
        {"dylumo.encoder_hash", "0000000000000000"},
        {"dylumo.features", features},
        {"dylumo.emotions", emotions},
        {"dylumo.networks", "1"},
        {"dylumo.flip", "0"},
        {"dylumo.unit", "0"},
        {"dylumo.axes", "valence energy"},
        {"dylumo.recipe", "plain"},
        {"dylumo.pairing", "as the original's training did"},
        {"dylumo.card", "{\"what\": \"converted from the original's dylumo_model.pt\"}"},
        {NULL, NULL},
    };
    return dy_safetensors_write(output, tables->tensors, tables->count, &metadata[0][0], err);
}

enum dylumo_status dy_original_mood(const char *output, const char *model_path,
                                    const char *scaler_path, const char *encoder, size_t *dimension,
                                    struct dylumo_error *err)
{
    struct original original;
    struct dy_scaler scaler;
    enum dylumo_status st = dy_scaler_read(&scaler, scaler_path, err);
    if (st)
        return st;
    st = read_original(&original, model_path, err);
    struct tables *tables = st ? NULL : dy_new(sizeof *tables);
    if (!st && !tables)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to convert it", model_path);
    if (!st) {
        *dimension = original.layer[0].columns;
        fill_tables(tables, &scaler);
        add_tables(tables, *dimension);
        add_layers(tables, &original);
        st = write_mood(output, tables, encoder, err);
    }
    dy_free(tables);
    original_clear(&original);
    return st;
}
