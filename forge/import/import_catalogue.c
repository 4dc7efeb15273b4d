/* A songs file told, exported, joined and checked. */
#include "import_catalogue.h"

#include "import_row.h"
#include "import_title.h"

#include <stdlib.h>
#include <string.h>

enum dylumo_status dy_catalogue_open(struct dy_catalogue **out, const char *path,
                                     struct dylumo_error *err)
{
    struct dy_catalogue *catalogue = dy_new(sizeof *catalogue);
    if (catalogue)
        catalogue->path = dy_strdup(path);
    enum dylumo_status st = DYLUMO_OK;
    if (!catalogue || !catalogue->path)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to open it", path);
    if (!st)
        st = dy_songs_open(&catalogue->songs, path, err);
    if (st) {
        dy_catalogue_close(catalogue);
        return st;
    }
    *out = catalogue;
    return DYLUMO_OK;
}

void dy_catalogue_close(struct dy_catalogue *catalogue)
{
    if (!catalogue)
        return;
    dy_songs_close(catalogue->songs);
    dy_free(catalogue->path);
    dy_free(catalogue);
}

enum dylumo_status dy_catalogue_check(const struct dy_catalogue *catalogue,
                                      struct dylumo_error *err)
{
    return dy_songs_check(catalogue->songs, catalogue->path, err);
}

/* ------------------------------------------------------------------ facts */

static void count_songs(const struct dy_songs_file *file, struct dy_catalogue_facts *facts)
{
    for (size_t i = 0; i < file->count; i++) {
        int year = file->years[i];
        facts->with_year += year != 0;
        facts->with_genre += file->genre[i] != DY_SONGS_UNKNOWN;
        facts->with_popularity += file->popularity[i] != DY_SONGS_NO_POPULARITY;
        facts->of_season += (file->flags[i] & DY_SONGS_SEASON) != 0;
        if (year && (!facts->first_year || year < facts->first_year))
            facts->first_year = year;
        if (year > facts->last_year)
            facts->last_year = year;
        if (file->recordings[i] >= facts->recordings)
            facts->recordings = (uint64_t)file->recordings[i] + 1;
    }
}

void dy_catalogue_facts(const struct dy_catalogue *catalogue, struct dy_catalogue_facts *facts)
{
    const struct dy_songs_file *file = dy_songs_file(catalogue->songs);
    *facts = (struct dy_catalogue_facts){
        .songs = file->count,
        .artists = file->groups.count,
        .genres = file->genres.count,
        .identity = file->identity,
        .file_bytes = file->map.size,
        .tree = dy_songs_file_section(file, DY_SONGS_SCORES_TREE) != NULL,
    };
    count_songs(file, facts);
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        struct dy_feature_stats stats = dy_songs_stats(catalogue->songs, (enum dylumo_feature)f);
        facts->features[f].min = stats.min;
        facts->features[f].max = stats.max;
        facts->features[f].mean = stats.mean;
        facts->features[f].sd = stats.sd;
        facts->features[f].median = dy_songs_raw_value(catalogue->songs, (enum dylumo_feature)f, 0);
    }
}

void dy_catalogue_song(const struct dy_catalogue *catalogue, uint64_t number,
                       struct dy_catalogue_song *out)
{
    struct dy_song song;
    dy_songs_read(catalogue->songs, (size_t)number, &song);
    *out = (struct dy_catalogue_song){song.id,   song.title,      song.artist, song.genre,
                                      song.year, song.popularity, {0}};
    memcpy(out->features, song.features, sizeof out->features);
}

/* ------------------------------------------------------------------ near */

bool dy_catalogue_has(const struct dy_catalogue *catalogue, const char *id, uint64_t *number)
{
    size_t found;
    if (!dy_songs_find(catalogue->songs, id, strlen(id), &found))
        return false;
    *number = found;
    return true;
}

enum dylumo_status dy_catalogue_near(const struct dy_catalogue *catalogue, const char *id,
                                     struct dy_catalogue_hit *hits, size_t k, size_t *count,
                                     struct dylumo_error *err)
{
    const struct dy_songs *songs = catalogue->songs;
    size_t number, found = 0;
    *count = 0;
    if (!dy_songs_find(songs, id, strlen(id), &number))
        return dy_fail(err, DYLUMO_NOT_FOUND, "%s: holds no song with the id '%s'", catalogue->path,
                       id);
    struct dy_songs_space space = dy_songs_space(songs);
    double target[DYLUMO_FEATURE_COUNT], weights[DYLUMO_FEATURE_COUNT];
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        target[f] = (double)space.columns[f][number];
        weights[f] = 1;
    }
    struct dy_songs_query query = {
        .target = target, .weights = weights, .k = k + 1, .one_recording = true};
    struct dy_hit *list = dy_new_array(k + 1, sizeof *list);
    if (!list)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu songs", k);
    enum dylumo_status st = dy_songs_nearest(songs, &query, list, &found, err);
    for (size_t i = 0; !st && i < found && *count < k; i++)
        if (dy_songs_recording(songs, list[i].song) != dy_songs_recording(songs, number))
            hits[(*count)++] = (struct dy_catalogue_hit){list[i].song, list[i].dist2};
    dy_free(list);
    return st;
}

