/* The answers of /v1/ to pictures and moods, and what is open. */
#include "server_internal.h"

#include <jansson.h>
#include <string.h>

static void count_us(atomic_ullong *sum, double ms)
{
    atomic_fetch_add_explicit(sum, (unsigned long long)(ms * 1e3), memory_order_relaxed);
}

/* Every picture through the helper into the worker's pixels. */
static enum dylumo_status decode_all(struct server_worker *worker, const struct dylumo *dylumo,
                                     const struct server_ask *ask, struct dylumo_picture *picture,
                                     struct dylumo_error *err)
{
    const struct dylumo_view *view = dylumo_view(dylumo);
    enum dylumo_status st = DYLUMO_OK;
    for (size_t i = 0; !st && i < ask->picture_count; i++) {
        if (!worker->pixels[i])
            worker->pixels[i] = dy_mem_aligned(HELPER_PIXELS_MAX);
        if (!worker->pixels[i])
            return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for a picture");
        char name[40] = "picture";
        if (ask->picture_count > 1)
            snprintf(name, sizeof name, "picture %zu", i + 1);
        st = server_helper_decode(&worker->helper, ask->pictures[i].data, ask->pictures[i].size,
                                  name, view, ask->query.exact, worker->server->options.max_pixels,
                                  worker->pixels[i], picture, err);
        if (!st)
            count_us(&worker->server->metrics.decode_us, picture->decode_ms + picture->resize_ms);
    }
    return st;
}

/* The library's sentence for this names the encoder's file, which is no stranger's business. */
static enum dylumo_status say_no_words(const struct dylumo *dylumo, struct dylumo_error *err)
{
    return dy_fail(err, DYLUMO_UNSUPPORTED,
                   "text: the encoder '%s' sees pictures only; expected a CLIP",
                   dylumo_parts(dylumo)->model);
}

enum dylumo_status server_recommend(struct server_worker *worker, const struct dylumo *dylumo,
                                    const struct server_ask *ask, struct dylumo_answer **answer,
                                    struct dylumo_error *err)
{
    struct server_metrics *metrics = &worker->server->metrics;
    struct dylumo_picture picture = DYLUMO_PICTURE_INIT;
    enum dylumo_status st = decode_all(worker, dylumo, ask, &picture, err);
    if (st)
        return st;
    st = ask->picture_count
             ? dylumo_recommend_pixels(
                   dylumo, (const uint8_t *const *)worker->pixels, ask->picture_count,
                   ask->picture_count == 1 ? &picture : NULL, &ask->query, answer, err)
             : dylumo_recommend_mood(dylumo, &ask->query, answer, err);
    if (st == DYLUMO_UNSUPPORTED && ask->query.text)
        return say_no_words(dylumo, err);
    if (st)
        return st;
    atomic_fetch_add(&metrics->pictures, ask->picture_count);
    count_us(&metrics->encode_us, (*answer)->times.encode);
    count_us(&metrics->search_us, (*answer)->times.search);
    return DYLUMO_OK;
}

void server_v1_recommend(struct server_request *request, struct server_worker *worker,
                         const struct server_models *models)
{
    bool pictures = !strcmp(request->method_name, "POST");
    struct server_ask ask;
    struct dylumo_answer *answer = NULL;
    struct dylumo_error err;
    enum dylumo_status st = server_ask_read(
        &ask, request, KNOB_COUNT | KNOB_MOOD | KNOB_FILTER | KNOB_EXACT | KNOB_FORMAT,
        pictures ? SERVER_PICTURES_MAX : 0, false, &err);
    if (!st)
        st = server_recommend(worker, models->dylumo, &ask, &answer, &err);
    if (st)
        server_reply_error(request, &err);
    else
        server_reply_songs(request, &ask, answer->songs, answer->song_count,
                           dy_present_json(answer, dylumo_parts(models->dylumo), false));
    dylumo_answer_free(answer);
    server_ask_clear(&ask);
}

static json_t *feature_list(void)
{
    json_t *list = json_array();
    for (int f = 0; list && f < DYLUMO_FEATURE_COUNT; f++) {
        const struct dylumo_feature_info *info = dylumo_feature_info((enum dylumo_feature)f);
        json_array_append_new(list, json_pack("{s:s, s:s, s:f, s:f}", "name", info->name, "unit",
                                              info->unit, "min", info->min, "max", info->max));
    }
    return list;
}

static json_t *emotion_list(void)
{
    json_t *list = json_array();
    for (int e = 0; list && e < DYLUMO_EMOTION_COUNT; e++)
        json_array_append_new(list, json_string(dylumo_emotion_name((enum dylumo_emotion)e)));
    return list;
}

void server_v1_info(struct server_request *request, struct server_worker *worker,
                    const struct server_models *models)
{
    (void)worker;
    struct server_ask ask;
    struct dylumo_error err;
    if (server_ask_read(&ask, request, 0, 0, false, &err)) {
        server_reply_error(request, &err);
        return;
    }
    const struct dylumo_parts *parts = dylumo_parts(models->dylumo);
    const struct dy_server_options *options = &request->server->options;
    json_t *object =
        json_pack("{s:i, s:s, s:s, s:s, s:{s:I}, s:o, s:o, s:{s:I, s:I, s:i, s:i}}", "schema", 1,
                  "version", dylumo_version(), "model", parts->model, "precision", parts->precision,
                  "catalogue", "songs", (json_int_t)parts->songs, "features", feature_list(),
                  "emotions", emotion_list(), "limits", "body_bytes",
                  (json_int_t)options->max_body_bytes, "pixels", (json_int_t)options->max_pixels,
                  "pictures", SERVER_PICTURES_MAX, "count", SERVER_COUNT_MAX);
    char *text = object ? json_dumps(object, JSON_REAL_PRECISION(6)) : NULL;
    json_decref(object);
    server_reply_json(request, text);
}
