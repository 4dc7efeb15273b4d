/* Embeddings of all pictures: read by content from the cache, the rest computed on all threads and
 * appended. Every picture is its own task; who finishes first is written first, and the order in
 * the cache does not matter. */
#include "dy_encoder.h"
#include "dy_image.h"
#include "dy_train.h"
#include "train_cache.h"
#include "train_random.h"
#include "train_views.h"

#include <pthread.h>
#include <string.h>

struct job {
    struct dy_embeddings *out;
    const struct dy_embed_options *options;
    const struct dy_pictures *pictures;
    const struct dylumo_context *context;
    struct dy_encoder *encoder;
    struct train_cache cache;
    struct train_entry *entries; /* of the cache before the run */
    size_t entry_count;
    pthread_mutex_t lock;           /* over all below */
    struct dy_encoder_work **works; /* those that are free */
    size_t work_count;
    size_t done;
    enum dylumo_status status; /* the first failure that ends the run */
    struct dylumo_error *err;
};

/* ------------------------------------------------------------------ one picture */

/* Pixels of each view in turn, and their embeddings into the cache. */
struct sight {
    struct job *job;
    struct dy_encoder_work *work;
    uint8_t *whole, *large, *view; /* encoder's size, twice that, encoder's size */
    float *embedding;
    uint64_t content;
};

static void keep_failure(struct job *job, enum dylumo_status st, const struct dylumo_error *err)
{
    pthread_mutex_lock(&job->lock);
    if (!job->status) {
        job->status = st;
        if (job->err)
            *job->err = *err;
    }
    pthread_mutex_unlock(&job->lock);
}

static bool stopped(struct job *job)
{
    pthread_mutex_lock(&job->lock);
    bool stop = job->status != DYLUMO_OK;
    pthread_mutex_unlock(&job->lock);
    return stop || dy_context_cancelled(job->context);
}

static enum dylumo_status load(const struct sight *sight, const uint8_t *data, size_t size,
                               const char *name, unsigned times, uint8_t *pixels,
                               struct dylumo_error *err)
{
    const struct dy_encoder_info *info = dy_encoder_info(sight->job->encoder);
    static const enum dy_image_fit fits[] = {[DY_CROP_NONE] = DY_FIT_SQUASH,
                                             [DY_CROP_TORCHVISION] = DY_FIT_CROP,
                                             [DY_CROP_TRANSFORMERS] = DY_FIT_CROP_FLOOR};
    const struct dy_image_target target = {info->width * times, info->height * times,
                                           fits[info->crop], true};
    return dy_image_load(data, size, name, &target, sight->job->context, pixels, NULL, err);
}

static enum dylumo_status embed(const struct sight *sight, const uint8_t *pixels, uint64_t view,
                                struct dylumo_error *err)
{
    struct job *job = sight->job;
    const struct dy_encoder_info *info = dy_encoder_info(job->encoder);
    struct train_record record = {.content = sight->content, .view = view};
    enum dylumo_status st =
        dy_encoder_run(job->encoder, sight->work, pixels, sight->embedding, err);
    if (st)
        return st;
    record.look = train_view_look(sight->whole, info->width, info->height);
    pthread_mutex_lock(&job->lock);
    st = train_cache_add(&job->cache, &record, sight->embedding, err);
    pthread_mutex_unlock(&job->lock);
    return st;
}

/* false: what is missing was not asked for. */
static bool missing(const struct job *job, uint64_t content, unsigned view)
{
    return view < job->out->views &&
           !train_cache_find(job->entries, job->entry_count, content, view);
}

static enum dylumo_status see(const struct sight *sight, const uint8_t *data, size_t size,
                              const char *name, struct dylumo_error *err)
{
    struct job *job = sight->job;
    const struct dy_encoder_info *info = dy_encoder_info(job->encoder);
    unsigned width = info->width, height = info->height;
    bool crops = false;
    enum dylumo_status st = load(sight, data, size, name, 1, sight->whole, err);
    if (!st && missing(job, sight->content, DY_VIEW_WHOLE))
        st = embed(sight, sight->whole, DY_VIEW_WHOLE, err);
    if (!st && missing(job, sight->content, DY_VIEW_FLIP)) {
        train_view_flip(sight->view, sight->whole, width, height);
        st = embed(sight, sight->view, DY_VIEW_FLIP, err);
    }
    for (unsigned view = DY_VIEW_CROP; view < job->out->views && !st; view++) {
        if (!missing(job, sight->content, view))
            continue;
        if (!crops)
            st = load(sight, data, size, name, 2, sight->large, err);
        crops = true;
        if (st)
            break;
        train_view_crop(sight->view, width, height, sight->large, 2 * width, 2 * height,
                        train_key(sight->content, view));
        st = embed(sight, sight->view, view, err);
    }
    return st;
}

