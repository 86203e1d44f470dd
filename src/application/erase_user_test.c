/*
 * Guards the border of an erasure: everything that was taken before lies behind it, nothing that
 * comes afterwards does, whatever the clock does, also over a restart; and that the receipt
 * promises no more than store and log can keep.
 */
#include "application/erase_user.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW_MS  INT64_C(1768435085442)
#define HOUR_MS INT64_C(3600000)

enum { ROWS = 3 };

struct fixture {
    struct event_log log;
    struct activity_store store;
    struct refusal_list refusals; /* of it, two entries are forgotten */
    enum status forget_answer;
    size_t forget_count;
    struct activity_store_state store_state;
    enum durability durability;
    struct logged_activity rows[ROWS]; /* in the log at the start */
    size_t row_count;
    struct position_set next;
    enum status erase_answer;
    int64_t erased_at_ms; /* what the store was told last */
    size_t erase_count;
    struct activity_erasure stored; /* what it says of each erasure */

    uint64_t now_ns;
    struct clock clock;
    struct logger logger;
    struct record_activities recorder;
    struct store_activities *worker;
    struct erase_user eraser;
    struct erasure erasure;
    struct error err;
};

static struct fixture fixture;

static enum status log_poll(struct event_log *log, size_t rows_max, unsigned wait_ms,
                            struct activity_batch *out_batch, struct error *err)
{
    (void)log;
    (void)rows_max;
    (void)wait_ms;
    (void)err;
    *out_batch = (struct activity_batch){
        .rows = fixture.rows, .count = fixture.row_count, .next = &fixture.next};
    return position_set_raise(&fixture.next,
                              (struct position){.offset = (int64_t)fixture.row_count});
}

static enum status log_seek(struct event_log *log, const struct position_set *positions,
                            struct error *err)
{
    (void)log;
    (void)positions;
    (void)err;
    return STATUS_OK;
}

static enum status log_end_position(struct event_log *log, struct position_set *out_positions)
{
    (void)log;
    return fixture.row_count == 0
               ? STATUS_OK
               : position_set_raise(out_positions,
                                    (struct position){.offset = (int64_t)fixture.row_count});
}

static void log_describe(struct event_log *log, struct event_log_state *out_state)
{
    (void)log;
    *out_state = (struct event_log_state){.kind = "double", .durability = fixture.durability};
}

static const struct event_log_operations log_operations = {
    .poll = log_poll,
    .seek = log_seek,
    .end_position = log_end_position,
    .describe = log_describe,
};

static enum status store_put_batch(struct activity_store *store, const struct activity_batch *batch,
                                   enum verdict *out_verdicts, struct error *err)
{
    (void)store;
    (void)err;
    for (size_t i = 0; i < batch->count; i++) {
        out_verdicts[i] = VERDICT_STORED;
    }
    return STATUS_OK;
}

static enum status store_durable_positions(struct activity_store *store, struct uuid log_id,
                                           struct position_set *out_positions, struct error *err)
{
    (void)store;
    (void)log_id;
    (void)out_positions;
    (void)err;
    return STATUS_OK;
}

static enum status store_erase(struct activity_store *store, struct str user_id,
                               int64_t erased_at_ms, struct activity_erasure *out_erasure,
                               struct error *err)
{
    (void)store;
    assert_true(str_equal(user_id, STR("ann")));
    if (fixture.erase_answer != STATUS_OK) {
        return error_set(err, fixture.erase_answer, 0, "the store says no");
    }
    fixture.erased_at_ms = erased_at_ms;
    fixture.erase_count++;
    *out_erasure = fixture.stored;
    return STATUS_OK;
}

static enum status store_expire(struct activity_store *store, int64_t before_ms,
                                uint64_t *out_expired, struct error *err)
{
    (void)store;
    (void)before_ms;
    (void)err;
    *out_expired = 0;
    return STATUS_OK;
}

static void store_describe(struct activity_store *store, struct activity_store_state *out_state)
{
    (void)store;
    *out_state = fixture.store_state;
}

static const struct activity_store_operations store_operations = {
    .put_batch = store_put_batch,
    .durable_positions = store_durable_positions,
    .erase = store_erase,
    .expire = store_expire,
    .describe = store_describe,
};

/* The store knows of the erasure by then, so that nothing comes back. */
static enum status list_forget(struct refusal_list *list, struct str user_id,
                               uint64_t *out_forgotten, struct error *err)
{
    (void)list;
    assert_true(str_equal(user_id, STR("ann")));
    assert_true(fixture.erase_count > fixture.forget_count);
    if (fixture.forget_answer != STATUS_OK) {
        return error_set(err, fixture.forget_answer, 0, "the list says no");
    }
    fixture.forget_count++;
    *out_forgotten = 2;
    return STATUS_OK;
}

static const struct refusal_list_operations list_operations = {.forget = list_forget};

static uint64_t fixture_now(void *context)
{
    (void)context;
    return fixture.now_ns;
}

static void set_clock(int64_t ms)
{
    fixture.now_ns = (uint64_t)ms * NANOSECONDS_PER_MILLISECOND;
}

