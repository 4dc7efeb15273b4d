/* The whole measurement: every ranking answers every picture on every stage, then the table, the
 * variety, the emotions and the examples are counted from the answers. */
#include "dy_mood.h"
#include "evaluate_report.h"

#include <math.h>
#include <string.h>

#define POPULAR_POOL 100

struct run {
    const struct dy_fit_pictures *pictures;
    const struct dy_fit_catalogue *catalogue;
    const struct dy_fit_moods *moods;
    const float *plain;
    const struct dy_fit_options *options;
    const struct dylumo_context *context;
    struct dy_fit_rows *rows;
    uint32_t *part_songs;        /* answers on a part, gone after scoring */
    struct dy_mood *other_moods; /* constant mood or class mean */
};

enum row { ROW_MOOD, ROW_RANDOM, ROW_POPULAR, ROW_CONSTANT, ROW_CLASS, ROW_PLAIN, ROW_COUNT };

static const char *const row_names[ROW_COUNT] = {"dylumo",        "random songs", "popular songs",
                                                 "constant mood", "class mean",   "plain recipe"};

/* ------------------------------------------------------------------ moods of the baselines */

static size_t likeliest(const struct dy_mood *mood)
{
    size_t best = 0;
    for (size_t e = 1; e < DYLUMO_EMOTION_COUNT; e++)
        if (mood->emotions[e] > mood->emotions[best])
            best = e;
    return best;
}

static void set_score(struct dy_mood *mood, unsigned axis, double score)
{
    mood->scores[axis] = (float)score;
    mood->places[axis] = (float)dy_normal_share(score);
}

static void constant_moods(const struct run *run)
{
    for (size_t i = 0; i < run->pictures->count; i++) {
        run->other_moods[i] = run->moods->moods[i];
        for (unsigned a = 0; a < run->moods->moods[i].axes; a++)
            set_score(&run->other_moods[i], a, 0.0);
    }
}

/* Each picture gets the mean place of all pictures that the mood takes for the same emotion. */
static void class_moods(const struct run *run)
{
    double sums[DYLUMO_EMOTION_COUNT][DY_MOOD_AXES_MAX] = {{0}}, sizes[DYLUMO_EMOTION_COUNT] = {0};
    for (size_t i = 0; i < run->pictures->count; i++) {
        const struct dy_mood *mood = &run->moods->moods[i];
        size_t class = likeliest(mood);
        sizes[class] += 1.0;
        for (unsigned a = 0; a < mood->axes; a++)
            sums[class][a] += (double)mood->scores[a];
    }
    for (size_t i = 0; i < run->pictures->count; i++) {
        size_t class = likeliest(&run->moods->moods[i]);
        run->other_moods[i] = run->moods->moods[i];
        for (unsigned a = 0; a < run->moods->moods[i].axes; a++)
            set_score(&run->other_moods[i], a, sums[class][a] / sizes[class]);
    }
}

/* ------------------------------------------------------------------ answers */

static enum dylumo_status answer(const struct run *run, enum row row, size_t part, uint32_t *songs,
                                 struct dylumo_error *err)
{
    struct dy_fit_moods moods = *run->moods;
    size_t count = run->pictures->count;
    uint64_t seed = run->options->seed + (part == DY_FIT_ALL_SONGS ? 0 : part + 1);
    switch (row) {
    case ROW_RANDOM:
        return dy_fit_answer_drawn(run->catalogue, part, 0, count, seed, songs, err);
    case ROW_POPULAR:
        return dy_fit_answer_drawn(run->catalogue, part, POPULAR_POOL, count, seed, songs, err);
    case ROW_PLAIN:
        return dy_fit_answer_plain(run->catalogue, part, run->plain, count, songs, run->context,
                                   err);
    case ROW_CONSTANT:
    case ROW_CLASS:
        moods.moods = run->other_moods;
        break;
    default:
        break;
    }
    return dy_fit_answer_moods(run->catalogue, part, &moods, songs, run->context, err);
}

/* ------------------------------------------------------------------ scores */

