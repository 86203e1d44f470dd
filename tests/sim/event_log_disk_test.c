/* The local event log and its disk: segments that come and go, a full disk, one that fails, locks.
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
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const struct disk_simulated_options plain = {.seed = 11};

static size_t count_segments(struct rig *rig)
{
    return count_files(rig->disk, RIG_FOLDER, ".segment");
}

static struct event_log_state describe(struct rig *rig)
{
    struct event_log_state about;
    event_log_describe(rig->log, &about);
    return about;
}

/* Segments follow each other; covered ones are removed from the oldest on, the last never, since it
 * carries the log's end; a clean stop leaves no reserved space behind. */
static void segments_come_and_go(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &plain);
    rig_open_ok(&rig);
    for (uint64_t i = 0; i < 60; i++) {
        rig_append(&rig, i, 1);
    }
    size_t before = count_segments(&rig);
    assert_true(before > 5);
    assert_int_equal(commit_to(rig.log, 30), STATUS_OK);
    size_t between = count_segments(&rig);
    assert_in_range(between, 3, before - 1);
    assert_int_equal(seek_to(rig.log, 30), STATUS_OK);
    expect_numbers(rig.log, 30, 60);
    assert_int_equal(commit_to(rig.log, 60), STATUS_OK);
    rig_close(&rig);
    assert_int_equal(count_segments(&rig), 1);
    struct image image;
    image_take(&image, rig.disk);
    for (size_t i = 0; i < image.count; i++) {
        assert_in_range(image.files[i].len, 0, rig.segment_bytes + 64);
    }
    image_deinit(&image);
    rig_open_ok(&rig);
    assert_int_equal(end_offset(rig.log), 60);
    rig_append(&rig, 60, 1);
    assert_int_equal(end_offset(rig.log), 61);
    rig_deinit(&rig);
}

/* Everything is covered just after a roll, before the new segment has its first commit: the old one
 * must stay, or the log's end would be forgotten. */
static void the_end_is_never_forgotten(void **state)
{
    (void)state;
    for (uint64_t count = 1; count < 30; count++) {
        struct rig rig;
        rig_init(&rig, &plain);
        rig_open_ok(&rig);
        for (uint64_t i = 0; i < count; i++) {
            rig_append(&rig, i, 1);
        }
        disk_simulated_fail_at(rig.disk, 1, EIO, true);
        assert_int_equal(rig_try_append(&rig, count, 3), STATUS_UNAVAILABLE); /* rolls at times */
        disk_simulated_fail_at(rig.disk, 0, 0, false);
        assert_int_equal(commit_to(rig.log, (int64_t)count), STATUS_OK);
        disk_simulated_cut_power(rig.disk);
        rig_close(&rig);
        disk_simulated_power_on(rig.disk);
        rig_open_ok(&rig);
        assert_true(end_offset(rig.log) >= (int64_t)count);
        rig_deinit(&rig);
    }
}

/* A commit that is larger than a segment gets one of its own. */
static void a_large_commit_gets_a_segment_of_its_own(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &plain);
    rig_open_ok(&rig);
    rig_append(&rig, 0, 1);
    rig_append(&rig, 1, 500);
    rig_append(&rig, 501, 1);
    rig_close(&rig);
    rig_open_ok(&rig);
    expect_numbers(rig.log, 0, 502);
    rig_deinit(&rig);
}

/* One process per folder; who comes second is told who was first. */
static void a_second_opening_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &plain);
    rig_open_ok(&rig);
    struct error err;
    assert_int_equal(event_log_local_write_address(rig.log, STR("127.0.0.1:3000"), &err),
                     STATUS_OK);
    struct event_log *first = TAKE(rig.log);
    assert_int_equal(rig_open(&rig), STATUS_BUSY);
    char pid[32];
    snprintf(pid, sizeof pid, "pid %ld", (long)getpid());
    assert_non_null(strstr(rig.err.message, pid));
    assert_non_null(strstr(rig.err.message, "127.0.0.1:3000"));
    rig.log = first;
    rig_append(&rig, 0, 1);
    rig_close(&rig);
    rig_open_ok(&rig);
    expect_numbers(rig.log, 0, 1);
    rig_deinit(&rig);
}

/* A full disk: NO_SPACE, and reading goes on; after the interval the next append tries again, and
 * succeeds by itself once there is space. Nothing of the refused ones is in the log. */
