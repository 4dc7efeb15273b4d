/* import_songs.c and its parts: tables in, songs files out; scores against plain counting; what is
 * broken in a table. */
#include "dy_import.h"
#include "dy_songs.h"
#include "dy_test.h"

#include <math.h>
#include <stdlib.h>

static struct dylumo_error err;
static char *folder;

#define HEADER                                                                                     \
    ",artist_name,track_name,track_id,popularity,year,genre,danceability,energy,key,loudness,mode" \
    ",speechiness,acousticness,instrumentalness,liveness,valence,tempo,duration_ms,"               \
    "time_signature\n"
#define NUMBERS "0.5,0.6,7,-5.5,1,0.04,0.1,0,0.2,0.7,120.5,200000,4\n"

/* ------------------------------------------------------------------ helpers */

struct reports {
    size_t count;
    uint64_t lines[64];
    char reasons[64][160];
};

static void report(void *user, const char *table, uint64_t line, const char *reason)
{
    (void)table;
    struct reports *reports = user;
    if (reports->count < 64) {
        reports->lines[reports->count] = line;
        snprintf(reports->reasons[reports->count], 160, "%s", reason);
    }
    reports->count++;
}

static enum dylumo_status import_path(const char *table, double max_bad, unsigned threads,
                                      struct dy_import_summary *summary, struct reports *reports)
{
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.threads = threads;
    struct dy_import_options options = {max_bad, report, reports};
    *reports = (struct reports){0};
    return dy_import_songs(test_path(folder, "a.songs"), table, &options, &context, summary, &err);
}

/* Imports a table given as text and opens the result. */
static struct dy_songs *import_text(const char *table, struct dy_import_summary *summary,
                                    struct reports *reports)
{
    char path[600];
    snprintf(path, sizeof path, "%s/a.csv", folder);
    test_write_file(path, table, strlen(table));
    assert_ok(import_path(path, 1, 2, summary, reports));
    struct dy_songs *songs;
    assert_ok(dy_songs_open(&songs, test_path(folder, "a.songs"), &err));
    assert_ok(dy_songs_file_check(dy_songs_file(songs), "a.songs", &err));
    return songs;
}

static void assert_text(struct dy_text text, const char *expected)
{
    if (text.size != strlen(expected) || memcmp(text.bytes, expected, text.size) != 0)
        fail_msg("'%.*s' is not '%s'", (int)text.size, text.bytes, expected);
}

/* ------------------------------------------------------------------ small tables */

static void reads_a_song(void **state)
{
    (void)state;
    struct dy_import_summary summary;
    struct reports reports;
    struct dy_songs *songs =
        import_text(HEADER "0,\"Earth, Wind & Fire\",September,id2,80,1978,disco," NUMBERS
                           "1,Beyonc\xC3\xA9,Halo\x1b[31m,id1,,,," NUMBERS,
                    &summary, &reports);
    assert_int_equal(dy_songs_count(songs), 2);
    struct dy_song song;
    dy_songs_read(songs, 1, &song); /* ids are sorted */
    assert_text(song.id, "id2");
    assert_text(song.artist, "Earth, Wind & Fire");
    assert_text(song.title, "September");
    assert_text(song.genre, "disco");
    assert_int_equal(song.year, 1978);
    assert_int_equal(song.popularity, 80);
    assert_true(song.features[DYLUMO_LOUDNESS] == -5.5);
    assert_true(song.features[DYLUMO_DURATION_MS] == 200000);
    assert_false(song.season);
    dy_songs_read(songs, 0, &song);
    assert_text(song.title, "Halo [31m");
    assert_int_equal(song.genre.size, 0);
    assert_int_equal(song.year, 0);
    assert_int_equal(song.popularity, -1);
    assert_int_equal(summary.songs, 2);
    assert_int_equal(summary.with_year, 1);
    assert_int_equal(summary.artists, 2);
    assert_int_equal(summary.file_bytes, dy_songs_file(songs)->map.size);
    dy_songs_close(songs);
}

