#include "base/macros.h"
#include "base/random.h"
#include "infrastructure/activity_store_local/merge.h"
#include "infrastructure/activity_store_local/merge_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static const struct merge_limits limits = {.rows_max = 2000, .parts_min = 4};

static void test_neighbours_of_like_size_are_merged(void **state)
{
    (void)state;
    const struct merge_candidate parts[] = {{900, 0}, {10, 0}, {10, 0}, {10, 0}, {10, 0}};
    struct merge_range range;
    assert_false(merge_plan(parts, 4, &limits, &range));
    assert_true(merge_plan(parts, 5, &limits, &range));
    assert_int_equal(range.begin, 1);
    assert_int_equal(range.count, 4);
}

static void test_nothing_to_do(void **state)
{
    (void)state;
    struct merge_range range;
    const struct merge_candidate large[] = {{1500, 0}, {1500, 0}, {1500, 0}, {1500, 0}, {1500, 0}};
    assert_false(merge_plan(large, ARRAY_LENGTH(large), &limits, &range));
    assert_false(merge_plan(NULL, 0, &limits, &range));
}

/* A part of which much is hidden is written anew; one row among many is not worth it. */
static void test_hidden_rows_are_left_behind(void **state)
{
    (void)state;
    struct merge_range range;
    const struct merge_candidate parts[] = {{1000, 1}, {700, 100}};
    assert_false(merge_plan(parts, 1, &limits, &range));
    assert_true(merge_plan(parts, 2, &limits, &range));
    assert_int_equal(range.begin, 1);
    assert_int_equal(range.count, 1);
    assert_true(merge_plan(&(struct merge_candidate){0, 5}, 1, &limits, &range));
}

/* What a store does over its life: heads of one size come, and whatever the plan says is done. */
static void test_parts_stay_few_and_rows_are_written_seldom(void **state)
{
    (void)state;
    static struct merge_candidate parts[4096];
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 7);
    const struct merge_limits large = {.rows_max = 100000, .parts_min = 4};
    size_t count = 0;
    uint64_t written = 0;
    uint64_t rows = 0;
    for (int head = 0; head < 4000; head++) {
        struct merge_range range;
        parts[count] = (struct merge_candidate){.rows = 50 + random_below(&random, 100)};
        rows += parts[count++].rows;
        while (merge_plan(parts, count, &large, &range)) {
            struct merge_candidate merged = {0};
            assert_true(range.count >= 2 && range.count <= MERGE_PARTS_MAX);
            for (size_t i = 0; i < range.count; i++) {
                merged.rows += parts[range.begin + i].rows;
            }
            assert_true(merged.rows <= 100000);
            parts[range.begin] = merged;
            size_t behind = count - range.begin - range.count;
            memmove(&parts[range.begin + 1], &parts[range.begin + range.count],
                    behind * sizeof parts[0]);
            count -= range.count - 1;
            written += merged.rows;
        }
    }
    assert_true(count < 30);
    assert_true(written < 6 * rows); /* four times as large in each step: log4(1000) are 5 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_neighbours_of_like_size_are_merged),
        cmocka_unit_test(test_nothing_to_do),
        cmocka_unit_test(test_hidden_rows_are_left_behind),
        cmocka_unit_test(test_parts_stay_few_and_rows_are_written_seldom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
