/* Growing columns and texts, and numbers for texts that repeat. */
#include "import_table.h"

#include <string.h>

/* ------------------------------------------------------------------ texts */

bool import_texts_add(struct import_texts *texts, struct dy_text text)
{
    size_t used = texts->count ? (size_t)texts->offsets[texts->count] : 0;
    if (!dy_grow(&texts->bytes, &texts->byte_room, used + text.size + 1, 1) ||
        !dy_grow(&texts->offsets, &texts->offset_room, texts->count + 2, sizeof *texts->offsets))
        return false;
    if (text.size)
        memcpy(texts->bytes + used, text.bytes, text.size);
    texts->offsets[0] = 0;
    texts->offsets[++texts->count] = used + text.size;
    return true;
}

void import_texts_clear(struct import_texts *texts)
{
    dy_free(texts->bytes);
    dy_free(texts->offsets);
    *texts = (struct import_texts){0};
}

/* ------------------------------------------------------------------ names */

static bool same_text(struct dy_text a, struct dy_text b)
{
    return a.size == b.size && (a.size == 0 || !memcmp(a.bytes, b.bytes, a.size));
}

/* The hash's half turns nearly all other names away without a look at them. */
static uint64_t slot_of(uint64_t hash, size_t number)
{
    return (hash & ~(uint64_t)UINT32_MAX) | (number + 1);
}

static bool grow_slots(struct import_names *names)
{
    size_t wanted = names->slot_count ? names->slot_count * 2 : 1024;
    uint64_t *slots = dy_new_array(wanted, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < names->texts.count; i++) {
        size_t at = names->hashes[i] & (wanted - 1);
        while (slots[at])
            at = (at + 1) & (wanted - 1);
        slots[at] = slot_of(names->hashes[i], i);
    }
    dy_free(names->slots);
    names->slots = slots;
    names->slot_count = wanted;
    return true;
}

bool import_names_add(struct import_names *names, struct dy_text text, uint32_t *number)
{
    if (names->texts.count * 2 >= names->slot_count && !grow_slots(names))
        return false;
    uint64_t hash = dy_hash64(text.bytes, text.size, 0);
    size_t at = hash & (names->slot_count - 1);
    for (; names->slots[at]; at = (at + 1) & (names->slot_count - 1)) {
        uint32_t known = (uint32_t)names->slots[at] - 1;
        if (names->slots[at] >> 32 == hash >> 32 &&
            same_text(import_texts_at(&names->texts, known), text)) {
            *number = known;
            return true;
        }
    }
    size_t count = names->texts.count;
    if (!dy_grow(&names->hashes, &names->hash_room, count + 1, sizeof *names->hashes) ||
        !import_texts_add(&names->texts, text))
        return false;
    names->hashes[count] = hash;
    names->slots[at] = slot_of(hash, count);
    *number = (uint32_t)count;
    return true;
}

void import_names_clear(struct import_names *names)
{
    import_texts_clear(&names->texts);
    dy_free(names->slots);
    dy_free(names->hashes);
    *names = (struct import_names){0};
}

/* ------------------------------------------------------------------ table */

/* Room for one more song in a column; all columns share table->room. */
static bool grow_column(void *column, size_t room, size_t need, size_t size)
{
    return dy_grow(column, &room, need, size);
}

static bool grow_table(struct import_table *table)
{
    size_t room = table->room, need = room ? room * 2 : 16384;
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        if (!grow_column(&table->features[f], room, need, sizeof(float)))
            return false;
    if (!grow_column(&table->years, room, need, 2) ||
        !grow_column(&table->popularity, room, need, 1) ||
        !grow_column(&table->flags, room, need, 1) || !grow_column(&table->genre, room, need, 4) ||
        !grow_column(&table->artist, room, need, 4) ||
        !grow_column(&table->title_keys, room, need, 8) ||
        !grow_column(&table->lines, room, need, 8))
        return false;
    table->room = need;
    return true;
}

bool import_table_add(struct import_table *table, const struct import_row *row)
{
    size_t n = table->count;
    uint32_t artist, genre = DY_SONGS_UNKNOWN;
    if (row->folded.size &&
        (!dy_grow(&table->folded_rows, &table->folded_room, table->folded.count + 1, 4) ||
         !import_texts_add(&table->folded, row->folded)))
        return false;
    if (row->folded.size)
        table->folded_rows[table->folded.count - 1] = (uint32_t)n;
    if (n + 1 >= UINT32_MAX || (n == table->room && !grow_table(table)))
        return false;
    if (!import_names_add(&table->artists, row->artist, &artist) ||
        (row->genre.size && !import_names_add(&table->genres, row->genre, &genre)) ||
        !import_texts_add(&table->ids, row->id) || !import_texts_add(&table->titles, row->title))
        return false;
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        table->features[f][n] = row->features[f];
    table->years[n] = row->year;
    table->popularity[n] = row->popularity;
    table->flags[n] = row->flags;
    table->genre[n] = genre;
    table->artist[n] = artist;
    table->title_keys[n] = row->title_key;
    table->lines[n] = row->line;
    table->count++;
    return true;
}

const char *import_table_name(const struct import_table *table, size_t row)
{
    size_t name = table->name_count;
    while (name > 1 && row < table->name_rows[name - 1])
        name--;
    return name ? table->names[name - 1] : "";
}

void import_table_clear(struct import_table *table)
{
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        dy_free(table->features[f]);
    dy_free(table->years);
    dy_free(table->popularity);
    dy_free(table->flags);
    dy_free(table->genre);
    dy_free(table->artist);
    dy_free(table->title_keys);
    dy_free(table->lines);
    import_texts_clear(&table->ids);
    import_texts_clear(&table->titles);
    import_texts_clear(&table->folded);
    dy_free(table->folded_rows);
    dy_free(table->name_rows);
    import_names_clear(&table->artists);
    import_names_clear(&table->genres);
    *table = (struct import_table){0};
}
