/* image_load.c and the decoders: small pictures of every kind against Pillow's pixels
 * (tests/golden/make_pictures.py). Where cases.txt allows a tolerance, for AVIF and HEIC, the two
 * libraries upsample and round YCbCr differently, or the encoder lost something. */
#include "dy_image.h"

#include "dy_test.h"

#include <stdlib.h>

static struct dylumo_error err;

/* tests/data/pictures/NAME in memory. */
static uint8_t *read_picture(const char *name, size_t *size)
{
    char path[256];
    uint8_t *data;
    snprintf(path, sizeof path, "pictures/%s", name);
    assert_ok(dy_read_file(&data, size, test_data(path), UINT64_C(1) << 24, &err));
    return data;
}

/* ------------------------------------------------------------------ golden */

struct golden {
    char name[64], fit[16];
    unsigned width, height, orientation, frames;
    int tolerance;
};

static bool next_case(FILE *index, struct golden *golden)
{
    return fscanf(index, "%63s %u %u %15s %d %u %u", golden->name, &golden->width, &golden->height,
                  golden->fit, &golden->tolerance, &golden->orientation, &golden->frames) == 7;
}

/* The largest difference; the sentence of a failure is left in err. */
static int check_case(const struct golden *golden, const uint8_t *expected, bool exact)
{
    struct dy_image_target target = {golden->width, golden->height,
                                     strcmp(golden->fit, "crop") ? DY_FIT_SQUASH : DY_FIT_CROP,
                                     exact};
    size_t size, bytes = (size_t)golden->width * golden->height * 3;
    uint8_t *data = read_picture(golden->name, &size), *pixels = dy_mem_alloc(bytes);
    struct dy_image_info info;
    enum dylumo_status st =
        dy_image_load(data, size, golden->name, &target, NULL, pixels, &info, &err);
    int worst = st ? 255 : 0;
    for (size_t i = 0; !st && i < bytes; i++)
        worst = abs(pixels[i] - expected[i]) > worst ? abs(pixels[i] - expected[i]) : worst;
    if (st)
        print_message("# %s\n", err.text);
    else if (info.orientation != golden->orientation || info.frames != golden->frames)
        fail_msg("%s: orientation %u, frames %u; expected %u, %u", golden->name, info.orientation,
                 info.frames, golden->orientation, golden->frames);
    dy_free(data);
    dy_free(pixels);
    return worst;
}

static void pictures_are_pillows(void **state)
{
    (void)state;
    size_t size, at = 0;
    uint8_t *expected = read_picture("expected.rgb", &size);
    FILE *index = fopen(test_data("pictures/cases.txt"), "r");
    assert_non_null(index);
    unsigned far = 0, count = 0;
    for (struct golden golden; next_case(index, &golden); count++) {
        int worst = check_case(&golden, expected + at, true);
        if (worst > golden.tolerance) {
            print_message("# %s %s: %d off, allowed %d\n", golden.name, golden.fit, worst,
                          golden.tolerance);
            far++;
        }
        at += (size_t)golden.width * golden.height * 3;
    }
    fclose(index);
    dy_free(expected);
    assert_int_equal(at, size);
    assert_true(count > 80);
    assert_int_equal(far, 0);
}

/* ------------------------------------------------------------------ reduced decoding */

static double mean_difference(const char *name, unsigned width, unsigned height)
{
    struct dy_image_target target = {width, height, DY_FIT_SQUASH, true};
    size_t size, bytes = (size_t)width * height * 3;
    uint8_t *data = read_picture(name, &size);
    uint8_t *exact = dy_mem_alloc(bytes), *quick = dy_mem_alloc(bytes);
    struct dy_image_info info;
    assert_ok(dy_image_load(data, size, name, &target, NULL, exact, NULL, &err));
    target.exact = false;
    assert_ok(dy_image_load(data, size, name, &target, NULL, quick, &info, &err));
    assert_true(info.width * info.height == 83 * 61); /* of the file, not of the decoding */
    double sum = 0;
    for (size_t i = 0; i < bytes; i++)
        sum += abs(exact[i] - quick[i]);
    dy_free(data);
    dy_free(exact);
    dy_free(quick);
    return sum / (double)bytes;
}

static void jpeg_is_reduced_only_far_above_the_target(void **state)
{
    (void)state;
    assert_true(mean_difference("420.jpg", 9, 6) == 0); /* 83 / 2 is under 5 * 9 */
    double reduced = mean_difference("420.jpg", 4, 3);
    assert_true(reduced > 0 && reduced < 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_pillows),
        cmocka_unit_test(jpeg_is_reduced_only_far_above_the_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
