/* From process start to ten songs: bench_startup DYLUMO PHOTO RUNS [OPTION...].
 *
 * Runs `DYLUMO recommend --timing PHOTO` again and again, one process at a time, and prints one row
 * of a table: the median and the best wall time from before fork until the process is gone, its
 * highest resident memory, and the medians of the parts that --timing tells. "process" is what the
 * parts leave: exec, the dynamic linker, exit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PARTS = 8, MAX_RUNS = 1000, WALL = PARTS, MEMORY, PROCESS, COLUMNS };

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

/* The numbers of "timing: start 1.2 ms, read 0.1, ...", in its order. */
static int read_parts(char *text, double *row)
{
    double sum = 0;
    char *at = strstr(text, "timing: ");
    if (!at)
        return 0;
    at += strlen("timing: ");
    for (int i = 0; i < PARTS; i++) {
        at = strchr(at, ' ');
        if (!at)
            return 0;
        row[i] = strtod(at, &at);
        sum += row[i];
        at = strchr(at, ',');
        at = at ? at + 2 : "";
    }
    row[PROCESS] = row[WALL] - sum;
    return 1;
}

static void run_once(char **command, double *row)
{
    int report[2];
    if (pipe(report))
        exit(1);
    double begun = now_ms();
    pid_t child = fork();
    if (!child) {
        dup2(report[1], STDERR_FILENO);
        if (!freopen("/dev/null", "w", stdout))
            _exit(126);
        close(report[0]);
        close(report[1]);
        execv(command[0], command);
        _exit(127);
    }
    close(report[1]);
    char text[2048];
    size_t used = 0;
    ssize_t got;
    while ((got = read(report[0], text + used, sizeof text - 1 - used)) > 0)
        used += (size_t)got;
    text[used] = '\0';
    close(report[0]);
    int status;
    struct rusage usage;
    wait4(child, &status, 0, &usage);
    row[WALL] = now_ms() - begun;
    row[MEMORY] = (double)usage.ru_maxrss / 1024;
    if (status || !read_parts(text, row)) {
        fprintf(stderr, "%s", text);
        exit(1);
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: bench_startup DYLUMO PHOTO RUNS [OPTION...]\n");
        return 2;
    }
    int runs = atoi(argv[3]);
    runs = runs < 1 ? 1 : runs > MAX_RUNS ? MAX_RUNS : runs;
    char recommend[] = "recommend", timing[] = "--timing";
    char *command[32] = {argv[1], recommend, timing, argv[2]};
    for (int i = 4; i < argc && i < 30; i++)
        command[i] = argv[i];
    static double column[COLUMNS][MAX_RUNS];
    for (int run = -1; run < runs; run++) { /* the first warms the files */
        double row[COLUMNS];
        run_once(command, row);
        for (int i = 0; run >= 0 && i < COLUMNS; i++)
            column[i][run] = row[i];
    }
    for (int i = 0; i < COLUMNS; i++)
        qsort(column[i], (size_t)runs, sizeof column[i][0], by_size);
    printf("| %.1f | %.1f | %.0f | %.1f ", column[WALL][runs / 2], column[WALL][0],
           column[MEMORY][runs / 2], column[PROCESS][runs / 2]);
    for (int i = 0; i < PARTS; i++)
        printf("| %.1f ", column[i][runs / 2]);
    puts("|");
    return 0;
}
