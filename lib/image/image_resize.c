/* Pillow's antialiased bicubic (Image.resize with BICUBIC, libImaging/Resample.c), row by row.
 *
 * Pillow resizes along one axis, rounds to 8 bit, then along the other, in fixed point of 22 bits.
 * Here the rows come once and in raw order. Where Pillow's first pass runs along them, each is
 * resized across as it comes and put into a ring that holds no more rows than one output line
 * needs; a line is summed as soon as its last row is there. Where Pillow's first pass runs from row
 * to row, the ring holds raw rows, and the line that comes out is resized across.
 *
 * Orientation 5 to 8 swaps the axes before Pillow resizes. Mirrored axes get the weights of the
 * upright picture, reversed, since Pillow's are not symmetric to the last bit. Sums of integers do
 * not depend on their order, so all of this is Pillow's result exactly. */
#include "image_parts.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define PRECISION_BITS 22
#define BICUBIC_SUPPORT 2.0
#define GROUP_PIXELS 5

/* Keys 1981, eq. 4 with a = -0.5, written as Pillow does so that it rounds alike. */
static double bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

/* ------------------------------------------------------------------ an axis */

struct axis_plan {
    unsigned in_size, out_size; /* the whole picture before and after */
    unsigned first, count;      /* the outputs that are kept */
    bool flip;
};

