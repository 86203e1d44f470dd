/*
 * Guards the worker against log and store doubles that fail on command: nothing is lost or stored
 * twice over any failure, nothing is committed that the store did not make durable, and it stops
 * when told to and when waiting cannot help.
 */
#include "application/store_activities.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { ROWS_MAX = 64, COMMITS_MAX = 64, PATIENCE_MS = 10000 };

/* Any port call may be told to fail; each counts. */
enum call {
    CALL_POLL,
    CALL_SEEK,
    CALL_COMMIT,
    CALL_END_POSITION,
    CALL_PUT,
    CALL_DURABLE_POSITIONS,
    CALL_SYNC,
    CALL_COUNT
};

enum durable { DURABLE_NEVER, DURABLE_AT_SYNC, DURABLE_AT_PUT };

/* A log of `row_count` activities and a store beside it, one lock for both. */
struct world {
    struct event_log log;
    struct activity_store store;
    struct uuid log_id;
    pthread_mutex_t lock;

    struct logged_activity rows[ROWS_MAX]; /* offset i stands at i when there is one partition */
    size_t row_count;
    size_t read_at;
    struct position_set next;
    struct position_set seeked;
    int64_t commits[COMMITS_MAX]; /* of partition 0 */
    size_t commit_count;
    size_t poll_count;

    enum durable durable;
    unsigned stored[ROWS_MAX]; /* how often put_batch answered OK for the row */
    struct position_set covered;
    struct position_set durable_positions;

    enum status fail_with[CALL_COUNT]; /* STATUS_OK: it works */
    unsigned fail_times[CALL_COUNT];
    unsigned fail_any_at;      /* the nth call of whatever kind fails, 0: none */
    enum status fail_any_with; /* with this */
    const void *refused_rows;  /* of the put_batch that failed last */
    size_t refused_count;
};

static struct world *world_of_log(struct event_log *log)
{
    return CONTAINER_OF(log, struct world, log);
}

static struct world *world_of_store(struct activity_store *store)
{
    return CONTAINER_OF(store, struct world, store);
}

/* Under the lock: STATUS_OK or the failure that was ordered for this call. */
static enum status order(struct world *world, enum call call, struct error *err)
{
    enum status status = STATUS_OK;
    if (world->fail_times[call] > 0) {
        world->fail_times[call]--;
        status = world->fail_with[call];
    }
    if (world->fail_any_at > 0 && --world->fail_any_at == 0) {
        status = world->fail_any_with;
    }
    return status == STATUS_OK ? status
                               : error_set(err, status, 0, "call %d is told to fail", call);
}

static void raise_to(struct position_set *set, struct position position)
{
    assert_int_equal(position_set_raise(set, position), STATUS_OK);
}

static void raise_all(struct position_set *set, const struct position_set *from)
{
    assert_int_equal(position_set_raise_all(set, from), STATUS_OK);
}

static enum status world_poll(struct event_log *log, size_t rows_max, unsigned wait_ms,
                              struct activity_batch *out_batch, struct error *err)
{
    (void)wait_ms;
    struct world *world = world_of_log(log);
    pthread_mutex_lock(&world->lock);
    enum status status = order(world, CALL_POLL, err);
    world->poll_count++;
    if (status == STATUS_OK) {
        size_t left = world->row_count - world->read_at;
        size_t count = left < rows_max ? left : rows_max;
        for (size_t i = world->read_at; i < world->read_at + count; i++) {
            struct position position = world->rows[i].position;
            raise_to(&world->next, (struct position){position.partition, position.offset + 1});
        }
        *out_batch = (struct activity_batch){world->log_id, world->rows + world->read_at, count,
                                             &world->next};
        world->read_at += count;
    }
    pthread_mutex_unlock(&world->lock);
    return status;
}

static enum status world_seek(struct event_log *log, const struct position_set *positions,
                              struct error *err)
{
    struct world *world = world_of_log(log);
    pthread_mutex_lock(&world->lock);
    enum status status = order(world, CALL_SEEK, err);
    if (status == STATUS_OK) {
        raise_all(&world->seeked, positions);
        while (world->read_at < world->row_count &&
               position_set_covers(positions, world->rows[world->read_at].position)) {
            world->read_at++;
        }
    }
    pthread_mutex_unlock(&world->lock);
    return status;
}

static enum status world_commit(struct event_log *log, const struct position_set *positions,
                                struct error *err)
{
    struct world *world = world_of_log(log);
    pthread_mutex_lock(&world->lock);
    enum status status = order(world, CALL_COMMIT, err);
    for (size_t i = 0; i < positions->count; i++) {
        struct position promised = positions->items[i];
        assert_true(promised.offset <=
                    position_set_get(&world->durable_positions, promised.partition));
    }
    if (status == STATUS_OK) {
        assert_true(world->commit_count < COMMITS_MAX);
        world->commits[world->commit_count++] = position_set_get(positions, 0);
    }
    pthread_mutex_unlock(&world->lock);
    return status;
}

