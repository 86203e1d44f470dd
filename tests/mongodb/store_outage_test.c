/* A server that goes away, hangs, or whose answers get lost: statuses as the port says, no hang
 * beyond the timeouts, and nothing twice or missing when it is back. */
#include "lossy_proxy.h"
#include "store_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { TIMEOUT_MS = 400, ROWS = 50, LONG_MS = 5000 };

struct outage {
    struct bed *bed;
    struct lossy_proxy *proxy;
    struct activity_store *store; /* through the proxy */
    char ids[4 * ROWS][16];
    struct activity activities[4 * ROWS];
};

static int setup(void **state)
{
    void *bed = NULL;
    char uri[BED_URI_BYTES];
    struct outage *outage = calloc(1, sizeof *outage);
    assert_non_null(outage);
    assert_int_equal(bed_setup(&bed), 0);
    outage->bed = bed;
    mongoc_uri_t *parsed = mongoc_uri_new(outage->bed->uri);
    outage->proxy = lossy_proxy_new(mongoc_uri_get_hosts(parsed)->port);
    mongoc_uri_destroy(parsed);
    snprintf(uri, sizeof uri,
             "mongodb://127.0.0.1:%u/%s?socketTimeoutMS=%d&serverSelectionTimeoutMS=%d",
             lossy_proxy_port(outage->proxy), outage->bed->database, TIMEOUT_MS, 2 * TIMEOUT_MS);
    outage->store = bed_open(uri);
    for (int i = 0; i < 4 * ROWS; i++) {
        snprintf(outage->ids[i], sizeof outage->ids[i], "i%04d", i);
        outage->activities[i] = bed_activity(outage->ids[i], "{}", i);
    }
    *state = outage;
    return 0;
}

static int teardown(void **state)
{
    struct outage *outage = *state;
    void *bed = outage->bed;
    activity_store_free(outage->store);
    lossy_proxy_free(outage->proxy);
    bed_teardown(&bed);
    free(outage);
    return 0;
}

static enum status put(struct outage *outage, int first)
{
    return bed_put_at(outage->bed, outage->store, first, outage->activities + first, ROWS);
}

/* Each position is counted once, also where an answer about that was lost. */
static void assert_counted(struct bed *bed, uint64_t stored)
{
    struct coverage accounts;
    struct log_coverage *log;
    coverage_init(&accounts);
    assert_int_equal(activity_store_accounts(bed->store, &accounts, &bed->err), STATUS_OK);
    assert_int_equal(coverage_log(&accounts, bed->log_id, &log), STATUS_OK);
    assert_int_equal(log->counts.outcomes[OUTCOME_STORED], stored);
    assert_int_equal(log_counts_sum(&log->counts), stored);
    assert_int_equal(log_coverage_difference(log), 0);
    coverage_deinit(&accounts);
}

static void assert_stored(struct outage *outage, int first)
{
    enum status status = put(outage, first);
    if (status != STATUS_OK) {
        fail_msg("put: %s", outage->bed->err.message);
    }
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(outage->bed->verdicts[i], VERDICT_STORED);
    }
    assert_int_equal(bed_count(outage->bed->store, NULL), first + ROWS);
    assert_counted(outage->bed, (uint64_t)first + ROWS);
}

static void assert_away(struct outage *outage, enum status status, uint64_t begin_ms)
{
    if (status != STATUS_UNAVAILABLE && status != STATUS_TIMED_OUT) {
        fail_msg("expected that it is away, found %s", status_name(status));
    }
    assert_true(strlen(outage->bed->err.message) > 10);
    assert_true(clock_monotonic_ms(&clock_system) - begin_ms < LONG_MS);
}

/* Whichever answer of a batch is lost: those of the parts, or that of the positions. The batch is
 * put again, and each of its rows has been stored once. */
static void test_lost_answers(void **state)
{
    struct outage *outage = *state;
    assert_stored(outage, 0);
    for (int passed = 0; passed < 2; passed++) {
        int first = ROWS * (1 + passed);
        uint64_t begin_ms = clock_monotonic_ms(&clock_system);
        lossy_proxy_pass_answers(outage->proxy, passed);
        assert_away(outage, put(outage, first), begin_ms);
        assert_int_equal(bed_count(outage->bed->store, NULL), first + ROWS);
        lossy_proxy_mend(outage->proxy);
        assert_stored(outage, first);
    }
    /* What was known before is known again, too. */
    assert_int_equal(put(outage, ROWS), STATUS_OK);
    assert_int_equal(outage->bed->verdicts[0], VERDICT_REDELIVERED);
}

