/* "did you mean": the word with the smallest edit distance, where swapping two neighbours is one
 * edit (Damerau 1964, the restricted form) and a third of the word may be wrong. */
#include "dy_program.h"

#include <string.h>

enum { MAX_WORD = 40 };

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Edits between a and b, both at most MAX_WORD long. */
static size_t edits(const char *a, const char *b)
{
    size_t rows[3][MAX_WORD + 1];
    size_t a_length = strlen(a), b_length = strlen(b);
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        above[j] = j;
    memset(rows[0], 0, sizeof rows[0]);
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t differ = a[i - 1] != b[j - 1];
            row[j] = smallest(above[j] + 1, row[j - 1] + 1, above[j - 1] + differ);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        size_t *free_row = before;
        before = above;
        above = row;
        row = free_row;
    }
    return above[b_length];
}

const char *program_nearest_word(const char *word, const char *(*next)(const void *user, size_t),
                                 const void *user)
{
    size_t length = strlen(word);
    if (length > MAX_WORD)
        return NULL;
    const char *best = NULL, *candidate;
    size_t fewest = length / 3 + 1;
    for (size_t i = 0; (candidate = next(user, i)); i++) {
        size_t count = strlen(candidate) > MAX_WORD ? MAX_WORD : edits(word, candidate);
        if (count < fewest || (!best && count == fewest && length > 3)) {
            fewest = count;
            best = candidate;
        }
    }
    return best;
}
