/* The search: down the tree, nearest box first, and no box, leaf or song is looked at whose lower
 * bound is over the farthest song listed (Friedman, Bentley & Finkel 1977).
 *
 * Why it is exact: bounds are computed in float, from targets rounded to float. By the triangle
 * inequality a song at distance^2 d has a bound of at most (sqrt(d) + error)^2, error^2 the
 * weighted square of what rounding moved the target; all further roundings are relative, since
 * every term is positive, and INDEX_SLACK covers them. What passes is measured in double, as the
 * scan does. */
#include "songs_index.h"

#include "songs_collect.h"
#include "songs_distance.h"

#include <math.h>

#define LIMIT_MAX 1e37    /* more becomes infinite */
#define LIMIT_LEAST 1e-30 /* under it floats lose their relative precision */
/* To measure one song here costs about as much as to scan so many on one axis; a search that
 * measured more than the scan would cost (where a few axes of few values count, thousands of songs
 * lie at one distance) gives up. */
#define SONGS_A_SCAN 400
#define SONGS_A_HIT 64       /* more that may always be measured for each song of the list */
#define WEIGHT_LEAST 0x1p-60 /* of the largest; less is left out of bounds */

/* The weighted square of the gap to the nearest of an axis' few values; 0 for any other axis. */
static float least_term(const struct dy_songs_index *index, unsigned axis, float target,
                        float weight)
{
    if (!(index->few >> axis & 1))
        return 0;
    float least = INFINITY;
    for (unsigned c = 0; c < INDEX_CELLS; c++) {
        float gap = target - index->values[axis * INDEX_CELLS + c];
        float term = gap * gap * weight;
        least = term < least ? term : least;
    }
    return least;
}

bool songs_probe_init(struct songs_probe *probe, const struct dy_songs_index *index,
                      const struct songs_metric *metric)
{
    *probe = (struct songs_probe){
        .all_axes = index->space.axes,
        .limit = INFINITY,
        .few = index->few,
        .values = index->values,
    };
    double most = 0, error2 = 0;
    for (unsigned a = 0; a < metric->axes; a++)
        most = metric->weights[a] > most ? metric->weights[a] : most;
    int exponent;
    (void)frexp(most, &exponent);
    if (exponent < -900 || exponent > 900) /* the scale must be a normal number */
        return false;
    probe->scale = ldexp(1, -exponent);
    for (unsigned a = 0; a < metric->axes; a++) {
        unsigned column = 0;
        while (column < index->space.axes && index->space.columns[column] != metric->columns[a])
            column++;
        if (column == index->space.axes || fabs(metric->target[a]) > INDEX_VALUE_MAX)
            return false;
        double weight = metric->weights[a] * probe->scale;
        if (weight < WEIGHT_LEAST)
            continue;
        unsigned at = probe->axes++;
        probe->column[at] = (uint8_t)column;
        probe->weights[at] = (float)weight;
        probe->target[at] = (float)metric->target[a];
        probe->least[at] = least_term(index, column, probe->target[at], probe->weights[at]);
        double lost = metric->target[a] - (double)probe->target[at];
        error2 += weight * (lost * lost);
    }
    probe->error = sqrt(error2);
    return probe->axes > 0;
}

/* ------------------------------------------------------------------ walk */

struct walk {
    const struct dy_songs_index *index;
    const struct songs_kernels *kernels;
    struct songs_probe *probe;
    const struct songs_metric *metric;
    const uint64_t *allowed;
    struct songs_collector *to;
    double bound;       /* the collector's, from which the probe's limit was made */
    uint32_t frame;     /* the block of leaves that tables belong to */
    double frame_bound; /* the bound then */
    size_t budget;      /* songs that may still be measured; 0: given up */
    struct songs_tables tables;
};

static void take_bound(struct walk *walk)
{
    if (walk->to->bound == walk->bound)
        return;
    walk->bound = walk->to->bound;
    double root = sqrt(walk->bound * walk->probe->scale) + walk->probe->error;
    double limit = root * root;
    walk->probe->limit =
        limit < LIMIT_MAX ? (float)limit * INDEX_SLACK + (float)LIMIT_LEAST : INFINITY;
}

/* Codes against the limit; tables are made once a block, and again when the limit has halved. */
static uint64_t near_by_codes(struct walk *walk, uint32_t leaf)
{
    const struct songs_index_layout *layout = &walk->index->layout;
    uint32_t frame = leaf / INDEX_FAN;
    if (frame != walk->frame || walk->bound < walk->frame_bound / 2) {
        const float *block = walk->index->boxes[1] + frame / INDEX_FAN * layout->box_block_items;
        walk->kernels->tables(walk->probe, block, frame % INDEX_FAN, &walk->tables);
        walk->frame = frame;
        walk->frame_bound = walk->bound;
    }
    float left = (walk->probe->limit * INDEX_SLACK - walk->tables.base) * walk->tables.scale;
    unsigned most = left < 254 ? left > 0 ? (unsigned)left : 0 : 254;
    return walk->kernels->codes(walk->probe, &walk->tables,
                                walk->index->codes + leaf * layout->leaf_codes, most);
}

