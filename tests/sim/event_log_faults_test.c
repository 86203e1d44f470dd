/*
 * The promise of the event log against every fault: one scenario that appends, rolls, polls,
 * commits and opens again runs once for each operation of its disk, which then fails or loses
 * power. A ledger of what was acknowledged is held against what is there afterwards.
 */
#include "event_log_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NUMBERS_MAX = 400, OPERATIONS_MAX = 2000 };

struct ledger {
    bool acknowledged[NUMBERS_MAX];
    uint64_t next;     /* number */
    int64_t committed; /* offset */
    uint64_t low;      /* numbers below may be gone: their offsets are committed */
    char what[160];    /* for messages: the run, with its seed */
};

/* A log that refuses must say so: an error with words, or a state with a reason. */
static void expect_reason(struct rig *rig, const struct ledger *ledger, enum status status)
{
    struct event_log_state about;
    event_log_describe(rig->log, &about);
    bool known = status == STATUS_UNAVAILABLE || status == STATUS_NO_SPACE;
    if (!known || (about.accepting != STATUS_OK && about.reason[0] == '\0')) {
        fail_msg("%s: append said %s without a reason", ledger->what, status_name(status));
    }
}

static void append_some(struct rig *rig, struct ledger *ledger, size_t count)
{
    uint64_t first = ledger->next;
    ledger->next += count;
    /* Refused for lack of space: the next try shall reach the disk. */
    __atomic_fetch_add(&rig->now_ns, UINT64_C(2000000000), __ATOMIC_RELAXED);
    enum status status = rig_try_append(rig, first, count);
    if (status != STATUS_OK) {
        expect_reason(rig, ledger, status);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        ledger->acknowledged[first + i] = true;
    }
}

/* Polls a bit as the worker does and commits the half that it has seen; failures are fine. */
static void work_some(struct rig *rig, struct ledger *ledger)
{
    int64_t seen = -1;
    uint64_t low = 0;
    for (int i = 0; i < 4; i++) {
        struct activity_batch batch;
        struct error err = {0};
        if (event_log_poll(rig->log, 5, 0, &batch, &err) != STATUS_OK) {
            assert_int_not_equal(err.message[0], '\0');
            return;
        }
        if (batch.count > 0) {
            seen = batch.rows[0].position.offset;
            low = numbered_activity_number(&batch.rows[0].activity);
        }
    }
    if (seen > ledger->committed) {
        ledger->committed = seen;
        ledger->low = low;
        enum status status = commit_to(rig->log, seen);
        assert_true(status == STATUS_OK || status == STATUS_UNAVAILABLE);
    }
}

static bool open_again(struct rig *rig)
{
    if (rig->log != NULL) {
        rig_close(rig);
    }
    if (rig_open(rig) == STATUS_OK) {
        return true;
    }
    assert_int_not_equal(rig->err.message[0], '\0');
    return false;
}

/* Returns early when the log cannot be opened. */
static void run_scenario(struct rig *rig, struct ledger *ledger)
{
    for (int round = 0; round < 3; round++) {
        if (!open_again(rig)) {
            return;
        }
        for (size_t i = 0; i < 5; i++) {
            append_some(rig, ledger, 1 + (i + (size_t)round) % 4);
        }
        work_some(rig, ledger);
        append_some(rig, ledger, 7);
        work_some(rig, ledger);
    }
}

struct check {
    const struct ledger *ledger;
    bool present[NUMBERS_MAX];
    uint64_t last;
    bool any;
};

static void check_row(void *context, const struct logged_activity *row)
{
    struct check *check = context;
    uint64_t number = numbered_activity_number(&row->activity);
    if (number >= check->ledger->next) {
        fail_msg("%s: something that was never appended", check->ledger->what);
    }
    if (check->any && number <= check->last) {
        fail_msg("%s: %llu stands behind %llu", check->ledger->what, (unsigned long long)number,
                 (unsigned long long)check->last);
    }
    check->any = true;
    check->last = number;
    check->present[number] = true;
}

/* Opens on a healthy disk; returns how many acknowledged activities are lost. */
static size_t count_lost(struct rig *rig, const struct ledger *ledger)
{
    if (!open_again(rig)) {
        fail_msg("%s: does not open again: %s", ledger->what, rig->err.message);
    }
    struct check check = {.ledger = ledger};
    poll_all(rig->log, check_row, &check);
    size_t lost = 0;
    for (uint64_t i = ledger->low; i < ledger->next; i++) {
        lost += ledger->acknowledged[i] && !check.present[i];
    }
    return lost;
}

/* The log is as good as new: it takes more and reports no damage. */
static void expect_sound(struct rig *rig, struct ledger *ledger)
{
    struct event_log_local_damage damage = rig_damage(rig);
    if (damage.ranges + damage.activities_missing + damage.segments_missing != 0) {
        fail_msg("%s: damage without a cause", ledger->what);
    }
    append_some(rig, ledger, 3);
    if (!ledger->acknowledged[ledger->next - 1]) {
        fail_msg("%s: accepts nothing after recovery", ledger->what);
    }
    if (count_lost(rig, ledger) != 0) {
        fail_msg("%s: lost after recovery", ledger->what);
    }
}

