/* Guards that signatures are those of RFC 8032, that keys are read as the openssl command writes
 * them, and that a key file which will not do is refused with what to do about it. */
#include "base/random.h"
#include "infrastructure/crypto/crypto_memory.h"
#include "infrastructure/crypto/ed25519.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

/* RFC 8032 section 7.1, TEST 1, in the two PEM forms. */
static const char private_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";
static const char public_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                                 "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
                                 "-----END PUBLIC KEY-----\n";
static const uint8_t signature_of_nothing[ED25519_SIGNATURE_BYTES] = {
    0xe5, 0x56, 0x43, 0x00, 0xc3, 0x60, 0xac, 0x72, 0x90, 0x86, 0xe2, 0xcc, 0x80, 0x6e, 0x82, 0x8a,
    0x84, 0x87, 0x7f, 0x1e, 0xb8, 0xe5, 0xd9, 0x74, 0xd8, 0x73, 0xe0, 0x65, 0x22, 0x49, 0x01, 0x55,
    0x5f, 0xb8, 0x82, 0x15, 0x90, 0xa3, 0x3b, 0xac, 0xc6, 0x1e, 0x39, 0x70, 0x1c, 0xf9, 0xb4, 0x6b,
    0xd2, 0x5b, 0xf5, 0xf0, 0x59, 0x5b, 0xbe, 0x24, 0x65, 0x51, 0x41, 0x43, 0x8e, 0x7a, 0x10, 0x0b};

static const char x25519_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VuBCIEIHCcQ2Kh8WhX2DlkcN/j/JFZovD0HDI5uEW2BbUJKLRm\n"
    "-----END PRIVATE KEY-----\n";
static const char x25519_public_pem[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VuAyEAXEvYD8kXqRo3GHyubfUJCcOpzeslWJoFiBh+w7Q7kDY=\n"
    "-----END PUBLIC KEY-----\n";
static const char encrypted_pem[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAh4O58TWYlgrQICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEHOJSSZfyDTeeoK+MUrb1VEEQFbP\n"
    "vgfwJSjkFMHXQUZpniHrq/QxU3wjc2jDuwHA2O+AUlFtbTF5E08MQP+O+uB/bZza\n"
    "+4EJRFY/a/eadPi+BPM=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

static char path[] = "/tmp/ed25519_test_XXXXXX";

static void write_file(const char *text, size_t len, mode_t mode)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static struct ed25519_key *load_key(void)
{
    struct ed25519_key *key = NULL;
    write_file(private_pem, strlen(private_pem), 0600);
    assert_int_equal(ed25519_key_load(path, &key, NULL), STATUS_OK);
    return key;
}

static void test_rfc_8032(void **state)
{
    (void)state;
    CLEANUP(ed25519_key_free) struct ed25519_key *key = load_key();
    struct ed25519_public_key public_key;
    uint8_t signature[ED25519_SIGNATURE_BYTES];
    write_file(public_pem, strlen(public_pem), 0644);
    assert_int_equal(ed25519_public_key_load(path, &public_key, NULL), STATUS_OK);
    assert_memory_equal(ed25519_key_public(key)->bytes, public_key.bytes, sizeof public_key.bytes);
    assert_int_equal(public_key.bytes[0], 0xd7);
    assert_int_equal(ed25519_sign(key, "", 0, signature), STATUS_OK);
    assert_memory_equal(signature, signature_of_nothing, sizeof signature);
    assert_int_equal(ed25519_verify(&public_key, "", 0, signature), STATUS_OK);
}

/* Another message, another key, another signature: whichever bit of them it is. */
static void test_tampering_is_found(void **state)
{
    (void)state;
    CLEANUP(ed25519_key_free) struct ed25519_key *key = load_key();
    struct ed25519_public_key public_key = *ed25519_key_public(key);
    uint8_t signature[ED25519_SIGNATURE_BYTES];
    uint8_t message[20] = "an honest statement";
    assert_int_equal(ed25519_sign(key, message, sizeof message, signature), STATUS_OK);
    const struct {
        uint8_t *bytes;
        size_t len;
    } parts[] = {{message, sizeof message},
                 {signature, sizeof signature},
                 {public_key.bytes, sizeof public_key.bytes}};
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        for (size_t bit = 0; bit < parts[i].len * 8; bit++) {
            parts[i].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(ed25519_verify(&public_key, message, sizeof message, signature),
                             STATUS_INVALID);
            parts[i].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    assert_int_equal(ed25519_verify(&public_key, message, sizeof message - 1, signature),
                     STATUS_INVALID);
    assert_int_equal(ed25519_verify(&public_key, message, sizeof message, signature), STATUS_OK);
}

static void assert_refused(const char *text, mode_t mode, const char *words)
{
    struct ed25519_key *key = NULL;
    struct error err = {0};
    write_file(text, strlen(text), mode);
    assert_int_equal(ed25519_key_load(path, &key, &err), STATUS_INVALID);
    assert_int_equal(err.status, STATUS_INVALID);
    assert_null(key);
    if (strstr(err.message, words) == NULL || strstr(err.message, path + 10) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, words);
    }
}

static void test_private_keys_that_will_not_do(void **state)
{
    (void)state;
    static char long_text[20000];
    memset(long_text, 'x', sizeof long_text - 1);
    assert_refused(private_pem, 0644, "chmod 600");
    assert_refused(private_pem, 0640, "mode 0640");
    assert_refused(private_pem, 0601, "chmod 600");
    assert_refused("", 0600, "no private key in PEM");
    assert_refused("nothing of the kind\n", 0600, "no private key in PEM");
    assert_refused(public_pem, 0600, "no private key in PEM");
    assert_refused(x25519_pem, 0600, "not Ed25519");
    assert_refused(encrypted_pem, 0600, "passphrase");
    assert_refused(long_text, 0600, "too long");
}

static void test_files_that_are_none(void **state)
{
    (void)state;
    struct ed25519_key *key = NULL;
    struct ed25519_public_key public_key;
    struct error err;
    assert_int_equal(ed25519_key_load("/tmp/there/is/no/such/key.pem", &key, &err),
                     STATUS_NOT_FOUND);
    assert_int_equal(err.status, STATUS_NOT_FOUND);
    assert_non_null(strstr(err.message, "/tmp/there/is/no/such/key.pem: No such file"));
    assert_int_equal(ed25519_public_key_load("/tmp/there/is/no/such/key.pem", &public_key, &err),
                     STATUS_INVALID);
    assert_int_equal(err.status, STATUS_INVALID);
    assert_non_null(strstr(err.message, "/tmp/there/is/no/such/key.pem: No such file"));
    assert_int_equal(ed25519_public_key_load("/tmp/there/is/no/such/key.pem", &public_key, NULL),
                     STATUS_INVALID);
    assert_int_equal(ed25519_public_key_load("/", &public_key, &err), STATUS_UNAVAILABLE);
    assert_non_null(strstr(err.message, "directory"));
    assert_null(key);
}

/* Whoever opened it as any other file would wait for a writer, and a server would never start. */
static void test_a_pipe_is_not_waited_for(void **state)
{
    (void)state;
    struct ed25519_key *key = NULL;
    struct ed25519_public_key public_key;
    struct error err;
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(ed25519_key_load(path, &key, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "no regular file"));
    assert_int_equal(ed25519_public_key_load(path, &public_key, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "no regular file"));
    assert_int_equal(unlink(path), 0);
    write_file("", 0, 0600);
}

static void test_public_keys_that_will_not_do(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } wrong[] = {{private_pem, "no public key in PEM"},
                 {x25519_public_pem, "not Ed25519"},
                 {"x", "no public key in PEM"}};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        struct ed25519_public_key key;
        struct error err;
        write_file(wrong[i].text, strlen(wrong[i].text), 0644);
        assert_int_equal(ed25519_public_key_load(path, &key, &err), STATUS_INVALID);
        assert_non_null(strstr(err.message, wrong[i].words));
    }
}

