/* One file or folder of weights into the data folder. What it holds is told by its tensors: each
 * kind has a row in the table below. */
#include "models_clip.h"

#include "dy_get.h"
#include "dy_original.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* One call: where from, where to. */
struct adding {
    struct models_source source;
    const struct dy_models_add_settings *settings;
    const struct dylumo_context *context;
    char path[4096]; /* of what was made */
    double cosine;
};

/* ------------------------------------------------------------------ CLIP */

/* The letter of the vision transformer's size, as papers have it; NULL: another width. */
static const char *letter_of(unsigned width)
{
    static const struct {
        unsigned width;
        const char *letter;
    } letters[] = {{192, "ti"}, {384, "s"}, {768, "b"}, {1024, "l"}, {1280, "h"}, {1408, "g"}};
    for (size_t i = 0; i < DY_COUNT(letters); i++)
        if (letters[i].width == width)
            return letters[i].letter;
    return NULL;
}

/* "clip-vit-b-32"; with the size of the picture where it is not 224. */
static void default_name(const struct clip_model *model, char name[static 64])
{
    const char *letter = letter_of(model->image.width);
    int length = letter ? snprintf(name, 64, "clip-vit-%s-%u", letter, model->patch)
                        : snprintf(name, 64, "clip-vit-%u-%u", model->image.width, model->patch);
    if (model->size != 224)
        snprintf(name + length, 64 - (size_t)length, "-%u", model->size);
}

/* As docs/formats/clip.md has it, since the name stands in the file, too. */
static bool is_name(const char *name)
{
    size_t length = strlen(name);
    return length >= 1 && length <= 40 && name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == length;
}

static enum dylumo_status place(struct adding *adding, const char *name, struct dylumo_error *err)
{
    char file[128];
    if (!is_name(name))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "'%s' cannot be a model's name: 1 to 40 of a-z 0-9 . - that begin with a "
                       "letter can",
                       name);
    if (!strcmp(name, "lite2") || !strcmp(name, "lite2-mood"))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "'%s' is the name of the model that ships", name);
    if (adding->settings->output) {
        snprintf(adding->path, sizeof adding->path, "%s", adding->settings->output);
        return dy_get_folders_of(adding->path, err);
    }
    snprintf(file, sizeof file, "%s.safetensors", name);
    return dy_item_place(file, adding->path, sizeof adding->path, err);
}

static bool is_clip(const struct models_source *source)
{
    struct clip_model model;
    return clip_find_layout(source, &model);
}

/* Converts into path; and beside it in f32, where that is another file, for as long as it takes to
 * compare. */
static enum dylumo_status try_clip(struct adding *adding, const struct clip_model *model,
                                   const char *name, enum dy_precision precision, const char *path,
                                   struct dylumo_error *err)
{
    char full[4096 + 16];
    bool same = precision == DY_PRECISION_F32;
    snprintf(full, sizeof full, "%s%s", path, same ? "" : ".f32");
    enum dylumo_status st =
        clip_write(&adding->source, model, name, precision, path, adding->context, err);
    if (!st && !same)
        st = clip_write(&adding->source, model, name, DY_PRECISION_F32, full, adding->context, err);
    dy_context_progress(adding->context, "trying", 0, 0);
    if (!st)
        st = clip_verify(path, full, &adding->cosine, err);
    if (!same)
        (void)unlink(full);
    return st;
}

static enum dylumo_status make_clip(struct adding *adding, const struct clip_model *model,
                                    const char *name, enum dy_precision precision,
                                    struct dylumo_error *err)
{
    char path[4096 + 8];
    snprintf(path, sizeof path, "%s.new", adding->path);
    enum dylumo_status st = try_clip(adding, model, name, precision, path, err);
    if (!st && dy_context_cancelled(adding->context))
        st = dy_fail(err, DYLUMO_CANCELLED, "%s: stopped", adding->source.path);
    if (!st && rename(path, adding->path))
        st = dy_fail_errno(err, errno, adding->path, "cannot rename to it");
    if (st)
        (void)unlink(path);
    return st;
}

