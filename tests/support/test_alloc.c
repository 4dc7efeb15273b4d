/* Stands between our code and its allocator (-Wl,--wrap): counts, and fails the n-th call. */
#include "dy_test.h"

#include <stdatomic.h>
#include <stdlib.h>

void *__real_dy_mem_alloc(size_t size);
void *__real_dy_mem_realloc(void *old, size_t size);
void *__real_dy_mem_aligned(size_t size);
void *__wrap_dy_mem_alloc(size_t size);
void *__wrap_dy_mem_realloc(void *old, size_t size);
void *__wrap_dy_mem_aligned(size_t size);

static atomic_size_t calls, fail_at;

void test_alloc_fail_at(size_t n)
{
    atomic_store(&calls, 0);
    atomic_store(&fail_at, n);
}

size_t test_alloc_count(void)
{
    return atomic_load(&calls);
}

static bool fails(void)
{
    return atomic_fetch_add(&calls, 1) + 1 == atomic_load(&fail_at);
}

void *__wrap_dy_mem_alloc(size_t size)
{
    return fails() ? NULL : __real_dy_mem_alloc(size);
}

void *__wrap_dy_mem_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_dy_mem_realloc(old, size);
}

void *__wrap_dy_mem_aligned(size_t size)
{
    return fails() ? NULL : __real_dy_mem_aligned(size);
}

void test_every_allocation(enum dylumo_status (*body)(void *user), void *user)
{
    for (size_t n = 1;; n++) {
        test_alloc_fail_at(n);
        enum dylumo_status status = body(user);
        bool reached = test_alloc_count() >= n;
        test_alloc_fail_at(0);
        if (!reached) {
            assert_int_equal(status, DYLUMO_OK);
            assert_true(n > 1); /* a body that allocates nothing tests nothing */
            return;
        }
        assert_int_equal(status, DYLUMO_NO_MEMORY);
    }
}
