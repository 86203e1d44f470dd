/* Guards the order of leaves, that lists keep all they are given, also when memory runs out, and
 * that the leaf of a stored row is made of all that the row has. */
#include "base/failing_memory.h"
#include "base/little_endian.h"
#include "base/random.h"
#include "infrastructure/activity_store_local/leaf_list.h"
#include "infrastructure/activity_store_local/merkle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { LOGS = 3, PARTITIONS = 4, OFFSETS = 25, LEAVES = LOGS * PARTITIONS * OFFSETS };

/* In the order of seals; the hash says the place in it. */
static struct placed_leaf leaf_in_order(uint32_t i)
{
    static const int32_t partitions[PARTITIONS] = {0, 1, 256, INT32_MAX};
    uint32_t offset = i % OFFSETS;
    struct placed_leaf leaf = {.log_id = {{[15] = (uint8_t)(i / OFFSETS / PARTITIONS)}},
                               .partition = partitions[i / OFFSETS % PARTITIONS],
                               .offset = offset + 1 == OFFSETS ? INT64_MAX : offset * 200};
    little_endian_put_u32(leaf.hash, i);
    return leaf;
}

static void fill(struct leaf_list *list, const struct random *random, uint32_t swaps)
{
    for (uint32_t i = 0; i < LEAVES; i++) {
        struct placed_leaf leaf = leaf_in_order(i);
        assert_int_equal(leaf_list_add(list, &leaf), STATUS_OK);
    }
    for (uint32_t i = 0; i < swaps; i++) {
        struct placed_leaf *a = &list->leaves[random_below(random, LEAVES)];
        struct placed_leaf *b = &list->leaves[random_below(random, LEAVES)];
        struct placed_leaf kept = *a;
        *a = *b;
        *b = kept;
    }
}

static void assert_in_order(const struct leaf_list *list, size_t count)
{
    assert_int_equal(list->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(little_endian_get_u32(list->leaves[i].hash), i);
    }
}

static void test_order(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < LEAVES; i++) {
        for (uint32_t j = 0; j < LEAVES; j++) {
            struct placed_leaf a = leaf_in_order(i);
            struct placed_leaf b = leaf_in_order(j);
            int order = placed_leaf_compare(&a, &b);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

static void test_sort(void **state)
{
    (void)state;
    static const uint32_t swaps[] = {0, 1, 2, 10, 5 * LEAVES};
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct random_seeded seeded;
        struct random random = random_from_seed(&seeded, seed);
        struct leaf_list list = {0};
        fill(&list, &random, swaps[seed % ARRAY_LENGTH(swaps)]);
        leaf_list_sort(&list);
        assert_in_order(&list, LEAVES);
        leaf_list_deinit(&list);
    }
}

static void test_sort_of_few(void **state)
{
    (void)state;
    struct leaf_list list = {0};
    leaf_list_sort(&list);
    assert_null(list.leaves);
    for (uint32_t i = 0; i < 2; i++) {
        struct placed_leaf leaf = leaf_in_order(1 - i);
        assert_int_equal(leaf_list_add(&list, &leaf), STATUS_OK);
        leaf_list_sort(&list);
    }
    assert_in_order(&list, 2);
    leaf_list_deinit(&list);
    assert_int_equal(list.capacity, 0);
}

static void test_reserve(void **state)
{
    (void)state;
    struct leaf_list list = {0};
    struct placed_leaf leaf = leaf_in_order(0);
    assert_int_equal(leaf_list_reserve(&list, 10), STATUS_OK);
    assert_int_equal(list.capacity, 10);
    const struct placed_leaf *begin = list.leaves;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(leaf_list_add(&list, &leaf), STATUS_OK);
    }
    assert_int_equal(leaf_list_reserve(&list, 5), STATUS_OK);
    assert_int_equal(list.capacity, 10);
    assert_ptr_equal(list.leaves, begin);
    leaf_list_deinit(&list);
}

