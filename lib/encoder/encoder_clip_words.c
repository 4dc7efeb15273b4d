/* Byte-pair encoding (Sennrich et al. 2016) over the bytes of UTF-8, as GPT-2 and CLIP have it
 * (Radford et al. 2019, section 2.2; 2021): a text is cut into pieces by kind of character; in a
 * piece the pair of tokens with the lowest number is joined, wherever it stands, until there is
 * none. */
#include "encoder_clip_words.h"

#include <string.h>
#include <unistr.h>

enum { SYMBOLS = 256, MERGES_FROM = 2 * SYMBOLS };

/* ------------------------------------------------------------------ the merges' symbols
 * A byte is written as a character that can be seen: itself, or one from U+0100 on. */

/* GPT-2's order of bytes: those that can be seen first. */
static void byte_order(uint8_t order[SYMBOLS])
{
    size_t seen = 0, other = 188;
    for (unsigned byte = 0; byte < SYMBOLS; byte++) {
        bool shown = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
        order[shown ? seen++ : other++] = (uint8_t)byte;
    }
}

/* A symbol's text, in the memory of the merges or of the reading. */
struct symbol {
    size_t at, size;
};

/* A reading under way: all symbols' texts, and a table to find their numbers. */
struct reading {
    char *texts;
    size_t used;
    struct symbol *symbols; /* [vocabulary - 2] */
    uint32_t count;
    uint32_t *slots; /* number + 1; 0: empty */
    size_t slot_count;
};

static uint32_t *slot_of(const struct reading *r, const char *text, size_t size)
{
    size_t slot = (size_t)dy_hash64(text, size, 0) & (r->slot_count - 1);
    for (; r->slots[slot]; slot = (slot + 1) & (r->slot_count - 1)) {
        const struct symbol *symbol = &r->symbols[r->slots[slot] - 1];
        if (symbol->size == size && !memcmp(r->texts + symbol->at, text, size))
            break;
    }
    return &r->slots[slot];
}

/* The text at the end of texts becomes the next symbol; false: it is one already. */
static bool add_symbol(struct reading *r, size_t size)
{
    uint32_t *slot = slot_of(r, r->texts + r->used, size);
    if (*slot)
        return false;
    r->symbols[r->count] = (struct symbol){r->used, size};
    r->used += size;
    *slot = ++r->count;
    return true;
}

static void add_bytes(struct reading *r, bool ends)
{
    uint8_t order[SYMBOLS];
    byte_order(order);
    for (unsigned i = 0, other = 256; i < SYMBOLS; i++) {
        uint8_t *to = (uint8_t *)r->texts + r->used;
        int size = u8_uctomb(to, i < 188 ? order[i] : other++, 4);
        if (ends)
            memcpy(to + size, "</w>", 4);
        (void)add_symbol(r, (size_t)size + (ends ? 4 : 0));
    }
}

/* ------------------------------------------------------------------ pairs */

static struct clip_pair *pair_slot(const struct clip_words *words, uint32_t left, uint32_t right)
{
    uint64_t mixed = ((uint64_t)left << 32 | right) * UINT64_C(0x9E3779B97F4A7C15);
    size_t slot = (size_t)(mixed >> 40) & (words->slots - 1);
    while (words->pairs[slot].joined &&
           (words->pairs[slot].left != left || words->pairs[slot].right != right))
        slot = (slot + 1) & (words->slots - 1);
    return &words->pairs[slot];
}

/* One line, "left right" without its end. false: it is none. */
static bool add_merge(struct clip_words *words, struct reading *r, const char *line, size_t size)
{
    const char *space = memchr(line, ' ', size);
    if (!space)
        return false;
    size_t left_size = (size_t)(space - line), right_size = size - left_size - 1;
    uint32_t left = *slot_of(r, line, left_size), right = *slot_of(r, space + 1, right_size);
    if (!left || !right)
        return false;
    memcpy(r->texts + r->used, line, left_size);
    memcpy(r->texts + r->used + left_size, space + 1, right_size);
    struct clip_pair *slot = pair_slot(words, left - 1, right - 1);
    if (slot->joined || !add_symbol(r, left_size + right_size))
        return false;
    *slot = (struct clip_pair){left - 1, right - 1, r->count - 1};
    return true;
}

