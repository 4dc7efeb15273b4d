/* What the files of the server share. */
#ifndef SERVER_INTERNAL_H
#define SERVER_INTERNAL_H

#include "dy_catalogue.h"
#include "dy_present.h"
#include "dy_server.h"
#include "server_helper.h"
#include "server_web.h"

#include <microhttpd.h>
#include <pthread.h>

#define SERVER_PICTURES_MAX 8
#define SERVER_COUNT_MAX 200
#define SERVER_ID_MAX 64

/* ------------------------------------------------------------------ models (server_models.c) */

/* What is open, shared by the requests that began with it; the last one closes it. */
struct server_models {
    struct dylumo *dylumo;
    struct dy_catalogue *catalogue; /* the same songs, for looking around in */
    unsigned users;                 /* under the server's models_lock */
};

/* ------------------------------------------------------------------ replies (server_reply.c) */

/* An answer before it is libmicrohttpd's. */
struct server_reply {
    unsigned status;
    const char *type;               /* static */
    char *text;                     /* [size] heap, for free(); or: */
    const struct server_file *file; /* one of the page's */
    size_t size;
    const char *name;     /* static: a download's file name */
    const char *allow;    /* static: for 405 and OPTIONS */
    unsigned retry_after; /* seconds, for 429 and 503 */
    bool old;             /* errors as the original's service gave them */
};

struct server;
struct server_request;

/* A text (NULL: there was no memory for it) becomes the request's reply. */
void server_reply_text(struct server_request *request, const char *type, char *text);
void server_reply_json(struct server_request *request, char *text);
/* A mistake: kind is the last word of its type, title its sentence. */
void server_reply_problem(struct server_request *request, unsigned status, const char *kind,
                          const char *title, const char *detail);
void server_reply_busy(struct server_request *request, const char *detail);
/* err as a problem, its status by one table. */
void server_reply_error(struct server_request *request, const struct dylumo_error *err);
/* Hands the reply to libmicrohttpd with all that every answer carries. */
enum MHD_Result server_reply_send(struct server_request *request);

/* ------------------------------------------------------------------ requests (server_http.c) */

enum server_method { METHOD_GET = 1, METHOD_POST = 2, METHOD_OPTIONS = 4, METHOD_OTHER = 8 };

/* A worker: a thread, its helper, its room for pixels. */
struct server_worker {
    struct server *server;
    pthread_t thread;
    struct server_helper helper;
    uint8_t *pixels[SERVER_PICTURES_MAX]; /* NULL until needed */
};

/* Makes the request's reply; worker is NULL on the connections' thread. */
typedef void server_answer(struct server_request *request, struct server_worker *worker,
                           const struct server_models *models);

struct server_route {
    const char *path; /* "{id}" stands for a segment */
    unsigned methods; /* of enum server_method */
    bool open;        /* needs no token, is not counted against the rate */
    bool old;         /* its mistakes are told as the original's service told them */
    bool queued;      /* answered by a worker; else at once, on the connections' thread */
    server_answer *answer;
};

enum server_stage { STAGE_HEAD, STAGE_BODY, STAGE_WAITING, STAGE_ANSWERED };

struct server_request {
    struct server *server;
    struct MHD_Connection *connection;
    const struct server_route *route; /* NULL: none matched */
    const char *method_name;          /* static */
    char id[SERVER_ID_MAX + 1];       /* the path's {id} */
    enum server_stage stage;
    uint8_t *body;
    size_t body_size, body_room;
    size_t reserved; /* of the server's waiting_bytes */
    bool too_large;  /* the rest of the body is thrown away */
    double begun_ms;
    struct server_reply reply;
    struct server_request *next; /* in the queue */
};

/* ------------------------------------------------------------------ routes (server_routes.c) */

/* The route of a path, its {id} into id; NULL when there is none. */
const struct server_route *server_route_of(const char *path, char id[SERVER_ID_MAX + 1]);
unsigned server_route_number(const struct server_route *route); /* NULL: the one past the last */
const char *server_route_name(unsigned number);
const struct server_file *server_file_of(const char *path);

/* ------------------------------------------------------------------ questions (server_ask.c) */

/* Which parameters a path takes. */
enum server_knob {
    KNOB_COUNT = 1,
    KNOB_MOOD =
        2, /* mood, weight, ignore, like, variety, familiar, per_artist, season, rank, text */
    KNOB_FILTER = 4, /* and exclude, only */
    KNOB_EXACT = 8,
    KNOB_FORMAT = 16, /* format, title */
    KNOB_FIND = 32,
    KNOB_IDS = 64,
    KNOB_TOP_K = 128
};

#define SERVER_KNOBS_MAX 32

