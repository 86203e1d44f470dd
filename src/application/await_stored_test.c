/*
 * Guards reading one's own write: who waits for a receipt goes on as soon as everything that it
 * names is stored and not before, waits no longer than is allowed, also while the store does not
 * answer, and costs nothing when nobody waits.
 */
#include "application/await_stored.h"
#include "application/receipt.h"
#include "base/condition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { WAITS_MAX = 3, SHORT_MS = 30, LONG_MS = 20000, RECEIPT_TEXT_MAX = 512 };

static const struct uuid own_log = {{1, 2, 3}};
static const struct uuid other_log = {{1, 2, 4}};
static const struct uuid spill = {{1, 2, 5}};

struct waiting {
    struct stored_wait wait;
    struct fixture *fixture;
    int ended;
    enum status status;
};

struct fixture {
    struct event_log log;
    struct activity_store store;
    struct await_stored_config config;
    struct await_stored *waits;
    struct error err;
    bool stored; /* as begin said last */
    struct waiting some[WAITS_MAX + 1];

    pthread_mutex_t mutex; /* guards the rest, and what `some` says of their ends */
    pthread_cond_t changed;
    int looks;
    bool hangs;
    enum status look_answer;
    struct moved_activities moved;
    enum status moved_answer; /* of the log that `spill` names */
    struct position moved_to;
    struct position durable; /* of the store */
};

static void describe(struct event_log *log, struct event_log_state *out_state)
{
    (void)log;
    *out_state = (struct event_log_state){.kind = "double", .log_id = own_log};
}

static const struct event_log_operations log_operations = {.describe = describe};

static enum status durable_positions(struct activity_store *store, struct uuid log_id,
                                     struct position_set *out_positions, struct error *err)
{
    struct fixture *fixture = CONTAINER_OF(store, struct fixture, store);
    pthread_mutex_lock(&fixture->mutex);
    assert_true(uuid_equal(log_id, own_log));
    fixture->looks++;
    pthread_cond_broadcast(&fixture->changed);
    while (fixture->hangs) {
        pthread_cond_wait(&fixture->changed, &fixture->mutex);
    }
    struct position durable = fixture->durable;
    enum status answer = fixture->look_answer;
    pthread_mutex_unlock(&fixture->mutex);
    return answer == STATUS_OK ? position_set_raise(out_positions, durable)
                               : error_set(err, answer, 0, "the store is away");
}

static const struct activity_store_operations store_operations = {.durable_positions =
                                                                      durable_positions};

static enum status find_moved(struct moved_activities *moved, struct uuid log_id,
                              const struct position_set *positions,
                              struct position_set *out_positions)
{
    struct fixture *fixture = CONTAINER_OF(moved, struct fixture, moved);
    if (!uuid_equal(log_id, spill)) {
        return STATUS_NOT_FOUND;
    }
    pthread_mutex_lock(&fixture->mutex);
    assert_int_equal(positions->count, 1);
    assert_int_equal(position_set_get(positions, 0), 1000);
    enum status answer = fixture->moved_answer;
    struct position to = fixture->moved_to;
    pthread_mutex_unlock(&fixture->mutex);
    return answer == STATUS_OK ? position_set_raise(out_positions, to) : answer;
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (fixture == NULL) {
        return -1;
    }
    fixture->log.operations = &log_operations;
    fixture->store.operations = &store_operations;
    fixture->moved.find = find_moved;
    pthread_mutex_init(&fixture->mutex, NULL);
    condition_init(&fixture->changed);
    fixture->config = (struct await_stored_config){.log = &fixture->log,
                                                   .moved = &fixture->moved,
                                                   .clock = &clock_system,
                                                   .waits_max = WAITS_MAX,
                                                   .wait_ms = LONG_MS,
                                                   .look_ms = 1};
    *state = fixture;
    return 0;
}

static void start(struct fixture *fixture)
{
    assert_int_equal(await_stored_new(&fixture->config, &fixture->waits, NULL), STATUS_OK);
    assert_int_equal(await_stored_start(fixture->waits, NULL), STATUS_OK);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    await_stored_stop(fixture->waits);
    await_stored_free(fixture->waits);
    pthread_cond_destroy(&fixture->changed);
    pthread_mutex_destroy(&fixture->mutex);
    free(fixture);
    return 0;
}

static void ended(struct stored_wait *wait, enum status status)
{
    struct waiting *waiting = CONTAINER_OF(wait, struct waiting, wait);
    pthread_mutex_lock(&waiting->fixture->mutex);
    waiting->ended++;
    waiting->status = status;
    pthread_cond_broadcast(&waiting->fixture->changed);
    pthread_mutex_unlock(&waiting->fixture->mutex);
}

