/* Pickle, read as data: the stack machine of Python's pickletools, with a tree of plain values on
 * its stack. What Python would import or call is only noted: a global is a word that the caller's
 * whitelist must hold, a call is an OBJECT with that word and its arguments. So nothing can be
 * executed, because there is nothing here that executes.
 *
 * One row a opcode, in the table below; rows without a function are refused by name. Bombs: values,
 * stack, memo and items have limits, and at the end pickle_measure refuses cycles and trees whose
 * shared parts multiply. */
#include "format_pickle.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

struct machine {
    struct dy_reader in;
    const char *name;
    const struct dy_pickle_options *options;
    struct dy_pickle *pickle;
    struct dy_pickle_value **stack, **memo; /* a NULL in memo: no such place */
    size_t stack_count, stack_room, memo_size, memo_room, memo_count;
    size_t *marks; /* heights of the stack */
    size_t mark_count, mark_room;
    size_t items; /* of all lists, dicts and tuples */
    const char *opcode;
    bool stopped;
    struct dylumo_error *err;
};

typedef enum dylumo_status operation(struct machine *m, unsigned width);

/* ------------------------------------------------------------------ sentences */

static enum dylumo_status broken(struct machine *m, const char *why)
{
    return dy_fail(m->err, DYLUMO_BAD_FILE, "%s: pickle is broken at byte %zu: %s %s", m->name,
                   m->in.at, m->opcode, why);
}

static enum dylumo_status refused(struct machine *m, const char *what)
{
    return dy_fail(m->err, DYLUMO_UNSUPPORTED,
                   "%s: pickle at byte %zu: %s is refused, only data are read", m->name, m->in.at,
                   what);
}

static enum dylumo_status no_memory(struct machine *m)
{
    return dy_fail(m->err, DYLUMO_NO_MEMORY, "%s: no memory for its pickle", m->name);
}

static enum dylumo_status too_large(struct machine *m, const char *what, unsigned limit)
{
    return dy_fail(m->err, DYLUMO_TOO_LARGE, "%s: pickle has over %u %s", m->name, limit, what);
}

/* ------------------------------------------------------------------ stack */

/* Values that may be popped: those above the last mark. */
static size_t height(const struct machine *m)
{
    return m->stack_count - (m->mark_count ? m->marks[m->mark_count - 1] : 0);
}

static struct dy_pickle_value *pop(struct machine *m)
{
    return height(m) ? m->stack[--m->stack_count] : NULL;
}

static struct dy_pickle_value *top(const struct machine *m)
{
    return height(m) ? m->stack[m->stack_count - 1] : NULL;
}

static enum dylumo_status push(struct machine *m, struct dy_pickle_value *value)
{
    if (m->stack_count >= PICKLE_VALUES_MAX)
        return too_large(m, "values on its stack", PICKLE_VALUES_MAX);
    if (!dy_grow(&m->stack, &m->stack_room, m->stack_count + 1, sizeof *m->stack))
        return no_memory(m);
    m->stack[m->stack_count++] = value;
    return DYLUMO_OK;
}

static enum dylumo_status push_new(struct machine *m, enum dy_pickle_type type,
                                   struct dy_pickle_value **out)
{
    if (m->pickle->value_count >= PICKLE_VALUES_MAX)
        return too_large(m, "values", PICKLE_VALUES_MAX);
    *out = pickle_value_new(m->pickle, type);
    return *out ? push(m, *out) : no_memory(m);
}

static enum dylumo_status take_mark(struct machine *m, size_t *from)
{
    if (!m->mark_count)
        return broken(m, "without a mark");
    *from = m->marks[--m->mark_count];
    return DYLUMO_OK;
}

