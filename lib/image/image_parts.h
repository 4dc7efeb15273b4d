/* What the files of this room share: the job that a decoder works on, and the resizing that takes
 * its rows. Not for other rooms.
 *
 * A decoder reads the head of its format, tells the sizes (dy_image_begin), then fills job->row
 * with one row of RGB after the other and hands each over (dy_image_push_row). Nothing else of the
 * picture is kept, unless the format's own library must. */
#ifndef DY_IMAGE_PARTS_H
#define DY_IMAGE_PARTS_H

#include "dy_image.h"

/* No side may be longer: bounds a row's memory and the coefficients of the resizing. */
#define IMAGE_SIDE_MAX 262144u
/* A row buffer has so many bytes more than its pixels, which kernels may read and write. */
#define IMAGE_ROW_SLACK 64u

/* ------------------------------------------------------------------ resizing (image_resize.c) */

struct image_axis {
    unsigned in_size, count, taps_max; /* raw positions; outputs kept; most taps of an output */
    bool flip;                         /* outputs go right to left in the upright picture */
    unsigned *start, *taps;            /* [count] in raw order */
    int32_t *weights;                  /* [count][taps_max] in units of 2^-22 */
    int32_t
        *spread; /* [count][groups][16]: each weight thrice (R, G, B), five to a group, or NULL */
    unsigned groups;
};

struct image_resize {
    struct image_axis across, down; /* along a raw row, and from row to row */
    bool transposed;                /* orientation 5 to 8: across is the upright y */
    bool down_first;                /* the ring holds raw rows */
    size_t lanes;                   /* bytes of a row in the ring */
    uint8_t *ring;                  /* [ring_rows][ring_stride] */
    size_t ring_rows, ring_stride;
    const uint8_t **window; /* [down.taps_max] */
    uint8_t *line;          /* [lanes] a row that has come out of the ring */
    uint8_t *turned;        /* [across.count][3] the same resized across, when down_first */
    unsigned next_row, next_line;
    const struct image_kernels *kernels;
    uint8_t *pixels; /* the caller's */
    unsigned width, height;
};

struct image_kernels {
    /* out[axis->count][3] = one row of [axis->in_size][3] resized; both have IMAGE_ROW_SLACK. */
    void (*across)(uint8_t *out, const uint8_t *row, const struct image_axis *axis);
    /* out[lanes] = the weighted sum of taps rows; all have IMAGE_ROW_SLACK. */
    void (*down)(uint8_t *out, const uint8_t *const *rows, const int32_t *weights, unsigned taps,
                 size_t lanes);
};

/* The quickest that the processor allows. Static. */
const struct image_kernels *dy_image_kernels(const struct dy_cpu *cpu);

/* Makes ready for rows of raw width x height; pixels is [target->height][target->width][3].
 *
 * Owns     dy_image_resize_clear gives the memory back; it takes a zeroed or half-made one.
 * Fails    NO_MEMORY; BAD_ARGUMENT for a crop to a target that is not square. */
enum dylumo_status dy_image_resize_init(struct image_resize *resize, unsigned width,
                                        unsigned height, unsigned orientation,
                                        const struct dy_image_target *target, uint8_t *pixels,
                                        const char *name, struct dylumo_error *err) DY_MUST_USE;
void dy_image_resize_clear(struct image_resize *resize);
/* row has IMAGE_ROW_SLACK bytes after its [width][3] that may be read. Exactly height rows, top
 * first; the pixels are complete with the last. */
void dy_image_resize_row(struct image_resize *resize, const uint8_t *row);

/* ------------------------------------------------------------------ a job (image_load.c) */

struct image_job {
    const uint8_t *data;
    size_t size;
    const char *name;
    const struct dy_image_target *target;
    const struct dylumo_context *context;
    uint8_t *pixels;
    struct dy_image_info *info; /* never NULL here */
    struct dylumo_error *err;
    struct image_resize resize;
    uint8_t *row; /* [width][3] and the slack, after dy_image_begin_rows */
    unsigned rows_left;
};

/* The picture's sizes as they lie in the file: fills info, checks the limits.
 *
 *   whole   the format will hold the whole picture: two fifths of the pixels are allowed
 *
 * Fails    TOO_LARGE; BAD_PICTURE for a side of 0. */
enum dylumo_status dy_image_begin(struct image_job *job, uint64_t width, uint64_t height,
                                  unsigned orientation, bool whole) DY_MUST_USE;
/* The sizes of the rows that will come: those of dy_image_begin, or smaller ones where the decoder
 * reduces. Makes job->row. */
enum dylumo_status dy_image_begin_rows(struct image_job *job, unsigned width,
                                       unsigned height) DY_MUST_USE;
/* Resizes job->row. Fails only with CANCELLED, asked every few rows. */
enum dylumo_status dy_image_push_row(struct image_job *job) DY_MUST_USE;
/* BAD_PICTURE, "NAME: broken JPEG: REASON". */
enum dylumo_status dy_image_broken(struct image_job *job, const char *reason);
enum dylumo_status dy_image_no_memory(struct image_job *job);
enum dylumo_status dy_image_cancelled(struct image_job *job);

/* ------------------------------------------------------------------ colours (image_color.c) */

/* to[count][3] = rgba[count][4] over white, rounded as Pillow's paste does; premultiplied colours
 * are divided by their alpha first. */
void dy_image_over_white(uint8_t *to, const uint8_t *rgba, size_t count, bool premultiplied);
/* to[count][3] = cmyk[count][4] as Pillow converts it; inverted: 255 is no ink, as Adobe's JPEGs.
 */
void dy_image_from_cmyk(uint8_t *to, const uint8_t *cmyk, size_t count, bool inverted);

/* ------------------------------------------------------------------ decoders, one a file */

enum dylumo_status dy_image_decode_jpeg(struct image_job *job) DY_MUST_USE;
enum dylumo_status dy_image_decode_png(struct image_job *job) DY_MUST_USE;
enum dylumo_status dy_image_decode_webp(struct image_job *job) DY_MUST_USE;
enum dylumo_status dy_image_decode_gif(struct image_job *job) DY_MUST_USE;
enum dylumo_status dy_image_decode_tiff(struct image_job *job) DY_MUST_USE;
enum dylumo_status dy_image_decode_heif(struct image_job *job) DY_MUST_USE;

/* ------------------------------------------------------------------ EXIF (image_exif.c) */

/* Orientation 1 to 8 as Pillow's exif_transpose finds it: EXIF first, else XMP; 1 when neither
 * says. Each takes the whole file; any bytes. */
unsigned dy_image_orientation_jpeg(const uint8_t *data, size_t size);
unsigned dy_image_orientation_png(const uint8_t *data, size_t size);
/* The blocks themselves, as WebP and HEIC keep them; 0 when they do not say. */
unsigned dy_image_orientation_exif(const uint8_t *data, size_t size);
unsigned dy_image_orientation_xmp(const uint8_t *data, size_t size);

#endif
