/* Songs files looked at, searched by words, written out, joined and verified: what `dylumo songs`
 * does. */
#ifndef DY_CATALOGUE_H
#define DY_CATALOGUE_H

#include "dy_import.h"

struct dy_catalogue;

/* Fails    as dy_songs_open. */
enum dylumo_status dy_catalogue_open(struct dy_catalogue **out, const char *path,
                                     struct dylumo_error *err) DY_MUST_USE;
void dy_catalogue_close(struct dy_catalogue *catalogue);

/* What the file holds. */
struct dy_catalogue_facts {
    uint64_t songs, artists, genres, recordings;
    uint64_t with_year, with_genre, with_popularity, of_season;
    int first_year, last_year; /* 0: no year is known */
    uint64_t identity;         /* of the songs, without indexes */
    uint64_t file_bytes;
    bool tree; /* a search tree is in it */
    struct {
        double min, max, mean, sd, median;
    } features[DYLUMO_FEATURE_COUNT];
};
void dy_catalogue_facts(const struct dy_catalogue *catalogue, struct dy_catalogue_facts *facts);

/* One song; texts lie in the file. */
struct dy_catalogue_song {
    struct dy_text id, title, artist, genre; /* genre.size 0: unknown */
    int year, popularity;                    /* 0 and -1: unknown */
    double features[DYLUMO_FEATURE_COUNT];
};
void dy_catalogue_song(const struct dy_catalogue *catalogue, uint64_t number,
                       struct dy_catalogue_song *song);

/* The number of the song with exactly this id; false when there is none. */
bool dy_catalogue_has(const struct dy_catalogue *catalogue, const char *id, uint64_t *number);

struct dy_catalogue_hit {
    uint64_t number;
    double score; /* found: share of the words' letters that fit; near: squared distance */
};

/* Songs whose title and artist hold all the words, best first: whole words before beginnings before
 * words with a slip or two (Damerau-Levenshtein distance 1 from four letters on, 2 from eight);
 * then the more popular, then by number. Case, accents and signs make no difference.
 *
 *   hits    [k]
 *
 * Fails    BAD_ARGUMENT for words without a letter; NO_MEMORY.
 * Cost     one pass over all titles, about 0.2 us each. */
enum dylumo_status dy_catalogue_find(const struct dy_catalogue *catalogue, const char *words,
                                     struct dy_catalogue_hit *hits, size_t k, size_t *count,
                                     struct dylumo_error *err) DY_MUST_USE;

/* The songs nearest to one in all 13 normal scores, without its own recording, each recording once.
 *
 * Fails    NOT_FOUND for an id that is not there; NO_MEMORY. */
enum dylumo_status dy_catalogue_near(const struct dy_catalogue *catalogue, const char *id,
                                     struct dy_catalogue_hit *hits, size_t k, size_t *count,
                                     struct dylumo_error *err) DY_MUST_USE;

/* Writes the songs as CSV in the layout that dy_import_songs reads: importing it gives the same
 * file again. output "-" is standard output. */
enum dylumo_status dy_catalogue_export(const struct dy_catalogue *catalogue, const char *output,
                                       struct dylumo_error *err) DY_MUST_USE;

/* Joins songs files; of songs with one id that of the first file stays. Scores and statistics are
 * made anew over all. */
enum dylumo_status dy_catalogue_merge(const char *output, const char *const *inputs, size_t count,
                                      const struct dylumo_context *context,
                                      struct dy_import_summary *summary,
                                      struct dylumo_error *err) DY_MUST_USE;

/* Verifies every byte: dy_songs_check. */
enum dylumo_status dy_catalogue_check(const struct dy_catalogue *catalogue,
                                      struct dylumo_error *err) DY_MUST_USE;

#endif
