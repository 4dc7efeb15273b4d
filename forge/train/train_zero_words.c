/* Sentences for every end of every scale, as directions in an encoder's space: the mean embedding
 * of one end less that of the other (Radford et al. 2021, section 3.1.4: several sentences for each
 * thing, averaged as embeddings). What all sentences have in common, being text, cancels. */
#include "train_zero.h"

#include <math.h>
#include <string.h>

#define SENTENCES 6

static const char *const pleasant[SENTENCES] = {
    "a photo that makes people feel good", "a happy, joyful moment",
    "a pleasant and beautiful scene",      "a picture of something lovely that people like",
    "a cheerful photo full of warmth",     "a heartwarming image",
};
static const char *const unpleasant[SENTENCES] = {
    "a photo that makes people feel bad", "a sad, miserable moment",
    "an unpleasant and ugly scene",       "a picture of something awful that people dislike",
    "a gloomy photo full of despair",     "a disturbing image",
};
static const char *const lively[SENTENCES] = {
    "an exciting photo full of energy",     "an intense scene with a lot of action",
    "something wild, loud and fast",        "a thrilling, dramatic moment",
    "a crowd of people dancing at a party", "an image that makes the heart beat faster",
};
static const char *const calm[SENTENCES] = {
    "a calm photo full of stillness",  "a quiet scene in which nothing happens",
    "something soft, silent and slow", "a peaceful, relaxing moment",
    "a person resting alone at home",  "an image that makes people sleepy",
};
static const char *const emotions[DYLUMO_EMOTION_COUNT][SENTENCES] = {
    [DYLUMO_AMUSEMENT] = {"a photo that makes people feel amusement", "a funny, playful picture",
                          "people laughing and having fun", "a silly animal",
                          "children playing a game", "a joke"},
    [DYLUMO_ANGER] = {"a photo that makes people feel anger", "an angry, furious face",
                      "people shouting in a fight", "an unfair, outrageous scene",
                      "a violent protest", "rage"},
    [DYLUMO_AWE] = {"a photo that makes people feel awe", "a breathtaking, majestic landscape",
                    "a vast and wonderful view", "a huge mountain under a dramatic sky",
                    "a grand cathedral", "wonder"},
    [DYLUMO_CONTENTMENT] = {"a photo that makes people feel content", "a cosy, comfortable place",
                            "a family at rest together", "a quiet garden in soft light",
                            "a satisfied, relaxed person", "peace"},
    [DYLUMO_EXCITEMENT] = {"a photo that makes people feel excitement", "a thrilling adventure",
                           "athletes racing at full speed", "a concert with a cheering crowd",
                           "a roller coaster", "excitement"},
    [DYLUMO_FEAR] = {"a photo that makes people feel fear", "a scary, threatening scene",
                     "a dark and creepy place", "a dangerous animal about to attack",
                     "a horror film", "terror"},
    [DYLUMO_SADNESS] = {"a photo that makes people feel sadness", "a sad, lonely person",
                        "people mourning at a funeral", "a crying child",
                        "an abandoned, empty house", "grief"},
};
/* Of all kinds of things: where sentences lie when they say nothing about a mood. */
static const char *const everything[] = {
    "a photo of a dog",      "a photo of a street",   "a photo of a person", "a photo of food",
    "a photo of a car",      "a photo of a house",    "a photo of the sea",  "a photo of a tree",
    "a photo of a room",     "a photo of a bird",     "a photo of a book",   "a photo of the sky",
    "a photo of a flower",   "a photo of a city",     "a photo of a boat",   "a photo of a table",
    "a photo of a mountain", "a photo of a building", "a photo of clothes",  "a photo of a machine",
    "a photo of a cat",      "a photo of a group",    "a photo of a river",  "a photo of a child",
};

struct reader {
    const struct dy_encoder *text;
    struct dy_encoder_work *work;
    size_t dimension;
    float *one; /* [dimension] scratch */
};

