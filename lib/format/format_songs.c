/* The songs file, opened: header and table of sections are checked, then each section is bound to
 * its place with the size that the number of songs demands. What the arrays hold is not read here,
 * so opening costs the same for a thousand songs and for a hundred million. */
#include "format_songs.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "songs files are used as they lie");

static enum dylumo_status bad(const char *name, struct dylumo_error *err, const char *what)
{
    return dy_fail(err, DYLUMO_BAD_FILE, "%s: broken songs file: %s", name, what);
}

/* ------------------------------------------------------------------ header and table */

uint64_t format_songs_header_hash(const uint8_t *header, size_t size)
{
    uint8_t copy[FORMAT_SONGS_DATA_START];
    memcpy(copy, header, size);
    memset(copy + FORMAT_SONGS_HASH_AT, 0, 8);
    return dy_hash64(copy, size, 0);
}

static enum dylumo_status read_header(struct dy_songs_file *file, const char *name,
                                      struct dylumo_error *err)
{
    const struct dy_map *map = &file->map;
    if (map->size < sizeof FORMAT_SONGS_MAGIC - 1 ||
        memcmp(map->data, FORMAT_SONGS_MAGIC, sizeof FORMAT_SONGS_MAGIC - 1) != 0)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: is not a songs file", name);
    struct dy_reader in = dy_reader_of(map->data, map->size);
    dy_read_bytes(&in, sizeof FORMAT_SONGS_MAGIC - 1);
    uint32_t version = dy_read_u32(&in);
    uint32_t section_count = dy_read_u32(&in);
    uint64_t count = dy_read_u64(&in);
    uint64_t size = dy_read_u64(&in);
    uint64_t hash = dy_read_u64(&in);
    if (in.failed || map->size < FORMAT_SONGS_DATA_START)
        return bad(name, err, "shorter than its header");
    if (version != DY_SONGS_VERSION)
        return dy_fail(err, DYLUMO_UNSUPPORTED,
                       "%s: songs file of version %u, this program reads version %d: import the "
                       "table again",
                       name, (unsigned)version, DY_SONGS_VERSION);
    if (hash != format_songs_header_hash(map->data, FORMAT_SONGS_DATA_START))
        return bad(name, err, "the header does not match its checksum");
    if (size != map->size)
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: broken songs file: %zu bytes, the header says %llu", name, map->size,
                       (unsigned long long)size);
    if (section_count > DY_SONGS_SECTIONS_MAX)
        return bad(name, err, "more sections than the table holds");
    if (count == 0 || count >= UINT32_MAX)
        return bad(name, err, "impossible number of songs");
    file->count = (size_t)count;
    file->section_count = section_count;
    return DYLUMO_OK;
}

static enum dylumo_status read_sections(struct dy_songs_file *file, const char *name,
                                        struct dylumo_error *err)
{
    const struct dy_map *map = &file->map;
    struct dy_reader in = dy_reader_of(map->data, FORMAT_SONGS_DATA_START);
    dy_read_bytes(&in, FORMAT_SONGS_HEADER_SIZE);
    uint64_t free_from = FORMAT_SONGS_DATA_START;
    for (unsigned i = 0; i < file->section_count; i++) {
        struct dy_songs_section_info *section = &file->sections[i];
        section->type = dy_read_u32(&in);
        dy_read_u32(&in);
        uint64_t offset = dy_read_u64(&in);
        uint64_t size = dy_read_u64(&in);
        section->checksum = dy_read_u64(&in);
        if (offset % 64 || offset < free_from || offset > map->size || size > map->size - offset)
            return bad(name, err, "a section lies outside the file or over another");
        for (unsigned j = 0; j < i; j++)
            if (file->sections[j].type == section->type)
                return bad(name, err, "two sections of one type");
        section->data = map->data + offset;
        section->size = (size_t)size;
        free_from = offset + size;
    }
    return DYLUMO_OK;
}

/* One number for the songs without their indexes. */
static uint64_t identity_of(const struct dy_songs_file *file)
{
    uint64_t sums[DY_SONGS_CORE_END] = {file->count};
    for (unsigned i = 0; i < file->section_count; i++)
        if (file->sections[i].type < DY_SONGS_CORE_END)
            sums[file->sections[i].type] = file->sections[i].checksum;
    return dy_hash64(sums, sizeof sums, 0);
}

const struct dy_songs_section_info *dy_songs_file_section(const struct dy_songs_file *file,
                                                          uint32_t type)
{
    for (unsigned i = 0; i < file->section_count; i++)
        if (file->sections[i].type == type)
            return &file->sections[i];
    return NULL;
}

