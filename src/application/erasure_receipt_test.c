/* Guards the receipts of erasures: one that the service gave is read as it was meant, and of any
 * other the member that is wrong is named. */
#include "application/erasure_receipt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

#define STATUS  "\"status\":\"success\""
#define USER    "\"userId\":\"\xc3\xa4\\\"b\""
#define TIME    "\"erasedAt\":\"2026-01-14T23:58:05.443Z\""
#define ERASED  "\"erased\":42"
#define STORE   "\"store\":\"local\""
#define DURABLE "\"durable\":true"
#define ID      "\"storeId\":\"0192abcd-0000-4000-8000-00000000000f\""
#define RECORD  "\"record\":17"
#define HASH    "\"hash\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""
#define SEALED  "\"sealed\":41"
#define CHAIN   "\"chain\":{" ID "," RECORD "," HASH "," SEALED "}"
#define RECEIPT "\"receipt\":{" STORE "," DURABLE "," CHAIN "}"

static const char whole[] = "{" STATUS "," USER "," TIME "," ERASED "," RECEIPT
                            ",\"outOfReach\":[{\"what\":\"copies\",\"detail\":\"far\"}]}\n";

static void a_receipt_is_read(void **state)
{
    (void)state;
    static const uint8_t hash[ERASURE_HASH_BYTES] = {
        0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45,
        0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab,
        0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    struct erasure_receipt receipt;
    struct uuid store_id;
    assert_true(uuid_parse(STR("0192abcd-0000-4000-8000-00000000000f"), &store_id));
    assert_int_equal(erasure_receipt_parse(str_from(whole), &receipt, NULL), STATUS_OK);
    assert_int_equal(receipt.user_id_len, 4);
    assert_memory_equal(receipt.user_id, "\xc3\xa4\"b", 4);
    assert_int_equal(receipt.erased, 42);
    assert_true(uuid_equal(receipt.record.store_id, store_id));
    assert_int_equal(receipt.record.number, 17);
    assert_memory_equal(receipt.record.hash, hash, sizeof hash);
    assert_int_equal(receipt.record.erased_at_ms, INT64_C(1768435085443));
    assert_int_equal(receipt.record.sealed, 41);
}

static void expect_refused(struct str text, const char *words)
{
    struct erasure_receipt receipt = {.erased = 99};
    struct error err;
    assert_int_equal(erasure_receipt_parse(text, &receipt, &err), STATUS_INVALID);
    if (strstr(err.message, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, words);
    }
    assert_int_equal(receipt.erased, 99);
}

struct change {
    const char *from;
    const char *to;
    const char *words;
};

/* Each turns the whole receipt into one that is none. */
static const struct change changes[] = {
    {"success", "failure", "status is not"},
    {USER, "\"userId\":\"\"", "userId is not"},
    {USER, "\"userId\":7", "userId is not"},
    {TIME, "\"erasedAt\":\"yesterday\"", "erasedAt is not"},
    {TIME, "\"erasedAt\":1768435085443", "erasedAt is not"},
    {ERASED, "\"erased\":-1", "erased is not"},
    {ERASED, "\"erased\":\"42\"", "erased is not"},
    {ERASED, "\"erased\":40", "receipt.chain.sealed is more than erased"},
    {RECEIPT, "\"receipt\":\"token\"", "receipt is not an object"},
    {RECEIPT, "\"other\":1", "receipt is not an object"},
    {CHAIN, "\"chain\":null", "the receipt names no record"},
    {"," CHAIN, "", "the receipt names no record"},
    {CHAIN, "\"chain\":[]", "receipt.chain.storeId is not"},
    {STORE, "\"store\":\"memory\"", "receipt.store is not"},
    {DURABLE, "\"durable\":false", "receipt.durable is not"},
    {"000f\"", "000F\"", "receipt.chain.storeId is not"},
    {RECORD, "\"record\":0", "receipt.chain.record is not"},
    {RECORD, "\"record\":1.5", "receipt.chain.record is not"},
    {HASH, "\"hash\":\"0123\"", "receipt.chain.hash is not"},
    {"cdef\"", "cdeg\"", "receipt.chain.hash is not"},
    {"cdef\"", "cdef01\"", "receipt.chain.hash is not"},
    {SEALED, "\"sealed\":null", "receipt.chain.sealed is not"},
    {"{" STATUS, "[" STATUS, "it cannot be read as JSON"},
};

static void the_member_that_is_wrong_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(changes); i++) {
        const struct change *change = &changes[i];
        char text[2 * sizeof whole];
        const char *at = strstr(whole, change->from);
        assert_non_null(at);
        int len = snprintf(text, sizeof text, "%.*s%s%s", (int)(at - whole), whole, change->to,
                           at + strlen(change->from));
        expect_refused((struct str){text, (size_t)len}, change->words);
    }
    expect_refused(STR(""), "it cannot be read as JSON");
    expect_refused(STR("[]"), "status is not");
}

static void a_user_and_a_text_have_a_maximum(void **state)
{
    (void)state;
    static char text[ERASURE_RECEIPT_BYTES_MAX + 1];
    static char user[USER_ID_BYTES_MAX + 2];
    struct erasure_receipt receipt;
    memset(user, 'u', sizeof user - 1);
    const char *rest = strstr(whole, "," TIME);
    int len = snprintf(text, sizeof text, "{" STATUS ",\"userId\":\"%s\"%s", user, rest);
    expect_refused((struct str){text, (size_t)len}, "userId is not");
    user[USER_ID_BYTES_MAX] = '\0';
    len = snprintf(text, sizeof text, "{" STATUS ",\"userId\":\"%s\"%s", user, rest);
    memset(text + len, ' ', sizeof text - (size_t)len);
    assert_int_equal(
        erasure_receipt_parse((struct str){text, ERASURE_RECEIPT_BYTES_MAX}, &receipt, NULL),
        STATUS_OK);
    assert_int_equal(receipt.user_id_len, USER_ID_BYTES_MAX);
    expect_refused((struct str){text, sizeof text}, "it is too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_is_read),
        cmocka_unit_test(the_member_that_is_wrong_is_named),
        cmocka_unit_test(a_user_and_a_text_have_a_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
