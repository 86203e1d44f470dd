/*
 * Guards the reading of CloudEvents: what becomes of each attribute and of each kind of data, and
 * that what is wrong is told where it stands in the event.
 */
#include "application/cloud_event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1768435085442) /* 2026-01-14T23:58:05.442Z */

/* What every event has, for those that differ in something else. */
#define START                                                                                      \
    "{\"specversion\":\"1.0\",\"id\":\"A234\",\"source\":\"/shop\",\"type\":\"com.shop.buy\","     \
    "\"subject\":\"ann\""

struct reading {
    struct activity_json_reader reader;
    struct arena arena;
    char *text;
    char *data;
    struct cloud_event event;
    struct rejection rejection;
    enum status status;
};

/* Exactly as long as promised to the reader, so that a sanitizer sees a read beyond it. */
static char *padded(const char *text)
{
    size_t len = strlen(text);
    char *copy = calloc(1, len + ACTIVITY_JSON_PADDING_BYTES);
    assert_non_null(copy);
    memcpy(copy, text, len);
    return copy;
}

/* `data` is NULL when it stands in the text. */
static void read_event(struct reading *reading, const char *text, const char *data)
{
    *reading = (struct reading){.text = padded(text), .data = padded(data == NULL ? "" : data)};
    assert_int_equal(
        activity_json_reader_init(&reading->reader, &activity_rules_default, 64 * 1024), STATUS_OK);
    arena_init(&reading->arena, 1 << 20);
    const struct activity_json_text json = {reading->text, strlen(text), NOW_MS, &reading->arena};
    struct activity_json_text beside = json;
    if (data != NULL) {
        beside.data = reading->data;
        beside.len = strlen(data);
    }
    reading->status = cloud_event_read(&reading->reader, &json, data == NULL ? NULL : &beside,
                                       &reading->event, &reading->rejection);
}

static void forget(struct reading *reading)
{
    free(reading->text);
    free(reading->data);
    arena_deinit(&reading->arena);
    activity_json_reader_deinit(&reading->reader);
}

static void expect_str(struct str got, const char *wanted)
{
    if (!str_equal(got, str_from(wanted))) {
        fail_msg("%.*s is not %s", STR_FORMAT(got), wanted);
    }
}

static void expect_metadata(const char *text, const char *data, const char *metadata)
{
    struct reading r;
    read_event(&r, text, data);
    if (r.status != STATUS_OK) {
        fail_msg("%s: %s %s", text, r.rejection.faults[0].pointer, r.rejection.faults[0].detail);
    }
    expect_str(r.event.draft.activity.metadata, metadata);
    forget(&r);
}

/* The first fault; that there are no others says NULL. */
static void expect_fault(const char *text, const char *pointer, const char *words)
{
    struct reading r;
    read_event(&r, text, NULL);
    assert_int_equal(r.status, STATUS_INVALID);
    if (strcmp(r.rejection.faults[0].pointer, pointer) != 0 || r.rejection.count != 1 ||
        strstr(r.rejection.faults[0].detail, words) == NULL) {
        fail_msg("%s: %zu faults, %s %s", text, r.rejection.count, r.rejection.faults[0].pointer,
                 r.rejection.faults[0].detail);
    }
    forget(&r);
}

static void attributes_become_members(void **state)
{
    (void)state;
    struct reading r;
    read_event(&r, START ",\"time\":\"2024-01-15T10:00:00.5+01:00\",\"data\":{ \"n\" : 1.10 } }",
               NULL);
    assert_int_equal(r.status, STATUS_OK);
    expect_str(r.event.id, "A234");
    expect_str(r.event.source, "/shop");
    assert_null(r.event.draft.activity.id.data);
    expect_str(r.event.draft.activity.user_id, "ann");
    expect_str(r.event.draft.activity.action, "com.shop.buy");
    expect_str(r.event.draft.activity.metadata, "{\"n\":1.10}");
    assert_true(r.event.draft.has_timestamp);
    assert_int_equal(r.event.draft.activity.timestamp_ms, INT64_C(1705309200500));
    forget(&r);
    read_event(&r, START ",\"time\":null}", NULL);
    assert_int_equal(r.status, STATUS_OK);
    assert_false(r.event.draft.has_timestamp);
    forget(&r);
}

