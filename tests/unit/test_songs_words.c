/* songs_words.c and import_words.c: songs found by the look-up of words against those found by
 * reading every title, on the starter songs and made-up ones; sections that lie. */
#include "dy_import.h"
#include "dy_songs.h"
#include "dy_test.h"
#include "test_songs.h"

#include <stdlib.h>

#define HEADER (64 + 64 * 32)

static struct dylumo_error err;

/* ------------------------------------------------------------------ files as bytes */

struct bytes {
    uint8_t *data;
    size_t size;
};

static struct bytes read_bytes(const char *path)
{
    struct dy_map map;
    assert_ok(dy_map_file(&map, path, &err));
    struct bytes bytes = {aligned_alloc(64, (map.size + 64) / 64 * 64), map.size};
    assert_non_null(bytes.data);
    memcpy(bytes.data, map.data, map.size);
    dy_map_close(&map);
    return bytes;
}

static void seal(struct bytes file)
{
    memset(file.data + 32, 0, 8);
    uint64_t hash = dy_hash64(file.data, HEADER, 0);
    memcpy(file.data + 32, &hash, 8);
}

/* The entry of a section in the table; 0: there is none. */
static size_t entry_of(struct bytes file, uint32_t type)
{
    for (size_t at = 64; at < HEADER; at += 32)
        if (!memcmp(file.data + at, &type, sizeof type))
            return at;
    return 0;
}

static struct bytes section_of(struct bytes file, uint32_t type)
{
    size_t at = entry_of(file, type);
    assert_true(at > 0);
    uint64_t place[2];
    memcpy(place, file.data + at + 8, sizeof place);
    struct bytes section = {file.data + place[0], (size_t)place[1]};
    return section;
}

/* After a change inside a section: its checksum and the header's. */
static void seal_section(struct bytes file, uint32_t type)
{
    struct bytes section = section_of(file, type);
    uint64_t hash = dy_hash64(section.data, section.size, 0);
    memcpy(file.data + entry_of(file, type) + 24, &hash, 8);
    seal(file);
}

/* The same songs without look-up: its sections become ones that no one knows. */
static struct bytes without_words(struct bytes file)
{
    struct bytes copy = {aligned_alloc(64, (file.size + 64) / 64 * 64), file.size};
    assert_non_null(copy.data);
    memcpy(copy.data, file.data, file.size);
    const uint32_t types[2] = {DY_SONGS_TITLE_WORDS, DY_SONGS_ARTIST_WORDS};
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t unknown = 1000 + i;
        memcpy(copy.data + entry_of(copy, types[i]), &unknown, 4);
    }
    seal(copy);
    return copy;
}

/* ------------------------------------------------------------------ made-up songs */

static const char *const pieces[] = {"love",
                                     "Love",
                                     "LOVE'",
                                     "you",
                                     "a",
                                     "b",
                                     "10",
                                     "1999",
                                     "d\xC3\xA9j\xC3\xA0",
                                     "vu",
                                     "\xC3\x9F",
                                     "Stra\xC3\x9F"
                                     "e",
                                     "na\xC3\xAFve",
                                     "\xE6\x84\x9B",
                                     "\xE6\x84\x9B\xE3\x81\x97",
                                     "\xD0\x96\xD0\xB8",
                                     "***",
                                     "!",
                                     "?!",
                                     "(live)",
                                     "Beyonc\xC3\xA9",
                                     "rock'n'roll",
                                     "x-y",
                                     "\xE2\x99\xA5",
                                     "_",
                                     "verylongwordthatgoesonandonandon",
                                     "moon",
                                     "moonlight",
                                     "light",
                                     "the"};

/* One to seven pieces with blanks or signs between. */
static void make_text(char *text, uint64_t *random)
{
    static const char *const between[] = {" ", " ", " ", "-", "  ", " / "};
    *text = '\0';
    for (uint64_t n = 1 + test_random(random) % 7; n > 0; n--) {
        strcat(text, pieces[test_random(random) % DY_COUNT(pieces)]);
        if (n > 1)
            strcat(text, between[test_random(random) % DY_COUNT(between)]);
    }
    if (test_random(random) % 4 == 0)
        snprintf(text + strlen(text), 20, " w%u", (unsigned)(test_random(random) % 500));
}

