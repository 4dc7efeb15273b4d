/* format: the files that lib/ reads and forge/ writes. Safetensors (encoder and mood weights) and
 * the songs file. Both are told byte by byte in docs/formats/. */
#ifndef DY_FORMAT_H
#define DY_FORMAT_H

#include "dy_base.h"

#include <string.h>

/* ------------------------------------------------------------------ safetensors
 * (format_safetensors.c) Hugging Face's layout: u64 header length, JSON header, data. */

enum dy_dtype { DY_F32, DY_F16, DY_BF16, DY_F64, DY_I8, DY_U8, DY_I32, DY_I64, DY_BOOL };

#define DY_TENSOR_DIMS 8

struct dy_tensor {
    const char *name;
    enum dy_dtype dtype;
    unsigned dims;
    uint64_t shape[DY_TENSOR_DIMS];
    const void *data; /* aligned to the item's size; NULL when size is 0 */
    size_t size;      /* bytes; equals the product of shape times the item's size */
};

/* A mapped, fully checked file: every name once, every dtype known, every tensor inside the data,
 * none overlapping, no holes, sizes equal to shapes. Read-only, shared by all threads. */
struct dy_safetensors;

/* Fails     as dy_map_file; BAD_FILE for anything broken; TOO_LARGE for a header over 100 MB. */
enum dylumo_status dy_safetensors_open(struct dy_safetensors **out, const char *path,
                                       struct dylumo_error *err) DY_MUST_USE;
/* The same on bytes that stay the caller's and must outlive it; name is for error sentences. */
enum dylumo_status dy_safetensors_parse(struct dy_safetensors **out, const void *data, size_t size,
                                        const char *name, struct dylumo_error *err) DY_MUST_USE;
void dy_safetensors_close(struct dy_safetensors *file);

size_t dy_safetensors_count(const struct dy_safetensors *file);
/* In the file's order of names as sorted by bytes. */
const struct dy_tensor *dy_safetensors_at(const struct dy_safetensors *file, size_t index);
/* NULL when there is none of that name. */
const struct dy_tensor *dy_safetensors_find(const struct dy_safetensors *file, const char *name);
/* A value of __metadata__; NULL when absent. */
const char *dy_safetensors_metadata(const struct dy_safetensors *file, const char *key);
/* XXH3 of the whole file's bytes (computed at each call: about 10 GB/s). */
uint64_t dy_safetensors_hash(const struct dy_safetensors *file);

/* Finds a tensor and checks dtype and shape (dims numbers follow; 0 accepts any extent).
 *
 * Fails     BAD_FILE: "x.safetensors: tensor 'a.weight' has shape [3, 4], expected [3, 5]". */
enum dylumo_status dy_safetensors_expect(const struct dy_safetensors *file, const char *name,
                                         enum dy_dtype dtype, unsigned dims, const uint64_t *shape,
                                         const struct dy_tensor **out,
                                         struct dylumo_error *err) DY_MUST_USE;

/* Writes tensors beside path and renames. metadata: pairs key, value, ..., NULL; may be NULL.
 * Tensors are stored largest item size first, then by name, so that all lie aligned. */
enum dylumo_status dy_safetensors_write(const char *path, const struct dy_tensor *tensors,
                                        size_t count, const char *const *metadata,
                                        struct dylumo_error *err) DY_MUST_USE;

/* "[3, 4]", for sentences; text [256]. */
const char *dy_shape_text(char text[static 256], unsigned dims, const uint64_t *shape);
/* "F32" and the like; bytes of one item. */
const char *dy_dtype_name(enum dy_dtype dtype);
size_t dy_dtype_size(enum dy_dtype dtype);

/* Half floats: exact widening; rounding to nearest even. */
float dy_f16_to_f32(uint16_t half);
uint16_t dy_f16_from_f32(float value);

/* bfloat16, the upper half of an f32, for inner loops: exact widening; rounding of a finite value
 * to nearest even. */
