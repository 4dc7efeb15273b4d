/* dylumo train TABLE...: a mood file from labelled pictures and a songs file. One line an epoch,
 * at the end the figures out of fold and the table of `dylumo evaluate`, through ten songs of the
 * catalogue and beside the baselines; an interrupt leaves a checkpoint that the same call goes on
 * from. The table needs each fold's mood file: those nobody asked to keep are removed after it. */
#include "dy_program.h"

#include "dylumo.h"

#include "dy_evaluate.h"
#include "dy_train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum option_id {
    OUTPUT = 'o',
    SONGS = 's',
    THREADS = 't',
    ENCODER = 256,
    RECIPE,
    SEED,
    NETWORKS,
    FOLDS,
    EPOCHS,
    VIEWS,
    CACHE,
    KEEP_FOLDS,
    RESTART
};

static const struct program_option options[] = {
    {"output", OUTPUT, "FILE", "the mood file to write (mood.safetensors)"},
    {"songs", SONGS, "FILE", "the catalogue to learn from"},
    {"encoder", ENCODER, "FILE", "the encoder's weights"},
    {"recipe", RECIPE, "NAME",
     "default; plain: what everyone starts with;\nzero-shot: by sentences, no labels (CLIP)"},
    {"seed", SEED, "N", "another seed, another result (1)"},
    {"networks", NETWORKS, "N", "networks whose outputs are averaged"},
    {"folds", FOLDS, "N", "parts that are held out in turn"},
    {"epochs", EPOCHS, "N", "rounds over the pictures"},
    {"views", VIEWS, "N", "1: the whole picture, 2: and mirrored, 6: and\nfour crops of it"},
    {"cache", CACHE, "FILE", "where embeddings are kept (beside the output)"},
    {"keep-folds", KEEP_FOLDS, NULL, "write each fold's mood file and who was in it too"},
    {"restart", RESTART, NULL, "do not go on from a stopped run"},
    {"threads", THREADS, "N", "use at most N threads (all cores)"},
};

static const struct program_usage usage = {
    "train",
    "TABLE...",
    "Trains the mood that `dylumo recommend` reads, from pictures people labelled:\n"
    "tables with file and emotion, or file, valence_mean and arousal_mean, or EMID's\n"
    "EMID_data.csv; or folders with one folder for each emotion.",
    options,
    DY_COUNT(options),
    "It ends with the table of `dylumo evaluate` and exits with 1 when a baseline is\n"
    "not beaten. A run that was interrupted goes on when it is called again in the\n"
    "same way. With --recipe zero-shot it takes folders of any pictures, 20 or more,\n"
    "for encoders that read words; nothing is labelled, so nothing is measured.\n"
    "Example: dylumo train oasis.csv fi/labels.csv -o mood.safetensors"};

static void number(struct program_arguments *args, uint64_t min, uint64_t max, unsigned *to)
{
    uint64_t value;
    if (program_whole(args, min, max, &value))
        *to = (unsigned)value;
}

static void take_option(struct program_arguments *args, int option,
                        struct dy_train_options *request, struct dylumo_context *context)
{
    switch (option) {
    case OUTPUT:
        request->output_path = args->value;
        break;
    case SONGS:
        request->songs_path = args->value;
        break;
    case ENCODER:
        request->encoder_path = args->value;
        break;
    case RECIPE:
        request->recipe = args->value;
        break;
    case CACHE:
        request->cache_path = args->value;
        break;
    case SEED:
        program_whole(args, 0, UINT32_MAX, &request->seed);
        break;
    case NETWORKS:
        number(args, 1, 64, &request->networks);
        break;
    case FOLDS:
        number(args, 2, 64, &request->folds);
        break;
    case EPOCHS:
        number(args, 1, 10000, &request->epochs);
        break;
    case VIEWS:
        number(args, 1, DY_VIEWS, &request->views);
        break;
    case KEEP_FOLDS:
        request->keep_folds = true;
        break;
    case RESTART:
        request->restart = true;
        break;
    case THREADS:
        number(args, 1, 1024, &context->threads);
        break;
    default:
        break;
    }
}

/* "0.912", or "-" where nothing was told. */
static const char *figure(char text[static 16], double value)
{
    if (isfinite(value))
        snprintf(text, 16, "%.3f", value);
    else
        snprintf(text, 16, "-");
    return text;
}

static void show_epoch(void *user, const struct dy_train_epoch *e)
{
    char valence[16], arousal[16], emotions[16], fold[32] = "all   ";
    (void)user;
    program_progress_clear();
    if (e->fold)
        snprintf(fold, sizeof fold, "fold %u", e->fold);
    printf("network %2u of %u  %s  epoch %3u of %u  loss %.4f  held out: valence %s arousal %s "
           "emotions %s  %.1f s\n",
           e->part, e->parts, fold, e->epoch, e->epochs, e->loss, figure(valence, e->valence_fit),
           figure(arousal, e->arousal_fit), figure(emotions, e->emotion_accuracy), e->seconds);
    fflush(stdout);
}

static void show_line(const char *what, double value)
{
    char text[16];
    printf("  %-52s %s\n", what, figure(text, value));
}

