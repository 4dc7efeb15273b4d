/* The names of the arithmetics, as options, metadata and answers spell them. */
#include "dy_encoder.h"

#include <string.h>

static const char *const names[] = {
    [DY_PRECISION_AUTO] = "auto",
    [DY_PRECISION_F32] = "f32",
    [DY_PRECISION_BF16] = "bf16",
    [DY_PRECISION_INT8] = "int8",
};

const char *dy_precision_name(enum dy_precision precision)
{
    return (size_t)precision < DY_COUNT(names) ? names[precision] : "unknown";
}

enum dylumo_status dy_precision_read(const char *name, enum dy_precision *precision,
                                     struct dylumo_error *err)
{
    for (size_t i = 0; i < DY_COUNT(names); i++)
        if (!strcmp(name, names[i])) {
            *precision = (enum dy_precision)i;
            return DYLUMO_OK;
        }
    return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                   "precision '%s' is not known; expected auto, f32, bf16 or int8", name);
}
