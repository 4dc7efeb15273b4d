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
    unsigned char all = 0;
    for (size_t i = 0; i < size; i++) /* no early end: the compiler takes many bytes at once */
        all |= (unsigned char)text[i];
    return all < 0x80;
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

/* Characters that NFC leaves as they are among others of the kind: none composes with another. */
static bool is_settled(ucs4_t c)
{
    return c < 0x300 || (c >= 0x388 && c <= 0x482) || (c >= 0x48A && c <= 0x52F) ||
           (c >= 0x2010 && c <= 0x2027) || (c >= 0x2030 && c <= 0x205E) ||
           (c >= 0x3041 && c <= 0x3096) || (c >= 0x30A1 && c <= 0x30FA) ||
           (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0xAC00 && c <= 0xD7A3) || c == 0xFFFD;
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
    bool settled = true;
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
        settled &= is_settled(character);
        used += (size_t)u8_uctomb(buffer + used, character, (ptrdiff_t)(room + 1 - used));
        at += (size_t)step;
    }
    if (settled) {
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
    /* without branches, which words' ends would make the processor guess wrong; what is written
     * past `used` lies at or before i, and is written over */
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        bool upper = c >= 'A' && c <= 'Z', word = is_word_ascii(c);
        out[used] = ' ';
        used += (size_t)(gap & word);
        out[used] = (char)(c | (upper ? 0x20 : 0));
        used += (size_t)word;
        gap = !word & (used > 0);
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

/* The fold of U+0080 to U+017F inside a word; " ": a gap; "": the long way must be taken. */
static const char latin_folds[][4] = {
    /* clang-format off */
    " ", " ", " ", " ", " ", " ", " ", " ",
    " ", " ", " ", " ", " ", " ", " ", " ",
    " ", " ", " ", " ", " ", " ", " ", " ",
    " ", " ", " ", " ", " ", " ", " ", " ",
    " ", " ", " ", " ", " ", " ", " ", " ",
    " ", " ", "a", " ", " ", " ", " ", " ",
    " ", " ", "2", "3", " ", "\xCE\xBC", " ", " ",
    " ", "1", "o", " ", "", "", "", " ",
    "a", "a", "a", "a", "a", "a", "\xC3\xA6", "c",
    "e", "e", "e", "e", "i", "i", "i", "i",
    "\xC3\xB0", "n", "o", "o", "o", "o", "o", " ",
    "\xC3\xB8", "u", "u", "u", "u", "y", "\xC3\xBE", "ss",
    "a", "a", "a", "a", "a", "a", "\xC3\xA6", "c",
    "e", "e", "e", "e", "i", "i", "i", "i",
    "\xC3\xB0", "n", "o", "o", "o", "o", "o", " ",
    "\xC3\xB8", "u", "u", "u", "u", "y", "\xC3\xBE", "y",
    "a", "a", "a", "a", "a", "a", "c", "c",
    "c", "c", "c", "c", "c", "c", "d", "d",
    "\xC4\x91", "\xC4\x91", "e", "e", "e", "e", "e", "e",
    "e", "e", "e", "e", "g", "g", "g", "g",
    "g", "g", "g", "g", "h", "h", "\xC4\xA7", "\xC4\xA7",
    "i", "i", "i", "i", "i", "i", "i", "i",
    "i", "\xC4\xB1", "ij", "ij", "j", "j", "k", "k",
    "\xC4\xB8", "l", "l", "l", "l", "l", "l", "",
    "", "\xC5\x82", "\xC5\x82", "n", "n", "n", "n", "n",
    "n", "", "\xC5\x8B", "\xC5\x8B", "o", "o", "o", "o",
    "o", "o", "\xC5\x93", "\xC5\x93", "r", "r", "r", "r",
    "r", "r", "s", "s", "s", "s", "s", "s",
    "s", "s", "t", "t", "t", "t", "\xC5\xA7", "\xC5\xA7",
    "u", "u", "u", "u", "u", "u", "u", "u",
    "u", "u", "u", "u", "w", "w", "y", "y",
    "y", "z", "z", "z", "z", "z", "z", "s",
    /* clang-format on */
};

/* The short way for Latin letters with accents and common punctuation. 0: the long way must be
 * taken. out: [size], which is enough: no fold is longer than its character. */
static size_t fold_latin(const char *text, size_t size, char *out)
{
    size_t used = 0;
    bool gap = false;
    for (size_t at = 0; at < size;) {
        ucs4_t c;
        int step = u8_mbtoucr(&c, (const uint8_t *)text + at, size - at);
        char ascii[2] = {(char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c), '\0'};
        const char *fold = c < 0x80    ? (is_word_ascii((unsigned char)c) ? ascii : " ")
                           : c < 0x180 ? latin_folds[c - 0x80]
                           : c >= 0x2010 && c <= 0x2027 ? " "
                                                        : "";
        if (step < 1 || !*fold)
            return 0;
        at += (size_t)step;
        if (*fold == ' ') {
            gap = used > 0;
            continue;
        }
        if (gap)
            out[used++] = ' ';
        gap = false;
        for (; *fold; fold++)
            out[used++] = *fold;
    }
    return used;
}

char *dy_text_fold(const char *text, size_t size)
{
    size_t length;
    if (is_ascii(text, size)) {
        char *folded = dy_new_array(size + 1, 1);
        if (folded && dy_text_fold_ascii(text, size, folded, &length))
            folded[length] = '\0'; /* what stood behind the last word */
        return folded;
    }
    char *latin = dy_new_array(size + 1, 1);
    if (!latin)
        return NULL;
    length = fold_latin(text, size, latin);
    if (length) {
        latin[length] = '\0'; /* what a broken-off character left behind it */
        return latin;
    }
    dy_free(latin);
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