static enum dylumo_status read_merges(struct clip_words *words, struct reading *r,
                                      const struct clip_file *file, const char *path,
                                      struct dylumo_error *err)
{
    const char *text = file->merges->data;
    const size_t size = file->merges->size, wanted = file->vocabulary - 2 - MERGES_FROM;
    size_t lines = 0;
    add_bytes(r, false);
    add_bytes(r, true);
    for (size_t at = 0; at < size; lines++) {
        const char *end = memchr(text + at, '\n', size - at);
        if (!end || lines == wanted)
            return dy_fail(err, DYLUMO_BAD_FILE,
                           "%s: 'text.merges' has another number of lines than %zu, or a last one "
                           "without its end",
                           path, wanted);
        size_t length = (size_t)(end - text) - at;
        if (!add_merge(words, r, text + at, length))
            return dy_fail(err, DYLUMO_BAD_FILE,
                           "%s: line %zu of 'text.merges' is not two earlier symbols with a new "
                           "sum",
                           path, lines + 1);
        at += length + 1;
    }
    return lines == wanted
               ? DYLUMO_OK
               : dy_fail(err, DYLUMO_BAD_FILE, "%s: 'text.merges' has %zu lines, expected %zu",
                         path, lines, wanted);
}

static size_t table_size(size_t count)
{
    size_t size = 1024;
    while (size < 2 * count)
        size *= 2;
    return size;
}

enum dylumo_status clip_words_init(struct clip_words *words, const struct clip_file *file,
                                   const char *path, struct dylumo_error *err)
{
    if (file->vocabulary < MERGES_FROM + 2)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: 'text.tokens' has %u rows, expected %d or more",
                       path, file->vocabulary, MERGES_FROM + 2);
    if (file->text.tokens < 2)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: \"text.context\" is 1, expected 2 or more", path);
    words->source = file->source;
    words->begin = file->vocabulary - 2;
    words->end = file->vocabulary - 1;
    words->slots = table_size(file->vocabulary);
    words->pairs = dy_new_array(words->slots, sizeof *words->pairs);
    struct reading r = {.slot_count = words->slots};
    r.slots = dy_new_array(r.slot_count, sizeof *r.slots);
    r.symbols = dy_new_array(file->vocabulary, sizeof *r.symbols);
    r.texts = dy_new_array(file->merges->size + (size_t)2 * SYMBOLS * 8, 1);
    enum dylumo_status st =
        words->pairs && r.slots && r.symbols && r.texts
            ? read_merges(words, &r, file, path, err)
            : dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for the vocabulary", path);
    dy_free(r.slots);
    dy_free(r.symbols);
    dy_free(r.texts);
    return st;
}

void clip_words_clear(struct clip_words *words)
{
    dy_free(words->pairs);
    *words = (struct clip_words){0};
}

/* ------------------------------------------------------------------ byte pairs */

/* Tokens that grow to a limit; one piece's are joined in place. */
struct spelling {
    const struct clip_words *words;
    uint32_t *tokens;        /* [room] of all pieces, then of the one under way */
    uint32_t *joined;        /* [room] what a token and the next become; UINT32_MAX: nothing */
    size_t count;            /* of the pieces before */
    size_t most;             /* more are not needed */
    uint8_t symbol[SYMBOLS]; /* token of a byte */
};

static uint32_t joined_of(const struct clip_words *words, uint32_t left, uint32_t right)
{
    uint32_t joined = pair_slot(words, left, right)->joined;
    return joined ? joined : UINT32_MAX;
}

