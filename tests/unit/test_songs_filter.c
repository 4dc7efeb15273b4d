/* songs_filter*.c: what passes, against asking every song; mistakes and their places. */
#include "dy_songs.h"
#include "dy_test.h"
#include "test_songs.h"

#include <stdlib.h>

static struct dylumo_error err;
static struct dy_songs *songs; /* the starter catalogue's file of the build */

static bool folded_is(struct dy_text text, const char *wanted, bool word)
{
    char *folded = dy_text_fold(text.bytes, text.size), padded[5000], looked_for[100];
    assert_non_null(folded);
    snprintf(padded, sizeof padded, " %s ", folded);
    snprintf(looked_for, sizeof looked_for, " %s ", wanted);
    bool is = word ? strstr(padded, looked_for) != NULL : !strcmp(folded, wanted);
    dy_free(folded);
    return is;
}

/* ------------------------------------------------------------------ what passes */

#define PASSES(name, condition)               \
    static bool name(const struct dy_song *s) \
    {                                         \
        const double *f = s->features;        \
        (void)f;                              \
        return condition;                     \
    }
PASSES(p_year, s->year >= 1990)
PASSES(p_sixties, s->year >= 1960 && s->year <= 1969)
PASSES(p_not_year, !(s->year < 2000))
PASSES(p_popular, s->popularity > 80)
PASSES(p_energy, (float)f[DYLUMO_ENERGY] <= 0.573f && (float)f[DYLUMO_ENERGY] > 0.5f)
PASSES(p_duration, f[DYLUMO_DURATION_MS] < 150000)
PASSES(p_length, f[DYLUMO_DURATION_MS] <= 200500)
PASSES(p_key, f[DYLUMO_KEY] == 1 || f[DYLUMO_KEY] == 10 || f[DYLUMO_KEY] == 0)
PASSES(p_minor, f[DYLUMO_MODE] == 0)
PASSES(p_not_key, f[DYLUMO_KEY] != 7)
PASSES(p_genre, folded_is(s->genre, "pop", false) || folded_is(s->genre, "hip hop", false))
PASSES(p_genre_has, folded_is(s->genre, "rock", true))
PASSES(p_genre_unknown, s->genre.size == 0)
PASSES(p_artist, folded_is(s->artist, "beyonce", false))
PASSES(p_artist_has, folded_is(s->artist, "the", true))
PASSES(p_love, folded_is(s->title, "love", true))
PASSES(p_love_you, folded_is(s->title, "love", true) && folded_is(s->title, "you", true))
PASSES(p_titled, folded_is(s->title, "yesterday", false))
PASSES(p_accents, folded_is(s->title, "deja", true))
PASSES(p_a, folded_is(s->title, "a", true))
PASSES(p_mix, s->year >= 1980 && (folded_is(s->title, "love", true) || s->popularity > 70) &&
                  !folded_is(s->genre, "pop", false))
PASSES(p_few, s->year == 1973 && folded_is(s->title, "love", true))
PASSES(p_none, s->year > 30000)

static void marks_what_passes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool (*passes)(const struct dy_song *);
    } cases[] = {
        {"year>=1990", p_year},
        {"YEAR >= 1990", p_year},
        {"not year<1990", p_year},
        {"year in 1960..1969", p_sixties},
        {"year=1960..1969", p_sixties},
        {"year in (1960..1964, 1965..1969)", p_sixties},
        {"year >= 2e3", p_not_year},
        {"year in 2000..", p_not_year},
        {"popularity>80", p_popular},
        {"popularity > 80.5 or popularity = 81", p_popular},
        {"energy<=0.573 and energy>.5", p_energy},
        {"duration<2:30", p_duration},
        {"duration_ms < 150000", p_duration},
        {"duration <= 200.5", p_length},
        {"key in (C#, Bb, C)", p_key},
        {"mode=minor", p_minor},
        {"key != G", p_not_key},
        {"genre in (Pop, \"hip-hop\")", p_genre},
        {"genre has rock", p_genre_has},
        {"genre = unknown", p_genre_unknown},
        {"artist=BEYONC\xC3\x89", p_artist},
        {"artist has the", p_artist_has},
        {"title has Love", p_love},
        {"title has (love, love you)", p_love},
        {"title has love you", p_love_you},
        {"title = 'Yesterday'", p_titled},
        {"title has d\xC3\xA9j\xC3\xA0", p_accents},
        {"title has a", p_a},
        {"year>=1980 and (title has love or popularity>70) and not genre=pop", p_mix},
        {"title has love and year=1973", p_few},
        {"year>30000", p_none},
    };
    for (size_t c = 0; c < DY_COUNT(cases); c++) {
        uint64_t *allowed;
        size_t count, expected = 0;
        assert_ok(dy_songs_filter(songs, cases[c].text, &allowed, &count, &err));
        for (size_t i = 0; i < dy_songs_count(songs); i++) {
            struct dy_song song;
            dy_songs_read(songs, i, &song);
            bool passes = cases[c].passes(&song);
            expected += passes;
            if ((allowed[i / 64] >> (i % 64) & 1) != passes)
                fail_msg("%s: '%.*s' by '%.*s', %d", cases[c].text, (int)song.title.size,
                         song.title.bytes, (int)song.artist.size, song.artist.bytes, song.year);
        }
        assert_int_equal(count, expected);
        dy_free(allowed);
    }
}

