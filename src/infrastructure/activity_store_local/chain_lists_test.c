/* Guards that lists that take several records of the chain come back as they were, take one sync,
 * and count all or not at all. */
#include "infrastructure/activity_store_local/chain.h"
#include "infrastructure/disk/disk_simulated.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum {
    MANY_LEAVES = 2 * CHAIN_LEAVES_MAX + 1,
    MANY_RANGES = CHAIN_RANGES_MAX + 1,
    LEAF_RECORDS = 3,
    RANGE_RECORDS = 2,
    SYNC = 1 /* operation */
};

static const struct uuid store_id = {{1}};
static const struct chain_end nothing;

/* One that does all it is asked at once, so that operations can be counted. */
static struct disk *new_disk(uint64_t seed)
{
    const struct disk_simulated_options options = {.seed = seed};
    struct disk *disk = disk_simulated_new(&options);
    assert_non_null(disk);
    assert_int_equal(disk_make_durable_directory(disk, "store", NULL), STATUS_OK);
    return disk;
}

static struct chain *open_chain(struct disk *disk, const struct chain_end *expected)
{
    const struct chain_place place = {.disk = disk, .directory = "store", .store_id = store_id};
    struct chain *chain = NULL;
    struct error err = {0};
    if (chain_open(&place, expected, &chain, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    return chain;
}

static void append_erasure(struct chain *chain, struct chain_end *end)
{
    const struct chain_erasure erasure = {.number = 9, .rows = 17};
    assert_int_equal(chain_append_erasure(chain, end, &erasure, end, NULL), STATUS_OK);
}

static enum status append_leaves(struct chain *chain, struct chain_end *end)
{
    static struct placed_leaf leaves[MANY_LEAVES];
    const struct leaf_list list = {.leaves = leaves, .count = MANY_LEAVES};
    for (size_t i = 0; i < MANY_LEAVES; i++) {
        leaves[i] = (struct placed_leaf){.log_id = {{7}}, .offset = (int64_t)i};
    }
    return chain_append_left_out(chain, end, &list, end, NULL);
}

/* What all records up to the end say together. */
struct sum {
    uint64_t records;
    uint64_t expired; /* rows */
    uint64_t ranges;
    int64_t leaves;
};

static void add_record(struct sum *sum, const struct chain_record *record)
{
    sum->records++;
    if (record->kind == CHAIN_EXPIRY) {
        sum->expired += record->expiry.rows;
        for (uint32_t i = 0; i < record->expiry.range_count; i++) {
            assert_int_equal(record->expiry.ranges[i].first, ++sum->ranges);
        }
    } else if (record->kind == CHAIN_LEFT_OUT) {
        for (uint32_t i = 0; i < record->left_out.leaf_count; i++) {
            assert_int_equal(record->left_out.leaves[i].offset, sum->leaves++);
        }
    }
}

/* `until` NULL: to the end of the file. */
static struct sum read_all(struct disk *disk, const struct chain_end *until)
{
    const struct chain_place place = {.disk = disk, .directory = "store", .store_id = store_id};
    CLEANUP(chain_reader_free) struct chain_reader *reader = NULL;
    const struct chain_record *record = NULL;
    struct sum sum = {0};
    struct error err = {0};
    enum status status = chain_reader_open(&place, until, &reader, &err);
    do {
        status = status == STATUS_OK ? chain_reader_next(reader, &record, &err) : status;
        if (status != STATUS_OK) {
            fail_msg("%s", err.message);
        }
        if (record != NULL) {
            add_record(&sum, record);
        }
    } while (record != NULL);
    return sum;
}

static void test_many_leaves_take_one_sync(void **state)
{
    (void)state;
    struct disk *disk = new_disk(1);
    struct chain_end end = nothing;
    struct chain *chain = open_chain(disk, &end);
    uint64_t before = disk_simulated_count(disk);
    assert_int_equal(append_leaves(chain, &end), STATUS_OK);
    assert_int_equal(disk_simulated_count(disk) - before, LEAF_RECORDS + SYNC);
    chain_free(chain);
    assert_int_equal(end.records, LEAF_RECORDS);
    assert_int_equal(read_all(disk, &end).leaves, MANY_LEAVES);
    disk_simulated_free(disk);
}

static void test_rows_of_a_long_expiry_count_once(void **state)
{
    (void)state;
    static struct chain_seal_range ranges[MANY_RANGES];
    const struct chain_expiry expiry = {
        .time_ms = 5, .rows = 1000, .ranges = ranges, .range_count = MANY_RANGES};
    struct disk *disk = new_disk(1);
    struct chain_end end = nothing;
    struct chain *chain = open_chain(disk, &end);
    for (uint64_t number = 1; number <= MANY_RANGES; number++) {
        const struct chain_seal seal = {.number = number};
        ranges[number - 1] = (struct chain_seal_range){number, number};
        assert_int_equal(chain_append_seal(chain, &end, &seal, &end, NULL), STATUS_OK);
    }
    uint64_t before = disk_simulated_count(disk);
    assert_int_equal(chain_append_expiry(chain, &end, &expiry, &end, NULL), STATUS_OK);
    assert_int_equal(disk_simulated_count(disk) - before, RANGE_RECORDS + SYNC);
    chain_free(chain);
    struct sum sum = read_all(disk, &end);
    assert_int_equal(sum.records, MANY_RANGES + RANGE_RECORDS);
    assert_int_equal(sum.expired, 1000);
    assert_int_equal(sum.ranges, MANY_RANGES);
    disk_simulated_free(disk);
}

static void restart(struct disk *disk)
{
    disk_simulated_cut_power(disk);
    disk_simulated_power_on(disk);
}

/* Wherever the power goes or the disk fails: what was there before stays, and the list can be
 * appended again. */
static void test_several_records_count_together(void **state)
{
    (void)state;
    static const int causes[] = {0, EIO, ENOSPC}; /* 0: the power */
    for (size_t i = 0; i < ARRAY_LENGTH(causes); i++) {
        for (uint64_t nth = 1; nth <= LEAF_RECORDS + SYNC; nth++) {
            struct disk *disk = new_disk(nth);
            struct chain_end end = nothing;
            struct chain *chain = open_chain(disk, &end);
            append_erasure(chain, &end);
            if (causes[i] == 0) {
                disk_simulated_cut_power_at(disk, nth);
            } else {
                disk_simulated_fail_at(disk, nth, causes[i], false);
            }
            assert_int_not_equal(append_leaves(chain, &end), STATUS_OK);
            assert_int_equal(end.records, 1);
            chain_free(chain);
            restart(disk);
            assert_int_equal(read_all(disk, &end).records, 1);
            chain = open_chain(disk, &end);
            assert_int_equal(append_leaves(chain, &end), STATUS_OK);
            chain_free(chain);
            restart(disk);
            assert_int_equal(read_all(disk, &end).leaves, MANY_LEAVES);
            disk_simulated_free(disk);
        }
    }
}

/* What did not get to its sync is no part of what is appended next. */
static void test_records_that_did_not_count_are_cut_off(void **state)
{
    (void)state;
    struct disk *disk = new_disk(1);
    struct chain_end end = nothing;
    struct chain *chain = open_chain(disk, &end);
    disk_simulated_fail_at(disk, LEAF_RECORDS, EIO, false);
    assert_int_equal(append_leaves(chain, &end), STATUS_UNAVAILABLE);
    append_erasure(chain, &end);
    assert_int_equal(read_all(disk, NULL).records, 1);
    chain_free(chain);
    disk_simulated_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_leaves_take_one_sync),
        cmocka_unit_test(test_rows_of_a_long_expiry_count_once),
        cmocka_unit_test(test_several_records_count_together),
        cmocka_unit_test(test_records_that_did_not_count_are_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
