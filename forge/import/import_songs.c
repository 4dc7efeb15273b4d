/* A table of songs, read: blocks of whole records go round between three steps. While the crew
 * parses one set of blocks, one thread takes the rows of the other set over into the table, in the
 * order of the file, and reads the next blocks into it. So reading (and unpacking, which can't be
 * shared) hides behind parsing, and memory holds two sets of small blocks beside the songs. */
#include "import_row.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define BLOCKS_PER_THREAD 3
#define FIELDS_MAX 4096
#define BAD_SHARE 0.01

/* A block and what became of its records. */
struct part {
    struct csv_block block; /* size 0: nothing to do */
    struct import_row *rows;
    struct import_fault *faults;
    char **owned; /* texts that needed more room when cleaned */
    struct dy_text *fields;
    size_t row_count, row_room, fault_count, fault_room, owned_count, owned_room;
    uint64_t records;
    bool no_memory;
};

struct importer {
    struct dy_csv *csv;
    const char *path;
    struct import_columns columns;
    struct import_season season;
    const struct dy_import_options *options;
    const struct dylumo_context *context;
    struct dy_import_summary *summary;
    struct dylumo_error *err;
    struct dy_workers *workers;
    struct import_table table;
    struct part *sets[2]; /* [part_count] each */
    size_t part_count;
    unsigned parsing; /* the set being parsed */
    enum dylumo_status st;
};

/* ------------------------------------------------------------------ parsing a block */

static bool add_fault(struct part *part, uint64_t line, const char *reason)
{
    if (!dy_grow(&part->faults, &part->fault_room, part->fault_count + 1, sizeof *part->faults))
        return false;
    struct import_fault *fault = &part->faults[part->fault_count++];
    fault->line = line;
    snprintf(fault->reason, sizeof fault->reason, "%s", reason);
    return true;
}

static bool keep_owned(struct part *part, char *const *owned)
{
    for (; *owned; owned++) {
        if (!dy_grow(&part->owned, &part->owned_room, part->owned_count + 1, sizeof *part->owned)) {
            for (; *owned; owned++)
                dy_free(*owned);
            return false;
        }
        part->owned[part->owned_count++] = *owned;
    }
    return true;
}

/* One sound record of size bytes. */
static bool parse_record(const struct importer *importer, struct part *part, char *bytes,
                         size_t size, uint64_t line)
{
    char reason[IMPORT_REASON], *owned[6] = {NULL};
    size_t count = csv_split(bytes, size, part->fields, importer->columns.count);
    if (count == 0)
        return true; /* an empty line */
    if (!dy_grow(&part->rows, &part->row_room, part->row_count + 1, sizeof *part->rows))
        return false;
    struct import_row *row = &part->rows[part->row_count];
    enum import_verdict verdict = import_row_read(&importer->columns, &importer->season,
                                                  part->fields, count, row, owned, reason);
    part->records++;
    row->line = line;
    part->row_count += verdict == IMPORT_GOOD;
    bool kept = keep_owned(part, owned);
    return kept && verdict != IMPORT_NO_MEMORY &&
           (verdict == IMPORT_GOOD || add_fault(part, line, reason));
}

static bool parse_block(const struct importer *importer, struct part *part)
{
    uint64_t line = part->block.line;
    struct csv_extent extent;
    for (size_t at = 0; at < part->block.size; at += extent.size) {
        char *bytes = part->block.bytes + at;
        extent = csv_extent_of(bytes, part->block.size - at, true);
        if (extent.fault) {
            part->records++;
            if (!add_fault(part, line, extent.fault))
                return false;
        } else if (!parse_record(importer, part, bytes, extent.size, line)) {
            return false;
        }
        line += extent.line_count;
    }
    return true;
}

/* ------------------------------------------------------------------ taking over, reading on */

