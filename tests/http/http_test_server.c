/*
 * A server for the transport's tests: handlers that answer at once, later from another thread in
 * any order, from the pool, with large answers, or too early. It prints its port on stdout, one
 * line, and stops at SIGTERM; its exit code says whether everything added up.
 *
 * Usage: http_test_server [name=value]..., names as in http_limits and below.
 */
#include "base/assert.h"
#include "base/random.h"
#include "interfaces/http/http_exchange.h"
#include "interfaces/http/http_problem.h"
#include "interfaces/http/http_server.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { DELAYED_MAX = 65536, BODY_MAX = 1 << 20, LARGE_MAX = 1 << 28 };

struct test_options {
    struct http_limits limits;
    unsigned loops;
    unsigned port;
    unsigned drain_ms;
    char host[64];
    char cert[1024]; /* TLS with these; SIGHUP reads them again */
    char key[1024];
};

/* Requests that wait for the other thread, answered in random order. */
struct delayed {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t thread;
    struct http_server *server;
    struct http_completion items[DELAYED_MAX];
    size_t count;
    bool ends;
};

static struct test_options options;
static struct delayed delayed = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                                 .changed = PTHREAD_COND_INITIALIZER};
static atomic_uint handled;    /* requests that reached handle */
static atomic_uint marks;      /* requests of /mark: must not run behind a bad one */
static atomic_uint gone;       /* completions whose exchange was gone */
static atomic_uint completed;  /* completions that came at all */
static atomic_uint delayed_in; /* and how many were asked for */

static void respond_text(struct http_exchange *exchange, int status, struct str text)
{
    http_exchange_respond(
        exchange,
        &(struct http_response){.status = status, .content_type = STR("text/plain"), .body = text});
}

static void respond_large(struct http_exchange *exchange, size_t len)
{
    char *text = malloc(len + 1);
    ASSERT(text != NULL);
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)('a' + i % 26);
    }
    respond_text(exchange, 200, (struct str){text, len});
    free(text);
}

static unsigned number_of(struct str text)
{
    unsigned long long value = 0;
    return str_parse_u64(text, LARGE_MAX, &value) ? (unsigned)value : 0;
}

/* --- later, from another thread --- */

static void delayed_run(struct http_exchange *exchange, const struct http_completion *completion)
{
    char *text = completion->data;
    atomic_fetch_add(&completed, 1);
    if (exchange == NULL) {
        atomic_fetch_add(&gone, 1);
    } else {
        respond_text(exchange, 200, str_from(text));
    }
    free(text);
}

static void delayed_large_run(struct http_exchange *exchange,
                              const struct http_completion *completion)
{
    char *text = completion->data;
    atomic_fetch_add(&completed, 1);
    if (exchange == NULL) {
        atomic_fetch_add(&gone, 1);
    } else {
        respond_large(exchange, number_of(str_from(text)));
    }
    free(text);
}

static bool delayed_add(struct http_exchange *exchange, struct str text,
                        http_completion_function *run)
{
    char *copy = calloc(1, text.len + 1);
    ASSERT(copy != NULL);
    memcpy(copy, text.data, text.len);
    pthread_mutex_lock(&delayed.mutex);
    bool room = delayed.count < DELAYED_MAX;
    if (room) {
        delayed.items[delayed.count] = (struct http_completion){
            .ticket = http_exchange_ticket(exchange), .run = run, .data = copy};
        delayed.count++;
        atomic_fetch_add(&delayed_in, 1);
        pthread_cond_signal(&delayed.changed);
    }
    pthread_mutex_unlock(&delayed.mutex);
    if (!room) {
        free(copy);
    }
    return room;
}

static void *delayed_main(void *context)
{
    (void)context;
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 1);
    for (bool ends = false; !ends;) {
        struct http_completion taken = {0};
        pthread_mutex_lock(&delayed.mutex);
        while (delayed.count == 0 && !delayed.ends) {
            pthread_cond_wait(&delayed.changed, &delayed.mutex);
        }
        size_t count = delayed.count;
        ends = count == 0;
        if (count > 0) {
            size_t chosen = (size_t)random_below(&random, count);
            taken = delayed.items[chosen];
            delayed.items[chosen] = delayed.items[count - 1];
            delayed.count--;
        }
        pthread_mutex_unlock(&delayed.mutex);
        if (count > 0) {
            http_server_complete(delayed.server, &taken, 1);
        }
    }
    return NULL;
}

