/* The whole of training: read, embed, split; train each fold's networks, then those that ship; from
 * the out-of-fold outputs the reference and the figures; write. After every network a checkpoint is
 * written, and one in the middle of a network when the caller stops the run. */
#include "train_measure.h"
#include "train_teacher.h"
#include "train_write.h"
#include "train_zero.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct run {
    const struct dy_train_options *options;
    const struct dylumo_context *context;
    struct train_recipe recipe;
    struct dy_pictures pictures;
    struct dy_embeddings embeddings;
    struct train_songs songs;
    struct train_zero_words words; /* their mean is written; all 0 where the encoder reads none */
    uint8_t *fold, *tenth;         /* [pictures] */
    struct dy_workers *workers;
    struct train_data data;
    unsigned parts, done_count;
    struct train_done *done; /* [parts] fold 0's networks, fold 1's, ..., those that ship */
    struct train_checkpoint *checkpoint; /* of a stopped run; NULL: none */
    char *checkpoint_path;
    uint64_t fingerprint;
    uint32_t *held; /* pictures of a fold, [pictures] */
    size_t held_count;
    float *outputs; /* [pictures][DY_MOOD_OUTPUTS] out of fold */
    float *taught;  /* [pictures][2] by the teacher of taught_fold; NULL: none so far */
    unsigned taught_fold;
};

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static char *beside(const char *path, const char *suffix)
{
    size_t size = strlen(path) + strlen(suffix) + 1;
    char *name = dy_new_array(size, 1);
    if (name)
        snprintf(name, size, "%s%s", path, suffix);
    return name;
}

/* ------------------------------------------------------------------ reading */

static enum dylumo_status choose_recipe(struct run *run, struct dylumo_error *err)
{
    const struct dy_train_options *options = run->options;
    const char *name = options->recipe ? options->recipe : "default";
    const struct train_recipe *recipe = train_recipe_named(name);
    if (!recipe)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "no recipe '%.50s'; there are default, plain and zero-shot", name);
    run->recipe = *recipe;
    run->recipe.networks = options->networks ? options->networks : recipe->networks;
    run->recipe.folds = options->folds ? options->folds : recipe->folds;
    run->recipe.epochs = options->epochs ? options->epochs : recipe->epochs;
    run->recipe.views = options->views ? options->views : recipe->views;
    if (run->recipe.networks > DY_MOOD_NETWORKS_MAX || run->recipe.folds < 2 ||
        run->recipe.folds > 64 || run->recipe.epochs > 10000)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "1 to %d networks, 2 to 64 folds and up to 10,000 epochs can be",
                       DY_MOOD_NETWORKS_MAX);
    run->parts = (run->recipe.folds + 1) * run->recipe.networks;
    return DYLUMO_OK;
}

static enum dylumo_status read_pictures(struct run *run, struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    for (size_t i = 0; i < run->options->label_count && !st; i++)
        st = dy_pictures_add(&run->pictures, run->options->labels[i], err);
    if (!st && !run->pictures.count)
        st = dy_fail(err, DYLUMO_BAD_ARGUMENT, "no table of labelled pictures was named");
    return st;
}

static enum dylumo_status embed_pictures(struct run *run, struct dylumo_error *err)
{
    const struct dy_train_options *options = run->options;
    char *cache = options->cache_path ? dy_strdup(options->cache_path)
                                      : beside(options->output_path, ".embeddings");
    if (!cache)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for a file's name");
    const struct dy_embed_options embed = {
        .encoder_path = options->encoder_path, .cache_path = cache, .views = run->recipe.views};
    enum dylumo_status st =
        dy_embeddings_load(&run->embeddings, &run->pictures, &embed, run->context, err);
    dy_free(cache);
    return st;
}

