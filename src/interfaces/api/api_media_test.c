/*
 * Guards which reader each kind of body gets: activities, CloudEvents in each mode of their HTTP
 * binding, and what a browser's beacon sends.
 */
#include "interfaces/api/api_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define EVENT                                                                                      \
    "{\"specversion\":\"1.0\",\"id\":\"A\",\"source\":\"/s\",\"type\":\"t\",\"subject\":\"u\","    \
    "\"data\":{\"n\":1}}"

static const struct http_exchange *post_as(struct api_bed *bed, const char *type, const char *body)
{
    bed_request(bed, HTTP_METHOD_POST, "/logs");
    bed_set_body(bed, body);
    bed_add_header(bed, STR("Content-Type"), type);
    return bed_run(bed);
}

/* A binary event with the attributes that all have; the test adds others, and runs it. */
static void request_binary(struct api_bed *bed, const char *type, const char *body)
{
    bed_request(bed, HTTP_METHOD_POST, "/logs");
    if (body != NULL) {
        bed_set_body(bed, body);
    }
    if (type != NULL) {
        bed_add_header(bed, STR("Content-Type"), type);
    }
    bed_add_header(bed, STR("ce-specversion"), "1.0");
    bed_add_header(bed, STR("CE-ID"), "A");
    bed_add_header(bed, STR("ce-source"), "/s");
    bed_add_header(bed, STR("ce-type"), "t");
}

static void expect_appended(const struct api_bed *bed, const char *user, const char *metadata)
{
    if (bed->exchange.answers != 0) {
        fail_msg("%s", bed->exchange.answer);
    }
    assert_int_equal(bed->appended_count, 1);
    if (!str_equal(bed->appended[0].user_id, str_from(user)) ||
        !str_equal(bed->appended[0].metadata, str_from(metadata))) {
        fail_msg("%.*s %.*s", STR_FORMAT(bed->appended[0].user_id),
                 STR_FORMAT(bed->appended[0].metadata));
    }
}

static void structured_events_are_read(void **state)
{
    struct api_bed *bed = *state;
    post_as(bed, "application/cloudevents+json; charset=UTF-8", EVENT);
    expect_appended(bed, "u", "{\"n\":1}");
    assert_int_equal(bed->appended[0].id.data[14], '8');
    assert_true(bed_is_problem(post_as(bed, "application/cloudevents+json", "[" EVENT "]"), 400,
                               "CloudEvent must be a JSON object"));
    assert_true(bed_is_problem(post_as(bed, "application/cloudevents+json", BED_ONE), 400,
                               "\"pointer\":\"/specversion\""));
}

static void batches_of_events_are_read(void **state)
{
    struct api_bed *bed = *state;
    const char *type = "application/cloudevents-batch+json";
    post_as(bed, type, "[" EVENT ",7," EVENT "]");
    assert_int_equal(bed->appended_count, 2);
    assert_true(str_equal(bed->appended[0].id, bed->appended[1].id));
    bed_complete(bed, STATUS_OK, 1, true);
    assert_non_null(strstr(bed->exchange.answer, "\"accepted\":2,\"rejected\":1,"));
    assert_true(bed_is_problem(post_as(bed, type, EVENT), 400, "not a JSON array"));
    assert_true(bed_is_problem(post_as(bed, type, "[" BED_ONE "]"), 400, "nothing-accepted"));
}

/* In whatever way it comes, it is the same event. */
static void binary_events_are_read(void **state)
{
    struct api_bed *bed = *state;
    char id[UUID_TEXT_BYTES];
    post_as(bed, "application/cloudevents+json", EVENT);
    memcpy(id, bed->appended[0].id.data, sizeof id);
    request_binary(bed, "application/json", "{\"n\": 1}");
    bed_add_header(bed, STR("ce-subject"), "u");
    bed_run(bed);
    expect_appended(bed, "u", "{\"n\":1}");
    assert_memory_equal(bed->appended[0].id.data, id, sizeof id);
    request_binary(bed, NULL, "{\"n\": 1}");
    bed_add_header(bed, STR("ce-subject"), "u");
    bed_run(bed);
    expect_appended(bed, "u", "{\"n\":1}");
    request_binary(bed, NULL, NULL);
    bed_add_header(bed, STR("ce-subject"), "u");
    bed_run(bed);
    expect_appended(bed, "u", "{}");
}

struct data_case {
    const char *type;
    const char *body;
    const char *metadata;
};

