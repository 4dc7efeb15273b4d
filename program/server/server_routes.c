/* Which path is answered by what: one table, and the page's files beside it. */
#include "server_internal.h"

#include <assert.h>
#include <string.h>

static void answer_metrics(struct server_request *request, struct server_worker *worker,
                           const struct server_models *models)
{
    (void)worker;
    server_reply_text(request, "text/plain; version=0.0.4; charset=utf-8",
                      server_metrics_text(&request->server->metrics,
                                          dylumo_parts(models->dylumo)->songs, server_route_name));
}

static void answer_file(struct server_request *request, struct server_worker *worker,
                        const struct server_models *models)
{
    (void)worker;
    (void)models;
    assert(request->reply.file); /* the route was found by it */
}

static const struct server_route routes[] = {
    /* path, methods, open, old, queued, answer */
    {"/health", METHOD_GET, true, true, false, server_original_health},
    {"/ready", METHOD_GET, true, true, false, server_original_ready},
    {"/recommend", METHOD_POST, false, true, true, server_original_recommend},
    {"/emotions", METHOD_GET, false, true, false, server_original_emotions},
    {"/stats", METHOD_GET, false, true, false, server_original_stats},
    {"/metrics", METHOD_GET, false, false, false, answer_metrics},
    {"/v1/recommend", METHOD_GET | METHOD_POST, false, false, true, server_v1_recommend},
    {"/v1/songs", METHOD_GET, false, false, true, server_songs_find},
    {"/v1/songs/{id}", METHOD_GET, false, false, true, server_songs_one},
    {"/v1/songs/{id}/near", METHOD_GET, false, false, true, server_songs_near},
    {"/v1/playlist", METHOD_GET, false, false, true, server_songs_playlist},
    {"/v1/info", METHOD_GET, false, false, false, server_v1_info},
};

static const struct server_route file_route = {"/(page)", METHOD_GET, true,
                                               false,     false,      answer_file};
_Static_assert(DY_COUNT(routes) + 2 <= SERVER_ROUTES_MAX, "room in the metrics");

/* Does path match pattern? Its {id}, if it has one, into id. */
static bool matches(const char *pattern, const char *path, char id[SERVER_ID_MAX + 1])
{
    const char *hole = strstr(pattern, "{id}");
    if (!hole)
        return !strcmp(pattern, path);
    size_t before = (size_t)(hole - pattern);
    if (strncmp(pattern, path, before))
        return false;
    size_t size = strcspn(path + before, "/");
    if (!size || size > SERVER_ID_MAX || strcmp(path + before + size, hole + 4))
        return false;
    memcpy(id, path + before, size);
    id[size] = '\0';
    return true;
}

const struct server_file *server_file_of(const char *path)
{
    for (size_t i = 0; i < server_file_count; i++)
        if (!strcmp(server_files[i].path, path))
            return &server_files[i];
    return NULL;
}

const struct server_route *server_route_of(const char *path, char id[SERVER_ID_MAX + 1])
{
    for (size_t i = 0; i < DY_COUNT(routes); i++)
        if (matches(routes[i].path, path, id))
            return &routes[i];
    return server_file_of(path) ? &file_route : NULL;
}

unsigned server_route_number(const struct server_route *route)
{
    if (!route)
        return DY_COUNT(routes) + 1;
    return route == &file_route ? DY_COUNT(routes) : (unsigned)(route - routes);
}

const char *server_route_name(unsigned number)
{
    if (number < DY_COUNT(routes))
        return routes[number].path;
    return number == DY_COUNT(routes)       ? file_route.path
           : number == DY_COUNT(routes) + 1 ? "(none)"
                                            : NULL;
}
