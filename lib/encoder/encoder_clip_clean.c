/* What the references do to a text before they cut it. transformers' tokenizer does little; that of
 * open_clip calls ftfy, whose steps are here one by one, in its order and until nothing changes
 * (Speer 2019, version 6.3.1): all but fix_encoding, a search for text that was decoded with the
 * wrong character set, which has tables and odds of its own. */
#include "encoder_clip_words.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

/* ------------------------------------------------------------------ code points */

void clip_chars_put(struct clip_chars *chars, uint32_t c)
{
    if (chars->failed || !dy_grow(&chars->at, &chars->room, chars->count + 1, sizeof *chars->at))
        chars->failed = true;
    else
        chars->at[chars->count++] = c;
}

void clip_chars_clear(struct clip_chars *chars)
{
    dy_free(chars->at);
    *chars = (struct clip_chars){0};
}

void clip_chars_read(struct clip_chars *chars, const char *text, size_t size)
{
    const uint8_t *from = (const uint8_t *)text;
    for (size_t at = 0; at < size;) {
        ucs4_t c;
        int step = u8_mbtoucr(&c, from + at, size - at);
        clip_chars_put(chars, step > 0 ? c : 0xFFFD);
        at += step > 0 ? (size_t)step : 1;
    }
}

bool clip_is_space(uint32_t c)
{
    return uc_is_property_white_space(c);
}

bool clip_is_letter(uint32_t c)
{
    return uc_is_general_category_withtable(c, UC_CATEGORY_MASK_L);
}

bool clip_is_number(uint32_t c)
{
    return uc_is_general_category_withtable(c, UC_CATEGORY_MASK_N);
}

/* The result of a step takes the place of what it was made from. */
static void replace(struct clip_chars *chars, struct clip_chars *by)
{
    by->failed |= chars->failed;
    clip_chars_clear(chars);
    *chars = *by;
}

/* What libunistring made, in memory of its own. */
static void take(struct clip_chars *chars, uint32_t *made, size_t count)
{
    struct clip_chars by = {.failed = !made && chars->count > 0};
    for (size_t i = 0; made && i < count; i++)
        clip_chars_put(&by, made[i]);
    free(made);
    replace(chars, &by);
}

static void compose(struct clip_chars *chars)
{
    size_t count = 0;
    if (!chars->count)
        return;
    uint32_t *made = u32_normalize(UNINORM_NFC, chars->at, chars->count, NULL, &count);
    take(chars, made, count);
}

/* A run of white space becomes one space. */
static void join_spaces(struct clip_chars *chars)
{
    size_t kept = 0;
    bool before = false;
    for (size_t i = 0; i < chars->count; i++) {
        bool space = clip_is_space(chars->at[i]);
        if (!space || !before)
            chars->at[kept++] = space ? ' ' : chars->at[i];
        before = space;
    }
    chars->count = kept;
}

/* ------------------------------------------------------------------ HTML's references */

/* Code point of the bytes 0x80 to 0x9F in Windows-1252; those that it lacks stand for themselves.
 */
static uint32_t windows_1252(uint32_t c)
{
    static const uint16_t table[32] = {
        0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,  0x2030, 0x160,
        0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
        0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178,
    };
    return c >= 0x80 && c < 0xA0 ? table[c - 0x80] : c;
}

static int digit_of(uint32_t c, unsigned base)
{
    int value = c >= '0' && c <= '9'   ? (int)c - '0'
                : c >= 'a' && c <= 'f' ? (int)c - 'a' + 10
                : c >= 'A' && c <= 'F' ? (int)c - 'A' + 10
                                       : 99;
    return value < (int)base ? value : -1;
}

/* Numbers that stand for nothing. */
static bool is_no_character(uint32_t n)
{
    return (n >= 1 && n <= 8) || n == 0xB || (n >= 0xE && n <= 0x1F) || (n >= 0x7F && n <= 0x9F) ||
           (n >= 0xFDD0 && n <= 0xFDEF) || (n & 0xFFFE) == 0xFFFE;
}

