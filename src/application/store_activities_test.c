/*
 * Guards the worker against log and store doubles that fail on command: nothing is lost or stored
 * twice over any failure, nothing is committed that the store did not make durable, and it stops
 * when told to and when waiting cannot help.
 */
#include "application/store_activities_world.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { PATIENCE_MS = 10000 };

struct fixture {
    struct world world;
    struct logger logger;
    struct random_seeded seeded;
    struct random random;
    uint64_t now_ns; /* of the clock of tests that ask for expiry */
    struct clock clock;
    struct store_activities_config config;
    struct store_activities *worker;
    struct error err;
    pthread_t thread;
    enum status run_status;
};

static int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (fixture == NULL) {
        return -1;
    }
    world_init(&fixture->world);
    fixture->logger = (struct logger){
        .clock = &clock_system,
        .descriptor = open("/dev/null", O_WRONLY | O_CLOEXEC),
        .level = LOG_ERROR,
    };
    fixture->random = random_from_seed(&fixture->seeded, 1);
    fixture->config = (struct store_activities_config){
        .log = &fixture->world.log,
        .store = &fixture->world.store,
        .refusals = &fixture->world.refusals,
        .random = &fixture->random,
        .logger = &fixture->logger,
        .clock = &clock_system,
        .batch_rows_max = 4,
        .poll_wait_ms = 0,
        .retry_ms_min = 1,
        .retry_ms_max = 2,
    };
    *state = fixture;
    return 0;
}

static int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    store_activities_free(fixture->worker);
    world_deinit(&fixture->world);
    close(fixture->logger.descriptor);
    free(fixture);
    return 0;
}

static void make_worker(struct fixture *fixture)
{
    store_activities_free(fixture->worker);
    fixture->worker = NULL;
    assert_int_equal(store_activities_new(&fixture->config, &fixture->worker, &fixture->err),
                     STATUS_OK);
}

static enum status step(struct fixture *fixture)
{
    return store_activities_step(fixture->worker, &fixture->err);
}

static struct store_activities_state look(struct fixture *fixture)
{
    struct store_activities_state state;
    store_activities_describe(fixture->worker, &state);
    return state;
}

static void expect_each_stored_once(const struct world *world)
{
    for (size_t i = 0; i < world->row_count; i++) {
        assert_int_equal(world->stored[i], 1);
    }
}

/* --- step by step --- */

static void moves_everything_once(void **state)
{
    struct fixture *fixture = *state;
    world_add_rows(&fixture->world, 10);
    make_worker(fixture);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(step(fixture), STATUS_OK);
    }
    expect_each_stored_once(&fixture->world);
    assert_int_equal(look(fixture).verdicts[VERDICT_STORED], 10);
    assert_int_equal(look(fixture).pending, 0);
}

static void tells_what_is_pending_and_when_it_caught_up(void **state)
{
    struct fixture *fixture = *state;
    world_add_rows(&fixture->world, 10);
    make_worker(fixture);
    assert_int_equal(look(fixture).condition, WORKER_STARTING);
    assert_int_equal(look(fixture).pending, 10);
    assert_int_equal(step(fixture), STATUS_OK);
    assert_int_equal(look(fixture).condition, WORKER_RUNNING);
    assert_int_equal(look(fixture).pending, 6);
    assert_false(look(fixture).caught_up);
    world_add_rows(&fixture->world, 1); /* came later: not needed to have caught up */
    assert_int_equal(step(fixture), STATUS_OK);
    assert_false(look(fixture).caught_up);
    assert_int_equal(step(fixture), STATUS_OK);
    assert_true(look(fixture).caught_up);
    world_add_rows(&fixture->world, 5); /* a backlog later does not take it back */
    assert_true(look(fixture).caught_up);
    assert_int_equal(look(fixture).pending, 5);
}

static void an_empty_log_is_caught_up_at_once(void **state)
{
    struct fixture *fixture = *state;
    make_worker(fixture);
    assert_false(look(fixture).caught_up);
    assert_int_equal(step(fixture), STATUS_OK);
    assert_true(look(fixture).caught_up);
    assert_int_equal(fixture->world.commit_count, 0);
}

