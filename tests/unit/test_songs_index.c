/* songs_index*.c, songs_nearest.c: the tree against the scan, bit by bit, on made-up and real
 * songs; its kernels against each other; broken trees. */
#include "dy_songs.h"
#include "dy_test.h"
#include "songs_index.h"
#include "test_songs.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <zlib.h>

static struct dylumo_error err;

static struct dy_songs *open_made_up(size_t count)
{
    char *folder = test_folder_new();
    const char *path = test_path(folder, "a.songs");
    test_songs_write(path, count, count, false);
    struct dy_songs *songs;
    assert_ok(dy_songs_open(&songs, path, &err));
    test_folder_remove(folder); /* the mapping lives on */
    return songs;
}

static struct dy_songs_index *build_tree(const struct dy_songs_space *space, unsigned threads)
{
    struct dy_workers *workers;
    struct dy_songs_index *index;
    assert_ok(dy_workers_new(&workers, threads, &err));
    assert_ok(dy_songs_index_build(&index, space, workers, &err));
    dy_workers_free(workers);
    return index;
}

static double normal(uint64_t *random)
{
    double u = 1 - test_random_unit(random), v = test_random_unit(random);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

/* ------------------------------------------------------------------ spaces */

/* Columns of normal numbers in clusters, of whole numbers, of one value: axes columns on the heap.
 */
static struct dy_songs_space space_of(size_t count, unsigned axes, uint64_t seed)
{
    struct dy_songs_space space = {.axes = axes, .count = count};
    uint64_t random = seed;
    for (unsigned j = 0; j < axes; j++) {
        float *column = calloc(count, sizeof *column);
        assert_non_null(column);
        uint64_t kind = test_random(&random) % 6;
        for (size_t i = 0; i < count; i++) {
            double cluster = (double)(i * 7919 % 5);
            double value = kind == 0   ? (double)(test_random(&random) % 3)
                           : kind == 1 ? 0.25
                           : kind == 2 ? normal(&random) * 0.1 + cluster
                           : kind == 3 ? floor(normal(&random) * 20) / 10
                                       : normal(&random);
            column[i] = (float)value;
        }
        space.columns[j] = column;
    }
    return space;
}

static void space_free(struct dy_songs_space *space)
{
    for (unsigned j = 0; j < space->axes; j++)
        free((void *)(uintptr_t)space->columns[j]);
}

/* ------------------------------------------------------------------ one query, both ways */

static void compare(const struct dy_songs *songs, const struct dy_songs_query *query)
{
    size_t n = dy_songs_count(songs), room = query->k < n ? query->k : n, count, scanned;
    struct dy_hit *hits = calloc(room, sizeof *hits), *expected = calloc(room, sizeof *expected);
    assert_true(hits && expected);
    assert_ok(dy_songs_scan(songs, query, expected, &scanned, &err));
    assert_ok(dy_songs_nearest(songs, query, hits, &count, &err));
    assert_int_equal(count, scanned);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(hits[i].song, expected[i].song);
        assert_true(hits[i].dist2 == expected[i].dist2);
    }
    free(hits);
    free(expected);
}

static double target_of(const struct dy_songs_space *space, unsigned axis, size_t like,
                        uint64_t kind, uint64_t *random)
{
    switch (kind) {
    case 0:
        return (double)space->columns[axis][like]; /* on a song: ties at 0 */
    case 1:
        return 0.3 * normal(random);
    case 2:
        return normal(random);
    case 3:
        return 40 * normal(random);
    case 4:
        return 1e6 * normal(random);
    case 5:
        return (double)space->columns[axis][like] + 1e-9;
    default:
        return test_random(random) % 8 ? normal(random) : 3e9 * normal(random);
    }
}

static double weight_of(uint64_t kind, uint64_t *random)
{
    switch (kind) {
    case 0:
        return 1;
    case 1:
        return test_random_unit(random);
    case 2:
        return test_random(random) % 2 ? 0 : test_random_unit(random);
    case 3:
        return test_random(random) % 6 ? 0 : 1;
    case 4:
        return pow(10, -20 * test_random_unit(random));
    default:
        return ldexp(test_random_unit(random), (int)(test_random(random) % 600) - 300);
    }
}

