/* The nearest songs: dylumo's tree over a songs file, row by row of what a search may be asked,
 * and the same vectors and targets written out for the peers (bench/search.sh runs both).
 *
 *     bench_search SONGS [FOLDER]         the table; FOLDER receives vectors, targets, exact
 * distances bench_search SONGS --threads        batches on one thread and on all
 *
 * Times are of single calls on one thread, k = 10, 1,000 targets; of each the best of five, since
 * other work on the machine only ever adds. Every list is compared with the scan's for one target
 * in twenty. */
#include "dy_songs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define QUERIES 1000
#define K 10
#define ROUNDS 5

static struct dylumo_error err;

static void stop(const char *what)
{
    fprintf(stderr, "bench_search: %s: %s\n", what, err.text);
    exit(1);
}

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

/* ------------------------------------------------------------------ chance */

static uint64_t random_state;

static double unit(void)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15U; /* SplitMix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

static double normal(void)
{
    double u = 1 - unit();
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * unit());
}

/* ------------------------------------------------------------------ spaces */

/* Directions over the 13 normal scores like those of a mood file; three axes of falling weight. */
static const float directions[3][DYLUMO_FEATURE_COUNT] = {
    {[DYLUMO_VALENCE] = 1, [DYLUMO_DANCEABILITY] = 0.4F, [DYLUMO_ACOUSTICNESS] = -0.2F},
    {[DYLUMO_ENERGY] = 1, [DYLUMO_LOUDNESS] = 0.5F, [DYLUMO_ACOUSTICNESS] = -0.4F},
    {[DYLUMO_INSTRUMENTALNESS] = 1, [DYLUMO_DANCEABILITY] = -0.5F, [DYLUMO_SPEECHINESS] = -0.2F},
};
static const double axis_weights[3] = {0.66, 0.33, 0.03}; /* rho2 / (1 - rho2) */

struct ranked {
    float sum;
    uint32_t song;
};

static int compare_ranked(const void *a, const void *b)
{
    float x = ((const struct ranked *)a)->sum, y = ((const struct ranked *)b)->sum;
    return (x > y) - (x < y);
}

/* Ranks as normal scores; ties keep the order of the sort. */
static void normal_scores(struct ranked *ranked, size_t count, float *column)
{
    qsort(ranked, count, sizeof *ranked, compare_ranked);
    for (size_t i = 0; i < count; i++)
        column[ranked[i].song] = (float)dy_normal_quantile(((double)i + 1) / ((double)count + 1));
}

static struct dy_songs_space make_axes(const struct dy_songs_space *all, unsigned axes)
{
    struct dy_songs_space space = {.axes = axes, .count = all->count};
    struct ranked *ranked = calloc(all->count, sizeof *ranked);
    for (unsigned a = 0; ranked && a < axes; a++) {
        float *column = calloc(all->count, sizeof *column);
        if (!column)
            stop("no memory");
        for (size_t i = 0; i < all->count; i++) {
            float sum = 0;
            for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
                sum += directions[a][f] * all->columns[f][i];
            ranked[i] = (struct ranked){sum, (uint32_t)i};
        }
        normal_scores(ranked, all->count, column);
        space.columns[a] = column;
    }
    free(ranked);
    return space;
}

static double processor_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void build(struct dy_songs_space *space, unsigned threads, const char *name)
{
    struct dy_workers *workers;
    struct dy_songs_index *index;
    if (dy_workers_new(&workers, threads, &err))
        stop(name);
    double begun = now_ms(), used = processor_s();
    if (dy_songs_index_build(&index, space, workers, &err))
        stop(name);
    size_t size;
    dy_songs_index_bytes(index, &size);
    printf("tree over %s: %.2f s on %u thread%s (%.2f s of processor), %.2f bytes a song\n", name,
           (now_ms() - begun) / 1e3, threads, threads == 1 ? "" : "s", processor_s() - used,
           (double)size / (double)space->count);
    space->index = index;
    dy_workers_free(workers);
}

