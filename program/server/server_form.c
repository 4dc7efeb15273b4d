/* Forms with pictures. Only what browsers and curl send is read: no preamble, no epilogue, no
 * nested parts, no transfer encodings. Whatever else a stranger thinks of ends the reading with a
 * sentence; no byte is looked at twice, so that a form of many parts costs no more than its size.
 */
#include "server_form.h"

#include <string.h>
#include <strings.h>

/* What is still to be read of a body. */
struct rest {
    const uint8_t *at, *end;
};

static bool take(struct rest *rest, const char *text)
{
    size_t size = strlen(text);
    if ((size_t)(rest->end - rest->at) < size || memcmp(rest->at, text, size))
        return false;
    rest->at += size;
    return true;
}

/* ------------------------------------------------------------------ boundary */

static bool boundary_character(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("'()+_,-./:=? ", c));
}

bool server_form_boundary(const char *content_type, char boundary[71])
{
    const char *at = strcasestr(content_type, "boundary=");
    if (!at || at == content_type || !strchr("; \t", at[-1]))
        return false;
    at += strlen("boundary=");
    bool quoted = *at == '"';
    at += quoted;
    size_t size = 0;
    while (boundary_character(*at) && (quoted || !strchr(" (),/:=?", *at))) {
        if (size == 70)
            return false;
        boundary[size++] = *at++;
    }
    boundary[size] = '\0';
    bool ended = quoted ? *at == '"' : *at == '\0' || strchr("; \t", *at);
    return ended && size && boundary[size - 1] != ' ' && !strcasestr(at, "boundary=");
}

/* ------------------------------------------------------------------ a part's head */

static bool head_is(const char *line, const char *name, const char **value)
{
    size_t size = strlen(name);
    if (strncasecmp(line, name, size) || line[size] != ':')
        return false;
    *value = line + size + 1 + strspn(line + size + 1, " \t");
    return true;
}

/* The quoted value of name in "form-data; name="image"; filename="..."". */
static bool read_name(const char *disposition, char name[SERVER_FORM_NAME])
{
    if (strncasecmp(disposition, "form-data;", 10))
        return false;
    const char *at = disposition + 10;
    for (;;) { /* over the parameters, quoted ones as a whole */
        at += strspn(at, "; \t");
        size_t word = strcspn(at, "=;\"");
        if (at[word] != '=' || at[word + 1] != '"')
            return false;
        const char *value = at + word + 2;
        const char *end = value;
        while (*end && *end != '"')
            end += end[0] == '\\' && end[1] ? 2 : 1;
        if (!*end)
            return false;
        if (word == 4 && !strncasecmp(at, "name", 4)) {
            size_t size = (size_t)(end - value);
            if (!size || size >= SERVER_FORM_NAME)
                return false;
            memcpy(name, value, size);
            name[size] = '\0';
            return true;
        }
        at = end + 1;
    }
}

static enum dylumo_status read_line(struct server_part *part, const char *line,
                                    struct dylumo_error *err)
{
    const char *value;
    if (head_is(line, "Content-Disposition", &value)) {
        if (part->name[0])
            return dy_fail(err, DYLUMO_BAD_ARGUMENT, "form: a part says twice what it is");
        if (!read_name(value, part->name))
            return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                           "form: a part has no name; expected form-data; name=\"...\" of at most "
                           "%d bytes",
                           SERVER_FORM_NAME - 1);
    } else if (head_is(line, "Content-Transfer-Encoding", &value)) {
        if (strcasecmp(value, "binary") && strcasecmp(value, "8bit") && strcasecmp(value, "7bit"))
            return dy_fail(err, DYLUMO_BAD_ARGUMENT, "form: transfer encodings are not read");
    } else if (!strchr(line, ':')) {
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "form: a line of a part's head has no colon");
    }
    return DYLUMO_OK;
}

static enum dylumo_status read_head(struct rest *rest, struct server_part *part,
                                    struct dylumo_error *err)
{
    size_t left = (size_t)(rest->end - rest->at);
    size_t most = left < SERVER_FORM_HEAD ? left : SERVER_FORM_HEAD;
    const uint8_t *head_end = memmem(rest->at, most, "\r\n\r\n", 4);
    if (!head_end)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "form: a part's head does not end within %d bytes",
                       SERVER_FORM_HEAD);
    while (rest->at < head_end) {
        const uint8_t *line_end = memmem(rest->at, (size_t)(head_end - rest->at) + 2, "\r\n", 2);
        char line[SERVER_FORM_HEAD + 1];
        size_t size = (size_t)(line_end - rest->at);
        if (memchr(rest->at, '\0', size) || memchr(rest->at, '\n', size))
            return dy_fail(err, DYLUMO_BAD_ARGUMENT, "form: a part's head holds broken lines");
        memcpy(line, rest->at, size);
        line[size] = '\0';
        enum dylumo_status st = read_line(part, line, err);
        if (st)
            return st;
        rest->at = line_end + 2;
    }
    rest->at = head_end + 4;
    if (!part->name[0])
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "form: a part has no Content-Disposition");
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ parts */

enum dylumo_status server_form_parse(struct server_form *form, const uint8_t *body, size_t size,
                                     const char *boundary, struct dylumo_error *err)
{
    form->count = 0;
    char delimiter[80];
    int delimiter_size = snprintf(delimiter, sizeof delimiter, "\r\n--%s", boundary);
    struct rest rest = {body, body + size};
    if (!take(&rest, delimiter + 2))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "form: does not begin with its boundary");
    for (;;) {
        if (take(&rest, "--")) {
            take(&rest, "\r\n");
            return rest.at == rest.end
                       ? DYLUMO_OK
                       : dy_fail(err, DYLUMO_BAD_ARGUMENT, "form: %zu bytes follow its end",
                                 (size_t)(rest.end - rest.at));
        }
        if (!take(&rest, "\r\n"))
            return dy_fail(err, DYLUMO_BAD_ARGUMENT, "form: a boundary's line is broken");
        if (form->count == SERVER_FORM_PARTS)
            return dy_fail(err, DYLUMO_BAD_ARGUMENT, "form: more than %d parts", SERVER_FORM_PARTS);
        struct server_part *part = &form->parts[form->count];
        *part = (struct server_part){0};
        enum dylumo_status st = read_head(&rest, part, err);
        if (st)
            return st;
        /* an empty part's delimiter begins with the end of its head */
        const uint8_t *end =
            memmem(rest.at, (size_t)(rest.end - rest.at), delimiter, (size_t)delimiter_size);
        if (!end)
            return dy_fail(err, DYLUMO_BAD_ARGUMENT, "form: ends within the part '%s'", part->name);
        part->bytes = rest.at;
        part->size = (size_t)(end - rest.at);
        rest.at = end + delimiter_size;
        form->count++;
    }
}
