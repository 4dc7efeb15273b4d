/* What the processor can do, as far as our own kernels ask. */
#include "dy_base.h"

#include <cpuid.h>
#include <stdlib.h>
#include <string.h>

/* Tiles are in CPUID leaf 7 (EDX bits 22, 24, 25) and must also be enabled by the kernel in XCR0
 * (bits 17 and 18); the compiler's own test does not know them before GCC 13. */
static bool amx_usable(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid_count(1, 0, &a, &b, &c, &d) || !(c & (1u << 27)))
        return false; /* no OSXSAVE: XGETBV would fault */
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return false;
    const unsigned tile_bits = (1u << 22) | (1u << 24) | (1u << 25);
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (d & tile_bits) == tile_bits && (low & (3u << 17)) == (3u << 17);
}

/* These two by CPUID, since clang 14's own test does not know their names. */
static bool bf16_usable(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & (1u << 5));
}

static bool f16c_usable(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 29));
}

struct dy_cpu dy_cpu_read(void)
{
    __builtin_cpu_init();
    struct dy_cpu cpu = {
        .avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && f16c_usable(),
        .avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"),
        .avx512_vnni = __builtin_cpu_supports("avx512vnni"),
        .avx512_bf16 = bf16_usable(),
        .amx = amx_usable(),
    };
    const char *lowered = getenv("DYLUMO_CPU");
    if (lowered && (!strcmp(lowered, "avx2") || !strcmp(lowered, "scalar")))
        cpu.avx512 = false;
    if (lowered && !strcmp(lowered, "scalar"))
        cpu.avx2 = false;
    cpu.avx512 = cpu.avx512 && cpu.avx2;
    if (!cpu.avx512)
        cpu.avx512_vnni = cpu.avx512_bf16 = cpu.amx = false;
    return cpu;
}

const char *dy_cpu_name(const struct dy_cpu *cpu)
{
    if (cpu->amx)
        return "AVX-512 with AMX";
    if (cpu->avx512_bf16)
        return "AVX-512 with VNNI and BF16";
    if (cpu->avx512_vnni)
        return "AVX-512 with VNNI";
    if (cpu->avx512)
        return "AVX-512";
    return cpu->avx2 ? "AVX2" : "scalar";
}
