/* The songs that are shown, their artists, and people's judgement of some of them. Judged songs are
 * parted by artist, so that a part can be held back from whatever learned from the judgement. */
#include "dy_evaluate.h"
#include "dy_import.h"
#include "dy_songs.h"

#include <math.h>
#include <string.h>

#define LEAST_SONGS_OF_PART 100

/* ------------------------------------------------------------------ songs */

static enum dylumo_status read_songs(struct dy_fit_catalogue *catalogue, struct dylumo_error *err)
{
    size_t count = catalogue->count;
    catalogue->valence = dy_new_array(count, sizeof *catalogue->valence);
    catalogue->energy = dy_new_array(count, sizeof *catalogue->energy);
    catalogue->artist = dy_new_array(count, sizeof *catalogue->artist);
    catalogue->all = dy_new_array(count, sizeof *catalogue->all);
    if (!catalogue->valence || !catalogue->energy || !catalogue->artist || !catalogue->all)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the numbers of %zu songs", count);
    for (size_t i = 0; i < count; i++) {
        uint32_t artist = dy_songs_artist_group(catalogue->songs, i);
        catalogue->valence[i] = dy_songs_feature(catalogue->songs, i, DYLUMO_VALENCE);
        catalogue->energy[i] = dy_songs_feature(catalogue->songs, i, DYLUMO_ENERGY);
        catalogue->artist[i] = artist < count ? artist : 0;
        if (!dy_songs_season(catalogue->songs, i))
            catalogue->all[catalogue->all_count++] = (uint32_t)i;
    }
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ judgement */

struct judged_columns {
    long id, valence, energy;
};

static enum dylumo_status find_columns(const struct dy_csv *csv, const char *path,
                                       struct judged_columns *columns, struct dylumo_error *err)
{
    static const char *const names[] = {"track_id", "mood_valence", "mood_arousal"};
    long *places[] = {&columns->id, &columns->valence, &columns->energy};
    for (size_t i = 0; i < DY_COUNT(names); i++) {
        *places[i] = dy_csv_column(csv, names[i]);
        if (*places[i] < 0)
            return dy_fail(err, DYLUMO_BAD_FILE,
                           "%s: no column \"%s\"; people's judgement of songs needs track_id, "
                           "mood_valence and mood_arousal",
                           path, names[i]);
    }
    return DYLUMO_OK;
}

static enum dylumo_status read_judged(struct dy_fit_catalogue *catalogue,
                                      const struct judged_columns *columns,
                                      const struct dy_csv_record *record, const char *path,
                                      size_t *unknown, struct dylumo_error *err)
{
    double valence, energy;
    size_t number, fields = record->count;
    if (record->fault)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: line %llu: %s", path,
                       (unsigned long long)record->line, record->fault);
    if ((size_t)columns->id >= fields || (size_t)columns->valence >= fields ||
        (size_t)columns->energy >= fields ||
        !dy_csv_number(record->fields[columns->valence], &valence) ||
        !dy_csv_number(record->fields[columns->energy], &energy))
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: line %llu: mood_valence and mood_arousal must be numbers", path,
                       (unsigned long long)record->line);
    struct dy_text id = record->fields[columns->id];
    if (!dy_songs_find(catalogue->songs, id.bytes, id.size, &number)) {
        ++*unknown;
        return DYLUMO_OK;
    }
    catalogue->judged_valence[number] = valence;
    catalogue->judged_energy[number] = energy;
    return DYLUMO_OK;
}

static enum dylumo_status read_table(struct dy_fit_catalogue *catalogue, const char *path,
                                     size_t *unknown, struct dylumo_error *err)
{
    struct dy_csv *csv = NULL;
    struct judged_columns columns = {0};
    bool more = true;
    enum dylumo_status st = dy_csv_open(&csv, path, err);
    if (!st)
        st = find_columns(csv, path, &columns, err);
    while (!st && more) {
        struct dy_csv_record record;
        st = dy_csv_next(csv, &record, &more, err);
        if (!st && more)
            st = read_judged(catalogue, &columns, &record, path, unknown, err);
    }
    dy_csv_close(csv);
    return st;
}

/* ------------------------------------------------------------------ parts */

/* The part of a song's artist: the name's hash, so that it does not hang on the catalogue's order.
 */
