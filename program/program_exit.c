/* How the program ends: one table from statuses to exit codes, one form for sentences on standard
 * error, and the check that standard output arrived. */
#include "dy_program.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int program_exit_code(enum dylumo_status status)
{
    switch (status) {
    case DYLUMO_OK:
        return PROGRAM_OK;
    case DYLUMO_BAD_ARGUMENT:
        return PROGRAM_USAGE;
    case DYLUMO_NO_MEMORY:
        return PROGRAM_NO_MEMORY;
    case DYLUMO_NOT_FOUND:
        return PROGRAM_NOT_FOUND;
    case DYLUMO_NO_PERMISSION:
        return PROGRAM_NO_PERMISSION;
    case DYLUMO_IO:
        return PROGRAM_IO;
    case DYLUMO_BAD_PICTURE:
        return PROGRAM_BAD_PICTURE;
    case DYLUMO_BAD_FILE:
        return PROGRAM_BAD_FILE;
    case DYLUMO_TOO_LARGE:
        return PROGRAM_TOO_LARGE;
    case DYLUMO_MISMATCH:
        return PROGRAM_MISMATCH;
    case DYLUMO_UNSUPPORTED:
        return PROGRAM_UNSUPPORTED;
    case DYLUMO_CANCELLED:
        return PROGRAM_INTERRUPTED;
    case DYLUMO_NETWORK:
        return PROGRAM_NETWORK;
    }
    return PROGRAM_PARTLY;
}

/* errno of the first failure to write standard output; later ones need not tell the reason. */
static int output_problem;

/* Asked of the pipe itself, because whoever wrote in vain may not have kept the reason. */
static bool nobody_reads(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&output, 1, 0) == 1 && (output.revents & POLLERR);
}

bool program_flush(void)
{
    errno = 0;
    bool good = fflush(stdout) == 0 && !ferror(stdout);
    if (!good && !output_problem)
        output_problem = nobody_reads() ? EPIPE : errno ? errno : EIO;
    return good;
}

static void say(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));
static void say(const char *format, va_list arguments)
{
    char text[2048];
    vsnprintf(text, sizeof text, format, arguments);
    char *clean = dy_text_clean(text, strlen(text), NULL);
    program_progress_clear();
    program_flush(); /* in the order in which things happened, where both go to one place */
    fprintf(stderr, "dylumo: %s\n", clean ? clean : "no memory for an error message");
    dy_free(clean);
}

void program_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

int program_fail(const struct dylumo_error *err)
{
    program_flush();
    if (err->status == DYLUMO_IO && output_problem == EPIPE)
        return PROGRAM_BROKEN_PIPE;
    if (!program_interrupted())
        program_say("%s", err->text);
    return program_exit_code(err->status);
}

int program_usage_error(const char *verb, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    fprintf(stderr, "Try 'dylumo %s%s--help'.\n", verb ? verb : "", verb ? " " : "");
    return PROGRAM_USAGE;
}

int program_finish(int code)
{
    program_progress_clear();
    program_flush();
    if (program_interrupted())
        return 128 + program_interrupted();
    if (!output_problem)
        return code;
    if (output_problem == EPIPE)
        return PROGRAM_BROKEN_PIPE;
    if (code != PROGRAM_IO) /* else a sentence has told */
        program_say("standard output: cannot write: %s", strerror(output_problem));
    return PROGRAM_IO;
}
