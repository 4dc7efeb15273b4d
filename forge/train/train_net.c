/* FastMLP, forward and backward, by tiles of columns.
 *
 * A tile of a layer's outputs needs nothing from other tiles but the layer below: its matrix
 * product, batch statistics, ReLU and dropout are one task, and so are, going back, its gradient,
 * batch norm's sums and the weights' gradient. A step is one round of tasks for each layer and
 * direction. Tiles have fixed sizes and each is computed by one thread (oneDNN's sgemm, told to use
 * one), so every sum has one order whatever the number of threads. */
#include "train_net.h"

#include "train_matrix.h"
#include "train_passes.h"
#include "train_random.h"

#include <math.h>
#include <string.h>

#define UPDATE_CHUNK 16384 /* parameters of one task */
#define DROP_ROWS 8
#define PREDICT_ROWS 64

/* ------------------------------------------------------------------ memory */

static size_t padded(size_t count)
{
    return (count + 15) & ~(size_t)15; /* each array begins at a multiple of 64 bytes */
}

/* Floats from row to row of a matrix. Rows a multiple of 64 floats apart fall on the same lines of
 * the cache, and sgemm then takes up to 1.8 times as long. */
static size_t stride_of(size_t columns)
{
    size_t stride = padded(columns);
    return stride % 64 ? stride : stride + 16;
}

/* Hands out pieces of a block; with block NULL it only counts. */
static float *take(float *block, size_t *used, size_t count)
{
    float *piece = block ? block + *used : NULL;
    *used += padded(count);
    return piece;
}

static size_t lay_parameters(struct train_net *net, float *values, float *gradients)
{
    size_t used = 0, used_gradients = 0;
    for (unsigned i = 0; i < net->layers; i++) {
        struct train_layer *layer = &net->layer[i];
        layer->weight = take(values, &used, layer->in_stride * layer->out);
        layer->weight_gradient = take(gradients, &used_gradients, layer->in_stride * layer->out);
        layer->shift = take(values, &used, layer->out);
        layer->shift_gradient = take(gradients, &used_gradients, layer->out);
        if (i + 1 == net->layers)
            continue;
        layer->gain = take(values, &used, layer->out);
        layer->gain_gradient = take(gradients, &used_gradients, layer->out);
    }
    return used;
}

static size_t lay_running(struct train_net *net, float *block)
{
    size_t used = 0;
    for (unsigned i = 0; i + 1 < net->layers; i++) {
        net->layer[i].running_mean = take(block, &used, net->layer[i].out);
        net->layer[i].running_variance = take(block, &used, net->layer[i].out);
    }
    return used;
}

static size_t lay_activations(struct train_net *net, float *block)
{
    size_t used = 0;
    net->input = take(block, &used, net->rows_max * net->layer[0].in_stride);
    for (unsigned i = 0; i < net->layers; i++) {
        struct train_layer *layer = &net->layer[i];
        layer->normal = take(block, &used, net->rows_max * layer->out_stride);
        layer->gradient = take(block, &used, net->rows_max * layer->out_stride);
        if (i + 1 == net->layers)
            continue;
        layer->active = take(block, &used, net->rows_max * layer->out_stride);
        layer->spread = take(block, &used, layer->out);
    }
    return used;
}

static float *floats_new(size_t count)
{
    float *block = dy_mem_aligned(count * sizeof *block);
    if (block)
        memset(block, 0, count * sizeof *block);
    return block;
}

