/* rank: places of songs on the mood's axes, knobs, lists and reasons, over a made-up catalogue and
 * the tiny mood file, whose two axes mix all 13 features. */
#include "dy_rank.h"
#include "dy_test.h"
#include "test_songs.h"

#include <math.h>
#include <stdlib.h>

#define SONGS 3000

static struct dylumo_error err;

struct fixture {
    struct dy_mood_model *model;
    struct dy_songs *songs;
    struct dy_rank *rank;
    struct dy_mood mood;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    char *folder = test_folder_new();
    const char *path = test_path(folder, "made-up.songs");
    test_songs_write(path, SONGS, 7, false);
    assert_ok(dy_songs_open(&fixture->songs, path, &err));
    test_folder_remove(folder); /* the mapping lives on */
    assert_ok(dy_mood_open(&fixture->model, test_data("tiny-mood.safetensors"), &err));
    assert_ok(dy_rank_open(&fixture->rank, fixture->model, fixture->songs, NULL, &err));
    float embedding[64] = {0};
    for (unsigned i = 0; i < dy_mood_info(fixture->model)->dimension; i++)
        embedding[i] = (float)i / 20 - 1;
    assert_ok(dy_mood_predict(fixture->model, embedding, 1, &fixture->mood, &err));
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    dy_rank_close(fixture->rank);
    dy_mood_close(fixture->model);
    dy_songs_close(fixture->songs);
    free(fixture);
    return 0;
}

static struct dy_rank_target aim(struct fixture *fixture, const struct dylumo_query *query)
{
    struct dy_rank_target target;
    assert_ok(dy_rank_aim(fixture->rank, &fixture->mood, query, &target, &err));
    return target;
}

static double projection(const struct fixture *fixture, unsigned axis, size_t song)
{
    struct dy_songs_space features = dy_songs_space(fixture->songs);
    const float *direction = dy_mood_info(fixture->model)->axis_songs + axis * 13;
    double sum = 0;
    for (unsigned f = 0; f < 13; f++)
        sum += (double)direction[f] * (double)features.columns[f][song];
    return sum;
}

/* ------------------------------------------------------------------ axes */

static void places_rise_with_the_sum(void **state)
{
    struct fixture *fixture = *state;
    struct dy_rank_target target = aim(fixture, NULL);
    assert_int_equal(target.space.axes, 2);
    for (unsigned a = 0; a < 2; a++) {
        double mean = 0, square = 0;
        for (size_t i = 0; i < SONGS; i++) {
            double place = (double)target.space.columns[a][i];
            double other = (double)target.space.columns[a][(i + 1) % SONGS];
            double rise = projection(fixture, a, i) - projection(fixture, a, (i + 1) % SONGS);
            if (fabs(rise) > 1e-5)
                assert_true(rise > 0 ? place > other : place < other);
            mean += place / SONGS;
            square += place * place / SONGS;
        }
        assert_true(fabs(mean) < 1e-3);
        assert_true(fabs(square - 1) < 0.02);
    }
}

static void the_score_of_a_sum_is_the_songs_place(void **state)
{
    struct fixture *fixture = *state;
    struct dy_rank_target target = aim(fixture, NULL);
    for (unsigned a = 0; a < 2; a++) {
        double last = -INFINITY;
        for (double sum = -50; sum < 50; sum += 0.01) { /* monotone, also beyond the ends */
            double score = dy_rank_score(fixture->rank, a, sum);
            assert_true(score >= last);
            last = score;
        }
        for (size_t i = 0; i < SONGS; i += 7) {
            double score = dy_rank_score(fixture->rank, a, projection(fixture, a, i));
            double place = (double)target.space.columns[a][i];
            assert_true(fabs(dy_normal_share(score) - dy_normal_share(place)) < 0.002);
        }
    }
}

/* ------------------------------------------------------------------ knobs */

