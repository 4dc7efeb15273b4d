/* The report: its facts, its examples, and how numbers are spelled in all of its forms. */
#include "evaluate_report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void dy_fit_report_fact(struct dy_fit_report *report, const char *name, const char *format, ...)
{
    if (report->fact_count == DY_FIT_FACTS_MAX)
        return;
    va_list arguments;
    va_start(arguments, format);
    char *text = report->facts[report->fact_count].text;
    size_t size = sizeof report->facts[0].text;
    vsnprintf(text, size, format, arguments);
    va_end(arguments);
    report->facts[report->fact_count++].name = name;
}

static void examples_clear(struct dy_fit_example *examples)
{
    for (size_t i = 0; i < DY_FIT_EXAMPLES; i++)
        for (size_t s = 0; s < DY_FIT_LISTED_SONGS; s++)
            dy_free(examples[i].titles[s]);
}

void dy_fit_report_clear(struct dy_fit_report *report)
{
    examples_clear(report->best);
    examples_clear(report->worst);
    dy_fit_table_clear(&report->table);
    dy_free(report->variety);
    memset(report, 0, sizeof *report);
}

/* ------------------------------------------------------------------ gains */

/* Places of the set's values as shares of the set, less one half; 0 where there is no value. */
static void centred_places(double *places, const double *values, const uint32_t *order,
                           size_t count)
{
    size_t known = 0;
    while (known < count && !isnan(values[order[known]]))
        known++;
    for (size_t first = 0, end; first < known; first = end) {
        for (end = first + 1; end < known && values[order[end]] == values[order[first]];)
            end++;
        for (size_t i = first; i < end; i++)
            places[order[i]] = 0.5 * (double)(first + end) / (double)known - 0.5;
    }
    for (size_t i = known; i < count; i++)
        places[order[i]] = 0.0;
}

/* People's side of a picture: its rating, else which side its emotion is on. */
static double people_value(const struct dy_fit_pictures *pictures, size_t picture,
                           enum dy_fit_measure rated, enum dy_fit_measure worded)
{
    double rating =
        rated == DY_FIT_VALENCE ? pictures->valence[picture] : pictures->arousal[picture];
    if (!isnan(rating))
        return rating;
    int8_t side = dy_fit_side(worded, pictures->emotion[picture]);
    return side ? (double)side : (double)NAN;
}

/* One product for every picture of the set, added to gains. work: [3][members]. */
static void add_gains(double *gains, const struct dy_fit_pictures *pictures,
                      const uint32_t *members, size_t count, enum dy_fit_measure rated,
                      const double *scores, double *work, uint32_t *order)
{
    double *values = work, *people = work + count, *songs = work + 2 * count;
    enum dy_fit_measure worded = rated == DY_FIT_VALENCE ? DY_FIT_POSITIVE : DY_FIT_LIVELY;
    for (size_t i = 0; i < count; i++)
        values[i] = people_value(pictures, members[i], rated, worded);
    dy_sorted_of(values, count, order);
    centred_places(people, values, order, count);
    for (size_t i = 0; i < count; i++)
        values[i] = scores[members[i]];
    dy_sorted_of(values, count, order);
    centred_places(songs, values, order, count);
    for (size_t i = 0; i < count; i++)
        gains[members[i]] += people[i] * songs[i];
}

enum dylumo_status dy_fit_gains(double *gains, const struct dy_fit_pictures *pictures, size_t set,
                                const struct dy_fit_scores *scores, struct dylumo_error *err)
{
    uint32_t *members = dy_new_array(pictures->count, 2 * sizeof *members);
    double *work = dy_new_array(pictures->count, 3 * sizeof *work);
    bool ok = members && work;
    if (ok) {
        uint32_t *order = members + pictures->count;
        size_t count = 0;
        for (size_t i = 0; i < pictures->count; i++) {
            gains[i] = 0.0;
            if (pictures->set[i] == set)
                members[count++] = (uint32_t)i;
        }
        add_gains(gains, pictures, members, count, DY_FIT_VALENCE, scores->valence, work, order);
        add_gains(gains, pictures, members, count, DY_FIT_ENERGY, scores->energy, work, order);
    }
    dy_free(members);
    dy_free(work);
    return ok ? DYLUMO_OK
              : dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the places of %zu pictures",
                        pictures->count);
}

/* ------------------------------------------------------------------ spelling */

const char *figure_text(char text[FIGURE_TEXT], double value, int digits)
{
    if (isnan(value)) {
        snprintf(text, FIGURE_TEXT, "-");
        return text;
    }
    snprintf(text, FIGURE_TEXT, "%.*f", digits, value);
    char *zero = text[0] == '-' ? text + 1 : text;
    if (zero[0] == '0' && zero[1] == '.')
        memmove(zero, zero + 1, strlen(zero));
    bool nothing = text[0] == '-' && !text[1 + strspn(text + 1, ".0")];
    return nothing ? text + 1 : text; /* no "-.00" */
}

const char *figure_range_text(char text[FIGURE_RANGE_TEXT], const struct dy_figure *figure)
{
    char value[FIGURE_TEXT], low[FIGURE_TEXT], high[FIGURE_TEXT];
    if (isnan(figure->low) || isnan(figure->value))
        snprintf(text, FIGURE_RANGE_TEXT, "%s", figure_text(value, figure->value, 3));
    else
        snprintf(text, FIGURE_RANGE_TEXT, "%s %s:%s", figure_text(value, figure->value, 3),
                 figure_text(low, figure->low, 2), figure_text(high, figure->high, 2));
    return text;
}

const char *count_text(char text[FIGURE_TEXT], size_t count)
{
    char digits[FIGURE_TEXT];
    int length = snprintf(digits, sizeof digits, "%zu", count), at = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

const struct dy_figure *figure_at(const struct dy_fit_table *table, size_t row, size_t column)
{
    return &table->figures[row * table->column_count + column];
}

size_t stage_columns(const struct dy_fit_table *table, enum dy_fit_stage stage, size_t *first)
{
    size_t count = 0;
    for (size_t c = 0; c < table->column_count; c++)
        if (table->columns[c].stage == stage && count++ == 0)
            *first = c;
    return count;
}

const char *stage_title(enum dy_fit_stage stage)
{
    static const char *const titles[DY_FIT_STAGES] = {
        "The songs shown, by the catalogue's valence and energy",
        "The songs shown, by people's judgement of their mood (only songs that people judged)",
        "The mood read from the picture, before any song",
    };
    return titles[stage];
}

const char *emotion_title(uint8_t emotion)
{
    if (emotion == DY_FIT_DISGUST)
        return "disgust";
    const char *name = dylumo_emotion_name((enum dylumo_emotion)emotion);
    return name ? name : "";
}

enum dylumo_status report_written(FILE *out, struct dylumo_error *err)
{
    if (fflush(out) || ferror(out))
        return dy_fail(err, DYLUMO_IO, "the report cannot be written: %s", strerror(errno));
    return DYLUMO_OK;
}
