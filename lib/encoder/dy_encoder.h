/* encoder: the encoder's pixels, or words -> embedding. Which network it is stands in the weight
 * file's metadata ("dylumo.encoder": "lite2", "clip-vit-b-32"); the arithmetic is oneDNN's. */
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

/* What an encoder sees of a picture that is not square. */
enum dy_encoder_crop {
    DY_CROP_NONE,         /* all of it, squashed */
    DY_CROP_TORCHVISION,  /* the middle; where that is half a pixel off, as torchvision rounds */
    DY_CROP_TRANSFORMERS, /* the middle, as transformers rounds */
};

struct dy_encoder_info {
    const char *name;       /* "lite2"; lives as long as the encoder */
    uint64_t hash;          /* of the weights; a mood file names the encoder it belongs to by name
                               and hash. CLIP's is the same in every precision */
    unsigned width, height; /* pixels it sees; 0 for words */
    enum dy_encoder_crop crop;
    unsigned dimension;          /* numbers of an embedding; CLIP's have length 1 */
    enum dy_precision precision; /* never AUTO */
    bool has_text;               /* dy_encoder_open_text opens the same file */
    float text_scale;            /* what CLIP was trained to multiply cosines by; 0: no text */
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

/* Whether runs that the calling thread makes from now on share their work among the encoder's
 * threads, as they do at first, or keep it to themselves. The results are the same, bit by bit. */
void dy_encoder_share(bool shared);
const struct dy_encoder_info *dy_encoder_info(const struct dy_encoder *encoder);

/* The text tower of the same file alone, as an encoder of words. Its embeddings lie in the space of
 * the pictures' ones.
 *
 * Fails     as dy_encoder_open; UNSUPPORTED for an encoder without one. */
enum dylumo_status dy_encoder_open_text(struct dy_encoder **out, const char *path,
                                        enum dy_precision precision, unsigned threads,
                                        struct dylumo_error *err) DY_MUST_USE;

/* A thread's scratch memory for dy_encoder_run; new_many's is for up to `most` pictures at once, at
 * least 1, which CLIP computes together. */
struct dy_encoder_work;
enum dylumo_status dy_encoder_work_new(struct dy_encoder_work **out,
                                       const struct dy_encoder *encoder,
                                       struct dylumo_error *err) DY_MUST_USE;
enum dylumo_status dy_encoder_work_new_many(struct dy_encoder_work **out,
                                            const struct dy_encoder *encoder, unsigned most,
                                            struct dylumo_error *err) DY_MUST_USE;
void dy_encoder_work_free(struct dy_encoder_work *work);

/* One picture.
 *
 *   pixels     [height][width][3] RGB as dy_image_load gives them
 *   embedding  [dimension], receives the numbers
 *
 * Fails    BAD_ARGUMENT for another encoder's work, or an encoder of words.
 * Threads  any number at once on one encoder, each with its own work. Allocates nothing of ours. */
enum dylumo_status dy_encoder_run(const struct dy_encoder *encoder, struct dy_encoder_work *work,
                                  const uint8_t *pixels, float *embedding,
                                  struct dylumo_error *err) DY_MUST_USE;

/* Any number of pictures, by the work's most at once.
 *
 *   pixels      [count] of dy_encoder_run's each
 *   embeddings  [count][dimension] */
enum dylumo_status dy_encoder_run_many(const struct dy_encoder *encoder,
                                       struct dy_encoder_work *work, const uint8_t *const *pixels,
                                       size_t count, float *embeddings,
                                       struct dylumo_error *err) DY_MUST_USE;

/* Words, to an encoder of dy_encoder_open_text.
 *
 *   text, size  UTF-8, may be empty; what does not fit the encoder's context is cut as its
 *               reference cuts it; broken bytes become U+FFFD
 *
 * Fails    BAD_ARGUMENT for another encoder's work, or an encoder of pictures; TOO_LARGE over
 *          16 KiB; NO_MEMORY. */
enum dylumo_status dy_encoder_run_text(const struct dy_encoder *encoder,
                                       struct dy_encoder_work *work, const char *text, size_t size,
                                       float *embedding, struct dylumo_error *err) DY_MUST_USE;

#endif
