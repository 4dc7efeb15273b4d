/* libmicrohttpd's side: one thread for all connections, which looks at each head before a byte of
 * its body is read, takes the body within its limit, and answers or queues. What libmicrohttpd
 * leaves to chance is decided here: a body's length said twice or two ways is refused (the ground
 * for smuggled requests), and every phase of a connection has its time (server_http_sweep). It
 * waits by poll: by epoll libmicrohttpd 0.9.75 overlooks the end of a stream that comes with its
 * last bytes, and at 64 connections both are as fast. */
#include "server_internal.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define HEAD_BYTES 32768  /* of a request's head, its parameters and our answer's head */
#define SMALLEST_BODY 256 /* a chunked body's first room */

/* ------------------------------------------------------------------ times */

static struct server_link *link_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* The connection's phase ends in so many seconds; 0: whenever. */
static void give_time(struct server *server, struct server_link *link, unsigned seconds)
{
    if (!link)
        return;
    pthread_mutex_lock(&server->links_lock);
    link->deadline = seconds ? server_now_ms() / 1e3 + seconds : 0;
    pthread_mutex_unlock(&server->links_lock);
}

static void connection_begins(struct server *server, struct MHD_Connection *connection,
                              void **context)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct server_link *link = dy_new(sizeof *link);
    server->metrics.connections++;
    *context = link;
    if (!link)
        return; /* libmicrohttpd's own time for idle connections stands */
    link->socket = info ? info->connect_fd : -1;
    pthread_mutex_lock(&server->links_lock);
    link->next = server->links;
    if (link->next)
        link->next->previous = link;
    server->links = link;
    pthread_mutex_unlock(&server->links_lock);
    give_time(server, link, server->options.head_seconds);
}

/* Before the socket is closed, so that a sweep never shuts somebody else's of the same number. */
static void connection_ends(struct server *server, void **context)
{
    struct server_link *link = *context;
    server->metrics.connections--;
    *context = NULL;
    if (!link)
        return;
    pthread_mutex_lock(&server->links_lock);
    if (link->previous)
        link->previous->next = link->next;
    else
        server->links = link->next;
    if (link->next)
        link->next->previous = link->previous;
    pthread_mutex_unlock(&server->links_lock);
    dy_free(link);
}

static void connection_changes(void *user, struct MHD_Connection *connection, void **context,
                               enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        connection_begins(user, connection, context);
    else
        connection_ends(user, context);
}

void server_http_sweep(struct server *server)
{
    double now = server_now_ms() / 1e3;
    pthread_mutex_lock(&server->links_lock);
    for (struct server_link *link = server->links; link; link = link->next)
        if (link->deadline > 0 && now > link->deadline) {
            shutdown(link->socket, SHUT_RDWR);
            link->deadline = 0;
            server_count(&server->metrics, COUNT_CUT_OFF);
        }
    pthread_mutex_unlock(&server->links_lock);
}

/* ------------------------------------------------------------------ heads */

struct head_look {
    unsigned lengths, encodings, hosts;
    bool chunked;
};

static enum MHD_Result look_at_header(void *user, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    struct head_look *look = user;
    (void)kind;
    look->hosts += !strcasecmp(name, "Host");
    look->lengths += !strcasecmp(name, "Content-Length");
    if (!strcasecmp(name, "Transfer-Encoding")) {
        look->encodings++;
        look->chunked = value && !strcasecmp(value, "chunked");
    }
    return MHD_YES;
}

static void bad_request(struct server_request *request, const char *detail)
{
    server_reply_problem(request, MHD_HTTP_BAD_REQUEST, "bad-request",
                         "The request is not well-formed HTTP.", detail);
}

/* Whoever says a body's length twice may mean two requests. */
static bool head_is_plain(struct server_request *request)
{
    struct head_look look = {0};
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, look_at_header, &look);
    const char *detail = look.lengths > 1                 ? "Content-Length comes twice"
                         : look.encodings && look.lengths ? "the body's length is told two ways"
                         : look.encodings && (look.encodings > 1 || !look.chunked)
                             ? "no transfer encoding but chunked is read"
                         : look.hosts > 1 ? "Host comes twice"
                                          : NULL;
    if (detail)
        bad_request(request, detail);
    return !detail;
}

