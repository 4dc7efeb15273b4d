/* Any bytes as the body of a form: parts lie within the body, and names end. The first line is the
 * content type. */
#include "server_form.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, '\n', size);
    char type[256] = "";
    size_t line = end ? (size_t)(end - data) : 0;
    if (!end || line >= sizeof type)
        return 0;
    memcpy(type, data, line);
    char boundary[71];
    if (!server_form_boundary(type, boundary))
        return 0;
    assert(strlen(boundary) >= 1 && strlen(boundary) <= 70);
    size_t body_size = size - line - 1;
    uint8_t *body = malloc(body_size ? body_size : 1); /* so that a byte too far is seen */
    assert(body);
    memcpy(body, end + 1, body_size);
    struct server_form form;
    struct dylumo_error err;
    if (!server_form_parse(&form, body, body_size, boundary, &err))
        for (size_t i = 0; i < form.count; i++) {
            assert(memchr(form.parts[i].name, '\0', SERVER_FORM_NAME));
            assert(form.parts[i].bytes >= body &&
                   form.parts[i].bytes + form.parts[i].size <= body + body_size);
        }
    free(body);
    return 0;
}
