/* train_measure.c: known values, ties, and what is not told. */
#include "dy_test.h"
#include "train_measure.h"

#include <math.h>

static void ties_share_their_rank(void **state)
{
    (void)state;
    const double values[] = {3, 1, 3, 2, 3};
    double ranks[5];
    assert_true(train_ranks(values, 5, ranks));
    assert_true(ranks[0] == 4 && ranks[1] == 1 && ranks[2] == 4 && ranks[3] == 2);
    assert_true(train_normal_scores(values, 5, ranks));
    assert_true(fabs(ranks[1] - dy_normal_quantile(1 / 6.0)) < 1e-12);
}

static void spearman_is_scipys(void **state)
{
    (void)state;
    const double x[] = {1, 2, 2, 4, 5, 6}, y[] = {2, 1, 3, 3, 6, 5}, flat[6] = {0};
    assert_true(fabs(train_spearman(x, y, 6) - 0.8088235294117647) < 1e-12);
    assert_true(isnan(train_spearman(x, flat, 6)));
    assert_true(isnan(train_spearman(x, y, 2)));
}

static void auc_is_the_mean_over_pairs_of_classes(void **state)
{
    (void)state;
    const double scores[] = {1, 2, 3, 3, 5};
    const int class[] = {0, 0, 1, 2, 2};
    const float side[] = {-1, 1, 1}, none[] = {1, 1, 0};
    assert_true(train_pair_auc(scores, class, 5, side, 3) == 1);
    const float other[] = {-1, -1, 1};
    assert_true(fabs(train_pair_auc(scores, class, 5, other, 3) - (1 + 0.75) / 2) < 1e-12);
    assert_true(isnan(train_pair_auc(scores, class, 5, none, 3)));
}

static void quantiles_are_weighted(void **state)
{
    (void)state;
    const double values[] = {30, 10, 20}, weights[] = {2, 1, 1};
    const float level[] = {0.01f, 0.125f, 0.25f, 0.375f, 0.75f, 0.99f};
    const float right[] = {10, 10, 15, 20, 30, 30};
    float table[6];
    assert_true(train_quantiles(values, weights, 3, level, 6, table));
    for (unsigned i = 0; i < 6; i++)
        assert_true(fabsf(table[i] - right[i]) < 1e-5f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ties_share_their_rank),
        cmocka_unit_test(spearman_is_scipys),
        cmocka_unit_test(auc_is_the_mean_over_pairs_of_classes),
        cmocka_unit_test(quantiles_are_weighted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