static struct str receipt_of(struct uuid log_id, const struct position *positions, size_t count)
{
    static char text[RECEIPT_TEXT_MAX];
    struct buffer buffer;
    buffer_init(&buffer, sizeof text);
    receipt_encode(log_id, positions, count, &buffer);
    struct str made = {text, buffer.len};
    memcpy(text, buffer.data, buffer.len);
    buffer_deinit(&buffer);
    return made;
}

static enum status begin(struct fixture *fixture, int number, struct str receipt)
{
    struct waiting *waiting = &fixture->some[number];
    *waiting = (struct waiting){.wait.ended = ended, .fixture = fixture};
    fixture->err = (struct error){0};
    return await_stored_begin(fixture->waits, receipt, &waiting->wait, &fixture->stored,
                              &fixture->err);
}

/* One that must wait, for what stands at the offset of partition 0. */
static void wait_for(struct fixture *fixture, int number, int64_t offset)
{
    const struct position position = {0, offset};
    assert_int_equal(begin(fixture, number, receipt_of(own_log, &position, 1)), STATUS_OK);
    assert_false(fixture->stored);
}

static void raise(struct fixture *fixture, int32_t partition, int64_t offset)
{
    struct position end = {partition, offset};
    const struct position_set set = {.items = &end, .count = 1, .capacity = 1};
    struct progress_listener *listener = await_stored_listener(fixture->waits);
    listener->raised(listener, &set);
}

static int ends_of(struct fixture *fixture, int number)
{
    pthread_mutex_lock(&fixture->mutex);
    int count = fixture->some[number].ended;
    pthread_mutex_unlock(&fixture->mutex);
    return count;
}

/* Its status; the test fails after ten seconds. */
static enum status await_end(struct fixture *fixture, int number)
{
    struct timespec deadline = condition_deadline(10000);
    struct waiting *waiting = &fixture->some[number];
    pthread_mutex_lock(&fixture->mutex);
    while (waiting->ended == 0 &&
           condition_wait_until(&fixture->changed, &fixture->mutex, &deadline)) {
    }
    int count = waiting->ended;
    enum status status = waiting->status;
    pthread_mutex_unlock(&fixture->mutex);
    assert_int_equal(count, 1);
    return status;
}

static void what_is_stored_needs_no_wait(void **state)
{
    struct fixture *fixture = *state;
    const struct position position = {0, 4};
    start(fixture);
    raise(fixture, 0, 5);
    assert_int_equal(begin(fixture, 0, receipt_of(own_log, &position, 1)), STATUS_OK);
    assert_true(fixture->stored);
    assert_int_equal(ends_of(fixture, 0), 0);
}

static void a_wait_ends_with_the_last_of_its_positions(void **state)
{
    struct fixture *fixture = *state;
    const struct position positions[] = {{0, 4}, {2, 7}};
    start(fixture);
    assert_int_equal(begin(fixture, 0, receipt_of(own_log, positions, 2)), STATUS_OK);
    assert_false(fixture->stored);
    raise(fixture, 0, 4); /* 4 is the first that is not stored */
    raise(fixture, 2, 100);
    assert_int_equal(ends_of(fixture, 0), 0);
    raise(fixture, 0, 5);
    assert_int_equal(ends_of(fixture, 0), 1);
    assert_int_equal(fixture->some[0].status, STATUS_OK);
}

/* Nobody waits for who came before. */
static void each_waits_for_its_own(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    wait_for(fixture, 0, 30);
    wait_for(fixture, 1, 10);
    wait_for(fixture, 2, 20);
    raise(fixture, 0, 11);
    assert_int_equal(ends_of(fixture, 1), 1);
    assert_int_equal(ends_of(fixture, 0) + ends_of(fixture, 2), 0);
    wait_for(fixture, 1, 40);
    raise(fixture, 0, 31);
    assert_int_equal(ends_of(fixture, 0) + ends_of(fixture, 2), 2);
    raise(fixture, 0, 12); /* never falls */
    assert_int_equal(ends_of(fixture, 1), 0);
    raise(fixture, 0, 41);
    assert_int_equal(ends_of(fixture, 1), 1);
}

