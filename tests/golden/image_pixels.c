/* For tests/golden/compare_pictures.py: decodes and resizes each picture named on standard input
 * ("WIDTH HEIGHT squash|crop exact|quick PATH" a line) and writes, for each, one line to standard
 * output ("ok ORIENTATION FRAMES" or "STATUS SENTENCE") followed, when ok, by the raw pixels. */
#include "dy_image.h"

#include <stdlib.h>
#include <string.h>

static void answer(char *line)
{
    struct dylumo_error err;
    struct dy_image_target target = {0};
    struct dy_image_info info;
    char fit[8], way[8];
    int path_at = 0;
    if (sscanf(line, "%u %u %7s %7s %n", &target.width, &target.height, fit, way, &path_at) != 4)
        exit(2);
    target.fit = strcmp(fit, "crop") ? DY_FIT_SQUASH : DY_FIT_CROP;
    target.exact = !strcmp(way, "exact");
    uint8_t *data = NULL;
    size_t size = 0, pixels_size = (size_t)target.width * target.height * 3;
    uint8_t *pixels = dy_mem_alloc(pixels_size);
    if (!pixels)
        exit(2);
    enum dylumo_status st = dy_read_file(&data, &size, line + path_at, UINT64_MAX, &err);
    if (!st)
        st = dy_image_load(data, size, line + path_at, &target, NULL, pixels, &info, &err);
    if (st) {
        printf("%s %s\n", dylumo_status_name(st), err.text);
    } else {
        printf("ok %u %u\n", info.orientation, info.frames);
        fwrite(pixels, 1, pixels_size, stdout);
    }
    fflush(stdout);
    dy_free(pixels);
    dy_free(data);
}

int main(void)
{
    char line[8192];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        answer(line);
    }
    return 0;
}
