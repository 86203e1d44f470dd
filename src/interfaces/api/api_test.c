/*
 * Guards what each route allows, and what the service says of itself: probes and checkpoints.
 */
#include "interfaces/api/api_bed.h"
#include "interfaces/api/api_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void other_methods_are_refused_by_the_route(void **state)
{
    struct api_bed *bed = *state;
    static const enum http_method others[] = {HTTP_METHOD_DELETE, HTTP_METHOD_PUT,
                                              HTTP_METHOD_PATCH, HTTP_METHOD_OTHER};
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        bed_request(bed, others[i], "/logs");
        assert_true(bed_is_problem(bed_run(bed), 405, "GET, HEAD, POST, OPTIONS"));
        assert_string_equal(bed->exchange.allow, "GET, HEAD, POST, OPTIONS");
    }
    assert_true(bed_is_problem(bed_post(bed, "/logs/id", BED_ONE), 405, "GET, HEAD, OPTIONS"));
    assert_true(bed_is_problem(bed_post(bed, "/livez", BED_ONE), 405, "GET, HEAD, OPTIONS"));
    assert_true(bed_is_problem(bed_get(bed, "/nowhere"), 404, "/api/v1/activities"));
    bed_request(bed, HTTP_METHOD_OPTIONS, "/api/logs/");
    assert_int_equal(bed_run(bed)->status, 204);
    assert_string_equal(bed->exchange.allow, "GET, HEAD, POST, OPTIONS");
    bed_request(bed, HTTP_METHOD_OPTIONS, "*");
    assert_int_equal(bed_run(bed)->status, 204);
    assert_string_equal(bed->exchange.allow, "GET, HEAD, POST, DELETE, OPTIONS");
}

static void unknown_parameters_are_refused_on_every_route(void **state)
{
    struct api_bed *bed = *state;
    static const char *const paths[] = {"/api/v1/activities",
                                        "/api/v1/activities/x",
                                        "/api/v1/stats",
                                        "/api/v1/checkpoint",
                                        "/api/v1/refused",
                                        "/livez",
                                        "/readyz",
                                        "/health"};
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        char target[64];
        snprintf(target, sizeof target, "%s?bogus=1", paths[i]);
        assert_true(bed_is_problem(bed_get(bed, target), 400, "bogus is not known"));
    }
    assert_true(bed_is_problem(bed_post(bed, "/logs?bogus=1", BED_ONE), 400, "bogus is not known"));
    bed_request(bed, HTTP_METHOD_DELETE, "/api/v1/users/ann?userId=ann");
    assert_true(bed_is_problem(bed_run(bed), 400, "userId is not known"));
    bed_request(bed, HTTP_METHOD_DELETE, "/api/v1/users?userid=ann");
    assert_true(bed_is_problem(bed_run(bed), 400, "userid is not known"));
}

static void users_can_only_be_asked_for_and_erased(void **state)
{
    struct api_bed *bed = *state;
    static const char *const paths[] = {"/api/v1/users", "/api/v1/users/", "/api/v1/users/ann"};
    static const enum http_method others[] = {HTTP_METHOD_POST, HTTP_METHOD_PUT, HTTP_METHOD_PATCH,
                                              HTTP_METHOD_OTHER};
    for (size_t path = 0; path < ARRAY_LENGTH(paths); path++) {
        for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
            bed_request(bed, others[i], paths[path]);
            assert_true(bed_is_problem(bed_run(bed), 405, "GET, HEAD, DELETE, OPTIONS"));
            assert_string_equal(bed->exchange.allow, "GET, HEAD, DELETE, OPTIONS");
        }
        bed_request(bed, HTTP_METHOD_DELETE, paths[path]);
        bed_run(bed);
        assert_int_equal(bed->exchange.status, path < 2 ? 400 : 503); /* nothing was replayed yet */
        assert_int_equal(bed->exchange.body_bytes_max, 0); /* so the transport refuses any body */
    }
}

