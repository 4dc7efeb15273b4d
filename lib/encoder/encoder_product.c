/* Matrix products as convolutions of one pixel's reach: descriptor, post-ops, weights in blocks. */
#include "encoder_product.h"

#include "encoder_onednn.h"

#include <string.h>

/* ------------------------------------------------------------------ kernel */

static dnnl_status_t describe(dnnl_convolution_desc_t *description,
                              const struct encoder_product_shape *s,
                              const dnnl_memory_desc_t *layout)
{
    const dnnl_dims_t source_dims = {1, s->in, 1, s->rows}, sink_dims = {1, s->out, 1, s->rows};
    const dnnl_dims_t weight_dims = {s->out, s->in, 1, 1}, bias_dims = {s->out};
    const dnnl_dims_t strides = {1, 1}, padding = {0, 0};
    dnnl_memory_desc_t source, sink, weights, bias;
    dnnl_status_t st = dnnl_memory_desc_init_by_tag(
        &source, 4, source_dims, s->type == dnnl_s8 ? dnnl_u8 : s->type, dnnl_nhwc);
    if (!st)
        st = dnnl_memory_desc_init_by_tag(&sink, 4, sink_dims, s->sink, dnnl_nhwc);
    if (!st && layout)
        weights = *layout;
    else if (!st)
        st = dnnl_memory_desc_init_by_tag(&weights, 4, weight_dims, s->type, dnnl_format_tag_any);
    if (!st)
        st = dnnl_memory_desc_init_by_tag(&bias, 1, bias_dims, dnnl_f32, dnnl_a);
    if (!st)
        st = dnnl_convolution_forward_desc_init(
            description, dnnl_forward_inference, dnnl_convolution_direct, &source, &weights,
            s->type == dnnl_s8 ? NULL : &bias, &sink, strides, padding, padding);
    return st;
}

static dnnl_status_t set_after(dnnl_primitive_attr_t attributes, enum encoder_after what)
{
    dnnl_post_ops_t after = NULL;
    dnnl_status_t st = dnnl_post_ops_create(&after);
    if (!st && what == ENCODER_ADD)
        st = dnnl_post_ops_append_sum(after, 1.0F);
    if (!st && what == ENCODER_GELU)
        st = dnnl_post_ops_append_eltwise(after, 1.0F, dnnl_eltwise_gelu_erf, 0.0F, 0.0F);
    if (!st && what == ENCODER_QUICK_GELU) /* x / (1 + exp(-1.702 x)) */
        st = dnnl_post_ops_append_eltwise(after, 1.0F, dnnl_eltwise_swish, 1.702F, 0.0F);
    if (!st)
        st = dnnl_primitive_attr_set_post_ops(attributes, after);
    dnnl_post_ops_destroy(after);
    return st;
}

enum dylumo_status encoder_product_init(struct encoder_product *product,
                                        const struct encoder_product_shape *shape,
                                        const dnnl_memory_desc_t *layout, dnnl_engine_t engine,
                                        struct dylumo_error *err)
{
    dnnl_convolution_desc_t description;
    dnnl_primitive_attr_t attributes = NULL;
    product->shape = *shape;
    dnnl_status_t st = describe(&description, shape, layout);
    if (!st)
        st = dnnl_primitive_attr_create(&attributes);
    if (!st)
        st = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    if (!st)
        st = set_after(attributes, shape->after);
    if (!st)
        st = dnnl_primitive_desc_create(&product->description, &description, attributes, engine,
                                        NULL);
    if (!st)
        st = dnnl_primitive_create(&product->primitive, product->description);
    dnnl_primitive_attr_destroy(attributes);
    return st ? encoder_onednn_fail(err, st, shape->name, "kernel") : DYLUMO_OK;
}

void encoder_product_clear(struct encoder_product *product)
{
    dnnl_primitive_destroy(product->primitive);
    dnnl_primitive_desc_destroy(product->description);
    *product = (struct encoder_product){0};
}

