/* Which way is up: the orientation tag of EXIF (a TIFF directory, CIPA DC-008), or of XMP when EXIF
 * does not say, as Pillow's exif_transpose reads them. JPEG and PNG are walked here, segment by
 * segment, so that a tag after the pixels is found before decoding; the other formats' libraries
 * hand over the block. Nothing here fails: what cannot be read means "upright". */
#include "image_parts.h"

#include <string.h>

#define TAG_ORIENTATION 0x0112u
#define TYPE_SHORT 3u

struct bytes {
    const uint8_t *data;
    size_t size;
    bool big_endian;
};

static unsigned read_16(const struct bytes *bytes, size_t at)
{
    if (at > bytes->size || bytes->size - at < 2)
        return 0;
    const uint8_t *p = bytes->data + at;
    return bytes->big_endian ? (unsigned)p[0] << 8 | p[1] : (unsigned)p[1] << 8 | p[0];
}

static uint32_t read_32(const struct bytes *bytes, size_t at)
{
    uint32_t first = read_16(bytes, at), second = read_16(bytes, at + 2);
    return bytes->big_endian ? first << 16 | second : second << 16 | first;
}

static unsigned valid_or_0(unsigned orientation)
{
    return orientation >= 1 && orientation <= 8 ? orientation : 0;
}

unsigned dy_image_orientation_exif(const uint8_t *data, size_t size)
{
    while (size >= 6 && !memcmp(data, "Exif\0\0", 6)) {
        data += 6;
        size -= 6;
    }
    if (size < 8 || (memcmp(data, "II*\0", 4) && memcmp(data, "MM\0*", 4)))
        return 0;
    struct bytes exif = {data, size, data[0] == 'M'};
    size_t directory = read_32(&exif, 4);
    unsigned entries = read_16(&exif, directory);
    for (unsigned i = 0; i < entries; i++) {
        size_t entry = directory + 2 + (size_t)i * 12;
        if (entry > size || size - entry < 12)
            break;
        if (read_16(&exif, entry) == TAG_ORIENTATION && read_16(&exif, entry + 2) == TYPE_SHORT)
            return valid_or_0(read_16(&exif, entry + 8));
    }
    return 0;
}

unsigned dy_image_orientation_xmp(const uint8_t *data, size_t size)
{
    static const char name[] = "tiff:Orientation";
    const size_t length = sizeof name - 1;
    for (const uint8_t *at = data; size - (size_t)(at - data) > length + 2;) {
        at = memchr(at, 't', size - (size_t)(at - data));
        if (!at || size - (size_t)(at - data) <= length + 2)
            break;
        if (!memcmp(at, name, length)) {
            const uint8_t *value = at + length;
            value += value[0] == '>' ? 1 : !memcmp(value, "=\"", 2) ? 2 : 0;
            if (value > at + length && *value >= '0' && *value <= '9')
                return valid_or_0(*value - (unsigned)'0');
        }
        at++;
    }
    return 0;
}

static unsigned either(unsigned exif, unsigned xmp)
{
    return exif ? exif : xmp ? xmp : 1;
}

/* The application segments before the first scan (ITU T.81, B.1.1.4). */
unsigned dy_image_orientation_jpeg(const uint8_t *data, size_t size)
{
    static const char xmp_name[] = "http://ns.adobe.com/xap/1.0/";
    const struct bytes jpeg = {data, size, true};
    unsigned exif = 0, xmp = 0;
    for (size_t at = 2; at + 4 <= size && data[at] == 0xFF;) {
        unsigned marker = data[at + 1];
        if (marker == 0xFF) { /* fill byte */
            at++;
            continue;
        }
        size_t length = read_16(&jpeg, at + 2);
        if (marker == 0xDA || marker == 0xD9 || length < 2 || size - at - 2 < length)
            break;
        const uint8_t *body = data + at + 4;
        size_t body_size = length - 2;
        if (marker == 0xE1 && body_size >= 6 && !memcmp(body, "Exif\0\0", 6) && !exif)
            exif = dy_image_orientation_exif(body, body_size);
        if (marker == 0xE1 && body_size > sizeof xmp_name &&
            !memcmp(body, xmp_name, sizeof xmp_name) && !xmp)
            xmp = dy_image_orientation_xmp(body + sizeof xmp_name, body_size - sizeof xmp_name);
        at += 2 + length;
    }
    return either(exif, xmp);
}

/* eXIf, and iTXt holding plain XMP, anywhere among the chunks (PNG 1.5, extensions 3.7). */
unsigned dy_image_orientation_png(const uint8_t *data, size_t size)
{
    static const char xmp_name[] = "XML:com.adobe.xmp";
    const struct bytes png = {data, size, true};
    unsigned exif = 0, xmp = 0;
    for (size_t at = 8; at + 12 <= size;) {
        size_t length = read_32(&png, at);
        if (length > size - at - 12)
            break;
        const uint8_t *body = data + at + 8;
        if (!memcmp(data + at + 4, "eXIf", 4) && !exif)
            exif = dy_image_orientation_exif(body, length);
        if (!memcmp(data + at + 4, "iTXt", 4) && length > sizeof xmp_name &&
            !memcmp(body, xmp_name, sizeof xmp_name) && !xmp)
            xmp = dy_image_orientation_xmp(body, length);
        at += 12 + length;
    }
    return either(exif, xmp);
}
