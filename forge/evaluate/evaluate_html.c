/* The report as one page that opens offline: style and charts stand in it, nothing is fetched and
 * nothing runs. Pictures are put in only when asked: they may be private. */
#include "evaluate_charts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char style[] =
    "<style>\n"
    ":root{--ground:#faf9f6;--card:#fff;--ink:#1f2328;--soft:#6a6f76;--rule:#e4e1da;--first:#"
    "0b7285;"
    "--other:#a8a29a;--up:#e8a33d;--down:#5b7fb5;--chance:#c0392b}\n"
    "@media(prefers-color-scheme:dark){:root{--ground:#15171a;--card:#1d2024;--ink:#e8e6e1;"
    "--soft:#9aa0a8;--rule:#31353b;--first:#4fc3d9;--other:#6d7279;--up:#e0a64a;--down:#7fa3d8;"
    "--chance:#e57368}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;padding:2.2rem 1.4rem 4rem;max-width:76rem;background:var(--ground);"
    "color:var(--ink);font:16px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}\n"
    "h1{font-size:1.9rem;line-height:1.2;margin:0 0 .4rem;letter-spacing:-.01em}\n"
    "h2{font-size:1.25rem;margin:2.8rem 0 .3rem;letter-spacing:-.005em}\n"
    "h3{font-size:.98rem;margin:0 0 .6rem}h3 "
    "span{display:block;font-size:.85rem;font-weight:400;color:var(--soft)}\n"
    "p{max-width:46rem;margin:.2rem 0 1rem;color:var(--soft)}p strong{color:var(--ink)}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1.2rem;margin:1rem 0 0;"
    "font-size:.9rem}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\n"
    ".grid{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(min(21rem,100%),1fr)"
    ")}\n"
    ".four{grid-template-columns:repeat(auto-fill,minmax(min(17rem,100%),1fr))}\n"
    ".card{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:.9rem "
    "1rem}\n"
    "svg{display:block;width:100%;height:auto;overflow:visible}\n"
    "svg text{font-size:11px;fill:var(--ink)}svg .mark{font-size:9.5px;fill:var(--soft)}"
    "svg .axis{font-size:11px;fill:var(--soft)}svg .first{font-weight:650}\n"
    ".grid line,line.grid{stroke:var(--rule)}line.even{stroke:var(--chance);stroke-dasharray:3 3}\n"
    "line.range{stroke:var(--other);stroke-width:3;stroke-linecap:round}"
    "line.range.first{stroke:var(--first);stroke-opacity:.45;stroke-width:5}\n"
    "circle.dot{fill:var(--other)}circle.dot.first{fill:var(--first)}"
    "circle.point{fill:var(--first);fill-opacity:.38}\n"
    "path.trend{fill:none;stroke:var(--ink);stroke-width:2;stroke-linejoin:round}\n"
    "line.whisker{stroke:var(--soft)}line.median{stroke:var(--ink);stroke-width:2}"
    "rect.box{fill-opacity:.75;fill:var(--other)}rect.up{fill:var(--up)}rect.down{fill:var(--down)}"
    "\n"
    "rect.bar{fill:var(--other)}rect.bar.first{fill:var(--first)}rect.share{fill:var(--other);"
    "fill-opacity:.35}\n"
    ".wide{overflow-x:auto}table{border-collapse:collapse;font-size:.88rem;width:100%}\n"
    "th,td{padding:.32rem .7rem;text-align:right;white-space:nowrap;border-bottom:1px solid "
    "var(--rule);font-variant-numeric:tabular-nums}\n"
    "th{font-weight:600;color:var(--soft)}th:first-child,td:first-child{text-align:left}\n"
    "tr.first td{font-weight:650}td small{color:var(--soft);font-weight:400;margin-left:.35rem}\n"
    "details{margin:.9rem 0 0;font-size:.9rem}summary{cursor:pointer;color:var(--soft)}\n"
    ".heat{font-size:.76rem}.heat th,.heat td{padding:.42rem .1rem}.heat "
    "td{text-align:center}.heat td:first-child{text-align:left}\n"
    ".picture{display:flex;gap:.9rem;align-items:flex-start}.picture "
    "img{width:6.5rem;height:6.5rem;"
    "object-fit:cover;border-radius:6px;flex:none}\n"
    ".picture div{min-width:0;font-size:.88rem}.picture b{overflow-wrap:anywhere}"
    ".picture ul{margin:.3rem 0 0;padding-left:1.1rem;color:var(--soft)}\n"
    "@media print{body{max-width:none}.card{break-inside:avoid}}\n"
    "</style>\n";

