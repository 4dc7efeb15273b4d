/* The filter's grammar (docs/filters.md), by recursive descent:
 *
 *     filter = all { "or" all }          all  = one { "and" one }
 *     one    = "not" one | "(" filter ")" | test
 *     test   = field ("=" | "!=" | "<" | "<=" | ">" | ">=" | "has") value
 *            | field "in" "(" value { "," value } ")" | field "in" value
 *
 * Comparisons become intervals, so that marking knows one test of numbers alone. */
#include "songs_filter.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 64
#define NODES_MAX 1000

struct parser {
    const char *text, *at;
    struct filter *filter;
    struct dylumo_error *err;
    unsigned depth;
};

/* ------------------------------------------------------------------ saying where */

static unsigned long character_at(const struct parser *parser, const char *place)
{
    unsigned long count = 1;
    for (const char *c = parser->text; c < place; c++)
        count += ((unsigned char)*c & 0xC0) != 0x80;
    return count;
}

static void skip_blanks(struct parser *parser)
{
    while (isspace((unsigned char)*parser->at))
        parser->at++;
}

static bool ends_word(char c)
{
    return c == '\0' || isspace((unsigned char)c) || strchr("()<>=!,\"'", c);
}

static size_t word_size(const char *at)
{
    size_t size = 0;
    while (!ends_word(at[size]))
        size++;
    return size;
}

/* "filter, character 6: expected ..., found 'and'". */
static enum dylumo_status wrong(struct parser *parser, const char *expected)
{
    skip_blanks(parser);
    size_t size = word_size(parser->at);
    if (size == 0 && *parser->at)
        size = 1;
    size = dy_text_prefix(parser->at, size, 30);
    if (size == 0)
        return dy_fail(parser->err, DYLUMO_BAD_ARGUMENT,
                       "filter, character %lu: expected %s, found its end",
                       character_at(parser, parser->at), expected);
    return dy_fail(parser->err, DYLUMO_BAD_ARGUMENT,
                   "filter, character %lu: expected %s, found '%.*s'",
                   character_at(parser, parser->at), expected, (int)size, parser->at);
}

static enum dylumo_status no_memory(struct parser *parser)
{
    return dy_fail(parser->err, DYLUMO_NO_MEMORY, "no memory for the filter");
}

/* ------------------------------------------------------------------ pieces */

/* Takes a keyword or sign when it stands here. */
static bool take(struct parser *parser, const char *word)
{
    skip_blanks(parser);
    size_t size = strlen(word);
    if (strncasecmp(parser->at, word, size) != 0)
        return false;
    if (isalpha((unsigned char)word[0]) && !ends_word(parser->at[size]))
        return false;
    parser->at += size;
    return true;
}

static bool stands(struct parser *parser, const char *word)
{
    const char *here = parser->at;
    bool taken = take(parser, word);
    parser->at = here;
    return taken;
}

static enum dylumo_status add_node(struct parser *parser, struct filter_node node, size_t *number)
{
    struct filter *filter = parser->filter;
    if (filter->node_count == NODES_MAX)
        return dy_fail(parser->err, DYLUMO_BAD_ARGUMENT,
                       "filter, character %lu: more than %d parts",
                       character_at(parser, parser->at), NODES_MAX);
    if (!dy_grow(&filter->nodes, &filter->node_room, filter->node_count + 1, sizeof *filter->nodes))
        return no_memory(parser);
    *number = filter->node_count;
    filter->nodes[filter->node_count++] = node;
    return DYLUMO_OK;
}

