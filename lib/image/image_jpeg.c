/* JPEG by libjpeg-turbo's classic interface, a scanline at a time. Decoding is what Pillow's is:
 * accurate integer DCT, smooth upsampling, and for four components Adobe's inverted CMYK.
 *
 * libjpeg leaves by longjmp: all that must be given back lies in struct jpeg, and no frame between
 * setjmp and longjmp owns anything else. Warnings are not shown: one means that the file was cut
 * off, others that it is damaged, which the log hears of. */
#include "image_parts.h"

#include <setjmp.h>
#include <stdio.h> /* before jpeglib.h, which wants FILE */
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

/* A progressive picture has some ten scans; thousands cost minutes (libjpeg-turbo's own advice). */
#define SCANS_MAX 500

struct jpeg {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf leave;
    struct image_job *job;
    enum dylumo_status status; /* why we left, when not libjpeg's own reason */
    uint8_t *cmyk;             /* a row of four components */
    bool ran_out;              /* the bytes ended before the picture's end was marked */
    bool lost_data;            /* a scan ended before its last block */
};

/* ------------------------------------------------------------------ libjpeg's callbacks */

static void on_error(j_common_ptr info)
{
    struct jpeg *jpeg = info->client_data;
    longjmp(jpeg->leave, 1);
}

static void on_message(j_common_ptr info, int level)
{
    struct jpeg *jpeg = info->client_data;
    if (level >= 0)
        return;
    info->err->num_warnings++;
    jpeg->ran_out |= info->err->msg_code == JWRN_JPEG_EOF;
    jpeg->lost_data |= info->err->msg_code == JWRN_HIT_MARKER;
}

static void on_output(j_common_ptr info)
{
    (void)info;
}

/* Called while the scans of a progressive picture are collected. */
static void on_progress(j_common_ptr info)
{
    struct jpeg *jpeg = info->client_data;
    if (jpeg->info.input_scan_number > SCANS_MAX)
        jpeg->status = dy_image_broken(jpeg->job, "more than 500 scans");
    else if (dy_context_cancelled(jpeg->job->context))
        jpeg->status = dy_image_cancelled(jpeg->job);
    if (jpeg->status)
        longjmp(jpeg->leave, 1);
}

static enum dylumo_status why_left(struct jpeg *jpeg)
{
    struct image_job *job = jpeg->job;
    char reason[JMSG_LENGTH_MAX];
    if (jpeg->status)
        return jpeg->status;
    jpeg->errors.format_message((j_common_ptr)&jpeg->info, reason);
    switch (jpeg->errors.msg_code) {
    case JERR_OUT_OF_MEMORY:
        return dy_image_no_memory(job);
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_CONVERSION_NOTIMPL:
        return dy_fail(job->err, DYLUMO_UNSUPPORTED, "%s: this kind of JPEG is not read: %s",
                       job->name, reason);
    default:
        return dy_image_broken(job, jpeg->ran_out ? "it is cut off" : reason);
    }
}

/* ------------------------------------------------------------------ sizes */

/* The smallest of 1/8, 1/4, 1/2 (each with its own quick DCT; the sizes between are slower than the
 * next larger one) that leaves both sides at least five times what they become. Less lets the
 * embedding of lite2 notice: at five times and more its cosine to the full decoding is 0.9998 in
 * the mean, at two to three 0.9993 (bench/peer/image_scale.py, docs/numbers/image.md). */
#define SIZES_LEFT 5u

static unsigned eighths(const struct image_job *job)
{
    const struct dy_image_target *target = job->target;
    if (target->exact)
        return 8;
    for (unsigned scale = 1; scale < 8; scale *= 2)
        if ((uint64_t)job->info->width * scale >= (uint64_t)target->width * SIZES_LEFT * 8 &&
            (uint64_t)job->info->height * scale >= (uint64_t)target->height * SIZES_LEFT * 8)
            return scale;
    return 8;
}

static enum dylumo_status read_head(struct jpeg *jpeg)
{
    struct image_job *job = jpeg->job;
    struct jpeg_decompress_struct *info = &jpeg->info;
    jpeg_mem_src(info, job->data, job->size);
    jpeg_read_header(info, TRUE);
    enum dylumo_status st = dy_image_begin(job, info->image_width, info->image_height,
                                           dy_image_orientation_jpeg(job->data, job->size),
                                           jpeg_has_multiple_scans(info));
    if (st)
        return st;
    if (info->num_components != 1 && info->num_components != 3 && info->num_components != 4)
        return dy_fail(job->err, DYLUMO_UNSUPPORTED,
                       "%s: JPEG of %d components, expected 1, 3 or 4", job->name,
                       info->num_components);
    info->out_color_space = info->num_components == 4 ? JCS_CMYK : JCS_RGB;
    info->dct_method = JDCT_ISLOW;
    info->do_fancy_upsampling = TRUE;
    info->scale_num = eighths(job);
    info->scale_denom = 8;
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ rows */

static bool is_cut_off(const struct jpeg *jpeg)
{
    /* a missing end mark alone loses nothing, but of several scans some are missing then */
    return jpeg->ran_out &&
           (jpeg->lost_data || jpeg_has_multiple_scans((j_decompress_ptr)(uintptr_t)&jpeg->info));
}

static enum dylumo_status read_rows(struct jpeg *jpeg)
{
    struct image_job *job = jpeg->job;
    struct jpeg_decompress_struct *info = &jpeg->info;
    jpeg_start_decompress(info);
    enum dylumo_status st = dy_image_begin_rows(job, info->output_width, info->output_height);
    if (!st && info->out_color_space == JCS_CMYK &&
        !(jpeg->cmyk = dy_new_array(info->output_width, 4)))
        st = dy_image_no_memory(job);
    uint8_t *row = jpeg->cmyk ? jpeg->cmyk : job->row;
    while (!st && info->output_scanline < info->output_height) {
        jpeg_read_scanlines(info, &row, 1);
        if (is_cut_off(jpeg))
            return dy_image_broken(job, "it is cut off");
        if (jpeg->cmyk)
            dy_image_from_cmyk(job->row, jpeg->cmyk, info->output_width, true);
        st = dy_image_push_row(job);
    }
    if (!st && jpeg->errors.num_warnings)
        dy_context_log(job->context, DYLUMO_LOG_WARNING,
                       "%s: damaged JPEG, shown as far as it goes", job->name);
    return st;
}

/* Apart from its caller, whose variables longjmp must not make uncertain. */
static enum dylumo_status decode(struct jpeg *jpeg)
{
    if (setjmp(jpeg->leave))
        return why_left(jpeg);
    jpeg_create_decompress(&jpeg->info); /* keeps err and client_data */
    jpeg->info.progress = &jpeg->progress;
    enum dylumo_status st = read_head(jpeg);
    return st ? st : read_rows(jpeg);
}

enum dylumo_status dy_image_decode_jpeg(struct image_job *job)
{
    struct jpeg jpeg = {.job = job};
    jpeg.info.client_data = &jpeg;
    jpeg.info.err = jpeg_std_error(&jpeg.errors);
    jpeg.errors.error_exit = on_error;
    jpeg.errors.emit_message = on_message;
    jpeg.errors.output_message = on_output;
    jpeg.progress.progress_monitor = on_progress;
    enum dylumo_status st = decode(&jpeg);
    jpeg_destroy_decompress(&jpeg.info);
    dy_free(jpeg.cmyk);
    return st;
}
