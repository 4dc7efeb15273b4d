/* Convolutions over oneDNN: descriptor, post-ops, primitive, memory objects. */
#include "encoder_onednn.h"

#include "dy_encoder.h"

#include <math.h>
#include <sys/mman.h>

/* libgomp's own; clang's omp.h would speak of another runtime than oneDNN's. */
extern void omp_set_num_threads(int count);
extern int omp_get_max_threads(void);
extern void omp_set_max_active_levels(int levels);

void encoder_onednn_limit(const struct dy_cpu *cpu)
{
    if (!cpu->avx2)
        dnnl_set_max_cpu_isa(dnnl_cpu_isa_sse41);
    else if (!cpu->avx512)
        dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2);
}

unsigned encoder_onednn_threads(unsigned threads)
{
    int before = omp_get_max_threads();
    if (before != (int)threads)
        omp_set_num_threads((int)threads);
    return (unsigned)before;
}

/* Where no level of teams may be active, every team is the caller alone. */
void dy_encoder_share(bool shared)
{
    omp_set_max_active_levels(shared ? 1 : 0);
}

void encoder_ask_for_huge_pages(void *memory, size_t size)
{
    const uintptr_t huge = (uintptr_t)2 << 20;
    uintptr_t from = ((uintptr_t)memory + huge - 1) & ~(huge - 1);
    uintptr_t to = ((uintptr_t)memory + size) & ~(huge - 1);
    if (to > from)
        madvise((void *)from, to - from, MADV_HUGEPAGE);
}

static const char *status_name(dnnl_status_t status)
{
    switch (status) {
    case dnnl_out_of_memory:
        return "out of memory";
    case dnnl_invalid_arguments:
        return "invalid arguments";
    case dnnl_unimplemented:
        return "unimplemented";
    default:
        return "runtime error";
    }
}

enum dylumo_status encoder_onednn_fail(struct dylumo_error *err, dnnl_status_t status,
                                       const char *layer, const char *what)
{
    return dy_fail(err, status == dnnl_out_of_memory ? DYLUMO_NO_MEMORY : DYLUMO_UNSUPPORTED,
                   "layer '%s': no %s (oneDNN says %s)", layer, what, status_name(status));
}

/* ------------------------------------------------------------------ plan */

static dnnl_status_t describe(dnnl_convolution_desc_t *description,
                              const struct encoder_conv_shape *s)
{
    const dnnl_dim_t in = s->in, out = s->out, kernel = s->kernel;
    const dnnl_dims_t source_dims = {1, in, s->in_px, s->in_px};
    const dnnl_dims_t sink_dims = {1, out, s->out_px, s->out_px};
    const dnnl_dims_t full_dims = {out, in, kernel, kernel};
    const dnnl_dims_t depthwise_dims = {out, 1, 1, kernel, kernel};
    const dnnl_dims_t bias_dims = {out};
    const dnnl_dims_t strides = {s->stride, s->stride};
    const dnnl_dims_t before = {s->pad_before, s->pad_before};
    const dnnl_dims_t after = {s->pad_after, s->pad_after};
    dnnl_memory_desc_t source, sink, weights, bias;
    dnnl_status_t st = dnnl_memory_desc_init_by_tag(&source, 4, source_dims, s->source, dnnl_nhwc);
    if (!st)
        st = dnnl_memory_desc_init_by_tag(&sink, 4, sink_dims, s->sink, dnnl_nhwc);
    if (!st)
        st = dnnl_memory_desc_init_by_tag(&weights, s->depthwise ? 5 : 4,
                                          s->depthwise ? depthwise_dims : full_dims, s->type,
                                          dnnl_format_tag_any);
    if (!st)
        st = dnnl_memory_desc_init_by_tag(&bias, 1, bias_dims, dnnl_f32, dnnl_a);
    if (!st)
        st = dnnl_convolution_forward_desc_init(description, dnnl_forward_inference,
                                                dnnl_convolution_direct, &source, &weights, &bias,
                                                &sink, strides, before, after);
    return st;
}

static dnnl_status_t set_post_ops(dnnl_primitive_attr_t attributes,
                                  const struct encoder_conv_shape *s)
{
    dnnl_post_ops_t after = NULL;
    dnnl_status_t st = dnnl_post_ops_create(&after);
    if (!st && s->add)
        st = dnnl_post_ops_append_sum(after, 1.0F);
    if (!st && s->clip6)
        st = dnnl_post_ops_append_eltwise(after, 1.0F, dnnl_eltwise_clip, 0.0F, 6.0F);
    if (!st)
        st = dnnl_primitive_attr_set_post_ops(attributes, after);
    dnnl_post_ops_destroy(after);
    return st;
}