enum dylumo_status train_net_init(struct train_net *net, const struct train_shape *shape,
                                  size_t rows_max, struct dy_workers *workers,
                                  struct dylumo_error *err)
{
    const struct dy_cpu cpu = dy_cpu_read();
    *net = (struct train_net){.shape = *shape,
                              .layers = shape->hidden + 1,
                              .rows_max = rows_max,
                              .workers = workers,
                              .passes = train_passes_for(&cpu)};
    for (unsigned i = 0; i < net->layers; i++) {
        net->layer[i].in = i ? shape->width[i - 1] : shape->input;
        net->layer[i].out = i < shape->hidden ? shape->width[i] : shape->output;
        net->layer[i].in_stride = stride_of(net->layer[i].in);
        net->layer[i].out_stride =
            i < shape->hidden ? stride_of(net->layer[i].out) : net->layer[i].out;
    }
    net->parameter_count = lay_parameters(net, NULL, NULL);
    net->running_count = lay_running(net, NULL);
    net->parameters = floats_new(net->parameter_count);
    net->gradients = floats_new(net->parameter_count);
    net->moments[0] = floats_new(net->parameter_count);
    net->moments[1] = floats_new(net->parameter_count);
    net->running = floats_new(net->running_count);
    net->activations = floats_new(lay_activations(net, NULL));
    if (!net->parameters || !net->gradients || !net->moments[0] || !net->moments[1] ||
        !net->running || !net->activations) {
        train_net_clear(net);
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for a network of %zu weights",
                       net->parameter_count);
    }
    lay_parameters(net, net->parameters, net->gradients);
    lay_running(net, net->running);
    lay_activations(net, net->activations);
    return DYLUMO_OK;
}

void train_net_clear(struct train_net *net)
{
    dy_free(net->parameters);
    dy_free(net->gradients);
    dy_free(net->moments[0]);
    dy_free(net->moments[1]);
    dy_free(net->running);
    dy_free(net->activations);
    net->parameters = net->gradients = net->moments[0] = net->moments[1] = NULL;
    net->running = net->activations = NULL;
}

static void fill_uniform(float *values, size_t rows, size_t columns, size_t stride,
                         float half_width, uint64_t key)
{
    struct train_random random = train_random_of(key);
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < columns; i++)
            values[row * stride + i] = half_width * (float)(2 * train_random_share(&random) - 1);
}

void train_net_start(struct train_net *net, uint64_t key)
{
    memset(net->parameters, 0, net->parameter_count * sizeof *net->parameters);
    memset(net->moments[0], 0, net->parameter_count * sizeof *net->parameters);
    memset(net->moments[1], 0, net->parameter_count * sizeof *net->parameters);
    memset(net->running, 0, net->running_count * sizeof *net->running);
    for (unsigned i = 0; i < net->layers; i++) {
        struct train_layer *layer = &net->layer[i];
        float half_width = 1.0f / sqrtf((float)layer->in);
        fill_uniform(layer->weight, layer->out, layer->in, layer->in_stride, half_width,
                     train_key(key, 2 * i));
        if (i + 1 == net->layers) {
            fill_uniform(layer->shift, 1, layer->out, 0, half_width, train_key(key, 2 * i + 1));
            continue;
        }
        for (size_t j = 0; j < layer->out; j++)
            layer->gain[j] = layer->running_variance[j] = 1.0f;
    }
}

/* ------------------------------------------------------------------ rounds of tasks */

struct round {
    struct train_net *net;
    unsigned layer;
    size_t rows;
    struct train_drop drop;
    const struct train_adam *adam;
    float correction[2];
};

/* Four tiles a layer, whole vectors, TRAIN_TILE columns at most. */
static size_t tile_width(size_t columns)
{
    size_t width = padded((columns + 3) / 4);
    return width < TRAIN_TILE ? width : TRAIN_TILE;
}

static void run_round(struct round *round, size_t tasks, void (*step)(void *user, size_t task))
{
    train_tasks(round->net->workers, tasks, step, round);
}

static size_t tiles_of(const struct train_layer *layer)
{
    size_t width = tile_width(layer->out);
    return (layer->out + width - 1) / width;
}

static struct train_drop drop_of(float rate, uint64_t key)
{
    struct train_drop drop = {(uint32_t)train_mix(key), (uint32_t)((double)rate * 0x1p32),
                              1.0f / (1.0f - rate)};
    return drop;
}

/* ------------------------------------------------------------------ forward */

static void drop_input_task(void *user, size_t task)
{
    struct round *round = user;
    size_t columns = round->net->shape.input, end = (task + 1) * DROP_ROWS;
    for (size_t row = task * DROP_ROWS; row < end && row < round->rows; row++)
        round->net->passes->drop(round->net->input + row * round->net->layer[0].in_stride, columns,
                                 row * columns, &round->drop);
}

