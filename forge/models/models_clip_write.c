/* CLIP's tensors, taken from the source one after the other in our file's order, brought to f32,
 * laid out anew, rounded to the precision asked and written. Each is checked when it is taken; at
 * the end none may be left over. The image tower's numbers run through one hash before they are
 * rounded: the model's identity. */
#include "models_clip.h"

#include <math.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Numbers of a tensor: the source's own, or on the heap. */
struct floats {
    const float *data;
    float *heap;
    size_t count;
};

enum kind { PLAIN, MATRIX, QUANTISED }; /* docs/formats/clip.md */

struct job {
    XXH3_state_t hash;
    struct models_source *source;
    const struct clip_model *model;
    enum dy_precision precision;
    bool hashing;
    const struct dylumo_context *context;
    struct dy_tensor *tensors; /* of our file; names and most data on the heap */
    void **owned;              /* [count] data that is ours, or NULL */
    size_t count, room, owned_room;
    struct dylumo_error *err;
};

static enum dylumo_status no_memory(struct job *job)
{
    return dy_fail(job->err, DYLUMO_NO_MEMORY, "%s: no memory to convert it", job->source->path);
}

/* ------------------------------------------------------------------ taking */

static size_t product(unsigned dims, const uint64_t *shape)
{
    size_t count = 1;
    for (unsigned i = 0; i < dims; i++)
        count *= (size_t)shape[i]; /* of a tensor that is there: no overflow */
    return count;
}

static enum dylumo_status find(struct job *job, const char *name, unsigned dims,
                               const uint64_t *shape, const struct dy_tensor **out)
{
    const struct dy_tensor *tensor = models_source_find(job->source, name);
    if (!tensor)
        return dy_fail(job->err, DYLUMO_BAD_FILE, "%s: has no tensor '%s', which %s has",
                       job->source->path, name, clip_layout_words(job->model));
    bool same = tensor->dims == dims && !memcmp(tensor->shape, shape, dims * sizeof *shape);
    if (!same) {
        char found[256], wanted[256];
        return dy_fail(job->err, DYLUMO_BAD_FILE, "%s: tensor '%s' has shape %s, expected %s",
                       job->source->path, name, dy_shape_text(found, tensor->dims, tensor->shape),
                       dy_shape_text(wanted, dims, shape));
    }
    models_source_use(job->source, tensor);
    *out = tensor;
    return DYLUMO_OK;
}

static bool widen(const struct dy_tensor *tensor, float *to, size_t count)
{
    const uint16_t *halves = tensor->data;
    const double *doubles = tensor->data;
    if (tensor->dtype == DY_F32) {
        memcpy(to, tensor->data, count * sizeof *to);
    } else if (tensor->dtype == DY_F16) {
        for (size_t i = 0; i < count; i++)
            to[i] = dy_f16_to_f32(halves[i]);
    } else if (tensor->dtype == DY_BF16) {
        for (size_t i = 0; i < count; i++)
            to[i] = dy_bf16_to_f32(halves[i]);
    } else if (tensor->dtype == DY_F64) {
        for (size_t i = 0; i < count; i++)
            to[i] = (float)doubles[i];
    } else {
        return false;
    }
    return true;
}

/* Writes count numbers to `to`. */
static enum dylumo_status take_to(struct job *job, const char *name, unsigned dims,
                                  const uint64_t *shape, float *to)
{
    const struct dy_tensor *tensor = NULL;
    enum dylumo_status st = find(job, name, dims, shape, &tensor);
    if (st)
        return st;
    size_t count = product(dims, shape);
    if (!widen(tensor, to, count))
        return dy_fail(job->err, DYLUMO_BAD_FILE,
                       "%s: tensor '%s' is %s, expected F32, F16, BF16 or F64", job->source->path,
                       name, dy_dtype_name(tensor->dtype));
    for (size_t i = 0; i < count; i++)
        if (!isfinite(to[i]))
            return dy_fail(job->err, DYLUMO_BAD_FILE,
                           "%s: tensor '%s' holds numbers that are not "
                           "finite",
                           job->source->path, name);
    return DYLUMO_OK;
}

static enum dylumo_status take(struct job *job, const char *name, unsigned dims,
                               const uint64_t *shape, float **out)
{
    *out = NULL;
    const struct dy_tensor *tensor = NULL; /* there before memory is asked for its shape */
    enum dylumo_status st = find(job, name, dims, shape, &tensor);
    if (st)
        return st;
    *out = dy_new_array(product(dims, shape) + 1, sizeof **out);
    return *out ? take_to(job, name, dims, shape, *out) : no_memory(job);
}

