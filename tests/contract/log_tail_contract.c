#include "log_tail_contract.h"

#include "base/assert.h"
#include "event_log_contract_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { EMPTY_POLLS = 20, WAIT_MS = 50, POLLS_MAX = 2000 };

static const struct tail_maker *maker;
static struct event_log *the_log;
static struct log_tail_source *source;
static struct collector collector;

static int set_up(void **state)
{
    (void)state;
    collector_init(&collector);
    the_log = maker->make(&source);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    maker->unmake(the_log);
    collector_deinit(&collector);
    return 0;
}

/* --- one that is followed --- */

struct followed {
    struct log_tail *tail;
    struct position_set next;
    uint64_t gone;
};

static struct followed follow(const struct position_set *from)
{
    struct followed followed = {0};
    struct log_tail_begin begin;
    struct error err = {0};
    enum status status = log_tail_open(source, from, &begin, &followed.tail, &err);
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), err.message);
    }
    followed.next = begin.positions;
    followed.gone = begin.gone;
    return followed;
}

static void leave(struct followed *followed)
{
    log_tail_free(followed->tail);
    position_set_deinit(&followed->next);
}

static struct position_set at(struct position *position, int64_t offset)
{
    *position = (struct position){.offset = offset};
    return (struct position_set){.items = position, .count = 1, .capacity = 1};
}

static struct followed follow_from(int64_t offset)
{
    struct position position;
    struct position_set from = at(&position, offset);
    return follow(&from);
}

static struct log_tail_batch poll(struct followed *followed, size_t rows_max, unsigned wait_ms)
{
    struct log_tail_batch batch;
    struct error err = {0};
    enum status status = log_tail_poll(followed->tail, rows_max, wait_ms, &batch, &err);
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), err.message);
    }
    assert_true(batch.batch.count <= rows_max);
    assert_int_equal(position_set_raise_all(&followed->next, batch.batch.next), STATUS_OK);
    followed->gone += batch.gone;
    return batch;
}

/* Expects exactly the numbers `first` to `end - 1` in order, at most `rows_max` at once, and
 * nothing behind them. */
static void expect_rows(struct followed *followed, uint64_t first, uint64_t end, size_t rows_max)
{
    for (int polls = 0; first < end; polls++) {
        struct log_tail_batch batch = poll(followed, rows_max, WAIT_MS);
        for (size_t i = 0; i < batch.batch.count; i++) {
            assert_int_equal(numbered_activity_number(&batch.batch.rows[i].activity), first++);
        }
        if (polls == POLLS_MAX) {
            fail_msg("number %llu does not come", (unsigned long long)first);
        }
    }
    assert_int_equal(first, end);
    assert_int_equal(poll(followed, rows_max, 0).batch.count, 0);
}

static void append(uint64_t first, size_t count)
{
    assert_int_equal(append_and_wait(the_log, &collector, first, count), STATUS_OK);
}

/* --- the promises --- */

static void from_the_end_only_what_comes_then(void **state)
{
    (void)state;
    append(0, 10);
    struct followed tail = follow(NULL);
    assert_int_equal(position_set_get(&tail.next, 0), end_offset(the_log));
    assert_int_equal(poll(&tail, 100, 0).batch.count, 0);
    append(10, 5);
    expect_rows(&tail, 10, 15, 100);
    assert_int_equal(position_set_get(&tail.next, 0), end_offset(the_log));
    assert_int_equal(tail.gone, 0);
    leave(&tail);
}

static void from_a_position_what_stands_there_and_behind(void **state)
{
    (void)state;
    append(0, 300);
    append(300, 1);
    for (int64_t offset = 0; offset <= 301; offset += 43) {
        struct followed tail = follow_from(offset);
        assert_int_equal(position_set_get(&tail.next, 0), offset);
        expect_rows(&tail, (uint64_t)offset, 301, 64);
        assert_int_equal(position_set_get(&tail.next, 0), 301);
        leave(&tail);
    }
}

static void positions_of_rows_lead_back_to_them(void **state)
{
    (void)state;
    append(0, 20);
    struct followed tail = follow_from(0);
    struct log_tail_batch batch = poll(&tail, 7, 1000);
    assert_true(batch.batch.count > 0);
    struct position last = batch.batch.rows[batch.batch.count - 1].position;
    struct followed again = follow_from(last.offset);
    expect_rows(&again, (uint64_t)last.offset, 20, 100);
    leave(&again);
    leave(&tail);
}

static void a_position_beyond_the_end_is_refused(void **state)
{
    (void)state;
    append(0, 3);
    struct position position;
    struct position_set from = at(&position, 4);
    struct log_tail_begin begin;
    struct log_tail *tail = NULL;
    struct error err = {0};
    assert_int_equal(log_tail_open(source, &from, &begin, &tail, &err), STATUS_INVALID);
    assert_null(tail);
    position_set_deinit(&begin.positions);
}

/* Two tails and the worker read the same, each all of it. */
static void nobody_takes_anything_from_another(void **state)
{
    (void)state;
    struct followed first = follow(NULL);
    struct followed second = follow_from(0);
    append(0, 50);
    expect_rows(&first, 0, 50, 9);
    expect_numbers(the_log, 0, 50);
    expect_rows(&second, 0, 50, 100);
    append(50, 50);
    expect_numbers(the_log, 50, 100);
    expect_rows(&second, 50, 100, 100);
    expect_rows(&first, 50, 100, 100);
    leave(&first);
    leave(&second);
}

/* Whatever became of what was dropped, rows and what is gone add up to what was asked for. */
static void what_was_dropped_is_counted(void **state)
{
    (void)state;
    struct followed before = follow_from(0);
    for (uint64_t number = 0; number < 12000; number += 1000) {
        append(number, 1000);
    }
    expect_numbers(the_log, 0, 12000);
    if (!maker->drop(the_log)) {
        leave(&before);
        skip();
    }
    append(12000, 100);
    struct followed behind = follow_from(0);
    assert_true(behind.gone > 0);
    assert_int_equal(position_set_get(&behind.next, 0), behind.gone);
    expect_rows(&behind, behind.gone, 12100, 1000);
    uint64_t rows = 0;
    for (int polls = 0; polls < POLLS_MAX && position_set_get(&before.next, 0) < 12100; polls++) {
        rows += poll(&before, 1000, WAIT_MS).batch.count;
    }
    assert_int_equal(position_set_get(&before.next, 0), 12100);
    assert_int_equal(rows + before.gone, 12100);
    leave(&behind);
    leave(&before);
}

int log_tail_contract_run(const struct tail_maker *of)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(from_the_end_only_what_comes_then, set_up, tear_down),
        cmocka_unit_test_setup_teardown(from_a_position_what_stands_there_and_behind, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(positions_of_rows_lead_back_to_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_position_beyond_the_end_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_takes_anything_from_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_dropped_is_counted, set_up, tear_down),
    };
    maker = of;
    return cmocka_run_group_tests_name(of->name, tests, NULL, NULL);
}
