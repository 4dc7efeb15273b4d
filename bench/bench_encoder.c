/* Times the encoder: opening in parts of a process's life, the first run, later runs. Driven by
 * bench/encoder.sh, which adds the peers and prints the table.
 *
 *   bench_encoder MODEL f32|bf16|int8|auto THREADS RUNS PIXELS [EMBEDDINGS [BATCH]]
 *
 * One thread is timed by its own processor time, several by the wall.
 * RUNS 0 times the parts of opening instead. PIXELS holds pictures as [height][width][3] bytes, one
 * after the other; EMBEDDINGS receives f32. With BATCH so many are given at once as well, and
 * "batch" is the best time of one picture among them.
 */
#include "encoder_lite.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e3 + (double)at.tv_nsec * 1e-6;
}

/* The processor time of this thread: parts stay comparable on a busy machine. */
static double own_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return (double)at.tv_sec * 1e3 + (double)at.tv_nsec * 1e-6;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static enum dy_precision precision_of(const char *name)
{
    static const char *const names[] = {"auto", "f32", "bf16", "int8"};
    for (int i = 0; i < 4; i++)
        if (!strcmp(names[i], name))
            return (enum dy_precision)i;
    fprintf(stderr, "precision %s?\n", name);
    exit(2);
}

static const char *precision_name(enum dy_precision precision)
{
    static const char *const names[] = {"auto", "f32", "bf16", "int8"};
    return names[precision];
}

static struct dylumo_error err;

static void need(enum dylumo_status status)
{
    if (!status)
        return;
    fprintf(stderr, "%s\n", err.text);
    exit(status == DYLUMO_UNSUPPORTED ? 77 : 1);
}

/* The best time of one picture when `batch` go together, over two runs of them. */
static double time_batch(const struct dy_encoder *encoder, const uint8_t *pixels, size_t count,
                         unsigned batch, double (*clock_ms)(void))
{
    const struct dy_encoder_info *info = dy_encoder_info(encoder);
    const size_t bytes = (size_t)info->width * info->height * 3;
    struct dy_encoder_work *work;
    double best = 0;
    const uint8_t **all = calloc(batch, sizeof *all);
    float *embeddings = calloc((size_t)batch * info->dimension, sizeof *embeddings);
    if (!all || !embeddings)
        exit(2);
    for (size_t i = 0; i < batch; i++)
        all[i] = pixels + i % count * bytes;
    need(dy_encoder_work_new_many(&work, encoder, batch, &err));
    for (int run = 0; run < 3; run++) {
        double at = clock_ms();
        need(dy_encoder_run_many(encoder, work, all, batch, embeddings, &err));
        double took = (clock_ms() - at) / batch;
        best = run == 1 || (run && took < best) ? took : best;
    }
    dy_encoder_work_free(work);
    free(embeddings);
    free(all);
    return best;
}

/* What opening consists of, one step after the other on one thread. dy_encoder_open packs and
 * compiles on as many threads as a run has. */
