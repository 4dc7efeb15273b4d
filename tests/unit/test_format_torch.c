/* format_torch.c: files that PyTorch wrote and files that lie, all made by
 * tests/fuzz/make_corpus_torch.py, whole, cut and changed. */
#include "dy_foreign.h"
#include "dy_test.h"

#include <stdio.h>
#include <stdlib.h>

static struct dylumo_error err;

static const char *corpus(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "tests/fuzz/corpus/torch/%s", name);
    return test_repository(path);
}

static struct dy_torch *open_corpus(const char *name)
{
    struct dy_torch *torch = NULL;
    assert_ok(dy_torch_open(&torch, corpus(name), &err));
    return torch;
}

static const struct dy_tensor *expect(const struct dy_torch *torch, const char *name,
                                      enum dy_dtype dtype, unsigned dims, uint64_t first,
                                      uint64_t second)
{
    const struct dy_tensor *tensor = dy_torch_find(torch, name);
    if (!tensor) {
        fail_msg("no tensor %s", name);
        return NULL;
    }
    assert_int_equal(tensor->dtype, dtype);
    assert_int_equal(tensor->dims, dims);
    assert_true(dims < 1 || tensor->shape[0] == first);
    assert_true(dims < 2 || tensor->shape[1] == second);
    return tensor;
}

static void expect_state_dict(const struct dy_torch *torch, const char *prefix)
{
    char name[64];
    assert_int_equal(dy_torch_count(torch), 3);
    snprintf(name, sizeof name, "%s0.weight", prefix);
    const float *weight = expect(torch, name, DY_F32, 2, 2, 3)->data;
    for (int i = 0; i < 6; i++)
        assert_true(weight[i] == (float)i);
    snprintf(name, sizeof name, "%s0.bias", prefix);
    const float *bias = expect(torch, name, DY_F32, 1, 2, 0)->data;
    assert_true(bias[0] == 0.5f && bias[1] == -0.5f);
    snprintf(name, sizeof name, "%s1.num_batches_tracked", prefix);
    assert_int_equal(*(const int64_t *)expect(torch, name, DY_I64, 0, 0, 0)->data, 7);
}

static void a_state_dict_is_read(void **state)
{
    (void)state;
    struct dy_torch *torch = open_corpus("bare.pt");
    expect_state_dict(torch, "");
    assert_string_equal(dy_torch_at(torch, 0)->name, "0.bias");
    assert_null(dy_torch_at(torch, 3));
    assert_null(dy_torch_find(torch, "0"));
    dy_torch_close(torch);
}

static void a_dict_around_it_gives_names_and_numbers(void **state)
{
    (void)state;
    struct dy_torch *torch = open_corpus("nested.pt");
    expect_state_dict(torch, "model_state_dict.");
    int64_t number;
    double real;
    assert_true(dy_pickle_integer(dy_pickle_get(dy_torch_root(torch), "input_dim"), &number));
    assert_int_equal(number, 3);
    assert_true(dy_pickle_real(dy_pickle_get(dy_torch_root(torch), "best"), &real));
    assert_true(real == 0.25);
    dy_torch_close(torch);
}

static void the_old_stream_is_read(void **state)
{
    (void)state;
    struct dy_torch *torch = open_corpus("stream.pt");
    expect_state_dict(torch, "");
    dy_torch_close(torch);
}

static void a_script_archive_gives_its_parameters(void **state)
{
    (void)state;
    struct dy_torch *torch = open_corpus("script.pt");
    assert_int_equal(dy_torch_count(torch), 2);
    const float *weight = expect(torch, "part.weight", DY_F32, 2, 1, 2)->data;
    assert_true(weight[0] == 1 && weight[1] == 2);
    assert_int_equal(*(const int64_t *)expect(torch, "size", DY_I64, 0, 0, 0)->data, 16);
    dy_torch_close(torch);
}

static void expect_doubles(const struct dy_torch *torch, const char *name, const double *values,
                           size_t count)
{
    const struct dy_tensor *tensor = dy_torch_find(torch, name);
    assert_non_null(tensor);
    assert_int_equal(tensor->dtype, DY_F64);
    assert_int_equal(tensor->size, count * sizeof(double));
    assert_memory_equal(tensor->data, values, tensor->size);
}

static void views_are_put_in_order(void **state)
{
    (void)state;
    struct dy_torch *torch = open_corpus("kinds.pt");
    double turned[12], all[12];
    for (size_t i = 0; i < 12; i++) {
        all[i] = (double)i;
        turned[i % 4 * 3 + i / 4] = (double)i;
    }
    expect_doubles(torch, "all", all, 12);
    expect_doubles(torch, "turned", turned, 12);
    expect_doubles(torch, "row", all + 4, 4);
    expect_doubles(torch, "column", (const double[]){2, 6, 10}, 3);
    expect(torch, "turned", DY_F64, 2, 4, 3);
    dy_torch_close(torch);
}

static void all_types_are_read(void **state)
{
    (void)state;
    struct dy_torch *torch = open_corpus("kinds.pt");
    assert_int_equal(dy_torch_count(torch), 12);
    assert_int_equal(*(const uint16_t *)expect(torch, "half", DY_F16, 1, 1, 0)->data, 0x3E00);
    assert_int_equal(*(const uint16_t *)expect(torch, "brain", DY_BF16, 1, 1, 0)->data, 0x4020);
    assert_true(*(const float *)expect(torch, "parameter", DY_F32, 1, 2, 0)->data == 1);
    assert_null(expect(torch, "empty", DY_F32, 2, 0, 3)->data);
    assert_int_equal(*(const uint8_t *)expect(torch, "flags", DY_BOOL, 1, 2, 0)->data, 1);
    assert_int_equal(*(const int32_t *)expect(torch, "list.0", DY_I32, 1, 1, 0)->data, 1);
    assert_int_equal(*(const uint8_t *)expect(torch, "list.1.0", DY_U8, 1, 1, 0)->data, 2);
    assert_int_equal(*(const int8_t *)expect(torch, "5", DY_I8, 1, 1, 0)->data, 3);
    dy_torch_close(torch);
}

