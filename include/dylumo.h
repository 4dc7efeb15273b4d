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

#ifdef __cplusplus
}
#endif

#endif
