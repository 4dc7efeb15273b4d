/* The songs file, verified to the last byte: what opening leaves unread. Each rule is one function
 * that says the first fault it finds. */
#include "format_songs.h"

#include <math.h>
#include <string.h>

static enum dylumo_status fault(const char *name, struct dylumo_error *err, const char *what,
                                size_t song)
{
    return dy_fail(err, DYLUMO_BAD_FILE, "%s: broken songs file: %s of song %zu", name, what, song);
}

static enum dylumo_status check_sums(const struct dy_songs_file *file, const char *name,
                                     struct dylumo_error *err)
{
    for (unsigned i = 0; i < file->section_count; i++) {
        const struct dy_songs_section_info *section = &file->sections[i];
        if (dy_hash64(section->data, section->size, 0) != section->checksum)
            return dy_fail(err, DYLUMO_BAD_FILE,
                           "%s: broken songs file: section %u does not match its checksum", name,
                           (unsigned)section->type);
    }
    return DYLUMO_OK;
}

/* -1, 0, 1 as the bytes of a stand before b's. */
static int compare_ids(struct dy_text a, struct dy_text b)
{
    int order = memcmp(a.bytes, b.bytes, a.size < b.size ? a.size : b.size);
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static enum dylumo_status check_offsets(const struct dy_text_table *table, const char *name,
                                        const char *what, struct dylumo_error *err)
{
    bool whole = table->offsets[0] == 0 && table->offsets[table->count] == table->size;
    for (size_t i = 0; whole && i < table->count; i++)
        whole = table->offsets[i] <= table->offsets[i + 1];
    if (!whole)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: broken songs file: offsets of the %s", name,
                       what);
    return DYLUMO_OK;
}

static enum dylumo_status check_ids(const struct dy_songs_file *file, const char *name,
                                    struct dylumo_error *err)
{
    enum dylumo_status st =
        file->id_bytes ? DYLUMO_OK : check_offsets(&file->ids, name, "ids", err);
    for (size_t i = 0; !st && i < file->count; i++) {
        struct dy_text id = dy_songs_file_id(file, i);
        if (id.size == 0 || id.size > DY_SONGS_ID_MAX || !dy_text_valid(id.bytes, id.size))
            st = fault(name, err, "the id", i);
        else if (i > 0 && compare_ids(dy_songs_file_id(file, i - 1), id) >= 0)
            st = fault(name, err, "the order of the id", i);
    }
    return st;
}

static enum dylumo_status check_texts(const struct dy_text_table *table, const char *name,
                                      const char *what, struct dylumo_error *err)
{
    enum dylumo_status st = check_offsets(table, name, what, err);
    for (size_t i = 0; !st && i < table->count; i++) {
        struct dy_text text = dy_text_table_at(table, i);
        if (!dy_text_valid(text.bytes, text.size) || memchr(text.bytes, 0, text.size))
            st = dy_fail(err, DYLUMO_BAD_FILE, "%s: broken songs file: text %zu of the %s", name, i,
                         what);
    }
    return st;
}

static double feature_value(const struct dy_songs_file *file, int feature, size_t song)
{
    const float *at = &file->features[feature][song];
    uint32_t whole;
    memcpy(&whole, at, sizeof whole);
    return feature == DYLUMO_DURATION_MS ? (double)whole : (double)*at;
}

static enum dylumo_status check_features(const struct dy_songs_file *file, const char *name,
                                         struct dylumo_error *err)
{
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        const struct dylumo_feature_info *info = dylumo_feature_info((enum dylumo_feature)f);
        const float *scores = file->scores[f];
        for (size_t i = 0; i < file->count; i++) {
            double value = feature_value(file, f, i);
            /* a float's rounding may carry a limit such as 0.1 beyond itself */
            double slack = 1e-6 * fabs(value);
            if (!(value >= info->min - slack && value <= info->max + slack) ||
                (info->whole && value != floor(value)))
                return fault(name, err, info->name, i);
            if (!isfinite(scores[i]))
                return fault(name, err, "a normal score", i);
        }
    }
    return DYLUMO_OK;
}

static enum dylumo_status check_numbers(const struct dy_songs_file *file, const char *name,
                                        struct dylumo_error *err)
{
    for (size_t i = 0; i < file->count; i++) {
        if (file->years[i] < 0)
            return fault(name, err, "the year", i);
        if (file->popularity[i] > 100 && file->popularity[i] != DY_SONGS_NO_POPULARITY)
            return fault(name, err, "the popularity", i);
        if (file->genre[i] >= file->genres.count && file->genre[i] != DY_SONGS_UNKNOWN)
            return fault(name, err, "the genre", i);
        if (file->artist[i] >= file->artists.count)
            return fault(name, err, "the artist", i);
        if (file->recordings[i] >= file->count)
            return fault(name, err, "the recording", i);
    }
    for (size_t a = 0; a < file->artists.count; a++)
        if (file->artist_groups[a] >= file->groups.count)
            return dy_fail(err, DYLUMO_BAD_FILE, "%s: broken songs file: the group of artist %zu",
                           name, a);
    return DYLUMO_OK;
}

static enum dylumo_status check_folded(const struct dy_songs_file *file, const char *name,
                                       struct dylumo_error *err)
{
    for (size_t i = 0; i < file->folded.count; i++)
        if (file->folded_songs[i] >= file->count ||
            (i > 0 && file->folded_songs[i] <= file->folded_songs[i - 1]))
            return dy_fail(err, DYLUMO_BAD_FILE,
                           "%s: broken songs file: the song of folded title %zu", name, i);
    return DYLUMO_OK;
}

static enum dylumo_status check_statistics(const struct dy_songs_file *file, const char *name,
                                           struct dylumo_error *err)
{
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        const struct dy_feature_stats *stats = &file->stats[f];
        const struct dy_knot *knots = file->knots[f];
        bool good = stats->min <= stats->mean && stats->mean <= stats->max && stats->sd >= 0 &&
                    isfinite(stats->min) && isfinite(stats->max) && isfinite(stats->sd);
        for (uint32_t i = 0; good && i < file->knot_count[f]; i++) {
            good = isfinite(knots[i].value) && isfinite(knots[i].score);
            if (good && i > 0)
                good = knots[i].value > knots[i - 1].value && knots[i].score > knots[i - 1].score;
        }
        if (!good)
            return dy_fail(err, DYLUMO_BAD_FILE, "%s: broken songs file: the statistics of %s",
                           name, dylumo_feature_info((enum dylumo_feature)f)->name);
    }
    return DYLUMO_OK;
}

enum dylumo_status dy_songs_file_check(const struct dy_songs_file *file, const char *name,
                                       struct dylumo_error *err)
{
    enum dylumo_status st = check_sums(file, name, err);
    if (!st)
        st = check_ids(file, name, err);
    if (!st)
        st = check_texts(&file->titles, name, "titles", err);
    if (!st)
        st = check_texts(&file->folded, name, "folded titles", err);
    if (!st)
        st = check_texts(&file->artists, name, "artist names", err);
    if (!st)
        st = check_texts(&file->groups, name, "artist groups", err);
    if (!st)
        st = check_texts(&file->genres, name, "genre names", err);
    if (!st)
        st = check_features(file, name, err);
    if (!st)
        st = check_numbers(file, name, err);
    if (!st)
        st = check_folded(file, name, err);
    return st ? st : check_statistics(file, name, err);
}
