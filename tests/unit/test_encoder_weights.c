/* encoder_weights.c against oneDNN's own reorder: the same bytes, for every layout that a
 * convolution asks for here and for odd sizes; depthwise filters in bf16 keep their sums. */
#include "dy_test.h"

#include "dy_format.h"
#include "encoder_onednn.h"

#include <math.h>
#include <stdlib.h>

static struct dylumo_error err;
static dnnl_engine_t engine;
static struct dy_cpu cpu;

static int set_up(void **state)
{
    (void)state;
    cpu = dy_cpu_read();
    encoder_onednn_limit(&cpu);
    assert_int_equal(dnnl_engine_create(&engine, dnnl_cpu, 0), dnnl_success);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return dnnl_engine_destroy(engine) != dnnl_success;
}

/* ------------------------------------------------------------------ helpers */

/* count halves of both signs and many sizes, the same at every call. */
static uint16_t *some_halves(size_t count)
{
    uint16_t *halves = malloc(count * sizeof *halves);
    assert_non_null(halves);
    uint32_t seed = 12345;
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525U + 1013904223U;
        halves[i] = dy_f16_from_f32(((float)(seed >> 8) / 8388608.0F - 1.0F) * 0.3F);
    }
    return halves;
}

static size_t weight_count(const struct encoder_conv_shape *s)
{
    return (size_t)s->kernel * s->kernel * (s->depthwise ? 1 : s->in) * s->out;
}

/* A convolution of that shape as oneDNN plans it; false where the processor has no such type. */
static bool planned(struct encoder_conv *conv, unsigned in, unsigned out, unsigned kernel,
                    bool depthwise, dnnl_data_type_t type)
{
    *conv = (struct encoder_conv){
        .shape = {.in = in,
                  .out = out,
                  .in_px = 9,
                  .out_px = 9,
                  .kernel = kernel,
                  .stride = 1,
                  .pad_before = kernel / 2,
                  .pad_after = kernel / 2,
                  .depthwise = depthwise,
                  .source = type,
                  .sink = type,
                  .type = type},
        .name = "probe",
    };
    enum dylumo_status st = encoder_conv_plan(conv, engine, &err);
    if (st == DYLUMO_UNSUPPORTED)
        return false;
    assert_ok(st);
    return true;
}

static const dnnl_memory_desc_t *layout_of(const struct encoder_conv *conv)
{
    return dnnl_primitive_desc_query_md(conv->description, dnnl_query_weights_md, 0);
}

static void *packed(const struct encoder_conv *conv, const uint16_t *halves)
{
    size_t size = encoder_conv_weight_bytes(conv);
    uint8_t *room = aligned_alloc(64, (size + 63) & ~(size_t)63);
    assert_non_null(room);
    memset(room, 0xA5, size); /* pack must clear the padding itself */
    assert_ok(
        encoder_weights_pack(room, layout_of(conv), &conv->shape, halves, &cpu, "probe", &err));
    return room;
}

/* The same by oneDNN: [row][column][in][out] f32 -> its layout. */
static void *reordered(const struct encoder_conv *conv, const uint16_t *halves)
{
    const struct encoder_conv_shape *s = &conv->shape;
    const size_t count = weight_count(s), size = encoder_conv_weight_bytes(conv);
    float *plain = malloc(count * sizeof *plain);
    uint8_t *room = aligned_alloc(64, (size + 63) & ~(size_t)63);
    assert_non_null(plain);
    assert_non_null(room);
    memset(room, 0, size);
    for (size_t i = 0; i < count; i++)
        plain[i] = dy_f16_to_f32(halves[i]);
    const dnnl_memory_desc_t *to = layout_of(conv);
    dnnl_memory_desc_t from;
    dnnl_memory_t source, sink;
    dnnl_primitive_desc_t description;
    dnnl_primitive_t reorder;
    dnnl_stream_t stream;
    assert_int_equal(dnnl_memory_desc_init_by_tag(&from, to->ndims, to->dims, dnnl_f32,
                                                  s->depthwise ? dnnl_hwigo : dnnl_hwio),
                     0);
    assert_int_equal(dnnl_memory_create(&source, &from, engine, plain), 0);
    assert_int_equal(dnnl_memory_create(&sink, to, engine, room), 0);
    assert_int_equal(
        dnnl_reorder_primitive_desc_create(&description, &from, engine, to, engine, NULL), 0);
    assert_int_equal(dnnl_primitive_create(&reorder, description), 0);
    assert_int_equal(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), 0);
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, sink}};
    assert_int_equal(dnnl_primitive_execute(reorder, stream, 2, arguments), 0);
    assert_int_equal(dnnl_stream_wait(stream), 0);
    dnnl_stream_destroy(stream);
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(description);
    dnnl_memory_destroy(source);
    dnnl_memory_destroy(sink);
    free(plain);
    return room;
}

/* ------------------------------------------------------------------ tests */

