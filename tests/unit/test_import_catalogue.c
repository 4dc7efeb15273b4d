/* import_catalogue.c, import_find.c: songs files told, searched, written out and joined. */
#include "dy_catalogue.h"
#include "dy_test.h"

#include <stdlib.h>

static struct dylumo_error err;
static char *folder;
static char starter[600]; /* the build's songs file */
static struct dy_catalogue *catalogue;

static void assert_text(struct dy_text text, const char *expected)
{
    if (text.size != strlen(expected) || memcmp(text.bytes, expected, text.size) != 0)
        fail_msg("'%.*s' is not '%s'", (int)text.size, text.bytes, expected);
}

/* The first song that the words find. */
static struct dy_catalogue_song first_found(const char *words)
{
    struct dy_catalogue_hit hits[5];
    struct dy_catalogue_song song = {0};
    size_t count;
    assert_ok(dy_catalogue_find(catalogue, words, hits, 5, &count, &err));
    if (count == 0)
        fail_msg("'%s' finds nothing", words);
    dy_catalogue_song(catalogue, hits[0].number, &song);
    return song;
}

static void finds_by_words(void **state)
{
    (void)state;
    static const char *const spellings[] = {"Michael Jackson Billie Jean", "billie jean jackson",
                                            "micheal jakson bilie jean", "BILLIE JE",
                                            "jackson, jean!"};
    for (size_t i = 0; i < DY_COUNT(spellings); i++)
        assert_text(first_found(spellings[i]).title, "Billie Jean");
    assert_text(first_found("beyonce cuff").artist, "Beyonc\xC3\xA9");
    assert_text(first_found("Beyonc\xC3\xA9 cuff it").title, "CUFF IT");
    struct dy_catalogue_hit hits[3];
    size_t count;
    assert_ok(dy_catalogue_find(catalogue, "qqqqzzzz", hits, 3, &count, &err));
    assert_int_equal(count, 0);
    assert_fails(dy_catalogue_find(catalogue, "", hits, 3, &count, &err), DYLUMO_BAD_ARGUMENT,
                 "no words");
}

static void finds_near_songs(void **state)
{
    (void)state;
    struct dy_catalogue_hit hits[10];
    struct dy_catalogue_song song;
    size_t count;
    dy_catalogue_song(catalogue, 100, &song);
    char id[23];
    snprintf(id, sizeof id, "%.22s", song.id.bytes);
    assert_ok(dy_catalogue_near(catalogue, id, hits, 10, &count, &err));
    assert_int_equal(count, 10);
    for (size_t i = 0; i < count; i++) {
        assert_int_not_equal(hits[i].number, 100);
        assert_true(i == 0 || hits[i - 1].score <= hits[i].score);
    }
    assert_fails(dy_catalogue_near(catalogue, "nobody", hits, 10, &count, &err), DYLUMO_NOT_FOUND,
                 "nobody");
}

static void tells_facts(void **state)
{
    (void)state;
    struct dy_catalogue_facts facts;
    dy_catalogue_facts(catalogue, &facts);
    assert_int_equal(facts.songs, 20498);
    assert_int_equal(facts.with_year, 20498);
    assert_int_equal(facts.first_year, 1926);
    assert_int_equal(facts.last_year, 2024);
    assert_true(facts.of_season > 20 && facts.of_season < 80);
    assert_true(facts.tree);
}

static void assert_same_files(const char *a, const char *b)
{
    uint8_t *one, *other;
    size_t one_size, other_size;
    assert_ok(dy_read_file(&one, &one_size, a, 1 << 30, &err));
    assert_ok(dy_read_file(&other, &other_size, b, 1 << 30, &err));
    assert_int_equal(one_size, other_size);
    assert_memory_equal(one, other, one_size);
    dy_free(one);
    dy_free(other);
}

static void exports_what_it_imported(void **state)
{
    (void)state;
    char table[600], songs[600];
    snprintf(table, sizeof table, "%s/out.csv", folder);
    snprintf(songs, sizeof songs, "%s/out.songs", folder);
    assert_ok(dy_catalogue_export(catalogue, table, &err));
    assert_ok(dy_import_songs(songs, table, NULL, NULL, NULL, &err));
    assert_same_files(songs, starter);
    assert_fails(dy_catalogue_export(catalogue, "/nowhere/x", &err), DYLUMO_NOT_FOUND, "nowhere");
}

static void joins_files(void **state)
{
    (void)state;
    char songs[600];
    snprintf(songs, sizeof songs, "%s/joined.songs", folder);
    const char *const inputs[] = {starter, starter};
    struct dy_import_summary summary;
    assert_ok(dy_catalogue_merge(songs, inputs, 2, NULL, &summary, &err));
    assert_int_equal(summary.songs, 20498);
    assert_int_equal(summary.duplicates, 20498);
    assert_same_files(songs, starter);
    const char *const broken[] = {starter, "/nowhere"};
    assert_fails(dy_catalogue_merge(songs, broken, 2, NULL, &summary, &err), DYLUMO_NOT_FOUND,
                 "nowhere");
}

static void checks_files(void **state)
{
    (void)state;
    assert_ok(dy_catalogue_check(catalogue, &err));
    uint8_t *data;
    size_t size;
    assert_ok(dy_read_file(&data, &size, starter, 1 << 30, &err));
    data[size / 2] ^= 1;
    const char *path = test_path(folder, "damaged.songs");
    test_write_file(path, data, size);
    struct dy_catalogue *damaged;
    assert_ok(dy_catalogue_open(&damaged, path, &err));
    assert_fails(dy_catalogue_check(damaged, &err), DYLUMO_BAD_FILE, "checksum");
    dy_catalogue_close(damaged);
    dy_free(data);
}

static int open_all(void **state)
{
    (void)state;
    folder = test_folder_new();
    snprintf(starter, sizeof starter, "%s/share/dylumo/songs.dylumo", getenv("DYLUMO_BUILD"));
    return dy_catalogue_open(&catalogue, starter, &err) ? -1 : 0;
}

static int close_all(void **state)
{
    (void)state;
    dy_catalogue_close(catalogue);
    test_folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_by_words), cmocka_unit_test(finds_near_songs),
        cmocka_unit_test(tells_facts),    cmocka_unit_test(exports_what_it_imported),
        cmocka_unit_test(joins_files),    cmocka_unit_test(checks_files),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
