/* Any bytes as a picture: refused with a sentence, or decoded to the target's pixels. The limits
 * are low, so that a run spends its time on readers and not on large pictures. */
#include "fuzz.h"

#include "dy_image.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct dy_image_target targets[] = {{12, 9, DY_FIT_SQUASH, true},
                                                     {8, 8, DY_FIT_CROP, false}};
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.max_pixels = 1000000;
    context.threads = 1;
    for (size_t i = 0; i < DY_COUNT(targets); i++) {
        uint8_t pixels[12 * 9 * 3];
        struct dy_image_info info;
        struct dylumo_error err = {0};
        if (dy_image_load(data, size, "fuzz", &targets[i], &context, pixels, &info, &err) &&
            !err.text[0])
            abort();
    }
    return 0;
}
