/* Ranking as the original does: the network's 13 numbers are features scaled from minimum to
 * maximum, and the songs are those with the greatest cosine to them. It says less than the mood's
 * own axes do (docs/fit.md tells how much less); it is here so that what was trained with the
 * original's notebook answers as it did. */
#include "recommend_internal.h"

#include <math.h>
#include <string.h>

enum dylumo_status recommend_read_rank(const struct dylumo_query *query, bool *cosine,
                                       struct dylumo_error *err)
{
    const char *rank = DY_MEMBER(query, rank);
    *cosine = rank && !strcmp(rank, "cosine");
    if (rank && !*cosine && strcmp(rank, "mood") != 0)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "rank '%s' is not known; expected mood or cosine",
                       rank);
    if (*cosine && (DY_MEMBER(query, change_count) || DY_MEMBER(query, weight_count) ||
                    DY_MEMBER(query, variety) > 0 || DY_MEMBER(query, familiar) > 0 ||
                    DY_MEMBER(query, like_id)))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "ranking by cosine knows no changes of the mood, weights, variety, familiar "
                       "songs or songs to lean on");
    return DYLUMO_OK;
}

void recommend_scale_of(const struct dylumo *dylumo, double minimum[DYLUMO_FEATURE_COUNT],
                        double maximum[DYLUMO_FEATURE_COUNT])
{
    const double *scaler = dy_mood_info(dylumo->mood)->scaler;
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        struct dy_feature_stats stats = dy_songs_stats(dylumo->songs, (enum dylumo_feature)f);
        minimum[f] = scaler ? scaler[f] : stats.min;
        maximum[f] = scaler ? scaler[DYLUMO_FEATURE_COUNT + f] : stats.max;
    }
}

void recommend_cosine_aim(const struct dylumo *dylumo, const struct dy_mood *mood,
                          struct dy_cosine_query *target)
{
    bool scaled = dy_mood_info(dylumo->mood)->scaled;
    *target = (struct dy_cosine_query){0};
    recommend_scale_of(dylumo, target->minimum, target->maximum);
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        double span = target->maximum[f] - target->minimum[f];
        double value = (double)mood->features[f];
        if (!scaled) /* normal scores: through the catalogue's values */
            value = (dy_songs_raw_value(dylumo->songs, (enum dylumo_feature)f, value) -
                     target->minimum[f]) /
                    (span > 0 ? span : 1);
        target->target[f] = value;
    }
}

enum dylumo_status recommend_cosine_list(const struct dylumo *dylumo,
                                         struct dy_cosine_query *target,
                                         const struct dy_rank_rules *rules, struct dy_hit *hits,
                                         size_t *count, struct dylumo_error *err)
{
    struct dy_cosine_hit *found = dy_new_array(rules->k, sizeof *found);
    *count = 0;
    if (!found)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu songs", rules->k);
    target->k = rules->k;
    target->allowed = rules->allowed;
    target->per_artist = rules->per_artist;
    target->one_recording = rules->one_recording;
    target->without_season = rules->without_season;
    enum dylumo_status st = dy_songs_cosine(dylumo->songs, target, found, count, err);
    for (size_t i = 0; i < *count; i++)
        hits[i] = (struct dy_hit){found[i].song, 2 - 2 * found[i].cosine};
    dy_free(found);
    return st;
}

static unsigned largest(const double shares[DYLUMO_FEATURE_COUNT])
{
    unsigned best = 0;
    for (unsigned f = 1; f < DYLUMO_FEATURE_COUNT; f++)
        if (shares[f] > shares[best])
            best = f;
    return best;
}

double recommend_cosine_why(const struct dylumo *dylumo, const struct dy_cosine_query *target,
                            uint32_t song, char *why, size_t size)
{
    double shares[DYLUMO_FEATURE_COUNT];
    double cosine = dy_songs_cosine_of(dylumo->songs, target, song, shares);
    unsigned first = largest(shares);
    double most = shares[first];
    shares[first] = -1;
    unsigned second = largest(shares);
    snprintf(why, size, "cosine %.6f, of it %s %.0f %% and %s %.0f %%", cosine,
             dylumo_feature_info((enum dylumo_feature)first)->name, 100 * most / cosine,
             dylumo_feature_info((enum dylumo_feature)second)->name, 100 * shares[second] / cosine);
    return cosine;
}
