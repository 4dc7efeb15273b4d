/* The table that training leaves beside a mood file's folds: who was held out in which. For the
 * files of this room. */
#ifndef EVALUATE_FOLDS_H
#define EVALUATE_FOLDS_H

#include "dy_base.h"

struct fold_line {
    unsigned set; /* which of the labels */
    char *file;
    uint8_t fold;
};

struct fold_table {
    struct fold_line *lines;
    size_t count, room;
};

/* Reads set,file,fold; lines sorted by set and file. table is zeroed, the caller's to clear also
 * after a failure.
 *
 * Fails     as dy_csv_open; BAD_FILE for a column missing or a fold not below folds. */
enum dylumo_status fold_table_read(struct fold_table *table, const char *path, unsigned folds,
                                   struct dylumo_error *err) DY_MUST_USE;
/* NULL: not there. */
const struct fold_line *fold_table_find(const struct fold_table *table, unsigned set,
                                        const char *file);
void fold_table_clear(struct fold_table *table);

#endif
