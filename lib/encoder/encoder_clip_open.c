/* Making a tower: kernels for one item choose the layouts, then all matrices are packed at once by
 * as many threads as a run has. */
#include "encoder_clip_smooth.h"
#include "encoder_clip_tower.h"
#include "encoder_clip_weights.h"

#include "encoder_onednn.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

/* ------------------------------------------------------------------ kernels */

static const enum clip_matrix matrix_of[CLIP_PRODUCTS] = {
    [CLIP_LAYER_QKV] = CLIP_QKV,   [CLIP_LAYER_OUT] = CLIP_OUT, [CLIP_LAYER_UP] = CLIP_UP,
    [CLIP_LAYER_DOWN] = CLIP_DOWN, [CLIP_LAST_OUT] = CLIP_OUT,  [CLIP_LAST_UP] = CLIP_UP,
    [CLIP_LAST_DOWN] = CLIP_DOWN,
};

static struct encoder_product_shape shape_of(const struct clip_tower *t, enum clip_product product,
                                             unsigned items, unsigned tokens)
{
    static const char *const names[CLIP_PRODUCTS] = {
        "qkv", "out", "up", "down", "last out", "last up", "last down", "projection", "patch",
    };
    const unsigned outs[CLIP_MATRICES] = {3 * t->width, t->width, t->hidden, t->width};
    const unsigned ins[CLIP_MATRICES] = {t->width, t->width, t->width, t->hidden};
    const bool bytes = t->type == dnnl_s8;
    struct encoder_product_shape shape = {.name = names[product], .sink = dnnl_f32};
    if (product >= CLIP_PROJECTION) {
        shape.type = t->edge_type;
        shape.in = product == CLIP_PATCHES ? t->patch_numbers : t->width;
        shape.out = product == CLIP_PATCHES ? t->width : t->dimension;
        shape.rows = product == CLIP_PATCHES ? items * (tokens - 1) : items;
        return shape;
    }
    enum clip_matrix matrix = matrix_of[product];
    shape.type = t->type;
    shape.in = ins[matrix];
    shape.out = outs[matrix];
    shape.rows = product >= CLIP_LAST_OUT ? items : items * tokens;
    if (!bytes && matrix == CLIP_UP) {
        shape.after = t->quick ? ENCODER_QUICK_GELU : ENCODER_GELU;
        shape.sink = t->type;
    } else if (!bytes && matrix != CLIP_QKV) {
        shape.after = ENCODER_ADD;
    }
    return shape;
}

/* The product whose weights this one uses: the layout was chosen for it. */
static enum clip_product first_of(enum clip_product product)
{
    return product >= CLIP_LAST_OUT && product <= CLIP_LAST_DOWN
               ? product - CLIP_LAST_OUT + CLIP_LAYER_OUT
               : product;
}

/* base: whose layouts to keep to; may be kernels itself, which then chooses them. */
static enum dylumo_status compile(struct clip_kernels *kernels, const struct clip_tower *tower,
                                  const struct clip_kernels *base, struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    for (unsigned p = 0; !st && p < CLIP_PRODUCTS; p++) {
        struct encoder_product_shape shape =
            shape_of(tower, (enum clip_product)p, kernels->items, kernels->tokens);
        const struct encoder_product *chosen = &base->products[first_of((enum clip_product)p)];
        if (!shape.in)
            continue; /* texts have no patches */
        st = encoder_product_init(&kernels->products[p], &shape,
                                  chosen == &kernels->products[p] ? NULL
                                                                  : encoder_product_layout(chosen),
                                  tower->engine, err);
    }
    return st;
}

enum dylumo_status clip_kernels_init(struct clip_kernels *kernels, const struct clip_tower *tower,
                                     unsigned items, unsigned tokens, struct dylumo_error *err)
{
    *kernels = (struct clip_kernels){.items = items, .tokens = tokens};
    return compile(kernels, tower, &tower->base, err);
}

void clip_kernels_clear(struct clip_kernels *kernels)
{
    for (unsigned p = 0; p < CLIP_PRODUCTS; p++)
        encoder_product_clear(&kernels->products[p]);
}

/* ------------------------------------------------------------------ vectors */

static float *keep(struct clip_tower *tower, const float *values, size_t count)
{
    float *kept = dy_arena_take(&tower->vectors, count, sizeof *kept);
    assert(kept); /* the arena was sized for all of them */
    if (values)
        memcpy(kept, values, count * sizeof *kept);
    else
        memset(kept, 0, count * sizeof *kept);
    return kept;
}

