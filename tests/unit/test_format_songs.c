/* format_songs*.c: the songs file written, opened, verified; damaged in every way. */
#include "dy_format.h"
#include "dy_test.h"
#include "test_songs.h"

#include <stdlib.h>

static struct dylumo_error err;

/* A sound file's bytes at a multiple of 64 (free), made in a fresh folder. */
static uint8_t *sound_bytes(size_t count, bool general, size_t *size)
{
    char *folder = test_folder_new();
    const char *path = test_path(folder, "a.songs");
    test_songs_write(path, count, 7, general);
    uint8_t *data;
    assert_ok(dy_read_file(&data, size, path, 1 << 30, &err));
    uint8_t *aligned = aligned_alloc(64, (*size + 63) / 64 * 64);
    assert_non_null(aligned);
    memcpy(aligned, data, *size);
    dy_free(data);
    test_folder_remove(folder);
    return aligned;
}

static enum dylumo_status open_and_check(const uint8_t *data, size_t size)
{
    struct dy_songs_file file;
    enum dylumo_status st = dy_songs_file_parse(&file, data, size, "x", &err);
    if (!st)
        st = dy_songs_file_check(&file, "x", &err);
    return st;
}

static void comes_back_as_written(void **state)
{
    (void)state;
    for (int general = 0; general < 2; general++) {
        size_t size;
        uint8_t *data = sound_bytes(333, general, &size);
        struct dy_songs_file file;
        assert_ok(dy_songs_file_parse(&file, data, size, "x", &err));
        assert_int_equal(file.count, 333);
        assert_int_equal(file.id_bytes, general ? 0 : 22);
        assert_ok(dy_songs_file_check(&file, "x", &err));
        struct dy_text title = dy_text_table_at(&file.titles, 332);
        assert_int_equal(title.size, 9);
        assert_memory_equal(title.bytes, "Title 332", 9);
        assert_int_equal(dy_text_table_at(&file.titles, 333).size, 0);
        assert_int_equal(file.knot_count[DYLUMO_TEMPO], 5);
        assert_true(file.knots[DYLUMO_TEMPO][4].value == 300.0);
        assert_null(dy_songs_file_section(&file, DY_SONGS_INDEX_FIRST));
        free(data);
    }
}

static void same_songs_same_bytes(void **state)
{
    (void)state;
    size_t size, again_size;
    uint8_t *data = sound_bytes(50, false, &size), *again = sound_bytes(50, false, &again_size);
    assert_int_equal(size, again_size);
    assert_memory_equal(data, again, size);
    free(data);
    free(again);
}

static void refuses_other_files(void **state)
{
    (void)state;
    _Alignas(64) uint8_t zeros[4096] = {0};
    struct dy_songs_file file;
    assert_fails(dy_songs_file_parse(&file, zeros, sizeof zeros, "x", &err), DYLUMO_BAD_FILE,
                 "not a songs file");
    assert_fails(dy_songs_file_parse(&file, zeros, 0, "x", &err), DYLUMO_BAD_FILE,
                 "not a songs file");
    assert_fails(dy_songs_file_open(&file, "/nowhere/a.songs", &err), DYLUMO_NOT_FOUND, "nowhere");
    assert_fails(dy_songs_file_open(&file, "/", &err), DYLUMO_BAD_FILE, "folder");
    size_t size;
    uint8_t *data = sound_bytes(10, false, &size);
    data[8] = 2;
    assert_fails(dy_songs_file_parse(&file, data, size, "x", &err), DYLUMO_UNSUPPORTED,
                 "version 2");
    free(data);
}

static void refuses_every_truncation(void **state)
{
    (void)state;
    size_t size;
    uint8_t *data = sound_bytes(40, true, &size);
    for (size_t cut = 0; cut < size; cut += 64) {
        struct dy_songs_file file;
        assert_int_equal(dy_songs_file_parse(&file, data, cut, "x", &err), DYLUMO_BAD_FILE);
    }
    free(data);
}