/* ------------------------------------------------------------------ giving */

/* Adds a tensor of our file. data is ours from here on, also on failure. */
static enum dylumo_status add(struct job *job, const char *name, enum dy_dtype dtype, unsigned dims,
                              const uint64_t *shape, void *data)
{
    char *copy = dy_strdup(name);
    if (!copy || !dy_grow(&job->tensors, &job->room, job->count + 1, sizeof *job->tensors) ||
        !dy_grow(&job->owned, &job->owned_room, job->count + 1, sizeof *job->owned)) {
        dy_free(copy);
        dy_free(data);
        return no_memory(job);
    }
    struct dy_tensor *tensor = &job->tensors[job->count];
    *tensor = (struct dy_tensor){.name = copy, .dtype = dtype, .dims = dims, .data = data};
    memcpy(tensor->shape, shape, dims * sizeof *shape);
    tensor->size = product(dims, shape) * dy_dtype_size(dtype);
    job->owned[job->count++] = data;
    return DYLUMO_OK;
}

static enum dylumo_status give_bf16(struct job *job, const char *name, unsigned dims,
                                    const uint64_t *shape, float *numbers)
{
    size_t count = product(dims, shape);
    uint16_t *rounded = dy_new_array(count + 1, sizeof *rounded);
    for (size_t i = 0; rounded && i < count; i++)
        rounded[i] = dy_bf16_from_f32(numbers[i]);
    dy_free(numbers);
    return rounded ? add(job, name, DY_BF16, dims, shape, rounded) : no_memory(job);
}

/* "a.weight" and "a.scale", or "text.tokens" and "text.tokens.scale". */
static void scale_name(const char *name, char scale[static 256])
{
    size_t length = strlen(name), tail = strlen(".weight");
    bool weight = length > tail && !strcmp(name + length - tail, ".weight");
    snprintf(scale, 256, "%.*s.scale", (int)(weight ? length - tail : length), name);
}

static enum dylumo_status give_int8(struct job *job, const char *name, const uint64_t shape[2],
                                    float *numbers)
{
    char name_of_scale[256];
    size_t rows = (size_t)shape[0], columns = (size_t)shape[1];
    int8_t *rounded = dy_new_array(rows * columns + 1, 1);
    float *scale = dy_new_array(rows + 1, sizeof *scale);
    for (size_t row = 0; rounded && scale && row < rows; row++)
        scale[row] = clip_round_row(numbers + row * columns, columns, rounded + row * columns);
    dy_free(numbers);
    if (!rounded || !scale) {
        dy_free(rounded);
        dy_free(scale);
        return no_memory(job);
    }
    enum dylumo_status st = add(job, name, DY_I8, 2, shape, rounded);
    scale_name(name, name_of_scale);
    if (!st)
        return add(job, name_of_scale, DY_F32, 1, shape, scale);
    dy_free(scale);
    return st;
}

/* numbers is ours from here on. */
static enum dylumo_status give(struct job *job, const char *name, enum kind kind, unsigned dims,
                               const uint64_t *shape, float *numbers)
{
    if (kind == QUANTISED && job->precision == DY_PRECISION_INT8)
        return give_int8(job, name, shape, numbers);
    if (kind != PLAIN && job->precision == DY_PRECISION_BF16)
        return give_bf16(job, name, dims, shape, numbers);
    return add(job, name, DY_F32, dims, shape, numbers);
}

static void hash(struct job *job, const float *numbers, size_t count)
{
    if (job->hashing && count)
        XXH3_64bits_update(&job->hash, numbers, count * sizeof *numbers);
}

/* ------------------------------------------------------------------ single tensors */

/* How one is laid out there and here. */
struct single {
    enum clip_single which;
    const char *name;
    enum kind kind;
    unsigned dims;
    uint64_t shape[2];
    unsigned foreign_dims;
    uint64_t foreign[4];
    bool turned; /* there [in][out] */
};

static void turn(const float *from, float *to, size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            to[i * columns + j] = from[j * rows + i];
}

static enum dylumo_status convert_single(struct job *job, const struct single *single)
{
    char name[256];
    float *numbers = NULL;
    clip_single_name(job->model, single->which, name);
    enum dylumo_status st = take(job, name, single->foreign_dims, single->foreign, &numbers);
    size_t count = product(single->dims, single->shape);
    if (!st && single->turned) {
        float *turned = dy_new_array(count + 1, sizeof *turned);
        if (turned)
            turn(numbers, turned, (size_t)single->shape[0], (size_t)single->shape[1]);
        dy_free(numbers);
        numbers = turned;
        st = turned ? DYLUMO_OK : no_memory(job);
    }
    if (st) {
        dy_free(numbers);
        return st;
    }
    hash(job, numbers, count);
    return give(job, single->name, single->kind, single->dims, single->shape, numbers);
}

