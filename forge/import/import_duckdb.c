/* Finding and loading DuckDB's library. It is large (60 MB), not in Debian, and needed by few, so
 * it is no dependency: who has no Parquet never misses it. docs/parquet.md tells what else was
 * weighed.
 */
#include "import_duckdb.h"

#include "dy_import.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libduckdb.so"

/* ------------------------------------------------------------------ functions */

/* A function's address; ISO C has no cast from void * to it. */
static bool find_function(void *library, const char *name, void *member, size_t size)
{
    void *address = dlsym(library, name);
    _Static_assert(sizeof(void *) == sizeof(void (*)(void)), "POSIX promises it");
    memcpy(member, &address, size);
    return address != NULL;
}

/* NULL, or the first function that the library lacks. */
static const char *find_functions(struct import_duckdb *duckdb, void *library)
{
#define FIND(result, name, arguments)                                                    \
    if (!find_function(library, "duckdb_" #name, (void *)&duckdb->name, sizeof(void *))) \
        return "duckdb_" #name;
    IMPORT_DUCKDB_FUNCTIONS(FIND)
#undef FIND
    return NULL;
}

static enum dylumo_status load_from(struct import_duckdb *duckdb, const char *path,
                                    const char *what, struct dylumo_error *err)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return dy_fail(err, DYLUMO_BAD_FILE, "%s: DuckDB's library can't be loaded: %s", what,
                       dlerror());
    const char *missing = find_functions(duckdb, library);
    if (missing) {
        dlclose(library);
        return dy_fail(err, DYLUMO_BAD_FILE,
                       "%s: %s is no DuckDB library of version 1: it has no %s", what, path,
                       missing);
    }
    snprintf(duckdb->path, sizeof duckdb->path, "%s", path);
    return DYLUMO_OK;
}

/* ------------------------------------------------------------------ places */

static void data_folder(char *folder, size_t size)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (data && data[0] == '/')
        snprintf(folder, size, "%s/dylumo", data);
    else
        snprintf(folder, size, "%s/.local/share/dylumo", home && home[0] == '/' ? home : "");
}

enum dylumo_status import_duckdb_load(struct import_duckdb *duckdb, const char *what,
                                      struct dylumo_error *err)
{
    const char *named = getenv("DYLUMO_DUCKDB");
    char folder[900], path[1024];
    if (named && *named)
        return load_from(duckdb, named, what, err);
    data_folder(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/" LIBRARY, folder);
    if (!access(path, F_OK))
        return load_from(duckdb, path, what, err);
    if (!load_from(duckdb, LIBRARY, what, NULL))
        return DYLUMO_OK;
    return dy_fail(err, DYLUMO_UNSUPPORTED,
                   "%s: Parquet is read through DuckDB's library, which is not here: "
                   "'dylumo get duckdb' gets it; or put %s (duckdb.org/install, C/C++) into %s, or "
                   "name it in $DYLUMO_DUCKDB",
                   what, LIBRARY, folder);
}

enum dylumo_status dy_import_duckdb(char *path, size_t path_size, char *version,
                                    size_t version_size, struct dylumo_error *err)
{
    struct import_duckdb duckdb;
    enum dylumo_status st = import_duckdb_load(&duckdb, LIBRARY, err);
    if (st)
        return st;
    snprintf(path, path_size, "%s", duckdb.path);
    snprintf(version, version_size, "%s", duckdb.library_version());
    return DYLUMO_OK;
}