static struct bytes make_songs(size_t count, uint64_t seed)
{
    char *folder = test_folder_new(), artist[400], title[400];
    const char *table = test_path(folder, "a.csv"), *path = test_path(folder, "a.songs");
    FILE *file = fopen(table, "w");
    assert_non_null(file);
    fprintf(file, ",artist_name,track_name,track_id,popularity,year,genre,danceability,energy,key,"
                  "loudness,mode,speechiness,acousticness,instrumentalness,liveness,valence,tempo,"
                  "duration_ms,time_signature\n");
    for (size_t i = 0; i < count; i++) {
        make_text(artist, &seed);
        make_text(title, &seed);
        fprintf(file,
                "%zu,%s,%s,id%zu,5,%u,jazz,0.5,0.6,7,-5.5,1,0.04,0.1,0,0.2,0.7,120.5,200000,4\n", i,
                artist, title, (size_t)(test_random(&seed) >> 20),
                1960 + (unsigned)(test_random(&seed) % 50));
    }
    fclose(file);
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.threads = 2;
    struct dy_import_summary summary;
    assert_ok(dy_import_songs(path, table, NULL, &context, &summary, &err));
    struct bytes bytes = read_bytes(path);
    test_folder_remove(folder);
    return bytes;
}

/* ------------------------------------------------------------------ both ways */

static void compare(const struct dy_songs *with, const struct dy_songs *without, const char *filter)
{
    uint64_t *one, *other;
    size_t count, expected;
    assert_ok(dy_songs_filter(with, filter, &one, &count, &err));
    assert_ok(dy_songs_filter(without, filter, &other, &expected, &err));
    if (count != expected || memcmp(one, other, (dy_songs_count(with) + 63) / 64 * 8) != 0)
        fail_msg("%s: %zu by look-up, %zu by reading", filter, count, expected);
    dy_free(one);
    dy_free(other);
}

/* A word or two as they stand in some text, or a piece of one. */
static void word_of_catalogue(const struct dy_songs *songs, uint64_t *random, char *out)
{
    struct dy_song song;
    dy_songs_read(songs, test_random(random) % dy_songs_count(songs), &song);
    struct dy_text text = test_random(random) % 2 ? song.title : song.artist;
    char *folded = dy_text_fold(text.bytes, text.size);
    assert_non_null(folded);
    size_t size = strlen(folded), from = 0, used = 0;
    if (size > 3 && test_random(random) % 2)
        from = test_random(random) % (size - 2);
    if (test_random(random) % 4) /* at the begin of a word */
        while (from > 0 && folded[from - 1] != ' ')
            from--;
    size_t most = 1 + test_random(random) % 20;
    bool whole = test_random(random) % 5 != 0;
    for (size_t i = from; i < size && used < 80; i++) {
        if (used >= most && (!whole || folded[i] == ' '))
            break;
        if (folded[i] != '"' && folded[i] != '\'')
            out[used++] = folded[i];
    }
    while (used > 0 && ((unsigned char)out[used - 1] & 0xC0) == 0x80) /* no half characters */
        used--;
    if (used > 0 && (unsigned char)out[used - 1] >= 0xC0)
        used--;
    if (used == 0)
        out[used++] = 'a';
    out[used] = '\0';
    dy_free(folded);
}

static void compare_many(struct bytes file, uint64_t seed, int rounds)
{
    static const char *const forms[] = {
        "title has \"%s\"",
        "artist has \"%s\"",
        "title has (\"%s\", \"%s\")",
        "artist has (\"%s\", \"%s\")",
        "title has \"%s %s\"",
        "artist has \"%s %s\"",
        "not title has \"%s\" and artist has \"%s\"",
        "year>=1990 and title has \"%s\" or artist has \"%s\"",
        "(title has \"%s\" or year=1973) and not artist has \"%s\"",
        "title=\"%s\" or title has \"%s\"",
        "title in (\"%s\", \"%s\")",
    };
    struct bytes plain = without_words(file);
    struct dy_songs *with, *without;
    assert_ok(dy_songs_parse(&with, file.data, file.size, "with", &err));
    assert_ok(dy_songs_parse(&without, plain.data, plain.size, "without", &err));
    assert_ok(dy_songs_check(with, "with", &err));
    for (int i = 0; i < rounds; i++) {
        char one[100], two[100], filter[400];
        word_of_catalogue(with, &seed, one);
        word_of_catalogue(with, &seed, two);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(filter, sizeof filter, forms[test_random(&seed) % DY_COUNT(forms)], one, two);
#pragma GCC diagnostic pop
        compare(with, without, filter);
    }
    dy_songs_close(with);
    dy_songs_close(without);
    free(plain.data);
}

static void answers_as_reading_does(void **state)
{
    (void)state;
    const size_t counts[] = {1, 2, 63, 64, 65, 700, 3000};
    for (size_t c = 0; c < DY_COUNT(counts); c++) {
        struct bytes file = make_songs(counts[c], 7 + c);
        compare_many(file, c, 300);
        free(file.data);
    }
}

static void answers_on_the_starter_songs(void **state)
{
    (void)state;
    char path[600];
    snprintf(path, sizeof path, "%s/share/dylumo/songs.dylumo", getenv("DYLUMO_BUILD"));
    struct bytes file = read_bytes(path);
    compare_many(file, 1, 600);
    free(file.data);
}

