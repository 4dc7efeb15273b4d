/* FastMLP in training: analytic gradients against numeric ones, the same bits from all forms and
 * any number of threads, folded layers, a loss that falls where the answer is known. */
#include "dy_test.h"
#include "train_loss.h"
#include "train_net.h"
#include "train_passes.h"
#include "train_random.h"

#include <math.h>

#define ROWS 24
#define WIDEST 64

static struct dylumo_error err;

static const struct train_loss whole_loss = {
    .emotion = 1, .smoothing = 0.1f, .people = 1, .taught = 0.6f, .song = 0.3f};

static struct train_shape small_shape(float dropout)
{
    struct train_shape shape = {.input = 10,
                                .output = DY_MOOD_OUTPUTS,
                                .hidden = 3,
                                .width = {WIDEST, 17, 9},
                                .input_dropout = dropout / 2,
                                .dropout = dropout};
    return shape;
}

static void fill_input(float *input, size_t count, uint64_t key)
{
    struct train_random random = train_random_of(key);
    for (size_t i = 0; i < count; i++)
        input[i] = (float)train_random_normal(&random);
}

static void fill_targets(struct train_target *targets)
{
    struct train_random random = train_random_of(3);
    for (size_t row = 0; row < ROWS; row++) {
        targets[row] = (struct train_target){.emotion = row % 3 ? (int)(row % 7) : -1,
                                             .people = row % 3 == 0,
                                             .taught = row % 4 == 1,
                                             .song = row % 5 != 0,
                                             .valence = (float)train_random_normal(&random),
                                             .arousal = (float)train_random_normal(&random),
                                             .opinion = {0.4f, -0.2f}};
        for (size_t i = 0; i < DYLUMO_FEATURE_COUNT; i++)
            targets[row].features[i] = (float)train_random_normal(&random);
    }
}

static double loss_now(struct train_net *net, const struct train_target *targets)
{
    struct train_layer *last = &net->layer[net->layers - 1];
    fill_input(net->input, ROWS * net->layer[0].in_stride, 5);
    train_net_forward(net, ROWS, 77);
    return train_loss_of(&whole_loss, last->normal, targets, ROWS, last->gradient);
}

/* Is this one of the zeros between a matrix' rows? */
static bool is_padding(const struct train_net *net, size_t parameter)
{
    for (unsigned i = 0; i < net->layers; i++) {
        const struct train_layer *layer = &net->layer[i];
        size_t first = (size_t)(layer->weight - net->parameters);
        if (parameter >= first && parameter < first + layer->out * layer->in_stride)
            return (parameter - first) % layer->in_stride >= layer->in;
    }
    return false;
}

/* Every 7th parameter moved both ways. What is compared is f32 arithmetic: a thousandth of the
 * largest gradient, and some more where a ReLU's corner lies between the two points. */
static void gradients_are_the_numeric_ones(void **state)
{
    (void)state;
    struct dy_workers *workers;
    struct train_net net;
    struct train_target targets[ROWS];
    struct train_shape shape = small_shape(0.3f);
    assert_ok(dy_workers_new(&workers, 2, &err));
    assert_ok(train_net_init(&net, &shape, ROWS, workers, &err));
    train_net_start(&net, 1);
    fill_targets(targets);
    loss_now(&net, targets);
    train_net_backward(&net, ROWS);
    double most = 0;
    for (size_t i = 0; i < net.parameter_count; i++)
        most = fmax(most, fabs((double)net.gradients[i]));
    assert_true(most > 0.01);
    size_t checked = 0, off = 0;
    for (size_t i = 0; i < net.parameter_count; i += 7) {
        if (is_padding(&net, i)) {
            assert_true(net.parameters[i] == 0 && net.gradients[i] == 0);
            continue;
        }
        const float kept = net.parameters[i], step = 5e-4f;
        net.parameters[i] = kept + step;
        double above = loss_now(&net, targets);
        net.parameters[i] = kept - step;
        double under = loss_now(&net, targets);
        net.parameters[i] = kept;
        double numeric = (above - under) / (2 * (double)step);
        checked++;
        off += fabs(numeric - (double)net.gradients[i]) > 1e-3 * most;
        assert_true(fabs(numeric - (double)net.gradients[i]) < 0.05 * most);
    }
    assert_true(checked > 100);
    assert_true(off * 20 <= checked);
    train_net_clear(&net);
    dy_workers_free(workers);
}

