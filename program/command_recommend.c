/* dylumo recommend PHOTO...: opens encoder, mood and songs once, then asks about one photo after
 * the other and shows each answer as text or JSON. All that it can ask stands in dylumo.h. A photo
 * that cannot be read is reported and the rest are answered. */
#include "dy_original.h"
#include "dy_present.h"
#include "dy_program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { MAX_KNOBS = 64 };

enum option_id {
    TOP_K = 'k',
    SONGS = 's',
    JSON = 'j',
    FILTER = 'f',
    THREADS = 't',
    IMAGE = 256,
    EXCLUDE,
    ONLY,
    ENCODER,
    MOOD_FILE,
    PRECISION,
    PER_ARTIST,
    EXACT,
    MAX_PIXELS,
    MAX_BYTES,
    MOOD,
    WEIGHT,
    IGNORE,
    VARIETY,
    FAMILIAR,
    TOGETHER,
    LIKE,
    SEASON,
    RANK,
    EMBEDDING,
    TEXT,
    TEXT_WEIGHT,
    TIMING
};

static const struct program_option options[] = {
    {"top-k", TOP_K, "N", "so many songs (10)"},
    {"top_k", TOP_K, "N", NULL},
    {"image", IMAGE, "PHOTO", NULL}, /* the old spelling */
    {"json", JSON, NULL, "one JSON object a photo, one a line"},
    {"songs", SONGS, "FILE", "the catalogue, as `dylumo import` makes it"},
    {"encoder", ENCODER, "FILE", "the encoder's weights, or its name"},
    {"mood-file", MOOD_FILE, "FILE", "the mood's weights"},
    {"filter", FILTER, "WORDS", "only songs like these:\n\"year>=1990 and genre in (jazz, soul)\""},
    {"exclude", EXCLUDE, "FILE", "not these songs: one id a line"},
    {"only", ONLY, "FILE", "no songs but these: one id a line"},
    {"mood", MOOD, "NAME=X,...",
     "move the mood: energy=0.8 to a place from\n0 (lowest) to 1, valence=+0.2 from the photo's\n"
     "own; alone, without photos, it is the mood"},
    {"weight", WEIGHT, "NAME=X,...", "how much a feature counts: tempo=2 is double"},
    {"ignore", IGNORE, "NAME,...", "features that do not count: key,mode"},
    {"like", LIKE, "ID", "lean on this song as well"},
    {"variety", VARIETY, "X", "0 to 1: how far the songs may differ (0)"},
    {"familiar", FAMILIAR, "X", "0 to 1: how much known songs are preferred (0)"},
    {"per-artist", PER_ARTIST, "N", "at most N songs of one artist (2)"},
    {"rank", RANK, "WORD", "mood, or cosine: by all 13 features, as the\noriginal did (mood)"},
    {"season", SEASON, NULL, "Christmas songs may come, as in December"},
    {"text", TEXT, "WORDS",
     "the mood of words, for encoders that read them\n(CLIP); with photos both count"},
    {"text-weight", TEXT_WEIGHT, "X", "0.01 to 1: how much words count beside photos\n(0.5)"},
    {"together", TOGETHER, NULL, "one answer to all photos, their mean mood"},
    {"embedding", EMBEDDING, "FILE",
     "a .npy of embeddings instead of photos, one a row;\nno encoder is opened"},
    {"exact", EXACT, NULL, "never decode a JPEG at reduced size"},
    {"max-pixels", MAX_PIXELS, "N", "refuse larger photos (100000000)"},
    {"max-bytes", MAX_BYTES, "SIZE", "refuse larger files (64M)"},
    {"precision", PRECISION, "WORD", "auto, f32, bf16 or int8 (auto)"},
    {"threads", THREADS, "N", "use at most N threads (all cores)"},
    {"timing", TIMING, NULL, "tell the milliseconds of each step"},
};

static const struct program_usage usage = {
    "recommend",
    "PHOTO...",
    "Names songs that fit each photo (JPEG, PNG, WebP, GIF, TIFF, HEIC or AVIF; - is\n"
    "standard input), with the mood that the photo has and why each song fits.",
    options,
    DY_COUNT(options),
    "Example: dylumo recommend -k 5 --filter \"year>=1990\" holiday.jpg"};

