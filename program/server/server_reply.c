/* Replies: texts, the page's files, mistakes as problem documents (RFC 9457) or as the original's
 * service told them, and the headers that every answer carries. */
#include "server_internal.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_POLICY                                                                         \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; " \
    "connect-src 'self'; manifest-src 'self'; font-src 'self'; base-uri 'none'; "           \
    "form-action 'none'; frame-ancestors 'none'"

/* ------------------------------------------------------------------ making */

void server_reply_text(struct server_request *request, const char *type, char *text)
{
    if (!text) {
        server_reply_busy(request, "there is no memory for the answer");
        return;
    }
    free(request->reply.text);
    request->reply.status = MHD_HTTP_OK;
    request->reply.type = type;
    request->reply.text = text;
    request->reply.size = strlen(text);
}

void server_reply_json(struct server_request *request, char *text)
{
    server_reply_text(request, "application/json", text);
}

static json_t *problem_object(bool old, unsigned status, const char *kind, const char *title,
                              const char *detail)
{
    char *clean = dy_text_clean(detail, strlen(detail), NULL);
    json_t *object = !clean ? NULL
                     : old  ? json_pack("{s:s, s:s}", "status", "error", "message", clean)
                           : json_pack("{s:s+, s:s, s:i, s:s}", "type", "urn:dylumo:problem:", kind,
                                       "title", title, "status", (int)status, "detail", clean);
    dy_free(clean);
    return object;
}

void server_reply_problem(struct server_request *request, unsigned status, const char *kind,
                          const char *title, const char *detail)
{
    struct server_reply *reply = &request->reply;
    free(reply->text);
    json_t *object = problem_object(reply->old, status, kind, title, detail);
    reply->text = object ? json_dumps(object, 0) : NULL;
    json_decref(object);
    reply->file = NULL;
    reply->name = NULL;
    reply->status = status;
    reply->type = reply->old ? "application/json" : "application/problem+json";
    reply->size = reply->text ? strlen(reply->text) : 0;
}

void server_reply_busy(struct server_request *request, const char *detail)
{
    server_reply_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "busy",
                         "The server has more to do than it can.", detail);
    request->reply.retry_after = 1;
}

static unsigned http_status(enum dylumo_status status)
{
    switch (status) {
    case DYLUMO_OK:
        return MHD_HTTP_OK;
    case DYLUMO_BAD_ARGUMENT:
        return MHD_HTTP_BAD_REQUEST;
    case DYLUMO_NOT_FOUND:
        return MHD_HTTP_NOT_FOUND;
    case DYLUMO_BAD_PICTURE:
        return MHD_HTTP_UNPROCESSABLE_CONTENT;
    case DYLUMO_TOO_LARGE:
        return MHD_HTTP_CONTENT_TOO_LARGE;
    case DYLUMO_UNSUPPORTED:
        return MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
    case DYLUMO_NO_MEMORY:
    case DYLUMO_CANCELLED:
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    case DYLUMO_NETWORK:
        return MHD_HTTP_BAD_GATEWAY;
    case DYLUMO_NO_PERMISSION:
    case DYLUMO_IO:
    case DYLUMO_BAD_FILE:
    case DYLUMO_MISMATCH:
        return MHD_HTTP_INTERNAL_SERVER_ERROR;
    }
    return MHD_HTTP_INTERNAL_SERVER_ERROR;
}

/* Sentences of our own files may name paths: those are for the log. */
void server_reply_error(struct server_request *request, const struct dylumo_error *err)
{
    unsigned status = http_status(err->status);
    bool ours = status == MHD_HTTP_INTERNAL_SERVER_ERROR;
    if (ours)
        server_say(request->server, "error: %s", err->text);
    server_reply_problem(request, status, dylumo_status_name(err->status),
                         dylumo_status_text(err->status),
                         ours ? "the server's own files fail; its log says how" : err->text);
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
        request->reply.retry_after = 1;
}

void server_reply_songs(struct server_request *request, const struct server_ask *ask,
                        const struct dylumo_song *songs, size_t count, char *json)
{
    if (ask->format == DY_PLAYLIST_NONE) {
        server_reply_json(request, json);
        return;
    }
    free(json);
    server_reply_text(request, dy_present_format_type(ask->format),
                      dy_present_playlist(ask->format, ask->title, songs, count));
    if (request->reply.status == MHD_HTTP_OK)
        request->reply.name = dy_present_format_file(ask->format);
}

/* ------------------------------------------------------------------ headers */

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    /* without memory a header is missing, and the answer still right */
    (void)MHD_add_response_header(response, name, value);
}