static void without_knobs_the_mood_is_the_target(void **state)
{
    struct fixture *fixture = *state;
    struct dy_rank_target target = aim(fixture, NULL);
    for (unsigned a = 0; a < 2; a++) {
        /* in the four digits that an answer shows */
        assert_true(fabs(dy_normal_share(target.places[a]) -
                         dy_normal_share((double)fixture->mood.scores[a])) <= 0.5e-4 + 1e-9);
        assert_true(target.weights[a] == (double)dy_mood_info(fixture->model)->axis_weight[a]);
    }
    assert_string_equal(target.note, "");
}

static void changes_move_the_target(void **state)
{
    struct fixture *fixture = *state;
    const struct dylumo_change changes[] = {
        {"valence", 0.8, 0}, {"energy", 0.1, 1}, {"tempo", 0.9, 0}};
    struct dylumo_query query = DYLUMO_QUERY_INIT;
    query.changes = changes;
    query.change_count = 3;
    struct dy_rank_target plain = aim(fixture, NULL), target = aim(fixture, &query);
    assert_int_equal(target.space.axes, 3);
    assert_true(fabs(dy_normal_share(target.places[0]) - 0.8) < 1e-9);
    double old = dy_normal_share(plain.places[1]);
    assert_true(fabs(dy_normal_share(target.places[1]) - fmin(old + 0.1, 0.9995)) < 1e-9);
    assert_true(fabs(dy_normal_share(target.places[2]) - 0.9) < 1e-9);
    assert_true(target.weights[2] > 0);
    assert_int_equal(target.axes[2].feature, DYLUMO_TEMPO);
    assert_non_null(strstr(target.note, "valence set to 0.80"));
    assert_non_null(strstr(target.note, "tempo set to 0.90"));
}

static void weights_scale_and_ignore(void **state)
{
    struct fixture *fixture = *state;
    const struct dylumo_weight weights[] = {{"valence", 2}, {"energy", 0}, {"mode", 0}};
    struct dylumo_query query = DYLUMO_QUERY_INIT;
    query.weights = weights;
    query.weight_count = 3;
    struct dy_rank_target plain = aim(fixture, NULL), target = aim(fixture, &query);
    assert_true(target.weights[0] == 2 * plain.weights[0]);
    assert_true(target.weights[1] == 0);
    assert_true(target.weights[2] == 0);
    assert_non_null(strstr(target.note, "mode does not count (it never did)"));
}

static void leaning_on_a_song_comes_nearer_to_it(void **state)
{
    struct fixture *fixture = *state;
    char id[64];
    struct dy_text text = dy_songs_id(fixture->songs, 1234);
    snprintf(id, sizeof id, "%.*s", (int)text.size, text.bytes);
    struct dylumo_query query = DYLUMO_QUERY_INIT;
    query.like_id = id;
    struct dy_rank_target plain = aim(fixture, NULL), target = aim(fixture, &query);
    for (unsigned a = 0; a < 2; a++) {
        double song = (double)plain.space.columns[a][1234];
        assert_true(fabs(target.places[a] - (plain.places[a] + song) / 2) < 1e-12);
    }
    assert_int_equal(target.space.axes, 7);
    assert_true(dy_rank_distance2(&target, 1234) < dy_rank_distance2(&plain, 1234));
}

static void the_familiar_comes_first(void **state)
{
    struct fixture *fixture = *state;
    struct dylumo_query query = DYLUMO_QUERY_INIT;
    query.familiar = 1;
    struct dy_rank_target plain = aim(fixture, NULL), target = aim(fixture, &query);
    struct dy_rank_rules rules = {.k = 20};
    struct dy_hit hits[20];
    double popularity[2] = {0};
    const struct dy_rank_target *targets[2] = {&plain, &target};
    for (int t = 0; t < 2; t++) {
        size_t count;
        assert_ok(dy_rank_list(fixture->rank, targets[t], &rules, hits, &count, &err));
        for (size_t i = 0; i < count; i++) {
            struct dy_song song;
            dy_songs_read(fixture->songs, hits[i].song, &song);
            popularity[t] += song.popularity;
        }
    }
    assert_true(popularity[1] > popularity[0]);
    /* and the match still speaks of the mood alone */
    assert_true(fabs(dy_rank_distance2(&plain, 5) - dy_rank_distance2(&target, 5)) < 1e-12);
}

