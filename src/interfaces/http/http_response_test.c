/* Guards what clients see of an answer: fields, the length without the body, dates, problems. */
#include "interfaces/http/http_fault.h"
#include "interfaces/http/http_problem.h"
#include "interfaces/http/http_response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_text(struct buffer *buffer, const char *expected)
{
    buffer_append_char(buffer, '\0');
    assert_int_equal(buffer->failed, STATUS_OK);
    assert_string_equal(buffer->data, expected);
    buffer_clear(buffer);
}

static void renders_fields_and_body(void **state)
{
    (void)state;
    struct buffer bytes;
    buffer_init(&bytes, 4096);
    const struct http_header headers[] = {{STR("Link"), STR("</a>")}, {STR("X"), STR("a\nb")}};
    struct http_response response = {.status = 202,
                                     .content_type = STR("text/plain"),
                                     .body = STR("body"),
                                     .headers = headers,
                                     .header_count = ARRAY_LENGTH(headers)};
    struct http_response_frame frame = {.date = STR("D"), .persistence = HTTP_PERSISTENCE_CLOSE};
    http_response_render(&response, &frame, &bytes);
    assert_text(&bytes, "HTTP/1.1 202 Accepted\r\nDate: D\r\nContent-Type: text/plain\r\n"
                        "Content-Length: 4\r\nLink: </a>\r\nConnection: close\r\n\r\nbody");
    frame = (struct http_response_frame){.date = STR("D"), .without_body = true};
    response.header_count = 0;
    http_response_render(&response, &frame, &bytes);
    assert_text(&bytes, "HTTP/1.1 202 Accepted\r\nDate: D\r\nContent-Type: text/plain\r\n"
                        "Content-Length: 4\r\n\r\n");
    response = (struct http_response){.status = 204};
    http_response_render(&response, &frame, &bytes);
    assert_text(&bytes, "HTTP/1.1 204 No Content\r\nDate: D\r\n\r\n");
    response.status = 299;
    http_response_render(&response, &frame, &bytes);
    assert_text(&bytes, "HTTP/1.1 299 \r\nDate: D\r\nContent-Length: 0\r\n\r\n");
    buffer_deinit(&bytes);
}

/* Each byte at each place of values of all lengths up to two words and a rest. */
static void fields_that_would_end_a_line_are_left_out(void **state)
{
    (void)state;
    char value[20];
    char expected[96];
    struct buffer bytes;
    buffer_init(&bytes, 4096);
    for (size_t len = 1; len <= sizeof value; len++) {
        for (size_t place = 0; place < len; place++) {
            for (int c = 0; c < 256; c++) {
                memset(value, 'v', sizeof value);
                value[place] = (char)c;
                const struct http_header header = {STR("X"), {value, len}};
                struct http_response response = {
                    .status = 299, .headers = &header, .header_count = 1};
                struct http_response_frame frame = {.date = STR("D")};
                http_response_render(&response, &frame, &bytes);
                bool clean = (c >= ' ' && c != 0x7f) || c == '\t';
                snprintf(expected, sizeof expected,
                         clean ? "HTTP/1.1 299 \r\nDate: D\r\nContent-Length: 0\r\nX: %.*s\r\n\r\n"
                               : "HTTP/1.1 299 \r\nDate: D\r\nContent-Length: 0\r\n\r\n",
                         (int)len, value);
                assert_text(&bytes, expected);
            }
        }
    }
    buffer_deinit(&bytes);
}

static void formats_dates(void **state)
{
    (void)state;
    char text[HTTP_DATE_BYTES + 1] = {0};
    http_date_format(UINT64_C(784111777) * 1000000000, text); /* the example of RFC 9110 */
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    http_date_format(UINT64_C(951782400) * 1000000000, text);
    assert_string_equal(text, "Tue, 29 Feb 2000 00:00:00 GMT");
}

static void writes_problems(void **state)
{
    (void)state;
    struct buffer json;
    struct rejection rejection;
    buffer_init(&json, 4096);
    rejection_init(&rejection);
    struct http_problem problem = {
        .status = 400, .type = "t", .title = "T", .detail = "say \"x\"", .rejection = &rejection};
    http_problem_append(&problem, &json);
    assert_text(&json, "{\"type\":\"/problems/t\",\"title\":\"T\",\"status\":400,"
                       "\"detail\":\"say \\\"x\\\"\",\"message\":\"say \\\"x\\\"\"}");
    rejection_add(&rejection, "/userId", "is %s", "missing");
    rejection_add(&rejection, "", "whole");
    http_problem_append(&problem, &json);
    assert_text(&json, "{\"type\":\"/problems/t\",\"title\":\"T\",\"status\":400,"
                       "\"detail\":\"say \\\"x\\\"\",\"message\":\"say \\\"x\\\"\","
                       "\"errors\":[{\"pointer\":\"/userId\",\"detail\":\"is missing\"},"
                       "{\"pointer\":\"\",\"detail\":\"whole\"}]}");
    buffer_deinit(&json);
}

/* Every fault has its document; a hole in the table would be a NULL in an answer. */
static void every_fault_has_a_problem(void **state)
{
    (void)state;
    for (int fault = HTTP_FAULT_NONE + 1; fault < HTTP_FAULT_COUNT; fault++) {
        struct http_problem problem = http_fault_problem((enum http_fault)fault, NULL);
        assert_in_range(problem.status, 400, 599);
        assert_non_null(problem.type);
        assert_non_null(problem.title);
        assert_non_null(problem.detail);
        assert_true(problem.close);
        assert_int_equal(problem.status == 503, problem.retry_after_s > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renders_fields_and_body),
        cmocka_unit_test(fields_that_would_end_a_line_are_left_out),
        cmocka_unit_test(formats_dates),
        cmocka_unit_test(writes_problems),
        cmocka_unit_test(every_fault_has_a_problem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
