/* evaluate_catalogue.c, evaluate_answer.c, evaluate_plain.c, evaluate_draws.c and evaluate_run.c on
 * a made-up catalogue: answers keep the rules, parts are catalogues of their own, a mood that knows
 * the truth gets a perfect fit, hostile tables are refused. */
#include "dy_evaluate.h"
#include "dy_rank.h"
#include "dy_test.h"
#include "test_songs.h"

#include <math.h>
#include <stdlib.h>

#define SONGS 1500
#define N 160
#define EACH DY_FIT_SONGS_EACH

static struct dylumo_error err;
static char *folder;
static struct dy_mood_model *model;
static struct dy_songs *songs;
static struct dy_fit_catalogue catalogue;
static struct dy_mood moods[N];
static struct dy_fit_moods all_moods;
static float plain[N * DYLUMO_FEATURE_COUNT];
static double valence[N], arousal[N];
static uint8_t emotion[N], set[N];
static const char *names[N];
static const char *const set_names[] = {"rated", "worded"};
static struct dy_fit_pictures pictures = {N, names, valence, arousal, emotion, set, set_names, 2};
/* the first of them, for the test that runs hundreds of times */
static struct dy_fit_pictures few_pictures = {24,      names, valence,   arousal,
                                              emotion, set,   set_names, 1};
static struct dy_fit_moods few_moods;

/* ------------------------------------------------------------------ fixture */

