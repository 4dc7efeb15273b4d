/* The whole of training on made-up embeddings: the same bytes on any number of threads and after a
 * stop, folds that keep likes together, views and the cache. */
#include "dy_encoder.h"
#include "dy_mood.h"
#include "dy_test.h"
#include "dy_train.h"
#include "train_cache.h"
#include "train_random.h"
#include "train_views.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { PICTURES = 180 };

static struct dylumo_error err;
static char model[1024], songs[1024];
static unsigned dimension;
static uint64_t encoder_hash;

/* ------------------------------------------------------------------ a made-up world */

static float embedding_of(size_t picture, size_t i, struct train_random *random)
{
    float noise = (float)train_random_normal(random);
    return i % 7 == picture % 7 ? noise + 0.25f : noise;
}

/* Files of any bytes, tables that label them, and a cache that knows their embeddings. */
static void make_world(const char *folder)
{
    struct train_cache cache;
    FILE *words = fopen(test_path(folder, "words.csv"), "w");
    FILE *ratings = fopen(test_path(folder, "ratings.csv"), "w");
    float *embedding = malloc(dimension * sizeof *embedding);
    assert_true(words && ratings && embedding);
    fputs("file,emotion\n", words);
    fputs("file,valence_mean,arousal_mean,family\n", ratings);
    assert_ok(train_cache_open(&cache, test_path(folder, "cache"), encoder_hash, dimension, &err));
    for (size_t p = 0; p < PICTURES; p++) {
        char name[32];
        struct train_random random = train_random_of(p);
        snprintf(name, sizeof name, "p%zu.jpg", p);
        test_write_file(test_path(folder, name), name, strlen(name));
        struct train_record record = {.content = dy_hash64(name, strlen(name), 0), .look = p + 1};
        for (size_t i = 0; i < dimension; i++)
            embedding[i] = embedding_of(p, i, &random);
        assert_ok(train_cache_add(&cache, &record, embedding, &err));
        if (p % 3)
            fprintf(words, "%s,%s\n", name, dylumo_emotion_name((enum dylumo_emotion)(p % 7)));
        else
            fprintf(ratings, "%s,%g,%g,family %zu\n", name, (double)(p % 7), (double)(p % 11),
                    p / 9);
    }
    train_cache_close(&cache);
    fclose(words);
    fclose(ratings);
    free(embedding);
}

static enum dylumo_status train(const char *folder, const char *output, const char *recipe,
                                const struct dylumo_context *context,
                                struct dy_train_figures *figures)
{
    const char *labels[] = {test_path(folder, "words.csv"), test_path(folder, "ratings.csv")};
    const struct dy_train_options options = {.labels = labels,
                                             .label_count = 2,
                                             .songs_path = songs,
                                             .encoder_path = model,
                                             .output_path = test_path(folder, output),
                                             .cache_path = test_path(folder, "cache"),
                                             .recipe = recipe,
                                             .seed = 7,
                                             .networks = 1,
                                             .folds = 2,
                                             .epochs = 3,
                                             .views = 1};
    return dy_train_run(&options, context, figures, &err);
}

static uint64_t hash_of(const char *folder, const char *name)
{
    uint8_t *data;
    size_t size;
    assert_ok(dy_read_file(&data, &size, test_path(folder, name), 1 << 30, &err));
    uint64_t hash = dy_hash64(data, size, 0);
    dy_free(data);
    return hash;
}

/* ------------------------------------------------------------------ tests */

static void threads_do_not_change_the_result(void **state)
{
    struct dy_train_figures figures;
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.threads = 1;
    assert_ok(train(*state, "one", "default", &context, &figures));
    context.threads = 3;
    assert_ok(train(*state, "three", "default", &context, &figures));
    assert_true(hash_of(*state, "one") == hash_of(*state, "three"));
    assert_int_equal(figures.with_emotion, 120);
    assert_int_equal(figures.rated, 60);
    assert_int_equal(figures.unreadable, 0);
    struct dy_mood_model *mood;
    assert_ok(dy_mood_open(&mood, test_path(*state, "one"), &err));
    assert_int_equal(dy_mood_info(mood)->dimension, dimension);
    assert_string_equal(dy_mood_info(mood)->recipe, "default");
    assert_true(dy_mood_info(mood)->encoder_hash == encoder_hash);
    dy_mood_close(mood);
}

