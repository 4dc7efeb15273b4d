/* Mirror images, crops and the look of a picture, on the encoder's pixels. Crops need no exact
 * reference, since nothing but training sees them: a triangle filter from a picture twice the size.
 */
#include "train_views.h"

#include "train_random.h"

#include <math.h>
#include <string.h>

void train_view_flip(uint8_t *to, const uint8_t *from, unsigned width, unsigned height)
{
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++)
            memcpy(to + (y * width + x) * 3, from + (y * width + width - 1 - x) * 3, 3);
}

/* The span [low, low + size) of a side, shrunk to `count` outputs: sum of a tent around each. */
struct span {
    double low, size;
    unsigned count;
};

/* Mean colour of the pixels under the tent around output (x, y). */
static void sample(uint8_t to[3], const uint8_t *from, unsigned from_width, unsigned from_height,
                   const struct span *across, const struct span *down, unsigned x, unsigned y)
{
    double step_x = across->size / across->count, step_y = down->size / down->count;
    double at_x = across->low + (x + 0.5) * step_x - 0.5,
           at_y = down->low + (y + 0.5) * step_y - 0.5;
    double reach_x = fmax(step_x, 1), reach_y = fmax(step_y, 1), sums[3] = {0}, total = 0;
    int top = (int)fmax(ceil(at_y - reach_y), 0), left = (int)fmax(ceil(at_x - reach_x), 0);
    for (int j = top; j <= at_y + reach_y && j < (int)from_height; j++)
        for (int i = left; i <= at_x + reach_x && i < (int)from_width; i++) {
            double weight = (1 - fabs(i - at_x) / reach_x) * (1 - fabs(j - at_y) / reach_y);
            const uint8_t *pixel = from + ((size_t)j * from_width + (size_t)i) * 3;
            for (unsigned c = 0; c < 3; c++)
                sums[c] += weight * pixel[c];
            total += weight;
        }
    for (unsigned c = 0; c < 3; c++)
        to[c] = (uint8_t)(total > 0 ? sums[c] / total + 0.5 : 0);
}

void train_view_crop(uint8_t *to, unsigned width, unsigned height, const uint8_t *from,
                     unsigned from_width, unsigned from_height, uint64_t key)
{
    struct train_random random = train_random_of(key);
    double side = sqrt(0.55 + 0.4 * train_random_share(&random));
    double aspect = exp(0.3 * train_random_share(&random) - 0.15);
    struct span across = {0, fmin(from_width, from_width * side * aspect), width};
    struct span down = {0, fmin(from_height, from_height * side / aspect), height};
    across.low = (from_width - across.size) * train_random_share(&random);
    down.low = (from_height - down.size) * train_random_share(&random);
    bool flip = train_random_share(&random) < 0.5;
    for (unsigned y = 0; y < height; y++)
        for (unsigned x = 0; x < width; x++)
            sample(to + ((size_t)y * width + (flip ? width - 1 - x : x)) * 3, from, from_width,
                   from_height, &across, &down, x, y);
}

uint64_t train_view_look(const uint8_t *pixels, unsigned width, unsigned height)
{
    double grey[8][9] = {{0}};
    uint64_t look = 0;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            const uint8_t *pixel = pixels + (y * width + x) * 3;
            grey[y * 8 / height][x * 9 / width] +=
                0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
        }
    double columns[9] = {0}; /* pixels wide, since the grid may not divide the width */
    for (size_t x = 0; x < width; x++)
        columns[x * 9 / width]++;
    for (unsigned j = 0; j < 8; j++)
        for (unsigned i = 0; i < 8; i++)
            look = look << 1 | (grey[j][i] / columns[i] < grey[j][i + 1] / columns[i + 1]);
    return look;
}
