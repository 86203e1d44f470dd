/* Guards that a checkpoint is the signed note that other programs read, that no byte of it can be
 * changed, and that any other text is refused. */
#include "base/timestamp.h"
#include "infrastructure/activity_store_local/checkpoint.h"

#include <setjmp.h>
#include <stdarg.h>
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

static const struct uuid store_id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

#define TIME_MS INT64_C(1768435085442)

#define SIGNED_TEXT                                                                                \
    "usertrail.store/01020304-0506-0708-090a-0b0c0d0e0f10\n"                                       \
    "20852163\n"                                                                                   \
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"                                               \
    "time 2026-01-14T23:58:05.442Z\n"

#define SIGNATURE_LINE                                                                             \
    "\xe2\x80\x94 example.com/trail mhLsNW/crpf0Jbq7kgn8iMKpeAiJBhhkzaqioO9xJLbYr3zgKu5kS4+3pfEQ"  \
    "3vlbjaEJcqodIv+v/vNs3fzQZj7DagI=\n"

/* The signature is by the openssl command (pkeyutl -sign -rawin), the id of the key by sha256sum.
 */
static const char known[] = SIGNED_TEXT "\n" SIGNATURE_LINE;

static struct checkpoint_signer signer;
static const struct ed25519_public_key *key;

static int make_signer(void **state)
{
    char path[] = "/tmp/checkpoint_test_XXXXXX";
    int file = mkstemp(path);
    (void)state;
    if (file < 0 || write(file, private_pem, sizeof private_pem - 1) < 0 || close(file) != 0) {
        return -1;
    }
    enum status status = checkpoint_signer_init(&signer, path, "example.com/trail", NULL);
    if (unlink(path) != 0 || status != STATUS_OK) {
        return -1;
    }
    key = ed25519_key_public(signer.key);
    return 0;
}

static int free_signer(void **state)
{
    (void)state;
    checkpoint_signer_deinit(&signer);
    return 0;
}

static struct chain_end end_of(uint64_t records)
{
    struct chain_end end = {.records = records};
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        end.hash[i] = (uint8_t)i;
    }
    return end;
}

static enum status read_checked(struct str text, struct checkpoint *out, struct error *err)
{
    enum status status = checkpoint_parse(text, out, err);
    return status == STATUS_OK ? checkpoint_verify_signature(out, key, err) : status;
}

static void test_is_the_note_that_others_write(void **state)
{
    (void)state;
    struct chain_end end = end_of(20852163);
    struct buffer text;
    buffer_init(&text, CHECKPOINT_BYTES_MAX);
    assert_int_equal(checkpoint_signer_sign(&signer, store_id, &end, TIME_MS, &text), STATUS_OK);
    assert_true(str_equal(buffer_str(&text), STR(known)));
    buffer_deinit(&text);
}

static void test_comes_back_as_it_was(void **state)
{
    (void)state;
    struct checkpoint checkpoint;
    struct chain_end end = end_of(20852163);
    assert_int_equal(read_checked(STR(known), &checkpoint, NULL), STATUS_OK);
    assert_true(uuid_equal(checkpoint.store_id, store_id));
    assert_int_equal(checkpoint.records, 20852163);
    assert_memory_equal(checkpoint.hash, end.hash, sizeof end.hash);
    assert_int_equal(checkpoint.time_ms, TIME_MS);
    assert_true(str_equal(checkpoint.signed_text, STR(SIGNED_TEXT)));
    assert_int_equal(checkpoint.signature_count, 1);
    assert_true(str_equal(checkpoint.signatures[0].name, STR("example.com/trail")));
}

/* The least and the most, appended behind something else. */
static void test_limits(void **state)
{
    (void)state;
    char name[NOTE_KEY_NAME_BYTES_MAX];
    const struct checkpoint_signer named = {.key = signer.key, .name = {name, sizeof name}};
    static const uint64_t records[] = {0, 1, UINT64_MAX};
    static const int64_t times[] = {TIMESTAMP_MS_MIN, TIME_MS, TIMESTAMP_MS_MAX};
    memset(name, '~', sizeof name);
    for (size_t i = 0; i < ARRAY_LENGTH(records); i++) {
        struct buffer text;
        struct checkpoint checkpoint;
        struct chain_end end = end_of(records[i]);
        buffer_init(&text, CHECKPOINT_BYTES_MAX);
        buffer_append_literal(&text, "before");
        assert_int_equal(checkpoint_signer_sign(&named, store_id, &end, times[i], &text),
                         STATUS_OK);
        buffer_consume(&text, 6);
        assert_int_equal(read_checked(buffer_str(&text), &checkpoint, NULL), STATUS_OK);
        assert_true(checkpoint.records == records[i] && checkpoint.time_ms == times[i]);
        buffer_deinit(&text);
    }
}

