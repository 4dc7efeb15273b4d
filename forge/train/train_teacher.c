/* Six hundred ratings are few for a network, and it meets thirteen thousand pictures that nobody
 * rated. A Gaussian process (Rasmussen & Williams 2006, equations 2.25 and 2.27) reads ratings from
 * few examples better, but would have to ship all of them. So it teaches: it rates the pictures
 * that have a word, and the networks learn its ratings beside people's (distillation: Hinton et al.
 * 2015).
 *
 * Its examples are the rated pictures and some of each emotion, these with the place of their word
 * in the recipe as a rating of another kind, that agrees with people's to a degree (intrinsic
 * coregionalisation: Bonilla et al. 2008): covariance exp(-mean squared difference of the
 * standardised embeddings / reach), times agreement between the kinds. */
#include "train_teacher.h"

#include "train_matrix.h"
#include "train_passes.h"

#include <math.h>
#include <string.h>

#define ROWS 128 /* of a task */
#define TASKS 8  /* whose pictures are asked for at once */

struct teacher {
    const struct train_fit *fit;
    const struct train_teaching *how;
    size_t dimension, count, rated; /* examples: the first `rated` are ratings */
    uint32_t *picture;              /* [count] */
    float *rows, *norm;             /* [count][dimension], [count] squared lengths */
    float *kernel;                  /* [count][count], then its factor */
    double *answer[2];              /* [count] weights of the examples, for valence and arousal */
    float *scratch;                 /* [TASKS][ROWS][dimension + count] */
    size_t first, end;              /* pictures asked for */
    float *taught;
};

static void teacher_clear(struct teacher *teacher)
{
    dy_free(teacher->picture);
    dy_free(teacher->rows);
    dy_free(teacher->norm);
    dy_free(teacher->kernel);
    dy_free(teacher->answer[0]);
    dy_free(teacher->answer[1]);
    dy_free(teacher->scratch);
}

/* ------------------------------------------------------------------ examples */

/* Up to `most` of a list, by chance. */
static void choose(struct teacher *teacher, uint32_t *list, size_t count, size_t most,
                   struct train_random *random)
{
    for (size_t i = 0; i < count && i < most; i++) {
        size_t j = i + train_random_below(random, count - i);
        uint32_t picture = list[j];
        list[j] = list[i];
        list[i] = picture;
        teacher->picture[teacher->count++] = picture;
    }
}

static enum dylumo_status choose_examples(struct teacher *teacher, struct dylumo_error *err)
{
    const struct train_fit *fit = teacher->fit;
    const struct train_data *data = fit->data;
    size_t room = data->pictures->count;
    uint32_t *list = dy_new_array(room, sizeof *list);
    struct train_random random = train_random_of(train_key(train_key(data->seed, fit->fold), 2000));
    teacher->picture = dy_new_array(2 * room, sizeof *teacher->picture);
    if (!list || !teacher->picture) {
        dy_free(list);
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu pictures", room);
    }
    memcpy(list, fit->rated, fit->rated_count * sizeof *list);
    choose(teacher, list, fit->rated_count, teacher->how->ratings, &random);
    teacher->rated = teacher->count;
    for (unsigned e = 0; e < DYLUMO_EMOTION_COUNT; e++) {
        memcpy(list, fit->of_emotion[e], fit->emotion_count[e] * sizeof *list);
        choose(teacher, list, fit->emotion_count[e], teacher->how->words, &random);
    }
    dy_free(list);
    return DYLUMO_OK;
}

static enum dylumo_status find_room(struct teacher *teacher, struct dylumo_error *err)
{
    size_t count = teacher->count, row = teacher->dimension + count;
    teacher->rows = dy_new_array(count, teacher->dimension * sizeof(float));
    teacher->norm = dy_new_array(count, sizeof(float));
    teacher->kernel = dy_new_array(count, count * sizeof(float));
    teacher->answer[0] = dy_new_array(count, sizeof(double));
    teacher->answer[1] = dy_new_array(count, sizeof(double));
    teacher->scratch = dy_new_array(TASKS * ROWS, row * sizeof(float));
    if (!teacher->rows || !teacher->norm || !teacher->kernel || !teacher->answer[0] ||
        !teacher->answer[1] || !teacher->scratch)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for a process of %zu pictures", count);
    return DYLUMO_OK;
}

static void normalise(const struct train_fit *fit, float *row, const float *from)
{
    fit->net.passes->normalise(row, from, fit->mean, fit->scale, fit->net.shape.input);
}

static float squared_length(const float *row, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)row[i] * (double)row[i];
    return (float)sum;
}

/* Examples are the mean of their views: less noise than any one of them. */
static void fill_row_task(void *user, size_t example)
{
    struct teacher *teacher = user;
    const struct dy_embeddings *embeddings = teacher->fit->data->embeddings;
    const float *const *views = embeddings->at + teacher->picture[example] * embeddings->views;
    float *row = teacher->rows + example * teacher->dimension;
    for (unsigned view = 0; view < embeddings->views; view++)
        for (size_t i = 0; i < teacher->dimension; i++)
            row[i] += views[view][i] / (float)embeddings->views;
    normalise(teacher->fit, row, row);
    teacher->norm[example] = squared_length(row, teacher->dimension);
}

/* ------------------------------------------------------------------ covariances */

/* products [count] of a row with the examples become covariances. */
static void covary(const struct teacher *teacher, float *products, size_t count, float norm,
                   bool rating)
{
    float step = -1.0f / (teacher->how->reach * (float)teacher->dimension);
    for (size_t j = 0; j < count; j++) {
        float dist2 = fmaxf(norm + teacher->norm[j] - 2 * products[j], 0);
        products[j] = expf(step * dist2);
        if (rating != (j < teacher->rated))
            products[j] *= teacher->how->agreement;
    }
}

