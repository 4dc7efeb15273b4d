/* recommend: the whole line from a photo to songs, with the encoder and mood weights that ship and
 * a made-up catalogue. */
#include "dy_test.h"
#include "test_songs.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define SONGS 2000

static struct dylumo_error err;

struct fixture {
    char *folder;
    char songs[600];
    struct dylumo_options options;
    struct dylumo *dylumo;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->folder = test_folder_new();
    snprintf(fixture->songs, sizeof fixture->songs, "%s/made-up.songs", fixture->folder);
    test_songs_write(fixture->songs, SONGS, 11, false);
    fixture->options = (struct dylumo_options)DYLUMO_OPTIONS_INIT;
    fixture->options.encoder_path = strdup(test_repository("models/lite2.safetensors"));
    fixture->options.mood_path = strdup(test_repository("models/lite2-mood.safetensors"));
    fixture->options.songs_path = fixture->songs;
    assert_ok(dylumo_open(&fixture->dylumo, &fixture->options, &err));
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    dylumo_close(fixture->dylumo);
    free((char *)(uintptr_t)fixture->options.encoder_path);
    free((char *)(uintptr_t)fixture->options.mood_path);
    test_folder_remove(fixture->folder);
    free(fixture);
    return 0;
}

static struct dylumo_answer *answer_photo(struct fixture *fixture, const char *photo,
                                          const struct dylumo_query *query)
{
    struct dylumo_answer *answer;
    assert_ok(dylumo_recommend_file(fixture->dylumo, test_repository(photo), query, &answer, &err));
    return answer;
}

static void assert_same_songs(const struct dylumo_answer *a, const struct dylumo_answer *b)
{
    assert_int_equal(a->song_count, b->song_count);
    for (size_t i = 0; i < a->song_count; i++)
        assert_string_equal(dylumo_answer_song(a, i)->id, dylumo_answer_song(b, i)->id);
}

/* ------------------------------------------------------------------ answers */

static void a_photo_gets_ten_songs(void **state)
{
    struct dylumo_answer *answer = answer_photo(*state, "photos/cat.jpg", NULL);
    assert_int_equal(answer->song_count, 10);
    assert_string_equal(answer->picture_type, "JPEG");
    assert_true(answer->width > 0 && answer->height > 0);
    double emotions = 0;
    for (int e = 0; e < DYLUMO_EMOTION_COUNT; e++)
        emotions += answer->mood.emotions[e];
    assert_true(fabs(emotions - 1) < 1e-5);
    assert_true(answer->mood.valence > 0 && answer->mood.valence < 1);
    assert_true(answer->mood.sure >= 0 && answer->mood.sure <= 1);
    for (size_t i = 0; i < 10; i++) {
        const struct dylumo_song *song = dylumo_answer_song(answer, i);
        assert_int_equal(song->rank, i + 1);
        assert_true(song->match >= 0 && song->match <= 100);
        assert_true(fabs(song->match - 100 * exp(-song->distance2 / 2)) < 1e-9);
        assert_true(strlen(song->why) > 10);
        unsigned of_artist = 0;
        for (size_t j = 0; j < 10; j++) {
            assert_true(j == i || strcmp(song->id, dylumo_answer_song(answer, j)->id) != 0);
            of_artist += !strcmp(song->artist, dylumo_answer_song(answer, j)->artist);
        }
        assert_true(of_artist <= 2);
    }
    assert_null(dylumo_answer_song(answer, 10));
    assert_null(answer->note);
    dylumo_answer_free(answer);
}

static void the_way_in_does_not_matter(void **state)
{
    struct fixture *fixture = *state;
    struct dylumo_answer *file = answer_photo(fixture, "photos/coffee.jpg", NULL);
    uint8_t *bytes;
    size_t size;
    const char *path = test_repository("photos/coffee.jpg");
    assert_ok(dy_read_file(&bytes, &size, path, 1 << 24, &err));
    struct dylumo_answer *memory, *together;
    assert_ok(dylumo_recommend_memory(fixture->dylumo, bytes, size, "x", NULL, &memory, &err));
    assert_ok(dylumo_recommend_together(fixture->dylumo, &path, 1, NULL, &together, &err));
    assert_same_songs(file, memory);
    assert_same_songs(file, together);
    assert_string_equal(memory->picture, "x");
    dylumo_answer_free(file);
    dylumo_answer_free(memory);
    dylumo_answer_free(together);
    dy_free(bytes);
}

