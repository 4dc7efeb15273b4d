/* What the server counts about itself, shown at /metrics. Any thread may count. */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include "dy_base.h"

#include <stdatomic.h>

#define SERVER_BUCKETS 12 /* of the duration's histogram, the last without bound */

enum server_counter {
    COUNT_REFUSED_QUEUE,
    COUNT_REFUSED_RATE,
    COUNT_REFUSED_TOKEN,
    COUNT_REFUSED_MEMORY,
    COUNT_CUT_OFF,
    COUNT_HELPER_DEATHS,
    COUNT_REOPENED,
    COUNT_REOPEN_FAILED,
    SERVER_COUNTERS
};

#define SERVER_ROUTES_MAX 24

struct server_metrics {
    atomic_ullong counters[SERVER_COUNTERS];
    atomic_ullong requests[SERVER_ROUTES_MAX][6]; /* route, hundreds of the status */
    atomic_ullong durations[SERVER_BUCKETS];
    atomic_ullong duration_us; /* their sum */
    atomic_ullong pictures, decode_us, encode_us, search_us;
    atomic_uint running, waiting, connections;
    double started; /* Unix time */
};

void server_count(struct server_metrics *metrics, enum server_counter counter);
void server_count_request(struct server_metrics *metrics, unsigned route, unsigned status,
                          double ms);
/* The page for Prometheus (text format 0.0.4); route_name gives a route's pattern, NULL past the
 * last. dy_free; NULL without memory. */
char *server_metrics_text(const struct server_metrics *metrics, uint64_t songs,
                          const char *(*route_name)(unsigned route));

#endif