static enum dylumo_status add_value(struct parser *parser, struct filter_value value)
{
    struct filter *filter = parser->filter;
    if (!dy_grow(&filter->values, &filter->value_room, filter->value_count + 1,
                 sizeof *filter->values)) {
        dy_free(value.text);
        return no_memory(parser);
    }
    filter->values[filter->value_count++] = value;
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ fields */

static const struct {
    const char *name;
    enum filter_field field;
    double unit; /* what a number written is multiplied by */
} more_fields[] = {
    {"year", FILTER_YEAR, 1},
    {"popularity", FILTER_POPULARITY, 1},
    {"genre", FILTER_GENRE, 1},
    {"artist", FILTER_ARTIST, 1},
    {"title", FILTER_TITLE, 1},
    {"id", FILTER_ID, 1},
    {"bpm", (enum filter_field)DYLUMO_TEMPO, 1},
    {"duration", (enum filter_field)DYLUMO_DURATION_MS, 1000},
};

static bool is_name(const char *name, const char *at, size_t size)
{
    return strlen(name) == size && !strncasecmp(name, at, size);
}

static enum dylumo_status take_field(struct parser *parser, enum filter_field *field, double *unit)
{
    skip_blanks(parser);
    size_t size = word_size(parser->at);
    *unit = 1;
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        if (is_name(dylumo_feature_info((enum dylumo_feature)f)->name, parser->at, size)) {
            *field = (enum filter_field)f;
            parser->at += size;
            return DYLUMO_OK;
        }
    for (size_t i = 0; i < DY_COUNT(more_fields); i++)
        if (is_name(more_fields[i].name, parser->at, size)) {
            *field = more_fields[i].field;
            *unit = more_fields[i].unit;
            parser->at += size;
            return DYLUMO_OK;
        }
    return wrong(parser, "year, genre, popularity, artist, title, id, duration or a feature");
}

static bool is_text(enum filter_field field)
{
    return field >= FILTER_GENRE;
}

/* ------------------------------------------------------------------ values */

/* C, C#, Db, ... to B as pitch classes; -1: no such key. */
static int key_named(const char *at, size_t size)
{
    static const char letters[] = "c d ef g a b";
    const char *letter = size ? strchr(letters, tolower((unsigned char)at[0])) : NULL;
    if (!letter || *letter == ' ' || size > 2)
        return -1;
    int key = (int)(letter - letters);
    if (size == 2 && at[1] == '#')
        return (key + 1) % 12;
    if (size == 2 && at[1] == 'b')
        return (key + 11) % 12;
    return size == 1 ? key : -1;
}

/* A decimal number, or minutes:seconds as seconds; false: neither. */
static bool plain_number(const char *at, size_t size, double *number)
{
    char copy[40], *end;
    if (size == 0 || size >= sizeof copy || !strchr("+-.0123456789", at[0]))
        return false;
    memcpy(copy, at, size);
    copy[size] = '\0';
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain)
        return false;
    *number = strtod_l(copy, &end, plain);
    if (*end == ':' && isdigit((unsigned char)end[1]) && end != copy) {
        double minutes = *number;
        *number = minutes * 60 + strtod_l(end + 1, &end, plain);
    }
    freelocale(plain);
    return *end == '\0' && isfinite(*number) && !strpbrk(copy, "xXpP");
}

static bool number_of(enum filter_field field, double unit, const char *at, size_t size,
                      double *number)
{
    if (field == (enum filter_field)DYLUMO_KEY && key_named(at, size) >= 0) {
        *number = key_named(at, size);
        return true;
    }
    if (field == (enum filter_field)DYLUMO_MODE &&
        (is_name("major", at, size) || is_name("minor", at, size))) {
        *number = is_name("major", at, size);
        return true;
    }
    if (!plain_number(at, size, number))
        return false;
    *number *= unit;
    return true;
}

