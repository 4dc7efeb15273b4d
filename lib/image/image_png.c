/* PNG by libspng, a row at a time: any bit depth, palette and tRNS come out as RGB, or as RGBA laid
 * over white where there is transparency; 16 bit by >> 8. Interlaced pictures are decoded whole.
 *
 * libspng rather than libpng: no longjmp, limits and an allocator of ours, quicker filters. A
 * colour that tRNS names in a 16-bit picture is compared in 16 bit, as the standard has it (Pillow
 * compares what is left after >> 8). */
#include "image_parts.h"

#include <spng.h>
#include <string.h>

/* Chunks of text or profiles are not asked for; what is stored of them is bounded anyway. */
#define CHUNK_BYTES_MAX ((size_t)16 << 20)

/* libspng's allocator has no user pointer, and zlib's lack of memory comes back as a broken stream:
 * so each thread keeps in mind here whether memory ran out in its present decoding. */
static _Thread_local bool memory_ran_out;

static void *noted(void *memory)
{
    memory_ran_out |= !memory;
    return memory;
}

static void *spng_allocate(size_t size)
{
    return noted(dy_mem_alloc(size));
}

static void *spng_reallocate(void *old, size_t size)
{
    return noted(dy_mem_realloc(old, size));
}

static void *spng_allocate_array(size_t count, size_t size)
{
    return noted(dy_new_array(count, size));
}

static enum dylumo_status failed(struct image_job *job, int code)
{
    if (code == SPNG_EMEM || memory_ran_out)
        return dy_image_no_memory(job);
    switch (code) {
    case SPNG_IO_EOF:
    case SPNG_EIDAT_TOO_SHORT:
        return dy_image_broken(job, "it is cut off");
    default:
        return dy_image_broken(job, spng_strerror(code));
    }
}

static enum dylumo_status push(struct image_job *job, const uint8_t *row, unsigned width,
                               bool clear)
{
    if (clear)
        dy_image_over_white(job->row, row, width, false);
    else if (row != job->row)
        memcpy(job->row, row, (size_t)width * 3);
    return dy_image_push_row(job);
}

static enum dylumo_status stream(struct image_job *job, spng_ctx *png, const struct spng_ihdr *head,
                                 bool clear, uint8_t *rgba, size_t row_size)
{
    int code = spng_decode_image(png, NULL, 0, clear ? SPNG_FMT_RGBA8 : SPNG_FMT_RGB8,
                                 (clear ? SPNG_DECODE_TRNS : 0) | SPNG_DECODE_PROGRESSIVE);
    if (code)
        return failed(job, code);
    enum dylumo_status st = DYLUMO_OK;
    for (unsigned y = 0; !st && y < head->height; y++) {
        uint8_t *row = clear ? rgba : job->row;
        code = spng_decode_row(png, row, row_size);
        if (code && code != SPNG_EOI)
            return failed(job, code);
        if (code == SPNG_EOI && y + 1 < head->height)
            return dy_image_broken(job, "it is cut off");
        st = push(job, row, head->width, clear);
    }
    return st;
}

static enum dylumo_status whole(struct image_job *job, spng_ctx *png, const struct spng_ihdr *head,
                                bool clear, uint8_t *picture, size_t row_size)
{
    int code =
        spng_decode_image(png, picture, row_size * head->height,
                          clear ? SPNG_FMT_RGBA8 : SPNG_FMT_RGB8, clear ? SPNG_DECODE_TRNS : 0);
    if (code)
        return failed(job, code);
    enum dylumo_status st = DYLUMO_OK;
    for (unsigned y = 0; !st && y < head->height; y++)
        st = push(job, picture + y * row_size, head->width, clear);
    return st;
}

static enum dylumo_status decode(struct image_job *job, spng_ctx *png)
{
    struct spng_ihdr head;
    struct spng_trns trns;
    spng_set_image_limits(png, IMAGE_SIDE_MAX, IMAGE_SIDE_MAX);
    spng_set_chunk_limits(png, CHUNK_BYTES_MAX, CHUNK_BYTES_MAX);
    int code = spng_set_png_buffer(png, job->data, job->size);
    if (!code)
        code = spng_get_ihdr(png, &head);
    if (code == SPNG_EUSER_WIDTH || code == SPNG_EUSER_HEIGHT)
        return dy_fail(job->err, DYLUMO_TOO_LARGE, "%s: no side may be over %u pixels", job->name,
                       IMAGE_SIDE_MAX);
    if (code)
        return failed(job, code);
    bool interlaced = head.interlace_method != 0;
    enum dylumo_status st = dy_image_begin(
        job, head.width, head.height, dy_image_orientation_png(job->data, job->size), interlaced);
    if (st)
        return st;
    code = spng_get_trns(png, &trns);
    if (code && code != SPNG_ECHUNKAVAIL)
        return failed(job, code);
    bool clear = !code || head.color_type & 4;
    st = dy_image_begin_rows(job, head.width, head.height);
    if (st)
        return st;
    size_t row_size = (size_t)head.width * (clear ? 4 : 3);
    uint8_t *buffer = dy_mem_aligned(row_size * (interlaced ? head.height : 1));
    if (!buffer)
        return dy_image_no_memory(job);
    st = interlaced ? whole(job, png, &head, clear, buffer, row_size)
                    : stream(job, png, &head, clear, buffer, row_size);
    dy_free(buffer);
    return st;
}

enum dylumo_status dy_image_decode_png(struct image_job *job)
{
    struct spng_alloc allocator = {spng_allocate, spng_reallocate, spng_allocate_array, dy_free};
    memory_ran_out = false;
    spng_ctx *png = spng_ctx_new2(&allocator, 0);
    if (!png)
        return dy_image_no_memory(job);
    enum dylumo_status st = decode(job, png);
    spng_ctx_free(png);
    return st;
}
