/* dylumo doctor: what is on this machine, as lines by group or as one JSON object. The looking is
 * forge/doctor's. */
#include "dy_doctor.h"
#include "dy_program.h"
#include "program_json.h"

#include <assert.h>
#include <string.h>

enum option_id { SONGS = 's', JSON = 'j', ENCODER = 256, MOOD_FILE };

enum { SCHEMA = 1 };

static const struct program_option options[] = {
    {"songs", SONGS, "FILE", "look at this songs file (as recommend takes it)"},
    {"encoder", ENCODER, "FILE", "at this encoder, or one by its name"},
    {"mood-file", MOOD_FILE, "FILE", "at this mood file"},
    {"json", JSON, NULL, "one JSON object"},
};

static const struct program_usage usage = {
    "doctor",
    "",
    "Tells what of dylumo is here: where, which version and hash, whether it is\n"
    "whole and fits together, what is missing and the command that gets it. Asks\n"
    "nobody and changes nothing; credentials are never shown.",
    options,
    DY_COUNT(options),
    "Exits with 0 when all is well, even where things that nothing needs are not\n"
    "here; with 1 for warnings; where recommend can't work with the code that says\n"
    "why: 4 a part is missing, 8 broken, 10 parts do not belong together.\n"
    "Example: dylumo doctor --encoder clip-vit-b-32"};

static const struct {
    const char *group, *heading;
} groups[] = {
    {"machine", "this machine"},         {"parts", "what recommend uses"},
    {"fit", "whether it fits together"}, {"weights", "other weights"},
    {"catalogues", "other songs files"}, {"data", "data sets and weights to get"},
    {"credentials", "credentials"},
};

static const char *heading_of(const char *group)
{
    size_t i = 0;
    while (i < DY_COUNT(groups) && strcmp(groups[i].group, group) != 0)
        i++;
    assert(i < DY_COUNT(groups)); /* each group has its row */
    return groups[i].heading;
}

static void print_finding(const struct dy_finding *finding)
{
    printf("  %-7s  %-16s  %s\n", dy_finding_state_name(finding->state), finding->name,
           finding->text);
    if (finding->path[0] && finding->hash[0])
        printf("%29s%s (%s)\n", "", finding->path, finding->hash);
    else if (finding->path[0])
        printf("%29s%s\n", "", finding->path);
    if (finding->command[0])
        printf("%29s-> %s\n", "", finding->command);
}

static size_t count_of(const struct dy_findings *findings, enum dy_finding_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++)
        count += findings->items[i].state == state;
    return count;
}

static void print_findings(const struct dy_findings *findings)
{
    const char *group = "";
    for (size_t i = 0; i < findings->count; i++) {
        const struct dy_finding *finding = &findings->items[i];
        if (strcmp(group, finding->group) != 0)
            printf("%s%s\n", i ? "\n" : "", heading_of(finding->group));
        group = finding->group;
        print_finding(finding);
    }
    size_t faults = count_of(findings, DY_FINDING_FAULT);
    size_t warnings = count_of(findings, DY_FINDING_WARNING);
    if (faults || warnings)
        printf("\n%zu fault%s, %zu warning%s\n", faults, faults == 1 ? "" : "s", warnings,
               warnings == 1 ? "" : "s");
    else
        puts("\nAll is well.");
}

static void add_text(json_t *object, const char *key, const char *text)
{
    if (text[0])
        json_object_set_new(object, key, json_string(text));
}

static json_t *finding_as_json(const struct dy_finding *finding)
{
    json_t *object = json_pack("{s:s, s:s, s:s}", "group", finding->group, "name", finding->name,
                               "state", dy_finding_state_name(finding->state));
    add_text(object, "text", finding->text);
    add_text(object, "path", finding->path);
    add_text(object, "version", finding->version);
    add_text(object, "hash", finding->hash);
    add_text(object, "command", finding->command);
    return object;
}

static int print_as_json(const struct dy_findings *findings)
{
    json_t *all = json_array();
    for (size_t i = 0; i < findings->count; i++)
        json_array_append_new(all, finding_as_json(&findings->items[i]));
    return program_print_json(
        json_pack("{s:i, s:s, s:I, s:I, s:o}", "schema", SCHEMA, "dylumo", dylumo_version(),
                  "faults", (json_int_t)count_of(findings, DY_FINDING_FAULT), "warnings",
                  (json_int_t)count_of(findings, DY_FINDING_WARNING), "findings", all));
}

/* The first fault says why recommend can't work. */
static int code_of(const struct dy_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        if (findings->items[i].state == DY_FINDING_FAULT)
            return program_exit_code(findings->items[i].status);
    return count_of(findings, DY_FINDING_WARNING) ? PROGRAM_PARTLY : PROGRAM_OK;
}

static int look(const struct dy_doctor_parts *parts, const struct dylumo_context *context,
                bool json)
{
    struct dy_findings findings;
    struct dylumo_error err;
    int code = dy_doctor(&findings, parts, context, &err) ? program_fail(&err) : PROGRAM_OK;
    if (!code && json)
        code = print_as_json(&findings);
    else if (!code)
        print_findings(&findings);
    if (!code)
        code = code_of(&findings);
    dy_findings_clear(&findings);
    return code;
}

int command_doctor(int argc, char **argv)
{
    struct program_arguments args = program_arguments_of(&usage, argc, argv);
    struct dylumo_context context = program_context();
    struct dy_doctor_parts parts = {0};
    bool json = false;
    for (int option; (option = program_next(&args)) != PROGRAM_END;) {
        if (option == SONGS)
            parts.songs = args.value;
        else if (option == ENCODER)
            parts.encoder = args.value;
        else if (option == MOOD_FILE)
            parts.mood = args.value;
        else if (option == JSON)
            json = true;
    }
    if (args.stop || program_expect_names(&args, 0, 0))
        return args.exit_code;
    return look(&parts, &context, json);
}
