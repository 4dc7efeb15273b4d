/* From paths to a report: labels and embeddings by the train room, moods by the
 * files of the folds that did not see a picture, then the measurement. */
#include "dy_evaluate.h"
#include "dy_mood.h"
#include "dy_songs.h"
#include "dy_train.h"
#include "evaluate_folds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDS_MAX 64
#define DEFAULT_PARTS 3
#define SAME_AXES                                                              \
    0.02 /* coefficients are around 1; another draw of the songs moves them by \
            .05 */

/* A mood file with the fold files beside it: models[0] has seen all, models[1 +
 * fold] not that fold. */
struct mood_files {
    const char *path;
    struct dy_mood_model *models[1 + FOLDS_MAX];
    size_t count;
    uint8_t *model_of; /* [pictures] */
};

struct dy_evaluation {
    const struct dy_evaluate_files *files;
    const struct dylumo_context *context;
    struct dy_pictures labelled;
    struct dy_embeddings embeddings;
    size_t trained_sets; /* sets below it were given as labels, the others as
                            unseen */
    struct dy_songs *songs;
    struct dy_fit_catalogue catalogue;
    size_t unknown_songs; /* judged, but not in the catalogue */
    struct mood_files mood, plain;
    struct dy_mood *moods;
    float *plain_features;
    struct dy_fit_moods fit_moods;
    /* the readable pictures */
    struct dy_fit_pictures pictures;
    uint32_t *item_of; /* [pictures.count] place in labelled */
    char *set_names[DY_FIT_SETS_MAX];
    struct dy_fit_rows rows;
    struct dy_fit_report report;
};

/* ------------------------------------------------------------------ labels */

/* "oasis" of "data/oasis/oasis.csv" and of "data/oasis/": the folder, which
 * tells more than "labels.csv" does; the table's own name where there is no
 * folder. */
static char *set_name_of(const char *path)
{
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/')
        size--;
    const char *end = path + size, *name = end;
    while (name > path && name[-1] != '/')
        name--;
    const char *dot = memrchr(name, '.', (size_t)(end - name));
    if (dot && dot > name && name > path + 1) { /* a table in a folder */
        end = name - 1;
        for (name = end; name > path && name[-1] != '/';)
            name--;
    } else if (dot && dot > name) {
        end = dot;
    }
    return dy_text_clean(name, (size_t)(end - name), NULL);
}

static enum dylumo_status add_labels(struct dy_evaluation *e, const char *const *paths,
                                     size_t count, struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    for (size_t i = 0; !st && i < count; i++) {
        unsigned set = e->labelled.sets;
        if (set == DY_FIT_SETS_MAX)
            return dy_fail(err, DYLUMO_BAD_ARGUMENT, "more than %d sets of labelled pictures",
                           DY_FIT_SETS_MAX);
        st = dy_pictures_add(&e->labelled, paths[i], err);
        if (!st && !(e->set_names[set] = set_name_of(paths[i])))
            st = dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for its name", paths[i]);
    }
    return st;
}

static enum dylumo_status read_labels(struct dy_evaluation *e, struct dylumo_error *err)
{
    const struct dy_evaluate_files *files = e->files;
    enum dylumo_status st = add_labels(e, files->labels, files->label_count, err);
    e->trained_sets = e->labelled.sets;
    return st ? st : add_labels(e, files->unseen, files->unseen_count, err);
}

