/* dylumo: give it a picture, get real songs that fit it.
 *
 * The one public header. A program opens a `struct dylumo` (encoder, mood weights and songs, all
 * mapped read-only), asks it about pictures from any number of threads, and closes it:
 *
 *     struct dylumo_error err;
 *     struct dylumo *dylumo;
 *     struct dylumo_answer *answer;
 *     if (dylumo_open(&dylumo, NULL, &err) || dylumo_recommend_file(dylumo, "photo.jpg", NULL,
 *                                                                   &answer, &err))
 *         fprintf(stderr, "%s\n", err.text);
 *
 * Every struct that a caller fills or receives begins with its size, so that later versions can
 * append members: fill it by its initialiser (DYLUMO_OPTIONS_INIT, ...). */
#ifndef DYLUMO_H
#define DYLUMO_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define DYLUMO_API __attribute__((visibility("default")))
#define DYLUMO_MUST_USE __attribute__((warn_unused_result))
#else
#define DYLUMO_API
#define DYLUMO_MUST_USE
#endif

/* ------------------------------------------------------------------ errors */

/* Every way to fail: name, one sentence. dylumo_status_name and dylumo_status_text read this list;
 * the command maps it to exit codes, the server to HTTP statuses. */
#define DYLUMO_STATUSES(X)                                                                       \
    X(DYLUMO_OK, "ok", "All went well.")                                                         \
    X(DYLUMO_BAD_ARGUMENT, "bad-argument", "The call asks for something that makes no sense.")   \
    X(DYLUMO_NO_MEMORY, "no-memory", "There is not enough memory.")                              \
    X(DYLUMO_NOT_FOUND, "not-found", "A file or song that was named is not there.")              \
    X(DYLUMO_NO_PERMISSION, "no-permission", "A file may not be read or written.")               \
    X(DYLUMO_IO, "io", "Reading or writing failed.")                                             \
    X(DYLUMO_BAD_PICTURE, "bad-picture", "The bytes are not a picture that can be read.")        \
    X(DYLUMO_BAD_FILE, "bad-file", "A model, songs or table file is broken or of another kind.") \
    X(DYLUMO_TOO_LARGE, "too-large", "The input is over a limit.")                               \
    X(DYLUMO_MISMATCH, "mismatch", "Two files do not belong together.")                          \
    X(DYLUMO_UNSUPPORTED, "unsupported", "This build or machine cannot do that.")                \
    X(DYLUMO_CANCELLED, "cancelled", "The caller asked to stop.")                                \
    X(DYLUMO_NETWORK, "network", "A remote server could not be reached or answered with an error.")

enum dylumo_status {
#define DYLUMO_STATUS_ENUM(code, name, text) code,
    DYLUMO_STATUSES(DYLUMO_STATUS_ENUM)
#undef DYLUMO_STATUS_ENUM
};

/* What went wrong, in one sentence for people: what, where, found, expected. Plain UTF-8 without
 * line breaks; bytes from files or names are quoted so that they are safe on a terminal. */
struct dylumo_error {
    enum dylumo_status status;
    char text[1024];
};

/* "bad-picture" and the like; "unknown" for a value outside the list. Never NULL, static. */
DYLUMO_API const char *dylumo_status_name(enum dylumo_status status);
/* The sentence of the list above. Never NULL, static. */
DYLUMO_API const char *dylumo_status_text(enum dylumo_status status);
/* "1.0.0", of the library that runs. */
DYLUMO_API const char *dylumo_version(void);

/* ---------------------------------------------------------------- features */

/* The 13 audio features of the Spotify Web API in the catalogue's order and units; this table is
 * the only place that knows them. min and max bound what an import accepts.
 *   X(CODE, name, unit, min, max, whole numbers only) */
