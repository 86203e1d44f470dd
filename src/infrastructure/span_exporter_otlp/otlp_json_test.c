/* Guards the shape of what collectors get, whatever texts are in it: another reader of JSON than
 * ours reads it. */
#include "infrastructure/span_exporter_otlp/otlp_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <yyjson.h>

#include <cmocka.h>

enum { JSON_BYTES_MAX = 1 << 20 };

static struct trace_context context_of(uint8_t byte)
{
    struct trace_context context = {.flags = TRACE_FLAG_SAMPLED};
    memset(context.trace_id, byte, sizeof context.trace_id);
    memset(context.span_id, byte, sizeof context.span_id);
    return context;
}

/* The document of one span; the caller frees it. */
static yyjson_doc *render(const struct span *span, const struct otlp_resource *resource)
{
    struct buffer json;
    buffer_init(&json, JSON_BYTES_MAX);
    otlp_json_begin(&json, resource);
    otlp_json_append_span(&json, span);
    otlp_json_end(&json);
    assert_int_equal(json.failed, STATUS_OK);
    yyjson_doc *document = yyjson_read(json.data, json.len, 0);
    if (document == NULL) {
        fail_msg("this is no JSON: %.*s", (int)json.len, json.data);
    }
    buffer_deinit(&json);
    return document;
}

static yyjson_val *at(yyjson_doc *document, const char *pointer)
{
    yyjson_val *value = yyjson_doc_ptr_get(document, pointer);
    if (value == NULL) {
        fail_msg("%s is missing", pointer);
    }
    return value;
}

static const char *text_at(yyjson_doc *document, const char *pointer)
{
    return yyjson_get_str(at(document, pointer));
}

#define SPAN "/resourceSpans/0/scopeSpans/0/spans/0"

static void a_span_has_the_shape_of_otlp(void **state)
{
    (void)state;
    struct trace_context links[2] = {context_of(3), context_of(4)};
    links[1].state = STR("a=1");
    struct span span = {
        .kind = SPAN_SERVER,
        .name = STR("POST /api/logs"),
        .context = context_of(1),
        .begun_ns = 1700000000000000001,
        .ended_ns = 1700000000000000002,
        .failed = true,
        .problem = STR("unavailable"),
        .links = links,
        .link_count = 2,
        .links_dropped = 9,
    };
    memset(span.parent_id, 2, sizeof span.parent_id);
    span.context.state = STR("congo=1");
    span_add_text(&span, STR("http.route"), STR("/api/logs"));
    span_add_text(&span, STR("left.out"), (struct str){0});
    span_add_number(&span, STR("http.response.status_code"), -503);
    const struct otlp_resource resource = {.attributes = STR(""), .version = STR("1.2.3")};
    yyjson_doc *document = render(&span, &resource);
    assert_string_equal(text_at(document, SPAN "/traceId"), "01010101010101010101010101010101");
    assert_string_equal(text_at(document, SPAN "/spanId"), "0101010101010101");
    assert_string_equal(text_at(document, SPAN "/parentSpanId"), "0202020202020202");
    assert_string_equal(text_at(document, SPAN "/traceState"), "congo=1");
    assert_string_equal(text_at(document, SPAN "/name"), "POST /api/logs");
    assert_string_equal(text_at(document, SPAN "/startTimeUnixNano"), "1700000000000000001");
    assert_string_equal(text_at(document, SPAN "/endTimeUnixNano"), "1700000000000000002");
    assert_string_equal(text_at(document, SPAN "/attributes/0/value/stringValue"), "/api/logs");
    assert_string_equal(text_at(document, SPAN "/attributes/1/value/intValue"), "-503");
    assert_string_equal(text_at(document, SPAN "/links/1/traceState"), "a=1");
    assert_string_equal(text_at(document, SPAN "/status/message"), "unavailable");
    assert_int_equal(yyjson_get_int(at(document, SPAN "/kind")), 2);
    assert_int_equal(yyjson_get_int(at(document, SPAN "/flags")), 1);
    assert_int_equal(yyjson_get_int(at(document, SPAN "/status/code")), 2);
    assert_int_equal(yyjson_get_int(at(document, SPAN "/droppedLinksCount")), 9);
    yyjson_doc_free(document);
}

/* Whatever bytes: JSON of well-formed UTF-8, and no more of it than is sensible. */
static void hostile_texts_stay_texts(void **state)
{
    (void)state;
    static char endless[100000];
    memset(endless, 'x', sizeof endless);
    static const char *const texts[] = {
        "\"},{\"",      "\\",           "\x01\x1f\n",           "\xff\xfe\xc3(",
        "\xf0\x9f\x98", "\xed\xa0\x80", "</script>\xe2\x80\xa8"};
    for (size_t i = 0; i <= sizeof texts / sizeof *texts; i++) {
        bool last = i == sizeof texts / sizeof *texts;
        struct str text = last ? (struct str){endless, sizeof endless} : str_from(texts[i]);
        struct span span = {.kind = SPAN_INTERNAL, .name = text, .context = context_of(1)};
        span.failed = true;
        span.problem = text;
        span_add_text(&span, STR("a"), text);
        yyjson_doc *document =
            render(&span, &(struct otlp_resource){.service_name = text, .version = text});
        const char *name = text_at(document, SPAN "/name");
        assert_in_range(strlen(name), 1, 1024 + 4);
        assert_string_equal(text_at(document, "/resourceSpans/0/resource/attributes/0/value/"
                                              "stringValue"),
                            name);
        yyjson_doc_free(document);
    }
}

static void the_resource_says_who_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *attributes;
        const char *expected;
        size_t count;
    } cases[] = {
        {"", "", "usertrail", 6},
        {"", "service.name=listed,zone=a", "listed", 7},
        {"named", "service.name=listed,service.instance.id=7", "named", 6},
        {"", "service.version=9,zone=a,zone=b,telemetry.sdk.name=x,service.instance.id=7",
         "usertrail", 7},
    };
    const struct span span = {.kind = SPAN_INTERNAL, .name = STR("x"), .context = context_of(1)};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct otlp_resource resource = {.service_name = str_from(cases[i].name),
                                               .attributes = str_from(cases[i].attributes),
                                               .instance = STR("i-1"),
                                               .version = STR("1")};
        yyjson_doc *document = render(&span, &resource);
        yyjson_val *attributes = at(document, "/resourceSpans/0/resource/attributes");
        assert_int_equal(yyjson_arr_size(attributes), cases[i].count);
        assert_string_equal(text_at(document, "/resourceSpans/0/resource/attributes/0/value/"
                                              "stringValue"),
                            cases[i].expected);
        yyjson_doc_free(document);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_span_has_the_shape_of_otlp),
        cmocka_unit_test(hostile_texts_stay_texts),
        cmocka_unit_test(the_resource_says_who_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
