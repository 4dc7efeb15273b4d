/* What was converted is run before it is kept: on a made-up picture, once as f32 in full precision
 * and once as it will be used. So a file that the encoder would not open never gets its name, and
 * the user reads what the rounding costs. */
#include "models_clip.h"

#include <math.h>

/* Waves of several lengths in three colours: something of everything, the same everywhere. */
static void draw(uint8_t *pixels, unsigned width, unsigned height)
{
    for (unsigned y = 0; y < height; y++)
        for (unsigned x = 0; x < width; x++)
            for (unsigned c = 0; c < 3; c++) {
                double u = (double)x / width, v = (double)y / height;
                double wave = sin((5 + 3 * c) * u + 2 * v + c) + sin(17 * v * (c + 1) - 11 * u) / 2;
                *pixels++ = (uint8_t)(127.5 + 80 * wave);
            }
}

static enum dylumo_status run(const struct dy_encoder *encoder, const char *path,
                              float embedding[CLIP_WIDTH_MAX], struct dylumo_error *err)
{
    const struct dy_encoder_info *info = dy_encoder_info(encoder);
    struct dy_encoder_work *work = NULL;
    uint8_t *pixels = dy_new_array((size_t)info->width * info->height, 3);
    enum dylumo_status st =
        pixels ? dy_encoder_work_new(&work, encoder, err)
               : dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for a test picture", path);
    if (!st) {
        draw(pixels, info->width, info->height);
        st = dy_encoder_run(encoder, work, pixels, embedding, err);
    }
    dy_encoder_work_free(work);
    dy_free(pixels);
    return st;
}

static enum dylumo_status open_and_run(const char *path, enum dy_precision precision,
                                       float embedding[CLIP_WIDTH_MAX], unsigned *dimension,
                                       struct dylumo_error *err)
{
    struct dy_encoder *encoder = NULL;
    enum dylumo_status st = dy_encoder_open(&encoder, path, precision, 0, err);
    if (st)
        return st;
    *dimension = dy_encoder_info(encoder)->dimension;
    st = *dimension <= CLIP_WIDTH_MAX
             ? run(encoder, path, embedding, err)
             : dy_fail(err, DYLUMO_UNSUPPORTED, "%s: embeddings of %u numbers", path, *dimension);
    dy_encoder_close(encoder);
    return st;
}

static double cosine(const float *a, const float *b, unsigned count)
{
    double product = 0, a2 = 0, b2 = 0;
    for (unsigned i = 0; i < count; i++) {
        product += (double)a[i] * b[i];
        a2 += (double)a[i] * a[i];
        b2 += (double)b[i] * b[i];
    }
    return product / sqrt(a2 * b2);
}

enum dylumo_status clip_verify(const char *path, const char *full, double *similarity,
                               struct dylumo_error *err)
{
    float *both = dy_new_array(CLIP_WIDTH_MAX, 2 * sizeof *both);
    unsigned dimension = 0, full_dimension = 0;
    if (!both)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to try it", path);
    enum dylumo_status st = open_and_run(path, DY_PRECISION_AUTO, both, &dimension, err);
    if (!st)
        st = open_and_run(full, DY_PRECISION_F32, both + CLIP_WIDTH_MAX, &full_dimension, err);
    *similarity = st ? 0 : cosine(both, both + CLIP_WIDTH_MAX, dimension);
    dy_free(both);
    if (!st && !(*similarity > CLIP_COSINE_MIN && dimension == full_dimension))
        st = dy_fail(err, DYLUMO_MISMATCH,
                     "%s: on a test picture its embedding has a cosine of %.5f to that of f32, "
                     "under %.2f: these weights do not bear this precision",
                     path, *similarity, CLIP_COSINE_MIN);
    return st;
}
