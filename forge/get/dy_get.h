/* get: downloads that can be trusted. A file is taken up again where it broke off, tried again with
 * growing pauses, checked against the size and the hash that its source names, and appears under
 * its name only when all of it is there and right.
 *
 * In layers: a session (libcurl and libcrypto, loaded at the first need), one file from an address,
 * Hugging Face's repositories in the cache that Python's huggingface_hub shares, Kaggle's API, and
 * the few things that `dylumo get` knows by name.
 *
 * TLS certificates are always checked. Credentials go to the address that they are for and to no
 * other, not even by redirect; they are kept in memory that neither swap nor core files see. */
#ifndef DY_GET_H
#define DY_GET_H

#include "dy_base.h"

/* ------------------------------------------------------------------ secrets (get_secret.c) */

/* A credential as an HTTP header, in pages of its own. */
struct dy_secret;
/* "Authorization: Bearer TOKEN". */
enum dylumo_status dy_secret_bearer(struct dy_secret **out, const char *token,
                                    struct dylumo_error *err) DY_MUST_USE;
/* "Authorization: Basic ..." of user and key. */
enum dylumo_status dy_secret_basic(struct dy_secret **out, const char *user, const char *key,
                                   struct dylumo_error *err) DY_MUST_USE;
/* {"token": "..."}, the body that asks whose token it is; only of a bearer. */
enum dylumo_status dy_secret_question(struct dy_secret **out, const struct dy_secret *bearer,
                                      struct dylumo_error *err) DY_MUST_USE;
/* Wipes and gives back; takes NULL. */
void dy_secret_free(struct dy_secret *secret);
/* Puts "***" in the place of the credential wherever it stands in text. */
void dy_secret_hide(const struct dy_secret *secret, char *text);
/* From here on the process leaves no core file, and no other process of the user reads its memory
 * or environment. */
void dy_secret_guard_process(void);

/* ------------------------------------------------------------------ session (get_session.c) */

/* Who is asked, for sentences. */
struct dy_get_service {
    const char *name;  /* "Hugging Face" */
    const char *login; /* what to do where it refuses: "put a token into HF_TOKEN" */
};

/* 0 means the default everywhere. */
struct dy_get_settings {
    bool offline;      /* ask nobody: every request fails with a sentence */
    unsigned tries;    /* in a row without a byte gained: 6; $DYLUMO_GET_TRIES */
    unsigned pause_ms; /* before the second try, doubled after it: 1000; $DYLUMO_GET_PAUSE_MS */
};

/* One user of the network; one call at a time. */
struct dy_get;
/*   context   kept, not copied: cancelled ends every wait and transfer
 *
 * Fails    UNSUPPORTED where libcurl can't be loaded. */
enum dylumo_status dy_get_open(struct dy_get **out, const struct dy_get_settings *settings,
                               const struct dylumo_context *context,
                               struct dylumo_error *err) DY_MUST_USE;
void dy_get_close(struct dy_get *get); /* takes NULL */
/* libcurl, and what it stands on: "libcurl/7.88.1 OpenSSL/3.0.19 ...".
 *
 * Fails    UNSUPPORTED where libcurl or libcrypto can't be loaded. */
enum dylumo_status dy_get_libraries(char *version, size_t size,
                                    struct dylumo_error *err) DY_MUST_USE;
bool dy_get_offline(const struct dy_get *get);
const struct dylumo_context *dy_get_context(const struct dy_get *get);

/* A whole small answer (JSON) into heap memory, NUL-terminated (dy_free), with the tries of the
 * session.
 *
 *   name   what is asked for, for sentences
 *   post   a JSON body to send, or NULL for GET */
enum dylumo_status dy_get_text(struct dy_get *get, const struct dy_get_service *service,
                               const char *name, const char *url, const struct dy_secret *secret,
                               const char *post, char **text, struct dylumo_error *err) DY_MUST_USE;

/* text as a part of an address, everything but letters, digits and -._~/ escaped; heap, NULL
 * without memory. */
char *dy_get_escape(const char *text);

/* ------------------------------------------------------------------ hashes (get_hash.c) */

