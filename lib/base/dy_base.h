/* base: what every room stands on. Status and error text, memory, arenas, file maps and byte
 * readers, files written beside and renamed, workers, hashes, the processor, text.
 *
 * Nothing here knows of pictures or songs. No global state; all functions may be called from any
 * thread on different objects. */
#ifndef DY_BASE_H
#define DY_BASE_H

#include "dylumo.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define DY_MUST_USE __attribute__((warn_unused_result))
#define DY_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#define DY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A member of a caller's struct that begins with struct_size: 0 when the pointer is NULL or the
 * caller was built against an older header whose struct ended before it. */
#define DY_MEMBER(given, member)                                                     \
    ((given) && (given)->struct_size >=                                              \
                    offsetof(__typeof__(*(given)), member) + sizeof((given)->member) \
         ? (given)->member                                                           \
         : 0)

/* ------------------------------------------------------------------ errors (base_error.c) */

/* Writes the sentence into *err and returns status, so that callers `return dy_fail(...)`.
 *
 *   err   may be NULL: then only the status is passed on. An already set *err is overwritten.
 *
 * Control characters and broken UTF-8 that came in through arguments are replaced by '?'. */
enum dylumo_status dy_fail(struct dylumo_error *err, enum dylumo_status status, const char *format,
                           ...) DY_PRINTF(3, 4);

/* dy_fail for a failed system call on a file: picks the status from error_number (ENOENT:
 * NOT_FOUND, EACCES/EPERM: NO_PERMISSION, ENOMEM: NO_MEMORY, else IO) and appends its text:
 * "photo.jpg: cannot open: No such file or directory". */
enum dylumo_status dy_fail_errno(struct dylumo_error *err, int error_number, const char *path,
                                 const char *what);

#ifdef __clang_analyzer__ /* let it see that a failure is never OK */
#define dy_fail(err, status, ...) (dy_fail(err, status, __VA_ARGS__), (status))
#define dy_fail_errno(err, number, path, what) (dy_fail_errno(err, number, path, what), DYLUMO_IO)
#endif

/* ------------------------------------------------------------------ memory (base_memory.c) */

/* Zeroed heap memory; NULL when there is none. dy_free takes NULL. Every allocation of ours goes
 * through dy_mem_alloc, dy_mem_realloc and dy_mem_aligned, which tests replace by link-time
 * wrapping to make the n-th one fail. */
void *dy_mem_alloc(size_t size);
void *dy_mem_realloc(void *old, size_t size);
/* 64-byte aligned, not zeroed; freed by dy_free. */
void *dy_mem_aligned(size_t size);
void dy_free(void *memory);

static inline void *dy_new(size_t size)
{
    return dy_mem_alloc(size);
}

