/* The mood room: predictions against numpy (tests/golden/make_mood.py), and files that lie. */
#include "dy_format.h"
#include "dy_mood.h"
#include "dy_test.h"

#include <math.h>
#include <stdlib.h>

static struct dylumo_error err;
static struct dy_mood_model *tiny;

/* ------------------------------------------------------------------ prediction */

static void near(FILE *golden, float found)
{
    double right;
    assert_int_equal(fscanf(golden, "%lf", &right), 1);
    if (!(fabs((double)found - right) <= 2e-5 * (1 + fabs(right))))
        fail_msg("found %.9g, numpy says %.9g", (double)found, right);
}

static void near_all(FILE *golden, const float *found, size_t count)
{
    for (size_t i = 0; i < count; i++)
        near(golden, found[i]);
}

static void predictions_are_numpys(void **state)
{
    (void)state;
    FILE *golden = fopen(test_data("tiny-mood.txt"), "r");
    assert_non_null(golden);
    unsigned views, lines = 0;
    for (; fscanf(golden, "%u", &views) == 1; lines++) {
        float embeddings[4 * 37];
        for (size_t i = 0; i < views * 37u; i++)
            assert_int_equal(fscanf(golden, "%f", &embeddings[i]), 1);
        struct dy_mood mood;
        assert_ok(dy_mood_predict(tiny, embeddings, views, &mood, &err));
        near_all(golden, mood.features, 13);
        near_all(golden, mood.feature_places, 13);
        near(golden, mood.valence);
        near(golden, mood.arousal);
        near_all(golden, mood.emotions, 7);
        near_all(golden, mood.places, 2);
        near_all(golden, mood.scores, 2);
        near(golden, mood.sure);
    }
    assert_int_equal(lines, 3);
    fclose(golden);
}

static void predicting_allocates_nothing(void **state)
{
    (void)state;
    float embedding[37] = {0};
    struct dy_mood mood;
    test_alloc_fail_at(0);
    assert_ok(dy_mood_predict(tiny, embedding, 1, &mood, &err));
    assert_int_equal(test_alloc_count(), 0);
}

static void embeddings_that_are_not_finite_are_refused(void **state)
{
    (void)state;
    float embedding[37] = {0};
    struct dy_mood mood;
    assert_fails(dy_mood_predict(tiny, embedding, 0, &mood, &err), DYLUMO_BAD_ARGUMENT, "no pict");
    embedding[5] = NAN;
    assert_fails(dy_mood_predict(tiny, embedding, 1, &mood, &err), DYLUMO_BAD_ARGUMENT, "number 5");
    for (unsigned i = 0; i < 37; i++)
        embedding[i] = i % 2 ? 3e38f : -3e38f;
    assert_fails(dy_mood_predict(tiny, embedding, 1, &mood, &err), DYLUMO_BAD_ARGUMENT,
                 "too large");
}

static void even_odds_are_not_sure(void **state)
{
    (void)state;
    float p[7];
    dy_mood_softmax((float[7]){3, 3, 3, 3, 3, 3, 3}, 1, p);
    assert_true(fabsf(p[6] - 1 / 7.0f) < 1e-6f);
    dy_mood_softmax((float[7]){1e30f, 0, 0, 0, 0, 0, -1e30f}, 1, p);
    assert_true(p[0] == 1 && p[6] == 0);
}

/* ------------------------------------------------------------------ what the file says */

static void the_file_is_told(void **state)
{
    (void)state;
    const struct dy_mood_info *info = dy_mood_info(tiny);
    assert_string_equal(info->encoder, "tiny");
    assert_true(info->encoder_hash == 0x0123456789abcdef);
    assert_int_equal(info->dimension, 37);
    assert_int_equal(info->networks, 2);
    assert_true(info->flip);
    assert_int_equal(info->axes, 2);
    assert_string_equal(info->axis_names[1], "energy");
    assert_true(info->axis_weight[1] == 0.5f);
    assert_true(info->temperature == 1.25f);
}

static void the_encoder_must_be_its_own(void **state)
{
    (void)state;
    const uint64_t hash = 0x0123456789abcdef;
    assert_ok(dy_mood_check_encoder(tiny, "tiny", hash, 37, &err));
    assert_fails(dy_mood_check_encoder(tiny, "lite2", hash, 37, &err), DYLUMO_MISMATCH, "lite2");
    assert_fails(dy_mood_check_encoder(tiny, "tiny", 7, 37, &err), DYLUMO_MISMATCH,
                 "0000000000000007");
    assert_fails(dy_mood_check_encoder(tiny, "tiny", hash, 38, &err), DYLUMO_MISMATCH, "38");
}

/* ------------------------------------------------------------------ hostile files */

