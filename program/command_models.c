/* dylumo models add | list | info | remove: weights as people have them become files in the user's
 * data folder. The work is forge/models'; here words are read and lines are written. */
#include "dy_models.h"
#include "dy_program.h"
#include "program_json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum option_id { NAME = 'n', PRECISION = 'p', JSON = 256, SCALER };

static const struct program_option options[] = {
    {"name", NAME, "NAME", "add: its name (by its sizes: clip-vit-b-32)"},
    {"precision", PRECISION, "WORD", "add: f32, bf16 or int8 (f32)"},
    {"scaler", SCALER, "FILE",
     "add: the scaler of the original's model\n(spotify_scaler.pkl beside it)"},
    {"json", JSON, NULL, "what was added, listed or asked as JSON"},
};

static const struct program_usage usage = {
    "models",
    "add FILE|FOLDER | list | info NAME | remove NAME",
    "Keeps the weights that dylumo runs on. add takes CLIP as it is downloaded: a\n"
    "folder of Hugging Face's (model.safetensors or pytorch_model.bin, with\n"
    "config.json) or open_clip's (with open_clip_config.json), or OpenAI's\n"
    "ViT-B-32.pt; it checks every tensor, converts, runs the result on a test\n"
    "picture and keeps it. The Python original's dylumo_model.pt becomes mood weights\n"
    "for CLIP. info takes a file, too.",
    options,
    DY_COUNT(options),
    "Nothing in the files is executed. bf16 takes half of the space, int8 a quarter;\n"
    "add says how near they stay to f32. docs/models.md tells the rest.\n"
    "Example: dylumo models add ~/clip-vit-base-patch32 --precision int8"};

/* One call of the command. */
struct call {
    struct dy_models_add_settings settings;
    struct dylumo_context context;
    bool json;
};

/* ------------------------------------------------------------------ showing */

static json_t *as_json(const struct dy_model *model)
{
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:b, s:b}", "name", model->name, "kind",
        model->kind, "encoder", model->encoder, "architecture", model->architecture, "precision",
        model->precision, "path", model->path, "bytes", (json_int_t)model->bytes, "numbers",
        (json_int_t)model->numbers, "text", model->text, "ships", model->ships);
    if (object && model->source[0] && model->activation[0]) {
        json_object_set_new(object, "source", json_string(model->source));
        json_object_set_new(object, "activation", json_string(model->activation));
    }
    if (object && model->size_px)
        json_object_set_new(object, "image_size", json_integer(model->size_px));
    if (object && model->cosine > 0)
        json_object_set_new(object, "cosine", json_real(model->cosine));
    return object;
}

static void print_size(uint64_t bytes)
{
    printf("%.1f MB", (double)bytes / 1e6);
}

static void print_details(const struct dy_model *model)
{
    printf("name          %s\nkind          %s\n", model->name, model->kind);
    if (strcmp(model->kind, "encoder") != 0)
        printf("for encoder   %s\n", model->encoder);
    else
        printf("architecture  %s\n", model->architecture);
    if (model->size_px)
        printf("sees          %u x %u pixels\n", model->size_px, model->size_px);
    if (!strcmp(model->architecture, "clip"))
        printf("weights from  %s, %s\ntext tower    %s\n", model->source, model->activation,
               model->text ? "yes" : "no");
    printf("precision     %s\nnumbers       %llu\nsize          ", model->precision,
           (unsigned long long)model->numbers);
    print_size(model->bytes);
    printf("\nfile          %s\n", model->path);
}

/* ------------------------------------------------------------------ the four verbs */

static int add(const struct call *call, const char *path)
{
    struct dy_model model;
    struct dylumo_error err;
    enum dylumo_status st = dy_models_add(&model, path, &call->settings, &call->context, &err);
    program_progress_clear();
    if (st)
        return program_fail(&err);
    if (call->json)
        return program_print_json(as_json(&model));
    printf("Added %s, %s, ", model.name, model.precision);
    print_size(model.bytes);
    printf(": %s\n", model.path);
    if (!strcmp(model.kind, "encoder"))
        printf("On a test picture its embedding has a cosine of %.5f to that of f32.\n",
               model.cosine);
    else
        printf("The mood of encoder %s; 'dylumo recommend --rank cosine' ranks as the original.\n",
               model.encoder);
    return PROGRAM_OK;
}

