/* The look-up of words (docs/formats/songs.md, sections 257 and 258): the texts are cut into words
 * once, each word is numbered by a hash table, and the numbers are kept in the order they came. So
 * the size of every word's list is known before the words are sorted, and a second walk through the
 * numbers writes each list in its place. */
#include "import_words.h"

#include <stdlib.h>
#include <string.h>

#define NEW_TEXT UINT32_C(0x80000000) /* of a token: the text's first word */
#define WORDS_MAX (NEW_TEXT - 1)
#define NO_WORD WORDS_MAX /* the token of a text without words */

struct word {
    uint32_t at, size; /* in bytes */
    uint32_t last;     /* text + 1 that held it last; 0: none */
    uint32_t list;     /* bytes of its list, then where the list's next byte goes */
};

struct builder {
    char *bytes; /* of the words, as they first came */
    struct word *words;
    uint32_t *tokens; /* the words of all texts, each word once a text */
    uint64_t *slots;  /* hash's upper half, word + 1; 0: free */
    size_t used, word_count, token_count, slot_count;
    size_t byte_room, word_room, token_room;
    uint64_t list_bytes;
    bool too_much; /* for 32 bits */
};

static uint32_t varint_size(uint32_t gap)
{
    uint32_t size = 1;
    for (; gap >= 0x80; gap >>= 7)
        size++;
    return size;
}

/* ------------------------------------------------------------------ numbering */

static bool grow_slots(struct builder *builder)
{
    size_t count = builder->slot_count ? builder->slot_count * 2 : 4096;
    uint64_t *slots = dy_new_array(count, sizeof *slots);
    if (!slots)
        return false;
    for (size_t w = 0; w < builder->word_count; w++) {
        const struct word *word = &builder->words[w];
        uint64_t hash = dy_hash64(builder->bytes + word->at, word->size, 0);
        size_t at = hash & (count - 1);
        while (slots[at])
            at = (at + 1) & (count - 1);
        slots[at] = (hash & 0xFFFFFFFF00000000) | (w + 1);
    }
    dy_free(builder->slots);
    builder->slots = slots;
    builder->slot_count = count;
    return true;
}

static bool add_word(struct builder *builder, const char *bytes, size_t size)
{
    builder->too_much = builder->word_count + 1 >= WORDS_MAX || builder->used + size > UINT32_MAX;
    if (builder->too_much ||
        !dy_grow(&builder->words, &builder->word_room, builder->word_count + 1,
                 sizeof *builder->words) ||
        !dy_grow(&builder->bytes, &builder->byte_room, builder->used + size, 1))
        return false;
    builder->words[builder->word_count++] =
        (struct word){.at = (uint32_t)builder->used, .size = (uint32_t)size};
    memcpy(builder->bytes + builder->used, bytes, size);
    builder->used += size;
    return true;
}

/* The word's number, new or known. */
static bool number_word(struct builder *builder, const char *bytes, size_t size, uint32_t *number)
{
    if (2 * builder->word_count >= builder->slot_count && !grow_slots(builder))
        return false;
    uint64_t hash = dy_hash64(bytes, size, 0);
    size_t at = hash & (builder->slot_count - 1);
    for (; builder->slots[at]; at = (at + 1) & (builder->slot_count - 1)) {
        if ((builder->slots[at] ^ hash) >> 32)
            continue;
        *number = (uint32_t)builder->slots[at] - 1;
        const struct word *word = &builder->words[*number];
        if (word->size == size && !memcmp(builder->bytes + word->at, bytes, size))
            return true;
    }
    if (!add_word(builder, bytes, size))
        return false;
    *number = (uint32_t)builder->word_count - 1;
    builder->slots[at] = (hash & 0xFFFFFFFF00000000) | builder->word_count;
    return true;
}

/* text: its number + 1. */
static void add_to_list(struct builder *builder, uint32_t number, uint32_t text)
{
    struct word *word = &builder->words[number];
    uint32_t size = varint_size(text - word->last - 1);
    word->last = text;
    word->list += size;
    builder->list_bytes += size;
}

static bool read_text(struct builder *builder, uint32_t text, struct dy_text folded)
{
    const char *at = folded.bytes, *end = at + folded.size;
    size_t first = builder->token_count;
    if (!dy_grow(&builder->tokens, &builder->token_room, first + folded.size / 2 + 2,
                 sizeof *builder->tokens))
        return false;
    while (at < end) {
        const char *from = at;
        while (at < end && *at != ' ')
            at++;
        uint32_t number;
        if (at > from && !number_word(builder, from, (size_t)(at - from), &number))
            return false;
        if (at > from && builder->words[number].last != text) {
            add_to_list(builder, number, text);
            builder->tokens[builder->token_count++] = number;
        }
        at++;
    }
    if (builder->token_count == first)
        builder->tokens[builder->token_count++] = NO_WORD;
    builder->tokens[first] |= NEW_TEXT;
    return true;
}

/* ------------------------------------------------------------------ sorting */

/* Words by their first eight bytes, which tell nearly all apart. */
struct place {
    uint64_t first;
    const char *bytes;
    uint32_t size, word;
};

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    int order = memcmp(x->bytes, y->bytes, x->size < y->size ? x->size : y->size);
    return order ? order : (x->size > y->size) - (x->size < y->size);
}

