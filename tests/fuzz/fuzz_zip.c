/* Any bytes as a zip archive: refused, or every entry is read or refused. */
#include "fuzz.h"

#include "dy_foreign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dylumo_error err;
    struct dy_zip *zip;
    if (dy_zip_parse(&zip, data, size, "fuzz", &err))
        return 0;
    unsigned sum = 0;
    for (size_t i = 0; i < dy_zip_count(zip); i++) {
        const struct dy_zip_entry *entry = dy_zip_at(zip, i);
        struct dy_zip_bytes bytes;
        if (dy_zip_find(zip, entry->name) != entry)
            __builtin_trap();
        if (dy_zip_read(zip, entry, 1 << 20, &bytes, &err))
            continue;
        for (size_t j = 0; j < bytes.size; j++)
            sum += bytes.data[j];
        dy_zip_bytes_clear(&bytes);
    }
    dy_zip_close(zip);
    return sum == 0xFFFFFFFFu ? -1 : 0; /* so that the reading is not optimised away */
}
