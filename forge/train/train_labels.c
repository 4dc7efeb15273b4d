/* Labelled pictures from people's tables: who rated what is told by the columns' names. Rows whose
 * emotion is none of the seven (FI's disgust) and files named twice are counted and left out. */
#include "dy_import.h"
#include "dy_train.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------------ one picture */

static int emotion_named(const char *name, size_t size)
{
    for (int i = 0; i < DYLUMO_EMOTION_COUNT; i++) {
        const char *known = dylumo_emotion_name((enum dylumo_emotion)i);
        if (strlen(known) == size && !strncasecmp(known, name, size))
            return i;
    }
    return -1;
}

static void picture_clear(struct dy_picture *picture)
{
    dy_free(picture->path);
    dy_free(picture->file);
    dy_free(picture->family);
}

void dy_pictures_clear(struct dy_pictures *pictures)
{
    for (size_t i = 0; i < pictures->count; i++)
        picture_clear(&pictures->items[i]);
    dy_free(pictures->items);
    *pictures = (struct dy_pictures){0};
}

static char *text_new(struct dy_text text)
{
    char *copy = dy_new_array(text.size + 1, 1);
    if (copy)
        memcpy(copy, text.bytes, text.size);
    return copy;
}

/* folder/middle/file with the suffix exchanged where `suffix` is not NULL; heap, or NULL without
 * memory. */
static char *path_new(const char *folder, const char *middle, const char *file, const char *suffix)
{
    size_t size = strlen(folder) + strlen(middle) + strlen(file) + 16;
    char *path = dy_new_array(size, 1);
    if (!path)
        return NULL;
    const char *dot = strrchr(file, '.');
    int stem = suffix && dot ? (int)(dot - file) : (int)strlen(file);
    snprintf(path, size, "%s/%s%.*s%s", folder, middle, stem, file, suffix ? suffix : "");
    return path;
}

/* Where the file lies; *path stays NULL when nowhere. false: no memory. */
static bool find_file(const char *folder, const char *file, char **path)
{
    static const char *const middles[] = {"", "images/"};
    static const char *const suffixes[] = {NULL, ".jpg", ".webp", ".png"};
    for (size_t i = 0; i < DY_COUNT(middles) * DY_COUNT(suffixes); i++) {
        char *candidate = path_new(folder, middles[i % 2], file, suffixes[i / 2]);
        if (!candidate)
            return false;
        if (!access(candidate, R_OK)) {
            *path = candidate;
            return true;
        }
        dy_free(candidate);
    }
    return true;
}

/* Where a picture is named: in a row of a table, or, with line 0, by a folder that holds it. */
struct source {
    const char *path, *folder;
    uint64_t line;
};

static enum dylumo_status no_picture(const struct source *source, const char *file,
                                     struct dylumo_error *err)
{
    if (source->line == 0)
        return dy_fail(err, DYLUMO_NOT_FOUND, "%s: picture '%.200s' can't be read", source->path,
                       file);
    return dy_fail(err, DYLUMO_NOT_FOUND,
                   "%s: line %llu: picture '%.200s' is not to be read in %s or in its images/",
                   source->path, (unsigned long long)source->line, file, source->folder);
}

/* Takes over what picture holds, also when it fails. */
static enum dylumo_status add_picture(struct dy_pictures *pictures, struct dy_picture *picture,
                                      const struct source *source, struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    picture->set = pictures->sets;
    if (!picture->file || !find_file(source->folder, picture->file, &picture->path) ||
        !dy_grow(&pictures->items, &pictures->room, pictures->count + 1, sizeof *pictures->items))
        st = dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for its pictures", source->path);
    else if (!picture->path)
        st = no_picture(source, picture->file, err);
    if (st)
        picture_clear(picture);
    else
        pictures->items[pictures->count++] = *picture;
    return st;
}

/* ------------------------------------------------------------------ tables */

struct table {
    struct dy_csv *csv;
    const char *path;
    char *folder;
    long file, emotion, valence, arousal, family; /* columns, -1: none */
    long image_file[3], image_tag[3];             /* EMID's */
};

