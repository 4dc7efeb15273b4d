/* The report's charts. Each is a small drawing with a fixed frame of user units that the page
 * scales as it likes; numbers are printed with one decimal, which is finer than any screen shows.
 */
#include "evaluate_charts.h"

#include <math.h>
#include <stdlib.h>

void chart_escape(FILE *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(*text, out);
        }
}

/* ------------------------------------------------------------------ pieces */

static void begin(FILE *out, double width, double height, const char *what)
{
    fprintf(out, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", width, height);
    chart_escape(out, what);
    fputs("\">", out);
}

static void end(FILE *out)
{
    fputs("</svg>\n", out);
}

static void line(FILE *out, const char *class, double x1, double y1, double x2, double y2)
{
    fprintf(out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", class, x1,
            y1, x2, y2);
}

static void rectangle(FILE *out, const char *class, double x, double y, double width, double height)
{
    fprintf(out,
            "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2\"/>",
            class, x, y, width, height);
}

/* anchor: start, middle or end. */
static void label(FILE *out, const char *class, const char *anchor, double x, double y,
                  const char *text)
{
    fprintf(out, "<text class=\"%s\" text-anchor=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, anchor, x,
            y);
    chart_escape(out, text);
    fputs("</text>", out);
}

static void label_number(FILE *out, const char *class, const char *anchor, double x, double y,
                         double value, int digits)
{
    char text[FIGURE_TEXT];
    label(out, class, anchor, x, y, figure_text(text, value, digits));
}

/* A scale from values to user units. */
struct scale {
    double low, high, from, to;
};

static double at(const struct scale *s, double value)
{
    return s->from + (value - s->low) / (s->high - s->low) * (s->to - s->from);
}

/* The step 1, 2 or 5 times a power of ten that gives about five marks. */
static double step_of(double low, double high)
{
    double rough = (high - low) / 5.0, power = pow(10.0, floor(log10(rough)));
    double lead = rough / power;
    return power * (lead < 1.5 ? 1.0 : lead < 3.5 ? 2.0 : lead < 7.5 ? 5.0 : 10.0);
}

static int digits_of(double step)
{
    return step >= 1.0 ? 0 : step >= 0.1 ? 1 : 2;
}

static void marks_below(FILE *out, const struct scale *x, double top, double bottom)
{
    double step = step_of(x->low, x->high);
    if (x->to - x->from < 200.0) /* a narrow one has no room for that many */
        step *= 2.0;
    long last = lround(floor(x->high / step + 1e-9));
    for (long mark = lround(ceil(x->low / step - 1e-9)); mark <= last; mark++) {
        double v = (double)mark * step;
        line(out, "grid", at(x, v), top, at(x, v), bottom);
        label_number(out, "mark", "middle", at(x, v), bottom + 13, v, digits_of(step));
    }
}

static void marks_left(FILE *out, const struct scale *y, double left, double right)
{
    double step = step_of(y->low, y->high);
    long last = lround(floor(y->high / step + 1e-9));
    for (long mark = lround(ceil(y->low / step - 1e-9)); mark <= last; mark++) {
        double v = (double)mark * step;
        line(out, "grid", left, at(y, v), right, at(y, v));
        label_number(out, "mark", "end", left - 5, at(y, v) + 4, v, digits_of(step));
    }
}

/* ------------------------------------------------------------------ dots */

void chart_dots(FILE *out, const char *const *names, const struct dy_figure *figures, size_t count,
                double low, double high, double even)
{
    const double left = 88, width = 272, row = 20;
    double bottom = 6 + row * (double)count;
    struct scale x = {low, high, left, width - 38};
    begin(out, width, bottom + 20, "each ranking's figure with its interval");
    marks_below(out, &x, 4, bottom);
    line(out, "even", at(&x, even), 4, at(&x, even), bottom);
    for (size_t i = 0; i < count; i++) {
        double y = 6 + row * ((double)i + 0.5);
        const struct dy_figure *f = &figures[i];
        label(out, i ? "name" : "name first", "end", left - 8, y + 4, names[i]);
        label_number(out, i ? "value" : "value first", "end", width - 4, y + 4, f->value, 3);
        if (isnan(f->value))
            continue;
        if (!isnan(f->low))
            line(out, i ? "range" : "range first", at(&x, fmax(low, f->low)), y,
                 at(&x, fmin(high, f->high)), y);
        fprintf(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%s\"/>",
                i ? "dot" : "dot first", at(&x, fmin(high, fmax(low, f->value))), y, i ? "4" : "5");
    }
    end(out);
}

/* ------------------------------------------------------------------ scatter */

static void span(const double *values, size_t count, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i])) {
            *low = fmin(*low, values[i]);
            *high = fmax(*high, values[i]);
        }
    if (!(*low < *high)) {
        *low = isfinite(*low) ? *low - 0.5 : 0.0;
        *high = *low + 1.0;
    }
    double air = 0.04 * (*high - *low);
    *low -= air;
    *high += air;
}

