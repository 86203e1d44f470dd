#include "event_log_contract.h"

#include "event_log_contract_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROOMY_BYTES = 64 << 20, TIGHT_BYTES = 64 << 10 };

/* One log and one listener for each test. */
struct fixture {
    const struct log_maker *maker;
    struct event_log *log;
    struct collector collector;
};

static const struct log_maker *current_maker;

static void start(struct fixture *fixture, uint64_t bytes_max)
{
    fixture->maker = current_maker;
    collector_init(&fixture->collector);
    fixture->log = current_maker->make(bytes_max);
}

static void finish(struct fixture *fixture)
{
    fixture->maker->unmake(fixture->log);
    collector_deinit(&fixture->collector);
}

/* A log without a limit of its own takes what comes, so what is said about the limit says nothing
 * about it. */
static bool has_limit(struct fixture *fixture)
{
    struct event_log_state about;
    event_log_describe(fixture->log, &about);
    return about.bytes_max > 0;
}

static void append_ok(struct fixture *fixture, uint64_t first, size_t count)
{
    assert_int_equal(append_and_wait(fixture->log, &fixture->collector, first, count), STATUS_OK);
}

/* An accepted append gets one result, with its ticket, the durability, the log and the offset
 * reached. */
static void every_append_gets_exactly_one_result(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, ROOMY_BYTES);
    int64_t end = 0;
    struct event_log_state about;
    event_log_describe(fixture.log, &about);
    for (uint64_t i = 0; i < 50; i++) {
        size_t count = 1 + i % 5;
        append_ok(&fixture, i * 10, count);
        end += (int64_t)count;
        const struct collected *result = &fixture.collector.items[i];
        assert_int_equal(result->ticket.loop, 3);
        assert_int_equal(result->ticket.slot, 4);
        assert_int_equal(result->ticket.generation, i * 10);
        assert_int_equal(result->durability, fixture.maker->durability);
        assert_true(uuid_equal(result->log_id, about.log_id));
        assert_int_equal(result->reached, end - 1);
        assert_int_equal(end_offset(fixture.log), end);
    }
    finish(&fixture);
}

/* What is appended comes back to the byte, in order, each with the next offset. */
static void polls_in_order_of_appending(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, ROOMY_BYTES);
    for (uint64_t i = 0; i < 500; i++) {
        assert_int_equal(append_numbers(fixture.log, &fixture.collector, i * 3, 3), STATUS_OK);
    }
    collector_wait(&fixture.collector, 500);
    int64_t offset = 0;
    while (offset < 1500) {
        struct activity_batch batch;
        assert_int_equal(event_log_poll(fixture.log, 7, 1000, &batch, NULL), STATUS_OK);
        assert_in_range(batch.count, 1, 7);
        for (size_t i = 0; i < batch.count; i++, offset++) {
            assert_int_equal(batch.rows[i].position.partition, 0);
            assert_int_equal(batch.rows[i].position.offset, offset);
            assert_int_equal(numbered_activity_number(&batch.rows[i].activity), offset);
        }
        assert_int_equal(position_set_get(batch.next, 0), offset);
        struct event_log_state about;
        event_log_describe(fixture.log, &about);
        assert_true(uuid_equal(batch.log_id, about.log_id));
    }
    finish(&fixture);
}

#define TRACE_IDS "S_kvNXezTaajzpKdDg5HNgDwZ6oLqQK3AQ"

/* The trace that an activity was recorded in comes out with it, and none where there was none, all
 * in one append. */
static void carries_traces(void **state)
{
    (void)state;
    static const struct str traces[] = {
        {TRACE_IDS, 34}, {NULL, 0}, {TRACE_IDS "congo=1,rojo=2", 48}, {NULL, 0}};
    struct fixture fixture;
    struct numbered_activity texts[4];
    struct activity activities[4];
    size_t seen = 0;
    start(&fixture, ROOMY_BYTES);
    for (size_t i = 0; i < 4; i++) {
        numbered_activity_make(&texts[i], i);
        activities[i] = texts[i].activity;
        activities[i].trace = traces[i];
    }
    assert_int_equal(event_log_append(fixture.log, activities, 4, &fixture.collector.listener,
                                      (struct append_ticket){0}),
                     STATUS_OK);
    collector_wait(&fixture.collector, 1);
    assert_int_equal(fixture.collector.items[0].status, STATUS_OK);
    while (seen < 4) {
        struct activity_batch batch;
        assert_int_equal(event_log_poll(fixture.log, 4, 1000, &batch, NULL), STATUS_OK);
        for (size_t i = 0; i < batch.count; i++, seen++) {
            assert_int_equal(numbered_activity_number(&batch.rows[i].activity), seen);
            assert_true(str_equal(batch.rows[i].activity.trace, traces[seen]));
        }
    }
    finish(&fixture);
}

