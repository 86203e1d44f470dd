/* Guards that seals are proven by exactly the rows and leaves that were sealed, whatever logs and
 * partitions they came from, and that each thing that differs is told once, in its words. */
#include "base/failing_memory.h"
#include "base/little_endian.h"
#include "infrastructure/activity_store_local/seal_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { HEARD_MAX = 8 };

/* A check, the rows of the part that comes next, and what was said. */
struct bed {
    struct seal_check check;
    struct leaf_list rows;
    struct seal_faults faults;
    char heard[HEARD_MAX][ERROR_MESSAGE_BYTES];
    unsigned count;
};

static void hear(struct seal_faults *faults, const char *words)
{
    struct bed *bed = CONTAINER_OF(faults, struct bed, faults);
    assert_true(bed->count < HEARD_MAX);
    snprintf(bed->heard[bed->count++], ERROR_MESSAGE_BYTES, "%s", words);
}

static void begin(struct bed *bed)
{
    *bed = (struct bed){.faults = {.add = hear}};
    assert_int_equal(seal_check_init(&bed->check), STATUS_OK);
}

static void end(struct bed *bed)
{
    leaf_list_deinit(&bed->rows);
    seal_check_deinit(&bed->check);
}

/* Another at each place. */
static struct placed_leaf leaf_at(const struct part_source *source, int64_t offset)
{
    struct placed_leaf leaf = {
        .log_id = source->log_id, .partition = source->partition, .offset = offset};
    memcpy(leaf.hash, source->log_id.bytes, sizeof source->log_id.bytes);
    little_endian_put_u32(leaf.hash + 16, (uint32_t)source->partition);
    little_endian_put_u64(leaf.hash + 20, (uint64_t)offset);
    return leaf;
}

/* All of a range, the last one first. */
static void add_range(struct leaf_list *list, const struct part_source *range)
{
    for (int64_t offset = range->end; offset > range->begin; offset--) {
        struct placed_leaf leaf = leaf_at(range, offset - 1);
        assert_int_equal(leaf_list_add(list, &leaf), STATUS_OK);
    }
}

static void seal(struct bed *bed, const struct part_source *ranges, uint32_t count)
{
    struct leaf_list leaves = {0};
    struct chain_seal made = {
        .number = bed->check.count + 1, .sources = ranges, .source_count = count};
    for (uint32_t i = 0; i < count; i++) {
        add_range(&leaves, &ranges[i]);
    }
    leaf_list_sort(&leaves);
    made.rows = leaves.count;
    assert_int_equal(leaf_list_root(&leaves, &bed->check.sha256, made.root), STATUS_OK);
    assert_int_equal(seal_check_add(&bed->check, &made), STATUS_OK);
    leaf_list_deinit(&leaves);
}

static void add_rows(struct bed *bed, const struct part_source *ranges, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        add_range(&bed->rows, &ranges[i]);
    }
}

static struct placed_leaf *find_row(struct bed *bed, const struct part_source *source,
                                    int64_t offset)
{
    struct placed_leaf sought = leaf_at(source, offset);
    for (size_t i = 0; i < bed->rows.count; i++) {
        if (placed_leaf_compare(&bed->rows.leaves[i], &sought) == 0) {
            return &bed->rows.leaves[i];
        }
    }
    fail_msg("there is no row %lld", (long long)offset);
    return NULL;
}

static void take_row(struct bed *bed, const struct part_source *source, int64_t offset)
{
    struct placed_leaf *row = find_row(bed, source, offset);
    *row = bed->rows.leaves[--bed->rows.count];
}

static void add_row(struct bed *bed, const struct part_source *source, int64_t offset)
{
    struct placed_leaf leaf = leaf_at(source, offset);
    assert_int_equal(leaf_list_add(&bed->rows, &leaf), STATUS_OK);
}

/* As the chain says it: the leaf alone is left of the row. */
static void leave_out(struct bed *bed, const struct part_source *source, int64_t offset)
{
    struct placed_leaf leaf = leaf_at(source, offset);
    assert_int_equal(seal_check_leave_out(&bed->check, &leaf), STATUS_OK);
    leaf_list_sort(&bed->check.left_out);
}

