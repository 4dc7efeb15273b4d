/* program: the command `dylumo`. One binary, one verb a file: command_<verb>.c reads arguments,
 * calls the library and shows what came back.
 *
 * To add a verb: write command_<verb>.c with `int command_<verb>(int argc, char **argv)`, name the
 * file in program/meson.build, and add one line to PROGRAM_VERBS below. Help, typo hints and the
 * table of verbs follow from that. A command includes this header, dylumo.h, the forge's headers
 * and base; nothing else of lib/ is on its include path.
 *
 *     static const struct program_option options[] = {
 *         {"output", 'o', "FILE", "the songs file to write"},
 *         {"threads", 't', "N", "use at most N threads"},
 *     };
 *     static const struct program_usage usage = {
 *         "import", "FILE.csv", "Makes a songs file of a table of songs.", options,
 *         DY_COUNT(options), NULL};
 *
 *     int command_import(int argc, char **argv)
 *     {
 *         struct program_arguments args = program_arguments_of(&usage, argc, argv);
 *         const char *output = "songs.dylumo";
 *         uint64_t threads = 0;
 *         int option;
 *         while ((option = program_next(&args)) != PROGRAM_END) {
 *             if (option == 'o')
 *                 output = args.value;
 *             else if (option == 't')
 *                 program_whole(&args, 1, 1024, &threads);
 *         }
 *         if (args.stop || program_expect_names(&args, 1, 1))
 *             return args.exit_code;
 *         struct dylumo_context context = program_context();
 *         ... args.names[0], args.name_count ...
 *         return status ? program_fail(&err) : PROGRAM_OK;
 *     } */
#ifndef DY_PROGRAM_H
#define DY_PROGRAM_H

#include "dy_base.h"

/* Every verb: its function is command_<verb>, its file command_<verb>.c. */
#define PROGRAM_VERBS(X)                                                       \
    X(recommend, "songs that fit a photo")                                     \
    X(serve, "the same over HTTP, with a page")                                \
    X(songs, "looks into songs files: info, find, near, export, merge, check") \
    X(import, "a songs file from a table of songs")                            \
    X(train, "a mood file from labelled pictures")                             \
    X(embed, "what the encoder sees in pictures, as numbers")                  \
    X(evaluate, "how well songs fit pictures")                                 \
    X(models, "the weights that are here; takes in CLIP's")                    \
    X(get, "downloads data sets and weights")                                  \
    X(kaggle, "trains on Kaggle's machines: setup, push, status, pull")        \
    X(doctor, "what is here, whether it fits together, what is missing")       \
    X(help, "what a command does and how it is called")

#define PROGRAM_DECLARE(verb, about) int command_##verb(int argc, char **argv);
PROGRAM_VERBS(PROGRAM_DECLARE)
#undef PROGRAM_DECLARE

/* One verb of the table; NULL past its end, or for an unknown name. */
struct program_verb {
    const char *name, *about;
    int (*run)(int argc, char **argv);
};
const struct program_verb *program_verb_at(size_t index);
const struct program_verb *program_verb_named(const char *name);
/* A mistake in the call: no verb has this name; with the one that was meant. Returns
 * PROGRAM_USAGE. */
int program_unknown_verb(const char *word);
/* The page of `dylumo --help`. */
void program_print_help(FILE *to);

/* ------------------------------------------------------------------ exit (program_exit.c) */

/* Exit codes; those above 2 tell how the one thing that was asked failed. docs/exit-codes.md and
 * the man page say the same. */
enum program_exit {
    PROGRAM_OK = 0,
    PROGRAM_PARTLY = 1, /* some of several photos or steps failed; or an answer of "no" */
    PROGRAM_USAGE = 2,
    PROGRAM_NO_MEMORY = 3,
    PROGRAM_NOT_FOUND = 4,
    PROGRAM_NO_PERMISSION = 5,
    PROGRAM_IO = 6,
    PROGRAM_BAD_PICTURE = 7,
    PROGRAM_BAD_FILE = 8,
    PROGRAM_TOO_LARGE = 9,
    PROGRAM_MISMATCH = 10,
    PROGRAM_UNSUPPORTED = 11,
    PROGRAM_NETWORK = 12,
    PROGRAM_INTERRUPTED = 130, /* 128 + SIGINT; 143 for SIGTERM */
    PROGRAM_BROKEN_PIPE = 141  /* nobody reads standard output any more */
};
int program_exit_code(enum dylumo_status status);

/* "dylumo: sentence" on standard error, after taking down the progress bar. */
void program_say(const char *format, ...) DY_PRINTF(1, 2);
/* The same for err; returns its exit code. An interrupt is not worth a sentence. */
int program_fail(const struct dylumo_error *err);
/* A mistake in the call: the sentence, then where help is. Returns PROGRAM_USAGE. verb may be
 * NULL. */
