/* Backups on a disk that fails and loses power at each operation in turn, and beside a server that
 * seals, merges and drops segments between any two of them. What was acknowledged before is in a
 * folder that is made of the backup, once; what fails leaves nothing that can be taken for one. */
#include "backup_bed.h"
#include "base/macros.h"
#include "infrastructure/event_log_local/log_check.h"
#include "infrastructure/folder_backup/folder_backup.h"
#include "infrastructure/folder_backup/folder_restore.h"
#include "support/verified_store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS_BEFORE = 7, OPERATIONS_MAX = 5000 };

static void ignore_progress(struct folder_copy_listener *listener, uint64_t done_bytes,
                            uint64_t all_bytes)
{
    (void)listener;
    assert_true(done_bytes <= all_bytes);
}

static void forbid_left_out(struct folder_copy_listener *listener, const char *name)
{
    (void)listener;
    fail_msg("%s was left out", name);
}

static struct folder_copy_listener listener = {.progress = ignore_progress,
                                               .left_out = forbid_left_out};

static enum status make(struct disk *disk, bool copies, struct error *err)
{
    struct folder_copy_sums sums;
    const struct folder_copy_request request = {
        .from = "data", .to = "backup", .copies = copies, .now_ms = 1768435085442};
    return folder_backup_make(disk, &request, &listener, &sums, err);
}

static enum status restore(struct disk *disk, struct error *err)
{
    struct folder_copy_sums sums;
    const struct folder_copy_request request = {.from = "backup", .to = "again"};
    enum status status = folder_restore_copy(disk, &request, &listener, &sums, err);
    return status == STATUS_OK ? folder_restore_finish(disk, "again", err) : status;
}

static void require(enum status status, const struct error *err, const char *what)
{
    if (status != STATUS_OK) {
        fail_msg("%s: %s: %s", what, status_name(status), err->message);
    }
}

/* A folder that a server worked in; some of it is in parts, some in the log only. */
static struct backup_bed *begin(void)
{
    struct backup_bed *bed = backup_bed_new(11);
    backup_bed_serve(bed, "data");
    for (unsigned i = 0; i < STEPS_BEFORE; i++) {
        backup_bed_step(bed);
    }
    return bed;
}

/* --- judging --- */

static void tell_problem(struct log_verification_listener *of_log, const char *words)
{
    (void)of_log;
    fail_msg("the log in the backup: %s", words);
}

static void verify(struct backup_bed *bed)
{
    struct log_verification_listener of_log = {.problem = tell_problem};
    struct log_verification found;
    struct error err = {0};
    assert_string_equal(verified_store_problem(bed->disk, "backup/store"), "");
    require(event_log_local_check(bed->disk, "backup/log", &of_log, &found, &err), &err, "verify");
}

/* What a server on the restored folder has: all that was acknowledged before, each once; what came
 * during the backup at most once. */
static void judge(struct backup_bed *bed, uint64_t acknowledged, uint64_t refused)
{
    static unsigned counts[BACKUP_BED_NUMBERS_MAX];
    struct error err = {0};
    struct refusal_list_state list;
    uint32_t sum = backup_bed_sum(bed, "backup");
    backup_bed_end(bed);
    verify(bed);
    require(restore(bed->disk, &err), &err, "restore");
    uint64_t appended = bed->appended;
    backup_bed_serve(bed, "again");
    backup_bed_count(bed, counts);
    for (uint64_t number = 0; number < BACKUP_BED_NUMBERS_MAX; number++) {
        unsigned least = number < acknowledged;
        unsigned most = number < appended;
        if (counts[number] < least || counts[number] > most) {
            fail_msg("number %llu is there %u times", (unsigned long long)number, counts[number]);
        }
    }
    refusal_list_describe(bed->refusals, &list);
    assert_true(list.listed >= refused);
    backup_bed_step(bed);
    backup_bed_step(bed);
    backup_bed_end(bed);
    assert_int_equal(backup_bed_sum(bed, "backup"), sum);
}

/* --- beside a server --- */

