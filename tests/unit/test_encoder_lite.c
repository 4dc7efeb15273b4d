/* encoder_lite.c against PyTorch (tests/golden/make_lite2.py), in every arithmetic the machine has.
 */
#include "dy_test.h"

#include "dy_encoder.h"
#include "dy_format.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

enum { SIZE = 260, PICTURES = 3, FEATURES = 2136, BYTES = SIZE * SIZE * 3 };

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
        double found = test_cosine(embedding, golden + i * FEATURES, FEATURES);
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
    assert_int_equal(info->crop, DY_CROP_NONE);
    assert_false(info->has_text);
    assert_int_not_equal(info->precision, DY_PRECISION_AUTO);
    assert_true(info->hash != 0);
    pair_close(&pair);
}

/* Rows, columns and colours each matter: a picture read in another order is another picture. */
static void order_is_rows_columns_rgb(void **state)
{
    (void)state;
    struct pair pair;
    assert_true(pair_open(&pair, DY_PRECISION_F32, 2));
    uint8_t *other = malloc(BYTES);
    assert_non_null(other);
    for (int way = 0; way < 2; way++) {
        for (int y = 0; y < SIZE; y++)
            for (int x = 0; x < SIZE; x++)
                for (int c = 0; c < 3; c++)
                    other[(y * SIZE + x) * 3 + c] = way == 0
                                                        ? pictures[1][(y * SIZE + x) * 3 + 2 - c]
                                                        : pictures[1][(x * SIZE + y) * 3 + c];
        float embedding[FEATURES];
        assert_ok(dy_encoder_run(pair.encoder, pair.work, other, embedding, &err));
        assert_true(test_cosine(embedding, golden + FEATURES, FEATURES) < 0.99);
    }
    free(other);
    pair_close(&pair);
}

/* ------------------------------------------------------------------ threads and memory */

static void runs_are_equal_and_allocate_nothing(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 2; threads++) {
        struct pair pair;
        assert_true(pair_open(&pair, DY_PRECISION_AUTO, threads));
        float first[FEATURES], again[FEATURES];
        assert_ok(dy_encoder_run(pair.encoder, pair.work, pictures[0], first, &err));
        assert_ok(dy_encoder_run(pair.encoder, pair.work, pictures[2], again, &err));
        test_alloc_fail_at(0);
        assert_ok(dy_encoder_run(pair.encoder, pair.work, pictures[0], again, &err));
        assert_int_equal(test_alloc_count(), 0);
        assert_memory_equal(first, again, sizeof first);
        pair_close(&pair);
    }
}

static void team_size_changes_nothing_that_matters(void **state)
{
    (void)state;
    float by_count[3][FEATURES];
    for (unsigned threads = 1; threads <= 3; threads++) {
        struct pair pair;
        assert_true(pair_open(&pair, DY_PRECISION_F32, threads));
        assert_ok(
            dy_encoder_run(pair.encoder, pair.work, pictures[0], by_count[threads - 1], &err));
        pair_close(&pair);
    }
    assert_true(test_cosine(by_count[0], by_count[1], FEATURES) > 0.9999999);
    assert_true(test_cosine(by_count[0], by_count[2], FEATURES) > 0.9999999);
}

static void unshared_runs_are_the_same(void **state)
{
    (void)state;
    static const enum dy_precision precisions[] = {DY_PRECISION_AUTO, DY_PRECISION_F32};
    for (size_t p = 0; p < DY_COUNT(precisions); p++) {
        struct pair pair;
        float shared[FEATURES], alone[FEATURES];
        assert_true(pair_open(&pair, precisions[p], 2));
        for (int i = 0; i < PICTURES; i++) {
            assert_ok(dy_encoder_run(pair.encoder, pair.work, pictures[i], shared, &err));
            dy_encoder_share(false);
            assert_ok(dy_encoder_run(pair.encoder, pair.work, pictures[i], alone, &err));
            dy_encoder_share(true);
            assert_memory_equal(shared, alone, sizeof alone);
        }
        pair_close(&pair);
    }
}

/* One thread of several on one encoder. */
struct runner {
    const struct dy_encoder *encoder;
    struct dy_encoder_work *work;
    float embeddings[PICTURES][FEATURES];
    enum dylumo_status status;
};

static void *run_all(void *argument)
{
    struct runner *runner = argument;
    struct dylumo_error own;
    for (int i = 0; i < PICTURES && !runner->status; i++)
        runner->status =
            dy_encoder_run(runner->encoder, runner->work, pictures[i], runner->embeddings[i], &own);
    return NULL;
}

