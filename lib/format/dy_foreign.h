/* format, the other half: files of other programs, which dylumo reads and never writes. Zip
 * archives, the subset of Python's pickle that holds data, PyTorch's weights, numpy's arrays. All
 * of them come from strangers: everything is checked before use, nothing in them is executed, and
 * what is not understood is refused by name. Told in docs/formats/foreign.md. */
#ifndef DY_FOREIGN_H
#define DY_FOREIGN_H

#include "dy_format.h"

/* ------------------------------------------------------------------ zip (format_zip.c) */

struct dy_zip_entry {
    const char *name; /* UTF-8, relative, no "..", no '\\'; ends in '/' for a folder */
    uint64_t size;    /* bytes once read */
    uint64_t packed_size;
    uint32_t crc;
    uint16_t method; /* 0: stored, 8: deflate; others can't be read */
    const uint8_t *packed;
};

/* A mapped archive whose directory has been checked: every name once and without path tricks, every
 * entry inside the file, none overlapping. Read-only, shared by all threads. */
struct dy_zip;

/* Fails     as dy_map_file; BAD_FILE for anything broken; UNSUPPORTED for encrypted or split
 * archives; TOO_LARGE for a million entries and more. */
enum dylumo_status dy_zip_open(struct dy_zip **out, const char *path,
                               struct dylumo_error *err) DY_MUST_USE;
/* The same on bytes that stay the caller's and must outlive it; name is for error sentences. */
enum dylumo_status dy_zip_parse(struct dy_zip **out, const void *data, size_t size,
                                const char *name, struct dylumo_error *err) DY_MUST_USE;
void dy_zip_close(struct dy_zip *zip);

size_t dy_zip_count(const struct dy_zip *zip);
/* By their names' bytes, rising. */
const struct dy_zip_entry *dy_zip_at(const struct dy_zip *zip, size_t index);
/* NULL when there is none of that name. */
const struct dy_zip_entry *dy_zip_find(const struct dy_zip *zip, const char *name);

/* An entry's bytes: in the map where they are stored, else on the heap. */
struct dy_zip_bytes {
    const uint8_t *data;
    size_t size;
    uint8_t *heap; /* NULL when in the map */
};

/* Reads an entry and checks its CRC.
 *
 *   max_bytes   more is TOO_LARGE, before any memory is asked for
 *
 * Owns      dy_zip_bytes_clear, before dy_zip_close; takes a zeroed one.
 * Fails     BAD_FILE for data that does not unpack to the size and CRC that the directory claims;
 *           UNSUPPORTED for another method than stored and deflate. */
enum dylumo_status dy_zip_read(const struct dy_zip *zip, const struct dy_zip_entry *entry,
                               uint64_t max_bytes, struct dy_zip_bytes *bytes,
                               struct dylumo_error *err) DY_MUST_USE;
void dy_zip_bytes_clear(struct dy_zip_bytes *bytes);

/* true when the bytes begin as a zip archive does. */
bool dy_zip_looks_like(const void *data, size_t size);

/* ------------------------------------------------------------------ pickle
 * (format_pickle.c, format_pickle_value.c) */

enum dy_pickle_type {
    DY_PICKLE_NONE,
    DY_PICKLE_BOOL,
    DY_PICKLE_INT,
    DY_PICKLE_LONG, /* an int beyond 64 bits: its two's complement bytes in text, little-endian */
    DY_PICKLE_FLOAT,
    DY_PICKLE_STR,   /* UTF-8 */
    DY_PICKLE_BYTES, /* also what Python 2 called str, where it is not UTF-8 */
    DY_PICKLE_TUPLE,
    DY_PICKLE_LIST,
    DY_PICKLE_DICT,       /* items: key, value, key, value...; also a collections.OrderedDict */
    DY_PICKLE_PERSISTENT, /* persistent id: items[0] */
    DY_PICKLE_GLOBAL,     /* one of the whitelist: "module name" in text */
    DY_PICKLE_OBJECT,     /* what a global would have made of its arguments */
};

/* One value of the tree. Text and bytes lie in the pickle's own bytes or in the tree. */
struct dy_pickle_value {
    enum dy_pickle_type type;
    unsigned depth; /* levels of the tree from here down */
    size_t walk;    /* steps that a walk from here down takes */
    union {
        bool boolean;
        int64_t integer;
        double real;
    };
    struct dy_text text;
    struct dy_pickle_value **items;             /* an OBJECT's: what was appended or set */
    size_t item_count, room;                    /* a DICT's: twice the pairs */
    struct dy_pickle_value *global, *arguments; /* an OBJECT's: GLOBAL, TUPLE */
    struct dy_pickle_value *state;              /* an OBJECT's attributes; NULL: none */
    struct dy_text raw;                         /* an OBJECT's bytes in the stream behind it */
};

struct dy_pickle_options {
    /* Globals that may be named, each "module name", then NULL; a last '*' stands for any rest.
     * Nothing is imported: a global is a word in the tree. Always known are
     * collections.OrderedDict, which becomes a DICT, and copyreg._reconstructor of a plain object,
     * which becomes an OBJECT of its class. */
    const char *const *globals;
    /* May be NULL. Asked when an object has got its state: which of the bytes that follow in the
     * stream are the object's own (joblib writes arrays so), and how many of them the reader must
     * pass over. */
    enum dylumo_status (*raw)(void *user, const struct dy_pickle_value *object,
                              struct dy_text following, struct dy_text *raw, size_t *passed,
                              struct dylumo_error *err);
    void *user;
};

