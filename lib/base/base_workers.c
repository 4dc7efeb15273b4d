/* A crew of threads that waits for work. Tasks are handed out by one atomic counter, so a slow task
 * never holds up the others and no order between threads is promised. */
#include "dy_base.h"

#include <pthread.h>
#include <stdatomic.h>

struct dy_workers {
    unsigned count;   /* threads in all, the caller included */
    unsigned started; /* threads of ours that run */
    pthread_t *threads;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    uint64_t run;  /* number of the present run; a thread sleeps until it changes */
    unsigned busy; /* threads of ours still in the present run */
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

static void *thread_main(void *argument)
{
    struct dy_workers *workers = argument;
    uint64_t seen = 0;
    pthread_mutex_lock(&workers->lock);
    for (;;) {
        while (!workers->stop && workers->run == seen)
            pthread_cond_wait(&workers->wake, &workers->lock);
        if (workers->stop)
            break;
        seen = workers->run;
        pthread_mutex_unlock(&workers->lock);
        take_tasks(workers);
        pthread_mutex_lock(&workers->lock);
        if (--workers->busy == 0)
            pthread_cond_signal(&workers->done);
    }
    pthread_mutex_unlock(&workers->lock);
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
        workers->busy = workers->started;
        workers->run++;
        pthread_cond_broadcast(&workers->wake);
    }
    pthread_mutex_unlock(&workers->lock);
    take_tasks(workers);
    if (alone)
        return;
    pthread_mutex_lock(&workers->lock);
    while (workers->busy)
        pthread_cond_wait(&workers->done, &workers->lock);
    pthread_mutex_unlock(&workers->lock);
}