/* The rows that were added are those of one part. */
static void check_part(struct bed *bed, uint64_t begin_seal, uint64_t end_seal)
{
    const struct seal_range seals = {begin_seal, end_seal};
    assert_int_equal(seal_check_part(&bed->check, &bed->rows, seals, &bed->faults), STATUS_OK);
    bed->rows.count = 0;
}

static void check_rest(struct bed *bed)
{
    assert_int_equal(seal_check_rest(&bed->check, &bed->faults), STATUS_OK);
}

/* What was said since the last time: `count` things, the first of them these words. */
static void expect_heard(struct bed *bed, unsigned count, const char *words)
{
    if (bed->count > 0 && count == 0) {
        fail_msg("it says: %s", bed->heard[0]);
    }
    assert_int_equal(bed->count, count);
    if (count > 0) {
        assert_string_equal(bed->heard[0], words);
    }
    bed->count = 0;
}

static void expect_silence(struct bed *bed)
{
    expect_heard(bed, 0, NULL);
}

/* One log, three seals that follow each other. */
static const struct part_source first = {.log_id = {{7}}, .partition = 2, .begin = 100, .end = 130};
static const struct part_source second = {
    .log_id = {{7}}, .partition = 2, .begin = 130, .end = 150};
static const struct part_source third = {.log_id = {{7}}, .partition = 2, .begin = 150, .end = 151};

static void begin_with_seals(struct bed *bed)
{
    begin(bed);
    seal(bed, &first, 1);
    seal(bed, &second, 1);
    seal(bed, &third, 1);
    add_rows(bed, &first, 1);
    add_rows(bed, &second, 1);
    add_rows(bed, &third, 1);
}

/* Proven ------------------------------------------------------------------------------------ */

static void test_rows_as_they_were_sealed(void **state)
{
    (void)state;
    struct bed bed;
    begin_with_seals(&bed);
    check_part(&bed, 1, 4);
    check_rest(&bed);
    expect_silence(&bed);
    end(&bed);
}

static void test_each_seal_in_a_part_of_its_own(void **state)
{
    (void)state;
    struct bed bed;
    begin_with_seals(&bed);
    bed.rows.count = 0;
    add_rows(&bed, &second, 1);
    check_part(&bed, 2, 3);
    add_rows(&bed, &third, 1);
    check_part(&bed, 3, 4);
    add_rows(&bed, &first, 1);
    check_part(&bed, 1, 2);
    check_rest(&bed);
    expect_silence(&bed);
    end(&bed);
}

/* Neighbours in every respect, in no order, and one of which nothing came. */
static const struct part_source mixed[] = {
    {.log_id = {{8}}, .partition = 0, .begin = 0, .end = 40},
    {.log_id = {{7}}, .partition = 3, .begin = 100, .end = 117},
    {.log_id = {{7}}, .partition = INT32_MAX, .begin = INT64_MAX - 5, .end = INT64_MAX},
    {.log_id = {{7}}, .partition = 0, .begin = 100, .end = 101},
    {.log_id = {{7}}, .partition = 1, .begin = 100, .end = 100},
    {.log_id = {{7, [15] = 1}}, .partition = 3, .begin = 100, .end = 117},
};
static const struct part_source mixed_next[] = {
    {.log_id = {{7}}, .partition = 1, .begin = 100, .end = 103},
    {.log_id = {{8}}, .partition = 0, .begin = 40, .end = 41},
    {.log_id = {{7}}, .partition = 3, .begin = 117, .end = 217},
};

static void begin_with_mixed(struct bed *bed)
{
    begin(bed);
    seal(bed, mixed, ARRAY_LENGTH(mixed));
    seal(bed, mixed_next, ARRAY_LENGTH(mixed_next));
    add_rows(bed, mixed_next, ARRAY_LENGTH(mixed_next));
    add_rows(bed, mixed, ARRAY_LENGTH(mixed));
}

static void test_several_logs_and_partitions(void **state)
{
    (void)state;
    struct bed bed;
    begin_with_mixed(&bed);
    check_part(&bed, 1, 3);
    check_rest(&bed);
    expect_silence(&bed);
    end(&bed);
}

