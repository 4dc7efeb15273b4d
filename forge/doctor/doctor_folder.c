/* What else lies in the user's data folder: weights that recommend takes when they are named, and
 * songs files. */
#include "doctor_internal.h"

#include "dy_get.h"
#include "dy_models.h"

#include <dirent.h>
#include <string.h>

/* ------------------------------------------------------------------ weights */

static bool is_encoder(const struct dy_model *model)
{
    return !strcmp(model->kind, "encoder");
}

static const struct dy_model *named(const struct dy_model_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->items[i].name, name))
            return &list->items[i];
    return NULL;
}

static const struct dy_model *encoder_of(const struct dy_model_list *list,
                                         const struct dy_model *mood)
{
    for (size_t i = 0; i < list->count; i++)
        if (is_encoder(&list->items[i]) && !strcmp(list->items[i].encoder, mood->encoder))
            return &list->items[i];
    return NULL;
}

static void describe_encoder(struct dy_finding *finding, const struct dy_model *model,
                             const struct dy_model_list *list)
{
    char mood[64];
    snprintf(finding->text, sizeof finding->text, "an encoder, %s, %s, %.1f MB",
             model->architecture, model->precision, (double)model->bytes / 1e6);
    doctor_mood_name(mood, sizeof mood, model->encoder);
    if (named(list, mood))
        return;
    size_t used = strlen(finding->text);
    snprintf(finding->text + used, sizeof finding->text - used, "; there is no %s for it", mood);
    finding->state = DY_FINDING_ABSENT;
    int folder = (int)(strrchr(model->path, '/') + 1 - model->path);
    snprintf(finding->command, sizeof finding->command,
             "dylumo train --encoder %s -o %.*s%s.safetensors TABLE", model->encoder, folder,
             model->path, mood);
}

/* Whether a mood file is of the very weights that are here. */
static enum dylumo_status match(const struct doctor *doctor, const struct dy_model *mood,
                                const struct dy_model *encoder, struct dylumo_error *err)
{
    struct dy_mood_model *open_mood = NULL;
    struct dy_encoder *open_encoder = NULL;
    enum dylumo_status st = dy_mood_open(&open_mood, mood->path, err);
    if (!st)
        st = dy_encoder_open(&open_encoder, encoder->path, DY_PRECISION_AUTO,
                             dy_context_threads(doctor->context), err);
    if (!st) {
        const struct dy_encoder_info *info = dy_encoder_info(open_encoder);
        st = dy_mood_check_encoder(open_mood, info->name, info->hash, info->dimension, err);
    }
    dy_encoder_close(open_encoder);
    dy_mood_close(open_mood);
    return st;
}

static void describe_mood(const struct doctor *doctor, struct dy_finding *finding,
                          const struct dy_model *model, const struct dy_model_list *list)
{
    struct dylumo_error err;
    const struct dy_model *encoder = encoder_of(list, model);
    if (!encoder) {
        finding->state = DY_FINDING_ABSENT;
        snprintf(finding->text, sizeof finding->text, "a mood for %s, which is not here",
                 model->encoder);
        bool known = dy_item_named(model->encoder) != NULL;
        snprintf(finding->command, sizeof finding->command, "dylumo %s %s",
                 known ? "get" : "models add", known ? model->encoder : "FOLDER");
    } else if (match(doctor, model, encoder, &err)) {
        finding->state = DY_FINDING_WARNING;
        snprintf(finding->text, sizeof finding->text, "%s", err.text);
    } else {
        snprintf(finding->text, sizeof finding->text, "a mood for %s, and fits it", model->encoder);
    }
}

void doctor_weights(struct doctor *doctor)
{
    struct dy_model_list list;
    struct dylumo_error err;
    if (dy_models_list(&list, &err)) {
        struct dy_finding *finding = doctor_add(doctor, "weights", "data folder");
        finding->state = DY_FINDING_WARNING;
        snprintf(finding->text, sizeof finding->text, "%s", err.text);
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        const struct dy_model *model = &list.items[i];
        if (!strcmp(model->path, doctor->encoder_path) || !strcmp(model->path, doctor->mood_path))
            continue;
        struct dy_finding *finding = doctor_add(doctor, "weights", model->name);
        snprintf(finding->path, sizeof finding->path, "%s", model->path);
        if (is_encoder(model))
            describe_encoder(finding, model, &list);
        else
            describe_mood(doctor, finding, model, &list);
    }
    dy_model_list_clear(&list);
}

/* ------------------------------------------------------------------ songs files */

static void look_at_catalogue(struct doctor *doctor, const char *name, const char *path)
{
    struct dylumo_error err;
    struct dy_songs *songs = NULL;
    struct dy_finding *finding = doctor_add(doctor, "catalogues", name);
    snprintf(finding->path, sizeof finding->path, "%s", path);
    if (dy_songs_open(&songs, path, &err)) {
        finding->state = DY_FINDING_WARNING;
        snprintf(finding->text, sizeof finding->text, "%s", err.text);
        return;
    }
    snprintf(finding->text, sizeof finding->text, "%zu songs", dy_songs_count(songs));
    snprintf(finding->hash, sizeof finding->hash, "%016llx",
             (unsigned long long)dy_songs_identity(songs));
    dy_songs_close(songs);
}

void doctor_catalogues(struct doctor *doctor)
{
    char folder[2048], path[4096];
    DIR *dir = dy_item_folder(folder, sizeof folder) ? opendir(folder) : NULL;
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        const char *dot = strrchr(entry->d_name, '.');
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (dot && dot != entry->d_name && !strcmp(dot, ".dylumo") &&
            strcmp(path, doctor->songs_path) != 0)
            look_at_catalogue(doctor, entry->d_name, path);
    }
    closedir(dir);
}
