/* Any bytes as a safetensors file: refused, or every tensor can be read to its last byte. */
#include "fuzz.h"

#include "dy_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dylumo_error err;
    struct dy_safetensors *file;
    if (dy_safetensors_parse(&file, data, size, "fuzz", &err))
        return 0;
    unsigned sum = 0;
    for (size_t i = 0; i < dy_safetensors_count(file); i++) {
        const struct dy_tensor *tensor = dy_safetensors_at(file, i);
        const uint8_t *bytes = tensor->data;
        for (size_t j = 0; j < tensor->size; j++)
            sum += bytes[j];
        sum += dy_safetensors_find(file, tensor->name) != tensor;
    }
    dy_safetensors_close(file);
    return sum == 0xFFFFFFFFu ? -1 : 0; /* so that the reading is not optimised away */
}
