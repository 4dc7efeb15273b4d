/* Recipe zero-shot on the tiny made-up CLIP of tests/data/clip: it knows nothing of the world, but
 * its own sentences must lie on the side that they were taken for. */
#include "dy_encoder.h"
#include "dy_mood.h"
#include "dy_test.h"
#include "train_zero.h"

#include <math.h>

static struct dylumo_error err;

static enum dylumo_status make(const char *folder, const char *encoder, const char *pictures)
{
    const struct dy_train_options options = {.labels = &pictures,
                                             .label_count = 1,
                                             .encoder_path = encoder,
                                             .output_path = test_path(folder, "mood"),
                                             .recipe = "zero-shot"};
    struct dy_train_figures figures;
    return dy_train_run(&options, NULL, &figures, &err);
}

static float valence_of(const struct dy_mood_model *model, const struct dy_encoder *text,
                        struct dy_encoder_work *work, const char *sentence)
{
    float embedding[DY_MOOD_DIMENSION_MAX];
    struct dy_mood mood;
    assert_ok(dy_encoder_run_text(text, work, sentence, strlen(sentence), embedding, &err));
    assert_ok(dy_mood_center_words(model, embedding, embedding, &err));
    assert_ok(dy_mood_predict(model, embedding, 1, &mood, &err));
    return mood.valence;
}

static void sentences_lie_on_their_side(void **state)
{
    const char *encoder = test_data("clip/tiny.safetensors");
    struct dy_mood_model *model;
    struct dy_encoder *text;
    struct dy_encoder_work *work;
    assert_ok(make(*state, encoder, test_data("pictures")));
    assert_ok(dy_mood_open(&model, test_path(*state, "mood"), &err));
    assert_ok(dy_encoder_open_text(&text, encoder, DY_PRECISION_F32, 1, &err));
    assert_ok(dy_encoder_work_new(&work, text, &err));
    const struct dy_mood_info *info = dy_mood_info(model);
    assert_string_equal(info->recipe, "zero-shot");
    assert_true(info->has_text);
    assert_true(info->encoder_hash == dy_encoder_info(text)->hash);
    static const char *const pleasant[] = {"a happy, joyful moment", "a heartwarming image",
                                           "a pleasant and beautiful scene"};
    static const char *const unpleasant[] = {"a sad, miserable moment", "a disturbing image",
                                             "an unpleasant and ugly scene"};
    float sum = 0;
    for (size_t i = 0; i < DY_COUNT(pleasant); i++)
        sum += valence_of(model, text, work, pleasant[i]) -
               valence_of(model, text, work, unpleasant[i]);
    assert_true(sum > 0);
    dy_encoder_work_free(work);
    dy_encoder_close(text);
    dy_mood_close(model);
}

static void runs_are_equal(void **state)
{
    const char *encoder = test_data("clip/tiny.safetensors");
    struct dy_mood_model *model;
    uint64_t hashes[2];
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(make(*state, encoder, test_data("pictures")));
        assert_ok(dy_mood_open(&model, test_path(*state, "mood"), &err));
        hashes[i] = dy_mood_info(model)->hash;
        dy_mood_close(model);
    }
    assert_true(hashes[0] == hashes[1]);
}

static void what_it_cannot_work_with_is_said(void **state)
{
    const char *encoder = test_data("clip/tiny.safetensors");
    assert_fails(make(*state, test_repository("models/lite2.safetensors"), test_data("pictures")),
                 DYLUMO_UNSUPPORTED, "lite2");
    assert_fails(make(*state, encoder, test_repository("photos")), DYLUMO_BAD_ARGUMENT, "too few");
    assert_fails(make(*state, encoder, test_path(*state, "nothing")), DYLUMO_NOT_FOUND, "nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences_lie_on_their_side),
        cmocka_unit_test(runs_are_equal),
        cmocka_unit_test(what_it_cannot_work_with_is_said),
    };
    return cmocka_run_group_tests(tests, test_folder_setup, test_folder_teardown);
}
