/* The queue and its workers. A request that waits holds its connection suspended; the list is
 * bounded, so that whoever comes too many is told at once instead of waiting for ever. */
#include "server_internal.h"

bool server_work_push(struct server_request *request)
{
    struct server *server = request->server;
    pthread_mutex_lock(&server->queue_lock);
    bool room = server->metrics.waiting < server->options.queue && !server->stopping;
    if (room) {
        MHD_suspend_connection(request->connection); /* before a worker can resume it */
        request->stage = STAGE_WAITING;
        request->next = NULL;
        if (server->last)
            server->last->next = request;
        else
            server->first = request;
        server->last = request;
        server->metrics.waiting++;
        pthread_cond_signal(&server->queue_filled);
    }
    pthread_mutex_unlock(&server->queue_lock);
    return room;
}

/* The next request; NULL when the server stops. */
static struct server_request *take(struct server *server)
{
    pthread_mutex_lock(&server->queue_lock);
    while (!server->first && !server->stopping)
        pthread_cond_wait(&server->queue_filled, &server->queue_lock);
    struct server_request *request = server->first;
    if (request) {
        server->first = request->next;
        if (!server->first)
            server->last = NULL;
        server->metrics.waiting--;
    }
    pthread_mutex_unlock(&server->queue_lock);
    return request;
}

static void *run(void *user)
{
    struct server_worker *worker = user;
    struct server *server = worker->server;
    for (struct server_request *request; (request = take(server));) {
        struct server_models *models = server_models_take(server);
        bool alone = atomic_fetch_add(&server->answering, 1) == 0 && !server->metrics.waiting;
        dylumo_share_work(alone); /* beside others a core each is quickest */
        request->route->answer(request, worker, models);
        atomic_fetch_sub(&server->answering, 1);
        server_models_give(server, models);
        MHD_resume_connection(request->connection); /* from here the request is not ours */
    }
    server_helper_stop(&worker->helper);
    for (size_t i = 0; i < SERVER_PICTURES_MAX; i++)
        dy_free(worker->pixels[i]);
    return NULL;
}

enum dylumo_status server_work_start(struct server *server, struct dylumo_error *err)
{
    server->workers = dy_new_array(server->options.workers, sizeof *server->workers);
    if (!server->workers)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %u workers", server->options.workers);
    for (unsigned i = 0; i < server->options.workers; i++) {
        struct server_worker *worker = &server->workers[i];
        worker->server = server;
        worker->helper = SERVER_HELPER_INIT((int)server->options.decode_seconds, &server->metrics);
        int problem = pthread_create(&worker->thread, NULL, run, worker);
        if (problem)
            return dy_fail_errno(err, problem, "worker", "cannot start");
        server->worker_count++;
    }
    return DYLUMO_OK;
}

void server_work_stop(struct server *server)
{
    pthread_mutex_lock(&server->queue_lock);
    server->stopping = true;
    pthread_cond_broadcast(&server->queue_filled);
    pthread_mutex_unlock(&server->queue_lock);
    for (unsigned i = 0; i < server->worker_count; i++)
        pthread_join(server->workers[i].thread, NULL);
    dy_free(server->workers);
    server->workers = NULL;
    server->worker_count = 0;
}