static void fill_allowed(uint64_t *allowed, size_t songs, uint64_t kind, uint64_t *random)
{
    static const double shares[] = {0.0001, 0.01, 0.03, 0.2, 0.5, 0.98, 1};
    double share = shares[kind % DY_COUNT(shares)];
    memset(allowed, 0, (songs / 64 + 1) * sizeof *allowed);
    for (size_t i = 0; i < songs; i++)
        if (test_random_unit(random) < share)
            allowed[i / 64] |= UINT64_C(1) << (i % 64);
}

static void random_queries(const struct dy_songs *songs, const struct dy_songs_space *space,
                           uint64_t seed, int count)
{
    static const size_t ks[] = {1, 2, 10, 10, 10, 10, 50, 256, 300};
    size_t n = space->count;
    uint64_t random = seed, *allowed = calloc(n / 64 + 1, 8);
    assert_non_null(allowed);
    for (int q = 0; q < count; q++) {
        double target[DY_SONGS_AXES_MAX], weights[DY_SONGS_AXES_MAX];
        size_t like = test_random(&random) % n;
        uint64_t kind = test_random(&random) % 7, weight_kind = test_random(&random) % 6;
        for (unsigned j = 0; j < space->axes; j++) {
            target[j] = target_of(space, j, like, kind, &random);
            weights[j] = weight_of(weight_kind, &random);
        }
        bool filtered = test_random(&random) % 3 == 0, ruled = test_random(&random) % 3 == 0;
        if (filtered)
            fill_allowed(allowed, n, test_random(&random), &random);
        struct dy_songs_query query = {
            .space = space,
            .target = target,
            .weights = weights,
            .k = q % 50 == 49 ? n : ks[test_random(&random) % DY_COUNT(ks)],
            .allowed = filtered ? allowed : NULL,
            .per_artist = ruled ? (unsigned)(test_random(&random) % 3) : 0,
            .one_recording = ruled && test_random(&random) % 2,
            .without_season = test_random(&random) % 4 == 0,
        };
        compare(songs, &query);
    }
    free(allowed);
}

static const char *const forms[] = {"scalar", "avx2", "avx512"};

static void answers_as_the_scan(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 2, 63, 64, 65, 1000, 1024, 1025, 5000, 20000};
    for (size_t c = 0; c < DY_COUNT(counts); c++)
        for (size_t f = 0; f < DY_COUNT(forms); f++) {
            setenv("DYLUMO_CPU", forms[f], 1);
            struct dy_songs *songs = open_made_up(counts[c]);
            for (unsigned turn = 0; turn < 3; turn++) {
                unsigned axes = turn == 0 ? 13 : 1 + (unsigned)((c * 5 + f * 3 + turn * 7) % 16);
                struct dy_songs_space space = space_of(counts[c], axes, c * 10 + f + turn * 100);
                struct dy_songs_index *index = build_tree(&space, 2);
                assert_ok(dy_songs_index_check(index, "tree", &err));
                space.index = index;
                random_queries(songs, &space, c + f * 7 + turn, 40);
                space.index = NULL;
                dy_songs_index_free(index);
                space_free(&space);
            }
            dy_songs_close(songs);
        }
    unsetenv("DYLUMO_CPU");
}

/* ------------------------------------------------------------------ real songs */

#define REAL_MAX 30000

/* The last 13 fields of each line are the features; they hold no quotes. */
static size_t read_features(float *columns[13], const char *path)
{
    gzFile file = gzopen(path, "rb");
    assert_non_null(file);
    static char line[1 << 16];
    size_t count = 0;
    while (count < REAL_MAX && gzgets(file, line, sizeof line)) {
        char *fields[13], *end = line + strlen(line);
        int left = 13;
        while (left > 0 && end > line)
            if (*--end == ',') {
                fields[--left] = end + 1;
                *end = '\0';
            }
        char *rest;
        if (left || (strtod(fields[0], &rest), rest == fields[0]))
            continue; /* the names */
        for (int j = 0; j < 13; j++)
            columns[j][count] = strtof(fields[j], NULL);
        count++;
    }
    gzclose(file);
    return count;
}

/* Raw features, not normal scores: tempo and duration are then thousands, which the tree must take
 * as well. */
