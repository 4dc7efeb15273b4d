/* Encoder, mood and songs as recommend takes them: each opened, then each pair held together. */
#include "doctor_internal.h"

#include "dy_get.h"
#include "dy_rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Minima and maxima that differ by more of the span than this are others, not the same rounded. */
#define SCALER_TOLERANCE 1e-4

/* ------------------------------------------------------------------ each part */

static void look_at_encoder(struct doctor *doctor)
{
    struct dylumo_error err;
    const char *named = doctor->wanted->encoder;
    const struct dy_item *item = named ? dy_item_named(named) : NULL;
    struct dy_finding *finding = doctor_add(doctor, "parts", "encoder");
    enum dylumo_status st =
        dylumo_find("encoder", named, doctor->encoder_path, sizeof doctor->encoder_path, &err);
    if (!st)
        st = dy_encoder_open(&doctor->encoder, doctor->encoder_path, DY_PRECISION_AUTO,
                             dy_context_threads(doctor->context), &err);
    if (st) {
        doctor_fault(finding, st, &err);
        snprintf(finding->command, sizeof finding->command, "%s%s",
                 item ? "dylumo get "
                      : "make install, in dylumo's source: the weights ship with it",
                 item ? item->name : "");
        return;
    }
    const struct dy_encoder_info *info = dy_encoder_info(doctor->encoder);
    snprintf(finding->text, sizeof finding->text, "%s, %u numbers of %u x %u pixels, in %s%s",
             info->name, info->dimension, info->width, info->height,
             dy_precision_name(info->precision), info->has_text ? ", reads words too" : "");
    snprintf(finding->version, sizeof finding->version, "%s", info->name);
    snprintf(finding->hash, sizeof finding->hash, "%016llx", (unsigned long long)info->hash);
    snprintf(finding->path, sizeof finding->path, "%s", doctor->encoder_path);
}

void doctor_mood_name(char *name, size_t size, const char *encoder)
{
    snprintf(name, size, "%.40s-mood", encoder);
}

/* As recommend: what was named, else the file called after the encoder. */
static enum dylumo_status find_mood(struct doctor *doctor, struct dylumo_error *err)
{
    char name[64] = "lite2-mood";
    const char *named = doctor->wanted->mood, *variable = getenv("DYLUMO_MOOD");
    size_t size = sizeof doctor->mood_path;
    if (named || (variable && *variable))
        return dylumo_find("mood", named, doctor->mood_path, size, err);
    if (doctor->encoder)
        doctor_mood_name(name, sizeof name, dy_encoder_info(doctor->encoder)->name);
    return dylumo_find("encoder", name, doctor->mood_path, size, err); /* by name, in all folders */
}

static void look_at_mood(struct doctor *doctor)
{
    struct dylumo_error err;
    struct dy_finding *finding = doctor_add(doctor, "parts", "mood");
    enum dylumo_status st = find_mood(doctor, &err);
    if (!st)
        st = dy_mood_open(&doctor->mood, doctor->mood_path, &err);
    if (st) {
        doctor_fault(finding, st, &err);
        snprintf(finding->command, sizeof finding->command, "dylumo train%s%s TABLE",
                 doctor->encoder ? " --encoder " : "", doctor->encoder ? doctor->encoder_path : "");
        return;
    }
    const struct dy_mood_info *info = dy_mood_info(doctor->mood);
    snprintf(finding->text, sizeof finding->text, "for %s, recipe %s, %u networks, %u axes%s",
             info->encoder, info->recipe, info->networks, info->axes,
             info->has_text ? ", reads words too" : "");
    snprintf(finding->version, sizeof finding->version, "%s", info->recipe);
    snprintf(finding->hash, sizeof finding->hash, "%016llx", (unsigned long long)info->hash);
    snprintf(finding->path, sizeof finding->path, "%s", doctor->mood_path);
}

static void look_at_songs(struct doctor *doctor)
{
    struct dylumo_error err;
    struct dy_finding *finding = doctor_add(doctor, "parts", "songs");
    enum dylumo_status st = dylumo_find("songs", doctor->wanted->songs, doctor->songs_path,
                                        sizeof doctor->songs_path, &err);
    if (!st)
        st = dy_songs_open(&doctor->songs, doctor->songs_path, &err);
    if (!st && (st = dy_songs_check(doctor->songs, doctor->songs_path, &err))) {
        dy_songs_close(doctor->songs);
        doctor->songs = NULL;
    }
    if (st) {
        doctor_fault(finding, st, &err);
        snprintf(finding->command, sizeof finding->command, "dylumo get %sspotify-1m",
                 st == DYLUMO_NOT_FOUND ? "" : "--again ");
        return;
    }
    bool tree = dy_songs_space(doctor->songs).index != NULL;
    snprintf(finding->text, sizeof finding->text, "%zu songs, every byte verified%s",
             dy_songs_count(doctor->songs), tree ? "" : "; without a search tree");
    snprintf(finding->hash, sizeof finding->hash, "%016llx",
             (unsigned long long)dy_songs_identity(doctor->songs));
    snprintf(finding->path, sizeof finding->path, "%s", doctor->songs_path);
}

