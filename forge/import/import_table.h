/* Songs on their way from rows of a table to a songs file. */
#ifndef IMPORT_TABLE_H
#define IMPORT_TABLE_H

#include "dy_format.h"
#include "dy_import.h"

/* One song as read. Texts lie in the block it was read from. */
struct import_row {
    float features[DYLUMO_FEATURE_COUNT]; /* duration_ms: bits of a u32 */
    int16_t year;
    uint8_t popularity, flags;
    uint64_t title_key; /* import_title.recording */
    uint64_t line;
    struct dy_text id, title, artist, genre;
    struct dy_text folded; /* of a title that is not ASCII; else empty */
};

/* Texts that grow: text i is bytes[offsets[i]] to bytes[offsets[i + 1]]. */
struct import_texts {
    char *bytes;
    uint64_t *offsets; /* [count + 1] */
    size_t count, byte_room, offset_room;
};

/* Different texts, each with a number, by a hash table of open addresses. */
struct import_names {
    struct import_texts texts;
    uint64_t *slots;  /* upper half of the hash, and number + 1; 0: free */
    uint64_t *hashes; /* [texts.count] */
    size_t slot_count, hash_room;
};

/* All songs, in the order they came. Columns are separate so that each can be freed early. */
struct import_table {
    size_t count, room;
    float *features[DYLUMO_FEATURE_COUNT];
    int16_t *years;
    uint8_t *popularity, *flags;
    uint32_t *genre, *artist;
    uint64_t *title_keys, *lines;
    struct import_texts ids, titles;
    struct import_texts folded; /* titles folded, of the rows in folded_rows */
    uint32_t *folded_rows;
    size_t folded_room;
    struct import_names artists, genres;
    const char *const *names; /* [name_count] of the tables that the rows are of, for sentences */
    size_t *name_rows;        /* [name_count] first row of each */
    size_t name_count;        /* 0: not known */
};

/* The name of the table that a row is of; "" when it is not known. */
const char *import_table_name(const struct import_table *table, size_t row);

/* false: no memory, or more songs than a file can number. The table stays as it was or holds a part
 * of the row that is not counted. */
bool import_table_add(struct import_table *table, const struct import_row *row) DY_MUST_USE;
void import_table_clear(struct import_table *table);

bool import_texts_add(struct import_texts *texts, struct dy_text text) DY_MUST_USE;
void import_texts_clear(struct import_texts *texts);
static inline struct dy_text import_texts_at(const struct import_texts *texts, size_t i)
{
    struct dy_text text = {texts->bytes + texts->offsets[i],
                           (size_t)(texts->offsets[i + 1] - texts->offsets[i])};
    return text;
}

/* The number of a text, new or known. */
bool import_names_add(struct import_names *names, struct dy_text text,
                      uint32_t *number) DY_MUST_USE;
void import_names_clear(struct import_names *names);

/* Sorts the songs by id, leaves out those whose id came before, computes scores and statistics and
 * writes the songs file (import_make.c). Takes the table's content: it is empty afterwards. */
enum dylumo_status import_make(struct import_table *table, const char *output,
                               const struct dy_import_options *options,
                               const struct dylumo_context *context, struct dy_workers *workers,
                               struct dy_import_summary *summary,
                               struct dylumo_error *err) DY_MUST_USE;

#endif
