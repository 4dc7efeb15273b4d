/* The songs file from a table: rows sorted by id, repeated ids left out, then one task a feature
 * and one each for texts and labels, side by side. The places of the large sections are known
 * before, so each task writes its own as soon as it is made, and no thread waits for the disk. */
#include "import_make.h"

#include "dy_songs.h"
#include "import_words.h"

#include <stdatomic.h>
#include <string.h>

/* Tasks of a run: the longest first, then the 13 features. */
enum { TASK_LABELS, TASK_TITLES, TASK_IDS, TASK_FEATURES };
#define TASK_COUNT (TASK_FEATURES + DYLUMO_FEATURE_COUNT)

/* Memory to sort in, for one task at a time; one for each thread. */
struct desk {
    uint64_t *pairs, *scratch; /* [count] each, made when first used */
    float *values;             /* [count] */
    atomic_flag taken;
};

/* Where the large sections go, as dy_songs_writer_reserve gave them. */
struct slots {
    unsigned values[DYLUMO_FEATURE_COUNT], scores[DYLUMO_FEATURE_COUNT];
    unsigned ids, titles, years, popularity, flags, artist, genre, recordings;
};

struct maker {
    struct import_table *table;
    struct desk *desks; /* [desk_count] */
    size_t desk_count;
    uint32_t *order; /* [count] table rows in the file's order */
    size_t count;
    unsigned id_bytes; /* of every id, 0 where they differ */
    struct dy_songs_writer writer;
    struct slots slots;
    struct import_feature *features; /* [13] */
    struct import_labels labels;
    struct import_words title_words, artist_words;
    struct dy_import_summary *summary;
    struct dylumo_error errors[TASK_COUNT];
    enum dylumo_status statuses[TASK_COUNT];
};

static enum dylumo_status no_memory(const struct maker *maker, struct dylumo_error *err)
{
    return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for %zu songs", maker->writer.out.path,
                   maker->count);
}

/* ------------------------------------------------------------------ features */

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
        if (!desk->values)
            desk->values = dy_mem_aligned(maker->count * sizeof *desk->values);
        return desk;
    }
}

/* The scores take the place of the table's column: fresh memory costs its first touch. */
static enum dylumo_status make_feature_at(struct maker *maker, struct desk *desk, size_t f,
                                          struct dylumo_error *err)
{
    struct import_feature *feature = &maker->features[f];
    float *column = maker->table->features[f];
    if (!desk->pairs || !desk->scratch || !desk->values)
        return no_memory(maker, err);
    for (size_t i = 0; i < maker->count; i++)
        desk->values[i] = column[maker->order[i]];
    const struct dy_part values = {desk->values, maker->count * sizeof *desk->values};
    enum dylumo_status st =
        dy_songs_writer_fill(&maker->writer, maker->slots.values[f], &values, 1, err);
    if (st)
        return st;
    feature->values = desk->values;
    feature->scores = column;
    maker->table->features[f] = NULL;
    import_feature_make(feature, f == DYLUMO_DURATION_MS, maker->count, desk->pairs, desk->scratch);
    feature->values = NULL;
    const struct dy_part scores = {column, maker->count * sizeof *column};
    return dy_songs_writer_fill(&maker->writer, maker->slots.scores[f], &scores, 1, err);
}

static enum dylumo_status make_feature(struct maker *maker, size_t f, struct dylumo_error *err)
{
    struct desk *desk = take_desk(maker);
    enum dylumo_status st = make_feature_at(maker, desk, f, err);
    atomic_flag_clear(&desk->taken);
    return st;
}

/* ------------------------------------------------------------------ texts */