#define DYLUMO_FEATURES(X)                                   \
    X(DANCEABILITY, "danceability", "", 0.0, 1.0, 0)         \
    X(ENERGY, "energy", "", 0.0, 1.0, 0)                     \
    X(KEY, "key", "pitch class", -1.0, 11.0, 1)              \
    X(LOUDNESS, "loudness", "dB", -70.0, 10.0, 0)            \
    X(MODE, "mode", "", 0.0, 1.0, 1)                         \
    X(SPEECHINESS, "speechiness", "", 0.0, 1.0, 0)           \
    X(ACOUSTICNESS, "acousticness", "", 0.0, 1.0, 0)         \
    X(INSTRUMENTALNESS, "instrumentalness", "", 0.0, 1.0, 0) \
    X(LIVENESS, "liveness", "", 0.0, 1.0, 0)                 \
    X(VALENCE, "valence", "", 0.0, 1.0, 0)                   \
    X(TEMPO, "tempo", "beats a minute", 0.0, 300.0, 0)       \
    X(DURATION_MS, "duration_ms", "ms", 1.0, 36000000.0, 1)  \
    X(TIME_SIGNATURE, "time_signature", "beats a bar", 0.0, 7.0, 1)

enum dylumo_feature {
#define DYLUMO_FEATURE_ENUM(code, name, unit, min, max, whole) DYLUMO_##code,
    DYLUMO_FEATURES(DYLUMO_FEATURE_ENUM)
#undef DYLUMO_FEATURE_ENUM
        DYLUMO_FEATURE_COUNT
};

struct dylumo_feature_info {
    const char *name;
    const char *unit; /* "" for a plain share of 0 to 1 */
    double min, max;  /* what an import accepts */
    int whole;        /* 1: whole numbers only */
};

/* One row of the table; NULL outside it. Static. */
DYLUMO_API const struct dylumo_feature_info *dylumo_feature_info(enum dylumo_feature feature);

/* ---------------------------------------------------------------- emotions */

/* The emotions of pictures in EMID (Zou et al. 2023): Mikels' eight without disgust. */
#define DYLUMO_EMOTIONS(X)        \
    X(AMUSEMENT, "amusement")     \
    X(ANGER, "anger")             \
    X(AWE, "awe")                 \
    X(CONTENTMENT, "contentment") \
    X(EXCITEMENT, "excitement")   \
    X(FEAR, "fear")               \
    X(SADNESS, "sadness")

enum dylumo_emotion {
#define DYLUMO_EMOTION_ENUM(code, name) DYLUMO_##code,
    DYLUMO_EMOTIONS(DYLUMO_EMOTION_ENUM)
#undef DYLUMO_EMOTION_ENUM
        DYLUMO_EMOTION_COUNT
};

/* "amusement" and so on; NULL outside the list. Static. */
DYLUMO_API const char *dylumo_emotion_name(enum dylumo_emotion emotion);

/* ----------------------------------------------------------------- context */

enum dylumo_log_level { DYLUMO_LOG_DEBUG, DYLUMO_LOG_INFO, DYLUMO_LOG_WARNING };

/* How to run, for every call that may take long or must be bounded. All callbacks may be NULL and
 * may be called from any thread, several at once. 0 means the default everywhere. */
struct dylumo_context {
    size_t struct_size;
    unsigned threads;             /* at most so many; 0: one for each core the process may use */
    uint64_t max_picture_bytes;   /* 0: 64 MiB */
    uint64_t max_pixels;          /* 0: 100 million; whole-held formats (progressive JPEG, HEIC,
                                     AVIF): two fifths of it */
    int (*cancelled)(void *user); /* not 0: stop soon with DYLUMO_CANCELLED */
    void (*progress)(void *user, const char *what, uint64_t done, uint64_t total);
    void (*log)(void *user, enum dylumo_log_level level, const char *text);
    void *user;
};

/* clang-format off */
#define DYLUMO_CONTEXT_INIT { sizeof(struct dylumo_context), 0, 0, 0, NULL, NULL, NULL, NULL }
/* clang-format on */

/* -------------------------------------------------------------------- open */

/* The parts that answer pictures. A NULL path means the default, looked for in this order: the
 * environment (DYLUMO_ENCODER, DYLUMO_MOOD, DYLUMO_SONGS), then as "lite2.safetensors",
 * "lite2-mood.safetensors" and "songs.dylumo" in $XDG_DATA_HOME/dylumo (or ~/.local/share/dylumo),
 * each folder of $XDG_DATA_DIRS + "/dylumo", share/dylumo beside the installed program or library,
 * and the build tree. encoder_path may be the name of an encoder, "clip-vit-b-32": then
 * clip-vit-b-32.safetensors is looked for there. The default mood file is called after the encoder
 * that is open: clip-vit-b-32-mood.safetensors. */