static void works_on_several_partitions(void **state)
{
    struct fixture *fixture = *state;
    fixture->world.durable = DURABLE_AT_PUT;
    for (int i = 0; i < 12; i++) {
        world_add_row(&fixture->world, (struct position){i % 3, 100 + i / 3});
    }
    make_worker(fixture);
    assert_int_equal(look(fixture).pending, 3 * 104);
    for (int i = 0; i < 3; i++) {
        assert_false(look(fixture).caught_up);
        assert_int_equal(step(fixture), STATUS_OK);
    }
    expect_each_stored_once(&fixture->world);
    assert_true(look(fixture).caught_up);
    assert_int_equal(look(fixture).pending, 0);
    assert_int_equal(position_set_get(&fixture->world.durable_positions, 2), 104);
}

static void puts_a_refused_batch_again_unchanged(void **state)
{
    struct fixture *fixture = *state;
    static const enum status passing[] = {STATUS_BUSY, STATUS_UNAVAILABLE, STATUS_TIMED_OUT,
                                          STATUS_NO_SPACE, STATUS_NO_MEMORY};
    make_worker(fixture);
    for (size_t i = 0; i < ARRAY_LENGTH(passing); i++) {
        world_add_rows(&fixture->world, 3);
        size_t polls = fixture->world.poll_count;
        fixture->world.fail_with[CALL_PUT] = passing[i];
        fixture->world.fail_times[CALL_PUT] = 3;
        for (int again = 0; again < 3; again++) {
            assert_int_equal(step(fixture), passing[i]);
        }
        assert_int_equal(look(fixture).pending, 3);
        assert_int_equal(step(fixture), STATUS_OK);
        assert_int_equal(fixture->world.poll_count, polls + 1);
        assert_int_equal(look(fixture).pending, 0);
    }
    expect_each_stored_once(&fixture->world);
    assert_int_equal(look(fixture).verdicts[VERDICT_STORED], 3 * ARRAY_LENGTH(passing));
}

/* Steps until everything is stored, over one ordered failure; false when no call was left to fail.
 */
static bool survives_a_failure_at(struct fixture *fixture, unsigned nth, enum durable durable)
{
    world_deinit(&fixture->world);
    world_init(&fixture->world);
    fixture->world.durable = durable;
    world_add_rows(&fixture->world, 10);
    fixture->world.fail_any_at = nth;
    fixture->world.fail_any_with = STATUS_UNAVAILABLE;
    make_worker(fixture);
    unsigned failed = 0;
    for (int turn = 0; turn < 8; turn++) {
        enum status status = step(fixture);
        assert_true(status == STATUS_OK || status == STATUS_UNAVAILABLE ||
                    status == STATUS_NO_MEMORY);
        failed += status != STATUS_OK;
    }
    bool reached = fixture->world.fail_any_at == 0;
    assert_int_equal(failed, reached ? 1 : 0);
    expect_each_stored_once(&fixture->world);
    struct store_activities_state end = look(fixture);
    assert_true(end.caught_up && end.pending == 0 && end.verdicts[VERDICT_STORED] == 10);
    if (durable == DURABLE_AT_PUT) {
        assert_int_equal(fixture->world.commits[fixture->world.commit_count - 1], 10);
    }
    return reached;
}

static void survives_a_failure_of_every_call(void **state)
{
    struct fixture *fixture = *state;
    for (enum durable durable = DURABLE_NEVER; durable <= DURABLE_AT_PUT; durable++) {
        unsigned nth = 1;
        while (survives_a_failure_at(fixture, nth, durable)) {
            nth++;
        }
        assert_true(nth > 10);
    }
}

/* --- what the store holds already, and what the log may drop --- */

static void resumes_where_the_store_is_durable(void **state)
{
    struct fixture *fixture = *state;
    world_add_rows(&fixture->world, 10);
    world_make_durable(&fixture->world, 7);
    make_worker(fixture);
    assert_int_equal(step(fixture), STATUS_OK);
    assert_int_equal(position_set_get(&fixture->world.seeked, 0), 7);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(fixture->world.stored[i], i < 7 ? 0 : 1);
    }
    assert_true(look(fixture).caught_up);
    assert_int_equal(look(fixture).pending, 0);
}

static void commits_only_news_and_only_what_is_durable(void **state)
{
    struct fixture *fixture = *state;
    fixture->world.durable = DURABLE_AT_SYNC;
    world_add_rows(&fixture->world, 8);
    make_worker(fixture);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(step(fixture), STATUS_OK);
    }
    assert_int_equal(fixture->world.commit_count, 0);
    world_make_durable(&fixture->world, 5);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(step(fixture), STATUS_OK);
    }
    assert_int_equal(fixture->world.commit_count, 1);
    assert_int_equal(fixture->world.commits[0], 5);
}

