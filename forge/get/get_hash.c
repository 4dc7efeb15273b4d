/* Sums of files by libcrypto, read once in pieces. */
#include "dy_get.h"
#include "get_curl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)1 << 20)

struct summing {
    struct get_crypto crypto;
    EVP_MD_CTX *state;
    uint8_t *piece;
    const char *path;
    int file;
    uint64_t size;
    const struct dylumo_context *context;
};

static enum dylumo_status begin(struct summing *summing, enum dy_sum_kind kind,
                                struct dylumo_error *err)
{
    const struct get_crypto *crypto = &summing->crypto;
    const EVP_MD *method = kind == DY_SUM_GIT   ? crypto->sha1()
                           : kind == DY_SUM_MD5 ? crypto->md5()
                                                : crypto->sha256();
    summing->state = crypto->MD_CTX_new();
    summing->piece = dy_mem_alloc(PIECE_BYTES);
    if (!summing->piece || !summing->state || !crypto->DigestInit_ex(summing->state, method, NULL))
        return dy_fail(err, DYLUMO_NO_MEMORY, "%s: no memory to sum it", summing->path);
    if (kind != DY_SUM_GIT)
        return DYLUMO_OK;
    char header[64];
    int length = snprintf(header, sizeof header, "blob %llu", (unsigned long long)summing->size);
    crypto->DigestUpdate(summing->state, header, (size_t)length + 1); /* its NUL belongs to it */
    return DYLUMO_OK;
}

static enum dylumo_status sum_pieces(struct summing *summing, struct dylumo_error *err)
{
    for (uint64_t done = 0;;) {
        ssize_t got = read(summing->file, summing->piece, PIECE_BYTES);
        if (got < 0 && errno == EINTR && !dy_context_cancelled(summing->context))
            continue;
        if (dy_context_cancelled(summing->context))
            return dy_fail(err, DYLUMO_CANCELLED, "%s: cancelled", summing->path);
        if (got < 0)
            return dy_fail_errno(err, errno, summing->path, "cannot read");
        if (!got)
            return DYLUMO_OK;
        summing->crypto.DigestUpdate(summing->state, summing->piece, (size_t)got);
        done += (uint64_t)got;
        dy_context_progress(summing->context, "check (bytes)", done, summing->size);
    }
}

static void finish(struct summing *summing, struct dy_sum *sum)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    summing->crypto.DigestFinal_ex(summing->state, digest, &size);
    for (unsigned i = 0; i < size && 2 * i + 2 < sizeof sum->hex; i++)
        snprintf(sum->hex + 2 * i, 3, "%02x", digest[i]);
}

enum dylumo_status dy_sum_of_file(struct dy_sum *sum, enum dy_sum_kind kind, const char *path,
                                  const struct dylumo_context *context, struct dylumo_error *err)
{
    struct summing summing = {.path = path, .context = context};
    *sum = (struct dy_sum){.kind = kind};
    summing.file = open(path, O_RDONLY | O_CLOEXEC);
    if (summing.file < 0)
        return dy_fail_errno(err, errno, path, "cannot open");
    struct stat info = {0};
    enum dylumo_status st = fstat(summing.file, &info)
                                ? dy_fail_errno(err, errno, path, "cannot look at")
                                : get_crypto_load(&summing.crypto, err);
    summing.size = (uint64_t)info.st_size;
    if (!st)
        st = begin(&summing, kind, err);
    if (!st)
        st = sum_pieces(&summing, err);
    if (!st)
        finish(&summing, sum);
    if (summing.state)
        summing.crypto.MD_CTX_free(summing.state);
    dy_free(summing.piece);
    close(summing.file);
    return st;
}
