/*
 * Guards what pages of other sites may do in a browser: those that are listed everything, exactly
 * they, and others nothing that a browser would not ask for first.
 */
#include "interfaces/api/api_bed.h"
#include "interfaces/api/api_origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define LISTED "https://shop.example"

static const char readable[] = "Vary: Origin\nAccess-Control-Allow-Origin: https://shop.example\n"
                               "Access-Control-Allow-Credentials: true\n"
                               "Access-Control-Expose-Headers: ";

static void lists_are_checked(void **state)
{
    (void)state;
    static const char *const fine[] = {"",
                                       "https://shop.example",
                                       "http://localhost:8080",
                                       "https://a.example,http://[::1]:1 , https://b-1.example:444",
                                       "http://a:443",
                                       "https://xn--bcher-kva.example"};
    static const char *const wrong[] = {
        "*",           "null",        "shop.example",      "ftp://a",     "https://",
        "https://a/",  "https://a/b", "https://A.example", "HTTPS://a",   "https://a:443",
        "http://a:80", "https://u@a", "https://a b",       "https://*.a", "https://a,,https://b",
        ",https://a",  "https://a?",  "https://a#",        "https://a:",  "https://a;https://b",
        " ",
    };
    struct error err;
    for (size_t i = 0; i < ARRAY_LENGTH(fine); i++) {
        assert_int_equal(api_origin_check_list(str_from(fine[i]), &err), STATUS_OK);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        if (api_origin_check_list(str_from(wrong[i]), &err) != STATUS_INVALID) {
            fail_msg("%s is no list of origins", wrong[i]);
        }
        assert_non_null(strstr(err.message, "no origin"));
    }
}

static const struct http_exchange *ask(struct api_bed *bed, enum http_method method,
                                       const char *target, const char *origin)
{
    bed_request(bed, method, target);
    bed_add_header(bed, STR("Origin"), origin);
    return bed_run(bed);
}

static bool is_readable(const struct http_exchange *exchange)
{
    return strncmp(exchange->fields, readable, sizeof readable - 1) == 0;
}

static void every_answer_is_readable_for_listed_pages(void **state)
{
    struct api_bed *bed = *state;
    static const char *const targets[] = {"/livez", "/logs", "/logs?x=1", "/nowhere",
                                          "/api/v1/stats"};
    for (size_t i = 0; i < ARRAY_LENGTH(targets); i++) {
        assert_true(is_readable(ask(bed, HTTP_METHOD_GET, targets[i], LISTED)));
    }
    assert_true(is_readable(ask(bed, HTTP_METHOD_PUT, "/logs", LISTED)));
    bed_request(bed, HTTP_METHOD_GET, "/livez");
    bed_add_header(bed, STR("Host"), "other.example");
    bed_add_header(bed, STR("Origin"), LISTED);
    assert_int_equal(bed_run(bed)->status, 403);
    assert_true(is_readable(&bed->exchange));
    bed_request(bed, HTTP_METHOD_POST, "/logs");
    bed_set_body(bed, BED_ONE);
    bed_add_header(bed, STR("Origin"), LISTED);
    bed_run(bed);
    bed_complete(bed, STATUS_OK, 1, true);
    assert_int_equal(bed->exchange.status, 202);
    assert_true(is_readable(&bed->exchange));
}

static void other_pages_read_nothing(void **state)
{
    struct api_bed *bed = *state;
    static const char *const origins[] = {"https://shop.example.evil",
                                          "https://shop.exampl",
                                          "http://shop.example",
                                          "null",
                                          "*",
                                          "",
                                          "https://shop.example:443",
                                          "HTTPS://SHOP.EXAMPLE",
                                          "https://evil.example",
                                          "https://shop.example, http://[::1]:8080",
                                          "https://shop.example/",
                                          ","};
    for (size_t i = 0; i < ARRAY_LENGTH(origins); i++) {
        ask(bed, HTTP_METHOD_GET, "/livez", origins[i]);
        assert_string_equal(bed->exchange.fields, "Vary: Origin\n");
    }
    bed_get(bed, "/livez");
    assert_string_equal(bed->exchange.fields, "Vary: Origin\n");
    bed->api->config.cors_origins = (struct str){0};
    ask(bed, HTTP_METHOD_GET, "/livez", LISTED);
    assert_string_equal(bed->exchange.fields, "");
}