/* With nothing to hand out poll says OK and 0, and its next is where the log begins. */
static void polls_nothing_from_an_empty_log(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, ROOMY_BYTES);
    struct activity_batch batch;
    assert_int_equal(event_log_poll(fixture.log, 10, 0, &batch, NULL), STATUS_OK);
    assert_int_equal(batch.count, 0);
    assert_int_equal(position_set_get(batch.next, 0), 0);
    assert_int_equal(end_offset(fixture.log), 0);
    uint64_t before = clock_monotonic_ms(&clock_system);
    assert_int_equal(event_log_poll(fixture.log, 10, 60, &batch, NULL), STATUS_OK);
    uint64_t waited = clock_monotonic_ms(&clock_system) - before;
    assert_int_equal(batch.count, 0);
    assert_in_range(waited, 50, 5000);
    finish(&fixture);
}

static void *append_later(void *context)
{
    struct fixture *fixture = context;
    struct timespec pause = {.tv_nsec = 30000000};
    nanosleep(&pause, NULL);
    return append_numbers(fixture->log, &fixture->collector, 0, 1) == STATUS_OK ? fixture : NULL;
}

/* A waiting poll returns when something becomes durable, long before its time is over. */
static void a_waiting_poll_wakes_up(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, ROOMY_BYTES);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, append_later, &fixture), 0);
    struct activity_batch batch;
    uint64_t before = clock_monotonic_ms(&clock_system);
    assert_int_equal(event_log_poll(fixture.log, 10, 15000, &batch, NULL), STATUS_OK);
    assert_int_equal(batch.count, 1);
    assert_in_range(clock_monotonic_ms(&clock_system) - before, 0, 10000);
    void *appended = NULL;
    pthread_join(thread, &appended);
    assert_ptr_equal(appended, &fixture);
    collector_wait(&fixture.collector, 1);
    finish(&fixture);
}

enum { THREADS = 4, APPENDS_PER_THREAD = 1500 };

struct appender {
    struct fixture *fixture;
    struct collector collector;
    uint64_t first;
    bool failed;
};

static void *append_many(void *context)
{
    struct appender *appender = context;
    for (uint64_t i = 0; i < APPENDS_PER_THREAD && !appender->failed; i++) {
        enum status status;
        do {
            status = append_numbers(appender->fixture->log, &appender->collector,
                                    appender->first + i, 1);
        } while (status == STATUS_BUSY);
        appender->failed = status != STATUS_OK;
    }
    return NULL;
}

static void check_order_by_thread(void *context, const struct logged_activity *row)
{
    uint64_t *next = context;
    uint64_t number = numbered_activity_number(&row->activity);
    assert_int_not_equal(number, UINT64_MAX);
    uint64_t thread = number / 100000;
    assert_in_range(thread, 0, THREADS - 1);
    assert_int_equal(number % 100000, next[thread]);
    next[thread]++;
}

/* Several threads append at once: each listener hears of its own in order, and the log keeps each
 * thread's order. */
static void threads_keep_their_own_order(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, ROOMY_BYTES);
    struct appender appenders[THREADS];
    pthread_t threads[THREADS];
    for (uint64_t i = 0; i < THREADS; i++) {
        appenders[i] = (struct appender){.fixture = &fixture, .first = i * 100000};
        collector_init(&appenders[i].collector);
        assert_int_equal(pthread_create(&threads[i], NULL, append_many, &appenders[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(appenders[i].failed);
        collector_wait(&appenders[i].collector, APPENDS_PER_THREAD);
        int64_t reached = -1;
        for (size_t k = 0; k < APPENDS_PER_THREAD; k++) {
            const struct collected *result = &appenders[i].collector.items[k];
            assert_int_equal(result->status, STATUS_OK);
            assert_int_equal(result->ticket.generation, appenders[i].first + k);
            assert_true(result->reached > reached);
            reached = result->reached;
        }
    }
    uint64_t next[THREADS] = {0};
    assert_int_equal(poll_all(fixture.log, check_order_by_thread, next),
                     THREADS * APPENDS_PER_THREAD);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(collector_count(&appenders[i].collector), APPENDS_PER_THREAD);
        collector_deinit(&appenders[i].collector);
    }
    finish(&fixture);
}

/* seek moves both ways; a set that does not name the partition moves nothing. */
static void seeks_back_and_forth(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, ROOMY_BYTES);
    for (uint64_t i = 0; i < 100; i++) {
        append_ok(&fixture, i * 4, 4);
    }
    expect_numbers(fixture.log, 0, 400);
    static const int64_t places[] = {0, 399, 200, 201, 3, 400, 1};
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        assert_int_equal(seek_to(fixture.log, places[i]), STATUS_OK);
        expect_numbers(fixture.log, (uint64_t)places[i], 400);
    }
    assert_int_equal(seek_to(fixture.log, 390), STATUS_OK);
    const struct position_set nothing = {0};
    assert_int_equal(event_log_seek(fixture.log, &nothing, NULL), STATUS_OK);
    expect_numbers(fixture.log, 390, 400);
    finish(&fixture);
}

