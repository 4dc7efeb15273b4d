/* Any bytes as PyTorch weights: refused, or every tensor can be found and read to its end. */
#include "fuzz.h"

#include "dy_foreign.h"

static unsigned read_tensor(const struct dy_torch *torch, const struct dy_tensor *tensor)
{
    unsigned sum = 0;
    const uint8_t *bytes = tensor->data;
    if (dy_torch_find(torch, tensor->name) != tensor)
        __builtin_trap();
    if ((uintptr_t)bytes % dy_dtype_size(tensor->dtype))
        __builtin_trap();
    for (size_t i = 0; i < tensor->size; i++)
        sum += bytes[i];
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dylumo_error err;
    struct dy_torch *torch;
    if (dy_torch_parse(&torch, data, size, "fuzz", &err))
        return 0;
    unsigned sum = 0;
    for (size_t i = 0; i < dy_torch_count(torch); i++)
        sum += read_tensor(torch, dy_torch_at(torch, i));
    dy_torch_close(torch);
    return sum == 0xFFFFFFFFu ? -1 : 0; /* so that the reading is not optimised away */
}
