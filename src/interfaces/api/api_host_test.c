/*
 * Guards against pages whose name was made to lead here: only names that mean this machine wherever
 * they are asked are answered, written as they are meant to be.
 */
#include "interfaces/api/api_bed.h"
#include "interfaces/api/api_host.h"
#include "interfaces/api/api_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const char *const loopback[] = {
    "localhost",         "localhost:3000",
    "LocalHost",         "localhost.",
    "localhost.:80",     "localhost:",
    "a.localhost",       "A-1.b_2.LOCALHOST.",
    "x.localhost:65535", "127.0.0.1",
    "127.0.0.1:3000",    "127.255.255.254",
    "127.0.0.1:",        "[::1]",
    "[::1]:3000",        "[0:0:0:0:0:0:0:1]",
    "[::0001]",          "[::ffff:127.0.0.1]:1",
};

static const char *const others[] = {
    "",
    ":3000",
    ".",
    "example.com",
    "example.com:3000",
    "localhost.example.com",
    "localhostx",
    "xlocalhost",
    ".localhost",
    "a..localhost",
    "localhost..",
    "local host",
    "localhost:3000:1",
    "localhost:65536",
    "localhost:-1",
    "localhost:+1",
    "localhost:0x50",
    "localhost:80 ",
    " localhost",
    "user@localhost",
    "localhost/",
    "localhost,localhost",
    "%6cocalhost",
    "loc\xc3\xa4lhost.localhost",
    "127.0.0.1.",
    "127.1",
    "127.0.0.1.example.com",
    "127.0.0.01",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "2130706433",
    "0.0.0.0",
    "10.0.0.1",
    "126.255.255.255",
    "128.0.0.1",
    "1127.0.0.1",
    "::1",
    "[::1",
    "::1]",
    "[]",
    "[::1]x",
    "[::1]:x",
    "[::1]3000",
    "[::]",
    "[::2]",
    "[::1%lo]",
    "[::ffff:10.0.0.1]",
    "[::ffff:128.0.0.1]",
    "[127.0.0.1]",
    "[localhost]",
    "[fe80::1]",
};

static void names_of_this_machine(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(loopback); i++) {
        if (!api_host_is_loopback(str_from(loopback[i]))) {
            fail_msg("%s is this machine", loopback[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        if (api_host_is_loopback(str_from(others[i]))) {
            fail_msg("%s may be any", others[i]);
        }
    }
    assert_false(api_host_is_loopback(STR("127.0.0.1\0.example.com")));
    assert_false(api_host_is_loopback(STR("localhost\0")));
}

struct asked_case {
    enum http_method method;
    const char *target;
};

static void other_names_are_answered_by_nothing(void **state)
{
    struct api_bed *bed = *state;
    static const struct asked_case cases[] = {
        {HTTP_METHOD_GET, "/logs"},     {HTTP_METHOD_GET, "/livez"},
        {HTTP_METHOD_GET, "/readyz"},   {HTTP_METHOD_GET, "/health"},
        {HTTP_METHOD_GET, "/nowhere"},  {HTTP_METHOD_HEAD, "/logs/own"},
        {HTTP_METHOD_POST, "/logs"},    {HTTP_METHOD_DELETE, "/api/v1/users/u"},
        {HTTP_METHOD_OPTIONS, "/logs"}, {HTTP_METHOD_OPTIONS, "*"},
        {HTTP_METHOD_OTHER, "/logs"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        bed_request(bed, cases[i].method, cases[i].target);
        bed_set_body(bed, BED_ONE);
        bed_add_header(bed, STR("Host"), "rebound.example:3000");
        assert_true(bed_is_problem(bed_run(bed), 403, "--allow-anonymous"));
    }
    assert_int_equal(bed->appended_count, 0);
}

static void this_machine_is_answered(void **state)
{
    struct api_bed *bed = *state;
    bed_request(bed, HTTP_METHOD_GET, "/livez");
    bed_add_header(bed, STR("Host"), "localhost:3000");
    assert_int_equal(bed_run(bed)->status, 200);
    assert_int_equal(bed_get(bed, "/livez")->status, 200); /* HTTP/1.0 may leave it out */
    bed->api->config.any_host = true;
    bed_request(bed, HTTP_METHOD_GET, "/livez");
    bed_add_header(bed, STR("Host"), "10.0.0.7:3000");
    assert_int_equal(bed_run(bed)->status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_this_machine),
        cmocka_unit_test_setup_teardown(other_names_are_answered_by_nothing, bed_setup,
                                        bed_teardown),
        cmocka_unit_test_setup_teardown(this_machine_is_answered, bed_setup, bed_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
