/* CLIP's towers on the tiny model of tools/make_clip.py: against transformers and open_clip, every
 * arithmetic, batches, threads, memory, hostile files. Tolerances: issue's own, 0.99999 for f32;
 * the references compute in f32 themselves, so their last bits are theirs. */
#include "dy_encoder.h"
#include "dy_format.h"
#include "dy_test.h"

#include <math.h>
#include <stdlib.h>

enum { PICTURES = 3, SIZE = 16, BYTES = SIZE * SIZE * 3, DIMENSION = 16, TENSORS = 96 };

static struct dylumo_error err;
static struct dy_safetensors *golden_file, *whole;
static const uint8_t *pictures[PICTURES];
static struct dy_tensor tensors[TENSORS];
static size_t tensor_count;
static char *folder;

/* ------------------------------------------------------------------ model files */

/* The tiny model's metadata; a test changes values before it writes. */
static const char *metadata[] = {"dylumo.encoder",
                                 "clip-tiny",
                                 "dylumo.architecture",
                                 "clip",
                                 "dylumo.version",
                                 "1",
                                 "dylumo.identity",
                                 "0123456789abcdef",
                                 "source",
                                 "transformers",
                                 "activation",
                                 "quick_gelu",
                                 "precision",
                                 "f32",
                                 "image.size",
                                 "16",
                                 "image.patch",
                                 "4",
                                 "image.layers",
                                 "2",
                                 "image.heads",
                                 "3",
                                 "image.mean",
                                 "0.48145466,0.4578275,0.40821073",
                                 "image.std",
                                 "0.26862954,0.26130258,0.27577711",
                                 "text.layers",
                                 "2",
                                 "text.heads",
                                 "2",
                                 "text.context",
                                 "24",
                                 NULL};

/* Returns what it was. */
static const char *set_metadata(const char *key, const char *value)
{
    for (size_t i = 0; metadata[i]; i += 2)
        if (!strcmp(metadata[i], key)) {
            const char *before = metadata[i + 1];
            metadata[i + 1] = value;
            return before;
        }
    fail_msg("no metadata %s", key);
    return NULL;
}

static struct dy_tensor *tensor_named(const char *name)
{
    for (size_t i = 0; i < tensor_count; i++)
        if (!strcmp(tensors[i].name, name))
            return &tensors[i];
    fail_msg("no tensor %s", name);
    return NULL;
}

/* The tensors and metadata as they now are. */
static const char *write_model(void)
{
    const char *path = test_path(folder, "model.safetensors");
    assert_ok(dy_safetensors_write(path, tensors, tensor_count, metadata, &err));
    return path;
}

static int set_up(void **state)
{
    (void)state;
    folder = test_folder_new();
    assert_ok(dy_safetensors_open(&golden_file, test_data("clip/golden.safetensors"), &err));
    const uint64_t shape[4] = {PICTURES, SIZE, SIZE, 3};
    const struct dy_tensor *pixels;
    assert_ok(dy_safetensors_expect(golden_file, "pixels", DY_U8, 4, shape, &pixels, &err));
    for (size_t i = 0; i < PICTURES; i++)
        pictures[i] = (const uint8_t *)pixels->data + i * BYTES;
    assert_ok(dy_safetensors_open(&whole, test_data("clip/tiny.safetensors"), &err));
    tensor_count = dy_safetensors_count(whole);
    assert_true(tensor_count <= TENSORS);
    for (size_t i = 0; i < tensor_count; i++)
        tensors[i] = *dy_safetensors_at(whole, i);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dy_safetensors_close(golden_file);
    dy_safetensors_close(whole);
    test_folder_remove(folder);
    return 0;
}

static const float *golden(const char *name)
{
    const uint64_t shape[2] = {0, DIMENSION};
    const struct dy_tensor *tensor;
    assert_ok(dy_safetensors_expect(golden_file, name, DY_F32, 2, shape, &tensor, &err));
    return tensor->data;
}

