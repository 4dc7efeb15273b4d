/* The list: the exact nearest songs; where variety is asked, chosen from the nearest pool so that
 * each next song is near the mood and unlike those already taken. */
#include "rank_internal.h"

#include <math.h>

/* Distances between songs are counted over the 13 normal scores; two random songs are 26 apart. */
static double song_distance2(const struct dy_songs_space *features, uint32_t a, uint32_t b)
{
    double sum = 0;
    for (unsigned f = 0; f < features->axes; f++) {
        double t = (double)features->columns[f][a] - (double)features->columns[f][b];
        sum += t * t;
    }
    return sum;
}

/* Maximal marginal relevance: out of pool, k songs into hits. nearest[i] is the distance of pool[i]
 * to the songs taken so far. Both terms are shares: of the pool's widest distance to the mood, and
 * of the distance of two random songs. */
static void choose_varied(const struct dy_songs_space *features, struct dy_hit *pool, size_t count,
                          double *nearest, double variety, struct dy_hit *hits, size_t k)
{
    double widest = count ? pool[count - 1].dist2 : 0;
    double random_pair = 2.0 * features->axes;
    for (size_t i = 0; i < count; i++)
        nearest[i] = INFINITY;
    for (size_t taken = 0; taken < k; taken++) {
        size_t best = count;
        double best_value = -INFINITY;
        for (size_t i = 0; i < count; i++) {
            if (nearest[i] < 0) /* taken */
                continue;
            double apart = nearest[i] > random_pair ? 1 : nearest[i] / random_pair;
            double far = widest > 0 ? pool[i].dist2 / widest : 0;
            double value = taken ? variety * apart - (1 - variety) * far : -far;
            if (value > best_value) {
                best_value = value;
                best = i;
            }
        }
        hits[taken] = pool[best];
        nearest[best] = -1;
        for (size_t i = 0; i < count; i++) {
            double between = song_distance2(features, pool[i].song, pool[best].song);
            if (nearest[i] >= 0 && between < nearest[i])
                nearest[i] = between;
        }
    }
}

enum dylumo_status dy_rank_list(const struct dy_rank *rank, const struct dy_rank_target *target,
                                const struct dy_rank_rules *rules, struct dy_hit *hits,
                                size_t *count, struct dylumo_error *err)
{
    *count = 0;
    if (!(rules->variety >= 0 && rules->variety <= 1))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "variety %g is out of range; expected 0 to 1",
                       rules->variety);
    struct dy_songs_query query = {
        .space = &target->space,
        .target = target->places,
        .weights = target->weights,
        .k = rules->k,
        .allowed = rules->allowed,
        .per_artist = rules->per_artist,
        .one_recording = rules->one_recording,
        .without_season = rules->without_season,
    };
    if (rules->variety == 0)
        return dy_songs_nearest(rank->songs, &query, hits, count, err);

    /* the pool grows with variety: 1 to 20 songs for each that is wanted */
    double factor = 1 + 19 * rules->variety;
    query.k = rules->k > DYLUMO_MAX_SONGS / 20 ? rules->k : (size_t)((double)rules->k * factor);
    size_t found = 0;
    struct dy_hit *pool = dy_new_array(query.k, sizeof *pool);
    double *nearest = dy_new_array(query.k, sizeof *nearest);
    enum dylumo_status st = DYLUMO_OK;
    if (!pool || !nearest)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu songs to choose from", query.k);
    if (!st)
        st = dy_songs_nearest(rank->songs, &query, pool, &found, err);
    if (!st) {
        *count = found < rules->k ? found : rules->k;
        choose_varied(&rank->features, pool, found, nearest, rules->variety, hits, *count);
    }
    dy_free(pool);
    dy_free(nearest);
    return st;
}

double dy_rank_distance2(const struct dy_rank_target *target, uint32_t song)
{
    double distance = 0, errors = 0;
    unsigned axes = 0;
    for (unsigned j = 0; j < target->space.axes; j++) {
        double error = target->axes[j].error, weight = target->weights[j];
        if (weight == 0 || isinf(error)) /* popularity is no part of the mood */
            continue;
        double t = target->places[j] - (double)target->space.columns[j][song];
        distance += weight * (t * t);
        errors += weight * (error * error);
        axes++;
    }
    return errors > 0 ? axes * distance / errors : 0;
}
