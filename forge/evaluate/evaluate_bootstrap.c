/* Intervals by drawing the pictures again (Efron 1979; percentiles, Efron & Tibshirani 1993,
 * chapter 13). Draws are made stratum by stratum (each labelled set, and in it each emotion), since
 * the shares of the emotions are part of the measure and not of its noise. */
#include "dy_evaluate.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

/* ------------------------------------------------------------------ random */

uint64_t dy_evaluate_random_next(struct dy_evaluate_random *random)
{
    uint64_t z = (random->state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

uint32_t dy_evaluate_random_below(struct dy_evaluate_random *random, uint32_t bound)
{
    /* the numbers under 2^32 mod bound would come once too often */
    uint32_t least = (uint32_t)(-bound) % bound;
    for (;;) {
        uint32_t number = (uint32_t)(dy_evaluate_random_next(random) >> 32);
        if (number >= least)
            return number % bound;
    }
}

/* ------------------------------------------------------------------ draws */

struct crew {
    const struct dy_bootstrap *bootstrap;
    const struct dylumo_context *context;
    const uint32_t *members; /* [count] items, stratum by stratum */
    size_t first[257];       /* where each stratum begins in members */
    double *scratch;         /* [lanes][count + scratch_count] */
    size_t lanes;
    atomic_size_t done;
    atomic_bool cancelled;
};

static void draw(const struct crew *crew, size_t replicate, double *drawn)
{
    const struct dy_bootstrap *b = crew->bootstrap;
    struct dy_evaluate_random random = {b->seed ^ (replicate * 0xd1342543de82ef95ULL)};
    random.state = dy_evaluate_random_next(&random);
    for (size_t i = 0; i < b->count; i++)
        drawn[i] = 0.0;
    for (size_t s = 0; s < 256; s++) {
        uint32_t size = (uint32_t)(crew->first[s + 1] - crew->first[s]);
        const uint32_t *members = crew->members + crew->first[s];
        for (uint32_t i = 0; i < size; i++)
            drawn[members[dy_evaluate_random_below(&random, size)]] += 1.0;
    }
}

static void lane_step(void *user, size_t lane)
{
    struct crew *crew = user;
    const struct dy_bootstrap *b = crew->bootstrap;
    double *drawn = crew->scratch + lane * (b->count + b->scratch_count);
    for (size_t r = lane; r < b->replicates; r += crew->lanes) {
        if (atomic_load(&crew->cancelled) || dy_context_cancelled(crew->context)) {
            atomic_store(&crew->cancelled, true);
            return;
        }
        draw(crew, r, drawn);
        b->measure(b->user, r, drawn, drawn + b->count);
        dy_context_progress(crew->context, "drawing the pictures again",
                            atomic_fetch_add(&crew->done, 1) + 1, b->replicates);
    }
}

/* Counting sort of the items by stratum. */
static void sort_members(struct crew *crew, uint32_t *members)
{
    const struct dy_bootstrap *b = crew->bootstrap;
    size_t next[256];
    for (size_t i = 0; i < b->count; i++)
        crew->first[b->strata[i] + 1]++;
    for (size_t s = 0; s < 256; s++) {
        crew->first[s + 1] += crew->first[s];
        next[s] = crew->first[s];
    }
    for (size_t i = 0; i < b->count; i++)
        members[next[b->strata[i]]++] = (uint32_t)i;
    crew->members = members;
}

enum dylumo_status dy_bootstrap_run(const struct dy_bootstrap *bootstrap,
                                    const struct dylumo_context *context, struct dylumo_error *err)
{
    struct crew crew = {.bootstrap = bootstrap, .context = context};
    crew.lanes = dy_context_threads(context);
    struct dy_workers *workers = NULL;
    uint32_t *members = dy_new_array(bootstrap->count, sizeof *members);
    crew.scratch = dy_new_array(crew.lanes * (bootstrap->count + bootstrap->scratch_count),
                                sizeof *crew.scratch);
    enum dylumo_status st = DYLUMO_OK;
    if (!members || !crew.scratch)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory to draw %zu pictures again",
                     bootstrap->count);
    if (!st)
        st = dy_workers_new(&workers, (unsigned)crew.lanes, err);
    if (!st) {
        sort_members(&crew, members);
        dy_workers_run(workers, crew.lanes, lane_step, &crew);
        if (atomic_load(&crew.cancelled))
            st = dy_fail(err, DYLUMO_CANCELLED, "stopped while drawing the pictures again");
    }
    dy_workers_free(workers);
    dy_free(crew.scratch);
    dy_free(members);
    return st;
}

/* ------------------------------------------------------------------ interval */

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double percentile(const double *sorted, size_t count, double share)
{
    double place = share * (double)(count - 1);
    size_t below = (size_t)place;
    if (below + 1 >= count)
        return sorted[count - 1];
    double rest = place - (double)below;
    return sorted[below] + rest * (sorted[below + 1] - sorted[below]);
}

void dy_figure_interval(struct dy_figure *figure, double *replicates, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(replicates[i]))
            replicates[kept++] = replicates[i];
    figure->low = figure->high = (double)NAN;
    if (kept == 0)
        return;
    qsort(replicates, kept, sizeof *replicates, compare_numbers);
    figure->low = percentile(replicates, kept, 0.025);
    figure->high = percentile(replicates, kept, 0.975);
}