static void mean_of_songs(double *means, const uint32_t *songs, size_t pictures,
                          const double *values)
{
    for (size_t p = 0; p < pictures; p++) {
        double sum = 0.0;
        size_t count = 0;
        const uint32_t *answer = songs + p * DY_FIT_SONGS_EACH;
        while (count < DY_FIT_SONGS_EACH && answer[count] != DY_NO_SONG)
            sum += values[answer[count++]];
        means[p] = count ? sum / (double)count : (double)NAN;
    }
}

/* Two columns of the row's scores: slot 0 the songs, then the parts, last the mood. */
static double *slot(const struct run *run, enum row row, size_t number)
{
    return run->rows->scores[row] + 2 * number * run->pictures->count;
}

static void score_songs(const struct run *run, enum row row, size_t number, const uint32_t *songs,
                        const double *valence, const double *energy, enum dy_fit_stage stage)
{
    struct dy_fit_ranking *ranking = &run->rows->rankings[row];
    size_t count = run->pictures->count;
    double *means = slot(run, row, number);
    mean_of_songs(means, songs, count, valence);
    mean_of_songs(means + count, songs, count, energy);
    ranking->scores[stage][ranking->parts[stage]++] = (struct dy_fit_scores){means, means + count};
}

/* The axis that is named so, else the one at that place. */
static unsigned axis_named(const struct dy_fit_moods *moods, const char *name, unsigned place)
{
    const struct dy_mood_info *info = dy_mood_info(moods->models[0]);
    for (unsigned a = 0; a < info->axes; a++)
        if (strcmp(info->axis_names[a], name) == 0)
            return a;
    return place < info->axes ? place : 0;
}

/* What the mood alone says, before songs. */
static void score_mood(const struct run *run, enum row row, const struct dy_mood *moods)
{
    struct dy_fit_ranking *ranking = &run->rows->rankings[row];
    size_t count = run->pictures->count;
    double *valence = slot(run, row, run->catalogue->part_count + 1), *energy = valence + count;
    unsigned valence_axis = axis_named(run->moods, "valence", 0);
    unsigned energy_axis = axis_named(run->moods, "energy", 1);
    for (size_t i = 0; i < count; i++) {
        bool plain = row == ROW_PLAIN;
        const float *features = plain ? run->plain + i * DYLUMO_FEATURE_COUNT : NULL;
        valence[i] = (double)(plain ? features[DYLUMO_VALENCE] : moods[i].scores[valence_axis]);
        energy[i] = (double)(plain ? features[DYLUMO_ENERGY] : moods[i].scores[energy_axis]);
    }
    ranking->scores[DY_FIT_MOOD][0] = (struct dy_fit_scores){valence, energy};
    ranking->parts[DY_FIT_MOOD] = 1;
}

/* ------------------------------------------------------------------ rows */

static enum dylumo_status fill_row(const struct run *run, enum row row, struct dylumo_error *err)
{
    const struct dy_fit_catalogue *catalogue = run->catalogue;
    struct dy_fit_rows *rows = run->rows;
    size_t count = run->pictures->count;
    rows->rankings[row].name = row_names[row];
    rows->songs[row] = dy_new_array(count, DY_FIT_SONGS_EACH * sizeof(uint32_t));
    rows->scores[row] = dy_new_array(count, 2 * (catalogue->part_count + 2) * sizeof(double));
    if (!rows->songs[row] || !rows->scores[row])
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the songs of %zu pictures", count);
    if (row == ROW_CONSTANT)
        constant_moods(run);
    if (row == ROW_CLASS)
        class_moods(run);
    enum dylumo_status st = answer(run, row, DY_FIT_ALL_SONGS, rows->songs[row], err);
    if (st)
        return st;
    score_songs(run, row, 0, rows->songs[row], catalogue->valence, catalogue->energy, DY_FIT_SONGS);
    for (size_t p = 0; !st && p < catalogue->part_count; p++) {
        st = answer(run, row, p, run->part_songs, err);
        if (!st)
            score_songs(run, row, p + 1, run->part_songs, catalogue->judged_valence,
                        catalogue->judged_energy, DY_FIT_PEOPLE);
    }
    if (row == ROW_MOOD || row == ROW_PLAIN)
        score_mood(run, row, run->moods->moods);
    if (row == ROW_CLASS)
        score_mood(run, row, run->other_moods);
    return st;
}