static void every_kind_of_data_is_kept(void **state)
{
    (void)state;
    expect_metadata(START "}", NULL, "{}");
    expect_metadata(START ",\"data\":{}}", NULL, "{}");
    expect_metadata(START ",\"data\":null}", NULL, "{\"data\":null}");
    expect_metadata(START ",\"data\":[1,{\"a\":2}]}", NULL, "{\"data\":[1,{\"a\":2}]}");
    expect_metadata(START ",\"data\":\"te\\u0078t\"}", NULL, "{\"data\":\"text\"}");
    expect_metadata(START ",\"data\":1e400}", NULL, "{\"data\":1e400}");
    expect_metadata(START ",\"data\":false}", NULL, "{\"data\":false}");
    expect_metadata(START ",\"data_base64\":\"AP8=\"}", NULL, "{\"data_base64\":\"AP8=\"}");
    expect_metadata(START ",\"data_base64\":\"\"}", NULL, "{\"data_base64\":\"\"}");
    expect_metadata(START ",\"data_base64\":null,\"data\":7}", NULL, "{\"data\":7}");
}

static void data_may_stand_beside_the_attributes(void **state)
{
    (void)state;
    expect_metadata(START "}", " {\"a\": 1}\n", "{\"a\":1}");
    expect_metadata(START "}", "[1,2]", "{\"data\":[1,2]}");
    expect_metadata(START "}", "17", "{\"data\":17}");
    expect_metadata(START ",\"ext\":\"e\"}", "{}", "{\"cloudevent\":{\"ext\":\"e\"}}");
    struct reading r;
    read_event(&r, START "}", "{\"a\":1},\"subject\":\"bob\"");
    assert_int_equal(r.status, STATUS_INVALID);
    assert_string_equal(r.rejection.faults[0].pointer, "/data");
    forget(&r);
}

/* Whatever an event says beside its data; JSON as its type says nothing new. */
static void what_is_beside_data_is_kept(void **state)
{
    (void)state;
    expect_metadata(START ",\"datacontenttype\":\"application/json; charset=utf-8\",\"data\":{}}",
                    NULL, "{}");
    expect_metadata(START ",\"datacontenttype\":\"application/vnd.x+JSON\",\"data\":{\"a\":1}}",
                    NULL, "{\"a\":1}");
    expect_metadata(START ",\"datacontenttype\":\"text/xml\",\"data\":\"<a/>\"}", NULL,
                    "{\"data\":\"<a/>\",\"cloudevent\":{\"datacontenttype\":\"text/xml\"}}");
    expect_metadata(START ",\"dataschema\":\"https://x/y\",\"data\":{\"a\":1}}", NULL,
                    "{\"a\":1,\"cloudevent\":{\"dataschema\":\"https://x/y\"}}");
    expect_metadata(START ",\"b2\":\"x\",\"flag\":true,\"n\":-7,\"none\":null,\"data\":{}}", NULL,
                    "{\"cloudevent\":{\"b2\":\"x\",\"flag\":true,\"n\":-7}}");
    expect_metadata(START ",\"none\":null,\"data\":{\"cloudevent\":1}}", NULL,
                    "{\"cloudevent\":1}");
    expect_fault(START ",\"b\":\"x\",\"data\":{\"cloudevent\":1}}", "/data/cloudevent",
                 "otherwise");
}

static void required_attributes_are_required(void **state)
{
    (void)state;
    static const char *const required[] = {"specversion", "id", "source", "type", "subject"};
    static const char *const values[] = {"1.0", "A", "/s", "t", "u"};
    for (size_t missing = 0; missing < ARRAY_LENGTH(required); missing++) {
        static const char *const wrong[] = {"", "null", "\"\"", "7", "{}"};
        for (size_t how = 0; how < ARRAY_LENGTH(wrong); how++) {
            char text[512] = "{\"data\":{}";
            char pointer[32];
            for (size_t i = 0; i < ARRAY_LENGTH(required); i++) {
                size_t used = strlen(text);
                if (i != missing) {
                    snprintf(text + used, sizeof text - used, ",\"%s\":\"%s\"", required[i],
                             values[i]);
                } else if (how > 0) {
                    snprintf(text + used, sizeof text - used, ",\"%s\":%s", required[i],
                             wrong[how]);
                }
            }
            snprintf(text + strlen(text), sizeof text - strlen(text), "}");
            snprintf(pointer, sizeof pointer, "/%s", required[missing]);
            expect_fault(text, pointer, how < 2 ? "is required" : "must");
        }
    }
}

