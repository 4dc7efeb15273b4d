/* Words in titles. Titles of ASCII alone are searched as they lie in the file, all in one pass for
 * the longest word with case off, since their folding changes case and signs alone; the others have
 * their folded form in the file. Where few songs are left to ask, each is asked by itself. */
#include "songs_filter.h"

#include <immintrin.h>
#include <string.h>

/* Below this share of songs (as a divisor) asking one by one is faster. */
#define FEW 24
#define STACK_TITLE 512

/* ------------------------------------------------------------------ one text */

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (unsigned char)c >= 0x80;
}

static bool has_word(struct dy_text folded, const char *word, size_t size)
{
    const char *end = folded.bytes + folded.size;
    for (const char *at = folded.bytes; at && size <= (size_t)(end - at);) {
        at = memmem(at, (size_t)(end - at), word, size);
        if (!at)
            return false;
        bool begins = at == folded.bytes || at[-1] == ' ';
        if (begins && (at + size == end || at[size] == ' '))
            return true;
        at++;
    }
    return false;
}

bool songs_has_words(struct dy_text folded, const char *words)
{
    while (*words) {
        size_t size = strcspn(words, " ");
        /* text of signs alone is folded as it stands: blanks may follow each other */
        if (size > 0 && !has_word(folded, words, size))
            return false;
        words += size + (words[size] == ' ');
    }
    return true;
}

/* A search for one value in titles. */
struct search {
    const struct dy_songs *songs;
    const char *words;
    bool equal;
    const char *longest; /* of the words */
    size_t longest_size;
    const uint64_t *within;
    uint64_t *out;
};

static bool folded_passes(const struct search *search, struct dy_text folded)
{
    if (!search->equal)
        return songs_has_words(folded, search->words);
    return folded.size == strlen(search->words) &&
           !memcmp(folded.bytes, search->words, folded.size);
}

/* false: no memory. Titles beyond ASCII pass none: their folded forms are asked elsewhere. */
static bool ask_title(const struct search *search, size_t song)
{
    struct dy_text title = dy_text_table_at(&search->songs->file.titles, song);
    char room[STACK_TITLE], *text = title.size <= sizeof room ? room : dy_new_array(title.size, 1);
    struct dy_text folded = {text, 0};
    if (!text)
        return false;
    if (dy_text_fold_ascii(title.bytes, title.size, text, &folded.size) &&
        folded_passes(search, folded))
        search->out[song / 64] |= UINT64_C(1) << (song % 64);
    if (text != room)
        dy_free(text);
    return true;
}

static bool may_pass(const struct search *search, size_t song)
{
    return search->within[song / 64] >> (song % 64) & 1;
}

/* ------------------------------------------------------------------ all titles */

/* Positions 0 to 31 of text where two given bytes stand side by side, case off (bit 5). */
typedef uint32_t pair_function(const char *text, char first, char second);

static uint32_t pair_plain(const char *text, char first, char second)
{
    uint32_t hits = 0;
    for (unsigned i = 0; i < 32; i++)
        hits |= (uint32_t)((text[i] | 0x20) == first && (text[i + 1] | 0x20) == second) << i;
    return hits;
}

__attribute__((target("avx2"))) static uint32_t pair_avx2(const char *text, char first, char second)
{
    __m256i low = _mm256_set1_epi8(0x20);
    __m256i a = _mm256_or_si256(_mm256_loadu_si256((const __m256i *)(const void *)text), low);
    __m256i b = _mm256_or_si256(_mm256_loadu_si256((const __m256i *)(const void *)(text + 1)), low);
    __m256i hits = _mm256_and_si256(_mm256_cmpeq_epi8(a, _mm256_set1_epi8(first)),
                                    _mm256_cmpeq_epi8(b, _mm256_set1_epi8(second)));
    return (uint32_t)_mm256_movemask_epi8(hits);
}

