/* dylumo: the table of verbs, and what is the same for all of them: help, version, the old spelling
 * (`dylumo --image FILE --top_k N` is `dylumo recommend ...`), signals, and a last look at whether
 * the output got where it was sent. */
#include "dy_program.h"
#include "dy_server.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct program_verb verbs[] = {
#define ROW(verb, about) {#verb, about, command_##verb},
    PROGRAM_VERBS(ROW)
#undef ROW
};

const struct program_verb *program_verb_at(size_t index)
{
    return index < DY_COUNT(verbs) ? &verbs[index] : NULL;
}

const struct program_verb *program_verb_named(const char *name)
{
    for (size_t i = 0; i < DY_COUNT(verbs); i++)
        if (!strcmp(verbs[i].name, name))
            return &verbs[i];
    return NULL;
}

void program_print_help(FILE *to)
{
    fputs("dylumo: give it a picture, get real songs that fit it.\n"
          "\n"
          "Usage: dylumo COMMAND [OPTIONS] [ARGUMENTS]\n"
          "\n"
          "Commands:\n",
          to);
    for (size_t i = 0; i < DY_COUNT(verbs); i++)
        fprintf(to, "  %-10s  %s\n", verbs[i].name, verbs[i].about);
    fputs("\n"
          "Options:\n"
          "  -h, --help     this page; `dylumo COMMAND --help` tells a command's options\n"
          "  -V, --version  version, instruction set and libraries\n"
          "\n"
          "Exit codes: 0 all went well, 1 some of several failed, 2 a mistake in the\n"
          "call, 3 to 12 why it failed (see dylumo(1)), 130 interrupted.\n",
          to);
}

static int print_version(void)
{
    struct dy_cpu cpu = dy_cpu_read();
    printf("dylumo %s\n"
           "instruction set: %s\n"
           "libraries: %s\n",
           dylumo_version(), dy_cpu_name(&cpu), PROGRAM_LIBRARIES);
    return PROGRAM_OK;
}

static const char *verb_word(const void *user, size_t index)
{
    (void)user;
    return index < DY_COUNT(verbs) ? verbs[index].name : NULL;
}

int program_unknown_verb(const char *word)
{
    const char *meant = program_nearest_word(word, verb_word, NULL);
    if (meant)
        return program_usage_error(NULL, "unknown command '%s': did you mean '%s'?", word, meant);
    if (program_verb_named("recommend") && !access(word, F_OK))
        return program_usage_error(NULL, "unknown command '%s': did you mean 'recommend %s'?", word,
                                   word);
    return program_usage_error(NULL, "unknown command '%s'", word);
}

/* Streams that the caller closed are opened on nothing, so that no file of ours becomes one. */
static void fill_standard_streams(void)
{
    for (int stream = 0; stream <= 2; stream++)
        if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != stream)
            _exit(PROGRAM_IO);
}

/* oneDNN's threads (libgomp's) wait for each other by spinning. Where another program wants the
 * processor too, a spinning thread keeps the one it waits for from running, and a photo that takes
 * 5 ms takes a second. A short spin, then sleep, costs nothing on an idle machine. libgomp reads
 * its setting while the program is loaded, so the program starts itself again with the setting
 * made; who has set either variable keeps his own. Should the start fail, it goes on without. */
static void make_threads_patient(char **argv)
{
    if (getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY"))
        return;
    char path[4096]; /* of the program itself, so that it keeps its name in the list of processes */
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0 || setenv("GOMP_SPINCOUNT", "1000", 0))
        return;
    path[length] = '\0';
    execv(path, argv);
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        program_print_help(stderr);
        return PROGRAM_USAGE;
    }
    const char *word = argv[1];
    if (!strcmp(word, DY_SERVER_HELPER))
        return dy_server_helper();
    if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
        program_print_help(stdout);
        return PROGRAM_OK;
    }
    if (!strcmp(word, "--version") || !strcmp(word, "-V"))
        return print_version();
    const struct program_verb *verb = program_verb_named(word[0] == '-' ? "recommend" : word);
    if (!verb)
        return program_unknown_verb(word);
    make_threads_patient(argv);
    return word[0] == '-' ? verb->run(argc, argv) : verb->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    fill_standard_streams();
    program_catch_interrupts();
    return program_finish(run(argc, argv));
}
