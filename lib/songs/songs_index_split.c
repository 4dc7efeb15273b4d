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

/* The value of rank `rank` from 0 (Hoare 1961); reorders keys. */
static float key_of_rank(float *keys, size_t count, size_t rank)
{
    ptrdiff_t low = 0, high = (ptrdiff_t)count - 1, wanted = (ptrdiff_t)rank;
    while (low < high) {
        float pivot = middle_of_three(keys[low], keys[low + (high - low) / 2], keys[high]);
        ptrdiff_t i = low, j = high;
        while (i <= j) {
            while (keys[i] < pivot)
                i++;
            while (keys[j] > pivot)
                j--;
            if (i <= j) {
                float key = keys[i];
                keys[i++] = keys[j];
                keys[j--] = key;
            }
        }
        if (wanted <= j)
            high = j;
        else if (wanted >= i)
            low = i;
        else
            break;
    }
    return keys[wanted];
}

/* Swaps rows between both sides until the left holds all below cut and as many equal to it as it
 * has room for; those that stood on the left stay there. */
static void exchange(const struct songs_rows *rows, size_t from, size_t count, size_t left,
                     unsigned axis, float cut)
{
    size_t row_items = rows->axes + 1, below = 0, equal_here = 0;
    float *items = rows->items + from * row_items;
    for (size_t i = 0; i < count; i++)
        below += items[i * row_items + axis] < cut;
    for (size_t i = 0; i < left; i++)
        equal_here += items[i * row_items + axis] == cut;
    size_t wanted = left - below; /* of those that are equal */
    size_t stay = equal_here < wanted ? equal_here : wanted, come = wanted - stay;
    float row[DY_SONGS_AXES_MAX + 1];
    size_t right = left;
    for (size_t i = 0; i < left; i++) {
        float value = items[i * row_items + axis];
        if (value < cut)
            continue;
        if (value == cut && stay > 0) {
            stay--;
            continue;
        }
        for (;; right++) {
            float other = items[right * row_items + axis];
            if (other < cut)
                break;
            if (other == cut && come > 0) {
                come--;
                break;
            }
        }
        memcpy(row, items + i * row_items, row_items * sizeof *row);
        memcpy(items + i * row_items, items + right * row_items, row_items * sizeof *row);
        memcpy(items + right * row_items, row, row_items * sizeof *row);
        right++;
    }
}

void songs_rows_split(const struct songs_rows *rows, size_t from, size_t count, size_t left)
{
    unsigned axis = widest_axis(rows, from, count);
    float *keys = rows->keys + from;
    for (size_t i = 0; i < count; i++)
        keys[i] = rows->items[(from + i) * (rows->axes + 1) + axis];
    exchange(rows, from, count, left, axis, key_of_rank(keys, count, left));
}
