/* Why the committer is told to go on: a log that cannot write any more must not be looked at. And
 * what the clients are told whom it refuses. */
#include "infrastructure/event_log_local/append_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { HELD_BYTES_MAX = 8192, RECORD_BYTES = 1000, TAKEN_MAX = 4 };

static struct append_queue queue;
static struct append_record *taken[TAKEN_MAX];
static size_t taken_count;

static void begin(unsigned look_every_ms)
{
    append_queue_init(&queue, &clock_system,
                      &(struct append_queue_limits){.queue_bytes_max = HELD_BYTES_MAX,
                                                    .held_bytes_max = HELD_BYTES_MAX,
                                                    .look_every_ms = look_every_ms});
}

static enum append_wake take(void)
{
    return append_queue_take(&queue, TAKEN_MAX, HELD_BYTES_MAX, taken, &taken_count);
}

static void fill_and_append(void)
{
    struct append_record *record = NULL;
    append_queue_hold(&queue, HELD_BYTES_MAX);
    assert_int_equal(append_queue_reserve(&queue, RECORD_BYTES, &record), STATUS_NO_SPACE);
}

/* Room that comes free behind the wake takes its news away, and that is no reason to look. */
static void news_that_are_gone_ask_for_no_look(void **state)
{
    (void)state;
    bool lacks_room;
    begin(0);
    fill_and_append();
    const struct error broken = {.status = STATUS_UNAVAILABLE, .message = "broken"};
    append_queue_refuse(&queue, &broken, APPEND_REFUSE_FOR_GOOD);
    assert_int_equal(take(), APPEND_WAKE_NEWS);
    append_queue_release(&queue, HELD_BYTES_MAX);
    assert_false(append_queue_take_news(&queue, &lacks_room));
    append_queue_stop(&queue);
    assert_int_equal(take(), APPEND_WAKE_STOP);
    append_queue_deinit(&queue);
}

/* What is queued between a wake for something else and the stop is still taken. */
static void what_is_queued_before_the_stop_is_taken(void **state)
{
    (void)state;
    struct append_record *record = NULL;
    begin(1);
    assert_int_equal(take(), APPEND_WAKE_LOOK);
    assert_int_equal(taken_count, 0);
    assert_int_equal(append_queue_reserve(&queue, RECORD_BYTES, &record), STATUS_OK);
    append_queue_push(&queue, record);
    append_queue_stop(&queue);
    assert_int_equal(take(), APPEND_WAKE_COMMIT);
    assert_int_equal(taken_count, 1);
    assert_ptr_equal(taken[0], record);
    append_queue_settle(&queue, taken, taken_count, RECORD_BYTES);
    append_queue_recycle(&queue, taken, taken_count);
    assert_int_equal(take(), APPEND_WAKE_STOP);
    append_queue_deinit(&queue);
}

static uint64_t now_ns;

static uint64_t tell_now_ns(void *context)
{
    (void)context;
    return now_ns;
}

static const struct clock test_clock = {.wall_ns = tell_now_ns, .monotonic_ns = tell_now_ns};

static unsigned retry_after_s(void)
{
    struct event_log_state state = {0};
    (void)append_queue_describe(&queue, &state);
    return state.retry_after_s;
}

/* Ten records of a second each were committed; three wait. */
static void says_when_what_waits_is_committed(void **state)
{
    (void)state;
    struct append_record *record = NULL;
    const struct append_queue_limits limits = {.queue_bytes_max = 4 * RECORD_BYTES,
                                               .held_bytes_max = 1024 * RECORD_BYTES};
    append_queue_init(&queue, &test_clock, &limits);
    for (int i = 0; i < 13; i++) {
        assert_int_equal(append_queue_reserve(&queue, RECORD_BYTES, &record), STATUS_OK);
        append_queue_push(&queue, record);
        if (i < 10) {
            assert_int_equal(take(), APPEND_WAKE_COMMIT);
            now_ns += NANOSECONDS_PER_SECOND;
            append_queue_settle(&queue, taken, taken_count, RECORD_BYTES);
            append_queue_recycle(&queue, taken, taken_count);
            assert_int_equal(retry_after_s(), 0);
        }
    }
    assert_int_equal(append_queue_reserve(&queue, 2 * RECORD_BYTES, &record), STATUS_BUSY);
    assert_int_equal(retry_after_s(), 4);
    assert_int_equal(take(), APPEND_WAKE_COMMIT);
    append_queue_settle(&queue, taken, taken_count, 0);
    append_queue_recycle(&queue, taken, taken_count);
    append_queue_deinit(&queue);
}

/* It held 8 KiB of which an eighth is to come free, at 100 bytes a second. */
static void says_when_there_is_room_again(void **state)
{
    (void)state;
    const struct append_queue_limits limits = {.queue_bytes_max = HELD_BYTES_MAX,
                                               .held_bytes_max = HELD_BYTES_MAX};
    append_queue_init(&queue, &test_clock, &limits);
    fill_and_append();
    assert_int_equal(retry_after_s(), 0); /* nobody knows yet */
    for (int i = 0; i < 4; i++) {
        now_ns += 5 * NANOSECONDS_PER_SECOND;
        append_queue_hold(&queue, 500);
        append_queue_release(&queue, 500);
    }
    struct append_record *record = NULL;
    assert_int_equal(append_queue_reserve(&queue, RECORD_BYTES, &record), STATUS_NO_SPACE);
    assert_in_range(retry_after_s(), HELD_BYTES_MAX / 8 / 100, HELD_BYTES_MAX / 8 / 100 + 1);
    append_queue_deinit(&queue);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(news_that_are_gone_ask_for_no_look),
        cmocka_unit_test(what_is_queued_before_the_stop_is_taken),
        cmocka_unit_test(says_when_what_waits_is_committed),
        cmocka_unit_test(says_when_there_is_room_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
