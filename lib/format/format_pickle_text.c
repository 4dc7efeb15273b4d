/* Text of pickle's protocol 0, which is a line with escapes: Python 2's repr of a str, and its
 * raw-unicode-escape of a unicode. */
#include "format_pickle.h"

#include <string.h>

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The digits at from; false when there are fewer. */
static bool read_hex(struct dy_text text, size_t from, unsigned digits, uint32_t *number)
{
    *number = 0;
    for (unsigned i = 0; i < digits; i++) {
        int digit = from + i < text.size ? hex_digit(text.bytes[from + i]) : -1;
        if (digit < 0)
            return false;
        *number = *number << 4 | (uint32_t)digit;
    }
    return true;
}

/* One escape of a repr, at its letter: the byte it stands for and the characters it takes. */
static bool read_escape(struct dy_text text, size_t at, uint8_t *byte, size_t *taken)
{
    static const char letters[] = "\\'\"nrtabfv", bytes[] = "\\'\"\n\r\t\a\b\f\v";
    char letter = at < text.size ? text.bytes[at] : '\0';
    const char *found = letter ? strchr(letters, letter) : NULL;
    uint32_t number;
    *taken = 1;
    if (found) {
        *byte = (uint8_t)bytes[found - letters];
        return true;
    }
    if (letter != 'x' || !read_hex(text, at + 1, 2, &number))
        return false;
    *byte = (uint8_t)number;
    *taken = 3;
    return true;
}

bool pickle_unescape_str(struct dy_text repr, char *out, size_t *length)
{
    if (repr.size < 2 || (repr.bytes[0] != '\'' && repr.bytes[0] != '"') ||
        repr.bytes[repr.size - 1] != repr.bytes[0])
        return false;
    struct dy_text inside = {repr.bytes + 1, repr.size - 2};
    *length = 0;
    for (size_t i = 0; i < inside.size;) {
        uint8_t byte = (uint8_t)inside.bytes[i++];
        size_t taken = 0;
        if (byte == '\\' && !read_escape(inside, i, &byte, &taken))
            return false;
        i += taken;
        out[(*length)++] = (char)byte;
    }
    return true;
}

/* Appends a character as UTF-8; false for what is none. */
static bool put_character(uint32_t code, char *out, size_t *length)
{
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        return false;
    unsigned more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t leads[] = {0, 0xC0, 0xE0, 0xF0};
    out[(*length)++] = (char)(leads[more] | code >> (6 * more));
    while (more-- > 0)
        out[(*length)++] = (char)(0x80 | (code >> (6 * more) & 0x3F));
    return true;
}

/* Only \u and \U are escapes; every other byte is Latin-1. A character takes at most three bytes
 * for each of the text's: Latin-1 two for one, escapes four for six and more. */
bool pickle_unescape_unicode(struct dy_text raw, char *out, size_t *length)
{
    *length = 0;
    for (size_t i = 0; i < raw.size;) {
        uint32_t code = (uint8_t)raw.bytes[i++];
        char letter = code == '\\' && i < raw.size ? raw.bytes[i] : '\0';
        unsigned digits = letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
        if (digits && !read_hex(raw, i + 1, digits, &code))
            return false;
        i += digits ? digits + 1 : 0;
        if (!put_character(code, out, length))
            return false;
    }
    return true;
}
