/* Pictures that are cut off, bent, too large, or none: refused with the right status and a
 * sentence, never with a word on standard error; cancelling, limits and failing allocations on the
 * way. */
#include "dy_image.h"

#include "dy_test.h"

#include <stdlib.h>
#include <unistd.h>

static struct dylumo_error err;
static const struct dy_image_target target = {24, 18, DY_FIT_SQUASH, true};
static uint8_t pixels[24 * 18 * 3];

static enum dylumo_status load(const uint8_t *data, size_t size, const char *name,
                               const struct dylumo_context *context)
{
    /* an exact copy, so that a sanitizer sees a read past the end */
    uint8_t *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, data, size);
    err.text[0] = '\0';
    enum dylumo_status st = dy_image_load(exact, size, name, &target, context, pixels, NULL, &err);
    free(exact);
    if (st && !err.text[0])
        fail_msg("%s: no sentence", name);
    return st;
}

static uint8_t *read_from(const char *folder, const char *name, size_t *size)
{
    char path[256];
    uint8_t *data;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(dy_read_file(&data, size, test_repository(path), UINT64_C(1) << 24, &err));
    return data;
}

/* Calls with each picture of tests/data/pictures once; those that are cropped come twice there. */
static void each_picture(void (*call)(const char *name, const uint8_t *data, size_t size))
{
    FILE *index = fopen(test_data("pictures/cases.txt"), "r");
    assert_non_null(index);
    char name[64], fit[16];
    while (fscanf(index, "%63s %*u %*u %15s %*d %*u %*u", name, fit) == 2) {
        size_t size;
        uint8_t *data = read_from("tests/data/pictures", name, &size);
        if (strcmp(fit, "crop"))
            call(name, data, size);
        dy_free(data);
    }
    fclose(index);
}

/* ------------------------------------------------------------------ cut off, bent */

/* What is missing behind the first frame or page, or an end mark, is no loss: then the pixels must
 * be those of the whole file. A PNG's late eXIf is one, but turns the picture. */
static void cut_at_every_64th(const char *name, const uint8_t *data, size_t size)
{
    uint8_t whole[sizeof pixels];
    assert_ok(load(data, size, name, NULL));
    memcpy(whole, pixels, sizeof whole);
    for (size_t cut = 0; cut < size; cut += 64) {
        enum dylumo_status st = load(data, cut, name, NULL);
        if (!st && strcmp(name, "late_exif.png") && memcmp(pixels, whole, sizeof whole))
            fail_msg("%s, %zu of %zu bytes: other pixels", name, cut, size);
        else if (st && st != DYLUMO_BAD_PICTURE && st != DYLUMO_UNSUPPORTED)
            fail_msg("%s, %zu of %zu bytes: %s", name, cut, size, err.text);
    }
    if (strstr(name, ".jpg") || strstr(name, ".png")) /* most of the pixels are missing */
        assert_int_equal(load(data, size / 2, name, NULL), DYLUMO_BAD_PICTURE);
}

static void cut_pictures_are_refused(void **state)
{
    (void)state;
    each_picture(cut_at_every_64th);
}

/* Any answer will do that comes back; seeds are fixed. */
static void bend(const char *name, const uint8_t *data, size_t size)
{
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.max_pixels = 4000000;
    uint8_t *bent = malloc(size);
    assert_non_null(bent);
    unsigned seed = 1;
    for (int variant = 0; variant < 24; variant++) {
        memcpy(bent, data, size);
        for (int i = 0; i <= variant % 4; i++) {
            seed = seed * 1664525u + 1013904223u;
            size_t at = variant % 2 ? seed % size : seed % (size < 200 ? size : 200);
            bent[at] ^= (uint8_t)(1u << (seed >> 29));
        }
        (void)!load(bent, size, name, &context);
    }
    free(bent);
}

static void bent_pictures_do_no_harm(void **state)
{
    (void)state;
    each_picture(bend);
}

static void lying_pictures_are_refused(void **state)
{
    (void)state;
    FILE *index = fopen(test_repository("tests/fuzz/corpus/image_refused.txt"), "r");
    assert_non_null(index);
    char name[64], status[32], sentence[128];
    unsigned wrong = 0, count = 0;
    for (; fscanf(index, "%63s %31s %127[^\n]", name, status, sentence) == 3; count++) {
        size_t size;
        uint8_t *data = read_from("tests/fuzz/corpus/image", name, &size);
        enum dylumo_status st = load(data, size, name, NULL);
        dy_free(data);
        if (!strcmp(dylumo_status_name(st), status) && strstr(err.text, sentence))
            continue;
        print_message("# %s: %s: \"%s\", expected %s: %s\n", name, dylumo_status_name(st), err.text,
                      status, sentence);
        wrong++;
    }
    fclose(index);
    assert_true(count > 40);
    assert_int_equal(wrong, 0);
}

