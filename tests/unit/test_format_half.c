/* format_half.c: every half and bfloat16 there and back, and rounding at the edges. */
#include "dy_format.h"
#include "dy_test.h"

#include <math.h>

static void every_half_survives(void **state)
{
    (void)state;
    for (uint32_t half = 0; half < 65536; half++) {
        float value = dy_f16_to_f32((uint16_t)half);
        bool nan = (half & 0x7C00u) == 0x7C00u && (half & 0x3FFu);
        assert_int_equal(isnan(value) != 0, nan);
        assert_int_equal(dy_f16_from_f32(value), nan ? half | 0x200u : half);
    }
}

static void known_values(void **state)
{
    (void)state;
    assert_true(dy_f16_to_f32(0x3C00) == 1.0f);
    assert_true(dy_f16_to_f32(0xC000) == -2.0f);
    assert_true(dy_f16_to_f32(0x7BFF) == 65504.0f);
    assert_true(dy_f16_to_f32(0x0001) == 0x1p-24f);
    assert_true(isinf(dy_f16_to_f32(0x7C00)));
}

static void ties_go_to_even(void **state)
{
    (void)state;
    assert_int_equal(dy_f16_from_f32(1.0f + 0x1p-11f), 0x3C00);
    assert_int_equal(dy_f16_from_f32(1.0f + 3 * 0x1p-11f), 0x3C02);
    assert_int_equal(dy_f16_from_f32(1.0f + 0x1.004p-11f), 0x3C01);
    assert_int_equal(dy_f16_from_f32(65519.996f), 0x7BFF);
    assert_int_equal(dy_f16_from_f32(65520.0f), 0x7C00);
    assert_int_equal(dy_f16_from_f32(0x1p-25f), 0);
    assert_int_equal(dy_f16_from_f32(0x1.8p-25f), 1);
    assert_int_equal(dy_f16_from_f32(-0x1p-26f), 0x8000);
    assert_int_equal(dy_f16_from_f32(0x1.FFEp-15f), 0x0400); /* carries into the normal numbers */
    assert_int_equal(dy_f16_from_f32(1e30f), 0x7C00);
}

static void bf16_survives_and_rounds(void **state)
{
    (void)state;
    for (uint32_t narrow = 0; narrow < 65536; narrow++)
        if ((narrow & 0x7F80u) != 0x7F80u)
            assert_int_equal(dy_bf16_from_f32(dy_bf16_to_f32((uint16_t)narrow)), narrow);
    assert_int_equal(dy_bf16_from_f32(1.0f), 0x3F80);
    assert_int_equal(dy_bf16_from_f32(1.0f + 0x1p-8f), 0x3F80);
    assert_int_equal(dy_bf16_from_f32(1.0f + 3 * 0x1p-8f), 0x3F82);
    assert_int_equal(dy_bf16_from_f32(1.0f + 0x1.01p-8f), 0x3F81);
    assert_int_equal(dy_bf16_from_f32(-2.0f), 0xC000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_survives),
        cmocka_unit_test(known_values),
        cmocka_unit_test(ties_go_to_even),
        cmocka_unit_test(bf16_survives_and_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
