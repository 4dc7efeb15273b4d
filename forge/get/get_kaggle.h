/* Kaggle's name for sentences, and its answers as JSON. */
#ifndef GET_KAGGLE_H
#define GET_KAGGLE_H

#include "dy_get.h"

#include <jansson.h>

extern const struct dy_get_service get_kaggle_service;

/* One call of the API: path is "kernels/status?...", post a JSON body or NULL. The answer is an
 * object and no error; json_decref. */
enum dylumo_status kaggle_call(struct dy_get *get, const struct dy_kaggle *kaggle, const char *name,
                               const char *path, const char *post, json_t **answer,
                               struct dylumo_error *err) DY_MUST_USE;

/* "owner/name" of letters, digits, - and _, and nothing else. */
bool kaggle_id_good(const char *id);

#endif
