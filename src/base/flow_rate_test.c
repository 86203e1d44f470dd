/* Guards what clients are told to wait: a rate follows what flows, forgets what was, and is not
 * known before something flowed. */
#include "base/clock.h"
#include "base/flow_rate.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uint64_t flow(struct flow_rate *rate, uint64_t from_ns, unsigned tenths, uint64_t units)
{
    for (unsigned i = 0; i < tenths; i++) {
        from_ns += NANOSECONDS_PER_SECOND / 10;
        flow_rate_add(rate, units, from_ns);
    }
    return from_ns;
}

static void follows_what_flows(void **state)
{
    (void)state;
    struct flow_rate rate;
    flow_rate_init(&rate, 7 * NANOSECONDS_PER_SECOND);
    uint64_t now_ns = flow(&rate, 7 * NANOSECONDS_PER_SECOND, 100, 50);
    assert_in_range(flow_rate_per_second(&rate, now_ns), 480, 520);
    assert_int_equal(flow_rate_seconds(&rate, 5000, now_ns), 5000 / 500 + 1);
    assert_int_equal(flow_rate_seconds(&rate, 0, now_ns), 1);
    now_ns = flow(&rate, now_ns, 50, 5);
    assert_in_range(flow_rate_per_second(&rate, now_ns), 48, 52); /* five seconds later */
}

static void forgets_what_was(void **state)
{
    (void)state;
    struct flow_rate rate;
    flow_rate_init(&rate, 0);
    uint64_t now_ns = flow(&rate, 0, 100, 100);
    uint64_t later = flow_rate_per_second(&rate, now_ns + 10 * NANOSECONDS_PER_SECOND);
    assert_in_range(later, 1, 400); /* nothing flowed meanwhile */
    assert_int_equal(flow_rate_per_second(&rate, now_ns + 100000 * NANOSECONDS_PER_SECOND), 0);
}

static void rare_bursts_are_no_rate(void **state)
{
    (void)state;
    struct flow_rate rate;
    flow_rate_init(&rate, 0);
    for (uint64_t minute = 1; minute < 10; minute++) {
        flow_rate_add(&rate, 6000, minute * 60 * NANOSECONDS_PER_SECOND);
        assert_in_range(flow_rate_per_second(&rate, minute * 60 * NANOSECONDS_PER_SECOND), 100,
                        100);
    }
}

static void is_not_known_at_the_beginning(void **state)
{
    (void)state;
    struct flow_rate rate;
    flow_rate_init(&rate, 3 * NANOSECONDS_PER_SECOND);
    assert_int_equal(flow_rate_seconds(&rate, 10, 3 * NANOSECONDS_PER_SECOND), 0);
    flow_rate_add(&rate, 1000000, 3 * NANOSECONDS_PER_SECOND + 1000);
    assert_int_equal(flow_rate_seconds(&rate, 10, 3 * NANOSECONDS_PER_SECOND + 1000), 0);
    assert_int_equal(flow_rate_seconds(&rate, UINT64_MAX, 9 * NANOSECONDS_PER_SECOND), UINT_MAX);
    assert_int_equal(flow_seconds(7, 0), 0);
    assert_int_equal(flow_seconds(7, 4), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_what_flows),
        cmocka_unit_test(forgets_what_was),
        cmocka_unit_test(rare_bursts_are_no_rate),
        cmocka_unit_test(is_not_known_at_the_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