static void a_full_disk_recovers_by_itself(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &plain);
    rig_open_ok(&rig);
    disk_simulated_set_capacity(rig.disk, 8000);
    uint64_t count = 0;
    enum status status;
    while ((status = rig_try_append(&rig, count, 1)) == STATUS_OK) {
        count++;
    }
    assert_int_equal(status, STATUS_NO_SPACE);
    assert_int_equal(describe(&rig).accepting, STATUS_NO_SPACE);
    assert_int_not_equal(describe(&rig).reason[0], '\0');
    expect_numbers(rig.log, 0, count);
    disk_simulated_set_capacity(rig.disk, 1 << 20);
    uint64_t operations = disk_simulated_count(rig.disk);
    assert_int_equal(rig_try_append(&rig, 9999, 1), STATUS_NO_SPACE); /* too early */
    assert_int_equal(disk_simulated_count(rig.disk), operations);
    __atomic_fetch_add(&rig.now_ns, UINT64_C(1000000000), __ATOMIC_RELAXED);
    rig_append(&rig, count, 1);
    assert_int_equal(describe(&rig).accepting, STATUS_OK);
    rig_append(&rig, count + 1, 40);
    expect_numbers(rig.log, count, count + 41);
    rig_close(&rig);
    rig_open_ok(&rig);
    expect_numbers(rig.log, 0, count + 41);
    rig_deinit(&rig);
}

/* A log that nobody appends to notices by itself, too: readiness must not hang on traffic. */
static void an_idle_log_notices_that_space_is_back(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &plain);
    rig_open_ok(&rig);
    disk_simulated_set_capacity(rig.disk, 4000);
    uint64_t count = 0;
    while (rig_try_append(&rig, count, 1) == STATUS_OK) {
        count++;
    }
    disk_simulated_set_capacity(rig.disk, 1 << 20);
    __atomic_fetch_add(&rig.now_ns, UINT64_C(1000000000), __ATOMIC_RELAXED);
    const struct timespec pause = {.tv_nsec = 5000000};
    for (int i = 0; i < 4000 && describe(&rig).accepting != STATUS_OK; i++) {
        nanosleep(&pause, NULL);
    }
    assert_int_equal(describe(&rig).accepting, STATUS_OK);
    rig_append(&rig, count, 1);
    expect_numbers(rig.log, 0, count + 1);
    rig_deinit(&rig);
}

/* After a failed fdatasync the log accepts nothing for good, says why, and never syncs again;
 * reading goes on; a new start takes it up. */
static void a_failed_sync_is_final(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &plain);
    rig.segment_bytes = 65536;
    rig_open_ok(&rig);
    rig_append(&rig, 0, 5);
    disk_simulated_fail_at(rig.disk, 2, EIO, false); /* the write, then the sync */
    assert_int_equal(rig_try_append(&rig, 5, 1), STATUS_UNAVAILABLE);
    uint64_t operations = disk_simulated_count(rig.disk);
    for (int i = 0; i < 3; i++) {
        __atomic_fetch_add(&rig.now_ns, UINT64_C(10000000000), __ATOMIC_RELAXED);
        assert_int_equal(rig_try_append(&rig, 6, 1), STATUS_UNAVAILABLE);
    }
    assert_int_equal(disk_simulated_count(rig.disk), operations);
    assert_int_equal(describe(&rig).accepting, STATUS_UNAVAILABLE);
    assert_non_null(strstr(describe(&rig).reason, "restart"));
    expect_numbers(rig.log, 0, 5);
    operations = disk_simulated_count(rig.disk);
    rig_close(&rig);
    assert_true(disk_simulated_count(rig.disk) <= operations + 1); /* the lock's lines only */
    rig_open_ok(&rig);
    uint64_t numbers[8];
    size_t count = poll_numbers(rig.log, numbers, 8);
    assert_in_range(count, 5, 6); /* what was not acknowledged may be there */
    rig_append(&rig, 100, 1);
    /* And what it then hands out survives a power cut, though a sync of it failed before. */
    disk_simulated_cut_power(rig.disk);
    rig_close(&rig);
    disk_simulated_power_on(rig.disk);
    rig_open_ok(&rig);
    assert_int_equal(poll_numbers(rig.log, numbers, 8), count + 1);
    rig_deinit(&rig);
}

/* A commit whose sync failed may be shown after a restart though it is not on the disk, and the
 * disk thinks it clean. Once handed out it must last: the store may know it by then. */
