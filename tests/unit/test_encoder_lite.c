/* encoder_lite.c against PyTorch (tests/golden/make_lite2.py), in every arithmetic the machine has.
 */
#include "dy_test.h"

#include "dy_encoder.h"
#include "dy_format.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

enum { SIZE = 260, PICTURES = 3, FEATURES = 1280, BYTES = SIZE * SIZE * 3 };

static struct dylumo_error err;
static const char *model;
static uint8_t *pictures[PICTURES];
static struct dy_safetensors *golden_file;
static const float *golden; /* [PICTURES][FEATURES] */

/* ------------------------------------------------------------------ pictures */

static void paint(void)
{
    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++) {
            size_t at = (size_t)(y * SIZE + x) * 3;
            bool inside = (x - 100) * (x - 100) + (y - 150) * (y - 150) < 70 * 70;
            int cell = x / 13 * 31 + y / 7 * 57;
            const int waves[3] = {(x * x + y * 3) / 200, (y * y + x * 5) / 150, x * y / 100};
            const int disc[3] = {inside ? 230 : 20, inside ? 30 : 60, inside ? 25 : x * 255 / 259};
            for (int c = 0; c < 3; c++) {
                pictures[0][at + (size_t)c] = (uint8_t)waves[c];
                pictures[1][at + (size_t)c] = (uint8_t)disc[c];
                pictures[2][at + (size_t)c] = (uint8_t)(cell * cell * 7 + cell * (c + 3) * 11);
            }
        }
}

static int set_up(void **state)
{
    (void)state;
    static char model_path[1024];
    snprintf(model_path, sizeof model_path, "%s", test_repository("models/lite2.safetensors"));
    model = model_path;
    for (int i = 0; i < PICTURES; i++) {
        pictures[i] = malloc(BYTES);
        assert_non_null(pictures[i]);
    }
    paint();
    assert_ok(dy_safetensors_open(&golden_file, test_data("lite2-golden.safetensors"), &err));
    const struct dy_tensor *pooled;
    const uint64_t shape[2] = {PICTURES, FEATURES};
    assert_ok(dy_safetensors_expect(golden_file, "pooled", DY_F32, 2, shape, &pooled, &err));
    golden = pooled->data;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < PICTURES; i++)
        free(pictures[i]);
    dy_safetensors_close(golden_file);
    return 0;
}

/* ------------------------------------------------------------------ helpers */

static double cosine(const float *a, const float *b)
{
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < FEATURES; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

/* One open encoder with its scratch. */
struct pair {
    struct dy_encoder *encoder;
    struct dy_encoder_work *work;
};

static bool pair_open(struct pair *pair, enum dy_precision precision, unsigned threads)
{
    enum dylumo_status st = dy_encoder_open(&pair->encoder, model, precision, threads, &err);
    if (st == DYLUMO_UNSUPPORTED)
        return false;
    assert_ok(st);
    assert_ok(dy_encoder_work_new(&pair->work, pair->encoder, &err));
    return true;
}

static void pair_close(struct pair *pair)
{
    dy_encoder_work_free(pair->work);
    dy_encoder_close(pair->encoder);
}

static void check_precision(enum dy_precision precision, double least)
{
    struct pair pair;
    if (!pair_open(&pair, precision, 2)) {
        print_message("skipped: %s\n", err.text);
        skip();
    }
    for (int i = 0; i < PICTURES; i++) {
        float embedding[FEATURES];
        assert_ok(dy_encoder_run(pair.encoder, pair.work, pictures[i], embedding, &err));
        double found = cosine(embedding, golden + i * FEATURES);
        print_message("picture %d: cosine %.7f\n", i, found);
        assert_true(found >= least);
    }
    pair_close(&pair);
}

/* ------------------------------------------------------------------ golden */

static void f32_is_pytorchs(void **state)
{
    (void)state;
    check_precision(DY_PRECISION_F32, 0.9999);
}

static void bf16_is_near(void **state)
{
    (void)state;
    check_precision(DY_PRECISION_BF16, 0.999);
}

static void automatic_is_near(void **state)
{
    (void)state;
    check_precision(DY_PRECISION_AUTO, 0.999);
}

static void info_tells_what_it_is(void **state)
{
    (void)state;
    struct pair pair;
    assert_true(pair_open(&pair, DY_PRECISION_AUTO, 1));
    const struct dy_encoder_info *info = dy_encoder_info(pair.encoder);
    assert_string_equal(info->name, "lite2");
    assert_int_equal(info->width, SIZE);
    assert_int_equal(info->height, SIZE);
    assert_int_equal(info->dimension, FEATURES);
    assert_true(info->squash);
    assert_int_not_equal(info->precision, DY_PRECISION_AUTO);
    assert_true(info->hash != 0);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f32_is_pytorchs),
        cmocka_unit_test(bf16_is_near),
        cmocka_unit_test(automatic_is_near),
        cmocka_unit_test(info_tells_what_it_is),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
