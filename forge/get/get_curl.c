/* Loads libcurl and libcrypto. They stay loaded to the end: both have handlers that run at exit. */
#include "get_curl.h"

#include <dlfcn.h>
#include <string.h>

static enum dylumo_status open_library(void **library, const char *name, const char *package,
                                       struct dylumo_error *err)
{
    *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (*library)
        return DYLUMO_OK;
    return dy_fail(err, DYLUMO_UNSUPPORTED,
                   "%s: cannot be loaded, and downloads need it: install the package %s", name,
                   package);
}

/* into: the address of a pointer to a function. */
static enum dylumo_status find(void *library, const char *name, void *into,
                               struct dylumo_error *err)
{
    void *symbol = dlsym(library, name);
    if (!symbol)
        return dy_fail(err, DYLUMO_UNSUPPORTED, "%s is not in the library at hand: it is too old",
                       name);
    memcpy(into, &symbol, sizeof symbol);
    return DYLUMO_OK;
}

enum dylumo_status get_curl_load(struct get_curl *curl, struct dylumo_error *err)
{
    void *library;
    enum dylumo_status st = open_library(&library, "libcurl.so.4", "libcurl4", err);
#define GET_CURL_FIND(name) \
    if (!st)                \
        st = find(library, "curl_" #name, &curl->name, err);
    GET_CURL_FUNCTIONS(GET_CURL_FIND)
#undef GET_CURL_FIND
    if (!st && curl->global_init(CURL_GLOBAL_DEFAULT))
        st = dy_fail(err, DYLUMO_UNSUPPORTED, "libcurl does not start");
    return st;
}

enum dylumo_status get_crypto_load(struct get_crypto *crypto, struct dylumo_error *err)
{
    void *library;
    enum dylumo_status st = open_library(&library, "libcrypto.so.3", "libssl3", err);
#define GET_CRYPTO_FIND(name) \
    if (!st)                  \
        st = find(library, "EVP_" #name, &crypto->name, err);
    GET_CRYPTO_FUNCTIONS(GET_CRYPTO_FIND)
#undef GET_CRYPTO_FIND
    return st;
}