/* ------------------------------------------------------------------ broken sections */

static void ask(const struct dy_songs *songs)
{
    static const char *const filters[] = {"title has love", "title has (love you, moon)",
                                          "artist has the love a", "title has w17 moonlight"};
    for (size_t i = 0; i < DY_COUNT(filters); i++) {
        uint64_t *allowed;
        size_t count;
        assert_ok(dy_songs_filter(songs, filters[i], &allowed, &count, &err));
        assert_true(count <= dy_songs_count(songs));
        dy_free(allowed);
    }
}

/* Any byte of a look-up changed: refused, or found by the check, and never a crash. */
static void survives_changed_bytes(void **state)
{
    (void)state;
    struct bytes file = make_songs(150, 3);
    uint64_t random = 5;
    for (int i = 0; i < 4000; i++) {
        uint32_t type = i % 2 ? DY_SONGS_TITLE_WORDS : DY_SONGS_ARTIST_WORDS;
        struct bytes section = section_of(file, type);
        size_t at = i < 128 ? (size_t)i / 2 : test_random(&random) % section.size;
        uint8_t old = section.data[at];
        section.data[at] = (uint8_t)(old ^ (i % 3 == 0 ? 0xFFU : 1U << test_random(&random) % 8));
        seal_section(file, type);
        struct dy_songs *songs;
        if (!dy_songs_parse(&songs, file.data, file.size, "changed", &err)) {
            ask(songs);
            if (at < 4 || (at >= 8 && at < 40) || at >= 64)
                assert_int_equal(dy_songs_check(songs, "changed", &err), DYLUMO_BAD_FILE);
            dy_songs_close(songs);
        }
        section.data[at] = old;
        seal_section(file, type);
    }
    free(file.data);
}

/* Sizes and offsets that lie. */
static void refuses_lying_headers(void **state)
{
    (void)state;
    struct bytes file = make_songs(100, 4), section = section_of(file, DY_SONGS_TITLE_WORDS);
    uint8_t saved[64];
    memcpy(saved, section.data, 64);
    const uint64_t lies[] = {0, 1, 1000, UINT32_MAX, UINT64_MAX, UINT64_MAX / 8, UINT64_MAX - 7};
    for (size_t field = 8; field < 40; field += 8)
        for (size_t i = 0; i < DY_COUNT(lies); i++) {
            struct dy_songs *songs;
            memcpy(section.data + field, &lies[i], 8);
            seal_section(file, DY_SONGS_TITLE_WORDS);
            assert_fails(dy_songs_parse(&songs, file.data, file.size, "lie", &err), DYLUMO_BAD_FILE,
                         "look-up of words");
            memcpy(section.data, saved, 64);
        }
    struct dy_songs *songs;
    section.data[0] = 9;
    seal_section(file, DY_SONGS_TITLE_WORDS);
    assert_fails(dy_songs_parse(&songs, file.data, file.size, "new", &err), DYLUMO_UNSUPPORTED,
                 "version 9");
    free(file.data);
}

static void refuses_short_sections(void **state)
{
    (void)state;
    struct bytes file = make_songs(100, 6);
    size_t at = entry_of(file, DY_SONGS_ARTIST_WORDS);
    uint64_t size;
    memcpy(&size, file.data + at + 16, 8);
    for (uint64_t left = 0; left < size; left += left < 80 ? 1 : 16) {
        struct dy_songs *songs;
        memcpy(file.data + at + 16, &left, 8);
        seal(file);
        assert_int_equal(dy_songs_parse(&songs, file.data, file.size, "short", &err),
                         DYLUMO_BAD_FILE);
    }
    free(file.data);
}

/* ------------------------------------------------------------------ memory */

static enum dylumo_status filter_once(void *user)
{
    uint64_t *allowed;
    size_t count;
    enum dylumo_status st = dy_songs_filter(
        user, "title has a b love and not artist has (the, love you)", &allowed, &count, &err);
    if (!st)
        dy_free(allowed);
    return st;
}

static enum dylumo_status check_once(void *user)
{
    return dy_songs_check(user, "a", &err);
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    struct bytes file = make_songs(100, 8);
    struct dy_songs *songs;
    assert_ok(dy_songs_parse(&songs, file.data, file.size, "a", &err));
    test_every_allocation(filter_once, songs);
    test_every_allocation(check_once, songs);
    dy_songs_close(songs);
    free(file.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_as_reading_does), cmocka_unit_test(answers_on_the_starter_songs),
        cmocka_unit_test(survives_changed_bytes),  cmocka_unit_test(refuses_lying_headers),
        cmocka_unit_test(refuses_short_sections),  cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