/* from's texts in the maker's order; from is emptied. */
static bool order_texts(const struct maker *maker, struct import_texts *from,
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

static enum dylumo_status make_titles(struct maker *maker, struct dylumo_error *err)
{
    struct import_texts titles = {0};
    enum dylumo_status st = DYLUMO_OK;
    uint64_t count = maker->count;
    if (!order_texts(maker, &maker->table->titles, &titles))
        st = no_memory(maker, err);
    if (!st) {
        const struct dy_part parts[] = {
            {&count, sizeof count},
            {titles.offsets, (titles.count + 1) * sizeof *titles.offsets},
            {titles.bytes, (size_t)titles.offsets[titles.count]},
        };
        st = dy_songs_writer_fill(&maker->writer, maker->slots.titles, parts, 3, err);
    }
    if (!st && !import_words_of_titles(&maker->title_words, &titles, maker->table, maker->order))
        st = no_memory(maker, err);
    import_texts_clear(&titles);
    return st;
}

static enum dylumo_status make_ids(struct maker *maker, struct dylumo_error *err)
{
    struct import_texts ids = {0};
    enum dylumo_status st = DYLUMO_OK;
    const uint32_t head[2] = {maker->id_bytes, 0};
    if (!order_texts(maker, &maker->table->ids, &ids))
        st = no_memory(maker, err);
    if (!st) {
        size_t offsets = maker->id_bytes ? 0 : (ids.count + 1) * sizeof *ids.offsets;
        const struct dy_part parts[] = {
            {head, sizeof head},
            {ids.offsets, offsets},
            {ids.bytes, (size_t)ids.offsets[ids.count]},
        };
        st = dy_songs_writer_fill(&maker->writer, maker->slots.ids, parts, 3, err);
    }
    import_texts_clear(&ids);
    return st;
}

/* ------------------------------------------------------------------ labels */

/* Small numbers straight from the table: years, popularity, flags. */
static enum dylumo_status make_plain(struct maker *maker, const void *from, size_t item,
                                     unsigned slot, struct dylumo_error *err)
{
    uint8_t *column = dy_mem_aligned(maker->count * item);
    if (!column)
        return no_memory(maker, err);
    const uint8_t *bytes = from;
    for (size_t i = 0; i < maker->count; i++)
        memcpy(column + i * item, bytes + maker->order[i] * item, item);
    struct dy_part part = {column, maker->count * item};
    enum dylumo_status st = dy_songs_writer_fill(&maker->writer, slot, &part, 1, err);
    dy_free(column);
    return st;
}

static void count_up(const struct maker *maker)
{
    struct dy_import_summary *summary = maker->summary;
    summary->songs = maker->count;
    summary->artists = maker->labels.artists.count;
    summary->genres = maker->labels.genres.count;
    for (size_t i = 0; i < maker->count; i++) {
        uint32_t row = maker->order[i];
        summary->with_year += maker->table->years[row] != 0;
        summary->with_genre += maker->table->genre[row] != DY_SONGS_UNKNOWN;
        summary->with_popularity += maker->table->popularity[row] != DY_SONGS_NO_POPULARITY;
    }
}

static enum dylumo_status make_labels(struct maker *maker, struct dylumo_error *err)
{
    const struct import_table *table = maker->table;
    const struct slots *slots = &maker->slots;
    struct import_labels *labels = &maker->labels;
    if (!import_labels_make(labels, table, maker->order, maker->count) ||
        !import_words_of_groups(&maker->artist_words, &labels->groups))
        return no_memory(maker, err);
    count_up(maker);
    size_t size = maker->count * sizeof(uint32_t);
    const struct dy_part artist = {labels->artist, size}, genre = {labels->genre, size},
                         recordings = {labels->recordings, size};
    enum dylumo_status st = dy_songs_writer_fill(&maker->writer, slots->artist, &artist, 1, err);
    if (!st)
        st = dy_songs_writer_fill(&maker->writer, slots->genre, &genre, 1, err);
    if (!st)
        st = dy_songs_writer_fill(&maker->writer, slots->recordings, &recordings, 1, err);
    if (!st)
        st = make_plain(maker, table->years, 2, slots->years, err);
    if (!st)
        st = make_plain(maker, table->popularity, 1, slots->popularity, err);
    return st ? st : make_plain(maker, table->flags, 1, slots->flags, err);
}

static void make_step(void *user, size_t task)
{
    struct maker *maker = user;
    struct dylumo_error *err = &maker->errors[task];
    enum dylumo_status *st = &maker->statuses[task];
    if (task == TASK_LABELS)
        *st = make_labels(maker, err);
    else if (task == TASK_TITLES)
        *st = make_titles(maker, err);
    else if (task == TASK_IDS)
        *st = make_ids(maker, err);
    else
        *st = make_feature(maker, task - TASK_FEATURES, err);
}

/* ------------------------------------------------------------------ repeated ids */

static bool same_id(const struct import_table *table, uint32_t a, uint32_t b)
{
    struct dy_text x = import_texts_at(&table->ids, a), y = import_texts_at(&table->ids, b);
    return x.size == y.size && !memcmp(x.bytes, y.bytes, x.size);
}

static void report_repeated(const struct maker *maker, const struct dy_import_options *options,
                            uint32_t first, uint32_t row)
{
    const struct import_table *table = maker->table;
    const char *name = import_table_name(table, row), *there = import_table_name(table, first);
    unsigned long long line = table->lines[first];
    char reason[160];
    if (!options || !options->report)
        return;
    if (there == name)
        snprintf(reason, sizeof reason, "its id stands in line %llu already", line);
    else
        snprintf(reason, sizeof reason, "its id stands in line %llu of %s already", line, there);
    options->report(options->user, name, table->lines[row], reason);
}

/* Keeps the first of each id and reports the others. */
static void drop_repeated(struct maker *maker, const struct dy_import_options *options)
{
    size_t kept = 0;
    for (size_t i = 0; i < maker->count; i++) {
        uint32_t row = maker->order[i];
        if (kept == 0 || !same_id(maker->table, maker->order[kept - 1], row)) {
            maker->order[kept++] = row;
            continue;
        }
        maker->summary->duplicates++;
        report_repeated(maker, options, maker->order[kept - 1], row);
    }
    maker->count = kept;
}

/* ------------------------------------------------------------------ the file */

/* Bytes of the texts that stay. */
static size_t kept_bytes(const struct maker *maker, const struct import_texts *texts)
{
    if (maker->count == texts->count)
        return (size_t)texts->offsets[texts->count];
    size_t size = 0;
    for (size_t i = 0; i < maker->count; i++)
        size += import_texts_at(texts, maker->order[i]).size;
    return size;
}

static void measure_ids(struct maker *maker)
{
    const struct import_texts *ids = &maker->table->ids;
    size_t size = import_texts_at(ids, 0).size;
    for (size_t i = 1; size && i < ids->count; i++)
        if (import_texts_at(ids, i).size != size)
            size = 0;
    maker->id_bytes = (unsigned)size;
}

static enum dylumo_status reserve(struct maker *maker, struct dylumo_error *err)
{
    struct slots *slots = &maker->slots;
    size_t n = maker->count, offsets = (n + 1) * 8;
    size_t ids = 8 + (maker->id_bytes ? 0 : offsets) + kept_bytes(maker, &maker->table->ids);
    size_t titles = 8 + offsets + kept_bytes(maker, &maker->table->titles);
    const struct {
        uint32_t type;
        size_t size;
        unsigned *slot;
    } fixed[] = {
        {DY_SONGS_IDS, ids, &slots->ids},       {DY_SONGS_TITLES, titles, &slots->titles},
        {DY_SONGS_YEARS, n * 2, &slots->years}, {DY_SONGS_POPULARITY, n, &slots->popularity},
        {DY_SONGS_FLAGS, n, &slots->flags},     {DY_SONGS_ARTIST, n * 4, &slots->artist},
        {DY_SONGS_GENRE, n * 4, &slots->genre}, {DY_SONGS_RECORDINGS, n * 4, &slots->recordings},
    };
    struct dy_songs_writer *writer = &maker->writer;
    enum dylumo_status st = DYLUMO_OK;
    for (uint32_t f = 0; !st && f < DYLUMO_FEATURE_COUNT; f++)
        st = dy_songs_writer_reserve(writer, DY_SONGS_SCORES + f, n * 4, &slots->scores[f], err);
    for (size_t i = 0; !st && i < DY_COUNT(fixed); i++)
        st = dy_songs_writer_reserve(writer, fixed[i].type, fixed[i].size, fixed[i].slot, err);
    for (uint32_t f = 0; !st && f < DYLUMO_FEATURE_COUNT; f++)
        st = dy_songs_writer_reserve(writer, DY_SONGS_FEATURES + f, n * 4, &slots->values[f], err);
    return st;
}

static enum dylumo_status write_texts(struct dy_songs_writer *writer, uint32_t type,
                                      const struct import_texts *texts, struct dylumo_error *err)
{
    static const uint64_t none[1];
    struct dy_text_table table = {texts->count, texts->count ? texts->offsets : none, texts->bytes,
                                  0};
    table.size = (size_t)table.offsets[table.count];
    return dy_songs_writer_add_texts(writer, type, &table, err);
}

/* What is small, and its size known only now. */
static enum dylumo_status write_rest(struct maker *maker, struct dylumo_error *err)
{
    struct dy_songs_writer *writer = &maker->writer;
    const struct import_labels *labels = &maker->labels;
    struct dy_feature_stats stats[DYLUMO_FEATURE_COUNT];
    const struct dy_knot *knots[DYLUMO_FEATURE_COUNT];
    uint32_t counts[DYLUMO_FEATURE_COUNT];
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        stats[f] = maker->features[f].stats;
        knots[f] = maker->features[f].knots;
        counts[f] = maker->features[f].knot_count;
    }
    enum dylumo_status st = write_texts(writer, DY_SONGS_ARTISTS, &labels->artists, err);
    if (!st)
        st = write_texts(writer, DY_SONGS_GROUPS, &labels->groups, err);
    if (!st)
        st = write_texts(writer, DY_SONGS_GENRES, &labels->genres, err);
    if (!st)
        st = write_texts(writer, DY_SONGS_FOLDED, &labels->folded, err);
    if (!st)
        st = dy_songs_writer_add(writer, DY_SONGS_FOLDED_SONGS, labels->folded_songs,
                                 labels->folded.count * 4, err);
    if (!st)
        st = dy_songs_writer_add(writer, DY_SONGS_ARTIST_GROUPS, labels->artist_groups,
                                 labels->artists.count * 4, err);
    if (!st)
        st = dy_songs_writer_add(writer, DY_SONGS_STATS, stats, sizeof stats, err);
    return st ? st : dy_songs_writer_add_quantiles(writer, knots, counts, err);
}

