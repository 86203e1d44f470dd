/* Guards the calendar: a time read wrong puts an activity where nobody finds it. */
#include "base/macros.h"
#include "base/random.h"
#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
static int64_t parse(const char *text)
{
    int64_t timestamp_ms = -1;
    if (!timestamp_parse(str_from(text), &timestamp_ms)) {
        fail_msg("\"%s\" was refused", text);
    }
    return timestamp_ms;
}

static void assert_refused(const char *text)
{
    int64_t timestamp_ms = 4711;
    if (timestamp_parse(str_from(text), &timestamp_ms) || timestamp_ms != 4711) {
        fail_msg("\"%s\" was read as %lld", text, (long long)timestamp_ms);
    }
}

static void test_known_times(void **state)
{
    (void)state;
    assert_int_equal(parse("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(parse("1970-01-01T00:00:00.001Z"), 1);
    assert_int_equal(parse("2000-02-29T12:00:00Z"), INT64_C(951825600000));
    assert_int_equal(parse("2024-01-15T10:00:00Z"), INT64_C(1705312800000));
    assert_int_equal(parse("2026-01-14T23:58:05.442Z"), INT64_C(1768435085442));
    assert_int_equal(parse("9999-12-31T23:59:59.999Z"), TIMESTAMP_MS_MAX);
    assert_int_equal(parse("2024-01-15t10:00:00z"), INT64_C(1705312800000));
}

/* The C library's calendar is the other opinion. */
static int64_t timegm_ms(int year, int month, int day)
{
    struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    return (int64_t)timegm(&tm) * 1000;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Every month's end, and the day behind it, in every kind of year. */
static void test_month_ends(void **state)
{
    (void)state;
    static const int years[] = {1970, 1972, 1999, 2000, 2001, 2004, 2023, 2024, 2100, 2400, 9999};
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (size_t i = 0; i < ARRAY_LENGTH(years); i++) {
        for (int month = 1; month <= 12; month++) {
            char text[64];
            int last = days[month - 1] + (month == 2 && is_leap(years[i]) ? 1 : 0);
            snprintf(text, sizeof text, "%04d-%02d-%02dT00:00:00Z", years[i], month, last);
            assert_int_equal(parse(text), timegm_ms(years[i], month, last));
            snprintf(text, sizeof text, "%04d-%02d-01T00:00:00Z", years[i], month);
            assert_int_equal(parse(text), timegm_ms(years[i], month, 1));
            snprintf(text, sizeof text, "%04d-%02d-%02dT00:00:00Z", years[i], month, last + 1);
            assert_refused(text);
        }
    }
}

static void test_offsets(void **state)
{
    (void)state;
    assert_int_equal(parse("1970-01-01T05:30:00+05:30"), 0);
    assert_int_equal(parse("1969-12-31T19:00:00-05:00"), 0);
    assert_int_equal(parse("2024-03-01T00:30:00+01:00"), parse("2024-02-29T23:30:00Z"));
    assert_int_equal(parse("2023-12-31T23:30:00-01:00"), parse("2024-01-01T00:30:00Z"));
    assert_int_equal(parse("2024-01-01T00:15:00+23:59"), parse("2023-12-31T00:16:00Z"));
    assert_int_equal(parse("2024-01-15T10:00:00-00:00"), parse("2024-01-15T10:00:00Z"));
    assert_refused("2024-01-15T10:00:00+24:00");
    assert_refused("2024-01-15T10:00:00+05:60");
    assert_refused("2024-01-15T10:00:00+0530");
    assert_refused("2024-01-15T10:00:00+05");
    assert_refused("2024-01-15T10:00:00");
    assert_refused("2024-01-15T10:00:00 Z");
}

/* The offset decides, not the year that is written. */
static void test_limits(void **state)
{
    (void)state;
    assert_refused("1969-12-31T23:59:59.999Z");
    assert_refused("1970-01-01T00:00:00+00:01");
    assert_refused("0000-01-01T00:00:00Z");
    assert_refused("10000-01-01T00:00:00Z");
    assert_refused("9999-12-31T23:59:59.999-00:01");
    assert_refused("9999-12-31T23:59:60Z");
    assert_int_equal(parse("9999-12-31T23:59:59.999+00:00"), TIMESTAMP_MS_MAX);
}

static void test_fractions(void **state)
{
    (void)state;
    int64_t second = parse("2024-01-15T10:00:00Z");
    assert_int_equal(parse("2024-01-15T10:00:00.1Z"), second + 100);
    assert_int_equal(parse("2024-01-15T10:00:00.12Z"), second + 120);
    assert_int_equal(parse("2024-01-15T10:00:00.123Z"), second + 123);
    assert_int_equal(parse("2024-01-15T10:00:00.1239Z"), second + 123);
    assert_int_equal(parse("2024-01-15T10:00:00.999999999999999999999Z"), second + 999);
    assert_int_equal(parse("2024-01-15T10:00:00.000Z"), second);
    assert_refused("2024-01-15T10:00:00.Z");
    assert_refused("2024-01-15T10:00:00,5Z");
    assert_refused("2024-01-15T10:00:00.5.5Z");
}

static void test_leap_seconds(void **state)
{
    (void)state;
    assert_int_equal(parse("2016-12-31T23:59:60Z"), parse("2017-01-01T00:00:00Z"));
    assert_refused("2016-12-31T23:59:61Z");
}

static void test_malformed(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "2024",
        "2024-01-15",
        "2024-01-15 10:00:00Z",
        "2024-1-15T10:00:00Z",
        "24-01-15T10:00:00Z",
        "2024-13-15T10:00:00Z",
        "2024-00-15T10:00:00Z",
        "2024-01-00T10:00:00Z",
        "2024-01-15T24:00:00Z",
        "2024-01-15T10:60:00Z",
        "2024-01-15T10:00Z",
        "2024-01-15T1:00:00Z",
        "2024-01-15T10:00:00ZZ",
        "2024-01-15T10:00:00Z ",
        " 2024-01-15T10:00:00Z",
        "2024-01-15T10:00:-1Z",
        "+024-01-15T10:00:00Z",
        "2024/01/15T10:00:00Z",
        "20240115T100000Z",
        "1705312800000",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        assert_refused(texts[i]);
    }
    /* Every cut of a good one is bad, and so is a NUL behind it. */
    static const char good[] = "2024-01-15T10:00:00.25+05:30";
    for (size_t len = 0; len < sizeof good - 1; len++) {
        int64_t timestamp_ms;
        assert_false(timestamp_parse((struct str){.data = good, .len = len}, &timestamp_ms));
    }
    int64_t timestamp_ms;
    assert_true(timestamp_parse((struct str){.data = good, .len = sizeof good - 1}, &timestamp_ms));
    assert_false(timestamp_parse((struct str){.data = good, .len = sizeof good}, &timestamp_ms));
}

static void assert_round_trip(int64_t timestamp_ms)
{
    char text[TIMESTAMP_TEXT_BYTES + 1] = {0};
    char expected[64];
    char date[32];
    time_t seconds = (time_t)(timestamp_ms / 1000);
    struct tm tm;
    timestamp_format(timestamp_ms, text);
    assert_int_equal(strlen(text), TIMESTAMP_TEXT_BYTES);
    assert_non_null(gmtime_r(&seconds, &tm));
    assert_true(strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm) > 0);
    snprintf(expected, sizeof expected, "%s.%03dZ", date, (int)(timestamp_ms % 1000));
    assert_string_equal(text, expected);
    assert_int_equal(parse(text), timestamp_ms);
}

static void test_round_trips(void **state)
{
    (void)state;
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 5);
    for (int i = 0; i < 50000; i++) {
        assert_round_trip((int64_t)random_below(&random, (uint64_t)TIMESTAMP_MS_MAX + 1));
    }
    for (int64_t day = 0; day < 366 * 140; day++) {
        assert_round_trip(day * 86400000);
    }
    assert_round_trip(TIMESTAMP_MS_MIN);
    assert_round_trip(TIMESTAMP_MS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_times), cmocka_unit_test(test_month_ends),
        cmocka_unit_test(test_offsets),     cmocka_unit_test(test_limits),
        cmocka_unit_test(test_fractions),   cmocka_unit_test(test_leap_seconds),
        cmocka_unit_test(test_malformed),   cmocka_unit_test(test_round_trips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
