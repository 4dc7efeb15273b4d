/* How varied the songs are that were shown: different ones, the one shown most, artists. */
#include "dy_evaluate.h"

#include <math.h>

static const struct {
    uint32_t last; /* greatest number of shows in the bin */
    const char *name;
} bins[DY_SHOWS_BINS] = {
    {1, "1"},           {2, "2"},
    {3, "3"},           {4, "4"},
    {8, "5 to 8"},      {16, "9 to 16"},
    {32, "17 to 32"},   {64, "33 to 64"},
    {128, "65 to 128"}, {UINT32_MAX, "more than 128"},
};

const char *dy_variety_bin_name(size_t bin)
{
    return bin < DY_SHOWS_BINS ? bins[bin].name : "";
}

static void count_song(struct dy_variety *out, uint32_t song, uint32_t times)
{
    if (times == 0)
        return;
    out->different++;
    if (times > out->most) {
        out->most = times;
        out->most_song = song;
    }
    size_t bin = 0;
    while (times > bins[bin].last)
        bin++;
    out->histogram[bin]++;
}

/* Different artists of one answer, and its songs. */
static size_t answer_artists(const uint32_t *songs, size_t songs_each, const uint32_t *artist_of,
                             size_t *song_count)
{
    size_t different = 0, i = 0;
    for (; i < songs_each && songs[i] != DY_NO_SONG; i++) {
        size_t before = 0;
        while (before < i && artist_of[songs[before]] != artist_of[songs[i]])
            before++;
        different += before == i;
    }
    *song_count = i;
    return different;
}

static void count_artists(struct dy_variety *out, const uint32_t *songs, size_t pictures,
                          size_t songs_each, const uint32_t *artist_of, uint32_t *seen)
{
    double shares = 0.0;
    size_t answers = 0;
    for (size_t p = 0; p < pictures; p++) {
        size_t song_count;
        const uint32_t *answer = songs + p * songs_each;
        size_t different = answer_artists(answer, songs_each, artist_of, &song_count);
        if (song_count == 0)
            continue;
        shares += (double)different / (double)song_count;
        answers++;
        for (size_t i = 0; i < song_count; i++)
            out->different_artists += seen[artist_of[answer[i]]]++ == 0;
    }
    out->artists = answers ? shares / (double)answers : (double)NAN;
}

enum dylumo_status dy_variety_count(struct dy_variety *out, const uint32_t *songs, size_t pictures,
                                    size_t songs_each, const uint32_t *artist_of, size_t song_count,
                                    struct dylumo_error *err)
{
    *out = (struct dy_variety){.most_song = DY_NO_SONG, .artists = (double)NAN};
    uint32_t *times = dy_new_array(song_count, 2 * sizeof *times); /* shows, then artists seen */
    if (!times)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to count the shows of %zu songs",
                       song_count);
    for (size_t i = 0; i < pictures * songs_each; i++)
        if (songs[i] != DY_NO_SONG) {
            times[songs[i]]++;
            out->shown++;
        }
    for (size_t song = 0; song < song_count; song++)
        count_song(out, (uint32_t)song, times[song]);
    out->usual_most = out->most;
    if (artist_of)
        count_artists(out, songs, pictures, songs_each, artist_of, times + song_count);
    dy_free(times);
    return DYLUMO_OK;
}
