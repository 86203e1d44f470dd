/* Headers and frames come back as they were written, and every flipped bit shows. */
#include "base/random.h"
#include "infrastructure/event_log_local/segment_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct uuid log_id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static const struct activity sample = {
    .id = {"id-1", 4},
    .user_id = {"üser", 5},
    .action = {"CLICK", 5},
    .metadata = {"{\"a\":1}", 7},
    .timestamp_ms = 1700000000123,
    .received_at_ms = 1700000000456,
};

/* The format is on disks: a change of these bytes is a new format and needs a new magic. */
static void the_header_has_its_bytes(void **state)
{
    (void)state;
    const struct commit_header header = {.log_id = log_id,
                                         .sequence = 7,
                                         .first_offset = 300,
                                         .body_bytes = 65,
                                         .count = 1,
                                         .written_at_ms = 1700000000000,
                                         .digest = 0x01020304};
    uint8_t bytes[COMMIT_HEADER_BYTES];
    commit_header_encode(&header, bytes);
    static const uint8_t start[] = {0xf8, 'U', 'T', 1};
    static const uint8_t rest[] = {7,    0, 0,  0, 0, 0, 0, 0, 0x2c, 1, 0,    0,    0,    0,
                                   0,    0, 65, 0, 0, 0, 1, 0, 0,    0, 0x00, 0x68, 0xe5, 0xcf,
                                   0x8b, 1, 0,  0, 4, 3, 2, 1, 0,    0, 0,    0};
    assert_memory_equal(bytes, start, sizeof start);
    assert_memory_equal(bytes + 8, log_id.bytes, UUID_BYTES);
    assert_memory_equal(bytes + 24, rest, sizeof rest);
    struct commit_header back;
    assert_true(commit_header_decode(bytes, &back));
    assert_int_equal(back.sequence, 7);
    assert_int_equal(back.first_offset, 300);
    assert_int_equal(back.body_bytes, 65);
    assert_int_equal(back.count, 1);
    assert_int_equal(back.written_at_ms, 1700000000000);
    assert_int_equal(back.digest, 0x01020304);
    for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_false(commit_header_decode(bytes, &back));
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

static void a_frame_comes_back(void **state)
{
    (void)state;
    size_t length = frame_length(&sample);
    assert_int_equal(length, FRAME_HEADER_BYTES + 21);
    uint8_t bytes[128];
    uint32_t seed = frame_seed(log_id);
    assert_ptr_equal(frame_encode(bytes, length, &sample, seed), bytes + length);
    uint32_t digest = 0;
    assert_ptr_equal(frame_stamp(bytes, 77, &digest), bytes + length);
    struct logged_activity row;
    uint32_t crc = 0;
    assert_true(frame_decode(bytes, length, seed, &row, &crc));
    assert_int_equal(row.position.offset, 77);
    assert_true(str_equal(row.activity.id, sample.id));
    assert_true(activity_same_content(&row.activity, &sample, true));
    assert_int_equal(row.activity.received_at_ms, sample.received_at_ms);
    assert_false(frame_decode(bytes, length, seed + 1, &row, NULL)); /* of another log */
    for (size_t bit = 0; bit < length * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_false(frame_decode(bytes, length, seed, &row, NULL));
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

/* Texts that the lengths of the format cannot hold are refused, not cut. */
static void texts_beyond_the_format_have_no_frame(void **state)
{
    (void)state;
    struct activity activity = sample;
    activity.id.len = 256;
    assert_int_equal(frame_length(&activity), 0);
    activity = sample;
    activity.user_id.len = 65536;
    assert_int_equal(frame_length(&activity), 0);
    activity = sample;
    activity.action.len = 65536;
    assert_int_equal(frame_length(&activity), 0);
}

/* A torn write leaves the front of a header or zeros; everything else is somebody else's. */
static void what_a_segment_may_begin_with(void **state)
{
    (void)state;
    static const uint8_t zeros[COMMIT_HEADER_BYTES];
    uint8_t bytes[COMMIT_HEADER_BYTES];
    commit_header_encode(&(struct commit_header){.log_id = log_id}, bytes);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        assert_true(commit_header_may_begin(bytes, len));
        assert_true(commit_header_may_begin(zeros, len));
    }
    for (size_t at = 0; at < 4; at++) {
        bytes[at] ^= 0x20;
        assert_false(commit_header_may_begin(bytes, sizeof bytes));
        bytes[at] ^= 0x20;
    }
    assert_false(commit_header_may_begin((const uint8_t *)"{", 1));
}

/* Random bytes are neither, whatever they claim. */
static void noise_is_nothing(void **state)
{
    (void)state;
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 3);
    uint8_t bytes[256];
    for (int i = 0; i < 20000; i++) {
        random_fill(&random, bytes, sizeof bytes);
        struct commit_header header;
        struct logged_activity row;
        assert_false(commit_header_decode(bytes, &header));
        assert_false(frame_decode(bytes, sizeof bytes, frame_seed(log_id), &row, NULL));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_has_its_bytes),
        cmocka_unit_test(a_frame_comes_back),
        cmocka_unit_test(texts_beyond_the_format_have_no_frame),
        cmocka_unit_test(what_a_segment_may_begin_with),
        cmocka_unit_test(noise_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
