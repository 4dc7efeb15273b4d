/* A plain main for the fuzz targets: gives each file named, or each file of a folder named, to the
 * target once. With libFuzzer (-Dfuzz=true, clang) this file is left out. */
#include "fuzz.h"

#include "dy_base.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static int replay_file(const char *path)
{
    struct dylumo_error err;
    uint8_t *data;
    size_t size;
    if (dy_read_file(&data, &size, path, UINT64_C(1) << 30, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    /* an exact copy, so that a sanitizer sees a read past the end */
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact)
        abort();
    memcpy(exact, data, size);
    dy_free(data);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

static int replay_folder(DIR *folder, const char *path)
{
    int bad = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.')
            bad |= replay_file(name);
    }
    closedir(folder);
    return bad;
}

int main(int count, char **paths)
{
    int bad = count < 2;
    for (int i = 1; i < count; i++) {
        DIR *folder = opendir(paths[i]);
        bad |= folder ? replay_folder(folder, paths[i]) : replay_file(paths[i]);
    }
    return bad;
}
