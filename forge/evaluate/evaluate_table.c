/* Every ranking in every column, each with its interval.
 *
 * A column is a stage, a labelled set and a measure. Its pictures are gathered once, truth and
 * every ranking's scores are sorted once; a draw of the bootstrap then only weighs them anew. All
 * rankings see the same draws, so that the lead of one over another has an interval of its own. */
#include "dy_evaluate.h"

#include <math.h>
#include <string.h>

#define LEAST_PICTURES 8

/* ------------------------------------------------------------------ names and sides */

const char *dy_fit_measure_name(enum dy_fit_measure measure)
{
    static const char *const names[DY_FIT_MEASURES] = {"valence fit", "energy fit",
                                                       "positive vs negative", "calm vs lively"};
    return (unsigned)measure < DY_FIT_MEASURES ? names[measure] : "";
}

const char *dy_fit_stage_name(enum dy_fit_stage stage)
{
    static const char *const names[DY_FIT_STAGES] = {"songs", "people", "mood"};
    return (unsigned)stage < DY_FIT_STAGES ? names[stage] : "";
}

int8_t dy_fit_side(enum dy_fit_measure measure, uint8_t emotion)
{
    /* amusement, anger, awe, contentment, excitement, fear, sadness, disgust */
    static const int8_t positive[DYLUMO_EMOTION_COUNT + 1] = {1, -1, 1, 1, 1, -1, -1, -1};
    static const int8_t lively[DYLUMO_EMOTION_COUNT + 1] = {1, 1, 0, -1, 1, 1, -1, 0};
    if (emotion > DY_FIT_DISGUST)
        return 0;
    return measure == DY_FIT_POSITIVE ? positive[emotion]
           : measure == DY_FIT_LIVELY ? lively[emotion]
                                      : 0;
}

void dy_fit_equal_shares(double *weights, const struct dy_fit_pictures *pictures, size_t set,
                         uint8_t classes)
{
    size_t sizes[DY_FIT_DISGUST + 1] = {0}, present = 0;
    for (size_t i = 0; i < pictures->count; i++)
        if (pictures->set[i] == set && pictures->emotion[i] < classes)
            present += sizes[pictures->emotion[i]]++ == 0;
    for (size_t i = 0; i < pictures->count; i++) {
        bool counts = pictures->set[i] == set && pictures->emotion[i] < classes;
        weights[i] = counts ? 1.0 / ((double)present * (double)sizes[pictures->emotion[i]]) : 0.0;
    }
}

/* ------------------------------------------------------------------ columns */

/* One column's pictures, and what does not change from draw to draw. */
struct gathered {
    size_t count;
    uint32_t *items;  /* [count] picture numbers */
    double *truth;    /* [count] people's rating; unused for emotions */
    int8_t *side;     /* [count] */
    double *weights;  /* [count] equal shares */
    uint32_t *order;  /* [count] of truth */
    double *scores;   /* [rankings][parts][count] */
    uint32_t *orders; /* [rankings][parts][count] */
};

struct sheet {
    const struct dy_fit_pictures *pictures;
    const struct dy_fit_ranking *rankings;
    struct dy_fit_table *table;
    struct gathered *gathered; /* [columns] */
    double *replicates;        /* [row][column][replicate] */
    size_t replicate_count;
};

static bool labelled(const struct dy_fit_pictures *pictures, const struct dy_fit_column *column,
                     size_t picture)
{
    if (pictures->set[picture] != column->set)
        return false;
    if (column->measure == DY_FIT_VALENCE)
        return !isnan(pictures->valence[picture]);
    if (column->measure == DY_FIT_ENERGY)
        return !isnan(pictures->arousal[picture]);
    return dy_fit_side(column->measure, pictures->emotion[picture]) != 0;
}

/* Both sides or a rating that is not the same for all. */
static bool can_be_measured(const struct dy_fit_pictures *pictures,
                            const struct dy_fit_column *column)
{
    bool up = false, down = false;
    if (column->measure < DY_FIT_POSITIVE)
        return true;
    for (size_t i = 0; i < pictures->count; i++) {
        if (pictures->set[i] != column->set)
            continue;
        int8_t side = dy_fit_side(column->measure, pictures->emotion[i]);
        up = up || side > 0;
        down = down || side < 0;
    }
    return up && down;
}

