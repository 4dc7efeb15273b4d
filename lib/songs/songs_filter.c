/* Marking the songs that pass a filter: every test goes through its column once and sets bits, only
 * where songs are left that it could still let through. Of "a and b" the one that reads less comes
 * first: words by their look-up, then columns, the narrow ones before the wide, then titles. */
#include "songs_filter.h"

#include <math.h>
#include <string.h>

struct marker {
    const struct dy_songs *songs;
    const struct filter *filter;
    size_t words; /* of a mask */
};

static size_t songs_in_word(const struct marker *marker, size_t word)
{
    size_t left = marker->songs->file.count - word * 64;
    return left < 64 ? left : 64;
}

/* ------------------------------------------------------------------ numbers */

static float least_float(const struct filter_value *value)
{
    float low = (float)value->low;
    return value->low_open ? nextafterf(low, INFINITY) : low;
}

static float greatest_float(const struct filter_value *value)
{
    float high = (float)value->high;
    return value->high_open ? nextafterf(high, -INFINITY) : high;
}

/* An interval of whole numbers, cut to what the column can hold; low > high: empty. */
static void whole_ends(const struct filter_value *value, double least, double greatest,
                       int64_t *low, int64_t *high)
{
    double from = value->low_open ? floor(value->low) + 1 : ceil(value->low);
    double to = value->high_open ? ceil(value->high) - 1 : floor(value->high);
    *low = from <= least ? (int64_t)least : from > greatest ? (int64_t)greatest + 1 : (int64_t)from;
    *high = to >= greatest ? (int64_t)greatest : to < least ? (int64_t)least - 1 : (int64_t)to;
}

/* Songs whose whole number lies in the interval; least and greatest: those that are known. */
static void mark_whole(const struct marker *marker, enum filter_type type, const void *data,
                       const struct filter_value *value, double least, double greatest,
                       const uint64_t *within, uint64_t *out)
{
    struct filter_column column = {.type = type, .data = data};
    whole_ends(value, least, greatest, &column.low, &column.high);
    if (column.low <= column.high)
        songs_filter_column(marker->songs, &column, within, out);
}

static void mark_interval(const struct marker *marker, enum filter_field field,
                          const struct filter_value *value, const uint64_t *within, uint64_t *out)
{
    const struct dy_songs_file *file = &marker->songs->file;
    if (field == FILTER_YEAR) {
        mark_whole(marker, FILTER_SHORTS, file->years, value, 1, INT16_MAX, within, out);
    } else if (field == FILTER_POPULARITY) {
        mark_whole(marker, FILTER_BYTES, file->popularity, value, 0, DY_SONGS_NO_POPULARITY - 1,
                   within, out);
    } else if (field == (enum filter_field)DYLUMO_DURATION_MS) {
        mark_whole(marker, FILTER_WHOLE, file->features[field], value, 0, UINT32_MAX - 1, within,
                   out);
    } else {
        struct filter_column column = {.type = FILTER_FLOATS,
                                       .data = file->features[field],
                                       .least = least_float(value),
                                       .most = greatest_float(value)};
        songs_filter_column(marker->songs, &column, within, out);
    }
}

static void mark_unknown(const struct marker *marker, enum filter_field field,
                         const uint64_t *within, uint64_t *out)
{
    const struct dy_songs_file *file = &marker->songs->file;
    struct filter_column column = {.type = FILTER_SHORTS, .data = file->years}; /* 0 */
    if (field == FILTER_POPULARITY) {
        column = (struct filter_column){.type = FILTER_BYTES, .data = file->popularity};
        column.low = column.high = DY_SONGS_NO_POPULARITY;
    } else if (field == FILTER_GENRE) {
        column = (struct filter_column){.type = FILTER_WHOLE, .data = file->genre};
        column.low = column.high = DY_SONGS_UNKNOWN;
    }
    songs_filter_column(marker->songs, &column, within, out);
}

/* ------------------------------------------------------------------ names */

static bool name_passes(const struct marker *marker, const struct filter_node *node,
                        struct dy_text folded)
{
    for (size_t v = node->value; v < node->value + node->value_count; v++) {
        const char *wanted = marker->filter->values[v].text;
        size_t size = strlen(wanted);
        bool passes = node->kind == FILTER_HAS
                          ? songs_has_words(folded, wanted)
                          : folded.size == size && !memcmp(folded.bytes, wanted, size);
        if (passes)
            return true;
    }
    return false;
}

/* flags [count of genres + more], those that pass; folded here, there are few. */
static uint8_t *genres_that_pass(const struct marker *marker, const struct filter_node *node)
{
    const struct dy_text_table *genres = &marker->songs->file.genres;
    uint8_t *flags = dy_new_array(genres->count + FILTER_NAMES_MORE, 1);
    for (size_t g = 0; flags && g < genres->count; g++) {
        struct dy_text name = dy_text_table_at(genres, g);
        char *fold = dy_text_fold(name.bytes, name.size);
        if (!fold) {
            dy_free(flags);
            return NULL;
        }
        struct dy_text folded = {fold, strlen(fold)};
        flags[g] = name_passes(marker, node, folded);
        dy_free(fold);
    }
    return flags;
}

