/* image_resize.c and image_kernels.c: the forms for AVX2 and AVX-512 agree with the scalar one to
 * the bit; sizes at the edges; orientations are what turning the result by hand gives where that is
 * exact. That the scalar form is Pillow's is shown by the golden pictures (test_image_load.c). */
#include "image_parts.h"

#include "dy_test.h"

#include <stdlib.h>

static struct dylumo_error err;

struct size {
    unsigned width, height;
};
static const struct size sizes[] = {
    {1, 1}, {1, 700}, {700, 1}, {3, 2}, {260, 260}, {259, 261}, {320, 256}, {1031, 517}, {33, 4000},
};

/* Noise with runs of black and white, so that sums overshoot on both sides. */
static uint8_t *noise_row(size_t bytes, unsigned *seed)
{
    uint8_t *row = dy_new_array(bytes + IMAGE_ROW_SLACK, 1);
    assert_non_null(row);
    for (size_t i = 0; i < bytes; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        unsigned value = *seed >> 20;
        row[i] = (uint8_t)(value < 1200 ? 0 : value > 2800 ? 255 : value);
    }
    return row;
}

static void resize_with(const struct image_kernels *kernels, struct size from, unsigned orientation,
                        const struct dy_image_target *target, uint8_t *pixels)
{
    struct image_resize resize;
    unsigned seed = 1;
    assert_ok(dy_image_resize_init(&resize, from.width, from.height, orientation, target, pixels,
                                   "noise", &err));
    if (kernels)
        resize.kernels = kernels;
    for (unsigned y = 0; y < from.height; y++) {
        uint8_t *row = noise_row((size_t)from.width * 3, &seed);
        dy_image_resize_row(&resize, row);
        dy_free(row);
    }
    dy_image_resize_clear(&resize);
}

static void all_forms_agree_to_the_bit(void **state)
{
    (void)state;
    const struct dy_cpu machine = dy_cpu_read(), plain = {0}, avx2 = {.avx2 = true};
    static const struct size targets[] = {{260, 260}, {37, 53}, {1, 1}};
    uint8_t expected[260 * 260 * 3], found[260 * 260 * 3];
    if (!machine.avx2)
        print_message("# no AVX2 here: the scalar form is compared with itself\n");
    for (size_t s = 0; s < DY_COUNT(sizes); s++)
        for (size_t t = 0; t < DY_COUNT(targets); t++)
            for (unsigned orientation = 1; orientation <= 8; orientation++) {
                struct dy_image_target target = {targets[t].width, targets[t].height, DY_FIT_SQUASH,
                                                 true};
                size_t bytes = (size_t)target.width * target.height * 3;
                resize_with(dy_image_kernels(&plain), sizes[s], orientation, &target, expected);
                resize_with(dy_image_kernels(&machine), sizes[s], orientation, &target, found);
                assert_memory_equal(found, expected, bytes);
                if (!machine.avx2)
                    continue;
                resize_with(dy_image_kernels(&avx2), sizes[s], orientation, &target, found);
                assert_memory_equal(found, expected, bytes);
            }
}

static void equal_sizes_are_copied(void **state)
{
    (void)state;
    struct dy_image_target target = {64, 48, DY_FIT_SQUASH, true};
    uint8_t found[64 * 48 * 3];
    unsigned seed = 1;
    resize_with(NULL, (struct size){64, 48}, 1, &target, found);
    for (unsigned y = 0; y < 48; y++) {
        uint8_t *row = noise_row((size_t)64 * 3, &seed);
        assert_memory_equal(found + (size_t)y * 64 * 3, row, (size_t)64 * 3);
        dy_free(row);
    }
}

/* EXIF 2.32, 4.6.4 A: where the raw pixel of an upright place lies. */
static void raw_place(unsigned orientation, struct size raw, unsigned x, unsigned y,
                      unsigned *raw_x, unsigned *raw_y)
{
    unsigned along = orientation >= 5 ? y : x, across = orientation >= 5 ? x : y;
    bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool from_below = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    *raw_x = from_right ? raw.width - 1 - along : along;
    *raw_y = from_below ? raw.height - 1 - across : across;
}

static void orientations_turn(void **state)
{
    (void)state;
    const struct size raw = {5, 3};
    uint8_t upright[5 * 3 * 3], turned[5 * 3 * 3];
    struct dy_image_target as_is = {5, 3, DY_FIT_SQUASH, true};
    resize_with(NULL, raw, 1, &as_is, upright);
    for (unsigned orientation = 1; orientation <= 8; orientation++) {
        struct dy_image_target target = as_is;
        if (orientation >= 5)
            target = (struct dy_image_target){3, 5, DY_FIT_SQUASH, true};
        resize_with(NULL, raw, orientation, &target, turned);
        for (unsigned y = 0; y < target.height; y++)
            for (unsigned x = 0; x < target.width; x++) {
                unsigned raw_x, raw_y;
                raw_place(orientation, raw, x, y, &raw_x, &raw_y);
                assert_memory_equal(turned + (y * target.width + x) * 3,
                                    upright + (raw_y * 5 + raw_x) * 3, 3);
            }
    }
}

static void a_crop_wants_a_square(void **state)
{
    (void)state;
    struct image_resize resize;
    struct dy_image_target target = {64, 48, DY_FIT_CROP, true};
    uint8_t pixels[1];
    assert_fails(dy_image_resize_init(&resize, 100, 100, 1, &target, pixels, "p.jpg", &err),
                 DYLUMO_BAD_ARGUMENT, "expected a square");
}

/* 7 pixels to 4: the middle begins at 1.5, which is 2 for torchvision and 1 for transformers. */
static void the_middle_is_rounded_as_the_reference_does(void **state)
{
    (void)state;
    static const struct {
        enum dy_image_fit fit;
        unsigned width, first;
    } cases[] = {
        {DY_FIT_CROP, 7, 2},       {DY_FIT_CROP_FLOOR, 7, 1}, {DY_FIT_CROP, 5, 0},
        {DY_FIT_CROP_FLOOR, 5, 0}, {DY_FIT_CROP, 9, 2},       {DY_FIT_CROP_FLOOR, 9, 2},
    };
    for (size_t i = 0; i < DY_COUNT(cases); i++) {
        const struct dy_image_target target = {4, 4, cases[i].fit, true};
        uint8_t pixels[4 * 4 * 3], row[9 * 3 + IMAGE_ROW_SLACK] = {0};
        struct image_resize resize;
        for (unsigned x = 0; x < cases[i].width; x++)
            row[x * 3] = row[x * 3 + 1] = row[x * 3 + 2] = (uint8_t)(10 * x);
        assert_ok(
            dy_image_resize_init(&resize, cases[i].width, 4, 1, &target, pixels, "p.jpg", &err));
        for (int y = 0; y < 4; y++)
            dy_image_resize_row(&resize, row);
        dy_image_resize_clear(&resize);
        for (unsigned x = 0; x < 4; x++)
            assert_int_equal(pixels[x * 3], 10 * (cases[i].first + x));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_forms_agree_to_the_bit),
        cmocka_unit_test(equal_sizes_are_copied),
        cmocka_unit_test(orientations_turn),
        cmocka_unit_test(a_crop_wants_a_square),
        cmocka_unit_test(the_middle_is_rounded_as_the_reference_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