/* A number or a range from..to, where either end may be left open. */
static enum dylumo_status take_interval(struct parser *parser, enum filter_field field, double unit,
                                        struct filter_value *value)
{
    skip_blanks(parser);
    size_t size = word_size(parser->at);
    const char *at = parser->at, *dots = memmem(at, size, "..", 2);
    size_t first = dots ? (size_t)(dots - at) : size;
    const char *second_at = dots ? dots + 2 : at;
    size_t second = dots ? size - first - 2 : size;
    *value = (struct filter_value){.low = -INFINITY, .high = INFINITY};
    bool good = size > 2 || !dots;
    if (first || !dots)
        good = good && number_of(field, unit, at, first, &value->low);
    if (second || !dots)
        good = good && number_of(field, unit, second_at, second, &value->high);
    if (!good)
        return wrong(parser, field == (enum filter_field)DYLUMO_KEY ? "a key: C, C#, ... or 0 to 11"
                             : field == (enum filter_field)DYLUMO_MODE ? "major or minor"
                                                                       : "a number");
    parser->at += size;
    return DYLUMO_OK;
}

/* Text in quotes, or words up to a comma, a bracket, "and", "or" or the end. */
static enum dylumo_status text_extent(struct parser *parser, const char **from, size_t *size)
{
    skip_blanks(parser);
    char quote = *parser->at;
    if (quote == '"' || quote == '\'') {
        const char *end = strchr(parser->at + 1, quote);
        if (!end)
            return wrong(parser, "text whose quote is closed");
        *from = parser->at + 1;
        *size = (size_t)(end - *from);
        parser->at = end + 1;
        return DYLUMO_OK;
    }
    *from = parser->at;
    const char *end = parser->at;
    while (word_size(parser->at) && !stands(parser, "and") && !stands(parser, "or")) {
        parser->at += word_size(parser->at);
        end = parser->at;
        skip_blanks(parser);
    }
    *size = (size_t)(end - *from);
    return *size ? DYLUMO_OK : wrong(parser, "text");
}

static enum dylumo_status take_text(struct parser *parser, enum filter_field field)
{
    const char *from = parser->at;
    size_t size = 0;
    enum dylumo_status st = text_extent(parser, &from, &size);
    if (st)
        return st;
    struct filter_value value = {0};
    if (field == FILTER_ID) {
        value.text = dy_new_array(size + 1, 1);
        if (value.text)
            memcpy(value.text, from, size);
    } else {
        value.text = dy_text_fold(from, size);
    }
    return value.text ? add_value(parser, value) : no_memory(parser);
}

static enum dylumo_status take_value(struct parser *parser, enum filter_field field, double unit)
{
    if (is_text(field))
        return take_text(parser, field);
    struct filter_value value;
    enum dylumo_status st = take_interval(parser, field, unit, &value);
    return st ? st : add_value(parser, value);
}

static enum dylumo_status take_list(struct parser *parser, enum filter_field field, double unit)
{
    if (!take(parser, "("))
        return take_value(parser, field, unit);
    do {
        enum dylumo_status st = take_value(parser, field, unit);
        if (st)
            return st;
    } while (take(parser, ","));
    return take(parser, ")") ? DYLUMO_OK : wrong(parser, "',' or ')'");
}

/* ------------------------------------------------------------------ tests */

/* field < value and the like: a plain number, turned into an interval. */
static enum dylumo_status take_bound(struct parser *parser, enum filter_field field, double unit,
                                     bool below, bool open)
{
    struct filter_value value;
    enum dylumo_status st = take_interval(parser, field, unit, &value);
    if (st)
        return st;
    if (below) {
        value.low = -INFINITY;
        value.high_open = open;
    } else {
        value.high = INFINITY;
        value.low_open = open;
    }
    return add_value(parser, value);
}