static void threads_share_one_encoder(void **state)
{
    (void)state;
    enum { RUNNERS = 3 };
    static struct runner runners[RUNNERS];
    pthread_t threads[RUNNERS];
    struct dy_encoder *encoder;
    assert_ok(dy_encoder_open(&encoder, model, DY_PRECISION_AUTO, 1, &err));
    for (int i = 0; i < RUNNERS; i++) {
        runners[i].encoder = encoder;
        assert_ok(dy_encoder_work_new(&runners[i].work, encoder, &err));
    }
    for (int i = 0; i < RUNNERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_all, &runners[i]), 0);
    for (int i = 0; i < RUNNERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < RUNNERS; i++) {
        assert_int_equal(runners[i].status, DYLUMO_OK);
        assert_memory_equal(runners[i].embeddings, runners[0].embeddings,
                            sizeof runners[0].embeddings);
        dy_encoder_work_free(runners[i].work);
    }
    dy_encoder_close(encoder);
}

static void scratch_of_another_encoder_is_refused(void **state)
{
    (void)state;
    struct pair one, two;
    assert_true(pair_open(&one, DY_PRECISION_AUTO, 1));
    assert_true(pair_open(&two, DY_PRECISION_AUTO, 1));
    float embedding[FEATURES];
    assert_fails(dy_encoder_run(one.encoder, two.work, pictures[0], embedding, &err),
                 DYLUMO_BAD_ARGUMENT, "another encoder");
    pair_close(&one);
    pair_close(&two);
}

static enum dylumo_status open_and_close(void *user)
{
    (void)user;
    struct pair pair = {0};
    enum dylumo_status st = dy_encoder_open(&pair.encoder, model, DY_PRECISION_AUTO, 2, &err);
    if (!st)
        st = dy_encoder_work_new(&pair.work, pair.encoder, &err);
    pair_close(&pair);
    return st;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    test_every_allocation(open_and_close, NULL);
}

/* ------------------------------------------------------------------ hostile weight files */

static struct dy_safetensors *whole; /* the file that ships */
static struct dy_tensor tensors[256];
static size_t tensor_count;
static char *folder;

static const char *const good_metadata[] = {"dylumo.encoder", "lite2", "dylumo.version", "1", NULL};

static struct dy_tensor *tensor_named(const char *name)
{
    for (size_t i = 0; i < tensor_count; i++)
        if (!strcmp(tensors[i].name, name))
            return &tensors[i];
    fail_msg("no tensor %s", name);
    return NULL;
}

static int open_whole(void **state)
{
    (void)state;
    folder = test_folder_new();
    assert_ok(dy_safetensors_open(&whole, model, &err));
    tensor_count = dy_safetensors_count(whole);
    assert_true(tensor_count <= DY_COUNT(tensors));
    for (size_t i = 0; i < tensor_count; i++)
        tensors[i] = *dy_safetensors_at(whole, i);
    return 0;
}

static int close_whole(void **state)
{
    (void)state;
    dy_safetensors_close(whole);
    test_folder_remove(folder);
    return 0;
}

/* Writes tensors as they now are and expects the encoder to refuse them. */
static void expect_refused(const char *const *metadata, enum dylumo_status status,
                           const char *sentence)
{
    const char *path = test_path(folder, "bad.safetensors");
    struct dy_encoder *encoder = NULL;
    assert_ok(dy_safetensors_write(path, tensors, tensor_count, metadata, &err));
    assert_fails(dy_encoder_open(&encoder, path, DY_PRECISION_F32, 1, &err), status, sentence);
    assert_null(encoder);
}

static void foreign_metadata_is_refused(void **state)
{
    (void)state;
    const char *const other[] = {"dylumo.encoder", "vgg", "dylumo.version", "1", NULL};
    const char *const newer[] = {"dylumo.encoder", "lite2", "dylumo.version", "2", NULL};
    const char *const odd[] = {"dylumo.encoder", "lite2", "dylumo.version", "-1", NULL};
    const char *const unversioned[] = {"dylumo.encoder", "lite2", NULL};
    expect_refused(NULL, DYLUMO_BAD_FILE, "no \"dylumo.encoder\"");
    expect_refused(other, DYLUMO_UNSUPPORTED, "'vgg'");
    expect_refused(newer, DYLUMO_UNSUPPORTED, "version 2");
    expect_refused(odd, DYLUMO_BAD_FILE, "'-1'");
    expect_refused(unversioned, DYLUMO_BAD_FILE, "expected a number");
}

static void missing_tensors_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < tensor_count; i += 17) {
        struct dy_tensor kept = tensors[i];
        tensors[i] = tensors[--tensor_count];
        expect_refused(good_metadata, DYLUMO_BAD_FILE, kept.name);
        tensors[tensor_count++] = tensors[i];
        tensors[i] = kept;
    }
}

