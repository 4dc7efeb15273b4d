/* The room's door: opens a weight file, finds the network that its metadata names, chooses the
 * arithmetic and hands every call on. The weights are copied into oneDNN's layout, so the file is
 * closed again before open returns. */
#include "encoder_internal.h"

#include "encoder_onednn.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* Those of pictures, and those of words. */
static const struct encoder_part *const parts[] = {&encoder_part_lite, &encoder_part_clip};
static const struct encoder_part *const text_parts[] = {&encoder_part_clip_text};

static const struct encoder_part *part_of(const char *name, bool text)
{
    size_t count = text ? DY_COUNT(text_parts) : DY_COUNT(parts);
    const struct encoder_part *const *all = text ? text_parts : parts;
    for (size_t i = 0; i < count; i++)
        if (!strcmp(all[i]->name, name))
            return all[i];
    return NULL;
}

/* A number of at most four digits; 0 for anything else. */
static unsigned version_of(const char *text)
{
    size_t length = text ? strspn(text, "0123456789") : 0;
    return length > 0 && length <= 4 && !text[length] ? (unsigned)atoi(text) : 0;
}

static enum dylumo_status choose_part(struct dy_encoder *encoder, const char *path,
                                      bool text_wanted, const struct dy_safetensors *file,
                                      struct dylumo_error *err)
{
    const char *name = dy_safetensors_metadata(file, "dylumo.encoder");
    if (!name)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: no \"dylumo.encoder\" in its metadata", path);
    const char *architecture = dy_safetensors_metadata(file, "dylumo.architecture");
    encoder->part = part_of(architecture ? architecture : name, text_wanted);
    if (!encoder->part && text_wanted && part_of(architecture ? architecture : name, false))
        return dy_fail(err, DYLUMO_UNSUPPORTED,
                       "%s: encoder '%s' sees pictures only; words need a CLIP", path, name);
    if (!encoder->part)
        return dy_fail(err, DYLUMO_UNSUPPORTED,
                       "%s: holds encoder '%s', this build has 'lite2' and CLIPs", path, name);
    const char *text = dy_safetensors_metadata(file, "dylumo.version");
    unsigned version = version_of(text);
    if (version == 0)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: \"dylumo.version\" is '%s', expected a number",
                       path, text ? text : "");
    if (version > encoder->part->version)
        return dy_fail(err, DYLUMO_UNSUPPORTED, "%s: version %u of '%s', this build reads up to %u",
                       path, version, name, encoder->part->version);
    return DYLUMO_OK;
}

enum dylumo_status encoder_need_precision(const struct dy_encoder *encoder,
                                          struct dylumo_error *err)
{
    enum dy_precision wanted = encoder->info.precision;
    if (wanted == DY_PRECISION_BF16 && !encoder->cpu.avx512_bf16)
        return dy_fail(err, DYLUMO_UNSUPPORTED, "this processor (%s) has no bf16 arithmetic",
                       dy_cpu_name(&encoder->cpu));
    if (wanted != DY_PRECISION_F32 && wanted != DY_PRECISION_BF16 && wanted != DY_PRECISION_INT8)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%d is no precision", (int)wanted);
    return DYLUMO_OK;
}

static unsigned usable_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set))
        return 1;
    int count = CPU_COUNT(&set);
    return count > 1 ? (unsigned)count : 1;
}

static enum dylumo_status open_part(struct dy_encoder **out, const char *path, bool text,
                                    enum dy_precision precision, unsigned threads,
                                    struct dylumo_error *err)
{
    struct dy_encoder *encoder = dy_new(sizeof *encoder);
    if (!encoder)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for the encoder", path);
    encoder->cpu = dy_cpu_read();
    encoder->threads = threads ? threads : usable_cores();
    encoder->info.precision = precision;
    enum dylumo_status st = dy_safetensors_open(&encoder->file, path, err);
    if (!st)
        st = choose_part(encoder, path, text, encoder->file, err);
    if (!st) {
        encoder_onednn_limit(&encoder->cpu);
        st = encoder->part->open(encoder, encoder->file, path, err);
    }
    if (!encoder->keeps_file) {
        dy_safetensors_close(encoder->file);
        encoder->file = NULL;
    }
    if (st) {
        dy_encoder_close(encoder);
        return st;
    }
    *out = encoder;
    return DYLUMO_OK;
}

enum dylumo_status dy_encoder_open(struct dy_encoder **out, const char *path,
                                   enum dy_precision precision, unsigned threads,
                                   struct dylumo_error *err)
{
    return open_part(out, path, false, precision, threads, err);
}

enum dylumo_status dy_encoder_open_text(struct dy_encoder **out, const char *path,
                                        enum dy_precision precision, unsigned threads,
                                        struct dylumo_error *err)
{
    return open_part(out, path, true, precision, threads, err);
}

void dy_encoder_close(struct dy_encoder *encoder)
{
    if (!encoder)
        return;
    if (encoder->part)
        encoder->part->close(encoder);
    dy_safetensors_close(encoder->file);
    dy_free(encoder);
}

const struct dy_encoder_info *dy_encoder_info(const struct dy_encoder *encoder)
{
    return &encoder->info;
}

enum dylumo_status dy_encoder_work_new_many(struct dy_encoder_work **out,
                                            const struct dy_encoder *encoder, unsigned most,
                                            struct dylumo_error *err)
{
    struct dy_encoder_work *work = dy_new(sizeof *work);
    if (!work)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the encoder's scratch");
    work->encoder = encoder;
    unsigned before = encoder_onednn_threads(encoder->threads); /* it compiles for what it sees */
    enum dylumo_status st = encoder->part->work_open(work, encoder, most, err);
    encoder_onednn_threads(before);
    if (st) {
        dy_encoder_work_free(work);
        return st;
    }
    *out = work;
    return DYLUMO_OK;
}

enum dylumo_status dy_encoder_work_new(struct dy_encoder_work **out,
                                       const struct dy_encoder *encoder, struct dylumo_error *err)
{
    return dy_encoder_work_new_many(out, encoder, 1, err);
}

void dy_encoder_work_free(struct dy_encoder_work *work)
{
    if (!work)
        return;
    work->encoder->part->work_close(work);
    dy_free(work);
}

enum dylumo_status dy_encoder_run_many(const struct dy_encoder *encoder,
                                       struct dy_encoder_work *work, const uint8_t *const *pixels,
                                       size_t count, float *embeddings, struct dylumo_error *err)
{
    if (work->encoder != encoder)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "the scratch memory is of another encoder");
    if (!encoder->part->run)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "this encoder reads words, not pictures");
    unsigned before = encoder_onednn_threads(encoder->threads);
    enum dylumo_status st = encoder->part->run(encoder, work, pixels, count, embeddings, err);
    encoder_onednn_threads(before);
    return st;
}

enum dylumo_status dy_encoder_run(const struct dy_encoder *encoder, struct dy_encoder_work *work,
                                  const uint8_t *pixels, float *embedding, struct dylumo_error *err)
{
    return dy_encoder_run_many(encoder, work, &pixels, 1, embedding, err);
}

enum dylumo_status dy_encoder_run_text(const struct dy_encoder *encoder,
                                       struct dy_encoder_work *work, const char *text, size_t size,
                                       float *embedding, struct dylumo_error *err)
{
    if (work->encoder != encoder)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "the scratch memory is of another encoder");
    if (!encoder->part->run_text)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "this encoder sees pictures, not words");
    unsigned before = encoder_onednn_threads(encoder->threads);
    enum dylumo_status st = encoder->part->run_text(encoder, work, text, size, embedding, err);
    encoder_onednn_threads(before);
    return st;
}