static void what_was_decoded_elsewhere_gets_the_same_songs(void **state)
{
    struct fixture *fixture = *state;
    const struct dylumo_view *view = dylumo_view(fixture->dylumo);
    uint8_t *pixels = malloc((size_t)view->width * view->height * 3);
    struct dylumo_picture picture = DYLUMO_PICTURE_INIT;
    uint8_t *bytes;
    size_t size;
    assert_non_null(pixels);
    assert_ok(dy_read_file(&bytes, &size, test_repository("photos/cat.jpg"), 1 << 24, &err));
    assert_ok(dylumo_decode(bytes, size, "cat", view, 0, NULL, pixels, &picture, &err));
    assert_string_equal(picture.type, "JPEG");
    struct dylumo_answer *whole = answer_photo(fixture, "photos/cat.jpg", NULL), *half, *twice;
    const uint8_t *both[] = {pixels, pixels};
    assert_ok(dylumo_recommend_pixels(fixture->dylumo, both, 1, &picture, NULL, &half, &err));
    assert_ok(dylumo_recommend_pixels(fixture->dylumo, both, 2, NULL, NULL, &twice, &err));
    assert_same_songs(whole, half);
    assert_same_songs(whole, twice);
    assert_string_equal(half->picture_type, "JPEG");
    assert_int_equal(half->width, whole->width);
    assert_null(half->picture);
    dylumo_answer_free(whole);
    dylumo_answer_free(half);
    dylumo_answer_free(twice);
    assert_fails(dylumo_decode(bytes, size / 2, "cat", view, 0, NULL, pixels, &picture, &err),
                 DYLUMO_BAD_PICTURE, "cat");
    assert_fails(dylumo_recommend_pixels(fixture->dylumo, both, 0, NULL, NULL, &half, &err),
                 DYLUMO_BAD_ARGUMENT, "no pictures");
    dy_free(bytes);
    free(pixels);
}

/* What an answer shows in four digits is what was searched. */
static void the_numbers_of_an_answer_bring_it_back(void **state)
{
    struct fixture *fixture = *state;
    static const char *const photos[] = {"photos/cat.jpg", "photos/rocket.jpg",
                                         "photos/coffee.jpg"};
    for (size_t i = 0; i < DY_COUNT(photos); i++) {
        struct dylumo_answer *photo = answer_photo(fixture, photos[i], NULL), *mood;
        struct dylumo_change changes[] = {
            {"valence", round(photo->mood.valence * 1e4) / 1e4, 0},
            {"energy", round(photo->mood.energy * 1e4) / 1e4, 0},
        };
        struct dylumo_query query = DYLUMO_QUERY_INIT;
        query.changes = changes;
        query.change_count = DY_COUNT(changes);
        assert_ok(dylumo_recommend_mood(fixture->dylumo, &query, &mood, &err));
        assert_same_songs(photo, mood);
        assert_true(dylumo_answer_song(photo, 3)->distance2 ==
                    dylumo_answer_song(mood, 3)->distance2);
        dylumo_answer_free(photo);
        dylumo_answer_free(mood);
    }
}

static void a_mood_alone_is_answered(void **state)
{
    struct fixture *fixture = *state;
    const struct dylumo_change low = {"valence", 0.05, 0}, high = {"valence", 0.95, 0};
    struct dylumo_query query = DYLUMO_QUERY_INIT;
    query.change_count = 1;
    double valence[2] = {0};
    for (int i = 0; i < 2; i++) {
        query.changes = i ? &high : &low;
        struct dylumo_answer *answer;
        assert_ok(dylumo_recommend_mood(fixture->dylumo, &query, &answer, &err));
        assert_null(answer->picture);
        assert_non_null(strstr(answer->note, "valence set to"));
        assert_null(strstr(answer->note, "picture"));
        assert_true(answer->mood.valence == query.changes->value);
        assert_true(answer->mood.places[DYLUMO_VALENCE] == query.changes->value);
        assert_true(answer->mood.energy == 0.5);
        for (size_t s = 0; s < answer->song_count; s++)
            valence[i] += dylumo_answer_song(answer, s)->features[DYLUMO_VALENCE];
        dylumo_answer_free(answer);
    }
    assert_true(valence[1] > valence[0]);
}