static long column_of(const struct dy_csv *csv, const char *name, const char *other)
{
    long column = dy_csv_column(csv, name);
    return column >= 0 || !other ? column : dy_csv_column(csv, other);
}

static enum dylumo_status find_columns(struct table *table, struct dylumo_error *err)
{
    table->file = column_of(table->csv, "file", "filename");
    table->emotion = column_of(table->csv, "emotion", "label");
    table->valence = column_of(table->csv, "valence_mean", "valence");
    table->arousal = column_of(table->csv, "arousal_mean", "arousal");
    table->family = column_of(table->csv, "family", "group");
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "Image%d_filename", i + 1);
        table->image_file[i] = dy_csv_column(table->csv, name);
        snprintf(name, sizeof name, "Image%d_tag", i + 1);
        table->image_tag[i] = dy_csv_column(table->csv, name);
    }
    bool rated = table->valence >= 0 && table->arousal >= 0;
    bool emid = table->image_file[0] >= 0 && table->image_tag[0] >= 0;
    if (emid || (table->file >= 0 && (rated || table->emotion >= 0)))
        return DYLUMO_OK;
    return dy_fail(
        err, DYLUMO_BAD_FILE,
        "%s: has no columns file and emotion, file and valence_mean and arousal_mean, or "
        "Image1_filename and Image1_tag",
        table->path);
}

static struct dy_text field(const struct dy_csv_record *record, long column)
{
    const struct dy_text none = {"", 0};
    return column >= 0 && (size_t)column < record->count ? record->fields[column] : none;
}

static enum dylumo_status add_labelled(struct dy_pictures *pictures, const struct table *table,
                                       uint64_t line, struct dy_text file, struct dy_text emotion,
                                       struct dylumo_error *err)
{
    struct dy_picture picture = {.emotion = emotion_named(emotion.bytes, emotion.size)};
    struct source source = {table->path, table->folder, line};
    if (picture.emotion < 0 || !file.size) {
        pictures->skipped++;
        return DYLUMO_OK;
    }
    picture.file = text_new(file);
    return add_picture(pictures, &picture, &source, err);
}

static enum dylumo_status add_emid_row(struct dy_pictures *pictures, const struct table *table,
                                       const struct dy_csv_record *record, struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    for (int i = 0; i < 3 && !st; i++)
        if (table->image_file[i] >= 0 && table->image_tag[i] >= 0)
            st = add_labelled(pictures, table, record->line, field(record, table->image_file[i]),
                              field(record, table->image_tag[i]), err);
    return st;
}

static enum dylumo_status add_plain_row(struct dy_pictures *pictures, const struct table *table,
                                        const struct dy_csv_record *record,
                                        struct dylumo_error *err)
{
    struct dy_text emotion = field(record, table->emotion), family = field(record, table->family);
    struct source source = {table->path, table->folder, record->line};
    struct dy_picture picture = {.emotion = emotion_named(emotion.bytes, emotion.size)};
    if (table->valence >= 0 && table->arousal >= 0) {
        picture.rated = dy_csv_number(field(record, table->valence), &picture.valence) &&
                        dy_csv_number(field(record, table->arousal), &picture.arousal);
        if (!picture.rated)
            return dy_fail(err, DYLUMO_BAD_FILE,
                           "%s: line %llu has no number as valence or arousal", table->path,
                           (unsigned long long)record->line);
    }
    struct dy_text file = field(record, table->file);
    if (!file.size || (picture.emotion < 0 && !picture.rated)) {
        pictures->skipped++;
        return DYLUMO_OK;
    }
    picture.file = text_new(file);
    picture.family = family.size ? text_new(family) : NULL;
    if (family.size && !picture.family) {
        picture_clear(&picture);
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for its pictures", table->path);
    }
    return add_picture(pictures, &picture, &source, err);
}

