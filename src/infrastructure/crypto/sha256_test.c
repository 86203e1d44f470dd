/* Guards that it is SHA-256, that one hasher serves many inputs, and that a lack of memory is told.
 */
#include "base/random.h"
#include "infrastructure/crypto/crypto_memory.h"
#include "infrastructure/crypto/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static void assert_hash(const uint8_t hash[SHA256_BYTES], const char *expected)
{
    char text[2 * SHA256_BYTES + 1];
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
    }
    assert_string_equal(text, expected);
}

static void once(struct sha256 *sha256, const void *bytes, size_t len, uint8_t hash[SHA256_BYTES])
{
    assert_int_equal(sha256_once(sha256, bytes, len, hash), STATUS_OK);
}

/* FIPS 180-2 appendix B, and the empty text. */
static void test_known_hashes(void **state)
{
    (void)state;
    static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    struct sha256 sha256;
    uint8_t hash[SHA256_BYTES];
    assert_int_equal(sha256_init(&sha256), STATUS_OK);
    once(&sha256, "", 0, hash);
    assert_hash(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    once(&sha256, "abc", 3, hash);
    assert_hash(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    once(&sha256, two_blocks, sizeof two_blocks - 1, hash);
    assert_hash(hash, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    sha256_deinit(&sha256);
}

/* In pieces as at once, and what was begun before and never ended leaves nothing behind. */
static void test_pieces_are_one_input(void **state)
{
    (void)state;
    struct sha256 sha256;
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 5);
    uint8_t bytes[1000];
    assert_int_equal(sha256_init(&sha256), STATUS_OK);
    for (int i = 0; i < 1000; i++) {
        uint8_t at_once[SHA256_BYTES];
        uint8_t in_pieces[SHA256_BYTES];
        size_t len = (size_t)random_below(&random, sizeof bytes + 1);
        size_t first = (size_t)random_below(&random, len + 1);
        random_fill(&random, bytes, len);
        once(&sha256, bytes, len, at_once);
        sha256_begin(&sha256);
        sha256_add(&sha256, "forgotten", 9);
        sha256_begin(&sha256);
        sha256_add(&sha256, bytes, first);
        sha256_add(&sha256, bytes + first, len - first);
        assert_int_equal(sha256_end(&sha256, in_pieces), STATUS_OK);
        assert_memory_equal(at_once, in_pieces, sizeof at_once);
    }
    sha256_deinit(&sha256);
}

/* Whichever allocation fails, no wrong hash comes of it, and the next one is right again. */
static void test_memory_runs_out(void **state)
{
    (void)state;
    bool ended = false;
    unsigned long failing = 0;
    for (; !ended; failing++) {
        struct sha256 sha256 = {0};
        uint8_t hash[SHA256_BYTES];
        crypto_memory_run_out(failing);
        enum status status = sha256_init(&sha256);
        assert_true(status == STATUS_OK || (status == STATUS_NO_MEMORY && sha256.context == NULL));
        if (status == STATUS_OK) {
            status = sha256_once(&sha256, "abc", 3, hash);
            assert_true(status == STATUS_OK || status == STATUS_NO_MEMORY);
            ended = status == STATUS_OK;
            crypto_memory_suffice();
            once(&sha256, "abc", 3, hash);
            assert_hash(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        }
        crypto_memory_suffice();
        sha256_deinit(&sha256);
        assert_in_range(failing, 0, 100);
    }
    assert_true(failing > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_hashes),
        cmocka_unit_test(test_pieces_are_one_input),
        cmocka_unit_test(test_memory_runs_out),
    };
    if (!crypto_memory_take_over()) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
