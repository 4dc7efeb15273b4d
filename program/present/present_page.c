/* A page of text: a string that grows, and the three things a terminal asks of text: no control
 * characters, a width counted in columns instead of bytes, and lines broken between words. */
#include "present_internal.h"

#include <string.h>

void page_add(struct page *page, const char *text, size_t size)
{
    if (page->failed)
        return;
    if (!dy_grow(&page->text, &page->room, page->used + size + 1, 1)) {
        page->failed = true;
        return;
    }
    memcpy(page->text + page->used, text, size);
    page->used += size;
    page->text[page->used] = '\0';
}

void page_print(struct page *page, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length > 0)
        page_add(page, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}

static void page_blanks(struct page *page, size_t count)
{
    page_print(page, "%*s", (int)count, "");
}

/* text cleaned, with its length; NULL (and a failed page) without memory. */
static char *cleaned(struct page *page, const char *text, size_t *length)
{
    char *clean = dy_text_clean(text, strlen(text), length);
    page->failed |= !clean;
    return clean;
}

void page_name(struct page *page, const char *text, size_t columns)
{
    size_t length;
    char *clean = cleaned(page, text, &length);
    if (!clean)
        return;
    size_t wide = dy_text_columns(clean, length);
    if (!columns || wide <= columns) {
        page_add(page, clean, length);
    } else {
        length = dy_text_prefix(clean, length, columns - 3);
        while (length && clean[length - 1] == ' ')
            length--;
        page_add(page, clean, length);
        page_add(page, "...", 3);
        wide = dy_text_columns(clean, length) + 3;
    }
    if (columns > wide)
        page_blanks(page, columns - wide);
    dy_free(clean);
}

/* Bytes of the line to be broken off text: to the last blank that fits, or as much as fits. */
static size_t line_length(const char *text, size_t length, size_t columns)
{
    size_t fits = dy_text_prefix(text, length, columns);
    if (fits == length)
        return length;
    size_t at = fits;
    while (at && (text[at] != ' ' || text[at + 1] == '%')) /* "66 %" stays together */
        at--;
    if (at)
        return at;
    return fits ? fits : length;
}

void page_paragraph(struct page *page, const char *text, size_t indent, size_t columns)
{
    size_t length;
    char *clean = cleaned(page, text, &length);
    if (!clean)
        return;
    const char *rest = clean;
    while (length) {
        size_t line = line_length(rest, length, columns - indent);
        page_blanks(page, indent);
        page_add(page, rest, line);
        page_add(page, "\n", 1);
        while (line < length && rest[line] == ' ')
            line++;
        rest += line;
        length -= line;
    }
    dy_free(clean);
}
