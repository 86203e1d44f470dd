/*
 * Guards whose a refused message is: nobody else's is erased or shown, and none of a user's own is
 * passed over because something else is wrong with it.
 */
#include "application/refusal_subject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

struct subject_case {
    const char *raw; /* NULL: there is no message */
    const char *key; /* likewise */
    const char *names[REFUSAL_NAMES_MAX + 1];
};

static const struct subject_case cases[] = {
    {"{\"userId\":\"ann\",\"action\":7}", "ann", {"ann"}},
    {" \n{ \"a\" : [1, {\"userId\":\"eve\"}] ,\t\"userId\" : \"ann\" }", NULL, {"ann"}},
    {"{\"metadata\":{\"userId\":\"eve\"},\"userId\":\"ann\"}", NULL, {"ann"}},
    {"{\"user\\u0049d\":\"\\u0061n\\\\n\\ud83d\\ude00\"}", NULL, {"an\\n\xf0\x9f\x98\x80"}},
    {"{\"userId\":101}", NULL, {"101"}},
    {"{\"userId\": -1 , \"a\":2}", NULL, {"-1"}},
    /* its text decides, and the key where that says nobody */
    {"{\"userId\":\"ann\"}", "tenant", {"ann"}},
    {"{\"userId\":null}", "ann", {"ann"}},
    {"{\"userId\":{\"a\":\"eve\"}}", "ann", {"ann"}},
    {"{\"userId\":[\"eve\"]}", NULL, {NULL}},
    {"{\"userId\":\"\"}", "ann", {"ann"}},
    {"{\"userId\":\"\xff\"}", "ann", {"ann"}},
    {"{\"userId\":\"\\ud800\"}", "ann", {"ann"}},
    {"[{\"userId\":\"eve\"}]", "ann", {"ann"}},
    {"\"userId\"", "ann", {"ann"}},
    {"not JSON", "ann", {"ann"}},
    {"", "ann", {"ann"}},
    {NULL, "ann", {"ann"}},
    {NULL, "\xff\xfe", {NULL}},
    {"{}", "", {NULL}},
    {"{}", NULL, {NULL}},
    {"{\"UserId\":\"eve\",\"userid\":\"eve\",\"user\":\"eve\"}", NULL, {NULL}},
    /* as far as it can be read */
    {"{\"userId\":\"ann\",\"metadata\":{\"a\":\"b", NULL, {"ann"}},
    {"{\"userId\":\"ann\"", NULL, {"ann"}},
    {"{\"userId\":\"an", "key", {"key"}},
    {"{\"userId\":12", "key", {"key"}},
    {"{\"userId\"", "key", {"key"}},
    {"{\"a\":1,}", "key", {"key"}},
    {"{\"userId\":\"ann\",}}}", NULL, {"ann"}},
    {"{a:1,\"userId\":\"eve\"}", "key", {"key"}},
    /* several */
    {"{\"userId\":\"ann\",\"userId\":\"bob\",\"userId\":\"ann\"}", "eve", {"ann", "bob"}},
    {"{\"userId\":1,\"userId\":2,\"userId\":\"\\u0033\",\"userId\":4,\"userId\":5}",
     NULL,
     {"1", "2", "3", "4"}},
};

static struct refusal refusal_of(const struct subject_case *one)
{
    return (struct refusal){
        .raw = one->raw == NULL ? (struct str){0} : str_from(one->raw),
        .key = one->key == NULL ? (struct str){0} : str_from(one->key),
    };
}

static void names_whom_the_message_is_of(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const struct refusal refusal = refusal_of(&cases[i]);
        struct refusal_subject subject;
        size_t count = 0;
        assert_int_equal(refusal_subject_read(&refusal, &subject), STATUS_OK);
        while (cases[i].names[count] != NULL) {
            if (!refusal_subject_is(&subject, str_from(cases[i].names[count]))) {
                fail_msg("case %zu does not name %s", i, cases[i].names[count]);
            }
            count++;
        }
        if (subject.count != count) {
            fail_msg("case %zu names %zu", i, subject.count);
        }
    }
}

