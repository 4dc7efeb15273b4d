/* Zip archives, read: the file is mapped, its directory checked once at open. Everything is taken
 * from the directory at the end of the file; of an entry's own header only its length and name
 * are read, and the name must agree. Zip64 is understood, because PyTorch always writes it.
 *
 * Bombs: entries may not overlap, so what is stored is no more than the file; deflate is not
 * unpacked beyond the size that the directory claims, that claim is held against what deflate
 * can reach at best, and the caller says how much it will take. Nothing is written to disk, but
 * names are held to what would be safe there, so that they are safe as keys and in sentences.
 * Left out: encryption, split archives, other methods than deflate. */
#include "dy_foreign.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define END_SIZE 22     /* of the end record without its comment */
#define END64_SIZE 56   /* of the zip64 end record */
#define LOCATOR_SIZE 20 /* of what points to it */
#define ENTRY_SIZE 46   /* of an entry of the directory, without names */
#define LOCAL_SIZE 30   /* of the header before an entry's data */
#define ENTRIES_MAX 999999u
#define RATIO_MAX 1032u /* of deflate: 258 bytes for two bits */

#define FLAG_ENCRYPTED 0x0001u
#define FLAG_STRONG 0x0040u
#define FLAG_MASKED 0x2000u

struct dy_zip {
    struct dy_map map; /* zeroed when the bytes are the caller's */
    const uint8_t *data;
    size_t size;
    char *name;
    struct dy_zip_entry *entries;
    size_t count;
    char *names; /* of the entries, each with a zero at its end */
};

/* Where the directory lies. */
struct directory {
    uint64_t at, size, count;
};

bool dy_zip_looks_like(const void *data, size_t size)
{
    return size >= 4 && (!memcmp(data, "PK\3\4", 4) || !memcmp(data, "PK\5\6", 4));
}

static struct dy_reader reader_at(const struct dy_zip *zip, uint64_t at, uint64_t size)
{
    if (at > zip->size || size > zip->size - at)
        return (struct dy_reader){.failed = true};
    return dy_reader_of(zip->data + at, (size_t)size);
}

/* ------------------------------------------------------------------ the end of the archive */

/* The last end record whose comment reaches the end of the file; NULL without one. */
static const uint8_t *find_end(const struct dy_zip *zip)
{
    for (size_t comment = 0; comment <= UINT16_MAX && comment + END_SIZE <= zip->size; comment++) {
        const uint8_t *end = zip->data + zip->size - END_SIZE - comment;
        if (!memcmp(end, "PK\5\6", 4) && (size_t)(end[20] | end[21] << 8) == comment)
            return end;
    }
    return NULL;
}

/* The zip64 end record that a locator before the plain one points to, if there is one. */
static enum dylumo_status read_end64(const struct dy_zip *zip, size_t end_at,
                                     struct directory *directory, struct dylumo_error *err)
{
    if (end_at < LOCATOR_SIZE || memcmp(zip->data + end_at - LOCATOR_SIZE, "PK\6\7", 4) != 0)
        return DYLUMO_OK;
    struct dy_reader locator = reader_at(zip, end_at - LOCATOR_SIZE + 4, LOCATOR_SIZE - 4);
    uint32_t disk = dy_read_u32(&locator);
    uint64_t at = dy_read_u64(&locator);
    uint32_t disks = dy_read_u32(&locator);
    struct dy_reader end = reader_at(zip, at, END64_SIZE);
    bool right = dy_read_u32(&end) == 0x06064b50u && dy_read_u64(&end) >= END64_SIZE - 12;
    dy_read_u32(&end); /* versions made by and needed */
    uint32_t this_disk = dy_read_u32(&end), first_disk = dy_read_u32(&end);
    uint64_t here = dy_read_u64(&end);
    directory->count = dy_read_u64(&end);
    directory->size = dy_read_u64(&end);
    directory->at = dy_read_u64(&end);
    if (!right || end.failed || at > end_at - LOCATOR_SIZE)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: its zip64 end record is broken", zip->name);
    if (disk || disks > 1 || this_disk || first_disk || here != directory->count)
        return dy_fail(err, DYLUMO_UNSUPPORTED, "%s: is a part of a split zip archive", zip->name);
    return DYLUMO_OK;
}

