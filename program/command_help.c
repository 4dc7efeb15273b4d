/* dylumo help [COMMAND]: the same page as `dylumo --help` or `dylumo COMMAND --help`. */
#include "dy_program.h"

static const struct program_usage usage = {
    "help", "[COMMAND]", "Tells what a command does and how it is called.", NULL, 0, NULL};

int command_help(int argc, char **argv)
{
    struct program_arguments args = program_arguments_of(&usage, argc, argv);
    while (program_next(&args) != PROGRAM_END)
        ;
    if (args.stop || program_expect_names(&args, 0, 1))
        return args.exit_code;
    if (!args.name_count) {
        program_print_help(stdout);
        return PROGRAM_OK;
    }
    const struct program_verb *verb = program_verb_named(args.names[0]);
    if (!verb)
        return program_unknown_verb(args.names[0]);
    char name[32], help[] = "--help";
    snprintf(name, sizeof name, "%s", verb->name);
    char *call[] = {name, help, NULL};
    return verb->run(2, call);
}
