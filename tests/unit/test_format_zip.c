/* format_zip.c: archives of the test's making, whole ones and lying ones. */
#include "dy_foreign.h"
#include "dy_test.h"

#include <stdlib.h>
#include <zlib.h>

static struct dylumo_error err;

/* ------------------------------------------------------------------ archives of the test's making
 */

struct member {
    const char *name, *content;
    unsigned method;
    size_t claimed_size; /* 0: the true one */
    const char *local_name;
    unsigned flags;
    bool wide;        /* sizes and place in a zip64 field */
    size_t local_lie; /* added to the place of its header */
    unsigned crc_lie;
};

struct bytes {
    uint8_t data[65536];
    size_t size;
};

static void put(struct bytes *to, uint64_t number, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        to->data[to->size++] = (uint8_t)(number >> (8 * i));
}

static void put_bytes(struct bytes *to, const void *data, size_t size)
{
    if (size)
        memcpy(to->data + to->size, data, size);
    to->size += size;
}

static size_t pack(const struct member *member, uint8_t *packed, size_t room)
{
    size_t size = strlen(member->content);
    if (member->method != 8) {
        memcpy(packed, member->content, size);
        return size;
    }
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (Bytef *)(uintptr_t)member->content;
    stream.avail_in = (unsigned)size;
    stream.next_out = packed;
    stream.avail_out = (unsigned)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size = stream.total_out;
    deflateEnd(&stream);
    return size;
}

static void put_end(struct bytes *zip, size_t directory_at, size_t count, bool wide)
{
    size_t size = zip->size - directory_at, end64_at = zip->size;
    if (wide) {
        put(zip, 0x06064b50, 4), put(zip, 44, 8), put(zip, 0x2D002D, 4), put(zip, 0, 8);
        put(zip, count, 8), put(zip, count, 8), put(zip, size, 8), put(zip, directory_at, 8);
        put(zip, 0x07064b50, 4), put(zip, 0, 4), put(zip, end64_at, 8), put(zip, 1, 4);
    }
    put(zip, 0x06054b50, 4), put(zip, 0, 4);
    put(zip, wide ? 0xFFFF : count, 2), put(zip, wide ? 0xFFFF : count, 2);
    put(zip, wide ? 0xFFFFFFFF : size, 4), put(zip, wide ? 0xFFFFFFFF : directory_at, 4);
    put(zip, 0, 2);
}

static void compose(struct bytes *zip, const struct member *members, size_t count)
{
    struct bytes *directory = calloc(1, sizeof *directory);
    assert_non_null(directory);
    zip->size = 0;
    bool wide = false;
    for (size_t i = 0; i < count; i++) {
        const struct member *member = &members[i];
        const char *local_name = member->local_name ? member->local_name : member->name;
        uint8_t packed[4096];
        size_t packed_size = pack(member, packed, sizeof packed), at = zip->size;
        size_t size = member->claimed_size ? member->claimed_size : strlen(member->content);
        uint32_t crc =
            (uint32_t)crc32(0, (const Bytef *)member->content, (unsigned)strlen(member->content)) +
            member->crc_lie;
        put(zip, 0x04034b50, 4), put(zip, 0, 22); /* sizes stand in the directory alone */
        put(zip, strlen(local_name), 2), put(zip, 0, 2);
        put_bytes(zip, local_name, strlen(local_name));
        put_bytes(zip, packed, packed_size);
        at += member->local_lie;
        put(directory, 0x02014b50, 4), put(directory, 0, 4), put(directory, member->flags, 2);
        put(directory, member->method, 2), put(directory, 0, 4), put(directory, crc, 4);
        put(directory, member->wide ? 0xFFFFFFFF : packed_size, 4);
        put(directory, member->wide ? 0xFFFFFFFF : size, 4);
        put(directory, strlen(member->name), 2), put(directory, member->wide ? 28 : 0, 2);
        put(directory, 0, 10), put(directory, member->wide ? 0xFFFFFFFF : at, 4);
        put_bytes(directory, member->name, strlen(member->name));
        if (member->wide) {
            put(directory, 1, 2), put(directory, 24, 2);
            put(directory, size, 8), put(directory, packed_size, 8), put(directory, at, 8);
        }
        wide |= member->wide;
    }
    size_t directory_at = zip->size;
    put_bytes(zip, directory->data, directory->size);
    put_end(zip, directory_at, count, wide);
    free(directory);
}

static struct bytes archive;

static enum dylumo_status parse(struct dy_zip **zip, const struct member *members, size_t count)
{
    compose(&archive, members, count);
    return dy_zip_parse(zip, archive.data, archive.size, "x", &err);
}

