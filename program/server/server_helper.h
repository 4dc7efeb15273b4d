/* The decoder's helper: a process without files or rights that turns a stranger's picture into the
 * encoder's pixels. Server and helper are the same program at the two ends of one socket. */
#ifndef SERVER_HELPER_H
#define SERVER_HELPER_H

#include "server_metrics.h"

#define HELPER_MAGIC 0x64796c6fU
#define HELPER_PIXELS_MAX (1024U * 1024 * 3)

/* What goes over the socket: a question, its bytes; an answer, its pixels when status is OK. */
struct helper_question {
    uint32_t magic, exact;
    uint64_t size, max_pixels;
    struct dylumo_view view;
};
struct helper_answer {
    uint32_t magic, status;
    struct dylumo_picture picture;
    char text[1024];
};

/* One helper, of one worker: started when first needed, and again after it died. */
struct server_helper {
    int pid;     /* 0: none */
    int socket;  /* -1: none */
    int seconds; /* that it may take for a picture */
    struct server_metrics *metrics;
};

#define SERVER_HELPER_INIT(seconds, metrics) ((struct server_helper){0, -1, seconds, metrics})

/* dylumo_decode in the helper. bytes are asked for with max_pixels; name is for sentences.
 *
 * Fails    as dylumo_decode; BAD_PICTURE also when the helper died of it or took too long;
 * IO when no helper can be started. */
enum dylumo_status server_helper_decode(struct server_helper *helper, const void *bytes,
                                        size_t size, const char *name,
                                        const struct dylumo_view *view, bool exact,
                                        uint64_t max_pixels, uint8_t *pixels,
                                        struct dylumo_picture *picture,
                                        struct dylumo_error *err) DY_MUST_USE;
void server_helper_stop(struct server_helper *helper);

/* All of size bytes over a socket, within seconds; false when the other end is gone or slow. */
bool helper_send(int socket, const void *bytes, size_t size, int seconds);
bool helper_receive(int socket, void *bytes, size_t size, int seconds);

/* Gives up every right that decoding does not need (server_cage.c). */
enum dylumo_status server_cage(struct dylumo_error *err) DY_MUST_USE;

#endif