static void commits_every_batch_of_a_store_that_is_durable_at_once(void **state)
{
    struct fixture *fixture = *state;
    fixture->world.durable = DURABLE_AT_PUT;
    world_add_rows(&fixture->world, 10);
    make_worker(fixture);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(step(fixture), STATUS_OK);
    }
    assert_int_equal(fixture->world.commit_count, 3);
    assert_int_equal(fixture->world.commits[0], 4);
    assert_int_equal(fixture->world.commits[1], 8);
    assert_int_equal(fixture->world.commits[2], 10);
}

static void repeats_a_commit_that_failed(void **state)
{
    struct fixture *fixture = *state;
    fixture->world.durable = DURABLE_AT_PUT;
    fixture->world.fail_with[CALL_COMMIT] = STATUS_UNAVAILABLE;
    fixture->world.fail_times[CALL_COMMIT] = 2;
    world_add_rows(&fixture->world, 2);
    make_worker(fixture);
    assert_int_equal(step(fixture), STATUS_UNAVAILABLE);
    assert_int_equal(step(fixture), STATUS_UNAVAILABLE);
    assert_int_equal(step(fixture), STATUS_OK);
    assert_int_equal(fixture->world.commit_count, 1);
    assert_int_equal(fixture->world.commits[0], 2);
    expect_each_stored_once(&fixture->world);
}

/* A crash between the store's sync and the log's commit leaves covered segments behind. Were they
 * dropped only with the next news, a log that is full of them would stay full for good. */
static void tells_the_log_at_start_what_is_durable(void **state)
{
    struct fixture *fixture = *state;
    world_add_rows(&fixture->world, 6);
    world_make_durable(&fixture->world, 6);
    make_worker(fixture);
    assert_int_equal(step(fixture), STATUS_OK);
    assert_int_equal(step(fixture), STATUS_OK);
    assert_int_equal(fixture->world.commit_count, 1);
    assert_int_equal(fixture->world.commits[0], 6);
}

/* --- what is old --- */

enum { NOW_DAYS = 20000, RETENTION_DAYS = 30, EXPIRE_EVERY_MS = 60000 };

#define DAY_NS ((uint64_t)24 * 60 * 60 * 1000 * NANOSECONDS_PER_MILLISECOND)

static uint64_t fixture_now(void *context)
{
    return ((struct fixture *)context)->now_ns;
}

static void pass(struct fixture *fixture, uint64_t ms)
{
    fixture->now_ns += ms * NANOSECONDS_PER_MILLISECOND;
}

static void make_worker_that_expires(struct fixture *fixture, unsigned retention_days)
{
    fixture->now_ns = NOW_DAYS * DAY_NS;
    fixture->clock = (struct clock){fixture_now, fixture_now, fixture};
    fixture->config.clock = &fixture->clock;
    fixture->config.retention_days = retention_days;
    fixture->config.expire_every_ms = EXPIRE_EVERY_MS;
    make_worker(fixture);
}

static void lets_old_activities_expire_every_so_often(void **state)
{
    struct fixture *fixture = *state;
    struct world *world = &fixture->world;
    make_worker_that_expires(fixture, RETENTION_DAYS);
    world->rows_to_expire = 7;
    assert_int_equal(step(fixture), STATUS_OK);
    assert_int_equal(world->expire_count, 1);
    assert_int_equal(world->expired_before, (NOW_DAYS - RETENTION_DAYS) * 86400000LL);
    assert_int_equal(look(fixture).expired, 7);
    pass(fixture, EXPIRE_EVERY_MS - 1);
    assert_int_equal(step(fixture), STATUS_OK);
    assert_int_equal(world->expire_count, 1);
    pass(fixture, 1);
    world->rows_to_expire = 5;
    assert_int_equal(step(fixture), STATUS_OK);
    assert_int_equal(step(fixture), STATUS_OK);
    assert_int_equal(world->expire_count, 2);
    assert_int_equal(world->expired_before,
                     (NOW_DAYS - RETENTION_DAYS) * 86400000LL + EXPIRE_EVERY_MS);
    assert_int_equal(look(fixture).expired, 12);
}

