/* PyTorch's weights as the pickle tells them. A tensor is a call of torch._utils._rebuild_tensor_v2
 * with a storage (a persistent id), a place in it, a shape and strides; everything else in the tree
 * is names on the way to tensors. TorchScript's modules are objects whose state is a dict, so that
 * the way through them gives the names of their state_dict.
 * Source: torch/_utils.py, torch/serialization.py (persistent_id), torch/csrc/jit/serialization. */
#include "format_torch.h"

#include <string.h>

const char *const torch_globals[] = {
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
    "torch FloatStorage",
    "torch HalfStorage",
    "torch BFloat16Storage",
    "torch DoubleStorage",
    "torch CharStorage",
    "torch ByteStorage",
    "torch IntStorage",
    "torch LongStorage",
    "torch BoolStorage",
    "torch Size",
    "torch.jit._pickle *",
    "__torch__ *",
    "__torch__.*",
    /* numbers of numpy that training programs leave beside the weights, and bytes of protocol 2 */
    "numpy dtype",
    "numpy.core.multiarray scalar",
    "numpy._core.multiarray scalar",
    "_codecs encode",
    NULL,
};

static const struct {
    const char *global;
    enum dy_dtype dtype;
} storages[] = {
    {"torch FloatStorage", DY_F32},     {"torch HalfStorage", DY_F16},
    {"torch BFloat16Storage", DY_BF16}, {"torch DoubleStorage", DY_F64},
    {"torch CharStorage", DY_I8},       {"torch ByteStorage", DY_U8},
    {"torch IntStorage", DY_I32},       {"torch LongStorage", DY_I64},
    {"torch BoolStorage", DY_BOOL},
};

/* ------------------------------------------------------------------ one tensor */

/* A number that can be a count or a place. */
static bool read_count(const struct dy_pickle_value *value, uint64_t *count)
{
    int64_t integer;
    if (!dy_pickle_integer(value, &integer) || integer < 0 || integer > TORCH_COUNT_MAX)
        return false;
    *count = (uint64_t)integer;
    return true;
}

/* ('storage', torch.FloatStorage, '0', 'cpu', 384); the stream form has a sixth, None. */
static bool read_storage(const struct dy_pickle_value *persistent, struct torch_storage *storage)
{
    if (!persistent || persistent->type != DY_PICKLE_PERSISTENT)
        return false;
    const struct dy_pickle_value *id = persistent->items[0];
    const struct dy_pickle_value *key = dy_pickle_item(id, 2), *view = dy_pickle_item(id, 5);
    if (!dy_pickle_is(dy_pickle_item(id, 0), "storage") || !key || key->type != DY_PICKLE_STR ||
        !read_count(dy_pickle_item(id, 4), &storage->count) ||
        (view && view->type != DY_PICKLE_NONE))
        return false;
    storage->key = key->text;
    for (size_t i = 0; i < DY_COUNT(storages); i++)
        if (dy_pickle_is(dy_pickle_item(id, 1), storages[i].global)) {
            storage->dtype = storages[i].dtype;
            return true;
        }
    return false;
}

static bool read_counts(const struct dy_pickle_value *tuple, uint64_t counts[DY_TENSOR_DIMS],
                        unsigned *dims)
{
    if (!tuple || tuple->type != DY_PICKLE_TUPLE || tuple->item_count > DY_TENSOR_DIMS)
        return false;
    *dims = (unsigned)tuple->item_count;
    for (unsigned i = 0; i < *dims; i++)
        if (!read_count(tuple->items[i], &counts[i]))
            return false;
    return true;
}

/* torch.Size is a tuple that some versions write as a call. */
static const struct dy_pickle_value *without_size(const struct dy_pickle_value *value)
{
    return dy_pickle_is_object(value, "torch Size") ? dy_pickle_item(value->arguments, 0) : value;
}

static bool read_view(const struct dy_pickle_value *arguments, struct torch_view *view)
{
    unsigned strides = 0;
    return read_storage(dy_pickle_item(arguments, 0), &view->storage) &&
           read_count(dy_pickle_item(arguments, 1), &view->offset) &&
           read_counts(without_size(dy_pickle_item(arguments, 2)), view->shape, &view->dims) &&
           read_counts(dy_pickle_item(arguments, 3), view->stride, &strides) &&
           strides == view->dims;
}

/* The last number must lie in the storage, and a view may not repeat numbers. */
static bool view_fits(const struct torch_view *view)
{
    size_t count = 1;
    uint64_t last = view->offset;
    bool fits = true, empty = false;
    for (unsigned i = 0; i < view->dims; i++)
        empty |= !view->shape[i];
    for (unsigned i = 0; i < view->dims && fits && !empty; i++) {
        uint64_t reach;
        fits = dy_size_mul(count, (size_t)view->shape[i], &count) &&
               !__builtin_mul_overflow(view->shape[i] - 1, view->stride[i], &reach) &&
               !__builtin_add_overflow(last, reach, &last);
    }
    return fits && (empty || (last < view->storage.count && count <= view->storage.count));
}

uint64_t torch_view_count(const struct torch_view *view)
{
    uint64_t count = 1;
    for (unsigned i = 0; i < view->dims; i++)
        count = view->shape[i] ? count : 0;
    for (unsigned i = 0; i < view->dims && count; i++)
        count *= view->shape[i];
    return count;
}

bool torch_view_is_plain(const struct torch_view *view)
{
    uint64_t expected = 1;
    for (unsigned i = view->dims; i-- > 0;) {
        if (view->shape[i] > 1 && view->stride[i] != expected)
            return false;
        expected *= view->shape[i]; /* of an empty view anything will do */
    }
    return true;
}

