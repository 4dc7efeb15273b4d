/* Where the tree is cut: across the axis on which the songs of a node spread widest, at the rank
 * that leaves whole leaves on the left (Bentley 1975; Friedman, Bentley & Finkel 1977). The spread
 * comes from a sample, the cut is exact. */
#include "songs_index.h"

#include <string.h>

#define SPREAD_SAMPLE 512

static unsigned widest_axis(const struct songs_rows *rows, size_t from, size_t count)
{
    unsigned axes = rows->axes, row_items = axes + 1;
    size_t sample = count < SPREAD_SAMPLE ? count : SPREAD_SAMPLE;
    double sum[DY_SONGS_AXES_MAX] = {0}, sum2[DY_SONGS_AXES_MAX] = {0};
    for (size_t i = 0; i < sample; i++) {
        const float *row = rows->items + (from + i * count / sample) * row_items;
        for (unsigned j = 0; j < axes; j++) {
            double value = (double)row[j];
            sum[j] += value;
            sum2[j] += value * value;
        }
    }
    unsigned widest = 0;
    double widest_spread = -1;
    for (unsigned j = 0; j < axes; j++) {
        double mean = sum[j] / (double)sample;
        double spread = (sum2[j] / (double)sample - mean * mean) * (double)rows->prior[j];
        if (spread > widest_spread) {
            widest_spread = spread;
            widest = j;
        }
    }
    return widest;
}

static float middle_of_three(float a, float b, float c)
{
    float least = a < c ? a : c, most = a < c ? c : a;
    return b < least ? least : b > most ? most : b;
}

/* Moves the keys below the pivot, or up to it, to the front, by steps that no key turns aside: half
 * of all guesses about random keys are wrong (Lomuto's scheme). Returns how many there are. */
static inline __attribute__((always_inline)) size_t to_front(float *keys, size_t count, float pivot,
                                                             bool equal_too)
{
    size_t front = 0;
    for (size_t i = 0; i < count; i++) {
        float key = keys[i];
        keys[i] = keys[front];
        keys[front] = key;
        front += equal_too ? key <= pivot : key < pivot;
    }
    return front;
}

/* The value of rank `rank` from 0 (Hoare 1961); reorders keys. */
static float key_of_rank(float *keys, size_t count, size_t rank)
{
    for (;;) {
        float pivot = middle_of_three(keys[0], keys[count / 2], keys[count - 1]);
        size_t below = to_front(keys, count, pivot, false);
        if (rank < below) {
            count = below;
            continue;
        }
        keys += below;
        count -= below;
        rank -= below;
        size_t equal = to_front(keys, count, pivot, true);
        if (rank < equal)
            return pivot;
        keys += equal;
        count -= equal;
        rank -= equal;
    }
}

/* Lists the rows on the left of the cut that go and those on the right that come for them, as many,
 * each in order; those equal to the cut stay where they stand, as far as there is room. */
static size_t list_moves(const struct songs_rows *rows, size_t from, size_t count, size_t left,
                         float cut)
{
    const float *keys = rows->keys + from;
    uint32_t *go = rows->moves + from, *come = go + left;
    size_t below = 0, equal_here = 0;
    for (size_t i = 0; i < count; i++)
        below += keys[i] < cut;
    for (size_t i = 0; i < left; i++)
        equal_here += keys[i] == cut;
    size_t wanted = left - below; /* of those that are equal */
    size_t stay = equal_here < wanted ? equal_here : wanted, wait = wanted - stay;
    size_t going = 0, coming = 0;
    for (size_t i = 0; i < left; i++) {
        bool equal = keys[i] == cut;
        go[going] = (uint32_t)i;
        going += keys[i] > cut || (equal && stay == 0);
        stay -= equal && stay > 0;
    }
    for (size_t i = left; i < count && coming < going; i++) {
        bool equal = keys[i] == cut;
        come[coming] = (uint32_t)i;
        coming += keys[i] < cut || (equal && wait > 0);
        wait -= equal && wait > 0;
    }
    return going;
}

static void exchange(const struct songs_rows *rows, size_t from, size_t left, size_t moves)
{
    size_t row_items = rows->axes + 1;
    float *items = rows->items + from * row_items;
    const uint32_t *go = rows->moves + from, *come = go + left;
    for (size_t m = 0; m < moves; m++) {
        float row[DY_SONGS_AXES_MAX + 1];
        float *here = items + go[m] * row_items, *there = items + come[m] * row_items;
        memcpy(row, here, row_items * sizeof *row);
        memcpy(here, there, row_items * sizeof *row);
        memcpy(there, row, row_items * sizeof *row);
    }
}

void songs_rows_split(const struct songs_rows *rows, size_t from, size_t count, size_t left)
{
    unsigned axis = widest_axis(rows, from, count);
    float *keys = rows->keys + from, *scratch = rows->scratch + from;
    for (size_t i = 0; i < count; i++)
        keys[i] = rows->items[(from + i) * (rows->axes + 1) + axis];
    memcpy(scratch, keys, count * sizeof *keys);
    float cut = key_of_rank(scratch, count, left);
    exchange(rows, from, left, list_moves(rows, from, count, left, cut));
}