static const char *set_name(const struct dy_fit_report *report, size_t set)
{
    return report->pictures->set_names[set];
}

/* ------------------------------------------------------------------ head */

static void head(const struct dy_fit_report *report, FILE *out)
{
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<title>How well the songs fit the pictures</title>\n",
          out);
    fputs(style, out);
    fputs(
        "</head><body>\n<h1>How well the songs fit the pictures</h1>\n"
        "<p>People said how pictures feel. Each picture was given songs. Do the songs feel alike? "
        "Every figure stands beside rankings that know nothing or little.</p>\n<dl>",
        out);
    for (size_t f = 0; f < report->fact_count; f++) {
        fputs("<dt>", out);
        chart_escape(out, report->facts[f].name);
        fputs("</dt><dd>", out);
        chart_escape(out, report->facts[f].text);
        fputs("</dd>", out);
    }
    fputs("</dl>\n", out);
}

/* ------------------------------------------------------------------ fits */

static void dots_card(const struct dy_fit_report *report, FILE *out, size_t c)
{
    const struct dy_fit_column *column = &report->table.columns[c];
    const char *names[64];
    struct dy_figure figures[64];
    size_t count = 0;
    for (size_t r = 0; r < report->table.row_count && count < DY_COUNT(names); r++) {
        if (report->rankings[r].parts[column->stage] == 0)
            continue;
        names[count] = report->rankings[r].name;
        figures[count++] = *figure_at(&report->table, r, c);
    }
    char text[FIGURE_TEXT];
    fputs("<div class=\"card\"><h3>", out);
    chart_escape(out, set_name(report, column->set));
    fprintf(out, ": %s <span>%s pictures</span></h3>", dy_fit_measure_name(column->measure),
            count_text(text, column->pictures));
    bool rated = column->measure < DY_FIT_POSITIVE;
    chart_dots(out, names, figures, count, rated ? -0.2 : 0.4, rated ? 0.9 : 1.0,
               rated ? 0.0 : 0.5);
    fputs("</div>\n", out);
}

static void figure_cell(FILE *out, const struct dy_figure *figure)
{
    char value[FIGURE_TEXT], low[FIGURE_TEXT], high[FIGURE_TEXT];
    fprintf(out, "<td>%s", figure_text(value, figure->value, 3));
    if (!isnan(figure->low))
        fprintf(out, "<small>%s to %s</small>", figure_text(low, figure->low, 2),
                figure_text(high, figure->high, 2));
    fputs("</td>", out);
}

static void fit_table(const struct dy_fit_report *report, FILE *out, enum dy_fit_stage stage,
                      size_t first, size_t columns)
{
    fputs("<details><summary>The same as a table</summary><div class=\"wide\"><table><tr><th></th>",
          out);
    for (size_t c = first; c < first + columns; c++) {
        fputs("<th>", out);
        chart_escape(out, set_name(report, report->table.columns[c].set));
        fprintf(out, "<br>%s</th>", dy_fit_measure_name(report->table.columns[c].measure));
    }
    fputs("</tr>", out);
    for (size_t r = 0; r < report->table.row_count; r++) {
        if (report->rankings[r].parts[stage] == 0)
            continue;
        fprintf(out, "<tr%s><td>", r ? "" : " class=\"first\"");
        chart_escape(out, report->rankings[r].name);
        fputs("</td>", out);
        for (size_t c = first; c < first + columns; c++)
            figure_cell(out, figure_at(&report->table, r, c));
        fputs("</tr>", out);
    }
    fputs("</table></div></details>\n", out);
}