static enum dylumo_status parse_one(const struct member *member)
{
    struct dy_zip *zip = NULL;
    enum dylumo_status st = parse(&zip, member, 1);
    dy_zip_close(zip);
    return st;
}

/* Opens and reads the first entry. */
static enum dylumo_status read_one(const struct member *member, uint64_t max_bytes)
{
    struct dy_zip *zip = NULL;
    struct dy_zip_bytes bytes = {0};
    enum dylumo_status st = parse(&zip, member, 1);
    if (!st)
        st = dy_zip_read(zip, dy_zip_at(zip, 0), max_bytes, &bytes, &err);
    dy_zip_bytes_clear(&bytes);
    dy_zip_close(zip);
    return st;
}

/* ------------------------------------------------------------------ tests */

static void assert_content(const struct dy_zip *zip, const char *name, const char *content,
                           bool in_place)
{
    const struct dy_zip_entry *entry = dy_zip_find(zip, name);
    assert_non_null(entry);
    struct dy_zip_bytes bytes;
    assert_ok(dy_zip_read(zip, entry, 10000, &bytes, &err));
    assert_int_equal(bytes.size, strlen(content));
    assert_memory_equal(bytes.data, content, bytes.size);
    assert_int_equal(bytes.heap == NULL, in_place);
    dy_zip_bytes_clear(&bytes);
}

static void what_was_packed_is_read(void **state)
{
    (void)state;
    for (unsigned wide = 0; wide < 2; wide++) {
        const struct member members[] = {
            {"b/stored", "here as it is", 0, .wide = wide},
            {"a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 8, .wide = wide},
            {"folder/", "", 0},
            {"empty", "", 8},
            {"\xC3\xA9", "e", 0},
        };
        struct dy_zip *zip;
        assert_ok(parse(&zip, members, DY_COUNT(members)));
        assert_int_equal(dy_zip_count(zip), DY_COUNT(members));
        assert_string_equal(dy_zip_at(zip, 0)->name, "a");
        assert_null(dy_zip_at(zip, DY_COUNT(members)));
        assert_null(dy_zip_find(zip, "nothing"));
        assert_content(zip, "b/stored", members[0].content, true);
        assert_content(zip, "a", members[1].content, false);
        assert_content(zip, "empty", "", false);
        assert_content(zip, "\xC3\xA9", "e", true);
        dy_zip_close(zip);
    }
    struct dy_zip *zip;
    assert_ok(parse(&zip, NULL, 0));
    assert_int_equal(dy_zip_count(zip), 0);
    assert_null(dy_zip_find(zip, "a"));
    dy_zip_close(zip);
}

static void names_that_lead_out_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"/etc/passwd", "../a", "a/../../b", "a/..", "./a",
                                        "a//b",        "C:/a", "a\\b",      "",     "a\nb",
                                        "\xFF",        ".",    "a/./b",     "a\x7F"};
    for (size_t i = 0; i < DY_COUNT(names); i++)
        assert_fails(parse_one(&(struct member){names[i], "x", 0}), DYLUMO_BAD_FILE, "name");
    static const char *const harmless[] = {"..a", "a..b/c", ".hidden", "a/b.c/"};
    for (size_t i = 0; i < DY_COUNT(harmless); i++)
        assert_ok(parse_one(&(struct member){harmless[i], "", 0}));
}

static void lies_are_refused(void **state)
{
    (void)state;
    struct dy_zip *zip;
    const struct member twice[] = {{"a", "1", 0}, {"a", "2", 0}};
    assert_fails(parse(&zip, twice, 2), DYLUMO_BAD_FILE, "twice");
    assert_fails(parse_one(&(struct member){"a", "1", 0, .local_name = "b"}), DYLUMO_BAD_FILE,
                 "another name");
    assert_fails(parse_one(&(struct member){"a", "1", 0, .local_name = "ab"}), DYLUMO_BAD_FILE,
                 "another name");
    assert_fails(parse_one(&(struct member){"a", "1", 0, .local_lie = 1}), DYLUMO_BAD_FILE,
                 "no header");
    assert_fails(parse_one(&(struct member){"a", "1", 0, .local_lie = 1u << 31}), DYLUMO_BAD_FILE,
                 "no header");
    assert_fails(parse_one(&(struct member){"a", "1", 0, .wide = true, .local_lie = SIZE_MAX - 8}),
                 DYLUMO_BAD_FILE, "no header");
    assert_fails(parse_one(&(struct member){"a", "1", 0, .flags = 1}), DYLUMO_UNSUPPORTED,
                 "encrypted");
    assert_fails(parse_one(&(struct member){"a", "1", 0, .claimed_size = 2}), DYLUMO_BAD_FILE,
                 "two sizes");
    assert_fails(parse_one(&(struct member){"a", "1", 8, .claimed_size = 1u << 30}),
                 DYLUMO_BAD_FILE, "claims more");
    assert_fails(read_one(&(struct member){"a", "1234", 8, .claimed_size = 3}, 100),
                 DYLUMO_BAD_FILE, "does not unpack");
    assert_fails(read_one(&(struct member){"a", "1234", 8, .claimed_size = 5}, 100),
                 DYLUMO_BAD_FILE, "does not unpack");
    assert_fails(read_one(&(struct member){"a", "1234", 0, .crc_lie = 1}, 100), DYLUMO_BAD_FILE,
                 "CRC");
    assert_fails(read_one(&(struct member){"a", "1234", 8, .crc_lie = 1}, 100), DYLUMO_BAD_FILE,
                 "CRC");
    assert_fails(read_one(&(struct member){"a", "1234", 12}, 100), DYLUMO_UNSUPPORTED, "method 12");
    assert_fails(read_one(&(struct member){"a", "1234", 0}, 3), DYLUMO_TOO_LARGE, "limit is 3");
    assert_fails(read_one(&(struct member){"a", "1234", 8}, 3), DYLUMO_TOO_LARGE, "limit is 3");
}