static const char *header(const struct server_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

static void add_origin(struct MHD_Response *response, const struct server_request *request)
{
    const struct dy_server_options *options = &request->server->options;
    const char *origin = header(request, "Origin");
    if (!options->origin_count)
        return;
    add(response, "Vary", "Origin");
    for (size_t i = 0; origin && i < options->origin_count; i++)
        if (!strcmp(options->origins[i], "*") || !strcmp(options->origins[i], origin)) {
            add(response, "Access-Control-Allow-Origin", origin);
            add(response, "Access-Control-Allow-Methods", "GET, POST");
            add(response, "Access-Control-Allow-Headers", "Authorization, Content-Type");
            add(response, "Access-Control-Expose-Headers", "Content-Disposition, Retry-After");
            add(response, "Access-Control-Max-Age", "600");
            return;
        }
}

static void add_security(struct MHD_Response *response, const struct server_request *request)
{
    add(response, "X-Content-Type-Options", "nosniff");
    add(response, "Referrer-Policy", "no-referrer");
    add(response, "X-Frame-Options", "DENY");
    add(response, "Content-Security-Policy",
        request->reply.file ? PAGE_POLICY : "default-src 'none'; frame-ancestors 'none'");
    if (request->reply.file)
        add(response, "Permissions-Policy", "geolocation=(), microphone=(), camera=(self)");
    if (!request->server->options.origin_count) {
        add(response, "Cross-Origin-Resource-Policy", "same-origin");
        add(response, "Cross-Origin-Opener-Policy", "same-origin");
    }
    if (request->server->options.tls_certificate)
        add(response, "Strict-Transport-Security", "max-age=31536000");
}

static void add_headers(struct MHD_Response *response, const struct server_request *request)
{
    const struct server_reply *reply = &request->reply;
    if (reply->type)
        add(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->type);
    if (!reply->file)
        add(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (reply->name) {
        char text[96];
        snprintf(text, sizeof text, "attachment; filename=\"%s\"", reply->name);
        add(response, "Content-Disposition", text);
    }
    if (reply->allow)
        add(response, MHD_HTTP_HEADER_ALLOW, reply->allow);
    if (reply->status == MHD_HTTP_UNAUTHORIZED)
        add(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"dylumo\"");
    if (reply->retry_after) {
        char seconds[16];
        snprintf(seconds, sizeof seconds, "%u", reply->retry_after);
        add(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
    if (request->server->draining)
        add(response, MHD_HTTP_HEADER_CONNECTION, "close");
    add_origin(response, request);
    add_security(response, request);
}

/* ------------------------------------------------------------------ files */

/* A list such as "gzip;q=0.5, br" that takes gzip. */
static bool takes_gzip(const char *list)
{
    for (const char *at = list ? strcasestr(list, "gzip") : NULL; at; at = strcasestr(at, "gzip")) {
        at += 4;
        const char *quality = at + strspn(at, " \t;");
        if (strncasecmp(quality, "q=0", 3) ||
            strspn(quality + 2, "0.") != strcspn(quality + 2, ", "))
            return true;
    }
    return false;
}

static bool has_etag(const char *list, const char *etag)
{
    return list && (!strcmp(list, "*") || strstr(list, etag));
}

static struct MHD_Response *file_response(struct server_request *request)
{
    const struct server_file *file = request->reply.file;
    bool packed = file->gzip && takes_gzip(header(request, MHD_HTTP_HEADER_ACCEPT_ENCODING));
    char etag[40];
    snprintf(etag, sizeof etag, "\"%s%s\"", file->etag, packed ? "-gz" : "");
    bool same = has_etag(header(request, MHD_HTTP_HEADER_IF_NONE_MATCH), etag);
    size_t size = same ? 0 : packed ? file->gzip_size : file->plain_size;
    const unsigned char *bytes = packed ? file->gzip : file->plain;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, (void *)(uintptr_t)bytes, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return NULL;
    request->reply.status = same ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK;
    request->reply.type = file->type;
    request->reply.size = size;
    add(response, MHD_HTTP_HEADER_ETAG, etag);
    add(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
    add(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    if (packed)
        add(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
    return response;
}

/* ------------------------------------------------------------------ sending */

enum MHD_Result server_reply_send(struct server_request *request)
{
    struct server_reply *reply = &request->reply;
    struct MHD_Response *response;
    if (reply->file) {
        response = file_response(request);
    } else {
        response = MHD_create_response_from_buffer_with_free_callback(
            reply->size, reply->text ? reply->text : "", reply->text ? free : NULL);
        if (response)
            reply->text = NULL; /* libmicrohttpd's now */
    }
    if (!response)
        return MHD_NO;
    add_headers(response, request);
    enum MHD_Result result = MHD_queue_response(request->connection, reply->status, response);
    MHD_destroy_response(response);
    request->stage = STAGE_ANSWERED;
    return result;
}