static void what_a_restart_shows_is_durable(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rig rig;
        const struct disk_simulated_options options = {.seed = seed};
        rig_init(&rig, &options);
        rig.segment_bytes = 65536;
        rig_open_ok(&rig);
        rig_append(&rig, 0, 5);
        disk_simulated_fail_at(rig.disk, 2, EIO, false);
        assert_int_equal(rig_try_append(&rig, 5, 30), STATUS_UNAVAILABLE);
        rig_close(&rig);
        rig_open_ok(&rig);
        expect_numbers(rig.log, 0, 35);
        disk_simulated_cut_power(rig.disk);
        rig_close(&rig);
        disk_simulated_power_on(rig.disk);
        rig_open_ok(&rig);
        expect_numbers(rig.log, 0, 35);
        rig_deinit(&rig);
    }
}

/* A write that fails half-way leaves nothing that could pass for a commit; the next one goes to the
 * same place. */
static void a_half_written_commit_is_taken_back(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct rig rig;
        const struct disk_simulated_options options = {.seed = seed};
        rig_init(&rig, &options);
        rig.segment_bytes = 65536;
        rig_open_ok(&rig);
        rig_append(&rig, 0, 2);
        disk_simulated_fail_at(rig.disk, 1, seed % 2 == 0 ? EIO : ENOSPC, false);
        assert_int_equal(rig_try_append(&rig, 900, 8),
                         seed % 2 == 0 ? STATUS_UNAVAILABLE : STATUS_NO_SPACE);
        __atomic_fetch_add(&rig.now_ns, UINT64_C(1000000000), __ATOMIC_RELAXED);
        rig_append(&rig, 2, 1);
        disk_simulated_cut_power(rig.disk);
        rig_close(&rig);
        disk_simulated_power_on(rig.disk);
        rig_open_ok(&rig);
        expect_numbers(rig.log, 0, 3);
        assert_int_equal(rig_damage(&rig).torn_tails, 0);
        rig_deinit(&rig);
    }
}

/* While the disk is slow: the queue fills to its limit and then says BUSY at once; nothing that is
 * not durable is handed out or counted; afterwards all that was accepted completes. */
static void a_slow_disk_makes_the_queue_busy(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &plain);
    rig.segment_bytes = 65536;
    rig.queue_bytes_max = 4000;
    rig_open_ok(&rig);
    rig_append(&rig, 0, 1);
    size_t calls = rig.collector.calls;
    disk_simulated_hold_syncs(rig.disk, true);
    uint64_t count = 1;
    enum status status;
    while ((status = append_numbers(rig.log, &rig.collector, count, 1)) == STATUS_OK) {
        count++;
    }
    assert_int_equal(status, STATUS_BUSY);
    assert_in_range(count, 10, 60);
    assert_int_equal(end_offset(rig.log), 1);
    expect_numbers(rig.log, 0, 1);
    assert_int_equal(collector_count(&rig.collector), 1);
    disk_simulated_hold_syncs(rig.disk, false);
    collector_wait(&rig.collector, (size_t)count);
    expect_numbers(rig.log, 1, count);
    /* One commit held the first, the next one all others: a listener hears once for each. */
    assert_in_range(rig.collector.calls - calls, 1, 2);
    rig_deinit(&rig);
}

/* Freeing while appends wait: they complete first. */
static void *release_later(void *context)
{
    struct timespec pause = {.tv_nsec = 20000000};
    nanosleep(&pause, NULL);
    disk_simulated_hold_syncs(context, false);
    return NULL;
}

static void freeing_waits_for_the_disk(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &plain);
    rig_open_ok(&rig);
    disk_simulated_hold_syncs(rig.disk, true);
    for (uint64_t i = 0; i < 20; i++) {
        assert_int_equal(append_numbers(rig.log, &rig.collector, i, 1), STATUS_OK);
    }
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, release_later, rig.disk), 0);
    rig_close(&rig);
    pthread_join(thread, NULL);
    assert_int_equal(collector_count(&rig.collector), 20);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(rig.collector.items[i].status, STATUS_OK);
    }
    rig_open_ok(&rig);
    expect_numbers(rig.log, 0, 20);
    rig_deinit(&rig);
}

/* The limit holds over restarts: what stands in the files counts from the start. */
static void the_limit_counts_what_is_there(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &plain);
    rig.log_bytes_max = 8192;
    rig_open_ok(&rig);
    uint64_t count = 0;
    while (rig_try_append(&rig, count, 1) == STATUS_OK) {
        count++;
    }
    rig_close(&rig);
    rig_open_ok(&rig);
    assert_int_equal(rig_try_append(&rig, count, 1), STATUS_NO_SPACE);
    expect_numbers(rig.log, 0, count);
    assert_int_equal(commit_to(rig.log, (int64_t)count), STATUS_OK);
    rig_append(&rig, count, 1);
    rig_deinit(&rig);
}

struct lines {
    struct logger logger;
    char text[4096];
};