/* Leaves of erased rows between those that stay, at both ends, and of a seal as a whole. */
static void test_erased_rows_are_proven_by_their_leaves(void **state)
{
    (void)state;
    for (int64_t every = 1; every <= 7; every++) {
        struct bed bed;
        begin_with_mixed(&bed);
        for (size_t i = 0; i < ARRAY_LENGTH(mixed); i++) {
            for (int64_t nth = 0; nth < mixed[i].end - mixed[i].begin; nth += every) {
                take_row(&bed, &mixed[i], mixed[i].begin + nth);
                leave_out(&bed, &mixed[i], mixed[i].begin + nth);
            }
        }
        take_row(&bed, &mixed_next[0], 102);
        leave_out(&bed, &mixed_next[0], 102);
        check_part(&bed, 1, 3);
        expect_silence(&bed);
        end(&bed);
    }
}

static void test_a_seal_of_which_only_leaves_are_left(void **state)
{
    (void)state;
    struct bed bed;
    begin_with_seals(&bed);
    bed.rows.count = 0;
    for (int64_t offset = 130; offset < 150; offset++) {
        leave_out(&bed, &second, offset);
    }
    add_rows(&bed, &first, 1);
    check_part(&bed, 1, 2);
    add_rows(&bed, &third, 1);
    check_part(&bed, 3, 4);
    check_rest(&bed);
    expect_silence(&bed);
    end(&bed);
}

/* More than there is room for at first. */
static void test_many_seals(void **state)
{
    (void)state;
    struct bed bed;
    begin(&bed);
    for (int64_t i = 0; i < 300; i++) {
        const struct part_source range = {
            .log_id = {{7}}, .partition = 0, .begin = 10 * i, .end = 10 * i + i % 10};
        seal(&bed, &range, 1);
        add_rows(&bed, &range, 1);
    }
    check_part(&bed, 1, 301);
    check_rest(&bed);
    expect_silence(&bed);
    end(&bed);
}

/* Nothing ----------------------------------------------------------------------------------- */

static void test_nothing_at_all(void **state)
{
    (void)state;
    struct bed bed;
    begin(&bed);
    check_rest(&bed);
    expect_silence(&bed);
    check_part(&bed, 1, 1);
    expect_silence(&bed);
    seal(&bed, &first, 0);
    seal(&bed, &(struct part_source){.begin = 5, .end = 5}, 1);
    check_part(&bed, 1, 3);
    check_rest(&bed);
    expect_silence(&bed);
    end(&bed);
}

static void test_a_part_without_rows(void **state)
{
    (void)state;
    struct bed bed;
    begin_with_seals(&bed);
    bed.rows.count = 0;
    check_part(&bed, 1, 2);
    expect_heard(&bed, 1, "seal 1: 30 activities were sealed, and 0 are there or were erased");
    check_rest(&bed);
    expect_heard(&bed, 2, "seal 2: 20 activities were sealed, and 0 are there or were erased");
    check_rest(&bed);
    expect_silence(&bed);
    end(&bed);
}

/* Found out --------------------------------------------------------------------------------- */

/* Wherever in its seal it is: at the borders, too. */
static void test_a_missing_row(void **state)
{
    (void)state;
    for (int64_t offset = 130; offset < 150; offset++) {
        struct bed bed;
        begin_with_seals(&bed);
        take_row(&bed, &second, offset);
        check_part(&bed, 1, 4);
        expect_heard(&bed, 1, "seal 2: 20 activities were sealed, and 19 are there or were erased");
        end(&bed);
    }
}

/* A place can be taken twice only by somebody who makes a part. */
static void test_an_added_row(void **state)
{
    (void)state;
    for (int64_t offset = 130; offset < 150; offset++) {
        struct bed bed;
        begin_with_seals(&bed);
        add_row(&bed, &second, offset);
        check_part(&bed, 1, 4);
        expect_heard(&bed, 1, "seal 2: 20 activities were sealed, and 21 are there or were erased");
        end(&bed);
    }
}

