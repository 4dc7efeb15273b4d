/* From parameters to a question. One table says every parameter's name, where it is known and how
 * it is read; what is not in it, or comes twice, is a mistake, so that a misspelt knob is never
 * silently without effect. */
#include "server_form.h"
#include "server_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define IDS_MAX 24000 /* characters: a thousand ids of Spotify's */

struct knob;

/* One reading of a request. */
struct reading {
    struct server_ask *ask;
    const struct server_request *request;
    unsigned knobs;
    size_t picture_max;
    bool lenient;
    bool seen[24]; /* by place in the table */
    struct dylumo_error *err;
    enum dylumo_status status;
};

struct knob {
    const char *name;
    unsigned where; /* enum server_knob */
    enum dylumo_status (*take)(struct reading *reading, const struct knob *knob, char *value);
    double min, max;
};

/* ------------------------------------------------------------------ numbers */

/* A plain decimal number, all of text. */
static bool read_number(const char *text, double *number)
{
    size_t size = strlen(text);
    if (!size || size > 24 || strspn(text, "+-.0123456789") != size)
        return false;
    char *end;
    *number = strtod(text, &end);
    return !*end && isfinite(*number);
}

static enum dylumo_status real_within(struct reading *reading, const struct knob *knob,
                                      const char *value, double *number)
{
    if (read_number(value, number) && *number >= knob->min && *number <= knob->max)
        return DYLUMO_OK;
    return dy_fail(reading->err, DYLUMO_BAD_ARGUMENT, "%s: '%.40s' is not a number of %g to %g",
                   knob->name, value, knob->min, knob->max);
}

static enum dylumo_status whole_within(struct reading *reading, const struct knob *knob,
                                       const char *value, uint32_t *number)
{
    double real;
    size_t size = strlen(value);
    if (size && strspn(value, "0123456789") == size && read_number(value, &real) &&
        real >= knob->min && real <= knob->max) {
        *number = (uint32_t)real;
        return DYLUMO_OK;
    }
    return dy_fail(reading->err, DYLUMO_BAD_ARGUMENT,
                   "%s: '%.40s' is not a whole number of %g to %g", knob->name, value, knob->min,
                   knob->max);
}

