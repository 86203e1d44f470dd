/* Guards the pauses between attempts: they grow, stay within their bounds and differ. */
#include "base/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void grows_to_its_maximum_and_not_beyond(void **state)
{
    (void)state;
    for (unsigned failures = 0; failures < 100; failures++) {
        unsigned ceiling = failures < 7 ? 50u << failures : 5000;
        ceiling = ceiling > 5000 ? 5000 : ceiling;
        for (int i = 0; i < 20; i++) {
            assert_in_range(backoff_ms(&random_system, 50, 5000, failures), ceiling / 2, ceiling);
        }
    }
}

static void two_who_failed_together_do_not_come_back_together(void **state)
{
    (void)state;
    unsigned same = 0;
    for (int i = 0; i < 100; i++) {
        unsigned one = backoff_ms(&random_system, 50, 5000, 20);
        unsigned other = backoff_ms(&random_system, 50, 5000, 20);
        same += one == other;
    }
    assert_in_range(same, 0, 20);
}

static void takes_a_minimum_of_nothing(void **state)
{
    (void)state;
    assert_int_equal(backoff_ms(&random_system, 0, 100, 50), 0);
    assert_in_range(backoff_ms(&random_system, 100, 10, 0), 5, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_to_its_maximum_and_not_beyond),
        cmocka_unit_test(two_who_failed_together_do_not_come_back_together),
        cmocka_unit_test(takes_a_minimum_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
