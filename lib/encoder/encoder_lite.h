/* EfficientNet-Lite2 as a list of layers: shape, name in the weight file, buffers. */
#ifndef ENCODER_LITE_H
#define ENCODER_LITE_H

#include "encoder_internal.h"
#include "encoder_onednn.h"

enum {
    LITE_PX = 260, /* width and height of the picture */
    LITE_FEATURES = 1280,
    LITE_HEAD_PX = 9, /* of the maps that are pooled */
    LITE_LAYERS = 64, /* stem, 21 blocks of three convolutions (the first of two), head */
};

/* The running picture, its expanded form, its filtered form. A block reads STREAM and writes it in
 * place: nobody needs the old one after the sum. */
enum lite_buffer { LITE_STREAM, LITE_EXPANDED, LITE_FILTERED, LITE_BUFFERS };

struct lite_layer {
    char name[24]; /* "blocks.03.expand"; tensors are name.weight and name.bias */
    struct encoder_conv_shape shape;
    enum lite_buffer source, sink;
};

/* All LITE_LAYERS in the order they run, for one type of weights and activations. The pixels come
 * in LITE_FILTERED; the head writes f32 to LITE_EXPANDED. */
void lite_layers(struct lite_layer layers[LITE_LAYERS], dnnl_data_type_t type);

#endif