/* --- the pool --- */

struct work {
    unsigned milliseconds;
    unsigned result;
};

static void work_run(void *data)
{
    struct work *work = data;
    nanosleep(&(struct timespec){.tv_nsec = (long)work->milliseconds * 1000000}, NULL);
    work->result = work->milliseconds * 2;
}

static void work_done(struct http_exchange *exchange, void *data)
{
    struct work *work = data;
    if (exchange == NULL) {
        atomic_fetch_add(&gone, 1);
    } else {
        char text[32];
        int len = snprintf(text, sizeof text, "%u", work->result);
        respond_text(exchange, 200, (struct str){text, (size_t)len});
    }
    free(work);
}

/* --- what the paths do --- */

static void answer_echo(struct http_exchange *exchange)
{
    const struct http_request *request = http_exchange_request(exchange);
    ASSERT(request->body == NULL ||
           memcmp(request->body + request->body_len, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16) == 0);
    struct str body = {request->body == NULL ? "" : request->body, request->body_len};
    respond_text(exchange, 200, body);
}

/* The request as the transport understood it. */
static void answer_request(struct http_exchange *exchange)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct buffer text;
    buffer_init(&text, 1 << 20);
    buffer_append_format(&text, "method=%d path=%.*s query=%.*s", (int)request->method,
                         STR_FORMAT(request->path), STR_FORMAT(request->query));
    buffer_append_format(&text, " absent=%d body=%d/%zu\n", request->query.data == NULL,
                         request->has_body, request->body_len);
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        buffer_append_format(&text, "%.*s=[%.*s]\n", STR_FORMAT(header->name),
                             STR_FORMAT(header->value));
    }
    respond_text(exchange, 200, buffer_str(&text));
    buffer_deinit(&text);
}

static void answer_large(struct http_exchange *exchange)
{
    respond_large(exchange, number_of(http_exchange_request(exchange)->query));
}

static void answer_delayed(struct http_exchange *exchange)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct str text =
        request->body_len > 0 ? (struct str){request->body, request->body_len} : request->query;
    if (!delayed_add(exchange, text.data == NULL ? STR("") : text, delayed_run)) {
        respond_text(exchange, 503, STR("full"));
    }
}

static void answer_delayed_large(struct http_exchange *exchange)
{
    if (!delayed_add(exchange, http_exchange_request(exchange)->query, delayed_large_run)) {
        respond_text(exchange, 503, STR("full"));
    }
}

static void answer_offload(struct http_exchange *exchange)
{
    struct work *work = calloc(1, sizeof *work);
    ASSERT(work != NULL);
    work->milliseconds = number_of(http_exchange_request(exchange)->query);
    if (http_exchange_offload(exchange, work_run, work_done, work) != STATUS_OK) {
        free(work);
        http_problem_respond(exchange,
                             &(struct http_problem){.status = 503,
                                                    .type = "busy",
                                                    .title = "Busy",
                                                    .detail = "Too many queries.",
                                                    .retry_after_s = 1},
                             NULL);
    }
}

static void answer_count(struct http_exchange *exchange)
{
    struct http_counters counters;
    struct buffer json;
    http_server_count(delayed.server, &counters);
    buffer_init(&json, 4096);
    buffer_append_format(&json, "{\"handled\":%u,\"marks\":%u,\"gone\":%u", atomic_load(&handled),
                         atomic_load(&marks), atomic_load(&gone));
    buffer_append_format(&json, ",\"completed\":%u,\"delayed\":%u", atomic_load(&completed),
                         atomic_load(&delayed_in));
    buffer_append_format(&json, ",\"accepted\":%llu,\"refused\":%llu,\"open\":%llu",
                         (unsigned long long)counters.connections_accepted,
                         (unsigned long long)counters.connections_refused,
                         (unsigned long long)counters.connections_open);
    buffer_append_format(&json, ",\"handshakesFailed\":%llu",
                         (unsigned long long)counters.handshakes_failed);
    buffer_append_format(&json, ",\"requests\":%llu,\"answers4xx\":%llu}",
                         (unsigned long long)counters.requests,
                         (unsigned long long)counters.responses_by_class[4]);
    respond_text(exchange, 200, buffer_str(&json));
    buffer_deinit(&json);
}

