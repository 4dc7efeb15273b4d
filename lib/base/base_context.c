/* Reading the caller's context: it may be NULL, or come from a program built against an older
 * header whose struct was shorter. */
#include "dy_base.h"

#include <sched.h>

#define DEFAULT_PICTURE_BYTES ((uint64_t)64 << 20)
#define DEFAULT_PIXELS ((uint64_t)100 * 1000 * 1000)

unsigned dy_context_threads(const struct dylumo_context *context)
{
    unsigned threads = DY_MEMBER(context, threads);
    if (threads)
        return threads > 256 ? 256 : threads;
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed))
        return 1;
    int count = CPU_COUNT(&allowed);
    return count < 1 ? 1 : (unsigned)count;
}

uint64_t dy_context_max_picture_bytes(const struct dylumo_context *context)
{
    uint64_t bytes = DY_MEMBER(context, max_picture_bytes);
    return bytes ? bytes : DEFAULT_PICTURE_BYTES;
}

uint64_t dy_context_max_pixels(const struct dylumo_context *context)
{
    uint64_t pixels = DY_MEMBER(context, max_pixels);
    return pixels ? pixels : DEFAULT_PIXELS;
}

bool dy_context_cancelled(const struct dylumo_context *context)
{
    int (*cancelled)(void *) = DY_MEMBER(context, cancelled);
    return cancelled && cancelled(DY_MEMBER(context, user));
}

void dy_context_progress(const struct dylumo_context *context, const char *what, uint64_t done,
                         uint64_t total)
{
    void (*progress)(void *, const char *, uint64_t, uint64_t) = DY_MEMBER(context, progress);
    if (progress)
        progress(DY_MEMBER(context, user), what, done, total);
}

void dy_context_log(const struct dylumo_context *context, enum dylumo_log_level level,
                    const char *format, ...)
{
    void (*log)(void *, enum dylumo_log_level, const char *) = DY_MEMBER(context, log);
    if (!log)
        return;
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log(DY_MEMBER(context, user), level, text);
}
