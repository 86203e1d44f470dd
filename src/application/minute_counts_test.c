/* Guards that counts of a minute are those of that minute, and that an hour is kept. */
#include "application/minute_counts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

#define MINUTE_NS (UINT64_C(60) * 1000 * 1000 * 1000)

enum { FIRST_MINUTE = 29473915 };

struct bed {
    uint64_t now_ns;
    struct clock clock;
    struct minute_counts counts;
    struct minute_sums sums[MINUTES_KEPT];
};

static uint64_t now(void *context)
{
    return *(uint64_t *)context;
}

static void bed_init(struct bed *bed)
{
    bed->now_ns = FIRST_MINUTE * MINUTE_NS;
    bed->clock = (struct clock){now, now, &bed->now_ns};
    minute_counts_init(&bed->counts, &bed->clock);
}

static void add(struct bed *bed, uint64_t first, uint64_t second)
{
    minute_counts_add(&bed->counts, (const uint64_t[]){first, second}, 2);
}

static void test_minutes_are_apart(void **state)
{
    (void)state;
    struct bed bed;
    bed_init(&bed);
    assert_int_equal(minute_counts_take(&bed.counts, bed.sums), 0);
    add(&bed, 1, 10);
    bed.now_ns += MINUTE_NS - 1;
    add(&bed, 2, 20);
    bed.now_ns += 1;
    add(&bed, 4, 0);
    bed.now_ns += 3 * MINUTE_NS;
    add(&bed, 0, 0); /* makes no minute */
    bed.now_ns += 2 * MINUTE_NS;
    add(&bed, 0, 80);
    assert_int_equal(minute_counts_take(&bed.counts, bed.sums), 3);
    assert_int_equal(bed.sums[0].minute, FIRST_MINUTE);
    assert_int_equal(bed.sums[0].counts[0], 3);
    assert_int_equal(bed.sums[0].counts[1], 30);
    assert_int_equal(bed.sums[1].minute, FIRST_MINUTE + 1);
    assert_int_equal(bed.sums[1].counts[0], 4);
    assert_int_equal(bed.sums[1].counts[1], 0);
    assert_int_equal(bed.sums[2].minute, FIRST_MINUTE + 6);
    assert_int_equal(bed.sums[2].counts[1], 80);
    minute_counts_deinit(&bed.counts);
}

static void test_an_hour_is_kept(void **state)
{
    (void)state;
    struct bed bed;
    bed_init(&bed);
    for (uint64_t i = 0; i < 150; i++) {
        add(&bed, i, 1);
        bed.now_ns += MINUTE_NS;
    }
    assert_int_equal(minute_counts_take(&bed.counts, bed.sums), MINUTES_KEPT - 1);
    assert_int_equal(bed.sums[0].counts[0], 150 - MINUTES_KEPT + 1);
    assert_int_equal(bed.sums[MINUTES_KEPT - 2].counts[0], 149);
    bed.now_ns += 100 * MINUTE_NS;
    assert_int_equal(minute_counts_take(&bed.counts, bed.sums), 0);
    minute_counts_deinit(&bed.counts);
}

/* By an hour into the place of what is newer: it is counted there rather than lost. */
static void test_a_clock_that_steps_back(void **state)
{
    (void)state;
    struct bed bed;
    bed_init(&bed);
    add(&bed, 1, 0);
    bed.now_ns -= MINUTES_KEPT * MINUTE_NS;
    add(&bed, 2, 0);
    bed.now_ns += MINUTES_KEPT * MINUTE_NS;
    assert_int_equal(minute_counts_take(&bed.counts, bed.sums), 1);
    assert_int_equal(bed.sums[0].counts[0], 3);
    minute_counts_deinit(&bed.counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_minutes_are_apart),
        cmocka_unit_test(test_an_hour_is_kept),
        cmocka_unit_test(test_a_clock_that_steps_back),
    };
    return cmocka_run_group_tests_name("minute_counts", tests, NULL, NULL);
}
