/* Made-up catalogues, written by the writer under test. */
#include "test_songs.h"

#include "dy_test.h"

#include <stdlib.h>

uint64_t test_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

double test_random_unit(uint64_t *state)
{
    return (double)(test_random(state) >> 11) * 0x1p-53;
}

#define ID_ROOM 48

static int compare_ids(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* ids [count][ID_ROOM], sorted and distinct. */
static char (*make_ids(size_t count, uint64_t *state, bool general))[ID_ROOM]
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    char(*ids)[ID_ROOM] = calloc(count, sizeof *ids);
    assert_non_null(ids);
    for (size_t i = 0; i < count; i++) {
        size_t size = general ? 3 + test_random(state) % 38 : 22;
        for (size_t c = 0; c < size; c++)
            ids[i][c] = digits[test_random(state) % 62];
        if (general) /* distinct even where three characters are all */
            snprintf(ids[i] + 3, ID_ROOM - 3, "%zu", i);
    }
    qsort(ids, count, sizeof *ids, compare_ids);
    return ids;
}

static void write_ids(struct dy_songs_writer *writer, char (*ids)[ID_ROOM], size_t count,
                      bool general)
{
    struct dylumo_error err;
    char *bytes = malloc(count * ID_ROOM);
    uint64_t *offsets = calloc(count + 1, sizeof *offsets);
    assert_non_null(bytes);
    assert_non_null(offsets);
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(ids[i]);
        memcpy(bytes + offsets[i], ids[i], size);
        offsets[i + 1] = offsets[i] + size;
    }
    struct dy_text_table table = {count, offsets, bytes, (size_t)offsets[count]};
    assert_ok(dy_songs_writer_add_ids(writer, general ? 0 : 22, &table, &err));
    free(bytes);
    free(offsets);
}

static void write_texts(struct dy_songs_writer *writer, uint32_t type, const char *word,
                        size_t count)
{
    struct dylumo_error err;
    char *bytes = malloc(count * 40 + 1);
    uint64_t *offsets = calloc(count + 1, sizeof *offsets);
    assert_non_null(bytes);
    assert_non_null(offsets);
    for (size_t i = 0; i < count; i++) {
        int size = snprintf(bytes + offsets[i], 40, "%s %zu", word, i);
        offsets[i + 1] = offsets[i] + (uint64_t)size;
    }
    struct dy_text_table table = {count, offsets, bytes, (size_t)offsets[count]};
    assert_ok(dy_songs_writer_add_texts(writer, type, &table, &err));
    free(bytes);
    free(offsets);
}

/* Values on a coarse grid inside each feature's range; scores in steps of an eighth. */
static void write_columns(struct dy_songs_writer *writer, size_t count, uint64_t *state)
{
    struct dylumo_error err;
    float *values = calloc(count, sizeof *values), *scores = calloc(count, sizeof *scores);
    assert_true(values && scores);
    for (uint32_t f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        const struct dylumo_feature_info *info = dylumo_feature_info((enum dylumo_feature)f);
        for (size_t i = 0; i < count; i++) {
            double unit = (double)(test_random(state) % 101) / 100;
            double value = info->min + unit * (info->max - info->min);
            uint32_t whole = (uint32_t)value;
            values[i] = (float)(info->whole ? (double)(int)value : value);
            if (f == DYLUMO_DURATION_MS)
                memcpy(&values[i], &whole, sizeof whole);
            double sum = 0;
            for (int part = 0; part < 4; part++)
                sum += test_random_unit(state) - 0.5;
            scores[i] = (float)((double)(int)(sum * 14) / 8);
        }
        assert_ok(dy_songs_writer_add(writer, DY_SONGS_FEATURES + f, values, count * 4, &err));
        assert_ok(dy_songs_writer_add(writer, DY_SONGS_SCORES + f, scores, count * 4, &err));
    }
    free(values);
    free(scores);
}