/* The worker does not know that its positions were raised, and says less, not more. */
static void test_positions_after_a_lost_answer(void **state)
{
    struct outage *outage = *state;
    struct position_set positions;
    assert_stored(outage, 0);
    lossy_proxy_pass_answers(outage->proxy, 1);
    assert_int_not_equal(put(outage, ROWS), STATUS_OK);
    lossy_proxy_mend(outage->proxy);
    position_set_init(&positions);
    assert_int_equal(
        activity_store_durable_positions(outage->store, outage->bed->log_id, &positions, NULL),
        STATUS_OK);
    assert_int_equal(position_set_get(&positions, 0), ROWS);
    position_set_deinit(&positions);
    assert_int_equal(
        activity_store_durable_positions(outage->bed->store, outage->bed->log_id, &positions, NULL),
        STATUS_OK);
    assert_int_equal(position_set_get(&positions, 0), 2 * ROWS);
    position_set_deinit(&positions);
    assert_stored(outage, ROWS);
}

static void test_cut_connections(void **state)
{
    struct outage *outage = *state;
    uint64_t begin_ms = clock_monotonic_ms(&clock_system);
    assert_stored(outage, 0);
    lossy_proxy_cut(outage->proxy);
    assert_away(outage, put(outage, ROWS), begin_ms);
    begin_ms = clock_monotonic_ms(&clock_system);
    assert_away(outage, put(outage, ROWS), begin_ms);
    lossy_proxy_mend(outage->proxy);
    assert_stored(outage, ROWS);
}

/* Questions, while the server does not answer. */
static void test_questions_end(void **state)
{
    struct outage *outage = *state;
    struct bed *bed = outage->bed;
    struct activity_filter all = activity_filter_all();
    struct activity_page_request request = {.filter = all, .limit = 10, .bytes_max = SIZE_MAX};
    struct activity_tally_request tallied = {.filter = all, .limit = 1, .groups_max = 1};
    struct activity_page page;
    struct activity_tally tally;
    struct activity activity;
    struct activity_erasure erasure;
    uint64_t number;
    assert_stored(outage, 0);
    lossy_proxy_pass_answers(outage->proxy, 0);
    uint64_t begin_ms = clock_monotonic_ms(&clock_system);
    assert_away(outage, activity_store_find(outage->store, &request, &bed->arena, &page, &bed->err),
                begin_ms);
    begin_ms = clock_monotonic_ms(&clock_system);
    assert_away(outage, activity_store_count(outage->store, &all, 0, &number, &bed->err), begin_ms);
    begin_ms = clock_monotonic_ms(&clock_system);
    assert_away(outage,
                activity_store_tally(outage->store, &tallied, &bed->arena, &tally, &bed->err),
                begin_ms);
    begin_ms = clock_monotonic_ms(&clock_system);
    assert_away(outage,
                activity_store_get(outage->store, STR("i0000"), &bed->arena, &activity, &bed->err),
                begin_ms);
    begin_ms = clock_monotonic_ms(&clock_system);
    assert_away(outage, activity_store_erase(outage->store, STR("bob"), 1, &erasure, &bed->err),
                begin_ms);
    begin_ms = clock_monotonic_ms(&clock_system);
    assert_away(outage, activity_store_expire(outage->store, 1, &number, &bed->err), begin_ms);
    lossy_proxy_mend(outage->proxy);
    assert_int_equal(bed_count(outage->store, NULL), ROWS);
}

/* It waits for a server that is away once at the most, and then says what is known. */
static void test_describe_does_not_wait(void **state)
{
    struct outage *outage = *state;
    struct activity_store_state described;
    assert_stored(outage, 0);
    lossy_proxy_cut(outage->proxy);
    uint64_t begin_ms = clock_monotonic_ms(&clock_system);
    activity_store_describe(outage->store, &described);
    assert_true(clock_monotonic_ms(&clock_system) - begin_ms < LONG_MS);
    begin_ms = clock_monotonic_ms(&clock_system);
    for (int i = 0; i < 100; i++) {
        activity_store_describe(outage->store, &described);
    }
    assert_true(clock_monotonic_ms(&clock_system) - begin_ms < TIMEOUT_MS);
    assert_int_equal(described.activities, ROWS);
    lossy_proxy_mend(outage->proxy);
}

/* All connections of the pool are in use: later, in words. */
static void test_pool_is_bounded(void **state)
{
    struct outage *outage = *state;
    char uri[BED_URI_BYTES + 64];
    struct error err;
    uint64_t number;
    struct activity_filter all = activity_filter_all();
    snprintf(uri, sizeof uri, "%s?maxPoolSize=1&waitQueueTimeoutMS=100", outage->bed->uri);
    struct activity_store *store = bed_open(uri);
    assert_int_equal(activity_store_count(store, &all, 0, &number, &err), STATUS_OK);
    /* A batch takes a second one for its parts. */
    assert_int_equal(bed_put_at(outage->bed, store, 0, outage->activities, 1), STATUS_UNAVAILABLE);
    assert_non_null(strstr(outage->bed->err.message, "in use"));
    activity_store_free(store);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_lost_answers),           CASE(test_positions_after_a_lost_answer),
        CASE(test_cut_connections),        CASE(test_questions_end),
        CASE(test_describe_does_not_wait), CASE(test_pool_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
