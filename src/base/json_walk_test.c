/* Guards that a walk through stored JSON takes each value whole, knows a string however it is
 * spelt, and stays inside of a text that is no JSON. */
#include "base/json_walk.h"
#include "base/macros.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

/* Skips one value in front of `rest`, in memory of just that length. */
static void expect_skipped(const char *value, const char *rest)
{
    size_t len = strlen(value) + strlen(rest);
    char *text = malloc(len + 1);
    assert_non_null(text);
    snprintf(text, len + 1, "%s%s", value, rest);
    struct str left = {text, len};
    if (!json_walk_skip(&left) || left.data != text + strlen(value) || left.len != strlen(rest)) {
        fail_msg("%s was not skipped in front of %s", value, rest);
    }
    free(text);
}

static void test_skips_whole_values(void **state)
{
    (void)state;
    static const char *const values[] = {
        "1",
        "-1.5e+9",
        "true",
        "null",
        "\"\"",
        "\"a,b]}\"",
        "\"\\\"\"",
        "\"\\\\\"",
        "\"a\\\\\\\"b\\\\\\\\\"",
        "{}",
        "[]",
        "{\"a\":[1,{\"b\":\"}\"}],\"]\":\"[\"}",
        "[[[[\"\\\\\",\"{\"]]],{}]",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
        expect_skipped(values[i], "");
        expect_skipped(values[i], ",\"next\":[]}");
        expect_skipped(values[i], "}");
        expect_skipped(values[i], "]");
    }
}

/* A text cut anywhere ends, and an address sanitizer sees that nothing behind it is read. */
static void test_stays_inside(void **state)
{
    (void)state;
    static const char whole[] =
        "{\"a\":[\"\\\"\\u00e9\\\\\",{\"b\":null}],\"c\":\"\\\\\\\"\",\"d\":-1}";
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        char *text = malloc(len + 1);
        assert_non_null(text);
        text = realloc(text, len == 0 ? 1 : len);
        assert_non_null(text);
        memcpy(text, whole, len);
        struct str rest = {text, len};
        assert_false(json_walk_skip(&rest));
        assert_true(rest.data + rest.len == text + len);
        free(text);
    }
    struct str rest = STR(whole);
    assert_true(json_walk_skip(&rest) && rest.len == 0);
}

static void test_depth_costs_no_stack(void **state)
{
    (void)state;
    enum { DEPTH = 1 << 20 };
    char *text = malloc(2 * (size_t)DEPTH);
    assert_non_null(text);
    memset(text, '[', DEPTH);
    memset(text + DEPTH, ']', DEPTH);
    struct str rest = {text, 2 * (size_t)DEPTH};
    assert_true(json_walk_skip(&rest) && rest.len == 0);
    rest = (struct str){text, 2 * (size_t)DEPTH - 1};
    assert_false(json_walk_skip(&rest));
    free(text);
}

static void test_takes_strings_and_words(void **state)
{
    (void)state;
    struct str rest = STR("\"a\\\"b\":-12,true}");
    struct str taken;
    assert_true(json_walk_string(&rest, &taken) && str_equal(taken, STR("a\\\"b")));
    assert_false(json_walk_char(&rest, ','));
    assert_true(json_walk_char(&rest, ':'));
    assert_true(json_walk_word(&rest, &taken) && str_equal(taken, STR("-12")));
    assert_false(json_walk_word(&rest, &taken));
    assert_true(json_walk_at(&rest, ',') && json_walk_char(&rest, ','));
    assert_false(json_walk_string(&rest, &taken));
    assert_true(json_walk_word(&rest, &taken) && str_equal(taken, STR("true")));
    assert_true(str_equal(rest, STR("}")));
}

/* The four characters that are white space in JSON, and no other. */
static void test_passes_over_space(void **state)
{
    (void)state;
    struct str rest = STR(" \t\r\n\v1 \n");
    json_walk_space(&rest);
    assert_true(str_equal(rest, STR("\v1 \n")));
    json_walk_space(&rest);
    assert_true(str_equal(rest, STR("\v1 \n")));
    assert_true(str_equal(json_walk_trim(rest), STR("\v1")));
    assert_true(str_equal(json_walk_trim(STR("\n a b\t\r")), STR("a b")));
    assert_int_equal(json_walk_trim(STR(" \t\r\n")).len, 0);
    assert_int_equal(json_walk_trim((struct str){0}).len, 0);
}

