/* Guards that numbers are compared by value without losing a digit, and that no exponent can hold
 * a comparison up. */
#include "base/json_number.h"
#include "base/macros.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static struct json_number number_of(const char *text)
{
    struct json_number number;
    if (!json_number_read(str_from(text), &number)) {
        fail_msg("%s is no number", text);
    }
    return number;
}

static void expect(const char *a, const char *b, bool equal)
{
    struct json_number first = number_of(a);
    struct json_number second = number_of(b);
    if (json_number_equal(&first, &second) != equal ||
        json_number_equal(&second, &first) != equal) {
        fail_msg("%s and %s: expected %s", a, b, equal ? "equal" : "different");
    }
}

static void test_grammar(void **state)
{
    (void)state;
    static const char *const numbers[] = {"0",   "-0",    "7",      "10",    "-12.50", "0.0",
                                          "1e5", "1E+05", "1.5e-0", "0e999", "-1.0E-9"};
    static const char *const others[] = {
        "",   "-",  "+1",   "01",  "-01", "1.", ".5",    "1e",    "1e+",   "0x1", " 1",
        "1 ", "1,", "1.e1", "--1", "NaN", "e1", "1e1.0", "1.2.3", "1e1e1", "00",  "Infinity"};
    struct json_number number;
    for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
        number_of(numbers[i]);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        if (json_number_read(str_from(others[i]), &number)) {
            fail_msg("\"%s\" was taken for a number", others[i]);
        }
    }
    assert_false(json_number_read(STR("1\0"), &number));
    assert_false(json_number_read((struct str){0}, &number));
}

/* In each row all are equal, and none to any of another row. */
static void test_values(void **state)
{
    (void)state;
    enum { SPELLINGS_MAX = 8 };
    static const char *const rows[][SPELLINGS_MAX] = {
        {"0", "-0", "0.0", "-0.000", "0e5", "0E-99999999999999999999999"},
        {"1", "1.0", "10e-1", "0.1e1", "1E0", "1e-0", "0.001e+3", "1.000e00000000000000000000000"},
        {"-1", "-1.0", "-0.1E1"},
        {"100", "1e2", "1E+02", "100.00", "0.1e3", "10.0e1"},
        {"101", "1.01e2", "1010e-1"},
        {"11", "1.1e1"},
        {"0.1", "1e-1", "0.10", "100e-3"},
        {"0.01", "1e-2", "0.010"},
        {"1.01", "101e-2", "0.101e1"},
        {"12345678901234567890", "12345678901234567890.0", "1.2345678901234567890e19"},
        {"12345678901234567891", "1234567890123456789.1e1"},
        {"12345678901234567892"},
        {"9007199254740993", "9.007199254740993e15"},
        {"9007199254740992"},
        {"1e400", "10e399", "0.1e401"},
        {"1e401"},
        {"1e-400", "0.1e-399"},
        {"1e999999999999999999", "1E+000999999999999999999"},
        {"1e-999999999999999999"},
        {"0.1e999999999999999999", "10e999999999999999997"},
    };
    for (size_t a = 0; a < ARRAY_LENGTH(rows); a++) {
        for (size_t b = 0; b < ARRAY_LENGTH(rows); b++) {
            for (size_t i = 0; i < SPELLINGS_MAX && rows[a][i] != NULL; i++) {
                for (size_t j = 0; j < SPELLINGS_MAX && rows[b][j] != NULL; j++) {
                    expect(rows[a][i], rows[b][j], a == b);
                }
            }
        }
    }
}

/* Beyond 18 digits an exponent is not reckoned with; it must be told from its neighbours all the
 * same, and from what a cut one would be. */
static void test_exponents_beyond(void **state)
{
    (void)state;
    expect("1e1000000000000000000", "1e1000000000000000000", true);
    expect("1e1000000000000000000", "1e1000000000000000001", false);
    expect("1e1000000000000000000", "10e999999999999999999", false);
    expect("1e18446744073709551616", "1", false);
    expect("1e18446744073709551617", "10", false);
    expect("1e-9223372036854775809", "1e9223372036854775807", false);
}

static void test_long_texts(void **state)
{
    (void)state;
    enum { LEN = 64 * 1024 };
    static char nines[LEN + 1];
    static char shifted[LEN + 16];
    memset(nines, '9', LEN);
    /* One digit to the left of the point, as many as there are behind it. */
    shifted[0] = '9';
    shifted[1] = '.';
    memset(shifted + 2, '9', LEN - 1);
    snprintf(shifted + 1 + LEN, 15, "e%d", LEN - 1);
    expect(nines, shifted, true);
    shifted[LEN] = '8';
    expect(nines, shifted, false);
    nines[0] = '1';
    memset(nines + 1, '0', LEN - 1);
    expect(nines, "1e65535", true);
    expect(nines, "1e65536", false);
    memset(shifted, '0', LEN + 8);
    shifted[1] = '.';
    shifted[LEN] = '1';
    shifted[LEN + 1] = '\0';
    expect(shifted, "1e-65535", true);
    expect(shifted, "1e-65534", false);
}

static void expect_text(const char *spelling, const char *text)
{
    struct json_number number;
    struct json_number again;
    struct buffer out;
    buffer_init(&out, 256 * 1024);
    assert_true(json_number_read(str_from(spelling), &number));
    json_number_append(&number, &out);
    assert_int_equal(out.failed, STATUS_OK);
    if (!str_equal(buffer_str(&out), str_from(text))) {
        fail_msg("%s is written %.*s, not %s", spelling, STR_FORMAT(buffer_str(&out)), text);
    }
    assert_true(json_number_read(buffer_str(&out), &again));
    assert_true(json_number_equal(&number, &again));
    buffer_deinit(&out);
}

static void test_one_text_for_each_value(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"0", "0"},
        {"-0.000e7", "0"},
        {"1.0", "1"},
        {"10e-1", "1"},
        {"-1E0", "-1"},
        {"1e2", "100"},
        {"100", "100"},
        {"12.50", "12.5"},
        {"0.125e2", "12.5"},
        {"125e-1", "12.5"},
        {"12345678901234567890", "12345678901234567890"},
        {"1e20", "100000000000000000000"},
        {"1e21", "1e21"},
        {"1000000000000000000000", "1e21"},
        {"123e20", "1.23e22"},
        {"0.001", "0.001"},
        {"1e-3", "0.001"},
        {"-0.00000012", "-0.00000012"},
        {"0.0000000012", "1.2e-9"},
        {"1.5e1000000000000000000", "1.5e1000000000000000000"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        expect_text(texts[i][0], texts[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grammar),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_exponents_beyond),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_one_text_for_each_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
