/* A tower's weights: from the file's types to the arithmetic's, then into oneDNN's layout. Matrices
 * are read 16 rows at a time by as many threads as a run has, and the file's pages are given back
 * behind them, so that opening needs little more memory than what stays. */
#include "encoder_clip_weights.h"

#include "encoder_onednn.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

/* ------------------------------------------------------------------ rows */

void clip_read_row(float *row, const struct clip_matrix_source *from, size_t index)
{
    const size_t count = (size_t)from->weight->shape[1];
    const void *data = from->weight->data;
    if (from->weight->dtype == DY_F32) {
        memcpy(row, (const float *)data + index * count, count * sizeof *row);
    } else if (from->weight->dtype == DY_BF16) {
        for (size_t i = 0; i < count; i++)
            row[i] = dy_bf16_to_f32(((const uint16_t *)data)[index * count + i]);
    } else {
        for (size_t i = 0; i < count; i++)
            row[i] = (float)((const int8_t *)data)[index * count + i] * from->scale[index];
    }
}

static bool all_finite(const float *values, size_t count)
{
    bool finite = true;
    for (size_t i = 0; i < count; i++)
        finite &= isfinite(values[i]) != 0;
    return finite;
}

/* ------------------------------------------------------------------ rows for the layout */

static bool read_f32(void *user, void *items, size_t first, size_t count)
{
    const struct clip_packing *packing = user;
    const size_t columns = (size_t)packing->from.weight->shape[1];
    float *rows = items;
    for (size_t i = 0; i < count; i++) {
        clip_read_row(rows + i * columns, &packing->from, first + i);
        if (packing->column_factors) /* a departure from the file: see clip_fold_pixels */
            for (size_t c = 0; c < columns; c++)
                rows[i * columns + c] *= packing->column_factors[c];
    }
    return all_finite(rows, count * columns);
}

static bool read_bf16(void *user, void *items, size_t first, size_t count)
{
    const struct clip_packing *packing = user;
    const size_t columns = (size_t)packing->from.weight->shape[1];
    uint16_t *rows = items;
    for (size_t i = 0; i < count; i++) {
        float *row = packing->row;
        if (!read_f32(user, row, first + i, 1))
            return false;
        for (size_t c = 0; c < columns; c++)
            rows[i * columns + c] = dy_bf16_from_f32(row[c]);
    }
    return true;
}

/* Halved, to nearest, away from zero: -64 to 64. Two of them times 255 fit 16 bits. */
static void halve(int8_t *weights, size_t count)
{
    for (size_t i = 0; i < count; i++)
        weights[i] =
            (int8_t)((weights[i] + (weights[i] > 0)) / 2 - (weights[i] < 0 && weights[i] % 2));
}

/* A row that is bytes already; returns its step. */
static float copy_bytes(int8_t *bytes, const struct clip_packing *packing, size_t index)
{
    const size_t columns = (size_t)packing->from.weight->shape[1];
    memcpy(bytes, (const int8_t *)packing->from.weight->data + index * columns, columns);
    if (packing->narrow)
        halve(bytes, columns);
    return packing->from.scale[index] * (packing->narrow ? 2.0F : 1.0F);
}

/* To 127 steps, or to 64 where the processor's products would overflow; 0: it is not finite. */
static float round_bytes(int8_t *bytes, const struct clip_packing *packing, size_t index)
{
    const size_t columns = (size_t)packing->from.weight->shape[1];
    float *row = packing->row, most = 0;
    if (!read_f32((void *)(uintptr_t)packing, row, index, 1))
        return 0;
    const size_t values = (size_t)packing->from.weight->shape[0] / 3 * 2;
    bool divided = packing->value_factors && index >= values;
    for (size_t c = 0; c < columns; c++)
        most = fabsf(row[c]) > most ? fabsf(row[c]) : most;
    float step = most > 0 ? most / (packing->narrow ? 64.0F : 127.0F) : 1.0F;
    for (size_t c = 0; c < columns; c++)
        bytes[c] = (int8_t)rintf(row[c] / step);
    return divided ? step / packing->value_factors[index - values] : step;
}

static bool read_bytes(void *user, void *items, size_t first, size_t count)
{
    struct clip_packing *packing = user;
    const size_t columns = (size_t)packing->from.weight->shape[1];
    const bool bytes = packing->from.weight->dtype == DY_I8;
    for (size_t i = 0; i < count; i++) {
        int8_t *row = (int8_t *)items + i * columns;
        float step =
            bytes ? copy_bytes(row, packing, first + i) : round_bytes(row, packing, first + i);
        int32_t sum = 0;
        if (step <= 0)
            return false;
        for (size_t c = 0; c < columns; c++)
            sum += row[c];
        packing->step[first + i] = step;
        packing->sum[first + i] = (float)sum * step;
    }
    return true;
}

enum dylumo_status clip_pack(struct clip_packing *packing, struct dylumo_error *err)
{
    const dnnl_memory_desc_t *layout = packing->layout;
    const struct dy_tensor *weight = packing->from.weight;
    encoder_read_rows *read = layout->data_type == dnnl_s8     ? read_bytes
                              : layout->data_type == dnnl_bf16 ? read_bf16
                                                               : read_f32;
    packing->row = dy_new_array((size_t)weight->shape[1], sizeof(float));
    if (!packing->row)
        return dy_fail(err, DYLUMO_NO_MEMORY, "tensor '%s': no memory for a row", weight->name);
    enum dylumo_status st =
        encoder_product_pack(packing->room, layout, read, packing, weight->name, err);
    dy_free(packing->row);
    packing->row = NULL;
    if (!st)
        dy_map_forget(weight->data, weight->size);
    return st;
}