static const char *write_table(const char *name, size_t rows, const char *bad_line)
{
    const char *path = test_path(folder, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs("mood_arousal,track_id,title,mood_valence\n", out);
    uint64_t state = 5;
    for (size_t i = 0; i < rows; i++) {
        struct dy_text id = dy_songs_id(songs, i);
        fprintf(out, "%.4f,%.*s,\"a, b\",%.4f\n", test_random_unit(&state), (int)id.size, id.bytes,
                test_random_unit(&state));
    }
    fputs(bad_line, out);
    fclose(out);
    return path;
}

static void fill_pictures(void)
{
    uint64_t state = 1;
    for (size_t i = 0; i < N; i++) {
        moods[i].axes = 2;
        for (size_t a = 0; a < 2; a++) {
            moods[i].places[a] = (float)(0.01 + 0.98 * test_random_unit(&state));
            moods[i].scores[a] = (float)dy_normal_quantile((double)moods[i].places[a]);
        }
        float sum = 0.0F;
        for (size_t e = 0; e < DYLUMO_EMOTION_COUNT; e++)
            sum += moods[i].emotions[e] = (float)test_random_unit(&state);
        for (size_t e = 0; e < DYLUMO_EMOTION_COUNT; e++)
            moods[i].emotions[e] /= sum;
        for (size_t f = 0; f < DYLUMO_FEATURE_COUNT; f++)
            plain[i * DYLUMO_FEATURE_COUNT + f] = (float)test_random_unit(&state);
        names[i] = "a.jpg";
        set[i] = i >= 80;
        valence[i] = i < 80 ? test_random_unit(&state) : (double)NAN;
        arousal[i] = i < 80 ? test_random_unit(&state) : (double)NAN;
        emotion[i] = i < 80 ? DY_FIT_NO_EMOTION : (uint8_t)(i % 8);
    }
    all_moods = (struct dy_fit_moods){N, moods, NULL,
                                      (const struct dy_mood_model *const *)(uintptr_t)&model, 1};
    few_moods = all_moods;
    few_moods.count = few_pictures.count;
}

static int setup(void **state)
{
    (void)state;
    folder = test_folder_new();
    const char *path = test_path(folder, "songs.dylumo");
    test_songs_write(path, SONGS, 3, false);
    assert_ok(dy_songs_open(&songs, path, &err));
    assert_ok(dy_mood_open(&model, test_data("tiny-mood.safetensors"), &err));
    size_t unknown = 0;
    const char *table = write_table("judged.csv", 900, "0.5,nobody,x,0.5\n");
    assert_ok(dy_fit_catalogue_open(&catalogue, songs, table, 2, 1, &unknown, &err));
    assert_int_equal(unknown, 1);
    fill_pictures();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dy_fit_catalogue_close(&catalogue);
    dy_songs_close(songs);
    dy_mood_close(model);
    test_folder_remove(folder);
    return 0;
}

/* ------------------------------------------------------------------ rules */

static bool in_part(size_t part, uint32_t song)
{
    return catalogue.parts[part].allowed[song / 64] >> song % 64 & 1;
}

static void check_answers(const uint32_t *answers, size_t part)
{
    for (size_t p = 0; p < N; p++)
        for (size_t i = 0; i < EACH; i++) {
            uint32_t song = answers[p * EACH + i];
            unsigned of_artist = 0;
            assert_true(song < SONGS);
            assert_false(dy_songs_season(songs, song));
            if (part != DY_FIT_ALL_SONGS)
                assert_true(in_part(part, song));
            for (size_t j = 0; j < EACH; j++) {
                if (j != i)
                    assert_int_not_equal(answers[p * EACH + j], song);
                of_artist += catalogue.artist[answers[p * EACH + j]] == catalogue.artist[song];
            }
            assert_true(of_artist <= DY_FIT_PER_ARTIST);
        }
}

static void answers_keep_the_rules(void **state)
{
    (void)state;
    static uint32_t answers[N * EACH];
    static const size_t parts[] = {DY_FIT_ALL_SONGS, 0, 1};
    for (size_t i = 0; i < DY_COUNT(parts); i++) {
        assert_ok(dy_fit_answer_moods(&catalogue, parts[i], &all_moods, answers, NULL, &err));
        check_answers(answers, parts[i]);
        assert_ok(dy_fit_answer_drawn(&catalogue, parts[i], 0, N, 7, answers, &err));
        check_answers(answers, parts[i]);
        assert_ok(dy_fit_answer_drawn(&catalogue, parts[i], 100, N, 7, answers, &err));
        check_answers(answers, parts[i]);
        assert_ok(dy_fit_answer_plain(&catalogue, parts[i], plain, N, answers, NULL, &err));
        check_answers(answers, parts[i]);
    }
}

static void popular_songs_are_popular(void **state)
{
    (void)state;
    uint32_t answers[N * EACH];
    int least = 100, more = 0;
    assert_ok(dy_fit_answer_drawn(&catalogue, DY_FIT_ALL_SONGS, 100, N, 7, answers, &err));
    for (size_t i = 0; i < N * EACH; i++) {
        struct dy_song song;
        dy_songs_read(songs, answers[i], &song);
        least = song.popularity < least ? song.popularity : least;
    }
    for (size_t i = 0; i < catalogue.all_count; i++) {
        struct dy_song song;
        dy_songs_read(songs, catalogue.all[i], &song);
        more += song.popularity > least;
    }
    assert_true(more < 100);
}

static void parts_share_no_artist(void **state)
{
    (void)state;
    assert_int_equal(catalogue.part_count, 2);
    for (size_t i = 0; i < catalogue.parts[0].count; i++)
        for (size_t j = 0; j < catalogue.parts[1].count; j++) {
            struct dy_song a, b;
            dy_songs_read(songs, catalogue.parts[0].songs[i], &a);
            dy_songs_read(songs, catalogue.parts[1].songs[j], &b);
            assert_false(a.artist.size == b.artist.size &&
                         memcmp(a.artist.bytes, b.artist.bytes, a.artist.size) == 0);
        }
}

/* ------------------------------------------------------------------ definitions */

static void scores_by_counting(const double *values, size_t count, double *scores)
{
    for (size_t i = 0; i < count; i++) {
        double below = 0.0, equal = 0.0;
        for (size_t j = 0; j < count; j++) {
            below += values[j] < values[i];
            equal += values[j] == values[i];
        }
        scores[i] = dy_normal_quantile((below + 0.5 * (equal + 1.0)) / ((double)count + 1.0));
    }
}

/* Places of the part's songs on one axis, from the definition. */
static void axis_by_counting(const struct dy_fit_part *part, const float *direction, double *places)
{
    double *values = calloc(3 * part->count, sizeof *values);
    assert_non_null(values);
    double *scores = values + part->count, *sums = scores + part->count;
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        for (size_t i = 0; i < part->count; i++)
            values[i] = dy_songs_feature(songs, part->songs[i], (enum dylumo_feature)f);
        scores_by_counting(values, part->count, scores);
        for (size_t i = 0; i < part->count; i++)
            sums[i] += (double)direction[f] * scores[i];
    }
    scores_by_counting(sums, part->count, places);
    free(values);
}

static void a_part_is_a_catalogue_of_its_own(void **state)
{
    (void)state;
    const struct dy_fit_part *part = &catalogue.parts[1];
    const struct dy_mood_info *info = dy_mood_info(model);
    static uint32_t answers[N * EACH];
    double *places = calloc(2 * part->count, sizeof *places);
    assert_non_null(places);
    for (size_t a = 0; a < 2; a++)
        axis_by_counting(part, info->axis_songs + a * DYLUMO_FEATURE_COUNT,
                         places + a * part->count);
    assert_ok(dy_fit_answer_moods(&catalogue, 1, &all_moods, answers, NULL, &err));
    for (size_t p = 0; p < N; p++) { /* the first song is the nearest of all */
        double best = INFINITY, answered = INFINITY;
        for (size_t i = 0; i < part->count; i++) {
            double sum = 0.0;
            for (size_t a = 0; a < 2; a++) {
                double t = (double)moods[p].scores[a] - places[a * part->count + i];
                sum += (double)info->axis_weight[a] * t * t;
            }
            best = sum < best ? sum : best;
            if (part->songs[i] == answers[p * EACH])
                answered = sum;
        }
        assert_true(answered <= best + 1e-5);
    }
    free(places);
}