static void show_figures(const struct dy_train_figures *f, const char *path)
{
    printf("\nOut of fold, %zu pictures (%zu rated, %zu with an emotion, %zu unreadable):\n",
           f->pictures - f->unreadable, f->rated, f->with_emotion, f->unreadable);
    show_line("people's valence and ours (rho)", f->valence_fit);
    show_line("people's arousal and ours (rho)", f->arousal_fit);
    show_line("people's valence and the first axis (rho)", f->valence_place);
    show_line("people's arousal and the second axis (rho)", f->energy_place);
    show_line("happy or unhappy words told apart (AUC)", f->happy_or_not);
    show_line("lively or calm words told apart (AUC)", f->lively_or_calm);
    show_line("seven emotions right, equal shares (chance .143)", f->emotion_accuracy);
    show_line("expected calibration error", f->calibration_error);
    for (unsigned i = 0; i < DYLUMO_FEATURE_COUNT; i++) {
        char what[64];
        snprintf(what, sizeof what, "r2 of a song's %s",
                 dylumo_feature_info((enum dylumo_feature)i)->name);
        show_line(what, f->r2[i]);
    }
    printf("Wrote %s.\n", path);
    fflush(stdout);
}

/* ------------------------------------------------------------------ against the baselines */

#define REPLICATES 1000

/* Which of the baselines are not beaten, in one sentence. False when there is any. */
static bool say_verdict(const struct dy_fit_report *report)
{
    size_t measured = 0, beaten = 0, of = 0;
    for (size_t row = 1; row < report->table.row_count; row++) {
        bool beats = dy_fit_beats(report, row, NULL, &of);
        measured += of > 0;
        beaten += beats;
    }
    if (measured == 0)
        printf("\nThe labels are too few to compare this run with the baselines.\n");
    else if (beaten == measured)
        printf("\nThis run beats every baseline, in every column.\n");
    else
        printf("\nThis run does NOT beat %zu of the %zu baselines everywhere: see above which, "
               "and in how many columns.\n",
               measured - beaten, measured);
    return measured > 0 && beaten == measured;
}

/* Each picture is read by the networks that did not learn from it. */
static int show_table(const struct dy_train_options *request, const struct dy_train_figures *f,
                      const struct dylumo_context *context)
{
    const struct dy_evaluate_files files = {
        .labels = request->labels,
        .label_count = request->label_count,
        .songs_path = request->songs_path,
        .encoder_path = request->encoder_path,
        .mood_path = request->output_path,
        .cache_path = request->cache_path,
        .folds = f->folds,
        .fit = {.replicates = REPLICATES, .seed = request->seed},
    };
    struct dylumo_error err;
    struct dy_evaluation *evaluation = NULL;
    enum dylumo_status st = dy_evaluate_run(&evaluation, &files, context, &err);
    program_progress_clear();
    if (st)
        return program_fail(&err);
    putchar('\n');
    st = dy_fit_report_text(dy_evaluate_report(evaluation), stdout, &err);
    bool beaten = !st && say_verdict(dy_evaluate_report(evaluation));
    dy_evaluate_close(evaluation);
    if (st)
        return program_fail(&err);
    return beaten ? PROGRAM_OK : PROGRAM_PARTLY;
}

static void remove_folds(const char *output, unsigned folds)
{
    char path[4200];
    for (unsigned fold = 0; fold < folds; fold++) {
        snprintf(path, sizeof path, "%s.fold-%u", output, fold);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s.folds.csv", output);
    unlink(path);
}

/* Defaults that dylumo_locate finds; room for both lives in main's frame. */
static bool find_parts(struct dy_train_options *request, bool without_songs,
                       char encoder[static 4096], char songs[static 4096])
{
    struct dylumo_error err;
    if (dylumo_find("encoder", request->encoder_path, encoder, 4096, &err))
        return program_fail(&err), false;
    request->encoder_path = encoder;
    if (!request->songs_path && !without_songs) {
        if (dylumo_locate("songs", songs, 4096, &err))
            return program_fail(&err), false;
        request->songs_path = songs;
    }
    return true;
}

int command_train(int argc, char **argv)
{
    struct program_arguments args = program_arguments_of(&usage, argc, argv);
    struct dylumo_context context = program_context();
    struct dy_train_options request = {
        .output_path = "mood.safetensors", .seed = 1, .epoch = show_epoch};
    struct dy_train_figures figures;
    struct dylumo_error err;
    char encoder[4096], songs[4096];
    int option;
    while ((option = program_next(&args)) != PROGRAM_END)
        take_option(&args, option, &request, &context);
    if (args.stop || program_expect_names(&args, 1, 1000))
        return args.exit_code;
    request.labels = (const char *const *)args.names;
    request.label_count = args.name_count;
    if (!program_output_has_name(request.output_path))
        return program_usage_error("train", "--output needs a file with a name");
    if (program_spare_inputs("train", request.output_path, request.labels, request.label_count))
        return PROGRAM_USAGE;
    bool zero = request.recipe && !strcmp(request.recipe, "zero-shot");
    if (!find_parts(&request, zero, encoder, songs))
        return PROGRAM_NOT_FOUND;
    bool keep_folds = request.keep_folds;
    request.keep_folds = true;
    enum dylumo_status st = dy_train_run(&request, &context, &figures, &err);
    program_progress_clear();
    if (st)
        return program_fail(&err);
    if (zero) {
        printf("Wrote %s: moods by sentences, spread as %zu pictures are. Nothing was measured:\n"
               "`dylumo evaluate` does so on pictures with labels.\n",
               request.output_path, figures.pictures - figures.unreadable);
        return figures.unreadable ? PROGRAM_PARTLY : PROGRAM_OK;
    }
    show_figures(&figures, request.output_path);
    int code = show_table(&request, &figures, &context);
    if (!keep_folds)
        remove_folds(request.output_path, figures.folds);
    return code;
}