static void passes_over_bad_rows(void **state)
{
    (void)state;
    static const struct {
        const char *row, *reason;
    } rows[] = {
        {"0,a,t,x1,1,2000,g,0.5,0.6,7,-5.5,1,0.04,0.1,0,0.2,0.7,120.5,200000\n", "19 fields"},
        {"0,a,t,x2,1,2000,g,1.5,0.6,7,-5.5,1,0.04,0.1,0,0.2,0.7,120.5,200000,4\n", "danceability"},
        {"0,a,t,x3,1,2000,g,0.5,0.6,7.5,-5.5,1,0.04,0.1,0,0.2,0.7,120.5,200000,4\n",
         "key is '7.5'"},
        {"0,a,t,x4,1,2000,g,0.5,0.6,7,,1,0.04,0.1,0,0.2,0.7,120.5,200000,4\n", "loudness is ''"},
        {"0,a,t,x5,1,2000,g,0.5,0.6,7,-5.5,1,0.04,0.1,0,0.2,nan,120.5,200000,4\n", "valence"},
        {"0,a,t,x6,101,2000,g," NUMBERS, "popularity is '101'"},
        {"0,a,t,x7,1,soon,g," NUMBERS, "year is 'soon'"},
        {"0,,t,x8,1,2000,g," NUMBERS, "artist"},
        {"0,a, ,x9,1,2000,g," NUMBERS, "title"},
        {"0,a,t,,1,2000,g," NUMBERS, "id"},
        {"0,a,\"t\"t,x,1,2000,g," NUMBERS, "closing quote"},
        {"0,a,t,x0,1,2000,g,0.5,0.6,7,-5.5,1,0.04,0.1,0,0.2,0.7,120.5,0,4\n", "duration_ms is '0'"},
    };
    char table[8192] = HEADER "0,a,good,good,1,2000,g," NUMBERS;
    for (size_t i = 0; i < DY_COUNT(rows); i++)
        strcat(table, rows[i].row);
    struct dy_import_summary summary;
    struct reports reports;
    dy_songs_close(import_text(table, &summary, &reports));
    assert_int_equal(summary.bad, DY_COUNT(rows));
    assert_int_equal(summary.songs, 1);
    for (size_t i = 0; i < DY_COUNT(rows); i++) {
        assert_int_equal(reports.lines[i], 3 + i);
        if (!strstr(reports.reasons[i], rows[i].reason))
            fail_msg("said \"%s\", expected \"%s\"", reports.reasons[i], rows[i].reason);
    }
}

static void takes_odd_but_sound_rows(void **state)
{
    (void)state;
    struct dy_import_summary summary;
    struct reports reports;
    struct dy_songs *songs = import_text(
        "time_signature,id,name,artists,release_date,danceability,energy,key,loudness,mode,"
        "speechiness,acousticness,instrumentalness,liveness,valence,tempo,duration_ms,extra\r\n"
        "0,k1,T,A,1999-05-31,0,1,-1,-60,0,0,9.54e-05,0,0,0,0,36000000,\"x, y\"\r\n"
        "\r\n"
        "4.0,k2,T,A,2001.0,0,1,-1,-0,0,0,9.54e-05,0,0,0,0,17000001,\r\n",
        &summary, &reports);
    assert_int_equal(reports.count, 0);
    struct dy_song song;
    dy_songs_read(songs, 0, &song);
    assert_int_equal(song.year, 1999);
    assert_true(song.features[DYLUMO_KEY] == -1);
    assert_true(song.features[DYLUMO_DURATION_MS] == 36000000);
    dy_songs_read(songs, 1, &song);
    assert_int_equal(song.year, 2001);
    assert_true(song.features[DYLUMO_DURATION_MS] == 17000001); /* no float holds it */
    dy_songs_close(songs);
}

static void keeps_the_first_of_an_id(void **state)
{
    (void)state;
    struct dy_import_summary summary;
    struct reports reports;
    struct dy_songs *songs =
        import_text(HEADER "0,a,first,x,1,2000,g," NUMBERS "0,a,other,y,1,2000,g," NUMBERS
                           "0,a,second,x,1,2000,g," NUMBERS,
                    &summary, &reports);
    assert_int_equal(dy_songs_count(songs), 2);
    assert_int_equal(summary.duplicates, 1);
    assert_int_equal(summary.bad, 0);
    assert_int_equal(reports.lines[0], 4);
    assert_string_equal(reports.reasons[0], "its id stands in line 2 already");
    struct dy_song song;
    dy_songs_read(songs, 0, &song);
    assert_text(song.title, "first");
    dy_songs_close(songs);
}