/* ------------------------------------------------------------------ helpers */

/* One open encoder with its scratch. */
struct pair {
    struct dy_encoder *encoder;
    struct dy_encoder_work *work;
};

static bool pair_open(struct pair *pair, const char *path, enum dy_precision precision,
                      unsigned threads, unsigned most)
{
    enum dylumo_status st = dy_encoder_open(&pair->encoder, path, precision, threads, &err);
    if (st == DYLUMO_UNSUPPORTED)
        return false;
    assert_ok(st);
    assert_ok(dy_encoder_work_new_many(&pair->work, pair->encoder, most, &err));
    return true;
}

static void pair_close(struct pair *pair)
{
    dy_encoder_work_free(pair->work);
    dy_encoder_close(pair->encoder);
}

static void check_pictures(const char *path, enum dy_precision precision, const char *reference,
                           double least)
{
    struct pair pair;
    if (!pair_open(&pair, path, precision, 2, 1)) {
        print_message("skipped: %s\n", err.text);
        skip();
    }
    const float *wanted = golden(reference);
    for (int i = 0; i < PICTURES; i++) {
        float embedding[DIMENSION];
        assert_ok(dy_encoder_run(pair.encoder, pair.work, pictures[i], embedding, &err));
        double found = test_cosine(embedding, wanted + i * DIMENSION, DIMENSION);
        print_message("%s, picture %d: cosine %.7f\n", reference, i, found);
        assert_true(found >= least);
    }
    pair_close(&pair);
}

/* ------------------------------------------------------------------ golden */

static void f32_is_transformers(void **state)
{
    (void)state;
    check_pictures(test_data("clip/tiny.safetensors"), DY_PRECISION_F32, "transformers.image",
                   0.99999);
}

static void f32_is_open_clips(void **state)
{
    (void)state;
    set_metadata("source", "open_clip");
    set_metadata("activation", "gelu");
    const char *path = write_model();
    set_metadata("source", "transformers");
    set_metadata("activation", "quick_gelu");
    check_pictures(path, DY_PRECISION_F32, "open_clip.image", 0.99999);
}

/* The same weights with one head instead of three. */
static void f32_is_openais(void **state)
{
    (void)state;
    set_metadata("source", "openai");
    set_metadata("image.heads", "1");
    const char *path = write_model();
    set_metadata("source", "transformers");
    set_metadata("image.heads", "3");
    check_pictures(path, DY_PRECISION_F32, "openai.image", 0.99999);
}

static void bf16_is_near(void **state)
{
    (void)state;
    check_pictures(test_data("clip/tiny.safetensors"), DY_PRECISION_BF16, "transformers.image",
                   0.9995);
}

static void int8_is_near(void **state)
{
    (void)state;
    check_pictures(test_data("clip/tiny.safetensors"), DY_PRECISION_INT8, "transformers.image",
                   0.995);
}

static void automatic_is_near(void **state)
{
    (void)state;
    check_pictures(test_data("clip/tiny.safetensors"), DY_PRECISION_AUTO, "transformers.image",
                   0.9995);
}

static void info_tells_what_it_is(void **state)
{
    (void)state;
    struct pair pair;
    assert_true(pair_open(&pair, test_data("clip/tiny.safetensors"), DY_PRECISION_AUTO, 1, 1));
    const struct dy_encoder_info *info = dy_encoder_info(pair.encoder);
    assert_string_equal(info->name, "clip-tiny");
    assert_int_equal(info->width, SIZE);
    assert_int_equal(info->height, SIZE);
    assert_int_equal(info->dimension, DIMENSION);
    assert_int_equal(info->crop, DY_CROP_TRANSFORMERS);
    assert_true(info->has_text);
    assert_true(fabsf(info->text_scale - 100) < 0.1F);
    assert_int_not_equal(info->precision, DY_PRECISION_AUTO);
    pair_close(&pair);
}

