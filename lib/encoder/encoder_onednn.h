/* Thin helpers over oneDNN's C interface (2.6): one convolution with its clip and its sum, the
 * weights in its layout, errors as ours. Activations are [height][width][channels] everywhere: the
 * brgemm kernels want them so, pixels come so, and no layer waits for another's choice. */
#ifndef ENCODER_ONEDNN_H
#define ENCODER_ONEDNN_H

#include "dy_base.h"

#include <dnnl.h>

/* Lowers oneDNN to what cpu has, so that DYLUMO_CPU reaches it. Has no effect once oneDNN has
 * computed something. */
void encoder_onednn_limit(const struct dy_cpu *cpu);

/* Sets the team size of this thread's next oneDNN calls; returns the one before. */
unsigned encoder_onednn_threads(unsigned threads);

/* Fewer page faults where the kernel grants it; no harm where not. */
void encoder_ask_for_huge_pages(void *memory, size_t size);

/* What oneDNN said, as ours: "layer 'head': no primitive (oneDNN says unimplemented)". */
enum dylumo_status encoder_onednn_fail(struct dylumo_error *err, dnnl_status_t status,
                                       const char *layer, const char *what);

/* One square convolution with bias. */
struct encoder_conv_shape {
    unsigned in, out;       /* channels */
    unsigned in_px, out_px; /* width and height */
    unsigned kernel, stride, pad_before, pad_after;
    bool depthwise;                      /* in == out, a filter for each channel */
    bool clip6;                          /* ReLU6 behind it */
    bool add;                            /* adds to what the output holds */
    dnnl_data_type_t source, sink, type; /* of input, output and weights */
};

struct encoder_conv {
    struct encoder_conv_shape shape;
    const char *name;
    dnnl_primitive_desc_t description;
    dnnl_primitive_t primitive;
    dnnl_memory_t weights, bias; /* over the caller's memory */
};

/* Chooses the kernel: cheap. Then sizes are known. close takes a zeroed or half-built one. */
enum dylumo_status encoder_conv_plan(struct encoder_conv *conv, dnnl_engine_t engine,
                                     struct dylumo_error *err) DY_MUST_USE;
size_t encoder_conv_weight_bytes(const struct encoder_conv *conv);
size_t encoder_conv_scratch_bytes(const struct encoder_conv *conv);

/* Compiles the kernel and fills the weights: dear, and safe to do for several at once.
 *
 *   halves   [kernel][kernel][in or, for depthwise, nothing][out] f16
 *   bias     [out] f32, which conv goes on pointing to
 *   room     encoder_conv_weight_bytes, 64-byte aligned; conv goes on pointing to it
 *
 * Fails    BAD_FILE for a weight or bias that is not finite. */
enum dylumo_status encoder_conv_build(struct encoder_conv *conv, dnnl_engine_t engine,
                                      const struct dy_cpu *cpu, const uint16_t *halves, float *bias,
                                      void *room, struct dylumo_error *err) DY_MUST_USE;
void encoder_conv_close(struct encoder_conv *conv);

/* A call's arguments: which memory the convolution reads and writes. */
struct encoder_conv_call {
    dnnl_memory_t source, sink, scratch;
    dnnl_exec_arg_t arguments[5];
};
enum dylumo_status encoder_conv_bind(struct encoder_conv_call *call,
                                     const struct encoder_conv *conv, dnnl_engine_t engine,
                                     void *source, void *sink, void *scratch,
                                     struct dylumo_error *err) DY_MUST_USE;
void encoder_conv_unbind(struct encoder_conv_call *call);

/* ------------------------------------------------------------------ encoder_weights.c */

/* Offset, in items, that index along dimension dim adds in a blocked layout. An item's place is the
 * sum over its dimensions. */
size_t encoder_weights_offset(const dnnl_memory_desc_t *layout, int dim, size_t index);

/* Halves in rows of `out` numbers -> oneDNN's layout, as f32 or bf16.
 *
 * A depthwise filter becomes bf16 so that its sum is kept: some of its numbers are rounded the
 * other way. Pictures are smooth, so the sum is what most of them see; rounding each number by
 * itself costs ten times as much of the embedding's cosine (docs/numbers/encoder.md).
 *
 * Fails    BAD_FILE for a number that is not finite. */
enum dylumo_status encoder_weights_pack(void *room, const dnnl_memory_desc_t *layout,
                                        const struct encoder_conv_shape *shape,
                                        const uint16_t *halves, const struct dy_cpu *cpu,
                                        const char *layer, struct dylumo_error *err) DY_MUST_USE;

/* f32 -> bf16, to nearest even. Only for finite numbers, on a processor with AVX-512 BF16. */
void encoder_narrow(uint16_t *out, const float *in, size_t count);

#endif