/* How old the oldest is that is not stored: of a batch that cannot be put its first row, of what
 * has come since then no more than the time since nothing was missing. */
static void tells_how_old_the_oldest_is_that_is_not_stored(void **state)
{
    struct fixture *fixture = *state;
    struct world *world = &fixture->world;
    make_worker_that_expires(fixture, 0);
    assert_int_equal(step(fixture), STATUS_OK);
    pass(fixture, 60000);
    assert_int_equal(look(fixture).lag_ms, 0); /* nothing is missing */
    assert_int_equal(step(fixture), STATUS_OK);
    pass(fixture, 40);
    world_add_rows(world, 3);
    assert_int_equal(look(fixture).lag_ms, 40);
    for (size_t i = 0; i < 3; i++) {
        world->rows[i].activity.received_at_ms = clock_wall_ms(&fixture->clock) - 500 - (int)i;
    }
    world->fail_with[CALL_PUT] = STATUS_UNAVAILABLE;
    world->fail_times[CALL_PUT] = 1;
    assert_int_equal(step(fixture), STATUS_UNAVAILABLE);
    assert_int_equal(look(fixture).lag_ms, 502);
    pass(fixture, 1000);
    assert_int_equal(look(fixture).lag_ms, 1502);
    assert_int_equal(step(fixture), STATUS_OK);
    assert_int_equal(look(fixture).lag_ms, 0);
}

/* A replay brings back what had expired; it goes as soon as the worker has caught up. */
static void lets_expire_again_behind_a_replay(void **state)
{
    struct fixture *fixture = *state;
    world_add_rows(&fixture->world, 10);
    make_worker_that_expires(fixture, RETENTION_DAYS);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(step(fixture), STATUS_OK);
        assert_int_equal(fixture->world.expire_count, 1);
    }
    assert_true(look(fixture).caught_up);
    for (int i = 0; i < 3; i++) {
        world_add_rows(&fixture->world, 1);
        assert_int_equal(step(fixture), STATUS_OK);
        assert_int_equal(fixture->world.expire_count, 2);
    }
}

/* The store is asked all the same, for it may have a limit of its own. */
static void nothing_is_too_old_without_a_retention(void **state)
{
    struct fixture *fixture = *state;
    make_worker_that_expires(fixture, 0);
    assert_int_equal(step(fixture), STATUS_OK);
    assert_int_equal(fixture->world.expire_count, 1);
    assert_true(fixture->world.expired_before == INT64_MIN);
}

static size_t count_lines(FILE *file)
{
    size_t count = 0;
    rewind(file);
    for (int byte = fgetc(file); byte != EOF; byte = fgetc(file)) {
        count += byte == '\n';
    }
    return count;
}

/* It is told once, however often it fails. */
static void a_failed_expiry_keeps_nobody_waiting(void **state)
{
    struct fixture *fixture = *state;
    int nowhere = fixture->logger.descriptor;
    FILE *lines = tmpfile();
    assert_non_null(lines);
    fixture->logger.descriptor = fileno(lines);
    world_add_rows(&fixture->world, 4);
    make_worker_that_expires(fixture, RETENTION_DAYS);
    fixture->world.rows_to_expire = 3;
    fixture->world.fail_with[CALL_EXPIRE] = STATUS_UNAVAILABLE;
    fixture->world.fail_times[CALL_EXPIRE] = 2;
    assert_int_equal(step(fixture), STATUS_OK);
    assert_int_equal(step(fixture), STATUS_OK); /* the second failure, having caught up */
    expect_each_stored_once(&fixture->world);
    assert_int_equal(look(fixture).condition, WORKER_RUNNING);
    assert_int_equal(step(fixture), STATUS_OK);
    assert_int_equal(fixture->world.expire_count, 0); /* not before the next time */
    pass(fixture, EXPIRE_EVERY_MS);
    assert_int_equal(step(fixture), STATUS_OK);
    assert_int_equal(fixture->world.expire_count, 1);
    assert_int_equal(look(fixture).expired, 3);
    assert_int_equal(count_lines(lines), 1);
    fixture->logger.descriptor = nowhere;
    fclose(lines);
}