/* Room for all, filled with those that have an embedding. */
static enum dylumo_status gather_pictures(struct dy_evaluation *e, struct dylumo_error *err)
{
    size_t count = e->labelled.count, kept = 0;
    const char **names = dy_new_array(count, sizeof *names);
    double *valence = dy_new_array(count, sizeof *valence);
    double *arousal = dy_new_array(count, sizeof *arousal);
    uint8_t *emotion = dy_new_array(count, 1), *set = dy_new_array(count, 1);
    e->item_of = dy_new_array(count, sizeof *e->item_of);
    e->pictures = (struct dy_fit_pictures){0,
                                           names,
                                           valence,
                                           arousal,
                                           emotion,
                                           set,
                                           (const char *const *)e->set_names,
                                           e->labelled.sets};
    if (!names || !valence || !arousal || !emotion || !set || !e->item_of)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu labelled pictures", count);
    for (size_t i = 0; i < count; i++) {
        const struct dy_picture *picture = &e->labelled.items[i];
        if (!e->embeddings.at[i * e->embeddings.views])
            continue;
        names[kept] = picture->path;
        valence[kept] = picture->rated ? picture->valence : (double)NAN;
        arousal[kept] = picture->rated ? picture->arousal : (double)NAN;
        emotion[kept] = picture->emotion < 0 ? DY_FIT_NO_EMOTION : (uint8_t)picture->emotion;
        set[kept] = (uint8_t)picture->set;
        e->item_of[kept++] = (uint32_t)i;
    }
    e->pictures.count = kept;
    if (kept == 0)
        return dy_fail(err, DYLUMO_BAD_PICTURE, "none of the %zu labelled pictures can be read",
                       count);
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ folds */

static enum dylumo_status path_beside(char *path, size_t size, const char *base, const char *suffix,
                                      struct dylumo_error *err)
{
    int length = snprintf(path, size, "%s%s", base, suffix);
    if (length < 0 || (size_t)length >= size)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: the path is too long", base);
    return DYLUMO_OK;
}

/* Pictures of the labels that are in the table get their fold's model, all
 * others the first. */
static enum dylumo_status assign_models(struct dy_evaluation *e, struct mood_files *mood,
                                        const struct fold_table *table, struct dylumo_error *err)
{
    for (size_t i = 0; i < e->pictures.count; i++) {
        const struct dy_picture *picture = &e->labelled.items[e->item_of[i]];
        if (picture->set >= e->trained_sets)
            continue;
        const struct fold_line *line = fold_table_find(table, picture->set, picture->file);
        if (!line)
            return dy_fail(err, DYLUMO_MISMATCH,
                           "%s.folds.csv does not name '%.200s': was %s trained on "
                           "other pictures?",
                           mood->path, picture->file, mood->path);
        mood->model_of[i] = (uint8_t)(1 + line->fold);
    }
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ mood files
 */

static enum dylumo_status open_folds(struct dy_evaluation *e, struct mood_files *mood,
                                     struct dylumo_error *err)
{
    char path[4096], suffix[32];
    struct fold_table table = {0};
    enum dylumo_status st = path_beside(path, sizeof path, mood->path, ".folds.csv", err);
    if (!st)
        st = fold_table_read(&table, path, e->files->folds, err);
    for (unsigned fold = 0; !st && fold < e->files->folds; fold++) {
        snprintf(suffix, sizeof suffix, ".fold-%u", fold);
        st = path_beside(path, sizeof path, mood->path, suffix, err);
        if (!st)
            st = dy_mood_open(&mood->models[mood->count], path, err);
        mood->count += !st;
    }
    if (!st)
        st = assign_models(e, mood, &table, err);
    fold_table_clear(&table);
    return st;
}

/* The file that has seen all pictures; its folds come when the pictures are known. */
static enum dylumo_status open_first(struct mood_files *mood, const char *path,
                                     struct dylumo_error *err)
{
    mood->path = path;
    enum dylumo_status st = dy_mood_open(&mood->models[0], path, err);
    mood->count = !st;
    return st;
}

static enum dylumo_status open_moods(struct dy_evaluation *e, struct mood_files *mood,
                                     struct dylumo_error *err)
{
    mood->model_of = dy_new_array(e->pictures.count, 1);
    if (!mood->model_of)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu pictures", e->pictures.count);
    enum dylumo_status st = mood->count ? DYLUMO_OK : open_first(mood, mood->path, err);
    if (!st && e->files->folds)
        st = open_folds(e, mood, err);
    for (size_t m = 0; !st && m < mood->count; m++)
        st = dy_mood_check_encoder(mood->models[m], e->embeddings.encoder,
                                   e->embeddings.encoder_hash, e->embeddings.dimension, err);
    return st;
}

/* With folds: trains unless the fold table lies beside the mood file already.
 */
static enum dylumo_status train_missing(const struct dy_evaluate_files *files, const char *mood,
                                        const char *recipe, const char *cache,
                                        const struct dylumo_context *context,
                                        struct dylumo_error *err)
{
    char path[4096];
    enum dylumo_status st = path_beside(path, sizeof path, mood, ".folds.csv", err);
    if (st || !files->folds || access(path, R_OK) == 0)
        return st;
    const struct dy_train_options options = {
        .labels = files->labels,
        .label_count = files->label_count,
        .songs_path = files->songs_path,
        .encoder_path = files->encoder_path,
        .output_path = mood,
        .cache_path = cache,
        .recipe = recipe,
        .seed = files->fit.seed,
        .folds = files->folds,
        .keep_folds = true,
    };
    struct dy_train_figures figures;
    return dy_train_run(&options, context, &figures, err);
}

/* ------------------------------------------------------------------ moods of
 * the pictures */

static const float *const *views_of(const struct dy_evaluation *e, size_t picture)
{
    return e->embeddings.at + (size_t)e->item_of[picture] * e->embeddings.views;
}

static enum dylumo_status predict(struct dy_evaluation *e, struct dylumo_error *err)
{
    size_t dimension = e->embeddings.dimension;
    float *both = dy_new_array(2 * dimension, sizeof *both);
    e->moods = dy_new_array(e->pictures.count, sizeof *e->moods);
    enum dylumo_status st = DYLUMO_OK;
    if (!both || !e->moods) {
        dy_free(both);
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the moods of %zu pictures",
                       e->pictures.count);
    }
    for (size_t i = 0; !st && i < e->pictures.count; i++) {
        const struct dy_mood_model *model = e->mood.models[e->mood.model_of[i]];
        const float *const *at = views_of(e, i);
        bool flip = dy_mood_info(model)->flip && e->embeddings.views > 1 && at[1];
        memcpy(both, at[0], dimension * sizeof *both);
        if (flip)
            memcpy(both + dimension, at[1], dimension * sizeof *both);
        st = dy_mood_predict(model, both, flip ? 2 : 1, &e->moods[i], err);
        if (!st && dy_context_cancelled(e->context))
            st = dy_fail(err, DYLUMO_CANCELLED, "stopped while reading moods");
    }
    dy_free(both);
    return st;
}

/* The plain recipe's 13 features are its networks' own outputs. */
static enum dylumo_status predict_plain(struct dy_evaluation *e, struct dylumo_error *err)
{
    e->plain_features =
        dy_new_array(e->pictures.count, DYLUMO_FEATURE_COUNT * sizeof *e->plain_features);
    if (!e->plain_features)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the plain recipe's features");
    for (size_t i = 0; i < e->pictures.count; i++) {
        float outputs[DY_MOOD_OUTPUTS];
        dy_mood_outputs(e->plain.models[e->plain.model_of[i]], views_of(e, i)[0], outputs);
        memcpy(e->plain_features + i * DYLUMO_FEATURE_COUNT, outputs + DY_MOOD_FEATURES,
               DYLUMO_FEATURE_COUNT * sizeof *outputs);
    }
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ held-out pairs */

/* Recipe plain's networks speak on a scale from the catalogue's least to its greatest. */
static void features_as_scores(const struct dy_evaluation *e, size_t picture, float *scores)
{
    const struct dy_mood_info *info = dy_mood_info(e->mood.models[0]);
    memcpy(scores, e->moods[picture].features, DYLUMO_FEATURE_COUNT * sizeof *scores);
    for (unsigned f = 0; strcmp(info->recipe, "plain") == 0 && f < DYLUMO_FEATURE_COUNT; f++) {
        const struct dy_feature_stats stats = dy_songs_stats(e->songs, (enum dylumo_feature)f);
        double value = stats.min + (double)scores[f] * (stats.max - stats.min);
        scores[f] = (float)dy_songs_normal_score(e->songs, (enum dylumo_feature)f, value);
    }
}

/* Pictures that the mood did not learn from: with folds all, else those given as unseen. Returns
 * the pairs gathered into song and predicted. */
static size_t gather_pairs(const struct dy_evaluation *e, const uint32_t *song_of, uint32_t *song,
                           float *predicted)
{
    size_t pairs = 0;
    for (size_t i = 0; i < e->pictures.count; i++) {
        uint32_t drawn = song_of[e->item_of[i]];
        bool held_out = e->files->folds || e->pictures.set[i] >= e->trained_sets;
        if (!held_out || drawn == DY_TRAIN_NO_SONG)
            continue;
        features_as_scores(e, i, predicted + pairs * DYLUMO_FEATURE_COUNT);
        song[pairs++] = drawn;
    }
    return pairs;
}

static enum dylumo_status measure_pairs(struct dy_evaluation *e, struct dylumo_error *err)
{
    const struct dy_evaluate_files *files = e->files;
    const struct dy_mood_info *info = dy_mood_info(e->mood.models[0]);
    const char *recipe = strcmp(info->recipe, "plain") == 0 ? "plain" : "default";
    size_t count = e->labelled.count;
    if (!files->folds && e->trained_sets == e->labelled.sets)
        return DYLUMO_OK;
    uint32_t *song = dy_new_array(2 * count, sizeof *song);
    float *predicted = dy_new_array(count, DYLUMO_FEATURE_COUNT * sizeof *predicted);
    enum dylumo_status st = DYLUMO_OK;
    if (!song || !predicted)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu pairs", count);
    if (!st)
        st = dy_train_pair(&e->labelled, recipe, files->songs_path, files->fit.seed, song, err);
    if (!st) {
        size_t pairs = gather_pairs(e, song, song + count, predicted);
        st = dy_fit_features_fill(&e->report.features, e->songs, song + count, predicted, pairs,
                                  err);
    }
    dy_free(song);
    dy_free(predicted);
    return st;
}

/* ------------------------------------------------------------------ facts */

static void tell_pictures(struct dy_evaluation *e)
{
    char text[256] = "";
    size_t at = 0;
    for (size_t s = 0; s < e->pictures.set_count && at < sizeof text; s++) {
        size_t count = 0;
        for (size_t i = 0; i < e->pictures.count; i++)
            count += e->pictures.set[i] == s;
        int wrote =
            snprintf(text + at, sizeof text - at, "%s%s: %zu%s", s ? ", " : "", e->set_names[s],
                     count, s < e->trained_sets ? "" : " (never trained on)");
        at += wrote > 0 ? (size_t)wrote : 0;
    }
    dy_fit_report_fact(&e->report, "pictures", "%s", text);
    size_t lost = e->labelled.count - e->pictures.count;
    if (lost || e->labelled.skipped)
        dy_fit_report_fact(&e->report, "left out",
                           "%zu that cannot be read, %zu named twice or of another emotion", lost,
                           e->labelled.skipped);
}

static void tell(struct dy_evaluation *e)
{
    const struct dy_mood_info *info = dy_mood_info(e->mood.models[0]);
    const struct dy_evaluate_files *files = e->files;
    tell_pictures(e);
    dy_fit_report_fact(&e->report, "songs", "%zu", e->catalogue.count);
    dy_fit_report_fact(&e->report, "encoder", "%s", e->embeddings.encoder);
    dy_fit_report_fact(&e->report, "mood", "recipe %s, %u networks", info->recipe, info->networks);
    if (files->folds)
        dy_fit_report_fact(&e->report, "cross-validated",
                           "%u folds: each picture is read by networks that did not see it, its "
                           "family or its like",
                           files->folds);
    if (files->song_mood_path) {
        size_t judged = 0;
        for (size_t p = 0; p < e->catalogue.part_count; p++)
            judged += e->catalogue.parts[p].count;
        dy_fit_report_fact(&e->report, "judged songs",
                           "%zu in %zu parts by artist, each a catalogue of its own", judged,
                           e->catalogue.part_count);
    }
    dy_fit_report_fact(&e->report, "an answer", "%d songs, at most %d of an artist",
                       DY_FIT_SONGS_EACH, DY_FIT_PER_ARTIST);
    dy_fit_report_fact(&e->report, "intervals", "95 %%, %zu draws of the pictures, seed %llu",
                       files->fit.replicates, (unsigned long long)files->fit.seed);
}

/* ------------------------------------------------------------------ all of it
 */

static enum dylumo_status load_pictures(struct dy_evaluation *e, struct dylumo_error *err)
{
    const struct dy_evaluate_files *files = e->files;
    char cache[4096];
    enum dylumo_status st = DYLUMO_OK;
    if (files->cache_path)
        st = path_beside(cache, sizeof cache, files->cache_path, "", err);
    else
        st = path_beside(cache, sizeof cache, files->mood_path, ".embeddings", err);
    if (!st)
        st = train_missing(files, files->mood_path, "default", cache, e->context, err);
    if (!st && files->plain_path)
        st = train_missing(files, files->plain_path, "plain", cache, e->context, err);
    if (!st)
        st = read_labels(e, err);
    if (!st)
        st = open_first(&e->mood, files->mood_path, err);
    if (st)
        return st;
    const struct dy_embed_options embed = {
        .encoder_path = files->encoder_path,
        .cache_path = cache,
        .views = dy_mood_info(e->mood.models[0])->flip ? DY_VIEW_FLIP + 1 : 1};
    st = dy_embeddings_load(&e->embeddings, &e->labelled, &embed, e->context, err);
    return st ? st : gather_pictures(e, err);
}

static enum dylumo_status load_moods(struct dy_evaluation *e, struct dylumo_error *err)
{
    e->plain.path = e->files->plain_path;
    enum dylumo_status st = open_moods(e, &e->mood, err);
    if (!st)
        st = predict(e, err);
    if (!st && e->plain.path)
        st = open_moods(e, &e->plain, err);
    if (!st && e->plain.path)
        st = predict_plain(e, err);
    e->fit_moods = (struct dy_fit_moods){
        .count = e->pictures.count,
        .moods = e->moods,
        .model_of = e->mood.model_of,
        .models = (const struct dy_mood_model *const *)e->mood.models,
        .model_count = e->mood.count,
    };
    return st;
}

/* Axes of more than one feature have learned from judged songs; where they are
 * those that people's table gives, each part is measured with axes that do not
 * know its artists. */
static enum dylumo_status hold_back(struct dy_evaluation *e, struct dylumo_error *err)
{
    const struct dy_mood_info *info = dy_mood_info(e->mood.models[0]);
    const float(*own)[DYLUMO_FEATURE_COUNT] =
        (const float(*)[DYLUMO_FEATURE_COUNT])info->axis_songs;
    size_t terms = 0;
    double difference;
    for (size_t i = 0; i < (size_t)info->axes * DYLUMO_FEATURE_COUNT; i++)
        terms += info->axis_songs[i] != 0.0F;
    if (!e->files->song_mood_path || terms == info->axes)
        return DYLUMO_OK;
    bool can = info->axes == 2 && e->catalogue.part_count > 1;
    enum dylumo_status st =
        can ? dy_fit_axes_hold_back(&e->catalogue, own, &difference, err) : DYLUMO_OK;
    bool same = can && !st && difference < SAME_AXES;
    for (size_t p = 0; !same && p < e->catalogue.part_count; p++)
        e->catalogue.parts[p].held_back = false;
    if (!st)
        dy_fit_report_fact(&e->report, "axes on judged songs", "%s",
                           same ? "fitted anew without the artists that are measured"
                                : "the mood's own, which may have learned from these songs");
    return st;
}

static enum dylumo_status load_songs(struct dy_evaluation *e, struct dylumo_error *err)
{
    const struct dy_evaluate_files *files = e->files;
    enum dylumo_status st = dy_songs_open(&e->songs, files->songs_path, err);
    return st ? st
              : dy_fit_catalogue_open(&e->catalogue, e->songs, files->song_mood_path,
                                      files->parts ? files->parts : DEFAULT_PARTS, files->fit.seed,
                                      &e->unknown_songs, err);
}

enum dylumo_status dy_evaluate_run(struct dy_evaluation **out,
                                   const struct dy_evaluate_files *files,
                                   const struct dylumo_context *context, struct dylumo_error *err)
{
    if (files->folds > FOLDS_MAX || files->folds == 1)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%u folds, expected 0 or 2 to %d", files->folds,
                       FOLDS_MAX);
    if (files->label_count + files->unseen_count == 0)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "no labelled pictures to measure with");
    struct dy_evaluation *e = dy_new(sizeof *e);
    if (!e)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the evaluation");
    e->files = files;
    e->context = context;
    enum dylumo_status st = load_songs(e, err);
    if (!st)
        st = load_pictures(e, err);
    if (!st)
        st = load_moods(e, err);
    if (!st)
        st = measure_pairs(e, err);
    if (!st)
        tell(e);
    if (!st)
        st = hold_back(e, err);
    if (!st)
        st = dy_fit_run(&e->report, &e->rows, &e->pictures, &e->catalogue, &e->fit_moods,
                        e->plain_features, &files->fit, context, err);
    if (st) {
        dy_evaluate_close(e);
        return st;
    }
    *out = e;
    return DYLUMO_OK;
}

