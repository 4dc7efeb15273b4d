/* The straight scan: every song's distance, 64 songs at a time, and the collector. It is the truth
 * that indexes are tested against, and stays. */
#include "songs_collect.h"
#include "songs_distance.h"

#include <math.h>
#include <string.h>

/* Of up to so many allowed songs in a block of 64 the distances are worth computing one by one. */
#define FEW_SONGS 5

static uint64_t allowed_of(const struct dy_songs_query *query, size_t first, size_t count)
{
    uint64_t word = query->allowed ? query->allowed[first / SONGS_BLOCK] : UINT64_MAX;
    size_t left = count - first;
    return left < SONGS_BLOCK ? word & ((UINT64_C(1) << left) - 1) : word;
}

static void offer_block(struct songs_collector *to, const struct songs_metric *metric,
                        songs_block_function *block, size_t first, uint64_t allowed)
{
    double dist2[SONGS_BLOCK];
    /* songs come by rising number, so once the list is full its farthest wins every tie */
    double bound = isinf(to->bound) ? to->bound : nextafter(to->bound, -INFINITY);
    uint64_t near = block(metric, first, bound, dist2) & allowed;
    for (; near; near &= near - 1) {
        unsigned i = (unsigned)__builtin_ctzll(near);
        songs_collect_offer(to, (uint32_t)(first + i), dist2[i]);
    }
}

static void offer_singly(struct songs_collector *to, const struct songs_metric *metric,
                         size_t first, uint64_t allowed)
{
    for (; allowed; allowed &= allowed - 1) {
        size_t song = first + (unsigned)__builtin_ctzll(allowed);
        double dist2 = songs_distance(metric, song);
        if (!isnan(dist2)) /* from a damaged file */
            songs_collect_offer(to, (uint32_t)song, dist2);
    }
}

enum dylumo_status dy_songs_scan(const struct dy_songs *songs, const struct dy_songs_query *query,
                                 struct dy_hit *hits, size_t *count, struct dylumo_error *err)
{
    struct songs_metric metric;
    struct songs_collector to = {0};
    *count = 0;
    enum dylumo_status st = songs_metric_init(&metric, songs, query, err);
    if (!st)
        st = songs_collect_init(&to, songs, query, hits, err);
    if (st)
        return st;
    songs_block_function *block = songs_distance_block(&songs->cpu);
    size_t all = dy_songs_count(songs);
    for (size_t first = 0; first < all; first += SONGS_BLOCK) {
        uint64_t allowed = allowed_of(query, first, all);
        if (first + SONGS_BLOCK > all || songs_bits_at_most(allowed, FEW_SONGS))
            offer_singly(&to, &metric, first, allowed);
        else
            offer_block(&to, &metric, block, first, allowed);
    }
    *count = songs_collect_finish(&to);
    songs_collect_clear(&to);
    return DYLUMO_OK;
}
