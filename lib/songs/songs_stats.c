/* Values and normal scores, by the file's quantile tables: knots in rising order of value, straight
 * lines between. The search stays inside the table whatever it holds; a damaged table gives a wrong
 * number. */
#include "songs.h"

#include <math.h>

struct dy_feature_stats dy_songs_stats(const struct dy_songs *songs, enum dylumo_feature feature)
{
    return songs->file.stats[feature];
}

/* The last knot from which on the table is above x: values are looked at for by_value, else scores.
 * 0 when x lies below all. */
static size_t knots_up_to(const struct dy_knot *knots, size_t count, double x, bool by_value)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((by_value ? knots[middle].value : knots[middle].score) <= x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static double between(double x, double x0, double x1, double y0, double y1)
{
    return x1 > x0 ? y0 + (y1 - y0) * ((x - x0) / (x1 - x0)) : y0;
}

double dy_songs_normal_score(const struct dy_songs *songs, enum dylumo_feature feature,
                             double value)
{
    const struct dy_knot *knots = songs->file.knots[feature];
    size_t count = songs->file.knot_count[feature];
    if (isnan(value))
        return value;
    size_t above = knots_up_to(knots, count, value, true);
    if (above == 0)
        return knots[0].score;
    if (above == count)
        return knots[count - 1].score;
    const struct dy_knot *from = &knots[above - 1], *to = &knots[above];
    return between(value, from->value, to->value, from->score, to->score);
}

double dy_songs_raw_value(const struct dy_songs *songs, enum dylumo_feature feature, double score)
{
    const struct dy_knot *knots = songs->file.knots[feature];
    size_t count = songs->file.knot_count[feature];
    if (isnan(score))
        return score;
    size_t above = knots_up_to(knots, count, score, false);
    double value;
    if (above == 0) {
        value = knots[0].value;
    } else if (above == count) {
        value = knots[count - 1].value;
    } else {
        const struct dy_knot *from = &knots[above - 1], *to = &knots[above];
        value = between(score, from->score, to->score, from->value, to->value);
    }
    return dylumo_feature_info(feature)->whole ? round(value) : value;
}