static void answer_mark(struct http_exchange *exchange)
{
    atomic_fetch_add(&marks, 1);
    respond_text(exchange, 200, STR("marked"));
}

static void answer_close(struct http_exchange *exchange)
{
    http_exchange_respond(exchange, &(struct http_response){.status = 200,
                                                            .content_type = STR("text/plain"),
                                                            .body = STR("bye"),
                                                            .close = true});
}

static void answer_loop(struct http_exchange *exchange)
{
    char text[16];
    int len = snprintf(text, sizeof text, "%u", http_exchange_ticket(exchange).loop);
    respond_text(exchange, 200, (struct str){text, (size_t)len});
}

static void answer_never(struct http_exchange *exchange)
{
    (void)exchange;
}

static void answer_fields(struct http_exchange *exchange)
{
    static const struct http_header fields[] = {
        {{"X-Good", 6}, {"yes", 3}},
        {{"X-Forged", 8}, {"a\r\nX-Evil: 1", 12}},
    };
    http_exchange_respond(
        exchange, &(struct http_response){.status = 204, .headers = fields, .header_count = 2});
}

/* --- bodies and answers in pieces --- */

/* One request of /take, /mirror or /pieces; in the exchange's arena. */
struct pieces {
    uint64_t bytes; /* taken, or left to be written */
    uint64_t sum;
    bool complete; /* the body */
    bool slow;     /* /take?slow: pauses at each piece until the pool has slept */
    bool early;    /* /take?early: answers at the first piece */
};

static struct pieces *pieces_of(struct http_exchange *exchange)
{
    struct pieces *pieces = http_exchange_data(exchange);
    if (pieces == NULL) {
        pieces = arena_allocate(http_exchange_arena(exchange), sizeof *pieces);
        ASSERT(pieces != NULL);
        struct str query = http_exchange_request(exchange)->query;
        *pieces = (struct pieces){.slow = str_equal(query, STR("slow")),
                                  .early = str_equal(query, STR("early"))};
        http_exchange_set_data(exchange, pieces);
    }
    return pieces;
}