static void report_fault(const struct importer *importer, const struct import_fault *fault)
{
    importer->summary->bad++;
    if (importer->options && importer->options->report)
        importer->options->report(importer->options->user, importer->path, fault->line,
                                  fault->reason);
}

static void empty_part(struct part *part)
{
    for (size_t i = 0; i < part->owned_count; i++)
        dy_free(part->owned[i]);
    part->block.size = 0;
    part->row_count = part->fault_count = part->owned_count = 0;
    part->records = 0;
}

/* Rows into the table, faults to the caller. */
static enum dylumo_status take_over(struct importer *importer, struct part *part)
{
    for (size_t i = 0; i < part->row_count; i++)
        if (!import_table_add(&importer->table, &part->rows[i]))
            return dy_fail(importer->err, DYLUMO_NO_MEMORY, "%s: no memory for more than %zu songs",
                           importer->path, importer->table.count);
    for (size_t i = 0; i < part->fault_count; i++)
        report_fault(importer, &part->faults[i]);
    importer->summary->rows += part->records;
    empty_part(part);
    return DYLUMO_OK;
}

static void exchange(struct importer *importer, struct part *parts)
{
    enum dylumo_status st = DYLUMO_OK;
    for (size_t i = 0; !st && i < importer->part_count; i++)
        st = take_over(importer, &parts[i]);
    for (size_t i = 0; !st && i < importer->part_count; i++) {
        st = csv_next_block(importer->csv, &parts[i].block, importer->err);
        if (st || parts[i].block.size == 0)
            break;
    }
    importer->st = st;
}

static void import_step(void *user, size_t task)
{
    struct importer *importer = user;
    if (task == 0) {
        exchange(importer, importer->sets[1 - importer->parsing]);
        return;
    }
    struct part *part = &importer->sets[importer->parsing][task - 1];
    part->no_memory = part->block.size && !parse_block(importer, part);
}

/* ------------------------------------------------------------------ the round */

static enum dylumo_status check_round(struct importer *importer)
{
    if (importer->st)
        return importer->st;
    for (size_t i = 0; i < importer->part_count; i++)
        if (importer->sets[importer->parsing][i].no_memory)
            return dy_fail(importer->err, DYLUMO_NO_MEMORY, "%s: no memory to read it",
                           importer->path);
    if (dy_context_cancelled(importer->context))
        return dy_fail(importer->err, DYLUMO_CANCELLED, "%s: the import was stopped",
                       importer->path);
    uint64_t done, all;
    dy_csv_progress(importer->csv, &done, &all);
    dy_context_progress(importer->context, "reading", done, all);
    return DYLUMO_OK;
}

static enum dylumo_status read_table(struct importer *importer)
{
    exchange(importer, importer->sets[0]);
    enum dylumo_status st = importer->st;
    while (!st && (importer->sets[0][0].block.size || importer->sets[1][0].block.size)) {
        dy_workers_run(importer->workers, 1 + importer->part_count, import_step, importer);
        st = check_round(importer);
        importer->parsing = 1 - importer->parsing;
    }
    return st;
}

/* ------------------------------------------------------------------ set-up */

static bool make_parts(struct importer *importer)
{
    importer->part_count = (size_t)BLOCKS_PER_THREAD * dy_workers_count(importer->workers);
    for (int s = 0; s < 2; s++) {
        importer->sets[s] = dy_new_array(importer->part_count, sizeof *importer->sets[s]);
        for (size_t i = 0; importer->sets[s] && i < importer->part_count; i++) {
            importer->sets[s][i].fields =
                dy_new_array(importer->columns.count, sizeof(struct dy_text));
            if (!importer->sets[s][i].fields)
                return false;
        }
    }
    return importer->sets[0] && importer->sets[1];
}