static void train_some(struct train_net *net, unsigned threads, float *outputs)
{
    struct dy_workers *workers;
    struct train_target targets[ROWS];
    const struct train_adam adam = {1e-2f, 0.9f, 0.999f, 1e-8f, 1e-2f, true};
    struct train_shape shape = small_shape(0.2f);
    assert_ok(dy_workers_new(&workers, threads, &err));
    assert_ok(train_net_init(net, &shape, ROWS, workers, &err));
    train_net_start(net, 1);
    fill_targets(targets);
    for (uint64_t step = 1; step <= 20; step++) {
        loss_now(net, targets);
        train_net_backward(net, ROWS);
        train_net_update(net, &adam, step);
    }
    float input[ROWS * 10];
    fill_input(input, ROWS * 10, 9);
    train_net_predict(net, input, outputs, ROWS);
    net->workers = NULL;
    dy_workers_free(workers);
}

static void any_number_of_threads_gives_the_same(void **state)
{
    (void)state;
    struct train_net one, three;
    float outputs[2][ROWS * DY_MOOD_OUTPUTS];
    train_some(&one, 1, outputs[0]);
    train_some(&three, 3, outputs[1]);
    assert_memory_equal(one.parameters, three.parameters,
                        one.parameter_count * sizeof *one.parameters);
    assert_memory_equal(outputs[0], outputs[1], sizeof outputs[0]);
    train_net_clear(&one);
    train_net_clear(&three);
}

static void folded_layers_do_the_same(void **state)
{
    (void)state;
    struct train_net net;
    float outputs[ROWS * DY_MOOD_OUTPUTS], input[ROWS * 10];
    train_some(&net, 1, outputs);
    fill_input(input, ROWS * 10, 9);
    for (size_t row = 0; row < ROWS; row++) {
        float x[WIDEST], y[WIDEST], weight[WIDEST * WIDEST], bias[WIDEST];
        memcpy(x, input + row * 10, 10 * sizeof *x);
        for (unsigned l = 0; l < net.layers; l++) {
            train_net_fold(&net, l, weight, bias);
            for (size_t i = 0; i < net.layer[l].out; i++) {
                y[i] = bias[i];
                for (size_t j = 0; j < net.layer[l].in; j++)
                    y[i] += weight[i * net.layer[l].in + j] * x[j];
                y[i] = l + 1 < net.layers ? fmaxf(y[i], 0) : y[i];
            }
            memcpy(x, y, sizeof x);
        }
        for (size_t i = 0; i < DY_MOOD_OUTPUTS; i++)
            assert_true(fabsf(x[i] - outputs[row * DY_MOOD_OUTPUTS + i]) < 1e-4f);
    }
    train_net_clear(&net);
}

/* Two emotions told apart by the sign of the first number, valence by the second. */
static void the_loss_falls_where_the_answer_is_known(void **state)
{
    (void)state;
    struct dy_workers *workers;
    struct train_net net;
    struct train_target targets[ROWS];
    struct train_shape shape = small_shape(0);
    const struct train_adam adam = {1e-2f, 0.9f, 0.999f, 1e-8f, 0, false};
    assert_ok(dy_workers_new(&workers, 1, &err));
    assert_ok(train_net_init(&net, &shape, ROWS, workers, &err));
    train_net_start(&net, 1);
    double first = 0, last = 0;
    for (uint64_t step = 1; step <= 200; step++) {
        fill_input(net.input, ROWS * net.layer[0].in_stride, step);
        for (size_t row = 0; row < ROWS; row++) {
            const float *input = net.input + row * net.layer[0].in_stride;
            targets[row] =
                (struct train_target){.emotion = input[0] > 0, .people = true, .valence = input[1]};
        }
        train_net_forward(&net, ROWS, step);
        struct train_layer *top = &net.layer[net.layers - 1];
        last = train_loss_of(&whole_loss, top->normal, targets, ROWS, top->gradient);
        first = step == 1 ? last : first;
        train_net_backward(&net, ROWS);
        train_net_update(&net, &adam, step);
    }
    assert_true(last < 0.45 * first);
    train_net_clear(&net);
    dy_workers_free(workers);
}