static enum dylumo_status find_directory(const struct dy_zip *zip, struct directory *directory,
                                         struct dylumo_error *err)
{
    const uint8_t *record = find_end(zip);
    if (!record)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: no end of a zip archive in it (cut off?)",
                       zip->name);
    size_t end_at = (size_t)(record - zip->data);
    struct dy_reader end = dy_reader_of(record + 4, END_SIZE - 4);
    uint16_t disk = dy_read_u16(&end), first_disk = dy_read_u16(&end), here = dy_read_u16(&end);
    directory->count = dy_read_u16(&end);
    directory->size = dy_read_u32(&end);
    directory->at = dy_read_u32(&end);
    bool wide = disk == UINT16_MAX || here == UINT16_MAX || directory->size == UINT32_MAX ||
                directory->at == UINT32_MAX;
    if (!wide && (disk || first_disk || here != directory->count))
        return dy_fail(err, DYLUMO_UNSUPPORTED, "%s: is a part of a split zip archive", zip->name);
    enum dylumo_status st = read_end64(zip, end_at, directory, err);
    if (st)
        return st;
    if (directory->at > end_at || directory->size > end_at - directory->at)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: its directory lies outside of the file",
                       zip->name);
    if (directory->count > ENTRIES_MAX)
        return dy_fail(err, DYLUMO_TOO_LARGE, "%s: %llu entries, the limit is %u", zip->name,
                       (unsigned long long)directory->count, ENTRIES_MAX);
    if (directory->count * ENTRY_SIZE > directory->size)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: its directory is too short for %llu entries",
                       zip->name, (unsigned long long)directory->count);
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ one entry */

/* What would leave the folder that an archive is unpacked to, or could not be shown. */
static const char *name_fault(const char *name, size_t size)
{
    if (!size || memchr(name, '\0', size) || !dy_text_valid(name, size))
        return "is empty or no UTF-8";
    if (name[0] == '/' || memchr(name, '\\', size) || (size > 1 && name[1] == ':'))
        return "leads out of the archive";
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7F)
            return "has control characters";
    for (size_t from = 0; from < size;) {
        const char *slash = memchr(name + from, '/', size - from);
        size_t to = slash ? (size_t)(slash - name) : size;
        size_t length = to - from;
        if (!length || (length == 1 && name[from] == '.') ||
            (length == 2 && !memcmp(name + from, "..", 2)))
            return "leads out of the archive";
        from = to + 1;
    }
    return NULL;
}

/* Sizes and place that did not fit the plain fields stand in extra field 1, in this order. */
static bool read_wide(struct dy_reader *extra, struct dy_zip_entry *entry, uint64_t *local)
{
    bool wide_size = entry->size == UINT32_MAX, wide_packed = entry->packed_size == UINT32_MAX;
    bool wide_local = *local == UINT32_MAX;
    while (!extra->failed && extra->size - extra->at >= 4) {
        uint16_t id = dy_read_u16(extra), size = dy_read_u16(extra);
        const uint8_t *bytes = dy_read_bytes(extra, size);
        if (id != 1 || !bytes)
            continue;
        struct dy_reader field = dy_reader_of(bytes, size);
        if (wide_size)
            entry->size = dy_read_u64(&field);
        if (wide_packed)
            entry->packed_size = dy_read_u64(&field);
        if (wide_local)
            *local = dy_read_u64(&field);
        return !field.failed;
    }
    return !wide_size && !wide_packed && !wide_local;
}

