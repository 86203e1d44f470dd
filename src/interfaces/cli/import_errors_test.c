/* Guards the file of refused lines: each is JSON whatever the line holds, it appears with the first
 * one, and an import that goes on drops what was written behind its place. */
#include "interfaces/cli/import_errors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static char folder[] = "/tmp/usertrail-import-errors-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/errors", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void expect_content(const char *expected)
{
    char content[4096] = {0};
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t len = fread(content, 1, sizeof content - 1, file);
    fclose(file);
    assert_int_equal(len, strlen(expected));
    assert_string_equal(content, expected);
}

static void refuse(struct import_errors *errors, uint64_t line, struct str text)
{
    const struct import_fault fault = {line, text, STR("{\"detail\":\"d\"}")};
    assert_int_equal(import_errors_write(errors, &fault, NULL), STATUS_OK);
}

static void it_appears_with_the_first_line(void **state)
{
    (void)state;
    struct import_errors errors;
    uint64_t bytes = 1;
    assert_int_equal(import_errors_open(&errors, path, 0, NULL), STATUS_OK);
    assert_int_equal(import_errors_sync(&errors, &bytes, NULL), STATUS_OK);
    assert_int_equal(bytes, 0);
    assert_int_equal(access(path, F_OK), -1);
    refuse(&errors, 7, STR("a\"\\\x01\xff\xc3(\xe2\x82\xac\xe2\x82"));
    assert_int_equal(import_errors_sync(&errors, &bytes, NULL), STATUS_OK);
    expect_content("{\"line\":7,\"error\":{\"detail\":\"d\"},"
                   "\"text\":\"a\\\"\\\\\\u0001\xef\xbf\xbd\xef\xbf\xbd(\xe2\x82\xac"
                   "\xef\xbf\xbd\xef\xbf\xbd\"}\n");
    import_errors_close(&errors);
}

static void it_goes_on_behind_its_place(void **state)
{
    (void)state;
    struct import_errors errors;
    uint64_t bytes = 0;
    uint64_t later = 0;
    assert_int_equal(import_errors_open(&errors, path, 0, NULL), STATUS_OK);
    refuse(&errors, 1, STR("x"));
    assert_int_equal(import_errors_sync(&errors, &bytes, NULL), STATUS_OK);
    refuse(&errors, 2, STR("y"));
    import_errors_close(&errors);
    assert_int_equal(import_errors_open(&errors, path, bytes, NULL), STATUS_OK);
    refuse(&errors, 3, STR("z"));
    assert_int_equal(import_errors_sync(&errors, &later, NULL), STATUS_OK);
    assert_int_equal(later, 2 * bytes);
    import_errors_close(&errors);
    expect_content("{\"line\":1,\"error\":{\"detail\":\"d\"},\"text\":\"x\"}\n"
                   "{\"line\":3,\"error\":{\"detail\":\"d\"},\"text\":\"z\"}\n");
}

static void what_was_left_of_another_import_goes(void **state)
{
    (void)state;
    struct import_errors errors;
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(import_errors_open(&errors, path, 0, NULL), STATUS_OK);
    assert_int_equal(access(path, F_OK), -1);
    import_errors_close(&errors);
}

static void what_cannot_be_written_is_told(void **state)
{
    (void)state;
    struct import_errors errors;
    struct error err;
    const struct import_fault fault = {1, STR("x"), STR("{}")};
    uint64_t bytes;
    assert_int_equal(import_errors_open(&errors, "/nowhere/errors", 0, &err), STATUS_OK);
    assert_int_equal(import_errors_write(&errors, &fault, &err), STATUS_UNAVAILABLE);
    assert_non_null(strstr(err.message, "/nowhere/errors"));
    import_errors_close(&errors);
    assert_int_equal(import_errors_open(&errors, "/dev/full", 0, &err), STATUS_OK);
    assert_int_equal(import_errors_write(&errors, &fault, &err), STATUS_OK);
    assert_int_equal(import_errors_sync(&errors, &bytes, &err), STATUS_NO_SPACE);
    import_errors_close(&errors);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_appears_with_the_first_line),
        cmocka_unit_test(it_goes_on_behind_its_place),
        cmocka_unit_test(what_was_left_of_another_import_goes),
        cmocka_unit_test(what_cannot_be_written_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