static enum server_method method_of(const char *method, const char **name)
{
    static const struct {
        const char *name;
        enum server_method method;
    } methods[] = {{"GET", METHOD_GET},
                   {"HEAD", METHOD_GET},
                   {"POST", METHOD_POST},
                   {"OPTIONS", METHOD_OPTIONS}};
    for (size_t i = 0; i < DY_COUNT(methods); i++)
        if (!strcmp(method, methods[i].name)) {
            *name = methods[i].name;
            return methods[i].method;
        }
    *name = "other";
    return METHOD_OTHER;
}

/* The answer to a method that the path does not know; false when it does. */
static bool wrong_method(struct server_request *request, enum server_method method)
{
    unsigned known = request->route->methods;
    if (method & known)
        return false;
    request->reply.allow = known == METHOD_GET    ? "GET, HEAD, OPTIONS"
                           : known == METHOD_POST ? "POST, OPTIONS"
                                                  : "GET, HEAD, POST, OPTIONS";
    if (method == METHOD_OPTIONS)
        request->reply.status = MHD_HTTP_NO_CONTENT;
    else
        server_reply_problem(request, MHD_HTTP_METHOD_NOT_ALLOWED, "method-not-allowed",
                             "The path does not know this method.", request->reply.allow);
    return true;
}

static bool over_rate(struct server_request *request)
{
    struct server *server = request->server;
    double rate = server->options.rate;
    if (request->route->open || rate <= 0 ||
        server_rate_take(server->rates, server_address_of(request), rate, server->options.burst,
                         server_now_ms() / 1e3))
        return false;
    server_count(&server->metrics, COUNT_REFUSED_RATE);
    server_reply_problem(request, MHD_HTTP_TOO_MANY_REQUESTS, "too-many-requests",
                         "This address asks too often.", "wait, and ask again");
    request->reply.retry_after = rate >= 1 ? 1 : (unsigned)(1 / rate) + 1;
    return true;
}

static bool wrong_token(struct server_request *request)
{
    struct server *server = request->server;
    if (request->route->open || !server->token ||
        server_token_right(server->token,
                           MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND,
                                                       MHD_HTTP_HEADER_AUTHORIZATION)))
        return false;
    server_count(&server->metrics, COUNT_REFUSED_TOKEN);
    server_reply_problem(request, MHD_HTTP_UNAUTHORIZED, "unauthorized",
                         "The token is missing or wrong.", "expected Authorization: Bearer TOKEN");
    return true;
}

/* ------------------------------------------------------------------ bodies */

/* Counts size more bytes of bodies in memory; false when there are too many. */
static bool reserve(struct server_request *request, size_t size)
{
    struct server *server = request->server;
    size_t all = atomic_fetch_add(&server->waiting_bytes, size) + size;
    request->reserved += size;
    if (all <= server->options.max_waiting_bytes)
        return true;
    server_count(&server->metrics, COUNT_REFUSED_MEMORY);
    return false;
}

static void drop_body(struct server_request *request)
{
    atomic_fetch_sub(&request->server->waiting_bytes, request->reserved);
    request->reserved = 0;
    dy_free(request->body);
    request->body = NULL;
    request->body_room = request->body_size = 0;
}

static void reply_too_large(struct server_request *request)
{
    char detail[80];
    snprintf(detail, sizeof detail, "the body is larger than %llu bytes",
             (unsigned long long)request->server->options.max_body_bytes);
    server_reply_problem(request, MHD_HTTP_CONTENT_TOO_LARGE, "too-large",
                         dylumo_status_text(DYLUMO_TOO_LARGE), detail);
}

/* Room for a body whose length was told, before any of it is read. */
static bool make_room(struct server_request *request)
{
    const char *told = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND,
                                                   MHD_HTTP_HEADER_CONTENT_LENGTH);
    unsigned long long size = told ? strtoull(told, NULL, 10) : 0; /* libmicrohttpd checked it */
    if (size > request->server->options.max_body_bytes) {
        reply_too_large(request);
        return false;
    }
    if (size && !reserve(request, size)) {
        drop_body(request);
        server_reply_busy(request, "too many bodies are being received");
        return false;
    }
    return true;
}

/* Takes a piece of the body; what is over the limit is thrown away until the end, where the answer
 * can be given, but no more than once the limit again. */
static enum MHD_Result take_piece(struct server_request *request, const char *piece, size_t *size)
{
    size_t most = request->server->options.max_body_bytes;
    size_t whole = request->body_size + *size;
    if (!request->too_large && whole > most) {
        drop_body(request);
        request->too_large = true;
    }
    if (request->too_large) {
        request->body_size += *size;
        *size = 0;
        return request->body_size > most ? MHD_NO : MHD_YES;
    }
    if (whole > request->body_room) {
        size_t room = whole > request->reserved ? whole * 2 + SMALLEST_BODY : request->reserved;
        if ((room > request->reserved && !reserve(request, room - request->reserved)))
            return MHD_NO;
        uint8_t *body = dy_mem_realloc(request->body, room);
        if (!body)
            return MHD_NO;
        request->body = body;
        request->body_room = room;
    }
    memcpy(request->body + request->body_size, piece, *size);
    request->body_size = whole;
    *size = 0;
    return MHD_YES;
}

