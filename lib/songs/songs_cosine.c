/* Songs by cosine: the ranking of the original and of everyone's first recipe. One pass over the 13
 * columns, 64 songs at a time: scaling, products and lengths in double, a feature after the other,
 * so that every form gives the same bits. Nothing is kept between queries. */
#include "songs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 64
/* How far below the bound the quick test still lets songs through to the exact one. */
#define SLACK 1e-12

/* A query as the scan wants it. */
struct cosine {
    double minimum[DYLUMO_FEATURE_COUNT], factor[DYLUMO_FEATURE_COUNT];
    double target[DYLUMO_FEATURE_COUNT]; /* of length 1 */
    const float *columns[DYLUMO_FEATURE_COUNT];
    const uint32_t *rows; /* [songs] of the table; NULL: numbers are the rows */
};

/* ------------------------------------------------------------------ a block of songs */

/* products: with the target; squares: of the song's own length. */
typedef void block_function(const struct cosine *cosine, size_t first, size_t count,
                            double products[BLOCK], double squares[BLOCK]);

static inline __attribute__((always_inline)) void add_feature(double value, double minimum,
                                                              double factor, double target,
                                                              double *product, double *square)
{
    double scaled = (value - minimum) * factor;
    *product += scaled * target;
    *square += scaled * scaled;
}

static inline __attribute__((always_inline)) void add_block(const struct cosine *cosine,
                                                            size_t first, size_t count,
                                                            double *restrict products,
                                                            double *restrict squares)
{
    memset(products, 0, BLOCK * sizeof *products);
    memset(squares, 0, BLOCK * sizeof *squares);
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        const double minimum = cosine->minimum[f], factor = cosine->factor[f];
        const double target = cosine->target[f];
        const float *values = cosine->columns[f] + first;
        const uint32_t *whole = (const uint32_t *)(const void *)values; /* duration_ms */
        if (f == DYLUMO_DURATION_MS)
            for (size_t i = 0; i < count; i++)
                add_feature((double)whole[i], minimum, factor, target, &products[i], &squares[i]);
        else
            for (size_t i = 0; i < count; i++)
                add_feature((double)values[i], minimum, factor, target, &products[i], &squares[i]);
    }
}

static void block_plain(const struct cosine *cosine, size_t first, size_t count,
                        double products[BLOCK], double squares[BLOCK])
{
    add_block(cosine, first, count, products, squares);
}

/* The same loops, four songs in a vector; no fused operations, so the same sums. */
__attribute__((target("avx2"))) static void block_avx2(const struct cosine *cosine, size_t first,
                                                       size_t count, double products[BLOCK],
                                                       double squares[BLOCK])
{
    add_block(cosine, first, count, products, squares);
}

static double cosine_of(double product, double square)
{
    return square > 0 ? product / sqrt(square) : 0;
}

/* ------------------------------------------------------------------ the best so far */

struct found {
    double cosine;
    uint32_t row, song;
};

/* a is listed before b: of equal cosines the later row, as a heap's lists have it. */
static bool listed_before(const struct found *a, const struct found *b)
{
    return a->cosine > b->cosine || (a->cosine == b->cosine && a->row > b->row);
}

/* a is kept rather than b: of equal cosines the earlier row. */
static bool kept_before(const struct found *a, const struct found *b)
{
    return a->cosine > b->cosine || (a->cosine == b->cosine && a->row < b->row);
}

/* A heap whose root is the first to go. */
struct best {
    struct found *items; /* [room] */
    size_t count, room;
};

static void sink(struct best *best, size_t at)
{
    struct found item = best->items[at];
    for (size_t child; (child = 2 * at + 1) < best->count; at = child) {
        if (child + 1 < best->count && kept_before(&best->items[child], &best->items[child + 1]))
            child++;
        if (!kept_before(&item, &best->items[child]))
            break;
        best->items[at] = best->items[child];
    }
    best->items[at] = item;
}

static void offer(struct best *best, struct found item)
{
    if (best->count < best->room) {
        best->items[best->count++] = item;
        if (best->count == best->room) /* full: now it must be a heap */
            for (size_t i = best->room / 2; i-- > 0;)
                sink(best, i);
    } else if (kept_before(&item, &best->items[0])) {
        best->items[0] = item;
        sink(best, 0);
    }
}

static double bound_of(const struct best *best)
{
    return best->count < best->room ? -INFINITY : best->items[0].cosine;
}

static int compare_kept(const void *a, const void *b)
{
    return kept_before(a, b) ? -1 : kept_before(b, a);
}

static int compare_listed(const void *a, const void *b)
{
    return listed_before(a, b) ? -1 : listed_before(b, a);
}

/* ------------------------------------------------------------------ the pass */

static bool may_come(const struct dy_songs *songs, const struct dy_cosine_query *query, size_t song)
{
    if (query->allowed && !(query->allowed[song / 64] >> (song % 64) & 1))
        return false;
    return !query->without_season || !dy_songs_season(songs, song);
}

