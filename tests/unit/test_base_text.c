/* base_text.c: UTF-8 checked, cleaned and folded. */
#include "dy_test.h"

#include <string.h>

static void check_fold(const char *text, const char *expected)
{
    char *folded = dy_text_fold(text, strlen(text));
    assert_non_null(folded);
    assert_string_equal(folded, expected);
    dy_free(folded);
}

static void check_clean(const char *text, size_t size, const char *expected)
{
    size_t length = 0;
    char *clean = dy_text_clean(text, size, &length);
    assert_non_null(clean);
    assert_string_equal(clean, expected);
    assert_int_equal(length, strlen(expected));
    dy_free(clean);
}

static void folds_case_accents_and_signs(void **state)
{
    (void)state;
    check_fold("Hello,  World!", "hello world");
    check_fold("Beyonce\xCC\x81 - L\xC3\x89O!", "beyonce leo");
    check_fold("Beyonc\xC3\xA9", "beyonce");
    check_fold("Stra\xC3\x9F"
               "e",
               "strasse");
    check_fold("\xEF\xBC\xA1\xEF\xBC\xA2", "ab"); /* full-width letters */
    check_fold("!!!", "!!!");
    check_fold("\xE2\x99\xA5", "\xE2\x99\xA5"); /* a heart alone stays */
    check_fold("", "");
    check_fold("\xD0\x9C\xD0\xB8\xD1\x80", "\xD0\xBC\xD0\xB8\xD1\x80");
}

/* The short ways against the long one, which U+0301 behind (clean) and U+212B before (fold) bring
 * about: every character by itself and beside a letter. */
static void short_ways_agree_with_long_ones(void **state)
{
    (void)state;
    for (unsigned c = 0x80; c < 0xD800; c++) {
        char one[8];
        size_t size = 0;
        if (c >= 0x800)
            one[size++] = (char)(0xE0 | c >> 12);
        one[size++] = (char)(c >= 0x800 ? 0x80 | (c >> 6 & 63) : 0xC0 | c >> 6);
        one[size++] = (char)(0x80 | (c & 63));
        char brief[16], at_length[24];
        snprintf(brief, sizeof brief, "x%.*sy", (int)size, one);
        snprintf(at_length, sizeof at_length, "%s e\xCC\x81", brief);
        char *short_clean = dy_text_clean(brief, strlen(brief), NULL);
        char *long_clean = dy_text_clean(at_length, strlen(at_length), NULL);
        assert_memory_equal(short_clean, long_clean, strlen(short_clean));
        snprintf(at_length, sizeof at_length, "\xE2\x84\xAB %s", brief); /* U+212B folds to a */
        char *short_fold = dy_text_fold(brief, strlen(brief));
        char *long_fold = dy_text_fold(at_length, strlen(at_length));
        if (strcmp(long_fold + 2, short_fold) != 0)
            fail_msg("U+%04X: '%s' and '%s'", c, short_fold, long_fold);
        dy_free(short_clean);
        dy_free(long_clean);
        dy_free(short_fold);
        dy_free(long_fold);
    }
}

static void cleans_controls_and_broken_bytes(void **state)
{
    (void)state;
    check_clean("a\x1b[31mb", 7, "a [31mb");
    check_clean("a\xFF"
                "b",
                3,
                "a\xEF\xBF\xBD"
                "b");
    check_clean("e\xCC\x81", 3, "\xC3\xA9");
    check_clean("a\xE2\x80\xAE"
                "b",
                5, "a b"); /* right-to-left override */
    check_clean("\0x", 2, " x");
    check_clean("", 0, "");
}

static void knows_well_formed_text(void **state)
{
    (void)state;
    assert_true(dy_text_valid("", 0));
    assert_true(dy_text_valid("\xC3\xA9", 2));
    assert_false(dy_text_valid("\xC3", 1));
    assert_false(dy_text_valid("\xC0\x80", 2));
    assert_false(dy_text_valid("\xED\xA0\x80", 3));
}

static void measures_columns(void **state)
{
    (void)state;
    assert_int_equal(dy_text_columns("abc", 3), 3);
    assert_int_equal(dy_text_columns("\xE6\x97\xA5\xE6\x9C\xAC", 6), 4);
    assert_int_equal(dy_text_columns("e\xCC\x81", 3), 1);
    assert_int_equal(dy_text_prefix("\xE6\x97\xA5\xE6\x9C\xAC", 6, 3), 3);
    assert_int_equal(dy_text_prefix("abc", 3, 5), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_case_accents_and_signs),
        cmocka_unit_test(short_ways_agree_with_long_ones),
        cmocka_unit_test(cleans_controls_and_broken_bytes),
        cmocka_unit_test(knows_well_formed_text),
        cmocka_unit_test(measures_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
