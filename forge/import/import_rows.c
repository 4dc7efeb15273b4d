/* Tables of numbers in numpy's own format. */
#include "dy_foreign.h"
#include "dy_original.h"

#include <math.h>
#include <string.h>

void dy_rows_clear(struct dy_rows *rows)
{
    dy_free(rows->values);
    *rows = (struct dy_rows){0};
}

static enum dylumo_status shape_of(struct dy_rows *rows, const struct dy_tensor *tensor,
                                   const char *path, struct dylumo_error *err)
{
    if (tensor->dims != 1 && tensor->dims != 2)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: an array of %u dimensions, expected 1 or 2", path,
                       tensor->dims);
    rows->count = tensor->dims == 2 ? (size_t)tensor->shape[0] : 1;
    rows->columns = (size_t)tensor->shape[tensor->dims - 1];
    if (!rows->count || !rows->columns)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: an array of %zu rows and %zu columns is empty",
                       path, rows->count, rows->columns);
    return DYLUMO_OK;
}

static enum dylumo_status copy_values(struct dy_rows *rows, const struct dy_tensor *tensor,
                                      const char *path, struct dylumo_error *err)
{
    size_t all = tensor->size / dy_dtype_size(tensor->dtype);
    rows->values = dy_new_array(all, sizeof *rows->values);
    if (!rows->values)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for %zu numbers", path, all);
    const float *floats = tensor->data;
    const double *doubles = tensor->data;
    for (size_t i = 0; i < all; i++) {
        rows->values[i] = tensor->dtype == DY_F64 ? (float)doubles[i] : floats[i];
        if (!isfinite(rows->values[i]))
            return dy_fail(err, DYLUMO_BAD_FILE,
                           "%s: row %zu, column %zu is not finite (counted from 0)", path,
                           i / rows->columns, i % rows->columns);
    }
    return DYLUMO_OK;
}

enum dylumo_status dy_rows_read(struct dy_rows *rows, const char *path, struct dylumo_error *err)
{
    struct dy_npy npy;
    *rows = (struct dy_rows){0};
    enum dylumo_status st = dy_npy_open(&npy, path, err);
    if (st)
        return st;
    st = shape_of(rows, &npy.tensor, path, err);
    if (!st)
        st = copy_values(rows, &npy.tensor, path, err);
    if (st)
        dy_rows_clear(rows);
    dy_npy_close(&npy);
    return st;
}
