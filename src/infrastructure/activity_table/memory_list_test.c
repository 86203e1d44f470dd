/* Guards the order of rows and every way to move in it, with lists of many runs that are split,
 * joined, emptied and filled again; the contract's oracle has short lists only. */
#include "base/random.h"
#include "infrastructure/activity_table/memory_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { ROWS = 6000 };

struct lists {
    struct memory_pool pool;
    struct memory_rows rows;
    struct memory_list list;
    struct random random;
    struct random_seeded seeded;
    uint32_t sorted[ROWS]; /* the numbers of all rows in order */
    uint32_t expected[ROWS];
    size_t expected_count;
};

static const struct memory_rows *compared_rows;

static int compare(const void *a, const void *b)
{
    return memory_rows_compare(compared_rows, *(const uint32_t *)a, *(const uint32_t *)b);
}

/* Rows at random times, several at each, half of them with UUIDs. */
static int setup(void **state)
{
    struct lists *lists = calloc(1, sizeof *lists);
    assert_non_null(lists);
    lists->random = random_from_seed(&lists->seeded, 11);
    memory_rows_init(&lists->rows);
    memory_list_init(&lists->list);
    for (uint32_t i = 0; i < ROWS; i++) {
        char id[UUID_TEXT_BYTES];
        uuid_format(uuid_make_random(&lists->random), id);
        struct activity activity = {
            .id = {.data = id, .len = i % 2 == 0 ? UUID_TEXT_BYTES : UUID_TEXT_BYTES - 3},
            .metadata = STR("{}"),
            .timestamp_ms = (int64_t)random_below(&lists->random, ROWS / 3),
        };
        struct memory_key key = memory_key_make(activity_key_of(&activity));
        assert_int_equal(memory_rows_add(&lists->rows, &lists->pool, &key, &activity), i);
        lists->sorted[i] = i;
    }
    compared_rows = &lists->rows;
    qsort(lists->sorted, ROWS, sizeof lists->sorted[0], compare);
    *state = lists;
    return 0;
}

static int teardown(void **state)
{
    struct lists *lists = *state;
    memory_list_deinit(&lists->list, &lists->pool);
    memory_rows_deinit(&lists->rows, &lists->pool);
    assert_int_equal(lists->pool.bytes, 0);
    free(lists);
    return 0;
}

static struct memory_list_context context_of(struct lists *lists)
{
    return (struct memory_list_context){.rows = &lists->rows, .pool = &lists->pool};
}

static void insert(struct lists *lists, uint32_t row)
{
    const struct memory_entry entry = {memory_row_mark(memory_rows_at(&lists->rows, row)), row};
    assert_true(memory_list_insert(&lists->list, context_of(lists), entry));
}

static struct memory_key key_of(struct lists *lists, uint32_t row)
{
    return memory_row_key(memory_rows_at(&lists->rows, row));
}

static void assert_bounds(struct lists *lists)
{
    struct memory_list *list = &lists->list;
    struct memory_place begin = memory_list_begin(list);
    struct memory_place end = memory_list_end(list);
    for (size_t i = 0; i < lists->expected_count; i += 37) {
        struct memory_key key = key_of(lists, lists->expected[i]);
        struct memory_place place = memory_list_lower_bound(list, &lists->rows, &key);
        assert_int_equal(memory_list_row(list, place), lists->expected[i]);
        assert_int_equal(memory_list_distance(list, begin, place), i);
        assert_int_equal(memory_list_distance(list, place, end), lists->expected_count - i);
        assert_true(memory_place_equal(memory_list_forward(list, begin, i), place));
        struct memory_place back = memory_list_back(list, end, lists->expected_count - i);
        assert_int_equal(memory_list_row(list, back), lists->expected[i]);
    }
}

/* The list from both ends against lists->expected. */
static void assert_list(struct lists *lists)
{
    struct memory_list *list = &lists->list;
    assert_int_equal(list->count, lists->expected_count);
    struct memory_place place = memory_list_begin(list);
    for (size_t i = 0; i < lists->expected_count; i++) {
        assert_int_equal(memory_list_row(list, place), lists->expected[i]);
        place = memory_list_next(list, place);
    }
    assert_true(memory_place_equal(place, memory_list_end(list)));
    for (size_t i = lists->expected_count; i > 0; i--) {
        place = memory_list_previous(list, place);
        assert_int_equal(memory_list_row(list, place), lists->expected[i - 1]);
    }
    assert_true(memory_place_equal(place, memory_list_begin(list)));
    assert_bounds(lists);
}