enum dylumo_status encoder_conv_plan(struct encoder_conv *conv, dnnl_engine_t engine,
                                     struct dylumo_error *err)
{
    dnnl_convolution_desc_t description;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_status_t st = describe(&description, &conv->shape);
    if (!st)
        st = dnnl_primitive_attr_create(&attributes);
    if (!st)
        st = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    if (!st)
        st = set_post_ops(attributes, &conv->shape);
    if (!st)
        st = dnnl_primitive_desc_create(&conv->description, &description, attributes, engine, NULL);
    dnnl_primitive_attr_destroy(attributes);
    return st ? encoder_onednn_fail(err, st, conv->name, "kernel") : DYLUMO_OK;
}

static const dnnl_memory_desc_t *layout(const struct encoder_conv *conv, dnnl_query_t what,
                                        int index)
{
    return dnnl_primitive_desc_query_md(conv->description, what, index);
}

size_t encoder_conv_weight_bytes(const struct encoder_conv *conv)
{
    return dnnl_memory_desc_get_size(layout(conv, dnnl_query_weights_md, 0));
}

size_t encoder_conv_scratch_bytes(const struct encoder_conv *conv)
{
    return dnnl_memory_desc_get_size(layout(conv, dnnl_query_scratchpad_md, 0));
}

/* ------------------------------------------------------------------ build */

static bool all_finite(const float *values, size_t count)
{
    bool finite = true;
    for (size_t i = 0; i < count; i++)
        finite &= isfinite(values[i]) != 0;
    return finite;
}

enum dylumo_status encoder_conv_build(struct encoder_conv *conv, dnnl_engine_t engine,
                                      const struct dy_cpu *cpu, const uint16_t *halves, float *bias,
                                      void *room, struct dylumo_error *err)
{
    const dnnl_memory_desc_t *weights = layout(conv, dnnl_query_weights_md, 0);
    if (!all_finite(bias, conv->shape.out))
        return dy_fail(err, DYLUMO_BAD_FILE, "layer '%s': a bias is not finite", conv->name);
    enum dylumo_status failed =
        encoder_weights_pack(room, weights, &conv->shape, halves, cpu, conv->name, err);
    if (failed)
        return failed;
    dnnl_status_t st = dnnl_primitive_create(&conv->primitive, conv->description);
    if (!st)
        st = dnnl_memory_create(&conv->weights, weights, engine, room);
    if (!st)
        st = dnnl_memory_create(&conv->bias, layout(conv, dnnl_query_weights_md, 1), engine, bias);
    return st ? encoder_onednn_fail(err, st, conv->name, "primitive") : DYLUMO_OK;
}

void encoder_conv_close(struct encoder_conv *conv)
{
    dnnl_memory_destroy(conv->weights);
    dnnl_memory_destroy(conv->bias);
    dnnl_primitive_destroy(conv->primitive);
    dnnl_primitive_desc_destroy(conv->description);
    conv->weights = conv->bias = NULL;
    conv->primitive = NULL;
    conv->description = NULL;
}

/* ------------------------------------------------------------------ call */

enum dylumo_status encoder_conv_bind(struct encoder_conv_call *call,
                                     const struct encoder_conv *conv, dnnl_engine_t engine,
                                     void *source, void *sink, void *scratch,
                                     struct dylumo_error *err)
{
    dnnl_status_t st =
        dnnl_memory_create(&call->source, layout(conv, dnnl_query_src_md, 0), engine, source);
    if (!st)
        st = dnnl_memory_create(&call->sink, layout(conv, dnnl_query_dst_md, 0), engine, sink);
    if (!st)
        st = dnnl_memory_create(&call->scratch, layout(conv, dnnl_query_scratchpad_md, 0), engine,
                                scratch);
    if (st)
        return encoder_onednn_fail(err, st, conv->name, "memory");
    const dnnl_exec_arg_t arguments[5] = {
        {DNNL_ARG_SRC, call->source},         {DNNL_ARG_WEIGHTS, conv->weights},
        {DNNL_ARG_BIAS, conv->bias},          {DNNL_ARG_DST, call->sink},
        {DNNL_ARG_SCRATCHPAD, call->scratch},
    };
    for (size_t i = 0; i < DY_COUNT(arguments); i++)
        call->arguments[i] = arguments[i];
    return DYLUMO_OK;
}

void encoder_conv_unbind(struct encoder_conv_call *call)
{
    dnnl_memory_destroy(call->source);
    dnnl_memory_destroy(call->sink);
    dnnl_memory_destroy(call->scratch);
    *call = (struct encoder_conv_call){0};
}
