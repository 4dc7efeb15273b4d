/* Scaled features back into units. The scaling is undone in double; since a table's numbers have
 * few digits, the short decimal that scales to the very float is the table's own number. */
#include "import_scaled.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#define FEATURES_FILE "spotify_features.npy"
#define INDEX_FILE "music_index.index"
#define TOLERANCE 1e-4 /* of numbers between 0 and 1 that went through f32 more than once */

/* ------------------------------------------------------------------ rows */

static const float *row_at(const struct dy_rows *rows, size_t row)
{
    return rows->values + row * rows->columns;
}

static double length_of(const float *row)
{
    double sum = 0;
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        sum += (double)row[f] * (double)row[f];
    return sqrt(sum);
}

static bool is_unit(const struct dy_rows *rows)
{
    for (size_t row = 0; row < rows->count; row++)
        if (fabs(length_of(row_at(rows, row)) - 1) > TOLERANCE)
            return false;
    return true;
}

/* Equal as they are, or once a is brought to length 1 where b has it. */
static bool same_row(const float *a, const float *b, bool b_is_unit)
{
    double length = b_is_unit ? length_of(a) : 1;
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        if (fabs((double)a[f] / (length > 0 ? length : 1) - (double)b[f]) > TOLERANCE)
            return false;
    return true;
}

static enum dylumo_status check_same(const struct dy_rows *rows, const struct dy_rows *index,
                                     const char *rows_path, const char *index_path,
                                     struct dylumo_error *err)
{
    bool unit = is_unit(index);
    if (rows->count != index->count)
        return dy_fail(err, DYLUMO_MISMATCH, "%s has %zu rows, but %s %zu vectors", rows_path,
                       rows->count, index_path, index->count);
    for (size_t row = 0; row < rows->count; row++)
        if (!same_row(row_at(rows, row), row_at(index, row), unit))
            return dy_fail(err, DYLUMO_MISMATCH,
                           "%s: vector %zu is not row %zu of %s (counted from 0)", index_path, row,
                           row, rows_path);
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ reading */

static enum dylumo_status check_columns(const struct dy_rows *rows, const char *path,
                                        struct dylumo_error *err)
{
    if (rows->columns == DYLUMO_FEATURE_COUNT)
        return DYLUMO_OK;
    return dy_fail(err, DYLUMO_BAD_FILE, "%s: %zu numbers a row, expected the %d audio features",
                   path, rows->columns, DYLUMO_FEATURE_COUNT);
}

/* 0 to 1, but for rounding. */
static enum dylumo_status check_scaled(const struct dy_rows *rows, const char *path,
                                       struct dylumo_error *err)
{
    for (size_t i = 0; i < rows->count * rows->columns; i++)
        if (!((double)rows->values[i] >= -TOLERANCE && (double)rows->values[i] <= 1 + TOLERANCE))
            return dy_fail(
                err, DYLUMO_BAD_FILE,
                "%s: %s of row %zu is %g, expected 0 to 1, as " DY_ORIGINAL_SCALER " scales it",
                path, dylumo_feature_info((enum dylumo_feature)(i % rows->columns))->name,
                i / rows->columns, (double)rows->values[i]);
    return DYLUMO_OK;
}

static enum dylumo_status check_rows(const struct dy_rows *rows, const char *path,
                                     struct dylumo_error *err)
{
    enum dylumo_status st = check_columns(rows, path, err);
    return st ? st : check_scaled(rows, path, err);
}

static bool find(const char *folder, const char *file, char path[static 4096])
{
    int length = snprintf(path, 4096, "%s/%s", folder, file);
    return length > 0 && length < 4096 && !access(path, F_OK);
}

/* What is there of the two; count 0: it is not there. */
struct found {
    struct dy_rows features, index;
    char features_path[4096], index_path[4096];
};

static enum dylumo_status read_found(struct found *found, const char *folder,
                                     struct dylumo_error *err)
{
    bool features = find(folder, FEATURES_FILE, found->features_path);
    bool index = find(folder, INDEX_FILE, found->index_path);
    enum dylumo_status st = DYLUMO_OK;
    if (!features && !index)
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: is a folder with neither " FEATURES_FILE " nor " INDEX_FILE
                       " in it; expected a table, or the original's artefacts",
                       folder);
    if (features)
        st = dy_rows_read(&found->features, found->features_path, err);
    if (!st && features)
        st = check_rows(&found->features, found->features_path, err);
    if (!st && index)
        st = dy_faiss_read(&found->index, NULL, found->index_path, err);
    if (!st && index)
        st = check_rows(&found->index, found->index_path, err);
    if (!st && features && index)
        st = check_same(&found->features, &found->index, found->features_path, found->index_path,
                        err);
    return st;
}

