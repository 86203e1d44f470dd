/* Guards that a cursor leads on exactly where it was made, and that a damaged one is refused. */
#include "base/base64url.h"
#include "base/crc32c.h"
#include "base/little_endian.h"
#include "base/macros.h"
#include "base/timestamp.h"
#include "domain/activity_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
static struct activity_cursor cursor_with_id(size_t id_len)
{
    struct activity_cursor cursor = {
        .order = ORDER_OLDEST_FIRST,
        .filter_hash = UINT64_C(0xfedcba9876543210),
        .timestamp_ms = INT64_C(1768435085442),
        .id_len = id_len,
    };
    for (size_t i = 0; i < id_len; i++) {
        cursor.id[i] = (char)('a' + i % 26);
    }
    return cursor;
}

static void assert_refused(struct str text)
{
    struct activity_cursor cursor = {.id_len = 4711};
    struct error err;
    if (activity_cursor_decode(text, &cursor, &err) != STATUS_INVALID) {
        fail_msg("\"%.*s\" was read", STR_FORMAT(text));
    }
    assert_int_equal(err.status, STATUS_INVALID);
    assert_int_equal(cursor.id_len, 4711);
}

static void test_round_trip(void **state)
{
    (void)state;
    static const int64_t times[] = {TIMESTAMP_MS_MIN, 1, INT64_C(1768435085442), TIMESTAMP_MS_MAX};
    for (size_t id_len = 1; id_len <= ACTIVITY_ID_BYTES_MAX; id_len++) {
        struct activity_cursor cursor = cursor_with_id(id_len);
        struct activity_cursor again;
        struct buffer text;
        cursor.timestamp_ms = times[id_len % ARRAY_LENGTH(times)];
        cursor.order = id_len % 2 == 0 ? ORDER_NEWEST_FIRST : ORDER_OLDEST_FIRST;
        buffer_init(&text, 1000);
        activity_cursor_encode(&cursor, &text);
        assert_int_equal(activity_cursor_decode(buffer_str(&text), &again, NULL), STATUS_OK);
        assert_int_equal(again.order, cursor.order);
        assert_true(again.filter_hash == cursor.filter_hash);
        assert_int_equal(again.timestamp_ms, cursor.timestamp_ms);
        assert_int_equal(again.id_len, id_len);
        assert_memory_equal(again.id, cursor.id, id_len);
        buffer_deinit(&text);
    }
}

/* Every bit of the text, every cut of it and every text with more behind it. */
static void test_damaged_texts_are_refused(void **state)
{
    (void)state;
    struct activity_cursor cursor = cursor_with_id(36);
    struct buffer text;
    buffer_init(&text, 1000);
    activity_cursor_encode(&cursor, &text);
    for (size_t bit = 0; bit < text.len * 8; bit++) {
        text.data[bit / 8] = (char)(text.data[bit / 8] ^ (1 << bit % 8));
        assert_refused(buffer_str(&text));
        text.data[bit / 8] = (char)(text.data[bit / 8] ^ (1 << bit % 8));
    }
    for (size_t len = 0; len < text.len; len++) {
        assert_refused((struct str){.data = text.data, .len = len});
        assert_refused((struct str){.data = text.data + len + 1, .len = text.len - len - 1});
    }
    buffer_append_char(&text, 'A');
    assert_refused(buffer_str(&text));
    buffer_append_literal(&text, "AAA");
    assert_refused(buffer_str(&text));
    buffer_deinit(&text);
    assert_refused(STR("next"));
    assert_refused((struct str){0});
}

/* Bytes with a right checksum that say something impossible. */
static void assert_bytes_refused(unsigned char *bytes, size_t len)
{
    struct buffer text;
    buffer_init(&text, 1000);
    little_endian_put_u32(bytes + len - 4, crc32c(bytes, len - 4));
    base64url_encode(bytes, len, &text);
    assert_refused(buffer_str(&text));
    buffer_deinit(&text);
}

static void test_impossible_cursors_are_refused(void **state)
{
    (void)state;
    struct activity_cursor cursor;
    struct buffer text;
    unsigned char bytes[300] = {1, 0};
    size_t len = 18 + 1 + 4;
    buffer_init(&text, 1000);
    little_endian_put_u32(bytes + len - 4, crc32c(bytes, len - 4));
    base64url_encode(bytes, len, &text);
    assert_int_equal(activity_cursor_decode(buffer_str(&text), &cursor, NULL), STATUS_OK);
    buffer_deinit(&text);
    assert_bytes_refused(bytes, len - 1); /* no id */
    assert_bytes_refused(bytes, 18 + ACTIVITY_ID_BYTES_MAX + 1 + 4);
    bytes[0] = 2;
    assert_bytes_refused(bytes, len);
    bytes[0] = 1;
    bytes[1] = 2;
    assert_bytes_refused(bytes, len);
    bytes[1] = 0;
    little_endian_put_u64(bytes + 10, (uint64_t)TIMESTAMP_MS_MAX + 1);
    assert_bytes_refused(bytes, len);
    little_endian_put_u64(bytes + 10, UINT64_MAX);
    assert_bytes_refused(bytes, len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_damaged_texts_are_refused),
        cmocka_unit_test(test_impossible_cursors_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