/* No fewer than keep_vectors takes, each begun at a multiple of 64 bytes. */
static size_t vector_bytes(const struct clip_tower *t)
{
    enum { VECTORS_OF_LAYER = CLIP_VECTORS + 2 * CLIP_MATRICES + 1, VECTORS_OF_TOWER = 4 };
    size_t layer = (size_t)20 * t->width + (size_t)4 * t->hidden;
    size_t numbers = t->layer_count * layer + (size_t)3 * t->width + t->dimension;
    size_t vectors = (size_t)t->layer_count * VECTORS_OF_LAYER + VECTORS_OF_TOWER;
    return numbers * sizeof(float) + vectors * 64;
}

static enum dylumo_status keep_vectors(struct clip_tower *tower,
                                       const struct clip_tower_source *from,
                                       struct dylumo_error *err)
{
    const unsigned w = tower->width, h = tower->hidden;
    const unsigned sizes[CLIP_VECTORS] = {w, w, 3 * w, w, w, w, h, w};
    if (!dy_arena_init(&tower->vectors, vector_bytes(tower)))
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the vectors of the '%s' tower",
                       from->name);
    for (unsigned i = 0; i < tower->layer_count; i++) {
        struct clip_layer *layer = &tower->layers[i];
        for (unsigned v = 0; v < CLIP_VECTORS; v++)
            layer->vectors[v] = keep(tower, from->layer[i].vectors[v], sizes[v]);
        if (tower->type == dnnl_s8 && from->layer[i].smooth)
            layer->smooth = keep(tower, from->layer[i].smooth, h);
    }
    tower->post_gain = keep(tower, from->post_gain, w);
    tower->post_bias = keep(tower, from->post_bias, w);
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ matrices */

/* What the threads that pack matrices share. */
struct packing {
    const struct clip_tower_source *from;
    float *factors; /* of all layers; NULL: weights are bytes already, or stay numbers */
    struct clip_smoothing smoothing[CLIP_LAYERS_MAX];
    struct clip_tower *tower;
    const struct dy_encoder *encoder;
    struct clip_packing *jobs;
    size_t count;
    atomic_bool failed;
    struct dylumo_error *errors; /* [count] */
};

static void pack_one(void *user, size_t i)
{
    struct packing *packing = user;
    if (atomic_load_explicit(&packing->failed, memory_order_relaxed))
        return;
    if (clip_pack(&packing->jobs[i], &packing->errors[i]))
        atomic_store(&packing->failed, true);
}

