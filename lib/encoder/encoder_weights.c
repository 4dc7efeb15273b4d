/* Half floats of the weight file -> the layout that oneDNN asked for, as f32 or bf16.
 *
 * A blocked layout's offset is a sum of one term for each of output channel, input channel, row and
 * column, since every dimension is split by itself. So one table of offsets for the output channels
 * serves every row of the file, and no reorder primitive must be compiled: those took longer than
 * the copying. Rows are widened by F16C where the processor has it. */
#include "encoder_onednn.h"

#include "dy_format.h"

#include <immintrin.h>
#include <string.h>

#define OUT_MAX 2048 /* output channels of a layer */

/* Offset, in items, of index along dimension `dim`: its inner blocks from the last to the first,
 * then the outer stride. */
static size_t offset_along(const dnnl_memory_desc_t *layout, int dim, size_t index)
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

/* Round to nearest even; the value is finite. */
static uint16_t bf16_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
}

/* ------------------------------------------------------------------ packing */

static void put_f32(float *room, const uint32_t *out_offset, const float *row, size_t count)
{
    for (size_t o = 0; o < count; o++)
        room[out_offset[o]] = row[o];
}

static void put_bf16(uint16_t *room, const uint32_t *out_offset, const float *row, size_t count)
{
    for (size_t o = 0; o < count; o++)
        room[out_offset[o]] = bf16_of(row[o]);
}

enum dylumo_status encoder_weights_pack(void *room, const dnnl_memory_desc_t *layout,
                                        const struct encoder_conv_shape *shape,
                                        const uint16_t *halves, const char *layer,
                                        struct dylumo_error *err)
{
    if (layout->format_kind != dnnl_blocked || layout->extra.flags || shape->out > OUT_MAX)
        return dy_fail(err, DYLUMO_UNSUPPORTED, "layer '%s': oneDNN wants a layout unknown to us",
                       layer);
    const struct dy_cpu cpu = dy_cpu_read();
    const size_t ins = shape->depthwise ? 1 : shape->in, outs = shape->out;
    const int in_dim = shape->depthwise ? 2 : 1, row_dim = in_dim + 1, column_dim = in_dim + 2;
    uint32_t out_offset[OUT_MAX];
    float row[OUT_MAX];
    for (size_t o = 0; o < outs; o++)
        out_offset[o] = (uint32_t)offset_along(layout, 0, o);
    for (size_t y = 0; y < shape->kernel; y++)
        for (size_t x = 0; x < shape->kernel; x++)
            for (size_t i = 0; i < ins; i++, halves += outs) {
                if (!halves_finite(halves, outs))
                    return dy_fail(err, DYLUMO_BAD_FILE, "layer '%s': a weight is not finite",
                                   layer);
                (cpu.avx2 ? widen_f16c : widen_plain)(row, halves, outs);
                size_t at = offset_along(layout, row_dim, y) + offset_along(layout, column_dim, x) +
                            offset_along(layout, in_dim, i);
                if (layout->data_type == dnnl_f32)
                    put_f32((float *)room + at, out_offset, row, outs);
                else
                    put_bf16((uint16_t *)room + at, out_offset, row, outs);
            }
    return DYLUMO_OK;
}