static const dnnl_memory_desc_t *query(const struct encoder_product *product, dnnl_query_t what,
                                       int index)
{
    return dnnl_primitive_desc_query_md(product->description, what, index);
}

const dnnl_memory_desc_t *encoder_product_layout(const struct encoder_product *product)
{
    return query(product, dnnl_query_weights_md, 0);
}

size_t encoder_product_scratch_bytes(const struct encoder_product *product)
{
    return dnnl_memory_desc_get_size(query(product, dnnl_query_scratchpad_md, 0));
}

/* ------------------------------------------------------------------ weights */

#define ROWS_AT_ONCE 16 /* blocks of output channels are 8 or 16: their units follow each other */

/* Where W[o][i] lies in the layout: the sum of two numbers, one of o and one of i. Columns that
 * begin at a multiple of a unit, of up to four bytes, lie side by side and are moved as one. */
struct packing {
    size_t rows, units, unit_bytes;
    size_t *of_row, *of_unit; /* in units */
    void *items;              /* [ROWS_AT_ONCE][units] */
};

/* Columns of a unit: the longest run that the layout keeps together. */
static size_t unit_of(const dnnl_memory_desc_t *layout, size_t item_bytes, size_t columns)
{
    for (size_t unit = 4 / item_bytes; unit > 1; unit /= 2) {
        bool holds = columns % unit == 0;
        for (size_t i = 0; holds && i < columns; i++)
            holds = encoder_weights_offset(layout, 1, i) ==
                    encoder_weights_offset(layout, 1, i - i % unit) + i % unit;
        if (holds)
            return unit;
    }
    return 1;
}

static bool packing_init(struct packing *packing, const dnnl_memory_desc_t *layout)
{
    const size_t columns = (size_t)layout->dims[1];
    const size_t item_bytes = dnnl_data_type_size(layout->data_type);
    const size_t unit = unit_of(layout, item_bytes, columns);
    packing->rows = (size_t)layout->dims[0];
    packing->units = columns / unit;
    packing->unit_bytes = unit * item_bytes;
    packing->items = dy_mem_aligned(ROWS_AT_ONCE * columns * item_bytes);
    packing->of_row = dy_new_array(packing->rows + packing->units, sizeof *packing->of_row);
    if (!packing->items || !packing->of_row)
        return false;
    packing->of_unit = packing->of_row + packing->rows;
    for (size_t row = 0; row < packing->rows; row++)
        packing->of_row[row] = encoder_weights_offset(layout, 0, row) / unit;
    for (size_t u = 0; u < packing->units; u++)
        packing->of_unit[u] = encoder_weights_offset(layout, 1, u * unit) / unit;
    return true;
}

static void packing_clear(struct packing *packing)
{
    dy_free(packing->items);
    dy_free(packing->of_row);
}

#define PUT(name, type)                                                                     \
    static void name(void *room, const struct packing *packing, size_t first, size_t count) \
    {                                                                                       \
        const type *items = packing->items;                                                 \
        const size_t *of_row = packing->of_row + first;                                     \
        for (size_t u = 0; u < packing->units; u++) {                                       \
            type *to = (type *)room + packing->of_unit[u];                                  \
            for (size_t row = 0; row < count; row++)                                        \
                to[of_row[row]] = items[row * packing->units + u];                          \
        }                                                                                   \
    }
PUT(put_4_bytes, uint32_t)
PUT(put_2_bytes, uint16_t)
PUT(put_1_byte, uint8_t)
#undef PUT

static bool put_all(void *room, const struct packing *packing, encoder_read_rows *read, void *user)
{
    for (size_t first = 0; first < packing->rows; first += ROWS_AT_ONCE) {
        size_t left = packing->rows - first, count = left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE;
        if (!read(user, packing->items, first, count))
            return false;
        if (packing->unit_bytes == 4)
            put_4_bytes(room, packing, first, count);
        else if (packing->unit_bytes == 2)
            put_2_bytes(room, packing, first, count);
        else
            put_1_byte(room, packing, first, count);
    }
    return true;
}

