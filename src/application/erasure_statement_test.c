/* Guards the text of an erasure that is signed: whoever keeps a receipt must find the same bytes
 * for as long as it is kept, and a member that says something else must be named. */
#include "application/erasure_statement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

#define HEAD                                                                                       \
    "usertrail.erasure/1\n"                                                                        \
    "status \"success\"\n"                                                                         \
    "userId \"\xc3\xa4\\\"b\"\n"                                                                   \
    "erasedAt \"2026-01-14T23:58:05.443Z\"\n"                                                      \
    "erased 42\n"                                                                                  \
    "refused 3\n"                                                                                  \
    "receipt.store \"local\"\n"                                                                    \
    "receipt.durable true\n"
#define CHAIN                                                                                      \
    "receipt.chain.storeId \"0192abcd-0000-4000-8000-00000000000f\"\n"                             \
    "receipt.chain.record 17\n"                                                                    \
    "receipt.chain.hash \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"\n"    \
    "receipt.chain.sealed 41\n"
#define SIGNED_AT "signedAt \"2026-01-14T23:58:05.501Z\"\n"
#define PLACES                                                                                     \
    "outOfReach.0.what \"here\"\n"                                                                 \
    "outOfReach.0.detail \"behind \\\"walls\\\"\"\n"                                               \
    "outOfReach.1.what \"there\"\n"                                                                \
    "outOfReach.1.detail \"far away\"\n"

static const char golden[] = HEAD CHAIN SIGNED_AT PLACES;
static const char golden_without_a_chain[] = HEAD "receipt.chain null\n" SIGNED_AT PLACES;

static struct erasure_texts texts;

static struct erasure_statement make_statement(struct str user_id, bool recorded)
{
    struct erasure_statement statement;
    struct erasure erasure = {
        .erased_at_ms = INT64_C(1768435085443),
        .erased = 42,
        .refused = 3,
        .store = "local",
        .durable = true,
        .recorded = recorded,
        .record = {.number = 17, .sealed = 41},
        .out_of_reach = {{"here", "behind \"walls\""}, {"there", "far away"}},
        .out_of_reach_count = 2,
    };
    int64_t signed_at_ms = INT64_C(1768435085501);
    for (size_t i = 0; i < ERASURE_HASH_BYTES; i++) {
        erasure.record.hash[i] = (uint8_t)(i % 8 * 0x22 + 1);
    }
    assert_true(uuid_parse(STR("0192abcd-0000-4000-8000-00000000000f"), &erasure.record.store_id));
    erasure_statement_make(user_id, &erasure, &signed_at_ms, &texts, &statement);
    return statement;
}

static void expect_text(const struct erasure_statement *statement, const char *expected)
{
    struct buffer text;
    buffer_init(&text, STATEMENT_BYTES_MAX);
    erasure_statement_append(statement, &text);
    assert_int_equal(text.failed, STATUS_OK);
    buffer_append_char(&text, '\0');
    assert_string_equal(text.data, expected);
    buffer_deinit(&text);
    assert_int_equal(erasure_statement_compare(statement, str_from(expected), NULL), STATUS_OK);
}

static void the_text_is_the_one_that_was_always_signed(void **state)
{
    (void)state;
    struct erasure_statement statement = make_statement(STR("\xc3\xa4\"b"), true);
    expect_text(&statement, golden);
    statement = make_statement(STR("\xc3\xa4\"b"), false);
    expect_text(&statement, golden_without_a_chain);
}

/* A user may not smuggle a line in. */
static void a_value_is_one_line(void **state)
{
    (void)state;
    struct buffer text;
    struct erasure_statement statement = make_statement(STR("a\"\nerased 0\n\\"), true);
    buffer_init(&text, STATEMENT_BYTES_MAX);
    erasure_statement_append(&statement, &text);
    buffer_append_char(&text, '\0');
    assert_non_null(strstr(text.data, "\nuserId \"a\\\"\\nerased 0\\n\\\\\"\nerasedAt "));
    buffer_deinit(&text);
}

static void who_does_not_sign_has_no_time(void **state)
{
    (void)state;
    struct erasure_statement statement;
    struct erasure erasure = {.store = "memory"};
    erasure_statement_make(STR("u"), &erasure, NULL, &texts, &statement);
    assert_null(statement.signed_at.data);
    assert_true(str_equal(statement.erased_at, STR("1970-01-01T00:00:00.000Z")));
}

struct change {
    const char *from;
    const char *to;
    const char *words;
};

/* Each turns the signed text into one that says something else. */
static const struct change changes[] = {
    {"erasure/1", "erasure/2", "no text of an erasure of version 1"},
    {"success", "failure", "its status is"},
    {"\\\"b", "\\\"c", "its userId is"},
    {"05.443Z", "05.444Z", "its erasedAt is"},
    {"erased 42", "erased 43", "its erased is"},
    {"refused 3", "refused 0", "its refused is"},
    {"\"local\"", "\"mongodb\"", "its receipt.store is"},
    {"durable true", "durable false", "its receipt.durable is"},
    {"00f\"", "00e\"", "its receipt.chain.storeId is"},
    {"record 17", "record 18", "its receipt.chain.record is"},
    {"cdef\"", "cdee\"", "its receipt.chain.hash is"},
    {"sealed 41", "sealed 40", "its receipt.chain.sealed is"},
    {CHAIN, "receipt.chain null\n", "its receipt.chain is"},
    {"05.501Z", "05.500Z", "its signedAt is"},
    {"here", "her", "its outOfReach.0.what is"},
    {"walls", "wall", "its outOfReach.0.detail is"},
    {"far", "near", "its outOfReach.1.detail is"},
    {PLACES, "", "its outOfReach.0.what is"},
    {"far away\"\n", "far away\"\noutOfReach.2.what \"\"\n", "its outOfReach.2.what is"},
    {"far away\"\n", "far away\"\n\x1b[2J \n", "its signed is"},
    {"erased 42", "\xff 42", "its erased is"},
    {"far away\"\n", "far away\"", "does not end with its last line"},
};

static void the_member_that_differs_is_named(void **state)
{
    (void)state;
    struct erasure_statement statement = make_statement(STR("\xc3\xa4\"b"), true);
    for (size_t i = 0; i < ARRAY_LENGTH(changes); i++) {
        char text[2 * sizeof golden];
        struct error err;
        const char *at = strstr(golden, changes[i].from);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - golden), golden, changes[i].to,
                 at + strlen(changes[i].from));
        assert_int_equal(erasure_statement_compare(&statement, str_from(text), &err),
                         STATUS_INVALID);
        if (strstr(err.message, changes[i].words) == NULL) {
            fail_msg("\"%s\" does not say \"%s\"", err.message, changes[i].words);
        }
    }
    assert_int_equal(erasure_statement_compare(&statement, STR(""), NULL), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_the_one_that_was_always_signed),
        cmocka_unit_test(a_value_is_one_line),
        cmocka_unit_test(who_does_not_sign_has_no_time),
        cmocka_unit_test(the_member_that_differs_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
