/* format_npy.c: arrays as numpy writes them, by hand, and broken ones. */
#include "dy_foreign.h"
#include "dy_test.h"

#include <stdlib.h>

static struct dylumo_error err;

static _Alignas(64) uint8_t bytes[4096];

/* Version, header and data_size bytes of data (1.0f, 2.0f, ... as f4). */
static size_t compose(unsigned version, const char *header, size_t data_size)
{
    size_t length = strlen(header), at = 6;
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[at++] = (uint8_t)version;
    bytes[at++] = 0;
    bytes[at++] = (uint8_t)length;
    bytes[at++] = (uint8_t)(length >> 8);
    if (version > 1) {
        bytes[at++] = 0;
        bytes[at++] = 0;
    }
    memcpy(bytes + at, header, length);
    at += length;
    for (size_t i = 0; i < data_size; i += 4) {
        float number = (float)(i / 4 + 1);
        memcpy(bytes + at + i, &number, data_size - i < 4 ? data_size - i : 4);
    }
    return at + data_size;
}

static enum dylumo_status parse(unsigned version, const char *header, size_t data_size)
{
    struct dy_npy npy;
    enum dylumo_status st =
        dy_npy_parse(&npy, bytes, compose(version, header, data_size), "x", &err);
    dy_npy_close(&npy);
    return st;
}

#define MATRIX "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"

static void every_version_is_read(void **state)
{
    (void)state;
    for (unsigned version = 1; version <= 3; version++) {
        struct dy_npy npy;
        assert_ok(dy_npy_parse(&npy, bytes, compose(version, MATRIX "  \n", 24), "x", &err));
        assert_int_equal(npy.tensor.dtype, DY_F32);
        assert_int_equal(npy.tensor.dims, 2);
        assert_int_equal(npy.tensor.shape[0], 2);
        assert_int_equal(npy.tensor.shape[1], 3);
        assert_int_equal(npy.tensor.size, 24);
        const float *numbers = npy.tensor.data; /* crooked in some of the versions: copied */
        assert_true((uintptr_t)numbers % 4 == 0);
        for (unsigned i = 0; i < 6; i++)
            assert_true(numbers[i] == (float)(i + 1));
        dy_npy_close(&npy);
    }
}

static void matrices_in_fortran_order_are_turned(void **state)
{
    struct dy_npy npy;
    static const float wanted[] = {1, 3, 5, 2, 4, 6};
    static const char header[] = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }";
    (void)state;
    assert_ok(dy_npy_parse(&npy, bytes, compose(1, header, 24), "x", &err));
    assert_memory_equal(npy.tensor.data, wanted, sizeof wanted);
    dy_npy_close(&npy);
    assert_ok(parse(1, "{'descr': '<f8', 'fortran_order': True, 'shape': (0, 3), }", 0));
}

static void other_shapes_and_spellings_are_read(void **state)
{
    (void)state;
    assert_ok(parse(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }\n", 24));
    assert_ok(parse(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (), }", 8));
    assert_ok(parse(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 5), }", 0));
    assert_ok(parse(1, "{\"shape\":(3L,2L),\"descr\":\"<f4\",\"fortran_order\":False}", 24));
    assert_ok(parse(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (6,), }", 24));
}

static void what_is_not_read_is_named(void **state)
{
    (void)state;
    assert_fails(parse(1, "{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", 8),
                 DYLUMO_UNSUPPORTED, "'>f4'");
    assert_fails(parse(1, "{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }", 4),
                 DYLUMO_UNSUPPORTED, "'<f2'");
    assert_fails(parse(1, "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", 8),
                 DYLUMO_UNSUPPORTED, "'|O'");
    assert_fails(parse(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2, 3), }", 24),
                 DYLUMO_UNSUPPORTED, "3 dimensions in Fortran order");
    assert_fails(parse(4, MATRIX, 24), DYLUMO_UNSUPPORTED, "version 4.0");
}

static void broken_headers_are_refused(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "",
        "{",
        "{}",
        MATRIX "x",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3",
        "{'descr': '<f4', 'fortran_order': False, 'shape': 6}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-6,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,6)}",
        "{'descr': '<f4', 'fortran_order': None, 'shape': (6,)}",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,)}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,)}",
        "{'descr': __import__('os').system('true'), 'fortran_order': False, 'shape': (6,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'more': 1}",
        "{'descr': '<f4' 'fortran_order': False, 'shape': (6,)}",
        "{'descr': '<f4",
    };
    for (size_t i = 0; i < DY_COUNT(headers); i++)
        assert_fails(parse(1, headers[i], 24), DYLUMO_BAD_FILE, "header");
}

static void sizes_that_lie_are_refused(void **state)
{
    (void)state;
    assert_fails(parse(1, MATRIX, 23), DYLUMO_BAD_FILE, "needs 24");
    assert_fails(parse(1, MATRIX, 25), DYLUMO_BAD_FILE, "needs 24");
    assert_fails(parse(1,
                       "{'descr': '<f8', 'fortran_order': False, 'shape': "
                       "(4294967296, 4294967296), }",
                       0),
                 DYLUMO_BAD_FILE, "overflows");
    size_t size = compose(2, MATRIX, 24);
    bytes[11] = 0xFF;
    struct dy_npy npy;
    assert_fails(dy_npy_parse(&npy, bytes, size, "x", &err), DYLUMO_TOO_LARGE, "header");
    size = compose(1, MATRIX, 24);
    for (size_t length = 0; length < size; length++) {
        uint8_t *cut = malloc(length ? length : 1);
        assert_non_null(cut);
        memcpy(cut, bytes, length);
        assert_int_equal(dy_npy_parse(&npy, cut, length, "x", &err), DYLUMO_BAD_FILE);
        free(cut);
    }
}

static void files_are_opened(void **state)
{
    (void)state;
    char *folder = test_folder_new();
    const char *path = test_path(folder, "a.npy");
    test_write_file(path, bytes, compose(1, MATRIX, 24));
    struct dy_npy npy;
    assert_ok(dy_npy_open(&npy, path, &err));
    assert_int_equal(npy.tensor.size, 24);
    dy_npy_close(&npy);
    test_write_file(path, "", 0);
    assert_fails(dy_npy_open(&npy, path, &err), DYLUMO_BAD_FILE, "a.npy");
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_is_read),
        cmocka_unit_test(matrices_in_fortran_order_are_turned),
        cmocka_unit_test(other_shapes_and_spellings_are_read),
        cmocka_unit_test(what_is_not_read_is_named),
        cmocka_unit_test(broken_headers_are_refused),
        cmocka_unit_test(sizes_that_lie_are_refused),
        cmocka_unit_test(files_are_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