static void mood_files_close(struct mood_files *mood)
{
    for (size_t m = 0; m < mood->count; m++)
        dy_mood_close(mood->models[m]);
    dy_free(mood->model_of);
}

void dy_evaluate_close(struct dy_evaluation *e)
{
    if (!e)
        return;
    dy_fit_report_clear(&e->report);
    dy_fit_rows_clear(&e->rows);
    dy_fit_catalogue_close(&e->catalogue);
    dy_songs_close(e->songs);
    mood_files_close(&e->mood);
    mood_files_close(&e->plain);
    dy_free(e->moods);
    dy_free(e->plain_features);
    dy_free(e->item_of);
    dy_free((void *)(uintptr_t)e->pictures.names);
    dy_free((void *)(uintptr_t)e->pictures.valence);
    dy_free((void *)(uintptr_t)e->pictures.arousal);
    dy_free((void *)(uintptr_t)e->pictures.emotion);
    dy_free((void *)(uintptr_t)e->pictures.set);
    for (size_t s = 0; s < DY_FIT_SETS_MAX; s++)
        dy_free(e->set_names[s]);
    dy_embeddings_clear(&e->embeddings);
    dy_pictures_clear(&e->labelled);
    dy_free(e);
}

const struct dy_fit_report *dy_evaluate_report(const struct dy_evaluation *evaluation)
{
    return &evaluation->report;
}
