/* The list under construction. Why rules can be kept while songs come in any order: a recording
 * belongs to one artist, so what is kept of an artist (the per_artist nearest of its recordings'
 * nearest songs) depends on that artist's songs alone, and each new song only pushes distances
 * down. A song that has fallen out can therefore never come back, and the k nearest of what all
 * artists keep is what the walk in order of distance lists. */
#include "songs_collect.h"

#include <math.h>
#include <string.h>

static bool has_rules(const struct dy_songs_query *query)
{
    return query->per_artist > 0 || query->one_recording;
}

static enum dylumo_status make_room_for_all(struct songs_collector *to, struct dylumo_error *err)
{
    size_t songs = dy_songs_count(to->songs);
    to->all = dy_new_array(songs, sizeof *to->all);
    to->by_artist = dy_new_array(dy_songs_file(to->songs)->groups.count + 1, sizeof *to->by_artist);
    to->listed = dy_new_array(songs / 64 + 1, sizeof *to->listed);
    if (to->all && to->by_artist && to->listed)
        return DYLUMO_OK;
    songs_collect_clear(to);
    return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for a list of %zu songs", to->k);
}

enum dylumo_status songs_collect_init(struct songs_collector *to, const struct dy_songs *songs,
                                      const struct dy_songs_query *query, struct dy_hit *hits,
                                      struct dylumo_error *err)
{
    size_t all = dy_songs_count(songs);
    *to = (struct songs_collector){
        .songs = songs,
        .query = query,
        .out = hits,
        .k = query->k < all ? query->k : all,
        .bound = INFINITY,
    };
    if (query->k == 0)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "0 songs asked for, at least 1 is needed");
    if (to->k <= DY_SONGS_SMALL_K)
        to->form = SONGS_COLLECT_SORTED;
    else
        to->form = has_rules(query) ? SONGS_COLLECT_ALL : SONGS_COLLECT_HEAP;
    return to->form == SONGS_COLLECT_ALL ? make_room_for_all(to, err) : DYLUMO_OK;
}

void songs_collect_clear(struct songs_collector *to)
{
    dy_free(to->all);
    dy_free(to->by_artist);
    dy_free(to->listed);
    to->all = NULL;
    to->by_artist = NULL;
    to->listed = NULL;
}

/* ------------------------------------------------------------------ sorted, with rules */

/* Where a song that rules out the new one stands: of the same recording, else the farthest of the
 * artist when its share is used up; count when there is none. */
static size_t rival_of(const struct songs_collector *to, uint32_t song)
{
    const struct dy_songs_query *query = to->query;
    uint32_t recording = dy_songs_recording(to->songs, song);
    uint32_t group = dy_songs_artist_group(to->songs, song);
    size_t of_artist = 0, last = to->count;
    for (size_t i = 0; i < to->count; i++) {
        uint32_t listed = to->out[i].song;
        if (query->one_recording && dy_songs_recording(to->songs, listed) == recording)
            return i;
        if (query->per_artist && dy_songs_artist_group(to->songs, listed) == group) {
            of_artist++;
            last = i;
        }
    }
    return query->per_artist && of_artist >= query->per_artist ? last : to->count;
}

static void offer_sorted(struct songs_collector *to, struct dy_hit hit)
{
    if (to->count == to->k && !songs_hit_before(hit, to->out[to->k - 1]))
        return;
    size_t leaves = has_rules(to->query) ? rival_of(to, hit.song) : to->count;
    if (leaves < to->count && !songs_hit_before(hit, to->out[leaves]))
        return;
    if (leaves == to->count && to->count == to->k)
        leaves--; /* the farthest */
    else if (leaves == to->count)
        to->count++;
    size_t at = leaves;
    for (; at > 0 && songs_hit_before(hit, to->out[at - 1]); at--)
        to->out[at] = to->out[at - 1];
    to->out[at] = hit;
    if (to->count == to->k)
        to->bound = to->out[to->k - 1].dist2;
}