/* ------------------------------------------------------------------ requests */

static enum MHD_Result answer_now(struct server_request *request)
{
    struct server_models *models = server_models_take(request->server);
    request->route->answer(request, NULL, models);
    server_models_give(request->server, models);
    return server_reply_send(request);
}

static enum MHD_Result answer(struct server_request *request)
{
    struct server *server = request->server;
    if (request->too_large) {
        reply_too_large(request);
        return server_reply_send(request);
    }
    if (!request->route->queued)
        return answer_now(request);
    give_time(server, link_of(request->connection), 0);
    if (server_work_push(request))
        return MHD_YES;
    server_count(&server->metrics, COUNT_REFUSED_QUEUE);
    server_reply_busy(request, "the queue is full");
    return server_reply_send(request);
}

/* The head is there. Refuses, or lets the body come. */
static enum MHD_Result begin(struct server_request *request, const char *path, const char *method)
{
    struct server *server = request->server;
    request->route = server_route_of(path, request->id);
    request->reply.old = request->route && request->route->old;
    request->reply.file = request->route ? server_file_of(path) : NULL;
    enum server_method asked = method_of(method, &request->method_name);
    bool refused = !head_is_plain(request);
    if (!refused && !request->route) {
        server_reply_problem(request, MHD_HTTP_NOT_FOUND, "not-found", "There is no such path.",
                             "see /openapi.json");
        refused = true;
    }
    refused = refused || over_rate(request) || wrong_method(request, asked) ||
              wrong_token(request) || !make_room(request);
    if (refused) {
        request->reply.file = NULL;
        return server_reply_send(request);
    }
    request->stage = STAGE_BODY;
    give_time(server, link_of(request->connection), server->options.receive_seconds);
    return MHD_YES;
}

/* When a head is there, and not before: libmicrohttpd tells no end of a request whose parameters
 * have no room. NULL: there is no memory. */
static struct server_request *request_begins(struct server *server,
                                             struct MHD_Connection *connection)
{
    struct server_request *request = dy_new(sizeof *request);
    if (!request)
        return NULL;
    request->server = server;
    request->connection = connection;
    request->method_name = "?";
    request->begun_ms = server_now_ms();
    server->metrics.running++;
    return request;
}

static enum MHD_Result handle(void *user, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *piece,
                              size_t *piece_size, void **context)
{
    (void)version;
    struct server *server = user;
    if (!*context)
        *context = request_begins(server, connection);
    struct server_request *request = *context;
    if (!request)
        return MHD_NO;
    switch (request->stage) {
    case STAGE_HEAD:
        return begin(request, path, method);
    case STAGE_BODY:
        if (*piece_size)
            return take_piece(request, piece, piece_size);
        return answer(request);
    case STAGE_WAITING: /* a worker is done with it */
        drop_body(request);
        give_time(server, link_of(request->connection), server->options.send_seconds);
        return server_reply_send(request);
    case STAGE_ANSWERED:
        break;
    }
    *piece_size = 0;
    return MHD_YES;
}

static void log_request(const struct server_request *request, bool whole, double ms)
{
    server_say(request->server, "%s %s %u %zu bytes %.1f ms%s", request->method_name,
               server_route_name(server_route_number(request->route)), request->reply.status,
               request->reply.size, ms, whole ? "" : " (cut off)");
}

static void request_ends(void *user, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode how)
{
    struct server *server = user;
    struct server_request *request = *context;
    if (!request)
        return;
    *context = NULL;
    double ms = server_now_ms() - request->begun_ms;
    if (request->reply.status)
        server_count_request(&server->metrics, server_route_number(request->route),
                             request->reply.status, ms);
    if (request->stage != STAGE_HEAD)
        log_request(request, how == MHD_REQUEST_TERMINATED_COMPLETED_OK, ms);
    drop_body(request);
    free(request->reply.text);
    dy_free(request);
    give_time(server, link_of(connection), server->options.head_seconds);
    server->metrics.running--;
}

/* ------------------------------------------------------------------ start and stop */

