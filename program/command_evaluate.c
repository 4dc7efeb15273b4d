/* dylumo evaluate --pictures LABELS.csv --songs FILE: how well the songs fit
 * the pictures, as a table, as JSON, or as a page with charts. */
#include "dy_evaluate.h"
#include "dy_program.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_TABLES = DY_FIT_SETS_MAX, PATH_SIZE = 4096 };

enum option_id {
    PICTURES = 'p',
    SONGS = 's',
    JSON = 'j',
    THREADS = 't',
    UNSEEN = 256,
    ENCODER,
    MOOD,
    PLAIN,
    SONG_MOOD,
    CACHE,
    FOLDS,
    DRAW,
    HTML,
    THUMBNAILS,
    SEED,
    REPLICATES
};

static const struct program_option options[] = {
    {"pictures", PICTURES, "LABELS",
     "labelled pictures: a table (file,emotion or\nfile,valence_mean,arousal_mean or EMID's) or a\n"
     "folder with one folder an emotion; repeatable"},
    {"unseen", UNSEEN, "LABELS", "the same, but never trained on"},
    {"songs", SONGS, "FILE", "the catalogue, as `dylumo import` makes it"},
    {"encoder", ENCODER, "FILE", "the encoder's weights"},
    {"mood", MOOD, "FILE", "the mood's weights, to be judged"},
    {"mood-file", MOOD, "FILE", NULL},
    {"plain", PLAIN, "FILE", "weights of `dylumo train --recipe plain`, to\ncompare with"},
    {"song-mood", SONG_MOOD, "FILE",
     "people's judgement of songs:\ntrack_id,mood_valence,mood_arousal"},
    {"folds", FOLDS, "K",
     "cross-validate: pictures are read by the files\nMOOD.fold-N that did not learn from them; "
     "trains\n"
     "what is missing"},
    {"draw", DRAW, "N,N,...",
     "count variety on draws of so many pictures of\neach table, emotions in equal shares"},
    {"json", JSON, NULL, "one JSON object instead of the table"},
    {"html", HTML, "FILE", "also write a page with charts"},
    {"thumbnails", THUMBNAILS, NULL, "put the example pictures into the page"},
    {"cache", CACHE, "FILE", "embeddings computed before (beside the mood)"},
    {"replicates", REPLICATES, "N", "draws for the intervals (1000)"},
    {"seed", SEED, "N", "of draws, folds and parts (1)"},
    {"threads", THREADS, "N", "use at most N threads (all cores)"},
};

static const struct program_usage usage = {
    "evaluate",
    "--pictures LABELS",
    "Measures how well songs fit pictures that people labelled: valence fit, energy\n"
    "fit, positive vs negative, calm vs lively, the same against people's judgement\n"
    "of the songs, emotions, variety; each beside random songs, popular songs, a\n"
    "constant mood, the class mean and the plain recipe, with 95 % intervals.\n"
    "docs/fit.md says what each means.",
    options,
    DY_COUNT(options),
    "Example: dylumo evaluate --pictures oasis.csv --pictures fi/labels.csv"};

struct wanted {
    struct dy_evaluate_files files;
    const char *labels[MAX_TABLES], *unseen[MAX_TABLES];
    char encoder[PATH_SIZE], mood[PATH_SIZE], songs[PATH_SIZE];
    const char *html;
    bool json;
};

/* "203,2087": one number a table. */
static void read_draw(struct program_arguments *args, struct dy_fit_options *fit)
{
    const char *text = args->value;
    for (size_t i = 0; i < DY_FIT_SETS_MAX; i++) {
        char *end;
        unsigned long number = strtoul(text, &end, 10);
        if (end == text || number > 1000000 || *text == '-' || (*end && *end != ',')) {
            program_bad_option(args, "'%s' is no list of numbers of pictures", args->value);
            return;
        }
        fit->draw_of_set[i] = number;
        if (!*end) {
            fit->draws = 10;
            return;
        }
        text = end + 1;
    }
    program_bad_option(args, "more than %d numbers", DY_FIT_SETS_MAX);
}

static void add_table(struct program_arguments *args, const char **tables, size_t *count)
{
    if (*count == MAX_TABLES)
        program_bad_option(args, "at most %d tables", MAX_TABLES);
    else
        tables[(*count)++] = args->value;
}