/* What a new process does with the log and store that there are. */
static void start(void)
{
    store_activities_free(fixture.worker);
    fixture.worker = NULL;
    struct store_activities_config config = store_activities_config_default;
    config.log = &fixture.log;
    config.store = &fixture.store;
    config.refusals = &fixture.refusals;
    config.random = &random_system;
    config.logger = &fixture.logger;
    config.clock = &fixture.clock;
    record_activities_init(&fixture.recorder, &fixture.log, &fixture.clock, &random_system);
    assert_int_equal(store_activities_new(&config, &fixture.worker, NULL), STATUS_OK);
    erase_user_init(&fixture.eraser, &(struct erase_user_config){
                                         .store = &fixture.store,
                                         .refusals = &fixture.refusals,
                                         .log = &fixture.log,
                                         .recorder = &fixture.recorder,
                                         .worker = fixture.worker,
                                     });
}

static void catch_up(void)
{
    assert_int_equal(store_activities_step(fixture.worker, &fixture.err), STATUS_OK);
}

static int fixture_setup(void **state)
{
    (void)state;
    fixture =
        (struct fixture){.log.operations = &log_operations,
                         .store.operations = &store_operations,
                         .refusals.operations = &list_operations,
                         .store_state = {.kind = "double", .durable = true, .hides_erased = true},
                         .stored = {.erased = 7},
                         .durability = DURABILITY_LOCAL_DISK};
    set_clock(NOW_MS);
    fixture.clock = (struct clock){fixture_now, fixture_now, NULL};
    fixture.logger = (struct logger){.clock = &fixture.clock, .descriptor = -1};
    position_set_init(&fixture.next);
    start();
    return 0;
}

static int fixture_teardown(void **state)
{
    (void)state;
    store_activities_free(fixture.worker);
    position_set_deinit(&fixture.next);
    return 0;
}

static enum status erase(void)
{
    fixture.err = (struct error){0};
    return erase_user_run(&fixture.eraser, STR("ann"), &fixture.erasure, &fixture.err);
}

static int64_t erased_at(void)
{
    assert_int_equal(erase(), STATUS_OK);
    assert_int_equal(fixture.erasure.erased_at_ms, fixture.erased_at_ms);
    return fixture.erased_at_ms;
}

/* The time of receipt of an activity that comes now, with an id of its own or without one. */
static int64_t receive(bool own_id)
{
    char id_text[UUID_TEXT_BYTES];
    struct activity_draft draft = {.activity = {.user_id = STR("ann"), .action = STR("a")}};
    if (own_id) {
        draft.activity.id = STR("own");
    }
    record_activities_complete(&fixture.recorder, clock_wall_ns(&fixture.clock), &draft, id_text);
    return draft.activity.received_at_ms;
}

static void divides_before_from_after(void **state)
{
    (void)state;
    static const int64_t steps_ms[] = {0, 0, 1, -HOUR_MS, 0, 5, 2 * HOUR_MS, -1};
    catch_up();
    for (size_t i = 0; i < 4 * ARRAY_LENGTH(steps_ms); i++) {
        bool own_id = i % 3 == 0;
        int64_t before_ms = receive(own_id);
        fixture.now_ns += (uint64_t)(steps_ms[i % ARRAY_LENGTH(steps_ms)] * 1000000);
        int64_t border_ms = erased_at();
        assert_true(before_ms < border_ms);
        assert_true(receive(!own_id) >= border_ms);
        assert_true(receive(own_id) >= border_ms);
    }
}

/* However often it is repeated, times of receipt do not run ahead of the clock. */
static void repeating_does_not_move_the_border(void **state)
{
    (void)state;
    catch_up();
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(erased_at(), NOW_MS + 1);
    }
    assert_int_equal(receive(true), NOW_MS + 1);
    assert_int_equal(fixture.erase_count, 1000);
    assert_int_equal(fixture.eraser.erasures, 1000);
    assert_int_equal(fixture.eraser.activities, 7000);
}

/* A process before, whose clock was ahead, left activities in the log: a crash would bring them
 * once more out of it, after the erasure. */
static void covers_what_the_log_brings(void **state)
{
    (void)state;
    static const int64_t received_ms[ROWS] = {NOW_MS, NOW_MS + HOUR_MS, NOW_MS - 5};
    for (size_t i = 0; i < ROWS; i++) {
        fixture.rows[i].activity.received_at_ms = received_ms[i];
        fixture.rows[i].position.offset = (int64_t)i;
    }
    fixture.row_count = ROWS;
    start();
    fixture.erasure.erased_at_ms = 1;
    assert_int_equal(erase(), STATUS_BUSY);
    assert_int_equal(fixture.erasure.erased_at_ms, 0);
    assert_int_equal(fixture.erase_count, 0);
    catch_up();
    assert_int_equal(erased_at(), NOW_MS + HOUR_MS + 1);
    assert_true(receive(true) > NOW_MS + HOUR_MS);
}

