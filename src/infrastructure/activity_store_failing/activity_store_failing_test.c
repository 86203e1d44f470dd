/* Guards that planned failures hit exactly the calls that the plan names, change nothing behind,
 * and leave out parameters alone; whole tests of the worker lean on that. */
#include "infrastructure/activity_store_failing/activity_store_failing.h"
#include "infrastructure/activity_store_memory/activity_store_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static int setup(void **state)
{
    struct activity_store_memory_config config = {.clock = &clock_system, .random = &random_system};
    struct activity_store *memory;
    struct activity_store *failing;
    assert_int_equal(activity_store_memory_new(&config, &memory, NULL), STATUS_OK);
    assert_int_equal(activity_store_failing_new(memory, &failing, NULL), STATUS_OK);
    *state = failing;
    return 0;
}

static int teardown(void **state)
{
    activity_store_free(*state);
    return 0;
}

static void test_hits_the_calls_of_the_plan(void **state)
{
    struct activity_store *store = *state;
    const struct planned_failure plan[] = {
        {.call = STORE_SYNC, .skip = 1, .times = 2, .status = STATUS_NO_SPACE},
        {.call = STORE_SYNC, .skip = 2, .times = 2, .status = STATUS_CORRUPT},
        {.call = STORE_GET, .skip = 0, .times = UINT64_MAX, .status = STATUS_BUSY},
    };
    const enum status expected[] = {STATUS_OK, STATUS_NO_SPACE, STATUS_NO_SPACE, STATUS_CORRUPT,
                                    STATUS_OK};
    activity_store_failing_plan(store, plan, ARRAY_LENGTH(plan));
    for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
        struct error err = {.status = STATUS_OK};
        assert_int_equal(activity_store_sync(store, &err), expected[i]);
        assert_int_equal(err.status, expected[i]);
    }
    struct activity found = {.timestamp_ms = 5};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(activity_store_get(store, STR("a"), NULL, &found, NULL), STATUS_BUSY);
    }
    assert_int_equal(found.timestamp_ms, 5);
    assert_int_equal(activity_store_failing_calls(store, STORE_SYNC), 5);
    assert_int_equal(activity_store_failing_calls(store, STORE_GET), 3);
    activity_store_failing_plan(store, NULL, 0);
    assert_int_equal(activity_store_sync(store, NULL), STATUS_OK);
}

static void test_failed_put_changes_nothing(void **state)
{
    struct activity_store *store = *state;
    struct logged_activity row = {
        .activity = {
            .id = STR("a"), .user_id = STR("u"), .action = STR("x"), .metadata = STR("{}")}};
    struct position end = {.offset = 1};
    struct position_set next = {.items = &end, .count = 1, .capacity = 1};
    struct activity_batch batch = {.rows = &row, .count = 1, .next = &next};
    const struct planned_failure plan = {
        .call = STORE_PUT_BATCH, .times = 1, .status = STATUS_UNAVAILABLE};
    enum verdict verdict = VERDICT_COUNT;
    activity_store_failing_plan(store, &plan, 1);
    assert_int_equal(activity_store_put_batch(store, &batch, &verdict, NULL), STATUS_UNAVAILABLE);
    assert_int_equal(verdict, VERDICT_COUNT);
    assert_int_equal(activity_store_put_batch(store, &batch, &verdict, NULL), STATUS_OK);
    assert_int_equal(verdict, VERDICT_STORED);
}

/* Every operation can be made to fail. */
static void test_every_operation_fails(void **state)
{
    struct activity_store *store = *state;
    struct planned_failure plan[STORE_CALL_COUNT];
    for (int i = 0; i < STORE_CALL_COUNT; i++) {
        plan[i] =
            (struct planned_failure){.call = (unsigned)i, .times = 1, .status = STATUS_TIMED_OUT};
    }
    activity_store_failing_plan(store, plan, STORE_CALL_COUNT);
    struct position_set positions = {0};
    struct activity_batch batch = {.next = &positions};
    struct activity_page_request request = {
        .filter = activity_filter_all(), .limit = 1, .bytes_max = 1};
    struct activity_page page;
    const struct activity_tally_request tally_request = {.limit = 1, .groups_max = 1};
    struct activity_tally tally;
    struct activity found;
    uint64_t number;
    struct activity_erasure erasure;
    assert_int_equal(activity_store_put_batch(store, &batch, NULL, NULL), STATUS_TIMED_OUT);
    assert_int_equal(activity_store_durable_positions(store, batch.log_id, &positions, NULL),
                     STATUS_TIMED_OUT);
    assert_int_equal(activity_store_sync(store, NULL), STATUS_TIMED_OUT);
    assert_int_equal(activity_store_find(store, &request, NULL, &page, NULL), STATUS_TIMED_OUT);
    assert_int_equal(activity_store_get(store, STR("a"), NULL, &found, NULL), STATUS_TIMED_OUT);
    assert_int_equal(activity_store_count(store, &request.filter, 0, &number, NULL),
                     STATUS_TIMED_OUT);
    assert_int_equal(activity_store_tally(store, &tally_request, NULL, &tally, NULL),
                     STATUS_TIMED_OUT);
    assert_int_equal(activity_store_erase(store, STR("u"), 0, &erasure, NULL), STATUS_TIMED_OUT);
    assert_int_equal(activity_store_expire(store, 0, &number, NULL), STATUS_TIMED_OUT);
    assert_int_equal(activity_store_expire(store, 0, &number, NULL), STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hits_the_calls_of_the_plan, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failed_put_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_operation_fails, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
