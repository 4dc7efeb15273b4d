/* base_workers.c: every task once, on any number of threads, many runs in a row. */
#include "dy_test.h"

#include <stdatomic.h>
#include <unistd.h>

static struct dylumo_error err;
static atomic_int done[1000];

static void step(void *user, size_t task)
{
    (void)user;
    atomic_fetch_add(&done[task], 1);
}

static void every_task_runs_once(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 4; threads++) {
        struct dy_workers *workers;
        assert_ok(dy_workers_new(&workers, threads, &err));
        assert_int_equal(dy_workers_count(workers), threads);
        for (int i = 0; i < 1000; i++)
            atomic_store(&done[i], 0);
        for (int run = 0; run < 50; run++)
            dy_workers_run(workers, (size_t)run * 20, step, NULL);
        for (int i = 0; i < 1000; i++)
            assert_int_equal(atomic_load(&done[i]), 49 - i / 20);
        dy_workers_free(workers);
    }
}

static void add_one(void *user, size_t task)
{
    (void)task;
    atomic_fetch_add((atomic_size_t *)user, 1);
}

/* So short that a run begins while others still look for it, or are about to sleep. */
static void runs_may_follow_each_other_at_once(void **state)
{
    (void)state;
    struct dy_workers *workers;
    atomic_size_t sum = 0;
    assert_ok(dy_workers_new(&workers, 3, &err));
    for (size_t run = 0; run < 5000; run++) {
        dy_workers_run(workers, run % 5, add_one, &sum);
        if (run % 1000 == 0)
            usleep(1000); /* long enough for all to sleep */
    }
    assert_int_equal(sum, 5000 / 5 * (0 + 1 + 2 + 3 + 4));
    dy_workers_free(workers);
}

static void no_workers_is_an_error(void **state)
{
    (void)state;
    struct dy_workers *workers;
    assert_fails(dy_workers_new(&workers, 0, &err), DYLUMO_BAD_ARGUMENT, "at least 1");
}

static enum dylumo_status new_and_free(void *user)
{
    (void)user;
    struct dy_workers *workers = NULL;
    enum dylumo_status st = dy_workers_new(&workers, 3, &err);
    dy_workers_free(workers);
    return st;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    test_every_allocation(new_and_free, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_runs_once),
        cmocka_unit_test(runs_may_follow_each_other_at_once),
        cmocka_unit_test(no_workers_is_an_error),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
