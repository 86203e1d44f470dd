/* Guards that what was handed over of one log is not taken for another's, and that a log that could
 * not be added leaves the others as they were. */
#include "domain/coverage.h"

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

static struct uuid log_number(unsigned number)
{
    struct uuid log_id = {.bytes = {(uint8_t)number, (uint8_t)(number >> 8)}};
    return log_id;
}

static void cover(struct coverage *coverage, unsigned log, int32_t partition, int64_t offset)
{
    struct position_set *positions = NULL;
    struct position position = {.partition = partition, .offset = offset};
    assert_int_equal(coverage_of(coverage, log_number(log), &positions), STATUS_OK);
    assert_int_equal(position_set_raise(positions, position), STATUS_OK);
}

static int64_t covered(const struct coverage *coverage, unsigned log, int32_t partition)
{
    const struct position_set *positions = coverage_find(coverage, log_number(log));
    assert_non_null(positions);
    return position_set_get(positions, partition);
}

static void test_logs_are_kept_apart(void **state)
{
    (void)state;
    struct coverage coverage;
    coverage_init(&coverage);
    assert_null(coverage_find(&coverage, log_number(1)));
    cover(&coverage, 1, 0, 10);
    cover(&coverage, 2, 0, 20);
    cover(&coverage, 1, 3, 30);
    assert_int_equal(coverage.count, 2);
    assert_int_equal(covered(&coverage, 1, 0), 10);
    assert_int_equal(covered(&coverage, 1, 3), 30);
    assert_int_equal(covered(&coverage, 2, 0), 20);
    assert_int_equal(covered(&coverage, 2, 3), 0);
    assert_null(coverage_find(&coverage, log_number(3)));
    coverage_deinit(&coverage);
    coverage_deinit(&coverage);
    assert_null(coverage_find(&coverage, log_number(1)));
}

/* Raising never lowers, adds what is new and leaves the source alone. */
static void test_raise_all(void **state)
{
    (void)state;
    struct coverage coverage;
    struct coverage from;
    coverage_init(&coverage);
    coverage_init(&from);
    cover(&coverage, 1, 0, 10);
    cover(&coverage, 2, 0, 10);
    cover(&from, 3, 1, 7);
    cover(&from, 2, 0, 20);
    cover(&from, 1, 0, 5);
    assert_int_equal(coverage_raise_all(&coverage, &from), STATUS_OK);
    assert_int_equal(covered(&coverage, 1, 0), 10);
    assert_int_equal(covered(&coverage, 2, 0), 20);
    assert_int_equal(covered(&coverage, 3, 1), 7);
    assert_int_equal(covered(&from, 1, 0), 5);
    coverage_deinit(&coverage);
    coverage_deinit(&from);
}

static void test_without_memory_the_known_logs_stay(void **state)
{
    (void)state;
    struct coverage coverage;
    struct coverage from;
    struct position_set *positions = NULL;
    coverage_init(&coverage);
    coverage_init(&from);
    cover(&coverage, 1, 0, 10);
    cover(&from, 2, 0, 20);
    realloc_fails = true;
    assert_int_equal(coverage_of(&coverage, log_number(2), &positions), STATUS_NO_MEMORY);
    assert_null(positions);
    assert_int_equal(coverage_raise_all(&coverage, &from), STATUS_NO_MEMORY);
    cover(&coverage, 1, 0, 11); /* what is known needs no memory */
    realloc_fails = false;
    assert_int_equal(coverage.count, 1);
    assert_int_equal(covered(&coverage, 1, 0), 11);
    coverage_deinit(&coverage);
    coverage_deinit(&from);
}

static void test_maximum_of_logs(void **state)
{
    (void)state;
    struct coverage coverage;
    struct position_set *positions = NULL;
    coverage_init(&coverage);
    for (unsigned log = 0; log < COVERAGE_LOGS_MAX; log++) {
        cover(&coverage, log, 0, 1);
    }
    assert_int_equal(coverage_of(&coverage, log_number(COVERAGE_LOGS_MAX), &positions),
                     STATUS_TOO_LARGE);
    assert_null(positions);
    cover(&coverage, COVERAGE_LOGS_MAX - 1, 0, 2);
    assert_int_equal(coverage.count, COVERAGE_LOGS_MAX);
    coverage_deinit(&coverage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logs_are_kept_apart),
        cmocka_unit_test(test_raise_all),
        cmocka_unit_test(test_without_memory_the_known_logs_stay),
        cmocka_unit_test(test_maximum_of_logs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
