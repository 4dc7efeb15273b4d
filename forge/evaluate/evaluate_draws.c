/* Variety over draws of the pictures. How many different songs are shown depends on how many
 * pictures there are and what they show, so figures are compared on draws of one size, with the
 * emotions of a set in equal shares. */
#include "evaluate_report.h"

#include <math.h>
#include <string.h>

/* Takes `wanted` of the members by lot (Fisher and Yates), or all when there are fewer. */
static size_t take(uint32_t *members, size_t count, size_t wanted,
                   struct dy_evaluate_random *random, uint32_t *drawn)
{
    size_t taken = wanted < count ? wanted : count;
    for (size_t i = 0; i < taken; i++) {
        size_t other = i + dy_evaluate_random_below(random, (uint32_t)(count - i));
        uint32_t swap = members[i];
        members[i] = members[other];
        members[other] = swap;
        drawn[i] = members[i];
    }
    return taken;
}

/* One set's share of a draw: its classes (the seven emotions, disgust, none) equally often, the
 * first ones once more where it does not divide. */
static size_t draw_set(const struct dy_fit_pictures *pictures, size_t set, size_t wanted,
                       struct dy_evaluate_random *random, uint32_t *members, uint32_t *drawn)
{
    size_t sizes[UINT8_MAX + 1] = {0}, classes = 0, at = 0, class_at = 0;
    for (size_t i = 0; i < pictures->count; i++)
        if (pictures->set[i] == set)
            classes += sizes[pictures->emotion[i]]++ == 0;
    for (size_t class = 0; class <= UINT8_MAX; class ++) {
        size_t count = 0;
        if (sizes[class] == 0)
            continue;
        for (size_t i = 0; i < pictures->count; i++)
            if (pictures->set[i] == set && pictures->emotion[i] == class)
                members[count++] = (uint32_t)i;
        at += take(members, count, wanted / classes + (class_at < wanted % classes), random,
                   drawn + at);
        class_at++;
    }
    return at;
}

static void add(struct dy_variety *sum, const struct dy_variety *one)
{
    sum->shown += one->shown;
    sum->different += one->different;
    sum->different_artists += one->different_artists;
    sum->artists += one->artists;
    sum->usual_most += one->usual_most;
    if (one->most > sum->most) {
        sum->most = one->most;
        sum->most_song = one->most_song;
    }
    for (size_t b = 0; b < DY_SHOWS_BINS; b++)
        sum->histogram[b] += one->histogram[b];
}

static size_t rounded(size_t sum, size_t count)
{
    return (sum + count / 2) / count;
}

static void divide(struct dy_variety *sum, size_t draws)
{
    sum->shown = rounded(sum->shown, draws);
    sum->different = rounded(sum->different, draws);
    sum->different_artists = rounded(sum->different_artists, draws);
    sum->artists /= (double)draws;
    sum->usual_most /= (double)draws;
    for (size_t b = 0; b < DY_SHOWS_BINS; b++)
        sum->histogram[b] = rounded(sum->histogram[b], draws);
}

static enum dylumo_status one_draw(struct dy_variety *out, const struct dy_fit_catalogue *catalogue,
                                   const uint32_t *songs, const uint32_t *drawn, size_t count,
                                   uint32_t *answers, struct dylumo_error *err)
{
    for (size_t i = 0; i < count; i++)
        memcpy(answers + i * DY_FIT_SONGS_EACH, songs + (size_t)drawn[i] * DY_FIT_SONGS_EACH,
               DY_FIT_SONGS_EACH * sizeof *answers);
    return dy_variety_count(out, answers, count, DY_FIT_SONGS_EACH, catalogue->artist,
                            catalogue->count, err);
}

enum dylumo_status fit_variety(struct dy_variety *out, const struct dy_fit_pictures *pictures,
                               const struct dy_fit_catalogue *catalogue, const uint32_t *songs,
                               const struct dy_fit_options *options, struct dylumo_error *err)
{
    if (options->draws == 0)
        return dy_variety_count(out, songs, pictures->count, DY_FIT_SONGS_EACH, catalogue->artist,
                                catalogue->count, err);
    struct dy_evaluate_random random = {options->seed};
    uint32_t *members = dy_new_array(pictures->count, (2 + DY_FIT_SONGS_EACH) * sizeof *members);
    *out = (struct dy_variety){.most_song = DY_NO_SONG};
    enum dylumo_status st = DYLUMO_OK;
    if (!members)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to draw %zu pictures", pictures->count);
    for (size_t draw = 0; !st && draw < options->draws; draw++) {
        uint32_t *drawn = members + pictures->count, *answers = drawn + pictures->count;
        size_t count = 0;
        struct dy_variety one;
        for (size_t s = 0; s < pictures->set_count; s++)
            count +=
                draw_set(pictures, s, options->draw_of_set[s], &random, members, drawn + count);
        st = one_draw(&one, catalogue, songs, drawn, count, answers, err);
        if (!st)
            add(out, &one);
    }
    divide(out, options->draws);
    dy_free(members);
    return st;
}