static void what_is_no_picture_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *sentence;
    } files[] = {
        {"", 0, "holiday.jpg: is empty, expected a picture"},
        {"Dear diary,\n", 12, "holiday.jpg: looks like a text file, expected JPEG"},
        {"\0\0\0\0\0\0\0\0", 8, "nothing but zero bytes"},
        {"%PDF-1.4\n", 9, "a PDF document"},
        {"BM\x10\0\0\0\0\0\0\0", 10, "a BMP picture"},
        {"\0\0\0\x14"
         "ftypmp42\0\0\0\0mp42",
         20, "a film or sound file"},
        {"\x12\x34\x01\x02", 4, "a file of unknown kind"},
        {"\xFF\xD8", 2, "a file of unknown kind"},
    };
    for (size_t i = 0; i < DY_COUNT(files); i++)
        assert_fails(load((const uint8_t *)files[i].bytes, files[i].size, "holiday.jpg", NULL),
                     DYLUMO_BAD_PICTURE, files[i].sentence);
}

/* ------------------------------------------------------------------ limits, cancelling */

static void limits_are_the_callers(void **state)
{
    (void)state;
    size_t size;
    uint8_t *data = read_from("tests/data/pictures", "420.jpg", &size); /* 83 x 61 */
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.max_picture_bytes = size - 1;
    assert_fails(load(data, size, "p", &context), DYLUMO_TOO_LARGE, "bytes, the limit is");
    context.max_picture_bytes = size;
    context.max_pixels = 83 * 61 - 1;
    assert_fails(load(data, size, "p", &context), DYLUMO_TOO_LARGE,
                 "83 x 61 pixels are 5063, the limit is 5062");
    context.max_pixels++;
    assert_ok(load(data, size, "p", &context));
    dy_free(data);
    data = read_from("tests/data/pictures", "progressive.jpg", &size);
    context.max_picture_bytes = 0;
    context.max_pixels = 83 * 61 / 2 * 5;
    assert_fails(load(data, size, "p", &context), DYLUMO_TOO_LARGE, "held whole is 5062");
    dy_free(data);
}

static int cancel_now(void *user)
{
    int *left = user;
    return (*left)-- <= 0;
}

static void cancel_at_each_question(const char *name, const uint8_t *data, size_t size)
{
    int questions = 0;
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.cancelled = cancel_now;
    context.user = &questions;
    for (int allowed = 0;; allowed++) {
        questions = allowed;
        if (!load(data, size, name, &context))
            break;
        assert_fails(load(data, size, name, (questions = allowed, &context)), DYLUMO_CANCELLED,
                     "cancelled while decoding");
    }
    assert_true(questions >= 0);
}

static void every_decoder_can_be_cancelled(void **state)
{
    (void)state;
    each_picture(cancel_at_each_question);
}

/* ------------------------------------------------------------------ allocations */

struct picture {
    const char *name;
    const uint8_t *data;
    size_t size;
};

static enum dylumo_status load_again(void *user)
{
    const struct picture *picture = user;
    enum dylumo_status st = dy_image_load(picture->data, picture->size, picture->name, &target,
                                          NULL, pixels, NULL, &err);
    if (st && st != DYLUMO_NO_MEMORY)
        print_message("# %s\n", err.text);
    return st;
}

static void fail_allocations(const char *name, const uint8_t *data, size_t size)
{
    struct picture picture = {name, data, size};
    test_every_allocation(load_again, &picture);
}

static void failing_allocations_leak_nothing(void **state)
{
    (void)state;
    each_picture(fail_allocations);
}

/* ------------------------------------------------------------------ silence */

/* Last, so that what a sanitizer says about the same files has been seen. */
static void nothing_is_printed(void **state)
{
    char *folder = *state;
    char path[256];
    snprintf(path, sizeof path, "%s", test_path(folder, "stderr"));
    fflush(stderr);
    int kept = dup(STDERR_FILENO);
    assert_non_null(freopen(path, "w", stderr));
    lying_pictures_are_refused(NULL);
    each_picture(bend);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    uint8_t *said;
    size_t size;
    assert_ok(dy_read_file(&said, &size, path, 1 << 20, &err));
    if (size)
        fail_msg("on standard error: %.*s", (int)size, (const char *)said);
    dy_free(said);
}

static int make_folder(void **state)
{
    *state = test_folder_new();
    return !*state;
}

static int remove_folder(void **state)
{
    test_folder_remove(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_pictures_are_refused),
        cmocka_unit_test(bent_pictures_do_no_harm),
        cmocka_unit_test(lying_pictures_are_refused),
        cmocka_unit_test(what_is_no_picture_is_named),
        cmocka_unit_test(limits_are_the_callers),
        cmocka_unit_test(every_decoder_can_be_cancelled),
        cmocka_unit_test(failing_allocations_leak_nothing),
        cmocka_unit_test_setup_teardown(nothing_is_printed, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
