/* Environment variables, one-word files and paths put together. */
#ifndef GET_WORDS_H
#define GET_WORDS_H

#include "dy_base.h"

/* a + b into out; false where that does not fit. */
bool get_join(char *out, size_t size, const char *a, const char *b);
/* The variable as a path, with ~ at its start made the home folder; false where it is empty, unset
 * or too long. */
bool get_variable_path(const char *name, char *out, size_t size);
/* The variable without the blanks around it; false where nothing is left. */
bool get_variable_word(const char *name, char *out, size_t size);
/* 1, on, yes or true. */
bool get_variable_true(const char *name);
/* What the file holds, without the blanks around it; false where it can't be read, is empty or
 * longer than size. Secrets may go through here: nothing else keeps a copy. */
bool get_file_word(const char *path, char *out, size_t size);
/* $XDG_CACHE_HOME, else ~/.cache. */
bool get_cache_folder(char *out, size_t size);
/* $XDG_DATA_HOME/dylumo, else ~/.local/share/dylumo. */
bool get_data_folder(char *out, size_t size);

#endif