static int list(const struct call *call)
{
    struct dy_model_list models;
    struct dylumo_error err;
    if (dy_models_list(&models, &err))
        return program_fail(&err);
    json_t *all = json_array();
    if (!call->json && !models.count)
        puts("No models here. 'dylumo get clip-vit-b-32' and 'dylumo models add' bring some.");
    for (size_t i = 0; i < models.count; i++) {
        const struct dy_model *model = &models.items[i];
        if (call->json)
            json_array_append_new(all, as_json(model));
        else
            printf("%-24s  %-7s  %-9s  %8.1f MB  %s\n", model->name, model->kind, model->precision,
                   (double)model->bytes / 1e6, model->ships ? "ships" : model->path);
    }
    dy_model_list_clear(&models);
    if (call->json)
        return program_print_json(all);
    json_decref(all);
    return PROGRAM_OK;
}

/* A name of the list, else a file. */
static enum dylumo_status find(const char *name, struct dy_model *found, struct dylumo_error *err)
{
    struct dy_model_list models;
    bool there = false;
    enum dylumo_status st = dy_models_list(&models, err);
    if (st)
        return st;
    for (size_t i = 0; i < models.count && !there; i++) {
        there = !strcmp(models.items[i].name, name);
        if (there)
            *found = models.items[i];
    }
    dy_model_list_clear(&models);
    if (there)
        return DYLUMO_OK;
    if (!strchr(name, '/') && !strstr(name, ".safetensors") && access(name, F_OK))
        return dy_fail(err, DYLUMO_NOT_FOUND,
                       "there is no model '%s'; 'dylumo models list' tells which there are", name);
    return dy_model_read(found, name, err);
}

static int info(const struct call *call, const char *name)
{
    struct dy_model model;
    struct dylumo_error err;
    if (find(name, &model, &err))
        return program_fail(&err);
    if (call->json)
        return program_print_json(as_json(&model));
    print_details(&model);
    return PROGRAM_OK;
}

static int take_out(const char *name)
{
    struct dylumo_error err;
    if (dy_models_remove(name, &err))
        return program_fail(&err);
    printf("Removed %s.\n", name);
    return PROGRAM_OK;
}

/* ------------------------------------------------------------------ reading words */

static const char *const verbs[] = {"add", "list", "info", "remove"};

static const char *verb_word(const void *user, size_t index)
{
    (void)user;
    return index < DY_COUNT(verbs) ? verbs[index] : NULL;
}

static int wrong_verb(const struct program_arguments *args)
{
    if (!args->name_count)
        return program_usage_error("models", "models needs one of add, list, info and remove");
    const char *meant = program_nearest_word(args->names[0], verb_word, NULL);
    if (meant)
        return program_usage_error("models", "there is no 'models %s': did you mean '%s'?",
                                   args->names[0], meant);
    return program_usage_error("models",
                               "there is no 'models %s'; there are add, list, info and "
                               "remove",
                               args->names[0]);
}

static int run(const struct call *call, const struct program_arguments *args)
{
    const char *verb = args->name_count ? args->names[0] : "";
    bool is_list = !strcmp(verb, "list");
    bool known = is_list;
    for (size_t i = 0; i < DY_COUNT(verbs); i++)
        known |= !strcmp(verb, verbs[i]);
    if (!known)
        return wrong_verb(args);
    if (args->name_count != (is_list ? 1 : 2))
        return program_usage_error("models", "models %s takes %s", verb,
                                   is_list                ? "nothing after it"
                                   : !strcmp(verb, "add") ? "one file or folder after it"
                                                          : "one name after it");
    if (is_list)
        return list(call);
    if (!strcmp(verb, "info"))
        return info(call, args->names[1]);
    return !strcmp(verb, "add") ? add(call, args->names[1]) : take_out(args->names[1]);
}

static void read_precision(struct program_arguments *args, const char **precision)
{
    static const char *const words[] = {"f32", "bf16", "int8"};
    for (size_t i = 0; i < DY_COUNT(words); i++)
        if (!strcmp(args->value, words[i]))
            *precision = words[i];
    if (!*precision)
        program_bad_option(args, "takes f32, bf16 or int8, not '%s'", args->value);
}

int command_models(int argc, char **argv)
{
    struct program_arguments args = program_arguments_of(&usage, argc, argv);
    struct call call = {.context = program_context()};
    for (int option; (option = program_next(&args)) != PROGRAM_END;) {
        if (option == NAME)
            call.settings.name = args.value;
        else if (option == PRECISION)
            read_precision(&args, &call.settings.precision);
        else if (option == SCALER)
            call.settings.scaler = args.value;
        else if (option == JSON)
            call.json = true;
    }
    return args.stop ? args.exit_code : run(&call, &args);
}