/* ------------------------------------------------------------------ binding */

/* The name that error sentences use. */
static const char *section_name(uint32_t type)
{
    static const char *const names[] = {
        [DY_SONGS_IDS] = "ids",
        [DY_SONGS_YEARS] = "years",
        [DY_SONGS_POPULARITY] = "popularity",
        [DY_SONGS_FLAGS] = "flags",
        [DY_SONGS_GENRE] = "genre of each song",
        [DY_SONGS_GENRES] = "genre names",
        [DY_SONGS_ARTIST] = "artist of each song",
        [DY_SONGS_ARTISTS] = "artist names",
        [DY_SONGS_ARTIST_GROUPS] = "group of each artist",
        [DY_SONGS_GROUPS] = "artist groups",
        [DY_SONGS_TITLES] = "titles",
        [DY_SONGS_FOLDED] = "folded titles",
        [DY_SONGS_FOLDED_SONGS] = "songs of folded titles",
        [DY_SONGS_RECORDINGS] = "recordings",
        [DY_SONGS_STATS] = "statistics",
        [DY_SONGS_QUANTILES] = "quantiles",
    };
    if (type < DY_COUNT(names))
        return names[type];
    bool score = type >= DY_SONGS_SCORES;
    uint32_t feature = type - (score ? DY_SONGS_SCORES : DY_SONGS_FEATURES);
    return dylumo_feature_info((enum dylumo_feature)feature)->name;
}

struct binding {
    const struct dy_songs_file *file;
    const char *name;
    struct dylumo_error *err;
    enum dylumo_status st; /* of the first fault; later bindings then give NULL */
};

static const void *section_fault(struct binding *to, uint32_t type, const char *what)
{
    if (!to->st)
        to->st = dy_fail(to->err, DYLUMO_BAD_FILE, "%s: broken songs file: section '%s' %s",
                         to->name, section_name(type), what);
    return NULL;
}

static const struct dy_songs_section_info *bind(struct binding *to, uint32_t type)
{
    const struct dy_songs_section_info *section = dy_songs_file_section(to->file, type);
    if (!section)
        section_fault(to, type, "is missing");
    return to->st ? NULL : section;
}

/* count items of item bytes each, exactly. */
static const void *bind_array(struct binding *to, uint32_t type, size_t count, size_t item)
{
    const struct dy_songs_section_info *section = bind(to, type);
    size_t size;
    if (!section)
        return NULL;
    if (!dy_size_mul(count, item, &size) || section->size != size)
        return section_fault(to, type, "has the wrong size");
    return section->data;
}

/* offsets [count + 1], then text, in the rest of a section from byte `from`. */
static struct dy_text_table bind_offsets(struct binding *to, uint32_t type, uint64_t count,
                                         size_t from)
{
    struct dy_text_table table = {0};
    const struct dy_songs_section_info *section = bind(to, type);
    if (!section)
        return table;
    size_t room = section->size - from;
    if (count >= room / 8) {
        section_fault(to, type, "has the wrong size");
        return table;
    }
    const uint8_t *data = (const uint8_t *)section->data + from;
    size_t offsets_size = ((size_t)count + 1) * 8;
    table.count = (size_t)count;
    table.offsets = (const uint64_t *)(const void *)data;
    table.bytes = (const char *)data + offsets_size;
    table.size = room - offsets_size;
    return table;
}

static struct dy_text_table bind_texts(struct binding *to, uint32_t type)
{
    const struct dy_songs_section_info *section = bind(to, type);
    if (section && section->size >= 16)
        return bind_offsets(to, type, *(const uint64_t *)section->data, 8);
    if (section)
        section_fault(to, type, "has the wrong size");
    return (struct dy_text_table){0};
}

/* u32 size of each id or 0, u32 zero; then the ids, or offsets and ids. */
static void bind_ids(struct binding *to, struct dy_songs_file *file)
{
    const struct dy_songs_section_info *section = bind(to, DY_SONGS_IDS);
    if (!section)
        return;
    if (section->size < 8) {
        section_fault(to, DY_SONGS_IDS, "has the wrong size");
        return;
    }
    const uint32_t *head = section->data;
    file->id_bytes = head[0];
    if (file->id_bytes == 0) {
        file->ids = bind_offsets(to, DY_SONGS_IDS, file->count, 8);
        return;
    }
    size_t size = file->count * (size_t)file->id_bytes;
    if (file->id_bytes > DY_SONGS_ID_MAX || section->size != size + 8)
        section_fault(to, DY_SONGS_IDS, "has the wrong size");
    file->ids.bytes = (const char *)(head + 2);
    file->ids.size = size;
}