static struct dy_encoder_work *work_take(struct job *job)
{
    pthread_mutex_lock(&job->lock);
    struct dy_encoder_work *work = job->works[--job->work_count];
    pthread_mutex_unlock(&job->lock);
    return work;
}

static void work_give(struct job *job, struct dy_encoder_work *work)
{
    pthread_mutex_lock(&job->lock);
    job->works[job->work_count++] = work;
    pthread_mutex_unlock(&job->lock);
}

static enum dylumo_status see_with_memory(struct job *job, const uint8_t *data, size_t size,
                                          size_t at, struct dylumo_error *err)
{
    const struct dy_encoder_info *info = dy_encoder_info(job->encoder);
    size_t pixels = (size_t)info->width * info->height * 3;
    struct sight sight = {.job = job,
                          .whole = dy_new(6 * pixels),
                          .embedding = dy_new_array(info->dimension, sizeof(float)),
                          .content = job->out->content[at]};
    enum dylumo_status st;
    if (sight.whole && sight.embedding) {
        sight.view = sight.whole + pixels;
        sight.large = sight.view + pixels;
        sight.work = work_take(job);
        st = see(&sight, data, size, job->pictures->items[at].path, err);
        work_give(job, sight.work);
    } else {
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory for a picture");
    }
    dy_free(sight.whole);
    dy_free(sight.embedding);
    return st;
}

/* Pictures that are broken are left out, and where it was asked for those that can't be opened;
 * everything else that fails ends the run. */
static bool only_this_picture(const struct job *job, enum dylumo_status st)
{
    return st == DYLUMO_BAD_PICTURE || st == DYLUMO_UNSUPPORTED || st == DYLUMO_TOO_LARGE ||
           (job->options->skip_unreadable &&
            (st == DYLUMO_NO_PERMISSION || st == DYLUMO_NOT_FOUND || st == DYLUMO_BAD_FILE));
}

static void picture_task(void *user, size_t at)
{
    struct job *job = user;
    struct dylumo_error err;
    uint8_t *data = NULL;
    size_t size = 0;
    bool any = false;
    if (stopped(job))
        return;
    enum dylumo_status st = dy_read_file(&data, &size, job->pictures->items[at].path,
                                         dy_context_max_picture_bytes(job->context), &err);
    if (!st) {
        job->out->content[at] = dy_hash64(data, size, 0);
        for (unsigned view = 0; view < job->out->views; view++)
            any |= missing(job, job->out->content[at], view);
        if (any)
            st = see_with_memory(job, data, size, at, &err);
        dy_free(data);
    }
    if (only_this_picture(job, st))
        dy_context_log(job->context, DYLUMO_LOG_WARNING, "%s", err.text);
    else if (st)
        keep_failure(job, st, &err);
    pthread_mutex_lock(&job->lock);
    size_t done = ++job->done;
    job->out->computed += any && !st;
    pthread_mutex_unlock(&job->lock);
    dy_context_progress(job->context, "embeddings", done, job->pictures->count);
}

/* ------------------------------------------------------------------ all pictures */

static enum dylumo_status works_new(struct job *job, unsigned count, struct dylumo_error *err)
{
    job->works = dy_new_array(count, sizeof *job->works);
    if (!job->works)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %u encoders", count);
    enum dylumo_status st = DYLUMO_OK;
    while (job->work_count < count && !st) {
        st = dy_encoder_work_new(&job->works[job->work_count], job->encoder, err);
        job->work_count += !st;
    }
    return st;
}

static void works_free(struct job *job)
{
    while (job->work_count)
        dy_encoder_work_free(job->works[--job->work_count]);
    dy_free(job->works);
}

static enum dylumo_status run_pictures(struct job *job, struct dylumo_error *err)
{
    unsigned threads = dy_context_threads(job->context);
    struct dy_workers *workers = NULL;
    enum dylumo_status st = dy_workers_new(&workers, threads, err);
    if (!st)
        st = works_new(job, threads, err);
    if (!st) {
        job->err = err;
        dy_workers_run(workers, job->pictures->count, picture_task, job);
        st = job->status;
    }
    works_free(job);
    dy_workers_free(workers);
    if (!st && dy_context_cancelled(job->context))
        st = dy_fail(err, DYLUMO_CANCELLED,
                     "stopped while embeddings were computed; what is done "
                     "is kept");
    return st;
}

