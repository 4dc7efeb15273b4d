/* Embeddings on disk, told in train_cache.h. */
#include "train_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEAD_BYTES 64
#define MAGIC_BYTES 8
#define SYNC_SECONDS 1.0 /* of work that a power cut may cost */

static void fill_head(uint8_t head[HEAD_BYTES], uint64_t encoder_hash, uint32_t dimension)
{
    memset(head, 0, HEAD_BYTES);
    memcpy(head, "DYEMBED1", 8);
    memcpy(head + 8, &encoder_hash, 8);
    memcpy(head + 16, &dimension, 4);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Opens the file for this process alone; it is made when it is not there. */
static enum dylumo_status open_alone(struct train_cache *cache, struct dylumo_error *err)
{
    int fd = open(cache->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0)
        return dy_fail_errno(err, errno, cache->path, "cannot write");
    cache->stream = fdopen(fd, "r+be");
    if (!cache->stream) {
        close(fd);
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory", cache->path);
    }
    if (flock(fd, LOCK_EX | LOCK_NB))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: another run is writing this cache",
                       cache->path);
    return DYLUMO_OK;
}

static enum dylumo_status begin(struct train_cache *cache, const uint8_t head[HEAD_BYTES],
                                struct dylumo_error *err)
{
    if (ftruncate(fileno(cache->stream), 0) || fseek(cache->stream, 0, SEEK_SET) ||
        fwrite(head, 1, HEAD_BYTES, cache->stream) != HEAD_BYTES || fflush(cache->stream))
        return dy_fail_errno(err, errno, cache->path, "cannot write");
    return DYLUMO_OK;
}

/* Whole records only: what an interrupted run left of one is cut off. */
static enum dylumo_status go_on(struct train_cache *cache, size_t size, struct dylumo_error *err)
{
    size_t whole = (size - HEAD_BYTES) / cache->record_bytes * cache->record_bytes + HEAD_BYTES;
    if ((whole != size && ftruncate(fileno(cache->stream), (off_t)whole)) ||
        fseek(cache->stream, 0, SEEK_END))
        return dy_fail_errno(err, errno, cache->path, "cannot write");
    return DYLUMO_OK;
}

static enum dylumo_status begin_or_go_on(struct train_cache *cache, uint64_t encoder_hash,
                                         struct dylumo_error *err)
{
    uint8_t wanted[HEAD_BYTES], found[HEAD_BYTES];
    struct stat info;
    fill_head(wanted, encoder_hash, cache->dimension);
    if (fstat(fileno(cache->stream), &info))
        return dy_fail_errno(err, errno, cache->path, "cannot read");
    size_t head = fread(found, 1, HEAD_BYTES, cache->stream);
    if (head >= MAGIC_BYTES && memcmp(wanted, found, MAGIC_BYTES))
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: is no cache of embeddings, and is left as it is",
                       cache->path);
    if (head == HEAD_BYTES && !memcmp(wanted, found, HEAD_BYTES))
        return go_on(cache, (size_t)info.st_size, err);
    return begin(cache, wanted, err);
}

enum dylumo_status train_cache_open(struct train_cache *cache, const char *path,
                                    uint64_t encoder_hash, unsigned dimension,
                                    struct dylumo_error *err)
{
    *cache = (struct train_cache){.path = dy_strdup(path), .dimension = dimension, .synced = now()};
    cache->record_bytes = sizeof(struct train_record) + (dimension + 1) / 2 * 2 * sizeof(float);
    if (!cache->path)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory", path);
    enum dylumo_status st = open_alone(cache, err);
    if (!st)
        st = begin_or_go_on(cache, encoder_hash, err);
    if (st)
        train_cache_close(cache);
    return st;
}

enum dylumo_status train_cache_add(struct train_cache *cache, const struct train_record *record,
                                   const float *embedding, struct dylumo_error *err)
{
    struct train_record complete = *record;
    const float none = 0;
    complete.checksum = dy_hash64(embedding, cache->dimension * sizeof(float), 0);
    if (fwrite(&complete, sizeof complete, 1, cache->stream) != 1 ||
        fwrite(embedding, sizeof(float), cache->dimension, cache->stream) != cache->dimension ||
        (cache->dimension % 2 && fwrite(&none, sizeof none, 1, cache->stream) != 1))
        return dy_fail_errno(err, errno, cache->path, "cannot write");
    return now() - cache->synced < SYNC_SECONDS ? DYLUMO_OK : train_cache_sync(cache, err);
}

enum dylumo_status train_cache_sync(struct train_cache *cache, struct dylumo_error *err)
{
    cache->synced = now();
    if (fflush(cache->stream) || (fdatasync(fileno(cache->stream)) && errno != EINVAL))
        return dy_fail_errno(err, errno, cache->path, "cannot write");
    return DYLUMO_OK;
}

void train_cache_close(struct train_cache *cache)
{
    if (cache->stream)
        fclose(cache->stream);
    dy_free(cache->path);
    *cache = (struct train_cache){0};
}

static int by_key(const void *a, const void *b)
{
    const struct train_entry *x = a, *y = b;
    if (x->content != y->content)
        return x->content < y->content ? -1 : 1;
    return (x->view > y->view) - (x->view < y->view);
}

enum dylumo_status train_cache_list(const struct train_cache *cache, const struct dy_map *map,
                                    struct train_entry **entries, size_t *count,
                                    struct dylumo_error *err)
{
    size_t most = map->size > HEAD_BYTES ? (map->size - HEAD_BYTES) / cache->record_bytes : 0;
    struct train_entry *list = dy_new_array(most + 1, sizeof *list);
    size_t found = 0;
    if (!list)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu embeddings", most);
    for (size_t i = 0; i < most; i++) {
        const uint8_t *at = map->data + HEAD_BYTES + i * cache->record_bytes;
        struct train_record record;
        memcpy(&record, at, sizeof record);
        const float *embedding = (const float *)(const void *)(at + sizeof record);
        if (record.checksum == dy_hash64(embedding, cache->dimension * sizeof(float), 0))
            list[found++] =
                (struct train_entry){record.content, record.look, record.view, embedding};
    }
    qsort(list, found, sizeof *list, by_key);
    *entries = list;
    *count = found;
    return DYLUMO_OK;
}

const struct train_entry *train_cache_find(const struct train_entry *entries, size_t count,
                                           uint64_t content, uint64_t view)
{
    const struct train_entry key = {.content = content, .view = view};
    return bsearch(&key, entries, count, sizeof key, by_key);
}