/* Joins every pair of tokens [count] that becomes `lowest`; returns how many tokens are left. */
static size_t join_pairs(const struct clip_words *words, uint32_t *tokens, uint32_t *joined,
                         size_t count, uint32_t lowest)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; kept++) {
        bool pair = i + 1 < count && joined[i] == lowest;
        tokens[kept] = pair ? lowest : tokens[i];
        joined[kept] = joined[i + pair];
        bool changed = kept && (tokens[kept] == lowest || tokens[kept - 1] == lowest);
        if (changed)
            joined[kept - 1] = joined_of(words, tokens[kept - 1], tokens[kept]);
        i += pair ? 2 : 1;
    }
    return kept;
}

/* The piece of `count` bytes, as tokens at the end of the others. */
static void join_piece(struct spelling *spelling, size_t count)
{
    uint32_t *tokens = spelling->tokens + spelling->count;
    uint32_t *joined = spelling->joined + spelling->count;
    for (size_t i = 0; i + 1 < count; i++)
        joined[i] = joined_of(spelling->words, tokens[i], tokens[i + 1]);
    while (count > 1) {
        uint32_t lowest = UINT32_MAX;
        for (size_t i = 0; i + 1 < count; i++)
            lowest = joined[i] < lowest ? joined[i] : lowest;
        if (lowest == UINT32_MAX)
            break;
        count = join_pairs(spelling->words, tokens, joined, count, lowest);
    }
    spelling->count += count;
}

static void spell_piece(struct spelling *spelling, const uint32_t *chars, size_t count)
{
    uint32_t *tokens = spelling->tokens + spelling->count;
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t utf8[4];
        int size = u8_uctomb(utf8, chars[i], sizeof utf8);
        for (int b = 0; b < size; b++)
            tokens[bytes++] = spelling->symbol[utf8[b]];
    }
    tokens[bytes - 1] += SYMBOLS; /* the same at a word's end */
    join_piece(spelling, bytes);
}

/* ------------------------------------------------------------------ pieces */

/* Characters of `word` that the text begins with, all or none. */
static size_t begins_with(const uint32_t *chars, size_t count, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i < length; i++)
        if (i >= count || chars[i] != (unsigned char)word[i])
            return 0;
    return length;
}

static size_t run_of(const uint32_t *chars, size_t count, bool letters)
{
    size_t length = 0;
    while (length < count) {
        uint32_t c = chars[length];
        bool letter = clip_is_letter(c);
        if (letters ? !letter : letter || clip_is_number(c) || clip_is_space(c))
            break;
        length++;
    }
    return length;
}

/* The next piece's characters; 0: a space, which belongs to none. The pattern of CLIP's tokenizers:
 * 's|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+ (transformers' has its marks in it too,
 * and then takes what they match apart by the rest of the pattern). */
static size_t piece_of(const uint32_t *chars, size_t count, enum clip_source source)
{
    static const char *const endings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    size_t length = 0;
    for (size_t i = 0; !length && i < DY_COUNT(endings); i++)
        length = begins_with(chars, count, endings[i]);
    /* open_clip's pattern takes no notice of case: a long s is an s */
    if (!length && source != CLIP_TRANSFORMERS && count > 1 && chars[0] == '\'' &&
        chars[1] == 0x17F)
        length = 2;
    if (!length && clip_is_number(*chars))
        length = 1;
    if (!length)
        length = run_of(chars, count, true);
    return length ? length : run_of(chars, count, false);
}

/* Marks of a text's ends that are in it: the token, and characters in *length; 0: none. */
static uint32_t mark_of(const struct clip_words *words, const uint32_t *chars, size_t count,
                        size_t *length)
{
    bool ours = words->source == CLIP_TRANSFORMERS;
    if ((*length = begins_with(chars, count, ours ? "<|startoftext|>" : "<start_of_text>")))
        return words->begin;
    if ((*length = begins_with(chars, count, ours ? "<|endoftext|>" : "<end_of_text>")))
        return words->end;
    return 0;
}

