/* Reads the metadata of a CLIP file and finds its tensors, all of them: shapes that do not fit each
 * other and tensors that belong to nothing are refused before anything is computed. */
#include "encoder_clip_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH_MAX 4096
#define HIDDEN_MAX 16384
#define SIDE_MAX 1024
#define CONTEXT_MAX 4096
#define VOCABULARY_MAX 1000000
#define TENSOR_NAME 64

/* A reading under way. */
struct reading {
    const struct dy_safetensors *file;
    const char *path;
    struct dylumo_error *err;
    enum dy_precision precision;
    size_t found; /* tensors that have their place */
};

/* ------------------------------------------------------------------ metadata */

static enum dylumo_status need_text(const struct reading *r, const char *key, const char **text)
{
    *text = dy_safetensors_metadata(r->file, key);
    return *text ? DYLUMO_OK
                 : dy_fail(r->err, DYLUMO_BAD_FILE, "%s: no \"%s\" in its metadata", r->path, key);
}

static enum dylumo_status need_number(const struct reading *r, const char *key, unsigned most,
                                      unsigned *number)
{
    const char *text;
    enum dylumo_status st = need_text(r, key, &text);
    if (st)
        return st;
    size_t digits = strspn(text, "0123456789");
    unsigned long value = digits && digits <= 7 && !text[digits] ? strtoul(text, NULL, 10) : 0;
    if (!value || value > most)
        return dy_fail(r->err, DYLUMO_BAD_FILE, "%s: \"%s\" is '%s', expected a number of 1 to %u",
                       r->path, key, text, most);
    *number = (unsigned)value;
    return DYLUMO_OK;
}

/* Which of names [count] the value is. */
static enum dylumo_status need_choice(const struct reading *r, const char *key,
                                      const char *const *names, unsigned count, unsigned *choice)
{
    const char *text;
    char known[80] = "";
    enum dylumo_status st = need_text(r, key, &text);
    if (st)
        return st;
    for (unsigned i = 0; i < count; i++) {
        if (!strcmp(text, names[i])) {
            *choice = i;
            return DYLUMO_OK;
        }
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", names[i]);
    }
    return dy_fail(r->err, DYLUMO_BAD_FILE, "%s: \"%s\" is '%s', expected one of %s", r->path, key,
                   text, known);
}

static enum dylumo_status need_three(const struct reading *r, const char *key, float least,
                                     float three[3])
{
    const char *text;
    enum dylumo_status st = need_text(r, key, &text);
    if (st)
        return st;
    const char *at = text;
    bool good = true;
    for (int i = 0; good && i < 3; i++) {
        char *end;
        three[i] = strtof(at, &end);
        good = end != at && *end == (i < 2 ? ',' : '\0') && three[i] >= least && three[i] <= 16;
        at = end + 1;
    }
    return good ? DYLUMO_OK
                : dy_fail(r->err, DYLUMO_BAD_FILE,
                          "%s: \"%s\" is '%s', expected three numbers with commas between", r->path,
                          key, text);
}