static void no_more_wait_than_are_allowed(void **state)
{
    struct fixture *fixture = *state;
    const struct position position = {0, 9};
    start(fixture);
    for (int i = 0; i < WAITS_MAX; i++) {
        wait_for(fixture, i, i);
    }
    assert_int_equal(begin(fixture, WAITS_MAX, receipt_of(own_log, &position, 1)), STATUS_BUSY);
    assert_non_null(strstr(fixture->err.message, "again later"));
    raise(fixture, 0, 1);
    wait_for(fixture, WAITS_MAX, 9);
    await_stored_stop(fixture->waits);
    assert_int_equal(ends_of(fixture, WAITS_MAX), 1);
}

static void a_wait_is_no_longer_than_allowed(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.wait_ms = SHORT_MS;
    start(fixture);
    uint64_t begun_ns = clock_monotonic_ns(&clock_system);
    wait_for(fixture, 0, 1);
    wait_for(fixture, 1, 0);
    wait_for(fixture, 2, 2);
    raise(fixture, 0, 1);
    assert_int_equal(await_end(fixture, 0), STATUS_TIMED_OUT);
    assert_int_equal(await_end(fixture, 2), STATUS_TIMED_OUT);
    assert_int_equal(await_end(fixture, 1), STATUS_OK);
    uint64_t took_ns = clock_monotonic_ns(&clock_system) - begun_ns;
    assert_true(took_ns >= (uint64_t)SHORT_MS * NANOSECONDS_PER_MILLISECOND);
    wait_for(fixture, 0, 1);
    assert_int_equal(await_end(fixture, 0), STATUS_TIMED_OUT);
}

static void the_end_of_the_process_ends_all(void **state)
{
    struct fixture *fixture = *state;
    const struct position position = {0, 9};
    start(fixture);
    wait_for(fixture, 0, 1);
    wait_for(fixture, 1, 2);
    await_stored_stop(fixture->waits);
    assert_int_equal(await_end(fixture, 0), STATUS_UNAVAILABLE);
    assert_int_equal(await_end(fixture, 1), STATUS_UNAVAILABLE);
    assert_int_equal(begin(fixture, 2, receipt_of(own_log, &position, 1)), STATUS_UNAVAILABLE);
}

static void only_receipts_of_the_log_count(void **state)
{
    struct fixture *fixture = *state;
    const struct position position = {0, 9};
    char text[RECEIPT_TEXT_MAX];
    start(fixture);
    assert_int_equal(begin(fixture, 0, receipt_of(other_log, &position, 1)), STATUS_INVALID);
    assert_non_null(strstr(fixture->err.message, "of another event log"));
    struct str sound = receipt_of(own_log, &position, 1);
    for (size_t at = 0; at < sound.len; at++) {
        memcpy(text, sound.data, sound.len);
        text[at] = text[at] == 'A' ? 'B' : 'A';
        assert_int_equal(begin(fixture, 0, (struct str){text, sound.len}), STATUS_INVALID);
        assert_memory_equal(fixture->err.message, "after: this", 11);
        assert_int_equal(begin(fixture, 0, (struct str){sound.data, at}), STATUS_INVALID);
    }
}

static void others_progress_is_looked_for(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.store = &fixture->store;
    start(fixture);
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    pthread_mutex_lock(&fixture->mutex);
    assert_int_equal(fixture->looks, 0); /* nobody waits */
    fixture->durable = (struct position){0, 5};
    pthread_mutex_unlock(&fixture->mutex);
    wait_for(fixture, 0, 4);
    assert_int_equal(await_end(fixture, 0), STATUS_OK);
    wait_for(fixture, 0, 5);
    pthread_mutex_lock(&fixture->mutex);
    fixture->durable.offset = 6;
    pthread_mutex_unlock(&fixture->mutex);
    assert_int_equal(await_end(fixture, 0), STATUS_OK);
}

static void a_store_that_is_away_is_waited_for(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.store = &fixture->store;
    fixture->look_answer = STATUS_UNAVAILABLE;
    start(fixture);
    wait_for(fixture, 0, 0);
    wait_for(fixture, 1, 1);
    pthread_mutex_lock(&fixture->mutex);
    while (fixture->looks == 0) {
        pthread_cond_wait(&fixture->changed, &fixture->mutex);
    }
    fixture->look_answer = STATUS_OK;
    fixture->durable = (struct position){0, 2};
    pthread_mutex_unlock(&fixture->mutex);
    assert_int_equal(await_end(fixture, 0), STATUS_OK);
    assert_int_equal(await_end(fixture, 1), STATUS_OK);
}