/* One output of Pillow's precompute_coeffs and normalize_coeffs_8bpc; returns the first tap. */
static unsigned output_weights(const struct axis_plan *plan, unsigned output, double *work,
                               int32_t *weights, unsigned *taps)
{
    double scale = (double)plan->in_size / plan->out_size;
    double filter_scale = scale < 1.0 ? 1.0 : scale;
    double support = BICUBIC_SUPPORT * filter_scale;
    double center = (output + 0.5) * scale;
    double inverse = 1.0 / filter_scale;
    int low = (int)(center - support + 0.5), high = (int)(center + support + 0.5);
    if (low < 0)
        low = 0;
    if (high > (int)plan->in_size)
        high = (int)plan->in_size;
    double sum = 0.0;
    for (int x = low; x < high; x++) {
        work[x - low] = bicubic((x - center + 0.5) * inverse);
        sum += work[x - low];
    }
    for (int i = 0; i < high - low; i++) {
        double weight = (sum != 0.0 ? work[i] / sum : work[i]) * (1 << PRECISION_BITS);
        weights[i] = (int32_t)(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    *taps = (unsigned)(high - low);
    return (unsigned)low;
}

static void reverse(int32_t *weights, unsigned count)
{
    for (unsigned i = 0; i < count / 2; i++) {
        int32_t kept = weights[i];
        weights[i] = weights[count - 1 - i];
        weights[count - 1 - i] = kept;
    }
}

static bool axis_init(struct image_axis *axis, const struct axis_plan *plan)
{
    double scale = (double)plan->in_size / plan->out_size;
    axis->in_size = plan->in_size;
    axis->count = plan->count;
    axis->flip = plan->flip;
    axis->taps_max = (unsigned)ceil(BICUBIC_SUPPORT * (scale < 1.0 ? 1.0 : scale)) * 2 + 1;
    size_t weights;
    double *work = dy_new_array(axis->taps_max, sizeof *work);
    axis->start = dy_new_array(axis->count, sizeof *axis->start);
    axis->taps = dy_new_array(axis->count, sizeof *axis->taps);
    if (dy_size_mul(axis->count, axis->taps_max, &weights))
        axis->weights = dy_new_array(weights, sizeof *axis->weights);
    bool made = work && axis->start && axis->taps && axis->weights;
    for (unsigned i = 0; made && i < axis->count; i++) {
        unsigned at = plan->flip ? axis->count - 1 - i : i; /* raw order */
        int32_t *to = axis->weights + (size_t)at * axis->taps_max;
        axis->start[at] = output_weights(plan, plan->first + i, work, to, &axis->taps[at]);
        if (plan->flip) {
            axis->start[at] = axis->in_size - axis->start[at] - axis->taps[at];
            reverse(to, axis->taps[at]);
        }
    }
    dy_free(work);
    return made;
}

/* The weights laid out for the kernels that go across: a vector of 16 holds five pixels' R, G and B
 * (its last lane has weight 0), so that channel c of every group lies in lanes c, c + 3, ... */
static bool axis_spread(struct image_axis *axis)
{
    size_t groups;
    axis->groups = (axis->taps_max + GROUP_PIXELS - 1) / GROUP_PIXELS;
    if (!dy_size_mul(axis->count, axis->groups, &groups) || !dy_size_mul(groups, 64, &groups) ||
        !(axis->spread = dy_mem_aligned(groups)))
        return false;
    memset(axis->spread, 0, groups);
    for (unsigned i = 0; i < axis->count; i++) {
        int32_t *to = axis->spread + (size_t)i * axis->groups * 16;
        for (unsigned t = 0; t < axis->taps[i]; t++)
            for (unsigned c = 0; c < 3; c++)
                to[t / GROUP_PIXELS * 16 + t % GROUP_PIXELS * 3 + c] =
                    axis->weights[(size_t)i * axis->taps_max + t];
    }
    return true;
}

static void axis_clear(struct image_axis *axis)
{
    dy_free(axis->start);
    dy_free(axis->taps);
    dy_free(axis->weights);
    dy_free(axis->spread);
    *axis = (struct image_axis){0};
}

/* ------------------------------------------------------------------ what is kept */

/* Half to even, as Python's round does in torchvision's CenterCrop: round((size - crop) / 2). */
static unsigned half_to_even(unsigned twice)
{
    unsigned half = twice / 2;
    return half + (twice & 1 & half);
}

/* The upright picture of width x height to the target: both axes, x first. torchvision's Resize
 * brings the shorter side to the target and cuts the longer one's fraction off. */
static void plan_fit(struct axis_plan *x, struct axis_plan *y, unsigned width, unsigned height,
                     const struct dy_image_target *target)
{
    x->in_size = width;
    y->in_size = height;
    x->out_size = x->count = target->width;
    y->out_size = y->count = target->height;
    if (target->fit == DY_FIT_SQUASH)
        return;
    struct axis_plan *longer = width > height ? x : y, *shorter = width > height ? y : x;
    longer->out_size = (unsigned)((uint64_t)longer->count * longer->in_size / shorter->in_size);
    unsigned over = longer->out_size - longer->count;
    longer->first = target->fit == DY_FIT_CROP_FLOOR ? over / 2 : half_to_even(over);
}

/* Pillow goes along x first, but since version 13 along y where that shrinks much more; the rule
 * was found by trying 1,000 random sizes (before 13, very tall pictures differ in the last bits).
 */
static bool y_comes_first(const struct axis_plan *x, const struct axis_plan *y)
{
    int64_t shrink_x = (int64_t)x->in_size - x->out_size;
    int64_t shrink_y = (int64_t)y->in_size - y->out_size;
    return shrink_y > 0 && shrink_y > 2 * shrink_x;
}

static bool make_buffers(struct image_resize *resize, unsigned width, unsigned height)
{
    size_t ring;
    resize->lanes = (size_t)(resize->down_first ? width : resize->across.count) * 3;
    resize->ring_stride = (resize->lanes + IMAGE_ROW_SLACK + 63) / 64 * 64;
    resize->ring_rows = resize->down.taps_max < height ? resize->down.taps_max : height;
    if (!dy_size_mul(resize->ring_rows, resize->ring_stride, &ring))
        return false;
    resize->ring = dy_mem_aligned(ring);
    resize->line = dy_mem_aligned(resize->ring_stride);
    resize->turned = dy_mem_aligned((size_t)resize->across.count * 3 + IMAGE_ROW_SLACK);
    resize->window = dy_new_array(resize->down.taps_max, sizeof *resize->window);
    return resize->ring && resize->line && resize->turned && resize->window;
}

enum dylumo_status dy_image_resize_init(struct image_resize *resize, unsigned width,
                                        unsigned height, unsigned orientation,
                                        const struct dy_image_target *target, uint8_t *pixels,
                                        const char *name, struct dylumo_error *err)
{
    assert(width && height && target->width && target->height);
    *resize = (struct image_resize){.pixels = pixels,
                                    .width = target->width,
                                    .height = target->height,
                                    .transposed = orientation >= 5};
    if (target->fit != DY_FIT_SQUASH && target->width != target->height)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: crop to %u x %u, expected a square", name,
                       target->width, target->height);
    struct axis_plan x = {0}, y = {0};
    /* an upright axis that runs against the raw one that it lies on */
    x.flip = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    y.flip = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
    bool turned = resize->transposed;
    plan_fit(&x, &y, turned ? height : width, turned ? width : height, target);
    resize->down_first = y_comes_first(&x, &y) != turned;
    struct dy_cpu cpu = dy_cpu_read();
    resize->kernels = dy_image_kernels(&cpu);
    if (axis_init(&resize->across, turned ? &y : &x) && axis_spread(&resize->across) &&
        axis_init(&resize->down, turned ? &x : &y) && make_buffers(resize, width, height))
        return DYLUMO_OK;
    dy_image_resize_clear(resize);
    return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to resize %u x %u pixels", name, width,
                   height);
}

