/* EfficientNet-Lite2 as a list of layers: shape, name in the weight file, buffers. */
#ifndef ENCODER_LITE_H
#define ENCODER_LITE_H

#include "encoder_internal.h"
#include "encoder_onednn.h"

enum {
    LITE_PX = 260,                           /* width and height of the picture */
    LITE_HEAD = 1280,                        /* channels of the head */
    LITE_STAGES = 856,                       /* channels that the seven stages end with, together */
    LITE_FEATURES = LITE_HEAD + LITE_STAGES, /* the embedding: means over the maps of both */
    LITE_HEAD_PX = 9,                        /* of the head's maps */
    LITE_LAYERS = 64, /* stem, 21 blocks of three convolutions (the first of two), head */
};

/* The running picture, its bf16 copy (bf16 only), its expanded form, its filtered form. A block
 * reads the stream and writes it in place: nobody needs the old one after the sum. In bf16 the
 * stream stays f32, for what is added 14 times must not be rounded 14 times. */
enum lite_buffer { LITE_STREAM, LITE_NARROW, LITE_EXPANDED, LITE_FILTERED, LITE_BUFFERS };

struct lite_layer {
    char name[24]; /* "blocks.03.expand"; tensors are name.weight and name.bias */
    struct encoder_conv_shape shape;
    enum lite_buffer source, sink;
    bool narrow;      /* LITE_STREAM is rounded into LITE_NARROW, its source, just before */
    unsigned mean_at; /* where the means of its sink go in the embedding; LITE_FEATURES: nowhere */
};

/* All LITE_LAYERS in the order they run. type is that of weights and activations between expansion
 * and projection; stem and first block are f32 always: the stem's output is flat where the picture
 * is, and there a rounding goes the same way everywhere. The pixels come in LITE_FILTERED as f32;
 * the head writes f32 to LITE_EXPANDED. */
void lite_layers(struct lite_layer layers[LITE_LAYERS], dnnl_data_type_t type);

#endif
