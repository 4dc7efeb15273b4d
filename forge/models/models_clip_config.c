/* What CLIP's tensors do not say: activation, heads, and how pictures are prepared. transformers
 * and open_clip have it in JSON beside the weights, each with defaults of its own; what would
 * change the arithmetic and is not known here is refused by name. OpenAI's archives have one
 * recipe. */
#include "models_clip.h"

#include <math.h>
#include <string.h>

static const double openai_mean[3] = {0.48145466, 0.4578275, 0.40821073};
static const double openai_std[3] = {0.26862954, 0.26130258, 0.27577711};

/* One JSON file, for sentences. */
struct config {
    const struct models_source *source;
    const char *file;
    json_t *json;
};

static enum dylumo_status wrong(const struct config *config, const char *key, const char *expected,
                                struct dylumo_error *err)
{
    return dy_fail(err, DYLUMO_UNSUPPORTED, "%s%s: '%s' is not %s", config->source->folder,
                   config->file, key, expected);
}

static enum dylumo_status expect_number(const struct config *config, const json_t *object,
                                        const char *key, double expected, struct dylumo_error *err)
{
    char text[64];
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value) || json_number_value(value) == expected)
        return DYLUMO_OK;
    snprintf(text, sizeof text, "%.9g, as the tensors have it", expected);
    return wrong(config, key, text, err);
}

/* A count of heads that divides the width; the default where the key is missing. */
static enum dylumo_status read_heads(const struct config *config, const json_t *object,
                                     const char *key, unsigned otherwise, struct clip_tower *tower,
                                     struct dylumo_error *err)
{
    const json_t *value = json_object_get(object, key);
    json_int_t heads = value ? json_integer_value(value) : (json_int_t)otherwise;
    if (heads < 1 || heads > tower->width || tower->width % heads)
        return wrong(config, key, "a number that divides the tower's width", err);
    tower->heads = (unsigned)heads;
    return DYLUMO_OK;
}

static enum dylumo_status read_three(const struct config *config, const json_t *object,
                                     const char *key, double three[3], struct dylumo_error *err)
{
    const json_t *list = json_object_get(object, key);
    if (!list)
        return DYLUMO_OK;
    for (size_t i = 0; i < 3; i++) {
        three[i] = json_number_value(json_array_get(list, i));
        if (json_array_size(list) != 3 || !(three[i] >= 1e-4 && three[i] <= 1))
            return wrong(config, key, "three numbers of 0.0001 to 1", err);
    }
    return DYLUMO_OK;
}

/* A side in pixels, a number or an object with one of these keys. */
static enum dylumo_status expect_side(const struct config *config, const json_t *object,
                                      const char *key, unsigned side, struct dylumo_error *err)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_object(value)) {
        const json_t *edge = json_object_get(value, "shortest_edge");
        value = edge ? edge : json_object_get(value, "height");
    }
    if (!value || json_integer_value(value) == (json_int_t)side)
        return DYLUMO_OK;
    return wrong(config, key, "the size that the tensors have", err);
}

static enum dylumo_status expect_true(const struct config *config, const char *key,
                                      struct dylumo_error *err)
{
    const json_t *value = json_object_get(config->json, key);
    return !value || json_is_true(value) ? DYLUMO_OK : wrong(config, key, "true", err);
}

/* ------------------------------------------------------------------ transformers */

static enum dylumo_status read_activation(const struct config *config, const json_t *object,
                                          bool *quick, struct dylumo_error *err)
{
    const json_t *value = json_object_get(object, "hidden_act");
    const char *word = value ? json_string_value(value) : "quick_gelu";
    *quick = word && !strcmp(word, "quick_gelu");
    if (*quick || (word && !strcmp(word, "gelu")))
        return DYLUMO_OK;
    return wrong(config, "hidden_act", "quick_gelu or gelu", err);
}

