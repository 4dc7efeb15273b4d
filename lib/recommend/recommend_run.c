/* The calls of dylumo.h that answer: one picture, several as one mood, or a mood alone. */
#include "recommend_internal.h"

#include <math.h>
#include <string.h>

/* The embeddings of all views of several pictures make one mood: outputs are averaged over them. */
static enum dylumo_status answer_views(const struct dylumo *dylumo, const float *embeddings,
                                       size_t views, const char *name,
                                       const struct recommend_sight *sight,
                                       const struct dylumo_query *query, struct dylumo_answer **out,
                                       struct dylumo_error *err)
{
    double start = recommend_now_ms();
    struct dy_mood mood;
    enum dylumo_status st = dy_mood_predict(dylumo->mood, embeddings, (unsigned)views, &mood, err);
    double mood_ms = recommend_now_ms() - start;
    if (!st)
        st = recommend_answer(dylumo, &mood, name, sight, query, out, err);
    if (!st)
        (*out)->times.mood = mood_ms;
    return st;
}

/* The same for pictures, towards the query's words where it has some. */
static enum dylumo_status answer_embeddings(const struct dylumo *dylumo, float *embeddings,
                                            size_t pictures, const char *name,
                                            const struct recommend_sight *sight,
                                            const struct dylumo_query *query,
                                            struct dylumo_answer **out, struct dylumo_error *err)
{
    size_t views = pictures * (dy_mood_info(dylumo->mood)->flip ? 2 : 1);
    enum dylumo_status st = DYLUMO_OK;
    if (DY_MEMBER(query, text))
        st = recommend_lean_on_words(dylumo, query, embeddings, views, err);
    return st ? st : answer_views(dylumo, embeddings, views, name, sight, query, out, err);
}

enum dylumo_status dylumo_recommend_memory(const struct dylumo *dylumo, const void *bytes,
                                           size_t size, const char *name,
                                           const struct dylumo_query *query,
                                           struct dylumo_answer **out, struct dylumo_error *err)
{
    double start = recommend_now_ms();
    struct recommend_sight sight = {0};
    float *embeddings = dy_new_array(recommend_embedding_size(dylumo), sizeof *embeddings);
    enum dylumo_status st = DYLUMO_OK;
    if (!embeddings)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for its embedding", name);
    if (!st)
        st = recommend_see(dylumo, bytes, size, name, DY_MEMBER(query, exact) != 0, embeddings,
                           &sight, err);
    if (!st)
        st = answer_embeddings(dylumo, embeddings, 1, name, &sight, query, out, err);
    dy_free(embeddings);
    if (!st)
        (*out)->times.total = recommend_now_ms() - start;
    return st;
}

enum dylumo_status dylumo_recommend_file(const struct dylumo *dylumo, const char *path,
                                         const struct dylumo_query *query,
                                         struct dylumo_answer **out, struct dylumo_error *err)
{
    double start = recommend_now_ms();
    uint8_t *bytes;
    size_t size;
    enum dylumo_status st = dy_read_picture(&bytes, &size, path, &dylumo->context, err);
    if (st)
        return st;
    double read_ms = recommend_now_ms() - start;
    st = dylumo_recommend_memory(dylumo, bytes, size, path, query, out, err);
    dy_free(bytes);
    if (!st) {
        (*out)->times.read = read_ms;
        (*out)->times.total += read_ms;
    }
    return st;
}

static enum dylumo_status see_file(const struct dylumo *dylumo, const char *path, bool exact,
                                   float *embeddings, struct dylumo_error *err)
{
    struct recommend_sight sight;
    uint8_t *bytes;
    size_t size;
    enum dylumo_status st = dy_read_picture(&bytes, &size, path, &dylumo->context, err);
    if (st)
        return st;
    st = recommend_see(dylumo, bytes, size, path, exact, embeddings, &sight, err);
    dy_free(bytes);
    return st;
}

enum dylumo_status dylumo_recommend_together(const struct dylumo *dylumo, const char *const *paths,
                                             size_t count, const struct dylumo_query *query,
                                             struct dylumo_answer **out, struct dylumo_error *err)
{
    if (count == 0)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "no pictures given; expected at least one");
    double start = recommend_now_ms();
    size_t each = recommend_embedding_size(dylumo), all;
    float *embeddings =
        dy_size_mul(each, count, &all) ? dy_new_array(all, sizeof *embeddings) : NULL;
    enum dylumo_status st = DYLUMO_OK;
    if (!embeddings)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu pictures", count);
    for (size_t i = 0; !st && i < count; i++)
        st = see_file(dylumo, paths[i], DY_MEMBER(query, exact) != 0, embeddings + i * each, err);
    char name[64];
    snprintf(name, sizeof name, "%zu pictures together", count);
    if (!st)
        st = answer_embeddings(dylumo, embeddings, count, name, NULL, query, out, err);
    dy_free(embeddings);
    if (!st)
        (*out)->times.total = recommend_now_ms() - start;
    return st;
}