static void lies_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum dylumo_status status;
        const char *text;
    } lies[] = {
        {"behind", DYLUMO_BAD_FILE, "tensor 'a' reaches out of its storage of 4 numbers"},
        {"far", DYLUMO_BAD_FILE, "reaches out of its storage"},
        {"overflow", DYLUMO_BAD_FILE, "reaches out of its storage"},
        {"repeated", DYLUMO_BAD_FILE, "reaches out of its storage"},
        {"negative", DYLUMO_BAD_FILE, "is not made of a storage"},
        {"dims", DYLUMO_BAD_FILE, "is not made of a storage"},
        {"strides", DYLUMO_BAD_FILE, "is not made of a storage"},
        {"short", DYLUMO_BAD_FILE, "storage '0' has 12 bytes, its pickle says 4 numbers of F32"},
        {"missing", DYLUMO_BAD_FILE, "has no storage '0'"},
        {"up", DYLUMO_BAD_FILE, "has no storage '../data.pkl'"},
        {"two_types", DYLUMO_BAD_FILE, "storage '0' has two types"},
        {"many", DYLUMO_TOO_LARGE, "more bytes than the file"},
        {"packed", DYLUMO_UNSUPPORTED, "storage '0' is packed"},
        {"big", DYLUMO_UNSUPPORTED, "byte order is 'big'"},
        {"none", DYLUMO_BAD_FILE, "holds no tensors"},
        {"twice", DYLUMO_BAD_FILE, "two tensors named '1'"},
        {"long_name", DYLUMO_TOO_LARGE, "has over 500 bytes"},
        {"system", DYLUMO_UNSUPPORTED, "'posix.system'"},
        {"eval", DYLUMO_UNSUPPORTED, "'builtins.eval'"},
        {"load", DYLUMO_UNSUPPORTED, "'torch.load'"},
        {"whole.pt", DYLUMO_UNSUPPORTED, "'torch.nn.modules.linear.Linear'"},
        {"folder", DYLUMO_BAD_FILE, "without 'NAME/data.pkl'"},
    };
    struct dy_torch *torch = NULL;
    for (size_t i = 0; i < DY_COUNT(lies); i++)
        assert_fails(dy_torch_open(&torch, corpus(lies[i].name), &err), lies[i].status,
                     lies[i].text);
    assert_fails(dy_torch_parse(&torch, "PK", 2, "x", &err), DYLUMO_BAD_FILE,
                 "does not begin as PyTorch's files do");
    assert_fails(dy_torch_open(&torch, "/nowhere.pt", &err), DYLUMO_NOT_FOUND, "nowhere.pt");
    assert_null(torch);
}

/* A copy on the heap of exactly the file's size, so that ASan sees a step too far. */
static uint8_t *load(const char *name, size_t *size)
{
    uint8_t *data = NULL;
    assert_ok(dy_read_file(&data, size, corpus(name), 1 << 20, &err));
    return data;
}

static unsigned read_and_sum(const uint8_t *data, size_t size)
{
    struct dy_torch *torch = NULL;
    unsigned sum = 0;
    if (dy_torch_parse(&torch, data, size, "x", &err))
        return 0;
    for (size_t i = 0; i < dy_torch_count(torch); i++)
        for (size_t j = 0; j < dy_torch_at(torch, i)->size; j++)
            sum += ((const uint8_t *)dy_torch_at(torch, i)->data)[j];
    dy_torch_close(torch);
    return sum;
}

static void every_cut_and_change_is_survived(void **state)
{
    (void)state;
    static const char *const names[] = {"good", "stream.pt"};
    for (size_t n = 0; n < DY_COUNT(names); n++) {
        size_t size = 0;
        uint8_t *data = load(names[n], &size);
        for (size_t cut = 0; cut < size; cut++) {
            struct dy_torch *torch = NULL;
            uint8_t *exact = malloc(cut + 1);
            assert_non_null(exact);
            memcpy(exact, data, cut);
            assert_int_not_equal(dy_torch_parse(&torch, exact, cut, "x", &err), DYLUMO_OK);
            free(exact);
        }
        for (size_t at = 0; at < size; at++) {
            data[at] ^= 0x11;
            (void)read_and_sum(data, size);
            data[at] ^= 0x11;
        }
        dy_free(data);
    }
}

static enum dylumo_status open_and_close(void *user)
{
    struct dy_torch *torch = NULL;
    enum dylumo_status st = dy_torch_open(&torch, user, &err);
    if (!st)
        dy_torch_close(torch);
    return st;
}

static void no_memory_is_survived(void **state)
{
    (void)state;
    char path[512];
    static const char *const names[] = {"kinds.pt", "stream.pt"};
    for (size_t i = 0; i < DY_COUNT(names); i++) {
        snprintf(path, sizeof path, "%s", corpus(names[i]));
        test_every_allocation(open_and_close, path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_dict_is_read),
        cmocka_unit_test(a_dict_around_it_gives_names_and_numbers),
        cmocka_unit_test(the_old_stream_is_read),
        cmocka_unit_test(a_script_archive_gives_its_parameters),
        cmocka_unit_test(views_are_put_in_order),
        cmocka_unit_test(all_types_are_read),
        cmocka_unit_test(lies_are_refused),
        cmocka_unit_test(every_cut_and_change_is_survived),
        cmocka_unit_test(no_memory_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
