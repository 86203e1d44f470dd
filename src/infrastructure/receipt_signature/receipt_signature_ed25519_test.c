/* Guards signatures of receipts: one that the openssl command made holds, whoever laid the members
 * out anew, no byte of it can be changed, and the words say which member was. */
#include "base/base64url.h"
#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/disk/lone_file.h"
#include "infrastructure/receipt_signature/receipt_signature_ed25519.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

/* RFC 8032 section 7.1, TEST 1. */
static const char private_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";
static const char public_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                                 "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
                                 "-----END PUBLIC KEY-----\n";

#define STORE_ID "0192abcd-0000-4000-8000-00000000000f"
#define HASH     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ERASED   "2026-01-14T23:58:05.443Z"
#define SIGNED   "2026-01-14T23:58:05.501Z"

/* What is signed, as it stands in JSON. */
#define SIGNED_TEXT                                                                                \
    "usertrail.erasure/1\\nstatus \\\"success\\\"\\nuserId \\\"\xc3\xa4\\\\\\\"b\\\"\\n"           \
    "erasedAt \\\"" ERASED "\\\"\\nerased 42\\nrefused 3\\nreceipt.store \\\"local\\\"\\n"         \
    "receipt.durable true\\nreceipt.chain.storeId \\\"" STORE_ID "\\\"\\n"                         \
    "receipt.chain.record 17\\nreceipt.chain.hash \\\"" HASH "\\\"\\n"                             \
    "receipt.chain.sealed 41\\nsignedAt \\\"" SIGNED "\\\"\\n"                                     \
    "outOfReach.0.what \\\"here\\\"\\noutOfReach.0.detail \\\"behind \\\\\\\"walls\\\\\\\"\\\"\\n" \
    "outOfReach.1.what \\\"there\\\"\\noutOfReach.1.detail \\\"far away\\\"\\n"

#define SIGNATURE                                                                                  \
    "yG/fXukWcVil1nZnA840BiGf41Mwx4zHDTVdUZwDYeuKVmkjIT8/LoAm/zaO3d59TS0aB9iunNTBPpoEv9kEAg=="

/* The signature is by the openssl command (pkeyutl -sign -rawin), the id of the key by sha256sum.
 */
static const char known[] =
    "{\"status\":\"success\",\"userId\":\"\xc3\xa4\\\"b\",\"erasedAt\":\"" ERASED
    "\",\"erased\":42,\"refused\":3,\"receipt\":{\"store\":\"local\",\"durable\":true,\"chain\":{"
    "\"storeId\":"
    "\"" STORE_ID "\",\"record\":17,\"hash\":\"" HASH "\",\"sealed\":41}},\"outOfReach\":[{"
    "\"what\":\"here\",\"detail\":\"behind \\\"walls\\\"\"},{\"what\":\"there\",\"detail\":"
    "\"far away\"}],\"signedAt\":\"" SIGNED "\",\"signed\":\"" SIGNED_TEXT
    "\",\"signedBy\":\"example.com/trail+9a12ec35\",\"signature\":\"" SIGNATURE "\"}";

/* The same, of MongoDB and without a chain, its members in another order and on lines. */
static const char laid_out_anew[] =
    "{\n  \"signature\":\n    "
    "\"gRvh4V266hponN7UWgv8wPBp5HzC+X9kcdrREaamQs11DjhZRyJ32RaVR/SxcpxYGH8S4XBGbwcGUJ1gE6DBCQ==\","
    "\n  \"signedBy\": \"example.com/trail+9a12ec35\",\n  \"signed\": "
    "\"usertrail.erasure/1\\nstatus \\\"success\\\"\\nuserId \\\"\\u00e4\\\\\\\"b\\\"\\n"
    "erasedAt \\\"" ERASED "\\\"\\nerased 42\\nrefused 3\\nreceipt.store \\\"mongodb\\\"\\n"
    "receipt.durable true\\nreceipt.chain null\\nsignedAt \\\"" SIGNED "\\\"\\n"
    "outOfReach.0.what \\\"here\\\"\\noutOfReach.0.detail \\\"behind \\\\\\\"walls\\\\\\\"\\\"\\n"
    "outOfReach.1.what \\\"there\\\"\\noutOfReach.1.detail \\\"far away\\\"\\n\",\n"
    "  \"signedAt\": \"" SIGNED "\",\n  \"outOfReach\": [\n    { \"detail\": \"behind "
    "\\\"walls\\\"\", \"what\": \"here\" },\n    { \"what\": \"there\", \"detail\": \"far away\" }"
    "\n  ],\n  \"receipt\": { \"chain\": null, \"durable\": true, \"store\": \"mongodb\" },\n"
    "  \"refused\": 3,\n  \"erased\": 42,\n  \"erasedAt\": \"" ERASED
    "\",\n  \"userId\": \"\\u00e4\\u0022b\",\n"
    "  \"status\": \"success\"\n}\n";