static enum dylumo_status split_pictures(struct run *run, struct dylumo_error *err)
{
    size_t count = run->pictures.count;
    run->fold = dy_new_array(count, 1);
    run->tenth = dy_new_array(count, 1);
    run->held = dy_new_array(count, sizeof *run->held);
    run->outputs = dy_new_array(count * DY_MOOD_OUTPUTS, sizeof *run->outputs);
    run->done = dy_new_array(run->parts, sizeof *run->done);
    run->checkpoint_path = beside(run->options->output_path, ".checkpoint");
    if (!run->fold || !run->tenth || !run->held || !run->outputs || !run->done ||
        !run->checkpoint_path)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu pictures", count);
    enum dylumo_status st = dy_train_split(&run->pictures, &run->embeddings, run->recipe.folds,
                                           run->fold, run->context, err);
    if (!st && run->recipe.plain)
        st = dy_train_split(&run->pictures, &run->embeddings, 10, run->tenth, run->context, err);
    return st;
}

/* One more with each change to how networks learn: a run that another version stopped begins anew.
 */
#define LEARNING_VERSION 2

/* All that the result depends on, beside the processor. */
static uint64_t fingerprint_of(const struct run *run)
{
    const struct train_recipe *recipe = &run->recipe;
    const uint64_t numbers[] = {
        run->data.seed,     run->songs.identity,   recipe->networks, recipe->folds,
        recipe->epochs,     run->embeddings.views, recipe->plain,    run->embeddings.encoder_hash,
        run->pictures.count};
    uint64_t hash = dy_hash64(numbers, sizeof numbers, LEARNING_VERSION);
    for (size_t i = 0; i < run->pictures.count; i++) {
        const struct dy_picture *picture = &run->pictures.items[i];
        const double said[] = {picture->emotion, picture->valence, picture->arousal, run->fold[i]};
        hash = dy_hash64(said, sizeof said, hash ^ run->embeddings.content[i]);
    }
    return hash;
}

static enum dylumo_status prepare(struct run *run, struct dylumo_error *err)
{
    enum dylumo_status st = choose_recipe(run, err);
    if (!st)
        st = read_pictures(run, err);
    if (!st)
        st = train_songs_init(&run->songs, run->options->songs_path, run->recipe.plain, err);
    if (!st)
        st = embed_pictures(run, err);
    if (!st)
        st =
            train_zero_words_open(&run->words, run->options->encoder_path, true, run->context, err);
    if (!st)
        st = split_pictures(run, err);
    if (!st)
        st = dy_workers_new(&run->workers, dy_context_threads(run->context), err);
    run->data = (struct train_data){.recipe = &run->recipe,
                                    .pictures = &run->pictures,
                                    .embeddings = &run->embeddings,
                                    .songs = &run->songs,
                                    .fold = run->fold,
                                    .tenth = run->tenth,
                                    .text_mean = run->words.mean,
                                    .seed = run->options->seed,
                                    .workers = run->workers};
    if (!st)
        run->fingerprint = fingerprint_of(run);
    return st;
}

static void run_clear(struct run *run)
{
    for (unsigned i = 0; run->done && i < run->parts; i++) {
        dy_free(run->done[i].parameters);
        dy_free(run->done[i].running);
    }
    dy_free(run->done);
    train_checkpoint_close(run->checkpoint);
    dy_free(run->checkpoint_path);
    dy_free(run->outputs);
    dy_free(run->taught);
    dy_free(run->held);
    dy_free(run->fold);
    dy_free(run->tenth);
    dy_workers_free(run->workers);
    train_zero_words_clear(&run->words);
    train_songs_clear(&run->songs);
    dy_embeddings_clear(&run->embeddings);
    dy_pictures_clear(&run->pictures);
}

/* ------------------------------------------------------------------ one network */

/* The fold that a part leaves out; TRAIN_NO_FOLD: none, it ships. */
static unsigned fold_of(const struct run *run, unsigned part)
{
    unsigned fold = part / run->recipe.networks;
    return fold < run->recipe.folds ? fold : TRAIN_NO_FOLD;
}

static void list_held(struct run *run, unsigned fold)
{
    run->held_count = 0;
    for (size_t i = 0; i < run->pictures.count; i++)
        if (fold != TRAIN_NO_FOLD && run->fold[i] == fold)
            run->held[run->held_count++] = (uint32_t)i;
}