static void fits(const struct dy_fit_report *report, FILE *out, enum dy_fit_stage stage)
{
    static const char *const about[DY_FIT_STAGES] = {
        ("Fits of valence and energy are rank correlations (Spearman): 1 is the same order, 0 "
         "none. "
         "The others are the chance that a picture of the one kind gets the happier, or livelier, "
         "songs than one of the other kind: .5 is chance (dashed). Bars: 95 % by drawing the "
         "pictures again."),
        ("Both sides are people's: their feeling about the picture and listeners' words for the "
         "song. No number of the catalogue stands between them. Part of the songs' artists each "
         "time; means over the parts."),
        ("What the mood says of the picture, held against people directly. The songs cannot do "
         "better than this for long."),
    };
    size_t first = 0, columns = stage_columns(&report->table, stage, &first);
    if (columns == 0)
        return;
    fprintf(out, "<h2>%s</h2>\n<p>%s</p>\n<div class=\"grid four\">\n", stage_title(stage),
            about[stage]);
    for (size_t c = first; c < first + columns; c++)
        dots_card(report, out, c);
    fputs("</div>\n", out);
    fit_table(report, out, stage, first, columns);
}

/* ------------------------------------------------------------------ pictures and their songs */

/* Ratings of one set with NaN for all other pictures. */
static bool rated_of_set(const struct dy_fit_pictures *pictures, size_t set, const double *rating,
                         double *x)
{
    size_t known = 0;
    for (size_t i = 0; i < pictures->count; i++) {
        x[i] = pictures->set[i] == set ? rating[i] : (double)NAN;
        known += isnan(x[i]) ? 0 : 1;
    }
    return known >= 8;
}

static enum dylumo_status scatter_card(const struct dy_fit_report *report, FILE *out, size_t set,
                                       bool energy, double *x, struct dylumo_error *err)
{
    const struct dy_fit_pictures *pictures = report->pictures;
    const struct dy_fit_scores *scores = &report->rankings[0].scores[DY_FIT_SONGS][0];
    if (!rated_of_set(pictures, set, energy ? pictures->arousal : pictures->valence, x))
        return DYLUMO_OK;
    struct chart_points points = {
        energy ? "people: arousal of the picture" : "people: valence of the picture",
        energy ? "songs: mean energy" : "songs: mean valence",
        x,
        energy ? scores->energy : scores->valence,
        pictures->count,
    };
    fputs("<div class=\"card\"><h3>", out);
    chart_escape(out, set_name(report, set));
    fprintf(out, ": %s</h3>", energy ? "arousal and energy" : "valence and valence");
    enum dylumo_status st = chart_scatter(out, &points, err);
    fputs("</div>\n", out);
    return st;
}

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void box_of(struct chart_box *box, double *values, size_t count)
{
    static const double shares[5] = {0.1, 0.25, 0.5, 0.75, 0.9};
    qsort(values, count, sizeof *values, compare_numbers);
    for (size_t i = 0; i < 5; i++)
        box->percentiles[i] = values[(size_t)(shares[i] * (double)(count - 1) + 0.5)];
}