static void faults_point_into_the_event(void **state)
{
    (void)state;
    expect_fault("[]", "", "CloudEvent must be a JSON object, not an array");
    expect_fault("7", "", "not a number");
    expect_fault("{", "", "not JSON");
    expect_fault("", "", "no JSON");
    expect_fault(START ",\"time\":\"yesterday\"}", "/time", "RFC 3339");
    expect_fault(START ",\"time\":\"2026-01-16T00:00:00Z\"}", "/time", "ahead");
    expect_fault(START ",\"subject\":\"bob\"}", "/subject", "more than once");
    expect_fault(START ",\"ext\":1,\"ext\":1}", "/ext", "more than once");
    expect_fault(START ",\"Ext\":1}", "/Ext", "a to z");
    expect_fault(START ",\"a/b\":1}", "/a~1b", "a to z");
    expect_fault(START ",\"\":1}", "/", "a to z");
    expect_fault(START ",\"ext\":[]}", "/ext", "not an array");
    expect_fault(START ",\"datacontenttype\":7}", "/datacontenttype", "string");
    expect_fault(START ",\"datacontenttype\":[1,2,3]}", "/datacontenttype", "string");
    expect_fault(START ",\"dataschema\":\"\"}", "/dataschema", "empty");
    expect_fault(START ",\"data\":{\"a\":[0,{\"k\":1,\"k\":2}]}}", "/data/a/1/k", "more than once");
    expect_fault(START ",\"data\":[{\"k\":1,\"k\":2}]}", "/data/0/k", "more than once");
    expect_fault(START ",\"data\":1,\"data_base64\":\"AA==\"}", "/data_base64", "beside data");
    static const char *const bad[] = {
        "\"A\"",    "\"AA\"",   "\"AAA\"",     "\"AA=A\"", "\"AA==AAAA\"",
        "\"AB==\"", "\"A-_A\"", "\"AAAA\\n\"", "7",        "[]"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        char text[256];
        snprintf(text, sizeof text, START ",\"data_base64\":%s}", bad[i]);
        expect_fault(text, "/data_base64", "base64");
    }
    expect_fault(
        "{\"specversion\":\"0.3\",\"id\":\"A\",\"source\":\"/s\",\"type\":\"t\",\"subject\":\"u\"}",
        "/specversion", "1.0");
    expect_fault("{\"specversion\":\"1.0\",\"id\":\"A\",\"source\":\"/"
                 "s\",\"type\":\"t\\n\",\"subject\":\"u\"}",
                 "/type", "control");
    expect_fault("{\"specversion\":\"1.0\",\"id\":\"A\",\"source\":\"/"
                 "s\",\"type\":\"t\",\"subject\":\"null\"}",
                 "/subject", "");
}

/* So many levels as metadata may have, of which the object around other data is one. */
static void the_bounds_are_those_of_metadata(void **state)
{
    (void)state;
    enum { DEEP = 32, LARGE = 64 * 1024 };
    static char text[LARGE + 1024];
    for (size_t levels = DEEP - 1; levels <= DEEP; levels++) {
        struct reading r;
        char open[DEEP + 1] = "";
        char close[DEEP + 1] = "";
        memset(open, '[', levels);
        memset(close, ']', levels);
        snprintf(text, sizeof text, START ",\"data\":%s%s}", open, close);
        read_event(&r, text, NULL);
        assert_int_equal(r.status, levels < DEEP ? STATUS_OK : STATUS_INVALID);
        assert_true(levels < DEEP || strstr(r.rejection.faults[0].detail, "31 levels") != NULL);
        forget(&r);
    }
    struct reading r;
    snprintf(text, sizeof text, START ",\"data\":\"%0*d\"}", LARGE - 300, 7);
    read_event(&r, text, NULL);
    assert_int_equal(r.status, STATUS_OK);
    forget(&r);
    snprintf(text, sizeof text, START ",\"data\":\"%0*d\"}", LARGE, 7);
    read_event(&r, text, NULL);
    assert_int_equal(r.status, STATUS_TOO_LARGE);
    forget(&r);
}

/* More attributes than anybody has, and no more words than a rejection holds. */
static void attributes_are_bounded(void **state)
{
    (void)state;
    for (size_t count = CLOUD_EVENT_EXTENSIONS_MAX; count < CLOUD_EVENT_EXTENSIONS_MAX + 50;
         count += 49) {
        char text[4096] = START;
        for (size_t i = 0; i < count; i++) {
            snprintf(text + strlen(text), sizeof text - strlen(text), ",\"x%zu\":1", i);
        }
        snprintf(text + strlen(text), sizeof text - strlen(text), "}");
        struct reading r;
        read_event(&r, text, NULL);
        bool fits = count == CLOUD_EVENT_EXTENSIONS_MAX;
        assert_int_equal(r.status, fits ? STATUS_OK : STATUS_INVALID);
        assert_int_equal(r.rejection.count, fits ? 0 : REJECTION_FAULTS_MAX);
        forget(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes_become_members),
        cmocka_unit_test(every_kind_of_data_is_kept),
        cmocka_unit_test(data_may_stand_beside_the_attributes),
        cmocka_unit_test(what_is_beside_data_is_kept),
        cmocka_unit_test(required_attributes_are_required),
        cmocka_unit_test(faults_point_into_the_event),
        cmocka_unit_test(the_bounds_are_those_of_metadata),
        cmocka_unit_test(attributes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