/* Fits over the held-out pictures from their outputs. */
static void measure_held(const struct run *run, const float *outputs, double *scratch,
                         struct dy_train_epoch *told)
{
    size_t rated = 0, count = run->held_count;
    double of_emotion[DYLUMO_EMOTION_COUNT] = {0}, right[DYLUMO_EMOTION_COUNT] = {0}, present = 0;
    for (size_t i = 0; i < count; i++) {
        const struct dy_picture *picture = &run->pictures.items[run->held[i]];
        const float *o = outputs + i * DY_MOOD_OUTPUTS;
        int best = 0;
        for (int e = 1; e < DYLUMO_EMOTION_COUNT; e++)
            best = o[e] > o[best] ? e : best;
        if (picture->emotion >= 0) {
            of_emotion[picture->emotion]++;
            right[picture->emotion] += best == picture->emotion;
        }
        if (!picture->rated)
            continue;
        scratch[rated] = picture->valence;
        scratch[count + rated] = picture->arousal;
        scratch[2 * count + rated] = (double)o[DY_MOOD_VALENCE];
        scratch[3 * count + rated++] = (double)o[DY_MOOD_AROUSAL];
    }
    told->valence_fit = train_spearman(scratch, scratch + 2 * count, rated);
    told->arousal_fit = train_spearman(scratch + count, scratch + 3 * count, rated);
    told->emotion_accuracy = 0;
    for (unsigned e = 0; e < DYLUMO_EMOTION_COUNT; e++) {
        present += of_emotion[e] > 0;
        told->emotion_accuracy += of_emotion[e] > 0 ? right[e] / of_emotion[e] : 0;
    }
    told->emotion_accuracy = present > 0 ? told->emotion_accuracy / present : NAN;
}

static enum dylumo_status tell_epoch(struct run *run, struct train_fit *fit, unsigned part,
                                     double loss, double seconds, struct dylumo_error *err)
{
    unsigned fold = fold_of(run, part);
    struct dy_train_epoch told = {.part = part + 1,
                                  .parts = run->parts,
                                  .fold = fold == TRAIN_NO_FOLD ? 0 : fold + 1,
                                  .folds = run->recipe.folds,
                                  .epoch = (unsigned)(fit->state.step / fit->steps),
                                  .epochs = run->recipe.epochs,
                                  .loss = loss,
                                  .valence_fit = NAN,
                                  .arousal_fit = NAN,
                                  .emotion_accuracy = NAN,
                                  .seconds = seconds};
    if (!run->options->epoch)
        return DYLUMO_OK;
    if (run->held_count) {
        float *outputs = dy_new_array(run->held_count * DY_MOOD_OUTPUTS, sizeof *outputs);
        double *scratch = dy_new_array(run->held_count * 4, sizeof *scratch);
        enum dylumo_status st = DYLUMO_OK;
        if (outputs && scratch)
            st = train_fit_predict(fit, run->held, run->held_count, false, outputs, err);
        else
            st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu pictures", run->held_count);
        if (!st)
            measure_held(run, outputs, scratch, &told);
        dy_free(outputs);
        dy_free(scratch);
        if (st)
            return st;
    }
    run->options->epoch(run->options->user, &told);
    return DYLUMO_OK;
}

static enum dylumo_status train_to_end(struct run *run, struct train_fit *fit, unsigned part,
                                       struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    while (!st && !fit->state.finished) {
        double loss, start = seconds_now();
        st = train_fit_epoch(fit, run->context, &loss, err);
        if (!st)
            st = tell_epoch(run, fit, part, loss, seconds_now() - start, err);
    }
    return st;
}

static enum dylumo_status keep_done(struct run *run, const struct train_net *net,
                                    struct dylumo_error *err)
{
    struct train_done *done = &run->done[run->done_count];
    done->parameters = dy_new_array(net->parameter_count, sizeof *done->parameters);
    done->running = dy_new_array(net->running_count, sizeof *done->running);
    if (!done->parameters || !done->running)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to keep a network");
    memcpy(done->parameters, net->parameters, net->parameter_count * sizeof *done->parameters);
    memcpy(done->running, net->running, net->running_count * sizeof *done->running);
    run->done_count++;
    return DYLUMO_OK;
}