static void hash_is_the_identity(void **state)
{
    (void)state;
    struct pair pair;
    assert_true(pair_open(&pair, write_model(), DY_PRECISION_AUTO, 1, 1));
    assert_true(dy_encoder_info(pair.encoder)->hash == UINT64_C(0x0123456789abcdef));
    pair_close(&pair);
}

/* ------------------------------------------------------------------ batches, threads, memory */

static void batches_give_what_single_runs_give(void **state)
{
    (void)state;
    enum { COUNT = 8, MOST = 3 }; /* two batches, two singles */
    for (unsigned threads = 1; threads <= 2; threads++) {
        struct pair pair;
        const uint8_t *pixels[COUNT];
        float together[COUNT][DIMENSION], alone[DIMENSION];
        assert_true(
            pair_open(&pair, test_data("clip/tiny.safetensors"), DY_PRECISION_F32, threads, MOST));
        for (int i = 0; i < COUNT; i++)
            pixels[i] = pictures[i * i % PICTURES];
        assert_ok(dy_encoder_run_many(pair.encoder, pair.work, pixels, COUNT, together[0], &err));
        for (int i = 0; i < COUNT; i++) {
            assert_ok(dy_encoder_run(pair.encoder, pair.work, pixels[i], alone, &err));
            assert_true(test_cosine(alone, together[i], DIMENSION) > 0.9999999);
        }
        assert_ok(dy_encoder_run_many(pair.encoder, pair.work, pixels, 0, together[0], &err));
        pair_close(&pair);
    }
}

static void runs_are_equal_and_allocate_nothing(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 3; threads++) {
        struct pair pair;
        assert_true(
            pair_open(&pair, test_data("clip/tiny.safetensors"), DY_PRECISION_AUTO, threads, 2));
        float first[2][DIMENSION], again[2][DIMENSION];
        assert_ok(dy_encoder_run_many(pair.encoder, pair.work, pictures, 2, first[0], &err));
        test_alloc_fail_at(0);
        assert_ok(dy_encoder_run_many(pair.encoder, pair.work, pictures, 2, again[0], &err));
        assert_int_equal(test_alloc_count(), 0);
        assert_memory_equal(first, again, sizeof first);
        pair_close(&pair);
    }
}

static void embeddings_have_length_1(void **state)
{
    (void)state;
    struct pair pair;
    float embedding[DIMENSION];
    double squares = 0;
    assert_true(pair_open(&pair, test_data("clip/tiny.safetensors"), DY_PRECISION_AUTO, 1, 1));
    assert_ok(dy_encoder_run(pair.encoder, pair.work, pictures[0], embedding, &err));
    for (int i = 0; i < DIMENSION; i++)
        squares += (double)embedding[i] * (double)embedding[i];
    assert_true(fabs(squares - 1) < 1e-6);
    pair_close(&pair);
}

/* ------------------------------------------------------------------ words */

static bool text_open(struct pair *pair, const char *path, enum dy_precision precision)
{
    enum dylumo_status st = dy_encoder_open_text(&pair->encoder, path, precision, 2, &err);
    if (st == DYLUMO_UNSUPPORTED)
        return false;
    assert_ok(st);
    assert_ok(dy_encoder_work_new(&pair->work, pair->encoder, &err));
    return true;
}

static void check_words(const char *path, enum dy_precision precision, const char *reference,
                        double least)
{
    struct pair pair;
    if (!text_open(&pair, path, precision)) {
        print_message("skipped: %s\n", err.text);
        skip();
    }
    const float *wanted = golden(reference);
    const struct dy_tensor *texts = dy_safetensors_find(golden_file, "texts");
    const char *text = texts->data, *end = text + texts->size;
    for (int i = 0; text < end; i++, text += strlen(text) + 1) {
        float embedding[DIMENSION];
        assert_ok(
            dy_encoder_run_text(pair.encoder, pair.work, text, strlen(text), embedding, &err));
        double found = test_cosine(embedding, wanted + i * DIMENSION, DIMENSION);
        print_message("%s '%s': cosine %.7f\n", reference, text, found);
        assert_true(found >= least);
    }
    pair_close(&pair);
}

