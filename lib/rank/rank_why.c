/* Why a song is in the list, from the terms of its score: for each feature, how much farther the
 * song would lie if it were the catalogue's average there. The features that would cost most are
 * named, with their place in the catalogue and the photo's place on the axis they act through. */
#include "rank_internal.h"

#include <math.h>
#include <string.h>

static double song_score(const struct dy_rank *rank, uint32_t song, int feature)
{
    return (double)rank->features.columns[feature][song];
}

/* The song's place in column j if its score in `feature` were 0. */
static double place_without(const struct dy_rank *rank, const struct dy_rank_target *target,
                            unsigned j, uint32_t song, int feature)
{
    const struct dy_rank_axis *axis = &target->axes[j];
    double place = (double)target->space.columns[j][song];
    if (axis->mood_axis < 0)
        return axis->feature == feature ? 0 : place;
    const float *direction = rank->info->axis_songs + axis->mood_axis * DYLUMO_FEATURE_COUNT;
    if (direction[feature] == 0)
        return place;
    double sum = 0;
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        if (direction[f] != 0 && f != feature)
            sum += (double)direction[f] * song_score(rank, song, f);
    return dy_rank_score(rank, (unsigned)axis->mood_axis, sum);
}

static double term(const struct dy_rank_target *target, unsigned j, double place)
{
    double t = target->places[j] - place;
    return target->weights[j] > 0 ? target->weights[j] * (t * t) : 0;
}

double dy_rank_distance_without(const struct dy_rank *rank, const struct dy_rank_target *target,
                                uint32_t song, enum dylumo_feature feature)
{
    double sum = 0;
    for (unsigned j = 0; j < target->space.axes; j++)
        sum += term(target, j, place_without(rank, target, j, song, (int)feature));
    return sum;
}

/* What losing the feature costs in all, and the axis that feels it most. */
static struct dy_rank_reason reason_of(const struct dy_rank *rank,
                                       const struct dy_rank_target *target, uint32_t song,
                                       int feature)
{
    struct dy_rank_reason reason = {(enum dylumo_feature)feature, 0, 0};
    double most = 0;
    for (unsigned j = 0; j < target->space.axes; j++) {
        double loss = term(target, j, place_without(rank, target, j, song, feature)) -
                      term(target, j, (double)target->space.columns[j][song]);
        reason.loss += loss;
        if (loss > most) {
            most = loss;
            reason.axis = j;
        }
    }
    return reason;
}

size_t dy_rank_reasons(const struct dy_rank *rank, const struct dy_rank_target *target,
                       uint32_t song, struct dy_rank_reason reasons[2])
{
    struct dy_rank_reason best = {0}, second = {0}, all[DYLUMO_FEATURE_COUNT];
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        all[f] = reason_of(rank, target, song, f);
        if (all[f].loss > best.loss)
            best = all[f];
    }
    if (!(best.loss > 0))
        return 0;
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        if (all[f].axis != best.axis && all[f].loss > second.loss)
            second = all[f];
    reasons[0] = best;
    reasons[1] = second;
    return second.loss > best.loss / 20 ? 2 : 1;
}

/* ------------------------------------------------------------------ words */

static const struct {
    const char *more, *less;
} words[DYLUMO_FEATURE_COUNT] = {
    [DYLUMO_DANCEABILITY] = {"more danceable", "less danceable"},
    [DYLUMO_ENERGY] = {"livelier", "calmer"},
    [DYLUMO_KEY] = {"higher in key", "lower in key"},
    [DYLUMO_LOUDNESS] = {"louder", "softer"},
    [DYLUMO_MODE] = {"more major", "more minor"},
    [DYLUMO_SPEECHINESS] = {"wordier", "less wordy"},
    [DYLUMO_ACOUSTICNESS] = {"more acoustic", "less acoustic"},
    [DYLUMO_INSTRUMENTALNESS] = {"more instrumental", "more sung"},
    [DYLUMO_LIVENESS] = {"more like a concert", "more like a studio"},
    [DYLUMO_VALENCE] = {"happier", "sadder"},
    [DYLUMO_TEMPO] = {"faster", "slower"},
    [DYLUMO_DURATION_MS] = {"longer", "shorter"},
    [DYLUMO_TIME_SIGNATURE] = {"with more beats a bar", "with fewer beats a bar"},
};

/* Whether more of the feature means less on the axis. */
static bool runs_against(const struct dy_rank *rank, const struct dy_rank_axis *axis, int feature)
{
    return axis->mood_axis >= 0 &&
           rank->info->axis_songs[axis->mood_axis * DYLUMO_FEATURE_COUNT + feature] < 0;
}

/* Whole per cent that are never all or none: a song is no happier than itself. */
static double percent(double share)
{
    return fmin(99, fmax(1, round(100 * share)));
}

/* The feature that an axis is called by; -1 for another word. */
static int feature_named(const char *name)
{
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        if (!strcmp(dylumo_feature_info((enum dylumo_feature)f)->name, name))
            return f;
    return -1;
}

/* Where the photo lies on the axis: "76 %", counted from the song's side, when the axis is called
 * by the feature itself (or by none); else in the axis's own word, "happier than 70 %". */
static int write_place(const struct dy_rank *rank, const struct dy_rank_target *target,
                       const struct dy_rank_reason *reason, bool more, char *text, size_t size)
{
    const struct dy_rank_axis *axis = &target->axes[reason->axis];
    const char *who = axis->asked ? "asked" : "photo";
    double share = dy_normal_share(target->places[reason->axis]);
    int named = feature_named(axis->name);
    if (named >= 0 && named != (int)reason->feature)
        return snprintf(text, size, " (%s: %s than %.0f %%)", who,
                        share >= 0.5 ? words[named].more : words[named].less,
                        percent(fmax(share, 1 - share)));
    bool against = runs_against(rank, axis, (int)reason->feature);
    return snprintf(text, size, " (%s: %.0f %%)", who,
                    percent(more != against ? share : 1 - share));
}

/* "happier than 92 % of songs (photo: 90 %)", counted from the side the song is on, or, where it is
 * near by another feature than the axis is called by, "faster than 92 % of songs (photo: happier
 * than 70 %)". */
static int write_reason(const struct dy_rank *rank, const struct dy_rank_target *target,
                        uint32_t song, const struct dy_rank_reason *reason, bool first, char *text,
                        size_t size)
{
    double share = dy_normal_share(song_score(rank, song, (int)reason->feature));
    bool more = share >= 0.5;
    char place[64];
    write_place(rank, target, reason, more, place, sizeof place);
    return snprintf(text, size, "%s%s than %.0f %%%s%s", first ? "" : ", ",
                    more ? words[reason->feature].more : words[reason->feature].less,
                    percent(more ? share : 1 - share), first ? " of songs" : "", place);
}

void dy_rank_why(const struct dy_rank *rank, const struct dy_rank_target *target, uint32_t song,
                 char *text, size_t size)
{
    struct dy_rank_reason reasons[2];
    size_t count = dy_rank_reasons(rank, target, song, reasons);
    if (count == 0) {
        snprintf(text, size, "in the middle of the catalogue, like the photo's mood");
        return;
    }
    int used = write_reason(rank, target, song, &reasons[0], true, text, size);
    if (count == 2 && used > 0 && (size_t)used < size)
        write_reason(rank, target, song, &reasons[1], false, text + used, size - (size_t)used);
}