/* Also when the run was stopped: then err keeps saying so. */
static enum dylumo_status save_checkpoint(struct run *run, const struct train_fit *fit,
                                          enum dylumo_status before, struct dylumo_error *err)
{
    struct dylumo_error other;
    enum dylumo_status st = train_checkpoint_save(run->checkpoint_path, run->fingerprint, run->done,
                                                  run->done_count, fit, &other);
    if (st && !before && err)
        *err = other;
    return before ? before : st;
}

/* The opinions of the fold's teacher, which all networks of the fold share. */
static enum dylumo_status teach(struct run *run, struct train_fit *fit, struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    if (!train_can_teach(fit))
        return st;
    if (!run->taught || run->taught_fold != fit->fold) {
        dy_free(run->taught);
        run->taught = dy_new_array(run->pictures.count, 2 * sizeof *run->taught);
        run->taught_fold = fit->fold;
        if (!run->taught)
            st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu pictures", run->pictures.count);
        else
            st = train_teach(fit, run->context, run->taught, err);
    }
    fit->taught = run->taught;
    return st;
}

static enum dylumo_status train_part(struct run *run, struct dylumo_error *err)
{
    unsigned part = run->done_count;
    struct train_fit fit;
    enum dylumo_status st =
        train_fit_init(&fit, &run->data, fold_of(run, part), part % run->recipe.networks, err);
    if (st)
        return st;
    train_checkpoint_resume(run->checkpoint, &fit);
    train_checkpoint_close(run->checkpoint);
    run->checkpoint = NULL;
    list_held(run, fold_of(run, part));
    st = teach(run, &fit, err);
    if (!st)
        st = train_to_end(run, &fit, part, err);
    if (!st)
        st = keep_done(run, &fit.net, err);
    if (!st || st == DYLUMO_CANCELLED)
        st = save_checkpoint(run, &fit, st, err);
    train_fit_clear(&fit);
    return st;
}

static enum dylumo_status train_parts(struct run *run, struct dylumo_error *err)
{
    struct train_fit shape;
    enum dylumo_status st = train_fit_init(&shape, &run->data, TRAIN_NO_FOLD, 0, err);
    if (st)
        return st;
    if (!run->options->restart)
        st = train_checkpoint_open(&run->checkpoint, run->checkpoint_path, run->fingerprint, &shape,
                                   run->done, run->parts, &run->done_count, err);
    train_fit_clear(&shape);
    while (!st && run->done_count < run->parts)
        st = train_part(run, err);
    return st;
}

/* ------------------------------------------------------------------ what comes of it */

static enum dylumo_status add_outputs(struct run *run, struct train_fit *scratch, unsigned fold,
                                      struct dylumo_error *err)
{
    float *found = dy_new_array(run->held_count * DY_MOOD_OUTPUTS + 1, sizeof *found);
    enum dylumo_status st = DYLUMO_OK;
    if (!found)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu pictures", run->held_count);
    for (unsigned k = 0; k < run->recipe.networks && !st; k++) {
        train_done_load(scratch, &run->done[fold * run->recipe.networks + k]);
        st = train_fit_predict(scratch, run->held, run->held_count, run->recipe.flip, found, err);
        for (size_t i = 0; i < run->held_count && !st; i++)
            for (unsigned j = 0; j < DY_MOOD_OUTPUTS; j++)
                run->outputs[(size_t)run->held[i] * DY_MOOD_OUTPUTS + j] +=
                    found[i * DY_MOOD_OUTPUTS + j] / (float)run->recipe.networks;
    }
    dy_free(found);
    return st;
}

static enum dylumo_status predict_out_of_fold(struct run *run, struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    for (unsigned fold = 0; fold < run->recipe.folds && !st; fold++) {
        struct train_fit scratch;
        st = train_fit_init(&scratch, &run->data, fold, 0, err);
        if (st)
            break;
        list_held(run, fold);
        st = add_outputs(run, &scratch, fold, err);
        train_fit_clear(&scratch);
    }
    return st;
}

