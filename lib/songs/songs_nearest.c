/* The nearest songs: by the tree where one can answer and pays, else by the scan. Both offer songs
 * to the same collector, so they cannot differ in the rules. */
#include "songs_collect.h"
#include "songs_distance.h"
#include "songs_index.h"

#include <math.h>
#include <stdatomic.h>

/* Up to this many times the root of their number allowed, looking at just these is taken to be
 * faster than the tree, whose time grows as fewer pass (docs/numbers/search.md). */
#define FEW_ALLOWED 16
/* A list of more than one song in so many is faster scanned. */
#define LONG_LIST 64

static bool few_allowed(const struct dy_songs_query *query, size_t songs)
{
    if (!query->allowed)
        return false;
    size_t allowed = 0, enough = FEW_ALLOWED * (size_t)sqrt((double)songs);
    for (size_t w = 0; w < songs / 64 && allowed <= enough; w++)
        allowed += (size_t)__builtin_popcountll(query->allowed[w]);
    return allowed <= enough;
}

static bool tree_pays(const struct songs_collector *to, const struct dy_songs_query *query,
                      size_t songs)
{
    return to->form != SONGS_COLLECT_ALL && /* it bounds nothing */
           (to->k <= DY_SONGS_SMALL_K || to->k <= songs / LONG_LIST) && !few_allowed(query, songs);
}

/* The tree that holds all of the metric's columns: the space's own, else that of the file. */
static const struct dy_songs_index *tree_for(const struct dy_songs *songs,
                                             const struct dy_songs_query *query,
                                             const struct songs_metric *metric,
                                             struct songs_probe *probe)
{
    const struct dy_songs_index *own = query->space ? query->space->index : NULL;
    if (own && own->space.count == songs->file.count && songs_probe_init(probe, own, metric))
        return own;
    if (songs->index && songs_probe_init(probe, songs->index, metric))
        return songs->index;
    return NULL;
}

enum dylumo_status dy_songs_nearest(const struct dy_songs *songs,
                                    const struct dy_songs_query *query, struct dy_hit *hits,
                                    size_t *count, struct dylumo_error *err)
{
    struct songs_metric metric;
    struct songs_collector to = {0};
    struct songs_probe probe;
    *count = 0;
    enum dylumo_status st = songs_metric_init(&metric, songs, query, err);
    const struct dy_songs_index *index = st ? NULL : tree_for(songs, query, &metric, &probe);
    if (!st)
        st = songs_collect_init(&to, songs, query, hits, err);
    if (st)
        return st;
    bool answered = index && tree_pays(&to, query, dy_songs_count(songs)) &&
                    songs_index_search(index, songs_index_kernels(&songs->cpu), &probe, &metric,
                                       query->allowed, &to);
    if (answered)
        *count = songs_collect_finish(&to);
    songs_collect_clear(&to);
    return answered ? DYLUMO_OK : dy_songs_scan(songs, query, hits, count, err);
}

/* ------------------------------------------------------------------ many */

#define QUERIES_A_TASK 16

struct many {
    const struct dy_songs *songs;
    const struct dy_songs_query *queries;
    size_t count;
    struct dy_hit *const *hits;
    size_t *counts;
    _Atomic(size_t) failed; /* the first query that failed; count: none */
};

static void many_task(void *user, size_t task)
{
    struct many *many = user;
    size_t end = (task + 1) * QUERIES_A_TASK;
    for (size_t i = task * QUERIES_A_TASK; i < end && i < many->count; i++) {
        if (!dy_songs_nearest(many->songs, &many->queries[i], many->hits[i], &many->counts[i],
                              NULL))
            continue;
        size_t first = atomic_load(&many->failed);
        while (i < first && !atomic_compare_exchange_weak(&many->failed, &first, i))
            ;
    }
}

enum dylumo_status dy_songs_nearest_many(const struct dy_songs *songs,
                                         const struct dy_songs_query *queries, size_t count,
                                         struct dy_hit *const *hits, size_t *counts,
                                         struct dy_workers *workers, struct dylumo_error *err)
{
    struct many many = {songs, queries, count, hits, counts, count};
    dy_workers_run(workers, (count + QUERIES_A_TASK - 1) / QUERIES_A_TASK, many_task, &many);
    size_t failed = atomic_load(&many.failed);
    if (failed == count)
        return DYLUMO_OK;
    /* once more, for its sentence */
    return dy_songs_nearest(songs, &queries[failed], hits[failed], &counts[failed], err);
}
