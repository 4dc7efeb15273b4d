/* Any bytes as a pickled MinMaxScaler: refused, or 13 finite ranges. */
#include "fuzz.h"

#include "dy_original.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dylumo_error err;
    struct dy_scaler scaler;
    if (dy_scaler_parse(&scaler, data, size, "fuzz", &err))
        return 0;
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        if (!isfinite(scaler.minimum[f]) || !(scaler.minimum[f] <= scaler.maximum[f]))
            abort();
    return 0;
}
