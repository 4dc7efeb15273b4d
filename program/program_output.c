/* Outputs: a slip of the hand such as `import songs.csv -o songs.csv` must not cost the table, and
 * what is kept beside an output needs an output that has a name of its own. */
#include "dy_program.h"

#include <sys/stat.h>

static bool replaces(const char *output, const char *input)
{
    struct stat written, read;
    return !dy_is_standard_output(output) && !stat(output, &written) && S_ISREG(written.st_mode) &&
           !stat(input, &read) && written.st_dev == read.st_dev && written.st_ino == read.st_ino;
}

int program_spare_inputs(const char *verb, const char *output, const char *const *inputs,
                         size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (replaces(output, inputs[i]))
            return program_usage_error(
                verb, "%s: is read, and writing would replace it; expected another output",
                inputs[i]);
    return PROGRAM_OK;
}

bool program_output_has_name(const char *output)
{
    struct stat info;
    return !dy_is_standard_output(output) && (stat(output, &info) || S_ISREG(info.st_mode));
}
