/*
 * Guards the completion of drafts: what a client leaves out is filled in, what it sent stays, and
 * activities without timestamps keep the order in which they were accepted.
 */
#include "application/record_activities.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1768435085442) /* 2026-01-14T23:58:05.442Z */

struct fixture {
    uint64_t now_ns;
    struct clock clock;
    struct random_seeded seeded;
    struct random random;
    struct record_activities recorder;
};

static uint64_t fixture_now(void *context)
{
    return ((struct fixture *)context)->now_ns;
}

static void fixture_init(struct fixture *fixture, struct event_log *log)
{
    fixture->now_ns = (uint64_t)NOW_MS * NANOSECONDS_PER_MILLISECOND;
    fixture->clock = (struct clock){fixture_now, fixture_now, fixture};
    fixture->random = random_from_seed(&fixture->seeded, 7);
    record_activities_init(&fixture->recorder, log, &fixture->clock, &fixture->random);
}

static int64_t time_of_id(struct str id)
{
    struct uuid uuid;
    assert_true(uuid_parse(id, &uuid));
    return activity_id_time_ms(uuid);
}

static void fills_in_what_is_missing(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, NULL);
    char id_text[UUID_TEXT_BYTES];
    struct activity_draft draft = {.activity = {.user_id = STR("u"), .action = STR("a")}};
    record_activities_complete(&fixture.recorder, fixture.now_ns, &draft, id_text);
    assert_ptr_equal(draft.activity.id.data, id_text);
    assert_int_equal(draft.activity.id.len, UUID_TEXT_BYTES);
    assert_int_equal(time_of_id(draft.activity.id), NOW_MS);
    assert_int_equal(draft.activity.received_at_ms, NOW_MS);
    assert_int_equal(draft.activity.timestamp_ms, NOW_MS);
}

static void keeps_what_the_client_sent(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, NULL);
    struct activity_draft draft = {
        .activity = {.id = STR("order-7"), .timestamp_ms = 1},
        .has_timestamp = true,
    };
    record_activities_complete(&fixture.recorder, fixture.now_ns, &draft, NULL);
    assert_true(str_equal(draft.activity.id, STR("order-7")));
    assert_int_equal(draft.activity.timestamp_ms, 1);
    assert_int_equal(draft.activity.received_at_ms, NOW_MS);
}

/* 1970-01-01T00:00:00Z is a timestamp like any other, not the absence of one. */
static void keeps_a_timestamp_of_zero(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, NULL);
    char id_text[UUID_TEXT_BYTES];
    struct activity_draft draft = {.has_timestamp = true};
    record_activities_complete(&fixture.recorder, fixture.now_ns, &draft, id_text);
    assert_int_equal(draft.activity.timestamp_ms, 0);
    assert_int_equal(draft.activity.received_at_ms, NOW_MS);
}

static void an_own_id_without_timestamp_gets_the_time_of_receipt(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, NULL);
    struct activity_draft draft = {.activity = {.id = STR("own")}};
    record_activities_complete(&fixture.recorder, fixture.now_ns, &draft, NULL);
    assert_int_equal(draft.activity.timestamp_ms, NOW_MS);
}

/* The order of answers is (timestamp, id), so it must follow acceptance also when the clock steps
 * back and within one millisecond. */
static void keeps_the_order_of_acceptance(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, NULL);
    char texts[2][UUID_TEXT_BYTES];
    struct activity_draft newest = {0};
    for (int i = 0; i < 10000; i++) {
        fixture.now_ns += i % 100 == 99 ? 5000000 : 100;
        fixture.now_ns -= i == 5000 ? 3600u * UINT64_C(1000000000) : 0;
        struct activity_draft draft = {0};
        record_activities_complete(&fixture.recorder, fixture.now_ns, &draft, texts[i % 2]);
        assert_true(i == 0 || activity_key_compare(activity_key_of(&newest.activity),
                                                   activity_key_of(&draft.activity)) < 0);
        newest = draft;
    }
}

struct recording_log {
    struct event_log log;
    enum status answer;
    const struct activity *activities;
    size_t count;
    struct append_listener *listener;
    struct append_ticket ticket;
};

static enum status recording_append(struct event_log *log, const struct activity *activities,
                                    size_t count, struct append_listener *listener,
                                    struct append_ticket ticket)
{
    struct recording_log *recording = CONTAINER_OF(log, struct recording_log, log);
    recording->activities = activities;
    recording->count = count;
    recording->listener = listener;
    recording->ticket = ticket;
    return recording->answer;
}

static const struct event_log_operations recording_operations = {.append = recording_append};

static void never_completed(struct append_listener *listener, const struct append_result *results,
                            size_t count)
{
    (void)listener;
    (void)results;
    fail_msg("%zu results that nobody waits for", count);
}

static void hands_the_batch_to_the_log(void **state)
{
    (void)state;
    static const enum status answers[] = {STATUS_OK, STATUS_BUSY, STATUS_NO_SPACE,
                                          STATUS_UNAVAILABLE};
    for (size_t i = 0; i < ARRAY_LENGTH(answers); i++) {
        struct recording_log log = {.log.operations = &recording_operations, .answer = answers[i]};
        struct append_listener listener = {never_completed};
        struct activity activities[2] = {{.id = STR("1")}, {.id = STR("2")}};
        struct fixture fixture;
        fixture_init(&fixture, &log.log);
        assert_int_equal(record_activities_append(&fixture.recorder, activities, 2, &listener,
                                                  (struct append_ticket){1, 2, 3}),
                         answers[i]);
        assert_ptr_equal(log.activities, activities);
        assert_int_equal(log.count, 2);
        assert_ptr_equal(log.listener, &listener);
        assert_int_equal(log.ticket.loop, 1);
        assert_int_equal(log.ticket.slot, 2);
        assert_int_equal(log.ticket.generation, 3);
    }
}

enum { COUNTING_THREADS = 4, COUNTS_PER_THREAD = 20000 };

static void *count_in_thread(void *context)
{
    for (int i = 0; i < COUNTS_PER_THREAD; i++) {
        record_activities_count(context, 3, 2, 1);
    }
    return NULL;
}

/* Every event loop counts into the same numbers; none may be lost. */
static void counts_over_all_threads(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, NULL);
    pthread_t threads[COUNTING_THREADS];
    for (int i = 0; i < COUNTING_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count_in_thread, &fixture.recorder), 0);
    }
    for (int i = 0; i < COUNTING_THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    const struct record_counters *counters = &fixture.recorder.counters;
    assert_int_equal(counters->received, 3 * COUNTING_THREADS * COUNTS_PER_THREAD);
    assert_int_equal(counters->accepted, 2 * COUNTING_THREADS * COUNTS_PER_THREAD);
    assert_int_equal(counters->rejected, COUNTING_THREADS * COUNTS_PER_THREAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_in_what_is_missing),
        cmocka_unit_test(keeps_what_the_client_sent),
        cmocka_unit_test(keeps_a_timestamp_of_zero),
        cmocka_unit_test(an_own_id_without_timestamp_gets_the_time_of_receipt),
        cmocka_unit_test(keeps_the_order_of_acceptance),
        cmocka_unit_test(hands_the_batch_to_the_log),
        cmocka_unit_test(counts_over_all_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