static void finds_ids(void **state)
{
    (void)state;
    struct dy_text a = dy_songs_id(songs, 17), b = dy_songs_id(songs, 20000);
    char text[200];
    snprintf(text, sizeof text, "id in (%.22s, nobody, %.22s)", a.bytes, b.bytes);
    uint64_t *allowed;
    size_t count;
    assert_ok(dy_songs_filter(songs, text, &allowed, &count, &err));
    assert_int_equal(count, 2);
    assert_true(allowed[0] >> 17 & 1);
    dy_free(allowed);
    snprintf(text, sizeof text, "id != %.22s", a.bytes);
    assert_ok(dy_songs_filter(songs, text, &allowed, &count, &err));
    assert_int_equal(count, dy_songs_count(songs) - 1);
    dy_free(allowed);
}

/* ------------------------------------------------------------------ mistakes */

static void points_at_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"", "character 1: expected year, genre"},
        {"year", "character 5: expected '=', '!='"},
        {"year>=and", "character 7: expected a number, found 'and'"},
        {"year>=1990 genre=jazz", "character 12: expected 'and', 'or' or the end, found 'genre'"},
        {"jahr=1990", "character 1: expected year, genre"},
        {"(year=1990", "expected 'and', 'or' or ')'"},
        {"year=1990)", "character 10: expected 'and', 'or' or the end, found ')'"},
        {"genre in (jazz soul, ", "character 22: expected text, found its end"},
        {"artist='x", "character 8: expected text whose quote is closed"},
        {"artist<x", "character 7: expected '=', '!=', 'has' or 'in'"},
        {"key=H", "character 5: expected a key"},
        {"mode=3x", "major or minor"},
        {"energy=..", "expected a number"},
        {"energy=0x1", "expected a number"},
        {"artist=\xC3\xA9\xC3\xA9 and tempo>x", "character 21: expected a number, found 'x'"},
        {"not", "character 4: expected year"},
        {"year has 3", "character 6"},
    };
    for (size_t c = 0; c < DY_COUNT(cases); c++) {
        uint64_t *allowed;
        size_t count;
        assert_fails(dy_songs_filter(songs, cases[c].text, &allowed, &count, &err),
                     DYLUMO_BAD_ARGUMENT, cases[c].said);
    }
}

/* Pieces of the grammar in any order: an answer or a sentence, never a crash. */
static void survives_any_text(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "year", ">=",       "1990", " and ", " or ",    "not ", "(",    ")",  ",",   "genre", "=",
        "jazz", " has ",    " in ", "title", "love",    "'",    "\"",   "..", "key", "C#",    "-",
        "id",   "\xC3\xA9", "\xFF", "1e999", "unknown", "4:30", "mode", "!",  "<",   " "};
    uint64_t random = 9;
    for (int i = 0; i < 3000; i++) {
        char text[400] = "";
        for (uint64_t n = 1 + test_random(&random) % 14; n > 0; n--)
            strcat(text, pieces[test_random(&random) % DY_COUNT(pieces)]);
        uint64_t *allowed;
        size_t count;
        if (!dy_songs_filter(songs, text, &allowed, &count, &err))
            dy_free(allowed);
    }
    uint64_t *none;
    size_t passing; /* signs alone are folded as they stand, with all their blanks */
    assert_ok(
        dy_songs_filter(songs, "title has '!  *' or artist has '*  !'", &none, &passing, &err));
    dy_free(none);
    char deep[3000];
    memset(deep, '(', 2999);
    deep[2999] = '\0';
    uint64_t *allowed;
    size_t count;
    assert_fails(dy_songs_filter(songs, deep, &allowed, &count, &err), DYLUMO_BAD_ARGUMENT,
                 "fewer brackets");
}

static enum dylumo_status filter_once(void *user)
{
    uint64_t *allowed;
    size_t count;
    enum dylumo_status st = dy_songs_filter(songs, user, &allowed, &count, &err);
    if (!st)
        dy_free(allowed);
    return st;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    char text[] = "(genre=jazz or artist has x) and not title has love and id in (a, b)";
    test_every_allocation(filter_once, text);
}

static int open_starter(void **state)
{
    (void)state;
    char path[600];
    snprintf(path, sizeof path, "%s/share/dylumo/songs.dylumo", getenv("DYLUMO_BUILD"));
    return dy_songs_open(&songs, path, &err) ? -1 : 0;
}

static int close_starter(void **state)
{
    (void)state;
    dy_songs_close(songs);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_what_passes),
        cmocka_unit_test(finds_ids),
        cmocka_unit_test(points_at_mistakes),
        cmocka_unit_test(survives_any_text),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, open_starter, close_starter);
}
