/* Weights as they lie on disk: one file, or a folder as Hugging Face has it, where the file has one
 * of a few names. Safetensors and PyTorch's files give tensors by the same three functions. */
#include "models_source.h"

#include "dy_original.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define JSON_MAX (16u << 20) /* bytes; the largest is vocab.json with one */

/* Those that a folder is searched for, in this order. */
static const char *const weight_files[] = {"model.safetensors", "open_clip_model.safetensors",
                                           "pytorch_model.bin", "open_clip_pytorch_model.bin",
                                           DY_ORIGINAL_MODEL};

/* ------------------------------------------------------------------ the place */

static bool join(char out[static 4096], const char *folder, const char *name)
{
    int length = snprintf(out, 4096, "%s%s", folder, name);
    return length > 0 && length < 4096;
}

bool models_source_beside(const struct models_source *source, const char *name,
                          char path[static 4096])
{
    return join(path, source->folder, name) && !access(path, F_OK);
}

static enum dylumo_status find_in_folder(struct models_source *source, const char *folder,
                                         struct dylumo_error *err)
{
    const char *slash = folder[0] && folder[strlen(folder) - 1] == '/' ? "" : "/";
    int length = snprintf(source->folder, sizeof source->folder, "%s%s", folder, slash);
    if (length < 0 || (size_t)length >= sizeof source->folder)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "the path of the folder is too long");
    for (size_t i = 0; i < DY_COUNT(weight_files); i++)
        if (models_source_beside(source, weight_files[i], source->path))
            return DYLUMO_OK;
    char index[4096];
    if (models_source_beside(source, "model.safetensors.index.json", index) ||
        models_source_beside(source, "pytorch_model.bin.index.json", index))
        return dy_fail(err, DYLUMO_UNSUPPORTED,
                       "%s: weights that are split into several files are not read", index);
    return dy_fail(err, DYLUMO_NOT_FOUND,
                   "%s: none of %s, %s, %s, %s and %s in it; name the file of weights itself",
                   folder, weight_files[0], weight_files[1], weight_files[2], weight_files[3],
                   weight_files[4]);
}

static enum dylumo_status find_weights(struct models_source *source, const char *path,
                                       struct dylumo_error *err)
{
    struct stat info;
    if (!stat(path, &info) && S_ISDIR(info.st_mode))
        return find_in_folder(source, path, err);
    if (!join(source->path, path, ""))
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "the path of the weights is empty or too long");
    const char *slash = strrchr(path, '/');
    snprintf(source->folder, sizeof source->folder, "%.*s", slash ? (int)(slash - path) + 1 : 0,
             path);
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ the tensors */

static enum dylumo_status open_torch(struct models_source *source, struct dylumo_error *err)
{
    enum dylumo_status st = dy_torch_open(&source->torch, source->path, err);
    if (st)
        return st;
    source->script = dy_torch_root(source->torch)->type == DY_PICKLE_OBJECT;
    source->count = dy_torch_count(source->torch);
    return DYLUMO_OK;
}

static enum dylumo_status open_weights(struct models_source *source, struct dylumo_error *err)
{
    struct dy_map map;
    enum dylumo_status st = dy_map_file(&map, source->path, err);
    if (st)
        return st;
    bool torch = dy_torch_looks_like(map.data, map.size);
    dy_map_close(&map);
    if (torch)
        return open_torch(source, err);
    st = dy_safetensors_open(&source->safetensors, source->path, err);
    source->count = st ? 0 : dy_safetensors_count(source->safetensors);
    return st;
}

enum dylumo_status models_source_open(struct models_source *source, const char *path,
                                      struct dylumo_error *err)
{
    *source = (struct models_source){.script = false};
    enum dylumo_status st = find_weights(source, path, err);
    if (!st)
        st = open_weights(source, err);
    if (!st && !(source->used = dy_new_array(source->count + 1, sizeof *source->used)))
        st = dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to open it", source->path);
    if (st)
        models_source_close(source);
    return st;
}

void models_source_close(struct models_source *source)
{
    dy_safetensors_close(source->safetensors);
    dy_torch_close(source->torch);
    dy_free(source->used);
    *source = (struct models_source){.script = false};
}

const struct dy_tensor *models_source_at(const struct models_source *source, size_t index)
{
    return source->torch ? dy_torch_at(source->torch, index)
                         : dy_safetensors_at(source->safetensors, index);
}

const struct dy_tensor *models_source_find(const struct models_source *source, const char *name)
{
    return source->torch ? dy_torch_find(source->torch, name)
                         : dy_safetensors_find(source->safetensors, name);
}

void models_source_use(struct models_source *source, const struct dy_tensor *tensor)
{
    source->used[tensor - models_source_at(source, 0)] = true;
}

enum dylumo_status models_source_rest(const struct models_source *source, const char *prefix,
                                      const char *what, struct dylumo_error *err)
{
    char names[400] = "";
    size_t rest = 0, length = 0;
    for (size_t i = 0; i < source->count; i++) {
        const char *name = models_source_at(source, i)->name;
        if (source->used[i] || strncmp(name, prefix, strlen(prefix)) != 0)
            continue;
        if (rest++ < 3)
            length += (size_t)snprintf(names + length, sizeof names - length, "%s'%.100s'",
                                       length ? ", " : "", name);
    }
    if (!rest)
        return DYLUMO_OK;
    return dy_fail(err, DYLUMO_BAD_FILE, "%s: %zu tensor%s that %s does not have: %s%s",
                   source->path, rest, rest == 1 ? "" : "s", what, names, rest > 3 ? "..." : "");
}

/* ------------------------------------------------------------------ JSON beside them */

enum dylumo_status models_source_json(const struct models_source *source, const char *name,
                                      json_t **json, struct dylumo_error *err)
{
    char path[4096];
    uint8_t *data = NULL;
    size_t size = 0;
    json_error_t why;
    *json = NULL;
    if (!models_source_beside(source, name, path))
        return DYLUMO_OK;
    enum dylumo_status st = dy_read_file(&data, &size, path, JSON_MAX, err);
    if (st)
        return st;
    *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, &why);
    dy_free(data);
    if (!json_is_object(*json)) {
        json_decref(*json);
        *json = NULL;
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: is not a JSON object", path);
    }
    return DYLUMO_OK;
}