static void packing_is_onednns_reorder(void **state)
{
    (void)state;
    static const struct {
        unsigned in, out, kernel;
        bool depthwise;
    } cases[] = {
        {3, 32, 3, false},   {16, 96, 1, false},    {144, 24, 1, false}, {352, 1280, 1, false},
        {528, 88, 1, false}, {1248, 208, 1, false}, {7, 5, 1, false},    {9, 40, 3, false},
        {1, 16, 1, false},   {32, 32, 3, true},     {144, 144, 5, true}, {13, 13, 3, true},
    };
    const dnnl_data_type_t types[] = {dnnl_f32, dnnl_bf16};
    for (size_t t = 0; t < DY_COUNT(types); t++)
        for (size_t i = 0; i < DY_COUNT(cases); i++) {
            struct encoder_conv conv;
            if (cases[i].depthwise && types[t] == dnnl_bf16)
                continue; /* rounds on purpose otherwise: the next test */
            if (!planned(&conv, cases[i].in, cases[i].out, cases[i].kernel, cases[i].depthwise,
                         types[t])) {
                print_message("skipped: %s\n", err.text);
                continue;
            }
            uint16_t *halves = some_halves(weight_count(&conv.shape));
            void *ours = packed(&conv, halves), *theirs = reordered(&conv, halves);
            assert_memory_equal(ours, theirs, encoder_conv_weight_bytes(&conv));
            free(ours);
            free(theirs);
            free(halves);
            encoder_conv_close(&conv);
        }
}

static float widened(uint16_t bf16)
{
    uint32_t bits = (uint32_t)bf16 << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Each number goes to one of its two neighbours, and the sums are nearer than by plain rounding. */
static void depthwise_bf16_keeps_sums(void **state)
{
    (void)state;
    enum { CHANNELS = 64, KERNEL = 5, TAPS = KERNEL * KERNEL };
    struct encoder_conv conv;
    if (!planned(&conv, CHANNELS, CHANNELS, KERNEL, true, dnnl_bf16)) {
        print_message("skipped: %s\n", err.text);
        skip();
    }
    uint16_t *halves = some_halves((size_t)CHANNELS * TAPS);
    halves[3] = 0;
    halves[CHANNELS + 4] = 0x8000;
    uint16_t *ours = packed(&conv, halves);
    uint16_t *theirs = reordered(&conv, halves); /* rounded number by number */
    const size_t slots = encoder_conv_weight_bytes(&conv) / sizeof *ours;
    double exact = 0, kept = 0, plain = 0;
    for (size_t i = 0; i < slots; i++) {
        float a = widened(ours[i]), b = widened(theirs[i]);
        assert_true(fabsf(a - b) <= fabsf(b) * 0x1p-7F + 1e-30F);
        kept += (double)a;
        plain += (double)b;
    }
    for (size_t i = 0; i < (size_t)CHANNELS * TAPS; i++)
        exact += (double)dy_f16_to_f32(halves[i]);
    print_message("sum off by %.6f, by plain rounding %.6f\n", kept - exact, plain - exact);
    assert_true(fabs(kept - exact) < fabs(plain - exact) / 4);
    free(ours);
    free(theirs);
    free(halves);
    encoder_conv_close(&conv);
}

static void broken_numbers_are_refused(void **state)
{
    (void)state;
    struct encoder_conv conv;
    assert_true(planned(&conv, 16, 16, 1, false, dnnl_f32));
    const uint16_t bad[] = {0x7C00, 0xFC00, 0x7C01, 0xFFFF};
    uint16_t *halves = some_halves(256);
    uint8_t *room = aligned_alloc(64, 4096);
    assert_non_null(room);
    for (size_t i = 0; i < DY_COUNT(bad); i++) {
        uint16_t kept = halves[i * 85];
        halves[i * 85] = bad[i];
        assert_fails(
            encoder_weights_pack(room, layout_of(&conv), &conv.shape, halves, &cpu, "probe", &err),
            DYLUMO_BAD_FILE, "'probe': a weight");
        halves[i * 85] = kept;
    }
    free(room);
    free(halves);
    encoder_conv_close(&conv);
}

static void narrowing_rounds_to_nearest_even(void **state)
{
    (void)state;
    if (!cpu.avx512_bf16) {
        print_message("skipped: no bf16 on this processor\n");
        skip();
    }
    for (size_t count = 1; count <= 67; count++) {
        float in[67];
        uint16_t out[69];
        for (size_t i = 0; i < count; i++) /* every second one lies half-way */
            in[i] = (1.0F + (float)i * 0x1p-8F) * (i % 3 ? 1.0F : -2.5F);
        out[count] = 0xBEEF;
        encoder_narrow(out, in, count);
        assert_int_equal(out[count], 0xBEEF);
        for (size_t i = 0; i < count; i++) {
            uint32_t bits;
            memcpy(&bits, &in[i], sizeof bits);
            assert_int_equal(out[i], (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packing_is_onednns_reorder),
        cmocka_unit_test(depthwise_bf16_keeps_sums),
        cmocka_unit_test(broken_numbers_are_refused),
        cmocka_unit_test(narrowing_rounds_to_nearest_even),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