/* ------------------------------------------------------------------ passes */

#define COLUMNS 37
#define STRIDE 41

struct pass_result {
    float z[ROWS * STRIDE], active[ROWS * STRIDE], gradient[ROWS * STRIDE];
    float gain[COLUMNS], shift[COLUMNS], spread[COLUMNS], mean[COLUMNS], variance[COLUMNS];
    float gain_gradient[COLUMNS], shift_gradient[COLUMNS], moment[COLUMNS], moment2[COLUMNS];
};

static void run_passes(const struct train_passes *passes, struct pass_result *r)
{
    const struct train_drop drop = {99, 1u << 30, 4 / 3.0f};
    const struct train_adam adam = {1e-2f, 0.9f, 0.999f, 1e-8f, 1e-2f, false};
    memset(r, 0, sizeof *r);
    fill_input(r->z, ROWS * STRIDE, 1);
    fill_input(r->gradient, ROWS * STRIDE, 2);
    fill_input(r->gain, COLUMNS, 3);
    fill_input(r->shift, COLUMNS, 4);
    passes->forward(r->z, r->active, ROWS, COLUMNS, STRIDE, 5, COLUMNS, r->gain, r->shift,
                    r->spread, r->mean, r->variance, &drop);
    passes->backward(r->gradient, r->z, r->active, ROWS, COLUMNS, STRIDE, r->gain, r->spread,
                     drop.scale, r->gain_gradient, r->shift_gradient);
    passes->adam(r->gain, r->gain_gradient, r->moment, r->moment2, COLUMNS, &adam, 0.1f, 0.001f);
    passes->drop(r->z, ROWS * STRIDE, 7, &drop);
    passes->normalise(r->shift, r->shift, r->gain, r->spread, COLUMNS);
}

static void all_forms_give_the_same_bits(void **state)
{
    (void)state;
    struct dy_cpu cpu = dy_cpu_read(), avx2 = cpu, plain = cpu;
    avx2.avx512 = plain.avx512 = plain.avx2 = false;
    static struct pass_result results[3];
    run_passes(train_passes_for(&plain), &results[0]);
    run_passes(train_passes_for(&avx2), &results[1]);
    run_passes(train_passes_for(&cpu), &results[2]);
    assert_memory_equal(&results[0], &results[1], sizeof results[0]);
    assert_memory_equal(&results[0], &results[2], sizeof results[0]);
}

static void dropout_keeps_its_share(void **state)
{
    (void)state;
    static float x[1 << 16];
    const struct dy_cpu cpu = dy_cpu_read();
    const struct train_drop drop = {12345, (uint32_t)(0.3 * 0x1p32), 1 / 0.7f};
    for (size_t i = 0; i < DY_COUNT(x); i++)
        x[i] = 1;
    train_passes_for(&cpu)->drop(x, DY_COUNT(x), 0, &drop);
    double sum = 0, runs = 0;
    for (size_t i = 0; i < DY_COUNT(x); i++) {
        sum += (double)x[i] / DY_COUNT(x);
        runs += i && (x[i] > 0) != (x[i - 1] > 0);
    }
    assert_true(fabs(sum - 1) < 0.01);
    assert_true(fabs(runs / DY_COUNT(x) - 2 * 0.3 * 0.7) < 0.01);
}

static enum dylumo_status make_net(void *user)
{
    (void)user;
    struct train_net net;
    struct train_shape shape = small_shape(0.2f);
    enum dylumo_status st = train_net_init(&net, &shape, ROWS, NULL, &err);
    if (!st)
        train_net_clear(&net);
    return st;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    test_every_allocation(make_net, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_the_numeric_ones),
        cmocka_unit_test(any_number_of_threads_gives_the_same),
        cmocka_unit_test(folded_layers_do_the_same),
        cmocka_unit_test(the_loss_falls_where_the_answer_is_known),
        cmocka_unit_test(all_forms_give_the_same_bits),
        cmocka_unit_test(dropout_keeps_its_share),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
