/* Any bytes as a table: read to its end record by record; what is split must lie in the input. */
#include "fuzz.h"

#include "import_csv.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    struct csv_extent extent;
    for (size_t at = 0; at < size; at += extent.size) {
        extent = csv_extent_of(copy + at, size - at, true);
        if (extent.size == 0 || extent.size > size - at)
            abort();
        struct dy_text fields[40];
        size_t count = extent.fault ? 0 : csv_split(copy + at, extent.size, fields, 40);
        for (size_t f = 0; f < count && f < 40; f++) {
            double number;
            if (fields[f].bytes < copy + at ||
                fields[f].bytes + fields[f].size > copy + at + extent.size)
                abort();
            (void)dy_csv_number(fields[f], &number);
        }
    }
    free(copy);
    return 0;
}
