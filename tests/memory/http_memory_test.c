/*
 * Fails each allocation of the transport in turn, while a body comes piece by piece or decoded, and
 * an answer goes the same way, over TCP and TLS. The client gets the right answer, a 503, or the
 * end of its connection, and the server goes on.
 */
#include "base/assert.h"
#include "base/failing_memory.h"
#include "interfaces/http/http_coding.h"
#include "interfaces/http/http_problem.h"
#include "interfaces/http/http_server.h"
#include "memory_client.h"
#include "support/quiet_logger.h"
#include "support/test_certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

enum {
    BODY_BYTES = 50 * 1000,
    REQUEST_BYTES_MAX = 64 * 1000,
    ALLOCATIONS_MAX = 20000,
    DRAIN_MS = 5000
};

static char body[BODY_BYTES];
static char certificate_path[64];
static char key_path[64];

/* --- the server --- */

static void refuse(struct http_exchange *exchange)
{
    http_exchange_respond(exchange, &(struct http_response){.status = 503});
}

static const struct http_response text_head = {.status = 200, .content_type = {"text/plain", 10}};
static const struct http_stream_writer writer;

/* What has begun says so by its data. */
static enum status begin_answer(struct http_exchange *exchange)
{
    bool wanted;
    if (http_exchange_data(exchange) != NULL) {
        return STATUS_OK;
    }
    enum status status = http_exchange_respond_streamed(exchange, &text_head, &writer, &wanted);
    if (status == STATUS_OK) {
        http_exchange_set_data(exchange, body);
    }
    return status;
}

static void echo_data(struct http_exchange *exchange, const char *data, size_t len)
{
    if (begin_answer(exchange) != STATUS_OK) {
        refuse(exchange);
    } else if (http_exchange_write(exchange, (struct str){data, len}) != STATUS_OK) {
        http_exchange_abort(exchange);
    }
}

static void echo_failed(struct http_exchange *exchange, const struct http_problem *problem)
{
    if (http_exchange_data(exchange) == NULL) {
        http_problem_respond(exchange, problem, NULL);
    } else {
        http_exchange_abort(exchange);
    }
}

static void go_on(struct http_exchange *exchange)
{
    (void)exchange;
}

static const struct http_body_consumer echo = {.data = echo_data, .failed = echo_failed};
static const struct http_stream_writer writer = {.drained = go_on};

static void begin(void *context, struct http_exchange *exchange)
{
    (void)context;
    const struct http_request *request = http_exchange_request(exchange);
    if (str_equal(request->path, STR("/wrong"))) {
        static const struct http_problem problem = {
            .type = "wrong",
            .title = "There is nothing",
            .status = 404,
            .detail = "this says at some length that there is nothing under such a path, so that "
                      "it takes more than one allocation to have room for all of it, which comes "
                      "twice: what is said here, and what a message is"};
        http_problem_respond(exchange, &problem, NULL);
        return;
    }
    enum http_coding coding =
        http_coding_read(http_request_header(request, STR("Content-Encoding")));
    enum status status = STATUS_OK;
    http_exchange_set_body_bytes_max(exchange, BODY_BYTES);
    if (coding != HTTP_CODING_IDENTITY) {
        status = http_exchange_decode_body(exchange, coding);
    }
    if (status == STATUS_OK && str_equal(request->path, STR("/echo"))) {
        status = http_exchange_stream_body(exchange, &echo);
    }
    if (status != STATUS_OK) {
        refuse(exchange);
    }
}

static struct http_server *the_server;
static struct http_ticket ticket; /* of the one request at a time */

static void answer_whole(struct http_exchange *exchange, const struct http_completion *completion)
{
    (void)completion;
    if (exchange != NULL) {
        const struct http_request *request = http_exchange_request(exchange);
        struct http_response response = text_head;
        response.body = (struct str){request->body, request->body_len};
        http_exchange_respond(exchange, &response);
    }
}

