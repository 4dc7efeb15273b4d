/* songs_scan.c, songs_collect.c, songs_distance.c: the list against a plain walk in double. */
#include "dy_songs.h"
#include "dy_test.h"
#include "test_songs.h"

#include <math.h>
#include <stdlib.h>

static struct dylumo_error err;

static struct dy_songs *open_made_up(size_t count, bool general)
{
    char *folder = test_folder_new();
    const char *path = test_path(folder, "a.songs");
    test_songs_write(path, count, count, general);
    struct dy_songs *songs;
    assert_ok(dy_songs_open(&songs, path, &err));
    test_folder_remove(folder); /* the mapping lives on */
    return songs;
}

/* ------------------------------------------------------------------ the walk */

static int compare_hits(const void *a, const void *b)
{
    const struct dy_hit *x = a, *y = b;
    if (x->dist2 != y->dist2)
        return x->dist2 < y->dist2 ? -1 : 1;
    return (x->song > y->song) - (x->song < y->song);
}

static bool ruled_out(const struct dy_songs *songs, const struct dy_songs_query *query,
                      const struct dy_hit *list, size_t count, uint32_t song)
{
    unsigned of_artist = 0;
    for (size_t i = 0; i < count; i++) {
        if (query->one_recording &&
            dy_songs_recording(songs, list[i].song) == dy_songs_recording(songs, song))
            return true;
        of_artist +=
            dy_songs_artist_group(songs, list[i].song) == dy_songs_artist_group(songs, song);
    }
    return query->per_artist && of_artist >= query->per_artist;
}

/* The definition in dy_songs.h, word by word. */
static size_t walk(const struct dy_songs *songs, const struct dy_songs_query *query,
                   struct dy_hit *list)
{
    struct dy_songs_space own = dy_songs_space(songs);
    const struct dy_songs_space *space = query->space ? query->space : &own;
    size_t n = dy_songs_count(songs), count = 0;
    struct dy_hit *all = calloc(n, sizeof *all);
    assert_non_null(all);
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (unsigned j = 0; j < space->axes; j++)
            if (query->weights[j] > 0) {
                double t = query->target[j] - (double)space->columns[j][i];
                sum += query->weights[j] * (t * t);
            }
        all[i] = (struct dy_hit){(uint32_t)i, sum};
    }
    qsort(all, n, sizeof *all, compare_hits);
    for (size_t i = 0; i < n && count < query->k; i++) {
        uint32_t song = all[i].song;
        if (query->allowed && !(query->allowed[song / 64] >> song % 64 & 1))
            continue;
        if (query->without_season && dy_songs_season(songs, song))
            continue;
        if (!ruled_out(songs, query, list, count, song))
            list[count++] = all[i];
    }
    free(all);
    return count;
}

static void check_query(const struct dy_songs *songs, const struct dy_songs_query *query)
{
    size_t n = dy_songs_count(songs), room = query->k < n ? query->k : n, count;
    struct dy_hit *expected = calloc(room, sizeof *expected), *hits = calloc(room, sizeof *hits);
    assert_true(expected && hits);
    size_t expected_count = walk(songs, query, expected);
    assert_ok(dy_songs_nearest(songs, query, hits, &count, &err));
    assert_int_equal(count, expected_count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(hits[i].song, expected[i].song);
        assert_true(hits[i].dist2 == expected[i].dist2);
    }
    free(expected);
    free(hits);
}

/* ------------------------------------------------------------------ cases */

static double random_weight(uint64_t *random)
{
    switch (test_random(random) % 4) {
    case 0:
        return 0;
    case 1:
        return 1;
    default:
        return 3 * test_random_unit(random);
    }
}

/* Targets near the mean, on songs and far outside; every mix of rules; k from 1 to all. */
static void random_queries(const struct dy_songs *songs, uint64_t seed, int count)
{
    size_t n = dy_songs_count(songs);
    uint64_t random = seed, *allowed = calloc(n / 64 + 1, 8);
    assert_non_null(allowed);
    struct dy_songs_space space = dy_songs_space(songs);
    for (int q = 0; q < count; q++) {
        double target[13], weights[13];
        size_t like = test_random(&random) % n;
        uint64_t kind = test_random(&random) % 4;
        for (int j = 0; j < 13; j++) {
            double unit = test_random_unit(&random) - 0.5;
            target[j] = kind == 0 ? (double)space.columns[j][like] : unit * (kind == 1 ? 40 : 2);
            weights[j] = random_weight(&random);
        }
        uint64_t share = test_random(&random) % 3;
        for (size_t w = 0; w <= n / 64; w++) {
            allowed[w] = test_random(&random);
            for (uint64_t i = 0; i < share * 2; i++)
                allowed[w] &= test_random(&random);
        }
        struct dy_songs_query query = {
            .target = target,
            .weights = weights,
            .k = test_random(&random) % 3 ? 1 + test_random(&random) % 20
                                          : 1 + test_random(&random) % (n + 5),
            .allowed = test_random(&random) % 2 ? allowed : NULL,
            .per_artist = (unsigned)(test_random(&random) % 4),
            .one_recording = test_random(&random) % 2,
            .without_season = test_random(&random) % 2,
        };
        check_query(songs, &query);
    }
    free(allowed);
}