/* What stands behind a field's name. *negative: the test is meant the other way round. */
static enum dylumo_status take_condition(struct parser *parser, struct filter_node *node,
                                         double unit, bool *negative)
{
    enum filter_field field = node->field;
    node->kind = is_text(field) ? FILTER_EQUALS : FILTER_NUMBERS;
    bool number = !is_text(field);
    if (number && take(parser, "<="))
        return take_bound(parser, field, unit, true, false);
    if (number && take(parser, "<"))
        return take_bound(parser, field, unit, true, true);
    if (number && take(parser, ">="))
        return take_bound(parser, field, unit, false, false);
    if (number && take(parser, ">"))
        return take_bound(parser, field, unit, false, true);
    if (take(parser, "in"))
        return take_list(parser, field, unit);
    if (is_text(field) && field != FILTER_ID && take(parser, "has")) {
        node->kind = FILTER_HAS;
        return take_list(parser, field, unit);
    }
    *negative = take(parser, "!=");
    if (!*negative && !take(parser, "==") && !take(parser, "="))
        return wrong(parser, is_text(field) ? "'=', '!=', 'has' or 'in'"
                                            : "'=', '!=', '<', '<=', '>', '>=' or 'in'");
    bool may_lack = field == FILTER_YEAR || field == FILTER_POPULARITY || field == FILTER_GENRE;
    if (may_lack && take(parser, "unknown")) {
        node->kind = FILTER_UNKNOWN;
        return DYLUMO_OK;
    }
    return take_value(parser, field, unit);
}

static enum dylumo_status parse_test(struct parser *parser, size_t *number)
{
    struct filter_node node = {.value = parser->filter->value_count};
    double unit;
    bool negative = false;
    enum dylumo_status st = take_field(parser, &node.field, &unit);
    if (!st)
        st = take_condition(parser, &node, unit, &negative);
    node.value_count = parser->filter->value_count - node.value;
    if (!st)
        st = add_node(parser, node, number);
    if (!st && negative)
        st = add_node(parser, (struct filter_node){.kind = FILTER_NOT, .left = *number}, number);
    return st;
}

/* ------------------------------------------------------------------ and, or, not */

static enum dylumo_status parse_filter(struct parser *parser, size_t *number);

static enum dylumo_status parse_one(struct parser *parser, size_t *number)
{
    if (++parser->depth > DEPTH_MAX)
        return wrong(parser, "fewer brackets inside each other");
    enum dylumo_status st;
    if (take(parser, "not")) {
        st = parse_one(parser, number);
        if (!st)
            st =
                add_node(parser, (struct filter_node){.kind = FILTER_NOT, .left = *number}, number);
    } else if (take(parser, "(")) {
        st = parse_filter(parser, number);
        if (!st && !take(parser, ")"))
            st = wrong(parser, "'and', 'or' or ')'");
    } else {
        st = parse_test(parser, number);
    }
    parser->depth--;
    return st;
}

static enum dylumo_status parse_all(struct parser *parser, size_t *number)
{
    enum dylumo_status st = parse_one(parser, number);
    while (!st && take(parser, "and")) {
        struct filter_node both = {.kind = FILTER_AND, .left = *number};
        st = parse_one(parser, &both.right);
        if (!st)
            st = add_node(parser, both, number);
    }
    return st;
}

static enum dylumo_status parse_filter(struct parser *parser, size_t *number)
{
    enum dylumo_status st = parse_all(parser, number);
    while (!st && take(parser, "or")) {
        struct filter_node either = {.kind = FILTER_OR, .left = *number};
        st = parse_all(parser, &either.right);
        if (!st)
            st = add_node(parser, either, number);
    }
    return st;
}

enum dylumo_status songs_filter_parse(struct filter *filter, const char *text,
                                      struct dylumo_error *err)
{
    *filter = (struct filter){0};
    struct parser parser = {.text = text, .at = text, .filter = filter, .err = err};
    enum dylumo_status st = parse_filter(&parser, &filter->root);
    skip_blanks(&parser);
    if (!st && *parser.at)
        st = wrong(&parser, "'and', 'or' or the end");
    if (st)
        songs_filter_clear(filter);
    return st;
}

void songs_filter_clear(struct filter *filter)
{
    for (size_t i = 0; i < filter->value_count; i++)
        dy_free(filter->values[i].text);
    dy_free(filter->values);
    dy_free(filter->nodes);
    *filter = (struct filter){0};
}
