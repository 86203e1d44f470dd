/* Guards the formats of rows: a table whose lines fit the terminal, whatever is in the rows, and
 * documents that are whole, also without rows; and that nothing a terminal obeys reaches one. */
#include "base/utf8.h"
#include "interfaces/cli/row_output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static const struct activity plain = {.id = {"a-1", 3},
                                      .user_id = {"user-101", 8},
                                      .action = {"login", 5},
                                      .metadata = {"{\"ip\":\"192.168.1.1\"}", 20},
                                      .timestamp_ms = INT64_C(1768435085442)};
static const struct activity hostile = {
    .id = {"a-2", 3},
    .user_id = {"\x1b[2J\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87",
                22},
    .action = {"x\xc2\x9b"
               "31m",
               6},
    .metadata = {"{\"t\":\"\x7f\xe2\x80\xae\"}", 12},
    .timestamp_ms = INT64_C(1768435085442)};

/* What comes out; static. */
static char *print(enum row_format format, bool terminal, unsigned columns, size_t count,
                   const struct activity *const *rows)
{
    static char text[65536];
    struct cli_output output;
    struct row_output printer;
    struct error err;
    FILE *file = tmpfile();
    assert_non_null(file);
    cli_output_init(&output, file, "a file");
    output.is_terminal = terminal;
    output.columns = columns;
    row_output_init(&printer, &output, format);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(row_output_add(&printer, rows[i], &err), STATUS_OK);
    }
    assert_int_equal(row_output_end(&printer, &err), STATUS_OK);
    ssize_t len = pread(fileno(file), text, sizeof text - 1, 0);
    assert_true(len >= 0);
    text[len] = '\0';
    row_output_deinit(&printer);
    cli_output_deinit(&output);
    fclose(file);
    return text;
}

static const struct activity *const both[] = {&plain, &hostile};

static void documents_are_whole(void **state)
{
    (void)state;
    static const char row[] = "{\"id\":\"a-1\",\"userId\":\"user-101\",\"action\":\"login\","
                              "\"timestamp\":\"2026-01-14T23:58:05.442Z\","
                              "\"metadata\":{\"ip\":\"192.168.1.1\"}}";
    char expected[1024];
    snprintf(expected, sizeof expected, "%s\n", row);
    assert_string_equal(print(ROW_FORMAT_USUAL, false, 0, 1, both), expected);
    assert_string_equal(print(ROW_FORMAT_NDJSON, true, 0, 1, both), expected);
    snprintf(expected, sizeof expected, "[\n%s\n]\n", row);
    assert_string_equal(print(ROW_FORMAT_JSON, false, 0, 1, both), expected);
    assert_string_equal(print(ROW_FORMAT_JSON, false, 0, 0, both), "[]\n");
    assert_string_equal(print(ROW_FORMAT_CSV, false, 0, 0, both),
                        "id,userId,action,timestamp,metadata\r\n");
    assert_string_equal(print(ROW_FORMAT_NDJSON, false, 0, 0, both), "");
    assert_string_equal(print(ROW_FORMAT_TABLE, false, 0, 0, both), "");
    assert_non_null(strstr(print(ROW_FORMAT_JSON, false, 0, 2, both), "}},\n{"));
}

static void a_pipe_gets_what_was_stored(void **state)
{
    (void)state;
    assert_non_null(strstr(print(ROW_FORMAT_NDJSON, false, 0, 2, both), "\xc2\x9b"
                                                                        "31m"));
}

static void expect_visible(struct str text)
{
    while (text.len > 0) {
        uint32_t code_point;
        assert_true(utf8_next(&text, &code_point));
        assert_true(code_point == '\n' || !utf8_is_control(code_point));
        assert_true(code_point != 0x202e);
    }
}

static void a_terminal_gets_nothing_to_obey(void **state)
{
    (void)state;
    for (int format = ROW_FORMAT_TABLE; format <= ROW_FORMAT_NDJSON; format++) {
        const char *text = print((enum row_format)format, true, 200, 2, both);
        expect_visible(str_from(text));
        assert_non_null(strstr(text, "\\u001b[2J"));
        assert_non_null(strstr(text, "\\u009b31m"));
        assert_non_null(strstr(text, "\\u202e"));
    }
}

static void a_table_is_for_people(void **state)
{
    (void)state;
    assert_string_equal(print(ROW_FORMAT_USUAL, true, 100, 1, both),
                        "TIME                      USER      ACTION    METADATA\n"
                        "2026-01-14T23:58:05.442Z  user-101  login     {\"ip\":\"192.168.1.1\"}\n");
    assert_string_equal(print(ROW_FORMAT_TABLE, true, 50, 1, both),
                        "TIME            USER      ACTION    METADATA\n"
                        "01-14 23:58:05  user-101  login     {\"ip\":\"192.16…\n");
    assert_non_null(strstr(print(ROW_FORMAT_TABLE, true, 160, 1, both), "  a-1  "));
    assert_non_null(strstr(print(ROW_FORMAT_TABLE, false, 0, 1, both), "  a-1  "));
}

/* In columns; the signs of East Asia that are in the rows take two. */
static size_t columns_of(struct str line)
{
    size_t columns = 0;
    while (line.len > 0) {
        uint32_t code_point;
        assert_true(utf8_next(&line, &code_point));
        columns += code_point >= 0x4e00 && code_point < 0xa000 ? 2 : 1;
    }
    return columns;
}

static void lines_fit_any_terminal(void **state)
{
    (void)state;
    for (unsigned columns = 24; columns < 260; columns++) {
        struct str rest = str_from(print(ROW_FORMAT_TABLE, true, columns, 2, both));
        size_t lines = 0;
        while (rest.len > 0) {
            assert_true(columns_of(str_split(&rest, '\n')) <= columns);
            lines++;
        }
        assert_int_equal(lines, 3);
    }
}

static void widths_are_those_of_the_first_rows(void **state)
{
    (void)state;
    static const struct activity *rows[ROW_TABLE_KEPT_MAX + 2];
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        rows[i] = &plain;
    }
    const char *text = print(ROW_FORMAT_TABLE, true, 100, ARRAY_LENGTH(rows), rows);
    size_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    assert_int_equal(lines, ARRAY_LENGTH(rows) + 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_whole),
        cmocka_unit_test(a_pipe_gets_what_was_stored),
        cmocka_unit_test(a_terminal_gets_nothing_to_obey),
        cmocka_unit_test(a_table_is_for_people),
        cmocka_unit_test(lines_fit_any_terminal),
        cmocka_unit_test(widths_are_those_of_the_first_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
