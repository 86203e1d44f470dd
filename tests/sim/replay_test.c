/*
 * Guards the reading of a log again: what the store lost comes back, what is there is not doubled,
 * what was erased or is too old stays away, the positions of the store stay as they were, and a
 * store or log that fails for a while costs time only.
 */
#include "application/replay_activities.h"
#include "contract/event_log_contract_support.h"
#include "infrastructure/activity_store_failing/activity_store_failing.h"
#include "infrastructure/event_log_failing/event_log_failing.h"
#include "infrastructure/event_log_memory/event_log_memory.h"
#include "infrastructure/refusal_list_memory/refusal_list_memory.h"
#include "support/durable_store_double.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ACTIVITIES = 5000, BATCH_ROWS = 64 };

struct bed {
    struct event_log *log;
    struct activity_store *store;
    struct refusal_list *refusals;
    struct collector collector;
    struct replay_listener listener;
    struct replay_activities_config config;
    struct position from;
    struct position to;
    struct position_set from_set;
    struct position_set to_set;
    struct replay_figures figures;
    enum replay_end end;
    struct error err;
    uint64_t told; /* how often progress was */
    uint64_t stop_at;
};

static void progressed(struct replay_listener *listener, const struct replay_figures *figures)
{
    struct bed *bed = CONTAINER_OF(listener, struct bed, listener);
    assert_true(figures->done <= figures->total);
    bed->told++;
}

static bool stopped(struct replay_listener *listener)
{
    struct bed *bed = CONTAINER_OF(listener, struct bed, listener);
    return bed->told >= bed->stop_at;
}

static int bed_setup(void **state)
{
    struct bed *bed = calloc(1, sizeof *bed);
    assert_non_null(bed);
    const struct event_log_memory_config log_config = {.bytes_max = 64 << 20,
                                                       .random = &random_system};
    const struct refusal_list_memory_config refusal_config = {.bytes_max = 1 << 20,
                                                              .clock = &clock_system};
    assert_int_equal(event_log_memory_new(&log_config, &bed->log, NULL), STATUS_OK);
    assert_int_equal(event_log_failing_new(bed->log, &bed->log, NULL), STATUS_OK);
    bed->store = durable_store_double_new(DURABLE_AT_PUT);
    assert_int_equal(activity_store_failing_new(bed->store, &bed->store, NULL), STATUS_OK);
    assert_int_equal(refusal_list_memory_new(&refusal_config, &bed->refusals, NULL), STATUS_OK);
    collector_init(&bed->collector);
    for (uint64_t i = 0; i < ACTIVITIES; i += 100) {
        assert_int_equal(append_and_wait(bed->log, &bed->collector, i, 100), STATUS_OK);
    }
    bed->listener = (struct replay_listener){progressed, stopped};
    bed->to.offset = ACTIVITIES;
    bed->from_set = (struct position_set){&bed->from, 1, 1};
    bed->to_set = (struct position_set){&bed->to, 1, 1};
    bed->stop_at = UINT64_MAX;
    bed->config = (struct replay_activities_config){
        .log = bed->log,
        .store = bed->store,
        .refusals = bed->refusals,
        .random = &random_system,
        .clock = &clock_system,
        .listener = &bed->listener,
        .from = &bed->from_set,
        .to = &bed->to_set,
        .batch_rows_max = BATCH_ROWS,
        .give_up_ms = 10000,
    };
    *state = bed;
    return 0;
}

static int bed_teardown(void **state)
{
    struct bed *bed = *state;
    event_log_free(bed->log);
    activity_store_free(bed->store);
    refusal_list_free(bed->refusals);
    collector_deinit(&bed->collector);
    free(bed);
    return 0;
}

static enum status replay(struct bed *bed)
{
    bed->end = REPLAY_STOPPED;
    return replay_activities_run(&bed->config, &bed->figures, &bed->end, &bed->err);
}

static uint64_t stored(struct bed *bed)
{
    struct activity_filter all = activity_filter_all();
    uint64_t count = 0;
    assert_int_equal(activity_store_count(bed->store, &all, 0, &count, NULL), STATUS_OK);
    return count;
}

static int64_t covered(struct bed *bed)
{
    struct event_log_state about;
    struct position_set positions;
    event_log_describe(bed->log, &about);
    position_set_init(&positions);
    assert_int_equal(activity_store_durable_positions(bed->store, about.log_id, &positions, NULL),
                     STATUS_OK);
    int64_t offset = position_set_get(&positions, 0);
    position_set_deinit(&positions);
    return offset;
}

static void brings_everything_once_however_often(void **state)
{
    struct bed *bed = *state;
    for (int round = 0; round < 3; round++) {
        assert_int_equal(replay(bed), STATUS_OK);
        assert_int_equal(bed->end, REPLAY_DONE);
        assert_int_equal(bed->figures.done, ACTIVITIES);
        assert_int_equal(bed->figures.total, ACTIVITIES);
        assert_int_equal(bed->figures.activities, ACTIVITIES);
        assert_int_equal(bed->figures.verdicts[VERDICT_STORED], round == 0 ? ACTIVITIES : 0);
        assert_int_equal(stored(bed), ACTIVITIES);
        assert_int_equal(covered(bed), 0);
    }
    assert_true(bed->told >= 3 * ACTIVITIES / BATCH_ROWS);
}