/* Each byte changed, left out, or doubled. */
static void test_tampering_is_found(void **state)
{
    (void)state;
    struct checkpoint checkpoint;
    struct error err;
    char text[sizeof known];
    size_t len = sizeof known - 1;
    for (size_t at = 0; at < len; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(text, known, sizeof text);
            text[at] ^= (char)(1u << bit);
            assert_int_equal(read_checked((struct str){text, len}, &checkpoint, &err),
                             STATUS_INVALID);
        }
        memcpy(text, known, at);
        memcpy(text + at, known + at + 1, len - at);
        assert_int_equal(read_checked((struct str){text, len - 1}, &checkpoint, &err),
                         STATUS_INVALID);
        memcpy(text, known, at + 1);
        memcpy(text + at + 1, known + at, len - at);
        assert_int_equal(read_checked((struct str){text, len + 1}, &checkpoint, &err),
                         STATUS_INVALID);
        assert_int_equal(read_checked((struct str){known, at}, &checkpoint, &err), STATUS_INVALID);
    }
}

static void assert_refused(const char *text, const char *words)
{
    struct checkpoint checkpoint = {.records = 77};
    struct error err = {0};
    assert_int_equal(checkpoint_parse(str_from(text), &checkpoint, &err), STATUS_INVALID);
    assert_int_equal(checkpoint.records, 77);
    if (strstr(err.message, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, words);
    }
}

#define ORIGIN_LINE "usertrail.store/01020304-0506-0708-090a-0b0c0d0e0f10\n"
#define HASH_LINE   "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
#define TIME_LINE   "time 2026-01-14T23:58:05.442Z\n"

static void test_other_texts_are_refused(void **state)
{
    (void)state;
    static char long_text[CHECKPOINT_BYTES_MAX + 2];
    memset(long_text, 'x', sizeof long_text - 1);
    assert_refused("", "first line");
    assert_refused("usertrail.store/01020304-0506-0708-090A-0b0c0d0e0f10\n", "first line");
    assert_refused("example.com/log\n1\n", "first line");
    assert_refused(ORIGIN_LINE "07\n" HASH_LINE, "second line");
    assert_refused(ORIGIN_LINE "-1\n" HASH_LINE, "second line");
    assert_refused(ORIGIN_LINE "18446744073709551616\n" HASH_LINE, "second line");
    assert_refused(ORIGIN_LINE "\n" HASH_LINE, "second line");
    assert_refused(ORIGIN_LINE "7\nAAEC\n" TIME_LINE, "third line");
    assert_refused(ORIGIN_LINE "7\n" HASH_LINE "2026-01-14T23:58:05.442Z\n", "fourth line");
    assert_refused(ORIGIN_LINE "7\n" HASH_LINE "time 2026-01-14T23:58:05Z\n", "fourth line");
    assert_refused(ORIGIN_LINE "7\n" HASH_LINE TIME_LINE "more\n\n" SIGNATURE_LINE, "fifth line");
    assert_refused(SIGNED_TEXT "\n", "not a signature");
    assert_refused(SIGNED_TEXT "\n" SIGNATURE_LINE "\n", "not a signature");
    assert_refused(SIGNED_TEXT "\n- example.com AAAAAAAA\n", "not a signature");
    assert_refused(SIGNED_TEXT "\n\xe2\x80\x94 a+b AAAAAAAA\n", "not a signature");
    assert_refused(SIGNED_TEXT "\n\xe2\x80\x94  AAAAAAAA\n", "not a signature");
    assert_refused(SIGNED_TEXT "\n\xe2\x80\x94 name AAAAAA==\n", "not a signature");
    assert_refused(SIGNED_TEXT "\n\xe2\x80\x94 name AAAAAAAA", "not a signature");
    assert_refused(long_text, "too long");
}

