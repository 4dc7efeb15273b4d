/* Numbers of the mood as words. Valence and energy are shares of a balanced set of pictures, so the
 * words split that set in fifths: "happy" is the happiest fifth. */
#include "dy_present.h"

static int fifth(double share)
{
    return share < 0.2 ? 0 : share < 0.4 ? 1 : share <= 0.6 ? 2 : share <= 0.8 ? 3 : 4;
}

void dy_present_mood_words(double valence, double energy, char *text, size_t size)
{
    static const char *const happy[] = {"sad", "rather sad", NULL, "rather happy", "happy"};
    static const char *const lively[] = {"calm", "rather calm", NULL, "rather lively", "lively"};
    const char *first = happy[fifth(valence)], *second = lively[fifth(energy)];
    if (first && second)
        snprintf(text, size, "%s %s %s", first, valence < 0.5 && energy > 0.5 ? "but" : "and",
                 second);
    else if (first)
        snprintf(text, size, "%s, neither calm nor lively", first);
    else if (second)
        snprintf(text, size, "%s, neither happy nor sad", second);
    else
        snprintf(text, size, "balanced: neither happy nor sad, neither calm nor lively");
}

const char *dy_present_sure_words(double sure)
{
    return sure < 0.15   ? "a guess"
           : sure < 0.35 ? "not very sure"
           : sure < 0.6  ? "fairly sure"
                         : "sure";
}
