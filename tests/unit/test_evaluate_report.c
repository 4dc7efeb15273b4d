/* evaluate_text.c, evaluate_json.c, evaluate_html.c on a small made-up result: all of it is said,
 * names are escaped, nothing is fetched, a full disk is an error. */
#include "dy_evaluate.h"
#include "dy_test.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#define N 240

static struct dylumo_error err;
static const char *names[N];
static const char *const set_names[] = {"rated <&\">", "worded"};
static double valence[N], arousal[N], good[N], noise[N];
static uint8_t emotion[N], set[N];
static struct dy_fit_pictures pictures = {N, names, valence, arousal, emotion, set, set_names, 2};
static const struct dy_fit_ranking rankings[] = {
    {"dylumo", {{{good, good}}, {{good, noise}}, {{good, good}}}, {1, 1, 1}},
    {"random songs", {{{noise, noise}}, {{noise, noise}}}, {1, 1, 0}},
};
static struct dy_fit_report report;

static void fill_emotions(struct dy_fit_emotions *e)
{
    e->pictures = N / 2;
    e->accuracy = (struct dy_figure){0.5712, 0.55, 0.59};
    e->calibration = (struct dy_figure){0.0421, 0.03, 0.05};
    e->class_calibration = 0.03;
    for (size_t b = 3; b < DY_CALIBRATION_BINS; b++) {
        e->bins.weight[b] = 1.0 / (double)b;
        e->bins.confidence[b] = ((double)b + 0.5) / DY_CALIBRATION_BINS;
        e->bins.right[b] = ((double)b - 0.1) / DY_CALIBRATION_BINS;
    }
    for (size_t i = 0; i < DYLUMO_EMOTION_COUNT * DYLUMO_EMOTION_COUNT; i++)
        e->confusion[i] = i % (DYLUMO_EMOTION_COUNT + 1) == 0 ? 0.7 : 0.05;
}

static int fill(void **state)
{
    (void)state;
    struct dy_evaluate_random random = {3};
    for (size_t i = 0; i < N; i++) {
        names[i] = i ? "photos/a <b>.jpg" : "photos/\"quoted\".jpg";
        set[i] = i >= N / 2;
        noise[i] = (double)dy_evaluate_random_below(&random, 1000) / 1000.0;
        good[i] = (double)(i % 120) / 120.0 + 0.3 * noise[i];
        valence[i] = set[i] ? (double)NAN : (double)(i % 120);
        arousal[i] = set[i] ? (double)NAN : (double)(i % 120);
        emotion[i] = set[i] ? (uint8_t)(i % 8) : DY_FIT_NO_EMOTION;
    }
    report.pictures = &pictures;
    report.rankings = rankings;
    report.songs_each = 10;
    report.variety_draws = 1;
    dy_fit_report_fact(&report, "encoder", "lite%d", 2);
    assert_ok(dy_fit_table_fill(&report.table, &pictures, rankings, 2, 60, 1, NULL, &err));
    report.variety = dy_new_array(2, sizeof *report.variety);
    assert_non_null(report.variety);
    report.variety[0] = (struct dy_variety){2400, 2200, 4, 7, 4, 0.97, 900, {2050, 110, 35, 5}};
    report.variety[1] =
        (struct dy_variety){2400, 80, 598, 7, 598, 0.9, 70, {0, 0, 0, 0, 9, 20, 40, 9, 1, 1}};
    fill_emotions(&report.emotions[1]);
    report.features.pairs = 1234;
    for (size_t f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        report.features.r2[f] = 0.03 * (double)f - 0.02;
    report.features.mae_score[DYLUMO_TEMPO] = 0.75;
    report.features.mae[DYLUMO_TEMPO] = 23.5;
    report.example_count = 1;
    report.best[0] = (struct dy_fit_example){0, 0.2, {0.9, 0.8}, {0.95, 0.7}, {0}};
    report.best[0].titles[0] = dy_strdup("The Singers: <One> & Two");
    report.worst[0] = (struct dy_fit_example){1, -0.2, {0.9, -1}, {0.05, -1}, {0}};
    return 0;
}

static int clear(void **state)
{
    (void)state;
    dy_fit_report_clear(&report);
    return 0;
}

typedef enum dylumo_status (*form)(const struct dy_fit_report *, FILE *, struct dylumo_error *);

static char *text_of(form write)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_ok(write(&report, out, &err));
    fclose(out);
    return text;
}

