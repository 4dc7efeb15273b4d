/* Arguments: getopt_long behind one table a verb, which is also its help page. getopt finds the
 * options; the sentences are ours, because they name what was expected and what was near. */
#include "dy_program.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OPTIONS = 64, HELP_ID = 'h', OPTION_COLUMNS = 30 };

struct program_arguments program_arguments_of(const struct program_usage *usage, int argc,
                                              char **argv)
{
    struct program_arguments args = {.usage = usage, .argc = argc, .argv = argv};
    optind = 0; /* glibc: start over */
    opterr = 0;
    return args;
}

/* ------------------------------------------------------------------ help */

static void print_option(const struct program_option *option)
{
    char left[96];
    bool letter = option->id < 256;
    int length = snprintf(left, sizeof left, "  %c%c%s --%s%s%s", letter ? '-' : ' ',
                          letter ? (char)option->id : ' ', letter ? "," : " ", option->name,
                          option->value ? " " : "", option->value ? option->value : "");
    if (length > OPTION_COLUMNS - 2)
        printf("%s\n%*s", left, OPTION_COLUMNS, "");
    else
        printf("%-*s", OPTION_COLUMNS, left);
    for (const char *line = option->help; line;) { /* further lines stand below the first */
        const char *end = strchr(line, '\n');
        printf("%.*s\n", end ? (int)(end - line) : (int)strlen(line), line);
        line = end ? end + 1 : NULL;
        if (line)
            printf("%*s", OPTION_COLUMNS, "");
    }
}

static void print_help(const struct program_usage *usage)
{
    printf("Usage: dylumo %s%s%s%s\n\n%s\n\nOptions:\n", usage->verb,
           usage->option_count ? " [OPTIONS]" : "", *usage->arguments ? " " : "", usage->arguments,
           usage->about);
    for (size_t i = 0; i < usage->option_count; i++)
        if (usage->options[i].help)
            print_option(&usage->options[i]);
    static const struct program_option help = {"help", HELP_ID, NULL, "this page"};
    print_option(&help);
    if (usage->after)
        printf("\n%s\n", usage->after);
}

/* ------------------------------------------------------------------ the loop */

static int stop(struct program_arguments *args, int exit_code)
{
    args->stop = true;
    args->exit_code = exit_code;
    return PROGRAM_END;
}

static const char *option_word(const void *user, size_t index)
{
    const struct program_usage *usage = user;
    if (index == usage->option_count)
        return "help";
    return index < usage->option_count ? usage->options[index].name : NULL;
}

static int unknown_option(struct program_arguments *args)
{
    const char *verb = args->usage->verb;
    if (optopt)
        return stop(args, program_usage_error(verb, "unknown option '-%c'", optopt));
    const char *word = args->argv[optind - 1];
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    const char *meant = program_nearest_word(name, option_word, args->usage);
    if (meant)
        return stop(args, program_usage_error(verb, "unknown option '--%s': did you mean '--%s'?",
                                              name, meant));
    return stop(args, program_usage_error(verb, "unknown option '--%s'", name));
}

static int help_or_mistake(struct program_arguments *args, int id)
{
    if (id == HELP_ID) {
        print_help(args->usage);
        return stop(args, PROGRAM_OK);
    }
    if (id == ':')
        return stop(args, program_usage_error(args->usage->verb, "option '%s' needs a value",
                                              args->argv[optind - 1]));
    const struct program_usage *usage = args->usage;
    for (size_t i = 0; i < usage->option_count; i++)
        if (optopt && optopt == usage->options[i].id) /* "--json=yes" */
            return stop(args, program_usage_error(usage->verb, "option '--%s' takes no value",
                                                  usage->options[i].name));
    return unknown_option(args);
}

