/* From bytes to pixels: what type, may it be so large, and the decoder for it. A decoder pushes its
 * rows through here to the resizing, which is where cancelling is asked and time is taken. */
#include "image_parts.h"

#include <assert.h>
#include <time.h>

/* Rows between two questions whether to go on: some 0.3 ms of a large photo. */
#define ROWS_A_QUESTION 16u

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* ------------------------------------------------------------------ what decoders call */

enum dylumo_status dy_image_broken(struct image_job *job, const char *reason)
{
    return dy_fail(job->err, DYLUMO_BAD_PICTURE, "%s: broken %s: %s", job->name,
                   dy_image_type_name(job->info->type), reason);
}

enum dylumo_status dy_image_no_memory(struct image_job *job)
{
    return dy_fail(job->err, DYLUMO_NO_MEMORY, "%s: no memory to decode the %s", job->name,
                   dy_image_type_name(job->info->type));
}

enum dylumo_status dy_image_cancelled(struct image_job *job)
{
    return dy_fail(job->err, DYLUMO_CANCELLED, "%s: cancelled while decoding", job->name);
}

enum dylumo_status dy_image_begin(struct image_job *job, uint64_t width, uint64_t height,
                                  unsigned orientation, bool whole)
{
    unsigned long long w = width, h = height;
    if (!w || !h)
        return dy_image_broken(job, "it says to have no pixels");
    if (w > IMAGE_SIDE_MAX || h > IMAGE_SIDE_MAX)
        return dy_fail(job->err, DYLUMO_TOO_LARGE, "%s: %llu x %llu pixels, no side may be over %u",
                       job->name, w, h, IMAGE_SIDE_MAX);
    bool turned = orientation >= 5;
    job->info->width = (unsigned)(turned ? h : w);
    job->info->height = (unsigned)(turned ? w : h);
    job->info->orientation = orientation;
    uint64_t limit = dy_context_max_pixels(job->context);
    if (whole)
        limit = limit / 5 * 2 + limit % 5 * 2 / 5;
    if (w * h > limit)
        return dy_fail(job->err, DYLUMO_TOO_LARGE,
                       "%s: %llu x %llu pixels are %llu, the limit%s is %llu", job->name, w, h,
                       w * h, whole ? " for pictures that must be held whole" : "",
                       (unsigned long long)limit);
    return DYLUMO_OK;
}

enum dylumo_status dy_image_begin_rows(struct image_job *job, unsigned width, unsigned height)
{
    assert(!job->row);
    enum dylumo_status st =
        dy_image_resize_init(&job->resize, width, height, job->info->orientation, job->target,
                             job->pixels, job->name, job->err);
    if (st)
        return st;
    job->rows_left = height;
    job->row = dy_new_array((size_t)width * 3 + IMAGE_ROW_SLACK, 1);
    return job->row ? DYLUMO_OK : dy_image_no_memory(job);
}

enum dylumo_status dy_image_push_row(struct image_job *job)
{
    assert(job->rows_left);
    if (--job->rows_left % ROWS_A_QUESTION == 0 && dy_context_cancelled(job->context))
        return dy_image_cancelled(job);
    double start = now_ms();
    dy_image_resize_row(&job->resize, job->row);
    job->info->resize_ms += now_ms() - start;
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ the way */

static enum dylumo_status decode(struct image_job *job)
{
    switch (job->info->type) {
    case DY_IMAGE_JPEG:
        return dy_image_decode_jpeg(job);
    case DY_IMAGE_PNG:
        return dy_image_decode_png(job);
    case DY_IMAGE_WEBP:
        return dy_image_decode_webp(job);
    case DY_IMAGE_GIF:
        return dy_image_decode_gif(job);
    case DY_IMAGE_TIFF:
        return dy_image_decode_tiff(job);
    case DY_IMAGE_HEIC:
    case DY_IMAGE_AVIF:
        return dy_image_decode_heif(job);
    }
    return dy_image_broken(job, "no decoder");
}

static enum dylumo_status look_at(struct image_job *job)
{
    uint64_t limit = dy_context_max_picture_bytes(job->context);
    const char *what;
    if (!job->size)
        return dy_fail(job->err, DYLUMO_BAD_PICTURE, "%s: is empty, expected a picture", job->name);
    if (job->size > limit)
        return dy_fail(job->err, DYLUMO_TOO_LARGE, "%s: %zu bytes, the limit is %llu", job->name,
                       job->size, (unsigned long long)limit);
    if (!dy_image_type_of(job->data, job->size, &job->info->type, &what))
        return dy_fail(job->err, DYLUMO_BAD_PICTURE,
                       "%s: looks like %s, expected JPEG, PNG, WebP, GIF, TIFF, HEIC or AVIF",
                       job->name, what);
    return dy_context_cancelled(job->context) ? dy_image_cancelled(job) : DYLUMO_OK;
}

enum dylumo_status dy_image_load(const uint8_t *data, size_t size, const char *name,
                                 const struct dy_image_target *target,
                                 const struct dylumo_context *context, uint8_t *pixels,
                                 struct dy_image_info *info, struct dylumo_error *err)
{
    struct dy_image_info found;
    struct image_job job = {.data = data,
                            .size = size,
                            .name = name,
                            .target = target,
                            .context = context,
                            .pixels = pixels,
                            .info = info ? info : &found,
                            .err = err};
    *job.info = (struct dy_image_info){.orientation = 1, .frames = 1};
    double start = now_ms();
    enum dylumo_status st = look_at(&job);
    if (!st)
        st = decode(&job);
    assert(st || !job.rows_left);
    dy_image_resize_clear(&job.resize);
    dy_free(job.row);
    job.info->decode_ms = now_ms() - start - job.info->resize_ms;
    return st;
}
