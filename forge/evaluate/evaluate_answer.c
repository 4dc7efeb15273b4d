/* Songs for every picture: by the product's own ranking, and drawn by lot.
 *
 * On a part of the judged songs the ranking is the same search with other columns: each axis is
 * made anew from the normal scores of these songs alone, as if the catalogue held nothing else. */
#include "dy_evaluate.h"
#include "dy_rank.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ axes of a part */

/* Normal scores of values [count]: rank / (count + 1), ties at their mean rank. */
static void normal_scores(const double *values, size_t count, uint32_t *order, double *scores)
{
    dy_sorted_of(values, count, order);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && values[order[end]] == values[order[first]];)
            end++;
        double rank = 0.5 * (double)(first + end + 1);
        for (size_t i = first; i < end; i++)
            scores[order[i]] = dy_normal_quantile(rank / ((double)count + 1.0));
    }
}

/* One model's axes over one part: columns as long as the catalogue, filled where the part is. */
struct part_space {
    struct dy_songs_space space;
    float *columns; /* [axes][catalogue] */
};

static void fill_axis(const struct dy_fit_part *part, const float *direction,
                      const double *features /* [13][part] */, double *sums, double *scores,
                      uint32_t *order, float *column)
{
    for (size_t i = 0; i < part->count; i++) {
        sums[i] = 0.0;
        for (size_t f = 0; f < DYLUMO_FEATURE_COUNT; f++)
            sums[i] += (double)direction[f] * features[f * part->count + i];
    }
    normal_scores(sums, part->count, order, scores);
    for (size_t i = 0; i < part->count; i++)
        column[part->songs[i]] = (float)scores[i];
}

static enum dylumo_status part_space_open(struct part_space *out,
                                          const struct dy_fit_catalogue *catalogue,
                                          const struct dy_fit_part *part,
                                          const struct dy_mood_info *info, struct dylumo_error *err)
{
    size_t n = part->count;
    double *features = dy_new_array(n * (DYLUMO_FEATURE_COUNT + 2), sizeof *features);
    uint32_t *order = dy_new_array(n, sizeof *order);
    out->columns = dy_new_array((size_t)info->axes * catalogue->count, sizeof *out->columns);
    bool ok = features && order && out->columns;
    double *sums = ok ? features + n * DYLUMO_FEATURE_COUNT : NULL, *scores = ok ? sums + n : NULL;
    for (size_t f = 0; ok && f < DYLUMO_FEATURE_COUNT; f++) {
        for (size_t i = 0; i < n; i++)
            sums[i] = dy_songs_feature(catalogue->songs, part->songs[i], (enum dylumo_feature)f);
        normal_scores(sums, n, order, features + f * n);
    }
    out->space = (struct dy_songs_space){.axes = info->axes, .count = catalogue->count};
    for (unsigned a = 0; ok && a < info->axes; a++) {
        float *column = out->columns + (size_t)a * catalogue->count;
        const float *direction = part->held_back && a < 2
                                     ? part->axes[a]
                                     : info->axis_songs + (size_t)a * DYLUMO_FEATURE_COUNT;
        fill_axis(part, direction, features, sums, scores, order, column);
        out->space.columns[a] = column;
    }
    dy_free(features);
    dy_free(order);
    return ok ? DYLUMO_OK : dy_fail(err, DYLUMO_NO_MEMORY, "no memory to place %zu songs", n);
}

/* ------------------------------------------------------------------ the product's ranking */

#define PICTURES_A_TASK 32

struct crew {
    const struct dy_fit_catalogue *catalogue;
    const struct dy_fit_moods *moods;
    const struct dylumo_context *context;
    const struct dy_fit_part *part; /* NULL: all songs */
    struct dy_rank **ranks;         /* [models] */
    struct part_space *spaces;      /* [models], with a part */
    uint32_t *songs;
    atomic_size_t done;
    atomic_int failed;         /* first status that was not OK */
    struct dylumo_error error; /* written by whoever set failed */
};

