/* songs: a catalogue that lies in a songs file, and the nearest songs to a target in it.
 *
 * A song is named by its number, its row in the file (0 to count - 1); rows stand in the order of
 * their ids' bytes, so the lower number is the lower id. The file is mapped; nothing read from it
 * is trusted: a damaged file gives wrong answers at worst. */
#ifndef DY_SONGS_H
#define DY_SONGS_H

#include "dy_format.h"

/* ------------------------------------------------------------------ catalogue (songs_open.c) */

struct dy_songs;

/* Fails     as dy_songs_file_open; NO_MEMORY.
 * Threads   fixed after open: any number may read at once, without a lock.
 * Cost      a mapping, whatever the number of songs. */
enum dylumo_status dy_songs_open(struct dy_songs **out, const char *path,
                                 struct dylumo_error *err) DY_MUST_USE;
/* The same on bytes that stay the caller's and must outlive it, at a multiple of 64. */
enum dylumo_status dy_songs_parse(struct dy_songs **out, const void *data, size_t size,
                                  const char *name, struct dylumo_error *err) DY_MUST_USE;
void dy_songs_close(struct dy_songs *songs);
/* Verifies all: dy_songs_file_check, then the search tree and the look-ups of words, where there
 * are.
 *
 * Fails     BAD_FILE with the first fault; NO_MEMORY. */
enum dylumo_status dy_songs_check(const struct dy_songs *songs, const char *name,
                                  struct dylumo_error *err) DY_MUST_USE;

size_t dy_songs_count(const struct dy_songs *songs);
/* Changes with any byte of the songs, not with their indexes: a file made from one catalogue keeps
 * it and is refused beside another. */
uint64_t dy_songs_identity(const struct dy_songs *songs);
/* The file beneath, for indexes and checks. */
const struct dy_songs_file *dy_songs_file(const struct dy_songs *songs);

/* All of one song. Texts lie in the file: UTF-8 as imported, not NUL-terminated. */
struct dy_song {
    struct dy_text id, title, artist;
    struct dy_text genre; /* size 0: unknown */
    int year;             /* 0: unknown */
    int popularity;       /* 0 to 100, -1: unknown */
    bool season;          /* a Christmas song by its title */
    uint32_t artist_group, recording;
    double features[DYLUMO_FEATURE_COUNT]; /* in the catalogue's units */
};

/* number < count. */
void dy_songs_read(const struct dy_songs *songs, size_t number, struct dy_song *song);
struct dy_text dy_songs_id(const struct dy_songs *songs, size_t number);
/* Equal for songs whose artists' texts are equal when folded. */
uint32_t dy_songs_artist_group(const struct dy_songs *songs, size_t number);
/* Equal for the same title by the same artist, up to brackets and suffixes such as "- remaster". */
uint32_t dy_songs_recording(const struct dy_songs *songs, size_t number);
bool dy_songs_season(const struct dy_songs *songs, size_t number);
double dy_songs_feature(const struct dy_songs *songs, size_t number, enum dylumo_feature feature);

/* The number of the song with exactly this id; false when there is none. */
bool dy_songs_find(const struct dy_songs *songs, const char *id, size_t size, size_t *number);

/* ------------------------------------------------------------------ statistics (songs_stats.c) */

struct dy_feature_stats dy_songs_stats(const struct dy_songs *songs, enum dylumo_feature feature);

/* A value in the catalogue's unit to its normal score: rank / (count + 1) through the inverse
 * normal distribution, equal values at their mean rank; linear between the knots of the file's
 * quantile table, beyond its ends the score of the end. NaN gives NaN. */
double dy_songs_normal_score(const struct dy_songs *songs, enum dylumo_feature feature,
                             double value);
/* The way back; whole numbers for features that are whole. */
double dy_songs_raw_value(const struct dy_songs *songs, enum dylumo_feature feature, double score);

/* ------------------------------------------------------------------ spaces */

#define DY_SONGS_AXES_MAX 16

