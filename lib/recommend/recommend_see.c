/* From a picture's bytes to its embeddings. Scratch memory is kept in a list of idle pieces: as
 * many exist as requests ever ran at once. */
#include "recommend_internal.h"

#include <string.h>
#include <time.h>

double recommend_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

size_t recommend_embedding_size(const struct dylumo *dylumo)
{
    size_t views = dy_mood_info(dylumo->mood)->flip ? 2 : 1;
    return views * dy_mood_info(dylumo->mood)->dimension;
}

/* ------------------------------------------------------------------ scratch memory */

static void give_back(struct dylumo *dylumo, struct recommend_work *work)
{
    pthread_mutex_lock(&dylumo->lock);
    work->next = dylumo->idle;
    dylumo->idle = work;
    pthread_mutex_unlock(&dylumo->lock);
}

static struct recommend_work *take_idle(struct dylumo *dylumo)
{
    pthread_mutex_lock(&dylumo->lock);
    struct recommend_work *work = dylumo->idle;
    if (work)
        dylumo->idle = work->next;
    pthread_mutex_unlock(&dylumo->lock);
    return work;
}

/* A piece with all it needs. A half-made one goes to the idle list too: the next try fills it. */
static enum dylumo_status take_work(struct dylumo *dylumo, struct recommend_work **out,
                                    struct dylumo_error *err)
{
    if (!dylumo->encoder)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "a picture, but no encoder was opened to see it; expected an embedding");
    const struct dy_encoder_info *encoder = dy_encoder_info(dylumo->encoder);
    struct recommend_work *work = take_idle(dylumo);
    if (!work)
        work = dy_new(sizeof *work);
    if (!work)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for a picture");
    size_t bytes = (size_t)encoder->width * encoder->height * 3;
    if (!work->pixels)
        work->pixels = dy_mem_aligned(bytes);
    bool both = dy_mood_info(dylumo->mood)->flip;
    if (both && !work->mirrored)
        work->mirrored = dy_mem_aligned(bytes);
    enum dylumo_status st = DYLUMO_OK;
    if (!work->pixels || (both && !work->mirrored))
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for a picture of %zu bytes", bytes);
    if (!st && !work->encoder)
        st = dy_encoder_work_new(&work->encoder, dylumo->encoder, err);
    if (st) {
        give_back(dylumo, work);
        return st;
    }
    *out = work;
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ seeing */

static void mirror(const uint8_t *from, uint8_t *to, unsigned width, unsigned height)
{
    for (unsigned y = 0; y < height; y++)
        for (unsigned x = 0; x < width; x++)
            memcpy(to + ((size_t)y * width + (width - 1 - x)) * 3,
                   from + ((size_t)y * width + x) * 3, 3);
}

static enum dylumo_status encode_views(const struct dylumo *dylumo, struct recommend_work *work,
                                       const uint8_t *pixels, float *embeddings,
                                       struct dylumo_error *err)
{
    const struct dy_encoder_info *encoder = dy_encoder_info(dylumo->encoder);
    enum dylumo_status st = dy_encoder_run(dylumo->encoder, work->encoder, pixels, embeddings, err);
    if (st || !dy_mood_info(dylumo->mood)->flip)
        return st;
    mirror(pixels, work->mirrored, encoder->width, encoder->height);
    return dy_encoder_run(dylumo->encoder, work->encoder, work->mirrored,
                          embeddings + encoder->dimension, err);
}

static struct dy_image_target target_of(const struct dylumo_view *view, bool exact)
{
    static const enum dy_image_fit fits[] = {[DY_CROP_NONE] = DY_FIT_SQUASH,
                                             [DY_CROP_TORCHVISION] = DY_FIT_CROP,
                                             [DY_CROP_TRANSFORMERS] = DY_FIT_CROP_FLOOR};
    unsigned crop = (unsigned)view->crop;
    return (struct dy_image_target){
        .width = view->width,
        .height = view->height,
        .fit = crop < DY_COUNT(fits) ? fits[crop] : DY_FIT_CROP,
        .exact = exact,
    };
}

enum dylumo_status recommend_see(const struct dylumo *dylumo, const void *bytes, size_t size,
                                 const char *name, bool exact, float *embeddings,
                                 struct recommend_sight *sight, struct dylumo_error *err)
{
    struct dylumo *shared = (struct dylumo *)(uintptr_t)dylumo; /* its idle list has a lock */
    struct recommend_work *work = NULL;
    enum dylumo_status st = take_work(shared, &work, err);
    if (st)
        return st;
    const struct dy_image_target target = target_of(&dylumo->view, exact);
    st = dy_image_load(bytes, size, name, &target, &dylumo->context, work->pixels, &sight->image,
                       err);
    double start = recommend_now_ms();
    if (!st)
        st = encode_views(dylumo, work, work->pixels, embeddings, err);
    sight->encode_ms = recommend_now_ms() - start;
    give_back(shared, work);
    return st;
}

enum dylumo_status recommend_encode(const struct dylumo *dylumo, const uint8_t *pixels,
                                    float *embeddings, double *encode_ms, struct dylumo_error *err)
{
    struct dylumo *shared = (struct dylumo *)(uintptr_t)dylumo;
    struct recommend_work *work = NULL;
    enum dylumo_status st = take_work(shared, &work, err);
    if (st)
        return st;
    double start = recommend_now_ms();
    st = encode_views(dylumo, work, pixels, embeddings, err);
    *encode_ms = recommend_now_ms() - start;
    give_back(shared, work);
    return st;
}

/* ------------------------------------------------------------------ decoding alone */

enum dylumo_status dylumo_decode(const void *bytes, size_t size, const char *name,
                                 const struct dylumo_view *view, int exact,
                                 const struct dylumo_context *context, uint8_t *pixels,
                                 struct dylumo_picture *picture, struct dylumo_error *err)
{
    const struct dy_image_target target = target_of(view, exact != 0);
    struct dy_image_info info = {0};
    enum dylumo_status st = dy_image_load(bytes, size, name, &target, context, pixels, &info, err);
    if (st || !picture)
        return st;
    struct dylumo_picture seen = {.struct_size = picture->struct_size,
                                  .width = info.width,
                                  .height = info.height,
                                  .frames = info.frames,
                                  .decode_ms = info.decode_ms,
                                  .resize_ms = info.resize_ms};
    snprintf(seen.type, sizeof seen.type, "%s", dy_image_type_name(info.type));
    size_t known = picture->struct_size < sizeof seen ? picture->struct_size : sizeof seen;
    memcpy(picture, &seen, known);
    return DYLUMO_OK;
}