/* What another process saw, as an answer tells it. The type's name becomes one of ours. */
static void tell_picture(struct dylumo_answer *answer, const struct dylumo_picture *picture)
{
    for (int type = DY_IMAGE_JPEG; type <= DY_IMAGE_AVIF; type++) {
        const char *name = dy_image_type_name((enum dy_image_type)type);
        if (!strncmp(name, picture->type, sizeof picture->type))
            answer->picture_type = name;
    }
    answer->width = picture->width;
    answer->height = picture->height;
    answer->frames = picture->frames;
    answer->times.decode = picture->decode_ms;
    answer->times.resize = picture->resize_ms;
}

enum dylumo_status dylumo_recommend_pixels(const struct dylumo *dylumo,
                                           const uint8_t *const *pixels, size_t count,
                                           const struct dylumo_picture *picture,
                                           const struct dylumo_query *query,
                                           struct dylumo_answer **out, struct dylumo_error *err)
{
    if (count == 0)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "no pictures given; expected at least one");
    double start = recommend_now_ms(), encode_ms = 0;
    size_t each = recommend_embedding_size(dylumo), all;
    float *embeddings =
        dy_size_mul(each, count, &all) ? dy_new_array(all, sizeof *embeddings) : NULL;
    enum dylumo_status st = DYLUMO_OK;
    if (!embeddings)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu pictures", count);
    for (size_t i = 0; !st && i < count; i++) {
        double ms;
        st = recommend_encode(dylumo, pixels[i], embeddings + i * each, &ms, err);
        encode_ms += st ? 0 : ms;
    }
    if (!st)
        st = answer_embeddings(dylumo, embeddings, count, NULL, NULL, query, out, err);
    dy_free(embeddings);
    if (st)
        return st;
    if (picture)
        tell_picture(*out, picture);
    (*out)->times.encode = encode_ms;
    (*out)->times.total = recommend_now_ms() - start;
    return DYLUMO_OK;
}

enum dylumo_status dylumo_recommend_embedding(const struct dylumo *dylumo, const float *embeddings,
                                              size_t views, size_t dimension, const char *name,
                                              const struct dylumo_query *query,
                                              struct dylumo_answer **out, struct dylumo_error *err)
{
    double start = recommend_now_ms();
    const char *called = name ? name : "the embedding";
    unsigned wanted = dy_mood_info(dylumo->mood)->dimension;
    if (dimension != wanted)
        return dy_fail(err, DYLUMO_MISMATCH,
                       "%s: has %zu numbers, the mood weights (%s) want %u of the encoder %s",
                       called, dimension, dylumo->mood_path, wanted,
                       dy_mood_info(dylumo->mood)->encoder);
    if (DY_MEMBER(query, text))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: words go with photos, or alone", called);
    if (views == 0 || views > UINT32_MAX)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: %zu views, expected at least one", called,
                       views);
    enum dylumo_status st = answer_views(dylumo, embeddings, views, name, NULL, query, out, err);
    if (!st)
        (*out)->times.total = recommend_now_ms() - start;
    return st;
}

/* A mood that no picture shows is what the query sets, and the middle in all else. */
static void tell_as_asked(const struct dylumo *dylumo, const struct dylumo_query *query,
                          struct dylumo_mood *mood)
{
    for (size_t c = 0, count = DY_MEMBER(query, change_count); c < count; c++) {
        const struct dylumo_change *change = &query->changes[c];
        for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
            enum dylumo_feature feature = (enum dylumo_feature)f;
            if (strcmp(change->name, dylumo_feature_info(feature)->name) != 0)
                continue;
            double place = change->value + (change->relative ? mood->places[f] : 0);
            mood->places[f] = fmin(fmax(place, 0), 1);
            double score = dy_normal_quantile(mood->places[f]);
            mood->features[f] = dy_songs_raw_value(dylumo->songs, feature, score);
        }
    }
    mood->valence = mood->places[DYLUMO_VALENCE];
    mood->energy = mood->places[DYLUMO_ENERGY];
}

enum dylumo_status dylumo_recommend_mood(const struct dylumo *dylumo,
                                         const struct dylumo_query *query,
                                         struct dylumo_answer **out, struct dylumo_error *err)
{
    double start = recommend_now_ms();
    bool cosine;
    enum dylumo_status st = recommend_read_rank(query, &cosine, err);
    if (!st && cosine)
        st = dy_fail(err, DYLUMO_BAD_ARGUMENT,
                     "ranking by cosine takes the features of a picture; a mood alone has none");
    if (st)
        return st;
    struct dy_mood mood = {.axes = dy_mood_info(dylumo->mood)->axes, .asked = true};
    for (int e = 0; e < DYLUMO_EMOTION_COUNT; e++)
        mood.emotions[e] = 1.0F / DYLUMO_EMOTION_COUNT;
    for (unsigned a = 0; a < mood.axes; a++)
        mood.places[a] = 0.5F;
    if (DY_MEMBER(query, text))
        st = recommend_words_alone(dylumo, query, &mood, err);
    if (!st)
        st = recommend_answer(dylumo, &mood, NULL, NULL, query, out, err);
    if (st)
        return st;
    if (!DY_MEMBER(query, text))
        tell_as_asked(dylumo, query, &(*out)->mood);
    (*out)->times.total = recommend_now_ms() - start;
    return DYLUMO_OK;
}