/* Any flipped bit is found: in the header by opening, elsewhere by the check; only bytes between
 * sections, which nobody reads, may change. */
static void finds_flipped_bits(void **state)
{
    (void)state;
    size_t size;
    uint8_t *data = sound_bytes(200, false, &size);
    struct dy_songs_file file;
    assert_ok(dy_songs_file_parse(&file, data, size, "x", &err));
    uint64_t random = 1;
    for (int i = 0; i < 10000; i++) {
        size_t at = test_random(&random) % size;
        bool in_section = at < 64 + 64 * 32;
        for (unsigned s = 0; s < file.section_count; s++) {
            size_t from = (size_t)((const uint8_t *)file.sections[s].data - data);
            in_section |= at >= from && at < from + file.sections[s].size;
        }
        data[at] ^= (uint8_t)(1u << i % 8);
        enum dylumo_status st = open_and_check(data, size);
        assert_true(!in_section || st != DYLUMO_OK);
        data[at] ^= (uint8_t)(1u << i % 8);
    }
    assert_int_equal(open_and_check(data, size), DYLUMO_OK);
    free(data);
}

static void put_u64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof value);
}

/* Headers that lie, with a checksum that is right. */
static void refuses_lying_headers(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint64_t value;
    } lies[] = {
        {16, 0},
        {16, 1},
        {16, 41},
        {16, UINT32_MAX},
        {16, UINT64_MAX},
        {16, 1u << 31},
        {24, 0},
        {24, UINT64_MAX},
        {8, 1},
        {8, 1ull | 65ull << 32},
        {8, 1ull | 3ull << 32},
        {64 + 8, 0},
        {64 + 8, 64},
        {64 + 8, 2113},
        {64 + 8, UINT64_MAX - 63},
        {64 + 16, 0},
        {64 + 16, 7},
        {64 + 16, UINT64_MAX},
        {96 + 16, 1},
        {96, 1},
        {96 + 8, 2112},
        {96, 99},
    };
    size_t size;
    uint8_t *data = sound_bytes(40, false, &size), sound[64 + 64 * 32];
    memcpy(sound, data, sizeof sound);
    for (size_t i = 0; i < DY_COUNT(lies); i++) {
        put_u64(data + lies[i].at, lies[i].value);
        put_u64(data + 32, 0);
        put_u64(data + 32, dy_hash64(data, sizeof sound, 0));
        struct dy_songs_file file;
        if (dy_songs_file_parse(&file, data, size, "x", &err) != DYLUMO_BAD_FILE)
            fail_msg("lie %zu was believed", i);
        memcpy(data, sound, sizeof sound);
    }
    free(data);
}

static void full_disk_is_reported(void **state)
{
    (void)state;
    struct dy_songs_writer writer;
    assert_fails(dy_songs_writer_open(&writer, "-", 1, &err), DYLUMO_BAD_ARGUMENT, "standard");
    assert_fails(dy_songs_writer_open(&writer, "/nowhere/x", 1, &err), DYLUMO_NOT_FOUND, "nowhere");
    char *folder = test_folder_new();
    const char *path = test_path(folder, "a.songs");
    assert_ok(dy_songs_writer_open(&writer, path, 1, &err));
    writer.out.stream = freopen("/dev/full", "wb", writer.out.stream);
    assert_non_null(writer.out.stream);
    static const uint8_t bytes[100000];
    enum dylumo_status st = dy_songs_writer_add(&writer, 1, bytes, sizeof bytes, &err);
    if (!st)
        st = dy_songs_writer_commit(&writer, &err);
    else
        dy_songs_writer_discard(&writer);
    assert_int_equal(st, DYLUMO_IO);
    struct dy_map map;
    assert_fails(dy_map_file(&map, path, &err), DYLUMO_NOT_FOUND, "a.songs");
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_as_written), cmocka_unit_test(same_songs_same_bytes),
        cmocka_unit_test(refuses_other_files),   cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(finds_flipped_bits),    cmocka_unit_test(refuses_lying_headers),
        cmocka_unit_test(full_disk_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
