/* Words -> CLIP's tokens, as the reference that the weights came with makes them: cleaning, cutting
 * into pieces, byte pairs. */
#ifndef ENCODER_CLIP_WORDS_H
#define ENCODER_CLIP_WORDS_H

#include "encoder_clip_file.h"

#define CLIP_TEXT_MAX 16384 /* bytes of a text; far more than fits any known context */

/* ------------------------------------------------------------------ cleaning
 * (encoder_clip_clean.c) */

/* Code points that grow; failed: there was no memory for one. */
struct clip_chars {
    uint32_t *at;
    size_t count, room;
    bool failed;
};

void clip_chars_put(struct clip_chars *chars, uint32_t c);
void clip_chars_clear(struct clip_chars *chars);

/* Appends the code points of UTF-8; broken bytes become U+FFFD. */
void clip_chars_read(struct clip_chars *chars, const char *text, size_t size);

/* transformers: NFC, white space to one space, lower case character by character.
 *
 * open_clip: ftfy.fix_text but for its search for text that was decoded wrongly ("mojibake"),
 * HTML's references twice, white space, lower case. */
void clip_clean(struct clip_chars *chars, enum clip_source source);

bool clip_is_space(uint32_t c);  /* Unicode's white space */
bool clip_is_letter(uint32_t c); /* any L */
bool clip_is_number(uint32_t c); /* any N */

/* A named reference of HTML 5 (encoder_clip_entities.c): "amp;", and "amp" where that will do. */
struct clip_entity {
    const char *name;
    uint32_t chars[2]; /* the second may be 0 */
};
extern const struct clip_entity clip_entities[]; /* sorted by name */
extern const size_t clip_entity_count;

/* ------------------------------------------------------------------ tokens
 * (encoder_clip_words.c) */

/* A pair of tokens and the one that it becomes; the lower, the sooner. */
struct clip_pair {
    uint32_t left, right, joined; /* joined 0: an empty slot */
};

struct clip_words {
    enum clip_source source;
    uint32_t begin, end; /* tokens */
    struct clip_pair *pairs;
    size_t slots; /* a power of two */
};

/* Reads the merges (docs/formats/clip.md).
 *
 * Owns     clip_words_clear; it takes a zeroed one.
 * Fails    BAD_FILE for lines that are none, or of another number than the vocabulary's. */
enum dylumo_status clip_words_init(struct clip_words *words, const struct clip_file *file,
                                   const char *path, struct dylumo_error *err) DY_MUST_USE;
void clip_words_clear(struct clip_words *words);

/* A text's tokens with begin and end, cut to `context` of them.
 *
 *   tokens   [context]
 *   count    receives how many there are
 *
 * Fails    TOO_LARGE over CLIP_TEXT_MAX bytes; NO_MEMORY. */
enum dylumo_status clip_words_read(const struct clip_words *words, const char *text, size_t size,
                                   unsigned context, uint32_t *tokens, unsigned *count,
                                   struct dylumo_error *err) DY_MUST_USE;

#endif
