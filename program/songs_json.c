/* What `dylumo songs` tells, as JSON by jansson: one object in one line, "schema": 1. Numbers have
 * the six digits of the tables that songs come from. */
#include "songs_json.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

enum { SCHEMA = 1, DIGITS = 6 };

/* Text of a songs file; null where there is none, or where the file is damaged and it is no UTF-8.
 */
static json_t *text(struct dy_text words)
{
    json_t *string = words.size ? json_stringn(words.bytes, words.size) : NULL;
    return string ? string : json_null();
}

static json_t *number(bool known, long long value)
{
    return known ? json_integer(value) : json_null();
}

/* null for what a damaged file may hold instead of a number. */
static json_t *value(double number, bool whole)
{
    if (!isfinite(number) || (whole && fabs(number) > 1e15))
        return json_null();
    return whole ? json_integer((json_int_t)number) : json_real(number);
}

static json_t *features(const double *values)
{
    json_t *object = json_object();
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        const struct dylumo_feature_info *info = dylumo_feature_info((enum dylumo_feature)f);
        json_object_set_new(object, info->name, value(values[f], info->whole));
    }
    return object;
}

/* One line on standard output; false without memory. Takes object. */
static bool print(json_t *object)
{
    char *line = object ? json_dumps(object, JSON_REAL_PRECISION(DIGITS)) : NULL;
    if (line)
        puts(line);
    free(line);
    json_decref(object);
    return line != NULL;
}

static json_t *song_object(const struct dy_catalogue *catalogue, const struct dy_catalogue_hit *hit,
                           bool near)
{
    struct dy_catalogue_song song;
    dy_catalogue_song(catalogue, hit->number, &song);
    json_t *object = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", text(song.id), "title",
                               text(song.title), "artist", text(song.artist), "year",
                               number(song.year != 0, song.year), "genre", text(song.genre),
                               "popularity", number(song.popularity >= 0, song.popularity),
                               "features", features(song.features));
    if (near)
        json_object_set_new(object, "distance2", value(hit->score, false));
    return object;
}

bool songs_json_hits(const struct dy_catalogue *catalogue, const struct dy_catalogue_hit *hits,
                     size_t count, bool near)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(list, song_object(catalogue, &hits[i], near))) {
            json_decref(list);
            return false;
        }
    return print(json_pack("{s:i, s:o}", "schema", SCHEMA, "songs", list));
}

static json_t *statistics(const struct dy_catalogue_facts *facts)
{
    json_t *object = json_object();
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        json_object_set_new(object, dylumo_feature_info((enum dylumo_feature)f)->name,
                            json_pack("{s:o, s:o, s:o, s:o, s:o}", "least",
                                      value(facts->features[f].min, false), "median",
                                      value(facts->features[f].median, false), "mean",
                                      value(facts->features[f].mean, false), "sd",
                                      value(facts->features[f].sd, false), "most",
                                      value(facts->features[f].max, false)));
    return object;
}

bool songs_json_facts(const struct dy_catalogue_facts *facts)
{
    char checksum[17];
    snprintf(checksum, sizeof checksum, "%016llx", (unsigned long long)facts->identity);
    json_t *object = json_pack(
        "{s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "schema",
        SCHEMA, "checksum", checksum, "songs", (json_int_t)facts->songs, "recordings",
        (json_int_t)facts->recordings, "artists", (json_int_t)facts->artists, "genres",
        (json_int_t)facts->genres, "file_bytes", (json_int_t)facts->file_bytes, "tree", facts->tree,
        "with_year", (json_int_t)facts->with_year, "with_popularity",
        (json_int_t)facts->with_popularity, "with_genre", (json_int_t)facts->with_genre,
        "christmas", (json_int_t)facts->of_season, "first_year",
        number(facts->first_year != 0, facts->first_year), "last_year",
        number(facts->last_year != 0, facts->last_year), "features", statistics(facts));
    return print(object);
}
