/* PyTorch's weights, read: torch.save's zip archives, the streams that it wrote before version 1.6,
 * and TorchScript archives, of which the parameters are taken and the code is not looked at. The
 * pickle says what tensors there are (format_torch_view.c); here their numbers are found. They stay
 * in the map where they lie aligned and in C order, else they are copied, in all no more bytes than
 * the file has, so that views which share a storage cannot multiply.
 * Left out: big-endian files, packed storages (torch.save does not pack), quantised and sparse
 * tensors, whole pickled models (their classes are refused by name). */
#include "format_torch.h"

#include <stdlib.h>
#include <string.h>

#define PICKLE_MAX (64u << 20) /* bytes of data.pkl: some hundred for each tensor */
#define STREAM_MAGIC "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
#define STREAM_VERSION 1001

struct dy_torch {
    struct dy_map map; /* zeroed when the bytes are the caller's */
    const uint8_t *data;
    size_t size;
    char *name;
    struct dy_zip *zip;          /* NULL for a stream */
    struct dy_zip_bytes pickled; /* data.pkl */
    struct dy_pickle *pickle;
    struct torch_views views;       /* holds the names */
    struct torch_storage *storages; /* by key, each once */
    size_t storage_count;
    struct dy_tensor *tensors; /* by name */
    size_t count;
    uint8_t *copies;
};

static const struct dy_pickle_options options = {.globals = torch_globals};

bool dy_torch_looks_like(const void *data, size_t size)
{
    return dy_zip_looks_like(data, size) || (size >= sizeof STREAM_MAGIC - 1 &&
                                             !memcmp(data, STREAM_MAGIC, sizeof STREAM_MAGIC - 1));
}

static enum dylumo_status no_memory(const struct dy_torch *torch, struct dylumo_error *err)
{
    return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for its tensors", torch->name);
}

/* ------------------------------------------------------------------ storages */

static int by_key(const void *a, const void *b)
{
    const struct torch_storage *x = a, *y = b;
    size_t shorter = x->key.size < y->key.size ? x->key.size : y->key.size;
    int order = memcmp(x->key.bytes, y->key.bytes, shorter);
    return order ? order : (x->key.size > y->key.size) - (x->key.size < y->key.size);
}

static struct torch_storage *find_storage(const struct dy_torch *torch, struct dy_text key)
{
    const struct torch_storage wanted = {.key = key};
    return torch->storage_count
               ? bsearch(&wanted, torch->storages, torch->storage_count, sizeof wanted, by_key)
               : NULL;
}

/* The storages that the views name, each once. */
static enum dylumo_status gather_storages(struct dy_torch *torch, struct dylumo_error *err)
{
    size_t count = 0;
    torch->storages = dy_new_array(torch->views.count + 1, sizeof *torch->storages);
    if (!torch->storages)
        return no_memory(torch, err);
    for (size_t i = 0; i < torch->views.count; i++)
        torch->storages[i] = torch->views.items[i].storage;
    qsort(torch->storages, torch->views.count, sizeof *torch->storages, by_key);
    for (size_t i = 0; i < torch->views.count; i++) {
        const struct torch_storage *storage = &torch->storages[i];
        const struct torch_storage *last = count ? &torch->storages[count - 1] : NULL;
        if (!last || by_key(last, storage) != 0)
            torch->storages[count++] = *storage;
        else if (last->dtype != storage->dtype || last->count != storage->count)
            return dy_fail(err, DYLUMO_BAD_FILE,
                           "%s: storage '%.*s' has two types or sizes in its pickle", torch->name,
                           (int)(storage->key.size < 60 ? storage->key.size : 60),
                           storage->key.bytes);
    }
    torch->storage_count = count;
    return DYLUMO_OK;
}

static enum dylumo_status collect(struct dy_torch *torch, struct dylumo_error *err)
{
    torch->views.file = torch->name;
    enum dylumo_status st = torch_collect(&torch->views, dy_pickle_root(torch->pickle), err);
    if (!st && !torch->views.count)
        st = dy_fail(err, DYLUMO_BAD_FILE, "%s: holds no tensors", torch->name);
    return st ? st : gather_storages(torch, err);
}

/* ------------------------------------------------------------------ the zip form */

