/* What the encoder's parts share inside the room. Each network is one struct encoder_part;
 * encoder.c finds it by the weight file's "dylumo.encoder" and knows nothing else of it. */
#ifndef ENCODER_INTERNAL_H
#define ENCODER_INTERNAL_H

#include "dy_encoder.h"
#include "dy_format.h"

struct encoder_part {
    const char *name; /* value of "dylumo.encoder", or of "dylumo.architecture" */
    unsigned version; /* the newest "dylumo.version" it reads */

    /* Fills encoder->info, whose precision is what was asked for, AUTO too, and encoder->net. The
     * file is closed after it unless encoder->keeps_file is set. On failure close is still called.
     */
    enum dylumo_status (*open)(struct dy_encoder *encoder, const struct dy_safetensors *file,
                               const char *path, struct dylumo_error *err);
    void (*close)(struct dy_encoder *encoder); /* takes a half-built net */

    enum dylumo_status (*work_open)(struct dy_encoder_work *work, const struct dy_encoder *encoder,
                                    unsigned most, struct dylumo_error *err);
    void (*work_close)(struct dy_encoder_work *work); /* takes a half-built one */

    /* One of these two is NULL. */
    enum dylumo_status (*run)(const struct dy_encoder *encoder, struct dy_encoder_work *work,
                              const uint8_t *const *pixels, size_t count, float *embeddings,
                              struct dylumo_error *err);
    enum dylumo_status (*run_text)(const struct dy_encoder *encoder, struct dy_encoder_work *work,
                                   const char *text, size_t size, float *embedding,
                                   struct dylumo_error *err);
};

extern const struct encoder_part encoder_part_lite, encoder_part_clip, encoder_part_clip_text;

struct dy_encoder {
    struct dy_encoder_info info;
    const struct encoder_part *part;
    unsigned threads;  /* of one run, at least 1 */
    struct dy_cpu cpu; /* read once: CPUID is slow in a virtual machine */
    void *net;         /* the part's own */
    struct dy_safetensors *file;
    bool keeps_file; /* the part goes on reading it */
};

/* UNSUPPORTED where the processor lacks the arithmetic of info.precision, BAD_ARGUMENT where that
 * is none. */
enum dylumo_status encoder_need_precision(const struct dy_encoder *encoder,
                                          struct dylumo_error *err) DY_MUST_USE;

struct dy_encoder_work {
    const struct dy_encoder *encoder;
    void *net; /* the part's own */
};

#endif