/* The search tree over the normal scores, stored last. */
static enum dylumo_status write_tree(struct maker *maker, struct dy_workers *workers,
                                     struct dylumo_error *err)
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
    st = dy_songs_writer_add(&maker->writer, DY_SONGS_SCORES_TREE, bytes, size, err);
    dy_songs_index_free(tree);
    return st;
}

static enum dylumo_status write_words(struct maker *maker, struct dylumo_error *err)
{
    const struct import_words *titles = &maker->title_words, *artists = &maker->artist_words;
    enum dylumo_status st = DYLUMO_OK;
    if (titles->bytes)
        st = dy_songs_writer_add(&maker->writer, DY_SONGS_TITLE_WORDS, titles->bytes, titles->size,
                                 err);
    if (!st && artists->bytes)
        st = dy_songs_writer_add(&maker->writer, DY_SONGS_ARTIST_WORDS, artists->bytes,
                                 artists->size, err);
    return st;
}

/* The songs' rows, counted over all tables, bad rows left out. */
static enum dylumo_status write_order(struct maker *maker, struct dylumo_error *err)
{
    return dy_songs_writer_add(&maker->writer, DY_SONGS_ROWS, maker->order,
                               maker->count * sizeof *maker->order, err);
}

/* ------------------------------------------------------------------ make */

