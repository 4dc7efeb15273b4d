/* dylumo serve: reads how to listen and within which limits, then hands over to the server. Its log
 * goes to standard error, one line a request, each with the time in UTC. */
#include "dy_program.h"
#include "dy_server.h"

#include <string.h>
#include <time.h>

#define ORIGINS_MAX 8

enum option_id {
    LISTEN = 'l',
    SONGS = 's',
    ENCODER = 256,
    MOOD_FILE,
    PRECISION,
    WORKERS,
    QUEUE,
    CONNECTIONS,
    MAX_BYTES,
    MAX_PIXELS,
    HEAD_SECONDS,
    RECEIVE_SECONDS,
    SEND_SECONDS,
    DECODE_SECONDS,
    STOP_SECONDS,
    RATE,
    FORWARDED,
    TOKEN_FILE,
    NO_TOKEN,
    TLS_CERTIFICATE,
    TLS_KEY,
    CORS
};

static const struct program_option options[] = {
    {"listen", LISTEN, "HOST:PORT", "where (127.0.0.1:8080); port 0 is any free one"},
    {"songs", SONGS, "FILE", "the catalogue, as `dylumo import` makes it"},
    {"encoder", ENCODER, "FILE", "the encoder's weights"},
    {"mood-file", MOOD_FILE, "FILE", "the mood's weights"},
    {"precision", PRECISION, "WORD", "auto, f32, bf16 or int8 (auto)"},
    {"token-file", TOKEN_FILE, "FILE",
     "whoever asks must say the token in FILE;\n"
     "beyond loopback this is a must, or"},
    {"no-token", NO_TOKEN, NULL, "anyone may ask"},
    {"tls-cert", TLS_CERTIFICATE, "FILE", "speak HTTPS with this certificate (PEM)"},
    {"tls-key", TLS_KEY, "FILE", "and its key"},
    {"cors", CORS, "ORIGIN", "pages from there may ask (may be repeated)"},
    {"rate", RATE, "X", "requests a second of one address (0: any)"},
    {"forwarded", FORWARDED, NULL, "a proxy in front tells addresses by\nX-Forwarded-For"},
    {"workers", WORKERS, "N", "requests worked on at once (one a core)"},
    {"queue", QUEUE, "N", "requests that may wait (128)"},
    {"connections", CONNECTIONS, "N", "open at once (512)"},
    {"max-bytes", MAX_BYTES, "SIZE", "refuse larger requests (20M)"},
    {"max-pixels", MAX_PIXELS, "N", "refuse larger pictures (100000000)"},
    {"head-seconds", HEAD_SECONDS, "N", "to send a head, or to stay idle (30)"},
    {"receive-seconds", RECEIVE_SECONDS, "N", "to send a body (60)"},
    {"send-seconds", SEND_SECONDS, "N", "to take an answer (60)"},
    {"decode-seconds", DECODE_SECONDS, "N", "for one picture's decoding (20)"},
    {"stop-seconds", STOP_SECONDS, "N", "for what runs when told to stop (30)"},
};

static const struct program_usage usage = {
    "serve",
    "",
    "Answers over HTTP, with a page for the browser. docs/http-api.md tells the\n"
    "interface. SIGTERM finishes what runs; SIGHUP opens the files again.",
    options,
    DY_COUNT(options),
    "Example: dylumo serve --listen 127.0.0.1:8080"};

struct request {
    struct dy_server_options server;
    struct dylumo_context context;
    const char *origins[ORIGINS_MAX];
};

static void say(const char *text)
{
    char when[32];
    struct tm parts;
    time_t now = time(NULL);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
    fprintf(stderr, "%s %s\n", when, text);
}

static void take_count(struct program_arguments *args, uint64_t max, unsigned *count)
{
    uint64_t number;
    if (program_whole(args, 1, max, &number))
        *count = (unsigned)number;
}

