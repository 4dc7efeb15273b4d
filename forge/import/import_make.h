/* The steps from a table of songs to the sections of a songs file. */
#ifndef IMPORT_MAKE_H
#define IMPORT_MAKE_H

#include "import_table.h"

/* ------------------------------------------------------------------ order (import_order.c) */

/* order [table->count]: rows in the order of their ids' bytes, equal ids in the table's order.
 * *repeated: whether two rows have one id. */
bool import_order_by_id(const struct import_table *table, uint32_t *order,
                        bool *repeated) DY_MUST_USE;

/* Sorts by the upper 32 bits of each pair, equal ones as they come; the result lies in pairs or in
 * scratch, which is returned. */
uint64_t *import_sort_pairs(uint64_t *pairs, uint64_t *scratch, size_t count);

/* ------------------------------------------------------------------ scores (import_scores.c) */

/* One feature over all songs. */
struct import_feature {
    const float *values; /* [count] in the order of the ids; duration_ms: u32 */
    float *scores;       /* [count] */
    struct dy_feature_stats stats;
    struct dy_knot knots[DY_SONGS_KNOTS_MAX];
    uint32_t knot_count;
};

/* Takes a column (values) and makes the rest, into scores too. pairs and scratch: [count] each. */
void import_feature_make(struct import_feature *feature, bool whole_bits, size_t count,
                         uint64_t *pairs, uint64_t *scratch);

/* ------------------------------------------------------------------ labels (import_labels.c) */

/* Artists, genres and recordings, numbered as the file wants them. */
struct import_labels {
    uint32_t *artist, *genre, *recordings; /* [count] */
    struct import_texts artists, genres;
    uint32_t *artist_groups;    /* [artists.count] */
    struct import_texts groups; /* folded names */
    struct import_texts folded; /* folded titles, of the songs in folded_songs */
    uint32_t *folded_songs;
};

/* order [count]: the table's rows that become songs, in the file's order. */
bool import_labels_make(struct import_labels *labels, const struct import_table *table,
                        const uint32_t *order, size_t count) DY_MUST_USE;
void import_labels_clear(struct import_labels *labels);

#endif
