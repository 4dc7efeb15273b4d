/* CLIP's vocabulary, as the list of merges that all token numbers follow from. It comes from
 * merges.txt or OpenAI's bpe_simple_vocab_16e6.txt.gz beside the weights; for models with the
 * vocabulary that all known ones have, the list that ships stands in. A vocab.json beside them must
 * say the same. */
#include "models_clip.h"

#include "models_merges_data.h"

#include <string.h>
#include <zlib.h>

#define MERGES_MAX (8u << 20) /* bytes */

/* All of packed, unpacked; NULL when broken, too large or without memory. */
static char *gunzip(const uint8_t *packed, size_t packed_size, size_t *size)
{
    char *text = dy_new_array(MERGES_MAX, 1);
    z_stream stream = {0};
    if (!text || inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) {
        dy_free(text);
        return NULL;
    }
    stream.next_in = (z_const Bytef *)(uintptr_t)packed;
    stream.avail_in = (unsigned)packed_size;
    stream.next_out = (Bytef *)text;
    stream.avail_out = MERGES_MAX;
    int state = inflate(&stream, Z_FINISH);
    *size = stream.total_out;
    inflateEnd(&stream);
    if (state == Z_STREAM_END)
        return text;
    dy_free(text);
    return NULL;
}

/* Two symbols with one space between. */
static bool is_merge(const char *line, size_t size)
{
    const char *space = memchr(line, ' ', size);
    size_t left = space ? (size_t)(space - line) : 0;
    return left && left + 1 < size && !memchr(space + 1, ' ', size - left - 1) &&
           dy_text_valid(line, size) && !memchr(line, '\r', size);
}

/* Moves the count first merges to the text's beginning; false when there are fewer or a line is
 * none. OpenAI's list goes on after those that are used. */
static bool keep_merges(char *text, size_t *size, size_t count)
{
    size_t at = 0, kept = 0;
    if (*size > 8 && !memcmp(text, "#version", 8)) {
        const char *end = memchr(text, '\n', *size);
        at = end ? (size_t)(end - text) + 1 : *size;
    } else if (*size > 1 && text[0] == '"') { /* OpenAI's: "bpe_simple_vocab_16e6.txt#version... */
        const char *end = memchr(text, '\n', *size);
        at = end ? (size_t)(end - text) + 1 : *size;
    }
    for (size_t line = 0; line < count; line++) {
        const char *end = at < *size ? memchr(text + at, '\n', *size - at) : NULL;
        size_t length = end ? (size_t)(end - text) - at : 0;
        if (!end || !is_merge(text + at, length))
            return false;
        memmove(text + kept, text + at, length + 1);
        kept += length + 1;
        at += length + 1;
    }
    *size = kept;
    return true;
}

static enum dylumo_status read_text(const char *path, char **text, size_t *size,
                                    struct dylumo_error *err)
{
    uint8_t *data = NULL;
    enum dylumo_status st = dy_read_file(&data, size, path, MERGES_MAX, err);
    if (st)
        return st;
    *text = (char *)data;
    if (*size < 2 || data[0] != 0x1F || data[1] != 0x8B)
        return DYLUMO_OK;
    *text = gunzip(data, *size, size);
    dy_free(data);
    return *text ? DYLUMO_OK
                 : dy_fail(err, DYLUMO_BAD_FILE, "%s: does not unpack as gzip, or to over 8 MiB",
                           path);
}

/* ------------------------------------------------------------------ vocab.json */

/* The word that a merge makes: its symbols without the space. */
static bool has_number(const json_t *vocabulary, const char *line, size_t size, size_t number)
{
    char word[256];
    const char *space = memchr(line, ' ', size);
    size_t left = (size_t)(space - line);
    if (size > sizeof word)
        return false;
    memcpy(word, line, left);
    memcpy(word + left, space + 1, size - left - 1);
    word[size - 1] = '\0';
    const json_t *value = json_object_get(vocabulary, word);
    return json_is_integer(value) && json_integer_value(value) == (json_int_t)number;
}

static enum dylumo_status check_vocabulary(const struct models_source *source,
                                           const struct clip_model *model, const char *merges,
                                           struct dylumo_error *err)
{
    json_t *json = NULL;
    enum dylumo_status st = models_source_json(source, "vocab.json", &json, err);
    if (st || !json)
        return st;
    json_int_t begin = json_integer_value(json_object_get(json, "<|startoftext|>"));
    json_int_t end = json_integer_value(json_object_get(json, "<|endoftext|>"));
    bool same = begin == (json_int_t)model->vocabulary - 2 && end == begin + 1;
    for (size_t line = 0; same && line < model->vocabulary - 514; line++) {
        size_t length = strcspn(merges, "\n");
        same = has_number(json, merges, length, 512 + line);
        merges += length + 1;
    }
    json_decref(json);
    return same ? DYLUMO_OK
                : dy_fail(err, DYLUMO_BAD_FILE,
                          "%svocab.json: its numbers are not those that follow from merges.txt",
                          source->folder);
}

/* ------------------------------------------------------------------ where it is */

static enum dylumo_status find_merges(const struct models_source *source,
                                      const struct clip_model *model, char **merges, size_t *size,
                                      char path[static 4096], struct dylumo_error *err)
{
    if (models_source_beside(source, "merges.txt", path) ||
        models_source_beside(source, "bpe_simple_vocab_16e6.txt.gz", path))
        return read_text(path, merges, size, err);
    snprintf(path, 4096, "%s", source->path);
    if (model->vocabulary != CLIP_MERGES_OF_ALL + 514)
        return dy_fail(err, DYLUMO_NOT_FOUND,
                       "%s: its vocabulary of %u words is not the usual one; merges.txt must lie "
                       "beside it",
                       path, model->vocabulary);
    *merges = gunzip(models_merges_data, models_merges_size, size);
    return *merges ? DYLUMO_OK
                   : dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory for its vocabulary", path);
}

enum dylumo_status clip_read_merges(const struct models_source *source,
                                    const struct clip_model *model, char **merges, size_t *size,
                                    struct dylumo_error *err)
{
    char path[4096];
    if (model->vocabulary < 514)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: a vocabulary of %u words, 514 are the least",
                       source->path, model->vocabulary);
    *merges = NULL;
    enum dylumo_status st = find_merges(source, model, merges, size, path, err);
    if (!st && !keep_merges(*merges, size, model->vocabulary - 514))
        st = dy_fail(err, DYLUMO_BAD_FILE, "%s: is not a list of %u merges of two symbols", path,
                     model->vocabulary - 514);
    if (!st)
        st = check_vocabulary(source, model, *merges, err);
    if (st) {
        dy_free(*merges);
        *merges = NULL;
    }
    return st;
}
