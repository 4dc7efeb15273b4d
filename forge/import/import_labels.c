/* Artists, genres and recordings get their numbers in the order of the songs (genres in that of
 * their bytes), so that the file depends on the songs alone and not on the table's order. */
#include "import_make.h"

#include <stdlib.h>
#include <string.h>

#define NEW_NUMBER UINT32_MAX
#define AHEAD 16

/* ------------------------------------------------------------------ artists */

/* Equal folded names, equal numbers. */
static bool group_artists(struct import_labels *labels)
{
    struct import_names folded = {0};
    labels->artist_groups = dy_new_array(labels->artists.count + 1, sizeof(uint32_t));
    bool good = labels->artist_groups != NULL;
    for (size_t a = 0; good && a < labels->artists.count; a++) {
        struct dy_text name = import_texts_at(&labels->artists, a);
        char *fold = dy_text_fold(name.bytes, name.size);
        struct dy_text key = {fold, fold ? strlen(fold) : 0};
        good = fold && import_names_add(&folded, key, &labels->artist_groups[a]);
        dy_free(fold);
    }
    labels->groups = folded.texts;
    folded.texts = (struct import_texts){0};
    import_names_clear(&folded);
    return good;
}

static uint32_t *new_numbers(size_t count)
{
    uint32_t *numbers = dy_new_array(count + 1, sizeof *numbers);
    if (numbers)
        memset(numbers, 0xFF, (count + 1) * sizeof *numbers); /* NEW_NUMBER */
    return numbers;
}

static bool number_artists(struct import_labels *labels, const struct import_table *table,
                           const uint32_t *order, size_t count)
{
    uint32_t *numbers = new_numbers(table->artists.texts.count);
    bool good = numbers != NULL;
    for (size_t i = 0; good && i < count; i++) {
        uint32_t *number = &numbers[table->artist[order[i]]];
        if (*number == NEW_NUMBER) {
            *number = (uint32_t)labels->artists.count;
            good = import_texts_add(
                &labels->artists, import_texts_at(&table->artists.texts, table->artist[order[i]]));
        }
        labels->artist[i] = *number;
    }
    dy_free(numbers);
    return good && group_artists(labels);
}

/* ------------------------------------------------------------------ genres */

static int compare_genres(const void *a, const void *b, void *texts)
{
    struct dy_text x = import_texts_at(texts, *(const uint32_t *)a);
    struct dy_text y = import_texts_at(texts, *(const uint32_t *)b);
    int order = memcmp(x.bytes, y.bytes, x.size < y.size ? x.size : y.size);
    return order ? order : (x.size > y.size) - (x.size < y.size);
}

/* Gives the used genres their place among the used ones. numbers: any but NEW_NUMBER marks use. */
static bool sort_genres(struct import_labels *labels, const struct import_table *table,
                        uint32_t *numbers)
{
    const struct import_texts *texts = &table->genres.texts;
    uint32_t *used = dy_new_array(texts->count + 1, sizeof *used);
    size_t count = 0;
    bool good = used != NULL;
    for (uint32_t g = 0; good && g < texts->count; g++)
        if (numbers[g] != NEW_NUMBER)
            used[count++] = g;
    if (good)
        qsort_r(used, count, sizeof *used, compare_genres, (void *)(uintptr_t)texts);
    for (size_t i = 0; good && i < count; i++) {
        numbers[used[i]] = (uint32_t)i;
        good = import_texts_add(&labels->genres, import_texts_at(texts, used[i]));
    }
    dy_free(used);
    return good;
}

static bool number_genres(struct import_labels *labels, const struct import_table *table,
                          const uint32_t *order, size_t count)
{
    uint32_t *numbers = new_numbers(table->genres.texts.count);
    if (!numbers)
        return false;
    for (size_t i = 0; i < count; i++)
        if (table->genre[order[i]] != DY_SONGS_UNKNOWN)
            numbers[table->genre[order[i]]] = 0;
    bool good = sort_genres(labels, table, numbers);
    for (size_t i = 0; good && i < count; i++) {
        uint32_t genre = table->genre[order[i]];
        labels->genre[i] = genre == DY_SONGS_UNKNOWN ? DY_SONGS_UNKNOWN : numbers[genre];
    }
    dy_free(numbers);
    return good;
}