static enum dylumo_status convert_vector(struct job *job, enum clip_single which, const char *name,
                                         uint64_t size)
{
    const struct single single = {which, name, PLAIN, 1, {size, 0}, 1, {size}, false};
    return convert_single(job, &single);
}

static enum dylumo_status convert_projection(struct job *job, enum clip_single which,
                                             const char *name, uint64_t width)
{
    uint64_t length = job->model->dimension;
    bool turned = job->model->layout != CLIP_TRANSFORMERS;
    const struct single single = {which,
                                  name,
                                  MATRIX,
                                  2,
                                  {length, width},
                                  2,
                                  {turned ? width : length, turned ? length : width},
                                  turned};
    return convert_single(job, &single);
}

static enum dylumo_status convert_table(struct job *job, enum clip_single which, const char *name,
                                        enum kind kind, uint64_t rows, uint64_t columns)
{
    const struct single single = {which, name, kind, 2, {rows, columns}, 2, {rows, columns}, false};
    return convert_single(job, &single);
}

/* ------------------------------------------------------------------ layers */

static const char *const part_names[] = {"norm1", "qkv", "out", "norm2", "up", "down"};

/* Rows and columns; the norms are one row. */
static void part_shape(const struct clip_tower *tower, enum clip_part part, uint64_t shape[2])
{
    uint64_t width = tower->width, hidden = tower->hidden;
    const uint64_t shapes[CLIP_PARTS][2] = {
        [CLIP_NORM1] = {1, width}, [CLIP_QKV] = {3 * width, width}, [CLIP_OUT] = {width, width},
        [CLIP_NORM2] = {1, width}, [CLIP_UP] = {hidden, width},     [CLIP_DOWN] = {width, hidden}};
    shape[0] = shapes[part][0];
    shape[1] = shapes[part][1];
}

/* transformers' queries, keys and values, one after the other. */
static enum dylumo_status take_thirds(struct job *job, int tower, unsigned layer, const char *kind,
                                      uint64_t width, unsigned dims, float **out)
{
    const uint64_t shape[2] = {width, width};
    char name[256];
    size_t count = product(dims, shape);
    const struct dy_tensor *first = NULL;
    clip_third_name(job->model, tower, layer, 'q', kind, name);
    enum dylumo_status st = find(job, name, dims, shape, &first);
    if (st)
        return st;
    *out = dy_new_array(3 * count + 1, sizeof **out);
    if (!*out)
        return no_memory(job);
    for (size_t i = 0; !st && i < 3; i++) {
        clip_third_name(job->model, tower, layer, "qkv"[i], kind, name);
        st = take_to(job, name, dims, shape, *out + i * count);
    }
    return st;
}

static enum dylumo_status take_part(struct job *job, int tower, unsigned layer, enum clip_part part,
                                    const char *kind, const struct clip_tower *sizes, float **out)
{
    char name[256];
    uint64_t shape[2];
    part_shape(sizes, part, shape);
    bool norm = shape[0] == 1, weight = !strcmp(kind, "weight");
    unsigned dims = weight && !norm ? 2 : 1;
    if (part == CLIP_QKV && job->model->layout == CLIP_TRANSFORMERS)
        return take_thirds(job, tower, layer, kind, sizes->width, dims, out);
    clip_layer_name(job->model, tower, layer, part, kind, name);
    return take(job, name, dims, norm ? shape + 1 : shape, out);
}

static enum dylumo_status take_layer(struct job *job, int tower, unsigned number,
                                     const struct clip_tower *sizes, struct clip_layer *layer)
{
    enum dylumo_status st = DYLUMO_OK;
    for (int part = 0; !st && part < CLIP_PARTS; part++) {
        uint64_t shape[2];
        part_shape(sizes, (enum clip_part)part, shape);
        bool norm = shape[0] == 1;
        st = take_part(job, tower, number, (enum clip_part)part, "weight", sizes,
                       &layer->weight[part]);
        if (!st)
            st = take_part(job, tower, number, (enum clip_part)part, "bias", sizes,
                           &layer->bias[part]);
        if (st)
            break;
        hash(job, layer->weight[part], (size_t)(shape[0] * shape[1]));
        hash(job, layer->bias[part], (size_t)(norm ? shape[1] : shape[0]));
    }
    return st;
}

