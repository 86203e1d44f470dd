/*
 * Moving one log into another: all of it in order, once when nothing fails, and with nothing lost
 * when anything does; and the command that does it with what a server left.
 */
#include "application/forward_activities.h"
#include "base/assert.h"
#include "event_log_rig.h"
#include "infrastructure/event_log_failing/event_log_failing.h"
#include "infrastructure/event_log_local/event_log_local.h"
#include "infrastructure/event_log_local/segment_format.h"
#include "infrastructure/event_log_memory/event_log_memory.h"
#include "infrastructure/event_log_spill/moved_mark.h"
#include "interfaces/cli/forward_command.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { ACTIVITIES = 500, BATCH = 10 };

/* The source is a local log, the target one in memory behind one that fails. */
static struct rig rig;
static struct event_log *target;
static bool wants_stop;

static struct event_log *make_memory(uint64_t bytes_max)
{
    const struct event_log_memory_config config = {.bytes_max = bytes_max,
                                                   .random = &random_system};
    struct event_log *log = NULL;
    assert_int_equal(event_log_memory_new(&config, &log, NULL), STATUS_OK);
    return log;
}

static struct event_log *make_target(uint64_t bytes_max)
{
    struct event_log *log = NULL;
    assert_int_equal(event_log_failing_new(make_memory(bytes_max), &log, NULL), STATUS_OK);
    return log;
}

static void begin(size_t activities)
{
    const struct disk_simulated_options options = {.seed = 5};
    rig_init(&rig, &options);
    rig.clock = clock_system;
    rig_open_ok(&rig);
    for (uint64_t i = 0; i < activities; i += BATCH) {
        rig_append(&rig, i, BATCH);
    }
    target = make_target(0);
    wants_stop = false;
}

static void finish(void)
{
    event_log_free(TAKE(target));
    rig_deinit(&rig);
}

static struct forward_activities *make_forwarder(void)
{
    const struct forward_activities_config config = {.source = rig.log,
                                                     .target = target,
                                                     .clock = &clock_system,
                                                     .random = &random_system,
                                                     .rows_max = 64,
                                                     .probe_rows = 4,
                                                     .retry_ms_min = 1,
                                                     .retry_ms_max = 2};
    struct forward_activities *forwarder = NULL;
    assert_int_equal(forward_activities_new(&config, &forwarder, NULL), STATUS_OK);
    return forwarder;
}

static bool keep_going(struct forward_watcher *watcher, const struct forward_progress *progress,
                       const struct error *why)
{
    (void)watcher;
    (void)why;
    return !wants_stop || progress->moved == 0;
}

static struct forward_watcher watcher = {.go_on = keep_going};

/* The numbers of the target are in order, without those that came before. Says how many did. */
static size_t expect_all_moved(uint64_t count)
{
    static uint64_t numbers[ACTIVITIES * 20];
    size_t found = poll_numbers(target, numbers, ARRAY_LENGTH(numbers));
    uint64_t next = 0;
    for (size_t i = 0; i < found; i++) {
        assert_in_range(numbers[i], 0, next);
        next = numbers[i] == next ? next + 1 : next;
    }
    assert_int_equal(next, count);
    return found - (size_t)next;
}

static void moves_all_in_order_and_lets_it_go(void **state)
{
    (void)state;
    begin(ACTIVITIES);
    struct forward_waiting waiting;
    assert_int_equal(forward_activities_look(rig.log, &waiting, NULL), STATUS_OK);
    assert_int_equal(waiting.begin, 0);
    assert_int_equal(waiting.end, ACTIVITIES);
    struct forward_activities *forwarder = make_forwarder();
    bool empty = false;
    assert_int_equal(forward_activities_run(forwarder, 1000, &watcher, &empty, NULL), STATUS_OK);
    assert_true(empty);
    assert_int_equal(forward_activities_progress(forwarder).moved, ACTIVITIES);
    assert_int_equal(position_set_get(forward_activities_progress(forwarder).positions, 0),
                     ACTIVITIES);
    expect_numbers(target, 0, ACTIVITIES); /* each once */
    forward_activities_free(forwarder);
    rig_close(&rig);
    rig_open_ok(&rig);
    assert_int_equal(forward_activities_look(rig.log, &waiting, NULL), STATUS_OK);
    assert_int_equal(waiting.begin, waiting.end);
    finish();
}

