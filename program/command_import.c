/* dylumo import TABLE... -o FILE: makes a songs file, tells of rows that were passed over and, at
 * the end, what the file holds. With --pictures: labelled pictures out of Parquet files. */
#include "dy_import.h"
#include "dy_original.h"
#include "dy_program.h"

#include <string.h>
#include <time.h>

#define ORIGINAL_ENCODER "clip-vit-b-32"

/* So many rows are told one by one. */
#define REPORTS_SHOWN 20

enum option_id {
    OUTPUT = 'o',
    THREADS = 't',
    QUIET = 'q',
    MAX_BAD = 256,
    NO_TREE,
    KEEP_ROWS,
    PICTURES,
    ORIGINAL
};

static const struct program_option options[] = {
    {"output", OUTPUT, "FILE", "the file to write (songs.dylumo)"},
    {"max-bad", MAX_BAD, "PERCENT", "fail when more rows can't be read (1);\n100 takes any"},
    {"without-tree", NO_TREE, NULL, "leave the search tree out: smaller, slower"},
    {"keep-rows", KEEP_ROWS, NULL,
     "remember the table's order, by which --rank cosine\nlists equal songs"},
    {"pictures", PICTURES, "FOLDER",
     "unpack EMID's pictures and labels from Parquet\nfiles into FOLDER, which `dylumo train` "
     "reads"},
    {"original", ORIGINAL, "FOLDER",
     "mood weights of the Python original's artefacts\n(dylumo_model.pt, spotify_scaler.pkl)"},
    {"threads", THREADS, "N", "use at most N threads (all cores)"},
    {"quiet", QUIET, NULL, "tell only of failure"},
};

static const struct program_usage usage = {
    "import",
    "TABLE...",
    "Makes a songs file of tables of songs in the layout of Kaggle's\n"
    "spotify-1million-tracks: CSV, plain, compressed by gzip or in a zip archive, or\n"
    "Parquet where DuckDB's library is at hand; - is standard input. Columns are\n"
    "found by name: track_id, artist_name, track_name and the 13 audio features are\n"
    "needed; year, genre and popularity are used where they are. Rows that can't be\n"
    "read are passed over and told.",
    options,
    DY_COUNT(options),
    "Example: dylumo import spotify_data.csv -o songs.dylumo"};

static double seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

struct teller {
    uint64_t told;
    bool quiet;
};

static void tell(void *user, const char *table, uint64_t line, const char *reason)
{
    struct teller *teller = user;
    if (teller->quiet || ++teller->told > REPORTS_SHOWN)
        return;
    program_say("%s: line %llu passed over: %s", table, (unsigned long long)line, reason);
}

static void print_summary(const struct dy_import_summary *summary, const char *output, double time)
{
    printf("%llu songs by %llu artists", (unsigned long long)summary->songs,
           (unsigned long long)summary->artists);
    printf(" (year %.0f %%, popularity %.0f %%, genre %.0f %% of %llu)",
           100 * (double)summary->with_year / (double)summary->songs,
           100 * (double)summary->with_popularity / (double)summary->songs,
           100 * (double)summary->with_genre / (double)summary->songs,
           (unsigned long long)summary->genres);
    printf(" in %s, %.1f MB, %.2f s\n", output, (double)summary->file_bytes / 1e6, time);
    if (summary->bad || summary->duplicates)
        printf("passed over: %llu rows that can't be read, %llu with an id that was there before\n",
               (unsigned long long)summary->bad, (unsigned long long)summary->duplicates);
}

/* The axes of the mood at hand; without one, or without room, songs are placed at every opening. */
static void store_axes(const char *output, const struct dylumo_context *context, bool quiet)
{
    char mood[4096], path[4096];
    struct dylumo_error err;
    if (dylumo_locate("mood", mood, sizeof mood, NULL))
        return;
    if (dy_import_axes(output, mood, context, path, sizeof path, &err))
        program_say("the mood's axes are not stored: %s", err.text);
    else if (!quiet)
        printf("the mood's axes over them in %s\n", path);
}