static struct place *sort_words(const struct builder *builder)
{
    struct place *places = dy_new_array(builder->word_count + 1, sizeof *places);
    for (size_t w = 0; places && w < builder->word_count; w++) {
        const struct word *word = &builder->words[w];
        const char *bytes = builder->bytes + word->at;
        uint64_t first = 0;
        for (unsigned i = 0; i < 8; i++)
            first = first << 8 | (i < word->size ? (unsigned char)bytes[i] : 0);
        places[w] = (struct place){first, bytes, word->size, (uint32_t)w};
    }
    if (places)
        qsort(places, builder->word_count, sizeof *places, compare_places);
    return places;
}

/* ------------------------------------------------------------------ writing */

static uint8_t *put_varint(uint8_t *at, uint32_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

/* The lists, once every word's `list` says where its own begins. */
static void write_lists(struct builder *builder, uint8_t *lists)
{
    uint32_t text = 0; /* + 1 */
    for (size_t w = 0; w < builder->word_count; w++)
        builder->words[w].last = 0;
    for (size_t t = 0; t < builder->token_count; t++) {
        uint32_t token = builder->tokens[t] & ~NEW_TEXT;
        text += builder->tokens[t] >> 31;
        if (token == NO_WORD)
            continue;
        struct word *word = &builder->words[token];
        word->list = (uint32_t)(put_varint(lists + word->list, text - word->last - 1) - lists);
        word->last = text;
    }
}

static bool write_all(struct builder *builder, size_t count, struct import_words *out)
{
    size_t words = builder->word_count, offsets = 2 * (words + 1) * sizeof(uint32_t);
    size_t head = IMPORT_WORDS_HEADER + offsets;
    struct place *places = sort_words(builder);
    out->size = head + builder->used + (size_t)builder->list_bytes;
    out->bytes = dy_mem_aligned(out->size);
    if (!places || !out->bytes) {
        dy_free(places);
        return false;
    }
    const uint32_t version[2] = {1, 0};
    const uint64_t sizes[7] = {words, count, builder->used, builder->list_bytes};
    memcpy(out->bytes, version, sizeof version);
    memcpy(out->bytes + sizeof version, sizes, sizeof sizes);
    uint32_t *word_at = (uint32_t *)(void *)(out->bytes + IMPORT_WORDS_HEADER);
    uint32_t *list_at = word_at + words + 1, used = 0, list = 0;
    for (size_t p = 0; p < words; p++) {
        struct word *word = &builder->words[places[p].word];
        word_at[p] = used;
        list_at[p] = list;
        memcpy(out->bytes + head + used, places[p].bytes, places[p].size);
        used += word->size;
        uint32_t size = word->list;
        word->list = list;
        list += size;
    }
    word_at[words] = used;
    list_at[words] = list;
    write_lists(builder, out->bytes + head + used);
    dy_free(places);
    return true;
}

/* ------------------------------------------------------------------ texts */

bool import_words_make(struct import_words *out, size_t count, import_words_text *text, void *user)
{
    struct builder builder = {0};
    *out = (struct import_words){0};
    bool good = true;
    for (size_t i = 0; good && i < count; i++) {
        struct dy_text folded = {"", 0};
        good = text(user, i, &folded) && read_text(&builder, (uint32_t)i + 1, folded);
    }
    if (builder.too_much || builder.list_bytes > UINT32_MAX)
        good = true; /* without look-up */
    else if (good)
        good = write_all(&builder, count, out);
    dy_free(builder.bytes);
    dy_free(builder.words);
    dy_free(builder.tokens);
    dy_free(builder.slots);
    if (!good)
        import_words_clear(out);
    return good;
}

void import_words_clear(struct import_words *words)
{
    dy_free(words->bytes);
    *words = (struct import_words){0};
}

/* ------------------------------------------------------------------ of a catalogue */

struct titles {
    const struct import_texts *titles, *folded;
    uint32_t *folded_of; /* [titles->count] text of folded + 1; 0: the title is ASCII */
    char *room;
    size_t room_size;
};

static bool folded_title(void *user, size_t i, struct dy_text *out)
{
    struct titles *titles = user;
    if (titles->folded_of[i]) {
        *out = import_texts_at(titles->folded, titles->folded_of[i] - 1);
        return true;
    }
    struct dy_text title = import_texts_at(titles->titles, i);
    if (!dy_grow(&titles->room, &titles->room_size, title.size + 1, 1))
        return false;
    out->bytes = titles->room;
    (void)dy_text_fold_ascii(title.bytes, title.size, titles->room, &out->size);
    return true;
}

bool import_words_of_titles(struct import_words *out, const struct import_texts *titles,
                            const struct import_table *table, const uint32_t *order)
{
    struct titles source = {.titles = titles, .folded = &table->folded};
    uint32_t *of_row = dy_new_array(table->count + 1, sizeof *of_row);
    source.folded_of = dy_new_array(titles->count + 1, sizeof *source.folded_of);
    bool good = of_row && source.folded_of;
    for (size_t f = 0; good && f < table->folded.count; f++)
        of_row[table->folded_rows[f]] = (uint32_t)f + 1;
    for (size_t i = 0; good && i < titles->count; i++)
        source.folded_of[i] = of_row[order[i]];
    dy_free(of_row);
    good = good && import_words_make(out, titles->count, folded_title, &source);
    dy_free(source.folded_of);
    dy_free(source.room);
    return good;
}

static bool name_of_group(void *user, size_t i, struct dy_text *out)
{
    *out = import_texts_at(user, i);
    return true;
}

bool import_words_of_groups(struct import_words *out, struct import_texts *groups)
{
    return import_words_make(out, groups->count, name_of_group, groups);
}
