/*
 * Fails each allocation in turn while a log of this machine is read, by its worker or by one who
 * follows it: whoever tries again misses nothing and gets nothing twice.
 */
#include "application/log_tail.h"
#include "base/failing_memory.h"
#include "contract/event_log_contract_support.h"
#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/event_log_local/event_log_local.h"
#include "infrastructure/event_log_memory/event_log_memory.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    NUMBERS = 700,
    APPENDED_AT_ONCE = 60,
    TRIES_MAX = 1000,
    LOG_BYTES_MAX = 8 << 20,
    SEGMENT_BYTES = 32 << 10 /* so that there are several */
};

struct kind {
    struct event_log *(*make)(struct log_tail_source **out_tails);
    void (*unmake)(struct event_log *log);
};

static char folder[64];
static struct event_log *the_log;
static struct log_tail_source *source;
static struct collector collector;

/* --- the logs --- */

static struct event_log *make_memory(struct log_tail_source **out_tails)
{
    const struct event_log_memory_config config = {.random = &random_system};
    struct event_log *log = NULL;
    assert_int_equal(event_log_memory_new(&config, &log, NULL), STATUS_OK);
    *out_tails = event_log_memory_tails(log);
    return log;
}

static struct event_log *make_local(struct log_tail_source **out_tails)
{
    snprintf(folder, sizeof folder, "/tmp/log_memory_test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    const struct event_log_local_config config = {
        .disk = disk_posix(),
        .directory = folder,
        .segment_bytes = SEGMENT_BYTES,
        .log_bytes_max = LOG_BYTES_MAX,
        .clock = &clock_system,
        .random = &random_system,
        .logger = &silent_logger,
    };
    struct event_log *log = NULL;
    assert_int_equal(event_log_local_new(&config, &log, NULL), STATUS_OK);
    *out_tails = event_log_local_tails(log);
    return log;
}

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

static void unmake_local(struct event_log *log)
{
    enum { DEPTH = 4 };
    event_log_free(log);
    assert_int_equal(nftw(folder, remove_entry, DEPTH, FTW_DEPTH | FTW_PHYS), 0);
}

static const struct kind kinds[] = {{make_memory, event_log_free}, {make_local, unmake_local}};

/* --- reading --- */

static uint64_t expected; /* the number that comes next */

static void take(const struct activity_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        uint64_t number = numbered_activity_number(&batch->rows[i].activity);
        if (number != expected) {
            fail_msg("number %llu comes where %llu should", (unsigned long long)number,
                     (unsigned long long)expected);
        }
        expected++;
    }
}

static void read_as_worker(size_t rows_max)
{
    struct activity_batch batch;
    struct error err = {0};
    for (int tries = 0; tries < TRIES_MAX && expected < NUMBERS; tries++) {
        enum status status = event_log_poll(the_log, rows_max, 0, &batch, &err);
        if (status == STATUS_OK) {
            take(&batch);
        } else {
            assert_int_equal(status, STATUS_NO_MEMORY);
        }
    }
}

static struct log_tail *open_tail(void)
{
    static const struct position_set nowhere;
    struct log_tail_begin begin;
    struct log_tail *tail = NULL;
    struct error err = {0};
    for (int tries = 0; tries < TRIES_MAX && tail == NULL; tries++) {
        enum status status = log_tail_open(source, &nowhere, &begin, &tail, &err);
        assert_true(status == STATUS_OK || status == STATUS_NO_MEMORY);
        position_set_deinit(&begin.positions);
    }
    assert_non_null(tail);
    return tail;
}

static void read_as_follower(size_t rows_max)
{
    struct log_tail_batch batch;
    struct error err = {0};
    struct log_tail *tail = open_tail();
    for (int tries = 0; tries < TRIES_MAX && expected < NUMBERS; tries++) {
        enum status status = log_tail_poll(tail, rows_max, 0, &batch, &err);
        if (status == STATUS_OK) {
            take(&batch.batch);
            assert_int_equal(batch.gone, 0);
        } else {
            assert_int_equal(status, STATUS_NO_MEMORY);
        }
    }
    log_tail_free(tail);
}

typedef void reading(size_t rows_max);

static bool try_to_read(const struct kind *kind, reading *read, size_t rows_max,
                        unsigned long allocations)
{
    collector_init(&collector);
    the_log = kind->make(&source);
    for (uint64_t first = 0; first < NUMBERS; first += APPENDED_AT_ONCE) {
        uint64_t left = NUMBERS - first;
        size_t count = left < APPENDED_AT_ONCE ? (size_t)left : APPENDED_AT_ONCE;
        assert_int_equal(append_and_wait(the_log, &collector, first, count), STATUS_OK);
    }
    expected = 0;
    failing_memory_arm(allocations);
    read(rows_max);
    bool failed = failing_memory_disarm();
    assert_int_equal(expected, NUMBERS);
    kind->unmake(the_log);
    collector_deinit(&collector);
    return failed;
}

static void read_without_memory(reading *read)
{
    static const size_t sizes[] = {1, 7, 50, 1000};
    for (size_t i = 0; i < ARRAY_LENGTH(kinds) * ARRAY_LENGTH(sizes); i++) {
        const struct kind *kind = &kinds[i / ARRAY_LENGTH(sizes)];
        unsigned long allocations = 0;
        while (try_to_read(kind, read, sizes[i % ARRAY_LENGTH(sizes)], allocations)) {
            allocations += allocations < 50 ? 1 : 19; /* of single rows each has some */
        }
        assert_true(allocations > 0);
    }
}

static void a_worker_misses_nothing(void **state)
{
    (void)state;
    read_without_memory(read_as_worker);
}

static void a_follower_misses_nothing(void **state)
{
    (void)state;
    read_without_memory(read_as_follower);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_misses_nothing),
        cmocka_unit_test(a_follower_misses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
