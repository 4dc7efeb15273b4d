/* CLIP's image tower as a part of the encoder (Radford et al. 2021; Dosovitskiy et al. 2020, eq. 1
 * to 4): pixels become patches, patches rows of numbers, and the tower does the rest. One work
 * holds kernels for one picture and, if asked, for a batch. */
#include "encoder_clip_tower.h"
#include "encoder_internal.h"

#include "encoder_onednn.h"
#include "encoder_team.h"

#include <string.h>

/* The file's tensors that are no tower's weights stay where they are, mapped. */
struct clip {
    struct clip_file file;
    struct clip_tower tower;
};

struct clip_work {
    struct clip_scratch scratch;
    struct clip_kernels many_kernels; /* items 0: only single pictures */
    struct clip_bound one, many;
};

static enum dylumo_status clip_open(struct dy_encoder *encoder, const struct dy_safetensors *file,
                                    const char *path, struct dylumo_error *err)
{
    struct clip *clip = dy_new(sizeof *clip);
    if (!clip)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for the encoder", path);
    encoder->net = clip;
    enum dylumo_status st = clip_file_read(&clip->file, file, path, err);
    if (!st)
        st = clip_choose_precision(encoder, &clip->file, err);
    if (st)
        return st;
    clip_tell(encoder, &clip->file);
    encoder->keeps_file = true;
    return clip_tower_open(&clip->tower, encoder, &clip->file, false, err);
}

static void clip_close(struct dy_encoder *encoder)
{
    struct clip *clip = encoder->net;
    if (clip)
        clip_tower_close(&clip->tower);
    dy_free(clip);
}

/* ------------------------------------------------------------------ work */

static enum dylumo_status clip_work_open(struct dy_encoder_work *work,
                                         const struct dy_encoder *encoder, unsigned most,
                                         struct dylumo_error *err)
{
    const struct clip *clip = encoder->net;
    const struct clip_tower *tower = &clip->tower;
    struct clip_work *net = work->net = dy_new(sizeof *net);
    enum dylumo_status st = DYLUMO_OK;
    if (!net)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the encoder's scratch");
    if (most > 1)
        st = clip_kernels_init(&net->many_kernels, tower, most, tower->tokens, err);
    const struct clip_kernels *largest = most > 1 ? &net->many_kernels : &tower->base;
    if (!st)
        st = clip_scratch_init(&net->scratch, tower, largest, encoder->threads, err);
    if (!st)
        st = clip_bind(&net->one, &tower->base, &net->scratch, err);
    if (!st && most > 1)
        st = clip_bind(&net->many, &net->many_kernels, &net->scratch, err);
    return st;
}

static void clip_work_close(struct dy_encoder_work *work)
{
    struct clip_work *net = work->net;
    if (!net)
        return;
    clip_unbind(&net->one);
    clip_unbind(&net->many);
    clip_kernels_clear(&net->many_kernels);
    clip_scratch_clear(&net->scratch);
    dy_free(net);
}

/* ------------------------------------------------------------------ rows of pictures */

/* What the threads of one pass share. */
struct entering {
    const struct clip *clip;
    struct clip_scratch *scratch;
    const uint8_t *const *pixels;
};

/* Patches `first` to `end` of all pictures, a row [3][patch][patch] of p - 128 each. */
static void cut_patches(void *user, size_t first, size_t end, unsigned thread)
{
    const struct entering *entering = user;
    const struct clip_file *file = &entering->clip->file;
    const struct clip_tower *tower = &entering->clip->tower;
    const size_t patch = file->patch, side = file->size / patch, plane = patch * patch;
    (void)thread;
    for (size_t at = first; at < end; at++) {
        const size_t item = at / (side * side), cell = at % (side * side);
        const uint8_t *from =
            entering->pixels[item] + (cell / side * patch * file->size + cell % side * patch) * 3;
        float *row = tower->edge_type == dnnl_f32
                         ? (float *)entering->scratch->wide_source + at * 3 * plane
                         : entering->scratch->sums + at * 3 * plane;
        for (size_t y = 0; y < patch; y++, from += (size_t)file->size * 3)
            for (size_t x = 0; x < patch; x++)
                for (size_t c = 0; c < 3; c++)
                    row[c * plane + y * patch + x] = (float)from[x * 3 + c] - 128.0F;
        if (tower->edge_type != dnnl_f32)
            encoder_narrow((uint16_t *)entering->scratch->wide_source + at * 3 * plane, row,
                           3 * plane);
    }
}

/* Rows of the stream: the class or a patch's sums, its position added, normed. */
static void place_rows(void *user, size_t first, size_t end, unsigned thread)
{
    const struct entering *entering = user;
    const struct clip_file *file = &entering->clip->file;
    const struct clip_tower *tower = &entering->clip->tower;
    const size_t width = tower->width, tokens = tower->tokens;
    (void)thread;
    for (size_t at = first; at < end; at++) {
        const size_t item = at / tokens, token = at % tokens;
        float *row = entering->scratch->stream_rows + at * width;
        const float *from =
            token ? entering->scratch->sums + (item * (tokens - 1) + token - 1) * width
                  : file->class_token;
        memcpy(row, from, width * sizeof *row);
        tower->kernels->add(row, file->image.positions + token * width, width);
        tower->kernels->norm(row, row, file->pre_gain, file->pre_bias, width);
    }
}

static enum dylumo_status run_bound(const struct clip *clip, struct clip_work *net,
                                    const struct clip_bound *bound, const uint8_t *const *pixels,
                                    float *embeddings, struct dylumo_error *err)
{
    const size_t items = bound->kernels->items, tokens = clip->tower.tokens;
    struct entering entering = {clip, &net->scratch, pixels};
    encoder_team_run(net->scratch.threads, items * (tokens - 1), cut_patches, &entering);
    enum dylumo_status st =
        encoder_product_run(&bound->kernels->products[CLIP_PATCHES], &clip->tower.patches,
                            &bound->calls[CLIP_PATCHES], net->scratch.stream, err);
    if (st)
        return st;
    encoder_team_run(net->scratch.threads, items * tokens, place_rows, &entering);
    return clip_tower_run(&net->scratch, bound, 0, embeddings, err);
}

static enum dylumo_status clip_run(const struct dy_encoder *encoder, struct dy_encoder_work *work,
                                   const uint8_t *const *pixels, size_t count, float *embeddings,
                                   struct dylumo_error *err)
{
    const struct clip *clip = encoder->net;
    struct clip_work *net = work->net;
    const size_t many = net->many_kernels.items;
    enum dylumo_status st = DYLUMO_OK;
    for (size_t at = 0, step; !st && at < count; at += step) {
        bool batch = many && count - at >= many;
        step = batch ? many : 1;
        st = run_bound(clip, net, batch ? &net->many : &net->one, pixels + at,
                       embeddings + at * clip->tower.dimension, err);
    }
    return st;
}

const struct encoder_part encoder_part_clip = {
    .name = "clip",
    .version = 1,
    .open = clip_open,
    .close = clip_close,
    .work_open = clip_work_open,
    .work_close = clip_work_close,
    .run = clip_run,
};
