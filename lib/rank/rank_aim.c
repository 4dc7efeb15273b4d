/* From a mood to a target, and the knobs that people turn on the way. Every knob ends as a place or
 * a weight on some column, so that the search stays one exact search whatever was asked. */
#include "rank_internal.h"

#include <math.h>
#include <string.h>

/* Shares stay this far from 0 and 1: their normal scores would be infinite. */
#define SHARE_EDGE 0.0005

static double clamp(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

static double score_of_share(double share)
{
    return dy_normal_quantile(clamp(share, SHARE_EDGE, 1 - SHARE_EDGE));
}

/* A mood is taken as answers show it, in four digits, so that the numbers of an answer, asked for
 * without the picture, bring the same songs. */
static double shown_score(double score)
{
    return score_of_share(round(dy_normal_share(score) * 1e4) / 1e4);
}

/* ------------------------------------------------------------------ columns */

static void start_target(const struct dy_rank *rank, const struct dy_mood *mood,
                         struct dy_rank_target *target)
{
    memset(target, 0, sizeof *target);
    target->space.count = rank->features.count;
    target->space.axes = rank->axes;
    target->space.index = rank->tree;
    for (unsigned a = 0; a < rank->axes; a++) {
        target->space.columns[a] = rank->axis[a].column;
        target->places[a] = shown_score((double)mood->scores[a]);
        target->weights[a] = (double)rank->info->axis_weight[a];
        target->axes[a] = (struct dy_rank_axis){
            .name = rank->info->axis_names[a],
            .mood_axis = (int)a,
            .feature = -1,
            .error = (double)rank->info->axis_error[a],
            .asked = mood->asked,
        };
    }
}

/* What one axis more shall weigh: as much as the mood's axes do on average. */
static double usual_weight(const struct dy_rank *rank)
{
    double sum = 0;
    for (unsigned a = 0; a < rank->axes; a++)
        sum += (double)rank->info->axis_weight[a];
    return sum > 0 ? sum / rank->axes : 1;
}

static int feature_named(const char *name)
{
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        if (!strcmp(dylumo_feature_info((enum dylumo_feature)f)->name, name))
            return f;
    return -1;
}

/* The column of that name, a mood axis first; a feature becomes a column of its own when it is not
 * there yet. -1 when the name is neither or there is no room. */
static int column_named(const struct dy_rank *rank, const struct dy_mood *mood,
                        struct dy_rank_target *target, const char *name)
{
    for (unsigned j = 0; j < target->space.axes; j++)
        if (!strcmp(target->axes[j].name, name))
            return (int)j;
    int feature = feature_named(name);
    if (feature < 0 || target->space.axes == DY_SONGS_AXES_MAX)
        return -1;
    unsigned j = target->space.axes++;
    double r2 = clamp((double)rank->info->r2[feature], 0, 0.99);
    target->space.columns[j] = rank->features.columns[feature];
    target->places[j] = (double)mood->features[feature];
    target->axes[j] = (struct dy_rank_axis){
        .name = dylumo_feature_info((enum dylumo_feature)feature)->name,
        .mood_axis = -1,
        .feature = feature,
        .error = sqrt(1 - r2),
    };
    return (int)j;
}

static enum dylumo_status unknown_name(const char *name, struct dylumo_error *err)
{
    return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                   "'%s' is not known; expected valence, energy or another of the features: "
                   "danceability, key, loudness, mode, speechiness, acousticness, "
                   "instrumentalness, liveness, tempo, duration_ms, time_signature",
                   name ? name : "");
}

static void add_note(struct dy_rank_target *target, const char *format, ...) DY_PRINTF(2, 3);
static void add_note(struct dy_rank_target *target, const char *format, ...)
{
    size_t used = strlen(target->note);
    if (used && used + 2 < sizeof target->note) {
        memcpy(target->note + used, "; ", 3);
        used += 2;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(target->note + used, sizeof target->note - used, format, arguments);
    va_end(arguments);
}

/* ------------------------------------------------------------------ knobs */

static enum dylumo_status apply_change(const struct dy_rank *rank, const struct dy_mood *mood,
                                       const struct dylumo_change *change,
                                       struct dy_rank_target *target, struct dylumo_error *err)
{
    double low = change->relative ? -1 : 0;
    int j = change->name ? column_named(rank, mood, target, change->name) : -1;
    if (j < 0)
        return unknown_name(change->name, err);
    if (!(change->value >= low && change->value <= 1))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s %s%g is out of range; expected %g to 1",
                       change->name, change->relative ? "changed by " : "at ", change->value, low);
    double old = dy_normal_share(target->places[j]);
    double wanted = clamp(change->relative ? old + change->value : change->value, 0, 1);
    target->places[j] = score_of_share(wanted);
    target->axes[j].asked = true;
    if (target->weights[j] == 0)
        target->weights[j] = usual_weight(rank);
    if (mood->asked)
        add_note(target, "%s set to %.2f", change->name, wanted);
    else
        add_note(target, "%s set to %.2f (the picture says %.2f)", change->name, wanted, old);
    return DYLUMO_OK;
}

