/* The songs file, written: sections go out as they are given, so that a maker of a large file can
 * free each before it makes the next; the header follows at the end, when all checksums are known.
 * The same input gives the same bytes: no date, no name, zeros in every gap. */
#include "format_songs.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Sections of this size are sent to the disk at once. */
#define EARLY_BYTES ((size_t)1 << 20)

enum dylumo_status dy_songs_writer_open(struct dy_songs_writer *writer, const char *path,
                                        size_t count, struct dylumo_error *err)
{
    *writer = (struct dy_songs_writer){.count = count, .at = FORMAT_SONGS_DATA_START};
    if (dy_is_standard_output(path))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "a songs file cannot be written to standard output: name a file");
    enum dylumo_status st = dy_outfile_open(&writer->out, path, err);
    if (st || lseek(fileno(writer->out.stream), 0, SEEK_CUR) >= 0)
        return st;
    dy_outfile_discard(&writer->out);
    return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                   "%s: is a pipe, which a songs file cannot be written to: name a file", path);
}

/* All bytes at a place of the file; what is never written reads as zeros. */
static enum dylumo_status write_at(struct dy_songs_writer *writer, const void *data, size_t size,
                                   uint64_t at, struct dylumo_error *err)
{
    const uint8_t *bytes = data;
    while (size > 0) {
        ssize_t done = pwrite(fileno(writer->out.stream), bytes, size, (off_t)at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return dy_fail_errno(err, done < 0 ? errno : EIO, writer->out.path, "cannot write");
        bytes += done;
        at += (uint64_t)done;
        size -= (size_t)done;
    }
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ sections */

enum dylumo_status dy_songs_writer_reserve(struct dy_songs_writer *writer, uint32_t type,
                                           size_t size, unsigned *slot, struct dylumo_error *err)
{
    if (writer->section_count == DY_SONGS_SECTIONS_MAX)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: more than %d sections in a songs file",
                       writer->out.path, DY_SONGS_SECTIONS_MAX);
    writer->at += -writer->at % 64;
    *slot = writer->section_count++;
    writer->sections[*slot] = (struct dy_songs_section_info){.type = type, .size = size};
    writer->offsets[*slot] = writer->at;
    writer->at += size;
    return DYLUMO_OK;
}

enum dylumo_status dy_songs_writer_fill(struct dy_songs_writer *writer, unsigned slot,
                                        const struct dy_part *parts, size_t count,
                                        struct dylumo_error *err)
{
    struct dy_songs_section_info *section = &writer->sections[slot];
    uint64_t at = writer->offsets[slot], end = at + section->size;
    enum dylumo_status st = DYLUMO_OK;
    for (size_t i = 0; !st && i < count; i++) {
        assert(parts[i].size <= end - at);
        st = write_at(writer, parts[i].data, parts[i].size, at, err);
        at += parts[i].size;
    }
    assert(st || at == end);
    section->checksum = dy_hash64_parts(parts, count, 0);
    /* the disk may begin: commit waits for it, and then has less to wait for */
    if (!st && section->size >= EARLY_BYTES)
        sync_file_range(fileno(writer->out.stream), (off_t)writer->offsets[slot],
                        (off_t)section->size, SYNC_FILE_RANGE_WRITE);
    return st;
}

enum dylumo_status dy_songs_writer_add_parts(struct dy_songs_writer *writer, uint32_t type,
                                             const struct dy_part *parts, size_t count,
                                             struct dylumo_error *err)
{
    size_t size = 0;
    unsigned slot = 0;
    for (size_t i = 0; i < count; i++)
        size += parts[i].size;
    enum dylumo_status st = dy_songs_writer_reserve(writer, type, size, &slot, err);
    return st ? st : dy_songs_writer_fill(writer, slot, parts, count, err);
}

enum dylumo_status dy_songs_writer_add(struct dy_songs_writer *writer, uint32_t type,
                                       const void *data, size_t size, struct dylumo_error *err)
{
    struct dy_part part = {data, size};
    return dy_songs_writer_add_parts(writer, type, &part, 1, err);
}

enum dylumo_status dy_songs_writer_add_texts(struct dy_songs_writer *writer, uint32_t type,
                                             const struct dy_text_table *table,
                                             struct dylumo_error *err)
{
    uint64_t count = table->count;
    const struct dy_part parts[] = {
        {&count, sizeof count},
        {table->offsets, (table->count + 1) * sizeof *table->offsets},
        {table->bytes, table->size},
    };
    return dy_songs_writer_add_parts(writer, type, parts, DY_COUNT(parts), err);
}

enum dylumo_status dy_songs_writer_add_ids(struct dy_songs_writer *writer, unsigned id_bytes,
                                           const struct dy_text_table *ids,
                                           struct dylumo_error *err)
{
    const uint32_t head[2] = {id_bytes, 0};
    const struct dy_part parts[] = {
        {head, sizeof head},
        {ids->offsets, id_bytes ? 0 : (ids->count + 1) * sizeof *ids->offsets},
        {ids->bytes, ids->size},
    };
    return dy_songs_writer_add_parts(writer, DY_SONGS_IDS, parts, DY_COUNT(parts), err);
}

enum dylumo_status dy_songs_writer_add_quantiles(struct dy_songs_writer *writer,
                                                 const struct dy_knot *const *knots,
                                                 const uint32_t *knot_count,
                                                 struct dylumo_error *err)
{
    uint32_t head[16] = {0};
    memcpy(head, knot_count, DYLUMO_FEATURE_COUNT * sizeof *head);
    struct dy_part parts[1 + DYLUMO_FEATURE_COUNT] = {{head, sizeof head}};
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        parts[1 + f] = (struct dy_part){knots[f], knot_count[f] * sizeof **knots};
    return dy_songs_writer_add_parts(writer, DY_SONGS_QUANTILES, parts, DY_COUNT(parts), err);
}

/* ------------------------------------------------------------------ header */

static void put(uint8_t *to, uint64_t value, size_t size)
{
    memcpy(to, &value, size); /* little-endian, as the reader asserts */
}

static void fill_header(const struct dy_songs_writer *writer, uint8_t *header)
{
    memcpy(header, FORMAT_SONGS_MAGIC, sizeof FORMAT_SONGS_MAGIC - 1);
    put(header + 8, DY_SONGS_VERSION, 4);
    put(header + 12, writer->section_count, 4);
    put(header + 16, writer->count, 8);
    put(header + 24, writer->at, 8);
    for (unsigned i = 0; i < writer->section_count; i++) {
        uint8_t *entry = header + FORMAT_SONGS_HEADER_SIZE + (size_t)i * FORMAT_SONGS_ENTRY_SIZE;
        put(entry, writer->sections[i].type, 4);
        put(entry + 8, writer->offsets[i], 8);
        put(entry + 16, writer->sections[i].size, 8);
        put(entry + 24, writer->sections[i].checksum, 8);
    }
    put(header + FORMAT_SONGS_HASH_AT, format_songs_header_hash(header, FORMAT_SONGS_DATA_START),
        8);
}

enum dylumo_status dy_songs_writer_commit(struct dy_songs_writer *writer, struct dylumo_error *err)
{
    uint8_t header[FORMAT_SONGS_DATA_START] = {0};
    fill_header(writer, header);
    enum dylumo_status st = write_at(writer, header, sizeof header, 0, err);
    if (!st && ftruncate(fileno(writer->out.stream), (off_t)writer->at)) /* empty last sections */
        st = dy_fail_errno(err, errno, writer->out.path, "cannot write");
    if (!st)
        return dy_outfile_commit(&writer->out, err);
    dy_songs_writer_discard(writer);
    return st;
}

void dy_songs_writer_discard(struct dy_songs_writer *writer)
{
    dy_outfile_discard(&writer->out);
}
