/* Guards what requests are called: by their client where that is a name, else by one that is made,
 * another for each; and that lines about them say nothing of what was asked. */
#include "interfaces/api/api_bed.h"
#include "interfaces/api/api_request_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static void names_are_told_from_what_is_none(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "0192f0c1-7d2e-7000-8000-000000000000",
                                       "Root=1-67891233:abc/def+x@y.z_1"};
    static const char *const bad[] = {"",         "a b", "a\"b", "a\x1b[2J",
                                      "\xc3\xbc", "a,b", "{}",   "a\nb"};
    char longest[REQUEST_NAME_BYTES_MAX + 2];
    for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
        assert_true(api_request_name_is_valid(str_from(good[i])));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        assert_false(api_request_name_is_valid(str_from(bad[i])));
    }
    memset(longest, 'x', sizeof longest);
    assert_true(api_request_name_is_valid((struct str){longest, REQUEST_NAME_BYTES_MAX}));
    assert_false(api_request_name_is_valid((struct str){longest, REQUEST_NAME_BYTES_MAX + 1}));
    assert_false(api_request_name_is_valid((struct str){"\0", 1}));
    assert_false(api_request_name_is_valid((struct str){0}));
}

static struct str name_of(struct api_bed *bed, const char *sent, unsigned times)
{
    bed_request(bed, HTTP_METHOD_GET, "/livez");
    for (unsigned i = 0; i < times; i++) {
        bed_add_header(bed, STR("x-request-id"), sent);
    }
    return bed_run(bed)->name;
}

static void a_request_is_called_as_its_client_says(void **state)
{
    struct api_bed *bed = *state;
    struct str name = name_of(bed, "abc-1", 1);
    assert_true(str_equal(name, STR("abc-1")));
    name = name_of(bed, "abc-1", 2); /* whichever? */
    assert_false(str_equal(name, STR("abc-1")));
    name = name_of(bed, "a b", 1);
    assert_false(str_equal(name, STR("a b")));
    assert_true(api_request_name_is_valid(name));
}

static void each_is_called_otherwise(void **state)
{
    struct api_bed *bed = *state;
    char before[HTTP_SCRATCH_BYTES + 1] = "";
    for (unsigned i = 0; i < 12; i++) {
        struct str name = name_of(bed, "", 0);
        assert_true(api_request_name_is_valid(name));
        assert_false(str_equal(name, str_from(before)));
        assert_true(before[0] == '\0' || memcmp(before, name.data, REQUEST_NAMES_FRONT_BYTES) == 0);
        snprintf(before, sizeof before, "%.*s", STR_FORMAT(name));
    }
}

/* The line about the last request, without its time. */
static const char *line_about(struct api_bed *bed, int status)
{
    static char text[1024];
    struct http_handler handler = api_handler(bed->api);
    bed->logger.descriptor = memfd_create("log", MFD_CLOEXEC);
    bed->logger.format = LOG_FORMAT_TEXT;
    handler.answered(handler.context, &bed->exchange, status);
    ssize_t len = pread(bed->logger.descriptor, text, sizeof text - 1, 0);
    assert_true(len >= 0);
    text[len] = '\0';
    close(bed->logger.descriptor);
    return len == 0 ? text : text + sizeof "2026-01-14T23:58:05.442Z" - 1;
}

static void lines_name_the_route_and_not_whom(void **state)
{
    struct api_bed *bed = *state;
    logger_set_level(&bed->logger, LOG_DEBUG);
    bed_request(bed, HTTP_METHOD_GET,
                "/api/v1/users/secret-user/activities?action=secret&token=utl_1");
    bed_add_header(bed, STR("X-Request-Id"), "r-1");
    bed_run(bed);
    bed->exchange.age_ms = 7;
    assert_string_equal(line_about(bed, 200),
                        " debug   request answered requestId=\"r-1\" method=\"GET\" "
                        "route=\"/api/v1/users/{id}/activities\" status=200 ms=7\n");
    assert_non_null(strstr(line_about(bed, 0), "a client left before its answer"));
    bed_get(bed, "/secret/elsewhere");
    assert_non_null(strstr(line_about(bed, 404), " route=\"none\" status=404"));
    logger_set_level(&bed->logger, LOG_INFO);
    assert_string_equal(line_about(bed, 503), "");
    assert_non_null(strstr(line_about(bed, 500), " error   request answered"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_told_from_what_is_none),
        cmocka_unit_test_setup_teardown(a_request_is_called_as_its_client_says, bed_setup,
                                        bed_teardown),
        cmocka_unit_test_setup_teardown(each_is_called_otherwise, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(lines_name_the_route_and_not_whom, bed_setup, bed_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
