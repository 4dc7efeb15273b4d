/* train: labelled pictures and songs -> a mood file.
 *
 * Pictures come from people's tables (dy_pictures), their embeddings are computed once and kept in
 * a cache (dy_embeddings), the networks are trained, first without each fold in turn for honest
 * figures, then on everything (dy_train_run). */
#ifndef DY_TRAIN_H
#define DY_TRAIN_H

#include "dy_base.h"

/* ------------------------------------------------------------------ pictures (train_labels.c) */

struct dy_picture {
    char *path;              /* to open it by */
    char *file;              /* as the table names it */
    char *family;            /* pictures of one family stay on one side of a split; NULL: none */
    int emotion;             /* enum dylumo_emotion; -1: not told */
    bool rated;              /* valence and arousal are told */
    double valence, arousal; /* on the table's own scale; only their order is used */
    unsigned set;            /* which table: 0, 1, ... as they were added */
};

struct dy_pictures {
    struct dy_picture *items; /* [count] */
    size_t count, room;
    unsigned sets;
    size_t skipped; /* rows with an emotion outside the seven, or a file named before */
};

/* Adds the pictures of a table or folder:
 *
 *   file, valence_mean, arousal_mean[, family]    OASIS (also valence, arousal)
 *   file, emotion[, family]                       FI and the like
 *   Image1_filename, Image1_tag, ... 2, 3         EMID_data.csv
 *   a folder                                      one folder in it for each emotion, by name
 *
 * Files are looked for beside the table and in images/ beside it, with and without EMID's or FI's
 * other suffix (.jpg, .webp, .png).
 *
 * Fails     as dy_csv_open; BAD_FILE for a table with other columns, a number that is none, no
 *           picture at all; NOT_FOUND for a file that is not there. */
enum dylumo_status dy_pictures_add(struct dy_pictures *pictures, const char *path,
                                   struct dylumo_error *err) DY_MUST_USE;
/* Adds every file of a folder and of the folders in it, or the one file that path is, without
 * labels (train_folder.c). Names that begin with a dot, FIFOs and devices are left out; links are
 * followed, but not in circles. file is the same as path.
 *
 * Fails     NOT_FOUND, NO_PERMISSION, IO; BAD_FILE when there is none in it. */
enum dylumo_status dy_pictures_add_folder(struct dy_pictures *pictures, const char *path,
                                          struct dylumo_error *err) DY_MUST_USE;
void dy_pictures_clear(struct dy_pictures *pictures);

/* ------------------------------------------------------------------ embeddings (train_embed.c) */

/* How a picture is shown to the encoder: whole, its mirror image, four fixed crops of three
 * quarters or so of it, half of them mirrored. */
enum { DY_VIEW_WHOLE, DY_VIEW_FLIP, DY_VIEW_CROP, DY_VIEWS = 6 };

struct dy_embeddings {
    char encoder[32];
    uint64_t encoder_hash;
    unsigned dimension, views;
    size_t count;
    size_t computed;   /* pictures that were not in the cache */
    const float **at;  /* [count][views] into the mapped cache; NULL: the picture cannot be read */
    uint64_t *content; /* [count] hash of the file's bytes */
    uint64_t
        *look; /* [count] difference hash of the pixels: equal for the same picture recompressed */
    struct dy_map map;
};

struct dy_embed_options {
    const char *encoder_path;
    const char *cache_path; /* a file, made when it is not there */
    unsigned views;         /* 1 to DY_VIEWS */
    const char *precision;  /* NULL: "f32", so that the numbers do not depend on the processor;
                               others  are kept in caches of their own */
    bool skip_unreadable; /* a picture that may not be read is left out like a broken one, and does
                             not end the run */
};

/* Reads each picture, takes from the cache what is there by encoder and content, computes and
 * appends the rest on all threads. Pictures that cannot be read are logged and left NULL.
 *
 * Owns      dy_embeddings_clear; it takes a zeroed one.
 * Fails     CANCELLED (what was computed stays in the cache), as dy_encoder_open, IO; BAD_FILE for
 * a cache that is another kind of file; BAD_ARGUMENT while another run writes it. */
enum dylumo_status dy_embeddings_load(struct dy_embeddings *out, const struct dy_pictures *pictures,
                                      const struct dy_embed_options *options,
                                      const struct dylumo_context *context,
                                      struct dylumo_error *err) DY_MUST_USE;