/* ------------------------------------------------------------------ rows */

enum targets { ON_SONGS, NEAR_MEAN, SPREAD };
enum weights { FIXED, UNIFORM, HALF_ZERO };

struct row {
    const char *name, *file; /* file: for the peers; NULL: they can't */
    enum targets targets;
    enum weights weights;
    const double *fixed;
};

struct answers {
    double targets[QUERIES][DY_SONGS_AXES_MAX], weights[QUERIES][DY_SONGS_AXES_MAX];
    struct dy_hit hits[QUERIES][K];
    double best[QUERIES];
};

static struct answers answers; /* 600 KB */

static void draw(const struct dy_songs_space *space, const struct row *row)
{
    random_state = 7;
    for (int q = 0; q < QUERIES; q++) {
        size_t song = (size_t)(unit() * (double)space->count);
        for (unsigned j = 0; j < space->axes; j++) {
            double *target = &answers.targets[q][j], chance = normal();
            *target = row->targets == ON_SONGS ? (double)space->columns[j][song]
                                               : chance * (row->targets == NEAR_MEAN ? 0.3 : 1);
            *target = (double)(float)*target; /* as the peers take it */
            double *weight = &answers.weights[q][j], any = unit();
            *weight = row->weights == FIXED     ? row->fixed[j]
                      : row->weights == UNIFORM ? any
                      : unit() < 0.5            ? 0
                                                : any;
        }
    }
}

static struct dy_songs_query query_of(const struct dy_songs_space *space, int q)
{
    struct dy_songs_query query = {
        .space = space, .target = answers.targets[q], .weights = answers.weights[q], .k = K};
    return query;
}

static void check(const struct dy_songs *songs, const struct dy_songs_space *space, int q)
{
    struct dy_songs_query query = query_of(space, q);
    struct dy_hit exact[K];
    size_t count;
    if (dy_songs_scan(songs, &query, exact, &count, &err))
        stop("scan");
    for (size_t i = 0; i < count; i++)
        if (exact[i].song != answers.hits[q][i].song ||
            exact[i].dist2 != answers.hits[q][i].dist2) {
            fprintf(stderr, "bench_search: the tree differs from the scan\n");
            exit(1);
        }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double scan_ms(const struct dy_songs *songs, const struct dy_songs_space *space)
{
    double best = INFINITY;
    for (int q = 0; q < 5; q++) {
        struct dy_songs_query query = query_of(space, q);
        struct dy_hit hits[K];
        size_t count;
        double begun = now_ms();
        if (dy_songs_scan(songs, &query, hits, &count, &err))
            stop("scan");
        double took = now_ms() - begun;
        best = took < best ? took : best;
    }
    return best;
}

static void write_out(const char *folder, const struct row *row, const struct dy_songs_space *space)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.queries", folder, row->file);
    FILE *file = fopen(path, "wb");
    if (!file)
        stop(path);
    for (int q = 0; q < QUERIES; q++) { /* target, weights, distance of the k-th */
        fwrite(answers.targets[q], sizeof(double), space->axes, file);
        fwrite(answers.weights[q], sizeof(double), space->axes, file);
        fwrite(&answers.hits[q][K - 1].dist2, sizeof(double), 1, file);
    }
    fclose(file);
}

