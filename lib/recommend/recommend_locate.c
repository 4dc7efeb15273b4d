/* Where the parts lie. One order for every part: the caller's word, the environment, the user's
 * data folder, the system's, then share/dylumo beside the running program or library, which is both
 * the installed place and the build tree's. No path of the building machine is compiled in. */
#include "recommend_internal.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENCODER_NAME_MAX 40

static const struct {
    const char *name, *variable, *file;
} parts[] = {
    [RECOMMEND_ENCODER] = {"encoder", "DYLUMO_ENCODER", "lite2.safetensors"},
    [RECOMMEND_MOOD] = {"mood", "DYLUMO_MOOD", "lite2-mood.safetensors"},
    [RECOMMEND_SONGS] = {"songs", "DYLUMO_SONGS", "songs.dylumo"},
};

/* A search under way: the place found, and the places tried for the sentence when none is. */
struct search {
    const char *file;
    char *path;
    size_t size;
    bool found;
    char tried[800];
};

static void try_folder(struct search *search, const char *folder, const char *below)
{
    if (search->found)
        return;
    int length = snprintf(search->path, search->size, "%s%s/%s", folder, below, search->file);
    if (length < 0 || (size_t)length >= search->size)
        return;
    if (!access(search->path, F_OK)) {
        search->found = true;
        return;
    }
    char place[1024];
    snprintf(place, sizeof place, "%s%s", folder, below);
    size_t used = strlen(search->tried);
    if (!strstr(search->tried, place)) /* a program with the library in it is looked beside twice */
        snprintf(search->tried + used, sizeof search->tried - used, "%s%s", used ? ", " : "",
                 place);
}

static void try_user_folder(struct search *search)
{
    const char *data = getenv("XDG_DATA_HOME");
    if (data && data[0] == '/') {
        try_folder(search, data, "/dylumo");
        return;
    }
    const char *home = getenv("HOME");
    if (home && home[0] == '/')
        try_folder(search, home, "/.local/share/dylumo");
}

static void try_system_folders(struct search *search)
{
    const char *folders = getenv("XDG_DATA_DIRS");
    if (!folders || !*folders)
        folders = "/usr/local/share:/usr/share";
    while (*folders) {
        size_t length = strcspn(folders, ":");
        char folder[512];
        if (length && length < sizeof folder && folders[0] == '/') {
            memcpy(folder, folders, length);
            folder[length] = '\0';
            try_folder(search, folder, "/dylumo");
        }
        folders += length + (folders[length] == ':');
    }
}

/* folder: of a program or library; its share/dylumo may lie there (build tree), one up (bin/) or
 * two up (lib/x86_64-linux-gnu/). */
static void try_beside(struct search *search, char *binary)
{
    char *slash = strrchr(binary, '/');
    if (!slash)
        return;
    for (int up = 0; up < 3 && slash && slash != binary; up++) {
        *slash = '\0';
        try_folder(search, binary, "/share/dylumo");
        slash = strrchr(binary, '/');
    }
}

static void try_program_and_library(struct search *search)
{
    char binary[1024];
    ssize_t length = readlink("/proc/self/exe", binary, sizeof binary - 1);
    if (length > 0) {
        binary[length] = '\0';
        try_beside(search, binary);
    }
    Dl_info library;
    if (search->found || !dladdr((const void *)(uintptr_t)dylumo_version, &library))
        return;
    char *full = library.dli_fname ? realpath(library.dli_fname, NULL) : NULL;
    if (full)
        try_beside(search, full);
    free(full);
}

/* file, of a part, in the places. */
static enum dylumo_status find_file(enum recommend_part part, const char *file, char *path,
                                    size_t size, struct dylumo_error *err)
{
    struct search search = {.file = file, .path = path, .size = size};
    try_user_folder(&search);
    try_system_folders(&search);
    try_program_and_library(&search);
    if (search.found)
        return DYLUMO_OK;
    return dy_fail(err, DYLUMO_NOT_FOUND,
                   "%s: no such %s file in %s; name it with a flag or in $%s", file,
                   parts[part].name, search.tried, parts[part].variable);
}

/* "clip-vit-b-32": the name of an encoder, and no file that is there. */
static bool is_encoder_name(enum recommend_part part, const char *named)
{
    size_t length = strlen(named);
    return part == RECOMMEND_ENCODER && length <= ENCODER_NAME_MAX && named[0] >= 'a' &&
           named[0] <= 'z' && strspn(named, "abcdefghijklmnopqrstuvwxyz0123456789.-") == length &&
           access(named, F_OK) != 0;
}

enum dylumo_status recommend_locate(enum recommend_part part, const char *given, char *path,
                                    size_t size, struct dylumo_error *err)
{
    const char *named = given ? given : getenv(parts[part].variable);
    if (!named || !*named)
        return find_file(part, parts[part].file, path, size, err);
    if (is_encoder_name(part, named)) {
        char file[ENCODER_NAME_MAX + sizeof ".safetensors"];
        snprintf(file, sizeof file, "%s.safetensors", named);
        return find_file(part, file, path, size, err);
    }
    if (strlen(named) >= size)
        return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                       "the path of the %s file is %zu bytes long, "
                       "at most %zu are allowed",
                       parts[part].name, strlen(named), size - 1);
    memcpy(path, named, strlen(named) + 1);
    return DYLUMO_OK;
}

enum dylumo_status recommend_locate_mood(const char *given, const char *encoder_path, char *path,
                                         size_t size, struct dylumo_error *err)
{
    struct dy_safetensors *file = NULL;
    char mood[ENCODER_NAME_MAX + sizeof "-mood.safetensors"] = "";
    const char *named = given ? given : getenv(parts[RECOMMEND_MOOD].variable);
    if ((named && *named) || dy_safetensors_open(&file, encoder_path, NULL))
        return recommend_locate(RECOMMEND_MOOD, given, path, size,
                                err); /* open says what is wrong */
    const char *name = dy_safetensors_metadata(file, "dylumo.encoder");
    if (name && strlen(name) <= ENCODER_NAME_MAX && !strchr(name, '/'))
        snprintf(mood, sizeof mood, "%s-mood.safetensors", name);
    dy_safetensors_close(file);
    enum dylumo_status st =
        find_file(RECOMMEND_MOOD, *mood ? mood : parts[RECOMMEND_MOOD].file, path, size, err);
    if (st && *mood && err) {
        size_t used = strlen(err->text);
        snprintf(err->text + used, sizeof err->text - used,
                 ", or train one on pictures of yours: dylumo train --encoder %s", encoder_path);
    }
    return st;
}

enum dylumo_status dylumo_find(const char *part, const char *given, char *path, size_t size,
                               struct dylumo_error *err)
{
    for (size_t i = 0; i < DY_COUNT(parts); i++)
        if (part && !strcmp(part, parts[i].name))
            return recommend_locate((enum recommend_part)i, given, path, size, err);
    return dy_fail(err, DYLUMO_BAD_ARGUMENT,
                   "there is no part '%s'; the parts are encoder, mood and songs",
                   part ? part : "");
}

enum dylumo_status dylumo_locate(const char *part, char *path, size_t size,
                                 struct dylumo_error *err)
{
    return dylumo_find(part, NULL, path, size, err);
}