/* A port, all of text. */
static bool port_fits(const char *text)
{
    size_t size = strlen(text);
    return size >= 1 && size <= 5 && strspn(text, "0123456789") == size && atol(text) <= 65535;
}

/* "127.0.0.1:8080", "[::1]:0", ":8080" into an address; no name is ever looked up but localhost. */
static enum dylumo_status resolve(const char *text, struct sockaddr_storage *address,
                                  struct dylumo_error *err)
{
    const char *colon = strrchr(text, ':');
    char host[256] = "";
    size_t size = colon ? (size_t)(colon - text) : 0;
    if (!colon || size >= sizeof host || !port_fits(colon + 1))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "'%s' is no address; expected HOST:PORT", text);
    bool bracketed = size > 2 && text[0] == '[' && text[size - 1] == ']';
    memcpy(host, text + bracketed, size - 2 * bracketed);
    if (!strcmp(host, "localhost"))
        memcpy(host, "127.0.0.1", sizeof "127.0.0.1");
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV | AI_NUMERICHOST,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int problem = getaddrinfo(*host ? host : NULL, colon + 1, &hints, &found);
    if (problem)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "'%s' is no address: %s", text,
                       gai_strerror(problem));
    memcpy(address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return DYLUMO_OK;
}

static enum dylumo_status check_safety(const struct server *server,
                                       const struct sockaddr_storage *address,
                                       struct dylumo_error *err)
{
    if (server->token || server->options.no_token ||
        server_is_loopback((const struct sockaddr *)address))
        return DYLUMO_OK;
    return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                   "listening on %s lets others in: give --token-file FILE, or --no-token if that "
                   "is meant",
                   server->options.listen);
}

static enum dylumo_status read_pem(char **text, const char *path, struct dylumo_error *err)
{
    uint8_t *bytes;
    size_t size;
    enum dylumo_status st = dy_read_file(&bytes, &size, path, 1 << 20, err);
    if (st)
        return st;
    *text = dy_new_array(size + 1, 1);
    if (*text)
        memcpy(*text, bytes, size);
    explicit_bzero(bytes, size);
    dy_free(bytes);
    if (!*text)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for it", path);
    if (!strstr(*text, "-----BEGIN "))
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: is no PEM file: it has no line that begins with -----BEGIN", path);
    return DYLUMO_OK;
}

static struct MHD_Daemon *start_daemon(struct server *server, struct sockaddr_storage *address,
                                       char *key, char *certificate)
{
    const struct dy_server_options *options = &server->options;
    struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_KEY, 0, key},
                                   {MHD_OPTION_HTTPS_MEM_CERT, 0, certificate},
                                   {MHD_OPTION_END, 0, NULL}};
    unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
                     (address->ss_family == AF_INET6 ? MHD_USE_IPv6 : 0) | (key ? MHD_USE_TLS : 0);
    return MHD_start_daemon(
        flags, 0, NULL, NULL, handle, server, MHD_OPTION_SOCK_ADDR, address,
        MHD_OPTION_NOTIFY_COMPLETED, request_ends, server, MHD_OPTION_NOTIFY_CONNECTION,
        connection_changes, server, MHD_OPTION_CONNECTION_LIMIT, options->connections,
        MHD_OPTION_CONNECTION_TIMEOUT, options->head_seconds + options->receive_seconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_LISTENING_ADDRESS_REUSE, 1U, MHD_OPTION_ARRAY, key ? tls : tls + 2,
        MHD_OPTION_END);
}

enum dylumo_status server_http_start(struct server *server, struct dylumo_error *err)
{
    const struct dy_server_options *options = &server->options;
    struct sockaddr_storage address = {0};
    char *key = NULL, *certificate = NULL;
    enum dylumo_status st = resolve(options->listen, &address, err);
    if (!st)
        st = check_safety(server, &address, err);
    if (!st && options->tls_key)
        st = read_pem(&key, options->tls_key, err);
    if (!st && options->tls_certificate)
        st = read_pem(&certificate, options->tls_certificate, err);
    if (!st) {
        server->daemon = start_daemon(server, &address, key, certificate);
        if (!server->daemon)
            st = dy_fail(err, DYLUMO_IO, "%s: cannot listen there%s", options->listen,
                         key ? " with this certificate and key" : "");
    }
    if (key)
        explicit_bzero(key, strlen(key)); /* libmicrohttpd has parsed it */
    dy_free(key);
    dy_free(certificate);
    return st;
}

unsigned server_http_port(const struct server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

void server_http_stop(struct server *server)
{
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    server->daemon = NULL;
}
