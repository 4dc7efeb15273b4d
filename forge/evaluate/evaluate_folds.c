/* Which pictures each fold's networks did not learn from, as the CSV beside a mood file tells: read
 * once, sorted, looked up by table and file name. */
#include "evaluate_folds.h"

#include "dy_evaluate.h"
#include "dy_import.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_lines(const void *a, const void *b)
{
    const struct fold_line *x = a, *y = b;
    if (x->set != y->set)
        return x->set < y->set ? -1 : 1;
    return strcmp(x->file, y->file);
}

void fold_table_clear(struct fold_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        dy_free(table->lines[i].file);
    dy_free(table->lines);
}

struct fold_columns {
    long set, file, fold;
};

static bool whole_number(const struct dy_csv_record *record, long column, double below,
                         double *number)
{
    return (size_t)column < record->count && dy_csv_number(record->fields[column], number) &&
           *number >= 0 && *number < below && *number == floor(*number);
}

static enum dylumo_status add_line(struct fold_table *table, const struct dy_csv_record *record,
                                   const struct fold_columns *columns, unsigned folds,
                                   const char *path, struct dylumo_error *err)
{
    double set, fold;
    if (record->fault || (size_t)columns->file >= record->count ||
        !whole_number(record, columns->set, DY_FIT_SETS_MAX, &set) ||
        !whole_number(record, columns->fold, folds, &fold))
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: line %llu: expected set, file, fold under %u",
                       path, (unsigned long long)record->line, folds);
    struct dy_text name = record->fields[columns->file];
    char *copy = dy_new(name.size + 1);
    if (!copy || !dy_grow(&table->lines, &table->room, table->count + 1, sizeof *table->lines)) {
        dy_free(copy);
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for its lines", path);
    }
    memcpy(copy, name.bytes, name.size);
    table->lines[table->count++] = (struct fold_line){(unsigned)set, copy, (uint8_t)fold};
    return DYLUMO_OK;
}

enum dylumo_status fold_table_read(struct fold_table *table, const char *path, unsigned folds,
                                   struct dylumo_error *err)
{
    struct dy_csv *csv = NULL;
    enum dylumo_status st = dy_csv_open(&csv, path, err);
    if (st)
        return st;
    struct fold_columns columns = {dy_csv_column(csv, "set"), dy_csv_column(csv, "file"),
                                   dy_csv_column(csv, "fold")};
    bool more = true;
    if (columns.set < 0 || columns.file < 0 || columns.fold < 0)
        st = dy_fail(err, DYLUMO_BAD_FILE, "%s: needs the columns set, file and fold", path);
    while (!st && more) {
        struct dy_csv_record record;
        st = dy_csv_next(csv, &record, &more, err);
        if (!st && more)
            st = add_line(table, &record, &columns, folds, path, err);
    }
    dy_csv_close(csv);
    if (!st && table->count)
        qsort(table->lines, table->count, sizeof *table->lines, compare_lines);
    return st;
}

const struct fold_line *fold_table_find(const struct fold_table *table, unsigned set,
                                        const char *file)
{
    const struct fold_line wanted = {set, (char *)(uintptr_t)file, 0};
    if (table->count == 0)
        return NULL;
    return bsearch(&wanted, table->lines, table->count, sizeof *table->lines, compare_lines);
}
