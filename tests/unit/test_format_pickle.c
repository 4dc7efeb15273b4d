/* format_pickle.c: opcodes by hand, protocol by protocol, and what must be refused by name. */
#include "dy_foreign.h"
#include "dy_test.h"

#include <stdlib.h>

static struct dylumo_error err;

static const char *const no_globals[] = {NULL};
static const struct dy_pickle_options plain = {.globals = no_globals};

static struct dy_pickle *pickle;

static enum dylumo_status read_bytes(const void *data, size_t size,
                                     const struct dy_pickle_options *options)
{
    dy_pickle_free(pickle);
    pickle = NULL;
    static uint8_t *exact;
    free(exact);
    exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, data, size);
    return dy_pickle_read(&pickle, exact, size, "x", options, &err);
}

/* A pickle as a literal, without its final zero. */
#define READ(literal) read_bytes(literal, sizeof(literal) - 1, &plain)
#define READ_WITH(literal, ...)              \
    read_bytes(literal, sizeof(literal) - 1, \
               &(struct dy_pickle_options){.globals = (const char *const[]){__VA_ARGS__, NULL}})

static const struct dy_pickle_value *root(void)
{
    return dy_pickle_root(pickle);
}

static void assert_integer(const struct dy_pickle_value *value, int64_t expected)
{
    int64_t number;
    assert_true(dy_pickle_integer(value, &number));
    assert_true(number == expected);
}

static void assert_real(const struct dy_pickle_value *value, double expected)
{
    double number;
    assert_true(dy_pickle_real(value, &number));
    assert_true(number == expected);
}

static void numbers_are_read(void **state)
{
    (void)state;
    assert_ok(READ("I-17\n."));
    assert_integer(root(), -17);
    assert_ok(READ("I01\n."));
    assert_int_equal(root()->type, DY_PICKLE_BOOL);
    assert_integer(root(), 1);
    assert_ok(READ("L9007199254740993L\n."));
    assert_integer(root(), INT64_C(9007199254740993));
    assert_ok(READ("\x80\2J\xFE\xFF\xFF\xFF."));
    assert_integer(root(), -2);
    assert_ok(READ("\x80\2M\xFE\xFF."));
    assert_integer(root(), 65534);
    assert_ok(READ("K\xFF."));
    assert_integer(root(), 255);
    assert_ok(READ("\x8A\2\0\xFF."));
    assert_integer(root(), -256);
    assert_ok(READ("\x8A\0."));
    assert_integer(root(), 0);
    assert_ok(READ("\x8B\3\0\0\0\1\2\3."));
    assert_integer(root(), 0x030201);
    assert_ok(READ("\x8A\x0Al\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19.")); /* PyTorch's magic number */
    assert_int_equal(root()->type, DY_PICKLE_LONG);
    assert_int_equal(root()->text.size, 10);
    assert_ok(READ("F-1.5e3\n."));
    assert_real(root(), -1500);
    assert_ok(READ("G\x3F\xF8\0\0\0\0\0\0."));
    assert_real(root(), 1.5);
    assert_ok(READ("\x88."));
    assert_real(root(), 1);
    assert_ok(READ("N."));
    assert_int_equal(root()->type, DY_PICKLE_NONE);
}

static void texts_are_read(void **state)
{
    (void)state;
    assert_ok(READ("S'it\\'s\\n\\x41\\\\'\n."));
    assert_true(dy_pickle_is(root(), "it's\nA\\"));
    assert_ok(READ("S'\\xff'\n."));
    assert_int_equal(root()->type, DY_PICKLE_BYTES);
    assert_ok(READ("Va\\u00e9\\U0001f600\xE9\n."));
    assert_true(dy_pickle_is(root(), "a\xC3\xA9\xF0\x9F\x98\x80\xC3\xA9"));
    assert_ok(READ("X\2\0\0\0\xC3\xA9."));
    assert_int_equal(root()->type, DY_PICKLE_STR);
    assert_ok(READ("U\1\xFF."));
    assert_int_equal(root()->type, DY_PICKLE_BYTES);
    assert_ok(READ("T\1\0\0\0a."));
    assert_true(dy_pickle_is(root(), "a"));
    assert_ok(READ("\x80\4\x95\5\0\0\0\0\0\0\0\x8C\1a\x94."));
    assert_true(dy_pickle_is(root(), "a"));
    assert_ok(READ("\x8D\1\0\0\0\0\0\0\0a."));
    assert_ok(READ("C\2\0\xFF."));
    assert_int_equal(root()->text.size, 2);
    assert_ok(READ("\x96\1\0\0\0\0\0\0\0a."));
    assert_int_equal(root()->type, DY_PICKLE_BYTES);
}

