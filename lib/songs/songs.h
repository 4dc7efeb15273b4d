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

#endif
