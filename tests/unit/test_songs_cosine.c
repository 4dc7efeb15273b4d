/* songs_cosine.c: the list against a plain sort in double, ties, rules, both forms. */
#include "dy_songs.h"
#include "dy_test.h"
#include "test_songs.h"

#include <math.h>
#include <stdlib.h>

#define SONGS 3001

static struct dylumo_error err;

static struct dy_songs *open_made_up(void)
{
    char *folder = test_folder_new();
    const char *path = test_path(folder, "a.songs");
    struct dy_songs *songs;
    test_songs_write(path, SONGS, 7, false);
    assert_ok(dy_songs_open(&songs, path, &err));
    test_folder_remove(folder);
    return songs;
}

/* A target somewhere in the catalogue, scaled by its own ranges. */
static struct dy_cosine_query query_for(const struct dy_songs *songs, uint64_t *state, size_t k)
{
    struct dy_cosine_query query = {.k = k};
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        struct dy_feature_stats stats = dy_songs_stats(songs, (enum dylumo_feature)f);
        query.minimum[f] = stats.min;
        query.maximum[f] = stats.max;
        query.target[f] = test_random_unit(state);
    }
    return query;
}

/* The definition in dy_songs.h. */
static double naive_cosine(const struct dy_songs *songs, const struct dy_cosine_query *query,
                           size_t song)
{
    double product = 0, square = 0, length = 0;
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        length += query->target[f] * query->target[f];
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        double span = query->maximum[f] - query->minimum[f];
        double x = (dy_songs_feature(songs, song, (enum dylumo_feature)f) - query->minimum[f]) *
                   (1 / (span > 0 ? span : 1));
        product += x * (query->target[f] / sqrt(length));
        square += x * x;
    }
    return square > 0 ? product / sqrt(square) : 0;
}

static int by_cosine(const void *a, const void *b)
{
    const struct dy_cosine_hit *x = a, *y = b;
    if (x->cosine != y->cosine)
        return x->cosine > y->cosine ? -1 : 1;
    return (x->song > y->song) - (x->song < y->song);
}

static size_t naive_list(const struct dy_songs *songs, const struct dy_cosine_query *query,
                         struct dy_cosine_hit *list)
{
    static struct dy_cosine_hit all[SONGS];
    size_t kept = 0;
    for (uint32_t i = 0; i < SONGS; i++)
        all[i] = (struct dy_cosine_hit){i, naive_cosine(songs, query, i)};
    qsort(all, SONGS, sizeof *all, by_cosine);
    for (size_t i = 0; i < SONGS && kept < query->k; i++) {
        unsigned of_artist = 0;
        bool out = query->allowed && !(query->allowed[all[i].song / 64] >> all[i].song % 64 & 1);
        out |= query->without_season && dy_songs_season(songs, all[i].song);
        for (size_t j = 0; j < kept; j++) {
            of_artist += dy_songs_artist_group(songs, list[j].song) ==
                         dy_songs_artist_group(songs, all[i].song);
            out |= query->one_recording && dy_songs_recording(songs, list[j].song) ==
                                               dy_songs_recording(songs, all[i].song);
        }
        if (!out && !(query->per_artist && of_artist >= query->per_artist))
            list[kept++] = all[i];
    }
    for (size_t from = 0, to; from < kept; from = to) { /* equal ones the other way round */
        for (to = from + 1; to < kept && list[to].cosine == list[from].cosine;)
            to++;
        for (size_t a = from, b = to; a + 1 < b; a++) {
            struct dy_cosine_hit swap = list[a];
            list[a] = list[--b];
            list[b] = swap;
        }
    }
    return kept;
}

static void check(const struct dy_songs *songs, const struct dy_cosine_query *query)
{
    static struct dy_cosine_hit hits[SONGS], wanted[SONGS];
    size_t count, expected = naive_list(songs, query, wanted);
    assert_ok(dy_songs_cosine(songs, query, hits, &count, &err));
    assert_int_equal(count, expected);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(hits[i].song, wanted[i].song);
        assert_true(hits[i].cosine == wanted[i].cosine);
    }
}