/* "&#...": characters that it takes, with its semicolon; 0: none. */
static size_t numeric_reference(struct clip_chars *to, const uint32_t *at, size_t left)
{
    bool hex = left > 2 && (at[2] == 'x' || at[2] == 'X');
    size_t used = hex ? 3 : 2, first = used;
    uint32_t number = 0;
    for (int digit; used < left && (digit = digit_of(at[used], hex ? 16 : 10)) >= 0; used++)
        number = number > 0x110000 ? number : number * (hex ? 16 : 10) + (uint32_t)digit;
    if (used == first)
        return 0;
    used += used < left && at[used] == ';';
    if (number == 0 || number > 0x10FFFF || (number >= 0xD800 && number <= 0xDFFF))
        clip_chars_put(to, 0xFFFD);
    else if (number >= 0x80 && number < 0xA0)
        clip_chars_put(to, windows_1252(number));
    else if (!is_no_character(number))
        clip_chars_put(to, number);
    return used;
}

static int by_name(const void *name, const void *entity)
{
    return strcmp(name, ((const struct clip_entity *)entity)->name);
}

static const struct clip_entity *entity_named(const char *name)
{
    return bsearch(name, clip_entities, clip_entity_count, sizeof *clip_entities, by_name);
}

static void put_entity(struct clip_chars *to, const struct clip_entity *entity)
{
    clip_chars_put(to, entity->chars[0]);
    if (entity->chars[1])
        clip_chars_put(to, entity->chars[1]);
}

#define ENTITY_MAX 33 /* characters of a name with its semicolon */

/* The longest named reference that "&..." begins with; *used receives its characters. */
static const struct clip_entity *longest_entity(const uint32_t *at, size_t left, size_t *used)
{
    char name[ENTITY_MAX + 1];
    size_t length = 0;
    while (length < ENTITY_MAX && 1 + length < left) {
        uint32_t c = at[1 + length];
        bool ends = c == ';';
        if (c >= 0x80 || (ends && !length) || (!ends && length == ENTITY_MAX - 1) ||
            strchr("\t\n\f <&#", (int)c) || !c)
            break;
        name[length++] = (char)c;
        if (ends)
            break;
    }
    for (; length > 1; length--) {
        name[length] = '\0';
        const struct clip_entity *entity = entity_named(name);
        if (entity) {
            *used = 1 + length;
            return entity;
        }
    }
    return NULL;
}

/* Python's html.unescape. */
static void unescape(struct clip_chars *chars)
{
    struct clip_chars by = {0};
    for (size_t i = 0; i < chars->count;) {
        const uint32_t *at = chars->at + i;
        size_t left = chars->count - i, used = 0;
        const struct clip_entity *entity = NULL;
        if (*at == '&' && left > 2 && at[1] == '#')
            used = numeric_reference(&by, at, left);
        else if (*at == '&')
            entity = longest_entity(at, left, &used);
        if (entity)
            put_entity(&by, entity);
        if (!used) {
            clip_chars_put(&by, *at);
            used = 1;
        }
        i += used;
    }
    replace(chars, &by);
}

/* ------------------------------------------------------------------ ftfy's references */

