/* dylumo embed FOLDER...: what the encoder sees in many pictures, as a file of numbers. All that
 * was computed lies in a cache beside it, so that an interrupted run goes on and a later one does
 * only what is new; `dylumo train --cache` reads the same file. */
#include "dy_program.h"

#include "dylumo.h"

#include "dy_train.h"

#include <stdio.h>
#include <string.h>

enum option_id { OUTPUT = 'o', THREADS = 't', ENCODER = 256, PRECISION, CACHE };

static const char default_output[] = "embeddings.safetensors";

static const struct program_option options[] = {
    {"output", OUTPUT, "FILE",
     "the file to write: .npy, else safetensors\n(embeddings.safetensors)"},
    {"encoder", ENCODER, "FILE", "the encoder's weights"},
    {"precision", PRECISION, "WORD",
     "f32, auto, bf16 or int8 (f32: the same numbers\non every machine)"},
    {"cache", CACHE, "FILE", "where embeddings are kept (OUTPUT.embeddings)"},
    {"threads", THREADS, "N", "use at most N threads (all cores)"},
};

static const struct program_usage usage = {
    "embed",
    "FOLDER|PHOTO...",
    "Computes the encoder's embeddings of pictures: of each photo named, and of all\n"
    "in each folder and the folders in it. Broken ones are named and left out.",
    options,
    DY_COUNT(options),
    "A run that was interrupted goes on when it is called again in the same way,\n"
    "and a later one does only what is new. In Python, with names in x.npy.names:\n"
    "    numpy.load(\"x.npy\")\n"
    "    safetensors.numpy.load_file(\"x.safetensors\")[\"embeddings\"]\n"
    "Example: dylumo embed holiday -o holiday.npy"};

static enum dylumo_status add_pictures(struct dy_pictures *pictures, char **names, size_t count,
                                       struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    for (size_t i = 0; i < count && !st; i++)
        st = dy_pictures_add_folder(pictures, names[i], err);
    return st;
}

static size_t count_readable(const struct dy_embeddings *embeddings)
{
    size_t readable = 0;
    for (size_t i = 0; i < embeddings->count; i++)
        readable += embeddings->at[i] != NULL;
    return readable;
}

static int show(const struct dy_embeddings *embeddings, const char *output)
{
    size_t readable = count_readable(embeddings);
    size_t unreadable = embeddings->count - readable;
    FILE *to = dy_is_standard_output(output) ? stderr : stdout; /* apart from the numbers */
    fprintf(to, "%zu embeddings of %u numbers by %s, %zu of them new", readable,
            embeddings->dimension, embeddings->encoder, embeddings->computed);
    if (unreadable)
        fprintf(to, "; %zu could not be read", unreadable);
    fprintf(to, ". Wrote %s.\n", to == stdout ? output : "standard output");
    return unreadable ? PROGRAM_PARTLY : PROGRAM_OK;
}

/* A picture, not the file of an earlier run, which may lie in a folder that was named. */
static bool replaces_picture(const char *output, const struct dy_embeddings *embeddings,
                             const struct dy_pictures *pictures)
{
    for (size_t i = 0; i < embeddings->count; i++) {
        const char *path = pictures->items[i].path;
        if (embeddings->at[i] && program_spare_inputs("embed", output, &path, 1))
            return true;
    }
    return false;
}

static int write_and_show(const char *output, const struct dy_embeddings *embeddings,
                          const struct dy_pictures *pictures)
{
    struct dylumo_error err;
    if (count_readable(embeddings) == 0) {
        program_say("not one of %zu pictures could be read; nothing is written", embeddings->count);
        return PROGRAM_PARTLY;
    }
    if (replaces_picture(output, embeddings, pictures))
        return PROGRAM_USAGE;
    if (dy_embeddings_write(output, embeddings, pictures, &err))
        return program_fail(&err);
    return show(embeddings, output);
}

static int run(const struct dy_embed_options *request, const char *output, char **names,
               size_t name_count, const struct dylumo_context *context)
{
    struct dy_pictures pictures = {0};
    struct dy_embeddings embeddings = {0};
    struct dylumo_error err;
    enum dylumo_status st = add_pictures(&pictures, names, name_count, &err);
    if (!st)
        st = dy_embeddings_load(&embeddings, &pictures, request, context, &err);
    program_progress_clear();
    int code = st ? program_fail(&err) : write_and_show(output, &embeddings, &pictures);
    dy_embeddings_clear(&embeddings);
    dy_pictures_clear(&pictures);
    return code;
}

int command_embed(int argc, char **argv)
{
    struct program_arguments args = program_arguments_of(&usage, argc, argv);
    struct dylumo_context context = program_context();
    struct dy_embed_options request = {.views = 1, .skip_unreadable = true};
    const char *output = default_output;
    char encoder[4096], cache[4096];
    struct dylumo_error err;
    uint64_t threads;
    int option;
    while ((option = program_next(&args)) != PROGRAM_END) {
        if (option == OUTPUT)
            output = args.value;
        else if (option == ENCODER)
            request.encoder_path = args.value;
        else if (option == PRECISION)
            request.precision = args.value;
        else if (option == CACHE)
            request.cache_path = args.value;
        else if (option == THREADS && program_whole(&args, 1, 1024, &threads))
            context.threads = (unsigned)threads;
    }
    if (args.stop || program_expect_names(&args, 1, SIZE_MAX))
        return args.exit_code;
    if (dylumo_find("encoder", request.encoder_path, encoder, sizeof encoder, &err))
        return program_fail(&err);
    request.encoder_path = encoder;
    if (!request.cache_path) {
        snprintf(cache, sizeof cache, "%s.embeddings",
                 program_output_has_name(output) ? output : default_output);
        request.cache_path = cache;
    }
    return run(&request, output, args.names, args.name_count, &context);
}