static struct ed25519_key *key;
static const struct ed25519_public_key *public_key;

static int make_key(void **state)
{
    char path[] = "/tmp/receipt_signature_test_XXXXXX";
    int file = mkstemp(path);
    (void)state;
    if (file < 0 || write(file, private_pem, sizeof private_pem - 1) < 0 || close(file) != 0) {
        return -1;
    }
    enum status status = ed25519_key_load(path, &key, NULL);
    if (unlink(path) != 0 || status != STATUS_OK) {
        return -1;
    }
    public_key = ed25519_key_public(key);
    return 0;
}

static int free_key(void **state)
{
    (void)state;
    ed25519_key_free(key);
    return 0;
}

static void a_receipt_of_another_program_holds(void **state)
{
    (void)state;
    struct verified_signature verified;
    assert_int_equal(receipt_signature_check(str_from(known), public_key, &verified, NULL),
                     STATUS_OK);
    assert_string_equal(verified.signed_by, "example.com/trail+9a12ec35");
    assert_string_equal(verified.signed_at, SIGNED);
    assert_string_equal(verified.erased_at, ERASED);
    assert_int_equal(verified.erased, 42);
}

static void a_receipt_that_was_laid_out_anew_holds(void **state)
{
    (void)state;
    struct verified_signature verified;
    struct error err = {0};
    if (receipt_signature_check(str_from(laid_out_anew), public_key, &verified, &err) !=
        STATUS_OK) {
        fail_msg("%s", err.message);
    }
}

/* The text that the service makes is the one that openssl was given, so it has that signature. */
static void the_service_signs_so(void **state)
{
    (void)state;
    struct receipt_signature_ed25519 made;
    struct signed_receipt receipt;
    struct buffer base64;
    uint8_t signature[RECEIPT_SIGNATURE_BYTES];
    assert_int_equal(receipt_signature_init(&made, key, STR("example.com/trail"), NULL), STATUS_OK);
    assert_true(str_equal(made.signer.signed_by, STR("example.com/trail+9a12ec35")));
    assert_int_equal(signed_receipt_read(str_from(known), &receipt, NULL), STATUS_OK);
    assert_int_equal(made.signer.sign(&made.signer, receipt.text, signature), STATUS_OK);
    buffer_init(&base64, 1024);
    base64_encode(signature, sizeof signature, &base64);
    assert_true(str_equal(buffer_str(&base64), STR(SIGNATURE)));
    buffer_deinit(&base64);
    signed_receipt_deinit(&receipt);
}

static void expect_refused(struct str text, const char *words)
{
    struct verified_signature verified = {.erased = 99};
    struct error err;
    assert_int_equal(receipt_signature_check(text, public_key, &verified, &err), STATUS_INVALID);
    if (strstr(err.message, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, words);
    }
    assert_int_equal(verified.erased, 99);
}

/* Each bit of each byte, and each byte left out or doubled. */
static void no_byte_can_be_changed(void **state)
{
    (void)state;
    char text[sizeof known + 1];
    size_t len = sizeof known - 1;
    for (size_t at = 0; at < len; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(text, known, sizeof known);
            text[at] ^= (char)(1u << bit);
            expect_refused((struct str){text, len}, "receipt");
        }
        memcpy(text, known, at);
        memcpy(text + at, known + at + 1, len - at);
        expect_refused((struct str){text, len - 1}, "receipt");
        memcpy(text, known, at + 1);
        memcpy(text + at + 1, known + at, len - at);
        expect_refused((struct str){text, len + 1}, "receipt");
        expect_refused((struct str){known, at}, "receipt");
    }
}

struct change {
    const char *from;
    const char *to;
    const char *words;
};

