/* encoder: the encoder's pixels -> embedding. Which network it is stands in the weight file's
 * metadata ("dylumo.encoder": "lite2", later "clip-..."); the arithmetic is oneDNN's. */
#ifndef DY_ENCODER_H
#define DY_ENCODER_H

#include "dy_base.h"

enum dy_precision { DY_PRECISION_AUTO, DY_PRECISION_F32, DY_PRECISION_BF16, DY_PRECISION_INT8 };

/* "auto", "f32", "bf16" or "int8". Static. */
const char *dy_precision_name(enum dy_precision precision);
/* The other way; BAD_ARGUMENT for another word. */
enum dylumo_status dy_precision_read(const char *name, enum dy_precision *precision,
                                     struct dylumo_error *err) DY_MUST_USE;

struct dy_encoder; /* weights in the arithmetic's own layout; read-only after open */

struct dy_encoder_info {
    const char *name;       /* "lite2" */
    uint64_t hash;          /* of the weight file; a mood file names the encoder it belongs to by
                               name and hash */
    unsigned width, height; /* pixels it sees */
    bool squash;            /* true: the whole picture squashed; false: middle crop */
    unsigned dimension;     /* numbers of an embedding */
    enum dy_precision precision; /* never AUTO */
};

/* Opens weights and makes the primitives for one picture.
 *
 *   threads   used by one dy_encoder_run call; 0: all cores
 *
 * Owns      dy_encoder_close; it takes NULL.
 * Fails     as dy_safetensors_open; BAD_FILE for a tensor missing or of wrong shape; UNSUPPORTED
 * for a precision the processor lacks (AUTO never fails so). */
enum dylumo_status dy_encoder_open(struct dy_encoder **out, const char *path,
                                   enum dy_precision precision, unsigned threads,
                                   struct dylumo_error *err) DY_MUST_USE;
void dy_encoder_close(struct dy_encoder *encoder);
const struct dy_encoder_info *dy_encoder_info(const struct dy_encoder *encoder);

/* A thread's scratch memory for dy_encoder_run. */
struct dy_encoder_work;
enum dylumo_status dy_encoder_work_new(struct dy_encoder_work **out,
                                       const struct dy_encoder *encoder,
                                       struct dylumo_error *err) DY_MUST_USE;
void dy_encoder_work_free(struct dy_encoder_work *work);

/* One picture.
 *
 *   pixels     [height][width][3] RGB as dy_image_load gives them
 *   embedding  [dimension], receives the numbers
 *
 * Threads  any number at once on one encoder, each with its own work. Allocates nothing of ours. */
enum dylumo_status dy_encoder_run(const struct dy_encoder *encoder, struct dy_encoder_work *work,
                                  const uint8_t *pixels, float *embedding,
                                  struct dylumo_error *err) DY_MUST_USE;

#endif