static void nap(void *data)
{
    (void)data;
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void nap_done(struct http_exchange *exchange, void *data)
{
    (void)data;
    if (exchange != NULL) {
        http_exchange_resume_body(exchange);
    }
}

static void take_data(struct http_exchange *exchange, const char *data, size_t len)
{
    struct pieces *pieces = pieces_of(exchange);
    for (size_t i = 0; i < len; i++) {
        pieces->sum = pieces->sum * 31 + (unsigned char)data[i];
    }
    pieces->bytes += len;
    if (pieces->early) {
        respond_text(exchange, 403, STR("enough"));
    } else if (pieces->slow) {
        http_exchange_pause_body(exchange);
        if (http_exchange_offload(exchange, nap, nap_done, NULL) != STATUS_OK) {
            http_exchange_resume_body(exchange);
        }
    }
}

static void take_failed(struct http_exchange *exchange, const struct http_problem *problem)
{
    http_problem_respond(exchange, problem, NULL);
}

static const struct http_body_consumer taker = {.data = take_data, .failed = take_failed};

static void answer_take(struct http_exchange *exchange)
{
    const struct pieces *pieces = pieces_of(exchange);
    char text[64];
    int len = snprintf(text, sizeof text, "%llu %llu", (unsigned long long)pieces->bytes,
                       (unsigned long long)pieces->sum);
    respond_text(exchange, 200, (struct str){text, (size_t)len});
}

/* Writes back what comes while it comes, and takes no more while the client does not read. */
enum { MIRROR_UNSENT_MAX = 256 * 1024 };

static void mirror_drained(struct http_exchange *exchange)
{
    if (pieces_of(exchange)->complete) {
        http_exchange_end(exchange);
    } else {
        http_exchange_resume_body(exchange);
    }
}

static void mirror_gone(struct http_exchange *exchange)
{
    (void)exchange;
    atomic_fetch_add(&gone, 1);
}

static void mirror_leaving(struct http_exchange *exchange)
{
    http_exchange_end(exchange);
}

static const struct http_stream_writer mirror_writer = {
    .drained = mirror_drained, .gone = mirror_gone, .leaving = mirror_leaving};

static void mirror_data(struct http_exchange *exchange, const char *data, size_t len)
{
    struct pieces *pieces = pieces_of(exchange);
    bool wanted = true;
    if (pieces->bytes == 0) {
        struct http_response head = {.status = 200, .content_type = STR("text/plain")};
        enum status status =
            http_exchange_respond_streamed(exchange, &head, &mirror_writer, &wanted);
        ASSERT(status == STATUS_OK);
    }
    pieces->bytes += len;
    enum status status = http_exchange_write(exchange, (struct str){data, len});
    if (status != STATUS_OK) {
        http_exchange_abort(exchange);
    } else if (http_exchange_unsent_bytes(exchange) > MIRROR_UNSENT_MAX) {
        http_exchange_pause_body(exchange);
    }
}

static void mirror_failed(struct http_exchange *exchange, const struct http_problem *problem)
{
    if (pieces_of(exchange)->bytes == 0) {
        http_problem_respond(exchange, problem, NULL);
    } else {
        http_exchange_abort(exchange);
    }
}

static const struct http_body_consumer mirror = {.data = mirror_data, .failed = mirror_failed};

static void answer_mirror(struct http_exchange *exchange)
{
    struct pieces *pieces = pieces_of(exchange);
    pieces->complete = true;
    if (pieces->bytes == 0) {
        respond_text(exchange, 200, STR(""));
    } else if (http_exchange_unsent_bytes(exchange) == 0) {
        http_exchange_end(exchange);
    }
}

/* /pieces?BYTES, or /pieces without an end. */
enum { PIECE_BYTES = 16 * 1024 };

static void pieces_write(struct http_exchange *exchange)
{
    static char piece[PIECE_BYTES];
    struct pieces *pieces = pieces_of(exchange);
    memset(piece, 'p', sizeof piece);
    size_t len = pieces->bytes < PIECE_BYTES ? (size_t)pieces->bytes : PIECE_BYTES;
    pieces->bytes -= len;
    if (len == 0) {
        http_exchange_end(exchange);
    } else if (http_exchange_write(exchange, (struct str){piece, len}) != STATUS_OK) {
        http_exchange_abort(exchange);
    }
}

static const struct http_stream_writer pieces_writer = {
    .drained = pieces_write, .gone = mirror_gone, .leaving = mirror_leaving};

static void answer_pieces(struct http_exchange *exchange)
{
    struct str query = http_exchange_request(exchange)->query;
    bool wanted;
    struct http_response head = {.status = 200, .content_type = STR("text/plain")};
    pieces_of(exchange)->bytes = query.data == NULL ? UINT64_MAX : number_of(query);
    enum status status = http_exchange_respond_streamed(exchange, &head, &pieces_writer, &wanted);
    ASSERT(status == STATUS_OK);
}

/* /abort: an answer that cannot be completed. */
static void answer_abort(struct http_exchange *exchange)
{
    answer_pieces(exchange);
    enum status status = http_exchange_write(exchange, STR("half"));
    ASSERT(status == STATUS_OK);
    http_exchange_abort(exchange);
}

typedef void answer_function(struct http_exchange *exchange);

static const struct {
    struct str path;
    answer_function *answer;
} paths[] = {
    {{"/echo", 5}, answer_echo},       {{"/request", 8}, answer_request},
    {{"/large", 6}, answer_large},     {{"/delayed", 8}, answer_delayed},
    {{"/offload", 8}, answer_offload}, {{"/count", 6}, answer_count},
    {{"/mark", 5}, answer_mark},       {{"/close", 6}, answer_close},
    {{"/never", 6}, answer_never},     {{"/fields", 7}, answer_fields},
    {{"*", 1}, answer_request},        {{"/loop", 5}, answer_loop},
    {{"/", 1}, answer_request},        {{"/delayed-large", 14}, answer_delayed_large},
    {{"/take", 5}, answer_take},       {{"/mirror", 7}, answer_mirror},
    {{"/pieces", 7}, answer_pieces},   {{"/abort", 6}, answer_abort},
};

static answer_function *answer_find(struct str path)
{
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        if (str_equal(paths[i].path, path)) {
            return paths[i].answer;
        }
    }
    return NULL;
}