static const float *below(const struct train_net *net, unsigned i)
{
    return i ? net->layer[i - 1].active : net->input;
}

static void forward_task(void *user, size_t task)
{
    struct round *round = user;
    struct train_net *net = round->net;
    struct train_layer *layer = &net->layer[round->layer];
    size_t width = tile_width(layer->out), first = task * width;
    size_t columns = layer->out - first < width ? layer->out - first : width;
    train_multiply('N', 'T', round->rows, columns, layer->in, below(net, round->layer),
                   layer->in_stride, layer->weight + first * layer->in_stride, layer->in_stride,
                   layer->normal + first, layer->out_stride);
    net->passes->forward(layer->normal + first, layer->active + first, round->rows, columns,
                         layer->out_stride, first, layer->out, layer->gain + first,
                         layer->shift + first, layer->spread + first, layer->running_mean + first,
                         layer->running_variance + first, &round->drop);
}

static void add_bias(float *outputs, const float *bias, size_t rows, size_t columns)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < columns; i++)
            outputs[row * columns + i] += bias[i];
}

static void last_forward_task(void *user, size_t task)
{
    struct round *round = user;
    struct train_layer *layer = &round->net->layer[round->layer];
    (void)task;
    train_multiply('N', 'T', round->rows, layer->out, layer->in, below(round->net, round->layer),
                   layer->in_stride, layer->weight, layer->in_stride, layer->normal,
                   layer->out_stride);
    add_bias(layer->normal, layer->shift, round->rows, layer->out);
}

void train_net_forward(struct train_net *net, size_t rows, uint64_t key)
{
    struct round round = {.net = net, .rows = rows};
    if (net->shape.input_dropout > 0) {
        round.drop = drop_of(net->shape.input_dropout, train_key(key, 0));
        run_round(&round, (rows + DROP_ROWS - 1) / DROP_ROWS, drop_input_task);
    }
    for (unsigned i = 0; i + 1 < net->layers; i++) {
        round.layer = i;
        round.drop = drop_of(net->shape.dropout, train_key(key, i + 1));
        run_round(&round, tiles_of(&net->layer[i]), forward_task);
    }
    round.layer = net->layers - 1;
    run_round(&round, 1, last_forward_task);
}

/* ------------------------------------------------------------------ backward */

static void weight_gradient(const struct train_net *net, unsigned i, size_t first, size_t columns,
                            size_t rows)
{
    const struct train_layer *layer = &net->layer[i];
    train_multiply('T', 'N', columns, layer->in, rows, layer->gradient + first, layer->out_stride,
                   below(net, i), layer->in_stride,
                   layer->weight_gradient + first * layer->in_stride, layer->in_stride);
}

static void last_backward_task(void *user, size_t task)
{
    struct round *round = user;
    struct train_layer *layer = &round->net->layer[round->layer];
    (void)task;
    weight_gradient(round->net, round->layer, 0, layer->out, round->rows);
    memset(layer->shift_gradient, 0, layer->out * sizeof *layer->shift_gradient);
    for (size_t row = 0; row < round->rows; row++)
        for (size_t i = 0; i < layer->out; i++)
            layer->shift_gradient[i] += layer->gradient[row * layer->out + i];
}

static void backward_task(void *user, size_t task)
{
    struct round *round = user;
    struct train_net *net = round->net;
    struct train_layer *layer = &net->layer[round->layer];
    const struct train_layer *above = layer + 1;
    size_t width = tile_width(layer->out), first = task * width;
    size_t columns = layer->out - first < width ? layer->out - first : width;
    train_multiply('N', 'N', round->rows, columns, above->out, above->gradient, above->out_stride,
                   above->weight + first, above->in_stride, layer->gradient + first,
                   layer->out_stride);
    net->passes->backward(layer->gradient + first, layer->normal + first, layer->active + first,
                          round->rows, columns, layer->out_stride, layer->gain + first,
                          layer->spread + first, 1.0f / (1.0f - net->shape.dropout),
                          layer->gain_gradient + first, layer->shift_gradient + first);
    weight_gradient(net, round->layer, first, columns, round->rows);
}

