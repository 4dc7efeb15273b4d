/* A stopped run on disk, as safetensors: the networks that are done, and of the one in training its
 * parameters, Adam's moments, running statistics and state. Numbers of the state are written as
 * hexadecimal floats, so that they come back bit by bit. */
#include "train_write.h"

#include "dy_format.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAYS 5 /* of the network in training */

struct train_checkpoint {
    struct dy_safetensors *file;
    struct train_state state;
    bool going;
};

struct array {
    const char *name;
    float *data;
    size_t count;
};

/* Moments 0 and 1 and best are empty where they are not used. */
static void arrays_of(const struct train_fit *fit, struct array arrays[ARRAYS])
{
    const struct train_net *net = &fit->net;
    size_t all = net->parameter_count + net->running_count;
    arrays[0] = (struct array){"now.parameters", net->parameters, net->parameter_count};
    arrays[1] = (struct array){"now.running", net->running, net->running_count};
    arrays[2] = (struct array){"now.moment.0", net->moments[0], net->parameter_count};
    arrays[3] = (struct array){"now.moment.1", net->moments[1], net->parameter_count};
    arrays[4] = (struct array){"now.best", fit->best, fit->best ? all : 0};
}

static void add(struct dy_tensor *tensor, char *name_room, const char *name, const float *data,
                size_t count)
{
    snprintf(name_room, 32, "%s", name);
    *tensor = (struct dy_tensor){.name = name_room,
                                 .dtype = DY_F32,
                                 .dims = 1,
                                 .shape = {count},
                                 .data = count ? data : NULL,
                                 .size = count * sizeof *data};
}

static enum dylumo_status save(const char *path, uint64_t fingerprint,
                               const struct dy_tensor *tensors, size_t count, unsigned done,
                               const struct train_state *state, struct dylumo_error *err)
{
    char key[24], number[16], text[256];
    snprintf(key, sizeof key, "%016llx", (unsigned long long)fingerprint);
    snprintf(number, sizeof number, "%u", done);
    snprintf(text, sizeof text, "%llu %a %a %a %llu", (unsigned long long)state->step, state->loss,
             state->rate, state->best, (unsigned long long)state->stale);
    const char *const metadata[] = {"dylumo.kind", "training", "fingerprint", key, "done",
                                    number,        "state",    text,          NULL};
    return dy_safetensors_write(path, tensors, count, metadata, err);
}

enum dylumo_status train_checkpoint_save(const char *path, uint64_t fingerprint,
                                         const struct train_done *done, unsigned count,
                                         const struct train_fit *fit, struct dylumo_error *err)
{
    size_t room = 2 * (size_t)count + ARRAYS, used = 0;
    struct dy_tensor *tensors = dy_new_array(room, sizeof *tensors);
    char(*names)[32] = dy_new_array(room, sizeof *names);
    struct train_state none = {0};
    enum dylumo_status st;
    if (tensors && names) {
        for (unsigned i = 0; i < count; i++) {
            char name[32];
            snprintf(name, sizeof name, "done.%u.parameters", i);
            add(&tensors[used], names[used], name, done[i].parameters, fit->net.parameter_count);
            used++;
            snprintf(name, sizeof name, "done.%u.running", i);
            add(&tensors[used], names[used], name, done[i].running, fit->net.running_count);
            used++;
        }
        struct array arrays[ARRAYS];
        arrays_of(fit, arrays);
        for (unsigned i = 0; i < ARRAYS && fit->state.step && !fit->state.finished; i++, used++)
            add(&tensors[used], names[used], arrays[i].name, arrays[i].data, arrays[i].count);
        st = save(path, fingerprint, tensors, used, count,
                  fit->state.finished ? &none : &fit->state, err);
    } else {
        st = dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to write it", path);
    }
    dy_free(tensors);
    dy_free(names);
    return st;
}

/* ------------------------------------------------------------------ back */

