/* What the files of recommend share. */
#ifndef RECOMMEND_INTERNAL_H
#define RECOMMEND_INTERNAL_H

#include "dy_encoder.h"
#include "dy_image.h"
#include "dy_rank.h"

#include <pthread.h>

#define RECOMMEND_PATH 1024

/* What one running request needs; kept for the next one when it is done. */
struct recommend_work {
    struct recommend_work *next;
    struct dy_encoder_work *encoder;
    uint8_t *pixels;   /* [height][width][3] */
    uint8_t *mirrored; /* the same, when the mood file wants both; else NULL */
};

struct dylumo {
    struct dylumo_context context;
    struct dylumo_parts parts;
    struct dylumo_view view;
    char encoder_path[RECOMMEND_PATH], mood_path[RECOMMEND_PATH], songs_path[RECOMMEND_PATH];
    struct dy_encoder *encoder;
    struct dy_mood_model *mood;
    struct dy_songs *songs;
    struct dy_rank *rank;
    struct dy_encoder *words; /* of texts, opened when first asked for; NULL: not yet */
    pthread_mutex_t lock;     /* of idle and words */
    struct recommend_work *idle;
};

/* Which file a part is, for flags, environment and folders. */
enum recommend_part { RECOMMEND_ENCODER, RECOMMEND_MOOD, RECOMMEND_SONGS };

/* The path of a part into path[size]: given (a flag), else the environment, else the first folder
 * of the documented order that holds it. An encoder may be given by its name: the folders are then
 * searched for NAME.safetensors. NOT_FOUND names every place that was searched. */
enum dylumo_status recommend_locate(enum recommend_part part, const char *given, char *path,
                                    size_t size, struct dylumo_error *err) DY_MUST_USE;

/* The same for a mood file, which is called after the encoder that it belongs to:
 * NAME-mood.safetensors. */
enum dylumo_status recommend_locate_mood(const char *given, const char *encoder_path, char *path,
                                         size_t size, struct dylumo_error *err) DY_MUST_USE;

/* Numbers that recommend_see writes for one picture: its views times the embedding's dimension. */
size_t recommend_embedding_size(const struct dylumo *dylumo);

/* What was seen of one picture. */
struct recommend_sight {
    struct dy_image_info image;
    double encode_ms;
};

/* Decodes a picture and encodes all its views.
 *
 *   embeddings  [recommend_embedding_size]
 *
 * Fails     as dy_image_load and dy_encoder_run. */
enum dylumo_status recommend_see(const struct dylumo *dylumo, const void *bytes, size_t size,
                                 const char *name, bool exact, float *embeddings,
                                 struct recommend_sight *sight,
                                 struct dylumo_error *err) DY_MUST_USE;

/* The second half of it: encodes all views of pixels[view.height][view.width][3]. */
enum dylumo_status recommend_encode(const struct dylumo *dylumo, const uint8_t *pixels,
                                    float *embeddings, double *encode_ms,
                                    struct dylumo_error *err) DY_MUST_USE;

/* The answer to a mood: target, songs, reasons.
 *
 *   name, sight  of the picture; NULL for a mood without one
 *
 * Owns     *out for dylumo_answer_free. */
enum dylumo_status recommend_answer(const struct dylumo *dylumo, const struct dy_mood *mood,
                                    const char *name, const struct recommend_sight *sight,
                                    const struct dylumo_query *query, struct dylumo_answer **out,
                                    struct dylumo_error *err) DY_MUST_USE;

/* The mask of the songs that the query allows, NULL for all (recommend_allowed.c).
 *
 *   strange  receives how many of only_ids the catalogue does not hold
 *
 * Owns     *allowed for dy_free, also on failure.
 * Fails    as dy_songs_filter. */
enum dylumo_status recommend_allowed(const struct dy_songs *songs, const struct dylumo_query *query,
                                     uint64_t **allowed, size_t *strange,
                                     struct dylumo_error *err) DY_MUST_USE;

/* ------------------------------------------------------------------ cosine (recommend_cosine.c) */

/* Which way the query ranks.
 *
 * Fails     BAD_ARGUMENT for another word, and for knobs that ranking by cosine does not have. */
enum dylumo_status recommend_read_rank(const struct dylumo_query *query, bool *cosine,
                                       struct dylumo_error *err) DY_MUST_USE;

/* The smallest and largest values that a mood's scaled features count from: its own scaler's, else
 * the catalogue's. */
void recommend_scale_of(const struct dylumo *dylumo, double minimum[DYLUMO_FEATURE_COUNT],
                        double maximum[DYLUMO_FEATURE_COUNT]);

/* The mood's features as a target among the scaled songs. */
void recommend_cosine_aim(const struct dylumo *dylumo, const struct dy_mood *mood,
                          struct dy_cosine_query *target);

/* The list as dy_rank_list gives it; dist2 is 2 - 2 cosine. */
enum dylumo_status recommend_cosine_list(const struct dylumo *dylumo,
                                         struct dy_cosine_query *target,
                                         const struct dy_rank_rules *rules, struct dy_hit *hits,
                                         size_t *count, struct dylumo_error *err) DY_MUST_USE;

/* Why a song is there, as one plain line; returns its cosine. */
double recommend_cosine_why(const struct dylumo *dylumo, const struct dy_cosine_query *target,
                            uint32_t song, char *why, size_t size);

/* ------------------------------------------------------------------ words (recommend_words.c) */

/* Moves the embeddings of pictures towards the query's words.
 *
 *   embeddings  [views][dimension]
 *
 * Fails     UNSUPPORTED for an encoder or a mood file that knows no words; BAD_ARGUMENT for words
 *           that are none. */
enum dylumo_status recommend_lean_on_words(const struct dylumo *dylumo,
                                           const struct dylumo_query *query, float *embeddings,
                                           size_t views, struct dylumo_error *err) DY_MUST_USE;
/* The mood of the query's words without a picture. */
enum dylumo_status recommend_words_alone(const struct dylumo *dylumo,
                                         const struct dylumo_query *query, struct dy_mood *mood,
                                         struct dylumo_error *err) DY_MUST_USE;

/* Milliseconds on a clock that only goes forward. */
double recommend_now_ms(void);

#endif