static enum dylumo_status add_clip(struct adding *adding, struct dylumo_error *err)
{
    char name[64];
    struct clip_model model = {.quick = false};
    enum dy_precision precision = DY_PRECISION_F32;
    (void)clip_find_layout(&adding->source, &model);
    enum dylumo_status st = DYLUMO_OK;
    if (adding->settings->precision)
        st = dy_precision_read(adding->settings->precision, &precision, err);
    if (!st)
        st = clip_read_sizes(&adding->source, &model, err);
    if (!st)
        st = clip_read_config(&adding->source, &model, err);
    if (st)
        return st;
    default_name(&model, name);
    if (adding->settings->name)
        snprintf(name, sizeof name, "%s", adding->settings->name);
    st = place(adding, name, err);
    if (precision == DY_PRECISION_AUTO)
        precision = DY_PRECISION_F32;
    return st ? st : make_clip(adding, &model, name, precision, err);
}

/* ------------------------------------------------------------------ the original's model */

static bool is_original(const struct models_source *source)
{
    return source->torch && dy_original_is(source->torch);
}

static enum dylumo_status find_scaler(const struct adding *adding, char path[static 4096],
                                      struct dylumo_error *err)
{
    const char *named = adding->settings->scaler;
    if (named) {
        snprintf(path, 4096, "%s", named);
        return DYLUMO_OK;
    }
    if (models_source_beside(&adding->source, DY_ORIGINAL_SCALER, path))
        return DYLUMO_OK;
    return dy_fail(err, DYLUMO_NOT_FOUND,
                   "%s: " DY_ORIGINAL_SCALER " is not beside it; the scaler that the model was "
                   "trained with can be named",
                   adding->source.path);
}

static enum dylumo_status add_original(struct adding *adding, struct dylumo_error *err)
{
    char scaler[4096];
    size_t dimension;
    const char *precision = adding->settings->precision, *name = adding->settings->name;
    if (precision && strcmp(precision, "f32") != 0)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: the original's weights stay f32, not %s",
                       adding->source.path, precision);
    enum dylumo_status st = find_scaler(adding, scaler, err);
    if (!st)
        st = place(adding, name ? name : DY_ORIGINAL_ENCODER "-mood", err);
    return st ? st
              : dy_original_mood(adding->path, adding->source.path, scaler, DY_ORIGINAL_ENCODER,
                                 &dimension, err);
}

/* ------------------------------------------------------------------ the kinds */

static const struct {
    bool (*is)(const struct models_source *source);
    enum dylumo_status (*add)(struct adding *adding, struct dylumo_error *err);
} kinds[] = {
    {is_clip, add_clip},
    {is_original, add_original},
};

static enum dylumo_status add_source(struct adding *adding, struct dylumo_error *err)
{
    for (size_t i = 0; i < DY_COUNT(kinds); i++)
        if (kinds[i].is(&adding->source))
            return kinds[i].add(adding, err);
    const struct dy_tensor *first = models_source_at(&adding->source, 0);
    return dy_fail(err, DYLUMO_UNSUPPORTED,
                   "%s: %zu tensors such as '%.100s'; only CLIP's of transformers, open_clip and "
                   "OpenAI and the original's " DY_ORIGINAL_MODEL " are known",
                   adding->source.path, adding->source.count, first ? first->name : "");
}

enum dylumo_status dy_models_add(struct dy_model *model, const char *path,
                                 const struct dy_models_add_settings *settings,
                                 const struct dylumo_context *context, struct dylumo_error *err)
{
    struct adding adding = {.settings = settings, .context = context};
    enum dylumo_status st = models_source_open(&adding.source, path, err);
    if (st)
        return st;
    st = add_source(&adding, err);
    if (!st)
        st = dy_model_read(model, adding.path, err);
    if (!st)
        model->cosine = adding.cosine;
    models_source_close(&adding.source);
    return st;
}