static enum dylumo_status answer_one(struct crew *crew, size_t picture, struct dylumo_error *err)
{
    size_t model = crew->moods->model_of ? crew->moods->model_of[picture] : 0, count = 0;
    struct dy_rank_target target;
    struct dy_hit hits[DY_FIT_SONGS_EACH];
    const struct dy_rank_rules rules = {
        .k = DY_FIT_SONGS_EACH,
        .per_artist = DY_FIT_PER_ARTIST,
        .one_recording = true,
        .without_season = true,
        .allowed = crew->part ? crew->part->allowed : NULL,
    };
    enum dylumo_status st =
        dy_rank_aim(crew->ranks[model], &crew->moods->moods[picture], NULL, &target, err);
    if (!st && crew->part) /* the same target, among other columns */
        for (unsigned a = 0; a < target.space.axes; a++)
            target.space.columns[a] = crew->spaces[model].space.columns[target.axes[a].mood_axis];
    if (!st)
        st = dy_rank_list(crew->ranks[model], &target, &rules, hits, &count, err);
    uint32_t *answer = crew->songs + picture * DY_FIT_SONGS_EACH;
    for (size_t i = 0; i < DY_FIT_SONGS_EACH; i++)
        answer[i] = i < count ? hits[i].song : DY_NO_SONG;
    return st;
}

static void answer_task(void *user, size_t task)
{
    struct crew *crew = user;
    size_t last = (task + 1) * PICTURES_A_TASK;
    for (size_t i = task * PICTURES_A_TASK; i < last && i < crew->moods->count; i++) {
        struct dylumo_error err = {0};
        if (atomic_load(&crew->failed))
            return;
        enum dylumo_status st =
            dy_context_cancelled(crew->context)
                ? dy_fail(&err, DYLUMO_CANCELLED, "stopped while choosing songs")
                : answer_one(crew, i, &err);
        int none = DYLUMO_OK;
        if (st && atomic_compare_exchange_strong(&crew->failed, &none, (int)st))
            crew->error = err;
    }
    dy_context_progress(crew->context, "choosing songs",
                        atomic_fetch_add(&crew->done, PICTURES_A_TASK), crew->moods->count);
}

static enum dylumo_status open_models(struct crew *crew, struct dylumo_error *err)
{
    size_t count = crew->moods->model_count;
    crew->ranks = dy_new_array(count, sizeof(struct dy_rank *));
    crew->spaces = dy_new_array(count, sizeof *crew->spaces);
    if (!crew->ranks || !crew->spaces)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu models", count);
    enum dylumo_status st = DYLUMO_OK;
    for (size_t m = 0; !st && m < count; m++) {
        const struct dy_mood_model *model = crew->moods->models[m];
        st = dy_rank_open(&crew->ranks[m], model, crew->catalogue->songs, crew->context, err);
        if (!st && crew->part)
            st = part_space_open(&crew->spaces[m], crew->catalogue, crew->part, dy_mood_info(model),
                                 err);
    }
    return st;
}

static void close_models(struct crew *crew)
{
    for (size_t m = 0; m < crew->moods->model_count; m++) {
        if (crew->ranks)
            dy_rank_close(crew->ranks[m]);
        if (crew->spaces)
            dy_free(crew->spaces[m].columns);
    }
    dy_free(crew->ranks);
    dy_free(crew->spaces);
}

enum dylumo_status dy_fit_answer_moods(const struct dy_fit_catalogue *catalogue, size_t part,
                                       const struct dy_fit_moods *moods, uint32_t *songs,
                                       const struct dylumo_context *context,
                                       struct dylumo_error *err)
{
    struct crew crew = {
        .catalogue = catalogue,
        .moods = moods,
        .context = context,
        .part = part == DY_FIT_ALL_SONGS ? NULL : &catalogue->parts[part],
        .songs = songs,
    };
    struct dy_workers *workers = NULL;
    enum dylumo_status st = open_models(&crew, err);
    if (!st)
        st = dy_workers_new(&workers, dy_context_threads(context), err);
    if (!st) {
        dy_workers_run(workers, (moods->count + PICTURES_A_TASK - 1) / PICTURES_A_TASK, answer_task,
                       &crew);
        st = (enum dylumo_status)atomic_load(&crew.failed);
        if (st && err)
            *err = crew.error;
    }
    dy_workers_free(workers);
    close_models(&crew);
    return st;
}

