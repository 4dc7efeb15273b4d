/* PyTorch's weights, shared by the parts of their reader: what the pickle says of tensors and
 * storages, before their numbers are found. */
#ifndef FORMAT_TORCH_H
#define FORMAT_TORCH_H

#include "dy_foreign.h"

#define TORCH_TENSORS_MAX 50000u
#define TORCH_NAME_MAX 500u         /* bytes */
#define TORCH_COUNT_MAX (1ll << 40) /* of numbers, strides, places in a storage */

/* One run of numbers that tensors look into. */
struct torch_storage {
    struct dy_text key; /* in the pickle */
    enum dy_dtype dtype;
    uint64_t count;
    const uint8_t *data; /* found by the container's reader; any alignment */
};

/* A tensor as the pickle has it. */
struct torch_view {
    char *name; /* heap */
    struct torch_storage storage;
    uint64_t offset; /* all in numbers, not bytes */
    unsigned dims;
    uint64_t shape[DY_TENSOR_DIMS], stride[DY_TENSOR_DIMS];
};

struct torch_views {
    const char *file; /* for sentences */
    struct torch_view *items;
    size_t count, room;
};

/* The globals that PyTorch's weights are made of. */
extern const char *const torch_globals[];

/* Adds every tensor below value, named by the way to it: keys and places with '.' between. Bounds
 * of all are checked against their storages' counts. */
enum dylumo_status torch_collect(struct torch_views *views, const struct dy_pickle_value *root,
                                 struct dylumo_error *err) DY_MUST_USE;
void torch_views_clear(struct torch_views *views);

/* Numbers of a view; fits, since torch_collect has checked it. */
uint64_t torch_view_count(const struct torch_view *view);
/* true when the numbers lie one after the other in C order. */
bool torch_view_is_plain(const struct torch_view *view);
/* Copies the view's numbers to to, in C order. */
void torch_view_copy(const struct torch_view *view, const uint8_t *storage, uint8_t *to);

#endif
