/* The header of a songs file, shared by its reader, writer and check (docs/formats/songs.md). */
#ifndef FORMAT_SONGS_H
#define FORMAT_SONGS_H

#include "dy_format.h"

#define FORMAT_SONGS_MAGIC "DYSONGS\n"
#define FORMAT_SONGS_HEADER_SIZE 64
#define FORMAT_SONGS_ENTRY_SIZE 32
#define FORMAT_SONGS_HASH_AT 32
/* The table always has room for all its entries, so that a section can be added in place. */
#define FORMAT_SONGS_DATA_START \
    (FORMAT_SONGS_HEADER_SIZE + DY_SONGS_SECTIONS_MAX * FORMAT_SONGS_ENTRY_SIZE)

/* XXH3 of the first size bytes (at most FORMAT_SONGS_DATA_START), the hash itself taken as 0. */
uint64_t format_songs_header_hash(const uint8_t *header, size_t size);

#endif