/* A tree of plain values read from a pickle of protocol 0 to 5. No cycles, at most 200 deep, at
 * most a million values, and a walk through all of it, shared parts as often as they are named,
 * takes at most ten million steps. */
struct dy_pickle;

/* Reads the first pickle of the bytes, which stay the caller's and must outlive the tree.
 *
 * Fails     BAD_FILE for broken pickles; UNSUPPORTED, by name, for a global that is not in the
 *           whitelist and for opcodes that make anything but data; TOO_LARGE for the limits. */
enum dylumo_status dy_pickle_read(struct dy_pickle **out, const void *data, size_t size,
                                  const char *name, const struct dy_pickle_options *options,
                                  struct dylumo_error *err) DY_MUST_USE;
void dy_pickle_free(struct dy_pickle *pickle);
const struct dy_pickle_value *dy_pickle_root(const struct dy_pickle *pickle);
/* Bytes up to and with the pickle's end: where the next one of a stream begins. */
size_t dy_pickle_size(const struct dy_pickle *pickle);

/* Looking into a tree; all take NULL and values of other types. */

/* A STR (or BYTES) equal to text; a GLOBAL equal to "module name". */
bool dy_pickle_is(const struct dy_pickle_value *value, const char *text);
/* An OBJECT of the global "module name". */
bool dy_pickle_is_object(const struct dy_pickle_value *value, const char *global);
/* A DICT's value of a key (of several equal ones the last, as Python has it); NULL: none. */
const struct dy_pickle_value *dy_pickle_get(const struct dy_pickle_value *dict, const char *key);
/* Item of a TUPLE or LIST; NULL past its end. */
const struct dy_pickle_value *dy_pickle_item(const struct dy_pickle_value *list, size_t index);
/* An INT (BOOL counts as 0 and 1), or an INT or FLOAT; false for others. */
bool dy_pickle_integer(const struct dy_pickle_value *value, int64_t *integer);
bool dy_pickle_real(const struct dy_pickle_value *value, double *real);
/* "a dict", "torch._utils._rebuild_tensor_v2" and the like, for sentences; text [size]. */
const char *dy_pickle_describe(const struct dy_pickle_value *value, char *text, size_t size);

/* ------------------------------------------------------------------ PyTorch
 * (format_torch.c, format_torch_view.c) */

/* Weights as torch.save writes them (the zip archive, and the stream of versions before 1.6), or
 * the parameters of a TorchScript archive. Every tensor below the pickle's root, named by the way
 * to it with '.' between: "network.0.weight" of a bare state_dict,
 * "model_state_dict.network.0.weight" of a dict that holds one. All are checked to lie in their
 * storages. Read-only, shared by all threads. */
struct dy_torch;

/* Fails     as dy_map_file; BAD_FILE for anything broken; UNSUPPORTED, by name, for classes and
 *           calls other than those that tensors are made of (a whole pickled model), big-endian
 *           and packed numbers; TOO_LARGE for more than 50,000 tensors, names over 500 bytes, a
 *           pickle over 64 MiB. */
enum dylumo_status dy_torch_open(struct dy_torch **out, const char *path,
                                 struct dylumo_error *err) DY_MUST_USE;
/* The same on bytes that stay the caller's and must outlive it; name is for error sentences. */
enum dylumo_status dy_torch_parse(struct dy_torch **out, const void *data, size_t size,
                                  const char *name, struct dylumo_error *err) DY_MUST_USE;
void dy_torch_close(struct dy_torch *torch);

/* Tensors by their names' bytes, rising, in C order whatever their strides were. */
size_t dy_torch_count(const struct dy_torch *torch);
const struct dy_tensor *dy_torch_at(const struct dy_torch *torch, size_t index);
/* NULL when there is none of that name. */
const struct dy_tensor *dy_torch_find(const struct dy_torch *torch, const char *name);
/* The pickle, for the numbers that stand beside the weights. */
const struct dy_pickle_value *dy_torch_root(const struct dy_torch *torch);

/* true when the bytes begin as a zip archive or PyTorch's stream does. */
bool dy_torch_looks_like(const void *data, size_t size);

/* ------------------------------------------------------------------ npy (format_npy.c) */

/* A numpy array file, versions 1 to 3: C order, little-endian f32 or f64. */
struct dy_npy {
    struct dy_map map;
    struct dy_tensor tensor; /* name: empty; data in the map, or in copy where it lies crooked */
    void *copy;
};
/* Fails     as dy_map_file; BAD_FILE; UNSUPPORTED, by name, for Fortran order of more than a matrix
 * and other types. */
enum dylumo_status dy_npy_open(struct dy_npy *npy, const char *path,
                               struct dylumo_error *err) DY_MUST_USE;
/* The same on bytes that stay the caller's and must outlive it. */
enum dylumo_status dy_npy_parse(struct dy_npy *npy, const void *data, size_t size, const char *name,
                                struct dylumo_error *err) DY_MUST_USE;
/* Takes a zeroed one. */
void dy_npy_close(struct dy_npy *npy);
bool dy_npy_looks_like(const void *data, size_t size);

#endif
