/* Folds that do not leak. What may be the same picture, or one of the same series, is joined into
 * groups: by family where the table tells it, by bytes, by look, and for pictures without a family
 * by clusters of what the encoder sees (about eleven pictures each, joined further where two
 * pictures are nearly one). Then the groups are dealt out, largest first, to whichever fold keeps
 * the emotions most even. */
#include "dy_train.h"
#include "train_random.h"

#include <dnnl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* libgomp's own: one thread, so that sums have one order everywhere. */
extern void omp_set_num_threads(int count);
extern int omp_get_max_threads(void);

#define CLUSTER_SIZE 11
#define CLUSTER_ROUNDS 10
#define NEARLY_ONE 0.8f /* cosine of standardised embeddings */
#define BLOCK 1024
#define KINDS (DYLUMO_EMOTION_COUNT + 1) /* of pictures: the emotions, and those without */
#define NO_FOLD 255

/* ------------------------------------------------------------------ groups: union-find */

static size_t root_of(size_t *parent, size_t i)
{
    while (parent[i] != i)
        i = parent[i] = parent[parent[i]];
    return i;
}

static void join(size_t *parent, size_t a, size_t b)
{
    a = root_of(parent, a);
    b = root_of(parent, b);
    if (a < b)
        parent[b] = a;
    else
        parent[a] = b;
}

struct keyed {
    uint64_t key;
    size_t at;
};

static int by_key(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static void join_equal(size_t *parent, struct keyed *list, size_t count)
{
    qsort(list, count, sizeof *list, by_key);
    for (size_t i = 1; i < count; i++)
        if (list[i].key == list[i - 1].key)
            join(parent, list[i].at, list[i - 1].at);
}

/* A flat picture has look 0; many such are not one picture. */
static void join_same_pictures(size_t *parent, const struct dy_pictures *pictures,
                               const struct dy_embeddings *embeddings, struct keyed *list)
{
    size_t families = 0, looks = 0;
    for (size_t i = 0; i < pictures->count; i++)
        list[i] = (struct keyed){embeddings->content[i], i};
    join_equal(parent, list, pictures->count);
    for (size_t i = 0; i < pictures->count; i++)
        if (embeddings->look[i])
            list[looks++] = (struct keyed){embeddings->look[i], i};
    join_equal(parent, list, looks);
    for (size_t i = 0; i < pictures->count; i++) {
        const struct dy_picture *picture = &pictures->items[i];
        if (picture->family)
            list[families++] = (struct keyed){
                dy_hash64(picture->family, strlen(picture->family), picture->set), i};
    }
    join_equal(parent, list, families);
}

/* ------------------------------------------------------------------ clusters */

struct cloud {
    size_t count, dimension, clusters;
    size_t *picture; /* [count] */
    float *unit;     /* [count][dimension] standardised, of length 1 */
    float *centre;   /* [clusters][dimension] of length 1 */
    float *cosines;  /* [BLOCK][max(count, clusters)] */
    size_t *cluster; /* [count] */
};

static void cloud_clear(struct cloud *cloud)
{
    dy_free(cloud->picture);
    dy_free(cloud->unit);
    dy_free(cloud->centre);
    dy_free(cloud->cosines);
    dy_free(cloud->cluster);
}

static void make_unit(float *x, size_t count)
{
    double length = 0;
    for (size_t i = 0; i < count; i++)
        length += (double)x[i] * (double)x[i];
    float scale = length > 0 ? (float)(1 / sqrt(length)) : 0;
    for (size_t i = 0; i < count; i++)
        x[i] *= scale;
}

static void standardise(struct cloud *cloud)
{
    for (size_t j = 0; j < cloud->dimension; j++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < cloud->count; i++) {
            double x = (double)cloud->unit[i * cloud->dimension + j];
            sum += x;
            squares += x * x;
        }
        double mean = sum / (double)cloud->count;
        double variance = fmax(squares / (double)cloud->count - mean * mean, 0);
        for (size_t i = 0; i < cloud->count; i++) {
            float *x = &cloud->unit[i * cloud->dimension + j];
            *x = (float)(((double)*x - mean) / (sqrt(variance) + 1e-3));
        }
    }
    for (size_t i = 0; i < cloud->count; i++)
        make_unit(cloud->unit + i * cloud->dimension, cloud->dimension);
}