/* Says stop at the n-th question. */
static int stop_at(void *user)
{
    return atomic_fetch_sub((atomic_int *)user, 1) <= 0;
}

static void a_stopped_run_goes_on_to_the_same(void **state)
{
    struct dy_train_figures figures;
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    atomic_int left;
    unsigned stops = 0;
    context.threads = 2;
    context.user = &left;
    context.cancelled = stop_at;
    for (;; stops++) {
        atomic_store(&left, PICTURES + 3); /* enough to pass the embeddings, then a step or two */
        enum dylumo_status st = train(*state, "stopped", "default", &context, &figures);
        if (!st)
            break;
        assert_int_equal(st, DYLUMO_CANCELLED);
        assert_true(stops < 100);
    }
    assert_true(stops > 2);
    assert_true(hash_of(*state, "stopped") == hash_of(*state, "one"));
    assert_fails(dy_mood_open(&(struct dy_mood_model *){NULL},
                              test_path(*state, "stopped.checkpoint"), &err),
                 DYLUMO_NOT_FOUND, "cannot open");
}

static void the_plain_recipe_runs(void **state)
{
    struct dy_train_figures figures;
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.threads = 2;
    assert_ok(train(*state, "plain", "plain", &context, &figures));
    struct dy_mood_model *mood;
    assert_ok(dy_mood_open(&mood, test_path(*state, "plain"), &err));
    assert_string_equal(dy_mood_info(mood)->recipe, "plain");
    dy_mood_close(mood);
    assert_fails(train(*state, "x", "best", &context, &figures), DYLUMO_BAD_ARGUMENT, "no recipe");
}

static void likes_stay_together(void **state)
{
    struct dy_pictures pictures = {0};
    struct dy_embeddings embeddings;
    uint8_t fold[PICTURES];
    assert_ok(dy_pictures_add(&pictures, test_path(*state, "words.csv"), &err));
    assert_ok(dy_pictures_add(&pictures, test_path(*state, "ratings.csv"), &err));
    const struct dy_embed_options embed = {
        .encoder_path = model, .cache_path = test_path(*state, "cache"), .views = 1};
    assert_ok(dy_embeddings_load(&embeddings, &pictures, &embed, NULL, &err));
    embeddings.look[3] = embeddings.look[20] = 12345;
    embeddings.content[5] = embeddings.content[70];
    assert_ok(dy_train_split(&pictures, &embeddings, 4, fold, NULL, &err));
    size_t of_fold[4] = {0};
    assert_int_equal(fold[3], fold[20]);
    assert_int_equal(fold[5], fold[70]);
    for (size_t i = 0; i < PICTURES; i++) {
        assert_true(fold[i] < 4);
        of_fold[fold[i]]++;
        for (size_t j = 0; j < i; j++)
            if (pictures.items[i].family && pictures.items[j].family &&
                !strcmp(pictures.items[i].family, pictures.items[j].family))
                assert_int_equal(fold[i], fold[j]);
    }
    for (unsigned f = 0; f < 4; f++)
        assert_true(of_fold[f] > 0);
    dy_embeddings_clear(&embeddings);
    dy_pictures_clear(&pictures);
}

