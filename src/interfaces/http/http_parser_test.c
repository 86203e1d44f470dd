/* Guards the parser without sockets: the same bytes give the same request and the same fault in
 * whatever pieces they come, and memory is given back. */
#include "interfaces/http/http_parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct outcome {
    enum http_parser_event event;
    enum http_fault fault;
    size_t used;
};

static struct memory_budget memory;

/* Feeds in pieces of `piece` bytes until the request is complete or refused. */
static struct outcome parse(struct http_parser *parser, struct str text, size_t piece)
{
    size_t at = 0;
    enum http_parser_event event = HTTP_PARSER_MORE;
    while (event == HTTP_PARSER_HEADER || (event == HTTP_PARSER_MORE && at < text.len)) {
        size_t used = 0;
        size_t len = text.len - at < piece ? text.len - at : piece;
        event = http_parser_feed(parser, text.data + at, len, &used);
        at += used;
        if (event == HTTP_PARSER_HEADER &&
            http_parser_accept_body(parser, 1000) == HTTP_PARSER_FAULT) {
            event = HTTP_PARSER_FAULT;
        }
    }
    return (struct outcome){event, parser->fault, at};
}

static const struct {
    struct str text;
    enum http_parser_event event;
    enum http_fault fault;
} cases[] = {
#define CASE(literal, event, fault)                                                                \
    {                                                                                              \
        {literal, sizeof(literal) - 1}, event, fault                                               \
    }
    CASE("GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_PARSER_COMPLETE, HTTP_FAULT_NONE),
    CASE("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", HTTP_PARSER_COMPLETE,
         HTTP_FAULT_NONE),
    CASE("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
         HTTP_PARSER_COMPLETE, HTTP_FAULT_NONE),
    CASE("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n", HTTP_PARSER_FAULT,
         HTTP_FAULT_BODY_TOO_LARGE),
    CASE("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n",
         HTTP_PARSER_FAULT, HTTP_FAULT_BODY_TOO_LARGE),
    CASE("GET / HTTP/3.0\r\n", HTTP_PARSER_FAULT, HTTP_FAULT_VERSION),
    CASE("GET / HTTP/1.1\r\n\r\n", HTTP_PARSER_FAULT, HTTP_FAULT_FRAMING),
    CASE("GET / HTTP/1.1\n", HTTP_PARSER_FAULT, HTTP_FAULT_FRAMING),
    CASE("GET / HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n", HTTP_PARSER_FAULT,
         HTTP_FAULT_EXPECTATION),
    CASE("GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n", HTTP_PARSER_FAULT,
         HTTP_FAULT_HEADER_TOO_MANY),
};

static void same_outcome_in_all_pieces(void **state)
{
    (void)state;
    struct http_limits limits = http_limits_default;
    limits.headers_max = 4;
    struct http_parser parser;
    http_parser_init(&parser, &limits, &memory);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        for (size_t piece = 1; piece <= cases[i].text.len; piece++) {
            struct outcome outcome = parse(&parser, cases[i].text, piece);
            assert_int_equal(outcome.event, cases[i].event);
            assert_int_equal(outcome.fault, cases[i].fault);
            if (outcome.event == HTTP_PARSER_COMPLETE) {
                assert_int_equal(outcome.used, cases[i].text.len);
            }
            http_parser_reset(&parser, piece % 2 == 0);
            assert_int_equal(atomic_load(&memory.bytes_used), 0);
        }
    }
    http_parser_deinit(&parser);
}

/* The slices of the request must follow the head when it moves while it grows. */
static void slices_follow_a_growing_head(void **state)
{
    (void)state;
    static char text[12000];
    snprintf(text, sizeof text,
             "PUT /path?query HTTP/1.1\r\nHost: h\r\nLong: %09000d\r\nLast:  value \r\n\r\n", 0);
    struct http_parser parser;
    http_parser_init(&parser, &http_limits_default, &memory);
    struct outcome outcome = parse(&parser, str_from(text), 100);
    assert_int_equal(outcome.event, HTTP_PARSER_COMPLETE);
    const struct http_request *request = &parser.request;
    assert_int_equal(request->method, HTTP_METHOD_PUT);
    assert_true(str_equal(request->path, STR("/path")));
    assert_true(str_equal(request->query, STR("query")));
    assert_true(str_equal(http_request_header(request, STR("last")), STR("value")));
    assert_int_equal(http_request_header(request, STR("LONG")).len, 9000);
    assert_null(http_request_header(request, STR("none")).data);
    assert_null(request->body);
    http_parser_deinit(&parser);
}

/* What is behind a request is the next one's and must not be touched. */
static void stops_at_the_end_of_the_request(void **state)
{
    (void)state;
    struct str text =
        STR("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nabGET / HTTP/1.1\r\n");
    struct http_parser parser;
    http_parser_init(&parser, &http_limits_default, &memory);
    struct outcome outcome = parse(&parser, text, text.len);
    assert_int_equal(outcome.event, HTTP_PARSER_COMPLETE);
    assert_int_equal(outcome.used, text.len - strlen("GET / HTTP/1.1\r\n"));
    assert_memory_equal(parser.request.body, "ab\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 18);
    http_parser_deinit(&parser);
}

static void shared_memory_runs_out(void **state)
{
    (void)state;
    struct memory_budget small = {.bytes_max = 4096};
    struct http_parser first;
    struct http_parser second;
    http_parser_init(&first, &http_limits_default, &small);
    http_parser_init(&second, &http_limits_default, &small);
    struct str text = STR("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab");
    assert_int_equal(parse(&first, text, 7).event, HTTP_PARSER_COMPLETE);
    assert_int_equal(parse(&second, text, 7).fault, HTTP_FAULT_BODY_MEMORY);
    http_parser_reset(&first, false);
    http_parser_reset(&second, false);
    assert_int_equal(parse(&second, text, 7).event, HTTP_PARSER_COMPLETE);
    http_parser_deinit(&first);
    http_parser_deinit(&second);
    assert_int_equal(atomic_load(&small.bytes_used), 0);
}

int main(void)
{
    memory.bytes_max = 1 << 20;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_outcome_in_all_pieces),
        cmocka_unit_test(slices_follow_a_growing_head),
        cmocka_unit_test(stops_at_the_end_of_the_request),
        cmocka_unit_test(shared_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
