/* How well the 13 features of a picture's song are foretold, on pairs that were held out: error and
 * share of variance in normal scores, where all features are alike, and error in each one's unit.
 */
#include "dy_songs.h"
#include "evaluate_report.h"

/* One feature over the pairs; scratch [4][pairs]. */
static void measure(struct dy_fit_features *out, enum dylumo_feature feature,
                    const struct dy_songs *songs, const uint32_t *song, const float *predicted,
                    double *scratch)
{
    size_t n = out->pairs;
    double *score = scratch, *foretold = score + n, *value = foretold + n,
           *foretold_value = value + n;
    const float *column = dy_songs_space(songs).columns[feature];
    for (size_t i = 0; i < n; i++) {
        score[i] = (double)column[song[i]];
        foretold[i] = (double)predicted[i * DYLUMO_FEATURE_COUNT + feature];
        value[i] = dy_songs_feature(songs, song[i], feature);
        foretold_value[i] = dy_songs_raw_value(songs, feature, foretold[i]);
    }
    out->r2[feature] = dy_measure_r2(score, foretold, n);
    out->mae_score[feature] = dy_measure_mae(score, foretold, n);
    out->mae[feature] = dy_measure_mae(value, foretold_value, n);
}

enum dylumo_status dy_fit_features_fill(struct dy_fit_features *out, const struct dy_songs *songs,
                                        const uint32_t *song, const float *predicted, size_t pairs,
                                        struct dylumo_error *err)
{
    double *scratch = dy_new_array(4 * pairs + 1, sizeof *scratch);
    if (!scratch)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu pairs", pairs);
    out->pairs = pairs;
    for (unsigned f = 0; pairs && f < DYLUMO_FEATURE_COUNT; f++)
        measure(out, (enum dylumo_feature)f, songs, song, predicted, scratch);
    dy_free(scratch);
    return DYLUMO_OK;
}