static enum status world_end_position(struct event_log *log, struct position_set *out_positions)
{
    struct world *world = world_of_log(log);
    pthread_mutex_lock(&world->lock);
    enum status status = order(world, CALL_END_POSITION, NULL);
    for (size_t i = 0; status == STATUS_OK && i < world->row_count; i++) {
        struct position position = world->rows[i].position;
        raise_to(out_positions, (struct position){position.partition, position.offset + 1});
    }
    pthread_mutex_unlock(&world->lock);
    return status;
}

static void world_describe_log(struct event_log *log, struct event_log_state *out_state)
{
    *out_state = (struct event_log_state){.kind = "double", .log_id = world_of_log(log)->log_id};
}

static void world_free_log(struct event_log *log)
{
    (void)log;
}

static const struct event_log_operations log_operations = {
    .poll = world_poll,
    .seek = world_seek,
    .commit = world_commit,
    .end_position = world_end_position,
    .describe = world_describe_log,
    .free = world_free_log,
};

static void store_rows(struct world *world, const struct activity_batch *batch,
                       enum verdict *out_verdicts)
{
    for (size_t i = 0; i < batch->count; i++) {
        size_t index = (size_t)(&batch->rows[i] - world->rows);
        assert_true(index < world->row_count);
        out_verdicts[i] = world->stored[index]++ == 0 ? VERDICT_STORED : VERDICT_REDELIVERED;
    }
    raise_all(&world->covered, batch->next);
    if (world->durable == DURABLE_AT_PUT) {
        raise_all(&world->durable_positions, &world->covered);
    }
}

static enum status world_put(struct activity_store *store, const struct activity_batch *batch,
                             enum verdict *out_verdicts, struct error *err)
{
    struct world *world = world_of_store(store);
    pthread_mutex_lock(&world->lock);
    enum status status = order(world, CALL_PUT, err);
    assert_true(batch->count > 0 && uuid_equal(batch->log_id, world->log_id));
    if (world->refused_rows != NULL) {
        assert_ptr_equal(batch->rows, world->refused_rows);
        assert_int_equal(batch->count, world->refused_count);
    }
    world->refused_rows = status == STATUS_OK ? NULL : batch->rows;
    world->refused_count = batch->count;
    if (status == STATUS_OK) {
        store_rows(world, batch, out_verdicts);
    }
    pthread_mutex_unlock(&world->lock);
    return status;
}

static enum status world_durable_positions(struct activity_store *store, struct uuid log_id,
                                           struct position_set *out_positions, struct error *err)
{
    struct world *world = world_of_store(store);
    pthread_mutex_lock(&world->lock);
    enum status status = order(world, CALL_DURABLE_POSITIONS, err);
    if (status == STATUS_OK && uuid_equal(log_id, world->log_id)) {
        raise_all(out_positions, &world->durable_positions);
    }
    pthread_mutex_unlock(&world->lock);
    return status;
}

static enum status world_sync(struct activity_store *store, struct error *err)
{
    struct world *world = world_of_store(store);
    pthread_mutex_lock(&world->lock);
    enum status status = order(world, CALL_SYNC, err);
    if (status == STATUS_OK && world->durable != DURABLE_NEVER) {
        raise_all(&world->durable_positions, &world->covered);
    }
    pthread_mutex_unlock(&world->lock);
    return status;
}

static const struct activity_store_operations store_operations = {
    .put_batch = world_put,
    .durable_positions = world_durable_positions,
    .sync = world_sync,
};

struct fixture {
    struct world world;
    struct logger logger;
    struct random_seeded seeded;
    struct random random;
    struct store_activities_config config;
    struct store_activities *worker;
    struct error err;
    pthread_t thread;
    enum status run_status;
};

static void add_row(struct world *world, struct position position)
{
    pthread_mutex_lock(&world->lock);
    assert_true(world->row_count < ROWS_MAX);
    world->rows[world->row_count++] = (struct logged_activity){.position = position};
    pthread_mutex_unlock(&world->lock);
}

static void add_rows(struct world *world, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add_row(world, (struct position){0, (int64_t)world->row_count});
    }
}

static void world_init(struct world *world)
{
    *world = (struct world){
        .log.operations = &log_operations, .store.operations = &store_operations, .log_id = {{9}}};
    pthread_mutex_init(&world->lock, NULL);
}

