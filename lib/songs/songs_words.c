/* The look-up of words: words in the order of their bytes, found by halving, and for each the
 * rising numbers of the texts that hold it, as gaps in bytes of 7 bits. Several words are met by
 * masks: the texts of each are marked among those marked before.
 *
 * Nothing in it is trusted: broken offsets and gaps end a list early, so that answers may lack
 * songs but nothing outside is touched. */
#include "songs_words.h"

#include <string.h>

_Static_assert(sizeof(struct songs_words_header) == 64, "as the file has it");

/* ------------------------------------------------------------------ from bytes */

static enum dylumo_status check_header(const struct songs_words_header *header, size_t size,
                                       size_t texts, const char *name, struct dylumo_error *err)
{
    if (header->version != WORDS_VERSION)
        return dy_fail(err, DYLUMO_UNSUPPORTED,
                       "%s: its look-up of words has version %u, expected %d", name,
                       (unsigned)header->version, WORDS_VERSION);
    uint64_t left = size - sizeof *header;
    bool fits = header->words < left / 8 && header->texts == texts;
    if (fits)
        left -= 8 * (header->words + 1);
    fits = fits && header->bytes <= left && header->bytes <= UINT32_MAX;
    fits = fits && header->postings_bytes == left - header->bytes;
    fits = fits && header->postings_bytes <= UINT32_MAX;
    return fits ? DYLUMO_OK
                : dy_fail(err, DYLUMO_BAD_FILE,
                          "%s: broken songs file: sizes of the look-up of words", name);
}

enum dylumo_status songs_words_open(struct songs_words *words, const struct dy_songs_file *file,
                                    uint32_t type, const char *name, struct dylumo_error *err)
{
    *words = (struct songs_words){0};
    const struct dy_songs_section_info *section = dy_songs_file_section(file, type);
    if (!section)
        return DYLUMO_OK;
    struct songs_words_header header;
    if (section->size < sizeof header)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: broken songs file: the look-up of words ends",
                       name);
    memcpy(&header, section->data, sizeof header);
    size_t texts = type == DY_SONGS_TITLE_WORDS ? file->count : file->groups.count;
    enum dylumo_status st = check_header(&header, section->size, texts, name, err);
    if (st)
        return st;
    const uint8_t *data = (const uint8_t *)section->data + sizeof header;
    words->present = true;
    words->words = (size_t)header.words;
    words->texts = texts;
    words->word_at = (const uint32_t *)(const void *)data;
    words->postings_at = words->word_at + words->words + 1;
    words->bytes = (const char *)(words->postings_at + words->words + 1);
    words->size = (size_t)header.bytes;
    words->postings = (const uint8_t *)words->bytes + words->size;
    words->postings_size = (size_t)header.postings_bytes;
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ look-up */

/* Word i; empty for broken offsets. */
static struct dy_text word_of(const struct songs_words *words, size_t i)
{
    struct dy_text none = {"", 0};
    uint32_t from = words->word_at[i], to = words->word_at[i + 1];
    if (from > to || to > words->size)
        return none;
    struct dy_text word = {words->bytes + from, to - from};
    return word;
}