/* A disk through which a server works just before the operations from `at` on. */
struct busy_disk {
    struct disk disk;
    struct backup_bed *bed;
    unsigned count;
    unsigned at;
    unsigned steps; /* before each */
    unsigned turns; /* so many operations are disturbed */
};

static struct disk *disturb(struct disk *disk)
{
    struct busy_disk *busy = CONTAINER_OF(disk, struct busy_disk, disk);
    busy->count++;
    if (busy->count >= busy->at && busy->turns > 0) {
        busy->turns--;
        for (unsigned i = 0; i < busy->steps; i++) {
            backup_bed_step(busy->bed);
        }
    }
    return busy->bed->disk;
}

static enum status busy_open(struct disk *disk, const char *path, enum disk_mode mode,
                             struct disk_file **out_file, struct error *err)
{
    return disk_open(disturb(disk), path, mode, out_file, err);
}

static enum status busy_remove(struct disk *disk, const char *path, struct error *err)
{
    return disk_remove(disturb(disk), path, err);
}

static enum status busy_rename(struct disk *disk, const char *from, const char *to,
                               struct error *err)
{
    return disk_rename(disturb(disk), from, to, err);
}

static enum status busy_make_directory(struct disk *disk, const char *path, struct error *err)
{
    return disk_make_directory(disturb(disk), path, err);
}

static enum status busy_sync_directory(struct disk *disk, const char *path, struct error *err)
{
    return disk_sync_directory(disturb(disk), path, err);
}

static enum status busy_list(struct disk *disk, const char *path, disk_visit *visit, void *context,
                             struct error *err)
{
    return disk_list(disturb(disk), path, visit, context, err);
}

static enum status busy_link(struct disk *disk, const char *from, const char *to, struct error *err)
{
    return disk_link(disturb(disk), from, to, err);
}

static const struct disk_operations busy_operations = {.open = busy_open,
                                                       .remove = busy_remove,
                                                       .rename = busy_rename,
                                                       .make_directory = busy_make_directory,
                                                       .sync_directory = busy_sync_directory,
                                                       .list = busy_list,
                                                       .link = busy_link};

/* Returns how many operations there were. */
static unsigned back_up_beside(unsigned at, unsigned steps, unsigned turns, bool copies)
{
    struct backup_bed *bed = begin();
    struct busy_disk busy = {.disk = {.operations = &busy_operations},
                             .bed = bed,
                             .at = at,
                             .steps = steps,
                             .turns = turns};
    struct error err = {0};
    uint64_t acknowledged = bed->appended;
    uint64_t refused = bed->refused;
    require(make(&busy.disk, copies, &err), &err, "backup");
    uint32_t sum = backup_bed_sum(bed, "backup");
    for (unsigned i = 0; i < STEPS_BEFORE; i++) {
        backup_bed_step(bed);
    }
    assert_int_equal(backup_bed_sum(bed, "backup"), sum);
    judge(bed, acknowledged, refused);
    backup_bed_free(bed);
    return busy.count;
}

static void nothing_slips_through_wherever_a_server_works(void **state)
{
    (void)state;
    unsigned count = 2;
    for (unsigned at = 1; at <= count && at < OPERATIONS_MAX; at++) {
        count = back_up_beside(at, 8, 1, false);
    }
    assert_true(count > 40);
}

static void nothing_slips_through_while_a_server_works_on(void **state)
{
    (void)state;
    for (unsigned at = 1; at < 60; at += 7) {
        (void)back_up_beside(at, 1, 25, false);
        (void)back_up_beside(at, 2, 12, true);
    }
}

/* A log that is dropped as quickly as it is looked at is no reason to try for ever. */
static void a_server_that_never_rests_is_told(void **state)
{
    (void)state;
    struct backup_bed *bed = begin();
    struct busy_disk busy = {
        .disk = {.operations = &busy_operations}, .bed = bed, .at = 12, .steps = 6, .turns = 150};
    struct error err = {0};
    enum status status = make(&busy.disk, false, &err);
    assert_true(status == STATUS_OK || status == STATUS_UNAVAILABLE);
    if (status != STATUS_OK) {
        assert_int_not_equal(folder_backup_check(bed->disk, "backup", &err), STATUS_OK);
    }
    backup_bed_free(bed);
}

