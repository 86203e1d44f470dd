/*
 * Guards what a POST is answered: at once where it is refused, later where the log took it, by what
 * the log says then; and that every activity is counted once.
 */
#include "application/receipt.h"
#include "interfaces/api/api_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void expect_counted(const struct api_bed *bed, uint64_t received, uint64_t accepted,
                           uint64_t rejected)
{
    assert_int_equal(bed->recorder.counters.received, received);
    assert_int_equal(bed->recorder.counters.accepted, accepted);
    assert_int_equal(bed->recorder.counters.rejected, rejected);
}

static void answers_202_when_the_log_is_durable(void **state)
{
    struct api_bed *bed = *state;
    bed_post(bed, "/logs", "{\"userId\":\"101\",\"action\":\"login\"}");
    assert_int_equal(bed->exchange.body_bytes_max, BED_BODY_MAX);
    assert_int_equal(bed->exchange.answers, 0);
    expect_counted(bed, 0, 0, 0);
    bed_complete(bed, STATUS_OK, 41, true);
    assert_int_equal(bed->exchange.status, 202);
    assert_string_equal(bed->exchange.content_type, "application/json");
    char expected[512];
    struct buffer receipt;
    buffer_init(&receipt, 1024);
    receipt_encode(bed->result_log_id, &(struct position){0, 41}, 1, &receipt);
    snprintf(expected, sizeof expected,
             "{\"status\":\"success\",\"message\":\"Log queued successfully\",\"id\":\"%.*s\","
             "\"durability\":\"local-disk\",\"receipt\":\"%.*s\"}",
             STR_FORMAT(bed->appended[0].id), STR_FORMAT(buffer_str(&receipt)));
    assert_string_equal(bed->exchange.answer, expected);
    buffer_deinit(&receipt);
    expect_counted(bed, 1, 1, 0);
}

/* A batch that touches several partitions has all of them in its receipt, and what carried them is
 * released whether or not the client is still there. */
static void a_receipt_names_every_partition(void **state)
{
    struct api_bed *bed = *state;
    static const struct position reached[] = {{0, 41}, {7, 42}};
    bed->several_partitions = true;
    bed_post(bed, "/logs", "[" BED_ONE "]");
    bed_complete(bed, STATUS_OK, 41, false);
    bed_post(bed, "/logs", "[" BED_ONE "]");
    bed_complete(bed, STATUS_OK, 41, true);
    struct buffer receipt;
    buffer_init(&receipt, 1024);
    receipt_encode(bed->result_log_id, reached, ARRAY_LENGTH(reached), &receipt);
    buffer_append_char(&receipt, '\0');
    assert_non_null(strstr(bed->exchange.answer, receipt.data));
    buffer_deinit(&receipt);
}

static void rejects_items_one_by_one(void **state)
{
    struct api_bed *bed = *state;
    bed_post(bed, "/api/v1/activities",
             "[" BED_ONE ",{\"userId\":\"u\"},7,{\"userId\":\"v\",\"action\":\"b\","
             "\"id\":\"two\"}]");
    assert_int_equal(bed->appended_count, 2);
    bed_complete(bed, STATUS_OK, 5, true);
    assert_int_equal(bed->exchange.status, 202);
    assert_non_null(strstr(bed->exchange.answer,
                           "{\"status\":\"success\",\"accepted\":2,\"rejected\":2,"
                           "\"durability\":\"local-disk\",\"receipt\":\""));
    assert_non_null(strstr(bed->exchange.answer,
                           "\"results\":[{\"index\":0,\"id\":\"own\"},{\"index\":1,"
                           "\"error\":{\"type\":\"/problems/invalid-activity\""));
    assert_non_null(strstr(bed->exchange.answer, "\"pointer\":\"/action\""));
    assert_non_null(strstr(bed->exchange.answer, "{\"index\":3,\"id\":\"two\"}]}"));
    expect_counted(bed, 4, 2, 2);
}

