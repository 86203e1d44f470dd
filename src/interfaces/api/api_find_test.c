/*
 * Guards what questions are answered: the shapes of pages, activities and counts, the way to the
 * next page, and the words when a store says no.
 */
#include "interfaces/api/api_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void a_page_has_its_shape(void **state)
{
    struct api_bed *bed = *state;
    bed_get(bed, "/logs?userId=u&page=2");
    assert_int_equal(bed->exchange.status, 200);
    assert_string_equal(
        bed->exchange.answer,
        "{\"status\":\"success\",\"results\":1,\"page\":2,\"data\":[{\"id\":\"row-1\","
        "\"userId\":\"u\",\"action\":\"a\",\"timestamp\":\"1970-01-01T00:00:00.000Z\","
        "\"metadata\":{}}],\"nextCursor\":null}");
    assert_string_equal(bed->exchange.link, "");
    bed->rows = 0;
    bed_request(bed, HTTP_METHOD_HEAD, "/api/v1/activities");
    bed_run(bed);
    assert_string_equal(bed->exchange.answer,
                        "{\"status\":\"success\",\"results\":0,\"page\":1,\"data\":[],"
                        "\"nextCursor\":null}");
}

static void a_page_may_tell_how_many_there_are(void **state)
{
    struct api_bed *bed = *state;
    bed->more = true;
    bed->counted = UINT64_C(12345678901);
    bed_get(bed, "/logs?count=true&limit=1");
    assert_int_equal(bed->exchange.status, 200);
    assert_non_null(strstr(bed->exchange.answer, "\",\"count\":12345678901}"));
    assert_non_null(strstr(bed->exchange.link, "count=true&limit=1&cursor="));
    bed->more = false;
    bed_get(bed, "/logs?count=true");
    assert_int_equal(bed->exchange.status, 200);
    assert_non_null(strstr(bed->exchange.answer, "\"nextCursor\":null,\"count\":1}"));
    bed_get(bed, "/logs?count=false");
    assert_null(strstr(bed->exchange.answer, "count"));
}

/* All that is asked for and not written. */
static const char *const tagged[] = {"/logs?limit=1",
                                     "/logs/row-1",
                                     "/api/v1/stats?by=action",
                                     "/api/v1/users/u",
                                     "/api/v1/users/u/activities",
                                     "/api/v1/refused"};

static void ask_unless(struct api_bed *bed, enum http_method method, const char *target,
                       const char *tags)
{
    bed_request(bed, method, target);
    bed_add_header(bed, STR("If-None-Match"), tags);
    bed_run(bed);
}

/* Who has an answer already is told so, and gets it as soon as it is another one. */
static void an_answer_that_is_known_is_not_sent_again(void **state)
{
    struct api_bed *bed = *state;
    struct activity_group time = {.start_ms = 1, .count = 1};
    bed->counted = 1;
    bed->times = (struct activity_tally){.groups = &time, .count = 1};
    for (size_t i = 0; i < ARRAY_LENGTH(tagged); i++) {
        char tags[128];
        bed_get(bed, tagged[i]);
        assert_int_equal(bed->exchange.status, 200);
        assert_int_equal(strlen(bed->exchange.etag), 34);
        assert_string_equal(bed->exchange.cache_control, "private, no-cache");
        snprintf(tags, sizeof tags, "\"other\", W/%s", bed->exchange.etag);
        ask_unless(bed, HTTP_METHOD_GET, tagged[i], tags);
        assert_int_equal(bed->exchange.status, 304);
        assert_string_equal(bed->exchange.etag, strstr(tags, "/\"") + 1);
        assert_string_equal(bed->exchange.cache_control, "private, no-cache");
        assert_string_equal(bed->exchange.content_type, "");
        assert_string_equal(bed->exchange.link, "");
        ask_unless(bed, HTTP_METHOD_HEAD, tagged[i], "*");
        assert_int_equal(bed->exchange.status, 304);
        ask_unless(bed, HTTP_METHOD_GET, tagged[i], "\"other\"");
        assert_int_equal(bed->exchange.status, 200);
    }
}

static void another_answer_has_another_tag(void **state)
{
    struct api_bed *bed = *state;
    char first[64];
    bed_get(bed, "/logs?limit=1");
    snprintf(first, sizeof first, "%s", bed->exchange.etag);
    bed->row.timestamp_ms = 1;
    ask_unless(bed, HTTP_METHOD_GET, "/logs?limit=1", first);
    assert_int_equal(bed->exchange.status, 200);
    assert_string_not_equal(bed->exchange.etag, first);
    /* What is no answer has none. */
    ask_unless(bed, HTTP_METHOD_GET, "/logs/nothing", "*");
    assert_int_equal(bed->exchange.status, 404);
    assert_string_equal(bed->exchange.etag, "");
}

