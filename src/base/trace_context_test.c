/* Guards that a context of another program is understood or left alone as W3C Trace Context says,
 * by the cases of the standard's own test suite, and that none grows on its way. */
#include "base/macros.h"
#include "base/trace_context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define TRACE_ID "12345678901234567890123456789012"
#define SPAN_ID  "1234567890123456"

static const struct parent_case {
    const char *text;
    bool is_valid;
    uint8_t flags;
} parent_cases[] = {
    {"00-" TRACE_ID "-" SPAN_ID "-01", true, 1},
    {"00-" TRACE_ID "-" SPAN_ID "-00", true, 0},
    {"00-" TRACE_ID "-" SPAN_ID "-03", true, 3},
    {"00-" TRACE_ID "-" SPAN_ID "-ff", true, 3}, /* others are not carried on */
    {"", false, 0},
    {"00-" TRACE_ID "-" SPAN_ID "-01.", false, 0},
    {"00-" TRACE_ID "-" SPAN_ID "-01-what-the-future-will-be-like", false, 0},
    {"00-" TRACE_ID "-" SPAN_ID "-01-", false, 0},
    {"cc-" TRACE_ID "-" SPAN_ID "-01", true, 1},
    {"cc-" TRACE_ID "-" SPAN_ID "-01-what-the-future-will-be-like", true, 1},
    {"cc-" TRACE_ID "-" SPAN_ID "-01.what-the-future-will-not-be-like", false, 0},
    {"cc-" TRACE_ID "-" SPAN_ID "-01-", true, 1},
    {"ff-" TRACE_ID "-" SPAN_ID "-01", false, 0},
    {".0-" TRACE_ID "-" SPAN_ID "-01", false, 0},
    {"0.-" TRACE_ID "-" SPAN_ID "-01", false, 0},
    {"0-" TRACE_ID "-" SPAN_ID "-01", false, 0},
    {"000-" TRACE_ID "-" SPAN_ID "-01", false, 0},
    {"CC-" TRACE_ID "-" SPAN_ID "-01", false, 0},
    {"00-00000000000000000000000000000000-" SPAN_ID "-01", false, 0},
    {"00-.2345678901234567890123456789012-" SPAN_ID "-01", false, 0},
    {"00-1234567890123456789012345678901.-" SPAN_ID "-01", false, 0},
    {"00-" TRACE_ID "3-" SPAN_ID "-01", false, 0},
    {"00-1234567890123456789012345678901-" SPAN_ID "-01", false, 0},
    {"00-1234567890123456789012345678901A-" SPAN_ID "-01", false, 0},
    {"00-" TRACE_ID "-0000000000000000-01", false, 0},
    {"00-" TRACE_ID "-.234567890123456-01", false, 0},
    {"00-" TRACE_ID "-123456789012345.-01", false, 0},
    {"00-" TRACE_ID "-" SPAN_ID "7-01", false, 0},
    {"00-" TRACE_ID "-123456789012345-01", false, 0},
    {"00-" TRACE_ID "-123456789012345B-01", false, 0},
    {"00-" TRACE_ID "-" SPAN_ID "-.0", false, 0},
    {"00-" TRACE_ID "-" SPAN_ID "-0.", false, 0},
    {"00-" TRACE_ID "-" SPAN_ID "-0", false, 0},
    {"00-" TRACE_ID "-" SPAN_ID "-001", false, 0},
    {"00-" TRACE_ID "-" SPAN_ID "-0A", false, 0},
    {"00_" TRACE_ID "-" SPAN_ID "-01", false, 0},
    {"00-" TRACE_ID "_" SPAN_ID "-01", false, 0},
    {"00-" TRACE_ID "-" SPAN_ID "_01", false, 0},
};

