/* The search tree as an object: its layout, reading it from a file, and verifying all of it.
 *
 * Nothing in it is trusted by the search: its shape comes from the number of songs and axes, song
 * numbers are bounded where they are followed. Content that lies (boxes too small, numbers twice)
 * can cost answers but not memory; dy_songs_index_check finds it. */
#include "songs_index.h"

#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------ layout */

static size_t next_64(size_t at)
{
    return (at + 63) / 64 * 64;
}

bool songs_index_layout_of(struct songs_index_layout *layout, size_t count, unsigned axes)
{
    *layout = (struct songs_index_layout){0};
    if (count == 0 || count >= UINT32_MAX || axes == 0 || axes > DY_SONGS_AXES_MAX)
        return false;
    layout->leaves = (uint32_t)((count + INDEX_LEAF - 1) / INDEX_LEAF);
    layout->box_block_items = (size_t)2 * axes * INDEX_FAN;
    layout->leaf_codes = (size_t)(axes + 1) / 2 * INDEX_LEAF;
    layout->values_at = sizeof(struct songs_index_header);
    size_t at = layout->values_at + (size_t)axes * INDEX_CELLS * sizeof(float);
    uint32_t nodes = layout->leaves;
    for (;;) {
        uint32_t blocks = (nodes + INDEX_FAN - 1) / INDEX_FAN;
        layout->nodes[layout->levels] = nodes;
        layout->boxes_at[layout->levels++] = at;
        at = next_64(at + blocks * layout->box_block_items * sizeof(float));
        if (blocks == 1 && layout->levels >= 2)
            break;
        nodes = blocks;
    }
    layout->codes_at = at;
    layout->numbers_at = at + layout->leaves * layout->leaf_codes;
    layout->size = layout->numbers_at + (size_t)layout->leaves * INDEX_LEAF * sizeof(uint32_t);
    return true;
}

void songs_index_point(struct dy_songs_index *index, const uint8_t *bytes)
{
    const struct songs_index_layout *layout = &index->layout;
    struct songs_index_header header;
    memcpy(&header, bytes, sizeof header);
    index->few = header.few;
    index->values = (const float *)(const void *)(bytes + layout->values_at);
    index->bytes = bytes;
    for (unsigned l = 0; l < layout->levels; l++)
        index->boxes[l] = (const float *)(const void *)(bytes + layout->boxes_at[l]);
    index->codes = bytes + layout->codes_at;
    index->numbers = (const uint32_t *)(const void *)(bytes + layout->numbers_at);
}

/* ------------------------------------------------------------------ from bytes */

static enum dylumo_status check_header(const void *data, size_t size,
                                       const struct dy_songs_space *space, const char *name,
                                       struct dylumo_error *err)
{
    struct songs_index_header header;
    if (size < sizeof header)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: a search tree of %zu bytes, its header needs %zu",
                       name, size, sizeof header);
    memcpy(&header, data, sizeof header);
    if (header.version != INDEX_VERSION)
        return dy_fail(err, DYLUMO_UNSUPPORTED,
                       "%s: a search tree of version %u, this program reads version %d", name,
                       header.version, INDEX_VERSION);
    if (header.axes != space->axes || header.count != space->count)
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: a search tree of %llu songs on %u axes, expected %zu songs on %u", name,
                       (unsigned long long)header.count, header.axes, space->count, space->axes);
    return DYLUMO_OK;
}

enum dylumo_status dy_songs_index_parse(struct dy_songs_index **out, const void *data, size_t size,
                                        const struct dy_songs_space *space, const char *name,
                                        struct dylumo_error *err)
{
    struct songs_index_layout layout;
    enum dylumo_status st = check_header(data, size, space, name, err);
    if (st)
        return st;
    if (!songs_index_layout_of(&layout, space->count, space->axes) || layout.size != size)
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: a search tree of %zu bytes for %zu songs, expected %zu", name, size,
                       space->count, layout.size);
    struct dy_songs_index *index = dy_new(sizeof *index);
    if (!index)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for the search tree", name);
    index->space = *space;
    index->space.index = NULL;
    index->layout = layout;
    songs_index_point(index, data);
    *out = index;
    return DYLUMO_OK;
}

void dy_songs_index_free(struct dy_songs_index *index)
{
    if (!index)
        return;
    dy_free(index->own_bytes);
    dy_free(index);
}

const void *dy_songs_index_bytes(const struct dy_songs_index *index, size_t *size)
{
    *size = index->layout.size;
    return index->bytes;
}

