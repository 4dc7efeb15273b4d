/* One row of a song table: texts cleaned, numbers checked against the ranges of the feature table.
 * The first fault found is the reason given. */
#include "import_row.h"

#include <math.h>
#include <string.h>

#define TEXT_MAX 4096
#define YEAR_MIN 1000
#define YEAR_MAX 2999

/* ------------------------------------------------------------------ columns */

static long find_any(const struct dy_csv *csv, const char *const *names)
{
    long column = -1;
    for (; *names && column < 0; names++)
        column = dy_csv_column(csv, *names);
    return column;
}

enum dylumo_status import_columns_find(struct import_columns *columns, const struct dy_csv *csv,
                                       const char *path, struct dylumo_error *err)
{
    static const char *const ids[] = {"track_id", "id", NULL};
    static const char *const artists[] = {"artist_name", "artists", "artist", NULL};
    static const char *const titles[] = {"track_name", "name", "title", NULL};
    static const char *const genres[] = {"genre", "track_genre", NULL};
    static const char *const years[] = {"year", "release_date", NULL};
    static const char *const popularities[] = {"popularity", NULL};
    *columns = (struct import_columns){
        .id = find_any(csv, ids),
        .artist = find_any(csv, artists),
        .title = find_any(csv, titles),
        .genre = find_any(csv, genres),
        .year = find_any(csv, years),
        .popularity = find_any(csv, popularities),
        .count = dy_csv_column_count(csv),
    };
    const char *missing = columns->id < 0       ? "track_id"
                          : columns->artist < 0 ? "artist_name"
                          : columns->title < 0  ? "track_name"
                                                : NULL;
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        const char *name = dylumo_feature_info((enum dylumo_feature)f)->name;
        columns->features[f] = dy_csv_column(csv, name);
        if (columns->features[f] < 0 && !missing)
            missing = name;
    }
    if (missing && columns->count == 1)
        return dy_fail(
            err, DYLUMO_BAD_FILE,
            "%s: its header is a single column, expected a CSV table, columns separated by "
            "commas",
            path);
    if (missing)
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: no column named '%s' in its header of %zu columns", path, missing,
                       columns->count);
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ faults */

/* "year is 'abc', expected ..."; the field's bytes made harmless. */
static enum import_verdict bad(char reason[IMPORT_REASON], const char *what, struct dy_text field,
                               const char *expected)
{
    char shown[41];
    size_t size = field.size < sizeof shown - 1 ? field.size : sizeof shown - 1;
    for (size_t i = 0; i < size; i++) {
        char c = field.bytes[i];
        shown[i] = c >= ' ' && c <= '~' ? c : '?';
    }
    shown[size] = '\0';
    snprintf(reason, IMPORT_REASON, "%s is '%s', expected %s", what, shown, expected);
    return IMPORT_BAD;
}

static struct dy_text trimmed(struct dy_text text)
{
    while (text.size && text.bytes[0] == ' ') {
        text.bytes++;
        text.size--;
    }
    while (text.size && text.bytes[text.size - 1] == ' ')
        text.size--;
    return text;
}

/* ------------------------------------------------------------------ texts */

static bool is_plain(struct dy_text text)
{
    bool plain = true;
    for (size_t i = 0; i < text.size; i++)
        plain &= text.bytes[i] >= ' ' && text.bytes[i] <= '~';
    return plain;
}

/* Cleaned and trimmed: in place where it fits, else in heap memory that joins owned. */
static bool clean(struct dy_text *text, char *owned[6])
{
    if (is_plain(*text)) {
        *text = trimmed(*text);
        return true;
    }
    size_t length;
    char *cleaned = dy_text_clean(text->bytes, text->size, &length);
    if (!cleaned)
        return false;
    struct dy_text result = {cleaned, length};
    if (length <= text->size) {
        char *place = (char *)(uintptr_t)text->bytes; /* of the record, which is ours to change */
        if (length != text->size || memcmp(place, cleaned, length) != 0)
            memcpy(place, cleaned, length);
        dy_free(cleaned);
        result.bytes = place;
    } else {
        while (*owned)
            owned++;
        *owned = cleaned;
    }
    *text = trimmed(result);
    return true;
}

static enum import_verdict read_text(struct dy_text field, size_t max, const char *what,
                                     struct dy_text *text, char *owned[6],
                                     char reason[IMPORT_REASON])
{
    if (field.size > max) {
        snprintf(reason, IMPORT_REASON, "%s has %zu bytes, expected at most %zu", what, field.size,
                 max);
        return IMPORT_BAD;
    }
    *text = field;
    if (!clean(text, owned))
        return IMPORT_NO_MEMORY;
    if (text->size == 0 || text->size > max)
        return bad(reason, what, field, "some text");
    return IMPORT_GOOD;
}

/* ------------------------------------------------------------------ numbers */

static bool is_unknown(struct dy_text field)
{
    static const char *const words[] = {"NA", "NaN", "nan", "None", "null", "NULL"};
    if (field.size == 0 || field.size > 4)
        return field.size == 0;
    for (size_t i = 0; i < DY_COUNT(words); i++)
        if (strlen(words[i]) == field.size && !memcmp(words[i], field.bytes, field.size))
            return true;
    return false;
}