static void words_are_transformers(void **state)
{
    (void)state;
    check_words(test_data("clip/tiny.safetensors"), DY_PRECISION_F32, "transformers.text", 0.99999);
}

static void words_are_open_clips(void **state)
{
    (void)state;
    set_metadata("source", "open_clip");
    set_metadata("activation", "gelu");
    const char *path = write_model();
    set_metadata("source", "transformers");
    set_metadata("activation", "quick_gelu");
    check_words(path, DY_PRECISION_F32, "open_clip.text", 0.99999);
}

static void words_are_near_in_bf16(void **state)
{
    (void)state;
    check_words(test_data("clip/tiny.safetensors"), DY_PRECISION_BF16, "transformers.text", 0.9995);
}

static void words_are_near_in_int8(void **state)
{
    (void)state;
    check_words(test_data("clip/tiny.safetensors"), DY_PRECISION_INT8, "transformers.text", 0.995);
}

static void an_encoder_without_words_says_so(void **state)
{
    (void)state;
    struct dy_encoder *encoder = NULL;
    size_t kept = 0, had = tensor_count;
    struct dy_tensor all[TENSORS];
    memcpy(all, tensors, sizeof all);
    for (size_t i = 0; i < had; i++)
        if (strncmp(all[i].name, "text.", 5))
            tensors[kept++] = all[i];
    tensor_count = kept;
    const char *context = NULL;
    for (size_t i = 0; metadata[i]; i += 2)
        if (!strcmp(metadata[i], "text.layers")) {
            context = metadata[i];
            metadata[i] = NULL;
            assert_fails(dy_encoder_open_text(&encoder, write_model(), DY_PRECISION_AUTO, 1, &err),
                         DYLUMO_UNSUPPORTED, "'clip-tiny' comes without a text tower");
            metadata[i] = context;
            break;
        }
    tensor_count = had;
    memcpy(tensors, all, sizeof all);
    assert_fails(dy_encoder_open_text(&encoder, test_repository("models/lite2.safetensors"),
                                      DY_PRECISION_AUTO, 1, &err),
                 DYLUMO_UNSUPPORTED, "sees pictures only");
    assert_null(encoder);
}

static void pictures_are_not_words(void **state)
{
    (void)state;
    struct pair pair;
    float embedding[DIMENSION];
    assert_true(text_open(&pair, test_data("clip/tiny.safetensors"), DY_PRECISION_AUTO));
    assert_int_equal(dy_encoder_info(pair.encoder)->width, 0);
    assert_int_equal(dy_encoder_info(pair.encoder)->dimension, DIMENSION);
    assert_fails(dy_encoder_run(pair.encoder, pair.work, pictures[0], embedding, &err),
                 DYLUMO_BAD_ARGUMENT, "not pictures");
    pair_close(&pair);
}

static enum dylumo_status open_text_and_close(void *user)
{
    struct pair pair = {0};
    float embedding[DIMENSION];
    enum dylumo_status st = dy_encoder_open_text(&pair.encoder, user, DY_PRECISION_AUTO, 2, &err);
    if (!st)
        st = dy_encoder_work_new(&pair.work, pair.encoder, &err);
    if (!st)
        st = dy_encoder_run_text(pair.encoder, pair.work, "rain", 4, embedding, &err);
    pair_close(&pair);
    return st;
}

static void every_allocation_for_words_may_fail(void **state)
{
    (void)state;
    test_every_allocation(open_text_and_close,
                          (void *)(uintptr_t)test_data("clip/tiny.safetensors"));
}

static void words_are_not_pictures(void **state)
{
    (void)state;
    struct pair pair;
    float embedding[DIMENSION];
    assert_true(pair_open(&pair, test_data("clip/tiny.safetensors"), DY_PRECISION_AUTO, 1, 1));
    assert_fails(dy_encoder_run_text(pair.encoder, pair.work, "rain", 4, embedding, &err),
                 DYLUMO_BAD_ARGUMENT, "not words");
    pair_close(&pair);
}