/* "&EACUTE;": the capital of a reference whose name in small letters is one. */
static bool put_capital(struct clip_chars *to, const char *name, const uint32_t *at, size_t left)
{
    char small[ENTITY_MAX + 1];
    size_t used, count = 0, length = strlen(name);
    if (longest_entity(at, left, &used))
        return false;
    for (size_t i = 0; i <= length; i++) {
        if (name[i] >= 'a' && name[i] <= 'z')
            return false;
        small[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
    }
    const struct clip_entity *entity = entity_named(small);
    if (!entity)
        return false;
    uint32_t *made = u32_toupper(entity->chars, entity->chars[1] ? 2 : 1, NULL, NULL, NULL, &count);
    to->failed |= !made;
    for (size_t i = 0; made && i < count; i++)
        clip_chars_put(to, made[i]);
    free(made);
    return true;
}

/* "&" and at most 24 letters and digits, then ";": characters in all, 0: something else. */
static size_t strict_reference(const uint32_t *at, size_t left, char name[ENTITY_MAX + 1])
{
    size_t length = 0, first = left > 1 && at[1] == '#' ? 2 : 1;
    while (first + length < left && length < 25) {
        uint32_t c = at[first + length];
        bool plain = c < 0x80 && ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'));
        if (!plain)
            break;
        name[length++] = (char)c;
    }
    if (!length || length > 24 || first + length >= left || at[first + length] != ';')
        return 0;
    name[length++] = ';';
    name[length] = '\0';
    return first + length;
}

/* ftfy decodes only what ends with a semicolon, and capitals as well. */
static void unescape_strictly(struct clip_chars *chars)
{
    struct clip_chars by = {0};
    char name[ENTITY_MAX + 1];
    for (size_t i = 0; i < chars->count;) {
        const uint32_t *at = chars->at + i;
        size_t used = *at == '&' ? strict_reference(at, chars->count - i, name) : 0;
        const size_t before = by.count;
        bool done = false;
        if (used && at[1] == '#') {
            done = numeric_reference(&by, at, used) == used;
            by.count = done ? by.count : before;
        } else if (used) {
            const struct clip_entity *entity = entity_named(name);
            if (entity)
                put_entity(&by, entity);
            done = entity || put_capital(&by, name, at, used);
        }
        if (!done) {
            clip_chars_put(&by, *at);
            used = 1;
        }
        i += used;
    }
    replace(chars, &by);
}

/* ------------------------------------------------------------------ ftfy's other steps */

/* Latin ligatures and digraphs, and what they are made of. */
static const struct {
    uint32_t c;
    uint32_t parts[3];
} ligatures[] = {
    {0x132, {'I', 'J'}},       {0x133, {'i', 'j'}},       {0x149, {0x2BC, 'n'}},
    {0x1F1, {'D', 'Z'}},       {0x1F2, {'D', 'z'}},       {0x1F3, {'d', 'z'}},
    {0x1C4, {'D', 0x17D}},     {0x1C5, {'D', 0x17E}},     {0x1C6, {'d', 0x17E}},
    {0x1C7, {'L', 'J'}},       {0x1C8, {'L', 'j'}},       {0x1C9, {'l', 'j'}},
    {0x1CA, {'N', 'J'}},       {0x1CB, {'N', 'j'}},       {0x1CC, {'n', 'j'}},
    {0xFB00, {'f', 'f'}},      {0xFB01, {'f', 'i'}},      {0xFB02, {'f', 'l'}},
    {0xFB03, {'f', 'f', 'i'}}, {0xFB04, {'f', 'f', 'l'}}, {0xFB05, {0x17F, 't'}},
    {0xFB06, {'s', 't'}},
};

static bool put_ligature(struct clip_chars *to, uint32_t c)
{
    for (size_t i = 0; i < DY_COUNT(ligatures); i++)
        if (ligatures[i].c == c) {
            for (size_t p = 0; p < 3 && ligatures[i].parts[p]; p++)
                clip_chars_put(to, ligatures[i].parts[p]);
            return true;
        }
    return false;
}

/* Characters of another width than their kind's, by NFKC. */
static bool put_width(struct clip_chars *to, uint32_t c)
{
    uint32_t made[8];
    size_t count = DY_COUNT(made);
    if (c < 0xFF01 || c > 0xFFEF || !u32_normalize(UNINORM_NFKC, &c, 1, made, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        clip_chars_put(to, made[i]);
    return true;
}

static bool is_removed(uint32_t c)
{
    return c <= 8 || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F ||
           (c >= 0x206A && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFC);
}

/* fix_c1_controls, fix_latin_ligatures, fix_character_width, uncurl_quotes, fix_line_breaks: each
 * character by itself, but for "\r\n". */
static void fix_characters(struct clip_chars *chars)
{
    struct clip_chars by = {0}, again = {0};
    for (size_t i = 0; i < chars->count; i++)
        if (!put_ligature(&by, windows_1252(chars->at[i])))
            clip_chars_put(&by, windows_1252(chars->at[i]));
    for (size_t i = 0; i < by.count; i++) {
        uint32_t c = by.at[i];
        if (c == 0x3000)
            c = ' ';
        else if (c == 0x2BC || (c >= 0x2018 && c <= 0x201B))
            c = '\'';
        else if (c >= 0x201C && c <= 0x201F)
            c = '"';
        else if (c == '\r' || c == 0x2028 || c == 0x2029 || c == 0x85)
            c = '\n';
        if (by.at[i] == '\r' && i + 1 < by.count && by.at[i + 1] == '\n')
            continue;
        if (!put_width(&again, c))
            clip_chars_put(&again, c);
    }
    again.failed |= by.failed;
    clip_chars_clear(&by);
    replace(chars, &again);
}

/* "\033[", digits and semicolons, a letter: its characters; 0: something else. */
static size_t terminal_escape(const uint32_t *at, size_t left)
{
    size_t used = 2;
    if (left < 3 || at[0] != 0x1B || at[1] != '[')
        return 0;
    while (used < left &&
           (at[used] == ';' || uc_is_general_category(at[used], UC_DECIMAL_DIGIT_NUMBER)))
        used++;
    bool letter =
        used < left && at[used] < 0x80 && (at[used] | 32) >= 'a' && (at[used] | 32) <= 'z';
    return letter ? used + 1 : 0;
}

static void remove_controls(struct clip_chars *chars)
{
    size_t kept = 0;
    for (size_t i = 0; i < chars->count;) {
        size_t escape = terminal_escape(chars->at + i, chars->count - i);
        if (!escape && !is_removed(chars->at[i]))
            chars->at[kept++] = chars->at[i];
        i += escape ? escape : 1;
    }
    chars->count = kept;
}

static bool equal(const struct clip_chars *a, const struct clip_chars *b)
{
    return a->count == b->count && (!a->count || !memcmp(a->at, b->at, a->count * sizeof *a->at));
}

static bool has(const struct clip_chars *chars, uint32_t c)
{
    for (size_t i = 0; i < chars->count; i++)
        if (chars->at[i] == c)
            return true;
    return false;
}

/* One line, until nothing changes. */
static void fix_line(struct clip_chars *line, bool references)
{
    for (bool changed = true; changed && !line->failed;) {
        struct clip_chars before = {0};
        for (size_t i = 0; i < line->count; i++)
            clip_chars_put(&before, line->at[i]);
        if (references && !has(line, '<'))
            unescape_strictly(line);
        fix_characters(line);
        remove_controls(line);
        compose(line);
        changed = !equal(line, &before);
        line->failed |= before.failed;
        clip_chars_clear(&before);
    }
}

/* ftfy.fix_text without fix_encoding. From the first line with a "<" on no references are decoded:
 * it may be HTML. */
static void fix_text(struct clip_chars *chars)
{
    struct clip_chars by = {0};
    bool references = true;
    for (size_t at = 0; at < chars->count && !by.failed;) {
        struct clip_chars line = {0};
        while (at < chars->count) {
            clip_chars_put(&line, chars->at[at]);
            if (chars->at[at++] == '\n')
                break;
        }
        references &= !has(&line, '<');
        fix_line(&line, references);
        for (size_t i = 0; i < line.count; i++)
            clip_chars_put(&by, line.at[i]);
        by.failed |= line.failed;
        clip_chars_clear(&line);
    }
    replace(chars, &by);
}

/* ------------------------------------------------------------------ open_clip */

static void strip(struct clip_chars *chars)
{
    size_t from = 0;
    while (from < chars->count && chars->at[from] == ' ')
        from++;
    while (chars->count > from && chars->at[chars->count - 1] == ' ')
        chars->count--;
    if (from)
        memmove(chars->at, chars->at + from, (chars->count - from) * sizeof *chars->at);
    chars->count -= from;
}

/* What stands on one side of a sigma, marks and the like left out, is a letter with a case. step is
 * 1 or -1; at the text's ends the place is outside of it. */
static bool meets_letter(const struct clip_chars *chars, size_t at, size_t step)
{
    for (at += step; at < chars->count; at += step)
        if (!uc_is_property_case_ignorable(chars->at[at]))
            return uc_is_property_cased(chars->at[at]);
    return false;
}

/* A capital sigma that ends a word (Unicode's Final_Sigma), as Python's str.lower finds it. */
static bool is_last_sigma(const struct clip_chars *chars, size_t at)
{
    return chars->at[at] == 0x3A3 && meets_letter(chars, at, (size_t)-1) &&
           !meets_letter(chars, at, 1);
}

/* Lower case: of each character by itself, as Rust's to_lowercase, or, with sigmas, as Python's
 * str.lower. */
static void lower(struct clip_chars *chars, bool sigmas)
{
    struct clip_chars by = {0};
    for (size_t i = 0; i < chars->count; i++) {
        if (sigmas && is_last_sigma(chars, i)) {
            clip_chars_put(&by, 0x3C2);
        } else if (chars->at[i] == 0x130) { /* I with a dot: the one that becomes two */
            clip_chars_put(&by, 'i');
            clip_chars_put(&by, 0x307);
        } else {
            clip_chars_put(&by, uc_tolower(chars->at[i]));
        }
    }
    replace(chars, &by);
}

void clip_clean(struct clip_chars *chars, enum clip_source source)
{
    if (source == CLIP_TRANSFORMERS) {
        compose(chars);
        join_spaces(chars);
        lower(chars, false);
        return;
    }
    fix_text(chars);
    unescape(chars);
    unescape(chars);
    join_spaces(chars);
    strip(chars);
    lower(chars, true);
}