static void plain_is_the_nearest_by_cosine(void **state)
{
    (void)state;
    static uint32_t answers[N * EACH];
    assert_ok(dy_fit_answer_plain(&catalogue, DY_FIT_ALL_SONGS, plain, N, answers, NULL, &err));
    for (size_t p = 0; p < N; p++) {
        double best = -1.0, answered = -1.0;
        for (size_t i = 0; i < catalogue.all_count; i++) {
            double dot = 0.0, length = 0.0;
            for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
                struct dy_feature_stats stats = dy_songs_stats(songs, (enum dylumo_feature)f);
                double x = dy_songs_feature(songs, catalogue.all[i], (enum dylumo_feature)f);
                x = (x - stats.min) / (stats.max > stats.min ? stats.max - stats.min : 1.0);
                dot += x * (double)plain[p * DYLUMO_FEATURE_COUNT + f];
                length += x * x;
            }
            double cosine = length > 0.0 ? dot / sqrt(length) : 0.0;
            best = cosine > best ? cosine : best;
            if (catalogue.all[i] == answers[p * EACH])
                answered = cosine;
        }
        assert_true(answered >= best - 1e-5);
    }
}

/* ------------------------------------------------------------------ axes */

/* People's valence of every judged song becomes its danceability, arousal its tempo. */
static void judge_by_features(void)
{
    struct dy_songs_space space = dy_songs_space(songs);
    for (size_t i = 0; i < SONGS; i++)
        if (!isnan(catalogue.judged_valence[i])) {
            catalogue.judged_valence[i] = (double)space.columns[DYLUMO_DANCEABILITY][i];
            catalogue.judged_energy[i] = (double)space.columns[DYLUMO_TEMPO][i];
        }
}

static void axes_take_what_people_hear(void **state)
{
    (void)state;
    double axes[2][DYLUMO_FEATURE_COUNT];
    judge_by_features();
    assert_ok(dy_fit_axes(&catalogue, catalogue.part_count, axes, &err));
    for (size_t f = 0; f < DYLUMO_FEATURE_COUNT; f++) { /* made-up features hang together little */
        bool happy = f == DYLUMO_VALENCE || f == DYLUMO_DANCEABILITY;
        bool lively = f == DYLUMO_ENERGY || f == DYLUMO_TEMPO;
        assert_true(happy ? axes[0][f] > 0.5 : fabs(axes[0][f]) < 0.1);
        assert_true(lively ? axes[1][f] > 0.5 : fabs(axes[1][f]) < 0.1);
    }
    assert_true(fabs(axes[0][DYLUMO_DANCEABILITY] / axes[0][DYLUMO_VALENCE] - 1.2) < 0.1);
}

static void held_back_songs_are_not_known(void **state)
{
    (void)state;
    float own[2][DYLUMO_FEATURE_COUNT] = {{0}};
    double all[2][DYLUMO_FEATURE_COUNT], difference, other;
    judge_by_features();
    assert_ok(dy_fit_axes(&catalogue, 2, all, &err));
    for (size_t i = 0; i < 2 * (size_t)DYLUMO_FEATURE_COUNT; i++)
        own[i / DYLUMO_FEATURE_COUNT][i % DYLUMO_FEATURE_COUNT] =
            (float)all[i / DYLUMO_FEATURE_COUNT][i % DYLUMO_FEATURE_COUNT];
    assert_ok(dy_fit_axes_hold_back(&catalogue, (const float(*)[DYLUMO_FEATURE_COUNT])own,
                                    &difference, &err));
    assert_true(difference < 1e-6);
    float before[2][DYLUMO_FEATURE_COUNT];
    memcpy(before, catalogue.parts[0].axes, sizeof before);
    for (size_t i = 0; i < catalogue.parts[0].count; i++)
        catalogue.judged_valence[catalogue.parts[0].songs[i]] = (double)(i * 7919 % 101);
    assert_ok(
        dy_fit_axes_hold_back(&catalogue, (const float(*)[DYLUMO_FEATURE_COUNT])own, &other, &err));
    assert_true(other > 0.01);
    assert_memory_equal(before, catalogue.parts[0].axes, sizeof before);
    assert_memory_not_equal(before, catalogue.parts[1].axes, sizeof before);
    for (size_t p = 0; p < catalogue.part_count; p++)
        catalogue.parts[p].held_back = false;
}