/* Whatever fails at any moment, once: what was under way goes again. */
static void a_failure_at_any_moment_loses_nothing(void **state)
{
    (void)state;
    static const struct planned_failure failures[] = {
        {EVENT_LOG_APPEND, 0, 1, STATUS_UNAVAILABLE},
        {EVENT_LOG_APPEND, 0, 1, STATUS_BUSY},
        {EVENT_LOG_COMPLETION, 0, 1, STATUS_TIMED_OUT},
        {EVENT_LOG_COMPLETION, 0, 1, STATUS_UNAVAILABLE},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(failures); i++) {
        for (uint64_t nth = 1; nth <= 12; nth += 1 + nth / 3) {
            begin(ACTIVITIES);
            struct planned_failure failure = failures[i];
            failure.skip = nth - 1;
            event_log_failing_plan(target, &failure, 1);
            struct forward_activities *forwarder = make_forwarder();
            bool empty = false;
            assert_int_equal(forward_activities_run(forwarder, 1000, &watcher, &empty, NULL),
                             STATUS_OK);
            assert_true(empty);
            /* This target has what it says it has not. */
            assert_int_equal(expect_all_moved(ACTIVITIES) > 0,
                             failure.call == EVENT_LOG_COMPLETION);
            forward_activities_free(forwarder);
            finish();
        }
    }
}

/* Ended anywhere, it goes on there: what was not confirmed is still in the source. */
static void goes_on_where_it_ended(void **state)
{
    (void)state;
    begin(ACTIVITIES);
    for (int round = 0; round < 100; round++) {
        struct forward_activities *forwarder = make_forwarder();
        bool empty = false;
        wants_stop = true;
        assert_int_equal(forward_activities_run(forwarder, 1000, &watcher, &empty, NULL),
                         STATUS_OK);
        forward_activities_free(forwarder);
        rig_close(&rig);
        rig_open_ok(&rig);
        round = empty ? 1000 : round;
    }
    wants_stop = false;
    struct forward_activities *forwarder = make_forwarder();
    bool empty = false;
    assert_int_equal(forward_activities_run(forwarder, 1000, &watcher, &empty, NULL), STATUS_OK);
    assert_true(empty);
    forward_activities_free(forwarder);
    expect_all_moved(ACTIVITIES);
    finish();
}

/* A target that takes nothing is given up with its word, and pauses grow, within bounds. */
static void gives_up_in_time(void **state)
{
    (void)state;
    begin(20);
    const struct planned_failure failure = {EVENT_LOG_APPEND, 0, UINT64_MAX, STATUS_UNAVAILABLE};
    event_log_failing_plan(target, &failure, 1);
    struct forward_activities *forwarder = make_forwarder();
    bool empty = false;
    struct error err = {0};
    uint64_t before_ms = clock_monotonic_ms(&clock_system);
    assert_int_equal(forward_activities_run(forwarder, 60, &watcher, &empty, &err),
                     STATUS_UNAVAILABLE);
    assert_in_range(clock_monotonic_ms(&clock_system) - before_ms, 60, 5000);
    assert_int_not_equal(err.message[0], '\0');
    assert_false(empty);
    assert_in_range(forward_activities_pause_ms(forwarder), 1, 2);
    assert_true(forward_activities_progress(forwarder).failures > 1);
    forward_activities_free(forwarder);
    finish();
}

