/*
 * Guards what the worker does with what cannot be stored: it is listed once, over any failure and
 * any crash, before anybody may forget it.
 */
#include "application/activity_json.h"
#include "application/store_activities_world.h"
#include "application/store_refusals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

struct fixture {
    struct world world;
    struct logger logger;
    struct random_seeded seeded;
    struct random random;
    struct store_activities_config config;
    struct store_activities *worker;
    struct error err;
};

static int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (fixture == NULL) {
        return -1;
    }
    world_init(&fixture->world);
    fixture->logger = (struct logger){.clock = &clock_system, .descriptor = -1};
    fixture->random = random_from_seed(&fixture->seeded, 1);
    fixture->config = (struct store_activities_config){
        .log = &fixture->world.log,
        .store = &fixture->world.store,
        .refusals = &fixture->world.refusals,
        .random = &fixture->random,
        .logger = &fixture->logger,
        .clock = &clock_system,
        .batch_rows_max = 4,
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

/* Ten rows, some of which the log refuses and some the store. */
static void add_rows_with_refusals(struct world *world)
{
    static const size_t by_log[] = {0, 3, 4, 9};
    static const size_t by_store[] = {1, 5, 8};
    world_add_rows(world, 10);
    for (size_t i = 0; i < ARRAY_LENGTH(by_log); i++) {
        world->log_refuses[by_log[i]] = true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(by_store); i++) {
        size_t at = by_store[i];
        world->store_refuses[at] = true;
        world->rows[at].activity = (struct activity){
            .id = STR("own"), .user_id = STR("ann"), .action = STR("click"), .metadata = STR("{}")};
    }
}

static void expect_stored_or_listed(const struct world *world)
{
    for (size_t i = 0; i < world->row_count; i++) {
        bool refused = world->log_refuses[i] || world->store_refuses[i];
        assert_int_equal(world->stored[i], refused ? 0 : 1);
        assert_int_equal(world->listed[i], refused);
    }
}

/* A list that looks whether each refusal says what its row says. */
struct many {
    struct refusal_list list;
    size_t bare_bytes; /* of an activity whose user has no name */
    size_t count;
    size_t calls;
};

static enum status many_add(struct refusal_list *list, struct uuid log_id,
                            const struct refusal *refusals, size_t count, struct error *err)
{
    struct many *many = CONTAINER_OF(list, struct many, list);
    (void)log_id;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        size_t row = (size_t)refusals[i].position.offset;
        char start[64];
        snprintf(start, sizeof start, "{\"id\":\"own\",\"userId\":\"u");
        assert_int_not_equal(row % 3, 0);
        assert_int_equal(refusals[i].logged_at_ms, row);
        assert_int_equal(refusals[i].key.len, 1 + row * 3 % 3000);
        assert_true(str_starts_with(refusals[i].raw, str_from(start)));
        assert_true(refusals[i].raw.data[refusals[i].raw.len - 1] == '}');
        assert_int_equal(refusals[i].raw.len - refusals[i].key.len, many->bare_bytes);
        assert_true(str_equal(refusals[i].reason, STR("too large")));
    }
    many->count += count;
    many->calls++;
    return STATUS_OK;
}

static const struct refusal_list_operations many_operations = {.add = many_add};

static void keeps_what_cannot_be_stored(void **state)
{
    struct fixture *fixture = *state;
    struct world *world = &fixture->world;
    world->durable = DURABLE_AT_PUT;
    add_rows_with_refusals(world);
    make_worker(fixture);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(step(fixture), STATUS_OK);
    }
    expect_stored_or_listed(world);
    assert_string_equal(world->listed_raw[3], "not JSON");
    assert_string_equal(world->listed_key[3], "key");
    assert_string_equal(world->listed_reason[3], "the log is told to refuse");
    assert_non_null(strstr(world->listed_raw[5], "{\"id\":\"own\",\"userId\":\"ann\""));
    assert_string_equal(world->listed_key[5], "ann");
    assert_string_equal(world->listed_reason[5], "the store is told to refuse");
    struct store_activities_state end = look(fixture);
    assert_int_equal(end.refused, 7);
    assert_int_equal(end.verdicts[VERDICT_REFUSED], 3);
    assert_int_equal(end.verdicts[VERDICT_STORED], 3);
    assert_true(end.caught_up && end.pending == 0);
    assert_int_equal(world->commits[world->commit_count - 1], 10); /* the last one was refused */
}

/* Nothing is put or counted twice meanwhile. */
static void waits_for_a_list_that_is_down(void **state)
{
    struct fixture *fixture = *state;
    struct world *world = &fixture->world;
    static const enum status passing[] = {STATUS_UNAVAILABLE, STATUS_TIMED_OUT, STATUS_NO_SPACE,
                                          STATUS_NO_MEMORY};
    size_t count = 2 * ARRAY_LENGTH(passing);
    world_add_rows(world, count);
    fixture->config.batch_rows_max = 1;
    make_worker(fixture);
    for (size_t i = 0; i < count; i++) {
        bool by_log = i % 2 == 0;
        (by_log ? world->log_refuses : world->store_refuses)[i] = true;
        world->fail_with[CALL_REFUSE] = passing[i / 2];
        world->fail_times[CALL_REFUSE] = 3;
        for (int again = 0; again < 3; again++) {
            assert_int_equal(step(fixture), passing[i / 2]);
            assert_int_equal(world->put_count, by_log ? i : i + 1);
            assert_int_equal(look(fixture).refused, by_log ? i : i + 1);
            assert_int_equal(look(fixture).pending, count - i);
        }
        assert_int_equal(step(fixture), STATUS_OK);
        assert_int_equal(look(fixture).refused, i + 1);
        assert_int_equal(world->put_count, i + 1);
        assert_int_equal(look(fixture).pending, count - i - 1);
    }
    expect_stored_or_listed(world);
    assert_int_equal(look(fixture).verdicts[VERDICT_REFUSED], count / 2);
    assert_int_equal(world->cover_count, count / 2); /* each behind its row, without waiting */
}