static void refuses_tables_without_songs(void **state)
{
    (void)state;
    struct dy_import_summary summary;
    struct reports reports;
    char path[600];
    snprintf(path, sizeof path, "%s/b.csv", folder);
    test_write_file(path, HEADER, strlen(HEADER));
    assert_fails(import_path(path, 0, 1, &summary, &reports), DYLUMO_BAD_FILE, "no songs");
    const char *no_tempo = "track_id,artist_name,track_name\nx,y,z\n";
    test_write_file(path, no_tempo, strlen(no_tempo));
    assert_fails(import_path(path, 0, 1, &summary, &reports), DYLUMO_BAD_FILE, "'danceability'");
    const char *half = HEADER "0,a,t,x,1,2000,g," NUMBERS "broken\n";
    test_write_file(path, half, strlen(half));
    assert_fails(import_path(path, 0, 1, &summary, &reports), DYLUMO_BAD_FILE, "1 of 2 rows");
    assert_ok(import_path(path, 0.5, 1, &summary, &reports));
    assert_fails(import_path("/nowhere.csv", 0, 1, &summary, &reports), DYLUMO_NOT_FOUND,
                 "nowhere");
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    assert_fails(dy_import_songs("/nowhere/x", path,
                                 &(struct dy_import_options){.max_bad_share = 1}, &context, NULL,
                                 &err),
                 DYLUMO_NOT_FOUND, "nowhere");
}

/* ------------------------------------------------------------------ the starter catalogue */

static struct dy_songs *import_starter(unsigned threads)
{
    struct dy_import_summary summary;
    struct reports reports;
    assert_ok(
        import_path(test_repository("catalogue/starter.csv.gz"), 0, threads, &summary, &reports));
    assert_int_equal(summary.songs, 20498);
    assert_int_equal(summary.bad + summary.duplicates, 0);
    assert_int_equal(summary.artists, 8559);
    struct dy_songs *songs;
    assert_ok(dy_songs_open(&songs, test_path(folder, "a.songs"), &err));
    return songs;
}

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static size_t count_below(const float *sorted, size_t count, double value, bool equal_too)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if ((double)sorted[middle] < value || (equal_too && (double)sorted[middle] == value))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Every score is what counting the lower and equal values gives; the knots lead there too. */
static void scores_are_ranks(void **state)
{
    (void)state;
    struct dy_songs *songs = import_starter(2);
    assert_ok(dy_songs_file_check(dy_songs_file(songs), "starter", &err));
    size_t n = dy_songs_count(songs);
    struct dy_songs_space space = dy_songs_space(songs);
    float *sorted = calloc(n, sizeof *sorted);
    assert_non_null(sorted);
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        enum dylumo_feature feature = (enum dylumo_feature)f;
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            sorted[i] = (float)dy_songs_feature(songs, i, feature);
            sum += (double)sorted[i];
        }
        qsort(sorted, n, sizeof *sorted, compare_floats);
        struct dy_feature_stats stats = dy_songs_stats(songs, feature);
        assert_true(stats.min == (double)sorted[0] && stats.max == (double)sorted[n - 1]);
        assert_true(fabs(stats.mean - sum / (double)n) < 1e-9 * (1 + fabs(stats.mean)));
        for (size_t i = 0; i < n; i++) {
            double value = dy_songs_feature(songs, i, feature);
            double below = (double)count_below(sorted, n, value, false);
            double up_to = (double)count_below(sorted, n, value, true);
            double score = dy_normal_quantile((below + 1 + up_to) / 2 / ((double)n + 1));
            assert_true(space.columns[f][i] == (float)score);
            assert_true(fabs(dy_songs_normal_score(songs, feature, value) - score) < 0.02);
        }
    }
    free(sorted);
    dy_songs_close(songs);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    uint8_t *one, *many;
    size_t one_size, many_size;
    dy_songs_close(import_starter(1));
    assert_ok(dy_read_file(&one, &one_size, test_path(folder, "a.songs"), 1 << 30, &err));
    dy_songs_close(import_starter(5));
    assert_ok(dy_read_file(&many, &many_size, test_path(folder, "a.songs"), 1 << 30, &err));
    assert_int_equal(one_size, many_size);
    assert_memory_equal(one, many, one_size);
    dy_free(one);
    dy_free(many);
}

static enum dylumo_status import_small(void *user)
{
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.threads = 1;
    return dy_import_songs(test_path(folder, "c.songs"), user, NULL, &context, NULL, &err);
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    char path[600];
    snprintf(path, sizeof path, "%s/c.csv", folder);
    const char *table =
        HEADER "0,a,t \xC3\xA9,x,1,2000,g," NUMBERS "0,b,t (Live),y,1,2000,," NUMBERS;
    test_write_file(path, table, strlen(table));
    test_every_allocation(import_small, path);
}

static int make_folder(void **state)
{
    (void)state;
    folder = test_folder_new();
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_song),
        cmocka_unit_test(passes_over_bad_rows),
        cmocka_unit_test(takes_odd_but_sound_rows),
        cmocka_unit_test(keeps_the_first_of_an_id),
        cmocka_unit_test(refuses_tables_without_songs),
        cmocka_unit_test(scores_are_ranks),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
