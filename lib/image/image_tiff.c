/* TIFF by libtiff, first page: strips or tiles; 1, 2, 4, 8 or 16 bit; grey, palette, RGB, CMYK, and
 * YCbCr inside JPEG; alpha of both kinds; planes together or apart.
 *
 * Strips of joint planes are read line by line. Tiles and separate planes are read a band at a
 * time, a band being as high as a tile or strip; a band of half the picture or more counts as held
 * whole. Samples are made 8 bit (16 by >> 8) and then pixels, by the photometric tag. Floating
 * point, Lab and bare YCbCr are not read. */
#include "image_parts.h"

#include <string.h>

#include <tiffio.h>

#define SAMPLES_MAX 16
#define PAGES_MAX 65535u /* counted at most */
#define LIBRARY_ALLOCATION_MAX ((tmsize_t)512 << 20)

struct tiff {
    struct image_job *job;
    TIFF *file;
    size_t at;        /* where libtiff would read on */
    char reason[256]; /* libtiff's first complaint */
    bool cut_off;
    uint32_t width, height;
    uint16_t bits, samples, photometric, planar;
    unsigned colors; /* samples that are colour */
    bool alpha, premultiplied;
    uint8_t palette[256][3];
    bool tiled;
    uint32_t band_height, piece_width; /* a tile's, or the strip's */
    size_t piece_stride;               /* bytes of a line of a tile or strip */
    uint8_t *piece;                    /* one tile or strip, or one scanline */
    uint8_t *band;                     /* [band_height][width][samples] 8 bit, or one line of it */
    uint8_t *line;                     /* [width][4], colours before RGB */
};

/* ------------------------------------------------------------------ libtiff's callbacks */

DY_PRINTF(4, 0)
static int on_error(TIFF *file, void *user, const char *module, const char *format,
                    va_list arguments)
{
    (void)file, (void)module;
    struct tiff *tiff = user;
    if (!tiff->reason[0])
        vsnprintf(tiff->reason, sizeof tiff->reason, format, arguments);
    return 1;
}

/* A tag whose values lie behind the end is only warned of, and then made up. */
static int on_warning(TIFF *file, void *user, const char *module, const char *format,
                      va_list arguments)
{
    (void)file, (void)module, (void)arguments;
    struct tiff *tiff = user;
    tiff->cut_off |= !strncmp(format, "IO error", 8);
    return 1;
}

/* The file is in memory: libtiff reads the header, maps the rest, and never writes. */
static tmsize_t read_some(thandle_t user, void *to, tmsize_t count)
{
    struct tiff *tiff = user;
    if (count < 0 || tiff->at > tiff->job->size)
        return -1;
    size_t left = tiff->job->size - tiff->at;
    size_t taken = (size_t)count < left ? (size_t)count : left;
    memcpy(to, tiff->job->data + tiff->at, taken);
    tiff->at += taken;
    return (tmsize_t)taken;
}

static tmsize_t no_write(thandle_t user, void *bytes, tmsize_t count)
{
    (void)user, (void)bytes, (void)count;
    return -1;
}

static toff_t seek(thandle_t user, toff_t offset, int whence)
{
    struct tiff *tiff = user;
    tiff->at = offset + (whence == SEEK_CUR ? tiff->at : whence == SEEK_END ? tiff->job->size : 0);
    return tiff->at;
}

static int no_close(thandle_t user)
{
    (void)user;
    return 0;
}

static toff_t size_of(thandle_t user)
{
    const struct tiff *tiff = user;
    return tiff->job->size;
}

static int map(thandle_t user, void **data, toff_t *size)
{
    const struct tiff *tiff = user;
    *data = (void *)(uintptr_t)tiff->job->data;
    *size = tiff->job->size;
    return 1;
}

static void unmap(thandle_t user, void *data, toff_t size)
{
    (void)user, (void)data, (void)size;
}

static enum dylumo_status broken(struct tiff *tiff)
{
    return dy_image_broken(tiff->job, tiff->reason[0] ? tiff->reason : "its data make no sense");
}

static enum dylumo_status not_read(struct tiff *tiff, const char *what, unsigned value)
{
    return dy_fail(tiff->job->err, DYLUMO_UNSUPPORTED, "%s: TIFF with %s %u is not read",
                   tiff->job->name, what, value);
}

/* ------------------------------------------------------------------ head */

