/* One line of JSON for each thing told. */
#include "program_json.h"

#include "dy_program.h"

#include <stdlib.h>

int program_print_json(json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    if (!text) {
        program_say("no memory for JSON");
        return PROGRAM_NO_MEMORY;
    }
    puts(text);
    free(text);
    return PROGRAM_OK;
}
