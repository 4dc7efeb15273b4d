/* What the files of songs/ share. */
#ifndef SONGS_H
#define SONGS_H

#include "dy_songs.h"

struct dy_songs {
    struct dy_songs_file file;
    struct dy_cpu cpu;
};

#endif
