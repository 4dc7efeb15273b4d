/* What the rest of the room needs of a secret. */
#ifndef GET_SECRET_H
#define GET_SECRET_H

#include "dy_get.h"

/* "Authorization: ..."; the secret's. */
char *get_secret_header(const struct dy_secret *secret);
/* The same, or the body of a question. */
const char *get_secret_text(const struct dy_secret *secret);
bool get_secret_is_bearer(const struct dy_secret *secret);

#endif
