/* The tree that a pickle is read into: its memory, its measure, and how callers look into it. */
#include "format_pickle.h"

#include <string.h>

#define CHUNK_VALUES 256
#define WALK_UNDER_WAY SIZE_MAX

struct pickle_chunk {
    struct pickle_chunk *next;
    size_t used;
    struct dy_pickle_value values[CHUNK_VALUES];
};

/* ------------------------------------------------------------------ memory */

struct dy_pickle_value *pickle_value_new(struct dy_pickle *pickle, enum dy_pickle_type type)
{
    if (!pickle->chunks || pickle->chunks->used == CHUNK_VALUES) {
        struct pickle_chunk *chunk = dy_new(sizeof *chunk);
        if (!chunk)
            return NULL;
        chunk->next = pickle->chunks;
        pickle->chunks = chunk;
    }
    struct dy_pickle_value *value = &pickle->chunks->values[pickle->chunks->used++];
    value->type = type;
    value->text.bytes = "";
    pickle->value_count++;
    return value;
}

bool pickle_keep_text(struct dy_pickle *pickle, char *text)
{
    if (!dy_grow(&pickle->texts, &pickle->text_room, pickle->text_count + 1, sizeof(char *))) {
        dy_free(text);
        return false;
    }
    pickle->texts[pickle->text_count++] = text;
    return true;
}

void dy_pickle_free(struct dy_pickle *pickle)
{
    if (!pickle)
        return;
    for (struct pickle_chunk *chunk = pickle->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        for (size_t i = 0; i < chunk->used; i++)
            dy_free(chunk->values[i].items);
        dy_free(chunk);
    }
    for (size_t i = 0; i < pickle->text_count; i++)
        dy_free(pickle->texts[i]);
    dy_free(pickle->texts);
    dy_free(pickle);
}

const struct dy_pickle_value *dy_pickle_root(const struct dy_pickle *pickle)
{
    return pickle->root;
}

size_t dy_pickle_size(const struct dy_pickle *pickle)
{
    return pickle->size;
}

/* ------------------------------------------------------------------ measure */

struct measure {
    const char *name;
    struct dylumo_error *err;
};

static enum dylumo_status measure(const struct measure *m, struct dy_pickle_value *value,
                                  unsigned level);

static enum dylumo_status measure_child(const struct measure *m, struct dy_pickle_value *child,
                                        unsigned level, size_t *walk, unsigned *depth)
{
    if (!child)
        return DYLUMO_OK;
    enum dylumo_status st = measure(m, child, level + 1);
    if (st)
        return st;
    *walk += child->walk;
    if (child->depth + 1 > *depth)
        *depth = child->depth + 1;
    if (*walk > PICKLE_WALK_MAX)
        return dy_fail(m->err, DYLUMO_TOO_LARGE,
                       "%s: pickle unfolds to over %u values (a bomb of shared lists?)", m->name,
                       PICKLE_WALK_MAX);
    return DYLUMO_OK;
}

/* Post-order: a value met again is not walked again, so this takes as many steps as there are
 * items; one met again on the way down to itself is a cycle. */
static enum dylumo_status measure(const struct measure *m, struct dy_pickle_value *value,
                                  unsigned level)
{
    if (value->walk == WALK_UNDER_WAY)
        return dy_fail(m->err, DYLUMO_UNSUPPORTED, "%s: pickle holds a list within itself",
                       m->name);
    if (level + (value->walk ? value->depth - 1 : 0) > PICKLE_DEPTH_MAX)
        return dy_fail(m->err, DYLUMO_TOO_LARGE, "%s: pickle nests over %u deep", m->name,
                       PICKLE_DEPTH_MAX);
    if (value->walk)
        return DYLUMO_OK;
    size_t walk = 1;
    unsigned depth = 1;
    value->walk = WALK_UNDER_WAY;
    enum dylumo_status st = measure_child(m, value->arguments, level, &walk, &depth);
    if (!st)
        st = measure_child(m, value->state, level, &walk, &depth);
    for (size_t i = 0; !st && i < value->item_count; i++)
        st = measure_child(m, value->items[i], level, &walk, &depth);
    value->walk = walk;
    value->depth = depth;
    return st;
}

enum dylumo_status pickle_measure(struct dy_pickle_value *root, const char *name,
                                  struct dylumo_error *err)
{
    const struct measure m = {name, err};
    return measure(&m, root, 1);
}

/* ------------------------------------------------------------------ looking into it */

bool dy_pickle_is(const struct dy_pickle_value *value, const char *text)
{
    size_t size = strlen(text);
    return value &&
           (value->type == DY_PICKLE_STR || value->type == DY_PICKLE_BYTES ||
            value->type == DY_PICKLE_GLOBAL) &&
           value->text.size == size && !memcmp(value->text.bytes, text, size);
}

bool dy_pickle_is_object(const struct dy_pickle_value *value, const char *global)
{
    return value && value->type == DY_PICKLE_OBJECT && dy_pickle_is(value->global, global);
}

const struct dy_pickle_value *dy_pickle_get(const struct dy_pickle_value *dict, const char *key)
{
    if (!dict || dict->type != DY_PICKLE_DICT)
        return NULL;
    for (size_t i = dict->item_count; i >= 2; i -= 2)
        if (dy_pickle_is(dict->items[i - 2], key))
            return dict->items[i - 1];
    return NULL;
}

const struct dy_pickle_value *dy_pickle_item(const struct dy_pickle_value *list, size_t index)
{
    if (!list || (list->type != DY_PICKLE_TUPLE && list->type != DY_PICKLE_LIST) ||
        index >= list->item_count)
        return NULL;
    return list->items[index];
}

bool dy_pickle_integer(const struct dy_pickle_value *value, int64_t *integer)
{
    if (!value || (value->type != DY_PICKLE_INT && value->type != DY_PICKLE_BOOL))
        return false;
    *integer = value->type == DY_PICKLE_INT ? value->integer : value->boolean;
    return true;
}

bool dy_pickle_real(const struct dy_pickle_value *value, double *real)
{
    int64_t integer;
    if (value && value->type == DY_PICKLE_FLOAT) {
        *real = value->real;
        return true;
    }
    if (!dy_pickle_integer(value, &integer))
        return false;
    *real = (double)integer;
    return true;
}

const char *dy_pickle_describe(const struct dy_pickle_value *value, char *text, size_t size)
{
    static const char *const names[] = {
        [DY_PICKLE_NONE] = "None",        [DY_PICKLE_BOOL] = "a bool",
        [DY_PICKLE_INT] = "an int",       [DY_PICKLE_LONG] = "a long int",
        [DY_PICKLE_FLOAT] = "a float",    [DY_PICKLE_STR] = "a str",
        [DY_PICKLE_BYTES] = "bytes",      [DY_PICKLE_TUPLE] = "a tuple",
        [DY_PICKLE_LIST] = "a list",      [DY_PICKLE_DICT] = "a dict",
        [DY_PICKLE_PERSISTENT] = "an id", [DY_PICKLE_GLOBAL] = "global",
        [DY_PICKLE_OBJECT] = "an object",
    };
    if (!value) {
        snprintf(text, size, "nothing");
        return text;
    }
    const struct dy_pickle_value *global = value->type == DY_PICKLE_OBJECT ? value->global : value;
    if (global->type != DY_PICKLE_GLOBAL) {
        snprintf(text, size, "%s", names[value->type]);
        return text;
    }
    snprintf(text, size, "%.*s", (int)global->text.size, global->text.bytes);
    for (char *c = text; *c; c++)
        if (*c == ' ')
            *c = '.';
    return text;
}