static void against_sort(void **state)
{
    (void)state;
    static const size_t ks[] = {1, 2, 10, 100, SONGS, SONGS + 5};
    struct dy_songs *songs = open_made_up();
    uint64_t random = 1;
    for (int round = 0; round < 6; round++)
        for (size_t i = 0; i < DY_COUNT(ks); i++) {
            struct dy_cosine_query query = query_for(songs, &random, ks[i]);
            check(songs, &query);
        }
    dy_songs_close(songs);
}

static void rules(void **state)
{
    (void)state;
    struct dy_songs *songs = open_made_up();
    uint64_t random = 2, allowed[SONGS / 64 + 1];
    for (size_t w = 0; w < DY_COUNT(allowed); w++)
        allowed[w] = test_random(&random);
    for (int round = 0; round < 8; round++) {
        struct dy_cosine_query query = query_for(songs, &random, 40);
        query.allowed = round & 1 ? allowed : NULL;
        query.per_artist = round & 2 ? 1 : 0;
        query.one_recording = query.without_season = (round & 4) != 0;
        check(songs, &query);
    }
    dy_songs_close(songs);
}

/* A song's own features as target: it and its twins come first, at 1. */
static void songs_find_themselves(void **state)
{
    (void)state;
    struct dy_songs *songs = open_made_up();
    uint64_t random = 3;
    for (size_t song = 0; song < 300; song += 17) {
        struct dy_cosine_query query = query_for(songs, &random, SONGS);
        struct dy_cosine_hit hits[1];
        double shares[DYLUMO_FEATURE_COUNT], sum = 0;
        size_t count;
        for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
            query.target[f] =
                (dy_songs_feature(songs, song, (enum dylumo_feature)f) - query.minimum[f]) /
                (query.maximum[f] - query.minimum[f]);
        query.k = 1;
        assert_ok(dy_songs_cosine(songs, &query, hits, &count, &err));
        assert_float_equal(hits[0].cosine, 1, 1e-12);
        assert_float_equal(dy_songs_cosine_of(songs, &query, song, shares), 1, 1e-12);
        for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
            sum += shares[f];
        assert_float_equal(sum, 1, 1e-12);
    }
    dy_songs_close(songs);
}

/* Without the processor's vectors the same bits. */
static void forms_agree(void **state)
{
    (void)state;
    static struct dy_cosine_hit wide[SONGS], plain[SONGS];
    size_t wide_count, plain_count;
    uint64_t random = 4;
    struct dy_songs *songs = open_made_up();
    setenv("DYLUMO_CPU", "scalar", 1);
    struct dy_songs *scalar = open_made_up();
    unsetenv("DYLUMO_CPU");
    struct dy_cosine_query query = query_for(songs, &random, SONGS);
    assert_ok(dy_songs_cosine(songs, &query, wide, &wide_count, &err));
    assert_ok(dy_songs_cosine(scalar, &query, plain, &plain_count, &err));
    assert_int_equal(wide_count, plain_count);
    assert_memory_equal(wide, plain, wide_count * sizeof *wide);
    dy_songs_close(songs);
    dy_songs_close(scalar);
}

static void refused(void **state)
{
    (void)state;
    struct dy_songs *songs = open_made_up();
    uint64_t random = 5;
    struct dy_cosine_hit hit;
    size_t count = 9;
    struct dy_cosine_query query = query_for(songs, &random, 0);
    assert_fails(dy_songs_cosine(songs, &query, &hit, &count, &err), DYLUMO_BAD_ARGUMENT,
                 "0 songs");
    assert_int_equal(count, 0);
    query.k = 1;
    query.target[3] = NAN;
    assert_fails(dy_songs_cosine(songs, &query, &hit, &count, &err), DYLUMO_BAD_ARGUMENT,
                 "loudness");
    memset(query.target, 0, sizeof query.target);
    assert_fails(dy_songs_cosine(songs, &query, &hit, &count, &err), DYLUMO_BAD_ARGUMENT,
                 "no direction");
    query.target[0] = 1;
    test_alloc_fail_at(1);
    assert_fails(dy_songs_cosine(songs, &query, &hit, &count, &err), DYLUMO_NO_MEMORY, "no memory");
    test_alloc_fail_at(0);
    dy_songs_close(songs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_sort),
        cmocka_unit_test(rules),
        cmocka_unit_test(songs_find_themselves),
        cmocka_unit_test(forms_agree),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