static size_t part_of(const struct dy_fit_catalogue *catalogue, size_t song, uint64_t seed)
{
    struct dy_song all;
    dy_songs_read(catalogue->songs, song, &all);
    char *folded = dy_text_fold(all.artist.bytes, all.artist.size);
    if (!folded)
        return SIZE_MAX;
    uint64_t hash = dy_hash64(folded, strlen(folded), seed);
    dy_free(folded);
    return (size_t)(hash % catalogue->part_count);
}

static enum dylumo_status make_parts(struct dy_fit_catalogue *catalogue, const char *path,
                                     uint64_t seed, struct dylumo_error *err)
{
    size_t words = (catalogue->count + 63) / 64;
    for (size_t p = 0; p < catalogue->part_count; p++) {
        catalogue->parts[p].allowed = dy_new_array(words, sizeof *catalogue->parts[p].allowed);
        catalogue->parts[p].songs =
            dy_new_array(catalogue->count, sizeof *catalogue->parts[p].songs);
        if (!catalogue->parts[p].allowed || !catalogue->parts[p].songs)
            return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the parts of %s", path);
    }
    for (size_t i = 0; i < catalogue->all_count; i++) {
        uint32_t song = catalogue->all[i];
        if (isnan(catalogue->judged_valence[song]))
            continue;
        size_t p = part_of(catalogue, song, seed);
        if (p == SIZE_MAX)
            return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for an artist's name");
        struct dy_fit_part *part = &catalogue->parts[p];
        part->songs[part->count++] = song;
        part->allowed[song / 64] |= (uint64_t)1 << song % 64;
    }
    for (size_t p = 0; p < catalogue->part_count; p++)
        if (catalogue->parts[p].count < LEAST_SONGS_OF_PART)
            return dy_fail(err, DYLUMO_BAD_FILE,
                           "%s: part %zu of %zu holds %zu judged songs of the catalogue, at least "
                           "%d are needed",
                           path, p + 1, catalogue->part_count, catalogue->parts[p].count,
                           LEAST_SONGS_OF_PART);
    return DYLUMO_OK;
}

static enum dylumo_status read_judgement(struct dy_fit_catalogue *catalogue, const char *path,
                                         size_t parts, uint64_t seed, size_t *unknown,
                                         struct dylumo_error *err)
{
    catalogue->judged_valence = dy_new_array(catalogue->count, sizeof(double));
    catalogue->judged_energy = dy_new_array(catalogue->count, sizeof(double));
    if (!catalogue->judged_valence || !catalogue->judged_energy)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the judgement of %zu songs",
                       catalogue->count);
    for (size_t i = 0; i < catalogue->count; i++)
        catalogue->judged_valence[i] = catalogue->judged_energy[i] = (double)NAN;
    enum dylumo_status st = read_table(catalogue, path, unknown, err);
    catalogue->part_count = st ? 0 : parts;
    return st ? st : make_parts(catalogue, path, seed, err);
}

/* ------------------------------------------------------------------ open */

enum dylumo_status dy_fit_catalogue_open(struct dy_fit_catalogue *catalogue,
                                         const struct dy_songs *songs, const char *table,
                                         size_t parts, uint64_t seed, size_t *unknown,
                                         struct dylumo_error *err)
{
    size_t ignored = 0;
    *catalogue = (struct dy_fit_catalogue){.songs = songs, .count = dy_songs_count(songs)};
    if (unknown)
        *unknown = 0;
    if (table && (parts < 1 || parts > DY_FIT_PARTS_MAX))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%zu parts of the judged songs, expected 1 to %d",
                       parts, DY_FIT_PARTS_MAX);
    enum dylumo_status st = read_songs(catalogue, err);
    if (!st && table)
        st = read_judgement(catalogue, table, parts, seed, unknown ? unknown : &ignored, err);
    if (st)
        dy_fit_catalogue_close(catalogue);
    return st;
}

void dy_fit_catalogue_close(struct dy_fit_catalogue *catalogue)
{
    dy_free(catalogue->valence);
    dy_free(catalogue->energy);
    dy_free(catalogue->judged_valence);
    dy_free(catalogue->judged_energy);
    dy_free(catalogue->artist);
    dy_free(catalogue->all);
    for (size_t p = 0; p < DY_FIT_PARTS_MAX; p++) {
        dy_free(catalogue->parts[p].allowed);
        dy_free(catalogue->parts[p].songs);
    }
    *catalogue = (struct dy_fit_catalogue){0};
}
