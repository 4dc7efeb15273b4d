/* dylumo import TABLE... -o FILE: makes a songs file, tells of rows that were passed over and, at
 * the end, what the file holds. With --pictures: labelled pictures out of Parquet files. */
#include "dy_import.h"
#include "dy_original.h"
#include "dy_program.h"
#include "program_make.h"

#include <sys/stat.h>

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
    "TABLE|FOLDER...",
    "Makes a songs file of tables of songs in the layout of Kaggle's\n"
    "spotify-1million-tracks: CSV, plain, compressed by gzip or in a zip archive, or\n"
    "Parquet where DuckDB's library is at hand; - is standard input. Columns are\n"
    "found by name: track_id, artist_name, track_name and the 13 audio features are\n"
    "needed; year, genre and popularity are used where they are. Rows that can't be\n"
    "read are passed over and told. A folder holds the Python original's artefacts:\n"
    "spotify_metadata.parquet and, row for row, spotify_features.npy or FAISS's\n"
    "music_index.index, whose scaling spotify_scaler.pkl undoes.",
    options,
    DY_COUNT(options),
    "Example: dylumo import spotify_data.csv -o songs.dylumo"};

/* Weights of the original were trained on what CLIP sees. */
static int import_original(const char *folder, const char *output, bool quiet)
{
    char model[4096], scaler[4096];
    struct dylumo_error err;
    size_t dimension;
    snprintf(model, sizeof model, "%s/" DY_ORIGINAL_MODEL, folder);
    snprintf(scaler, sizeof scaler, "%s/" DY_ORIGINAL_SCALER, folder);
    const char *const inputs[] = {model, scaler};
    if (program_spare_inputs("import", output, inputs, DY_COUNT(inputs)))
        return PROGRAM_USAGE;
    if (dy_original_mood(output, model, scaler, DY_ORIGINAL_ENCODER, &dimension, &err))
        return program_fail(&err);
    if (!quiet)
        printf("mood weights for the %zu numbers of %s in %s\n", dimension, DY_ORIGINAL_ENCODER,
               output);
    return PROGRAM_OK;
}

static bool is_folder(const char *path)
{
    struct stat info;
    return !stat(path, &info) && S_ISDIR(info.st_mode);
}

/* Artefacts keep their rows, by which FAISS orders equal songs. */
static enum dylumo_status import_songs(const char *output, const struct program_arguments *args,
                                       struct dy_import_options wanted,
                                       const struct dylumo_context *context, bool quiet,
                                       struct dylumo_error *err)
{
    bool artefacts = is_folder(args->names[0]);
    wanted.keep_rows |= artefacts;
    enum dylumo_status st = program_make_songs(output, (const char *const *)args->names,
                                               args->name_count, wanted, context, quiet, err);
    if (!st && artefacts && !quiet)
        printf("features in units again, as before %s/" DY_ORIGINAL_SCALER " scaled them\n",
               args->names[0]);
    return st;
}

int command_import(int argc, char **argv)
{
    struct program_arguments args = program_arguments_of(&usage, argc, argv);
    struct dylumo_context context = program_context();
    struct dy_import_options wanted = {0};
    bool quiet = false;
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
            quiet = true;
    }
    if (args.stop || program_expect_names(&args, original ? 0 : 1, original ? 0 : SIZE_MAX))
        return args.exit_code;
    if (original)
        return import_original(original, output ? output : "mood.safetensors", quiet);
    output = output ? output : "songs.dylumo";
    const char *const *names = (const char *const *)args.names;
    if (!pictures && program_spare_inputs("import", output, names, args.name_count))
        return PROGRAM_USAGE;
    struct dylumo_error err;
    enum dylumo_status st =
        pictures ? program_make_pictures(pictures, names, args.name_count, &context, quiet, &err)
                 : import_songs(output, &args, wanted, &context, quiet, &err);
    return st ? program_fail(&err) : PROGRAM_OK;
}
