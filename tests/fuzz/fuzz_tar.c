/* Any bytes as a .tar.gz (or a plain .tar, which zlib passes through): refused, or one member's
 * bytes to nowhere. */
#include "fuzz.h"

#include "dy_get.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dylumo_error err;
    char path[64];
    int file = memfd_create("fuzz", MFD_CLOEXEC);
    if (file < 0)
        return 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (write(file, data, size) == (ssize_t)size)
        (void)!dy_get_untar(path, "package/libduckdb.so", "/dev/null", &err);
    close(file);
    return 0;
}
