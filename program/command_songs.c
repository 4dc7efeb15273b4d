/* dylumo songs info|find|near|export|merge|check|index: looks into songs files. */
#include "dy_catalogue.h"
#include "dy_import.h"
#include "dy_program.h"
#include "songs_json.h"

#include <stdlib.h>
#include <string.h>

enum option_id { SONGS = 's', COUNT = 'k', JSON = 'j', OUTPUT = 'o', CSV = 256, MOOD };

static const struct program_option options[] = {
    {"songs", SONGS, "FILE", "the songs file, for find, near and export\n(the default catalogue)"},
    {"top-k", COUNT, "N", "so many songs (10)"},
    {"json", JSON, NULL, "info, find and near as one JSON object"},
    {"output", OUTPUT, "FILE", "where export and merge write"},
    {"mood-file", MOOD, "FILE", "the mood that index places songs for\n(the default mood)"},
    {"csv", CSV, NULL, "export as CSV (the only form there is)"},
};

static const struct program_usage usage = {
    "songs",
    "info|find|near|export|merge|check|index ...",
    "  info FILE         what a songs file holds: rows, ranges, years, checksum\n"
    "  find WORD...      songs by title and artist; accents, case and slips forgiven\n"
    "  near ID           songs like a song, over all 13 features\n"
    "  export [FILE]     the songs as CSV, on standard output or to -o FILE\n"
    "  merge FILE FILE.. one songs file of several, to -o FILE; each id once\n"
    "  check FILE...     verifies every byte\n"
    "  index [FILE...]   places the songs on a mood's axes once more, so that\n"
    "                    opening need not; import has done it for the default mood",
    options,
    DY_COUNT(options),
    "Example: dylumo songs find joni case of you"};

struct request {
    const char *songs, *output, *mood;
    uint64_t count;
    bool json;
    char **names; /* behind the verb */
    size_t name_count;
};

/* ------------------------------------------------------------------ opening */

/* The named file, or the default catalogue, whose name is put into located. NULL: there is none. */
static const char *catalogue_path(const char *named, char located[static 4096],
                                  struct dylumo_error *err)
{
    if (named)
        return named;
    return dylumo_locate("songs", located, 4096, err) ? NULL : located;
}

static enum dylumo_status open_catalogue(struct dy_catalogue **out, const char *named,
                                         struct dylumo_error *err)
{
    char located[4096];
    enum dylumo_status st = named ? DYLUMO_OK : dylumo_locate("songs", located, 4096, err);
    return st ? st : dy_catalogue_open(out, named ? named : located, err);
}

static int usage_error(const char *verb, const char *needs)
{
    return program_usage_error("songs", "'songs %s' needs %s", verb, needs);
}

static int no_memory(void)
{
    program_say("no memory to show songs");
    return PROGRAM_NO_MEMORY;
}

/* ------------------------------------------------------------------ info */

/* Six digits, as the tables have them; whole numbers keep all. */
static double shown(double value)
{
    char text[40];
    if (value == (double)(int64_t)value)
        return value;
    snprintf(text, sizeof text, "%.6g", value);
    return strtod(text, NULL);
}

static void print_facts(const char *path, const struct dy_catalogue_facts *facts)
{
    double songs = (double)facts->songs;
    printf("%s: %llu songs (%llu recordings) by %llu artists, %.1f MB%s\n", path,
           (unsigned long long)facts->songs, (unsigned long long)facts->recordings,
           (unsigned long long)facts->artists, (double)facts->file_bytes / 1e6,
           facts->tree ? ", with a search tree" : "");
    printf("checksum    %016llx\n", (unsigned long long)facts->identity);
    printf("year        %.0f %% known", 100 * (double)facts->with_year / songs);
    if (facts->first_year)
        printf(", %d to %d", facts->first_year, facts->last_year);
    printf("\npopularity  %.0f %% known\n", 100 * (double)facts->with_popularity / songs);
    printf("genre       %.0f %% known, %llu different\n", 100 * (double)facts->with_genre / songs,
           (unsigned long long)facts->genres);
    printf("christmas   %llu songs\n\n", (unsigned long long)facts->of_season);
    printf("%-17s %12s %12s %12s %12s %12s\n", "feature", "least", "median", "mean", "sd", "most");
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        printf("%-17s %12.8g %12.8g %12.8g %12.8g %12.8g\n",
               dylumo_feature_info((enum dylumo_feature)f)->name, shown(facts->features[f].min),
               shown(facts->features[f].median), shown(facts->features[f].mean),
               shown(facts->features[f].sd), shown(facts->features[f].max));
}