/* Beside all ranges: right before, right behind, in another partition or log. */
static void test_a_row_that_nobody_sealed(void **state)
{
    (void)state;
    const struct part_source other_partition = {.log_id = {{7}}, .partition = 1};
    const struct part_source other_log = {.log_id = {{7, [15] = 1}}, .partition = 2};
    struct bed bed;
    begin_with_seals(&bed);
    add_row(&bed, &first, 99);
    check_part(&bed, 1, 4);
    expect_heard(&bed, 1, "1 activities were never sealed");
    end(&bed);
    begin_with_seals(&bed);
    add_row(&bed, &third, 151);
    add_row(&bed, &other_partition, 110);
    add_row(&bed, &other_log, 110);
    check_part(&bed, 1, 4);
    expect_heard(&bed, 1, "3 activities were never sealed");
    end(&bed);
}

static void test_a_changed_row(void **state)
{
    (void)state;
    for (int64_t offset = 130; offset < 150; offset++) {
        struct bed bed;
        begin_with_seals(&bed);
        find_row(&bed, &second, offset)->hash[31] ^= 1;
        check_part(&bed, 1, 4);
        expect_heard(&bed, 1, "seal 2: its 20 activities are not all as they were sealed");
        end(&bed);
    }
}

static void swap_hashes(struct placed_leaf *a, struct placed_leaf *b)
{
    uint8_t kept[SHA256_BYTES];
    memcpy(kept, a->hash, sizeof kept);
    memcpy(a->hash, b->hash, sizeof kept);
    memcpy(b->hash, kept, sizeof kept);
}

static void test_rows_that_changed_places(void **state)
{
    (void)state;
    struct bed bed;
    begin_with_seals(&bed);
    swap_hashes(find_row(&bed, &first, 110), find_row(&bed, &first, 111));
    check_part(&bed, 1, 4);
    expect_heard(&bed, 1, "seal 1: its 30 activities are not all as they were sealed");
    end(&bed);
    begin_with_seals(&bed);
    swap_hashes(find_row(&bed, &first, 129), find_row(&bed, &second, 130));
    check_part(&bed, 1, 4);
    expect_heard(&bed, 2, "seal 1: its 30 activities are not all as they were sealed");
    end(&bed);
}

/* From the last place of one seal to the next seal's, and back. */
static void test_a_row_that_moved_to_another_seal(void **state)
{
    (void)state;
    struct bed bed;
    begin_with_seals(&bed);
    find_row(&bed, &first, 129)->offset = 130;
    check_part(&bed, 1, 4);
    assert_string_equal(bed.heard[1],
                        "seal 2: 20 activities were sealed, and 21 are there or were erased");
    expect_heard(&bed, 2, "seal 1: 30 activities were sealed, and 29 are there or were erased");
    end(&bed);
    begin_with_seals(&bed);
    find_row(&bed, &second, 130)->offset = 129;
    check_part(&bed, 1, 4);
    expect_heard(&bed, 2, "seal 1: 30 activities were sealed, and 31 are there or were erased");
    end(&bed);
}

static void test_rows_of_the_neighbours_part(void **state)
{
    (void)state;
    struct bed bed;
    begin_with_seals(&bed);
    bed.rows.count = 0;
    add_rows(&bed, &first, 1);
    add_row(&bed, &second, 130);
    check_part(&bed, 1, 2);
    expect_heard(&bed, 1, "1 activities were never sealed");
    add_rows(&bed, &second, 1);
    take_row(&bed, &second, 130);
    check_part(&bed, 2, 3);
    expect_heard(&bed, 1, "seal 2: 20 activities were sealed, and 19 are there or were erased");
    end(&bed);
}

/* Each tells that the other was there, and the rows of the second are nobody's. */
static void test_two_parts_for_one_seal(void **state)
{
    (void)state;
    struct bed bed;
    begin_with_seals(&bed);
    check_part(&bed, 1, 4);
    expect_silence(&bed);
    add_rows(&bed, &second, 1);
    check_part(&bed, 2, 3);
    assert_string_equal(bed.heard[1], "20 activities were never sealed");
    expect_heard(&bed, 2, "seal 2: two parts say that it is theirs");
    end(&bed);
}

