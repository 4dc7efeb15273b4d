/* Songs for pictures. A grid over the shares of valence and energy, whose songs are about evenly
 * spread, makes the twenty nearest a matter of a few cells. */
#include "train_songs.h"

#include "train_measure.h"

#include <math.h>
#include <string.h>

#define NEAREST 20

static unsigned cell_of(const struct train_songs *songs, float share)
{
    unsigned cell = (unsigned)(share * (float)songs->cells);
    return cell < songs->cells ? cell : songs->cells - 1;
}

static size_t cell_at(const struct train_songs *songs, size_t song)
{
    return (size_t)cell_of(songs, songs->place[2 * song + 1]) * songs->cells +
           cell_of(songs, songs->place[2 * song]);
}

/* Counting sort into cells. */
static void fill_grid(struct train_songs *songs)
{
    size_t cells = (size_t)songs->cells * songs->cells;
    for (size_t i = 0; i < songs->count; i++)
        songs->first[cell_at(songs, i) + 1]++;
    for (size_t i = 0; i < cells; i++)
        songs->first[i + 1] += songs->first[i];
    for (size_t i = songs->count; i-- > 0;)
        songs->song[--songs->first[cell_at(songs, i) + 1]] = (uint32_t)i;
    memmove(songs->first, songs->first + 1, cells * sizeof *songs->first);
    songs->first[cells] = (uint32_t)songs->count;
}

static void read_features(struct train_songs *songs, const struct dy_songs *catalogue, bool min_max)
{
    const struct dy_songs_space space = dy_songs_space(catalogue);
    for (unsigned j = 0; j < DYLUMO_FEATURE_COUNT; j++) {
        struct dy_feature_stats stats = dy_songs_stats(catalogue, (enum dylumo_feature)j);
        double range = stats.max > stats.min ? stats.max - stats.min : 1;
        for (size_t i = 0; i < songs->count; i++) {
            double value = (double)space.columns[j][i];
            if (min_max)
                value =
                    (dy_songs_feature(catalogue, i, (enum dylumo_feature)j) - stats.min) / range;
            songs->features[i * DYLUMO_FEATURE_COUNT + j] = (float)value;
        }
    }
    for (size_t i = 0; i < songs->count; i++) {
        songs->place[2 * i] = (float)dy_normal_share((double)space.columns[DYLUMO_VALENCE][i]);
        songs->place[2 * i + 1] = (float)dy_normal_share((double)space.columns[DYLUMO_ENERGY][i]);
    }
}

enum dylumo_emotion train_plain_emotion(double valence, double energy)
{
    static const enum dylumo_emotion table[2][3] = {
        {DYLUMO_SADNESS, DYLUMO_FEAR, DYLUMO_ANGER},
        {DYLUMO_CONTENTMENT, DYLUMO_AMUSEMENT, DYLUMO_EXCITEMENT}};
    return table[valence >= 0.5][energy >= 0.7 ? 2 : energy >= 0.5];
}

/* Lists of songs by emotion; every list has room for all, since who is what is not known before. */
static bool sort_by_emotion(struct train_songs *songs, const struct dy_songs *catalogue)
{
    for (unsigned e = 0; e < DYLUMO_EMOTION_COUNT; e++)
        if (!(songs->of_emotion[e] = dy_new_array(songs->count + 1, sizeof(uint32_t))))
            return false;
    for (size_t i = 0; i < songs->count; i++) {
        enum dylumo_emotion e = train_plain_emotion(dy_songs_feature(catalogue, i, DYLUMO_VALENCE),
                                                    dy_songs_feature(catalogue, i, DYLUMO_ENERGY));
        songs->of_emotion[e][songs->of_emotion_count[e]++] = (uint32_t)i;
    }
    return true;
}

static enum dylumo_status read_songs(struct train_songs *songs, const struct dy_songs *catalogue,
                                     const char *path, bool min_max, struct dylumo_error *err)
{
    songs->count = dy_songs_count(catalogue);
    songs->identity = dy_songs_identity(catalogue);
    if (songs->count < NEAREST)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: %zu songs, training wants %d at least", path,
                       songs->count, NEAREST);
    songs->cells = (unsigned)sqrt((double)songs->count / 4) + 1;
    songs->features = dy_new_array(songs->count * DYLUMO_FEATURE_COUNT, sizeof *songs->features);
    songs->place = dy_new_array(songs->count * 2, sizeof *songs->place);
    songs->first = dy_new_array((size_t)songs->cells * songs->cells + 2, sizeof *songs->first);
    songs->song = dy_new_array(songs->count, sizeof *songs->song);
    bool good = songs->features && songs->place && songs->first && songs->song;
    if (good && min_max)
        good = sort_by_emotion(songs, catalogue);
    if (!good)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for %zu songs", path, songs->count);
    read_features(songs, catalogue, min_max);
    fill_grid(songs);
    return DYLUMO_OK;
}

