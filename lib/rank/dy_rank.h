/* rank: the mood of a picture and a catalogue -> which songs, and why.
 *
 * A mood file names a few axes: directions over the 13 normal scores of a song. Over a catalogue
 * each song gets a place on each axis, the normal score of its sum; the picture's own place comes
 * with its mood as a share of reference pictures, so that the happiest tenth of pictures meets the
 * happiest tenth of the songs, whatever the catalogue holds. The answer is the exact list of the
 * nearest songs, weighted by how much each axis can be seen in a picture. Source: canonical
 * correlation (Hotelling 1936) matched in quantiles; docs/fit.md. */
#ifndef DY_RANK_H
#define DY_RANK_H

#include "dy_mood.h"
#include "dy_songs.h"

/* ------------------------------------------------------------------ axes (rank_axes.c) */

/* A mood model over a catalogue: where every song lies on every axis. Read-only after open; model
 * and songs must outlive it. */
struct dy_rank;

/* Owns     dy_rank_close; it takes NULL.
 * Fails    NO_MEMORY, CANCELLED.
 * Cost     an axis along one feature costs nothing; any other is projected and sorted, about 0.1 s
 * for a million songs. */
enum dylumo_status dy_rank_open(struct dy_rank **out, const struct dy_mood_model *model,
                                const struct dy_songs *songs, const struct dylumo_context *context,
                                struct dylumo_error *err) DY_MUST_USE;
void dy_rank_close(struct dy_rank *rank);

/* ------------------------------------------------------------------ stored axes (rank_stored.c) */

#define RANK_PATH 4096 /* bytes of a path with its end */

/* dy_rank_open with the axes that dy_rank_store wrote for this model over these songs, and their
 * search tree, mapped at no cost. Where none are found, or only those of other axes or songs, they
 * are computed and the context's log tells how to store them.
 *
 *   songs_path   of the songs file; NULL: look for none */
enum dylumo_status dy_rank_open_stored(struct dy_rank **out, const struct dy_mood_model *model,
                                       const struct dy_songs *songs, const char *songs_path,
                                       const struct dylumo_context *context,
                                       struct dylumo_error *err) DY_MUST_USE;

/* Writes the axes and their search tree beside the songs file, as SONGS.axes-HASH, or, where that
 * can't be written, into the user's cache folder ($XDG_CACHE_HOME/dylumo or ~/.cache/dylumo).
 *
 *   path    [size], receives where to
 *
 * Fails    as dy_songs_index_build, dy_outfile_open and the like.
 * Cost     0.2 s for a million songs, two axes and one thread. */
enum dylumo_status dy_rank_store(const struct dy_rank *rank, const char *songs_path,
                                 const struct dylumo_context *context, char *path, size_t size,
                                 struct dylumo_error *err) DY_MUST_USE;

/* The normal score, over the catalogue, of a sum along axis (rank_axes.c). */
double dy_rank_score(const struct dy_rank *rank, unsigned axis, double sum);

/* ------------------------------------------------------------------ target (rank_aim.c) */

#define DY_RANK_NOTE 512

/* One column that counts, and what it is. */
struct dy_rank_axis {
    const char *name; /* "valence" */
    int mood_axis;    /* of the mood model; -1: a feature or popularity of its own */
    int feature;      /* enum dylumo_feature; -1: a mood axis or popularity */
    double error;     /* the mood's own error there, in normal scores: the unit of match */
    bool asked;       /* a knob or words set the place, not the picture */
};

/* Where to search. */
struct dy_rank_target {
    struct dy_songs_space space;
    struct dy_rank_axis axes[DY_SONGS_AXES_MAX]; /* [space.axes] */
    double places[DY_SONGS_AXES_MAX];            /* target, in normal scores */
    double weights[DY_SONGS_AXES_MAX];
    char note[DY_RANK_NOTE]; /* what the knobs changed, a sentence; "" for nothing */
};

/* The target of a mood under a query's knobs (changes, weights, familiar, like_id).
 *
 *   query   of the size its struct_size says, as the caller gave it; NULL: no knobs
 *
 * Fails    BAD_ARGUMENT for a name that is no feature, a value out of its range, all weights zero;
 *          NOT_FOUND for a like_id that the catalogue does not hold; NO_MEMORY.
 * Threads  any number at once. */
enum dylumo_status dy_rank_aim(const struct dy_rank *rank, const struct dy_mood *mood,
                               const struct dylumo_query *query, struct dy_rank_target *target,
                               struct dylumo_error *err) DY_MUST_USE;

/* ------------------------------------------------------------------ list (rank_list.c) */

/* The songs of a target, best first: the nearest under the rules; with variety chosen one by one
 * among the nearest pool by maximal marginal relevance (Carbonell & Goldstein 1998).
 *
 *   allowed  bit mask as in dy_songs_query; NULL: all
 *   hits     [k], dist2 in the space's weights
 *   count    receives the number written
 *
 * Fails    as dy_songs_nearest. */
struct dy_rank_rules {
    size_t k;
    unsigned per_artist; /* 0: any number */
    bool one_recording;
    bool without_season;
    double variety; /* 0 to 1 */
    const uint64_t *allowed;
};
enum dylumo_status dy_rank_list(const struct dy_rank *rank, const struct dy_rank_target *target,
                                const struct dy_rank_rules *rules, struct dy_hit *hits,
                                size_t *count, struct dylumo_error *err) DY_MUST_USE;

/* Squared distance of a song to the target in units of the mood's own error: over the n axes that
 * count, n * sum(weight * difference^2) / sum(weight * error^2). 0 on the spot, about n where the
 * mood itself is wrong; it orders songs as the search does, but for popularity. */
double dy_rank_distance2(const struct dy_rank_target *target, uint32_t song);

/* ------------------------------------------------------------------ reasons (rank_why.c) */

/* What drew a song near: features whose loss would cost it most. */
struct dy_rank_reason {
    enum dylumo_feature feature;
    unsigned axis; /* of the target, through which it counts most */
    double loss;   /* growth of the weighted squared distance if the song were the catalogue's
                      average in this feature; positive */
};

/* At most two reasons, largest first, each from another axis; 0 when the song is near just because
 * the mood is the middle. */
size_t dy_rank_reasons(const struct dy_rank *rank, const struct dy_rank_target *target,
                       uint32_t song, struct dy_rank_reason reasons[2]);

/* The weighted squared distance of a song whose normal score in one feature were 0, the average. */
double dy_rank_distance_without(const struct dy_rank *rank, const struct dy_rank_target *target,
                                uint32_t song, enum dylumo_feature feature);

/* The reasons as one plain line: "happier than 92 % of songs (photo 90 %), calmer than 70 % ...".
 */
void dy_rank_why(const struct dy_rank *rank, const struct dy_rank_target *target, uint32_t song,
                 char *text, size_t size);

#endif