/* Every user of a message has all bits of its signature; it says no of most others. */
static void a_signature_passes_over_nobody(void **state)
{
    (void)state;
    size_t others = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const struct refusal refusal = refusal_of(&cases[i]);
        uint64_t signature = refusal_signature(&refusal);
        for (size_t k = 0; cases[i].names[k] != NULL; k++) {
            uint64_t of_user = refusal_signature_of_user(str_from(cases[i].names[k]));
            assert_true(refusal_signature_may_be(signature, of_user));
        }
        for (unsigned k = 0; k < 1000; k++) {
            char name[32];
            snprintf(name, sizeof name, "somebody-%u", k);
            others +=
                refusal_signature_may_be(signature, refusal_signature_of_user(str_from(name)));
        }
        assert_true(refusal_signature_may_be(signature, 0));
    }
    assert_true(others < 40);
}

static void asks_about_one_user(void **state)
{
    (void)state;
    const struct refusal refusal = {.raw = STR("{\"userId\":\"ann\"}"), .key = STR("bob")};
    bool is_of = false;
    assert_int_equal(refusal_is_of(&refusal, STR("ann"), &is_of), STATUS_OK);
    assert_true(is_of);
    assert_int_equal(refusal_is_of(&refusal, STR("bob"), &is_of), STATUS_OK);
    assert_false(is_of);
}

/* A name at the longest that a user can have, and one beyond, plain and escaped. */
static void names_are_as_long_as_users(void **state)
{
    (void)state;
    static char raw[2 * USER_ID_BYTES_MAX + 64];
    static char name[USER_ID_BYTES_MAX + 1];
    for (size_t len = USER_ID_BYTES_MAX; len <= USER_ID_BYTES_MAX + 1; len++) {
        for (int escaped = 0; escaped < 2; escaped++) {
            memset(name, 'x', sizeof name);
            int head = snprintf(raw, sizeof raw, "{\"userId\":\"%s", escaped ? "\\u0078" : "x");
            memset(raw + head, 'x', len - 1);
            memcpy(raw + head + len - 1, "\"}", 3);
            const struct refusal refusal = {.raw = str_from(raw)};
            struct refusal_subject subject;
            assert_int_equal(refusal_subject_read(&refusal, &subject), STATUS_OK);
            assert_int_equal(subject.count, len == USER_ID_BYTES_MAX);
            assert_int_equal(refusal_subject_is(&subject, (struct str){name, len}),
                             len == USER_ID_BYTES_MAX);
        }
    }
}

static void reads_when_it_was_received(void **state)
{
    (void)state;
    static const struct {
        const char *raw;
        bool has;
    } times[] = {
        {"{\"userId\":\"a\",\"receivedAt\":\"2026-01-14T23:58:05.442Z\"}", true},
        {"{\"receivedAt\":\"2026-01-14T23:58:05.442Z\",\"receivedAt\":\"1999-01-01T00:00:00Z\"}",
         true},
        {"{\"receivedAt\":1768435085442}", false},
        {"{\"receivedAt\":\"yesterday\"}", false},
        {"{\"metadata\":{\"receivedAt\":\"2026-01-14T23:58:05.442Z\"}}", false},
        {"", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(times); i++) {
        const struct refusal refusal = {.raw = str_from(times[i].raw)};
        struct refusal_subject subject;
        assert_int_equal(refusal_subject_read(&refusal, &subject), STATUS_OK);
        assert_int_equal(subject.has_received_at, times[i].has);
        if (times[i].has) {
            assert_int_equal(subject.received_at_ms, INT64_C(1768435085442));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_whom_the_message_is_of),
        cmocka_unit_test(a_signature_passes_over_nobody),
        cmocka_unit_test(asks_about_one_user),
        cmocka_unit_test(names_are_as_long_as_users),
        cmocka_unit_test(reads_when_it_was_received),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