static enum dylumo_status add_items(struct machine *m, struct dy_pickle_value *to, size_t from)
{
    size_t count = m->stack_count - from;
    m->items += count;
    if (m->items > PICKLE_WALK_MAX)
        return too_large(m, "items", PICKLE_WALK_MAX);
    if (count && !dy_grow(&to->items, &to->room, to->item_count + count, sizeof(void *)))
        return no_memory(m);
    if (count)
        memcpy(to->items + to->item_count, m->stack + from, count * sizeof(void *));
    to->item_count += count;
    m->stack_count = from;
    return DYLUMO_OK;
}

/* A new list, tuple or dict of what stands from `from` on. */
static enum dylumo_status collect(struct machine *m, enum dy_pickle_type type, size_t from)
{
    if (m->pickle->value_count >= PICKLE_VALUES_MAX)
        return too_large(m, "values", PICKLE_VALUES_MAX);
    struct dy_pickle_value *value = pickle_value_new(m->pickle, type);
    if (!value)
        return no_memory(m);
    enum dylumo_status st = add_items(m, value, from);
    if (!st && type == DY_PICKLE_DICT && value->item_count % 2)
        st = broken(m, "has a key without a value");
    return st ? st : push(m, value);
}

/* ------------------------------------------------------------------ arguments of opcodes */

/* An unsigned number of width bytes. */
static uint64_t read_number(struct machine *m, unsigned width)
{
    return width == 1   ? dy_read_u8(&m->in)
           : width == 2 ? dy_read_u16(&m->in)
           : width == 4 ? dy_read_u32(&m->in)
                        : dy_read_u64(&m->in);
}

/* A length of width bytes and so many bytes. */
static enum dylumo_status read_sized(struct machine *m, unsigned width, struct dy_text *text)
{
    uint64_t size = read_number(m, width);
    text->bytes = (const char *)dy_read_bytes(&m->in, (size_t)size);
    text->size = (size_t)size;
    return m->in.failed ? broken(m, "reaches past the end") : DYLUMO_OK;
}

/* Up to a line feed, which is passed over; a carriage return before it, too. */
static enum dylumo_status read_line(struct machine *m, struct dy_text *line)
{
    const uint8_t *from = m->in.data + m->in.at;
    const uint8_t *end = memchr(from, '\n', m->in.size - m->in.at);
    if (!end)
        return broken(m, "has a line without an end");
    *line = (struct dy_text){(const char *)from, (size_t)(end - from)};
    m->in.at += line->size + 1;
    line->size -= line->size && from[line->size - 1] == '\r';
    return DYLUMO_OK;
}

static bool line_is(struct dy_text line, const char *text)
{
    return line.size == strlen(text) && !memcmp(line.bytes, text, line.size);
}

/* A line of at most 63 characters, so that it can be given a zero. */
static enum dylumo_status read_short_line(struct machine *m, char text[static 64])
{
    struct dy_text line = {0};
    enum dylumo_status st = read_line(m, &line);
    if (st)
        return st;
    if (!line.size || line.size > 63 || memchr(line.bytes, '\0', line.size))
        return broken(m, "is no number");
    memcpy(text, line.bytes, line.size);
    text[line.size] = '\0';
    return DYLUMO_OK;
}

static enum dylumo_status read_line_number(struct machine *m, int64_t *number)
{
    char text[64], *end;
    enum dylumo_status st = read_short_line(m, text);
    if (st)
        return st;
    errno = 0;
    *number = strtoll(text, &end, 10);
    end += *end == 'L';
    return errno || *end || end == text ? broken(m, "is no number of 64 bits") : DYLUMO_OK;
}

/* ------------------------------------------------------------------ plain values */

static enum dylumo_status op_none(struct machine *m, unsigned width)
{
    (void)width;
    struct dy_pickle_value *value = NULL;
    return push_new(m, DY_PICKLE_NONE, &value);
}

/* width: 1 is True */
static enum dylumo_status op_bool(struct machine *m, unsigned width)
{
    struct dy_pickle_value *value = NULL;
    enum dylumo_status st = push_new(m, DY_PICKLE_BOOL, &value);
    if (!st)
        value->boolean = width != 0;
    return st;
}

