/* A file or folder of weights as people have them: tensors by name, whatever they are packed in,
 * and the JSON that lies beside them. */
#ifndef MODELS_SOURCE_H
#define MODELS_SOURCE_H

#include "dy_foreign.h"
#include "dy_models.h"

#include <jansson.h>

struct models_source {
    char path[4096];   /* of the weights */
    char folder[4096]; /* that they lie in, with '/' at its end; empty: this one */
    struct dy_safetensors *safetensors;
    struct dy_torch *torch; /* one of the two */
    bool script;            /* a TorchScript archive */
    size_t count;
    bool *used; /* [count] */
};

/* Fails     as the readers; NOT_FOUND for a folder without weights; UNSUPPORTED for weights in
 *           several files. */
enum dylumo_status models_source_open(struct models_source *source, const char *path,
                                      struct dylumo_error *err) DY_MUST_USE;
void models_source_close(struct models_source *source);

const struct dy_tensor *models_source_at(const struct models_source *source, size_t index);
/* NULL: none. */
const struct dy_tensor *models_source_find(const struct models_source *source, const char *name);
/* So that models_source_rest does not name it. */
void models_source_use(struct models_source *source, const struct dy_tensor *tensor);
/* BAD_FILE, naming the first few, when there are tensors whose names begin so and nobody used. */
enum dylumo_status models_source_rest(const struct models_source *source, const char *prefix,
                                      const char *what, struct dylumo_error *err) DY_MUST_USE;

/* The path of a file that lies beside the weights; false: there is none. */
bool models_source_beside(const struct models_source *source, const char *name,
                          char path[static 4096]);
/* A JSON object beside the weights; *json is NULL where there is no such file. (json_decref) */
enum dylumo_status models_source_json(const struct models_source *source, const char *name,
                                      json_t **json, struct dylumo_error *err) DY_MUST_USE;

#endif