void train_net_backward(struct train_net *net, size_t rows)
{
    struct round round = {.net = net, .rows = rows, .layer = net->layers - 1};
    run_round(&round, 1, last_backward_task);
    for (unsigned i = net->layers - 1; i-- > 0;) {
        round.layer = i;
        run_round(&round, tiles_of(&net->layer[i]), backward_task);
    }
}

/* ------------------------------------------------------------------ update */

static void update_task(void *user, size_t task)
{
    struct round *round = user;
    struct train_net *net = round->net;
    size_t first = task * UPDATE_CHUNK, left = net->parameter_count - first;
    net->passes->adam(net->parameters + first, net->gradients + first, net->moments[0] + first,
                      net->moments[1] + first, left < UPDATE_CHUNK ? left : UPDATE_CHUNK,
                      round->adam, round->correction[0], round->correction[1]);
}

void train_net_update(struct train_net *net, const struct train_adam *adam, uint64_t step)
{
    struct round round = {.net = net, .adam = adam};
    round.correction[0] = (float)(1 - pow((double)adam->beta1, (double)step));
    round.correction[1] = (float)(1 - pow((double)adam->beta2, (double)step));
    run_round(&round, (net->parameter_count + UPDATE_CHUNK - 1) / UPDATE_CHUNK, update_task);
}

/* ------------------------------------------------------------------ in use */

static void activate(const struct train_layer *layer, float *z, size_t rows)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < layer->out; i++) {
            float *x = &z[row * layer->out_stride + i];
            float normal =
                (*x - layer->running_mean[i]) / sqrtf(layer->running_variance[i] + 1e-5f);
            *x = fmaxf(layer->gain[i] * normal + layer->shift[i], 0.0f);
        }
}

struct prediction {
    struct train_net *net;
    const float *input;
    float *outputs;
    size_t rows;
};

/* A block of rows through all layers, each in the rows of `normal` that are this block's. The net's
 * own activations are the scratch, so blocks beyond rows_max wait for another round. */
static void predict_task(void *user, size_t task)
{
    struct prediction *p = user;
    size_t first = task * PREDICT_ROWS, left = p->rows - first;
    size_t rows = left < PREDICT_ROWS ? left : PREDICT_ROWS;
    const float *x = p->input + first * p->net->shape.input;
    size_t stride = p->net->shape.input;
    for (unsigned i = 0; i < p->net->layers; i++) {
        const struct train_layer *layer = &p->net->layer[i];
        bool last = i + 1 == p->net->layers;
        float *z = (last ? p->outputs : layer->normal) + first * layer->out_stride;
        train_multiply('N', 'T', rows, layer->out, layer->in, x, stride, layer->weight,
                       layer->in_stride, z, layer->out_stride);
        if (last)
            add_bias(z, layer->shift, rows, layer->out);
        else
            activate(layer, z, rows);
        x = z;
        stride = layer->out_stride;
    }
}

void train_net_predict(struct train_net *net, const float *input, float *outputs, size_t rows)
{
    for (size_t at = 0; at < rows; at += net->rows_max) {
        size_t left = rows - at;
        struct prediction p = {net, input + at * net->shape.input, outputs + at * net->shape.output,
                               left < net->rows_max ? left : net->rows_max};
        train_tasks(net->workers, (p.rows + PREDICT_ROWS - 1) / PREDICT_ROWS, predict_task, &p);
    }
}

void train_net_fold(const struct train_net *net, unsigned i, float *weight, float *bias)
{
    const struct train_layer *layer = &net->layer[i];
    bool last = i + 1 == net->layers;
    for (size_t row = 0; row < layer->out; row++) {
        double scale = 1, shift = (double)layer->shift[row];
        if (!last) {
            scale = (double)layer->gain[row] / sqrt((double)layer->running_variance[row] + 1e-5);
            shift -= scale * (double)layer->running_mean[row];
        }
        for (size_t j = 0; j < layer->in; j++)
            weight[row * layer->in + j] =
                (float)(scale * (double)layer->weight[row * layer->in_stride + j]);
        bias[row] = (float)shift;
    }
}
