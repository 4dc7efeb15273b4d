/* One layer of FastMLP, for the files of this room and their tests. */
#ifndef MOOD_DENSE_H
#define MOOD_DENSE_H

#include "dy_base.h"

/* y = weight x + bias, then, with relu, max(y, 0).
 *
 *   weight   [rows][columns] half floats
 *   bias, y  [rows]
 *   x        [columns] */
typedef void dy_mood_dense(const uint16_t *weight, const float *bias, const float *x, float *y,
                           size_t rows, size_t columns, bool relu);

/* Forms that give the same up to rounding (test_mood_dense.c); the widest that cpu allows. */
dy_mood_dense *dy_mood_dense_for(const struct dy_cpu *cpu);

/* The same with weights in f32 and sums in double, for models whose songs must not hang on a
 * rounding of ours. One form: such models are small. */
void dy_mood_dense_f32(const float *weight, const float *bias, const float *x, float *y,
                       size_t rows, size_t columns, bool relu);

#endif