/* The rows that say more: those of the array, unless they alone have length 1. */
static void choose(struct import_scaled *scaled, struct found *found)
{
    bool index = !found->features.count ||
                 (found->index.count && is_unit(&found->features) && !is_unit(&found->index));
    struct dy_rows *chosen = index ? &found->index : &found->features;
    scaled->rows = *chosen;
    scaled->unit = is_unit(chosen);
    snprintf(scaled->name, sizeof scaled->name, "%s",
             index ? found->index_path : found->features_path);
    *chosen = (struct dy_rows){0};
}

enum dylumo_status import_scaled_open(struct import_scaled *scaled, const char *folder,
                                      struct dylumo_error *err)
{
    char path[4096];
    struct found *found = dy_new(sizeof *found);
    *scaled = (struct import_scaled){.unit = false};
    if (!found)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to read it", folder);
    enum dylumo_status st = read_found(found, folder, err);
    (void)find(folder, DY_ORIGINAL_SCALER, path);
    if (!st)
        st = dy_scaler_read(&scaled->scaler, path, err);
    if (!st)
        choose(scaled, found);
    dy_rows_clear(&found->features);
    dy_rows_clear(&found->index);
    dy_free(found);
    return st;
}

void import_scaled_clear(struct import_scaled *scaled)
{
    dy_rows_clear(&scaled->rows);
}

/* ------------------------------------------------------------------ units */

/* scikit-learn scales a feature that is the same everywhere by 1. */
static double span_of(const struct dy_scaler *scaler, unsigned feature)
{
    double span = scaler->maximum[feature] - scaler->minimum[feature];
    return span > 0 ? span : 1;
}

static double scale(const struct dy_scaler *scaler, unsigned feature, double value)
{
    return (value - scaler->minimum[feature]) / span_of(scaler, feature);
}

static bool scales_to(const struct import_scaled *scaled, unsigned feature, const char *text,
                      float number)
{
    double value;
    if (!dy_csv_number((struct dy_text){text, strlen(text)}, &value))
        return false;
    float again = (float)scale(&scaled->scaler, feature, value);
    return !(again < number) && !(again > number);
}

void import_scaled_print(const struct import_scaled *scaled, size_t row, unsigned feature,
                         char text[static 32])
{
    float number = row_at(&scaled->rows, row)[feature];
    double value =
        scaled->scaler.minimum[feature] + (double)number * span_of(&scaled->scaler, feature);
    if (dylumo_feature_info((enum dylumo_feature)feature)->whole) {
        snprintf(text, 32, "%.0f", value);
        return;
    }
    snprintf(text, 32, "%.3f", value); /* as most features have it; then the small ones */
    for (int digits = 3; digits <= 6 && !scales_to(scaled, feature, text, number); digits++)
        snprintf(text, 32, "%.*g", digits, value);
    if (!scales_to(scaled, feature, text, number))
        snprintf(text, 32, "%.9g", value);
}

bool import_scaled_agrees(const struct import_scaled *scaled, size_t row,
                          const double values[static DYLUMO_FEATURE_COUNT])
{
    float wanted[DYLUMO_FEATURE_COUNT];
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        wanted[f] = (float)scale(&scaled->scaler, f, values[f]);
    return same_row(wanted, row_at(&scaled->rows, row), scaled->unit);
}