static enum dylumo_status run_tasks(struct maker *maker, struct dy_workers *workers,
                                    struct dylumo_error *err)
{
    dy_workers_run(workers, TASK_COUNT, make_step, maker);
    for (size_t t = 0; t < TASK_COUNT; t++)
        if (maker->statuses[t]) {
            if (err)
                *err = maker->errors[t];
            return maker->statuses[t];
        }
    return DYLUMO_OK;
}

static enum dylumo_status set_up(struct maker *maker, const char *output,
                                 const struct dy_import_options *options, struct dylumo_error *err)
{
    bool repeated = false;
    if (!maker->desks || !maker->order || !maker->features ||
        !import_order_by_id(maker->table, maker->order, &repeated))
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for %zu songs", output, maker->count);
    if (repeated)
        drop_repeated(maker, options);
    measure_ids(maker);
    enum dylumo_status st = dy_songs_writer_open(&maker->writer, output, maker->count, err);
    return st ? st : reserve(maker, err);
}

static void clear(struct maker *maker)
{
    for (size_t f = 0; maker->features && f < DYLUMO_FEATURE_COUNT; f++)
        dy_free(maker->features[f].scores);
    for (size_t d = 0; maker->desks && d < maker->desk_count; d++) {
        dy_free(maker->desks[d].pairs);
        dy_free(maker->desks[d].scratch);
        dy_free(maker->desks[d].values);
    }
    dy_free(maker->desks);
    dy_free(maker->features);
    dy_free(maker->order);
    import_labels_clear(&maker->labels);
    import_words_clear(&maker->title_words);
    import_words_clear(&maker->artist_words);
    dy_songs_writer_discard(&maker->writer);
    dy_free(maker);
}