static void the_link_leads_to_the_next_page(void **state)
{
    struct api_bed *bed = *state;
    bed->more = true;
    bed_get(bed, "/api/logs?page=1&userId=u&limit=1");
    const char *begin = "</api/logs?userId=u&limit=1&cursor=";
    assert_memory_equal(bed->exchange.link, begin, strlen(begin));
    assert_non_null(strstr(bed->exchange.link, ">; rel=\"next\""));
    char target[512];
    snprintf(target, sizeof target, "%.*s", (int)strcspn(bed->exchange.link + 1, ">"),
             bed->exchange.link + 1);
    bed_get(bed, target);
    assert_int_equal(bed->exchange.status, 200);
    assert_non_null(strstr(bed->exchange.answer, "\"page\":null"));
}

/* In each of these a receipt can be named. */
static const char *const readers[] = {"/logs?after=%s", "/logs/row-1?after=%s",
                                      "/api/v1/stats?by=action&after=%s"};

static void ask_after(struct api_bed *bed, const char *target, const char *receipt)
{
    char text[512];
    snprintf(text, sizeof text, target, receipt);
    bed_get(bed, text);
}

static void a_question_waits_for_its_receipt(void **state)
{
    struct api_bed *bed = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(readers); i++) {
        int64_t offset = 10 + (int64_t)i;
        ask_after(bed, readers[i], bed_receipt(7, offset));
        assert_int_equal(bed->exchange.answers, 0);
        bed_store(bed, offset, true);
        assert_int_equal(bed->exchange.answers, 0);
        bed_store(bed, offset + 1, true);
        assert_int_equal(bed->exchange.status, 200);
        ask_after(bed, readers[i], bed_receipt(7, offset));
        assert_int_equal(bed->exchange.status, 200);
    }
}

/* What waited is not part of the time that a question may take. */
static void a_question_has_its_time_behind_the_wait(void **state)
{
    struct api_bed *bed = *state;
    ask_after(bed, readers[0], bed_receipt(7, 3));
    bed->now_ns += UINT64_C(7000000000);
    bed_store(bed, 4, true);
    assert_int_equal(bed->exchange.status, 200);
    assert_int_equal(bed->find_deadline_ns, bed->now_ns + UINT64_C(1000000000));
}

static void a_receipt_that_cannot_be_waited_for_is_told(void **state)
{
    struct api_bed *bed = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(readers); i++) {
        ask_after(bed, readers[i], "");
        assert_true(bed_is_problem(&bed->exchange, 400, "after: this is not a receipt"));
        ask_after(bed, readers[i], "x");
        assert_true(bed_is_problem(&bed->exchange, 400, "after: this is not a receipt"));
        ask_after(bed, readers[i], bed_receipt(8, 3));
        assert_true(bed_is_problem(&bed->exchange, 400, "of another event log"));
    }
    ask_after(bed, readers[0], bed_receipt(7, 3));
    struct http_exchange waiting = bed->exchange; /* there is room for one */
    ask_after(bed, readers[0], bed_receipt(7, 3));
    assert_true(bed_is_problem(&bed->exchange, 503, "more receipts"));
    bed->exchange = waiting;
    bed_store(bed, 4, false); /* nobody is there any more */
    assert_int_equal(bed->exchange.answers, 0);
}

static void what_is_not_stored_in_time_is_told(void **state)
{
    struct api_bed *bed = *state;
    ask_after(bed, readers[0], bed_receipt(7, 3));
    bed->now_ns += UINT64_C(2000000); /* it may wait for one of these milliseconds */
    assert_int_equal(await_stored_start(bed->waits, NULL), STATUS_OK);
    bed_run_awaited(bed);
    assert_true(bed_is_problem(&bed->exchange, 503, "not-yet-stored"));
    assert_string_equal(bed->exchange.retry_after, "1");
}

static void a_failed_question_is_told(void **state)
{
    struct api_bed *bed = *state;
    assert_true(
        bed_is_problem(bed_get(bed, "/logs?user=x"), 400, "the parameter user is not known"));
    assert_true(bed_is_problem(bed_get(bed, "/logs?cursor=x"), 400, "not a cursor"));
    assert_true(bed_is_problem(bed_get(bed, "/logs?page=1000000"), 400, "cursor"));
    assert_true(bed_is_problem(bed_get(bed, "/api/v1/stats"), 400,
                               "by must be action, user, minute, hour, day"));
    bed->find_answer = STATUS_TIMED_OUT;
    assert_true(bed_is_problem(bed_get(bed, "/logs"), 503, "the store says no"));
    assert_string_equal(bed->exchange.retry_after, "5");
    bed->find_answer = STATUS_CORRUPT;
    assert_true(bed_is_problem(bed_get(bed, "/logs"), 500, "the store says no"));
    bed->find_answer = STATUS_TOO_LARGE;
    assert_true(bed_is_problem(bed_get(bed, "/api/v1/stats?by=user"), 400, "the store says no"));
    bed->offload_answer = STATUS_BUSY;
    assert_true(bed_is_problem(bed_get(bed, "/logs"), 503, "more questions"));
    assert_true(bed_is_problem(bed_get(bed, "/logs/row-1"), 503, "more questions"));
    assert_true(bed_is_problem(bed_get(bed, "/api/v1/stats?by=user"), 503, "more questions"));
    assert_true(bed_is_problem(bed_get(bed, "/health"), 503, "cannot be told"));
}

