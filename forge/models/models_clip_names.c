/* The names that CLIP's tensors have elsewhere, as tables. transformers keeps queries, keys and
 * values apart; open_clip and OpenAI's archives have the same names. */
#include "models_clip.h"

#include <string.h>

static const struct {
    const char *words;    /* for sentences */
    const char *layer[2]; /* of both towers, before the layer's number */
    const char *parts[CLIP_PARTS];
    const char *singles[CLIP_SINGLES];
} names[] = {
    [CLIP_TRANSFORMERS] =
        {"a CLIP of Hugging Face's transformers",
         {"vision_model.encoder.layers.", "text_model.encoder.layers."},
         {"layer_norm1.", NULL, "self_attn.out_proj.", "layer_norm2.", "mlp.fc1.", "mlp.fc2."},
         {"vision_model.embeddings.patch_embedding.weight",
          "vision_model.embeddings.class_embedding",
          "vision_model.embeddings.position_embedding.weight", "vision_model.pre_layrnorm.weight",
          "vision_model.pre_layrnorm.bias", "vision_model.post_layernorm.weight",
          "vision_model.post_layernorm.bias", "visual_projection.weight",
          "text_model.embeddings.token_embedding.weight",
          "text_model.embeddings.position_embedding.weight", "text_model.final_layer_norm.weight",
          "text_model.final_layer_norm.bias", "text_projection.weight", "logit_scale"}},
    [CLIP_OPEN_CLIP] = {"a CLIP of open_clip",
                        {"visual.transformer.resblocks.", "transformer.resblocks."},
                        {"ln_1.", "attn.in_proj_", "attn.out_proj.", "ln_2.", "mlp.c_fc.",
                         "mlp.c_proj."},
                        {"visual.conv1.weight", "visual.class_embedding",
                         "visual.positional_embedding", "visual.ln_pre.weight",
                         "visual.ln_pre.bias", "visual.ln_post.weight", "visual.ln_post.bias",
                         "visual.proj", "token_embedding.weight", "positional_embedding",
                         "ln_final.weight", "ln_final.bias", "text_projection", "logit_scale"}},
};

/* What stands before the names in checkpoints of training programs. */
static const char *const prefixes[] = {"", "module.", "state_dict.", "state_dict.module."};

/* In the files, and no weights. */
static const char *const others[] = {"vision_model.embeddings.position_ids",
                                     "text_model.embeddings.position_ids",
                                     "input_resolution",
                                     "context_length",
                                     "vocab_size",
                                     "attn_mask"};

static size_t table_of(const struct clip_model *model)
{
    return model->layout == CLIP_TRANSFORMERS ? CLIP_TRANSFORMERS : CLIP_OPEN_CLIP;
}

bool clip_find_layout(const struct models_source *source, struct clip_model *model)
{
    for (size_t i = 0; i < DY_COUNT(prefixes); i++)
        for (int layout = CLIP_TRANSFORMERS; layout <= CLIP_OPEN_CLIP; layout++) {
            char name[256];
            model->layout = (enum clip_layout)layout;
            snprintf(model->prefix, sizeof model->prefix, "%s", prefixes[i]);
            clip_single_name(model, CLIP_CLASS, name);
            if (!models_source_find(source, name))
                continue;
            if (layout == CLIP_OPEN_CLIP && source->script)
                model->layout = CLIP_OPENAI;
            return true;
        }
    return false;
}

void clip_layer_name(const struct clip_model *model, int tower, unsigned layer, enum clip_part part,
                     const char *kind, char name[static 256])
{
    size_t table = table_of(model);
    snprintf(name, 256, "%s%s%u.%s%s", model->prefix, names[table].layer[tower], layer,
             names[table].parts[part], kind);
}

void clip_third_name(const struct clip_model *model, int tower, unsigned layer, char third,
                     const char *kind, char name[static 256])
{
    snprintf(name, 256, "%s%s%u.self_attn.%c_proj.%s", model->prefix,
             names[table_of(model)].layer[tower], layer, third, kind);
}

void clip_single_name(const struct clip_model *model, enum clip_single single,
                      char name[static 256])
{
    snprintf(name, 256, "%s%s", model->prefix, names[table_of(model)].singles[single]);
}

void clip_use_others(const struct clip_model *model, struct models_source *source)
{
    for (size_t i = 0; i < DY_COUNT(others); i++) {
        char name[256];
        snprintf(name, sizeof name, "%s%s", model->prefix, others[i]);
        const struct dy_tensor *tensor = models_source_find(source, name);
        if (tensor)
            models_source_use(source, tensor);
    }
}

const char *clip_layout_words(const struct clip_model *model)
{
    return model->layout == CLIP_OPENAI ? "OpenAI's CLIP" : names[table_of(model)].words;
}