/* By whoever makes a chain: each is proven for itself. */
static void test_seals_that_overlap(void **state)
{
    (void)state;
    const struct part_source again = {.log_id = first.log_id,
                                      .partition = first.partition,
                                      .begin = first.begin,
                                      .end = first.begin + 7};
    struct bed bed;
    begin(&bed);
    seal(&bed, &first, 1);
    seal(&bed, &again, 1);
    add_rows(&bed, &first, 1);
    check_part(&bed, 1, 3);
    expect_heard(&bed, 1, "its seals overlap, and count 7 activities again");
    end(&bed);
}

static void test_leaves_that_do_not_belong(void **state)
{
    (void)state;
    struct bed bed;
    begin_with_seals(&bed);
    leave_out(&bed, &second, 140); /* and the row is there still */
    check_part(&bed, 1, 4);
    expect_heard(&bed, 1, "seal 2: 20 activities were sealed, and 21 are there or were erased");
    end(&bed);
    begin_with_seals(&bed);
    take_row(&bed, &second, 140);
    leave_out(&bed, &second, 140);
    bed.check.left_out.leaves[0].hash[0] ^= 1;
    check_part(&bed, 1, 4);
    expect_heard(&bed, 1, "seal 2: its 20 activities are not all as they were sealed");
    end(&bed);
}

static void test_seals_that_the_chain_does_not_have(void **state)
{
    (void)state;
    static const struct seal_range unknown[] = {{0, 0}, {0, 2}, {1, 5}, {4, 5}, {5, 5}, {3, 2}};
    for (size_t i = 0; i < ARRAY_LENGTH(unknown); i++) {
        struct bed bed;
        begin_with_seals(&bed);
        assert_int_equal(seal_check_expire(&bed.check, unknown[i]), STATUS_CORRUPT);
        seal_check_skip(&bed.check, unknown[i]);
        check_part(&bed, unknown[i].begin, unknown[i].end);
        expect_heard(&bed, 1, "the chain does not have the seals that the manifest names");
        check_rest(&bed);
        expect_heard(&bed, 3, "seal 1: 30 activities were sealed, and 0 are there or were erased");
        end(&bed);
    }
}

/* The root is that of the rows, the count is not. */
static void test_a_count_that_is_not_that_of_the_root(void **state)
{
    (void)state;
    struct bed bed;
    begin_with_seals(&bed);
    bed.check.seals[0].rows++;
    check_part(&bed, 1, 4);
    expect_heard(&bed, 1, "seal 1: 31 activities were sealed, and 30 are there or were erased");
    end(&bed);
}

static void test_seals_out_of_order(void **state)
{
    (void)state;
    struct bed bed;
    struct chain_seal odd = {.sources = &third, .source_count = 1};
    begin_with_seals(&bed);
    for (odd.number = 0; odd.number <= 6; odd.number++) {
        if (odd.number != 4) {
            assert_int_equal(seal_check_add(&bed.check, &odd), STATUS_CORRUPT);
        }
    }
    assert_int_equal(bed.check.count, 3);
    end(&bed);
}

/* Neither there nor missed ------------------------------------------------------------------ */

static void test_expired_seals(void **state)
{
    (void)state;
    struct bed bed;
    begin_with_seals(&bed);
    bed.rows.count = 0;
    assert_int_equal(seal_check_expired(&bed.check).all, 0);
    assert_int_equal(seal_check_expire(&bed.check, (struct seal_range){2, 4}), STATUS_OK);
    assert_int_equal(seal_check_expired(&bed.check).all, 21);
    add_rows(&bed, &first, 1);
    check_part(&bed, 1, 4);
    check_rest(&bed);
    expect_silence(&bed);
    assert_int_equal(seal_check_expired(&bed.check).all, 21);
    end(&bed);
}

static void test_rows_of_an_expired_seal(void **state)
{
    (void)state;
    struct bed bed;
    begin_with_seals(&bed);
    assert_int_equal(seal_check_expire(&bed.check, (struct seal_range){2, 3}), STATUS_OK);
    check_part(&bed, 1, 4);
    expect_heard(&bed, 1, "20 activities were never sealed");
    end(&bed);
}

