/* Sorting: rows by id, pairs by key. Ids are sorted by radix over the first 33 bits of their next
 * eight bytes, which a million random ids almost differ in; what agrees there is put in order by
 * all eight, which lie beside the row, so that an id itself is looked at only where they agree. A
 * common beginning ("spotify:track:") leaves long runs, which are sorted again four bytes later. */
#include "import_make.h"

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

/* Runs of more rows than this are sorted by radix. */
#define SMALL_RUN 64
/* What the radix sort sees of a key. */
#define HEAD_SHIFT (64 - PASSES * DIGIT_BITS)

/* Eight bytes of an id, the first the heaviest, and its row. */
struct id_key {
    uint64_t bytes;
    uint32_t row;
};

struct id_sort {
    const struct import_table *table;
    struct id_key *keys, *scratch; /* [count] */
    bool repeated;                 /* two rows have one id */
};

/* Bytes of an id from depth on; zeros past its end (no id holds one). */
static uint64_t bytes_of(struct dy_text id, size_t depth)
{
    uint64_t bytes = 0;
    if (id.size >= depth + 8) {
        memcpy(&bytes, id.bytes + depth, 8);
        return __builtin_bswap64(bytes); /* little-endian, as the songs file's reader asserts */
    }
    for (size_t i = depth; i < depth + 8; i++)
        bytes = bytes << 8 | (i < id.size ? (unsigned char)id.bytes[i] : 0u);
    return bytes;
}

/* Negative, 0, positive as a's id stands before b's. */
static int compare_ids(const struct import_table *table, const struct id_key *a,
                       const struct id_key *b)
{
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? -1 : 1;
    struct dy_text x = import_texts_at(&table->ids, a->row);
    struct dy_text y = import_texts_at(&table->ids, b->row);
    int order = memcmp(x.bytes, y.bytes, x.size < y.size ? x.size : y.size);
    return order ? order : (x.size > y.size) - (x.size < y.size);
}

/* By the upper bits, equal ones as they come; the result lies in sort->keys. */
static void sort_by_head(struct id_sort *sort, size_t count)
{
    for (unsigned p = 0; p < PASSES; p++) {
        unsigned shift = HEAD_SHIFT + p * DIGIT_BITS;
        size_t places[DIGITS] = {0}, sum = 0;
        for (size_t i = 0; i < count; i++)
            places[sort->keys[i].bytes >> shift & (DIGITS - 1)]++;
        for (unsigned d = 0; d < DIGITS; d++) {
            size_t here = places[d];
            places[d] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++)
            sort->scratch[places[sort->keys[i].bytes >> shift & (DIGITS - 1)]++] = sort->keys[i];
        struct id_key *sorted = sort->scratch;
        sort->scratch = sort->keys;
        sort->keys = sorted;
    }
}

/* Equal ids stay in the table's order. */
static void sort_small(struct id_sort *sort, struct id_key *keys, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct id_key key = keys[i];
        size_t at = i;
        int order = 1;
        while (at > 0 && (order = compare_ids(sort->table, &key, &keys[at - 1])) < 0) {
            keys[at] = keys[at - 1];
            at--;
        }
        keys[at] = key;
        sort->repeated |= order == 0;
    }
}

static uint64_t head_of_row(const struct id_sort *sort, uint32_t row, size_t depth)
{
    return bytes_of(import_texts_at(&sort->table->ids, row), depth) >> HEAD_SHIFT;
}

/* Sorts rows whose ids agree in the bytes before depth, and come in the table's order. */
static void sort_rows(struct id_sort *sort, uint32_t *rows, size_t count, size_t depth)
{
    size_t longest = 0;
    if (depth > DY_SONGS_ID_MAX) { /* all are equal */
        sort->repeated = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        sort->keys[i] =
            (struct id_key){bytes_of(import_texts_at(&sort->table->ids, rows[i]), depth), rows[i]};
    sort_by_head(sort, count);
    for (size_t from = 0, to; from < count; from = to) {
        uint64_t head = sort->keys[from].bytes >> HEAD_SHIFT;
        for (to = from + 1; to < count && sort->keys[to].bytes >> HEAD_SHIFT == head; to++)
            continue;
        if (to - from <= SMALL_RUN)
            sort_small(sort, sort->keys + from, to - from);
        longest = to - from > longest ? to - from : longest;
    }
    for (size_t i = 0; i < count; i++)
        rows[i] = sort->keys[i].row;
    if (longest <= SMALL_RUN)
        return;
    /* the keys are written over on the way down, so that runs are told by the ids */
    for (size_t from = 0, to; from < count; from = to) {
        uint64_t head = head_of_row(sort, rows[from], depth);
        for (to = from + 1; to < count && head_of_row(sort, rows[to], depth) == head; to++)
            continue;
        if (to - from > SMALL_RUN)
            sort_rows(sort, rows + from, to - from, depth + 4);
    }
}

bool import_order_by_id(const struct import_table *table, uint32_t *order, bool *repeated)
{
    struct id_sort sort = {table, dy_mem_aligned(table->count * sizeof(struct id_key)),
                           dy_mem_aligned(table->count * sizeof(struct id_key)), false};
    bool good = sort.keys && sort.scratch;
    for (size_t i = 0; good && i < table->count; i++)
        order[i] = (uint32_t)i;
    if (good)
        sort_rows(&sort, order, table->count, 0);
    *repeated = sort.repeated;
    dy_free(sort.keys);
    dy_free(sort.scratch);
    return good;
}
