/* HEIC and AVIF by libheif, which is loaded when the first such picture comes: with its four codecs
 * it would cost every start of the program more than a small photo takes (docs/numbers/image.md).
 *
 * libheif turns and mirrors by itself, and its EXIF must then not be asked (ISO 23008-12, A.2.1).
 * It holds the whole picture, hence the lower limit. */
#include "image_parts.h"

#include <dlfcn.h>
#include <string.h>

#include <libheif/heif.h>

#define LIBRARY "libheif.so.1"

#define HEIF_FUNCTIONS(X)                          \
    X(heif_context_alloc)                          \
    X(heif_context_free)                           \
    X(heif_context_read_from_memory_without_copy)  \
    X(heif_context_get_number_of_top_level_images) \
    X(heif_context_get_primary_image_handle)       \
    X(heif_context_set_max_decoding_threads)       \
    X(heif_image_handle_release)                   \
    X(heif_image_handle_get_width)                 \
    X(heif_image_handle_get_height)                \
    X(heif_image_handle_has_alpha_channel)         \
    X(heif_image_handle_is_premultiplied_alpha)    \
    X(heif_decoding_options_alloc)                 \
    X(heif_decoding_options_free)                  \
    X(heif_decode_image)                           \
    X(heif_image_get_width)                        \
    X(heif_image_get_height)                       \
    X(heif_image_get_plane_readonly)               \
    X(heif_image_release)

struct heif {
    struct image_job *job;
    void *library;
    struct heif_context *context;
    struct heif_image_handle *handle;
    struct heif_decoding_options *options;
    struct heif_image *image;
#define MEMBER(function) __typeof__(&function) function;
    HEIF_FUNCTIONS(MEMBER)
#undef MEMBER
};

const char *dy_image_heif_version(void)
{
    const char *(*version)(void) = NULL;
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library)
        return NULL;
    *(void **)&version = dlsym(library, "heif_get_version");
    dlclose(library); /* it stays: NODELETE */
    return version ? version() : NULL;
}

static enum dylumo_status load_library(struct heif *heif)
{
    struct image_job *job = heif->job;
    /* NODELETE: the next picture finds it loaded, without a global of ours */
    heif->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!heif->library)
        return dy_fail(job->err, DYLUMO_UNSUPPORTED, "%s: reading %s needs libheif: %s", job->name,
                       dy_image_type_name(job->info->type), dlerror());
    bool complete = true;
#define LOOK_UP(function)                                        \
    *(void **)&heif->function = dlsym(heif->library, #function); \
    complete = complete && heif->function;
    HEIF_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
    return complete
               ? DYLUMO_OK
               : dy_fail(job->err, DYLUMO_UNSUPPORTED, "%s: reading %s needs libheif 1.12 or later",
                         job->name, dy_image_type_name(job->info->type));
}

static enum dylumo_status failed(struct image_job *job, struct heif_error error)
{
    const char *type = dy_image_type_name(job->info->type);
    const char *reason = error.message ? error.message : "unknown reason";
    if (error.code == heif_error_Memory_allocation_error)
        return error.subcode == heif_suberror_Security_limit_exceeded
                   ? dy_fail(job->err, DYLUMO_TOO_LARGE, "%s: %s over libheif's limits: %s",
                             job->name, type, reason)
                   : dy_image_no_memory(job);
    if (error.code == heif_error_Unsupported_feature ||
        error.code == heif_error_Unsupported_filetype)
        return dy_fail(job->err, DYLUMO_UNSUPPORTED,
                       "%s: this libheif cannot read such %s, perhaps a codec is not installed: %s",
                       job->name, type, reason);
    return dy_image_broken(job, reason);
}

static enum dylumo_status open_heif(struct heif *heif)
{
    struct image_job *job = heif->job;
    heif->context = heif->heif_context_alloc();
    heif->options = heif->heif_decoding_options_alloc();
    if (!heif->context || !heif->options)
        return dy_image_no_memory(job);
    heif->options->convert_hdr_to_8bit = 1;
    heif->heif_context_set_max_decoding_threads(heif->context,
                                                (int)dy_context_threads(job->context) - 1);
    struct heif_error error =
        heif->heif_context_read_from_memory_without_copy(heif->context, job->data, job->size, NULL);
    if (!error.code)
        error = heif->heif_context_get_primary_image_handle(heif->context, &heif->handle);
    if (error.code)
        return failed(job, error);
    int images = heif->heif_context_get_number_of_top_level_images(heif->context);
    job->info->frames = images > 1 ? (unsigned)images : 1;
    int width = heif->heif_image_handle_get_width(heif->handle);
    int height = heif->heif_image_handle_get_height(heif->handle);
    if (width < 0 || height < 0)
        return dy_image_broken(job, "its sizes make no sense");
    return dy_image_begin(job, (unsigned)width, (unsigned)height, 1, true);
}

/* ------------------------------------------------------------------ pixels */

static enum dylumo_status push_rows(struct heif *heif, bool alpha)
{
    struct image_job *job = heif->job;
    int width = heif->heif_image_get_width(heif->image, heif_channel_interleaved);
    int height = heif->heif_image_get_height(heif->image, heif_channel_interleaved);
    int stride = 0;
    const uint8_t *plane =
        heif->heif_image_get_plane_readonly(heif->image, heif_channel_interleaved, &stride);
    if (!plane || width <= 0 || height <= 0 || stride < width * (alpha ? 4 : 3))
        return dy_image_broken(job, "it decodes to no pixels");
    enum dylumo_status st = dy_image_begin(job, (unsigned)width, (unsigned)height, 1, true);
    if (!st)
        st = dy_image_begin_rows(job, (unsigned)width, (unsigned)height);
    bool premultiplied = alpha && heif->heif_image_handle_is_premultiplied_alpha(heif->handle);
    for (int y = 0; !st && y < height; y++) {
        const uint8_t *from = plane + (size_t)y * (size_t)stride;
        if (alpha)
            dy_image_over_white(job->row, from, (size_t)width, premultiplied);
        else
            memcpy(job->row, from, (size_t)width * 3);
        st = dy_image_push_row(job);
    }
    return st;
}

static enum dylumo_status decode(struct heif *heif)
{
    enum dylumo_status st = load_library(heif);
    if (!st)
        st = open_heif(heif);
    if (st)
        return st;
    bool alpha = heif->heif_image_handle_has_alpha_channel(heif->handle);
    struct heif_error error = heif->heif_decode_image(
        heif->handle, &heif->image, heif_colorspace_RGB,
        alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, heif->options);
    if (error.code)
        return failed(heif->job, error);
    if (dy_context_cancelled(heif->job->context))
        return dy_image_cancelled(heif->job);
    return push_rows(heif, alpha);
}

enum dylumo_status dy_image_decode_heif(struct image_job *job)
{
    struct heif heif = {.job = job};
    enum dylumo_status st = decode(&heif);
    if (heif.image)
        heif.heif_image_release(heif.image);
    if (heif.handle)
        heif.heif_image_handle_release(heif.handle);
    if (heif.options)
        heif.heif_decoding_options_free(heif.options);
    if (heif.context)
        heif.heif_context_free(heif.context);
    if (heif.library)
        dlclose(heif.library);
    return st;
}