/* Of a damaged part nothing more is said, but that of another is. */
static void test_skipped_seals(void **state)
{
    (void)state;
    struct bed bed;
    begin_with_seals(&bed);
    bed.rows.count = 0;
    seal_check_skip(&bed.check, (struct seal_range){1, 3});
    check_rest(&bed);
    expect_heard(&bed, 1, "seal 3: 1 activities were sealed, and 0 are there or were erased");
    check_part(&bed, 1, 2);
    expect_heard(&bed, 1, "seal 1: two parts say that it is theirs");
    end(&bed);
}

static void test_skipping_leaves_expired_ones(void **state)
{
    (void)state;
    struct bed bed;
    begin_with_seals(&bed);
    assert_int_equal(seal_check_expire(&bed.check, (struct seal_range){1, 2}), STATUS_OK);
    seal_check_skip(&bed.check, (struct seal_range){1, 4});
    assert_int_equal(seal_check_expired(&bed.check).all, 30);
    check_rest(&bed);
    expect_silence(&bed);
    end(&bed);
}

/* Memory ------------------------------------------------------------------------------------ */

/* A seal that did not come in can be told again. */
static void test_memory_runs_out(void **state)
{
    (void)state;
    struct bed bed;
    unsigned failures = 0;
    begin(&bed);
    for (int64_t i = 0; i < 100; i++) {
        const struct part_source range = {.log_id = {{7}}, .begin = i, .end = i + 1};
        const struct chain_seal refused = {
            .number = bed.check.count + 1, .sources = &range, .source_count = 1};
        bool failed = true;
        for (unsigned long nth = 0; failed && nth < 3; nth++) {
            failing_memory_arm(nth);
            enum status status = seal_check_add(&bed.check, &refused);
            failed = failing_memory_disarm();
            assert_int_equal(status, failed ? STATUS_NO_MEMORY : STATUS_OK);
            failures += failed;
        }
        assert_int_equal(bed.check.count, i + 1);
    }
    assert_int_equal(failures, 106); /* each list of ranges, and room for seals: 4, 8, ... 128 */
    failing_memory_arm(0);
    struct placed_leaf leaf = leaf_at(&first, 1);
    assert_int_equal(seal_check_leave_out(&bed.check, &leaf), STATUS_NO_MEMORY);
    assert_true(failing_memory_disarm());
    assert_int_equal(bed.check.left_out.count, 0);
    end(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_as_they_were_sealed),
        cmocka_unit_test(test_each_seal_in_a_part_of_its_own),
        cmocka_unit_test(test_several_logs_and_partitions),
        cmocka_unit_test(test_erased_rows_are_proven_by_their_leaves),
        cmocka_unit_test(test_a_seal_of_which_only_leaves_are_left),
        cmocka_unit_test(test_many_seals),
        cmocka_unit_test(test_nothing_at_all),
        cmocka_unit_test(test_a_part_without_rows),
        cmocka_unit_test(test_a_missing_row),
        cmocka_unit_test(test_an_added_row),
        cmocka_unit_test(test_a_row_that_nobody_sealed),
        cmocka_unit_test(test_a_changed_row),
        cmocka_unit_test(test_rows_that_changed_places),
        cmocka_unit_test(test_a_row_that_moved_to_another_seal),
        cmocka_unit_test(test_rows_of_the_neighbours_part),
        cmocka_unit_test(test_two_parts_for_one_seal),
        cmocka_unit_test(test_seals_that_overlap),
        cmocka_unit_test(test_leaves_that_do_not_belong),
        cmocka_unit_test(test_seals_that_the_chain_does_not_have),
        cmocka_unit_test(test_a_count_that_is_not_that_of_the_root),
        cmocka_unit_test(test_seals_out_of_order),
        cmocka_unit_test(test_expired_seals),
        cmocka_unit_test(test_rows_of_an_expired_seal),
        cmocka_unit_test(test_skipped_seals),
        cmocka_unit_test(test_skipping_leaves_expired_ones),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
