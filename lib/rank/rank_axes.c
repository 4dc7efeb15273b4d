/* Places of the songs on the mood's axes. An axis that is one feature is that feature's own column
 * of the songs file; any other is the sum of the 13 normal scores along its direction, ranked over
 * the catalogue. Sums are made in double in the features' order, so that every machine ranks alike.
 */
#include "rank_internal.h"
#include "rank_stored.h"

#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------ ranking */

/* A float as an unsigned number that sorts the same; -0 is 0. */
static uint32_t sort_key(float value)
{
    uint32_t bits;
    value += 0.0F;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x80000000U ? ~bits : bits | 0x80000000U;
}

struct keyed {
    uint32_t key, at;
};

/* Least significant digit first, 11 bits a pass; the result lies in items. */
static void sort_by_key(struct keyed *items, struct keyed *other, size_t count)
{
    for (unsigned shift = 0; shift < 33; shift += 11) {
        size_t starts[2048] = {0};
        for (size_t i = 0; i < count; i++)
            starts[items[i].key >> shift & 2047]++;
        size_t sum = 0;
        for (size_t digit = 0; digit < 2048; digit++) {
            size_t here = starts[digit];
            starts[digit] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++)
            other[starts[items[i].key >> shift & 2047]++] = items[i];
        struct keyed *swap = items;
        items = other;
        other = swap;
    }
}

static void keep_knots(const float *values, const float *scores, const struct keyed *sorted,
                       size_t count, float *knot_values, float *knot_scores)
{
    for (size_t knot = 0; knot < RANK_KNOTS; knot++) {
        size_t at = sorted[(count - 1) * knot / (RANK_KNOTS - 1)].at;
        knot_values[knot] = values[at];
        knot_scores[knot] = scores[at];
    }
}

enum dylumo_status rank_normal_scores(const float *values, size_t count, float *scores,
                                      float *knot_values, float *knot_scores,
                                      struct dylumo_error *err)
{
    struct keyed *room = dy_new_array(count, 2 * sizeof *room);
    if (!room)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to rank %zu songs", count);
    for (size_t i = 0; i < count; i++)
        room[i] = (struct keyed){sort_key(values[i]), (uint32_t)i};
    sort_by_key(room, room + count, count);
    const struct keyed *sorted = room + count; /* three passes end in the other half */
    for (size_t from = 0; from < count;) {
        size_t to = from + 1;
        while (to < count && sorted[to].key == sorted[from].key)
            to++;
        double mean_rank = ((double)from + (double)to + 1) / 2;
        float score = (float)dy_normal_quantile(mean_rank / ((double)count + 1));
        while (from < to)
            scores[sorted[from++].at] = score;
    }
    if (knot_values)
        keep_knots(values, scores, sorted, count, knot_values, knot_scores);
    dy_free(room);
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ axes */

/* The one feature an axis consists of; -1 when it has several. */
static int only_feature(const float direction[DYLUMO_FEATURE_COUNT])
{
    int only = -1;
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        if (direction[f] == 0)
            continue;
        if (only >= 0)
            return -1;
        only = f;
    }
    return only;
}

static void project(const struct dy_songs_space *features,
                    const float direction[DYLUMO_FEATURE_COUNT], float *sums)
{
    for (size_t i = 0; i < features->count; i++) {
        double sum = 0;
        for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
            if (direction[f] != 0)
                sum += (double)direction[f] * (double)features->columns[f][i];
        sums[i] = (float)sum;
    }
}

static enum dylumo_status fill_axis(struct dy_rank *rank, unsigned a, struct dylumo_error *err)
{
    struct rank_axis *axis = &rank->axis[a];
    const float *direction = rank->info->axis_songs + (size_t)a * DYLUMO_FEATURE_COUNT;
    axis->feature = only_feature(direction);
    if (axis->feature >= 0 && direction[axis->feature] > 0) {
        axis->column = rank->features.columns[axis->feature];
        return DYLUMO_OK;
    }
    axis->feature = -1;
    float *sums = dy_new_array(rank->features.count, sizeof *sums);
    axis->own_column = dy_new_array(rank->features.count, sizeof *axis->own_column);
    axis->column = axis->own_column;
    enum dylumo_status st = DYLUMO_OK;
    if (!sums || !axis->own_column)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory to place %zu songs", rank->features.count);
    if (!st) {
        project(&rank->features, direction, sums);
        st = rank_normal_scores(sums, rank->features.count, axis->own_column, axis->sums,
                                axis->scores, err);
    }
    dy_free(sums);
    return st;
}