static enum dylumo_status apply_weight(const struct dy_rank *rank, const struct dy_mood *mood,
                                       const struct dylumo_weight *weight,
                                       struct dy_rank_target *target, struct dylumo_error *err)
{
    int j = weight->name ? column_named(rank, mood, target, weight->name) : -1;
    if (j < 0)
        return unknown_name(weight->name, err);
    if (!(weight->factor >= 0 && weight->factor <= 1000))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "the weight %g of %s is out of range; expected 0 to 1000", weight->factor,
                       weight->name);
    double base = target->weights[j] > 0 ? target->weights[j] : usual_weight(rank);
    bool counted = target->weights[j] > 0;
    target->weights[j] = weight->factor * base;
    if (weight->factor > 0)
        add_note(target, "%s counts %g times", weight->name, weight->factor);
    else
        add_note(target, counted ? "%s does not count" : "%s does not count (it never did)",
                 weight->name);
    return DYLUMO_OK;
}

/* Half way to the song on the mood's axes, and near it in what else makes its sound. */
static enum dylumo_status lean_on_song(const struct dy_rank *rank, const struct dy_mood *mood,
                                       const char *id, struct dy_rank_target *target,
                                       struct dylumo_error *err)
{
    static const enum dylumo_feature sound[] = {DYLUMO_DANCEABILITY, DYLUMO_SPEECHINESS,
                                                DYLUMO_ACOUSTICNESS, DYLUMO_INSTRUMENTALNESS,
                                                DYLUMO_TEMPO};
    size_t song;
    if (!dy_songs_find(rank->songs, id, strlen(id), &song))
        return dy_fail(err, DYLUMO_NOT_FOUND, "the catalogue holds no song with the id '%s'", id);
    for (unsigned a = 0; a < rank->axes; a++) {
        target->places[a] = (target->places[a] + (double)target->space.columns[a][song]) / 2;
        target->axes[a].asked = true;
    }
    for (size_t i = 0; i < DY_COUNT(sound); i++) {
        int j = column_named(rank, mood, target, dylumo_feature_info(sound[i])->name);
        if (j < (int)rank->axes)
            continue; /* a mood axis of that name has its place already */
        target->places[j] = (double)target->space.columns[j][song];
        target->axes[j].asked = true;
        target->weights[j] = usual_weight(rank) / 4;
    }
    struct dy_song leaned;
    dy_songs_read(rank->songs, song, &leaned);
    add_note(target, "leaning on %.*s by %.*s", (int)leaned.title.size, leaned.title.bytes,
             (int)leaned.artist.size, leaned.artist.bytes);
    return DYLUMO_OK;
}

/* The well-known drawn nearer: a column of popularity whose target lies at its upper end. */
static enum dylumo_status prefer_familiar(const struct dy_rank *rank, double familiar,
                                          struct dy_rank_target *target, struct dylumo_error *err)
{
    if (!(familiar >= 0 && familiar <= 1))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "familiar %g is out of range; expected 0 to 1",
                       familiar);
    if (familiar == 0)
        return DYLUMO_OK;
    if (target->space.axes == DY_SONGS_AXES_MAX)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "more than %d features are asked for",
                       DY_SONGS_AXES_MAX);
    const float *popularity = rank_popularity(rank);
    if (!popularity)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to rank popularity");
    unsigned j = target->space.axes++;
    target->space.columns[j] = popularity;
    target->places[j] = score_of_share(1);
    target->weights[j] = familiar * usual_weight(rank) / 4;
    target->axes[j] = (struct dy_rank_axis){"popularity", -1, -1, INFINITY, true};
    add_note(target, "well-known songs preferred");
    return DYLUMO_OK;
}

/* Variety acts on the list, not on the target; dy_rank_list refuses what is out of range. */
static void note_variety(double variety, struct dy_rank_target *target)
{
    if (variety > 0 && variety <= 1)
        add_note(target, "songs that differ from each other preferred");
}

static bool anything_counts(const struct dy_rank_target *target)
{
    for (unsigned j = 0; j < target->space.axes; j++)
        if (target->weights[j] > 0)
            return true;
    return false;
}

enum dylumo_status dy_rank_aim(const struct dy_rank *rank, const struct dy_mood *mood,
                               const struct dylumo_query *query, struct dy_rank_target *target,
                               struct dylumo_error *err)
{
    start_target(rank, mood, target);
    enum dylumo_status st = DYLUMO_OK;
    const char *like = DY_MEMBER(query, like_id);
    if (like)
        st = lean_on_song(rank, mood, like, target, err);
    for (size_t i = 0; !st && i < DY_MEMBER(query, change_count); i++)
        st = apply_change(rank, mood, &query->changes[i], target, err);
    for (size_t i = 0; !st && i < DY_MEMBER(query, weight_count); i++)
        st = apply_weight(rank, mood, &query->weights[i], target, err);
    if (!st)
        st = prefer_familiar(rank, DY_MEMBER(query, familiar), target, err);
    if (!st)
        note_variety(DY_MEMBER(query, variety), target);
    if (!st && !anything_counts(target))
        st = dy_fail(err, DYLUMO_BAD_ARGUMENT,
                     "every weight is zero; at least one feature must count");
    return st;
}
