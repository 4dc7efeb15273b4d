/* One request of HTTP: redirects followed by our own hand, what the answer's head said, and whether
 * a failure is worth another try. */
#ifndef GET_HTTP_H
#define GET_HTTP_H

#include "dy_get.h"
#include "get_curl.h"

struct dy_get {
    struct get_curl curl;
    CURL *easy;
    const struct dylumo_context *context;
    bool offline;
    unsigned tries, pause_ms, stall_s;
    uint64_t random; /* state, for jitter */
};

/* The head of the last answer. Texts are cut where they are too long to be what they should be. */
struct get_head {
    long status;
    bool html;             /* Content-Type: text/html */
    uint64_t size;         /* of the whole, also in answers to a range; or DY_GET_UNKNOWN */
    uint64_t from;         /* first byte that comes, where status is 206 */
    char etag[256];        /* as sent, quotes and all */
    char modified[64];     /* Last-Modified */
    char linked_etag[128]; /* X-Linked-Etag */
    uint64_t linked_size;  /* X-Linked-Size, or DY_GET_UNKNOWN */
    char commit[64];       /* X-Repo-Commit */
    char md5[32];          /* base64, of x-goog-hash; "" where it has none */
};

/* How a request went, for who decides on another try. */
struct get_result {
    struct get_head head;
    bool again;        /* the failure may pass */
    unsigned wait_s;   /* Retry-After; 0: none */
    uint64_t received; /* bytes of the body */
};

struct get_request {
    const char *name; /* what is asked for, for sentences */
    const char *url;
    const struct dy_get_service *service;
    const struct dy_secret *secret; /* sent to url's origin, never further */
    const char *post;               /* JSON, or NULL */
    bool head_only;                 /* HEAD; redirects that leave the origin are not followed */
    uint64_t from;                  /* Range; 0: whole */
    const char *if_range;           /* validator, or NULL */
    /* Takes the body of an answer of 200 or 206; false ends the transfer, err says why. */
    bool (*take)(void *user, const struct get_head *head, const uint8_t *data, size_t size,
                 struct dylumo_error *err);
    void *user;
};

/* Fails    NETWORK (not reached, certificate, broken off, refused), CANCELLED, or what take said.
 */
enum dylumo_status get_http(struct dy_get *get, const struct get_request *request,
                            struct get_result *result, struct dylumo_error *err) DY_MUST_USE;

/* Patience over several tries of one thing. */
struct get_patience {
    unsigned failures; /* in a row without progress */
};
/* After a failure: true when it was waited and the thing may be tried again; else *st and err are
 * final. */
bool get_try_again(struct dy_get *get, struct get_patience *patience,
                   const struct get_result *result, enum dylumo_status *st,
                   struct dylumo_error *err);

#endif