static void run(const struct dy_songs *songs, const struct dy_songs_space *space,
                const struct row *row, const char *folder)
{
    draw(space, row);
    for (int round = 0; round < ROUNDS; round++)
        for (int q = 0; q < QUERIES; q++) {
            struct dy_songs_query query = query_of(space, q);
            size_t count;
            double begun = now_ms();
            if (dy_songs_nearest(songs, &query, answers.hits[q], &count, &err))
                stop(row->name);
            double took = now_ms() - begun;
            answers.best[q] = round == 0 || took < answers.best[q] ? took : answers.best[q];
        }
    for (int q = 0; q < QUERIES; q += 20)
        check(songs, space, q);
    double sorted[QUERIES];
    memcpy(sorted, answers.best, sizeof sorted);
    qsort(sorted, QUERIES, sizeof *sorted, compare_doubles);
    double p50 = sorted[QUERIES / 2], p99 = sorted[QUERIES * 99 / 100];
    printf("%-34s dylumo          %9.4f %9.4f  1.0000   scan %.2f ms\n", row->name, p50, p99,
           scan_ms(songs, space));
    if (folder && row->file) {
        write_out(folder, row, space);
        char path[4096];
        snprintf(path, sizeof path, "%s/%s.dylumo", folder, row->file);
        FILE *file = fopen(path, "w");
        if (!file)
            stop(path);
        fprintf(file, "%s\n%.6f %.6f\n", row->name, p50, p99);
        fclose(file);
    }
}

static void write_vectors(const char *folder, const char *name, const struct dy_songs_space *space)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.vectors", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file)
        stop(path);
    for (unsigned j = 0; j < space->axes; j++)
        fwrite(space->columns[j], sizeof(float), space->count, file);
    fclose(file);
}

/* ------------------------------------------------------------------ filters, threads */

static void run_filters(const struct dy_songs *songs, const struct dy_songs_space *space)
{
    static const double shares[] = {0.0001, 0.001, 0.01, 0.1, 0.5};
    static const double ones[DY_SONGS_AXES_MAX] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const struct row row = {"", NULL, ON_SONGS, FIXED, ones};
    uint64_t *allowed = calloc(space->count / 64 + 1, sizeof *allowed);
    for (size_t s = 0; allowed && s < DY_COUNT(shares); s++) {
        random_state = s;
        memset(allowed, 0, (space->count / 64 + 1) * sizeof *allowed);
        for (size_t i = 0; i < space->count; i++)
            if (unit() < shares[s])
                allowed[i / 64] |= UINT64_C(1) << (i % 64);
        draw(space, &row);
        for (int i = 0; i < ROUNDS * QUERIES; i++) {
            int q = i % QUERIES;
            struct dy_songs_query query = query_of(space, q);
            query.allowed = allowed;
            size_t count;
            double begun = now_ms();
            if (dy_songs_nearest(songs, &query, answers.hits[q], &count, &err))
                stop("filter");
            double took = now_ms() - begun;
            answers.best[q] = i < QUERIES || took < answers.best[q] ? took : answers.best[q];
        }
        qsort(answers.best, QUERIES, sizeof(double), compare_doubles);
        printf("equal weights, %5.2f %% of songs pass  dylumo      %9.4f %9.4f\n", shares[s] * 100,
               answers.best[QUERIES / 2], answers.best[QUERIES * 99 / 100]);
    }
    free(allowed);
}

static double batch_ms(const struct dy_songs *songs, const struct dy_songs_space *space,
                       unsigned threads)
{
    enum { MANY = 8 * QUERIES };
    struct dy_songs_query *queries = calloc(MANY, sizeof *queries);
    struct dy_hit *hits = calloc((size_t)MANY * K, sizeof *hits),
                  **lists = calloc(MANY, sizeof *lists);
    size_t *counts = calloc(MANY, sizeof *counts);
    struct dy_workers *workers;
    if (!queries || !hits || !lists || !counts || dy_workers_new(&workers, threads, &err))
        stop("batch");
    for (int i = 0; i < MANY; i++) {
        queries[i] = query_of(space, i % QUERIES);
        lists[i] = hits + (size_t)i * K;
    }
    double best = INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
        double begun = now_ms();
        if (dy_songs_nearest_many(songs, queries, MANY, lists, counts, workers, &err))
            stop("batch");
        double took = now_ms() - begun;
        best = took < best ? took : best;
    }
    dy_workers_free(workers);
    free(queries);
    free(hits);
    free(lists);
    free(counts);
    return best / MANY;
}

