/* What the CSV reader and the song import share: a stream of blocks that end where records end, so
 * that blocks can be parsed side by side, and records taken apart. */
#ifndef IMPORT_CSV_H
#define IMPORT_CSV_H

#include "dy_import.h"

/* Whole records, as many as fit. */
struct csv_block {
    char *bytes; /* heap */
    size_t size, room;
    uint64_t line; /* of its first record */
};

struct csv_source;

/* block_bytes: what a block usually holds; a longer record makes a longer block. */
enum dylumo_status csv_source_open(struct csv_source **out, const char *path, size_t block_bytes,
                                   struct dylumo_error *err) DY_MUST_USE;
void csv_source_close(struct csv_source *source);
/* The next block; size 0: the end. Reuses block's memory; dy_free(block->bytes) at last. */
enum dylumo_status csv_source_read(struct csv_source *source, struct csv_block *block,
                                   struct dylumo_error *err) DY_MUST_USE;
void csv_source_progress(const struct csv_source *source, uint64_t *done, uint64_t *all);

/* The rows after csv's header, block by block, instead of dy_csv_next; as csv_source_read. */
enum dylumo_status csv_next_block(struct dy_csv *csv, struct csv_block *block,
                                  struct dylumo_error *err) DY_MUST_USE;

/* A record longer than this is taken for one whose quotes never close. */
#define CSV_RECORD_MAX ((size_t)1 << 20)

/* The first record of some bytes. */
struct csv_extent {
    size_t size;       /* with its line end; 0: its end is not in these bytes */
    size_t line_count; /* lines it takes */
    const char *fault; /* broken quotes: then size is that of its first line */
};
/* last: nothing follows these bytes, so that the end of them ends a record. */
struct csv_extent csv_extent_of(const char *bytes, size_t size, bool last);

/* Takes a sound record apart, in place (doubled quotes become single). Returns the number of
 * fields; the first `room` of them are written. 0: an empty line. */
size_t csv_split(char *record, size_t size, struct dy_text *fields, size_t room);

/* true for a field that must stand between quotes. */
bool csv_needs_quotes(struct dy_text field);
/* Writes a field, between quotes where it needs them. */
void csv_put(FILE *to, struct dy_text field);

#endif