/* u32 counts [13], zeros up to 64 bytes, then the knots of all features. */
static void bind_quantiles(struct binding *to, struct dy_songs_file *file)
{
    const struct dy_songs_section_info *section = bind(to, DY_SONGS_QUANTILES);
    if (!section)
        return;
    const uint32_t *counts = section->data;
    size_t total = 0;
    for (int f = 0; section->size >= 64 && f < DYLUMO_FEATURE_COUNT; f++) {
        if (counts[f] == 0 || counts[f] > DY_SONGS_KNOTS_MAX) {
            section_fault(to, DY_SONGS_QUANTILES, "has an impossible number of knots");
            return;
        }
        file->knots[f] = (const struct dy_knot *)(const void *)(counts + 16) + total;
        file->knot_count[f] = counts[f];
        total += counts[f];
    }
    if (section->size < 64 || section->size != 64 + total * sizeof(struct dy_knot))
        section_fault(to, DY_SONGS_QUANTILES, "has the wrong size");
}

static enum dylumo_status bind_all(struct dy_songs_file *file, const char *name,
                                   struct dylumo_error *err)
{
    struct binding to = {file, name, err, DYLUMO_OK};
    size_t n = file->count;
    bind_ids(&to, file);
    for (uint32_t f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        file->features[f] = bind_array(&to, DY_SONGS_FEATURES + f, n, 4);
        file->scores[f] = bind_array(&to, DY_SONGS_SCORES + f, n, 4);
    }
    file->years = bind_array(&to, DY_SONGS_YEARS, n, 2);
    file->popularity = bind_array(&to, DY_SONGS_POPULARITY, n, 1);
    file->flags = bind_array(&to, DY_SONGS_FLAGS, n, 1);
    file->genre = bind_array(&to, DY_SONGS_GENRE, n, 4);
    file->genres = bind_texts(&to, DY_SONGS_GENRES);
    file->artist = bind_array(&to, DY_SONGS_ARTIST, n, 4);
    file->artists = bind_texts(&to, DY_SONGS_ARTISTS);
    file->artist_groups = bind_array(&to, DY_SONGS_ARTIST_GROUPS, file->artists.count, 4);
    file->groups = bind_texts(&to, DY_SONGS_GROUPS);
    file->titles = bind_texts(&to, DY_SONGS_TITLES);
    if (!to.st && file->titles.count != n)
        section_fault(&to, DY_SONGS_TITLES, "does not hold one title a song");
    file->folded = bind_texts(&to, DY_SONGS_FOLDED);
    file->folded_songs = bind_array(&to, DY_SONGS_FOLDED_SONGS, file->folded.count, 4);
    file->recordings = bind_array(&to, DY_SONGS_RECORDINGS, n, 4);
    file->stats = bind_array(&to, DY_SONGS_STATS, DYLUMO_FEATURE_COUNT, sizeof *file->stats);
    bind_quantiles(&to, file);
    return to.st;
}

/* ------------------------------------------------------------------ open, close, look */

static enum dylumo_status parse(struct dy_songs_file *file, const char *name,
                                struct dylumo_error *err)
{
    enum dylumo_status st = read_header(file, name, err);
    if (!st)
        st = read_sections(file, name, err);
    if (!st)
        st = bind_all(file, name, err);
    if (!st)
        file->identity = identity_of(file);
    return st;
}

enum dylumo_status dy_songs_file_parse(struct dy_songs_file *file, const void *data, size_t size,
                                       const char *name, struct dylumo_error *err)
{
    *file = (struct dy_songs_file){.map = {data, size}};
    enum dylumo_status st = parse(file, name, err);
    file->map = (struct dy_map){0}; /* not ours to unmap */
    return st;
}

enum dylumo_status dy_songs_file_open(struct dy_songs_file *file, const char *path,
                                      struct dylumo_error *err)
{
    *file = (struct dy_songs_file){0};
    enum dylumo_status st = dy_map_file(&file->map, path, err);
    if (!st)
        st = parse(file, path, err);
    if (st)
        dy_songs_file_close(file);
    return st;
}

void dy_songs_file_close(struct dy_songs_file *file)
{
    dy_map_close(&file->map);
    *file = (struct dy_songs_file){0};
}

struct dy_text dy_songs_file_id(const struct dy_songs_file *file, size_t song)
{
    if (file->id_bytes == 0)
        return dy_text_table_at(&file->ids, song);
    struct dy_text id = {file->ids.bytes + song * file->id_bytes, file->id_bytes};
    return id;
}