/* What the arguments ask for. The query points into knobs and argv. */
struct request {
    struct dylumo_options open;
    struct dylumo_context context;
    struct dylumo_query query;
    struct dylumo_change changes[MAX_KNOBS];
    struct dylumo_weight weights[MAX_KNOBS];
    const char *embedding; /* file of rows; NULL: photos */
    struct dy_rows rows;
    bool json, together, timing;
    struct program_ids excluded, only;
    const char **photos; /* [photo_count] */
    size_t photo_count;
    double start_ms; /* from the first line of ours until all is open */
};

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

/* ------------------------------------------------------------------ arguments */

/* Splits "NAME=X,NAME=X" (in place: argv is ours) and gives each pair to take. */
static void each_pair(struct program_arguments *args, struct request *request,
                      void (*take)(struct program_arguments *, struct request *, const char *name,
                                   const char *value))
{
    char *rest = (char *)(uintptr_t)args->value;
    for (char *word; !args->stop && (word = strsep(&rest, ","));) {
        char *value = strchr(word, '=');
        if (value)
            *value++ = '\0';
        if (!*word || (value && !*value))
            program_bad_option(args, "takes NAME=NUMBER, separated by commas");
        else
            take(args, request, word, value);
    }
}

static void take_change(struct program_arguments *args, struct request *request, const char *name,
                        const char *value)
{
    struct dylumo_query *query = &request->query;
    struct dylumo_change change = {.name = name};
    change.relative = value && (*value == '+' || *value == '-');
    double least = change.relative ? -1 : 0;
    if (!value || !program_parse_real(value, &change.value) || change.value < least ||
        change.value > 1)
        program_bad_option(args, "takes NAME=0 to 1, or NAME=+0.2 and the like, not '%s%s%s'", name,
                           value ? "=" : "", value ? value : "");
    else if (query->change_count == MAX_KNOBS)
        program_bad_option(args, "takes at most %d changes", MAX_KNOBS);
    else
        request->changes[query->change_count++] = change;
}

static void take_weight(struct program_arguments *args, struct request *request, const char *name,
                        const char *value)
{
    struct dylumo_query *query = &request->query;
    struct dylumo_weight weight = {.name = name};
    bool ignore = args->option->id == IGNORE;
    if (ignore ? value != NULL
               : !value || !program_parse_real(value, &weight.factor) || weight.factor < 0)
        program_bad_option(args, "takes %s, not '%s%s%s'",
                           ignore ? "names alone" : "NAME=FACTOR, the factor 0 or more", name,
                           value ? "=" : "", value ? value : "");
    else if (query->weight_count == MAX_KNOBS)
        program_bad_option(args, "takes at most %d features", MAX_KNOBS);
    else
        request->weights[query->weight_count++] = weight;
}

static void take_count(struct program_arguments *args, uint64_t max, uint32_t *count)
{
    uint64_t number;
    if (program_whole(args, 1, max, &number))
        *count = (uint32_t)number;
}

/* A list of ids in a file; one that cannot be read ends the program with its own code. */
static void take_ids(struct program_arguments *args, struct program_ids *list)
{
    struct dylumo_error err;
    if (!program_read_ids(list, args->value, &err))
        return;
    args->stop = true;
    args->exit_code = program_fail(&err);
}

/* Options that say which files and how to run. */
static bool take_open_option(struct program_arguments *args, struct request *request, int option)
{
    struct dylumo_context *context = &request->context;
    uint64_t threads;
    switch (option) {
    case SONGS:
        request->open.songs_path = args->value;
        return true;
    case ENCODER:
        request->open.encoder_path = args->value;
        return true;
    case MOOD_FILE:
        request->open.mood_path = args->value;
        return true;
    case PRECISION:
        request->open.precision = args->value;
        return true;
    case MAX_PIXELS:
        program_whole(args, 1, UINT32_MAX, &context->max_pixels);
        return true;
    case MAX_BYTES:
        program_bytes(args, UINT64_C(1) << 40, &context->max_picture_bytes);
        return true;
    case THREADS:
        if (program_whole(args, 1, 1024, &threads))
            context->threads = (unsigned)threads;
        return true;
    default:
        return false;
    }
}

