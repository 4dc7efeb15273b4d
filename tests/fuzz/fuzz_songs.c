/* Any bytes as a songs file: refused, or every song can be read, searched and filtered. Headers are
 * given their right checksum first, or hardly any input would pass it. */
#include "fuzz.h"

#include "dy_songs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HEADER (64 + 64 * 32)

static void search(const struct dy_songs *songs)
{
    double target[DYLUMO_FEATURE_COUNT] = {0}, weights[DYLUMO_FEATURE_COUNT];
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        weights[f] = 1;
    struct dy_hit hits[300];
    size_t count;
    struct dylumo_error err;
    struct dy_songs_query query = {.target = target,
                                   .weights = weights,
                                   .k = 10,
                                   .per_artist = 2,
                                   .one_recording = true,
                                   .without_season = true};
    if (dy_songs_nearest(songs, &query, hits, &count, &err))
        abort();
    query.k = 300;
    if (dy_songs_nearest(songs, &query, hits, &count, &err))
        abort();
    uint64_t *allowed;
    if (!dy_songs_filter(songs,
                         "title has love or title has (1 song love, x) or artist has artist 1 or "
                         "genre=x and year>0",
                         &allowed, &count, &err))
        dy_free(allowed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dylumo_error err;
    struct dy_songs *songs;
    uint8_t *copy = aligned_alloc(64, (size + 64) / 64 * 64);
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    if (size >= HEADER) {
        memset(copy + 32, 0, 8);
        uint64_t size64 = size, hash;
        memcpy(copy + 24, &size64, 8);
        hash = dy_hash64(copy, HEADER, 0);
        memcpy(copy + 32, &hash, 8);
    }
    if (!dy_songs_parse(&songs, copy, size, "fuzz", &err)) {
        for (size_t i = 0; i < dy_songs_count(songs); i++) {
            struct dy_song song;
            size_t number;
            dy_songs_read(songs, i, &song);
            (void)dy_songs_find(songs, song.id.bytes, song.id.size, &number);
        }
        search(songs);
        (void)!dy_songs_check(songs, "fuzz", &err);
        dy_songs_close(songs);
    }
    free(copy);
    return 0;
}