static void the_song_leaned_on_is_not_in_the_list(void **state)
{
    struct dylumo_answer *plain = answer_photo(*state, "photos/cat.jpg", NULL);
    const struct dylumo_song *best = dylumo_answer_song(plain, 0);
    struct dylumo_query query = DYLUMO_QUERY_INIT;
    query.like_id = best->id;
    query.count = 100;
    query.per_artist = UINT32_MAX;
    struct dylumo_answer *leaning = answer_photo(*state, "photos/cat.jpg", &query);
    assert_int_equal(leaning->song_count, 100);
    for (size_t i = 0; i < leaning->song_count; i++)
        assert_string_not_equal(dylumo_answer_song(leaning, i)->id, best->id);
    assert_non_null(strstr(leaning->note, "leaning on "));
    assert_non_null(strstr(dylumo_answer_song(leaning, 0)->why, "(asked: "));
    dylumo_answer_free(leaning);
    dylumo_answer_free(plain);
}

/* Ids of the ten songs of the photo's list, copied out of the answer. */
static void keep_ids(const struct dylumo_answer *answer, char ids[10][64])
{
    assert_true(answer->song_count >= 10);
    for (size_t i = 0; i < 10; i++)
        snprintf(ids[i], 64, "%s", dylumo_answer_song(answer, i)->id);
}

static void lists_of_ids_hold(void **state)
{
    struct dylumo_answer *plain = answer_photo(*state, "photos/cat.jpg", NULL);
    char ids[10][64];
    const char *list[11];
    keep_ids(plain, ids);
    for (size_t i = 0; i < 10; i++)
        list[i] = ids[i];
    list[10] = "no such song";

    struct dylumo_query query = DYLUMO_QUERY_INIT;
    query.exclude_ids = list;
    query.exclude_count = 11;
    struct dylumo_answer *others = answer_photo(*state, "photos/cat.jpg", &query);
    assert_int_equal(others->song_count, 10);
    assert_null(others->note);
    for (size_t i = 0; i < 10; i++) {
        for (size_t j = 0; j < 10; j++)
            assert_string_not_equal(dylumo_answer_song(others, i)->id, ids[j]);
        assert_true(dylumo_answer_song(others, i)->distance2 >=
                    dylumo_answer_song(plain, 0)->distance2);
    }

    query.only_ids = list;
    query.only_count = 11;
    query.exclude_count = 3;
    struct dylumo_answer *only = answer_photo(*state, "photos/cat.jpg", &query);
    assert_int_equal(only->song_count, 7);
    for (size_t i = 0; i < 7; i++)
        assert_string_equal(dylumo_answer_song(only, i)->id, ids[i + 3]);
    assert_string_equal(only->note, "1 of 11 listed ids are not in the catalogue; only 7 of 10 "
                                    "songs: the lists of ids leave no more");
    dylumo_answer_free(only);

    query.only_count = 0; /* a list of no songs is not no list */
    only = answer_photo(*state, "photos/cat.jpg", &query);
    assert_int_equal(only->song_count, 0);
    dylumo_answer_free(only);

    query.only_count = 10;
    query.filter = "year<1000";
    only = answer_photo(*state, "photos/cat.jpg", &query);
    assert_int_equal(only->song_count, 0);
    assert_non_null(strstr(only->note, "no more pass the filter and the lists of ids"));
    dylumo_answer_free(only);
    dylumo_answer_free(others);
    dylumo_answer_free(plain);
}

static size_t all_songs(struct fixture *fixture, int month, int season)
{
    struct dylumo_query query = DYLUMO_QUERY_INIT;
    query.count = SONGS;
    query.per_artist = UINT32_MAX;
    query.month = month;
    query.season = season;
    struct dylumo_answer *answer;
    assert_ok(dylumo_recommend_mood(fixture->dylumo, &query, &answer, &err));
    size_t count = answer->song_count;
    dylumo_answer_free(answer);
    return count;
}

static void christmas_songs_come_in_december(void **state)
{
    size_t july = all_songs(*state, 7, 0), december = all_songs(*state, 12, 0);
    assert_true(july < december);
    assert_int_equal(all_songs(*state, 0, 0), july);
    assert_int_equal(all_songs(*state, 7, 1), december);
}

