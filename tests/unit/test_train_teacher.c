/* The teacher against its formula in double precision by Gaussian elimination, and whom it does not
 * listen to. */
#include "dy_test.h"
#include "train_teacher.h"

#include <math.h>
#include <string.h>

enum { PICTURES = 90, WIDE = 6, VIEWS = 2, HELD = 1, MISSING = 4 };

static struct dylumo_error err;
static float views[PICTURES][VIEWS][WIDE];
static const float *at[PICTURES * VIEWS];
static struct dy_picture items[PICTURES];
static uint8_t fold[PICTURES];
static struct dy_pictures pictures = {.items = items, .count = PICTURES, .sets = 1};
static struct dy_embeddings embeddings = {
    .dimension = WIDE, .views = VIEWS, .count = PICTURES, .at = at};

/* Every third is rated, the others have a word; every fifth is held out, one cannot be read. */
static void make_world(void)
{
    struct train_random random = train_random_of(3);
    for (size_t p = 0; p < PICTURES; p++) {
        double valence = 0;
        for (size_t i = 0; i < WIDE; i++) {
            double x = train_random_normal(&random);
            valence += i < 2 ? x : 0;
            for (size_t v = 0; v < VIEWS; v++) {
                views[p][v][i] = (float)(x + 0.1 * train_random_normal(&random));
                at[p * VIEWS + v] = p == MISSING ? NULL : views[p][v];
            }
        }
        items[p] = (struct dy_picture){.emotion = p % 3 ? (int)(p % 7) : -1,
                                       .rated = p % 3 == 0,
                                       .valence = valence,
                                       .arousal = -valence};
        fold[p] = p == MISSING ? TRAIN_NO_FOLD : p % 5 == 0 ? HELD : 0;
    }
}

static void teach(float taught[PICTURES][2], struct train_fit *fit, unsigned threads)
{
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    struct dy_workers *workers;
    struct train_recipe recipe = *train_recipe_named("default");
    assert_ok(dy_workers_new(&workers, threads, &err));
    struct train_data data = {.recipe = &recipe,
                              .pictures = &pictures,
                              .embeddings = &embeddings,
                              .fold = fold,
                              .seed = 1,
                              .workers = workers};
    assert_ok(train_fit_init(fit, &data, HELD, 0, &err));
    assert_true(train_can_teach(fit));
    assert_ok(train_teach(fit, &context, *taught, &err));
    dy_workers_free(workers);
}

/* ------------------------------------------------------------------ the formula */

static double covariance(const struct train_fit *fit, size_t example, size_t other, bool mean)
{
    double sum = 0;
    for (size_t i = 0; i < WIDE; i++) {
        double x = ((double)views[example][0][i] + (double)views[example][1][i]) / 2;
        double y = mean ? ((double)views[other][0][i] + (double)views[other][1][i]) / 2
                        : (double)views[other][0][i];
        double d = (x - y) * (double)fit->scale[i];
        sum += d * d / WIDE;
    }
    return exp(-sum);
}

static double said(const struct train_fit *fit, size_t p)
{
    const struct train_recipe *recipe = train_recipe_named("default");
    double mean = 0;
    if (items[p].rated)
        return (double)fit->valence[p];
    for (unsigned e = 0; e < DYLUMO_EMOTION_COUNT; e++)
        mean += dy_normal_quantile((double)recipe->place_valence[e]) / DYLUMO_EMOTION_COUNT;
    return dy_normal_quantile((double)recipe->place_valence[items[p].emotion]) - mean;
}

/* Solves in place; positive definite, so without a pivot. */
static void eliminate(double a[PICTURES][PICTURES + 1], size_t count)
{
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < count; i++) {
            double share = a[i][k] / a[k][k];
            for (size_t j = k; i != k && j <= count; j++)
                a[i][j] -= share * a[k][j];
        }
    for (size_t i = 0; i < count; i++)
        a[i][count] /= a[i][i];
}

static void it_says_what_the_formula_says(void **state)
{
    (void)state;
    static float taught[PICTURES][2];
    static double a[PICTURES][PICTURES + 1];
    size_t example[PICTURES], count = 0;
    struct train_fit fit;
    make_world();
    teach(taught, &fit, 2);
    for (size_t p = 0; p < PICTURES; p++)
        if (fold[p] == 0)
            example[count++] = p;
    for (size_t i = 0; i < count; i++) {
        bool rated = items[example[i]].rated;
        for (size_t j = 0; j < count; j++)
            a[i][j] = covariance(&fit, example[i], example[j], true) *
                      (rated == items[example[j]].rated ? 1 : 0.7);
        a[i][i] += rated ? 0.3 : 1;
        a[i][count] = said(&fit, example[i]);
    }
    eliminate(a, count);
    for (size_t p = 0; p < PICTURES; p++) {
        double wanted = 0;
        for (size_t i = 0; i < count && p != MISSING; i++)
            wanted += covariance(&fit, example[i], p, false) * a[i][count] *
                      (items[example[i]].rated ? 1 : 0.7);
        assert_true(fabs((double)taught[p][0] - wanted) < 1e-3);
    }
    train_fit_clear(&fit);
}

static void held_out_labels_are_not_heard(void **state)
{
    (void)state;
    static float before[PICTURES][2], after[PICTURES][2];
    struct train_fit fit;
    make_world();
    teach(before, &fit, 1);
    train_fit_clear(&fit);
    for (size_t p = 0; p < PICTURES; p++)
        if (fold[p] == HELD) {
            items[p].valence = 3;
            items[p].emotion = items[p].emotion < 0 ? -1 : 1;
        }
    teach(after, &fit, 3);
    train_fit_clear(&fit);
    assert_memory_equal(before, after, sizeof before);
}

static void nothing_to_teach_without_words_or_ratings(void **state)
{
    (void)state;
    struct train_recipe recipe = *train_recipe_named("default");
    struct train_data data = {.recipe = &recipe};
    struct train_fit fit = {.data = &data, .rated_count = 3};
    assert_false(train_can_teach(&fit));
    fit.emotion_count[2] = 1;
    assert_true(train_can_teach(&fit));
    fit.rated_count = 0;
    assert_false(train_can_teach(&fit));
    recipe = *train_recipe_named("plain");
    fit.rated_count = 3;
    assert_false(train_can_teach(&fit));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_what_the_formula_says),
        cmocka_unit_test(held_out_labels_are_not_heard),
        cmocka_unit_test(nothing_to_teach_without_words_or_ratings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