static enum dylumo_status open_bytes(const uint8_t *bytes, size_t size)
{
    struct dy_mood_model *model = NULL;
    enum dylumo_status st = dy_mood_parse(&model, bytes, size, "x", &err);
    dy_mood_close(model);
    return st;
}

static uint8_t *tiny_bytes(size_t *size)
{
    uint8_t *bytes;
    assert_ok(dy_read_file(&bytes, size, test_data("tiny-mood.safetensors"), 1 << 20, &err));
    return bytes;
}

/* Both of the same length. */
static void replace(uint8_t *bytes, size_t size, const char *from, const char *to)
{
    uint8_t *at = memmem(bytes, size, from, strlen(from));
    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
}

static void names_that_lie_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"dylumo.kind\":\"mood", "dylumo.kind\":\"mode", "expected 'mood'"},
        {"dylumo.version\":\"1", "dylumo.version\":\"3", "'dylumo.version' is '3'"},
        {"dylumo.version\":\"1", "dylumo.version\":\"2", "no 'dylumo.unit'"},
        {"0123456789abcdef", "0000000000000000", "encoder_hash"},
        {"dylumo.version\"", "dylumo.vorsion\"", "no 'dylumo.version'"},
        {"danceability energy", "energy danceability", "dylumo.features"},
        {"amusement anger", "amusement angst", "dylumo.emotions"},
        {"0123456789abcdef", "0123456789abcdeg", "encoder_hash"},
        {"dylumo.networks\":\"2", "dylumo.networks\":\"0", "no network"},
        {"dylumo.networks\":\"2", "dylumo.networks\":\"3", "network.2.0.weight"},
        {"dylumo.networks\":\"2", "dylumo.networks\":\"1", "tensors"},
        {"dylumo.networks\":\"2", "dylumo.networks\":\"-", "a number up to 64"},
        {"dylumo.flip\":\"1", "dylumo.flip\":\"2", "a number up to 1"},
        {"valence energy\"", "valence  nergy\"", "1 to 8 words"},
        {"valence energy\"", "va ence energy\"", "axis.songs"},
        {"{\\\"data\\\": \\\"none\\\"}", "[\\\"data\\\", \\\"none\\\"]", "not a JSON object"},
        {"input.mean", "input.main", "input.mean"},
        {"reference.axes", "reference.axis", "reference.axes"},
        {"network.1.3.weight", "network.1.4.weight", "gives 16 numbers"},
    };
    for (size_t i = 0; i < DY_COUNT(cases); i++) {
        size_t size;
        uint8_t *bytes = tiny_bytes(&size);
        replace(bytes, size, cases[i][0], cases[i][1]);
        assert_fails(open_bytes(bytes, size), DYLUMO_BAD_FILE, cases[i][2]);
        dy_free(bytes);
    }
}

/* Overwrites the tensor's number `at` in the bytes. */
static void poke(uint8_t *bytes, size_t size, const char *name, size_t at, float value)
{
    struct dy_safetensors *file;
    assert_ok(dy_safetensors_parse(&file, bytes, size, "x", &err));
    const struct dy_tensor *tensor = dy_safetensors_find(file, name);
    assert_non_null(tensor);
    size_t place = (size_t)((const uint8_t *)tensor->data - bytes);
    if (tensor->dtype == DY_F16)
        memcpy(bytes + place + 2 * at, &(uint16_t){dy_f16_from_f32(value)}, 2);
    else
        memcpy(bytes + place + 4 * at, &value, 4);
    dy_safetensors_close(file);
}

static void numbers_that_lie_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *tensor;
        size_t at;
        float value;
        const char *says;
    } cases[] = {
        {"input.mean", 3, NAN, "'input.mean' holds nan at 3"},
        {"input.scale", 0, INFINITY, "'input.scale'"},
        {"emotion.happy", 0, 2, "-1 to 1"},
        {"emotion.lively", 6, -3, "-1 to 1"},
        {"emotion.temperature", 0, 0, "temperature"},
        {"axis.weight", 1, -1, "axis.weight"},
        {"axis.error", 1, 0, "axis.error"},
        {"feature.r2", 12, 1.5f, "feature.r2"},
        {"reference.levels", 0, 0, "reference.levels"},
        {"reference.levels", 4, 0.01f, "does not ascend at 4"},
        {"reference.features", 20, -1e6f, "does not ascend"},
        {"reference.axes", 10, 1e6f, "does not ascend"},
        {"network.1.2.weight", 7, INFINITY, "not finite"},
        {"network.0.0.bias", 0, NAN, "network.0.0.bias"},
    };
    for (size_t i = 0; i < DY_COUNT(cases); i++) {
        size_t size;
        uint8_t *bytes = tiny_bytes(&size);
        poke(bytes, size, cases[i].tensor, cases[i].at, cases[i].value);
        assert_fails(open_bytes(bytes, size), DYLUMO_BAD_FILE, cases[i].says);
        dy_free(bytes);
    }
}