static uint64_t count_operations(const struct disk_simulated_options *options)
{
    struct rig rig;
    struct ledger ledger = {.committed = -1};
    rig_init(&rig, options);
    run_scenario(&rig, &ledger);
    assert_int_equal(count_lost(&rig, &ledger), 0);
    uint64_t count = disk_simulated_count(rig.disk);
    rig_deinit(&rig);
    assert_in_range(count, 100, OPERATIONS_MAX);
    return count;
}

struct fault {
    int cause;
    bool from_then_on;
};

static void run_with_fault(uint64_t seed, uint64_t nth, const struct fault *fault)
{
    const struct disk_simulated_options options = {.seed = seed, .short_writes = seed % 2 == 0};
    struct rig rig;
    struct ledger ledger = {.committed = -1};
    snprintf(ledger.what, sizeof ledger.what, "seed %llu, operation %llu fails with %s %s",
             (unsigned long long)seed, (unsigned long long)nth, strerror(fault->cause),
             fault->from_then_on ? "from then on" : "once");
    rig_init(&rig, &options);
    disk_simulated_fail_at(rig.disk, nth, fault->cause, fault->from_then_on);
    run_scenario(&rig, &ledger);
    disk_simulated_fail_at(rig.disk, 0, 0, false);
    size_t lost = count_lost(&rig, &ledger);
    if (lost != 0) {
        fail_msg("%s: %zu acknowledged activities lost", ledger.what, lost);
    }
    expect_sound(&rig, &ledger);
    /* Even when the machine, too, goes down after the fault. */
    disk_simulated_cut_power(rig.disk);
    rig_close(&rig);
    disk_simulated_power_on(rig.disk);
    if (count_lost(&rig, &ledger) != 0) {
        fail_msg("%s: lost by a power cut later on", ledger.what);
    }
    rig_deinit(&rig);
}

/* Whichever operation fails, how and for how long: what was acknowledged is there, nothing twice,
 * and the log works or says why it does not. */
static void any_operation_may_fail(void **state)
{
    (void)state;
    static const struct fault faults[] = {
        {EIO, false}, {EIO, true}, {ENOSPC, false}, {ENOSPC, true}};
    for (uint64_t seed = 1; seed <= 2; seed++) {
        const struct disk_simulated_options options = {.seed = seed, .short_writes = seed % 2 == 0};
        uint64_t operations = count_operations(&options);
        for (size_t i = 0; i < ARRAY_LENGTH(faults); i++) {
            for (uint64_t nth = 1; nth <= operations; nth++) {
                run_with_fault(seed, nth, &faults[i]);
            }
        }
    }
}

static size_t run_with_power_cut(uint64_t seed, uint64_t nth, bool lying_fsync)
{
    const struct disk_simulated_options options = {
        .seed = seed, .short_writes = seed % 3 == 0, .lying_fsync = lying_fsync};
    struct rig rig;
    struct ledger ledger = {.committed = -1};
    snprintf(ledger.what, sizeof ledger.what, "seed %llu, power cut at operation %llu%s",
             (unsigned long long)seed, (unsigned long long)nth, lying_fsync ? ", fsync lies" : "");
    rig_init(&rig, &options);
    disk_simulated_cut_power_at(rig.disk, nth);
    run_scenario(&rig, &ledger);
    disk_simulated_cut_power(rig.disk);
    if (rig.log != NULL) {
        rig_close(&rig);
    }
    disk_simulated_power_on(rig.disk);
    size_t lost;
    if (lying_fsync) { /* it may not even open, which is a loss that is seen */
        lost = open_again(&rig) ? count_lost(&rig, &ledger) : 1;
    } else {
        lost = count_lost(&rig, &ledger);
        if (lost != 0) {
            fail_msg("%s: %zu acknowledged activities lost", ledger.what, lost);
        }
        expect_sound(&rig, &ledger);
    }
    rig_deinit(&rig);
    return lost;
}

/* Power may go at any operation. */
static void power_may_go_at_any_operation(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        const struct disk_simulated_options options = {.seed = seed, .short_writes = seed % 3 == 0};
        uint64_t operations = count_operations(&options);
        for (uint64_t nth = 1; nth <= operations; nth++) {
            run_with_power_cut(seed, nth, false);
        }
    }
}

/* The negative control: on a disk whose fsync does nothing the same check must lose. Otherwise it
 * would prove nothing above. */
static void a_lying_fsync_is_seen_to_lose(void **state)
{
    (void)state;
    size_t runs = 0;
    size_t losing = 0;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        for (uint64_t nth = 40; nth <= 120; nth += 10, runs++) {
            losing += run_with_power_cut(seed, nth, true) > 0;
        }
    }
    if (losing * 2 < runs) {
        fail_msg("only %zu of %zu power cuts lost something although fsync lies", losing, runs);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_operation_may_fail),
        cmocka_unit_test(power_may_go_at_any_operation),
        cmocka_unit_test(a_lying_fsync_is_seen_to_lose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
