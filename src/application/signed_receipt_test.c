/* Guards the reading of receipts that are signed: each member is taken as it stands there, and of
 * a text that is none the member that is wrong is named. */
#include "application/erasure_receipt.h"
#include "application/signed_receipt.h"

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
#define REFUSED "\"refused\":3"
#define STORE   "\"store\":\"local\""
#define DURABLE "\"durable\":true"
#define ID      "\"storeId\":\"0192abcd-0000-4000-8000-00000000000f\""
#define RECORD  "\"record\":17"
#define HASH    "\"hash\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""
#define SEALED  "\"sealed\":41"
#define CHAIN   "\"chain\":{" ID "," RECORD "," HASH "," SEALED "}"
#define RECEIPT "\"receipt\":{" STORE "," DURABLE "," CHAIN "}"
#define PLACE   "{\"what\":\"copies\",\"detail\":\"far\"}"
#define PLACES  "\"outOfReach\":[" PLACE "]"
#define WHEN    "\"signedAt\":\"2026-01-14T23:58:05.501Z\""
#define TEXT    "\"signed\":\"one\\ntwo\\n\""
#define BY      "\"signedBy\":\"usertrail+01020304\""
#define PROOF   "\"signature\":\"AAAA\""

#define UNSIGNED "{" STATUS "," USER "," TIME "," ERASED "," REFUSED "," RECEIPT "," PLACES

static const char whole[] = UNSIGNED "," WHEN "," TEXT "," BY "," PROOF "}";

static void each_member_is_read(void **state)
{
    (void)state;
    struct signed_receipt receipt;
    const struct erasure_statement *statement = &receipt.statement;
    assert_int_equal(signed_receipt_read(str_from(whole), &receipt, NULL), STATUS_OK);
    assert_true(str_equal(statement->user_id, STR("\xc3\xa4\"b")));
    assert_true(str_equal(statement->erased_at, STR("2026-01-14T23:58:05.443Z")));
    assert_int_equal(statement->erased, 42);
    assert_int_equal(statement->refused, 3);
    assert_true(str_equal(statement->store, STR("local")));
    assert_true(statement->durable && statement->recorded);
    assert_true(str_equal(statement->store_id, STR("0192abcd-0000-4000-8000-00000000000f")));
    assert_int_equal(statement->record, 17);
    assert_int_equal(statement->hash.len, 64);
    assert_int_equal(statement->sealed, 41);
    assert_int_equal(statement->place_count, 1);
    assert_true(str_equal(statement->places[0].what, STR("copies")));
    assert_true(str_equal(statement->places[0].detail, STR("far")));
    assert_true(str_equal(statement->signed_at, STR("2026-01-14T23:58:05.501Z")));
    assert_true(str_equal(receipt.text, STR("one\ntwo\n")));
    assert_true(str_equal(receipt.signed_by, STR("usertrail+01020304")));
    assert_true(str_equal(receipt.signature, STR("AAAA")));
    signed_receipt_deinit(&receipt);
}

static void expect_refused(struct str text, const char *words)
{
    struct signed_receipt receipt = {.signed_by = STR("untouched")};
    struct error err;
    assert_int_equal(signed_receipt_read(text, &receipt, &err), STATUS_INVALID);
    if (strstr(err.message, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, words);
    }
    assert_true(str_equal(receipt.signed_by, STR("untouched")));
}

struct change {
    const char *from;
    const char *to;
    const char *words;
};