/* A question as its parameters ask it. Texts point into the request, or into `owned`. */
struct server_ask {
    struct dylumo_query query;
    struct dylumo_change changes[SERVER_KNOBS_MAX];
    struct dylumo_weight weights[SERVER_KNOBS_MAX];
    enum dy_playlist format;
    const char *title, *find;
    char *ids; /* separated by commas */
    size_t picture_count;
    struct dy_part pictures[SERVER_PICTURES_MAX];
    void *owned[48]; /* [owned_count], two at most of each parameter */
    size_t owned_count;
};

/* Reads query string and form.
 *
 *   knobs     of enum server_knob: what is known here
 *   pictures  how many the path takes
 *   lenient   unknown names are passed over, as the original's service did
 *
 * Fails     BAD_ARGUMENT: unknown, doubled, malformed; UNSUPPORTED for a body of a foreign type.
 * Owns      server_ask_clear, also after failure. */
enum dylumo_status server_ask_read(struct server_ask *ask, const struct server_request *request,
                                   unsigned knobs, size_t pictures, bool lenient,
                                   struct dylumo_error *err) DY_MUST_USE;
void server_ask_clear(struct server_ask *ask);

/* ------------------------------------------------------------------ answers */

/* server_v1.c, server_songs.c, server_original.c */
server_answer server_v1_recommend, server_v1_info;
server_answer server_songs_find, server_songs_one, server_songs_near, server_songs_playlist;
server_answer server_original_health, server_original_ready, server_original_recommend;
server_answer server_original_emotions, server_original_stats;

/* Songs for what is asked: pictures go through the worker's helper. */
enum dylumo_status server_recommend(struct server_worker *worker, const struct dylumo *dylumo,
                                    const struct server_ask *ask, struct dylumo_answer **answer,
                                    struct dylumo_error *err) DY_MUST_USE;
/* Songs in the format that was asked for; json is taken where that is JSON, and freed if not. */
void server_reply_songs(struct server_request *request, const struct server_ask *ask,
                        const struct dylumo_song *songs, size_t count, char *json);

/* ------------------------------------------------------------------ limits (server_limits.c) */

#define SERVER_RATE_SLOTS 4096

struct server_rates {
    struct {
        uint64_t address;
        double tokens, at;
    } slots[SERVER_RATE_SLOTS];
};

/* Takes one from the address's bucket; false when it is empty. The connections' thread only. */
bool server_rate_take(struct server_rates *rates, uint64_t address, double rate, double burst,
                      double now);
/* One number for whoever asks: an IPv4 address, an IPv6 network of 64 bits, or what a trusted proxy
 * says. */
uint64_t server_address_of(const struct server_request *request);
/* true for loopback addresses. */
bool server_is_loopback(const struct sockaddr *address);
/* Compares in a time that does not depend on where they differ. */
bool server_token_right(const char *token, const char *authorization);

/* ------------------------------------------------------------------ the server (server.c) */

/* One open connection, for cutting off slow ones. */
struct server_link {
    struct server_link *next, *previous;
    int socket;
    double deadline; /* seconds; 0: none while a worker is busy */
};

struct server {
    struct dy_server_options options;
    char *token; /* NULL: none */
    struct MHD_Daemon *daemon;
    struct server_metrics metrics;
    struct server_rates *rates;
    atomic_bool draining;
    atomic_size_t waiting_bytes;

    pthread_mutex_t models_lock;
    struct server_models *models;
    atomic_uint answering; /* workers at a request */

    pthread_mutex_t links_lock;
    struct server_link *links;

    pthread_mutex_t queue_lock;
    pthread_cond_t queue_filled;
    struct server_request *first, *last;
    bool stopping;
    struct server_worker *workers; /* [options.workers] */
    unsigned worker_count;         /* that run */
};

double server_now_ms(void);
void server_say(const struct server *server, const char *format, ...) DY_PRINTF(2, 3);

struct server_models *server_models_take(struct server *server);
void server_models_give(struct server *server, struct server_models *models);
/* Opens the files (again) and puts them in the place of the old ones. */
enum dylumo_status server_models_open(struct server *server, struct dylumo_error *err) DY_MUST_USE;
void server_models_close(struct server *server);

/* The queue and its workers (server_work.c). */
enum dylumo_status server_work_start(struct server *server, struct dylumo_error *err) DY_MUST_USE;
void server_work_stop(struct server *server);
/* Suspends the request's connection and queues it; false when the queue is full. */
bool server_work_push(struct server_request *request);

/* libmicrohttpd's side (server_http.c). */
enum dylumo_status server_http_start(struct server *server, struct dylumo_error *err) DY_MUST_USE;
/* Where it listens, once it does. */
unsigned server_http_port(const struct server *server);
/* Shuts connections whose time is over. */
void server_http_sweep(struct server *server);
void server_http_stop(struct server *server);

#endif