/* More at once than the target takes is halved; one that it never takes is named. */
static void sends_less_at_once_when_it_is_too_much(void **state)
{
    (void)state;
    begin(ACTIVITIES);
    event_log_free(target);
    target = make_target(10 * 1024); /* takes half of it in one append */
    struct forward_activities *forwarder = make_forwarder();
    uint64_t moved = 0;
    for (int i = 0; i < 1000 && moved < ACTIVITIES; i++) {
        size_t count = 0;
        enum status status = forward_activities_step(forwarder, 0, &count, NULL);
        assert_true(status == STATUS_OK || status == STATUS_NO_SPACE);
        moved += count;
        expect_numbers(target, moved - count, moved);
        assert_int_equal(commit_to(target, (int64_t)moved), STATUS_OK);
    }
    assert_int_equal(moved, ACTIVITIES);
    const struct planned_failure failure = {EVENT_LOG_APPEND, 0, UINT64_MAX, STATUS_TOO_LARGE};
    event_log_failing_plan(target, &failure, 1);
    rig_append(&rig, ACTIVITIES, BATCH);
    size_t count = 0;
    struct error err;
    assert_int_equal(forward_activities_step(forwarder, 0, &count, &err), STATUS_TOO_LARGE);
    assert_non_null(strstr(err.message, "id-500"));
    forward_activities_free(forwarder);
    finish();
}

struct aside {
    struct forward_aside aside;
    char ids[4][16];
    size_t count;
    unsigned failures; /* to come */
};

static enum status keep_id(struct forward_aside *forward_aside, const struct activity *activity,
                           struct error *err)
{
    struct aside *aside = CONTAINER_OF(forward_aside, struct aside, aside);
    if (aside->failures > 0) {
        aside->failures--;
        return error_set(err, STATUS_NO_SPACE, 0, "the disk is full");
    }
    ASSERT(aside->count < ARRAY_LENGTH(aside->ids));
    snprintf(aside->ids[aside->count++], sizeof aside->ids[0], "%.*s", STR_FORMAT(activity->id));
    return STATUS_OK;
}

static void refuse_appends(uint64_t count)
{
    const struct planned_failure failure = {EVENT_LOG_APPEND, 0, count, STATUS_TOO_LARGE};
    event_log_failing_plan(target, &failure, 1);
}

/* One that the target will never take, alone or with others, is set aside when that works, once;
 * all behind it is moved. */
static void what_is_too_large_for_ever_is_set_aside(void **state)
{
    (void)state;
    begin(20);
    struct aside aside = {.aside.keep = keep_id, .failures = 1};
    refuse_appends(3); /* of 4, 2 and 1 */
    const struct forward_activities_config config = {.source = rig.log,
                                                     .target = target,
                                                     .aside = &aside.aside,
                                                     .clock = &clock_system,
                                                     .random = &random_system,
                                                     .probe_rows = 4};
    struct forward_activities *forwarder = NULL;
    assert_int_equal(forward_activities_new(&config, &forwarder, NULL), STATUS_OK);
    size_t count = 0;
    assert_int_equal(forward_activities_step(forwarder, 0, &count, NULL), STATUS_NO_SPACE);
    refuse_appends(3);
    assert_int_equal(forward_activities_step(forwarder, 0, &count, NULL), STATUS_OK);
    assert_int_equal(count, 1);
    bool empty = false;
    assert_int_equal(forward_activities_run(forwarder, 1000, &watcher, &empty, NULL), STATUS_OK);
    assert_true(empty);
    assert_int_equal(aside.count, 1);
    assert_string_equal(aside.ids[0], "id-0");
    assert_int_equal(forward_activities_progress(forwarder).set_aside, 1);
    assert_int_equal(forward_activities_progress(forwarder).moved, 19);
    expect_numbers(target, 1, 20);
    forward_activities_free(forwarder);
    finish();
}

/* The command ------------------------------------------------------------------------------ */

static enum status open_answer;
static int settings_seen;

