/* The search tree: how it lies in memory and in files, and the kernels that read it.
 *
 * Songs are put in an order in which near ones stand together, 64 of them a leaf. Sixteen leaves in
 * a row make a block, sixteen blocks a block of the next level, up to one: the shape follows from
 * the number of songs, so that no link in a file can lead anywhere. For each leaf and each block
 * the tree keeps the box around its songs; within a block of leaves every song keeps four bits an
 * axis that tell in which sixteenth of the block's box it lies, or, on an axis of at most 16
 * values, which of them it has. Boxes and codes give distances that no song is nearer than; a song
 * whose code does not rule it out is measured in its columns.
 *
 * In a file: the header of 64 bytes, then boxes of each level from the leaves up, codes, numbers,
 * each at a multiple of 64 (docs/formats/songs.md). */
#ifndef SONGS_INDEX_H
#define SONGS_INDEX_H

#include "songs.h"

#define INDEX_VERSION 1
#define INDEX_LEAF 64  /* songs of a leaf */
#define INDEX_FAN 16   /* children of a block */
#define INDEX_CELLS 16 /* cells of a code */
#define INDEX_LEVELS_MAX 8
#define INDEX_VALUE_MAX 1e9 /* larger numbers would overflow the kernels' floats */
/* More than all roundings of a bound in float together (some 40 of 2^-24). */
#define INDEX_SLACK (1 + 0x1p-16F)

struct songs_index_header {
    uint32_t version, axes;
    uint64_t count;
    uint32_t few; /* bit j set: axis j has at most 16 values */
    uint8_t zero[44];
};

/* Where everything lies, from the number of songs and axes alone. */
struct songs_index_layout {
    uint32_t leaves;
    unsigned levels;                              /* at least 2 */
    uint32_t nodes[INDEX_LEVELS_MAX];             /* boxes of a level; level 0: leaves */
    size_t boxes_at[INDEX_LEVELS_MAX];            /* bytes from the header */
    size_t values_at, codes_at, numbers_at, size; /* the same */
    size_t box_block_items, leaf_codes;           /* floats of 16 boxes; bytes of a leaf's codes */
};

struct dy_songs_index {
    struct dy_songs_space space; /* index unused */
    struct songs_index_layout layout;
    const float *boxes[INDEX_LEVELS_MAX]; /* block: low [axes][16], high [axes][16] */
    uint32_t few;                         /* as in the header */
    const float *values;     /* [axes][16], rising, the last repeated; of an axis not few: zeros */
    const uint8_t *codes;    /* [leaves][(axes + 1) / 2][64]; even axes in the low four bits */
    const uint32_t *numbers; /* [leaves * 64], beyond count: UINT32_MAX */
    const uint8_t *bytes;
    uint8_t *own_bytes; /* NULL: the bytes are the caller's */
};

/* false when the sizes overflow or there are no songs. */
bool songs_index_layout_of(struct songs_index_layout *layout, size_t count, unsigned axes);

/* Points index's arrays into bytes of layout.size. */
void songs_index_point(struct dy_songs_index *index, const uint8_t *bytes);

/* Lower edge of a cell (cell 16: upper edge of the box); every form computes it like this. */
static inline float songs_index_edge(float low, float step, int cell)
{
    return low + (float)cell * step;
}

static inline float songs_index_step(float low, float high)
{
    return (high - low) * (1.0F / INDEX_CELLS);
}

/* ------------------------------------------------------------------ split (songs_index_split.c) */

/* Songs while the tree is made: rows of axes floats and the number's bits. */
struct songs_rows {
    float *items;          /* [count][axes + 1] */
    float *keys, *scratch; /* [count] */
    uint32_t *moves;       /* [count] */
    unsigned axes;
    float prior[DY_SONGS_AXES_MAX]; /* how much an axis' spread counts */
};

/* Brings rows from to from + count - 1 into an order in which the first `left` have the lesser
 * values on the axis of the widest spread. 0 < left < count. */
void songs_rows_split(const struct songs_rows *rows, size_t from, size_t count, size_t left);

/* ------------------------------------------------------------------ kernels
 * (songs_index_kernel.c) All forms do the same operations in float, so their results are equal. */

/* A query in float, for lower bounds: only axes of weight over 0. */
struct songs_probe {
    unsigned axes, all_axes;           /* of the query; of the tree */
    uint8_t column[DY_SONGS_AXES_MAX]; /* of the tree, for each axis of the query */
    float target[DY_SONGS_AXES_MAX], weights[DY_SONGS_AXES_MAX];
    float least[DY_SONGS_AXES_MAX]; /* no song's term is less: of the nearest of few values */
    uint32_t few;                   /* of the tree */
    const float *values;
    float limit;         /* a lower bound over this rules out; infinite at first */
    double scale, error; /* weights are scaled by this; root of what targets lost as floats */
};

/* For one block of leaves: what each cell of each axis adds to the box's own distance, in steps. */
struct songs_tables {
    float base, scale; /* the box's own distance; steps in 1 */
    uint8_t cell[DY_SONGS_AXES_MAX][INDEX_CELLS];
};

struct songs_kernels {
    /* Lower bounds of 16 boxes; bit i set: box i may hold something. */
    uint32_t (*boxes)(const struct songs_probe *probe, const float *block, float bounds[INDEX_FAN]);
    /* Tables for box `slot` of a block. */
    void (*tables)(const struct songs_probe *probe, const float *block, unsigned slot,
                   struct songs_tables *tables);
    /* Songs of a leaf whose steps come to at most `most`. */
    uint64_t (*codes)(const struct songs_probe *probe, const struct songs_tables *tables,
                      const uint8_t *codes, unsigned most);
};

const struct songs_kernels *songs_index_kernels(const struct dy_cpu *cpu);

/* ------------------------------------------------------------------ search (songs_index_search.c)
 */

struct songs_collector;
struct songs_metric;

/* Prepares probe for a search of index; false when the index can't answer exactly: a target too far
 * away, a column that it does not have. */
bool songs_probe_init(struct songs_probe *probe, const struct dy_songs_index *index,
                      const struct songs_metric *metric);

/* Offers the collector every allowed song that could be listed. false: gave up, since the scan is
 * faster for this query; the collector is to be started anew. */
bool songs_index_search(const struct dy_songs_index *index, const struct songs_kernels *kernels,
                        struct songs_probe *probe, const struct songs_metric *metric,
                        const uint64_t *allowed, struct songs_collector *to);

#endif