static void bad_bodies_are_told(void **state)
{
    struct api_bed *bed = *state;
    assert_true(bed_is_problem(bed_post(bed, "/logs", "{\"userId\":\"u\"}"), 400,
                               "\"pointer\":\"/action\""));
    assert_true(bed_is_problem(bed_post(bed, "/logs", "{\"userId\":\"u\"}"), 400,
                               "\"message\":\"action: is required\""));
    assert_true(bed_is_problem(bed_post(bed, "/logs", ""), 400, "no JSON"));
    assert_true(bed_is_problem(bed_post(bed, "/logs", "{"), 400, "not JSON"));
    expect_counted(bed, 4, 0, 4);
    assert_true(bed_is_problem(bed_post(bed, "/logs", "[]"), 400, "empty"));
    assert_true(bed_is_problem(bed_post(bed, "/logs", "[" BED_ONE), 400, "not a JSON array"));
    expect_counted(bed, 4, 0, 4);
    assert_true(bed_is_problem(bed_post(bed, "/logs", "[7,8]"), 400, "nothing-accepted"));
    assert_true(bed_is_problem(bed_post(bed, "/logs", "[7,8]"), 400,
                               "\"accepted\":0,\"rejected\":2,\"results\":[{"));
    expect_counted(bed, 8, 0, 8);
    assert_true(bed_is_problem(bed_post(bed, "/logs", "[1,2,3,4,5,6]"), 413, "at most 5"));
    assert_int_equal(bed->appended_count, 0);
}

static void an_activity_that_is_too_large_is_413(void **state)
{
    struct api_bed *bed = *state;
    char body[2048];
    snprintf(body, sizeof body, "{\"userId\":\"%0*d\",\"action\":\"a\"}", 1500, 1);
    assert_true(bed_is_problem(bed_post(bed, "/logs", body), 413, "1024 bytes"));
}

struct failure_case {
    enum status status;
    int answer;
    const char *retry_after;
};