void torch_view_copy(const struct torch_view *view, const uint8_t *storage, uint8_t *to)
{
    size_t size = dy_dtype_size(view->storage.dtype);
    uint64_t at[DY_TENSOR_DIMS] = {0}, count = torch_view_count(view), from = view->offset;
    for (uint64_t i = 0; i < count; i++, to += size) {
        memcpy(to, storage + from * size, size);
        for (unsigned d = view->dims; d-- > 0;) {
            from += view->stride[d];
            if (++at[d] < view->shape[d])
                break;
            from -= view->stride[d] * view->shape[d];
            at[d] = 0;
        }
    }
}

/* ------------------------------------------------------------------ the way to them */

/* A name as it grows on the way down. */
struct path {
    char text[TORCH_NAME_MAX + 1];
    size_t size;
};

static enum dylumo_status add_view(struct torch_views *views, const struct path *path,
                                   const struct dy_pickle_value *arguments,
                                   struct dylumo_error *err)
{
    struct torch_view view = {0};
    if (!read_view(arguments, &view))
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: tensor '%.100s' is not made of a storage, a place, a shape and strides",
                       views->file, path->text);
    if (!view_fits(&view))
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: tensor '%.100s' reaches out of its storage of %llu numbers",
                       views->file, path->text, (unsigned long long)view.storage.count);
    if (views->count == TORCH_TENSORS_MAX)
        return dy_fail(err, DYLUMO_TOO_LARGE, "%s: has over %u tensors", views->file,
                       TORCH_TENSORS_MAX);
    view.name = dy_strdup(path->text);
    if (!view.name || !dy_grow(&views->items, &views->room, views->count + 1, sizeof view)) {
        dy_free(view.name);
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for its tensors", views->file);
    }
    views->items[views->count++] = view;
    return DYLUMO_OK;
}

static enum dylumo_status collect(struct torch_views *views, struct path *path,
                                  const struct dy_pickle_value *value, struct dylumo_error *err);

/* What stands below one key. */
static enum dylumo_status collect_below(struct torch_views *views, struct path *path,
                                        const char *key, size_t key_size,
                                        const struct dy_pickle_value *value,
                                        struct dylumo_error *err)
{
    size_t old = path->size, dot = old > 0;
    if (memchr(key, '\0', key_size) || key_size >= TORCH_NAME_MAX ||
        old + dot + key_size > TORCH_NAME_MAX)
        return dy_fail(err, DYLUMO_TOO_LARGE, "%s: a name below '%.100s' has over %u bytes",
                       views->file, path->text, TORCH_NAME_MAX);
    if (dot)
        path->text[path->size++] = '.';
    memcpy(path->text + path->size, key, key_size);
    path->size += key_size;
    path->text[path->size] = '\0';
    enum dylumo_status st = collect(views, path, value, err);
    path->size = old;
    path->text[old] = '\0';
    return st;
}

/* Keys that are neither text nor a number are all called '?'. */
static enum dylumo_status collect_pair(struct torch_views *views, struct path *path,
                                       const struct dy_pickle_value *key,
                                       const struct dy_pickle_value *value,
                                       struct dylumo_error *err)
{
    int64_t number;
    char digits[24] = "?";
    if (key->type == DY_PICKLE_STR)
        return collect_below(views, path, key->text.bytes, key->text.size, value, err);
    if (dy_pickle_integer(key, &number))
        snprintf(digits, sizeof digits, "%lld", (long long)number);
    return collect_below(views, path, digits, strlen(digits), value, err);
}

static bool holds_others(const struct dy_pickle_value *value)
{
    return value->type == DY_PICKLE_DICT || value->type == DY_PICKLE_LIST ||
           value->type == DY_PICKLE_TUPLE;
}

static enum dylumo_status collect_items(struct torch_views *views, struct path *path,
                                        const struct dy_pickle_value *value,
                                        struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    size_t step = value->type == DY_PICKLE_DICT ? 2 : 1;
    for (size_t i = 0; !st && i + step <= value->item_count; i += step) {
        char place[24];
        snprintf(place, sizeof place, "%zu", i);
        st = step == 2 ? collect_pair(views, path, value->items[i], value->items[i + 1], err)
                       : collect_below(views, path, place, strlen(place), value->items[i], err);
    }
    return st;
}

static enum dylumo_status collect(struct torch_views *views, struct path *path,
                                  const struct dy_pickle_value *value, struct dylumo_error *err)
{
    if (dy_pickle_is_object(value, "torch._utils _rebuild_tensor_v2"))
        return add_view(views, path, value->arguments, err);
    if (dy_pickle_is_object(value, "torch._utils _rebuild_parameter")) {
        const struct dy_pickle_value *tensor = dy_pickle_item(value->arguments, 0);
        return tensor ? collect(views, path, tensor, err) : DYLUMO_OK;
    }
    if (value->type == DY_PICKLE_OBJECT && value->state)
        return collect(views, path, value->state, err);
    return holds_others(value) ? collect_items(views, path, value, err) : DYLUMO_OK;
}

enum dylumo_status torch_collect(struct torch_views *views, const struct dy_pickle_value *root,
                                 struct dylumo_error *err)
{
    struct path path = {.size = 0};
    path.text[0] = '\0';
    return collect(views, &path, root, err);
}

void torch_views_clear(struct torch_views *views)
{
    for (size_t i = 0; i < views->count; i++)
        dy_free(views->items[i].name);
    dy_free(views->items);
    *views = (struct torch_views){0};
}