static void kernel_task(void *user, size_t task)
{
    struct teacher *teacher = user;
    const struct train_teaching *how = teacher->how;
    size_t first = task * ROWS, count = teacher->count, dimension = teacher->dimension;
    size_t end = first + ROWS < count ? first + ROWS : count;
    train_multiply('N', 'T', end - first, end, dimension, teacher->rows + first * dimension,
                   dimension, teacher->rows, dimension, teacher->kernel + first * count, count);
    for (size_t i = first; i < end; i++) {
        float *row = teacher->kernel + i * count;
        covary(teacher, row, end, teacher->norm[i], i < teacher->rated);
        row[i] += i < teacher->rated ? how->rating_noise : how->word_noise;
    }
}

static void ask_task(void *user, size_t task)
{
    struct teacher *teacher = user;
    const struct dy_embeddings *embeddings = teacher->fit->data->embeddings;
    size_t count = teacher->count, dimension = teacher->dimension;
    size_t first = teacher->first + task * ROWS;
    size_t rows = teacher->end - first < ROWS ? teacher->end - first : ROWS;
    float *seen = teacher->scratch + task * ROWS * (dimension + count);
    float *products = seen + ROWS * dimension;
    for (size_t i = 0; i < rows; i++)
        if (embeddings->at[(first + i) * embeddings->views])
            normalise(teacher->fit, seen + i * dimension,
                      embeddings->at[(first + i) * embeddings->views]);
    train_multiply('N', 'T', rows, count, dimension, seen, dimension, teacher->rows, dimension,
                   products, count);
    for (size_t i = 0; i < rows; i++) {
        double sum[2] = {0};
        if (!embeddings->at[(first + i) * embeddings->views])
            continue;
        float *row = products + i * count;
        covary(teacher, row, count, squared_length(seen + i * dimension, dimension), true);
        for (size_t j = 0; j < count; j++)
            for (unsigned a = 0; a < 2; a++)
                sum[a] += (double)row[j] * teacher->answer[a][j];
        teacher->taught[(first + i) * 2] = (float)sum[0];
        teacher->taught[(first + i) * 2 + 1] = (float)sum[1];
    }
}

/* ------------------------------------------------------------------ learning and teaching */

/* What was said of the examples: ratings, and the words' places less the mean of all words. */
static void fill_answers(struct teacher *teacher)
{
    const struct train_fit *fit = teacher->fit;
    const struct train_recipe *recipe = fit->data->recipe;
    double mean[2] = {0};
    for (unsigned e = 0; e < DYLUMO_EMOTION_COUNT; e++) {
        mean[0] += dy_normal_quantile((double)recipe->place_valence[e]) / DYLUMO_EMOTION_COUNT;
        mean[1] += dy_normal_quantile((double)recipe->place_energy[e]) / DYLUMO_EMOTION_COUNT;
    }
    for (size_t i = 0; i < teacher->count; i++) {
        size_t picture = teacher->picture[i];
        int e = fit->data->pictures->items[picture].emotion;
        bool rating = i < teacher->rated;
        teacher->answer[0][i] =
            rating ? (double)fit->valence[picture]
                   : dy_normal_quantile((double)recipe->place_valence[e]) - mean[0];
        teacher->answer[1][i] = rating
                                    ? (double)fit->arousal[picture]
                                    : dy_normal_quantile((double)recipe->place_energy[e]) - mean[1];
    }
}

static enum dylumo_status learn(struct teacher *teacher, struct dylumo_error *err)
{
    struct dy_workers *workers = teacher->fit->data->workers;
    train_tasks(workers, teacher->count, fill_row_task, teacher);
    train_tasks(workers, (teacher->count + ROWS - 1) / ROWS, kernel_task, teacher);
    fill_answers(teacher);
    enum dylumo_status st = train_factor(teacher->kernel, teacher->count, workers, err);
    for (unsigned a = 0; a < 2 && !st; a++)
        train_factor_solve(teacher->kernel, teacher->count, teacher->answer[a]);
    return st;
}

static enum dylumo_status answer(struct teacher *teacher, const struct dylumo_context *context,
                                 struct dylumo_error *err)
{
    size_t count = teacher->fit->data->pictures->count;
    memset(teacher->taught, 0, 2 * count * sizeof *teacher->taught);
    for (; teacher->first < count; teacher->first = teacher->end) {
        if (teacher->first && dy_context_cancelled(context))
            return dy_fail(err, DYLUMO_CANCELLED, "training was stopped");
        teacher->end =
            teacher->first + TASKS * ROWS < count ? teacher->first + TASKS * ROWS : count;
        train_tasks(teacher->fit->data->workers, (teacher->end - teacher->first + ROWS - 1) / ROWS,
                    ask_task, teacher);
    }
    return DYLUMO_OK;
}

bool train_can_teach(const struct train_fit *fit)
{
    size_t words = 0;
    for (unsigned e = 0; e < DYLUMO_EMOTION_COUNT; e++)
        words += fit->emotion_count[e];
    return fit->data->recipe->loss.taught > 0 && fit->rated_count && words;
}

enum dylumo_status train_teach(const struct train_fit *fit, const struct dylumo_context *context,
                               float *taught, struct dylumo_error *err)
{
    struct teacher teacher = {.fit = fit,
                              .how = &fit->data->recipe->teaching,
                              .dimension = fit->net.shape.input,
                              .taught = taught};
    enum dylumo_status st = choose_examples(&teacher, err);
    if (!st)
        st = find_room(&teacher, err);
    if (!st)
        st = learn(&teacher, err);
    if (!st)
        st = answer(&teacher, context, err);
    teacher_clear(&teacher);
    return st;
}