/* A damaged key is refused or is a key; nothing else happens. */
static void test_any_bytes(void **state)
{
    (void)state;
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 8);
    for (int i = 0; i < 500; i++) {
        char text[sizeof private_pem];
        struct ed25519_key *key = NULL;
        memcpy(text, private_pem, sizeof text);
        for (uint64_t j = 0; j <= random_below(&random, 3); j++) {
            text[random_below(&random, sizeof text - 1)] = (char)random_below(&random, 256);
        }
        write_file(text, sizeof text - 1, 0600);
        enum status status = ed25519_key_load(path, &key, NULL);
        assert_true(status == STATUS_INVALID || status == STATUS_OK);
        assert_true((status == STATUS_OK) == (key != NULL));
        ed25519_key_free(key);
    }
}

/* Whichever allocation fails, nothing is signed wrongly, and nothing is taken for signed that could
 * not be looked at. */
static void test_memory_runs_out(void **state)
{
    (void)state;
    CLEANUP(ed25519_key_free) struct ed25519_key *key = load_key();
    bool ended = false;
    for (unsigned long failing = 0; !ended; failing++) {
        struct ed25519_key *loaded = NULL;
        uint8_t signature[ED25519_SIGNATURE_BYTES] = {0};
        crypto_memory_run_out(failing);
        enum status load_status = ed25519_key_load(path, &loaded, NULL);
        crypto_memory_run_out(failing);
        enum status sign_status = ed25519_sign(key, "", 0, signature);
        crypto_memory_run_out(failing);
        enum status verify_status =
            ed25519_verify(ed25519_key_public(key), "", 0, signature_of_nothing);
        crypto_memory_suffice();
        assert_true((load_status == STATUS_OK) == (loaded != NULL));
        assert_true(sign_status == STATUS_OK || sign_status == STATUS_NO_MEMORY);
        assert_true(sign_status != STATUS_OK ||
                    memcmp(signature, signature_of_nothing, sizeof signature) == 0);
        assert_true(failing > 0 || verify_status == STATUS_NO_MEMORY);
        ended = load_status == STATUS_OK && sign_status == STATUS_OK && verify_status == STATUS_OK;
        ed25519_key_free(loaded);
        assert_in_range(failing, 0, 5000);
    }
}

static int make_file(void **state)
{
    (void)state;
    int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_8032),
        cmocka_unit_test(test_tampering_is_found),
        cmocka_unit_test(test_private_keys_that_will_not_do),
        cmocka_unit_test(test_files_that_are_none),
        cmocka_unit_test(test_a_pipe_is_not_waited_for),
        cmocka_unit_test(test_public_keys_that_will_not_do),
        cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_memory_runs_out),
    };
    if (!crypto_memory_take_over()) {
        return 1;
    }
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