static void read_option(struct program_arguments *args, int option, struct wanted *wanted,
                        struct dylumo_context *context)
{
    struct dy_evaluate_files *files = &wanted->files;
    uint64_t number = 0;
    switch (option) {
    case PICTURES:
        add_table(args, wanted->labels, &files->label_count);
        break;
    case UNSEEN:
        add_table(args, wanted->unseen, &files->unseen_count);
        break;
    case SONGS:
        files->songs_path = args->value;
        break;
    case ENCODER:
        files->encoder_path = args->value;
        break;
    case MOOD:
        files->mood_path = args->value;
        break;
    case PLAIN:
        files->plain_path = args->value;
        break;
    case SONG_MOOD:
        files->song_mood_path = args->value;
        break;
    case CACHE:
        files->cache_path = args->value;
        break;
    case FOLDS:
        if (program_whole(args, 2, 64, &number))
            files->folds = (unsigned)number;
        break;
    case DRAW:
        read_draw(args, &files->fit);
        break;
    case JSON:
        wanted->json = true;
        break;
    case HTML:
        wanted->html = args->value;
        break;
    case THUMBNAILS:
        files->fit.thumbnails = true;
        break;
    case SEED:
        program_whole(args, 0, UINT64_MAX, &files->fit.seed);
        break;
    case REPLICATES:
        if (program_whole(args, 10, 100000, &number))
            files->fit.replicates = (size_t)number;
        break;
    case THREADS:
        if (program_whole(args, 1, 256, &number))
            context->threads = (unsigned)number;
        break;
    default:
        break;
    }
}

/* What was not named is looked for as everywhere else. */
static enum dylumo_status find_parts(struct wanted *wanted, struct dylumo_error *err)
{
    struct {
        const char *part, **path;
        char *room;
    } parts[] = {
        {"encoder", &wanted->files.encoder_path, wanted->encoder},
        {"mood", &wanted->files.mood_path, wanted->mood},
        {"songs", &wanted->files.songs_path, wanted->songs},
    };
    for (size_t i = 0; i < DY_COUNT(parts); i++) {
        if (*parts[i].path)
            continue;
        enum dylumo_status st = dylumo_locate(parts[i].part, parts[i].room, PATH_SIZE, err);
        if (st)
            return st;
        *parts[i].path = parts[i].room;
    }
    return DYLUMO_OK;
}

static enum dylumo_status write_page(const struct dy_fit_report *report, struct dy_outfile *page,
                                     struct dylumo_error *err)
{
    enum dylumo_status st = dy_fit_report_html(report, page->stream, err);
    return st ? st : dy_outfile_commit(page, err);
}

static enum dylumo_status show(const struct dy_fit_report *report, bool json,
                               struct dylumo_error *err)
{
    return json ? dy_fit_report_json(report, stdout, err) : dy_fit_report_text(report, stdout, err);
}

/* The page is opened before anything is measured, so that it is not refused after minutes. */
static enum dylumo_status evaluate(struct wanted *wanted, const struct dylumo_context *context,
                                   struct dylumo_error *err)
{
    struct dy_evaluation *evaluation = NULL;
    struct dy_outfile page = {0};
    enum dylumo_status st = find_parts(wanted, err);
    if (!st && wanted->html)
        st = dy_outfile_open(&page, wanted->html, err);
    if (!st)
        st = dy_evaluate_run(&evaluation, &wanted->files, context, err);
    program_progress_clear();
    if (!st)
        st = show(dy_evaluate_report(evaluation), wanted->json, err);
    if (!st && wanted->html)
        st = write_page(dy_evaluate_report(evaluation), &page, err);
    dy_outfile_discard(&page);
    dy_evaluate_close(evaluation);
    return st;
}

static bool page_replaces_labels(const struct wanted *wanted)
{
    const struct dy_evaluate_files *files = &wanted->files;
    return wanted->html &&
           (program_spare_inputs("evaluate", wanted->html, files->labels, files->label_count) ||
            program_spare_inputs("evaluate", wanted->html, files->unseen, files->unseen_count));
}

int command_evaluate(int argc, char **argv)
{
    struct program_arguments args = program_arguments_of(&usage, argc, argv);
    struct dylumo_context context = program_context();
    static struct wanted wanted;
    wanted.files.labels = wanted.labels;
    wanted.files.unseen = wanted.unseen;
    wanted.files.fit.replicates = 1000;
    wanted.files.fit.seed = 1;
    for (int option; (option = program_next(&args)) != PROGRAM_END;)
        read_option(&args, option, &wanted, &context);
    if (args.stop || program_expect_names(&args, 0, 0))
        return args.exit_code;
    if (wanted.files.label_count + wanted.files.unseen_count == 0)
        return program_usage_error("evaluate", "--pictures is needed");
    if (page_replaces_labels(&wanted))
        return PROGRAM_USAGE;
    struct dylumo_error err;
    return evaluate(&wanted, &context, &err) ? program_fail(&err) : PROGRAM_OK;
}