static void write_numbers(struct dy_songs_writer *writer, size_t count, uint64_t *state)
{
    struct dylumo_error err;
    size_t artists = count / 6 + 1;
    int16_t *years = calloc(count, sizeof *years);
    uint8_t *popularity = calloc(count, 1), *flags = calloc(count, 1);
    uint32_t *genre = calloc(count, 4), *artist = calloc(count, 4), *recording = calloc(count, 4);
    uint32_t *groups = calloc(artists, 4);
    assert_true(years && popularity && flags && genre && artist && recording && groups);
    for (size_t a = 0; a < artists; a++)
        groups[a] = (uint32_t)(a - a % 2 * (test_random(state) % 2)); /* some share a group */
    for (size_t i = 0; i < count; i++) {
        years[i] = (int16_t)(test_random(state) % 4 ? 1950 + test_random(state) % 75 : 0);
        popularity[i] = (uint8_t)(test_random(state) % 3 ? test_random(state) % 101 : 255);
        flags[i] = test_random(state) % 50 == 0;
        genre[i] = test_random(state) % 5 ? (uint32_t)(test_random(state) % 10) : UINT32_MAX;
        artist[i] = (uint32_t)(test_random(state) % artists);
        recording[i] = (uint32_t)i;
        size_t other = i ? test_random(state) % i : 0;
        if (test_random(state) % 4 == 0 && recording[other] == other) { /* an earlier one again */
            artist[i] = artist[other];
            recording[i] = (uint32_t)other;
        }
    }
    assert_ok(dy_songs_writer_add(writer, DY_SONGS_YEARS, years, count * 2, &err));
    assert_ok(dy_songs_writer_add(writer, DY_SONGS_POPULARITY, popularity, count, &err));
    assert_ok(dy_songs_writer_add(writer, DY_SONGS_FLAGS, flags, count, &err));
    assert_ok(dy_songs_writer_add(writer, DY_SONGS_GENRE, genre, count * 4, &err));
    assert_ok(dy_songs_writer_add(writer, DY_SONGS_ARTIST, artist, count * 4, &err));
    assert_ok(dy_songs_writer_add(writer, DY_SONGS_RECORDINGS, recording, count * 4, &err));
    assert_ok(dy_songs_writer_add(writer, DY_SONGS_ARTIST_GROUPS, groups, artists * 4, &err));
    write_texts(writer, DY_SONGS_ARTISTS, "Artist", artists);
    write_texts(writer, DY_SONGS_GROUPS, "artist", artists);
    write_texts(writer, DY_SONGS_FOLDED, "folded", 0);
    assert_ok(dy_songs_writer_add(writer, DY_SONGS_FOLDED_SONGS, NULL, 0, &err));
    free(years);
    free(popularity);
    free(flags);
    free(genre);
    free(artist);
    free(recording);
    free(groups);
}

static void write_statistics(struct dy_songs_writer *writer)
{
    struct dylumo_error err;
    struct dy_feature_stats stats[DYLUMO_FEATURE_COUNT];
    struct dy_knot knots[DYLUMO_FEATURE_COUNT][5];
    const struct dy_knot *rows[DYLUMO_FEATURE_COUNT];
    uint32_t counts[DYLUMO_FEATURE_COUNT];
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        const struct dylumo_feature_info *info = dylumo_feature_info((enum dylumo_feature)f);
        double middle = (info->min + info->max) / 2, width = info->max - info->min;
        stats[f] = (struct dy_feature_stats){info->min, info->max, middle, width / 4};
        for (int i = 0; i < 5; i++)
            knots[f][i] = (struct dy_knot){info->min + width * i / 4, i - 2.0};
        rows[f] = knots[f];
        counts[f] = 5;
    }
    assert_ok(dy_songs_writer_add(writer, DY_SONGS_STATS, stats, sizeof stats, &err));
    assert_ok(dy_songs_writer_add_quantiles(writer, rows, counts, &err));
}

void test_songs_write(const char *path, size_t count, uint64_t seed, bool general_ids)
{
    struct dylumo_error err;
    struct dy_songs_writer writer;
    uint64_t state = seed;
    char(*ids)[ID_ROOM] = make_ids(count, &state, general_ids);
    assert_ok(dy_songs_writer_open(&writer, path, count, &err));
    write_ids(&writer, ids, count, general_ids);
    write_columns(&writer, count, &state);
    write_numbers(&writer, count, &state);
    write_texts(&writer, DY_SONGS_TITLES, "Title", count);
    write_texts(&writer, DY_SONGS_GENRES, "genre", 10);
    write_statistics(&writer);
    assert_ok(dy_songs_writer_commit(&writer, &err));
    free(ids);
}
