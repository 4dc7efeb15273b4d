/* FastMLP on 64,428 made-up pairs of 512 numbers, batch 128, as recipe plain trains it: seconds of
 * an epoch, the median of several. bench/train.sh runs PyTorch on the same beside it. */
#include "train_loss.h"
#include "train_net.h"
#include "train_passes.h"
#include "train_random.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAIRS = 64428, INPUT = 512, BATCH = 128, EPOCHS_MAX = 99 };

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Of all threads: what others on the machine do changes this little. */
static double cpu_seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void make_pairs(float *embeddings, struct train_target *targets)
{
    struct train_random random = train_random_of(1);
    for (size_t i = 0; i < (size_t)PAIRS * INPUT; i++)
        embeddings[i] = (float)train_random_normal(&random);
    for (size_t i = 0; i < PAIRS; i++) {
        targets[i] = (struct train_target){.emotion = -1, .song = true};
        for (size_t j = 0; j < DYLUMO_FEATURE_COUNT; j++)
            targets[i].features[j] = (float)train_random_share(&random);
    }
}

static double run_epoch(struct train_net *net, const float *embeddings,
                        const struct train_target *targets, size_t *order, uint64_t epoch)
{
    static struct train_target batch[BATCH];
    const struct train_adam adam = {1e-3f, 0.9f, 0.999f, 1e-8f, 1e-5f, false};
    const struct train_loss loss = {.song = 1};
    struct train_layer *last = &net->layer[net->layers - 1];
    struct train_random random = train_random_of(epoch);
    double total = 0;
    for (size_t i = PAIRS; i-- > 1;) {
        size_t j = train_random_below(&random, i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
    for (size_t at = 0, step = epoch * (PAIRS / BATCH) + 1; at + BATCH <= PAIRS;
         at += BATCH, step++) {
        for (size_t row = 0; row < BATCH; row++) {
            memcpy(net->input + row * net->layer[0].in_stride, embeddings + order[at + row] * INPUT,
                   INPUT * sizeof(float));
            batch[row] = targets[order[at + row]];
        }
        train_net_forward(net, BATCH, step);
        total += train_loss_of(&loss, last->normal, batch, BATCH, last->gradient);
        train_net_backward(net, BATCH);
        train_net_update(net, &adam, step);
    }
    return total / (PAIRS / BATCH);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int count, char **words)
{
    unsigned threads = count > 1 ? (unsigned)atoi(words[1]) : 2;
    unsigned epochs = count > 2 ? (unsigned)atoi(words[2]) : 5;
    struct dylumo_error err;
    struct dy_workers *workers;
    struct train_net net;
    struct train_shape shape = {.input = INPUT,
                                .output = DY_MOOD_OUTPUTS,
                                .hidden = 3,
                                .width = {512, 256, 128},
                                .dropout = 0.2f};
    float *embeddings = malloc((size_t)PAIRS * INPUT * sizeof *embeddings);
    struct train_target *targets = malloc(PAIRS * sizeof *targets);
    size_t *order = malloc(PAIRS * sizeof *order);
    if (!embeddings || !targets || !order || !epochs || epochs > EPOCHS_MAX ||
        dy_workers_new(&workers, threads, &err) ||
        train_net_init(&net, &shape, BATCH, workers, &err))
        return 1;
    for (size_t i = 0; i < PAIRS; i++)
        order[i] = i;
    make_pairs(embeddings, targets);
    train_net_start(&net, 1);
    double seconds[EPOCHS_MAX], loss = 0, cpu_start = cpu_seconds_now();
    for (unsigned epoch = 0; epoch < epochs; epoch++) {
        double start = seconds_now();
        loss = run_epoch(&net, embeddings, targets, order, epoch);
        seconds[epoch] = seconds_now() - start;
    }
    qsort(seconds, epochs, sizeof *seconds, by_value);
    const struct dy_cpu cpu = dy_cpu_read();
    printf("dylumo (%s, %u threads): %.3f s an epoch (median of %u, best %.3f), %.3f CPU s, loss "
           "%.4f\n",
           dy_cpu_name(&cpu), threads, seconds[epochs / 2], epochs, seconds[0],
           (cpu_seconds_now() - cpu_start) / epochs, loss);
    train_net_clear(&net);
    dy_workers_free(workers);
    free(embeddings);
    free(targets);
    free(order);
    return 0;
}
