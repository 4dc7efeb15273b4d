/* Embeddings as a file for others: numpy's .npy (version 1.0) with a list of names beside it, or
 * safetensors with the names inside. Only pictures that were read stand in it. */
#include "dy_format.h"
#include "dy_train.h"

#include <string.h>

#define NPY_ALIGN 64

/* The first view of picture i; NULL: it could not be read. */
static const float *embedding_of(const struct dy_embeddings *embeddings, size_t i)
{
    return embeddings->at[i * embeddings->views];
}

static size_t readable(const struct dy_embeddings *embeddings)
{
    size_t count = 0;
    for (size_t i = 0; i < embeddings->count; i++)
        count += embedding_of(embeddings, i) != NULL;
    return count;
}

/* ------------------------------------------------------------------ .npy */

static enum dylumo_status write_npy_head(struct dy_outfile *out, size_t count, unsigned dimension,
                                         struct dylumo_error *err)
{
    char head[2 * NPY_ALIGN + 1];
    int size = snprintf(head, sizeof head,
                        "\x93NUMPY\x01%c\x76%c{'descr': '<f4', 'fortran_order': False, "
                        "'shape': (%zu, %u), }",
                        0, 0, count, dimension);
    memset(head + size, ' ', sizeof head - (size_t)size);
    head[2 * NPY_ALIGN - 1] = '\n';
    return dy_outfile_write(out, head, 2 * NPY_ALIGN, err);
}

static enum dylumo_status write_rows(struct dy_outfile *out, const struct dy_embeddings *embeddings,
                                     struct dylumo_error *err)
{
    enum dylumo_status st = write_npy_head(out, readable(embeddings), embeddings->dimension, err);
    for (size_t i = 0; i < embeddings->count && !st; i++)
        if (embedding_of(embeddings, i))
            st = dy_outfile_write(out, embedding_of(embeddings, i),
                                  embeddings->dimension * sizeof(float), err);
    return st;
}

static enum dylumo_status write_names(struct dy_outfile *out,
                                      const struct dy_embeddings *embeddings,
                                      const struct dy_pictures *pictures, struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    for (size_t i = 0; i < embeddings->count && !st; i++) {
        const char *file = pictures->items[i].file;
        if (!embedding_of(embeddings, i))
            continue;
        if (strchr(file, '\n'))
            return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                           "%s: a line break in a name does not fit a list of names; write "
                           "safetensors instead of .npy",
                           file);
        st = dy_outfile_write(out, file, strlen(file), err);
        if (!st)
            st = dy_outfile_write(out, "\n", 1, err);
    }
    return st;
}

static enum dylumo_status finish(struct dy_outfile *out, enum dylumo_status st,
                                 struct dylumo_error *err)
{
    if (!st)
        return dy_outfile_commit(out, err);
    dy_outfile_discard(out);
    return st;
}

static enum dylumo_status write_npy(const char *path, const struct dy_embeddings *embeddings,
                                    const struct dy_pictures *pictures, struct dylumo_error *err)
{
    struct dy_outfile out = {0};
    size_t size = strlen(path) + sizeof ".names";
    char *names = dy_new(size);
    if (!names)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory", path);
    snprintf(names, size, "%s.names", path);
    enum dylumo_status st = dy_outfile_open(&out, names, err);
    if (!st)
        st = finish(&out, write_names(&out, embeddings, pictures, err), err);
    dy_free(names);
    if (!st)
        st = dy_outfile_open(&out, path, err);
    return st ? st : finish(&out, write_rows(&out, embeddings, err), err);
}

/* ------------------------------------------------------------------ safetensors */

static void gather(const struct dy_embeddings *embeddings, const struct dy_pictures *pictures,
                   float *rows, char *names)
{
    for (size_t i = 0; i < embeddings->count; i++) {
        const float *row = embedding_of(embeddings, i);
        if (!row)
            continue;
        size_t size = strlen(pictures->items[i].file) + 1;
        memcpy(rows, row, embeddings->dimension * sizeof *rows);
        memcpy(names, pictures->items[i].file, size);
        rows += embeddings->dimension;
        names += size;
    }
}

static enum dylumo_status write_tensors(const char *path, const struct dy_embeddings *embeddings,
                                        const struct dy_pictures *pictures,
                                        struct dylumo_error *err)
{
    size_t count = readable(embeddings), name_bytes = 0;
    for (size_t i = 0; i < embeddings->count; i++)
        if (embedding_of(embeddings, i))
            name_bytes += strlen(pictures->items[i].file) + 1;
    float *rows = dy_new_array(count * embeddings->dimension + 1, sizeof *rows);
    char *names = dy_new(name_bytes + 1), hash[24];
    enum dylumo_status st = DYLUMO_OK;
    if (rows && names) {
        gather(embeddings, pictures, rows, names);
        snprintf(hash, sizeof hash, "%016llx", (unsigned long long)embeddings->encoder_hash);
        const struct dy_tensor tensors[] = {
            {.name = "embeddings",
             .dtype = DY_F32,
             .dims = 2,
             .shape = {count, embeddings->dimension},
             .data = rows,
             .size = count * embeddings->dimension * sizeof *rows},
            {.name = "names",
             .dtype = DY_U8,
             .dims = 1,
             .shape = {name_bytes},
             .data = names,
             .size = name_bytes},
        };
        const char *const metadata[] = {"encoder", embeddings->encoder, "encoder.hash", hash, NULL};
        st = dy_safetensors_write(path, tensors, DY_COUNT(tensors), metadata, err);
    } else {
        st = dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for %zu embeddings", path, count);
    }
    dy_free(rows);
    dy_free(names);
    return st;
}

enum dylumo_status dy_embeddings_write(const char *path, const struct dy_embeddings *embeddings,
                                       const struct dy_pictures *pictures, struct dylumo_error *err)
{
    size_t size = strlen(path);
    bool npy = size > 4 && !strcmp(path + size - 4, ".npy");
    return npy ? write_npy(path, embeddings, pictures, err)
               : write_tensors(path, embeddings, pictures, err);
}