void dy_image_resize_clear(struct image_resize *resize)
{
    axis_clear(&resize->across);
    axis_clear(&resize->down);
    dy_free(resize->ring);
    dy_free(resize->line);
    dy_free(resize->turned);
    dy_free(resize->window);
    *resize = (struct image_resize){0};
}

/* ------------------------------------------------------------------ rows */

/* One finished line, in raw order, to its place in the upright picture. */
static void store_line(struct image_resize *resize, unsigned at, const uint8_t *line)
{
    const struct image_axis *across = &resize->across, *down = &resize->down;
    if (down->flip)
        at = down->count - 1 - at;
    size_t step = (resize->transposed ? (size_t)resize->width : 1) * 3;
    uint8_t *to = resize->pixels + (size_t)at * (resize->transposed ? 1 : resize->width) * 3;
    for (unsigned i = 0; i < across->count; i++) {
        unsigned place = across->flip ? across->count - 1 - i : i;
        memcpy(to + place * step, line + (size_t)i * 3, 3);
    }
}

static void finish_line(struct image_resize *resize, unsigned at)
{
    const struct image_axis *down = &resize->down;
    for (unsigned t = 0; t < down->taps[at]; t++)
        resize->window[t] =
            resize->ring + (down->start[at] + t) % resize->ring_rows * resize->ring_stride;
    resize->kernels->down(resize->line, resize->window, down->weights + (size_t)at * down->taps_max,
                          down->taps[at], resize->lanes);
    if (resize->down_first)
        resize->kernels->across(resize->turned, resize->line, &resize->across);
    store_line(resize, at, resize->down_first ? resize->turned : resize->line);
}

void dy_image_resize_row(struct image_resize *resize, const uint8_t *row)
{
    const struct image_axis *down = &resize->down;
    assert(resize->next_row < down->in_size);
    uint8_t *slot = resize->ring + resize->next_row % resize->ring_rows * resize->ring_stride;
    if (resize->down_first)
        memcpy(slot, row, resize->lanes);
    else
        resize->kernels->across(slot, row, &resize->across);
    resize->next_row++;
    while (resize->next_line < down->count &&
           down->start[resize->next_line] + down->taps[resize->next_line] <= resize->next_row)
        finish_line(resize, resize->next_line++);
}
