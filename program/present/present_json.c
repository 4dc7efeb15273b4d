/* An answer as JSON, by jansson. A member, once there, keeps its meaning under "schema": 1; new
 * ones may join. Numbers made by the mood are rounded to what they can carry; a song's features are
 * the catalogue's own, in the six digits that a float holds. */
#include "dy_present.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

enum { SCHEMA = 1, DIGITS = 6 };

static double rounded(double number, double steps)
{
    return round(number * steps) / steps;
}

/* A string of foreign bytes, cleaned; null for NULL. NULL without memory. */
static json_t *name(const char *text)
{
    if (!text)
        return json_null();
    char *clean = dy_text_clean(text, strlen(text), NULL);
    json_t *value = clean ? json_string(clean) : NULL;
    dy_free(clean);
    return value;
}

static json_t *integer_unless(bool unknown, long long number)
{
    return unknown ? json_null() : json_integer(number);
}

/* json_object_set_new, remembering failure in *good; value may be NULL. */
static void set(json_t *object, const char *key, json_t *value, bool *good)
{
    if (!value || json_object_set_new(object, key, value))
        *good = false;
}

/* object when all that went into it did, else NULL. */
static json_t *kept(json_t *object, bool good)
{
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *features(const double *values, double steps)
{
    json_t *object = json_object();
    bool good = object;
    for (int i = 0; good && i < DYLUMO_FEATURE_COUNT; i++) {
        const struct dylumo_feature_info *info = dylumo_feature_info((enum dylumo_feature)i);
        double value = info->max > 1000 ? round(values[i])
                       : steps > 0      ? rounded(values[i], steps)
                                        : values[i];
        bool whole = info->whole && value == floor(value);
        set(object, info->name, whole ? json_integer((json_int_t)value) : json_real(value), &good);
    }
    return kept(object, good);
}

static json_t *places(const double *shares)
{
    json_t *object = json_object();
    bool good = object;
    for (int i = 0; good && i < DYLUMO_FEATURE_COUNT; i++)
        set(object, dylumo_feature_info((enum dylumo_feature)i)->name,
            json_real(rounded(shares[i], 1e4)), &good);
    return kept(object, good);
}

static json_t *emotions(const double *probabilities)
{
    json_t *object = json_object();
    bool good = object;
    for (int i = 0; good && i < DYLUMO_EMOTION_COUNT; i++)
        set(object, dylumo_emotion_name((enum dylumo_emotion)i),
            json_real(rounded(probabilities[i], 1e4)), &good);
    return kept(object, good);
}

static json_t *mood(const struct dylumo_mood *mood)
{
    json_t *object = json_object();
    bool good = object;
    if (good) {
        set(object, "valence", json_real(rounded(mood->valence, 1e4)), &good);
        set(object, "energy", json_real(rounded(mood->energy, 1e4)), &good);
        set(object, "features", features(mood->features, 1e4), &good);
        set(object, "places", places(mood->places), &good);
        set(object, "emotions", emotions(mood->emotions), &good);
        set(object, "sure", json_real(rounded(mood->sure, 1e4)), &good);
    }
    return kept(object, good);
}

static json_t *song(const struct dylumo_song *song)
{
    json_t *object = json_object();
    bool good = object;
    if (good) {
        set(object, "rank", json_integer(song->rank), &good);
        set(object, "id", name(song->id), &good);
        set(object, "title", name(song->title), &good);
        set(object, "artist", name(song->artist), &good);
        set(object, "year", integer_unless(!song->year, song->year), &good);
        set(object, "genre", name(song->genre), &good);
        set(object, "popularity", integer_unless(song->popularity < 0, song->popularity), &good);
        set(object, "match", isnan(song->match) ? json_null() : json_real(rounded(song->match, 10)),
            &good);
        set(object, "why", name(song->why), &good);
        set(object, "features", features(song->features, 0), &good);
        set(object, "url", name(song->url), &good);
    }
    return kept(object, good);
}

static json_t *songs(const struct dylumo_song *list, size_t count)
{
    json_t *array = json_array();
    bool good = array;
    for (size_t i = 0; good && i < count; i++) {
        json_t *one = song(&list[i]);
        good = one && !json_array_append_new(array, one);
    }
    return kept(array, good);
}

static json_t *times(const struct dylumo_times *times)
{
    const struct {
        const char *name;
        double ms;
    } steps[] = {{"read", times->read},     {"decode", times->decode}, {"resize", times->resize},
                 {"encode", times->encode}, {"mood", times->mood},     {"search", times->search},
                 {"total", times->total}};
    json_t *object = json_object();
    bool good = object;
    for (size_t i = 0; good && i < DY_COUNT(steps); i++)
        set(object, steps[i].name, json_real(rounded(steps[i].ms, 1e3)), &good);
    return kept(object, good);
}

/* Takes object, which may be NULL. */
static char *dumped(json_t *object)
{
    char *text = object ? json_dumps(object, JSON_REAL_PRECISION(DIGITS)) : NULL;
    json_decref(object);
    return text;
}

char *dy_present_json(const struct dylumo_answer *answer, const struct dylumo_parts *parts,
                      bool timing)
{
    json_t *object = json_object();
    json_t *catalogue = json_object();
    bool good = object && catalogue;
    if (good) {
        set(catalogue, "songs", json_integer((json_int_t)parts->songs), &good);
        set(object, "schema", json_integer(SCHEMA), &good);
        set(object, "picture", name(answer->picture), &good);
        set(object, "mood", mood(&answer->mood), &good);
        set(object, "songs", songs(answer->songs, answer->song_count), &good);
        if (answer->note)
            set(object, "note", name(answer->note), &good);
        if (timing)
            set(object, "ms", times(&answer->times), &good);
        set(object, "model", name(parts->model), &good);
        set(object, "catalogue", json_incref(catalogue), &good);
    }
    json_decref(catalogue);
    return dumped(kept(object, good));
}

char *dy_present_songs_json(const struct dylumo_song *one, const struct dylumo_song *list,
                            size_t count)
{
    json_t *object = json_object();
    bool good = object;
    if (good)
        set(object, "schema", json_integer(SCHEMA), &good);
    if (good && one)
        set(object, "song", song(one), &good);
    if (good && list)
        set(object, "songs", songs(list, count), &good);
    return dumped(kept(object, good));
}

char *dy_present_json_error(const char *picture, const struct dylumo_error *err)
{
    json_t *object = json_object();
    json_t *error = json_object();
    bool good = object && error;
    if (good) {
        set(error, "status", json_string(dylumo_status_name(err->status)), &good);
        set(error, "text", name(err->text), &good);
        set(object, "schema", json_integer(SCHEMA), &good);
        set(object, "picture", name(picture), &good);
        set(object, "error", json_incref(error), &good);
    }
    json_decref(error);
    return dumped(kept(object, good));
}