static void take_query_option(struct program_arguments *args, struct request *request, int option)
{
    struct dylumo_query *query = &request->query;
    switch (option) {
    case TOP_K:
        take_count(args, DYLUMO_MAX_SONGS, &query->count);
        break;
    case PER_ARTIST:
        take_count(args, DYLUMO_MAX_SONGS, &query->per_artist);
        break;
    case EXACT:
        query->exact = 1;
        break;
    case FILTER:
        query->filter = args->value;
        break;
    case EXCLUDE:
        take_ids(args, &request->excluded);
        break;
    case ONLY:
        take_ids(args, &request->only);
        break;
    case MOOD:
        each_pair(args, request, take_change);
        break;
    case WEIGHT:
    case IGNORE:
        each_pair(args, request, take_weight);
        break;
    case VARIETY:
        program_real(args, 0, 1, &query->variety);
        break;
    case FAMILIAR:
        program_real(args, 0, 1, &query->familiar);
        break;
    case LIKE:
        query->like_id = args->value;
        break;
    case SEASON:
        query->season = 1;
        break;
    case RANK:
        query->rank = args->value;
        break;
    case TEXT:
        query->text = args->value;
        break;
    case TEXT_WEIGHT:
        program_real(args, 0.01, 1, &query->text_weight);
        break;
    default:
        break;
    }
}

/* Photos in the old spelling, or embeddings instead. */
static void take_source(struct program_arguments *args, struct request *request)
{
    bool is_photo = args->option->id == IMAGE;
    if (is_photo ? request->embedding != NULL : request->photo_count > 0)
        program_bad_option(args, "takes embeddings or photos, not both");
    else if (is_photo)
        request->photos[request->photo_count++] = args->value;
    else
        request->embedding = args->value;
}

/* Fills request from argv; args->stop says that there is nothing left to do. */
static void read_arguments(struct program_arguments *args, struct request *request)
{
    int option;
    while ((option = program_next(args)) != PROGRAM_END) {
        if (option == JSON)
            request->json = true;
        else if (option == TOGETHER)
            request->together = true;
        else if (option == TIMING)
            request->timing = true;
        else if (option == EMBEDDING || option == IMAGE)
            take_source(args, request);
        else if (!take_open_option(args, request, option))
            take_query_option(args, request, option);
    }
    for (size_t i = 0; !args->stop && i < args->name_count; i++)
        request->photos[request->photo_count++] = args->names[i];
    if (!args->stop && request->embedding)
        program_expect_names(args, 0, 0);
    else if (!args->stop && !request->photo_count && !request->query.change_count &&
             !request->query.text)
        program_expect_names(args, 1, SIZE_MAX);
}

/* ------------------------------------------------------------------ showing */

static struct dy_present_style output_style(void)
{
    struct dy_present_style style = {.columns = 80};
    struct winsize size;
    if (!isatty(STDOUT_FILENO))
        return style;
    if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
        style.columns = size.ws_col < 100 ? size.ws_col : 100;
    const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
    style.colour = !(no_colour && *no_colour) && !(terminal && !strcmp(terminal, "dumb"));
    return style;
}

static void print_times(const struct request *request, const struct dylumo_times *times,
                        double print_ms)
{
    program_flush();
    fprintf(stderr,
            "timing: start %.2f ms, read %.2f, decode %.2f, resize %.2f, encode %.2f, mood %.2f, "
            "search %.2f, print %.2f\n",
            request->start_ms, times->read, times->decode, times->resize, times->encode,
            times->mood, times->search, print_ms);
}

