/* evaluate_table.c and evaluate_report.c: columns are found, figures are those of the measures,
 * equal shares are the mean over pairs of emotions, leads have the right sign. */
#include "dy_evaluate.h"
#include "dy_test.h"

#include <math.h>

#define RATED 120
#define WORDED 300
#define N (RATED + WORDED)

static struct dylumo_error err;
static const char *names[N];
static const char *const set_names[] = {"rated", "worded"};
static double valence[N], arousal[N], good_valence[N], good_energy[N], noise[N], same[N];
static uint8_t emotion[N], set[N];
static struct dy_fit_pictures pictures = {N, names, valence, arousal, emotion, set, set_names, 2};

static double share(struct dy_evaluate_random *random)
{
    return (double)dy_evaluate_random_below(random, 1000000) / 1e6;
}

static int fill(void **state)
{
    (void)state;
    struct dy_evaluate_random random = {11};
    for (size_t i = 0; i < N; i++) {
        names[i] = "picture";
        set[i] = i >= RATED;
        valence[i] = i < RATED ? share(&random) : (double)NAN;
        arousal[i] = i < RATED ? share(&random) : (double)NAN;
        /* skewed: amusement is half of all */
        uint32_t draw = dy_evaluate_random_below(&random, 14);
        emotion[i] = i < RATED ? DY_FIT_NO_EMOTION : (uint8_t)(draw < 8 ? draw : 0);
        double up = i < RATED ? valence[i] : 0.15 * dy_fit_side(DY_FIT_POSITIVE, emotion[i]);
        double lively = i < RATED ? arousal[i] : 0.15 * dy_fit_side(DY_FIT_LIVELY, emotion[i]);
        good_valence[i] = up + 0.5 * share(&random);
        good_energy[i] = lively + 0.5 * share(&random);
        noise[i] = share(&random);
        same[i] = 0.5;
    }
    return 0;
}

static const struct dy_fit_ranking rankings[] = {
    {"good", {{{good_valence, good_energy}}}, {1, 0, 0}},
    {"noise", {{{noise, noise}}}, {1, 0, 0}},
    {"constant", {{{same, same}}}, {1, 0, 0}},
};

static const struct dy_figure *at(const struct dy_fit_table *table, size_t row, size_t column)
{
    return &table->figures[row * table->column_count + column];
}

static void columns_are_those_with_labels(void **state)
{
    (void)state;
    struct dy_fit_table table;
    assert_ok(dy_fit_table_fill(&table, &pictures, rankings, 3, 0, 1, NULL, &err));
    assert_int_equal(table.column_count, 4);
    assert_int_equal(table.columns[0].measure, DY_FIT_VALENCE);
    assert_int_equal(table.columns[0].pictures, RATED);
    assert_int_equal(table.columns[3].measure, DY_FIT_LIVELY);
    assert_int_equal(table.columns[3].set, 1);
    size_t without = 0; /* awe and disgust stand on neither side */
    for (size_t i = 0; i < N; i++)
        without += emotion[i] == DYLUMO_AWE || emotion[i] == DY_FIT_DISGUST;
    assert_int_equal(table.columns[3].pictures, WORDED - without);
    dy_fit_table_clear(&table);
}

/* The AUC of each pair of emotions on two sides, and their mean. */
static double mean_over_pairs(const double *scores)
{
    double sum = 0.0, pairs = 0.0;
    for (uint8_t a = 0; a <= DY_FIT_DISGUST; a++)
        for (uint8_t b = 0; b <= DY_FIT_DISGUST; b++) {
            if (dy_fit_side(DY_FIT_POSITIVE, a) <= 0 || dy_fit_side(DY_FIT_POSITIVE, b) >= 0)
                continue;
            int8_t side[N];
            uint32_t order[N];
            for (size_t i = 0; i < N; i++)
                side[i] = emotion[i] == a ? 1 : emotion[i] == b ? -1 : 0;
            struct dy_sorted sorted = dy_sorted_of(scores, N, order);
            sum += dy_measure_auc(&sorted, side, NULL);
            pairs += 1.0;
        }
    return sum / pairs;
}

static void equal_shares_are_the_mean_over_pairs(void **state)
{
    (void)state;
    struct dy_fit_table table;
    assert_ok(dy_fit_table_fill(&table, &pictures, rankings, 3, 0, 1, NULL, &err));
    assert_true(fabs(at(&table, 0, 2)->value - mean_over_pairs(good_valence)) < 1e-12);
    assert_true(fabs(at(&table, 1, 2)->value - mean_over_pairs(noise)) < 1e-12);
    dy_fit_table_clear(&table);
}

