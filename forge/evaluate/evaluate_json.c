/* The report as one JSON object. Figures are [value, low, high], their interval 95 % of the
 * bootstrap; what there is none of is null. */
#include "evaluate_report.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* Jansson would refuse NaN. Six digits say more than any figure here knows. */
static json_t *number(double value)
{
    return isnan(value) ? json_null() : json_real(value);
}

static json_t *figure(const struct dy_figure *f)
{
    return json_pack("[o,o,o]", number(f->value), number(f->low), number(f->high));
}

static json_t *facts(const struct dy_fit_report *report)
{
    json_t *object = json_object();
    for (size_t f = 0; f < report->fact_count; f++)
        json_object_set_new(object, report->facts[f].name, json_string(report->facts[f].text));
    return object;
}

static json_t *fits(const struct dy_fit_report *report, size_t row)
{
    const struct dy_fit_table *table = &report->table;
    json_t *array = json_array();
    for (size_t c = 0; c < table->column_count; c++) {
        const struct dy_fit_column *column = &table->columns[c];
        if (report->rankings[row].parts[column->stage] == 0)
            continue;
        const struct dy_figure *ahead = &table->ahead[row * table->column_count + c];
        json_array_append_new(
            array,
            json_pack("{s:s, s:s, s:s, s:I, s:o, s:o}", "against", dy_fit_stage_name(column->stage),
                      "pictures", report->pictures->set_names[column->set], "measure",
                      dy_fit_measure_name(column->measure), "count", (json_int_t)column->pictures,
                      "figure", figure(figure_at(table, row, c)), "first_is_ahead_by",
                      row ? figure(ahead) : json_null()));
    }
    return array;
}

static json_t *variety(const struct dy_variety *v)
{
    json_t *shows = json_object();
    for (size_t b = 0; b < DY_SHOWS_BINS; b++)
        json_object_set_new(shows, dy_variety_bin_name(b),
                            json_integer((json_int_t)v->histogram[b]));
    return json_pack("{s:I, s:I, s:o, s:I, s:o, s:I, s:o, s:o}", "shown", (json_int_t)v->shown,
                     "different", (json_int_t)v->different, "share",
                     number(v->shown ? (double)v->different / (double)v->shown : (double)NAN),
                     "most", (json_int_t)v->most, "usual_most", number(v->usual_most), "artists",
                     (json_int_t)v->different_artists, "artists_in_an_answer", number(v->artists),
                     "songs_by_times_shown", shows);
}

static json_t *rankings(const struct dy_fit_report *report)
{
    json_t *array = json_array();
    for (size_t r = 0; r < report->table.row_count; r++) {
        json_t *ranking =
            json_pack("{s:s, s:o}", "name", report->rankings[r].name, "fits", fits(report, r));
        if (report->variety && report->variety[r].shown)
            json_object_set_new(ranking, "variety", variety(&report->variety[r]));
        json_array_append_new(array, ranking);
    }
    return array;
}

static json_t *numbers(const double *values, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, number(values[i]));
    return array;
}

static json_t *emotions(const struct dy_fit_report *report)
{
    json_t *array = json_array();
    for (size_t s = 0; s < report->pictures->set_count; s++) {
        const struct dy_fit_emotions *e = &report->emotions[s];
        if (e->pictures == 0)
            continue;
        json_t *confusion = json_object();
        for (unsigned row = 0; row < DYLUMO_EMOTION_COUNT; row++)
            json_object_set_new(
                confusion, emotion_title((uint8_t)row),
                numbers(e->confusion + row * DYLUMO_EMOTION_COUNT, DYLUMO_EMOTION_COUNT));
        json_array_append_new(
            array,
            json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "pictures",
                      report->pictures->set_names[s], "count", (json_int_t)e->pictures, "right",
                      figure(&e->accuracy), "calibration_error", figure(&e->calibration),
                      "class_calibration_error", number(e->class_calibration), "bin_share",
                      numbers(e->bins.weight, DY_CALIBRATION_BINS), "bin_confidence",
                      numbers(e->bins.confidence, DY_CALIBRATION_BINS), "bin_right",
                      numbers(e->bins.right, DY_CALIBRATION_BINS), "confusion", confusion));
    }
    return array;
}

static json_t *features(const struct dy_fit_report *report)
{
    json_t *object = json_object();
    for (size_t f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        json_object_set_new(object, dylumo_feature_info((enum dylumo_feature)f)->name,
                            json_pack("{s:o, s:o, s:o}", "r2", number(report->features.r2[f]),
                                      "mean_error_score", number(report->features.mae_score[f]),
                                      "mean_error", number(report->features.mae[f])));
    return json_pack("{s:I, s:o}", "pairs", (json_int_t)report->features.pairs, "features", object);
}

/* A path as text, whatever its bytes. */
static json_t *path_text(const char *path)
{
    char *clean = dy_text_clean(path, strlen(path), NULL);
    json_t *text = json_string(clean ? clean : "");
    dy_free(clean);
    return text;
}

static json_t *examples(const struct dy_fit_report *report, const struct dy_fit_example *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < report->example_count; i++) {
        json_t *songs = json_array();
        for (size_t s = 0; s < DY_FIT_LISTED_SONGS && list[i].titles[s]; s++)
            json_array_append_new(songs, json_string(list[i].titles[s]));
        json_array_append_new(array, json_pack("{s:o, s:o, s:o}", "picture",
                                               path_text(report->pictures->names[list[i].picture]),
                                               "gain", number(list[i].gain), "songs", songs));
    }
    return array;
}

enum dylumo_status dy_fit_report_json(const struct dy_fit_report *report, FILE *out,
                                      struct dylumo_error *err)
{
    json_t *root =
        json_pack("{s:o, s:o, s:o, s:o, s:o}", "facts", facts(report), "rankings", rankings(report),
                  "emotions", emotions(report), "best", examples(report, report->best), "worst",
                  examples(report, report->worst));
    if (root && report->features.pairs)
        json_object_set_new(root, "pairs", features(report));
    if (!root)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the report as JSON");
    json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    fputc('\n', out);
    json_decref(root);
    return report_written(out, err);
}