/* ------------------------------------------------------------------ heaps */

/* Heaps of hits with the nearest (or the farthest) first. */
static bool goes_up(struct dy_hit a, struct dy_hit b, bool nearest_first)
{
    return nearest_first ? songs_hit_before(a, b) : songs_hit_before(b, a);
}

static void sift_down(struct dy_hit *heap, size_t count, size_t at, bool nearest_first)
{
    struct dy_hit hit = heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count)
            break;
        if (child + 1 < count && goes_up(heap[child + 1], heap[child], nearest_first))
            child++;
        if (!goes_up(heap[child], hit, nearest_first))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = hit;
}

static void make_heap(struct dy_hit *hits, size_t count, bool nearest_first)
{
    for (size_t i = count / 2; i-- > 0;)
        sift_down(hits, count, i, nearest_first);
}

static void offer_heap(struct songs_collector *to, struct dy_hit hit)
{
    if (to->count < to->k) {
        to->out[to->count++] = hit;
        if (to->count < to->k)
            return;
        make_heap(to->out, to->k, false);
    } else if (songs_hit_before(hit, to->out[0])) {
        to->out[0] = hit;
        sift_down(to->out, to->k, 0, false);
    }
    to->bound = to->out[0].dist2;
}

static size_t finish_heap(struct songs_collector *to)
{
    make_heap(to->out, to->count, false); /* it may never have become full */
    for (size_t end = to->count; end-- > 1;) {
        struct dy_hit farthest = to->out[0];
        to->out[0] = to->out[end];
        to->out[end] = farthest;
        sift_down(to->out, end, 0, false);
    }
    return to->count;
}

/* ------------------------------------------------------------------ all, walked in order */

/* Lists a song if the rules allow. Numbers beyond the tables come from damaged files alone. */
static bool may_list(struct songs_collector *to, uint32_t song)
{
    uint32_t group = dy_songs_artist_group(to->songs, song);
    uint32_t recording = dy_songs_recording(to->songs, song);
    bool known_artist = group < dy_songs_file(to->songs)->groups.count;
    bool known_recording = recording < dy_songs_count(to->songs);
    const struct dy_songs_query *query = to->query;
    if (query->one_recording && known_recording &&
        (to->listed[recording / 64] >> (recording % 64) & 1))
        return false;
    if (query->per_artist && known_artist && to->by_artist[group] >= query->per_artist)
        return false;
    if (known_artist)
        to->by_artist[group]++;
    if (known_recording)
        to->listed[recording / 64] |= UINT64_C(1) << (recording % 64);
    return true;
}

static size_t finish_all(struct songs_collector *to)
{
    size_t listed = 0, left = to->count;
    make_heap(to->all, left, true);
    while (left > 0 && listed < to->k) {
        if (may_list(to, to->all[0].song))
            to->out[listed++] = to->all[0];
        to->all[0] = to->all[--left];
        sift_down(to->all, left, 0, true);
    }
    return listed;
}

/* ------------------------------------------------------------------ offer, finish */

void songs_collect_offer(struct songs_collector *to, uint32_t song, double dist2)
{
    if (dist2 > to->bound)
        return;
    if (to->query->without_season && dy_songs_season(to->songs, song))
        return;
    struct dy_hit hit = {song, dist2};
    switch (to->form) {
    case SONGS_COLLECT_SORTED:
        offer_sorted(to, hit);
        break;
    case SONGS_COLLECT_HEAP:
        offer_heap(to, hit);
        break;
    case SONGS_COLLECT_ALL:
        to->all[to->count++] = hit;
        break;
    }
}

size_t songs_collect_finish(struct songs_collector *to)
{
    switch (to->form) {
    case SONGS_COLLECT_HEAP:
        return finish_heap(to);
    case SONGS_COLLECT_ALL:
        return finish_all(to);
    case SONGS_COLLECT_SORTED:
        break;
    }
    return to->count;
}
