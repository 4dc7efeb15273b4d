/* Words as well as pictures, for encoders that read both: their embedding, moved to where pictures
 * lie, is a view of its own or leans on those of the pictures. The text tower is opened when words
 * are first asked for, since most never ask. */
#include "recommend_internal.h"

#include <string.h>

#define DEFAULT_WEIGHT 0.5
#define LONGEST 4096 /* bytes of words; encoders cut them far earlier */

/* Opened once, by whoever comes first. */
static enum dylumo_status open_words(struct dylumo *dylumo, struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    if (!dylumo->encoder)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "words need an encoder, and none is open");
    pthread_mutex_lock(&dylumo->lock);
    if (!dylumo->words)
        st = dy_encoder_open_text(&dylumo->words, dylumo->encoder_path,
                                  dy_encoder_info(dylumo->encoder)->precision,
                                  dy_context_threads(&dylumo->context), err);
    pthread_mutex_unlock(&dylumo->lock);
    return st;
}

static enum dylumo_status read_words(const struct dylumo *dylumo, const char *text,
                                     float *embedding, struct dylumo_error *err)
{
    struct dy_encoder_work *work;
    enum dylumo_status st = dy_encoder_work_new(&work, dylumo->words, err);
    if (st)
        return st;
    st = dy_encoder_run_text(dylumo->words, work, text, strlen(text), embedding, err);
    dy_encoder_work_free(work);
    return st ? st : dy_mood_center_words(dylumo->mood, embedding, embedding, err);
}

/* Refuses what would be read as something else than it says. */
static enum dylumo_status check_words(const char *text, double weight, struct dylumo_error *err)
{
    size_t size = strlen(text);
    if (size > LONGEST || !dy_text_valid(text, size))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "the words are %zu bytes%s, expected at most %d of UTF-8", size,
                       dy_text_valid(text, size) ? "" : " that are no UTF-8", LONGEST);
    if (!text[strspn(text, " \t\r\n")])
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "the words are empty, expected at least one");
    if (!(weight >= 0 && weight <= 1))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "words weigh %g, expected 0 to 1", weight);
    return DYLUMO_OK;
}

enum dylumo_status recommend_lean_on_words(const struct dylumo *dylumo,
                                           const struct dylumo_query *query, float *embeddings,
                                           size_t views, struct dylumo_error *err)
{
    struct dylumo *shared = (struct dylumo *)(uintptr_t)dylumo; /* words have a lock */
    const char *text = DY_MEMBER(query, text);
    double given = DY_MEMBER(query, text_weight);
    float weight = (float)(given != 0 ? given : DEFAULT_WEIGHT);
    size_t dimension = dy_mood_info(dylumo->mood)->dimension;
    enum dylumo_status st = check_words(text, given, err);
    if (!st)
        st = open_words(shared, err);
    if (st)
        return st;
    float *words = dy_new_array(dimension, sizeof *words);
    if (!words)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the words");
    st = read_words(dylumo, text, words, err);
    for (size_t i = 0; !st && i < views * dimension; i++)
        embeddings[i] = (1 - weight) * embeddings[i] + weight * words[i % dimension];
    dy_free(words);
    return st;
}

enum dylumo_status recommend_words_alone(const struct dylumo *dylumo,
                                         const struct dylumo_query *query, struct dy_mood *mood,
                                         struct dylumo_error *err)
{
    struct dylumo_query whole = *query; /* of this library's size, or text would not be there */
    whole.text_weight = 1;
    float *embedding = dy_new_array(dy_mood_info(dylumo->mood)->dimension, sizeof(float));
    if (!embedding)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the words");
    enum dylumo_status st = check_words(query->text, query->text_weight, err);
    if (!st)
        st = recommend_lean_on_words(dylumo, &whole, embedding, 1, err);
    if (!st)
        st = dy_mood_predict(dylumo->mood, embedding, 1, mood, err);
    mood->asked = true;
    dy_free(embedding);
    return st;
}