static enum dylumo_status push_integer(struct machine *m, int64_t number)
{
    struct dy_pickle_value *value = NULL;
    enum dylumo_status st = push_new(m, DY_PICKLE_INT, &value);
    if (!st)
        value->integer = number;
    return st;
}

static enum dylumo_status op_binint(struct machine *m, unsigned width)
{
    uint64_t number = read_number(m, width);
    return push_integer(m, width == 4 ? (int32_t)(uint32_t)number : (int64_t)number);
}

/* INT and LONG of protocol 0; "00" and "01" are False and True. */
static enum dylumo_status op_int(struct machine *m, unsigned width)
{
    (void)width;
    size_t at = m->in.at;
    struct dy_text line = {0};
    int64_t number = 0;
    enum dylumo_status st = read_line(m, &line);
    if (!st && (line_is(line, "00") || line_is(line, "01")))
        return op_bool(m, line.bytes[1] == '1');
    m->in.at = at;
    if (!st)
        st = read_line_number(m, &number);
    return st ? st : push_integer(m, number);
}

static enum dylumo_status op_long(struct machine *m, unsigned width)
{
    struct dy_text bytes = {0};
    enum dylumo_status st = read_sized(m, width, &bytes);
    struct dy_pickle_value *value = NULL;
    if (!st)
        st = push_new(m, bytes.size <= 8 ? DY_PICKLE_INT : DY_PICKLE_LONG, &value);
    if (st)
        return st;
    if (value->type == DY_PICKLE_LONG) {
        value->text = bytes;
        return DYLUMO_OK;
    }
    uint64_t number = bytes.size && bytes.bytes[bytes.size - 1] < 0 ? UINT64_MAX : 0;
    for (size_t i = bytes.size; i-- > 0;)
        number = number << 8 | (uint8_t)bytes.bytes[i];
    value->integer = (int64_t)number;
    return DYLUMO_OK;
}

static enum dylumo_status push_real(struct machine *m, double number)
{
    struct dy_pickle_value *value = NULL;
    enum dylumo_status st = push_new(m, DY_PICKLE_FLOAT, &value);
    if (!st)
        value->real = number;
    return st;
}

/* Big-endian, alone among all. */
static enum dylumo_status op_binfloat(struct machine *m, unsigned width)
{
    const uint8_t *bytes = dy_read_bytes(&m->in, width);
    if (!bytes)
        return broken(m, "reaches past the end");
    uint64_t bits = 0;
    for (unsigned i = 0; i < width; i++)
        bits = bits << 8 | bytes[i];
    double number;
    memcpy(&number, &bits, sizeof number);
    return push_real(m, number);
}

static enum dylumo_status op_float(struct machine *m, unsigned width)
{
    (void)width;
    char text[64], *end;
    enum dylumo_status st = read_short_line(m, text);
    if (st)
        return st;
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain)
        return no_memory(m);
    double number = strtod_l(text, &end, plain);
    freelocale(plain);
    return *end ? broken(m, "is no number") : push_real(m, number);
}

/* ------------------------------------------------------------------ text and bytes */

static enum dylumo_status push_text(struct machine *m, enum dy_pickle_type type,
                                    struct dy_text text)
{
    struct dy_pickle_value *value = NULL;
    enum dylumo_status st = push_new(m, type, &value);
    if (!st)
        value->text = text;
    return st;
}

static enum dylumo_status op_unicode(struct machine *m, unsigned width)
{
    struct dy_text text = {0};
    enum dylumo_status st = read_sized(m, width, &text);
    if (!st && !dy_text_valid(text.bytes, text.size))
        st = broken(m, "is no UTF-8");
    return st ? st : push_text(m, DY_PICKLE_STR, text);
}

static enum dylumo_status op_bytes(struct machine *m, unsigned width)
{
    struct dy_text text = {0};
    enum dylumo_status st = read_sized(m, width, &text);
    return st ? st : push_text(m, DY_PICKLE_BYTES, text);
}