/* ------------------------------------------------------------------ pairs */

static void match_encoder_and_mood(struct doctor *doctor)
{
    struct dylumo_error err;
    struct dy_finding *finding = doctor_add(doctor, "fit", "encoder and mood");
    const struct dy_encoder_info *info = dy_encoder_info(doctor->encoder);
    enum dylumo_status st =
        dy_mood_check_encoder(doctor->mood, info->name, info->hash, info->dimension, &err);
    if (!st) {
        snprintf(finding->text, sizeof finding->text, "belong together");
        return;
    }
    doctor_fault(finding, st, &err);
    snprintf(finding->command, sizeof finding->command, "dylumo train --encoder %s TABLE",
             doctor->encoder_path);
}

static void note_log(void *user, enum dylumo_log_level level, const char *text)
{
    (void)level, (void)text;
    *(bool *)user = true; /* its one remark: axes were computed, not found */
}

static void match_mood_and_songs(struct doctor *doctor)
{
    struct dylumo_error err;
    struct dy_rank *rank = NULL;
    bool computed = false;
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.log = note_log;
    context.user = &computed;
    struct dy_finding *finding = doctor_add(doctor, "fit", "mood and songs");
    enum dylumo_status st =
        dy_rank_open_stored(&rank, doctor->mood, doctor->songs, doctor->songs_path, &context, &err);
    dy_rank_close(rank);
    if (st) {
        doctor_fault(finding, st, &err);
        return;
    }
    snprintf(finding->text, sizeof finding->text,
             computed ? "the songs' places on the mood's axes are computed at every start"
                      : "the songs' places on the mood's axes are at hand");
    if (computed)
        snprintf(finding->command, sizeof finding->command, "dylumo songs index --mood-file %s %s",
                 doctor->mood_path, doctor->songs_path);
}

static bool differs(double a, double b, double span)
{
    return fabs(a - b) > SCALER_TOLERANCE * span;
}

/* Only moods that predict features scaled by minima and maxima of their own can differ here. */
static void match_scaler(struct doctor *doctor)
{
    const double *scaler = dy_mood_info(doctor->mood)->scaler;
    unsigned count = 0;
    if (!scaler)
        return;
    struct dy_finding *finding = doctor_add(doctor, "fit", "scaler and songs");
    for (unsigned f = 0; f < DYLUMO_FEATURE_COUNT; f++) {
        double minimum = scaler[f], maximum = scaler[DYLUMO_FEATURE_COUNT + f];
        struct dy_feature_stats stats = dy_songs_stats(doctor->songs, (enum dylumo_feature)f);
        double span = maximum > minimum ? maximum - minimum : 1;
        if (!differs(minimum, stats.min, span) && !differs(maximum, stats.max, span))
            continue;
        if (!count++)
            snprintf(finding->text, sizeof finding->text,
                     "the mood was trained on other songs: it counts %s from %g to %g, in these "
                     "songs it goes from %g to %g",
                     dylumo_feature_info((enum dylumo_feature)f)->name, minimum, maximum, stats.min,
                     stats.max);
    }
    if (!count) {
        snprintf(finding->text, sizeof finding->text, "count the features from the same values");
        return;
    }
    size_t used = strlen(finding->text);
    snprintf(finding->text + used, sizeof finding->text - used, "; %u of %d features differ", count,
             DYLUMO_FEATURE_COUNT);
    finding->state = DY_FINDING_WARNING;
    snprintf(finding->command, sizeof finding->command,
             "dylumo import --keep-rows TABLE -o songs.dylumo, of the table it was trained on");
}

void doctor_parts(struct doctor *doctor)
{
    look_at_encoder(doctor);
    look_at_mood(doctor);
    look_at_songs(doctor);
    if (doctor->encoder && doctor->mood)
        match_encoder_and_mood(doctor);
    if (doctor->mood && doctor->songs) {
        match_mood_and_songs(doctor);
        match_scaler(doctor);
    }
}