/* A list that could not grow is as it was, and grows when there is memory again. */
static void test_memory_runs_out(void **state)
{
    (void)state;
    struct leaf_list list = {0};
    unsigned failures = 0;
    for (uint32_t i = 0; i < LEAVES; i++) {
        struct placed_leaf leaf = leaf_in_order(i);
        failing_memory_arm(0);
        enum status status = leaf_list_add(&list, &leaf);
        bool failed = failing_memory_disarm();
        assert_int_equal(status, failed ? STATUS_NO_MEMORY : STATUS_OK);
        failures += failed;
        if (failed) {
            assert_in_order(&list, i);
            assert_int_equal(leaf_list_add(&list, &leaf), STATUS_OK);
        }
    }
    assert_in_order(&list, LEAVES);
    assert_true(failures >= 2 && failures <= 10);
    failing_memory_arm(0);
    assert_int_equal(leaf_list_reserve(&list, list.capacity + 1), STATUS_NO_MEMORY);
    assert_true(failing_memory_disarm());
    assert_in_order(&list, LEAVES);
    leaf_list_deinit(&list);
}

/* Roots ------------------------------------------------------------------------------------- */

static void test_root(void **state)
{
    (void)state;
    struct leaf_list list = {0};
    struct sha256 sha256;
    struct merkle merkle;
    uint8_t root[SHA256_BYTES];
    uint8_t expected[SHA256_BYTES];
    assert_int_equal(sha256_init(&sha256), STATUS_OK);
    for (uint32_t count = 0; count <= 40; count++) {
        merkle_init(&merkle, &sha256);
        for (uint32_t i = 0; i < count; i++) {
            merkle_add_leaf(&merkle, leaf_in_order(i).hash);
        }
        assert_int_equal(merkle_root(&merkle, expected), STATUS_OK);
        assert_int_equal(leaf_list_root(&list, &sha256, root), STATUS_OK);
        assert_memory_equal(root, expected, sizeof root);
        struct placed_leaf next = leaf_in_order(count);
        assert_int_equal(leaf_list_add(&list, &next), STATUS_OK);
    }
    leaf_list_deinit(&list);
    sha256_deinit(&sha256);
}

static void expect_leaf(const struct part_row *row, const uint8_t *salt)
{
    static const struct part_source source = {
        .log_id = {{9, 8, 7}}, .partition = 3, .begin = 1, .end = 1000};
    const struct leaf_content content = {.log_id = source.log_id,
                                         .position = {source.partition, row->offset},
                                         .activity = &row->activity,
                                         .salt = salt};
    struct placed_leaf leaf;
    struct sha256 sha256;
    uint8_t expected[SHA256_BYTES];
    assert_int_equal(sha256_init(&sha256), STATUS_OK);
    assert_int_equal(leaf_hash(&sha256, &content, expected), STATUS_OK);
    assert_int_equal(placed_leaf_make(&sha256, row, &source, &leaf), STATUS_OK);
    assert_true(uuid_equal(leaf.log_id, source.log_id));
    assert_int_equal(leaf.partition, 3);
    assert_int_equal(leaf.offset, row->offset);
    assert_memory_equal(leaf.hash, expected, sizeof expected);
    sha256_deinit(&sha256);
}

static void test_leaf_of_a_row(void **state)
{
    (void)state;
    static const uint8_t salt[LEAF_SALT_BYTES] = {8, 7, 6, 5, 4, 3, 2, 1};
    struct part_row row = {.activity = {.id = STR("row-1"),
                                        .user_id = STR("101"),
                                        .action = STR("login"),
                                        .metadata = STR("{}"),
                                        .timestamp_ms = 1768435085442,
                                        .received_at_ms = 1768435085999},
                           .offset = 77};
    expect_leaf(&row, NULL);
    row.salt = UINT64_C(0x0102030405060708);
    expect_leaf(&row, salt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),           cmocka_unit_test(test_sort),
        cmocka_unit_test(test_sort_of_few),     cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_memory_runs_out), cmocka_unit_test(test_root),
        cmocka_unit_test(test_leaf_of_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
