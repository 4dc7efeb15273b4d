/* The songs file from a table: rows sorted by id, repeated ids left out, then one task a feature
 * and one each for texts and labels, side by side; then the sections are written. Each column is
 * freed as soon as its successor is made, which keeps a million songs under 300 MB. */
#include "import_make.h"
#include "dy_songs.h"

#include <stdatomic.h>
#include <string.h>

/* Tasks of a run: the 13 features, then these. */
enum { TASK_IDS = DYLUMO_FEATURE_COUNT, TASK_TITLES, TASK_LABELS, TASK_COUNT };

/* Memory to sort in, for one task at a time; one for each thread. */
struct desk {
    uint64_t *pairs, *scratch; /* [count] each, made when first used */
    atomic_flag taken;
};

struct maker {
    struct import_table *table;
    struct desk *desks; /* [desk_count] */
    size_t desk_count;
    uint32_t *order; /* [count] table rows in the file's order */
    size_t count;
    struct import_feature *features; /* [13] */
    struct import_texts ids, titles;
    struct import_labels labels;
    int16_t *years;
    uint8_t *popularity, *flags;
    bool failed[TASK_COUNT]; /* no memory */
};

/* ------------------------------------------------------------------ columns */

/* No more tasks run at once than there are desks. */
static struct desk *take_desk(struct maker *maker)
{
    for (size_t d = 0;; d = (d + 1) % maker->desk_count) {
        struct desk *desk = &maker->desks[d];
        if (atomic_flag_test_and_set(&desk->taken))
            continue;
        if (!desk->pairs)
            desk->pairs = dy_mem_aligned(maker->count * sizeof *desk->pairs);
        if (!desk->scratch)
            desk->scratch = dy_mem_aligned(maker->count * sizeof *desk->scratch);
        return desk;
    }
}

static bool make_feature(struct maker *maker, size_t f)
{
    struct import_feature *feature = &maker->features[f];
    float *from = maker->table->features[f];
    struct desk *desk = take_desk(maker);
    feature->values = dy_mem_aligned(maker->count * sizeof *feature->values);
    bool good = desk->pairs && desk->scratch && feature->values;
    for (size_t i = 0; good && i < maker->count; i++)
        feature->values[i] = from[maker->order[i]];
    dy_free(from);
    maker->table->features[f] = NULL;
    good = good && import_feature_make(feature, f == DYLUMO_DURATION_MS, maker->count, desk->pairs,
                                       desk->scratch);
    atomic_flag_clear(&desk->taken);
    return good;
}

/* from's texts in the maker's order; from is emptied. */
static bool make_texts(const struct maker *maker, struct import_texts *from,
                       struct import_texts *to)
{
    size_t size = 0;
    to->offsets = dy_new_array(maker->count + 1, sizeof *to->offsets);
    for (size_t i = 0; to->offsets && i < maker->count; i++) {
        size += import_texts_at(from, maker->order[i]).size;
        to->offsets[i + 1] = size;
    }
    to->bytes = to->offsets ? dy_mem_aligned(size + 1) : NULL;
    if (!to->bytes)
        return false;
    to->count = maker->count;
    for (size_t i = 0; i < maker->count; i++) {
        struct dy_text text = import_texts_at(from, maker->order[i]);
        if (text.size)
            memcpy(to->bytes + to->offsets[i], text.bytes, text.size);
    }
    import_texts_clear(from);
    return true;
}

static bool make_labels(struct maker *maker)
{
    const struct import_table *table = maker->table;
    maker->years = dy_new_array(maker->count, sizeof *maker->years);
    maker->popularity = dy_new_array(maker->count, 1);
    maker->flags = dy_new_array(maker->count, 1);
    if (!maker->years || !maker->popularity || !maker->flags)
        return false;
    for (size_t i = 0; i < maker->count; i++) {
        maker->years[i] = table->years[maker->order[i]];
        maker->popularity[i] = table->popularity[maker->order[i]];
        maker->flags[i] = table->flags[maker->order[i]];
    }
    return import_labels_make(&maker->labels, table, maker->order, maker->count);
}

static void make_step(void *user, size_t task)
{
    struct maker *maker = user;
    bool good;
    if (task < TASK_IDS)
        good = make_feature(maker, task);
    else if (task == TASK_IDS)
        good = make_texts(maker, &maker->table->ids, &maker->ids);
    else if (task == TASK_TITLES)
        good = make_texts(maker, &maker->table->titles, &maker->titles);
    else
        good = make_labels(maker);
    maker->failed[task] = !good;
}

/* ------------------------------------------------------------------ repeated ids */

static bool same_id(const struct import_table *table, uint32_t a, uint32_t b)
{
    struct dy_text x = import_texts_at(&table->ids, a), y = import_texts_at(&table->ids, b);
    return x.size == y.size && !memcmp(x.bytes, y.bytes, x.size);
}

