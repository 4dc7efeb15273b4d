/* recommend_words.c, on the tiny made-up CLIP and a mood made from sentences: words alone, words
 * beside a photo, and what can't be read. */
#include "dy_test.h"
#include "dy_train.h"
#include "test_songs.h"

#include <math.h>

static struct dylumo_error err;
static struct dylumo *clip;
static char *folder;

static int setup(void **state)
{
    (void)state;
    folder = test_folder_new();
    const char *encoder = test_data("clip/tiny.safetensors"), *pictures = test_data("pictures");
    const struct dy_train_options options = {.labels = &pictures,
                                             .label_count = 1,
                                             .encoder_path = encoder,
                                             .output_path = test_path(folder, "mood"),
                                             .recipe = "zero-shot"};
    struct dy_train_figures figures;
    struct dylumo_options open = DYLUMO_OPTIONS_INIT;
    open.encoder_path = encoder;
    open.mood_path = options.output_path;
    open.songs_path = test_path(folder, "made-up.songs");
    test_songs_write(open.songs_path, 2000, 11, false);
    return dy_train_run(&options, NULL, &figures, &err) || dylumo_open(&clip, &open, &err);
}

static int teardown(void **state)
{
    (void)state;
    dylumo_close(clip);
    test_folder_remove(folder);
    return 0;
}

static struct dylumo_answer *ask(const char *photo, const char *text, double weight)
{
    struct dylumo_query query = DYLUMO_QUERY_INIT;
    struct dylumo_answer *answer = NULL;
    query.text = text;
    query.text_weight = weight;
    if (photo)
        assert_ok(dylumo_recommend_file(clip, test_repository(photo), &query, &answer, &err));
    else
        assert_ok(dylumo_recommend_mood(clip, &query, &answer, &err));
    return answer;
}

static void words_have_a_mood(void **state)
{
    (void)state;
    struct dylumo_answer *happy = ask(NULL, "a happy, joyful moment", 0);
    struct dylumo_answer *again = ask(NULL, "a happy, joyful moment", 0);
    struct dylumo_answer *sad = ask(NULL, "a sad, miserable moment", 0);
    assert_null(happy->picture);
    assert_int_equal(happy->song_count, 10);
    assert_non_null(strstr(happy->note, "with the words \"a happy, joyful moment\""));
    assert_non_null(strstr(happy->songs[0].why, "asked: "));
    assert_true(happy->mood.valence > sad->mood.valence);
    assert_true(happy->mood.valence == again->mood.valence);
    assert_string_equal(happy->songs[0].id, again->songs[0].id);
    dylumo_answer_free(happy);
    dylumo_answer_free(again);
    dylumo_answer_free(sad);
}

static void words_lean_on_a_photo(void **state)
{
    (void)state;
    struct dylumo_answer *photo = ask("photos/cat.jpg", NULL, 0);
    struct dylumo_answer *words = ask(NULL, "a sad, miserable moment", 0);
    struct dylumo_answer *little = ask("photos/cat.jpg", "a sad, miserable moment", 0.01);
    struct dylumo_answer *all = ask("photos/cat.jpg", "a sad, miserable moment", 1);
    assert_true(fabs(little->mood.valence - photo->mood.valence) < 0.1);
    assert_true(fabs(all->mood.valence - words->mood.valence) < 1e-6);
    assert_non_null(strstr(all->songs[0].why, "photo: "));
    dylumo_answer_free(photo);
    dylumo_answer_free(words);
    dylumo_answer_free(little);
    dylumo_answer_free(all);
}

static enum dylumo_status ask_badly(const struct dylumo *dylumo, const char *text, double weight)
{
    struct dylumo_query query = DYLUMO_QUERY_INIT;
    struct dylumo_answer *answer = NULL;
    query.text = text;
    query.text_weight = weight;
    enum dylumo_status st = dylumo_recommend_mood(dylumo, &query, &answer, &err);
    dylumo_answer_free(answer);
    return st;
}

static void what_are_no_words_is_refused(void **state)
{
    (void)state;
    static char huge[5000];
    memset(huge, 'a', sizeof huge - 1);
    assert_fails(ask_badly(clip, "", 0), DYLUMO_BAD_ARGUMENT, "empty");
    assert_fails(ask_badly(clip, " \n\t", 0), DYLUMO_BAD_ARGUMENT, "empty");
    assert_fails(ask_badly(clip, "rain \xff", 0), DYLUMO_BAD_ARGUMENT, "no UTF-8");
    assert_fails(ask_badly(clip, huge, 0), DYLUMO_BAD_ARGUMENT, "4999 bytes");
    assert_fails(ask_badly(clip, "rain", 1.5), DYLUMO_BAD_ARGUMENT, "1.5");
    assert_fails(ask_badly(clip, "rain", NAN), DYLUMO_BAD_ARGUMENT, "nan");
}

static void an_encoder_of_pictures_says_so(void **state)
{
    (void)state;
    struct dylumo *lite2;
    struct dylumo_options open = DYLUMO_OPTIONS_INIT;
    open.encoder_path = test_repository("models/lite2.safetensors");
    open.mood_path = test_repository("models/lite2-mood.safetensors");
    open.songs_path = test_path(folder, "made-up.songs");
    assert_ok(dylumo_open(&lite2, &open, &err));
    assert_fails(ask_badly(lite2, "rain", 0), DYLUMO_UNSUPPORTED, "words");
    dylumo_close(lite2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_have_a_mood),
        cmocka_unit_test(words_lean_on_a_photo),
        cmocka_unit_test(what_are_no_words_is_refused),
        cmocka_unit_test(an_encoder_of_pictures_says_so),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