/* A small log that writes lines. */
static void open_small_log(struct rig *rig, struct lines *out_lines)
{
    *out_lines = (struct lines){.logger = {.clock = &clock_system,
                                           .descriptor = memfd_create("lines", MFD_CLOEXEC),
                                           .format = LOG_FORMAT_JSON,
                                           .level = LOG_INFO}};
    assert_true(out_lines->logger.descriptor >= 0);
    rig_init(rig, &plain);
    rig->log_bytes_max = 16384;
    rig->logger = &out_lines->logger;
    rig_open_ok(rig);
}

static size_t count_lines(struct lines *lines, const char *part)
{
    ssize_t len = pread(lines->logger.descriptor, lines->text, sizeof lines->text - 1, 0);
    assert_true(len >= 0);
    lines->text[len] = '\0';
    size_t count = 0;
    for (const char *at = lines->text; (at = strstr(at, part)) != NULL; at++) {
        count++;
    }
    return count;
}

/* The log's own thread writes them, a moment later. */
static void expect_lines(struct lines *lines, const char *part, size_t count)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    for (int i = 0; i < 5000 && count_lines(lines, part) < count; i++) {
        nanosleep(&pause, NULL);
    }
    assert_int_equal(count_lines(lines, part), count);
}

/* Appends until the log is full, and then some that are refused or just fit. */
static uint64_t overfill(struct rig *rig, uint64_t next)
{
    while (rig_try_append(rig, next, 1) == STATUS_OK) {
        next++;
    }
    for (int i = 0; i < 10; i++) {
        assert_int_equal(rig_try_append(rig, next, 20), STATUS_NO_SPACE);
        next += rig_try_append(rig, next, 1) == STATUS_OK;
    }
    return next;
}

/* Operators read when activities began to be refused and when that was over, and each once. */
static void a_full_log_is_told_once(void **state)
{
    (void)state;
    static const char full[] = "\"warning\",\"message\":\"the event log is full";
    static const char room[] = "\"info\",\"message\":\"the event log has room again";
    struct lines lines;
    struct rig rig;
    open_small_log(&rig, &lines);
    uint64_t next = 0;
    for (size_t round = 1; round <= 3; round++) {
        next = overfill(&rig, next);
        expect_lines(&lines, full, round);
        expect_lines(&lines, room, round - 1);
        assert_int_equal(commit_to(rig.log, (int64_t)next), STATUS_OK);
        rig_append(&rig, next++, 1);
        expect_lines(&lines, full, round);
        expect_lines(&lines, room, round);
    }
    rig_deinit(&rig);
    close(lines.logger.descriptor);
}

/* A little room that comes free and goes at once, as while the store is slower than what comes, is
 * not told each time. */
static void a_log_that_stays_nearly_full_is_told_once(void **state)
{
    (void)state;
    struct lines lines;
    struct rig rig;
    open_small_log(&rig, &lines);
    uint64_t next = overfill(&rig, 0);
    for (int64_t covered = 5; covered <= 100; covered += 5) {
        assert_int_equal(commit_to(rig.log, covered), STATUS_OK);
        next = overfill(&rig, next);
    }
    assert_true(next > 120);
    expect_lines(&lines, "is full", 1);
    expect_lines(&lines, "room again", 0);
    rig_deinit(&rig);
    close(lines.logger.descriptor);
}

/* A limit too small to work with is refused in words. */
static void a_tiny_limit_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &plain);
    rig.log_bytes_max = 100;
    assert_int_equal(rig_open(&rig), STATUS_INVALID);
    assert_non_null(strstr(rig.err.message, "4096"));
    rig_deinit(&rig);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_come_and_go),
        cmocka_unit_test(the_end_is_never_forgotten),
        cmocka_unit_test(a_large_commit_gets_a_segment_of_its_own),
        cmocka_unit_test(a_second_opening_is_refused),
        cmocka_unit_test(a_full_disk_recovers_by_itself),
        cmocka_unit_test(an_idle_log_notices_that_space_is_back),
        cmocka_unit_test(a_failed_sync_is_final),
        cmocka_unit_test(what_a_restart_shows_is_durable),
        cmocka_unit_test(a_half_written_commit_is_taken_back),
        cmocka_unit_test(a_slow_disk_makes_the_queue_busy),
        cmocka_unit_test(freeing_waits_for_the_disk),
        cmocka_unit_test(the_limit_counts_what_is_there),
        cmocka_unit_test(a_full_log_is_told_once),
        cmocka_unit_test(a_log_that_stays_nearly_full_is_told_once),
        cmocka_unit_test(a_tiny_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
