/* import_csv.c, import_csv_record.c: tables as they come, and as they should not. */
#include "dy_import.h"
#include "dy_test.h"
#include "import_csv.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <zlib.h>

static struct dylumo_error err;
static char *folder;

/* ------------------------------------------------------------------ whole tables */

/* Reads the table and writes it as "line:field|field;..." with faults as "line!"; a field's bytes
 * stand as they are. */
static const char *shown(const char *path)
{
    static char text[65536];
    size_t used = 0;
    struct dy_csv *csv;
    assert_ok(dy_csv_open(&csv, path, &err));
    for (;;) {
        struct dy_csv_record record;
        bool more;
        assert_ok(dy_csv_next(csv, &record, &more, &err));
        if (!more)
            break;
        used += (size_t)snprintf(text + used, sizeof text - used, "%llu%s",
                                 (unsigned long long)record.line, record.fault ? "!" : ":");
        for (size_t f = 0; f < record.count; f++) {
            bool known = f < dy_csv_column_count(csv);
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", f ? "|" : "",
                                     known ? (int)record.fields[f].size : 1,
                                     known ? record.fields[f].bytes : "?");
        }
        used += (size_t)snprintf(text + used, sizeof text - used, ";");
        assert_true(used < sizeof text - 1000);
    }
    text[used] = '\0';
    dy_csv_close(csv);
    return text;
}

static void check_table(const char *table, const char *expected)
{
    const char *path = test_path(folder, "a.csv");
    test_write_file(path, table, strlen(table));
    assert_string_equal(shown(path), expected);
    const char *packed = test_path(folder, "a.csv.gz");
    gzFile gz = gzopen(packed, "wb");
    assert_non_null(gz);
    assert_int_equal(gzwrite(gz, table, (unsigned)strlen(table)), strlen(table));
    gzclose(gz);
    assert_string_equal(shown(packed), expected);
}

static void reads_tables(void **state)
{
    (void)state;
    check_table("a,b\n1,2\n3,4\n", "2:1|2;3:3|4;");
    check_table("a,b\n1,2\n3,4", "2:1|2;3:3|4;");
    check_table("a,b\r\n1,2\r\n\r\n3,\"4\"\r\n", "2:1|2;4:3|4;");
    check_table("\xEF\xBB\xBF\"a\",b\n1,2\n", "2:1|2;");
    check_table("a,b\n\"1,\"\"x\"\"\",\"two\nlines\"\n5,6\n", "2:1,\"x\"|two\nlines;4:5|6;");
    check_table("a,b\n,\n\"\",\"\"\n", "2:|;3:|;");
    check_table("a,b\n1\n1,2,3\n", "2:1;3:1|2|?;");
    check_table("a,b\n5\" vinyl,x\"y\"z\n", "2:5\" vinyl|x\"y\"z;");
    check_table("a,b\n", "");
    check_table("a,b", "");
}

/* Plain records are split sixteen bytes at a time, those with a quote one by one: the same fields.
 */
static void splits_alike_with_quotes_and_without(void **state)
{
    (void)state;
    for (size_t size = 1; size < 70; size++)
        for (uint64_t seed = 0; seed < 50; seed++) {
            char plain[80], quoted[80];
            struct dy_text a[80], b[80];
            uint64_t random = dy_hash64(&size, sizeof size, seed);
            for (size_t i = 0; i < size; i++) {
                random = random * 6364136223846793005u + 1442695040888963407u;
                plain[i] = random >> 62 ? (char)('a' + (random >> 40) % 26) : ',';
            }
            memcpy(quoted, plain, size);
            memcpy(quoted + size, ",\"\"", 3);
            size_t room = seed % 5 ? 80 : 3, count = csv_split(plain, size, a, room);
            assert_int_equal(csv_split(quoted, size + 3, b, room), count + 1);
            for (size_t f = 0; f < count && f < room; f++) {
                assert_int_equal(a[f].bytes - plain, b[f].bytes - quoted);
                assert_int_equal(a[f].size, b[f].size);
            }
        }
}

