/* HTTP over libcurl. Redirects are followed here, not by libcurl: the head of a redirect is read
 * (Hugging Face tells size and hash in it), credentials stay with the origin they are for, and no
 * redirect leads from https to http. Connections are kept between requests of a session. */
#include "get_http.h"
#include "get_secret.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_REDIRECTS 10
#define MESSAGE_BYTES 2048

/* One request on its way through its redirects. */
struct exchange {
    struct dy_get *get;
    const struct get_request *request;
    struct get_result *result;
    struct dylumo_error *err;
    enum dylumo_status taken;    /* what take said */
    char message[MESSAGE_BYTES]; /* the beginning of the body of a refusal */
    size_t message_size;
    CURLcode code;
    char reason[CURL_ERROR_SIZE];
    char range[64];
    bool refused_turn; /* a redirect that is not followed: err is set */
};

/* ------------------------------------------------------------------ addresses */

static bool part_of(const struct get_curl *curl, CURLU *url, CURLUPart part, char out[256])
{
    char *text = NULL;
    unsigned flags = part == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0;
    bool good = !curl->url_get(url, part, &text, flags) && text && strlen(text) < 256;
    snprintf(out, 256, "%s", good ? text : "");
    curl->free(text);
    return good;
}

struct origin {
    char scheme[256], host[256], port[256];
};

static bool origin_of(const struct get_curl *curl, const char *address, struct origin *origin)
{
    CURLU *url = curl->url();
    bool good = url && !curl->url_set(url, CURLUPART_URL, address, 0) &&
                part_of(curl, url, CURLUPART_SCHEME, origin->scheme) &&
                part_of(curl, url, CURLUPART_HOST, origin->host) &&
                part_of(curl, url, CURLUPART_PORT, origin->port);
    curl->url_cleanup(url);
    return good;
}

static bool same_origin(const struct origin *a, const struct origin *b)
{
    return !strcasecmp(a->scheme, b->scheme) && !strcasecmp(a->host, b->host) &&
           !strcmp(a->port, b->port);
}

static bool is_loopback(const struct origin *origin)
{
    const char *host = origin->host;
    bool is_number = strspn(host, "0123456789.") == strlen(host); /* 127.example.com is none */
    return !strcmp(host, "localhost") || !strcmp(host, "[::1]") ||
           (is_number && !strncmp(host, "127.", 4));
}

/* ------------------------------------------------------------------ the head */

static bool header_is(const char *line, size_t size, const char *name, char *value, size_t room)
{
    size_t length = strlen(name);
    if (size <= length || line[length] != ':' || strncasecmp(line, name, length) != 0)
        return false;
    line += length + 1;
    size -= length + 1;
    while (size && (*line == ' ' || *line == '\t'))
        line++, size--;
    while (size && (unsigned char)line[size - 1] <= ' ')
        size--;
    size = size < room - 1 ? size : room - 1;
    memcpy(value, line, size);
    value[size] = '\0';
    return true;
}

static uint64_t number_of(const char *text)
{
    char *end;
    if (*text < '0' || *text > '9')
        return DY_GET_UNKNOWN;
    unsigned long long number = strtoull(text, &end, 10);
    return *end == '\0' ? number : DY_GET_UNKNOWN;
}

/* "bytes 100-199/200" */
static void read_content_range(struct get_head *head, const char *value)
{
    unsigned long long first, last;
    char total[32] = "";
    if (sscanf(value, "bytes %llu-%llu/%31s", &first, &last, total) != 3)
        return;
    head->from = first;
    head->size = number_of(total);
}

static void read_goog_hash(struct get_head *head, const char *value)
{
    const char *md5 = strstr(value, "md5=");
    if (md5)
        snprintf(head->md5, sizeof head->md5, "%.*s", (int)strcspn(md5 + 4, ","), md5 + 4);
}