static bool any_ranking(const struct sheet *sheet, enum dy_fit_stage stage)
{
    for (size_t r = 0; r < sheet->table->row_count; r++)
        if (sheet->rankings[r].parts[stage])
            return true;
    return false;
}

/* All columns that can be measured, in the order stage, set, measure. */
static enum dylumo_status find_columns(struct sheet *sheet, struct dylumo_error *err)
{
    const struct dy_fit_pictures *pictures = sheet->pictures;
    size_t most = DY_FIT_STAGES * pictures->set_count * DY_FIT_MEASURES;
    sheet->table->columns = dy_new_array(most, sizeof *sheet->table->columns);
    if (!sheet->table->columns)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the columns of the table");
    for (size_t place = 0; place < most; place++) {
        struct dy_fit_column column = {
            .stage = (enum dy_fit_stage)(place / (pictures->set_count * DY_FIT_MEASURES)),
            .set = place / DY_FIT_MEASURES % pictures->set_count,
            .measure = (enum dy_fit_measure)(place % DY_FIT_MEASURES),
        };
        for (size_t i = 0; i < pictures->count; i++)
            column.pictures += labelled(pictures, &column, i);
        if (column.pictures >= LEAST_PICTURES && can_be_measured(pictures, &column) &&
            any_ranking(sheet, column.stage))
            sheet->table->columns[sheet->table->column_count++] = column;
    }
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ gathering */

static bool is_energy(enum dy_fit_measure measure)
{
    return measure == DY_FIT_ENERGY || measure == DY_FIT_LIVELY;
}

static const double *scores_of(const struct dy_fit_ranking *ranking,
                               const struct dy_fit_column *column, size_t part)
{
    const struct dy_fit_scores *scores = &ranking->scores[column->stage][part];
    return is_energy(column->measure) ? scores->energy : scores->valence;
}

static bool gathered_new(struct gathered *g, size_t count, size_t rankings)
{
    g->items = dy_new_array(count, sizeof *g->items);
    g->truth = dy_new_array(count, sizeof *g->truth);
    g->side = dy_new_array(count, sizeof *g->side);
    g->weights = dy_new_array(count, sizeof *g->weights);
    g->order = dy_new_array(count, sizeof *g->order);
    g->scores = dy_new_array(count * rankings * DY_FIT_PARTS_MAX, sizeof *g->scores);
    g->orders = dy_new_array(count * rankings * DY_FIT_PARTS_MAX, sizeof *g->orders);
    return g->items && g->truth && g->side && g->weights && g->order && g->scores && g->orders;
}

static void gathered_free(struct gathered *g)
{
    dy_free(g->items);
    dy_free(g->truth);
    dy_free(g->side);
    dy_free(g->weights);
    dy_free(g->order);
    dy_free(g->scores);
    dy_free(g->orders);
}

static void gather_pictures(const struct sheet *sheet, const struct dy_fit_column *column,
                            struct gathered *g)
{
    const struct dy_fit_pictures *pictures = sheet->pictures;
    const double *rating = column->measure == DY_FIT_ENERGY ? pictures->arousal : pictures->valence;
    size_t sizes[UINT8_MAX + 1] = {0};
    for (size_t i = 0; i < pictures->count; i++) {
        if (!labelled(pictures, column, i))
            continue;
        g->items[g->count] = (uint32_t)i;
        g->truth[g->count] = rating[i];
        g->side[g->count] = dy_fit_side(column->measure, pictures->emotion[i]);
        g->count++;
        sizes[pictures->emotion[i]]++;
    }
    bool rated = column->measure < DY_FIT_POSITIVE;
    for (size_t i = 0; i < g->count; i++)
        g->weights[i] =
            rated ? 1.0 : (double)g->count / (double)sizes[pictures->emotion[g->items[i]]];
    if (rated)
        dy_sorted_of(g->truth, g->count, g->order);
}

static size_t lane(const struct gathered *g, size_t row, size_t part)
{
    return (row * DY_FIT_PARTS_MAX + part) * g->count;
}

static void gather_scores(const struct sheet *sheet, const struct dy_fit_column *column,
                          struct gathered *g)
{
    for (size_t r = 0; r < sheet->table->row_count; r++)
        for (size_t part = 0; part < sheet->rankings[r].parts[column->stage]; part++) {
            const double *from = scores_of(&sheet->rankings[r], column, part);
            double *scores = g->scores + lane(g, r, part);
            for (size_t i = 0; i < g->count; i++)
                scores[i] = from[g->items[i]];
            dy_sorted_of(scores, g->count, g->orders + lane(g, r, part));
        }
}

static enum dylumo_status gather(struct sheet *sheet, struct dylumo_error *err)
{
    struct dy_fit_table *table = sheet->table;
    sheet->gathered = dy_new_array(table->column_count, sizeof *sheet->gathered);
    bool ok = sheet->gathered != NULL;
    for (size_t c = 0; ok && c < table->column_count; c++) {
        struct gathered *g = &sheet->gathered[c];
        ok = gathered_new(g, table->columns[c].pictures, table->row_count);
        if (ok) {
            gather_pictures(sheet, &table->columns[c], g);
            gather_scores(sheet, &table->columns[c], g);
        }
    }
    return ok ? DYLUMO_OK
              : dy_fail(err, DYLUMO_NO_MEMORY, "no memory to measure %zu pictures",
                        sheet->pictures->count);
}

/* ------------------------------------------------------------------ measuring */

/* The figure of one cell under weights [g->count]: the mean over the stage's parts. */
static double cell(const struct sheet *sheet, size_t row, size_t c, const double *weights,
                   double *scratch)
{
    const struct gathered *g = &sheet->gathered[c];
    const struct dy_fit_column *column = &sheet->table->columns[c];
    size_t parts = sheet->rankings[row].parts[column->stage];
    struct dy_sorted truth = {g->truth, g->order, g->count};
    double sum = 0.0;
    for (size_t part = 0; part < parts; part++) {
        struct dy_sorted score = {g->scores + lane(g, row, part), g->orders + lane(g, row, part),
                                  g->count};
        sum += column->measure < DY_FIT_POSITIVE
                   ? dy_measure_spearman(&truth, &score, weights, scratch)
                   : dy_measure_auc(&score, g->side, weights);
    }
    return parts ? sum / (double)parts : (double)NAN;
}

static void measure_draw(void *user, size_t replicate, const double *drawn, double *scratch)
{
    const struct sheet *sheet = user;
    const struct dy_fit_table *table = sheet->table;
    for (size_t c = 0; c < table->column_count; c++) {
        const struct gathered *g = &sheet->gathered[c];
        double *weights = scratch;
        for (size_t i = 0; i < g->count; i++)
            weights[i] = g->weights[i] * drawn[g->items[i]];
        for (size_t r = 0; r < table->row_count; r++)
            sheet->replicates[(r * table->column_count + c) * sheet->replicate_count + replicate] =
                cell(sheet, r, c, weights, scratch + g->count);
    }
}

static enum dylumo_status measure_all(struct sheet *sheet, struct dylumo_error *err)
{
    struct dy_fit_table *table = sheet->table;
    double *scratch = dy_new_array(sheet->pictures->count, 2 * sizeof *scratch);
    table->figures = dy_new_array(table->row_count * table->column_count, sizeof *table->figures);
    table->ahead = dy_new_array(table->row_count * table->column_count, sizeof *table->ahead);
    bool ok = scratch && table->figures && table->ahead;
    for (size_t r = 0; ok && r < table->row_count; r++)
        for (size_t c = 0; c < table->column_count; c++) {
            size_t at = r * table->column_count + c;
            double value = cell(sheet, r, c, sheet->gathered[c].weights, scratch);
            table->figures[at] = (struct dy_figure){value, (double)NAN, (double)NAN};
        }
    dy_free(scratch);
    return ok ? DYLUMO_OK : dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the table's figures");
}

/* ------------------------------------------------------------------ intervals */

/* Without any order among the pictures a Spearman is none, and worth 0. */
static double worth(double value)
{
    return isnan(value) ? 0.0 : value;
}

static void lead_of_first(const struct sheet *sheet, size_t r, size_t c)
{
    const struct dy_fit_table *table = sheet->table;
    size_t n = sheet->replicate_count, columns = table->column_count;
    const double *first = sheet->replicates + c * n;
    double *own = sheet->replicates + (r * columns + c) * n;
    struct dy_figure *ahead = &table->ahead[r * columns + c];
    ahead->value = worth(table->figures[c].value) - worth(table->figures[r * columns + c].value);
    for (size_t i = 0; i < n; i++)
        own[i] = worth(first[i]) - worth(own[i]);
    dy_figure_interval(ahead, own, n);
}

static void own_interval(const struct sheet *sheet, size_t r, size_t c, double *copy)
{
    const struct dy_fit_table *table = sheet->table;
    size_t at = r * table->column_count + c, n = sheet->replicate_count;
    memcpy(copy, sheet->replicates + at * n, n * sizeof *copy);
    dy_figure_interval(&table->figures[at], copy, n);
}

/* A stratum for each set and emotion; pictures with a rating only are one. */
static void strata_of(uint8_t *strata, const struct dy_fit_pictures *pictures)
{
    for (size_t i = 0; i < pictures->count; i++) {
        unsigned emotion = pictures->emotion[i] <= DY_FIT_DISGUST ? pictures->emotion[i] + 1u : 0u;
        strata[i] = (uint8_t)(pictures->set[i] * (DY_FIT_DISGUST + 2u) + emotion);
    }
}

static enum dylumo_status intervals(struct sheet *sheet, uint64_t seed,
                                    const struct dylumo_context *context, struct dylumo_error *err)
{
    struct dy_fit_table *table = sheet->table;
    size_t count = sheet->pictures->count, n = sheet->replicate_count;
    sheet->replicates =
        dy_new_array(table->row_count * table->column_count * n, sizeof *sheet->replicates);
    uint8_t *strata = dy_new_array(count, 1);
    double *copy = dy_new_array(n, sizeof *copy);
    if (!strata || !copy || !sheet->replicates) {
        dy_free(strata);
        dy_free(copy);
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu draws of the pictures", n);
    }
    strata_of(strata, sheet->pictures);
    struct dy_bootstrap bootstrap = {count, strata, n, seed, 3 * count, measure_draw, sheet};
    enum dylumo_status st = dy_bootstrap_run(&bootstrap, context, err);
    for (size_t r = table->row_count; !st && r-- > 0;) /* the first row last: others need it */
        for (size_t c = 0; c < table->column_count; c++) {
            own_interval(sheet, r, c, copy);
            lead_of_first(sheet, r, c);
        }
    dy_free(strata);
    dy_free(copy);
    return st;
}

/* ------------------------------------------------------------------ all of it */

enum dylumo_status dy_fit_table_fill(struct dy_fit_table *table,
                                     const struct dy_fit_pictures *pictures,
                                     const struct dy_fit_ranking *rankings, size_t ranking_count,
                                     size_t replicates, uint64_t seed,
                                     const struct dylumo_context *context, struct dylumo_error *err)
{
    *table = (struct dy_fit_table){.row_count = ranking_count};
    struct sheet sheet = {
        .pictures = pictures,
        .rankings = rankings,
        .table = table,
        .replicate_count = replicates,
    };
    enum dylumo_status st = find_columns(&sheet, err);
    if (!st)
        st = gather(&sheet, err);
    if (!st)
        st = measure_all(&sheet, err);
    if (!st && replicates)
        st = intervals(&sheet, seed, context, err);
    for (size_t c = 0; sheet.gathered && c < table->column_count; c++)
        gathered_free(&sheet.gathered[c]);
    dy_free(sheet.gathered);
    dy_free(sheet.replicates);
    if (st)
        dy_fit_table_clear(table);
    return st;
}

void dy_fit_table_clear(struct dy_fit_table *table)
{
    dy_free(table->columns);
    dy_free(table->figures);
    dy_free(table->ahead);
    *table = (struct dy_fit_table){0};
}
