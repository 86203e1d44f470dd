/* Guards that each position of a log is counted once, whatever comes again and in whatever pieces,
 * and that what nothing was handed over for is told. */
#include "domain/coverage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { ROWS_MAX = 16 };

/* A log of the test's, and a batch out of it. */
struct world {
    struct log_coverage log;
    struct logged_activity rows[ROWS_MAX];
    enum verdict verdicts[ROWS_MAX];
    struct refusal refused[ROWS_MAX];
    struct position_set next;
    struct activity_batch batch;
};

static void world_init(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->batch.rows = world->rows;
    world->batch.refused = world->refused;
    world->batch.next = &world->next;
}

static void world_deinit(struct world *world)
{
    position_set_deinit(&world->log.positions);
    position_set_deinit(&world->log.starts);
    position_set_deinit(&world->next);
}

static void begin(struct world *world)
{
    position_set_deinit(&world->next);
    world->batch.count = 0;
    world->batch.refused_count = 0;
}

static void reach(struct world *world, int32_t partition, int64_t offset)
{
    assert_int_equal(position_set_raise(&world->next, (struct position){partition, offset}),
                     STATUS_OK);
}

static void add(struct world *world, int32_t partition, int64_t offset, enum verdict verdict)
{
    assert_true(world->batch.count < ROWS_MAX);
    world->verdicts[world->batch.count] = verdict;
    world->rows[world->batch.count++] =
        (struct logged_activity){.position = {partition, offset}, .foreign = offset % 2 == 1};
    reach(world, partition, offset + 1);
}

static void add_refused(struct world *world, int32_t partition, int64_t offset)
{
    world->refused[world->batch.refused_count++] =
        (struct refusal){.position = {partition, offset}};
    reach(world, partition, offset + 1);
}

/* What a store does with a batch. */
static void put(struct world *world)
{
    struct log_coverage *log = &world->log;
    assert_int_equal(log_starts_take_up(&log->starts, &log->positions, &world->batch), STATUS_OK);
    struct log_counts added =
        log_counts_of_batch(&world->batch, world->verdicts, &log->starts, &log->positions);
    log_counts_add(&log->counts, &added);
    assert_int_equal(position_set_raise_all(&log->positions, &world->next), STATUS_OK);
}

static void assert_counts(const struct world *world, const uint64_t expected[OUTCOME_COUNT])
{
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        assert_int_equal(world->log.counts.outcomes[i], expected[i]);
    }
    assert_int_equal(log_coverage_difference(&world->log), 0);
}

static void test_each_verdict_is_an_outcome(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    add(&world, 0, 4, VERDICT_STORED);
    add(&world, 0, 5, VERDICT_STORED);
    add(&world, 0, 6, VERDICT_DUPLICATE);
    add(&world, 0, 7, VERDICT_CONFLICT);
    add(&world, 0, 8, VERDICT_ERASED);
    add(&world, 0, 9, VERDICT_REFUSED);
    add_refused(&world, 0, 10);
    put(&world);
    assert_counts(&world, (const uint64_t[OUTCOME_COUNT]){2, 1, 1, 2, 1, 0});
    assert_int_equal(position_set_get(&world.log.starts, 0), 4);
    assert_int_equal(world.log.counts.foreign, 3);
    world_deinit(&world);
}

/* A redelivery, alone or with what is new, counts nothing again. */
static void test_what_comes_again_is_not_counted(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    add(&world, 0, 0, VERDICT_STORED);
    add(&world, 0, 1, VERDICT_DUPLICATE);
    add_refused(&world, 0, 2);
    put(&world);
    put(&world);
    begin(&world);
    add(&world, 0, 1, VERDICT_REDELIVERED);
    add_refused(&world, 0, 2);
    add(&world, 0, 3, VERDICT_STORED);
    put(&world);
    assert_counts(&world, (const uint64_t[OUTCOME_COUNT]){2, 1, 0, 1, 0, 0});
    world_deinit(&world);
}

/* Markers of transactions, and what a log lost, have positions and no activities. */
static void test_what_is_not_handed_over_is_empty(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    add(&world, 0, 10, VERDICT_STORED);
    add(&world, 0, 13, VERDICT_STORED);
    reach(&world, 0, 15);
    put(&world);
    assert_counts(&world, (const uint64_t[OUTCOME_COUNT]){2, 0, 0, 0, 0, 3});
    begin(&world);
    reach(&world, 0, 20);
    put(&world);
    assert_counts(&world, (const uint64_t[OUTCOME_COUNT]){2, 0, 0, 0, 0, 8});
    world_deinit(&world);
}

static void test_partitions_have_their_own_starts(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    add(&world, 3, 100, VERDICT_STORED);
    add(&world, 1, 7, VERDICT_STORED);
    add(&world, 3, 101, VERDICT_STORED);
    put(&world);
    begin(&world);
    add(&world, 2, 50, VERDICT_STORED);
    add(&world, 1, 8, VERDICT_CONFLICT);
    put(&world);
    assert_counts(&world, (const uint64_t[OUTCOME_COUNT]){4, 0, 1, 0, 0, 0});
    assert_int_equal(position_set_get(&world.log.starts, 3), 100);
    assert_int_equal(position_set_get(&world.log.starts, 2), 50);
    assert_int_equal(position_set_get(&world.log.starts, 1), 7);
    world_deinit(&world);
}

/* What a version without counts had covered is where they begin. */
static void test_counting_begins_behind_what_was_covered(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    assert_int_equal(position_set_raise(&world.log.positions, (struct position){0, 1000}),
                     STATUS_OK);
    add(&world, 0, 999, VERDICT_REDELIVERED);
    add(&world, 0, 1000, VERDICT_STORED);
    put(&world);
    assert_counts(&world, (const uint64_t[OUTCOME_COUNT]){1, 0, 0, 0, 0, 0});
    assert_int_equal(position_set_get(&world.log.starts, 0), 1000);
    world_deinit(&world);
}

/* A replay covers nothing: what it stores stands beside the sum. */
static void test_a_replay_stands_beside_the_sum(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    add(&world, 0, 0, VERDICT_STORED);
    put(&world);
    begin(&world);
    add(&world, 0, 0, VERDICT_STORED);
    add(&world, 0, 1, VERDICT_STORED);
    position_set_deinit(&world.next);
    put(&world);
    assert_counts(&world, (const uint64_t[OUTCOME_COUNT]){1, 0, 0, 0, 0, 0});
    assert_int_equal(world.log.counts.replayed, 2);
    world_deinit(&world);
}

/* A log that hands one position over twice must not look as if all were well. */
static void test_a_position_twice_shows(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    add(&world, 0, 0, VERDICT_STORED);
    add(&world, 0, 0, VERDICT_DUPLICATE);
    put(&world);
    assert_int_equal(log_coverage_difference(&world.log), -1);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_verdict_is_an_outcome),
        cmocka_unit_test(test_what_comes_again_is_not_counted),
        cmocka_unit_test(test_what_is_not_handed_over_is_empty),
        cmocka_unit_test(test_partitions_have_their_own_starts),
        cmocka_unit_test(test_counting_begins_behind_what_was_covered),
        cmocka_unit_test(test_a_replay_stands_beside_the_sum),
        cmocka_unit_test(test_a_position_twice_shows),
    };
    return cmocka_run_group_tests_name("log_account", tests, NULL, NULL);
}
