/* Environment variables, one-word files and paths put together. */
#include "get_words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

bool get_join(char *out, size_t size, const char *a, const char *b)
{
    int length = snprintf(out, size, "%s%s", a, b);
    return length >= 0 && (size_t)length < size;
}

bool get_variable_path(const char *name, char *out, size_t size)
{
    const char *value = getenv(name);
    if (!value || !*value)
        return false;
    const char *home = getenv("HOME");
    if (value[0] == '~' && (value[1] == '/' || !value[1]) && home)
        return get_join(out, size, home, value + 1);
    return get_join(out, size, value, "");
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* In place. */
static bool trim(char *text)
{
    size_t begin = 0, end = strlen(text);
    while (begin < end && is_blank(text[begin]))
        begin++;
    while (end > begin && is_blank(text[end - 1]))
        end--;
    memmove(text, text + begin, end - begin);
    text[end - begin] = '\0';
    return end > begin;
}

bool get_variable_word(const char *name, char *out, size_t size)
{
    const char *value = getenv(name);
    return value && get_join(out, size, value, "") && trim(out);
}

bool get_variable_true(const char *name)
{
    static const char *const words[] = {"1", "on", "yes", "true"};
    const char *value = getenv(name);
    for (size_t i = 0; value && i < DY_COUNT(words); i++)
        if (!strcasecmp(value, words[i]))
            return true;
    return false;
}

bool get_file_word(const char *path, char *out, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return false;
    size_t used = 0;
    while (used < size) {
        ssize_t got = read(file, out + used, size - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    close(file);
    if (used >= size) {
        explicit_bzero(out, size);
        return false;
    }
    out[used] = '\0';
    return trim(out);
}

static bool in_home(const char *variable, const char *usual, const char *below, char *out,
                    size_t size)
{
    const char *named = getenv(variable), *home = getenv("HOME");
    if (named && named[0] == '/')
        return get_join(out, size, named, below);
    char folder[2048];
    return home && home[0] == '/' && get_join(folder, sizeof folder, home, usual) &&
           get_join(out, size, folder, below);
}

bool get_cache_folder(char *out, size_t size)
{
    return in_home("XDG_CACHE_HOME", "/.cache", "", out, size);
}

bool get_data_folder(char *out, size_t size)
{
    return in_home("XDG_DATA_HOME", "/.local/share", "/dylumo", out, size);
}