static enum dylumo_status fill_axes(struct dy_rank *rank, const struct dylumo_context *context,
                                    struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    for (unsigned a = 0; !st && a < rank->axes; a++) {
        st = fill_axis(rank, a, err);
        if (!st && dy_context_cancelled(context))
            st = dy_fail(err, DYLUMO_CANCELLED, "stopped while placing songs on the mood's axes");
    }
    return st;
}

/* true when an axis has to be projected and sorted. */
static bool needs_places(const struct dy_rank *rank)
{
    for (unsigned a = 0; a < rank->axes; a++)
        if (rank->axis[a].own_column)
            return true;
    return false;
}

enum dylumo_status dy_rank_open_stored(struct dy_rank **out, const struct dy_mood_model *model,
                                       const struct dy_songs *songs, const char *songs_path,
                                       const struct dylumo_context *context,
                                       struct dylumo_error *err)
{
    struct dy_rank *rank = dy_new(sizeof *rank);
    if (!rank)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to rank songs");
    rank->model = model;
    rank->info = dy_mood_info(model);
    rank->songs = songs;
    rank->features = dy_songs_space(songs);
    rank->axes = rank->info->axes;
    enum dylumo_status st = DYLUMO_OK;
    if (!songs_path || !rank_stored_open(rank, songs_path)) {
        st = fill_axes(rank, context, err);
        if (!st && songs_path && needs_places(rank))
            dy_context_log(context, DYLUMO_LOG_INFO,
                           "%s: the mood's axes are not stored for these songs and were computed; "
                           "`dylumo songs index` stores them",
                           songs_path);
    }
    if (st) {
        dy_rank_close(rank);
        return st;
    }
    *out = rank;
    return DYLUMO_OK;
}

enum dylumo_status dy_rank_open(struct dy_rank **out, const struct dy_mood_model *model,
                                const struct dy_songs *songs, const struct dylumo_context *context,
                                struct dylumo_error *err)
{
    return dy_rank_open_stored(out, model, songs, NULL, context, err);
}

void dy_rank_close(struct dy_rank *rank)
{
    if (!rank)
        return;
    for (unsigned a = 0; a < DY_MOOD_AXES_MAX; a++)
        dy_free(rank->axis[a].own_column);
    dy_free(atomic_load(&rank->popularity));
    dy_songs_index_free(rank->tree);
    dy_map_close(&rank->stored);
    dy_free(rank);
}

double dy_rank_score(const struct dy_rank *rank, unsigned a, double sum)
{
    const struct rank_axis *axis = &rank->axis[a];
    if (axis->feature >= 0) /* the sum is the direction times the score itself */
        return sum /
               (double)
                   rank->info->axis_songs[(size_t)a * DYLUMO_FEATURE_COUNT + (size_t)axis->feature];
    size_t low = 0, high = RANK_KNOTS - 1;
    if (sum <= (double)axis->sums[low])
        return (double)axis->scores[low];
    if (sum >= (double)axis->sums[high])
        return (double)axis->scores[high];
    while (high - low > 1) { /* sums[low] < sum < sums[high] or equal to one of them */
        size_t middle = (low + high) / 2;
        if ((double)axis->sums[middle] <= sum)
            low = middle;
        else
            high = middle;
    }
    double width = (double)axis->sums[high] - (double)axis->sums[low];
    double share = width > 0 ? (sum - (double)axis->sums[low]) / width : 0;
    return (double)axis->scores[low] +
           share * ((double)axis->scores[high] - (double)axis->scores[low]);
}

/* ------------------------------------------------------------------ popularity */

const float *rank_popularity(const struct dy_rank *rank)
{
    /* made at first use by whoever comes first; a second maker's copy is dropped */
    struct dy_rank *shared = (struct dy_rank *)(uintptr_t)rank;
    float *column = atomic_load(&shared->popularity);
    if (column)
        return column;
    size_t count = rank->features.count;
    float *made = dy_new_array(count, sizeof *made);
    float *values = dy_new_array(count, sizeof *values);
    if (made && values) {
        const uint8_t *popularity = dy_songs_file(rank->songs)->popularity;
        for (size_t i = 0; i < count; i++) /* unknown counts as unknown to people: the lowest */
            values[i] = popularity[i] == DY_SONGS_NO_POPULARITY ? -1.0F : (float)popularity[i];
        if (rank_normal_scores(values, count, made, NULL, NULL, NULL)) {
            dy_free(made);
            made = NULL;
        }
    } else {
        dy_free(made);
        made = NULL;
    }
    dy_free(values);
    if (made && !atomic_compare_exchange_strong(&shared->popularity, &column, made)) {
        dy_free(made);
        return column;
    }
    return made;
}