static inline float dy_bf16_to_f32(uint16_t narrow)
{
    uint32_t bits = (uint32_t)narrow << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint16_t dy_bf16_from_f32(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
}

/* ------------------------------------------------------------------ songs file
 * (format_songs.c, format_songs_write.c, format_songs_check.c) docs/formats/songs.md
 *
 * A header, a table of sections, the sections: each one array or text table, little-endian, at a
 * multiple of 64. A song's number is its row; rows stand in the order of their ids' bytes. */

#define DY_SONGS_VERSION 1
#define DY_SONGS_SECTIONS_MAX 64
#define DY_SONGS_ID_MAX 255 /* bytes */
#define DY_SONGS_KNOTS_MAX 1024
#define DY_SONGS_UNKNOWN UINT32_MAX /* of genres */
#define DY_SONGS_NO_POPULARITY 255
#define DY_SONGS_SEASON 1u /* bit of flags: a Christmas song */

/* Types of sections; 1 to 255 are the songs themselves and all needed, from 256 on stand indexes,
 * which may be missing and are skipped by those who don't know them. */
enum dy_songs_section {
    DY_SONGS_IDS = 1,
    DY_SONGS_YEARS = 2,
    DY_SONGS_POPULARITY = 3,
    DY_SONGS_FLAGS = 4,
    DY_SONGS_GENRE = 5,
    DY_SONGS_GENRES = 6,
    DY_SONGS_ARTIST = 7,
    DY_SONGS_ARTISTS = 8,
    DY_SONGS_ARTIST_GROUPS = 9,
    DY_SONGS_GROUPS = 10,
    DY_SONGS_TITLES = 11,
    DY_SONGS_FOLDED = 12,
    DY_SONGS_FOLDED_SONGS = 13,
    DY_SONGS_RECORDINGS = 14,
    DY_SONGS_STATS = 15,
    DY_SONGS_QUANTILES = 16,
    DY_SONGS_FEATURES = 32, /* + feature: one section a column */
    DY_SONGS_SCORES = 48,   /* + feature */
    DY_SONGS_CORE_END = 64,
    DY_SONGS_INDEX_FIRST = 256,
    DY_SONGS_SCORES_TREE = 256,  /* search tree over section 3; songs/songs_index.h */
    DY_SONGS_TITLE_WORDS = 257,  /* the songs whose titles hold a word; songs/songs_words.h */
    DY_SONGS_ARTIST_WORDS = 258, /* the groups of artists likewise */
    DY_SONGS_ROWS = 259,         /* u32 [count]: the row of the table that a song came from */
};

/* Many texts: text i is bytes[offsets[i]] to bytes[offsets[i + 1]]. */
struct dy_text_table {
    size_t count;
    const uint64_t *offsets; /* [count + 1] */
    const char *bytes;
    size_t size;
};

/* Text i; empty where i or the offsets are out of bounds, whatever the file holds. */
static inline struct dy_text dy_text_table_at(const struct dy_text_table *table, size_t i)
{
    struct dy_text none = {"", 0};
    if (i >= table->count)
        return none;
    uint64_t from = table->offsets[i], to = table->offsets[i + 1];
    if (from > to || to > table->size)
        return none;
    struct dy_text text = {table->bytes + from, (size_t)(to - from)};
    return text;
}

/* One feature over all songs, in its own unit. */
struct dy_feature_stats {
    double min, max, mean, sd; /* sd: divided by the count */
};

/* A value and its normal score. */
struct dy_knot {
    double value, score;
};

struct dy_songs_section_info {
    uint32_t type;
    const void *data;
    size_t size;
    uint64_t checksum; /* XXH3 of the bytes */
};

/* An opened songs file: where everything lies. Opening checks header and extents, not the arrays'
 * content: numbers that point into other arrays must be bounded by whoever follows them. */
struct dy_songs_file {
    struct dy_map map;
    size_t count;
    uint64_t identity; /* of the songs without their indexes: changes with any byte of them */
    unsigned section_count;
    struct dy_songs_section_info sections[DY_SONGS_SECTIONS_MAX];

    unsigned id_bytes;        /* size of each id; 0: ids differ in size */
    struct dy_text_table ids; /* bytes and size always; offsets and count for id_bytes == 0 */
    const float *features[DYLUMO_FEATURE_COUNT]; /* [count] each; duration_ms is u32 */
    const float *scores[DYLUMO_FEATURE_COUNT];   /* [count] each */
    const int16_t *years;                        /* [count], 0: unknown */
    const uint8_t *popularity;                   /* [count], 255: unknown */
    const uint32_t *genre;       /* [count] text of genres, DY_SONGS_UNKNOWN: unknown */
    struct dy_text_table genres; /* in the order of their bytes */
    const uint32_t *artist;      /* [count] text of artists */
    struct dy_text_table artists;
    const uint32_t *artist_groups;        /* [artists.count]; equal folded names, equal numbers */
    struct dy_text_table groups;          /* the folded names of the groups */
    struct dy_text_table titles;          /* count == songs */
    struct dy_text_table folded;          /* folded titles of the songs whose title is not ASCII */
    const uint32_t *folded_songs;         /* [folded.count] their numbers, rising */
    const uint32_t *recordings;           /* [count]; the same recording, the same number */
    const uint8_t *flags;                 /* [count] */
    const struct dy_feature_stats *stats; /* [13] */
    const struct dy_knot *knots[DYLUMO_FEATURE_COUNT];
    uint32_t knot_count[DYLUMO_FEATURE_COUNT]; /* 1 to DY_SONGS_KNOTS_MAX */
};

/* Fails     as dy_map_file; BAD_FILE for another kind of file, a damaged header, sections that are
 *           missing or of the wrong size; UNSUPPORTED for another version.
 * Owns      dy_songs_file_close gives it back; it takes a zeroed one.
 * Cost      a mapping and 2 KiB read, whatever the number of songs. */
enum dylumo_status dy_songs_file_open(struct dy_songs_file *file, const char *path,
                                      struct dylumo_error *err) DY_MUST_USE;
/* The same on bytes that stay the caller's, at an address that is a multiple of 64. */
enum dylumo_status dy_songs_file_parse(struct dy_songs_file *file, const void *data, size_t size,
                                       const char *name, struct dylumo_error *err) DY_MUST_USE;
void dy_songs_file_close(struct dy_songs_file *file);

/* A section by type; NULL when the file has none. */
const struct dy_songs_section_info *dy_songs_file_section(const struct dy_songs_file *file,
                                                          uint32_t type);

/* Id of a song; empty for broken offsets. song < count. */
struct dy_text dy_songs_file_id(const struct dy_songs_file *file, size_t song);

/* Verifies all: checksums, order of the ids, every number's range, every text.
 *
 * Fails     BAD_FILE with the first fault. */
enum dylumo_status dy_songs_file_check(const struct dy_songs_file *file, const char *name,
                                       struct dylumo_error *err) DY_MUST_USE;

/* Writes a songs file section by section, in any order of types, each once; commit writes the
 * header and gives the file its name. Usage: open, add..., then commit or discard. A section may
 * also be reserved, which fixes its place, and filled later; different ones by several threads. */
struct dy_songs_writer {
    struct dy_outfile out;
    size_t count;
    uint64_t at;
    unsigned section_count;
    struct dy_songs_section_info sections[DY_SONGS_SECTIONS_MAX]; /* data unused */
    uint64_t offsets[DY_SONGS_SECTIONS_MAX];
};
enum dylumo_status dy_songs_writer_open(struct dy_songs_writer *writer, const char *path,
                                        size_t count, struct dylumo_error *err) DY_MUST_USE;
enum dylumo_status dy_songs_writer_reserve(struct dy_songs_writer *writer, uint32_t type,
                                           size_t size, unsigned *slot,
                                           struct dylumo_error *err) DY_MUST_USE;
/* The parts, one after the other, are the section: all of the reserved size. */
enum dylumo_status dy_songs_writer_fill(struct dy_songs_writer *writer, unsigned slot,
                                        const struct dy_part *parts, size_t count,
                                        struct dylumo_error *err) DY_MUST_USE;
enum dylumo_status dy_songs_writer_add(struct dy_songs_writer *writer, uint32_t type,
                                       const void *data, size_t size,
                                       struct dylumo_error *err) DY_MUST_USE;
/* One section from several pieces, one after the other. */
enum dylumo_status dy_songs_writer_add_parts(struct dy_songs_writer *writer, uint32_t type,
                                             const struct dy_part *parts, size_t count,
                                             struct dylumo_error *err) DY_MUST_USE;
/* A section of text: count, offsets [count + 1] from 0, bytes. */
enum dylumo_status dy_songs_writer_add_texts(struct dy_songs_writer *writer, uint32_t type,
                                             const struct dy_text_table *table,
                                             struct dylumo_error *err) DY_MUST_USE;
/* Ids of id_bytes each, or of any size (id_bytes 0, then with offsets); in the order of bytes. */
enum dylumo_status dy_songs_writer_add_ids(struct dy_songs_writer *writer, unsigned id_bytes,
                                           const struct dy_text_table *ids,
                                           struct dylumo_error *err) DY_MUST_USE;
/* The knots of the 13 features. */
enum dylumo_status dy_songs_writer_add_quantiles(struct dy_songs_writer *writer,
                                                 const struct dy_knot *const *knots,
                                                 const uint32_t *knot_count,
                                                 struct dylumo_error *err) DY_MUST_USE;
enum dylumo_status dy_songs_writer_commit(struct dy_songs_writer *writer,
                                          struct dylumo_error *err) DY_MUST_USE;
void dy_songs_writer_discard(struct dy_songs_writer *writer);

#endif
