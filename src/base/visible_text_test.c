/* Guards that nothing in a text of others moves a cursor, ends a line, turns the direction of what
 * is read or breaks a document, and that everything else stays as it is. */
#include "base/utf8.h"
#include "base/visible_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static void expect(struct str text, const char *shown, const char *string)
{
    struct buffer buffer;
    buffer_init(&buffer, 4096);
    visible_text_append(&buffer, text);
    buffer_append_char(&buffer, '\0');
    assert_string_equal(buffer.data, shown);
    buffer_clear(&buffer);
    visible_text_append_string(&buffer, text);
    buffer_append_char(&buffer, '\0');
    assert_string_equal(buffer.data, string);
    buffer_deinit(&buffer);
}

static void what_can_be_acted_on_is_escaped(void **state)
{
    (void)state;
    expect(STR("a\x1b[2Jb\r\n"), "a\\u001b[2Jb\\u000d\\u000a", "\"a\\u001b[2Jb\\u000d\\n\"");
    expect(STR("\x7f"), "\\u007f", "\"\\u007f\"");
    expect(STR("\xc2\x9b"
               "31m"),
           "\\u009b31m", "\"\\u009b31m\"");
    expect(STR("\xe2\x80\xae"), "\\u202e", "\"\\u202e\"");
    expect(STR("\xe2\x80\xa8"), "\\u2028", "\"\\u2028\"");
    expect(STR("\xf3\xa0\x81\x81"), "\\udb40\\udc41", "\"\\udb40\\udc41\"");
    expect((struct str){"\0", 1}, "\\u0000", "\"\\u0000\"");
}

static void what_is_no_text_is_replaced(void **state)
{
    (void)state;
    expect(STR("a\xff\xfe"
               "b"),
           "a\xef\xbf\xbd\xef\xbf\xbd"
           "b",
           "\"a\xef\xbf\xbd\xef\xbf\xbd"
           "b\"");
    expect(STR("\xe2\x80"), "\xef\xbf\xbd\xef\xbf\xbd", "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    expect(STR("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
           "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void what_is_seen_stays(void **state)
{
    (void)state;
    expect(STR("plain"), "plain", "\"plain\"");
    expect(STR(""), "", "\"\"");
    expect(STR("\xc3\xbcn\xe4\xb8\xad\xf0\x9f\x98\x80"), "\xc3\xbcn\xe4\xb8\xad\xf0\x9f\x98\x80",
           "\"\xc3\xbcn\xe4\xb8\xad\xf0\x9f\x98\x80\"");
    expect(STR("a\"\\\xc3\xbc"), "a\"\\\xc3\xbc", "\"a\\\"\\\\\xc3\xbc\"");
    /* A joiner makes one sign of several and does nothing else. */
    expect(STR("\xe2\x80\x8d"), "\xe2\x80\x8d", "\"\xe2\x80\x8d\"");
}

static void whatever_comes_in_is_text_without_control_characters(void **state)
{
    (void)state;
    char bytes[3];
    char escaped[VISIBLE_ESCAPE_BYTES];
    for (unsigned i = 0; i < 1 << 16; i++) {
        bytes[0] = (char)(i >> 8);
        bytes[1] = (char)i;
        bytes[2] = (char)0x80;
        struct str rest = {bytes, sizeof bytes};
        while (rest.len > 0) {
            size_t before = rest.len;
            struct str shown = visible_text_next(&rest, escaped);
            assert_true(rest.len < before && shown.len > 0);
            while (shown.len > 0) {
                uint32_t code_point;
                assert_true(utf8_next(&shown, &code_point));
                assert_false(visible_text_is_hidden(code_point));
            }
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_be_acted_on_is_escaped),
        cmocka_unit_test(what_is_no_text_is_replaced),
        cmocka_unit_test(what_is_seen_stays),
        cmocka_unit_test(whatever_comes_in_is_text_without_control_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
