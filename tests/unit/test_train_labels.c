/* train_labels.c: every kind of table, a folder for each emotion, and tables that lie. */
#include "dy_test.h"
#include "dy_train.h"

#include <sys/stat.h>

static struct dylumo_error err;

static void put(const char *folder, const char *name, const char *text)
{
    test_write_file(test_path(folder, name), text, strlen(text));
}

static void ratings_and_families_are_read(void **state)
{
    char *folder = *state;
    struct dy_pictures pictures = {0};
    put(folder, "a.jpg", "1");
    put(folder, "b.jpg", "2");
    put(folder, "oasis.csv",
        "file,family,valence_mean,arousal_mean\nb.jpg,Sea,5.5,2\na.jpg,\"Dog, big\",1.25,6e0\n");
    assert_ok(dy_pictures_add(&pictures, test_path(folder, "oasis.csv"), &err));
    assert_int_equal(pictures.count, 2);
    assert_string_equal(pictures.items[0].file, "a.jpg");
    assert_string_equal(pictures.items[0].family, "Dog, big");
    assert_true(pictures.items[0].rated && pictures.items[0].valence == 1.25);
    assert_true(pictures.items[1].arousal == 2);
    assert_int_equal(pictures.items[1].emotion, -1);
    dy_pictures_clear(&pictures);
}

static void words_are_read_and_others_left_out(void **state)
{
    char *folder = *state;
    struct dy_pictures pictures = {0};
    put(folder, "c.webp", "3");
    put(folder, "fi.csv", "file,emotion\nc.jpg,Awe\na.jpg,disgust\na.jpg,anger\na.jpg,anger\n");
    assert_ok(dy_pictures_add(&pictures, test_path(folder, "fi.csv"), &err));
    assert_int_equal(pictures.count, 2);
    assert_int_equal(pictures.skipped, 2);
    assert_int_equal(pictures.items[0].emotion, DYLUMO_ANGER);
    assert_int_equal(pictures.items[1].emotion, DYLUMO_AWE);
    assert_non_null(strstr(pictures.items[1].path, "c.webp"));
    assert_false(pictures.items[0].rated);
    dy_pictures_clear(&pictures);
}

static void emids_table_is_read(void **state)
{
    char *folder = *state;
    struct dy_pictures pictures = {0};
    put(folder, "emid.csv",
        "Audio_Filename,genre,feeling,emotion,Image1_filename,Image1_tag,Image1_text,"
        "Image2_filename,Image2_tag,Image2_text,Image3_filename,Image3_tag,Image3_text,"
        "is_original_clip\n"
        "x.mp3,A,happy,\"[1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2]\",a.jpg,fear,\"a, b\",b.jpg,awe,t,"
        "c.jpg,sadness,t,True\n"
        "y.mp3,B,sad,\"[1, 2]\",a.jpg,fear,t,b.jpg,awe,t,,,,False\n");
    assert_ok(dy_pictures_add(&pictures, test_path(folder, "emid.csv"), &err));
    assert_int_equal(pictures.count, 3);
    assert_int_equal(pictures.items[0].emotion, DYLUMO_FEAR);
    assert_int_equal(pictures.items[2].emotion, DYLUMO_SADNESS);
    dy_pictures_clear(&pictures);
}

static void folders_are_emotions(void **state)
{
    char *folder = *state;
    struct dy_pictures pictures = {0};
    assert_int_equal(mkdir(test_path(folder, "fear"), 0700), 0);
    assert_int_equal(mkdir(test_path(folder, "other"), 0700), 0);
    put(folder, "fear/z.png", "9");
    put(folder, "other/y.png", "8");
    assert_ok(dy_pictures_add(&pictures, folder, &err));
    assert_int_equal(pictures.count, 1);
    assert_int_equal(pictures.items[0].emotion, DYLUMO_FEAR);
    assert_ok(dy_pictures_add(&pictures, test_path(folder, "fi.csv"), &err));
    assert_int_equal(pictures.items[pictures.count - 1].set, 1);
    dy_pictures_clear(&pictures);
}

static void tables_that_lie_are_refused(void **state)
{
    char *folder = *state;
    static const struct {
        const char *text;
        enum dylumo_status status;
        const char *says;
    } cases[] = {
        {"file,mood\na.jpg,awe\n", DYLUMO_BAD_FILE, "has no columns"},
        {"file,emotion\n", DYLUMO_BAD_FILE, "names no picture"},
        {"file,emotion\na.jpg,boredom\n", DYLUMO_BAD_FILE, "names no picture"},
        {"file,emotion\nnowhere.jpg,awe\n", DYLUMO_NOT_FOUND, "line 2: picture 'nowhere.jpg'"},
        {"file,valence,arousal\na.jpg,high,2\n", DYLUMO_BAD_FILE, "line 2"},
        {"file,valence,arousal\na.jpg,nan,2\n", DYLUMO_BAD_FILE, "line 2"},
        {"file,emotion\n\"a.jpg,awe\n", DYLUMO_BAD_FILE, ""},
        {"", DYLUMO_BAD_FILE, ""},
    };
    for (size_t i = 0; i < DY_COUNT(cases); i++) {
        struct dy_pictures pictures = {0};
        put(folder, "lie.csv", cases[i].text);
        assert_fails(dy_pictures_add(&pictures, test_path(folder, "lie.csv"), &err),
                     cases[i].status, cases[i].says);
        dy_pictures_clear(&pictures);
    }
}

static enum dylumo_status read_table(void *folder)
{
    struct dy_pictures pictures = {0};
    enum dylumo_status st = dy_pictures_add(&pictures, test_path(folder, "oasis.csv"), &err);
    dy_pictures_clear(&pictures);
    return st;
}

static void survives_failing_allocations(void **state)
{
    test_every_allocation(read_table, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ratings_and_families_are_read),
        cmocka_unit_test(words_are_read_and_others_left_out),
        cmocka_unit_test(emids_table_is_read),
        cmocka_unit_test(folders_are_emotions),
        cmocka_unit_test(tables_that_lie_are_refused),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, test_folder_setup, test_folder_teardown);
}
