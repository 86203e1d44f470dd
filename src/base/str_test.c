/* Guards slices at their edges: absent, empty, with NUL, and numbers at their limits. */
#include "base/str.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
static const struct str absent = {0};

static void test_equal(void **state)
{
    (void)state;
    assert_true(str_equal(STR("a\0b"), STR("a\0b")));
    assert_false(str_equal(STR("a\0b"), STR("a\0c")));
    assert_false(str_equal(STR("a"), STR("ab")));
    assert_true(str_equal(absent, STR("")));
    assert_true(str_equal_ignoring_case(STR("Content-TYPE"), STR("content-type")));
    assert_false(str_equal_ignoring_case(STR("a"), STR("ab")));
    /* Only letters have a case: these differ in the same bit. */
    assert_false(str_equal_ignoring_case(STR("@[`{"), STR("`{@[")));
    assert_false(str_equal_ignoring_case(STR("\xc4"), STR("\xe4")));
}

static void test_compare(void **state)
{
    (void)state;
    assert_true(str_compare(STR("a"), STR("b")) < 0);
    assert_true(str_compare(STR("a"), STR("ab")) < 0);
    assert_true(str_compare(STR("b"), STR("ab")) > 0);
    assert_true(str_compare(STR("\xff"), STR("a")) > 0);
    assert_int_equal(str_compare(STR("ab"), STR("ab")), 0);
    assert_int_equal(str_compare(absent, STR("")), 0);
    assert_true(str_compare(absent, STR("a")) < 0);
}

static void test_starts_with(void **state)
{
    (void)state;
    assert_true(str_starts_with(STR("abc"), STR("ab")));
    assert_true(str_starts_with(STR("abc"), STR("abc")));
    assert_true(str_starts_with(STR("abc"), STR("")));
    assert_false(str_starts_with(STR("ab"), STR("abc")));
    assert_false(str_starts_with(STR("abc"), STR("b")));
    assert_true(str_starts_with(absent, STR("")));
    assert_true(str_starts_with(STR("a"), absent));
}

static void test_trim(void **state)
{
    (void)state;
    assert_true(str_equal(str_trim(STR(" \t a b\t ")), STR("a b")));
    assert_true(str_equal(str_trim(STR(" \t ")), STR("")));
    assert_true(str_equal(str_trim(STR("\r\na\n")), STR("\r\na\n")));
    assert_int_equal(str_trim(absent).len, 0);
}

static void test_split(void **state)
{
    (void)state;
    struct str rest = STR("a,,b,");
    assert_true(str_equal(str_split(&rest, ','), STR("a")));
    assert_true(str_equal(str_split(&rest, ','), STR("")));
    assert_true(str_equal(str_split(&rest, ','), STR("b")));
    /* An empty last part is not the end. */
    assert_non_null(rest.data);
    assert_int_equal(rest.len, 0);
    assert_true(str_equal(str_split(&rest, ','), STR("")));
    assert_null(rest.data);
    rest = STR("whole");
    assert_true(str_equal(str_split(&rest, ','), STR("whole")));
    assert_null(rest.data);
}

static void test_parse_u64(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned long long max;
        bool fine;
        unsigned long long value;
    } cases[] = {
        {"0", 0, true, 0},
        {"1", 0, false, 0},
        {"007", 7, true, 7},
        {"9", 8, false, 0},
        {"10", 10, true, 10},
        {"11", 10, false, 0},
        {"100", 99, false, 0},
        {"18446744073709551615", ULLONG_MAX, true, ULLONG_MAX},
        {"18446744073709551616", ULLONG_MAX, false, 0},
        {"18446744073709551620", ULLONG_MAX, false, 0},
        {"99999999999999999999", ULLONG_MAX, false, 0},
        {"000000000000000000000000000001", 5, true, 1},
        {"", 5, false, 0},
        {"-1", 5, false, 0},
        {"+1", 5, false, 0},
        {" 1", 5, false, 0},
        {"1 ", 5, false, 0},
        {"1.0", 5, false, 0},
        {"0x1", 5, false, 0},
        {"1e0", 5, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned long long value = 4711;
        bool fine = str_parse_u64(str_from(cases[i].text), cases[i].max, &value);
        if (fine != cases[i].fine || value != (fine ? cases[i].value : 4711)) {
            fail_msg("\"%s\" of at most %llu gave %d and %llu", cases[i].text, cases[i].max, fine,
                     value);
        }
    }
    unsigned long long value = 4711;
    assert_false(str_parse_u64(STR("1\0"), 100, &value));
    assert_false(str_parse_u64(absent, 100, &value));
    assert_int_equal(value, 4711);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),       cmocka_unit_test(test_compare),
        cmocka_unit_test(test_starts_with), cmocka_unit_test(test_trim),
        cmocka_unit_test(test_split),       cmocka_unit_test(test_parse_u64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
