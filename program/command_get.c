/* dylumo get [NAME...]: downloads data sets and weights and makes them ready to use; without a name
 * it lists them. What is made of each stands in one table. */
#include "dy_get.h"
#include "dy_models.h"
#include "dy_program.h"
#include "program_json.h"
#include "program_make.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* Where what is made goes: the place that was told, else name in dylumo's data folder. */
static enum dylumo_status place(const struct call *call, const char *name, char made[4096],
                                struct dylumo_error *err)
{
    if (!call->output)
        return dy_item_place(name, made, 4096, err);
    if (strlen(call->output) >= 4096)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "--output: the path is too long");
    snprintf(made, 4096, "%s", call->output);
    return dy_get_folders_of(made, err);
}

/* Where recommend and serve look; a songs file of the user's own stays beside it. */
static enum dylumo_status make_songs(const struct call *call, const struct dy_item_files *files,
                                     char made[4096], struct dylumo_error *err)
{
    const char *const tables[] = {files->paths[0]};
    enum dylumo_status st = place(call, "songs.dylumo", made, err);
    if (!st)
        st = program_keep_old(made, err);
    return st ? st
              : program_make_songs(made, tables, 1, (struct dy_import_options){0}, &call->context,
                                   call->json, err);
}

static bool is_parquet(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && !strcmp(dot, ".parquet");
}

static enum dylumo_status make_pictures(const struct call *call, const struct dy_item_files *files,
                                        char made[4096], struct dylumo_error *err)
{
    size_t count = 0;
    const char **tables = dy_new_array(files->count + 1, sizeof *tables);
    if (!tables)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the list of files");
    for (size_t i = 0; i < files->count; i++)
        if (is_parquet(files->paths[i]))
            tables[count++] = files->paths[i];
    enum dylumo_status st = place(call, "emid", made, err);
    if (!st && access(made, F_OK)) /* a picture takes in its file what it took in the table */
        st = dy_get_room(made, dy_item_bytes(files), err);
    if (!st)
        st = program_make_pictures(made, tables, count, &call->context, call->json, err);
    dy_free(tables);
    return st;
}

/* Sooner said than after gigabytes. */
static enum dylumo_status check_duckdb(struct dylumo_error *err)
{
    char path[1024], version[64];
    return dy_import_duckdb(path, sizeof path, version, sizeof version, err);
}

static enum dylumo_status make_library(const struct call *call, const struct dy_item_files *files,
                                       char made[4096], struct dylumo_error *err)
{
    enum dylumo_status st = place(call, "libduckdb.so", made, err);
    if (!st)
        st = dy_get_untar(files->paths[0], "package/libduckdb.so", made, err);
    return st || call->output ? st : check_duckdb(err); /* does this machine load it? */
}

static enum dylumo_status make_weights(const struct call *call, const struct dy_item_files *files,
                                       char made[4096], struct dylumo_error *err)
{
    struct dy_model model;
    struct dy_models_add_settings wanted = {.name = "clip-vit-b-32", .output = call->output};
    enum dylumo_status st = dy_models_add(&model, files->folder, &wanted, &call->context, err);
    if (!st)
        snprintf(made, 4096, "%s", model.path);
    return st;
}

/* Makes something usable of what was downloaded: its place goes into made[4096]. */
static const struct step {
    const char *item;
    enum dylumo_status (*check)(struct dylumo_error *err); /* before the download; or NULL */
    enum dylumo_status (*make)(const struct call *call, const struct dy_item_files *files,
                               char made[4096], struct dylumo_error *err);
    const char *next[2]; /* what is done with it now: words around its place, or in its place */
} steps[] = {
    {"spotify-1m", NULL, make_songs, {"dylumo recommend --songs ", " PHOTO"}},
    {"emid", check_duckdb, make_pictures, {"dylumo train ", "/EMID_data.csv"}},
    {"clip-vit-b-32", NULL, make_weights, {"dylumo train --encoder ", " TABLE"}},
    {"duckdb", NULL, make_library, {"dylumo get emid", NULL}},
};

static const struct step *step_of(const struct dy_item *item)
{
    size_t i = 0;
    while (i < DY_COUNT(steps) && strcmp(steps[i].item, item->name) != 0)
        i++;
    assert(i < DY_COUNT(steps)); /* each item has its row */
    return &steps[i];
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
        return program_print_json(all);
    json_decref(all);
    return PROGRAM_OK;
}

