/* Song tables and pictures in Parquet, through DuckDB's library where the machine has it. */
#include "dy_import.h"
#include "dy_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct dylumo_error err;
static char *folder;

static int set_up(void **state)
{
    (void)state;
    folder = test_folder_new();
    return folder ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

/* The library that make check fetches, where none is named; skips aloud without one. */
static void need_duckdb(void)
{
    char path[1024], version[32];
    const char *named = getenv("DYLUMO_DUCKDB");
    if (!named || !*named)
        setenv("DYLUMO_DUCKDB", test_repository("build/duckdb/libduckdb.so"), 1);
    if (!access(getenv("DYLUMO_DUCKDB"), R_OK)) {
        assert_ok(dy_import_duckdb(path, sizeof path, version, sizeof version, &err));
        assert_true(version[0] == 'v');
        return;
    }
    unsetenv("DYLUMO_DUCKDB");
    print_message("no libduckdb.so in build/duckdb: tools/setup_duckdb.sh build/duckdb\n");
    skip();
}

static enum dylumo_status import(const char *output, const char *input)
{
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.threads = 2;
    return dy_import_songs(output, input, NULL, &context, NULL, &err);
}

static void assert_same_files(const char *a, const char *b)
{
    struct dy_map first, second;
    assert_ok(dy_map_file(&first, a, &err));
    assert_ok(dy_map_file(&second, b, &err));
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    dy_map_close(&first);
    dy_map_close(&second);
}

/* ------------------------------------------------------------------ tables */

static void same_as_csv(void **state)
{
    (void)state;
    need_duckdb();
    const char *parquet = test_path(folder, "parquet.songs"), *csv = test_path(folder, "csv.songs");
    assert_ok(import(parquet, test_data("parquet/songs.parquet")));
    assert_ok(import(csv, test_data("parquet/songs.csv")));
    assert_same_files(parquet, csv);
}

/* Other order of columns, other compression, columns without a text form; repeated rows are told
 * with the table they stand in. */
static char repeated[160];
static void report(void *user, const char *table, uint64_t line, const char *reason)
{
    (void)user;
    snprintf(repeated, sizeof repeated, "%s:%d: %.60s", strrchr(table, '/') + 1, (int)line, reason);
}

static void several_tables(void **state)
{
    (void)state;
    need_duckdb();
    const char *inputs[] = {test_data("parquet/songs.parquet"), test_data("parquet/more.parquet")};
    struct dy_import_summary summary;
    const char *output = test_path(folder, "both.songs");
    assert_ok(dy_import_tables(output, inputs, 2, NULL, NULL, &summary, &err));
    assert_int_equal(summary.songs, 70);
    const char *again[] = {test_data("parquet/songs.parquet"), test_data("parquet/songs.csv")};
    struct dy_import_options options = {.report = report};
    assert_ok(dy_import_tables(output, again, 2, &options, NULL, &summary, &err));
    assert_int_equal(summary.songs, 40);
    assert_int_equal(summary.duplicates, 40);
    assert_true(!strncmp(repeated, "songs.csv:", 10));
}

/* A name that DuckDB would take for a pattern or an address is the file's. */
static void names_are_names(void **state)
{
    (void)state;
    need_duckdb();
    struct dy_map map;
    const char *path = test_path(folder, "s*[1]?.parquet");
    assert_ok(dy_map_file(&map, test_data("parquet/songs.parquet"), &err));
    test_write_file(path, map.data, map.size);
    test_write_file(test_path(folder, "s1.parquet"), "PAR1", 4);
    dy_map_close(&map);
    assert_ok(import(test_path(folder, "a.songs"), path));
}

static void broken_files(void **state)
{
    (void)state;
    need_duckdb();
    struct dy_map map;
    const char *path = test_path(folder, "broken.parquet"), *to = test_path(folder, "b.songs");
    assert_ok(dy_map_file(&map, test_data("parquet/songs.parquet"), &err));
    for (size_t size = 4; size < map.size; size += map.size / 12) {
        test_write_file(path, map.data, size);
        assert_fails(import(to, path), DYLUMO_BAD_FILE, "can't be read as Parquet");
        assert_null(strstr(err.text, "/proc/"));
    }
    uint8_t *bytes = dy_new_array(map.size, 1);
    assert_non_null(bytes);
    for (size_t at = 5; at < map.size; at += map.size / 16) { /* flips that may or may not matter */
        memcpy(bytes, map.data, map.size);
        bytes[at] ^= 0x55;
        test_write_file(path, bytes, map.size);
        enum dylumo_status st = import(to, path);
        assert_true(st == DYLUMO_OK || st == DYLUMO_BAD_FILE);
    }
    dy_free(bytes);
    dy_map_close(&map);
    assert_fails(import(to, test_data("parquet/emid-0.parquet")), DYLUMO_BAD_FILE,
                 "no column named 'track_id'");
}

static void without_library(void **state)
{
    (void)state;
    char *before = dy_strdup(getenv("DYLUMO_DUCKDB") ? getenv("DYLUMO_DUCKDB") : "");
    const char *to = test_path(folder, "a.songs"), *from = test_data("parquet/songs.parquet");
    setenv("XDG_DATA_HOME", folder, 1);
    setenv("DYLUMO_DUCKDB", "/nowhere/libduckdb.so", 1);
    assert_fails(import(to, from), DYLUMO_BAD_FILE, "can't be loaded");
    setenv("DYLUMO_DUCKDB", "libz.so.1", 1);
    assert_fails(import(to, from), DYLUMO_BAD_FILE, "is no DuckDB library");
    unsetenv("DYLUMO_DUCKDB");
    enum dylumo_status st = import(to, from);
    if (st) /* a machine may have it where the loader looks */
        assert_int_equal(st, DYLUMO_UNSUPPORTED);
    assert_true(!st || strstr(err.text, "DuckDB"));
    unsetenv("XDG_DATA_HOME");
    if (before && *before)
        setenv("DYLUMO_DUCKDB", before, 1);
    dy_free(before);
}

static enum dylumo_status read_all(void *user)
{
    struct dy_csv *csv;
    struct dy_csv_record record;
    bool more = true;
    (void)user;
    enum dylumo_status st = dy_csv_open(&csv, test_data("parquet/songs.parquet"), &err);
    if (st)
        return st;
    while (!st && more)
        st = dy_csv_next(csv, &record, &more, &err);
    dy_csv_close(csv);
    return st;
}

static void every_allocation(void **state)
{
    (void)state;
    need_duckdb();
    test_every_allocation(read_all, NULL);
}

/* ------------------------------------------------------------------ pictures */

static enum dylumo_status unpack(struct dy_pictures_summary *summary)
{
    const char *inputs[] = {test_data("parquet/emid-0.parquet"),
                            test_data("parquet/emid-1.parquet")};
    return dy_import_pictures(test_path(folder, "in/emid"), inputs, 2, NULL, summary, &err);
}

static bool there(const char *name)
{
    return !access(test_path(folder, name), F_OK);
}

static void pictures(void **state)
{
    (void)state;
    need_duckdb();
    struct dy_pictures_summary summary;
    assert_fails(unpack(&summary), DYLUMO_NOT_FOUND, "cannot make the folder");
    test_write_file(test_path(folder, "in"), "", 0);
    assert_fails(unpack(&summary), DYLUMO_NOT_FOUND, "cannot make the folder");
    remove(test_path(folder, "in"));
    assert_int_equal(mkdir(test_path(folder, "in"), 0777), 0);
    assert_ok(unpack(&summary));
    assert_int_equal(summary.rows, 4);
    assert_int_equal(summary.written, 9);
    assert_int_equal(summary.present, 1);
    assert_int_equal(summary.absent, 1);
    assert_int_equal(summary.unknown, 1);
    assert_true(there("in/emid/images/awe_1.jpg") && there("in/emid/images/fear_2.jpg") &&
                there("in/emid/images/win.png") && there("in/emid/images/evil.jpg"));
    assert_false(there("in/evil.jpg") || there("evil.jpg") || there("in/emid/images/.hidden.jpg") ||
                 there("in/emid/images/song.mp3"));
    assert_ok(unpack(&summary)); /* a second run finds all of it */
    assert_int_equal(summary.written, 0);
    assert_int_equal(summary.present, 10);
    remove(test_path(folder, "in/emid/images/win.png"));
    test_write_file(test_path(folder, "in/emid/images/evil.jpg"), "x", 1); /* another picture's */
    assert_ok(unpack(&summary));
    assert_int_equal(summary.written, 2);
}

static void pictures_table(void **state)
{
    (void)state;
    need_duckdb();
    struct dy_csv *csv;
    struct dy_csv_record record;
    bool more = true;
    size_t rows = 0;
    const char *inputs[] = {test_data("parquet/emid-0.parquet")};
    assert_ok(dy_import_pictures(test_path(folder, "t"), inputs, 1, NULL, NULL, &err));
    assert_ok(dy_csv_open(&csv, test_path(folder, "t/EMID_data.csv"), &err));
    long name = dy_csv_column(csv, "Image2_filename"), tag = dy_csv_column(csv, "Image2_tag");
    long ratings = dy_csv_column(csv, "emotion");
    assert_true(name >= 0 && tag >= 0 && ratings >= 0);
    for (; more; rows += more) {
        assert_ok(dy_csv_next(csv, &record, &more, &err));
        if (more && rows == 0) {
            assert_memory_equal(record.fields[name].bytes, "fear_2.jpg", 10);
            assert_memory_equal(record.fields[tag].bytes, "fear", 4);
            assert_memory_equal(record.fields[ratings].bytes, "[1, 2, 3", 8);
        }
        if (more && rows == 2)
            assert_int_equal(record.fields[name].size, 0); /* no picture there */
    }
    assert_int_equal(rows, 3);
    dy_csv_close(csv);
}

static void pictures_refused(void **state)
{
    (void)state;
    need_duckdb();
    const char *songs[] = {test_data("parquet/songs.parquet")};
    const char *csv[] = {test_data("parquet/songs.csv")};
    assert_fails(dy_import_pictures(test_path(folder, "x"), songs, 1, NULL, NULL, &err),
                 DYLUMO_BAD_FILE, "holds pictures; expected Image1_filename");
    assert_fails(dy_import_pictures(test_path(folder, "x"), csv, 1, NULL, NULL, &err),
                 DYLUMO_BAD_FILE, "is no Parquet");
    assert_false(there("x/EMID_data.csv"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(same_as_csv, set_up, tear_down),
        cmocka_unit_test_setup_teardown(several_tables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_are_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(broken_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_library, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_allocation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pictures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pictures_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pictures_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