/* The tiny file as version 2, with a mean of words. */
static void write_with_words(const char *path, const float mean[37])
{
    static const char *const keys[] = {"dylumo.kind",     "dylumo.encoder",  "dylumo.encoder_hash",
                                       "dylumo.features", "dylumo.emotions", "dylumo.networks",
                                       "dylumo.flip",     "dylumo.axes",     "dylumo.recipe",
                                       "dylumo.pairing",  "dylumo.card"};
    struct dy_safetensors *file;
    struct dy_tensor tensors[64];
    const char *metadata[2 * DY_COUNT(keys) + 5] = {"dylumo.version", "2", "dylumo.unit", "0"};
    assert_ok(dy_safetensors_open(&file, test_data("tiny-mood.safetensors"), &err));
    size_t count = dy_safetensors_count(file);
    for (size_t i = 0; i < count; i++)
        tensors[i] = *dy_safetensors_at(file, i);
    tensors[count] = (struct dy_tensor){.name = "text.mean",
                                        .dtype = DY_F32,
                                        .dims = 1,
                                        .shape = {37},
                                        .data = mean,
                                        .size = 37 * sizeof *mean};
    for (size_t i = 0; i < DY_COUNT(keys); i++) {
        metadata[4 + 2 * i] = keys[i];
        metadata[5 + 2 * i] = dy_safetensors_metadata(file, keys[i]);
    }
    assert_ok(dy_safetensors_write(path, tensors, count + 1, metadata, &err));
    dy_safetensors_close(file);
}

/* Words at the words' mean are read as a picture at the pictures' mean. */
static void words_are_moved_to_the_pictures(void **state)
{
    (void)state;
    char *folder = test_folder_new();
    const char *path = test_path(folder, "words.safetensors");
    float mean[37], words[37], moved[37];
    for (size_t i = 0; i < 37; i++)
        mean[i] = 0.25f * (float)i;
    assert_fails(dy_mood_center_words(tiny, mean, moved, &err), DYLUMO_UNSUPPORTED, "no words");
    write_with_words(path, mean);
    struct dy_mood_model *model;
    struct dy_mood middle, same;
    assert_ok(dy_mood_open(&model, path, &err));
    assert_true(dy_mood_info(model)->has_text && !dy_mood_info(tiny)->has_text);
    assert_ok(dy_mood_center_words(model, mean, moved, &err));
    assert_ok(dy_mood_predict(model, moved, 1, &middle, &err));
    for (size_t i = 0; i < 37; i++) /* a step from the mean is the same step */
        words[i] = mean[i] + (i % 3 ? 0.5f : -0.25f);
    assert_ok(dy_mood_center_words(model, words, words, &err));
    for (size_t i = 0; i < 37; i++)
        assert_true(fabsf(words[i] - moved[i] - (i % 3 ? 0.5f : -0.25f)) < 1e-5f);
    assert_ok(dy_mood_predict(model, words, 1, &same, &err));
    assert_true(same.valence != middle.valence);
    dy_mood_close(model);
    test_folder_remove(folder);
}

static void truncated_files_are_refused(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = tiny_bytes(&size);
    for (size_t length = 0; length < size; length += 64)
        assert_int_equal(open_bytes(bytes, length), DYLUMO_BAD_FILE);
    dy_free(bytes);
}

static enum dylumo_status open_tiny(void *user)
{
    (void)user;
    struct dy_mood_model *model = NULL;
    enum dylumo_status st = dy_mood_open(&model, test_data("tiny-mood.safetensors"), &err);
    dy_mood_close(model);
    return st;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    test_every_allocation(open_tiny, NULL);
}

static int setup(void **state)
{
    (void)state;
    assert_ok(dy_mood_open(&tiny, test_data("tiny-mood.safetensors"), &err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dy_mood_close(tiny);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predictions_are_numpys),
        cmocka_unit_test(predicting_allocates_nothing),
        cmocka_unit_test(embeddings_that_are_not_finite_are_refused),
        cmocka_unit_test(even_odds_are_not_sure),
        cmocka_unit_test(the_file_is_told),
        cmocka_unit_test(the_encoder_must_be_its_own),
        cmocka_unit_test(names_that_lie_are_refused),
        cmocka_unit_test(numbers_that_lie_are_refused),
        cmocka_unit_test(words_are_moved_to_the_pictures),
        cmocka_unit_test(truncated_files_are_refused),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