static void fewer_songs_than_asked_are_no_error(void **state)
{
    struct dylumo_query query = DYLUMO_QUERY_INIT;
    query.count = SONGS + 500;
    query.per_artist = UINT32_MAX;
    query.season = 1;
    struct dylumo_answer *answer = answer_photo(*state, "photos/cat.jpg", &query);
    assert_true(answer->song_count < SONGS); /* recordings stand once */
    assert_true(answer->song_count > SONGS / 2);
    assert_non_null(strstr(answer->note, "of 2500 songs"));
    dylumo_answer_free(answer);
}

static void *answer_in_thread(void *argument)
{
    struct fixture *fixture = argument;
    struct dylumo_answer *answer = NULL;
    struct dylumo_error mine;
    for (int i = 0; i < 3; i++) {
        dylumo_answer_free(answer);
        if (dylumo_recommend_file(fixture->dylumo, test_repository("photos/cat.jpg"), NULL, &answer,
                                  &mine))
            return NULL;
    }
    return answer;
}

static void threads_share_one_handle(void **state)
{
    struct fixture *fixture = *state;
    struct dylumo_answer *alone = answer_photo(fixture, "photos/cat.jpg", NULL);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, answer_in_thread, fixture), 0);
    for (int i = 0; i < 3; i++) {
        void *answer;
        pthread_join(threads[i], &answer);
        assert_non_null(answer);
        assert_same_songs(alone, answer);
        dylumo_answer_free(answer);
    }
    dylumo_answer_free(alone);
}

/* ------------------------------------------------------------------ failures */

static int always(void *user)
{
    (void)user;
    return 1;
}

static void by_cosine_the_nearest_of_all_features_come(void **state)
{
    struct dylumo_query query = DYLUMO_QUERY_INIT;
    query.rank = "cosine";
    struct dylumo_answer *answer = answer_photo(*state, "photos/cat.jpg", &query);
    assert_int_equal(answer->song_count, 10);
    for (size_t i = 0; i < 10; i++) {
        const struct dylumo_song *song = dylumo_answer_song(answer, i);
        assert_true(fabs(song->match - 100 * (1 - song->distance2 / 2)) < 1e-9);
        assert_true(!i || song->match <= dylumo_answer_song(answer, i - 1)->match);
        assert_true(!strncmp(song->why, "cosine 0.", 9));
    }
    query.rank = "mood";
    struct dylumo_answer *by_mood = answer_photo(*state, "photos/cat.jpg", &query);
    struct dylumo_answer *usual = answer_photo(*state, "photos/cat.jpg", NULL);
    assert_same_songs(by_mood, usual);
    dylumo_answer_free(answer);
    dylumo_answer_free(by_mood);
    dylumo_answer_free(usual);
}

static void by_cosine_other_knobs_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct dylumo_answer *answer;
    const char *photo = test_repository("photos/cat.jpg");
    struct dylumo_query query = DYLUMO_QUERY_INIT;
    query.rank = "cosinus";
    assert_fails(dylumo_recommend_file(fixture->dylumo, photo, &query, &answer, &err),
                 DYLUMO_BAD_ARGUMENT, "rank 'cosinus'");
    query.rank = "cosine";
    query.variety = 0.5;
    assert_fails(dylumo_recommend_file(fixture->dylumo, photo, &query, &answer, &err),
                 DYLUMO_BAD_ARGUMENT, "variety");
    query.variety = 0;
    assert_fails(dylumo_recommend_mood(fixture->dylumo, &query, &answer, &err), DYLUMO_BAD_ARGUMENT,
                 "a mood alone");
}

