/* The pickle reader's machine, shared by its parts. */
#ifndef FORMAT_PICKLE_H
#define FORMAT_PICKLE_H

#include "dy_foreign.h"

#define PICKLE_DEPTH_MAX 200u
#define PICKLE_VALUES_MAX 1000000u /* values, places in the memo, values on the stack */
#define PICKLE_WALK_MAX 10000000u  /* items of all lists, and steps of a walk */

struct pickle_chunk;

struct dy_pickle {
    struct pickle_chunk *chunks; /* of values */
    size_t value_count;
    char **texts; /* heap, those that do not lie in the pickle's bytes */
    size_t text_count, text_room;
    struct dy_pickle_value *root;
    size_t size;
};

/* A zeroed value of the tree; NULL without memory or when there are too many. */
struct dy_pickle_value *pickle_value_new(struct dy_pickle *pickle, enum dy_pickle_type type);
/* Heap text that the tree shall keep and free; false (and freed) without memory. */
bool pickle_keep_text(struct dy_pickle *pickle, char *text);

/* Decodes the texts of protocol 0 into out, [3 * size], as UTF-8 or bytes; false when broken. */
bool pickle_unescape_str(struct dy_text repr, char *out, size_t *length);
bool pickle_unescape_unicode(struct dy_text raw, char *out, size_t *length);

/* Refuses cycles, and trees too deep or too long to walk; sets depth and walk of all values. */
enum dylumo_status pickle_measure(struct dy_pickle_value *root, const char *name,
                                  struct dylumo_error *err);

#endif
