/* Guards how groups are named, where hours and days begin, and in which order groups come. */
#include "domain/activity_tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  INT64_C(86400000)

static void test_names_lead_back(void **state)
{
    (void)state;
    enum activity_grouping found = GROUPING_COUNT;
    for (int i = 0; i < GROUPING_COUNT; i++) {
        const char *name = activity_grouping_name((enum activity_grouping)i);
        assert_true(activity_grouping_parse(str_from(name), &found));
        assert_int_equal(found, i);
    }
    assert_false(activity_grouping_parse(STR(""), &found));
    assert_false(activity_grouping_parse(STR("Hour"), &found));
    assert_false(activity_grouping_parse(STR("hours"), &found));
    assert_int_equal(found, GROUPING_COUNT - 1);
}

static void test_hours_and_days_begin_below(void **state)
{
    (void)state;
    static const int64_t hours[] = {0, 1, 23, 24, 490000, -1, -24, -25};
    for (size_t i = 0; i < sizeof hours / sizeof hours[0]; i++) {
        int64_t start_ms = hours[i] * HOUR_MS;
        assert_int_equal(activity_interval_start_ms(HOUR_MS, start_ms), start_ms);
        assert_int_equal(activity_interval_start_ms(HOUR_MS, start_ms + HOUR_MS - 1), start_ms);
        assert_int_equal(activity_interval_start_ms(HOUR_MS, start_ms - 1), start_ms - HOUR_MS);
    }
    assert_int_equal(activity_interval_start_ms(DAY_MS, DAY_MS - 1), 0);
    assert_int_equal(activity_interval_start_ms(DAY_MS, DAY_MS), DAY_MS);
    assert_int_equal(activity_interval_start_ms(DAY_MS, -1), -DAY_MS);
    assert_int_equal(activity_interval_start_ms(DAY_MS, -DAY_MS), -DAY_MS);
}

static void test_groupings_have_their_interval(void **state)
{
    (void)state;
    static const int64_t intervals[GROUPING_COUNT] = {[GROUP_BY_HOUR] = HOUR_MS,
                                                      [GROUP_BY_DAY] = DAY_MS,
                                                      [GROUP_BY_MINUTE] = 60000,
                                                      [GROUP_BY_TIME] = 7};
    for (int i = 0; i < GROUPING_COUNT; i++) {
        const struct activity_tally_request request = {.grouping = (enum activity_grouping)i,
                                                       .interval_ms = 7};
        assert_int_equal(activity_grouping_is_by_time(request.grouping), intervals[i] > 0);
        if (intervals[i] > 0) {
            assert_int_equal(activity_tally_interval_ms(&request), intervals[i]);
        }
    }
    assert_int_equal(activity_interval_start_ms(7, 20), 14);
    assert_int_equal(activity_interval_start_ms(7, -20), -21);
}

static void test_names_come_by_count_and_times_by_time(void **state)
{
    (void)state;
    const struct activity_group names[] = {{.name = STR("z"), .count = 3},
                                           {.name = STR("A"), .count = 2},
                                           {.name = STR("a"), .count = 2},
                                           {.name = STR("aa"), .count = 2},
                                           {.name = STR("\xc3\xa9"), .count = 2}};
    for (size_t i = 0; i + 1 < sizeof names / sizeof names[0]; i++) {
        assert_true(activity_group_comes_first(&names[i], &names[i + 1]));
        assert_false(activity_group_comes_first(&names[i + 1], &names[i]));
    }
    const struct activity_group early = {.start_ms = -HOUR_MS, .count = 1};
    const struct activity_group late = {.start_ms = 0, .count = 9};
    assert_true(activity_group_comes_first(&early, &late));
    assert_false(activity_group_comes_first(&late, &early));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_lead_back),
        cmocka_unit_test(test_hours_and_days_begin_below),
        cmocka_unit_test(test_groupings_have_their_interval),
        cmocka_unit_test(test_names_come_by_count_and_times_by_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
