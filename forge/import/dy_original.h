/* What an earlier training left behind: the artefacts of the Python original, into our files. Its
 * model becomes mood weights, its songs a songs file; docs/original.md tells its steps beside ours.
 */
#ifndef DY_ORIGINAL_H
#define DY_ORIGINAL_H

#include "dy_import.h"

struct dy_torch;

#define DY_ORIGINAL_MODEL "dylumo_model.pt"
#define DY_ORIGINAL_SCALER "spotify_scaler.pkl"
#define DY_ORIGINAL_ENCODER "clip-vit-b-32" /* what it was trained on */

/* ------------------------------------------------------------------ rows of numbers */

/* A table of numbers: features of songs, or embeddings of pictures. */
struct dy_rows {
    float *values; /* [count][columns], heap */
    size_t count, columns;
};
void dy_rows_clear(struct dy_rows *rows);

/* A .npy file of one row or many, in f32 or f64 (rounded to f32), all finite. (import_rows.c)
 *
 * Fails    as dy_npy_open; BAD_FILE for other shapes and numbers that are not finite; NO_MEMORY. */
enum dylumo_status dy_rows_read(struct dy_rows *rows, const char *path,
                                struct dylumo_error *err) DY_MUST_USE;

/* ------------------------------------------------------------------ FAISS (import_faiss.c) */

enum dy_faiss_metric { DY_FAISS_INNER_PRODUCT, DY_FAISS_L2 };

/* The vectors of a FAISS index that holds them as they are: IndexFlatIP ("IxFI"), IndexFlatL2
 * ("IxF2") and the older IndexFlat ("IxFl"). Told byte by byte in docs/formats/foreign.md.
 *
 *   metric   receives how the index compares; may be NULL
 *
 * Fails    as dy_map_file; UNSUPPORTED, by name, for other kinds of index; BAD_FILE for sizes that
 *          contradict each other or the file, and for numbers that are not finite; NO_MEMORY. */
enum dylumo_status dy_faiss_read(struct dy_rows *rows, enum dy_faiss_metric *metric,
                                 const char *path, struct dylumo_error *err) DY_MUST_USE;
/* The same on bytes that stay the caller's; name is for sentences. */
enum dylumo_status dy_faiss_parse(struct dy_rows *rows, enum dy_faiss_metric *metric,
                                  const void *data, size_t size, const char *name,
                                  struct dylumo_error *err) DY_MUST_USE;

/* ------------------------------------------------------------------ scaler (import_scaler.c) */

/* What scikit-learn's MinMaxScaler learned of the 13 features. */
struct dy_scaler {
    double minimum[DYLUMO_FEATURE_COUNT], maximum[DYLUMO_FEATURE_COUNT];
};

/* A pickled MinMaxScaler of 13 features, of any scikit-learn from 0.20 and any numpy; pickled by
 * pickle or by joblib, plain or packed by zlib or gzip. Nothing in it is executed.
 *
 * Fails    as dy_read_file and dy_pickle_read; BAD_FILE for another object, another number of
 *          features, features of other names than ours or in another order, another range than 0 to
 *          1, and numbers that make no scale. */
enum dylumo_status dy_scaler_read(struct dy_scaler *scaler, const char *path,
                                  struct dylumo_error *err) DY_MUST_USE;
enum dylumo_status dy_scaler_parse(struct dy_scaler *scaler, const void *data, size_t size,
                                   const char *name, struct dylumo_error *err) DY_MUST_USE;

/* ------------------------------------------------------------------ model (import_original.c) */

/* true for weights that hold network.0.weight, alone or in a dict of the original's. */
bool dy_original_is(const struct dy_torch *torch);

/* The original's FastMLP (PyTorch: a dict with model_state_dict, or the bare state) and scaler as
 * mood weights of recipe plain, for any weights of an encoder of this name.
 *
 *   dimension  receives the length of the embeddings that it takes
 *
 * Fails    as dy_torch_open, dy_scaler_read and dy_safetensors_write; BAD_FILE for tensors that are
 *          missing, of another shape or type, or not finite. */
enum dylumo_status dy_original_mood(const char *output, const char *model_path,
                                    const char *scaler_path, const char *encoder, size_t *dimension,
                                    struct dylumo_error *err) DY_MUST_USE;

#endif