/* Python 2's str may be text or bytes. */
static enum dylumo_status push_old_str(struct machine *m, struct dy_text text)
{
    bool readable = dy_text_valid(text.bytes, text.size);
    return push_text(m, readable ? DY_PICKLE_STR : DY_PICKLE_BYTES, text);
}

static enum dylumo_status op_old_str(struct machine *m, unsigned width)
{
    struct dy_text text = {0};
    enum dylumo_status st = read_sized(m, width, &text);
    return st ? st : push_old_str(m, text);
}

/* A line with escapes: STRING (width 0) and UNICODE (width 1) of protocol 0. */
static enum dylumo_status op_escaped(struct machine *m, unsigned width)
{
    struct dy_text line = {0};
    enum dylumo_status st = read_line(m, &line);
    if (st)
        return st;
    char *text = dy_new_array(line.size + 1, 3);
    if (!text || !pickle_keep_text(m->pickle, text))
        return no_memory(m);
    size_t length = 0;
    if (!(width ? pickle_unescape_unicode : pickle_unescape_str)(line, text, &length))
        return broken(m, "has a broken text");
    return push_old_str(m, (struct dy_text){text, length});
}

/* ------------------------------------------------------------------ lists, tuples, dicts */

static enum dylumo_status op_mark(struct machine *m, unsigned width)
{
    (void)width;
    if (m->mark_count >= PICKLE_VALUES_MAX)
        return too_large(m, "marks", PICKLE_VALUES_MAX);
    if (!dy_grow(&m->marks, &m->mark_room, m->mark_count + 1, sizeof *m->marks))
        return no_memory(m);
    m->marks[m->mark_count++] = m->stack_count;
    return DYLUMO_OK;
}

static enum dylumo_status op_pop(struct machine *m, unsigned width)
{
    (void)width;
    if (pop(m))
        return DYLUMO_OK;
    size_t from = 0; /* nothing above the mark: the mark itself goes */
    return take_mark(m, &from);
}

static enum dylumo_status op_pop_mark(struct machine *m, unsigned width)
{
    (void)width;
    return take_mark(m, &m->stack_count);
}

static enum dylumo_status op_dup(struct machine *m, unsigned width)
{
    (void)width;
    return top(m) ? push(m, top(m)) : broken(m, "of an empty stack");
}

/* width: the type */
static enum dylumo_status op_empty(struct machine *m, unsigned width)
{
    struct dy_pickle_value *value = NULL;
    return push_new(m, (enum dy_pickle_type)width, &value);
}

static enum dylumo_status op_collect(struct machine *m, unsigned width)
{
    size_t from = 0;
    enum dylumo_status st = take_mark(m, &from);
    return st ? st : collect(m, (enum dy_pickle_type)width, from);
}

/* width: how many */
static enum dylumo_status op_tuple(struct machine *m, unsigned width)
{
    if (height(m) < width)
        return broken(m, "of an empty stack");
    return collect(m, DY_PICKLE_TUPLE, m->stack_count - width);
}

static enum dylumo_status add_to(struct machine *m, enum dy_pickle_type type, size_t from)
{
    size_t count = m->stack_count - from;
    struct dy_pickle_value *to = NULL;
    size_t below = m->mark_count ? m->marks[m->mark_count - 1] : 0;
    if (from > below)
        to = m->stack[from - 1];
    if (!to || (to->type != type && to->type != DY_PICKLE_OBJECT))
        return broken(m, "to a value that takes none");
    if (type == DY_PICKLE_DICT && count % 2)
        return broken(m, "has a key without a value");
    return add_items(m, to, from);
}

/* width: the type of one that is added to; items up to the mark */
static enum dylumo_status op_add_many(struct machine *m, unsigned width)
{
    size_t from = 0;
    enum dylumo_status st = take_mark(m, &from);
    return st ? st : add_to(m, (enum dy_pickle_type)width, from);
}