static void an_embedding_is_answered_without_an_encoder(void **state)
{
    struct fixture *fixture = *state;
    static const char photo[] = "photos/cat.jpg";
    enum { SIZE = 2136 }; /* the shipped encoder's */
    static const float embedding[SIZE];
    struct dylumo_options options = fixture->options;
    options.without_encoder = 1;
    options.encoder_path = NULL;
    struct dylumo *blind;
    struct dylumo_answer *answer;
    assert_ok(dylumo_open(&blind, &options, &err));
    assert_string_equal(dylumo_parts(blind)->precision, "none");
    assert_fails(dylumo_recommend_file(blind, test_repository(photo), NULL, &answer, &err),
                 DYLUMO_BAD_ARGUMENT, "no encoder");
    assert_fails(dylumo_recommend_embedding(blind, embedding, 1, 5, "x", NULL, &answer, &err),
                 DYLUMO_MISMATCH, "x: has 5 numbers");
    assert_fails(dylumo_recommend_embedding(blind, embedding, 0, SIZE, "x", NULL, &answer, &err),
                 DYLUMO_BAD_ARGUMENT, "0 views");
    assert_ok(dylumo_recommend_embedding(blind, embedding, 1, SIZE, "x", NULL, &answer, &err));
    assert_int_equal(answer->song_count, 10);
    assert_string_equal(answer->picture, "x");
    dylumo_answer_free(answer);
    dylumo_close(blind);
}

static void what_cannot_be_answered_is_said(void **state)
{
    struct fixture *fixture = *state;
    struct dylumo_answer *answer;
    assert_fails(dylumo_recommend_file(fixture->dylumo, "none.jpg", NULL, &answer, &err),
                 DYLUMO_NOT_FOUND, "none.jpg: cannot open");
    assert_fails(dylumo_recommend_memory(fixture->dylumo, "hello", 5, "a.jpg", NULL, &answer, &err),
                 DYLUMO_BAD_PICTURE, "a.jpg");
    struct dylumo_query query = DYLUMO_QUERY_INIT;
    query.count = DYLUMO_MAX_SONGS + 1;
    assert_fails(dylumo_recommend_mood(fixture->dylumo, &query, &answer, &err), DYLUMO_BAD_ARGUMENT,
                 "1000001 songs asked for");
    query.count = 0;
    query.variety = -1;
    assert_fails(dylumo_recommend_mood(fixture->dylumo, &query, &answer, &err), DYLUMO_BAD_ARGUMENT,
                 "variety");
    assert_fails(dylumo_recommend_together(fixture->dylumo, NULL, 0, NULL, &answer, &err),
                 DYLUMO_BAD_ARGUMENT, "no pictures");
}

static void parts_that_do_not_fit_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct dylumo *dylumo;
    struct dylumo_options options = fixture->options;
    options.songs_path = test_path(fixture->folder, "none.songs");
    assert_fails(dylumo_open(&dylumo, &options, &err), DYLUMO_NOT_FOUND, "none.songs");
    options.songs_path = fixture->options.encoder_path;
    assert_fails(dylumo_open(&dylumo, &options, &err), DYLUMO_BAD_FILE, "lite2.safetensors");
    options = fixture->options;
    options.mood_path = test_data("tiny-mood.safetensors");
    assert_fails(dylumo_open(&dylumo, &options, &err), DYLUMO_MISMATCH, "lite2");
    options = fixture->options;
    options.precision = "f8";
    assert_fails(dylumo_open(&dylumo, &options, &err), DYLUMO_BAD_ARGUMENT, "'f8'");
}

static void a_cancelled_call_stops(void **state)
{
    struct fixture *fixture = *state;
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.cancelled = always;
    struct dylumo_options options = fixture->options;
    options.context = &context;
    struct dylumo *dylumo = NULL;
    struct dylumo_answer *answer;
    enum dylumo_status st = dylumo_open(&dylumo, &options, &err);
    if (!st)
        st = dylumo_recommend_file(dylumo, test_repository("photos/cat.jpg"), NULL, &answer, &err);
    assert_int_equal(st, DYLUMO_CANCELLED);
    dylumo_close(dylumo);
}

static void parts_are_found_in_order(void **state)
{
    struct fixture *fixture = *state;
    char path[1024];
    assert_int_equal(setenv("DYLUMO_SONGS", "/from/the/environment", 1), 0);
    assert_ok(dylumo_locate("songs", path, sizeof path, &err));
    assert_string_equal(path, "/from/the/environment");
    assert_int_equal(unsetenv("DYLUMO_SONGS"), 0);

    char user[700], file[720];
    snprintf(user, sizeof user, "%s/dylumo", fixture->folder);
    assert_int_equal(access(user, F_OK), -1);
    char command[1500];
    snprintf(command, sizeof command, "mkdir -p '%s'", user);
    assert_int_equal(system(command), 0);
    snprintf(file, sizeof file, "%s/songs.dylumo", user);
    test_write_file(file, "", 0);
    assert_int_equal(setenv("XDG_DATA_HOME", fixture->folder, 1), 0);
    assert_ok(dylumo_locate("songs", path, sizeof path, &err));
    assert_string_equal(path, file);
    assert_int_equal(unsetenv("XDG_DATA_HOME"), 0);

    assert_fails(dylumo_locate("hat", path, sizeof path, &err), DYLUMO_BAD_ARGUMENT, "'hat'");
}