static void answers_as_the_scan_on_real_songs(void **state)
{
    (void)state;
    const char *path = test_repository("catalogue/starter.csv.gz");
    struct dy_songs_space space = {.axes = 13};
    float *columns[13];
    for (int j = 0; j < 13; j++) {
        columns[j] = calloc(REAL_MAX, sizeof *columns[j]);
        assert_non_null(columns[j]);
        space.columns[j] = columns[j];
    }
    space.count = read_features(columns, path);
    assert_true(space.count > 1000);
    struct dy_songs_index *index = build_tree(&space, 2);
    assert_ok(dy_songs_index_check(index, "tree", &err));
    for (size_t f = 0; f < DY_COUNT(forms); f++) {
        setenv("DYLUMO_CPU", forms[f], 1);
        struct dy_songs *songs = open_made_up(space.count);
        space.index = index;
        random_queries(songs, &space, f, 1000);
        dy_songs_close(songs);
    }
    unsetenv("DYLUMO_CPU");
    dy_songs_index_free(index);
    space_free(&space);
}

/* ------------------------------------------------------------------ refusals and fallbacks */

static void refuses_what_is_not_finite(void **state)
{
    (void)state;
    struct dy_songs *songs = open_made_up(300);
    struct dy_songs_space space = space_of(300, 3, 1);
    space.index = build_tree(&space, 1);
    double target[3] = {0, NAN, 0}, weights[3] = {1, 1, 1};
    struct dy_songs_query query = {.space = &space, .target = target, .weights = weights, .k = 5};
    struct dy_hit hits[5];
    size_t count;
    assert_int_equal(dy_songs_nearest(songs, &query, hits, &count, &err), DYLUMO_BAD_ARGUMENT);
    target[1] = 0;
    weights[2] = -1;
    assert_int_equal(dy_songs_nearest(songs, &query, hits, &count, &err), DYLUMO_BAD_ARGUMENT);
    weights[2] = 1e308; /* sums to infinity in the scan as well */
    weights[1] = 1e308;
    target[1] = 1e8;
    compare(songs, &query);
    dy_songs_index_free((struct dy_songs_index *)(uintptr_t)space.index);
    float *column = (float *)(uintptr_t)space.columns[1];
    column[7] = NAN;
    struct dy_workers *workers;
    struct dy_songs_index *index;
    assert_ok(dy_workers_new(&workers, 1, &err));
    assert_fails(dy_songs_index_build(&index, &space, workers, &err), DYLUMO_BAD_ARGUMENT,
                 "not finite");
    dy_workers_free(workers);
    space_free(&space);
    dy_songs_close(songs);
}

/* A tree answers for some of its columns, in another order; columns it lacks are scanned. */
static void finds_its_columns(void **state)
{
    (void)state;
    struct dy_songs *songs = open_made_up(3000);
    struct dy_songs_space all = space_of(3000, 8, 5), other = space_of(3000, 2, 6);
    struct dy_songs_index *index = build_tree(&all, 1);
    struct dy_songs_space some = {.axes = 3, .count = 3000, .index = index};
    some.columns[0] = all.columns[6];
    some.columns[1] = all.columns[0];
    some.columns[2] = all.columns[3];
    random_queries(songs, &some, 1, 100);
    some.columns[1] = other.columns[0];
    random_queries(songs, &some, 2, 100);
    dy_songs_index_free(index);
    space_free(&all);
    space_free(&other);
    dy_songs_close(songs);
}

/* ------------------------------------------------------------------ many at once */

