/* What a file is, by its first bytes; its name is never asked. For what is none of ours, a few
 * words on what it looks like, so that the sentence helps. */
#include "image_parts.h"

#include <string.h>

const char *dy_image_type_name(enum dy_image_type type)
{
    static const char *const names[] = {
        [DY_IMAGE_JPEG] = "JPEG", [DY_IMAGE_PNG] = "PNG",   [DY_IMAGE_WEBP] = "WebP",
        [DY_IMAGE_GIF] = "GIF",   [DY_IMAGE_TIFF] = "TIFF", [DY_IMAGE_HEIC] = "HEIC",
        [DY_IMAGE_AVIF] = "AVIF",
    };
    return (size_t)type < DY_COUNT(names) ? names[type] : "unknown";
}

static bool has(const uint8_t *data, size_t size, size_t at, const char *bytes, size_t count)
{
    return size >= at + count && !memcmp(data + at, bytes, count);
}
#define HAS(at, text) has(data, size, at, text, sizeof(text) - 1)

/* ISO base media: "ftyp", the major brand, a version, then compatible brands (ISO 14496-12, 4.3).
 * Files that say "mif1" (any HEIF) first name their codec among the compatible ones. */
static bool heif_type(const uint8_t *data, size_t size, enum dy_image_type *type)
{
    static const char heic[][5] = {"heic", "heix", "hevc", "hevx", "heim", "heis", "hevm", "hevs"};
    static const char avif[][5] = {"avif", "avis"};
    if (!HAS(4, "ftyp"))
        return false;
    size_t end = (size_t)data[0] << 24 | (size_t)data[1] << 16 | (size_t)data[2] << 8 | data[3];
    if (end > size)
        end = size;
    for (size_t at = 8; at + 4 <= end; at += at == 8 ? 8 : 4) {
        for (size_t i = 0; i < DY_COUNT(avif); i++)
            if (HAS(at, avif[i])) {
                *type = DY_IMAGE_AVIF;
                return true;
            }
        for (size_t i = 0; i < DY_COUNT(heic); i++)
            if (HAS(at, heic[i])) {
                *type = DY_IMAGE_HEIC;
                return true;
            }
    }
    *type = DY_IMAGE_HEIC;
    return HAS(8, "mif1") || HAS(8, "msf1");
}

static const char *look_of(const uint8_t *data, size_t size)
{
    static const struct {
        size_t at;
        const char *bytes, *look;
    } looks[] = {
        {0, "BM", "a BMP picture, which is not read"},
        {0, "%PDF", "a PDF document"},
        {0, "<svg", "an SVG drawing, which is not read"},
        {0, "8BPS", "a Photoshop document, which is not read"},
        {0, "\x00\x00\x00\x0CjP  ", "a JPEG 2000 picture, which is not read"},
        {0, "\xFF\x0A", "a JPEG XL picture, which is not read"},
        {0, "\x00\x00\x00\x0CJXL ", "a JPEG XL picture, which is not read"},
        {4, "ftyp", "a film or sound file"},
        {0, "\x1A\x45\xDF\xA3", "a film"},
        {0, "ID3", "a sound file"},
        {0, "fLaC", "a sound file"},
        {0, "OggS", "a film or sound file"},
        {0, "PK\x03\x04", "a zip archive"},
        {0, "\x1F\x8B", "a gzip file"},
        {0,
         "\x7F"
         "ELF",
         "a program"},
    };
    static const size_t lengths[] = {2, 4, 4, 4, 8, 2, 8, 4, 4, 3, 4, 4, 4, 2, 4};
    for (size_t i = 0; i < DY_COUNT(looks); i++)
        if (has(data, size, looks[i].at, looks[i].bytes, lengths[i]))
            return looks[i].look;
    size_t seen = size < 256 ? size : 256;
    size_t zeros = 0;
    for (size_t i = 0; i < seen; i++)
        zeros += data[i] == 0;
    if (zeros == seen)
        return "nothing but zero bytes";
    for (size_t i = 0; i < seen; i++)
        if (data[i] < 0x20 && !strchr("\t\n\r\f", data[i]))
            return "a file of unknown kind";
    for (size_t cut = 0; cut < 4 && cut < seen; cut++) /* the last character may be cut */
        if (dy_text_valid((const char *)data, seen - cut))
            return "a text file";
    return "a file of unknown kind";
}

bool dy_image_type_of(const uint8_t *data, size_t size, enum dy_image_type *type, const char **what)
{
    *what = "";
    if (HAS(0, "\xFF\xD8\xFF"))
        *type = DY_IMAGE_JPEG;
    else if (HAS(0, "\x89PNG\r\n\x1A\n"))
        *type = DY_IMAGE_PNG;
    else if (HAS(0, "RIFF") && HAS(8, "WEBP"))
        *type = DY_IMAGE_WEBP;
    else if (HAS(0, "GIF87a") || HAS(0, "GIF89a"))
        *type = DY_IMAGE_GIF;
    else if (has(data, size, 0, "II*\0", 4) || has(data, size, 0, "MM\0*", 4) ||
             has(data, size, 0, "II+\0", 4) || has(data, size, 0, "MM\0+", 4))
        *type = DY_IMAGE_TIFF;
    else if (!heif_type(data, size, type)) {
        *what = look_of(data, size);
        return false;
    }
    return true;
}