/* -1, 0, 1 as the bytes of a stand before b's. */
static int compare_words(struct dy_text a, struct dy_text b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.bytes, b.bytes, common) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static bool find_word(const struct songs_words *words, struct dy_text wanted, size_t *word)
{
    size_t low = 0, high = words->words;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_words(word_of(words, middle), wanted);
        if (order == 0) {
            *word = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

struct songs_postings songs_words_postings(const struct songs_words *words, size_t word)
{
    struct songs_postings postings = {.texts = words->texts};
    uint32_t from = words->postings_at[word], to = words->postings_at[word + 1];
    if (from > to || to > words->postings_size)
        return postings;
    postings.at = words->postings + from;
    postings.end = words->postings + to;
    return postings;
}

bool songs_words_can(const struct songs_words *words, const char *wanted)
{
    if (!words->present || !*wanted)
        return false;
    for (const char *at = wanted; *at; at++)
        if (*at == ' ' && (at == wanted || at[1] == ' ' || !at[1]))
            return false;
    return true;
}

/* ------------------------------------------------------------------ marking */

static void mark_word(const struct songs_words *words, struct dy_text wanted,
                      const uint64_t *within, uint64_t *out)
{
    size_t word, text;
    if (!find_word(words, wanted, &word))
        return;
    struct songs_postings postings = songs_words_postings(words, word);
    while (songs_postings_next(&postings, &text)) {
        uint64_t bit = UINT64_C(1) << (text % 64);
        out[text / 64] |= within ? within[text / 64] & bit : bit;
    }
}

bool songs_words_mark(const struct songs_words *words, const char *wanted, const uint64_t *within,
                      uint64_t *out)
{
    size_t mask_words = (words->texts + 63) / 64;
    uint64_t *made = NULL; /* the texts that hold all words before this one */
    const char *at = wanted;
    for (;;) {
        size_t size = strcspn(at, " ");
        struct dy_text word = {at, size};
        if (!at[size])
            break;
        uint64_t *next = dy_new_array(mask_words + 1, sizeof *next);
        if (next)
            mark_word(words, word, made ? made : within, next);
        dy_free(made);
        made = next;
        if (!made)
            return false;
        at += size + 1;
    }
    struct dy_text last = {at, strlen(at)};
    mark_word(words, last, made ? made : within, out);
    dy_free(made);
    return true;
}

/* ------------------------------------------------------------------ verifying */

#define NO_TEXT SIZE_MAX

/* Where the walk through a word's texts is. */
struct cursor {
    struct songs_postings left;
    size_t next, last; /* the text that must come next, the one that came last; or NO_TEXT */
};

/* The texts read once more, in order: every word's list must name each of its texts just when it
 * comes, and be at its end after the last. */
struct replay {
    const struct songs_words *words;
    struct cursor *cursors; /* [words] */
    const char *name;
    struct dylumo_error *err;
};

static enum dylumo_status broken(const struct replay *replay, const char *what, size_t number)
{
    return dy_fail(replay->err, DYLUMO_BAD_FILE, "%s: broken songs file: look-up of words, %s %zu",
                   replay->name, what, number);
}

static void step(struct cursor *cursor)
{
    cursor->last = cursor->next;
    if (!songs_postings_next(&cursor->left, &cursor->next))
        cursor->next = NO_TEXT;
}

static enum dylumo_status replay_text(struct replay *replay, size_t number, struct dy_text folded)
{
    const char *end = folded.bytes + folded.size;
    for (const char *at = folded.bytes; at < end;) {
        const char *blank = memchr(at, ' ', (size_t)(end - at));
        struct dy_text wanted = {at, (size_t)((blank ? blank : end) - at)};
        at = blank ? blank + 1 : end;
        size_t word;
        if (wanted.size == 0)
            continue;
        if (!find_word(replay->words, wanted, &word))
            return broken(replay, "a word is missing of text", number);
        struct cursor *cursor = &replay->cursors[word];
        if (cursor->next == number)
            step(cursor);
        else if (cursor->last != number)
            return broken(replay, "a word does not lead to text", number);
    }
    return DYLUMO_OK;
}

static enum dylumo_status begin_replay(struct replay *replay)
{
    const struct songs_words *words = replay->words;
    size_t count = words->words;
    if (words->word_at[0] || words->postings_at[0] || words->word_at[count] != words->size ||
        words->postings_at[count] != words->postings_size)
        return broken(replay, "the offsets of words, which are", count);
    replay->cursors = dy_new_array(count + 1, sizeof *replay->cursors);
    if (!replay->cursors)
        return dy_fail(replay->err, DYLUMO_NO_MEMORY, "%s: no memory to check %zu words",
                       replay->name, count);
    for (size_t w = 0; w < count; w++) {
        struct dy_text word = word_of(words, w);
        struct cursor *cursor = &replay->cursors[w];
        *cursor = (struct cursor){songs_words_postings(words, w), NO_TEXT, NO_TEXT};
        step(cursor);
        if (!word.size || memchr(word.bytes, ' ', word.size) || cursor->next == NO_TEXT)
            return broken(replay, "word", w);
        if (w > 0 && compare_words(word_of(words, w - 1), word) >= 0)
            return broken(replay, "the order of word", w);
    }
    return DYLUMO_OK;
}

static enum dylumo_status end_replay(const struct replay *replay)
{
    for (size_t w = 0; w < replay->words->words; w++)
        if (replay->cursors[w].next != NO_TEXT || replay->cursors[w].left.texts == 0)
            return broken(replay, "too many texts of word", w);
    return DYLUMO_OK;
}

/* The folded titles, from the file's or, of ASCII alone, made here in room. */
static enum dylumo_status replay_titles(struct replay *replay, const struct dy_songs_file *file)
{
    enum dylumo_status st = DYLUMO_OK;
    char *room = NULL;
    size_t room_size = 0, f = 0;
    for (size_t i = 0; !st && i < file->count; i++) {
        struct dy_text title = dy_text_table_at(&file->titles, i), folded = {"", 0};
        if (!dy_grow(&room, &room_size, title.size + 1, 1)) {
            st = dy_fail(replay->err, DYLUMO_NO_MEMORY, "%s: no memory to check words",
                         replay->name);
            break;
        }
        if (f < file->folded.count && file->folded_songs[f] == i) {
            folded = dy_text_table_at(&file->folded, f++);
        } else {
            folded.bytes = room;
            (void)dy_text_fold_ascii(title.bytes, title.size, room, &folded.size);
        }
        st = replay_text(replay, i, folded);
    }
    dy_free(room);
    return st;
}

static enum dylumo_status replay_groups(struct replay *replay, const struct dy_songs_file *file)
{
    enum dylumo_status st = DYLUMO_OK;
    for (size_t g = 0; !st && g < file->groups.count; g++)
        st = replay_text(replay, g, dy_text_table_at(&file->groups, g));
    return st;
}

enum dylumo_status songs_words_check(const struct songs_words *words,
                                     const struct dy_songs_file *file, bool titles,
                                     const char *name, struct dylumo_error *err)
{
    if (!words->present)
        return DYLUMO_OK;
    struct replay replay = {.words = words, .name = name, .err = err};
    enum dylumo_status st = begin_replay(&replay);
    if (!st)
        st = titles ? replay_titles(&replay, file) : replay_groups(&replay, file);
    if (!st)
        st = end_replay(&replay);
    dy_free(replay.cursors);
    return st;
}
