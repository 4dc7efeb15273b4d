/* models/clip-merges.txt.gz, built in for weights that come without their vocabulary. */
#ifndef MODELS_MERGES_DATA_H
#define MODELS_MERGES_DATA_H

#include <stddef.h>

extern const unsigned char models_merges_data[];
extern const size_t models_merges_size;

#endif