/* Where songs lie: columns of numbers, one a song. The 13 normal scores, or axes made of them. */
struct dy_songs_space {
    unsigned axes; /* 1 to DY_SONGS_AXES_MAX */
    size_t count;  /* of songs */
    const float *columns[DY_SONGS_AXES_MAX];
    const struct dy_songs_index *index; /* over these columns, in any order, or more; NULL: none */
};

/* The 13 normal scores, with the file's search tree if it has one. Valid as long as songs. */
struct dy_songs_space dy_songs_space(const struct dy_songs *songs);

/* ------------------------------------------------------------------ search tree (songs_index.c) */

/* Songs by boxes and codes, so that a search looks at few of them: docs/formats/songs.md. */
struct dy_songs_index;

/* Makes the tree of a space, whose columns must outlive it.
 *
 * Owns     dy_songs_index_free; it takes NULL. Needs 4 * (axes + 2) bytes a song meanwhile.
 * Fails    BAD_ARGUMENT for values that are not finite or over a billion, no songs; NO_MEMORY.
 * Cost     0.5 s for a million songs on 13 axes and one thread. The same bytes for any workers. */
enum dylumo_status dy_songs_index_build(struct dy_songs_index **out,
                                        const struct dy_songs_space *space,
                                        struct dy_workers *workers,
                                        struct dylumo_error *err) DY_MUST_USE;
/* The tree as bytes for a file; valid as long as index. */
const void *dy_songs_index_bytes(const struct dy_songs_index *index, size_t *size);
/* The tree from a file's bytes, which stay the caller's and must outlive it, at a multiple of 64.
 *
 * Fails    BAD_FILE for another size, number of songs or axes; UNSUPPORTED for another version.
 * Cost     nothing, whatever the number of songs. */
enum dylumo_status dy_songs_index_parse(struct dy_songs_index **out, const void *data, size_t size,
                                        const struct dy_songs_space *space, const char *name,
                                        struct dylumo_error *err) DY_MUST_USE;
/* Verifies all: every song once, in its boxes and cells. */
enum dylumo_status dy_songs_index_check(const struct dy_songs_index *index, const char *name,
                                        struct dylumo_error *err) DY_MUST_USE;
void dy_songs_index_free(struct dy_songs_index *index);

/* ------------------------------------------------------------------ nearest (songs_nearest.c) */

struct dy_hit {
    uint32_t song; /* number */
    double dist2;  /* weighted squared distance */
};

/* Zeroed members ask for nothing. */
struct dy_songs_query {
    const struct dy_songs_space *space; /* NULL: the 13 normal scores */
    const double *target;               /* [axes], finite */
    const double *weights;              /* [axes], finite, not negative */
    size_t k;
    const uint64_t *allowed; /* bit n % 64 of word n / 64 set: song n may be listed; NULL: all */
    unsigned per_artist;     /* at most so many songs of an artist; 0: any number */
    bool one_recording;      /* of each recording only the nearest */
    bool without_season;     /* no Christmas songs */
};

/* The k nearest songs, nearest first, equal distances by lower number.
 *
 * The distance is, in double and in this order: sum = 0; for each axis j with weights[j] > 0: t =
 * target[j] - column[j]; sum += weights[j] * (t * t). The list is what a walk through all songs in
 * the order of (distance, number) keeps when it skips each song that is not allowed, that has a
 * recording listed before it, or whose artist has per_artist songs in the list already; it ends at
 * k. With one_recording the recording's nearest allowed song stands for it.
 *
 *   hits    [k] at least; [count of songs] where k is more
 *   count   receives the number written: less than k when fewer songs pass
 *
 * Fails    BAD_ARGUMENT for k == 0, a target or weight that is not finite, a negative weight, more
 *          axes than DY_SONGS_AXES_MAX, a space of another count; NO_MEMORY. On failure count is 0.
 * Owns     allocates nothing while k <= DY_SONGS_SMALL_K or neither per_artist nor one_recording is
 *          asked; else 16 bytes a song for the time of the call.
 * Threads  any number at once on one songs.
 * Source   the scan (dy_songs_scan) is the definition; an index answers the same, bit by bit. */
enum dylumo_status dy_songs_nearest(const struct dy_songs *songs,
                                    const struct dy_songs_query *query, struct dy_hit *hits,
                                    size_t *count, struct dylumo_error *err) DY_MUST_USE;
