/* Arrays with checked sizes, growing arrays and the arena of a request. */
#include "dy_base.h"

#include <string.h>

void *dy_new_array(size_t count, size_t size)
{
    size_t bytes;
    return dy_size_mul(count, size, &bytes) ? dy_mem_alloc(bytes) : NULL;
}

char *dy_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = dy_mem_alloc(size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

bool dy_grow(void *items, size_t *room, size_t need, size_t size)
{
    if (need <= *room)
        return true;
    size_t wanted = *room > SIZE_MAX / 2 ? need : *room * 2;
    if (wanted < need)
        wanted = need;
    if (wanted < 16)
        wanted = 16;
    size_t bytes;
    if (!dy_size_mul(wanted, size, &bytes))
        return false;
    void *old;
    memcpy(&old, items, sizeof old); /* items is a T **, whatever T is */
    void *grown = dy_mem_realloc(old, bytes);
    if (!grown)
        return false;
    memcpy(items, &grown, sizeof grown);
    *room = wanted;
    return true;
}

bool dy_arena_init(struct dy_arena *arena, size_t size)
{
    *arena = (struct dy_arena){.block = dy_mem_aligned(size), .size = size};
    return arena->block != NULL;
}

void dy_arena_clear(struct dy_arena *arena)
{
    dy_free(arena->block);
    *arena = (struct dy_arena){0};
}

void *dy_arena_take(struct dy_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (!dy_size_mul(count, size, &bytes) || !dy_size_add(bytes, 63, &bytes))
        return NULL;
    bytes &= ~(size_t)63;
    if (bytes > arena->size - arena->used)
        return NULL;
    void *piece = arena->block + arena->used;
    arena->used += bytes;
    return piece;
}