/* Keeps the first of each id and reports the others. */
static void drop_repeated(struct maker *maker, const struct dy_import_options *options,
                          struct dy_import_summary *summary)
{
    const struct import_table *table = maker->table;
    size_t kept = 0;
    for (size_t i = 0; i < maker->count; i++) {
        uint32_t row = maker->order[i];
        if (kept == 0 || !same_id(table, maker->order[kept - 1], row)) {
            maker->order[kept++] = row;
            continue;
        }
        summary->duplicates++;
        if (options && options->report) {
            char reason[96];
            snprintf(reason, sizeof reason, "its id stands in line %llu already",
                     (unsigned long long)table->lines[maker->order[kept - 1]]);
            options->report(options->user, table->lines[row], reason);
        }
    }
    maker->count = kept;
}

/* ------------------------------------------------------------------ writing */

/* 13 columns, each filled up to the stride. */
static enum dylumo_status write_columns(struct dy_songs_writer *writer, uint32_t type,
                                        const struct maker *maker, bool scores,
                                        struct dylumo_error *err)
{
    static const float zeros[16];
    struct dy_part parts[2 * DYLUMO_FEATURE_COUNT];
    size_t gap = (dy_songs_stride(maker->count) - maker->count) * sizeof(float);
    for (size_t f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        const struct import_feature *feature = &maker->features[f];
        const float *column = scores ? feature->scores : feature->values;
        parts[2 * f] = (struct dy_part){column, maker->count * sizeof *column};
        parts[2 * f + 1] = (struct dy_part){zeros, gap};
    }
    return dy_songs_writer_add_parts(writer, type, parts, DY_COUNT(parts), err);
}

static struct dy_text_table table_of(const struct import_texts *texts)
{
    static const uint64_t none[1];
    struct dy_text_table table = {texts->count, texts->offsets ? texts->offsets : none,
                                  texts->bytes, 0};
    table.size = (size_t)table.offsets[table.count];
    return table;
}

/* The size that all ids have, or 0. */
static unsigned common_size(const struct import_texts *ids)
{
    size_t size = import_texts_at(ids, 0).size;
    for (size_t i = 1; i < ids->count; i++)
        if (import_texts_at(ids, i).size != size)
            return 0;
    return (unsigned)size;
}

static enum dylumo_status write_texts(struct dy_songs_writer *writer, const struct maker *maker,
                                      struct dylumo_error *err)
{
    struct dy_text_table ids = table_of(&maker->ids), titles = table_of(&maker->titles);
    struct dy_text_table artists = table_of(&maker->labels.artists);
    struct dy_text_table genres = table_of(&maker->labels.genres);
    enum dylumo_status st = dy_songs_writer_add_ids(writer, common_size(&maker->ids), &ids, err);
    if (!st)
        st = dy_songs_writer_add_texts(writer, DY_SONGS_TITLES, &titles, err);
    if (!st)
        st = dy_songs_writer_add_texts(writer, DY_SONGS_ARTISTS, &artists, err);
    return st ? st : dy_songs_writer_add_texts(writer, DY_SONGS_GENRES, &genres, err);
}

static enum dylumo_status write_numbers(struct dy_songs_writer *writer, const struct maker *maker,
                                        struct dylumo_error *err)
{
    const struct import_labels *labels = &maker->labels;
    size_t n = maker->count;
    const struct {
        uint32_t type;
        const void *data;
        size_t size;
    } sections[] = {
        {DY_SONGS_YEARS, maker->years, n * 2},
        {DY_SONGS_POPULARITY, maker->popularity, n},
        {DY_SONGS_GENRE, labels->genre, n * 4},
        {DY_SONGS_ARTIST, labels->artist, n * 4},
        {DY_SONGS_ARTIST_GROUPS, labels->artist_groups, labels->artists.count * 4},
        {DY_SONGS_RECORDINGS, labels->recordings, n * 4},
        {DY_SONGS_FLAGS, maker->flags, n},
    };
    enum dylumo_status st = DYLUMO_OK;
    for (size_t s = 0; !st && s < DY_COUNT(sections); s++)
        st = dy_songs_writer_add(writer, sections[s].type, sections[s].data, sections[s].size, err);
    return st;
}

static enum dylumo_status write_statistics(struct dy_songs_writer *writer,
                                           const struct maker *maker, struct dylumo_error *err)
{
    struct dy_feature_stats stats[DYLUMO_FEATURE_COUNT];
    const struct dy_knot *knots[DYLUMO_FEATURE_COUNT];
    uint32_t counts[DYLUMO_FEATURE_COUNT];
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        stats[f] = maker->features[f].stats;
        knots[f] = maker->features[f].knots;
        counts[f] = maker->features[f].knot_count;
    }
    enum dylumo_status st = dy_songs_writer_add(writer, DY_SONGS_STATS, stats, sizeof stats, err);
    return st ? st : dy_songs_writer_add_quantiles(writer, knots, counts, err);
}

