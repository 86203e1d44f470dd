/* Guards what is taken as covered: too much would lose activities, too little would count them
 * twice. */
#include "base/random.h"
#include "domain/position.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);

static bool realloc_fails;

void *__wrap_realloc(void *block, size_t size)
{
    return realloc_fails ? NULL : __real_realloc(block, size);
}

static void raise_to(struct position_set *set, int32_t partition, int64_t offset)
{
    struct position position = {.partition = partition, .offset = offset};
    assert_int_equal(position_set_raise(set, position), STATUS_OK);
}

static bool covers(const struct position_set *set, int32_t partition, int64_t offset)
{
    struct position position = {.partition = partition, .offset = offset};
    return position_set_covers(set, position);
}

static void test_raises_and_never_lowers(void **state)
{
    (void)state;
    struct position_set set;
    position_set_init(&set);
    assert_int_equal(position_set_get(&set, 0), 0);
    assert_false(covers(&set, 0, 0));
    raise_to(&set, 0, 5);
    assert_true(covers(&set, 0, 4));
    assert_false(covers(&set, 0, 5));
    raise_to(&set, 0, 3);
    assert_int_equal(position_set_get(&set, 0), 5);
    raise_to(&set, 0, INT64_MAX);
    assert_true(covers(&set, 0, INT64_MAX - 1));
    assert_int_equal(position_set_get(&set, 1), 0);
    assert_int_equal(set.count, 1);
    position_set_deinit(&set);
    position_set_deinit(&set);
}

/* Partitions in any order of arrival, against an array. */
static void test_many_partitions(void **state)
{
    (void)state;
    enum { PARTITIONS = 300 };
    static int64_t expected[PARTITIONS];
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 4);
    struct position_set set;
    position_set_init(&set);
    for (int i = 0; i < 5000; i++) {
        int32_t partition = (int32_t)random_below(&random, PARTITIONS);
        int64_t offset = (int64_t)random_below(&random, 1000);
        raise_to(&set, partition, offset);
        if (expected[partition] < offset) {
            expected[partition] = offset;
        }
    }
    for (int32_t partition = 0; partition < PARTITIONS; partition++) {
        assert_int_equal(position_set_get(&set, partition), expected[partition]);
    }
    for (size_t i = 1; i < set.count; i++) {
        assert_true(set.items[i - 1].partition < set.items[i].partition);
    }
    position_set_deinit(&set);
}

/* Where `from` is ahead nothing is taken off, and what it does not know begins at 0. */
static void test_distance(void **state)
{
    (void)state;
    struct position_set from;
    struct position_set to;
    position_set_init(&from);
    position_set_init(&to);
    assert_int_equal(position_set_distance(&from, &to), 0);
    raise_to(&to, 0, 10);
    raise_to(&to, 1, 5);
    raise_to(&to, 2, 7);
    raise_to(&from, 0, 4);
    raise_to(&from, 1, 9);
    raise_to(&from, 3, 100);
    assert_int_equal(position_set_distance(&from, &to), 6 + 7);
    position_set_deinit(&from);
    position_set_deinit(&to);
}

static void test_raise_all(void **state)
{
    (void)state;
    struct position_set set;
    struct position_set from;
    position_set_init(&set);
    position_set_init(&from);
    raise_to(&set, 1, 10);
    raise_to(&set, 2, 10);
    raise_to(&from, 2, 20);
    raise_to(&from, 1, 5);
    raise_to(&from, 0, 7);
    assert_int_equal(position_set_raise_all(&set, &from), STATUS_OK);
    assert_int_equal(position_set_get(&set, 0), 7);
    assert_int_equal(position_set_get(&set, 1), 10);
    assert_int_equal(position_set_get(&set, 2), 20);
    assert_int_equal(from.count, 3);
    position_set_deinit(&set);
    position_set_deinit(&from);
}

static void test_without_memory_nothing_changes(void **state)
{
    (void)state;
    struct position_set set;
    position_set_init(&set);
    for (int32_t partition = 0; partition < 4; partition++) {
        raise_to(&set, partition, 5);
    }
    realloc_fails = true;
    struct position fifth = {.partition = 4, .offset = 5};
    assert_int_equal(position_set_raise(&set, fifth), STATUS_NO_MEMORY);
    raise_to(&set, 2, 9); /* what is known needs no memory */
    realloc_fails = false;
    assert_int_equal(set.count, 4);
    assert_int_equal(position_set_get(&set, 4), 0);
    assert_int_equal(position_set_get(&set, 2), 9);
    position_set_deinit(&set);
}

static void test_what_is_prepared_can_be_raised(void **state)
{
    (void)state;
    struct position_set set;
    struct position_set next;
    position_set_init(&set);
    position_set_init(&next);
    raise_to(&set, 0, 5);
    for (int32_t partition = 0; partition < 9; partition++) {
        raise_to(&next, partition, 7);
    }
    realloc_fails = true;
    assert_int_equal(position_set_prepare(&set, &next), STATUS_NO_MEMORY);
    realloc_fails = false;
    assert_int_equal(position_set_prepare(&set, &next), STATUS_OK);
    assert_int_equal(position_set_get(&set, 0), 5);
    assert_false(covers(&set, 8, 0));
    realloc_fails = true;
    assert_int_equal(position_set_raise_all(&set, &next), STATUS_OK);
    realloc_fails = false;
    assert_int_equal(position_set_get(&set, 0), 7);
    assert_int_equal(position_set_get(&set, 8), 7);
    position_set_deinit(&set);
    position_set_deinit(&next);
}

static void test_maximum_of_partitions(void **state)
{
    (void)state;
    struct position_set set;
    position_set_init(&set);
    for (int32_t partition = 0; partition < POSITION_PARTITIONS_MAX; partition++) {
        raise_to(&set, partition, 1);
    }
    struct position next = {.partition = POSITION_PARTITIONS_MAX, .offset = 1};
    assert_int_equal(position_set_raise(&set, next), STATUS_TOO_LARGE);
    raise_to(&set, POSITION_PARTITIONS_MAX - 1, 2);
    assert_int_equal(set.count, POSITION_PARTITIONS_MAX);
    position_set_deinit(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raises_and_never_lowers),
        cmocka_unit_test(test_many_partitions),
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_raise_all),
        cmocka_unit_test(test_without_memory_nothing_changes),
        cmocka_unit_test(test_what_is_prepared_can_be_raised),
        cmocka_unit_test(test_maximum_of_partitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