enum dylumo_status train_songs_init(struct train_songs *songs, const char *path, bool min_max,
                                    struct dylumo_error *err)
{
    struct dy_songs *catalogue;
    *songs = (struct train_songs){0};
    enum dylumo_status st = dy_songs_open(&catalogue, path, err);
    if (st)
        return st;
    st = read_songs(songs, catalogue, path, min_max, err);
    dy_songs_close(catalogue);
    if (st)
        train_songs_clear(songs);
    return st;
}

void train_songs_clear(struct train_songs *songs)
{
    dy_free(songs->features);
    dy_free(songs->place);
    dy_free(songs->first);
    dy_free(songs->song);
    for (unsigned e = 0; e < DYLUMO_EMOTION_COUNT; e++)
        dy_free(songs->of_emotion[e]);
    *songs = (struct train_songs){0};
}

/* ------------------------------------------------------------------ drawing */

struct nearest {
    double dist2[NEAREST];
    uint32_t song[NEAREST];
    size_t count;
};

/* Kept sorted; equal distances by lower song, since cells hold songs in order only within. */
static void offer(struct nearest *nearest, double dist2, uint32_t song)
{
    size_t at = nearest->count;
    if (at == NEAREST) {
        if (dist2 > nearest->dist2[--at] ||
            (dist2 == nearest->dist2[at] && song > nearest->song[at]))
            return;
    } else {
        nearest->count++;
    }
    for (; at && (nearest->dist2[at - 1] > dist2 ||
                  (nearest->dist2[at - 1] == dist2 && nearest->song[at - 1] > song));
         at--) {
        nearest->dist2[at] = nearest->dist2[at - 1];
        nearest->song[at] = nearest->song[at - 1];
    }
    nearest->dist2[at] = dist2;
    nearest->song[at] = song;
}

static void offer_cell(const struct train_songs *songs, struct nearest *nearest, long x, long y,
                       double valence, double energy)
{
    long cells = (long)songs->cells;
    if (x < 0 || y < 0 || x >= cells || y >= cells)
        return;
    for (uint32_t i = songs->first[y * cells + x]; i < songs->first[y * cells + x + 1]; i++) {
        const float *place = songs->place + 2 * (size_t)songs->song[i];
        double a = (double)place[0] - valence, b = (double)place[1] - energy;
        offer(nearest, a * a + b * b, songs->song[i]);
    }
}

/* Rings of cells around the place's own, until no farther ring can hold a nearer song. */
static void find_nearest(const struct train_songs *songs, struct nearest *nearest, double valence,
                         double energy)
{
    long x = cell_of(songs, (float)valence), y = cell_of(songs, (float)energy);
    for (long ring = 0; ring < (long)songs->cells; ring++) {
        double reach = (double)(ring - 1) / songs->cells; /* nearest point of this ring, at least */
        if (nearest->count == NEAREST && ring > 1 && reach * reach > nearest->dist2[NEAREST - 1])
            return;
        for (long i = -ring; i <= ring; i++) {
            bool edge = i == -ring || i == ring;
            for (long j = -ring; j <= ring; j += edge || !ring ? 1 : 2 * ring)
                offer_cell(songs, nearest, x + j, y + i, valence, energy);
        }
    }
}

static double reflected(double share)
{
    share = fabs(share);
    share = share > 1 ? 2 - share : share;
    return fmin(fmax(share, 0), 1);
}

size_t train_songs_draw(const struct train_songs *songs, double valence, double energy,
                        struct train_random *random)
{
    struct nearest nearest = {.count = 0};
    find_nearest(songs, &nearest, reflected(valence), reflected(energy));
    return nearest.song[train_random_below(random, nearest.count)];
}

void train_songs_mean(const struct train_songs *songs, double valence, double energy,
                      float features[DYLUMO_FEATURE_COUNT])
{
    struct nearest nearest = {.count = 0};
    find_nearest(songs, &nearest, reflected(valence), reflected(energy));
    memset(features, 0, DYLUMO_FEATURE_COUNT * sizeof *features);
    for (size_t i = 0; i < nearest.count; i++)
        for (unsigned j = 0; j < DYLUMO_FEATURE_COUNT; j++)
            features[j] +=
                songs->features[(size_t)nearest.song[i] * DYLUMO_FEATURE_COUNT + j] / NEAREST;
}

enum dylumo_status train_songs_axis(const struct train_songs *songs, const float direction[13],
                                    double *scores, struct dylumo_error *err)
{
    double *sums = dy_new_array(songs->count, sizeof *sums);
    for (size_t i = 0; sums && i < songs->count; i++)
        for (unsigned j = 0; j < DYLUMO_FEATURE_COUNT; j++)
            sums[i] += (double)direction[j] * (double)songs->features[i * DYLUMO_FEATURE_COUNT + j];
    bool good = sums && train_normal_scores(sums, songs->count, scores);
    dy_free(sums);
    return good ? DYLUMO_OK
                : dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the axes of %zu songs",
                          songs->count);
}