static void containers_are_read(void **state)
{
    (void)state;
    assert_ok(READ("(lp0\nI1\naI2\na."));
    assert_int_equal(root()->type, DY_PICKLE_LIST);
    assert_int_equal(root()->item_count, 2);
    assert_ok(READ("(dp0\nS'a'\nI1\nsS'b'\nI2\nsS'a'\nI3\ns."));
    assert_integer(dy_pickle_get(root(), "a"), 3);
    assert_integer(dy_pickle_get(root(), "b"), 2);
    assert_null(dy_pickle_get(root(), "c"));
    assert_ok(READ("}(U\1aK\1U\1bK\2u."));
    assert_integer(dy_pickle_get(root(), "b"), 2);
    assert_ok(READ("](K\1K\2K\3e."));
    assert_integer(dy_pickle_item(root(), 2), 3);
    assert_null(dy_pickle_item(root(), 3));
    assert_ok(READ("K\1K\2K\3\x87\x85."));
    assert_integer(dy_pickle_item(dy_pickle_item(root(), 0), 1), 2);
    assert_ok(READ("(K\1(K\0010K\2t."));
    assert_int_equal(root()->item_count, 1);
    assert_ok(READ("K\1(K\2K\0031."));
    assert_integer(root(), 1);
    assert_ok(READ("X\1\0\0\0aq\5h\5\x86."));
    assert_true(dy_pickle_is(dy_pickle_item(root(), 1), "a"));
    assert_ok(READ("\x80\4\x8C\1a\x94h\0\x86\x94."));
    assert_true(dy_pickle_item(root(), 0) == dy_pickle_item(root(), 1));
    assert_ok(READ("U\1aQ."));
    assert_int_equal(root()->type, DY_PICKLE_PERSISTENT);
    assert_true(dy_pickle_is(root()->items[0], "a"));
    assert_ok(READ("Pabc\n."));
    assert_true(dy_pickle_is(root()->items[0], "abc"));
}

static void ordered_dicts_are_dicts(void **state)
{
    (void)state;
    assert_ok(READ("ccollections\nOrderedDict\n)R(U\1aK\1u}b."));
    assert_int_equal(root()->type, DY_PICKLE_DICT);
    assert_integer(dy_pickle_get(root(), "a"), 1);
    assert_ok(READ("ccollections\nOrderedDict\n](U\1aK\1\x86U\1bK\2\x86"
                   "e\x85R."));
    assert_integer(dy_pickle_get(root(), "b"), 2);
    assert_fails(READ("ccollections\nOrderedDict\n](K\1e\x85R."), DYLUMO_BAD_FILE, "pairs");
    assert_fails(READ("ccollections\nOrderedDict\nK\1\x85R."), DYLUMO_UNSUPPORTED, "pairs");
}

static void objects_are_words_and_arguments(void **state)
{
    (void)state;
    assert_ok(READ_WITH("cm\nC\n)\x81}U\1aK\1sb.", "m C"));
    assert_true(dy_pickle_is_object(root(), "m C"));
    assert_integer(dy_pickle_get(root()->state, "a"), 1);
    assert_ok(READ_WITH("\x80\4\x8C\1m\x8C\1f\x93K\7\x85R.", "m f"));
    assert_integer(dy_pickle_item(root()->arguments, 0), 7);
    assert_ok(READ_WITH("cm.x\nC\n.", "m.*"));
    assert_int_equal(root()->type, DY_PICKLE_GLOBAL);
    assert_ok(READ_WITH("ccopy_reg\n_reconstructor\n(cm\nC\nc__builtin__\nobject\nNtR.", "m C"));
    assert_true(dy_pickle_is_object(root(), "m C"));
    char text[64];
    assert_string_equal(dy_pickle_describe(root(), text, sizeof text), "m.C");
    assert_string_equal(dy_pickle_describe(root()->arguments, text, sizeof text), "a tuple");
    assert_string_equal(dy_pickle_describe(NULL, text, sizeof text), "nothing");
}

static enum dylumo_status two_bytes(void *user, const struct dy_pickle_value *object,
                                    struct dy_text following, struct dy_text *raw, size_t *passed,
                                    struct dylumo_error *error)
{
    (void)error;
    if (!dy_pickle_is_object(object, "m C"))
        return DYLUMO_OK;
    *raw = (struct dy_text){following.bytes + 1, 1};
    *passed = *(size_t *)user;
    return DYLUMO_OK;
}

