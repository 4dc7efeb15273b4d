/* What is read off the networks' outputs: probabilities, and the numbers the axes are made of.
 * Training and prediction both go through here, so that they cannot drift apart. */
#include "dy_mood.h"

#include <math.h>

#define LEAST 1e-6f /* keeps logarithms of probabilities finite */

void dy_mood_softmax(const float logits[DYLUMO_EMOTION_COUNT], float temperature,
                     float probabilities[DYLUMO_EMOTION_COUNT])
{
    float most = logits[0], sum = 0;
    for (unsigned i = 1; i < DYLUMO_EMOTION_COUNT; i++)
        most = logits[i] > most ? logits[i] : most;
    for (unsigned i = 0; i < DYLUMO_EMOTION_COUNT; i++)
        sum += probabilities[i] = expf((logits[i] - most) / temperature);
    for (unsigned i = 0; i < DYLUMO_EMOTION_COUNT; i++)
        probabilities[i] /= sum;
}

void dy_mood_readings(const float outputs[DY_MOOD_OUTPUTS], const float sides[DYLUMO_EMOTION_COUNT],
                      const float liveliness[DYLUMO_EMOTION_COUNT],
                      float readings[DY_MOOD_READINGS])
{
    float p[DYLUMO_EMOTION_COUNT], happy = 0, unhappy = 0, lively = 0;
    dy_mood_softmax(outputs, 1, p);
    for (unsigned i = 0; i < DYLUMO_EMOTION_COUNT; i++) {
        happy += sides[i] > 0 ? p[i] : 0;
        unhappy += sides[i] < 0 ? p[i] : 0;
        lively += liveliness[i] * p[i];
        readings[DYLUMO_FEATURE_COUNT + 4 + i] = logf(p[i] + LEAST);
    }
    for (unsigned i = 0; i < DYLUMO_FEATURE_COUNT; i++)
        readings[i] = outputs[DY_MOOD_FEATURES + i];
    readings[DYLUMO_FEATURE_COUNT] = outputs[DY_MOOD_VALENCE];
    readings[DYLUMO_FEATURE_COUNT + 1] = outputs[DY_MOOD_AROUSAL];
    readings[DYLUMO_FEATURE_COUNT + 2] = logf(happy + LEAST) - logf(unhappy + LEAST);
    readings[DYLUMO_FEATURE_COUNT + 3] = lively;
}
