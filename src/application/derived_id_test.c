/*
 * Guards ids that follow from content: other programs may compute them, so what is hashed never
 * changes, and no two things that differ are the same bytes. That the hash is SHA-256 is seen from
 * outside (tests/scenario).
 */
#include "application/derived_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { HASHED_BYTES_MAX = 256 };

/* Keeps what it is asked to hash, and says that it is the hash. */
struct hashed {
    uint8_t bytes[HASHED_BYTES_MAX];
    size_t len;
    enum status answer;
};

static enum status keep(void *context, const struct str *parts, size_t count,
                        uint8_t out_hash[CONTENT_HASH_BYTES])
{
    struct hashed *hashed = context;
    hashed->len = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(hashed->len + parts[i].len <= HASHED_BYTES_MAX);
        if (parts[i].len > 0) {
            memcpy(hashed->bytes + hashed->len, parts[i].data, parts[i].len);
        }
        hashed->len += parts[i].len;
    }
    memset(out_hash, 0xff, CONTENT_HASH_BYTES);
    return hashed->answer;
}

static struct hashed hash_retry(struct derived_id_retry retry)
{
    struct hashed hashed = {.answer = STATUS_OK};
    const struct content_hash hash = {keep, &hashed};
    char text[UUID_TEXT_BYTES];
    assert_int_equal(derived_id_of_retry(&hash, &retry, text), STATUS_OK);
    assert_memory_equal(text, "ffffffff-ffff-8fff-bfff-ffffffffffff", UUID_TEXT_BYTES);
    return hashed;
}

static struct hashed hash_event(struct str source, struct str id)
{
    struct hashed hashed = {.answer = STATUS_OK};
    const struct content_hash hash = {keep, &hashed};
    char text[UUID_TEXT_BYTES];
    assert_int_equal(derived_id_of_event(&hash, source, id, text), STATUS_OK);
    assert_memory_equal(text, "ffffffff-ffff-8fff-bfff-ffffffffffff", UUID_TEXT_BYTES);
    return hashed;
}

static void expect_bytes(struct hashed hashed, struct str expected)
{
    assert_int_equal(hashed.len, expected.len);
    assert_memory_equal(hashed.bytes, expected.data, expected.len);
}

static struct derived_id_retry some_retry(void)
{
    return (struct derived_id_retry){
        .key_name = STR("shop"), .retry_key = STR("k-1"), .index = 258, .bytes = STR("{}")};
}

static void what_is_hashed_stays_the_same(void **state)
{
    (void)state;
    expect_bytes(hash_retry(some_retry()), STR("usertrail retry\n"
                                               "\4\0\0\0\0\0\0\0shop"
                                               "\3\0\0\0\0\0\0\0k-1"
                                               "\2\1\0\0\0\0\0\0"
                                               "\2\0\0\0\0\0\0\0{}"));
    struct derived_id_retry nameless = some_retry();
    nameless.key_name = (struct str){0};
    expect_bytes(hash_retry(nameless), STR("usertrail retry\n"
                                           "\0\0\0\0\0\0\0\0"
                                           "\3\0\0\0\0\0\0\0k-1"
                                           "\2\1\0\0\0\0\0\0"
                                           "\2\0\0\0\0\0\0\0{}"));
    expect_bytes(hash_event(STR("/shop"), STR("A234")), STR("usertrail cloud event\n"
                                                            "\5\0\0\0\0\0\0\0/shop"
                                                            "\4\0\0\0\0\0\0\0"
                                                            "A234"));
}

/* Also where the texts one behind the other are the same. */
static void no_border_moves(void **state)
{
    (void)state;
    struct derived_id_retry moved = some_retry();
    moved.key_name = STR("shopk");
    moved.retry_key = STR("-1");
    struct hashed one = hash_retry(some_retry());
    struct hashed other = hash_retry(moved);
    assert_memory_not_equal(one.bytes, other.bytes, one.len);
    one = hash_event(STR("ab"), STR("c"));
    other = hash_event(STR("a"), STR("bc"));
    assert_memory_not_equal(one.bytes, other.bytes, one.len);
}

static void no_memory_is_no_id(void **state)
{
    (void)state;
    struct hashed hashed = {.answer = STATUS_NO_MEMORY};
    const struct content_hash hash = {keep, &hashed};
    struct derived_id_retry retry = some_retry();
    char text[UUID_TEXT_BYTES];
    assert_int_equal(derived_id_of_retry(&hash, &retry, text), STATUS_NO_MEMORY);
    assert_int_equal(derived_id_of_event(&hash, STR("a"), STR("b"), text), STATUS_NO_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_hashed_stays_the_same),
        cmocka_unit_test(no_border_moves),
        cmocka_unit_test(no_memory_is_no_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