static enum dylumo_status bad_entry(const struct dy_zip *zip, const struct dy_zip_entry *entry,
                                    const char *fault, struct dylumo_error *err)
{
    return dy_fail(err, DYLUMO_BAD_FILE, "%s: entry '%.100s' %s", zip->name, entry->name, fault);
}

/* The header before the data gives the data's place. */
static enum dylumo_status find_data(const struct dy_zip *zip, struct dy_zip_entry *entry,
                                    uint64_t local, uint64_t directory_at, struct dylumo_error *err)
{
    struct dy_reader header = reader_at(zip, local, LOCAL_SIZE);
    if (dy_read_u32(&header) != 0x04034b50u)
        return bad_entry(zip, entry, "has no header where the directory says", err);
    header.at = 26;
    uint64_t name_size = dy_read_u16(&header), extra_size = dy_read_u16(&header);
    uint64_t data_at = local + LOCAL_SIZE + name_size + extra_size;
    if (data_at > directory_at || entry->packed_size > directory_at - data_at)
        return bad_entry(zip, entry, "lies outside of the archive's data", err);
    if (name_size != strlen(entry->name) ||
        memcmp(zip->data + local + LOCAL_SIZE, entry->name, name_size) != 0)
        return bad_entry(zip, entry, "has another name in its own header", err);
    entry->packed = zip->data + data_at;
    return DYLUMO_OK;
}

static enum dylumo_status check_sizes(const struct dy_zip *zip, const struct dy_zip_entry *entry,
                                      struct dylumo_error *err)
{
    if (entry->method == 0 && entry->size != entry->packed_size)
        return bad_entry(zip, entry, "is stored, but has two sizes", err);
    if (entry->method == 8 && entry->size / RATIO_MAX > entry->packed_size)
        return bad_entry(zip, entry, "claims more bytes than its data can hold", err);
    return DYLUMO_OK;
}

/* Reads the directory's next entry; its name is copied to names. */
static enum dylumo_status read_entry(const struct dy_zip *zip, struct dy_reader *reader,
                                     uint64_t directory_at, char *names, struct dy_zip_entry *entry,
                                     struct dylumo_error *err)
{
    uint32_t signature = dy_read_u32(reader);
    dy_read_u32(reader); /* versions made by and needed */
    uint16_t flags = dy_read_u16(reader);
    entry->method = dy_read_u16(reader);
    dy_read_u32(reader); /* time and date */
    entry->crc = dy_read_u32(reader);
    entry->packed_size = dy_read_u32(reader);
    entry->size = dy_read_u32(reader);
    size_t name_size = dy_read_u16(reader), extra_size = dy_read_u16(reader);
    size_t comment_size = dy_read_u16(reader);
    dy_read_u64(reader); /* disk, attributes */
    uint64_t local = dy_read_u32(reader);
    const uint8_t *name = dy_read_bytes(reader, name_size);
    const uint8_t *extra_bytes = dy_read_bytes(reader, extra_size);
    dy_read_bytes(reader, comment_size);
    if (reader->failed || signature != 0x02014b50u)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: its directory is broken", zip->name);
    const char *fault = name_fault((const char *)name, name_size);
    if (fault)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: an entry's name, '%.*s', %s", zip->name,
                       (int)(name_size < 100 ? name_size : 100), (const char *)name, fault);
    memcpy(names, name, name_size);
    names[name_size] = '\0';
    entry->name = names;
    struct dy_reader extra = dy_reader_of(extra_bytes, extra_size);
    if (!read_wide(&extra, entry, &local))
        return bad_entry(zip, entry, "has no sizes in its zip64 field", err);
    if (flags & (FLAG_ENCRYPTED | FLAG_STRONG | FLAG_MASKED))
        return dy_fail(err, DYLUMO_UNSUPPORTED, "%s: entry '%.100s' is encrypted", zip->name,
                       entry->name);
    enum dylumo_status st = check_sizes(zip, entry, err);
    return st ? st : find_data(zip, entry, local, directory_at, err);
}

