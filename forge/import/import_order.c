/* Sorting: rows by id, pairs by key. Ids are sorted four bytes at a time by radix, which takes
 * three passes for a million random ids and copes with a common beginning ("spotify:track:") by
 * going on four bytes later; small runs are compared whole. */
#include "import_make.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ pairs */

#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)
#define PASSES 3

uint64_t *import_sort_pairs(uint64_t *pairs, uint64_t *scratch, size_t count)
{
    size_t counts[PASSES][DIGITS];
    memset(counts, 0, sizeof counts);
    for (size_t i = 0; i < count; i++)
        for (unsigned p = 0; p < PASSES; p++)
            counts[p][pairs[i] >> (32 + p * DIGIT_BITS) & (DIGITS - 1)]++;
    for (unsigned p = 0; p < PASSES; p++) {
        unsigned shift = 32 + p * DIGIT_BITS;
        size_t *from = counts[p], sum = 0;
        if (count && from[pairs[0] >> shift & (DIGITS - 1)] == count)
            continue; /* all alike */
        for (unsigned d = 0; d < DIGITS; d++) {
            size_t here = from[d];
            from[d] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++)
            scratch[from[pairs[i] >> shift & (DIGITS - 1)]++] = pairs[i];
        uint64_t *sorted = scratch;
        scratch = pairs;
        pairs = sorted;
    }
    return pairs;
}

/* ------------------------------------------------------------------ ids */

/* Runs of fewer rows are compared id by id. */
#define SMALL_RUN 512

/* Negative, 0, positive as row a's id stands before b's; equal ids by row. */
static int compare_rows(const struct import_table *table, uint32_t a, uint32_t b)
{
    struct dy_text x = import_texts_at(&table->ids, a), y = import_texts_at(&table->ids, b);
    int order = memcmp(x.bytes, y.bytes, x.size < y.size ? x.size : y.size);
    if (order == 0)
        order = (x.size > y.size) - (x.size < y.size);
    return order ? order : (a > b) - (a < b);
}

static int compare_rows_r(const void *a, const void *b, void *table)
{
    return compare_rows(table, *(const uint32_t *)a, *(const uint32_t *)b);
}

static void sort_small(const struct import_table *table, uint32_t *rows, size_t count)
{
    if (count > 16) {
        qsort_r(rows, count, sizeof *rows, compare_rows_r, (void *)(uintptr_t)table);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        uint32_t row = rows[i];
        size_t at = i;
        for (; at > 0 && compare_rows(table, row, rows[at - 1]) < 0; at--)
            rows[at] = rows[at - 1];
        rows[at] = row;
    }
}

/* Four bytes of an id from depth on, the first the heaviest; zeros past its end (no id holds one).
 */
static uint32_t key_of(struct dy_text id, size_t depth)
{
    uint32_t key = 0;
    for (size_t i = depth; i < depth + 4; i++)
        key = key << 8 | (i < id.size ? (unsigned char)id.bytes[i] : 0u);
    return key;
}

struct id_sort {
    const struct import_table *table;
    uint64_t *pairs, *scratch; /* [count] */
};

/* Sorts rows whose ids agree in the bytes before depth. */
static void sort_rows(const struct id_sort *sort, uint32_t *rows, size_t count, size_t depth)
{
    if (count < SMALL_RUN || depth > DY_SONGS_ID_MAX) {
        if (depth <= DY_SONGS_ID_MAX) /* else all are equal and in the table's order */
            sort_small(sort->table, rows, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        sort->pairs[i] =
            (uint64_t)key_of(import_texts_at(&sort->table->ids, rows[i]), depth) << 32 | rows[i];
    uint64_t *sorted = import_sort_pairs(sort->pairs, sort->scratch, count);
    for (size_t i = 0; i < count; i++)
        rows[i] = (uint32_t)sorted[i];
    for (size_t from = 0, to; from < count; from = to) {
        uint32_t key = key_of(import_texts_at(&sort->table->ids, rows[from]), depth);
        for (to = from + 1; to < count; to++)
            if (key_of(import_texts_at(&sort->table->ids, rows[to]), depth) != key)
                break;
        if (to - from > 1)
            sort_rows(sort, rows + from, to - from, depth + 4);
    }
}

bool import_order_by_id(const struct import_table *table, uint32_t *order)
{
    struct id_sort sort = {table, dy_new_array(table->count, 8), dy_new_array(table->count, 8)};
    bool good = sort.pairs && sort.scratch;
    for (size_t i = 0; good && i < table->count; i++)
        order[i] = (uint32_t)i;
    if (good)
        sort_rows(&sort, order, table->count, 0);
    dy_free(sort.pairs);
    dy_free(sort.scratch);
    return good;
}
