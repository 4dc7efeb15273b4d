/* Collecting the nearest: songs are offered in any order with their distances, and what stays at
 * the end is the list of dy_songs_nearest. Shared by the scan and by every index. */
#ifndef SONGS_COLLECT_H
#define SONGS_COLLECT_H

#include "songs.h"

enum songs_collect_form {
    SONGS_COLLECT_SORTED, /* k is small: hits lie sorted; rules are kept at each offer */
    SONGS_COLLECT_HEAP,   /* no rules: hits are a heap, the farthest first */
    SONGS_COLLECT_ALL     /* rules and a large k: all are kept and walked in order at the end */
};

struct songs_collector {
    enum songs_collect_form form;
    const struct dy_songs *songs;
    const struct dy_songs_query *query;
    struct dy_hit *out; /* [k] the caller's; the list, but for SONGS_COLLECT_ALL */
    size_t k, count;
    double bound; /* songs farther than this can't be listed: need not be offered */
    /* for SONGS_COLLECT_ALL, heap: */
    struct dy_hit *all;  /* [songs] */
    uint32_t *by_artist; /* [artist groups] songs listed so far */
    uint64_t *listed;    /* bit r set: a song of recording r is listed */
};

/* Checks the query's k and rules; k is cut to the number of songs.
 *
 * Fails    as dy_songs_nearest.
 * Owns     songs_collect_clear gives back what it holds; it takes a cleared one. */
enum dylumo_status songs_collect_init(struct songs_collector *to, const struct dy_songs *songs,
                                      const struct dy_songs_query *query, struct dy_hit *hits,
                                      struct dylumo_error *err) DY_MUST_USE;

/* Offers a song, each at most once, with a distance that is not NaN; the song's allowed bit has
 * been looked at by the caller, season and the other rules are looked at here. */
void songs_collect_offer(struct songs_collector *to, uint32_t song, double dist2);

/* Brings the list into its order; returns its length. Only clear may follow. */
size_t songs_collect_finish(struct songs_collector *to);

void songs_collect_clear(struct songs_collector *to);

/* (distance, number) in the order of the list. */
static inline bool songs_hit_before(struct dy_hit a, struct dy_hit b)
{
    return a.dist2 < b.dist2 || (a.dist2 == b.dist2 && a.song < b.song);
}

#endif