static void gives_up_on_single_lines(void **state)
{
    (void)state;
    check_table("a,b\n\"x\"y,2\n3,4\n", "2!;3:3|4;");
    check_table("a,b\n1,\"never closed\n3,4\n", "2!;3:3|4;");
    check_table("a,b\n\"1\n\"2\n", "2!;3!;");
    check_table("a,b\n1,\"", "2!;");
}

static void knows_its_columns(void **state)
{
    (void)state;
    const char *path = test_path(folder, "b.csv");
    test_write_file(path, ",name,\"x,y\",name\n", 17);
    struct dy_csv *csv;
    assert_ok(dy_csv_open(&csv, path, &err));
    assert_int_equal(dy_csv_column_count(csv), 4);
    assert_int_equal(dy_csv_column(csv, "name"), 1);
    assert_int_equal(dy_csv_column(csv, "x,y"), 2);
    assert_int_equal(dy_csv_column(csv, ""), 0);
    assert_int_equal(dy_csv_column(csv, "nam"), -1);
    assert_int_equal(dy_csv_column_name(csv, 1).size, 4);
    dy_csv_close(csv);
}

/* Records that lie over the ends of blocks, and one longer than a block. */
static void joins_blocks(void **state)
{
    (void)state;
    const char *path = test_path(folder, "c.csv");
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fprintf(file, "number,text\n");
    for (int i = 0; i < 60000; i++)
        fprintf(file, "%d,\"a %d\nb\"\n", i, i);
    fprintf(file, "60000,");
    for (int i = 0; i < 600000; i++)
        fputc('x', file);
    fprintf(file, "\n60001,end\n");
    assert_int_equal(fclose(file), 0);
    struct dy_csv *csv;
    assert_ok(dy_csv_open(&csv, path, &err));
    struct dy_csv_record record;
    bool more;
    for (int i = 0; i <= 60001; i++) {
        assert_ok(dy_csv_next(csv, &record, &more, &err));
        double number;
        assert_true(more && record.count == 2 && dy_csv_number(record.fields[0], &number));
        assert_true(number == i);
        assert_int_equal(record.line, i <= 60000 ? 2 + 2 * i : 120003);
    }
    uint64_t done, all;
    dy_csv_progress(csv, &done, &all);
    assert_int_equal(done, all);
    assert_ok(dy_csv_next(csv, &record, &more, &err));
    assert_false(more);
    dy_csv_close(csv);
}

/* ------------------------------------------------------------------ what is no table */

static void refuses_what_is_no_table(void **state)
{
    (void)state;
    struct dy_csv *csv;
    assert_fails(dy_csv_open(&csv, "/nowhere.csv", &err), DYLUMO_NOT_FOUND, "nowhere");
    assert_fails(dy_csv_open(&csv, folder, &err), DYLUMO_BAD_FILE, "folder");
    const char *path = test_path(folder, "d.csv");
    test_write_file(path, "", 0);
    assert_fails(dy_csv_open(&csv, path, &err), DYLUMO_BAD_FILE, "empty");
    test_write_file(path, "\xEF\xBB\xBF", 3);
    assert_fails(dy_csv_open(&csv, path, &err), DYLUMO_BAD_FILE, "empty");
    test_write_file(path,
                    "\xFF\xFE"
                    "a\0",
                    4);
    assert_fails(dy_csv_open(&csv, path, &err), DYLUMO_BAD_FILE, "UTF-16");
    test_write_file(path, "\"a\n1\n", 5);
    assert_fails(dy_csv_open(&csv, path, &err), DYLUMO_BAD_FILE, "header");
}

/* A gzip file cut anywhere says so, or (cut to nothing) is empty. */
static void refuses_cut_gzip(void **state)
{
    (void)state;
    const char *path = test_path(folder, "e.csv.gz");
    gzFile gz = gzopen(path, "wb");
    assert_non_null(gz);
    gzprintf(gz, "a,b\n");
    for (int i = 0; i < 3000; i++)
        gzprintf(gz, "%d,%d\n", i * 7919 % 3001, i * i % 977);
    gzclose(gz);
    uint8_t *data;
    size_t size;
    assert_ok(dy_read_file(&data, &size, path, 1 << 20, &err));
    for (size_t cut = 0; cut < size; cut += 64) {
        test_write_file(path, data, cut);
        struct dy_csv *csv;
        enum dylumo_status st = dy_csv_open(&csv, path, &err);
        bool more = !st;
        while (!st && more) {
            struct dy_csv_record record;
            st = dy_csv_next(csv, &record, &more, &err);
            if (st || !more)
                dy_csv_close(csv);
        }
        assert_int_equal(st, DYLUMO_BAD_FILE);
    }
    dy_free(data);
}

