/* Guards that the root is the one that merkle.h defines, by a second way of computing it that has
 * all leaves in memory, and that no two lists of leaves have the same root. */
#include "base/little_endian.h"
#include "base/random.h"
#include "infrastructure/activity_store_local/merkle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { LEAVES_MAX = 5000 };

static uint8_t leaves[LEAVES_MAX][SHA256_BYTES];

static int make_leaves(void **state)
{
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 4);
    (void)state;
    random_fill(&random, leaves, sizeof leaves);
    return 0;
}

static void node_of(struct sha256 *sha256, uint8_t level, const uint8_t *children, size_t count,
                    uint8_t out[SHA256_BYTES])
{
    sha256_begin(sha256);
    sha256_add(sha256, "\x01", 1);
    sha256_add(sha256, &level, 1);
    sha256_add(sha256, children, count * SHA256_BYTES);
    assert_int_equal(sha256_end(sha256, out), STATUS_OK);
}

/* The node of a level that holds the leaves from `first` on; 16^level of them, or what is left. */
static void node_over(struct sha256 *sha256, uint8_t level, size_t first, size_t end,
                      uint8_t out[SHA256_BYTES])
{
    uint8_t children[16][SHA256_BYTES];
    size_t count = 0;
    size_t below = 1;
    if (level == 0) {
        memcpy(out, leaves[first], SHA256_BYTES);
        return;
    }
    for (uint8_t i = 1; i < level; i++) {
        below *= 16;
    }
    for (size_t at = first; at < end && count < 16; at += below) {
        node_over(sha256, (uint8_t)(level - 1), at, end, children[count++]);
    }
    node_of(sha256, level, children[0], count, out);
}

static void naive_root(struct sha256 *sha256, size_t count, uint8_t out[SHA256_BYTES])
{
    uint8_t head[9] = {0x02};
    uint8_t top[SHA256_BYTES];
    uint8_t level = 0;
    for (size_t held = 1; held < count; held *= 16) {
        level++;
    }
    if (count > 0) {
        node_over(sha256, level, 0, count, top);
    }
    little_endian_put_u64(head + 1, count);
    sha256_begin(sha256);
    sha256_add(sha256, head, sizeof head);
    sha256_add(sha256, top, count == 0 ? 0 : sizeof top);
    assert_int_equal(sha256_end(sha256, out), STATUS_OK);
}

static void streamed_root(struct sha256 *sha256, size_t count, uint8_t out[SHA256_BYTES])
{
    struct merkle merkle;
    merkle_init(&merkle, sha256);
    for (size_t i = 0; i < count; i++) {
        merkle_add_leaf(&merkle, leaves[i]);
    }
    assert_int_equal(merkle_root(&merkle, out), STATUS_OK);
}

/* Each number up to two full levels, then steps that meet every remainder. */
static void test_root_as_defined(void **state)
{
    (void)state;
    struct sha256 sha256;
    assert_int_equal(sha256_init(&sha256), STATUS_OK);
    for (size_t count = 0; count <= LEAVES_MAX; count += count < 600 || count > 4090 ? 1 : 7) {
        uint8_t expected[SHA256_BYTES];
        uint8_t root[SHA256_BYTES];
        naive_root(&sha256, count, expected);
        streamed_root(&sha256, count, root);
        if (memcmp(root, expected, sizeof root) != 0) {
            fail_msg("another root for %zu leaves", count);
        }
    }
    sha256_deinit(&sha256);
}

/* Computed by another program (Python's hashlib) from the definition; the leaves are SHA-256 of
 * their number as one byte. */
static void test_known_roots(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        const char *root;
    } known[] = {
        {0, "4322fd2bc0a137d1375b37b3b2e2b4715b3d3dd7ca9682438d4fea0f8437fad3"},
        {1, "a75c2eda6b9b4e5b06c7d58d10fe1a515bb689c88691c5376633f38dba135942"},
        {2, "23af7f84131ed235f00a643299cc79cc8a80a16afeb35d6799520641737b41ad"},
        {16, "4c66559586399ab8d40f5e5fa3f4771140c328e6aa47ec05f8d53416f3b9bd86"},
        {17, "c2a7547c6783b249c19c3270d74b7b6207f8d4c28d7b81c8f0bbad46154e8faa"},
        {256, "0b85a95c06526a08a2f52ad549af9da2eb8849ba4a1f6000d7ed2c749efe42e1"},
        {257, "3d34da66ea42048576c0ff8589291a4d6b32e6970abbef08e4f1e2a18602c4ad"},
        {1000, "3c41fa6100c8dc7ce8c7ddba228f759510e13a5a8b4124c2dde0e21531cef4eb"},
    };
    struct sha256 sha256;
    assert_int_equal(sha256_init(&sha256), STATUS_OK);
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        struct merkle merkle;
        uint8_t hash[SHA256_BYTES];
        char text[2 * SHA256_BYTES + 1];
        merkle_init(&merkle, &sha256);
        for (size_t j = 0; j < known[i].count; j++) {
            uint8_t number = (uint8_t)j;
            assert_int_equal(sha256_once(&sha256, &number, 1, hash), STATUS_OK);
            merkle_add_leaf(&merkle, hash);
        }
        assert_int_equal(merkle_root(&merkle, hash), STATUS_OK);
        for (size_t j = 0; j < SHA256_BYTES; j++) {
            snprintf(text + 2 * j, 3, "%02x", hash[j]);
        }
        assert_string_equal(text, known[i].root);
    }
    sha256_deinit(&sha256);
}

static void root_of(struct sha256 *sha256, uint8_t (*some)[SHA256_BYTES], size_t count,
                    uint8_t out[SHA256_BYTES])
{
    struct merkle merkle;
    merkle_init(&merkle, sha256);
    for (size_t i = 0; i < count; i++) {
        merkle_add_leaf(&merkle, some[i]);
    }
    assert_int_equal(merkle_root(&merkle, out), STATUS_OK);
}

/* A leaf that is a node of others, another order, one leaf more or fewer, a bit in any leaf. */
static void test_other_leaves_other_root(void **state)
{
    (void)state;
    enum { COUNT = 273 };
    static uint8_t some[COUNT][SHA256_BYTES];
    uint8_t root[SHA256_BYTES];
    uint8_t other[SHA256_BYTES];
    struct sha256 sha256;
    assert_int_equal(sha256_init(&sha256), STATUS_OK);
    memcpy(some, leaves, sizeof some);
    root_of(&sha256, some, COUNT, root);
    for (size_t i = 0; i < COUNT; i++) {
        some[i][i % SHA256_BYTES] ^= 0x10;
        root_of(&sha256, some, COUNT, other);
        assert_memory_not_equal(root, other, sizeof root);
        some[i][i % SHA256_BYTES] ^= 0x10;
    }
    memcpy(some[4], leaves[5], SHA256_BYTES);
    memcpy(some[5], leaves[4], SHA256_BYTES);
    root_of(&sha256, some, COUNT, other);
    assert_memory_not_equal(root, other, sizeof root);
    root_of(&sha256, leaves, 32, root);
    node_of(&sha256, 1, leaves[0], 16, some[0]);
    node_of(&sha256, 1, leaves[16], 16, some[1]);
    root_of(&sha256, some, 2, other);
    assert_memory_not_equal(root, other, sizeof root);
    sha256_deinit(&sha256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_root_as_defined),
        cmocka_unit_test(test_known_roots),
        cmocka_unit_test(test_other_leaves_other_root),
    };
    return cmocka_run_group_tests(tests, make_leaves, NULL);
}
