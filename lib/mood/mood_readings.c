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

/* ln(probability of the emotions on side +1) - ln(of those on side -1). */
static float log_odds(const float p[DYLUMO_EMOTION_COUNT], const float sides[DYLUMO_EMOTION_COUNT])
{
    float with = 0, against = 0;
    for (unsigned i = 0; i < DYLUMO_EMOTION_COUNT; i++) {
        with += sides[i] > 0 ? p[i] : 0;
        against += sides[i] < 0 ? p[i] : 0;
    }
    return logf(with + LEAST) - logf(against + LEAST);
}

void dy_mood_readings(const float outputs[DY_MOOD_OUTPUTS], const float happy[DYLUMO_EMOTION_COUNT],
                      const float lively[DYLUMO_EMOTION_COUNT], float readings[DY_MOOD_READINGS])
{
    float p[DYLUMO_EMOTION_COUNT];
    dy_mood_softmax(outputs, 1, p);
    for (unsigned i = 0; i < DYLUMO_FEATURE_COUNT; i++)
        readings[i] = outputs[DY_MOOD_FEATURES + i];
    readings[DYLUMO_FEATURE_COUNT] = outputs[DY_MOOD_VALENCE];
    readings[DYLUMO_FEATURE_COUNT + 1] = outputs[DY_MOOD_AROUSAL];
    readings[DYLUMO_FEATURE_COUNT + 2] = log_odds(p, happy);
    readings[DYLUMO_FEATURE_COUNT + 3] = log_odds(p, lively);
    for (unsigned i = 0; i < DYLUMO_EMOTION_COUNT; i++)
        readings[DYLUMO_FEATURE_COUNT + 4 + i] = logf(p[i] + LEAST);
}
