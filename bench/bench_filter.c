/* How long filters take on a songs file: bench_filter SONGS. Least and median of 100 calls each;
 * the search of ten songs under the mask is in the time. Where other work runs, the least is what
 * the filter itself takes. */
#include "dy_songs.h"

#include <stdlib.h>
#include <time.h>

#define CALLS 100

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

static int compare_times(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const struct dy_songs *songs, const char *filter)
{
    double times[CALLS];
    size_t passing = 0;
    struct dylumo_error err;
    const double target[DYLUMO_FEATURE_COUNT] = {0},
                 weights[DYLUMO_FEATURE_COUNT] = {[DYLUMO_ENERGY] = 0.5, [DYLUMO_VALENCE] = 0.5};
    for (int i = 0; i < CALLS; i++) {
        uint64_t *allowed;
        size_t found;
        struct dy_hit hits[10];
        double begun = now_ms();
        if (dy_songs_filter(songs, filter, &allowed, &passing, &err)) {
            fprintf(stderr, "%s\n", err.text);
            exit(1);
        }
        struct dy_songs_query query = {.target = target,
                                       .weights = weights,
                                       .k = 10,
                                       .allowed = allowed,
                                       .per_artist = 2,
                                       .one_recording = true};
        if (dy_songs_nearest(songs, &query, hits, &found, &err))
            exit(1);
        times[i] = now_ms() - begun;
        dy_free(allowed);
    }
    qsort(times, CALLS, sizeof *times, compare_times);
    printf("| `%s` | %zu | %.4f %% | %.2f | %.2f |\n", filter, passing,
           100 * (double)passing / (double)dy_songs_count(songs), times[0], times[CALLS / 2]);
}

int main(int argc, char **argv)
{
    static const char *const filters[] = {
        "year>=1990",
        "genre in (jazz, soul)",
        "genre=jazz and year in 1960..1969 and tempo in 90..100",
        "artist=\"Miles Davis\"",
        "artist has davis and year<1970",
        "title=yesterday",
        "title has moonlight",
        "title has love you",
        "title has moonlight and year>=2000 and energy<0.3",
        "key=C and mode=minor and duration<2:00 and popularity>60",
        "not (genre=pop or genre=rock) and valence>0.9 and danceability>0.9",
    };
    struct dylumo_error err;
    struct dy_songs *songs;
    struct dy_cpu cpu = dy_cpu_read();
    if (argc != 2 || dy_songs_open(&songs, argv[1], &err)) {
        fprintf(stderr, "%s\n", argc != 2 ? "bench_filter SONGS" : err.text);
        return 1;
    }
    printf("%zu songs, %s, one thread\n\n", dy_songs_count(songs), dy_cpu_name(&cpu));
    printf("| filter | pass | share | ms, least of %d | median |\n", CALLS);
    printf("| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < DY_COUNT(filters); i++)
        measure(songs, filters[i]);
    dy_songs_close(songs);
    return 0;
}