/* "NAME/data.pkl", the only one; *folder receives the length of "NAME/". */
static enum dylumo_status find_pickle(const struct dy_torch *torch,
                                      const struct dy_zip_entry **pickle, size_t *folder,
                                      struct dylumo_error *err)
{
    *pickle = NULL;
    for (size_t i = 0; i < dy_zip_count(torch->zip); i++) {
        const struct dy_zip_entry *entry = dy_zip_at(torch->zip, i);
        const char *slash = strchr(entry->name, '/');
        if (!slash || strcmp(slash, "/data.pkl") != 0)
            continue;
        if (*pickle)
            return dy_fail(err, DYLUMO_BAD_FILE, "%s: has two pickles, '%.100s' and '%.100s'",
                           torch->name, (*pickle)->name, entry->name);
        *pickle = entry;
        *folder = (size_t)(slash - entry->name) + 1;
    }
    if (!*pickle || *folder > TORCH_NAME_MAX)
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: a zip archive without 'NAME/data.pkl', so not PyTorch's", torch->name);
    return DYLUMO_OK;
}

/* An entry of the archive's own folder; NULL: none. */
static const struct dy_zip_entry *find_entry(const struct dy_torch *torch, const char *pickle,
                                             size_t folder, const char *below, struct dy_text key)
{
    char name[2 * TORCH_NAME_MAX];
    if (key.size > 100 || memchr(key.bytes, '\0', key.size))
        return NULL;
    snprintf(name, sizeof name, "%.*s%s%.*s", (int)folder, pickle, below, (int)key.size, key.bytes);
    return dy_zip_find(torch->zip, name);
}

static enum dylumo_status check_byte_order(const struct dy_torch *torch,
                                           const struct dy_zip_entry *entry,
                                           struct dylumo_error *err)
{
    struct dy_zip_bytes bytes;
    enum dylumo_status st = dy_zip_read(torch->zip, entry, 64, &bytes, err);
    if (st)
        return st;
    if (bytes.size != 6 || memcmp(bytes.data, "little", 6) != 0)
        st = dy_fail(err, DYLUMO_UNSUPPORTED, "%s: its byte order is '%.*s', 'little' is read",
                     torch->name, (int)bytes.size, (const char *)bytes.data);
    dy_zip_bytes_clear(&bytes);
    return st;
}

static enum dylumo_status read_storage(const struct dy_torch *torch,
                                       const struct dy_zip_entry *entry,
                                       struct torch_storage *storage, struct dylumo_error *err)
{
    size_t size;
    const int key_size = (int)(storage->key.size < 60 ? storage->key.size : 60);
    if (!entry)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: has no storage '%.*s', which its pickle names",
                       torch->name, key_size, storage->key.bytes);
    if (!dy_size_mul((size_t)storage->count, dy_dtype_size(storage->dtype), &size) ||
        entry->size != size)
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: storage '%.*s' has %llu bytes, its pickle says %llu numbers of %s",
                       torch->name, key_size, storage->key.bytes, (unsigned long long)entry->size,
                       (unsigned long long)storage->count, dy_dtype_name(storage->dtype));
    if (entry->method != 0)
        return dy_fail(err, DYLUMO_UNSUPPORTED,
                       "%s: storage '%.*s' is packed; PyTorch stores them as they are", torch->name,
                       key_size, storage->key.bytes);
    struct dy_zip_bytes bytes;
    enum dylumo_status st = dy_zip_read(torch->zip, entry, entry->size, &bytes, err);
    storage->data = st ? NULL : bytes.data; /* in the map, since it is not packed */
    return st;
}

static enum dylumo_status read_archive(struct dy_torch *torch, struct dylumo_error *err)
{
    const struct dy_zip_entry *pickle = NULL;
    size_t folder = 0;
    enum dylumo_status st = dy_zip_parse(&torch->zip, torch->data, torch->size, torch->name, err);
    if (!st)
        st = find_pickle(torch, &pickle, &folder, err);
    if (st)
        return st;
    const struct dy_text no_key = {"", 0};
    const struct dy_zip_entry *order = find_entry(torch, pickle->name, folder, "byteorder", no_key);
    if (order)
        st = check_byte_order(torch, order, err);
    if (!st)
        st = dy_zip_read(torch->zip, pickle, PICKLE_MAX, &torch->pickled, err);
    if (!st)
        st = dy_pickle_read(&torch->pickle, torch->pickled.data, torch->pickled.size, torch->name,
                            &options, err);
    if (!st)
        st = collect(torch, err);
    for (size_t i = 0; !st && i < torch->storage_count; i++) {
        struct torch_storage *storage = &torch->storages[i];
        st = read_storage(torch, find_entry(torch, pickle->name, folder, "data/", storage->key),
                          storage, err);
    }
    return st;
}

/* ------------------------------------------------------------------ the stream form */

/* The next pickle of the stream. */
static enum dylumo_status next_pickle(const struct dy_torch *torch, struct dy_reader *reader,
                                      struct dy_pickle **pickle, struct dylumo_error *err)
{
    enum dylumo_status st = dy_pickle_read(pickle, reader->data + reader->at,
                                           reader->size - reader->at, torch->name, &options, err);
    if (!st)
        reader->at += dy_pickle_size(*pickle);
    return st;
}