/* Whether the log says no at once or later. */
static void a_log_that_says_no_is_told(void **state)
{
    struct api_bed *bed = *state;
    static const struct failure_case cases[] = {
        {STATUS_BUSY, 503, "1"},      {STATUS_UNAVAILABLE, 503, "5"}, {STATUS_TIMED_OUT, 503, "5"},
        {STATUS_NO_SPACE, 507, "30"}, {STATUS_NO_MEMORY, 503, "1"},   {STATUS_TOO_LARGE, 413, ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        bed->append_answer = cases[i].status;
        bed_post(bed, "/logs", "[" BED_ONE ",7]");
        assert_int_equal(bed->exchange.status, cases[i].answer);
        assert_string_equal(bed->exchange.retry_after, cases[i].retry_after);
        bed->append_answer = STATUS_OK;
        bed_post(bed, "/logs", BED_ONE);
        bed_complete(bed, cases[i].status, 0, true);
        assert_int_equal(bed->exchange.status, cases[i].answer);
    }
    expect_counted(bed, 3 * ARRAY_LENGTH(cases), 0, 3 * ARRAY_LENGTH(cases));
}

struct measured_case {
    unsigned measured_s;
    const char *retry_after;
};

/* A log that knows when it will have room again says so, within reason. */
static void a_log_that_knows_says_when_to_come_back(void **state)
{
    struct api_bed *bed = *state;
    static const struct measured_case cases[] = {{1, "1"}, {42, "42"}, {99999, "3600"}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        bed->log_state.retry_after_s = cases[i].measured_s;
        bed->append_answer = STATUS_UNAVAILABLE;
        bed_post(bed, "/logs", BED_ONE);
        assert_string_equal(bed->exchange.retry_after, cases[i].retry_after);
        bed->append_answer = STATUS_OK;
        bed_post(bed, "/logs", BED_ONE);
        bed_complete(bed, STATUS_UNAVAILABLE, 0, true);
        assert_string_equal(bed->exchange.retry_after, cases[i].retry_after);
    }
    bed->log_state.retry_after_s = 77;
    bed->append_answer = STATUS_NO_SPACE;
    bed_post(bed, "/logs", BED_ONE);
    assert_string_equal(bed->exchange.retry_after, "77");
    bed->append_answer = STATUS_TOO_LARGE;
    bed_post(bed, "/logs", BED_ONE);
    assert_string_equal(bed->exchange.retry_after, "");
}

static void a_client_that_left_harms_nothing(void **state)
{
    struct api_bed *bed = *state;
    bed_post(bed, "/logs", BED_ONE);
    bed_complete(bed, STATUS_OK, 1, false);
    assert_int_equal(bed->exchange.answers, 0);
    assert_true(bed->recorder.counters.received ==
                bed->recorder.counters.accepted + bed->recorder.counters.rejected);
}

static void kinds_of_bodies_are_checked_before_they_are_read(void **state)
{
    struct api_bed *bed = *state;
    static const char *const fine[] = {"application/json",
                                       "Application/JSON",
                                       "application/json; charset=utf-8",
                                       "application/json;charset=\"UTF-8\" ; x=y",
                                       "text/plain",
                                       "text/plain;charset=UTF-8"};
    static const char *const wrong[] = {"text/html",
                                        "text/plain; charset=latin1",
                                        "application/jsonx",
                                        "application/cloudevents+avro",
                                        "application/json5",
                                        "application/json; charset=latin1",
                                        "",
                                        "json",
                                        "multipart/form-data"};
    for (size_t i = 0; i < ARRAY_LENGTH(fine); i++) {
        bed_request(bed, HTTP_METHOD_POST, "/logs");
        bed_set_body(bed, BED_ONE);
        bed_add_header(bed, STR("CONTENT-TYPE"), fine[i]);
        bed_add_header(bed, STR("Content-Encoding"), "identity");
        assert_int_equal(bed_run(bed)->answers, 0);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        bed_request(bed, HTTP_METHOD_POST, "/logs");
        bed_set_body(bed, BED_ONE);
        bed_add_header(bed, STR("content-type"), wrong[i]);
        assert_true(bed_is_problem(bed_run(bed), 415, "application/json"));
        assert_int_equal(bed->exchange.body_bytes_max, 0);
    }
    bed_request(bed, HTTP_METHOD_POST, "/logs");
    bed_set_body(bed, BED_ONE);
    bed_add_header(bed, STR("content-encoding"), "br");
    assert_true(bed_is_problem(bed_run(bed), 415, "Content-Encoding"));
    bed_request(bed, HTTP_METHOD_POST, "/logs");
    assert_true(bed_is_problem(bed_run(bed), 411, "Content-Length"));
}

static void post_takes_no_other_parameters(void **state)
{
    struct api_bed *bed = *state;
    assert_true(bed_is_problem(bed_post(bed, "/logs?dryrun=1", BED_ONE), 400,
                               "the parameter dryrun is not known"));
    assert_true(bed_is_problem(bed_post(bed, "/logs?\xff=1", BED_ONE), 400, "not known"));
    assert_null(strchr(bed->exchange.answer, '\xff'));
    assert_int_equal(bed->appended_count, 0);
}

static struct str post_with_key(struct api_bed *bed, const char *key, const char *body)
{
    bed_request(bed, HTTP_METHOD_POST, "/logs");
    bed_set_body(bed, body);
    bed_add_header(bed, STR("Idempotency-Key"), key);
    bed_run(bed);
    assert_int_equal(bed->exchange.answers, 0);
    return bed->appended[0].id;
}

/* The same request has the same ids, and everything else has others. */
static void a_named_request_has_ids_of_its_own(void **state)
{
    struct api_bed *bed = *state;
    static const char item[] = "{\"userId\":\"u\",\"action\":\"a\"}";
    char first[UUID_TEXT_BYTES];
    memcpy(first, post_with_key(bed, "\"k\"", item).data, sizeof first);
    struct str same = {first, sizeof first};
    assert_int_equal(first[14], '8');
    assert_true(str_equal(post_with_key(bed, "\"k\"", item), same));
    assert_true(str_equal(
        post_with_key(bed, "\"k\"", " \r\n{\"userId\":\"u\",\"action\":\"a\"}\t "), same));
    assert_true(
        str_equal(post_with_key(bed, "\"k\"", "[{\"userId\":\"u\",\"action\":\"a\"}]"), same));
    assert_false(str_equal(post_with_key(bed, "\"l\"", item), same));
    assert_false(
        str_equal(post_with_key(bed, "\"k\"", "{\"userId\":\"u\", \"action\":\"a\"}"), same));
    post_with_key(
        bed, "\"k\"",
        "[{\"userId\":\"u\",\"action\":\"a\"},7,{\"userId\":\"u\",\"action\":\"a\"}," BED_ONE "]");
    assert_int_equal(bed->appended_count, 3);
    assert_true(str_equal(bed->appended[0].id, same));
    assert_false(str_equal(bed->appended[1].id, same));
    assert_true(str_equal(bed->appended[2].id, STR("own")));
    bed_request(bed, HTTP_METHOD_POST, "/logs");
    bed_set_body(bed, item);
    bed_add_header(bed, STR("Idempotency-Key"), "k");
    assert_true(bed_is_problem(bed_run(bed), 400, "double quotes"));
}

static void a_dry_run_says_all_and_does_nothing(void **state)
{
    struct api_bed *bed = *state;
    assert_int_equal(bed_post(bed, "/logs?dry_run=1", BED_ONE)->status, 200);
    assert_string_equal(bed->exchange.answer,
                        "{\"status\":\"success\",\"message\":\"Nothing was queued, this was a dry "
                        "run\",\"id\":\"own\",\"dryRun\":true}");
    assert_int_equal(bed_post(bed, "/logs?dry_run=true", "[" BED_ONE ",7]")->status, 200);
    assert_non_null(strstr(bed->exchange.answer, "{\"status\":\"success\",\"accepted\":1,"
                                                 "\"rejected\":1,\"dryRun\":true,\"results\":[{"
                                                 "\"index\":0,\"id\":\"own\"},{\"index\":1,"
                                                 "\"error\":{"));
    assert_true(bed_is_problem(bed_post(bed, "/logs?dry_run=1", "7"), 400, "\"dryRun\":true"));
    assert_true(bed_is_problem(bed_post(bed, "/logs?dry_run=1", "[7]"), 400, "\"dryRun\":true"));
    assert_true(bed_is_problem(bed_post(bed, "/logs?dry_run=1", "[7"), 400, "not a JSON array"));
    assert_int_equal(bed->appended_count, 0);
    expect_counted(bed, 0, 0, 0);
    assert_int_equal(bed_post(bed, "/logs?dry_run=0", BED_ONE)->answers, 0);
    assert_int_equal(bed->appended_count, 1);
    static const char *const wrong[] = {"/logs?dry_run", "/logs?dry_run=", "/logs?dry_run=yes",
                                        "/logs?dry_run=1&dry_run=1"};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_true(bed_is_problem(bed_post(bed, wrong[i], BED_ONE), 400, "dry_run must be"));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_202_when_the_log_is_durable),
        TEST(a_receipt_names_every_partition),
        TEST(rejects_items_one_by_one),
        TEST(bad_bodies_are_told),
        TEST(an_activity_that_is_too_large_is_413),
        TEST(a_log_that_says_no_is_told),
        TEST(a_log_that_knows_says_when_to_come_back),
        TEST(a_client_that_left_harms_nothing),
        TEST(kinds_of_bodies_are_checked_before_they_are_read),
        TEST(post_takes_no_other_parameters),
        TEST(a_named_request_has_ids_of_its_own),
        TEST(a_dry_run_says_all_and_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