static enum import_verdict read_feature(struct dy_text field, int feature, float *out,
                                        char reason[IMPORT_REASON])
{
    const struct dylumo_feature_info *info = dylumo_feature_info((enum dylumo_feature)feature);
    double value;
    if (!dy_csv_number(field, &value) || !(value >= info->min && value <= info->max) ||
        (info->whole && value != floor(value))) {
        char expected[80];
        snprintf(expected, sizeof expected, "a%s number from %g to %.8g",
                 info->whole ? " whole" : "", info->min, info->max);
        return bad(reason, info->name, field, expected);
    }
    uint32_t whole = (uint32_t)(value > 0 ? value : 0);
    if (feature == DYLUMO_DURATION_MS)
        memcpy(out, &whole, sizeof whole);
    else
        *out = (float)value + 0.0f; /* -0 becomes 0: equal values have equal bits */
    return IMPORT_GOOD;
}

/* 1999, 1999.0, or a date that begins with the year: 1999-05-31. 0 and nothing: unknown. */
static enum import_verdict read_year(struct dy_text field, int16_t *year,
                                     char reason[IMPORT_REASON])
{
    *year = 0;
    if (is_unknown(field))
        return IMPORT_GOOD;
    struct dy_text number = field;
    if (field.size > 4 && field.bytes[4] == '-')
        number.size = 4;
    double value;
    bool good = dy_csv_number(number, &value) && value == floor(value) &&
                (value == 0 || (value >= YEAR_MIN && value <= YEAR_MAX));
    if (!good)
        return bad(reason, "year", field, "a year or nothing");
    *year = (int16_t)value;
    return IMPORT_GOOD;
}

static enum import_verdict read_popularity(struct dy_text field, uint8_t *popularity,
                                           char reason[IMPORT_REASON])
{
    *popularity = DY_SONGS_NO_POPULARITY;
    if (is_unknown(field))
        return IMPORT_GOOD;
    double value;
    if (!dy_csv_number(field, &value) || !(value >= 0 && value <= 100) || value != floor(value))
        return bad(reason, "popularity", field, "a whole number from 0 to 100, or nothing");
    *popularity = (uint8_t)value;
    return IMPORT_GOOD;
}

/* ------------------------------------------------------------------ a row */

static struct dy_text field_at(const struct dy_text *fields, long column)
{
    struct dy_text none = {"", 0};
    return column < 0 ? none : fields[column];
}

static enum import_verdict read_texts(const struct import_columns *columns,
                                      const struct dy_text *fields, struct import_row *row,
                                      char *owned[6], char reason[IMPORT_REASON])
{
    enum import_verdict verdict =
        read_text(fields[columns->id], DY_SONGS_ID_MAX, "the id", &row->id, owned, reason);
    if (verdict == IMPORT_GOOD)
        verdict =
            read_text(fields[columns->artist], TEXT_MAX, "the artist", &row->artist, owned, reason);
    if (verdict == IMPORT_GOOD)
        verdict =
            read_text(fields[columns->title], TEXT_MAX, "the title", &row->title, owned, reason);
    row->genre = field_at(fields, columns->genre);
    if (is_unknown(row->genre))
        row->genre.size = 0;
    if (verdict == IMPORT_GOOD && row->genre.size)
        verdict = read_text(row->genre, TEXT_MAX, "the genre", &row->genre, owned, reason);
    return verdict;
}

enum import_verdict import_row_read(const struct import_columns *columns,
                                    const struct import_season *season, struct dy_text *fields,
                                    size_t count, struct import_row *row, char *owned[6],
                                    char reason[IMPORT_REASON])
{
    if (count != columns->count) {
        snprintf(reason, IMPORT_REASON, "%zu fields, expected %zu", count, columns->count);
        return IMPORT_BAD;
    }
    enum import_verdict verdict = IMPORT_GOOD;
    for (int f = 0; f < DYLUMO_FEATURE_COUNT && verdict == IMPORT_GOOD; f++)
        verdict = read_feature(fields[columns->features[f]], f, &row->features[f], reason);
    if (verdict == IMPORT_GOOD)
        verdict = read_year(field_at(fields, columns->year), &row->year, reason);
    if (verdict == IMPORT_GOOD)
        verdict = read_popularity(field_at(fields, columns->popularity), &row->popularity, reason);
    if (verdict == IMPORT_GOOD)
        verdict = read_texts(columns, fields, row, owned, reason);
    if (verdict != IMPORT_GOOD)
        return verdict;
    struct import_title title;
    if (!import_title_read(season, row->title, &title))
        return IMPORT_NO_MEMORY;
    row->folded = (struct dy_text){title.folded, title.folded ? strlen(title.folded) : 0};
    while (*owned)
        owned++;
    *owned = title.folded;
    row->title_key = title.recording;
    row->flags = title.season ? DY_SONGS_SEASON : 0;
    return IMPORT_GOOD;
}
