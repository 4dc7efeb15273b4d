/* From a mood to the answer: target, exact search, songs with their texts and reasons. All text of
 * an answer lies in a chain of chunks that goes with it. */
#include "recommend_internal.h"

#include <math.h>
#include <string.h>

#define CHUNK_SIZE 16384
#define WHY_SIZE 160
#define DEFAULT_COUNT 10
#define SHOWN_COLUMNS 60 /* of a query's words in the note */
#define SHOWN_BYTES 240
#define DEFAULT_PER_ARTIST 2
#define DECEMBER 12

struct chunk {
    struct chunk *next;
    size_t size, used;
    char bytes[];
};

/* Where to look for songs: on the mood's axes, or by cosine. */
struct choice {
    bool cosine;
    struct dy_rank_target target;
    struct dy_cosine_query by_cosine;
};

/* The public answer with what only we need behind it. */
struct full_answer {
    struct dylumo_answer public; /* first: the caller's pointer is ours */
    struct chunk *chunks;
    struct dylumo_song *songs;
};

/* ------------------------------------------------------------------ text */

static char *take_room(struct full_answer *answer, size_t size)
{
    struct chunk *chunk = answer->chunks;
    if (!chunk || chunk->size - chunk->used < size) {
        size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
        chunk = dy_new(sizeof *chunk + room);
        if (!chunk)
            return NULL;
        chunk->size = room;
        chunk->next = answer->chunks;
        answer->chunks = chunk;
    }
    char *room = chunk->bytes + chunk->used;
    chunk->used += size;
    return room;
}

/* A copy that is safe to show, whatever a damaged songs file or a file name held. */
static const char *keep_text(struct full_answer *answer, const char *text, size_t size)
{
    size_t length;
    char *clean = dy_text_clean(text, size, &length);
    char *kept = clean ? take_room(answer, length + 1) : NULL;
    if (kept)
        memcpy(kept, clean, length + 1);
    dy_free(clean);
    return kept;
}

/* Spotify's page of a track, for ids that are Spotify's: 22 base-62 characters. */
static const char *keep_url(struct full_answer *answer, struct dy_text id)
{
    static const char page[] = "https://open.spotify.com/track/";
    for (size_t i = 0; i < id.size; i++) {
        char c = id.bytes[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return NULL;
    }
    char *url = id.size == 22 ? take_room(answer, sizeof page + id.size) : NULL;
    if (url)
        snprintf(url, sizeof page + id.size, "%s%.*s", page, (int)id.size, id.bytes);
    return url;
}

/* ------------------------------------------------------------------ mood */

static int axis_named(const struct dy_mood_info *info, const char *name)
{
    for (unsigned a = 0; a < info->axes; a++)
        if (!strcmp(info->axis_names[a], name))
            return (int)a;
    return -1;
}

/* A predicted feature as its normal score in the catalogue. */
static double feature_score(const struct dylumo *dylumo, const struct dy_mood *mood, unsigned f)
{
    double minimum[DYLUMO_FEATURE_COUNT], maximum[DYLUMO_FEATURE_COUNT];
    if (!dy_mood_info(dylumo->mood)->scaled)
        return (double)mood->features[f];
    recommend_scale_of(dylumo, minimum, maximum);
    return dy_songs_normal_score(dylumo->songs, (enum dylumo_feature)f,
                                 minimum[f] +
                                     (double)mood->features[f] * (maximum[f] - minimum[f]));
}

static void describe_mood(const struct dylumo *dylumo, const struct dy_mood *mood,
                          struct dylumo_mood *out)
{
    const struct dy_mood_info *info = dy_mood_info(dylumo->mood);
    out->struct_size = sizeof *out;
    for (int e = 0; e < DYLUMO_EMOTION_COUNT; e++)
        out->emotions[e] = (double)mood->emotions[e];
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        enum dylumo_feature feature = (enum dylumo_feature)f;
        int axis = axis_named(info, dylumo_feature_info(feature)->name);
        double score =
            axis >= 0 ? (double)mood->scores[axis] : feature_score(dylumo, mood, (unsigned)f);
        out->places[f] = dy_normal_share(score);
        out->features[f] = dy_songs_raw_value(dylumo->songs, feature, score);
    }
    out->valence = out->places[DYLUMO_VALENCE];
    out->energy = out->places[DYLUMO_ENERGY];
    out->sure = (double)mood->sure;
}

/* ------------------------------------------------------------------ songs */