static void agrees_with_the_walk(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 63, 64, 65, 700, 1500};
    static const char *const forms[] = {"scalar", "avx2", "avx512"};
    for (size_t c = 0; c < DY_COUNT(counts); c++)
        for (size_t f = 0; f < DY_COUNT(forms); f++) {
            setenv("DYLUMO_CPU", forms[f], 1);
            struct dy_songs *songs = open_made_up(counts[c], c % 2);
            random_queries(songs, c * 3 + f, 60);
            dy_songs_close(songs);
        }
    unsetenv("DYLUMO_CPU");
}

static void searches_other_spaces(void **state)
{
    (void)state;
    struct dy_songs *songs = open_made_up(500, false);
    struct dy_songs_space space = dy_songs_space(songs);
    space.axes = 2;
    space.columns[0] = space.columns[9];
    const double target[2] = {0.3, -0.2}, weights[2] = {0.6, 0.3};
    struct dy_songs_query query = {.space = &space, .target = target, .weights = weights, .k = 10};
    check_query(songs, &query);
    query.k = 500;
    query.per_artist = 1;
    check_query(songs, &query);
    dy_songs_close(songs);
}

static void nothing_counts_then_number_does(void **state)
{
    (void)state;
    struct dy_songs *songs = open_made_up(200, false);
    const double zeros[13] = {0};
    struct dy_songs_query query = {.target = zeros, .weights = zeros, .k = 5};
    struct dy_hit hits[5];
    size_t count;
    assert_ok(dy_songs_nearest(songs, &query, hits, &count, &err));
    assert_int_equal(count, 5);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(hits[i].song, i);
    dy_songs_close(songs);
}

static void refuses_what_makes_no_sense(void **state)
{
    (void)state;
    struct dy_songs *songs = open_made_up(70, false);
    double target[13] = {0}, weights[13] = {1};
    struct dy_songs_query query = {.target = target, .weights = weights, .k = 0};
    struct dy_hit hits[3];
    size_t count = 9;
    assert_fails(dy_songs_nearest(songs, &query, hits, &count, &err), DYLUMO_BAD_ARGUMENT,
                 "0 songs");
    assert_int_equal(count, 0);
    query.k = 3;
    target[2] = NAN;
    assert_fails(dy_songs_nearest(songs, &query, hits, &count, &err), DYLUMO_BAD_ARGUMENT,
                 "axis 2");
    target[2] = INFINITY;
    assert_fails(dy_songs_nearest(songs, &query, hits, &count, &err), DYLUMO_BAD_ARGUMENT,
                 "axis 2");
    target[2] = 0;
    weights[4] = -1;
    assert_fails(dy_songs_nearest(songs, &query, hits, &count, &err), DYLUMO_BAD_ARGUMENT,
                 "axis 4");
    weights[4] = 0;
    struct dy_songs_space space = dy_songs_space(songs);
    space.count--;
    query.space = &space;
    assert_fails(dy_songs_nearest(songs, &query, hits, &count, &err), DYLUMO_BAD_ARGUMENT,
                 "69 songs");
    dy_songs_close(songs);
}

static enum dylumo_status open_and_list_all(void *user)
{
    struct dy_songs *songs;
    enum dylumo_status st = dy_songs_open(&songs, user, &err);
    if (st)
        return st;
    const double zeros[13] = {0};
    struct dy_songs_query query = {.target = zeros, .weights = zeros, .k = 600, .per_artist = 2};
    static struct dy_hit hits[600];
    size_t count;
    st = dy_songs_nearest(songs, &query, hits, &count, &err);
    dy_songs_close(songs);
    return st;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    char *folder = test_folder_new();
    char path[600];
    snprintf(path, sizeof path, "%s/a.songs", folder);
    test_songs_write(path, 600, 1, false);
    test_every_allocation(open_and_list_all, path);
    test_folder_remove(folder);
}

static void small_lists_allocate_nothing(void **state)
{
    (void)state;
    struct dy_songs *songs = open_made_up(600, false);
    const double zeros[13] = {0};
    struct dy_songs_query query = {.target = zeros, .weights = zeros, .k = 256, .per_artist = 2};
    static struct dy_hit hits[600];
    size_t count;
    test_alloc_fail_at(0);
    assert_ok(dy_songs_nearest(songs, &query, hits, &count, &err));
    query = (struct dy_songs_query){.target = zeros, .weights = zeros, .k = 600};
    assert_ok(dy_songs_nearest(songs, &query, hits, &count, &err));
    assert_int_equal(test_alloc_count(), 0);
    dy_songs_close(songs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_walk),
        cmocka_unit_test(searches_other_spaces),
        cmocka_unit_test(nothing_counts_then_number_does),
        cmocka_unit_test(refuses_what_makes_no_sense),
        cmocka_unit_test(survives_failing_allocations),
        cmocka_unit_test(small_lists_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