static void knobs_that_make_no_sense_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct dy_rank_target target;
    struct dylumo_change change = {"colour", 0.5, 0};
    struct dylumo_query query = DYLUMO_QUERY_INIT;
    query.changes = &change;
    query.change_count = 1;
#define REFUSED(status, text) \
    assert_fails(dy_rank_aim(fixture->rank, &fixture->mood, &query, &target, &err), status, text)
    REFUSED(DYLUMO_BAD_ARGUMENT, "'colour' is not known");
    change = (struct dylumo_change){"valence", 1.5, 0};
    REFUSED(DYLUMO_BAD_ARGUMENT, "out of range; expected 0 to 1");
    change = (struct dylumo_change){"valence", -1.5, 1};
    REFUSED(DYLUMO_BAD_ARGUMENT, "out of range; expected -1 to 1");
    change = (struct dylumo_change){"valence", NAN, 0};
    REFUSED(DYLUMO_BAD_ARGUMENT, "out of range");
    query.change_count = 0;
    const struct dylumo_weight none[] = {{"valence", 0}, {"energy", 0}};
    query.weights = none;
    query.weight_count = 2;
    REFUSED(DYLUMO_BAD_ARGUMENT, "every weight is zero");
    const struct dylumo_weight negative = {"valence", -1};
    query.weights = &negative;
    query.weight_count = 1;
    REFUSED(DYLUMO_BAD_ARGUMENT, "out of range");
    query.weight_count = 0;
    query.familiar = 2;
    REFUSED(DYLUMO_BAD_ARGUMENT, "familiar");
    query.familiar = 0;
    query.like_id = "nothing";
    REFUSED(DYLUMO_NOT_FOUND, "'nothing'");
#undef REFUSED
}

static void a_shorter_query_is_read_as_far_as_it_goes(void **state)
{
    struct fixture *fixture = *state;
    struct dylumo_query query = DYLUMO_QUERY_INIT;
    query.familiar = 7; /* refused when seen */
    query.struct_size = offsetof(struct dylumo_query, familiar);
    aim(fixture, &query);
}

/* ------------------------------------------------------------------ lists */

static double spread(const struct fixture *fixture, const struct dy_hit *hits, size_t count)
{
    struct dy_songs_space features = dy_songs_space(fixture->songs);
    double sum = 0;
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < count; b++)
            for (unsigned f = 0; f < 13; f++) {
                double t = (double)features.columns[f][hits[a].song] -
                           (double)features.columns[f][hits[b].song];
                sum += t * t;
            }
    return sum;
}

static void variety_spreads_the_list(void **state)
{
    struct fixture *fixture = *state;
    struct dylumo_query query = DYLUMO_QUERY_INIT;
    query.variety = 0.8;
    struct dy_rank_target target = aim(fixture, &query);
    assert_string_equal(target.note, "songs that differ from each other preferred");
    struct dy_rank_rules rules = {.k = 10, .per_artist = 2, .one_recording = true};
    struct dy_hit plain[10], varied[10];
    size_t count;
    assert_ok(dy_rank_list(fixture->rank, &target, &rules, plain, &count, &err));
    assert_int_equal(count, 10);
    for (size_t i = 1; i < 10; i++)
        assert_true(plain[i].dist2 >= plain[i - 1].dist2);
    double last = spread(fixture, plain, 10);
    rules.variety = 0.8;
    assert_ok(dy_rank_list(fixture->rank, &target, &rules, varied, &count, &err));
    assert_int_equal(count, 10);
    assert_int_equal(varied[0].song, plain[0].song); /* the best stays the best */
    assert_true(spread(fixture, varied, 10) > 1.2 * last);
    for (size_t a = 0; a < 10; a++)
        for (size_t b = 0; b < a; b++)
            assert_int_not_equal(varied[a].song, varied[b].song);
    rules.variety = 1.5;
    assert_fails(dy_rank_list(fixture->rank, &target, &rules, varied, &count, &err),
                 DYLUMO_BAD_ARGUMENT, "variety");
}

