/* Guards what a spill's folder says of its topic: whatever fails and wherever the power goes, it is
 * the mark before or the new one; and what is not whole is no mark. */
#include "infrastructure/disk/disk_simulated.h"
#include "infrastructure/event_log_spill/mark_line.h"
#include "infrastructure/event_log_spill/topic_mark.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { SEEDS = 8, OPERATIONS_MAX = 100 };

static const struct topic_mark first = {
    .log_id = {{1, 2, 3}}, .settings = {{4, 5, 6}}, .partition_count = 6, .message_bytes_max = -1};
static const struct topic_mark second = {.log_id = {{7, 8, 9}},
                                         .settings = {{4, 5, 6}},
                                         .partition_count = 12,
                                         .message_bytes_max = 1048588};

static struct disk *make_disk(uint64_t seed)
{
    const struct disk_simulated_options options = {.seed = seed, .short_writes = true};
    struct disk *disk = disk_simulated_new(&options);
    assert_int_equal(disk_make_durable_directory(disk, "spill", NULL), STATUS_OK);
    return disk;
}

static bool is_same(const struct topic_mark *a, const struct topic_mark *b)
{
    return uuid_equal(a->log_id, b->log_id) && uuid_equal(a->settings, b->settings) &&
           a->partition_count == b->partition_count && a->message_bytes_max == b->message_bytes_max;
}

static bool holds(struct disk *disk, const struct topic_mark *expected)
{
    struct topic_mark mark;
    return topic_mark_read(disk, "spill", &mark) && is_same(&mark, expected);
}

static bool holds_none(struct disk *disk)
{
    struct topic_mark mark = first;
    bool none = !topic_mark_read(disk, "spill", &mark);
    assert_true(is_same(&mark, &first)); /* untouched */
    return none;
}

static void it_is_kept_and_replaced(void **state)
{
    (void)state;
    struct disk *disk = make_disk(1);
    assert_true(holds_none(disk));
    assert_int_equal(topic_mark_keep(disk, "spill", &first, NULL), STATUS_OK);
    assert_true(holds(disk, &first));
    assert_int_equal(topic_mark_keep(disk, "spill", &second, NULL), STATUS_OK);
    assert_true(holds(disk, &second));
    disk_simulated_free(disk);
}

/* A start with what is known already may not need a disk that takes anything. */
static void what_is_kept_already_is_not_written(void **state)
{
    (void)state;
    struct disk *disk = make_disk(1);
    assert_int_equal(topic_mark_keep(disk, "spill", &first, NULL), STATUS_OK);
    disk_simulated_fail_at(disk, 1, ENOSPC, true);
    assert_int_equal(topic_mark_keep(disk, "spill", &first, NULL), STATUS_OK);
    assert_int_equal(topic_mark_keep(disk, "spill", &second, NULL), STATUS_NO_SPACE);
    disk_simulated_fail_at(disk, 0, 0, false);
    assert_true(holds(disk, &first));
    disk_simulated_free(disk);
}

static void put(struct disk *disk, const char *bytes, size_t len)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    struct disk_file *file = NULL;
    assert_int_equal(disk_open(disk, "spill/topic", DISK_WRITE_OR_MAKE, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_truncate(file, 0, NULL), STATUS_OK);
    if (len > 0) {
        assert_int_equal(disk_file_write(file, 0, &part, 1, NULL), STATUS_OK);
    }
    disk_file_close(file);
}

static void what_is_not_whole_is_no_mark(void **state)
{
    (void)state;
    char line[MARK_LINE_BYTES_MAX];
    struct disk *disk = make_disk(1);
    assert_int_equal(topic_mark_keep(disk, "spill", &second, NULL), STATUS_OK);
    assert_int_equal(mark_line_read(disk, "spill", "topic", line), STATUS_OK);
    size_t len = strlen(line);
    for (size_t cut = 0; cut < len; cut++) {
        put(disk, line, cut);
        assert_true(holds_none(disk));
    }
    for (size_t bit = 0; bit < len * 8; bit++) {
        put(disk, line, len);
        assert_true(disk_simulated_flip_bit(disk, "spill/topic", bit));
        assert_true(holds_none(disk));
    }
    put(disk, line, len + 1); /* with its terminator behind it */
    assert_true(holds_none(disk));
    put(disk, line, len);
    assert_true(holds(disk, &second));
    disk_simulated_free(disk);
}

/* Right in itself, and not what this version writes. */
static void put_line(struct disk *disk, const char *text)
{
    char line[MARK_LINE_BYTES_MAX];
    snprintf(line, sizeof line, "%s", text);
    mark_line_end(line, strlen(line));
    put(disk, line, strlen(line));
}

static void another_version_is_no_mark(void **state)
{
    (void)state;
#define IDS "01020300-0000-0000-0000-000000000000 04050600-0000-0000-0000-000000000000"
    struct disk *disk = make_disk(1);
    put_line(disk, "usertrail-topic 1 " IDS " 6 -1");
    assert_true(holds(disk, &first));
    static const char *const others[] = {
        "usertrail-topic 2 " IDS " 6 -1",   "usertrail-moved 1 " IDS " 6 -1",
        "usertrail-topic 1 " IDS " 6 -1 7", "usertrail-topic 1 " IDS " 6",
        "usertrail-topic 1 " IDS " 0 -1",   "usertrail-topic 1 " IDS " 4294967302 -1",
        "usertrail-topic 1 " IDS " 06 -1",  "usertrail-topic 1 " IDS " 6 99999999999999999999",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        put_line(disk, others[i]);
        assert_true(holds_none(disk));
    }
    disk_simulated_free(disk);
}

/* Replaces the first by the second with the power cut, or a failure, at the nth operation; whether
 * it got through. */
static bool replace(struct disk *disk, uint64_t nth, bool power)
{
    assert_int_equal(topic_mark_keep(disk, "spill", &first, NULL), STATUS_OK);
    if (power) {
        disk_simulated_cut_power_at(disk, nth);
    } else {
        disk_simulated_fail_at(disk, nth, EIO, true);
    }
    bool through = topic_mark_keep(disk, "spill", &second, NULL) == STATUS_OK;
    disk_simulated_cut_power(disk);
    disk_simulated_power_on(disk);
    disk_simulated_fail_at(disk, 0, 0, false);
    return through;
}

static void it_is_never_a_mixture(void **state)
{
    (void)state;
    size_t failures = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        bool through[2] = {false, false};
        for (uint64_t nth = 1; nth < OPERATIONS_MAX && !(through[0] && through[1]); nth++) {
            for (int power = 0; power <= 1; power++) {
                struct disk *disk = make_disk(seed);
                through[power] = replace(disk, nth, power == 1);
                failures += !through[power];
                assert_true(holds(disk, &second) || (!through[power] && holds(disk, &first)));
                disk_simulated_free(disk);
            }
        }
        assert_true(through[0] && through[1]);
    }
    assert_in_range(failures, SEEDS * 8, SEEDS * OPERATIONS_MAX);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_kept_and_replaced),
        cmocka_unit_test(what_is_kept_already_is_not_written),
        cmocka_unit_test(what_is_not_whole_is_no_mark),
        cmocka_unit_test(another_version_is_no_mark),
        cmocka_unit_test(it_is_never_a_mixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