static void free_parts(struct importer *importer)
{
    for (int s = 0; s < 2; s++) {
        for (size_t i = 0; importer->sets[s] && i < importer->part_count; i++) {
            struct part *part = &importer->sets[s][i];
            empty_part(part);
            dy_free(part->block.bytes);
            dy_free(part->rows);
            dy_free(part->faults);
            dy_free(part->owned);
            dy_free(part->fields);
        }
        dy_free(importer->sets[s]);
        importer->sets[s] = NULL;
    }
}

/* Reads one of the tables, all of it. */
static enum dylumo_status read_input(struct importer *importer, const char *input)
{
    importer->path = input;
    enum dylumo_status st = dy_csv_open(&importer->csv, input, importer->err);
    if (!st)
        st = import_columns_find(&importer->columns, importer->csv, input, importer->err);
    if (!st && !make_parts(importer))
        st = dy_fail(importer->err, DYLUMO_NO_MEMORY, "%s: no memory to read it", input);
    if (!st)
        st = read_table(importer);
    free_parts(importer);
    dy_csv_close(importer->csv);
    importer->csv = NULL;
    return st;
}

/* Faults are counted over all tables, named after the first. */
static enum dylumo_status judge(const struct importer *importer)
{
    const struct dy_import_summary *summary = importer->summary;
    double allowed = importer->options ? importer->options->max_bad_share : 0;
    if (!(allowed > 0))
        allowed = BAD_SHARE;
    if ((double)summary->bad > allowed * (double)summary->rows)
        return dy_fail(importer->err, DYLUMO_BAD_FILE,
                       "%s: %llu of %llu rows can't be read, more than %g %%", importer->path,
                       (unsigned long long)summary->bad, (unsigned long long)summary->rows,
                       allowed * 100);
    if (importer->table.count == 0)
        return dy_fail(importer->err, DYLUMO_BAD_FILE, "%s: holds no songs", importer->path);
    return DYLUMO_OK;
}

static enum dylumo_status set_up(struct importer *importer, const char *const *inputs, size_t count)
{
    struct import_table *table = &importer->table;
    importer->path = inputs[0];
    table->names = inputs;
    table->name_rows = dy_new_array(count, sizeof *table->name_rows);
    enum dylumo_status st = import_season_init(&importer->season, importer->err);
    if (!st && !table->name_rows)
        st = dy_fail(importer->err, DYLUMO_NO_MEMORY, "%s: no memory to read it", inputs[0]);
    if (!st)
        st = dy_workers_new(&importer->workers, dy_context_threads(importer->context),
                            importer->err);
    return st;
}

static enum dylumo_status read_inputs(struct importer *importer, const char *const *inputs,
                                      size_t count)
{
    enum dylumo_status st = set_up(importer, inputs, count);
    for (size_t i = 0; !st && i < count; i++) {
        struct import_table *table = &importer->table;
        table->name_rows[table->name_count++] = table->count;
        st = read_input(importer, inputs[i]);
    }
    importer->path = inputs[0];
    return st ? st : judge(importer);
}

enum dylumo_status dy_import_tables(const char *output, const char *const *inputs, size_t count,
                                    const struct dy_import_options *options,
                                    const struct dylumo_context *context,
                                    struct dy_import_summary *summary, struct dylumo_error *err)
{
    struct dy_import_summary own;
    struct importer importer = {
        .options = options,
        .context = context,
        .summary = summary ? summary : &own,
        .err = err,
    };
    assert(count > 0);
    *importer.summary = (struct dy_import_summary){0};
    enum dylumo_status st = read_inputs(&importer, inputs, count);
    if (!st)
        st = import_make(&importer.table, output, options, context, importer.workers,
                         importer.summary, err);
    import_table_clear(&importer.table);
    import_season_clear(&importer.season);
    dy_workers_free(importer.workers);
    return st;
}

enum dylumo_status dy_import_songs(const char *output, const char *input,
                                   const struct dy_import_options *options,
                                   const struct dylumo_context *context,
                                   struct dy_import_summary *summary, struct dylumo_error *err)
{
    return dy_import_tables(output, &input, 1, options, context, summary, err);
}