/* A position beyond the end means that the log is not the one the store knew. */
static void refuses_to_seek_beyond_the_end(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, ROOMY_BYTES);
    append_ok(&fixture, 0, 5);
    struct position position = {.offset = 6};
    struct position_set set = {.items = &position, .count = 1};
    struct error err = {0};
    assert_int_equal(event_log_seek(fixture.log, &set, &err), STATUS_CORRUPT);
    assert_int_equal(err.status, STATUS_CORRUPT);
    assert_non_null(strstr(err.message, "5"));
    position = (struct position){.partition = 9, .offset = 1};
    assert_int_equal(event_log_seek(fixture.log, &set, &err), STATUS_CORRUPT);
    expect_numbers(fixture.log, 0, 5); /* the position stayed */
    finish(&fixture);
}

/* end_position raises what it is given, never lowers it. */
static void end_position_only_raises(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, ROOMY_BYTES);
    append_ok(&fixture, 0, 5);
    struct position_set set;
    position_set_init(&set);
    assert_int_equal(position_set_raise(&set, (struct position){.offset = 77}), STATUS_OK);
    assert_int_equal(event_log_end_position(fixture.log, &set), STATUS_OK);
    assert_int_equal(position_set_get(&set, 0), 77);
    position_set_deinit(&set);
    finish(&fixture);
}

enum { POLL_WAIT_MS = 5000 };

static uint64_t append_until_pressed(struct fixture *fixture)
{
    enum { WITHOUT_LIMIT = 100 };
    struct event_log_state about;
    uint64_t count = 0;
    do {
        append_ok(fixture, count++, 1);
        event_log_describe(fixture->log, &about);
    } while (about.bytes_max > 0 ? about.bytes < TIGHT_BYTES * 3 / 4 : count < WITHOUT_LIMIT);
    return count;
}

/* Polls until `count` rows came at once, which a log on another machine may take a moment for. */
static struct activity_batch poll_count(struct fixture *fixture, size_t count)
{
    struct activity_batch batch;
    assert_int_equal(event_log_poll(fixture->log, count, POLL_WAIT_MS, &batch, NULL), STATUS_OK);
    assert_int_equal(batch.count, count);
    return batch;
}

/* commit lets the log drop what lies below, and the rows of the newest poll stay readable. */
static void commit_drops_what_is_covered(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, TIGHT_BYTES);
    uint64_t count = append_until_pressed(&fixture);
    struct event_log_state about;
    event_log_describe(fixture.log, &about);
    uint64_t before = about.bytes;
    struct activity_batch batch = poll_count(&fixture, 5);
    assert_int_equal(commit_to(fixture.log, (int64_t)count), STATUS_OK);
    for (size_t i = 0; i < batch.count; i++) {
        assert_int_equal(numbered_activity_number(&batch.rows[i].activity), i);
    }
    event_log_describe(fixture.log, &about);
    assert_true(has_limit(&fixture) ? about.bytes < before : about.bytes == 0);
    assert_int_equal(end_offset(fixture.log), count);
    /* Below what it holds: the first activity held. */
    assert_int_equal(seek_to(fixture.log, 0), STATUS_OK);
    unsigned wait_ms = has_limit(&fixture) ? 0 : POLL_WAIT_MS;
    assert_int_equal(event_log_poll(fixture.log, 1, wait_ms, &batch, NULL), STATUS_OK);
    assert_true(position_set_get(batch.next, 0) > (has_limit(&fixture) ? 1 : 0));
    append_ok(&fixture, count, 1);
    assert_int_equal(end_offset(fixture.log), count + 1);
    finish(&fixture);
}

