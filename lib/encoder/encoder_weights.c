/* Half floats of the weight file -> the layout that oneDNN asked for, as f32 or bf16.
 *
 * A blocked layout's offset is a sum of one term for each of output channel, input channel, row and
 * column, since every dimension is split by itself. So one table of offsets for the output channels
 * serves every row of the file, and no reorder primitive must be compiled: those took longer than
 * the copying. Rows are widened by F16C where the processor has it. */
#include "encoder_onednn.h"

#include "dy_format.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#define OUT_MAX 2048 /* output channels of a layer */
#define TAPS_MAX 49  /* numbers of a depthwise filter */

/* Its inner blocks from the last to the first, then the outer stride. */
size_t encoder_weights_offset(const dnnl_memory_desc_t *layout, int dim, size_t index)
{
    const dnnl_blocking_desc_t *blocks = &layout->format_desc.blocking;
    size_t offset = 0, inner_stride = 1;
    for (int i = blocks->inner_nblks - 1; i >= 0; i--) {
        size_t size = (size_t)blocks->inner_blks[i];
        if (blocks->inner_idxs[i] == dim) {
            offset += index % size * inner_stride;
            index /= size;
        }
        inner_stride *= size;
    }
    return offset + index * (size_t)blocks->strides[dim];
}

/* ------------------------------------------------------------------ widening */

typedef void widen_row(float *row, const uint16_t *halves, size_t count);

static void widen_plain(float *row, const uint16_t *halves, size_t count)
{
    for (size_t i = 0; i < count; i++)
        row[i] = dy_f16_to_f32(halves[i]);
}

__attribute__((target("avx2,f16c"))) static void widen_f16c(float *row, const uint16_t *halves,
                                                            size_t count)
{
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        _mm256_storeu_ps(row + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(halves + i))));
    widen_plain(row + i, halves + i, count - i);
}

/* All exponent bits set is infinity or NaN. */
static bool halves_finite(const uint16_t *halves, size_t count)
{
    unsigned bad = 0;
    for (size_t i = 0; i < count; i++)
        bad |= (halves[i] & 0x7C00U) == 0x7C00U;
    return !bad;
}

/* ------------------------------------------------------------------ narrowing */

__attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16"))) void
encoder_narrow(uint16_t *out, const float *in, size_t count)
{
    for (size_t i = 0; i < count; i += 32) {
        size_t left = count - i;
        __mmask16 low = (__mmask16)(left >= 16 ? 0xFFFF : (1U << left) - 1);
        __mmask16 high = (__mmask16)(left >= 32   ? 0xFFFF
                                     : left <= 16 ? 0
                                                  : (1U << (left - 16)) - 1);
        __m512bh pair = _mm512_cvtne2ps_pbh(_mm512_maskz_loadu_ps(high, in + i + 16),
                                            _mm512_maskz_loadu_ps(low, in + i));
        _mm512_mask_storeu_epi16(out + i, (__mmask32)high << 16 | low, (__m512i)pair);
    }
}

/* The neighbour of dy_bf16_from_f32(value) on value's other side. */
static uint16_t bf16_other(float value)
{
    uint16_t near = dy_bf16_from_f32(value);
    float found = dy_bf16_to_f32(near);
    bool grow = found == value || (found < value) == (value > 0); /* away from zero */
    return (uint16_t)(grow ? near + 1 : near ? near - 1 : near);
}

/* Rounds filter [taps] so that the sum is kept: as long as it helps, rounds the number the other
 * way that brings the sum nearest. */
static void round_filter(uint16_t *narrow, const float *filter, size_t taps)
{
    float turn[TAPS_MAX]; /* what the sum gains when a number is rounded the other way */
    float excess = 0;
    for (size_t t = 0; t < taps; t++) {
        narrow[t] = dy_bf16_from_f32(filter[t]);
        turn[t] = dy_bf16_to_f32(bf16_other(filter[t])) - dy_bf16_to_f32(narrow[t]);
        excess += dy_bf16_to_f32(narrow[t]) - filter[t];
    }
    for (size_t round = 0; round < taps; round++) {
        size_t best = 0;
        for (size_t t = 1; t < taps; t++)
            if (fabsf(excess + turn[t]) < fabsf(excess + turn[best]))
                best = t;
        if (!(fabsf(excess + turn[best]) < fabsf(excess)))
            return;
        excess += turn[best];
        narrow[best] = bf16_other(filter[best]);
        turn[best] = INFINITY; /* once each */
    }
}

/* ------------------------------------------------------------------ packing */

/* A layer on its way into oneDNN's layout. */
struct packing {
    void *room;
    const dnnl_memory_desc_t *layout;
    size_t outs;
    size_t run; /* output channels that lie side by side; divides outs */
    bool pairs; /* bf16: input channels 2i and 2i+1 lie side by side */
    widen_row *widen;
    uint32_t out_offset[OUT_MAX]; /* in items */
};

/* Longest run, up to a block of 16, whose members follow each other in steps of `step` items. */
static size_t run_of(const struct packing *packing, size_t step)
{
    for (size_t run = 16; run > 1; run /= 2) {
        bool holds = packing->outs % run == 0;
        for (size_t o = 0; holds && o < packing->outs; o++)
            holds = packing->out_offset[o] == packing->out_offset[o - o % run] + o % run * step;
        if (holds)
            return run;
    }
    return 1;
}

static void put_f32(const struct packing *packing, size_t at, const float *row)
{
    float *room = (float *)packing->room + at;
    for (size_t o = 0; o < packing->outs; o += packing->run)
        memcpy(room + packing->out_offset[o], row + o, packing->run * sizeof *row);
}