static void boxes_card(const struct dy_fit_report *report, FILE *out, size_t set, bool energy,
                       double *values)
{
    const struct dy_fit_pictures *pictures = report->pictures;
    const struct dy_fit_scores *scores = &report->rankings[0].scores[DY_FIT_SONGS][0];
    const double *from = energy ? scores->energy : scores->valence;
    struct chart_box boxes[DY_FIT_DISGUST + 1];
    size_t box_count = 0;
    for (unsigned e = 0; e <= DY_FIT_DISGUST; e++) {
        size_t count = 0;
        for (size_t i = 0; i < pictures->count; i++)
            if (pictures->set[i] == set && pictures->emotion[i] == e && !isnan(from[i]))
                values[count++] = from[i];
        if (count < 3)
            continue;
        boxes[box_count].name = emotion_title((uint8_t)e);
        boxes[box_count].side = dy_fit_side(energy ? DY_FIT_LIVELY : DY_FIT_POSITIVE, (uint8_t)e);
        box_of(&boxes[box_count++], values, count);
    }
    if (box_count == 0)
        return;
    fputs("<div class=\"card\"><h3>", out);
    chart_escape(out, set_name(report, set));
    fprintf(out, ": songs' %s <span>%s</span></h3>", energy ? "energy" : "valence",
            energy ? "lively emotions in amber, calm in blue"
                   : "positive emotions in amber, negative in blue");
    chart_boxes(out, energy ? "mean energy of the songs" : "mean valence of the songs", boxes,
                box_count);
    fputs("</div>\n", out);
}

static enum dylumo_status pictures_and_songs(const struct dy_fit_report *report, FILE *out,
                                             struct dylumo_error *err)
{
    if (report->table.row_count == 0 || report->rankings[0].parts[DY_FIT_SONGS] == 0)
        return DYLUMO_OK;
    double *work = dy_new_array(report->pictures->count, sizeof *work);
    if (!work)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to draw the pictures");
    fputs(
        "<h2>Pictures and their songs</h2>\n<p>Each dot is a picture with people's rating and the "
        "mean of its songs; the line is the mean of ten groups. Boxes: the middle half of an "
        "emotion's pictures, the line across them 80 %.</p>\n<div class=\"grid\">\n",
        out);
    enum dylumo_status st = DYLUMO_OK;
    for (size_t set = 0; !st && set < report->pictures->set_count; set++) {
        st = scatter_card(report, out, set, false, work, err);
        if (!st)
            st = scatter_card(report, out, set, true, work, err);
        if (!st) {
            boxes_card(report, out, set, false, work);
            boxes_card(report, out, set, true, work);
        }
    }
    fputs("</div>\n", out);
    dy_free(work);
    return st;
}

/* ------------------------------------------------------------------ variety */

static void shows_card(const struct dy_fit_report *report, FILE *out, size_t r, size_t largest)
{
    const struct dy_variety *v = &report->variety[r];
    char text[FIGURE_TEXT];
    fputs("<div class=\"card\"><h3>", out);
    chart_escape(out, report->rankings[r].name);
    fprintf(out, " <span>%.0f %% different, one %s times</span></h3>",
            100.0 * (double)v->different / (double)v->shown,
            count_text(text, (size_t)(v->usual_most + 0.5)));
    chart_shows(out, v->histogram, largest, r == 0);
    fputs("</div>\n", out);
}

static void variety(const struct dy_fit_report *report, FILE *out)
{
    size_t largest = 1;
    if (!report->variety)
        return;
    for (size_t r = 0; r < report->table.row_count; r++)
        for (size_t b = 0; b < DY_SHOWS_BINS; b++)
            if (report->variety[r].histogram[b] > largest)
                largest = report->variety[r].histogram[b];
    fputs(
        "<h2>How varied the songs are</h2>\n<p>How many songs (bars, logarithmic) were shown once, "
        "twice, ... over all pictures. A recipe that falls back on the same few songs has bars on "
        "the right.</p>\n<div class=\"grid\">\n",
        out);
    for (size_t r = 0; r < report->table.row_count; r++)
        if (report->variety[r].shown)
            shows_card(report, out, r, largest);
    fputs("</div>\n", out);
}

/* ------------------------------------------------------------------ emotions and features */

static void heat_row(const struct dy_fit_emotions *e, FILE *out, uint8_t row)
{
    fprintf(out, "<tr><td>%s</td>", emotion_title(row));
    for (size_t c = 0; c < DYLUMO_EMOTION_COUNT; c++) {
        double share = e->confusion[row * DYLUMO_EMOTION_COUNT + c];
        char text[FIGURE_TEXT];
        fprintf(
            out,
            "<td style=\"background:color-mix(in srgb,var(--first) %.0f%%,transparent)\">%s</td>",
            isnan(share) ? 0.0 : 85.0 * share, figure_text(text, share, 2));
    }
    fputs("</tr>", out);
}

