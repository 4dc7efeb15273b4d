/* A record of a song table, read and judged. */
#ifndef IMPORT_ROW_H
#define IMPORT_ROW_H

#include "import_csv.h"
#include "import_table.h"
#include "import_title.h"

/* Where the columns are that songs are made of; -1: not there. */
struct import_columns {
    long id, artist, title, genre, year, popularity;
    long features[DYLUMO_FEATURE_COUNT];
    size_t count; /* of the table */
};

/* Finds the columns by name.
 *
 * Fails    BAD_FILE when one that is needed is not there. */
enum dylumo_status import_columns_find(struct import_columns *columns, const struct dy_csv *csv,
                                       const char *path, struct dylumo_error *err) DY_MUST_USE;

/* Why a row is passed over. */
#define IMPORT_REASON 160
struct import_fault {
    uint64_t line;
    char reason[IMPORT_REASON];
};

/* What became of a record. */
enum import_verdict { IMPORT_GOOD, IMPORT_BAD, IMPORT_NO_MEMORY };

/* Reads a record's fields (whose bytes it may change) into row; row->line is left. A text that
 * needs more room when cleaned lies in *owned, for the caller to free: NULL-terminated, at most 5.
 *
 *   reason    receives why, for IMPORT_BAD */
enum import_verdict import_row_read(const struct import_columns *columns,
                                    const struct import_season *season, struct dy_text *fields,
                                    size_t count, struct import_row *row, char *owned[6],
                                    char reason[IMPORT_REASON]);

#endif