/* Clean text without transformers' marks. */
static void spell_clean(struct spelling *spelling, const struct clip_chars *text)
{
    for (size_t at = 0, length; at < text->count && spelling->count < spelling->most;
         at += length) {
        const uint32_t *chars = text->at + at;
        const size_t left = text->count - at;
        uint32_t mark = spelling->words->source == CLIP_TRANSFORMERS
                            ? 0
                            : mark_of(spelling->words, chars, left, &length);
        if (mark)
            spelling->tokens[spelling->count++] = mark;
        else if ((length = piece_of(chars, left, spelling->words->source)))
            spell_piece(spelling, chars, length);
        else
            length = 1;
    }
}

static size_t bytes_of(const struct clip_chars *text)
{
    size_t bytes = 0;
    for (size_t i = 0; i < text->count; i++)
        bytes += text->at[i] < 0x80 ? 1 : text->at[i] < 0x800 ? 2 : text->at[i] < 0x10000 ? 3 : 4;
    return bytes;
}

static bool make_room(struct spelling *spelling, const struct clip_chars *text)
{
    size_t room = spelling->count + bytes_of(text) + 1;
    uint32_t *tokens = dy_mem_realloc(spelling->tokens, room * sizeof *tokens);
    if (!tokens)
        return false;
    spelling->tokens = tokens;
    uint32_t *joined = dy_mem_realloc(spelling->joined, room * sizeof *joined);
    if (!joined)
        return false;
    spelling->joined = joined;
    return true;
}

/* A part of the text between two marks: cleaned and spelled. */
static bool spell_part(struct spelling *spelling, const uint32_t *chars, size_t count)
{
    struct clip_chars part = {0};
    for (size_t i = 0; i < count; i++)
        clip_chars_put(&part, chars[i]);
    clip_clean(&part, spelling->words->source);
    bool good = !part.failed && make_room(spelling, &part);
    if (good)
        spell_clean(spelling, &part);
    clip_chars_clear(&part);
    return good;
}

/* transformers finds marks before it cleans, and cleans what lies between them part by part. */
static bool spell_all(struct spelling *spelling, const struct clip_chars *text)
{
    size_t from = 0, length = 0;
    const bool marked = spelling->words->source == CLIP_TRANSFORMERS;
    for (size_t at = 0; marked && at < text->count; at += length ? length : 1) {
        uint32_t mark = mark_of(spelling->words, text->at + at, text->count - at, &length);
        if (!mark)
            continue;
        if (!spell_part(spelling, text->at + from, at - from))
            return false;
        spelling->tokens[spelling->count++] = mark;
        from = at + length;
    }
    return spell_part(spelling, text->at + from, text->count - from);
}

enum dylumo_status clip_words_read(const struct clip_words *words, const char *text, size_t size,
                                   unsigned context, uint32_t *tokens, unsigned *count,
                                   struct dylumo_error *err)
{
    if (size > CLIP_TEXT_MAX)
        return dy_fail(err, DYLUMO_TOO_LARGE, "a text of %zu bytes, at most %d are read", size,
                       CLIP_TEXT_MAX);
    struct clip_chars chars = {0};
    struct spelling spelling = {.words = words, .most = context};
    uint8_t order[SYMBOLS];
    byte_order(order);
    for (unsigned i = 0; i < SYMBOLS; i++)
        spelling.symbol[order[i]] = (uint8_t)i;
    clip_chars_read(&chars, text, size);
    bool good = !chars.failed && spell_all(&spelling, &chars);
    if (good) {
        size_t kept = spelling.count + 2 <= context ? spelling.count : context - 2;
        tokens[0] = words->begin;
        memcpy(tokens + 1, spelling.tokens, kept * sizeof *tokens);
        tokens[kept + 1] = words->end;
        *count = (unsigned)kept + 2;
    }
    clip_chars_clear(&chars);
    dy_free(spelling.tokens);
    dy_free(spelling.joined);
    return good ? DYLUMO_OK : dy_fail(err, DYLUMO_NO_MEMORY, "no memory for a text's tokens");
}