static void ready_means_caught_up_and_accepting(void **state)
{
    struct api_bed *bed = *state;
    assert_true(bed_is_problem(bed_get(bed, "/readyz"), 503, "still being filled"));
    assert_int_equal(store_activities_step(bed->worker, NULL), STATUS_OK);
    assert_int_equal(bed_get(bed, "/readyz")->status, 200);
    assert_string_equal(bed->exchange.answer, "{\"status\":\"ready\"}");
    bed->log_state.accepting = STATUS_NO_SPACE; /* reads work, writes are told 507 */
    assert_int_equal(bed_get(bed, "/readyz")->status, 200);
    bed->log_state.accepting = STATUS_UNAVAILABLE;
    snprintf(bed->log_state.reason, sizeof bed->log_state.reason, "the fsync \"failed\"");
    assert_true(bed_is_problem(bed_get(bed, "/readyz"), 503, "the fsync \\\"failed\\\""));
    assert_true(bed_is_problem(bed_get(bed, "/readyz?verbose"), 503, "\"eventLog\":{"));
    bed->log_state.accepting = STATUS_OK;
    api_begin_drain(bed->api);
    assert_true(bed_is_problem(bed_get(bed, "/readyz"), 503, "shutting down"));
    assert_int_equal(bed_get(bed, "/livez")->status, 200);
    assert_true(bed_is_problem(bed_get(bed, "/livez?x=1"), 400, "the parameter x"));
}

/* An API server whose worker is elsewhere has nothing to wait for, and says nothing of one. */
static void needs_no_worker(void **state)
{
    struct api_bed *bed = *state;
    bed->api->config.worker = NULL;
    assert_int_equal(bed_get(bed, "/readyz?verbose")->status, 200);
    assert_null(strstr(bed->exchange.answer, "\"worker\""));
    assert_int_equal(bed_get(bed, "/health")->status, 200);
    assert_null(strstr(bed->exchange.answer, "\"worker\""));
    assert_non_null(strstr(bed->exchange.answer, "{\"status\":\"ok\""));
}

/* A worker of its own takes and answers nothing that belongs to an API server. */
static void a_worker_answers_probes_only(void **state)
{
    struct api_bed *bed = *state;
    assert_true(bed_is_problem(bed_get(bed, "/readyz"), 503, "still being filled"));
    bed->api->config.probes_only = true;
    assert_int_equal(bed_get(bed, "/livez")->status, 200);
    assert_int_equal(bed_get(bed, "/readyz")->status, 200); /* also before it has caught up */
    assert_int_equal(bed_get(bed, "/health")->status, 200);
    assert_true(bed_is_problem(bed_get(bed, "/api/v1/activities"), 404, "this is a worker"));
    assert_true(bed_is_problem(bed_get(bed, "/api/v1/stats?by=user"), 404, "API server"));
    assert_true(bed_is_problem(bed_post(bed, "/logs", BED_ONE), 404, "this is a worker"));
    assert_int_equal(bed->appended_count, 0);
}

/* What waits because the log itself cannot be reached is shown, and makes the service degraded. */
static void probes_show_what_waits_on_this_machine(void **state)
{
    struct api_bed *bed = *state;
    assert_int_equal(store_activities_step(bed->worker, NULL), STATUS_OK);
    bed_get(bed, "/readyz?verbose");
    assert_null(strstr(bed->exchange.answer, "spill"));
    bed->log_state.spill = (struct event_log_spill_state){
        .configured = true, .activities = 12, .bytes = 345, .bytes_max = 6789, .retry_after_s = 7};
    const char *shown = "\"missing\":0,\"spill\":{\"activities\":12,\"bytes\":345,"
                        "\"bytesMax\":6789,\"retryAfter\":7,\"state\":\"ok\"}";
    assert_int_equal(bed_get(bed, "/readyz?verbose")->status, 200);
    assert_non_null(strstr(bed->exchange.answer, shown));
    bed_get(bed, "/health");
    assert_non_null(strstr(bed->exchange.answer, shown));
    assert_non_null(strstr(bed->exchange.answer, "{\"status\":\"degraded\","));
    bed->log_state.spill.activities = 0;
    bed_get(bed, "/health");
    assert_non_null(strstr(bed->exchange.answer, "{\"status\":\"ok\","));
}

/* A place that nobody needs now, and that would take nothing, is told before it is needed. It is no
 * reason to stay away. */
static void probes_show_a_spill_that_takes_nothing(void **state)
{
    struct api_bed *bed = *state;
    assert_int_equal(store_activities_step(bed->worker, NULL), STATUS_OK);
    bed->log_state.spill = (struct event_log_spill_state){
        .configured = true, .accepting = STATUS_UNAVAILABLE, .reason = "somebody removed it"};
    const char *shown = "\"state\":\"unavailable\",\"reason\":\"somebody removed it\"}";
    assert_int_equal(bed_get(bed, "/readyz?verbose")->status, 200);
    assert_non_null(strstr(bed->exchange.answer, shown));
    assert_int_equal(bed_get(bed, "/health")->status, 200);
    assert_non_null(strstr(bed->exchange.answer, shown));
    assert_non_null(strstr(bed->exchange.answer, "{\"status\":\"degraded\","));
}