static enum dylumo_status show(const struct request *request, const struct dylumo *dylumo,
                               const struct dylumo_answer *answer, bool first,
                               struct dylumo_error *err)
{
    double begun = now_ms();
    char *text = request->json ? dy_present_json(answer, dylumo_parts(dylumo), request->timing)
                               : dy_present_text(answer, output_style());
    if (!text)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to show the songs");
    if (!first && !request->json)
        putchar('\n');
    fputs(text, stdout);
    if (request->json) {
        putchar('\n');
        free(text); /* jansson's */
    } else {
        dy_free(text);
    }
    program_flush(); /* whoever reads us gets each answer when it is there */
    if (request->timing)
        print_times(request, &answer->times, now_ms() - begun);
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ asking */

/* Answers row `index` of the embeddings, or all rows as views of one picture. */
static enum dylumo_status ask_row(const struct request *request, const struct dylumo *dylumo,
                                  size_t index, struct dylumo_answer **answer,
                                  struct dylumo_error *err)
{
    const struct dy_rows *rows = &request->rows;
    char name[4200];
    if (request->together)
        return dylumo_recommend_embedding(dylumo, rows->values, rows->count, rows->columns,
                                          request->embedding, &request->query, answer, err);
    snprintf(name, sizeof name, "%s[%zu]", request->embedding, index);
    return dylumo_recommend_embedding(dylumo, rows->values + index * rows->columns, 1,
                                      rows->columns, name, &request->query, answer, err);
}

/* Answers photo `index`, or everything at once where that is asked. */
static enum dylumo_status ask(const struct request *request, const struct dylumo *dylumo,
                              size_t index, struct dylumo_answer **answer, struct dylumo_error *err)
{
    if (request->embedding)
        return ask_row(request, dylumo, index, answer, err);
    if (!request->photo_count)
        return dylumo_recommend_mood(dylumo, &request->query, answer, err);
    if (request->together)
        return dylumo_recommend_together(dylumo, request->photos, request->photo_count,
                                         &request->query, answer, err);
    return dylumo_recommend_file(dylumo, request->photos[index], &request->query, answer, err);
}

/* Says what went wrong, on standard error and, with --json, as the photo's object. */
static int report(const struct request *request, size_t index, const struct dylumo_error *err)
{
    if (request->json && request->photo_count && !program_interrupted()) {
        char *text = dy_present_json_error(request->photos[index], err);
        if (text)
            puts(text);
        free(text);
    }
    return program_fail(err);
}

static int answer_all(const struct request *request, const struct dylumo *dylumo)
{
    size_t each = request->embedding ? request->rows.count : request->photo_count;
    size_t count = request->together || !each ? 1 : each;
    struct dylumo_error err;
    size_t shown = 0;
    int code = PROGRAM_OK;
    for (size_t i = 0; i < count && !program_interrupted() && !ferror(stdout); i++) {
        struct dylumo_answer *answer = NULL;
        enum dylumo_status st = ask(request, dylumo, i, &answer, &err);
        if (!st)
            st = show(request, dylumo, answer, !shown++, &err);
        dylumo_answer_free(answer);
        if (st)
            code = report(request, i, &err);
    }
    return code && count > 1 ? PROGRAM_PARTLY : code;
}

/* The lists of ids, as the query has them; they may have grown with every option. */
static void use_lists(struct request *request)
{
    request->query.exclude_ids = (const char *const *)request->excluded.ids;
    request->query.exclude_count = request->excluded.count;
    request->query.only_ids = (const char *const *)request->only.ids;
    request->query.only_count = request->only.count;
}

static int open_and_answer(struct request *request, double begun_ms)
{
    use_lists(request);
    struct dylumo_error err;
    struct dylumo *dylumo = NULL;
    if (request->embedding && dy_rows_read(&request->rows, request->embedding, &err))
        return program_fail(&err);
    request->open.without_encoder = request->embedding != NULL;
    if (dylumo_open(&dylumo, &request->open, &err))
        return program_fail(&err);
    request->start_ms = now_ms() - begun_ms;
    int code = answer_all(request, dylumo);
    dylumo_close(dylumo);
    return code;
}

int command_recommend(int argc, char **argv)
{
    double begun_ms = now_ms();
    struct request request = {
        .open = DYLUMO_OPTIONS_INIT,
        .context = program_context(),
        .query = DYLUMO_QUERY_INIT,
        .photos = dy_new_array((size_t)argc, sizeof *request.photos),
    };
    request.open.context = &request.context;
    request.query.changes = request.changes;
    request.query.weights = request.weights;
    request.query.month = dy_present_month();
    if (!request.photos) {
        program_say("no memory for the arguments");
        return PROGRAM_NO_MEMORY;
    }
    struct program_arguments args = program_arguments_of(&usage, argc, argv);
    read_arguments(&args, &request);
    int code = args.stop ? args.exit_code : open_and_answer(&request, begun_ms);
    program_ids_free(&request.excluded);
    program_ids_free(&request.only);
    dy_rows_clear(&request.rows);
    dy_free((void *)request.photos);
    return code;
}
