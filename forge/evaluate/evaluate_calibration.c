/* Whether probabilities mean what they say, and which emotions are taken for which. */
#include "dy_evaluate.h"

#include <math.h>
#include <string.h>

static size_t bin_of(double probability)
{
    double place = ceil(probability * DY_CALIBRATION_BINS) - 1.0;
    if (!(place > 0.0))
        return 0;
    return place < DY_CALIBRATION_BINS ? (size_t)place : DY_CALIBRATION_BINS - 1;
}

static size_t most_probable(const double *probabilities, size_t classes)
{
    size_t best = 0;
    for (size_t c = 1; c < classes; c++)
        if (probabilities[c] > probabilities[best])
            best = c;
    return best;
}

static void add(struct dy_calibration *out, double probability, bool right, double weight)
{
    size_t bin = bin_of(probability);
    out->weight[bin] += weight;
    out->confidence[bin] += weight * probability;
    out->right[bin] += right ? weight : 0.0;
}

/* Sums become means and shares. */
static void finish(struct dy_calibration *out)
{
    double total = 0.0;
    for (size_t b = 0; b < DY_CALIBRATION_BINS; b++)
        total += out->weight[b];
    for (size_t b = 0; b < DY_CALIBRATION_BINS; b++) {
        if (out->weight[b] <= 0.0)
            continue;
        out->confidence[b] /= out->weight[b];
        out->right[b] /= out->weight[b];
        out->weight[b] /= total;
        out->error += out->weight[b] * fabs(out->confidence[b] - out->right[b]);
    }
    if (total <= 0.0)
        out->error = (double)NAN;
}

void dy_calibration_top(struct dy_calibration *out, const double *probabilities,
                        const uint8_t *truth, const double *weights, size_t count, size_t classes)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < count; i++) {
        const double *p = probabilities + i * classes;
        size_t top = most_probable(p, classes);
        add(out, p[top], top == truth[i], weights ? weights[i] : 1.0);
    }
    finish(out);
}

void dy_calibration_class(struct dy_calibration *out, const double *probabilities,
                          const uint8_t *truth, const double *weights, size_t count, size_t classes,
                          size_t class)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < count; i++)
        add(out, probabilities[i * classes + class], class == truth[i], weights ? weights[i] : 1.0);
    finish(out);
}

void dy_measure_confusion(double *table, const double *probabilities, const uint8_t *truth,
                          const double *weights, size_t count, size_t classes)
{
    for (size_t i = 0; i < classes * classes; i++)
        table[i] = 0.0;
    for (size_t i = 0; i < count; i++)
        table[truth[i] * classes + most_probable(probabilities + i * classes, classes)] +=
            weights ? weights[i] : 1.0;
}

double dy_measure_macro_accuracy(const double *table, size_t classes)
{
    double sum = 0.0, seen = 0.0;
    for (size_t c = 0; c < classes; c++) {
        double total = 0.0;
        for (size_t p = 0; p < classes; p++)
            total += table[c * classes + p];
        if (total > 0.0) {
            sum += table[c * classes + c] / total;
            seen += 1.0;
        }
    }
    return seen > 0.0 ? sum / seen : (double)NAN;
}
