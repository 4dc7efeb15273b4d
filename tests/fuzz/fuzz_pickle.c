/* Any bytes as a pickle: refused, or a tree whose every value can be reached and read. */
#include "fuzz.h"

#include "dy_foreign.h"

static unsigned walk(const struct dy_pickle_value *value, unsigned level)
{
    if (level > 200)
        __builtin_trap();
    unsigned sum = (unsigned)value->type;
    for (size_t i = 0; i < value->text.size; i++)
        sum += (unsigned char)value->text.bytes[i];
    for (size_t i = 0; i < value->item_count; i++)
        sum += walk(value->items[i], level + 1);
    if (value->arguments)
        sum += walk(value->arguments, level + 1);
    if (value->state)
        sum += walk(value->state, level + 1);
    char text[64];
    sum += (unsigned char)dy_pickle_describe(value, text, sizeof text)[0];
    return sum + (dy_pickle_get(value, "a") != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const globals[] = {"m *", NULL};
    const struct dy_pickle_options options = {.globals = globals};
    struct dylumo_error err;
    struct dy_pickle *pickle;
    if (dy_pickle_read(&pickle, data, size, "fuzz", &options, &err))
        return 0;
    unsigned sum = dy_pickle_root(pickle)->walk < 100000 ? walk(dy_pickle_root(pickle), 1) : 0;
    dy_pickle_free(pickle);
    return sum == 0xFFFFFFFFu ? -1 : 0; /* so that the reading is not optimised away */
}