/* Distance, match and the reason, in the terms of what ranked. */
static void judge_song(const struct dylumo *dylumo, const struct choice *choice, uint32_t song,
                       struct dylumo_song *out, char why[WHY_SIZE])
{
    if (choice->cosine) {
        double cosine = recommend_cosine_why(dylumo, &choice->by_cosine, song, why, WHY_SIZE);
        out->distance2 = 2 - 2 * cosine;
        out->match = 100 * cosine;
        return;
    }
    dy_rank_why(dylumo->rank, &choice->target, song, why, WHY_SIZE);
    out->distance2 = dy_rank_distance2(&choice->target, song);
    out->match = 100 * exp(-out->distance2 / 2);
}

static bool fill_song(const struct dylumo *dylumo, struct full_answer *answer,
                      const struct choice *choice, struct dy_hit hit, uint32_t rank)
{
    struct dy_song song;
    dy_songs_read(dylumo->songs, hit.song, &song);
    char why[WHY_SIZE];
    struct dylumo_song *out = &answer->songs[rank - 1];
    *out = (struct dylumo_song){
        .struct_size = sizeof *out,
        .rank = rank,
        .number = hit.song,
        .id = keep_text(answer, song.id.bytes, song.id.size),
        .title = keep_text(answer, song.title.bytes, song.title.size),
        .artist = keep_text(answer, song.artist.bytes, song.artist.size),
        .genre = song.genre.size ? keep_text(answer, song.genre.bytes, song.genre.size) : NULL,
        .url = keep_url(answer, song.id),
        .year = song.year,
        .popularity = song.popularity,
    };
    judge_song(dylumo, choice, hit.song, out, why);
    out->why = keep_text(answer, why, strlen(why));
    memcpy(out->features, song.features, sizeof out->features);
    return out->id && out->title && out->artist && out->why && (out->genre || !song.genre.size);
}

static enum dylumo_status fill_songs(const struct dylumo *dylumo, struct full_answer *answer,
                                     struct choice *choice, const struct dy_rank_rules *rules,
                                     struct dylumo_error *err)
{
    struct dy_hit *hits = dy_new_array(rules->k, sizeof *hits);
    size_t count = 0;
    if (!hits)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu songs", rules->k);
    enum dylumo_status st =
        choice->cosine ? recommend_cosine_list(dylumo, &choice->by_cosine, rules, hits, &count, err)
                       : dy_rank_list(dylumo->rank, &choice->target, rules, hits, &count, err);
    if (!st)
        answer->songs = dy_new_array(count, sizeof *answer->songs);
    for (size_t i = 0; !st && answer->songs && i < count; i++) {
        if (!fill_song(dylumo, answer, choice, hits[i], (uint32_t)i + 1))
            st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the texts of %zu songs", count);
    }
    if (!st && !answer->songs)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu songs", count);
    dy_free(hits);
    if (st)
        return st;
    answer->public.songs = answer->songs;
    answer->public.song_count = count;
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ rules and note */

static enum dylumo_status read_rules(const struct dylumo *dylumo, const struct dylumo_query *query,
                                     struct dy_rank_rules *rules, struct dylumo_error *err)
{
    uint32_t count = DY_MEMBER(query, count);
    uint32_t per_artist = DY_MEMBER(query, per_artist);
    if (count > DYLUMO_MAX_SONGS)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%u songs asked for; at most %d can be given",
                       count, DYLUMO_MAX_SONGS);
    size_t songs = dy_songs_count(dylumo->songs);
    *rules = (struct dy_rank_rules){
        .k = count ? count : DEFAULT_COUNT,
        .per_artist = per_artist == UINT32_MAX ? 0
                      : per_artist             ? per_artist
                                               : DEFAULT_PER_ARTIST,
        .one_recording = true,
        .without_season = !DY_MEMBER(query, season) && DY_MEMBER(query, month) != DECEMBER,
        .variety = DY_MEMBER(query, variety),
    };
    if (rules->k > songs)
        rules->k = songs;
    return songs ? DYLUMO_OK
                 : dy_fail(err, DYLUMO_BAD_FILE, "%s: holds no songs", dylumo->songs_path);
}

/* Why a list is shorter than asked. */
static const char *shortage(const struct dylumo_query *query)
{
    const char *filter = DY_MEMBER(query, filter);
    bool filtered = filter && *filter;
    bool listed = DY_MEMBER(query, only_ids) || DY_MEMBER(query, exclude_count);
    if (filtered && listed)
        return "no more pass the filter and the lists of ids";
    if (listed)
        return "the lists of ids leave no more";
    return filtered ? "no more pass the filter" : "the catalogue has no more under these rules";
}

/* What the knobs changed, ids that lead nowhere, and how it came that fewer songs came than were
 * asked for. */