static int run_info(const struct request *request)
{
    struct dylumo_error err;
    struct dy_catalogue *catalogue;
    struct dy_catalogue_facts facts;
    const char *path = request->name_count ? request->names[0] : request->songs;
    if (open_catalogue(&catalogue, path, &err))
        return program_fail(&err);
    dy_catalogue_facts(catalogue, &facts);
    bool shown = true;
    if (request->json)
        shown = songs_json_facts(&facts);
    else
        print_facts(path ? path : "the default catalogue", &facts);
    dy_catalogue_close(catalogue);
    return shown ? PROGRAM_OK : no_memory();
}

/* ------------------------------------------------------------------ find, near */

static void print_hits(const struct dy_catalogue *catalogue, const struct dy_catalogue_hit *hits,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct dy_catalogue_song song;
        dy_catalogue_song(catalogue, hits[i].number, &song);
        printf("%.*s  %.*s - %.*s", (int)song.id.size, song.id.bytes, (int)song.artist.size,
               song.artist.bytes, (int)song.title.size, song.title.bytes);
        if (song.year)
            printf(" (%d)", song.year);
        if (song.genre.size)
            printf(", %.*s", (int)song.genre.size, song.genre.bytes);
        putchar('\n');
    }
}

/* All the words as one text. */
static char *joined(char **words, size_t count)
{
    size_t size = 1;
    for (size_t i = 0; i < count; i++)
        size += strlen(words[i]) + 1;
    char *text = dy_new_array(size, 1);
    size_t used = 0;
    for (size_t i = 0; text && i < count; i++)
        used += (size_t)snprintf(text + used, size - used, "%s ", words[i]);
    return text;
}

static enum dylumo_status search(const struct request *request, bool near,
                                 const struct dy_catalogue *catalogue,
                                 struct dy_catalogue_hit *hits, size_t *count,
                                 struct dylumo_error *err)
{
    if (near)
        return dy_catalogue_near(catalogue, request->names[0], hits, (size_t)request->count, count,
                                 err);
    char *words = joined(request->names, request->name_count);
    if (!words)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to search");
    enum dylumo_status st =
        dy_catalogue_find(catalogue, words, hits, (size_t)request->count, count, err);
    dy_free(words);
    return st;
}

static int run_search(const struct request *request, bool near)
{
    struct dylumo_error err;
    struct dy_catalogue *catalogue;
    if (open_catalogue(&catalogue, request->songs, &err))
        return program_fail(&err);
    size_t count = 0;
    struct dy_catalogue_hit *hits = dy_new_array((size_t)request->count, sizeof *hits);
    enum dylumo_status st = hits ? search(request, near, catalogue, hits, &count, &err)
                                 : dy_fail(&err, DYLUMO_NO_MEMORY, "no memory for %llu songs",
                                           (unsigned long long)request->count);
    bool shown = true;
    if (!st && request->json)
        shown = songs_json_hits(catalogue, hits, count, near);
    else if (!st)
        print_hits(catalogue, hits, count);
    dy_free(hits);
    dy_catalogue_close(catalogue);
    if (st)
        return program_fail(&err);
    if (!shown)
        return no_memory();
    if (!count)
        program_say("no song has %s", near ? "others near it" : "such words in title and artist");
    return count ? PROGRAM_OK : PROGRAM_PARTLY;
}

/* ------------------------------------------------------------------ export, merge, check */

static int run_export(const struct request *request)
{
    struct dylumo_error err;
    struct dy_catalogue *catalogue;
    char located[4096];
    const char *output = request->output ? request->output : "-";
    const char *path =
        catalogue_path(request->name_count ? request->names[0] : request->songs, located, &err);
    if (path && program_spare_inputs("songs", output, &path, 1))
        return PROGRAM_USAGE;
    if (!path || dy_catalogue_open(&catalogue, path, &err))
        return program_fail(&err);
    enum dylumo_status st = dy_catalogue_export(catalogue, output, &err);
    dy_catalogue_close(catalogue);
    return st ? program_fail(&err) : PROGRAM_OK;
}