/* Whether the longest word stands at `at` of all titles' bytes as a whole word, case off. What ends
 * a title may be followed by the next one's letters: only the song itself can tell. */
static bool word_at(const struct search *search, const char *bytes, size_t at)
{
    for (size_t i = 0; i < search->longest_size; i++) {
        char c = bytes[at + i];
        c = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
        if (c != search->longest[i])
            return false;
    }
    return true;
}

/* Calls found for each text of a table in which the longest word stands, perhaps several times for
 * one; false as soon as it is. Offsets are followed with care: a damaged file's may go anywhere. */
static bool scan_texts(const struct search *search, const struct dy_text_table *texts,
                       bool (*found)(const struct search *, size_t index))
{
    pair_function *pair = search->songs->cpu.avx2 ? pair_avx2 : pair_plain;
    const char first = search->longest[0] | 0x20, second = search->longest[1] | 0x20;
    size_t index = 0, size = search->longest_size;
    for (size_t block = 0; block < texts->size; block += 32) {
        bool whole = texts->size - block > 32;
        uint32_t hits = whole ? pair(texts->bytes + block, first, second) : UINT32_MAX;
        for (; hits; hits &= hits - 1) {
            size_t at = block + (unsigned)__builtin_ctz(hits);
            if (at + size > texts->size || !word_at(search, texts->bytes, at))
                continue;
            while (index + 1 < texts->count && texts->offsets[index + 1] <= at)
                index++;
            if (index < texts->count && !found(search, index))
                return false;
        }
    }
    return true;
}

static bool found_title(const struct search *search, size_t song)
{
    return !may_pass(search, song) || ask_title(search, song);
}

static bool found_folded(const struct search *search, size_t index)
{
    const struct dy_songs_file *file = &search->songs->file;
    uint32_t song = file->folded_songs[index];
    if (song < file->count && may_pass(search, song) &&
        folded_passes(search, dy_text_table_at(&file->folded, index)))
        search->out[song / 64] |= UINT64_C(1) << (song % 64);
    return true;
}

static bool ask_each(const struct search *search)
{
    for (size_t word = 0; word < songs_mask_words(search->songs); word++)
        for (uint64_t left = search->within[word]; left; left &= left - 1)
            if (!ask_title(search, word * 64 + (unsigned)__builtin_ctzll(left)))
                return false;
    return true;
}

static void ask_folded(const struct search *search)
{
    for (size_t index = 0; index < search->songs->file.folded.count; index++)
        (void)found_folded(search, index);
}

static void find_longest(struct search *search)
{
    for (const char *at = search->words; *at;) {
        size_t size = strcspn(at, " ");
        if (size > search->longest_size) {
            search->longest = at;
            search->longest_size = size;
        }
        at += size + (at[size] == ' ');
    }
}

bool songs_filter_titles(const struct dy_songs *songs, const char *words, bool equal,
                         const uint64_t *within, uint64_t *out)
{
    struct search search = {
        .songs = songs, .words = words, .equal = equal, .within = within, .out = out};
    size_t left = 0;
    bool ascii = true, plain = true; /* plain: letters and digits alone, which the scan knows */
    for (size_t w = 0; w < songs_mask_words(songs); w++)
        left += (size_t)__builtin_popcountll(within[w]);
    find_longest(&search);
    for (size_t i = 0; words[i]; i++)
        ascii &= (unsigned char)words[i] < 0x80;
    for (size_t i = 0; i < search.longest_size; i++)
        plain &= is_word(search.longest[i]);
    bool scan = search.longest_size >= 2 && plain && ascii;
    if (scan)
        (void)scan_texts(&search, &songs->file.folded, found_folded);
    else
        ask_folded(&search);
    if (!ascii) /* no other title can hold them */
        return true;
    if (!scan || left < songs->file.count / FEW)
        return ask_each(&search);
    return scan_texts(&search, &songs->file.titles, found_title);
}
