// Guards what --header lets into a request: a field that ends a line, or says again what the client
// says itself, would make another request of it than the figures are about.
#include "header_fields.h"
#include "unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *add(struct header_fields *fields, const char *field)
{
    return header_fields_add(fields, field, strlen(field));
}

static void fields_stand_as_in_a_request(void **state)
{
    (void)state;
    struct header_fields fields = {0};
    assert_null(add(&fields, "Authorization: Bearer ut_1"));
    assert_null(add(&fields, "x-empty:"));
    assert_null(add(&fields, "X-Tab: a\tb \xc3\xa4"));
    assert_string_equal(fields.text,
                        "Authorization: Bearer ut_1\r\nx-empty:\r\nX-Tab: a\tb \xc3\xa4\r\n");
    assert_int_equal(fields.len, strlen(fields.text));
}

static void what_would_break_a_request_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "no colon",
        ": no name",
        "two words: x",
        "tab\t: x",
        "X: a\r\nY: b",
        "X: a\nY",
        "X: a\r",
        "X: \x01",
        "X: \x7f",
        "n\xc3\xa4me: x",
        "Host: elsewhere",
        "hOST:x",
        "Content-Length: 5",
        "content-type: a",
        "Transfer-Encoding: chunked",
        "Expect: 1",
        "Connection: close",
        "Upgrade: h2c",
        "TE: trailers",
        "Trailer: x",
        "X-Name : space: no",
    };
    struct header_fields fields = {0};
    for (size_t index = 0; index < sizeof wrong / sizeof *wrong; index++)
        assert_non_null(add(&fields, wrong[index]));
    assert_non_null(header_fields_add(&fields, "X: a\0b", 6));
    assert_non_null(header_fields_add(&fields, "X\0: ab", 6));
    assert_int_equal(fields.len, 0);
    assert_null(add(&fields, "Hosts: x"));
}

static void a_set_is_bounded(void **state)
{
    (void)state;
    static char longest[HEADER_FIELDS_BYTES_MAX] = "X: ";
    struct header_fields fields = {0};
    memset(longest + 3, 'a', sizeof longest - 3);
    assert_non_null(header_fields_add(&fields, longest, HEADER_FIELDS_BYTES_MAX - 1));
    assert_int_equal(fields.len, 0);
    assert_null(header_fields_add(&fields, longest, HEADER_FIELDS_BYTES_MAX - 2));
    assert_int_equal(fields.len, HEADER_FIELDS_BYTES_MAX);
    assert_non_null(add(&fields, "Y:"));
    assert_int_equal(strlen(fields.text), HEADER_FIELDS_BYTES_MAX);
}

static void connections_take_the_lines_of_a_file_in_turn(void **state)
{
    (void)state;
    char path[] = "/tmp/usertrail-header-fields-XXXXXX";
    int descriptor = mkstemp(path);
    FILE *file = fdopen(descriptor, "w");
    assert_non_null(file);
    for (unsigned number = 0; number < 5; number++)
        fprintf(file, "X-Key: %u\n%s", number, number == 2 ? "\n" : "");
    fprintf(file, "X-Key: last");
    assert_int_equal(fclose(file), 0);
    struct header_field_sets sets = {0};
    assert_string_equal(header_field_sets_text(&sets, 3), "");
    header_field_sets_read(path, &sets);
    unlink(path);
    assert_int_equal(sets.count, 6);
    assert_string_equal(header_field_sets_text(&sets, 0), "X-Key: 0\r\n");
    assert_string_equal(header_field_sets_text(&sets, 4), "X-Key: 4\r\n");
    assert_string_equal(header_field_sets_text(&sets, 5), "X-Key: last\r\n");
    assert_string_equal(header_field_sets_text(&sets, 6), "X-Key: 0\r\n");
    header_field_sets_deinit(&sets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_stand_as_in_a_request),
        cmocka_unit_test(what_would_break_a_request_is_refused),
        cmocka_unit_test(a_set_is_bounded),
        cmocka_unit_test(connections_take_the_lines_of_a_file_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