static int import_pictures(const char *folder, const struct program_arguments *args,
                           const struct dylumo_context *context, bool quiet)
{
    struct dy_pictures_summary summary;
    struct dylumo_error err;
    enum dylumo_status st = dy_import_pictures(folder, (const char *const *)args->names,
                                               args->name_count, context, &summary, &err);
    program_progress_clear();
    if (st)
        return program_fail(&err);
    if (summary.unknown)
        program_say("%llu places hold bytes that are no picture; left out",
                    (unsigned long long)summary.unknown);
    if (!quiet)
        printf(
            "%llu rows, %llu new pictures (%.1f MB), %llu that were there or came again, in %s\n",
            (unsigned long long)summary.rows, (unsigned long long)summary.written,
            (double)summary.bytes / 1e6, (unsigned long long)summary.present, folder);
    return PROGRAM_OK;
}

/* Weights of the original were trained on what CLIP sees. */
static int import_original(const char *folder, const char *output, bool quiet)
{
    char model[4096], scaler[4096];
    struct dylumo_error err;
    size_t dimension;
    snprintf(model, sizeof model, "%s/dylumo_model.pt", folder);
    snprintf(scaler, sizeof scaler, "%s/spotify_scaler.pkl", folder);
    if (dy_original_mood(output, model, scaler, ORIGINAL_ENCODER, &dimension, &err))
        return program_fail(&err);
    if (!quiet)
        printf("mood weights for the %zu numbers of %s in %s\n", dimension, ORIGINAL_ENCODER,
               output);
    return PROGRAM_OK;
}

int command_import(int argc, char **argv)
{
    struct program_arguments args = program_arguments_of(&usage, argc, argv);
    struct dylumo_context context = program_context();
    struct dy_import_options wanted = {0};
    struct teller teller = {0};
    const char *output = NULL, *pictures = NULL, *original = NULL;
    uint64_t threads = 0;
    double percent = 0;
    for (int option; (option = program_next(&args)) != PROGRAM_END;) {
        if (option == OUTPUT)
            output = args.value;
        else if (option == THREADS && program_whole(&args, 1, 256, &threads))
            context.threads = (unsigned)threads;
        else if (option == MAX_BAD && program_real(&args, 0, 100, &percent))
            wanted.max_bad_share =
                percent > 0 ? percent / 100 : 1e-300; /* 0 would be the default */
        else if (option == PICTURES)
            pictures = args.value;
        else if (option == ORIGINAL)
            original = args.value;
        else if (option == NO_TREE)
            wanted.without_tree = true;
        else if (option == KEEP_ROWS)
            wanted.keep_rows = true;
        else if (option == QUIET)
            teller.quiet = true;
    }
    if (args.stop || program_expect_names(&args, original ? 0 : 1, original ? 0 : SIZE_MAX))
        return args.exit_code;
    if (original)
        return import_original(original, output ? output : "mood.safetensors", teller.quiet);
    output = output ? output : "songs.dylumo";
    if (pictures)
        return import_pictures(pictures, &args, &context, teller.quiet);
    wanted.report = tell;
    wanted.user = &teller;
    struct dy_import_summary summary;
    struct dylumo_error err;
    double begun = seconds();
    enum dylumo_status st = dy_import_tables(output, (const char *const *)args.names,
                                             args.name_count, &wanted, &context, &summary, &err);
    program_progress_clear();
    if (teller.told > REPORTS_SHOWN && !teller.quiet)
        program_say("%s: %llu more lines passed over", args.names[0],
                    (unsigned long long)(teller.told - REPORTS_SHOWN));
    if (st)
        return program_fail(&err);
    if (!teller.quiet)
        print_summary(&summary, output, seconds() - begun);
    if (!wanted.without_tree && strcmp(output, "-") != 0)
        store_axes(output, &context, teller.quiet);
    return PROGRAM_OK;
}
