/* CLIP's text tower as a part of the encoder (Radford et al. 2021, section 2.4): tokens become rows
 * of numbers, a token sees those before it only, and the embedding is read where the text ends.
 * What follows the end can change nothing, so it is not computed: kernels are made for a few
 * numbers of rows, and a text takes the least that hold it. */
#include "encoder_clip_tower.h"
#include "encoder_clip_words.h"
#include "encoder_internal.h"

#include <string.h>

enum { LENGTHS = 2 }; /* beside the whole context */
static const unsigned lengths[LENGTHS] = {16, 32};

struct clip_text {
    struct clip_file file;
    struct clip_words words;
    struct clip_tower tower;
    struct clip_kernels shorter[LENGTHS]; /* items 0: not shorter than the context */
};

struct clip_text_work {
    struct clip_scratch scratch;
    struct clip_bound whole, shorter[LENGTHS];
    uint32_t *tokens; /* [context] */
};

static enum dylumo_status open_tower(struct clip_text *text, const struct dy_encoder *encoder,
                                     struct dylumo_error *err)
{
    enum dylumo_status st = clip_tower_open(&text->tower, encoder, &text->file, true, err);
    for (int i = 0; !st && i < LENGTHS; i++)
        if (lengths[i] < text->tower.tokens)
            st = clip_kernels_init(&text->shorter[i], &text->tower, 1, lengths[i], err);
    return st;
}

static enum dylumo_status text_open(struct dy_encoder *encoder, const struct dy_safetensors *file,
                                    const char *path, struct dylumo_error *err)
{
    struct clip_text *text = dy_new(sizeof *text);
    if (!text)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for the encoder", path);
    encoder->net = text;
    enum dylumo_status st = clip_file_read(&text->file, file, path, err);
    if (!st && !text->file.has_text)
        st = dy_fail(err, DYLUMO_UNSUPPORTED, "%s: encoder '%s' comes without a text tower", path,
                     text->file.name);
    if (!st)
        st = clip_choose_precision(encoder, &text->file, err);
    if (!st)
        st = clip_words_init(&text->words, &text->file, path, err);
    if (st)
        return st;
    clip_tell(encoder, &text->file);
    encoder->info.width = encoder->info.height = 0;
    encoder->keeps_file = true;
    return open_tower(text, encoder, err);
}

static void text_close(struct dy_encoder *encoder)
{
    struct clip_text *text = encoder->net;
    if (!text)
        return;
    for (int i = 0; i < LENGTHS; i++)
        clip_kernels_clear(&text->shorter[i]);
    clip_tower_close(&text->tower);
    clip_words_clear(&text->words);
    dy_free(text);
}

static enum dylumo_status text_work_open(struct dy_encoder_work *work,
                                         const struct dy_encoder *encoder, unsigned most,
                                         struct dylumo_error *err)
{
    const struct clip_text *text = encoder->net;
    struct clip_text_work *net = work->net = dy_new(sizeof *net);
    (void)most; /* a text has no more than its own rows */
    if (net)
        net->tokens = dy_new_array(text->tower.tokens, sizeof *net->tokens);
    if (!net || !net->tokens)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the encoder's scratch");
    enum dylumo_status st =
        clip_scratch_init(&net->scratch, &text->tower, &text->tower.base, encoder->threads, err);
    if (!st)
        st = clip_bind(&net->whole, &text->tower.base, &net->scratch, err);
    for (int i = 0; !st && i < LENGTHS; i++)
        if (text->shorter[i].items)
            st = clip_bind(&net->shorter[i], &text->shorter[i], &net->scratch, err);
    return st;
}

static void text_work_close(struct dy_encoder_work *work)
{
    struct clip_text_work *net = work->net;
    if (!net)
        return;
    clip_unbind(&net->whole);
    for (int i = 0; i < LENGTHS; i++)
        clip_unbind(&net->shorter[i]);
    clip_scratch_clear(&net->scratch);
    dy_free(net->tokens);
    dy_free(net);
}

/* Where the embedding is read: the first end, should the text have named one itself. */
static unsigned end_of(const struct clip_words *words, const uint32_t *tokens, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (tokens[i] == words->end)
            return i;
    return count - 1;
}

static void place_tokens(const struct clip_text *text, const struct clip_scratch *scratch,
                         const uint32_t *tokens, unsigned count, unsigned rows)
{
    const size_t width = text->tower.width;
    for (size_t i = 0; i < count; i++) {
        float *row = scratch->stream_rows + i * width;
        clip_read_row(row, &text->file.token_table, tokens[i]);
        text->tower.kernels->add(row, text->file.text.positions + i * width, width);
    }
    memset(scratch->stream_rows + count * width, 0, (rows - count) * width * sizeof(float));
}

static enum dylumo_status text_run(const struct dy_encoder *encoder, struct dy_encoder_work *work,
                                   const char *words, size_t size, float *embedding,
                                   struct dylumo_error *err)
{
    const struct clip_text *text = encoder->net;
    struct clip_text_work *net = work->net;
    unsigned count = 0;
    enum dylumo_status st =
        clip_words_read(&text->words, words, size, text->tower.tokens, net->tokens, &count, err);
    if (st)
        return st;
    const unsigned end = end_of(&text->words, net->tokens, count);
    const struct clip_bound *bound = &net->whole;
    for (int i = LENGTHS - 1; i >= 0; i--)
        if (text->shorter[i].items && end < lengths[i])
            bound = &net->shorter[i];
    place_tokens(text, &net->scratch, net->tokens, end + 1, bound->kernels->tokens);
    return clip_tower_run(&net->scratch, bound, end, embedding, err);
}

const struct encoder_part encoder_part_clip_text = {
    .name = "clip",
    .version = 1,
    .open = text_open,
    .close = text_close,
    .work_open = text_work_open,
    .work_close = text_work_close,
    .run_text = text_run,
};
