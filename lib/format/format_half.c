/* Half floats (IEEE 754 binary16) in integer arithmetic: widening is exact, narrowing rounds to
 * nearest, ties to even. For whole tensors at open, not for inner loops: those use F16C. */
#include "dy_format.h"

#include <string.h>

float dy_f16_to_f32(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = (half >> 10) & 0x1Fu, mantissa = half & 0x3FFu;
    uint32_t bits;
    if (exponent == 0x1F) {
        bits = sign | 0x7F800000u | mantissa << 13;
    } else if (exponent) {
        bits = sign | (exponent + 112) << 23 | mantissa << 13;
    } else { /* zero or subnormal: mantissa * 2^-24 is exact in f32 */
        float value = (float)mantissa * 0x1p-24f;
        memcpy(&bits, &value, sizeof bits);
        bits |= sign;
    }
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* value >> shift, rounded to nearest even; shift is 1 to 31. */
static uint32_t shift_to_even(uint32_t value, unsigned shift)
{
    uint32_t half = 1u << (shift - 1), rest = value & ((half << 1) - 1), kept = value >> shift;
    return kept + (rest > half || (rest == half && (kept & 1u)));
}

uint16_t dy_f16_from_f32(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);
    uint32_t size = bits & 0x7FFFFFFFu; /* the number without its sign */
    if (size > 0x7F800000u)             /* NaN, made quiet */
        return (uint16_t)(sign | 0x7E00u | (size >> 13 & 0x3FFu));
    if (size >= 0x47800000u) /* 65536 and more */
        return (uint16_t)(sign | 0x7C00u);
    if (size >= 0x38800000u) /* normal: a carry out of the mantissa raises the exponent, rightly */
        return (uint16_t)(sign | (shift_to_even(size, 13) - (112u << 10)));
    if (size < 0x33000000u) /* under half of the smallest subnormal */
        return sign;
    uint32_t mantissa = (size & 0x7FFFFFu) | 0x800000u;
    return (uint16_t)(sign | shift_to_even(mantissa, 126 - (size >> 23)));
}