/* On a full disk the store takes nothing until something old made room. */
static void expires_while_the_store_takes_nothing(void **state)
{
    struct fixture *fixture = *state;
    world_add_rows(&fixture->world, 4);
    fixture->world.fail_with[CALL_PUT] = STATUS_NO_SPACE;
    fixture->world.fail_times[CALL_PUT] = 2;
    make_worker_that_expires(fixture, RETENTION_DAYS);
    assert_int_equal(step(fixture), STATUS_NO_SPACE);
    pass(fixture, EXPIRE_EVERY_MS);
    assert_int_equal(step(fixture), STATUS_NO_SPACE);
    assert_int_equal(fixture->world.expire_count, 2);
    assert_int_equal(step(fixture), STATUS_OK);
    expect_each_stored_once(&fixture->world);
}

static void a_corrupt_store_is_told_by_an_expiry_too(void **state)
{
    struct fixture *fixture = *state;
    make_worker_that_expires(fixture, RETENTION_DAYS);
    fixture->world.fail_with[CALL_EXPIRE] = STATUS_CORRUPT;
    fixture->world.fail_times[CALL_EXPIRE] = 2;
    assert_int_equal(step(fixture), STATUS_CORRUPT);
    pass(fixture, EXPIRE_EVERY_MS);
    assert_int_equal(store_activities_run(fixture->worker, &fixture->err), STATUS_CORRUPT);
    assert_int_equal(look(fixture).condition, WORKER_FAILED);
    assert_non_null(strstr(look(fixture).reason, "told to fail"));
}

/* --- in a thread of its own --- */

static void *run_in_thread(void *context)
{
    struct fixture *fixture = context;
    fixture->run_status = store_activities_run(fixture->worker, &fixture->err);
    return NULL;
}

static void start(struct fixture *fixture)
{
    make_worker(fixture);
    assert_int_equal(pthread_create(&fixture->thread, NULL, run_in_thread, fixture), 0);
}

static enum status stop_and_join(struct fixture *fixture)
{
    store_activities_stop(fixture->worker);
    pthread_join(fixture->thread, NULL);
    return fixture->run_status;
}

typedef bool goal_function(const struct store_activities_state *state);

static void wait_until(struct fixture *fixture, goal_function *goal)
{
    struct store_activities_state state = look(fixture);
    uint64_t deadline_ms = clock_monotonic_ms(&clock_system) + PATIENCE_MS;
    while (!goal(&state)) {
        assert_true(clock_monotonic_ms(&clock_system) < deadline_ms);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        state = look(fixture);
    }
}

static bool is_caught_up(const struct store_activities_state *state)
{
    return state->caught_up;
}

static bool has_stored_most(const struct store_activities_state *state)
{
    return state->verdicts[VERDICT_STORED] >= 36;
}

static bool has_stored_one(const struct store_activities_state *state)
{
    return state->verdicts[VERDICT_STORED] == 1;
}

static bool is_retrying(const struct store_activities_state *state)
{
    return state->condition == WORKER_RETRYING;
}

static bool is_failed(const struct store_activities_state *state)
{
    return state->condition == WORKER_FAILED;
}

static void goes_on_after_failures(void **state)
{
    struct fixture *fixture = *state;
    world_add_rows(&fixture->world, 10);
    fixture->world.fail_with[CALL_PUT] = STATUS_UNAVAILABLE;
    fixture->world.fail_times[CALL_PUT] = 20;
    start(fixture);
    wait_until(fixture, is_retrying);
    wait_until(fixture, is_caught_up);
    assert_int_equal(stop_and_join(fixture), STATUS_OK);
    expect_each_stored_once(&fixture->world);
    assert_int_equal(look(fixture).condition, WORKER_STOPPED);
    assert_string_equal(look(fixture).reason, "");
}

static void waits_for_a_store_that_is_down_at_the_start(void **state)
{
    struct fixture *fixture = *state;
    world_add_rows(&fixture->world, 3);
    fixture->world.fail_with[CALL_DURABLE_POSITIONS] = STATUS_UNAVAILABLE;
    fixture->world.fail_times[CALL_DURABLE_POSITIONS] = 5;
    start(fixture);
    wait_until(fixture, is_caught_up);
    assert_int_equal(stop_and_join(fixture), STATUS_OK);
    expect_each_stored_once(&fixture->world);
}

