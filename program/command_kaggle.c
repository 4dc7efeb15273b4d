/* dylumo kaggle setup|push|status|pull: training on Kaggle's machines. The script that runs there
 * is program/kaggle/train.py, built into the binary. */
#include "dy_get.h"
#include "dy_program.h"
#include "kernel_script_data.h"
#include "program_make.h"

#include <errno.h>
#include <ftw.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum option_id {
    OUTPUT = 'o',
    KERNEL = 'k',
    WAIT = 'w',
    SOURCE = 256,
    SOURCE_SET,
    GPU,
    PUBLIC,
    EVERY,
    TRAIN_OPTION
};

static const struct program_option options[] = {
    {"kernel", KERNEL, "NAME", "the kernel: NAME, or USER/NAME (dylumo-train)"},
    {"source", SOURCE, "URL", "push: the git address of dylumo's source"},
    {"source-dataset", SOURCE_SET, "USER/NAME", "push: or a data set of Kaggle's that has it"},
    {"train-option", TRAIN_OPTION, "WORD",
     "push: one more word for `dylumo train`; may be\ntold again"},
    {"gpu", GPU, NULL, "push: on a machine with a GPU (dylumo uses none)"},
    {"public", PUBLIC, NULL, "push: so that everyone can see the kernel"},
    {"wait", WAIT, NULL, "status: show the state until it is done"},
    {"every", EVERY, "SECONDS", "status: how often --wait asks (30)"},
    {"output", OUTPUT, "FOLDER",
     "push: write script and kernel-metadata.json there\ninstead; pull: keep all files there "
     "instead"},
};

static const struct program_usage usage = {
    "kaggle",
    "setup|push|status|pull",
    "  setup    asks for Kaggle's credentials, or reads them from standard input\n"
    "           (kaggle.json, or a token), and stores them so that only you can\n"
    "           read them\n"
    "  push     has Kaggle run a script that builds dylumo, adds both data sets\n"
    "           and trains\n"
    "  status   whether it runs; exits with 0 when it is complete, else with 1\n"
    "  pull     checks the weights that it left and installs them",
    options,
    DY_COUNT(options),
    "Example: dylumo kaggle push --source https://git.example/dylumo.git\n"
    "         dylumo kaggle status --wait && dylumo kaggle pull"};

#define MAX_TRAIN_WORDS 32

/* One call of the command. */
struct call {
    const char *kernel, *source, *source_set, *output;
    const char *train_words[MAX_TRAIN_WORDS];
    size_t train_word_count;
    bool gpu, is_public, wait;
    uint64_t every;
    struct dylumo_context context;
    struct dy_get *get;
    struct dy_kaggle kaggle;
    char id[256]; /* USER/NAME */
};

/* ------------------------------------------------------------------ setup */

/* A line from the terminal, without showing it where hidden is set. */
static bool ask(FILE *terminal, const char *question, bool hidden, char *answer, size_t size)
{
    struct termios before, silent;
    bool changed = hidden && !tcgetattr(fileno(terminal), &before);
    if (changed) {
        silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(fileno(terminal), TCSAFLUSH, &silent);
    }
    /* after the flush, so that what is typed at once is neither shown nor lost */
    fputs(question, terminal);
    fflush(terminal);
    bool good = fgets(answer, (int)size, terminal) != NULL;
    if (changed) {
        tcsetattr(fileno(terminal), TCSAFLUSH, &before);
        fputs("\n", terminal);
    }
    answer[good ? strcspn(answer, "\r\n") : 0] = '\0';
    return good && !program_interrupted();
}

static int store(const char *user, const char *secret)
{
    char path[4096];
    struct dylumo_error err;
    if (dy_kaggle_store(user, secret, path, sizeof path, &err))
        return program_fail(&err);
    printf("Kaggle's credentials are in %s, for you alone to read.\n", path);
    return PROGRAM_OK;
}

static int ask_and_store(FILE *terminal)
{
    char user[128] = "", secret[4200] = "";
    fputs("Make a key or a token at https://www.kaggle.com/settings (API).\n", terminal);
    int code = PROGRAM_OK;
    if (!ask(terminal, "User name (empty for a token): ", false, user, sizeof user) ||
        !ask(terminal, user[0] ? "Key (not shown): " : "Token (not shown): ", true, secret,
             sizeof secret))
        code = program_interrupted() ? PROGRAM_INTERRUPTED
                                     : program_usage_error("kaggle", "no credentials were typed");
    else
        code = store(user, secret);
    explicit_bzero(secret, sizeof secret);
    return code;
}