static size_t take_header(char *line, size_t one, size_t size, void *user)
{
    struct exchange *exchange = user;
    struct get_head *head = &exchange->result->head;
    char value[512];
    if (size > 5 && !strncmp(line, "HTTP/", 5)) { /* a new head: after 100 Continue, or a proxy's */
        *head = (struct get_head){.size = DY_GET_UNKNOWN, .linked_size = DY_GET_UNKNOWN};
        const char *space = memchr(line, ' ', size);
        head->status = space ? strtol(space, NULL, 10) : 0;
    } else if (header_is(line, size, "Content-Type", value, sizeof value)) {
        head->html = !strncasecmp(value, "text/html", 9);
    } else if (header_is(line, size, "Content-Length", value, sizeof value)) {
        if (head->status != 206)
            head->size = number_of(value);
    } else if (header_is(line, size, "Content-Range", value, sizeof value)) {
        read_content_range(head, value);
    } else if (header_is(line, size, "x-goog-hash", value, sizeof value)) {
        read_goog_hash(head, value);
    } else if (header_is(line, size, "X-Linked-Size", value, sizeof value)) {
        head->linked_size = number_of(value);
    } else if (!header_is(line, size, "ETag", head->etag, sizeof head->etag) &&
               !header_is(line, size, "Last-Modified", head->modified, sizeof head->modified) &&
               !header_is(line, size, "X-Linked-Etag", head->linked_etag,
                          sizeof head->linked_etag)) {
        header_is(line, size, "X-Repo-Commit", head->commit, sizeof head->commit);
    }
    return one * size;
}

/* ------------------------------------------------------------------ the body */

static size_t take_body(char *data, size_t one, size_t size, void *user)
{
    struct exchange *exchange = user;
    const struct get_request *request = exchange->request;
    const struct get_head *head = &exchange->result->head;
    size *= one;
    if (head->status != 200 && head->status != 206) {
        size_t room = sizeof exchange->message - 1 - exchange->message_size;
        size_t kept = size < room ? size : room;
        memcpy(exchange->message + exchange->message_size, data, kept);
        exchange->message_size += kept;
        return size;
    }
    exchange->result->received += size;
    if (!request->take ||
        request->take(request->user, head, (const uint8_t *)data, size, exchange->err))
        return size;
    exchange->taken = exchange->err->status;
    return 0;
}

static int look_up(void *user, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                   curl_off_t up)
{
    (void)down_total, (void)down, (void)up_total, (void)up;
    const struct exchange *exchange = user;
    return dy_context_cancelled(exchange->get->context);
}

/* ------------------------------------------------------------------ one hop */

/* Of a company's proxy that looks into TLS; the same variables as curl's and Python's. */
static const char *own_authorities(void)
{
    static const char *const names[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"};
    for (size_t i = 0; i < DY_COUNT(names); i++) {
        const char *path = getenv(names[i]);
        if (path && *path)
            return path;
    }
    return NULL;
}

static void set_transport(struct exchange *exchange, const char *url)
{
    struct dy_get *get = exchange->get;
    const struct get_curl *curl = &get->curl;
    CURL *easy = get->easy;
    curl->easy_setopt(easy, CURLOPT_URL, url);
    curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl->easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl->easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl->easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (own_authorities())
        curl->easy_setopt(easy, CURLOPT_CAINFO, own_authorities());
    curl->easy_setopt(easy, CURLOPT_USERAGENT, "dylumo/" DYLUMO_VERSION);
    curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)get->stall_s);
    curl->easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl->easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)get->stall_s);
    curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->reason);
    curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl->easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl->easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl->easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl->easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, look_up);
    curl->easy_setopt(easy, CURLOPT_XFERINFODATA, exchange);
}

static void set_question(struct exchange *exchange)
{
    const struct get_request *request = exchange->request;
    const struct get_curl *curl = &exchange->get->curl;
    CURL *easy = exchange->get->easy;
    if (request->head_only)
        curl->easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (request->post)
        curl->easy_setopt(easy, CURLOPT_POSTFIELDS, request->post);
    if (request->from) {
        snprintf(exchange->range, sizeof exchange->range, "%llu-",
                 (unsigned long long)request->from);
        curl->easy_setopt(easy, CURLOPT_RANGE, exchange->range);
    }
}

/* Headers as a list whose items lie here and in the secret, so that libcurl copies no list. */
struct headers {
    struct curl_slist items[4];
    size_t count;
    char if_range[300];
};

static void add_header(struct headers *headers, char *text)
{
    struct curl_slist *item = &headers->items[headers->count];
    *item = (struct curl_slist){text, NULL};
    if (headers->count)
        headers->items[headers->count - 1].next = item;
    headers->count++;
}