static void bytes_behind_an_object_are_its_own(void **state)
{
    (void)state;
    const char *const globals[] = {"m C", NULL};
    size_t passed = 2;
    const struct dy_pickle_options options = {globals, two_bytes, &passed};
    static const char data[] = "cm\nC\n)\x81}b"
                               "xyK\1\x86.";
    assert_ok(read_bytes(data, sizeof data - 1, &options));
    const struct dy_pickle_value *object = dy_pickle_item(root(), 0);
    assert_int_equal(object->raw.size, 1);
    assert_int_equal(object->raw.bytes[0], 'y');
    assert_integer(dy_pickle_item(root(), 1), 1);
    passed = 1000;
    assert_fails(read_bytes(data, sizeof data - 1, &options), DYLUMO_BAD_FILE, "past the end");
}

static void evil_is_refused_by_name(void **state)
{
    (void)state;
    assert_fails(READ("cos\nsystem\n(S'echo evil'\ntR."), DYLUMO_UNSUPPORTED, "'os.system'");
    assert_fails(READ("cposix\nsystem\nX\1\0\0\0a\x85R."), DYLUMO_UNSUPPORTED, "'posix.system'");
    assert_fails(READ("\x80\4\x8C\x08"
                      "builtins\x8C\4eval\x93\x8C\1a\x85R."),
                 DYLUMO_UNSUPPORTED, "'builtins.eval'");
    assert_fails(READ("cbuiltins\ngetattr\n."), DYLUMO_UNSUPPORTED, "'builtins.getattr'");
    assert_fails(READ_WITH("cm\nCx\n.", "m C"), DYLUMO_UNSUPPORTED, "'m.Cx'");
    assert_fails(READ("(S'a'\nios\nsystem\n."), DYLUMO_UNSUPPORTED, "INST");
    assert_fails(READ("(cm\nC\no."), DYLUMO_UNSUPPORTED, "'m.C'");
    assert_fails(READ_WITH("(cm\nC\no.", "m C"), DYLUMO_UNSUPPORTED, "OBJ");
    assert_fails(READ("\x82\1."), DYLUMO_UNSUPPORTED, "EXT1");
    assert_fails(READ("\x8F."), DYLUMO_UNSUPPORTED, "EMPTY_SET");
    assert_fails(READ("\x97."), DYLUMO_UNSUPPORTED, "NEXT_BUFFER");
    assert_fails(READ_WITH("cm\nC\n)}\x92.", "m C"), DYLUMO_UNSUPPORTED, "NEWOBJ_EX");
    assert_fails(READ("ccopyreg\n_reconstructor\n(ccopyreg\n_reconstructor\nNNtR."),
                 DYLUMO_UNSUPPORTED, "_reconstructor");
    assert_fails(READ("\x80\6N."), DYLUMO_UNSUPPORTED, "protocol");
}

static void broken_pickles_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
#define CASE(literal) {literal, sizeof(literal) - 1}
        CASE(""),
        CASE("N"),
        CASE("."),
        CASE("N0."),
        CASE("N00."),
        CASE("0."),
        CASE("2."),
        CASE("1."),
        CASE("\x85."),
        CASE("N\x86."),
        CASE("a."),
        CASE("]a."),
        CASE("Na."),
        CASE("NNa."),
        CASE("}NNNNs."),
        CASE("}Ns."),
        CASE("}(Nu."),
        CASE("(Nd."),
        CASE("(K\1e."),
        CASE("N(K\1e."),
        CASE("h\0."),
        CASE("Nq"),
        CASE("q\0."),
        CASE("I\n."),
        CASE("I1x\n."),
        CASE("I99999999999999999999\n."),
        CASE("Fx\n."),
        CASE("I1"),
        CASE("S'a\n."),
        CASE("Sa\n."),
        CASE("S'\\q'\n."),
        CASE("V\\u12\n."),
        CASE("V\\ud800\n."),
        CASE("X\5\0\0\0a."),
        CASE("X\1\0\0\0\xFF."),
        CASE("\x8D\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF."),
        CASE("\x8B\xFF\xFF\xFF\xFF."),
        CASE("Q."),
        CASE("b."),
        CASE("NNb."),
        CASE("R."),
        CASE("N)R."),
        CASE("\x93."),
        CASE("NN\x93."),
        CASE("ca\n"),
        CASE("\xFF."),
        CASE("\x95\1."),
        CASE("g-1\n."),
        CASE("Np-1\n"),
        CASE("ccollections\nOrderedDict\nNR."),
        CASE("ccollections\nOrderedDict\n)}b."),
        CASE("(t(N"),
        CASE("G\0\0."),
