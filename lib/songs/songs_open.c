/* The catalogue: a mapped songs file and what is asked of single songs. Numbers that the file gives
 * (an artist's text, a genre) are followed through dy_text_table_at, which bounds them. */
#include "songs.h"

#include <string.h>

static enum dylumo_status new_songs(struct dy_songs **out, const char *name,
                                    struct dylumo_error *err)
{
    *out = dy_new(sizeof **out);
    return *out ? DYLUMO_OK
                : dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for the song table", name);
}

/* What opening still needs once the file's parts are known. */
static enum dylumo_status settle(struct dy_songs *songs, const char *name, struct dylumo_error *err)
{
    songs->cpu = dy_cpu_read();
    const struct dy_songs_section_info *section =
        dy_songs_file_section(&songs->file, DY_SONGS_SCORES_TREE);
    struct dy_songs_space space = dy_songs_space(songs);
    enum dylumo_status st = DYLUMO_OK;
    if (section)
        st = dy_songs_index_parse(&songs->index, section->data, section->size, &space, name, err);
    if (!st)
        st = songs_words_open(&songs->title_words, &songs->file, DY_SONGS_TITLE_WORDS, name, err);
    if (!st)
        st = songs_words_open(&songs->artist_words, &songs->file, DY_SONGS_ARTIST_WORDS, name, err);
    return st;
}

enum dylumo_status dy_songs_open(struct dy_songs **out, const char *path, struct dylumo_error *err)
{
    struct dy_songs *songs;
    enum dylumo_status st = new_songs(&songs, path, err);
    if (!st)
        st = dy_songs_file_open(&songs->file, path, err);
    if (!st)
        st = settle(songs, path, err);
    if (st) {
        dy_songs_close(songs);
        return st;
    }
    *out = songs;
    return DYLUMO_OK;
}

enum dylumo_status dy_songs_parse(struct dy_songs **out, const void *data, size_t size,
                                  const char *name, struct dylumo_error *err)
{
    struct dy_songs *songs;
    enum dylumo_status st = new_songs(&songs, name, err);
    if (!st)
        st = dy_songs_file_parse(&songs->file, data, size, name, err);
    if (!st)
        st = settle(songs, name, err);
    if (st) {
        dy_songs_close(songs);
        return st;
    }
    *out = songs;
    return DYLUMO_OK;
}

void dy_songs_close(struct dy_songs *songs)
{
    if (!songs)
        return;
    dy_songs_index_free(songs->index);
    dy_songs_file_close(&songs->file);
    dy_free(songs);
}

enum dylumo_status dy_songs_check(const struct dy_songs *songs, const char *name,
                                  struct dylumo_error *err)
{
    enum dylumo_status st = dy_songs_file_check(&songs->file, name, err);
    if (!st && songs->index)
        st = dy_songs_index_check(songs->index, name, err);
    if (!st)
        st = songs_words_check(&songs->title_words, &songs->file, true, name, err);
    return st ? st : songs_words_check(&songs->artist_words, &songs->file, false, name, err);
}

size_t dy_songs_count(const struct dy_songs *songs)
{
    return songs->file.count;
}

uint64_t dy_songs_identity(const struct dy_songs *songs)
{
    return songs->file.identity;
}

const struct dy_songs_file *dy_songs_file(const struct dy_songs *songs)
{
    return &songs->file;
}

/* ------------------------------------------------------------------ one song */

struct dy_text dy_songs_id(const struct dy_songs *songs, size_t number)
{
    return dy_songs_file_id(&songs->file, number);
}

uint32_t dy_songs_artist_group(const struct dy_songs *songs, size_t number)
{
    uint32_t artist = songs->file.artist[number];
    return artist < songs->file.artists.count ? songs->file.artist_groups[artist] : UINT32_MAX;
}

uint32_t dy_songs_recording(const struct dy_songs *songs, size_t number)
{
    return songs->file.recordings[number];
}

bool dy_songs_season(const struct dy_songs *songs, size_t number)
{
    return (songs->file.flags[number] & DY_SONGS_SEASON) != 0;
}

double dy_songs_feature(const struct dy_songs *songs, size_t number, enum dylumo_feature feature)
{
    const float *column = songs->file.features[feature];
    if (feature != DYLUMO_DURATION_MS)
        return (double)column[number];
    uint32_t whole;
    memcpy(&whole, column + number, sizeof whole);
    return (double)whole;
}

void dy_songs_read(const struct dy_songs *songs, size_t number, struct dy_song *song)
{
    const struct dy_songs_file *file = &songs->file;
    uint8_t popularity = file->popularity[number];
    *song = (struct dy_song){
        .id = dy_songs_id(songs, number),
        .title = dy_text_table_at(&file->titles, number),
        .artist = dy_text_table_at(&file->artists, file->artist[number]),
        .genre = dy_text_table_at(&file->genres, file->genre[number]),
        .year = file->years[number],
        .popularity = popularity == DY_SONGS_NO_POPULARITY ? -1 : popularity,
        .season = dy_songs_season(songs, number),
        .artist_group = dy_songs_artist_group(songs, number),
        .recording = dy_songs_recording(songs, number),
    };
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        song->features[f] = dy_songs_feature(songs, number, (enum dylumo_feature)f);
}

/* ------------------------------------------------------------------ by id */

static int compare_text(struct dy_text a, const char *bytes, size_t size)
{
    size_t common = a.size < size ? a.size : size;
    int order = common ? memcmp(a.bytes, bytes, common) : 0;
    return order ? order : (a.size > size) - (a.size < size);
}

bool dy_songs_find(const struct dy_songs *songs, const char *id, size_t size, size_t *number)
{
    size_t low = 0, high = songs->file.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_text(dy_songs_id(songs, middle), id, size);
        if (order == 0) {
            *number = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}
