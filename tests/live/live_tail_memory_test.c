/*
 * Fails each allocation of the live tail in turn. Whoever listens hears everything, or is told how
 * much is missing or that it ends; nothing of who was erased comes; and when there is memory again,
 * all works.
 */
#include "base/failing_memory.h"
#include "live_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
    BEFORE = 60,
    DROPPED = 40,
    HEARTBEAT_MS = 2,
    ERASED_USER = 3,
    LISTENERS = 4,
    ALLOCATIONS_MAX = 5000
};

static struct live_bed bed;
static struct ear ears[LISTENERS];
static struct ear after;

/* --- a log that has got a partition since somebody was last there --- */

static struct log_tail_source *whole; /* of the log */

/* Says nothing of the one partition, as tails of a topic say nothing of one that comes later. */
static enum status open_knowing_less(struct log_tail_source *source,
                                     const struct position_set *from,
                                     struct log_tail_begin *out_begin, struct log_tail **out_tail,
                                     struct error *err)
{
    (void)source;
    enum status status = whole->open(whole, from, out_begin, out_tail, err);
    if (status == STATUS_OK && from != NULL) {
        position_set_deinit(&out_begin->positions);
    }
    return status;
}

static struct log_tail_source knowing_less = {.open = open_knowing_less};

/* --- what is tried --- */

/* An event's id that names this position of the bed's log. */
static void print_id(int64_t offset, char *out_id)
{
    struct event_log_state log;
    struct buffer text;
    struct position place = {.offset = offset};
    const struct position_set places = {.items = &place, .count = 1, .capacity = 1};
    event_log_describe(bed.log, &log);
    buffer_init(&text, LIVE_ID_BYTES - 1);
    live_tail_append_id(log.log_id, &places, &text);
    assert_int_equal(text.failed, STATUS_OK);
    snprintf(out_id, LIVE_ID_BYTES, "%.*s", STR_FORMAT(buffer_str(&text)));
    buffer_deinit(&text);
}

/* A log whose beginning is gone, and ears that hear from now on or come back to what is there or
 * gone. */
static void prepare(void)
{
    char id[LIVE_ID_BYTES];
    live_bed_open(&bed, LISTENERS + 1);
    bed.config.heartbeat_ms = HEARTBEAT_MS;
    whole = bed.config.source;
    bed.config.source = &knowing_less;
    live_bed_append(&bed, DROPPED, 8);
    live_bed_drop(&bed);
    live_bed_append(&bed, BEFORE - DROPPED, 8);
    ear_init(&ears[0]);
    ear_init(&ears[1]);
    print_id(DROPPED + 2, id);
    ear_init_behind(&ears[2], id);
    print_id(10, id);
    ear_init_behind(&ears[3], id);
}

static uint64_t begins[LISTENERS]; /* what each has to hear of */
static uint64_t erased_before;

/* Nothing is taken meanwhile, so all that comes waits in queues when somebody is erased. */
static void join_and_append(void)
{
    for (size_t i = 0; i < LISTENERS; i++) {
        begins[i] =
            ears[i].listener.resumes ? (uint64_t)ears[i].listener.from.items[0].offset : bed.next;
        assert_int_equal(live_tail_join(bed.tail, &ears[i].listener), STATUS_OK);
        (void)ear_await_state(&ears[i]);
        live_bed_append(&bed, 3, 2);
    }
    live_bed_erase(&bed, ERASED_USER);
    erased_before = bed.next;
    live_bed_append(&bed, 20, 7);
}

static void check(const struct ear *ear, uint64_t begin, bool follows)
{
    assert_false(ear->disordered);
    for (uint64_t number = ERASED_USER; number < erased_before; number += LIVE_USERS) {
        assert_int_equal(ear->times[number], 0);
    }
    for (uint64_t number = 0; number < bed.next; number++) {
        assert_true(ear->times[number] <= 1);
    }
    uint64_t untold = ear_count_untold(ear, begin, bed.next, ERASED_USER);
    if (follows && ear->gaps_of_unknown == 0 && ear->missed < untold) {
        fail_msg("of those behind %llu there are %llu missing, of which %llu were told",
                 (unsigned long long)begin, (unsigned long long)untold,
                 (unsigned long long)ear->missed);
    }
}

static void check_that_all_works(void)
{
    ear_init(&after);
    assert_int_equal(live_tail_join(bed.tail, &after.listener), STATUS_OK);
    assert_int_equal(ear_await_state(&after), LIVE_FOLLOWS);
    live_bed_append(&bed, 10, 3);
    assert_true(ear_await(&after, bed.next));
    ear_assert_told_exactly(&after, bed.next - 10, bed.next);
    ear_leave(&bed, &after);
}

/* False: it needed no more allocations than that. */
static bool try_to_listen(unsigned long allocations)
{
    struct error err = {0};
    prepare();
    failing_memory_arm(allocations);
    enum status status = live_bed_start(&bed, &err);
    if (status == STATUS_OK) {
        join_and_append();
    } else {
        assert_int_equal(status, STATUS_NO_MEMORY);
    }
    bool failed = failing_memory_disarm();
    if (status != STATUS_OK) {
        assert_int_equal(live_bed_start(&bed, &err), STATUS_OK);
        join_and_append();
    }
    live_bed_append(&bed, 1, 1);
    for (size_t i = 0; i < LISTENERS; i++) {
        bool follows = ear_await(&ears[i], bed.next);
        check(&ears[i], begins[i], follows);
    }
    check_that_all_works();
    for (size_t i = 0; i < LISTENERS; i++) {
        ear_leave(&bed, &ears[i]);
    }
    live_bed_close(&bed);
    return failed;
}

static void whoever_listens_is_told_what_is_missing(void **state)
{
    (void)state;
    unsigned long allocations = 0; /* how many there are depends on how threads take turns */
    while (try_to_listen(allocations)) {
        assert_true(++allocations < ALLOCATIONS_MAX);
    }
    assert_true(allocations > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_listens_is_told_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