/* ------------------------------------------------------------------ verify all */

static enum dylumo_status bad_leaf(const char *name, uint32_t leaf, const char *what,
                                   struct dylumo_error *err)
{
    return dy_fail(err, DYLUMO_BAD_FILE, "%s: search tree: leaf %u %s", name, leaf, what);
}

static bool box_holds(const float *block, unsigned axes, unsigned slot, unsigned axis, float value)
{
    return block[axis * INDEX_FAN + slot] <= value &&
           value <= block[(axes + axis) * INDEX_FAN + slot];
}

static bool cell_holds(const struct dy_songs_index *index, uint32_t frame, unsigned axis, int cell,
                       float value)
{
    if (index->few >> axis & 1)
        return index->values[axis * INDEX_CELLS + (unsigned)cell] == value;
    unsigned axes = index->space.axes;
    const float *frames = index->boxes[1] + frame / INDEX_FAN * index->layout.box_block_items;
    float low = frames[axis * INDEX_FAN + frame % INDEX_FAN];
    float step = songs_index_step(low, frames[(axes + axis) * INDEX_FAN + frame % INDEX_FAN]);
    return (cell == 0 || value >= songs_index_edge(low, step, cell)) &&
           (cell == INDEX_CELLS - 1 || value <= songs_index_edge(low, step, cell + 1));
}

/* One song in its leaf's box and in the cell that its code names. */
static bool song_fits(const struct dy_songs_index *index, uint32_t leaf, unsigned at, uint32_t song)
{
    unsigned axes = index->space.axes;
    uint32_t frame = leaf / INDEX_FAN;
    const float *block = index->boxes[0] + frame * index->layout.box_block_items;
    for (unsigned j = 0; j < axes; j++) {
        float value = index->space.columns[j][song];
        unsigned byte = index->codes[leaf * index->layout.leaf_codes + j / 2 * INDEX_LEAF + at];
        if (!box_holds(block, axes, leaf % INDEX_FAN, j, value) ||
            !cell_holds(index, frame, j, (int)(byte >> (j % 2 * 4) & 15), value))
            return false;
    }
    return true;
}

static bool children_lie_inside(const struct dy_songs_index *index, unsigned level, uint32_t node)
{
    unsigned axes = index->space.axes;
    size_t items = index->layout.box_block_items;
    const float *block = index->boxes[level] + node / INDEX_FAN * items;
    const float *children = index->boxes[level - 1] + node * items;
    uint32_t left = index->layout.nodes[level - 1] - node * INDEX_FAN;
    for (unsigned i = 0; i < INDEX_FAN && i < left; i++)
        for (unsigned j = 0; j < axes; j++)
            if (!box_holds(block, axes, node % INDEX_FAN, j, children[j * INDEX_FAN + i]) ||
                !box_holds(block, axes, node % INDEX_FAN, j, children[(axes + j) * INDEX_FAN + i]))
                return false;
    return true;
}

static enum dylumo_status check_leaves(const struct dy_songs_index *index, uint64_t *seen,
                                       const char *name, struct dylumo_error *err)
{
    size_t count = index->space.count;
    for (size_t i = 0; i < count; i++) {
        uint32_t leaf = (uint32_t)(i / INDEX_LEAF), song = index->numbers[i];
        if (song >= count)
            return bad_leaf(name, leaf, "holds a song that is not there", err);
        if (seen[song / 64] >> (song % 64) & 1)
            return bad_leaf(name, leaf, "holds a song a second time", err);
        seen[song / 64] |= UINT64_C(1) << (song % 64);
        if (!song_fits(index, leaf, (unsigned)(i % INDEX_LEAF), song))
            return bad_leaf(name, leaf, "holds a song outside its box or code", err);
    }
    return DYLUMO_OK;
}

enum dylumo_status dy_songs_index_check(const struct dy_songs_index *index, const char *name,
                                        struct dylumo_error *err)
{
    uint64_t *seen = dy_new_array(index->space.count / 64 + 1, sizeof *seen);
    if (!seen)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to check the search tree", name);
    enum dylumo_status st = check_leaves(index, seen, name, err);
    dy_free(seen);
    for (unsigned level = 1; !st && level < index->layout.levels; level++)
        for (uint32_t node = 0; !st && node < index->layout.nodes[level]; node++)
            if (!children_lie_inside(index, level, node))
                st = dy_fail(err, DYLUMO_BAD_FILE,
                             "%s: search tree: box %u of level %u does not hold its children", name,
                             node, level);
    return st;
}
