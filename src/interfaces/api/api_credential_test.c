/*
 * Guards how a key is shown: both schemes, however they are spelt, one field only, and the token of
 * a link.
 */
#include "base/base64url.h"
#include "base/macros.h"
#include "interfaces/api/api_credential.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void both_schemes_are_read(void **state)
{
    (void)state;
    static const char *const fields[] = {
        "Bearer ut_key",
        "bearer ut_key",
        "BEARER   ut_key",
        "Basic OnV0X2tleQ==" /* :ut_key */,
        "basic  dXNlcjp1dF9rZXk=" /* user:ut_key */,
    };
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
        char scratch[API_CREDENTIAL_BYTES_MAX];
        struct str shown;
        assert_true(api_credential_read(str_from(fields[i]), scratch, &shown));
        assert_true(str_equal(shown, STR("ut_key")));
    }
}

static void a_password_may_have_colons(void **state)
{
    (void)state;
    char scratch[API_CREDENTIAL_BYTES_MAX];
    struct str shown;
    assert_true(api_credential_read(STR("Basic YTpiOmM="), scratch, &shown)); /* a:b:c */
    assert_true(str_equal(shown, STR("b:c")));
}

static void anything_else_shows_nothing(void **state)
{
    (void)state;
    static const char *const fields[] = {
        "",
        "Bearer",
        "Bearer ",
        "Bearerut_key",
        "ut_key",
        "Digest ut_key",
        "Basic",
        "Basic !!!!",
        "Basic dXNlcg==" /* user */,
        "Basic dXNlcjp1dF9rZXk",
        " Bearer ut_key",
    };
    char scratch[API_CREDENTIAL_BYTES_MAX];
    struct str shown;
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
        if (api_credential_read(str_from(fields[i]), scratch, &shown)) {
            fail_msg("%s", fields[i]);
        }
    }
    assert_false(api_credential_read((struct str){0}, scratch, &shown));
}

static void what_is_too_long_is_not_decoded(void **state)
{
    (void)state;
    static char bytes[API_CREDENTIAL_BYTES_MAX + 1] = ":";
    char scratch[API_CREDENTIAL_BYTES_MAX];
    struct str shown;
    for (size_t more = 0; more < 2; more++) {
        struct buffer field;
        buffer_init(&field, 8192);
        buffer_append_literal(&field, "Basic ");
        base64_encode(bytes, API_CREDENTIAL_BYTES_MAX + more, &field);
        assert_int_equal(api_credential_read(buffer_str(&field), scratch, &shown), more == 0);
        buffer_deinit(&field);
    }
}

static void tokens_are_taken_out_of_queries(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        const char *token; /* NULL: none */
        const char *rest;  /* NULL: nothing is left */
    } cases[] = {
        {"token=abc", "abc", NULL},        {"limit=5&token=abc&page=2", "abc", "limit=5&page=2"},
        {"token=&limit=5", "", "limit=5"}, {"token=a&token=b", "a", NULL},
        {"limit=5", NULL, "limit=5"},      {"tokens=5&&mytoken=4", NULL, "tokens=5&mytoken=4"},
        {"token", NULL, "token"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct arena arena;
        struct str rest;
        struct str token = api_credential_token(str_from(cases[i].query));
        arena_init(&arena, 1 << 16);
        assert_int_equal(token.data == NULL, cases[i].token == NULL);
        assert_true(cases[i].token == NULL || str_equal(token, str_from(cases[i].token)));
        assert_true(api_credential_without_token(str_from(cases[i].query), &arena, &rest));
        assert_int_equal(rest.data == NULL, cases[i].rest == NULL);
        assert_true(cases[i].rest == NULL || str_equal(rest, str_from(cases[i].rest)));
        arena_deinit(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_schemes_are_read),
        cmocka_unit_test(a_password_may_have_colons),
        cmocka_unit_test(anything_else_shows_nothing),
        cmocka_unit_test(what_is_too_long_is_not_decoded),
        cmocka_unit_test(tokens_are_taken_out_of_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
