/* What the files of the catalogue tools share. */
#ifndef IMPORT_CATALOGUE_H
#define IMPORT_CATALOGUE_H

#include "dy_catalogue.h"
#include "dy_songs.h"

struct dy_catalogue {
    struct dy_songs *songs;
    char *path;
};

#endif