/* ------------------------------------------------------------------ by lot */

struct popular {
    int popularity;
    uint32_t song;
};

static int compare_popular(const void *a, const void *b)
{
    const struct popular *x = a, *y = b;
    if (x->popularity != y->popularity)
        return x->popularity > y->popularity ? -1 : 1;
    return x->song < y->song ? -1 : x->song > y->song;
}

/* The most popular songs of candidates first. */
static enum dylumo_status sort_popular(const struct dy_fit_catalogue *catalogue,
                                       const uint32_t *candidates, size_t count, uint32_t *sorted,
                                       struct dylumo_error *err)
{
    struct popular *items = dy_new_array(count, sizeof *items);
    if (!items)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to sort %zu songs", count);
    for (size_t i = 0; i < count; i++) {
        struct dy_song song;
        dy_songs_read(catalogue->songs, candidates[i], &song);
        items[i] = (struct popular){song.popularity, candidates[i]};
    }
    qsort(items, count, sizeof *items, compare_popular);
    for (size_t i = 0; i < count; i++)
        sorted[i] = items[i].song;
    dy_free(items);
    return DYLUMO_OK;
}

/* false where the song or two of its artist are in the answer already. */
static bool may_join(const struct dy_fit_catalogue *catalogue, const uint32_t *answer, size_t count,
                     uint32_t song)
{
    unsigned same_artist = 0;
    for (size_t i = 0; i < count; i++) {
        if (answer[i] == song)
            return false;
        same_artist += catalogue->artist[answer[i]] == catalogue->artist[song];
    }
    return same_artist < DY_FIT_PER_ARTIST;
}

static void draw_answer(const struct dy_fit_catalogue *catalogue, const uint32_t *candidates,
                        size_t count, uint64_t seed, uint32_t *answer)
{
    struct dy_evaluate_random random = {seed};
    size_t taken = 0;
    for (size_t tries = 0; taken < DY_FIT_SONGS_EACH && tries < 1000; tries++) {
        uint32_t song = candidates[dy_evaluate_random_below(&random, (uint32_t)count)];
        if (may_join(catalogue, answer, taken, song))
            answer[taken++] = song;
    }
    while (taken < DY_FIT_SONGS_EACH)
        answer[taken++] = DY_NO_SONG;
}

enum dylumo_status dy_fit_answer_drawn(const struct dy_fit_catalogue *catalogue, size_t part,
                                       size_t pool, size_t pictures, uint64_t seed, uint32_t *songs,
                                       struct dylumo_error *err)
{
    bool all = part == DY_FIT_ALL_SONGS;
    const uint32_t *candidates = all ? catalogue->all : catalogue->parts[part].songs;
    size_t count = all ? catalogue->all_count : catalogue->parts[part].count;
    uint32_t *sorted = NULL;
    if (count == 0)
        return dy_fail(err, DYLUMO_BAD_FILE, "the catalogue holds no song that may be shown");
    if (pool) {
        sorted = dy_new_array(count, sizeof *sorted);
        if (!sorted)
            return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to sort %zu songs", count);
        enum dylumo_status st = sort_popular(catalogue, candidates, count, sorted, err);
        if (st) {
            dy_free(sorted);
            return st;
        }
        candidates = sorted;
        count = pool < count ? pool : count;
    }
    struct dy_evaluate_random random = {seed};
    for (size_t i = 0; i < pictures; i++)
        draw_answer(catalogue, candidates, count, dy_evaluate_random_next(&random),
                    songs + i * DY_FIT_SONGS_EACH);
    dy_free(sorted);
    return DYLUMO_OK;
}