/* ------------------------------------------------------------------ all entries together */

static int by_place(const void *a, const void *b)
{
    const struct dy_zip_entry *x = a, *y = b;
    return (x->packed > y->packed) - (x->packed < y->packed);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct dy_zip_entry *)a)->name, ((const struct dy_zip_entry *)b)->name);
}

/* Data, and the header before it, must begin behind the data of the entry before. */
static enum dylumo_status check_overlaps(struct dy_zip *zip, struct dylumo_error *err)
{
    const uint8_t *free_from = zip->data;
    qsort(zip->entries, zip->count, sizeof *zip->entries, by_place);
    for (size_t i = 0; i < zip->count; i++) {
        const struct dy_zip_entry *entry = &zip->entries[i];
        if (entry->packed < free_from ||
            (size_t)(entry->packed - free_from) < LOCAL_SIZE + strlen(entry->name))
            return bad_entry(zip, entry, "overlaps another", err);
        free_from = entry->packed + entry->packed_size;
    }
    return DYLUMO_OK;
}

static enum dylumo_status check_names(struct dy_zip *zip, struct dylumo_error *err)
{
    qsort(zip->entries, zip->count, sizeof *zip->entries, by_name);
    for (size_t i = 1; i < zip->count; i++)
        if (!by_name(&zip->entries[i - 1], &zip->entries[i]))
            return bad_entry(zip, &zip->entries[i], "is there twice", err);
    return DYLUMO_OK;
}

static enum dylumo_status read_entries(struct dy_zip *zip, const struct directory *directory,
                                       struct dylumo_error *err)
{
    zip->entries = dy_new_array((size_t)directory->count + 1, sizeof *zip->entries);
    zip->names =
        dy_mem_alloc((size_t)directory->size); /* an entry's fields are longer than a zero */
    if (!zip->entries || !zip->names)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for its directory", zip->name);
    struct dy_reader reader = reader_at(zip, directory->at, directory->size);
    char *names = zip->names;
    for (; zip->count < directory->count; zip->count++) {
        struct dy_zip_entry *entry = &zip->entries[zip->count];
        enum dylumo_status st = read_entry(zip, &reader, directory->at, names, entry, err);
        if (st)
            return st;
        names += strlen(names) + 1;
    }
    enum dylumo_status st = check_overlaps(zip, err);
    return st ? st : check_names(zip, err);
}

/* ------------------------------------------------------------------ open and look up */

static enum dylumo_status zip_read_directory(struct dy_zip *zip, struct dylumo_error *err)
{
    struct directory directory = {0};
    enum dylumo_status st = find_directory(zip, &directory, err);
    return st ? st : read_entries(zip, &directory, err);
}

static enum dylumo_status zip_new(struct dy_zip **out, const char *name, struct dylumo_error *err)
{
    struct dy_zip *zip = dy_new(sizeof *zip);
    if (zip && (zip->name = dy_strdup(name))) {
        *out = zip;
        return DYLUMO_OK;
    }
    dy_free(zip);
    return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to open it", name);
}

enum dylumo_status dy_zip_parse(struct dy_zip **out, const void *data, size_t size,
                                const char *name, struct dylumo_error *err)
{
    struct dy_zip *zip = NULL;
    enum dylumo_status st = zip_new(&zip, name, err);
    if (st)
        return st;
    zip->data = data;
    zip->size = size;
    st = zip_read_directory(zip, err);
    if (st)
        dy_zip_close(zip);
    else
        *out = zip;
    return st;
}

enum dylumo_status dy_zip_open(struct dy_zip **out, const char *path, struct dylumo_error *err)
{
    struct dy_map map;
    enum dylumo_status st = dy_map_file(&map, path, err);
    if (st)
        return st;
    st = dy_zip_parse(out, map.data, map.size, path, err);
    if (st)
        dy_map_close(&map);
    else
        (*out)->map = map;
    return st;
}

