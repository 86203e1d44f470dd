/*
 * Guards what is answered to whoever sends refused activities again: one by its id, a page, and the
 * words when it cannot be done.
 */
#include "interfaces/api/api_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct http_exchange *send(struct api_bed *bed, const char *target)
{
    bed_request(bed, HTTP_METHOD_POST, target);
    return bed_run(bed);
}

static void one_is_sent(void **state)
{
    struct api_bed *bed = *state;
    send(bed, "/api/v1/refused/entry%2D1/resend");
    assert_int_equal(bed->exchange.status, 200);
    assert_string_equal(bed->exchange.answer,
                        "{\"status\":\"success\",\"id\":\"entry-1\",\"activityId\":\"own\","
                        "\"durability\":\"local-disk\"}");
    assert_int_equal(bed->appended_count, 1);
    assert_int_equal(bed->removed, 1);
}

static void what_cannot_be_sent_is_told(void **state)
{
    struct api_bed *bed = *state;
    assert_true(bed_is_problem(send(bed, "/api/v1/refused/entry-2/resend"), 409, "cannot-resend"));
    assert_non_null(strstr(bed->exchange.answer, "it stays in the list: /userId"));
    assert_true(bed_is_problem(send(bed, "/api/v1/refused/other/resend"), 404, "no refused"));
    assert_true(bed_is_problem(send(bed, "/api/v1/refused/%ff/resend"), 400, "percent-encoded"));
    assert_true(bed_is_problem(send(bed, "/api/v1/refused/entry-1/resend?x=1"), 400, "x"));
    assert_int_equal(bed->removed, 0);
    bed->append_answer = STATUS_NO_SPACE;
    assert_true(bed_is_problem(send(bed, "/api/v1/refused/entry-1/resend"), 507, "no space"));
    bed->append_answer = STATUS_OK;
    bed->refused_answer = STATUS_UNAVAILABLE;
    assert_true(bed_is_problem(send(bed, "/api/v1/refused/entry-1/resend"), 503, "still listed"));
    bed->offload_answer = STATUS_BUSY;
    assert_true(bed_is_problem(send(bed, "/api/v1/refused/entry-1/resend"), 503, "nothing was"));
}

/* The bed's list holds bytes that are no activities. */
static void a_page_tells_what_is_kept(void **state)
{
    struct api_bed *bed = *state;
    send(bed, "/api/v1/refused/resend");
    assert_int_equal(bed->exchange.status, 200);
    assert_string_equal(bed->exchange.answer, "{\"status\":\"success\",\"resent\":0,\"kept\":[],"
                                              "\"listed\":0,\"nextCursor\":null}");
    bed->refused_count = 3;
    send(bed, "/api/v1/refused/resend?limit=2");
    const char *start = "{\"status\":\"success\",\"resent\":0,\"kept\":[{\"id\":\"entry-2\",";
    assert_true(strncmp(bed->exchange.answer, start, strlen(start)) == 0);
    assert_non_null(strstr(bed->exchange.answer, "{\"id\":\"entry-3\",\"reason\":\""));
    assert_non_null(strstr(bed->exchange.answer, "\"listed\":3,\"nextCursor\":\""));
    assert_true(
        bed_is_problem(send(bed, "/api/v1/refused/resend?limit=0"), 400, "limit must be a number"));
    assert_true(bed_is_problem(send(bed, "/api/v1/refused/resend?cursor=x"), 400, "not a cursor"));
}

static void only_posting_is_answered(void **state)
{
    struct api_bed *bed = *state;
    static const char *const targets[] = {"/api/v1/refused/resend",
                                          "/api/v1/refused/entry-1/resend"};
    for (size_t i = 0; i < ARRAY_LENGTH(targets); i++) {
        assert_int_equal(bed_get(bed, targets[i])->status, 405);
        assert_string_equal(bed->exchange.allow, "POST, OPTIONS");
    }
    assert_int_equal(send(bed, "/api/v1/refused//resend")->status, 404);
    assert_int_equal(send(bed, "/api/v1/refused/a/b/resend")->status, 404);
    assert_int_equal(send(bed, "/api/v1/refused/a/resend/")->status, 404);
    assert_int_equal(send(bed, "/api/v1/refused/aresend")->status, 404);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_is_sent),
        TEST(what_cannot_be_sent_is_told),
        TEST(a_page_tells_what_is_kept),
        TEST(only_posting_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
