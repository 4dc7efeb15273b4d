/* The AVX2 forms against the scalar ones, for every row length up to a few vectors and numbers as
 * CLIPs have them, outliers too. Tolerances follow from the polynomials: exp to 2e-7 of the value,
 * erf to 1.5e-7, sums in another order. */
#include "dy_test.h"
#include "encoder_kernels.h"

#include <math.h>

enum { MOST = 77 };

static const struct encoder_kernels *scalar, *fast;
static float row[MOST], gain[MOST], bias[MOST], a[MOST + 1], b[MOST + 1];

static uint32_t seed;

static float draw(float size)
{
    seed = seed * 1664525U + 1013904223U;
    return size * ((float)(seed >> 8) / 8388608.0F - 1.0F);
}

static int set_up(void **state)
{
    (void)state;
    const struct dy_cpu none = {0}, cpu = dy_cpu_read();
    scalar = encoder_kernels(&none);
    fast = encoder_kernels(&cpu);
    if (fast == scalar)
        print_message("skipped: no AVX2 here, so there is one form only\n");
    return 0;
}

static void paint(float size)
{
    for (size_t i = 0; i < MOST; i++) {
        row[i] = draw(size);
        gain[i] = draw(2);
        bias[i] = draw(1);
    }
    row[MOST / 2] *= 40;
}

/* Both forms' answers [count], within share of the larger of 1 and the number; nothing past them.
 */
static void compare(size_t count, double share)
{
    for (size_t i = 0; i < count; i++) {
        double size = fabs((double)a[i]);
        if (!(fabs((double)a[i] - (double)b[i]) <= share * (size > 1 ? size : 1)))
            fail_msg("number %zu of %zu: %.9g, expected %.9g", i, count, (double)b[i],
                     (double)a[i]);
    }
    assert_true(a[count] == 7 && b[count] == 7);
}

static void begin(size_t count)
{
    memcpy(a, row, count * sizeof *a);
    memcpy(b, row, count * sizeof *b);
    a[count] = b[count] = 7;
}

static void norm_has_its_mean_and_variance(void **state)
{
    (void)state;
    const float in[4] = {1, 2, 3, 4}, ones[4] = {1, 1, 1, 1}, halves[4] = {.5F, .5F, .5F, .5F};
    float out[4];
    scalar->norm(out, in, ones, halves, 4);
    for (int i = 0; i < 4; i++)
        assert_true(fabs((double)out[i] - ((i - 1.5) / sqrt(1.25 + 1e-5) + 0.5)) < 1e-6);
}

static void activations_are_their_formulas(void **state)
{
    (void)state;
    float x[3] = {-2, 0, 1.5F}, y[3] = {-2, 0, 1.5F};
    scalar->gelu(x, 3);
    scalar->quick_gelu(y, 3);
    const double gelu[3] = {-0.0455003, 0, 1.3997892}, quick[3] = {-0.0643414, 0, 1.3916622};
    for (int i = 0; i < 3; i++) {
        assert_true(fabs((double)x[i] - gelu[i]) < 1e-6);
        assert_true(fabs((double)y[i] - quick[i]) < 1e-6);
    }
}

static void both_forms_agree(void **state)
{
    (void)state;
    for (size_t count = 1; count <= MOST; count++) {
        paint(count % 2 ? 1.0F : 8.0F);
        begin(count);
        scalar->norm(a, row, gain, bias, count);
        fast->norm(b, row, gain, bias, count);
        compare(count, count == 1 ? 1 : 2e-5); /* one number's variance is 0: only rounding left */
        begin(count);
        scalar->softmax(a, 0.125F, count);
        fast->softmax(b, 0.125F, count);
        compare(count, 1e-6);
        begin(count);
        scalar->gelu(a, count);
        fast->gelu(b, count);
        compare(count, 1e-6);
        begin(count);
        scalar->quick_gelu(a, count);
        fast->quick_gelu(b, count);
        compare(count, 1e-6);
        begin(count);
        scalar->multiply(a, gain, count);
        fast->multiply(b, gain, count);
        compare(count, 0);
        begin(count);
        scalar->add(a, bias, count);
        fast->add(b, bias, count);
        compare(count, 0);
    }
}

static void softmax_takes_large_numbers(void **state)
{
    (void)state;
    const struct encoder_kernels *const forms[] = {scalar, fast};
    for (int f = 0; f < 2; f++) {
        float x[10] = {1e4F, -1e4F, 1e4F, 0, 0, 0, 0, 0, 0, 9e3F};
        forms[f]->softmax(x, 1, 10);
        for (int i = 0; i < 10; i++)
            assert_true(fabsf(x[i] - (i == 0 || i == 2 ? 0.5F : 0)) < 1e-6F);
    }
}

static void rounding_restores_the_row(void **state)
{
    (void)state;
    const struct encoder_kernels *const forms[] = {scalar, fast};
    uint8_t bytes[2][MOST + 1];
    for (size_t count = 1; count <= MOST; count++) {
        struct encoder_rounding rounding[2];
        paint(3);
        for (int f = 0; f < 2; f++) {
            bytes[f][count] = 77;
            rounding[f] = forms[f]->round(bytes[f], row, count);
            assert_int_equal(bytes[f][count], 77);
            for (size_t i = 0; i < count; i++) {
                float back = rounding[f].least + rounding[f].step * (float)bytes[f][i];
                assert_true(fabsf(back - row[i]) <= 0.501F * rounding[f].step);
            }
        }
        assert_true(rounding[0].step == rounding[1].step && rounding[0].least == rounding[1].least);
        assert_memory_equal(bytes[0], bytes[1], count);
    }
}

static void a_row_of_zeros_stays_one(void **state)
{
    (void)state;
    const struct encoder_kernels *const forms[] = {scalar, fast};
    const float zeros[9] = {0};
    for (int f = 0; f < 2; f++) {
        uint8_t bytes[9];
        struct encoder_rounding rounding = forms[f]->round(bytes, zeros, 9);
        for (int i = 0; i < 9; i++)
            assert_true(rounding.least + rounding.step * (float)bytes[i] == 0);
    }
}

static void sums_of_bytes_become_numbers(void **state)
{
    (void)state;
    float step[MOST], sum[MOST];
    const struct encoder_rounding rounding = {0.03F, -1.7F};
    for (size_t count = 1; count <= MOST; count++) {
        paint(30000);
        for (size_t i = 0; i < count; i++) {
            step[i] = 0.001F + fabsf(draw(0.01F));
            sum[i] = draw(3);
        }
        const struct encoder_restoring by = {step, sum, bias};
        begin(count);
        scalar->restore(a, &by, rounding, count);
        fast->restore(b, &by, rounding, count);
        compare(count, 1e-5);
        double wanted = (double)row[0] * (double)step[0] * (double)rounding.step +
                        (double)sum[0] * (double)rounding.least + (double)bias[0];
        assert_true(fabs((double)a[0] - wanted) < 1e-5 * (1 + fabs(wanted)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norm_has_its_mean_and_variance),
        cmocka_unit_test(activations_are_their_formulas),
        cmocka_unit_test(both_forms_agree),
        cmocka_unit_test(softmax_takes_large_numbers),
        cmocka_unit_test(rounding_restores_the_row),
        cmocka_unit_test(a_row_of_zeros_stays_one),
        cmocka_unit_test(sums_of_bytes_become_numbers),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
