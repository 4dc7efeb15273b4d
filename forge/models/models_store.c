/* The data folder's models: what each file says of itself, the list, and taking one out. */
#include "dy_format.h"
#include "dy_get.h"
#include "dy_models.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENDING ".safetensors"

static const char *metadata(const struct dy_safetensors *file, const char *key)
{
    const char *text = dy_safetensors_metadata(file, key);
    return text ? text : "";
}

/* The file's name without folder and ending. */
static void take_name(struct dy_model *model, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strlen(name), tail = strlen(ENDING);
    if (length > tail && !strcmp(name + length - tail, ENDING))
        length -= tail;
    snprintf(model->name, sizeof model->name, "%.*s", (int)length, name);
}

static const char *precision_of(const struct dy_safetensors *file)
{
    const char *told = dy_safetensors_metadata(file, "precision");
    if (told)
        return told;
    const struct dy_tensor *largest = dy_safetensors_at(file, 0);
    for (size_t i = 1; i < dy_safetensors_count(file); i++)
        if (dy_safetensors_at(file, i)->size > largest->size)
            largest = dy_safetensors_at(file, i);
    return !largest                    ? ""
           : largest->dtype == DY_F16  ? "f16"
           : largest->dtype == DY_BF16 ? "bf16"
           : largest->dtype == DY_I8   ? "int8"
                                       : "f32";
}

static void describe(struct dy_model *model, const struct dy_safetensors *file, const char *path)
{
    const char *kind = dy_safetensors_metadata(file, "dylumo.kind");
    const char *architecture = dy_safetensors_metadata(file, "dylumo.architecture");
    *model = (struct dy_model){.text = dy_safetensors_find(file, "text.merges") != NULL};
    take_name(model, path);
    snprintf(model->path, sizeof model->path, "%s", path);
    snprintf(model->kind, sizeof model->kind, "%s", kind ? kind : "encoder");
    snprintf(model->encoder, sizeof model->encoder, "%s", metadata(file, "dylumo.encoder"));
    snprintf(model->architecture, sizeof model->architecture, "%s",
             kind           ? ""
             : architecture ? architecture
                            : model->encoder);
    snprintf(model->precision, sizeof model->precision, "%s", precision_of(file));
    snprintf(model->source, sizeof model->source, "%s", metadata(file, "source"));
    snprintf(model->activation, sizeof model->activation, "%s", metadata(file, "activation"));
    model->size_px = (unsigned)strtoul(metadata(file, "image.size"), NULL, 10);
    for (size_t i = 0; i < dy_safetensors_count(file); i++) {
        const struct dy_tensor *tensor = dy_safetensors_at(file, i);
        model->numbers += tensor->size / dy_dtype_size(tensor->dtype);
    }
}

enum dylumo_status dy_model_read(struct dy_model *model, const char *path, struct dylumo_error *err)
{
    struct dy_safetensors *file = NULL;
    struct stat info;
    enum dylumo_status st = dy_safetensors_open(&file, path, err);
    if (st)
        return st;
    if (!dy_safetensors_metadata(file, "dylumo.version"))
        st = dy_fail(err, DYLUMO_BAD_FILE,
                     "%s: is no weight file of dylumo's; 'dylumo models add' makes one of CLIP's",
                     path);
    else
        describe(model, file, path);
    if (!st && !stat(path, &info))
        model->bytes = (uint64_t)info.st_size;
    dy_safetensors_close(file);
    return st;
}

/* ------------------------------------------------------------------ the list */

static bool is_weight_file(const char *name)
{
    size_t length = strlen(name), tail = strlen(ENDING);
    return length > tail && name[0] != '.' && !strcmp(name + length - tail, ENDING);
}

/* Files that are not dylumo's are passed over: the folder is the user's. */
static enum dylumo_status list_file(struct dy_model_list *list, const char *path, bool ships,
                                    struct dylumo_error *err)
{
    struct dylumo_error why;
    struct dy_model model;
    enum dylumo_status st = dy_model_read(&model, path, &why);
    if (st == DYLUMO_NO_MEMORY)
        return dy_fail(err, st, "%s", why.text);
    if (st)
        return DYLUMO_OK;
    model.ships = ships;
    if (!dy_grow(&list->items, &list->room, list->count + 1, sizeof model))
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for the list", path);
    list->items[list->count++] = model;
    return DYLUMO_OK;
}

static enum dylumo_status list_folder(struct dy_model_list *list, struct dylumo_error *err)
{
    char folder[2048];
    enum dylumo_status st = DYLUMO_OK;
    DIR *dir = dy_item_folder(folder, sizeof folder) ? opendir(folder) : NULL;
    if (!dir)
        return st;
    for (const struct dirent *entry; !st && (entry = readdir(dir));) {
        char path[4096 + 256];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (is_weight_file(entry->d_name) && strlen(path) < sizeof list->items->path)
            st = list_file(list, path, false, err);
    }
    closedir(dir);
    return st;
}

/* What is used when nothing is named, where it lies elsewhere. */
static enum dylumo_status list_located(struct dy_model_list *list, const char *part,
                                       struct dylumo_error *err)
{
    char path[4096];
    if (dylumo_locate(part, path, sizeof path, NULL))
        return DYLUMO_OK;
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->items[i].path, path))
            return DYLUMO_OK;
    return list_file(list, path, true, err);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct dy_model *)a)->name, ((const struct dy_model *)b)->name);
}

enum dylumo_status dy_models_list(struct dy_model_list *list, struct dylumo_error *err)
{
    *list = (struct dy_model_list){0};
    enum dylumo_status st = list_folder(list, err);
    if (!st)
        st = list_located(list, "encoder", err);
    if (!st)
        st = list_located(list, "mood", err);
    if (st)
        dy_model_list_clear(list);
    else if (list->count)
        qsort(list->items, list->count, sizeof *list->items, by_name);
    return st;
}

void dy_model_list_clear(struct dy_model_list *list)
{
    dy_free(list->items);
    *list = (struct dy_model_list){0};
}

/* ------------------------------------------------------------------ remove */

enum dylumo_status dy_models_remove(const char *name, struct dylumo_error *err)
{
    char file[128], path[4096];
    struct dy_model model;
    if (!*name || strchr(name, '/') || name[0] == '.' || strlen(name) > 64)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "'%s' is no name of a model; 'dylumo models list' tells them", name);
    snprintf(file, sizeof file, "%s%s", name, is_weight_file(name) ? "" : ENDING);
    enum dylumo_status st = dy_item_place(file, path, sizeof path, err);
    if (!st)
        st = dy_model_read(&model, path, err);
    if (st == DYLUMO_NOT_FOUND)
        return dy_fail(err, st, "no model '%s' was added: %s is not there", name, path);
    if (!st && unlink(path))
        st = dy_fail_errno(err, errno, path, "cannot remove");
    return st;
}