int program_next(struct program_arguments *args)
{
    const struct program_usage *usage = args->usage;
    struct option longs[MAX_OPTIONS + 2] = {{0}};
    char letters[2 * MAX_OPTIONS + 3] = ":h";
    size_t letter_count = 2;
    if (args->stop)
        return PROGRAM_END;
    for (size_t i = 0; i < usage->option_count && i < MAX_OPTIONS; i++) {
        const struct program_option *option = &usage->options[i];
        longs[i] = (struct option){option->name, option->value ? required_argument : no_argument,
                                   NULL, option->id};
        if (option->id < 256) {
            letters[letter_count++] = (char)option->id;
            if (option->value)
                letters[letter_count++] = ':';
        }
    }
    longs[usage->option_count] = (struct option){"help", no_argument, NULL, HELP_ID};
    int at = -1;
    int id = getopt_long(args->argc, args->argv, letters, longs, &at);
    if (id == -1) {
        args->names = args->argv + optind;
        args->name_count = (size_t)(args->argc - optind);
        return PROGRAM_END;
    }
    if (id == '?' || id == ':' || id == HELP_ID)
        return help_or_mistake(args, id);
    for (size_t i = 0; i < usage->option_count; i++)
        if (at == (int)i || (at < 0 && usage->options[i].id == id)) {
            args->option = &usage->options[i];
            break;
        }
    args->value = optarg;
    return id;
}

bool program_expect_names(struct program_arguments *args, size_t min, size_t max)
{
    const char *verb = args->usage->verb;
    if (args->name_count < min)
        stop(args, program_usage_error(verb, "%s needs %s", verb, args->usage->arguments));
    else if (args->name_count > max)
        stop(args, program_usage_error(verb, "%s cannot use '%s': too many arguments", verb,
                                       args->names[max]));
    return args->stop;
}

/* ------------------------------------------------------------------ values */

void program_bad_option(struct program_arguments *args, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    stop(args, program_usage_error(args->usage->verb, "--%s %s", args->option->name, text));
}

/* Digits alone, as a number; false for anything else or more than 64 bits. *end is where they
 * ended. */
static bool read_digits(const char *text, uint64_t *number, const char **end)
{
    *number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, (uint64_t)(*at - '0'), number))
            return false;
    *end = at;
    return at > text;
}

bool program_whole(struct program_arguments *args, uint64_t min, uint64_t max, uint64_t *number)
{
    uint64_t value;
    const char *end;
    if (!read_digits(args->value, &value, &end) || *end || value < min || value > max) {
        program_bad_option(args, "takes a whole number from %llu to %llu, not '%s'",
                           (unsigned long long)min, (unsigned long long)max, args->value);
        return false;
    }
    *number = value;
    return true;
}

bool program_parse_real(const char *text, double *number)
{
    static locale_t plain;
    if (!plain)
        plain = newlocale(LC_ALL_MASK, "C", NULL);
    char *end;
    if (!*text || strspn(text, "+-.0123456789eE") != strlen(text))
        return false; /* no blanks, hexadecimals, "inf" or "nan" */
    double value = plain ? strtod_l(text, &end, plain) : strtod(text, &end);
    if (*end || !isfinite(value))
        return false;
    *number = value;
    return true;
}

bool program_real(struct program_arguments *args, double min, double max, double *number)
{
    double value;
    if (!program_parse_real(args->value, &value) || value < min || value > max) {
        program_bad_option(args, "takes a number from %g to %g, not '%s'", min, max, args->value);
        return false;
    }
    *number = value;
    return true;
}

bool program_bytes(struct program_arguments *args, uint64_t max, uint64_t *bytes)
{
    static const char units[] = "KMG";
    uint64_t value = 0;
    const char *end;
    bool good = read_digits(args->value, &value, &end);
    const char *unit = good && *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
    if (unit) {
        end++;
        good = !__builtin_mul_overflow(value, UINT64_C(1) << (10 * (unit - units + 1)), &value);
    }
    if (!good || *end || !value || value > max) {
        program_bad_option(args, "takes a number of bytes such as 500K, 64M or 1G, not '%s'",
                           args->value);
        return false;
    }
    *bytes = value;
    return true;
}