/* kaggle.json, or a token alone. */
static int store_text(char *text)
{
    json_t *root = json_loads(text, 0, NULL);
    const char *user = json_string_value(json_object_get(root, "username"));
    const char *key = json_string_value(json_object_get(root, "key"));
    int code;
    if (user && key)
        code = store(user, key);
    else if (root || !*text)
        code = program_usage_error("kaggle",
                                   "standard input holds no credentials: expected {\"username\": "
                                   "..., \"key\": ...} or a token");
    else
        code = store(NULL, text);
    if (key)
        explicit_bzero((void *)(uintptr_t)key, strlen(key));
    json_decref(root);
    return code;
}

static int setup_from_input(void)
{
    uint8_t *bytes;
    size_t size;
    struct dylumo_error err;
    if (dy_read_file(&bytes, &size, "-", 8192, &err))
        return program_fail(&err);
    char text[8193];
    memcpy(text, bytes, size);
    while (size && (text[size - 1] == '\n' || text[size - 1] == '\r' || text[size - 1] == ' '))
        size--;
    text[size] = '\0';
    int code = store_text(text);
    explicit_bzero(text, sizeof text);
    explicit_bzero(bytes, size);
    dy_free(bytes);
    return code;
}

static int run_setup(struct call *call)
{
    (void)call;
    dy_secret_guard_process();
    FILE *terminal = isatty(STDIN_FILENO) ? fopen("/dev/tty", "r+e") : NULL;
    if (!terminal)
        return setup_from_input();
    int code = ask_and_store(terminal);
    fclose(terminal);
    return code;
}

/* ------------------------------------------------------------------ push */

/* "SETTINGS = {...}" and the script; heap. */
static char *make_script(const struct call *call)
{
    json_t *words = json_array();
    for (size_t i = 0; i < call->train_word_count; i++)
        json_array_append_new(words, json_string(call->train_words[i]));
    json_t *settings =
        json_pack("{s:s, s:o}", "source", call->source ? call->source : "", "train", words);
    char *json = settings ? json_dumps(settings, JSON_ENSURE_ASCII) : NULL;
    size_t size = (json ? strlen(json) : 0) + kernel_script_size + 32;
    char *script = json ? dy_new_array(size, 1) : NULL;
    if (script)
        snprintf(script, size, "SETTINGS = %s\n%.*s", json, (int)kernel_script_size,
                 (const char *)kernel_script_data);
    free(json);
    json_decref(settings);
    return script;
}

static enum dylumo_status write_text(const char *folder, const char *name, const char *text,
                                     struct dylumo_error *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    enum dylumo_status st = dy_get_folders(folder, err);
    return st ? st : dy_write_file(path, text, strlen(text), err);
}

static int write_kernel(const struct call *call, const struct dy_kernel *kernel)
{
    struct dylumo_error err;
    char *metadata = dy_kernel_metadata(kernel);
    enum dylumo_status st = metadata
                                ? write_text(call->output, "kernel-metadata.json", metadata, &err)
                                : dy_fail(&err, DYLUMO_NO_MEMORY, "no memory for the kernel");
    if (!st)
        st = write_text(call->output, kernel->code_file, kernel->text, &err);
    dy_free(metadata);
    if (st)
        return program_fail(&err);
    printf("%s: %s and kernel-metadata.json, as Kaggle's own tool takes them\n", call->output,
           kernel->code_file);
    return PROGRAM_OK;
}

static int push_kernel(const struct call *call, const struct dy_kernel *kernel)
{
    struct dylumo_error err;
    struct dy_kernel_pushed pushed;
    if (dy_kernel_push(call->get, &call->kaggle, kernel, &pushed, &err))
        return program_fail(&err);
    printf("%s: version %d was handed to Kaggle%s%s\n", call->id, pushed.version,
           pushed.url[0] ? ", see " : "", pushed.url);
    return PROGRAM_OK;
}

