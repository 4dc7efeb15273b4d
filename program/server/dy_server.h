/* server: dylumo over HTTP. Stands on dylumo.h, base and present; libmicrohttpd speaks the
 * protocol, what is asked and answered is ours and told in docs/http-api.md.
 *
 * One thread serves all connections and never waits: it reads heads and bodies within limits and
 * hands what needs work to a queue. A few workers take from it; each owns a helper process that
 * decodes pictures without any rights. A full queue is refused at once. */
#ifndef DY_SERVER_H
#define DY_SERVER_H

#include "dy_base.h"

/* The second word of `dylumo <word>` that makes a process a decoder's helper. */
#define DY_SERVER_HELPER "--decoder-helper"

struct dy_server_options {
    const char *listen;         /* "127.0.0.1:8080", "[::1]:0", ":8080"; port 0: any free one */
    struct dylumo_options open; /* which files */
    unsigned workers;           /* 0: one a core */
    unsigned queue;             /* requests that may wait for a worker */
    unsigned connections;       /* open at once */
    uint64_t max_body_bytes;    /* of one request */
    uint64_t max_waiting_bytes; /* of all bodies together */
    uint64_t max_pixels;        /* of one picture */
    unsigned head_seconds;      /* to send a head, and to keep an idle connection */
    unsigned receive_seconds;   /* to send a body */
    unsigned send_seconds;      /* to take an answer */
    unsigned decode_seconds;    /* that a helper may take for a picture */
    unsigned stop_seconds;      /* that a stop waits for what runs */
    double rate;                /* requests a second of one address; 0: any number */
    double burst;               /* so many at once before rate counts */
    bool forwarded;             /* a proxy's X-Forwarded-For names the address */
    const char *token_file;     /* NULL: no token */
    bool no_token;              /* none is wanted even beyond loopback */
    const char *tls_certificate, *tls_key; /* PEM files; both or neither */
    const char *const *origins; /* [origin_count] that may ask from a page of theirs; "*": all */
    size_t origin_count;
    void (*say)(const char *text); /* a line for the log; any thread */
};

/* Serves until SIGTERM or SIGINT, then finishes what runs; a second signal ends it at once. SIGHUP
 * opens the files again, without dropping a request; when they cannot be opened, the old ones stay.
 *
 * Fails    as dylumo_open; BAD_ARGUMENT for an address, token or certificate that will not do;
 * IO when the address cannot be listened on. */
enum dylumo_status dy_server_run(const struct dy_server_options *options,
                                 struct dylumo_error *err) DY_MUST_USE;

/* The helper's main: answers pictures on standard input, a socket, until that is closed. */
int dy_server_helper(void);

#endif