static void begin_body(struct http_exchange *exchange)
{
    const struct http_request *request = http_exchange_request(exchange);
    enum http_coding coding =
        http_coding_read(http_request_header(request, STR("Content-Encoding")));
    http_exchange_set_body_bytes_max(exchange, BODY_MAX);
    if (coding == HTTP_CODING_COUNT) {
        respond_text(exchange, 415, STR(HTTP_CODINGS_ACCEPTED));
        return;
    }
    bool mirrors = str_equal(request->path, STR("/mirror"));
    enum status status = STATUS_OK;
    if (mirrors || str_equal(request->path, STR("/take"))) {
        status = http_exchange_stream_body(exchange, mirrors ? &mirror : &taker);
    }
    if (status == STATUS_OK && coding != HTTP_CODING_IDENTITY) {
        status = http_exchange_decode_body(exchange, coding);
    }
    if (status != STATUS_OK) {
        respond_text(exchange, 503, STR("no memory for bodies"));
    }
}

static void on_begin(void *context, struct http_exchange *exchange)
{
    (void)context;
    const struct http_request *request = http_exchange_request(exchange);
    struct http_problem problem = {.type = "test", .title = "Test", .detail = "As asked."};
    struct str put = http_request_header(request, STR("X-Put"));
    if (put.data != NULL) {
        http_exchange_put_field(exchange, STR("X-Put"), STR("replaced by the next"));
        http_exchange_put_field(exchange, STR("X-Put"), put);
    }
    if (str_equal(request->path, STR("/early"))) {
        problem.status = 401;
        http_problem_respond(exchange, &problem, NULL);
    } else if (request->method == HTTP_METHOD_OTHER) {
        problem.status = 405;
        http_problem_respond(exchange, &problem, "GET, HEAD, POST");
    } else if (answer_find(request->path) == NULL) {
        problem.status = 404;
        http_problem_respond(exchange, &problem, NULL);
    } else {
        begin_body(exchange);
    }
}

static void on_handle(void *context, struct http_exchange *exchange)
{
    (void)context;
    atomic_fetch_add(&handled, 1);
    answer_find(http_exchange_request(exchange)->path)(exchange);
}

/* --- main --- */

static const struct {
    const char *name;
    size_t *size;
    unsigned *number;
} names[] = {
    {"connections_max", NULL, &options.limits.connections_max},
    {"header_bytes_max", &options.limits.header_bytes_max, NULL},
    {"target_bytes_max", &options.limits.target_bytes_max, NULL},
    {"headers_max", NULL, &options.limits.headers_max},
    {"pipeline_max", NULL, &options.limits.pipeline_max},
    {"body_memory_bytes_max", &options.limits.body_memory_bytes_max, NULL},
    {"answer_memory_bytes_max", &options.limits.answer_memory_bytes_max, NULL},
    {"offloads_max", NULL, &options.limits.offloads_max},
    {"header_timeout_ms", NULL, &options.limits.header_timeout_ms},
    {"body_timeout_ms", NULL, &options.limits.body_timeout_ms},
    {"body_rate_min", NULL, &options.limits.body_rate_min},
    {"body_ratio_max", NULL, &options.limits.body_ratio_max},
    {"idle_timeout_ms", NULL, &options.limits.idle_timeout_ms},
    {"write_timeout_ms", NULL, &options.limits.write_timeout_ms},
    {"loops", NULL, &options.loops},
    {"port", NULL, &options.port},
    {"drain_ms", NULL, &options.drain_ms},
};

