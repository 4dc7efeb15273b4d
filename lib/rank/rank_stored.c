/* The axes of a mood over a catalogue, kept in a file of their own (docs/formats/axes.md), so that
 * opening maps them instead of projecting and sorting every song, and their search tree is there.
 *
 * The file names what it was made from, the songs' identity and a hash of the axes' directions; by
 * them it is found and by them it is taken or left. What is left is computed anew, never served. */
#include "rank_stored.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STORED_VERSION 1

static const char magic[8] = "DYAXES\n";

struct stored_header {
    char magic[8];
    uint32_t version, axes;
    uint64_t count, identity, directions, file_size;
    uint64_t checksum; /* XXH3 of the bytes before the columns, these eight taken as zeros */
    uint64_t zero;
};

/* Bytes of the parts, from the numbers of songs and axes. */
struct stored_layout {
    size_t knots, columns_at, stride, tree_at;
};

static struct stored_layout layout_of(unsigned axes, size_t count)
{
    struct stored_layout layout = {.knots = (size_t)axes * 2 * RANK_KNOTS * sizeof(float)};
    layout.columns_at = (sizeof(struct stored_header) + layout.knots + 63) / 64 * 64;
    layout.stride = (count + 15) / 16 * 16; /* columns begin at multiples of 64 bytes */
    layout.tree_at = layout.columns_at + (size_t)axes * layout.stride * sizeof(float);
    return layout;
}

static uint64_t hash_directions(const struct dy_rank *rank)
{
    return dy_hash64(rank->info->axis_songs,
                     (size_t)rank->axes * DYLUMO_FEATURE_COUNT * sizeof(float), rank->axes);
}

/* ------------------------------------------------------------------ places */

static bool folder_of_cache(char *folder, size_t size)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length = -1;
    if (cache && cache[0] == '/')
        length = snprintf(folder, size, "%s/dylumo", cache);
    else if (home && home[0] == '/')
        length = snprintf(folder, size, "%s/.cache/dylumo", home);
    return length > 0 && (size_t)length < size;
}

/* Place 0: beside the songs; 1: in the cache. false when there is no such place. */
static bool path_of(const struct dy_rank *rank, const char *songs_path, int place, char *path,
                    size_t size)
{
    unsigned long long directions = hash_directions(rank);
    int length;
    if (place == 0) {
        length = snprintf(path, size, "%s.axes-%016llx", songs_path, directions);
    } else {
        char folder[RANK_PATH];
        if (!folder_of_cache(folder, sizeof folder))
            return false;
        length = snprintf(path, size, "%s/%016llx.axes-%016llx", folder,
                          (unsigned long long)dy_songs_identity(rank->songs), directions);
    }
    return length > 0 && (size_t)length < size;
}

/* The folder of path and those above it, as far as they are missing; failing is the write's. */
static void make_folders(char *path)
{
    for (char *at = path + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        (void)mkdir(path, 0777);
        *at = '/';
    }
}

/* ------------------------------------------------------------------ read */

static uint64_t checksum_of(const uint8_t *bytes, size_t size)
{
    struct stored_header header;
    memcpy(&header, bytes, sizeof header);
    header.checksum = 0;
    uint64_t first = dy_hash64(&header, sizeof header, 0);
    return dy_hash64(bytes + sizeof header, size - sizeof header, first);
}

/* Does the mapped file belong to this model and these songs, and is it whole? */
static bool belongs(const struct dy_rank *rank, const struct dy_map *map,
                    const struct stored_layout *layout)
{
    struct stored_header header;
    if (map->size < layout->tree_at)
        return false;
    memcpy(&header, map->data, sizeof header);
    return !memcmp(header.magic, magic, sizeof magic) && header.version == STORED_VERSION &&
           header.axes == rank->axes && header.count == rank->features.count &&
           header.identity == dy_songs_identity(rank->songs) &&
           header.directions == hash_directions(rank) && header.file_size == map->size &&
           header.checksum == checksum_of(map->data, layout->columns_at);
}

static void point_at(struct dy_rank *rank, const uint8_t *bytes, const struct stored_layout *layout)
{
    const float *knots = (const float *)(const void *)(bytes + sizeof(struct stored_header));
    const float *columns = (const float *)(const void *)(bytes + layout->columns_at);
    for (unsigned a = 0; a < rank->axes; a++) {
        struct rank_axis *axis = &rank->axis[a];
        axis->feature = -1;
        axis->column = columns + a * layout->stride;
        memcpy(axis->sums, knots + (size_t)a * 2 * RANK_KNOTS, sizeof axis->sums);
        memcpy(axis->scores, knots + ((size_t)a * 2 + 1) * RANK_KNOTS, sizeof axis->scores);
    }
}

struct dy_songs_space rank_space(const struct dy_rank *rank)
{
    struct dy_songs_space space = {
        .axes = rank->axes, .count = rank->features.count, .index = rank->tree};
    for (unsigned a = 0; a < rank->axes; a++)
        space.columns[a] = rank->axis[a].column;
    return space;
}