/* libtiff's errors and limits are given when opening: nothing global is touched. */
static enum dylumo_status open_tiff(struct tiff *tiff)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return dy_image_no_memory(tiff->job);
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, tiff);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, tiff);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, LIBRARY_ALLOCATION_MAX);
    tiff->file = TIFFClientOpenExt("picture", "r", tiff, read_some, no_write, seek, no_close,
                                   size_of, map, unmap, options);
    TIFFOpenOptionsFree(options);
    if (tiff->file && tiff->cut_off)
        return dy_image_broken(tiff->job, "it is cut off");
    return tiff->file ? DYLUMO_OK : broken(tiff);
}

/* Pages by the chain of directories (TIFF 6.0, section 2); BigTIFF's are not counted. */
static unsigned count_pages(const uint8_t *data, size_t size)
{
    bool big = data[0] == 'M';
    unsigned pages = 0;
    for (size_t at = 4; at + 4 <= size && pages < PAGES_MAX;) {
        const uint8_t *p = data + at;
        size_t next = big ? (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3]
                          : (size_t)p[3] << 24 | (size_t)p[2] << 16 | (size_t)p[1] << 8 | p[0];
        if (next <= at || next + 2 > size) /* the end; also ends loops */
            break;
        pages++;
        p = data + next;
        at = next + 2 + (size_t)(big ? p[0] << 8 | p[1] : p[1] << 8 | p[0]) * 12;
    }
    return pages ? pages : 1;
}

static enum dylumo_status read_palette(struct tiff *tiff)
{
    uint16_t *channels[3];
    if (tiff->bits > 8)
        return not_read(tiff, "a palette and bits", tiff->bits);
    if (!TIFFGetField(tiff->file, TIFFTAG_COLORMAP, &channels[0], &channels[1], &channels[2]))
        return dy_image_broken(tiff->job, "it has no palette");
    for (unsigned i = 0; i < 1u << tiff->bits; i++)
        for (unsigned c = 0; c < 3; c++)
            tiff->palette[i][c] = (uint8_t)(channels[c][i] >> 8);
    return DYLUMO_OK;
}

/* Which samples are colour, which is alpha. */
static enum dylumo_status read_channels(struct tiff *tiff)
{
    uint16_t extra_count = 0, *extra = NULL;
    TIFFGetFieldDefaulted(tiff->file, TIFFTAG_EXTRASAMPLES, &extra_count, &extra);
    switch (tiff->photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_PALETTE:
        tiff->colors = 1;
        break;
    case PHOTOMETRIC_RGB:
        tiff->colors = 3;
        break;
    case PHOTOMETRIC_SEPARATED:
        tiff->colors = 4;
        break;
    default:
        return not_read(tiff, "photometric interpretation", tiff->photometric);
    }
    if (tiff->samples < tiff->colors || tiff->samples > SAMPLES_MAX)
        return not_read(tiff, "samples a pixel:", tiff->samples);
    if (extra_count && tiff->samples > tiff->colors && tiff->colors != 4) {
        tiff->premultiplied = extra[0] == EXTRASAMPLE_ASSOCALPHA;
        tiff->alpha = tiff->premultiplied || extra[0] == EXTRASAMPLE_UNASSALPHA;
    } else {
        tiff->alpha = tiff->photometric == PHOTOMETRIC_RGB && tiff->samples == 4; /* as Pillow */
    }
    return tiff->photometric == PHOTOMETRIC_PALETTE ? read_palette(tiff) : DYLUMO_OK;
}

static enum dylumo_status read_kind(struct tiff *tiff)
{
    uint16_t format = SAMPLEFORMAT_UINT, compression = COMPRESSION_NONE;
    TIFFGetFieldDefaulted(tiff->file, TIFFTAG_BITSPERSAMPLE, &tiff->bits);
    TIFFGetFieldDefaulted(tiff->file, TIFFTAG_SAMPLESPERPIXEL, &tiff->samples);
    TIFFGetFieldDefaulted(tiff->file, TIFFTAG_PLANARCONFIG, &tiff->planar);
    TIFFGetFieldDefaulted(tiff->file, TIFFTAG_SAMPLEFORMAT, &format);
    TIFFGetFieldDefaulted(tiff->file, TIFFTAG_COMPRESSION, &compression);
    if (!TIFFGetField(tiff->file, TIFFTAG_PHOTOMETRIC, &tiff->photometric))
        tiff->photometric = tiff->samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
    if (tiff->photometric == PHOTOMETRIC_YCBCR && compression == COMPRESSION_JPEG &&
        tiff->planar == PLANARCONFIG_CONTIG) {
        TIFFSetField(tiff->file, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        tiff->photometric = PHOTOMETRIC_RGB;
    }
    if (!TIFFIsCODECConfigured(compression))
        return not_read(tiff, "compression", compression);
    if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID)
        return not_read(tiff, "sample format", format);
    if (!tiff->bits || tiff->bits > 16 || tiff->bits & (tiff->bits - 1))
        return not_read(tiff, "bits a sample:", tiff->bits);
    return read_channels(tiff);
}