int program_usage_error(const char *verb, const char *format, ...) DY_PRINTF(2, 3);
/* Sends on what was printed so far; false when it does not get there any more. */
bool program_flush(void);
/* The last thing that main does: says so when what was printed did not get there; returns code, or
 * what that failure makes of it. */
int program_finish(int code);

/* ------------------------------------------------------------------ arguments
 * (program_arguments.c) */

struct program_option {
    const char *name;  /* long: "songs" is --songs */
    int id;            /* its letter where it has one, else any number from 256 on */
    const char *value; /* "FILE"; NULL: takes none */
    const char *help;  /* NULL: another spelling, not shown */
};

struct program_usage {
    const char *verb;      /* "recommend" */
    const char *arguments; /* "PHOTO..." */
    const char *about;     /* one or more lines */
    const struct program_option *options;
    size_t option_count;
    const char *after; /* more text below the options, or NULL */
};

/* What the loop over the arguments knows. names are the arguments that are no options. */
struct program_arguments {
    const struct program_usage *usage;
    int argc;
    char **argv;
    const char *value;                   /* of the option that program_next returned */
    const struct program_option *option; /* that option */
    char **names;
    size_t name_count;
    bool stop; /* help was shown, or a mistake was said: leave with exit_code */
    int exit_code;
};

#define PROGRAM_END (-1)

/* argv[0] is the verb. One loop at a time (getopt keeps its place in globals). */
struct program_arguments program_arguments_of(const struct program_usage *usage, int argc,
                                              char **argv);
/* The next option's id, or PROGRAM_END: then names are set, or stop is. --help is seen to. */
int program_next(struct program_arguments *args);
/* The value of the current option as a number within min to max; else says what was wrong and sets
 * stop. program_whole takes no sign, fraction or unit. */
bool program_whole(struct program_arguments *args, uint64_t min, uint64_t max, uint64_t *number);
bool program_real(struct program_arguments *args, double min, double max, double *number);
/* A size in bytes: a whole number, with K, M or G (of 1024) after it. */
bool program_bytes(struct program_arguments *args, uint64_t max, uint64_t *bytes);
/* text as a finite number, all of it, with a decimal point in every locale. */
bool program_parse_real(const char *text, double *number);
/* Says a mistake of the current option and sets stop. */
void program_bad_option(struct program_arguments *args, const char *format, ...) DY_PRINTF(2, 3);
/* true when there are fewer than min or more than max names (and says so, and sets stop). */
bool program_expect_names(struct program_arguments *args, size_t min, size_t max);

/* The candidate most like word, or NULL when none is near enough to be meant. next gives the
 * index-th candidate, NULL past the end. (program_hint.c) */
const char *program_nearest_word(const char *word, const char *(*next)(const void *user, size_t),
                                 const void *user);

/* ------------------------------------------------------------------ lists of songs (program_ids.c)
 */

struct program_ids {
    char **ids; /* [count], not NULL once a file was read */
    size_t count, room;
};

/* Adds the ids of a file (- is standard input), one a line, to list, which begins zeroed.
 *
 * Owns     program_ids_free gives back all, also after a failure.
 * Fails    as dy_read_file; BAD_FILE with the line of what cannot be an id. */
enum dylumo_status program_read_ids(struct program_ids *list, const char *path,
                                    struct dylumo_error *err) DY_MUST_USE;
void program_ids_free(struct program_ids *list);

/* ------------------------------------------------------------------ outputs (program_output.c) */

/* PROGRAM_OK when output is none of the files that are read, by whatever name or link; else a
 * mistake in the call, which it says. */
int program_spare_inputs(const char *verb, const char *output, const char *const *inputs,
                         size_t count) DY_MUST_USE;
/* Whether output is, or will be, a file beside which others can lie: not standard output, a pipe
 * or a device. */
bool program_output_has_name(const char *output);

/* ------------------------------------------------------------------ running
 * (program_interrupt.c, program_progress.c) */

/* SIGINT and SIGTERM set a flag, a second one ends the program at once; SIGPIPE is ignored. */
void program_catch_interrupts(void);
/* 0, or the signal that came. */
int program_interrupted(void);

/* A context whose cancelled, progress and log are the program's: interrupts, the bar below, and
 * warnings on standard error. Everything else is left at its default. */
struct dylumo_context program_context(void);

/* A bar on standard error with rate and time left, only where that is a terminal, at most ten times
 * a second; `what` begins a new bar. Any thread. */
void program_progress(void *user, const char *what, uint64_t done, uint64_t total);
/* Takes the bar down, so that a line can be printed. */
void program_progress_clear(void);

#endif