/* On a thread of the pool, which sends the answer by mail. */
static void work(void *data)
{
    (void)data;
    const struct http_completion completion = {.ticket = ticket, .run = answer_whole};
    http_server_complete(the_server, &completion, 1);
}

static void work_done(struct http_exchange *exchange, void *data)
{
    (void)exchange;
    (void)data;
}

static void handle(void *context, struct http_exchange *exchange)
{
    (void)context;
    ticket = http_exchange_ticket(exchange);
    if (http_exchange_data(exchange) != NULL) {
        http_exchange_end(exchange);
    } else if (http_exchange_offload(exchange, work, work_done, NULL) != STATUS_OK) {
        refuse(exchange);
    }
}

/* Sets `the_server`, unless it fails. */
static enum status start(struct http_tls *tls)
{
    struct error err;
    const struct http_server_config config = {
        .host = "127.0.0.1",
        .loops = 2,
        .limits = http_limits_default,
        .tls = tls,
        .handler = {.begin = begin, .handle = handle},
        .clock = &clock_system,
        .logger = quiet_logger(),
    };
    struct http_server *server = NULL;
    enum status status = http_server_new(&config, &server, &err);
    if (status != STATUS_OK) {
        assert_null(server);
        return status;
    }
    status = http_server_start(server, &err);
    if (status != STATUS_OK) {
        http_server_free(server);
        return status;
    }
    the_server = server;
    return STATUS_OK;
}

static void stop(void)
{
    http_server_stop(the_server, DRAIN_MS);
    http_server_free(the_server);
}

/* --- requests --- */

