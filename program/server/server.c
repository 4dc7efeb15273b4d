/* The server's life: open, listen, wait for signals, finish what runs, close. The thread that
 * called dy_server_run takes all signals and, once a second, cuts off who is too slow. */
#include "server_internal.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TOKEN_MIN 16

double server_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

void server_say(const struct server *server, const char *format, ...)
{
    char text[1200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    server->options.say(text);
}

/* ------------------------------------------------------------------ token */

/* The token's file without the blanks and line ends around it. */
static enum dylumo_status read_token(struct server *server, struct dylumo_error *err)
{
    const char *path = server->options.token_file;
    if (!path)
        return DYLUMO_OK;
    uint8_t *bytes;
    size_t size;
    enum dylumo_status st = dy_read_file(&bytes, &size, path, 4096, err);
    if (st)
        return st;
    size_t begin = 0;
    while (begin < size && bytes[begin] <= ' ')
        begin++;
    while (size > begin && bytes[size - 1] <= ' ')
        size--;
    size_t length = size - begin;
    if (length < TOKEN_MIN || memchr(bytes + begin, '\0', length))
        st = dy_fail(err, DYLUMO_BAD_ARGUMENT,
                     "%s: the token has %zu characters; expected at least %d", path, length,
                     TOKEN_MIN);
    if (!st && !(server->token = dy_new_array(length + 1, 1)))
        st = dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for the token", path);
    if (!st)
        memcpy(server->token, bytes + begin, length);
    explicit_bzero(bytes, size);
    dy_free(bytes);
    return st;
}

/* ------------------------------------------------------------------ signals */

static void block_signals(sigset_t *ours, sigset_t *before)
{
    sigemptyset(ours);
    sigaddset(ours, SIGINT);
    sigaddset(ours, SIGTERM);
    sigaddset(ours, SIGHUP);
    pthread_sigmask(SIG_BLOCK, ours, before); /* every thread of ours inherits it */
}

static void reopen(struct server *server)
{
    struct dylumo_error err;
    double begun = server_now_ms();
    if (server_models_open(server, &err)) {
        server_count(&server->metrics, COUNT_REOPEN_FAILED);
        server_say(server, "cannot open the files again, the old ones stay: %s", err.text);
        return;
    }
    server_count(&server->metrics, COUNT_REOPENED);
    struct server_models *models = server_models_take(server);
    server_say(server, "opened again: %llu songs, %.0f ms",
               (unsigned long long)dylumo_parts(models->dylumo)->songs, server_now_ms() - begun);
    server_models_give(server, models);
}

/* Until SIGTERM or SIGINT. */
static void wait_for_end(struct server *server, const sigset_t *signals)
{
    const struct timespec second = {1, 0};
    for (;;) {
        int number = sigtimedwait(signals, NULL, &second);
        server_http_sweep(server);
        if (number == SIGHUP)
            reopen(server);
        else if (number > 0)
            return;
    }
}

/* No new connections; those that are in a request may end it. A second signal ends the wait. */
static void drain(struct server *server, const sigset_t *signals)
{
    const struct timespec moment = {0, 20000000};
    server->draining = true;
    MHD_socket listening = MHD_quiesce_daemon(server->daemon);
    if (listening != MHD_INVALID_SOCKET)
        close(listening);
    server_say(server, "stopping: %u requests run", server->metrics.running);
    double until = server_now_ms() + server->options.stop_seconds * 1e3;
    while (server->metrics.running && server_now_ms() < until) {
        int number = sigtimedwait(signals, NULL, &moment);
        if (number > 0 && number != SIGHUP)
            break;
        server_http_sweep(server);
    }
}

/* ------------------------------------------------------------------ life */

static void say_address(struct server *server)
{
    const struct dylumo_parts *parts = dylumo_parts(server->models->dylumo);
    const char *listen = server->options.listen;
    const char *colon = strrchr(listen, ':');
    bool any = colon == listen;
    server_say(server, "listening on http%s://%.*s:%u with %llu songs, %s %s, %u workers",
               server->options.tls_key ? "s" : "", any ? 9 : (int)(colon - listen),
               any ? "localhost" : listen, server_http_port(server),
               (unsigned long long)parts->songs, parts->model, parts->precision,
               server->worker_count);
}

static enum dylumo_status start(struct server *server, struct dylumo_error *err)
{
    enum dylumo_status st = read_token(server, err);
    if (!st)
        st = server_models_open(server, err);
    if (!st)
        st = server_work_start(server, err);
    if (!st)
        st = server_http_start(server, err);
    return st;
}

static void stop(struct server *server)
{
    server_work_stop(server); /* empties the queue, so that no connection stays suspended */
    server_http_stop(server);
    server_models_close(server);
    if (server->token)
        explicit_bzero(server->token, strlen(server->token));
    dy_free(server->token);
    dy_free(server->rates);
    pthread_mutex_destroy(&server->models_lock);
    pthread_mutex_destroy(&server->links_lock);
    pthread_mutex_destroy(&server->queue_lock);
    pthread_cond_destroy(&server->queue_filled);
    dy_free(server);
}

static struct server *new_server(const struct dy_server_options *options)
{
    struct server *server = dy_new(sizeof *server);
    if (!server)
        return NULL;
    server->options = *options;
    if (!server->options.workers)
        server->options.workers = dy_context_threads(NULL);
    server->metrics.started = (double)time(NULL);
    pthread_mutex_init(&server->models_lock, NULL);
    pthread_mutex_init(&server->links_lock, NULL);
    pthread_mutex_init(&server->queue_lock, NULL);
    pthread_cond_init(&server->queue_filled, NULL);
    server->rates = dy_new(sizeof *server->rates);
    return server;
}

enum dylumo_status dy_server_run(const struct dy_server_options *options, struct dylumo_error *err)
{
    sigset_t signals, before;
    /* bodies come and go: give their memory back instead of keeping the peak */
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    mallopt(M_TRIM_THRESHOLD, 4 * 1024 * 1024);
    struct server *server = new_server(options);
    if (!server || !server->rates) {
        dy_free(server);
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the server");
    }
    block_signals(&signals, &before);
    enum dylumo_status st = start(server, err);
    if (!st) {
        say_address(server);
        wait_for_end(server, &signals);
        drain(server, &signals);
        server_say(server, "stopped");
    }
    stop(server);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return st;
}
