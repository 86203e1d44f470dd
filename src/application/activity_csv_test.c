/* Guards what spreadsheets read: quotes where they are needed, and no field that is a formula. */
#include "application/activity_csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    const char *user;
    const char *field;
} cases[] = {
    {"101", "101"},
    {"a b", "a b"},
    {"a,b", "\"a,b\""},
    {"\"", "\"\"\"\""},
    {"a\"b\"\"c", "\"a\"\"b\"\"\"\"c\""},
    {"a\nb", "\"a\nb\""},
    {"=1+1", "'=1+1"},
    {"+1", "'+1"},
    {"-1", "'-1"},
    {"@SUM(A1)", "'@SUM(A1)"},
    {"\t=1", "'\t=1"},
    {"\r=1", "\"'\r=1\""},
    {"=HYPERLINK(\"x\",1)", "\"'=HYPERLINK(\"\"x\"\",1)\""},
    {"'=1", "'=1"},
    {"1=1", "1=1"},
};

static void fields_are_written_for_spreadsheets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct activity activity = {.id = STR("i"),
                                    .user_id = str_from(cases[i].user),
                                    .action = STR("-"),
                                    .timestamp_ms = 0,
                                    .metadata = STR("{\"a\":1}")};
        struct buffer line;
        struct buffer wanted;
        buffer_init(&line, 4096);
        buffer_init(&wanted, 4096);
        activity_csv_append(&line, &activity);
        buffer_append_format(&wanted, "i,%s,'-,1970-01-01T00:00:00.000Z,\"{\"\"a\"\":1}\"\r\n",
                             cases[i].field);
        assert_true(str_equal(buffer_str(&line), buffer_str(&wanted)));
        buffer_deinit(&line);
        buffer_deinit(&wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fields_are_written_for_spreadsheets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