static void wrong_shapes_and_types_are_refused(void **state)
{
    (void)state;
    struct dy_tensor *tensor = tensor_named("blocks.07.expand.weight");
    const struct dy_tensor kept = *tensor;
    tensor->shape[2] = kept.shape[3]; /* transposed: as many bytes */
    tensor->shape[3] = kept.shape[2];
    expect_refused(good_metadata, DYLUMO_BAD_FILE, "blocks.07.expand.weight");
    *tensor = kept;
    tensor->dims = 1;
    tensor->shape[0] = kept.shape[2] * kept.shape[3];
    expect_refused(good_metadata, DYLUMO_BAD_FILE, "blocks.07.expand.weight");
    *tensor = kept;
    tensor->dtype = DY_BF16;
    expect_refused(good_metadata, DYLUMO_BAD_FILE, "blocks.07.expand.weight");
    *tensor = kept;
}

static void numbers_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"stem.weight", "blocks.20.depthwise.weight", "head.weight"};
    const uint16_t bad[] = {0x7C00, 0xFC00, 0x7E01};
    for (size_t i = 0; i < DY_COUNT(names); i++) {
        struct dy_tensor *tensor = tensor_named(names[i]);
        const struct dy_tensor kept = *tensor;
        uint16_t *copy = malloc(kept.size);
        assert_non_null(copy);
        memcpy(copy, kept.data, kept.size);
        copy[kept.size / 2 - 1] = bad[i];
        tensor->data = copy;
        expect_refused(good_metadata, DYLUMO_BAD_FILE, "is not finite");
        *tensor = kept;
        free(copy);
    }
    struct dy_tensor *bias = tensor_named("blocks.03.project.bias");
    const struct dy_tensor kept = *bias;
    float values[64];
    assert_true(kept.size <= sizeof values);
    memcpy(values, kept.data, kept.size);
    values[5] = NAN;
    bias->data = values;
    expect_refused(good_metadata, DYLUMO_BAD_FILE, "a bias is not finite");
    *bias = kept;
}

static void cut_and_absent_files_are_refused(void **state)
{
    (void)state;
    uint8_t *bytes;
    size_t size;
    struct dy_encoder *encoder = NULL;
    const char *path = test_path(folder, "cut.safetensors");
    assert_ok(dy_read_file(&bytes, &size, model, UINT64_C(1) << 30, &err));
    const size_t cuts[] = {0, 7, 8, 100, size / 2, size - 1};
    for (size_t i = 0; i < DY_COUNT(cuts); i++) {
        test_write_file(path, bytes, cuts[i]);
        assert_fails(dy_encoder_open(&encoder, path, DY_PRECISION_AUTO, 1, &err), DYLUMO_BAD_FILE,
                     "cut.safetensors");
    }
    dy_free(bytes);
    assert_fails(dy_encoder_open(&encoder, test_path(folder, "none"), DY_PRECISION_AUTO, 1, &err),
                 DYLUMO_NOT_FOUND, "none");
    assert_fails(dy_encoder_open(&encoder, folder, DY_PRECISION_AUTO, 1, &err), DYLUMO_BAD_FILE,
                 "folder");
    assert_null(encoder);
}

static void senseless_precision_is_refused(void **state)
{
    (void)state;
    struct dy_encoder *encoder = NULL;
    assert_fails(dy_encoder_open(&encoder, model, (enum dy_precision)77, 1, &err),
                 DYLUMO_BAD_ARGUMENT, "77");
    assert_fails(dy_encoder_open(&encoder, model, DY_PRECISION_INT8, 1, &err), DYLUMO_UNSUPPORTED,
                 "int8");
    dy_encoder_close(NULL);
    dy_encoder_work_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f32_is_pytorchs),
        cmocka_unit_test(bf16_is_near),
        cmocka_unit_test(automatic_is_near),
        cmocka_unit_test(info_tells_what_it_is),
        cmocka_unit_test(order_is_rows_columns_rgb),
        cmocka_unit_test(runs_are_equal_and_allocate_nothing),
        cmocka_unit_test(team_size_changes_nothing_that_matters),
        cmocka_unit_test(unshared_runs_are_the_same),
        cmocka_unit_test(threads_share_one_encoder),
        cmocka_unit_test(scratch_of_another_encoder_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(senseless_precision_is_refused),
        cmocka_unit_test_setup_teardown(foreign_metadata_is_refused, open_whole, close_whole),
        cmocka_unit_test_setup_teardown(missing_tensors_are_refused, open_whole, close_whole),
        cmocka_unit_test_setup_teardown(wrong_shapes_and_types_are_refused, open_whole,
                                        close_whole),
        cmocka_unit_test_setup_teardown(numbers_that_are_none_are_refused, open_whole, close_whole),
        cmocka_unit_test_setup_teardown(cut_and_absent_files_are_refused, open_whole, close_whole),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