/* Mean of y in ten groups of equal size along x, as a line with dots. */
static void trend(FILE *out, const struct chart_points *points, const uint32_t *order, size_t known,
                  const struct scale *x, const struct scale *y)
{
    const size_t groups = 10;
    if (known < 5 * groups)
        return;
    fputs("<path class=\"trend\" d=\"", out);
    for (size_t g = 0; g < groups; g++) {
        size_t first = g * known / groups, last = (g + 1) * known / groups;
        double sum_x = 0.0, sum_y = 0.0, size = (double)(last - first);
        for (size_t i = first; i < last; i++) {
            sum_x += points->x[order[i]];
            sum_y += points->y[order[i]];
        }
        fprintf(out, "%c%.1f %.1f", g ? 'L' : 'M', at(x, sum_x / size), at(y, sum_y / size));
    }
    fputs("\"/>", out);
}

enum dylumo_status chart_scatter(FILE *out, const struct chart_points *points,
                                 struct dylumo_error *err)
{
    const double left = 44, right = 396, top = 8, bottom = 296;
    uint32_t *order = dy_new_array(points->count, sizeof *order);
    if (!order)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to draw %zu pictures", points->count);
    double low, high;
    span(points->x, points->count, &low, &high);
    struct scale x = {low, high, left, right};
    span(points->y, points->count, &low, &high);
    struct scale y = {low, high, bottom, top};
    begin(out, 404, 336, points->y_name);
    marks_below(out, &x, top, bottom);
    marks_left(out, &y, left, right);
    size_t known = 0;
    dy_sorted_of(points->x, points->count, order);
    for (size_t i = 0; i < points->count; i++) {
        uint32_t item = order[i];
        if (isnan(points->x[item]) || isnan(points->y[item]))
            continue;
        fprintf(out, "<circle class=\"point\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\"/>",
                at(&x, points->x[item]), at(&y, points->y[item]));
        order[known++] = item;
    }
    trend(out, points, order, known, &x, &y);
    label(out, "axis", "middle", (left + right) / 2, bottom + 32, points->x_name);
    fprintf(out, "<g transform=\"rotate(-90 12 %.1f)\">", (top + bottom) / 2);
    label(out, "axis", "middle", 12, (top + bottom) / 2, points->y_name);
    fputs("</g>", out);
    end(out);
    dy_free(order);
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ boxes */

void chart_boxes(FILE *out, const char *x_name, const struct chart_box *boxes, size_t count)
{
    const double left = 96, right = 396, row = 26;
    double bottom = 6 + row * (double)count, low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        low = fmin(low, boxes[i].percentiles[0]);
        high = fmax(high, boxes[i].percentiles[4]);
    }
    if (!(low < high))
        high = low + 1.0;
    struct scale x = {low - 0.03 * (high - low), high + 0.03 * (high - low), left, right};
    begin(out, 404, bottom + 38, x_name);
    marks_below(out, &x, 4, bottom);
    for (size_t i = 0; i < count; i++) {
        const double *p = boxes[i].percentiles;
        double y = 6 + row * ((double)i + 0.5);
        label(out, "name", "end", left - 8, y + 4, boxes[i].name);
        line(out, "whisker", at(&x, p[0]), y, at(&x, p[4]), y);
        rectangle(out,
                  boxes[i].side > 0   ? "box up"
                  : boxes[i].side < 0 ? "box down"
                                      : "box",
                  at(&x, p[1]), y - 8, fmax(1.0, at(&x, p[3]) - at(&x, p[1])), 16);
        line(out, "median", at(&x, p[2]), y - 8, at(&x, p[2]), y + 8);
    }
    label(out, "axis", "middle", (left + right) / 2, bottom + 31, x_name);
    end(out);
}

/* ------------------------------------------------------------------ reliability */