/* How the pixels lie, and what that takes in memory. */
static enum dylumo_status read_layout(struct tiff *tiff)
{
    struct image_job *job = tiff->job;
    uint16_t orientation = 1;
    TIFFGetFieldDefaulted(tiff->file, TIFFTAG_ORIENTATION, &orientation);
    TIFFGetField(tiff->file, TIFFTAG_IMAGEWIDTH, &tiff->width);
    TIFFGetField(tiff->file, TIFFTAG_IMAGELENGTH, &tiff->height);
    tiff->tiled = TIFFIsTiled(tiff->file);
    tiff->piece_width = tiff->width;
    tiff->band_height = 1;
    if (tiff->tiled) {
        TIFFGetField(tiff->file, TIFFTAG_TILEWIDTH, &tiff->piece_width);
        TIFFGetField(tiff->file, TIFFTAG_TILELENGTH, &tiff->band_height);
    } else if (tiff->planar == PLANARCONFIG_SEPARATE && tiff->samples > 1) {
        TIFFGetFieldDefaulted(tiff->file, TIFFTAG_ROWSPERSTRIP, &tiff->band_height);
        if (tiff->band_height > tiff->height)
            tiff->band_height = tiff->height;
    }
    bool whole = tiff->band_height > 64 && tiff->band_height >= (tiff->height + 1) / 2;
    enum dylumo_status st =
        dy_image_begin(job, tiff->width, tiff->height,
                       orientation >= 1 && orientation <= 8 ? orientation : 1, whole);
    if (st)
        return st;
    if (!tiff->piece_width || !tiff->band_height)
        return dy_image_broken(job, "its tiles have no pixels");
    uint64_t limit = dy_context_max_pixels(job->context) / 5 * 2;
    if ((uint64_t)tiff->piece_width * tiff->band_height > limit + 65536)
        return dy_fail(job->err, DYLUMO_TOO_LARGE, "%s: tiles of %u x %u pixels, the limit is %llu",
                       job->name, tiff->piece_width, tiff->band_height, (unsigned long long)limit);
    return DYLUMO_OK;
}

static enum dylumo_status make_room(struct tiff *tiff)
{
    tmsize_t piece = tiff->tiled              ? TIFFTileSize(tiff->file)
                     : tiff->band_height == 1 ? TIFFScanlineSize(tiff->file)
                                              : TIFFStripSize(tiff->file);
    tmsize_t stride = tiff->tiled ? TIFFTileRowSize(tiff->file) : TIFFScanlineSize(tiff->file);
    bool joint = tiff->planar != PLANARCONFIG_SEPARATE || tiff->samples == 1;
    size_t pixels_a_line = (size_t)tiff->piece_width * (joint ? tiff->samples : 1);
    if (piece <= 0 || stride <= 0 || (size_t)stride < (pixels_a_line * tiff->bits + 7) / 8 ||
        piece / stride < (tmsize_t)tiff->band_height)
        return broken(tiff);
    tiff->piece_stride = (size_t)stride;
    size_t band;
    tiff->piece = dy_mem_aligned((size_t)piece);
    if (tiff->piece && dy_size_mul((size_t)tiff->width * tiff->samples, tiff->band_height, &band))
        tiff->band = dy_mem_aligned(band);
    if (tiff->band)
        tiff->line = dy_new_array(tiff->width, 4);
    return tiff->line ? DYLUMO_OK : dy_image_no_memory(tiff->job);
}

/* ------------------------------------------------------------------ samples */

/* count samples of a piece's line as 8 bit, every step-th place of to; palette indices as they are.
 */
static void unpack(const struct tiff *tiff, const uint8_t *from, size_t count, uint8_t *to,
                   size_t step)
{
    unsigned bits = tiff->bits, mask = (1u << bits) - 1;
    unsigned scale = tiff->photometric == PHOTOMETRIC_PALETTE || bits >= 8 ? 1 : 255 / mask;
    for (size_t i = 0; i < count; i++, to += step) {
        if (bits == 8) {
            *to = from[i];
        } else if (bits == 16) {
            uint16_t sample;
            memcpy(&sample, from + 2 * i, 2);
            *to = (uint8_t)(sample >> 8);
        } else {
            size_t bit = i * bits;
            unsigned byte = from[bit / 8];
            *to = (uint8_t)((byte >> (8 - bits - bit % 8) & mask) * scale);
        }
    }
}

