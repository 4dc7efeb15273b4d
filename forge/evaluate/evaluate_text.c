/* The report as a table for people: one block a stage, one line a ranking. */
#include "evaluate_report.h"

#include <math.h>
#include <string.h>

#define NAME_WIDTH 22
#define CELL_WIDTH 20

/* Text at the left of a field, by columns of the terminal. */
static void left(FILE *out, const char *text, size_t width)
{
    size_t columns = dy_text_columns(text, strlen(text));
    fprintf(out, "%s%*s", text, columns < width ? (int)(width - columns) : 0, "");
}

static void block_heading(const struct dy_fit_report *report, FILE *out, size_t first,
                          size_t columns)
{
    left(out, "", NAME_WIDTH);
    for (size_t c = first; c < first + columns; c++) {
        size_t set = report->table.columns[c].set;
        bool named = c == first || report->table.columns[c - 1].set != set;
        left(out, named ? report->pictures->set_names[set] : "", CELL_WIDTH + 2);
    }
    fputc('\n', out);
    left(out, "", NAME_WIDTH);
    for (size_t c = first; c < first + columns; c++)
        left(out, dy_fit_measure_name(report->table.columns[c].measure), CELL_WIDTH + 2);
    fputc('\n', out);
    left(out, "  pictures", NAME_WIDTH);
    for (size_t c = first; c < first + columns; c++) {
        char text[FIGURE_TEXT];
        left(out, count_text(text, report->table.columns[c].pictures), CELL_WIDTH + 2);
    }
    fputc('\n', out);
}

static void block(const struct dy_fit_report *report, FILE *out, enum dy_fit_stage stage)
{
    size_t first = 0, columns = stage_columns(&report->table, stage, &first);
    if (columns == 0)
        return;
    fprintf(out, "\n%s\n", stage_title(stage));
    block_heading(report, out, first, columns);
    for (size_t r = 0; r < report->table.row_count; r++) {
        if (report->rankings[r].parts[stage] == 0)
            continue;
        left(out, report->rankings[r].name, NAME_WIDTH);
        for (size_t c = first; c < first + columns; c++) {
            char text[FIGURE_RANGE_TEXT];
            left(out, figure_range_text(text, figure_at(&report->table, r, c)), CELL_WIDTH + 2);
        }
        fputc('\n', out);
    }
}

static void variety(const struct dy_fit_report *report, FILE *out)
{
    static const char *const heads[] = {"songs shown", "different", "share",
                                        "one at most", "artists",   "an answer"};
    if (!report->variety)
        return;
    fputs("\nHow varied the songs are", out);
    if (report->variety_draws > 1)
        fprintf(out, " (means of %zu draws of %zu pictures)", report->variety_draws,
                report->variety_pictures);
    fputc('\n', out);
    left(out, "", NAME_WIDTH);
    for (size_t i = 0; i < DY_COUNT(heads); i++)
        left(out, heads[i], 13);
    fputc('\n', out);
    for (size_t r = 0; r < report->table.row_count; r++) {
        const struct dy_variety *v = &report->variety[r];
        char text[FIGURE_TEXT];
        if (v->shown == 0)
            continue;
        left(out, report->rankings[r].name, NAME_WIDTH);
        left(out, count_text(text, v->shown), 13);
        left(out, count_text(text, v->different), 13);
        left(out, figure_text(text, (double)v->different / (double)v->shown, 3), 13);
        left(out, count_text(text, (size_t)(v->usual_most + 0.5)), 13);
        left(out, count_text(text, v->different_artists), 13);
        left(out, figure_text(text, v->artists, 3), 13);
        fputc('\n', out);
    }
}