/* to += share times each sentence's embedding, at length 1. */
static enum dylumo_status add_sentences(const struct reader *reader, const char *const *sentences,
                                        size_t count, float share, float *to,
                                        struct dylumo_error *err)
{
    for (size_t i = 0; i < count; i++) {
        double length = 0;
        enum dylumo_status st = dy_encoder_run_text(reader->text, reader->work, sentences[i],
                                                    strlen(sentences[i]), reader->one, err);
        if (st)
            return st;
        for (size_t j = 0; j < reader->dimension; j++)
            length += (double)reader->one[j] * (double)reader->one[j];
        float factor = length > 0 ? share / (float)sqrt(length) : 0;
        for (size_t j = 0; j < reader->dimension; j++)
            to[j] += factor * reader->one[j];
    }
    return DYLUMO_OK;
}

static enum dylumo_status add_scale(const struct reader *reader, const char *const *up,
                                    const char *const *down, float *to, struct dylumo_error *err)
{
    enum dylumo_status st = add_sentences(reader, up, SENTENCES, 1.0f / SENTENCES, to, err);
    return st ? st : add_sentences(reader, down, SENTENCES, -1.0f / SENTENCES, to, err);
}

static enum dylumo_status add_emotions(const struct reader *reader, struct train_zero_words *words,
                                       struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    for (unsigned e = 0; e < DYLUMO_EMOTION_COUNT && !st; e++)
        st =
            add_sentences(reader, emotions[e], SENTENCES, 1.0f / SENTENCES, words->emotion[e], err);
    for (size_t j = 0; j < words->dimension && !st; j++) {
        float mean = 0;
        for (unsigned e = 0; e < DYLUMO_EMOTION_COUNT; e++)
            mean += words->emotion[e][j] / DYLUMO_EMOTION_COUNT;
        for (unsigned e = 0; e < DYLUMO_EMOTION_COUNT; e++)
            words->emotion[e][j] -= mean;
    }
    return st;
}

static enum dylumo_status read_all(const struct reader *reader, struct train_zero_words *words,
                                   struct dylumo_error *err)
{
    size_t count = DY_COUNT(everything);
    enum dylumo_status st = add_scale(reader, pleasant, unpleasant, words->valence, err);
    if (!st)
        st = add_scale(reader, lively, calm, words->arousal, err);
    if (!st)
        st = add_emotions(reader, words, err);
    if (!st)
        st = add_sentences(reader, everything, count, 1.0F / (float)count, words->mean, err);
    return st;
}

static enum dylumo_status words_init(struct train_zero_words *words, const struct dy_encoder *text,
                                     struct dylumo_error *err)
{
    size_t dimension = dy_encoder_info(text)->dimension;
    struct reader reader = {.text = text, .dimension = dimension};
    *words = (struct train_zero_words){
        .dimension = dimension,
        .memory = dy_new_array((DYLUMO_EMOTION_COUNT + 4) * dimension, sizeof(float))};
    if (!words->memory)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the directions of words");
    words->valence = words->memory;
    words->arousal = words->memory + dimension;
    words->mean = words->memory + 2 * dimension;
    reader.one = words->memory + 3 * dimension;
    for (unsigned e = 0; e < DYLUMO_EMOTION_COUNT; e++)
        words->emotion[e] = words->memory + (4 + e) * dimension;
    enum dylumo_status st = dy_encoder_work_new(&reader.work, text, err);
    if (!st)
        st = read_all(&reader, words, err);
    dy_encoder_work_free(reader.work);
    if (st)
        train_zero_words_clear(words);
    return st;
}

enum dylumo_status train_zero_words_open(struct train_zero_words *words, const char *encoder_path,
                                         bool optional, const struct dylumo_context *context,
                                         struct dylumo_error *err)
{
    struct dy_encoder *text = NULL;
    struct dylumo_error why;
    *words = (struct train_zero_words){0};
    enum dylumo_status st = dy_encoder_open_text(&text, encoder_path, DY_PRECISION_F32,
                                                 dy_context_threads(context), &why);
    if (st == DYLUMO_UNSUPPORTED && optional)
        return DYLUMO_OK;
    if (st) {
        if (err)
            *err = why;
        return st;
    }
    st = words_init(words, text, err);
    dy_encoder_close(text);
    return st;
}

void train_zero_words_clear(struct train_zero_words *words)
{
    dy_free(words->memory);
    *words = (struct train_zero_words){0};
}
