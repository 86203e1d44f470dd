/* The failing and the tracing event log do what their headers say, beyond passing things through.
 */
#include "event_log_contract_support.h"
#include "infrastructure/event_log_failing/event_log_failing.h"
#include "infrastructure/event_log_memory/event_log_memory.h"
#include "infrastructure/event_log_tracing/event_log_tracing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct event_log *make_memory(void)
{
    const struct event_log_memory_config config = {.random = &random_system};
    struct event_log *log = NULL;
    assert_int_equal(event_log_memory_new(&config, &log, NULL), STATUS_OK);
    return log;
}

static struct event_log *make_failing(const struct planned_failure *failures, size_t count)
{
    struct event_log *log = NULL;
    assert_int_equal(event_log_failing_new(make_memory(), &log, NULL), STATUS_OK);
    event_log_failing_plan(log, failures, count);
    return log;
}

/* Each call fails at its number with its status, once or from then on. */
static void calls_fail_by_plan(void **state)
{
    (void)state;
    static const struct planned_failure failures[] = {
        {EVENT_LOG_APPEND, 1, 1, STATUS_BUSY},
        {EVENT_LOG_COMPLETION, 1, 1, STATUS_UNAVAILABLE},
        {EVENT_LOG_POLL, 0, 1, STATUS_UNAVAILABLE},
        {EVENT_LOG_SEEK, 0, UINT64_MAX, STATUS_CORRUPT},
        {EVENT_LOG_COMMIT, 1, UINT64_MAX, STATUS_UNAVAILABLE},
        {EVENT_LOG_END_POSITION, 0, 1, STATUS_NO_MEMORY},
    };
    struct event_log *log = make_failing(failures, ARRAY_LENGTH(failures));
    struct collector collector;
    collector_init(&collector);
    assert_int_equal(append_and_wait(log, &collector, 0, 1), STATUS_OK);
    assert_int_equal(append_and_wait(log, &collector, 1, 1), STATUS_BUSY);
    assert_int_equal(append_and_wait(log, &collector, 2, 1), STATUS_UNAVAILABLE);
    assert_int_equal(collector.items[1].ticket.generation, 2);
    assert_int_equal(append_and_wait(log, &collector, 3, 1), STATUS_OK);
    struct activity_batch batch;
    struct error err = {0};
    assert_int_equal(event_log_poll(log, 9, 0, &batch, &err), STATUS_UNAVAILABLE);
    assert_int_not_equal(err.message[0], '\0');
    assert_int_equal(event_log_poll(log, 9, 0, &batch, &err), STATUS_OK);
    assert_int_equal(batch.count, 3); /* the one whose result failed may be there, and is */
    assert_int_equal(seek_to(log, 0), STATUS_CORRUPT);
    assert_int_equal(seek_to(log, 0), STATUS_CORRUPT);
    assert_int_equal(commit_to(log, 1), STATUS_OK);
    assert_int_equal(commit_to(log, 1), STATUS_UNAVAILABLE);
    struct position_set set;
    position_set_init(&set);
    assert_int_equal(event_log_end_position(log, &set), STATUS_NO_MEMORY);
    assert_int_equal(event_log_end_position(log, &set), STATUS_OK);
    position_set_deinit(&set);
    const struct planned_failure later = {EVENT_LOG_APPEND, 0, 1, STATUS_NO_SPACE};
    event_log_failing_plan(log, &later, 1);
    assert_int_equal(append_and_wait(log, &collector, 4, 1), STATUS_NO_SPACE);
    assert_int_equal(append_and_wait(log, &collector, 4, 1), STATUS_OK);
    event_log_free(log);
    collector_deinit(&collector);
}

/* Results that are held back come in order when they are let go, or when the log is freed. */
static void results_can_be_held_back(void **state)
{
    (void)state;
    struct event_log *log = make_failing(NULL, 0);
    struct collector collector;
    collector_init(&collector);
    for (int round = 0; round < 2; round++) {
        event_log_failing_hold(log, true);
        for (uint64_t i = 0; i < 20; i++) {
            assert_int_equal(append_numbers(log, &collector, i, 1), STATUS_OK);
        }
        while (end_offset(log) < (round + 1) * 20) {
            struct activity_batch batch;
            assert_int_equal(event_log_poll(log, 100, 100, &batch, NULL), STATUS_OK);
        }
        assert_int_equal(collector_count(&collector), (size_t)round * 20);
        if (round == 0) {
            event_log_failing_hold(log, false);
            collector_wait(&collector, 20);
        }
    }
    event_log_free(log);
    assert_int_equal(collector_count(&collector), 40);
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(collector.items[i].ticket.generation, i % 20);
        assert_int_equal(collector.items[i].reached, i);
    }
    collector_deinit(&collector);
}

/* Each call is one line with its arguments, its status and its time. */
static void each_call_is_one_line(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const struct logger logger = {.clock = &clock_system,
                                  .descriptor = ends[1],
                                  .format = LOG_FORMAT_JSON,
                                  .level = LOG_DEBUG};
    const struct event_log_tracing_config config = {
        .inner = make_memory(), .clock = &clock_system, .logger = &logger};
    struct event_log *log = NULL;
    assert_int_equal(event_log_tracing_new(&config, &log, NULL), STATUS_OK);
    struct collector collector;
    collector_init(&collector);
    assert_int_equal(append_and_wait(log, &collector, 0, 3), STATUS_OK);
    struct activity_batch batch;
    assert_int_equal(event_log_poll(log, 9, 0, &batch, NULL), STATUS_OK);
    assert_int_equal(seek_to(log, 99), STATUS_CORRUPT);
    assert_int_equal(commit_to(log, 3), STATUS_OK);
    assert_int_equal(end_offset(log), 3);
    struct event_log_state about;
    event_log_describe(log, &about);
    event_log_free(log);
    close(ends[1]);
    char text[8192] = {0};
    size_t len = 0;
    ssize_t got;
    while (len < sizeof text - 1 && (got = read(ends[0], text + len, sizeof text - 1 - len)) > 0) {
        len += (size_t)got;
    }
    close(ends[0]);
    static const char *const expected[] = {"append",       "poll",     "seek", "commit",
                                           "end_position", "describe", "free"};
    char *line = text;
    for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        *end = '\0';
        assert_non_null(strstr(line, expected[i]));
        assert_non_null(strstr(line, "\"microseconds\":"));
        assert_true(strcmp(expected[i], "append") != 0 || strstr(line, "\"activities\":3"));
        assert_true(strcmp(expected[i], "seek") != 0 || strstr(line, "\"corrupt\""));
        line = end + 1;
    }
    assert_string_equal(line, "");
    collector_deinit(&collector);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_fail_by_plan),
        cmocka_unit_test(results_can_be_held_back),
        cmocka_unit_test(each_call_is_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