static enum dylumo_status add_rows(struct dy_pictures *pictures, const struct table *table,
                                   struct dylumo_error *err)
{
    for (;;) {
        struct dy_csv_record record;
        bool more;
        enum dylumo_status st = dy_csv_next(table->csv, &record, &more, err);
        if (st || !more)
            return st;
        if (record.fault)
            return dy_fail(err, DYLUMO_BAD_FILE, "%s: line %llu: %s", table->path,
                           (unsigned long long)record.line, record.fault);
        st = table->image_file[0] >= 0 ? add_emid_row(pictures, table, &record, err)
                                       : add_plain_row(pictures, table, &record, err);
        if (st)
            return st;
    }
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct dy_text folder = {slash ? path : ".", slash ? (size_t)(slash - path) : 1};
    if (slash == path)
        folder = (struct dy_text){"/", 1};
    return text_new(folder);
}

static enum dylumo_status add_table(struct dy_pictures *pictures, const char *path,
                                    struct dylumo_error *err)
{
    struct table table = {.path = path, .folder = folder_of(path)};
    if (!table.folder)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for its pictures", path);
    enum dylumo_status st = dy_csv_open(&table.csv, path, err);
    if (!st) {
        st = find_columns(&table, err);
        if (!st)
            st = add_rows(pictures, &table, err);
        dy_csv_close(table.csv);
    }
    dy_free(table.folder);
    return st;
}

/* ------------------------------------------------------------------ a folder for each emotion */

static enum dylumo_status add_emotion_folder(struct dy_pictures *pictures, const char *path,
                                             int emotion, struct dylumo_error *err)
{
    DIR *folder = opendir(path);
    struct source source = {path, path, 0};
    enum dylumo_status st = DYLUMO_OK;
    if (!folder)
        return DYLUMO_OK; /* not every emotion needs one */
    for (struct dirent *entry; !st && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        struct dy_picture picture = {.emotion = emotion, .file = dy_strdup(entry->d_name)};
        st = add_picture(pictures, &picture, &source, err);
    }
    closedir(folder);
    return st;
}

static enum dylumo_status add_folder(struct dy_pictures *pictures, const char *path,
                                     struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    for (int i = 0; i < DYLUMO_EMOTION_COUNT && !st; i++) {
        char *inner = path_new(path, dylumo_emotion_name((enum dylumo_emotion)i), "", NULL);
        if (!inner)
            return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for its pictures", path);
        st = add_emotion_folder(pictures, inner, i, err);
        dy_free(inner);
    }
    return st;
}

/* ------------------------------------------------------------------ all */

static int by_path(const void *a, const void *b)
{
    const struct dy_picture *x = a, *y = b;
    return strcmp(x->path, y->path);
}

/* Sorted by path, so that the order of a folder does not matter; a file named again is dropped. */
static void drop_repeats(struct dy_pictures *pictures, size_t first)
{
    size_t kept = first;
    qsort(pictures->items + first, pictures->count - first, sizeof *pictures->items, by_path);
    for (size_t i = first; i < pictures->count; i++) {
        if (kept > first && !strcmp(pictures->items[kept - 1].path, pictures->items[i].path)) {
            picture_clear(&pictures->items[i]);
            pictures->skipped++;
        } else {
            pictures->items[kept++] = pictures->items[i];
        }
    }
    pictures->count = kept;
}

enum dylumo_status dy_pictures_add(struct dy_pictures *pictures, const char *path,
                                   struct dylumo_error *err)
{
    size_t first = pictures->count;
    DIR *folder = opendir(path);
    enum dylumo_status st;
    if (folder)
        closedir(folder);
    st = folder ? add_folder(pictures, path, err) : add_table(pictures, path, err);
    if (!st && pictures->count == first)
        st = dy_fail(err, DYLUMO_BAD_FILE,
                     "%s: names no picture with one of the seven emotions or "
                     "a rating",
                     path);
    if (st)
        return st;
    drop_repeats(pictures, first);
    pictures->sets++;
    return DYLUMO_OK;
}