static const struct change changes[] = {
    {"userId\":\"\xc3\xa4", "userId\":\"\xc3\xa5", "its userId is not what was signed"},
    {"05.443Z\",\"", "05.444Z\",\"", "its erasedAt is not what was signed"},
    {"erased\":42", "erased\":43", "its erased is not what was signed"},
    {"refused\":3", "refused\":2", "its refused is not what was signed"},
    {"store\":\"local", "store\":\"loca1", "its receipt.store is not what was signed"},
    {"durable\":true", "durable\":false", "its receipt.durable is not what was signed"},
    {"00f\",\"r", "00F\",\"r", "its receipt.chain.storeId is not what was signed"},
    {"record\":17", "record\":18", "its receipt.chain.record is not what was signed"},
    {"cdef\",\"s", "cdeF\",\"s", "its receipt.chain.hash is not what was signed"},
    {"sealed\":41", "sealed\":40", "its receipt.chain.sealed is not what was signed"},
    {"what\":\"here", "what\":\"Here", "its outOfReach.0.what is not what was signed"},
    {"detail\":\"behind", "detail\":\"before", "its outOfReach.0.detail is not what was signed"},
    {"05.501Z\",\"signed\"", "05.502Z\",\"signed\"", "its signedAt is not what was signed"},
    {"nerased 42", "nerased 43", "its signature is not that of its signed"},
    {"far away\\\"\\n", "far away\\\"", "its signature is not that of its signed"},
    {"+9a12ec35", "+9A12ec35", "its signedBy was changed"},
    {"com/trail", "org/trail", "its signedBy was changed"},
    {"signature\":\"yG", "signature\":\"fG", "its signature is not that of its signed"},
    {"Ag==", "Ah==", "its signature is not one in base64"},
    {SIGNATURE, "AAAA", "its signature is not one in base64"},
    {SIGNATURE, "", "its signature is not one in base64"},
};

static void the_member_that_was_changed_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(changes); i++) {
        char text[sizeof known + 64];
        const char *at = strstr(known, changes[i].from);
        assert_non_null(at);
        int len = snprintf(text, sizeof text, "%.*s%s%s", (int)(at - known), known, changes[i].to,
                           at + strlen(changes[i].from));
        expect_refused((struct str){text, (size_t)len}, changes[i].words);
    }
}

static void another_key_did_not_sign_it(void **state)
{
    (void)state;
    struct verified_signature verified;
    struct error err;
    struct ed25519_public_key other = *public_key;
    other.bytes[0] ^= 1;
    assert_int_equal(receipt_signature_check(str_from(known), &other, &verified, &err),
                     STATUS_INVALID);
    assert_non_null(strstr(err.message, "not signed with this key"));
}

/* Files ------------------------------------------------------------------------------------- */

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static enum status check_files(const char *receipt_file, const char *key_file, struct error *err)
{
    struct verified_signature verified;
    return receipt_signature_check_files(disk_posix(), receipt_file, key_file, &verified, err);
}

static void files_are_read(void **state)
{
    (void)state;
    char key_path[sizeof lone_file_path + 8];
    struct error err;
    snprintf(key_path, sizeof key_path, "%s.pub", lone_file_path);
    put(lone_file_path, known);
    assert_int_equal(check_files(lone_file_path, key_path, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, key_path));
    put(key_path, public_pem);
    assert_int_equal(check_files(lone_file_path, key_path, &err), STATUS_OK);
    put(lone_file_path, "{}");
    assert_int_equal(check_files(lone_file_path, key_path, &err), STATUS_INVALID);
    assert_int_equal(unlink(lone_file_path), 0);
    assert_int_equal(check_files(lone_file_path, key_path, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "there is no receipt"));
    assert_int_equal(unlink(key_path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_of_another_program_holds),
        cmocka_unit_test(a_receipt_that_was_laid_out_anew_holds),
        cmocka_unit_test(the_service_signs_so),
        cmocka_unit_test(no_byte_can_be_changed),
        cmocka_unit_test(the_member_that_was_changed_is_named),
        cmocka_unit_test(another_key_did_not_sign_it),
        cmocka_unit_test_setup_teardown(files_are_read, lone_file_make, lone_file_remove),
    };
    return cmocka_run_group_tests(tests, make_key, free_key);
}
