/* format_safetensors.c and format_safetensors_write.c: there and back, and hostile headers. */
#include "dy_format.h"
#include "dy_test.h"

#include <stdlib.h>

static struct dylumo_error err;

/* ------------------------------------------------------------------ files of the test's making */

static size_t compose(uint8_t bytes[static 4096], const char *header, size_t data_size)
{
    size_t length = strlen(header);
    memset(bytes, 0, 4096);
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(length >> (8 * i));
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < data_size; i++)
        bytes[8 + length + i] = (uint8_t)i;
    return 8 + length + data_size;
}

static enum dylumo_status parse(const char *header, size_t data_size)
{
    static uint8_t bytes[4096];
    struct dy_safetensors *file = NULL;
    enum dylumo_status st =
        dy_safetensors_parse(&file, bytes, compose(bytes, header, data_size), "x", &err);
    dy_safetensors_close(file);
    return st;
}

#define U8(begin, end, count) \
    "{\"dtype\":\"U8\",\"shape\":[" #count "],\"data_offsets\":[" #begin "," #end "]}"

static const float weights[2][3] = {{1, 2, 3}, {4, 5, 6}};
static const uint16_t halves[3] = {0x3C00, 0x4000, 0};
static const uint8_t flag = 1;

static enum dylumo_status write_sample(const char *path)
{
    const struct dy_tensor tensors[] = {
        {.name = "flag", .dtype = DY_BOOL, .dims = 0, .data = &flag, .size = 1},
        {"b.half", DY_F16, 1, {3}, halves, sizeof halves},
        {"a.weight", DY_F32, 2, {2, 3}, weights, sizeof weights},
        {"empty", DY_F64, 2, {0, 7}, NULL, 0},
    };
    const char *const metadata[] = {"dylumo.encoder", "lite2", "note", "caf\xC3\xA9 \"x\"", NULL};
    return dy_safetensors_write(path, tensors, DY_COUNT(tensors), metadata, &err);
}

/* ------------------------------------------------------------------ tests */

static void what_is_written_is_read(void **state)
{
    const char *path = test_path(*state, "sample.safetensors");
    struct dy_safetensors *file;
    assert_ok(write_sample(path));
    assert_ok(dy_safetensors_open(&file, path, &err));
    assert_int_equal(dy_safetensors_count(file), 4);
    assert_string_equal(dy_safetensors_at(file, 0)->name, "a.weight");
    assert_string_equal(dy_safetensors_at(file, 3)->name, "flag");
    assert_null(dy_safetensors_at(file, 4));
    const struct dy_tensor *weight = dy_safetensors_find(file, "a.weight");
    assert_int_equal(weight->dtype, DY_F32);
    assert_int_equal(weight->shape[1], 3);
    assert_memory_equal(weight->data, weights, sizeof weights);
    assert_int_equal((uintptr_t)weight->data % 4, 0);
    assert_memory_equal(dy_safetensors_find(file, "b.half")->data, halves, sizeof halves);
    assert_null(dy_safetensors_find(file, "empty")->data);
    assert_null(dy_safetensors_find(file, "c"));
    assert_string_equal(dy_safetensors_metadata(file, "dylumo.encoder"), "lite2");
    assert_string_equal(dy_safetensors_metadata(file, "note"), "caf\xC3\xA9 \"x\"");
    assert_null(dy_safetensors_metadata(file, "none"));
    uint8_t *bytes;
    size_t size;
    assert_ok(dy_read_file(&bytes, &size, path, 10000, &err));
    assert_true(dy_safetensors_hash(file) == dy_hash64(bytes, size, 0));
    dy_free(bytes);
    dy_safetensors_close(file);
}

static void expectations_are_checked(void **state)
{
    const char *path = test_path(*state, "sample.safetensors");
    struct dy_safetensors *file;
    const struct dy_tensor *tensor;
    assert_ok(write_sample(path));
    assert_ok(dy_safetensors_open(&file, path, &err));
    const uint64_t good[] = {2, 0}, bad[] = {2, 4};
    assert_ok(dy_safetensors_expect(file, "a.weight", DY_F32, 2, good, &tensor, &err));
    assert_fails(dy_safetensors_expect(file, "a.weight", DY_F32, 2, bad, &tensor, &err),
                 DYLUMO_BAD_FILE, "tensor 'a.weight' has shape [2, 3], expected [2, 4]");
    assert_fails(dy_safetensors_expect(file, "a.weight", DY_F32, 0, NULL, &tensor, &err),
                 DYLUMO_BAD_FILE, "expected []");
    assert_fails(dy_safetensors_expect(file, "a.weight", DY_F16, 2, good, &tensor, &err),
                 DYLUMO_BAD_FILE, "is F32, expected F16");
    assert_fails(dy_safetensors_expect(file, "z", DY_F16, 2, good, &tensor, &err), DYLUMO_BAD_FILE,
                 "no tensor 'z'");
    dy_safetensors_close(file);
}

