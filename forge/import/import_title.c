/* Titles. The words below are the rules: docs/songs.md shows them to users. A bracket goes unless
 * it numbers a part; of "Title - something" the end goes when it holds a word of editions, so that
 * "Symphony No. 5 - II. Andante" keeps its movement. */
#include "import_title.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define STACK_TITLE 512

/* ------------------------------------------------------------------ words of the season */

/* Folded when a table is imported. A star: any word that begins so. No star: whole words. */
static const char *const season_words[] = {"Christmas*",
                                           "Xmas",
                                           "X mas",
                                           "Christmastime",
                                           "Santa Claus",
                                           "Santa Baby",
                                           "Saint Nick",
                                           "Jingle Bell*",
                                           "Jingle Bells",
                                           "Silent Night",
                                           "Sleigh*",
                                           "Let It Snow",
                                           "Winter Wonderland",
                                           "Rudolph",
                                           "Reindeer*",
                                           "O Holy Night",
                                           "Oh Holy Night",
                                           "Deck the Hall*",
                                           "Little Drummer Boy",
                                           "Frosty the Snowman",
                                           "Mistletoe*",
                                           "Away in a Manger",
                                           "Hark the Herald*",
                                           "Adeste Fideles",
                                           "O Come All Ye Faithful",
                                           "God Rest Ye*",
                                           "We Three Kings",
                                           "Carol of the Bells",
                                           "O Little Town of Bethlehem",
                                           "Auld Lang Syne",
                                           "Ding Dong Merrily*",
                                           "Noel",
                                           "Noël",
                                           "Petit Papa*",
                                           "Vive le vent",
                                           "Minuit chrétiens",
                                           "Navidad*",
                                           "Navideñ*",
                                           "Villancico*",
                                           "Noche de Paz",
                                           "Campana sobre campana",
                                           "Weihnacht*",
                                           "Stille Nacht",
                                           "O Tannenbaum",
                                           "Ihr Kinderlein*",
                                           "Natale",
                                           "Tu scendi dalle stelle",
                                           "Natal",
                                           "Kerst*",
                                           "Sinterklaas*",
                                           "Jul",
                                           "Julen",
                                           "Julsång*",
                                           "Jultomte*",
                                           "Juletid",
                                           "Joulu*",
                                           "Boże Narodzenie",
                                           "Kolęd*",
                                           "Lulajże*",
                                           "Vánoc*",
                                           "Vianoc*",
                                           "Karácsony*",
                                           "Crăciun*",
                                           "Colinde",
                                           "Božić*",
                                           "Рождеств*",
                                           "Новогодн*",
                                           "クリスマス*",
                                           "圣诞*",
                                           "聖誕*",
                                           "크리스마스*",
                                           "성탄*"};

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

_Static_assert(DY_COUNT(season_words) <= IMPORT_SEASON_MAX, "room for the season's words");

/* The star is marked by a last byte, which sorting keeps with its word: '*' or ' '. */
static char *fold_word(const char *word)
{
    size_t size = strlen(word);
    bool star = word[size - 1] == '*';
    char *folded = dy_text_fold(word, size - star);
    size_t length = folded ? strlen(folded) : 0;
    char *marked = folded ? dy_new_array(length + 2, 1) : NULL;
    if (marked) {
        memcpy(marked, folded, length);
        marked[length] = star ? '*' : ' ';
    }
    dy_free(folded);
    return marked;
}

enum dylumo_status import_season_init(struct import_season *season, struct dylumo_error *err)
{
    *season = (struct import_season){0};
    size_t count = DY_COUNT(season_words);
    for (size_t i = 0; i < count; i++) {
        season->words[i] = fold_word(season_words[i]);
        if (!season->words[i]) {
            import_season_clear(season);
            return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the words of the season");
        }
    }
    qsort(season->words, count, sizeof *season->words, compare_words);
    for (size_t i = 0; i < count; i++) {
        char *word = season->words[i];
        size_t last = strlen(word) - 1;
        season->whole[i] = word[last] == ' ';
        word[last] = '\0';
        season->sizes[i] = last;
        for (unsigned byte = (unsigned char)word[0] + 1u; byte < 257; byte++)
            season->from[byte]++;
    }
    return DYLUMO_OK;
}