static void match_falls_with_the_rank(void **state)
{
    struct fixture *fixture = *state;
    const struct dylumo_weight weights[] = {{"valence", 3}, {"tempo", 0.5}};
    struct dylumo_query query = DYLUMO_QUERY_INIT;
    query.weights = weights;
    query.weight_count = 2;
    struct dy_rank_target target = aim(fixture, &query);
    struct dy_rank_rules rules = {.k = 100};
    struct dy_hit hits[100];
    size_t count;
    assert_ok(dy_rank_list(fixture->rank, &target, &rules, hits, &count, &err));
    double last = 0;
    for (size_t i = 0; i < count; i++) {
        double distance2 = dy_rank_distance2(&target, hits[i].song);
        assert_true(distance2 >= last);
        last = distance2;
    }
    /* one mood axis, one error away on it, nothing else: 1 */
    target.weights[1] = target.weights[2] = 0;
    target.places[0] = (double)target.space.columns[0][5] + target.axes[0].error;
    assert_true(fabs(dy_rank_distance2(&target, 5) - 1) < 1e-9);
}

/* ------------------------------------------------------------------ reasons */

static size_t songs_nearer(const struct dy_rank_target *target, double dist2)
{
    size_t nearer = 0;
    for (size_t i = 0; i < SONGS; i++) {
        double sum = 0;
        for (unsigned j = 0; j < target->space.axes; j++) {
            double t = target->places[j] - (double)target->space.columns[j][i];
            sum += target->weights[j] * (t * t);
        }
        nearer += sum < dist2;
    }
    return nearer;
}

/* The reason is true: with the named feature gone, the song's rank falls. */
/* Whether the reason is a feature that the axis is not called by; then the photo's place must be
 * told in the axis's own word ("photo: happier than 70 %"), else as a bare share. */
static bool names_another_axis(const char *why, const struct dy_rank_target *target,
                               const struct dy_rank_reason *reason)
{
    const char *photo = strstr(why, "(photo: ");
    bool own = !strcmp(target->axes[reason->axis].name, dylumo_feature_info(reason->feature)->name);
    assert_int_equal(own, photo[strlen("(photo: ")] >= '0' && photo[strlen("(photo: ")] <= '9');
    return !own;
}

static void without_its_reason_a_song_ranks_lower(void **state)
{
    struct fixture *fixture = *state;
    struct dy_rank_target target = aim(fixture, NULL);
    struct dy_rank_rules rules = {.k = 50};
    struct dy_hit hits[50];
    size_t count;
    assert_ok(dy_rank_list(fixture->rank, &target, &rules, hits, &count, &err));
    size_t reasoned = 0, foreign = 0;
    for (size_t i = 0; i < count; i++) {
        struct dy_rank_reason reasons[2];
        size_t found = dy_rank_reasons(fixture->rank, &target, hits[i].song, reasons);
        for (size_t r = 0; r < found; r++) {
            double without =
                dy_rank_distance_without(fixture->rank, &target, hits[i].song, reasons[r].feature);
            assert_true(reasons[r].loss > 0);
            assert_true(songs_nearer(&target, without) > i);
            assert_true(fabs(without - hits[i].dist2 - reasons[r].loss) < 1e-9);
        }
        reasoned += found > 0;
        char why[160];
        dy_rank_why(fixture->rank, &target, hits[i].song, why, sizeof why);
        assert_non_null(strstr(why, found ? " % of songs (photo: " : "middle"));
        assert_null(strstr(why, "100 %"));
        foreign += found && names_another_axis(why, &target, &reasons[0]);
    }
    assert_true(reasoned > 25);
    assert_true(foreign > 0);
}

