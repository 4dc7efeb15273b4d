/* The progress bar: one line on standard error, redrawn in place.
 *
 *     import  [##############............]  53 %  812,345  1,203,000/s  1 s left
 *
 * Nothing is drawn where standard error is no terminal, nor in a task's first half second. What is
 * named "... (bytes)" is counted in MB and GB. */
#include "dy_program.h"

#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define BYTES " (bytes)"

static struct {
    pthread_mutex_t lock;
    char what[64];
    double begun, drawn; /* seconds of the monotonic clock */
    uint64_t first;      /* what was done when the bar began */
    bool shown, bytes;
} bar = {.lock = PTHREAD_MUTEX_INITIALIZER};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static size_t terminal_columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col < 20)
        return 80;
    return size.ws_col < 200 ? size.ws_col : 200;
}

/* 1234567 as "1,234,567" */
static const char *grouped(uint64_t number, char text[32])
{
    char *at = text + 31;
    *at = '\0';
    for (int digit = 0; digit == 0 || number; digit++, number /= 10) {
        if (digit && digit % 3 == 0)
            *--at = ',';
        *--at = (char)('0' + number % 10);
    }
    return at;
}

static void format_left(double seconds, char *text, size_t size)
{
    if (seconds < 90)
        snprintf(text, size, "%.0f s left", seconds);
    else if (seconds < 5400)
        snprintf(text, size, "%.0f min left", seconds / 60);
    else
        snprintf(text, size, "%.1f h left", seconds / 3600);
}

/* A count; of what is named "... (bytes)" as "605.2 MB". */
static const char *counted(uint64_t number, char text[32])
{
    if (!bar.bytes)
        return grouped(number, text);
    if (number < 1000000000)
        snprintf(text, 32, "%.1f MB", (double)number / 1e6);
    else
        snprintf(text, 32, "%.2f GB", (double)number / 1e9);
    return text;
}

static void draw(uint64_t done, uint64_t total, double time)
{
    char end[128], count[32], speed[32], left[32] = "";
    double rate = (double)(done - bar.first) / (time - bar.begun);
    double share = total ? (double)done / (double)total : 0;
    if (total && rate > 0)
        format_left((double)(total - done) / rate, left, sizeof left);
    snprintf(end, sizeof end, "%3.0f %%  %s  %s/s  %s", share * 100, counted(done, count),
             counted((uint64_t)rate, speed), left);
    size_t columns = terminal_columns() - 1;
    size_t named = strlen(bar.what) - (bar.bytes ? sizeof BYTES - 1 : 0);
    size_t taken = named + strlen(end) + 6;
    size_t width = columns > taken + 5 ? columns - taken : 0;
    width = width > 40 ? 40 : width;
    size_t full = (size_t)(share * (double)width);
    char cells[48];
    memset(cells, '.', sizeof cells);
    memset(cells, '#', full);
    char line[256];
    if (width)
        snprintf(line, sizeof line, "%.*s  [%.*s]  %s", (int)named, bar.what, (int)width, cells,
                 end);
    else
        snprintf(line, sizeof line, "%.*s  %s", (int)named, bar.what, end);
    fprintf(stderr, "\r%.*s\033[K", (int)columns, line);
    fflush(stderr);
}

static void take_down(void)
{
    if (bar.shown)
        fputs("\r\033[K", stderr);
    bar.shown = false;
}

void program_progress(void *user, const char *what, uint64_t done, uint64_t total)
{
    (void)user;
    if (!isatty(STDERR_FILENO))
        return;
    pthread_mutex_lock(&bar.lock);
    double time = now();
    if (done > total && total)
        done = total;
    if (strncmp(bar.what, what, sizeof bar.what - 1) != 0 || done < bar.first) {
        take_down();
        snprintf(bar.what, sizeof bar.what, "%s", what);
        size_t length = strlen(bar.what), end = sizeof BYTES - 1;
        bar.bytes = length > end && !strcmp(bar.what + length - end, BYTES);
        bar.begun = bar.drawn = time;
        bar.first = done;
    }
    if (time - bar.begun > 0.5 && time - bar.drawn > 0.1) {
        draw(done, total, time);
        bar.drawn = time;
        bar.shown = true;
    }
    pthread_mutex_unlock(&bar.lock);
}

void program_progress_clear(void)
{
    pthread_mutex_lock(&bar.lock);
    take_down();
    bar.what[0] = '\0';
    pthread_mutex_unlock(&bar.lock);
}
