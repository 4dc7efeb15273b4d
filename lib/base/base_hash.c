/* XXH3 through libxxhash (inlined: one function, no start-up cost). */
#include "dy_base.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t dy_hash64(const void *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

uint64_t dy_hash64_parts(const struct dy_part *parts, size_t count, uint64_t seed)
{
    XXH3_state_t state; /* aligned to 64 by its type */
    XXH3_INITSTATE(&state);
    XXH3_64bits_reset_withSeed(&state, seed);
    for (size_t i = 0; i < count; i++)
        if (parts[i].size)
            XXH3_64bits_update(&state, parts[i].data, parts[i].size);
    return XXH3_64bits_digest(&state);
}
