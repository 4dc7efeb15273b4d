/* Opening and closing: find the parts, map them, see that they belong together. */
#include "recommend_internal.h"

#include <string.h>

static enum dylumo_status locate_parts(struct dylumo *dylumo, const struct dylumo_options *options,
                                       struct dylumo_error *err)
{
    enum dylumo_status st = DYLUMO_OK;
    if (!DY_MEMBER(options, without_encoder))
        st = recommend_locate(RECOMMEND_ENCODER, DY_MEMBER(options, encoder_path),
                              dylumo->encoder_path, sizeof dylumo->encoder_path, err);
    if (!st)
        st = recommend_locate_mood(DY_MEMBER(options, mood_path), dylumo->encoder_path,
                                   dylumo->mood_path, sizeof dylumo->mood_path, err);
    if (!st)
        st = recommend_locate(RECOMMEND_SONGS, DY_MEMBER(options, songs_path), dylumo->songs_path,
                              sizeof dylumo->songs_path, err);
    return st;
}

static enum dylumo_status open_parts(struct dylumo *dylumo, enum dy_precision precision,
                                     struct dylumo_error *err)
{
    enum dylumo_status st = dy_songs_open(&dylumo->songs, dylumo->songs_path, err);
    if (!st)
        st = dy_mood_open(&dylumo->mood, dylumo->mood_path, err);
    if (!st)
        st = dy_rank_open_stored(&dylumo->rank, dylumo->mood, dylumo->songs, dylumo->songs_path,
                                 &dylumo->context, err);
    if (st || !*dylumo->encoder_path) /* opened without */
        return st;
    st = dy_encoder_open(&dylumo->encoder, dylumo->encoder_path, precision,
                         dy_context_threads(&dylumo->context), err);
    if (st)
        return st;
    const struct dy_encoder_info *encoder = dy_encoder_info(dylumo->encoder);
    return dy_mood_check_encoder(dylumo->mood, encoder->name, encoder->hash, encoder->dimension,
                                 err);
}

static void describe_parts(struct dylumo *dylumo)
{
    dylumo->parts = (struct dylumo_parts){
        .struct_size = sizeof dylumo->parts,
        .model = dy_mood_info(dylumo->mood)->encoder,
        .precision = "none",
        .encoder_path = "",
        .mood_path = dylumo->mood_path,
        .songs_path = dylumo->songs_path,
        .songs = dy_songs_count(dylumo->songs),
    };
    dylumo->view.struct_size = sizeof dylumo->view;
    if (!dylumo->encoder)
        return;
    const struct dy_encoder_info *encoder = dy_encoder_info(dylumo->encoder);
    dylumo->parts.model = encoder->name;
    dylumo->parts.precision = dy_precision_name(encoder->precision);
    dylumo->parts.encoder_path = dylumo->encoder_path;
    dylumo->view = (struct dylumo_view){
        .struct_size = sizeof dylumo->view,
        .width = encoder->width,
        .height = encoder->height,
        .crop = (int)encoder->crop,
    };
}

enum dylumo_status dylumo_open(struct dylumo **out, const struct dylumo_options *options,
                               struct dylumo_error *err)
{
    const char *wanted = DY_MEMBER(options, precision);
    enum dy_precision precision;
    enum dylumo_status st = dy_precision_read(wanted ? wanted : "auto", &precision, err);
    if (st)
        return st;
    struct dylumo *dylumo = dy_new(sizeof *dylumo);
    if (!dylumo)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to open dylumo");
    pthread_mutex_init(&dylumo->lock, NULL);
    const struct dylumo_context *context = DY_MEMBER(options, context);
    size_t known = sizeof dylumo->context;
    if (context) /* a shorter struct leaves the rest zero, a longer one is cut */
        memcpy(&dylumo->context, context,
               context->struct_size < known ? context->struct_size : known);
    dylumo->context.struct_size = known;
    st = locate_parts(dylumo, options, err);
    if (!st)
        st = open_parts(dylumo, precision, err);
    if (st) {
        dylumo_close(dylumo);
        return st;
    }
    describe_parts(dylumo);
    *out = dylumo;
    return DYLUMO_OK;
}

static void free_work(struct recommend_work *work)
{
    if (!work)
        return;
    dy_encoder_work_free(work->encoder);
    dy_free(work->pixels);
    dy_free(work->mirrored);
    dy_free(work);
}

void dylumo_close(struct dylumo *dylumo)
{
    if (!dylumo)
        return;
    while (dylumo->idle) {
        struct recommend_work *work = dylumo->idle;
        dylumo->idle = work->next;
        free_work(work);
    }
    dy_rank_close(dylumo->rank);
    dy_encoder_close(dylumo->words);
    dy_encoder_close(dylumo->encoder);
    dy_mood_close(dylumo->mood);
    dy_songs_close(dylumo->songs);
    pthread_mutex_destroy(&dylumo->lock);
    dy_free(dylumo);
}

void dylumo_share_work(int shared)
{
    dy_encoder_share(shared != 0);
}

const struct dylumo_view *dylumo_view(const struct dylumo *dylumo)
{
    return &dylumo->view;
}

const struct dylumo_parts *dylumo_parts(const struct dylumo *dylumo)
{
    return &dylumo->parts;
}
