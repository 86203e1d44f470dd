/* Guards the table of what is in a data folder: what is taken, what is left, and that nothing
 * climbs out of it. */
#include "infrastructure/folder_backup/backup_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_each_kind_is_known(void **state)
{
    (void)state;
    assert_int_equal(backup_care_of("", "store"), BACKUP_ENTERS);
    assert_int_equal(backup_care_of("", "viewer-secret"), BACKUP_LEAVES);
    assert_int_equal(backup_care_of("log", "0000000001.segment"), BACKUP_TAKES);
    assert_int_equal(backup_care_of("log", "lock"), BACKUP_LEAVES);
    assert_int_equal(backup_care_of("store", "0000000000000001.part"), BACKUP_TAKES);
    assert_int_equal(backup_care_of("store", "manifest.new"), BACKUP_LEAVES);
    assert_int_equal(backup_care_of("spill", "moved"), BACKUP_TAKES);
    assert_int_equal(backup_care_of("spill/set-aside", "too-large.ndjson"), BACKUP_TAKES);
}

static void test_what_is_somebody_elses_is_not(void **state)
{
    (void)state;
    assert_int_equal(backup_care_of("", "notes.txt"), BACKUP_IGNORES);
    assert_int_equal(backup_care_of("", "manifest"), BACKUP_IGNORES);
    assert_int_equal(backup_care_of("log", "moved"), BACKUP_IGNORES);
    assert_int_equal(backup_care_of("log", ".segment"), BACKUP_IGNORES);
    assert_int_equal(backup_care_of("store", "a.part.bak"), BACKUP_IGNORES);
}

static void test_paths_stay_in_the_folder(void **state)
{
    (void)state;
    assert_int_equal(backup_care_of_path("log/log-id"), BACKUP_TAKES);
    assert_int_equal(backup_care_of_path("log/set-aside/0000000001.segment.0-64"), BACKUP_TAKES);
    const char *wrong[] = {"",        "/etc/passwd",       "../log/log-id",   "log/../log-id",
                           "log//x",  "log/set-aside/..",  "log-id",          "other/log-id",
                           "/log-id", "log/set-aside/a/b", "log/set-aside/.", "log/set-aside/"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_not_equal(backup_care_of_path(wrong[i]), BACKUP_TAKES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_is_known),
        cmocka_unit_test(test_what_is_somebody_elses_is_not),
        cmocka_unit_test(test_paths_stay_in_the_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