static enum dylumo_status truth(struct reading *reading, const struct knob *knob, const char *value,
                                int *truth)
{
    if (!strcmp(value, "true") || !strcmp(value, "1"))
        *truth = 1;
    else if (!strcmp(value, "false") || !strcmp(value, "0"))
        *truth = 0;
    else
        return dy_fail(reading->err, DYLUMO_BAD_ARGUMENT, "%s: '%.40s' is neither true nor false",
                       knob->name, value);
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ each parameter */

static enum dylumo_status take_count(struct reading *reading, const struct knob *knob, char *value)
{
    return whole_within(reading, knob, value, &reading->ask->query.count);
}

static enum dylumo_status take_per_artist(struct reading *reading, const struct knob *knob,
                                          char *value)
{
    return whole_within(reading, knob, value, &reading->ask->query.per_artist);
}

/* As the original did it: any whole number, clamped. */
static enum dylumo_status take_top_k(struct reading *reading, const struct knob *knob, char *value)
{
    char *end;
    errno = 0;
    long number = strtol(value, &end, 10);
    if (end == value || *end)
        return dy_fail(reading->err, DYLUMO_BAD_ARGUMENT, "%s: '%.40s' is not a whole number",
                       knob->name, value);
    reading->ask->query.count = number < 1 ? 1 : number > 50 ? 50 : (uint32_t)number;
    return DYLUMO_OK;
}

static enum dylumo_status take_variety(struct reading *reading, const struct knob *knob,
                                       char *value)
{
    return real_within(reading, knob, value, &reading->ask->query.variety);
}

static enum dylumo_status take_familiar(struct reading *reading, const struct knob *knob,
                                        char *value)
{
    return real_within(reading, knob, value, &reading->ask->query.familiar);
}

static enum dylumo_status take_season(struct reading *reading, const struct knob *knob, char *value)
{
    return truth(reading, knob, value, &reading->ask->query.season);
}

static enum dylumo_status take_text_weight(struct reading *reading, const struct knob *knob,
                                           char *value)
{
    return real_within(reading, knob, value, &reading->ask->query.text_weight);
}

static enum dylumo_status take_rank(struct reading *reading, const struct knob *knob, char *value)
{
    reading->ask->query.rank = value;
    if (!strcmp(value, "mood") || !strcmp(value, "cosine"))
        return DYLUMO_OK;
    return dy_fail(reading->err, DYLUMO_BAD_ARGUMENT, "%s: '%.40s'; expected mood or cosine",
                   knob->name, value);
}

static enum dylumo_status take_exact(struct reading *reading, const struct knob *knob, char *value)
{
    return truth(reading, knob, value, &reading->ask->query.exact);
}

/* Characters of valid UTF-8. */
static size_t characters(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

/* A text of at most max characters. */
static enum dylumo_status text_within(struct reading *reading, const struct knob *knob,
                                      const char *value, const char **text)
{
    size_t size = characters(value);
    if (!size || (double)size > knob->max)
        return dy_fail(reading->err, DYLUMO_BAD_ARGUMENT, "%s: %zu characters; expected 1 to %g",
                       knob->name, size, knob->max);
    *text = value;
    return DYLUMO_OK;
}

static enum dylumo_status take_like(struct reading *reading, const struct knob *knob, char *value)
{
    return text_within(reading, knob, value, &reading->ask->query.like_id);
}

static enum dylumo_status take_filter(struct reading *reading, const struct knob *knob, char *value)
{
    return text_within(reading, knob, value, &reading->ask->query.filter);
}

static enum dylumo_status take_title(struct reading *reading, const struct knob *knob, char *value)
{
    return text_within(reading, knob, value, &reading->ask->title);
}

static enum dylumo_status take_find(struct reading *reading, const struct knob *knob, char *value)
{
    return text_within(reading, knob, value, &reading->ask->find);
}

static enum dylumo_status take_text(struct reading *reading, const struct knob *knob, char *value)
{
    return text_within(reading, knob, value, &reading->ask->query.text);
}

/* Ids with commas between, cut up where they stand. */
static enum dylumo_status id_list(struct reading *reading, const struct knob *knob, char *value,
                                  const char *const **ids, size_t *count)
{
    const char *text;
    enum dylumo_status st = text_within(reading, knob, value, &text);
    if (st)
        return st;
    size_t room = 1;
    for (const char *at = value; *at; at++)
        room += *at == ',';
    const char **list = dy_new_array(room, sizeof *list);
    if (!list)
        return dy_fail(reading->err, DYLUMO_NO_MEMORY, "no memory for %zu ids", room);
    reading->ask->owned[reading->ask->owned_count++] = list;
    *ids = list;
    for (char *id; (id = strsep(&value, ","));)
        list[(*count)++] = id;
    return DYLUMO_OK;
}

static enum dylumo_status take_exclude(struct reading *reading, const struct knob *knob,
                                       char *value)
{
    struct dylumo_query *query = &reading->ask->query;
    return id_list(reading, knob, value, &query->exclude_ids, &query->exclude_count);
}

static enum dylumo_status take_only(struct reading *reading, const struct knob *knob, char *value)
{
    struct dylumo_query *query = &reading->ask->query;
    return id_list(reading, knob, value, &query->only_ids, &query->only_count);
}

static enum dylumo_status take_ids(struct reading *reading, const struct knob *knob, char *value)
{
    const char *text;
    enum dylumo_status st = text_within(reading, knob, value, &text);
    reading->ask->ids = st ? NULL : value;
    return st;
}

static enum dylumo_status take_format(struct reading *reading, const struct knob *knob, char *value)
{
    if (dy_present_format_named(value, &reading->ask->format))
        return DYLUMO_OK;
    return dy_fail(reading->err, DYLUMO_BAD_ARGUMENT,
                   "%s: '%.40s' is not known; expected json, m3u8, xspf, jspf or csv", knob->name,
                   value);
}

/* The next "NAME=X" of a list; value is NULL without "=". false at the end. */
static bool next_pair(char **rest, char **name, char **value)
{
    *name = strsep(rest, ",");
    if (!*name)
        return false;
    *value = strchr(*name, '=');
    if (*value)
        *(*value)++ = '\0';
    return true;
}

static enum dylumo_status too_many(struct reading *reading, const struct knob *knob)
{
    return dy_fail(reading->err, DYLUMO_BAD_ARGUMENT, "%s: more than %d names", knob->name,
                   SERVER_KNOBS_MAX);
}

static enum dylumo_status take_mood(struct reading *reading, const struct knob *knob, char *value)
{
    struct dylumo_query *query = &reading->ask->query;
    for (char *name, *number; next_pair(&value, &name, &number);) {
        if (query->change_count == SERVER_KNOBS_MAX)
            return too_many(reading, knob);
        struct dylumo_change change = {.name = name};
        change.relative = number && (*number == '+' || *number == '-');
        if (!number || !read_number(number, &change.value) ||
            change.value < (change.relative ? -1 : 0) || change.value > 1)
            return dy_fail(reading->err, DYLUMO_BAD_ARGUMENT,
                           "mood: '%.40s=%.40s'; expected NAME=0 to 1, or NAME=+0.2 and the like "
                           "(in a query string a plus is %%2B)",
                           name, number ? number : "");
        reading->ask->changes[query->change_count++] = change;
    }
    return DYLUMO_OK;
}

static enum dylumo_status add_weight(struct reading *reading, const struct knob *knob,
                                     const char *name, double factor)
{
    struct dylumo_query *query = &reading->ask->query;
    if (query->weight_count == SERVER_KNOBS_MAX)
        return too_many(reading, knob);
    reading->ask->weights[query->weight_count++] = (struct dylumo_weight){name, factor};
    return DYLUMO_OK;
}

static enum dylumo_status take_weight(struct reading *reading, const struct knob *knob, char *value)
{
    enum dylumo_status st = DYLUMO_OK;
    double factor;
    for (char *name, *number; !st && next_pair(&value, &name, &number);)
        st = number && read_number(number, &factor) && factor >= 0
                 ? add_weight(reading, knob, name, factor)
                 : dy_fail(reading->err, DYLUMO_BAD_ARGUMENT,
                           "weight: '%.40s=%.40s'; expected NAME=FACTOR, the factor 0 or more",
                           name, number ? number : "");
    return st;
}

static enum dylumo_status take_ignore(struct reading *reading, const struct knob *knob, char *value)
{
    enum dylumo_status st = DYLUMO_OK;
    for (char *name, *number; !st && next_pair(&value, &name, &number);)
        st = number ? dy_fail(reading->err, DYLUMO_BAD_ARGUMENT,
                              "ignore: '%.40s=%.40s'; expected names alone", name, number)
                    : add_weight(reading, knob, name, 0);
    return st;
}

static const struct knob knobs[] = {
    {"count", KNOB_COUNT, take_count, 1, SERVER_COUNT_MAX},
    {"mood", KNOB_MOOD, take_mood, 0, 0},
    {"weight", KNOB_MOOD, take_weight, 0, 0},
    {"ignore", KNOB_MOOD, take_ignore, 0, 0},
    {"like", KNOB_MOOD, take_like, 0, 64},
    {"variety", KNOB_MOOD, take_variety, 0, 1},
    {"familiar", KNOB_MOOD, take_familiar, 0, 1},
    {"per_artist", KNOB_MOOD, take_per_artist, 1, 1000},
    {"season", KNOB_MOOD, take_season, 0, 0},
    {"filter", KNOB_FILTER, take_filter, 0, 1000},
    {"exclude", KNOB_FILTER, take_exclude, 0, IDS_MAX},
    {"only", KNOB_FILTER, take_only, 0, IDS_MAX},
    {"rank", KNOB_MOOD, take_rank, 0, 0},
    {"text", KNOB_MOOD, take_text, 0, 1000},
    {"text_weight", KNOB_MOOD, take_text_weight, 0.01, 1},
    {"exact", KNOB_EXACT, take_exact, 0, 0},
    {"format", KNOB_FORMAT, take_format, 0, 0},
    {"title", KNOB_FORMAT, take_title, 0, 200},
    {"find", KNOB_FIND, take_find, 0, 200},
    {"ids", KNOB_IDS, take_ids, 0, 5000},
    {"top_k", KNOB_TOP_K, take_top_k, 0, 0},
};
_Static_assert(DY_COUNT(knobs) <= DY_COUNT(((struct reading *)NULL)->seen), "room in seen");
_Static_assert(2 * DY_COUNT(knobs) <= DY_COUNT(((struct server_ask *)NULL)->owned), "two for each");

/* ------------------------------------------------------------------ parameters */

static enum dylumo_status unknown(struct reading *reading, const char *name)
{
    char known[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < DY_COUNT(knobs); i++)
        if (knobs[i].where & reading->knobs)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "",
                                     knobs[i].name);
    return dy_fail(reading->err, DYLUMO_BAD_ARGUMENT, "'%.40s' is not known here; expected %s",
                   name, used ? known : "no parameters");
}

/* A copy of value that can be cut up, the ask's. */
static char *own(struct server_ask *ask, const void *value, size_t size)
{
    char *copy = dy_new_array(size + 1, 1);
    if (!copy)
        return NULL;
    memcpy(copy, value, size);
    ask->owned[ask->owned_count++] = copy;
    return copy;
}

static enum dylumo_status take_value(struct reading *reading, const char *name, const void *value,
                                     size_t size)
{
    size_t at = 0;
    while (at < DY_COUNT(knobs) &&
           (strcmp(knobs[at].name, name) || !(knobs[at].where & reading->knobs)))
        at++;
    if (at == DY_COUNT(knobs))
        return reading->lenient ? DYLUMO_OK : unknown(reading, name);
    if (reading->seen[at])
        return dy_fail(reading->err, DYLUMO_BAD_ARGUMENT, "%s: given twice", name);
    reading->seen[at] = true;
    if (memchr(value, '\0', size) || !dy_text_valid(value, size))
        return dy_fail(reading->err, DYLUMO_BAD_ARGUMENT, "%s: is not UTF-8 text", name);
    char *copy = own(reading->ask, value, size);
    if (!copy)
        return dy_fail(reading->err, DYLUMO_NO_MEMORY, "no memory for '%s'", name);
    return knobs[at].take(reading, &knobs[at], copy);
}

static enum MHD_Result take_argument(void *user, enum MHD_ValueKind kind, const char *name,
                                     size_t name_size, const char *value, size_t size)
{
    struct reading *reading = user;
    (void)kind;
    if (strlen(name) != name_size || !dy_text_valid(name, name_size))
        reading->status =
            dy_fail(reading->err, DYLUMO_BAD_ARGUMENT, "a parameter's name is broken");
    else
        reading->status = take_value(reading, name, value ? value : "", size);
    return reading->status ? MHD_NO : MHD_YES;
}

/* ------------------------------------------------------------------ bodies */

static enum dylumo_status take_picture(struct reading *reading, const void *bytes, size_t size)
{
    struct server_ask *ask = reading->ask;
    if (ask->picture_count == reading->picture_max)
        return dy_fail(reading->err, DYLUMO_BAD_ARGUMENT, "more than %zu picture%s",
                       reading->picture_max, reading->picture_max == 1 ? "" : "s");
    if (!size)
        return dy_fail(reading->err, DYLUMO_BAD_ARGUMENT, "image: is empty");
    ask->pictures[ask->picture_count++] = (struct dy_part){bytes, size};
    return DYLUMO_OK;
}

static enum dylumo_status take_form(struct reading *reading, const char *type)
{
    char boundary[71];
    if (!server_form_boundary(type, boundary))
        return dy_fail(reading->err, DYLUMO_BAD_ARGUMENT, "form: its type names no boundary");
    struct server_form form;
    enum dylumo_status st = server_form_parse(&form, reading->request->body,
                                              reading->request->body_size, boundary, reading->err);
    for (size_t i = 0; !st && i < form.count; i++) {
        const struct server_part *part = &form.parts[i];
        st = strcmp(part->name, "image") ? take_value(reading, part->name, part->bytes, part->size)
                                         : take_picture(reading, part->bytes, part->size);
    }
    return st;
}

static enum dylumo_status take_body(struct reading *reading)
{
    const struct server_request *request = reading->request;
    const char *type = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND,
                                                   MHD_HTTP_HEADER_CONTENT_TYPE);
    enum dylumo_status st;
    if (type && !strncasecmp(type, "multipart/form-data", 19))
        st = take_form(reading, type);
    else if (type && !strncasecmp(type, "image/", 6))
        st = take_picture(reading, request->body, request->body_size);
    else
        return dy_fail(reading->err, DYLUMO_UNSUPPORTED,
                       "the body's type is '%.60s'; expected multipart/form-data or image/...",
                       type ? type : "");
    if (!st && !reading->ask->picture_count)
        st = dy_fail(reading->err, DYLUMO_BAD_ARGUMENT, "no picture; expected a field 'image'");
    return st;
}

enum dylumo_status server_ask_read(struct server_ask *ask, const struct server_request *request,
                                   unsigned knobs_here, size_t pictures, bool lenient,
                                   struct dylumo_error *err)
{
    *ask = (struct server_ask){.query = DYLUMO_QUERY_INIT, .format = DY_PLAYLIST_NONE};
    ask->query.month = dy_present_month();
    ask->query.changes = ask->changes;
    ask->query.weights = ask->weights;
    struct reading reading = {.ask = ask,
                              .request = request,
                              .knobs = knobs_here,
                              .picture_max = pictures,
                              .lenient = lenient,
                              .err = err};
    if (pictures)
        reading.status = take_body(&reading);
    if (!reading.status)
        MHD_get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND, take_argument,
                                    &reading);
    return reading.status;
}

void server_ask_clear(struct server_ask *ask)
{
    for (size_t i = 0; i < ask->owned_count; i++)
        dy_free(ask->owned[i]);
    ask->owned_count = 0;
}
