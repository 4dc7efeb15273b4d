/* import_faiss.c: indexes that faiss wrote (tools/make_original.py), and broken ones. */
#include "dy_original.h"
#include "dy_test.h"

#include <math.h>
#include <stdlib.h>

#define HEADER_SIZE 45 /* kind, sizes, metric and the number of floats */

static struct dylumo_error err;
static struct dy_rows rows;
static enum dy_faiss_metric metric;

static const char *golden(const char *name)
{
    char path[100];
    snprintf(path, sizeof path, "original/songs/%s", name);
    return test_data(path);
}

/* The bytes of music_index.index, to be spoilt; on the heap. */
static uint8_t *index_bytes(size_t *size)
{
    uint8_t *bytes;
    assert_ok(dy_read_file(&bytes, size, golden("music_index.index"), 1 << 20, &err));
    return bytes;
}

/* Parses the golden index with byte `at` changed by `change` and its end moved. */
static enum dylumo_status parse_spoilt(size_t at, uint8_t change, long more)
{
    size_t size;
    uint8_t *bytes = index_bytes(&size), *room = calloc(size + 8, 1);
    assert_non_null(room);
    memcpy(room, bytes, size);
    room[at] = (uint8_t)(room[at] + change);
    enum dylumo_status st =
        dy_faiss_parse(&rows, &metric, room, (size_t)((long)size + more), "x", &err);
    free(room);
    dy_free(bytes);
    return st;
}

static void vectors_are_those_that_went_in(void **state)
{
    struct dy_rows wanted;
    (void)state;
    assert_ok(dy_rows_read(&wanted, golden("spotify_features.npy"), &err));
    assert_ok(dy_faiss_read(&rows, &metric, golden("scaled.index"), &err));
    assert_int_equal(metric, DY_FAISS_L2);
    assert_int_equal(rows.count, 40);
    assert_int_equal(rows.columns, 13);
    assert_memory_equal(rows.values, wanted.values, sizeof(float) * 40 * 13);
    dy_rows_clear(&rows);
    dy_rows_clear(&wanted);
}

static void vectors_of_length_1(void **state)
{
    (void)state;
    assert_ok(dy_faiss_read(&rows, &metric, golden("music_index.index"), &err));
    assert_int_equal(metric, DY_FAISS_INNER_PRODUCT);
    for (size_t row = 0; row < rows.count; row++) {
        double sum = 0;
        for (size_t i = 0; i < rows.columns; i++)
            sum += pow((double)rows.values[row * rows.columns + i], 2);
        assert_true(fabs(sum - 1) < 1e-6);
    }
    dy_rows_clear(&rows);
}

static void other_kinds_are_refused_by_name(void **state)
{
    (void)state;
    assert_fails(dy_faiss_parse(&rows, &metric, "IHNf", 4, "x", &err), DYLUMO_UNSUPPORTED,
                 "x: is IndexHNSWFlat");
    assert_fails(dy_faiss_parse(&rows, &metric, "IwPQ....", 8, "x", &err), DYLUMO_UNSUPPORTED,
                 "IndexIVFPQ");
    assert_fails(dy_faiss_parse(&rows, &metric, "I\n..", 4, "x", &err), DYLUMO_BAD_FILE,
                 "begins with 'I?..'");
    assert_fails(dy_faiss_parse(&rows, &metric, "Ix", 2, "x", &err), DYLUMO_BAD_FILE, "2 bytes");
    assert_fails(parse_spoilt(33, 1, 0), DYLUMO_BAD_FILE, "says metric 1");
    assert_fails(parse_spoilt(33, 2, 0), DYLUMO_UNSUPPORTED, "metric 2");
}

static void sizes_are_checked(void **state)
{
    (void)state;
    for (long cut = 1; cut < HEADER_SIZE; cut++)
        assert_int_equal(parse_spoilt(40, 0, cut - 2125), DYLUMO_BAD_FILE);
    assert_fails(parse_spoilt(40, 0, -1), DYLUMO_BAD_FILE, "520 numbers in 2079 bytes");
    assert_fails(parse_spoilt(40, 0, 1), DYLUMO_BAD_FILE, "520 numbers in 2081 bytes");
    assert_fails(parse_spoilt(4, 1, 0), DYLUMO_BAD_FILE, "40 vectors of 14 numbers");
    assert_fails(parse_spoilt(8, 1, 0), DYLUMO_BAD_FILE, "41 vectors of 13 numbers");
    assert_fails(parse_spoilt(15, 255, 0), DYLUMO_BAD_FILE, "vectors of 13 numbers");
    assert_fails(parse_spoilt(37, 1, 0), DYLUMO_BAD_FILE, "521 numbers");
    assert_fails(parse_spoilt(4, 243, 0), DYLUMO_BAD_FILE, "40 vectors of 0 numbers");
}

static void numbers_are_finite(void **state)
{
    size_t size;
    float odd = NAN;
    (void)state;
    uint8_t *bytes = index_bytes(&size);
    memcpy(bytes + HEADER_SIZE + sizeof odd * 13, &odd, sizeof odd);
    assert_fails(dy_faiss_parse(&rows, &metric, bytes, size, "x", &err), DYLUMO_BAD_FILE,
                 "vector 1 holds a number that is not finite");
    assert_null(rows.values);
    dy_free(bytes);
}

static enum dylumo_status read_once(void *user)
{
    (void)user;
    enum dylumo_status st = dy_faiss_read(&rows, &metric, golden("music_index.index"), &err);
    dy_rows_clear(&rows);
    return st;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    test_every_allocation(read_once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_are_those_that_went_in),
        cmocka_unit_test(vectors_of_length_1),
        cmocka_unit_test(other_kinds_are_refused_by_name),
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(numbers_are_finite),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