/* --- on a disk that fails --- */

/* What is there afterwards is a whole backup, or nothing that a server or a restore takes. */
static void judge_what_is_left(struct backup_bed *bed, enum status status)
{
    struct error err = {0};
    bool whole = folder_backup_check(bed->disk, "backup", &err) == STATUS_OK;
    if (folder_backup_check(bed->disk, "backup.partial", &err) == STATUS_OK) {
        assert_false(whole); /* all of it was there but its name */
        whole = true;
        require(disk_rename(bed->disk, "backup.partial", "backup", &err), &err, "rename");
    }
    const char *folders[] = {"backup", "backup.partial"};
    for (size_t i = 0; i < ARRAY_LENGTH(folders); i++) {
        char log[DISK_PATH_BYTES_MAX];
        char store[DISK_PATH_BYTES_MAX];
        snprintf(log, sizeof log, "%s/log/log-id", folders[i]);
        snprintf(store, sizeof store, "%s/store/manifest", folders[i]);
        CLEANUP(disk_file_close) struct disk_file *one = NULL;
        CLEANUP(disk_file_close) struct disk_file *other = NULL;
        bool served = disk_open(bed->disk, log, DISK_READ, &one, NULL) == STATUS_OK ||
                      disk_open(bed->disk, store, DISK_READ, &other, NULL) == STATUS_OK;
        if (served) {
            assert_int_equal(folder_backup_refuse(bed->disk, folders[i], &err), STATUS_INVALID);
        }
    }
    assert_true(whole || status != STATUS_OK);
    if (whole) {
        judge(bed, bed->appended, bed->refused);
    }
}

typedef void disturbance(struct disk *disk, uint64_t nth);

static void fail_once(struct disk *disk, uint64_t nth)
{
    disk_simulated_fail_at(disk, nth, EIO, false);
}

static void fail_from_then_on(struct disk *disk, uint64_t nth)
{
    disk_simulated_fail_at(disk, nth, EIO, true);
}

static void fill(struct disk *disk, uint64_t nth)
{
    disk_simulated_fail_at(disk, nth, ENOSPC, true);
}

static void cut_power(struct disk *disk, uint64_t nth)
{
    disk_simulated_cut_power_at(disk, nth);
}

/* With a fault at each operation in turn, until one is beyond the end. */
static void fail_everywhere(disturbance *disturb_at)
{
    bool failed = true;
    for (uint64_t nth = 1; failed && nth < OPERATIONS_MAX; nth++) {
        struct backup_bed *bed = begin();
        backup_bed_end(bed);
        struct error err = {0};
        uint64_t before = disk_simulated_count(bed->disk);
        disturb_at(bed->disk, nth);
        enum status status = make(bed->disk, nth % 2 == 0, &err);
        failed = disk_simulated_count(bed->disk) - before >= nth;
        disk_simulated_fail_at(bed->disk, 0, 0, false);
        if (disturb_at == cut_power) {
            disk_simulated_cut_power(bed->disk);
            disk_simulated_power_on(bed->disk);
        }
        judge_what_is_left(bed, status);
        backup_bed_free(bed);
    }
    assert_false(failed);
}

static void errors_leave_nothing_that_looks_like_a_backup(void **state)
{
    (void)state;
    fail_everywhere(fail_once);
    fail_everywhere(fail_from_then_on);
}

static void a_full_disk_leaves_nothing_that_looks_like_a_backup(void **state)
{
    (void)state;
    fail_everywhere(fill);
}

static void power_cuts_leave_nothing_that_looks_like_a_backup(void **state)
{
    (void)state;
    fail_everywhere(cut_power);
}

/* --- restoring on a disk that fails --- */