/* The search tree over the normal scores, stored last. */
static enum dylumo_status write_tree(struct dy_songs_writer *writer, const struct maker *maker,
                                     struct dy_workers *workers, struct dylumo_error *err)
{
    struct dy_songs_space space = {.axes = DYLUMO_FEATURE_COUNT, .count = maker->count};
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        space.columns[f] = maker->features[f].scores;
    struct dy_songs_index *tree;
    enum dylumo_status st = dy_songs_index_build(&tree, &space, workers, err);
    if (st)
        return st;
    size_t size;
    const void *bytes = dy_songs_index_bytes(tree, &size);
    st = dy_songs_writer_add(writer, DY_SONGS_SCORES_TREE, bytes, size, err);
    dy_songs_index_free(tree);
    return st;
}

static enum dylumo_status write_file(const struct maker *maker, const char *output, bool with_tree,
                                     struct dy_workers *workers, uint64_t *file_bytes,
                                     struct dylumo_error *err)
{
    struct dy_songs_writer writer;
    enum dylumo_status st = dy_songs_writer_open(&writer, output, maker->count, err);
    if (st)
        return st;
    st = write_columns(&writer, DY_SONGS_SCORES, maker, true, err);
    if (!st)
        st = write_columns(&writer, DY_SONGS_FEATURES, maker, false, err);
    if (!st)
        st = write_texts(&writer, maker, err);
    if (!st)
        st = write_numbers(&writer, maker, err);
    if (!st)
        st = write_statistics(&writer, maker, err);
    if (!st && with_tree)
        st = write_tree(&writer, maker, workers, err);
    *file_bytes = writer.at;
    if (!st)
        return dy_songs_writer_commit(&writer, err);
    dy_songs_writer_discard(&writer);
    return st;
}

/* ------------------------------------------------------------------ make */

static void count_up(const struct maker *maker, struct dy_import_summary *summary)
{
    summary->songs = maker->count;
    summary->artists = maker->labels.artists.count;
    summary->genres = maker->labels.genres.count;
    for (size_t i = 0; i < maker->count; i++) {
        summary->with_year += maker->years[i] != 0;
        summary->with_genre += maker->labels.genre[i] != DY_SONGS_UNKNOWN;
        summary->with_popularity += maker->popularity[i] != DY_SONGS_NO_POPULARITY;
    }
}

static void clear(struct maker *maker)
{
    for (size_t f = 0; maker->features && f < DYLUMO_FEATURE_COUNT; f++) {
        dy_free(maker->features[f].values);
        dy_free(maker->features[f].scores);
    }
    for (size_t d = 0; maker->desks && d < maker->desk_count; d++) {
        dy_free(maker->desks[d].pairs);
        dy_free(maker->desks[d].scratch);
    }
    dy_free(maker->desks);
    dy_free(maker->features);
    dy_free(maker->order);
    dy_free(maker->years);
    dy_free(maker->popularity);
    dy_free(maker->flags);
    import_texts_clear(&maker->ids);
    import_texts_clear(&maker->titles);
    import_labels_clear(&maker->labels);
}

static bool run_tasks(struct maker *maker, struct dy_workers *workers)
{
    dy_workers_run(workers, TASK_COUNT, make_step, maker);
    bool good = true;
    for (size_t t = 0; t < TASK_COUNT; t++)
        good &= !maker->failed[t];
    return good;
}

enum dylumo_status import_make(struct import_table *table, const char *output,
                               const struct dy_import_options *options,
                               const struct dylumo_context *context, struct dy_workers *workers,
                               struct dy_import_summary *summary, struct dylumo_error *err)
{
    struct maker maker = {
        .table = table,
        .count = table->count,
        .desks = dy_new_array(dy_workers_count(workers), sizeof *maker.desks),
        .desk_count = dy_workers_count(workers),
        .order = dy_new_array(table->count, sizeof(uint32_t)),
        .features = dy_new_array(DYLUMO_FEATURE_COUNT, sizeof *maker.features),
    };
    bool good =
        maker.desks && maker.order && maker.features && import_order_by_id(table, maker.order);
    if (good) {
        drop_repeated(&maker, options, summary);
        good = run_tasks(&maker, workers);
    }
    enum dylumo_status st = DYLUMO_OK;
    if (!good)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for %zu songs", output, table->count);
    else if (dy_context_cancelled(context))
        st = dy_fail(err, DYLUMO_CANCELLED, "%s: not written, the import was stopped", output);
    if (!st) {
        count_up(&maker, summary);
        bool with_tree = !options || !options->without_tree;
        st = write_file(&maker, output, with_tree, workers, &summary->file_bytes, err);
    }
    clear(&maker);
    import_table_clear(table);
    return st;
}
