/* models: weights as people have them -> files in the user's data folder that lib/ reads, and that
 * folder's list. What the folder and the files look like stands in docs/models.md. */
#ifndef DY_MODELS_H
#define DY_MODELS_H

#include "dy_base.h"

/* A file of weights that dylumo reads: an encoder's or a mood file. */
struct dy_model {
    char name[64]; /* of the file, without .safetensors */
    char path[4096];
    char kind[16];         /* "encoder" or "mood" */
    char encoder[64];      /* that it is, or belongs to */
    char architecture[64]; /* "lite2", "clip" */
    char precision[8];     /* "f32", "bf16", "int8" */
    char source[32];       /* "transformers", "open_clip", "openai"; else empty */
    char activation[16];
    uint64_t bytes, numbers; /* of the file; in its tensors */
    double cosine;           /* of dy_models_add: to f32 on a test picture; else 0 */
    unsigned size_px;        /* of the picture it sees; 0: not told */
    bool text;               /* has a text tower */
    bool ships;              /* lies outside of the user's data folder */
};

/* Reads what a weight file says of itself. Its arithmetic is not set up.
 *
 * Fails    as dy_safetensors_open; BAD_FILE for a file that is not dylumo's. */
enum dylumo_status dy_model_read(struct dy_model *model, const char *path,
                                 struct dylumo_error *err) DY_MUST_USE;

/* The models of the data folder, by name, and with them those that ship. */
struct dy_model_list {
    struct dy_model *items;
    size_t count, room;
};
enum dylumo_status dy_models_list(struct dy_model_list *list, struct dylumo_error *err) DY_MUST_USE;
void dy_model_list_clear(struct dy_model_list *list);

/* Takes a model out of the data folder. Only files that dylumo can have put there are touched.
 *
 * Fails    NOT_FOUND; BAD_ARGUMENT for names that are none; BAD_FILE for a file of another kind. */
enum dylumo_status dy_models_remove(const char *name, struct dylumo_error *err) DY_MUST_USE;

struct dy_models_add_settings {
    const char *name;      /* NULL: by architecture and sizes, "clip-vit-b-32"; of the original's
                              model "clip-vit-b-32-mood", by which that encoder finds it */
    const char *precision; /* "f32", "bf16" or "int8"; NULL: f32 */
    const char *output;    /* the file; NULL: name in the data folder */
    const char *scaler;    /* of the original's model; NULL: spotify_scaler.pkl beside it */
};

/* Makes a model of a file or folder of weights as they are downloaded: CLIP of Hugging Face's
 * transformers, open_clip or OpenAI, or the Python original's dylumo_model.pt, which becomes mood
 * weights (dy_original_mood). What it is, is told by its content. Every tensor's name, shape and
 * type is checked, and an encoder is run on a test picture before it gets its name.
 *
 *   model   receives what was made
 *
 * Fails    as dy_safetensors_open and dy_torch_open; BAD_FILE names the tensor or key that does not
 *          fit; UNSUPPORTED for architectures and layouts that are not read; MISMATCH when rounding
 *          changes what it sees; NOT_FOUND for a model without its scaler; CANCELLED. */
enum dylumo_status dy_models_add(struct dy_model *model, const char *path,
                                 const struct dy_models_add_settings *settings,
                                 const struct dylumo_context *context,
                                 struct dylumo_error *err) DY_MUST_USE;

#endif
