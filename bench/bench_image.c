/* Milliseconds from a picture's bytes to the encoder's pixels: decoding and resizing apart, the
 * median and the best of some rounds, full size ("exact") and as `recommend` does it ("quick").
 *
 * usage: bench_image ROUNDS WIDTH HEIGHT PICTURE...
 * bench/image.sh makes the pictures and runs this beside Pillow. */
#include "dy_image.h"

#include <stdlib.h>

#define ROUNDS_MAX 1000

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, unsigned count)
{
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

static int measure(const uint8_t *data, size_t size, const char *name,
                   const struct dy_image_target *target, unsigned rounds, uint8_t *pixels)
{
    static double decode_ms[ROUNDS_MAX], resize_ms[ROUNDS_MAX], total_ms[ROUNDS_MAX];
    struct dy_image_info info;
    struct dylumo_error err;
    for (unsigned i = 0; i < rounds; i++) {
        if (dy_image_load(data, size, name, target, NULL, pixels, &info, &err)) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        decode_ms[i] = info.decode_ms;
        resize_ms[i] = info.resize_ms;
        total_ms[i] = info.decode_ms + info.resize_ms;
    }
    double middle = median(total_ms, rounds);
    printf("%-24s %4s %5u x %-5u %-6s decode %7.2f  resize %6.2f  both %7.2f  best %7.2f\n", name,
           dy_image_type_name(info.type), info.width, info.height,
           target->exact ? "exact" : "quick", median(decode_ms, rounds), median(resize_ms, rounds),
           middle, total_ms[0]);
    return 0;
}

int main(int count, char **arguments)
{
    unsigned rounds = count > 1 ? (unsigned)atoi(arguments[1]) : 0;
    struct dy_image_target target = {0};
    if (count < 5 || rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: bench_image ROUNDS WIDTH HEIGHT PICTURE...\n");
        return 2;
    }
    target.width = (unsigned)atoi(arguments[2]);
    target.height = (unsigned)atoi(arguments[3]);
    uint8_t *pixels = dy_new_array((size_t)target.width * target.height, 3);
    struct dy_cpu cpu = dy_cpu_read();
    printf("%s, %u rounds, to %u x %u, milliseconds\n", dy_cpu_name(&cpu), rounds, target.width,
           target.height);
    int bad = !pixels;
    for (int i = 4; !bad && i < count; i++) {
        struct dylumo_error err;
        struct dy_map map;
        if (dy_map_file(&map, arguments[i], &err)) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        const char *slash = __builtin_strrchr(arguments[i], '/');
        for (int exact = 1; exact >= 0; exact--) {
            target.exact = exact;
            bad |= measure(map.data, map.size, slash ? slash + 1 : arguments[i], &target, rounds,
                           pixels);
        }
        dy_map_close(&map);
    }
    dy_free(pixels);
    return bad;
}