/* Two directory entries for the same data: the trick of the bombs that need no recursion. */
static void overlaps_are_refused(void **state)
{
    (void)state;
    const struct member members[] = {{"a", "12345678", 0}, {"a", "12345678", 0}};
    compose(&archive, members, 2);
    uint8_t *second = archive.data + archive.size - 22 - 47; /* its directory entry */
    memset(second + 42, 0, 4);                               /* the place of the first */
    struct dy_zip *zip;
    assert_fails(dy_zip_parse(&zip, archive.data, archive.size, "x", &err), DYLUMO_BAD_FILE,
                 "overlaps");
}

static void cut_off_archives_are_refused(void **state)
{
    (void)state;
    const struct member members[] = {{"a", "12345678", 0, .wide = true}, {"b", "1111111111", 8}};
    compose(&archive, members, 2);
    for (size_t size = 0; size < archive.size; size++) {
        uint8_t *cut = malloc(size ? size : 1);
        assert_non_null(cut);
        memcpy(cut, archive.data, size);
        struct dy_zip *zip = NULL;
        assert_fails(dy_zip_parse(&zip, cut, size, "x", &err), DYLUMO_BAD_FILE, "end of a zip");
        free(cut);
    }
    for (size_t i = 0; i < archive.size; i++) { /* any byte wrong: no crash, no wrong memory */
        uint8_t *exact = malloc(archive.size);
        assert_non_null(exact);
        memcpy(exact, archive.data, archive.size);
        exact[i] ^= 0xFF;
        struct dy_zip *zip = NULL;
        if (!dy_zip_parse(&zip, exact, archive.size, "x", &err))
            dy_zip_close(zip);
        free(exact);
    }
}

static enum dylumo_status read_all(void *user)
{
    (void)user;
    const struct member members[] = {{"a", "1", 0}, {"b", "1111111111", 8}};
    struct dy_zip *zip = NULL;
    struct dy_zip_bytes bytes = {0};
    enum dylumo_status st = parse(&zip, members, 2);
    if (!st)
        st = dy_zip_read(zip, dy_zip_find(zip, "b"), 100, &bytes, &err);
    dy_zip_bytes_clear(&bytes);
    dy_zip_close(zip);
    return st;
}

static void survives_failing_allocations(void **state)
{
    test_every_allocation(read_all, *state);
}

static void files_are_opened(void **state)
{
    char *folder = test_folder_new();
    (void)state;
    const char *path = test_path(folder, "a.zip");
    compose(&archive, &(struct member){"a", "content", 0}, 1);
    test_write_file(path, archive.data, archive.size);
    struct dy_zip *zip;
    assert_ok(dy_zip_open(&zip, path, &err));
    assert_content(zip, "a", "content", true);
    dy_zip_close(zip);
    test_write_file(path, "", 0);
    assert_fails(dy_zip_open(&zip, path, &err), DYLUMO_BAD_FILE, "a.zip");
    assert_fails(dy_zip_open(&zip, test_path(folder, "none"), &err), DYLUMO_NOT_FOUND, "none");
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_is_read),
        cmocka_unit_test(names_that_lead_out_are_refused),
        cmocka_unit_test(lies_are_refused),
        cmocka_unit_test(overlaps_are_refused),
        cmocka_unit_test(cut_off_archives_are_refused),
        cmocka_unit_test(survives_failing_allocations),
        cmocka_unit_test(files_are_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
