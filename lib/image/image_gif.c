/* GIF by giflib: the first frame on its screen, and how many frames there are. Frames are counted
 * by walking over the blocks, which decodes nothing. Rows stream; an interlaced frame is held as
 * indices, one byte a pixel.
 *
 * What the frame leaves free of the screen is what Pillow makes it: clear (here white) when the
 * frame has a transparent colour, else colour 0. */
#include "image_parts.h"

#include <gif_lib.h>
#include <string.h>

struct gif {
    struct image_job *job;
    GifFileType *file;
    size_t at;           /* bytes that giflib has read */
    int transparent;     /* index, or NO_TRANSPARENT_COLOR */
    uint8_t rgb[256][3]; /* what each index looks like */
    uint8_t *indices;    /* one row, or the whole frame when interlaced */
    unsigned width, height;
};

static int read_more(GifFileType *file, GifByteType *to, int count)
{
    struct gif *gif = file->UserData;
    size_t left = gif->job->size - gif->at;
    size_t taken = (size_t)count < left ? (size_t)count : left;
    memcpy(to, gif->job->data + gif->at, taken);
    gif->at += taken;
    return (int)taken;
}

static enum dylumo_status failed(struct gif *gif, int code)
{
    switch (code) {
    case D_GIF_ERR_NOT_ENOUGH_MEM:
        return dy_image_no_memory(gif->job);
    case D_GIF_ERR_READ_FAILED:
    case D_GIF_ERR_EOF_TOO_SOON:
        return dy_image_broken(gif->job, "it is cut off");
    default: {
        const char *reason = GifErrorString(code);
        return dy_image_broken(gif->job, reason ? reason : "its data make no sense");
    }
    }
}

/* ------------------------------------------------------------------ counting */

static size_t after_colors(size_t at, unsigned flags)
{
    return at + (flags & 0x80 ? (size_t)3 << ((flags & 7) + 1) : 0);
}

static unsigned count_frames(const uint8_t *data, size_t size)
{
    unsigned frames = 0;
    size_t at = size > 12 ? after_colors(13, data[10]) : size;
    while (at < size) {
        if (data[at] == 0x2C && size - at > 10) { /* image: descriptor, colours, code size */
            frames++;
            at = after_colors(at + 10, data[at + 9]) + 1;
        } else if (data[at] == 0x21) {
            at += 2;
        } else {
            break;
        }
        while (at < size && data[at]) /* sub-blocks */
            at += (size_t)data[at] + 1;
        at++;
    }
    return frames ? frames : 1;
}

/* ------------------------------------------------------------------ the first frame */

static int read_extension(struct gif *gif)
{
    int code;
    GifByteType *bytes;
    if (DGifGetExtension(gif->file, &code, &bytes) != GIF_OK)
        return GIF_ERROR;
    while (bytes) {
        if (code == GRAPHICS_EXT_FUNC_CODE && bytes[0] >= 4)
            gif->transparent = bytes[1] & 1 ? bytes[4] : NO_TRANSPARENT_COLOR;
        if (DGifGetExtensionNext(gif->file, &bytes) != GIF_OK)
            return GIF_ERROR;
    }
    return GIF_OK;
}

/* Up to the first image's descriptor. */
static enum dylumo_status find_image(struct gif *gif)
{
    GifRecordType type;
    do {
        if (DGifGetRecordType(gif->file, &type) != GIF_OK)
            return failed(gif, gif->file->Error);
        if (type == TERMINATE_RECORD_TYPE)
            return dy_image_broken(gif->job, "it has no frame");
        if (type == EXTENSION_RECORD_TYPE && read_extension(gif) != GIF_OK)
            return failed(gif, gif->file->Error);
    } while (type != IMAGE_DESC_RECORD_TYPE);
    return DGifGetImageDesc(gif->file) == GIF_OK ? DYLUMO_OK : failed(gif, gif->file->Error);
}