/* ------------------------------------------------------------------ one thing */

static int tell(const struct call *call, const struct dy_item *item, const char *made)
{
    const struct step *step = step_of(item);
    char next[4096 + 64];
    snprintf(next, sizeof next, "%s%s%s", step->next[0], step->next[1] ? made : "",
             step->next[1] ? step->next[1] : "");
    if (call->json && call->only_download)
        return program_print_json(json_pack("{s:s, s:s}", "name", item->name, "path", made));
    if (call->json)
        return program_print_json(
            json_pack("{s:s, s:s, s:s}", "name", item->name, "path", made, "next", next));
    printf("%s: in %s\n", item->name, made);
    if (!call->only_download)
        printf("next: %s\n", next);
    return PROGRAM_OK;
}

/* path from the root, so that it holds from every folder; as it is where that can't be told. */
static void make_absolute(char path[4096])
{
    char *full = realpath(path, NULL);
    if (full && strlen(full) < 4096)
        memcpy(path, full, strlen(full) + 1);
    free(full);
}

static bool is_wanted_there(const struct call *call, const char *made)
{
    char *full = call->output ? realpath(call->output, NULL) : NULL;
    bool same = !call->output || (full && !strcmp(full, made));
    free(full);
    return same;
}

/* What is here already: made before, and where it is wanted. */
static bool is_ready(const struct call *call, const struct dy_item *item, char made[4096])
{
    struct dy_item_record record;
    if (call->again || call->only_download || !dy_item_recall(item, &record) || !record.there ||
        !is_wanted_there(call, record.made))
        return false;
    memcpy(made, record.made, sizeof record.made);
    return true;
}

static enum dylumo_status make_ready(const struct call *call, const struct dy_item *item,
                                     const struct dy_item_files *files, char made[4096],
                                     struct dylumo_error *err)
{
    char name[128], path[4096];
    int lock = -1;
    snprintf(name, sizeof name, "items/%s.lock", item->name);
    enum dylumo_status st = dy_item_place(name, path, sizeof path, err);
    if (!st)
        st = dy_get_lock(&lock, path, item->name, &call->context, err);
    if (!st && !is_ready(call, item, made)) {
        st = step_of(item)->make(call, files, made, err);
        program_progress_clear();
        make_absolute(made);
        if (!st)
            st = dy_item_remember(item, files, made, err);
    }
    dy_get_unlock(&lock);
    return st;
}

/* What came of one call: where the download lies, "" before it, and what was made. */
struct got {
    char folder[4096], made[4096];
};

static enum dylumo_status get_one(struct dy_get *get, const struct call *call,
                                  const struct dy_item *item, struct got *got,
                                  struct dylumo_error *err)
{
    struct dy_item_files files;
    const struct step *step = step_of(item);
    enum dylumo_status st = DYLUMO_OK;
    got->folder[0] = '\0';
    if (is_ready(call, item, got->made))
        return st;
    if (step->check && !call->only_download)
        st = step->check(err);
    if (!st)
        st = dy_item_fetch(get, item, call->again, &files, err);
    program_progress_clear();
    if (st)
        return st;
    memcpy(got->folder, files.folder, sizeof got->folder);
    snprintf(got->made, sizeof got->made, "%s", files.count == 1 ? files.paths[0] : files.folder);
    if (!call->only_download)
        st = make_ready(call, item, &files, got->made, err);
    dy_item_files_clear(&files);
    return st;
}

static int get_named(struct dy_get *get, const struct call *call, const char *name)
{
    struct got got;
    struct dylumo_error err;
    const struct dy_item *item = dy_item_named(name);
    enum dylumo_status st = get_one(get, call, item, &got, &err);
    if (!st)
        return tell(call, item, got.made);
    if (program_interrupted())
        program_say("%s: stopped; 'dylumo get %s' goes on from where it was", name, name);
    int code = program_fail(&err);
    if (got.folder[0] && !program_interrupted())
        program_say("%s: what was downloaded is whole, in %s; 'dylumo get %s%s%s' makes it ready "
                    "once that is seen to",
                    name, got.folder, name, call->output ? " -o " : "",
                    call->output ? call->output : "");
    return code;
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