static enum dylumo_status op_append(struct machine *m, unsigned width)
{
    (void)width;
    if (height(m) < 2)
        return broken(m, "of an empty stack");
    return add_to(m, DY_PICKLE_LIST, m->stack_count - 1);
}

static enum dylumo_status op_setitem(struct machine *m, unsigned width)
{
    (void)width;
    if (height(m) < 3)
        return broken(m, "of an empty stack");
    return add_to(m, DY_PICKLE_DICT, m->stack_count - 2);
}

/* ------------------------------------------------------------------ memo */

static enum dylumo_status memo_put(struct machine *m, uint64_t place)
{
    if (place >= PICKLE_VALUES_MAX)
        return too_large(m, "places in its memo", PICKLE_VALUES_MAX);
    if (!top(m))
        return broken(m, "of an empty stack");
    if (!dy_grow(&m->memo, &m->memo_room, (size_t)place + 1, sizeof *m->memo))
        return no_memory(m);
    while (m->memo_size <= place)
        m->memo[m->memo_size++] = NULL;
    m->memo_count += !m->memo[place];
    m->memo[place] = top(m);
    return DYLUMO_OK;
}

static enum dylumo_status memo_get(struct machine *m, uint64_t place)
{
    if (place >= m->memo_size || !m->memo[place])
        return broken(m, "of a place that was never put");
    return push(m, m->memo[place]);
}

/* width 0: a line */
static enum dylumo_status read_place(struct machine *m, unsigned width, uint64_t *place)
{
    int64_t number = 0;
    enum dylumo_status st = width ? DYLUMO_OK : read_line_number(m, &number);
    *place = width ? read_number(m, width) : (uint64_t)number;
    return !st && m->in.failed ? broken(m, "reaches past the end") : st;
}

static enum dylumo_status op_put(struct machine *m, unsigned width)
{
    uint64_t place = 0;
    enum dylumo_status st = read_place(m, width, &place);
    return st ? st : memo_put(m, place);
}

static enum dylumo_status op_get(struct machine *m, unsigned width)
{
    uint64_t place = 0;
    enum dylumo_status st = read_place(m, width, &place);
    return st ? st : memo_get(m, place);
}

static enum dylumo_status op_memoize(struct machine *m, unsigned width)
{
    (void)width;
    return memo_put(m, m->memo_count);
}

/* ------------------------------------------------------------------ globals and objects */

static const char *const always_known[] = {"collections OrderedDict", "copyreg _reconstructor",
                                           "copy_reg _reconstructor", "builtins object",
                                           "__builtin__ object",      NULL};

static bool in_list(const char *const *list, const char *word)
{
    for (; list && *list; list++) {
        size_t length = strlen(*list);
        bool open = length && (*list)[length - 1] == '*';
        if (open ? !strncmp(*list, word, length - 1) : !strcmp(*list, word))
            return true;
    }
    return false;
}

static enum dylumo_status push_global(struct machine *m, struct dy_text module, struct dy_text name)
{
    if (module.size > 1000 || name.size > 1000 || memchr(module.bytes, '\0', module.size) ||
        memchr(name.bytes, '\0', name.size))
        return broken(m, "has a name that is none");
    char *word = dy_new_array(module.size + name.size + 2, 1);
    if (!word || !pickle_keep_text(m->pickle, word))
        return no_memory(m);
    memcpy(word, module.bytes, module.size);
    word[module.size] = ' ';
    memcpy(word + module.size + 1, name.bytes, name.size);
    if (in_list(always_known, word) || in_list(m->options->globals, word))
        return push_text(m, DY_PICKLE_GLOBAL, (struct dy_text){word, module.size + 1 + name.size});
    return dy_fail(m->err, DYLUMO_UNSUPPORTED,
                   "%s: pickle names '%.*s.%.*s', which is not among the data that are read here",
                   m->name, (int)module.size, module.bytes, (int)name.size, name.bytes);
}

