/* What `dylumo import` and `dylumo get` make of tables and of Parquet, and what they say of it. */
#ifndef PROGRAM_MAKE_H
#define PROGRAM_MAKE_H

#include "dy_import.h"

/* A songs file of tables, with the axes of the mood at hand beside it; rows that were passed over
 * are told on standard error.
 *
 *   options   report and user are set here
 *   quiet     tell only of failure
 *
 * Fails    as dy_import_tables; axes that can't be stored are a warning. */
enum dylumo_status program_make_songs(const char *output, const char *const *tables, size_t count,
                                      struct dy_import_options options,
                                      const struct dylumo_context *context, bool quiet,
                                      struct dylumo_error *err) DY_MUST_USE;

/* A folder of pictures and labels of EMID's Parquet files. */
enum dylumo_status program_make_pictures(const char *folder, const char *const *files, size_t count,
                                         const struct dylumo_context *context, bool quiet,
                                         struct dylumo_error *err) DY_MUST_USE;

/* Keeps a file that is about to be replaced, if it is there, as path.old. */
enum dylumo_status program_keep_old(const char *path, struct dylumo_error *err) DY_MUST_USE;

#endif