static void reads_between_its_ends_only(void **state)
{
    struct bed *bed = *state;
    bed->from.offset = 1000;
    bed->to.offset = 1333;
    assert_int_equal(replay(bed), STATUS_OK);
    assert_int_equal(bed->figures.done, 333);
    assert_int_equal(bed->figures.verdicts[VERDICT_STORED], 333);
    struct arena arena;
    struct activity found;
    arena_init(&arena, 1 << 20);
    const struct {
        struct str id;
        enum status status;
    } looks[] = {{STR("id-999"), STATUS_NOT_FOUND},
                 {STR("id-1000"), STATUS_OK},
                 {STR("id-1332"), STATUS_OK},
                 {STR("id-1333"), STATUS_NOT_FOUND}};
    for (size_t i = 0; i < ARRAY_LENGTH(looks); i++) {
        assert_int_equal(activity_store_get(bed->store, looks[i].id, &arena, &found, NULL),
                         looks[i].status);
    }
    arena_deinit(&arena);
    bed->from.offset = bed->to.offset; /* nothing between */
    assert_int_equal(replay(bed), STATUS_OK);
    assert_int_equal(bed->figures.total, 0);
}

static void brings_nobody_back_who_was_erased(void **state)
{
    struct bed *bed = *state;
    struct activity_erasure erasure;
    assert_int_equal(replay(bed), STATUS_OK);
    assert_int_equal(
        activity_store_erase(bed->store, STR("üser-3"), 2000 + ACTIVITIES + 1, &erasure, NULL),
        STATUS_OK);
    uint64_t left = stored(bed);
    assert_int_equal(left + erasure.erased, ACTIVITIES);
    assert_int_equal(replay(bed), STATUS_OK);
    assert_int_equal(bed->figures.verdicts[VERDICT_ERASED], erasure.erased);
    assert_int_equal(stored(bed), left);
}

/* The activities of this test are of 1970. */
static void leaves_out_what_is_too_old(void **state)
{
    struct bed *bed = *state;
    bed->config.retention_days = 3650;
    assert_int_equal(replay(bed), STATUS_OK);
    assert_int_equal(bed->figures.too_old, ACTIVITIES);
    assert_int_equal(stored(bed), 0);
}

static void waits_for_a_store_that_is_away(void **state)
{
    struct bed *bed = *state;
    const struct planned_failure failure = {STORE_PUT_BATCH, 3, 4, STATUS_UNAVAILABLE};
    activity_store_failing_plan(bed->store, &failure, 1);
    const struct planned_failure of_log = {EVENT_LOG_POLL, 4, 1, STATUS_UNAVAILABLE};
    event_log_failing_plan(bed->log, &of_log, 1);
    assert_int_equal(replay(bed), STATUS_OK);
    assert_int_equal(bed->figures.verdicts[VERDICT_STORED], ACTIVITIES);
    assert_int_equal(bed->figures.activities, ACTIVITIES);
}

static void gives_up_on_one_that_stays_away(void **state)
{
    struct bed *bed = *state;
    const struct planned_failure failure = {STORE_PUT_BATCH, 3, UINT64_MAX, STATUS_TIMED_OUT};
    activity_store_failing_plan(bed->store, &failure, 1);
    bed->config.give_up_ms = 200;
    assert_int_equal(replay(bed), STATUS_TIMED_OUT);
    assert_int_equal(bed->figures.done, 3 * BATCH_ROWS);
    bed->from.offset = 3 * BATCH_ROWS; /* where it got to */
    activity_store_failing_plan(bed->store, NULL, 0);
    assert_int_equal(replay(bed), STATUS_OK);
    assert_int_equal(stored(bed), ACTIVITIES);
}

static void gives_up_on_a_log_that_hands_nothing_out(void **state)
{
    struct bed *bed = *state;
    bed->to.offset = ACTIVITIES + 1;
    bed->config.give_up_ms = 300;
    assert_int_equal(replay(bed), STATUS_TIMED_OUT);
    assert_non_null(strstr(bed->err.message, "1 positions before the end"));
    assert_int_equal(bed->figures.done, ACTIVITIES);
}

static void stops_at_what_waiting_does_not_mend(void **state)
{
    struct bed *bed = *state;
    const struct planned_failure failure = {STORE_PUT_BATCH, 0, 1, STATUS_CORRUPT};
    activity_store_failing_plan(bed->store, &failure, 1);
    assert_int_equal(replay(bed), STATUS_CORRUPT);
}

static void ends_when_it_is_told_to(void **state)
{
    struct bed *bed = *state;
    bed->stop_at = 5;
    assert_int_equal(replay(bed), STATUS_OK);
    assert_int_equal(bed->end, REPLAY_STOPPED);
    assert_int_equal(bed->figures.done, 5 * BATCH_ROWS);
    assert_int_equal(stored(bed), 5 * BATCH_ROWS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(brings_everything_once_however_often),
        TEST(reads_between_its_ends_only),
        TEST(brings_nobody_back_who_was_erased),
        TEST(leaves_out_what_is_too_old),
        TEST(waits_for_a_store_that_is_away),
        TEST(gives_up_on_one_that_stays_away),
        TEST(gives_up_on_a_log_that_hands_nothing_out),
        TEST(stops_at_what_waiting_does_not_mend),
        TEST(ends_when_it_is_told_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