static void many_answer_as_one(void **state)
{
    (void)state;
    enum { MANY = 333, K = 7 };
    struct dy_songs *songs = open_made_up(4000);
    struct dy_songs_space space = space_of(4000, 13, 2);
    struct dy_songs_index *index = build_tree(&space, 1);
    space.index = index;
    static double targets[MANY][13], weights[13];
    static struct dy_songs_query queries[MANY];
    static struct dy_hit hits[MANY][K], *lists[MANY];
    static size_t counts[MANY];
    uint64_t random = 3;
    for (int i = 0; i < MANY; i++) {
        for (int j = 0; j < 13; j++) {
            targets[i][j] = normal(&random);
            weights[j] = 1;
        }
        queries[i] = (struct dy_songs_query){
            .space = &space, .target = targets[i], .weights = weights, .k = K};
        lists[i] = hits[i];
    }
    struct dy_workers *workers;
    assert_ok(dy_workers_new(&workers, 4, &err));
    assert_ok(dy_songs_nearest_many(songs, queries, MANY, lists, counts, workers, &err));
    for (int i = 0; i < MANY; i++) {
        struct dy_hit one[K];
        size_t count;
        assert_ok(dy_songs_nearest(songs, &queries[i], one, &count, &err));
        assert_int_equal(count, counts[i]);
        for (size_t h = 0; h < count; h++)
            assert_true(one[h].song == hits[i][h].song && one[h].dist2 == hits[i][h].dist2);
    }
    targets[200][4] = NAN;
    queries[300].k = 0;
    assert_fails(dy_songs_nearest_many(songs, queries, MANY, lists, counts, workers, &err),
                 DYLUMO_BAD_ARGUMENT, "axis 4");
    dy_workers_free(workers);
    dy_songs_index_free(index);
    space_free(&space);
    dy_songs_close(songs);
}

/* ------------------------------------------------------------------ many threads */

enum { THREADS = 4, THREAD_QUERIES = 200, THREAD_K = 10 };

struct crowd {
    const struct dy_songs *songs;
    double targets[THREAD_QUERIES][13];
    struct dy_songs_query queries[THREAD_QUERIES];
    struct dy_hit alone[THREAD_QUERIES][THREAD_K];
};

static bool same_hits(const struct dy_hit *a, const struct dy_hit *b, size_t count)
{
    bool same = true;
    for (size_t i = 0; i < count; i++)
        same &= a[i].song == b[i].song && a[i].dist2 == b[i].dist2;
    return same;
}

/* All queries, from one of its own on: how many answers differ from those given alone. */
static size_t ask_all(const struct crowd *crowd, size_t from)
{
    size_t different = 0;
    for (size_t i = 0; i < THREAD_QUERIES; i++) {
        size_t q = (from + i) % THREAD_QUERIES, count;
        struct dy_hit hits[THREAD_K];
        struct dylumo_error mine;
        different += dy_songs_nearest(crowd->songs, &crowd->queries[q], hits, &count, &mine) ||
                     count != THREAD_K || !same_hits(hits, crowd->alone[q], THREAD_K);
    }
    return different;
}

static void *ask_in_thread(void *argument)
{
    return (void *)(uintptr_t)ask_all(argument, 50);
}

static void many_threads_share_one_file(void **state)
{
    (void)state;
    static const double ones[13] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    static struct crowd crowd;
    struct dy_songs *songs = open_made_up(5000);
    struct dy_songs_space space = dy_songs_space(songs);
    struct dy_songs_index *index = build_tree(&space, 1);
    space.index = index;
    crowd.songs = songs;
    uint64_t random = 8;
    for (size_t q = 0; q < THREAD_QUERIES; q++) {
        for (int j = 0; j < 13; j++)
            crowd.targets[q][j] = normal(&random);
        crowd.queries[q] = (struct dy_songs_query){.space = &space,
                                                   .target = crowd.targets[q],
                                                   .weights = ones,
                                                   .k = THREAD_K,
                                                   .per_artist = (unsigned)q % 3,
                                                   .one_recording = q % 2 == 1};
        size_t count;
        assert_ok(dy_songs_nearest(songs, &crowd.queries[q], crowd.alone[q], &count, &err));
        assert_int_equal(count, THREAD_K);
    }
    test_alloc_fail_at(0);
    pthread_t threads[THREADS];
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, ask_in_thread, &crowd), 0);
    size_t different = ask_all(&crowd, 0);
    for (int t = 0; t < THREADS; t++) {
        void *more;
        pthread_join(threads[t], &more);
        different += (uintptr_t)more;
    }
    assert_int_equal(different, 0);
    assert_int_equal(test_alloc_count(), 0);
    dy_songs_index_free(index);
    dy_songs_close(songs);
}

/* ------------------------------------------------------------------ build */