/* Writes the first view of all readable pictures, in their order, to a file of its own
 * (train_embed_write.c): for a name that ends in ".npy" numpy's array [count][dimension] of f32,
 * and the file names, a line each, as PATH.names beside it; else safetensors with "embeddings" F32
 * [count][dimension], "names" U8 (file names, each ended by a zero byte) and the encoder's name and
 * hash as metadata.
 *
 * Fails     as dy_outfile_open; BAD_ARGUMENT for a line break in a name that goes into a list. */
enum dylumo_status dy_embeddings_write(const char *path, const struct dy_embeddings *embeddings,
                                       const struct dy_pictures *pictures,
                                       struct dylumo_error *err) DY_MUST_USE;
void dy_embeddings_clear(struct dy_embeddings *embeddings);

/* ------------------------------------------------------------------ splits (train_split.c) */

/* Which fold each picture belongs to: pictures of one family, with the same bytes, with the same
 * look, or alike to the encoder stay together; folds are alike in emotions.
 *
 *   fold   [count], receives 0..folds-1; 255 for pictures without an embedding */
enum dylumo_status dy_train_split(const struct dy_pictures *pictures,
                                  const struct dy_embeddings *embeddings, unsigned folds,
                                  uint8_t *fold, const struct dylumo_context *context,
                                  struct dylumo_error *err) DY_MUST_USE;

/* ------------------------------------------------------------------ training (train_run.c) */

/* One epoch, told when it ends. Fits are over pictures that this network does not learn from; NaN
 * where there are none. */
struct dy_train_epoch {
    unsigned part, parts; /* networks trained so far and in all, from 1 */
    unsigned fold, folds; /* from 1; fold 0: the network that ships, trained on everything */
    unsigned epoch, epochs;
    double loss, valence_fit, arousal_fit, emotion_accuracy, seconds;
};

struct dy_train_options {
    const char *const *labels; /* [label_count] tables and folders */
    size_t label_count;
    const char *songs_path, *encoder_path;
    const char *output_path;
    const char *cache_path; /* NULL: output_path + ".embeddings" */
    const char *recipe;     /* "default" or "plain"; NULL: "default" */
    uint64_t seed;
    unsigned networks, folds, epochs, views; /* 0: the recipe's */
    bool keep_folds; /* also write output_path + ".fold-N" (mood files of those who did not see
                        fold N) and output_path + ".folds.csv" (file,fold) */
    bool restart;    /* do not go on from output_path + ".checkpoint" */
    void (*epoch)(void *user, const struct dy_train_epoch *epoch);
    void *user;
};

/* Out of fold: every picture read by networks that did not learn from it or its like. NaN where
 * the labels do not tell. */
struct dy_train_figures {
    size_t pictures, unreadable, rated, with_emotion;
    unsigned folds;
    double valence_fit, arousal_fit; /* Spearman's rho between people's rating and the output */
    double valence_place,
        energy_place; /* the same with the picture's place on the first two axes */
    double happy_or_not, lively_or_calm;        /* ROC AUC of the places over pairs of emotions */
    double emotion_accuracy, calibration_error; /* equal shares of the emotions */
    double r2[DYLUMO_FEATURE_COUNT];
    float temperature;
};

/* Fails     CANCELLED: a checkpoint lies beside the output, and the same call goes on from it to
 *           the same result. As the parts.
 * Threads   the result depends on seed, files and processor, not on the number of threads. */
enum dylumo_status dy_train_run(const struct dy_train_options *options,
                                const struct dylumo_context *context,
                                struct dy_train_figures *figures,
                                struct dylumo_error *err) DY_MUST_USE;

/* ------------------------------------------------------------------ pairs (train_pairs.c) */

#define DY_TRAIN_NO_SONG UINT32_MAX

/* One song for each picture, drawn as a recipe pairs them, to measure on pictures that a network
 * did not learn from what it foretells of such a song.
 *
 *   recipe   "default" or "plain"
 *   song     [pictures->count], receives the song's number in the file; DY_TRAIN_NO_SONG for a
 *            picture with neither rating nor one of the seven emotions
 *
 * Fails    BAD_ARGUMENT for another recipe; as dy_songs_open; NO_MEMORY.
 * Threads  the draw depends on seed, songs and pictures alone. */
enum dylumo_status dy_train_pair(const struct dy_pictures *pictures, const char *recipe,
                                 const char *songs_path, uint64_t seed, uint32_t *song,
                                 struct dylumo_error *err) DY_MUST_USE;

#endif