static void data_of_other_types_is_kept(void **state)
{
    struct api_bed *bed = *state;
    static const struct data_case cases[] = {
        {"text/plain", "a \"b\"",
         "{\"data\":\"a \\\"b\\\"\",\"cloudevent\":{\"datacontenttype\":\"text/plain\"}}"},
        {"application/xml", "<a/>",
         "{\"data\":\"<a/>\",\"cloudevent\":{\"datacontenttype\":\"application/xml\"}}"},
        {"text/plain", "\xff",
         "{\"data_base64\":\"/w==\",\"cloudevent\":{\"datacontenttype\":\"text/plain\"}}"},
        {"image/png", "png",
         "{\"data_base64\":\"cG5n\",\"cloudevent\":{\"datacontenttype\":\"image/png\"}}"},
        {"application/vnd.a+json", "[1]", "{\"data\":[1]}"},
        {"image/png", "", "{\"cloudevent\":{\"datacontenttype\":\"image/png\"}}"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        request_binary(bed, cases[i].type, cases[i].body);
        bed_add_header(bed, STR("ce-subject"), "u");
        bed_run(bed);
        expect_appended(bed, "u", cases[i].metadata);
    }
}

static void fields_are_decoded(void **state)
{
    struct api_bed *bed = *state;
    static const char *const values[][2] = {
        {"Euro %E2%82%AC %F0%9F%98%80", "Euro \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"a+b%25", "a+b%"},
        {"\"in \\\"quotes\\\" %20\"", "in \"quotes\"  "},
        {"\"\\\\\"", "\\"},
        {"a\"", "a\""},
        {"\xc3\xa9", "\xc3\xa9"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
        request_binary(bed, NULL, NULL);
        bed_add_header(bed, STR("Ce-Subject"), values[i][0]);
        bed_run(bed);
        expect_appended(bed, values[i][1], "{}");
    }
    static const char *const wrong[] = {"%", "%4", "%zz", "%ff", "%00", "\xff", "%ED%A0%80"};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        request_binary(bed, NULL, NULL);
        bed_add_header(bed, STR("ce-subject"), wrong[i]);
        assert_true(bed_is_problem(bed_run(bed), 400, "\"pointer\":\"/subject\""));
    }
}

static void binary_events_lack_what_others_lack(void **state)
{
    struct api_bed *bed = *state;
    request_binary(bed, NULL, NULL);
    assert_true(bed_is_problem(bed_run(bed), 400, "\"pointer\":\"/subject\""));
    bed_request(bed, HTTP_METHOD_POST, "/logs");
    bed_set_body(bed, BED_ONE);
    bed_add_header(bed, STR("ce-id"), "A");
    assert_true(bed_is_problem(bed_run(bed), 400, "\"pointer\":\"/specversion\""));
    static const char *const names[] = {"ce-data", "ce-datacontenttype", "ce-id", "ce-a_b"};
    static const char *const pointers[] = {"/data", "/datacontenttype", "/id", "/a_b"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        request_binary(bed, NULL, NULL);
        bed_add_header(bed, STR("ce-subject"), "u");
        bed_add_header(bed, str_from(names[i]), "x");
        assert_true(bed_is_problem(bed_run(bed), 400, pointers[i]));
    }
    request_binary(bed, "application/json", "{\"a\":1},\"subject\":\"bob\"");
    bed_add_header(bed, STR("ce-subject"), "u");
    assert_true(bed_is_problem(bed_run(bed), 400, "\"pointer\":\"/data\""));
    char large[BED_ACTIVITY_MAX + 2];
    snprintf(large, sizeof large, "%0*d", BED_ACTIVITY_MAX + 1, 1);
    request_binary(bed, "text/plain", large);
    bed_add_header(bed, STR("ce-subject"), "u");
    assert_true(bed_is_problem(bed_run(bed), 413, "at most 1024 bytes"));
}

static void an_event_is_no_other_kind(void **state)
{
    struct api_bed *bed = *state;
    bed_request(bed, HTTP_METHOD_POST, "/logs");
    bed_set_body(bed, BED_ONE);
    bed_add_header(bed, STR("ce-other"), "of some proxy");
    bed_add_header(bed, STR("ce-"), "x");
    bed_run(bed);
    expect_appended(bed, "u", "{}");
    request_binary(bed, "Application/CloudEvents+json", EVENT);
    bed_run(bed);
    expect_appended(bed, "u", "{\"n\":1}");
    request_binary(bed, "application/cloudevents+avro", EVENT);
    assert_true(bed_is_problem(bed_run(bed), 415, "application/cloudevents+json"));
    post_as(bed, "text/plain;charset=UTF-8", BED_ONE);
    expect_appended(bed, "u", "{}");
    assert_true(
        bed_is_problem(post_as(bed, "text/html", BED_ONE), 415,
                       "application/json, application/x-ndjson, application/cloudevents+json, "
                       "application/cloudevents-batch+json, text/plain"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(structured_events_are_read), TEST(batches_of_events_are_read),
        TEST(binary_events_are_read),     TEST(data_of_other_types_is_kept),
        TEST(fields_are_decoded),         TEST(binary_events_lack_what_others_lack),
        TEST(an_event_is_no_other_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
