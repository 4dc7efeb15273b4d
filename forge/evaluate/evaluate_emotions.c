/* How well a mood tells the emotions of one labelled set, each emotion weighing the same. */
#include "dy_mood.h"
#include "evaluate_report.h"

#include <math.h>

struct sheet {
    size_t count;
    double *probabilities; /* [count][7] */
    double *weights;       /* [count] equal shares */
    uint8_t *truth;
    uint32_t *items;                /* picture numbers */
    double *accuracy, *calibration; /* [replicates] */
};

static double accuracy_of(const struct sheet *sheet, const double *weights)
{
    double table[DYLUMO_EMOTION_COUNT * DYLUMO_EMOTION_COUNT];
    dy_measure_confusion(table, sheet->probabilities, sheet->truth, weights, sheet->count,
                         DYLUMO_EMOTION_COUNT);
    return dy_measure_macro_accuracy(table, DYLUMO_EMOTION_COUNT);
}

static void measure_draw(void *user, size_t replicate, const double *drawn, double *weights)
{
    const struct sheet *sheet = user;
    struct dy_calibration bins;
    for (size_t i = 0; i < sheet->count; i++)
        weights[i] = drawn[i] * sheet->weights[i];
    sheet->accuracy[replicate] = accuracy_of(sheet, weights);
    dy_calibration_top(&bins, sheet->probabilities, sheet->truth, weights, sheet->count,
                       DYLUMO_EMOTION_COUNT);
    sheet->calibration[replicate] = bins.error;
}

static bool sheet_new(struct sheet *sheet, size_t room, size_t replicates)
{
    sheet->probabilities = dy_new_array(room, DYLUMO_EMOTION_COUNT * sizeof(double));
    sheet->weights = dy_new_array(room, sizeof(double));
    sheet->truth = dy_new_array(room, 1);
    sheet->items = dy_new_array(room, sizeof *sheet->items);
    sheet->accuracy = dy_new_array(replicates + 1, sizeof(double));
    sheet->calibration = dy_new_array(replicates + 1, sizeof(double));
    return sheet->probabilities && sheet->weights && sheet->truth && sheet->items &&
           sheet->accuracy && sheet->calibration;
}

static void sheet_free(struct sheet *sheet)
{
    dy_free(sheet->probabilities);
    dy_free(sheet->weights);
    dy_free(sheet->truth);
    dy_free(sheet->items);
    dy_free(sheet->accuracy);
    dy_free(sheet->calibration);
}

static void gather(struct sheet *sheet, const struct dy_fit_pictures *pictures, size_t set,
                   const struct dy_mood *moods)
{
    double sizes[DYLUMO_EMOTION_COUNT] = {0};
    for (size_t i = 0; i < pictures->count; i++) {
        if (pictures->set[i] != set || pictures->emotion[i] >= DYLUMO_EMOTION_COUNT)
            continue;
        for (size_t c = 0; c < DYLUMO_EMOTION_COUNT; c++)
            sheet->probabilities[sheet->count * DYLUMO_EMOTION_COUNT + c] =
                (double)moods[i].emotions[c];
        sheet->truth[sheet->count] = pictures->emotion[i];
        sheet->items[sheet->count++] = (uint32_t)i;
        sizes[pictures->emotion[i]] += 1.0;
    }
    for (size_t i = 0; i < sheet->count; i++)
        sheet->weights[i] = 1.0 / sizes[sheet->truth[i]];
}

static void fill_values(const struct sheet *sheet, struct dy_fit_emotions *out)
{
    struct dy_calibration own;
    out->pictures = sheet->count;
    out->accuracy =
        (struct dy_figure){accuracy_of(sheet, sheet->weights), (double)NAN, (double)NAN};
    dy_calibration_top(&out->bins, sheet->probabilities, sheet->truth, sheet->weights, sheet->count,
                       DYLUMO_EMOTION_COUNT);
    out->calibration = (struct dy_figure){out->bins.error, (double)NAN, (double)NAN};
    out->class_calibration = 0.0;
    for (size_t c = 0; c < DYLUMO_EMOTION_COUNT; c++) {
        dy_calibration_class(&own, sheet->probabilities, sheet->truth, sheet->weights, sheet->count,
                             DYLUMO_EMOTION_COUNT, c);
        out->class_calibration += own.error / DYLUMO_EMOTION_COUNT;
    }
    /* weights of an emotion sum to 1, so rows do */
    dy_measure_confusion(out->confusion, sheet->probabilities, sheet->truth, sheet->weights,
                         sheet->count, DYLUMO_EMOTION_COUNT);
}

enum dylumo_status fit_emotions(struct dy_fit_emotions *out, const struct dy_fit_pictures *pictures,
                                size_t set, const struct dy_mood *moods, size_t replicates,
                                uint64_t seed, const struct dylumo_context *context,
                                struct dylumo_error *err)
{
    struct sheet sheet = {0};
    enum dylumo_status st = DYLUMO_OK;
    *out = (struct dy_fit_emotions){.set = pictures->set_names[set]};
    if (!sheet_new(&sheet, pictures->count, replicates))
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the emotions of %zu pictures",
                     pictures->count);
    if (!st)
        gather(&sheet, pictures, set, moods);
    if (!st && sheet.count) {
        fill_values(&sheet, out);
        struct dy_bootstrap bootstrap = {sheet.count, sheet.truth,  replicates, seed,
                                         sheet.count, measure_draw, &sheet};
        st = dy_bootstrap_run(&bootstrap, context, err);
    }
    if (!st && sheet.count) {
        dy_figure_interval(&out->accuracy, sheet.accuracy, replicates);
        dy_figure_interval(&out->calibration, sheet.calibration, replicates);
    }
    sheet_free(&sheet);
    return st;
}
