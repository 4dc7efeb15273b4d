/* Made-up catalogues for the tests: few distinct numbers, so that distances tie often. */
#ifndef TEST_SONGS_H
#define TEST_SONGS_H

#include "dy_format.h"

/* Writes a sound songs file of count songs. The same seed gives the same bytes. Ids are 22 base-62
 * characters, or of 3 to 40 bytes where general_ids is set; artists repeat (some six songs each),
 * one recording in four stands under several ids, one song in fifty is a Christmas song. */
void test_songs_write(const char *path, size_t count, uint64_t seed, bool general_ids);

/* A small generator (SplitMix64), for inputs of tests. */
uint64_t test_random(uint64_t *state);
/* Uniform in 0 to 1. */
double test_random_unit(uint64_t *state);

#endif
