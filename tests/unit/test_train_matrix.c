/* Cholesky's factor by bands: the known solution, the same bits on any number of threads, and what
 * has no factor. */
#include "dy_test.h"
#include "train_matrix.h"
#include "train_random.h"

#include <math.h>
#include <string.h>

enum { COUNT = 300, RANK = 40 }; /* three bands, the last one short */

static struct dylumo_error err;
static float matrix[COUNT * COUNT], again[COUNT * COUNT];

/* B B' + identity, of which only the lower triangle is filled. */
static void fill_matrix(float *to, double first)
{
    static double b[COUNT][RANK];
    struct train_random random = train_random_of(1);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t k = 0; k < RANK; k++)
            b[i][k] = train_random_normal(&random) / 8;
    memset(to, 0, sizeof matrix);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = i == j ? first : 0;
            for (size_t k = 0; k < RANK; k++)
                sum += b[i][k] * b[j][k];
            to[i * COUNT + j] = (float)sum;
        }
}

static void the_factor_solves(void **state)
{
    (void)state;
    double wanted[COUNT], x[COUNT] = {0};
    struct dy_workers *workers;
    assert_ok(dy_workers_new(&workers, 2, &err));
    fill_matrix(matrix, 1);
    for (size_t i = 0; i < COUNT; i++)
        wanted[i] = sin((double)i);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < COUNT; j++)
            x[i] += (double)(j <= i ? matrix[i * COUNT + j] : matrix[j * COUNT + i]) * wanted[j];
    assert_ok(train_factor(matrix, COUNT, workers, &err));
    train_factor_solve(matrix, COUNT, x);
    for (size_t i = 0; i < COUNT; i++)
        assert_true(fabs(x[i] - wanted[i]) < 1e-4);
    dy_workers_free(workers);
}

static void threads_do_not_change_the_factor(void **state)
{
    (void)state;
    struct dy_workers *one, *three;
    assert_ok(dy_workers_new(&one, 1, &err));
    assert_ok(dy_workers_new(&three, 3, &err));
    fill_matrix(matrix, 1);
    fill_matrix(again, 1);
    assert_ok(train_factor(matrix, COUNT, one, &err));
    assert_ok(train_factor(again, COUNT, three, &err));
    for (size_t i = 0; i < COUNT; i++)
        assert_memory_equal(matrix + i * COUNT, again + i * COUNT, (i + 1) * sizeof *matrix);
    dy_workers_free(one);
    dy_workers_free(three);
}

static void what_has_no_factor_is_told(void **state)
{
    (void)state;
    struct dy_workers *workers;
    assert_ok(dy_workers_new(&workers, 1, &err));
    fill_matrix(matrix, -1);
    assert_fails(train_factor(matrix, COUNT, workers, &err), DYLUMO_BAD_ARGUMENT,
                 "no one solution");
    dy_workers_free(workers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_factor_solves),
        cmocka_unit_test(threads_do_not_change_the_factor),
        cmocka_unit_test(what_has_no_factor_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
