/* The page for people, byte for byte; widths, foreign names, and words for numbers. */
#include "dy_present.h"
#include "dy_test.h"

static struct dylumo_song made_up_songs[2] = {
    {.struct_size = sizeof(struct dylumo_song),
     .rank = 1,
     .id = "a1",
     .title = "A Title That Is Much Too Long For Its Column",
     .artist = "Kyu\xCC\x84 Sakamoto",
     .year = 1963,
     .match = 93.54,
     .why = "calmer than 70 % of songs"},
    {.struct_size = sizeof(struct dylumo_song),
     .rank = 2,
     .id = "b2",
     .title = "\xE4\xB8\x8A\xE3\x82\x92",
     .artist = "Evil\033[31m",
     .popularity = -1,
     .match = 7.2,
     .why = ""},
};

static struct dylumo_answer made_up_answer(void)
{
    struct dylumo_answer answer = {
        .struct_size = sizeof answer,
        .picture = "cat.jpg",
        .frames = 1,
        .mood = {.valence = 0.71,
                 .energy = 0.12,
                 .emotions = {0.3, 0.02, 0.1, 0.41, 0.1, 0.05, 0.02},
                 .sure = 0.43},
        .song_count = 2,
        .songs = made_up_songs,
    };
    return answer;
}

static void test_page(void **state)
{
    (void)state;
    struct dylumo_answer answer = made_up_answer();
    answer.note = "Only two.";
    char *text = dy_present_text(&answer, (struct dy_present_style){.columns = 80});
    assert_string_equal(
        text,
        "cat.jpg\n"
        "Rather happy and calm; most likely contentment 41 %, amusement 30 %.\n"
        "Happier than 71 % of pictures, livelier than 12 % (fairly sure).\n"
        "\n"
        "    song                                  artist                    year  match\n"
        " 1  A Title That Is Much Too Long For...  Ky\xC5\xAB Sakamoto              1963    93 %\n"
        "    calmer than 70 % of songs\n"
        " 2  \xE4\xB8\x8A\xE3\x82\x92                                  Evil [31m             "
        "             7 %\n"
        "\n"
        "Only two.\n");
    dy_free(text);
}

static void test_numbers_keep_their_sign(void **state)
{
    (void)state;
    struct dylumo_answer answer = made_up_answer();
    answer.song_count = 0;
    answer.note = "The line would be broken just here, where the number is, at 66 % or so";
    char *text = dy_present_text(&answer, (struct dy_present_style){.columns = 61});
    assert_non_null(strstr(text, "is, at\n66 % or so\n"));
    dy_free(text);
}

static void test_no_line_is_too_wide(void **state)
{
    (void)state;
    struct dylumo_answer answer = made_up_answer();
    char note[400];
    memset(note, 'x', sizeof note - 1); /* one word longer than any line */
    note[sizeof note - 1] = '\0';
    answer.note = note;
    for (unsigned columns = 10; columns < 130; columns += 7) {
        char *text = dy_present_text(&answer, (struct dy_present_style){.columns = columns});
        size_t limit = columns < 60 ? 60 : columns;
        for (const char *line = text; *line;) {
            size_t length = strcspn(line, "\n");
            assert_true(dy_text_columns(line, length) <= limit);
            assert_true(line[length] == '\n');
            line += length + 1;
        }
        dy_free(text);
    }
}

static void test_colours_only_where_asked(void **state)
{
    (void)state;
    struct dylumo_answer answer = made_up_answer();
    char *plain = dy_present_text(&answer, (struct dy_present_style){.columns = 80});
    char *colour =
        dy_present_text(&answer, (struct dy_present_style){.columns = 80, .colour = true});
    assert_null(strchr(plain, '\033'));
    assert_non_null(strstr(colour, "\033[1mcat.jpg\033[0m"));
    assert_null(strstr(colour, "\033[31m"));
    dy_free(plain);
    dy_free(colour);
}

static void test_mood_words(void **state)
{
    (void)state;
    static const struct {
        double valence, energy;
        const char *words;
    } cases[] = {
        {0.9, 0.9, "happy and lively"},
        {0.1, 0.9, "sad but lively"},
        {0.1, 0.1, "sad and calm"},
        {0.7, 0.5, "rather happy, neither calm nor lively"},
        {0.5, 0.3, "rather calm, neither happy nor sad"},
        {0.5, 0.5, "balanced: neither happy nor sad, neither calm nor lively"},
    };
    for (size_t i = 0; i < DY_COUNT(cases); i++) {
        char words[128];
        dy_present_mood_words(cases[i].valence, cases[i].energy, words, sizeof words);
        assert_string_equal(words, cases[i].words);
    }
    assert_string_equal(dy_present_sure_words(0.9), "sure");
}

static enum dylumo_status present_once(void *user)
{
    struct dylumo_answer answer = made_up_answer();
    (void)user;
    char *text = dy_present_text(&answer, (struct dy_present_style){.columns = 80});
    enum dylumo_status st = text ? DYLUMO_OK : DYLUMO_NO_MEMORY;
    dy_free(text);
    return st;
}

static void test_failing_memory(void **state)
{
    (void)state;
    test_every_allocation(present_once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_numbers_keep_their_sign),
        cmocka_unit_test(test_no_line_is_too_wide),
        cmocka_unit_test(test_colours_only_where_asked),
        cmocka_unit_test(test_mood_words),
        cmocka_unit_test(test_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