/* Maps the cache and lists it into job->entries. */
static enum dylumo_status list_cache(struct job *job, struct dylumo_error *err)
{
    dy_free(job->entries);
    job->entries = NULL;
    job->entry_count = 0;
    dy_map_close(&job->out->map);
    enum dylumo_status st = dy_map_file(&job->out->map, job->cache.path, err);
    if (!st)
        st = train_cache_list(&job->cache, &job->out->map, &job->entries, &job->entry_count, err);
    return st;
}

/* Every picture's records; a picture that lacks one lacks all. */
static void collect(struct job *job)
{
    struct dy_embeddings *out = job->out;
    for (size_t i = 0; i < out->count; i++) {
        bool whole = true;
        for (unsigned view = 0; view < out->views; view++) {
            const struct train_entry *entry =
                train_cache_find(job->entries, job->entry_count, out->content[i], view);
            whole &= entry != NULL;
            out->at[i * out->views + view] = entry ? entry->embedding : NULL;
            if (entry)
                out->look[i] = entry->look;
        }
        for (unsigned view = 0; view < out->views && !whole; view++)
            out->at[i * out->views + view] = NULL;
    }
}

static enum dylumo_status load_all(struct job *job, uint64_t key, struct dylumo_error *err)
{
    struct dy_embeddings *out = job->out;
    out->at = dy_new_array(out->count * out->views + 1, sizeof *out->at);
    out->content = dy_new_array(out->count + 1, sizeof *out->content);
    out->look = dy_new_array(out->count + 1, sizeof *out->look);
    if (!out->at || !out->content || !out->look)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for %zu pictures", out->count);
    enum dylumo_status st =
        train_cache_open(&job->cache, job->options->cache_path, key, out->dimension, err);
    if (!st)
        st = list_cache(job, err);
    if (!st)
        st = run_pictures(job, err);
    struct dylumo_error late;
    if (job->cache.stream && train_cache_sync(&job->cache, st ? &late : err) && !st)
        st = DYLUMO_IO;
    if (!st)
        st = list_cache(job, err);
    if (!st)
        collect(job);
    return st;
}

/* Numbers of another precision are other numbers, and have caches of their own. */
static uint64_t cache_key(const struct dy_encoder_info *info)
{
    return info->precision == DY_PRECISION_F32
               ? info->hash
               : dy_hash64(&info->hash, sizeof info->hash, (uint64_t)info->precision);
}

enum dylumo_status dy_embeddings_load(struct dy_embeddings *out, const struct dy_pictures *pictures,
                                      const struct dy_embed_options *options,
                                      const struct dylumo_context *context,
                                      struct dylumo_error *err)
{
    struct job job = {.out = out, .options = options, .pictures = pictures, .context = context};
    enum dy_precision precision = DY_PRECISION_F32;
    *out = (struct dy_embeddings){.views = options->views, .count = pictures->count};
    if (!out->views || out->views > DY_VIEWS)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%u views asked for, 1 to %d there are",
                       out->views, DY_VIEWS);
    enum dylumo_status st =
        options->precision ? dy_precision_read(options->precision, &precision, err) : DYLUMO_OK;
    if (!st)
        st = dy_encoder_open(&job.encoder, options->encoder_path, precision, 1, err);
    if (st)
        return st;
    const struct dy_encoder_info *info = dy_encoder_info(job.encoder);
    snprintf(out->encoder, sizeof out->encoder, "%s", info->name);
    out->encoder_hash = info->hash;
    out->dimension = info->dimension;
    pthread_mutex_init(&job.lock, NULL);
    st = load_all(&job, cache_key(info), err);
    train_cache_close(&job.cache);
    pthread_mutex_destroy(&job.lock);
    dy_free(job.entries);
    dy_encoder_close(job.encoder);
    if (st)
        dy_embeddings_clear(out);
    return st;
}

void dy_embeddings_clear(struct dy_embeddings *embeddings)
{
    dy_free(embeddings->at);
    dy_free(embeddings->content);
    dy_free(embeddings->look);
    dy_map_close(&embeddings->map);
    *embeddings = (struct dy_embeddings){0};
}