static void is_the_same_for_any_threads(void **state)
{
    (void)state;
    struct dy_songs_space space = space_of(30000, 13, 3);
    struct dy_songs_index *one = build_tree(&space, 1), *many = build_tree(&space, 5);
    size_t size, other_size;
    const void *bytes = dy_songs_index_bytes(one, &size);
    const void *other = dy_songs_index_bytes(many, &other_size);
    assert_int_equal(size, other_size);
    assert_memory_equal(bytes, other, size);
    assert_true(size <= 16 * space.count);
    dy_songs_index_free(one);
    dy_songs_index_free(many);
    space_free(&space);
}

static enum dylumo_status build_and_free(void *user)
{
    struct dy_workers *workers;
    struct dy_songs_index *index = NULL;
    enum dylumo_status st = dy_workers_new(&workers, 1, &err);
    if (st)
        return st;
    st = dy_songs_index_build(&index, user, workers, &err);
    if (!st)
        dy_songs_index_free(index);
    dy_workers_free(workers);
    return st;
}

static void survives_without_memory(void **state)
{
    (void)state;
    struct dy_songs_space space = space_of(500, 4, 3);
    test_every_allocation(build_and_free, &space);
    space_free(&space);
}

static void allocates_nothing_in_a_search(void **state)
{
    (void)state;
    struct dy_songs *songs = open_made_up(5000);
    struct dy_songs_space space = space_of(5000, 13, 9);
    struct dy_songs_index *index = build_tree(&space, 1);
    space.index = index;
    double target[13] = {0}, weights[13] = {1, 1, 1, 1};
    struct dy_songs_query query = {.space = &space, .target = target, .weights = weights, .k = 10};
    struct dy_hit hits[10];
    size_t count;
    test_alloc_fail_at(0);
    assert_ok(dy_songs_nearest(songs, &query, hits, &count, &err));
    assert_int_equal(test_alloc_count(), 0);
    dy_songs_index_free(index);
    space_free(&space);
    dy_songs_close(songs);
}

/* ------------------------------------------------------------------ kernels */

static void kernels_agree(void **state)
{
    (void)state;
    struct dy_songs_space space = space_of(4000, 13, 12);
    struct dy_songs_index *index = build_tree(&space, 1);
    const struct dy_cpu none = {0}, avx2 = {.avx2 = true}, all = {.avx2 = true, .avx512 = true};
    struct dy_cpu here = dy_cpu_read();
    const struct songs_kernels *kernels[3] = {songs_index_kernels(&none),
                                              songs_index_kernels(here.avx2 ? &avx2 : &none),
                                              songs_index_kernels(here.avx512 ? &all : &none)};
    if (!here.avx512)
        print_message("# this processor has no AVX-512\n");
    uint64_t random = 4;
    for (int turn = 0; turn < 2000; turn++) {
        struct songs_probe probe = {.axes = 1 + (unsigned)turn % 13,
                                    .all_axes = 13,
                                    .few = index->few,
                                    .values = index->values};
        for (unsigned a = 0; a < probe.axes; a++) {
            probe.column[a] = (uint8_t)((a * 5 + (unsigned)turn) % 13);
            probe.target[a] = (float)normal(&random);
            probe.weights[a] = (float)test_random_unit(&random);
            probe.least[a] = turn % 2 ? (float)test_random_unit(&random) / 8 : 0;
        }
        probe.limit = (float)test_random_unit(&random) * 8;
        uint32_t leaf = (uint32_t)(test_random(&random) % index->layout.leaves);
        const float *block = index->boxes[0] + leaf / 16 * index->layout.box_block_items;
        float bounds[3][INDEX_FAN];
        uint32_t near[3];
        struct songs_tables tables[3] = {0};
        uint64_t songs[3];
        for (int form = 0; form < 3; form++) {
            near[form] = kernels[form]->boxes(&probe, block, bounds[form]);
            kernels[form]->tables(&probe, index->boxes[1], leaf / 16, &tables[form]);
            songs[form] = kernels[form]->codes(&probe, &tables[form],
                                               index->codes + leaf * index->layout.leaf_codes, 200);
        }
        for (int form = 1; form < 3; form++) {
            assert_memory_equal(bounds[0], bounds[form], sizeof bounds[0]);
            assert_int_equal(near[0], near[form]);
            assert_memory_equal(tables[0].cell, tables[form].cell,
                                probe.axes * sizeof tables[0].cell[0]);
            assert_true(songs[0] == songs[form]);
        }
    }
    dy_songs_index_free(index);
    space_free(&space);
}

