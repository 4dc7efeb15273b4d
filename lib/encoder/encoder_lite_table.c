/* The shape of EfficientNet-Lite2: EfficientNet (Tan & Le 2019, table 1) with widths times 1.1 and
 * depths times 1.2 rounded as there (section 3.3), but stem, head and the count of the first and
 * last stage fixed, ReLU6 for swish and no squeeze-and-excitation: that is what "Lite" means
 * (github.com/tensorflow/tpu, models/official/efficientnet/lite). Padding is TensorFlow's SAME. */
#include "encoder_lite.h"

#include <assert.h>
#include <stdio.h>

struct stage {
    unsigned expand, kernel, stride, out, blocks;
};

static const struct stage stages[] = {
    {1, 3, 1, 16, 1},  {6, 3, 2, 24, 3},  {6, 5, 2, 48, 3},  {6, 3, 2, 88, 4},
    {6, 5, 1, 120, 4}, {6, 5, 2, 208, 5}, {6, 3, 1, 352, 1},
};

static const unsigned stem_out = 32;

/* Fills what follows from the rest. SAME: the output is in / stride rounded up, and an odd pixel of
 * padding goes behind. */
static struct encoder_conv_shape shape_of(unsigned in, unsigned out, unsigned px, unsigned kernel,
                                          unsigned stride, dnnl_data_type_t type)
{
    unsigned out_px = (px + stride - 1) / stride;
    unsigned reach = (out_px - 1) * stride + kernel;
    unsigned padding = reach > px ? reach - px : 0;
    return (struct encoder_conv_shape){
        .in = in,
        .out = out,
        .in_px = px,
        .out_px = out_px,
        .kernel = kernel,
        .stride = stride,
        .pad_before = padding / 2,
        .pad_after = padding - padding / 2,
        .source = type,
        .sink = type,
        .type = type,
    };
}

/* What grows while the list is written. */
struct list {
    struct lite_layer *next;
    unsigned channels, px; /* of the stream */
    dnnl_data_type_t type;
};

static struct lite_layer *add(struct list *list, unsigned in, unsigned out, unsigned kernel,
                              unsigned stride, enum lite_buffer source, enum lite_buffer sink)
{
    struct lite_layer *layer = list->next++;
    layer->shape = shape_of(in, out, list->px, kernel, stride, list->type);
    layer->shape.clip6 = true;
    layer->source = source;
    layer->sink = sink;
    layer->mean_at = LITE_FEATURES;
    list->px = layer->shape.out_px;
    return layer;
}

/* A layer of one pixel's reach that reads the stream. */
static struct lite_layer *add_wide(struct list *list, unsigned out)
{
    bool narrow = list->type == dnnl_bf16;
    struct lite_layer *layer =
        add(list, list->channels, out, 1, 1, narrow ? LITE_NARROW : LITE_STREAM, LITE_EXPANDED);
    layer->narrow = narrow;
    return layer;
}

/* Returns the block's last layer, which writes the stream. */
static struct lite_layer *add_block(struct list *list, const struct stage *stage, unsigned number,
                                    unsigned stride)
{
    unsigned in = list->channels, wide = in * stage->expand;
    enum lite_buffer wide_in = LITE_STREAM;
    struct lite_layer *layer;
    if (stage->expand > 1) {
        layer = add_wide(list, wide);
        snprintf(layer->name, sizeof layer->name, "blocks.%02u.expand", number);
        wide_in = LITE_EXPANDED;
    }
    layer = add(list, wide, wide, stage->kernel, stride, wide_in, LITE_FILTERED);
    layer->shape.depthwise = true;
    snprintf(layer->name, sizeof layer->name, "blocks.%02u.depthwise", number);
    layer = add(list, wide, stage->out, 1, 1, LITE_FILTERED, LITE_STREAM);
    layer->shape.clip6 = false;
    layer->shape.add = stride == 1 && in == stage->out;
    layer->shape.sink = dnnl_f32;
    snprintf(layer->name, sizeof layer->name, "blocks.%02u.project", number);
    list->channels = stage->out;
    return layer;
}

void lite_layers(struct lite_layer layers[LITE_LAYERS], dnnl_data_type_t type)
{
    struct list list = {layers, stem_out, LITE_PX, dnnl_f32};
    struct lite_layer *stem = add(&list, 3, stem_out, 3, 2, LITE_FILTERED, LITE_STREAM);
    snprintf(stem->name, sizeof stem->name, "stem");
    unsigned number = 0, mean_at = LITE_HEAD;
    for (size_t s = 0; s < DY_COUNT(stages); s++) {
        struct lite_layer *last = NULL;
        for (unsigned b = 0; b < stages[s].blocks; b++)
            last = add_block(&list, &stages[s], number++, b == 0 ? stages[s].stride : 1);
        assert(last); /* every stage has blocks */
        last->mean_at = mean_at;
        mean_at += stages[s].out;
        list.type = type;
    }
    struct lite_layer *head = add_wide(&list, LITE_HEAD);
    head->shape.sink = dnnl_f32;
    head->mean_at = 0;
    snprintf(head->name, sizeof head->name, "head");
    assert(list.next == layers + LITE_LAYERS && list.px == LITE_HEAD_PX);
}
