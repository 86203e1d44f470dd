/*
 * Guards what live_tail.h promises those who listen: everything in order from the moment on that
 * they are let in, or behind the event that they name, without loss or doubles while more comes; a
 * gap wherever something is missing; nothing of who was erased; and an end that is told.
 */
#include "live_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { LISTENERS_MAX = 16 };

static struct live_bed bed;
static struct ear ears[LISTENERS_MAX];

static int set_up(void **state)
{
    (void)state;
    live_bed_open(&bed, LISTENERS_MAX);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    live_bed_close(&bed);
    return 0;
}

static void start(void)
{
    assert_int_equal(live_bed_start(&bed, NULL), STATUS_OK);
}

static void let_in(struct ear *ear)
{
    assert_int_equal(live_tail_join(bed.tail, &ear->listener), STATUS_OK);
    assert_int_equal(ear_await_state(ear), LIVE_FOLLOWS);
}

/* A listener that hears from the beginning on leaves with the id of this activity. */
static void get_id_of(uint64_t number, char *out_id)
{
    ear_init(&ears[0]);
    let_in(&ears[0]);
    live_bed_append(&bed, number + 1 - bed.next, 100);
    assert_true(ear_await(&ears[0], number + 1));
    assert_int_equal(ears[0].last, number);
    memcpy(out_id, ears[0].last_id, LIVE_ID_BYTES);
    ear_leave(&bed, &ears[0]);
}

static void pause_ms(unsigned ms)
{
    const struct timespec pause = {.tv_nsec = (long)ms * 1000000};
    nanosleep(&pause, NULL);
}

/* --- from now on --- */

static void everything_is_told_in_order_from_the_moment_on(void **state)
{
    (void)state;
    start();
    live_bed_append(&bed, 10, 10);
    ear_init(&ears[0]);
    let_in(&ears[0]);
    live_bed_append(&bed, 3000, 7);
    assert_true(ear_await(&ears[0], bed.next));
    ear_assert_told_exactly(&ears[0], 10, bed.next);
    ear_leave(&bed, &ears[0]);
}

static void who_joins_later_shares_what_comes(void **state)
{
    (void)state;
    start();
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        ear_init(&ears[i]);
        let_in(&ears[i]);
        live_bed_append(&bed, 50, 3);
        assert_true(ear_await(&ears[i], bed.next)); /* else the next one may hear of some of it */
    }
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        assert_true(ear_await(&ears[i], bed.next));
        ear_assert_told_exactly(&ears[i], i * 50, bed.next);
        ear_leave(&bed, &ears[i]);
    }
}

static void only_what_the_filter_lets_through(void **state)
{
    (void)state;
    struct str odd = STR("odd");
    start();
    ear_init(&ears[0]);
    ears[0].listener.filter.actions.items = &odd;
    ears[0].listener.filter.actions.count = 1;
    let_in(&ears[0]);
    live_bed_append(&bed, 1000, 50);
    assert_true(ear_await(&ears[0], bed.next));
    assert_int_equal(ears[0].told, 500);
    for (uint64_t number = 0; number < bed.next; number++) {
        assert_int_equal(ears[0].times[number], number % 2);
    }
    ear_leave(&bed, &ears[0]);
}

/* The oldest are lost, and as many are told to be missing. */
static void who_is_slow_is_told_how_much_is_missing(void **state)
{
    (void)state;
    start();
    ear_init(&ears[0]);
    ear_init(&ears[1]);
    let_in(&ears[0]);
    let_in(&ears[1]);
    for (int i = 0; i < 20; i++) { /* the second one keeps up, so all of it went by the first */
        live_bed_append(&bed, 500, 500);
        assert_true(ear_await(&ears[1], bed.next));
    }
    assert_true(ear_await(&ears[0], bed.next));
    assert_int_equal(ears[0].gaps, 1);
    assert_string_equal(ears[0].gap_reason, "slow");
    assert_int_equal(ears[0].missed, bed.next - ears[0].told);
    /* the last row may come to this one when it has begun to take */
    assert_in_range(ears[0].told, 1000, LIVE_QUEUE_EVENTS_MAX + 1);
    assert_int_equal(ear_count_untold(&ears[0], bed.next - ears[0].told, bed.next, LIVE_USERS), 0);
    assert_false(ears[0].disordered);
    ear_assert_told_exactly(&ears[1], 0, bed.next);
    ear_leave(&bed, &ears[0]);
    ear_leave(&bed, &ears[1]);
}