#define DY_SONGS_SMALL_K 256

/* Many queries, each as dy_songs_nearest, over the workers' threads.
 *
 *   hits    [count] arrays, hits[i] of queries[i].k or more
 *   counts  [count]
 *
 * Fails    as the first query in the list that fails; the others are answered all the same. */
enum dylumo_status dy_songs_nearest_many(const struct dy_songs *songs,
                                         const struct dy_songs_query *queries, size_t count,
                                         struct dy_hit *const *hits, size_t *counts,
                                         struct dy_workers *workers,
                                         struct dylumo_error *err) DY_MUST_USE;

/* As dy_songs_nearest by one pass over all songs, never by a tree. */
enum dylumo_status dy_songs_scan(const struct dy_songs *songs, const struct dy_songs_query *query,
                                 struct dy_hit *hits, size_t *count,
                                 struct dylumo_error *err) DY_MUST_USE;

/* ------------------------------------------------------------------ cosine (songs_cosine.c) */

struct dy_cosine_hit {
    uint32_t song;
    double cosine;
};

/* Zeroed rules ask for nothing. */
struct dy_cosine_query {
    double minimum[DYLUMO_FEATURE_COUNT], maximum[DYLUMO_FEATURE_COUNT]; /* become 0 and 1 */
    double target[DYLUMO_FEATURE_COUNT];                                 /* scaled likewise */
    size_t k;
    const uint64_t *allowed;            /* as in dy_songs_query */
    unsigned per_artist;                /* at most so many songs of an artist; 0: any number */
    bool one_recording, without_season; /* as in dy_songs_query */
};

/* The k songs whose 13 features, each scaled from its minimum to its maximum, point most the way of
 * the target: the original's ranking, which FAISS's IndexFlatIP answers over vectors of length 1.
 *
 * The cosine is, in double and in the features' order, sum(x * t) / sqrt(sum(x * x)) with x the
 * song's scaled feature and t the target brought to length 1; 0 for a song of zeros. Of songs with
 * equal cosines those that stand first in the table stay in the list (its rows, where the file
 * keeps them, else the songs' numbers), and the later one is listed first: so FAISS's heap leaves
 * them.
 *
 *   hits    [k], best first
 *   count   receives the number written
 *
 * Fails    BAD_ARGUMENT for k == 0, a target of zeros or numbers that are not finite; NO_MEMORY. On
 *          failure count is 0.
 * Owns     allocates 16 bytes for each of k; for each song where per_artist or one_recording is
 * set. Threads  any number at once on one songs. Cost     one pass over all songs, about 11 ns
 * each. */
enum dylumo_status dy_songs_cosine(const struct dy_songs *songs,
                                   const struct dy_cosine_query *query, struct dy_cosine_hit *hits,
                                   size_t *count, struct dylumo_error *err) DY_MUST_USE;
/* One song's cosine; shares [13] receives what each feature adds to it. */
double dy_songs_cosine_of(const struct dy_songs *songs, const struct dy_cosine_query *query,
                          size_t song, double shares[DYLUMO_FEATURE_COUNT]);

/* ------------------------------------------------------------------ filter (songs_filter.c) */

/* Marks the songs that pass a filter such as
 *
 *     year>=1990 and genre in (jazz, soul) and not artist=X
 *
 * The grammar stands in docs/filters.md. Text is compared folded; a song whose year, popularity or
 * genre is unknown passes no test of it.
 *
 *   allowed  receives the mask for dy_songs_query: [(songs + 63) / 64], heap, the caller's
 * (dy_free) count    receives how many songs pass
 *
 * Fails    BAD_ARGUMENT with the place: "filter, character 6: expected a number, found 'and'";
 *          NO_MEMORY.
 * Cost     about 0.4 ms a test and million songs, words included where the file has their look-up
 *          (without it some 10 ms, read from the titles). */
enum dylumo_status dy_songs_filter(const struct dy_songs *songs, const char *text,
                                   uint64_t **allowed, size_t *count,
                                   struct dylumo_error *err) DY_MUST_USE;

#endif
