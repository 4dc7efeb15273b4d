/* base_normal.c: known values, and there and back. */
#include "dy_test.h"

#include <math.h>

static void known_values(void **state)
{
    (void)state;
    /* scipy.stats.norm.ppf of the same doubles */
    static const double known[][2] = {
        {0.5, 0},
        {0.975, 1.959963984540054},
        {0.1, -1.2815515655446004},
        {0.075, -1.4395314709384563},
        {1e-10, -6.361340902404056},
        {1e-100, -21.273453560965322},
        {0.999999, 4.753424308817087},
    };
    for (size_t i = 0; i < DY_COUNT(known); i++)
        assert_true(fabs(dy_normal_quantile(known[i][0]) - known[i][1]) <=
                    2e-14 * (1 + fabs(known[i][1])));
    assert_true(isinf(dy_normal_quantile(0)) && isinf(dy_normal_quantile(1)));
    assert_true(isnan(dy_normal_quantile(-0.1)) && isnan(dy_normal_quantile(NAN)));
}

static void there_and_back(void **state)
{
    (void)state;
    for (int i = 1; i < 10000; i++) {
        double p = i / 10000.0;
        assert_true(fabs(dy_normal_share(dy_normal_quantile(p)) - p) < 1e-15);
    }
    for (double z = -30; z < 0; z += 0.01)
        assert_true(fabs(dy_normal_quantile(dy_normal_share(z)) - z) < 1e-13 * (1 - z));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