static void encoders_are_found_by_name(void **state)
{
    struct fixture *fixture = *state;
    char path[1024], user[700], file[760], command[3000];
    snprintf(user, sizeof user, "%s/dylumo", fixture->folder);
    snprintf(file, sizeof file, "%s/clip-tiny.safetensors", user);
    snprintf(command, sizeof command, "mkdir -p '%s' && cp '%s' '%s'", user,
             test_data("clip/tiny.safetensors"), file);
    assert_int_equal(system(command), 0);
    assert_int_equal(setenv("XDG_DATA_HOME", fixture->folder, 1), 0);
    assert_ok(dylumo_find("encoder", "clip-tiny", path, sizeof path, &err));
    assert_string_equal(path, file);
    assert_ok(dylumo_find("encoder", "./clip-tiny", path, sizeof path, &err));
    assert_string_equal(path, "./clip-tiny");
    assert_fails(dylumo_find("encoder", "clip-none", path, sizeof path, &err), DYLUMO_NOT_FOUND,
                 "clip-none.safetensors");

    struct dylumo *dylumo = NULL;
    struct dylumo_options options = fixture->options;
    options.encoder_path = "clip-tiny";
    assert_fails(dylumo_open(&dylumo, &options, &err), DYLUMO_MISMATCH, "clip-tiny");
    options.mood_path = NULL;
    assert_fails(dylumo_open(&dylumo, &options, &err), DYLUMO_NOT_FOUND,
                 "clip-tiny-mood.safetensors: no such mood file");
    assert_non_null(strstr(err.text, "dylumo train --encoder"));
    assert_int_equal(unsetenv("XDG_DATA_HOME"), 0);
    assert_int_equal(unlink(file), 0);
}

/* ------------------------------------------------------------------ memory */

static enum dylumo_status open_and_close(void *user)
{
    struct fixture *fixture = user;
    struct dylumo *dylumo = NULL;
    enum dylumo_status st = dylumo_open(&dylumo, &fixture->options, &err);
    dylumo_close(dylumo);
    return st;
}

static enum dylumo_status answer_and_free(void *user)
{
    struct fixture *fixture = user;
    struct dylumo_answer *answer = NULL;
    enum dylumo_status st = dylumo_recommend_file(
        fixture->dylumo, test_repository("photos/cat.jpg"), NULL, &answer, &err);
    dylumo_answer_free(answer);
    return st;
}

static void survives_failing_allocations(void **state)
{
    test_every_allocation(open_and_close, *state);
    test_every_allocation(answer_and_free, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_photo_gets_ten_songs),
        cmocka_unit_test(the_way_in_does_not_matter),
        cmocka_unit_test(what_was_decoded_elsewhere_gets_the_same_songs),
        cmocka_unit_test(the_numbers_of_an_answer_bring_it_back),
        cmocka_unit_test(a_mood_alone_is_answered),
        cmocka_unit_test(the_song_leaned_on_is_not_in_the_list),
        cmocka_unit_test(lists_of_ids_hold),
        cmocka_unit_test(christmas_songs_come_in_december),
        cmocka_unit_test(fewer_songs_than_asked_are_no_error),
        cmocka_unit_test(threads_share_one_handle),
        cmocka_unit_test(by_cosine_the_nearest_of_all_features_come),
        cmocka_unit_test(by_cosine_other_knobs_are_refused),
        cmocka_unit_test(an_embedding_is_answered_without_an_encoder),
        cmocka_unit_test(what_cannot_be_answered_is_said),
        cmocka_unit_test(parts_that_do_not_fit_are_refused),
        cmocka_unit_test(a_cancelled_call_stops),
        cmocka_unit_test(parts_are_found_in_order),
        cmocka_unit_test(encoders_are_found_by_name),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