static const struct {
    const char *name;
    char *text;
    size_t size;
} texts[] = {
    {"host", options.host, sizeof options.host},
    {"cert", options.cert, sizeof options.cert},
    {"key", options.key, sizeof options.key},
};

static bool option_read(const char *argument)
{
    const char *equals = strchr(argument, '=');
    if (equals == NULL) {
        return false;
    }
    size_t len = (size_t)(equals - argument);
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        if (strlen(texts[i].name) == len && memcmp(texts[i].name, argument, len) == 0) {
            snprintf(texts[i].text, texts[i].size, "%s", equals + 1);
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strlen(names[i].name) == len && memcmp(names[i].name, argument, len) == 0) {
            unsigned long value = strtoul(equals + 1, NULL, 10);
            if (names[i].size != NULL) {
                *names[i].size = value;
            } else {
                *names[i].number = (unsigned)value;
            }
            return true;
        }
    }
    return false;
}

static void delayed_end(void)
{
    pthread_mutex_lock(&delayed.mutex);
    delayed.ends = true;
    pthread_cond_signal(&delayed.changed);
    pthread_mutex_unlock(&delayed.mutex);
    pthread_join(delayed.thread, NULL);
}

/* SIGHUP reads the certificate again, and a line on stdout says what came of it. */
static void wait_for_stop(struct http_tls *tls, const sigset_t *signals)
{
    int received = 0;
    sigwait(signals, &received);
    while (received == SIGHUP && tls != NULL) {
        struct error err = {0};
        enum status status = http_tls_reload(tls, &err);
        if (printf("%s %s\n", status_name(status), err.message) < 0 || fflush(stdout) != 0) {
            return;
        }
        sigwait(signals, &received);
    }
}

static int serve(const sigset_t *stop_signals)
{
    struct error err = {0};
    struct logger logger = {.clock = &clock_system, .descriptor = 2, .level = LOG_INFO};
    CLEANUP(http_tls_free) struct http_tls *tls = NULL;
    CLEANUP(http_server_free) struct http_server *server = NULL;
    struct http_tls_files files = {.certificate = options.cert, .key = options.key};
    if (options.cert[0] != '\0' && http_tls_new(&files, &tls, &err) != STATUS_OK) {
        fprintf(stderr, "%s: %s\n", status_name(err.status), err.message);
        return 1;
    }
    struct http_server_config config = {
        .host = options.host,
        .port = (uint16_t)options.port,
        .loops = options.loops,
        .limits = options.limits,
        .tls = tls,
        .handler = {.begin = on_begin, .handle = on_handle},
        .clock = &clock_system,
        .logger = &logger,
    };
    if (http_server_new(&config, &server, &err) != STATUS_OK) {
        fprintf(stderr, "%s: %s\n", status_name(err.status), err.message);
        return 1;
    }
    delayed.server = server;
    if (pthread_create(&delayed.thread, NULL, delayed_main, NULL) != 0 ||
        http_server_start(server, &err) != STATUS_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    if (printf("%u\n", http_server_port(server)) < 0 || fflush(stdout) != 0) {
        return 1;
    }
    wait_for_stop(tls, stop_signals);
    http_server_stop(server, options.drain_ms);
    delayed_end();
    struct http_counters counters;
    http_server_count(server, &counters);
    bool adds_up =
        counters.connections_open == 0 && atomic_load(&completed) == atomic_load(&delayed_in);
    return adds_up ? 0 : 3;
}

int main(int argc, char **argv)
{
    options = (struct test_options){
        .limits = http_limits_default, .loops = 2, .drain_ms = 300, .host = "127.0.0.1"};
    for (int i = 1; i < argc; i++) {
        if (!option_read(argv[i])) {
            fprintf(stderr, "unknown option %s\n", argv[i]);
            return 2;
        }
    }
    sigset_t stop_signals;
    sigemptyset(&stop_signals);
    sigaddset(&stop_signals, SIGTERM);
    sigaddset(&stop_signals, SIGINT);
    sigaddset(&stop_signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &stop_signals, NULL);
    return serve(&stop_signals);
}