static enum dylumo_status copy_array(const struct dy_safetensors *file, const char *name,
                                     float **to, size_t count, struct dylumo_error *err)
{
    const struct dy_tensor *tensor;
    const uint64_t shape = count;
    enum dylumo_status st = dy_safetensors_expect(file, name, DY_F32, 1, &shape, &tensor, err);
    if (!st && !(*to = dy_new_array(count + 1, sizeof **to)))
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory to go on from the checkpoint");
    if (!st && count)
        memcpy(*to, tensor->data, count * sizeof **to);
    return st;
}

static bool fits(const struct dy_safetensors *file, uint64_t fingerprint)
{
    const char *found = dy_safetensors_metadata(file, "fingerprint");
    char wanted[24];
    snprintf(wanted, sizeof wanted, "%016llx", (unsigned long long)fingerprint);
    return found && !strcmp(found, wanted) && dy_safetensors_metadata(file, "done") &&
           dy_safetensors_metadata(file, "state");
}

static void read_state(struct train_checkpoint *checkpoint)
{
    unsigned long long step = 0, stale = 0;
    struct train_state *state = &checkpoint->state;
    int got = sscanf(dy_safetensors_metadata(checkpoint->file, "state"), "%llu %la %la %la %llu",
                     &step, &state->loss, &state->rate, &state->best, &stale);
    state->step = step;
    state->stale = stale;
    checkpoint->going = got == 5 && step > 0;
}

static enum dylumo_status read_done(const struct train_checkpoint *checkpoint,
                                    const struct train_fit *shape, struct train_done *done,
                                    unsigned parts, unsigned *count, struct dylumo_error *err)
{
    unsigned long claimed = strtoul(dy_safetensors_metadata(checkpoint->file, "done"), NULL, 10);
    enum dylumo_status st = DYLUMO_OK;
    for (unsigned i = 0; i < claimed && i < parts && !st; i++) {
        char name[32];
        snprintf(name, sizeof name, "done.%u.parameters", i);
        st = copy_array(checkpoint->file, name, &done[i].parameters, shape->net.parameter_count,
                        err);
        snprintf(name, sizeof name, "done.%u.running", i);
        if (!st)
            st =
                copy_array(checkpoint->file, name, &done[i].running, shape->net.running_count, err);
        *count += !st;
    }
    return st;
}

enum dylumo_status train_checkpoint_open(struct train_checkpoint **out, const char *path,
                                         uint64_t fingerprint, const struct train_fit *shape,
                                         struct train_done *done, unsigned parts, unsigned *count,
                                         struct dylumo_error *err)
{
    *count = 0;
    *out = NULL;
    if (access(path, F_OK))
        return DYLUMO_OK;
    struct train_checkpoint *checkpoint = dy_new(sizeof *checkpoint);
    if (!checkpoint)
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to open it", path);
    enum dylumo_status st = dy_safetensors_open(&checkpoint->file, path, err);
    if (!st && fits(checkpoint->file, fingerprint)) {
        read_state(checkpoint);
        st = read_done(checkpoint, shape, done, parts, count, err);
        if (!st) {
            *out = checkpoint;
            return DYLUMO_OK;
        }
    }
    train_checkpoint_close(checkpoint);
    return st;
}

bool train_checkpoint_resume(const struct train_checkpoint *checkpoint, struct train_fit *fit)
{
    struct array arrays[ARRAYS];
    if (!checkpoint || !checkpoint->going)
        return false;
    arrays_of(fit, arrays);
    for (unsigned i = 0; i < ARRAYS; i++) {
        const struct dy_tensor *tensor = dy_safetensors_find(checkpoint->file, arrays[i].name);
        if (!tensor || tensor->dtype != DY_F32 || tensor->size != arrays[i].count * sizeof(float))
            return false;
        if (tensor->size)
            memcpy(arrays[i].data, tensor->data, tensor->size);
    }
    fit->state = checkpoint->state;
    return true;
}

void train_checkpoint_close(struct train_checkpoint *checkpoint)
{
    if (!checkpoint)
        return;
    dy_safetensors_close(checkpoint->file);
    dy_free(checkpoint);
}
