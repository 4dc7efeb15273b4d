/* Counters and their page for Prometheus: atomics that only grow, read one by one; a page is not a
 * snapshot of one instant, and need not be. */
#include "server_metrics.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const double bucket_ms[SERVER_BUCKETS - 1] = {1,   2.5, 5,    10,   25,   50,
                                                     100, 250, 1000, 2500, 10000};

static const struct {
    const char *name, *help;
} counter_names[SERVER_COUNTERS] = {
    [COUNT_REFUSED_QUEUE] = {"dylumo_refused_queue_total", "Requests refused: the queue was full."},
    [COUNT_REFUSED_RATE] = {"dylumo_refused_rate_total", "Requests refused: over the rate."},
    [COUNT_REFUSED_TOKEN] = {"dylumo_refused_token_total", "Requests refused: no right token."},
    [COUNT_REFUSED_MEMORY] = {"dylumo_refused_memory_total",
                              "Requests refused: too many bodies at once."},
    [COUNT_CUT_OFF] = {"dylumo_cut_off_total", "Connections cut off: too slow."},
    [COUNT_HELPER_DEATHS] = {"dylumo_helper_deaths_total", "Decoder helpers that died."},
    [COUNT_REOPENED] = {"dylumo_reopened_total", "Times the files were opened again."},
    [COUNT_REOPEN_FAILED] = {"dylumo_reopen_failed_total", "Times that failed."},
};

void server_count(struct server_metrics *metrics, enum server_counter counter)
{
    atomic_fetch_add_explicit(&metrics->counters[counter], 1, memory_order_relaxed);
}

void server_count_request(struct server_metrics *metrics, unsigned route, unsigned status,
                          double ms)
{
    unsigned bucket = 0;
    while (bucket < SERVER_BUCKETS - 1 && ms > bucket_ms[bucket])
        bucket++;
    if (status < 600)
        atomic_fetch_add_explicit(&metrics->requests[route][status / 100], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metrics->durations[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metrics->duration_us, (unsigned long long)(ms * 1e3),
                              memory_order_relaxed);
}

static uint64_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long long pages = 0;
    if (file) {
        if (fscanf(file, "%*u %llu", &pages) != 1)
            pages = 0;
        fclose(file);
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void gauge(FILE *page, const char *name, const char *help, double value)
{
    fprintf(page, "# HELP %s %s\n# TYPE %s gauge\n%s %.15g\n", name, help, name, name, value);
}

static void total(FILE *page, const char *name, const char *help, double value)
{
    fprintf(page, "# HELP %s %s\n# TYPE %s counter\n%s %.15g\n", name, help, name, name, value);
}

static void write_requests(FILE *page, const struct server_metrics *metrics,
                           const char *(*route_name)(unsigned route))
{
    fputs("# HELP dylumo_requests_total Requests answered.\n"
          "# TYPE dylumo_requests_total counter\n",
          page);
    for (unsigned route = 0; route < SERVER_ROUTES_MAX && route_name(route); route++)
        for (unsigned hundreds = 1; hundreds < 6; hundreds++) {
            unsigned long long count = metrics->requests[route][hundreds];
            if (count)
                fprintf(page, "dylumo_requests_total{route=\"%s\",status=\"%uxx\"} %llu\n",
                        route_name(route), hundreds, count);
        }
}

static void write_durations(FILE *page, const struct server_metrics *metrics)
{
    fputs("# HELP dylumo_request_seconds From the head's end to the answer's.\n"
          "# TYPE dylumo_request_seconds histogram\n",
          page);
    unsigned long long sum = 0;
    for (unsigned bucket = 0; bucket < SERVER_BUCKETS; bucket++) {
        sum += metrics->durations[bucket];
        if (bucket < SERVER_BUCKETS - 1)
            fprintf(page, "dylumo_request_seconds_bucket{le=\"%g\"} %llu\n",
                    bucket_ms[bucket] / 1e3, sum);
    }
    fprintf(page,
            "dylumo_request_seconds_bucket{le=\"+Inf\"} %llu\n"
            "dylumo_request_seconds_sum %.6f\n"
            "dylumo_request_seconds_count %llu\n",
            sum, (double)metrics->duration_us / 1e6, sum);
}

char *server_metrics_text(const struct server_metrics *metrics, uint64_t songs,
                          const char *(*route_name)(unsigned route))
{
    char *text = NULL;
    size_t size = 0;
    FILE *page = open_memstream(&text, &size);
    if (!page)
        return NULL;
    write_requests(page, metrics, route_name);
    write_durations(page, metrics);
    for (int i = 0; i < SERVER_COUNTERS; i++)
        total(page, counter_names[i].name, counter_names[i].help, (double)metrics->counters[i]);
    total(page, "dylumo_pictures_total", "Pictures seen.", (double)metrics->pictures);
    total(page, "dylumo_decode_seconds_total", "In the helpers.", (double)metrics->decode_us / 1e6);
    total(page, "dylumo_encode_seconds_total", "In the encoder.", (double)metrics->encode_us / 1e6);
    total(page, "dylumo_search_seconds_total", "In the catalogue.",
          (double)metrics->search_us / 1e6);
    gauge(page, "dylumo_requests_running", "Requests between head and answer.", metrics->running);
    gauge(page, "dylumo_requests_waiting", "Requests that wait for a worker.", metrics->waiting);
    gauge(page, "dylumo_connections", "Open connections.", metrics->connections);
    gauge(page, "dylumo_songs", "Songs in the catalogue.", (double)songs);
    gauge(page, "process_resident_memory_bytes", "Of the server; helpers not counted.",
          (double)resident_bytes());
    gauge(page, "process_start_time_seconds", "Unix time.", metrics->started);
    bool good = !ferror(page);
    if (fclose(page) || !good) {
        free(text);
        return NULL;
    }
    return text;
}