static bool write_note(struct full_answer *answer, const char *knobs,
                       const struct dylumo_query *query, size_t strange)
{
    char text[DY_RANK_NOTE + 480];
    const char *words = DY_MEMBER(query, text);
    int used = 0;
    if (words)
        used = snprintf(text, sizeof text, "with the words \"%.*s\"%s",
                        (int)dy_text_prefix(words, strnlen(words, SHOWN_BYTES), SHOWN_COLUMNS),
                        words, *knobs ? "; " : "");
    used += snprintf(text + used, sizeof text - (size_t)used, "%s", knobs);
    uint32_t asked = DY_MEMBER(query, count);
    size_t count = answer->public.song_count, wanted = asked ? asked : DEFAULT_COUNT;
    if (strange)
        used += snprintf(text + used, sizeof text - (size_t)used,
                         "%s%zu of %zu listed ids are not in the catalogue", used ? "; " : "",
                         strange, DY_MEMBER(query, only_count));
    if (count < wanted)
        snprintf(text + used, sizeof text - (size_t)used, "%sonly %zu of %zu songs: %s",
                 used ? "; " : "", count, wanted, shortage(query));
    if (!*text)
        return true;
    answer->public.note = keep_text(answer, text, strlen(text));
    return answer->public.note != NULL;
}

static bool describe_picture(struct full_answer *answer, const char *name,
                             const struct recommend_sight *sight)
{
    struct dylumo_answer *out = &answer->public;
    if (sight) {
        out->picture_type = dy_image_type_name(sight->image.type);
        out->width = sight->image.width;
        out->height = sight->image.height;
        out->frames = sight->image.frames;
        out->times.decode = sight->image.decode_ms;
        out->times.resize = sight->image.resize_ms;
        out->times.encode = sight->encode_ms;
    }
    if (name)
        out->picture = keep_text(answer, name, strlen(name));
    return out->picture || !name;
}

/* By cosine every song may come, unless the query asks for a rule. */
static void lift_rules(const struct dylumo_query *query, struct dy_rank_rules *rules)
{
    uint32_t per_artist = DY_MEMBER(query, per_artist);
    rules->per_artist = per_artist == UINT32_MAX ? 0 : per_artist;
    rules->one_recording = rules->without_season = false;
}

static enum dylumo_status aim(const struct dylumo *dylumo, const struct dy_mood *mood,
                              const struct dylumo_query *query, struct choice *choice,
                              struct dy_rank_rules *rules, struct dylumo_error *err)
{
    enum dylumo_status st = recommend_read_rank(query, &choice->cosine, err);
    if (st || !choice->cosine)
        return st ? st : dy_rank_aim(dylumo->rank, mood, query, &choice->target, err);
    recommend_cosine_aim(dylumo, mood, &choice->by_cosine);
    lift_rules(query, rules);
    return DYLUMO_OK;
}

enum dylumo_status recommend_answer(const struct dylumo *dylumo, const struct dy_mood *mood,
                                    const char *name, const struct recommend_sight *sight,
                                    const struct dylumo_query *query, struct dylumo_answer **out,
                                    struct dylumo_error *err)
{
    double start = recommend_now_ms();
    struct dy_rank_rules rules;
    struct choice choice;
    uint64_t *allowed = NULL;
    size_t strange = 0;
    enum dylumo_status st = read_rules(dylumo, query, &rules, err);
    if (!st)
        st = aim(dylumo, mood, query, &choice, &rules, err);
    if (!st)
        st = recommend_allowed(dylumo->songs, query, &allowed, &strange, err);
    struct full_answer *answer = st ? NULL : dy_new(sizeof *answer);
    if (!st && !answer)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the answer");
    if (st) {
        dy_free(allowed);
        return st;
    }
    rules.allowed = allowed;
    answer->public.struct_size = sizeof answer->public;
    st = fill_songs(dylumo, answer, &choice, &rules, err);
    dy_free(allowed);
    if (!st && (!describe_picture(answer, name, sight) ||
                !write_note(answer, choice.cosine ? "" : choice.target.note, query, strange)))
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the answer's texts");
    if (st) {
        dylumo_answer_free(&answer->public);
        return st;
    }
    describe_mood(dylumo, mood, &answer->public.mood);
    answer->public.times.search = recommend_now_ms() - start;
    *out = &answer->public;
    return DYLUMO_OK;
}

void dylumo_answer_free(struct dylumo_answer *public)
{
    struct full_answer *answer = (struct full_answer *)public;
    if (!answer)
        return;
    while (answer->chunks) {
        struct chunk *chunk = answer->chunks;
        answer->chunks = chunk->next;
        dy_free(chunk);
    }
    dy_free(answer->songs);
    dy_free(answer);
}

const struct dylumo_song *dylumo_answer_song(const struct dylumo_answer *answer, size_t index)
{
    return index < answer->song_count ? &answer->songs[index] : NULL;
}
