/* The one module that knows Unicode, over libunistring: checking, cleaning, folding, widths. Plain
 * ASCII, most of every catalogue, takes short ways that give the same result. */
#include "dy_base.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>
#include <uniwidth.h>

bool dy_text_valid(const char *text, size_t size)
{
    return size == 0 || u8_check((const uint8_t *)text, size) == NULL;
}

static bool is_ascii(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] >= 0x80)
            return false;
    return true;
}

/* Characters that could move the cursor or turn the direction of what follows. */
static bool is_control(ucs4_t character)
{
    return character < 0x20 || (character >= 0x7F && character < 0xA0) ||
           (character >= 0x200E && character <= 0x200F) ||
           (character >= 0x2028 && character <= 0x202E) ||
           (character >= 0x2066 && character <= 0x2069) || character == 0x061C ||
           character == 0xFEFF;
}

/* Heap copy of bytes given by libunistring, in memory of ours. */
static char *ours(uint8_t *bytes, size_t size, size_t *length)
{
    char *copy = bytes ? dy_new_array(size + 1, 1) : NULL;
    if (copy && size)
        memcpy(copy, bytes, size);
    if (copy && length)
        *length = size;
    free(bytes);
    return copy;
}

char *dy_text_clean(const char *text, size_t size, size_t *length)
{
    size_t room;
    if (!dy_size_mul(size, 3, &room)) /* a broken byte becomes three */
        return NULL;
    uint8_t *buffer = dy_new_array(room + 1, 1);
    if (!buffer)
        return NULL;
    size_t used = 0;
    const uint8_t *from = (const uint8_t *)text;
    for (size_t at = 0; at < size;) {
        ucs4_t character;
        int step = u8_mbtoucr(&character, from + at, size - at);
        if (step < 1) {
            character = 0xFFFD;
            step = 1;
        }
        if (is_control(character))
            character = ' ';
        used += (size_t)u8_uctomb(buffer + used, character, (ptrdiff_t)(room + 1 - used));
        at += (size_t)step;
    }
    if (is_ascii((const char *)buffer, used)) {
        if (length)
            *length = used;
        return (char *)buffer;
    }
    size_t clean_size = 0;
    uint8_t *clean = u8_normalize(UNINORM_NFC, buffer, used, NULL, &clean_size);
    dy_free(buffer);
    return ours(clean, clean_size, length);
}

static bool is_word_ascii(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Writes words of text in lower case, one space between; 0 when there is no word. */
static size_t fold_ascii(const char *text, size_t size, char *out)
{
    size_t used = 0;
    bool gap = false;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!is_word_ascii(c)) {
            gap = used > 0;
            continue;
        }
        if (gap)
            out[used++] = ' ';
        gap = false;
        out[used++] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    return used;
}

/* The same for decomposed, case-folded UTF-8, in place: marks vanish, other non-words are gaps. */
static size_t fold_words(uint8_t *text, size_t size)
{
    size_t used = 0;
    bool gap = false;
    for (size_t at = 0; at < size;) {
        ucs4_t character;
        int step = u8_mbtoucr(&character, text + at, size - at);
        if (step < 1)
            break;
        size_t from = at;
        at += (size_t)step;
        if (uc_is_general_category_withtable(character, UC_CATEGORY_MASK_M))
            continue;
        if (!uc_is_general_category_withtable(character, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N)) {
            gap = used > 0;
            continue;
        }
        if (gap) /* there is room: the gap's own character lies before at */
            text[used++] = ' ';
        gap = false;
        memmove(text + used, text + from, (size_t)step);
        used += (size_t)step;
    }
    return used;
}

bool dy_text_fold_ascii(const char *text, size_t size, char *out, size_t *length)
{
    if (!is_ascii(text, size))
        return false;
    *length = fold_ascii(text, size, out);
    if (*length == 0 && size) { /* symbols alone: kept as they are */
        memcpy(out, text, size);
        *length = size;
    }
    return true;
}

char *dy_text_fold(const char *text, size_t size)
{
    size_t length;
    if (is_ascii(text, size)) {
        char *folded = dy_new_array(size + 1, 1);
        if (folded)
            dy_text_fold_ascii(text, size, folded, &length);
        return folded;
    }
    size_t clean_size = 0, folded_size = 0;
    char *clean = dy_text_clean(text, size, &clean_size);
    if (!clean)
        return NULL;
    uint8_t *folded =
        u8_casefold((const uint8_t *)clean, clean_size, NULL, UNINORM_NFKD, NULL, &folded_size);
    size_t used = folded ? fold_words(folded, folded_size) : 0;
    if (folded && used == 0) { /* symbols alone: kept as they are */
        free(folded);
        return clean;
    }
    dy_free(clean);
    return ours(folded, used, NULL);
}

size_t dy_text_columns(const char *text, size_t size)
{
    int columns = u8_width((const uint8_t *)text, size, "UTF-8");
    return columns < 0 ? 0 : (size_t)columns;
}

size_t dy_text_prefix(const char *text, size_t size, size_t columns)
{
    size_t used = 0;
    for (size_t at = 0; at < size;) {
        ucs4_t character;
        int step = u8_mbtoucr(&character, (const uint8_t *)text + at, size - at);
        if (step < 1)
            return at;
        int width = uc_width(character, "UTF-8");
        used += width > 0 ? (size_t)width : 0;
        if (used > columns)
            return at;
        at += (size_t)step;
    }
    return size;
}
