/* dylumo get [NAME...]: downloads data sets and weights and makes them ready to use; without a name
 * it lists them. What is made of each stands in one table. */
#include "dy_get.h"
#include "dy_program.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum option_id { OUTPUT = 'o', OFFLINE = 256, AGAIN, ONLY_DOWNLOAD, JSON };

static const struct program_option options[] = {
    {"output", OUTPUT, "PATH", "where what is made goes (dylumo's data folder)"},
    {"only-download", ONLY_DOWNLOAD, NULL, "make nothing of it, print where it is"},
    {"again", AGAIN, NULL, "also where it is here already"},
    {"offline", OFFLINE, NULL, "ask nobody: use what was downloaded before"},
    {"json", JSON, NULL, "the list, or what was got, as JSON"},
};

static const struct program_usage usage = {
    "get",
    "[NAME...]",
    "Downloads data sets and weights and makes them ready to use. Without a name it\n"
    "lists them, with size, licence and what is here already.",
    options,
    DY_COUNT(options),
    "A download that was cut or stopped goes on when the same is called again. Files\n"
    "of Hugging Face lie in the cache that Python's huggingface_hub uses, too.\n"
    "Credentials: HF_TOKEN or HF_TOKEN_PATH; for Kaggle, 'dylumo kaggle setup'.\n"
    "docs/data.md tells what each thing is and what its licence allows.\n"
    "Example: dylumo get spotify-1m"};

/* One call of the command. */
struct call {
    const char *output; /* NULL: the usual place */
    bool again, only_download, json;
    struct dylumo_context context;
};

/* ------------------------------------------------------------------ made ready */

/* Makes something usable of what was downloaded: its place goes into made[4096]. */
typedef enum dylumo_status (*ready)(const struct call *call, const struct dy_item_files *files,
                                    char made[4096], struct dylumo_error *err);

static const struct {
    const char *item;
    ready make; /* NULL: used as it is downloaded */
    const char *next;
} steps[] = {
    {"spotify-1m", NULL, "dylumo import"},
    {"emid", NULL, "dylumo train"},
    {"clip-vit-b-32", NULL, "dylumo models add"},
};

static ready step_of(const struct dy_item *item)
{
    for (size_t i = 0; i < DY_COUNT(steps); i++)
        if (!strcmp(steps[i].item, item->name))
            return steps[i].make;
    return NULL;
}

/* ------------------------------------------------------------------ the list */

static const char *state_of(const struct dy_item *item, struct dy_item_record *record)
{
    if (!dy_item_recall(item, record))
        return "not here";
    return record->there ? "here" : "gone";
}

static void print_item(const struct dy_item *item)
{
    struct dy_item_record record;
    const char *state = state_of(item, &record);
    printf("  %-14s  %-11s  %-8s  %s\n", item->name, item->size, state, item->about);
    printf("  %-14s  %-11s  %-8s  licence: %s\n", "", "", "", item->licence);
    printf("  %-14s  %-11s  %-8s  %s\n", "", "", "", item->page);
    if (record.there)
        printf("  %-14s  %-11s  %-8s  in %s\n", "", "", "", record.made);
}

static json_t *item_as_json(const struct dy_item *item)
{
    struct dy_item_record record;
    const char *state = state_of(item, &record);
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "name", item->name, "about",
                               item->about, "size", item->size, "licence", item->licence, "page",
                               item->page, "here", !strcmp(state, "here"));
    if (object && record.there) {
        json_object_set_new(object, "path", json_string(record.made));
        json_object_set_new(object, "version", json_string(record.version));
    }
    return object;
}

static int print_json(json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    if (!text) {
        program_say("no memory for JSON");
        return PROGRAM_NO_MEMORY;
    }
    puts(text);
    free(text);
    return PROGRAM_OK;
}