static void a_restore_that_fails_leaves_nothing_to_serve(void **state)
{
    (void)state;
    bool failed = true;
    for (uint64_t nth = 1; failed && nth < OPERATIONS_MAX; nth++) {
        struct backup_bed *bed = begin();
        struct error err = {0};
        backup_bed_end(bed);
        require(make(bed->disk, false, &err), &err, "backup");
        uint64_t before = disk_simulated_count(bed->disk);
        disk_simulated_cut_power_at(bed->disk, nth);
        enum status status = restore(bed->disk, &err);
        failed = disk_simulated_count(bed->disk) - before >= nth;
        disk_simulated_cut_power(bed->disk);
        disk_simulated_power_on(bed->disk);
        assert_int_equal(folder_backup_check(bed->disk, "backup", &err), STATUS_OK);
        CLEANUP(disk_file_close) struct disk_file *id = NULL;
        bool begun = disk_open(bed->disk, "again/log/log-id", DISK_READ, &id, NULL) == STATUS_OK;
        disk_file_close(TAKE(id));
        bool refused = folder_backup_refuse(bed->disk, "again", &err) == STATUS_INVALID;
        if (begun && !refused) {
            static unsigned counts[BACKUP_BED_NUMBERS_MAX];
            uint64_t appended = bed->appended;
            backup_bed_serve(bed, "again");
            backup_bed_count(bed, counts);
            for (uint64_t number = 0; number < appended; number++) {
                assert_int_equal(counts[number], 1);
            }
        }
        assert_true(status != STATUS_OK || (begun && !refused));
        backup_bed_free(bed);
    }
    assert_false(failed);
}

/* --- what is refused --- */

static void targets_and_sources_are_looked_at_first(void **state)
{
    (void)state;
    struct backup_bed *bed = begin();
    struct error err = {0};
    struct folder_copy_sums sums;
    require(make(bed->disk, false, &err), &err, "backup");
    assert_int_equal(make(bed->disk, false, &err), STATUS_DUPLICATE);
    const struct folder_copy_request of_a_backup = {.from = "backup", .to = "other"};
    assert_int_equal(folder_backup_make(bed->disk, &of_a_backup, &listener, &sums, &err),
                     STATUS_INVALID);
    const struct folder_copy_request of_nothing = {.from = "absent", .to = "other"};
    assert_int_not_equal(folder_backup_make(bed->disk, &of_nothing, &listener, &sums, &err),
                         STATUS_OK);
    require(disk_make_directory(bed->disk, "empty", &err), &err, "make");
    const struct folder_copy_request of_emptiness = {.from = "empty", .to = "other"};
    assert_int_equal(folder_backup_make(bed->disk, &of_emptiness, &listener, &sums, &err),
                     STATUS_NOT_FOUND);
    assert_int_equal(restore(bed->disk, &err), STATUS_OK);
    assert_int_equal(restore(bed->disk, &err), STATUS_DUPLICATE);
    const struct folder_copy_request of_data = {.from = "data", .to = "third"};
    assert_int_equal(folder_restore_copy(bed->disk, &of_data, &listener, &sums, &err),
                     STATUS_INVALID);
    require(disk_remove(bed->disk, "backup/store/manifest", &err), &err, "remove");
    assert_int_equal(folder_backup_check(bed->disk, "backup", &err), STATUS_CORRUPT);
    assert_non_null(strstr(err.message, "store/manifest"));
    backup_bed_free(bed);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_slips_through_wherever_a_server_works),
        cmocka_unit_test(nothing_slips_through_while_a_server_works_on),
        cmocka_unit_test(a_server_that_never_rests_is_told),
        cmocka_unit_test(errors_leave_nothing_that_looks_like_a_backup),
        cmocka_unit_test(a_full_disk_leaves_nothing_that_looks_like_a_backup),
        cmocka_unit_test(power_cuts_leave_nothing_that_looks_like_a_backup),
        cmocka_unit_test(a_restore_that_fails_leaves_nothing_to_serve),
        cmocka_unit_test(targets_and_sources_are_looked_at_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