static enum dylumo_status op_global(struct machine *m, unsigned width)
{
    (void)width;
    struct dy_text module = {0}, name = {0};
    enum dylumo_status st = read_line(m, &module);
    if (!st)
        st = read_line(m, &name);
    return st ? st : push_global(m, module, name);
}

static enum dylumo_status op_stack_global(struct machine *m, unsigned width)
{
    (void)width;
    const struct dy_pickle_value *name = pop(m), *module = pop(m);
    if (!name || !module || name->type != DY_PICKLE_STR || module->type != DY_PICKLE_STR)
        return broken(m, "without two texts");
    return push_global(m, module->text, name->text);
}

/* collections.OrderedDict of nothing, or of a list of pairs as Python 2 has it. */
static enum dylumo_status push_ordered_dict(struct machine *m,
                                            const struct dy_pickle_value *arguments)
{
    const struct dy_pickle_value *pairs = dy_pickle_item(arguments, 0);
    if (arguments->item_count > 1 || (pairs && pairs->type != DY_PICKLE_LIST))
        return refused(m, "an OrderedDict of anything but pairs");
    struct dy_pickle_value *dict = NULL;
    enum dylumo_status st = push_new(m, DY_PICKLE_DICT, &dict);
    for (size_t i = 0; !st && pairs && i < pairs->item_count; i++) {
        if (!dy_pickle_item(pairs->items[i], 1) || dy_pickle_item(pairs->items[i], 2))
            return broken(m, "of an OrderedDict whose pairs are none");
        size_t from = m->stack_count;
        st = push(m, pairs->items[i]->items[0]);
        if (!st)
            st = push(m, pairs->items[i]->items[1]);
        if (!st)
            st = add_items(m, dict, from);
    }
    return st;
}

static bool is_reconstructor(const struct dy_pickle_value *global)
{
    return dy_pickle_is(global, "copyreg _reconstructor") ||
           dy_pickle_is(global, "copy_reg _reconstructor");
}

static enum dylumo_status push_object(struct machine *m, struct dy_pickle_value *global,
                                      struct dy_pickle_value *arguments)
{
    struct dy_pickle_value *object = NULL;
    if (is_reconstructor(global)) {
        const struct dy_pickle_value *base = dy_pickle_item(arguments, 1);
        if (!dy_pickle_is(base, "builtins object") && !dy_pickle_is(base, "__builtin__ object"))
            return refused(m, "copyreg._reconstructor of anything but an object");
        global = arguments->items[0];
        if (global->type != DY_PICKLE_GLOBAL)
            return broken(m, "without a class");
    }
    enum dylumo_status st = push_new(m, DY_PICKLE_OBJECT, &object);
    if (!st) {
        object->global = global;
        object->arguments = arguments;
    }
    return st;
}

/* REDUCE calls a function, NEWOBJ makes an object of a class: here the same. */
static enum dylumo_status op_call(struct machine *m, unsigned width)
{
    (void)width;
    struct dy_pickle_value *arguments = pop(m), *global = pop(m);
    if (!arguments || !global || arguments->type != DY_PICKLE_TUPLE ||
        global->type != DY_PICKLE_GLOBAL)
        return broken(m, "without a global and its arguments");
    if (dy_pickle_is(global, "collections OrderedDict"))
        return push_ordered_dict(m, arguments);
    return push_object(m, global, arguments);
}

/* Bytes behind an object that belong to it. */
static enum dylumo_status take_raw(struct machine *m, struct dy_pickle_value *object)
{
    size_t passed = 0;
    struct dy_text following = {(const char *)m->in.data + m->in.at, m->in.size - m->in.at};
    enum dylumo_status st =
        m->options->raw(m->options->user, object, following, &object->raw, &passed, m->err);
    if (!st && !dy_read_bytes(&m->in, passed))
        st = broken(m, "reaches past the end");
    return st;
}