/* Kaggle makes the second half of an id of the title. */
static void title_of(const char *id, char title[128])
{
    snprintf(title, 128, "%s", strchr(id, '/') + 1);
    for (char *at = title; *at; at++)
        *at = *at == '-' ? ' ' : *at;
}

static int run_push(struct call *call)
{
    if (!call->source && !call->source_set)
        return program_usage_error("kaggle", "push needs --source URL or --source-dataset "
                                             "USER/NAME: where Kaggle finds dylumo's source");
    const char *sets[] = {dy_item_named("spotify-1m")->id, call->source_set};
    char title[128];
    title_of(call->id, title);
    char *script = make_script(call);
    if (!script) {
        program_say("no memory for the kernel's script");
        return PROGRAM_NO_MEMORY;
    }
    struct dy_kernel kernel = {.id = call->id,
                               .title = title,
                               .text = script,
                               .code_file = "train.py",
                               .is_private = !call->is_public,
                               .enable_gpu = call->gpu,
                               .enable_internet = true,
                               .datasets = sets,
                               .dataset_count = call->source_set ? 2 : 1};
    int code = call->output ? write_kernel(call, &kernel) : push_kernel(call, &kernel);
    dy_free(script);
    return code;
}

/* ------------------------------------------------------------------ status */

static void show_status(const struct call *call, const struct dy_kernel_status *status)
{
    printf("%s: %s%s%s\n", call->id, status->word, status->message[0] ? ": " : "", status->message);
    program_flush();
}

static void pause_for(uint64_t seconds)
{
    for (uint64_t i = 0; i < seconds * 20 && !program_interrupted(); i++)
        nanosleep(&(struct timespec){0, 50 * 1000000}, NULL);
}

static int run_status(struct call *call)
{
    struct dy_kernel_status status;
    struct dylumo_error err;
    char shown[64] = "";
    for (;;) {
        if (dy_kernel_ask(call->get, &call->kaggle, call->id, &status, &err))
            return program_fail(&err);
        if (strcmp(shown, status.word) != 0)
            show_status(call, &status);
        memcpy(shown, status.word, sizeof shown);
        bool done = status.state == DY_KERNEL_COMPLETE || status.state == DY_KERNEL_FAILED;
        if (!call->wait || done || program_interrupted())
            return status.state == DY_KERNEL_COMPLETE ? PROGRAM_OK : PROGRAM_PARTLY;
        pause_for(call->every);
    }
}

/* ------------------------------------------------------------------ pull */

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path);
}

/* Whether the mood goes with the encoder and the songs that are here. */
static enum dylumo_status try_mood(const char *path, struct dylumo_error *err)
{
    struct dylumo_options wanted = DYLUMO_OPTIONS_INIT;
    struct dylumo *dylumo = NULL;
    wanted.mood_path = path;
    enum dylumo_status st = dylumo_open(&dylumo, &wanted, err);
    dylumo_close(dylumo);
    return st;
}

static enum dylumo_status check_and_install(const struct call *call, const char *folder,
                                            char path[4096], struct dylumo_error *err)
{
    struct dy_kernel_results results;
    enum dylumo_status st = dy_kernel_results(folder, &results, &call->context, err);
    if (!st)
        st = try_mood(results.mood, err);
    if (!st)
        st = dy_item_place("lite2-mood.safetensors", path, 4096, err);
    if (!st)
        st = program_keep_old(path, err);
    if (!st && rename(results.mood, path))
        st = dy_fail_errno(err, errno, path, "cannot install");
    if (!st)
        printf("%s: the mood of %s, made by %s; in the training's table it %s\n", path, call->id,
               results.version,
               results.beats_baselines ? "beats every baseline"
                                       : "does not beat every baseline everywhere");
    return st;
}

static int pull_and_install(struct call *call)
{
    char folder[4096], path[4096];
    size_t count = 0;
    struct dylumo_error err;
    enum dylumo_status st = dy_item_place("kaggle-XXXXXX", folder, sizeof folder, &err);
    if (!st && !mkdtemp(folder))
        st = dy_fail_errno(&err, errno, folder, "cannot make a folder");
    if (st)
        return program_fail(&err);
    st = dy_kernel_output(call->get, &call->kaggle, call->id, folder, &count, NULL, &err);
    program_progress_clear();
    if (!st)
        st = check_and_install(call, folder, path, &err);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return st ? program_fail(&err) : PROGRAM_OK;
}