/* The networks that left out this fold, with a reference that knows nothing of it either. */
static enum dylumo_status write_networks(struct run *run, const char *path, unsigned fold,
                                         const char *card, struct dylumo_error *err)
{
    unsigned group = fold == TRAIN_NO_FOLD ? run->recipe.folds : fold;
    struct train_fit scratch;
    struct train_reference *reference = dy_new(sizeof *reference);
    if (!reference)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to write it", path);
    enum dylumo_status st = train_reference_make(reference, &run->data, run->outputs, fold, err);
    if (!st)
        st = train_fit_init(&scratch, &run->data, fold, 0, err);
    if (!st) {
        st = train_write_mood(path, &scratch, run->done + group * run->recipe.networks,
                              run->recipe.networks, reference, card, err);
        train_fit_clear(&scratch);
    }
    dy_free(reference);
    return st;
}

static enum dylumo_status write_folds_table(const struct run *run, const char *path,
                                            struct dylumo_error *err)
{
    struct dy_outfile out;
    enum dylumo_status st = dy_outfile_open(&out, path, err);
    if (st)
        return st;
    fputs("set,file,fold\n", out.stream);
    for (size_t i = 0; i < run->pictures.count; i++)
        if (run->fold[i] != TRAIN_NO_FOLD)
            fprintf(out.stream, "%u,\"%s\",%u\n", run->pictures.items[i].set,
                    run->pictures.items[i].file, run->fold[i]);
    return dy_outfile_commit(&out, err);
}

static enum dylumo_status write_folds(struct run *run, const char *card, struct dylumo_error *err)
{
    char *table = beside(run->options->output_path, ".folds.csv");
    enum dylumo_status st = table ? write_folds_table(run, table, err)
                                  : dy_fail(err, DYLUMO_NO_MEMORY, "no memory for a file's name");
    dy_free(table);
    for (unsigned fold = 0; fold < run->recipe.folds && !st; fold++) {
        char suffix[32];
        snprintf(suffix, sizeof suffix, ".fold-%u", fold);
        char *path = beside(run->options->output_path, suffix);
        st = path ? write_networks(run, path, fold, card, err)
                  : dy_fail(err, DYLUMO_NO_MEMORY, "no memory for a file's name");
        dy_free(path);
    }
    return st;
}

static enum dylumo_status measure(struct run *run, struct dy_train_figures *figures,
                                  struct dylumo_error *err)
{
    struct train_reference *reference = dy_new(sizeof *reference);
    if (!reference)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the figures");
    enum dylumo_status st =
        train_reference_make(reference, &run->data, run->outputs, TRAIN_NO_FOLD, err);
    if (!st)
        st = train_figures_of(figures, &run->data, reference, run->outputs, err);
    dy_free(reference);
    return st;
}

static enum dylumo_status finish(struct run *run, struct dy_train_figures *figures,
                                 struct dylumo_error *err)
{
    enum dylumo_status st = predict_out_of_fold(run, err);
    if (!st)
        st = measure(run, figures, err);
    char *card = st ? NULL : train_card_new(&run->data, run->options, figures);
    if (!st && !card)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the data card");
    if (!st)
        st = write_networks(run, run->options->output_path, TRAIN_NO_FOLD, card, err);
    if (!st && run->options->keep_folds)
        st = write_folds(run, card, err);
    dy_free(card);
    if (!st)
        unlink(run->checkpoint_path);
    return st;
}

enum dylumo_status dy_train_run(const struct dy_train_options *options,
                                const struct dylumo_context *context,
                                struct dy_train_figures *figures, struct dylumo_error *err)
{
    struct run run = {.options = options, .context = context};
    const struct train_recipe *recipe = train_recipe_named(options->recipe ? options->recipe : "");
    if (recipe && recipe->zero)
        return train_zero_run(options, recipe, context, figures, err);
    enum dylumo_status st = prepare(&run, err);
    if (!st)
        st = train_parts(&run, err);
    if (!st)
        st = finish(&run, figures, err);
    run_clear(&run);
    return st;
}
