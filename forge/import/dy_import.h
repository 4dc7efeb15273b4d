/* import: foreign tables to dylumo's formats. A reader of CSV that others (training labels) use
 * too, and song tables to songs files. */
#ifndef DY_IMPORT_H
#define DY_IMPORT_H

#include "dy_base.h"

/* ------------------------------------------------------------------ CSV (import_csv.c)
 *
 * Tables as text. Parquet is taken too, as the same rows in CSV would be, where the machine has
 * DuckDB's library (docs/parquet.md). RFC 4180 with a header: UTF-8 with or without BOM, LF or
 * CRLF, fields in quotes where they hold commas, quotes (doubled) or line breaks; empty lines are
 * skipped. Compressed by gzip or not, told by content. A quote inside a field that does not begin
 * with one is itself. */

struct dy_csv;

/* path: a file, or "-" for standard input.
 *
 * Fails    as dy_read_file; BAD_FILE for an empty file, a header without end, UTF-16. */
enum dylumo_status dy_csv_open(struct dy_csv **out, const char *path,
                               struct dylumo_error *err) DY_MUST_USE;
void dy_csv_close(struct dy_csv *csv);

size_t dy_csv_column_count(const struct dy_csv *csv);
struct dy_text dy_csv_column_name(const struct dy_csv *csv, size_t column);
/* The column of exactly this name, the first where there are several; -1: none. */
long dy_csv_column(const struct dy_csv *csv, const char *name);

/* One row. Its texts hold until the next one is asked for. */
struct dy_csv_record {
    const struct dy_text *fields; /* [the smaller of count and the number of columns] */
    size_t count;                 /* fields that the row has */
    uint64_t line;                /* where it begins; the header stands in line 1 */
    const char *fault;            /* what is wrong with its quotes, NULL: nothing; then count is 0
                                     and reading goes on with the next line */
};

/* The next row; *more is false when there is none.
 *
 * Fails    IO, BAD_FILE (broken gzip), NO_MEMORY. */
enum dylumo_status dy_csv_next(struct dy_csv *csv, struct dy_csv_record *record, bool *more,
                               struct dylumo_error *err) DY_MUST_USE;

/* Bytes read so far and in all, of the file as it lies (compressed); all is 0 for a pipe. */
void dy_csv_progress(const struct dy_csv *csv, uint64_t *done, uint64_t *all);

/* A decimal number with optional sign, point and exponent, and nothing but blanks around it, to the
 * nearest double, whatever the locale. false: not one, or not finite. */
bool dy_csv_number(struct dy_text text, double *number);

/* ------------------------------------------------------------------ Parquet (import_duckdb.c) */

/* The library that Parquet is read through: where it lies and its version, "v1.5.6".
 *
 * Fails    UNSUPPORTED when there is none, with where to get it. */
enum dylumo_status dy_import_duckdb(char *path, size_t path_size, char *version,
                                    size_t version_size, struct dylumo_error *err) DY_MUST_USE;

/* ------------------------------------------------------------------ songs (import_songs.c)
 *
 * A table in the layout of Kaggle's spotify-1million-tracks to a songs file
 * (docs/formats/songs.md). Columns are found by name, in any order, others are passed over:
 *
 *   track_id (or id)                       1 to 255 bytes
 *   artist_name (or artists, artist)       1 to 4096 bytes
 *   track_name (or name, title)            1 to 4096 bytes
 *   the 13 features by their names         in the ranges of dylumo_feature_info
 *   year (or release_date), popularity,    may be empty, or not be there at all; of a date the year
 *   genre (or track_genre)                 is taken
 *
 * Of several rows with one id the first stays. */

/* Zeroed members ask for the default. */
struct dy_import_options {
    double max_bad_share; /* more bad rows than this share of all is an error; 0: 0.01; 1: never */
    /* Called for each row that is passed over, in the table's order; line 0: a remark on the whole.
     * reason is plain text. */
    void (*report)(void *user, const char *table, uint64_t line, const char *reason);
    void *user;
    bool without_tree; /* no search tree: 13 bytes a song less, and searches scan */
    bool keep_rows;    /* remember each song's row in the table: dy_songs_cosine's order of ties */
};

struct dy_import_summary {
    uint64_t rows;       /* of the table, without empty lines */
    uint64_t bad;        /* passed over: not readable, or out of range */
    uint64_t duplicates; /* passed over: the id was there before */
    uint64_t songs, artists, genres;
    uint64_t with_year, with_genre, with_popularity;
    uint64_t file_bytes;
};

/* Makes output, whole or not at all, of one table, or of several one after the other, each with its
 * own header. options and summary may be NULL; summary is filled on failure too, as far as it went.
 *
 * Fails    as dy_csv_open; BAD_FILE for a missing column, too many bad rows, no song left; IO when
 *          output can't be written; CANCELLED; NO_MEMORY.
 * Threads  uses the context's.
 * Cost     about 0.4 us a song and thread, and 250 bytes a song while it runs. */
enum dylumo_status dy_import_songs(const char *output, const char *input,
                                   const struct dy_import_options *options,
                                   const struct dylumo_context *context,
                                   struct dy_import_summary *summary,
                                   struct dylumo_error *err) DY_MUST_USE;
enum dylumo_status dy_import_tables(const char *output, const char *const *inputs, size_t count,
                                    const struct dy_import_options *options,
                                    const struct dylumo_context *context,
                                    struct dy_import_summary *summary,
                                    struct dylumo_error *err) DY_MUST_USE;

/* ------------------------------------------------------------------ pictures (import_pictures.c)
 *
 * Pictures that lie in Parquet files as EMID's do (columns Image1_filename to Image3_filename are
 * structs of bytes and path), into a folder that dylumo train reads: images/NAME, and
 * EMID_data.csv with all columns that have a text form, where the pictures' columns hold NAME. */

struct dy_pictures_summary {
    uint64_t rows;    /* of all files */
    uint64_t written; /* pictures that are new in the folder */
    uint64_t present; /* that were there already, byte for byte, or came again in another row */
    uint64_t absent;  /* places of a row without a picture */
    uint64_t unknown; /* bytes that are no picture: left out */
    uint64_t bytes;   /* written */
};

/* A picture keeps the last part of its path as name where that is a plain one (letters, digits,
 * "._-", not hidden, at most 120 bytes) and not taken by another picture; else it is named after
 * its bytes' hash. Every picture is written beside and renamed, the table last; a second run writes
 * what is missing. summary may be NULL; it is filled on failure too.
 *
 * Fails    UNSUPPORTED without DuckDB's library; BAD_FILE for files without such columns or broken
 *          ones; MISMATCH when a file has other columns than the first; IO; CANCELLED; NO_MEMORY.
 * Cost     memory for a row group of the file. */
enum dylumo_status dy_import_pictures(const char *folder, const char *const *inputs, size_t count,
                                      const struct dylumo_context *context,
                                      struct dy_pictures_summary *summary,
                                      struct dylumo_error *err) DY_MUST_USE;

/* Stores a mood's axes over a songs file, with their search tree, where dylumo_open finds them
 * (dy_rank_store).
 *
 *   path    [size], receives the file written
 *
 * Fails    as dy_songs_open, dy_mood_open and dy_rank_store. */
enum dylumo_status dy_import_axes(const char *songs_path, const char *mood_path,
                                  const struct dylumo_context *context, char *path, size_t size,
                                  struct dylumo_error *err) DY_MUST_USE;

#endif