/* How a source names a file's contents. GIT is git's blob id, SHA-1 over a header with the size. */
enum dy_sum_kind { DY_SUM_NONE, DY_SUM_SHA256, DY_SUM_GIT, DY_SUM_MD5 };
struct dy_sum {
    enum dy_sum_kind kind;
    char hex[72]; /* lower case */
};
/* kind's sum of the file at path. */
enum dylumo_status dy_sum_of_file(struct dy_sum *sum, enum dy_sum_kind kind, const char *path,
                                  const struct dylumo_context *context,
                                  struct dylumo_error *err) DY_MUST_USE;

/* ------------------------------------------------------------------ one file
 * (get_file.c, get_disk.c) */

#define DY_GET_UNKNOWN UINT64_MAX

/* What is to be downloaded to where. */
struct dy_get_file {
    const char *name; /* for sentences and the progress bar */
    const char *url;
    const char *path;      /* where it is to appear */
    const char *part_path; /* where it grows; kept after a failure, taken up again by the next */
    const char *mark_path; /* where the validator of the part is kept (If-Range), so that another
                              process can take it up; NULL: only a part that the sum will judge */
    const char *lock_path; /* held while it is written; NULL: the caller holds one */
    uint64_t size;         /* DY_GET_UNKNOWN: what the server says */
    struct dy_sum sum;     /* kind NONE: what the server says (x-goog-hash), else only the size */
    const char *magic;     /* how it must begin, or NULL: a web page is refused in any case */
    const struct dy_secret *secret; /* or NULL */
    const struct dy_get_service *service;
};

/* Downloads unless path is there already; then returns at once.
 *
 * Fails    NETWORK (also for a wrong size, a wrong sum, a web page in the file's place), IO (disk
 *          full before or while), NO_PERMISSION, CANCELLED. path is either right or not there. */
enum dylumo_status dy_get_file(struct dy_get *get, const struct dy_get_file *file,
                               struct dylumo_error *err) DY_MUST_USE;

/* Says when the file system of path, which need not be there, has less room than bytes and a
 * little more. */
enum dylumo_status dy_get_room(const char *path, uint64_t bytes,
                               struct dylumo_error *err) DY_MUST_USE;
/* mkdir -p. */
enum dylumo_status dy_get_folders(const char *path, struct dylumo_error *err) DY_MUST_USE;
/* The same for all folders that path lies in. */
enum dylumo_status dy_get_folders_of(const char *path, struct dylumo_error *err) DY_MUST_USE;

/* A lock that other programs heed, too (flock); waits for its holder, and says so. */
enum dylumo_status dy_get_lock(int *lock, const char *path, const char *what,
                               const struct dylumo_context *context,
                               struct dylumo_error *err) DY_MUST_USE;
void dy_get_unlock(int *lock);

/* ------------------------------------------------------------------ Hugging Face
 * (get_hub.c, get_hub_list.c, get_hub_file.c) */

/* Where Hugging Face is and where its files lie here: $HF_ENDPOINT; $HF_HUB_CACHE, else
 * $HUGGINGFACE_HUB_CACHE, else hub/ in $HF_HOME, else in $XDG_CACHE_HOME/huggingface, else in
 * ~/.cache/huggingface; the token of $HF_TOKEN, else of the file $HF_TOKEN_PATH, else of token in
 * the home. All as huggingface_hub does it, so that both share one cache. */
struct dy_hub {
    char endpoint[512];
    char cache[2048];
    struct dy_secret *token; /* NULL: none */
};
enum dylumo_status dy_hub_open(struct dy_hub *hub, struct dylumo_error *err) DY_MUST_USE;
void dy_hub_close(struct dy_hub *hub);
/* $HF_HUB_OFFLINE or $TRANSFORMERS_OFFLINE is set to a word for true. */
bool dy_hub_wants_offline(void);

struct dy_hub_repo {
    const char *id; /* "openai/clip-vit-base-patch32" */
    bool dataset;   /* else a model */
    const char *revision;
};

struct dy_hub_entry {
    char *name;    /* "data/train-00000-of-00005.parquet" */
    uint64_t size; /* DY_GET_UNKNOWN: not told */
};

/* The files of a repository at one commit. */
struct dy_hub_list {
    char commit[64];
    struct dy_hub_entry *entries;
    size_t count, room;
};

/* From the service; offline, from the cache: what of the repository is here. */
enum dylumo_status dy_hub_list(struct dy_get *get, const struct dy_hub *hub,
                               const struct dy_hub_repo *repo, struct dy_hub_list *list,
                               struct dylumo_error *err) DY_MUST_USE;
