/* A session: libcurl's handle, how patient it is, and the waits between tries. Pauses double from
 * one failure to the next and are drawn from the upper half of their length, so that many who were
 * refused at once don't come back at once; a server that names a time in Retry-After is believed,
 * up to ten minutes. */
#include "get_http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define MAX_PAUSE_MS 60000
#define MAX_RETRY_AFTER_S 600
#define MAX_TEXT_BYTES ((size_t)32 << 20)

static unsigned setting(unsigned given, const char *variable, unsigned usual)
{
    if (given)
        return given;
    const char *text = getenv(variable);
    unsigned long number = text ? strtoul(text, NULL, 10) : 0;
    return number && number <= 3600000 ? (unsigned)number : usual;
}

enum dylumo_status dy_get_libraries(char *version, size_t size, struct dylumo_error *err)
{
    struct get_curl curl;
    struct get_crypto crypto;
    enum dylumo_status st = get_curl_load(&curl, err);
    if (!st)
        st = get_crypto_load(&crypto, err);
    if (!st)
        snprintf(version, size, "%s", curl.version());
    return st;
}

enum dylumo_status dy_get_open(struct dy_get **out, const struct dy_get_settings *settings,
                               const struct dylumo_context *context, struct dylumo_error *err)
{
    struct dy_get *get = dy_new(sizeof *get);
    if (!get)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for a download");
    get->context = context;
    get->offline = settings && settings->offline;
    get->tries = setting(settings ? settings->tries : 0, "DYLUMO_GET_TRIES", 6);
    get->pause_ms = setting(settings ? settings->pause_ms : 0, "DYLUMO_GET_PAUSE_MS", 1000);
    get->stall_s = setting(0, "DYLUMO_GET_STALL_S", 30);
    if (getrandom(&get->random, sizeof get->random, GRND_NONBLOCK) < 0)
        get->random = (uint64_t)time(NULL);
    enum dylumo_status st = get->offline ? DYLUMO_OK : get_curl_load(&get->curl, err);
    if (!st && !get->offline && !(get->easy = get->curl.easy_init()))
        st = dy_fail(err, DYLUMO_NO_MEMORY, "libcurl has no memory");
    if (st) {
        dy_get_close(get);
        return st;
    }
    *out = get;
    return DYLUMO_OK;
}

void dy_get_close(struct dy_get *get)
{
    if (get && get->easy)
        get->curl.easy_cleanup(get->easy);
    dy_free(get);
}

bool dy_get_offline(const struct dy_get *get)
{
    return get->offline;
}

const struct dylumo_context *dy_get_context(const struct dy_get *get)
{
    return get->context;
}

/* ------------------------------------------------------------------ waiting */

/* false when it was cancelled. */
static bool wait_ms(const struct dy_get *get, uint64_t milliseconds)
{
    while (milliseconds && !dy_context_cancelled(get->context)) {
        uint64_t step = milliseconds < 50 ? milliseconds : 50;
        nanosleep(&(struct timespec){0, (long)step * 1000000}, NULL);
        milliseconds -= step;
    }
    return !dy_context_cancelled(get->context);
}

/* Between half of and the whole pause. SplitMix64 (Steele et al. 2014): any spread will do. */
static uint64_t jittered(struct dy_get *get, uint64_t pause)
{
    get->random += 0x9e3779b97f4a7c15u;
    uint64_t bits = (get->random ^ get->random >> 30) * 0xbf58476d1ce4e5b9u;
    return pause / 2 + (bits >> 32) * (pause - pause / 2) / UINT32_MAX;
}

static uint64_t pause_after(struct dy_get *get, unsigned failures)
{
    uint64_t pause = get->pause_ms;
    for (unsigned i = 1; i < failures && pause < MAX_PAUSE_MS; i++)
        pause *= 2;
    return jittered(get, pause < MAX_PAUSE_MS ? pause : MAX_PAUSE_MS);
}

bool get_try_again(struct dy_get *get, struct get_patience *patience,
                   const struct get_result *result, enum dylumo_status *st,
                   struct dylumo_error *err)
{
    if (*st == DYLUMO_OK || *st == DYLUMO_CANCELLED || !result->again)
        return false;
    patience->failures = result->received ? 1 : patience->failures + 1;
    if (patience->failures >= get->tries || result->wait_s > MAX_RETRY_AFTER_S)
        return false;
    dy_context_log(get->context, DYLUMO_LOG_INFO, "%s; trying again", err->text);
    uint64_t pause =
        result->wait_s ? (uint64_t)result->wait_s * 1000 : pause_after(get, patience->failures);
    if (wait_ms(get, pause))
        return true;
    *st = dy_fail(err, DYLUMO_CANCELLED, "cancelled");
    return false;
}

/* ------------------------------------------------------------------ small answers */

struct text {
    char *bytes;
    size_t size, room;
    const char *name;
};

static bool take_text(void *user, const struct get_head *head, const uint8_t *data, size_t size,
                      struct dylumo_error *err)
{
    (void)head;
    struct text *text = user;
    if (text->size + size > MAX_TEXT_BYTES) {
        (void)dy_fail(err, DYLUMO_NETWORK, "%s: the answer is over %zu bytes", text->name,
                      MAX_TEXT_BYTES);
        return false;
    }
    if (!dy_grow(&text->bytes, &text->room, text->size + size + 1, 1)) {
        (void)dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for the answer", text->name);
        return false;
    }
    memcpy(text->bytes + text->size, data, size);
    text->size += size;
    text->bytes[text->size] = '\0';
    return true;
}

static enum dylumo_status no_text(const struct text *text, const struct get_result *result,
                                  const struct dy_get_service *service, struct dylumo_error *err)
{
    if (result->head.html)
        return dy_fail(err, DYLUMO_NETWORK, "%s: %s sent a web page, expected JSON: %s", text->name,
                       service->name, service->login);
    if (!text->size)
        return dy_fail(err, DYLUMO_NETWORK, "%s: %s sent an empty answer, expected JSON",
                       text->name, service->name);
    return DYLUMO_OK;
}

enum dylumo_status dy_get_text(struct dy_get *get, const struct dy_get_service *service,
                               const char *name, const char *url, const struct dy_secret *secret,
                               const char *post, char **out, struct dylumo_error *err)
{
    struct text text = {.name = name};
    struct get_request request = {.name = name,
                                  .url = url,
                                  .service = service,
                                  .secret = secret,
                                  .post = post,
                                  .take = take_text,
                                  .user = &text};
    struct get_patience patience = {0};
    struct get_result result;
    enum dylumo_status st;
    do {
        text.size = 0;
        st = get_http(get, &request, &result, err);
    } while (get_try_again(get, &patience, &result, &st, err));
    if (!st)
        st = no_text(&text, &result, service, err);
    if (st) {
        dy_free(text.bytes);
        return st;
    }
    *out = text.bytes;
    return DYLUMO_OK;
}

char *dy_get_escape(const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    char *out = dy_new_array(3 * strlen(text) + 1, 1);
    char *at = out;
    for (; out && *text; text++) {
        if (strchr(plain, *text))
            *at++ = *text;
        else
            at += sprintf(at, "%%%02X", (unsigned char)*text);
    }
    return out;
}
