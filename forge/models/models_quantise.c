/* Eight-bit weights. Rows are rounded by their largest number. Before that what enters each product
 * is made alike in size, since CLIP has channels that are 20 to 60 times larger than the others
 * (SmoothQuant: Xiao et al. 2023, eq. 4 with alpha 1/2: s = sqrt(max |x| / max |w|)).
 *
 * Departure: how large a channel becomes is not measured on pictures but follows from the weights.
 * A layer norm's channel has spread |gain| around its bias, and what a matrix makes of such
 * channels has the root of the sum of their squares, as if they were independent. Three spreads
 * count as the largest number. So a model converts the same everywhere, without pictures. */
#include "models_clip.h"

#include <math.h>

static float largest(const float *values, size_t count, size_t step)
{
    float most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmaxf(most, fabsf(values[i * step]));
    return most;
}

/* What a channel is divided by, so that it and its column share its size. */
static float share(float size, float weight)
{
    if (!(size > 0) || !(weight > 0))
        return 1;
    return fminf(fmaxf(sqrtf(size / weight), 1e-4F), 1e4F);
}

static void scale_column(float *matrix, size_t rows, size_t columns, size_t column, float by)
{
    for (size_t row = 0; row < rows; row++)
        matrix[row * columns + column] *= by;
}

/* The norm before a matrix of `rows` rows gives channel j divided by s[j]. */
static void smooth_norm(float *gain, float *bias, float *matrix, size_t rows, size_t width)
{
    for (size_t j = 0; j < width; j++) {
        float size = 3 * fabsf(gain[j]) + fabsf(bias[j]);
        float s = share(size, largest(matrix + j, rows, width));
        gain[j] /= s;
        bias[j] /= s;
        scale_column(matrix, rows, width, j, s);
    }
}

/* Middle and three spreads of what a row makes of a norm's channels. */
static void row_range(const float *row, float offset, const float *gain, const float *bias,
                      size_t width, float *middle, float *reach)
{
    double sum = offset, squares = 0;
    for (size_t i = 0; i < width; i++) {
        double spread = (double)row[i] * gain[i];
        sum += (double)row[i] * bias[i];
        squares += spread * spread;
    }
    *middle = (float)sum;
    *reach = (float)(3 * sqrt(squares));
}

static void smooth_values(struct clip_layer *layer)
{
    size_t width = layer->width;
    float *values = layer->weight[CLIP_QKV] + 2 * width * width;
    for (size_t j = 0; j < width; j++) {
        float *row = values + j * width, *offset = layer->bias[CLIP_QKV] + 2 * width + j;
        float middle, reach;
        row_range(row, *offset, layer->weight[CLIP_NORM1], layer->bias[CLIP_NORM1], width, &middle,
                  &reach);
        float s = share(fabsf(middle) + reach, largest(layer->weight[CLIP_OUT] + j, width, width));
        for (size_t i = 0; i < width; i++)
            row[i] /= s;
        *offset /= s;
        scale_column(layer->weight[CLIP_OUT], width, width, j, s);
    }
}

/* GELU gives what is above 0 and never less than -0.17. */
static void smooth_hidden(struct clip_layer *layer, float *down_smooth)
{
    size_t width = layer->width, hidden = layer->hidden;
    for (size_t h = 0; h < hidden; h++) {
        float middle, reach;
        row_range(layer->weight[CLIP_UP] + h * width, layer->bias[CLIP_UP][h],
                  layer->weight[CLIP_NORM2], layer->bias[CLIP_NORM2], width, &middle, &reach);
        float s = share(fmaxf(middle + reach, 0.17F),
                        largest(layer->weight[CLIP_DOWN] + h, width, hidden));
        down_smooth[h] = 1 / s;
        scale_column(layer->weight[CLIP_DOWN], width, hidden, h, s);
    }
}

void clip_smooth(struct clip_layer *layer, float *down_smooth)
{
    size_t width = layer->width;
    smooth_values(layer);
    smooth_hidden(layer, down_smooth);
    smooth_norm(layer->weight[CLIP_NORM1], layer->bias[CLIP_NORM1], layer->weight[CLIP_QKV],
                3 * width, width);
    smooth_norm(layer->weight[CLIP_NORM2], layer->bias[CLIP_NORM2], layer->weight[CLIP_UP],
                layer->hidden, width);
}

float clip_round_row(const float *row, size_t count, int8_t *rounded)
{
    float most = largest(row, count, 1), scale = most > 0 ? most / 127 : 1;
    if (!(scale > 0)) /* so small that the quotient is 0 */
        scale = 1;
    for (size_t i = 0; i < count; i++)
        rounded[i] = (int8_t)fminf(fmaxf(nearbyintf(row[i] / scale), -127), 127);
    return scale;
}
