/* A crew of threads that waits for work. Tasks are handed out by one atomic counter, so a slow task
 * never holds up the others and no order between threads is promised. Runs often follow each other
 * within microseconds (a training step has a dozen), and waking a sleeper takes longer than that:
 * so whoever waits looks for a moment before it sleeps. */
#include "dy_base.h"

#include <pthread.h>
#include <stdatomic.h>

#define LOOKS 1000 /* before a wait sleeps: some 10 to 30 microseconds */

struct dy_workers {
    unsigned count;   /* threads in all, the caller included */
    unsigned started; /* threads of ours that run */
    pthread_t *threads;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    atomic_uint_fast64_t run; /* number of the present run; a thread waits until it changes */
    atomic_uint busy;         /* threads of ours still in the present run */
    bool stop;
    size_t task_count;
    atomic_size_t next_task;
    void (*step)(void *user, size_t task);
    void *user;
};

static void take_tasks(struct dy_workers *workers)
{
    for (;;) {
        size_t task = atomic_fetch_add_explicit(&workers->next_task, 1, memory_order_relaxed);
        if (task >= workers->task_count)
            return;
        workers->step(workers->user, task);
    }
}

static void rest(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Waits for a run after `seen` and returns its number; `seen` when the crew is to stop. */
static uint64_t wait_for_run(struct dy_workers *workers, uint64_t seen)
{
    for (unsigned i = 0; i < LOOKS && atomic_load(&workers->run) == seen; i++)
        rest();
    pthread_mutex_lock(&workers->lock);
    while (!workers->stop && atomic_load(&workers->run) == seen)
        pthread_cond_wait(&workers->wake, &workers->lock);
    uint64_t run = workers->stop ? seen : atomic_load(&workers->run);
    pthread_mutex_unlock(&workers->lock);
    return run;
}

static void wait_for_crew(struct dy_workers *workers)
{
    for (unsigned i = 0; i < LOOKS && atomic_load(&workers->busy); i++)
        rest();
    pthread_mutex_lock(&workers->lock);
    while (atomic_load(&workers->busy))
        pthread_cond_wait(&workers->done, &workers->lock);
    pthread_mutex_unlock(&workers->lock);
}

static void *thread_main(void *argument)
{
    struct dy_workers *workers = argument;
    for (uint64_t seen = 0, run; (run = wait_for_run(workers, seen)) != seen; seen = run) {
        take_tasks(workers);
        pthread_mutex_lock(&workers->lock);
        if (atomic_fetch_sub(&workers->busy, 1) == 1)
            pthread_cond_signal(&workers->done);
        pthread_mutex_unlock(&workers->lock);
    }
    return NULL;
}

enum dylumo_status dy_workers_new(struct dy_workers **out, unsigned count, struct dylumo_error *err)
{
    if (count == 0)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "0 workers asked for, at least 1 is needed");
    struct dy_workers *workers = dy_new(sizeof *workers);
    if (!workers)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %u workers", count);
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->wake, NULL);
    pthread_cond_init(&workers->done, NULL);
    workers->count = count;
    workers->threads = dy_new_array(count, sizeof *workers->threads);
    enum dylumo_status st = DYLUMO_OK;
    if (!workers->threads)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %u workers", count);
    while (!st && workers->started + 1 < count) {
        if (pthread_create(&workers->threads[workers->started], NULL, thread_main, workers))
            st = dy_fail(err, DYLUMO_NO_MEMORY, "cannot start worker thread %u of %u",
                         workers->started + 1, count - 1);
        else
            workers->started++;
    }
    if (st) {
        dy_workers_free(workers);
        return st;
    }
    *out = workers;
    return DYLUMO_OK;
}

void dy_workers_free(struct dy_workers *workers)
{
    if (!workers)
        return;
    pthread_mutex_lock(&workers->lock);
    workers->stop = true;
    pthread_cond_broadcast(&workers->wake);
    pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->started; i++)
        pthread_join(workers->threads[i], NULL);
    pthread_cond_destroy(&workers->done);
    pthread_cond_destroy(&workers->wake);
    pthread_mutex_destroy(&workers->lock);
    dy_free(workers->threads);
    dy_free(workers);
}

unsigned dy_workers_count(const struct dy_workers *workers)
{
    return workers->count;
}

void dy_workers_run(struct dy_workers *workers, size_t count, void (*step)(void *user, size_t task),
                    void *user)
{
    pthread_mutex_lock(&workers->lock);
    workers->step = step;
    workers->user = user;
    workers->task_count = count;
    atomic_store_explicit(&workers->next_task, 0, memory_order_relaxed);
    bool alone = workers->started == 0 || count < 2;
    if (!alone) {
        atomic_store(&workers->busy, workers->started);
        atomic_fetch_add(&workers->run, 1);
        pthread_cond_broadcast(&workers->wake);
    }
    pthread_mutex_unlock(&workers->lock);
    take_tasks(workers);
    if (!alone)
        wait_for_crew(workers);
}
