/* Encoder, mood and songs behind a count of users, so that SIGHUP can put new ones in their place
 * while requests still run on the old ones. */
#include "server_internal.h"

static void close_models(struct server_models *models)
{
    dy_catalogue_close(models->catalogue);
    dylumo_close(models->dylumo);
    dy_free(models);
}

struct server_models *server_models_take(struct server *server)
{
    pthread_mutex_lock(&server->models_lock);
    struct server_models *models = server->models;
    models->users++;
    pthread_mutex_unlock(&server->models_lock);
    return models;
}

void server_models_give(struct server *server, struct server_models *models)
{
    if (!models)
        return;
    pthread_mutex_lock(&server->models_lock);
    bool last = --models->users == 0;
    pthread_mutex_unlock(&server->models_lock);
    if (!last)
        return;
    close_models(models);
}

enum dylumo_status server_models_open(struct server *server, struct dylumo_error *err)
{
    struct server_models *fresh = dy_new(sizeof *fresh);
    if (!fresh)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to open the files");
    enum dylumo_status st = dylumo_open(&fresh->dylumo, &server->options.open, err);
    if (!st)
        st = dy_catalogue_open(&fresh->catalogue, dylumo_parts(fresh->dylumo)->songs_path, err);
    if (st) {
        close_models(fresh);
        return st;
    }
    fresh->users = 1; /* the server itself */
    pthread_mutex_lock(&server->models_lock);
    struct server_models *old = server->models;
    server->models = fresh;
    pthread_mutex_unlock(&server->models_lock);
    server_models_give(server, old);
    return DYLUMO_OK;
}

void server_models_close(struct server *server)
{
    struct server_models *models = server->models;
    server->models = NULL;
    server_models_give(server, models);
}