static enum dylumo_status pack_all(struct packing *packing, struct dylumo_error *err)
{
    struct dy_workers *workers;
    enum dylumo_status st = dy_workers_new(&workers, packing->encoder->threads, err);
    if (st)
        return st;
    dy_workers_run(workers, packing->count, pack_one, packing);
    dy_workers_free(workers);
    for (size_t i = 0; i < packing->count; i++)
        if (packing->errors[i].status) {
            if (err)
                *err = packing->errors[i];
            return packing->errors[i].status;
        }
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ smoothing */

static void smooth_layer(void *user, size_t i)
{
    struct packing *packing = user;
    const struct clip_tower *tower = packing->tower;
    const unsigned wide = tower->hidden > tower->width ? tower->hidden : tower->width;
    float *room = packing->factors + i * (clip_smoothing_count(tower->width, tower->hidden) + wide);
    clip_find_factors(&packing->smoothing[i], &packing->from->layer[i], tower->width, tower->hidden,
                      room + wide, room);
}

/* What gives a product its input is divided by the factors that its columns are multiplied by: a
 * norm's gain and bias, a value's bias, and GELU's output. The values' rows follow in place_jobs.
 */
static void divide_inputs(struct clip_tower *tower, const struct packing *packing)
{
    const size_t width = tower->width;
    for (unsigned i = 0; i < tower->layer_count; i++) {
        struct clip_layer *layer = &tower->layers[i];
        float *const *columns = packing->smoothing[i].columns;
        float *vectors[CLIP_VECTORS];
        for (unsigned v = 0; v < CLIP_VECTORS; v++)
            vectors[v] = (float *)(uintptr_t)layer->vectors[v]; /* copies of ours */
        float *smooth = keep(tower, NULL, tower->hidden);
        for (size_t j = 0; j < width; j++) {
            vectors[CLIP_NORM1_GAIN][j] /= columns[CLIP_QKV][j];
            vectors[CLIP_NORM1_BIAS][j] /= columns[CLIP_QKV][j];
            vectors[CLIP_NORM2_GAIN][j] /= columns[CLIP_UP][j];
            vectors[CLIP_NORM2_BIAS][j] /= columns[CLIP_UP][j];
            vectors[CLIP_QKV_BIAS][2 * width + j] /= columns[CLIP_OUT][j];
        }
        for (size_t j = 0; j < tower->hidden; j++)
            smooth[j] = 1.0F / columns[CLIP_DOWN][j];
        layer->smooth = smooth;
    }
}

/* Weights that become bytes now. */
static enum dylumo_status smooth_all(struct packing *packing, struct dylumo_error *err)
{
    struct clip_tower *tower = packing->tower;
    const size_t wide = tower->hidden > tower->width ? tower->hidden : tower->width;
    if (tower->type != dnnl_s8 || packing->from->layer[0].matrices[0].weight->dtype == DY_I8)
        return DYLUMO_OK;
    packing->factors = dy_new_array(tower->layer_count *
                                        (clip_smoothing_count(tower->width, tower->hidden) + wide),
                                    sizeof *packing->factors);
    if (!packing->factors)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to make bytes of the '%s' tower",
                       packing->from->name);
    struct dy_workers *workers;
    enum dylumo_status st = dy_workers_new(&workers, packing->encoder->threads, err);
    if (st)
        return st;
    dy_workers_run(workers, tower->layer_count, smooth_layer, packing);
    dy_workers_free(workers);
    divide_inputs(tower, packing);
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ places */

static size_t padded(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

/* A matrix finds its place in weights, which follow each other. */
static void add_job(struct packing *packing, enum clip_product product,
                    const struct clip_matrix_source *from, const float *factors, size_t *at)
{
    const struct encoder_product *kernel = &packing->tower->base.products[product];
    const dnnl_memory_desc_t *layout = encoder_product_layout(kernel);
    packing->jobs[packing->count++] = (struct clip_packing){
        .from = *from,
        .layout = layout,
        .room = (void *)*at, /* an offset until there is memory */
        .column_factors = factors,
        .narrow = packing->tower->narrow_weights,
    };
    *at += padded(dnnl_memory_desc_get_size(layout));
}

/* Matrices [layer][4], then projection, then patches where there are any. */
static size_t list_jobs(struct packing *packing, const struct clip_file *file,
                        const struct clip_tower_source *from)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < from->layers; i++) {
        const struct clip_layer_source *layer = &from->layer[i];
        for (unsigned m = 0; m < CLIP_MATRICES; m++) {
            const float *factors = packing->factors ? packing->smoothing[i].columns[m] : NULL;
            /* where GELU's output is not multiplied by them, its columns are */
            if (m == CLIP_DOWN && packing->tower->type != dnnl_s8)
                factors = layer->smooth;
            add_job(packing, (enum clip_product)m, &layer->matrices[m], factors, &bytes);
        }
    }
    add_job(packing, CLIP_PROJECTION, &from->projection, NULL, &bytes);
    if (packing->tower->patch_numbers)
        add_job(packing, CLIP_PATCHES, &file->patch_weight, NULL, &bytes);
    return bytes;
}

static void place_jobs(struct packing *packing)
{
    struct clip_tower *tower = packing->tower;
    for (size_t i = 0; i < packing->count; i++) {
        struct clip_packing *job = &packing->jobs[i];
        job->room = tower->weights + (uintptr_t)job->room;
        if (job->layout->data_type != dnnl_s8)
            continue;
        size_t rows = (size_t)job->from.weight->shape[0];
        if (packing->factors && i % CLIP_MATRICES == CLIP_QKV)
            job->value_factors = packing->smoothing[i / CLIP_MATRICES].columns[CLIP_OUT];
        job->step = keep(tower, NULL, rows);
        job->sum = keep(tower, NULL, rows);
    }
}

/* Pixels come as p - 128, which every type holds exactly; (p / 255 - mean) / std goes into the
 * patches' matrix: factors for its columns, and for the bias what stays of each column.
 *
 *   factors  [3 patch patch] */
static void fold_pixels(const struct clip_file *file, float *factors, float *rests)
{
    size_t plane = (size_t)file->patch * file->patch;
    for (size_t i = 0; i < 3 * plane; i++) {
        size_t c = i / plane;
        factors[i] = 1.0F / (255.0F * file->std[c]);
        rests[i] = (128.0F / 255.0F - file->mean[c]) / file->std[c];
    }
}

