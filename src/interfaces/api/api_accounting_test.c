/*
 * Guards what is told of the sums: their shape, that they say when they do not add up and by how
 * much, and that Prometheus can read them.
 */
#include "interfaces/api/api_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LOG_ID "07000000-0000-0000-0000-000000000000"

static void raise_to(struct position_set *set, int32_t partition, int64_t offset)
{
    assert_int_equal(position_set_raise(set, (struct position){partition, offset}), STATUS_OK);
}

/* Of the bed's log: positions 10 to 30 of one partition, 5 to 6 of another, each with its outcome.
 */
static struct log_coverage *fill(struct api_bed *bed)
{
    struct log_coverage *log;
    assert_int_equal(coverage_log(&bed->accounts, bed->log_state.log_id, &log), STATUS_OK);
    raise_to(&log->starts, 0, 10);
    raise_to(&log->positions, 0, 30);
    raise_to(&log->starts, 3, 5);
    raise_to(&log->positions, 3, 6);
    log->counts =
        (struct log_counts){.outcomes = {10, 4, 3, 2, 1, 1}, .foreign = 6, .replayed = 77};
    raise_to(&bed->log_end, 0, 33);
    raise_to(&bed->log_end, 3, 6);
    raise_to(&bed->log_end, 4, 100);
    return log;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("%s is not in %s", part, text);
    }
}

static void sums_have_their_shape(void **state)
{
    struct api_bed *bed = *state;
    fill(bed);
    record_activities_count(&bed->recorder, 9, 7, 2);
    record_activities_count_resent(&bed->recorder, 1);
    bed_get(bed, "/api/v1/accounting");
    assert_int_equal(bed->exchange.status, 200);
    assert_string_equal(bed->exchange.content_type, "application/json");
    assert_string_equal(
        bed->exchange.answer,
        "{\"status\":\"success\",\"closes\":true,"
        "\"edge\":{\"since\":\"2026-01-14T23:58:05.442Z\",\"received\":9,\"accepted\":7,"
        "\"rejected\":2,\"resent\":1,\"closes\":true,\"difference\":0},"
        "\"logs\":[{\"logId\":\"" LOG_ID "\",\"inUse\":true,\"positions\":124,"
        "\"stored\":10,\"duplicate\":4,\"conflict\":3,\"refused\":2,\"erased\":1,"
        "\"empty\":1,\"pending\":103,\"closes\":true,\"difference\":0,\"foreign\":6,"
        "\"replayed\":77,\"partitions\":["
        "{\"partition\":0,\"start\":10,\"covered\":30,\"end\":33},"
        "{\"partition\":3,\"start\":5,\"covered\":6,\"end\":6}]}],"
        "\"minutesKept\":60,\"minutes\":[{\"minute\":\"2026-01-14T23:58:00.000Z\","
        "\"received\":9,\"accepted\":7,\"rejected\":2,\"resent\":1,\"stored\":0,"
        "\"duplicate\":0,\"conflict\":0,\"refused\":0,\"erased\":0,\"redelivered\":0}]}");
}

static void nothing_adds_up_too(void **state)
{
    struct api_bed *bed = *state;
    bed_get(bed, "/api/v1/accounting");
    assert_has(bed->exchange.answer, "\"closes\":true,\"edge\":");
    assert_has(bed->exchange.answer,
               "\"logs\":[{\"logId\":\"" LOG_ID "\",\"inUse\":true,\"positions\":0,");
    assert_has(bed->exchange.answer, "\"partitions\":[]}],\"minutesKept\":60,\"minutes\":[]}");
}

/* The first: the sum has one too few. The second: one too many. */
static void what_does_not_add_up_is_told(void **state)
{
    struct api_bed *bed = *state;
    struct log_coverage *log = fill(bed);
    log->counts.outcomes[OUTCOME_STORED] = 9;
    bed_get(bed, "/api/v1/accounting");
    assert_has(bed->exchange.answer, "{\"status\":\"success\",\"closes\":false,");
    assert_has(bed->exchange.answer,
               "\"positions\":124,\"stored\":9,\"duplicate\":4,\"conflict\":3,\"refused\":2,"
               "\"erased\":1,\"empty\":1,\"pending\":103,\"closes\":false,\"difference\":1");
    bed_get(bed, "/metrics");
    assert_has(bed->exchange.answer, "usertrail_accounting_difference{log=\"" LOG_ID "\"} 1\n");
    log->counts.outcomes[OUTCOME_STORED] = 11;
    bed_get(bed, "/api/v1/accounting");
    assert_has(bed->exchange.answer, "\"closes\":false,\"difference\":-1,\"foreign\"");
    log->counts.outcomes[OUTCOME_STORED] = 10;
    record_activities_count(&bed->recorder, 5, 3, 0);
    bed_get(bed, "/api/v1/accounting");
    assert_has(bed->exchange.answer, "{\"status\":\"success\",\"closes\":false,");
    assert_has(bed->exchange.answer, "\"resent\":0,\"closes\":false,\"difference\":2}");
}

