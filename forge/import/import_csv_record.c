/* CSV records: where one ends, what its fields are, and their numbers. Most lines hold no quote:
 * they are found by memchr and split sixteen bytes at a time (SSE2, which every x86-64 has); lines
 * with quotes take the state machine. */
#include "import_csv.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* ------------------------------------------------------------------ extents */

/* Where the quoted field that begins at `at` ends: the byte after its closing quote; NULL when the
 * bytes end first. Counts the line ends inside. */
static const char *quoted_end(const char *at, const char *end, size_t *line_count)
{
    for (at++; at < end; at++) {
        if (*at == '\n')
            ++*line_count;
        if (*at != '"')
            continue;
        if (at + 1 == end || at[1] != '"')
            return at + 1;
        at++;
    }
    return NULL;
}

static bool ends_field(const char *at, const char *end)
{
    if (at < end && *at == '\r')
        at++;
    return at >= end || *at == ',' || *at == '\n';
}

/* A record with quotes. Size 0 where the bytes end inside it; a fault has size 0 too. */
static struct csv_extent quoted_extent(const char *bytes, const char *end)
{
    struct csv_extent extent = {.line_count = 1};
    bool field_begins = true;
    for (const char *at = bytes; at < end;) {
        if (*at == '"' && field_begins) {
            at = quoted_end(at, end, &extent.line_count);
            if (!at)
                return (struct csv_extent){0, 0, "a quote is never closed"};
            if (!ends_field(at, end))
                return (struct csv_extent){0, 1, "text after a closing quote"};
            field_begins = false;
            continue;
        }
        if (*at == '\n') {
            extent.size = (size_t)(at - bytes) + 1;
            return extent;
        }
        field_begins = *at == ',';
        at++;
    }
    return (struct csv_extent){.line_count = extent.line_count};
}

struct csv_extent csv_extent_of(const char *bytes, size_t size, bool last)
{
    const char *line_end = memchr(bytes, '\n', size);
    size_t line = line_end ? (size_t)(line_end - bytes) + 1 : size;
    bool over = size > CSV_RECORD_MAX, whole_line = line_end || last;
    if (!memchr(bytes, '"', line)) {
        if (whole_line)
            return (struct csv_extent){line, 1, NULL};
        return (struct csv_extent){over ? size : 0, 0, over ? "the line is too long" : NULL};
    }
    struct csv_extent extent = quoted_extent(bytes, bytes + size);
    if (extent.size)
        return extent;
    if (extent.fault && extent.line_count && whole_line)
        return (struct csv_extent){line, 1, extent.fault};
    if (last && !extent.fault) /* the last record, without a line end */
        return (struct csv_extent){size, extent.line_count, NULL};
    if (last || over) /* its first line alone is given up */
        return (struct csv_extent){line, line_end || last, "a quote is never closed"};
    return (struct csv_extent){0};
}

/* ------------------------------------------------------------------ fields */

/* The quoted field at `at`: written over itself without its quotes; returns what follows it. */
static char *take_quoted(char *at, char *end, struct dy_text *field)
{
    char *from = ++at, *to = at;
    for (; at < end; at++) {
        if (*at == '"') {
            if (at + 1 == end || at[1] != '"') {
                at++;
                break;
            }
            at++;
        }
        *to++ = *at;
    }
    *field = (struct dy_text){from, (size_t)(to - from)};
    return at;
}

/* The fields of a record, one byte at a time. */
static size_t split_slowly(char *at, char *end, struct dy_text *fields, size_t room)
{
    for (size_t count = 0;; at++) {
        struct dy_text field;
        if (at < end && *at == '"') {
            at = take_quoted(at, end, &field);
        } else {
            char *from = at;
            while (at < end && *at != ',')
                at++;
            field = (struct dy_text){from, (size_t)(at - from)};
        }
        if (count < room)
            fields[count] = field;
        count++;
        if (at >= end)
            return count;
    }
}

#ifdef __SSE2__
/* The same for a record without quotes; 0: there is one. */
static size_t split_plain(const char *at, const char *end, struct dy_text *fields, size_t room)
{
    const __m128i comma = _mm_set1_epi8(','), quote = _mm_set1_epi8('"');
    const char *from = at;
    size_t count = 0;
    while (at < end) {
        size_t step = end - at < 16 ? (size_t)(end - at) : 16;
        char last[16] = {0};
        if (step < 16)
            memcpy(last, at, step);
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(step < 16 ? last : at));
        if (_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, quote)))
            return 0;
        unsigned commas = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, comma));
        for (; commas; commas &= commas - 1) {
            const char *here = at + __builtin_ctz(commas);
            if (count < room)
                fields[count] = (struct dy_text){from, (size_t)(here - from)};
            count++;
            from = here + 1;
        }
        at += step;
    }
    if (count < room)
        fields[count] = (struct dy_text){from, (size_t)(end - from)};
    return count + 1;
}
#else
static size_t split_plain(const char *at, const char *end, struct dy_text *fields, size_t room)
{
    (void)at, (void)end, (void)fields, (void)room;
    return 0;
}
#endif