static void emotion_cards(const struct dy_fit_report *report, FILE *out, size_t set)
{
    const struct dy_fit_emotions *e = &report->emotions[set];
    char right[FIGURE_RANGE_TEXT], error[FIGURE_RANGE_TEXT];
    fputs("<div class=\"card\"><h3>", out);
    chart_escape(out, set_name(report, set));
    fprintf(out, ": reliability <span>calibration error %s</span></h3>",
            figure_range_text(error, &e->calibration));
    chart_reliability(out, &e->bins);
    fputs("</div>\n<div class=\"card\"><h3>", out);
    chart_escape(out, set_name(report, set));
    fprintf(out,
            ": what is taken for what <span>right %s</span></h3><div class=\"wide\">"
            "<table class=\"heat\"><tr><th></th>",
            figure_range_text(right, &e->accuracy));
    for (unsigned c = 0; c < DYLUMO_EMOTION_COUNT; c++)
        fprintf(out, "<th title=\"%s\">%.3s</th>", emotion_title((uint8_t)c),
                emotion_title((uint8_t)c));
    fputs("</tr>", out);
    for (unsigned row = 0; row < DYLUMO_EMOTION_COUNT; row++)
        heat_row(e, out, (uint8_t)row);
    fputs("</table></div></div>\n", out);
}

static void feature_errors(const struct dy_fit_report *report, FILE *out)
{
    fputs(
        "<div class=\"card\"><h3>How far off each feature is <span>mean absolute error, in normal "
        "scores and in its unit; always saying the middle has .80</span></h3>"
        "<div class=\"wide\"><table><tr><th></th><th>r2</th><th>error</th><th>in its "
        "unit</th></tr>",
        out);
    for (size_t f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        const struct dylumo_feature_info *info = dylumo_feature_info((enum dylumo_feature)f);
        char r2[FIGURE_TEXT], error[FIGURE_TEXT];
        fprintf(out, "<tr><td>%s</td><td>%s</td><td>%s</td><td>%.4g %s</td></tr>", info->name,
                figure_text(r2, report->features.r2[f], 3),
                figure_text(error, report->features.mae_score[f], 3), report->features.mae[f],
                info->unit);
    }
    fputs("</table></div></div>\n", out);
}

static void feature_card(const struct dy_fit_report *report, FILE *out)
{
    const char *names[DYLUMO_FEATURE_COUNT];
    char text[FIGURE_TEXT];
    for (size_t f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        names[f] = dylumo_feature_info((enum dylumo_feature)f)->name;
    fprintf(out,
            "<div class=\"card\"><h3>Share of each feature that a picture tells <span>r2 on %s "
            "held-out pairs</span></h3>",
            count_text(text, report->features.pairs));
    chart_bars(out, names, report->features.r2, DYLUMO_FEATURE_COUNT);
    fputs("</div>\n", out);
    feature_errors(report, out);
}

static void emotions_and_features(const struct dy_fit_report *report, FILE *out)
{
    bool any = report->features.pairs > 0;
    for (size_t s = 0; s < report->pictures->set_count; s++)
        any = any || report->emotions[s].pictures > 0;
    if (!any)
        return;
    fputs("<h2>What the mood knows</h2>\n<p>Emotions weigh the same, however many pictures each "
          "has. Rows of the matrix are what people said, columns what the mood takes it for; "
          "chance is .14. On the dashed line a probability means what it says.</p>\n"
          "<div class=\"grid\">\n",
          out);
    for (size_t s = 0; s < report->pictures->set_count; s++)
        if (report->emotions[s].pictures)
            emotion_cards(report, out, s);
    if (report->features.pairs)
        feature_card(report, out);
    fputs("</div>\n", out);
}

/* ------------------------------------------------------------------ examples */

/* The picture file itself as a data URI; nothing when it is large or cannot be read. */
static void thumbnail(FILE *out, const char *path)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t *bytes;
    size_t size;
    if (dy_read_file(&bytes, &size, path, 1 << 20, NULL))
        return;
    fputs("<img alt=\"\" src=\"data:;base64,", out);
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        unsigned block = (unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0u) |
                         (left > 2 ? (unsigned)bytes[i + 2] : 0u);
        fputc(digits[block >> 18], out);
        fputc(digits[block >> 12 & 63], out);
        fputc(left > 1 ? digits[block >> 6 & 63] : '=', out);
        fputc(left > 2 ? digits[block & 63] : '=', out);
    }
    fputs("\">", out);
    dy_free(bytes);
}

