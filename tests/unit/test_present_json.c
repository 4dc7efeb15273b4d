/* The JSON object, byte for byte: members in their order, numbers as numbers, null for what is not
 * known, and text that cannot break it. */
#include "dy_present.h"
#include "dy_test.h"

#include <math.h>
#include <stdlib.h>

static struct dylumo_song made_up_song = {
    .struct_size = sizeof(struct dylumo_song),
    .rank = 1,
    .id = "5Qzz",
    .title = "Say \"hi\"\n\\",
    .artist = "Broken \xFF byte",
    .year = 0,
    .popularity = -1,
    .match = 93.549,
    .why = "calm",
    .features = {0.1F, 0.2F, 9, -7.123F, 1, 0.0403F, 1.23e-5F, 0, 1, 0.5, 119.988F, 210333, 4},
};
static const struct dylumo_parts parts = {
    .struct_size = sizeof parts, .model = "lite2", .songs = 20498};

static struct dylumo_answer made_up_answer(void)
{
    struct dylumo_answer answer = {
        .struct_size = sizeof answer,
        .picture = "cat.jpg",
        .mood = {.valence = 0.712345,
                 .energy = 0.1,
                 .emotions = {1. / 3, 0, 0, 2. / 3, 0, 0, 0},
                 .features = {0.5, 0.5, 5.25, -8.12345, 0.66666, 0, 0, 0, 0, 0, 120, 1234.5, 4},
                 .places = {0.25, 0.1, [DYLUMO_VALENCE] = 0.71234},
                 .sure = 0.8},
        .song_count = 1,
        .songs = &made_up_song,
    };
    return answer;
}

static void test_object(void **state)
{
    (void)state;
    struct dylumo_answer answer = made_up_answer();
    char *text = dy_present_json(&answer, &parts, false);
    assert_string_equal(
        text,
        "{\"schema\": 1, \"picture\": \"cat.jpg\", \"mood\": {\"valence\": 0.7123, \"energy\": "
        "0.1, "
        "\"features\": {\"danceability\": 0.5, \"energy\": 0.5, \"key\": 5.25, "
        "\"loudness\": -8.1235, \"mode\": 0.6667, \"speechiness\": 0.0, \"acousticness\": 0.0, "
        "\"instrumentalness\": 0.0, \"liveness\": 0.0, \"valence\": 0.0, \"tempo\": 120.0, "
        "\"duration_ms\": 1235, \"time_signature\": 4}, "
        "\"places\": {\"danceability\": 0.25, \"energy\": 0.1, \"key\": 0.0, \"loudness\": 0.0, "
        "\"mode\": 0.0, \"speechiness\": 0.0, \"acousticness\": 0.0, \"instrumentalness\": 0.0, "
        "\"liveness\": 0.0, \"valence\": 0.7123, \"tempo\": 0.0, \"duration_ms\": 0.0, "
        "\"time_signature\": 0.0}, "
        "\"emotions\": {\"amusement\": 0.3333, \"anger\": 0.0, \"awe\": 0.0, "
        "\"contentment\": 0.6667, \"excitement\": 0.0, \"fear\": 0.0, \"sadness\": 0.0}, "
        "\"sure\": 0.8}, "
        "\"songs\": [{\"rank\": 1, \"id\": \"5Qzz\", \"title\": \"Say \\\"hi\\\" \\\\\", "
        "\"artist\": \"Broken \xEF\xBF\xBD byte\", \"year\": null, \"genre\": null, "
        "\"popularity\": null, \"match\": 93.5, \"why\": \"calm\", "
        "\"features\": {\"danceability\": 0.1, \"energy\": 0.2, \"key\": 9, \"loudness\": -7.123, "
        "\"mode\": 1, \"speechiness\": 0.0403, \"acousticness\": 1.23e-5, "
        "\"instrumentalness\": 0.0, \"liveness\": 1.0, \"valence\": 0.5, \"tempo\": 119.988, "
        "\"duration_ms\": 210333, \"time_signature\": 4}, \"url\": null}], "
        "\"model\": \"lite2\", \"catalogue\": {\"songs\": 20498}}");
    free(text);
}

static void test_note_and_timing(void **state)
{
    (void)state;
    struct dylumo_answer answer = made_up_answer();
    answer.picture = NULL;
    answer.note = "fewer";
    answer.times.encode = 12.34567;
    char *text = dy_present_json(&answer, &parts, true);
    assert_non_null(strstr(text, "\"picture\": null"));
    assert_non_null(strstr(text, "\"note\": \"fewer\", \"ms\": {\"read\": 0.0"));
    assert_non_null(strstr(text, "\"encode\": 12.346"));
    free(text);
}

static void test_error(void **state)
{
    (void)state;
    struct dylumo_error err = {.status = DYLUMO_BAD_PICTURE, .text = "x: is text"};
    char *text = dy_present_json_error("x", &err);
    assert_string_equal(text, "{\"schema\": 1, \"picture\": \"x\", \"error\": "
                              "{\"status\": \"bad-picture\", \"text\": \"x: is text\"}}");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_object),
        cmocka_unit_test(test_note_and_timing),
        cmocka_unit_test(test_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