size_t csv_split(char *record, size_t size, struct dy_text *fields, size_t room)
{
    char *at = record, *end = record + size;
    if (end > at && end[-1] == '\n')
        end--;
    if (end > at && end[-1] == '\r')
        end--;
    if (at == end)
        return 0;
    size_t count = split_plain(at, end, fields, room);
    return count ? count : split_slowly(at, end, fields, room);
}

/* ------------------------------------------------------------------ numbers */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* strtod in the C locale, for what the short way can't do exactly. */
static bool parse_slowly(const char *text, size_t size, double *number)
{
    char copy[512];
    if (size >= sizeof copy)
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain)
        return false;
    *number = strtod_l(copy, NULL, plain);
    freelocale(plain);
    return isfinite(*number) != 0;
}

/* Reads digits into *mantissa while they fit 19; returns how many there were. */
static int take_digits(const char **at, const char *end, uint64_t *mantissa, int *taken)
{
    const char *from = *at;
    for (; *at < end && is_digit(**at); ++*at) {
        if (*taken < 19)
            *mantissa = *mantissa * 10 + (uint64_t)(**at - '0');
        *taken += *mantissa > 0; /* leading zeros cost nothing */
    }
    return (int)(*at - from);
}

/* Reads an exponent; false when it is broken. Numbers beyond 9999 stay there. */
static bool take_exponent(const char **at, const char *end, int *exponent)
{
    *exponent = 0;
    if (*at == end || (**at != 'e' && **at != 'E'))
        return true;
    ++*at;
    bool minus = *at < end && **at == '-';
    if (*at < end && (**at == '-' || **at == '+'))
        ++*at;
    if (*at == end || !is_digit(**at))
        return false;
    for (; *at < end && is_digit(**at); ++*at)
        if (*exponent < 9999)
            *exponent = *exponent * 10 + (**at - '0');
    if (minus)
        *exponent = -*exponent;
    return true;
}

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Digits with a sign or a point, which is what tables hold; fifteen digits are below 2^53. */
#define SHORT_NUMBER 15

/* A number of the short form; false: of another form, or none. */
static bool short_number(struct dy_text text, double *number)
{
    const char *at = text.bytes, *end = text.bytes + text.size;
    if (text.size == 0 || text.size > SHORT_NUMBER)
        return false;
    bool minus = *at == '-';
    const char *point = NULL, *from = at += minus;
    uint64_t mantissa = 0;
    for (; at < end; at++) {
        unsigned digit = (unsigned)(unsigned char)*at - '0';
        if (digit > 9) {
            if (*at != '.' || point)
                return false;
            point = at;
            continue;
        }
        mantissa = mantissa * 10 + digit;
    }
    if (end - from == (point != NULL)) /* no digit */
        return false;
    double value = (double)mantissa;
    if (point)
        value /= powers[end - point - 1];
    *number = minus ? -value : value;
    return true;
}

/* Clinger 1990: a whole number below 2^53 times or over a power of ten up to 10^22 is one rounding
 * from the decimal number, so the result is the nearest double. */
bool dy_csv_number(struct dy_text text, double *number)
{
    if (short_number(text, number))
        return true;
    const char *at = text.bytes, *end = text.bytes + text.size;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    while (at < end && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    const char *begin = at;
    bool minus = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    uint64_t mantissa = 0;
    int taken = 0, exponent, point = 0;
    int digits = take_digits(&at, end, &mantissa, &taken);
    if (at < end && *at == '.') {
        at++;
        point = take_digits(&at, end, &mantissa, &taken);
    }
    if (digits + point == 0 || !take_exponent(&at, end, &exponent) || at != end)
        return false;
    int scale = exponent - point;
    if (taken > 19 || mantissa > (UINT64_C(1) << 53) || scale < -22 || scale > 22)
        return mantissa ? parse_slowly(begin, (size_t)(end - begin), number)
                        : (*number = minus ? -0.0 : 0.0, true);
    double value = (double)mantissa;
    value = scale < 0 ? value / powers[-scale] : value * powers[scale];
    *number = minus ? -value : value;
    return true;
}

/* ------------------------------------------------------------------ writing */

bool csv_needs_quotes(struct dy_text field)
{
    bool quotes = field.size && (field.bytes[0] == ' ' || field.bytes[field.size - 1] == ' ');
    for (size_t i = 0; i < field.size; i++)
        quotes |= field.bytes[i] == '"' || field.bytes[i] == ',' || field.bytes[i] == '\n' ||
                  field.bytes[i] == '\r';
    return quotes;
}

void csv_put(FILE *to, struct dy_text field)
{
    if (!csv_needs_quotes(field)) {
        fwrite(field.bytes, 1, field.size, to);
        return;
    }
    fputc('"', to);
    for (size_t i = 0; i < field.size; i++) {
        if (field.bytes[i] == '"')
            fputc('"', to);
        fputc(field.bytes[i], to);
    }
    fputc('"', to);
}