static void test_knows_strings(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        const char *text;
        bool same;
    } cases[] = {
        {"", "", true},
        {"", "a", false},
        {"abc", "abc", true},
        {"abc", "ab", false},
        {"ab", "abc", false},
        {"\xc3\xa9", "\xc3\xa9", true},
        {"\\u00e9", "\xc3\xa9", true},
        {"\\u00E9", "\xc3\xa9", true},
        {"e\\u0301", "\xc3\xa9", false}, /* looks alike, and is another text */
        {"a\\u0062c", "abc", true},
        {"a\\u0062c", "abd", false},
        {"a\\u0062", "abc", false},
        {"a\\u0062c", "ab", false},
        {"\\u20ac", "\xe2\x82\xac", true},
        {"\\ud83d\\ude00", "\xf0\x9f\x98\x80", true},
        {"\\uD83D\\uDE00!", "\xf0\x9f\x98\x80!", true},
        {"\\ud800\\udc00", "\xf0\x90\x80\x80", true},
        {"\\udbff\\udfff", "\xf4\x8f\xbf\xbf", true},
        {"\\ud83d", "\xf0\x9f\x98\x80", false},
        {"\\ud83d", "\xed\xa0\xbd", false}, /* lone */
        {"\\ude00\\ud83d", "\xf0\x9f\x98\x80", false},
        {"\\ud83d\\u0041", "A", false},
        /* What reckoning with two that are no pair would come to. */
        {"\\ud83d\\u0041", "\xf0\x91\xa1\x81", false},
        {"\\ude00\\ude00", "\xf6\x90\x88\x80", false},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t", true},
        {"\\n", "n", false},
        {"\\u007f\\u0080\\u07ff\\u0800\\uffff", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf",
         true},
        /* No JSON, and nobody's equal. */
        {"\\", "\\", false},
        {"\\x41", "A", false},
        {"\\u12", "\x12", false},
        {"\\u12g4", "", false},
        {"\\ud83d\\u12", "", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        bool same = json_walk_string_is(str_from(cases[i].content), str_from(cases[i].text));
        if (same != cases[i].same) {
            fail_msg("%s and %s: expected %d", cases[i].content, cases[i].text, cases[i].same);
        }
    }
    assert_true(json_walk_string_is(STR("a\\u0000b"), STR("a\0b")));
    assert_false(json_walk_string_is(STR("a\\u0000b"), STR("a")));
}

/* As the comparison above has it, which the cases are for: an unescaped content is its own text. */
static void test_unescapes(void **state)
{
    (void)state;
    static const char *const contents[] = {
        "",
        "abc",
        "a\\u0062c",
        "\\ud83d\\ude00 \\n",
        "\\\"\\\\\\/\\b\\f\\n\\r\\t",
        "\xc3\xa9\\u0000",
    };
    static const char *const wrong[] = {"\\", "a\\x41", "\\u12g4", "\\ud83d", "\\ude00\\ud83d"};
    struct buffer text;
    buffer_init(&text, 100);
    for (size_t i = 0; i < ARRAY_LENGTH(contents); i++) {
        buffer_clear(&text);
        assert_true(json_walk_unescape(str_from(contents[i]), &text));
        assert_true(json_walk_string_is(str_from(contents[i]), buffer_str(&text)));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_false(json_walk_unescape(str_from(wrong[i]), &text));
    }
    buffer_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_skips_whole_values),   cmocka_unit_test(test_stays_inside),
        cmocka_unit_test(test_depth_costs_no_stack), cmocka_unit_test(test_takes_strings_and_words),
        cmocka_unit_test(test_knows_strings),        cmocka_unit_test(test_unescapes),
        cmocka_unit_test(test_passes_over_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
