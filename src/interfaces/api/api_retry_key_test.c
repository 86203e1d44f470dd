/*
 * Guards how a request is called by its client: exactly the strings that structured fields have,
 * bounded, once.
 */
#include "base/arena.h"
#include "interfaces/api/api_retry_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static enum status read_value(struct arena *arena, struct str value, struct str *out_key)
{
    struct error err;
    const struct http_header headers[] = {{STR("Host"), STR("h")}, {STR("idempotency-KEY"), value}};
    const struct http_request request = {.headers = headers, .header_count = ARRAY_LENGTH(headers)};
    const struct api_fields fields = {&request, API_FIELD_BIT(API_FIELD_IDEMPOTENCY_KEY)};
    return api_retry_key_read(&fields, arena, out_key, &err);
}

static void expect_key(struct str value, const char *expected)
{
    struct arena arena;
    struct str key;
    arena_init(&arena, 1 << 16);
    assert_int_equal(read_value(&arena, value, &key), STATUS_OK);
    assert_true(str_equal(key, str_from(expected)));
    arena_deinit(&arena);
}

static void strings_are_read(void **state)
{
    (void)state;
    expect_key(STR("\"k\""), "k");
    expect_key(STR("\"8e03978e-40d5-43dd-bc93-6894a57f9324\""),
               "8e03978e-40d5-43dd-bc93-6894a57f9324");
    expect_key(STR("\" a~!\""), " a~!");
    expect_key(STR("\"\\\"\\\\\""), "\"\\");
}

static void other_values_are_refused(void **state)
{
    (void)state;
    static const char *const values[] = {
        "",         "k",        "\"",           "\"\"",    "\"k",       "k\"",
        "'k'",      "\"a\"b\"", "\"a\\b\"",     "\"a\\\"", "\"k\";a=1", "\"k\", \"l\"",
        "\"\x7f\"", "\"\t\"",   "\"\xc3\xa9\"", ":azE=:",  "1",         "?1",
    };
    struct arena arena;
    arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
        struct str key = STR("untouched");
        if (read_value(&arena, str_from(values[i]), &key) != STATUS_INVALID) {
            fail_msg("%s is no key", values[i]);
        }
        assert_true(str_equal(key, STR("untouched")));
    }
    arena_deinit(&arena);
}

static void the_length_is_bounded(void **state)
{
    (void)state;
    char value[API_RETRY_KEY_BYTES_MAX + 4];
    struct str key;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    for (size_t more = 0; more < 2; more++) {
        int len = snprintf(value, sizeof value, "\"%0*d\"", API_RETRY_KEY_BYTES_MAX + (int)more, 7);
        enum status status = read_value(&arena, (struct str){value, (size_t)len}, &key);
        assert_int_equal(status, more == 0 ? STATUS_OK : STATUS_INVALID);
    }
    arena_deinit(&arena);
}

static void one_is_enough(void **state)
{
    (void)state;
    struct error err;
    struct str key = STR("untouched");
    const struct http_header twice[] = {{STR("Idempotency-Key"), STR("\"k\"")},
                                        {STR("Idempotency-Key"), STR("\"k\"")}};
    struct http_request request = {.headers = twice, .header_count = 2};
    const struct api_fields fields = {&request, API_FIELD_BIT(API_FIELD_IDEMPOTENCY_KEY)};
    assert_int_equal(api_retry_key_read(&fields, NULL, &key, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "once"));
    request.header_count = 0;
    assert_int_equal(api_retry_key_read(&fields, NULL, &key, &err), STATUS_OK);
    assert_null(key.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_read),
        cmocka_unit_test(other_values_are_refused),
        cmocka_unit_test(the_length_is_bounded),
        cmocka_unit_test(one_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
