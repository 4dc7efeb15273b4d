/* import_title.c: which recording a title names, and Christmas in many languages. */
#include "dy_test.h"
#include "import_title.h"

static struct dylumo_error err;
static struct import_season season;

static struct import_title read_title(const char *title)
{
    struct import_title out;
    struct dy_text text = {title, strlen(title)};
    assert_true(import_title_read(&season, text, &out));
    dy_free(out.folded);
    return out;
}

static void check_same(const char *a, const char *b, bool same)
{
    if ((read_title(a).recording == read_title(b).recording) != same)
        fail_msg("'%s' and '%s' are%s one recording", a, b, same ? " not" : "");
}

static void knows_one_recording(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {"Heroes", "Heroes - 2017 Remaster"},
        {"Heroes", "\"Heroes\" (Single Version)"},
        {"Heroes", "HEROES - Live At Earls Court - 2018 Remastered Version"},
        {"D\xC3\xA9j\xC3\xA0 Vu", "Deja Vu [Radio Edit]"},
        {"Brand New Man", "Brand New Man - with Luke Combs"},
        {"Airplanes", "Airplanes feat. Hayley Williams"},
        {"Airplanes", "Airplanes (feat. Hayley Williams) [Explicit]"},
        {"(Untitled)", "(untitled)"},
        {"Open (never closed", "Open"},
        {"!!!", "!!!"},
    };
    for (size_t i = 0; i < DY_COUNT(same); i++)
        check_same(same[i][0], same[i][1], true);
}

static void knows_two_recordings(void **state)
{
    (void)state;
    static const char *const different[][2] = {
        {"Symphony No. 5 - I. Allegro", "Symphony No. 5 - II. Andante"},
        {"Symphony No. 5 - I. Allegro - Live", "Symphony No. 5 - II. Andante - Live"},
        {"Echoes (Part 1)", "Echoes (Part 2)"},
        {"One", "Two"},
        {"!!!", "???"},
        {"Live", "Alive"},
        {"Well-Known", "Well"},
    };
    for (size_t i = 0; i < DY_COUNT(different); i++)
        check_same(different[i][0], different[i][1], false);
}

static void knows_the_season(void **state)
{
    (void)state;
    static const char *const yes[] = {
        "Last Christmas",
        "All I Want for Xmas Is You",
        "Feliz Navidad",
        "O Tannenbaum",
        "WEIHNACHTSLIED",
        "Petit Papa No\xC3\xABl",
        "Bianco Natale",
        "Jingle Bell Rock",
        "Sleigh Ride",
        "Christmas (Baby Please Come Home)",
        "Deck the Halls - Remastered",
        "\xE6\x81\x8B\xE4\xBA\xBA\xE3\x82\xAF\xE3\x83\xAA\xE3\x82\xB9\xE3\x83\x9E\xE3\x82\xB9",
        "Kol\xC4\x99"
        "da",
    };
    static const char *const no[] = {"July",   "Julia",    "Natalie", "Santana",
                                     "Silent", "Night",    "Noelle",  "Let It Be",
                                     "Snow",   "Xmasters", ""};
    for (size_t i = 0; i < DY_COUNT(yes); i++)
        if (!read_title(yes[i]).season)
            fail_msg("'%s' is not of the season", yes[i]);
    for (size_t i = 0; i < DY_COUNT(no); i++)
        if (read_title(no[i]).season)
            fail_msg("'%s' is of the season", no[i]);
}

static void bares_long_titles(void **state)
{
    (void)state;
    char title[4001];
    memset(title, 'x', 4000);
    memcpy(title + 3990, "(live) end", 11);
    struct import_title a = read_title(title);
    memcpy(title + 3990, "(demo) end", 11);
    assert_true(a.recording == read_title(title).recording);
}

static int make_season(void **state)
{
    (void)state;
    return import_season_init(&season, &err) ? -1 : 0;
}

static int clear_season(void **state)
{
    (void)state;
    import_season_clear(&season);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_one_recording),
        cmocka_unit_test(knows_two_recordings),
        cmocka_unit_test(knows_the_season),
        cmocka_unit_test(bares_long_titles),
    };
    return cmocka_run_group_tests(tests, make_season, clear_season);
}