/* What is never answered must not keep those waiting who were promised an end. */
static void a_store_that_hangs_holds_nobody(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.store = &fixture->store;
    fixture->config.wait_ms = SHORT_MS;
    fixture->hangs = true;
    start(fixture);
    wait_for(fixture, 0, 0);
    assert_int_equal(await_end(fixture, 0), STATUS_TIMED_OUT);
    wait_for(fixture, 1, 0);
    raise(fixture, 0, 1); /* this process's own worker may tell it all the same */
    assert_int_equal(await_end(fixture, 1), STATUS_OK);
    pthread_mutex_lock(&fixture->mutex);
    fixture->hangs = false;
    pthread_cond_broadcast(&fixture->changed);
    pthread_mutex_unlock(&fixture->mutex);
}

static void set_moved(struct fixture *fixture, enum status answer, int64_t offset)
{
    pthread_mutex_lock(&fixture->mutex);
    fixture->moved_answer = answer;
    fixture->moved_to = (struct position){2, offset};
    pthread_mutex_unlock(&fixture->mutex);
}

/* At 1000 of the spill, which is beyond all that the log has. */
static enum status begin_spilled(struct fixture *fixture, int number)
{
    const struct position position = {0, 1000};
    return begin(fixture, number, receipt_of(spill, &position, 1));
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void what_was_moved_is_waited_for_where_it_is(void **state)
{
    struct fixture *fixture = *state;
    set_moved(fixture, STATUS_OK, 7);
    start(fixture);
    assert_int_equal(begin_spilled(fixture, 0), STATUS_OK);
    assert_false(fixture->stored);
    raise(fixture, 0, 2000); /* of another partition, though beyond the offset in the spill */
    pause_ms(20);
    assert_int_equal(ends_of(fixture, 0), 0);
    raise(fixture, 2, 8);
    assert_int_equal(ends_of(fixture, 0), 1);
    assert_int_equal(begin_spilled(fixture, 0), STATUS_OK);
    assert_true(fixture->stored);
}

/* In the spill it may be for long; its positions there are none of the log. */
static void what_waits_to_be_moved_is_waited_for(void **state)
{
    struct fixture *fixture = *state;
    set_moved(fixture, STATUS_BUSY, 0);
    start(fixture);
    assert_int_equal(begin_spilled(fixture, 0), STATUS_OK);
    assert_int_equal(begin_spilled(fixture, 1), STATUS_OK);
    raise(fixture, 0, 2000);
    raise(fixture, 2, 5);
    pause_ms(20);
    assert_int_equal(ends_of(fixture, 0) + ends_of(fixture, 1), 0);
    set_moved(fixture, STATUS_NO_MEMORY, 0);
    pause_ms(20);
    assert_int_equal(ends_of(fixture, 0) + ends_of(fixture, 1), 0);
    set_moved(fixture, STATUS_OK, 4);
    assert_int_equal(await_end(fixture, 0), STATUS_OK); /* it is stored already */
    assert_int_equal(await_end(fixture, 1), STATUS_OK);
}

static void what_is_not_moved_in_time_is_told(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.wait_ms = SHORT_MS;
    set_moved(fixture, STATUS_BUSY, 0);
    start(fixture);
    assert_int_equal(begin_spilled(fixture, 0), STATUS_OK);
    assert_int_equal(await_end(fixture, 0), STATUS_TIMED_OUT);
    assert_int_equal(begin_spilled(fixture, 0), STATUS_OK);
    await_stored_stop(fixture->waits);
    assert_int_equal(await_end(fixture, 0), STATUS_UNAVAILABLE);
}

static void what_was_moved_in_another_life_is_told(void **state)
{
    struct fixture *fixture = *state;
    set_moved(fixture, STATUS_UNAVAILABLE, 0);
    start(fixture);
    assert_int_equal(begin_spilled(fixture, 0), STATUS_INVALID);
    assert_non_null(strstr(fixture->err.message, "before this server started"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_stored_needs_no_wait),
        TEST(a_wait_ends_with_the_last_of_its_positions),
        TEST(each_waits_for_its_own),
        TEST(no_more_wait_than_are_allowed),
        TEST(a_wait_is_no_longer_than_allowed),
        TEST(the_end_of_the_process_ends_all),
        TEST(only_receipts_of_the_log_count),
        TEST(others_progress_is_looked_for),
        TEST(a_store_that_is_away_is_waited_for),
        TEST(a_store_that_hangs_holds_nobody),
        TEST(what_was_moved_is_waited_for_where_it_is),
        TEST(what_waits_to_be_moved_is_waited_for),
        TEST(what_is_not_moved_in_time_is_told),
        TEST(what_was_moved_in_another_life_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