struct dylumo_options {
    size_t struct_size;
    const char *encoder_path;
    const char *mood_path;
    const char *songs_path;
    const char *precision;                /* "auto", "f32", "bf16" or "int8"; NULL: "auto" */
    const struct dylumo_context *context; /* copied at open; NULL: defaults */
    int without_encoder; /* 1: open no encoder, for embeddings and moods alone; pictures are then
                            refused */
};

/* clang-format off */
#define DYLUMO_OPTIONS_INIT { sizeof(struct dylumo_options), NULL, NULL, NULL, NULL, NULL, 0 }
/* clang-format on */

struct dylumo;

/* Opens encoder, mood weights and songs and checks that they belong together.
 *
 *   options   may be NULL: all defaults
 *
 * Owns     *out is the caller's, for dylumo_close, which takes NULL.
 * Fails    NOT_FOUND (names the places that were searched), BAD_FILE, MISMATCH, NO_MEMORY, ...
 * Threads  after open, every call below may run in any number of threads at once.
 * Cost     about 30 ms, nearly all of it the encoder's; files are mapped, not read. */
DYLUMO_API DYLUMO_MUST_USE enum dylumo_status
dylumo_open(struct dylumo **out, const struct dylumo_options *options, struct dylumo_error *err);
DYLUMO_API void dylumo_close(struct dylumo *dylumo);

/* Whether the calling thread's calls share their work among the context's threads, as they do at
 * first (1), or keep it to this thread (0). For programs that answer several pictures at once: one
 * alone is then quickest shared, several beside each other are quickest unshared. The answers are
 * the same. */
DYLUMO_API void dylumo_share_work(int shared);

/* The file that would be opened as "encoder", "mood" or "songs", into path[size]. */
DYLUMO_API DYLUMO_MUST_USE enum dylumo_status dylumo_locate(const char *part, char *path,
                                                            size_t size, struct dylumo_error *err);
/* The same for what a user gave: a path, an encoder's name ("clip-vit-b-32": the first
 * clip-vit-b-32.safetensors of those folders), or NULL for the default. */
DYLUMO_API DYLUMO_MUST_USE enum dylumo_status
dylumo_find(const char *part, const char *given, char *path, size_t size, struct dylumo_error *err);

/* What is open. Strings live as long as dylumo. */
struct dylumo_parts {
    size_t struct_size;
    const char *model;     /* "lite2": encoder and mood in one word */
    const char *precision; /* "f32", "bf16" or "int8", as chosen */
    const char *encoder_path, *mood_path, *songs_path;
    uint64_t songs; /* in the catalogue */
};
DYLUMO_API const struct dylumo_parts *dylumo_parts(const struct dylumo *dylumo);

/* --------------------------------------------------------------- recommend */

/* How a feature or mood number is to be changed: to a place between 0 (the catalogue's lowest) and
 * 1 (its highest), or from the picture's own place by so much. */
struct dylumo_change {
    const char *name; /* "valence", "energy" or any feature */
    double value;
    int relative; /* 0: value is the place; 1: value is added to the picture's place */
};

struct dylumo_weight {
    const char *name; /* a feature, or "valence" / "energy" */
    double factor;    /* 0: ignored; 2: counts double */
};

#define DYLUMO_MAX_SONGS 1000000

