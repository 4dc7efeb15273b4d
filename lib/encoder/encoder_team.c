/* The door to libgomp's team without OpenMP's pragmas, which clang would hand to another runtime.
 */
#include "encoder_team.h"

/* libgomp's ABI: what "#pragma omp parallel" compiles to. */
extern void GOMP_parallel(void (*function)(void *), void *data, unsigned threads, unsigned flags);
extern int omp_get_thread_num(void);
extern int omp_get_num_threads(void);

struct loop {
    size_t count;
    void (*step)(void *user, size_t first, size_t end, unsigned thread);
    void *user;
};

static void take_share(void *data)
{
    const struct loop *loop = data;
    size_t thread = (size_t)omp_get_thread_num(), threads = (size_t)omp_get_num_threads();
    size_t first = loop->count * thread / threads, end = loop->count * (thread + 1) / threads;
    if (first < end)
        loop->step(loop->user, first, end, (unsigned)thread);
}

void encoder_team_run(unsigned threads, size_t count,
                      void (*step)(void *user, size_t first, size_t end, unsigned thread),
                      void *user)
{
    struct loop loop = {count, step, user};
    if (threads <= 1 || count <= 1)
        step(user, 0, count, 0);
    else
        GOMP_parallel(take_share, &loop, threads, 0);
}
