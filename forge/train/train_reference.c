/* Reference quantiles, scales, calibration and error from out-of-fold outputs: outputs for pictures
 * that were learned from are too extreme, and taken as the reference they would push every new
 * picture to the middle. */
#include "train_reference.h"

#include "train_measure.h"

#include <math.h>
#include <string.h>

/* The reference pictures, their weights and readings. */
struct sample {
    size_t count;
    uint32_t *picture;                   /* [count] */
    double *weight;                      /* [count], sum 1 */
    float (*readings)[DY_MOOD_READINGS]; /* [count] */
    double *values, *scores;             /* [max(count, songs)] scratch */
};

static void sample_clear(struct sample *sample)
{
    dy_free(sample->picture);
    dy_free(sample->weight);
    dy_free(sample->readings);
    dy_free(sample->values);
    dy_free(sample->scores);
}

static enum dylumo_status sample_init(struct sample *sample, const struct train_data *data,
                                      const float *outputs, unsigned without,
                                      struct dylumo_error *err)
{
    const struct dy_pictures *pictures = data->pictures;
    size_t room = pictures->count + 1, scratch = room + data->songs->count;
    double of_emotion[DYLUMO_EMOTION_COUNT] = {0}, total = 0;
    bool any = false;
    *sample = (struct sample){.picture = dy_new_array(room, sizeof *sample->picture),
                              .weight = dy_new_array(room, sizeof *sample->weight),
                              .readings = dy_new_array(room, sizeof *sample->readings),
                              .values = dy_new_array(scratch, sizeof *sample->values),
                              .scores = dy_new_array(scratch, sizeof *sample->scores)};
    if (!sample->picture || !sample->weight || !sample->readings || !sample->values ||
        !sample->scores)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for a reference of %zu pictures", room);
    for (size_t i = 0; i < pictures->count; i++)
        any |= pictures->items[i].emotion >= 0;
    for (size_t i = 0; i < pictures->count; i++) {
        int emotion = pictures->items[i].emotion;
        if (data->fold[i] == TRAIN_NO_FOLD || data->fold[i] == without || (any && emotion < 0))
            continue;
        sample->picture[sample->count++] = (uint32_t)i;
        of_emotion[any ? emotion : 0]++;
    }
    for (size_t i = 0; i < sample->count; i++) {
        int emotion = pictures->items[sample->picture[i]].emotion;
        total += sample->weight[i] = 1 / of_emotion[any ? emotion : 0];
        dy_mood_readings(outputs + (size_t)sample->picture[i] * DY_MOOD_OUTPUTS,
                         data->recipe->happy, data->recipe->lively, sample->readings[i]);
    }
    for (size_t i = 0; i < sample->count; i++)
        sample->weight[i] /= total;
    return sample->count > 1 ? DYLUMO_OK
                             : dy_fail(err, DYLUMO_BAD_ARGUMENT,
                                       "%zu pictures are too few for a reference", sample->count);
}

static void moments_of(const struct sample *sample, const double *values, double *mean,
                       double *deviation)
{
    *mean = *deviation = 0;
    for (size_t i = 0; i < sample->count; i++)
        *mean += sample->weight[i] * values[i];
    for (size_t i = 0; i < sample->count; i++)
        *deviation += sample->weight[i] * (values[i] - *mean) * (values[i] - *mean);
    *deviation = sqrt(*deviation);
}

/* ------------------------------------------------------------------ calibration */

static double surprise(const struct sample *sample, const struct train_data *data,
                       const float *outputs, double temperature)
{
    double sum = 0;
    for (size_t i = 0; i < sample->count; i++) {
        float p[DYLUMO_EMOTION_COUNT];
        int emotion = data->pictures->items[sample->picture[i]].emotion;
        if (emotion < 0)
            continue;
        dy_mood_softmax(outputs + (size_t)sample->picture[i] * DY_MOOD_OUTPUTS, (float)temperature,
                        p);
        sum -= sample->weight[i] * log(fmax((double)p[emotion], 1e-12));
    }
    return sum;
}

/* Golden section over the logarithm (Guo et al. 2017, section 4.2: temperature scaling). */
static float find_temperature(const struct sample *sample, const struct train_data *data,
                              const float *outputs)
{
    const double golden = 0.6180339887498949;
    double low = log(0.1), high = log(10);
    for (unsigned i = 0; i < 40; i++) {
        double a = high - golden * (high - low), b = low + golden * (high - low);
        if (surprise(sample, data, outputs, exp(a)) < surprise(sample, data, outputs, exp(b)))
            high = b;
        else
            low = a;
    }
    return (float)exp((low + high) / 2);
}