static enum dylumo_status open_and_close(void *user)
{
    struct pair pair = {0};
    enum dylumo_status st = dy_encoder_open(&pair.encoder, user, DY_PRECISION_INT8, 2, &err);
    if (!st)
        st = dy_encoder_work_new_many(&pair.work, pair.encoder, 2, &err);
    pair_close(&pair);
    return st;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    test_every_allocation(open_and_close, (void *)(uintptr_t)test_data("clip/tiny.safetensors"));
}

/* ------------------------------------------------------------------ hostile files */

static void expect_refused(enum dylumo_status status, const char *sentence)
{
    struct dy_encoder *encoder = NULL;
    assert_fails(dy_encoder_open(&encoder, write_model(), DY_PRECISION_F32, 1, &err), status,
                 sentence);
    assert_null(encoder);
}

static void broken_metadata_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value, *sentence;
        enum dylumo_status status;
    } cases[] = {
        {"dylumo.architecture", "vgg", "'clip-tiny'", DYLUMO_UNSUPPORTED},
        {"dylumo.version", "2", "version 2", DYLUMO_UNSUPPORTED},
        {"dylumo.encoder", "Clip", "'Clip'", DYLUMO_BAD_FILE},
        {"dylumo.encoder", "", "''", DYLUMO_BAD_FILE},
        {"dylumo.encoder", "c0123456789012345678901234567890123456789", "1 to 40", DYLUMO_BAD_FILE},
        {"dylumo.identity", "0123", "16 hexadecimal", DYLUMO_BAD_FILE},
        {"source", "keras", "one of transformers, open_clip, openai", DYLUMO_BAD_FILE},
        {"activation", "relu", "\"activation\"", DYLUMO_BAD_FILE},
        {"precision", "f64", "\"precision\"", DYLUMO_BAD_FILE},
        {"image.size", "0", "1 to 1024", DYLUMO_BAD_FILE},
        {"image.size", "-16", "1 to 1024", DYLUMO_BAD_FILE},
        {"image.size", "18446744073709551632", "1 to 1024", DYLUMO_BAD_FILE},
        {"image.size", "18", "not a multiple", DYLUMO_BAD_FILE},
        {"image.size", "20", "image.positions", DYLUMO_BAD_FILE},
        {"image.patch", "8", "image.positions", DYLUMO_BAD_FILE},
        {"image.layers", "3", "image.2.norm1.weight", DYLUMO_BAD_FILE},
        {"image.layers", "1", "expected", DYLUMO_BAD_FILE},
        {"image.layers", "65", "1 to 64", DYLUMO_BAD_FILE},
        {"image.heads", "5", "5 heads do not divide the width 24", DYLUMO_BAD_FILE},
        {"image.mean", "0.5,0.5", "three numbers", DYLUMO_BAD_FILE},
        {"image.std", "0.5,0,0.5", "three numbers", DYLUMO_BAD_FILE},
        {"image.std", "nan,0.5,0.5", "three numbers", DYLUMO_BAD_FILE},
        {"text.context", "25", "text.positions", DYLUMO_BAD_FILE},
    };
    for (size_t i = 0; i < DY_COUNT(cases); i++) {
        const char *kept = set_metadata(cases[i].key, cases[i].value);
        expect_refused(cases[i].status, cases[i].sentence);
        set_metadata(cases[i].key, kept);
    }
}

static void missing_tensors_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < tensor_count; i++) {
        struct dy_tensor kept = tensors[i];
        tensors[i] = tensors[--tensor_count];
        expect_refused(DYLUMO_BAD_FILE, kept.name);
        tensors[tensor_count++] = tensors[i];
        tensors[i] = kept;
    }
}

