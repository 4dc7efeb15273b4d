/* Writes a photo of any size from a smaller one, for benchmarks: bench_photo IN.jpg OUT.jpg WIDTH
 * HEIGHT. Pixels are picked nearest and get a little made-up noise, so that the file is about as
 * long as a camera's of that size; saved as baseline JPEG, 4:2:0, quality 90. */
#include <stdio.h>

#include <jpeglib.h>
#include <stdint.h>
#include <stdlib.h>

struct picture {
    unsigned width, height;
    uint8_t *rgb; /* [height][width][3] */
};

static struct picture read_jpeg(const char *path)
{
    struct picture picture = {0};
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(1);
    }
    struct jpeg_error_mgr errors;
    struct jpeg_decompress_struct in = {.err = jpeg_std_error(&errors)};
    jpeg_create_decompress(&in);
    jpeg_stdio_src(&in, file);
    jpeg_read_header(&in, TRUE);
    in.out_color_space = JCS_RGB;
    jpeg_start_decompress(&in);
    picture.width = in.output_width;
    picture.height = in.output_height;
    picture.rgb = malloc((size_t)3 * picture.width * picture.height);
    if (!picture.rgb)
        exit(1);
    while (in.output_scanline < in.output_height) {
        JSAMPROW row = picture.rgb + (size_t)3 * picture.width * in.output_scanline;
        jpeg_read_scanlines(&in, &row, 1);
    }
    jpeg_finish_decompress(&in);
    jpeg_destroy_decompress(&in);
    fclose(file);
    return picture;
}

static void make_row(const struct picture *picture, unsigned y, unsigned width, unsigned height,
                     uint32_t *noise, uint8_t *row)
{
    const uint8_t *from =
        picture->rgb + (size_t)3 * picture->width * ((uint64_t)y * picture->height / height);
    for (unsigned x = 0; x < width; x++) {
        const uint8_t *pixel = from + (size_t)3 * ((uint64_t)x * picture->width / width);
        *noise = *noise * 1664525U + 1013904223U; /* Numerical Recipes' generator */
        int change = (int)(*noise >> 29) - 4;     /* -4 to 3 */
        for (int c = 0; c < 3; c++) {
            int value = pixel[c] + change;
            row[3 * x + (unsigned)c] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
        }
    }
}

static void write_jpeg(const struct picture *picture, const char *path, unsigned width,
                       unsigned height)
{
    FILE *file = fopen(path, "wb");
    uint8_t *row = malloc((size_t)3 * width);
    if (!file || !row) {
        perror(path);
        exit(1);
    }
    struct jpeg_error_mgr errors;
    struct jpeg_compress_struct out = {.err = jpeg_std_error(&errors)};
    jpeg_create_compress(&out);
    jpeg_stdio_dest(&out, file);
    out.image_width = width;
    out.image_height = height;
    out.input_components = 3;
    out.in_color_space = JCS_RGB;
    jpeg_set_defaults(&out);
    jpeg_set_quality(&out, 90, TRUE);
    jpeg_start_compress(&out, TRUE);
    uint32_t noise = 1;
    for (unsigned y = 0; y < height; y++) {
        make_row(picture, y, width, height, &noise, row);
        jpeg_write_scanlines(&out, &row, 1);
    }
    jpeg_finish_compress(&out);
    jpeg_destroy_compress(&out);
    free(row);
    if (fclose(file)) {
        perror(path);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: bench_photo IN.jpg OUT.jpg WIDTH HEIGHT\n");
        return 2;
    }
    struct picture picture = read_jpeg(argv[1]);
    write_jpeg(&picture, argv[2], (unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]));
    free(picture.rgb);
    return 0;
}