/* ------------------------------------------------------------------ numbers */

static bool parse(const char *text, double *number)
{
    struct dy_text bytes = {text, strlen(text)};
    return dy_csv_number(bytes, number);
}

static void reads_numbers(void **state)
{
    (void)state;
    static const char *const good[] = {"0",
                                       "-0",
                                       "1",
                                       "+1",
                                       "-1",
                                       "0.1",
                                       ".5",
                                       "5.",
                                       "1e3",
                                       "1E-3",
                                       "9.54e-05",
                                       "123456789012345678",
                                       "0.30000000000000004",
                                       "1.7976931348623157e308",
                                       "4.9e-324",
                                       "2.2250738585072011e-308",
                                       "9007199254740993",
                                       "0.000000000000000000000000000001",
                                       "123456789.123456789123456789",
                                       " 7 ",
                                       "1e22",
                                       "1e23",
                                       "8.5e-23",
                                       "00000000000000000000000000012",
                                       "-60.5",
                                       "1e-400",
                                       "9007199254740992.5",
                                       "0e999999999999"};
    for (size_t i = 0; i < DY_COUNT(good); i++) {
        double number = NAN;
        if (!parse(good[i], &number) || number != strtod(good[i], NULL))
            fail_msg("%s was read as %.17g", good[i], number);
    }
    static const char *const bad[] = {"",      " ",   "-",    ".",     "e5",  "1e",
                                      "1e+",   "1 2", "nan",  "inf",   "0x1", "1,5",
                                      "1e400", "--1", "1..2", "1.2.3", "1f",  "\xD9\xA1"};
    for (size_t i = 0; i < DY_COUNT(bad); i++) {
        double number;
        if (parse(bad[i], &number))
            fail_msg("%s was taken for a number", bad[i]);
    }
    struct dy_text nul = {"1\0", 2};
    double number;
    assert_false(dy_csv_number(nul, &number));
}

static void random_numbers_are_nearest(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (int i = 0; i < 200000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        char text[64];
        double number = NAN, value;
        uint64_t bits = random;
        memcpy(&value, &bits, sizeof value);
        if (i % 2 || !isfinite(value))
            value = (double)(random >> 11) / (double)(1 + random % 100000);
        snprintf(text, sizeof text, "%.*g", 1 + i % 17, value);
        double expected = strtod(text, NULL);
        if (isfinite(expected) && (!parse(text, &number) || number != expected))
            fail_msg("%s was read as %.17g", text, number);
    }
}

static enum dylumo_status read_all(void *user)
{
    struct dy_csv *csv;
    enum dylumo_status st = dy_csv_open(&csv, user, &err);
    if (st)
        return st;
    for (bool more = true; !st && more;) {
        struct dy_csv_record record;
        st = dy_csv_next(csv, &record, &more, &err);
    }
    dy_csv_close(csv);
    return st;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    char path[600];
    snprintf(path, sizeof path, "%s/f.csv", folder);
    test_write_file(path, "a,b\n1,2\n", 8);
    test_every_allocation(read_all, path);
}

static int make_folder(void **state)
{
    (void)state;
    folder = test_folder_new();
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_tables),
        cmocka_unit_test(splits_alike_with_quotes_and_without),
        cmocka_unit_test(gives_up_on_single_lines),
        cmocka_unit_test(knows_its_columns),
        cmocka_unit_test(joins_blocks),
        cmocka_unit_test(refuses_what_is_no_table),
        cmocka_unit_test(refuses_cut_gzip),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(random_numbers_are_nearest),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
