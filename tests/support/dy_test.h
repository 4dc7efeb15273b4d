/* What the tests share: cmocka, temporary folders, the n-th allocation failing, places of data. */
#ifndef DY_TEST_H
#define DY_TEST_H

#include "dy_base.h"

/* cmocka wants these four before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

/* Fails the test and prints err's sentence when status is not OK. */
#define assert_ok(call)                                                \
    do {                                                               \
        enum dylumo_status status_ = (call);                           \
        if (status_)                                                   \
            fail_msg("%s: %s", dylumo_status_name(status_), err.text); \
    } while (0)

/* Status and a piece of the sentence; needs a `struct dylumo_error err` in scope. */
#define assert_fails(call, wanted_status, wanted_text)                               \
    do {                                                                             \
        err.text[0] = '\0';                                                          \
        assert_int_equal((call), (wanted_status));                                   \
        if (!strstr(err.text, (wanted_text)))                                        \
            fail_msg("said \"%s\", expected \"%s\" in it", err.text, (wanted_text)); \
    } while (0)

/* A fresh folder under $TMPDIR or /tmp; removed with all in it by test_folder_remove. */
char *test_folder_new(void);
void test_folder_remove(char *folder);

/* The same as a test's or a group's setup and teardown: *state is the folder. */
int test_folder_setup(void **state);
int test_folder_teardown(void **state);

/* Of two vectors, in double. */
double test_cosine(const float *a, const float *b, size_t count);
/* folder/name in a static ring of 8 buffers. */
const char *test_path(const char *folder, const char *name);
void test_write_file(const char *path, const void *data, size_t size);

/* tests/data/NAME, the repository's NAME, and shared/data/NAME beside the repository; the last is
 * NULL where it is not there: then skip aloud. Static ring of 8 buffers. */
const char *test_data(const char *name);
const char *test_repository(const char *name);
const char *test_shared(const char *name);

/* Allocations of ours (dy_mem_*): the n-th from now fails (1 is the next), 0 turns it off; count
 * counts since the last set. A test links them by naming 'alloc': true in tests/meson.build. */
void test_alloc_fail_at(size_t n);
size_t test_alloc_count(void);

/* Runs body with the 1st, 2nd, ... allocation failing until it runs through: every failing run must
 * return NO_MEMORY. body returns the status and gives back all it made. */
void test_every_allocation(enum dylumo_status (*body)(void *user), void *user);

#endif
