/* Guards the file of an import's state: whatever fails and wherever the power goes, it holds the
 * state before or the new one, never a mixture and never nothing. */
#include "infrastructure/disk/disk_simulated.h"
#include "infrastructure/disk/whole_file.h"
#include "infrastructure/import_state_file/import_state_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

#define PATH "folder/a.import-state"

enum { SEEDS = 8, OPERATIONS_MAX = 100 };

static struct disk *make_disk(uint64_t seed)
{
    const struct disk_simulated_options options = {.seed = seed, .short_writes = true};
    struct disk *disk = disk_simulated_new(&options);
    assert_int_equal(disk_make_durable_directory(disk, "folder", NULL), STATUS_OK);
    return disk;
}

static struct import_state state_at(uint64_t offset)
{
    return (struct import_state){.progress = {.offset = offset, .has_key = true},
                                 .target = "server http://127.0.0.1:1"};
}

static enum status save(struct disk *disk, uint64_t offset)
{
    const struct import_state state = state_at(offset);
    return import_state_file_save(disk, PATH, &state, NULL);
}

static uint64_t load(struct disk *disk)
{
    struct import_state state;
    struct error err;
    if (import_state_file_load(disk, PATH, &state, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    return state.progress.offset;
}

static void it_is_kept_replaced_and_removed(void **unused)
{
    (void)unused;
    struct disk *disk = make_disk(1);
    struct import_state state;
    assert_int_equal(import_state_file_load(disk, PATH, &state, NULL), STATUS_NOT_FOUND);
    assert_int_equal(import_state_file_remove(disk, PATH, NULL), STATUS_OK);
    assert_int_equal(save(disk, 1), STATUS_OK);
    assert_int_equal(load(disk), 1);
    assert_int_equal(save(disk, 2), STATUS_OK);
    assert_int_equal(load(disk), 2);
    assert_int_equal(import_state_file_remove(disk, PATH, NULL), STATUS_OK);
    assert_int_equal(import_state_file_load(disk, PATH, &state, NULL), STATUS_NOT_FOUND);
    disk_simulated_free(disk);
}

static void an_error_at_any_operation_leaves_one_of_both(void **unused)
{
    (void)unused;
    enum status status = STATUS_UNAVAILABLE;
    for (uint64_t nth = 1; status != STATUS_OK; nth++) {
        struct disk *disk = make_disk(nth);
        assert_int_equal(save(disk, 1), STATUS_OK);
        disk_simulated_fail_at(disk, nth, EIO, false);
        status = save(disk, 2);
        disk_simulated_fail_at(disk, 0, EIO, false);
        uint64_t found = load(disk);
        assert_true(found == 2 || (found == 1 && status != STATUS_OK));
        assert_int_equal(save(disk, 3), STATUS_OK);
        assert_int_equal(load(disk), 3);
        assert_in_range(nth, 1, OPERATIONS_MAX);
        disk_simulated_free(disk);
    }
}

static void a_power_cut_at_any_operation_leaves_one_of_both(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        enum status status = STATUS_UNAVAILABLE;
        for (uint64_t nth = 1; status != STATUS_OK; nth++) {
            struct disk *disk = make_disk(seed);
            assert_int_equal(save(disk, 1), STATUS_OK);
            disk_simulated_cut_power_at(disk, nth);
            status = save(disk, 2);
            disk_simulated_cut_power(disk);
            disk_simulated_power_on(disk);
            uint64_t found = load(disk);
            assert_true(found == 2 || (found == 1 && status != STATUS_OK));
            assert_in_range(nth, 1, OPERATIONS_MAX);
            disk_simulated_free(disk);
        }
    }
}

/* By that name the command keeps a state's draft from lying over its input. */
static void the_draft_has_the_name_that_is_looked_for(void **unused)
{
    (void)unused;
    assert_string_equal(IMPORT_STATE_DRAFT, WHOLE_FILE_DRAFT);
}

static void what_is_no_state_is_told(void **unused)
{
    (void)unused;
    struct disk *disk = make_disk(3);
    struct import_state state;
    assert_int_equal(save(disk, 7), STATUS_OK);
    assert_true(disk_simulated_flip_bit(disk, PATH, 8 * 30));
    assert_int_equal(import_state_file_load(disk, PATH, &state, NULL), STATUS_INVALID);
    disk_simulated_free(disk);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_kept_replaced_and_removed),
        cmocka_unit_test(an_error_at_any_operation_leaves_one_of_both),
        cmocka_unit_test(a_power_cut_at_any_operation_leaves_one_of_both),
        cmocka_unit_test(the_draft_has_the_name_that_is_looked_for),
        cmocka_unit_test(what_is_no_state_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
