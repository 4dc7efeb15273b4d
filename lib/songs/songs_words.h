/* Which texts hold a word: the file's look-up of words, of titles and of artists. Its bytes stand
 * in docs/formats/songs.md. */
#ifndef SONGS_WORDS_H
#define SONGS_WORDS_H

#include "dy_format.h"

#define WORDS_VERSION 1

struct songs_words_header {
    uint32_t version, zero;
    uint64_t words;          /* different ones */
    uint64_t texts;          /* that are looked up in: songs, or groups of artists */
    uint64_t bytes;          /* of the words */
    uint64_t postings_bytes; /* of the numbers of texts */
    uint8_t zeros[24];
};

/* Word i is bytes[word_at[i]] to bytes[word_at[i + 1]], its texts' numbers lie likewise in
 * postings. Offsets are as the file says: bounded wherever they are followed. */
struct songs_words {
    bool present;
    size_t words, texts;
    const uint32_t *word_at, *postings_at; /* [words + 1] */
    const char *bytes;
    size_t size;
    const uint8_t *postings;
    size_t postings_size;
};

/* Finds a section's parts, where the file has it; else words stays absent.
 *
 * Fails    BAD_FILE for sizes that do not fit, or another number of texts; UNSUPPORTED. */
enum dylumo_status songs_words_open(struct songs_words *words, const struct dy_songs_file *file,
                                    uint32_t type, const char *name,
                                    struct dylumo_error *err) DY_MUST_USE;

/* Whether the look-up is there and `wanted` is words with one blank between, none empty. */
bool songs_words_can(const struct songs_words *words, const char *wanted);

/* Sets the bits in out of the texts that hold every word of wanted and, unless it is NULL, stand in
 * within; both [(texts + 63) / 64]. False: no memory. */
bool songs_words_mark(const struct songs_words *words, const char *wanted, const uint64_t *within,
                      uint64_t *out) DY_MUST_USE;

/* Verifies a look-up against the texts of the file (checked before): the titles or the groups of
 * artists. */
enum dylumo_status songs_words_check(const struct songs_words *words,
                                     const struct dy_songs_file *file, bool titles,
                                     const char *name, struct dylumo_error *err) DY_MUST_USE;

/* Numbers of a word's texts, one after the other. */
struct songs_postings {
    const uint8_t *at, *end;
    uint64_t next; /* the least that may come */
    size_t texts;  /* all numbers are below; 0 from the first broken one on */
};

struct songs_postings songs_words_postings(const struct songs_words *words, size_t word);
/* False at the end, and at anything that is not a number of a text. */
static inline bool songs_postings_next(struct songs_postings *postings, size_t *text)
{
    uint64_t gap = 0;
    if (postings->at == postings->end)
        return false;
    for (unsigned shift = 0; postings->at < postings->end && shift < 35; shift += 7) {
        uint8_t byte = *postings->at++;
        gap |= (uint64_t)(byte & 0x7F) << shift;
        if (byte & 0x80)
            continue;
        if (postings->next + gap >= postings->texts)
            break;
        *text = (size_t)(postings->next + gap);
        postings->next = *text + 1;
        return true;
    }
    postings->texts = 0;
    return false;
}

#endif
