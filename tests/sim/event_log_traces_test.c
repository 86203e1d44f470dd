/*
 * A local log says that it holds traces before it does: at whichever operation of the first such
 * commit the disk fails or the power goes, no log with a frame that older versions would take for
 * damage says that they may read it. And what was acknowledged is there with its trace.
 */
#include "event_log_rig.h"
#include "infrastructure/event_log_local/log_id.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { OPERATIONS_MAX = 100 };

#define TRACE "S_kvNXezTaajzpKdDg5HNgDwZ6oLqQK3AQcongo=1"

static enum status append_traced(struct rig *rig)
{
    struct numbered_activity texts;
    numbered_activity_make(&texts, 1);
    texts.activity.trace = STR(TRACE);
    size_t before = collector_count(&rig->collector);
    enum status status = event_log_append(rig->log, &texts.activity, 1, &rig->collector.listener,
                                          (struct append_ticket){0});
    if (status != STATUS_OK) {
        return status;
    }
    collector_wait(&rig->collector, before + 1);
    return rig->collector.items[before].status;
}

static void count_traced(void *context, const struct logged_activity *row)
{
    size_t *traced = context;
    if (row->activity.trace.len > 0) {
        assert_true(str_equal(row->activity.trace, STR(TRACE)));
        ++*traced;
    }
}

static enum log_id_format format_of(struct rig *rig)
{
    struct log_identity identity;
    struct error err;
    assert_int_equal(log_id_read(rig->disk, RIG_FOLDER, &identity, &err), STATUS_OK);
    return identity.format;
}

/* 0 as cause: the power goes. Returns whether the disk got that far. */
static bool run_with_fault(uint64_t nth, int cause)
{
    struct rig rig;
    const struct disk_simulated_options options = {.seed = 11 + nth};
    rig_init(&rig, &options);
    rig.segment_bytes = 65536;
    rig_open_ok(&rig);
    rig_append(&rig, 0, 1);
    assert_int_equal(format_of(&rig), LOG_ID_FORMAT_PLAIN);
    uint64_t before = disk_simulated_count(rig.disk);
    if (cause == 0) {
        disk_simulated_cut_power_at(rig.disk, nth);
    } else {
        disk_simulated_fail_at(rig.disk, nth, cause, false);
    }
    enum status status = append_traced(&rig);
    bool reached = disk_simulated_count(rig.disk) - before >= nth;
    rig_close(&rig);
    disk_simulated_cut_power(rig.disk);
    disk_simulated_power_on(rig.disk);
    disk_simulated_fail_at(rig.disk, 0, 0, false);
    enum log_id_format format = format_of(&rig);
    rig_open_ok(&rig);
    size_t traced = 0;
    poll_all(rig.log, count_traced, &traced);
    assert_true(traced <= 1);
    assert_true(traced == 0 || format == LOG_ID_FORMAT_TRACES);
    assert_true(status != STATUS_OK || traced == 1);
    assert_int_equal(rig_damage(&rig).ranges, 0);
    rig_deinit(&rig);
    return reached;
}

static void run_all(int cause)
{
    uint64_t nth = 1;
    while (run_with_fault(nth, cause)) {
        nth++;
        assert_true(nth < OPERATIONS_MAX);
    }
    assert_true(nth > 5); /* draft, rename and the folder, before the commit */
}

static void the_power_may_go_at_any_operation(void **state)
{
    (void)state;
    run_all(0);
}

static void any_operation_may_fail(void **state)
{
    (void)state;
    run_all(EIO);
    run_all(ENOSPC);
}

/* A fault that passes costs that append only; what comes behind it raises the format. */
static void a_fault_that_passes_is_made_good(void **state)
{
    (void)state;
    struct rig rig;
    const struct disk_simulated_options options = {.seed = 11};
    rig_init(&rig, &options);
    rig_open_ok(&rig);
    disk_simulated_fail_at(rig.disk, 1, EIO, false);
    assert_int_equal(append_traced(&rig), STATUS_UNAVAILABLE);
    assert_int_equal(format_of(&rig), LOG_ID_FORMAT_PLAIN);
    __atomic_fetch_add(&rig.now_ns, UINT64_C(2000000000), __ATOMIC_RELAXED);
    assert_int_equal(append_traced(&rig), STATUS_OK);
    assert_int_equal(format_of(&rig), LOG_ID_FORMAT_TRACES);
    rig_close(&rig);
    rig_open_ok(&rig);
    uint64_t before = disk_simulated_count(rig.disk);
    assert_int_equal(append_traced(&rig), STATUS_OK);
    assert_true(disk_simulated_count(rig.disk) - before <= 6); /* and is not raised again */
    rig_deinit(&rig);
}

/* What is written anew in its place must not say that there are none. */
static void a_lost_log_id_comes_back_as_the_newest(void **state)
{
    (void)state;
    struct rig rig;
    const struct disk_simulated_options options = {.seed = 11};
    rig_init(&rig, &options);
    rig_open_ok(&rig);
    assert_int_equal(append_traced(&rig), STATUS_OK);
    rig_close(&rig);
    assert_int_equal(disk_remove(rig.disk, RIG_FOLDER "/log-id", NULL), STATUS_OK);
    rig_open_ok(&rig);
    assert_int_equal(format_of(&rig), LOG_ID_FORMAT_TRACES);
    rig_deinit(&rig);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_log_id_comes_back_as_the_newest),
        cmocka_unit_test(the_power_may_go_at_any_operation),
        cmocka_unit_test(any_operation_may_fail),
        cmocka_unit_test(a_fault_that_passes_is_made_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
