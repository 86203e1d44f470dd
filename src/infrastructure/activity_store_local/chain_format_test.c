/* Guards what chain_test.c does not see through a file: the hash of a user, and how many leaves a
 * record may have. */
#include "base/crc32c.h"
#include "base/little_endian.h"
#include "infrastructure/activity_store_local/chain_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static const struct uuid store_id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

/* Computed by another program (Python's hashlib). */
static void test_user_hash(void **state)
{
    (void)state;
    static const uint8_t salt[CHAIN_SALT_BYTES] = {1, 2, 3};
    struct sha256 sha256;
    uint8_t hash[SHA256_BYTES];
    char text[2 * SHA256_BYTES + 1];
    assert_int_equal(sha256_init(&sha256), STATUS_OK);
    assert_int_equal(chain_user_hash(&sha256, salt, STR("101"), hash), STATUS_OK);
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
    }
    assert_string_equal(text, "475ec5ddc5f07a611ae3343033648d9ff18a5004753a9bcf6c3ce4f0b4239ef7");
    sha256_deinit(&sha256);
}

static void make_leaves(struct placed_leaf leaves[CHAIN_LEAVES_MAX])
{
    for (uint32_t i = 0; i < CHAIN_LEAVES_MAX; i++) {
        leaves[i] = (struct placed_leaf){.log_id = {{7}}, .offset = i};
        memset(leaves[i].hash, (int)(i % 251), sizeof leaves[i].hash);
    }
}

/* As many leaves as may be come back; one more would fit into a record, and is refused. */
static void test_most_leaves(void **state)
{
    (void)state;
    static struct placed_leaf many[CHAIN_LEAVES_MAX];
    static struct chain_lists lists;
    static const uint8_t one_more[CHAIN_LEAF_BYTES];
    const struct chain_record most = {.kind = CHAIN_LEFT_OUT, .left_out = {many, CHAIN_LEAVES_MAX}};
    struct chain_record record;
    struct chain_end start;
    struct chain_end end;
    struct sha256 sha256;
    struct buffer bytes;
    make_leaves(many);
    buffer_init(&bytes, CHAIN_RECORD_BYTES_MAX);
    assert_int_equal(sha256_init(&sha256), STATUS_OK);
    assert_int_equal(chain_start(&sha256, store_id, &start), STATUS_OK);
    assert_int_equal(chain_record_encode(&sha256, &most, &start, &bytes, &end), STATUS_OK);
    uint8_t *written = (uint8_t *)bytes.data;
    end = start;
    assert_int_equal(chain_record_decode(&sha256, written, &lists, &end, &record), STATUS_OK);
    assert_int_equal(record.kind, CHAIN_LEFT_OUT);
    assert_int_equal(record.left_out.leaf_count, CHAIN_LEAVES_MAX);
    for (uint32_t i = 0; i < CHAIN_LEAVES_MAX; i++) {
        assert_int_equal(record.left_out.leaves[i].offset, i);
        assert_memory_equal(record.left_out.leaves[i].hash, many[i].hash, SHA256_BYTES);
    }
    buffer_append(&bytes, one_more, sizeof one_more);
    assert_int_equal(bytes.failed, STATUS_OK);
    written = (uint8_t *)bytes.data;
    size_t covered = bytes.len - CHAIN_CRC_BYTES;
    little_endian_put_u32(written, (uint32_t)(covered - CHAIN_HEAD_BYTES));
    little_endian_put_u32(written + CHAIN_HEAD_BYTES, CHAIN_LEAVES_MAX + 1);
    little_endian_put_u32(written + covered, crc32c(written, covered));
    assert_int_not_equal(chain_record_bytes(little_endian_get_u32(written)), 0);
    end = start;
    assert_int_equal(chain_record_decode(&sha256, written, &lists, &end, &record), STATUS_CORRUPT);
    assert_memory_equal(&end, &start, sizeof end);
    buffer_deinit(&bytes);
    sha256_deinit(&sha256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_user_hash),
        cmocka_unit_test(test_most_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
