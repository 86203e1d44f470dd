/*
 * Guards how fields of a header are read: by their name in any case, as often as they are there,
 * and only where the operation declares them.
 */
#include "interfaces/api/api_private.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct http_header sent[] = {
    {{"Host", 4}, {"h", 1}},         {{"ce-id", 5}, {"1", 1}},  {{"accept", 6}, {"a/b", 3}},
    {{"CE-Type", 7}, {"t", 1}},      {{"ce-", 3}, {"none", 4}}, {{"Accept", 6}, {"c/d", 3}},
    {{"Last-Event-ID", 13}, {"", 0}}};

static const struct http_request request = {.headers = sent, .header_count = ARRAY_LENGTH(sent)};

static const struct api_fields declared = {
    &request, API_FIELD_BIT(API_FIELD_ACCEPT) | API_FIELD_BIT(API_FIELD_CE) |
                  API_FIELD_BIT(API_FIELD_IF_NONE_MATCH) | API_FIELD_BIT(API_FIELD_LAST_EVENT_ID)};

static void names_have_no_case(void **state)
{
    (void)state;
    assert_int_equal(api_field_find(STR("idempotency-KEY")), API_FIELD_IDEMPOTENCY_KEY);
    assert_int_equal(api_field_find(STR("Ce-Source")), API_FIELD_CE);
    assert_int_equal(api_field_find(STR("host")), API_FIELD_HOST);
    static const char *const others[] = {"", "ce-", "ce", "Accept-", "Accep", "Accept-Language"};
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        assert_int_equal(api_field_find(str_from(others[i])), API_FIELD_COUNT);
    }
}

/* A field without a name would be every field. */
static void every_field_has_a_name(void **state)
{
    (void)state;
    for (enum api_field field = 0; field < API_FIELD_COUNT; field++) {
        struct str name = api_field_name(field);
        assert_true(name.len > 0 && name.len == strlen(name.data));
        assert_true(field == API_FIELD_CE || api_field_find(name) == field);
    }
}

static void the_first_is_read(void **state)
{
    (void)state;
    assert_true(str_equal(api_fields_first(&declared, API_FIELD_ACCEPT), STR("a/b")));
    assert_true(str_equal(api_fields_first(&declared, API_FIELD_CE), STR("1")));
    assert_non_null(api_fields_first(&declared, API_FIELD_LAST_EVENT_ID).data); /* though empty */
    assert_null(api_fields_first(&declared, API_FIELD_IF_NONE_MATCH).data);
}

/* Who may send something once must not choose between two. */
static void one_of_several_is_none(void **state)
{
    (void)state;
    size_t count;
    assert_null(api_fields_only(&declared, API_FIELD_ACCEPT, &count).data);
    assert_int_equal(count, 2);
    assert_null(api_fields_only(&declared, API_FIELD_IF_NONE_MATCH, &count).data);
    assert_int_equal(count, 0);
    assert_true(str_equal(api_fields_only(&declared, API_FIELD_HOST, &count), STR("h")));
    assert_int_equal(count, 1);
}

static void all_are_found_in_both_directions(void **state)
{
    (void)state;
    size_t at = 0;
    assert_ptr_equal(api_fields_next(&declared, API_FIELD_CE, &at), &sent[1]);
    assert_ptr_equal(api_fields_next(&declared, API_FIELD_CE, &at), &sent[3]);
    assert_null(api_fields_next(&declared, API_FIELD_CE, &at));
    at = request.header_count;
    assert_ptr_equal(api_fields_previous(&declared, API_FIELD_ACCEPT, &at), &sent[5]);
    assert_ptr_equal(api_fields_previous(&declared, API_FIELD_ACCEPT, &at), &sent[2]);
    assert_null(api_fields_previous(&declared, API_FIELD_ACCEPT, &at));
}

/* The signal that ended a child which reads the field, 0 when it went on. */
static int signal_after_reading(unsigned of_operation, enum api_field field)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct api_fields fields = {&request, of_operation};
        close(STDERR_FILENO);
        (void)api_fields_first(&fields, field);
        _exit(0);
    }
    int ended = 0;
    assert_int_equal(waitpid(child, &ended, 0), child);
    return WIFSIGNALED(ended) ? WTERMSIG(ended) : WEXITSTATUS(ended);
}

static void what_is_not_declared_is_not_read(void **state)
{
    (void)state;
    for (enum api_field field = 0; field < API_FIELD_COUNT; field++) {
        unsigned all_others = ~API_FIELD_BIT(field);
        assert_int_equal(signal_after_reading(API_FIELD_BIT(field), field), 0);
        assert_int_equal(signal_after_reading(all_others, field),
                         api_field_is_of_all(field) ? 0 : SIGABRT);
    }
}

static void pages_may_send_what_browsers_ask_about(void **state)
{
    (void)state;
    static const char *const names[] = {
        "authorization",   "cache-control", "content-encoding", "content-type", "ce-id",
        "idempotency-key", "if-none-match", "last-event-id",    "traceparent",  "TraceState"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        assert_true(api_field_is_for_pages(str_from(names[i])));
    }
    static const char *const others[] = {"",       "ce-",    "ce-a b", "accept",          "host",
                                         "origin", "x-else", "cookie", "x-forwarded-for", "expect"};
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        assert_false(api_field_is_for_pages(str_from(others[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_no_case),
        cmocka_unit_test(every_field_has_a_name),
        cmocka_unit_test(the_first_is_read),
        cmocka_unit_test(one_of_several_is_none),
        cmocka_unit_test(all_are_found_in_both_directions),
        cmocka_unit_test(what_is_not_declared_is_not_read),
        cmocka_unit_test(pages_may_send_what_browsers_ask_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
