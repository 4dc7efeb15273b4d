/* base_file.c and base_error.c: files mapped, read, written beside; sentences that can be shown. */
#include "dy_test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct dylumo_error err;

static void an_outfile_appears_only_when_committed(void **state)
{
    char *folder = *state;
    const char *path = test_path(folder, "out");
    struct dy_outfile out;
    assert_ok(dy_outfile_open(&out, path, &err));
    assert_ok(dy_outfile_write(&out, "new", 3, &err));
    assert_int_equal(access(path, F_OK), -1);
    dy_outfile_discard(&out);
    assert_int_equal(access(path, F_OK), -1);
    assert_ok(dy_outfile_open(&out, path, &err));
    assert_ok(dy_outfile_write(&out, "new", 3, &err));
    assert_ok(dy_outfile_commit(&out, &err));
    struct dy_map map;
    assert_ok(dy_map_file(&map, path, &err));
    assert_int_equal(map.size, 3);
    assert_memory_equal(map.data, "new", 3);
    dy_map_close(&map);
}

static void a_file_is_written_whole_or_not(void **state)
{
    const char *path = test_path(*state, "whole");
    struct dy_map map;
    assert_ok(dy_write_file(path, "old", 3, &err));
    assert_ok(dy_write_file(path, "newer", 5, &err));
    assert_ok(dy_map_file(&map, path, &err));
    assert_int_equal(map.size, 5);
    assert_memory_equal(map.data, "newer", 5);
    dy_map_close(&map);
    assert_fails(dy_write_file(test_path(*state, "whole/below"), "x", 1, &err), DYLUMO_NOT_FOUND,
                 "whole/below");
}

/* /dev/stdout is one: renamed over, it would be a file from then on. */
static void of_a_link_the_file_is_replaced(void **state)
{
    char file[256];
    snprintf(file, sizeof file, "%s", test_path(*state, "file"));
    const char *link = test_path(*state, "link");
    struct stat info;
    struct dy_outfile out;
    struct dy_map map;
    assert_ok(dy_write_file(file, "old", 3, &err));
    assert_int_equal(symlink(file, link), 0);
    assert_ok(dy_write_file(link, "newer", 5, &err));
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_ok(dy_map_file(&map, file, &err));
    assert_int_equal(map.size, 5);
    dy_map_close(&map);
    assert_ok(dy_outfile_open(&out, "/dev/stdout", &err));
    assert_ptr_equal(out.stream, stdout);
    dy_outfile_discard(&out);
}

static void a_full_disk_is_reported_and_leaves_the_old_file(void **state)
{
    (void)state;
    struct dy_outfile out = {0};
    out.stream = fopen("/dev/full", "wb");
    if (!out.stream)
        skip();
    out.path = dy_strdup("songs.dylumo");
    out.part_path = dy_strdup("/nonexistent/part");
    assert_ok(dy_outfile_write(&out, "data", 4, &err));
    assert_fails(dy_outfile_commit(&out, &err), DYLUMO_IO, "songs.dylumo: cannot write: No space");
}

/* Renamed over, /dev/null would be a file from then on. */
static void a_pipe_is_written_not_replaced(void **state)
{
    const char *path = test_path(*state, "pipe");
    char bytes[8];
    struct stat info;
    struct dy_outfile out;
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_ok(dy_outfile_open(&out, path, &err));
    assert_ok(dy_outfile_write(&out, "new", 3, &err));
    assert_ok(dy_outfile_commit(&out, &err));
    assert_int_equal(read(reader, bytes, sizeof bytes), 3);
    close(reader);
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
}

static void what_is_not_a_file_is_refused(void **state)
{
    char *folder = *state;
    struct dy_map map;
    uint8_t *data;
    size_t size;
    assert_fails(dy_map_file(&map, folder, &err), DYLUMO_BAD_FILE, "is a folder");
    assert_fails(dy_read_file(&data, &size, folder, 10, &err), DYLUMO_BAD_FILE, "is a folder");
    const char *missing = test_path(folder, "missing");
    assert_fails(dy_map_file(&map, missing, &err), DYLUMO_NOT_FOUND, "cannot open");
    const char *fifo = test_path(folder, "fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_fails(dy_map_file(&map, fifo, &err), DYLUMO_BAD_FILE, "pipe or device");
}

static void reading_stops_at_the_limit(void **state)
{
    char *folder = *state;
    const char *path = test_path(folder, "five");
    test_write_file(path, "12345", 5);
    uint8_t *data;
    size_t size;
    assert_fails(dy_read_file(&data, &size, path, 4, &err), DYLUMO_TOO_LARGE, "4 bytes");
    assert_ok(dy_read_file(&data, &size, path, 5, &err));
    assert_int_equal(size, 5);
    dy_free(data);
}

static void sentences_are_cleaned(void **state)
{
    (void)state;
    assert_int_equal(dy_fail(&err, DYLUMO_IO, "%s", "a\x1b[2Jb\xFF\xC3\xA9\n"), DYLUMO_IO);
    assert_string_equal(err.text, "a?[2Jb?\xC3\xA9?");
    assert_int_equal(dy_fail(NULL, DYLUMO_IO, "x"), DYLUMO_IO);
    assert_int_equal(dy_fail_errno(&err, EACCES, "p", "cannot open"), DYLUMO_NO_PERMISSION);
    assert_string_equal(err.text, "p: cannot open: Permission denied");
}

static void a_reader_stays_failed(void **state)
{
    (void)state;
    struct dy_reader reader = dy_reader_of("\x01\x02\x03\x04\x05", 5);
    assert_int_equal(dy_read_u32(&reader), 0x04030201);
    assert_int_equal(dy_read_u16(&reader), 0);
    assert_true(reader.failed);
    assert_int_equal(dy_read_u8(&reader), 0);
}

static enum dylumo_status write_and_read(void *user)
{
    const char *path = test_path(user, "alloc");
    struct dy_outfile out;
    enum dylumo_status st = dy_outfile_open(&out, path, &err);
    if (!st)
        st = dy_outfile_commit(&out, &err);
    uint8_t *data = NULL;
    size_t size;
    if (!st)
        st = dy_read_file(&data, &size, path, 10, &err);
    dy_free(data);
    return st;
}

static void survives_failing_allocations(void **state)
{
    test_every_allocation(write_and_read, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_outfile_appears_only_when_committed),
        cmocka_unit_test(a_file_is_written_whole_or_not),
        cmocka_unit_test(of_a_link_the_file_is_replaced),
        cmocka_unit_test(a_full_disk_is_reported_and_leaves_the_old_file),
        cmocka_unit_test(a_pipe_is_written_not_replaced),
        cmocka_unit_test(what_is_not_a_file_is_refused),
        cmocka_unit_test(reading_stops_at_the_limit),
        cmocka_unit_test(sentences_are_cleaned),
        cmocka_unit_test(a_reader_stays_failed),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, test_folder_setup, test_folder_teardown);
}