static enum dylumo_status read_tower(const struct config *config, const char *key, unsigned heads,
                                     struct clip_tower *tower, bool *quick,
                                     struct dylumo_error *err)
{
    const json_t *object = json_object_get(config->json, key);
    if (!json_is_object(object))
        return wrong(config, key, "an object", err);
    enum dylumo_status st = read_activation(config, object, quick, err);
    if (!st)
        st = read_heads(config, object, "num_attention_heads", heads, tower, err);
    if (!st)
        st = expect_number(config, object, "hidden_size", tower->width, err);
    if (!st)
        st = expect_number(config, object, "num_hidden_layers", tower->layers, err);
    return st ? st : expect_number(config, object, "layer_norm_eps", 1e-5, err);
}

static enum dylumo_status read_towers(const struct config *config, struct clip_model *model,
                                      struct dylumo_error *err)
{
    bool text_quick = false;
    enum dylumo_status st =
        read_tower(config, "vision_config", 12, &model->image, &model->quick, err);
    if (st || !model->has_text)
        return st;
    st = read_tower(config, "text_config", 8, &model->text, &text_quick, err);
    if (!st && text_quick != model->quick)
        st = wrong(config, "hidden_act", "the same in both towers", err);
    return st;
}

static enum dylumo_status read_preparation(const struct config *config, struct clip_model *model,
                                           struct dylumo_error *err)
{
    static const char *const steps[] = {"do_resize", "do_center_crop", "do_normalize"};
    enum dylumo_status st = DYLUMO_OK;
    for (size_t i = 0; !st && i < DY_COUNT(steps); i++)
        st = expect_true(config, steps[i], err);
    if (!st)
        st = expect_number(config, config->json, "resample", 3, err);
    if (!st)
        st = expect_side(config, config->json, "size", model->size, err);
    if (!st)
        st = expect_side(config, config->json, "crop_size", model->size, err);
    if (!st)
        st = read_three(config, config->json, "image_mean", model->mean, err);
    return st ? st : read_three(config, config->json, "image_std", model->std, err);
}

static enum dylumo_status read_transformers(const struct models_source *source,
                                            struct clip_model *model, struct dylumo_error *err)
{
    struct config config = {source, "config.json", NULL};
    enum dylumo_status st = models_source_json(source, config.file, &config.json, err);
    if (!st && !config.json)
        st = dy_fail(err, DYLUMO_NOT_FOUND,
                     "%s: config.json is not beside it; it tells the heads and the activation",
                     source->path);
    if (!st)
        st = read_towers(&config, model, err);
    json_decref(config.json);
    if (st)
        return st;
    config = (struct config){source, "preprocessor_config.json", NULL};
    st = models_source_json(source, config.file, &config.json, err);
    if (!st && config.json)
        st = read_preparation(&config, model, err);
    json_decref(config.json);
    return st;
}

/* ------------------------------------------------------------------ open_clip */

/* Keys of a tower that are known not to change the arithmetic that the tensors tell. */
static enum dylumo_status expect_known(const struct config *config, json_t *object,
                                       struct dylumo_error *err)
{
    static const char *const known[] = {"image_size", "layers",        "width", "head_width",
                                        "patch_size", "mlp_ratio",     "heads", "patch_dropout",
                                        "vocab_size", "context_length"};
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        bool fine = json_is_null(value) || json_is_false(value);
        for (size_t i = 0; !fine && i < DY_COUNT(known); i++)
            fine = !strcmp(key, known[i]);
        if (!fine)
            return wrong(config, key, "a key that is understood here", err);
    }
    return DYLUMO_OK;
}

static enum dylumo_status read_vision(const struct config *config, json_t *object,
                                      struct clip_model *model, struct dylumo_error *err)
{
    const json_t *width = json_object_get(object, "head_width");
    json_int_t head = width ? json_integer_value(width) : 64;
    enum dylumo_status st = expect_known(config, object, err);
    if (!st)
        st = expect_number(config, object, "width", model->image.width, err);
    if (!st)
        st = expect_number(config, object, "layers", model->image.layers, err);
    if (!st)
        st = expect_number(config, object, "image_size", model->size, err);
    if (!st && (head < 1 || model->image.width % head))
        st = wrong(config, "head_width", "a number that divides the tower's width", err);
    if (!st)
        model->image.heads = model->image.width / (unsigned)head;
    return st;
}