static enum dylumo_status cloud_init(struct cloud *cloud, const struct dy_pictures *pictures,
                                     const struct dy_embeddings *embeddings,
                                     struct dylumo_error *err)
{
    size_t count = 0;
    for (size_t i = 0; i < pictures->count; i++)
        count += !pictures->items[i].family && embeddings->at[i * embeddings->views];
    *cloud = (struct cloud){
        .count = 0, .dimension = embeddings->dimension, .clusters = count / CLUSTER_SIZE + 1};
    cloud->picture = dy_new_array(count + 1, sizeof *cloud->picture);
    cloud->cluster = dy_new_array(count + 1, sizeof *cloud->cluster);
    cloud->unit = dy_new_array((count + 1) * cloud->dimension, sizeof *cloud->unit);
    cloud->centre = dy_new_array(cloud->clusters * cloud->dimension, sizeof *cloud->centre);
    cloud->cosines = dy_new_array(BLOCK * (count + 1), sizeof *cloud->cosines);
    if (!cloud->picture || !cloud->cluster || !cloud->unit || !cloud->centre || !cloud->cosines)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to group %zu pictures", count);
    for (size_t i = 0; i < pictures->count; i++) {
        const float *embedding = embeddings->at[i * embeddings->views];
        if (pictures->items[i].family || !embedding)
            continue;
        cloud->picture[cloud->count] = i;
        memcpy(cloud->unit + cloud->count++ * cloud->dimension, embedding,
               cloud->dimension * sizeof(float));
    }
    standardise(cloud);
    return DYLUMO_OK;
}

/* cosines [rows][count] of unit vectors first..first+rows with `others`. */
static void find_cosines(struct cloud *cloud, size_t first, size_t rows, const float *others,
                         size_t count)
{
    dnnl_sgemm('N', 'T', (dnnl_dim_t)rows, (dnnl_dim_t)count, (dnnl_dim_t)cloud->dimension, 1.0f,
               cloud->unit + first * cloud->dimension, (dnnl_dim_t)cloud->dimension, others,
               (dnnl_dim_t)cloud->dimension, 0.0f, cloud->cosines, (dnnl_dim_t)count);
}

static void assign_clusters(struct cloud *cloud)
{
    for (size_t first = 0; first < cloud->count; first += BLOCK) {
        size_t rows = cloud->count - first < BLOCK ? cloud->count - first : BLOCK;
        find_cosines(cloud, first, rows, cloud->centre, cloud->clusters);
        for (size_t i = 0; i < rows; i++) {
            const float *cosine = cloud->cosines + i * cloud->clusters;
            size_t best = 0;
            for (size_t k = 1; k < cloud->clusters; k++)
                best = cosine[k] > cosine[best] ? k : best;
            cloud->cluster[first + i] = best;
        }
    }
}

static void move_centres(struct cloud *cloud)
{
    memset(cloud->centre, 0, cloud->clusters * cloud->dimension * sizeof *cloud->centre);
    for (size_t i = 0; i < cloud->count; i++)
        for (size_t j = 0; j < cloud->dimension; j++)
            cloud->centre[cloud->cluster[i] * cloud->dimension + j] +=
                cloud->unit[i * cloud->dimension + j];
    for (size_t k = 0; k < cloud->clusters; k++)
        make_unit(cloud->centre + k * cloud->dimension, cloud->dimension);
}

/* Spherical k-means (Dhillon & Modha 2001) from pictures drawn by chance. */
static void join_clusters(struct cloud *cloud, size_t *parent, struct keyed *list)
{
    struct train_random random = train_random_of(11);
    for (size_t k = 0; k < cloud->clusters && cloud->count; k++)
        memcpy(cloud->centre + k * cloud->dimension,
               cloud->unit + train_random_below(&random, cloud->count) * cloud->dimension,
               cloud->dimension * sizeof(float));
    for (unsigned round = 0; round < CLUSTER_ROUNDS; round++) {
        assign_clusters(cloud);
        move_centres(cloud);
    }
    for (size_t i = 0; i < cloud->count; i++)
        list[i] = (struct keyed){cloud->cluster[i], cloud->picture[i]};
    join_equal(parent, list, cloud->count);
}