/* Committing what was never polled moves the reader past what is gone, not into it. */
static void reading_goes_on_behind_a_commit(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, TIGHT_BYTES);
    for (uint64_t i = 0; i < 200; i++) {
        append_ok(&fixture, i, 1);
    }
    struct activity_batch batch;
    assert_int_equal(event_log_poll(fixture.log, 1, POLL_WAIT_MS, &batch, NULL), STATUS_OK);
    assert_int_equal(commit_to(fixture.log, 190), STATUS_OK);
    int64_t next = 0;
    while (next < 200) {
        assert_int_equal(event_log_poll(fixture.log, 3, POLL_WAIT_MS, &batch, NULL), STATUS_OK);
        for (size_t i = 0; i < batch.count; i++) {
            assert_true(batch.rows[i].position.offset >= next);
            next = batch.rows[i].position.offset + 1;
            assert_int_equal(numbered_activity_number(&batch.rows[i].activity), next - 1);
        }
        assert_int_not_equal(batch.count, 0);
    }
    finish(&fixture);
}

static void expect_full(struct fixture *fixture)
{
    struct event_log_state about;
    event_log_describe(fixture->log, &about);
    assert_int_equal(about.accepting, STATUS_NO_SPACE);
    assert_int_not_equal(about.reason[0], '\0');
    assert_in_range(about.bytes, TIGHT_BYTES / 2, about.bytes_max);
}

/* Full: NO_SPACE at once and a reason; polling goes on; room comes back with commit. */
static void a_full_log_refuses_and_recovers(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, TIGHT_BYTES);
    uint64_t count = 0;
    uint64_t count_max = has_limit(&fixture) ? 5000 : 300;
    enum status status = STATUS_OK;
    while (count < count_max && status == STATUS_OK) {
        status = append_and_wait(fixture.log, &fixture.collector, count, 1);
        count += status == STATUS_OK;
    }
    assert_int_equal(status, has_limit(&fixture) ? STATUS_NO_SPACE : STATUS_OK);
    if (has_limit(&fixture)) {
        expect_full(&fixture);
    }
    expect_numbers(fixture.log, 0, count);
    assert_int_equal(commit_to(fixture.log, (int64_t)count), STATUS_OK);
    append_ok(&fixture, count, 1);
    struct event_log_state about;
    event_log_describe(fixture.log, &about);
    assert_int_equal(about.accepting, STATUS_OK);
    expect_numbers(fixture.log, count, count + 1);
    finish(&fixture);
}

/* What is queued counts, too: a burst cannot overrun the limit. */
static void a_burst_does_not_overrun_the_limit(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, TIGHT_BYTES);
    size_t accepted = 0;
    for (uint64_t i = 0; i < 5000; i++) {
        enum status status = append_numbers(fixture.log, &fixture.collector, i, 1);
        assert_true(status == STATUS_OK || status == STATUS_NO_SPACE || status == STATUS_BUSY);
        accepted += status == STATUS_OK;
    }
    collector_wait(&fixture.collector, accepted);
    struct event_log_state about;
    event_log_describe(fixture.log, &about);
    assert_true(about.bytes <= about.bytes_max && about.bytes_max <= TIGHT_BYTES);
    assert_true(accepted < 5000 || about.bytes_max == 0);
    assert_int_equal(end_offset(fixture.log), accepted);
    finish(&fixture);
}

/* More than the log takes in one batch is TOO_LARGE, and the log goes on. */
static void a_batch_beyond_the_limit_is_too_large(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, TIGHT_BYTES);
    if (has_limit(&fixture)) {
        assert_int_equal(append_numbers(fixture.log, &fixture.collector, 0, 2000),
                         STATUS_TOO_LARGE);
    }
    append_ok(&fixture, 0, 1);
    expect_numbers(fixture.log, 0, 1);
    assert_int_equal(collector_count(&fixture.collector), 1);
    finish(&fixture);
}

/* describe says who the log is and that it accepts. */
static void describes_itself(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, ROOMY_BYTES);
    struct event_log_state about;
    event_log_describe(fixture.log, &about);
    assert_string_equal(about.kind, fixture.maker->kind);
    assert_int_equal(about.durability, fixture.maker->durability);
    assert_int_equal(about.accepting, STATUS_OK);
    assert_string_equal(about.reason, "");
    assert_true(about.bytes_max > 0 || about.bytes == 0);
    struct uuid none = {0};
    assert_false(uuid_equal(about.log_id, none));
    finish(&fixture);
}

