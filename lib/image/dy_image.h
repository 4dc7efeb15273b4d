/* image: bytes of a picture -> upright RGB, squashed or cropped to the encoder's size.
 *
 * The way to the pixels is the reference's: Pillow decodes, exif_transpose, alpha over white,
 * 16 bit by >> 8, convert("RGB"), antialiased bicubic (a = -0.5) in Pillow's fixed point. Colour
 * profiles are ignored, as there. */
#ifndef DY_IMAGE_H
#define DY_IMAGE_H

#include "dy_base.h"

enum dy_image_type {
    DY_IMAGE_JPEG,
    DY_IMAGE_PNG,
    DY_IMAGE_WEBP,
    DY_IMAGE_GIF,
    DY_IMAGE_TIFF,
    DY_IMAGE_HEIC,
    DY_IMAGE_AVIF,
};

/* "JPEG" and so on. Static. */
const char *dy_image_type_name(enum dy_image_type type);

/* What the bytes are. false: none of these; *what then says in words what they look like. Static.
 */
bool dy_image_type_of(const uint8_t *data, size_t size, enum dy_image_type *type,
                      const char **what);

enum dy_image_fit {
    DY_FIT_SQUASH, /* the whole picture to width x height, aspect given up */
    DY_FIT_CROP,   /* shorter side to the target, then the middle; where that is half a pixel off,
                      to the even one, as torchvision does */
    DY_FIT_CROP_FLOOR, /* the same, always to the left or up, as transformers does */
};

/* What an encoder wants to see. */
struct dy_image_target {
    unsigned width, height;
    enum dy_image_fit fit;
    bool exact; /* true: full-size decoding as the reference; false: JPEG may be decoded at a
                   reduced size (never below five times the target) */
};

/* What was found; filled as far as the reader came even when it fails. */
struct dy_image_info {
    enum dy_image_type type;
    unsigned width, height; /* upright, before resizing */
    unsigned orientation;   /* EXIF 1 to 8; 1 when absent */
    unsigned frames;        /* 1; more for animations, of which the first is shown */
    double decode_ms, resize_ms;
};

/* Decodes data and resizes it.
 *
 *   data, size  the file's bytes, in full; stay the caller's
 *   name        for error sentences
 *   pixels      [target->height][target->width][3] RGB, receives the picture
 *   info        may be NULL
 *
 * Owns     nothing after return.
 * Fails    BAD_PICTURE (broken, empty, not a picture: says which), TOO_LARGE (limits of context),
 *          UNSUPPORTED (a variant the codec lacks), NO_MEMORY, CANCELLED.
 * Threads  any number at once.
 * Cost     rows stream through where the format allows it: memory follows the width, not the area.
 */
enum dylumo_status dy_image_load(const uint8_t *data, size_t size, const char *name,
                                 const struct dy_image_target *target,
                                 const struct dylumo_context *context, uint8_t *pixels,
                                 struct dy_image_info *info, struct dylumo_error *err) DY_MUST_USE;

/* The version of libheif, which is loaded for it; NULL where it is not here. Static. */
const char *dy_image_heif_version(void);

#endif
