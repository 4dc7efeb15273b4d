/* What an earlier training left behind: the artefacts of the Python original, into our files. Its
 * model becomes mood weights, its songs a songs file; docs/original.md tells its steps beside ours.
 */
#ifndef DY_ORIGINAL_H
#define DY_ORIGINAL_H

#include "dy_import.h"

/* ------------------------------------------------------------------ rows of numbers */

/* A table of numbers: features of songs, or embeddings of pictures. */
struct dy_rows {
    float *values; /* [count][columns], heap */
    size_t count, columns;
};
void dy_rows_clear(struct dy_rows *rows);

/* A .npy file of one row or many, in f32 or f64 (rounded to f32), all finite. (import_rows.c)
 *
 * Fails    as dy_npy_open; BAD_FILE for other shapes and numbers that are not finite; NO_MEMORY. */
enum dylumo_status dy_rows_read(struct dy_rows *rows, const char *path,
                                struct dylumo_error *err) DY_MUST_USE;

#endif
