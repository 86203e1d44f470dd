/* Guards the table of what is taken and what is refused, at each limit. */
#include "base/macros.h"
#include "base/timestamp.h"
#include "domain/activity_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
typedef bool (*check_function)(const struct activity_rules *rules, struct str text,
                               struct rejection *rejection);

/* `pointer` is NULL when the text is fine. */
static void assert_checked(check_function check, struct str text, const char *pointer)
{
    struct rejection rejection;
    rejection_init(&rejection);
    bool fine = check(&activity_rules_default, text, &rejection);
    if (fine != (pointer == NULL)) {
        fail_msg("\"%.*s\" gave %d", STR_FORMAT(text), fine);
    }
    assert_int_equal(rejection.count, fine ? 0 : 1);
    if (!fine) {
        assert_string_equal(rejection.faults[0].pointer, pointer);
        assert_true(rejection.faults[0].detail[0] != '\0');
    }
}

/* `count` times the character. */
static struct str repeat(const char *character, size_t count)
{
    static char text[8192];
    size_t size = strlen(character);
    assert_true(size * count <= sizeof text);
    for (size_t i = 0; i < count; i++) {
        memcpy(text + i * size, character, size);
    }
    return (struct str){.data = text, .len = size * count};
}

static void check_names(check_function check, const char *pointer)
{
    static const char *const wrong[] = {"",         "\n",    "a\tb",     "\x7f",        "\xc2\x80",
                                        "\xc2\x9f", "a\xff", "\xc0\x80", "\xed\xa0\x80"};
    static const char *const fine[] = {"a",      " ",  "0", "\xc2\xa0", "\xf0\x9f\x98\x80",
                                       "$where", "a/b"};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_checked(check, str_from(wrong[i]), pointer);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(fine); i++) {
        assert_checked(check, str_from(fine[i]), NULL);
    }
    assert_checked(check, STR("a\0b"), pointer);
    assert_checked(check, repeat("x", 256), NULL);
    assert_checked(check, repeat("x", 257), pointer);
    assert_checked(check, repeat("\xf0\x9f\x98\x80", 256), NULL);
    assert_checked(check, repeat("\xf0\x9f\x98\x80", 257), pointer);
    assert_checked(check, repeat("\xc3\xa4", 257), pointer);
}

static void test_user_id(void **state)
{
    (void)state;
    check_names(activity_rules_check_user_id, "/userId");
    assert_checked(activity_rules_check_user_id, STR("null"), "/userId");
    assert_checked(activity_rules_check_user_id, STR("undefined"), "/userId");
    assert_checked(activity_rules_check_user_id, STR("[object Object]"), "/userId");
    assert_checked(activity_rules_check_user_id, STR("Null"), NULL);
    assert_checked(activity_rules_check_user_id, STR("nullx"), NULL);
}

static void test_action(void **state)
{
    (void)state;
    check_names(activity_rules_check_action, "/action");
    assert_checked(activity_rules_check_action, STR("null"), NULL);
}

/* A larger number in the configuration does not lift the fixed limit of bytes. */
static void test_configured_numbers(void **state)
{
    (void)state;
    struct activity_rules rules = activity_rules_default;
    struct rejection rejection;
    rejection_init(&rejection);
    rules.user_id_code_points_max = 3;
    assert_true(activity_rules_check_user_id(&rules, STR("abc"), &rejection));
    assert_false(activity_rules_check_user_id(&rules, STR("abcd"), &rejection));
    rules.user_id_code_points_max = 100000;
    assert_true(activity_rules_check_user_id(&rules, repeat("x", USER_ID_BYTES_MAX), &rejection));
    assert_false(
        activity_rules_check_user_id(&rules, repeat("x", USER_ID_BYTES_MAX + 1), &rejection));
    assert_int_equal(rejection.count, 2);
}

static bool id_is_fine(struct str id)
{
    struct rejection rejection;
    rejection_init(&rejection);
    bool fine = activity_rules_check_id(id, &rejection);
    assert_int_equal(rejection.count, fine ? 0 : 1);
    assert_true(fine || strcmp(rejection.faults[0].pointer, "/id") == 0);
    return fine;
}

static void test_id(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char text = (char)c;
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool fine = letter || (c >= '0' && c <= '9') || (c != 0 && strchr("._:-", c) != NULL);
        assert_true(id_is_fine((struct str){.data = &text, .len = 1}) == fine);
    }
    for (size_t at = 0; at < 40; at++) {
        char text[40];
        memset(text, '0', sizeof text);
        assert_true(id_is_fine((struct str){.data = text, .len = sizeof text}));
        text[at] = '/';
        assert_false(id_is_fine((struct str){.data = text, .len = sizeof text}));
    }
    assert_false(id_is_fine(STR("")));
    assert_true(id_is_fine(repeat("x", 128)));
    assert_false(id_is_fine(repeat("x", 129)));
    assert_false(id_is_fine(STR("stream")));
    assert_false(id_is_fine(STR("export")));
    assert_true(id_is_fine(STR("Stream")));
    assert_true(id_is_fine(STR("exports")));
    assert_false(id_is_fine(STR("a b")));
}

static void assert_timestamp(const char *text, int64_t now_ms, bool expected)
{
    int64_t timestamp_ms = 4711;
    struct rejection rejection;
    rejection_init(&rejection);
    bool fine = activity_rules_check_timestamp(&activity_rules_default, str_from(text), now_ms,
                                               &timestamp_ms, &rejection);
    assert_true(fine == expected);
    assert_int_equal(rejection.count, fine ? 0 : 1);
    assert_true(fine == (timestamp_ms != 4711));
    assert_true(fine || strcmp(rejection.faults[0].pointer, "/timestamp") == 0);
}

/* At most 24 hours ahead, to the millisecond; any time in the past. */
static void test_timestamp(void **state)
{
    (void)state;
    int64_t now_ms;
    assert_true(timestamp_parse(STR("2024-01-15T10:00:00Z"), &now_ms));
    assert_timestamp("2024-01-15T10:00:00Z", now_ms, true);
    assert_timestamp("2024-01-16T10:00:00.000Z", now_ms, true);
    assert_timestamp("2024-01-16T10:00:00.001Z", now_ms, false);
    assert_timestamp("2024-01-16T15:30:00+05:30", now_ms, true);
    assert_timestamp("2024-01-16T15:30:00.001+05:30", now_ms, false);
    assert_timestamp("1970-01-01T00:00:00Z", now_ms, true);
    assert_timestamp("1969-12-31T23:59:59Z", now_ms, false);
    assert_timestamp("9999-12-31T23:59:59.999Z", now_ms, false);
    assert_timestamp("yesterday", now_ms, false);
    assert_timestamp("2024-01-15", now_ms, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_user_id),
        cmocka_unit_test(test_action),
        cmocka_unit_test(test_configured_numbers),
        cmocka_unit_test(test_id),
        cmocka_unit_test(test_timestamp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