void chart_reliability(FILE *out, const struct dy_calibration *bins)
{
    const double left = 44, right = 396, top = 8, bottom = 296;
    struct scale x = {0, 1, left, right}, y = {0, 1, bottom, top};
    double most = 0.0;
    for (size_t b = 0; b < DY_CALIBRATION_BINS; b++)
        most = fmax(most, bins->weight[b]);
    begin(out, 404, 336, "reliability of the emotion probabilities");
    marks_below(out, &x, top, bottom);
    marks_left(out, &y, left, right);
    for (size_t b = 0; b < DY_CALIBRATION_BINS; b++) {
        double from = at(&x, (double)b / DY_CALIBRATION_BINS);
        double wide = (right - left) / DY_CALIBRATION_BINS;
        double tall = most > 0.0 ? 70.0 * bins->weight[b] / most : 0.0;
        if (bins->weight[b] > 0.0)
            rectangle(out, "share", from + 1, bottom - tall, wide - 2, tall);
    }
    line(out, "even", at(&x, 0), at(&y, 0), at(&x, 1), at(&y, 1));
    fputs("<path class=\"trend\" d=\"", out);
    bool first = true;
    for (size_t b = 0; b < DY_CALIBRATION_BINS; b++)
        if (bins->weight[b] > 0.0) {
            fprintf(out, "%c%.1f %.1f", first ? 'M' : 'L', at(&x, bins->confidence[b]),
                    at(&y, bins->right[b]));
            first = false;
        }
    fputs("\"/>", out);
    for (size_t b = 0; b < DY_CALIBRATION_BINS; b++)
        if (bins->weight[b] > 0.0)
            fprintf(out, "<circle class=\"dot first\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.6\"/>",
                    at(&x, bins->confidence[b]), at(&y, bins->right[b]));
    label(out, "axis", "middle", (left + right) / 2, bottom + 32,
          "probability given to the likeliest emotion");
    fprintf(out, "<g transform=\"rotate(-90 12 %.1f)\">", (top + bottom) / 2);
    label(out, "axis", "middle", 12, (top + bottom) / 2, "how often it was right");
    fputs("</g>", out);
    end(out);
}

/* ------------------------------------------------------------------ bars */

void chart_shows(FILE *out, const size_t histogram[DY_SHOWS_BINS], size_t largest, bool strong)
{
    static const char *const names[DY_SHOWS_BINS] = {"1", "2",  "3",  "4",  "5",
                                                     "9", "17", "33", "65", "129+"};
    const double left = 8, right = 296, top = 18, bottom = 118;
    double wide = (right - left) / DY_SHOWS_BINS, tallest = log10((double)largest + 1.0);
    begin(out, 304, 136, "songs by how often they were shown");
    line(out, "grid", left, bottom, right, bottom);
    for (size_t b = 0; b < DY_SHOWS_BINS; b++) {
        double x = left + wide * (double)b, middle = x + wide / 2;
        label(out, "mark", "middle", middle, bottom + 13, names[b]);
        if (histogram[b] == 0)
            continue;
        double tall =
            fmax(2.0, (bottom - top) * log10((double)histogram[b] + 1.0) / fmax(tallest, 0.3));
        char text[FIGURE_TEXT];
        rectangle(out, strong ? "bar first" : "bar", x + 2, bottom - tall, wide - 4, tall);
        label(out, "mark", "middle", middle, bottom - tall - 4, count_text(text, histogram[b]));
    }
    end(out);
}

void chart_bars(FILE *out, const char *const *names, const double *values, size_t count)
{
    const double left = 118, right = 360, row = 19;
    double bottom = 4 + row * (double)count, high = 0.05;
    for (size_t i = 0; i < count; i++)
        high = fmax(high, values[i]);
    struct scale x = {0, high, left, right};
    begin(out, 404, bottom + 20, "bars");
    marks_below(out, &x, 4, bottom);
    for (size_t i = 0; i < count; i++) {
        double y = 4 + row * (double)i, value = isnan(values[i]) ? 0.0 : fmax(0.0, values[i]);
        label(out, "name", "end", left - 8, y + 13, names[i]);
        rectangle(out, "bar first", left, y + 3, fmax(1.0, at(&x, value) - left), row - 6);
        label_number(out, "value", "start", at(&x, value) + 6, y + 13, values[i], 3);
    }
    end(out);
}