static void browsers_are_told_what_pages_may_do(void **state)
{
    struct api_bed *bed = *state;
    bed_request(bed, HTTP_METHOD_OPTIONS, "/logs");
    bed_add_header(bed, STR("Origin"), "http://[::1]:8080");
    bed_add_header(bed, STR("Access-Control-Request-Method"), "POST");
    bed_add_header(bed, STR("Access-Control-Request-Headers"),
                   "content-type,x-evil, Idempotency-Key ,ce-id,ce- x,,ce-");
    assert_int_equal(bed_run(bed)->status, 204);
    assert_string_equal(bed->exchange.allow, "GET, HEAD, POST, OPTIONS");
    assert_non_null(
        strstr(bed->exchange.fields, "Access-Control-Allow-Origin: http://[::1]:8080\n"));
    assert_non_null(strstr(bed->exchange.fields,
                           "Access-Control-Allow-Methods: GET, HEAD, POST, OPTIONS\n"
                           "Access-Control-Max-Age: 7200\n"
                           "Access-Control-Allow-Headers: content-type, Idempotency-Key, ce-id\n"));
    bed_request(bed, HTTP_METHOD_OPTIONS, "/logs");
    bed_add_header(bed, STR("Origin"), "https://evil.example");
    bed_add_header(bed, STR("Access-Control-Request-Method"), "POST");
    assert_int_equal(bed_run(bed)->status, 204);
    assert_string_equal(bed->exchange.fields, "Vary: Origin\n");
    ask(bed, HTTP_METHOD_OPTIONS, "/logs", LISTED);
    assert_null(strstr(bed->exchange.fields, "Methods"));
}

struct body_case {
    const char *type;
    const char *origin;
    int status; /* 0: the log has it */
};

/* What a browser sends without asking is decided here. */
static void bodies_that_nobody_is_asked_for_are_refused(void **state)
{
    struct api_bed *bed = *state;
    static const struct body_case cases[] = {
        {"text/plain", NULL, 0},
        {"text/plain;charset=UTF-8", LISTED, 0},
        {"text/plain;charset=UTF-8", "https://evil.example", 403},
        {"TEXT/plain", "null", 403},
        {"text/plain", "", 403},
        {NULL, NULL, 0},
        {NULL, LISTED, 0},
        {NULL, "https://evil.example", 403},
        {"application/json", "https://evil.example", 0}, /* a browser would have asked */
        {"multipart/form-data", "https://evil.example", 415},
        {"application/x-www-form-urlencoded", "https://evil.example", 415},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        bed_request(bed, HTTP_METHOD_POST, "/logs");
        bed_set_body(bed, BED_ONE);
        if (cases[i].type != NULL) {
            bed_add_header(bed, STR("Content-Type"), cases[i].type);
        }
        if (cases[i].origin != NULL) {
            bed_add_header(bed, STR("Origin"), cases[i].origin);
        }
        bed_run(bed);
        assert_int_equal(bed->exchange.answers, cases[i].status != 0);
        assert_int_equal(bed->exchange.status, cases[i].status);
    }
    bed->api->config.cors_origins = (struct str){0};
    bed_request(bed, HTTP_METHOD_POST, "/logs");
    bed_set_body(bed, BED_ONE);
    bed_add_header(bed, STR("Origin"), LISTED);
    bed_add_header(bed, STR("Content-Type"), "text/plain");
    assert_true(bed_is_problem(bed_run(bed), 403, "--cors-origins"));
}

/* Without a body there is nothing that a browser would ask for first. */
static void posts_without_a_body_are_not_for_other_pages(void **state)
{
    struct api_bed *bed = *state;
    static const char *const targets[] = {"/api/v1/refused/resend", "/api/v1/refused/x/resend"};
    static const struct {
        const char *origin;
        bool admitted;
    } cases[] = {
        {NULL, true},
        {LISTED, true},
        {"http://localhost:3000", true},
        {"https://LOCALHOST:3000", true},
        {"http://localhost", false},
        {"http://localhost:8080", false},
        {"localhost:3000", false},
        {"https://evil.example", false},
        {"null", false},
        {"", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(targets) * ARRAY_LENGTH(cases); i++) {
        const char *origin = cases[i / 2].origin;
        bed_request(bed, HTTP_METHOD_POST, targets[i % 2]);
        bed_add_header(bed, STR("Host"), "localhost:3000");
        if (origin != NULL) {
            bed_add_header(bed, STR("Origin"), origin);
        }
        if ((bed_run(bed)->status != 403) != cases[i / 2].admitted) {
            fail_msg("%s from %s: %d", targets[i % 2], origin == NULL ? "no page" : origin,
                     bed->exchange.status);
        }
        assert_true(cases[i / 2].admitted ||
                    bed_is_problem(&bed->exchange, 403, "/problems/origin-not-allowed"));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_checked),
        TEST(every_answer_is_readable_for_listed_pages),
        TEST(other_pages_read_nothing),
        TEST(browsers_are_told_what_pages_may_do),
        TEST(bodies_that_nobody_is_asked_for_are_refused),
        TEST(posts_without_a_body_are_not_for_other_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