/* Corruption at any port stops the worker with the words that tell why, and retries nothing. */
static void stops_when_waiting_cannot_help(void **state)
{
    struct fixture *fixture = *state;
    static const enum call calls[] = {
        CALL_POLL, CALL_SEEK, CALL_COMMIT, CALL_PUT, CALL_DURABLE_POSITIONS, CALL_REFUSE};
    for (size_t i = 0; i < ARRAY_LENGTH(calls); i++) {
        world_deinit(&fixture->world);
        world_init(&fixture->world);
        fixture->world.durable = DURABLE_AT_PUT;
        fixture->world.fail_with[calls[i]] = STATUS_CORRUPT;
        fixture->world.fail_times[calls[i]] = 1;
        world_add_rows(&fixture->world, 3);
        fixture->world.log_refuses[1] = true;
        start(fixture);
        wait_until(fixture, is_failed);
        pthread_join(fixture->thread, NULL);
        assert_int_equal(fixture->run_status, STATUS_CORRUPT);
        assert_string_equal(look(fixture).reason, fixture->err.message);
        assert_non_null(strstr(fixture->err.message, "told to fail"));
        assert_int_equal(fixture->world.fail_times[calls[i]], 0);
    }
}

static void a_stop_ends_a_pause(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.retry_ms_min = 600000;
    fixture->config.retry_ms_max = 600000;
    fixture->world.fail_with[CALL_PUT] = STATUS_UNAVAILABLE;
    fixture->world.fail_times[CALL_PUT] = UINT32_MAX;
    world_add_rows(&fixture->world, 1);
    start(fixture);
    wait_until(fixture, is_retrying);
    assert_non_null(strstr(look(fixture).reason, "told to fail"));
    assert_int_equal(stop_and_join(fixture), STATUS_OK);
    assert_int_equal(fixture->world.stored[0], 0);
}

/* A log in many small files gives many small batches; behind each of them more waits already. */
static void does_not_gather_while_it_is_behind(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.batch_rows_max = 2;
    fixture->config.gather_rows = 4;
    fixture->config.gather_ms = 600000;
    world_add_rows(&fixture->world, 40);
    start(fixture);
    wait_until(fixture, has_stored_most);
    assert_int_equal(stop_and_join(fixture), STATUS_OK);
}

static void a_stop_ends_the_gathering(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.gather_rows = 2;
    fixture->config.gather_ms = 600000;
    world_add_rows(&fixture->world, 1);
    start(fixture);
    wait_until(fixture, is_caught_up);
    assert_int_equal(stop_and_join(fixture), STATUS_OK);
    expect_each_stored_once(&fixture->world);
}

/* Keeps how far the worker said it got; read when its thread has ended. */
struct heard_progress {
    struct progress_listener listener;
    int64_t offset;
};

static void hear_progress(struct progress_listener *listener, const struct position_set *handled)
{
    struct heard_progress *heard = CONTAINER_OF(listener, struct heard_progress, listener);
    assert_true(position_set_get(handled, 0) >= heard->offset);
    heard->offset = position_set_get(handled, 0);
}

/* Who waits for an activity hears of it, and does not wait for others to gather. */
static void who_waits_is_told_and_not_kept(void **state)
{
    struct fixture *fixture = *state;
    struct heard_progress heard = {.listener.raised = hear_progress};
    fixture->config.progress = &heard.listener;
    fixture->config.batch_rows_max = 1;
    fixture->config.gather_rows = 4;
    fixture->config.gather_ms = 600000;
    world_add_rows(&fixture->world, 2);
    start(fixture);
    wait_until(fixture, has_stored_one);
    store_activities_hurry(fixture->worker);
    wait_until(fixture, is_caught_up);
    assert_int_equal(stop_and_join(fixture), STATUS_OK);
    assert_int_equal(heard.offset, 2);
}

static void a_stop_before_the_start_is_heard(void **state)
{
    struct fixture *fixture = *state;
    world_add_rows(&fixture->world, 1);
    make_worker(fixture);
    store_activities_stop(fixture->worker);
    assert_int_equal(store_activities_run(fixture->worker, &fixture->err), STATUS_OK);
    assert_int_equal(fixture->world.stored[0], 0);
    assert_int_equal(look(fixture).condition, WORKER_STOPPED);
}

