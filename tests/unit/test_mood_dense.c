/* mood_dense.c: every form this processor has against the formula in double precision. */
#include "dy_format.h"
#include "dy_test.h"
#include "mood_dense.h"

#include <math.h>

#define ROWS_MAX 5
#define COLUMNS_MAX 300

static uint16_t weight[ROWS_MAX * COLUMNS_MAX];
static float bias[ROWS_MAX], x[COLUMNS_MAX];

static uint32_t random_state = 1;

static float random_float(void) /* -1 to 1 */
{
    random_state = random_state * 1664525u + 1013904223u;
    return (float)(random_state >> 8) / 8388608.0f - 1.0f;
}

static void check(dy_mood_dense *dense, size_t rows, size_t columns, bool relu)
{
    float y[ROWS_MAX];
    dense(weight, bias, x, y, rows, columns, relu);
    for (size_t row = 0; row < rows; row++) {
        double sum = (double)bias[row], size = fabs(sum);
        for (size_t i = 0; i < columns; i++) {
            double term = (double)dy_f16_to_f32(weight[row * columns + i]) * (double)x[i];
            sum += term;
            size += fabs(term);
        }
        double right = relu && sum < 0 ? 0 : sum;
        assert_true(fabs((double)y[row] - right) <= 1e-6 * size);
    }
}

static void all_forms_agree(void **state)
{
    (void)state;
    struct dy_cpu cpu = dy_cpu_read(), avx2 = cpu, scalar = cpu;
    avx2.avx512 = scalar.avx512 = scalar.avx2 = false;
    for (size_t i = 0; i < DY_COUNT(weight); i++)
        weight[i] = dy_f16_from_f32(random_float() * (i % 7 ? 1.0f : 1e-6f)); /* subnormals too */
    for (size_t i = 0; i < COLUMNS_MAX; i++)
        x[i] = random_float();
    for (size_t columns = 1; columns <= COLUMNS_MAX; columns += columns < 70 ? 1 : 23) {
        for (unsigned relu = 0; relu < 2; relu++) {
            check(dy_mood_dense_for(&scalar), ROWS_MAX, columns, relu);
            check(dy_mood_dense_for(&avx2), ROWS_MAX, columns, relu);
            check(dy_mood_dense_for(&cpu), ROWS_MAX, columns, relu);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_forms_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