/* Witnesses sign below; who asks for one key does not care for the others. */
static void test_other_signatures_are_passed_over(void **state)
{
    (void)state;
    struct checkpoint checkpoint;
    struct error err;
    struct buffer text;
    static const char witness[] = "\xe2\x80\x94 example.org/witness AAAAAAAA\n";
    static const char namesake[] = "\xe2\x80\x94 example.com/trail "
                                   "AAAAAG/crpf0Jbq7kgn8iMKpeAiJBhhkzaqioO9xJLbYr3zgKu5kS4+3pfEQ"
                                   "3vlbjaEJcqodIv+v/vNs3fzQZj7DagI=\n";
    buffer_init(&text, CHECKPOINT_BYTES_MAX);
    buffer_append_literal(&text, SIGNED_TEXT "\n");
    buffer_append_literal(&text, namesake);
    for (int i = 2; i < CHECKPOINT_SIGNATURES_MAX; i++) {
        buffer_append_literal(&text, witness);
    }
    assert_int_equal(read_checked(buffer_str(&text), &checkpoint, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "not signed with this key"));
    buffer_append_literal(&text, SIGNATURE_LINE);
    assert_int_equal(read_checked(buffer_str(&text), &checkpoint, &err), STATUS_OK);
    assert_int_equal(checkpoint.signature_count, CHECKPOINT_SIGNATURES_MAX);
    buffer_append_literal(&text, witness);
    assert_int_equal(read_checked(buffer_str(&text), &checkpoint, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "too many signatures"));
    buffer_deinit(&text);
}

/* One that claims to be by the key and is not spoils the whole, whatever stands beside it. */
static void test_false_signature_of_the_key(void **state)
{
    (void)state;
    struct checkpoint checkpoint;
    struct error err;
    char text[2 * sizeof known];
    snprintf(text, sizeof text, "%s%s", known, SIGNATURE_LINE);
    assert_int_equal(read_checked(str_from(text), &checkpoint, &err), STATUS_OK);
    text[sizeof known - 1 + 40] ^= 1;
    assert_int_equal(read_checked(str_from(text), &checkpoint, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "was changed"));
}

static void test_another_key(void **state)
{
    (void)state;
    struct checkpoint checkpoint;
    struct error err;
    struct ed25519_public_key other = *key;
    other.bytes[0] ^= 1;
    assert_int_equal(checkpoint_parse(STR(known), &checkpoint, NULL), STATUS_OK);
    assert_int_equal(checkpoint_verify_signature(&checkpoint, &other, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "not signed with this key"));
}

static void test_names(void **state)
{
    (void)state;
    char long_name[NOTE_KEY_NAME_BYTES_MAX + 1];
    static const char *const wrong[] = {"", " ", "a b", "a+b", "a\n", "a\x7f", "b\xc3\xa4r"};
    memset(long_name, 'x', sizeof long_name);
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_false(checkpoint_name_is_valid(str_from(wrong[i])));
    }
    assert_false(checkpoint_name_is_valid((struct str){long_name, sizeof long_name}));
    assert_true(checkpoint_name_is_valid((struct str){long_name, sizeof long_name - 1}));
    assert_true(checkpoint_name_is_valid(STR("usertrail")));
}

static void test_signers(void **state)
{
    (void)state;
    struct checkpoint_signer other = {.name = STR("untouched")};
    struct error err;
    assert_int_equal(checkpoint_signer_init(&other, "", "a name", &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "visible ASCII characters"));
    assert_int_equal(checkpoint_signer_init(&other, "/no/such/key.pem", "name", &err),
                     STATUS_NOT_FOUND);
    assert_non_null(strstr(err.message, "/no/such/key.pem"));
    assert_true(str_equal(other.name, STR("untouched")));
    assert_int_equal(checkpoint_signer_init(&other, "", "name", &err), STATUS_OK);
    assert_null(other.key);
    checkpoint_signer_deinit(&other);
}

/* A buffer that is too small says so and no half of a checkpoint is taken for one. */
static void test_no_room(void **state)
{
    (void)state;
    struct chain_end end = end_of(20852163);
    for (size_t room = 1; room < sizeof known - 1; room++) {
        struct buffer text;
        buffer_init(&text, room);
        assert_int_equal(checkpoint_signer_sign(&signer, store_id, &end, TIME_MS, &text),
                         STATUS_TOO_LARGE);
        buffer_deinit(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_the_note_that_others_write),
        cmocka_unit_test(test_comes_back_as_it_was),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_tampering_is_found),
        cmocka_unit_test(test_other_texts_are_refused),
        cmocka_unit_test(test_other_signatures_are_passed_over),
        cmocka_unit_test(test_false_signature_of_the_key),
        cmocka_unit_test(test_another_key),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_signers),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, make_signer, free_signer);
}