/* ------------------------------------------------------------------ foreign bytes */

static void refuses_other_sizes(void **state)
{
    (void)state;
    struct dy_songs_space space = space_of(2000, 5, 3);
    struct dy_songs_index *index = build_tree(&space, 1), *parsed;
    size_t size;
    const void *bytes = dy_songs_index_bytes(index, &size);
    assert_ok(dy_songs_index_parse(&parsed, bytes, size, &space, "a", &err));
    assert_ok(dy_songs_index_check(parsed, "a", &err));
    dy_songs_index_free(parsed);
    for (size_t cut = 0; cut < size; cut += 64)
        assert_int_equal(dy_songs_index_parse(&parsed, bytes, cut, &space, "a", &err),
                         DYLUMO_BAD_FILE);
    struct dy_songs_space longer = space;
    longer.count++;
    assert_fails(dy_songs_index_parse(&parsed, bytes, size, &longer, "a", &err), DYLUMO_BAD_FILE,
                 "expected 2001 songs");
    uint8_t *copy = aligned_alloc(64, (size + 63) / 64 * 64);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    copy[0]++;
    assert_fails(dy_songs_index_parse(&parsed, copy, size, &space, "a", &err), DYLUMO_UNSUPPORTED,
                 "version 2");
    free(copy);
    dy_songs_index_free(index);
    space_free(&space);
}

/* Random bytes in the tree: a search ends, names songs that exist, and the check sees it. */
static void survives_broken_trees(void **state)
{
    (void)state;
    struct dy_songs *songs = open_made_up(3000);
    struct dy_cpu here = songs->cpu, avx2 = {.avx2 = here.avx2};
    const struct dy_cpu cpus[3] = {here, avx2, {0}};
    struct dy_songs_space space = space_of(3000, 6, 3);
    struct dy_songs_index *index = build_tree(&space, 1), *parsed;
    size_t size, seen = 0;
    const void *bytes = dy_songs_index_bytes(index, &size);
    uint8_t *copy = aligned_alloc(64, (size + 63) / 64 * 64);
    assert_non_null(copy);
    uint64_t random = 8;
    for (int turn = 0; turn < 1000; turn++) {
        memcpy(copy, bytes, size);
        size_t from = 64 + test_random(&random) % (size - 64), many = test_random(&random) % 4096;
        bool zeros = turn % 4 == 0;
        for (size_t i = from; i < size && i < from + many; i++)
            copy[i] = zeros ? 0 : (uint8_t)test_random(&random);
        songs->cpu = cpus[turn % 3];
        assert_ok(dy_songs_index_parse(&parsed, copy, size, &space, "a", &err));
        seen += dy_songs_index_check(parsed, "a", &err) == DYLUMO_BAD_FILE;
        double target[6], weights[6] = {1, 1, 1, 1, 1, 1};
        for (int j = 0; j < 6; j++)
            target[j] = normal(&random);
        struct dy_songs_space broken = space;
        broken.index = parsed;
        struct dy_songs_query query = {
            .space = &broken, .target = target, .weights = weights, .k = 40};
        struct dy_hit hits[40];
        size_t count;
        assert_ok(dy_songs_nearest(songs, &query, hits, &count, &err));
        assert_true(count <= 40);
        for (size_t i = 0; i < count; i++)
            assert_true(hits[i].song < 3000);
        dy_songs_index_free(parsed);
    }
    assert_true(seen > 900); /* the rest changed nothing, or padding */
    free(copy);
    dy_songs_index_free(index);
    space_free(&space);
    dy_songs_close(songs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_as_the_scan),
        cmocka_unit_test(answers_as_the_scan_on_real_songs),
        cmocka_unit_test(refuses_what_is_not_finite),
        cmocka_unit_test(finds_its_columns),
        cmocka_unit_test(many_answer_as_one),
        cmocka_unit_test(many_threads_share_one_file),
        cmocka_unit_test(is_the_same_for_any_threads),
        cmocka_unit_test(survives_without_memory),
        cmocka_unit_test(allocates_nothing_in_a_search),
        cmocka_unit_test(kernels_agree),
        cmocka_unit_test(refuses_other_sizes),
        cmocka_unit_test(survives_broken_trees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
