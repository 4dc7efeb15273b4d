/* The cache of embeddings: a file of records that only grows, so that an interrupted run loses
 * nothing. For the files of this room and their tests.
 *
 *   0   "DYEMBED1"
 *   8   u64 encoder's hash
 *   16  u32 numbers of an embedding
 *   20  44 zero bytes
 *   64  records: u64 content, u64 look, u64 view, u64 XXH3 of the numbers, numbers (f32, rounded up
 *       to a multiple of 8 bytes)
 *
 * A record cut off at the end is dropped, one whose checksum is wrong is passed over; a cache of
 * another encoder is begun anew, another kind of file is refused. One process writes at a time;
 * what it added is on the disk within a second. */
#ifndef TRAIN_CACHE_H
#define TRAIN_CACHE_H

#include "dy_base.h"

struct train_record {
    uint64_t content, look, view, checksum;
};

struct train_cache {
    char *path;
    unsigned dimension;
    size_t record_bytes;
    FILE *stream;  /* while records are added; holds the lock */
    double synced; /* seconds of the monotonic clock at which all was last on the disk */
};

enum dylumo_status train_cache_open(struct train_cache *cache, const char *path,
                                    uint64_t encoder_hash, unsigned dimension,
                                    struct dylumo_error *err) DY_MUST_USE;
/* One thread at a time. */
enum dylumo_status train_cache_add(struct train_cache *cache, const struct train_record *record,
                                   const float *embedding, struct dylumo_error *err) DY_MUST_USE;
/* Puts all that was added on the disk. */
enum dylumo_status train_cache_sync(struct train_cache *cache,
                                    struct dylumo_error *err) DY_MUST_USE;
void train_cache_close(struct train_cache *cache);

/* The sound records of the mapped file, sorted by content and view. entries: heap. */
struct train_entry {
    uint64_t content, look, view;
    const float *embedding;
};
enum dylumo_status train_cache_list(const struct train_cache *cache, const struct dy_map *map,
                                    struct train_entry **entries, size_t *count,
                                    struct dylumo_error *err) DY_MUST_USE;
/* NULL: not there. */
const struct train_entry *train_cache_find(const struct train_entry *entries, size_t count,
                                           uint64_t content, uint64_t view);

#endif
