/* Making the tree: songs are copied as rows, cut in halves of whole blocks, blocks of whole leaves,
 * and then boxes, codes and numbers are written. The result is the same for any number of threads:
 * no cut depends on another's. */
#include "songs_index.h"

#include <math.h>
#include <string.h>

#define FEW_VALUES_PRIOR 0.5F /* what the spread of an axis of few values counts; measured */
#define ROWS_A_TASK 16384
#define TASKS_A_THREAD 8
#define TASKS_MAX 1024

struct node {
    size_t from, count;
    unsigned level; /* its parts are blocks of this level */
};

struct build {
    struct songs_rows rows;
    struct dy_songs_index *index;
    uint32_t few;
    float values[DY_SONGS_AXES_MAX][INDEX_CELLS];
    uint8_t *bytes;              /* the index's, to be written */
    struct node *nodes, *halves; /* [TASKS_MAX], twice as many */
};

/* ------------------------------------------------------------------ rows */

/* Notes an axis of at most 16 values: they are its codes then, and spread on it counts less. */
static void look_at_axis(struct build *build, unsigned axis)
{
    const struct dy_songs_space *space = &build->index->space;
    const float *column = space->columns[axis];
    float *values = build->values[axis];
    unsigned known = 0, at = 0;
    build->rows.prior[axis] = 1;
    for (size_t i = 0; i < space->count; i++) {
        if (at < known && values[at] == column[i])
            continue; /* as the song before */
        for (at = 0; at < known && values[at] < column[i];)
            at++;
        if (at < known && values[at] == column[i])
            continue;
        if (known == INDEX_CELLS) {
            memset(values, 0, INDEX_CELLS * sizeof *values);
            return;
        }
        memmove(values + at + 1, values + at, (known++ - at) * sizeof *values);
        values[at] = column[i];
    }
    for (unsigned c = known; c < INDEX_CELLS; c++)
        values[c] = values[known - 1];
    build->few |= 1U << axis;
    build->rows.prior[axis] = FEW_VALUES_PRIOR;
}

static void copy_rows_task(void *user, size_t task)
{
    struct build *build = user;
    const struct dy_songs_space *space = &build->index->space;
    unsigned axes = space->axes;
    size_t end = (task + 1) * ROWS_A_TASK;
    for (size_t i = task * ROWS_A_TASK; i < end && i < space->count; i++) {
        float *row = build->rows.items + i * (axes + 1);
        uint32_t number = (uint32_t)i;
        for (unsigned j = 0; j < axes; j++)
            row[j] = space->columns[j][i];
        memcpy(row + axes, &number, sizeof number);
    }
}

