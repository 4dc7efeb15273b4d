/* The songs' two axes, happy and lively, from people's judgement: how the default mood's were made,
 * and the same without the artists that are measured.
 *
 * The 13 normal scores foretell people's valence and arousal by ridge regression. Each axis is the
 * catalogue's own number (valence, energy) and that foretelling, both of variance 1; the second is
 * then moved away from the first, so that the two do not say the same. */
#include "dy_evaluate.h"
#include "dy_songs.h"

#include <math.h>
#include <string.h>

#define F DYLUMO_FEATURE_COUNT

/* How much of people's judgement each axis takes beside the catalogue's number, and how much of the
 * first is taken from the second. */
#define BLEND 1.2
#define APART 0.35

static const double penalties[] = {3.0, 30.0, 300.0, 1000.0};

/* ------------------------------------------------------------------ small matrices */

/* inverse of a symmetric positive definite matrix by Gauss and Jordan; matrix is spoilt. */
static void invert(double matrix[F][F], double inverse[F][F])
{
    for (size_t i = 0; i < F; i++)
        for (size_t j = 0; j < F; j++)
            inverse[i][j] = i == j;
    for (size_t p = 0; p < F; p++) { /* diagonals of such a matrix stay positive: no exchange */
        double pivot = matrix[p][p];
        for (size_t j = 0; j < F; j++) {
            matrix[p][j] /= pivot;
            inverse[p][j] /= pivot;
        }
        for (size_t i = 0; i < F; i++) {
            double factor = matrix[i][p];
            if (i == p || factor == 0.0)
                continue;
            for (size_t j = 0; j < F; j++) {
                matrix[i][j] -= factor * matrix[p][j];
                inverse[i][j] -= factor * inverse[p][j];
            }
        }
    }
}

static double between(const double a[F], const double matrix[F][F], const double b[F])
{
    double sum = 0.0;
    for (size_t i = 0; i < F; i++)
        for (size_t j = 0; j < F; j++)
            sum += a[i] * matrix[i][j] * b[j];
    return sum;
}

/* Variance 1 over the catalogue. */
static void scale_to_one(double a[F], const double correlation[F][F])
{
    double length = sqrt(between(a, correlation, a));
    for (size_t f = 0; f < F; f++)
        a[f] /= length;
}

/* ------------------------------------------------------------------ ridge */

/* Judged songs: features and one judgement, centred. */
struct judged {
    size_t count;
    double *x; /* [count][F] */
    double *y; /* [count] */
};

static void centre(double *values, size_t count, size_t stride)
{
    double mean = 0.0;
    for (size_t i = 0; i < count; i++)
        mean += values[i * stride] / (double)count;
    for (size_t i = 0; i < count; i++)
        values[i * stride] -= mean;
}

static void products(const struct judged *judged, double xx[F][F], double xy[F])
{
    memset(xx, 0, F * sizeof *xx);
    memset(xy, 0, F * sizeof *xy);
    for (size_t i = 0; i < judged->count; i++) {
        const double *x = judged->x + i * F;
        for (size_t a = 0; a < F; a++) {
            xy[a] += x[a] * judged->y[i];
            for (size_t b = 0; b < F; b++)
                xx[a][b] += x[a] * x[b];
        }
    }
}

/* Sum of squared errors when each song in turn is left out: e / (1 - h), h its own weight. */
static double left_out_error(const struct judged *judged, double inverse[F][F], const double w[F])
{
    double sum = 0.0;
    for (size_t i = 0; i < judged->count; i++) {
        const double *x = judged->x + i * F;
        double error = judged->y[i];
        for (size_t f = 0; f < F; f++)
            error -= w[f] * x[f];
        double own = between(x, (const double(*)[F])inverse, x) + 1.0 / (double)judged->count;
        sum += error * error / ((1.0 - own) * (1.0 - own));
    }
    return sum;
}

static void ridge(const struct judged *judged, double best[F])
{
    double xx[F][F], xy[F], least = INFINITY;
    products(judged, xx, xy);
    for (size_t p = 0; p < DY_COUNT(penalties); p++) {
        double matrix[F][F], inverse[F][F], w[F] = {0};
        memcpy(matrix, xx, sizeof xx);
        for (size_t f = 0; f < F; f++)
            matrix[f][f] += penalties[p];
        invert(matrix, inverse);
        for (size_t a = 0; a < F; a++)
            for (size_t b = 0; b < F; b++)
                w[a] += inverse[a][b] * xy[b];
        double error = left_out_error(judged, inverse, w);
        if (error < least) {
            least = error;
            memcpy(best, w, sizeof w);
        }
    }
}

/* ------------------------------------------------------------------ songs */

static void correlations(const struct dy_songs_space *space, double correlation[F][F])
{
    double mean[F] = {0}, sum[F][F] = {{0}};
    for (size_t f = 0; f < F; f++)
        for (size_t i = 0; i < space->count; i++)
            mean[f] += (double)space->columns[f][i] / (double)space->count;
    for (size_t a = 0; a < F; a++)
        for (size_t b = 0; b <= a; b++)
            for (size_t i = 0; i < space->count; i++)
                sum[a][b] += ((double)space->columns[a][i] - mean[a]) *
                             ((double)space->columns[b][i] - mean[b]);
    for (size_t a = 0; a < F; a++)
        for (size_t b = 0; b < F; b++) {
            double product = sum[a > b ? a : b][a > b ? b : a], scale = sqrt(sum[a][a] * sum[b][b]);
            correlation[a][b] = scale > 0.0 ? product / scale : a == b;
        }
}