/* What the constant part of the pixels gives: the patches' bias. */
static void fill_patch_bias(float *bias, const struct clip_file *file, const float *rests,
                            float *row)
{
    size_t rows = (size_t)file->patch_weight.weight->shape[0];
    size_t columns = (size_t)file->patch_weight.weight->shape[1];
    for (size_t o = 0; o < rows; o++) {
        double sum = 0;
        clip_read_row(row, &file->patch_weight, o);
        for (size_t i = 0; i < columns; i++)
            sum += (double)row[i] * (double)rests[i];
        bias[o] = (float)sum;
    }
}

static enum dylumo_status wrap_layers(struct clip_tower *tower, const struct packing *packing,
                                      struct dylumo_error *err)
{
    static const enum clip_vector bias_of[CLIP_MATRICES] = {CLIP_QKV_BIAS, CLIP_OUT_BIAS,
                                                            CLIP_UP_BIAS, CLIP_DOWN_BIAS};
    enum dylumo_status st = DYLUMO_OK;
    const struct clip_packing *job = packing->jobs;
    for (unsigned i = 0; !st && i < tower->layer_count; i++) {
        struct clip_layer *layer = &tower->layers[i];
        for (unsigned m = 0; !st && m < CLIP_MATRICES; m++, job++) {
            float *bias = (float *)(uintptr_t)layer->vectors[bias_of[m]]; /* oneDNN only reads */
            layer->restoring[m] = (struct encoder_restoring){job->step, job->sum, bias};
            st = encoder_matrix_init(&layer->matrices[m], &tower->base.products[m], tower->engine,
                                     job->room, tower->type == dnnl_s8 ? NULL : bias, err);
        }
    }
    return st;
}

/* Patches and projection. The first needs two rows of scratch and one for its bias. */
static enum dylumo_status wrap_edges(struct clip_tower *tower, const struct packing *packing,
                                     float *patch_bias, struct dylumo_error *err)
{
    size_t layers = (size_t)tower->layer_count * CLIP_MATRICES;
    float *none = keep(tower, NULL, tower->dimension);
    enum dylumo_status st =
        encoder_matrix_init(&tower->projection, &tower->base.products[CLIP_PROJECTION],
                            tower->engine, packing->jobs[layers].room, none, err);
    if (!st && tower->patch_numbers)
        st = encoder_matrix_init(&tower->patches, &tower->base.products[CLIP_PATCHES],
                                 tower->engine, packing->jobs[layers + 1].room, patch_bias, err);
    return st;
}

/* Fewer page faults where the kernel grants it; no harm where not. */
static enum dylumo_status make_room(struct clip_tower *tower, size_t bytes,
                                    struct dylumo_error *err)
{
    tower->weights = dy_mem_aligned(bytes);
    if (!tower->weights)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu bytes of weights", bytes);
    encoder_ask_for_huge_pages(tower->weights, bytes);
    return DYLUMO_OK;
}

static enum dylumo_status pack_weights(struct clip_tower *tower, struct packing *packing,
                                       const struct clip_file *file,
                                       const struct clip_tower_source *from,
                                       struct dylumo_error *err)
{
    size_t columns = tower->patch_numbers;
    float *scratch = dy_new_array(3 * columns + 1, sizeof *scratch);
    if (!scratch)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to pack the '%s' tower", from->name);
    enum dylumo_status st = smooth_all(packing, err);
    size_t bytes = st ? 0 : list_jobs(packing, file, from);
    if (!st)
        st = make_room(tower, bytes, err);
    float *patch_bias = NULL;
    if (!st)
        place_jobs(packing);
    if (!st && columns) {
        fold_pixels(file, scratch, scratch + columns);
        patch_bias = keep(tower, NULL, tower->width);
        fill_patch_bias(patch_bias, file, scratch + columns, scratch + 2 * columns);
        packing->jobs[packing->count - 1].column_factors = scratch;
    }
    if (!st)
        st = pack_all(packing, err);
    if (!st)
        st = wrap_layers(tower, packing, err);
    if (!st)
        st = wrap_edges(tower, packing, patch_bias, err);
    dy_free(scratch);
    return st;
}