/* What is wanted. 0 and NULL mean the default throughout. */
struct dylumo_query {
    size_t struct_size;
    uint32_t count;      /* songs; 0: 10 */
    uint32_t per_artist; /* at most so many songs of one artist; 0: 2; UINT32_MAX: any number */
    int exact;           /* 1: never decode a JPEG at reduced size */
    const char *filter;  /* "year>=1990 and genre in (jazz, soul)"; docs/filters.md */
    const struct dylumo_change *changes;
    size_t change_count;
    const struct dylumo_weight *weights;
    size_t weight_count;
    double variety;                 /* 0 to 1: how far the songs may differ from each other */
    double familiar;                /* 0 to 1: how much well-known songs are preferred */
    const char *like_id;            /* lean on this song as well */
    int season;                     /* 0: no Christmas songs outside December; 1: they may come */
    int month;                      /* 1 to 12, of the day that is asked for; 0: not December */
    const char *const *exclude_ids; /* [exclude_count] songs that must not come */
    size_t exclude_count;
    const char *const *only_ids; /* [only_count] no other songs may come; NULL: any */
    size_t only_count;
    const char *rank;   /* "mood": on the mood's axes; "cosine": by the cosine of all 13 features
                           scaled from minimum to maximum, as the original does, with any number of
                           an artist's songs, other recordings and Christmas songs, and without the
                           knobs from changes to like_id; NULL: "mood" */
    const char *text;   /* words for the mood, for encoders that read them (CLIP): alone with
                           dylumo_recommend_mood, else beside the pictures; NULL: none */
    double text_weight; /* how much the words count beside pictures, 0 to 1; 0: half */
};

/* clang-format off */
#define DYLUMO_QUERY_INIT { sizeof(struct dylumo_query), 0, 0, 0, NULL, NULL, 0, NULL, 0, 0, 0, NULL, 0, \
                            0, NULL, 0, NULL, 0, NULL, NULL, 0 }
/* clang-format on */

/* What the picture says; of a mood alone what was asked for, its emotions even and sure 0. */
struct dylumo_mood {
    size_t struct_size;
    double valence; /* 0 unhappy to 1 happy: share of a balanced set of pictures below this one */
    double energy;  /* 0 calm to 1 lively, likewise */
    double emotions[DYLUMO_EMOTION_COUNT]; /* probabilities, sum 1 */
    double features[DYLUMO_FEATURE_COUNT]; /* what its music is like, in the catalogue's units */
    double places[DYLUMO_FEATURE_COUNT];   /* the same as shares of the catalogue below, 0 to 1 */
    double sure; /* 0 to 1: how much the emotions' probabilities differ from even */
};

struct dylumo_song {
    size_t struct_size;
    uint32_t rank;   /* 1 is the best */
    uint64_t number; /* row in the catalogue */
    const char *id, *title, *artist;
    const char *genre;                     /* NULL: unknown */
    const char *url;                       /* NULL: none */
    int year;                              /* 0: unknown */
    int popularity;                        /* -1: unknown */
    double features[DYLUMO_FEATURE_COUNT]; /* the catalogue's units */
    double distance2; /* weighted squared distance to the mood, in units of the mood's own error;
                         with rank "cosine" 2 - 2 cosine */
    double match;     /* 100 exp(-distance2 / 2), in per cent; with rank "cosine" 100 cosine */
    const char *why;  /* one plain line */
};

/* Milliseconds of each step. */
struct dylumo_times {
    double read, decode, resize, encode, mood, search, total;
};

/* Everything about one picture's answer; strings live as long as the answer. */
struct dylumo_answer {
    size_t struct_size;
    const char *picture;      /* the name it was asked by */
    const char *picture_type; /* "JPEG"; NULL without a picture */
    uint32_t width, height;   /* upright */
    uint32_t frames;          /* more than 1: an animation, of which the first was used */
    struct dylumo_mood mood;
    size_t song_count;
    const struct dylumo_song *songs; /* of this header's size: see dylumo_answer_song */
    const char *note; /* what the reader should know: fewer songs than asked and why, what knobs
                         changed; NULL: nothing */
    struct dylumo_times times;
};

/* Songs for a picture file ("-" is standard input), for a picture in memory (name is for sentences
 * and answer->picture), and for a mood alone: changes with relative 0 set it, all else is the
 * middle.
 *
 *   query     may be NULL: ten songs, defaults
 *
 * Owns     *out is the caller's, for dylumo_answer_free, which takes NULL. It must go before
 * dylumo. Fails    BAD_PICTURE, TOO_LARGE, NOT_FOUND, BAD_ARGUMENT (filter, knobs), CANCELLED,
 * NO_MEMORY. Fewer songs than asked is no failure: song_count and note say so. Threads  any number
 * at once. */
DYLUMO_API DYLUMO_MUST_USE enum dylumo_status
dylumo_recommend_file(const struct dylumo *dylumo, const char *path,
                      const struct dylumo_query *query, struct dylumo_answer **out,
                      struct dylumo_error *err);
