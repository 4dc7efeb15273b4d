/* Which songs a query lets come, as a mask: its filter, its lists of ids, and the song that is
 * leaned on, which who names it has already. */
#include "recommend_internal.h"

#include <string.h>

/* A mask of no songs, or of all; the bits past the last song are never looked at. */
static uint64_t *new_mask(const struct dy_songs *songs, bool all)
{
    size_t words = (dy_songs_count(songs) + 63) / 64;
    uint64_t *mask = dy_new_array(words, sizeof *mask);
    if (mask && all)
        memset(mask, 0xFF, words * sizeof *mask);
    return mask;
}

static enum dylumo_status no_memory(const struct dy_songs *songs, struct dylumo_error *err)
{
    return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to choose among %zu songs",
                   dy_songs_count(songs));
}

/* Sets or clears the bit of one id; false when the catalogue does not hold it. */
static bool put_id(const struct dy_songs *songs, const char *id, bool on, uint64_t *mask)
{
    size_t song;
    if (!dy_songs_find(songs, id, strlen(id), &song))
        return false;
    uint64_t bit = UINT64_C(1) << (song % 64);
    mask[song / 64] = on ? mask[song / 64] | bit : mask[song / 64] & ~bit;
    return true;
}

/* Leaves in allowed, all songs where it is NULL, only those of the list. */
static bool keep_only(const struct dy_songs *songs, const char *const *ids, size_t count,
                      uint64_t **allowed, size_t *strange)
{
    uint64_t *only = new_mask(songs, false);
    if (!only)
        return false;
    for (size_t i = 0; i < count; i++)
        *strange += !put_id(songs, ids[i], true, only);
    for (size_t w = 0; *allowed && w < (dy_songs_count(songs) + 63) / 64; w++)
        only[w] &= (*allowed)[w];
    dy_free(*allowed);
    *allowed = only;
    return true;
}

static bool exclude(const struct dy_songs *songs, const char *const *ids, size_t count,
                    uint64_t **allowed)
{
    if (!*allowed)
        *allowed = new_mask(songs, true);
    for (size_t i = 0; *allowed && i < count; i++)
        (void)put_id(songs, ids[i], false, *allowed);
    return *allowed != NULL;
}

/* All recordings of a song. */
static bool leave_out(const struct dy_songs *songs, const char *id, uint64_t **allowed)
{
    size_t leaned;
    if (!dy_songs_find(songs, id, strlen(id), &leaned))
        return true; /* dy_rank_aim has refused it */
    if (!*allowed)
        *allowed = new_mask(songs, true);
    uint32_t recording = dy_songs_recording(songs, leaned);
    for (size_t i = 0; *allowed && i < dy_songs_count(songs); i++)
        if (dy_songs_recording(songs, i) == recording)
            (*allowed)[i / 64] &= ~(UINT64_C(1) << (i % 64));
    return *allowed != NULL;
}

enum dylumo_status recommend_allowed(const struct dy_songs *songs, const struct dylumo_query *query,
                                     uint64_t **allowed, size_t *strange, struct dylumo_error *err)
{
    const char *filter = DY_MEMBER(query, filter), *like = DY_MEMBER(query, like_id);
    const char *const *only = DY_MEMBER(query, only_ids);
    size_t excluded = DY_MEMBER(query, exclude_count), passing;
    *allowed = NULL;
    *strange = 0;
    enum dylumo_status st = DYLUMO_OK;
    if (filter && *filter)
        st = dy_songs_filter(songs, filter, allowed, &passing, err);
    if (!st && only && !keep_only(songs, only, DY_MEMBER(query, only_count), allowed, strange))
        st = no_memory(songs, err);
    if (!st && excluded && !exclude(songs, DY_MEMBER(query, exclude_ids), excluded, allowed))
        st = no_memory(songs, err);
    if (!st && like && !leave_out(songs, like, allowed))
        st = no_memory(songs, err);
    return st;
}