static void place_line(FILE *out, const char *what, const double place[2])
{
    if (place[0] < 0.0 && place[1] < 0.0)
        return;
    fprintf(out, "<br>%s: ", what);
    if (place[0] >= 0.0)
        fprintf(out, "happier than %.0f %%", 100.0 * place[0]);
    if (place[1] >= 0.0)
        fprintf(out, "%slivelier than %.0f %%", place[0] >= 0.0 ? ", " : "", 100.0 * place[1]);
}

static void example_card(const struct dy_fit_report *report, FILE *out,
                         const struct dy_fit_example *example)
{
    const char *path = report->pictures->names[example->picture];
    const char *slash = strrchr(path, '/');
    uint8_t emotion = report->pictures->emotion[example->picture];
    fputs("<div class=\"card picture\">", out);
    if (report->thumbnails)
        thumbnail(out, path);
    fputs("<div><b>", out);
    chart_escape(out, slash ? slash + 1 : path);
    fputs("</b>", out);
    if (emotion <= DY_FIT_DISGUST)
        fprintf(out, " <span>(%s)</span>", emotion_title(emotion));
    place_line(out, "people", example->place);
    place_line(out, "its songs", example->songs);
    fputs("<ul>", out);
    for (size_t s = 0; s < DY_FIT_LISTED_SONGS && example->titles[s]; s++) {
        fputs("<li>", out);
        chart_escape(out, example->titles[s]);
        fputs("</li>", out);
    }
    fputs("</ul></div></div>\n", out);
}

static void examples(const struct dy_fit_report *report, FILE *out)
{
    if (report->example_count == 0)
        return;
    fputs("<h2>Where it fits best</h2>\n<p>Pictures of strong feeling whose songs go the same way, "
          "each with its first songs. Shares are of its own set of pictures.</p>\n"
          "<div class=\"grid\">\n",
          out);
    for (size_t i = 0; i < report->example_count; i++)
        example_card(report, out, &report->best[i]);
    fputs("</div>\n<h2>Where it fails</h2>\n<p>Pictures of strong feeling whose songs go the other "
          "way.</p>\n<div class=\"grid\">\n",
          out);
    for (size_t i = 0; i < report->example_count; i++)
        example_card(report, out, &report->worst[i]);
    fputs("</div>\n", out);
}

static void foot(FILE *out)
{
    fputs(
        "<h2>What is not here</h2>\n<p>The share of songs \"of the same emotion\", where a song's "
        "emotion is a rule over its valence and energy, and the \"match\" of a song with the mood "
        "that chose it: both prove themselves. Nobody was asked whether they like the songs: "
        "this page tells whether picture and songs feel alike, not whether they please.</p>\n"
        "</body></html>\n",
        out);
}

enum dylumo_status dy_fit_report_html(const struct dy_fit_report *report, FILE *out,
                                      struct dylumo_error *err)
{
    head(report, out);
    for (unsigned stage = 0; stage < DY_FIT_STAGES; stage++)
        fits(report, out, (enum dy_fit_stage)stage);
    enum dylumo_status st = pictures_and_songs(report, out, err);
    if (st)
        return st;
    variety(report, out);
    emotions_and_features(report, out);
    examples(report, out);
    foot(out);
    return report_written(out, err);
}