/* ------------------------------------------------------------------ stored axes */

struct shelf {
    char *folder;
    char songs_path[512], axes_path[RANK_PATH];
    struct dy_songs *songs;
};

static void shelf_fill(struct shelf *shelf, const struct fixture *fixture)
{
    shelf->folder = test_folder_new();
    snprintf(shelf->songs_path, sizeof shelf->songs_path, "%s",
             test_path(shelf->folder, "made-up.songs"));
    test_songs_write(shelf->songs_path, SONGS, 7, false);
    assert_ok(dy_songs_open(&shelf->songs, shelf->songs_path, &err));
    assert_ok(dy_rank_store(fixture->rank, shelf->songs_path, NULL, shelf->axes_path,
                            sizeof shelf->axes_path, &err));
}

static void shelf_clear(struct shelf *shelf)
{
    dy_songs_close(shelf->songs);
    test_folder_remove(shelf->folder);
}

static void take_log(void *user, enum dylumo_log_level level, const char *text)
{
    (void)level;
    snprintf(user, 256, "%s", text);
}

/* Opens with the stored axes; true when they were taken. */
static bool open_stored(struct dy_rank **rank, const struct fixture *fixture,
                        const struct shelf *shelf)
{
    char log[256] = "";
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.log = take_log;
    context.user = log;
    assert_ok(
        dy_rank_open_stored(rank, fixture->model, shelf->songs, shelf->songs_path, &context, &err));
    return !strstr(log, "not stored");
}

static void stored_axes_answer_the_same(void **state)
{
    struct fixture *fixture = *state;
    struct shelf shelf;
    shelf_fill(&shelf, fixture);
    struct dy_rank *stored;
    assert_true(open_stored(&stored, fixture, &shelf));
    struct dy_rank_target computed = aim(fixture, NULL), target;
    assert_ok(dy_rank_aim(stored, &fixture->mood, NULL, &target, &err));
    assert_null(computed.space.index);
    assert_non_null(target.space.index);
    assert_ok(dy_songs_index_check(target.space.index, "axes", &err));
    for (unsigned a = 0; a < target.space.axes; a++) {
        assert_memory_equal(target.space.columns[a], computed.space.columns[a],
                            SONGS * sizeof(float));
        for (double sum = -8; sum < 8; sum += 0.37)
            assert_true(dy_rank_score(stored, a, sum) == dy_rank_score(fixture->rank, a, sum));
    }
    struct dy_rank_rules rules = {.k = 50, .per_artist = 2, .one_recording = true};
    struct dy_hit hits[50], expected[50];
    size_t count, expected_count;
    for (int turn = 0; turn < 200; turn++) {
        for (unsigned a = 0; a < target.space.axes; a++)
            target.places[a] = computed.places[a] = sin(turn * 1.7 + a) * 2;
        assert_ok(dy_rank_list(stored, &target, &rules, hits, &count, &err));
        assert_ok(dy_rank_list(fixture->rank, &computed, &rules, expected, &expected_count, &err));
        assert_int_equal(count, expected_count);
        for (size_t i = 0; i < count; i++)
            assert_true(hits[i].song == expected[i].song && hits[i].dist2 == expected[i].dist2);
    }
    dy_rank_close(stored);
    shelf_clear(&shelf);
}