static enum dylumo_status make_weights(struct clip_tower *tower, const struct dy_encoder *encoder,
                                       const struct clip_file *file,
                                       const struct clip_tower_source *from,
                                       struct dylumo_error *err)
{
    size_t jobs = (size_t)from->layers * CLIP_MATRICES + 2;
    struct packing packing = {.tower = tower, .encoder = encoder, .from = from};
    packing.jobs = dy_new_array(jobs, sizeof *packing.jobs);
    packing.errors = dy_new_array(jobs, sizeof *packing.errors);
    enum dylumo_status st =
        packing.jobs && packing.errors
            ? pack_weights(tower, &packing, file, from, err)
            : dy_fail(err, DYLUMO_NO_MEMORY, "no memory to pack the '%s' tower", from->name);
    dy_free(packing.jobs);
    dy_free(packing.errors);
    dy_free(packing.factors);
    return st;
}

/* ------------------------------------------------------------------ tower */

/* AUTO: the file's own arithmetic where the processor has it, else f32. f32 weights are rounded to
 * bf16 where the processor multiplies that. */
enum dylumo_status clip_choose_precision(struct dy_encoder *encoder, const struct clip_file *file,
                                         struct dylumo_error *err)
{
    enum dy_precision wanted = encoder->info.precision;
    const struct dy_cpu *cpu = &encoder->cpu;
    if (wanted == DY_PRECISION_AUTO && file->precision == DY_PRECISION_INT8)
        wanted = DY_PRECISION_INT8;
    else if (wanted == DY_PRECISION_AUTO)
        wanted = cpu->avx512_bf16 ? DY_PRECISION_BF16 : DY_PRECISION_F32;
    encoder->info.precision = wanted;
    return encoder_need_precision(encoder, err);
}

void clip_tell(struct dy_encoder *encoder, const struct clip_file *file)
{
    struct dy_encoder_info *info = &encoder->info;
    info->name = file->name;
    info->hash = file->identity;
    info->width = info->height = file->size;
    info->crop = file->source == CLIP_TRANSFORMERS ? DY_CROP_TRANSFORMERS : DY_CROP_TORCHVISION;
    info->dimension = file->dimension;
    info->has_text = file->has_text;
    info->text_scale = file->has_text ? expf(file->text_scale) : 0;
}

static void set_types(struct clip_tower *tower, const struct dy_encoder *encoder)
{
    const struct dy_cpu *cpu = &encoder->cpu;
    dnnl_data_type_t floats = encoder->info.precision == DY_PRECISION_F32 ? dnnl_f32 : dnnl_bf16;
    tower->type = encoder->info.precision == DY_PRECISION_INT8 ? dnnl_s8 : floats;
    tower->edge_type = cpu->avx512_bf16 ? floats : dnnl_f32;
    tower->narrow_weights = !cpu->avx512_vnni;
    tower->kernels = encoder_kernels(cpu);
}

enum dylumo_status clip_tower_open(struct clip_tower *tower, const struct dy_encoder *encoder,
                                   const struct clip_file *file, bool text,
                                   struct dylumo_error *err)
{
    const struct clip_tower_source *from = text ? &file->text : &file->image;
    tower->width = from->width;
    tower->hidden = from->hidden;
    tower->layer_count = from->layers;
    tower->heads = from->heads;
    tower->tokens = from->tokens;
    tower->dimension = file->dimension;
    tower->patch_numbers = text ? 0 : file->patch * file->patch * 3;
    tower->causal = text;
    tower->quick = file->quick;
    set_types(tower, encoder);
    dnnl_status_t status = dnnl_engine_create(&tower->engine, dnnl_cpu, 0);
    if (status)
        return encoder_onednn_fail(err, status, "all", "engine");
    tower->base = (struct clip_kernels){.items = 1, .tokens = tower->tokens};
    unsigned before =
        encoder_onednn_threads(encoder->threads); /* it compiles for the team it sees */
    enum dylumo_status st = compile(&tower->base, tower, &tower->base, err);
    encoder_onednn_threads(before);
    if (!st)
        st = keep_vectors(tower, from, err);
    return st ? st : make_weights(tower, encoder, file, from, err);
}

void clip_tower_close(struct clip_tower *tower)
{
    for (unsigned i = 0; i < tower->layer_count; i++)
        for (unsigned m = 0; m < CLIP_MATRICES; m++)
            encoder_matrix_clear(&tower->layers[i].matrices[m]);
    encoder_matrix_clear(&tower->projection);
    encoder_matrix_clear(&tower->patches);
    clip_kernels_clear(&tower->base);
    dnnl_engine_destroy(tower->engine);
    dy_arena_clear(&tower->vectors);
    dy_free(tower->weights);
    *tower = (struct clip_tower){0};
}