static void text_says_all(void **state)
{
    (void)state;
    char *text = text_of(dy_fit_report_text);
    static const char *const wanted[] = {
        "encoder               lite2",
        "valence fit",
        "positive vs negative",
        "people's judgement",
        "before any song",
        "random songs",
        "How varied the songs are",
        ".917",
        "598",
        "Emotions of worded",
        ".571 .55:.59",
        ".042 .03:.05",
        "on 1,234 held-out pairs",
        "instrumentalness",
        ".750         23.5",
        "dylumo does not beat random songs",
    };
    for (size_t i = 0; i < DY_COUNT(wanted); i++)
        if (!strstr(text, wanted[i]))
            fail_msg("\"%s\" is missing in:\n%s", wanted[i], text);
    free(text);
}

static void json_is_json(void **state)
{
    (void)state;
    char *text = text_of(dy_fit_report_json);
    json_error_t where;
    json_t *root = json_loads(text, 0, &where);
    assert_non_null(root);
    json_t *ranking = json_array_get(json_object_get(root, "rankings"), 0);
    assert_string_equal(json_string_value(json_object_get(ranking, "name")), "dylumo");
    json_t *fits = json_object_get(ranking, "fits");
    assert_int_equal(json_array_size(fits), report.table.column_count);
    json_t *figure = json_object_get(json_array_get(fits, 0), "figure");
    assert_int_equal(json_array_size(figure), 3);
    assert_true(fabs(json_real_value(json_array_get(figure, 0)) - report.table.figures[0].value) <
                1e-5);
    json_t *variety = json_object_get(ranking, "variety");
    assert_int_equal(json_integer_value(json_object_get(variety, "most")), 4);
    json_decref(root);
    free(text);
}

static size_t count_of(const char *text, const char *piece)
{
    size_t count = 0, length = strlen(piece);
    for (size_t i = 0; text[i]; i++)
        count += strncmp(text + i, piece, length) == 0;
    return count;
}

static void page_stands_alone(void **state)
{
    (void)state;
    char *text = text_of(dy_fit_report_html);
    static const char *const never[] = {"http", "<script", "@import", "url(",  "<link",
                                        "src=", "nan",     "inf",     "<One>", "a <b>"};
    for (size_t i = 0; i < DY_COUNT(never); i++)
        if (strstr(text, never[i]))
            fail_msg("\"%s\" is in the page: %.60s", never[i], strstr(text, never[i]));
    static const char *const tags[] = {"svg", "div", "table", "p",      "h2",
                                       "h3",  "dl",  "ul",    "details"};
    for (size_t i = 0; i < DY_COUNT(tags); i++) {
        char open[16], open_with[16], close[16];
        snprintf(open, sizeof open, "<%s>", tags[i]);
        snprintf(open_with, sizeof open_with, "<%s ", tags[i]);
        snprintf(close, sizeof close, "</%s>", tags[i]);
        assert_int_equal(count_of(text, open) + count_of(text, open_with), count_of(text, close));
    }
    assert_non_null(strstr(text, "rated &lt;&amp;&quot;&gt;"));
    assert_non_null(strstr(text, "The Singers: &lt;One&gt; &amp; Two"));
    free(text);
}

static void pictures_are_put_in_when_asked(void **state)
{
    (void)state;
    char *folder = test_folder_new();
    const char *path = test_path(folder, "p.bin");
    test_write_file(path, "Man", 3);
    names[0] = path;
    report.thumbnails = true;
    char *text = text_of(dy_fit_report_html);
    assert_non_null(strstr(text, "src=\"data:;base64,TWFu\""));
    free(text);
    test_write_file(path, "Ma", 2);
    text = text_of(dy_fit_report_html);
    assert_non_null(strstr(text, "src=\"data:;base64,TWE=\""));
    free(text);
    report.thumbnails = false;
    names[0] = "photos/\"quoted\".jpg";
    test_folder_remove(folder);
}

static void a_full_disk_is_said(void **state)
{
    (void)state;
    static const form forms[] = {dy_fit_report_text, dy_fit_report_json, dy_fit_report_html};
    for (size_t i = 0; i < DY_COUNT(forms); i++) {
        FILE *out = fopen("/dev/full", "w");
        if (!out)
            skip();
        assert_fails(forms[i](&report, out, &err), DYLUMO_IO, "cannot be written");
        fclose(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_says_all),       cmocka_unit_test(json_is_json),
        cmocka_unit_test(page_stands_alone),   cmocka_unit_test(pictures_are_put_in_when_asked),
        cmocka_unit_test(a_full_disk_is_said),
    };
    return cmocka_run_group_tests(tests, fill, clear);
}