/* Normal scores of one judgement, over the songs that are used. */
static enum dylumo_status judge(struct judged *judged, const double *values, const uint32_t *songs,
                                struct dylumo_error *err)
{
    double *raw = dy_new_array(judged->count, sizeof *raw);
    uint32_t *order = dy_new_array(judged->count, sizeof *order);
    if (!raw || !order) {
        dy_free(raw);
        dy_free(order);
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu judged songs", judged->count);
    }
    for (size_t i = 0; i < judged->count; i++)
        raw[i] = values[songs[i]];
    dy_sorted_of(raw, judged->count, order);
    for (size_t first = 0, end; first < judged->count; first = end) {
        for (end = first + 1; end < judged->count && raw[order[end]] == raw[order[first]];)
            end++;
        double rank = 0.5 * (double)(first + end + 1);
        for (size_t i = first; i < end; i++)
            judged->y[order[i]] = dy_normal_quantile(rank / ((double)judged->count + 1.0));
    }
    centre(judged->y, judged->count, 1);
    dy_free(raw);
    dy_free(order);
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ axes */

static void blend(double axis[F], enum dylumo_feature own, const double learned[F],
                  const double correlation[F][F])
{
    for (size_t f = 0; f < F; f++)
        axis[f] = BLEND * learned[f] + (f == (size_t)own);
    scale_to_one(axis, correlation);
}

static void make_axes(double learned[2][F], const double correlation[F][F], double axes[2][F])
{
    scale_to_one(learned[0], correlation);
    scale_to_one(learned[1], correlation);
    blend(axes[0], DYLUMO_VALENCE, learned[0], correlation);
    blend(axes[1], DYLUMO_ENERGY, learned[1], correlation);
    double shared = between(axes[1], correlation, axes[0]);
    for (size_t f = 0; f < F; f++)
        axes[1][f] -= APART * shared * axes[0][f];
    scale_to_one(axes[1], correlation);
}

/* The judged songs of all parts but one, their features centred. songs [room]. */
static void gather(const struct dy_fit_catalogue *catalogue, size_t without, struct judged *judged,
                   uint32_t *songs)
{
    struct dy_songs_space space = dy_songs_space(catalogue->songs);
    for (size_t p = 0; p < catalogue->part_count; p++)
        for (size_t i = 0; p != without && i < catalogue->parts[p].count; i++) {
            uint32_t song = catalogue->parts[p].songs[i];
            for (size_t f = 0; f < F; f++)
                judged->x[judged->count * F + f] = (double)space.columns[f][song];
            songs[judged->count++] = song;
        }
    for (size_t f = 0; f < F; f++)
        centre(judged->x + f, judged->count, F);
}

static enum dylumo_status fit(const struct dy_fit_catalogue *catalogue,
                              const double correlation[F][F], size_t without, double axes[2][F],
                              struct dylumo_error *err)
{
    size_t room = 0;
    for (size_t p = 0; p < catalogue->part_count; p++)
        room += p == without ? 0 : catalogue->parts[p].count;
    double *numbers = dy_new_array(room, (F + 1) * sizeof *numbers);
    uint32_t *songs = dy_new_array(room, sizeof *songs);
    if (!numbers || !songs) {
        dy_free(numbers);
        dy_free(songs);
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu judged songs", room);
    }
    struct judged judged = {0, numbers, numbers + room * F};
    double learned[2][F];
    gather(catalogue, without, &judged, songs);
    enum dylumo_status st = judge(&judged, catalogue->judged_valence, songs, err);
    if (!st) {
        ridge(&judged, learned[0]);
        st = judge(&judged, catalogue->judged_energy, songs, err);
    }
    if (!st) {
        ridge(&judged, learned[1]);
        make_axes(learned, correlation, axes);
    }
    dy_free(numbers);
    dy_free(songs);
    return st;
}

enum dylumo_status dy_fit_axes(const struct dy_fit_catalogue *catalogue, size_t without,
                               double axes[2][F], struct dylumo_error *err)
{
    double correlation[F][F];
    struct dy_songs_space space = dy_songs_space(catalogue->songs);
    correlations(&space, correlation);
    return fit(catalogue, (const double(*)[F])correlation, without, axes, err);
}

enum dylumo_status dy_fit_axes_hold_back(struct dy_fit_catalogue *catalogue, const float own[2][F],
                                         double *difference, struct dylumo_error *err)
{
    double correlation[F][F], axes[2][F] = {{0}};
    struct dy_songs_space space = dy_songs_space(catalogue->songs);
    if (catalogue->part_count < 2)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "songs can only be held back when they fall into two parts or more");
    correlations(&space, correlation);
    enum dylumo_status st =
        fit(catalogue, (const double(*)[F])correlation, catalogue->part_count, axes, err);
    *difference = 0.0;
    for (size_t i = 0; !st && i < 2 * F; i++)
        *difference = fmax(*difference, fabs(axes[i / F][i % F] - (double)own[i / F][i % F]));
    for (size_t p = 0; !st && p < catalogue->part_count; p++) {
        st = fit(catalogue, (const double(*)[F])correlation, p, axes, err);
        for (size_t i = 0; !st && i < 2 * F; i++)
            catalogue->parts[p].axes[i / F][i % F] = (float)axes[i / F][i % F];
        catalogue->parts[p].held_back = !st;
    }
    return st;
}
