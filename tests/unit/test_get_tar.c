/* One file out of a .tar.gz: found behind others, whole, and nothing of broken archives. */
#include "dy_get.h"
#include "dy_test.h"

#include <string.h>
#include <unistd.h>
#include <zlib.h>

static struct dylumo_error err;
static char archive[4096], output[4096];

static void add_head(uint8_t head[512], const char *name, size_t size)
{
    unsigned sum = 0;
    memset(head, 0, 512);
    snprintf((char *)head, 100, "%s", name);
    snprintf((char *)head + 124, 12, "%011zo", size);
    head[156] = '0';
    memset(head + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += head[i];
    snprintf((char *)head + 148, 8, "%06o", sum);
}

/* a.txt of 700 letters, then package/b.so of "the file"; the first `bytes` of it, one byte changed
 * at `wrong` where that is inside. */
static void make_archive(const char *folder, size_t bytes, size_t wrong)
{
    static uint8_t all[512 * 7];
    memset(all, 0, sizeof all);
    add_head(all, "a.txt", 700);
    memset(all + 512, 'x', 700);
    add_head(all + 512 * 3, "package/b.so", 8);
    memcpy(all + 512 * 4, "the file", 8);
    if (wrong < sizeof all)
        all[wrong] ^= 1;
    snprintf(archive, sizeof archive, "%s/a.tgz", folder);
    snprintf(output, sizeof output, "%s/b.so", folder);
    (void)unlink(output);
    gzFile file = gzopen(archive, "wb");
    assert_int_equal(gzwrite(file, all, (unsigned)bytes), bytes);
    assert_int_equal(gzclose(file), Z_OK);
}

static void the_file_is_taken_out(void **state)
{
    make_archive(*state, 512 * 7, SIZE_MAX);
    assert_ok(dy_get_untar(archive, "package/b.so", output, &err));
    struct dy_map map;
    assert_ok(dy_map_file(&map, output, &err));
    assert_int_equal(map.size, 8);
    assert_memory_equal(map.data, "the file", 8);
    dy_map_close(&map);
    assert_fails(dy_get_untar(archive, "package/b.s", output, &err), DYLUMO_BAD_FILE,
                 "has no package/b.s");
}

static void broken_archives_leave_nothing(void **state)
{
    for (size_t bytes = 1; bytes < 512 * 5; bytes += 300) { /* cut: before the file, and in it */
        make_archive(*state, bytes, SIZE_MAX);
        assert_fails(dy_get_untar(archive, "package/b.so", output, &err), DYLUMO_BAD_FILE, "a.tgz");
        assert_int_equal(access(output, F_OK), -1);
    }
    for (size_t wrong = 512 * 3; wrong < 512 * 4; wrong += 7) { /* any byte of its head */
        make_archive(*state, 512 * 7, wrong);
        assert_fails(dy_get_untar(archive, "package/b.so", output, &err), DYLUMO_BAD_FILE, "a.tgz");
        assert_int_equal(access(output, F_OK), -1);
    }
    test_write_file(archive, "no gzip, and no tar either", 26);
    assert_fails(dy_get_untar(archive, "b", output, &err), DYLUMO_BAD_FILE, "ends early");
    (void)unlink(archive);
    assert_fails(dy_get_untar(archive, "b", output, &err), DYLUMO_NOT_FOUND, "cannot open");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_is_taken_out),
        cmocka_unit_test(broken_archives_leave_nothing),
    };
    return cmocka_run_group_tests(tests, test_folder_setup, test_folder_teardown);
}