/* The version, and what machine wrote it: only little-endian ones' numbers are read. */
static enum dylumo_status read_stream_head(const struct dy_torch *torch, struct dy_reader *reader,
                                           struct dylumo_error *err)
{
    struct dy_pickle *pickle = NULL;
    int64_t version = 0, little = 0;
    reader->at = sizeof STREAM_MAGIC - 1;
    enum dylumo_status st = next_pickle(torch, reader, &pickle, err);
    if (st)
        return st;
    bool known = dy_pickle_integer(dy_pickle_root(pickle), &version) && version == STREAM_VERSION;
    dy_pickle_free(pickle);
    pickle = NULL;
    st = next_pickle(torch, reader, &pickle, err);
    if (st)
        return st;
    known &= dy_pickle_integer(dy_pickle_get(dy_pickle_root(pickle), "little_endian"), &little);
    dy_pickle_free(pickle);
    if (!known || !little)
        st = dy_fail(err, DYLUMO_UNSUPPORTED,
                     "%s: a PyTorch stream of another version or byte order than those read",
                     torch->name);
    return st;
}

/* A storage of the stream: its count, then its numbers. */
static enum dylumo_status take_storage(const struct dy_torch *torch,
                                       const struct dy_pickle_value *key, struct dy_reader *reader,
                                       struct dylumo_error *err)
{
    struct torch_storage *storage =
        key->type == DY_PICKLE_STR ? find_storage(torch, key->text) : NULL;
    uint64_t count = dy_read_u64(reader);
    size_t size = 0;
    if (!storage || storage->data || count != storage->count ||
        !dy_size_mul((size_t)count, dy_dtype_size(storage->dtype), &size))
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: its storages are not those that its tensors are made of", torch->name);
    storage->data = dy_read_bytes(reader, size);
    if (!storage->data)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: is cut off inside its storages", torch->name);
    return DYLUMO_OK;
}

static enum dylumo_status take_storages(const struct dy_torch *torch,
                                        const struct dy_pickle_value *keys,
                                        struct dy_reader *reader, struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    if (keys->type != DY_PICKLE_LIST || keys->item_count != torch->storage_count)
        st = dy_fail(err, DYLUMO_BAD_FILE,
                     "%s: its pickle names %zu storages, its list another "
                     "number",
                     torch->name, torch->storage_count);
    for (size_t i = 0; !st && i < keys->item_count; i++)
        st = take_storage(torch, keys->items[i], reader, err);
    if (!st && reader->at != reader->size)
        st = dy_fail(err, DYLUMO_BAD_FILE, "%s: %zu bytes after its last storage", torch->name,
                     reader->size - reader->at);
    return st;
}

static enum dylumo_status read_stream(struct dy_torch *torch, struct dylumo_error *err)
{
    struct dy_reader reader = dy_reader_of(torch->data, torch->size);
    struct dy_pickle *keys = NULL;
    enum dylumo_status st = read_stream_head(torch, &reader, err);
    if (!st)
        st = next_pickle(torch, &reader, &torch->pickle, err);
    if (!st)
        st = collect(torch, err);
    if (!st)
        st = next_pickle(torch, &reader, &keys, err);
    if (!st)
        st = take_storages(torch, dy_pickle_root(keys), &reader, err);
    dy_pickle_free(keys);
    return st;
}

/* ------------------------------------------------------------------ tensors */

static const uint8_t *first_number(const struct torch_view *view,
                                   const struct torch_storage *storage)
{
    return storage->data + view->offset * dy_dtype_size(storage->dtype);
}

static bool stays_in_place(const struct torch_view *view, const struct torch_storage *storage)
{
    return torch_view_is_plain(view) &&
           (uintptr_t)first_number(view, storage) % dy_dtype_size(storage->dtype) == 0;
}

/* Bytes of memory for all tensors that can't stay where they are. */
static enum dylumo_status plan_copies(struct dy_torch *torch, struct dylumo_error *err)
{
    uint64_t need = 0, padded = 0;
    for (size_t i = 0; i < torch->views.count; i++) {
        const struct torch_view *view = &torch->views.items[i];
        const struct torch_storage *storage = find_storage(torch, view->storage.key);
        if (torch_view_count(view) && !stays_in_place(view, storage)) {
            uint64_t size = torch_view_count(view) * dy_dtype_size(storage->dtype);
            need += size;
            padded += (size + 63) & ~UINT64_C(63);
        }
        if (need > torch->size)
            return dy_fail(err, DYLUMO_TOO_LARGE,
                           "%s: its tensors share storages so that they have more bytes than the "
                           "file",
                           torch->name);
    }
    if (padded && !(torch->copies = dy_mem_aligned((size_t)padded)))
        return no_memory(torch, err);
    return DYLUMO_OK;
}