void dy_zip_close(struct dy_zip *zip)
{
    if (!zip)
        return;
    dy_map_close(&zip->map);
    dy_free(zip->entries);
    dy_free(zip->names);
    dy_free(zip->name);
    dy_free(zip);
}

size_t dy_zip_count(const struct dy_zip *zip)
{
    return zip->count;
}

const struct dy_zip_entry *dy_zip_at(const struct dy_zip *zip, size_t index)
{
    return index < zip->count ? &zip->entries[index] : NULL;
}

const struct dy_zip_entry *dy_zip_find(const struct dy_zip *zip, const char *name)
{
    const struct dy_zip_entry key = {.name = name};
    return zip->count ? bsearch(&key, zip->entries, zip->count, sizeof key, by_name) : NULL;
}

/* ------------------------------------------------------------------ an entry's bytes */

/* zlib counts in unsigned ints: input and output are handed to it in pieces. */
static unsigned piece(size_t left)
{
    return left < (1u << 30) ? (unsigned)left : 1u << 30;
}

/* true when the entry's data unpack to exactly size bytes. */
static bool inflate_exactly(z_stream *stream, const struct dy_zip_entry *entry, uint8_t *to,
                            size_t size)
{
    size_t in_left = (size_t)entry->packed_size, out_left = size;
    int state = Z_OK;
    stream->next_in = (z_const Bytef *)(uintptr_t)entry->packed;
    stream->next_out = to;
    while (state == Z_OK) {
        unsigned in = piece(in_left), out = piece(out_left);
        stream->avail_in = in;
        stream->avail_out = out;
        state = inflate(stream, Z_NO_FLUSH);
        in_left -= in - stream->avail_in;
        out_left -= out - stream->avail_out;
    }
    return state == Z_STREAM_END && !in_left && !out_left;
}

static enum dylumo_status unpack(const struct dy_zip *zip, const struct dy_zip_entry *entry,
                                 struct dy_zip_bytes *bytes, struct dylumo_error *err)
{
    z_stream stream = {0};
    bytes->heap = dy_mem_aligned(bytes->size);
    if (!bytes->heap || inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for the %zu bytes of '%.100s'",
                       zip->name, bytes->size, entry->name);
    bool good = inflate_exactly(&stream, entry, bytes->heap, bytes->size);
    inflateEnd(&stream);
    bytes->data = bytes->heap;
    return good ? DYLUMO_OK
                : bad_entry(zip, entry, "does not unpack to the size that it claims", err);
}

enum dylumo_status dy_zip_read(const struct dy_zip *zip, const struct dy_zip_entry *entry,
                               uint64_t max_bytes, struct dy_zip_bytes *bytes,
                               struct dylumo_error *err)
{
    *bytes = (struct dy_zip_bytes){entry->packed, (size_t)entry->size, NULL};
    if (entry->method != 0 && entry->method != 8)
        return dy_fail(err, DYLUMO_UNSUPPORTED,
                       "%s: entry '%.100s' is packed by method %u; stored and deflate (8) are read",
                       zip->name, entry->name, entry->method);
    if (entry->size > max_bytes)
        return dy_fail(err, DYLUMO_TOO_LARGE,
                       "%s: entry '%.100s' has %llu bytes, the limit is %llu", zip->name,
                       entry->name, (unsigned long long)entry->size, (unsigned long long)max_bytes);
    enum dylumo_status st = entry->method ? unpack(zip, entry, bytes, err) : DYLUMO_OK;
    if (!st && crc32_z(0, bytes->data, bytes->size) != entry->crc)
        st = bad_entry(zip, entry, "is damaged: its CRC is wrong", err);
    if (st)
        dy_zip_bytes_clear(bytes);
    return st;
}

void dy_zip_bytes_clear(struct dy_zip_bytes *bytes)
{
    dy_free(bytes->heap);
    *bytes = (struct dy_zip_bytes){0};
}
