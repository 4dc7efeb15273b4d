/* The page and other files that the server hands out, built into the binary by tools/embed.py. */
#ifndef SERVER_WEB_H
#define SERVER_WEB_H

#include <stddef.h>

struct server_file {
    const char *path;           /* "/app.js"; "/" too for index.html */
    const char *type;           /* "text/html; charset=utf-8" */
    const char *etag;           /* 16 hexadecimal digits, without quotes */
    const unsigned char *plain; /* [plain_size] */
    size_t plain_size;
    const unsigned char *gzip; /* [gzip_size], the same packed; NULL where that is no smaller */
    size_t gzip_size;
};

extern const struct server_file server_files[]; /* [server_file_count] */
extern const size_t server_file_count;

#endif