static void time_parts(const char *model, enum dy_precision precision, unsigned threads)
{
    const struct dy_cpu cpu = dy_cpu_read();
    static struct lite_layer layers[LITE_LAYERS];
    static struct encoder_conv convs[LITE_LAYERS];
    double map, hash, plan = 0, pack = 0, compile = 0, at = own_ms();
    struct dy_safetensors *file;
    need(dy_safetensors_open(&file, model, &err));
    map = own_ms() - at;
    at = own_ms();
    uint64_t value = dy_safetensors_hash(file);
    hash = own_ms() - at;
    encoder_onednn_threads(threads);
    lite_layers(layers, precision == DY_PRECISION_BF16 ? dnnl_bf16 : dnnl_f32);
    dnnl_engine_t engine;
    if (dnnl_engine_create(&engine, dnnl_cpu, 0))
        exit(1);
    for (size_t i = 0; i < LITE_LAYERS; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s.weight", layers[i].name);
        const struct dy_tensor *tensor = dy_safetensors_find(file, name);
        convs[i].shape = layers[i].shape;
        convs[i].name = layers[i].name;
        at = own_ms();
        need(encoder_conv_plan(&convs[i], engine, &err));
        plan += own_ms() - at;
        at = own_ms();
        size_t bytes = encoder_conv_weight_bytes(&convs[i]);
        void *room = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
        if (!room || !tensor)
            exit(1);
        const dnnl_memory_desc_t *layout =
            dnnl_primitive_desc_query_md(convs[i].description, dnnl_query_weights_md, 0);
        need(encoder_weights_pack(room, layout, &layers[i].shape, tensor->data, &cpu, name, &err));
        pack += own_ms() - at;
        at = own_ms();
        if (dnnl_primitive_create(&convs[i].primitive, convs[i].description))
            exit(1);
        compile += own_ms() - at;
        encoder_conv_close(&convs[i]);
        free(room);
    }
    printf("map %.3f\nhash %.3f\nplan %.3f\npack %.3f\ncompile %.3f\nfile %016llx\n", map, hash,
           plan, pack, compile, (unsigned long long)value);
    dy_safetensors_close(file);
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fprintf(stderr, "usage: %s MODEL PRECISION THREADS RUNS PIXELS [EMBEDDINGS]\n", argv[0]);
        return 2;
    }
    size_t runs = (size_t)atol(argv[4]), size;
    uint8_t *pixels;
    need(dy_read_file(&pixels, &size, argv[5], UINT64_C(1) << 30, &err));
    if (runs == 0) { /* a process of its own: oneDNN would remember what it has compiled */
        time_parts(argv[1], precision_of(argv[2]), (unsigned)atoi(argv[3]));
        dy_free(pixels);
        return 0;
    }
    double start = now_ms();
    struct dy_encoder *encoder;
    struct dy_encoder_work *work;
    need(dy_encoder_open(&encoder, argv[1], precision_of(argv[2]), (unsigned)atoi(argv[3]), &err));
    double opened = now_ms();
    need(dy_encoder_work_new(&work, encoder, &err));
    double worked = now_ms();
    const struct dy_encoder_info *info = dy_encoder_info(encoder);
    size_t picture_bytes = (size_t)info->width * info->height * 3, count = size / picture_bytes;
    float *embeddings = calloc(count * info->dimension, sizeof *embeddings);
    double *times = calloc(runs, sizeof *times);
    if (!embeddings || !times || !count)
        return 2;
    for (size_t i = 0; i < count; i++) {
        need(dy_encoder_run(encoder, work, pixels + i * picture_bytes,
                            embeddings + i * info->dimension, &err));
        if (i == 0)
            printf("first %.3f\n", now_ms() - worked);
    }
    float *again = calloc(info->dimension, sizeof *again);
    double (*clock_ms)(void) = atoi(argv[3]) == 1 ? own_ms : now_ms;
    for (size_t i = 0; i < runs; i++) {
        double at = clock_ms();
        need(dy_encoder_run(encoder, work, pixels + i % count * picture_bytes, again, &err));
        times[i] = clock_ms() - at;
    }
    qsort(times, runs, sizeof *times, by_value);
    struct dy_cpu cpu = dy_cpu_read();
    printf("precision %s\ncpu %s\nopen %.3f\nwork %.3f\nbest %.3f\np50 %.3f\np90 %.3f\n",
           precision_name(info->precision), dy_cpu_name(&cpu), opened - start, worked - opened,
           times[0], times[runs / 2], times[runs * 9 / 10]);
    if (argc > 7)
        printf("batch %.3f\n",
               time_batch(encoder, pixels, count, (unsigned)atoi(argv[7]), clock_ms));
    FILE *out = argc > 6 ? fopen(argv[6], "wb") : NULL;
    if (out) {
        fwrite(embeddings, sizeof *embeddings, count * info->dimension, out);
        fclose(out);
    }
    free(again);
    free(times);
    free(embeddings);
    dy_free(pixels);
    dy_encoder_work_free(work);
    dy_encoder_close(encoder);
    return 0;
}