/* groups [count of groups]: whether one of the values' words all stand in the name, by look-up. */
static bool look_up_groups(const struct marker *marker, const struct filter_node *node,
                           uint8_t *groups)
{
    const struct songs_words *words = &marker->songs->artist_words;
    uint64_t *mask = dy_new_array(words->texts / 64 + 1, sizeof *mask);
    bool good = mask != NULL;
    for (size_t v = node->value; good && v < node->value + node->value_count; v++)
        good = songs_words_mark(words, marker->filter->values[v].text, NULL, mask);
    for (size_t g = 0; good && g < words->texts; g++)
        groups[g] = mask[g / 64] >> (g % 64) & 1;
    dy_free(mask);
    return good;
}

/* The same by reading every name. */
static void read_groups(const struct marker *marker, const struct filter_node *node,
                        uint8_t *groups)
{
    const struct dy_text_table *names = &marker->songs->file.groups;
    for (size_t g = 0; g < names->count; g++)
        groups[g] = name_passes(marker, node, dy_text_table_at(names, g));
}

/* Every value of a test is words that the look-up knows how to find. */
static bool can_look_up(const struct marker *marker, const struct filter_node *node,
                        const struct songs_words *words)
{
    bool can = true;
    for (size_t v = node->value; can && v < node->value + node->value_count; v++)
        can = songs_words_can(words, marker->filter->values[v].text);
    return can;
}

/* flags [count of artists + more], by their groups' folded names. */
static uint8_t *artists_that_pass(const struct marker *marker, const struct filter_node *node)
{
    const struct dy_songs_file *file = &marker->songs->file;
    uint8_t *groups = dy_new_array(file->groups.count + 1, 1);
    uint8_t *flags = dy_new_array(file->artists.count + FILTER_NAMES_MORE, 1);
    bool good = groups && flags;
    if (good && node->kind == FILTER_HAS && can_look_up(marker, node, &marker->songs->artist_words))
        good = look_up_groups(marker, node, groups);
    else if (good)
        read_groups(marker, node, groups);
    for (size_t a = 0; good && a < file->artists.count; a++)
        flags[a] = file->artist_groups[a] < file->groups.count && groups[file->artist_groups[a]];
    if (!good) {
        dy_free(flags);
        flags = NULL;
    }
    dy_free(groups);
    return flags;
}

/* A test for names, or, where just one passes, for its number: the faster one. */
static void mark_flags(const struct marker *marker, const uint32_t *data, const uint8_t *flags,
                       size_t names, const uint64_t *within, uint64_t *out)
{
    struct filter_column column = {
        .type = FILTER_NAMES, .data = data, .passes = flags, .names = (uint32_t)names};
    size_t passing = 0;
    for (size_t n = 0; n < names; n++) {
        passing += flags[n];
        column.low = flags[n] ? (int64_t)n : column.low;
    }
    column.high = column.low;
    if (passing == 1)
        column.type = FILTER_WHOLE;
    if (passing > 0)
        songs_filter_column(marker->songs, &column, within, out);
}

static bool mark_names(const struct marker *marker, const struct filter_node *node,
                       const uint64_t *within, uint64_t *out)
{
    const struct dy_songs_file *file = &marker->songs->file;
    bool genre = node->field == FILTER_GENRE;
    uint8_t *flags = genre ? genres_that_pass(marker, node) : artists_that_pass(marker, node);
    if (!flags)
        return false;
    mark_flags(marker, genre ? file->genre : file->artist, flags,
               genre ? file->genres.count : file->artists.count, within, out);
    dy_free(flags);
    return true;
}

/* Titles equal to the words: those that hold them all, by look-up, are compared. */
static bool mark_equal_titles(const struct marker *marker, const char *words,
                              const uint64_t *within, uint64_t *out)
{
    const struct songs_words *look_up = &marker->songs->title_words;
    if (!songs_words_can(look_up, words))
        return songs_filter_titles(marker->songs, words, true, within, out);
    uint64_t *holding = dy_new_array(marker->words, sizeof *holding);
    bool good = holding && songs_words_mark(look_up, words, within, holding) &&
                songs_filter_titles(marker->songs, words, true, holding, out);
    dy_free(holding);
    return good;
}

static bool mark_titles(const struct marker *marker, const struct filter_node *node,
                        const uint64_t *within, uint64_t *out)
{
    const struct songs_words *look_up = &marker->songs->title_words;
    bool good = true;
    for (size_t v = node->value; good && v < node->value + node->value_count; v++) {
        const char *words = marker->filter->values[v].text;
        if (node->kind == FILTER_EQUALS)
            good = mark_equal_titles(marker, words, within, out);
        else if (songs_words_can(look_up, words))
            good = songs_words_mark(look_up, words, within, out);
        else
            good = songs_filter_titles(marker->songs, words, false, within, out);
    }
    return good;
}