/* ------------------------------------------------------------------ the whole */

static const struct dy_fit_options options = {20, 3, 2, {10, 21}, false};

static enum dylumo_status run(struct dy_fit_report *report, struct dy_fit_rows *rows,
                              unsigned threads)
{
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.threads = threads;
    return dy_fit_run(report, rows, &pictures, &catalogue, &all_moods, plain, &options, &context,
                      &err);
}

static void knowing_the_truth_fits_perfectly(void **state)
{
    (void)state;
    struct dy_fit_report report = {0};
    struct dy_fit_rows rows;
    double before_valence[N], before_arousal[N];
    memcpy(before_valence, valence, sizeof valence);
    memcpy(before_arousal, arousal, sizeof arousal);
    assert_ok(run(&report, &rows, 2));
    assert_int_equal(report.table.row_count, 6);
    const struct dy_fit_scores *scores = &rows.rankings[0].scores[DY_FIT_SONGS][0];
    for (size_t i = 0; i < 80; i++) {
        valence[i] = scores->valence[i];
        arousal[i] = scores->energy[i];
    }
    dy_fit_report_clear(&report);
    dy_fit_rows_clear(&rows);
    assert_ok(run(&report, &rows, 2));
    assert_true(fabs(report.table.figures[0].value - 1.0) < 1e-12);
    assert_true(fabs(report.table.figures[1].value - 1.0) < 1e-12);
    for (size_t r = 1; r < 3; r++) /* random and popular songs know nothing of it */
        assert_true(report.table.ahead[r * report.table.column_count].low > 0.0);
    /* 31 pictures a draw */
    assert_int_equal(report.variety[0].shown, 310);
    assert_int_equal(report.variety_pictures, 31);
    assert_int_equal(report.emotions[0].pictures, 0);
    assert_int_equal(report.emotions[1].pictures, 70);
    assert_int_equal(report.example_count, DY_FIT_EXAMPLES);
    assert_int_equal(pictures.set[report.best[0].picture], 0);
    assert_true(report.best[0].gain > report.worst[0].gain);
    dy_fit_report_clear(&report);
    dy_fit_rows_clear(&rows);
    memcpy(valence, before_valence, sizeof valence);
    memcpy(arousal, before_arousal, sizeof arousal);
}

static char *json_with(unsigned threads)
{
    struct dy_fit_report report = {0};
    struct dy_fit_rows rows;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_ok(run(&report, &rows, threads));
    assert_ok(dy_fit_report_json(&report, out, &err));
    fclose(out);
    dy_fit_report_clear(&report);
    dy_fit_rows_clear(&rows);
    return text;
}

/* Foretelling the song's own features is no error; always saying the middle tells nothing. */
static void features_are_measured(void **state)
{
    (void)state;
    static uint32_t song[SONGS];
    static float predicted[SONGS * DYLUMO_FEATURE_COUNT];
    struct dy_songs_space space = dy_songs_space(songs);
    struct dy_fit_features features = {0};
    for (size_t i = 0; i < SONGS; i++) {
        song[i] = (uint32_t)i;
        for (size_t f = 0; f < DYLUMO_FEATURE_COUNT; f++)
            predicted[i * DYLUMO_FEATURE_COUNT + f] = space.columns[f][i];
        predicted[i * DYLUMO_FEATURE_COUNT + DYLUMO_TEMPO] = 0.0F;
        predicted[i * DYLUMO_FEATURE_COUNT + DYLUMO_ENERGY] += 0.5F;
    }
    assert_ok(dy_fit_features_fill(&features, songs, song, predicted, SONGS, &err));
    assert_int_equal(features.pairs, SONGS);
    assert_true(features.r2[DYLUMO_VALENCE] > 0.9999 && features.mae_score[DYLUMO_VALENCE] < 1e-6);
    double off = 0.0, middle = 0.0; /* the made-up scores are no quantiles of the values */
    for (size_t i = 0; i < SONGS; i++) {
        double score = (double)space.columns[DYLUMO_VALENCE][i];
        off += fabs(dy_songs_feature(songs, i, DYLUMO_VALENCE) -
                    dy_songs_raw_value(songs, DYLUMO_VALENCE, score)) /
               SONGS;
        middle += fabs((double)space.columns[DYLUMO_TEMPO][i]) / SONGS;
    }
    assert_true(fabs(features.mae[DYLUMO_VALENCE] - off) < 1e-9);
    assert_true(fabs(features.mae_score[DYLUMO_TEMPO] - middle) < 1e-9);
    assert_true(fabs(features.r2[DYLUMO_TEMPO]) < 0.01);
    assert_true(fabs(features.mae_score[DYLUMO_ENERGY] - 0.5) < 1e-5);
}

