/* evaluate_bootstrap.c: draws keep their strata, do not depend on threads, and give the interval
 * that theory gives for a mean. */
#include "dy_evaluate.h"
#include "dy_test.h"

#include <math.h>

#define N 400
#define R 2000

/* cmocka before 1.1.6 has none for double */
#define assert_near(value, expected, tolerance)                                 \
    do {                                                                        \
        double value_ = (value), expected_ = (expected);                        \
        if (!(fabs(value_ - expected_) <= (tolerance)))                         \
            fail_msg("%s is %.15f, expected %.15f", #value, value_, expected_); \
    } while (0)

static struct dylumo_error err;
static uint8_t strata[N];
static double values[N];

struct means {
    double mean[R];
    double first[R]; /* draws in stratum 0 */
};

static void measure(void *user, size_t replicate, const double *drawn, double *scratch)
{
    struct means *means = user;
    scratch[0] = scratch[1] = 0.0;
    for (size_t i = 0; i < N; i++) {
        scratch[0] += drawn[i] * values[i];
        scratch[1] += strata[i] == 0 ? drawn[i] : 0.0;
    }
    means->mean[replicate] = scratch[0] / N;
    means->first[replicate] = scratch[1];
}

static enum dylumo_status run(struct means *means, unsigned threads, uint64_t seed)
{
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.threads = threads;
    struct dy_bootstrap bootstrap = {N, strata, R, seed, 2, measure, means};
    return dy_bootstrap_run(&bootstrap, &context, &err);
}

static int fill(void **state)
{
    (void)state;
    struct dy_evaluate_random random = {7};
    for (size_t i = 0; i < N; i++) {
        strata[i] = (uint8_t)(i % 5 == 0 ? 0 : 200);
        values[i] = (double)dy_evaluate_random_below(&random, 1000) / 1000.0;
    }
    return 0;
}

static void threads_do_not_change_the_draws(void **state)
{
    (void)state;
    static struct means one, three, other;
    assert_ok(run(&one, 1, 5));
    assert_ok(run(&three, 3, 5));
    assert_memory_equal(&one, &three, sizeof one);
    assert_ok(run(&other, 3, 6));
    assert_memory_not_equal(&one, &other, sizeof one);
}

static void strata_keep_their_size(void **state)
{
    (void)state;
    static struct means means;
    assert_ok(run(&means, 2, 1));
    for (size_t r = 0; r < R; r++)
        assert_near(means.first[r], N / 5, 0.0);
}

static void interval_of_a_mean_is_the_normal_one(void **state)
{
    (void)state;
    static struct means means;
    double mean = 0.0, variance = 0.0;
    for (size_t i = 0; i < N; i++)
        mean += values[i] / N;
    for (size_t i = 0; i < N; i++)
        variance += (values[i] - mean) * (values[i] - mean) / N;
    double half = 1.96 * sqrt(variance / N);
    struct dy_figure figure = {mean, 0, 0};
    assert_ok(run(&means, 2, 1));
    dy_figure_interval(&figure, means.mean, R);
    assert_near(figure.low, mean - half, 0.15 * half);
    assert_near(figure.high, mean + half, 0.15 * half);
}

static void numbers_below_a_bound_are_even(void **state)
{
    (void)state;
    struct dy_evaluate_random random = {42};
    size_t seen[6] = {0};
    for (size_t i = 0; i < 60000; i++)
        seen[dy_evaluate_random_below(&random, 6)]++;
    for (size_t i = 0; i < 6; i++)
        assert_true(seen[i] > 9600 && seen[i] < 10400);
}

static int always(void *user)
{
    (void)user;
    return 1;
}

static void it_can_be_stopped(void **state)
{
    (void)state;
    static struct means means;
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.cancelled = always;
    struct dy_bootstrap bootstrap = {N, strata, R, 1, 2, measure, &means};
    assert_fails(dy_bootstrap_run(&bootstrap, &context, &err), DYLUMO_CANCELLED, "stopped");
}

static enum dylumo_status run_small(void *user)
{
    return run(user, 2, 1);
}

static void without_memory_it_fails(void **state)
{
    (void)state;
    static struct means means;
    test_every_allocation(run_small, &means);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_change_the_draws),
        cmocka_unit_test(strata_keep_their_size),
        cmocka_unit_test(interval_of_a_mean_is_the_normal_one),
        cmocka_unit_test(numbers_below_a_bound_are_even),
        cmocka_unit_test(it_can_be_stopped),
        cmocka_unit_test(without_memory_it_fails),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
