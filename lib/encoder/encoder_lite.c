/* EfficientNet-Lite2, pooled features: 64 convolutions, and the means over the last maps and over
 * those that each of the seven stages ends with: early layers know light, colour and texture, which
 * people's feeling follows as well. The classifier behind them is left out. Weights are repacked
 * and kernels compiled by as many threads as a run has; twin layers share one compiled kernel
 * through oneDNN's own cache. */
#include "encoder_lite.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

struct lite {
    dnnl_engine_t engine;
    struct lite_layer layers[LITE_LAYERS];
    struct encoder_conv convs[LITE_LAYERS];
    uint8_t *weights; /* of all layers, one after the other */
    float *biases;
    size_t buffer_bytes[LITE_BUFFERS], scratch_bytes;
};

struct lite_work {
    dnnl_stream_t stream;
    uint8_t *memory; /* buffers and scratch */
    uint8_t *buffers[LITE_BUFFERS];
    struct encoder_conv_call calls[LITE_LAYERS];
};

/* ------------------------------------------------------------------ open */

static size_t padded(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

/* The layer's two tensors, shapes checked. */
static enum dylumo_status find_tensors(const struct dy_safetensors *file,
                                       const struct lite_layer *layer, const uint16_t **halves,
                                       const float **bias, struct dylumo_error *err)
{
    const struct encoder_conv_shape *s = &layer->shape;
    const uint64_t weight_shape[4] = {s->kernel, s->kernel, s->depthwise ? 1 : s->in, s->out};
    const uint64_t bias_shape[1] = {s->out};
    const struct dy_tensor *tensor;
    char name[40];
    snprintf(name, sizeof name, "%s.weight", layer->name);
    enum dylumo_status st =
        dy_safetensors_expect(file, name, DY_F16, 4, weight_shape, &tensor, err);
    if (st)
        return st;
    *halves = tensor->data;
    snprintf(name, sizeof name, "%s.bias", layer->name);
    st = dy_safetensors_expect(file, name, DY_F32, 1, bias_shape, &tensor, err);
    if (!st)
        *bias = tensor->data;
    return st;
}

/* What the threads that build layers share. */
struct building {
    struct lite *lite;
    const struct dy_encoder *encoder;
    const uint16_t *halves[LITE_LAYERS];
    size_t weight_at[LITE_LAYERS], bias_at[LITE_LAYERS]; /* in bytes; in numbers */
    atomic_bool failed;
    struct dylumo_error errors[LITE_LAYERS];
};

static void build_layer(void *user, size_t i)
{
    struct building *building = user;
    struct lite *lite = building->lite;
    if (atomic_load_explicit(&building->failed, memory_order_relaxed))
        return;
    /* oneDNN compiles for the team size it sees */
    unsigned before = encoder_onednn_threads(building->encoder->threads);
    if (encoder_conv_build(&lite->convs[i], lite->engine, &building->encoder->cpu,
                           building->halves[i], lite->biases + building->bias_at[i],
                           lite->weights + building->weight_at[i], &building->errors[i]))
        atomic_store(&building->failed, true);
    encoder_onednn_threads(before);
}

static enum dylumo_status build_layers(struct building *building, struct dylumo_error *err)
{
    struct dy_workers *workers;
    enum dylumo_status st = dy_workers_new(&workers, building->encoder->threads, err);
    if (st)
        return st;
    dy_workers_run(workers, LITE_LAYERS, build_layer, building);
    dy_workers_free(workers);
    for (size_t i = 0; i < LITE_LAYERS; i++)
        if (building->errors[i].status) {
            if (err)
                *err = building->errors[i];
            return building->errors[i].status;
        }
    return DYLUMO_OK;
}

static size_t item_bytes(dnnl_data_type_t type)
{
    return dnnl_data_type_size(type);
}

static void reserve(size_t *bytes, unsigned px, unsigned channels, dnnl_data_type_t type)
{
    size_t need = padded((size_t)px * px * channels * item_bytes(type));
    if (*bytes < need)
        *bytes = need;
}

/* Kernels chosen, tensors found, sizes summed up. */
static enum dylumo_status plan_layers(struct building *building, const struct dy_safetensors *file,
                                      size_t *weight_bytes, struct dylumo_error *err)
{
    struct lite *lite = building->lite;
    size_t bias_count = 0;
    const float *biases[LITE_LAYERS];
    *weight_bytes = 0;
    for (size_t i = 0; i < LITE_LAYERS; i++) {
        const struct lite_layer *layer = &lite->layers[i];
        const struct encoder_conv_shape *s = &layer->shape;
        struct encoder_conv *conv = &lite->convs[i];
        enum dylumo_status st = find_tensors(file, layer, &building->halves[i], &biases[i], err);
        conv->shape = *s;
        conv->name = layer->name;
        if (!st)
            st = encoder_conv_plan(conv, lite->engine, err);
        if (st)
            return st;
        building->weight_at[i] = *weight_bytes;
        building->bias_at[i] = bias_count;
        *weight_bytes += padded(encoder_conv_weight_bytes(conv));
        bias_count += padded(s->out * sizeof(float)) / sizeof(float);
        reserve(&lite->buffer_bytes[layer->source], s->in_px, s->in, s->source);
        reserve(&lite->buffer_bytes[layer->sink], s->out_px, s->out, s->sink);
        size_t scratch = padded(encoder_conv_scratch_bytes(conv));
        if (lite->scratch_bytes < scratch)
            lite->scratch_bytes = scratch;
    }
    lite->biases = dy_mem_aligned(bias_count * sizeof(float));
    if (!lite->biases)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the encoder's biases");
    for (size_t i = 0; i < LITE_LAYERS; i++)
        memcpy(lite->biases + building->bias_at[i], biases[i],
               lite->layers[i].shape.out * sizeof(float));
    return DYLUMO_OK;
}

static enum dylumo_status make_layers(const struct dy_encoder *encoder,
                                      const struct dy_safetensors *file, struct dylumo_error *err)
{
    struct lite *lite = encoder->net;
    struct building *building = dy_new(sizeof *building);
    if (!building)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to build the encoder");
    building->lite = lite;
    building->encoder = encoder;
    size_t weight_bytes;
    unsigned before = encoder_onednn_threads(encoder->threads);
    enum dylumo_status st = plan_layers(building, file, &weight_bytes, err);
    encoder_onednn_threads(before);
    if (!st && !(lite->weights = dy_mem_aligned(weight_bytes)))
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu bytes of weights", weight_bytes);
    if (!st) {
        encoder_ask_for_huge_pages(lite->weights, weight_bytes);
        st = build_layers(building, err);
    }
    dy_free(building);
    return st;
}

/* AUTO takes what is fastest on this processor with the embedding's cosine to f32 over 0.999
 * (docs/numbers/encoder.md): bf16 where the processor multiplies it. */
static enum dylumo_status choose_precision(struct dy_encoder *encoder, struct dylumo_error *err)
{
    const struct dy_cpu *cpu = &encoder->cpu;
    enum dy_precision wanted = encoder->info.precision;
    if (wanted == DY_PRECISION_AUTO)
        wanted = cpu->avx512_bf16 ? DY_PRECISION_BF16 : DY_PRECISION_F32;
    if (wanted == DY_PRECISION_INT8)
        return dy_fail(err, DYLUMO_UNSUPPORTED, "this encoder has no int8 arithmetic");
    encoder->info.precision = wanted;
    return encoder_need_precision(encoder, err);
}

static enum dylumo_status lite_open(struct dy_encoder *encoder, const struct dy_safetensors *file,
                                    const char *path, struct dylumo_error *err)
{
    enum dylumo_status st = choose_precision(encoder, err);
    if (st)
        return st;
    struct lite *lite = dy_new(sizeof *lite);
    encoder->net = lite;
    if (!lite)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for the encoder", path);
    encoder->info.name = encoder->part->name;
    encoder->info.hash = dy_safetensors_hash(file);
    encoder->info.width = encoder->info.height = LITE_PX;
    encoder->info.crop = DY_CROP_NONE;
    encoder->info.dimension = LITE_FEATURES;
    lite_layers(lite->layers, encoder->info.precision == DY_PRECISION_BF16 ? dnnl_bf16 : dnnl_f32);
    dnnl_status_t status = dnnl_engine_create(&lite->engine, dnnl_cpu, 0);
    if (status)
        return encoder_onednn_fail(err, status, "all", "engine");
    return make_layers(encoder, file, err);
}

static void lite_close(struct dy_encoder *encoder)
{
    struct lite *lite = encoder->net;
    if (!lite)
        return;
    for (size_t i = 0; i < LITE_LAYERS; i++)
        encoder_conv_close(&lite->convs[i]);
    dnnl_engine_destroy(lite->engine);
    dy_free(lite->weights);
    dy_free(lite->biases);
    dy_free(lite);
}

/* ------------------------------------------------------------------ work */

static enum dylumo_status lite_work_open(struct dy_encoder_work *work,
                                         const struct dy_encoder *encoder, unsigned most,
                                         struct dylumo_error *err)
{
    const struct lite *lite = encoder->net;
    struct lite_work *net = dy_new(sizeof *net);
    (void)most; /* one after the other */
    work->net = net;
    size_t size = lite->scratch_bytes;
    for (size_t b = 0; b < LITE_BUFFERS; b++)
        size += lite->buffer_bytes[b];
    if (net)
        net->memory = dy_mem_aligned(size);
    if (!net || !net->memory)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu bytes of activations", size);
    encoder_ask_for_huge_pages(net->memory, size);
    uint8_t *at = net->memory + lite->scratch_bytes;
    for (size_t b = 0; b < LITE_BUFFERS; at += lite->buffer_bytes[b++])
        net->buffers[b] = at;
    dnnl_status_t status =
        dnnl_stream_create(&net->stream, lite->engine, dnnl_stream_default_flags);
    if (status)
        return encoder_onednn_fail(err, status, "all", "stream");
    for (size_t i = 0; i < LITE_LAYERS; i++) {
        const struct lite_layer *layer = &lite->layers[i];
        enum dylumo_status st = encoder_conv_bind(&net->calls[i], &lite->convs[i], lite->engine,
                                                  net->buffers[layer->source],
                                                  net->buffers[layer->sink], net->memory, err);
        if (st)
            return st;
    }
    return DYLUMO_OK;
}

static void lite_work_close(struct dy_encoder_work *work)
{
    struct lite_work *net = work->net;
    if (!net)
        return;
    for (size_t i = 0; i < LITE_LAYERS; i++)
        encoder_conv_unbind(&net->calls[i]);
    dnnl_stream_destroy(net->stream);
    dy_free(net->memory);
    dy_free(net);
}

/* ------------------------------------------------------------------ run */

/* (pixel - 127) / 128, as the network was trained; exact in f32. */
static void pixels_to_f32(float *input, const uint8_t *pixels, size_t count)
{
    for (size_t i = 0; i < count; i++)
        input[i] = (float)(pixels[i] - 127) * (1.0F / 128.0F);
}

/* Means of the channels over a layer's maps [px][px][channels], summed row by row so that the sums
 * stay small beside what is added. */
static void mean_over_maps(float *means, const float *maps, size_t px, size_t channels)
{
    float row[LITE_HEAD];
    memset(means, 0, channels * sizeof *means);
    for (size_t y = 0; y < px; y++) {
        memset(row, 0, channels * sizeof *row);
        for (size_t x = 0; x < px; x++, maps += channels)
            for (size_t c = 0; c < channels; c++)
                row[c] += maps[c];
        for (size_t c = 0; c < channels; c++)
            means[c] += row[c];
    }
    for (size_t c = 0; c < channels; c++)
        means[c] *= 1.0F / (float)(px * px);
}

static enum dylumo_status run_one(const struct lite *lite, const struct lite_work *net,
                                  const uint8_t *pixels, float *embedding, struct dylumo_error *err)
{
    pixels_to_f32((float *)net->buffers[LITE_FILTERED], pixels, (size_t)LITE_PX * LITE_PX * 3);
    for (size_t i = 0; i < LITE_LAYERS; i++) {
        const struct encoder_conv_shape *shape = &lite->layers[i].shape;
        if (lite->layers[i].narrow)
            encoder_narrow((uint16_t *)net->buffers[LITE_NARROW],
                           (const float *)net->buffers[LITE_STREAM],
                           (size_t)shape->in_px * shape->in_px * shape->in);
        dnnl_status_t status =
            dnnl_primitive_execute(lite->convs[i].primitive, net->stream,
                                   DY_COUNT(net->calls[i].arguments), net->calls[i].arguments);
        if (status)
            return encoder_onednn_fail(err, status, lite->layers[i].name, "result");
        if (lite->layers[i].mean_at < LITE_FEATURES) {
            dnnl_stream_wait(net->stream);
            mean_over_maps(embedding + lite->layers[i].mean_at,
                           (const float *)net->buffers[lite->layers[i].sink], shape->out_px,
                           shape->out);
        }
    }
    return DYLUMO_OK;
}

/* One picture after the other: its layers are large enough to fill the processor. */
static enum dylumo_status lite_run(const struct dy_encoder *encoder, struct dy_encoder_work *work,
                                   const uint8_t *const *pixels, size_t count, float *embeddings,
                                   struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    for (size_t i = 0; !st && i < count; i++)
        st = run_one(encoder->net, work->net, pixels[i], embeddings + i * LITE_FEATURES, err);
    return st;
}

const struct encoder_part encoder_part_lite = {
    .name = "lite2",
    .version = 1,
    .open = lite_open,
    .close = lite_close,
    .work_open = lite_work_open,
    .work_close = lite_work_close,
    .run = lite_run,
};
