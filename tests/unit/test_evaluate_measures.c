/* evaluate_measures.c, evaluate_calibration.c, evaluate_variety.c against scipy and scikit-learn:
 * golden/evaluate_measures.py makes the same data from the same formula and prints the numbers. */
#include "dy_evaluate.h"
#include "dy_test.h"

#include <math.h>

#define N 500
#define C 7
/* both sides sum 500 doubles of about 1, in another order */
#define TOLERANCE 1e-12

/* cmocka before 1.1.6 has none for double */
#define assert_near(value, expected, tolerance)                                 \
    do {                                                                        \
        double value_ = (value), expected_ = (expected);                        \
        if (!(fabs(value_ - expected_) <= (tolerance)))                         \
            fail_msg("%s is %.15f, expected %.15f", #value, value_, expected_); \
    } while (0)

static struct dylumo_error err;
static double smooth[N], other[N], tied[N], score[N], counts[N], balance[N], p[N * C];
static int8_t side[N];
static uint8_t truth[N];
static double scratch[2 * N];

static uint64_t draw(uint64_t i, uint64_t salt)
{
    uint64_t z = i * 0x9E3779B97F4A7C15ULL + salt * 0xD1342543DE82EF95ULL + 1;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

static double share(uint64_t i, uint64_t salt)
{
    return (double)(draw(i, salt) >> 11) / 9007199254740992.0;
}

static void fill_probabilities(uint64_t i)
{
    double sum = 0.0;
    truth[i] = (uint8_t)(draw(i, 30) % C);
    for (uint64_t c = 0; c < C; c++) {
        double s = share(i, 10 + c);
        p[i * C + c] = s * s * s + 0.01 + (c == truth[i] ? 0.5 : 0.0);
        sum += p[i * C + c];
    }
    for (uint64_t c = 0; c < C; c++)
        p[i * C + c] /= sum;
}

static int fill(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < N; i++) {
        smooth[i] = share(i, 1);
        other[i] = 0.6 * share(i, 1) + 0.4 * share(i, 2);
        tied[i] = (double)(draw(i, 3) % 9) + rint(smooth[i] * 4.0);
        counts[i] = (double)(draw(i, 4) % 4);
        side[i] = (int8_t)((int)(draw(i, 5) % 3) - 1);
        score[i] = tied[i] + side[i];
        balance[i] = (smooth[i] > 0.5 ? 0.25 : 3.0) * counts[i];
        fill_probabilities(i);
    }
    return 0;
}

static double spearman(const double *x, const double *y, const double *weights)
{
    uint32_t order_x[N], order_y[N];
    struct dy_sorted sx = dy_sorted_of(x, N, order_x), sy = dy_sorted_of(y, N, order_y);
    return dy_measure_spearman(&sx, &sy, weights, scratch);
}

static void spearman_is_scipys(void **state)
{
    (void)state;
    assert_near(spearman(smooth, other, NULL), 0.833283045132180, TOLERANCE);
    assert_near(spearman(tied, smooth, NULL), 0.457779711011881, TOLERANCE);
    assert_near(spearman(tied, score, NULL), 0.962297550017201, TOLERANCE);
    assert_near(spearman(tied, score, counts), 0.960522384448248, TOLERANCE);
}

static void spearman_of_a_constant_is_none(void **state)
{
    (void)state;
    double same[N];
    for (size_t i = 0; i < N; i++)
        same[i] = 0.3;
    assert_true(isnan(spearman(same, smooth, NULL)));
    assert_true(isnan(spearman(smooth, same, counts)));
    double one[N] = {1.0};
    assert_true(isnan(spearman(smooth, other, one)));
}

static void items_without_a_value_count_nothing(void **state)
{
    (void)state;
    double holes[N], weights[N];
    for (size_t i = 0; i < N; i++) {
        holes[i] = counts[i] > 0.0 ? tied[i] : (double)NAN;
        weights[i] = counts[i];
    }
    assert_near(spearman(holes, score, weights), 0.960522384448248, TOLERANCE);
}

static void auc_is_sklearns(void **state)
{
    (void)state;
    uint32_t order[N];
    struct dy_sorted sorted = dy_sorted_of(score, N, order);
    assert_near(dy_measure_auc(&sorted, side, NULL), 0.651604199009389, TOLERANCE);
    assert_near(dy_measure_auc(&sorted, side, counts), 0.649523228042452, TOLERANCE);
    assert_near(dy_measure_auc(&sorted, side, balance), 0.695177990271557, TOLERANCE);
    int8_t nobody[N] = {1};
    assert_true(isnan(dy_measure_auc(&sorted, nobody, NULL)));
}

static void feature_errors_are_sklearns(void **state)
{
    (void)state;
    assert_near(dy_measure_r2(smooth, other, N), 0.671742733895874, TOLERANCE);
    assert_near(dy_measure_mae(smooth, other, N), 0.141050877447523, TOLERANCE);
    double same[3] = {2.0, 2.0, 2.0};
    assert_true(isnan(dy_measure_r2(same, other, 3)));
}

static void calibration_is_the_formulas(void **state)
{
    (void)state;
    struct dy_calibration calibration;
    dy_calibration_top(&calibration, p, truth, NULL, N, C);
    assert_near(calibration.error, 0.144990414842813, TOLERANCE);
    dy_calibration_top(&calibration, p, truth, counts, N, C);
    assert_near(calibration.error, 0.159621885119089, TOLERANCE);
    dy_calibration_class(&calibration, p, truth, NULL, N, C, 3);
    assert_near(calibration.error, 0.065040722724426, TOLERANCE);
    double sum = 0.0;
    for (size_t b = 0; b < DY_CALIBRATION_BINS; b++)
        sum += calibration.weight[b];
    assert_near(sum, 1.0, TOLERANCE);
    double sure[2] = {1.0, 0.0}; /* both ends of the range have a bin */
    uint8_t first = 0;
    dy_calibration_class(&calibration, sure, &first, NULL, 1, 2, 1);
    assert_near(calibration.error, 0.0, TOLERANCE);
}

static void confusion_is_sklearns(void **state)
{
    (void)state;
    static const double row[C] = {0, 6, 33, 4, 8, 3, 5};
    double table[C * C];
    dy_measure_confusion(table, p, truth, NULL, N, C);
    for (size_t c = 0; c < C; c++)
        assert_near(table[2 * C + c], row[c], 0.0);
    assert_near(dy_measure_macro_accuracy(table, C), 0.535933483278966, TOLERANCE);
    dy_measure_confusion(table, p, truth, counts, N, C);
    assert_near(dy_measure_macro_accuracy(table, C), 0.550530838081775, TOLERANCE);
}

static void interval_is_numpys(void **state)
{
    (void)state;
    double replicates[N + 1];
    memcpy(replicates, smooth, sizeof smooth);
    replicates[N] = (double)NAN;
    struct dy_figure figure = {0.5, 0, 0};
    dy_figure_interval(&figure, replicates, N + 1);
    assert_near(figure.low, 0.025371626087548, TOLERANCE);
    assert_near(figure.high, 0.986544508529033, TOLERANCE);
    dy_figure_interval(&figure, replicates, 0);
    assert_true(isnan(figure.low));
}

static void variety_is_counted(void **state)
{
    (void)state;
    /* three answers of up to four songs; songs 0 to 5 by artists 0, 0, 1, 2, 2, 3 */
    static const uint32_t songs[] = {0, 1, 2, 3, 0, 2, 4, DY_NO_SONG, 0, DY_NO_SONG, 9, 9};
    static const uint32_t artists[10] = {0, 0, 1, 2, 2, 3, 4, 4, 4, 4};
    struct dy_variety variety;
    assert_ok(dy_variety_count(&variety, songs, 2, 4, artists, 10, &err));
    assert_int_equal(variety.shown, 7);
    assert_int_equal(variety.different, 5);
    assert_int_equal(variety.most, 2);
    assert_int_equal(variety.most_song, 0);
    assert_int_equal(variety.histogram[0], 3);
    assert_int_equal(variety.histogram[1], 2);
    assert_int_equal(variety.different_artists, 3);
    assert_near(variety.artists, (3.0 / 4.0 + 3.0 / 3.0) / 2.0, TOLERANCE);
    uint32_t often[200];
    for (size_t i = 0; i < DY_COUNT(often); i++)
        often[i] = i < 130 ? 3 : i < 150 ? 2 : 1;
    assert_ok(dy_variety_count(&variety, often, 20, 10, NULL, 10, &err));
    assert_int_equal(variety.histogram[DY_SHOWS_BINS - 1], 1);
    assert_int_equal(variety.histogram[6], 1);
    assert_int_equal(variety.histogram[7], 1);
}

static enum dylumo_status count_once(void *user)
{
    (void)user;
    static const uint32_t songs[] = {0, 1};
    struct dy_variety variety;
    return dy_variety_count(&variety, songs, 1, 2, NULL, 2, &err);
}

static void variety_without_memory_fails(void **state)
{
    (void)state;
    test_every_allocation(count_once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spearman_is_scipys),
        cmocka_unit_test(spearman_of_a_constant_is_none),
        cmocka_unit_test(items_without_a_value_count_nothing),
        cmocka_unit_test(auc_is_sklearns),
        cmocka_unit_test(feature_errors_are_sklearns),
        cmocka_unit_test(calibration_is_the_formulas),
        cmocka_unit_test(confusion_is_sklearns),
        cmocka_unit_test(interval_is_numpys),
        cmocka_unit_test(variety_is_counted),
        cmocka_unit_test(variety_without_memory_fails),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
