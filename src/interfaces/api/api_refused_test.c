/*
 * Guards what is answered about refused activities: the shape, the way through several pages, and
 * the words when it cannot be had.
 */
#include "interfaces/api/api_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ENTRY(n)                                                                                   \
    "{\"id\":\"entry-" n "\",\"reason\":\"no activity\","                                          \
    "\"logId\":\"07000000-0000-0000-0000-000000000000\",\"partition\":0,\"offset\":" n             \
    ",\"key\":\"k\",\"rawBase64\":\"/w==\",\"loggedAt\":null,"                                     \
    "\"refusedAt\":\"1970-01-01T00:00:00.00" n "Z\"}"

static void an_empty_list_has_its_shape(void **state)
{
    struct api_bed *bed = *state;
    static const enum http_method methods[] = {HTTP_METHOD_GET, HTTP_METHOD_HEAD};
    for (size_t i = 0; i < ARRAY_LENGTH(methods); i++) {
        bed_request(bed, methods[i], "/api/v1/refused");
        assert_int_equal(bed_run(bed)->status, 200);
        assert_string_equal(
            bed->exchange.answer,
            "{\"status\":\"success\",\"results\":0,\"data\":[],\"nextCursor\":null}");
        assert_string_equal(bed->exchange.link, "");
    }
}

static void entries_have_their_shape(void **state)
{
    struct api_bed *bed = *state;
    bed->refused_count = 2;
    bed_get(bed, "/api/v1/refused?limit=1000");
    assert_string_equal(bed->exchange.content_type, "application/json");
    assert_string_equal(bed->exchange.answer,
                        "{\"status\":\"success\",\"results\":2,\"data\":[" ENTRY("2") "," ENTRY(
                            "1") "],\"nextCursor\":null}");
}

/* By the link, and by the cursor in the answer. */
static void pages_lead_to_the_end(void **state)
{
    struct api_bed *bed = *state;
    bed->refused_count = 5;
    char target[512] = "/api/v1/refused?limit=2";
    size_t pages = 0;
    while (target[0] != '\0') {
        bed_get(bed, target);
        assert_int_equal(bed->exchange.status, 200);
        char newest[64];
        snprintf(newest, sizeof newest, "\"data\":[{\"id\":\"entry-%zu\"", 5 - 2 * pages++);
        assert_non_null(strstr(bed->exchange.answer, newest));
        const char *next = strstr(bed->exchange.answer, "\"nextCursor\":\"");
        assert_int_equal(next != NULL, bed->exchange.link[0] != '\0');
        const char *link = bed->exchange.link[0] == '<' ? bed->exchange.link + 1 : "";
        snprintf(target, sizeof target, "%.*s", (int)strcspn(link, ">"), link);
        if (next != NULL) {
            char own[512];
            snprintf(own, sizeof own, "/api/v1/refused?limit=2&cursor=%.*s",
                     (int)strcspn(next + 14, "\""), next + 14);
            assert_string_equal(own, target);
        }
    }
    assert_int_equal(pages, 3);
}

static void questions_that_are_wrong_are_told(void **state)
{
    struct api_bed *bed = *state;
    static const char *const wrong[][2] = {
        {"?user=x", "the parameter user is not known; there are limit, cursor"},
        {"?userId=x", "the parameter userId is not known"},
        {"?metadata.a=x", "the parameter metadata.a is not known"},
        {"?page=1", "the parameter page is not known"},
        {"?limit=0", "limit must be a number from 1 to 1000"},
        {"?limit=1001", "limit must be a number from 1 to 1000"},
        {"?limit=1&limit=2", "once only"},
        {"?cursor=", "not a cursor of this list"},
        {"?cursor=x", "not a cursor of this list"},
        {"?limit=%zz", "percent-encoded"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        char target[128];
        snprintf(target, sizeof target, "/api/v1/refused%s", wrong[i][0]);
        assert_true(bed_is_problem(bed_get(bed, target), 400, wrong[i][1]));
    }
}

static void a_list_that_is_down_is_told(void **state)
{
    struct api_bed *bed = *state;
    bed->refused_answer = STATUS_UNAVAILABLE;
    assert_true(bed_is_problem(bed_get(bed, "/api/v1/refused"), 503, "the list says no"));
    bed->offload_answer = STATUS_BUSY;
    assert_true(bed_is_problem(bed_get(bed, "/api/v1/refused"), 503, "more questions"));
}

static void only_reading_is_answered(void **state)
{
    struct api_bed *bed = *state;
    bed_request(bed, HTTP_METHOD_POST, "/api/v1/refused");
    assert_int_equal(bed_run(bed)->status, 405);
    assert_string_equal(bed->exchange.allow, "GET, HEAD, OPTIONS");
    bed_request(bed, HTTP_METHOD_OPTIONS, "/api/v1/refused");
    assert_int_equal(bed_run(bed)->status, 204);
    assert_string_equal(bed->exchange.allow, "GET, HEAD, OPTIONS");
    assert_int_equal(bed_get(bed, "/api/v1/refused/entry-1")->status, 404);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_list_has_its_shape), TEST(entries_have_their_shape),
        TEST(pages_lead_to_the_end),       TEST(questions_that_are_wrong_are_told),
        TEST(a_list_that_is_down_is_told), TEST(only_reading_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