/* identity: sizes and ranges are of the file itself, never of a compressed form. */
static void set_headers(struct headers *headers, const struct exchange *exchange, bool at_home)
{
    static char identity[] = "Accept-Encoding: identity";
    static char json[] = "Content-Type: application/json";
    const struct get_request *request = exchange->request;
    headers->count = 0;
    add_header(headers, identity);
    if (request->post)
        add_header(headers, json);
    if (request->secret && at_home)
        add_header(headers, get_secret_header(request->secret));
    if (request->from && request->if_range) {
        snprintf(headers->if_range, sizeof headers->if_range, "If-Range: %s", request->if_range);
        add_header(headers, headers->if_range);
    }
    exchange->get->curl.easy_setopt(exchange->get->easy, CURLOPT_HTTPHEADER, headers->items);
}

static void perform(struct exchange *exchange, const char *url, bool at_home)
{
    struct dy_get *get = exchange->get;
    struct headers headers;
    exchange->reason[0] = '\0';
    exchange->message_size = 0;
    get->curl.easy_reset(get->easy);
    set_transport(exchange, url);
    set_question(exchange);
    set_headers(&headers, exchange, at_home);
    exchange->result->head = (struct get_head){.size = DY_GET_UNKNOWN};
    exchange->code = get->curl.easy_perform(get->easy);
    exchange->message[exchange->message_size] = '\0';
}

/* ------------------------------------------------------------------ sentences */

static enum dylumo_status fail_transport(struct exchange *exchange, const char *host)
{
    const struct get_request *request = exchange->request;
    CURLcode code = exchange->code;
    if (exchange->taken)
        return exchange->taken;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return dy_fail(exchange->err, DYLUMO_CANCELLED, "%s: cancelled", request->name);
    const char *reason =
        exchange->reason[0] ? exchange->reason : exchange->get->curl.easy_strerror(code);
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        return dy_fail(exchange->err, DYLUMO_NETWORK,
                       "%s: the certificate of %s is not to be trusted (%s); nothing was sent to "
                       "it. Behind a proxy that reads TLS, name its certificates in CURL_CA_BUNDLE",
                       request->name, host, reason);
    bool nowhere = code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY;
    exchange->result->again = !nowhere && code != CURLE_URL_MALFORMAT &&
                              code != CURLE_UNSUPPORTED_PROTOCOL && code != CURLE_OUT_OF_MEMORY;
    return dy_fail(exchange->err, DYLUMO_NETWORK, "%s: %s: %s%s", request->name, host, reason,
                   nowhere ? "; is this machine online? A proxy is named in https_proxy" : "");
}

/* What a refusal says of itself: the "message" or "error" of a JSON body, without a parser, since
 * it is for people's eyes only. */
static void find_message(const struct exchange *exchange, char *out, size_t size)
{
    static const char *const keys[] = {"\"message\":", "\"error\":"};
    out[0] = '\0';
    for (size_t i = 0; i < DY_COUNT(keys) && !out[0]; i++) {
        const char *at = strstr(exchange->message, keys[i]);
        if (!at)
            continue;
        at += strlen(keys[i]);
        at += strspn(at, " ");
        if (*at == '"')
            snprintf(out, size, ": %.*s", (int)strcspn(at + 1, "\""), at + 1);
    }
    dy_secret_hide(exchange->request->secret, out);
}

static enum dylumo_status fail_status(struct exchange *exchange, const char *host)
{
    const struct get_request *request = exchange->request;
    long status = exchange->result->head.status;
    char said[300];
    find_message(exchange, said, sizeof said);
    curl_off_t wait = 0;
    exchange->get->curl.easy_getinfo(exchange->get->easy, CURLINFO_RETRY_AFTER, &wait);
    exchange->result->wait_s = wait > 0 && wait < UINT32_MAX ? (unsigned)wait : 0;
    exchange->result->again = status == 408 || status == 425 || status == 429 || status >= 500;
    if (status == 401 || status == 403)
        return dy_fail(exchange->err, DYLUMO_NETWORK, "%s: %s refuses it (HTTP %ld%s): %s",
                       request->name, request->service->name, status, said,
                       request->service->login);
    if (status == 404)
        return dy_fail(exchange->err, DYLUMO_NETWORK,
                       "%s: %s does not have it (HTTP 404%s), or shows it only to who may see it: "
                       "%s",
                       request->name, request->service->name, said, request->service->login);
    if (status == 429)
        return dy_fail(exchange->err, DYLUMO_NETWORK,
                       "%s: %s was asked too often (HTTP 429%s): try again later", request->name,
                       request->service->name, said);
    return dy_fail(exchange->err, DYLUMO_NETWORK, "%s: %s answers HTTP %ld%s%s", request->name,
                   host, status, said, status >= 500 ? ": try again later" : "");
}

