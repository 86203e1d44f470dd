/* Guards columns: a text never takes more than it was given, whatever its signs are, and is cut
 * between two of them. */
#include "interfaces/cli/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static void expect(const char *text, size_t columns_max, const char *shown, size_t columns)
{
    struct buffer out;
    buffer_init(&out, 1024);
    buffer_append_literal(&out, "|");
    assert_int_equal(terminal_text_append(&out, str_from(text), columns_max), columns);
    buffer_append_char(&out, '\0');
    assert_string_equal(out.data + 1, shown);
    buffer_deinit(&out);
}

static void texts_are_cut_between_signs(void **state)
{
    (void)state;
    expect("abc", 3, "abc", 3);
    expect("abcd", 3, "ab\xe2\x80\xa6", 3);
    expect("", 3, "", 0);
    expect("a", 0, "", 0);
    expect("a", 1, "a", 1);
    expect("ab", 1, "\xe2\x80\xa6", 1);
    expect("\xc3\xbc\xc3\xbc\xc3\xbc", 2, "\xc3\xbc\xe2\x80\xa6", 2);
}

static void wide_signs_take_two_columns(void **state)
{
    (void)state;
    expect("\xe4\xb8\xad\xe6\x96\x87", 4, "\xe4\xb8\xad\xe6\x96\x87", 4);
    expect("\xe4\xb8\xad\xe6\x96\x87", 3, "\xe4\xb8\xad\xe2\x80\xa6", 3);
    expect("\xe4\xb8\xad\xe6\x96\x87", 2, "\xe2\x80\xa6", 1);
    expect("e\xcc\x81x", 2, "e\xcc\x81x", 2);
}

static void what_a_terminal_obeys_is_shown(void **state)
{
    (void)state;
    expect("a\x1b[2J", 20, "a\\u001b[2J", 10);
    expect("a\x1b[2J", 6, "a\xe2\x80\xa6", 2);
    expect("\xff", 5, "\xef\xbf\xbd", 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_cut_between_signs),
        cmocka_unit_test(wide_signs_take_two_columns),
        cmocka_unit_test(what_a_terminal_obeys_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
