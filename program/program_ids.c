/* Lists of songs in files: one id a line, as `cut` or an editor makes them. Blanks around an id,
 * empty lines and lines that begin with # are passed over; a byte order mark and CR are, too. */
#include "dy_program.h"

#include <stdlib.h>
#include <string.h>

enum { ID_MAX = 255 }; /* docs/formats/songs.md */
#define LIST_MAX (UINT64_C(1) << 30)

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct dy_text trimmed(const char *line, size_t size)
{
    while (size && is_blank(line[0])) {
        line++;
        size--;
    }
    while (size && is_blank(line[size - 1]))
        size--;
    return (struct dy_text){line, size};
}

static enum dylumo_status add_id(struct program_ids *list, struct dy_text id, const char *path,
                                 size_t line, struct dylumo_error *err)
{
    if (id.size > ID_MAX)
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s, line %zu: %zu bytes; expected an id of at most %d", path, line, id.size,
                       ID_MAX);
    if (memchr(id.bytes, '\0', id.size) || !dy_text_valid(id.bytes, id.size))
        return dy_fail(err, DYLUMO_BAD_FILE, "%s, line %zu: is not UTF-8 text; expected one id",
                       path, line);
    char *copy = dy_new_array(id.size + 1, 1);
    if (!copy || !dy_grow(&list->ids, &list->room, list->count + 1, sizeof *list->ids)) {
        dy_free(copy);
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for %zu ids", path, list->count + 1);
    }
    memcpy(copy, id.bytes, id.size);
    list->ids[list->count++] = copy;
    return DYLUMO_OK;
}

static enum dylumo_status add_lines(struct program_ids *list, const char *text, size_t size,
                                    const char *path, struct dylumo_error *err)
{
    static const char mark[] = "\xEF\xBB\xBF";
    const char *end = text + size;
    enum dylumo_status st = DYLUMO_OK;
    if (size >= 3 && !memcmp(text, mark, 3))
        text += 3;
    for (size_t line = 1; !st && text < end; line++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        struct dy_text id = trimmed(text, (size_t)((stop ? stop : end) - text));
        if (id.size && id.bytes[0] != '#')
            st = add_id(list, id, path, line, err);
        text = stop ? stop + 1 : end;
    }
    return st;
}

enum dylumo_status program_read_ids(struct program_ids *list, const char *path,
                                    struct dylumo_error *err)
{
    uint8_t *bytes = NULL;
    size_t size;
    enum dylumo_status st = dy_read_file(&bytes, &size, path, LIST_MAX, err);
    if (!st)
        st = add_lines(list, (const char *)bytes, size, path, err);
    if (!st && !list->ids && !dy_grow(&list->ids, &list->room, 1, sizeof *list->ids))
        st = dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for a list", path);
    dy_free(bytes);
    return st;
}

void program_ids_free(struct program_ids *list)
{
    for (size_t i = 0; i < list->count; i++)
        dy_free(list->ids[i]);
    dy_free(list->ids);
    *list = (struct program_ids){0};
}