/* Each turns the whole receipt into one that is none. */
static const struct change changes[] = {
    {"success", "failure", "status is not"},
    {USER, "\"userId\":7", "userId is not"},
    {TIME, "\"erasedAt\":\"yesterday\"", "erasedAt is not"},
    {ERASED, "\"erased\":-1", "erased is not"},
    {ERASED, "\"erased\":42.0", "erased is not"},
    {REFUSED, "\"refused\":true", "refused is not"},
    {RECEIPT, "\"receipt\":\"token\"", "receipt is not an object"},
    {STORE, "\"store\":null", "receipt.store is not"},
    {DURABLE, "\"durable\":1", "receipt.durable is neither"},
    {"," CHAIN, "", "receipt.chain is missing"},
    {CHAIN, "\"chain\":[]", "receipt.chain.storeId is not"},
    {ID, "\"storeId\":0", "receipt.chain.storeId is not"},
    {RECORD, "\"record\":1.5", "receipt.chain.record is not"},
    {HASH, "\"hash\":{}", "receipt.chain.hash is not"},
    {SEALED, "\"sealed\":null", "receipt.chain.sealed is not"},
    {SEALED, SEALED "," SEALED, "receipt.chain has a member that nobody signed"},
    {DURABLE, DURABLE "," DURABLE, "receipt has a member that nobody signed"},
    {PLACES, "\"outOfReach\":{}", "outOfReach is not a list"},
    {PLACE, "{}", "whose what is not"},
    {"\"far\"", "0", "whose detail is not"},
    {"\"far\"", "\"far\",\"more\":1", "outOfReach has a place with a member that nobody signed"},
    {WHEN, "\"signedAt\":\"\"", "signedAt is not"},
    {TEXT, "\"signed\":1", "signed is not a text"},
    {BY, "\"signedby\":\"\"", "signedBy is not"},
    {"," PROOF, "", "signature is not a text"},
    {ERASED, ERASED ",\"erased\":0", "there is a member that nobody signed"},
    {PROOF, PROOF ",\"more\":1", "there is a member that nobody signed"},
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

static void a_receipt_without_a_signature_is_told(void **state)
{
    (void)state;
    expect_refused(STR(UNSIGNED "}"), "nobody signed this receipt");
}

static void a_receipt_may_have_no_record(void **state)
{
    (void)state;
    struct signed_receipt receipt;
    assert_int_equal(signed_receipt_read(STR("{" STATUS "," USER "," TIME "," ERASED "," REFUSED
                                             ",\"receipt\":{" STORE "," DURABLE
                                             ",\"chain\":null},\"outOfReach\":[]," WHEN "," TEXT
                                             "," BY "," PROOF "}"),
                                         &receipt, NULL),
                     STATUS_OK);
    assert_false(receipt.statement.recorded);
    assert_int_equal(receipt.statement.place_count, 0);
    signed_receipt_deinit(&receipt);
}

static void places_and_a_text_have_a_maximum(void **state)
{
    (void)state;
    static char text[ERASURE_RECEIPT_BYTES_MAX + 1];
    for (size_t count = STATEMENT_PLACES_MAX; count <= STATEMENT_PLACES_MAX + 1; count++) {
        const char *rest = strstr(whole, "]," WHEN);
        size_t len = (size_t)(rest - whole);
        memcpy(text, whole, len);
        for (size_t i = 1; i < count; i++) {
            len += (size_t)snprintf(text + len, sizeof text - len, "," PLACE);
        }
        len += (size_t)snprintf(text + len, sizeof text - len, "%s", rest);
        if (count > STATEMENT_PLACES_MAX) {
            expect_refused((struct str){text, len}, "outOfReach is not a list");
        } else {
            struct signed_receipt receipt;
            memset(text + len, ' ', sizeof text - len);
            assert_int_equal(
                signed_receipt_read((struct str){text, sizeof text - 1}, &receipt, NULL),
                STATUS_OK);
            assert_int_equal(receipt.statement.place_count, STATEMENT_PLACES_MAX);
            signed_receipt_deinit(&receipt);
            expect_refused((struct str){text, sizeof text}, "it is too long");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_member_is_read),
        cmocka_unit_test(the_member_that_is_wrong_is_named),
        cmocka_unit_test(a_receipt_without_a_signature_is_told),
        cmocka_unit_test(a_receipt_may_have_no_record),
        cmocka_unit_test(places_and_a_text_have_a_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