/* ------------------------------------------------------------------ export */

/* The fewest digits that lead back to the same float. */
static void put_number(FILE *to, double value)
{
    char text[40];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtof(text, NULL) == (float)value)
            break;
    }
    fputs(text, to);
}

static void put_song(FILE *to, size_t number, const struct dy_song *song)
{
    fprintf(to, "%zu,", number);
    csv_put(to, song->artist);
    fputc(',', to);
    csv_put(to, song->title);
    fputc(',', to);
    csv_put(to, song->id);
    fputc(',', to);
    if (song->popularity >= 0)
        fprintf(to, "%d", song->popularity);
    fputc(',', to);
    if (song->year)
        fprintf(to, "%d", song->year);
    fputc(',', to);
    csv_put(to, song->genre);
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        fputc(',', to);
        if (dylumo_feature_info((enum dylumo_feature)f)->whole)
            fprintf(to, "%.0f", song->features[f]);
        else
            put_number(to, song->features[f]);
    }
    fputc('\n', to);
}

enum dylumo_status dy_catalogue_export(const struct dy_catalogue *catalogue, const char *output,
                                       struct dylumo_error *err)
{
    struct dy_outfile out;
    enum dylumo_status st = dy_outfile_open(&out, output, err);
    if (st)
        return st;
    fputs(",artist_name,track_name,track_id,popularity,year,genre", out.stream);
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        fprintf(out.stream, ",%s", dylumo_feature_info((enum dylumo_feature)f)->name);
    fputc('\n', out.stream);
    for (size_t i = 0; i < dy_songs_count(catalogue->songs) && !ferror(out.stream); i++) {
        struct dy_song song;
        dy_songs_read(catalogue->songs, i, &song);
        put_song(out.stream, i, &song);
    }
    return dy_outfile_commit(&out, err);
}

/* ------------------------------------------------------------------ merge */

static bool add_song(struct import_table *table, const struct import_season *season,
                     const struct dy_songs *songs, size_t number)
{
    struct dy_song song;
    struct import_title title;
    dy_songs_read(songs, number, &song);
    if (!import_title_read(season, song.title, &title))
        return false;
    struct import_row row = {
        .year = (int16_t)song.year,
        .popularity = song.popularity < 0 ? DY_SONGS_NO_POPULARITY : (uint8_t)song.popularity,
        .flags = title.season ? DY_SONGS_SEASON : 0,
        .title_key = title.recording,
        .line = table->count,
        .id = song.id,
        .title = song.title,
        .artist = song.artist,
        .genre = song.genre,
        .folded = {title.folded, title.folded ? strlen(title.folded) : 0},
    };
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        row.features[f] = dy_songs_file(songs)->features[f][number];
    bool added = import_table_add(table, &row);
    dy_free(title.folded);
    return added;
}

static enum dylumo_status add_file(struct import_table *table, const struct import_season *season,
                                   const char *path, struct dylumo_error *err)
{
    struct dy_songs *songs;
    enum dylumo_status st = dy_songs_open(&songs, path, err);
    if (st)
        return st;
    /* what is merged is trusted from here on */
    st = dy_songs_file_check(dy_songs_file(songs), path, err);
    for (size_t i = 0; !st && i < dy_songs_count(songs); i++)
        if (!add_song(table, season, songs, i))
            st = dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for its songs", path);
    dy_songs_close(songs);
    return st;
}

enum dylumo_status dy_catalogue_merge(const char *output, const char *const *inputs, size_t count,
                                      const struct dylumo_context *context,
                                      struct dy_import_summary *summary, struct dylumo_error *err)
{
    struct dy_import_summary own;
    struct import_table table = {0};
    struct import_season season;
    struct dy_workers *workers = NULL;
    summary = summary ? summary : &own;
    *summary = (struct dy_import_summary){0};
    enum dylumo_status st = import_season_init(&season, err);
    for (size_t i = 0; !st && i < count; i++) {
        st = add_file(&table, &season, inputs[i], err);
        dy_context_progress(context, "reading", i + 1, count);
    }
    summary->rows = table.count;
    if (!st)
        st = dy_workers_new(&workers, dy_context_threads(context), err);
    if (!st)
        st = import_make(&table, output, NULL, context, workers, summary, err);
    dy_workers_free(workers);
    import_table_clear(&table);
    import_season_clear(&season);
    return st;
}
