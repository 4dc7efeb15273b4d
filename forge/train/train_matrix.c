/* Products by oneDNN, each on one thread, and the Cholesky factor by bands of columns: what the
 * columns before a band tell is taken off it by products, the rest is plain arithmetic within the
 * band (Golub & Van Loan 2013, section 4.2.9). */
#include "train_matrix.h"

#include <dnnl.h>
#include <math.h>

/* libgomp's own; clang's omp.h would speak of another runtime than oneDNN's. */
extern void omp_set_num_threads(int count);
extern int omp_get_max_threads(void);

#define BAND 128

void train_multiply(char trans_a, char trans_b, size_t m, size_t n, size_t k, const float *a,
                    size_t stride_a, const float *b, size_t stride_b, float *c, size_t stride_c)
{
    omp_set_num_threads(1);
    dnnl_status_t status =
        dnnl_sgemm(trans_a, trans_b, (dnnl_dim_t)m, (dnnl_dim_t)n, (dnnl_dim_t)k, 1.0f, a,
                   (dnnl_dim_t)stride_a, b, (dnnl_dim_t)stride_b, 0.0f, c, (dnnl_dim_t)stride_c);
    if (status) /* only wrong arguments fail: our own mistake */
        __builtin_trap();
}

void train_tasks(struct dy_workers *workers, size_t count, void (*step)(void *user, size_t task),
                 void *user)
{
    int before = omp_get_max_threads(); /* this thread takes tasks too */
    dy_workers_run(workers, count, step, user);
    omp_set_num_threads(before);
}

struct factoring {
    float *matrix, *products;   /* [count][count], [count + BAND][BAND] */
    size_t count, first, width; /* the band: columns first .. first + width */
};

static float *row_of(const struct factoring *f, size_t row)
{
    return f->matrix + row * f->count + f->first;
}

static double dot(const float *a, const float *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* The first `until` numbers of a row within the band, from those of the rows that head it. */
static void reduce_row(const struct factoring *f, float *row, size_t until)
{
    for (size_t j = 0; j < until; j++) {
        const float *head = row_of(f, f->first + j);
        row[j] = (float)(((double)row[j] - dot(row, head, j)) / (double)head[j]);
    }
}

/* Task t has the t-th BAND rows from the band's own on. */
static size_t rows_of(const struct factoring *f, size_t task, size_t *first)
{
    *first = f->first + task * BAND;
    return f->count - *first < BAND ? f->count - *first : BAND;
}

static void subtract_task(void *user, size_t task)
{
    struct factoring *f = user;
    float *products = f->products + task * BAND * BAND;
    size_t first, rows = rows_of(f, task, &first);
    train_multiply('N', 'T', rows, f->width, f->first, f->matrix + first * f->count, f->count,
                   f->matrix + f->first * f->count, f->count, products, BAND);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < f->width; j++)
            row_of(f, first + i)[j] -= products[i * BAND + j];
}

static void reduce_task(void *user, size_t task)
{
    struct factoring *f = user;
    size_t first, rows = rows_of(f, task + 1, &first);
    for (size_t i = 0; i < rows; i++)
        reduce_row(f, row_of(f, first + i), f->width);
}

/* The square on the diagonal; false: not positive definite. */
static bool factor_head(struct factoring *f)
{
    for (size_t i = 0; i < f->width; i++) {
        float *row = row_of(f, f->first + i);
        reduce_row(f, row, i);
        double left = (double)row[i] - dot(row, row, i);
        if (!(left > 0))
            return false;
        row[i] = (float)sqrt(left);
    }
    return true;
}

enum dylumo_status train_factor(float *matrix, size_t count, struct dy_workers *workers,
                                struct dylumo_error *err)
{
    struct factoring f = {.matrix = matrix, .count = count};
    bool good = true;
    f.products = dy_new_array((count + BAND) * BAND, sizeof *f.products);
    if (!f.products)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to solve %zu equations", count);
    for (; f.first < count && good; f.first += BAND) {
        f.width = count - f.first < BAND ? count - f.first : BAND;
        size_t tasks = (count - f.first + BAND - 1) / BAND;
        if (f.first)
            train_tasks(workers, tasks, subtract_task, &f);
        good = factor_head(&f);
        if (good && tasks > 1)
            train_tasks(workers, tasks - 1, reduce_task, &f);
    }
    dy_free(f.products);
    return good ? DYLUMO_OK
                : dy_fail(err, DYLUMO_BAD_ARGUMENT, "%zu equations have no one solution", count);
}

void train_factor_solve(const float *factor, size_t count, double *x)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++)
            x[i] -= (double)factor[i * count + j] * x[j];
        x[i] /= (double)factor[i * count + i];
    }
    for (size_t i = count; i-- > 0;) {
        x[i] /= (double)factor[i * count + i];
        for (size_t j = 0; j < i; j++)
            x[j] -= (double)factor[i * count + j] * x[i];
    }
}
