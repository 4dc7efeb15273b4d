/* Loops shared by the same team of threads that oneDNN's products run on: another one beside it
 * would fight with libgomp's, whose threads spin for a while after each product. */
#ifndef ENCODER_TEAM_H
#define ENCODER_TEAM_H

#include "dy_base.h"

/* step(user, first, end, thread) over shares of 0 ... count, thread < threads. A share is always
 * the same for the same count and threads. */
void encoder_team_run(unsigned threads, size_t count,
                      void (*step)(void *user, size_t first, size_t end, unsigned thread),
                      void *user);

#endif