static int run_merge(const struct request *request)
{
    struct dylumo_error err;
    struct dylumo_context context = program_context();
    struct dy_import_summary summary;
    if (request->name_count < 2 || !request->output)
        return usage_error("merge", "two songs files or more, and -o FILE");
    if (dy_catalogue_merge(request->output, (const char *const *)request->names,
                           request->name_count, &context, &summary, &err))
        return program_fail(&err);
    program_progress_clear();
    printf("%llu songs in %s; %llu more were there twice\n", (unsigned long long)summary.songs,
           request->output, (unsigned long long)summary.duplicates);
    return PROGRAM_OK;
}

static int run_check(const struct request *request)
{
    int code = PROGRAM_OK;
    for (size_t i = 0; i < request->name_count; i++) {
        struct dylumo_error err;
        struct dy_catalogue *catalogue;
        enum dylumo_status st = dy_catalogue_open(&catalogue, request->names[i], &err);
        if (!st) {
            st = dy_catalogue_check(catalogue, &err);
            dy_catalogue_close(catalogue);
        }
        if (st)
            code = program_fail(&err);
        else
            printf("%s: sound\n", request->names[i]);
    }
    return code;
}

/* ------------------------------------------------------------------ index */

static enum dylumo_status index_file(const char *songs, const char *mood, struct dylumo_error *err)
{
    struct dylumo_context context = program_context();
    char path[4096];
    enum dylumo_status st = dy_import_axes(songs, mood, &context, path, sizeof path, err);
    if (!st)
        printf("%s: the mood's axes over it in %s\n", songs, path);
    return st;
}

static int run_index(const struct request *request)
{
    struct dylumo_error err;
    char songs[4096], mood[4096];
    enum dylumo_status st = DYLUMO_OK;
    if (!request->mood)
        st = dylumo_locate("mood", mood, sizeof mood, &err);
    const char *default_songs = request->songs ? request->songs : songs;
    if (!st && !request->name_count && !request->songs)
        st = dylumo_locate("songs", songs, sizeof songs, &err);
    if (st)
        return program_fail(&err);
    const char *named = request->mood ? request->mood : mood;
    if (!request->name_count)
        return index_file(default_songs, named, &err) ? program_fail(&err) : PROGRAM_OK;
    int code = PROGRAM_OK;
    for (size_t i = 0; i < request->name_count; i++)
        if (index_file(request->names[i], named, &err))
            code = program_fail(&err);
    return code;
}

/* ------------------------------------------------------------------ the verb */

static int run(const char *verb, const struct request *request)
{
    if (!strcmp(verb, "info"))
        return request->name_count < 2 ? run_info(request) : usage_error(verb, "one songs file");
    if (!strcmp(verb, "find"))
        return request->name_count ? run_search(request, false) : usage_error(verb, "words");
    if (!strcmp(verb, "near"))
        return request->name_count == 1 ? run_search(request, true) : usage_error(verb, "one id");
    if (!strcmp(verb, "export"))
        return request->name_count < 2 ? run_export(request) : usage_error(verb, "one songs file");
    if (!strcmp(verb, "merge"))
        return run_merge(request);
    if (!strcmp(verb, "check"))
        return request->name_count ? run_check(request) : usage_error(verb, "a songs file");
    if (!strcmp(verb, "index"))
        return run_index(request);
    return program_usage_error("songs",
                               "'songs %s' is not known; "
                               "there are info, find, near, export, merge, check and index",
                               verb);
}

int command_songs(int argc, char **argv)
{
    struct program_arguments args = program_arguments_of(&usage, argc, argv);
    struct request request = {.count = 10};
    for (int option; (option = program_next(&args)) != PROGRAM_END;) {
        if (option == SONGS)
            request.songs = args.value;
        else if (option == JSON)
            request.json = true;
        else if (option == OUTPUT)
            request.output = args.value;
        else if (option == MOOD)
            request.mood = args.value;
        else if (option == COUNT)
            program_whole(&args, 1, DYLUMO_MAX_SONGS, &request.count);
    }
    if (args.stop || program_expect_names(&args, 1, SIZE_MAX))
        return args.exit_code;
    request.names = args.names + 1;
    request.name_count = args.name_count - 1;
    return run(args.names[0], &request);
}