static enum dylumo_status op_build(struct machine *m, unsigned width)
{
    (void)width;
    struct dy_pickle_value *state = pop(m), *object = top(m);
    if (!state || !object)
        return broken(m, "of an empty stack");
    if (object->type == DY_PICKLE_DICT) /* attributes of an OrderedDict: of no use */
        return DYLUMO_OK;
    if (object->type != DY_PICKLE_OBJECT || object->state)
        return broken(m, "of a value that takes no state");
    object->state = state;
    return m->options->raw ? take_raw(m, object) : DYLUMO_OK;
}

/* width 0: the id is a line */
static enum dylumo_status op_persistent(struct machine *m, unsigned width)
{
    struct dy_text line = {0};
    enum dylumo_status st = width ? DYLUMO_OK : read_line(m, &line);
    if (!st && !width)
        st = push_old_str(m, line);
    if (!st && !top(m))
        st = broken(m, "of an empty stack");
    return st ? st : collect(m, DY_PICKLE_PERSISTENT, m->stack_count - 1);
}

/* ------------------------------------------------------------------ begin and end */

static enum dylumo_status op_proto(struct machine *m, unsigned width)
{
    uint64_t version = read_number(m, width);
    return version > 5 ? refused(m, "a protocol after 5") : DYLUMO_OK;
}

/* A hint for readers from pipes. */
static enum dylumo_status op_frame(struct machine *m, unsigned width)
{
    read_number(m, width);
    return DYLUMO_OK;
}

static enum dylumo_status op_stop(struct machine *m, unsigned width)
{
    (void)width;
    m->pickle->root = pop(m);
    if (!m->pickle->root)
        return broken(m, "of an empty stack");
    m->pickle->size = m->in.at;
    m->stopped = true;
    return DYLUMO_OK;
}