/* One tile or strip into its place of the band. */
static void place(const struct tiff *tiff, uint32_t left, uint32_t rows, unsigned sample)
{
    bool joint = tiff->planar != PLANARCONFIG_SEPARATE || tiff->samples == 1;
    uint32_t columns = tiff->width - left;
    if (columns > tiff->piece_width)
        columns = tiff->piece_width;
    for (uint32_t y = 0; y < rows; y++) {
        uint8_t *to = tiff->band + ((size_t)y * tiff->width + left) * tiff->samples + sample;
        unpack(tiff, tiff->piece + y * tiff->piece_stride,
               (size_t)columns * (joint ? tiff->samples : 1), to, joint ? 1 : tiff->samples);
    }
}

static bool read_piece(struct tiff *tiff, uint32_t left, uint32_t top, uint32_t rows,
                       unsigned sample)
{
    uint16_t plane = (uint16_t)sample;
    if (tiff->tiled)
        return TIFFReadTile(tiff->file, tiff->piece, left, top, 0, plane) >= 0;
    if (tiff->band_height == 1)
        return TIFFReadScanline(tiff->file, tiff->piece, top, plane) >= 0;
    tmsize_t size = (tmsize_t)(rows * tiff->piece_stride);
    return TIFFReadEncodedStrip(tiff->file, TIFFComputeStrip(tiff->file, top, plane), tiff->piece,
                                size) == size;
}

static enum dylumo_status read_band(struct tiff *tiff, uint32_t top, uint32_t rows)
{
    bool joint = tiff->planar != PLANARCONFIG_SEPARATE || tiff->samples == 1;
    for (unsigned sample = 0; sample < (joint ? 1u : tiff->samples); sample++)
        for (uint32_t left = 0; left < tiff->width; left += tiff->piece_width) {
            if (tiff->tiled && dy_context_cancelled(tiff->job->context))
                return dy_image_cancelled(tiff->job);
            if (!read_piece(tiff, left, top, rows, sample))
                return broken(tiff);
            place(tiff, left, rows, sample);
        }
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ pixels */

/* The colours of one pixel as RGB (CMYK: as four), and its alpha. */
static void to_color(const struct tiff *tiff, const uint8_t *samples, uint8_t *color)
{
    switch (tiff->photometric) {
    case PHOTOMETRIC_PALETTE:
        memcpy(color, tiff->palette[samples[0]], 3);
        break;
    case PHOTOMETRIC_MINISWHITE:
        memset(color, 255 - samples[0], 3);
        break;
    case PHOTOMETRIC_MINISBLACK:
        memset(color, samples[0], 3);
        break;
    default:
        memcpy(color, samples, tiff->colors);
    }
    if (tiff->alpha)
        color[3] = samples[tiff->colors];
}

static enum dylumo_status push(struct tiff *tiff, const uint8_t *samples)
{
    struct image_job *job = tiff->job;
    bool four = tiff->alpha || tiff->colors == 4;
    uint8_t *colors = four ? tiff->line : job->row;
    for (uint32_t x = 0; x < tiff->width; x++)
        to_color(tiff, samples + (size_t)x * tiff->samples, colors + (size_t)x * (four ? 4 : 3));
    if (tiff->alpha)
        dy_image_over_white(job->row, colors, tiff->width, tiff->premultiplied);
    else if (four)
        dy_image_from_cmyk(job->row, colors, tiff->width, false);
    return dy_image_push_row(job);
}

static enum dylumo_status decode(struct tiff *tiff)
{
    enum dylumo_status st = open_tiff(tiff);
    if (!st)
        tiff->job->info->frames = count_pages(tiff->job->data, tiff->job->size);
    if (!st)
        st = read_kind(tiff);
    if (!st)
        st = read_layout(tiff);
    if (!st)
        st = make_room(tiff);
    if (!st)
        st = dy_image_begin_rows(tiff->job, tiff->width, tiff->height);
    for (uint32_t top = 0; !st && top < tiff->height; top += tiff->band_height) {
        uint32_t left = tiff->height - top;
        uint32_t rows = left < tiff->band_height ? left : tiff->band_height;
        st = read_band(tiff, top, rows);
        for (uint32_t y = 0; !st && y < rows; y++)
            st = push(tiff, tiff->band + (size_t)y * tiff->width * tiff->samples);
    }
    return st;
}

enum dylumo_status dy_image_decode_tiff(struct image_job *job)
{
    struct tiff tiff = {.job = job};
    enum dylumo_status st = decode(&tiff);
    if (tiff.file)
        TIFFClose(tiff.file);
    dy_free(tiff.piece);
    dy_free(tiff.band);
    dy_free(tiff.line);
    return st;
}
