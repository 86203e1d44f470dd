/*
 * Guards HMAC-SHA-256 by the cases of RFC 4231, one keyed hash used again and again, and the
 * comparison of secrets.
 */
#include "base/buffer.h"
#include "infrastructure/crypto/keyed_hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect(struct keyed_hash *keyed, const char *text, const char *hex)
{
    uint8_t hash[SHA256_BYTES];
    struct buffer shown;
    assert_int_equal(keyed_hash_once(keyed, text, strlen(text), hash), STATUS_OK);
    buffer_init(&shown, 2 * SHA256_BYTES);
    buffer_append_hex(&shown, hash, sizeof hash);
    assert_memory_equal(shown.data, hex, 2 * SHA256_BYTES);
    buffer_deinit(&shown);
}

static void it_hashes_as_the_standard_says(void **state)
{
    (void)state;
    struct keyed_hash keyed;
    uint8_t key[20];
    memset(key, 0x0b, sizeof key);
    assert_int_equal(keyed_hash_init(&keyed, key, sizeof key), STATUS_OK);
    for (int again = 0; again < 3; again++) {
        expect(&keyed, "Hi There",
               "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    }
    keyed_hash_deinit(&keyed);
    assert_int_equal(keyed_hash_init(&keyed, "Jefe", 4), STATUS_OK);
    expect(&keyed, "what do ya want for nothing?",
           "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    keyed_hash_deinit(&keyed);
}

static void secrets_are_compared_as_a_whole(void **state)
{
    (void)state;
    uint8_t a[32] = {0};
    uint8_t b[32] = {0};
    assert_true(secret_equal(a, b, sizeof a));
    for (size_t i = 0; i < sizeof a; i++) {
        b[i] = 1;
        assert_false(secret_equal(a, b, sizeof a));
        secret_forget(b, sizeof b);
    }
    assert_true(secret_equal(a, b, sizeof a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_hashes_as_the_standard_says),
        cmocka_unit_test(secrets_are_compared_as_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