static bool keeps_over_a_failure_at(struct fixture *fixture, unsigned nth, enum durable durable)
{
    struct world *world = &fixture->world;
    world_deinit(world);
    world_init(world);
    world->durable = durable;
    add_rows_with_refusals(world);
    world->fail_any_at = nth;
    world->fail_any_with = STATUS_UNAVAILABLE;
    make_worker(fixture);
    for (int turn = 0; turn < 12; turn++) {
        enum status status = step(fixture);
        assert_true(status == STATUS_OK || status == STATUS_UNAVAILABLE ||
                    status == STATUS_NO_MEMORY);
    }
    expect_stored_or_listed(world);
    assert_int_equal(look(fixture).refused, 7);
    assert_int_equal(look(fixture).pending, 0);
    return world->fail_any_at == 0;
}

static void keeps_refusals_over_a_failure_of_every_call(void **state)
{
    struct fixture *fixture = *state;
    for (enum durable durable = DURABLE_NEVER; durable <= DURABLE_AT_PUT; durable++) {
        unsigned nth = 1;
        while (keeps_over_a_failure_at(fixture, nth, durable)) {
            nth++;
        }
        assert_true(nth > 15);
    }
}

/* The process ends at any call; the next one gets again what is not durable. */
static void keeps_refusals_over_a_crash_at_every_call(void **state)
{
    struct fixture *fixture = *state;
    struct world *world = &fixture->world;
    for (unsigned nth = 1; nth < 30; nth++) {
        world_deinit(world);
        world_init(world);
        world->durable = DURABLE_AT_SYNC;
        add_rows_with_refusals(world);
        make_worker(fixture);
        world->fail_any_at = nth;
        world->fail_any_with = STATUS_UNAVAILABLE;
        for (int turn = 0; turn < 12 && world->fail_any_at > 0; turn++) {
            if (step(fixture) == STATUS_OK && turn % 2 == 1) {
                (void)!activity_store_sync(&world->store, NULL);
            }
        }
        world->fail_any_at = 0;
        world_crash(world);
        make_worker(fixture);
        for (int turn = 0; turn < 8; turn++) {
            assert_int_equal(step(fixture), STATUS_OK);
        }
        expect_stored_or_listed(world);
        assert_int_equal(look(fixture).pending, 0);
    }
}

/* The store must not make durable what it refused and nobody listed: it would not come again. */
static void a_stop_does_not_pass_over_refusals(void **state)
{
    struct fixture *fixture = *state;
    struct world *world = &fixture->world;
    world->durable = DURABLE_AT_SYNC;
    world_add_rows(world, 2);
    world->store_refuses[1] = true;
    make_worker(fixture);
    world->fail_with[CALL_REFUSE] = STATUS_UNAVAILABLE;
    world->fail_times[CALL_REFUSE] = 2;
    assert_int_equal(step(fixture), STATUS_UNAVAILABLE);
    store_activities_stop(fixture->worker);
    assert_int_equal(store_activities_run(fixture->worker, &fixture->err), STATUS_UNAVAILABLE);
    assert_int_equal(look(fixture).condition, WORKER_FAILED);
    assert_int_equal(position_set_get(&world->durable_positions, 0), 0);
    assert_int_equal(world->commit_count, 0);
    world_crash(world);
    make_worker(fixture);
    store_activities_stop(fixture->worker);
    make_worker(fixture);
    assert_int_equal(step(fixture), STATUS_OK);
    expect_stored_or_listed(world);
}

/* More than one call of the list takes. */
static void keeps_many_refused_rows(void **state)
{
    (void)state;
    enum { ROWS = 1000 };
    static struct logged_activity rows[ROWS];
    static enum verdict verdicts[ROWS];
    static char user_id[3000];
    memset(user_id, 'u', sizeof user_id);
    struct many many = {.list.operations = &many_operations};
    struct buffer bare;
    buffer_init(&bare, 1000);
    activity_json_append(&bare, &(struct activity){.id = STR("own"),
                                                   .user_id = STR(""),
                                                   .action = STR("a"),
                                                   .metadata = STR("{}")});
    many.bare_bytes = bare.len;
    buffer_deinit(&bare);
    for (size_t i = 0; i < ROWS; i++) {
        rows[i] =
            (struct logged_activity){.activity = {.id = STR("own"),
                                                  .user_id = {user_id, 1 + i * 3 % sizeof user_id},
                                                  .action = STR("a"),
                                                  .metadata = STR("{}"),
                                                  .received_at_ms = (int64_t)i},
                                     .position = {0, (int64_t)i}};
        verdicts[i] = i % 3 == 0 ? VERDICT_STORED : VERDICT_REFUSED;
    }
    const struct activity_batch batch = {.rows = rows, .count = ROWS};
    const struct keep_refusals keeper = {.list = &many.list};
    assert_int_equal(store_refusals_list(&keeper, &batch, verdicts, "too large", NULL), STATUS_OK);
    assert_int_equal(many.count, ROWS - (ROWS + 2) / 3);
    assert_in_range(many.calls, 3, 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keeps_what_cannot_be_stored),
        TEST(waits_for_a_list_that_is_down),
        TEST(keeps_refusals_over_a_failure_of_every_call),
        TEST(keeps_refusals_over_a_crash_at_every_call),
        TEST(a_stop_does_not_pass_over_refusals),
        TEST(keeps_many_refused_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