static const struct {
    const char *name;
    operation *run; /* NULL: refused by name */
    unsigned width; /* of its argument, or what else the function says */
} opcodes[256] = {
    ['('] = {"MARK", op_mark, 0},
    ['.'] = {"STOP", op_stop, 0},
    ['0'] = {"POP", op_pop, 0},
    ['1'] = {"POP_MARK", op_pop_mark, 0},
    ['2'] = {"DUP", op_dup, 0},
    ['F'] = {"FLOAT", op_float, 0},
    ['G'] = {"BINFLOAT", op_binfloat, 8},
    ['I'] = {"INT", op_int, 0},
    ['J'] = {"BININT", op_binint, 4},
    ['K'] = {"BININT1", op_binint, 1},
    ['L'] = {"LONG", op_int, 0},
    ['M'] = {"BININT2", op_binint, 2},
    ['N'] = {"NONE", op_none, 0},
    ['P'] = {"PERSID", op_persistent, 0},
    ['Q'] = {"BINPERSID", op_persistent, 1},
    ['R'] = {"REDUCE", op_call, 0},
    ['S'] = {"STRING", op_escaped, 0},
    ['T'] = {"BINSTRING", op_old_str, 4},
    ['U'] = {"SHORT_BINSTRING", op_old_str, 1},
    ['V'] = {"UNICODE", op_escaped, 1},
    ['X'] = {"BINUNICODE", op_unicode, 4},
    ['B'] = {"BINBYTES", op_bytes, 4},
    ['C'] = {"SHORT_BINBYTES", op_bytes, 1},
    ['a'] = {"APPEND", op_append, 0},
    ['b'] = {"BUILD", op_build, 0},
    ['c'] = {"GLOBAL", op_global, 0},
    ['d'] = {"DICT", op_collect, DY_PICKLE_DICT},
    ['e'] = {"APPENDS", op_add_many, DY_PICKLE_LIST},
    ['g'] = {"GET", op_get, 0},
    ['h'] = {"BINGET", op_get, 1},
    ['i'] = {"INST", NULL, 0},
    ['j'] = {"LONG_BINGET", op_get, 4},
    ['l'] = {"LIST", op_collect, DY_PICKLE_LIST},
    ['o'] = {"OBJ", NULL, 0},
    ['p'] = {"PUT", op_put, 0},
    ['q'] = {"BINPUT", op_put, 1},
    ['r'] = {"LONG_BINPUT", op_put, 4},
    ['s'] = {"SETITEM", op_setitem, 0},
    ['t'] = {"TUPLE", op_collect, DY_PICKLE_TUPLE},
    ['u'] = {"SETITEMS", op_add_many, DY_PICKLE_DICT},
    ['}'] = {"EMPTY_DICT", op_empty, DY_PICKLE_DICT},
    [']'] = {"EMPTY_LIST", op_empty, DY_PICKLE_LIST},
    [')'] = {"EMPTY_TUPLE", op_empty, DY_PICKLE_TUPLE},
    [0x80] = {"PROTO", op_proto, 1},
    [0x81] = {"NEWOBJ", op_call, 0},
    [0x82] = {"EXT1", NULL, 0},
    [0x83] = {"EXT2", NULL, 0},
    [0x84] = {"EXT4", NULL, 0},
    [0x85] = {"TUPLE1", op_tuple, 1},
    [0x86] = {"TUPLE2", op_tuple, 2},
    [0x87] = {"TUPLE3", op_tuple, 3},
    [0x88] = {"NEWTRUE", op_bool, 1},
    [0x89] = {"NEWFALSE", op_bool, 0},
    [0x8A] = {"LONG1", op_long, 1},
    [0x8B] = {"LONG4", op_long, 4},
    [0x8C] = {"SHORT_BINUNICODE", op_unicode, 1},
    [0x8D] = {"BINUNICODE8", op_unicode, 8},
    [0x8E] = {"BINBYTES8", op_bytes, 8},
    [0x8F] = {"EMPTY_SET", NULL, 0},
    [0x90] = {"ADDITEMS", NULL, 0},
    [0x91] = {"FROZENSET", NULL, 0},
    [0x92] = {"NEWOBJ_EX", NULL, 0},
    [0x93] = {"STACK_GLOBAL", op_stack_global, 0},
    [0x94] = {"MEMOIZE", op_memoize, 0},
    [0x95] = {"FRAME", op_frame, 8},
    [0x96] = {"BYTEARRAY8", op_bytes, 8},
    [0x97] = {"NEXT_BUFFER", NULL, 0},
    [0x98] = {"READONLY_BUFFER", NULL, 0},
};

static enum dylumo_status run_one(struct machine *m)
{
    uint8_t code = dy_read_u8(&m->in);
    m->opcode = opcodes[code].name;
    if (m->in.failed)
        return dy_fail(m->err, DYLUMO_BAD_FILE, "%s: pickle is cut off after %zu bytes", m->name,
                       m->in.size);
    if (!m->opcode)
        return dy_fail(m->err, DYLUMO_BAD_FILE, "%s: no pickle: byte %zu is no opcode (0x%02X)",
                       m->name, m->in.at - 1, code);
    if (!opcodes[code].run)
        return refused(m, m->opcode);
    enum dylumo_status st = opcodes[code].run(m, opcodes[code].width);
    return !st && m->in.failed ? broken(m, "reaches past the end") : st;
}

enum dylumo_status dy_pickle_read(struct dy_pickle **out, const void *data, size_t size,
                                  const char *name, const struct dy_pickle_options *options,
                                  struct dylumo_error *err)
{
    struct machine m = {
        .in = dy_reader_of(data, size), .name = name, .options = options, .err = err};
    m.pickle = dy_new(sizeof *m.pickle);
    enum dylumo_status st = m.pickle ? DYLUMO_OK : no_memory(&m);
    while (!st && !m.stopped)
        st = run_one(&m);
    if (!st)
        st = pickle_measure(m.pickle->root, name, err);
    dy_free(m.stack);
    dy_free(m.memo);
    dy_free(m.marks);
    if (st)
        dy_pickle_free(m.pickle);
    else
        *out = m.pickle;
    return st;
}
