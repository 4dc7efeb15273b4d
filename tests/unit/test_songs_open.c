/* songs_open.c, songs_stats.c: single songs, ids, scores; a damaged file never crashes. */
#include "dy_songs.h"
#include "dy_test.h"
#include "test_songs.h"

#include <math.h>
#include <stdlib.h>

static struct dylumo_error err;

static struct dy_songs *open_made_up(size_t count, bool general)
{
    char *folder = test_folder_new();
    const char *path = test_path(folder, "a.songs");
    test_songs_write(path, count, count, general);
    struct dy_songs *songs;
    assert_ok(dy_songs_open(&songs, path, &err));
    test_folder_remove(folder);
    return songs;
}

static void finds_songs_by_id(void **state)
{
    (void)state;
    for (int general = 0; general < 2; general++) {
        struct dy_songs *songs = open_made_up(321, general);
        for (size_t i = 0; i < dy_songs_count(songs); i++) {
            struct dy_text id = dy_songs_id(songs, i);
            size_t number;
            assert_true(dy_songs_find(songs, id.bytes, id.size, &number));
            assert_int_equal(number, i);
            assert_false(dy_songs_find(songs, id.bytes, id.size - 1, &number));
        }
        size_t number;
        assert_false(dy_songs_find(songs, "", 0, &number));
        assert_false(dy_songs_find(songs, "~~~~", 4, &number));
        dy_songs_close(songs);
    }
}

static void reads_a_song(void **state)
{
    (void)state;
    struct dy_songs *songs = open_made_up(100, false);
    struct dy_song song;
    dy_songs_read(songs, 42, &song);
    assert_int_equal(song.id.size, 22);
    assert_memory_equal(song.title.bytes, "Title 42", 8);
    assert_memory_equal(song.artist.bytes, "Artist ", 7);
    assert_true(song.popularity >= -1 && song.popularity <= 100);
    assert_true(song.features[DYLUMO_DURATION_MS] >= 1);
    assert_true(song.features[DYLUMO_DURATION_MS] == floor(song.features[DYLUMO_DURATION_MS]));
    dy_songs_close(songs);
}

static void scores_go_there_and_back(void **state)
{
    (void)state;
    struct dy_songs *songs = open_made_up(10, false);
    assert_true(dy_songs_normal_score(songs, DYLUMO_ENERGY, 0.5) == 0);
    assert_true(dy_songs_normal_score(songs, DYLUMO_ENERGY, 0.625) == 0.5);
    assert_true(dy_songs_normal_score(songs, DYLUMO_ENERGY, 7) == 2);
    assert_true(dy_songs_normal_score(songs, DYLUMO_ENERGY, -7) == -2);
    assert_true(isnan(dy_songs_normal_score(songs, DYLUMO_ENERGY, NAN)));
    assert_true(dy_songs_raw_value(songs, DYLUMO_ENERGY, 0.5) == 0.625);
    assert_true(dy_songs_raw_value(songs, DYLUMO_ENERGY, -INFINITY) == 0);
    assert_true(dy_songs_raw_value(songs, DYLUMO_ENERGY, 99) == 1);
    assert_true(dy_songs_raw_value(songs, DYLUMO_MODE, 0.3) == 1); /* whole */
    for (double score = -2; score <= 2; score += 0.01) {
        double value = dy_songs_raw_value(songs, DYLUMO_TEMPO, score);
        double back = dy_songs_normal_score(songs, DYLUMO_TEMPO, value);
        assert_true(fabs(back - score) < 1e-12);
    }
    dy_songs_close(songs);
}

/* Whatever a file holds past its header, reading it stays inside it (ASan watches). */
static void read_everything(const uint8_t *data, size_t size)
{
    struct dy_songs *songs;
    if (dy_songs_parse(&songs, data, size, "x", &err))
        return;
    size_t bytes = 0, number;
    for (size_t i = 0; i < dy_songs_count(songs); i++) {
        struct dy_song song;
        dy_songs_read(songs, i, &song);
        for (size_t c = 0; c < song.title.size; c++)
            bytes += (uint8_t)song.title.bytes[c];
        for (size_t c = 0; c < song.artist.size; c++)
            bytes += (uint8_t)song.artist.bytes[c];
        for (size_t c = 0; c < song.genre.size; c++)
            bytes += (uint8_t)song.genre.bytes[c];
        (void)dy_songs_find(songs, song.id.bytes, song.id.size, &number);
    }
    assert_true(bytes < SIZE_MAX);
    double target[13] = {0}, weights[13];
    for (int j = 0; j < 13; j++) {
        target[j] = dy_songs_normal_score(songs, (enum dylumo_feature)j, 0.5);
        target[j] = isfinite(target[j]) ? target[j] : 0;
        weights[j] = 1;
        (void)dy_songs_raw_value(songs, (enum dylumo_feature)j, 0.5);
    }
    struct dy_hit hits[300];
    static const size_t ks[] = {10, 280};
    for (size_t i = 0; i < DY_COUNT(ks); i++) {
        struct dy_songs_query query = {.target = target,
                                       .weights = weights,
                                       .k = ks[i],
                                       .per_artist = 2,
                                       .one_recording = true};
        size_t count;
        assert_ok(dy_songs_nearest(songs, &query, hits, &count, &err));
        assert_true(count <= ks[i]);
    }
    dy_songs_close(songs);
}

static void damaged_files_never_crash(void **state)
{
    (void)state;
    char *folder = test_folder_new();
    const char *path = test_path(folder, "a.songs");
    test_songs_write(path, 300, 5, true);
    uint8_t *bytes;
    size_t size;
    assert_ok(dy_read_file(&bytes, &size, path, 1 << 30, &err));
    uint8_t *data = aligned_alloc(64, (size + 63) / 64 * 64);
    assert_non_null(data);
    memcpy(data, bytes, size);
    uint64_t random = 3;
    size_t header = 64 + 64 * 32;
    for (int i = 0; i < 400; i++) {
        for (int j = 0; j < 25; j++) { /* 10,000 places in all */
            size_t at = header + test_random(&random) % (size - header);
            data[at] = (uint8_t)test_random(&random);
        }
        read_everything(data, size);
        if (i % 8 == 7)
            memcpy(data, bytes, size);
    }
    memset(data + header, 0xFF, size - header);
    read_everything(data, size);
    free(data);
    dy_free(bytes);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_songs_by_id),
        cmocka_unit_test(reads_a_song),
        cmocka_unit_test(scores_go_there_and_back),
        cmocka_unit_test(damaged_files_never_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
