/* Guards that every value has one text and that no other text is read: cursors and receipts rely on
 * it. */
#include "base/base64url.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
static void assert_encodes(const char *data, const char *expected)
{
    struct buffer text;
    char decoded[64];
    size_t len = 99;
    buffer_init(&text, 1000);
    base64url_encode(data, strlen(data), &text);
    assert_int_equal(text.len, strlen(expected));
    assert_int_equal(text.len, BASE64URL_LENGTH(strlen(data)));
    assert_true(str_equal(buffer_str(&text), str_from(expected)));
    assert_true(base64url_decode(str_from(expected), decoded, sizeof decoded, &len));
    assert_int_equal(len, strlen(data));
    assert_memory_equal(decoded, data, len);
    buffer_deinit(&text);
}

/* RFC 4648 section 10, without padding. */
static void test_known_texts(void **state)
{
    (void)state;
    assert_encodes("", "");
    assert_encodes("f", "Zg");
    assert_encodes("fo", "Zm8");
    assert_encodes("foo", "Zm9v");
    assert_encodes("foob", "Zm9vYg");
    assert_encodes("fooba", "Zm9vYmE");
    assert_encodes("foobar", "Zm9vYmFy");
    assert_encodes("\xfb\xff\xbe", "-_--");
}

static void test_other_texts_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "A",    "AAAAA", "Zg==",  "Zh",     "Zm9",   "Zm8=",    "Zm+v",
        "Zm/v", "Zm 9",  " Zm9v", "Zm9v\n", "Zm9v.", "Z\x80vv",
    };
    char decoded[64];
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        size_t len = 77;
        if (base64url_decode(str_from(wrong[i]), decoded, sizeof decoded, &len)) {
            fail_msg("\"%s\" was read", wrong[i]);
        }
        assert_int_equal(len, 77);
    }
    size_t len;
    assert_false(base64url_decode((struct str){.data = "Zm\0v", .len = 4}, decoded, 64, &len));
}

static void test_capacity_is_kept(void **state)
{
    (void)state;
    char decoded[4] = {0, 0, 0, 'x'};
    size_t len;
    assert_false(base64url_decode(STR("Zm9vYg"), decoded, 3, &len));
    assert_true(base64url_decode(STR("Zm9v"), decoded, 3, &len));
    assert_int_equal(decoded[3], 'x');
}

static void test_random_round_trips(void **state)
{
    (void)state;
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 1);
    for (size_t i = 0; i < 5000; i++) {
        unsigned char data[100];
        unsigned char decoded[100];
        size_t len = (size_t)random_below(&random, sizeof data + 1);
        size_t decoded_len;
        struct buffer text;
        random_fill(&random, data, len);
        buffer_init(&text, 1000);
        base64url_encode(data, len, &text);
        assert_int_equal(text.len, BASE64URL_LENGTH(len));
        assert_true(base64url_decode(buffer_str(&text), decoded, sizeof decoded, &decoded_len));
        assert_int_equal(decoded_len, len);
        assert_memory_equal(decoded, data, len);
        buffer_deinit(&text);
    }
}

/* RFC 4648 section 10. */
static void test_base64_with_padding(void **state)
{
    (void)state;
    static const char *const known[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff\xbe", "+/++"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        struct buffer text;
        char decoded[6];
        size_t len;
        struct str data = str_from(known[i][0]);
        buffer_init(&text, 1000);
        base64_encode(data.data, data.len, &text);
        assert_true(str_equal(buffer_str(&text), str_from(known[i][1])));
        assert_int_equal(text.len, BASE64_LENGTH(data.len));
        assert_true(base64_decode(str_from(known[i][1]), decoded, sizeof decoded, &len));
        assert_int_equal(len, data.len);
        assert_memory_equal(decoded, data.data, len);
        assert_true(len == 0 || !base64_decode(str_from(known[i][1]), decoded, len - 1, &len));
        buffer_deinit(&text);
    }
}

static void test_other_base64_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "Zg",   "Zg=",   "Zm8",    "Zh==", "Zm9=", "Z===", "====", "=",     "Zg==Zg==",
        "-_--", "Zm9v=", "Zg==\n", "Zm 9", "Zm=v", "Z=9v", "A===", "Zm8==", "Zm9v====",
    };
    char decoded[64];
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        size_t len = 77;
        if (base64_decode(str_from(wrong[i]), decoded, sizeof decoded, &len)) {
            fail_msg("\"%s\" was read", wrong[i]);
        }
        assert_int_equal(len, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_texts),         cmocka_unit_test(test_other_texts_are_refused),
        cmocka_unit_test(test_capacity_is_kept),    cmocka_unit_test(test_random_round_trips),
        cmocka_unit_test(test_base64_with_padding), cmocka_unit_test(test_other_base64_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
