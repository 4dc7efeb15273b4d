/* A CLIP's sizes, from the shapes of its tensors: each is read where it first shows, bounded, and
 * held against all other tensors when those are taken. */
#include "models_clip.h"

#include <string.h>

/* A tensor that must be there, of so many dimensions, each 1 to 2^20. */
static enum dylumo_status look(const struct models_source *source, const struct clip_model *model,
                               enum clip_single single, unsigned dims,
                               const struct dy_tensor **tensor, struct dylumo_error *err)
{
    char name[256], shape[256];
    clip_single_name(model, single, name);
    const struct dy_tensor *found = models_source_find(source, name);
    if (!found)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: has no tensor '%s', which %s has", source->path,
                       name, clip_layout_words(model));
    bool good = found->dims == dims;
    for (unsigned i = 0; good && i < dims; i++)
        good = found->shape[i] && found->shape[i] <= 1u << 20;
    if (!good)
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: tensor '%s' has shape %s, expected %u dimensions of at most 1048576",
                       source->path, name, dy_shape_text(shape, found->dims, found->shape), dims);
    *tensor = found;
    return DYLUMO_OK;
}

static unsigned side_of(uint64_t patches)
{
    unsigned side = 0;
    while ((uint64_t)side * side < patches)
        side++;
    return (uint64_t)side * side == patches ? side : 0;
}

/* Layers are those whose first norm is there. */
static unsigned count_layers(const struct models_source *source, const struct clip_model *model,
                             int tower)
{
    unsigned layers = 0;
    for (char name[256]; layers <= CLIP_LAYERS_MAX; layers++) {
        clip_layer_name(model, tower, layers, CLIP_NORM1, "weight", name);
        if (!models_source_find(source, name))
            break;
    }
    return layers;
}

static enum dylumo_status read_tower(const struct models_source *source,
                                     const struct clip_model *model, int tower,
                                     struct clip_tower *sizes, struct dylumo_error *err)
{
    char name[256];
    sizes->layers = count_layers(source, model, tower);
    if (!sizes->layers || sizes->layers > CLIP_LAYERS_MAX || sizes->width > CLIP_WIDTH_MAX)
        return dy_fail(err, DYLUMO_UNSUPPORTED,
                       "%s: its %s tower has %u layers of width %u; 1 to %u of at most %u are read",
                       source->path, tower ? "text" : "image", sizes->layers, sizes->width,
                       CLIP_LAYERS_MAX, CLIP_WIDTH_MAX);
    clip_layer_name(model, tower, 0, CLIP_UP, "bias", name);
    const struct dy_tensor *up = models_source_find(source, name);
    if (!up || up->dims != 1 || !up->shape[0] || up->shape[0] > 16 * CLIP_WIDTH_MAX)
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: tensor '%s' is not there or has no size that fits", source->path, name);
    sizes->hidden = (unsigned)up->shape[0];
    return DYLUMO_OK;
}

static enum dylumo_status read_image(const struct models_source *source, struct clip_model *model,
                                     struct dylumo_error *err)
{
    const struct dy_tensor *patch = NULL, *positions = NULL, *projection = NULL;
    enum dylumo_status st = look(source, model, CLIP_PATCH, 4, &patch, err);
    if (!st)
        st = look(source, model, CLIP_POSITIONS, 2, &positions, err);
    if (!st)
        st = look(source, model, CLIP_PROJECTION, 2, &projection, err);
    if (st)
        return st;
    model->image.width = (unsigned)patch->shape[0];
    model->image.tokens = (unsigned)positions->shape[0];
    model->patch = (unsigned)patch->shape[3];
    model->size = side_of(positions->shape[0] - 1) * model->patch;
    model->dimension = (unsigned)projection->shape[model->layout == CLIP_TRANSFORMERS ? 0 : 1];
    if (!model->size || model->size > CLIP_SIZE_MAX || model->dimension > CLIP_WIDTH_MAX)
        return dy_fail(err, DYLUMO_UNSUPPORTED,
                       "%s: %u patches of %u pixels and embeddings of %u numbers; square pictures "
                       "of at most %u pixels and %u numbers are read",
                       source->path, model->image.tokens - 1, model->patch, model->dimension,
                       CLIP_SIZE_MAX, CLIP_WIDTH_MAX);
    return read_tower(source, model, 0, &model->image, err);
}

static enum dylumo_status read_text(const struct models_source *source, struct clip_model *model,
                                    struct dylumo_error *err)
{
    const struct dy_tensor *tokens = NULL, *positions = NULL;
    enum dylumo_status st = look(source, model, CLIP_TOKENS, 2, &tokens, err);
    if (!st)
        st = look(source, model, CLIP_TEXT_POSITIONS, 2, &positions, err);
    if (st)
        return st;
    model->vocabulary = (unsigned)tokens->shape[0];
    model->text.width = (unsigned)tokens->shape[1];
    model->text.tokens = (unsigned)positions->shape[0];
    return read_tower(source, model, 1, &model->text, err);
}

enum dylumo_status clip_read_sizes(struct models_source *source, struct clip_model *model,
                                   struct dylumo_error *err)
{
    char name[256];
    clip_single_name(model, CLIP_TOKENS, name);
    model->has_text = models_source_find(source, name) != NULL;
    enum dylumo_status st = read_image(source, model, err);
    return st || !model->has_text ? st : read_text(source, model, err);
}
