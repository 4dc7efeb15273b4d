/* Values of jansson's on standard output. */
#ifndef PROGRAM_JSON_H
#define PROGRAM_JSON_H

#include <jansson.h>

/* Prints value in one line and gives it back; NULL stands for what there was no memory for.
 * Returns an exit code. */
int program_print_json(json_t *value);

#endif
