/*
 * Guards the text of receipts: it comes back as it was made, and no damaged, cut or made-up text is
 * taken for one.
 */
#include "application/receipt.h"
#include "base/base64url.h"
#include "base/crc32c.h"
#include "base/little_endian.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TEXT_BYTES_MAX = 2 << 20, RAW_BYTES_MAX = 16 * 1024 };

static const struct uuid log_id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255}};

static enum status decode(struct str text, struct uuid *out_log_id, struct position_set *positions)
{
    struct error err = {0};
    enum status status = receipt_decode(text, out_log_id, positions, &err);
    assert_true(status == STATUS_OK || (err.status == status && err.message[0] != '\0'));
    return status;
}

/* Refused, and neither output was touched. */
static void expect_refused(struct str text)
{
    struct uuid id = {{0}};
    struct position_set positions;
    position_set_init(&positions);
    assert_int_equal(decode(text, &id, &positions), STATUS_INVALID);
    assert_int_equal(positions.count, 0);
    assert_true(uuid_equal(id, (struct uuid){{0}}));
    position_set_deinit(&positions);
}

static void expect_round_trip(const struct position *positions, size_t count)
{
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    receipt_encode(log_id, positions, count, &text);
    assert_int_equal(text.failed, STATUS_OK);
    struct uuid id;
    struct position_set set;
    position_set_init(&set);
    assert_int_equal(decode(buffer_str(&text), &id, &set), STATUS_OK);
    assert_true(uuid_equal(id, log_id));
    assert_int_equal(set.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(set.items[i].partition, positions[i].partition);
        assert_int_equal(set.items[i].offset, positions[i].offset);
    }
    position_set_deinit(&set);
    buffer_deinit(&text);
}

static void comes_back_as_it_was_made(void **state)
{
    (void)state;
    const struct position few[] = {{0, 0}, {7, 1}, {65535, INT64_MAX}};
    for (size_t count = 0; count <= ARRAY_LENGTH(few); count++) {
        expect_round_trip(few, count);
    }
}

static void holds_as_many_partitions_as_it_may(void **state)
{
    (void)state;
    struct position *many = calloc(RECEIPT_POSITIONS_MAX, sizeof *many);
    assert_non_null(many);
    for (int32_t i = 0; i < RECEIPT_POSITIONS_MAX; i++) {
        many[i] = (struct position){i, INT64_C(1000000007) * i};
    }
    expect_round_trip(many, RECEIPT_POSITIONS_MAX);
    free(many);
}

/* "Raises": what the caller knows already is not lowered. */
static void raises_what_is_known(void **state)
{
    (void)state;
    const struct position positions[] = {{0, 10}, {1, 10}};
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    receipt_encode(log_id, positions, 2, &text);
    struct uuid id;
    struct position_set set;
    position_set_init(&set);
    assert_int_equal(position_set_raise(&set, (struct position){1, 20}), STATUS_OK);
    assert_int_equal(decode(buffer_str(&text), &id, &set), STATUS_OK);
    assert_int_equal(position_set_get(&set, 0), 10);
    assert_int_equal(position_set_get(&set, 1), 20);
    position_set_deinit(&set);
    buffer_deinit(&text);
}

static void expect_bytes_refused(const unsigned char *bytes, size_t len)
{
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    base64url_encode(bytes, len, &text);
    expect_refused(buffer_str(&text));
    buffer_deinit(&text);
}

static size_t raw_receipt(unsigned char bytes[RAW_BYTES_MAX])
{
    const struct position positions[] = {{0, 4711}, {3, 1}};
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    receipt_encode(log_id, positions, 2, &text);
    size_t len = 0;
    assert_true(base64url_decode(buffer_str(&text), bytes, RAW_BYTES_MAX, &len));
    buffer_deinit(&text);
    return len;
}

static void every_flipped_bit_is_noticed(void **state)
{
    (void)state;
    unsigned char bytes[RAW_BYTES_MAX];
    size_t len = raw_receipt(bytes);
    for (size_t bit = 0; bit < len * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        expect_bytes_refused(bytes, len);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
}

static void every_cut_is_noticed(void **state)
{
    (void)state;
    unsigned char bytes[RAW_BYTES_MAX];
    size_t len = raw_receipt(bytes);
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    base64url_encode(bytes, len, &text);
    for (size_t cut = 0; cut < text.len; cut++) {
        expect_refused((struct str){text.data, cut});
    }
    buffer_append_char(&text, 'A');
    expect_refused(buffer_str(&text));
    buffer_deinit(&text);
}

static void what_is_no_receipt_is_refused(void **state)
{
    (void)state;
    expect_refused((struct str){0});
    expect_refused(STR("?"));
    expect_refused(STR("AAAA AAAA"));
    char *huge = malloc(TEXT_BYTES_MAX);
    assert_non_null(huge);
    memset(huge, 'A', TEXT_BYTES_MAX);
    expect_refused((struct str){huge, TEXT_BYTES_MAX});
    free(huge);
}

/* The checksum is no secret, so what it covers may be anything. */
static void a_made_up_receipt_is_refused(void **state)
{
    (void)state;
    unsigned char bytes[RAW_BYTES_MAX];
    size_t len = raw_receipt(bytes);
    unsigned char forged[RAW_BYTES_MAX];
    static const size_t first_byte_at[] = {0 /* version */, 20 /* partition */, 28 /* offset */,
                                           32 /* second partition */, 40 /* second offset */};
    for (size_t i = 0; i < ARRAY_LENGTH(first_byte_at); i++) {
        memcpy(forged, bytes, len);
        forged[first_byte_at[i]] |= 0x80;
        little_endian_put_u32(forged + len - 4, crc32c(forged, len - 4));
        expect_bytes_refused(forged, len);
    }
}

/* "One text for one value" also forbids partitions twice or in another order. */
static void partitions_must_ascend(void **state)
{
    (void)state;
    const struct position orders[][2] = {{{3, 1}, {0, 4711}}, {{3, 1}, {3, 2}}, {{3, 1}, {3, 1}}};
    for (size_t i = 0; i < ARRAY_LENGTH(orders); i++) {
        struct buffer text;
        buffer_init(&text, TEXT_BYTES_MAX);
        receipt_encode(log_id, orders[i], 2, &text);
        expect_refused(buffer_str(&text));
        buffer_deinit(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_as_it_was_made),
        cmocka_unit_test(holds_as_many_partitions_as_it_may),
        cmocka_unit_test(raises_what_is_known),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(what_is_no_receipt_is_refused),
        cmocka_unit_test(a_made_up_receipt_is_refused),
        cmocka_unit_test(partitions_must_ascend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
