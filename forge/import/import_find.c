/* Finding songs by words as people type them. The artist groups, some ten thousand texts, are
 * compared first, once each; then every title's words. A word is compared by its letters' set
 * before the slow distance is counted, which few pass. */
#include "import_catalogue.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 16
#define WORD_MAX 64
#define TITLE_ROOM 4200

/* How well a word fits, for all its letters. */
enum { FIT_NONE = 0, FIT_TWO_SLIPS = 5, FIT_SLIP = 6, FIT_BEGINNING = 8, FIT_WHOLE = 10 };

struct word {
    const char *text;
    unsigned size;
    uint32_t letters; /* bit c % 32 for each byte c */
};

struct finder {
    const struct dy_songs *songs;
    struct word words[WORDS_MAX];
    unsigned count, letter_count;
    uint8_t (*artist_fits)[WORDS_MAX]; /* [groups] */
    struct dy_catalogue_hit *hits;
    size_t k, found;
};

/* ------------------------------------------------------------------ one word */

static uint32_t letters_of(const char *text, unsigned size)
{
    uint32_t letters = 0;
    for (unsigned i = 0; i < size; i++)
        letters |= UINT32_C(1) << ((unsigned char)text[i] % 32);
    return letters;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Optimal string alignment (Damerau 1964): letters dropped, added, changed, or neighbours swapped.
 */
static unsigned slips(const struct word *a, const struct word *b)
{
    unsigned rows[3][WORD_MAX + 1] = {{0}};
    for (unsigned j = 0; j <= b->size; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a->size; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *twice = rows[(i + 1) % 3];
        row[0] = i;
        for (unsigned j = 1; j <= b->size; j++) {
            unsigned change = above[j - 1] + (a->text[i - 1] != b->text[j - 1]);
            row[j] = least(change, least(above[j], row[j - 1]) + 1);
            bool swapped = i > 1 && j > 1 && a->text[i - 1] == b->text[j - 2] &&
                           a->text[i - 2] == b->text[j - 1];
            if (swapped)
                row[j] = least(row[j], twice[j - 2] + 1);
        }
    }
    return rows[a->size % 3][b->size];
}

static uint8_t fit(const struct word *wanted, const struct word *word)
{
    if (word->size >= wanted->size && !memcmp(word->text, wanted->text, wanted->size))
        return word->size == wanted->size ? FIT_WHOLE : wanted->size > 1 ? FIT_BEGINNING : FIT_NONE;
    unsigned allowed = wanted->size >= 8 ? 2 : wanted->size >= 4 ? 1 : 0;
    unsigned longer =
        word->size > wanted->size ? word->size - wanted->size : wanted->size - word->size;
    if (longer > allowed || word->size > WORD_MAX || wanted->size > WORD_MAX ||
        (unsigned)__builtin_popcount(word->letters ^ wanted->letters) > 2 * allowed)
        return FIT_NONE;
    unsigned count = slips(wanted, word);
    return count > allowed ? FIT_NONE : count == 1 ? FIT_SLIP : FIT_TWO_SLIPS;
}

/* Raises fits[w] to how well any word of the folded text fits word w. */
static void fit_text(const struct finder *finder, struct dy_text folded, uint8_t fits[WORDS_MAX])
{
    const char *end = folded.bytes + folded.size;
    for (const char *at = folded.bytes; at < end;) {
        const char *blank = memchr(at, ' ', (size_t)(end - at));
        struct word word = {at, (unsigned)((blank ? blank : end) - at), 0};
        word.letters = letters_of(at, word.size);
        for (unsigned w = 0; w < finder->count; w++) {
            uint8_t how = fits[w] < FIT_WHOLE ? fit(&finder->words[w], &word) : FIT_NONE;
            fits[w] = how > fits[w] ? how : fits[w];
        }
        at = blank ? blank + 1 : end;
    }
}

/* ------------------------------------------------------------------ the list */

/* The better of two hits: score, popularity, number. */
static bool goes_before(const struct finder *finder, struct dy_catalogue_hit a,
                        struct dy_catalogue_hit b)
{
    const uint8_t *popularity = dy_songs_file(finder->songs)->popularity;
    if (a.score != b.score)
        return a.score > b.score;
    int of_a = popularity[a.number] == DY_SONGS_NO_POPULARITY ? -1 : popularity[a.number];
    int of_b = popularity[b.number] == DY_SONGS_NO_POPULARITY ? -1 : popularity[b.number];
    return of_a != of_b ? of_a > of_b : a.number < b.number;
}

static void offer(struct finder *finder, struct dy_catalogue_hit hit)
{
    if (finder->found == finder->k && !goes_before(finder, hit, finder->hits[finder->k - 1]))
        return;
    size_t at = finder->found < finder->k ? finder->found++ : finder->k - 1;
    for (; at > 0 && goes_before(finder, hit, finder->hits[at - 1]); at--)
        finder->hits[at] = finder->hits[at - 1];
    finder->hits[at] = hit;
}

static void look_at(struct finder *finder, size_t song, struct dy_text folded)
{
    uint8_t fits[WORDS_MAX] = {0};
    uint32_t group = dy_songs_artist_group(finder->songs, song);
    if (group < dy_songs_file(finder->songs)->groups.count)
        memcpy(fits, finder->artist_fits[group], sizeof fits);
    fit_text(finder, folded, fits);
    double sum = 0;
    for (unsigned w = 0; w < finder->count; w++) {
        if (fits[w] == FIT_NONE)
            return;
        sum += (double)(fits[w] * finder->words[w].size);
    }
    offer(finder, (struct dy_catalogue_hit){song, sum / (FIT_WHOLE * finder->letter_count)});
}

/* Every song with its folded title: made here for ASCII, else from the file. */
static void look_at_all(struct finder *finder)
{
    const struct dy_songs_file *file = dy_songs_file(finder->songs);
    size_t next = 0;
    for (size_t song = 0; song < file->count; song++) {
        char room[TITLE_ROOM];
        struct dy_text folded = {room, 0}, title = dy_text_table_at(&file->titles, song);
        while (next < file->folded.count && file->folded_songs[next] < song)
            next++;
        if (next < file->folded.count && file->folded_songs[next] == song)
            folded = dy_text_table_at(&file->folded, next);
        else if (title.size > sizeof room ||
                 !dy_text_fold_ascii(title.bytes, title.size, room, &folded.size))
            folded.size = 0;
        look_at(finder, song, folded);
    }
}

/* ------------------------------------------------------------------ the call */

static void split_words(struct finder *finder, const char *folded)
{
    while (*folded && finder->count < WORDS_MAX) {
        unsigned size = (unsigned)strcspn(folded, " ");
        finder->words[finder->count++] = (struct word){folded, size, letters_of(folded, size)};
        finder->letter_count += size;
        folded += size + (folded[size] == ' ');
    }
}

enum dylumo_status dy_catalogue_find(const struct dy_catalogue *catalogue, const char *words,
                                     struct dy_catalogue_hit *hits, size_t k, size_t *count,
                                     struct dylumo_error *err)
{
    const struct dy_songs_file *file = dy_songs_file(catalogue->songs);
    struct finder finder = {.songs = catalogue->songs, .hits = hits, .k = k};
    *count = 0;
    char *folded = dy_text_fold(words, strlen(words));
    finder.artist_fits = dy_new_array(file->groups.count + 1, sizeof *finder.artist_fits);
    enum dylumo_status st = DYLUMO_OK;
    if (!folded || !finder.artist_fits)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory to search");
    if (!st)
        split_words(&finder, folded);
    if (!st && (finder.letter_count == 0 || k == 0))
        st = dy_fail(err, DYLUMO_BAD_ARGUMENT, "no words to find songs by");
    if (!st) {
        for (size_t g = 0; g < file->groups.count; g++)
            fit_text(&finder, dy_text_table_at(&file->groups, g), finder.artist_fits[g]);
        look_at_all(&finder);
    }
    *count = finder.found;
    dy_map_forget(file->map.data, file->map.size); /* or every title stays resident in a server */
    dy_free(folded);
    dy_free(finder.artist_fits);
    return st;
}
