/* Any bytes as a .npy file: refused, or every byte of the numbers can be read. */
#include "fuzz.h"

#include "dy_foreign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dylumo_error err;
    struct dy_npy npy;
    unsigned sum = 0;
    if (!dy_npy_parse(&npy, data, size, "fuzz", &err))
        for (size_t i = 0; i < npy.tensor.size; i++)
            sum += ((const uint8_t *)npy.tensor.data)[i];
    dy_npy_close(&npy);
    return sum == 0xFFFFFFFFu ? -1 : 0; /* so that the reading is not optimised away */
}
