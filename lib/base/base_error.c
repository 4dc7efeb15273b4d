/* Status names and the one sentence that says what went wrong. Sentences are cleaned as they are
 * made, so that whatever a file or a name held, they can be shown on a terminal. */
#include "dy_base.h"

#include <errno.h>
#include <string.h>

#undef dy_fail /* what clang-tidy sees instead, in dy_base.h */
#undef dy_fail_errno

#ifndef DYLUMO_VERSION
#error "DYLUMO_VERSION comes from meson.build"
#endif

const char *dylumo_version(void)
{
    return DYLUMO_VERSION;
}

const char *dylumo_status_name(enum dylumo_status status)
{
    switch (status) {
#define CASE(code, name, text) \
    case code:                 \
        return name;
        DYLUMO_STATUSES(CASE)
#undef CASE
    }
    return "unknown";
}

const char *dylumo_status_text(enum dylumo_status status)
{
    switch (status) {
#define CASE(code, name, text) \
    case code:                 \
        return text;
        DYLUMO_STATUSES(CASE)
#undef CASE
    }
    return "Unknown.";
}

const struct dylumo_feature_info *dylumo_feature_info(enum dylumo_feature feature)
{
    static const struct dylumo_feature_info table[] = {
#define ROW(code, name, unit, min, max, whole) {name, unit, min, max, whole},
        DYLUMO_FEATURES(ROW)
#undef ROW
    };
    return (unsigned)feature < DYLUMO_FEATURE_COUNT ? &table[feature] : NULL;
}

const char *dylumo_emotion_name(enum dylumo_emotion emotion)
{
    static const char *const table[] = {
#define ROW(code, name) name,
        DYLUMO_EMOTIONS(ROW)
#undef ROW
    };
    return (unsigned)emotion < DYLUMO_EMOTION_COUNT ? table[emotion] : NULL;
}

/* Length of the well-formed UTF-8 character at text, 0 when there is none or it is a control. */
static size_t character_length(const char *text)
{
    unsigned char lead = (unsigned char)text[0];
    size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (lead < 0x20 || lead == 0x7F || strnlen(text, length) < length)
        return 0;
    if (lead == 0xC2 && (unsigned char)text[1] < 0xA0)
        return 0; /* C1 controls */
    return dy_text_valid(text, length) ? length : 0;
}

static void make_presentable(char *text)
{
    char *to = text;
    for (const char *from = text; *from;) {
        size_t length = character_length(from);
        if (!length) {
            *to++ = '?';
            from++;
            continue;
        }
        memmove(to, from, length);
        to += length;
        from += length;
    }
    *to = '\0';
}

enum dylumo_status dy_fail(struct dylumo_error *err, enum dylumo_status status, const char *format,
                           ...)
{
    if (!err)
        return status;
    err->status = status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    make_presentable(err->text);
    return status;
}

enum dylumo_status dy_fail_errno(struct dylumo_error *err, int error_number, const char *path,
                                 const char *what)
{
    enum dylumo_status status = DYLUMO_IO;
    if (error_number == ENOENT || error_number == ENOTDIR)
        status = DYLUMO_NOT_FOUND;
    else if (error_number == EACCES || error_number == EPERM || error_number == EROFS)
        status = DYLUMO_NO_PERMISSION;
    else if (error_number == ENOMEM)
        status = DYLUMO_NO_MEMORY;
    char reason[128];
    return dy_fail(err, status, "%s: %s: %s", path, what,
                   strerror_r(error_number, reason, sizeof reason));
}