/* ------------------------------------------------------------------ redirects */

static bool is_redirect(long status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static enum dylumo_status may_send(const struct exchange *exchange, const struct origin *home)
{
    if (!exchange->request->secret || !strcmp(home->scheme, "https") || is_loopback(home))
        return DYLUMO_OK;
    return dy_fail(exchange->err, DYLUMO_BAD_ARGUMENT,
                   "%s: %s://%s is not encrypted, credentials are sent over https alone",
                   exchange->request->name, home->scheme, home->host);
}

/* The address that the answer turns to, in *url (heap); *url is NULL where it turns nowhere. */
static enum dylumo_status next_turn(struct exchange *exchange, const struct origin *home,
                                    struct origin *here, char **url)
{
    const struct get_curl *curl = &exchange->get->curl;
    char *target = NULL;
    *url = NULL;
    if (!is_redirect(exchange->result->head.status))
        return DYLUMO_OK;
    curl->easy_getinfo(exchange->get->easy, CURLINFO_REDIRECT_URL, &target);
    struct origin there;
    if (!target || !origin_of(curl, target, &there))
        return dy_fail(exchange->err, DYLUMO_NETWORK,
                       "%s: %s redirects to an address that can't be read", exchange->request->name,
                       here->host);
    if (exchange->request->head_only && !same_origin(home, &there))
        return DYLUMO_OK;
    if (!strcmp(here->scheme, "https") && strcmp(there.scheme, "https") != 0)
        return dy_fail(exchange->err, DYLUMO_NETWORK,
                       "%s: %s redirects from https to %s://%s, which is not followed",
                       exchange->request->name, here->host, there.scheme, there.host);
    if (exchange->request->post && !same_origin(home, &there)) /* what is posted may be a token */
        return dy_fail(exchange->err, DYLUMO_NETWORK,
                       "%s: %s redirects what is sent to it to %s, which is not followed",
                       exchange->request->name, here->host, there.host);
    *here = there;
    *url = dy_strdup(target);
    return *url ? DYLUMO_OK
                : dy_fail(exchange->err, DYLUMO_NO_MEMORY, "%s: no memory for a redirect",
                          exchange->request->name);
}

static enum dylumo_status follow(struct exchange *exchange)
{
    const struct get_request *request = exchange->request;
    struct origin home, here;
    if (!origin_of(&exchange->get->curl, request->url, &home))
        return dy_fail(exchange->err, DYLUMO_BAD_ARGUMENT, "%s: '%s' is no address", request->name,
                       request->url);
    enum dylumo_status st = may_send(exchange, &home);
    here = home;
    char *url = dy_strdup(request->url);
    for (int turns = 0; !st && url; turns++) {
        if (turns > MAX_REDIRECTS) {
            st = dy_fail(exchange->err, DYLUMO_NETWORK,
                         "%s: %s redirects more than %d times: try again later", request->name,
                         home.host, MAX_REDIRECTS);
            break;
        }
        perform(exchange, url, same_origin(&home, &here));
        dy_free(url);
        url = NULL;
        if (exchange->code)
            st = fail_transport(exchange, here.host);
        else if (exchange->result->head.status >= 400)
            st = fail_status(exchange, here.host);
        else
            st = next_turn(exchange, &home, &here, &url);
    }
    dy_free(url);
    return st;
}

enum dylumo_status get_http(struct dy_get *get, const struct get_request *request,
                            struct get_result *result, struct dylumo_error *err)
{
    *result = (struct get_result){0};
    if (get->offline)
        return dy_fail(err, DYLUMO_NETWORK,
                       "%s: not on this machine, and --offline asks nobody for it", request->name);
    struct exchange exchange = {.get = get, .request = request, .result = result, .err = err};
    return follow(&exchange);
}
