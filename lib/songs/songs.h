/* What the files of songs/ share. */
#ifndef SONGS_H
#define SONGS_H

#include "dy_songs.h"
#include "songs_words.h"

struct dy_songs {
    struct dy_songs_file file;
    struct dy_cpu cpu;
    struct dy_songs_index *index; /* over the 13 normal scores; NULL: the file has none */
    struct songs_words title_words, artist_words; /* of titles; of groups of artists */
};

/* At most so many bits are set: for few, faster than counting where the processor's own count may
 * not be used. */
static inline bool songs_bits_at_most(uint64_t bits, unsigned most)
{
    while (bits && most-- > 0)
        bits &= bits - 1;
    return !bits;
}

#endif
