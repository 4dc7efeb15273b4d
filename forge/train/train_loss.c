/* Cross entropy with smoothed labels (Szegedy et al. 2016, section 7) and squared errors. */
#include "train_loss.h"

#include <math.h>
#include <string.h>

/* Of one row; share is this row's part of the whole. */
static double add_emotion(const struct train_loss *loss, const float *logits, int emotion,
                          double share, float *gradient)
{
    float p[DYLUMO_EMOTION_COUNT];
    double total = 0, most = (double)logits[0], sum = 0;
    dy_mood_softmax(logits, 1, p);
    for (unsigned i = 1; i < DYLUMO_EMOTION_COUNT; i++)
        most = fmax(most, (double)logits[i]);
    for (unsigned i = 0; i < DYLUMO_EMOTION_COUNT; i++)
        sum += exp((double)logits[i] - most);
    for (int i = 0; i < DYLUMO_EMOTION_COUNT; i++) {
        double wanted = (double)loss->smoothing / DYLUMO_EMOTION_COUNT;
        wanted += i == emotion ? 1 - (double)loss->smoothing : 0;
        total -= wanted * ((double)logits[i] - most - log(sum));
        gradient[i] += (float)(share * ((double)p[i] - wanted));
    }
    return share * total;
}

static double add_squares(const float *outputs, const float *wanted, size_t count, double share,
                          float *gradient)
{
    double total = 0;
    for (size_t i = 0; i < count; i++) {
        double off = (double)outputs[i] - (double)wanted[i];
        total += off * off;
        gradient[i] += (float)(2 * share * off);
    }
    return share * total;
}

double train_loss_of(const struct train_loss *loss, const float *outputs,
                     const struct train_target *targets, size_t rows, float *gradient)
{
    size_t emotions = 0, people = 0, taught = 0, songs = 0;
    double total = 0;
    for (size_t row = 0; row < rows; row++) {
        emotions += targets[row].emotion >= 0;
        people += targets[row].people;
        taught += targets[row].taught;
        songs += targets[row].song;
    }
    memset(gradient, 0, rows * DY_MOOD_OUTPUTS * sizeof *gradient);
    for (size_t row = 0; row < rows; row++) {
        const struct train_target *target = &targets[row];
        const float *o = outputs + row * DY_MOOD_OUTPUTS;
        float *g = gradient + row * DY_MOOD_OUTPUTS;
        const float rated[2] = {target->valence, target->arousal};
        if (target->emotion >= 0 && loss->emotion > 0)
            total +=
                add_emotion(loss, o, target->emotion, (double)loss->emotion / (double)emotions, g);
        if (target->people && loss->people > 0)
            total += add_squares(o + DY_MOOD_VALENCE, rated, 2,
                                 (double)loss->people / (double)(2 * people), g + DY_MOOD_VALENCE);
        if (target->taught && loss->taught > 0)
            total += add_squares(o + DY_MOOD_VALENCE, target->opinion, 2,
                                 (double)loss->taught / (double)(2 * taught), g + DY_MOOD_VALENCE);
        if (target->song && loss->song > 0)
            total += add_squares(o + DY_MOOD_FEATURES, target->features, DYLUMO_FEATURE_COUNT,
                                 (double)loss->song / (double)(DYLUMO_FEATURE_COUNT * songs),
                                 g + DY_MOOD_FEATURES);
    }
    return total;
}