static void health_names_every_part(void **state)
{
    struct api_bed *bed = *state;
    assert_int_equal(store_activities_step(bed->worker, NULL), STATUS_OK);
    bed_post(bed, "/logs", BED_ONE);
    bed_complete(bed, STATUS_OK, 0, true);
    bed->refused_count = 4;
    bed->eraser.erasures = 3;
    bed->eraser.activities = 21;
    bed_get(bed, "/health");
    assert_int_equal(bed->exchange.status, 200);
    static const char *const parts[] = {
        "{\"status\":\"ok\",\"eventLog\":{\"kind\":\"double\"",
        "\"store\":{\"kind\":\"double\",\"durable\":false,\"activities\":17",
        "\"worker\":{\"state\":\"running\",\"pending\":0",
        "\"refused\":0,\"erased\":0,\"expired\":23}",
        "\"refused\":{\"listed\":4,\"bytes\":345,\"dropped\":6}",
        "\"requests\":{\"received\":1,\"accepted\":1,\"rejected\":0}",
        "\"erasures\":{\"count\":3,\"activities\":21}",
        "\"version\":\"9.8.7\"}",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        if (strstr(bed->exchange.answer, parts[i]) == NULL) {
            fail_msg("%s does not hold %s", bed->exchange.answer, parts[i]);
        }
    }
}

static void a_checkpoint_is_the_text_itself(void **state)
{
    struct api_bed *bed = *state;
    static const enum http_method methods[] = {HTTP_METHOD_GET, HTTP_METHOD_HEAD};
    for (size_t i = 0; i < ARRAY_LENGTH(methods); i++) {
        bed_request(bed, methods[i], "/api/v1/checkpoint");
        assert_int_equal(bed_run(bed)->status, 200);
        assert_string_equal(bed->exchange.content_type, "text/plain; charset=utf-8");
        assert_string_equal(bed->exchange.answer, BED_CHECKPOINT);
    }
}

static void a_checkpoint_that_cannot_be_had_is_told(void **state)
{
    struct api_bed *bed = *state;
    bed->sign_answer = STATUS_UNAVAILABLE;
    assert_true(bed_is_problem(bed_get(bed, "/api/v1/checkpoint"), 503, "nothing was sealed yet"));
    assert_string_equal(bed->exchange.retry_after, "5");
    bed->offload_answer = STATUS_BUSY;
    assert_true(bed_is_problem(bed_get(bed, "/api/v1/checkpoint"), 503, "more questions"));
    bed->api->config.checkpoints = NULL;
    assert_true(bed_is_problem(bed_get(bed, "/api/v1/checkpoint"), 404, "no-checkpoints"));
    assert_true(bed_is_problem(&bed->exchange, 404, "--checkpoint-key-file"));
}

static void checkpoints_are_only_read(void **state)
{
    struct api_bed *bed = *state;
    static const enum http_method others[] = {HTTP_METHOD_DELETE, HTTP_METHOD_PUT,
                                              HTTP_METHOD_PATCH, HTTP_METHOD_OTHER};
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        bed_request(bed, others[i], "/api/v1/checkpoint");
        assert_true(bed_is_problem(bed_run(bed), 405, "GET, HEAD, OPTIONS"));
        assert_string_equal(bed->exchange.allow, "GET, HEAD, OPTIONS");
    }
    assert_true(bed_is_problem(bed_post(bed, "/api/v1/checkpoint", "{}"), 405, "GET"));
    bed_request(bed, HTTP_METHOD_OPTIONS, "/api/v1/checkpoint");
    assert_int_equal(bed_run(bed)->status, 204);
    assert_string_equal(bed->exchange.allow, "GET, HEAD, OPTIONS");
    assert_true(bed_is_problem(bed_get(bed, "/api/v1/checkpoint?at=7"), 400, "the parameter at"));
    assert_true(bed_is_problem(bed_get(bed, "/api/v1/checkpoint/7"), 404, "/api/v1/activities"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(other_methods_are_refused_by_the_route),
        TEST(unknown_parameters_are_refused_on_every_route),
        TEST(users_can_only_be_asked_for_and_erased),
        TEST(ready_means_caught_up_and_accepting),
        TEST(needs_no_worker),
        TEST(a_worker_answers_probes_only),
        TEST(probes_show_what_waits_on_this_machine),
        TEST(probes_show_a_spill_that_takes_nothing),
        TEST(health_names_every_part),
        TEST(a_checkpoint_is_the_text_itself),
        TEST(a_checkpoint_that_cannot_be_had_is_told),
        TEST(checkpoints_are_only_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
