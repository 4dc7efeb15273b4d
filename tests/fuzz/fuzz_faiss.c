/* Any bytes as a FAISS index: refused, or finite vectors of which every number can be read. */
#include "fuzz.h"

#include "dy_original.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dylumo_error err;
    struct dy_rows rows;
    enum dy_faiss_metric metric;
    if (dy_faiss_parse(&rows, &metric, data, size, "fuzz", &err))
        return 0;
    for (size_t i = 0; i < rows.count * rows.columns; i++)
        if (!isfinite(rows.values[i]))
            abort();
    dy_rows_clear(&rows);
    return 0;
}
