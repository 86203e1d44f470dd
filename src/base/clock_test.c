/* Guards the units: a factor of a thousand would put every activity into another century. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
static uint64_t wall_ns(void *context)
{
    return *(uint64_t *)context;
}

static uint64_t monotonic_ns(void *context)
{
    return *(uint64_t *)context * 2;
}

static void test_milliseconds_of_nanoseconds(void **state)
{
    (void)state;
    uint64_t now_ns = UINT64_C(1768435085442999999);
    struct clock clock = {.wall_ns = wall_ns, .monotonic_ns = monotonic_ns, .context = &now_ns};
    assert_int_equal(clock_wall_ns(&clock), now_ns);
    assert_int_equal(clock_wall_ms(&clock), INT64_C(1768435085442));
    assert_int_equal(clock_monotonic_ns(&clock), now_ns * 2);
    assert_int_equal(clock_monotonic_ms(&clock), UINT64_C(3536870170885));
}

static void test_system_clock(void **state)
{
    (void)state;
    time_t before = time(NULL);
    int64_t wall_ms = clock_wall_ms(&clock_system);
    time_t after = time(NULL);
    assert_true(wall_ms / 1000 >= before - 1 && wall_ms / 1000 <= after + 1);
    uint64_t last_ns = clock_monotonic_ns(&clock_system);
    for (int i = 0; i < 10000; i++) {
        uint64_t now_ns = clock_monotonic_ns(&clock_system);
        assert_true(now_ns >= last_ns);
        last_ns = now_ns;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_milliseconds_of_nanoseconds),
        cmocka_unit_test(test_system_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