static void make_colors(struct gif *gif)
{
    const ColorMapObject *map = gif->file->Image.ColorMap;
    if (!map)
        map = gif->file->SColorMap;
    for (int i = 0; i < 256; i++) { /* grey where the file says nothing */
        memset(gif->rgb[i], i, 3);
        if (map && i < map->ColorCount)
            memcpy(gif->rgb[i], &map->Colors[i], 3);
    }
    if (gif->transparent != NO_TRANSPARENT_COLOR)
        memset(gif->rgb[gif->transparent], 255, 3);
}

/* The rows of an interlaced frame come in four passes. */
static enum dylumo_status read_interlaced(struct gif *gif)
{
    static const unsigned first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
    const GifImageDesc *image = &gif->file->Image;
    for (int pass = 0; pass < 4; pass++)
        for (unsigned y = first[pass]; y < (unsigned)image->Height; y += step[pass]) {
            if (y % 64 == 0 && dy_context_cancelled(gif->job->context))
                return dy_image_cancelled(gif->job);
            if (DGifGetLine(gif->file, gif->indices + (size_t)y * (unsigned)image->Width,
                            image->Width) != GIF_OK)
                return failed(gif, gif->file->Error);
        }
    return DYLUMO_OK;
}

/* Row y of the screen into job->row. */
static enum dylumo_status fill_row(struct gif *gif, unsigned y)
{
    const GifImageDesc *image = &gif->file->Image;
    unsigned left = (unsigned)image->Left, top = (unsigned)image->Top;
    unsigned width = (unsigned)image->Width;
    const uint8_t *free_color =
        gif->rgb[gif->transparent == NO_TRANSPARENT_COLOR ? 0 : gif->transparent];
    uint8_t *row = gif->job->row;
    bool inside = y >= top && y - top < (unsigned)image->Height;
    for (unsigned x = 0; x < (inside ? left : gif->width); x++)
        memcpy(row + (size_t)x * 3, free_color, 3);
    if (!inside)
        return DYLUMO_OK;
    const uint8_t *indices = gif->indices;
    if (image->Interlace)
        indices += (size_t)(y - top) * width;
    else if (DGifGetLine(gif->file, gif->indices, (int)width) != GIF_OK)
        return failed(gif, gif->file->Error);
    for (unsigned x = 0; x < width; x++)
        memcpy(row + (size_t)(left + x) * 3, gif->rgb[indices[x]], 3);
    for (unsigned x = left + width; x < gif->width; x++)
        memcpy(row + (size_t)x * 3, free_color, 3);
    return DYLUMO_OK;
}

static unsigned larger(GifWord a, GifWord b)
{
    return (unsigned)(a > b ? a : b);
}

static enum dylumo_status decode(struct gif *gif)
{
    struct image_job *job = gif->job;
    job->info->frames = count_frames(job->data, job->size);
    enum dylumo_status st = find_image(gif);
    if (st)
        return st;
    const GifImageDesc *image = &gif->file->Image;
    gif->width = larger(gif->file->SWidth, image->Left + image->Width);
    gif->height = larger(gif->file->SHeight, image->Top + image->Height);
    st = dy_image_begin(job, gif->width, gif->height, 1, image->Interlace);
    if (!st && (!image->Width || !image->Height))
        st = dy_image_broken(job, "its first frame has no pixels");
    if (!st)
        st = dy_image_begin_rows(job, gif->width, gif->height);
    if (st)
        return st;
    make_colors(gif);
    gif->indices =
        dy_mem_aligned((size_t)image->Width * (size_t)(image->Interlace ? image->Height : 1));
    if (!gif->indices)
        return dy_image_no_memory(job);
    if (image->Interlace)
        st = read_interlaced(gif);
    for (unsigned y = 0; !st && y < gif->height; y++) {
        st = fill_row(gif, y);
        if (!st)
            st = dy_image_push_row(job);
    }
    return st;
}

enum dylumo_status dy_image_decode_gif(struct image_job *job)
{
    struct gif gif = {.job = job, .transparent = NO_TRANSPARENT_COLOR};
    int code = 0;
    gif.file = DGifOpen(&gif, read_more, &code);
    if (!gif.file)
        return failed(&gif, code);
    enum dylumo_status st = decode(&gif);
    dy_free(gif.indices);
    DGifCloseFile(gif.file, &code);
    return st;
}