static void shuffle(struct lists *lists, uint32_t *numbers, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)random_below(&lists->random, i);
        uint32_t moved = numbers[i - 1];
        numbers[i - 1] = numbers[other];
        numbers[other] = moved;
    }
}

static void expect_rows_with(struct lists *lists, const bool *present)
{
    lists->expected_count = 0;
    for (size_t i = 0; i < ROWS; i++) {
        if (present[lists->sorted[i]]) {
            lists->expected[lists->expected_count++] = lists->sorted[i];
        }
    }
}

/* Inserts the rows in the order given and takes two thirds out again in another one. */
static void fill_and_drain(struct lists *lists, uint32_t *order)
{
    static bool present[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        insert(lists, order[i]);
        present[order[i]] = true;
    }
    expect_rows_with(lists, present);
    assert_list(lists);
    shuffle(lists, order, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        memory_list_remove(&lists->list, context_of(lists), order[i]);
        present[order[i]] = false;
        if (i % 1000 == 999) {
            expect_rows_with(lists, present);
            assert_list(lists);
        }
    }
    assert_int_equal(lists->list.count, 0);
}

static void test_any_order_of_arrival(void **state)
{
    struct lists *lists = *state;
    static uint32_t order[ROWS];
    lists->expected_count = 0;
    assert_list(lists);
    memcpy(order, lists->sorted, sizeof order);
    fill_and_drain(lists, order); /* newest last */
    for (size_t i = 0; i < ROWS; i++) {
        order[i] = lists->sorted[ROWS - 1 - i];
    }
    fill_and_drain(lists, order); /* newest first */
    shuffle(lists, order, ROWS);
    fill_and_drain(lists, order);
    /* Stretches in order, as batches of late activities come: each row near the one before it. */
    enum { STRETCHES = 40 };
    for (size_t i = 0; i < ROWS; i++) {
        size_t stretch = i / (ROWS / STRETCHES);
        order[i] = lists->sorted[i % (ROWS / STRETCHES) * STRETCHES + stretch];
    }
    fill_and_drain(lists, order);
}

/* A list from which nearly everything was taken is short again, not many runs of one row. */
static void test_drained_lists_are_small(void **state)
{
    struct lists *lists = *state;
    for (size_t i = 0; i < ROWS; i++) {
        insert(lists, lists->sorted[i]);
    }
    for (size_t i = 0; i < ROWS; i++) {
        if (i % 200 != 0) {
            memory_list_remove(&lists->list, context_of(lists), lists->sorted[i]);
        }
    }
    assert_int_equal(lists->list.count, ROWS / 200);
    assert_true(lists->list.run_count <= 2);
}

static void test_marked_rows_go_in_one_pass(void **state)
{
    struct lists *lists = *state;
    static bool present[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        insert(lists, (uint32_t)i);
        /* A stretch goes whole, so that runs become empty; of the rest every other row. */
        present[lists->sorted[i]] = i >= 2000 && i % 2 == 0;
    }
    for (uint32_t row = 0; row < ROWS; row++) {
        memory_rows_at(&lists->rows, row)->action = present[row] ? 0 : MEMORY_NONE;
    }
    memory_list_remove_marked(&lists->list, context_of(lists));
    expect_rows_with(lists, present);
    assert_list(lists);
    for (uint32_t row = 0; row < ROWS; row++) {
        memory_rows_at(&lists->rows, row)->action = MEMORY_NONE;
    }
    memory_list_remove_marked(&lists->list, context_of(lists));
    lists->expected_count = 0;
    assert_list(lists);
    insert(lists, 5);
    assert_int_equal(lists->list.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_any_order_of_arrival, setup, teardown),
        cmocka_unit_test_setup_teardown(test_drained_lists_are_small, setup, teardown),
        cmocka_unit_test_setup_teardown(test_marked_rows_go_in_one_pass, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
