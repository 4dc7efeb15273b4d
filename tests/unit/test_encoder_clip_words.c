/* Cleaning and byte pairs, token for token, on the 1,000 texts of tests/golden/make_words.py. */
#include "dy_test.h"
#include "encoder_clip_words.h"

#include <stdlib.h>
#include <zlib.h>

enum { TEXTS = 1000, CONTEXT = 77, VOCABULARY = 49408 };

static struct dylumo_error err;
static struct dy_safetensors *golden;
static struct dy_tensor merges = {.name = "text.merges", .dtype = DY_U8, .dims = 1};

static int set_up(void **state)
{
    (void)state;
    static char text[600000];
    gzFile file = gzopen(test_repository("models/clip-merges.txt.gz"), "rb");
    assert_non_null(file);
    int size = gzread(file, text, sizeof text);
    assert_true(size > 0 && size < (int)sizeof text);
    gzclose(file);
    merges.data = text;
    merges.size = (size_t)size;
    assert_ok(dy_safetensors_open(&golden, test_data("clip/words.safetensors"), &err));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dy_safetensors_close(golden);
    return 0;
}

static struct clip_file file_of(enum clip_source source)
{
    struct clip_file file = {.source = source, .vocabulary = VOCABULARY, .merges = &merges};
    file.text.tokens = CONTEXT;
    return file;
}

static void check_texts(enum clip_source source, const char *reference)
{
    const struct clip_file file = file_of(source);
    struct clip_words words = {0};
    char name[40];
    assert_ok(clip_words_init(&words, &file, "merges", &err));
    snprintf(name, sizeof name, "%s.count", reference);
    const int32_t *counts = dy_safetensors_find(golden, name)->data;
    snprintf(name, sizeof name, "%s.tokens", reference);
    const uint8_t *wanted = dy_safetensors_find(golden, name)->data;
    const char *text = dy_safetensors_find(golden, "texts")->data;
    int wrong = 0;
    for (int i = 0; i < TEXTS; i++, text += strlen(text) + 1) {
        uint32_t tokens[CONTEXT];
        unsigned count;
        assert_ok(clip_words_read(&words, text, strlen(text), CONTEXT, tokens, &count, &err));
        bool equal = (int)count == counts[i];
        for (unsigned t = 0; equal && t < count; t++)
            equal = tokens[t] == (wanted[2 * t] | (uint32_t)wanted[2 * t + 1] << 8);
        if (!equal) {
            print_message("text %d '%s': %u tokens, expected %d:", i, text, count, counts[i]);
            for (unsigned t = 0; t < count; t++)
                print_message(" %u", tokens[t]);
            print_message("\n");
        }
        wrong += !equal;
        wanted += 2 * counts[i];
    }
    assert_int_equal(wrong, 0);
    clip_words_clear(&words);
}

static void tokens_are_transformers(void **state)
{
    (void)state;
    check_texts(CLIP_TRANSFORMERS, "transformers");
}

static void tokens_are_open_clips(void **state)
{
    (void)state;
    check_texts(CLIP_OPEN_CLIP, "open_clip");
}

static void broken_bytes_are_read(void **state)
{
    (void)state;
    const struct clip_file file = file_of(CLIP_OPENAI);
    struct clip_words words = {0};
    uint32_t tokens[CONTEXT], other[CONTEXT];
    unsigned count, other_count;
    assert_ok(clip_words_init(&words, &file, "merges", &err));
    assert_ok(clip_words_read(&words, "a\xFF\xC3", 3, CONTEXT, tokens, &count, &err));
    assert_ok(clip_words_read(&words, "a\uFFFD\uFFFD", 7, CONTEXT, other, &other_count, &err));
    assert_int_equal(count, other_count);
    assert_memory_equal(tokens, other, count * sizeof *tokens);
    assert_ok(clip_words_read(&words, "a\0b", 3, CONTEXT, tokens, &count, &err));
    clip_words_clear(&words);
}

/* Nothing that is asked for may take long or be cut wrongly. */
static void long_texts_have_a_limit(void **state)
{
    (void)state;
    static char text[CLIP_TEXT_MAX + 1];
    struct clip_words words = {0};
    uint32_t tokens[CONTEXT];
    unsigned count;
    for (int source = 0; source < 3; source++) {
        const struct clip_file file = file_of((enum clip_source)source);
        assert_ok(clip_words_init(&words, &file, "merges", &err));
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = "&amp;abcdefghij"[i % 15];
        assert_ok(clip_words_read(&words, text, CLIP_TEXT_MAX, CONTEXT, tokens, &count, &err));
        assert_int_equal(count, CONTEXT);
        assert_int_equal(tokens[CONTEXT - 1], VOCABULARY - 1);
        assert_fails(clip_words_read(&words, text, sizeof text, CONTEXT, tokens, &count, &err),
                     DYLUMO_TOO_LARGE, "16385 bytes");
        clip_words_clear(&words);
    }
}

static void strange_merges_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"a b\n", "has 1 lines, expected 2"},
        {"a b\nab c\nd e\n", "another number of lines than 2"},
        {"a b\nab c", "without its end"},
        {"a b\nab\n", "line 2"},
        {"a b\nabc d\n", "line 2"},
        {"a b\na b\n", "line 2"},
        {"a b\n\n", "line 2"},
        {"a  b\nc d\n", "line 1"},
        {"\xFF b\nc d\n", "line 1"},
        {" b\nc d\n", "line 1"},
        {"", "has 0 lines"},
    };
    for (size_t i = 0; i < DY_COUNT(cases); i++) {
        struct clip_words words = {0};
        struct dy_tensor tensor = merges;
        tensor.data = cases[i].text;
        tensor.size = strlen(cases[i].text);
        struct clip_file file = {.vocabulary = 516, .merges = &tensor};
        file.text.tokens = CONTEXT;
        assert_fails(clip_words_init(&words, &file, "m.safetensors", &err), DYLUMO_BAD_FILE,
                     cases[i].sentence);
        clip_words_clear(&words);
    }
    struct clip_words words = {0};
    struct clip_file file = file_of(CLIP_OPENAI);
    file.vocabulary = 513;
    assert_fails(clip_words_init(&words, &file, "m.safetensors", &err), DYLUMO_BAD_FILE,
                 "513 rows");
    clip_words_clear(&words);
}

/* Reading words is the one thing that allocates. */
static enum dylumo_status read_once(void *user)
{
    const struct clip_file file = file_of(CLIP_OPENAI);
    struct clip_words words = {0};
    uint32_t tokens[CONTEXT];
    unsigned count;
    (void)user;
    enum dylumo_status st = clip_words_init(&words, &file, "merges", &err);
    if (!st)
        st = clip_words_read(&words, "R&eacute;sum\u00e9 &NTILDE; \xEF\xAC\x81!", 27, CONTEXT,
                             tokens, &count, &err);
    clip_words_clear(&words);
    return st;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    test_every_allocation(read_once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_transformers),    cmocka_unit_test(tokens_are_open_clips),
        cmocka_unit_test(broken_bytes_are_read),      cmocka_unit_test(long_texts_have_a_limit),
        cmocka_unit_test(strange_merges_are_refused), cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