static void confusion(const struct dy_fit_emotions *emotions, FILE *out)
{
    left(out, "  what it is", NAME_WIDTH);
    for (unsigned c = 0; c < DYLUMO_EMOTION_COUNT; c++)
        left(out, emotion_title((uint8_t)c), 13);
    fputc('\n', out);
    for (unsigned row = 0; row < DYLUMO_EMOTION_COUNT; row++) {
        fputs("  ", out);
        left(out, emotion_title((uint8_t)row), NAME_WIDTH - 2);
        for (size_t c = 0; c < DYLUMO_EMOTION_COUNT; c++) {
            char text[FIGURE_TEXT];
            left(out, figure_text(text, emotions->confusion[row * DYLUMO_EMOTION_COUNT + c], 2),
                 13);
        }
        fputc('\n', out);
    }
}

static void emotions(const struct dy_fit_report *report, FILE *out)
{
    for (size_t s = 0; s < report->pictures->set_count; s++) {
        const struct dy_fit_emotions *e = &report->emotions[s];
        char text[FIGURE_RANGE_TEXT];
        if (e->pictures == 0)
            continue;
        fprintf(out, "\nEmotions of %s: %s pictures, equal shares of the emotions\n",
                report->pictures->set_names[s], count_text(text, e->pictures));
        left(out, "  right", NAME_WIDTH);
        fprintf(out, "%s\n", figure_range_text(text, &e->accuracy));
        left(out, "  calibration error", NAME_WIDTH);
        fprintf(out, "%s", figure_range_text(text, &e->calibration));
        fprintf(out, "   (mean of the seven emotions' own: %s)\n",
                figure_text(text, e->class_calibration, 3));
        confusion(e, out);
    }
}

static void features(const struct dy_fit_report *report, FILE *out)
{
    char text[FIGURE_TEXT];
    if (report->features.pairs == 0)
        return;
    fprintf(out, "\nFeatures on %s held-out pairs of picture and song\n",
            count_text(text, report->features.pairs));
    left(out, "", NAME_WIDTH);
    left(out, "r2", 13);
    left(out, "mean error", 13);
    fputs("in its unit\n", out);
    for (size_t f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        const struct dylumo_feature_info *info = dylumo_feature_info((enum dylumo_feature)f);
        fputs("  ", out);
        left(out, info->name, NAME_WIDTH - 2);
        left(out, figure_text(text, report->features.r2[f], 3), 13);
        left(out, figure_text(text, report->features.mae_score[f], 3), 13);
        fprintf(out, "%.4g %s\n", report->features.mae[f], info->unit);
    }
}

bool dy_fit_beats(const struct dy_fit_report *report, size_t row, size_t *ahead, size_t *of)
{
    size_t sure = 0, columns = 0;
    for (size_t c = 0; c < report->table.column_count; c++) {
        enum dy_fit_stage stage = report->table.columns[c].stage;
        if (stage == DY_FIT_MOOD || report->rankings[row].parts[stage] == 0)
            continue;
        columns++;
        sure += report->table.ahead[row * report->table.column_count + c].low > 0.0;
    }
    if (ahead)
        *ahead = sure;
    if (of)
        *of = columns;
    return columns > 0 && sure == columns;
}

/* Says plainly where the first ranking is not ahead. */
static void verdict(const struct dy_fit_report *report, FILE *out)
{
    fputc('\n', out);
    for (size_t r = 1; r < report->table.row_count; r++) {
        size_t of = 0, sure = 0;
        bool all = dy_fit_beats(report, r, &sure, &of);
        if (of == 0)
            continue;
        fprintf(out, "%s %s %s: ahead beyond chance in %zu of %zu columns\n",
                report->rankings[0].name, all ? "beats" : "does not beat", report->rankings[r].name,
                sure, of);
    }
}

enum dylumo_status dy_fit_report_text(const struct dy_fit_report *report, FILE *out,
                                      struct dylumo_error *err)
{
    for (size_t f = 0; f < report->fact_count; f++) {
        left(out, report->facts[f].name, NAME_WIDTH);
        fprintf(out, "%s\n", report->facts[f].text);
    }
    for (unsigned stage = 0; stage < DY_FIT_STAGES; stage++)
        block(report, out, (enum dy_fit_stage)stage);
    variety(report, out);
    emotions(report, out);
    features(report, out);
    verdict(report, out);
    return report_written(out, err);
}