static enum dylumo_status give_part(struct job *job, const char *tower, unsigned number,
                                    enum clip_part part, const struct clip_tower *sizes,
                                    struct clip_layer *layer)
{
    char name[256];
    uint64_t shape[2];
    part_shape(sizes, part, shape);
    bool norm = shape[0] == 1;
    float *weight = layer->weight[part], *bias = layer->bias[part];
    layer->weight[part] = NULL;
    snprintf(name, sizeof name, "%s.%u.%s.weight", tower, number, part_names[part]);
    enum dylumo_status st =
        give(job, name, norm ? PLAIN : QUANTISED, norm ? 1 : 2, norm ? shape + 1 : shape, weight);
    if (st)
        return st;
    layer->bias[part] = NULL;
    snprintf(name, sizeof name, "%s.%u.%s.bias", tower, number, part_names[part]);
    return give(job, name, PLAIN, 1, norm ? shape + 1 : shape, bias);
}

static enum dylumo_status smooth_layer(struct job *job, const char *tower, unsigned number,
                                       struct clip_layer *layer)
{
    char name[256];
    const uint64_t shape[1] = {layer->hidden};
    float *smooth = dy_new_array(layer->hidden, sizeof *smooth);
    if (!smooth)
        return no_memory(job);
    clip_smooth(layer, smooth);
    snprintf(name, sizeof name, "%s.%u.down.smooth", tower, number);
    return add(job, name, DY_F32, 1, shape, smooth);
}

static enum dylumo_status convert_layer(struct job *job, int tower, unsigned number)
{
    const struct clip_tower *sizes = tower ? &job->model->text : &job->model->image;
    const char *name = tower ? "text" : "image";
    struct clip_layer layer = {.width = sizes->width, .hidden = sizes->hidden};
    enum dylumo_status st = take_layer(job, tower, number, sizes, &layer);
    if (!st && job->precision == DY_PRECISION_INT8)
        st = smooth_layer(job, name, number, &layer);
    for (int part = 0; !st && part < CLIP_PARTS; part++)
        st = give_part(job, name, number, (enum clip_part)part, sizes, &layer);
    for (int part = 0; part < CLIP_PARTS; part++) {
        dy_free(layer.weight[part]);
        dy_free(layer.bias[part]);
    }
    return st;
}

static enum dylumo_status convert_layers(struct job *job, int tower)
{
    unsigned before = tower ? job->model->image.layers : 0;
    unsigned layers = tower ? job->model->text.layers : job->model->image.layers;
    unsigned all = job->model->image.layers + job->model->text.layers;
    enum dylumo_status st = DYLUMO_OK;
    for (unsigned i = 0; !st && i < layers; i++) {
        dy_context_progress(job->context, "converting", before + i, all);
        st = dy_context_cancelled(job->context)
                 ? dy_fail(job->err, DYLUMO_CANCELLED, "%s: stopped", job->source->path)
                 : convert_layer(job, tower, i);
    }
    return st;
}

/* ------------------------------------------------------------------ the towers */

static enum dylumo_status convert_image(struct job *job)
{
    const struct clip_model *model = job->model;
    uint64_t width = model->image.width, patch = model->patch;
    const struct single first = {
        CLIP_PATCH, "image.patch.weight",     MATRIX, 2, {width, 3 * patch * patch},
        4,          {width, 3, patch, patch}, false};
    job->hashing = true;
    enum dylumo_status st = convert_single(job, &first);
    if (!st)
        st = convert_vector(job, CLIP_CLASS, "image.class", width);
    if (!st)
        st = convert_table(job, CLIP_POSITIONS, "image.positions", PLAIN, model->image.tokens,
                           width);
    if (!st)
        st = convert_vector(job, CLIP_PRE_WEIGHT, "image.pre.weight", width);
    if (!st)
        st = convert_vector(job, CLIP_PRE_BIAS, "image.pre.bias", width);
    if (!st)
        st = convert_layers(job, 0);
    if (!st)
        st = convert_vector(job, CLIP_POST_WEIGHT, "image.post.weight", width);
    if (!st)
        st = convert_vector(job, CLIP_POST_BIAS, "image.post.bias", width);
    if (!st)
        st = convert_projection(job, CLIP_PROJECTION, "image.projection.weight", width);
    job->hashing = false;
    return st;
}

static enum dylumo_status convert_scale(struct job *job)
{
    char name[256];
    float *scale = NULL;
    const uint64_t one[1] = {1};
    clip_single_name(job->model, CLIP_SCALE, name);
    const struct dy_tensor *tensor = models_source_find(job->source, name);
    unsigned dims = tensor && tensor->dims == 0 ? 0 : 1;
    enum dylumo_status st = take(job, name, dims, one, &scale);
    if (st) {
        dy_free(scale);
        return st;
    }
    return add(job, "text.scale", DY_F32, 1, one, scale);
}

