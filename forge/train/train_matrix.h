/* Products, tasks and factors of matrices, row-major. For the files of this room and their tests.
 */
#ifndef TRAIN_MATRIX_H
#define TRAIN_MATRIX_H

#include "dy_base.h"

/* c [m][n] = op(a) op(b), op 'N' or 'T' (transposed), on this thread alone. Within a task. */
void train_multiply(char trans_a, char trans_b, size_t m, size_t n, size_t k, const float *a,
                    size_t stride_a, const float *b, size_t stride_b, float *c, size_t stride_c);

/* As dy_workers_run, for tasks that multiply. */
void train_tasks(struct dy_workers *workers, size_t count, void (*step)(void *user, size_t task),
                 void *user);

/* The lower triangle L of matrix = L L' (Cholesky), in place; matrix [count][count], symmetric, of
 * which the lower triangle is read. What stands above the diagonal is lost.
 *
 * Fails    BAD_ARGUMENT when it is not positive definite; NO_MEMORY.
 * Threads  the same bits on any number of workers. */
enum dylumo_status train_factor(float *matrix, size_t count, struct dy_workers *workers,
                                struct dylumo_error *err) DY_MUST_USE;
/* x [count] becomes the solution of L L' solution = x. */
void train_factor_solve(const float *factor, size_t count, double *x);

#endif
