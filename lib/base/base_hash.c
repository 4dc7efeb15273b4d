/* XXH3 through libxxhash (inlined: one function, no start-up cost). */
#include "dy_base.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t dy_hash64(const void *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}