/* What a heartbeat names is where one can go on. */
static void heartbeats_come_with_a_place(void **state)
{
    (void)state;
    struct str never = STR("never");
    bed.config.heartbeat_ms = 20;
    start();
    ear_init(&ears[0]);
    ears[0].listener.filter.actions.items = &never;
    ears[0].listener.filter.actions.count = 1;
    let_in(&ears[0]);
    live_bed_append(&bed, 30, 30);
    for (int i = 0; i < 1000 && ears[0].heartbeats < 5; i++) {
        pause_ms(5);
        ear_take(&ears[0]);
    }
    assert_true(ears[0].heartbeats >= 5);
    assert_int_equal(ears[0].told + ears[0].gaps, 0);
    ear_init_behind(&ears[1], ears[0].last_id);
    ear_leave(&bed, &ears[0]);
    let_in(&ears[1]);
    live_bed_append(&bed, 20, 20);
    assert_true(ear_await(&ears[1], bed.next));
    ear_assert_told_exactly(&ears[1], 30, bed.next);
    ear_leave(&bed, &ears[1]);
}

/* --- who comes back --- */

static atomic_ullong heard; /* by all, or further */

/* No faster than the ears hear, which are slow under a sanitizer. */
static void *append_meanwhile(void *context)
{
    enum { AHEAD_MAX = 1000 };
    (void)context;
    for (int i = 0; i < 300; i++) {
        while (bed.next > atomic_load(&heard) + AHEAD_MAX) {
            pause_ms(1);
        }
        live_bed_append(&bed, 20, 1 + (size_t)i % 9);
    }
    return NULL;
}

/* True when all of them heard everything up to `end`. */
static bool take_all(size_t count, uint64_t end)
{
    uint64_t least = end;
    for (size_t i = 0; i < count; i++) {
        ear_take(&ears[i]);
        least = ears[i].last + 1 < least ? ears[i].last + 1 : least;
    }
    atomic_store(&heard, least);
    return least == end;
}

/* From different places, while more comes all the time. */
static void who_comes_back_misses_nothing_and_hears_nothing_twice(void **state)
{
    (void)state;
    enum { COUNT = 12, STEP = 40 };
    static char ids[COUNT][LIVE_ID_BYTES];
    pthread_t appender;
    start();
    for (uint64_t i = 0; i < COUNT; i++) {
        get_id_of(i * STEP, ids[i]);
    }
    atomic_store(&heard, bed.next);
    assert_int_equal(pthread_create(&appender, NULL, append_meanwhile, NULL), 0);
    for (size_t i = 0; i < COUNT; i++) {
        ear_init_behind(&ears[i], ids[i]);
        assert_int_equal(live_tail_join(bed.tail, &ears[i].listener), STATUS_OK);
    }
    uint64_t end = (COUNT - 1) * STEP + 1 + 6000;
    for (int turn = 0; turn < 20000 && !take_all(COUNT, end); turn++) {
        pause_ms(1);
    }
    atomic_store(&heard, end);
    assert_int_equal(pthread_join(appender, NULL), 0);
    assert_int_equal(bed.next, end);
    for (size_t i = 0; i < COUNT; i++) {
        ear_assert_told_exactly(&ears[i], i * STEP + 1, end);
        ear_leave(&bed, &ears[i]);
    }
}

static void what_the_log_dropped_is_a_gap(void **state)
{
    (void)state;
    char id[LIVE_ID_BYTES];
    start();
    get_id_of(9, id);
    live_bed_append(&bed, 90, 45);
    live_bed_drop(&bed);
    live_bed_append(&bed, 10, 10);
    ear_init_behind(&ears[0], id);
    let_in(&ears[0]);
    assert_true(ear_await(&ears[0], bed.next));
    assert_int_equal(ears[0].missed, 90);
    assert_int_equal(ears[0].gaps, 1);
    assert_string_equal(ears[0].gap_reason, "gone");
    assert_int_equal(ears[0].told, 10);
    assert_int_equal(ear_count_untold(&ears[0], 100, bed.next, LIVE_USERS), 0);
    ear_leave(&bed, &ears[0]);
}