void import_season_clear(struct import_season *season)
{
    for (size_t i = 0; i < IMPORT_SEASON_MAX; i++)
        dy_free(season->words[i]);
    *season = (struct import_season){0};
}

/* Whether one of the season's words stands at `at` of the folded text. */
static bool season_word_at(const struct import_season *season, const char *at, const char *end)
{
    unsigned first = (unsigned char)*at;
    for (unsigned i = season->from[first]; i < season->from[first + 1]; i++) {
        size_t size = season->sizes[i];
        /* the second byte turns most words away before memcmp is called */
        if (size > (size_t)(end - at) || at[size > 1] != season->words[i][size > 1] ||
            memcmp(at, season->words[i], size) != 0)
            continue;
        if (!season->whole[i] || at + size == end || at[size] == ' ')
            return true;
    }
    return false;
}

/* Words begin after a blank; in scripts without blanks (from U+3000 on) anywhere. */
static bool is_season(const struct import_season *season, const char *folded, size_t size)
{
    const char *end = folded + size;
    for (const char *at = folded; at < end; at++) {
        bool begins = at == folded || at[-1] == ' ' || (unsigned char)*at >= 0xE3;
        if (begins && season_word_at(season, at, end))
            return true;
    }
    return false;
}

/* ------------------------------------------------------------------ editions */

/* Words that say which edition of a recording this is. */
static const char *const edition_words[] = {
    "remaster",     "remastered",  "remasterizado", "remasterisado", "live",
    "edit",         "version",     "mix",           "remix",         "remixed",
    "mono",         "stereo",      "acoustic",      "demo",          "single",
    "album",        "bonus",       "deluxe",        "original",      "extended",
    "instrumental", "unplugged",   "session",       "sessions",      "take",
    "feat",         "ft",          "featuring",     "with",          "from",
    "edition",      "anniversary", "karaoke",       "recorded",      "rerecorded",
    "reprise",      "outtake",     "soundtrack",    "directo",       "vivo",
    "radio"};
/* Words that number a part of a work: "(Part 2)" is another recording than "(Part 1)". */
static const char *const part_words[] = {"part",     "parts", "pt",     "pts", "no",
                                         "nr",       "vol",   "volume", "act", "chapter",
                                         "movement", "mvt",   "book"};