/* ------------------------------------------------------------------ axes and tables */

/* The recipe's coefficients are in standard deviations of each reading over the reference; a
 * reading that does not vary (nothing was told about it) counts nothing. */
static void scale_readings(struct train_reference *reference, const struct sample *sample,
                           const struct train_recipe *recipe)
{
    for (unsigned r = 0; r < DY_MOOD_READINGS; r++) {
        double mean, deviation;
        for (size_t i = 0; i < sample->count; i++)
            sample->values[i] = (double)sample->readings[i][r];
        moments_of(sample, sample->values, &mean, &deviation);
        for (unsigned a = 0; a < recipe->axes; a++)
            reference->axis_readings[a][r] =
                deviation > 1e-6 ? (float)((double)recipe->axis_readings[a][r] / deviation) : 0;
    }
}

static void set_levels(struct train_reference *reference, size_t count)
{
    for (unsigned i = 0; i < TRAIN_LEVELS; i++)
        reference->level[i] = (float)i / (TRAIN_LEVELS - 1);
    float edge = 0.5f / (float)(count > TRAIN_LEVELS ? count : TRAIN_LEVELS);
    reference->level[0] = edge;
    reference->level[TRAIN_LEVELS - 1] = 1 - edge;
}

static float along_axis(const float *direction, const float *readings)
{
    float sum = 0; /* in f32 and this order, as dy_mood_predict adds */
    for (unsigned r = 0; r < DY_MOOD_READINGS; r++)
        sum += direction[r] * readings[r];
    return sum;
}

static bool fill_tables(struct train_reference *reference, const struct sample *sample,
                        unsigned axes)
{
    bool good = true;
    for (unsigned j = 0; j < DYLUMO_FEATURE_COUNT && good; j++) {
        for (size_t i = 0; i < sample->count; i++)
            sample->values[i] = (double)sample->readings[i][j];
        good = train_quantiles(sample->values, sample->weight, sample->count, reference->level,
                               TRAIN_LEVELS, reference->features[j]);
    }
    for (unsigned a = 0; a < axes && good; a++) {
        for (size_t i = 0; i < sample->count; i++)
            sample->values[i] =
                (double)along_axis(reference->axis_readings[a], sample->readings[i]);
        good = train_quantiles(sample->values, sample->weight, sample->count, reference->level,
                               TRAIN_LEVELS, reference->axes[a]);
    }
    return good;
}

