/* The three calls through which all memory of ours comes. They stand alone in this file so that the
 * linker can wrap them in tests (-Wl,--wrap=dy_mem_alloc, ...): a call from another file is then
 * counted and can be made to fail. */
#include "dy_base.h"

#include <stdlib.h>

void *dy_mem_alloc(size_t size)
{
    return calloc(1, size ? size : 1);
}

void *dy_mem_realloc(void *old, size_t size)
{
    return realloc(old, size ? size : 1);
}

void *dy_mem_aligned(size_t size)
{
    size_t rounded;
    if (!dy_size_add(size ? size : 1, 63, &rounded))
        return NULL;
    return aligned_alloc(64, rounded & ~(size_t)63);
}

void dy_free(void *memory)
{
    free(memory);
}