static void a_stop_makes_durable_what_it_can(void **state)
{
    struct fixture *fixture = *state;
    fixture->world.durable = DURABLE_AT_SYNC;
    world_add_rows(&fixture->world, 10);
    start(fixture);
    wait_until(fixture, is_caught_up);
    assert_int_equal(stop_and_join(fixture), STATUS_OK);
    assert_int_equal(fixture->world.commit_count, 1);
    assert_int_equal(fixture->world.commits[0], 10);
}

/* A log that nears its maximum drops what the store has, so it is made durable in time. */
static void a_log_that_gets_full_is_relieved(void **state)
{
    struct fixture *fixture = *state;
    struct world *world = &fixture->world;
    world->durable = DURABLE_AT_SYNC;
    world->log_bytes_max = 1000;
    fixture->config.sync_log_percent = 50;
    world_add_rows(world, 8);
    make_worker(fixture);
    world->log_bytes = 500;
    assert_int_equal(step(fixture), STATUS_OK);
    assert_int_equal(world->commit_count, 0);
    world->log_bytes = 501;
    assert_int_equal(step(fixture), STATUS_OK);
    assert_int_equal(world->commit_count, 1);
    assert_int_equal(world->commits[0], 8);
    world->log_bytes_max = 0;
    world_add_rows(world, 4);
    assert_int_equal(step(fixture), STATUS_OK);
    assert_int_equal(world->commit_count, 1);
}

static void a_sync_that_fails_at_the_stop_is_told(void **state)
{
    struct fixture *fixture = *state;
    fixture->world.fail_with[CALL_SYNC] = STATUS_NO_SPACE;
    fixture->world.fail_times[CALL_SYNC] = 1;
    world_add_rows(&fixture->world, 1);
    start(fixture);
    wait_until(fixture, is_caught_up);
    assert_int_equal(stop_and_join(fixture), STATUS_NO_SPACE);
    assert_int_equal(look(fixture).condition, WORKER_FAILED);
    assert_non_null(strstr(look(fixture).reason, "told to fail"));
    assert_int_equal(fixture->world.commit_count, 0);
}

/* Activities arrive while the worker works; describe is asked meanwhile, as /health does. */
static void keeps_up_with_what_arrives(void **state)
{
    struct fixture *fixture = *state;
    fixture->world.durable = DURABLE_AT_PUT;
    start(fixture);
    for (int i = 0; i < WORLD_ROWS_MAX; i++) {
        world_add_rows(&fixture->world, 1);
        assert_true(look(fixture).pending <= WORLD_ROWS_MAX);
    }
    while (look(fixture).pending > 0) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    assert_int_equal(stop_and_join(fixture), STATUS_OK);
    expect_each_stored_once(&fixture->world);
    assert_int_equal(fixture->world.commits[fixture->world.commit_count - 1], WORLD_ROWS_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(moves_everything_once),
        TEST(tells_what_is_pending_and_when_it_caught_up),
        TEST(an_empty_log_is_caught_up_at_once),
        TEST(works_on_several_partitions),
        TEST(puts_a_refused_batch_again_unchanged),
        TEST(survives_a_failure_of_every_call),
        TEST(resumes_where_the_store_is_durable),
        TEST(commits_only_news_and_only_what_is_durable),
        TEST(commits_every_batch_of_a_store_that_is_durable_at_once),
        TEST(repeats_a_commit_that_failed),
        TEST(tells_the_log_at_start_what_is_durable),
        TEST(lets_old_activities_expire_every_so_often),
        TEST(lets_expire_again_behind_a_replay),
        TEST(tells_how_old_the_oldest_is_that_is_not_stored),
        TEST(nothing_is_too_old_without_a_retention),
        TEST(a_failed_expiry_keeps_nobody_waiting),
        TEST(expires_while_the_store_takes_nothing),
        TEST(a_corrupt_store_is_told_by_an_expiry_too),
        TEST(goes_on_after_failures),
        TEST(waits_for_a_store_that_is_down_at_the_start),
        TEST(stops_when_waiting_cannot_help),
        TEST(a_stop_ends_a_pause),
        TEST(does_not_gather_while_it_is_behind),
        TEST(a_stop_ends_the_gathering),
        TEST(who_waits_is_told_and_not_kept),
        TEST(a_stop_before_the_start_is_heard),
        TEST(a_stop_makes_durable_what_it_can),
        TEST(a_log_that_gets_full_is_relieved),
        TEST(a_sync_that_fails_at_the_stop_is_told),
        TEST(keeps_up_with_what_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
