/* Credentials in memory. Each lies in pages of its own that are locked out of swap and core files
 * and wiped when it goes. libcurl and the TLS library make copies that we can't reach, which is why
 * the process as a whole is made undumpable, too. */
#include "get_secret.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The header, then what must not be shown (token or key), NUL-terminated both. */
struct dy_secret {
    size_t mapped;     /* bytes, this struct's included */
    const char *plain; /* in text */
    char text[];
};

#define MAX_SECRET 4096

static enum dylumo_status check(const char *what, const char *text, struct dylumo_error *err)
{
    size_t length = strlen(text);
    if (!length || length > MAX_SECRET)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%s: %zu bytes, expected 1 to %d", what, length,
                       MAX_SECRET);
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\')
            return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                           "%s: has a space, a quote or a byte that is no ASCII, expected one word",
                           what);
    return DYLUMO_OK;
}

static enum dylumo_status make(struct dy_secret **out, size_t text_size, struct dylumo_error *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = (sizeof(struct dy_secret) + text_size + page - 1) / page * page;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for a credential");
    madvise(memory, size, MADV_DONTDUMP);
    if (mlock(memory, size)) {
        /* over the user's limit: then swap may see it, as it may see his own shell */
    }
    *out = memory;
    (*out)->mapped = size;
    dy_secret_guard_process();
    return DYLUMO_OK;
}

enum dylumo_status dy_secret_bearer(struct dy_secret **out, const char *token,
                                    struct dylumo_error *err)
{
    static const char start[] = "Authorization: Bearer ";
    enum dylumo_status st = check("the token", token, err);
    if (!st)
        st = make(out, sizeof start + strlen(token), err);
    if (st)
        return st;
    char *text = (*out)->text;
    memcpy(text, start, sizeof start - 1);
    memcpy(text + sizeof start - 1, token, strlen(token) + 1);
    (*out)->plain = text + sizeof start - 1;
    return DYLUMO_OK;
}

/* RFC 4648. out holds 4 bytes for every 3 begun, and a NUL. */
static void base64(const uint8_t *bytes, size_t size, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16;
        three |= i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0;
        three |= i + 2 < size ? bytes[i + 2] : 0;
        *out++ = digits[three >> 18];
        *out++ = digits[three >> 12 & 63];
        *out++ = i + 1 < size ? digits[three >> 6 & 63] : '=';
        *out++ = i + 2 < size ? digits[three & 63] : '=';
    }
    *out = '\0';
}

enum dylumo_status dy_secret_basic(struct dy_secret **out, const char *user, const char *key,
                                   struct dylumo_error *err)
{
    static const char start[] = "Authorization: Basic ";
    enum dylumo_status st = check("the user name", user, err);
    if (!st)
        st = check("the key", key, err);
    size_t pair_size = strlen(user) + 1 + strlen(key);
    size_t code_size = (pair_size + 2) / 3 * 4;
    if (!st)
        st = make(out, sizeof start + code_size + pair_size + 1, err);
    if (st)
        return st;
    char *text = (*out)->text;
    char *pair = text + sizeof start + code_size; /* behind the header and its NUL */
    memcpy(pair, user, strlen(user));
    pair[strlen(user)] = ':';
    memcpy(pair + strlen(user) + 1, key, strlen(key) + 1);
    memcpy(text, start, sizeof start - 1);
    base64((const uint8_t *)pair, pair_size, text + sizeof start - 1);
    (*out)->plain = pair + strlen(user) + 1;
    return DYLUMO_OK;
}

enum dylumo_status dy_secret_question(struct dy_secret **out, const struct dy_secret *bearer,
                                      struct dylumo_error *err)
{
    static const char frame[] = "{\"token\": \"%s\"}";
    size_t size = sizeof frame + strlen(bearer->plain);
    enum dylumo_status st = make(out, size, err);
    if (st)
        return st;
    snprintf((*out)->text, size, frame, bearer->plain);
    (*out)->plain = (*out)->text;
    return DYLUMO_OK;
}

void dy_secret_free(struct dy_secret *secret)
{
    if (!secret)
        return;
    size_t size = secret->mapped;
    explicit_bzero(secret, size);
    munmap(secret, size);
}

const char *get_secret_text(const struct dy_secret *secret)
{
    return secret->text;
}

bool get_secret_is_bearer(const struct dy_secret *secret)
{
    return strstr(secret->text, " Bearer ") != NULL;
}

char *get_secret_header(const struct dy_secret *secret)
{
    return (char *)(uintptr_t)secret->text; /* curl_slist has no const; libcurl only reads it */
}

/* So much of a secret's beginning may be seen at the end of a text that was cut. */
#define SEEN_AT_MOST 3

/* How many bytes of text are the word, backslashes passed over (JSON may write / as \/); 0: they
 * are not. Where text ends before the word does, its beginning is enough. */
static size_t length_at(const char *text, const char *word)
{
    size_t taken = 0, same = 0;
    while (word[same] && (text[taken] == '\\' || text[taken] == word[same]))
        same += text[taken++] == word[same];
    bool cut = !text[taken] && same > SEEN_AT_MOST;
    return !word[same] || cut ? taken : 0;
}

static void hide(char *text, const char *word)
{
    for (char *at = text; *at; at++) {
        size_t length = length_at(at, word);
        size_t stars = length < 3 ? length : 3; /* never longer than what it stands for */
        if (!length)
            continue;
        memset(at, '*', stars);
        memmove(at + stars, at + length, strlen(at + length) + 1);
        at += stars - 1;
    }
}

void dy_secret_hide(const struct dy_secret *secret, char *text)
{
    if (!secret)
        return;
    hide(text, secret->plain);
    hide(text, strrchr(secret->text, ' ') + 1);
}

void dy_secret_guard_process(void)
{
#ifndef __SANITIZE_ADDRESS__ /* LeakSanitizer looks at the process as a debugger does */
    prctl(PR_SET_DUMPABLE, 0);
#endif
}