/* false when a * b does not fit; *product is then untouched. */
static inline bool dy_size_mul(size_t a, size_t b, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

static inline bool dy_size_add(size_t a, size_t b, size_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}

/* count zeroed items; NULL when there is no memory or count * size overflows. */
void *dy_new_array(size_t count, size_t size);
/* A copy of text on the heap; NULL when there is no memory. */
char *dy_strdup(const char *text);

/* Grows *items (heap, may be NULL) so that it holds at least need items of size bytes, doubling
 * *room. On failure the old array stays valid. New items are not zeroed. */
bool dy_grow(void *items /* T ** */, size_t *room, size_t need, size_t size) DY_MUST_USE;

/* A request's scratch memory: one block, given out in 64-byte aligned pieces, reset at once. */
struct dy_arena {
    uint8_t *block;
    size_t size, used;
};
bool dy_arena_init(struct dy_arena *arena, size_t size) DY_MUST_USE;
void dy_arena_clear(struct dy_arena *arena);
/* count * size bytes, not zeroed; NULL when the arena is used up. */
void *dy_arena_take(struct dy_arena *arena, size_t count, size_t size);
static inline void dy_arena_reset(struct dy_arena *arena)
{
    arena->used = 0;
}

/* ------------------------------------------------------------------ files (base_file.c) */

/* A whole file mapped read-only. */
struct dy_map {
    const uint8_t *data; /* NULL when size is 0 */
    size_t size;
};

/* Fails     NOT_FOUND, NO_PERMISSION, IO; BAD_FILE for a directory, device or FIFO.
 * Owns      dy_map_close gives it back; it takes a zeroed or closed map. */
enum dylumo_status dy_map_file(struct dy_map *map, const char *path,
                               struct dylumo_error *err) DY_MUST_USE;
void dy_map_close(struct dy_map *map);
/* What was read of a map's bytes may leave our memory; it comes back from the file when it is read
 * again. Only for bytes that dy_map_file mapped. */
void dy_map_forget(const void *data, size_t size);

/* All bytes of path, or of standard input for "-", into heap memory (dy_free). More than max_bytes:
 * TOO_LARGE, without reading further. A directory: BAD_FILE. FIFOs are read to their end. */
enum dylumo_status dy_read_file(uint8_t **data, size_t *size, const char *path, uint64_t max_bytes,
                                struct dylumo_error *err) DY_MUST_USE;

/* dy_read_file with the context's limit for pictures. A signal that sets the context's cancelled
 * also ends the wait for a slow pipe: CANCELLED. */
enum dylumo_status dy_read_picture(uint8_t **data, size_t *size, const char *path,
                                   const struct dylumo_context *context,
                                   struct dylumo_error *err) DY_MUST_USE;

/* A file that appears under its name only when complete: written beside it as
 * "NAME.part-XXXXXX", flushed to disk and renamed by commit; discard (or a crash) leaves the old
 * one. Usage: open, fwrite to .stream or dy_outfile_write, then commit or discard (one of them,
 * once). discard takes a zeroed or committed one. Failed writes (full disk) are remembered and
 * reported by commit. "-" writes to standard output, and so does /dev/stdout; a device or pipe is
 * written as it is; of a link to a file the file is replaced, not the link. */
struct dy_outfile {
    FILE *stream;
    char *path;      /* final name */
    char *part_path; /* NULL for standard output, devices and pipes */
};
enum dylumo_status dy_outfile_open(struct dy_outfile *out, const char *path,
                                   struct dylumo_error *err) DY_MUST_USE;
enum dylumo_status dy_outfile_write(struct dy_outfile *out, const void *data, size_t size,
                                    struct dylumo_error *err) DY_MUST_USE;
enum dylumo_status dy_outfile_commit(struct dy_outfile *out, struct dylumo_error *err) DY_MUST_USE;
void dy_outfile_discard(struct dy_outfile *out);
/* Whether path is "-" or another name of standard output. */
bool dy_is_standard_output(const char *path);
/* All of it at once: open, write, commit. */
enum dylumo_status dy_write_file(const char *path, const void *data, size_t size,
                                 struct dylumo_error *err) DY_MUST_USE;

/* Bytes of a foreign file, read little-endian with bounds: a read past the end returns 0, sets
 * failed and stays failed, so that a parser may check once at the end of a step. */
struct dy_reader {
    const uint8_t *data;
    size_t size, at;
    bool failed;
};
static inline struct dy_reader dy_reader_of(const void *data, size_t size)
{
    struct dy_reader reader = {(const uint8_t *)data, size, 0, false};
    return reader;
}
uint8_t dy_read_u8(struct dy_reader *reader);
uint16_t dy_read_u16(struct dy_reader *reader);
uint32_t dy_read_u32(struct dy_reader *reader);
uint64_t dy_read_u64(struct dy_reader *reader);
float dy_read_f32(struct dy_reader *reader);
double dy_read_f64(struct dy_reader *reader);
/* size bytes in place, NULL when there are fewer. */
const uint8_t *dy_read_bytes(struct dy_reader *reader, size_t size);

/* ------------------------------------------------------------------ context (base_context.c) */

/* NULL-safe readers of the caller's context, which may be NULL or of an older, shorter size. */
unsigned dy_context_threads(const struct dylumo_context *context);
uint64_t dy_context_max_picture_bytes(const struct dylumo_context *context);
uint64_t dy_context_max_pixels(const struct dylumo_context *context);
bool dy_context_cancelled(const struct dylumo_context *context);
void dy_context_progress(const struct dylumo_context *context, const char *what, uint64_t done,
                         uint64_t total);
void dy_context_log(const struct dylumo_context *context, enum dylumo_log_level level,
                    const char *format, ...) DY_PRINTF(3, 4);

/* ------------------------------------------------------------------ workers (base_workers.c) */

/* A fixed crew of threads. run calls step(user, task) for every task 0..count-1, on all workers and
 * the calling thread, and returns when all are done; tasks start in order, each exactly once. Which
 * thread takes which task is not fixed, so results must not depend on it. One run at a time. */
struct dy_workers;
/* count: threads in all, the caller's included; 1 starts none. */
enum dylumo_status dy_workers_new(struct dy_workers **out, unsigned count,
                                  struct dylumo_error *err) DY_MUST_USE;
void dy_workers_free(struct dy_workers *workers);
unsigned dy_workers_count(const struct dy_workers *workers);
void dy_workers_run(struct dy_workers *workers, size_t count, void (*step)(void *user, size_t task),
                    void *user);

/* ------------------------------------------------------------------ hashes (base_hash.c) */

/* XXH3, 64 bits: for checksums against damage, not against forgery. */
uint64_t dy_hash64(const void *data, size_t size, uint64_t seed);

/* Bytes somewhere, one of several pieces that are written or hashed as one. */
struct dy_part {
    const void *data;
    size_t size;
};
/* dy_hash64 of the parts one after the other. */
uint64_t dy_hash64_parts(const struct dy_part *parts, size_t count, uint64_t seed);

/* ------------------------------------------------------------------ normal scores (base_normal.c)
 */

/* The z below which a share p of the standard normal distribution lies, to 16 digits. 0 and 1 give
 * -inf and inf, anything outside gives NaN. */
double dy_normal_quantile(double p);
/* The share below z: its inverse. */
double dy_normal_share(double z);

/* ------------------------------------------------------------------ processor (base_cpu.c) */

/* What the processor and the kernel allow; DYLUMO_CPU=scalar|avx2|avx512 in the environment lowers
 * it, for tests and benchmarks of the other half of the world. */
struct dy_cpu {
    bool avx2;        /* with FMA and F16C */
    bool avx512;      /* F, BW, DQ, VL */
    bool avx512_vnni; /* int8 dot products */
    bool avx512_bf16;
    bool amx; /* tiles, int8 and bf16 */
};
struct dy_cpu dy_cpu_read(void);
/* "AVX-512 with VNNI and BF16" and the like, for benchmarks and --version. Static. */
const char *dy_cpu_name(const struct dy_cpu *cpu);

/* ------------------------------------------------------------------ text (base_text.c) */

/* Text that lies in someone else's memory: not NUL-terminated. */
struct dy_text {
    const char *bytes;
    size_t size;
};

/* true when the size bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool dy_text_valid(const char *text, size_t size);

/* NFC of text, with control characters (C0, C1, DEL, bidirectional overrides, line and paragraph
 * separators) replaced by a space and broken bytes by U+FFFD: fit to be stored or shown on a
 * terminal. Heap, NUL-terminated; NULL without memory. *length may be NULL. */
char *dy_text_clean(const char *text, size_t size, size_t *length);

/* The form for comparing and searching: compatibility-decomposed, accents dropped, case-folded,
 * every run of characters that are neither letters nor digits one space, none at the ends.
 * "Beyonce\u0301 - L\u00c9O!" becomes "beyonce leo". A text of symbols alone keeps them ("!!!").
 * Heap, NUL-terminated; NULL without memory. */
char *dy_text_fold(const char *text, size_t size);

/* The same into out, [size] bytes, without allocating; only for text of ASCII alone (false and
 * nothing written for other text). */
bool dy_text_fold_ascii(const char *text, size_t size, char *out, size_t *length);

/* Columns that text takes on a terminal (wide characters two, marks none). */
size_t dy_text_columns(const char *text, size_t size);

/* The longest prefix in bytes, whole characters only, that takes at most `columns` columns. */
size_t dy_text_prefix(const char *text, size_t size, size_t columns);

#endif