static int list(bool json)
{
    json_t *all = json_array();
    if (!json)
        printf("  %-14s  %-11s  %-8s  %s\n", "name", "size", "state", "what");
    for (size_t i = 0; dy_item_at(i); i++) {
        if (json)
            json_array_append_new(all, item_as_json(dy_item_at(i)));
        else
            print_item(dy_item_at(i));
    }
    if (json)
        return print_json(all);
    json_decref(all);
    return PROGRAM_OK;
}

/* ------------------------------------------------------------------ one thing */

static int tell(const struct call *call, const struct dy_item *item, const char *made)
{
    if (call->json)
        return print_json(json_pack("{s:s, s:s}", "name", item->name, "path", made));
    printf("%s: in %s\n", item->name, made);
    return PROGRAM_OK;
}

static enum dylumo_status get_one(struct dy_get *get, const struct call *call,
                                  const struct dy_item *item, char made[4096],
                                  struct dylumo_error *err)
{
    struct dy_item_files files;
    enum dylumo_status st = dy_item_fetch(get, item, call->again, &files, err);
    program_progress_clear();
    if (st)
        return st;
    ready make = call->only_download ? NULL : step_of(item);
    snprintf(made, 4096, "%s", files.count == 1 ? files.paths[0] : files.folder);
    if (make)
        st = make(call, &files, made, err);
    program_progress_clear();
    if (!st && !call->only_download)
        st = dy_item_remember(item, &files, made, err);
    dy_item_files_clear(&files);
    return st;
}

static int get_named(struct dy_get *get, const struct call *call, const char *name)
{
    char made[4096];
    struct dylumo_error err;
    const struct dy_item *item = dy_item_named(name);
    enum dylumo_status st = get_one(get, call, item, made, &err);
    if (!st)
        return tell(call, item, made);
    if (program_interrupted())
        program_say("%s: stopped; 'dylumo get %s' goes on from where it was", name, name);
    return program_fail(&err);
}

static const char *item_word(const void *user, size_t index)
{
    (void)user;
    const struct dy_item *item = dy_item_at(index);
    return item ? item->name : NULL;
}

static int check_names(const struct program_arguments *args)
{
    for (size_t i = 0; i < args->name_count; i++) {
        if (dy_item_named(args->names[i]))
            continue;
        const char *meant = program_nearest_word(args->names[i], item_word, NULL);
        return program_usage_error("get", "there is no '%s' to get%s%s%s", args->names[i],
                                   meant ? ": did you mean '"
                                         : "; 'dylumo get' lists what there is",
                                   meant ? meant : "", meant ? "'?" : "");
    }
    return PROGRAM_OK;
}

static int get_all(const struct program_arguments *args, const struct call *call, bool offline)
{
    struct dy_get_settings settings = {.offline = offline || dy_hub_wants_offline()};
    struct dy_get *get;
    struct dylumo_error err;
    if (dy_get_open(&get, &settings, &call->context, &err))
        return program_fail(&err);
    int code = PROGRAM_OK;
    for (size_t i = 0; i < args->name_count && !program_interrupted(); i++) {
        int one = get_named(get, call, args->names[i]);
        if (one)
            code = args->name_count > 1 ? PROGRAM_PARTLY : one;
    }
    dy_get_close(get);
    return code;
}

int command_get(int argc, char **argv)
{
    struct program_arguments args = program_arguments_of(&usage, argc, argv);
    struct call call = {.context = program_context()};
    bool offline = false;
    for (int option; (option = program_next(&args)) != PROGRAM_END;) {
        if (option == OUTPUT)
            call.output = args.value;
        else if (option == ONLY_DOWNLOAD)
            call.only_download = true;
        else if (option == AGAIN)
            call.again = true;
        else if (option == OFFLINE)
            offline = true;
        else if (option == JSON)
            call.json = true;
    }
    if (args.stop)
        return args.exit_code;
    if (!args.name_count)
        return list(call.json);
    if (call.output && args.name_count > 1)
        return program_usage_error("get", "--output is for one name at a time");
    int code = check_names(&args);
    return code ? code : get_all(&args, &call, offline);
}
