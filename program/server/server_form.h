/* Forms with pictures: the body of multipart/form-data (RFC 7578), strictly. */
#ifndef SERVER_FORM_H
#define SERVER_FORM_H

#include "dy_base.h"

#define SERVER_FORM_PARTS 64
#define SERVER_FORM_HEAD 4096 /* bytes of one part's head */
#define SERVER_FORM_NAME 32   /* bytes of a field's name, with its end */

struct server_part {
    char name[SERVER_FORM_NAME];
    const uint8_t *bytes; /* [size], within the body */
    size_t size;
};

struct server_form {
    size_t count;
    struct server_part parts[SERVER_FORM_PARTS];
};

/* The boundary of a Content-Type into boundary[71]; false when there is none, or a wrong one. */
bool server_form_boundary(const char *content_type, char boundary[71]);

/* Splits body. Nothing is copied but names; file names are not even looked at.
 *
 * Fails    BAD_ARGUMENT: says where the form breaks. */
enum dylumo_status server_form_parse(struct server_form *form, const uint8_t *body, size_t size,
                                     const char *boundary, struct dylumo_error *err) DY_MUST_USE;

#endif