/* The longest texts that the rules allow, an empty-looking one, and the most in one append. */
static void keeps_the_largest_activities(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, ROOMY_BYTES);
    enum { METADATA_BYTES = 65536 };
    char *text = malloc(METADATA_BYTES);
    assert_non_null(text);
    memset(text, 'm', METADATA_BYTES);
    memcpy(text, "{\"fill\":\"", 9);
    memcpy(text + METADATA_BYTES - 2, "\"}", 2);
    const struct activity large = {.id = {text + 9, 128},
                                   .user_id = {text + 9, 1024},
                                   .action = {text + 9, 1024},
                                   .metadata = {text, METADATA_BYTES},
                                   .timestamp_ms = INT64_C(253402300799999),
                                   .received_at_ms = 1};
    const struct activity both[2] = {
        large, {.id = STR("i"), .user_id = STR("u"), .action = STR("a"), .metadata = STR("{}")}};
    struct append_ticket ticket = {0};
    assert_int_equal(event_log_append(fixture.log, both, 2, &fixture.collector.listener, ticket),
                     STATUS_OK);
    collector_wait(&fixture.collector, 1);
    for (int i = 0; i < 2; i++) {
        struct activity_batch batch;
        assert_int_equal(event_log_poll(fixture.log, 1, 1000, &batch, NULL), STATUS_OK);
        assert_int_equal(batch.count, 1);
        assert_true(str_equal(batch.rows[0].activity.id, both[i].id));
        assert_true(activity_same_content(&batch.rows[0].activity, &both[i], true));
    }
    free(text);
    size_t most = EVENT_LOG_APPEND_ACTIVITIES_MAX;
    append_ok(&fixture, 0, most);
    expect_numbers(fixture.log, 0, most);
    finish(&fixture);
}

/* free completes what was appended before it returns; what it completed is there afterwards. */
static void freeing_completes_what_was_appended(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, ROOMY_BYTES);
    for (uint64_t i = 0; i < 300; i++) {
        assert_int_equal(append_numbers(fixture.log, &fixture.collector, i, 1), STATUS_OK);
    }
    if (fixture.maker->reopen == NULL) {
        fixture.maker->unmake(fixture.log);
        assert_int_equal(collector_count(&fixture.collector), 300);
        collector_deinit(&fixture.collector);
        return;
    }
    fixture.log = fixture.maker->reopen(fixture.log);
    assert_int_equal(collector_count(&fixture.collector), 300);
    expect_numbers(fixture.log, 0, 300);
    finish(&fixture);
}

/* A log that was opened again is the same: id, content, offsets that go on. */
static void a_reopened_log_is_the_same(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, ROOMY_BYTES);
    if (fixture.maker->reopen == NULL) {
        finish(&fixture);
        return;
    }
    struct event_log_state before;
    event_log_describe(fixture.log, &before);
    for (uint64_t round = 0; round < 5; round++) {
        append_ok(&fixture, round * 20, 10);
        append_ok(&fixture, round * 20 + 10, 10);
        fixture.log = fixture.maker->reopen(fixture.log);
        struct event_log_state after;
        event_log_describe(fixture.log, &after);
        assert_true(uuid_equal(before.log_id, after.log_id));
        assert_int_equal(end_offset(fixture.log), (round + 1) * 20);
        expect_numbers(fixture.log, 0, (round + 1) * 20);
    }
    finish(&fixture);
}

int event_log_contract_run(const struct log_maker *maker)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_append_gets_exactly_one_result),
        cmocka_unit_test(polls_in_order_of_appending),
        cmocka_unit_test(carries_traces),
        cmocka_unit_test(polls_nothing_from_an_empty_log),
        cmocka_unit_test(a_waiting_poll_wakes_up),
        cmocka_unit_test(threads_keep_their_own_order),
        cmocka_unit_test(seeks_back_and_forth),
        cmocka_unit_test(refuses_to_seek_beyond_the_end),
        cmocka_unit_test(end_position_only_raises),
        cmocka_unit_test(commit_drops_what_is_covered),
        cmocka_unit_test(reading_goes_on_behind_a_commit),
        cmocka_unit_test(a_full_log_refuses_and_recovers),
        cmocka_unit_test(a_burst_does_not_overrun_the_limit),
        cmocka_unit_test(a_batch_beyond_the_limit_is_too_large),
        cmocka_unit_test(describes_itself),
        cmocka_unit_test(keeps_the_largest_activities),
        cmocka_unit_test(freeing_completes_what_was_appended),
        cmocka_unit_test(a_reopened_log_is_the_same),
    };
    current_maker = maker;
    return cmocka_run_group_tests_name(maker->name, tests, NULL, NULL);
}