static void intervals_hold_the_figure_and_the_lead(void **state)
{
    (void)state;
    struct dy_fit_table table;
    assert_ok(dy_fit_table_fill(&table, &pictures, rankings, 3, 400, 1, NULL, &err));
    for (size_t c = 0; c < 4; c++) {
        assert_true(at(&table, 0, c)->low < at(&table, 0, c)->value);
        assert_true(at(&table, 0, c)->high > at(&table, 0, c)->value);
        assert_true(table.ahead[4 + c].low > 0.0); /* good beats noise */
        assert_true(table.ahead[8 + c].low > 0.0); /* and a constant */
        assert_true(table.ahead[c].low == 0.0 && table.ahead[c].high == 0.0);
    }
    assert_true(isnan(at(&table, 2, 0)->value)); /* a constant has no order */
    assert_true(at(&table, 2, 2)->value == 0.5);
    dy_fit_table_clear(&table);
}

static void seeds_and_threads(void **state)
{
    (void)state;
    struct dylumo_context one = DYLUMO_CONTEXT_INIT, three = DYLUMO_CONTEXT_INIT;
    one.threads = 1;
    three.threads = 3;
    struct dy_fit_table a, b;
    assert_ok(dy_fit_table_fill(&a, &pictures, rankings, 2, 50, 9, &one, &err));
    assert_ok(dy_fit_table_fill(&b, &pictures, rankings, 2, 50, 9, &three, &err));
    assert_memory_equal(a.figures, b.figures, 8 * sizeof *a.figures);
    assert_memory_equal(a.ahead, b.ahead, 8 * sizeof *a.ahead);
    dy_fit_table_clear(&a);
    dy_fit_table_clear(&b);
}

static void several_parts_are_averaged(void **state)
{
    (void)state;
    struct dy_fit_ranking both = {"both", {{{0}}}, {0, 2, 0}};
    both.scores[DY_FIT_PEOPLE][0] = (struct dy_fit_scores){good_valence, good_energy};
    both.scores[DY_FIT_PEOPLE][1] = (struct dy_fit_scores){noise, noise};
    struct dy_fit_table table, single;
    assert_ok(dy_fit_table_fill(&table, &pictures, &both, 1, 0, 1, NULL, &err));
    assert_ok(dy_fit_table_fill(&single, &pictures, rankings, 2, 0, 1, NULL, &err));
    assert_int_equal(table.columns[0].stage, DY_FIT_PEOPLE);
    double mean = 0.5 * (at(&single, 0, 0)->value + at(&single, 1, 0)->value);
    assert_true(fabs(at(&table, 0, 0)->value - mean) < 1e-12);
    dy_fit_table_clear(&table);
    dy_fit_table_clear(&single);
}

static void gains_add_up_to_spearman(void **state)
{
    (void)state;
    double gains[N], flat[N], sum = 0.0;
    for (size_t i = 0; i < N; i++)
        flat[i] = 0.0; /* no order in energy: only valence counts */
    struct dy_fit_scores scores = {good_valence, flat};
    assert_ok(dy_fit_gains(gains, &pictures, 0, &scores, &err));
    for (size_t i = 0; i < RATED; i++)
        sum += gains[i];
    struct dy_fit_table table;
    assert_ok(dy_fit_table_fill(&table, &pictures, rankings, 1, 0, 1, NULL, &err));
    /* places (i + 1/2) / n - 1/2 have the variance (1 - 1/n^2) / 12 */
    double variance = (1.0 - 1.0 / RATED / RATED) / 12.0;
    assert_true(fabs(sum / RATED / variance - at(&table, 0, 0)->value) < 1e-9);
    dy_fit_table_clear(&table);
}

static void shares_of_emotions_are_equal(void **state)
{
    (void)state;
    double weights[N], sums[DY_FIT_DISGUST + 1] = {0};
    dy_fit_equal_shares(weights, &pictures, 1, DYLUMO_EMOTION_COUNT);
    for (size_t i = 0; i < N; i++)
        if (emotion[i] <= DY_FIT_DISGUST)
            sums[emotion[i]] += weights[i];
    for (size_t e = 0; e < DYLUMO_EMOTION_COUNT; e++)
        assert_true(fabs(sums[e] - 1.0 / 7.0) < 1e-12);
    assert_true(sums[DY_FIT_DISGUST] == 0.0);
    assert_true(weights[0] == 0.0);
}

static enum dylumo_status fill_and_clear(void *user)
{
    (void)user;
    struct dy_fit_table table;
    enum dylumo_status st = dy_fit_table_fill(&table, &pictures, rankings, 2, 3, 1, NULL, &err);
    double gains[N];
    if (!st)
        st = dy_fit_gains(gains, &pictures, 0, &rankings[0].scores[DY_FIT_SONGS][0], &err);
    dy_fit_table_clear(&table);
    return st;
}

static void without_memory_it_fails(void **state)
{
    (void)state;
    test_every_allocation(fill_and_clear, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_those_with_labels),
        cmocka_unit_test(equal_shares_are_the_mean_over_pairs),
        cmocka_unit_test(intervals_hold_the_figure_and_the_lead),
        cmocka_unit_test(seeds_and_threads),
        cmocka_unit_test(several_parts_are_averaged),
        cmocka_unit_test(gains_add_up_to_spearman),
        cmocka_unit_test(shares_of_emotions_are_equal),
        cmocka_unit_test(without_memory_it_fails),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