/* What came before the log in use is told behind it, and has nothing pending that anybody knows. */
static void other_logs_follow(void **state)
{
    struct api_bed *bed = *state;
    struct log_coverage *log;
    const struct uuid other = {{1}};
    assert_int_equal(coverage_log(&bed->accounts, other, &log), STATUS_OK);
    raise_to(&log->starts, 0, 0);
    raise_to(&log->positions, 0, 4);
    log->counts.outcomes[OUTCOME_STORED] = 4;
    fill(bed);
    bed_get(bed, "/api/v1/accounting");
    assert_has(bed->exchange.answer, "\"logs\":[{\"logId\":\"" LOG_ID "\"");
    assert_has(bed->exchange.answer,
               "{\"logId\":\"01000000-0000-0000-0000-000000000000\",\"inUse\":false,"
               "\"positions\":4,\"stored\":4,");
    assert_has(bed->exchange.answer, "{\"partition\":0,\"start\":0,\"covered\":4}");
}

static void prometheus_reads_them(void **state)
{
    struct api_bed *bed = *state;
    fill(bed);
    record_activities_count(&bed->recorder, 9, 7, 2);
    bed_get(bed, "/metrics");
    assert_int_equal(bed->exchange.status, 200);
    assert_string_equal(bed->exchange.content_type, "text/plain; version=0.0.4; charset=utf-8");
    assert_has(bed->exchange.answer, "# TYPE usertrail_received_activities_total counter\n"
                                     "usertrail_received_activities_total 9\n");
    assert_has(bed->exchange.answer,
               "usertrail_answered_activities_total{answer=\"accepted\"} 7\n");
    assert_has(bed->exchange.answer,
               "usertrail_activities_total{log=\"" LOG_ID "\",outcome=\"stored\"} 10\n");
    assert_has(bed->exchange.answer, "# TYPE usertrail_pending_activities gauge\n"
                                     "usertrail_pending_activities{log=\"" LOG_ID "\"} 103\n");
    for (const char *line = bed->exchange.answer; *line != '\0'; line = strchr(line, '\n') + 1) {
        assert_non_null(strchr(line, '\n'));
        assert_true(strncmp(line, "# ", 2) == 0 || strncmp(line, "usertrail_", 10) == 0);
    }
}

static void a_store_that_is_away_is_told(void **state)
{
    struct api_bed *bed = *state;
    bed->find_answer = STATUS_UNAVAILABLE;
    assert_true(bed_is_problem(bed_get(bed, "/api/v1/accounting"), 503, "the store says no"));
    assert_true(bed_is_problem(bed_get(bed, "/api/v1/accounting?x=1"), 400, "the parameter x"));
    assert_true(bed_is_problem(bed_get(bed, "/metrics?x=1"), 400, "the parameter x"));
}

static void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part) != NULL) {
        fail_msg("%s is in %s", part, text);
    }
}

/* Somebody looks just then: whatever needs no store is there, and what a store said before it went
 * away is not told as if it were still so. */
static void metrics_do_without_a_store(void **state)
{
    struct api_bed *bed = *state;
    fill(bed);
    record_activities_count(&bed->recorder, 9, 7, 2);
    bed->find_answer = STATUS_UNAVAILABLE;
    bed_get(bed, "/metrics");
    assert_int_equal(bed->exchange.status, 200);
    assert_has(bed->exchange.answer, "\nusertrail_store_answering 0\n");
    assert_has(bed->exchange.answer, "\nusertrail_received_activities_total 9\n");
    assert_has(bed->exchange.answer, "\nusertrail_worker_lag_activities ");
    assert_lacks(bed->exchange.answer, "usertrail_activities_total");
    assert_lacks(bed->exchange.answer, "usertrail_store_activities");
    bed->find_answer = STATUS_OK;
    bed->now_ns += UINT64_C(9999000000);
    bed_get(bed, "/metrics");
    assert_has(bed->exchange.answer, "\nusertrail_store_answering 0\n");
    bed->now_ns += UINT64_C(1000000);
    bed_get(bed, "/metrics");
    assert_has(bed->exchange.answer, "\nusertrail_store_answering 1\n");
    assert_has(bed->exchange.answer, "outcome=\"stored\"} 10\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sums_have_their_shape),        TEST(nothing_adds_up_too),
        TEST(what_does_not_add_up_is_told), TEST(other_logs_follow),
        TEST(prometheus_reads_them),        TEST(a_store_that_is_away_is_told),
        TEST(metrics_do_without_a_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