void dy_hub_list_clear(struct dy_hub_list *list);
/* The list of a JSON answer; name is for sentences. */
enum dylumo_status dy_hub_list_parse(const char *json, const char *name, struct dy_hub_list *list,
                                     struct dylumo_error *err) DY_MUST_USE;

/* Sees to it that one file of the list is in the cache, and gives its path in the snapshot. */
enum dylumo_status dy_hub_file(struct dy_get *get, const struct dy_hub *hub,
                               const struct dy_hub_repo *repo, const char *commit, const char *name,
                               char *path, size_t path_size, struct dylumo_error *err) DY_MUST_USE;

/* ------------------------------------------------------------------ Kaggle
 * (get_kaggle.c, get_kaggle_login.c, get_kaggle_kernel.c) */

/* Where Kaggle is ($KAGGLE_API_ENDPOINT, as kagglehub reads it) and who asks. Credentials are
 * looked for as Kaggle's own tool does it: a token in $KAGGLE_API_TOKEN (or in the file that it
 * names),
 * ~/.kaggle/access_token, ~/.kaggle/access_token.txt; then user and key of $KAGGLE_USERNAME and
 * $KAGGLE_KEY, each before those of kaggle.json in $KAGGLE_CONFIG_DIR, else in ~/.kaggle where that
 * folder is there, else in $XDG_CONFIG_HOME/kaggle, else in ~/.config/kaggle. */
struct dy_kaggle {
    char endpoint[512];
    char user[128];           /* "" where it is not known yet */
    struct dy_secret *secret; /* NULL: none; public data sets need none */
    char source[4200];        /* which of the above, for people */
    bool readable;            /* source is a file that others on the machine can read */
};
enum dylumo_status dy_kaggle_open(struct dy_kaggle *kaggle, struct dylumo_error *err) DY_MUST_USE;
void dy_kaggle_close(struct dy_kaggle *kaggle);

/* Where dy_kaggle_store writes: kaggle.json of user and key, or access_token of a token. */
enum dylumo_status dy_kaggle_store(const char *user, const char *key_or_token, char *path,
                                   size_t path_size, struct dylumo_error *err) DY_MUST_USE;

/* Who the credentials belong to, asked where the user's name did not come with them; without
 * credentials NO_PERMISSION with what to do. */
enum dylumo_status dy_kaggle_user(struct dy_get *get, struct dy_kaggle *kaggle,
                                  struct dylumo_error *err) DY_MUST_USE;

/* A whole data set as one zip in our cache, $XDG_CACHE_HOME/dylumo/kaggle/OWNER/NAME/NAME.zip.
 *
 *   id      "amitanshjoshi/spotify-1million-tracks"
 *   again   also where it is here already */
enum dylumo_status dy_kaggle_dataset(struct dy_get *get, const struct dy_kaggle *kaggle,
                                     const char *id, bool again, char *path, size_t path_size,
                                     struct dylumo_error *err) DY_MUST_USE;

/* A script that Kaggle runs; the members are those of kernel-metadata.json. */
struct dy_kernel {
    const char *id;    /* "user/dylumo-train" */
    const char *title; /* of which Kaggle makes the second half of the id */
    const char *text;  /* Python */
    const char *code_file;
    bool is_private, enable_gpu, enable_internet;
    const char *const *datasets; /* [dataset_count] */
    size_t dataset_count;
};
/* kernel-metadata.json as Kaggle's tool reads it; heap, NULL without memory. */
char *dy_kernel_metadata(const struct dy_kernel *kernel);
/* Starts a new version; its page and number. */
struct dy_kernel_pushed {
    char url[512];
    int version;
};
enum dylumo_status dy_kernel_push(struct dy_get *get, const struct dy_kaggle *kaggle,
                                  const struct dy_kernel *kernel, struct dy_kernel_pushed *pushed,
                                  struct dylumo_error *err) DY_MUST_USE;

enum dy_kernel_state { DY_KERNEL_QUEUED, DY_KERNEL_RUNNING, DY_KERNEL_COMPLETE, DY_KERNEL_FAILED };
struct dy_kernel_status {
    enum dy_kernel_state state;
    char word[64];     /* Kaggle's own: "running" */
    char message[512]; /* of a failure, or "" */
};
enum dylumo_status dy_kernel_ask(struct dy_get *get, const struct dy_kaggle *kaggle, const char *id,
                                 struct dy_kernel_status *status,
                                 struct dylumo_error *err) DY_MUST_USE;

