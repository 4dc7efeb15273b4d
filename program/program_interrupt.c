/* Interrupts and the context. The first SIGINT or SIGTERM only sets a flag, which the library looks
 * at through the context, so that half-written files go; the second takes its usual way. */
#include "dy_program.h"

#include <signal.h>
#include <stdatomic.h>

static atomic_int caught; /* lock-free, so a handler may write it */

static void catch_signal(int number)
{
    caught = number;
}

void program_catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = catch_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    struct sigaction old;
    /* a program started with "nohup" or in the background of a script keeps ignoring */
    if (!sigaction(SIGINT, NULL, &old) && old.sa_handler != SIG_IGN)
        sigaction(SIGINT, &action, NULL);
    if (!sigaction(SIGTERM, NULL, &old) && old.sa_handler != SIG_IGN)
        sigaction(SIGTERM, &action, NULL);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGPIPE, &ignore, NULL);
}

int program_interrupted(void)
{
    return caught;
}

static int cancelled(void *user)
{
    (void)user;
    return caught;
}

static void log_warning(void *user, enum dylumo_log_level level, const char *text)
{
    (void)user;
    if (level >= DYLUMO_LOG_WARNING)
        program_say("%s", text);
}

struct dylumo_context program_context(void)
{
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.cancelled = cancelled;
    context.progress = program_progress;
    context.log = log_warning;
    return context;
}
