/* SmoothQuant (Xiao et al. 2023, eq. 4 with alpha = 1/2): s[j] = sqrt(size of input j / size of
 * column j). A departure: the inputs' sizes do not come from running pictures, but from the weights
 * that make them. A norm's output j is about gain[j] wide around bias[j]; a product's output is as
 * wide as its row is long, over inputs of those widths. Channels that are large because of the
 * weights are found so; those that are large in the stream itself stay as they are. */
#include "encoder_clip_smooth.h"

#include "encoder_clip_weights.h"

#include <math.h>

size_t clip_smoothing_count(unsigned width, unsigned hidden)
{
    return (size_t)3 * width + hidden;
}

/* Largest number of each column; room for them is filled. */
static void measure_columns(float *most, const struct clip_matrix_source *matrix, float *row)
{
    const size_t rows = (size_t)matrix->weight->shape[0],
                 columns = (size_t)matrix->weight->shape[1];
    for (size_t c = 0; c < columns; c++)
        most[c] = 0;
    for (size_t r = 0; r < rows; r++) {
        clip_read_row(row, matrix, r);
        for (size_t c = 0; c < columns; c++)
            most[c] = fabsf(row[c]) > most[c] ? fabsf(row[c]) : most[c];
    }
}

/* Of columns' largest numbers and of inputs' sizes: the factors, in place of the first. */
static void divide(float *most, float size, size_t column)
{
    float s = most[column] > 0 && size > 0 ? sqrtf(size / most[column]) : 1.0F;
    most[column] = isfinite(s) && s > 1e-6F ? s : 1.0F;
}

/* Four times the deviation, which few numbers pass. */
static float size_of_norm(float gain, float bias)
{
    return 4.0F * fabsf(gain) + fabsf(bias);
}

/* Of a product's output `at`, whose inputs are a norm's. */
static float size_of_row(const struct clip_matrix_source *matrix, size_t at, const float *gain,
                         const float *bias, const float *row_bias, float *row)
{
    const size_t columns = (size_t)matrix->weight->shape[1];
    double sum = 0, squares = 0;
    clip_read_row(row, matrix, at);
    for (size_t c = 0; c < columns; c++) {
        squares += (double)(row[c] * gain[c]) * (double)(row[c] * gain[c]);
        sum += (double)(row[c] * bias[c]);
    }
    return 4.0F * (float)sqrt(squares) + fabsf((float)sum + row_bias[at]);
}

void clip_find_factors(struct clip_smoothing *smoothing, const struct clip_layer_source *layer,
                       unsigned width, unsigned hidden, float *room, float *row)
{
    const float *const *v = layer->vectors;
    const struct clip_matrix_source *m = layer->matrices;
    float *qkv = smoothing->columns[CLIP_QKV] = room;
    float *out = smoothing->columns[CLIP_OUT] = qkv + width;
    float *up = smoothing->columns[CLIP_UP] = out + width;
    float *down = smoothing->columns[CLIP_DOWN] = up + width;
    for (unsigned matrix = 0; matrix < CLIP_MATRICES; matrix++)
        measure_columns(smoothing->columns[matrix], &m[matrix], row);
    for (size_t j = 0; j < width; j++) {
        divide(qkv, size_of_norm(v[CLIP_NORM1_GAIN][j], v[CLIP_NORM1_BIAS][j]), j);
        divide(up, size_of_norm(v[CLIP_NORM2_GAIN][j], v[CLIP_NORM2_BIAS][j]), j);
        divide(out,
               size_of_row(&m[CLIP_QKV], (size_t)2 * width + j, v[CLIP_NORM1_GAIN],
                           v[CLIP_NORM1_BIAS], v[CLIP_QKV_BIAS], row),
               j);
    }
    for (size_t j = 0; j < hidden; j++)
        divide(down,
               size_of_row(&m[CLIP_UP], j, v[CLIP_NORM2_GAIN], v[CLIP_NORM2_BIAS], v[CLIP_UP_BIAS],
                           row),
               j);
}
