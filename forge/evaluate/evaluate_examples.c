/* The pictures whose songs fit best and worst: those that add most to the fit and take most from
 * it, some of every labelled set. */
#include "dy_songs.h"
#include "evaluate_report.h"

#include <math.h>
#include <string.h>

/* Share of the set's values that lie below values[picture], ties half; -1 where it has none. */
static double share_below(const struct dy_fit_pictures *pictures, const double *values,
                          size_t picture)
{
    double below = 0.0, count = 0.0;
    if (isnan(values[picture]))
        return -1.0;
    for (size_t i = 0; i < pictures->count; i++) {
        if (pictures->set[i] != pictures->set[picture] || isnan(values[i]))
            continue;
        count += 1.0;
        below += values[i] < values[picture] ? 1.0 : values[i] == values[picture] ? 0.5 : 0.0;
    }
    return below / count;
}

/* "Artist: title", cleaned: a songs file may hold anything. */
static char *title_of(const struct dy_songs *songs, uint32_t number)
{
    struct dy_song song;
    dy_songs_read(songs, number, &song);
    size_t size = song.artist.size + song.title.size + 3;
    char *text = dy_new(size);
    if (!text)
        return NULL;
    int length = snprintf(text, size, "%.*s: %.*s", (int)song.artist.size, song.artist.bytes,
                          (int)song.title.size, song.title.bytes);
    char *clean = dy_text_clean(text, length < 0 ? 0 : strlen(text), NULL);
    dy_free(text);
    return clean;
}

static bool fill_example(struct dy_fit_example *out, const struct dy_fit_report *report,
                         const struct dy_fit_catalogue *catalogue, const uint32_t *songs,
                         size_t picture, double gain)
{
    const struct dy_fit_scores *scores = &report->rankings[0].scores[DY_FIT_SONGS][0];
    *out = (struct dy_fit_example){.picture = picture, .gain = gain};
    out->place[0] = share_below(report->pictures, report->pictures->valence, picture);
    out->place[1] = share_below(report->pictures, report->pictures->arousal, picture);
    out->songs[0] = share_below(report->pictures, scores->valence, picture);
    out->songs[1] = share_below(report->pictures, scores->energy, picture);
    const uint32_t *answer = songs + picture * DY_FIT_SONGS_EACH;
    for (size_t s = 0; s < DY_FIT_LISTED_SONGS && answer[s] != DY_NO_SONG; s++) {
        out->titles[s] = title_of(catalogue->songs, answer[s]);
        if (!out->titles[s])
            return false;
    }
    return true;
}

static enum dylumo_status examples_of_set(struct dy_fit_report *report,
                                          const struct dy_fit_catalogue *catalogue,
                                          const uint32_t *songs, const double *gains,
                                          const struct dy_sorted *sorted, size_t set, size_t quota,
                                          struct dylumo_error *err)
{
    const struct dy_fit_pictures *pictures = report->pictures;
    uint32_t worst[DY_FIT_EXAMPLES], best[DY_FIT_EXAMPLES];
    size_t worst_count = 0, best_count = 0;
    for (size_t i = 0; i < sorted->count && worst_count < quota; i++)
        if (pictures->set[sorted->order[i]] == set)
            worst[worst_count++] = sorted->order[i];
    for (size_t i = sorted->count; i-- > 0 && best_count < worst_count;)
        if (pictures->set[sorted->order[i]] == set)
            best[best_count++] = sorted->order[i];
    bool ok = true;
    for (size_t i = 0; ok && i < best_count; i++) {
        ok = fill_example(&report->best[report->example_count], report, catalogue, songs, best[i],
                          gains[best[i]]) &&
             fill_example(&report->worst[report->example_count], report, catalogue, songs, worst[i],
                          gains[worst[i]]);
        report->example_count += ok;
    }
    return ok ? DYLUMO_OK : dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the titles of songs");
}

enum dylumo_status fit_examples(struct dy_fit_report *report,
                                const struct dy_fit_catalogue *catalogue, const uint32_t *songs,
                                struct dylumo_error *err)
{
    size_t count = report->pictures->count, sets = report->pictures->set_count;
    double *gains = dy_new_array(count, sizeof *gains);
    uint32_t *order = dy_new_array(count, sizeof *order);
    enum dylumo_status st = DYLUMO_OK;
    if (!gains || !order)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the examples");
    for (size_t set = 0; !st && set < sets; set++) {
        size_t quota = DY_FIT_EXAMPLES * (set + 1) / sets - DY_FIT_EXAMPLES * set / sets;
        st = dy_fit_gains(gains, report->pictures, set,
                          &report->rankings[0].scores[DY_FIT_SONGS][0], err);
        if (st)
            break;
        struct dy_sorted sorted = dy_sorted_of(gains, count, order);
        st = examples_of_set(report, catalogue, songs, gains, &sorted, set, quota, err);
    }
    dy_free(gains);
    dy_free(order);
    return st;
}
