/* import_scaled.c, and import_stream_original.c on it: what scikit-learn scaled (by
 * tools/make_original.py) comes back as the table had it. */
#include "dy_test.h"
#include "import_csv.h"
#include "import_scaled.h"

#include <stdio.h>

static struct dylumo_error err;
static char *folder;

static void copy(const char *from, const char *name)
{
    struct dy_map map;
    assert_ok(dy_map_file(&map, test_data(from), &err));
    test_write_file(test_path(folder, name), map.data, map.size);
    dy_map_close(&map);
}

/* 40 rows with an id and one more text. */
static void write_metadata(void)
{
    char text[4096] = "track_id,note\n";
    for (unsigned row = 0; row < 40; row++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "id%u,\"a \"\"b\"\", c\"\n", row);
    }
    test_write_file(test_path(folder, "spotify_metadata.csv"), text, strlen(text));
}

static int set_up(void **state)
{
    (void)state;
    folder = test_folder_new();
    if (!folder)
        return -1;
    copy("original/spotify_scaler.pkl", "spotify_scaler.pkl");
    copy("original/songs/spotify_features.npy", "spotify_features.npy");
    copy("original/songs/music_index.index", "music_index.index");
    write_metadata();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

static void numbers_are_the_tables_own(void **state)
{
    /* rows 0 and 36 of original/songs/table.csv */
    static const char *const wanted[2][DYLUMO_FEATURE_COUNT] = {
        {"0.573", "0.846", "7", "-4.866", "1", "0.0344", "0.00372", "7.87e-05", "0.290", "0.562",
         "127.061", "191053", "4"},
        {"0.235", "0.977", "6", "0.878", "1", "0.107", "0.00353", "0.00604", "0.172", "0.241",
         "152.952", "208133", "4"},
    };
    struct import_scaled scaled;
    (void)state;
    assert_ok(import_scaled_open(&scaled, folder, &err));
    assert_int_equal(scaled.rows.count, 40);
    assert_false(scaled.unit);
    for (unsigned i = 0; i < 2; i++)
        for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
            char text[32];
            import_scaled_print(&scaled, i * 36, f, text);
            assert_string_equal(text, wanted[i][f]);
        }
    import_scaled_clear(&scaled);
}

static void rows_agree_with_their_values_alone(void **state)
{
    double values[DYLUMO_FEATURE_COUNT] = {0.573,   0.846, 7,     -4.866,  1,      0.0344, 0.00372,
                                           7.87e-5, 0.290, 0.562, 127.061, 191053, 4};
    struct import_scaled scaled;
    (void)state;
    assert_ok(import_scaled_open(&scaled, folder, &err));
    assert_true(import_scaled_agrees(&scaled, 0, values));
    assert_false(import_scaled_agrees(&scaled, 1, values));
    values[DYLUMO_TEMPO] += 0.5;
    assert_false(import_scaled_agrees(&scaled, 0, values));
    import_scaled_clear(&scaled);
}

static enum dylumo_status read_all(void *user)
{
    size_t *rows = user;
    struct dy_csv *csv;
    struct dy_csv_record record;
    bool more = true;
    enum dylumo_status st = dy_csv_open(&csv, folder, &err);
    if (st)
        return st;
    for (*rows = 0; !st && more; *rows += !st && more)
        st = dy_csv_next(csv, &record, &more, &err);
    dy_csv_close(csv);
    return st;
}

static void a_folder_is_a_table(void **state)
{
    size_t rows;
    struct dy_csv *csv;
    struct dy_csv_record record;
    bool more;
    (void)state;
    assert_ok(read_all(&rows));
    assert_int_equal(rows, 40);
    assert_ok(dy_csv_open(&csv, folder, &err));
    assert_int_equal(dy_csv_column_count(csv), 2 + DYLUMO_FEATURE_COUNT);
    assert_int_equal(dy_csv_column(csv, "danceability"), 2);
    assert_ok(dy_csv_next(csv, &record, &more, &err));
    assert_true(more && record.count == 2 + DYLUMO_FEATURE_COUNT);
    assert_memory_equal(record.fields[1].bytes, "a \"b\", c", record.fields[1].size);
    assert_memory_equal(record.fields[2].bytes, "0.573", record.fields[2].size);
    dy_csv_close(csv);
}

static void every_allocation_may_fail(void **state)
{
    size_t rows;
    (void)state;
    test_every_allocation(read_all, &rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_the_tables_own),
        cmocka_unit_test(rows_agree_with_their_values_alone),
        cmocka_unit_test(a_folder_is_a_table),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