/* Which files, and how they are run. */
static bool take_file_option(struct program_arguments *args, struct request *request, int option)
{
    struct dylumo_options *open = &request->server.open;
    if (option == SONGS)
        open->songs_path = args->value;
    else if (option == ENCODER)
        open->encoder_path = args->value;
    else if (option == MOOD_FILE)
        open->mood_path = args->value;
    else if (option == PRECISION)
        open->precision = args->value;
    else if (option == TOKEN_FILE)
        request->server.token_file = args->value;
    else if (option == TLS_CERTIFICATE)
        request->server.tls_certificate = args->value;
    else if (option == TLS_KEY)
        request->server.tls_key = args->value;
    else
        return false;
    return true;
}

static void take_limit(struct program_arguments *args, struct dy_server_options *server, int option)
{
    switch (option) {
    case WORKERS:
        take_count(args, 256, &server->workers);
        break;
    case QUEUE:
        take_count(args, 100000, &server->queue);
        break;
    case CONNECTIONS:
        take_count(args, 100000, &server->connections);
        break;
    case MAX_BYTES:
        program_bytes(args, UINT64_C(1) << 30, &server->max_body_bytes);
        break;
    case MAX_PIXELS:
        program_whole(args, 1, UINT32_MAX, &server->max_pixels);
        break;
    case HEAD_SECONDS:
        take_count(args, 3600, &server->head_seconds);
        break;
    case RECEIVE_SECONDS:
        take_count(args, 3600, &server->receive_seconds);
        break;
    case SEND_SECONDS:
        take_count(args, 3600, &server->send_seconds);
        break;
    case DECODE_SECONDS:
        take_count(args, 3600, &server->decode_seconds);
        break;
    case STOP_SECONDS:
        take_count(args, 3600, &server->stop_seconds);
        break;
    case RATE:
        program_real(args, 0, 1e6, &server->rate);
        break;
    default:
        break;
    }
}

static void take_option(struct program_arguments *args, struct request *request, int option)
{
    struct dy_server_options *server = &request->server;
    if (option == LISTEN)
        server->listen = args->value;
    else if (option == NO_TOKEN)
        server->no_token = true;
    else if (option == FORWARDED)
        server->forwarded = true;
    else if (option == CORS && server->origin_count == ORIGINS_MAX)
        program_bad_option(args, "takes at most %d origins", ORIGINS_MAX);
    else if (option == CORS)
        request->origins[server->origin_count++] = args->value;
    else if (!take_file_option(args, request, option))
        take_limit(args, server, option);
}

static int serve(struct request *request)
{
    struct dy_server_options *server = &request->server;
    struct dylumo_error err;
    if (!server->tls_certificate != !server->tls_key)
        return program_usage_error("serve", "--tls-cert and --tls-key belong together");
    server->burst = server->rate < 10 ? 20 : 2 * server->rate;
    if (dy_server_run(server, &err)) {
        program_say("%s", err.text);
        return program_exit_code(err.status);
    }
    return PROGRAM_OK;
}

int command_serve(int argc, char **argv)
{
    struct request request = {
        .server = {.listen = "127.0.0.1:8080",
                   .open = DYLUMO_OPTIONS_INIT,
                   .queue = 128,
                   .connections = 512,
                   .max_body_bytes = 20 << 20,
                   .max_waiting_bytes = 256 << 20,
                   .max_pixels = 100000000,
                   .head_seconds = 30,
                   .receive_seconds = 60,
                   .send_seconds = 60,
                   .decode_seconds = 20,
                   .stop_seconds = 30,
                   .say = say},
        .context = DYLUMO_CONTEXT_INIT,
    };
    request.server.open.context = &request.context;
    request.server.origins = request.origins;
    struct program_arguments args = program_arguments_of(&usage, argc, argv);
    int option;
    while ((option = program_next(&args)) != PROGRAM_END)
        take_option(&args, &request, option);
    if (args.stop || program_expect_names(&args, 0, 0))
        return args.exit_code;
    return serve(&request);
}