static enum dylumo_status fill_rows(struct run *run, struct dylumo_error *err)
{
    size_t count = run->pictures->count;
    run->part_songs = dy_new_array(count, DY_FIT_SONGS_EACH * sizeof *run->part_songs);
    run->other_moods = dy_new_array(count, sizeof *run->other_moods);
    enum dylumo_status st = DYLUMO_OK;
    if (!run->part_songs || !run->other_moods)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the songs of %zu pictures", count);
    size_t rows = run->plain ? ROW_COUNT : ROW_PLAIN;
    for (size_t row = 0; !st && row < rows; row++) {
        run->rows->count = row + 1;
        st = fill_row(run, (enum row)row, err);
    }
    dy_free(run->part_songs);
    dy_free(run->other_moods);
    return st;
}

void dy_fit_rows_clear(struct dy_fit_rows *rows)
{
    for (size_t r = 0; r < rows->count; r++) {
        dy_free(rows->songs[r]);
        dy_free(rows->scores[r]);
    }
    *rows = (struct dy_fit_rows){0};
}

/* ------------------------------------------------------------------ counting */

static enum dylumo_status count_variety(struct dy_fit_report *report, const struct run *run,
                                        struct dylumo_error *err)
{
    report->variety = dy_new_array(run->rows->count, sizeof *report->variety);
    if (!report->variety)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to count the songs shown");
    report->variety_draws = run->options->draws ? run->options->draws : 1;
    report->variety_pictures = run->pictures->count;
    if (run->options->draws) {
        report->variety_pictures = 0;
        for (size_t s = 0; s < run->pictures->set_count; s++)
            report->variety_pictures += run->options->draw_of_set[s];
    }
    enum dylumo_status st = DYLUMO_OK;
    for (size_t r = 0; !st && r < run->rows->count; r++)
        st = fit_variety(&report->variety[r], run->pictures, run->catalogue, run->rows->songs[r],
                         run->options, err);
    return st;
}

static enum dylumo_status count_all(struct dy_fit_report *report, const struct run *run,
                                    struct dylumo_error *err)
{
    const struct dy_fit_options *options = run->options;
    enum dylumo_status st =
        dy_fit_table_fill(&report->table, run->pictures, run->rows->rankings, run->rows->count,
                          options->replicates, options->seed, run->context, err);
    if (!st)
        st = count_variety(report, run, err);
    for (size_t s = 0; !st && s < run->pictures->set_count; s++)
        st = fit_emotions(&report->emotions[s], run->pictures, s, run->moods->moods,
                          options->replicates, options->seed, run->context, err);
    if (!st)
        st = fit_examples(report, run->catalogue, run->rows->songs[ROW_MOOD], err);
    return st;
}

enum dylumo_status dy_fit_run(struct dy_fit_report *report, struct dy_fit_rows *rows,
                              const struct dy_fit_pictures *pictures,
                              const struct dy_fit_catalogue *catalogue,
                              const struct dy_fit_moods *moods, const float *plain,
                              const struct dy_fit_options *options,
                              const struct dylumo_context *context, struct dylumo_error *err)
{
    struct run run = {
        .pictures = pictures,
        .catalogue = catalogue,
        .moods = moods,
        .plain = plain,
        .options = options,
        .context = context,
        .rows = rows,
    };
    *rows = (struct dy_fit_rows){0};
    report->pictures = pictures;
    report->rankings = rows->rankings;
    report->songs_each = DY_FIT_SONGS_EACH;
    report->thumbnails = options->thumbnails;
    enum dylumo_status st = fill_rows(&run, err);
    return st ? st : count_all(report, &run, err);
}
