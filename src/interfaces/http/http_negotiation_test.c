/*
 * Guards what a client is sent compressed, and what it is told that it has already.
 */
#include "base/macros.h"
#include "interfaces/http/http_negotiation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void gzip_only_for_who_takes_it(void **state)
{
    (void)state;
    static const char *const yes[] = {"gzip",        "deflate, gzip;q=1.0, *;q=0.5",
                                      "GZip",        "x-gzip",
                                      " br , gzip ", "gzip;q=0.001",
                                      "*",           "identity;q=0, *",
                                      "gzip ; q=0.5"};
    static const char *const no[] = {"",         "identity",   "br, deflate", "gzip;q=0",
                                     "*;q=0",    "gzip;q=0.0", "gzipped",     "gzip; q=0.000, *",
                                     "identity", "zip, g"};
    for (size_t i = 0; i < ARRAY_LENGTH(yes); i++) {
        if (!http_accepts_gzip(str_from(yes[i]))) {
            fail_msg("\"%s\" takes gzip", yes[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(no); i++) {
        if (http_accepts_gzip(str_from(no[i]))) {
            fail_msg("\"%s\" takes no gzip", no[i]);
        }
    }
    assert_false(http_accepts_gzip((struct str){0}));
}

static void a_tag_is_found_in_the_list(void **state)
{
    (void)state;
    struct str etag = STR("\"abc\"");
    static const char *const yes[] = {"\"abc\"", "W/\"abc\"", "*", "\"x\", \"abc\"",
                                      "\"x\",W/\"abc\" , \"y\""};
    static const char *const no[] = {"", "\"ab\"", "abc", "\"abcd\"", "\"x\", \"y\"", "w/\"abc\""};
    for (size_t i = 0; i < ARRAY_LENGTH(yes); i++) {
        assert_true(http_etag_matches(str_from(yes[i]), etag));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(no); i++) {
        assert_false(http_etag_matches(str_from(no[i]), etag));
    }
    assert_false(http_etag_matches((struct str){0}, etag));
    assert_true(http_etag_matches(STR("\"abc\""), STR("W/\"abc\"")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_only_for_who_takes_it),
        cmocka_unit_test(a_tag_is_found_in_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