static enum dylumo_status add_merges(struct job *job)
{
    char *merges = NULL;
    size_t size = 0;
    enum dylumo_status st = clip_read_merges(job->source, job->model, &merges, &size, job->err);
    const uint64_t shape[1] = {size};
    return st ? st : add(job, "text.merges", DY_U8, 1, shape, merges);
}

static enum dylumo_status convert_text(struct job *job)
{
    const struct clip_model *model = job->model;
    uint64_t width = model->text.width;
    enum dylumo_status st =
        convert_table(job, CLIP_TOKENS, "text.tokens", QUANTISED, model->vocabulary, width);
    if (!st)
        st = convert_table(job, CLIP_TEXT_POSITIONS, "text.positions", PLAIN, model->text.tokens,
                           width);
    if (!st)
        st = convert_layers(job, 1);
    if (!st)
        st = convert_vector(job, CLIP_TEXT_POST_WEIGHT, "text.post.weight", width);
    if (!st)
        st = convert_vector(job, CLIP_TEXT_POST_BIAS, "text.post.bias", width);
    if (!st)
        st = convert_projection(job, CLIP_TEXT_PROJECTION, "text.projection.weight", width);
    if (!st)
        st = convert_scale(job);
    return st ? st : add_merges(job);
}

/* ------------------------------------------------------------------ the file */

struct labels {
    char texts[16][128];
    const char *pairs[40];
    size_t count;
};

static void label(struct labels *labels, const char *key, const char *format, ...) DY_PRINTF(3, 4);
static void label(struct labels *labels, const char *key, const char *format, ...)
{
    char *text = labels->texts[labels->count / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof labels->texts[0], format, arguments);
    va_end(arguments);
    labels->pairs[labels->count++] = key;
    labels->pairs[labels->count++] = text;
}

static void write_labels(struct job *job, const char *name, struct labels *labels)
{
    static const char *const sources[] = {"transformers", "open_clip", "openai"};
    const struct clip_model *model = job->model;
    label(labels, "dylumo.encoder", "%s", name);
    label(labels, "dylumo.architecture", "clip");
    label(labels, "dylumo.version", "1");
    label(labels, "dylumo.identity", "%016llx", (unsigned long long)XXH3_64bits_digest(&job->hash));
    label(labels, "source", "%s", sources[model->layout]);
    label(labels, "activation", "%s", model->quick ? "quick_gelu" : "gelu");
    label(labels, "precision", "%s", dy_precision_name(job->precision));
    label(labels, "image.size", "%u", model->size);
    label(labels, "image.patch", "%u", model->patch);
    label(labels, "image.layers", "%u", model->image.layers);
    label(labels, "image.heads", "%u", model->image.heads);
    label(labels, "image.mean", "%.9g,%.9g,%.9g", model->mean[0], model->mean[1], model->mean[2]);
    label(labels, "image.std", "%.9g,%.9g,%.9g", model->std[0], model->std[1], model->std[2]);
    if (!model->has_text)
        return;
    label(labels, "text.layers", "%u", model->text.layers);
    label(labels, "text.heads", "%u", model->text.heads);
    label(labels, "text.context", "%u", model->text.tokens);
}

static enum dylumo_status convert(struct job *job, const char *name, const char *path)
{
    enum dylumo_status st = convert_image(job);
    if (!st && job->model->has_text)
        st = convert_text(job);
    if (st)
        return st;
    clip_use_others(job->model, job->source);
    st = models_source_rest(job->source, job->model->prefix, clip_layout_words(job->model),
                            job->err);
    if (st)
        return st;
    struct labels labels = {.count = 0};
    write_labels(job, name, &labels);
    dy_context_progress(job->context, "writing", 0, 0);
    return dy_safetensors_write(path, job->tensors, job->count, labels.pairs, job->err);
}

enum dylumo_status clip_write(struct models_source *source, const struct clip_model *model,
                              const char *name, enum dy_precision precision, const char *path,
                              const struct dylumo_context *context, struct dylumo_error *err)
{
    struct job job = {
        .source = source, .model = model, .precision = precision, .context = context, .err = err};
    XXH3_INITSTATE(&job.hash);
    XXH3_64bits_reset_withSeed(&job.hash, 0);
    enum dylumo_status st = convert(&job, name, path);
    for (size_t i = 0; i < job.count; i++) {
        dy_free((void *)(uintptr_t)job.tensors[i].name);
        dy_free(job.owned[i]);
    }
    dy_free(job.tensors);
    dy_free(job.owned);
    return st;
}
