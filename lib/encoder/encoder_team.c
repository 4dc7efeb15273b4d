/* The door to libgomp's team without OpenMP's pragmas, which clang would hand to another runtime.
 */
#include "encoder_team.h"

/* libgomp's ABI: what "#pragma omp parallel" compiles to. */
extern void GOMP_parallel(void (*function)(void *), void *data, unsigned threads, unsigned flags);
extern int omp_get_thread_num(void);
extern int omp_get_num_threads(void);

/* A team's start and end, told to ThreadSanitizer, which does not see into libgomp: what was done
 * before `tell` is seen after `hear` on the same address. */
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#define tell(sync) __tsan_release(sync)
#define hear(sync) __tsan_acquire(sync)
#else
#define tell(sync) ((void)(sync))
#define hear(sync) ((void)(sync))
#endif

struct loop {
    size_t count;
    void (*step)(void *user, size_t first, size_t end, unsigned thread);
    void *user;
};

static void take_share(void *data)
{
    hear(data);
    const struct loop *loop = data;
    size_t thread = (size_t)omp_get_thread_num(), threads = (size_t)omp_get_num_threads();
    size_t first = loop->count * thread / threads, end = loop->count * (thread + 1) / threads;
    if (first < end)
        loop->step(loop->user, first, end, (unsigned)thread);
    tell(data);
}

void encoder_team_run(unsigned threads, size_t count,
                      void (*step)(void *user, size_t first, size_t end, unsigned thread),
                      void *user)
{
    struct loop loop = {count, step, user};
    if (threads <= 1 || count <= 1) {
        step(user, 0, count, 0);
        return;
    }
    tell(&loop);
    GOMP_parallel(take_share, &loop, threads, 0);
    hear(&loop);
}