static void the_cases_of_traceparent(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(parent_cases); i++) {
        struct trace_context context = {.flags = 77};
        bool valid = trace_context_parse(str_from(parent_cases[i].text), &context);
        if (valid != parent_cases[i].is_valid) {
            fail_msg("%s", parent_cases[i].text);
        }
        assert_int_equal(context.flags, valid ? parent_cases[i].flags : 77);
    }
}

/* What was read is written as this version, whatever version it was. */
static void a_context_comes_back(void **state)
{
    (void)state;
    struct trace_context context;
    char text[TRACE_PARENT_BYTES + 1] = {0};
    assert_true(trace_context_parse(STR("cc-" TRACE_ID "-" SPAN_ID "-fd-more"), &context));
    trace_context_format(&context, text);
    assert_string_equal(text, "00-" TRACE_ID "-" SPAN_ID "-01");
}

static void a_packed_context_comes_back(void **state)
{
    (void)state;
    struct trace_context context;
    struct trace_context again;
    char packed[TRACE_PACKED_BYTES_MAX];
    char text[TRACE_PARENT_BYTES + 1] = {0};
    assert_true(trace_context_parse(STR("00-" TRACE_ID "-" SPAN_ID "-03"), &context));
    assert_int_equal(trace_context_pack(&context, packed), TRACE_PACKED_BYTES_MIN);
    context.state = STR("congo=1,rojo=2");
    size_t len = trace_context_pack(&context, packed);
    assert_int_equal(len, TRACE_PACKED_BYTES_MIN + 14);
    assert_true(trace_context_unpack((struct str){packed, len}, &again));
    trace_context_format(&again, text);
    assert_string_equal(text, "00-" TRACE_ID "-" SPAN_ID "-03");
    assert_true(str_equal(again.state, context.state));
    assert_false(trace_context_unpack((struct str){packed, 33}, &again));
    assert_false(trace_context_unpack((struct str){packed, sizeof packed + 1}, &again));
    packed[5] = '=';
    assert_false(trace_context_unpack((struct str){packed, len}, &again));
    memset(packed, 'A', 22); /* the trace id is zero */
    assert_false(trace_context_unpack((struct str){packed, len}, &again));
}

/* --- tracestate --- */

/* Up to two fields; `expected` NULL: all of it counts as absent. */
static const struct state_case {
    const char *first;
    const char *second;
    const char *expected;
} state_cases[] = {
    {"foo=1", NULL, "foo=1"},
    {"foo=1,bar=2", NULL, "foo=1,bar=2"},
    {"foo=1,bar=2", "rojo=1,congo=2", "foo=1,bar=2,rojo=1,congo=2"},
    {"foo=1", "", "foo=1"},
    {"", "foo=1", "foo=1"},
    {"", NULL, NULL},
    {"foo=1 \t , \t bar=2, \t baz=3", NULL, "foo=1,bar=2,baz=3"},
    {"foo=1\t,", "  ,bar=2", "foo=1,bar=2"},
    {"foo=1,,,bar=2,", NULL, "foo=1,bar=2"},
    {"foo=1,foo=1", NULL, "foo=1,foo=1"}, /* kept as it is */
    {"foo@dt=1", NULL, "foo@dt=1"},
    {"0a=1", NULL, "0a=1"},
    {"a_-*/z0@b_-*/9= !\"#$%&'()*+-./:;<>?@[\\]^_`{|}~", NULL,
     "a_-*/z0@b_-*/9= !\"#$%&'()*+-./:;<>?@[\\]^_`{|}~"},
    {"foo", NULL, NULL},
    {"foo=", NULL, NULL},
    {"=1", NULL, NULL},
    {"foo =1", NULL, NULL},
    {"FOO=1", NULL, NULL},
    {"foo.bar=1", NULL, NULL},
    {"foo@=1,bar=2", NULL, NULL},
    {"@foo=1,bar=2", NULL, NULL},
    {"foo@@bar=1,bar=2", NULL, NULL},
    {"foo@bar@baz=1,bar=2", NULL, NULL},
    {"foo=bar=baz", NULL, NULL},
    {"foo=1", "bar=a\tb", NULL},
    {"foo=\x7f", NULL, NULL},
    {"foo=\xc3\xbc", NULL, NULL},
    {"foo=1;bar=2", NULL, NULL},
};

