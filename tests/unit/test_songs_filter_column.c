/* songs_filter_column.c: every kind of column, in AVX2 and without, against its test read aloud. */
#include "dy_test.h"
#include "songs_filter.h"
#include "test_songs.h"

#include <math.h>
#include <stdlib.h>

#define SONGS 1000 /* not whole blocks of 64 */
#define NAMES 37

static uint64_t random_state;

/* ------------------------------------------------------------------ what is asked */

union numbers {
    float floats[SONGS];
    int16_t shorts[SONGS];
    uint8_t bytes[SONGS];
    uint32_t whole[SONGS];
};

static const int64_t leasts[] = {0, INT16_MIN, 0, 0, 0};
static const int64_t mosts[] = {0, INT16_MAX, UINT8_MAX, UINT32_MAX, UINT32_MAX};

/* Numbers that crowd around a few values, the ends of their type among them. */
static int64_t draw(enum filter_type type)
{
    uint64_t kind = test_random(&random_state) % 8, near = test_random(&random_state) % 5;
    if (type == FILTER_NAMES)
        return kind == 0 ? UINT32_MAX : (int64_t)(test_random(&random_state) % (NAMES + 2));
    return kind == 0   ? leasts[type] + (int64_t)near
           : kind == 1 ? mosts[type] - (int64_t)near
                       : (int64_t)(test_random(&random_state) % 100);
}

static float draw_float(void)
{
    static const float odd[] = {0, -0.0F, INFINITY, -INFINITY, NAN, 0.5F};
    uint64_t kind = test_random(&random_state) % 4;
    return kind ? (float)test_random_unit(&random_state)
                : odd[test_random(&random_state) % DY_COUNT(odd)];
}

static void fill(union numbers *numbers, enum filter_type type)
{
    for (size_t i = 0; i < SONGS; i++) {
        int64_t number = draw(type);
        if (type == FILTER_FLOATS)
            numbers->floats[i] = draw_float();
        else if (type == FILTER_SHORTS)
            numbers->shorts[i] = (int16_t)number;
        else if (type == FILTER_BYTES)
            numbers->bytes[i] = (uint8_t)number;
        else
            numbers->whole[i] = (uint32_t)number;
    }
}

static bool passes(const struct filter_column *column, const union numbers *numbers, size_t i)
{
    switch (column->type) {
    case FILTER_FLOATS:
        return numbers->floats[i] >= column->least && numbers->floats[i] <= column->most;
    case FILTER_SHORTS:
        return numbers->shorts[i] >= column->low && numbers->shorts[i] <= column->high;
    case FILTER_BYTES:
        return numbers->bytes[i] >= column->low && numbers->bytes[i] <= column->high;
    case FILTER_WHOLE:
        return numbers->whole[i] >= column->low && numbers->whole[i] <= column->high;
    case FILTER_NAMES:
        return numbers->whole[i] < NAMES && column->passes[numbers->whole[i]];
    }
    return false;
}

/* ------------------------------------------------------------------ both ways */

static uint64_t sparse(unsigned rounds)
{
    uint64_t bits = UINT64_MAX;
    for (unsigned r = 0; r < rounds; r++)
        bits &= test_random(&random_state);
    return bits;
}

static void ask(const struct filter_column *column, const union numbers *numbers, bool avx2)
{
    struct dy_songs songs = {.file.count = SONGS, .cpu.avx2 = avx2};
    uint64_t within[(SONGS + 63) / 64], out[(SONGS + 63) / 64] = {0};
    for (size_t w = 0; w < DY_COUNT(within); w++)
        within[w] = sparse((unsigned)(test_random(&random_state) % 7));
    within[SONGS / 64] &= (UINT64_C(1) << SONGS % 64) - 1;
    out[3] = within[3] & 5; /* as an earlier value left it */
    uint64_t before = out[3];
    songs_filter_column(&songs, column, within, out);
    for (size_t i = 0; i < SONGS; i++) {
        bool set = i / 64 == 3 && before >> i % 64 & 1;
        bool wanted = set || ((within[i / 64] >> i % 64 & 1) && passes(column, numbers, i));
        assert_int_equal(out[i / 64] >> i % 64 & 1, wanted);
    }
}

static void agrees_with_one_by_one(void **state)
{
    (void)state;
    bool avx2 = dy_cpu_read().avx2;
    if (!avx2)
        print_message("# this processor has no AVX2\n");
    union numbers *numbers = malloc(sizeof *numbers); /* ends where the last song does */
    assert_non_null(numbers);
    random_state = 1;
    for (int turn = 0; turn < 2000; turn++) {
        uint8_t flags[NAMES + FILTER_NAMES_MORE] = {0};
        struct filter_column column = {
            .type = (enum filter_type)(turn % 5), .data = numbers, .passes = flags, .names = NAMES};
        fill(numbers, column.type);
        int64_t one = draw(column.type), other = draw(column.type);
        column.low = one < other ? one : other;
        column.high = one < other ? other : one;
        column.least = draw_float();
        column.most = draw_float();
        for (size_t n = 0; n < NAMES; n++)
            flags[n] = test_random(&random_state) % 3 == 0;
        ask(&column, numbers, turn / 5 % 2 && avx2);
    }
    free(numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_one_by_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