static void run_threads(const struct dy_songs *songs, const struct dy_songs_space *space,
                        const struct row *row)
{
    draw(space, row);
    double one = batch_ms(songs, space, 1), two = batch_ms(songs, space, 2);
    printf("%-34s a query in a batch: %.4f ms on 1 thread, %.4f on 2: %.2f times\n", row->name, one,
           two, one / two);
}

/* ------------------------------------------------------------------ main */

static void print_machine(const struct dy_songs *songs)
{
    struct dy_cpu cpu = dy_cpu_read();
    printf("%zu songs, k = %d, %d targets a row, kernels for %s; ms a call, one thread\n",
           dy_songs_count(songs), K, QUERIES, dy_cpu_name(&cpu));
}

int main(int argc, char **argv)
{
    struct dy_songs *songs;
    if (argc < 2 || dy_songs_open(&songs, argv[1], &err))
        stop("bench_search SONGS [FOLDER | --threads]");
    setvbuf(stdout, NULL, _IOLBF, 0); /* rows as they come */
    bool threads = argc > 2 && !strcmp(argv[2], "--threads");
    const char *folder = argc > 2 && !threads ? argv[2] : NULL;
    static const double ones[13] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    static const double six[13] = {
        [DYLUMO_VALENCE] = .54,      [DYLUMO_ENERGY] = .45,       [DYLUMO_LOUDNESS] = .28,
        [DYLUMO_ACOUSTICNESS] = .18, [DYLUMO_DANCEABILITY] = .15, [DYLUMO_INSTRUMENTALNESS] = .06};
    const struct row moods[] = {{"mood, 2 axes", "axes2", SPREAD, FIXED, axis_weights},
                                {"mood, 3 axes", "axes3", SPREAD, FIXED, axis_weights}};
    const struct row rows[] = {
        {"6 features weighted, near-mean", "six", NEAR_MEAN, FIXED, six},
        {"equal weights, real songs", "equal", ON_SONGS, FIXED, ones},
        {"equal weights, near-mean", "mean", NEAR_MEAN, FIXED, ones},
        {"new weights each, real songs", "any", ON_SONGS, UNIFORM, NULL},
        {"new weights each, near-mean", "anymean", NEAR_MEAN, UNIFORM, NULL},
        {"half of them zero, real songs", NULL, ON_SONGS, HALF_ZERO, NULL},
        {"half of them zero, near-mean", NULL, NEAR_MEAN, HALF_ZERO, NULL},
    };
    print_machine(songs);
    struct dy_songs_space all = dy_songs_space(songs);
    struct dy_songs_space rebuilt = all;
    build(&rebuilt, 1, "13 features");
    dy_songs_index_free((struct dy_songs_index *)(uintptr_t)rebuilt.index);
    build(&rebuilt, 2, "13 features");
    if (!all.index)
        all = rebuilt;
    if (folder)
        write_vectors(folder, "features", &all);
    for (unsigned a = 0; a < 2; a++) {
        struct dy_songs_space axes = make_axes(&all, a + 2);
        build(&axes, 2, moods[a].name);
        if (threads)
            run_threads(songs, &axes, &moods[a]);
        else
            run(songs, &axes, &moods[a], folder);
        if (folder && a == 0)
            write_vectors(folder, "axes2", &axes);
        if (folder && a == 1)
            write_vectors(folder, "axes3", &axes);
        dy_songs_index_free((struct dy_songs_index *)(uintptr_t)axes.index);
        for (unsigned j = 0; j < axes.axes; j++)
            free((void *)(uintptr_t)axes.columns[j]);
    }
    for (size_t r = 0; r < DY_COUNT(rows); r++)
        if (threads)
            run_threads(songs, &all, &rows[r]);
        else
            run(songs, &all, &rows[r], folder);
    if (!threads)
        run_filters(songs, &all);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("resident at most %.0f MB\n", (double)usage.ru_maxrss / 1024);
    dy_songs_index_free((struct dy_songs_index *)(uintptr_t)rebuilt.index);
    dy_songs_close(songs);
    return 0;
}
