/* Folders, files and places of data for the tests. */
#include "dy_test.h"

#include <ftw.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *test_folder_new(void)
{
    const char *base = getenv("TMPDIR");
    char template[512];
    snprintf(template, sizeof template, "%s/dylumo-test-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(template));
    char *folder = strdup(template);
    assert_non_null(folder);
    return folder;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

void test_folder_remove(char *folder)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(folder);
}

int test_folder_setup(void **state)
{
    *state = test_folder_new();
    return 0;
}

int test_folder_teardown(void **state)
{
    test_folder_remove(*state);
    return 0;
}

static const char *join(const char *folder, const char *name)
{
    static _Thread_local char ring[8][1024];
    static _Thread_local unsigned next;
    char *path = ring[next++ % 8];
    snprintf(path, sizeof ring[0], "%s/%s", folder, name);
    return path;
}

const char *test_path(const char *folder, const char *name)
{
    return join(folder, name);
}

void test_write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* DYLUMO_SOURCE is set by meson for each test. */
static const char *source_folder(void)
{
    const char *source = getenv("DYLUMO_SOURCE");
    return source ? source : ".";
}

const char *test_repository(const char *name)
{
    return join(source_folder(), name);
}

const char *test_data(const char *name)
{
    char below[512];
    snprintf(below, sizeof below, "tests/data/%s", name);
    return join(source_folder(), below);
}

const char *test_shared(const char *name)
{
    char below[512];
    snprintf(below, sizeof below, "../shared/data/%s", name);
    const char *path = join(source_folder(), below);
    return access(path, R_OK) ? NULL : path;
}

double test_cosine(const float *a, const float *b, size_t count)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < count; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}