/* All that the last run left, into folder; names of files that would leave it are refused.
 *
 *   log   may be NULL; what the run printed, heap */
enum dylumo_status dy_kernel_output(struct dy_get *get, const struct dy_kaggle *kaggle,
                                    const char *id, const char *folder, size_t *count, char **log,
                                    struct dylumo_error *err) DY_MUST_USE;

/* What a training kernel of ours left in folder, with sizes and sums checked. */
struct dy_kernel_results {
    char mood[4096];  /* the mood file's path */
    char version[64]; /* "dylumo 0.1.0", that made it */
    bool beats_baselines;
};
/* Fails    BAD_FILE without a good results.json; MISMATCH for other sizes or sums than it tells. */
enum dylumo_status dy_kernel_results(const char *folder, struct dy_kernel_results *results,
                                     const struct dylumo_context *context,
                                     struct dylumo_error *err) DY_MUST_USE;

/* ------------------------------------------------------------------ things by name
 * (get_item.c, get_item_record.c, get_npm.c, get_tar.c) */

/* What `dylumo get` knows. */
struct dy_item {
    const char *name, *about;
    bool kaggle;    /* else Hugging Face, or npm where a file is named */
    bool dataset;   /* of Hugging Face; else a model */
    const char *id; /* "owner/name" there */
    const char *size, *licence, *page;
    /* Of Hugging Face: the files that are wanted, up to a NULL; "*" stands for any text, "a|b" for
     * the first of the two that is there. */
    const char *files[8];
    /* Of npm: the one file of the package "id", with what it must be. */
    struct {
        const char *name, *version, *sha256;
        uint64_t bytes;
    } file;
};
const struct dy_item *dy_item_at(size_t index); /* NULL past the end */
const struct dy_item *dy_item_named(const char *name);

/* The file of an item of npm's in our cache, $XDG_CACHE_HOME/dylumo/npm. (get_npm.c) */
enum dylumo_status dy_npm_file(struct dy_get *get, const struct dy_item *item, bool again,
                               char path[4096], struct dylumo_error *err) DY_MUST_USE;
/* One file out of a .tar.gz, whole or not at all. (get_tar.c)
 *
 *   member   its name in the archive, at most 100 bytes
 *
 * Fails    NOT_FOUND; BAD_FILE for another kind of file, a broken one, and one without member. */
enum dylumo_status dy_get_untar(const char *archive, const char *member, const char *output,
                                struct dylumo_error *err) DY_MUST_USE;

/* What was downloaded. */
struct dy_item_files {
    char version[128]; /* the commit; of Kaggle "" */
    char folder[4096]; /* that all of it lies in */
    char **paths;
    size_t count, room;
};
void dy_item_files_clear(struct dy_item_files *files);
uint64_t dy_item_bytes(const struct dy_item_files *files); /* of all of them */
enum dylumo_status dy_item_fetch(struct dy_get *get, const struct dy_item *item, bool again,
                                 struct dy_item_files *files, struct dylumo_error *err) DY_MUST_USE;

/* What was made of it, remembered in $XDG_DATA_HOME/dylumo/items/NAME.json. */
struct dy_item_record {
    char version[128];
    char made[4096]; /* the file or folder that is used; or what was downloaded */
    char time[32];   /* "2026-11-25T20:00:00Z" */
    uint64_t bytes;  /* downloaded */
    bool there;      /* made is still where it was */
};
/* false where it was never got, or the record can't be read. */
bool dy_item_recall(const struct dy_item *item, struct dy_item_record *record);
enum dylumo_status dy_item_remember(const struct dy_item *item, const struct dy_item_files *files,
                                    const char *made, struct dylumo_error *err) DY_MUST_USE;
/* $XDG_DATA_HOME/dylumo, which need not be there; false where no variable tells. */
bool dy_item_folder(char *folder, size_t size);
/* The same + "/" + name, its folder made. */
enum dylumo_status dy_item_place(const char *name, char *path, size_t size,
                                 struct dylumo_error *err) DY_MUST_USE;

#endif