static void write_changed(const char *path, const uint8_t *bytes, size_t size, size_t at)
{
    uint8_t *copy = malloc(size + 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    if (at < size)
        copy[at] ^= 0x11;
    test_write_file(path, copy, size);
    free(copy);
}

/* Of other songs, of other axes, cut or changed in what opening reads: computed instead. Changed
 * beyond: answers, which name songs that exist. */
static void stale_or_broken_axes_are_not_served(void **state)
{
    struct fixture *fixture = *state;
    struct shelf shelf;
    shelf_fill(&shelf, fixture);
    uint8_t *bytes;
    size_t size;
    struct dy_rank *rank;
    assert_ok(dy_read_file(&bytes, &size, shelf.axes_path, 1 << 30, &err));
    size_t columns_at = 64 + (size_t)dy_mood_info(fixture->model)->axes * 2 * 1025 * 4;
    for (size_t at = 0; at < columns_at; at += at < 64 ? 1 : 997) {
        write_changed(shelf.axes_path, bytes, size, at);
        assert_false(open_stored(&rank, fixture, &shelf));
        dy_rank_close(rank);
    }
    for (size_t cut = 0; cut < size; cut += 64 * 61) {
        write_changed(shelf.axes_path, bytes, cut, SIZE_MAX);
        assert_false(open_stored(&rank, fixture, &shelf));
        dy_rank_close(rank);
    }
    struct dy_rank_rules rules = {.k = 20};
    struct dy_hit hits[20];
    size_t count;
    for (size_t at = (columns_at + 63) / 64 * 64; at < size; at += 331) {
        write_changed(shelf.axes_path, bytes, size, at);
        struct dy_rank_target target;
        (void)open_stored(&rank, fixture, &shelf);
        assert_ok(dy_rank_aim(rank, &fixture->mood, NULL, &target, &err));
        assert_ok(dy_rank_list(rank, &target, &rules, hits, &count, &err));
        for (size_t i = 0; i < count; i++)
            assert_true(hits[i].song < SONGS);
        dy_rank_close(rank);
    }
    write_changed(shelf.axes_path, bytes, size, SIZE_MAX);
    dy_free(bytes);
    dy_songs_close(shelf.songs);
    test_songs_write(shelf.songs_path, SONGS, 8, false); /* other songs, as many */
    assert_ok(dy_songs_open(&shelf.songs, shelf.songs_path, &err));
    assert_false(open_stored(&rank, fixture, &shelf));
    dy_rank_close(rank);
    shelf_clear(&shelf);
}

/* ------------------------------------------------------------------ memory */

static enum dylumo_status open_and_list(void *user)
{
    struct fixture *fixture = user;
    struct dy_rank *rank = NULL;
    enum dylumo_status st = dy_rank_open(&rank, fixture->model, fixture->songs, NULL, &err);
    struct dylumo_query query = DYLUMO_QUERY_INIT;
    query.familiar = 0.5;
    struct dy_rank_target target;
    if (!st)
        st = dy_rank_aim(rank, &fixture->mood, &query, &target, &err);
    struct dy_rank_rules rules = {.k = 5, .variety = 0.5};
    struct dy_hit hits[5];
    size_t count;
    if (!st)
        st = dy_rank_list(rank, &target, &rules, hits, &count, &err);
    dy_rank_close(rank);
    return st;
}

static void survives_failing_allocations(void **state)
{
    test_every_allocation(open_and_list, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_rise_with_the_sum),
        cmocka_unit_test(the_score_of_a_sum_is_the_songs_place),
        cmocka_unit_test(without_knobs_the_mood_is_the_target),
        cmocka_unit_test(changes_move_the_target),
        cmocka_unit_test(weights_scale_and_ignore),
        cmocka_unit_test(leaning_on_a_song_comes_nearer_to_it),
        cmocka_unit_test(the_familiar_comes_first),
        cmocka_unit_test(knobs_that_make_no_sense_are_refused),
        cmocka_unit_test(a_shorter_query_is_read_as_far_as_it_goes),
        cmocka_unit_test(variety_spreads_the_list),
        cmocka_unit_test(match_falls_with_the_rank),
        cmocka_unit_test(without_its_reason_a_song_ranks_lower),
        cmocka_unit_test(stored_axes_answer_the_same),
        cmocka_unit_test(stale_or_broken_axes_are_not_served),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