static enum dylumo_status make(struct maker *maker, const char *output,
                               const struct dy_import_options *options,
                               const struct dylumo_context *context, struct dy_workers *workers,
                               struct dylumo_error *err)
{
    enum dylumo_status st = set_up(maker, output, options, err);
    if (!st)
        st = run_tasks(maker, workers, err);
    if (!st && dy_context_cancelled(context))
        st = dy_fail(err, DYLUMO_CANCELLED, "%s: not written, the import was stopped", output);
    if (!st)
        st = write_rest(maker, err);
    if (!st && !(options && options->without_tree))
        st = write_tree(maker, workers, err);
    if (!st)
        st = write_words(maker, err);
    if (!st && options && options->keep_rows)
        st = write_order(maker, err);
    maker->summary->file_bytes = maker->writer.at;
    return st ? st : dy_songs_writer_commit(&maker->writer, err);
}

enum dylumo_status import_make(struct import_table *table, const char *output,
                               const struct dy_import_options *options,
                               const struct dylumo_context *context, struct dy_workers *workers,
                               struct dy_import_summary *summary, struct dylumo_error *err)
{
    struct maker *maker = dy_new(sizeof *maker);
    if (!maker)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for %zu songs", output, table->count);
    maker->table = table;
    maker->count = table->count;
    maker->summary = summary;
    maker->desk_count = dy_workers_count(workers);
    maker->desks = dy_new_array(maker->desk_count, sizeof *maker->desks);
    maker->order = dy_new_array(table->count, sizeof *maker->order);
    maker->features = dy_new_array(DYLUMO_FEATURE_COUNT, sizeof *maker->features);
    enum dylumo_status st = make(maker, output, options, context, workers, err);
    clear(maker);
    import_table_clear(table);
    return st;
}