static void world_deinit(struct world *world)
{
    position_set_deinit(&world->next);
    position_set_deinit(&world->seeked);
    position_set_deinit(&world->covered);
    position_set_deinit(&world->durable_positions);
    pthread_mutex_destroy(&world->lock);
}

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
        .random = &fixture->random,
        .logger = &fixture->logger,
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
    add_rows(&fixture->world, 10);
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
    add_rows(&fixture->world, 10);
    make_worker(fixture);
    assert_int_equal(look(fixture).condition, WORKER_STARTING);
    assert_int_equal(look(fixture).pending, 10);
    assert_int_equal(step(fixture), STATUS_OK);
    assert_int_equal(look(fixture).condition, WORKER_RUNNING);
    assert_int_equal(look(fixture).pending, 6);
    assert_false(look(fixture).caught_up);
    add_rows(&fixture->world, 1); /* came later: not needed to have caught up */
    assert_int_equal(step(fixture), STATUS_OK);
    assert_false(look(fixture).caught_up);
    assert_int_equal(step(fixture), STATUS_OK);
    assert_true(look(fixture).caught_up);
    add_rows(&fixture->world, 5); /* a backlog later does not take it back */
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
        add_row(&fixture->world, (struct position){i % 3, 100 + i / 3});
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
        add_rows(&fixture->world, 3);
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
    add_rows(&fixture->world, 10);
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
    add_rows(&fixture->world, 10);
    raise_to(&fixture->world.durable_positions, (struct position){0, 7});
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
    add_rows(&fixture->world, 8);
    make_worker(fixture);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(step(fixture), STATUS_OK);
    }
    assert_int_equal(fixture->world.commit_count, 0);
    raise_to(&fixture->world.durable_positions, (struct position){0, 5});
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
    add_rows(&fixture->world, 10);
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
    add_rows(&fixture->world, 2);
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
    add_rows(&fixture->world, 6);
    raise_to(&fixture->world.durable_positions, (struct position){0, 6});
    make_worker(fixture);
    assert_int_equal(step(fixture), STATUS_OK);
    assert_int_equal(step(fixture), STATUS_OK);
    assert_int_equal(fixture->world.commit_count, 1);
    assert_int_equal(fixture->world.commits[0], 6);
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
    add_rows(&fixture->world, 10);
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
    add_rows(&fixture->world, 3);
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
    static const enum call calls[] = {CALL_POLL, CALL_SEEK, CALL_COMMIT, CALL_PUT,
                                      CALL_DURABLE_POSITIONS};
    for (size_t i = 0; i < ARRAY_LENGTH(calls); i++) {
        world_deinit(&fixture->world);
        world_init(&fixture->world);
        fixture->world.durable = DURABLE_AT_PUT;
        fixture->world.fail_with[calls[i]] = STATUS_CORRUPT;
        fixture->world.fail_times[calls[i]] = 1;
        add_rows(&fixture->world, 3);
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
    add_rows(&fixture->world, 1);
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
    add_rows(&fixture->world, 40);
    start(fixture);
    wait_until(fixture, has_stored_most);
    assert_int_equal(stop_and_join(fixture), STATUS_OK);
}

static void a_stop_ends_the_gathering(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.gather_rows = 2;
    fixture->config.gather_ms = 600000;
    add_rows(&fixture->world, 1);
    start(fixture);
    wait_until(fixture, is_caught_up);
    assert_int_equal(stop_and_join(fixture), STATUS_OK);
    expect_each_stored_once(&fixture->world);
}

static void a_stop_before_the_start_is_heard(void **state)
{
    struct fixture *fixture = *state;
    add_rows(&fixture->world, 1);
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
    add_rows(&fixture->world, 10);
    start(fixture);
    wait_until(fixture, is_caught_up);
    assert_int_equal(stop_and_join(fixture), STATUS_OK);
    assert_int_equal(fixture->world.commit_count, 1);
    assert_int_equal(fixture->world.commits[0], 10);
}

static void a_sync_that_fails_at_the_stop_is_told(void **state)
{
    struct fixture *fixture = *state;
    fixture->world.fail_with[CALL_SYNC] = STATUS_NO_SPACE;
    fixture->world.fail_times[CALL_SYNC] = 1;
    add_rows(&fixture->world, 1);
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
    for (int i = 0; i < ROWS_MAX; i++) {
        add_rows(&fixture->world, 1);
        assert_true(look(fixture).pending <= ROWS_MAX);
    }
    while (look(fixture).pending > 0) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    assert_int_equal(stop_and_join(fixture), STATUS_OK);
    expect_each_stored_once(&fixture->world);
    assert_int_equal(fixture->world.commits[fixture->world.commit_count - 1], ROWS_MAX);
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
        TEST(goes_on_after_failures),
        TEST(waits_for_a_store_that_is_down_at_the_start),
        TEST(stops_when_waiting_cannot_help),
        TEST(a_stop_ends_a_pause),
        TEST(does_not_gather_while_it_is_behind),
        TEST(a_stop_ends_the_gathering),
        TEST(a_stop_before_the_start_is_heard),
        TEST(a_stop_makes_durable_what_it_can),
        TEST(a_sync_that_fails_at_the_stop_is_told),
        TEST(keeps_up_with_what_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