static void tensors_that_lie_crooked_are_copied(void **state)
{
    (void)state;
    static uint8_t bytes[4096];
    for (unsigned pad = 0; pad < 8; pad++) {
        char header[256];
        snprintf(header, sizeof header,
                 "{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[3,11]},\"b\":%s}%.*s",
                 U8(0, 3, 3), (int)pad, "        ");
        struct dy_safetensors *file;
        size_t size = compose(bytes, header, 11);
        assert_ok(dy_safetensors_parse(&file, bytes, size, "x", &err));
        const struct dy_tensor *a = dy_safetensors_find(file, "a");
        assert_int_equal((uintptr_t)a->data % 8, 0);
        assert_memory_equal(a->data, "\3\4\5\6\7\x8\x9\xA", 8);
        assert_memory_equal(dy_safetensors_find(file, "b")->data, "\0\1\2", 3);
        dy_safetensors_close(file);
    }
}

static void headers_that_lie_are_refused(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"a\":" U8(0, 4, 4) "}", 4), DYLUMO_OK);
    static const struct {
        const char *header;
        size_t data_size;
        const char *says;
    } cases[] = {
        {"{\"a\":" U8(0, 4, 4) ",\"b\":" U8(2, 6, 4) "}", 6, "overlaps"},
        {"{\"a\":" U8(0, 4, 4) ",\"b\":" U8(0, 4, 4) "}", 4, "overlaps"},
        {"{\"a\":" U8(0, 4, 4) ",\"b\":" U8(5, 9, 4) "}", 9, "hole"},
        {"{\"a\":" U8(1, 5, 4) "}", 5, "hole"},
        {"{\"a\":" U8(0, 4, 4) "}", 5, "1 bytes after its last"},
        {"{\"a\":" U8(0, 4, 4) "}", 3, "outside"},
        {"{\"a\":" U8(4, 0, 4) "}", 4, "outside"},
        {"{\"a\":" U8(0, 4, 5) "}", 4, "other bytes than its shape"},
        {"{\"a\":" U8(0, 4, -4) "}", 4, "shape"},
        {"{\"a\":" U8(0, 4, "4") "}", 4, "shape"},
        {"{\"a\":" U8(0, 4, 4.0) "}", 4, "shape"},
        {"{\"a\":" U8(-1, 3, 4) "}", 4, "two counts"},
        {"{\"a\":" U8(0, 4e0, 4) "}", 4, "two counts"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4611686018427387904,8],\"data_offsets\":[0,4]}}", 4,
         "overflows"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}}", 4,
         "not JSON"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,4],\"data_offsets\":[0,4]}}", 4,
         "shape"},
        {"{\"a\":{\"dtype\":\"U9\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "dtype"},
        {"{\"a\":{\"dtype\":8,\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "dtype"},
        {"{\"a\":{\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "not an object of"},
        {"{\"a\":7}", 0, "not an object of"},
        {"{\"a\":" U8(0, 4, 4) ",\"a\":" U8(0, 4, 4) "}", 4, "not JSON: duplicate"},
        {"{\"a\\u0000b\":" U8(0, 4, 4) "}", 4, "not JSON"},
        {"{\"\xFF\":" U8(0, 4, 4) "}", 4, "not JSON"},
        {"{\"a\":" U8(0, 4, 4) "} x", 4, "not JSON"},
        {"{\"__metadata__\":[]}", 0, "__metadata__"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "not a string"},
        {"{\"a\":[[[[[[[[[[[[[[]]]]]]]]]]]]]]}", 0, "deep"},
        {"[]", 0, "'{'"},
        {"", 0, "'{'"},
    };
    for (size_t i = 0; i < DY_COUNT(cases); i++)
        assert_fails(parse(cases[i].header, cases[i].data_size), DYLUMO_BAD_FILE, cases[i].says);
}

static void huge_headers_are_refused_unread(void **state)
{
    (void)state;
    uint8_t bytes[64] = {0};
    struct dy_safetensors *file;
    memset(bytes, 0xFF, 8);
    assert_fails(dy_safetensors_parse(&file, bytes, 64, "x", &err), DYLUMO_BAD_FILE,
                 "is no safetensors file");
    memcpy(bytes, "\x01\xE1\xF5\x05\0\0\0\0", 8); /* 100,000,001 */
    assert_fails(dy_safetensors_parse(&file, bytes, 64, "x", &err), DYLUMO_BAD_FILE,
                 "is no safetensors file");
    /* of a file that would hold it no more is read */
    assert_fails(dy_safetensors_parse(&file, bytes, 200000000, "x", &err), DYLUMO_TOO_LARGE,
                 "limit");
    memcpy(bytes, "\x00\xE1\xF5\x05\0\0\0\0", 8);
    assert_fails(dy_safetensors_parse(&file, bytes, 64, "x", &err), DYLUMO_BAD_FILE, "cut off");
    size_t size = 8 + 3000000;
    uint8_t *many = dy_new(size);
    memset(many, ',', size);
    memcpy(many, "\xC0\xC6\x2D\0\0\0\0\0{\"a\":[", 14);
    assert_fails(dy_safetensors_parse(&file, many, size, "x", &err), DYLUMO_TOO_LARGE, "entries");
    dy_free(many);
}

static void truncated_files_are_refused(void **state)
{
    uint8_t *bytes;
    size_t size;
    const char *path = test_path(*state, "sample.safetensors");
    assert_ok(write_sample(path));
    assert_ok(dy_read_file(&bytes, &size, path, 10000, &err));
    for (size_t length = 0; length < size; length++) {
        uint8_t *cut = malloc(length ? length : 1);
        memcpy(cut, bytes, length);
        struct dy_safetensors *file;
        assert_int_equal(dy_safetensors_parse(&file, cut, length, "x", &err), DYLUMO_BAD_FILE);
        free(cut);
    }
    dy_free(bytes);
    struct dy_safetensors *file;
    test_write_file(test_path(*state, "nothing"), "", 0);
    assert_fails(dy_safetensors_open(&file, test_path(*state, "nothing"), &err), DYLUMO_BAD_FILE,
                 "0 bytes");
    assert_fails(dy_safetensors_open(&file, *state, &err), DYLUMO_BAD_FILE, "folder");
}

static void nonsense_is_not_written(void **state)
{
    const char *path = test_path(*state, "bad");
    struct dy_tensor two[2] = {{"a", DY_U8, 1, {1}, &flag, 1}, {"a", DY_U8, 1, {1}, &flag, 1}};
    assert_fails(dy_safetensors_write(path, two, 2, NULL, &err), DYLUMO_BAD_ARGUMENT, "two");
    two[1].name = "\xFF";
    assert_fails(dy_safetensors_write(path, two, 2, NULL, &err), DYLUMO_BAD_ARGUMENT, "cannot");
    two[1] = (struct dy_tensor){"b", DY_U8, 1, {2}, &flag, 1};
    assert_fails(dy_safetensors_write(path, two, 2, NULL, &err), DYLUMO_BAD_ARGUMENT, "'b'");
    const char *const metadata[] = {"a", "\xFF", NULL};
    assert_fails(dy_safetensors_write(path, two, 1, metadata, &err), DYLUMO_BAD_ARGUMENT, "UTF-8");
}

static enum dylumo_status write_and_read(void *user)
{
    const char *path = test_path(user, "alloc");
    enum dylumo_status st = write_sample(path);
    struct dy_safetensors *file = NULL;
    if (!st)
        st = dy_safetensors_open(&file, path, &err);
    dy_safetensors_close(file);
    if (st)
        return st;
    static uint8_t bytes[4096];
    size_t size = compose(
        bytes,
        "{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[3,11]},\"b\":" U8(0, 3, 3) "}",
        11);
    st = dy_safetensors_parse(&file, bytes, size, "x", &err);
    if (!st)
        dy_safetensors_close(file);
    return st;
}

static void survives_failing_allocations(void **state)
{
    test_every_allocation(write_and_read, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(expectations_are_checked),
        cmocka_unit_test(tensors_that_lie_crooked_are_copied),
        cmocka_unit_test(headers_that_lie_are_refused),
        cmocka_unit_test(huge_headers_are_refused_unread),
        cmocka_unit_test(truncated_files_are_refused),
        cmocka_unit_test(nonsense_is_not_written),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, test_folder_setup, test_folder_teardown);
}