static bool values_usable(const struct dy_songs_space *space)
{
    for (unsigned j = 0; j < space->axes; j++) {
        bool small = true;
        for (size_t i = 0; i < space->count; i++) /* not a number: no comparison holds */
            small &= fabsf(space->columns[j][i]) <= (float)INDEX_VALUE_MAX;
        if (!small)
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------ cuts */

/* Songs left of the cut; 0: the node is one part of its level, to be looked at a level below. */
static size_t left_of(const struct node *node)
{
    size_t unit = (size_t)INDEX_LEAF << (4 * node->level);
    size_t parts = (node->count + unit - 1) / unit;
    return parts / 2 * unit;
}

static struct node descend(struct node node)
{
    while (node.level > 0 && left_of(&node) == 0)
        node.level--;
    return node;
}

static void cut_all(struct build *build, struct node node)
{
    node = descend(node);
    size_t left = left_of(&node);
    if (left == 0)
        return;
    songs_rows_split(&build->rows, node.from, node.count, left);
    cut_all(build, (struct node){node.from, left, node.level});
    cut_all(build, (struct node){node.from + left, node.count - left, node.level});
}

static void cut_all_task(void *user, size_t task)
{
    struct build *build = user;
    cut_all(build, build->nodes[task]);
}

static void cut_once_task(void *user, size_t task)
{
    struct build *build = user;
    struct node node = descend(build->nodes[task]);
    size_t left = left_of(&node);
    if (left)
        songs_rows_split(&build->rows, node.from, node.count, left);
    build->halves[2 * task] = (struct node){node.from, left, node.level};
    build->halves[2 * task + 1] = (struct node){node.from + left, node.count - left, node.level};
}

/* Halves all nodes, a task each, until there are enough for the threads; then each to its end. */
static void cut_in_parallel(struct build *build, struct dy_workers *workers)
{
    size_t count = 1, enough = (size_t)dy_workers_count(workers) * TASKS_A_THREAD;
    build->nodes[0] = (struct node){0, build->index->space.count, build->index->layout.levels - 1};
    for (unsigned round = 0; round < 20 && count < enough && count <= TASKS_MAX / 2; round++) {
        dy_workers_run(workers, count, cut_once_task, build);
        size_t halves = 0;
        for (size_t i = 0; i < 2 * count; i++)
            if (build->halves[i].count)
                build->nodes[halves++] = build->halves[i];
        count = halves;
    }
    dy_workers_run(workers, count, cut_all_task, build);
}

/* ------------------------------------------------------------------ boxes, codes, numbers */

static float *boxes_of(const struct build *build, unsigned level, size_t block)
{
    const struct songs_index_layout *layout = &build->index->layout;
    return (float *)(void *)(build->bytes + layout->boxes_at[level]) +
           block * layout->box_block_items;
}

static void widen(float *block, unsigned axes, unsigned slot, unsigned axis, float low, float high,
                  bool first)
{
    float *to_low = &block[axis * INDEX_FAN + slot], *to_high = to_low + axes * INDEX_FAN;
    *to_low = first || low < *to_low ? low : *to_low;
    *to_high = first || high > *to_high ? high : *to_high;
}

/* The box of a leaf and its songs' numbers. */
static void write_leaf(const struct build *build, uint32_t leaf)
{
    unsigned axes = build->rows.axes;
    size_t first = (size_t)leaf * INDEX_LEAF, count = build->index->space.count - first;
    float *block = boxes_of(build, 0, leaf / INDEX_FAN);
    uint32_t *numbers =
        (uint32_t *)(void *)(build->bytes + build->index->layout.numbers_at) + first;
    for (size_t i = 0; i < INDEX_LEAF; i++) {
        numbers[i] = UINT32_MAX;
        if (i >= count)
            continue;
        const float *row = build->rows.items + (first + i) * (axes + 1);
        memcpy(&numbers[i], row + axes, sizeof *numbers);
        for (unsigned j = 0; j < axes; j++)
            widen(block, axes, leaf % INDEX_FAN, j, row[j], row[j], i == 0);
    }
}

static void write_box(const struct build *build, unsigned level, uint32_t node)
{
    unsigned axes = build->rows.axes;
    const float *children = boxes_of(build, level - 1, node);
    uint32_t count = build->index->layout.nodes[level - 1] - node * INDEX_FAN;
    for (unsigned i = 0; i < INDEX_FAN && i < count; i++)
        for (unsigned j = 0; j < axes; j++)
            widen(boxes_of(build, level, node / INDEX_FAN), axes, node % INDEX_FAN, j,
                  children[j * INDEX_FAN + i], children[(axes + j) * INDEX_FAN + i], i == 0);
}

/* The cell whose edges, as the kernels compute them, hold the value. */
static int cell_of(float value, float low, float step)
{
    float at = step > 0 ? (value - low) / step : 0;
    int cell = at < INDEX_CELLS - 1 ? (int)at : INDEX_CELLS - 1;
    while (cell > 0 && value < songs_index_edge(low, step, cell))
        cell--;
    while (cell < INDEX_CELLS - 1 && value > songs_index_edge(low, step, cell + 1))
        cell++;
    return cell;
}

static int few_cell_of(float value, const float values[INDEX_CELLS])
{
    int cell = 0;
    while (cell < INDEX_CELLS - 1 && values[cell] != value)
        cell++;
    return cell;
}

static void write_codes(const struct build *build, uint32_t leaf)
{
    unsigned axes = build->rows.axes;
    const struct songs_index_layout *layout = &build->index->layout;
    size_t first = (size_t)leaf * INDEX_LEAF, count = build->index->space.count - first;
    uint32_t frame = leaf / INDEX_FAN;
    const float *frames = boxes_of(build, 1, frame / INDEX_FAN);
    uint8_t *codes = build->bytes + layout->codes_at + leaf * layout->leaf_codes;
    for (unsigned j = 0; j < axes; j++) {
        float low = frames[j * INDEX_FAN + frame % INDEX_FAN];
        float step = songs_index_step(low, frames[(axes + j) * INDEX_FAN + frame % INDEX_FAN]);
        for (size_t i = 0; i < INDEX_LEAF && i < count; i++) {
            float value = build->rows.items[(first + i) * (axes + 1) + j];
            int cell = build->few >> j & 1 ? few_cell_of(value, build->values[j])
                                           : cell_of(value, low, step);
            codes[j / 2 * INDEX_LEAF + i] |= (uint8_t)(cell << (j % 2 * 4));
        }
    }
}

/* A block of leaves: their boxes, then the box around them, in which their codes are told. Tasks
 * write different slots of a block of level 1, and blocks of their own else. */
static void write_block_task(void *user, size_t task)
{
    const struct build *build = user;
    uint32_t first = (uint32_t)task * INDEX_FAN, leaves = build->index->layout.leaves;
    for (uint32_t leaf = first; leaf < first + INDEX_FAN && leaf < leaves; leaf++)
        write_leaf(build, leaf);
    write_box(build, 1, (uint32_t)task);
    for (uint32_t leaf = first; leaf < first + INDEX_FAN && leaf < leaves; leaf++)
        write_codes(build, leaf);
}

static void write_all(struct build *build, struct dy_workers *workers)
{
    const struct songs_index_layout *layout = &build->index->layout;
    struct songs_index_header header = {
        .version = INDEX_VERSION,
        .axes = build->rows.axes,
        .count = build->index->space.count,
        .few = build->few,
    };
    memset(build->bytes, 0, layout->numbers_at);
    memcpy(build->bytes, &header, sizeof header);
    memcpy(build->bytes + layout->values_at, build->values,
           build->rows.axes * sizeof *build->values);
    dy_workers_run(workers, layout->nodes[1], write_block_task, build);
    for (unsigned level = 2; level < layout->levels; level++)
        for (uint32_t node = 0; node < layout->nodes[level]; node++)
            write_box(build, level, node);
}

/* ------------------------------------------------------------------ build */

static void build_clear(struct build *build)
{
    dy_free(build->rows.items);
    dy_free(build->rows.keys);
    dy_free(build->rows.scratch);
    dy_free(build->rows.moves);
    dy_free(build->nodes);
    dy_free(build->halves);
}

static bool build_init(struct build *build, struct dy_songs_index *index)
{
    const struct dy_songs_space *space = &index->space;
    *build = (struct build){.rows.axes = space->axes, .index = index};
    build->rows.items = dy_mem_aligned(space->count * (space->axes + 1) * sizeof(float));
    build->rows.keys = dy_mem_aligned(space->count * sizeof(float));
    build->rows.scratch = dy_mem_aligned(space->count * sizeof(float));
    build->rows.moves = dy_mem_aligned(space->count * sizeof(uint32_t));
    build->nodes = dy_new_array(TASKS_MAX, sizeof *build->nodes);
    build->halves = dy_new_array((size_t)2 * TASKS_MAX, sizeof *build->halves);
    index->own_bytes = build->bytes = dy_mem_aligned(index->layout.size);
    return build->rows.items && build->rows.keys && build->rows.scratch && build->rows.moves &&
           build->nodes && build->halves && build->bytes;
}

static void build_run(struct build *build, struct dy_workers *workers)
{
    const struct dy_songs_space *space = &build->index->space;
    for (unsigned j = 0; j < space->axes; j++)
        look_at_axis(build, j);
    dy_workers_run(workers, (space->count + ROWS_A_TASK - 1) / ROWS_A_TASK, copy_rows_task, build);
    cut_in_parallel(build, workers);
    write_all(build, workers);
    songs_index_point(build->index, build->bytes);
}

enum dylumo_status dy_songs_index_build(struct dy_songs_index **out,
                                        const struct dy_songs_space *space,
                                        struct dy_workers *workers, struct dylumo_error *err)
{
    struct songs_index_layout layout;
    if (!songs_index_layout_of(&layout, space->count, space->axes))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "no search tree can be made of %zu songs on %u axes", space->count,
                       space->axes);
    if (!values_usable(space))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "no search tree can be made of numbers that are not finite or over %g",
                       INDEX_VALUE_MAX);
    struct dy_songs_index *index = dy_new(sizeof *index);
    if (!index)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for a search tree");
    index->space = *space;
    index->space.index = NULL;
    index->layout = layout;
    struct build build;
    bool enough = build_init(&build, index);
    if (enough)
        build_run(&build, workers);
    build_clear(&build);
    if (!enough) {
        dy_songs_index_free(index);
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for a search tree of %zu songs",
                       space->count);
    }
    *out = index;
    return DYLUMO_OK;
}
