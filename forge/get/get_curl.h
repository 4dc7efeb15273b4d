/* libcurl and libcrypto as tables of functions, loaded when the first download begins.
 *
 * Linked in the usual way, libcurl brings 30 libraries (LDAP, Kerberos, SSH, TLS twice) into every
 * start of dylumo: an empty program starts in 0.8 ms without it and in 13 ms with it
 * (bench/get_libraries.sh), for commands that never touch the network; libcrypto alone costs
 * 1.6 ms. libcrypto is the one that libcurl loads anyway, and its SHA-256 uses the processor's
 * instructions: ten times libmd's speed. */
#ifndef GET_CURL_H
#define GET_CURL_H

#include "dy_base.h"

#include <curl/curl.h>
#include <openssl/evp.h>

#define GET_CURL_FUNCTIONS(X) \
    X(version)                \
    X(global_init)            \
    X(easy_init)              \
    X(easy_reset)             \
    X(easy_setopt)            \
    X(easy_perform)           \
    X(easy_getinfo)           \
    X(easy_strerror)          \
    X(easy_cleanup)           \
    X(free)                   \
    X(url)                    \
    X(url_set)                \
    X(url_get)                \
    X(url_cleanup)

struct get_curl {
#define GET_CURL_MEMBER(name) __typeof__(curl_##name) *name;
    GET_CURL_FUNCTIONS(GET_CURL_MEMBER)
#undef GET_CURL_MEMBER
};

#define GET_CRYPTO_FUNCTIONS(X) \
    X(MD_CTX_new)               \
    X(MD_CTX_free)              \
    X(DigestInit_ex)            \
    X(DigestUpdate)             \
    X(DigestFinal_ex)           \
    X(sha256)                   \
    X(sha1)                     \
    X(md5)

struct get_crypto {
#define GET_CRYPTO_MEMBER(name) __typeof__(EVP_##name) *name;
    GET_CRYPTO_FUNCTIONS(GET_CRYPTO_MEMBER)
#undef GET_CRYPTO_MEMBER
};

/* Fails    UNSUPPORTED: the library is not installed, or too old. */
enum dylumo_status get_curl_load(struct get_curl *curl, struct dylumo_error *err) DY_MUST_USE;
enum dylumo_status get_crypto_load(struct get_crypto *crypto, struct dylumo_error *err) DY_MUST_USE;

#endif