DYLUMO_API DYLUMO_MUST_USE enum dylumo_status
dylumo_recommend_memory(const struct dylumo *dylumo, const void *bytes, size_t size,
                        const char *name, const struct dylumo_query *query,
                        struct dylumo_answer **out, struct dylumo_error *err);
DYLUMO_API DYLUMO_MUST_USE enum dylumo_status
dylumo_recommend_mood(const struct dylumo *dylumo, const struct dylumo_query *query,
                      struct dylumo_answer **out, struct dylumo_error *err);
/* Several pictures as one mood: the mean of what they say. */
DYLUMO_API DYLUMO_MUST_USE enum dylumo_status
dylumo_recommend_together(const struct dylumo *dylumo, const char *const *paths, size_t count,
                          const struct dylumo_query *query, struct dylumo_answer **out,
                          struct dylumo_error *err);
/* Songs for what an encoder saw of a picture elsewhere.
 *
 *   embeddings  [views][dimension] finite numbers; several views of a picture make one mood
 *   dimension   as the mood weights want it
 *   name        for sentences and answer->picture; may be NULL
 *
 * Fails    BAD_ARGUMENT for numbers that are not finite or no views; MISMATCH for another
 * dimension.
 */
DYLUMO_API DYLUMO_MUST_USE enum dylumo_status
dylumo_recommend_embedding(const struct dylumo *dylumo, const float *embeddings, size_t views,
                           size_t dimension, const char *name, const struct dylumo_query *query,
                           struct dylumo_answer **out, struct dylumo_error *err);
DYLUMO_API void dylumo_answer_free(struct dylumo_answer *answer);

/* ------------------------------------------------- pictures decoded elsewhere */

/* What the encoder wants to see. */
struct dylumo_view {
    size_t struct_size;
    uint32_t width, height;
    int crop; /* 0: the whole picture squashed; 1: its middle; 2: its middle, always rounded to the
                 left or up */
};

/* A picture as the encoder sees it, and what it was. */
struct dylumo_picture {
    size_t struct_size;
    char type[8];           /* "JPEG" */
    uint32_t width, height; /* upright, before resizing */
    uint32_t frames;
    double decode_ms, resize_ms;
};

/* clang-format off */
#define DYLUMO_PICTURE_INIT { sizeof(struct dylumo_picture), "", 0, 0, 0, 0, 0 }
/* clang-format on */

/* The two halves of dylumo_recommend_memory, for a program that lets another process do the first:
 * whoever decodes needs no struct dylumo and no file, whoever recommends reads no foreign bytes.
 *
 *   view      of the dylumo that will be asked
 *   exact     1: never decode a JPEG at reduced size
 *   context   may be NULL: default limits
 *   pixels    [height][width][3] RGB of the view
 *   picture   may be NULL
 *
 * Fails    as dylumo_recommend_memory.
 * Threads  any number at once. */
DYLUMO_API const struct dylumo_view *dylumo_view(const struct dylumo *dylumo);
DYLUMO_API DYLUMO_MUST_USE enum dylumo_status
dylumo_decode(const void *bytes, size_t size, const char *name, const struct dylumo_view *view,
              int exact, const struct dylumo_context *context, uint8_t *pixels,
              struct dylumo_picture *picture, struct dylumo_error *err);
/* Songs for pictures that dylumo_decode made: for one, or for several as one mood.
 *
 *   pixels    [count] of dylumo_view's size each
 *   picture   of a single picture, for the answer; NULL: not known */
DYLUMO_API DYLUMO_MUST_USE enum dylumo_status
dylumo_recommend_pixels(const struct dylumo *dylumo, const uint8_t *const *pixels, size_t count,
                        const struct dylumo_picture *picture, const struct dylumo_query *query,
                        struct dylumo_answer **out, struct dylumo_error *err);

/* Song index (0 is the best) of an answer, whatever size struct dylumo_song had when the caller was
 * compiled; NULL past the end. */
DYLUMO_API const struct dylumo_song *dylumo_answer_song(const struct dylumo_answer *answer,
                                                        size_t index);

#ifdef __cplusplus
}
#endif

#endif
