/* Guards that any text becomes one JSON string: input must not break out of an answer or a log
 * line. */
#include "base/json_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
static void assert_written(struct str text, const char *expected)
{
    struct buffer buffer;
    buffer_init(&buffer, 10000);
    json_text_append_string(&buffer, text);
    if (!str_equal(buffer_str(&buffer), str_from(expected))) {
        fail_msg("expected %s, found %.*s", expected, STR_FORMAT(buffer_str(&buffer)));
    }
    buffer_deinit(&buffer);
}

static void test_escapes(void **state)
{
    (void)state;
    assert_written(STR(""), "\"\"");
    assert_written((struct str){0}, "\"\"");
    assert_written(STR("plain"), "\"plain\"");
    assert_written(STR("\"\\/"), "\"\\\"\\\\/\"");
    assert_written(STR("\b\t\n\f\r"), "\"\\b\\t\\n\\f\\r\"");
    assert_written(STR("a\0b"), "\"a\\u0000b\"");
    assert_written(STR("\x7f\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
                   "\"\x7f\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

/* Nothing below U+0020 stands in the text unescaped, and everything else stands there as it is. */
static void test_every_byte(void **state)
{
    (void)state;
    for (int byte = 0; byte < 128; byte++) {
        char c = (char)byte;
        struct buffer buffer;
        buffer_init(&buffer, 100);
        json_text_append_string(&buffer, (struct str){.data = &c, .len = 1});
        bool escaped = byte < 0x20 || c == '"' || c == '\\';
        assert_true(buffer.data[0] == '"' && buffer.data[buffer.len - 1] == '"');
        assert_true(escaped ? buffer.data[1] == '\\' && buffer.len >= 4
                            : buffer.data[1] == c && buffer.len == 3);
        for (size_t i = 0; i < buffer.len; i++) {
            assert_true((unsigned char)buffer.data[i] >= 0x20);
        }
        buffer_deinit(&buffer);
    }
}

/* Eight bytes are looked at together, so a byte that needs an escape is found at every place. */
static void test_every_byte_at_every_place(void **state)
{
    (void)state;
    enum { LEN = 20 };
    for (int byte = 0; byte < 256; byte++) {
        bool escaped = byte < 0x20 || byte == '"' || byte == '\\';
        for (size_t at = 0; at < LEN; at++) {
            char text[LEN];
            struct buffer buffer;
            memset(text, 'x', sizeof text);
            text[at] = (char)byte;
            buffer_init(&buffer, 100);
            json_text_append_string(&buffer, (struct str){.data = text, .len = LEN});
            if (escaped ? buffer.data[1 + at] != '\\' || buffer.len <= LEN + 2
                        : buffer.len != LEN + 2 || memcmp(buffer.data + 1, text, LEN) != 0) {
                fail_msg("byte %02x at %zu became %.*s", byte, at, STR_FORMAT(buffer_str(&buffer)));
            }
            buffer_deinit(&buffer);
        }
    }
}

/* Strings of every length, in a buffer that has room for them already, and not a byte more. */
static void test_every_length_where_there_is_room(void **state)
{
    (void)state;
    enum { LEN_MAX = 40 };
    static const char bytes[] = {'a', '"', '\\', '\x1f', ' ', '\x80'};
    for (size_t len = 0; len <= LEN_MAX; len++) {
        for (size_t at = 0; at < len * sizeof bytes; at++) {
            char text[LEN_MAX];
            struct buffer buffer;
            struct buffer expected;
            memset(text, 'x', sizeof text);
            text[at / sizeof bytes] = bytes[at % sizeof bytes];
            buffer_init(&expected, 100); /* has no room, and is given it piece by piece */
            json_text_append_string(&expected, (struct str){.data = text, .len = len});
            buffer_init(&buffer, expected.len);
            assert_int_equal(buffer_reserve(&buffer, expected.len), STATUS_OK);
            json_text_append_string(&buffer, (struct str){.data = text, .len = len});
            assert_int_equal(buffer.failed, STATUS_OK);
            assert_int_equal(buffer.len, expected.len);
            assert_memory_equal(buffer.data, expected.data, expected.len);
            json_text_append_string(&buffer, STR(""));
            assert_int_equal(buffer.failed, STATUS_TOO_LARGE);
            buffer_deinit(&buffer);
            buffer_deinit(&expected);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_every_byte_at_every_place),
        cmocka_unit_test(test_every_length_where_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