/* Nobody knows how much lies between, and everything that this log holds came since. */
static void who_comes_from_another_log_hears_all_of_this_one(void **state)
{
    (void)state;
    char id[LIVE_ID_BYTES];
    start();
    get_id_of(9, id);
    live_bed_close(&bed);
    live_bed_open(&bed, LISTENERS_MAX);
    start();
    live_bed_append(&bed, 40, 10);
    ear_init_behind(&ears[0], id);
    let_in(&ears[0]);
    assert_true(ear_await(&ears[0], bed.next));
    assert_int_equal(ears[0].gaps_of_unknown, 1);
    assert_int_equal(ears[0].gaps, 1);
    assert_int_equal(ears[0].told, 40);
    ear_leave(&bed, &ears[0]);
}

static void a_place_that_the_log_has_not_reached_is_refused(void **state)
{
    (void)state;
    struct error why;
    char id[LIVE_ID_BYTES];
    start();
    get_id_of(9, id);
    ear_init_behind(&ears[0], id);
    ears[0].listener.from.items[0].offset += 1000;
    assert_int_equal(live_tail_join(bed.tail, &ears[0].listener), STATUS_OK);
    assert_int_equal(ear_await_state(&ears[0]), LIVE_REFUSED);
    (void)live_listener_state(&ears[0].listener, &why);
    assert_int_equal(why.status, STATUS_INVALID);
    assert_true(why.message[0] != '\0');
    ear_leave(&bed, &ears[0]);
}

/* One who takes nothing cannot be handed what he missed, so it ends with a gap. */
static void coming_back_takes_only_so_long(void **state)
{
    (void)state;
    char id[LIVE_ID_BYTES];
    bed.config.backfill_ms_max = 100;
    start();
    get_id_of(0, id);
    live_bed_append(&bed, 9999, 500);
    ear_init_behind(&ears[0], id);
    let_in(&ears[0]);
    pause_ms(400);
    live_bed_append(&bed, 100, 10);
    assert_true(ear_await(&ears[0], bed.next));
    assert_int_equal(ears[0].gaps, 1);
    assert_string_equal(ears[0].gap_reason, "behind");
    assert_int_equal(ears[0].told + ears[0].missed, bed.next - 1);
    assert_int_equal(ear_count_untold(&ears[0], bed.next - 100, bed.next, LIVE_USERS), 0);
    assert_false(ears[0].disordered);
    ear_leave(&bed, &ears[0]);
}

/* --- who is erased --- */

static void nothing_of_who_was_erased_is_handed_out(void **state)
{
    (void)state;
    char id[LIVE_ID_BYTES];
    start();
    get_id_of(0, id);
    ear_init(&ears[1]);
    ear_init(&ears[2]);
    let_in(&ears[1]);
    let_in(&ears[2]);
    live_bed_append(&bed, 700, 50);
    assert_true(ear_await(&ears[2], bed.next)); /* so all of it was told, and waits in the other */
    live_bed_erase(&bed, 3);
    uint64_t border = bed.next;
    live_bed_append(&bed, 70, 10);
    ear_init_behind(&ears[3], id);
    let_in(&ears[3]);
    for (size_t i = 1; i <= 3; i += 2) {
        assert_true(ear_await(&ears[i], bed.next));
        assert_int_equal(ear_count_untold(&ears[i], 1, bed.next, 3), 0);
        assert_int_equal(ears[i].told, 600 + 70);
        for (uint64_t number = 3; number < bed.next; number += LIVE_USERS) {
            assert_int_equal(ears[i].times[number], number >= border);
        }
        assert_int_equal(ears[i].gaps, 0);
    }
    for (size_t i = 1; i <= 3; i++) {
        ear_leave(&bed, &ears[i]);
    }
}

/* --- the end --- */