static enum dylumo_status read_name(const struct reading *r, char name[CLIP_NAME_SIZE])
{
    const char *text;
    enum dylumo_status st = need_text(r, "dylumo.encoder", &text);
    if (st)
        return st;
    size_t length = strlen(text);
    if (length >= CLIP_NAME_SIZE || text[0] < 'a' || text[0] > 'z' ||
        strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") != length)
        return dy_fail(r->err, DYLUMO_BAD_FILE,
                       "%s: the name '%s' is not 1 to %d of a-z, 0-9, '.' and '-'", r->path, text,
                       CLIP_NAME_SIZE - 1);
    memcpy(name, text, length + 1);
    return DYLUMO_OK;
}

static enum dylumo_status read_identity(const struct reading *r, uint64_t *identity)
{
    const char *text;
    enum dylumo_status st = need_text(r, "dylumo.identity", &text);
    if (st)
        return st;
    if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
        return dy_fail(r->err, DYLUMO_BAD_FILE,
                       "%s: \"dylumo.identity\" is '%s', expected 16 hexadecimal digits", r->path,
                       text);
    *identity = strtoull(text, NULL, 16);
    return DYLUMO_OK;
}

static enum dylumo_status read_metadata(struct clip_file *out, struct reading *r)
{
    static const char *const sources[] = {"transformers", "open_clip", "openai"};
    static const char *const activations[] = {"quick_gelu", "gelu"};
    static const char *const precisions[] = {"f32", "bf16", "int8"};
    static const enum dy_precision codes[] = {DY_PRECISION_F32, DY_PRECISION_BF16,
                                              DY_PRECISION_INT8};
    unsigned source = 0, activation = 0, precision = 0;
    enum dylumo_status st = read_name(r, out->name);
    if (!st)
        st = read_identity(r, &out->identity);
    if (!st)
        st = need_choice(r, "source", sources, 3, &source);
    if (!st)
        st = need_choice(r, "activation", activations, 2, &activation);
    if (!st)
        st = need_choice(r, "precision", precisions, 3, &precision);
    if (!st)
        st = need_number(r, "image.size", SIDE_MAX, &out->size);
    if (!st)
        st = need_number(r, "image.patch", out->size, &out->patch);
    if (!st)
        st = need_three(r, "image.mean", -16, out->mean);
    if (!st)
        st = need_three(r, "image.std", 1e-3F, out->std);
    if (!st && out->size % out->patch)
        st = dy_fail(r->err, DYLUMO_BAD_FILE,
                     "%s: %u pixels are not a multiple of patches of %u pixels", r->path, out->size,
                     out->patch);
    out->source = (enum clip_source)source;
    out->quick = activation == 0;
    out->precision = r->precision = codes[precision];
    return st;
}

/* ------------------------------------------------------------------ tensors */

static bool all_finite(const float *values, size_t count)
{
    bool finite = true;
    for (size_t i = 0; i < count; i++)
        finite &= isfinite(values[i]) != 0;
    return finite;
}

static bool all_positive(const float *values, size_t count)
{
    bool positive = true;
    for (size_t i = 0; i < count; i++)
        positive &= values[i] > 0;
    return positive;
}

static enum dylumo_status expect(struct reading *r, const char *name, enum dy_dtype dtype,
                                 unsigned dims, const uint64_t *shape,
                                 const struct dy_tensor **tensor)
{
    enum dylumo_status st =
        dy_safetensors_expect(r->file, name, dtype, dims, shape, tensor, r->err);
    r->found += !st;
    return st;
}

/* A vector [count], or a table [rows][count] for rows > 0, of finite numbers. */
static enum dylumo_status find_floats(struct reading *r, const char *name, unsigned rows,
                                      unsigned count, const float **floats)
{
    const uint64_t table[2] = {rows, count};
    const struct dy_tensor *tensor;
    enum dylumo_status st =
        expect(r, name, DY_F32, rows ? 2 : 1, rows ? table : table + 1, &tensor);
    if (st)
        return st;
    *floats = tensor->data;
    if (!all_finite(*floats, (size_t)(rows ? rows : 1) * count))
        return dy_fail(r->err, DYLUMO_BAD_FILE, "%s: tensor '%s' has a number that is not finite",
                       r->path, name);
    return DYLUMO_OK;
}

/* Scales and factors: also above 0. */
static enum dylumo_status find_factors(struct reading *r, const char *name, unsigned count,
                                       const float **factors)
{
    enum dylumo_status st = find_floats(r, name, 0, count, factors);
    if (!st && !all_positive(*factors, count))
        st = dy_fail(r->err, DYLUMO_BAD_FILE, "%s: tensor '%s' has a number that is not above 0",
                     r->path, name);
    return st;
}

/* PREFIX.weight and, where it is I8, PREFIX.scale. */
static enum dylumo_status find_matrix(struct reading *r, const char *prefix, bool quantised,
                                      unsigned out, unsigned in, struct clip_matrix_source *matrix)
{
    char name[TENSOR_NAME];
    const uint64_t shape[2] = {out, in};
    bool bytes = quantised && r->precision == DY_PRECISION_INT8;
    snprintf(name, sizeof name, "%s.weight", prefix);
    enum dy_dtype dtype = bytes ? DY_I8 : r->precision == DY_PRECISION_BF16 ? DY_BF16 : DY_F32;
    enum dylumo_status st = expect(r, name, dtype, 2, shape, &matrix->weight);
    if (st || !bytes)
        return st;
    snprintf(name, sizeof name, "%s.scale", prefix);
    return find_factors(r, name, out, &matrix->scale);
}

/* The extent of a tensor that only the file knows. */
static enum dylumo_status read_extent(const struct reading *r, const char *name, unsigned dim,
                                      unsigned most, unsigned *extent)
{
    const struct dy_tensor *tensor = dy_safetensors_find(r->file, name);
    if (!tensor)
        return dy_fail(r->err, DYLUMO_BAD_FILE, "%s: no tensor '%s'", r->path, name);
    if (tensor->dims <= dim || !tensor->shape[dim] || tensor->shape[dim] > most)
        return dy_fail(r->err, DYLUMO_BAD_FILE, "%s: tensor '%s' has no extent %u of 1 to %u",
                       r->path, name, dim, most);
    *extent = (unsigned)tensor->shape[dim];
    return DYLUMO_OK;
}

static enum dylumo_status find_layer(struct reading *r, const struct clip_tower_source *tower,
                                     unsigned number, struct clip_layer_source *layer)
{
    const unsigned w = tower->width, h = tower->hidden;
    static const char *const vectors[CLIP_VECTORS] = {
        "norm1.weight", "norm1.bias", "qkv.bias", "out.bias",
        "norm2.weight", "norm2.bias", "up.bias",  "down.bias",
    };
    static const char *const matrices[CLIP_MATRICES] = {"qkv", "out", "up", "down"};
    const unsigned vector_sizes[CLIP_VECTORS] = {w, w, 3 * w, w, w, w, h, w};
    const unsigned outs[CLIP_MATRICES] = {3 * w, w, h, w}, ins[CLIP_MATRICES] = {w, w, w, h};
    char name[TENSOR_NAME];
    enum dylumo_status st = DYLUMO_OK;
    for (unsigned v = 0; !st && v < CLIP_VECTORS; v++) {
        snprintf(name, sizeof name, "%s.%u.%s", tower->name, number, vectors[v]);
        st = find_floats(r, name, 0, vector_sizes[v], &layer->vectors[v]);
    }
    for (unsigned m = 0; !st && m < CLIP_MATRICES; m++) {
        snprintf(name, sizeof name, "%s.%u.%s", tower->name, number, matrices[m]);
        st = find_matrix(r, name, true, outs[m], ins[m], &layer->matrices[m]);
    }
    snprintf(name, sizeof name, "%s.%u.down.smooth", tower->name, number);
    if (!st && r->precision == DY_PRECISION_INT8 && dy_safetensors_find(r->file, name))
        st = find_factors(r, name, h, &layer->smooth);
    return st;
}

/* What both towers have; name and tokens are set. */
static enum dylumo_status find_tower(struct reading *r, struct clip_tower_source *tower,
                                     unsigned dimension)
{
    char name[TENSOR_NAME];
    snprintf(name, sizeof name, "%s.layers", tower->name);
    enum dylumo_status st = need_number(r, name, CLIP_LAYERS_MAX, &tower->layers);
    snprintf(name, sizeof name, "%s.heads", tower->name);
    if (!st)
        st = need_number(r, name, WIDTH_MAX, &tower->heads);
    snprintf(name, sizeof name, "%s.projection.weight", tower->name);
    if (!st)
        st = read_extent(r, name, 1, WIDTH_MAX, &tower->width);
    snprintf(name, sizeof name, "%s.0.up.bias", tower->name);
    if (!st)
        st = read_extent(r, name, 0, HIDDEN_MAX, &tower->hidden);
    if (!st && tower->width % tower->heads)
        st = dy_fail(r->err, DYLUMO_BAD_FILE, "%s: %u heads do not divide the width %u of '%s'",
                     r->path, tower->heads, tower->width, tower->name);
    for (unsigned i = 0; !st && i < tower->layers; i++)
        st = find_layer(r, tower, i, &tower->layer[i]);
    snprintf(name, sizeof name, "%s.positions", tower->name);
    if (!st)
        st = find_floats(r, name, tower->tokens, tower->width, &tower->positions);
    snprintf(name, sizeof name, "%s.post.weight", tower->name);
    if (!st)
        st = find_floats(r, name, 0, tower->width, &tower->post_gain);
    snprintf(name, sizeof name, "%s.post.bias", tower->name);
    if (!st)
        st = find_floats(r, name, 0, tower->width, &tower->post_bias);
    snprintf(name, sizeof name, "%s.projection", tower->name);
    return st ? st : find_matrix(r, name, false, dimension, tower->width, &tower->projection);
}

static enum dylumo_status find_image(struct clip_file *out, struct reading *r)
{
    unsigned side = out->size / out->patch, pixels = out->patch * out->patch * 3;
    out->image.name = "image";
    out->image.tokens = side * side + 1;
    enum dylumo_status st =
        read_extent(r, "image.projection.weight", 0, WIDTH_MAX, &out->dimension);
    if (!st)
        st = find_tower(r, &out->image, out->dimension);
    unsigned width = out->image.width;
    if (!st)
        st = find_matrix(r, "image.patch", false, width, pixels, &out->patch_weight);
    if (!st)
        st = find_floats(r, "image.class", 0, width, &out->class_token);
    if (!st)
        st = find_floats(r, "image.pre.weight", 0, width, &out->pre_gain);
    if (!st)
        st = find_floats(r, "image.pre.bias", 0, width, &out->pre_bias);
    return st;
}

static enum dylumo_status find_tokens(struct clip_file *out, struct reading *r)
{
    const uint64_t shape[2] = {out->vocabulary, out->text.width}, any[1] = {0};
    enum dy_dtype dtype = r->precision == DY_PRECISION_INT8   ? DY_I8
                          : r->precision == DY_PRECISION_BF16 ? DY_BF16
                                                              : DY_F32;
    const float *scale = NULL;
    enum dylumo_status st = expect(r, "text.tokens", dtype, 2, shape, &out->token_table.weight);
    if (!st && dtype == DY_I8)
        st = find_factors(r, "text.tokens.scale", out->vocabulary, &out->token_table.scale);
    if (!st)
        st = find_floats(r, "text.scale", 0, 1, &scale);
    if (!st)
        out->text_scale = *scale;
    return st ? st : expect(r, "text.merges", DY_U8, 1, any, &out->merges);
}

static enum dylumo_status find_text(struct clip_file *out, struct reading *r)
{
    out->text.name = "text";
    enum dylumo_status st = need_number(r, "text.context", CONTEXT_MAX, &out->text.tokens);
    if (!st)
        st = find_tower(r, &out->text, out->dimension);
    if (!st)
        st = read_extent(r, "text.tokens", 0, VOCABULARY_MAX, &out->vocabulary);
    return st ? st : find_tokens(out, r);
}

/* A name that no part of the model has. */
static enum dylumo_status find_stranger(const struct clip_file *out, const struct reading *r)
{
    static const char *const known[] = {"image.", "text."};
    const char *worst = "";
    size_t count = dy_safetensors_count(r->file);
    for (size_t i = 0; i < count; i++) {
        const char *name = dy_safetensors_at(r->file, i)->name;
        if (strncmp(name, known[0], strlen(known[0])) &&
            (!out->has_text || strncmp(name, known[1], strlen(known[1]))))
            worst = name;
    }
    return dy_fail(r->err, DYLUMO_BAD_FILE, "%s: %zu tensors, expected %zu%s%s", r->path, count,
                   r->found, *worst ? "; unknown: " : "", worst);
}

enum dylumo_status clip_file_read(struct clip_file *out, const struct dy_safetensors *file,
                                  const char *path, struct dylumo_error *err)
{
    struct reading r = {.file = file, .path = path, .err = err};
    *out = (struct clip_file){0};
    enum dylumo_status st = read_metadata(out, &r);
    if (!st)
        st = find_image(out, &r);
    out->has_text = dy_safetensors_metadata(file, "text.context") != NULL;
    if (!st && out->has_text)
        st = find_text(out, &r);
    if (!st && r.found != dy_safetensors_count(file))
        st = find_stranger(out, &r);
    return st;
}