static void place_tensor(struct dy_torch *torch, const struct torch_view *view, uint8_t **free_from)
{
    const struct torch_storage *storage = find_storage(torch, view->storage.key);
    struct dy_tensor *tensor = &torch->tensors[torch->count++];
    tensor->name = view->name;
    tensor->dtype = storage->dtype;
    tensor->dims = view->dims;
    memcpy(tensor->shape, view->shape, sizeof tensor->shape);
    tensor->size = (size_t)torch_view_count(view) * dy_dtype_size(storage->dtype);
    if (!tensor->size)
        return;
    if (stays_in_place(view, storage)) {
        tensor->data = first_number(view, storage);
        return;
    }
    torch_view_copy(view, storage->data, *free_from);
    tensor->data = *free_from;
    *free_from += (tensor->size + 63) & ~(size_t)63;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct dy_tensor *)a)->name, ((const struct dy_tensor *)b)->name);
}

static enum dylumo_status place_tensors(struct dy_torch *torch, struct dylumo_error *err)
{
    torch->tensors = dy_new_array(torch->views.count, sizeof *torch->tensors);
    if (!torch->tensors)
        return no_memory(torch, err);
    enum dylumo_status st = plan_copies(torch, err);
    if (st)
        return st;
    uint8_t *free_from = torch->copies;
    for (size_t i = 0; i < torch->views.count; i++)
        place_tensor(torch, &torch->views.items[i], &free_from);
    qsort(torch->tensors, torch->count, sizeof *torch->tensors, by_name);
    for (size_t i = 1; i < torch->count; i++)
        if (!by_name(&torch->tensors[i - 1], &torch->tensors[i]))
            return dy_fail(err, DYLUMO_BAD_FILE, "%s: two tensors named '%.100s'", torch->name,
                           torch->tensors[i].name);
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ open and look up */

static enum dylumo_status read_all(struct dy_torch *torch, struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    if (!dy_torch_looks_like(torch->data, torch->size))
        st = dy_fail(err, DYLUMO_BAD_FILE, "%s: does not begin as PyTorch's files do", torch->name);
    if (!st)
        st = dy_zip_looks_like(torch->data, torch->size) ? read_archive(torch, err)
                                                         : read_stream(torch, err);
    return st ? st : place_tensors(torch, err);
}

enum dylumo_status dy_torch_parse(struct dy_torch **out, const void *data, size_t size,
                                  const char *name, struct dylumo_error *err)
{
    struct dy_torch *torch = dy_new(sizeof *torch);
    if (!torch || !(torch->name = dy_strdup(name))) {
        dy_free(torch);
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to open it", name);
    }
    torch->data = data;
    torch->size = size;
    enum dylumo_status st = read_all(torch, err);
    if (st)
        dy_torch_close(torch);
    else
        *out = torch;
    return st;
}

enum dylumo_status dy_torch_open(struct dy_torch **out, const char *path, struct dylumo_error *err)
{
    struct dy_map map;
    enum dylumo_status st = dy_map_file(&map, path, err);
    if (st)
        return st;
    st = dy_torch_parse(out, map.data, map.size, path, err);
    if (st)
        dy_map_close(&map);
    else
        (*out)->map = map;
    return st;
}

void dy_torch_close(struct dy_torch *torch)
{
    if (!torch)
        return;
    dy_pickle_free(torch->pickle);
    dy_zip_bytes_clear(&torch->pickled);
    dy_zip_close(torch->zip);
    torch_views_clear(&torch->views);
    dy_free(torch->storages);
    dy_free(torch->tensors);
    dy_free(torch->copies);
    dy_free(torch->name);
    dy_map_close(&torch->map);
    dy_free(torch);
}

size_t dy_torch_count(const struct dy_torch *torch)
{
    return torch->count;
}

const struct dy_tensor *dy_torch_at(const struct dy_torch *torch, size_t index)
{
    return index < torch->count ? &torch->tensors[index] : NULL;
}

const struct dy_tensor *dy_torch_find(const struct dy_torch *torch, const char *name)
{
    const struct dy_tensor key = {.name = name};
    return torch->count ? bsearch(&key, torch->tensors, torch->count, sizeof key, by_name) : NULL;
}

const struct dy_pickle_value *dy_torch_root(const struct dy_torch *torch)
{
    return dy_pickle_root(torch->pickle);
}