static int pull_to(struct call *call)
{
    size_t count = 0;
    char *log = NULL;
    struct dylumo_error err;
    enum dylumo_status st = dy_get_folders(call->output, &err);
    if (!st)
        st = dy_kernel_output(call->get, &call->kaggle, call->id, call->output, &count, &log, &err);
    program_progress_clear();
    if (!st && log)
        st = write_text(call->output, "kernel.log", log, &err);
    bool with_log = log != NULL;
    dy_free(log);
    if (st)
        return program_fail(&err);
    printf("%s: %zu files of %s%s\n", call->output, count, call->id,
           with_log ? " and kernel.log" : "");
    return PROGRAM_OK;
}

static int run_pull(struct call *call)
{
    return call->output ? pull_to(call) : pull_and_install(call);
}

/* ------------------------------------------------------------------ the command */

static const struct {
    const char *verb;
    int (*run)(struct call *call);
    bool online; /* needs credentials and the kernel's id */
} verbs[] = {
    {"setup", run_setup, false},
    {"push", run_push, true},
    {"status", run_status, true},
    {"pull", run_pull, true},
};

static const char *verb_word(const void *user, size_t index)
{
    (void)user;
    return index < DY_COUNT(verbs) ? verbs[index].verb : NULL;
}

static enum dylumo_status set_id(struct call *call, struct dylumo_error *err)
{
    const char *name = call->kernel ? call->kernel : "dylumo-train";
    if (strchr(name, '/')) {
        snprintf(call->id, sizeof call->id, "%s", name);
        return DYLUMO_OK;
    }
    enum dylumo_status st = dy_kaggle_user(call->get, &call->kaggle, err);
    snprintf(call->id, sizeof call->id, "%s/%.100s", call->kaggle.user, name);
    return st;
}

static int run_online(struct call *call, int (*run)(struct call *call))
{
    struct dylumo_error err;
    int code = PROGRAM_OK;
    enum dylumo_status st = dy_get_open(&call->get, NULL, &call->context, &err);
    if (!st)
        st = dy_kaggle_open(&call->kaggle, &err);
    if (!st && call->kaggle.readable)
        program_say("%s: others on this machine can read your Kaggle credentials: chmod 600 it",
                    call->kaggle.source);
    if (!st)
        st = set_id(call, &err);
    code = st ? program_fail(&err) : run(call);
    dy_kaggle_close(&call->kaggle);
    dy_get_close(call->get);
    return code;
}

static void take_option(struct program_arguments *args, int option, struct call *call)
{
    if (option == OUTPUT)
        call->output = args->value;
    else if (option == KERNEL)
        call->kernel = args->value;
    else if (option == SOURCE)
        call->source = args->value;
    else if (option == SOURCE_SET)
        call->source_set = args->value;
    else if (option == GPU)
        call->gpu = true;
    else if (option == PUBLIC)
        call->is_public = true;
    else if (option == WAIT)
        call->wait = true;
    else if (option == EVERY)
        program_whole(args, 1, 3600, &call->every);
    else if (option == TRAIN_OPTION && call->train_word_count == MAX_TRAIN_WORDS)
        program_bad_option(args, "at most %d words are taken", MAX_TRAIN_WORDS);
    else if (option == TRAIN_OPTION)
        call->train_words[call->train_word_count++] = args->value;
}

int command_kaggle(int argc, char **argv)
{
    struct program_arguments args = program_arguments_of(&usage, argc, argv);
    struct call call = {.every = 30, .context = program_context()};
    for (int option; (option = program_next(&args)) != PROGRAM_END;)
        take_option(&args, option, &call);
    if (args.stop || program_expect_names(&args, 1, 1))
        return args.exit_code;
    for (size_t i = 0; i < DY_COUNT(verbs); i++)
        if (!strcmp(verbs[i].verb, args.names[0]))
            return verbs[i].online ? run_online(&call, verbs[i].run) : verbs[i].run(&call);
    const char *meant = program_nearest_word(args.names[0], verb_word, NULL);
    return program_usage_error("kaggle", "there is no 'kaggle %s'%s%s%s", args.names[0],
                               meant ? ": did you mean '" : "; there are setup, push, status, pull",
                               meant ? meant : "", meant ? "'?" : "");
}
