/* Charts as inline SVG: no script, colours by class from the page's style, so that light and dark
 * both work. Each writes one <svg> to out. Text handed in is escaped here. */
#ifndef EVALUATE_CHARTS_H
#define EVALUATE_CHARTS_H

#include "evaluate_report.h"

/* text as HTML text or attribute. */
void chart_escape(FILE *out, const char *text);

/* One dot with its interval for each named figure; the first one is drawn strong. even: where
 * chance stands on the axis. */
void chart_dots(FILE *out, const char *const *names, const struct dy_figure *figures, size_t count,
                double low, double high, double even);

/* Points, and the mean of y in ten groups of equal size along x. Pairs with a NaN are left out. */
struct chart_points {
    const char *x_name, *y_name;
    const double *x, *y; /* [count] */
    size_t count;
};
enum dylumo_status chart_scatter(FILE *out, const struct chart_points *points,
                                 struct dylumo_error *err) DY_MUST_USE;

/* One box a group: 10th, 25th, 50th, 75th and 90th percentile. strong: drawn in the first colour.
 */
struct chart_box {
    const char *name;
    double percentiles[5];
    int8_t side;
};
void chart_boxes(FILE *out, const char *x_name, const struct chart_box *boxes, size_t count);

/* How often a probability came true, against itself; the bars' width is how many there are. */
void chart_reliability(FILE *out, const struct dy_calibration *bins);

/* How many songs were shown once, twice, ...; bars on a logarithmic scale. */
void chart_shows(FILE *out, const size_t histogram[DY_SHOWS_BINS], size_t largest, bool strong);

/* Horizontal bars from 0. */
void chart_bars(FILE *out, const char *const *names, const double *values, size_t count);

#endif
