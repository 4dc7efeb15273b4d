/* What the files of songs/ share. */
#ifndef SONGS_H
#define SONGS_H

#include "dy_songs.h"

struct dy_songs {
    struct dy_songs_file file;
    struct dy_cpu cpu;
    struct dy_songs_index *index; /* over the 13 normal scores; NULL: the file has none */
};

#endif
