/* WebP by libwebp; of an animation the first frame. The decoder is fed piece by piece, so that
 * cancelling is seen in between, but libwebp keeps the whole picture, hence the lower limit.
 *
 * Pillow shows frames on a canvas: what the first one leaves free is clear in pictures that say to
 * have alpha, else black. */
#include "image_parts.h"

#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

#define PIECE_BYTES ((size_t)128 << 10)

struct webp {
    struct image_job *job;
    WebPDemuxer *demuxer;
    WebPIterator frame;
    uint8_t *pixels; /* [frame.height][frame.width][3 or 4] */
    unsigned canvas_width, canvas_height;
    bool clear; /* pixels are RGBA */
};

static enum dylumo_status failed(struct image_job *job, VP8StatusCode code)
{
    switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY:
        return dy_image_no_memory(job);
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return dy_image_broken(job, "it is cut off");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return dy_fail(job->err, DYLUMO_UNSUPPORTED, "%s: this kind of WebP is not read",
                       job->name);
    default:
        return dy_image_broken(job, "its data make no sense");
    }
}

static unsigned orientation_of(const WebPDemuxer *demuxer)
{
    unsigned found = 0;
    WebPChunkIterator chunk;
    if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) {
        found = dy_image_orientation_exif(chunk.chunk.bytes, chunk.chunk.size);
        WebPDemuxReleaseChunkIterator(&chunk);
    }
    if (!found && WebPDemuxGetChunk(demuxer, "XMP ", 1, &chunk)) {
        found = dy_image_orientation_xmp(chunk.chunk.bytes, chunk.chunk.size);
        WebPDemuxReleaseChunkIterator(&chunk);
    }
    return found ? found : 1;
}

static enum dylumo_status open_webp(struct webp *webp)
{
    struct image_job *job = webp->job;
    const WebPData data = {job->data, job->size};
    WebPBitstreamFeatures features;
    VP8StatusCode code = WebPGetFeatures(job->data, job->size, &features);
    if (code)
        return failed(job, code);
    webp->clear = features.has_alpha;
    WebPDemuxState state;
    webp->demuxer = WebPDemuxPartial(&data, &state);
    if (!webp->demuxer)
        return failed(job, state == WEBP_DEMUX_PARSE_ERROR ? VP8_STATUS_BITSTREAM_ERROR
                                                           : VP8_STATUS_SUSPENDED);
    webp->canvas_width = WebPDemuxGetI(webp->demuxer, WEBP_FF_CANVAS_WIDTH);
    webp->canvas_height = WebPDemuxGetI(webp->demuxer, WEBP_FF_CANVAS_HEIGHT);
    enum dylumo_status st = dy_image_begin(job, webp->canvas_width, webp->canvas_height,
                                           orientation_of(webp->demuxer), true);
    if (st)
        return st;
    unsigned frames = WebPDemuxGetI(webp->demuxer, WEBP_FF_FRAME_COUNT);
    job->info->frames = frames ? frames : 1;
    bool cut_off = state != WEBP_DEMUX_DONE && frames < 2; /* later frames may be missing */
    if (cut_off || !WebPDemuxGetFrame(webp->demuxer, 1, &webp->frame) || !webp->frame.complete)
        return failed(job, VP8_STATUS_SUSPENDED);
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ pixels */

static enum dylumo_status feed(struct webp *webp, WebPIDecoder *decoder)
{
    const WebPData *data = &webp->frame.fragment;
    VP8StatusCode code = VP8_STATUS_SUSPENDED;
    for (size_t fed = 0; code == VP8_STATUS_SUSPENDED && fed < data->size;) {
        if (dy_context_cancelled(webp->job->context))
            return dy_image_cancelled(webp->job);
        fed += data->size - fed < PIECE_BYTES ? data->size - fed : PIECE_BYTES;
        code = WebPIUpdate(decoder, data->bytes, fed);
    }
    return code ? failed(webp->job, code) : DYLUMO_OK;
}

static enum dylumo_status decode_frame(struct webp *webp)
{
    struct image_job *job = webp->job;
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return failed(job, VP8_STATUS_INVALID_PARAM);
    size_t stride = (size_t)webp->frame.width * (webp->clear ? 4 : 3);
    size_t size = stride * (size_t)webp->frame.height;
    webp->pixels = dy_mem_aligned(size);
    if (!webp->pixels)
        return dy_image_no_memory(job);
    config.output.colorspace = webp->clear ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = webp->pixels;
    config.output.u.RGBA.stride = (int)stride;
    config.output.u.RGBA.size = size;
    WebPIDecoder *decoder = WebPIDecode(NULL, 0, &config);
    if (!decoder)
        return dy_image_no_memory(job);
    enum dylumo_status st = feed(webp, decoder);
    WebPIDelete(decoder);
    return st;
}

/* The frame's part of canvas row y, on white or black. */
static void fill_row(const struct webp *webp, unsigned y)
{
    const WebPIterator *frame = &webp->frame;
    unsigned top = (unsigned)frame->y_offset, width = (unsigned)frame->width;
    uint8_t *row = webp->job->row, *to = row + (size_t)(unsigned)frame->x_offset * 3;
    memset(row, webp->clear ? 255 : 0, (size_t)webp->canvas_width * 3);
    if (y < top || y - top >= (unsigned)frame->height)
        return;
    const uint8_t *from = webp->pixels + (size_t)(y - top) * width * (webp->clear ? 4 : 3);
    if (!webp->clear)
        memcpy(to, from, (size_t)width * 3);
    else
        dy_image_over_white(to, from, width, false);
}

static enum dylumo_status decode(struct webp *webp)
{
    enum dylumo_status st = open_webp(webp);
    if (!st)
        st = decode_frame(webp);
    if (!st)
        st = dy_image_begin_rows(webp->job, webp->canvas_width, webp->canvas_height);
    for (unsigned y = 0; !st && y < webp->canvas_height; y++) {
        fill_row(webp, y);
        st = dy_image_push_row(webp->job);
    }
    return st;
}

enum dylumo_status dy_image_decode_webp(struct image_job *job)
{
    struct webp webp = {.job = job};
    enum dylumo_status st = decode(&webp);
    WebPDemuxReleaseIterator(&webp.frame);
    WebPDemuxDelete(webp.demuxer);
    dy_free(webp.pixels);
    return st;
}