static void join_near_pairs(struct cloud *cloud, size_t *parent)
{
    for (size_t first = 0; first < cloud->count; first += BLOCK) {
        size_t rows = cloud->count - first < BLOCK ? cloud->count - first : BLOCK;
        find_cosines(cloud, first, rows, cloud->unit, cloud->count);
        for (size_t i = 0; i < rows; i++)
            for (size_t j = first + i + 1; j < cloud->count; j++)
                if (cloud->cosines[i * cloud->count + j] > NEARLY_ONE)
                    join(parent, cloud->picture[first + i], cloud->picture[j]);
    }
}

/* ------------------------------------------------------------------ dealing out */

struct group {
    size_t root, size;
    double kinds[KINDS];
};

static int by_size(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return (x->root > y->root) - (x->root < y->root);
}

/* How much the sum of squared loads grows, each kind measured by its fair share. */
static double cost_of(const struct group *group, const double *load, const double *fair)
{
    double cost = 0;
    for (unsigned k = 0; k < KINDS; k++) {
        double before = load[k] / fmax(fair[k], 1),
               after = (load[k] + group->kinds[k]) / fmax(fair[k], 1);
        cost += after * after - before * before;
    }
    return cost;
}

static void deal(struct group *groups, size_t count, unsigned folds, uint8_t *fold_of_root)
{
    double load[64][KINDS] = {{0}}, fair[KINDS] = {0};
    qsort(groups, count, sizeof *groups, by_size);
    for (size_t i = 0; i < count; i++)
        for (unsigned k = 0; k < KINDS; k++)
            fair[k] += groups[i].kinds[k] / folds;
    for (size_t i = 0; i < count && groups[i].size; i++) { /* no roots come last */
        unsigned best = 0;
        for (unsigned f = 1; f < folds; f++)
            if (cost_of(&groups[i], load[f], fair) < cost_of(&groups[i], load[best], fair))
                best = f;
        for (unsigned k = 0; k < KINDS; k++)
            load[best][k] += groups[i].kinds[k];
        fold_of_root[groups[i].root] = (uint8_t)best;
    }
}

/* groups [count] has a place for every picture; those of size 0 are no roots. */
static void deal_pictures(size_t *parent, const struct dy_pictures *pictures,
                          const struct dy_embeddings *embeddings, struct group *groups,
                          unsigned folds, uint8_t *fold)
{
    for (size_t i = 0; i < pictures->count; i++) {
        struct group *group = &groups[root_of(parent, i)];
        int emotion = pictures->items[i].emotion;
        group->root = root_of(parent, i);
        group->size++;
        group->kinds[emotion >= 0 ? emotion : DYLUMO_EMOTION_COUNT]++;
    }
    deal(groups, pictures->count, folds, fold);
    for (size_t i = pictures->count; i-- > 0;) /* a root comes before its pictures */
        fold[i] = embeddings->at[i * embeddings->views] ? fold[root_of(parent, i)] : NO_FOLD;
}

enum dylumo_status dy_train_split(const struct dy_pictures *pictures,
                                  const struct dy_embeddings *embeddings, unsigned folds,
                                  uint8_t *fold, const struct dylumo_context *context,
                                  struct dylumo_error *err)
{
    size_t count = pictures->count;
    if (!folds || folds > 64)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT, "%u folds asked for, 1 to 64 can be", folds);
    struct cloud cloud = {0};
    size_t *parent = dy_new_array(count + 1, sizeof *parent);
    struct keyed *list = dy_new_array(count + 1, sizeof *list);
    struct group *groups = dy_new_array(count + 1, sizeof *groups);
    enum dylumo_status st = DYLUMO_OK;
    if (!parent || !list || !groups)
        st = dy_fail(err, DYLUMO_NO_MEMORY, "no memory to split %zu pictures", count);
    for (size_t i = 0; i < count && !st; i++)
        parent[i] = i;
    if (!st)
        st = cloud_init(&cloud, pictures, embeddings, err);
    if (!st) {
        dy_context_progress(context, "grouping", 0, 1);
        int before = omp_get_max_threads();
        omp_set_num_threads(1);
        join_same_pictures(parent, pictures, embeddings, list);
        join_clusters(&cloud, parent, list);
        join_near_pairs(&cloud, parent);
        omp_set_num_threads(before);
        deal_pictures(parent, pictures, embeddings, groups, folds, fold);
        dy_context_progress(context, "grouping", 1, 1);
    }
    cloud_clear(&cloud);
    dy_free(parent);
    dy_free(list);
    dy_free(groups);
    return st;
}
