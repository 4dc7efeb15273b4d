/* Paths of Hugging Face's cache, and the service's name, for the files of the hub. */
#ifndef GET_HUB_H
#define GET_HUB_H

#include "dy_get.h"

#define HUB_PATH 4096

extern const struct dy_get_service get_hub_service;

/* "CACHE/datasets--ecnu-aigc--EMID" + below, into path; false where that is too long. below may
 * be "". */
bool hub_folder(const struct dy_hub *hub, const struct dy_hub_repo *repo, const char *below,
                char path[HUB_PATH]);
/* Would name, out of a foreign list, stay inside of a snapshot's folder? */
bool hub_name_good(const char *name);
/* Only letters, digits, - and _ (a hash, a commit): safe as a file's name. */
bool hub_word_good(const char *word);

#endif