static uint64_t allowed_of(const struct walk *walk, const uint32_t *numbers, uint64_t near)
{
    uint64_t allowed = 0;
    size_t count = walk->index->space.count;
    for (; near; near &= near - 1) {
        unsigned i = (unsigned)__builtin_ctzll(near);
        uint32_t song = numbers[i];
        if (song >= count) /* a broken file */
            continue;
        uint64_t pass = walk->allowed ? walk->allowed[song / 64] >> (song % 64) & 1 : 1;
        allowed |= pass << i;
    }
    return allowed;
}

static void offer_songs(struct walk *walk, const uint32_t *numbers, uint64_t near)
{
    const struct songs_metric *metric = walk->metric;
    for (uint64_t rest = near; rest; rest &= rest - 1)
        for (unsigned a = 0; a < metric->axes; a++)
            __builtin_prefetch(metric->columns[a] + numbers[__builtin_ctzll(rest)]);
    for (; near; near &= near - 1) {
        uint32_t song = numbers[__builtin_ctzll(near)];
        double dist2 = songs_distance(metric, song);
        if (dist2 <= walk->to->bound) /* nor when it is not a number, from a broken file */
            songs_collect_offer(walk->to, song, dist2);
    }
}

static void visit_leaf(struct walk *walk, uint32_t leaf)
{
    size_t first = (size_t)leaf * INDEX_LEAF, left = walk->index->space.count - first;
    const uint32_t *numbers = walk->index->numbers + first;
    uint64_t near = left < INDEX_LEAF ? (UINT64_C(1) << left) - 1 : UINT64_MAX;
    if (isfinite(walk->probe->limit))
        near &= near_by_codes(walk, leaf);
    near = allowed_of(walk, numbers, near);
    if (!near)
        return;
    size_t songs = (size_t)__builtin_popcountll(near);
    if (songs >= walk->budget) {
        walk->budget = 0;
        return;
    }
    walk->budget -= songs;
    offer_songs(walk, numbers, near);
    take_bound(walk);
}

static void prefetch_leaf(const struct walk *walk, uint32_t leaf)
{
    const uint8_t *codes = walk->index->codes + leaf * walk->index->layout.leaf_codes;
    for (size_t at = 0; at < walk->index->layout.leaf_codes; at += 64)
        __builtin_prefetch(codes + at);
}

/* The boxes that may hold something, nearest first. */
static unsigned order_boxes(uint32_t near, const float bounds[INDEX_FAN], uint8_t order[INDEX_FAN])
{
    unsigned count = 0;
    for (; near; near &= near - 1) {
        unsigned box = (unsigned)__builtin_ctz(near), at = count++;
        for (; at > 0 && bounds[order[at - 1]] > bounds[box]; at--)
            order[at] = order[at - 1];
        order[at] = (uint8_t)box;
    }
    return count;
}

/* A block of boxes of a level; as deep as the tree, which is at most INDEX_LEVELS_MAX. */
static void visit_block(struct walk *walk, unsigned level, uint32_t block)
{
    const struct songs_index_layout *layout = &walk->index->layout;
    float bounds[INDEX_FAN];
    uint8_t order[INDEX_FAN];
    uint32_t first = block * INDEX_FAN, boxes = layout->nodes[level] - first;
    uint32_t near = walk->kernels->boxes(
        walk->probe, walk->index->boxes[level] + block * layout->box_block_items, bounds);
    if (boxes < INDEX_FAN)
        near &= (1U << boxes) - 1;
    unsigned count = order_boxes(near, bounds, order);
    for (unsigned i = 0; i < count && bounds[order[i]] <= walk->probe->limit && walk->budget; i++) {
        if (level > 0) {
            visit_block(walk, level - 1, first + order[i]);
            continue;
        }
        if (i + 1 < count)
            prefetch_leaf(walk, first + order[i + 1]);
        visit_leaf(walk, first + order[i]);
    }
}

bool songs_index_search(const struct dy_songs_index *index, const struct songs_kernels *kernels,
                        struct songs_probe *probe, const struct songs_metric *metric,
                        const uint64_t *allowed, struct songs_collector *to)
{
    struct walk walk = {
        .index = index,
        .kernels = kernels,
        .probe = probe,
        .metric = metric,
        .allowed = allowed,
        .to = to,
        .bound = INFINITY,
        .frame = UINT32_MAX,
        .budget = index->space.count / SONGS_A_SCAN * metric->axes + SONGS_A_HIT * to->k,
    };
    visit_block(&walk, index->layout.levels - 1, 0);
    return walk.budget > 0;
}