static void strange_tensors_are_refused(void **state)
{
    (void)state;
    static const float one[1] = {1};
    static const char *const names[] = {"image.2.norm1.weight", "other", "image.0.down.smooth"};
    for (size_t i = 0; i < DY_COUNT(names); i++) {
        tensors[tensor_count++] = (struct dy_tensor){
            .name = names[i], .dtype = DY_F32, .dims = 1, .shape = {1}, .data = one, .size = 4};
        expect_refused(DYLUMO_BAD_FILE, "tensors, expected");
        tensor_count--;
    }
}

static void wrong_shapes_and_types_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < tensor_count; i++) {
        const struct dy_tensor kept = tensors[i];
        if (!strcmp(kept.name, "text.merges"))
            continue;
        tensors[i].dims = 3;
        tensors[i].shape[0] = 1;
        tensors[i].shape[1] = 1;
        tensors[i].shape[2] = kept.size / 4;
        expect_refused(DYLUMO_BAD_FILE, "");
        tensors[i] = kept;
        tensors[i].dtype = DY_I32;
        expect_refused(DYLUMO_BAD_FILE, kept.name);
        tensors[i] = kept;
    }
}

static void numbers_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"image.patch.weight",  "image.class",
                                        "image.1.norm2.bias",  "image.0.qkv.weight",
                                        "image.1.down.weight", "image.projection.weight"};
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < DY_COUNT(names); i++) {
        struct dy_tensor *tensor = tensor_named(names[i]);
        const struct dy_tensor kept = *tensor;
        float *copy = malloc(kept.size);
        assert_non_null(copy);
        memcpy(copy, kept.data, kept.size);
        copy[kept.size / sizeof *copy - 1] = bad[i % DY_COUNT(bad)];
        tensor->data = copy;
        expect_refused(DYLUMO_BAD_FILE, "not finite");
        *tensor = kept;
        free(copy);
    }
}

/* Finite weights whose sums are not. */
static void sums_that_are_none_are_told(void **state)
{
    (void)state;
    struct dy_tensor *tensor = tensor_named("image.projection.weight");
    const struct dy_tensor kept = *tensor;
    float *copy = malloc(kept.size), embedding[DIMENSION];
    assert_non_null(copy);
    for (size_t i = 0; i < kept.size / sizeof *copy; i++)
        copy[i] = 3e38F;
    tensor->data = copy;
    struct pair pair;
    assert_true(pair_open(&pair, write_model(), DY_PRECISION_F32, 1, 1));
    assert_fails(dy_encoder_run(pair.encoder, pair.work, pictures[0], embedding, &err),
                 DYLUMO_BAD_FILE, "not finite");
    pair_close(&pair);
    *tensor = kept;
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f32_is_transformers),
        cmocka_unit_test(f32_is_open_clips),
        cmocka_unit_test(f32_is_openais),
        cmocka_unit_test(bf16_is_near),
        cmocka_unit_test(int8_is_near),
        cmocka_unit_test(automatic_is_near),
        cmocka_unit_test(info_tells_what_it_is),
        cmocka_unit_test(hash_is_the_identity),
        cmocka_unit_test(batches_give_what_single_runs_give),
        cmocka_unit_test(runs_are_equal_and_allocate_nothing),
        cmocka_unit_test(embeddings_have_length_1),
        cmocka_unit_test(words_are_transformers),
        cmocka_unit_test(words_are_open_clips),
        cmocka_unit_test(words_are_near_in_bf16),
        cmocka_unit_test(words_are_near_in_int8),
        cmocka_unit_test(an_encoder_without_words_says_so),
        cmocka_unit_test(pictures_are_not_words),
        cmocka_unit_test(every_allocation_for_words_may_fail),
        cmocka_unit_test(words_are_not_pictures),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(broken_metadata_is_refused),
        cmocka_unit_test(missing_tensors_are_refused),
        cmocka_unit_test(strange_tensors_are_refused),
        cmocka_unit_test(wrong_shapes_and_types_are_refused),
        cmocka_unit_test(numbers_that_are_none_are_refused),
        cmocka_unit_test(sums_that_are_none_are_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