static void any_number_of_threads_gives_the_same(void **state)
{
    (void)state;
    char *one = json_with(1), *three = json_with(3);
    assert_string_equal(one, three);
    free(one);
    free(three);
}

static int always(void *user)
{
    (void)user;
    return 1;
}

static void it_can_be_stopped(void **state)
{
    (void)state;
    struct dy_fit_report report = {0};
    struct dy_fit_rows rows;
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.cancelled = always;
    assert_int_equal(dy_fit_run(&report, &rows, &pictures, &catalogue, &all_moods, NULL, &options,
                                &context, &err),
                     DYLUMO_CANCELLED);
    dy_fit_report_clear(&report);
    dy_fit_rows_clear(&rows);
}

static enum dylumo_status run_and_clear(void *user)
{
    (void)user;
    static const struct dy_fit_options short_options = {2, 3, 1, {5, 7}, false};
    struct dy_fit_report report = {0};
    struct dy_fit_rows rows;
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.threads = 1;
    enum dylumo_status st = dy_fit_run(&report, &rows, &few_pictures, &catalogue, &few_moods, plain,
                                       &short_options, &context, &err);
    dy_fit_report_clear(&report);
    dy_fit_rows_clear(&rows);
    return st;
}

static void without_memory_it_fails(void **state)
{
    (void)state;
    test_every_allocation(run_and_clear, NULL);
}

static void hostile_tables_are_refused(void **state)
{
    (void)state;
    struct dy_fit_catalogue other;
    static const struct {
        const char *text, *sentence;
    } bad[] = {
        {"", ""},
        {"track_id,mood_valence\n", "no column \"mood_arousal\""},
        {"track_id,mood_valence,mood_arousal\nx,1\n", "line 2: mood_valence and mood_arousal"},
        {"track_id,mood_valence,mood_arousal\nx,1,nan\n", "must be numbers"},
        {"track_id,mood_valence,mood_arousal\nx,1,1e999\n", "must be numbers"},
        {"track_id,mood_valence,mood_arousal\nx,1,\"2\n", ""},
        {"track_id,mood_valence,mood_arousal\n", "holds 0 judged songs"},
    };
    for (size_t i = 0; i < DY_COUNT(bad); i++) {
        const char *path = test_path(folder, "bad.csv");
        test_write_file(path, bad[i].text, strlen(bad[i].text));
        assert_fails(dy_fit_catalogue_open(&other, songs, path, 1, 1, NULL, &err), DYLUMO_BAD_FILE,
                     bad[i].sentence);
    }
    assert_fails(dy_fit_catalogue_open(&other, songs, "nowhere.csv", 1, 1, NULL, &err),
                 DYLUMO_NOT_FOUND, "nowhere.csv");
    assert_fails(dy_fit_catalogue_open(&other, songs, "nowhere.csv", 9, 1, NULL, &err),
                 DYLUMO_BAD_ARGUMENT, "9 parts");
}

static enum dylumo_status open_and_close(void *user)
{
    struct dy_fit_catalogue other;
    enum dylumo_status st = dy_fit_catalogue_open(&other, songs, user, 2, 1, NULL, &err);
    dy_fit_catalogue_close(&other);
    return st;
}

static void catalogue_without_memory_fails(void **state)
{
    (void)state;
    char path[1024];
    snprintf(path, sizeof path, "%s", write_table("small.csv", 600, ""));
    test_every_allocation(open_and_close, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_keep_the_rules),
        cmocka_unit_test(popular_songs_are_popular),
        cmocka_unit_test(parts_share_no_artist),
        cmocka_unit_test(a_part_is_a_catalogue_of_its_own),
        cmocka_unit_test(plain_is_the_nearest_by_cosine),
        cmocka_unit_test(knowing_the_truth_fits_perfectly),
        cmocka_unit_test(features_are_measured),
        cmocka_unit_test(any_number_of_threads_gives_the_same),
        cmocka_unit_test(it_can_be_stopped),
        cmocka_unit_test(without_memory_it_fails),
        cmocka_unit_test(hostile_tables_are_refused),
        cmocka_unit_test(catalogue_without_memory_fails),
        cmocka_unit_test(axes_take_what_people_hear),
        cmocka_unit_test(held_back_songs_are_not_known),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