/* As dy_mood_predict looks it up. */
static double place_of(const struct train_reference *reference, const float *table, float x)
{
    size_t low = 0, high = TRAIN_LEVELS - 1;
    if (x <= table[low] || x >= table[high])
        return (double)reference->level[x <= table[low] ? low : high];
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (table[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    double t = (double)(x - table[low]) / (double)(table[high] - table[low]);
    return (double)reference->level[low] +
           t * (double)(reference->level[high] - reference->level[low]);
}

/* ------------------------------------------------------------------ held-out pairs */

/* One song for each reference picture, as the recipe pairs; the song's number into songs[]. */
static enum dylumo_status draw_songs(const struct sample *sample, const struct train_data *data,
                                     size_t *songs, struct dylumo_error *err)
{
    size_t count = data->pictures->count;
    float *scores = dy_new_array(2 * count + 1, sizeof *scores);
    bool *learn = dy_new_array(count + 1, sizeof *learn);
    struct train_random random = train_random_of(train_key(data->seed, 1000));
    enum dylumo_status st =
        scores && learn ? DYLUMO_OK
                        : dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu pairs", sample->count);
    for (size_t i = 0; i < count && !st; i++)
        learn[i] = data->fold[i] != TRAIN_NO_FOLD;
    if (!st)
        st = train_rating_scores(data->pictures, learn, scores, scores + count, err);
    for (size_t i = 0; i < sample->count && !st; i++) {
        size_t picture = sample->picture[i];
        songs[i] = train_pair_song(data, &data->pictures->items[picture], (double)scores[picture],
                                   (double)scores[count + picture], &random);
    }
    dy_free(scores);
    dy_free(learn);
    return st;
}

static void measure_features(struct train_reference *reference, const struct sample *sample,
                             const struct train_data *data, const size_t *songs)
{
    for (unsigned j = 0; j < DYLUMO_FEATURE_COUNT; j++) {
        double mean, deviation, off = 0;
        for (size_t i = 0; i < sample->count; i++)
            sample->values[i] = (double)data->songs->features[songs[i] * DYLUMO_FEATURE_COUNT + j];
        moments_of(sample, sample->values, &mean, &deviation);
        for (size_t i = 0; i < sample->count; i++) {
            double d = sample->values[i] - (double)sample->readings[i][j];
            off += sample->weight[i] * d * d;
        }
        double r2 = deviation > 0 ? 1 - off / (deviation * deviation) : 0;
        reference->r2[j] = (float)fmax(r2, -100);
    }
}

static enum dylumo_status measure_axes(struct train_reference *reference,
                                       const struct sample *sample, const struct train_data *data,
                                       const size_t *songs, struct dylumo_error *err)
{
    for (unsigned a = 0; a < data->recipe->axes; a++) {
        enum dylumo_status st =
            train_songs_axis(data->songs, data->recipe->axis_songs[a], sample->scores, err);
        if (st)
            return st;
        double off = 0;
        for (size_t i = 0; i < sample->count; i++) {
            float along = along_axis(reference->axis_readings[a], sample->readings[i]);
            double d = dy_normal_quantile(place_of(reference, reference->axes[a], along)) -
                       sample->scores[songs[i]];
            off += sample->weight[i] * d * d;
        }
        reference->axis_error[a] = (float)fmax(sqrt(off), 1e-3);
    }
    return DYLUMO_OK;
}

static enum dylumo_status measure_pairs(struct train_reference *reference,
                                        const struct sample *sample, const struct train_data *data,
                                        struct dylumo_error *err)
{
    size_t *songs = dy_new_array(sample->count + 1, sizeof *songs);
    if (!songs)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu pairs", sample->count);
    enum dylumo_status st = draw_songs(sample, data, songs, err);
    if (!st) {
        measure_features(reference, sample, data, songs);
        st = measure_axes(reference, sample, data, songs, err);
    }
    dy_free(songs);
    return st;
}

/* Whether any picture of the sample has an emotion; else there is nothing to calibrate by. */
static bool has_emotions(const struct sample *sample, const struct train_data *data)
{
    bool any = false;
    for (size_t i = 0; i < sample->count; i++)
        any |= data->pictures->items[sample->picture[i]].emotion >= 0;
    return any;
}

static enum dylumo_status make_tables(struct train_reference *reference,
                                      const struct sample *sample, const struct train_data *data,
                                      const float *outputs, struct dylumo_error *err)
{
    memset(reference, 0, sizeof *reference);
    reference->temperature = data->recipe->plain || !has_emotions(sample, data)
                                 ? 1
                                 : find_temperature(sample, data, outputs);
    scale_readings(reference, sample, data->recipe);
    set_levels(reference, sample->count);
    return fill_tables(reference, sample, data->recipe->axes)
               ? DYLUMO_OK
               : dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the reference tables");
}

enum dylumo_status train_reference_tables(struct train_reference *reference,
                                          const struct train_data *data, const float *outputs,
                                          unsigned without, struct dylumo_error *err)
{
    struct sample sample;
    enum dylumo_status st = sample_init(&sample, data, outputs, without, err);
    if (!st)
        st = make_tables(reference, &sample, data, outputs, err);
    sample_clear(&sample);
    return st;
}

enum dylumo_status train_reference_make(struct train_reference *reference,
                                        const struct train_data *data, const float *outputs,
                                        unsigned without, struct dylumo_error *err)
{
    struct sample sample;
    enum dylumo_status st = sample_init(&sample, data, outputs, without, err);
    if (!st)
        st = make_tables(reference, &sample, data, outputs, err);
    if (!st)
        st = measure_pairs(reference, &sample, data, err);
    sample_clear(&sample);
    return st;
}

/* ------------------------------------------------------------------ figures */

struct columns {
    size_t count;
    double *valence, *arousal;    /* people's */
    double *output[2], *place[2]; /* ours: outputs, places on the first two axes */
    int *emotion;
    double *memory;
};

/* Pictures that are rated (or have an emotion), with what is known and found of each. */
static bool fill_columns(struct columns *columns, const struct train_data *data,
                         const struct train_reference *reference, const float *outputs, bool rated)
{
    const struct dy_pictures *pictures = data->pictures;
    size_t room = pictures->count + 1;
    *columns = (struct columns){.memory = dy_new_array(6 * room, sizeof(double)),
                                .emotion = dy_new_array(room, sizeof(int))};
    if (!columns->memory || !columns->emotion)
        return false;
    columns->valence = columns->memory;
    columns->arousal = columns->memory + room;
    for (unsigned a = 0; a < 2; a++) {
        columns->output[a] = columns->memory + (2 + a) * room;
        columns->place[a] = columns->memory + (4 + a) * room;
    }
    for (size_t i = 0; i < pictures->count; i++) {
        const struct dy_picture *picture = &pictures->items[i];
        const float *o = outputs + i * DY_MOOD_OUTPUTS;
        float readings[DY_MOOD_READINGS];
        size_t at = columns->count;
        if (data->fold[i] == TRAIN_NO_FOLD || !(rated ? picture->rated : picture->emotion >= 0))
            continue;
        dy_mood_readings(o, data->recipe->happy, data->recipe->lively, readings);
        columns->valence[at] = picture->valence;
        columns->arousal[at] = picture->arousal;
        columns->emotion[at] = picture->emotion;
        for (unsigned a = 0; a < 2; a++) {
            columns->output[a][at] = (double)o[DY_MOOD_VALENCE + a];
            columns->place[a][at] = (double)along_axis(reference->axis_readings[a], readings);
        }
        columns->count++;
    }
    return true;
}

static void columns_clear(struct columns *columns)
{
    dy_free(columns->memory);
    dy_free(columns->emotion);
}

/* Accuracy and calibration error (15 bins) with equal shares of the emotions. */
static void measure_emotions(struct dy_train_figures *figures, const struct train_data *data,
                             const float *outputs)
{
    double of_emotion[DYLUMO_EMOTION_COUNT] = {0}, present = 0, bins[15] = {0}, right = 0;
    for (size_t i = 0; i < data->pictures->count; i++)
        if (data->pictures->items[i].emotion >= 0 && data->fold[i] != TRAIN_NO_FOLD)
            of_emotion[data->pictures->items[i].emotion]++;
    for (unsigned e = 0; e < DYLUMO_EMOTION_COUNT; e++)
        present += of_emotion[e] > 0;
    for (size_t i = 0; i < data->pictures->count; i++) {
        int emotion = data->pictures->items[i].emotion, best = 0;
        float p[DYLUMO_EMOTION_COUNT];
        if (emotion < 0 || data->fold[i] == TRAIN_NO_FOLD)
            continue;
        dy_mood_softmax(outputs + i * DY_MOOD_OUTPUTS, figures->temperature, p);
        for (int e = 1; e < DYLUMO_EMOTION_COUNT; e++)
            best = p[e] > p[best] ? e : best;
        double weight = 1 / (of_emotion[emotion] * present);
        unsigned bin = (unsigned)(p[best] * 15) < 15 ? (unsigned)(p[best] * 15) : 14;
        bins[bin] += weight * ((double)p[best] - (best == emotion));
        right += weight * (best == emotion);
    }
    figures->emotion_accuracy = present > 0 ? right : NAN;
    figures->calibration_error = present > 0 ? 0 : NAN;
    for (unsigned b = 0; b < 15; b++)
        figures->calibration_error += fabs(bins[b]);
}

enum dylumo_status train_figures_of(struct dy_train_figures *figures, const struct train_data *data,
                                    const struct train_reference *reference, const float *outputs,
                                    struct dylumo_error *err)
{
    struct columns rated = {0}, told = {0};
    *figures = (struct dy_train_figures){.temperature = reference->temperature};
    bool good = fill_columns(&rated, data, reference, outputs, true) &&
                fill_columns(&told, data, reference, outputs, false);
    if (good) {
        figures->pictures = data->pictures->count;
        figures->folds = data->recipe->folds;
        for (size_t i = 0; i < data->pictures->count; i++)
            figures->unreadable += data->fold[i] == TRAIN_NO_FOLD;
        figures->rated = rated.count;
        figures->with_emotion = told.count;
        figures->valence_fit = train_spearman(rated.output[0], rated.valence, rated.count);
        figures->arousal_fit = train_spearman(rated.output[1], rated.arousal, rated.count);
        figures->valence_place = train_spearman(rated.place[0], rated.valence, rated.count);
        figures->energy_place = train_spearman(rated.place[1], rated.arousal, rated.count);
        figures->happy_or_not = train_pair_auc(told.place[0], told.emotion, told.count,
                                               data->recipe->happy, DYLUMO_EMOTION_COUNT);
        figures->lively_or_calm = train_pair_auc(told.place[1], told.emotion, told.count,
                                                 data->recipe->lively, DYLUMO_EMOTION_COUNT);
        measure_emotions(figures, data, outputs);
        for (unsigned j = 0; j < DYLUMO_FEATURE_COUNT; j++)
            figures->r2[j] = (double)reference->r2[j];
    }
    columns_clear(&rated);
    columns_clear(&told);
    return good ? DYLUMO_OK : dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the figures");
}