/* Of ASCII; other bytes become none of its letters. */
static char lower(char c)
{
    return (char)(c | 0x20);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

/* Whether some whole word of the text, letters alone, is in the list. */
static bool has_word(const char *text, size_t size, const char *const *list, size_t count)
{
    for (size_t at = 0; at < size;) {
        size_t from = at;
        while (at < size && is_letter(text[at]))
            at++;
        size_t length = at - from;
        for (size_t w = 0; length && w < count; w++)
            if (list[w][0] == lower(text[from]) && strlen(list[w]) == length &&
                !strncasecmp(list[w], text + from, length))
                return true;
        at += length == 0;
    }
    return false;
}

static char closing(char c)
{
    return c == '(' ? ')' : c == '[' ? ']' : c == '{' ? '}' : '\0';
}

/* Copies without brackets but those that number a part. An unclosed one reaches to the end. */
static size_t drop_brackets(struct dy_text title, char *bare)
{
    size_t used = 0;
    for (size_t at = 0; at < title.size; at++) {
        char close = closing(title.bytes[at]);
        if (!close) {
            bare[used++] = title.bytes[at];
            continue;
        }
        const char *open = title.bytes + at;
        const char *end = memchr(open, close, title.size - at);
        size_t size = end ? (size_t)(end - open) + 1 : title.size - at;
        if (has_word(open, size, part_words, DY_COUNT(part_words))) {
            memcpy(bare + used, open, size);
            used += size;
        }
        at += size - 1;
    }
    return used;
}

/* Cuts " - ..." from the end while it holds a word of editions. */
static size_t drop_suffixes(const char *bare, size_t size)
{
    for (size_t at = size; at-- > 1;) {
        if (bare[at] != '-' || bare[at - 1] != ' ' || at + 1 == size || bare[at + 1] != ' ')
            continue;
        if (!has_word(bare + at, size - at, edition_words, DY_COUNT(edition_words)))
            break;
        size = at - 1;
    }
    return size;
}

/* Cuts " feat. ..." and the like. */
static size_t drop_guests(const char *bare, size_t size)
{
    static const char *const words[] = {" feat. ", " feat ", " ft. ", " ft ", " featuring "};
    for (size_t at = 1; at < size; at++) {
        bool may_begin = bare[at] == ' ' && at + 1 < size && lower(bare[at + 1]) == 'f';
        for (size_t w = 0; may_begin && w < DY_COUNT(words); w++) {
            size_t length = strlen(words[w]);
            if (length <= size - at && !strncasecmp(bare + at, words[w], length))
                return at;
        }
    }
    return size;
}

size_t import_title_bare(struct dy_text title, char *bare)
{
    size_t size = drop_brackets(title, bare);
    size = drop_guests(bare, drop_suffixes(bare, size));
    while (size > 0 && bare[size - 1] == ' ')
        size--;
    return size;
}

/* ------------------------------------------------------------------ a title */

/* Folded text in *room where it fits, else on the heap (*heap, to be freed). */
static bool fold(const char *text, size_t size, char room[STACK_TITLE], char **heap,
                 struct dy_text *folded)
{
    *heap = NULL;
    if (size <= STACK_TITLE && dy_text_fold_ascii(text, size, room, &folded->size)) {
        folded->bytes = room;
        return true;
    }
    *heap = dy_text_fold(text, size);
    *folded = (struct dy_text){*heap, *heap ? strlen(*heap) : 0};
    return *heap != NULL;
}

static bool hash_bare(struct dy_text title, uint64_t whole_hash, uint64_t *hash)
{
    char room[STACK_TITLE], copy_room[STACK_TITLE], *heap = NULL;
    char *copy = title.size <= sizeof copy_room ? copy_room : dy_new_array(title.size, 1);
    if (!copy)
        return false;
    size_t size = import_title_bare(title, copy);
    struct dy_text folded = {NULL, 0};
    bool good = size == 0 || fold(copy, size, room, &heap, &folded);
    *hash = good && folded.size ? dy_hash64(folded.bytes, folded.size, 0) : whole_hash;
    dy_free(heap);
    if (copy != copy_room)
        dy_free(copy);
    return good;
}

/* Whether the title may hold anything that import_title_bare takes off. */
static bool may_be_dressed(struct dy_text title)
{
    for (size_t i = 0; i < title.size; i++) {
        char c = title.bytes[i];
        if (closing(c) || c == '-' || ((c == 'f' || c == 'F') && i && title.bytes[i - 1] == ' '))
            return true;
    }
    return false;
}

bool import_title_read(const struct import_season *season, struct dy_text title,
                       struct import_title *out)
{
    char room[STACK_TITLE], *heap;
    struct dy_text folded;
    *out = (struct import_title){0};
    if (!fold(title.bytes, title.size, room, &heap, &folded))
        return false;
    out->season = is_season(season, folded.bytes, folded.size);
    out->recording = dy_hash64(folded.bytes, folded.size, 0);
    if (may_be_dressed(title) && !hash_bare(title, out->recording, &out->recording)) {
        dy_free(heap);
        return false;
    }
    out->folded = heap;
    return true;
}
