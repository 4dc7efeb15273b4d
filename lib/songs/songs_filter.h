/* A filter in parts: what songs_filter_parse.c makes of the text and songs_filter.c marks songs by.
 */
#ifndef SONGS_FILTER_H
#define SONGS_FILTER_H

#include "songs.h"

/* What a test looks at. Features come first, by their numbers. */
enum filter_field {
    FILTER_YEAR = DYLUMO_FEATURE_COUNT,
    FILTER_POPULARITY,
    FILTER_GENRE,
    FILTER_ARTIST,
    FILTER_TITLE,
    FILTER_ID,
};

enum filter_kind {
    FILTER_AND,
    FILTER_OR,
    FILTER_NOT,
    FILTER_NUMBERS, /* in one of the values' intervals */
    FILTER_EQUALS,  /* text: equal to one of the values */
    FILTER_HAS,     /* text: holds all words of one of the values */
    FILTER_UNKNOWN, /* the song has no such value */
};

struct filter_value {
    double low, high; /* of numbers: both ends belong to it unless open */
    bool low_open, high_open;
    char *text; /* heap: folded; of ids as written */
};

struct filter_node {
    enum filter_kind kind;
    enum filter_field field;
    size_t left, right;        /* nodes, of and, or, not (left) */
    size_t value, value_count; /* of tests */
};

struct filter {
    struct filter_node *nodes;
    size_t node_count, node_room, root;
    struct filter_value *values;
    size_t value_count, value_room;
};

/* Fails    BAD_ARGUMENT with the place: "filter, character 6: ..."; NO_MEMORY.
 * Owns     filter_clear gives back what it holds; it takes a zeroed one. */
enum dylumo_status songs_filter_parse(struct filter *filter, const char *text,
                                      struct dylumo_error *err) DY_MUST_USE;
void songs_filter_clear(struct filter *filter);

/* ------------------------------------------------------------------ columns
 * (songs_filter_column.c) */

enum filter_type {
    FILTER_FLOATS, /* float from least to most */
    FILTER_SHORTS, /* int16_t from low to high */
    FILTER_BYTES,  /* uint8_t, likewise */
    FILTER_WHOLE,  /* uint32_t, likewise */
    FILTER_NAMES,  /* uint32_t, a name that passes */
};

/* A test of a column's numbers, one a song. */
struct filter_column {
    enum filter_type type;
    const void *data;
    float least, most;
    int64_t low, high;     /* values of the type, low <= high */
    const uint8_t *passes; /* [names + FILTER_NAMES_MORE], 0 or 1; that of `names` is 0 and stands
                              for all numbers that are no name */
    uint32_t names;
};
#define FILTER_NAMES_MORE 4

/* Sets the bits of within in out where the test holds. */
void songs_filter_column(const struct dy_songs *songs, const struct filter_column *column,
                         const uint64_t *within, uint64_t *out);

/* Songs whose title holds every word of `words` (folded, one blank between) as whole words, or is
 * equal to them when folded: bits of within that stay are written to out (songs_filter_title.c). */
bool songs_filter_titles(const struct dy_songs *songs, const char *words, bool equal,
                         const uint64_t *within, uint64_t *out) DY_MUST_USE;

/* Whether every word of `words` is a word of the folded text; what lies between two blanks and is
 * empty is no word. */
bool songs_has_words(struct dy_text folded, const char *words);

static inline size_t songs_mask_words(const struct dy_songs *songs)
{
    return (songs->file.count + 63) / 64;
}

#endif
