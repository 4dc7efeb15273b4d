/* What a title tells beside its letters: whether the song is a Christmas song, and which recording
 * it is once brackets and suffixes such as "- 2011 Remaster" are off. */
#ifndef IMPORT_TITLE_H
#define IMPORT_TITLE_H

#include "dy_import.h"

/* The season's words, folded; made once, read by all threads. */
#define IMPORT_SEASON_MAX 80
struct import_season {
    char *words[IMPORT_SEASON_MAX]; /* heap, in the order of their first bytes */
    size_t sizes[IMPORT_SEASON_MAX];
    bool whole[IMPORT_SEASON_MAX]; /* must end with the word; else a beginning is enough */
    uint8_t from[257];             /* words with first byte b: from[b] to from[b + 1] - 1 */
};
enum dylumo_status import_season_init(struct import_season *season,
                                      struct dylumo_error *err) DY_MUST_USE;
void import_season_clear(struct import_season *season);

struct import_title {
    uint64_t recording; /* equal for titles that are one recording by the same artist */
    bool season;
    char *folded; /* heap, the caller's: the title folded; NULL for one of ASCII alone */
};
/* false: no memory; then there is nothing to free. */
bool import_title_read(const struct import_season *season, struct dy_text title,
                       struct import_title *out) DY_MUST_USE;

/* title (at most size bytes) without what names an edition of it; bare [size] bytes. Returns its
 * length, 0 when nothing is left. */
size_t import_title_bare(struct dy_text title, char *bare);

#endif
