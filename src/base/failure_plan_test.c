/* Guards that planned failures hit exactly the calls that the plan names: whole tests of what
 * stands in front of an adapter lean on that. */
#include "base/failure_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { A_CALL, ANOTHER_CALL };

static void hits_the_calls_of_the_plan(void **state)
{
    (void)state;
    static const struct planned_failure failures[] = {
        {.call = A_CALL, .skip = 1, .times = 2, .status = STATUS_NO_SPACE},
        {.call = A_CALL, .skip = 2, .times = 2, .status = STATUS_CORRUPT},
        {.call = ANOTHER_CALL, .times = UINT64_MAX, .status = STATUS_BUSY},
    };
    static const enum status expected[] = {STATUS_OK, STATUS_NO_SPACE, STATUS_NO_SPACE,
                                           STATUS_CORRUPT, STATUS_OK};
    struct failure_plan plan;
    failure_plan_init(&plan);
    assert_int_equal(failure_plan_count_call(&plan, A_CALL), STATUS_OK);
    failure_plan_set(&plan, failures, ARRAY_LENGTH(failures));
    for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
        assert_int_equal(failure_plan_count_call(&plan, ANOTHER_CALL), STATUS_BUSY);
        assert_int_equal(failure_plan_count_call(&plan, A_CALL), expected[i]);
    }
    failure_plan_deinit(&plan);
}

static void another_plan_counts_anew(void **state)
{
    (void)state;
    static const struct planned_failure failure = {
        .call = A_CALL, .skip = 1, .times = 1, .status = STATUS_BUSY};
    struct failure_plan plan;
    failure_plan_init(&plan);
    for (int i = 0; i < 3; i++) {
        failure_plan_set(&plan, &failure, 1);
        assert_int_equal(failure_plan_count_call(&plan, A_CALL), STATUS_OK);
        assert_int_equal(failure_plan_count_call(&plan, A_CALL), STATUS_BUSY);
    }
    failure_plan_set(&plan, &failure, 1);
    assert_int_equal(failure_plan_count_call(&plan, A_CALL), STATUS_OK);
    failure_plan_set(&plan, NULL, 0);
    assert_int_equal(failure_plan_count_call(&plan, A_CALL), STATUS_OK);
    failure_plan_deinit(&plan);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(hits_the_calls_of_the_plan),
        cmocka_unit_test(another_plan_counts_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