static void no_more_than_so_many_listen(void **state)
{
    (void)state;
    static struct ear one_more;
    start();
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        ear_init(&ears[i]);
        let_in(&ears[i]);
    }
    ear_init(&one_more);
    assert_int_equal(live_tail_join(bed.tail, &one_more.listener), STATUS_BUSY);
    ear_leave(&bed, &ears[0]);
    let_in(&one_more);
    live_bed_append(&bed, 5, 5);
    assert_true(ear_await(&one_more, bed.next));
    ear_leave(&bed, &one_more);
    for (size_t i = 1; i < LISTENERS_MAX; i++) {
        ear_leave(&bed, &ears[i]);
    }
}

/* Whether they follow, come back, or have just joined. */
static void stopping_ends_all_who_listen(void **state)
{
    (void)state;
    struct error why;
    char id[LIVE_ID_BYTES];
    start();
    get_id_of(9, id);
    live_bed_append(&bed, 6000, 500);
    for (size_t i = 0; i < 8; i++) {
        if (i < 4) {
            ear_init(&ears[i]);
        } else {
            ear_init_behind(&ears[i], id); /* which takes nothing, so it stays behind */
        }
        if (i % 2 == 0) {
            let_in(&ears[i]);
        } else {
            assert_int_equal(live_tail_join(bed.tail, &ears[i].listener), STATUS_OK);
        }
    }
    live_tail_stop(bed.tail);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(live_listener_state(&ears[i].listener, &why), LIVE_ENDED);
        assert_true(ears[i].woken);
        assert_false(live_listener_rest(&ears[i].listener));
    }
    ear_init(&ears[8]);
    assert_int_equal(live_tail_join(bed.tail, &ears[8].listener), STATUS_BUSY);
    live_listener_unref(&ears[8].listener);
    assert_true(atomic_load(&ears[8].released));
    for (size_t i = 0; i < 8; i++) {
        ear_leave(&bed, &ears[i]);
    }
}

/* --- ids --- */

static void ids_lead_back_to_what_they_say(void **state)
{
    (void)state;
    struct position places[] = {{0, 0}, {3, 17}, {70, INT64_MAX}};
    const struct position_set reached = {.items = places, .count = 3, .capacity = 3};
    struct uuid log_id = {{1, 2, 3}};
    struct uuid read_id;
    struct position_set read;
    struct buffer text;
    struct error err = {0};
    buffer_init(&text, 1000);
    position_set_init(&read);
    live_tail_append_id(log_id, &reached, &text);
    assert_int_equal(live_tail_read_id(buffer_str(&text), &read_id, &read, &err), STATUS_OK);
    assert_true(uuid_equal(read_id, log_id));
    assert_int_equal(read.count, ARRAY_LENGTH(places));
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        assert_int_equal(read.items[i].partition, places[i].partition);
        assert_int_equal(read.items[i].offset, places[i].offset);
    }
    position_set_deinit(&read);
    static const char *const wrong[] = {"", "t", "x", "t1", "tA", "AAAA"};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_int_equal(live_tail_read_id(str_from(wrong[i]), &read_id, &read, &err),
                         STATUS_INVALID);
    }
    struct str receipt = {text.data + 1, text.len - 1}; /* says something else, so it is no id */
    assert_int_equal(live_tail_read_id(receipt, &read_id, &read, &err), STATUS_INVALID);
    assert_int_equal(read.count, 0);
    buffer_deinit(&text);
}

#define WITH_BED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BED(everything_is_told_in_order_from_the_moment_on),
        WITH_BED(who_joins_later_shares_what_comes),
        WITH_BED(only_what_the_filter_lets_through),
        WITH_BED(who_is_slow_is_told_how_much_is_missing),
        WITH_BED(heartbeats_come_with_a_place),
        WITH_BED(who_comes_back_misses_nothing_and_hears_nothing_twice),
        WITH_BED(what_the_log_dropped_is_a_gap),
        WITH_BED(who_comes_from_another_log_hears_all_of_this_one),
        WITH_BED(a_place_that_the_log_has_not_reached_is_refused),
        WITH_BED(coming_back_takes_only_so_long),
        WITH_BED(nothing_of_who_was_erased_is_handed_out),
        WITH_BED(no_more_than_so_many_listen),
        WITH_BED(stopping_ends_all_who_listen),
        cmocka_unit_test(ids_lead_back_to_what_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