/* Or the last of many questions would take many times what one may. */
static void waiting_is_part_of_the_time_of_a_question(void **state)
{
    struct api_bed *bed = *state;
    const uint64_t second_ns = UINT64_C(1000000000); /* what the bed gives a question */
    bed->pool_wait_ns = 3 * second_ns;
    uint64_t asked_ns = bed->now_ns;
    bed_get(bed, "/logs");
    assert_int_equal(bed->find_deadline_ns, asked_ns + second_ns);
    asked_ns = bed->now_ns;
    bed_get(bed, "/api/v1/stats?by=action");
    assert_int_equal(bed->tally_asked.deadline_ns, asked_ns + second_ns);
}

static void one_activity_by_its_id(void **state)
{
    struct api_bed *bed = *state;
    bed_get(bed, "/api/v1/activities/row%2D1");
    assert_int_equal(bed->exchange.status, 200);
    assert_memory_equal(bed->exchange.answer, "{\"id\":\"row-1\",", 14);
    assert_true(bed_is_problem(bed_get(bed, "/logs/other"), 404, "no such activity"));
    assert_true(bed_is_problem(bed_get(bed, "/logs/a%2Fb"), 404, "no such activity"));
    assert_true(bed_is_problem(bed_get(bed, "/logs/%zz"), 404, "no activity with this id"));
    assert_true(bed_is_problem(bed_get(bed, "/logs/%ff"), 404, "no activity with this id"));
    assert_true(bed_is_problem(bed_get(bed, "/logs/row-1?fields=id"), 400, "fields"));
}

static void counts_have_their_shape(void **state)
{
    struct api_bed *bed = *state;
    struct activity_group named[] = {{.name = STR("a"), .count = 12},
                                     {.name = STR("c"), .count = 1}};
    bed->tally = (struct activity_tally){.groups = named, .count = 2, .more = true};
    bed_get(bed, "/api/v1/stats?by=action&limit=2&userId=u");
    assert_string_equal(bed->exchange.content_type, "application/json");
    assert_string_equal(bed->exchange.answer,
                        "{\"status\":\"success\",\"by\":\"action\",\"data\":[{\"key\":\"a\","
                        "\"count\":12},{\"key\":\"c\",\"count\":1}],\"more\":true}");
    assert_int_equal(bed->tally_asked.limit, 2);
    assert_int_equal(bed->tally_asked.filter.user_ids.count, 1);
    struct activity_group hour = {.start_ms = INT64_C(1768431600000), .count = 3};
    bed->tally = (struct activity_tally){.groups = &hour, .count = 1};
    bed_get(bed, "/api/v1/stats?by=hour");
    assert_string_equal(bed->exchange.answer,
                        "{\"status\":\"success\",\"by\":\"hour\",\"data\":["
                        "{\"key\":\"2026-01-14T23:00:00.000Z\",\"count\":3}],\"more\":false}");
    bed->tally = (struct activity_tally){0};
    bed_request(bed, HTTP_METHOD_HEAD, "/api/v1/stats?by=day");
    bed_run(bed);
    assert_string_equal(bed->exchange.answer,
                        "{\"status\":\"success\",\"by\":\"day\",\"data\":[],\"more\":false}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_page_has_its_shape),
        TEST(a_page_may_tell_how_many_there_are),
        TEST(an_answer_that_is_known_is_not_sent_again),
        TEST(another_answer_has_another_tag),
        TEST(the_link_leads_to_the_next_page),
        TEST(a_question_waits_for_its_receipt),
        TEST(a_question_has_its_time_behind_the_wait),
        TEST(a_receipt_that_cannot_be_waited_for_is_told),
        TEST(what_is_not_stored_in_time_is_told),
        TEST(a_failed_question_is_told),
        TEST(one_activity_by_its_id),
        TEST(waiting_is_part_of_the_time_of_a_question),
        TEST(one_activity_by_its_id),
        TEST(counts_have_their_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