/* Without a worker in this process there is nothing to wait for. */
static void needs_no_worker_of_its_own(void **state)
{
    (void)state;
    struct erase_user_config config = fixture.eraser.config;
    assert_int_equal(erase(), STATUS_BUSY);
    config.worker = NULL;
    erase_user_init(&fixture.eraser, &config);
    assert_int_equal(erase(), STATUS_OK);
    assert_int_equal(fixture.erase_count, 1);
}

/* Or erased somebody: what is acknowledged now must not be dropped for that. */
static void nothing_new_seems_to_come_before_an_older_erasure(void **state)
{
    (void)state;
    fixture.store_state.erased_until_ms = NOW_MS + HOUR_MS;
    start();
    assert_int_equal(receive(false), NOW_MS + HOUR_MS);
    assert_int_equal(receive(true), NOW_MS + HOUR_MS);
}

static void a_store_that_says_no_promises_nothing(void **state)
{
    (void)state;
    static const enum status answers[] = {STATUS_UNAVAILABLE, STATUS_NO_SPACE, STATUS_NO_MEMORY,
                                          STATUS_CORRUPT};
    catch_up();
    fixture.erasure.erased = 99;
    for (size_t i = 0; i < ARRAY_LENGTH(answers); i++) {
        fixture.erase_answer = answers[i];
        assert_int_equal(erase(), answers[i]);
        assert_string_equal(fixture.err.message, "the store says no");
    }
    assert_int_equal(fixture.erasure.erased, 99);
    assert_int_equal(fixture.eraser.erasures, 0);
}

static void forgets_what_was_refused(void **state)
{
    (void)state;
    catch_up();
    erased_at();
    assert_int_equal(fixture.erasure.refused, 2);
    assert_int_equal(fixture.forget_count, 1);
    fixture.forget_answer = STATUS_UNAVAILABLE;
    assert_int_equal(erase(), STATUS_UNAVAILABLE);
    assert_string_equal(fixture.err.message, "the list says no");
    assert_int_equal(fixture.erasure.erased_at_ms, fixture.erased_at_ms); /* the rows are gone */
    assert_int_equal(fixture.eraser.erasures, 1);
}

static void names_the_record_of_the_store(void **state)
{
    (void)state;
    catch_up();
    int64_t border_ms = erased_at();
    assert_false(fixture.erasure.recorded);
    assert_int_equal(fixture.erasure.erased_at_ms, border_ms);
    fixture.stored.recorded = true;
    fixture.stored.record = (struct erasure_record){
        .store_id = {{4}}, .number = 17, .hash = {5}, .erased_at_ms = NOW_MS + 9, .sealed = 3};
    assert_int_equal(erase(), STATUS_OK);
    assert_true(fixture.erasure.recorded);
    assert_int_equal(fixture.erasure.record.number, 17);
    assert_int_equal(fixture.erasure.record.sealed, 3);
    assert_int_equal(fixture.erasure.erased_at_ms, NOW_MS + 9);
}

static void expect_out_of_reach(const char *words, bool there)
{
    bool found = false;
    for (size_t i = 0; i < fixture.erasure.out_of_reach_count; i++) {
        found = found || strstr(fixture.erasure.out_of_reach[i].detail, words) != NULL;
    }
    if (found != there) {
        fail_msg("out of reach %s: %s", there ? "does not tell" : "tells", words);
    }
}

static void says_what_is_out_of_reach(void **state)
{
    (void)state;
    catch_up();
    erased_at();
    assert_true(fixture.erasure.durable);
    assert_string_equal(fixture.erasure.store, "double");
    assert_int_equal(fixture.erasure.erased, 7);
    expect_out_of_reach("files of the event log", true);
    expect_out_of_reach("merged", true);
    expect_out_of_reach("backups", true);
    expect_out_of_reach("names the user in another way", true);
    expect_out_of_reach(".refused", false);
    fixture.durability = DURABILITY_REPLICATED;
    fixture.store_state.hides_erased = false;
    erased_at();
    expect_out_of_reach("the topic keeps", true);
    expect_out_of_reach(".refused", true);
    expect_out_of_reach("files of the event log", false);
    expect_out_of_reach("merged", false);
    fixture.durability = DURABILITY_LOCAL_DISK;
    fixture.store_state.durable = false;
    erased_at();
    assert_false(fixture.erasure.durable);
    expect_out_of_reach("after a restart", true);
    expect_out_of_reach("merged", false);
    fixture.durability = DURABILITY_MEMORY;
    erased_at();
    expect_out_of_reach("until the service ends", true);
    fixture.store_state.durable = true;
    erased_at();
    expect_out_of_reach("memory of the event log", true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(divides_before_from_after),
        TEST(repeating_does_not_move_the_border),
        TEST(covers_what_the_log_brings),
        TEST(needs_no_worker_of_its_own),
        TEST(nothing_new_seems_to_come_before_an_older_erasure),
        TEST(a_store_that_says_no_promises_nothing),
        TEST(forgets_what_was_refused),
        TEST(names_the_record_of_the_store),
        TEST(says_what_is_out_of_reach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
