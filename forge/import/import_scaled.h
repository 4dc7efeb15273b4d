/* Features of songs as the original keeps them: scaled from minimum to maximum, a row a song, in
 * spotify_features.npy and, mostly brought to length 1, in FAISS's music_index.index. */
#ifndef IMPORT_SCALED_H
#define IMPORT_SCALED_H

#include "dy_original.h"

struct import_scaled {
    char name[4096]; /* of the file that the rows are of */
    struct dy_rows rows;
    struct dy_scaler scaler;
    bool unit; /* rows have length 1: what they were before can't be told */
};

/* Reads what lies in a folder of artefacts; both files there must say the same.
 *
 * Owns     import_scaled_clear; it takes a zeroed one.
 * Fails    as dy_rows_read, dy_faiss_read and dy_scaler_read; BAD_FILE where neither is there,
 *          for another number of columns than 13, and numbers that are not scaled;
 *          MISMATCH where the two differ. */
enum dylumo_status import_scaled_open(struct import_scaled *scaled, const char *folder,
                                      struct dylumo_error *err) DY_MUST_USE;
void import_scaled_clear(struct import_scaled *scaled);

/* The value of a row in the feature's unit: as a decimal of three places or at most six digits that
 * scales to that very number, else of nine digits; whole where the feature is. Not for rows of
 * length 1. */
void import_scaled_print(const struct import_scaled *scaled, size_t row, unsigned feature,
                         char text[static 32]);

/* false: values, in units, are not those of the row. */
bool import_scaled_agrees(const struct import_scaled *scaled, size_t row,
                          const double values[static DYLUMO_FEATURE_COUNT]);

#endif
