/* Guards the file of refused lines: each is JSON whatever the line holds, it appears with the first
 * one, before which nothing that is there is touched, and an import that goes on drops what was
 * written behind its place. */
#include "interfaces/cli/import_errors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static char folder[] = "/tmp/usertrail-import-errors-XXXXXX";
static char path[64];
static unsigned folder_syncs;
static bool folder_sync_fails;

/* Named by the linker's --wrap. */
int __real_fsync(int descriptor);
int __wrap_fsync(int descriptor);

int __wrap_fsync(int descriptor)
{
    struct stat found;
    folder_syncs += fstat(descriptor, &found) == 0 && S_ISDIR(found.st_mode);
    return folder_sync_fails ? -1 : __real_fsync(descriptor);
}

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

static int remove_file(void **state)
{
    (void)state;
    folder_syncs = 0;
    folder_sync_fails = false;
    return unlink(path) == 0 || access(path, F_OK) != 0 ? 0 : -1;
}

static void write_file(const char *content)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
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

#define LINE(number, text)                                                                         \
    "{\"line\":" #number ",\"error\":{\"detail\":\"d\"},\"text\":\"" text "\"}\n"

/* The bytes that it has then. */
static uint64_t refuse_behind(uint64_t bytes, uint64_t number, struct str text)
{
    struct import_errors errors;
    uint64_t later = 0;
    assert_int_equal(import_errors_open(&errors, path, bytes, NULL), STATUS_OK);
    refuse(&errors, number, text);
    assert_int_equal(import_errors_sync(&errors, &later, NULL), STATUS_OK);
    import_errors_close(&errors);
    return later;
}

static void it_goes_on_behind_its_place(void **state)
{
    (void)state;
    struct import_errors errors;
    uint64_t bytes = refuse_behind(0, 1, STR("x"));
    uint64_t later = 0;
    assert_int_equal(refuse_behind(bytes, 2, STR("y")), 2 * bytes);
    expect_content(LINE(1, "x") LINE(2, "y"));
    assert_int_equal(refuse_behind(bytes, 3, STR("z")), 2 * bytes);
    expect_content(LINE(1, "x") LINE(3, "z"));
    /* What was refused behind it is not, this time. */
    assert_int_equal(import_errors_open(&errors, path, bytes, NULL), STATUS_OK);
    assert_int_equal(import_errors_sync(&errors, &later, NULL), STATUS_OK);
    assert_int_equal(later, bytes);
    import_errors_close(&errors);
    expect_content(LINE(1, "x"));
}

static void one_that_is_missing_or_shorter_gets_the_next_line(void **state)
{
    (void)state;
    struct import_errors errors;
    uint64_t bytes = 1;
    assert_int_equal(refuse_behind(1000, 7, STR("x")), strlen(LINE(7, "x")));
    expect_content(LINE(7, "x"));
    assert_int_equal(refuse_behind(1000, 8, STR("y")), strlen(LINE(7, "x") LINE(8, "y")));
    expect_content(LINE(7, "x") LINE(8, "y"));
    assert_int_equal(import_errors_open(&errors, path, 1000, NULL), STATUS_OK);
    assert_int_equal(import_errors_sync(&errors, &bytes, NULL), STATUS_OK);
    assert_int_equal(bytes, strlen(LINE(7, "x") LINE(8, "y")));
    assert_int_equal(unlink(path), 0); /* only now */
    refuse(&errors, 9, STR("z"));
    import_errors_close(&errors);
    expect_content(LINE(9, "z"));
}

static void what_was_left_of_another_import_goes_with_the_first_line(void **state)
{
    (void)state;
    struct import_errors errors;
    uint64_t bytes = 1;
    write_file(LINE(1, "longer than what comes"));
    assert_int_equal(import_errors_open(&errors, path, 0, NULL), STATUS_OK);
    assert_int_equal(import_errors_sync(&errors, &bytes, NULL), STATUS_OK);
    assert_int_equal(bytes, 0);
    expect_content(LINE(1, "longer than what comes"));
    refuse(&errors, 2, STR("x"));
    import_errors_close(&errors);
    expect_content(LINE(2, "x"));
}

static void another_file_is_not_cut(void **state)
{
    (void)state;
    static const char *const others[] = {"notes\nof mine, which are longer\n", "{\"line\":"};
    struct import_errors errors;
    struct error err;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        write_file(others[i]);
        assert_int_equal(import_errors_open(&errors, path, 6, &err), STATUS_INVALID);
        assert_non_null(strstr(err.message, "not the file of refused lines"));
        import_errors_close(&errors);
        expect_content(others[i]);
    }
    write_file(LINE(1, "x") LINE(2, "y")); /* of another import: no line ends there */
    assert_int_equal(import_errors_open(&errors, path, strlen(LINE(1, "x")) + 1, &err),
                     STATUS_INVALID);
    import_errors_close(&errors);
    expect_content(LINE(1, "x") LINE(2, "y"));
}

static void its_name_is_made_durable_once(void **state)
{
    (void)state;
    struct import_errors errors;
    struct error err;
    uint64_t bytes = 0;
    assert_int_equal(import_errors_open(&errors, path, 0, NULL), STATUS_OK);
    refuse(&errors, 1, STR("x"));
    folder_sync_fails = true;
    assert_int_equal(import_errors_sync(&errors, &bytes, &err), STATUS_UNAVAILABLE);
    folder_sync_fails = false;
    assert_int_equal(import_errors_sync(&errors, &bytes, NULL), STATUS_OK);
    assert_int_equal(folder_syncs, 2);
    refuse(&errors, 2, STR("y"));
    assert_int_equal(import_errors_sync(&errors, &bytes, NULL), STATUS_OK);
    import_errors_close(&errors);
    assert_int_equal(refuse_behind(bytes, 3, STR("z")), bytes / 2 * 3);
    assert_int_equal(folder_syncs, 2);
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
        cmocka_unit_test_setup(it_appears_with_the_first_line, remove_file),
        cmocka_unit_test_setup(it_goes_on_behind_its_place, remove_file),
        cmocka_unit_test_setup(one_that_is_missing_or_shorter_gets_the_next_line, remove_file),
        cmocka_unit_test_setup(what_was_left_of_another_import_goes_with_the_first_line,
                               remove_file),
        cmocka_unit_test_setup(another_file_is_not_cut, remove_file),
        cmocka_unit_test_setup(its_name_is_made_durable_once, remove_file),
        cmocka_unit_test_setup(what_cannot_be_written_is_told, remove_file),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
