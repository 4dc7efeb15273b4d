/* The words of titles and of artists, with the texts that hold each. */
#ifndef IMPORT_WORDS_H
#define IMPORT_WORDS_H

#include "import_table.h"

#define IMPORT_WORDS_HEADER 64

/* A section of the songs file; no bytes: too much text for one, which is no failure. */
struct import_words {
    uint8_t *bytes;
    size_t size;
};

/* Text i, folded; valid until the next call. False: no memory. */
typedef bool import_words_text(void *user, size_t i, struct dy_text *folded);

bool import_words_make(struct import_words *out, size_t count, import_words_text *text,
                       void *user) DY_MUST_USE;
void import_words_clear(struct import_words *words);

/* titles: the table's, in the order of the songs, which are the rows order[i]. */
bool import_words_of_titles(struct import_words *out, const struct import_texts *titles,
                            const struct import_table *table, const uint32_t *order) DY_MUST_USE;
/* groups: the folded names of artists. */
bool import_words_of_groups(struct import_words *out, struct import_texts *groups) DY_MUST_USE;

#endif
