/* Alpha and CMYK to RGB, with the roundings of Pillow (libImaging's ImagingUtils.h: a product of
 * two bytes divided by 255, to the nearest). */
#include "image_parts.h"

static unsigned divide_255(unsigned product)
{
    product += 128;
    return ((product >> 8) + product) >> 8;
}

static unsigned undo_alpha(unsigned color, unsigned alpha)
{
    unsigned value = alpha ? color * 255u / alpha : 0;
    return value > 255 ? 255 : value;
}

void dy_image_over_white(uint8_t *to, const uint8_t *rgba, size_t count, bool premultiplied)
{
    for (size_t i = 0; i < count; i++, to += 3, rgba += 4)
        for (int c = 0; c < 3; c++) {
            unsigned alpha = rgba[3];
            unsigned color = premultiplied ? undo_alpha(rgba[c], alpha) : rgba[c];
            to[c] = (uint8_t)divide_255(color * alpha + 255u * (255u - alpha));
        }
}

void dy_image_from_cmyk(uint8_t *to, const uint8_t *cmyk, size_t count, bool inverted)
{
    unsigned flip = inverted ? 255 : 0;
    for (size_t i = 0; i < count; i++, to += 3, cmyk += 4)
        for (int c = 0; c < 3; c++) {
            unsigned not_black = 255 - (cmyk[3] ^ flip);
            unsigned ink = divide_255((cmyk[c] ^ flip) * not_black);
            to[c] = (uint8_t)(not_black > ink ? not_black - ink : 0);
        }
}
