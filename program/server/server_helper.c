/* Both ends of the helper's socket: the helper's main, and what starts it, asks it and notices that
 * it died. Nothing that comes back is trusted: a helper that a picture has taken over can answer
 * wrong pixels, and no more. */
#include "server_helper.h"
#include "dy_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SEND_SECONDS 10

/* ------------------------------------------------------------------ the socket */

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Waits until the socket is ready for events; seconds < 0 waits for good. */
static bool wait_for(int socket, short events, double until)
{
    for (;;) {
        double left = until < 0 ? -1 : until - now_seconds();
        if (until >= 0 && left <= 0)
            return false;
        struct pollfd one = {socket, events, 0};
        int ready = poll(&one, 1, until < 0 ? -1 : (int)(left * 1e3) + 1);
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return false;
    }
}

bool helper_send(int socket, const void *bytes, size_t size, int seconds)
{
    const uint8_t *at = bytes;
    double until = seconds < 0 ? -1 : now_seconds() + seconds;
    while (size) {
        ssize_t sent = send(socket, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            at += sent;
            size -= (size_t)sent;
        } else if ((errno != EAGAIN && errno != EINTR) || !wait_for(socket, POLLOUT, until)) {
            return false;
        }
    }
    return true;
}

bool helper_receive(int socket, void *bytes, size_t size, int seconds)
{
    uint8_t *at = bytes;
    double until = seconds < 0 ? -1 : now_seconds() + seconds;
    while (size) {
        if (!wait_for(socket, POLLIN, until))
            return false;
        ssize_t got = recv(socket, at, size, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        at += got > 0 ? got : 0;
        size -= got > 0 ? (size_t)got : 0;
    }
    return true;
}

/* ------------------------------------------------------------------ the helper's side */

static bool view_fits(const struct dylumo_view *view)
{
    size_t pixels;
    return view->width && view->height && dy_size_mul(view->width, view->height, &pixels) &&
           pixels <= HELPER_PIXELS_MAX / 3;
}

/* One question; false when there are no more. */
static bool answer_one(uint8_t *pixels)
{
    struct helper_question question;
    if (!helper_receive(STDIN_FILENO, &question, sizeof question, -1) ||
        question.magic != HELPER_MAGIC || !view_fits(&question.view))
        return false;
    uint8_t *bytes = dy_mem_aligned(question.size + 1);
    if (!bytes || !helper_receive(STDIN_FILENO, bytes, question.size, -1))
        return false;
    struct dylumo_context context = DYLUMO_CONTEXT_INIT;
    context.threads = 1;
    context.max_picture_bytes = UINT64_MAX; /* the server has looked at that */
    context.max_pixels = question.max_pixels;
    struct helper_answer answer = {.magic = HELPER_MAGIC, .picture = DYLUMO_PICTURE_INIT};
    struct dylumo_error err = {0};
    answer.status =
        (uint32_t)dylumo_decode(bytes, question.size, "picture", &question.view,
                                question.exact != 0, &context, pixels, &answer.picture, &err);
    dy_free(bytes);
    memcpy(answer.text, err.text, sizeof answer.text);
    size_t size = (size_t)question.view.width * question.view.height * 3;
    return helper_send(STDIN_FILENO, &answer, sizeof answer, -1) &&
           (answer.status || helper_send(STDIN_FILENO, pixels, size, -1));
}

/* Codecs that are loaded when first needed must be there before the cage closes: a picture of their
 * kind with nothing in it makes that happen. */
static void load_codecs(uint8_t *pixels)
{
    static const char *const kinds[] = {"heic", "avif"};
    const struct dylumo_view view = {sizeof view, 1, 1, 0};
    for (size_t i = 0; i < DY_COUNT(kinds); i++) {
        uint8_t empty[24] = "\0\0\0\x18"
                            "ftyp????\0\0\0\0mif1????";
        struct dylumo_error err;
        memcpy(empty + 8, kinds[i], 4);
        memcpy(empty + 20, kinds[i], 4);
        if (dylumo_decode(empty, sizeof empty, "", &view, 0, NULL, pixels, NULL, &err))
            continue; /* of course */
    }
}

int dy_server_helper(void)
{
    struct dylumo_error err;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close_range(1, ~0U, 0);
    uint8_t *pixels = dy_mem_aligned(HELPER_PIXELS_MAX);
    if (!pixels)
        return 1;
    load_codecs(pixels);
    if (server_cage(&err))
        return 1;
    while (answer_one(pixels))
        continue;
    _exit(0);
}

/* ------------------------------------------------------------------ the server's side */

/* The few variables that the program needs to start: what else stands there is not the helper's. */
static void helper_environment(char *environment[8])
{
    static const char *const names[] = {
        "LD_LIBRARY_PATH=", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS=", "LSAN_OPTIONS="};
    size_t count = 0;
    for (char **variable = environ; *variable; variable++)
        for (size_t i = 0; i < DY_COUNT(names) && count < 7; i++)
            if (!strncmp(*variable, names[i], strlen(names[i])))
                environment[count++] = *variable;
    environment[count] = NULL;
}

static int spawn(pid_t *pid, int socket)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGTERM);
    sigaddset(&usual, SIGINT);
    sigaddset(&usual, SIGHUP);
    if (posix_spawn_file_actions_init(&files))
        return ENOMEM;
    if (posix_spawnattr_init(&attributes)) {
        posix_spawn_file_actions_destroy(&files);
        return ENOMEM;
    }
    posix_spawn_file_actions_adddup2(&files, socket, STDIN_FILENO);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    /* a group of its own, so that Ctrl-C on a terminal is the server's alone */
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    char *arguments[] = {"dylumo", DY_SERVER_HELPER, NULL};
    char *environment[8];
    helper_environment(environment);
    int problem = posix_spawn(pid, "/proc/self/exe", &files, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return problem;
}

/* An idle helper has nothing to say: whatever can be read is its end. */
static bool alive(const struct server_helper *helper)
{
    struct pollfd one = {helper->socket, POLLIN, 0};
    return helper->socket >= 0 && !poll(&one, 1, 0);
}

static enum dylumo_status start(struct server_helper *helper, struct dylumo_error *err)
{
    if (alive(helper))
        return DYLUMO_OK;
    if (helper->socket >= 0)
        server_count(helper->metrics, COUNT_HELPER_DEATHS);
    server_helper_stop(helper);
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return dy_fail_errno(err, errno, "decoder's helper", "cannot make its socket");
    pid_t pid = 0;
    int problem = spawn(&pid, ends[1]);
    close(ends[1]);
    if (problem) {
        close(ends[0]);
        return dy_fail_errno(err, problem, "decoder's helper", "cannot start");
    }
    helper->pid = pid;
    helper->socket = ends[0];
    return DYLUMO_OK;
}

void server_helper_stop(struct server_helper *helper)
{
    if (helper->socket >= 0)
        close(helper->socket);
    if (helper->pid > 0) {
        kill(helper->pid, SIGKILL);
        while (waitpid(helper->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    helper->pid = 0;
    helper->socket = -1;
}

/* Passes on the helper's own refusal, as far as it is one that a picture can earn. */
static enum dylumo_status refusal(struct helper_answer *answer, struct dylumo_error *err)
{
    answer->text[sizeof answer->text - 1] = '\0';
    enum dylumo_status st = (enum dylumo_status)answer->status;
    if (st != DYLUMO_TOO_LARGE && st != DYLUMO_UNSUPPORTED && st != DYLUMO_NO_MEMORY)
        st = DYLUMO_BAD_PICTURE;
    return dy_fail(err, st, "%s", answer->text);
}

enum dylumo_status server_helper_decode(struct server_helper *helper, const void *bytes,
                                        size_t size, const char *name,
                                        const struct dylumo_view *view, bool exact,
                                        uint64_t max_pixels, uint8_t *pixels,
                                        struct dylumo_picture *picture, struct dylumo_error *err)
{
    if (!view_fits(view))
        return dy_fail(err, DYLUMO_UNSUPPORTED, "the encoder wants %u x %u pixels", view->width,
                       view->height);
    enum dylumo_status st = start(helper, err);
    if (st)
        return st;
    const struct helper_question question = {HELPER_MAGIC, exact, size, max_pixels, *view};
    struct helper_answer answer;
    bool good = helper_send(helper->socket, &question, sizeof question, SEND_SECONDS) &&
                helper_send(helper->socket, bytes, size, SEND_SECONDS) &&
                helper_receive(helper->socket, &answer, sizeof answer, helper->seconds) &&
                answer.magic == HELPER_MAGIC;
    if (good && answer.status)
        return refusal(&answer, err);
    good = good && helper_receive(helper->socket, pixels, (size_t)view->width * view->height * 3,
                                  helper->seconds);
    if (!good) {
        server_helper_stop(helper);
        server_count(helper->metrics, COUNT_HELPER_DEATHS);
        return dy_fail(err, DYLUMO_BAD_PICTURE, "%s: could not be decoded safely", name);
    }
    *picture = answer.picture;
    picture->struct_size = sizeof *picture;
    picture->type[sizeof picture->type - 1] = '\0';
    return DYLUMO_OK;
}