static bool open_at(struct dy_rank *rank, const char *path)
{
    struct stored_layout layout = layout_of(rank->axes, rank->features.count);
    struct dy_map map;
    if (dy_map_file(&map, path, NULL))
        return false;
    if (belongs(rank, &map, &layout)) {
        point_at(rank, map.data, &layout);
        struct dy_songs_space space = rank_space(rank);
        if (!dy_songs_index_parse(&rank->tree, map.data + layout.tree_at, map.size - layout.tree_at,
                                  &space, path, NULL)) {
            rank->stored = map;
            return true;
        }
    }
    dy_map_close(&map);
    return false;
}

bool rank_stored_open(struct dy_rank *rank, const char *songs_path)
{
    char path[RANK_PATH];
    for (int place = 0; place < 2; place++)
        if (path_of(rank, songs_path, place, path, sizeof path) && open_at(rank, path))
            return true;
    return false;
}

/* ------------------------------------------------------------------ write */

static enum dylumo_status write_columns(struct dy_outfile *out, const struct dy_rank *rank,
                                        const struct stored_layout *layout,
                                        struct dylumo_error *err)
{
    static const float zeros[16];
    size_t count = rank->features.count;
    enum dylumo_status st = DYLUMO_OK;
    for (unsigned a = 0; !st && a < rank->axes; a++) {
        st = dy_outfile_write(out, rank->axis[a].column, count * sizeof(float), err);
        if (!st)
            st = dy_outfile_write(out, zeros, (layout->stride - count) * sizeof(float), err);
    }
    return st;
}

/* Header and knots, up to the columns. */
static void fill_head(uint8_t *head, const struct dy_rank *rank, const struct stored_layout *layout,
                      size_t file_size)
{
    struct stored_header header = {
        .version = STORED_VERSION,
        .axes = rank->axes,
        .count = rank->features.count,
        .identity = dy_songs_identity(rank->songs),
        .directions = hash_directions(rank),
        .file_size = file_size,
    };
    memcpy(header.magic, magic, sizeof magic);
    for (unsigned a = 0; a < rank->axes; a++) {
        uint8_t *knots = head + sizeof header + (size_t)a * 2 * sizeof rank->axis[a].sums;
        memcpy(knots, rank->axis[a].sums, sizeof rank->axis[a].sums);
        memcpy(knots + sizeof rank->axis[a].sums, rank->axis[a].scores,
               sizeof rank->axis[a].scores);
    }
    memcpy(head, &header, sizeof header);
    header.checksum = checksum_of(head, layout->columns_at);
    memcpy(head, &header, sizeof header);
}

static enum dylumo_status write_to(const char *path, const struct dy_rank *rank,
                                   const struct dy_songs_index *tree, struct dylumo_error *err)
{
    struct stored_layout layout = layout_of(rank->axes, rank->features.count);
    size_t tree_size;
    const void *tree_bytes = dy_songs_index_bytes(tree, &tree_size);
    uint8_t *head = dy_new(layout.columns_at);
    if (!head)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to write it", path);
    fill_head(head, rank, &layout, layout.tree_at + tree_size);
    struct dy_outfile out;
    enum dylumo_status st = dy_outfile_open(&out, path, err);
    bool opened = !st;
    if (!st)
        st = dy_outfile_write(&out, head, layout.columns_at, err);
    dy_free(head);
    if (!st)
        st = write_columns(&out, rank, &layout, err);
    if (!st)
        st = dy_outfile_write(&out, tree_bytes, tree_size, err);
    if (!st)
        return dy_outfile_commit(&out, err);
    if (opened)
        dy_outfile_discard(&out);
    return st;
}

/* Beside the songs, or else in the cache; err keeps what the last place said. */
static enum dylumo_status write_somewhere(const struct dy_rank *rank,
                                          const struct dy_songs_index *tree, const char *songs_path,
                                          char *path, size_t size, struct dylumo_error *err)
{
    enum dylumo_status st = dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: too long a path", songs_path);
    for (int place = 0; st && place < 2; place++) {
        if (!path_of(rank, songs_path, place, path, size))
            continue;
        if (place == 1)
            make_folders(path);
        st = write_to(path, rank, tree, err);
    }
    return st;
}

enum dylumo_status dy_rank_store(const struct dy_rank *rank, const char *songs_path,
                                 const struct dylumo_context *context, char *path, size_t size,
                                 struct dylumo_error *err)
{
    struct dy_workers *workers;
    enum dylumo_status st = dy_workers_new(&workers, dy_context_threads(context), err);
    if (st)
        return st;
    struct dy_songs_space space = rank_space(rank);
    struct dy_songs_index *tree;
    st = dy_songs_index_build(&tree, &space, workers, err);
    dy_workers_free(workers);
    if (st)
        return st;
    st = write_somewhere(rank, tree, songs_path, path, size, err);
    dy_songs_index_free(tree);
    return st;
}