#undef CASE
    };
    for (size_t i = 0; i < DY_COUNT(cases); i++) {
        enum dylumo_status st = read_bytes(cases[i].bytes, cases[i].size, &plain);
        if (st != DYLUMO_BAD_FILE && !(st == DYLUMO_TOO_LARGE && strchr(cases[i].bytes, 'p')))
            fail_msg("case %zu (%s): %s", i, cases[i].bytes, dylumo_status_name(st));
    }
}

static void a_list_within_itself_is_refused(void **state)
{
    (void)state;
    assert_fails(READ("]q\0h\0a."), DYLUMO_UNSUPPORTED, "within itself");
    assert_fails(READ("]q\0](h\0ea."), DYLUMO_UNSUPPORTED, "within itself");
    assert_fails(READ_WITH("cm\nC\n)\x81q\0h\0b.", "m C"), DYLUMO_UNSUPPORTED, "within itself");
}

/* Ten lists of ten of the list before: 10^levels values in a walk, 23 bytes each here. */
static void bombs_are_refused(void **state)
{
    (void)state;
    uint8_t bomb[4096];
    size_t size = 0;
    memcpy(bomb, "]q\0", 3);
    size = 3;
    for (unsigned level = 0; level < 8; level++) {
        bomb[size++] = '(';
        for (unsigned i = 0; i < 10; i++) {
            bomb[size++] = 'h';
            bomb[size++] = (uint8_t)level;
        }
        bomb[size++] = 'l';
        bomb[size++] = 'q';
        bomb[size++] = (uint8_t)(level + 1);
    }
    bomb[size++] = '.';
    assert_fails(read_bytes(bomb, size, &plain), DYLUMO_TOO_LARGE, "bomb");
    assert_fails(READ("Nr\xFF\xFF\xFF\xFF."), DYLUMO_TOO_LARGE, "memo");
    uint8_t *many = malloc(3000000);
    assert_non_null(many);
    memset(many, 'N', 3000000);
    assert_fails(read_bytes(many, 3000000, &plain), DYLUMO_TOO_LARGE, "values");
    memset(many, '(', 3000000);
    assert_fails(read_bytes(many, 3000000, &plain), DYLUMO_TOO_LARGE, "marks");
    memset(many, '2', 3000000);
    many[0] = 'N';
    assert_fails(read_bytes(many, 3000000, &plain), DYLUMO_TOO_LARGE, "stack");
    memset(many, 0x85, 100000); /* tuples within tuples */
    many[0] = 'N';
    many[99999] = '.';
    assert_fails(read_bytes(many, 100000, &plain), DYLUMO_TOO_LARGE, "deep");
    many[150] = '.';
    assert_ok(read_bytes(many, 151, &plain));
    free(many);
}

static void a_stream_of_pickles_is_read_one_by_one(void **state)
{
    (void)state;
    static const char stream[] = "K\1.K\2.";
    assert_ok(read_bytes(stream, 6, &plain));
    assert_int_equal(dy_pickle_size(pickle), 3);
}

static enum dylumo_status read_sample(void *user)
{
    (void)user;
    const char *const globals[] = {"m C", NULL};
    const struct dy_pickle_options options = {.globals = globals};
    static const char data[] = "(S'a'\nq\0K\1\x85"
                               "cm\nC\n)\x81]K\1abccollections\nOrderedDict\n)Rt.";
    struct dy_pickle *read = NULL;
    enum dylumo_status st = dy_pickle_read(&read, data, sizeof data - 1, "x", &options, &err);
    dy_pickle_free(read);
    return st;
}

static void survives_failing_allocations(void **state)
{
    test_every_allocation(read_sample, *state);
}

static int teardown(void **state)
{
    (void)state;
    dy_pickle_free(pickle);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read),
        cmocka_unit_test(texts_are_read),
        cmocka_unit_test(containers_are_read),
        cmocka_unit_test(ordered_dicts_are_dicts),
        cmocka_unit_test(objects_are_words_and_arguments),
        cmocka_unit_test(bytes_behind_an_object_are_its_own),
        cmocka_unit_test(evil_is_refused_by_name),
        cmocka_unit_test(broken_pickles_are_refused),
        cmocka_unit_test(a_list_within_itself_is_refused),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(a_stream_of_pickles_is_read_one_by_one),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
