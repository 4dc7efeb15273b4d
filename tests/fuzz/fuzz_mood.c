/* Any bytes as a mood file: refused, or it predicts. */
#include "fuzz.h"

#include "dy_mood.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dylumo_error err;
    struct dy_mood_model *model;
    struct dy_mood mood;
    if (dy_mood_parse(&model, data, size, "fuzz", &err))
        return 0;
    unsigned dimension = dy_mood_info(model)->dimension;
    float *embedding = calloc(2 * (size_t)dimension, sizeof *embedding);
    for (size_t i = 0; embedding && i < 2 * (size_t)dimension; i++)
        embedding[i] = (float)(i % 5) - 2;
    enum dylumo_status st = embedding ? dy_mood_predict(model, embedding, 2, &mood, &err) : 1;
    if (!st && !(mood.sure >= 0 && mood.sure <= 1))
        abort();
    for (unsigned a = 0; !st && a < mood.axes; a++)
        if (!(mood.places[a] > 0 && mood.places[a] < 1))
            abort();
    free(embedding);
    dy_mood_close(model);
    return 0;
}
