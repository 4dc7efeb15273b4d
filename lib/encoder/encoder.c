/* The room's door: opens a weight file, finds the network that its metadata names, chooses the
 * arithmetic and hands every call on. The weights are copied into oneDNN's layout, so the file is
 * closed again before open returns. */
#include "encoder_internal.h"

#include "encoder_onednn.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

static const struct encoder_part *const parts[] = {&encoder_part_lite};

static const struct encoder_part *part_of(const char *name)
{
    for (size_t i = 0; i < DY_COUNT(parts); i++)
        if (!strcmp(parts[i]->name, name))
            return parts[i];
    return NULL;
}

/* A number of at most four digits; 0 for anything else. */
static unsigned version_of(const char *text)
{
    size_t length = text ? strspn(text, "0123456789") : 0;
    return length > 0 && length <= 4 && !text[length] ? (unsigned)atoi(text) : 0;
}

static enum dylumo_status choose_part(struct dy_encoder *encoder, const char *path,
                                      const struct dy_safetensors *file, struct dylumo_error *err)
{
    const char *name = dy_safetensors_metadata(file, "dylumo.encoder");
    if (!name)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: no \"dylumo.encoder\" in its metadata", path);
    encoder->part = part_of(name);
    if (!encoder->part)
        return dy_fail(err, DYLUMO_UNSUPPORTED, "%s: holds encoder '%s', this build has 'lite2'",
                       path, name);
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

/* AUTO takes what is fastest on this processor with the embedding's cosine to f32 over 0.999
 * (docs/numbers/encoder.md): bf16 where the processor multiplies it. */
static enum dylumo_status choose_precision(struct dy_encoder *encoder, enum dy_precision wanted,
                                           struct dylumo_error *err)
{
    const struct dy_cpu *cpu = &encoder->cpu;
    if (wanted == DY_PRECISION_AUTO)
        wanted = cpu->avx512_bf16 ? DY_PRECISION_BF16 : DY_PRECISION_F32;
    if (wanted == DY_PRECISION_BF16 && !cpu->avx512_bf16)
        return dy_fail(err, DYLUMO_UNSUPPORTED, "this processor (%s) has no bf16 arithmetic",
                       dy_cpu_name(cpu));
    if (wanted == DY_PRECISION_INT8)
        return dy_fail(err, DYLUMO_UNSUPPORTED, "this encoder has no int8 arithmetic");
    if (wanted != DY_PRECISION_F32 && wanted != DY_PRECISION_BF16)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%d is no precision", (int)wanted);
    encoder->info.precision = wanted;
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

enum dylumo_status dy_encoder_open(struct dy_encoder **out, const char *path,
                                   enum dy_precision precision, unsigned threads,
                                   struct dylumo_error *err)
{
    struct dy_safetensors *file = NULL;
    struct dy_encoder *encoder = dy_new(sizeof *encoder);
    if (!encoder)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for the encoder", path);
    encoder->cpu = dy_cpu_read();
    encoder->threads = threads ? threads : usable_cores();
    enum dylumo_status st = dy_safetensors_open(&file, path, err);
    if (!st)
        st = choose_part(encoder, path, file, err);
    if (!st)
        st = choose_precision(encoder, precision, err);
    if (!st) {
        encoder->info.name = encoder->part->name;
        encoder->info.hash = dy_safetensors_hash(file);
        encoder_onednn_limit(&encoder->cpu);
        st = encoder->part->open(encoder, file, err);
    }
    dy_safetensors_close(file);
    if (st) {
        dy_encoder_close(encoder);
        return st;
    }
    *out = encoder;
    return DYLUMO_OK;
}

void dy_encoder_close(struct dy_encoder *encoder)
{
    if (!encoder)
        return;
    if (encoder->part)
        encoder->part->close(encoder);
    dy_free(encoder);
}

const struct dy_encoder_info *dy_encoder_info(const struct dy_encoder *encoder)
{
    return &encoder->info;
}

enum dylumo_status dy_encoder_work_new(struct dy_encoder_work **out,
                                       const struct dy_encoder *encoder, struct dylumo_error *err)
{
    struct dy_encoder_work *work = dy_new(sizeof *work);
    if (!work)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the encoder's scratch");
    work->encoder = encoder;
    enum dylumo_status st = encoder->part->work_open(work, encoder, err);
    if (st) {
        dy_encoder_work_free(work);
        return st;
    }
    *out = work;
    return DYLUMO_OK;
}

void dy_encoder_work_free(struct dy_encoder_work *work)
{
    if (!work)
        return;
    work->encoder->part->work_close(work);
    dy_free(work);
}

enum dylumo_status dy_encoder_run(const struct dy_encoder *encoder, struct dy_encoder_work *work,
                                  const uint8_t *pixels, float *embedding, struct dylumo_error *err)
{
    if (work->encoder != encoder)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "the scratch memory is of another encoder");
    unsigned before = encoder_onednn_threads(encoder->threads);
    enum dylumo_status st = encoder->part->run(encoder, work, pixels, embedding, err);
    encoder_onednn_threads(before);
    return st;
}
