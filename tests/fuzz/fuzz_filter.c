/* Any text as a filter: parsed or refused with a sentence. */
#include "fuzz.h"

#include "songs_filter.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dylumo_error err;
    struct filter filter;
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (!songs_filter_parse(&filter, text, &err))
        songs_filter_clear(&filter);
    else if (err.text[0] == '\0')
        abort();
    free(text);
    return 0;
}
