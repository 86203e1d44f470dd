/* Guards that a leaf is the hash that leaf.h defines, and that it changes with all that it holds.
 */
#include "base/buffer.h"
#include "base/little_endian.h"
#include "infrastructure/activity_store_local/leaf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static const uint8_t salt[LEAF_SALT_BYTES] = {9, 8, 7, 6, 5, 4, 3, 2};

static struct activity sample(void)
{
    return (struct activity){.id = STR("019bbef1-f082-7800-8000-0123456789ab"),
                             .user_id = STR("101"),
                             .action = STR("login_attempt"),
                             .metadata = STR("{\"ip\":\"192.168.1.1\"}"),
                             .timestamp_ms = INT64_C(1768435085442),
                             .received_at_ms = INT64_C(1768435085999)};
}

static struct leaf_content content_of(const struct activity *activity)
{
    return (struct leaf_content){
        .log_id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
        .position = {3, INT64_C(0x0102030405060708)},
        .activity = activity,
        .salt = salt};
}

static void hash_of(const struct leaf_content *content, uint8_t out[SHA256_BYTES])
{
    struct sha256 sha256;
    assert_int_equal(sha256_init(&sha256), STATUS_OK);
    assert_int_equal(leaf_hash(&sha256, content, out), STATUS_OK);
    sha256_deinit(&sha256);
}

static void append_text(struct buffer *bytes, struct str text)
{
    uint8_t len[4];
    little_endian_put_u32(len, (uint32_t)text.len);
    buffer_append(bytes, len, sizeof len);
    buffer_append_str(bytes, text);
}

/* The definition, written down once more in one piece. */
static void expected_of(const struct leaf_content *content, uint8_t out[SHA256_BYTES])
{
    const struct activity *activity = content->activity;
    uint8_t fixed[45] = {0x00};
    struct buffer bytes;
    struct sha256 sha256;
    memcpy(fixed + 1, content->log_id.bytes, 16);
    little_endian_put_u32(fixed + 17, (uint32_t)content->position.partition);
    little_endian_put_u64(fixed + 21, (uint64_t)content->position.offset);
    little_endian_put_u64(fixed + 29, (uint64_t)activity->timestamp_ms);
    little_endian_put_u64(fixed + 37, (uint64_t)activity->received_at_ms);
    buffer_init(&bytes, 1 << 20);
    buffer_append(&bytes, fixed, sizeof fixed);
    buffer_append_char(&bytes, content->salt == NULL ? 0 : 8);
    buffer_append(&bytes, content->salt, content->salt == NULL ? 0 : 8);
    append_text(&bytes, activity->id);
    append_text(&bytes, activity->user_id);
    append_text(&bytes, activity->action);
    append_text(&bytes, activity->metadata);
    assert_int_equal(bytes.failed, STATUS_OK);
    assert_int_equal(sha256_init(&sha256), STATUS_OK);
    assert_int_equal(sha256_once(&sha256, bytes.data, bytes.len, out), STATUS_OK);
    sha256_deinit(&sha256);
    buffer_deinit(&bytes);
}

/* Metadata of every length around what is gathered, so that each text once meets the edge. */
static void test_as_defined(void **state)
{
    (void)state;
    static char text[5000];
    memset(text, 'm', sizeof text);
    for (size_t len = 0; len <= sizeof text; len += len < 1200 ? 1 : 97) {
        struct activity activity = sample();
        struct leaf_content content = content_of(&activity);
        uint8_t expected[SHA256_BYTES];
        uint8_t leaf[SHA256_BYTES];
        struct str *texts[] = {&activity.metadata, &activity.user_id, &activity.action};
        *texts[len % ARRAY_LENGTH(texts)] = (struct str){text, len};
        content.salt = len % 2 == 0 ? salt : NULL;
        expected_of(&content, expected);
        hash_of(&content, leaf);
        assert_memory_equal(leaf, expected, sizeof leaf);
    }
}

/* Computed by another program (Python's hashlib). */
static void test_known_leaf(void **state)
{
    (void)state;
    struct activity activity = sample();
    struct leaf_content content = content_of(&activity);
    uint8_t leaf[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];
    hash_of(&content, leaf);
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        snprintf(hex + 2 * i, 3, "%02x", leaf[i]);
    }
    assert_string_equal(hex, "bc06696a5c6ed27d9e49e2a40523441901872be9a3c78b310b85dd33b4256600");
}

/* Bytes that move from one text to the next are another activity, too. */
static void test_each_member_counts(void **state)
{
    (void)state;
    enum { VARIANTS = 12 };
    struct activity activities[VARIANTS];
    struct leaf_content contents[VARIANTS];
    uint8_t leaves[VARIANTS][SHA256_BYTES];
    static const uint8_t other_salt[LEAF_SALT_BYTES] = {9, 8, 7, 6, 5, 4, 3, 3};
    for (size_t i = 0; i < VARIANTS; i++) {
        activities[i] = sample();
        contents[i] = content_of(&activities[i]);
    }
    contents[1].log_id.bytes[15] ^= 1;
    contents[2].position.partition++;
    contents[3].position.offset++;
    contents[4].salt = NULL;
    contents[5].salt = other_salt;
    activities[6].timestamp_ms++;
    activities[7].received_at_ms++;
    activities[8].id = STR("019bbef1-f082-7800-8000-0123456789ac");
    activities[9].user_id = STR("10");
    activities[9].action = STR("1login_attempt");
    activities[10].action = STR("login_attempt{");
    activities[10].metadata = STR("\"ip\":\"192.168.1.1\"}");
    activities[11].metadata = STR("{\"ip\":\"192.168.1.2\"}");
    for (size_t i = 0; i < VARIANTS; i++) {
        hash_of(&contents[i], leaves[i]);
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(leaves[i], leaves[j], SHA256_BYTES);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_defined),
        cmocka_unit_test(test_known_leaf),
        cmocka_unit_test(test_each_member_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
