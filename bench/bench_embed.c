/* The encoder's bare speed for many pictures: T threads, each with pixels that are there already.
 *     bench_embed ENCODER THREADS COUNT     prints pictures a second, all threads together */
#include "dy_encoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct bare {
    struct dy_encoder *encoder;
    struct dy_encoder_work **works; /* [threads] */
    uint8_t *pixels;
    float *embeddings; /* [threads][dimension] */
    size_t each;       /* pictures a thread */
};

static void fail(const struct dylumo_error *err)
{
    fprintf(stderr, "bench_embed: %s\n", err->text);
    exit(1);
}

static void run(void *user, size_t task)
{
    struct bare *bare = user;
    struct dylumo_error err;
    float *out = bare->embeddings + task * dy_encoder_info(bare->encoder)->dimension;
    for (size_t i = 0; i < bare->each; i++)
        if (dy_encoder_run(bare->encoder, bare->works[task], bare->pixels, out, &err))
            fail(&err);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    struct bare bare = {0};
    struct dylumo_error err;
    struct dy_workers *workers;
    if (argc != 4)
        return fprintf(stderr, "usage: bench_embed ENCODER THREADS COUNT\n"), 2;
    unsigned threads = (unsigned)atoi(argv[2]);
    bare.each = (size_t)atoi(argv[3]) / threads;
    if (dy_encoder_open(&bare.encoder, argv[1], DY_PRECISION_F32, 1, &err) ||
        dy_workers_new(&workers, threads, &err))
        fail(&err);
    const struct dy_encoder_info *info = dy_encoder_info(bare.encoder);
    bare.pixels = calloc((size_t)info->width * info->height, 3);
    bare.embeddings = calloc((size_t)threads * info->dimension, sizeof(float));
    bare.works = calloc(threads, sizeof(struct dy_encoder_work *));
    for (unsigned i = 0; i < threads; i++)
        if (dy_encoder_work_new(&bare.works[i], bare.encoder, &err))
            fail(&err);
    double begun = now();
    dy_workers_run(workers, threads, run, &bare);
    printf("%.2f\n", (double)(bare.each * threads) / (now() - begun));
    for (unsigned i = 0; i < threads; i++)
        dy_encoder_work_free(bare.works[i]);
    free((void *)bare.works);
    free(bare.pixels);
    free(bare.embeddings);
    dy_workers_free(workers);
    dy_encoder_close(bare.encoder);
    return 0;
}
