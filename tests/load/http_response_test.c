// Guards the reading of answers: the same answer must be found however the network cuts it, and
// what is not HTTP must not be taken for an acknowledgement.
#include "http_response.h"
#include "unit_test.h"

#include <string.h>

static void receive(struct http_reader *reader, const char *bytes, size_t len)
{
    size_t space = 0;
    char *to = http_reader_space(reader, &space);
    assert_true(space >= len);
    memcpy(to, bytes, len);
    http_reader_received(reader, len);
}

// Two answers, an interim one and a chunked one between, given byte by byte.
static void answers_are_found_however_they_are_cut(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.1 202 Accepted\r\ncontent-length:  5 \r\n\r\nhello"
                               "HTTP/1.1 100 Continue\r\n\r\n"
                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"
                               "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nConnection: close\r\n"
                               "Content-Length: 0\r\n\r\n";
    for (size_t piece = 1; piece < sizeof text; piece++) {
        struct http_reader reader = {0};
        struct http_response response = {0};
        unsigned found = 0;
        for (size_t at = 0; at < sizeof text - 1; at += piece) {
            size_t rest = sizeof text - 1 - at;
            receive(&reader, text + at, piece < rest ? piece : rest);
            while (found < 3 && http_reader_next(&reader, &response) == HTTP_COMPLETE) {
                static const unsigned statuses[] = {202, 200, 503};
                static const char *const bodies[] = {"hello", "abc0123456789", ""};
                assert_int_equal(response.status, statuses[found]);
                assert_int_equal(response.body_len, strlen(bodies[found]));
                assert_true(memcmp(response.body, bodies[found], response.body_len) == 0);
                assert_int_equal(response.keep_alive, found < 2);
                assert_int_equal(response.retry_after_s, found == 2 ? 7 : 0);
                http_reader_consume(&reader);
                found++;
            }
        }
        assert_int_equal(found, 3);
        assert_int_equal(reader.len, 0);
        http_reader_deinit(&reader);
    }
}

static void what_is_no_answer_is_broken(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "HTTP/1.0 202 Accepted\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 2x2 Accepted\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        "HTTP/1.1 202 Accepted\r\nno colon\r\nContent-Length: 0\r\n\r\n",
    };
    for (size_t index = 0; index < sizeof wrong / sizeof *wrong; index++) {
        struct http_reader reader = {0};
        struct http_response response = {0};
        receive(&reader, wrong[index], strlen(wrong[index]));
        assert_int_equal(http_reader_next(&reader, &response), HTTP_BROKEN);
        http_reader_deinit(&reader);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_found_however_they_are_cut),
        cmocka_unit_test(what_is_no_answer_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