static struct moved_mark mark;

static enum status open_spill(const char *directory, struct event_log **out_log,
                              struct forward_waiting *out_waiting, struct error *err)
{
    assert_string_equal(directory, "/tmp");
    if (open_answer != STATUS_OK) {
        return error_set(err, open_answer, 0, "it does not open");
    }
    mark = moved_mark_of(rig.disk, RIG_FOLDER, rig.log, &silent_logger);
    *out_log = TAKE(rig.log);
    assert_int_equal(forward_activities_look(*out_log, out_waiting, err), STATUS_OK);
    return moved_mark_pass(&mark, *out_log, out_waiting, err);
}

static bool fills_disk; /* before it is noted how far the command came */

static enum status keep_moved(int64_t offset, struct error *err)
{
    if (fills_disk) {
        disk_simulated_fail_at(rig.disk, 1, ENOSPC, true);
    }
    return moved_mark_write(&mark, offset, err);
}

static bool is_damaged(struct event_log *spill)
{
    struct event_log_local_damage found;
    event_log_local_describe_damage(spill, &found);
    return found.ranges > 0;
}

static enum status open_target(const char *directory, int setting_count, char **settings,
                               struct event_log **out_log, struct error *err)
{
    (void)directory;
    (void)err;
    settings_seen = setting_count;
    assert_true(setting_count == 0 || strcmp(settings[0], "--kafka-brokers") == 0);
    *out_log = TAKE(target);
    return STATUS_OK;
}

static bool asks_for_end(void)
{
    return wants_stop;
}

static struct aside command_aside = {.aside.keep = keep_id};

static const struct forward_access access_for_tests = {
    .open_spill = open_spill,
    .keep_moved = keep_moved,
    .is_damaged = is_damaged,
    .open_target = open_target,
    .aside = &command_aside.aside,
    .wants_stop = asks_for_end,
    .clock = &clock_system,
    .random = &random_system,
};

static int run_command(int count, const char *const *arguments)
{
    char *writable[8] = {0};
    ASSERT(count <= 8);
    for (int i = 0; i < count; i++) {
        writable[i] = (char *)(uintptr_t)arguments[i];
    }
    return command_forward(&access_for_tests, count, writable);
}

/* 0 when nothing is left, 1 when something is, a server holds it or there is no spill, 2 for wrong
 * arguments; what it does not know goes to those who read the settings of serve. */
static void the_command_says_how_it_went(void **state)
{
    (void)state;
    static const char *const fine[] = {"/tmp", "--kafka-brokers", "x:1", "--give-up-after=1",
                                       "--quiet"};
    static const char *const wrong[] = {"--quiet", "/tmp"};
    static const char *const no_number[] = {"/tmp", "--give-up-after"};
    open_answer = STATUS_OK;
    begin(ACTIVITIES);
    assert_int_equal(run_command(5, fine), 0);
    assert_int_equal(settings_seen, 2);
    finish();
    begin(ACTIVITIES);
    assert_int_equal(run_command(2, wrong), 2);
    assert_int_equal(run_command(2, no_number), 2);
    wants_stop = true;
    assert_int_equal(run_command(1, fine), 1);
    finish();
    begin(0);
    open_answer = STATUS_BUSY;
    assert_int_equal(run_command(1, fine), 1);
    open_answer = STATUS_NOT_FOUND;
    assert_int_equal(run_command(1, fine), 1);
    open_answer = STATUS_OK;
    settings_seen = -1;
    assert_int_equal(run_command(1, fine), 0);
    assert_int_equal(settings_seen, -1); /* nothing waits, so nobody is asked */
    finish();
    begin(ACTIVITIES);
    const struct planned_failure failure = {EVENT_LOG_APPEND, 2, UINT64_MAX, STATUS_UNAVAILABLE};
    event_log_failing_plan(target, &failure, 1);
    assert_int_equal(run_command(5, fine), 1);
    finish();
}