static void offer_block(const struct dy_songs *songs, const struct dy_cosine_query *query,
                        const struct cosine *cosine, size_t first, size_t count,
                        const double products[BLOCK], const double squares[BLOCK],
                        struct best *best)
{
    for (size_t i = 0; i < count; i++) {
        double bound = bound_of(best);
        if (bound > 0 && !(products[i] > 0 &&
                           products[i] * products[i] >= bound * bound * (1 - SLACK) * squares[i]))
            continue;
        struct found item = {cosine_of(products[i], squares[i]), 0, (uint32_t)(first + i)};
        item.row = cosine->rows ? cosine->rows[item.song] : item.song;
        if (item.cosine >= bound && may_come(songs, query, item.song)) /* not NaN either */
            offer(best, item);
    }
}

static void scan(const struct dy_songs *songs, const struct dy_cosine_query *query,
                 const struct cosine *cosine, struct best *best)
{
    block_function *block = songs->cpu.avx2 ? block_avx2 : block_plain;
    size_t all = songs->file.count;
    for (size_t first = 0; first < all; first += BLOCK) {
        double products[BLOCK], squares[BLOCK];
        size_t count = all - first < BLOCK ? all - first : BLOCK;
        block(cosine, first, count, products, squares);
        offer_block(songs, query, cosine, first, count, products, squares, best);
    }
}

/* ------------------------------------------------------------------ rules */

/* Walks through the songs, best first, and passes over what the rules forbid; the rest moves to the
 * front. Quadratic in k, which is small where rules are asked. */
static size_t keep_rules(const struct dy_songs *songs, const struct dy_cosine_query *query,
                         struct found *items, size_t count, size_t k)
{
    size_t kept = 0;
    for (size_t i = 0; i < count && kept < k; i++) {
        unsigned of_artist = 0;
        bool again = false;
        for (size_t j = 0; j < kept; j++) {
            of_artist += dy_songs_artist_group(songs, items[j].song) ==
                         dy_songs_artist_group(songs, items[i].song);
            again |= dy_songs_recording(songs, items[j].song) ==
                     dy_songs_recording(songs, items[i].song);
        }
        if ((query->per_artist && of_artist >= query->per_artist) ||
            (query->one_recording && again))
            continue;
        items[kept++] = items[i];
    }
    return kept;
}

/* ------------------------------------------------------------------ all */

static enum dylumo_status prepare(struct cosine *cosine, const struct dy_songs *songs,
                                  const struct dy_cosine_query *query, struct dylumo_error *err)
{
    double square = 0;
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        double span = query->maximum[f] - query->minimum[f];
        if (!isfinite(query->target[f]) || !isfinite(query->minimum[f]) || !isfinite(span) ||
            span < 0)
            return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                           "%s: a target of %g, scaled from %g to %g; expected finite numbers",
                           dylumo_feature_info((enum dylumo_feature)f)->name, query->target[f],
                           query->minimum[f], query->maximum[f]);
        cosine->minimum[f] = query->minimum[f];
        cosine->factor[f] = 1 / (span > 0 ? span : 1); /* as scikit-learn has it */
        cosine->columns[f] = songs->file.features[f];
        square += query->target[f] * query->target[f];
    }
    if (!(square > 0))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "a target of zeros has no direction");
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        cosine->target[f] = query->target[f] / sqrt(square);
    const struct dy_songs_section_info *rows = dy_songs_file_section(&songs->file, DY_SONGS_ROWS);
    if (rows && rows->size == songs->file.count * sizeof *cosine->rows)
        cosine->rows = rows->data;
    return query->k ? DYLUMO_OK : dy_fail(err, DYLUMO_BAD_ARGUMENT, "0 songs asked for");
}

enum dylumo_status dy_songs_cosine(const struct dy_songs *songs,
                                   const struct dy_cosine_query *query, struct dy_cosine_hit *hits,
                                   size_t *count, struct dylumo_error *err)
{
    struct cosine cosine = {0};
    *count = 0;
    enum dylumo_status st = prepare(&cosine, songs, query, err);
    if (st)
        return st;
    size_t all = songs->file.count, k = query->k < all ? query->k : all;
    bool rules = query->per_artist || query->one_recording;
    struct best best = {.room = rules ? all : k};
    best.items = dy_new_array(best.room, sizeof *best.items);
    if (!best.items)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the best of %zu songs", all);
    scan(songs, query, &cosine, &best);
    size_t found = best.count;
    if (rules) {
        qsort(best.items, found, sizeof *best.items, compare_kept);
        found = keep_rules(songs, query, best.items, found, k);
    }
    qsort(best.items, found, sizeof *best.items, compare_listed);
    for (size_t i = 0; i < found; i++)
        hits[i] = (struct dy_cosine_hit){best.items[i].song, best.items[i].cosine};
    *count = found;
    dy_free(best.items);
    return DYLUMO_OK;
}

double dy_songs_cosine_of(const struct dy_songs *songs, const struct dy_cosine_query *query,
                          size_t song, double shares[DYLUMO_FEATURE_COUNT])
{
    struct cosine cosine = {0};
    double product = 0, square = 0;
    memset(shares, 0, DYLUMO_FEATURE_COUNT * sizeof *shares);
    if (prepare(&cosine, songs, query, NULL))
        return 0;
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        double before = product;
        add_feature(dy_songs_feature(songs, song, (enum dylumo_feature)f), cosine.minimum[f],
                    cosine.factor[f], cosine.target[f], &product, &square);
        shares[f] = product - before;
    }
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        shares[f] = cosine_of(shares[f], square);
    return cosine_of(product, square);
}
