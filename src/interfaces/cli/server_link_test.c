/* Guards what a server is asked: nothing that a user typed ends a parameter or a path, and what a
 * refusal says reaches whoever asked. */
#include "interfaces/cli/server_link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static void targets_are_encoded(void **state)
{
    (void)state;
    static struct folder_question question;
    static const struct folder_option items[] = {FOLDER_FILTER_OPTIONS, FOLDER_SERVER_OPTIONS};
    const struct folder_options options = {items, ARRAY_LENGTH(items)};
    char *words[] = {(char *)(uintptr_t) "--user=a&b=c",
                     (char *)(uintptr_t) "--action=\xc3\xbc x",
                     (char *)(uintptr_t) "--metadata=cart.a\\.b=1+2=3",
                     (char *)(uintptr_t) "--not-user=a&",
                     (char *)(uintptr_t) "--not-action=x",
                     (char *)(uintptr_t) "--not-metadata=b=1&",
                     (char *)(uintptr_t) "--from=2024-01-15T10:00:00+02:00",
                     (char *)(uintptr_t) "--url=http://127.0.0.1:1"};
    struct error err;
    struct buffer target;
    buffer_init(&target, 1024);
    assert_int_equal(folder_arguments_read(&options, ARRAY_LENGTH(words), words, &question, &err),
                     STATUS_OK);
    buffer_append_literal(&target, "/p");
    server_append_segment(&target, STR("a/b?c"));
    server_append_filter(&target, &question);
    buffer_append_char(&target, '\0');
    assert_string_equal(target.data, "/p/a%2Fb%3Fc?userId=a%26b%3Dc&action=%C3%BC%20x"
                                     "&metadata.cart.a%5C.b=1%2B2%3D3&not.userId=a%26"
                                     "&not.action=x&not.metadata.b=1%26"
                                     "&from=2024-01-15T10%3A00%3A00%2B02%3A00");
    buffer_deinit(&target);
}

static void a_folder_and_a_server_are_not_both_named(void **state)
{
    (void)state;
    struct error err;
    const struct server_address both = {.url = "http://127.0.0.1", .directory = "data"};
    assert_int_equal(server_address_check(&both, &err), STATUS_INVALID);
    const struct server_address none = {0};
    assert_int_equal(server_address_check(&none, &err), STATUS_OK);
}

static void refusals_say_what_and_why(void **state)
{
    (void)state;
    struct error err;
    struct str body = STR("{\"detail\":\"the key may not\"}");
    assert_int_equal(server_refusal(403, body, &err), STATUS_UNAVAILABLE);
    assert_string_equal(err.message, "the server answers 403: the key may not");
    assert_int_equal(server_refusal(401, body, &err), STATUS_UNAVAILABLE);
    assert_non_null(strstr(err.message, "--key-file"));
    assert_int_equal(server_refusal(400, body, &err), STATUS_INVALID);
    assert_int_equal(server_refusal(404, body, &err), STATUS_NOT_FOUND);
    assert_int_equal(server_refusal(503, STR("<html>"), &err), STATUS_BUSY);
    assert_string_equal(err.message, "the server answers 503");
    assert_int_equal(server_refusal(429, body, &err), STATUS_BUSY);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_encoded),
        cmocka_unit_test(a_folder_and_a_server_are_not_both_named),
        cmocka_unit_test(refusals_say_what_and_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
