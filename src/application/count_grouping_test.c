/* Guards how people name what is counted by: what is understood, and that nothing else is. */
#include "application/count_grouping.h"
#include "base/macros.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct count_grouping none(void)
{
    return (struct count_grouping){.kind = GROUPING_COUNT};
}

static void each_grouping_is_read(void **state)
{
    (void)state;
    static const char *const names[GROUPING_COUNT] = {"action", "user", "hour",        "day",
                                                      "minute", "time", "metadata.a.b"};
    for (int i = 0; i < GROUPING_COUNT; i++) {
        struct count_grouping grouping = none();
        assert_int_equal(count_grouping_read(str_from(names[i]), &grouping, NULL), STATUS_OK);
        assert_int_equal(grouping.kind, i);
        assert_true(str_equal(grouping.text, str_from(names[i])));
        assert_int_equal(grouping.path.member_count, i == GROUP_BY_METADATA ? 2 : 0);
    }
}

static void no_other_grouping_is_read(void **state)
{
    (void)state;
    static const char *const texts[] = {"",     "Hour", "week",  "metadata", "actions",  "userId",
                                        "$sum", "by",   " hour", "hour ",    "metadatax"};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct count_grouping grouping = none();
        struct error err;
        assert_int_equal(count_grouping_read(str_from(texts[i]), &grouping, &err), STATUS_INVALID);
        assert_string_equal(err.message, "by must be " COUNT_GROUPINGS);
    }
    static const char *const paths[] = {"metadata.",       "metadata..a",   "metadata.$where",
                                        "metadata.a[$ne]", "metadata.a.$b", "metadata.a\\x"};
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        struct count_grouping grouping = none();
        struct error err;
        assert_int_equal(count_grouping_read(str_from(paths[i]), &grouping, &err), STATUS_INVALID);
        assert_non_null(strstr(err.message, "metadata."));
    }
}

static void intervals_have_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t interval_ms;
    } cases[] = {{"1s", 1000},       {"90s", 90000},    {"15m", 900000},
                 {"6h", 21600000},   {"7d", 604800000}, {"365000d", INT64_C(31536000000000)},
                 {"007d", 604800000}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct count_grouping grouping = none();
        assert_int_equal(count_grouping_read_interval(str_from(cases[i].text), &grouping, NULL),
                         STATUS_OK);
        assert_int_equal(grouping.interval_ms, cases[i].interval_ms);
    }
    static const char *const wrong[] = {"",
                                        "s",
                                        "0s",
                                        "15",
                                        "-1m",
                                        "1.5h",
                                        "1w",
                                        "1ms",
                                        "15 m",
                                        "365001d",
                                        "9999999999999999999999s",
                                        "+1m",
                                        "1M"};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        struct count_grouping grouping = none();
        struct error err;
        assert_int_equal(count_grouping_read_interval(str_from(wrong[i]), &grouping, &err),
                         STATUS_INVALID);
        assert_non_null(strstr(err.message, "interval must be"));
        assert_int_equal(grouping.interval_ms, 0);
    }
}

static void an_interval_goes_with_time_alone(void **state)
{
    (void)state;
    struct error err;
    struct count_grouping grouping = none();
    assert_int_equal(count_grouping_check(&grouping, &err), STATUS_INVALID);
    grouping.kind = GROUP_BY_TIME;
    assert_int_equal(count_grouping_check(&grouping, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "needs an interval"));
    grouping.interval_ms = 1;
    assert_int_equal(count_grouping_check(&grouping, NULL), STATUS_OK);
    grouping.kind = GROUP_BY_HOUR;
    assert_int_equal(count_grouping_check(&grouping, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "by=time only"));
    grouping.interval_ms = 0;
    assert_int_equal(count_grouping_check(&grouping, NULL), STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_grouping_is_read),
        cmocka_unit_test(no_other_grouping_is_read),
        cmocka_unit_test(intervals_have_units),
        cmocka_unit_test(an_interval_goes_with_time_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