/* ------------------------------------------------------------------ recordings */

/* A recording is told by artist group and title key alone, 64 bits of hash: two different ones of a
 * million songs are taken for one in 1 of 30 million catalogues. */
static bool number_recordings(struct import_labels *labels, const struct import_table *table,
                              const uint32_t *order, size_t count)
{
    size_t slot_count = 1024;
    while (slot_count < 2 * count)
        slot_count *= 2;
    uint32_t *slots = dy_new_array(slot_count, sizeof *slots); /* song + 1 that began a recording */
    uint64_t *hashes = dy_new_array(count, sizeof *hashes);
    uint32_t recordings = 0;
    bool good = slots && hashes;
    for (size_t i = 0; good && i < count; i++) {
        uint64_t key[2] = {labels->artist_groups[labels->artist[i]], table->title_keys[order[i]]};
        hashes[i] = dy_hash64(key, sizeof key, 0);
    }
    for (size_t i = 0; good && i < count; i++) {
        if (i + AHEAD < count) /* the slots are all over memory: ask for them in time */
            __builtin_prefetch(&slots[hashes[i + AHEAD] & (slot_count - 1)]);
        size_t at = hashes[i] & (slot_count - 1);
        while (slots[at] && hashes[slots[at] - 1] != hashes[i])
            at = (at + 1) & (slot_count - 1);
        if (slots[at]) {
            labels->recordings[i] = labels->recordings[slots[at] - 1];
        } else {
            slots[at] = (uint32_t)i + 1;
            labels->recordings[i] = recordings++;
        }
    }
    dy_free(slots);
    dy_free(hashes);
    return good;
}

/* ------------------------------------------------------------------ folded titles */

/* The folded titles in the order of the songs. */
static bool order_folded(struct import_labels *labels, const struct import_table *table,
                         const uint32_t *order, size_t count)
{
    size_t folded = table->folded.count, used = 0;
    uint32_t *song_of = new_numbers(table->count); /* row's song, NEW_NUMBER: left out */
    uint64_t *pairs = dy_new_array(folded + 1, 8), *scratch = dy_new_array(folded + 1, 8);
    labels->folded_songs = dy_new_array(folded + 1, sizeof *labels->folded_songs);
    bool good = song_of && pairs && scratch && labels->folded_songs;
    for (size_t i = 0; good && i < count; i++)
        song_of[order[i]] = (uint32_t)i;
    for (size_t f = 0; good && f < folded; f++)
        if (song_of[table->folded_rows[f]] != NEW_NUMBER)
            pairs[used++] = (uint64_t)song_of[table->folded_rows[f]] << 32 | f;
    const uint64_t *sorted = good ? import_sort_pairs(pairs, scratch, used) : NULL;
    for (size_t i = 0; good && i < used; i++) {
        labels->folded_songs[i] = (uint32_t)(sorted[i] >> 32);
        good =
            import_texts_add(&labels->folded, import_texts_at(&table->folded, (uint32_t)sorted[i]));
    }
    dy_free(song_of);
    dy_free(pairs);
    dy_free(scratch);
    return good;
}

/* ------------------------------------------------------------------ all */

bool import_labels_make(struct import_labels *labels, const struct import_table *table,
                        const uint32_t *order, size_t count)
{
    *labels = (struct import_labels){
        .artist = dy_new_array(count, sizeof(uint32_t)),
        .genre = dy_new_array(count, sizeof(uint32_t)),
        .recordings = dy_new_array(count, sizeof(uint32_t)),
    };
    return labels->artist && labels->genre && labels->recordings &&
           number_artists(labels, table, order, count) &&
           number_genres(labels, table, order, count) &&
           number_recordings(labels, table, order, count) &&
           order_folded(labels, table, order, count);
}

void import_labels_clear(struct import_labels *labels)
{
    dy_free(labels->artist);
    dy_free(labels->genre);
    dy_free(labels->recordings);
    dy_free(labels->artist_groups);
    import_texts_clear(&labels->artists);
    import_texts_clear(&labels->genres);
    import_texts_clear(&labels->groups);
    import_texts_clear(&labels->folded);
    dy_free(labels->folded_songs);
    *labels = (struct import_labels){0};
}