enum dylumo_status encoder_product_pack(void *room, const dnnl_memory_desc_t *layout,
                                        encoder_read_rows *read, void *user, const char *name,
                                        struct dylumo_error *err)
{
    if (layout->format_kind != dnnl_blocked || layout->extra.flags)
        return dy_fail(err, DYLUMO_UNSUPPORTED, "layer '%s': oneDNN wants a layout unknown to us",
                       name);
    size_t items = (size_t)layout->dims[0] * (size_t)layout->dims[1];
    size_t bytes = dnnl_memory_desc_get_size(layout);
    if (bytes != items * dnnl_data_type_size(layout->data_type))
        memset(room, 0, bytes); /* padding must be zero */
    struct packing packing = {0};
    enum dylumo_status st = DYLUMO_OK;
    if (!packing_init(&packing, layout))
        st = dy_fail(err, DYLUMO_NO_MEMORY, "layer '%s': no memory to lay it out", name);
    if (!st && !put_all(room, &packing, read, user))
        st = dy_fail(err, DYLUMO_BAD_FILE, "layer '%s': a weight is not finite", name);
    packing_clear(&packing);
    return st;
}

enum dylumo_status encoder_matrix_init(struct encoder_matrix *matrix,
                                       const struct encoder_product *product, dnnl_engine_t engine,
                                       void *weights, float *bias, struct dylumo_error *err)
{
    dnnl_status_t st =
        dnnl_memory_create(&matrix->weights, encoder_product_layout(product), engine, weights);
    if (!st && bias)
        st = dnnl_memory_create(&matrix->bias, query(product, dnnl_query_weights_md, 1), engine,
                                bias);
    return st ? encoder_onednn_fail(err, st, product->shape.name, "memory") : DYLUMO_OK;
}

void encoder_matrix_clear(struct encoder_matrix *matrix)
{
    dnnl_memory_destroy(matrix->weights);
    dnnl_memory_destroy(matrix->bias);
    *matrix = (struct encoder_matrix){0};
}

/* ------------------------------------------------------------------ call */

enum dylumo_status encoder_product_bind(struct encoder_product_call *call,
                                        const struct encoder_product *product, dnnl_engine_t engine,
                                        void *source, void *sink, void *scratch,
                                        struct dylumo_error *err)
{
    dnnl_status_t st =
        dnnl_memory_create(&call->source, query(product, dnnl_query_src_md, 0), engine, source);
    if (!st)
        st = dnnl_memory_create(&call->sink, query(product, dnnl_query_dst_md, 0), engine, sink);
    if (!st)
        st = dnnl_memory_create(&call->scratch, query(product, dnnl_query_scratchpad_md, 0), engine,
                                scratch);
    return st ? encoder_onednn_fail(err, st, product->shape.name, "memory") : DYLUMO_OK;
}

void encoder_product_unbind(struct encoder_product_call *call)
{
    dnnl_memory_destroy(call->source);
    dnnl_memory_destroy(call->sink);
    dnnl_memory_destroy(call->scratch);
    *call = (struct encoder_product_call){0};
}

enum dylumo_status encoder_product_run(const struct encoder_product *product,
                                       const struct encoder_matrix *matrix,
                                       const struct encoder_product_call *call,
                                       dnnl_stream_t stream, struct dylumo_error *err)
{
    const dnnl_exec_arg_t arguments[5] = {
        {DNNL_ARG_SRC, call->source},  {DNNL_ARG_WEIGHTS, matrix->weights},
        {DNNL_ARG_DST, call->sink},    {DNNL_ARG_SCRATCHPAD, call->scratch},
        {DNNL_ARG_BIAS, matrix->bias},
    };
    dnnl_status_t st =
        dnnl_primitive_execute(product->primitive, stream, matrix->bias ? 5 : 4, arguments);
    if (!st)
        st = dnnl_stream_wait(stream);
    return st ? encoder_onednn_fail(err, st, product->shape.name, "result") : DYLUMO_OK;
}