static size_t compress_gzip(char *into, size_t room)
{
    enum { WINDOW_BITS = 15, GZIP = 16, MEMORY_LEVEL = 8 };
    z_stream stream = {.next_in = (Bytef *)body,
                       .avail_in = BODY_BYTES,
                       .next_out = (Bytef *)into,
                       .avail_out = (uInt)room};
    int result =
        deflateInit2(&stream, 1, Z_DEFLATED, WINDOW_BITS + GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
    ASSERT(result == Z_OK);
    result = deflate(&stream, Z_FINISH);
    ASSERT(result == Z_STREAM_END);
    deflateEnd(&stream);
    return stream.total_out;
}

static struct str make_request(const char *path, enum http_coding coding)
{
    static char request[2 * REQUEST_BYTES_MAX];
    static char coded[REQUEST_BYTES_MAX];
    const char *name = "identity";
    size_t len = BODY_BYTES;
    memcpy(coded, body, BODY_BYTES);
    if (coding == HTTP_CODING_GZIP) {
        name = "gzip";
        len = compress_gzip(coded, sizeof coded);
    } else if (coding == HTTP_CODING_ZSTD) {
        name = "zstd";
        len = ZSTD_compress(coded, sizeof coded, body, BODY_BYTES, 1);
        ASSERT(!ZSTD_isError(len));
    }
    int head = snprintf(request, sizeof request,
                        "POST %s HTTP/1.1\r\nHost: here\r\nConnection: close\r\n"
                        "Content-Encoding: %s\r\nContent-Length: %zu\r\n\r\n",
                        path, name, len);
    memcpy(request + head, coded, len);
    return (struct str){request, (size_t)head + len};
}

static void assert_right(const struct client_answer *answer)
{
    assert_int_equal(answer->status, 200);
    assert_true(answer->complete);
    assert_int_equal(answer->body.len, BODY_BYTES);
    assert_memory_equal(answer->body.data, body, BODY_BYTES);
}

/* What came of an answer that was cut off is right as far as it goes. */
static void assert_allowed(const struct client_answer *answer)
{
    if (answer->status == 200 && answer->complete) {
        assert_right(answer);
    } else if (answer->status == 200) {
        assert_true(answer->body.len <= BODY_BYTES);
        assert_memory_equal(answer->body.data, body, answer->body.len);
    } else if (answer->status != 0) {
        assert_int_equal(answer->status, 503);
    }
}

static void ask_without_memory(const char *path, enum http_coding coding, struct http_tls *tls)
{
    struct str request = make_request(path, coding);
    unsigned long allocations = 0;
    bool failed = true;
    while (failed) {
        assert_int_equal(start(tls), STATUS_OK);
        failing_memory_arm(allocations++);
        struct client_answer answer =
            client_ask(http_server_port(the_server), tls != NULL, request);
        failed = failing_memory_disarm();
        if (failed) {
            assert_allowed(&answer);
        } else {
            assert_right(&answer);
        }
        answer = client_ask(http_server_port(the_server), tls != NULL, request);
        assert_right(&answer);
        stop();
        assert_true(allocations < ALLOCATIONS_MAX);
    }
    assert_true(allocations > 5);
}

/* A problem says all or, without memory for its words, its status alone. */
static void problems_are_whole_or_without_words(void **state)
{
    (void)state;
    struct str request = STR("GET /wrong HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
    unsigned long allocations = 0;
    bool failed = true;
    while (failed) {
        assert_int_equal(start(NULL), STATUS_OK);
        failing_memory_arm(allocations++);
        struct client_answer answer = client_ask(http_server_port(the_server), false, request);
        failed = failing_memory_disarm();
        assert_true(failed || answer.status == 404);
        assert_true(answer.status == 404 || answer.status == 503 || answer.status == 0);
        bool has_words = answer.body.len > 0;
        assert_true(failed || has_words);
        assert_true(!has_words || answer.body.data[answer.body.len - 1] == '}');
        stop();
    }
    assert_true(allocations > 5);
}

/* --- the tests --- */

static void bodies_and_answers_in_pieces(void **state)
{
    (void)state;
    ask_without_memory("/echo", HTTP_CODING_IDENTITY, NULL);
    ask_without_memory("/echo", HTTP_CODING_GZIP, NULL);
    ask_without_memory("/echo", HTTP_CODING_ZSTD, NULL);
}

static void bodies_and_answers_as_a_whole(void **state)
{
    (void)state;
    ask_without_memory("/whole", HTTP_CODING_IDENTITY, NULL);
    ask_without_memory("/whole", HTTP_CODING_GZIP, NULL);
}

static struct http_tls *make_tls(void)
{
    const struct http_tls_files files = {.certificate = certificate_path, .key = key_path};
    struct http_tls *tls = NULL;
    assert_int_equal(http_tls_new(&files, &tls, NULL), STATUS_OK);
    return tls;
}

static void handshakes_and_records(void **state)
{
    (void)state;
    struct http_tls *tls = make_tls();
    ask_without_memory("/echo", HTTP_CODING_IDENTITY, tls);
    http_tls_free(tls);
}

static void a_server_starts_or_says_why_not(void **state)
{
    (void)state;
    struct str request = make_request("/whole", HTTP_CODING_IDENTITY);
    unsigned long allocations = 0;
    enum status status;
    do {
        failing_memory_spare_this_thread(false);
        failing_memory_arm(allocations++);
        status = start(NULL);
        (void)failing_memory_disarm();
        failing_memory_spare_this_thread(true);
        if (status == STATUS_OK) {
            struct client_answer answer = client_ask(http_server_port(the_server), false, request);
            assert_right(&answer);
            stop();
        }
    } while (status != STATUS_OK);
    assert_true(allocations > 3);
}

static int set_up(void **state)
{
    (void)state;
    client_init(true);
    for (size_t i = 0; i < BODY_BYTES; i++) {
        body[i] = (char)('a' + i % 23 * (i / 100) % 26);
    }
    snprintf(certificate_path, sizeof certificate_path, "/tmp/http_memory_test-XXXXXX");
    snprintf(key_path, sizeof key_path, "/tmp/http_memory_test-XXXXXX");
    return test_certificate_make(certificate_path, key_path) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(certificate_path);
    unlink(key_path);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_and_answers_in_pieces),
        cmocka_unit_test(bodies_and_answers_as_a_whole),
        cmocka_unit_test(problems_are_whole_or_without_words),
        cmocka_unit_test(handshakes_and_records),
        cmocka_unit_test(a_server_starts_or_says_why_not),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
