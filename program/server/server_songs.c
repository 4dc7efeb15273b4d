/* The answers of /v1/ about songs themselves: found by words, one by its id, like another, listed
 * by ids as a playlist. */
#include "server_internal.h"

#include <math.h>
#include <string.h>

/* Songs as an answer holds them, with their texts. */
struct list {
    size_t count;
    struct dylumo_song songs[SERVER_COUNT_MAX + 1];
    char *texts[SERVER_COUNT_MAX + 1][5];
};

static void clear(struct list *list)
{
    for (size_t i = 0; list && i < list->count; i++)
        for (size_t t = 0; t < DY_COUNT(list->texts[i]); t++)
            dy_free(list->texts[i][t]);
    dy_free(list);
}

/* Spotify's page of a track, for ids that are Spotify's: 22 letters and digits. NULL: none. */
static char *page_of(struct dy_text id, bool *good)
{
    static const char page[] = "https://open.spotify.com/track/";
    for (size_t i = 0; i < id.size; i++) {
        char c = id.bytes[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return NULL;
    }
    char *url = id.size == 22 ? dy_new_array(sizeof page + 22, 1) : NULL;
    if (url)
        snprintf(url, sizeof page + 22, "%s%.*s", page, (int)id.size, id.bytes);
    *good &= url || id.size != 22;
    return url;
}

/* Appends a song; false without memory. */
static bool add(struct list *list, const struct dy_catalogue *catalogue, uint64_t number,
                double match)
{
    struct dy_catalogue_song song;
    dy_catalogue_song(catalogue, number, &song);
    bool good = true;
    const struct dy_text texts[] = {song.id, song.title, song.artist, song.genre};
    char **kept = list->texts[list->count];
    for (size_t t = 0; t < DY_COUNT(texts); t++) {
        kept[t] = dy_text_clean(texts[t].bytes, texts[t].size, NULL);
        good &= kept[t] != NULL;
    }
    kept[4] = page_of(song.id, &good);
    struct dylumo_song *out = &list->songs[list->count++];
    *out = (struct dylumo_song){
        .struct_size = sizeof *out,
        .rank = (uint32_t)list->count,
        .number = number,
        .id = kept[0],
        .title = kept[1],
        .artist = kept[2],
        .genre = song.genre.size ? kept[3] : NULL,
        .url = kept[4],
        .year = song.year,
        .popularity = song.popularity,
        .match = match,
    };
    memcpy(out->features, song.features, sizeof out->features);
    return good;
}

static struct list *new_list(struct dylumo_error *err)
{
    struct list *list = dy_new(sizeof *list);
    if (!list && dy_fail(err, DYLUMO_NO_MEMORY, "no memory for a list of songs"))
        return NULL;
    return list;
}

/* Ends every answer here: songs, or the mistake. first is how many songs stand before the list. */
static void reply(struct server_request *request, struct server_ask *ask, struct list *list,
                  bool with_song, bool with_songs, enum dylumo_status st, struct dylumo_error *err)
{
    if (st) {
        server_reply_error(request, err);
    } else {
        const struct dylumo_song *songs = list->songs + with_song;
        size_t count = list->count - with_song;
        server_reply_songs(request, ask, songs, count,
                           dy_present_songs_json(with_song ? list->songs : NULL,
                                                 with_songs ? songs : NULL, count));
    }
    clear(list);
    server_ask_clear(ask);
}

static enum dylumo_status take_hits(struct list *list, const struct dy_catalogue *catalogue,
                                    const struct dy_catalogue_hit *hits, size_t count, bool near,
                                    struct dylumo_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (!add(list, catalogue, hits[i].number,
                 near ? 100 * exp(-hits[i].score / (2.0 * DYLUMO_FEATURE_COUNT)) : (double)NAN))
            return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu songs", count);
    return DYLUMO_OK;
}

void server_songs_find(struct server_request *request, struct server_worker *worker,
                       const struct server_models *models)
{
    (void)worker;
    struct server_ask ask;
    struct dylumo_error err;
    struct dy_catalogue_hit hits[SERVER_COUNT_MAX];
    struct list *list = NULL;
    size_t count = 0;
    enum dylumo_status st =
        server_ask_read(&ask, request, KNOB_FIND | KNOB_COUNT | KNOB_FORMAT, 0, false, &err);
    if (!st && !ask.find)
        st = dy_fail(&err, DYLUMO_BAD_ARGUMENT, "find: is missing; expected words to look for");
    if (!st)
        st = dy_catalogue_find(models->catalogue, ask.find, hits,
                               ask.query.count ? ask.query.count : 10, &count, &err);
    if (!st && !(list = new_list(&err)))
        st = err.status;
    if (!st)
        st = take_hits(list, models->catalogue, hits, count, false, &err);
    reply(request, &ask, list, false, true, st, &err);
}

/* The song of the path's {id}, first in a new list. */
static enum dylumo_status start_with_song(struct list **list, const struct server_request *request,
                                          const struct dy_catalogue *catalogue,
                                          struct dylumo_error *err)
{
    uint64_t number;
    if (!dy_catalogue_has(catalogue, request->id, &number))
        return dy_fail(err, DYLUMO_NOT_FOUND, "the catalogue holds no song with the id '%s'",
                       request->id);
    *list = new_list(err);
    if (*list && add(*list, catalogue, number, (double)NAN))
        return DYLUMO_OK;
    return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for a song");
}

void server_songs_one(struct server_request *request, struct server_worker *worker,
                      const struct server_models *models)
{
    (void)worker;
    struct server_ask ask;
    struct dylumo_error err;
    struct list *list = NULL;
    enum dylumo_status st = server_ask_read(&ask, request, 0, 0, false, &err);
    if (!st)
        st = start_with_song(&list, request, models->catalogue, &err);
    reply(request, &ask, list, true, false, st, &err);
}

void server_songs_near(struct server_request *request, struct server_worker *worker,
                       const struct server_models *models)
{
    (void)worker;
    struct server_ask ask;
    struct dylumo_error err;
    struct dy_catalogue_hit hits[SERVER_COUNT_MAX];
    struct list *list = NULL;
    size_t count = 0;
    enum dylumo_status st =
        server_ask_read(&ask, request, KNOB_COUNT | KNOB_FORMAT, 0, false, &err);
    if (!st)
        st = start_with_song(&list, request, models->catalogue, &err);
    if (!st)
        st = dy_catalogue_near(models->catalogue, request->id, hits,
                               ask.query.count ? ask.query.count : 10, &count, &err);
    if (!st)
        st = take_hits(list, models->catalogue, hits, count, true, &err);
    for (size_t i = 1; !st && i < list->count; i++)
        list->songs[i].rank = (uint32_t)i;
    reply(request, &ask, list, true, true, st, &err);
}

void server_songs_playlist(struct server_request *request, struct server_worker *worker,
                           const struct server_models *models)
{
    (void)worker;
    struct server_ask ask;
    struct dylumo_error err;
    struct list *list = NULL;
    enum dylumo_status st = server_ask_read(&ask, request, KNOB_IDS | KNOB_FORMAT, 0, false, &err);
    if (!st && !ask.ids)
        st =
            dy_fail(&err, DYLUMO_BAD_ARGUMENT, "ids: is missing; expected ids with commas between");
    if (!st && !(list = new_list(&err)))
        st = err.status;
    uint64_t number;
    for (char *id; !st && (id = strsep(&ask.ids, ","));) {
        if (list->count == SERVER_COUNT_MAX)
            st = dy_fail(&err, DYLUMO_BAD_ARGUMENT, "ids: more than %d", SERVER_COUNT_MAX);
        else if (dy_catalogue_has(models->catalogue, id, &number) &&
                 !add(list, models->catalogue, number, (double)NAN))
            st = dy_fail(&err, DYLUMO_NO_MEMORY, "no memory for a song");
    }
    if (!st && !list->count)
        st = dy_fail(&err, DYLUMO_NOT_FOUND, "the catalogue holds none of these songs");
    reply(request, &ask, list, false, true, st, &err);
}