static void the_cases_of_tracestate(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(state_cases); i++) {
        const struct state_case *its = &state_cases[i];
        struct trace_state all;
        trace_state_init(&all);
        trace_state_add(&all, str_from(its->first));
        if (its->second != NULL) {
            trace_state_add(&all, str_from(its->second));
        }
        struct str text = trace_state_text(&all);
        bool right =
            its->expected == NULL ? text.data == NULL : str_equal(text, str_from(its->expected));
        if (!right) {
            fail_msg("%s: %.*s", its->first, STR_FORMAT(text));
        }
    }
}

static void add_members(struct trace_state *all, unsigned count, size_t value_bytes)
{
    char member[512];
    for (unsigned i = 0; i < count; i++) {
        int len = snprintf(member, sizeof member, "k%02u=", i);
        memset(member + len, 'v', value_bytes);
        trace_state_add(all, (struct str){member, (size_t)len + value_bytes});
    }
}

static void keys_and_values_have_a_length(void **state)
{
    (void)state;
    static const struct {
        size_t tenant_bytes;
        size_t system_bytes;
        size_t value_bytes;
        bool is_valid;
    } cases[] = {{256, 0, 1, true},   {257, 0, 1, false}, {241, 14, 1, true}, {242, 14, 1, false},
                 {241, 15, 1, false}, {1, 0, 256, true},  {1, 0, 257, false}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char text[600];
        size_t len = cases[i].tenant_bytes;
        struct trace_state all;
        memset(text, 't', len);
        if (cases[i].system_bytes > 0) {
            text[len++] = '@';
            memset(text + len, 's', cases[i].system_bytes);
            len += cases[i].system_bytes;
        }
        text[len++] = '=';
        memset(text + len, 'v', cases[i].value_bytes);
        trace_state_init(&all);
        trace_state_add(&all, (struct str){text, len + cases[i].value_bytes});
        assert_int_equal(trace_state_text(&all).data != NULL, cases[i].is_valid);
    }
}

static void more_members_than_there_may_be_are_none(void **state)
{
    (void)state;
    struct trace_state all;
    trace_state_init(&all);
    add_members(&all, TRACE_STATE_MEMBERS_MAX, 1);
    assert_int_equal(trace_state_text(&all).len, TRACE_STATE_MEMBERS_MAX * 6 - 1);
    trace_state_add(&all, STR("one=more"));
    assert_null(trace_state_text(&all).data);
}

/* 512 characters come through whole; beyond them large members go first, then the last ones. */
static void what_is_too_long_is_shortened_by_members(void **state)
{
    (void)state;
    struct trace_state all;
    trace_state_init(&all);
    add_members(&all, 4, 123); /* 4 * 127 and three commas */
    trace_state_add(&all, (struct str){"", 0});
    assert_int_equal(trace_state_text(&all).len, 4 * 127 + 3);
    trace_state_add(&all, STR("x=1"));
    trace_state_add(&all, STR("y=1")); /* nor what would have found room */
    assert_int_equal(trace_state_text(&all).len, 4 * 127 + 3);
    trace_state_init(&all);
    trace_state_add(&all, STR("first=1"));
    add_members(&all, 2, 250);
    trace_state_add(&all, STR("last=1"));
    assert_true(str_equal(trace_state_text(&all), STR("first=1,last=1")));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cases_of_traceparent),
        cmocka_unit_test(a_context_comes_back),
        cmocka_unit_test(a_packed_context_comes_back),
        cmocka_unit_test(the_cases_of_tracestate),
        cmocka_unit_test(keys_and_values_have_a_length),
        cmocka_unit_test(more_members_than_there_may_be_are_none),
        cmocka_unit_test(what_is_too_long_is_shortened_by_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