static void a_damaged_cache_loses_only_what_is_damaged(void **state)
{
    const char *path = test_path(*state, "damaged");
    const float numbers[3] = {1, 2, 3};
    struct train_cache cache;
    struct train_entry *entries;
    struct dy_map map;
    size_t count;
    assert_ok(train_cache_open(&cache, path, 5, 3, &err));
    for (uint64_t i = 0; i < 4; i++)
        assert_ok(train_cache_add(&cache, &(struct train_record){.content = 9 - i}, numbers, &err));
    train_cache_close(&cache);
    FILE *file = fopen(path, "r+b");
    assert_int_equal(fseek(file, 64 + 48 + 32, SEEK_SET), 0);
    fputc(77, file); /* in the second record's numbers */
    fclose(file);
    assert_int_equal(truncate(path, 64 + 4 * 48 - 5), 0);
    assert_ok(train_cache_open(&cache, path, 5, 3, &err));
    assert_ok(dy_map_file(&map, path, &err));
    assert_int_equal(map.size, 64 + 3 * 48);
    assert_ok(train_cache_list(&cache, &map, &entries, &count, &err));
    assert_int_equal(count, 2);
    assert_non_null(train_cache_find(entries, count, 7, 0));
    assert_null(train_cache_find(entries, count, 8, 0));
    dy_free(entries);
    dy_map_close(&map);
    train_cache_close(&cache);
    assert_ok(train_cache_open(&cache, path, 6, 3, &err)); /* another encoder: begun anew */
    train_cache_close(&cache);
    assert_ok(dy_map_file(&map, path, &err));
    assert_int_equal(map.size, 64);
    dy_map_close(&map);
}

static void a_cache_has_one_writer_and_is_a_cache(void **state)
{
    const char *path = test_path(*state, "alone"), *other = test_path(*state, "no-cache");
    struct train_cache cache, second;
    assert_ok(train_cache_open(&cache, path, 5, 3, &err));
    assert_fails(train_cache_open(&second, path, 5, 3, &err), DYLUMO_BAD_ARGUMENT, "another run");
    train_cache_close(&cache);
    assert_ok(train_cache_open(&cache, path, 5, 3, &err));
    train_cache_close(&cache);
    test_write_file(other, "a photo, say", 12);
    assert_fails(train_cache_open(&cache, other, 5, 3, &err), DYLUMO_BAD_FILE, "left as it is");
    struct dy_map map;
    assert_ok(dy_map_file(&map, other, &err));
    assert_int_equal(map.size, 12);
    dy_map_close(&map);
}

static void views_show_what_they_say(void **state)
{
    (void)state;
    static uint8_t picture[40 * 40 * 3], flipped[40 * 40 * 3], crop[20 * 20 * 3], same[20 * 20 * 3];
    for (size_t i = 0; i < sizeof picture; i++)
        picture[i] = (uint8_t)(i / 3 % 40 * 6); /* brighter to the right */
    train_view_flip(flipped, picture, 40, 40);
    assert_int_equal(flipped[0], picture[39 * 3]);
    assert_true(train_view_look(picture, 40, 40) == UINT64_MAX);
    assert_true(train_view_look(flipped, 40, 40) == 0);
    unsigned mirrored = 0;
    for (uint64_t key = 0; key < 40; key++) {
        train_view_crop(crop, 20, 20, picture, 40, 40, key);
        train_view_crop(same, 20, 20, picture, 40, 40, key);
        assert_memory_equal(crop, same, sizeof crop);
        int across = crop[19 * 3] - crop[0]; /* the crop's share of 234 */
        mirrored += across < 0;
        assert_in_range(abs(across), 234 * 6 / 10, 234);
    }
    assert_in_range(mirrored, 10, 30);
}

static int setup(void **state)
{
    struct dy_encoder *encoder;
    const char *build = getenv("DYLUMO_BUILD");
    snprintf(model, sizeof model, "%s", test_repository("models/lite2.safetensors"));
    snprintf(songs, sizeof songs, "%s/share/dylumo/songs.dylumo", build ? build : "build");
    assert_ok(dy_encoder_open(&encoder, model, DY_PRECISION_F32, 1, &err));
    dimension = dy_encoder_info(encoder)->dimension;
    encoder_hash = dy_encoder_info(encoder)->hash;
    dy_encoder_close(encoder);
    *state = test_folder_new();
    make_world(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_change_the_result),
        cmocka_unit_test(a_stopped_run_goes_on_to_the_same),
        cmocka_unit_test(the_plain_recipe_runs),
        cmocka_unit_test(likes_stay_together),
        cmocka_unit_test(a_damaged_cache_loses_only_what_is_damaged),
        cmocka_unit_test(a_cache_has_one_writer_and_is_a_cache),
        cmocka_unit_test(views_show_what_they_say),
    };
    return cmocka_run_group_tests(tests, setup, test_folder_teardown);
}
