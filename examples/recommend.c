/* Names five songs for each photo, with libdylumo alone:
 *
 *     cc recommend.c $(pkg-config --cflags --libs dylumo) -o recommend
 *     ./recommend photo.jpg
 *
 * Shown here: a context that bounds the work, a query, one start-up for many photos, what an error
 * says, and who frees what. */
#include <dylumo.h>
#include <stdio.h>
#include <stdlib.h>

static void show_mood(const struct dylumo_mood *mood)
{
    enum dylumo_emotion likeliest = 0;
    for (int i = 1; i < DYLUMO_EMOTION_COUNT; i++)
        if (mood->emotions[i] > mood->emotions[likeliest])
            likeliest = (enum dylumo_emotion)i;
    printf("  valence %.2f, energy %.2f, most likely %s\n", mood->valence, mood->energy,
           dylumo_emotion_name(likeliest));
}

static void show_songs(const struct dylumo_answer *answer)
{
    for (size_t i = 0; i < answer->song_count; i++) {
        const struct dylumo_song *song = dylumo_answer_song(answer, i);
        printf("  %u. %s by %s (match %.0f %%)\n", song->rank, song->title, song->artist,
               song->match);
    }
    if (answer->note)
        printf("  %s\n", answer->note);
}

static int recommend(const struct dylumo *dylumo, const char *photo)
{
    struct dylumo_query query = DYLUMO_QUERY_INIT;
    query.count = 5;
    query.per_artist = 1;

    struct dylumo_error error;
    struct dylumo_answer *answer;
    if (dylumo_recommend_file(dylumo, photo, &query, &answer, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    printf("%s\n", photo);
    show_mood(&answer->mood);
    show_songs(answer);
    dylumo_answer_free(answer);
    return 0;
}

int main(int argc, char **argv)
{
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.threads = 2;
    context.max_pixels = 50 * 1000 * 1000;

    struct dylumo_options options = DYLUMO_OPTIONS_INIT;
    options.context = &context;

    struct dylumo_error error;
    struct dylumo *dylumo;
    if (dylumo_open(&dylumo, &options, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return EXIT_FAILURE;
    }
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed |= recommend(dylumo, argv[i]);
    dylumo_close(dylumo);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