static struct event_log *open_durable_target(void)
{
    const struct event_log_local_config config = {.disk = rig.disk,
                                                  .directory = "target",
                                                  .clock = &clock_system,
                                                  .random = &random_system,
                                                  .logger = &silent_logger};
    struct event_log *log = NULL;
    assert_int_equal(event_log_local_new(&config, &log, NULL), STATUS_OK);
    return log;
}

/* What a server moved and the spill's last file still holds does not go again; and what the command
 * moved, no server moves again. */
static void the_command_leaves_out_what_was_moved(void **state)
{
    (void)state;
    static const char *const quiet[] = {"/tmp", "--quiet"};
    open_answer = STATUS_OK;
    begin(20);
    mark = moved_mark_of(rig.disk, RIG_FOLDER, rig.log, &silent_logger);
    moved_mark_keep(&mark, 15);
    event_log_free(target);
    target = open_durable_target();
    assert_int_equal(run_command(2, quiet), 0);
    target = open_durable_target();
    expect_numbers(target, 15, 20);
    rig_open_ok(&rig);
    struct forward_waiting waiting = {.begin = 0, .end = 20};
    assert_int_equal(moved_mark_pass(&mark, rig.log, &waiting, NULL), STATUS_OK);
    assert_int_equal(waiting.begin, 20);
    finish();
}

/* Nothing is left, and all the same somebody has to look. */
static void the_command_says_what_it_set_aside(void **state)
{
    (void)state;
    static const char *const quiet[] = {"/tmp", "--quiet"};
    open_answer = STATUS_OK;
    begin(BATCH);
    refuse_appends(4); /* of 10, 5, 2 and 1 */
    command_aside.count = 0;
    assert_int_equal(run_command(2, quiet), 1);
    assert_int_equal(command_aside.count, 1);
    finish();
}

/* All of it is in the log, and none of it is lost if some goes once more. */
static void the_command_says_that_it_could_not_note_how_far_it_came(void **state)
{
    (void)state;
    static const char *const quiet[] = {"/tmp", "--quiet"};
    open_answer = STATUS_OK;
    begin(20);
    fills_disk = true;
    event_log_free(target);
    target = open_durable_target();
    assert_int_equal(run_command(2, quiet), 1);
    fills_disk = false;
    disk_simulated_fail_at(rig.disk, 0, 0, false);
    target = open_durable_target();
    expect_numbers(target, 0, 20);
    finish();
}

/* Everything but the damaged activity goes, and the code is no other failure's. */
static void the_command_says_that_the_spill_is_damaged(void **state)
{
    (void)state;
    static const char *const quiet[] = {"/tmp", "--quiet"};
    open_answer = STATUS_OK;
    begin(20);
    assert_true(disk_simulated_flip_bit(rig.disk, RIG_FOLDER "/0000000001.segment",
                                        (COMMIT_HEADER_BYTES + FRAME_HEADER_BYTES) * 8));
    event_log_free(target);
    target = open_durable_target();
    assert_int_equal(run_command(2, quiet), 3);
    target = open_durable_target();
    expect_numbers(target, 1, 20);
    finish();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_all_in_order_and_lets_it_go),
        cmocka_unit_test(a_failure_at_any_moment_loses_nothing),
        cmocka_unit_test(goes_on_where_it_ended),
        cmocka_unit_test(gives_up_in_time),
        cmocka_unit_test(sends_less_at_once_when_it_is_too_much),
        cmocka_unit_test(what_is_too_large_for_ever_is_set_aside),
        cmocka_unit_test(the_command_says_how_it_went),
        cmocka_unit_test(the_command_leaves_out_what_was_moved),
        cmocka_unit_test(the_command_says_what_it_set_aside),
        cmocka_unit_test(the_command_says_that_it_could_not_note_how_far_it_came),
        cmocka_unit_test(the_command_says_that_the_spill_is_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