static enum dylumo_status read_words(const struct config *config, json_t *object,
                                     struct clip_model *model, struct dylumo_error *err)
{
    enum dylumo_status st = expect_known(config, object, err);
    if (!st)
        st = expect_number(config, object, "width", model->text.width, err);
    if (!st)
        st = expect_number(config, object, "layers", model->text.layers, err);
    if (!st)
        st = expect_number(config, object, "context_length", model->text.tokens, err);
    return st ? st : read_heads(config, object, "heads", 8, &model->text, err);
}

static enum dylumo_status expect_word(const struct config *config, const json_t *object,
                                      const char *key, const char *expected,
                                      struct dylumo_error *err)
{
    const char *word = json_string_value(json_object_get(object, key));
    return !word || !strcmp(word, expected) ? DYLUMO_OK : wrong(config, key, expected, err);
}

static enum dylumo_status read_open_clip_json(const struct config *config, struct clip_model *model,
                                              struct dylumo_error *err)
{
    const json_t *cfg = json_object_get(config->json, "model_cfg");
    const json_t *pictures = json_object_get(config->json, "preprocess_cfg");
    json_t *vision = json_object_get(cfg, "vision_cfg"), *text = json_object_get(cfg, "text_cfg");
    if (!json_is_object(vision) || (model->has_text && !json_is_object(text)))
        return wrong(config, "model_cfg", "an object with vision_cfg and text_cfg", err);
    model->quick = json_is_true(json_object_get(cfg, "quick_gelu"));
    enum dylumo_status st = read_vision(config, vision, model, err);
    if (!st && model->has_text)
        st = read_words(config, text, model, err);
    if (!st)
        st = read_three(config, pictures, "mean", model->mean, err);
    if (!st)
        st = read_three(config, pictures, "std", model->std, err);
    if (!st)
        st = expect_word(config, pictures, "interpolation", "bicubic", err);
    return st ? st : expect_word(config, pictures, "resize_mode", "shortest", err);
}

static enum dylumo_status read_open_clip(const struct models_source *source,
                                         struct clip_model *model, struct dylumo_error *err)
{
    struct config config = {source, "open_clip_config.json", NULL};
    enum dylumo_status st = models_source_json(source, config.file, &config.json, err);
    if (!st && !config.json)
        st = dy_fail(err, DYLUMO_NOT_FOUND,
                     "%s: open_clip_config.json is not beside it; it tells whether the activation "
                     "is QuickGELU or GELU",
                     source->path);
    if (!st)
        st = read_open_clip_json(&config, model, err);
    json_decref(config.json);
    return st;
}

/* ------------------------------------------------------------------ OpenAI */

/* clip/model.py, build_model: heads of 64; ones of small towers are one. */
static unsigned openai_heads(unsigned width)
{
    return width < 64 ? 1 : width / 64;
}

enum dylumo_status clip_read_config(const struct models_source *source, struct clip_model *model,
                                    struct dylumo_error *err)
{
    memcpy(model->mean, openai_mean, sizeof model->mean);
    memcpy(model->std, openai_std, sizeof model->std);
    if (model->layout == CLIP_TRANSFORMERS)
        return read_transformers(source, model, err);
    if (model->layout == CLIP_OPEN_CLIP)
        return read_open_clip(source, model, err);
    model->quick = true;
    model->image.heads = openai_heads(model->image.width);
    model->text.heads = openai_heads(model->text.width);
    if ((model->image.width > 64 && model->image.width % 64) ||
        model->text.width % model->text.heads)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: towers of widths %u and %u have no heads of 64",
                       source->path, model->image.width, model->text.width);
    return DYLUMO_OK;
}