static void mark_ids(const struct marker *marker, const struct filter_node *node,
                     const uint64_t *within, uint64_t *out)
{
    for (size_t v = node->value; v < node->value + node->value_count; v++) {
        const char *id = marker->filter->values[v].text;
        size_t song;
        if (dy_songs_find(marker->songs, id, strlen(id), &song))
            out[song / 64] |= within[song / 64] & UINT64_C(1) << (song % 64);
    }
}

/* ------------------------------------------------------------------ and, or, not */

/* How much a test has to read, about, in bytes a song: titles most, whole columns less, a look-up
 * or a list of ids next to nothing. */
static unsigned cost_of(const struct marker *marker, size_t number)
{
    const struct filter_node *node = &marker->filter->nodes[number];
    switch (node->kind) {
    case FILTER_NOT:
        return cost_of(marker, node->left);
    case FILTER_AND:
    case FILTER_OR:
        return cost_of(marker, node->left) + cost_of(marker, node->right);
    default:
        break;
    }
    switch ((int)node->field) {
    case FILTER_ID:
        return 0;
    case FILTER_POPULARITY:
        return sizeof(uint8_t);
    case FILTER_YEAR:
        return sizeof(int16_t);
    case FILTER_TITLE:
        return can_look_up(marker, node, &marker->songs->title_words) ? 0 : 40;
    default:
        return sizeof(float);
    }
}

static bool mark(const struct marker *marker, size_t number, const uint64_t *within, uint64_t *out);

/* out: zeros, then the songs of within that pass the test. */
static bool mark_test(const struct marker *marker, const struct filter_node *node,
                      const uint64_t *within, uint64_t *out)
{
    if (node->kind == FILTER_UNKNOWN) {
        mark_unknown(marker, node->field, within, out);
        return true;
    }
    if (node->kind == FILTER_NUMBERS) {
        for (size_t v = node->value; v < node->value + node->value_count; v++)
            mark_interval(marker, node->field, &marker->filter->values[v], within, out);
        return true;
    }
    if (node->field == FILTER_ID) {
        mark_ids(marker, node, within, out);
        return true;
    }
    return node->field == FILTER_TITLE ? mark_titles(marker, node, within, out)
                                       : mark_names(marker, node, within, out);
}

static bool mark_pair(const struct marker *marker, const struct filter_node *node,
                      const uint64_t *within, uint64_t *out)
{
    bool swap = cost_of(marker, node->left) > cost_of(marker, node->right);
    size_t first = swap ? node->right : node->left, second = swap ? node->left : node->right;
    uint64_t *one = dy_new_array(marker->words, sizeof *one);
    bool good = one && mark(marker, first, within, one);
    if (good && node->kind == FILTER_AND) {
        good = mark(marker, second, one, out);
    } else if (good) {
        good = mark(marker, second, within, out);
        for (size_t w = 0; good && w < marker->words; w++)
            out[w] |= one[w];
    }
    dy_free(one);
    return good;
}

static bool mark(const struct marker *marker, size_t number, const uint64_t *within, uint64_t *out)
{
    const struct filter_node *node = &marker->filter->nodes[number];
    if (node->kind == FILTER_AND || node->kind == FILTER_OR)
        return mark_pair(marker, node, within, out);
    if (node->kind != FILTER_NOT)
        return mark_test(marker, node, within, out);
    bool good = mark(marker, node->left, within, out);
    for (size_t w = 0; good && w < marker->words; w++)
        out[w] = within[w] & ~out[w];
    return good;
}

/* ------------------------------------------------------------------ the call */

static void set_all(const struct marker *marker, uint64_t *mask)
{
    memset(mask, 0xFF, marker->words * sizeof *mask);
    size_t last = songs_in_word(marker, marker->words - 1);
    if (last < 64)
        mask[marker->words - 1] = (UINT64_C(1) << last) - 1;
}

enum dylumo_status dy_songs_filter(const struct dy_songs *songs, const char *text,
                                   uint64_t **allowed, size_t *count, struct dylumo_error *err)
{
    struct filter filter;
    enum dylumo_status st = songs_filter_parse(&filter, text, err);
    if (st)
        return st;
    struct marker marker = {songs, &filter, songs_mask_words(songs)};
    uint64_t *all = dy_new_array(marker.words, sizeof *all);
    uint64_t *out = dy_new_array(marker.words, sizeof *out);
    bool good = all && out;
    if (good) {
        set_all(&marker, all);
        good = mark(&marker, filter.root, all, out);
    }
    dy_free(all);
    songs_filter_clear(&filter);
    if (!good) {
        dy_free(out);
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to filter %zu songs",
                       dy_songs_count(songs));
    }
    *count = 0;
    for (size_t w = 0; w < marker.words; w++)
        *count += (size_t)__builtin_popcountll(out[w]);
    *allowed = out;
    return DYLUMO_OK;
}