static void put_bf16(const struct packing *packing, size_t at, const float *row)
{
    uint16_t *room = (uint16_t *)packing->room + at;
    for (size_t o = 0; o < packing->outs; o++)
        room[packing->out_offset[o]] = dy_bf16_from_f32(row[o]);
}

/* Two rows at once: one 32-bit number holds both. */
static void put_bf16_pair(const struct packing *packing, size_t at, const float *even,
                          const float *odd)
{
    uint16_t *room = (uint16_t *)packing->room + at;
    for (size_t o = 0; o < packing->outs; o += packing->run) {
        uint32_t both[16];
        for (size_t i = 0; i < packing->run; i++)
            both[i] = dy_bf16_from_f32(even[o + i]) | (uint32_t)dy_bf16_from_f32(odd[o + i]) << 16;
        memcpy(room + packing->out_offset[o], both, packing->run * sizeof *both);
    }
}

/* One place of the kernel: rows of all input channels. */
static void put_rows(const struct packing *packing, size_t at, int in_dim, size_t ins,
                     const uint16_t *halves)
{
    float even[OUT_MAX], odd[OUT_MAX];
    for (size_t i = 0; i < ins; i++, halves += packing->outs) {
        size_t row_at = at + encoder_weights_offset(packing->layout, in_dim, i);
        packing->widen(even, halves, packing->outs);
        if (packing->layout->data_type == dnnl_f32) {
            put_f32(packing, row_at, even);
        } else if (packing->pairs && i + 1 < ins) {
            i++;
            halves += packing->outs;
            packing->widen(odd, halves, packing->outs);
            put_bf16_pair(packing, row_at, even, odd);
        } else {
            put_bf16(packing, row_at, even);
        }
    }
}

static void pack_rows(void *room, const dnnl_memory_desc_t *layout,
                      const struct encoder_conv_shape *shape, const uint16_t *halves,
                      widen_row *widen)
{
    const size_t ins = shape->depthwise ? 1 : shape->in;
    const int in_dim = shape->depthwise ? 2 : 1, row_dim = in_dim + 1, column_dim = in_dim + 2;
    struct packing packing = {.room = room, .layout = layout, .outs = shape->out, .widen = widen};
    for (size_t o = 0; o < packing.outs; o++)
        packing.out_offset[o] = (uint32_t)encoder_weights_offset(layout, 0, o);
    if (layout->data_type == dnnl_f32) {
        packing.run = run_of(&packing, 1);
    } else {
        packing.run = run_of(&packing, 2);
        packing.pairs = packing.run > 1 && encoder_weights_offset(layout, in_dim, 1) == 1;
    }
    for (size_t y = 0; y < shape->kernel; y++)
        for (size_t x = 0; x < shape->kernel; x++, halves += ins * packing.outs)
            put_rows(&packing,
                     encoder_weights_offset(layout, row_dim, y) +
                         encoder_weights_offset(layout, column_dim, x),
                     in_dim, ins, halves);
}

/* FILTERS channels at a time, so that their numbers are widened together. */
static void pack_depthwise_bf16(uint16_t *room, const dnnl_memory_desc_t *layout,
                                const struct encoder_conv_shape *shape, const uint16_t *halves,
                                widen_row *widen)
{
    enum { FILTERS = 16 };
    const size_t taps = (size_t)shape->kernel * shape->kernel, outs = shape->out;
    float wide[TAPS_MAX][FILTERS], filter[TAPS_MAX];
    uint16_t narrow[TAPS_MAX];
    size_t tap_offset[TAPS_MAX];
    for (size_t t = 0; t < taps; t++)
        tap_offset[t] = encoder_weights_offset(layout, 3, t / shape->kernel) +
                        encoder_weights_offset(layout, 4, t % shape->kernel);
    for (size_t from = 0; from < outs; from += FILTERS) {
        size_t count = outs - from < FILTERS ? outs - from : FILTERS;
        for (size_t t = 0; t < taps; t++)
            widen(wide[t], halves + t * outs + from, count);
        for (size_t i = 0; i < count; i++) {
            for (size_t t = 0; t < taps; t++)
                filter[t] = wide[t][i];
            round_filter(narrow, filter, taps);
            uint16_t *at = room + encoder_weights_offset(layout, 0, from + i);
            for (size_t t = 0; t < taps; t++)
                at[tap_offset[t]] = narrow[t];
        }
    }
}

enum dylumo_status encoder_weights_pack(void *room, const dnnl_memory_desc_t *layout,
                                        const struct encoder_conv_shape *shape,
                                        const uint16_t *halves, const struct dy_cpu *cpu,
                                        const char *layer, struct dylumo_error *err)
{
    widen_row *widen = cpu->avx2 ? widen_f16c : widen_plain;
    const size_t taps = (size_t)shape->kernel * shape->kernel;
    if (layout->format_kind != dnnl_blocked || layout->extra.flags || shape->out > OUT_MAX ||
        taps > TAPS_MAX)
        return dy_fail(err, DYLUMO_UNSUPPORTED, "layer '%s': oneDNN wants a layout unknown to us",
                       layer);
    if (!halves_finite(halves, taps * (shape->depthwise ? 1 : shape->in) * shape->out))
        return dy_fail(err, DYLUMO_BAD_FILE, "layer '%s': a weight is not finite", layer);
    memset(room, 0, dnnl_memory_desc_get_size(layout)); /* padding must be zero */
    if (shape->depthwise && layout->data_type == dnnl_bf16)
        pack_depthwise_bf16(room, layout, shape, halves, widen);
    else
        pack_rows(room, layout, shape, halves, widen);
    return DYLUMO_OK;
}
