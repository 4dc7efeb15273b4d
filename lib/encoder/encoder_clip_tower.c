/* A tower's run. Between two products there is one pass over the rows, shared by the threads, in
 * which a row stays in the nearest cache: sums become numbers again, are added to the stream, are
 * normed, and become the next product's source.
 *
 * Queries meet keys, and shares meet values, by dnnl_sgemm for one head of one item at a time, in
 * full precision: they are a hundredth of the work. */
#include "encoder_clip_tower.h"

#include "encoder_onednn.h"
#include "encoder_team.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

/* ------------------------------------------------------------------ scratch */

static size_t padded(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t source_bytes(const struct clip_tower *tower)
{
    return tower->type == dnnl_s8 ? 1 : dnnl_data_type_size(tower->type);
}

static size_t product_scratch(const struct clip_kernels *kernels)
{
    size_t bytes = 64;
    for (unsigned p = 0; p < CLIP_PRODUCTS; p++)
        if (kernels->products[p].description)
            bytes = most(bytes, encoder_product_scratch_bytes(&kernels->products[p]));
    return bytes;
}

/* Gives the pieces their places; with no memory yet it only adds their sizes up. */
static size_t lay_out(struct clip_scratch *s, const struct clip_kernels *largest)
{
    const struct clip_tower *t = s->tower;
    const size_t rows = (size_t)largest->items * largest->tokens, f = sizeof(float);
    const size_t item = most(source_bytes(t), dnnl_data_type_size(t->edge_type));
    const size_t wide = most((size_t)3 * t->width, t->hidden);
    size_t patch_bytes = rows * t->patch_numbers * dnnl_data_type_size(t->edge_type);
    struct piece {
        void **to;
        size_t bytes;
    } pieces[] = {
        {(void **)&s->stream_rows, rows * t->width * f},
        {&s->source, rows * t->width * item},
        {&s->wide_source, most(rows * t->hidden * source_bytes(t), patch_bytes)},
        {(void **)&s->sums, rows * wide * f},
        {(void **)&s->mixed, rows * t->width * f},
        {(void **)&s->scores, (size_t)s->threads * t->tokens * t->tokens * f},
        {(void **)&s->row, s->threads * wide * f},
        {(void **)&s->rounding, rows * sizeof *s->rounding},
        {(void **)&s->wide_rounding, rows * sizeof *s->wide_rounding},
        {&s->product_scratch, product_scratch(largest)},
    };
    size_t at = 0;
    for (size_t i = 0; i < DY_COUNT(pieces); i++) {
        if (s->memory)
            *pieces[i].to = s->memory + at;
        at += padded(pieces[i].bytes) + 64;
    }
    return at;
}

enum dylumo_status clip_scratch_init(struct clip_scratch *scratch, const struct clip_tower *tower,
                                     const struct clip_kernels *largest, unsigned threads,
                                     struct dylumo_error *err)
{
    *scratch = (struct clip_scratch){.tower = tower, .threads = threads};
    size_t bytes = lay_out(scratch, largest);
    scratch->memory = dy_mem_aligned(bytes);
    if (!scratch->memory)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu bytes of activations", bytes);
    lay_out(scratch, largest);
    encoder_ask_for_huge_pages(scratch->memory, bytes);
    dnnl_status_t status =
        dnnl_stream_create(&scratch->stream, tower->engine, dnnl_stream_default_flags);
    return status ? encoder_onednn_fail(err, status, "all", "stream") : DYLUMO_OK;
}

void clip_scratch_clear(struct clip_scratch *scratch)
{
    dnnl_stream_destroy(scratch->stream);
    dy_free(scratch->memory);
    *scratch = (struct clip_scratch){0};
}

enum dylumo_status clip_bind(struct clip_bound *bound, const struct clip_kernels *kernels,
                             const struct clip_scratch *s, struct dylumo_error *err)
{
    const bool bytes = s->tower->type == dnnl_s8;
    void *const stream_or_sums = bytes ? (void *)s->sums : (void *)s->stream_rows;
    void *const mixed = s->tower->type == dnnl_f32 ? (void *)s->mixed : s->source;
    void *const up = bytes ? (void *)s->sums : s->wide_source;
    void *const sources[CLIP_PRODUCTS] = {
        s->source, mixed,          s->source, s->wide_source, mixed,
        s->source, s->wide_source, s->source, s->wide_source,
    };
    void *const sinks[CLIP_PRODUCTS] = {
        s->sums, stream_or_sums, up,      stream_or_sums, stream_or_sums,
        up,      stream_or_sums, s->sums, s->sums,
    };
    enum dylumo_status st = DYLUMO_OK;
    bound->kernels = kernels;
    for (unsigned p = 0; !st && p < CLIP_PRODUCTS; p++)
        if (kernels->products[p].primitive)
            st = encoder_product_bind(&bound->calls[p], &kernels->products[p], s->tower->engine,
                                      sources[p], sinks[p], s->product_scratch, err);
    return st;
}

void clip_unbind(struct clip_bound *bound)
{
    for (unsigned p = 0; p < CLIP_PRODUCTS; p++)
        encoder_product_unbind(&bound->calls[p]);
    bound->kernels = NULL;
}

/* ------------------------------------------------------------------ passes */

/* What the threads of one pass share. */
struct pass {
    struct clip_scratch *scratch;
    const struct clip_layer *layer;
    const float *gain, *bias;           /* of the norm; NULL: none follows */
    const struct encoder_restoring *by; /* of bytes' sums that wait to be added; NULL: none do */
    const struct encoder_rounding *rounding;
    unsigned tokens, first, count; /* of attention: rows of an item, its queries */
};

/* A row of numbers becomes row `at` of a product's source. */
static void store_source(const struct clip_tower *tower, void *source,
                         struct encoder_rounding *rounding, const float *row, size_t at,
                         size_t count)
{
    if (tower->type == dnnl_s8)
        rounding[at] = tower->kernels->round((uint8_t *)source + at * count, row, count);
    else if (tower->type == dnnl_bf16)
        encoder_narrow((uint16_t *)source + at * count, row, count);
    else
        memcpy((float *)source + at * count, row, count * sizeof *row);
}

/* Sums of bytes are added to the stream, which is then normed. */
static void norm_rows(void *user, size_t first, size_t end, unsigned thread)
{
    const struct pass *pass = user;
    struct clip_scratch *s = pass->scratch;
    const struct clip_tower *t = s->tower;
    const size_t width = t->width;
    float *kept = s->row + thread * most(3 * width, t->hidden);
    for (size_t at = first; at < end; at++) {
        float *x = s->stream_rows + at * width;
        if (pass->by) {
            t->kernels->restore(s->sums + at * width, pass->by, pass->rounding[at], width);
            t->kernels->add(x, s->sums + at * width, width);
        }
        if (!pass->gain)
            continue;
        float *to = t->type == dnnl_f32 ? (float *)s->source + at * width : kept;
        t->kernels->norm(to, x, pass->gain, pass->bias, width);
        if (to == kept)
            store_source(t, s->source, s->rounding, kept, at, width);
    }
}

/* Attention's answer becomes the source of `out`. */
static void store_mixed(void *user, size_t first, size_t end, unsigned thread)
{
    const struct pass *pass = user;
    struct clip_scratch *s = pass->scratch;
    (void)thread;
    for (size_t at = first; at < end; at++)
        store_source(s->tower, s->source, s->rounding, s->mixed + at * s->tower->width, at,
                     s->tower->width);
}

/* Sums of bytes become queries, keys and values. */
static void restore_rows(void *user, size_t first, size_t end, unsigned thread)
{
    const struct pass *pass = user;
    struct clip_scratch *s = pass->scratch;
    const size_t count = (size_t)3 * s->tower->width;
    (void)thread;
    for (size_t at = first; at < end; at++)
        s->tower->kernels->restore(s->sums + at * count, pass->by, pass->rounding[at], count);
}

/* Sums of bytes become the perceptron's inner numbers, and those the source of `down`. */
static void activate_rows(void *user, size_t first, size_t end, unsigned thread)
{
    const struct pass *pass = user;
    struct clip_scratch *s = pass->scratch;
    const struct clip_tower *t = s->tower;
    (void)thread;
    for (size_t at = first; at < end; at++) {
        float *row = s->sums + at * t->hidden;
        t->kernels->restore(row, pass->by, pass->rounding[at], t->hidden);
        if (t->quick)
            t->kernels->quick_gelu(row, t->hidden);
        else
            t->kernels->gelu(row, t->hidden);
        if (pass->layer->smooth)
            t->kernels->multiply(row, pass->layer->smooth, t->hidden);
        store_source(t, s->wide_source, s->wide_rounding, row, at, t->hidden);
    }
}

static void attend(const struct pass *pass, size_t item, size_t head, float *scores)
{
    const struct clip_scratch *s = pass->scratch;
    const struct clip_tower *t = s->tower;
    const dnnl_dim_t tokens = pass->tokens, queries = pass->count, size = t->width / t->heads;
    const dnnl_dim_t step = (dnnl_dim_t)3 * t->width;
    const float *keys =
        s->sums + item * pass->tokens * (size_t)step + t->width + head * (size_t)size;
    const float *query = keys - t->width + pass->first * (size_t)step, *values = keys + t->width;
    float *mixed = s->mixed + (item * pass->count) * t->width + head * (size_t)size;
    const float factor = 1.0F / sqrtf((float)size);
    dnnl_sgemm('N', 'T', queries, tokens, size, 1.0F, query, step, keys, step, 0.0F, scores,
               tokens);
    for (unsigned q = 0; q < pass->count; q++) {
        float *row = scores + (size_t)q * pass->tokens;
        unsigned seen = t->causal ? pass->first + q + 1 : pass->tokens;
        t->kernels->softmax(row, factor, seen);
        memset(row + seen, 0, (pass->tokens - seen) * sizeof *row);
    }
    dnnl_sgemm('N', 'N', queries, size, tokens, 1.0F, scores, tokens, values, step, 0.0F, mixed,
               t->width);
}

static void attend_heads(void *user, size_t first, size_t end, unsigned thread)
{
    const struct pass *pass = user;
    const struct clip_tower *t = pass->scratch->tower;
    float *scores = pass->scratch->scores + (size_t)thread * t->tokens * t->tokens;
    for (size_t task = first; task < end; task++)
        attend(pass, task / t->heads, task % t->heads, scores);
}

/* ------------------------------------------------------------------ layers */

/* A run under way. */
struct run {
    struct clip_scratch *scratch;
    const struct clip_bound *bound;
    struct dylumo_error *err;
    enum dylumo_status st;
    size_t rows; /* that still go on */
};

static void product(struct run *run, enum clip_product which, const struct encoder_matrix *matrix)
{
    if (!run->st)
        run->st = encoder_product_run(&run->bound->kernels->products[which], matrix,
                                      &run->bound->calls[which], run->scratch->stream, run->err);
}

static void pass_rows(const struct run *run, struct pass *pass,
                      void (*step)(void *user, size_t first, size_t end, unsigned thread))
{
    pass->scratch = run->scratch;
    if (!run->st)
        encoder_team_run(run->scratch->threads, run->rows, step, pass);
}

/* The rows [count] of every item answer as queries. */
static void attention(struct run *run, const struct clip_layer *layer, unsigned first,
                      unsigned count)
{
    struct clip_scratch *s = run->scratch;
    const struct clip_kernels *kernels = run->bound->kernels;
    struct pass pass = {.by = &layer->restoring[CLIP_QKV],
                        .rounding = s->rounding,
                        .tokens = kernels->tokens,
                        .first = first,
                        .count = count};
    if (s->tower->type == dnnl_s8)
        pass_rows(run, &pass, restore_rows);
    pass.scratch = s;
    if (!run->st)
        encoder_team_run(s->threads, (size_t)kernels->items * s->tower->heads, attend_heads, &pass);
    run->rows = (size_t)kernels->items * count;
    if (s->tower->type != dnnl_f32)
        pass_rows(run, &pass, store_mixed);
}

/* Only the row of each item that is read goes on. */
static void keep_read_rows(const struct run *run, unsigned read_row)
{
    const struct clip_kernels *kernels = run->bound->kernels;
    const size_t width = run->scratch->tower->width;
    float *rows = run->scratch->stream_rows;
    for (size_t i = 0; i < kernels->items; i++)
        memmove(rows + i * width, rows + (i * kernels->tokens + read_row) * width,
                width * sizeof *rows);
}

/* The second half of a layer, by three products in a row from `out`. */
static void perceptron(struct run *run, const struct clip_layer *layer, enum clip_product out)
{
    struct clip_scratch *s = run->scratch;
    const bool bytes = s->tower->type == dnnl_s8;
    struct pass norm = {.gain = layer->vectors[CLIP_NORM2_GAIN],
                        .bias = layer->vectors[CLIP_NORM2_BIAS],
                        .by = bytes ? &layer->restoring[CLIP_OUT] : NULL,
                        .rounding = s->rounding};
    struct pass activate = {
        .layer = layer, .by = &layer->restoring[CLIP_UP], .rounding = s->rounding};
    product(run, out, &layer->matrices[CLIP_OUT]);
    pass_rows(run, &norm, norm_rows);
    product(run, out + 1, &layer->matrices[CLIP_UP]);
    if (bytes)
        pass_rows(run, &activate, activate_rows);
    product(run, out + 2, &layer->matrices[CLIP_DOWN]);
}

/* The pass that ends a layer: `down` is added, and the next norm taken where one follows. */
static void join(const struct run *run, const struct clip_layer *done, const float *gain,
                 const float *bias)
{
    const bool bytes = run->scratch->tower->type == dnnl_s8;
    struct pass pass = {.gain = gain,
                        .bias = bias,
                        .by = done && bytes ? &done->restoring[CLIP_DOWN] : NULL,
                        .rounding = run->scratch->wide_rounding};
    if (pass.by || pass.gain)
        pass_rows(run, &pass, norm_rows);
}

static void run_layers(struct run *run, unsigned read_row)
{
    const struct clip_tower *tower = run->scratch->tower;
    const unsigned tokens = run->bound->kernels->tokens;
    const struct clip_layer *before = NULL;
    for (unsigned i = 0; i < tower->layer_count; i++) {
        const struct clip_layer *layer = &tower->layers[i];
        const bool last = i + 1 == tower->layer_count;
        join(run, before, layer->vectors[CLIP_NORM1_GAIN], layer->vectors[CLIP_NORM1_BIAS]);
        product(run, CLIP_LAYER_QKV, &layer->matrices[CLIP_QKV]);
        attention(run, layer, last ? read_row : 0, last ? 1 : tokens);
        if (last)
            keep_read_rows(run, read_row);
        perceptron(run, layer, last ? CLIP_LAST_OUT : CLIP_LAYER_OUT);
        before = layer;
    }
    join(run, before, NULL, NULL);
}

/* ------------------------------------------------------------------ embedding */

/* To length 1; false: not finite, or all zeros. */
static bool to_length_one(float *embedding, const float *numbers, size_t count)
{
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += (double)numbers[i] * (double)numbers[i];
    if (!isfinite(squares) || squares <= 0)
        return false;
    double by = 1.0 / sqrt(squares);
    for (size_t i = 0; i < count; i++)
        embedding[i] = (float)((double)numbers[i] * by);
    return true;
}

static void project(struct run *run)
{
    struct clip_scratch *s = run->scratch;
    const struct clip_tower *t = s->tower;
    for (size_t i = 0; !run->st && i < run->rows; i++) {
        float *to = t->edge_type == dnnl_f32 ? (float *)s->source + i * t->width : s->row;
        t->kernels->norm(to, s->stream_rows + i * t->width, t->post_gain, t->post_bias, t->width);
        if (to == s->row)
            encoder_narrow((uint16_t *)s->source + i * t->width, s->row, t->width);
    }
    product(run, CLIP_PROJECTION, &t->projection);
}

enum dylumo_status clip_tower_run(struct clip_scratch *scratch, const struct clip_bound *bound,
                                  unsigned read_row, float *embeddings, struct dylumo_error *err)
{
    const struct clip_kernels *kernels = bound->kernels;
    const size_t dimension = scratch->tower->dimension;
    struct run run = {scratch, bound, err, DYLUMO_OK, (size_t)kernels->items * kernels->tokens};
    assert(read_row < kernels->tokens);
    run_layers(&run, read_row);
    project(&run);
    for (size_t i = 0; !run.st && i < kernels->items; i++)
        if (!to_length_one(embeddings + i * dimension, scratch->sums + i * dimension, dimension))
            run.st = dy_fail(err, DYLUMO_BAD_FILE,
                             "the encoder's weights give numbers that are not finite");
    return run.st;
}
