/* The original Flask service's five answers, to the letter, for programs that were written for it:
 * its names, its nesting, its times as text. Mistakes are told its way by server_reply.c. */
#include "server_internal.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* Takes object, which may be NULL. */
static void reply(struct server_request *request, json_t *object)
{
    char *text = object ? json_dumps(object, JSON_REAL_PRECISION(6)) : NULL;
    json_decref(object);
    server_reply_json(request, text);
}

static json_t *stats(const struct dylumo *dylumo)
{
    const struct dylumo_parts *parts = dylumo_parts(dylumo);
    return json_pack("{s:I, s:i, s:s, s:s}", "total_songs", (json_int_t)parts->songs,
                     "total_emotions", DYLUMO_EMOTION_COUNT, "model", parts->model, "device",
                     "cpu");
}

void server_original_health(struct server_request *request, struct server_worker *worker,
                            const struct server_models *models)
{
    (void)worker;
    reply(request, json_pack("{s:s, s:b, s:o}", "status", "healthy", "model_loaded", 1, "stats",
                             stats(models->dylumo)));
}

void server_original_stats(struct server_request *request, struct server_worker *worker,
                           const struct server_models *models)
{
    (void)worker;
    reply(request, json_pack("{s:s, s:o}", "status", "success", "stats", stats(models->dylumo)));
}

void server_original_ready(struct server_request *request, struct server_worker *worker,
                           const struct server_models *models)
{
    (void)worker;
    (void)models;
    bool draining = request->server->draining;
    reply(request, json_pack("{s:s}", "status", draining ? "stopping" : "ready"));
    if (draining)
        request->reply.status = MHD_HTTP_SERVICE_UNAVAILABLE;
}

void server_original_emotions(struct server_request *request, struct server_worker *worker,
                              const struct server_models *models)
{
    (void)worker;
    (void)models;
    json_t *list = json_array();
    for (int e = 0; list && e < DYLUMO_EMOTION_COUNT; e++)
        json_array_append_new(list, json_string(dylumo_emotion_name((enum dylumo_emotion)e)));
    reply(request, json_pack("{s:s, s:o}", "status", "success", "emotions", list));
}

/* ------------------------------------------------------------------ recommend */

static json_t *text_or_null(const char *text)
{
    char *clean = text ? dy_text_clean(text, strlen(text), NULL) : NULL;
    json_t *value = clean ? json_string(clean) : json_null();
    dy_free(clean);
    return value;
}

static json_t *emotion(const struct dylumo_mood *mood)
{
    json_t *all = json_object();
    int likeliest = 0;
    for (int e = 0; all && e < DYLUMO_EMOTION_COUNT; e++) {
        if (mood->emotions[e] > mood->emotions[likeliest])
            likeliest = e;
        json_object_set_new(all, dylumo_emotion_name((enum dylumo_emotion)e),
                            json_real(round(mood->emotions[e] * 1e4) / 1e4));
    }
    return json_pack("{s:s, s:f, s:o}", "predicted_emotion",
                     dylumo_emotion_name((enum dylumo_emotion)likeliest), "confidence",
                     round(mood->emotions[likeliest] * 1e4) / 1e4, "all_probabilities", all);
}

static json_t *recommendation(const struct dylumo_song *song)
{
    json_t *object = json_pack(
        "{s:i, s:f, s:o, s:o, s:o, s:o, s:o, s:o}", "rank", (int)song->rank, "similarity_score",
        round(song->match * 100) / 1e4, "track_name", text_or_null(song->title), "artist_name",
        text_or_null(song->artist), "track_id", text_or_null(song->id), "year",
        song->year ? json_integer(song->year) : json_null(), "genre", text_or_null(song->genre),
        "popularity", song->popularity < 0 ? json_null() : json_integer(song->popularity));
    for (int f = 0; object && f < DYLUMO_FEATURE_COUNT; f++)
        json_object_set_new(object, dylumo_feature_info((enum dylumo_feature)f)->name,
                            json_real(song->features[f]));
    return object;
}

static json_t *whole(const struct dylumo *dylumo, const struct dylumo_answer *answer,
                     uint32_t asked, double ms)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < answer->song_count; i++)
        json_array_append_new(list, recommendation(dylumo_answer_song(answer, i)));
    char seconds[32];
    snprintf(seconds, sizeof seconds, "%.2fs", ms / 1e3);
    return json_pack("{s:s, s:o, s:o, s:s, s:{s:i, s:I, s:s}}", "status", "success", "emotion",
                     emotion(&answer->mood), "recommendations", list, "inference_time", seconds,
                     "metadata", "top_k", (int)asked, "total_songs_in_db",
                     (json_int_t)dylumo_parts(dylumo)->songs, "device", "cpu");
}

void server_original_recommend(struct server_request *request, struct server_worker *worker,
                               const struct server_models *models)
{
    struct server_ask ask;
    struct dylumo_answer *answer = NULL;
    struct dylumo_error err;
    double begun = server_now_ms();
    enum dylumo_status st = server_ask_read(&ask, request, KNOB_TOP_K, 1, true, &err);
    if (!ask.query.count)
        ask.query.count = 10;
    if (!st)
        st = server_recommend(worker, models->dylumo, &ask, &answer, &err);
    if (st)
        server_reply_error(request, &err);
    else
        reply(request, whole(models->dylumo, answer, ask.query.count, server_now_ms() - begun));
    dylumo_answer_free(answer);
    server_ask_clear(&ask);
}
